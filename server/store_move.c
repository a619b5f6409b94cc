/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * store_move.c - pairs that move from a key to certificates, and back
 *
 * What a VPN's tunnels are to have is a word of the VPN; here each pair of its
 * sites is brought there by a rotation of its own (rotation.h), as soon as both
 * routers can. Nothing depends on a message: vpn.moving says that there may be
 * such pairs, and the rows themselves say which.
 */
#include "config.h"

#include <errno.h>
#include <string.h>

#include "server/store_rotation.h"

/* ---- who is to move ---------------------------------------------------------------- */

/*
 * Sites of VPN $1 whose router has a certificate of its present key, not
 * revoked, and has the document with that in force.
 */
#define CERTIFIED \
	"(SELECT t.id FROM site t JOIN ce ON ce.id = t.ce_id " \
	"JOIN ce_status st ON st.ce_id = ce.id JOIN installation i ON i.one = 1 " \
	"JOIN ike_key ik ON ik.ce_id = ce.id " \
	"JOIN ike_certificate ic ON ic.site_id = t.id AND ic.spki = ik.spki " \
	"WHERE t.vpn_id = $1 AND ic.superseded = 0 AND ic.revoked_ms = 0 AND " \
	STORE_ROTATION_CONFIRMED("ce", "st", "ic") ")"

#define NOT_UNDER_WAY \
	" AND NOT EXISTS (SELECT 1 FROM rotation r WHERE r.site_a = l.site_a " \
	"AND r.site_b = l.site_b)"

#define TO_KEYS "FROM link l WHERE l.vpn_id = $1 " \
	"AND l.certificate_use > ''" NOT_UNDER_WAY
/* All without those under way, who have no certificates at these steps: without
 * a look at each. */
#define TO_CERTIFICATES "SELECT (SELECT count(*) FROM link WHERE vpn_id = $1 " \
	"AND certificate_use = '') - (SELECT count(*) FROM rotation " \
	"WHERE vpn_id = $1 AND (target = 'next-key' " \
	"OR (target = 'key' AND step = 'forget')))"
#define MAY_TO_CERTIFICATES "FROM link l WHERE l.vpn_id = $1 " \
	"AND l.certificate_use = '' AND l.site_a IN " CERTIFIED \
	" AND l.site_b IN " CERTIFIED NOT_UNDER_WAY

#define SETTLE(left) "UPDATE vpn SET moving = 0 WHERE id = $1 " \
	"AND authentication = $2 AND NOT EXISTS (" left ")"

/* By what a VPN is to have, enum model_auth. */
static const struct
{
	const char *waiting, *ready;	/* pairs that have not begun, and may */
	enum rotation_target right, wrong;
	const char *settle;
} moves[] = {
	[MODEL_PRE_SHARED] = {
		.waiting = "SELECT count(*) " TO_KEYS,
		.ready = "SELECT count(*) " TO_KEYS,
		.right = ROTATION_KEY, .wrong = ROTATION_CERTIFICATE,
		.settle = SETTLE("SELECT 1 FROM link l WHERE l.vpn_id = $1 "
						 "AND l.certificate_use > ''"),
	},
	[MODEL_CERTIFICATE] = {
		.waiting = TO_CERTIFICATES,
		.ready = "SELECT count(*) " MAY_TO_CERTIFICATES,
		.right = ROTATION_CERTIFICATE, .wrong = ROTATION_KEY,
		.settle = SETTLE("SELECT 1 FROM link l WHERE l.vpn_id = $1 "
						 "AND l.certificate_use = '' UNION ALL "
						 "SELECT 1 FROM rotation WHERE vpn_id = $1 "
						 "AND target = 'key'"),
	},
};

static int count(struct store *s, const char *sql, const struct db_arg *args,
				 uint64_t *out, struct err *e)
{
	int64_t n = 0;
	int rc = db_number(s->db, sql, args, &n, e);

	*out = (uint64_t)n;
	return rc;
}

/* Those that may begin. Most looks find nobody new: pairs are looked at only
 * where there are two sites that can. */
static int count_ready(struct store *s, int authentication,
					   const struct db_arg *vpn, uint64_t *ready,
					   struct err *e)
{
	uint64_t sites = 2;
	int rc = 0;

