/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * api_admin.c - routes of the admin API, and the changes among them
 *
 * Each change is one transaction with an audit record that names the Unix user
 * who asked. Questions are api_admin_ask.c's.
 */
#include "config.h"

#include <errno.h>
#include <pwd.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "json_in.h"
#include "json_out.h"
#include "log.h"
#include "name.h"
#include "seal.h"
#include "secret.h"
#include "server/api_admin_impl.h"

#define BODY_MAX (64 * 1024)
#define TOKEN_LIFETIME_S (7 * 24 * 3600)

/* ---- answers ---------------------------------------------------------------- */

enum http_verdict admin_fail(struct http_response *resp, int rc,
							 const struct err *e)
{
	unsigned status;

	switch (rc)
	{
		case -ENOENT:
			status = 404;
			break;
		case -EEXIST:
		case -EBUSY:
			status = 409;
			break;
		case -EINVAL:
		case -E2BIG:
		case -ERANGE:
			status = 400;
			break;
		case -EIO:
		case -EBADMSG:
			status = 503;
			break;
		default:
			status = 500;
	}
	if (status >= 500)
	{
		log_err(LOG_LEVEL_ERROR, "admin", "request failed", e);
	}
	http_response_error(resp, status, e);
	return HTTP_DONE;
}

enum http_verdict admin_answer(struct http_response *resp, struct json_out *o)
{
	struct text text = jo_take(o);

	text_add(&text, "\n");
	resp->status = 200;
	resp->content_type = "application/json";
	resp->body_len = text.len;
	resp->body = text_take(&text);
	return HTTP_DONE;
}

/* ---- one change -------------------------------------------------------------- */

/* A request for a change, as its functions see it. */
struct change
{
	struct http_request *req;
	struct store *store;
	const struct api_admin *api;
	struct arena *arena;
	char what[256];			/* for the audit record */
	struct err e;
};

typedef int (*change_fn)(struct change *c);

/* "unix:root", or "unix:uid=N" for one without a name */
static void actor_of(struct http_request *req, char out[64])
{
	long uid = http_request_uid(req);
	struct passwd pwd, *found = NULL;
	char buf[4096];

	if (uid >= 0 && getpwuid_r((uid_t)uid, &pwd, buf, sizeof(buf),
							   &found) == 0 && found &&
		text_is_printable(pwd.pw_name))
	{
		snprintf(out, 64, "unix:%.50s", pwd.pw_name);
	}
	else
	{
		snprintf(out, 64, "%.63s", http_request_peer(req));
	}
}

static int commit_change(struct change *c, change_fn fn, uint64_t *revision)
{
	char actor[64];
	int rc;

	actor_of(c->req, actor);
	rc = store_begin(c->store, actor, &c->e);
	if (rc < 0)
	{
		return rc;
	}
	rc = fn(c);
	if (rc < 0)
	{
		store_rollback(c->store);
		return rc;
	}
	rc = store_commit(c->store, c->what, revision, &c->e);
	if (rc == 0)
	{
		log_info("admin", "%s: %s (revision %llu)", actor, c->what,
				 (unsigned long long)*revision);
		if (c->api->changed)
		{
			c->api->changed(c->api->server);
		}
	}
	return rc;
}

static enum http_verdict change(struct http_request *req,
								struct http_response *resp,
								struct store *store, void *user, change_fn fn)
{
	struct change c = { .req = req, .store = store, .api = user };
	enum http_verdict verdict;
	struct json_out o = { 0 };
	uint64_t revision = 0;
	int rc;

	c.arena = arena_new();
	rc = commit_change(&c, fn, &revision);
	if (rc < 0)
	{
		verdict = admin_fail(resp, rc, &c.e);
	}
	else
	{
		jo_object(&o, NULL);
		jo_u64(&o, "revision", revision);
		jo_object_end(&o);
		verdict = admin_answer(resp, &o);
	}
	arena_free(c.arena);
	return verdict;
}

/* ---- reading a body ---------------------------------------------------------- */

static int read_rows(struct json_in *in, struct json_object *value,
					 const struct json_path *path, void *out)
{
	return json_read_object(in, value, path, in->user, out);
}

static int read_body(struct change *c, const struct json_row *rows, void *out)
{
	size_t len;
	const char *body = http_request_body(c->req, &len);

	return json_read_text(c->arena, body ? body : "", len,
						  &json_limits_document, read_rows, out, (void *)rows,
						  &c->e);
}

#define ROW(row_name, row_kind, type, member) \
	.name = (row_name), .kind = (row_kind), .offset = offsetof(type, member)
#define NEED .required = true
#define TEXT_ROW(type) \
	{ ROW("description", JSON_TEXT, type, description), .min = 0, .max = 255 }

/* A segment of the path; it is a label or there is nothing of that name. */
static int segment(struct change *c, const char *name, const char **out)
{
	*out = http_request_segment(c->req, name);
	if (!*out || !name_is_label(*out))
	{
		return err_set(&c->e, -EINVAL, ERR_NAME, *out ? *out : name,
					   "not a name");
	}
	return 0;
}

/* ---- customers ---------------------------------------------------------------- */

