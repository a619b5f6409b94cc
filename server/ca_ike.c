/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * ca_ike.c - the authority of a VPN, with GnuTLS
 *
 * What a certificate must have for charon and for the plugin's hook
 * (plugin/ppvpn_cred.c) is decided here. No address where a status is asked
 * for: charon would ask.
 */
#include "config.h"

#include <errno.h>
#include <gnutls/abstract.h>
#include <gnutls/crypto.h>
#include <gnutls/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "alloc.h"
#include "secret.h"
#include "server/ca_ike.h"
#include "server/ca_impl.h"

#define BACKDATE_S 3600
#define BACKDATE_PART 24
#define KEY_PURPOSE_IKE "1.3.6.1.5.5.7.3.17"	/* RFC 4945 5.1.3.12 */
#define KEY_ID_MAX 32

struct ca_ike
{
	gnutls_x509_crt_t crt;
	gnutls_x509_privkey_t key;
	uint8_t key_id[KEY_ID_MAX];
	size_t key_id_len;
};

void ca_der_done(struct ca_der *der)
{
	if (der->data)
	{
		wipe(der->data, der->len);
		free(der->data);
	}
	*der = (struct ca_der){ NULL, 0 };
}

static void take(struct ca_der *out, gnutls_datum_t *datum)
{
	out->data = xcalloc(datum->size + 1, 1);
	out->len = datum->size;
	memcpy(out->data, datum->data, datum->size);
	wipe(datum->data, datum->size);
	gnutls_free(datum->data);
	datum->data = NULL;
}

static int64_t backdate(int64_t life_s)
{
	const int64_t part = life_s / BACKDATE_PART;

	return part < BACKDATE_S ? part : BACKDATE_S;
}

/* ---- parts ----------------------------------------------------------------- */

static int set_name(gnutls_x509_crt_t crt, const char *oid, const char *name)
{
	return gnutls_x509_crt_set_dn_by_oid(crt, oid, 0, name,
										 (unsigned)strlen(name));
}

static int set_names(gnutls_x509_crt_t crt, const char *customer,
					 const char *vpn, const char *common)
{
	int rc = set_name(crt, GNUTLS_OID_X520_ORGANIZATION_NAME, customer);

	if (rc >= 0)
	{
		rc = set_name(crt, GNUTLS_OID_X520_ORGANIZATIONAL_UNIT_NAME, vpn);
	}
	return rc < 0 ? rc : set_name(crt, GNUTLS_OID_X520_COMMON_NAME, common);
}

/* After its key. */
static int set_basics(gnutls_x509_crt_t crt, int64_t now_s, int64_t life_s)
{
	uint8_t id[KEY_ID_MAX];
	size_t len = sizeof(id);
	int rc = gnutls_x509_crt_set_version(crt, 3);

	if (rc >= 0)
	{
		rc = gnutls_x509_crt_set_activation_time(crt,
			(time_t)(now_s - backdate(life_s)));
	}
	if (rc >= 0)
	{
		rc = gnutls_x509_crt_set_expiration_time(crt,
												 (time_t)(now_s + life_s));
	}
	if (rc >= 0)
	{
		rc = gnutls_x509_crt_get_key_id(crt, GNUTLS_KEYID_USE_SHA1, id, &len);
	}
	return rc < 0 ? rc : gnutls_x509_crt_set_subject_key_id(crt, id, len);
}

static int sign(gnutls_x509_crt_t crt, gnutls_x509_crt_t issuer,
				gnutls_x509_privkey_t key)
{
	return gnutls_x509_crt_sign2(crt, issuer, key, GNUTLS_DIG_SHA256, 0);
}

static int export_der(gnutls_x509_crt_t crt, struct ca_der *out)
{
	gnutls_datum_t datum;
	int rc = gnutls_x509_crt_export2(crt, GNUTLS_X509_FMT_DER, &datum);

	if (rc >= 0)
	{
		take(out, &datum);
	}
	return rc;
}

/* ---- an authority ------------------------------------------------------------ */

