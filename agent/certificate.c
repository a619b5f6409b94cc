/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * certificate.c - this router's keys, and what is done with them
 *
 * Effects: randomness, the clock.
 */
#include "config.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <gnutls/gnutls.h>
#include <gnutls/pkcs7.h>
#include <gnutls/x509.h>

#include "alloc.h"
#include "certificate.h"
#include "secret.h"
#include "text.h"

#define KEY_ID_SIZE 64
#define CAS_MAX 16

static int tls_error(struct err *e, int rc, const char *what)
{
	return err_set(e, -EINVAL, ERR_TLS, "", "%s: %s", what,
				   gnutls_strerror(rc));
}

/* NUL-terminated copy; the datum is wiped and freed. */
static char *take(gnutls_datum_t *d)
{
	char *s = xcalloc(1, d->size + 1);

	memcpy(s, d->data, d->size);
	wipe(d->data, d->size);
	gnutls_free(d->data);
	return s;
}

static gnutls_datum_t text_datum(const char *s)
{
	return (gnutls_datum_t){ (unsigned char*)s, strlen(s) };
}

/* ---- key and request ------------------------------------------------------- */

int certificate_key_new(char **key_pem, struct err *e)
{
	gnutls_x509_privkey_t key;
	gnutls_datum_t pem;
	int rc = gnutls_x509_privkey_init(&key);

	if (rc < 0)
	{
		return tls_error(e, rc, "cannot make a key");
	}
	rc = gnutls_x509_privkey_generate(key, GNUTLS_PK_ECDSA,
						GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1), 0);
	if (rc >= 0)
	{
		rc = gnutls_x509_privkey_export2_pkcs8(key, GNUTLS_X509_FMT_PEM, NULL,
											   GNUTLS_PKCS_PLAIN, &pem);
	}
	gnutls_x509_privkey_deinit(key);
	if (rc < 0)
	{
		return tls_error(e, rc, "cannot make a key");
	}
	*key_pem = take(&pem);
	return 0;
}

static int key_import(const char *key_pem, gnutls_x509_privkey_t *key)
{
	gnutls_datum_t d = text_datum(key_pem);
	int rc = gnutls_x509_privkey_init(key);

	if (rc >= 0)
	{
		rc = gnutls_x509_privkey_import(*key, &d, GNUTLS_X509_FMT_PEM);
		if (rc < 0)
		{
			gnutls_x509_privkey_deinit(*key);
		}
	}
	return rc;
}

int certificate_key_id(const char *key_pem, char id[CERTIFICATE_KEY_ID_SIZE],
					   struct err *e)
{
	unsigned char hash[32];
	gnutls_x509_privkey_t key;
	size_t len = sizeof(hash);
	int rc = key_import(key_pem, &key);

	if (rc >= 0)
	{
		rc = gnutls_x509_privkey_get_key_id(key, GNUTLS_KEYID_USE_SHA256, hash,
											&len);
		gnutls_x509_privkey_deinit(key);
	}
	if (rc < 0)
	{
		return tls_error(e, rc, "cannot read the key");
	}
	hex_encode(hash, sizeof(hash), id);
	return 0;
}

/* The server takes the key from it and nothing else. */
static int sign_request(gnutls_x509_privkey_t key, const char *name,
						gnutls_datum_t *der)
{
	gnutls_x509_crq_t crq;
	int rc = gnutls_x509_crq_init(&crq);

	if (rc < 0)
	{
		return rc;
	}
	rc = gnutls_x509_crq_set_version(crq, 1);
	if (rc >= 0)
	{
		rc = gnutls_x509_crq_set_dn_by_oid(crq, GNUTLS_OID_X520_COMMON_NAME, 0,
										   name, strlen(name));
	}
	if (rc >= 0)
	{
		rc = gnutls_x509_crq_set_key(crq, key);
	}
	if (rc >= 0)
	{
		rc = gnutls_x509_crq_sign2(crq, key, GNUTLS_DIG_SHA256, 0);
	}
	if (rc >= 0)
	{
		rc = gnutls_x509_crq_export2(crq, GNUTLS_X509_FMT_DER, der);
	}
	gnutls_x509_crq_deinit(crq);
	return rc;
}

int certificate_request(const char *key_pem, const char *name, char **csr,
						struct err *e)
{
	gnutls_x509_privkey_t key;
	gnutls_datum_t der = {0}, base64 = {0};
	int rc = key_import(key_pem, &key);

	if (rc < 0)
	{
		return tls_error(e, rc, "cannot read the key");
	}
	/* a common name has room for 64 */
	rc = sign_request(key, strlen(name) <= 64 ? name : "ppvpn CE", &der);
	gnutls_x509_privkey_deinit(key);
	if (rc >= 0)
	{
		rc = gnutls_base64_encode2(&der, &base64);
	}
	gnutls_free(der.data);
	if (rc < 0)
	{
		return tls_error(e, rc, "cannot make a certificate request");
	}
	*csr = take(&base64);
	return 0;
}

