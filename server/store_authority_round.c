/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * store_authority_round.c - what is due in VPNs with an authority: certificates
 * and lists that are made anew, and the steps of an authority that takes over
 *
 * What is due is found without writing; each VPN then has a change of its own,
 * in which it is looked at once more, as another server may have been faster.
 */
#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "server/store_work.h"

#define ACTOR "server"
/* VPNs that one round changes for one reason: the next one goes on. */
#define VPNS_MAX 16
/* Ended certificates that one round forgets; until then the alarm is said of
 * who has no newer one. */
#define FORGET_MAX 1000
#define FORGET_MS INT64_C(2592000000)

struct place
{
	int64_t vpn_id, customer_id;
	char *customer, *vpn;
};

struct round
{
	struct store *s;
	int64_t now_ms;
	struct store_authority_round *out;
	int rc;					/* of the last VPN where something was wrong */
	struct err *e;
};

/* What is done for one reason in one VPN: 1: nothing was to be done any more. */
typedef int (*due_fn)(struct round *r, const struct place *place,
					  const char **what);

#define PLACE "SELECT DISTINCT v.id, v.customer_id, cu.name, v.name " \
	"FROM vpn_authority a JOIN vpn v ON v.id = a.vpn_id " \
	"JOIN customer cu ON cu.id = v.customer_id "

static int read_places(struct round *r, struct arena *a, const char *sql,
					   struct place **list, size_t *count)
{
	struct db_rows *rows;
	struct place *place;
	int rc;

	*list = NULL;
	*count = 0;
	rc = db_query(r->s->db, sql, DB_ARGS(db_i(r->now_ms), db_i(VPNS_MAX)),
				  &rows, r->e);
	while (rc == 0 && (rc = db_next(rows, r->e)) == 1)
	{
		place = store_array_add(a, (void **)list, count, sizeof(*place));
		place->vpn_id = db_col_int(rows, 0);
		place->customer_id = db_col_int(rows, 1);
		place->customer = arena_strdup(a, db_col_text(rows, 2));
		place->vpn = arena_strdup(a, db_col_text(rows, 3));
		rc = 0;
	}
	db_end(rows);
	return rc;
}

static int change(struct round *r, const struct place *place, due_fn fn)
{
	const struct store_authority_round before = *r->out;
	struct store *s = r->s;
	const char *what = "";
	int rc = store_begin(s, ACTOR, r->e);

	if (rc < 0)
	{
		return rc;
	}
	s->work->rotated = true;
	s->work->customer_id = place->customer_id;
	rc = fn(r, place, &what);
	if (rc == 0)
	{
		rc = store_commit(s, what, NULL, r->e);
		r->out->revisions += rc == 0;
	}
	else
	{
		store_rollback(s);
	}
	if (rc != 0)
	{
		*r->out = before;
	}
	return rc < 0 ? rc : 0;
}

static int each(struct round *r, const char *sql, due_fn fn)
{
	struct arena *a = arena_new();
	struct place *list;
	size_t i, count;
	int rc = read_places(r, a, sql, &list, &count), one = 0;

	/* what is wrong in one VPN is no fault of the others */
	for (i = 0; rc == 0 && one != -EIO && i < count; i++)
	{
		one = change(r, &list[i], fn);
		r->rc = one < 0 ? one : r->rc;
	}
	arena_free(a);
	return one == -EIO ? one : rc;
}

static const char *say(struct round *r, const struct place *place,
					   const char *verb, const char *rest, uint64_t count)
{
	return arena_printf(r->s->work->a, "%s %s/%s: %" PRIu64 " %s", verb,
						place->customer, place->vpn, count, rest);
}

/* ---- certificates ------------------------------------------------------------ */

#define RENEW PLACE \
	"JOIN ike_certificate c ON c.authority_id = a.id WHERE c.superseded = 0 " \
	"AND c.renew_ms <= $1 AND a.state = 'current' AND a.ends_ms > $1 " \
	"AND c.ends_ms < a.ends_ms LIMIT $2"
#define MISSING PLACE \
	"JOIN site t ON t.vpn_id = v.id JOIN ike_key k ON k.ce_id = t.ce_id " \
	"LEFT JOIN ike_certificate c ON c.site_id = t.id AND c.superseded = 0 " \
	"WHERE a.state = 'current' AND a.ends_ms > $1 AND (c.serial IS NULL " \
	"OR c.authority_id <> a.id OR c.spki <> k.spki) LIMIT $2"