static int build_authority(gnutls_x509_crt_t crt, gnutls_x509_privkey_t key,
						   const char *customer, const char *vpn,
						   int64_t now_s, int64_t life_s)
{
	char common[32];
	uint8_t tag[8];
	uint64_t serial;
	int rc = gnutls_rnd(GNUTLS_RND_RANDOM, tag, sizeof(tag));

	/* two of one VPN differ by name, too: that is how lists are looked for */
	snprintf(common, sizeof(common), "IKE authority %02x%02x%02x%02x", tag[0],
			 tag[1], tag[2], tag[3]);
	memcpy(&serial, tag, sizeof(serial));
	serial = (serial >> 1) | 1;
	if (rc >= 0)
	{
		rc = gnutls_x509_crt_set_key(crt, key);
	}
	if (rc >= 0)
	{
		rc = set_names(crt, customer, vpn, common);
	}
	if (rc >= 0)
	{
		rc = set_basics(crt, now_s, life_s);
	}
	if (rc >= 0)
	{
		rc = ca_set_serial(crt, serial);
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

static int make_key(gnutls_x509_privkey_t *key, struct ca_der *out)
{
	gnutls_datum_t datum;
	int rc = gnutls_x509_privkey_init(key);

	if (rc < 0)
	{
		*key = NULL;
		return rc;
	}
	rc = gnutls_x509_privkey_generate(
		*key, GNUTLS_PK_ECDSA,
		GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1), 0);
	if (rc >= 0)
	{
		rc = gnutls_x509_privkey_export2_pkcs8(
			*key, GNUTLS_X509_FMT_DER, NULL, GNUTLS_PKCS_PLAIN, &datum);
	}
	if (rc >= 0)
	{
		take(out, &datum);
	}
	return rc;
}

int ca_ike_create(const char *customer, const char *vpn, int64_t now_s,
				  int64_t life_s, struct ca_der *cert, struct ca_der *key,
				  int64_t *ends_s, struct err *e)
{
	gnutls_x509_privkey_t private_key = NULL;
	gnutls_x509_crt_t crt = NULL;
	int rc;

	*cert = *key = (struct ca_der){ NULL, 0 };
	*ends_s = now_s + life_s;
	rc = make_key(&private_key, key);
	if (rc >= 0)
	{
		rc = gnutls_x509_crt_init(&crt);
	}
	if (rc >= 0)
	{
		rc = build_authority(crt, private_key, customer, vpn, now_s, life_s);
	}
	if (rc >= 0)
	{
		rc = export_der(crt, cert);
	}
	gnutls_x509_crt_deinit(crt);
	gnutls_x509_privkey_deinit(private_key);
	if (rc < 0)
	{
		ca_der_done(cert);
		ca_der_done(key);
		return ca_fail(e, vpn, "cannot make an authority", rc);
	}
	return 0;
}

static int import_authority(struct ca_ike *ca, const uint8_t *cert,
							size_t cert_len, const uint8_t *key,
							size_t key_len)
{
	const gnutls_datum_t c = { (unsigned char *)cert, (unsigned)cert_len };
	const gnutls_datum_t k = { (unsigned char *)key, (unsigned)key_len };
	unsigned critical;
	int rc = gnutls_x509_crt_init(&ca->crt);

	if (rc >= 0)
	{
		rc = gnutls_x509_crt_import(ca->crt, &c, GNUTLS_X509_FMT_DER);
	}
	if (rc >= 0)
	{
		rc = gnutls_x509_privkey_init(&ca->key);
	}
	if (rc >= 0)
	{
		rc = gnutls_x509_privkey_import_pkcs8(ca->key, &k, GNUTLS_X509_FMT_DER,
											  NULL, GNUTLS_PKCS_PLAIN);
	}
	if (rc >= 0)
	{
		ca->key_id_len = sizeof(ca->key_id);
		rc = gnutls_x509_crt_get_subject_key_id(ca->crt, ca->key_id,
												&ca->key_id_len, &critical);
	}
	return rc;
}

static int check_pair(const struct ca_ike *ca, struct err *e)
{
	uint8_t a[32], b[32];
	size_t a_len = sizeof(a), b_len = sizeof(b);

	if (gnutls_x509_crt_get_key_id(ca->crt, GNUTLS_KEYID_USE_SHA256, a,
								   &a_len) < 0 ||
		gnutls_x509_privkey_get_key_id(ca->key, GNUTLS_KEYID_USE_SHA256, b,
									   &b_len) < 0 ||
		a_len != b_len || memcmp(a, b, a_len) != 0)
	{
		return err_set(e, -EINVAL, ERR_TLS, "authority",
					   "the key is not that of its certificate");
	}
	return 0;
}

int ca_ike_open(const uint8_t *cert, size_t cert_len, const uint8_t *key,
				size_t key_len, struct ca_ike **out, struct err *e)
{
	struct ca_ike *ca = xcalloc(1, sizeof(*ca));
	int rc = import_authority(ca, cert, cert_len, key, key_len);

	*out = NULL;
	rc = rc < 0 ? ca_fail(e, "authority", "cannot be read", rc)
				: check_pair(ca, e);
	if (rc < 0)
	{
		ca_ike_close(ca);
		return rc;
	}
	*out = ca;
	return 0;
}

void ca_ike_close(struct ca_ike *ca)
{
	if (ca)
	{
		gnutls_x509_crt_deinit(ca->crt);
		gnutls_x509_privkey_deinit(ca->key);
		free(ca);
	}
}

/* ---- certificates ------------------------------------------------------------ */

static int set_key(gnutls_x509_crt_t crt, const uint8_t *key, size_t len)
{
	const gnutls_datum_t datum = { (unsigned char *)key, (unsigned)len };
	gnutls_pubkey_t public_key;
	int rc = gnutls_pubkey_init(&public_key);

	if (rc < 0)
	{
		return rc;
	}
	rc = gnutls_pubkey_import(public_key, &datum, GNUTLS_X509_FMT_DER);
	if (rc >= 0)
	{
		rc = gnutls_x509_crt_set_pubkey(crt, public_key);
	}
	gnutls_pubkey_deinit(public_key);
	return rc;
}

static int set_uses(gnutls_x509_crt_t crt, const struct ca_ike *ca,
					const char *identity)
{
	int rc = gnutls_x509_crt_set_subject_alt_name(
		crt, GNUTLS_SAN_DNSNAME, identity, (unsigned)strlen(identity),
		GNUTLS_FSAN_SET);

	if (rc >= 0)
	{
		rc = gnutls_x509_crt_set_basic_constraints(crt, 0, -1);
	}
	if (rc >= 0)
	{
		rc = gnutls_x509_crt_set_key_usage(crt, GNUTLS_KEY_DIGITAL_SIGNATURE);
	}
	if (rc >= 0)
	{
		rc = gnutls_x509_crt_set_key_purpose_oid(crt, KEY_PURPOSE_IKE, 0);
	}
	return rc < 0 ? rc : gnutls_x509_crt_set_authority_key_id(
							 crt, ca->key_id, ca->key_id_len);
}

/* Nothing that it signs is good for longer than it is itself. */
static int64_t within(const struct ca_ike *ca, int64_t now_s, int64_t life_s)
{
	const int64_t left = gnutls_x509_crt_get_expiration_time(ca->crt) - now_s;

	return life_s < left ? life_s : left;
}

int ca_ike_issue(struct ca_ike *ca, const uint8_t *key, size_t key_len,
				 const struct ca_ike_subject *subject, uint64_t serial,
				 int64_t now_s, int64_t life_s, struct ca_der *cert,
				 int64_t *ends_s, struct err *e)
{
	const int64_t life = within(ca, now_s, life_s);
	gnutls_x509_crt_t crt = NULL;
	int rc;

	*cert = (struct ca_der){ NULL, 0 };
	*ends_s = now_s + life;
	if (life <= 0)
	{
		return err_set(e, -EINVAL, ERR_TLS, subject->identity,
					   "the authority has ended");
	}
	rc = gnutls_x509_crt_init(&crt);
	if (rc >= 0)
	{
		rc = set_key(crt, key, key_len);
	}
	if (rc >= 0)
	{
		rc = set_names(crt, subject->customer, subject->vpn, subject->site);
	}
	if (rc >= 0)
	{
		rc = set_basics(crt, now_s, life);
	}
	if (rc >= 0)
	{
		rc = ca_set_serial(crt, serial);
	}
	if (rc >= 0)
	{
		rc = set_uses(crt, ca, subject->identity);
	}
	if (rc >= 0)
	{
		rc = sign(crt, ca->crt, ca->key);
	}
	if (rc >= 0)
	{
		rc = export_der(crt, cert);
	}
	gnutls_x509_crt_deinit(crt);
	return rc < 0 ? ca_fail(e, subject->identity, "cannot issue a certificate",
						 rc) : 0;
}

/* ---- revocation lists -------------------------------------------------------- */

static int sign_list(struct ca_ike *ca, const uint8_t *data, size_t len,
					 struct ca_der *list)
{
	const gnutls_datum_t in = { (unsigned char *)data, (unsigned)len };
	gnutls_datum_t signature = { NULL, 0 };
	gnutls_privkey_t key;
	int rc = gnutls_privkey_init(&key);

	if (rc < 0)
	{
		return rc;
	}
	rc = gnutls_privkey_import_x509(key, ca->key, 0);
	if (rc >= 0)
	{
		rc = gnutls_privkey_sign_data2(key, GNUTLS_SIGN_ECDSA_SHA256, 0, &in,
									   &signature);
	}
	if (rc >= 0)
	{
		list->data = crl_signed(data, len, signature.data, signature.size,
								&list->len);
		gnutls_free(signature.data);
	}
	gnutls_privkey_deinit(key);
	return rc;
}

int ca_ike_list(struct ca_ike *ca, uint64_t number,
				const struct crl_entry *entries, size_t count, int64_t now_s,
				int64_t life_s, struct ca_der *list, int64_t *ends_s,
				struct err *e)
{
	struct crl crl = {
		.key_id = ca->key_id, .key_id_len = ca->key_id_len, .number = number,
		.from_s = now_s - backdate(life_s), .until_s = now_s + life_s,
		.entries = entries, .count = count,
	};
	gnutls_datum_t name = { NULL, 0 };
	uint8_t *data;
	size_t len;
	int rc = gnutls_x509_crt_get_raw_dn(ca->crt, &name);

	*list = (struct ca_der){ NULL, 0 };
	*ends_s = crl.until_s;
	if (rc >= 0)
	{
		crl.issuer = name.data;
		crl.issuer_len = name.size;
		data = crl_unsigned(&crl, &len);
		rc = sign_list(ca, data, len, list);
		free(data);
		gnutls_free(name.data);
	}
	return rc < 0 ? ca_fail(e, "authority", "cannot sign a revocation list", rc)
				  : 0;
}

/* ---- checking ---------------------------------------------------------------- */

static int verify(gnutls_x509_crt_t crt, struct ca_ike *ca,
				  const char *identity, const uint8_t spki[32],
				  const char **fault)
{
	const unsigned flags = GNUTLS_VERIFY_DISABLE_TIME_CHECKS |
						   GNUTLS_VERIFY_DISABLE_TRUSTED_TIME_CHECKS;
	uint8_t id[32];
	size_t id_len = sizeof(id), len;
	char name[256];
	unsigned verdict = 0;
	int rc = gnutls_x509_crt_verify(crt, &ca->crt, 1, flags, &verdict);

	if (rc < 0)
	{
		return rc;
	}
	len = sizeof(name);
	rc = gnutls_x509_crt_get_key_id(crt, GNUTLS_KEYID_USE_SHA256, id, &id_len);
	*fault = verdict ? "not signed by its authority"
		: rc < 0 || id_len != 32 || memcmp(id, spki, 32) != 0
		? "of another key"
		: gnutls_x509_crt_get_subject_alt_name(crt, 0, name, &len, NULL) !=
		  GNUTLS_SAN_DNSNAME || len != strlen(identity) ||
		  memcmp(name, identity, len) != 0 ? "for another identity" : NULL;
	return 0;
}

int ca_ike_check(struct ca_ike *ca, const uint8_t *cert, size_t len,
				 const char *identity, const uint8_t spki[32], struct err *e)
{
	const gnutls_datum_t datum = { (unsigned char *)cert, (unsigned)len };
	const char *fault = NULL;
	gnutls_x509_crt_t crt = NULL;
	int rc = gnutls_x509_crt_init(&crt);

	if (rc >= 0)
	{
		rc = gnutls_x509_crt_import(crt, &datum, GNUTLS_X509_FMT_DER);
	}
	if (rc >= 0)
	{
		rc = verify(crt, ca, identity, spki, &fault);
	}
	gnutls_x509_crt_deinit(crt);
	if (rc < 0)
	{
		return ca_fail(e, identity, "not a certificate", rc);
	}
	return fault ? err_set(e, -EINVAL, ERR_TLS, identity,
						   "the certificate is %s", fault) : 0;
}

int ca_ike_check_list(struct ca_ike *ca, const uint8_t *list, size_t len,
					  struct err *e)
{
	const gnutls_datum_t datum = { (unsigned char *)list, (unsigned)len };
	gnutls_x509_crl_t crl = NULL;
	unsigned verdict = 0;
	int rc = gnutls_x509_crl_init(&crl);

	if (rc >= 0)
	{
		rc = gnutls_x509_crl_import(crl, &datum, GNUTLS_X509_FMT_DER);
	}
	if (rc >= 0)
	{
		rc = gnutls_x509_crl_verify(crl, &ca->crt, 1,
									GNUTLS_VERIFY_DISABLE_TIME_CHECKS,
									&verdict);
	}
	gnutls_x509_crl_deinit(crl);
	/* whatever else it says of times that are not looked at */
	verdict &= ~(unsigned)(GNUTLS_CERT_INVALID |
						   GNUTLS_CERT_REVOCATION_DATA_SUPERSEDED |
						   GNUTLS_CERT_REVOCATION_DATA_ISSUED_IN_FUTURE);
	return rc < 0 ? ca_fail(e, "authority", "not a revocation list", rc)
		: verdict ? err_set(e, -EINVAL, ERR_TLS, "authority",
							"the revocation list is not signed by it") : 0;
}