/* ---- the CA ---------------------------------------------------------------- */

static int import_cas(const char *ca_pem, gnutls_x509_crt_t **cas,
					  unsigned *count)
{
	gnutls_datum_t d = text_datum(ca_pem);
	int rc = gnutls_x509_crt_list_import2(cas, count, &d, GNUTLS_X509_FMT_PEM,
							0);

	return rc < 0 ? rc : 0;
}

static void free_cas(gnutls_x509_crt_t *cas, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
	{
		gnutls_x509_crt_deinit(cas[i]);
	}
	gnutls_free(cas);
}

int certificate_check_ca(const char *ca_pem, struct err *e)
{
	gnutls_x509_crt_t *cas;
	unsigned count = 0, critical;
	int rc = import_cas(ca_pem, &cas, &count);

	if (rc < 0)
	{
		return tls_error(e, rc, "ca-data is not a certificate in PEM");
	}
	for (unsigned i = 0; i < count && rc == 0; i++)
	{
		if (gnutls_x509_crt_get_ca_status(cas[i], &critical) != 1)
		{
			rc = err_set(e, -EINVAL, ERR_TLS, "", "ca-data has a certificate "
						 "that is not a CA's");
		}
	}
	if (rc == 0 && (!count || count > CAS_MAX))
	{
		rc = err_set(e, -EINVAL, ERR_TLS, "", "ca-data has %u certificates",
					 count);
	}
	free_cas(cas, count);
	return rc;
}

int certificate_ca_times(const char *ca_pem, int64_t *from_s, int64_t *until_s,
						 struct err *e)
{
	gnutls_x509_crt_t *cas;
	unsigned count = 0;
	int rc = import_cas(ca_pem, &cas, &count);

	if (rc < 0)
	{
		return tls_error(e, rc, "the CA is not a certificate in PEM");
	}
	*from_s = INT64_MAX;
	*until_s = 0;
	for (unsigned i = 0; i < count; i++)
	{
		int64_t from = gnutls_x509_crt_get_activation_time(cas[i]);
		int64_t until = gnutls_x509_crt_get_expiration_time(cas[i]);

		*from_s = from >= 0 && from < *from_s ? from : *from_s;
		*until_s = until > *until_s ? until : *until_s;
	}
	free_cas(cas, count);
	return *until_s > *from_s ? 0 : err_set(e, -EINVAL, ERR_TLS, "",
											"the CA has no time");
}

/* Signed by one of the CAs, at whatever time; takes the CAs over. */
static bool is_signed(gnutls_x509_crt_t *cas, unsigned ca_count,
					  gnutls_x509_crt_t *chain, unsigned count)
{
	gnutls_x509_trust_list_t list;
	unsigned status = 0;
	int rc;

	if (gnutls_x509_trust_list_init(&list, 0) < 0)
	{
		return false;
	}
	gnutls_x509_trust_list_add_cas(list, cas, ca_count, 0);
	rc = gnutls_x509_trust_list_verify_crt(list, chain, count,
						GNUTLS_VERIFY_DISABLE_TIME_CHECKS |
						GNUTLS_VERIFY_DISABLE_TRUSTED_TIME_CHECKS, &status,
						NULL);
	gnutls_x509_trust_list_deinit(list, 1);
	return rc >= 0 && status == 0;
}

int64_t certificate_proves_time(const char *ca_pem, const char *chain_pem)
{
	gnutls_x509_crt_t *cas, *chain;
	unsigned ca_count = 0, count = 0;
	int64_t s = 0;

	if (import_cas(chain_pem, &chain, &count) < 0)
	{
		return 0;
	}
	if (count && import_cas(ca_pem, &cas, &ca_count) == 0)
	{
		if (is_signed(cas, ca_count, chain, count))
		{
			s = gnutls_x509_crt_get_activation_time(chain[0]);
		}
		gnutls_free(cas);
	}
	free_cas(chain, count);
	return s > 0 ? s : 0;
}

/* ---- the answer ------------------------------------------------------------ */

static bool same_key(gnutls_x509_crt_t crt, gnutls_x509_privkey_t key)
{
	unsigned char a[KEY_ID_SIZE], b[KEY_ID_SIZE];
	size_t la = sizeof(a), lb = sizeof(b);

	return gnutls_x509_crt_get_key_id(crt, GNUTLS_KEYID_USE_SHA256, a, &la) == 0
		&& gnutls_x509_privkey_get_key_id(key, GNUTLS_KEYID_USE_SHA256, b, &lb)
		== 0 && la == lb && memcmp(a, b, la) == 0;
}

