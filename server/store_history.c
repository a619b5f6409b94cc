/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * store_history.c - what changes changed: kept, shown, taken back
 *
 * Owns the table audit_object; the records of audit are written by store.c.
 */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "name.h"
#include "server/store_work.h"

int store_audit_notes(struct store *s, struct err *e)
{
	const struct store_note *note;
	size_t i;
	int rc = 0;

	for (i = 0; rc == 0 && i < s->work->note_count; i++)
	{
		note = &s->work->notes[i];
		rc = db_run(s->db, "INSERT INTO audit_object (revision, position, "
					"kind, place, id, before, after) "
					"VALUES ($1, $2, $3, $4, $5, $6, $7)",
					DB_ARGS(db_i((int64_t)s->revision), db_i((int64_t)i),
							db_t(conf_kinds[note->kind]), db_t(note->place),
							db_i((int64_t)note->id), db_t(note->before),
							db_t(note->after)), e);
	}
	return rc;
}

/* That what was changed is one customer's is seen by the names of its places. */
static int whose_by_places(struct store *s, int64_t *customer_id,
						   struct err *e)
{
	const struct store_note *notes = s->work->notes;
	const size_t len = strcspn(notes[0].place, "/");
	size_t i;
	int rc;

	for (i = 0; i < s->work->note_count; i++)
	{
		if (notes[i].kind == CONF_OPERATOR ||
			strncmp(notes[i].place, notes[0].place, len) != 0 ||
			(notes[i].place[len] && notes[i].place[len] != '/'))
		{
			return 0;
		}
	}
	/* it may be removed by this very change */
	rc = db_number(s->db, "SELECT id FROM customer WHERE name = $1 "
				   "AND removed_revision IN (0, $2) "
				   "ORDER BY removed_revision LIMIT 1",
				   DB_ARGS(db_t(arena_strndup(s->work->a, notes[0].place,
											  len)),
						   db_i((int64_t)s->revision)), customer_id, e);
	return rc == -ENOENT ? store_bad_row(e, "customer") : rc;
}

int store_whose(struct store *s, int64_t *customer_id, struct err *e)
{
	int64_t customers;
	int rc;

	*customer_id = 0;
	if (s->work->note_count)
	{
		return whose_by_places(s, customer_id, e);
	}
	if (s->work->rotated)
	{
		*customer_id = s->work->customer_id;
		return 0;
	}
	/* nothing but CEs that are told: one that is replaced, or all of them */
	rc = db_number(s->db, "SELECT count(DISTINCT ce.customer_id) "
				   "FROM ce_change ch JOIN ce ON ce.id = ch.ce_id "
				   "WHERE ch.revision = $1",
				   DB_ARGS(db_i((int64_t)s->revision)), &customers, e);
	if (rc < 0 || customers != 1)
	{
		return rc;
	}
	rc = db_number(s->db, "SELECT ce.customer_id FROM ce_change ch "
				   "JOIN ce ON ce.id = ch.ce_id WHERE ch.revision = $1 "
				   "LIMIT 1", DB_ARGS(db_i((int64_t)s->revision)),
				   customer_id, e);
	return rc == -ENOENT ? store_bad_row(e, "ce") : rc;
}

int store_revision_customer(struct store *s, struct arena *a, uint64_t revision,
							char **customer, struct err *e)
{
	struct db_rows *rows;
	char where[24];
	int rc;

	*customer = NULL;
	/* the first record is the change's; others may have come beside it */
	rc = db_query(s->db, "SELECT cu.name FROM audit au LEFT JOIN customer cu "
				  "ON cu.id = au.customer_id AND cu.removed_revision = 0 "
				  "WHERE au.revision = $1 ORDER BY au.id LIMIT 1",
				  DB_ARGS(db_i((int64_t)revision)), &rows, e);
	if (rc < 0)
	{
		return rc;
	}
	rc = db_next(rows, e);
	if (rc == 1)
	{
		*customer = db_col_null(rows, 0)
			? NULL : arena_strdup(a, db_col_text(rows, 0));
		rc = 0;
	}
	else if (rc == 0)
	{
		snprintf(where, sizeof(where), "%llu", (unsigned long long)revision);
		rc = err_set(e, -ENOENT, ERR_NOT_FOUND, where, "no such revision");
	}
	db_end(rows);
	return rc;
}

