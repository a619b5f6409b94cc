/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * store_metrics.c - numbers for monitoring, counted by the database
 *
 * A mesh has a tunnel for every pair of sites: nothing here makes a row of each.
 * Tunnels are counted by site; only those that are down are rows.
 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "server/store_alarm.h"

/* one scrape */
struct look
{
	struct store *s;
	struct arena *a;
	int64_t now_ms, stale_ms;
	struct store_metrics *out;
	struct err *e;
};

static int query(struct look *l, const char *sql, const struct db_arg *args,
				 struct db_rows **rows)
{
	return db_query(l->s->db, sql, args, rows, l->e);
}

static int next(struct look *l, struct db_rows *rows)
{
	int rc = db_next(rows, l->e);

	l->out->rows += rc == 1;
	return rc;
}

/* ---- routers ---------------------------------------------------------------- */

static uint64_t lag_of(uint64_t revision, bool same_epoch, uint64_t applied)
{
	if (!same_epoch)
	{
		return revision;
	}
	return revision > applied ? revision - applied : 0;
}

static void read_ce(struct look *l, struct db_rows *rows)
{
	struct store_metrics_ce *ce;

	ce = store_array_add(l->a, (void **)&l->out->ces, &l->out->ce_count,
						 sizeof(*ce));
	ce->id = (uint64_t)db_col_int(rows, 0);
	ce->customer = arena_strdup(l->a, db_col_text(rows, 1));
	ce->ce = arena_strdup(l->a, db_col_text(rows, 2));
	ce->enrolled = db_col_int(rows, 3) != 0;
	ce->reported_ms = db_col_null(rows, 5) ? -1 : db_col_int(rows, 5);
	ce->result = arena_strdup(l->a, db_col_text(rows, 6));
	if (ce->reported_ms >= 0)
	{
		ce->lag = lag_of((uint64_t)db_col_int(rows, 4),
						 db_col_int(rows, 7) == (int64_t)l->out->epoch,
						 (uint64_t)db_col_int(rows, 8));
	}
}

static int read_ces(struct look *l)
{
	struct db_rows *rows;
	int rc;

	rc = query(l, "SELECT ce.id, cu.name, ce.name, (SELECT count(*) FROM ce_key k "
			   "WHERE k.ce_id = ce.id AND k.superseded = 0), ch.revision, "
			   "st.reported_ms, st.result, st.epoch, st.revision "
			   "FROM ce JOIN customer cu ON cu.id = ce.customer_id "
			   "JOIN ce_change ch ON ch.ce_id = ce.id "
			   "LEFT JOIN ce_status st ON st.ce_id = ce.id "
			   "WHERE ce.removed_revision = 0 ORDER BY cu.name, ce.name", NULL,
			   &rows);
	if (rc < 0)
	{
		return rc;
	}
	while ((rc = next(l, rows)) == 1)
	{
		read_ce(l, rows);
	}
	db_end(rows);
	return rc;
}

/* Rows by an id and where they stand in their list, to find them again. */
struct place
{
	uint64_t id;
	uint32_t at;
};

static int by_id(const void *a, const void *b)
{
	const struct place *x = a, *y = b;

	return (x->id > y->id) - (x->id < y->id);
}

static const struct place *find(const struct place *places, size_t count,
								int64_t id)
{
	const struct place key = { (uint64_t)id, 0 };

	return count ? bsearch(&key, places, count, sizeof(*places), by_id) : NULL;
}

static void count_alarms(struct look *l, const struct place *places,
						 struct db_rows *rows)
{
	static const char *const names[STATUS_CLEARED] = {
		"warning", "minor", "major", "critical"
	};
	const struct place *place = find(places, l->out->ce_count,
									 db_col_int(rows, 0));
	int i;

	for (i = 0; place && i < STATUS_CLEARED; i++)
	{
		if (strcmp(names[i], db_col_text(rows, 1)) == 0)
		{
			l->out->ces[place->at].alarms[i] = (uint64_t)db_col_int(rows, 2);
		}
	}
}

