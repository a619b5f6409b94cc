/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * ca.c - makes keys and certificates with GnuTLS
 */
#include "config.h"

#include <arpa/inet.h>
#include <errno.h>
#include <gnutls/abstract.h>
#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "alloc.h"
#include "file.h"
#include "secret.h"
#include "server/base64.h"
#include "server/ca.h"
#include "server/ca_impl.h"
#include "server/cms.h"

#define PEM_MAX 65536
#define BACKDATE 3600				/* clocks differ; or this part of a short life: */
#define BACKDATE_SHARE 24
#define DAYS(n) ((time_t)(n) * 24 * 3600)
#define CA_LIFE DAYS(30 * 365)
#define SERVER_LIFE DAYS(10 * 365)

struct ca
{
	pthread_mutex_t lock;			/* one signature at a time */
	gnutls_x509_crt_t crt;
	gnutls_x509_privkey_t key;
	char *pem;
};

struct ca_csr
{
	gnutls_pubkey_t key;
	uint8_t spki[32];
};

int ca_fail(struct err *e, const char *where, const char *what, int rc)
{
	return err_set(e, rc == GNUTLS_E_MEMORY_ERROR ? -ENOMEM : -EINVAL, ERR_TLS,
				   where, "%s: %s", what, gnutls_strerror(rc));
}

/* ---- parts ----------------------------------------------------------------- */

int ca_set_serial(gnutls_x509_crt_t crt, uint64_t serial)
{
	uint8_t bytes[9] = { 0 };
	size_t from = 0;

	for (size_t i = 0; i < 8; i++)
	{
		bytes[8 - i] = (uint8_t)(serial >> (8 * i));
	}
	while (from < 8 && bytes[from] == 0 && !(bytes[from + 1] & 0x80))
	{
		from++;
	}
	return gnutls_x509_crt_set_serial(crt, bytes + from, sizeof(bytes) - from);
}

/* 16 random bytes, so that it never meets a CE's, which are counted. */
static int set_random_serial(gnutls_x509_crt_t crt)
{
	uint8_t bytes[16];
	int rc = gnutls_rnd(GNUTLS_RND_RANDOM, bytes, sizeof(bytes));

	bytes[0] = (uint8_t)((bytes[0] & 0x3f) | 0x40);
	return rc < 0 ? rc : gnutls_x509_crt_set_serial(crt, bytes, sizeof(bytes));
}

static int set_basics(gnutls_x509_crt_t crt, const char *name, time_t life)
{
	const time_t now = time(NULL);
	const time_t before = life / BACKDATE_SHARE < BACKDATE
		? life / BACKDATE_SHARE : BACKDATE;
	uint8_t id[32];
	size_t len = sizeof(id);
	int rc = gnutls_x509_crt_set_version(crt, 3);

	if (rc >= 0)
	{
		rc = gnutls_x509_crt_set_dn_by_oid(crt, GNUTLS_OID_X520_COMMON_NAME, 0,
										   name, (unsigned)strlen(name));
	}
	if (rc >= 0)
	{
		rc = gnutls_x509_crt_set_activation_time(crt, now - before);
	}
	if (rc >= 0)
	{
		rc = gnutls_x509_crt_set_expiration_time(crt, now + life);
	}
	if (rc >= 0)
	{
		rc = gnutls_x509_crt_get_key_id(crt, GNUTLS_KEYID_USE_SHA1, id, &len);
	}
	return rc < 0 ? rc : gnutls_x509_crt_set_subject_key_id(crt, id, len);
}