static int customer_add(struct change *c)
{
	static const struct json_row rows[] = {
		{ ROW("customer", JSON_LABEL, struct store_customer, customer), NEED },
		TEXT_ROW(struct store_customer),
		{ .name = NULL }
	};
	struct store_customer in = { 0 };
	int rc = read_body(c, rows, &in);

	if (rc < 0)
	{
		return rc;
	}
	snprintf(c->what, sizeof(c->what), "customer add %s", in.customer);
	return store_customer_add(c->store, in.customer, in.description, &c->e);
}

static int customer_remove(struct change *c)
{
	const char *customer;
	int rc = segment(c, "customer", &customer);

	if (rc < 0)
	{
		return rc;
	}
	snprintf(c->what, sizeof(c->what), "customer remove %s", customer);
	return store_customer_remove(c->store, customer, &c->e);
}

/* ---- VPNs ---------------------------------------------------------------------- */

static int vpn_add(struct change *c)
{
	static const char *const topologies[] = { "any-to-any", NULL };
	/* bounds are the store's: it says them in an operator's words */
#define NUMBER(name, member) \
	{ ROW(name, JSON_U32, struct store_vpn, member), .max = UINT32_MAX }
	static const struct json_row rows[] = {
		{ ROW("customer", JSON_LABEL, struct store_vpn, customer), NEED },
		{ ROW("vpn", JSON_LABEL, struct store_vpn, vpn), NEED },
		{ ROW("topology", JSON_ENUM, struct store_vpn, topology), NEED,
		  .names = topologies },
		TEXT_ROW(struct store_vpn),
		{ ROW("domain", JSON_FQDN, struct store_vpn, domain) },
		{ ROW("router-ids", JSON_PREFIX4, struct store_vpn, router_ids) },
		{ ROW("area", JSON_ADDR4, struct store_vpn, ospf.area) },
		NUMBER("mtu", mtu),
		NUMBER("hello-interval", ospf.hello_interval),
		NUMBER("dead-interval", ospf.dead_interval),
		NUMBER("cost", ospf.cost),
		{ .name = NULL }
	};
#undef NUMBER
	struct store_vpn in;
	int rc;

	store_vpn_defaults(&in);
	if (c->api->domain)
	{
		in.domain = (char *)c->api->domain;
	}
	rc = read_body(c, rows, &in);
	if (rc < 0)
	{
		return rc;
	}
	snprintf(c->what, sizeof(c->what), "vpn add %s/%s", in.customer, in.vpn);
	return store_vpn_add(c->store, &in, &c->e);
}

static int vpn_remove(struct change *c)
{
	const char *customer, *vpn;
	int rc;

	if ((rc = segment(c, "customer", &customer)) < 0 ||
		(rc = segment(c, "vpn", &vpn)) < 0)
	{
		return rc;
	}
	snprintf(c->what, sizeof(c->what), "vpn remove %s/%s", customer, vpn);
	return store_vpn_remove(c->store, customer, vpn, &c->e);
}

/* ---- routers -------------------------------------------------------------------- */

static int ce_add(struct change *c)
{
	static const struct json_row rows[] = {
		{ ROW("customer", JSON_LABEL, struct store_ce, customer), NEED },
		{ ROW("ce", JSON_LABEL, struct store_ce, ce), NEED },
		{ ROW("ce-address", JSON_ADDR4, struct store_ce, address), NEED },
		TEXT_ROW(struct store_ce),
		{ .name = NULL }
	};
	struct store_ce in = { 0 };
	int rc = read_body(c, rows, &in);

	if (rc < 0)
	{
		return rc;
	}
	snprintf(c->what, sizeof(c->what), "ce add %s/%s", in.customer, in.ce);
	return store_ce_add(c->store, in.customer, in.ce, &in.address,
						in.description, &c->e);
}

static int ce_remove(struct change *c)
{
	const char *customer, *ce;
	int rc;

	if ((rc = segment(c, "customer", &customer)) < 0 ||
		(rc = segment(c, "ce", &ce)) < 0)
	{
		return rc;
	}
	snprintf(c->what, sizeof(c->what), "ce remove %s/%s", customer, ce);
	return store_ce_remove(c->store, customer, ce, &c->e);
}

/* ---- sites ---------------------------------------------------------------------- */

struct site_in
{
	struct store_site site;
	bool unused;			/* so that no offset below is 0 */
	bool has_router_id, has_ce_address;
};

static int site_add(struct change *c)
{
	static const struct json_row rows[] = {
		{ ROW("customer", JSON_LABEL, struct site_in, site.customer), NEED },
		{ ROW("vpn", JSON_LABEL, struct site_in, site.vpn), NEED },
		{ ROW("site", JSON_LABEL, struct site_in, site.site), NEED },
		{ ROW("ce", JSON_LABEL, struct site_in, site.ce), NEED },
		{ ROW("router-id", JSON_ADDR4, struct site_in, site.router_id),
		  .present_offset = offsetof(struct site_in, has_router_id) },
		{ ROW("ce-address", JSON_ADDR4, struct site_in, site.ce_address),
		  .present_offset = offsetof(struct site_in, has_ce_address) },
		{ .name = NULL }
	};
	struct site_in in = { 0 };
	int rc = read_body(c, rows, &in);

	if (rc < 0)
	{
		return rc;
	}
	snprintf(c->what, sizeof(c->what), "site add %s/%s/%s", in.site.customer,
			 in.site.vpn, in.site.site);
	return store_site_add(c->store, in.site.customer, in.site.vpn,
						  in.site.site, in.site.ce,
						  in.has_router_id ? &in.site.router_id : NULL,
						  in.has_ce_address ? &in.site.ce_address : NULL,
						  &c->e);
}

