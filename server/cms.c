/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * cms.c - certificates as CMS
 *
 * Pure.
 */
#include "config.h"

#include "server/cms.h"
#include "server/der.h"

static const uint8_t oid_signed_data[] = {
	0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x02,
};
/* version 1, no digests, content of type data that is not there */
static const uint8_t before[] = {
	0x02, 0x01, 0x01, 0x31, 0x00,
	0x30, 0x0b, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07,
	0x01,
};
/* no signers */
static const uint8_t after[] = { 0x31, 0x00 };

uint8_t *cms_certs_only(const uint8_t *certificate, size_t len,
						size_t *cms_len)
{
	struct der d;
	const uint8_t *end, *certificates_end;

	der_init(&d, len + sizeof(oid_signed_data) + sizeof(before) +
			 sizeof(after) + 4 * DER_HEAD_MAX);
	end = der_mark(&d);
	der_put(&d, after, sizeof(after));
	certificates_end = der_mark(&d);
	der_put(&d, certificate, len);
	/* implicit */
	der_wrap(&d, DER_CONTEXT(0), certificates_end);
	der_put(&d, before, sizeof(before));
	der_wrap(&d, DER_SEQUENCE, end);
	der_wrap(&d, DER_CONTEXT(0), end);
	der_put(&d, oid_signed_data, sizeof(oid_signed_data));
	der_wrap(&d, DER_SEQUENCE, end);
	return der_take(&d, cms_len);
}
