/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * store_rotation.c - what pairs authenticate with is being changed, step by step
 *
 * Owns the table rotation, with store_rotation_begin.c and store_move.c, and
 * link.keyed_ms. The steps are rotation.c's; here they are taken, for all pairs
 * of a VPN that are ready together, in a change like any other: whole or not at
 * all, and looked at once more within it, as another server may have been
 * faster.
 */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/store_alarm.h"
#include "server/store_rotation.h"

/* Pairs in one transaction: some seconds of writing. */
#define STEP_MAX 100000

/* ---- what a step writes ---------------------------------------------------------- */

/* Their keys that are older than what they come to have: all, where that is a
 * certificate; where it is a key again, the one that there is, is that. */
#define OF(key) "SELECT 1 FROM rotation r WHERE r.site_a = " key ".site_a " \
	"AND r.site_b = " key ".site_b AND "
#define OLDER_KEYS \
	"(site_a, site_b) IN " STORE_ROTATION_STEPPED " AND EXISTS (" OF("psk") \
	"r.target <> 'key' AND psk.generation < r.generation)"
#define NEWEST_KEYS \
	"(site_a, site_b) IN " STORE_ROTATION_STEPPED " AND EXISTS (" OF("psk") \
	"(r.target = 'key' OR psk.generation = r.generation))"

/* Of who moves to or from certificates. */
static int write_certificates(struct store *s, enum rotation_step step,
							  struct err *e)
{
	enum rotation_target target;
	int rc = 0;

	for (target = ROTATION_CERTIFICATE; rc == 0 && target <= ROTATION_KEY;
		 target++)
	{
		rc = db_run(s->db, "UPDATE link SET certificate_use = $3 "
					"WHERE (site_a, site_b) IN (SELECT site_a, site_b "
					"FROM rotation WHERE revision = $1 AND step = $2 "
					"AND target = $4)",
					DB_ARGS(db_i((int64_t)s->revision),
							db_t(rotation_steps[step]),
							db_t(rotation_use_words[rotation_certificate_use(
								target, step)]),
							db_t(rotation_targets[target])), e);
	}
	return rc;
}

/* The old keys first: only one at a time is sent with. */
int store_rotation_write(struct store *s, enum rotation_step step,
						 struct err *e)
{
	const struct rotation_uses uses = rotation_uses(step);
	const struct db_arg revision = db_i((int64_t)s->revision);
	const struct db_arg word = db_t(rotation_steps[step]);
	int rc;

	if (uses.older == ROTATION_USE_GONE)
	{
		rc = db_run(s->db, "DELETE FROM psk WHERE " OLDER_KEYS,
					DB_ARGS(revision, word), e);
		/* nor can an older tunnel's come back with a revert */
		if (rc == 0)
		{
			rc = db_run(s->db, "DELETE FROM psk_retired "
						"WHERE (site_a, site_b) IN " STORE_ROTATION_STEPPED,
						DB_ARGS(revision, word), e);
		}
	}
	else
	{
		rc = db_run(s->db, "UPDATE psk SET key_use = $3 WHERE " OLDER_KEYS,
					DB_ARGS(revision, word, db_t(rotation_use_words[uses.older])), e);
	}
	if (rc == 0)
	{
		rc = db_run(s->db, "UPDATE psk SET key_use = $3 WHERE " NEWEST_KEYS,
					DB_ARGS(revision, word,
							db_t(rotation_use_words[uses.newest])), e);
	}
	return rc < 0 ? rc : write_certificates(s, step, e);
}

#define TOLD(end) \
	"SELECT " end ".ce_id FROM rotation r JOIN site a ON a.id = r.site_a " \
	"JOIN site b ON b.id = r.site_b JOIN ce ca ON ca.id = a.ce_id " \
	"JOIN ce cb ON cb.id = b.ce_id WHERE r.revision = $1 " \
	"AND ca.suspended_revision = 0 AND cb.suspended_revision = 0"