/* The newest, oldest of them first; customer_id 0: all. */
static int read_audits(struct store *s, struct arena *a, int64_t customer_id,
					   unsigned limit, struct store_audit **list,
					   size_t *count, struct err *e)
{
	struct store_audit *audit;
	struct db_rows *rows;
	int rc;

	*list = NULL;
	*count = 0;
	rc = customer_id
		? db_query(s->db, "SELECT id, revision, at_ms, actor, what FROM "
				   "(SELECT id, revision, at_ms, actor, what FROM audit "
				   "WHERE customer_id = $2 ORDER BY id DESC LIMIT $1) "
				   "AS newest ORDER BY id",
				   DB_ARGS(db_i(limit), db_i(customer_id)), &rows, e)
		: db_query(s->db, "SELECT id, revision, at_ms, actor, what FROM "
				   "(SELECT id, revision, at_ms, actor, what FROM audit "
				   "ORDER BY id DESC LIMIT $1) AS newest ORDER BY id",
				   DB_ARGS(db_i(limit)), &rows, e);
	if (rc < 0)
	{
		return rc;
	}
	while ((rc = db_next(rows, e)) == 1)
	{
		audit = store_array_add(a, (void **)list, count, sizeof(*audit));
		audit->id = (uint64_t)db_col_int(rows, 0);
		audit->revision = (uint64_t)db_col_int(rows, 1);
		audit->at_ms = db_col_int(rows, 2);
		audit->actor = arena_strdup(a, db_col_text(rows, 3));
		audit->what = arena_strdup(a, db_col_text(rows, 4));
	}
	db_end(rows);
	return rc;
}

int store_audits(struct store *s, struct arena *a, unsigned limit,
				 struct store_audit **list, size_t *count, struct err *e)
{
	return read_audits(s, a, 0, limit, list, count, e);
}

int store_audits_of(struct store *s, struct arena *a, const char *customer,
					unsigned limit, struct store_audit **list, size_t *count,
					struct err *e)
{
	int64_t id;
	int rc = store_customer_id(s, customer, &id, e);

	return rc < 0 ? rc : read_audits(s, a, id, limit, list, count, e);
}

/* One thing that a revision changed. */
struct object
{
	enum conf_kind kind;
	uint64_t id;
	char *place, *before, *after;
};

static int read_objects(struct store *s, struct arena *a, uint64_t revision,
						struct object **list, size_t *count, struct err *e)
{
	struct object *object;
	struct db_rows *rows;
	int rc, kind;

	*list = NULL;
	*count = 0;
	rc = db_query(s->db, "SELECT kind, place, id, before, after "
				  "FROM audit_object WHERE revision = $1 ORDER BY position",
				  DB_ARGS(db_i((int64_t)revision)), &rows, e);
	if (rc < 0)
	{
		return rc;
	}
	while ((rc = db_next(rows, e)) == 1)
	{
		object = store_array_add(a, (void **)list, count, sizeof(*object));
		rc = store_word(conf_kinds, db_col_text(rows, 0), &kind, e);
		if (rc < 0)
		{
			break;
		}
		object->kind = (enum conf_kind)kind;
		object->place = arena_strdup(a, db_col_text(rows, 1));
		object->id = (uint64_t)db_col_int(rows, 2);
		object->before = arena_strdup(a, db_col_text(rows, 3));
		object->after = arena_strdup(a, db_col_text(rows, 4));
	}
	db_end(rows);
	return rc;
}