	*ready = 0;
	if (authentication == MODEL_CERTIFICATE)
	{
		rc = count(s, "SELECT count(*) FROM " CERTIFIED " AS able", vpn,
				   &sites, e);
	}
	return rc < 0 || sites < 2 ? rc
		: count(s, moves[authentication].ready, vpn, ready, e);
}

int store_move_look(struct store *s, int64_t vpn_id, int authentication,
					struct store_move *out, struct err *e)
{
	const struct db_arg *vpn = DB_ARGS(db_i(vpn_id));
	int rc;

	memset(out, 0, sizeof(*out));
	if ((rc = count(s, moves[authentication].waiting, vpn, &out->waiting,
					e)) < 0 ||
		(out->waiting && (rc = count_ready(s, authentication, vpn,
										   &out->ready, e)) < 0))
	{
		return rc;
	}
	/* not those at forget: what they would go back to is gone */
	return count(s, "SELECT count(*) FROM rotation WHERE vpn_id = $1 "
				 "AND target = $2 AND step IN ('accept', 'send')",
				 DB_ARGS(db_i(vpn_id),
						 db_t(rotation_targets[moves[authentication].wrong])),
				 &out->turning, e);
}

int store_move_settle(struct store *s, int64_t vpn_id, int authentication,
					  struct err *e)
{
	return db_run(s->db, moves[authentication].settle,
				  DB_ARGS(db_i(vpn_id),
						  db_t(conf_authentications[authentication])), e);
}

/* ---- turning round ------------------------------------------------------------------- */

static int turn_step(struct store *s, int64_t vpn_id, int authentication,
					 enum rotation_step from, bool turned, int64_t now_ms,
					 int64_t *count, struct err *e)
{
	const enum rotation_step to = rotation_turned(from, turned);
	/* at accept and send documents are each other's */
	const bool told = to == ROTATION_FORGET;
	int rc = db_run(s->db, "UPDATE rotation SET target = $3, step = $5, "
					"turned = 1, step_ms = $6, generation = "
					"(SELECT l.generation + 1 FROM link l "
					"WHERE l.site_a = rotation.site_a "
					"AND l.site_b = rotation.site_b), revision = "
					"CASE WHEN $7 = 1 THEN $8 ELSE revision END "
					"WHERE vpn_id = $1 AND target = $2 AND step = $4 "
					"AND turned = $9",
					DB_ARGS(db_i(vpn_id),
							db_t(rotation_targets[moves[authentication].wrong]),
							db_t(rotation_targets[moves[authentication].right]),
							db_t(rotation_steps[from]),
							db_t(rotation_steps[to]), db_i(now_ms),
							db_i(told), db_i((int64_t)s->revision),
							db_i(turned)), e);

	*count += rc == 0 ? db_changed(s->db) : 0;
	return rc < 0 || !told ? rc : store_rotation_write(s, to, e);
}

int store_move_turn(struct store *s, int64_t vpn_id, int authentication,
					int64_t now_ms, int64_t *turned, struct err *e)
{
	int rc = 0;

	*turned = 0;
	for (int i = 0; rc == 0 && i < 4; i++)
	{
		rc = turn_step(s, vpn_id, authentication,
					   i < 2 ? ROTATION_ACCEPT : ROTATION_SEND, i % 2, now_ms,
					   turned, e);
	}
	if (rc < 0 || !*turned)
	{
		return rc;
	}
	/* numbers are not used twice */
	return db_run(s->db, "UPDATE link SET generation = (SELECT r.generation "
				  "FROM rotation r WHERE r.site_a = link.site_a "
				  "AND r.site_b = link.site_b) WHERE (site_a, site_b) IN "
				  "(SELECT r.site_a, r.site_b FROM rotation r "
				  "JOIN link l ON l.site_a = r.site_a AND l.site_b = r.site_b "
				  "WHERE r.vpn_id = $1 AND r.generation > l.generation)",
				  DB_ARGS(db_i(vpn_id)), e);
}

/* ---- beginning ----------------------------------------------------------------------- */

#define BEGIN "INSERT INTO rotation (site_a, site_b, vpn_id, target, " \
	"generation, step, revision, begun_ms, step_ms, command) "