/* Certificate n of a PKCS#7, NULL when it is not one. */
static gnutls_x509_crt_t crt_at(gnutls_pkcs7_t p7, int n)
{
	gnutls_datum_t raw = {0};
	gnutls_x509_crt_t crt = NULL;

	if (gnutls_pkcs7_get_crt_raw2(p7, n, &raw) == 0 &&
		gnutls_x509_crt_init(&crt) == 0 &&
		gnutls_x509_crt_import(crt, &raw, GNUTLS_X509_FMT_DER) < 0)
	{
		gnutls_x509_crt_deinit(crt);
		crt = NULL;
	}
	gnutls_free(raw.data);
	return crt;
}

static gnutls_x509_crt_t find_ours(gnutls_pkcs7_t p7,
								   gnutls_x509_privkey_t key)
{
	int count = gnutls_pkcs7_get_crt_count(p7);

	for (int i = 0; i < count; i++)
	{
		gnutls_x509_crt_t crt = crt_at(p7, i);

		if (crt && same_key(crt, key))
		{
			return crt;
		}
		if (crt)
		{
			gnutls_x509_crt_deinit(crt);
		}
	}
	return NULL;
}

/* base64 with line breaks to a PKCS#7 */
static int read_answer(const char *answer, gnutls_pkcs7_t *p7)
{
	char *packed = xcalloc(1, strlen(answer) + 1), *to = packed;
	gnutls_datum_t in, der = {0};
	int rc;

	for (const char *from = answer; *from; from++)
	{
		if (!strchr(" \t\r\n", *from))
		{
			*to++ = *from;
		}
	}
	in = text_datum(packed);
	rc = gnutls_base64_decode2(&in, &der);
	free(packed);
	if (rc >= 0)
	{
		rc = gnutls_pkcs7_init(p7);
	}
	if (rc >= 0)
	{
		rc = gnutls_pkcs7_import(*p7, &der, GNUTLS_X509_FMT_DER);
		if (rc < 0)
		{
			gnutls_pkcs7_deinit(*p7);
		}
	}
	gnutls_free(der.data);
	return rc;
}

static int explain_status(unsigned status, struct err *e)
{
	gnutls_datum_t text = {0};
	int rc;

	gnutls_certificate_verification_status_print(status, GNUTLS_CRT_X509, &text,
												 0);
	rc = err_set(e, -EKEYREJECTED, ERR_TLS, "", "the server's answer: %s%s",
				 text.data ? (char*)text.data : "certificate not valid",
				 status & (GNUTLS_CERT_NOT_ACTIVATED | GNUTLS_CERT_EXPIRED)
				 ? " Check this router's clock." : "");
	gnutls_free(text.data);
	return rc;
}

/* Clocks differ: it may begin a moment from now. */
#define BEGINS_WITHIN_S 300

/* Is it its time? */
static unsigned check_times(gnutls_x509_crt_t crt, int64_t now_s)
{
	unsigned status = 0;

	if (gnutls_x509_crt_get_activation_time(crt) > now_s + BEGINS_WITHIN_S)
	{
		status |= GNUTLS_CERT_NOT_ACTIVATED;
	}
	if (gnutls_x509_crt_get_expiration_time(crt) <= now_s)
	{
		status |= GNUTLS_CERT_EXPIRED;
	}
	return status;
}

/* now_s 0: as the system's clock says */
static int verify(gnutls_x509_crt_t crt, const char *ca_pem, int64_t now_s,
				  struct err *e)
{
	gnutls_typed_vdata_st purpose = {
		.type = GNUTLS_DT_KEY_PURPOSE_OID,
		.data = (unsigned char*)GNUTLS_KP_TLS_WWW_CLIENT,
	};
	gnutls_x509_trust_list_t list;
	gnutls_x509_crt_t *cas;
	unsigned count = 0, status = 0;
	int rc = import_cas(ca_pem, &cas, &count);

	if (rc < 0 || gnutls_x509_trust_list_init(&list, 0) < 0)
	{
		return tls_error(e, rc, "cannot read the CA");
	}
	/* takes the certificates over, not the array */
	gnutls_x509_trust_list_add_cas(list, cas, count, 0);
	gnutls_free(cas);
	rc = gnutls_x509_trust_list_verify_crt2(list, &crt, 1, &purpose, 1, now_s
						? GNUTLS_VERIFY_DISABLE_TIME_CHECKS |
						  GNUTLS_VERIFY_DISABLE_TRUSTED_TIME_CHECKS : 0,
						&status, NULL);
	if (rc >= 0 && now_s)
	{
		status |= check_times(crt, now_s);
	}
	gnutls_x509_trust_list_deinit(list, 1);
	if (rc < 0)
	{
		return tls_error(e, rc, "cannot check the certificate");
	}
	return status ? explain_status(status, e) : 0;
}

