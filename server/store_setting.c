/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * store_setting.c - what is said of two sites beside their topology
 *
 * Owns the table link_setting. What it means for tunnels is store_link.c's.
 */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "server/store_work.h"

#define COLUMNS \
	"cu.name, v.name, a.name, b.name, l.wanted, p.name, l.cost, " \
	"CASE l.initiator WHEN l.site_a THEN a.name WHEN l.site_b THEN b.name " \
	"ELSE '' END FROM link_setting l JOIN vpn v ON v.id = l.vpn_id " \
	"JOIN customer cu ON cu.id = v.customer_id " \
	"JOIN site a ON a.id = l.site_a JOIN site b ON b.id = l.site_b " \
	"LEFT JOIN sa_profile p ON p.id = l.profile_id "

static void read_row(struct arena *a, struct db_rows *rows,
					 struct store_link *link)
{
	int swap = strcmp(db_col_text(rows, 2), db_col_text(rows, 3)) > 0;

	memset(link, 0, sizeof(*link));
	link->customer = arena_strdup(a, db_col_text(rows, 0));
	link->vpn = arena_strdup(a, db_col_text(rows, 1));
	link->site[swap] = arena_strdup(a, db_col_text(rows, 2));
	link->site[!swap] = arena_strdup(a, db_col_text(rows, 3));
	link->wanted = db_col_int(rows, 4) != 0;
	link->profile = db_col_null(rows, 5) ? NULL
		: arena_strdup(a, db_col_text(rows, 5));
	link->cost = (uint32_t)db_col_int(rows, 6);
	link->initiator = *db_col_text(rows, 7)
		? arena_strdup(a, db_col_text(rows, 7)) : NULL;
}

static int read_list(struct arena *a, struct db_rows *rows,
					 struct store_link **list, size_t *count, struct err *e)
{
	int rc;

	while ((rc = db_next(rows, e)) == 1)
	{
		read_row(a, rows, store_array_add(a, (void **)list, count,
										  sizeof(**list)));
	}
	db_end(rows);
	return rc;
}

int store_links(struct store *s, struct arena *a, const char *customer,
				const char *vpn, struct store_link **list, size_t *count,
				struct err *e)
{
	struct db_rows *rows;
	int rc;

	*list = NULL;
	*count = 0;
	rc = db_query(s->db, "SELECT " COLUMNS "WHERE cu.removed_revision = 0 "
				  "AND ($1 = '' OR cu.name = $1) "
				  "AND ($2 = '' OR v.name = $2) ORDER BY cu.name, v.name, "
				  "CASE WHEN a.name < b.name THEN a.name ELSE b.name END, "
				  "CASE WHEN a.name < b.name THEN b.name ELSE a.name END",
				  DB_ARGS(db_t(customer ? customer : ""),
						  db_t(vpn ? vpn : "")), &rows, e);
	return rc < 0 ? rc : read_list(a, rows, list, count, e);
}

/* The two sites' rows; a is the newer one. */
struct ends
{
	int64_t vpn_id, a, b;
	bool swapped;			/* a is the second one named */
};

static int find_ends(struct store *s, const char *customer, const char *vpn,
					 const char *site, const char *peer, struct ends *ends,
					 struct err *e)
{
	int64_t customer_id, one, two;
	char place[PLACE_SIZE];
	int rc;

	if ((rc = store_vpn_id(s, customer, vpn, &customer_id, &ends->vpn_id,
						   e)) < 0 ||
		(rc = store_site_id(s, ends->vpn_id, site, &one, e)) < 0 ||
		(rc = store_site_id(s, ends->vpn_id, peer, &two, e)) < 0)
	{
		return rc;
	}
	if (one == two)
	{
		snprintf(place, sizeof(place), "%s/%s/%s", customer, vpn, site);
		return err_set(e, -EINVAL, ERR_TOPOLOGY, place,
					   "a site has no tunnel to itself");
	}
	ends->swapped = two > one;
	ends->a = ends->swapped ? two : one;
	ends->b = ends->swapped ? one : two;
	return 0;
}

/* 1: *out is what is said of them; 0: nothing is */
static int read_setting(struct store *s, struct arena *a,
						const struct ends *ends, struct store_link *out,
						struct err *e)
{
	struct db_rows *rows;
	int rc;

	rc = db_query(s->db, "SELECT " COLUMNS "WHERE l.site_a = $1 "
				  "AND l.site_b = $2", DB_ARGS(db_i(ends->a), db_i(ends->b)),
				  &rows, e);
	if (rc < 0)
	{
		return rc;
	}
	rc = db_next(rows, e);
	if (rc == 1)
	{
		read_row(a, rows, out);
	}
	db_end(rows);
	return rc;
}

int store_link_get(struct store *s, struct arena *a, const char *customer,
				   const char *vpn, const char *site, const char *peer,
				   struct store_link *out, struct err *e)
{
	struct ends ends;
	int rc;