static int read_alarms(struct look *l)
{
	const size_t count = l->out->ce_count;
	struct place *places = arena_calloc(l->a, count + 1, sizeof(*places));
	struct db_rows *rows;
	size_t i;
	int rc;

	for (i = 0; i < count; i++)
	{
		places[i] = (struct place){ l->out->ces[i].id, (uint32_t)i };
	}
	qsort(places, count, sizeof(*places), by_id);
	rc = query(l, "SELECT ce_id, severity, count(*) FROM ce_alarm "
			   "GROUP BY ce_id, severity", NULL, &rows);
	if (rc < 0)
	{
		return rc;
	}
	while ((rc = next(l, rows)) == 1)
	{
		count_alarms(l, places, rows);
	}
	db_end(rows);
	return rc;
}

/* Of all routers, and what the server itself has raised. */
static int read_ledger(struct look *l)
{
	struct db_rows *rows;
	int severity, rc;

	rc = query(l, "SELECT severity, count(*) FROM alarm WHERE cleared_ms = 0 "
			   "GROUP BY severity", NULL, &rows);
	while (rc == 0 && (rc = next(l, rows)) == 1)
	{
		rc = store_word(store_severity_words, db_col_text(rows, 0), &severity,
						l->e);
		if (rc == 0)
		{
			l->out->alarms[severity] = (uint64_t)db_col_int(rows, 1);
		}
	}
	db_end(rows);
	return rc;
}

/* ---- sites and their tunnels ------------------------------------------------- */

static void read_site(struct look *l, struct db_rows *rows,
					  struct place **places, bool **untold)
{
	struct store_metrics_site *site;
	struct place *place;
	size_t at = l->out->site_count, count = at;
	bool *flag;

	place = store_array_add(l->a, (void **)places, &count, sizeof(*place));
	place->id = (uint64_t)db_col_int(rows, 0);
	place->at = (uint32_t)at;
	site = store_array_add(l->a, (void **)&l->out->sites, &l->out->site_count,
						   sizeof(*site));
	site->customer = arena_strdup(l->a, db_col_text(rows, 1));
	site->vpn = arena_strdup(l->a, db_col_text(rows, 2));
	site->site = arena_strdup(l->a, db_col_text(rows, 3));
	site->ce = arena_strdup(l->a, db_col_text(rows, 4));
	site->active = !db_col_null(rows, 5) && db_col_int(rows, 5) >= l->stale_ms;
	site->tunnels = (uint64_t)(db_col_int(rows, 6) + db_col_int(rows, 7));
	count = at;
	flag = store_array_add(l->a, (void **)untold, &count, sizeof(*flag));
	*flag = site->active && (uint64_t)db_col_int(rows, 8) < site->tunnels;
}

/* untold: which of them report, but not all of their tunnels */
static int read_sites(struct look *l, struct place **places, bool **untold)
{
	struct db_rows *rows;
	int rc;

	rc = query(l, "SELECT t.id, cu.name, v.name, t.name, ce.name, "
			   "st.reported_ms, "
			   "(SELECT count(*) FROM link l WHERE l.site_a = t.id), "
			   "(SELECT count(*) FROM link l WHERE l.site_b = t.id), "
			   "(SELECT count(*) FROM tunnel_status ts WHERE ts.site_id = t.id) "
			   "FROM site t JOIN vpn v ON v.id = t.vpn_id "
			   "JOIN customer cu ON cu.id = v.customer_id "
			   "JOIN ce ON ce.id = t.ce_id "
			   "LEFT JOIN ce_status st ON st.ce_id = ce.id "
			   "ORDER BY cu.name, v.name, t.name", NULL, &rows);
	if (rc < 0)
	{
		return rc;
	}
	while ((rc = next(l, rows)) == 1)
	{
		read_site(l, rows, places, untold);
	}
	db_end(rows);
	if (rc == 0 && *places)
	{
		qsort(*places, l->out->site_count, sizeof(**places), by_id);
	}
	return rc;
}