int store_audit_objects(struct store *s, struct arena *a, uint64_t revision,
						struct store_audit_object **list, size_t *count,
						struct err *e)
{
	struct object *objects;
	size_t i;
	int rc;

	*list = NULL;
	rc = read_objects(s, a, revision, &objects, count, e);
	if (rc == 0)
	{
		*list = arena_calloc(a, *count, sizeof(**list));
	}
	for (i = 0; rc == 0 && i < *count; i++)
	{
		(*list)[i].kind = arena_strdup(a, conf_kinds[objects[i].kind]);
		(*list)[i].place = objects[i].place;
		(*list)[i].before = objects[i].before;
		(*list)[i].after = objects[i].after;
	}
	return rc;
}

/* ---- taking back ------------------------------------------------------------- */

#define PARTS_MAX 4

/* A thing of any kind, as it is or is to be. */
union thing
{
	struct store_customer customer;
	struct store_vpn vpn;
	struct store_profile profile;
	struct store_ce ce;
	struct store_site site;
	struct store_link link;
};

/* The place's names, in order. */
static int split_place(struct arena *a, const char *place,
					   char *parts[PARTS_MAX], struct err *e)
{
	size_t count, len;

	memset(parts, 0, PARTS_MAX * sizeof(*parts));
	for (count = 0; *place; count++)
	{
		len = strcspn(place, "/");
		if (count == PARTS_MAX)
		{
			return store_bad_row(e, "audit_object");
		}
		parts[count] = arena_strndup(a, place, len);
		place += len + (place[len] == '/');
	}
	return 0;
}

/* Give a thing the names of its place. */
static void name_thing(enum conf_kind kind, char *parts[PARTS_MAX],
					   uint64_t id, union thing *t)
{
	switch (kind)
	{
		case CONF_CUSTOMER:
			t->customer.id = id;
			t->customer.customer = parts[0];
			break;
		case CONF_VPN:
			t->vpn.id = id;
			t->vpn.customer = parts[0];
			t->vpn.vpn = parts[1];
			break;
		case CONF_PROFILE:
			t->profile.id = id;
			t->profile.customer = parts[0];
			t->profile.vpn = parts[1];
			t->profile.name = parts[2];
			break;
		case CONF_CE:
			t->ce.id = id;
			t->ce.customer = parts[0];
			t->ce.ce = parts[1];
			break;
		case CONF_SITE:
			t->site.id = id;
			t->site.customer = parts[0];
			t->site.vpn = parts[1];
			t->site.site = parts[2];
			break;
		case CONF_LINK:
			t->link.customer = parts[0];
			t->link.vpn = parts[1];
			t->link.site[0] = parts[2];
			t->link.site[1] = parts[3];
			break;
		case CONF_OPERATOR:
		case CONF_KIND_COUNT:
			break;
	}
}

static int get_thing(struct store *s, struct arena *a, enum conf_kind kind,
					 char *p[PARTS_MAX], union thing *t, struct err *e)
{
	switch (kind)
	{
		case CONF_CUSTOMER:
			return store_customer_get(s, a, p[0], &t->customer, e);
		case CONF_VPN:
			return store_vpn_get(s, a, p[0], p[1], &t->vpn, e);
		case CONF_PROFILE:
			return store_profile_get(s, a, p[0], p[1], p[2], &t->profile, e);
		case CONF_CE:
			return store_ce_get(s, a, p[0], p[1], &t->ce, e);
		case CONF_SITE:
			return store_site_get(s, a, p[0], p[1], p[2], &t->site, e);
		case CONF_LINK:
			return store_link_get(s, a, p[0], p[1], p[2], p[3], &t->link, e);
		case CONF_OPERATOR:
		case CONF_KIND_COUNT:
			break;
	}
	return store_bad_row(e, "audit_object");
}