/* What a certificate of the CA's has beside subject and key. */
static int set_leaf(gnutls_x509_crt_t crt, const struct ca *ca,
					const char *purpose)
{
	uint8_t id[32];
	size_t len = sizeof(id);
	unsigned critical;
	int rc = gnutls_x509_crt_set_basic_constraints(crt, 0, -1);

	if (rc >= 0)
	{
		rc = gnutls_x509_crt_set_key_usage(crt, GNUTLS_KEY_DIGITAL_SIGNATURE);
	}
	if (rc >= 0)
	{
		rc = gnutls_x509_crt_set_key_purpose_oid(crt, purpose, 0);
	}
	if (rc >= 0)
	{
		rc = gnutls_x509_crt_get_subject_key_id(ca->crt, id, &len, &critical);
	}
	return rc < 0 ? rc : gnutls_x509_crt_set_authority_key_id(crt, id, len);
}

static int make_key(gnutls_x509_privkey_t *key)
{
	int rc = gnutls_x509_privkey_init(key);

	if (rc < 0)
	{
		*key = NULL;
		return rc;
	}
	return gnutls_x509_privkey_generate(
		*key, GNUTLS_PK_ECDSA,
		GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1), 0);
}

static int sign(gnutls_x509_crt_t crt, gnutls_x509_crt_t issuer,
				gnutls_x509_privkey_t key)
{
	return gnutls_x509_crt_sign2(crt, issuer, key, GNUTLS_DIG_SHA256, 0);
}

/* ---- files ------------------------------------------------------------------- */

static int write_crt(const char *path, gnutls_x509_crt_t crt, struct err *e)
{
	gnutls_datum_t pem;
	int rc = gnutls_x509_crt_export2(crt, GNUTLS_X509_FMT_PEM, &pem);

	if (rc < 0)
	{
		return ca_fail(e, path, "cannot write a certificate", rc);
	}
	rc = file_write(path, pem.data, pem.size, 0600, e);
	gnutls_free(pem.data);
	return rc;
}

static int write_key(const char *path, gnutls_x509_privkey_t key,
					 struct err *e)
{
	gnutls_datum_t pem;
	int rc = gnutls_x509_privkey_export2_pkcs8(key, GNUTLS_X509_FMT_PEM, NULL,
											   GNUTLS_PKCS_PLAIN, &pem);

	if (rc < 0)
	{
		return ca_fail(e, path, "cannot write a key", rc);
	}
	rc = file_write(path, pem.data, pem.size, 0600, e);
	wipe(pem.data, pem.size);
	gnutls_free(pem.data);
	return rc;
}

/* Key first: a certificate without its key would be of no use. */
static int write_pair(const char *cert_file, const char *key_file,
					  gnutls_x509_crt_t crt, gnutls_x509_privkey_t key,
					  struct err *e)
{
	int rc = write_key(key_file, key, e);

	return rc ? rc : write_crt(cert_file, crt, e);
}

static int read_crt(const char *path, gnutls_x509_crt_t *crt, char **pem,
					struct err *e)
{
	gnutls_datum_t datum;
	size_t len;
	int rc;

	rc = file_read(path, PEM_MAX, pem, &len, e);
	if (rc)
	{
		return rc;
	}
	datum = (gnutls_datum_t){ (unsigned char *)*pem, (unsigned)len };
	rc = gnutls_x509_crt_init(crt);
	if (rc >= 0)
	{
		rc = gnutls_x509_crt_import(*crt, &datum, GNUTLS_X509_FMT_PEM);
	}
	return rc < 0 ? ca_fail(e, path, "not a certificate", rc) : 0;
}

static int read_key(const char *path, gnutls_x509_privkey_t *key,
					struct err *e)
{
	gnutls_datum_t datum;
	char *pem;
	size_t len;
	int rc;

	rc = file_read(path, PEM_MAX, &pem, &len, e);
	if (rc)
	{
		return rc;
	}
	datum = (gnutls_datum_t){ (unsigned char *)pem, (unsigned)len };
	rc = gnutls_x509_privkey_init(key);
	if (rc >= 0)
	{
		rc = gnutls_x509_privkey_import2(*key, &datum, GNUTLS_X509_FMT_PEM,
										 NULL, 0);
	}
	wipe(pem, len);
	free(pem);
	return rc < 0 ? ca_fail(e, path, "not a private key", rc) : 0;
}