#define BEGUN "(SELECT site_a, site_b FROM rotation WHERE revision = $1 " \
	"AND step = 'accept')"

static int begin_certificates(struct store *s,
							  const struct rotation_place *place,
							  int64_t now_ms, int64_t *begun, struct err *e)
{
	int rc = db_run(s->db, BEGIN
		"SELECT l.site_a, l.site_b, l.vpn_id, 'certificate', l.generation + 1, "
		"'accept', $2, $3, $3, $2 " MAY_TO_CERTIFICATES
		" ORDER BY l.site_a, l.site_b LIMIT $4",
		DB_ARGS(db_i(place->vpn_id), db_i((int64_t)s->revision), db_i(now_ms),
				db_i(ROTATION_BEGIN_MAX)), e);

	*begun = rc == 0 ? db_changed(s->db) : 0;
	return rc;
}

struct pair
{
	int64_t a, b, generation;
};

static int begin_key(struct store *s, const struct rotation_place *place,
					 const struct pair *pair, int64_t now_ms, struct err *e)
{
	int rc = store_psk_make(s, pair->a, pair->b, pair->generation + 1,
							rotation_use_words[ROTATION_USE_ACCEPT], e);

	return rc < 0 ? rc : db_run(s->db, BEGIN "VALUES ($1, $2, $3, 'key', $4, "
		"'accept', $5, $6, $6, $5)",
		DB_ARGS(db_i(pair->a), db_i(pair->b), db_i(place->vpn_id),
				db_i(pair->generation + 1), db_i((int64_t)s->revision),
				db_i(now_ms)), e);
}

static int read_pairs(struct store *s, const char *sql,
					  const struct db_arg *args, struct pair **list,
					  size_t *n, struct err *e)
{
	struct db_rows *rows;
	struct pair *pair;
	int rc = db_query(s->db, sql, args, &rows, e);

	*list = NULL;
	*n = 0;
	while (rc == 0 && (rc = db_next(rows, e)) == 1)
	{
		pair = store_array_add(s->work->a, (void **)list, n, sizeof(*pair));
		pair->a = db_col_int(rows, 0);
		pair->b = db_col_int(rows, 1);
		pair->generation = db_col_int(rows, 2);
		rc = 0;
	}
	db_end(rows);
	return rc;
}

static int begin_keys(struct store *s, const struct rotation_place *place,
					  int64_t now_ms, int64_t *begun, struct err *e)
{
	struct pair *list;
	size_t i, n;
	int rc = read_pairs(s, "SELECT l.site_a, l.site_b, l.generation " TO_KEYS
		" ORDER BY l.site_a, l.site_b LIMIT $2",
		DB_ARGS(db_i(place->vpn_id), db_i(ROTATION_BEGIN_MAX)), &list, &n, e);

	for (i = 0; rc == 0 && i < n; i++)
	{
		rc = begin_key(s, place, &list[i], now_ms, e);
	}
	*begun = rc == 0 ? (int64_t)n : 0;
	if (rc == 0 && n)
	{
		rc = db_run(s->db, "UPDATE link SET keyed_ms = $2 "
					"WHERE (site_a, site_b) IN " BEGUN,
					DB_ARGS(db_i((int64_t)s->revision), db_i(now_ms)), e);
	}
	return rc;
}

int store_move_begin(struct store *s, const struct rotation_place *place,
					 int authentication, int64_t now_ms, int64_t *begun,
					 struct err *e)
{
	const bool to_key = authentication == MODEL_PRE_SHARED;
	int rc = to_key ? begin_keys(s, place, now_ms, begun, e)
					: begin_certificates(s, place, now_ms, begun, e);

	if (rc < 0 || !*begun ||
		(rc = db_run(s->db, "UPDATE link SET generation = generation + 1 "
					 "WHERE (site_a, site_b) IN " BEGUN,
					 DB_ARGS(db_i((int64_t)s->revision)), e)) < 0 ||
		(rc = store_rotation_write(s, ROTATION_ACCEPT, e)) < 0)
	{
		return rc;
	}
	return store_rotation_tell(s, place, STORE_EVENT_ROTATION_BEGUN,
		ROTATION_ACTOR, s->revision, arena_printf(s->work->a,
		to_key ? "tunnels that begin to move to keys: %lld"
			   : "tunnels that begin to move to certificates: %lld",
		(long long)*begun), now_ms, e);
}

