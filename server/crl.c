/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * crl.c - X.509 revocation lists
 *
 * Pure.
 */
#include "config.h"

#include "server/crl.h"
#include "server/der.h"

#define ENTRY_MAX 64
#define REST_MAX 256

/* AlgorithmIdentifier of ecdsa-with-SHA256 */
static const uint8_t algorithm[] = {
	0x30, 0x0a, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02,
};
static const uint8_t oid_reason[] = { 0x06, 0x03, 0x55, 0x1d, 0x15 };
static const uint8_t oid_number[] = { 0x06, 0x03, 0x55, 0x1d, 0x14 };
static const uint8_t oid_authority_key[] = { 0x06, 0x03, 0x55, 0x1d, 0x23 };

/* What was written since there becomes an extension. */
static void wrap_extension(struct der *d, const uint8_t oid[5],
						   const uint8_t *there)
{
	der_wrap(d, DER_OCTET_STRING, there);
	der_put(d, oid, 5);
	der_wrap(d, DER_SEQUENCE, there);
}

static void put_entry(struct der *d, const struct crl_entry *entry)
{
	const uint8_t *end = der_mark(d);

	if (entry->reason)
	{
		der_put_as(d, DER_ENUMERATED, &entry->reason, 1);
		wrap_extension(d, oid_reason, end);
		der_wrap(d, DER_SEQUENCE, end);
	}
	der_put_time(d, entry->at_s);
	der_put_number(d, entry->serial);
	der_wrap(d, DER_SEQUENCE, end);
}

static void put_extensions(struct der *d, const struct crl *crl)
{
	const uint8_t *end = der_mark(d), *there;

	der_put_number(d, crl->number);
	wrap_extension(d, oid_number, end);
	there = der_mark(d);
	der_put_as(d, 0x80, crl->key_id, crl->key_id_len);
	der_wrap(d, DER_SEQUENCE, there);
	wrap_extension(d, oid_authority_key, there);
	der_wrap(d, DER_SEQUENCE, end);
	der_wrap(d, DER_CONTEXT(0), end);
}

uint8_t *crl_unsigned(const struct crl *crl, size_t *len)
{
	const uint8_t *end, *entries;
	struct der d;

	der_init(&d, crl->issuer_len + crl->key_id_len + REST_MAX +
			 crl->count * ENTRY_MAX);
	end = der_mark(&d);
	put_extensions(&d, crl);
	/* an empty sequence is not one: RFC 5280 5.1.2.6 */
	entries = der_mark(&d);
	for (size_t i = crl->count; i > 0; i--)
	{
		put_entry(&d, &crl->entries[i - 1]);
	}
	if (crl->count)
	{
		der_wrap(&d, DER_SEQUENCE, entries);
	}
	der_put_time(&d, crl->until_s);
	der_put_time(&d, crl->from_s);
	der_put(&d, crl->issuer, crl->issuer_len);
	der_put(&d, algorithm, sizeof(algorithm));
	der_put_number(&d, 1);		/* version 2 */
	der_wrap(&d, DER_SEQUENCE, end);
	return der_take(&d, len);
}

uint8_t *crl_signed(const uint8_t *unsigned_list, size_t len,
					const uint8_t *signature, size_t signature_len,
					size_t *crl_len)
{
	static const uint8_t no_unused_bits = 0;
	const uint8_t *end;
	struct der d;

	der_init(&d, len + signature_len + REST_MAX);
	end = der_mark(&d);
	der_put(&d, signature, signature_len);
	der_put(&d, &no_unused_bits, 1);
	der_wrap(&d, DER_BIT_STRING, end);
	der_put(&d, algorithm, sizeof(algorithm));
	der_put(&d, unsigned_list, len);
	der_wrap(&d, DER_SEQUENCE, end);
	return der_take(&d, crl_len);
}