static int issue(struct round *r, const struct place *place,
				 const char **what)
{
	uint64_t count;
	int rc = store_ike_issue(r->s, place->vpn_id, 0, r->now_ms, &count, r->e);

	r->out->certificates += count;
	*what = say(r, place, "ike certificates", "issued", count);
	return rc < 0 ? rc : count == 0;
}

/* ---- lists -------------------------------------------------------------------- */

#define REFRESH PLACE "WHERE a.refresh_ms <= $1 AND a.ends_ms > $1 LIMIT $2"

/* The authorities of a VPN whose lists are due, at most 3. */
static int due_lists(struct round *r, int64_t vpn_id, int64_t ids[3],
					 size_t *count)
{
	struct db_rows *rows;
	int rc = db_query(r->s->db, "SELECT id FROM vpn_authority "
					  "WHERE vpn_id = $1 AND refresh_ms <= $2 "
					  "AND ends_ms > $2 ORDER BY id LIMIT 3",
					  DB_ARGS(db_i(vpn_id), db_i(r->now_ms)), &rows, r->e);

	*count = 0;
	while (rc == 0 && (rc = db_next(rows, r->e)) == 1)
	{
		ids[(*count)++] = db_col_int(rows, 0);
		rc = 0;
	}
	db_end(rows);
	return rc;
}

static int refresh(struct round *r, const struct place *place,
				   const char **what)
{
	int64_t ids[3];
	size_t i, count;
	int rc = due_lists(r, place->vpn_id, ids, &count);

	for (i = 0; rc == 0 && i < count; i++)
	{
		rc = store_authority_list(r->s, ids[i], r->now_ms, r->e);
	}
	r->out->lists += count;
	*what = say(r, place, "revocation lists", "made anew", count);
	return rc < 0 ? rc : count == 0;
}

/* ---- one that takes over ------------------------------------------------------ */

/* That some router of the VPN does not have what gave a its state. */
#define WAITED_FOR \
	"EXISTS (SELECT 1 FROM site t JOIN ce ON ce.id = t.ce_id " \
	"JOIN installation i ON i.one = 1 " \
	"LEFT JOIN ce_status st ON st.ce_id = ce.id WHERE t.vpn_id = a.vpn_id " \
	"AND NOT " STORE_AUTHORITY_CONFIRMED("ce", "st", "a.revision") ") "
#define TAKE_OVER PLACE \
	"WHERE a.state = 'next' AND a.ends_ms > $1 AND NOT " WAITED_FOR "LIMIT $2"
#define LET_GO PLACE \
	"WHERE a.state = 'old' AND $1 > 0 AND NOT " WAITED_FOR "LIMIT $2"
#define TEXT_OF(number) #number
#define NUMBER(macro) TEXT_OF(macro)
#define BEGIN PLACE \
	"WHERE a.state = 'current' AND (a.roll_ms <= $1 OR a.list_entries >= " \
	NUMBER(AUTHORITY_LIST_FULL) ") AND NOT EXISTS (SELECT 1 " \
	"FROM vpn_authority o WHERE o.vpn_id = a.vpn_id " \
	"AND o.state <> 'current') LIMIT $2"

/* Still as it was seen? 1: no. */
static int check(struct round *r, const char *sql, int64_t vpn_id)
{
	int64_t count;
	int rc = db_number(r->s->db, sql, DB_ARGS(db_i(vpn_id)), &count, r->e);

	return rc < 0 ? rc : count == 0;
}

static int set_state(struct round *r, int64_t vpn_id,
					 enum authority_state from, enum authority_state to)
{
	return db_run(r->s->db, "UPDATE vpn_authority SET state = $3, "
				  "revision = $4, state_ms = $5 WHERE vpn_id = $1 "
				  "AND state = $2",
				  DB_ARGS(db_i(vpn_id), db_t(authority_states[from]),
						  db_t(authority_states[to]),
						  db_i((int64_t)r->s->revision), db_i(r->now_ms)),
				  r->e);
}

