/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * ca.h - the provider's certificate authority for the management channel
 *
 * Effects: GnuTLS, and the files named. ECDSA on P-256 throughout; what a CSR
 * says beside its public key is ignored. Thread safe once loaded.
 */
#ifndef PPVPN_SERVER_CA_H
#define PPVPN_SERVER_CA_H

#include <stddef.h>
#include <stdint.h>
#include "err.h"

struct ca;
struct ca_csr;

#define CA_DER_MAX 8192		/* of a CSR */

/** Make a CA: certificate (30 years) and key, both PEM, mode 0600. */
int ca_create(const char *cert_file, const char *key_file, struct err *e);
int ca_load(const char *cert_file, const char *key_file, struct ca **ca,
			struct err *e);
void ca_free(struct ca *ca);
/** The CA's certificate. */
const char *ca_pem(const struct ca *ca);

/**
 * Make a server certificate (serverAuth, 10 years) and its key.
 *
 * @param hosts	names or addresses; the first is the subject's CN
 */
int ca_make_server(struct ca *ca, const char *const *hosts, size_t count,
				   const char *cert_file, const char *key_file, struct err *e);

/**
 * Read a DER PKCS#10: its signature must fit its key, which must be EC (P-256,
 * P-384, P-521), Ed25519, or RSA of 2048 to 4096 bits.
 */
int ca_csr_read(const uint8_t *der, size_t len, struct ca_csr **csr,
				struct err *e);
/** SHA-256 of its SubjectPublicKeyInfo. */
const uint8_t *ca_csr_spki(const struct ca_csr *csr);
/** Its SubjectPublicKeyInfo, DER; the caller frees it. */
int ca_csr_key(const struct ca_csr *csr, uint8_t **der, size_t *len,
			   struct err *e);
void ca_csr_free(struct ca_csr *csr);

/**
 * The management certificate (clientAuth) of a CE.
 *
 * @param name		"customer/ce", the subject's CN
 * @param life_s	from now on, or to the CA's end if that comes before
 * @param pem		the caller frees it
 * @param ends_s	seconds since 1970
 */
int ca_issue_ce(struct ca *ca, const struct ca_csr *csr, const char *name,
				uint64_t serial, uint32_t life_s, char **pem, int64_t *ends_s,
				struct err *e);

#define CA_OPERATOR_LIFE_S (INT64_C(365) * 24 * 3600)
#define CA_URI_SIZE 128
/**
 * What a certificate of an operator's says that it is, as its URI: no router's
 * certificate has one. The serial tells an old certificate from a new one for
 * the same key.
 */
void ca_operator_uri(const char *name, uint64_t serial,
					 char uri[CA_URI_SIZE]);
/**
 * The certificate (clientAuth, CA_OPERATOR_LIFE_S from now) of an operator.
 *
 * @param name	the operator's, the subject's CN
 * @param pem	the caller frees it
 */
int ca_issue_operator(struct ca *ca, const struct ca_csr *csr,
					  const char *name, uint64_t serial, char **pem,
					  struct err *e);

/** A certificate as certs-only PKCS#7, base64; the caller frees it. */
int ca_pkcs7(const char *pem, char **base64, struct err *e);

/** Is the certificate this CA's, and the key the certificate's? */
int ca_check_server(const struct ca *ca, const char *cert_file,
					const char *key_file, struct err *e);

/** When a certificate file ends, in seconds since 1970. */
int ca_expires(const char *cert_file, int64_t *at_s, struct err *e);
/** Days left of a certificate file, negative when it has expired. */
int ca_days_left(const char *cert_file, long *days, struct err *e);

#endif
