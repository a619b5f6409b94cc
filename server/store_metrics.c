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

#include "server/store_impl.h"

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

/* ---- sites and their tunnels ------------------------------------------------- */

static void read_site(struct look *l, struct db_rows *rows,
					  struct place **places)
{
	struct store_metrics_site *site;
	struct place *place;
	size_t at = l->out->site_count, count = at;

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
}

static int read_sites(struct look *l, struct place **places)
{
	struct db_rows *rows;
	int rc;

	rc = query(l, "SELECT t.id, cu.name, v.name, t.name, ce.name, "
			   "st.reported_ms, "
			   "(SELECT count(*) FROM link l WHERE l.site_a = t.id), "
			   "(SELECT count(*) FROM link l WHERE l.site_b = t.id) "
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
		read_site(l, rows, places);
	}
	db_end(rows);
	if (rc == 0 && *places)
	{
		qsort(*places, l->out->site_count, sizeof(**places), by_id);
	}
	return rc;
}

/* A tunnel that is down, in the order in which they are told. */
struct down
{
	uint32_t inactive, site, peer;
};

static int in_order(const void *a, const void *b)
{
	const struct down *x = a, *y = b;

	if (x->inactive != y->inactive)
	{
		return x->inactive < y->inactive ? -1 : 1;
	}
	if (x->site != y->site)
	{
		return x->site < y->site ? -1 : 1;
	}
	return (x->peer > y->peer) - (x->peer < y->peer);
}

/* The first STORE_METRICS_DOWN_MAX of any number of them. */
struct named
{
	struct down list[2 * STORE_METRICS_DOWN_MAX];
	size_t count;
	uint64_t all;
};

static void named_cut(struct named *h)
{
	qsort(h->list, h->count, sizeof(h->list[0]), in_order);
	if (h->count > STORE_METRICS_DOWN_MAX)
	{
		h->count = STORE_METRICS_DOWN_MAX;
	}
}

static void take_down(struct look *l, struct named *h, uint32_t a, uint32_t b)
{
	struct store_metrics_site *sites = l->out->sites;
	struct down *down;

	sites[a].down++;
	sites[b].down++;
	h->all++;
	if (h->count == 2 * STORE_METRICS_DOWN_MAX)
	{
		named_cut(h);
	}
	down = &h->list[h->count++];
	down->inactive = !sites[a].active || !sites[b].active;
	down->site = a < b ? a : b;
	down->peer = a < b ? b : a;
}

static void tell_down(struct look *l, struct named *h)
{
	struct store_metrics *out = l->out;
	size_t i;

	named_cut(h);
	out->down = arena_calloc(l->a, h->count + 1, sizeof(*out->down));
	for (i = 0; i < h->count; i++)
	{
		out->down[i].site = h->list[i].site;
		out->down[i].peer = h->list[i].peer;
	}
	out->down_count = h->count;
	out->down_omitted = h->all - h->count;
}

/* An end's report that says "up" and counts. */
#define UP(end, site, peer) \
	"LEFT JOIN tunnel_status " end " ON " end ".site_id = l." site " AND " \
	end ".peer_id = l." peer " AND " end ".state = 'up' AND " \
	end ".reported_ms >= $1 "

static int read_down(struct look *l, const struct place *places)
{
	const struct place *a, *b;
	struct db_rows *rows;
	struct named *h;
	int rc;

	rc = query(l, "SELECT l.site_a, l.site_b FROM link l "
			   UP("ta", "site_a", "site_b") UP("tb", "site_b", "site_a")
			   "WHERE ta.site_id IS NULL OR tb.site_id IS NULL",
			   DB_ARGS(db_i(l->stale_ms)), &rows);
	if (rc < 0)
	{
		return rc;
	}
	h = xcalloc(1, sizeof(*h));
	while ((rc = next(l, rows)) == 1)
	{
		a = find(places, l->out->site_count, db_col_int(rows, 0));
		b = find(places, l->out->site_count, db_col_int(rows, 1));
		if (!a || !b)
		{
			rc = store_bad_row(l->e, "link");
			break;
		}
		take_down(l, h, a->at, b->at);
	}
	db_end(rows);
	tell_down(l, h);
	free(h);
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
	int rc;

	if ((rc = store_revision(l->s, &l->out->epoch, &l->out->revision,
							 l->e)) < 0 ||
		(rc = read_ces(l)) < 0 || (rc = read_alarms(l)) < 0 ||
		(rc = read_sites(l, &places)) < 0 ||
		(rc = read_down(l, places)) < 0 || (rc = read_recent(l)) < 0)
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