static int take_over(struct round *r, const struct place *place,
					 const char **what)
{
	const int64_t vpn_id = place->vpn_id;
	uint64_t count;
	int rc = check(r, "SELECT count(*) FROM vpn_authority a "
				   "WHERE a.vpn_id = $1 AND a.state = 'next' AND NOT "
				   WAITED_FOR, vpn_id);

	if (rc != 0 ||
		(rc = set_state(r, vpn_id, AUTHORITY_CURRENT, AUTHORITY_OLD)) < 0 ||
		(rc = set_state(r, vpn_id, AUTHORITY_NEXT, AUTHORITY_CURRENT)) < 0 ||
		(rc = store_ike_issue(r->s, vpn_id, 0, r->now_ms, &count, r->e)) < 0)
	{
		return rc;
	}
	r->out->certificates += count;
	r->out->steps++;
	*what = say(r, place, "authority", "certificates by the next one", count);
	return store_touch_vpn(r->s, vpn_id, r->e);
}

static int let_go(struct round *r, const struct place *place,
				  const char **what)
{
	const struct db_arg *args = DB_ARGS(db_i(place->vpn_id));
	int rc = check(r, "SELECT count(*) FROM vpn_authority a "
				   "WHERE a.vpn_id = $1 AND a.state = 'old' AND NOT "
				   WAITED_FOR, place->vpn_id);

	if (rc != 0 ||
		(rc = db_run(r->s->db, "DELETE FROM ike_certificate "
					 "WHERE authority_id = (SELECT id FROM vpn_authority "
					 "WHERE vpn_id = $1 AND state = 'old')", args,
					 r->e)) < 0 ||
		(rc = db_run(r->s->db, "DELETE FROM vpn_authority WHERE vpn_id = $1 "
					 "AND state = 'old'", args, r->e)) < 0)
	{
		return rc;
	}
	r->out->steps++;
	*what = arena_printf(r->s->work->a, "authority %s/%s: the old one is gone",
						 place->customer, place->vpn);
	return store_touch_vpn(r->s, place->vpn_id, r->e);
}

static int begin(struct round *r, const struct place *place,
				 const char **what)
{
	int rc = store_authority_next(r->s, place->vpn_id, r->now_ms, r->e);

	if (rc < 0)
	{
		/* another server was faster, or there is none any more */
		return rc == -EBUSY || rc == -ENOENT ? 1 : rc;
	}
	r->out->steps++;
	*what = arena_printf(r->s->work->a, "authority roll %s/%s: it is due",
						 place->customer, place->vpn);
	return 0;
}

/* ---- what ended --------------------------------------------------------------- */

static int forget(struct round *r)
{
	int64_t some;
	int rc = db_number(r->s->db, "SELECT count(*) FROM (SELECT 1 "
					   "FROM ike_certificate WHERE ends_ms <= $1 "
					   "AND superseded = 1 LIMIT 1) AS x",
					   DB_ARGS(db_i(r->now_ms - FORGET_MS)), &some, r->e);

	if (rc < 0 || !some || (rc = db_begin(r->s->db, true, r->e)) < 0)
	{
		return rc;
	}
	rc = db_run(r->s->db, "DELETE FROM ike_certificate WHERE "
				"(authority_id, serial) IN (SELECT authority_id, serial "
				"FROM ike_certificate WHERE ends_ms <= $1 "
				"AND superseded = 1 LIMIT $2)",
				DB_ARGS(db_i(r->now_ms - FORGET_MS), db_i(FORGET_MAX)),
				r->e);
	if (rc == 0)
	{
		return db_commit(r->s->db, r->e);
	}
	db_rollback(r->s->db);
	return rc;
}

/* ---- all ---------------------------------------------------------------------- */

int store_authority_round(struct store *s, int64_t now_ms, bool all,
						  struct store_authority_round *out, struct err *e)
{
	struct round r = { .s = s, .now_ms = now_ms, .out = out, .e = e };
	int64_t any;
	int rc;

	memset(out, 0, sizeof(*out));
	rc = db_number(s->db, "SELECT count(*) FROM (SELECT 1 FROM vpn_authority "
				   "LIMIT 1) AS x", NULL, &any, e);
	if (rc < 0 || !any)
	{
		return rc;
	}
	if ((rc = each(&r, LET_GO, let_go)) < 0 ||
		(rc = each(&r, TAKE_OVER, take_over)) < 0 ||
		(rc = each(&r, BEGIN, begin)) < 0 ||
		(rc = each(&r, RENEW, issue)) < 0 ||
		(all && (rc = each(&r, MISSING, issue)) < 0) ||
		(rc = each(&r, REFRESH, refresh)) < 0)
	{
		return rc;
	}
	rc = forget(&r);
	return rc < 0 ? rc : r.rc;
}