/*
 * Tunnels that are down, each once: as numbers whose order is the one in which
 * they are told, those between active sites first.
 */
struct pairs
{
	uint64_t *list;
	size_t count, size;
};

#define PAIR_INACTIVE (UINT64_C(1) << 63)
#define PAIR_SITE(pair) ((uint32_t)((pair) >> 32) & INT32_MAX)
#define PAIR_PEER(pair) ((uint32_t)(pair))

static int by_number(const void *a, const void *b)
{
	const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static void pairs_add(struct look *l, struct pairs *p, uint32_t a, uint32_t b)
{
	const struct store_metrics_site *sites = l->out->sites;
	uint64_t pair = (uint64_t)(a < b ? a : b) << 32 | (a < b ? b : a);

	if (!sites[a].active || !sites[b].active)
	{
		pair |= PAIR_INACTIVE;
	}
	if (p->count == p->size)
	{
		p->size = p->size ? 2 * p->size : 1024;
		p->list = xrealloc(p->list, p->size, sizeof(*p->list));
	}
	p->list[p->count++] = pair;
}

/* A tunnel comes once for each end that says so. */
static void pairs_unique(struct pairs *p)
{
	size_t i, n = 0;

	if (p->count)
	{
		qsort(p->list, p->count, sizeof(*p->list), by_number);
	}
	for (i = 0; i < p->count; i++)
	{
		if (i == 0 || p->list[i] != p->list[i - 1])
		{
			p->list[n++] = p->list[i];
		}
	}
	p->count = n;
}

static void tell_down(struct look *l, struct pairs *p)
{
	struct store_metrics *out = l->out;
	size_t i;

	pairs_unique(p);
	out->down_count = p->count < STORE_METRICS_DOWN_MAX
		? p->count : STORE_METRICS_DOWN_MAX;
	out->down_omitted = p->count - out->down_count;
	out->down = arena_calloc(l->a, out->down_count + 1, sizeof(*out->down));
	for (i = 0; i < p->count; i++)
	{
		out->sites[PAIR_SITE(p->list[i])].down++;
		out->sites[PAIR_PEER(p->list[i])].down++;
		if (i < out->down_count)
		{
			out->down[i].site = PAIR_SITE(p->list[i]);
			out->down[i].peer = PAIR_PEER(p->list[i]);
		}
	}
}

static int add_rows(struct look *l, const struct place *places,
					struct pairs *p, const char *sql,
					const struct db_arg *args)
{
	const struct place *a, *b;
	struct db_rows *rows;
	int rc;

	rc = query(l, sql, args, &rows);
	if (rc < 0)
	{
		return rc;
	}
	while ((rc = next(l, rows)) == 1)
	{
		a = find(places, l->out->site_count, db_col_int(rows, 0));
		b = find(places, l->out->site_count, db_col_int(rows, 1));
		if (!a || !b)
		{
			rc = store_bad_row(l->e, "link");
			break;
		}
		pairs_add(l, p, a->at, b->at);
	}
	db_end(rows);
	return rc;
}

/*
 * Rows of two sites with a tunnel that is down. CROSS JOIN: what is wrong is
 * looked for first, and only its links after that.
 */

/* Of a site that does not report. */
#define OF_SILENT(end) \
	"SELECT l.site_a, l.site_b FROM site t " \
	"LEFT JOIN ce_status st ON st.ce_id = t.ce_id " \
	"CROSS JOIN link l WHERE l." end " = t.id " \
	"AND (st.reported_ms IS NULL OR st.reported_ms < $1)"

/* Of a site that reports, but not this tunnel. */
#define OF_UNTOLD(mine, theirs) \
	"SELECT l.site_a, l.site_b FROM link l " \
	"LEFT JOIN tunnel_status ts ON ts.site_id = l." mine \
	" AND ts.peer_id = l." theirs \
	" WHERE l." mine " = $1 AND ts.site_id IS NULL"

/* An end that says so itself. */
#define NOT_UP \
	"SELECT l.site_a, l.site_b FROM tunnel_status ts CROSS JOIN link l " \
	"WHERE ts.state <> 'up' AND l.site_a = CASE WHEN ts.site_id > " \
	"ts.peer_id THEN ts.site_id ELSE ts.peer_id END AND l.site_b = " \
	"CASE WHEN ts.site_id > ts.peer_id THEN ts.peer_id ELSE ts.site_id END"

/*
 * An end is down when its CE is silent, when its report does not have it, or
 * has it in another state: looked for in this way, what is up costs nothing
 * but being counted in an index. All rows of a CE are of its last report.
 */
static int collect_down(struct look *l, const struct place *places,
						const bool *untold, struct pairs *p)
{
	const struct db_arg *stale = DB_ARGS(db_i(l->stale_ms));
	size_t i;
	int rc;

	if ((rc = add_rows(l, places, p, OF_SILENT("site_a"), stale)) < 0 ||
		(rc = add_rows(l, places, p, OF_SILENT("site_b"), stale)) < 0 ||
		(rc = add_rows(l, places, p, NOT_UP, NULL)) < 0)
	{
		return rc;
	}
	for (i = 0; rc == 0 && i < l->out->site_count; i++)
	{
		const struct db_arg *site = DB_ARGS(db_i((int64_t)places[i].id));

		if (untold[places[i].at] &&
			(rc = add_rows(l, places, p, OF_UNTOLD("site_a", "site_b"),
						   site)) == 0)
		{
			rc = add_rows(l, places, p, OF_UNTOLD("site_b", "site_a"), site);
		}
	}
	return rc;
}

static int read_down(struct look *l, const struct place *places,
					 const bool *untold)
{
	struct pairs p = { 0 };
	int rc = collect_down(l, places, untold, &p);

	if (rc == 0)
	{
		tell_down(l, &p);
	}
	free(p.list);
	return rc;
}

/* ---- time to service, notification -------------------------------------------- */

#define SERVICE(notify, status) \
	notify ".notify_ms, " status ".reported_ms, " \
	status ".service_revision, " status ".service_done, " \
	status ".service_fetch, " status ".service_apply, " \
	status ".service_ike, " status ".service_ospf, " status ".service_route"
#define SERVICE_COLUMNS 9

static void read_service(struct db_rows *rows, int c,
						 struct store_tunnel_end *end)
{
	struct status_peer *p = &end->status;
	int i;

	end->notify_ms = db_col_null(rows, c) ? -1 : db_col_int(rows, c);
	end->reported = !db_col_null(rows, c + 1);
	end->reported_ms = end->reported ? db_col_int(rows, c + 1) : -1;
	p->service.revision = (uint64_t)db_col_int(rows, c + 2);
	p->service.done = (uint32_t)db_col_int(rows, c + 3);
	p->has_service = p->service.revision != 0;
	for (i = 0; i < STATUS_PHASE_COUNT; i++)
	{
		p->service.ms[i] = (uint32_t)db_col_int(rows, c + 4 + i);
	}
}

/* The last revision that is older than what counts as recent. */
static int old_revision(struct look *l, int64_t *revision)
{
	int rc;

	*revision = 0;
	rc = db_number(l->s->db, "SELECT revision FROM audit WHERE at_ms < $1 "
				   "ORDER BY id DESC LIMIT 1",
				   DB_ARGS(db_i(l->now_ms - STORE_METRICS_RECENT_MS)),
				   revision, l->e);
	return rc == -ENOENT ? 0 : rc;
}

static int read_recent(struct look *l)
{
	struct store_tunnel *tunnel;
	struct db_rows *rows;
	int64_t revision;
	int rc;

	rc = old_revision(l, &revision);
	if (rc < 0)
	{
		return rc;
	}
	rc = query(l, "SELECT " SERVICE("na", "ta") ", " SERVICE("nb", "tb")
			   " FROM (SELECT site_a, site_b FROM link WHERE revision > $1 "
			   "ORDER BY revision DESC LIMIT $2) AS l "
			   "LEFT JOIN tunnel_status ta ON ta.site_id = l.site_a "
			   "AND ta.peer_id = l.site_b "
			   "LEFT JOIN tunnel_status tb ON tb.site_id = l.site_b "
			   "AND tb.peer_id = l.site_a "
			   "LEFT JOIN tunnel_notify na ON na.site_id = l.site_a "
			   "AND na.peer_id = l.site_b "
			   "LEFT JOIN tunnel_notify nb ON nb.site_id = l.site_b "
			   "AND nb.peer_id = l.site_a",
			   DB_ARGS(db_i(revision), db_i(STORE_METRICS_RECENT_MAX)), &rows);
	if (rc < 0)
	{
		return rc;
	}
	while ((rc = next(l, rows)) == 1)
	{
		tunnel = store_array_add(l->a, (void **)&l->out->recent,
								 &l->out->recent_count, sizeof(*tunnel));
		read_service(rows, 0, &tunnel->end[0]);
		read_service(rows, SERVICE_COLUMNS, &tunnel->end[1]);
	}
	db_end(rows);
	return rc;
}

/*
 * A change of one that does not report is not the server's delay. What a CE
 * says to have applied was delivered, whatever became of the note of it.
 */
static int read_open(struct look *l)
{
	struct db_rows *rows;
	int rc;

	l->out->oldest_open_ms = -1;
	rc = query(l, "SELECT count(*), min(ch.committed_ms) FROM ce_change ch "
			   "JOIN ce ON ce.id = ch.ce_id AND ce.removed_revision = 0 "
			   "JOIN ce_status st ON st.ce_id = ch.ce_id "
			   "LEFT JOIN ce_delivery d ON d.ce_id = ch.ce_id "
			   "WHERE ch.committed_ms > 0 AND st.reported_ms >= $1 "
			   "AND (d.revision IS NULL OR d.revision < ch.revision) "
			   "AND NOT (st.epoch = $2 AND st.revision >= ch.revision)",
			   DB_ARGS(db_i(l->stale_ms), db_i((int64_t)l->out->epoch)), &rows);
	if (rc < 0)
	{
		return rc;
	}
	rc = next(l, rows);
	if (rc == 1)
	{
		l->out->open_notifications = (uint64_t)db_col_int(rows, 0);
		l->out->oldest_open_ms = db_col_null(rows, 1) ? -1
													  : db_col_int(rows, 1);
	}
	db_end(rows);
	return rc < 0 ? rc : 0;
}

/* ---- all ------------------------------------------------------------------------ */

static int look(struct look *l)
{
	struct place *places = NULL;
	bool *untold = NULL;
	int rc;

	if ((rc = store_revision(l->s, &l->out->epoch, &l->out->revision,
							 l->e)) < 0 ||
		(rc = read_ces(l)) < 0 || (rc = read_alarms(l)) < 0 ||
		(rc = read_ledger(l)) < 0 ||
		(rc = read_sites(l, &places, &untold)) < 0 ||
		(rc = read_down(l, places, untold)) < 0 || (rc = read_recent(l)) < 0)
	{
		return rc;
	}
	return read_open(l);
}

int store_metrics(struct store *s, struct arena *a, int64_t now_ms,
				  int64_t stale_ms, struct store_metrics *out, struct err *e)
{
	struct look l = {
		.s = s, .a = a, .now_ms = now_ms, .stale_ms = stale_ms, .out = out,
		.e = e,
	};
	int rc;

	memset(out, 0, sizeof(*out));
	rc = db_begin(s->db, false, e);
	if (rc < 0)
	{
		return rc;
	}
	rc = look(&l);
	db_rollback(s->db);
	return rc;
}