/* ---- a router that has no certificates any more ------------------------------------- */

/* With a key it goes on with that one; else it gets one, as a new tunnel does. */
static int back_to_key(struct store *s, const struct pair *pair,
					   struct err *e)
{
	const char *send = rotation_use_words[ROTATION_USE_SEND];
	const struct db_arg *args = DB_ARGS(db_i(pair->a), db_i(pair->b));
	int rc = db_run(s->db, "UPDATE psk SET key_use = $3 WHERE site_a = $1 "
					"AND site_b = $2", DB_ARGS(db_i(pair->a), db_i(pair->b),
											   db_t(send)), e);

	if (rc == 0 && db_changed(s->db) == 0 &&
		(rc = store_psk_make(s, pair->a, pair->b, pair->generation + 1, send,
							 e)) == 0)
	{
		rc = db_run(s->db, "UPDATE link SET generation = generation + 1, "
					"keyed_ms = $3 WHERE site_a = $1 AND site_b = $2",
					DB_ARGS(db_i(pair->a), db_i(pair->b),
							db_i(store_now_ms())), e);
	}
	if (rc == 0)
	{
		rc = db_run(s->db, "UPDATE link SET certificate_use = '' "
					"WHERE site_a = $1 AND site_b = $2", args, e);
	}
	return rc < 0 ? rc : db_run(s->db, "DELETE FROM rotation "
								"WHERE site_a = $1 AND site_b = $2", args, e);
}

/* Both ends hear of it, where a document has the tunnel. */
static int tell_ends(struct store *s, const struct pair *pair, struct err *e)
{
	struct db_rows *rows;
	int64_t sites[2] = { 0, 0 };
	int rc = db_query(s->db, "SELECT a.id, b.id, cu.name, v.name, a.name, "
					  "b.name, ca.suspended_revision, cb.suspended_revision "
					  "FROM site a JOIN site b ON b.id = $2 "
					  "JOIN vpn v ON v.id = a.vpn_id "
					  "JOIN customer cu ON cu.id = v.customer_id "
					  "JOIN ce ca ON ca.id = a.ce_id "
					  "JOIN ce cb ON cb.id = b.ce_id WHERE a.id = $1",
					  DB_ARGS(db_i(pair->a), db_i(pair->b)), &rows, e);

	if (rc == 0 && (rc = db_next(rows, e)) == 1)
	{
		store_effect(s, db_col_text(rows, 2), db_col_text(rows, 3),
					 db_col_text(rows, 4), db_col_text(rows, 5),
					 STORE_ROTATING);
		if (!db_col_int(rows, 6) && !db_col_int(rows, 7))
		{
			sites[0] = db_col_int(rows, 0);
			sites[1] = db_col_int(rows, 1);
		}
		rc = 0;
	}
	db_end(rows);
	if (rc < 0 || !sites[0])
	{
		return rc;
	}
	rc = store_touch_site(s, sites[0], e);
	return rc < 0 ? rc : store_touch_site(s, sites[1], e);
}

int store_move_uncertified(struct store *s, int64_t ce_id, struct err *e)
{
	const struct db_arg *ce = DB_ARGS(db_i(ce_id));
	struct pair *list;
	size_t i, n;
	int rc = read_pairs(s, "SELECT l.site_a, l.site_b, l.generation "
						"FROM link l WHERE l.certificate_use > '' "
						"AND (l.site_a IN (SELECT id FROM site WHERE ce_id = $1) "
						"OR l.site_b IN (SELECT id FROM site WHERE ce_id = $1)) "
						"ORDER BY l.site_a, l.site_b", ce, &list, &n, e);

	for (i = 0; rc == 0 && i < n; i++)
	{
		if ((rc = back_to_key(s, &list[i], e)) == 0)
		{
			rc = tell_ends(s, &list[i], e);
		}
	}
	return rc < 0 || !n ? rc : db_run(s->db, "UPDATE vpn SET moving = 1 "
		"WHERE id IN (SELECT vpn_id FROM site WHERE ce_id = $1)", ce, e);
}
