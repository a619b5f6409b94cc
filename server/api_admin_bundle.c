/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * api_admin_bundle.c - bundles for the enrolment of routers
 */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "alloc.h"
#include "log.h"
#include "name.h"
#include "seal.h"
#include "secret.h"
#include "text.h"
#include "server/api_admin_change.h"

#define TOKEN_LIFETIME_S (7 * 24 * 3600)

/* PEM as a JSON string in its usual form: a line's end is \\n, not \\u000a. */
static void write_pem(struct json_out *o, const char *key, const char *pem)
{
	struct text t = { 0 };

	text_add(&t, "\"");
	for (; *pem; pem++)
	{
		if (*pem == '\n')
		{
			text_add(&t, "\\n");
		}
		else if (*pem >= 0x20 && *pem < 0x7f && *pem != '"' && *pem != '\\')
		{
			text_addn(&t, pem, 1);
		}
	}
	text_add(&t, "\"");
	jo_raw(o, key, text_str(&t));
	text_done(&t);
}

static void write_bundle(struct json_out *o, const struct api_admin *api,
						 const struct store_ce *ce, const char *token)
{
	char place[PLACE_SIZE], address[ADDR_TEXT_MAX];
	size_t i;

	snprintf(place, sizeof(place), "%s/%s", ce->customer, ce->ce);
	jo_object(o, NULL);
	jo_str(o, "schema", "ppvpn-bundle/1");
	jo_str(o, "ce", place);
	jo_str(o, "ce-address", addr_str(&ce->address, address));
	jo_array(o, "servers");
	for (i = 0; i < api->server_count; i++)
	{
		jo_str(o, NULL, api->servers[i]);
	}
	jo_array_end(o);
	jo_str(o, "enroll", api->enroll);
	jo_str(o, "token", token);
	write_pem(o, "ca-data", api->ca_pem);
	jo_object_end(o);
}

/* The token leaves here once, in the bundle; the database has its hash. */
static int make_token(struct admin_change *c, const struct store_ce *ce,
					  char token[33])
{
	uint64_t lifetime = c->api->token_lifetime_s ? c->api->token_lifetime_s
												 : TOKEN_LIFETIME_S;
	uint8_t bytes[16], hash[32];
	char actor[ADMIN_ACTOR_SIZE];
	int rc;

	seal_random(bytes, sizeof(bytes));
	hex_encode(bytes, sizeof(bytes), token);
	wipe(bytes, sizeof(bytes));
	seal_sha256(token, strlen(token), hash);
	admin_actor(c->req, actor);
	rc = store_token_add(c->store, ce->customer, ce->ce, hash,
						 admin_now_ms() + (int64_t)lifetime * 1000, actor,
						 &c->e);
	if (rc == 0)
	{
		log_info("admin", "%s: bundle for %s/%s", actor, ce->customer, ce->ce);
	}
	return rc;
}

ADMIN_HANDLER(admin_ce_bundle)
{
	struct admin_change c = { .req = req, .store = store, .api = user };
	enum http_verdict verdict;
	const char *customer, *name;
	struct json_out o = { 0 };
	struct store_ce ce;
	char token[33] = "";
	int rc;

	c.arena = arena_new();
	if ((rc = admin_segment(&c, "customer", &customer)) < 0 ||
		(rc = admin_segment(&c, "ce", &name)) < 0 ||
		(rc = store_ce_get(store, c.arena, customer, name, &ce, &c.e)) < 0 ||
		(rc = make_token(&c, &ce, token)) < 0)
	{
		verdict = admin_fail(resp, rc, &c.e);
	}
	else
	{
		write_bundle(&o, c.api, &ce, token);
		verdict = admin_answer(resp, &o);
	}
	wipe(token, sizeof(token));
	arena_free(c.arena);
	return verdict;
}
