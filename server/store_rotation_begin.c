/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * store_rotation_begin.c - keys of tunnels begin to be changed: by command, by
 * schedule, or again where a tunnel came back
 *
 * The steps that follow are store_rotation.c's.
 */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "server/store_rotation.h"

/* A pair that is to begin. */
struct pair
{
	int64_t a, b, generation;		/* of its newest key */
	char *site_a, *site_b;
};

struct pairs
{
	struct pair *items;
	size_t count;
	uint64_t already;				/* under way, and left out; */
	uint64_t moving;				/* those of them to another kind */
	uint64_t certified;				/* without a key, and left out */
};

/* ---- beginning ------------------------------------------------------------------- */

#define PAIRS \
	"SELECT l.site_a, l.site_b, a.name, b.name, l.generation, r.target, " \
	"l.keyed_ms, l.certificate_use FROM link l " \
	"JOIN site a ON a.id = l.site_a JOIN site b ON b.id = l.site_b " \
	"LEFT JOIN rotation r ON r.site_a = l.site_a AND r.site_b = l.site_b "

static void add_pair(struct arena *a, struct pairs *pairs,
					 struct db_rows *rows)
{
	struct pair *pair;

	if (!db_col_null(rows, 5))
	{
		pairs->already++;
		pairs->moving += strcmp(db_col_text(rows, 5),
								rotation_targets[ROTATION_NEXT_KEY]) != 0;
		return;
	}
	if (*db_col_text(rows, 7))
	{
		pairs->certified++;
		return;
	}
	pair = store_array_add(a, (void **)&pairs->items, &pairs->count,
						   sizeof(*pair));
	pair->a = db_col_int(rows, 0);
	pair->b = db_col_int(rows, 1);
	pair->site_a = arena_strdup(a, db_col_text(rows, 2));
	pair->site_b = arena_strdup(a, db_col_text(rows, 3));
	pair->generation = db_col_int(rows, 4);
}

/* site and peer 0: any */
static int read_pairs(struct store *s, int64_t vpn_id, int64_t site,
					  int64_t peer, struct pairs *pairs, struct err *e)
{
	struct db_rows *rows;
	int rc;

	memset(pairs, 0, sizeof(*pairs));
	if (peer)
	{
		rc = db_query(s->db, PAIRS "WHERE l.site_a = $1 AND l.site_b = $2",
					  DB_ARGS(db_i(site > peer ? site : peer),
							  db_i(site > peer ? peer : site)), &rows, e);
	}
	else if (site)
	{
		rc = db_query(s->db, PAIRS "WHERE l.site_a = $1 OR l.site_b = $1 "
					  "ORDER BY l.site_a, l.site_b", DB_ARGS(db_i(site)),
					  &rows, e);
	}
	else
	{
		rc = db_query(s->db, PAIRS "WHERE l.vpn_id = $1 "
					  "ORDER BY l.site_a, l.site_b", DB_ARGS(db_i(vpn_id)),
					  &rows, e);
	}
	while (rc == 0 && (rc = db_next(rows, e)) == 1)
	{
		add_pair(s->work->a, pairs, rows);
		rc = 0;
	}
	db_end(rows);
	return rc;
}

static int begin_pair(struct store *s, const struct rotation_place *place,
					  const struct pair *pair, int64_t now_ms, struct err *e)
{
	const struct rotation_uses uses = rotation_uses(ROTATION_ACCEPT);
	int rc = store_psk_make(s, pair->a, pair->b, pair->generation + 1,
							rotation_use_words[uses.newest], e);

	store_effect(s, place->customer, place->vpn, pair->site_a, pair->site_b,
				 STORE_ROTATING);
	return rc < 0 ? rc : db_run(s->db, "INSERT INTO rotation (site_a, site_b, "
		"vpn_id, target, generation, step, revision, begun_ms, step_ms, "
		"command) VALUES ($1, $2, $3, 'next-key', $4, $5, $6, $7, $7, $6)",
		DB_ARGS(db_i(pair->a), db_i(pair->b), db_i(place->vpn_id),
				db_i(pair->generation + 1),
				db_t(rotation_steps[ROTATION_ACCEPT]),
				db_i((int64_t)s->revision), db_i(now_ms)), e);
}

static int begin_pairs(struct store *s, const struct rotation_place *place,
					   const struct pairs *pairs, int64_t now_ms,
					   struct err *e)
{
	size_t i;
	int rc = 0;

	for (i = 0; rc == 0 && i < pairs->count; i++)
	{
		rc = begin_pair(s, place, &pairs->items[i], now_ms, e);
	}
	s->work->rotated = true;
	s->work->customer_id = place->customer_id;
	if (rc < 0 ||
		(rc = db_run(s->db, "UPDATE link SET keyed_ms = $3, "
					 "generation = generation + 1 "
					 "WHERE (site_a, site_b) IN " STORE_ROTATION_STEPPED,
					 DB_ARGS(db_i((int64_t)s->revision),
							 db_t(rotation_steps[ROTATION_ACCEPT]),
							 db_i(now_ms)), e)) < 0 ||
		(rc = store_rotation_touch(s, e)) < 0)
	{
		return rc;
	}
	return store_rotation_tell(s, place, STORE_EVENT_ROTATION_BEGUN, s->actor, s->revision,
				arena_printf(s->work->a, "tunnels whose keys are being "
							 "changed: %zu", pairs->count), now_ms, e);
}

