/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * api_admin_access.c - who asks, and may he?
 *
 * Runs before each handler, with what the database says at that moment: who is
 * removed, or has another certificate, is out with his next request, whatever
 * connection it comes over. Nothing that a request says of itself is believed but
 * what the kernel (Unix socket) or the handshake (TLS) vouches for.
 */
#include "config.h"

#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "alloc.h"
#include "json_in.h"
#include "log.h"
#include "name.h"
#include "text.h"
#include "server/api_admin_impl.h"
#include "server/ca.h"
#include "server/conf_json.h"

/* ---- who ----------------------------------------------------------------------- */

static void who_free(void *thing)
{
	struct admin_who *who = thing;

	arena_free(who->arena);
	free(who);
}

static struct admin_who *who_new(void)
{
	struct admin_who *who = xcalloc(1, sizeof(*who));

	who->arena = arena_new();
	return who;
}

/* An operator of the database, with what he may. */
static void take_operator(struct admin_who *who,
						  const struct store_operator *op, const char *way,
						  const char *how)
{
	struct access_grant *grants = arena_calloc(who->arena, op->grant_count + 1,
											   sizeof(*grants));
	size_t i;

	for (i = 0; i < op->grant_count; i++)
	{
		grants[i].customer = op->grants[i].customer;
		grants[i].role = (enum access_role)op->grants[i].role;
	}
	who->operator = op->operator;
	who->access.all = (enum access_role)op->role;
	who->access.grants = grants;
	who->access.grant_count = op->grant_count;
	snprintf(who->actor, sizeof(who->actor), "%s (%s:%.40s)", op->operator,
			 way, how);
}

/* False: this user has no name that could be an operator's. */
static bool unix_name(long uid, char *buf, size_t size, const char **name)
{
	struct passwd pwd, *found = NULL;

	if (getpwuid_r((uid_t)uid, &pwd, buf, size, &found) != 0 || !found ||
		!*pwd.pw_name || !text_is_printable(pwd.pw_name))
	{
		return false;
	}
	*name = pwd.pw_name;
	return true;
}

static int who_by_unix(struct admin_who *who, struct http_request *req,
					   struct store *store, const struct api_admin *api,
					   struct err *e)
{
	const long uid = http_request_uid(req);
	const bool own = uid == 0 || uid == (long)geteuid();
	struct store_operator op;
	const char *name = NULL;
	char buf[4096];
	int rc = -ENOENT;

	/* nobody locks these two out: they could read the database's file */
	who->access.all = own ? ACCESS_ADMIN : api->socket_role;
	if (!unix_name(uid, buf, sizeof(buf), &name))
	{
		snprintf(who->actor, sizeof(who->actor), "unix:uid=%ld", uid);
		return 0;
	}
	snprintf(who->actor, sizeof(who->actor), "unix:%.50s", name);
	if (!own)
	{
		rc = store_operator_by_unix(store, who->arena, name, &op, e);
	}
	if (rc == 0)
	{
		take_operator(who, &op, "unix", name);
	}
	return rc == -ENOENT ? 0 : rc;
}

static int who_by_key(struct admin_who *who, struct http_request *req,
					  struct store *store, const uint8_t key[32],
					  struct err *e)
{
	const char *uri = http_request_key_uri(req);
	char wanted[CA_URI_SIZE];
	struct store_operator op;
	int rc = store_operator_by_key(store, who->arena, key, &op, e);

	snprintf(who->actor, sizeof(who->actor), "tls:%.60s",
			 http_request_peer(req));
	if (rc == 0)
	{
		/* his, and the newest: an older one may be for the same key */
		ca_operator_uri(op.operator, op.serial, wanted);
		if (uri && strcmp(uri, wanted) == 0 && admin_now_ms() < op.expires_ms)
		{
			take_operator(who, &op, "tls", http_request_peer(req));
		}
	}
	return rc == -ENOENT ? 0 : rc;
}

/* Who nobody knows has no role. */
static int find_who(struct admin_who *who, struct http_request *req,
					struct store *store, const struct api_admin *api,
					struct err *e)
{
	uint8_t key[32];

	if (http_request_uid(req) >= 0)
	{
		return who_by_unix(who, req, store, api, e);
	}
	if (http_request_key(req, key))
	{
		return who_by_key(who, req, store, key, e);
	}
	snprintf(who->actor, sizeof(who->actor), "%.60s", http_request_peer(req));
	return 0;
}

const struct admin_who *admin_who(struct http_request *req)
{
	return http_request_kept(req);
}

void admin_actor(struct http_request *req, char out[ADMIN_ACTOR_SIZE])
{
	snprintf(out, ADMIN_ACTOR_SIZE, "%s", admin_who(req)->actor);
}

/* ---- what it is about ------------------------------------------------------------ */

static int read_customer(struct json_in *in, struct json_object *value,
						 const struct json_path *path, void *out)
{
	static const struct json_row row = {
		.name = "customer", .kind = JSON_LABEL, .required = true
	};

	return json_read_one(in, value, path, &row, out);
}

static int read_revision(struct http_request *req, uint64_t *revision,
						 struct err *e)
{
	const char *text = http_request_segment(req, "revision");

	return text && text_to_u64(text, 1, INT64_MAX, revision) == 0 ? 0
		: err_set(e, -EINVAL, ERR_USAGE, text ? text : "",
				  "not the number of a revision");
}

