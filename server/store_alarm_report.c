/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * store_alarm_report.c - the ledger follows what a CE reports
 *
 * Owns the tables alarm_budget and tunnel_down. A report is a CE's word: what it
 * says is kept under the CE's own name, and so much of it that a CE which says
 * ever new things fills no table and keeps no other's alarms waiting.
 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "server/store_alarm.h"

#define HOUR_MS 3600000

/* One CE's report and its rows in the ledger. */
struct ledger
{
	struct store *s;
	struct arena *a;
	const struct store_ce *ce;
	char *source;					/* "acme/paris-r1" */
	int64_t now_ms;
	struct store_alarm_row *rows;	/* sorted by resource, code */
	size_t count;
	int64_t budget;					/* left */
	size_t room;					/* for rows that are not there yet */
	bool refused;					/* something had to stay away */
};

/* ---- what a CE's words mean --------------------------------------------------------- */

/*
 * "CUSTOMER/VPN/PEER" of one of its own tunnels is the tunnel's own end,
 * "CUSTOMER/VPN/SITE/PEER"; everything else "CUSTOMER/CE:what it says".
 */
static int name_resource(struct ledger *l, const struct status_alarm *alarm,
						 struct store_alarm_wish *w, struct err *e)
{
	char *copy = arena_strdup(l->a, alarm->resource), *save = NULL;
	char *customer = strtok_r(copy, "/", &save);
	char *vpn = strtok_r(NULL, "/", &save);
	char *peer = strtok_r(NULL, "/", &save);
	struct db_rows *rows;
	int rc = 0;

	w->resource = arena_printf(l->a, "%s:%s", l->source, alarm->resource);
	if (!peer || strtok_r(NULL, "/", &save) ||
		strcmp(customer, l->ce->customer) != 0)
	{
		return 0;
	}
	rc = db_query(l->s->db, "SELECT t.name FROM site t "
				  "JOIN vpn v ON v.id = t.vpn_id "
				  "JOIN site p ON p.vpn_id = t.vpn_id JOIN link l ON "
				  "l.site_a = CASE WHEN t.id > p.id THEN t.id ELSE p.id END "
				  "AND l.site_b = CASE WHEN t.id > p.id THEN p.id ELSE t.id END "
				  "WHERE t.ce_id = $1 AND v.name = $2 AND p.name = $3",
				  DB_ARGS(db_i((int64_t)l->ce->id), db_t(vpn), db_t(peer)),
				  &rows, e);
	if (rc == 0 && (rc = db_next(rows, e)) == 1)
	{
		w->vpn = vpn;
		w->peer = peer;
		w->site = arena_strdup(l->a, db_col_text(rows, 0));
		w->resource = arena_printf(l->a, "%s/%s/%s/%s", l->ce->customer, vpn,
								   w->site, peer);
		rc = 0;
	}
	db_end(rows);
	return rc;
}

/* ---- bounds -------------------------------------------------------------------------- */

static int read_budget(struct ledger *l, struct err *e)
{
	int64_t spent = 0;
	int rc = db_number(l->s->db, "SELECT spent FROM alarm_budget "
					   "WHERE ce_id = $1 AND hour_ms > $2 AND hour_ms <= $3",
					   DB_ARGS(db_i((int64_t)l->ce->id),
							   db_i(l->now_ms - HOUR_MS), db_i(l->now_ms)),
					   &spent, e);

	l->budget = spent < STORE_ALARM_CE_HOUR ? STORE_ALARM_CE_HOUR - spent : 0;
	return rc == -ENOENT ? 0 : rc;
}

static int spend(struct ledger *l, int64_t amount, struct err *e)
{
	return amount == 0 ? 0 : db_run(l->s->db, "INSERT INTO alarm_budget "
		"(ce_id, hour_ms, spent) VALUES ($1, $2, $3) "
		"ON CONFLICT (ce_id) DO UPDATE SET "
		"spent = CASE WHEN alarm_budget.hour_ms > $4 "
		"AND alarm_budget.hour_ms <= $2 THEN alarm_budget.spent + $3 "
		"ELSE $3 END, "
		"hour_ms = CASE WHEN alarm_budget.hour_ms > $4 "
		"AND alarm_budget.hour_ms <= $2 THEN alarm_budget.hour_ms ELSE $2 END",
		DB_ARGS(db_i((int64_t)l->ce->id), db_i(l->now_ms), db_i(amount),
				db_i(l->now_ms - HOUR_MS)), e);
}