/* ---- the CA --------------------------------------------------------------------- */

static int build_ca(gnutls_x509_crt_t crt, gnutls_x509_privkey_t key)
{
	uint8_t tag[4];
	char name[32];
	int rc = gnutls_rnd(GNUTLS_RND_NONCE, tag, sizeof(tag));

	/* two CAs never have one name */
	snprintf(name, sizeof(name), "ppvpn CA %02x%02x%02x%02x", tag[0], tag[1],
			 tag[2], tag[3]);
	if (rc >= 0)
	{
		rc = gnutls_x509_crt_set_key(crt, key);
	}
	if (rc >= 0)
	{
		rc = set_basics(crt, name, CA_LIFE);
	}
	if (rc >= 0)
	{
		rc = set_random_serial(crt);
	}
	if (rc >= 0)
	{
		rc = gnutls_x509_crt_set_basic_constraints(crt, 1, 0);
	}
	if (rc >= 0)
	{
		rc = gnutls_x509_crt_set_key_usage(
			crt, GNUTLS_KEY_KEY_CERT_SIGN | GNUTLS_KEY_CRL_SIGN);
	}
	return rc < 0 ? rc : sign(crt, crt, key);
}

int ca_create(const char *cert_file, const char *key_file, struct err *e)
{
	gnutls_x509_privkey_t key = NULL;
	gnutls_x509_crt_t crt = NULL;
	int rc = make_key(&key);

	if (rc >= 0)
	{
		rc = gnutls_x509_crt_init(&crt);
	}
	if (rc >= 0)
	{
		rc = build_ca(crt, key);
	}
	rc = rc < 0 ? ca_fail(e, cert_file, "cannot make a CA", rc)
				: write_pair(cert_file, key_file, crt, key, e);
	gnutls_x509_crt_deinit(crt);
	gnutls_x509_privkey_deinit(key);
	return rc;
}

/* Does the certificate belong to the key? */
static int check_pair(gnutls_x509_crt_t crt, gnutls_x509_privkey_t key,
					  const char *where, struct err *e)
{
	uint8_t a[32], b[32];
	size_t a_len = sizeof(a), b_len = sizeof(b);

	if (gnutls_x509_crt_get_key_id(crt, GNUTLS_KEYID_USE_SHA256, a,
								   &a_len) < 0 ||
		gnutls_x509_privkey_get_key_id(key, GNUTLS_KEYID_USE_SHA256, b,
									   &b_len) < 0 ||
		a_len != b_len || memcmp(a, b, a_len) != 0)
	{
		return err_set(e, -EINVAL, ERR_TLS, where,
					   "the key is not that of its certificate");
	}
	return 0;
}

int ca_load(const char *cert_file, const char *key_file, struct ca **out,
			struct err *e)
{
	struct ca *ca = xcalloc(1, sizeof(*ca));
	int rc;

	*out = NULL;
	pthread_mutex_init(&ca->lock, NULL);
	rc = read_crt(cert_file, &ca->crt, &ca->pem, e);
	if (!rc)
	{
		rc = read_key(key_file, &ca->key, e);
	}
	if (!rc)
	{
		rc = check_pair(ca->crt, ca->key, key_file, e);
	}
	if (rc)
	{
		ca_free(ca);
		return rc;
	}
	*out = ca;
	return 0;
}

void ca_free(struct ca *ca)
{
	if (!ca)
	{
		return;
	}
	gnutls_x509_crt_deinit(ca->crt);
	gnutls_x509_privkey_deinit(ca->key);
	pthread_mutex_destroy(&ca->lock);
	free(ca->pem);
	free(ca);
}

const char *ca_pem(const struct ca *ca)
{
	return ca->pem;
}

/* ---- server certificate ------------------------------------------------------------ */