static int site_remove(struct change *c)
{
	const char *customer, *vpn, *site;
	int rc;

	if ((rc = segment(c, "customer", &customer)) < 0 ||
		(rc = segment(c, "vpn", &vpn)) < 0 ||
		(rc = segment(c, "site", &site)) < 0)
	{
		return rc;
	}
	snprintf(c->what, sizeof(c->what), "site remove %s/%s/%s", customer, vpn,
			 site);
	return store_site_remove(c->store, customer, vpn, site, "site-removed",
							 &c->e);
}

/* ---- bundles --------------------------------------------------------------------- */

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
static int make_token(struct change *c, const struct store_ce *ce,
					  char token[33])
{
	uint64_t lifetime = c->api->token_lifetime_s ? c->api->token_lifetime_s
												 : TOKEN_LIFETIME_S;
	uint8_t bytes[16], hash[32];
	char actor[64];
	int rc;

	seal_random(bytes, sizeof(bytes));
	hex_encode(bytes, sizeof(bytes), token);
	wipe(bytes, sizeof(bytes));
	seal_sha256(token, strlen(token), hash);
	actor_of(c->req, actor);
	rc = store_token_add(c->store, ce->customer, ce->ce, hash,
						 admin_now_ms() + (int64_t)lifetime * 1000, actor,
						 &c->e);
	if (rc == 0)
	{
		log_info("admin", "%s: bundle for %s/%s", actor, ce->customer, ce->ce);
	}
	return rc;
}

static enum http_verdict ce_bundle(struct http_request *req,
								   struct http_response *resp,
								   struct store *store, void *user)
{
	struct change c = { .req = req, .store = store, .api = user };
	enum http_verdict verdict;
	const char *customer, *name;
	struct json_out o = { 0 };
	struct store_ce ce;
	char token[33] = "";
	int rc;

	c.arena = arena_new();
	if ((rc = segment(&c, "customer", &customer)) < 0 ||
		(rc = segment(&c, "ce", &name)) < 0 ||
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

/* ---- the table -------------------------------------------------------------------- */

#define CHANGE_HANDLER(name) \
	static enum http_verdict on_ ## name(struct http_request *req, \
		struct http_response *resp, struct store *store, void *user) \
	{ \
		return change(req, resp, store, user, name); \
	}

CHANGE_HANDLER(customer_add)
CHANGE_HANDLER(customer_remove)
CHANGE_HANDLER(vpn_add)
CHANGE_HANDLER(vpn_remove)
CHANGE_HANDLER(ce_add)
CHANGE_HANDLER(ce_remove)
CHANGE_HANDLER(site_add)
CHANGE_HANDLER(site_remove)

const struct http_route api_admin_routes[] = {
	{ "GET", "/v1/health", admin_health, 0 },
	{ "GET", "/v1/customers", admin_customers, 0 },
	{ "POST", "/v1/customers", on_customer_add, BODY_MAX },
	{ "GET", "/v1/customers/{customer}", admin_customer, 0 },
	{ "DELETE", "/v1/customers/{customer}", on_customer_remove, 0 },
	{ "GET", "/v1/vpns", admin_vpns, 0 },
	{ "POST", "/v1/vpns", on_vpn_add, BODY_MAX },
	{ "GET", "/v1/vpns/{customer}/{vpn}", admin_vpn, 0 },
	{ "DELETE", "/v1/vpns/{customer}/{vpn}", on_vpn_remove, 0 },
	{ "GET", "/v1/ces", admin_ces, 0 },
	{ "POST", "/v1/ces", on_ce_add, BODY_MAX },
	{ "GET", "/v1/ces/{customer}/{ce}", admin_ce, 0 },
	{ "DELETE", "/v1/ces/{customer}/{ce}", on_ce_remove, 0 },
	{ "POST", "/v1/ces/{customer}/{ce}/bundle", ce_bundle, 0 },
	{ "GET", "/v1/sites", admin_sites, 0 },
	{ "POST", "/v1/sites", on_site_add, BODY_MAX },
	{ "GET", "/v1/sites/{customer}/{vpn}/{site}", admin_site, 0 },
	{ "DELETE", "/v1/sites/{customer}/{vpn}/{site}", on_site_remove, 0 },
	{ "GET", "/v1/status", admin_status, 0 },
	{ "GET", "/v1/tunnels", admin_tunnels, 0 },
	{ "GET", "/v1/time-to-service", admin_time_to_service, 0 },
	{ "GET", "/v1/audit", admin_audit, 0 },
	{ .method = NULL }
};
