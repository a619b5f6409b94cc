/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * store_weight.c - how much of each CE changed, and whether something went
 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "server/conf_json.h"
#include "server/conf_words.h"
#include "server/store_impl.h"
#include "server/store_weight.h"

#define REVOKED_MS (10 * 60 * 1000)		/* how long ago a key's end is news */
#define ALL_OF_THEM UINT32_MAX		/* tunnels of who is out: before every hub */

static int by_id(const void *a, const void *b)
{
	const struct store_weight *x = *(struct store_weight *const *)a;
	const struct store_weight *y = *(struct store_weight *const *)b;

	return x->ce_id < y->ce_id ? -1 : x->ce_id > y->ce_id;
}

struct found
{
	struct store_weight **items;	/* by CE */
	size_t count;
};

static struct store_weight *find(const struct found *found, int64_t ce_id)
{
	struct store_weight wanted = { .ce_id = (uint64_t)ce_id };
	struct store_weight *key = &wanted, **at;

	at = bsearch(&key, found->items, found->count, sizeof(*found->items),
				 by_id);
	return at ? *at : NULL;
}

static int weigh_sites(struct store *s, const struct found *found,
					   int64_t revision, struct err *e)
{
	struct store_weight *weight;
	struct db_rows *rows;
	int rc;

	rc = db_query(s->db, "SELECT t.ce_id, "
				  "(SELECT count(*) FROM link l WHERE l.site_a = t.id "
				  "AND l.revision > $1) + (SELECT count(*) FROM link l "
				  "WHERE l.site_b = t.id AND l.revision > $1), "
				  "(SELECT count(*) FROM link_removed r "
				  "WHERE r.site_id = t.id AND r.revision > $1) "
				  "FROM ce_change ch JOIN site t ON t.ce_id = ch.ce_id "
				  "WHERE ch.revision > $1", DB_ARGS(db_i(revision)), &rows, e);
	if (rc < 0)
	{
		return rc;
	}
	while ((rc = db_next(rows, e)) == 1)
	{
		weight = find(found, db_col_int(rows, 0));
		if (weight)
		{
			weight->links += (uint64_t)db_col_int(rows, 1);
			weight->urgent |= db_col_int(rows, 2) > 0;
		}
	}
	db_end(rows);
	return rc;
}

/* Routers whose key ended: they are to hear it, whatever else there is. */
static int weigh_keys(struct store *s, const struct found *found,
					  struct err *e)
{
	struct store_weight *weight;
	struct db_rows *rows;
	int rc;

	rc = db_query(s->db, "SELECT ce_id FROM ce_key WHERE revoked_ms >= $1",
				  DB_ARGS(db_i(store_now_ms() - REVOKED_MS)), &rows, e);
	if (rc < 0)
	{
		return rc;
	}
	while ((rc = db_next(rows, e)) == 1)
	{
		weight = find(found, db_col_int(rows, 0));
		if (weight)
		{
			weight->urgent = true;
		}
	}
	db_end(rows);
	return rc;
}

static void put_first(const struct found *found, int64_t ce_id)
{
	struct store_weight *weight = find(found, ce_id);

	if (weight)
	{
		weight->urgent = true;
		weight->links = ALL_OF_THEM;
	}
}

/* The router whose site went: nothing of it is left but the record of it. */
static int weigh_gone(struct store *s, struct arena *a,
					  const struct found *found, struct db_rows *rows,
					  struct err *e)
{
	const char *place = db_col_text(rows, 0);
	struct store_site site = { 0 };
	int64_t ce_id;
	char *customer;
	int rc = conf_image_read(a, CONF_SITE, db_col_text(rows, 1), &site, e);

	if (rc < 0)
	{
		return rc;
	}
	customer = arena_printf(a, "%.*s", (int)strcspn(place, "/"), place);
	rc = db_number(s->db, "SELECT ce.id FROM ce JOIN customer cu "
				   "ON cu.id = ce.customer_id WHERE cu.name = $1 "
				   "AND ce.name = $2", DB_ARGS(db_t(customer), db_t(site.ce)),
				   &ce_id, e);
	if (rc == 0)
	{
		put_first(found, ce_id);
	}
	return rc == -ENOENT ? 0 : rc;
}

static int weigh_gone_sites(struct store *s, struct arena *a,
							const struct found *found, int64_t revision,
							struct err *e)
{
	struct db_rows *rows;
	int rc;

	rc = db_query(s->db, "SELECT place, before FROM audit_object "
				  "WHERE revision > $1 AND kind = 'site' AND before <> '' "
				  "AND after = ''", DB_ARGS(db_i(revision)), &rows, e);
	if (rc < 0)
	{
		return rc;
	}
	while ((rc = db_next(rows, e)) == 1)
	{
		rc = weigh_gone(s, a, found, rows, e);
		if (rc < 0)
		{
			break;
		}
	}
	db_end(rows);
	return rc;
}

/* A router that is suspended or gone is taken from all of its peers. */
static int weigh_ces(struct store *s, const struct found *found,
					 int64_t revision, struct err *e)
{
	struct db_rows *rows;
	bool gone = false;
	int rc;

	rc = db_query(s->db, "SELECT id FROM ce WHERE suspended_revision > $1 "
				  "OR removed_revision > $1", DB_ARGS(db_i(revision)), &rows,
				  e);
	if (rc < 0)
	{
		return rc;
	}
	while ((rc = db_next(rows, e)) == 1)
	{
		put_first(found, db_col_int(rows, 0));
		gone = true;
	}
	db_end(rows);
	for (size_t i = 0; gone && i < found->count; i++)
	{
		found->items[i]->urgent = true;
	}
	return rc;
}

int store_changes_weigh(struct store *s, struct arena *a, uint64_t revision,
						const struct store_change *changes, size_t count,
						struct store_weight *weights, struct err *e)
{
	struct found found = { arena_calloc(a, count, sizeof(*found.items)),
						   count };
	int rc;

	for (size_t i = 0; i < count; i++)
	{
		weights[i] = (struct store_weight){ .ce_id = changes[i].ce_id };
		found.items[i] = &weights[i];
	}
	if (count)
	{
		qsort(found.items, count, sizeof(*found.items), by_id);
	}
	rc = weigh_sites(s, &found, (int64_t)revision, e);
	if (rc == 0)
	{
		rc = weigh_keys(s, &found, e);
	}
	if (rc == 0)
	{
		rc = weigh_gone_sites(s, a, &found, (int64_t)revision, e);
	}
	return rc < 0 ? rc : weigh_ces(s, &found, (int64_t)revision, e);
}