static int add_host(gnutls_x509_crt_t crt, const char *host)
{
	uint8_t ip[16];

	if (inet_pton(AF_INET, host, ip) == 1)
	{
		return gnutls_x509_crt_set_subject_alt_name(
			crt, GNUTLS_SAN_IPADDRESS, ip, 4, GNUTLS_FSAN_APPEND);
	}
	if (inet_pton(AF_INET6, host, ip) == 1)
	{
		return gnutls_x509_crt_set_subject_alt_name(
			crt, GNUTLS_SAN_IPADDRESS, ip, 16, GNUTLS_FSAN_APPEND);
	}
	return gnutls_x509_crt_set_subject_alt_name(
		crt, GNUTLS_SAN_DNSNAME, host, (unsigned)strlen(host),
		GNUTLS_FSAN_APPEND);
}

static int build_server(const struct ca *ca, const char *const *hosts,
						size_t count, gnutls_x509_crt_t crt,
						gnutls_x509_privkey_t key)
{
	int rc = gnutls_x509_crt_set_key(crt, key);

	if (rc >= 0)
	{
		rc = set_basics(crt, hosts[0], SERVER_LIFE);
	}
	if (rc >= 0)
	{
		rc = set_random_serial(crt);
	}
	for (size_t i = 0; rc >= 0 && i < count; i++)
	{
		rc = add_host(crt, hosts[i]);
	}
	return rc < 0 ? rc : set_leaf(crt, ca, GNUTLS_KP_TLS_WWW_SERVER);
}

int ca_make_server(struct ca *ca, const char *const *hosts, size_t count,
				   const char *cert_file, const char *key_file, struct err *e)
{
	gnutls_x509_privkey_t key = NULL;
	gnutls_x509_crt_t crt = NULL;
	int rc = make_key(&key);

	if (rc >= 0)
	{
		rc = gnutls_x509_crt_init(&crt);
	}
	if (rc >= 0)
	{
		rc = build_server(ca, hosts, count, crt, key);
	}
	if (rc >= 0)
	{
		rc = sign(crt, ca->crt, ca->key);
	}
	rc = rc < 0 ? ca_fail(e, cert_file, "cannot make the certificate", rc)
				: write_pair(cert_file, key_file, crt, key, e);
	gnutls_x509_crt_deinit(crt);
	gnutls_x509_privkey_deinit(key);
	return rc;
}

int ca_check_server(const struct ca *ca, const char *cert_file,
					const char *key_file, struct err *e)
{
	gnutls_x509_privkey_t key = NULL;
	gnutls_x509_crt_t crt = NULL;
	char *pem = NULL;
	unsigned verdict;
	int rc = read_crt(cert_file, &crt, &pem, e);

	if (!rc)
	{
		rc = read_key(key_file, &key, e);
	}
	if (!rc)
	{
		rc = check_pair(crt, key, key_file, e);
	}
	if (!rc && (gnutls_x509_crt_verify(crt, (gnutls_x509_crt_t *)&ca->crt, 1,
									   0, &verdict) < 0 || verdict))
	{
		rc = err_set(e, -EINVAL, ERR_TLS, cert_file,
					 "not a certificate of this CA, or not in force");
	}
	gnutls_x509_privkey_deinit(key);
	gnutls_x509_crt_deinit(crt);
	free(pem);
	return rc;
}

int ca_expires(const char *cert_file, int64_t *at_s, struct err *e)
{
	gnutls_x509_crt_t crt = NULL;
	char *pem = NULL;
	int rc = read_crt(cert_file, &crt, &pem, e);

	if (!rc)
	{
		*at_s = (int64_t)gnutls_x509_crt_get_expiration_time(crt);
	}
	gnutls_x509_crt_deinit(crt);
	free(pem);
	return rc;
}

int ca_days_left(const char *cert_file, long *days, struct err *e)
{
	int64_t at_s = 0;
	int rc = ca_expires(cert_file, &at_s, e);

	if (!rc)
	{
		*days = (long)((at_s - time(NULL)) / DAYS(1));
	}
	return rc;
}

/* ---- clients' certificates ------------------------------------------------------------------ */