/* Nothing is left to begin: say why. */
static int none(const char *where, const struct pairs *pairs, struct err *e)
{
	if (!pairs->already)
	{
		return err_set(e, -ENOENT, ERR_NOT_FOUND, where, "%s",
					   pairs->certified
					   ? "it has certificates, and no key to be changed"
					   : "there is no tunnel whose key could be changed");
	}
	if (pairs->moving == pairs->already)
	{
		return err_set(e, -EBUSY, ERR_ROTATION, where,
					   "it is on its way from a key to certificates, or back");
	}
	return err_set(e, -EBUSY, ERR_ROTATION, where,
				   pairs->already == 1 ? "its key is being changed already"
				   : "the keys of all its tunnels are being changed already");
}

static int begin(struct store *s, struct rotation_place *place, const char *site,
				 const char *peer, uint64_t *begun, uint64_t *already,
				 struct err *e)
{
	struct arena *a = s->work->a;
	int64_t site_id = 0, peer_id = 0;
	struct pairs pairs;
	char *where;
	int rc;

	if ((rc = store_vpn_id(s, place->customer, place->vpn,
						   &place->customer_id, &place->vpn_id, e)) < 0 ||
		(site && (rc = store_site_id(s, place->vpn_id, site, &site_id,
									 e)) < 0) ||
		(peer && (rc = store_site_id(s, place->vpn_id, peer, &peer_id,
									 e)) < 0) ||
		(rc = read_pairs(s, place->vpn_id, site_id, peer_id, &pairs, e)) < 0)
	{
		return rc;
	}
	*begun = pairs.count;
	*already = pairs.already;
	where = arena_printf(a, "%s/%s%s%s%s%s", place->customer, place->vpn,
						 site ? "/" : "", site ? site : "", peer ? "/" : "",
						 peer ? peer : "");
	return pairs.count ? begin_pairs(s, place, &pairs, store_now_ms(), e)
					   : none(where, &pairs, e);
}

int store_rotation_begin(struct store *s, const char *customer,
						 const char *vpn, const char *site, const char *peer,
						 uint64_t *begun, uint64_t *already, struct err *e)
{
	struct rotation_place place = { .customer = (char *)customer, .vpn = (char *)vpn };
	int rc = store_need_change(s, e);

	*begun = *already = 0;
	return rc < 0 ? rc : store_changed(s, begin(s, &place, site, peer, begun,
												already, e));
}

/* The keys of a tunnel that came back: where its rotation was, it goes on. One
 * that was moving to certificates or from them begins with the key it has. */
int store_rotation_restore(struct store *s, int64_t vpn_id, int64_t site_a,
						   int64_t site_b, struct err *e)
{
	enum rotation_step step = ROTATION_DONE;
	int64_t generation = 0, keys = 0;
	struct db_rows *rows;
	int rc = db_query(s->db, "SELECT generation, key_use FROM psk "
					  "WHERE site_a = $1 AND site_b = $2 "
					  "ORDER BY generation DESC",
					  DB_ARGS(db_i(site_a), db_i(site_b)), &rows, e);

	while (rc == 0 && (rc = db_next(rows, e)) == 1)
	{
		if (!keys++)
		{
			generation = db_col_int(rows, 0);
			step = strcmp(db_col_text(rows, 1),
						  rotation_use_words[ROTATION_USE_SEND]) == 0
				? ROTATION_SEND : ROTATION_ACCEPT;
		}
		rc = 0;
	}
	db_end(rows);
	if (rc == 0)
	{
		rc = db_run(s->db, "UPDATE link SET generation = $3 "
					"WHERE site_a = $1 AND site_b = $2",
					DB_ARGS(db_i(site_a), db_i(site_b), db_i(generation)), e);
	}
	if (rc < 0 || keys < 2)
	{
		return rc < 0 ? rc : db_run(s->db, "UPDATE psk SET key_use = $3 "
									"WHERE site_a = $1 AND site_b = $2",
									DB_ARGS(db_i(site_a), db_i(site_b),
											db_t(rotation_use_words[
												ROTATION_USE_SEND])), e);
	}
	return db_run(s->db, "INSERT INTO rotation (site_a, site_b, vpn_id, "
				  "target, generation, step, revision, begun_ms, step_ms, "
				  "command) VALUES ($1, $2, $3, 'next-key', $4, $5, $6, $7, "
				  "$7, $6)",
				  DB_ARGS(db_i(site_a), db_i(site_b), db_i(vpn_id),
						  db_i(generation), db_t(rotation_steps[step]),
						  db_i((int64_t)s->revision), db_i(store_now_ms())),
				  e);
}

