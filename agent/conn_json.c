/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * conn_json.c - a connection as the plugin takes it, and its tag
 *
 * Pure. Equal connections give equal bytes, so the tag, a digest over all of
 * them with the secrets, tells whether charon has what is wanted.
 */
#include "config.h"

#include <string.h>

#include "alloc.h"
#include "charon.h"
#include "json_out.h"
#include "resource.h"
#include "seal.h"
#include "secret.h"
#include "text.h"

#define TYPICAL 1000		/* bytes; longer ones grow */
#define PEM_LINE 64			/* characters, RFC 7468 */
#define TAG_BEGIN ",\"tag\":\""
#define TAG_END "\""

static void put_address(struct json_out *o, const char *key,
						const struct addr *a)
{
	char buf[ADDR_TEXT_MAX];

	/* no address: a peer that may come from anywhere */
	jo_str(o, key, a->family != 0 ? addr_str(a, buf) : "%any");
}

static void put_identity(struct json_out *o, const char *key, const char *fqdn)
{
	jo_object(o, key);
	jo_str(o, "fqdn-string", fqdn);
	jo_object_end(o);
}

static void put_texts(struct json_out *o, const char *key, char *const *texts,
					  size_t count)
{
	jo_array(o, key);
	for (size_t i = 0; i < count; i++)
	{
		jo_str(o, NULL, texts[i]);
	}
	jo_array_end(o);
}

static const char *use_word(int use)
{
	return use == MODEL_SEND_AND_ACCEPT ? "send-and-accept" : "accept-only";
}

static void put_keys(struct json_out *o, const struct res_conn *spec)
{
	const struct model_key *key;

	jo_object(o, "pre-shared");
	jo_array(o, "keys");
	for (size_t i = 0; i < spec->key_count; i++)
	{
		key = &spec->keys[i];
		jo_object(o, NULL);
		jo_str(o, "key-id", key->key_id);
		jo_str(o, "use", use_word(key->use));
		jo_secret(o, "secret", &key->secret);
		jo_object_end(o);
	}
	jo_array_end(o);
	jo_object_end(o);
}

static void put_certificate(struct json_out *o, const struct res_conn *spec)
{
	jo_object(o, "certificate");
	jo_str(o, "use", use_word(spec->certificate_use));
	jo_str(o, "credentials", spec->credentials);
	jo_object_end(o);
}

/* Without the tag, which is a digest of this; its place is at name_end. */
static struct text conn_text(const struct res_conn *spec, size_t *name_end)
{
	const struct model_profile *profile = spec->profile;
	struct json_out o = { .depth = 0 };

	text_reserve(&o.text, TYPICAL);
	jo_object(&o, NULL);
	jo_str(&o, "name", spec->name);
	*name_end = o.text.len;
	put_address(&o, "local-address", &spec->local);
	put_address(&o, "remote-address", &spec->remote);
	put_identity(&o, "local-identity", spec->local_id);
	put_identity(&o, "remote-identity", spec->remote_id);
	put_texts(&o, "proposals", profile->proposals, profile->proposal_count);
	put_texts(&o, "esp_proposals", profile->esp_proposals,
			  profile->esp_proposal_count);
	jo_u64(&o, "rekey_time", profile->rekey_time);
	jo_u64(&o, "child_rekey_time", profile->child_rekey_time);
	jo_u64(&o, "dpd_delay", profile->dpd_delay);
	jo_u64(&o, "mark", spec->mark);
	jo_u64(&o, "set_mark_out", spec->set_mark_out);
	if (spec->key_count)
	{
		put_keys(&o, spec);
	}
	if (spec->credentials)
	{
		put_certificate(&o, spec);
	}
	jo_object_end(&o);
	return jo_take(&o);
}

/* The text with its digest, which is the tag, after the name; json is wiped. */
static char *tagged(struct arena *a, struct text *json, size_t name_end,
					char tag[65])
{
	uint8_t digest[32];
	char *out, *at;

	seal_sha256(text_str(json), json->len, digest);
	hex_encode(digest, sizeof(digest), tag);
	out = arena_calloc(a, json->len + sizeof(TAG_BEGIN TAG_END) + strlen(tag),
					   1);
	at = mempcpy(out, json->s, name_end);
	at = stpcpy(stpcpy(stpcpy(at, TAG_BEGIN), tag), TAG_END);
	memcpy(at, json->s + name_end, json->len - name_end);
	text_done(json);
	return out;
}

void conn_json_build(struct arena *a, struct res_conn *spec)
{
	size_t name_end;
	struct text json = conn_text(spec, &name_end);

	spec->json = tagged(a, &json, name_end, spec->tag);
}

/* ---- credentials ----------------------------------------------------------- */

static void put_pem(struct json_out *o, const char *key, const char *label,
					const char *base64)
{
	struct text pem = {0};
	size_t len = strlen(base64), n;

	text_addf(&pem, "-----BEGIN %s-----\n", label);
	for (; len; base64 += n, len -= n)
	{
		n = len < PEM_LINE ? len : PEM_LINE;
		text_addn(&pem, base64, n);
		text_add(&pem, "\n");
	}
	text_addf(&pem, "-----END %s-----\n", label);
	jo_str(o, key, text_str(&pem));
	text_done(&pem);
}

static void put_pems(struct json_out *o, const char *key, const char *label,
					 char *const *list, size_t count)
{
	jo_array(o, key);
	for (size_t i = 0; i < count; i++)
	{
		put_pem(o, NULL, label, list[i]);
	}
	jo_array_end(o);
}

void credentials_json_build(struct arena *a, struct res_credentials *spec)
{
	const struct model_certificate *certificate = spec->certificate;
	struct json_out o = { .depth = 0 };
	struct text json;
	size_t name_end;

	text_reserve(&o.text, TYPICAL);
	jo_object(&o, NULL);
	jo_str(&o, "name", spec->name);
	name_end = o.text.len;
	put_pems(&o, "certificates", "CERTIFICATE", &certificate->cert_data, 1);
	jo_str(&o, "private-key", spec->private_key);
	put_pems(&o, "authorities", "CERTIFICATE", certificate->ca_data,
			 certificate->ca_count);
	put_pems(&o, "revocation-lists", "X509 CRL", certificate->crl_data,
			 certificate->crl_count);
	jo_str(&o, "revocation", certificate->revocation == MODEL_STRICT
		   ? "strict" : "relaxed");
	jo_object_end(&o);
	json = jo_take(&o);
	spec->json = tagged(a, &json, name_end, spec->tag);
}