/* Both ends of all that took a step; where one is suspended, no document has
 * the tunnel. */
int store_rotation_touch(struct store *s, struct err *e)
{
	int rc = db_run(s->db, "UPDATE ce_change SET revision = $1, "
					"committed_ms = 0 WHERE ce_id IN (" TOLD("a") " UNION "
					TOLD("b") ")", DB_ARGS(db_i((int64_t)s->revision)), e);

	s->work->touched |= rc == 0 && db_changed(s->db) > 0;
	return rc;
}

int store_rotation_tell(struct store *s, const struct rotation_place *place,
						int kind, const char *who, uint64_t command,
						const char *text, int64_t now_ms, struct err *e)
{
	const struct store_event event = {
		.at_ms = now_ms, .kind = kind, .source = (char *)who,
		.severity = -1, .revision = command, .text = (char *)text,
		.customer = place->customer, .vpn = place->vpn,
	};

	return store_event_add(s, &event, e);
}

/* What a change of our own came to: rc of it, 1 where nothing was to be done. */
int store_rotation_end(struct store *s, int rc, struct store_rotated *out)
{
	if (rc == 0)
	{
		out->revisions++;
		return 0;
	}
	if (s->changing)
	{
		store_rollback(s);
	}
	return rc < 0 ? rc : 0;
}

/* ---- steps ----------------------------------------------------------------------- */

#define READY \
	"FROM rotation r JOIN site a ON a.id = r.site_a " \
	"JOIN site b ON b.id = r.site_b JOIN ce ca ON ca.id = a.ce_id " \
	"JOIN ce cb ON cb.id = b.ce_id JOIN ce_status sa ON sa.ce_id = ca.id " \
	"JOIN ce_status sb ON sb.ce_id = cb.id JOIN installation i ON i.one = 1 " \
	"WHERE " STORE_ROTATION_CONFIRMED("ca", "sa", "r") \
	" AND " STORE_ROTATION_CONFIRMED("cb", "sb", "r")

/* A VPN of which pairs are under way, or may have to move. */
struct moving
{
	struct rotation_place place;
	struct rotation_pace pace;
	uint64_t ready[ROTATION_STEPS];
	int authentication;				/* enum model_auth */
	bool kinds;						/* of those some to another kind */
	bool moves;						/* some may have to; then: */
	struct store_move move;
};

static int read_vpn(struct arena *a, struct db_rows *rows, struct moving *vpn,
					struct err *e)
{
	vpn->place.vpn_id = db_col_int(rows, 0);
	vpn->place.customer_id = db_col_int(rows, 1);
	vpn->place.customer = arena_strdup(a, db_col_text(rows, 2));
	vpn->place.vpn = arena_strdup(a, db_col_text(rows, 3));
	vpn->pace.moving = (uint64_t)db_col_int(rows, 4);
	vpn->pace.step_ms = db_col_int(rows, 5);
	vpn->pace.sites = (uint64_t)db_col_int(rows, 6);
	vpn->moves = db_col_int(rows, 7) != 0;
	vpn->kinds = db_col_int(rows, 9) != 0;
	return store_word(conf_authentications, db_col_text(rows, 8),
					  &vpn->authentication, e);
}

static int read_moving(struct store *s, struct arena *a, int64_t vpn_id,
					   struct moving **list, size_t *count, struct err *e)
{
	struct db_rows *rows;
	int rc;

