/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * pki.h - certificates and revocation lists made inside a test, by charon's
 * own builders
 *
 * Owns keys that live as long as the test.  Decides nothing.
 */

#ifndef PKI_H_
#define PKI_H_

#include "harness.h"

#include <credentials/certificates/x509.h>

typedef struct pki_t pki_t;

/** A certificate and its key. */
struct pki_t {
	private_key_t *key;
	certificate_t *cert;
	/** both as PEM */
	char *cert_pem, *key_pem;
};

/** Fixture: as harness_setup(), and what charon needs for certificates. */
void pki_setup(void);

/** The same with worker threads. */
void pki_setup_threads(void);

/** Release everything that was made, before harness_teardown(). */
void pki_done(void);

/**
 * Make a certificate, valid from begin to end, in days from now.
 *
 * @param issuer	who signs it, NULL for itself
 * @param name		its common name
 * @param fqdn		its subjectAltName, NULL for none
 * @param flags		X509_CA, X509_CLIENT_AUTH, ...
 * @return			owned by this module
 */
pki_t *pki_make(pki_t *issuer, char *name, char *fqdn, x509_flag_t flags,
				int begin, int end);

/**
 * Make a revocation list, valid from begin to end, in days from now.
 *
 * @param revoked	certificates it names, NULL-terminated
 * @return			PEM, owned by this module
 */
char *pki_list(pki_t *issuer, int begin, int end, pki_t *revoked[]);

/**
 * JSON of credentials.
 *
 * @param authorities	NULL-terminated
 * @param lists			PEM, NULL-terminated
 * @return				to be freed
 */
char *pki_json(char *name, u_int generation, bool strict, pki_t *own,
			   pki_t *authorities[], char *lists[]);

#endif
