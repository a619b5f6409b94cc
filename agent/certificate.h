/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * certificate.h - this router's keys, and what is done with them
 *
 * Effects: randomness, the clock. The agent's only user of GnuTLS: texts
 * in, texts out.
 */
#ifndef PPVPN_AGENT_CERTIFICATE_H
#define PPVPN_AGENT_CERTIFICATE_H

#include <stdint.h>
#include "err.h"

/** ECDSA P-256; PEM (PKCS#8), to be wiped and freed. */
int certificate_key_new(char **key_pem, struct err *e);
/** SHA-256 of the public key of a private one (PEM), in hex: who it is to people. */
#define CERTIFICATE_KEY_ID_SIZE 65
int certificate_key_id(const char *key_pem, char id[CERTIFICATE_KEY_ID_SIZE],
					   struct err *e);
/** PKCS#10 signed with the key: base64 of DER. name: for people only. */
int certificate_request(const char *key_pem, const char *name, char **csr,
						struct err *e);
/** Whether PEM holds certificates that may sign others. */
int certificate_check_ca(const char *ca_pem, struct err *e);
/** When the first of them began and the last ends, seconds since 1970. */
int certificate_ca_times(const char *ca_pem, int64_t *from_s, int64_t *until_s,
						 struct err *e);
/**
 * When the first certificate of a chain began, if one of the CAs signed it: it
 * is later than that, whatever a clock says. Whether it is valid now, and who
 * showed it, does not matter.
 *
 * @return		seconds since 1970; 0: it proves nothing
 */
int64_t certificate_proves_time(const char *ca_pem, const char *chain_pem);
/** When a certificate (PEM; the first) begins and ends, seconds since 1970. */
int certificate_times(const char *cert_pem, int64_t *from_s, int64_t *until_s,
					  struct err *e);
/**
 * Of which key a certificate is (as certificate_key_id()), and when it begins and
 * ends; base64: of DER, as documents have it.
 */
int certificate_read(const char *base64, char id[CERTIFICATE_KEY_ID_SIZE],
					 int64_t *from_s, int64_t *until_s, struct err *e);
/**
 * The certificate of our key out of the server's answer (base64 of a certs-only
 * PKCS#7), checked against the CA: PEM.
 */
int certificate_take(const char *answer, const char *key_pem,
					 const char *ca_pem, char **cert_pem, struct err *e);
/** As that, with the time of day (seconds since 1970) given. */
int certificate_renewed(const char *answer, const char *key_pem,
						const char *ca_pem, int64_t now_s, char **cert_pem,
						struct err *e);

#endif
