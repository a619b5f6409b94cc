/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * pki.c - certificates and revocation lists for tests
 */

#include "pki.h"

#include <collections/linked_list.h>
#include <credentials/certificates/crl.h>

#include <json-c/json.h>
#include <time.h>

#define DAY (24 * 3600)

static linked_list_t *made, *texts;
static uint32_t serial;

#ifdef __SANITIZE_ADDRESS__

/* OpenSSL keeps what it has loaded for the life of the process; what charon
 * made of it is found all the same. */
__attribute__((visibility("default")))
const char *__lsan_default_suppressions(void);

const char *__lsan_default_suppressions(void)
{
	return "leak:libcrypto.so\n";
}

#endif

static void load(void)
{
	ck_assert(lib->plugins->load(lib->plugins, "random nonce x509 revocation "
						"constraints pubkey pkcs1 pkcs8 pem openssl sha2"));
	made = linked_list_create();
	texts = linked_list_create();
}

void pki_setup(void)
{
	harness_setup();
	load();
}

void pki_setup_threads(void)
{
	harness_setup_threads();
	load();
}

static void destroy(pki_t *this)
{
	this->key->destroy(this->key);
	this->cert->destroy(this->cert);
	free(this->cert_pem);
	free(this->key_pem);
	free(this);
}

void pki_done(void)
{
	made->destroy_function(made, (void*)destroy);
	texts->destroy_function(texts, free);
	lib->credmgr->flush_cache(lib->credmgr, CERT_ANY);
}

/* A chunk (freed) as text. */
static char *to_text(chunk_t chunk)
{
	char *text = strndup((char*)chunk.ptr, chunk.len);

	chunk_clear(&chunk);
	return text;
}

static char *to_pem(certificate_t *cert)
{
	chunk_t pem;

	ck_assert(cert->get_encoding(cert, CERT_PEM, &pem));
	return to_text(pem);
}

pki_t *pki_make(pki_t *issuer, char *name, char *fqdn, x509_flag_t flags,
				int begin, int end)
{
	linked_list_t *sans = linked_list_create();
	uint32_t number = htonl(0x01000000 | ++serial);
	identification_t *id;
	public_key_t *public;
	char subject[128];
	chunk_t pem;
	pki_t *this;

	INIT(this);
	this->key = lib->creds->create(lib->creds, CRED_PRIVATE_KEY, KEY_ED25519,
								   BUILD_KEY_SIZE, 256, BUILD_END);
	ck_assert_ptr_nonnull(this->key);
	public = this->key->get_public_key(this->key);
	snprintf(subject, sizeof(subject), "CN=%s", name);
	id = identification_create_from_string(subject);
	if (fqdn)
	{
		sans->insert_last(sans, harness_id(fqdn));
	}
	this->cert = lib->creds->create(lib->creds, CRED_CERTIFICATE, CERT_X509,
				BUILD_SIGNING_KEY, issuer ? issuer->key : this->key,
				BUILD_PUBLIC_KEY, public,
				BUILD_SUBJECT, id, BUILD_SUBJECT_ALTNAMES, sans,
				BUILD_NOT_BEFORE_TIME, time(NULL) + begin * DAY,
				BUILD_NOT_AFTER_TIME, time(NULL) + end * DAY,
				BUILD_SERIAL, chunk_from_thing(number),
				BUILD_X509_FLAG, flags, BUILD_DIGEST_ALG, HASH_IDENTITY,
				issuer ? BUILD_SIGNING_CERT : BUILD_END,
				issuer ? issuer->cert : NULL, BUILD_END);
	ck_assert_ptr_nonnull(this->cert);
	this->cert_pem = to_pem(this->cert);
	/* as others see it: what is built lacks what parsing finds out */
	this->cert->destroy(this->cert);
	this->cert = lib->creds->create(lib->creds, CRED_CERTIFICATE, CERT_X509,
				BUILD_BLOB_PEM, chunk_from_str(this->cert_pem), BUILD_END);
	ck_assert(this->key->get_encoding(this->key, PRIVKEY_PEM, &pem));
	this->key_pem = to_text(pem);
	public->destroy(public);
	id->destroy(id);
	sans->destroy_offset(sans, offsetof(identification_t, destroy));
	made->insert_last(made, this);
	return this;
}

CALLBACK(next_revoked, bool,
	pki_t **revoked, enumerator_t *orig, va_list args)
{
	crl_reason_t *reason;
	chunk_t *number;
	pki_t **next;
	time_t *date;
	x509_t *x509;

	VA_ARGS_VGET(args, number, date, reason);
	if (!orig->enumerate(orig, &next) || !*next)
	{
		return FALSE;
	}
	x509 = (x509_t*)(*next)->cert;
	*number = x509->get_serial(x509);
	*date = time(NULL) - DAY;
	*reason = CRL_REASON_KEY_COMPROMISE;
	return TRUE;
}

char *pki_list(pki_t *issuer, int begin, int end, pki_t *revoked[])
{
	linked_list_t *list = linked_list_create();
	uint32_t number = htonl(0x01000000 | ++serial);
	enumerator_t *enumerator;
	certificate_t *crl;
	char *pem;

	for (; *revoked; revoked++)
	{
		list->insert_last(list, revoked);
	}
	enumerator = enumerator_create_filter(list->create_enumerator(list),
										  next_revoked, NULL, NULL);
	crl = lib->creds->create(lib->creds, CRED_CERTIFICATE, CERT_X509_CRL,
				BUILD_SIGNING_KEY, issuer->key,
				BUILD_SIGNING_CERT, issuer->cert,
				BUILD_NOT_BEFORE_TIME, time(NULL) + begin * DAY,
				BUILD_NOT_AFTER_TIME, time(NULL) + end * DAY,
				BUILD_SERIAL, chunk_from_thing(number),
				BUILD_DIGEST_ALG, HASH_IDENTITY,
				BUILD_REVOKED_ENUMERATOR, enumerator, BUILD_END);
	enumerator->destroy(enumerator);
	list->destroy(list);
	ck_assert_ptr_nonnull(crl);
	pem = to_pem(crl);
	crl->destroy(crl);
	texts->insert_last(texts, pem);
	return pem;
}

static void add(json_object *array, char *text)
{
	json_object_array_add(array, json_object_new_string(text));
}

char *pki_json(char *name, u_int generation, bool strict, pki_t *own,
			   pki_t *authorities[], char *lists[])
{
	json_object *json = json_object_new_object();
	json_object *certs = json_object_new_array();
	json_object *cas = json_object_new_array();
	json_object *crls = json_object_new_array();
	char tag[65], *text;

	snprintf(tag, sizeof(tag), "%064u", generation);
	add(certs, own->cert_pem);
	for (; *authorities; authorities++)
	{
		add(cas, (*authorities)->cert_pem);
	}
	for (; *lists; lists++)
	{
		add(crls, *lists);
	}
	json_object_object_add(json, "name", json_object_new_string(name));
	json_object_object_add(json, "tag", json_object_new_string(tag));
	json_object_object_add(json, "revocation",
					json_object_new_string(strict ? "strict" : "relaxed"));
	json_object_object_add(json, "certificates", certs);
	json_object_object_add(json, "private-key",
						   json_object_new_string(own->key_pem));
	json_object_object_add(json, "authorities", cas);
	json_object_object_add(json, "revocation-lists", crls);
	text = strdup(json_object_to_json_string_ext(json,
												 JSON_C_TO_STRING_PLAIN));
	json_object_put(json);
	return text;
}