/* Cleared ones give their place away, the oldest first. */
static int make_room(struct ledger *l, struct err *e)
{
	int rc = db_run(l->s->db, "DELETE FROM alarm WHERE id IN (SELECT id "
					"FROM alarm WHERE origin = $1 AND cleared_ms > 0 "
					"ORDER BY cleared_ms, id LIMIT 1)",
					DB_ARGS(db_i((int64_t)l->ce->id)), e);

	l->room = rc == 0 && db_changed(l->s->db) == 1;
	return rc;
}

/* ---- the difference -------------------------------------------------------------------- */

static int by_name(const void *a, const void *b)
{
	const struct store_alarm_row *x = a, *y = b;
	int order = strcmp(x->resource, y->resource);

	return order ? order : strcmp(x->code, y->code);
}

static struct store_alarm_row *find(struct ledger *l, const char *resource,
									const char *code)
{
	const struct store_alarm_row key = {
		.resource = (char *)resource, .code = (char *)code,
	};

	return l->count ? bsearch(&key, l->rows, l->count, sizeof(*l->rows),
							  by_name) : NULL;
}

static int take_alarm(struct ledger *l, const struct status_alarm *alarm,
					  struct err *e)
{
	struct store_alarm_wish w = {
		.origin = (int64_t)l->ce->id, .source = l->source,
		.code = alarm->code, .text = alarm->text,
		.severity = (enum status_severity)alarm->severity,
		.customer = l->ce->customer, .ce = l->ce->ce,
	};
	struct store_alarm_row *row;
	bool fresh;
	int rc = name_resource(l, alarm, &w, e);

	if (rc < 0)
	{
		return rc;
	}
	row = find(l, w.resource, w.code);
	/* said twice in one report: the first counts */
	if (row && row->kept)
	{
		return 0;
	}
	fresh = !row || !row->raised;
	if (row)
	{
		row->kept = true;
	}
	if (fresh || row->severity != alarm->severity)
	{
		if (l->budget <= 0)
		{
			l->refused = true;
			return 0;
		}
		if (!row && l->room == 0 && (rc = make_room(l, e)) < 0)
		{
			return rc;
		}
		if (!row && l->room == 0)
		{
			l->refused = true;
			return 0;
		}
		l->room -= !row;
		l->budget--;
	}
	return store_alarm_set(l->s, &w, row, l->now_ms, e);
}

/* One of its own, that it had to be cut short. */
static int tell_refused(struct ledger *l, struct err *e)
{
	const struct store_alarm_wish w = {
		.origin = (int64_t)l->ce->id, .source = l->source,
		.resource = l->source, .code = err_code_text(ERR_ALARM_LIMIT),
		.text = "it reports more alarms, or changes them more often, than "
			"are kept of one router",
		.severity = STATUS_MINOR, .customer = l->ce->customer,
		.ce = l->ce->ce,
	};
	struct store_alarm_row *row = find(l, w.resource, w.code);

	if (!l->refused)
	{
		return 0;
	}
	if (row)
	{
		row->kept = true;
	}
	return store_alarm_set(l->s, &w, row, l->now_ms, e);
}

static int follow(struct ledger *l, const struct status_report *report,
				  struct err *e)
{
	int64_t budget;
	size_t i;
	int rc = read_budget(l, e);

	budget = l->budget;
	for (i = 0; rc == 0 && i < report->alarm_count; i++)
	{
		if (report->alarms[i].severity != STATUS_CLEARED)
		{
			rc = take_alarm(l, &report->alarms[i], e);
		}
	}
	if (rc == 0)
	{
		rc = tell_refused(l, e);
	}
	/* no longer listed: no longer so */
	for (i = 0; rc == 0 && i < l->count; i++)
	{
		if (l->rows[i].raised && !l->rows[i].kept)
		{
			rc = store_alarm_clear(l->s, l->rows[i].id, l->now_ms, e);
		}
	}
	return rc < 0 ? rc : spend(l, budget - l->budget, e);
}

static bool says_any(const struct status_report *report)
{
	size_t i;

	for (i = 0; i < report->alarm_count; i++)
	{
		if (report->alarms[i].severity != STATUS_CLEARED)
		{
			return true;
		}
	}
	return false;
}