	*list = NULL;
	*count = 0;
	rc = db_query(s->db, "SELECT v.id, v.customer_id, cu.name, v.name, "
				  "coalesce(r.moving, 0), coalesce(r.step_ms, 0), "
				  "(SELECT count(*) FROM site t WHERE t.vpn_id = v.id), "
				  "v.moving, v.authentication, coalesce(r.kinds, 0) "
				  "FROM vpn v JOIN customer cu "
				  "ON cu.id = v.customer_id LEFT JOIN (SELECT vpn_id, "
				  "sum(CASE WHEN step = 'forget' THEN 0 ELSE 1 END) AS moving, "
				  "max(step_ms) AS step_ms, sum(CASE WHEN target = 'next-key' "
				  "THEN 0 ELSE 1 END) AS kinds FROM rotation "
				  "WHERE ($1 = 0 OR vpn_id = $1) GROUP BY vpn_id) r "
				  "ON r.vpn_id = v.id WHERE ($1 = 0 OR v.id = $1) "
				  "AND (v.moving = 1 OR r.vpn_id IS NOT NULL) ORDER BY v.id",
				  DB_ARGS(db_i(vpn_id)), &rows, e);
	while (rc == 0 && (rc = db_next(rows, e)) == 1)
	{
		rc = read_vpn(a, rows, store_array_add(a, (void **)list, count,
											   sizeof(**list)), e);
	}
	db_end(rows);
	return rc;
}

/* Who is yet to begin is waited for like who is under way. */
static int read_moves(struct store *s, struct moving *list, size_t count,
					  struct err *e)
{
	struct moving *vpn;
	size_t i;
	int rc = 0;

	for (i = 0; rc == 0 && i < count; i++)
	{
		vpn = &list[i];
		if (vpn->moves &&
			(rc = store_move_look(s, vpn->place.vpn_id, vpn->authentication,
								  &vpn->move, e)) == 0)
		{
			vpn->pace.moving += vpn->move.waiting;
			vpn->pace.ready += vpn->move.ready;
		}
	}
	return rc;
}

static int by_vpn(const void *key, const void *item)
{
	const int64_t id = *(const int64_t *)key;
	const int64_t other = ((const struct moving *)item)->place.vpn_id;

	return id < other ? -1 : id > other;
}

static int read_ready(struct store *s, int64_t vpn_id, struct moving *list,
					  size_t count, struct err *e)
{
	struct moving *vpn;
	struct db_rows *rows;
	int64_t id;
	int rc, step;

	rc = db_query(s->db, "SELECT r.vpn_id, r.step, count(*) " READY
				  " AND ($1 = 0 OR r.vpn_id = $1) GROUP BY r.vpn_id, r.step",
				  DB_ARGS(db_i(vpn_id)), &rows, e);
	while (rc == 0 && (rc = db_next(rows, e)) == 1)
	{
		id = db_col_int(rows, 0);
		vpn = bsearch(&id, list, count, sizeof(*list), by_vpn);
		rc = store_word(rotation_steps, db_col_text(rows, 1), &step, e);
		if (rc == 0 && vpn)
		{
			vpn->ready[step] = (uint64_t)db_col_int(rows, 2);
			vpn->pace.ready += step == ROTATION_FORGET ? 0
													   : vpn->ready[step];
		}
	}
	db_end(rows);
	return rc;
}

/* In one look, of all VPNs (vpn_id 0) or of one. */
static int look(struct store *s, struct arena *a, int64_t vpn_id,
				struct moving **list, size_t *count, struct err *e)
{
	int rc = read_moving(s, a, vpn_id, list, count, e);

	if (rc == 0 && *count &&
		(rc = read_ready(s, vpn_id, *list, *count, e)) == 0)
	{
		rc = read_moves(s, *list, *count, e);
	}
	return rc;
}

/* Who turns round waits for nobody. */
static bool may_step(const struct moving *vpn, int64_t now_ms)
{
	return vpn->move.turning || rotation_may_step(&vpn->pace, now_ms);
}