static int take_ours(gnutls_pkcs7_t p7, gnutls_x509_privkey_t key,
					 const char *ca_pem, int64_t now_s, char **cert_pem,
					 struct err *e)
{
	gnutls_x509_crt_t crt = find_ours(p7, key);
	gnutls_datum_t pem;
	int rc;

	if (!crt)
	{
		return err_set(e, -EKEYREJECTED, ERR_TLS, "",
					   "the server's answer has no certificate of our key");
	}
	rc = verify(crt, ca_pem, now_s, e);
	if (rc == 0)
	{
		rc = gnutls_x509_crt_export2(crt, GNUTLS_X509_FMT_PEM, &pem);
		if (rc < 0)
		{
			rc = tls_error(e, rc, "cannot write the certificate");
		}
		else
		{
			*cert_pem = take(&pem);
		}
	}
	gnutls_x509_crt_deinit(crt);
	return rc;
}

int certificate_renewed(const char *answer, const char *key_pem,
						const char *ca_pem, int64_t now_s, char **cert_pem,
						struct err *e)
{
	gnutls_x509_privkey_t key;
	gnutls_pkcs7_t p7;
	int rc = read_answer(answer, &p7);

	if (rc < 0)
	{
		return tls_error(e, rc, "the server's answer is not a certs-only "
						 "PKCS#7 in base64");
	}
	rc = key_import(key_pem, &key);
	if (rc < 0)
	{
		tls_error(e, rc, "cannot read the key");
	}
	else
	{
		rc = take_ours(p7, key, ca_pem, now_s, cert_pem, e);
		gnutls_x509_privkey_deinit(key);
	}
	gnutls_pkcs7_deinit(p7);
	return rc < 0 ? (rc == -EKEYREJECTED ? rc : -EINVAL) : 0;
}

int certificate_take(const char *answer, const char *key_pem,
					 const char *ca_pem, char **cert_pem, struct err *e)
{
	return certificate_renewed(answer, key_pem, ca_pem, 0, cert_pem, e);
}

static int times_of(gnutls_x509_crt_t crt, int64_t *from_s, int64_t *until_s,
					struct err *e)
{
	*from_s = gnutls_x509_crt_get_activation_time(crt);
	*until_s = gnutls_x509_crt_get_expiration_time(crt);
	return *from_s >= 0 && *until_s > *from_s ? 0 :
		   err_set(e, -EINVAL, ERR_TLS, "", "a certificate without times");
}

int certificate_times(const char *cert_pem, int64_t *from_s, int64_t *until_s,
					  struct err *e)
{
	gnutls_x509_crt_t *chain;
	unsigned count = 0;
	int rc = import_cas(cert_pem, &chain, &count);

	if (rc < 0)
	{
		return tls_error(e, rc, "not a certificate in PEM");
	}
	rc = count ? times_of(chain[0], from_s, until_s, e) :
		 err_set(e, -EINVAL, ERR_TLS, "", "no certificate in PEM");
	free_cas(chain, count);
	return rc;
}

/* base64 of DER */
static int import_base64(const char *base64, gnutls_x509_crt_t *crt)
{
	gnutls_datum_t in = text_datum(base64), der = {0};
	int rc = gnutls_base64_decode2(&in, &der);

	if (rc >= 0)
	{
		rc = gnutls_x509_crt_init(crt);
	}
	if (rc >= 0)
	{
		rc = gnutls_x509_crt_import(*crt, &der, GNUTLS_X509_FMT_DER);
		if (rc < 0)
		{
			gnutls_x509_crt_deinit(*crt);
		}
	}
	gnutls_free(der.data);
	return rc;
}

int certificate_read(const char *base64, char id[CERTIFICATE_KEY_ID_SIZE],
					 int64_t *from_s, int64_t *until_s, struct err *e)
{
	unsigned char hash[32];
	size_t len = sizeof(hash);
	gnutls_x509_crt_t crt;
	int rc = import_base64(base64, &crt);

	if (rc < 0)
	{
		return tls_error(e, rc, "not a certificate in base64");
	}
	rc = gnutls_x509_crt_get_key_id(crt, GNUTLS_KEYID_USE_SHA256, hash, &len);
	if (rc < 0)
	{
		rc = tls_error(e, rc, "a certificate whose key cannot be read");
	}
	else
	{
		hex_encode(hash, sizeof(hash), id);
		rc = times_of(crt, from_s, until_s, e);
	}
	gnutls_x509_crt_deinit(crt);
	return rc;
}
