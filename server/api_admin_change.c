/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * api_admin_change.c - how the admin API makes a change
 *
 * Each is one transaction with an audit record that names who asked; with
 * dry-run=yes it is done, looked at, and taken back. What it is about is
 * api_admin_config.c's.
 */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "alloc.h"
#include "log.h"
#include "name.h"
#include "text.h"
#include "server/api_admin_change.h"

/* ---- one change -------------------------------------------------------------- */

/* Whether a switch of the query is on; -EINVAL for anything but yes and no. */
static int flag(struct admin_change *c, const char *name, bool *on)
{
	const char *value = http_request_query(c->req, name);

	*on = value && strcmp(value, "yes") == 0;
	return !value || *on || strcmp(value, "no") == 0 ? 0
		: err_set(&c->e, -EINVAL, ERR_USAGE, name, "'yes' or 'no'");
}

static void committed(struct admin_change *c, const char *actor,
					  uint64_t revision)
{
	log_info("admin", "%s: %s (revision %llu)", actor, c->what,
			 (unsigned long long)revision);
	if (c->api->changed)
	{
		c->api->changed(c->api->server);
	}
}

/* Do it, see what it comes to, then keep it or not. */
static int run(struct admin_change *c, admin_change_fn fn, bool dry_run,
			   struct store_effects *effects, bool *changed,
			   uint64_t *revision)
{
	char actor[ADMIN_ACTOR_SIZE];
	uint64_t epoch;
	int rc;

	admin_actor(c->req, actor);
	rc = store_begin(c->store, actor, &c->e);
	if (rc < 0)
	{
		return rc;
	}
	if ((rc = fn(c)) < 0 || (rc = store_settle(c->store, &c->e)) < 0 ||
		(rc = admin_check_change(c->req, c->store, &c->e)) < 0 ||
		(rc = store_effects(c->store, c->arena, effects, &c->e)) < 0)
	{
		store_rollback(c->store);
		return rc;
	}
	*changed = store_is_changed(c->store);
	if (dry_run || !*changed)
	{
		store_rollback(c->store);
		return store_revision(c->store, &epoch, revision, &c->e);
	}
	rc = store_commit(c->store, c->what, revision, &c->e);
	if (rc == 0)
	{
		committed(c, actor, *revision);
	}
	return rc;
}

static void write_lists(struct json_out *o, const struct store_effects *f)
{
	size_t i;

	jo_array(o, "ces");
	for (i = 0; i < f->ce_count; i++)
	{
		jo_object(o, NULL);
		jo_str(o, "customer", f->ces[i].customer);
		jo_str(o, "ce", f->ces[i].ce);
		jo_object_end(o);
	}
	jo_array_end(o);
	jo_array(o, "tunnels");
	for (i = 0; i < f->tunnel_count; i++)
	{
		jo_object(o, NULL);
		jo_str(o, "customer", f->tunnels[i].customer);
		jo_str(o, "vpn", f->tunnels[i].vpn);
		jo_array(o, "sites");
		jo_str(o, NULL, f->tunnels[i].site[0]);
		jo_str(o, NULL, f->tunnels[i].site[1]);
		jo_array_end(o);
		jo_str(o, "change", store_change_words[f->tunnels[i].change]);
		jo_object_end(o);
	}
	jo_array_end(o);
	jo_array(o, "objects");
	for (i = 0; i < f->object_count; i++)
	{
		jo_object(o, NULL);
		jo_str(o, "kind", f->objects[i].kind);
		jo_str(o, "place", f->objects[i].place);
		jo_str(o, "change", store_change_words[f->objects[i].change]);
		jo_object_end(o);
	}
	jo_array_end(o);
}

static void write_effects(struct json_out *o, const struct store_effects *f,
						  bool lists)
{
	char key[32];
	int i;

	jo_u64(o, "ces-told", f->ces_told);
	for (i = 0; i < STORE_CHANGE_KINDS; i++)
	{
		snprintf(key, sizeof(key), "tunnels-%s", store_change_words[i]);
		jo_u64(o, key, f->tunnels_by_change[i]);
	}
	if (lists)
	{
		write_lists(o, f);
	}
}

enum http_verdict admin_do_change(struct http_request *req,
								  struct http_response *resp,
								  struct store *store, void *user,
								  admin_change_fn fn)
{
	struct admin_change c = { .req = req, .store = store, .api = user };
	struct store_effects effects;
	enum http_verdict verdict;
	struct json_out o = { 0 };
	bool dry_run, lists, changed = false;
	uint64_t revision = 0;
	int rc;

	c.arena = arena_new();
	if ((rc = flag(&c, "dry-run", &dry_run)) < 0 ||
		(rc = flag(&c, "effects", &lists)) < 0 ||
		(rc = run(&c, fn, dry_run, &effects, &changed, &revision)) < 0)
	{
		verdict = admin_fail(resp, rc, &c.e);
	}
	else
	{
		jo_object(&o, NULL);
		jo_u64(&o, "revision", revision);
		jo_bool(&o, "dry-run", dry_run);
		jo_bool(&o, "changed", changed);
		write_effects(&o, &effects, lists || dry_run);
		if (c.rotates)
		{
			jo_u64(&o, "rotating-already", c.rotating);
		}
		if (c.certificate && !dry_run)
		{
			jo_str(&o, "certificate", c.certificate);
		}
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

int admin_read_body(struct admin_change *c, const struct json_row *rows, void *out)
{
	size_t len;
	const char *body = http_request_body(c->req, &len);

	return json_read_text(c->arena, body ? body : "", len,
						  &conf_json_limits, read_rows, out, (void *)rows,
						  &c->e);
}

/* A segment of the path; it is a label or there is nothing of that name. */
int admin_segment(struct admin_change *c, const char *name, const char **out)
{
	*out = http_request_segment(c->req, name);
	if (!*out || !name_is_label(*out))
	{
		return err_set(&c->e, -EINVAL, ERR_NAME, *out ? *out : name,
					   "not a name");
	}
	return 0;
}