/* What is said of it now: "" when it is not there. */
static int present_image(struct store *s, struct arena *a,
						 const struct object *object, char *parts[PARTS_MAX],
						 const char **image, struct err *e)
{
	union thing t;
	int rc;

	memset(&t, 0, sizeof(t));
	rc = get_thing(s, a, object->kind, parts, &t, e);
	if (rc == -ENOENT)
	{
		*image = "";
		return 0;
	}
	if (rc == 0 && object->kind == CONF_CE)
	{
		store_freed_ce(s, &t.ce);
	}
	else if (rc == 0 && object->kind == CONF_SITE)
	{
		store_freed_site(s, &t.site);
	}
	if (rc == 0)
	{
		*image = conf_image(a, object->kind, &t);
		/* a link of which nothing is said is none */
		if (object->kind == CONF_LINK && !t.link.wanted && !t.link.profile &&
			!t.link.cost && !t.link.initiator)
		{
			*image = "";
		}
	}
	return rc;
}

static int add_thing(struct store *s, enum conf_kind kind,
					 const union thing *t, struct err *e)
{
	switch (kind)
	{
		case CONF_CUSTOMER:
			return store_customer_add(s, &t->customer, e);
		case CONF_VPN:
			return store_vpn_add(s, &t->vpn, e);
		case CONF_PROFILE:
			return store_profile_add(s, &t->profile, e);
		case CONF_CE:
			return store_ce_add(s, &t->ce, e);
		case CONF_SITE:
			return store_site_add(s, &t->site, e);
		case CONF_LINK:
			return store_link_set(s, &t->link, e);
		case CONF_OPERATOR:
		case CONF_KIND_COUNT:
			break;
	}
	return store_bad_row(e, "audit_object");
}

static int set_thing(struct store *s, enum conf_kind kind,
					 const union thing *t, struct err *e)
{
	switch (kind)
	{
		case CONF_CUSTOMER:
			return store_customer_set(s, &t->customer, e);
		case CONF_VPN:
			return store_vpn_set(s, &t->vpn, NULL, 0, e);
		case CONF_PROFILE:
			return store_profile_set(s, &t->profile, e);
		case CONF_CE:
			return store_ce_set(s, &t->ce, e);
		case CONF_SITE:
			return store_site_set(s, &t->site, e);
		case CONF_LINK:
			return store_link_set(s, &t->link, e);
		case CONF_OPERATOR:
		case CONF_KIND_COUNT:
			break;
	}
	return store_bad_row(e, "audit_object");
}

static int remove_thing(struct store *s, enum conf_kind kind,
						char *p[PARTS_MAX], struct err *e)
{
	const struct store_link nothing = { .customer = p[0], .vpn = p[1],
										.site = { p[2], p[3] } };

	switch (kind)
	{
		case CONF_CUSTOMER:
			return store_customer_remove(s, p[0], e);
		case CONF_VPN:
			return store_vpn_remove(s, p[0], p[1], e);
		case CONF_PROFILE:
			return store_profile_remove(s, p[0], p[1], p[2], e);
		case CONF_CE:
			return store_ce_remove(s, p[0], p[1], e);
		case CONF_SITE:
			return store_site_remove(s, p[0], p[1], p[2], "change-reverted",
									 e);
		case CONF_LINK:
			return store_link_set(s, &nothing, e);
		case CONF_OPERATOR:
		case CONF_KIND_COUNT:
			break;
	}
	return store_bad_row(e, "audit_object");
}

static int revert_object(struct store *s, struct arena *a,
						 const struct object *object, uint64_t revision,
						 struct err *e)
{
	char *parts[PARTS_MAX];
	const char *now = "";
	union thing t;
	int rc;