static bool key_is_fit(gnutls_pubkey_t key)
{
	gnutls_ecc_curve_t curve;
	unsigned bits = 0;

	switch (gnutls_pubkey_get_pk_algorithm(key, &bits))
	{
		case GNUTLS_PK_ECDSA:
			return gnutls_pubkey_export_ecc_raw(key, &curve, NULL, NULL) >= 0 &&
				   (curve == GNUTLS_ECC_CURVE_SECP256R1 ||
					curve == GNUTLS_ECC_CURVE_SECP384R1 ||
					curve == GNUTLS_ECC_CURVE_SECP521R1);
		case GNUTLS_PK_EDDSA_ED25519:
			return true;
		case GNUTLS_PK_RSA:
			return bits >= 2048 && bits <= 4096;
		default:
			return false;
	}
}

static int import_csr(gnutls_x509_crq_t crq, const uint8_t *der, size_t len,
					  struct ca_csr *csr, struct err *e)
{
	const gnutls_datum_t datum = { (unsigned char *)der, (unsigned)len };
	size_t spki_len = sizeof(csr->spki);
	int rc = gnutls_x509_crq_import(crq, &datum, GNUTLS_X509_FMT_DER);

	if (rc >= 0)
	{
		rc = gnutls_x509_crq_verify(crq, 0);
	}
	if (rc >= 0)
	{
		rc = gnutls_pubkey_import_x509_crq(csr->key, crq, 0);
	}
	if (rc < 0)
	{
		return ca_fail(e, "", "not a certificate request signed by its key", rc);
	}
	if (!key_is_fit(csr->key))
	{
		return err_set(e, -EINVAL, ERR_TLS, "",
					   "a key of this type or size is not taken");
	}
	rc = gnutls_pubkey_get_key_id(csr->key, GNUTLS_KEYID_USE_SHA256, csr->spki,
								  &spki_len);
	return rc < 0 ? ca_fail(e, "", "no key id", rc) : 0;
}

int ca_csr_read(const uint8_t *der, size_t len, struct ca_csr **out,
				struct err *e)
{
	struct ca_csr *csr = xcalloc(1, sizeof(*csr));
	gnutls_x509_crq_t crq = NULL;
	int rc;

	*out = NULL;
	if (len > CA_DER_MAX)
	{
		rc = err_set(e, -E2BIG, ERR_LIMIT, "", "the request is too long");
	}
	else if (gnutls_x509_crq_init(&crq) < 0 ||
			 gnutls_pubkey_init(&csr->key) < 0)
	{
		rc = ca_fail(e, "", "request", GNUTLS_E_MEMORY_ERROR);
	}
	else
	{
		rc = import_csr(crq, der, len, csr, e);
	}
	gnutls_x509_crq_deinit(crq);
	if (rc)
	{
		ca_csr_free(csr);
		return rc;
	}
	*out = csr;
	return 0;
}

const uint8_t *ca_csr_spki(const struct ca_csr *csr)
{
	return csr->spki;
}

int ca_csr_key(const struct ca_csr *csr, uint8_t **der, size_t *len,
			   struct err *e)
{
	gnutls_datum_t datum;
	int rc = gnutls_pubkey_export2(csr->key, GNUTLS_X509_FMT_DER, &datum);

	*der = NULL;
	if (rc < 0)
	{
		return ca_fail(e, "", "no public key", rc);
	}
	*der = xcalloc(datum.size, 1);
	*len = datum.size;
	memcpy(*der, datum.data, datum.size);
	gnutls_free(datum.data);
	return 0;
}

void ca_csr_free(struct ca_csr *csr)
{
	if (csr)
	{
		gnutls_pubkey_deinit(csr->key);
		free(csr);
	}
}

/* No certificate is good for longer than its CA's. */
static time_t within_ca(const struct ca *ca, int64_t life_s)
{
	const int64_t left = gnutls_x509_crt_get_expiration_time(ca->crt) -
						 (int64_t)time(NULL);

	return (time_t)(life_s < left ? life_s : left);
}