int store_alarm_report(struct store *s, const struct store_ce *ce,
					   const struct status_report *report, int64_t now_ms,
					   struct err *e)
{
	struct ledger l = { .s = s, .ce = ce, .now_ms = now_ms };
	int rc;

	l.a = arena_new();
	rc = store_alarm_rows(s, l.a, (int64_t)ce->id, NULL, !says_any(report),
						  &l.rows, &l.count, e);
	if (rc == 0 && (l.count || says_any(report)))
	{
		if (l.count)
		{
			qsort(l.rows, l.count, sizeof(*l.rows), by_name);
		}
		l.room = l.count < STORE_ALARM_CE_ROWS ? STORE_ALARM_CE_ROWS - l.count
											   : 0;
		l.source = arena_printf(l.a, "%s/%s", ce->customer, ce->ce);
		rc = follow(&l, report, e);
	}
	arena_free(l.a);
	return rc;
}

/* ---- ends that are not up ----------------------------------------------------------------- */

/*
 * Tunnels that it says nothing of are not up either. Those to routers that never
 * came are nobody's fault, and there may be many.
 */
#define NOT_UP(mine, theirs) \
	"INSERT INTO tunnel_down (site_id, peer_id, since_ms) " \
	"SELECT t.id, l." theirs ", $2 FROM site t JOIN link l ON l." mine \
	" = t.id JOIN site p ON p.id = l." theirs \
	" JOIN ce_status st ON st.ce_id = p.ce_id " \
	"LEFT JOIN tunnel_status ts ON ts.site_id = t.id " \
	"AND ts.peer_id = l." theirs " WHERE t.ce_id = $1 " \
	"AND (ts.state IS NULL OR ts.state <> 'up') " \
	"AND ($3 = 0 OR l.revision <= $4) ON CONFLICT (site_id, peer_id) DO NOTHING"

int store_alarm_is_back(struct store *s, const struct store_ce *ce,
						const struct status_report *report, bool *back,
						struct err *e)
{
	char *place = xasprintf("%s/%s", ce->customer, ce->ce);
	int64_t same = 0, silent = 0;
	int rc;

	if ((rc = db_number(s->db, "SELECT count(*) FROM ce_status "
						"WHERE ce_id = $1 AND boot_id = $2",
						DB_ARGS(db_i((int64_t)ce->id),
								db_t(report->boot_id)), &same, e)) == 0)
	{
		rc = db_number(s->db, "SELECT count(*) FROM alarm WHERE origin = 0 "
					   "AND resource = $1 AND code = 'ce-silent' "
					   "AND cleared_ms = 0", DB_ARGS(db_t(place)), &silent, e);
	}
	*back = !same || silent;
	free(place);
	return rc;
}

int store_tunnel_down_report(struct store *s, int64_t ce_id, bool back,
							 const struct status_report *report,
							 int64_t now_ms, struct err *e)
{
	int64_t same;
	const struct db_arg *args;
	int rc;

	if (back && (rc = db_run(s->db, "UPDATE tunnel_down SET since_ms = $2 "
							 "WHERE site_id IN (SELECT id FROM site "
							 "WHERE ce_id = $1) OR peer_id IN (SELECT id "
							 "FROM site WHERE ce_id = $1)",
							 DB_ARGS(db_i(ce_id), db_i(now_ms)), e)) < 0)
	{
		return rc;
	}

	if ((rc = db_number(s->db, "SELECT count(*) FROM installation "
						"WHERE epoch = $1",
						DB_ARGS(db_i((int64_t)report->epoch)), &same, e)) < 0 ||
		(rc = db_run(s->db, "DELETE FROM tunnel_down WHERE site_id IN "
					 "(SELECT id FROM site WHERE ce_id = $1) AND EXISTS "
					 "(SELECT 1 FROM tunnel_status ts "
					 "WHERE ts.site_id = tunnel_down.site_id "
					 "AND ts.peer_id = tunnel_down.peer_id "
					 "AND ts.state = 'up')", DB_ARGS(db_i(ce_id)), e)) < 0)
	{
		return rc;
	}
	args = DB_ARGS(db_i(ce_id), db_i(now_ms), db_i(same),
				   db_i((int64_t)report->revision));
	rc = db_run(s->db, NOT_UP("site_a", "site_b"), args, e);
	return rc < 0 ? rc : db_run(s->db, NOT_UP("site_b", "site_a"), args, e);
}
