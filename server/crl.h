/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * crl.h - X.509 revocation lists (RFC 5280), to be signed with ECDSA and SHA-256
 *
 * Pure. GnuTLS writes no reasons into a list, so these are written here.
 */
#ifndef PPVPN_SERVER_CRL_H
#define PPVPN_SERVER_CRL_H

#include <stddef.h>
#include <stdint.h>

/* RFC 5280 5.3.1; of those these two are used */
#define CRL_KEY_COMPROMISE 1
#define CRL_CESSATION 5

struct crl_entry
{
	uint64_t serial;
	int64_t at_s;				/* seconds since 1970 */
	uint8_t reason;				/* 0: not said */
};

struct crl
{
	const uint8_t *issuer;		/* the authority's name, DER */
	size_t issuer_len;
	const uint8_t *key_id;		/* its subject key identifier */
	size_t key_id_len;
	uint64_t number;
	int64_t from_s, until_s;
	const struct crl_entry *entries;
	size_t count;
};

/** What is to be signed. The caller frees it. */
uint8_t *crl_unsigned(const struct crl *crl, size_t *len);
/** The list. signature: DER of r and s. The caller frees it. */
uint8_t *crl_signed(const uint8_t *unsigned_list, size_t len,
					const uint8_t *signature, size_t signature_len,
					size_t *crl_len);

#endif
