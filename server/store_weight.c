/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * store_weight.c - how much of each CE changed, and whether something went
 */
#include "config.h"

#include <stdlib.h>

#include "server/store_impl.h"
#include "server/store_weight.h"

#define REVOKED_MS (10 * 60 * 1000)		/* how long ago a key's end is news */

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

/* A router that is suspended or gone is taken from all of its peers. */
static int weigh_ces(struct store *s, int64_t revision,
					 struct store_weight *weights, size_t count, struct err *e)
{
	int64_t gone;
	int rc = db_number(s->db, "SELECT count(*) FROM ce "
					   "WHERE suspended_revision > $1 OR removed_revision > $1",
					   DB_ARGS(db_i(revision)), &gone, e);

	for (size_t i = 0; rc == 0 && gone && i < count; i++)
	{
		weights[i].urgent = true;
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
	return rc < 0 ? rc : weigh_ces(s, (int64_t)revision, weights, count, e);
}