/* All that are ready at a step take the next one; *pairs of them. */
static int take_step(struct store *s, int64_t vpn_id, enum rotation_step from,
					 int64_t now_ms, int64_t *pairs, struct err *e)
{
	const enum rotation_step to = rotation_next(from, true, true);
	int rc = db_run(s->db, "UPDATE rotation SET step = $3, revision = $4, "
					"step_ms = $5, turned = 0 WHERE (site_a, site_b) IN "
					"(SELECT r.site_a, r.site_b " READY
					" AND r.vpn_id = $1 AND r.step = $2 "
					"ORDER BY r.site_a, r.site_b LIMIT $6)",
					DB_ARGS(db_i(vpn_id), db_t(rotation_steps[from]),
							db_t(rotation_steps[to]),
							db_i((int64_t)s->revision), db_i(now_ms),
							db_i(STEP_MAX)), e);

	*pairs = rc == 0 ? db_changed(s->db) : 0;
	return rc < 0 || !*pairs ? rc : store_rotation_write(s, to, e);
}

/* What the change in course does to the pairs of a VPN. */
struct steps
{
	int64_t to_send, to_forget, turned, begun;
};

/* For the audit, and for who wants to take it back (store_history.c). */
static const char *tell_steps(struct store *s, const struct moving *vpn,
							  const struct steps *n)
{
	const struct rotation_place *place = &vpn->place;
	const char *text = arena_printf(s->work->a, "%s %s/%s: %lld pairs to %s, "
		"%lld to %s", vpn->moves || vpn->kinds ? "rotation" : "psk rotation",
		place->customer, place->vpn, (long long)n->to_send,
		rotation_steps[ROTATION_SEND], (long long)n->to_forget,
		rotation_steps[ROTATION_FORGET]);

	if (n->begun)
	{
		text = arena_printf(s->work->a, "%s, %lld begin to move", text,
							(long long)n->begun);
	}
	return n->turned ? arena_printf(s->work->a, "%s, %lld turn round", text,
									(long long)n->turned) : text;
}

/* 1: nothing to be done any more: roll back */
static int step_vpn(struct store *s, const struct rotation_place *place,
					int64_t now_ms, struct err *e)
{
	struct steps n = { 0, 0, 0, 0 };
	struct moving *vpn;
	size_t count;
	int rc = look(s, s->work->a, place->vpn_id, &vpn, &count, e);

	if (rc < 0 || !count || !may_step(vpn, now_ms))
	{
		return rc < 0 ? rc : 1;
	}
	s->work->rotated = true;
	s->work->customer_id = place->customer_id;
	if ((rc = vpn->move.turning ? store_move_turn(s, place->vpn_id,
			vpn->authentication, now_ms, &n.turned, e) : 0) < 0 ||
		(rc = take_step(s, place->vpn_id, ROTATION_SEND, now_ms, &n.to_forget,
						e)) < 0 ||
		(rc = take_step(s, place->vpn_id, ROTATION_ACCEPT, now_ms,
						&n.to_send, e)) < 0 ||
		(rc = vpn->move.ready ? store_move_begin(s, place,
			vpn->authentication, now_ms, &n.begun, e) : 0) < 0 ||
		(rc = store_rotation_touch(s, e)) < 0)
	{
		return rc;
	}
	return store_commit(s, tell_steps(s, vpn, &n), NULL, e);
}

/* ---- the end --------------------------------------------------------------------- */

struct command
{
	int64_t revision;
	bool moved;					/* to another kind */
};

/* Commands of which pairs are at their end. */
static int read_commands(struct store *s, struct arena *a, int64_t vpn_id,
						 struct command **list, size_t *count,
						 struct err *e)
{
	struct db_rows *rows;
	struct command *command;
	int rc;

	*list = NULL;
	*count = 0;
	rc = db_query(s->db, "SELECT r.command, max(CASE WHEN r.target = "
				  "'next-key' THEN 0 ELSE 1 END) " READY
				  " AND r.vpn_id = $1 AND r.step = 'forget' "
				  "GROUP BY r.command ORDER BY 1",
				  DB_ARGS(db_i(vpn_id)), &rows, e);
	while (rc == 0 && (rc = db_next(rows, e)) == 1)
	{
		command = store_array_add(a, (void **)list, count, sizeof(*command));
		command->revision = db_col_int(rows, 0);
		command->moved = db_col_int(rows, 1) != 0;
		rc = 0;
	}
	db_end(rows);
	return rc;
}