	if (object->kind == CONF_OPERATOR)
	{
		return err_set(e, -EBUSY, ERR_CONFLICT, object->place,
					   "changes of operators are not taken back: it could let "
					   "somebody in again");
	}
	if ((rc = split_place(a, object->place, parts, e)) < 0 ||
		(rc = present_image(s, a, object, parts, &now, e)) < 0)
	{
		return rc;
	}
	if (strcmp(now, object->after) != 0)
	{
		return err_set(e, -EBUSY, ERR_CONFLICT, object->place,
					   "the %s was changed again after revision %llu",
					   conf_kinds[object->kind],
					   (unsigned long long)revision);
	}
	if (!*object->before)
	{
		return remove_thing(s, object->kind, parts, e);
	}
	memset(&t, 0, sizeof(t));
	name_thing(object->kind, parts, object->id, &t);
	rc = conf_image_read(a, object->kind, object->before, &t, e);
	if (rc < 0)
	{
		return store_bad_row(e, "audit_object");
	}
	return *object->after ? set_thing(s, object->kind, &t, e)
						  : add_thing(s, object->kind, &t, e);
}

/* A site or CE that gets another address, or router id, lets go of the one it has. */
static int free_object(struct store *s, struct arena *a,
					   const struct object *object, struct err *e)
{
	union thing now, then;
	char *parts[PARTS_MAX];
	int rc;

	if ((object->kind != CONF_CE && object->kind != CONF_SITE) ||
		!*object->before || !*object->after)
	{
		return 0;
	}
	memset(&now, 0, sizeof(now));
	memset(&then, 0, sizeof(then));
	if ((rc = split_place(a, object->place, parts, e)) < 0 ||
		(rc = conf_image_read(a, object->kind, object->before, &then, e)) < 0)
	{
		return rc;
	}
	rc = get_thing(s, a, object->kind, parts, &now, e);
	if (rc < 0)
	{
		return rc == -ENOENT ? 0 : rc;		/* it was removed since: a conflict */
	}
	if (object->kind == CONF_CE)
	{
		return addr_equal(&now.ce.address, &then.ce.address) ? 0
			: store_free_ce(s, &now.ce, e);
	}
	return addr_equal(&now.site.ce_address, &then.site.ce_address) &&
		   addr_equal(&now.site.router_id, &then.site.router_id) ? 0
		: store_free_site(s, &now.site, e);
}

/* Keys are no configuration: routers have others by now, and agree on them. */
static int refuse_nothing(struct store *s, uint64_t revision, struct err *e)
{
	char where[24];
	int64_t rotations;
	int rc = db_number(s->db, "SELECT count(*) FROM audit WHERE revision = $1 "
					   "AND (what LIKE 'psk rotate %' "
					   "OR what LIKE 'psk rotation %' OR what LIKE 'rotation %')",
					   DB_ARGS(db_i((int64_t)revision)), &rotations, e);

	snprintf(where, sizeof(where), "%llu", (unsigned long long)revision);
	if (rc < 0)
	{
		return rc;
	}
	return rotations
		? err_set(e, -EBUSY, ERR_ROTATION, where, "a change of keys is not "
				  "taken back: change them again instead")
		: err_set(e, -ENOENT, ERR_NOT_FOUND, where,
				  "no revision that changed the configuration");
}

static int revert(struct store *s, struct arena *a, uint64_t revision,
				  struct err *e)
{
	struct object *objects;
	size_t i, count;
	int rc;

	rc = read_objects(s, a, revision, &objects, &count, e);
	if (rc == 0 && !count)
	{
		rc = refuse_nothing(s, revision, e);
	}
	if (rc < 0)
	{
		return rc;
	}
	s->work->reverting = revision;
	for (i = 0; rc == 0 && i < count; i++)
	{
		rc = free_object(s, a, &objects[i], e);
	}
	/* the last first, as each stood on those before it */
	for (i = count; rc == 0 && i > 0; i--)
	{
		rc = revert_object(s, a, &objects[i - 1], revision, e);
	}
	return rc;
}

int store_revert(struct store *s, uint64_t revision, struct err *e)
{
	int rc = store_need_change(s, e);

	return rc < 0 ? rc : store_changed(s, revert(s, s->work->a, revision, e));
}