/* NULL where it names none. What it names need not be there. */
static int find_customer(struct admin_who *who, struct http_request *req,
						 struct store *store, const char **customer,
						 struct err *e)
{
	const char *body;
	uint64_t revision;
	char *name = NULL;
	size_t len;
	int rc = 0;

	switch (ACCESS_ABOUT_OF(http_request_route(req)->access))
	{
		case ACCESS_PATH:
			*customer = http_request_segment(req, "customer");
			return 0;
		case ACCESS_QUERY:
			*customer = http_request_query(req, "customer");
			return 0;
		case ACCESS_BODY:
			/* the handler reads it again, from the same bytes: duplicate
			   members are refused both times */
			body = http_request_body(req, &len);
			rc = json_read_text(who->arena, body ? body : "", len,
								&conf_json_limits, read_customer, &name, NULL,
								e);
			break;
		case ACCESS_REVISION:
			rc = read_revision(req, &revision, e);
			if (rc == 0)
			{
				rc = store_revision_customer(store, who->arena, revision,
											 &name, e);
			}
			break;
		case ACCESS_EVERYTHING:
		case ACCESS_ASKER:
			break;
	}
	*customer = name;
	return rc;
}

/* ---- may he ------------------------------------------------------------------------ */

static int deny(const struct admin_who *who, enum access_role least,
				bool everything, const char *customer, struct err *e)
{
	if (access_best(&who->access) == ACCESS_NONE)
	{
		return err_set(e, -EACCES, ERR_DENIED, "", "%s has no role here",
					   who->actor);
	}
	if (everything || !customer)
	{
		return err_set(e, -EACCES, ERR_DENIED, "", "this needs the role %s%s",
					   access_roles[least],
					   everything ? " for all customers" : "");
	}
	return err_set(e, -EACCES, ERR_DENIED, customer, "this needs the role %s, "
				   "and yours is %s", access_roles[least],
				   access_roles[access_role_for(&who->access, customer)]);
}

/* The same whether there is such a thing or not. */
static int hide(struct http_request *req, const char *customer, struct err *e)
{
	uint64_t revision;
	char where[24];

	if (ACCESS_ABOUT_OF(http_request_route(req)->access) == ACCESS_REVISION &&
		read_revision(req, &revision, e) == 0)
	{
		snprintf(where, sizeof(where), "%llu", (unsigned long long)revision);
		return err_set(e, -ENOENT, ERR_NOT_FOUND, where, "no such revision");
	}
	return err_set(e, -ENOENT, ERR_NOT_FOUND, customer ? customer : "",
				   "no such customer");
}

static int check(struct admin_who *who, struct http_request *req,
				 struct store *store, struct err *e)
{
	const unsigned access = http_request_route(req)->access;
	const char *customer = NULL;
	int rc;

	if (access_best(&who->access) == ACCESS_NONE)
	{
		return deny(who, ACCESS_ROLE_OF(access), false, NULL, e);
	}
	rc = find_customer(who, req, store, &customer, e);
	if (rc < 0)
	{
		return rc;
	}
	switch (access_check(&who->access, access, customer))
	{
		case ACCESS_OK:
			return 0;
		case ACCESS_HIDDEN:
			return hide(req, customer, e);
		case ACCESS_DENIED:
			break;
	}
	return deny(who, ACCESS_ROLE_OF(access),
				ACCESS_ABOUT_OF(access) == ACCESS_EVERYTHING, customer, e);
}

bool api_admin_admit(struct http_request *req, struct http_response *resp,
					 struct store *store, void *user)
{
	const struct http_route *route = http_request_route(req);
	struct admin_who *who = who_new();
	struct err e = { 0 };
	int rc;

	http_request_keep(req, who, who_free);
	rc = find_who(who, req, store, user, &e);
	if (rc == 0)
	{
		rc = check(who, req, store, &e);
	}
	if (rc == -EACCES)
	{
		log_info("admin", "%s: %s %s refused", who->actor, route->method,
				 route->path);
	}
	if (rc < 0)
	{
		(void)admin_fail(resp, rc, &e);
	}
	return rc == 0;
}

/* ---- what a change has changed ------------------------------------------------------- */

static int check_object(void *user, enum conf_kind kind, const char *place,
						enum store_change_kind change, struct err *e)
{
	const struct admin_who *who = user;
	const enum access_change what = change == STORE_CHANGED
		? ACCESS_CHANGED : ACCESS_MADE_OR_REMOVED;

	switch (access_object(&who->access, kind, place, what))
	{
		case ACCESS_OK:
			return 0;
		case ACCESS_DENIED:
			return err_set(e, -EACCES, ERR_DENIED, place, "to %s a %s needs a "
						   "higher role", change == STORE_ADDED ? "make" :
						   change == STORE_REMOVED ? "remove" : "change",
						   conf_kinds[kind]);
		case ACCESS_HIDDEN:
			break;
	}
	/* what the route is about should have seen to it: nothing is told */
	return err_set(e, -EACCES, ERR_DENIED, "", "it changes what is not yours");
}

int admin_check_change(struct http_request *req, struct store *store,
					   struct err *e)
{
	return store_objects(store, check_object, (void *)admin_who(req), e);
}