static int tell_done(struct store *s, const struct rotation_place *place,
					 const struct command *command, int64_t now_ms,
					 struct store_rotated *out, struct err *e)
{
	int64_t left;
	int rc = db_number(s->db, "SELECT count(*) FROM rotation "
					   "WHERE command = $1", DB_ARGS(db_i(command->revision)), &left,
					   e);

	if (rc < 0 || left)
	{
		return rc;
	}
	out->commands++;
	return store_rotation_tell(s, place, STORE_EVENT_ROTATION_DONE, ROTATION_ACTOR,
		(uint64_t)command->revision, command->moved
		? "the tunnels have moved, and what they had before is gone"
		: "the keys were changed, and the old ones are gone", now_ms, e);
}

static int finish(struct store *s, struct arena *a, const struct rotation_place *place,
				  int64_t now_ms, struct store_rotated *out, struct err *e)
{
	struct command *commands;
	size_t i, count;
	int rc = read_commands(s, a, place->vpn_id, &commands, &count, e);

	if (rc == 0 && count)
	{
		rc = db_run(s->db, "DELETE FROM rotation WHERE (site_a, site_b) IN "
					"(SELECT r.site_a, r.site_b " READY
					" AND r.vpn_id = $1 AND r.step = 'forget')",
					DB_ARGS(db_i(place->vpn_id)), e);
		out->finished += rc == 0 ? (uint64_t)db_changed(s->db) : 0;
	}
	for (i = 0; rc == 0 && i < count; i++)
	{
		rc = tell_done(s, place, &commands[i], now_ms, out, e);
	}
	return rc;
}

/* No document changes: no revision, and nothing to wait for. */
static int finish_vpn(struct store *s, struct arena *a,
					  const struct rotation_place *place, int64_t now_ms,
					  struct store_rotated *out, struct err *e)
{
	const struct store_rotated before = *out;
	int rc = db_begin(s->db, true, e);

	if (rc < 0)
	{
		return rc;
	}
	rc = finish(s, a, place, now_ms, out, e);
	if (rc == 0)
	{
		return db_commit(s->db, e);
	}
	*out = before;
	db_rollback(s->db);
	return rc;
}

static int move(struct store *s, struct arena *a, const struct moving *vpn,
				int64_t now_ms, struct store_rotated *out, struct err *e)
{
	int rc = vpn->ready[ROTATION_FORGET]
		? finish_vpn(s, a, &vpn->place, now_ms, out, e) : 0;

	if (rc == 0 && may_step(vpn, now_ms) &&
		(rc = store_begin(s, ROTATION_ACTOR, e)) == 0)
	{
		rc = store_rotation_end(s, step_vpn(s, &vpn->place, now_ms, e), out);
	}
	if (rc == 0 && vpn->moves && !vpn->move.waiting && !vpn->move.turning)
	{
		rc = store_move_settle(s, vpn->place.vpn_id, vpn->authentication, e);
	}
	return rc;
}

int store_rotation_round(struct store *s, int64_t now_ms,
						 struct store_rotated *out, struct err *e)
{
	struct moving *list = NULL;
	size_t i, count = 0;
	struct arena *a;
	int64_t any;
	int rc = db_number(s->db, "SELECT CASE WHEN EXISTS (SELECT 1 FROM rotation) "
					   "OR EXISTS (SELECT 1 FROM vpn WHERE moving = 1) "
					   "THEN 1 ELSE 0 END", NULL, &any, e);

	memset(out, 0, sizeof(*out));
	if (rc < 0 || !any)
	{
		return rc;
	}
	a = arena_new();
	rc = look(s, a, 0, &list, &count, e);
	for (i = 0; rc == 0 && i < count; i++)
	{
		rc = move(s, a, &list[i], now_ms, out, e);
	}
	arena_free(a);
	return rc;
}