	rc = find_ends(s, customer, vpn, site, peer, &ends, e);
	if (rc < 0 || (rc = read_setting(s, a, &ends, out, e)) != 0)
	{
		return rc < 0 ? rc : 0;
	}
	memset(out, 0, sizeof(*out));
	out->customer = arena_strdup(a, customer);
	out->vpn = arena_strdup(a, vpn);
	out->site[0] = arena_strdup(a, strcmp(site, peer) < 0 ? site : peer);
	out->site[1] = arena_strdup(a, strcmp(site, peer) < 0 ? peer : site);
	return 0;
}

static bool says_nothing(const struct store_link *link)
{
	return !link->wanted && !link->profile && !link->cost && !link->initiator;
}

static int write_setting(struct store *s, const struct ends *ends,
						 const struct store_link *link, struct err *e)
{
	int64_t profile = 0, initiator = 0;
	int rc = 0;

	if (link->profile)
	{
		rc = store_profile_id(s, ends->vpn_id, link->profile, &profile, e);
	}
	if (rc == 0 && link->initiator)
	{
		rc = store_site_id(s, ends->vpn_id, link->initiator, &initiator, e);
		if (rc == 0 && initiator != ends->a && initiator != ends->b)
		{
			rc = err_set(e, -EINVAL, ERR_TOPOLOGY, link->initiator,
						 "the initiator of a tunnel is one of its two sites");
		}
	}
	if (rc < 0)
	{
		return rc;
	}
	return db_run(s->db, "INSERT INTO link_setting (vpn_id, site_a, site_b, "
				  "wanted, profile_id, cost, initiator) VALUES ($1, $2, $3, "
				  "$4, CASE WHEN $5 = 0 THEN NULL ELSE $5 END, $6, $7) "
				  "ON CONFLICT (site_a, site_b) DO UPDATE SET wanted = $4, "
				  "profile_id = CASE WHEN $5 = 0 THEN NULL ELSE $5 END, "
				  "cost = $6, initiator = $7",
				  DB_ARGS(db_i(ends->vpn_id), db_i(ends->a), db_i(ends->b),
						  db_i(link->wanted), db_i(profile), db_i(link->cost),
						  db_i(initiator)), e);
}

static int remove_setting(struct store *s, const struct ends *ends,
						  struct err *e)
{
	return db_run(s->db, "DELETE FROM link_setting WHERE site_a = $1 "
				  "AND site_b = $2",
				  DB_ARGS(db_i(ends->a), db_i(ends->b)), e);
}

/* customer/vpn/a/b: longer than a place */
static char *pair_place(struct arena *a, const struct store_link *link)
{
	int first = strcmp(link->site[0], link->site[1]) > 0;

	return arena_printf(a, "%s/%s/%s/%s", link->customer, link->vpn,
						link->site[first], link->site[!first]);
}

static int link_set(struct store *s, struct arena *a,
					const struct store_link *link, struct err *e)
{
	bool empty = says_nothing(link);
	struct store_link before;
	struct ends ends;
	int rc, was;

	if (link->cost > 65535)
	{
		return err_set(e, -EINVAL, ERR_LIMIT, "cost", "%u is not in 1..65535",
					   link->cost);
	}
	rc = find_ends(s, link->customer, link->vpn, link->site[0], link->site[1],
				   &ends, e);
	if (rc < 0 || (was = rc = read_setting(s, a, &ends, &before, e)) < 0)
	{
		return rc;
	}
	if (!store_note(s, CONF_LINK, pair_place(a, link), 0,
					was ? &before : NULL, empty ? NULL : link))
	{
		return 0;
	}
	rc = empty ? remove_setting(s, &ends, e)
			   : write_setting(s, &ends, link, e);
	if (rc == 0)
	{
		/* one end's tunnels are looked at; this pair is among them */
		store_dirty(s, ends.vpn_id, ends.a);
	}
	return rc;
}

int store_link_set(struct store *s, const struct store_link *link,
				   struct err *e)
{
	int rc = store_need_change(s, e);

	return rc < 0 ? rc : store_changed(s, link_set(s, s->work->a, link, e));
}

int store_setting_drop_site(struct store *s, const struct store_site *site,
							struct err *e)
{
	struct store_link *list = NULL;
	struct db_rows *rows;
	size_t i, count = 0;
	int rc;

	rc = db_query(s->db, "SELECT " COLUMNS "WHERE l.site_a = $1 "
				  "OR l.site_b = $1", DB_ARGS(db_i((int64_t)site->id)), &rows,
				  e);
	if (rc < 0 ||
		(rc = read_list(s->work->a, rows, &list, &count, e)) < 0)
	{
		return rc;
	}
	for (i = 0; i < count; i++)
	{
		store_note(s, CONF_LINK, pair_place(s->work->a, &list[i]), 0,
				   &list[i], NULL);
	}
	return db_run(s->db, "DELETE FROM link_setting WHERE site_a = $1 "
				  "OR site_b = $1", DB_ARGS(db_i((int64_t)site->id)), e);
}