/* uri: NULL for a CE's */
static int build_client(struct ca *ca, const struct ca_csr *csr,
						const char *name, const char *uri, uint64_t serial,
						int64_t life_s, gnutls_x509_crt_t crt)
{
	int rc = gnutls_x509_crt_set_pubkey(crt, csr->key);

	if (rc >= 0)
	{
		rc = set_basics(crt, name, within_ca(ca, life_s));
	}
	if (rc >= 0)
	{
		rc = ca_set_serial(crt, serial);
	}
	if (rc >= 0 && uri)
	{
		rc = gnutls_x509_crt_set_subject_alt_name(
			crt, GNUTLS_SAN_URI, uri, (unsigned)strlen(uri),
			GNUTLS_FSAN_SET);
	}
	if (rc >= 0)
	{
		rc = set_leaf(crt, ca, GNUTLS_KP_TLS_WWW_CLIENT);
	}
	if (rc >= 0)
	{
		pthread_mutex_lock(&ca->lock);
		rc = sign(crt, ca->crt, ca->key);
		pthread_mutex_unlock(&ca->lock);
	}
	return rc;
}

static int issue_client(struct ca *ca, const struct ca_csr *csr,
						const char *name, const char *uri, uint64_t serial,
						int64_t life_s, char **pem, int64_t *ends_s,
						struct err *e)
{
	gnutls_x509_crt_t crt = NULL;
	gnutls_datum_t out = { NULL, 0 };
	int rc = gnutls_x509_crt_init(&crt);

	*pem = NULL;
	if (rc >= 0)
	{
		rc = build_client(ca, csr, name, uri, serial, life_s, crt);
	}
	*ends_s = rc >= 0 ? (int64_t)gnutls_x509_crt_get_expiration_time(crt) : 0;
	if (rc >= 0)
	{
		rc = gnutls_x509_crt_export2(crt, GNUTLS_X509_FMT_PEM, &out);
	}
	gnutls_x509_crt_deinit(crt);
	if (rc < 0)
	{
		return ca_fail(e, name, "cannot issue a certificate", rc);
	}
	*pem = xcalloc(out.size + 1, 1);
	memcpy(*pem, out.data, out.size);
	gnutls_free(out.data);
	return 0;
}

int ca_issue_ce(struct ca *ca, const struct ca_csr *csr, const char *name,
				uint64_t serial, uint32_t life_s, char **pem, int64_t *ends_s,
				struct err *e)
{
	return issue_client(ca, csr, name, NULL, serial, life_s, pem, ends_s, e);
}

void ca_operator_uri(const char *name, uint64_t serial, char uri[CA_URI_SIZE])
{
	snprintf(uri, CA_URI_SIZE, "ppvpn:operator/%s/%llu", name,
			 (unsigned long long)serial);
}

int ca_issue_operator(struct ca *ca, const struct ca_csr *csr,
					  const char *name, uint64_t serial, char **pem,
					  struct err *e)
{
	char uri[CA_URI_SIZE];
	int64_t ends_s;

	ca_operator_uri(name, serial, uri);
	return issue_client(ca, csr, name, uri, serial, CA_OPERATOR_LIFE_S, pem,
						&ends_s, e);
}

int ca_pkcs7(const char *pem, char **base64, struct err *e)
{
	const gnutls_datum_t in = { (unsigned char *)pem, (unsigned)strlen(pem) };
	gnutls_datum_t der = { NULL, 0 };
	uint8_t *cms;
	size_t len;
	int rc = gnutls_pem_base64_decode2("CERTIFICATE", &in, &der);

	*base64 = NULL;
	if (rc < 0)
	{
		return ca_fail(e, "", "not a certificate", rc);
	}
	cms = cms_certs_only(der.data, der.size, &len);
	*base64 = base64_encode(cms, len);
	free(cms);
	gnutls_free(der.data);
	return 0;
}