int store_rotation_again(struct store *s, int64_t ce_id, struct err *e)
{
	return db_run(s->db, "UPDATE rotation SET revision = $2 WHERE site_a IN "
				  "(SELECT id FROM site WHERE ce_id = $1) OR site_b IN "
				  "(SELECT id FROM site WHERE ce_id = $1)",
				  DB_ARGS(db_i(ce_id), db_i((int64_t)s->revision)), e);
}

/* ---- by schedule ----------------------------------------------------------------- */

/* Due ones of a VPN, at most so many; not those that could not go on at once:
 * a router that is suspended, or has yet to come. */
static int read_due(struct store *s, struct arena *a, int64_t vpn_id,
					uint32_t days, int64_t now_ms, size_t most,
					struct pairs *pairs, struct err *e)
{
	struct db_rows *rows;
	int rc;

	memset(pairs, 0, sizeof(*pairs));
	rc = db_query(s->db, PAIRS "JOIN ce ca ON ca.id = a.ce_id "
				  "JOIN ce cb ON cb.id = b.ce_id "
				  "JOIN ce_status sa ON sa.ce_id = ca.id "
				  "JOIN ce_status sb ON sb.ce_id = cb.id "
				  "WHERE l.vpn_id = $1 AND l.certificate_use = '' "
				  "AND l.keyed_ms <= $2 AND r.site_a IS NULL AND ca.suspended_revision = 0 "
				  "AND cb.suspended_revision = 0 ORDER BY l.keyed_ms",
				  DB_ARGS(db_i(vpn_id),
						  db_i(rotation_due_before(days, now_ms))), &rows, e);
	while (rc == 0 && pairs->count < most && (rc = db_next(rows, e)) == 1)
	{
		if (rotation_is_due(days, db_col_int(rows, 6), now_ms,
							db_col_int(rows, 0), db_col_int(rows, 1)))
		{
			add_pair(a, pairs, rows);
		}
		rc = 0;
	}
	db_end(rows);
	return rc;
}

struct scheduled
{
	struct rotation_place place;
	uint32_t days;
};

static int read_scheduled(struct store *s, struct arena *a,
						  struct scheduled **list, size_t *count,
						  struct err *e)
{
	struct scheduled *vpn;
	struct db_rows *rows;
	int rc;

	*list = NULL;
	*count = 0;
	rc = db_query(s->db, "SELECT v.id, v.customer_id, cu.name, v.name, "
				  "v.psk_rotation_days FROM vpn v JOIN customer cu "
				  "ON cu.id = v.customer_id WHERE v.psk_rotation_days > 0 "
				  "ORDER BY v.id", NULL, &rows, e);
	while (rc == 0 && (rc = db_next(rows, e)) == 1)
	{
		vpn = store_array_add(a, (void **)list, count, sizeof(*vpn));
		vpn->place.vpn_id = db_col_int(rows, 0);
		vpn->place.customer_id = db_col_int(rows, 1);
		vpn->place.customer = arena_strdup(a, db_col_text(rows, 2));
		vpn->place.vpn = arena_strdup(a, db_col_text(rows, 3));
		vpn->days = (uint32_t)db_col_int(rows, 4);
		rc = 0;
	}
	db_end(rows);
	return rc;
}

/* 1: it was not due any more: roll back */
static int begin_due(struct store *s, const struct scheduled *vpn,
					 int64_t now_ms, struct err *e)
{
	struct pairs pairs;
	int rc = read_due(s, s->work->a, vpn->place.vpn_id, vpn->days, now_ms,
					  ROTATION_BEGIN_MAX, &pairs, e);

	if (rc < 0 || !pairs.count)
	{
		return rc < 0 ? rc : 1;
	}
	rc = begin_pairs(s, &vpn->place, &pairs, now_ms, e);
	return rc < 0 ? rc : store_commit(s, arena_printf(s->work->a,
		"psk rotate %s/%s: %zu keys are due", vpn->place.customer,
		vpn->place.vpn, pairs.count), NULL, e);
}

int store_rotation_schedule(struct store *s, int64_t now_ms,
							struct store_rotated *out, struct err *e)
{
	struct arena *a = arena_new();
	struct scheduled *list;
	struct pairs due;
	size_t i, count;
	int rc = read_scheduled(s, a, &list, &count, e);

	memset(out, 0, sizeof(*out));
	for (i = 0; rc == 0 && i < count; i++)
	{
		rc = read_due(s, a, list[i].place.vpn_id, list[i].days, now_ms, 1,
					  &due, e);
		if (rc == 0 && due.count && (rc = store_begin(s, ROTATION_ACTOR, e)) == 0)
		{
			rc = store_rotation_end(s, begin_due(s, &list[i], now_ms, e), out);
		}
	}
	arena_free(a);
	return rc;
}
