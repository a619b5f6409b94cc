/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * store_tunnel.c - tunnels as configured, with what their two ends say
 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "server/rotation.h"
#include "server/store_impl.h"

/* Columns of one end: its site, router, report and notification. */
#define END(site, ce, status, notify) \
	site ".name, " ce ".name, " notify ".notify_ms, " status ".reported_ms, " \
	status ".state, " status ".ike, " status ".child, " status ".proposal, " \
	status ".ospf, " status ".route, " status ".since, " status ".attempts, " \
	status ".in_bytes, " status ".out_bytes, " status ".last_error, " \
	status ".service_revision, " status ".service_done, " \
	status ".service_fetch, " status ".service_apply, " \
	status ".service_ike, " status ".service_ospf, " status ".service_route"
#define END_COLUMNS 22

static void read_service(struct db_rows *rows, int c, struct status_peer *p)
{
	int i;

	p->service.revision = (uint64_t)db_col_int(rows, c);
	p->service.done = (uint32_t)db_col_int(rows, c + 1);
	p->has_service = p->service.revision != 0;
	for (i = 0; i < STATUS_PHASE_COUNT; i++)
	{
		p->service.ms[i] = (uint32_t)db_col_int(rows, c + 2 + i);
	}
}

static void read_end(struct arena *a, struct db_rows *rows, int c,
					 struct store_tunnel_end *end)
{
	struct status_peer *p = &end->status;

	end->site = arena_strdup(a, db_col_text(rows, c));
	end->ce = arena_strdup(a, db_col_text(rows, c + 1));
	end->notify_ms = db_col_null(rows, c + 2) ? -1 : db_col_int(rows, c + 2);
	end->reported = !db_col_null(rows, c + 3);
	end->reported_ms = end->reported ? db_col_int(rows, c + 3) : -1;
	/* "" where nothing was reported */
	p->state = arena_strdup(a, db_col_text(rows, c + 4));
	p->ike = arena_strdup(a, db_col_text(rows, c + 5));
	p->child = arena_strdup(a, db_col_text(rows, c + 6));
	p->proposal = arena_strdup(a, db_col_text(rows, c + 7));
	p->ospf = arena_strdup(a, db_col_text(rows, c + 8));
	p->route = db_col_int(rows, c + 9) != 0;
	p->since = (uint64_t)db_col_int(rows, c + 10);
	p->attempts = (uint64_t)db_col_int(rows, c + 11);
	p->in_bytes = (uint64_t)db_col_int(rows, c + 12);
	p->out_bytes = (uint64_t)db_col_int(rows, c + 13);
	p->last_error = arena_strdup(a, db_col_text(rows, c + 14));
	read_service(rows, c + 15, p);
}

#define KEY_COLUMN (3 + 2 * END_COLUMNS)

static int read_tunnel(struct arena *a, struct db_rows *rows,
					   struct store_tunnel *t, struct err *e)
{
	struct store_tunnel_end swap;
	int i;

	t->customer = arena_strdup(a, db_col_text(rows, 0));
	t->vpn = arena_strdup(a, db_col_text(rows, 1));
	t->revision = (uint64_t)db_col_int(rows, 2);
	read_end(a, rows, 3, &t->end[0]);
	read_end(a, rows, 3 + END_COLUMNS, &t->end[1]);
	t->keyed_ms = db_col_int(rows, KEY_COLUMN);
	t->generation = (uint64_t)db_col_int(rows, KEY_COLUMN + 1);
	t->step = ROTATION_DONE;
	if (strcmp(t->end[0].site, t->end[1].site) > 0)
	{
		swap = t->end[0];
		t->end[0] = t->end[1];
		t->end[1] = swap;
	}
	for (i = 0; i < 2; i++)
	{
		t->end[i].status.customer = t->customer;
		t->end[i].status.vpn = t->vpn;
		t->end[i].status.peer = t->end[!i].site;
	}
	if (db_col_null(rows, KEY_COLUMN + 2))
	{
		return 0;
	}
	if (store_word(rotation_steps, db_col_text(rows, KEY_COLUMN + 2), &t->step,
				   e) < 0)
	{
		return -EIO;
	}
	return store_word(rotation_targets, db_col_text(rows, KEY_COLUMN + 3),
					  &t->target, e);
}

static int by_name(const void *a, const void *b)
{
	const struct store_tunnel *ta = a, *tb = b;
	int rc;

	if ((rc = strcmp(ta->customer, tb->customer)) != 0 ||
		(rc = strcmp(ta->vpn, tb->vpn)) != 0 ||
		(rc = strcmp(ta->end[0].site, tb->end[0].site)) != 0)
	{
		return rc;
	}
	return strcmp(ta->end[1].site, tb->end[1].site);
}

int store_tunnels(struct store *s, struct arena *a, const char *customer,
				  const char *vpn, struct store_tunnel **list, size_t *count,
				  struct err *e)
{
	struct db_rows *rows;
	int rc;

	*list = NULL;
	*count = 0;
	rc = db_query(s->db, "SELECT cu.name, v.name, l.revision, "
				  END("sa", "ca", "ta", "na") ", " END("sb", "cb", "tb", "nb")
				  ", l.keyed_ms, k.generation, r.step, r.target FROM link l JOIN vpn v ON v.id = l.vpn_id "
				  "JOIN customer cu ON cu.id = v.customer_id "
				  "JOIN site sa ON sa.id = l.site_a "
				  "JOIN site sb ON sb.id = l.site_b "
				  "JOIN ce ca ON ca.id = sa.ce_id "
				  "JOIN ce cb ON cb.id = sb.ce_id "
				  "LEFT JOIN tunnel_status ta ON ta.site_id = sa.id "
				  "AND ta.peer_id = sb.id "
				  "LEFT JOIN tunnel_status tb ON tb.site_id = sb.id "
				  "AND tb.peer_id = sa.id "
				  "LEFT JOIN tunnel_notify na ON na.site_id = sa.id "
				  "AND na.peer_id = sb.id "
				  "LEFT JOIN tunnel_notify nb ON nb.site_id = sb.id "
				  "AND nb.peer_id = sa.id "
				  "LEFT JOIN psk k ON k.site_a = l.site_a "
				  "AND k.site_b = l.site_b AND k.key_use = 'send-and-accept' "
				  "LEFT JOIN rotation r ON r.site_a = l.site_a "
				  "AND r.site_b = l.site_b "
				  "WHERE ($1 = '' OR cu.name = $1) "
				  "AND ($2 = '' OR v.name = $2)",
				  DB_ARGS(db_t(customer ? customer : ""),
						  db_t(vpn ? vpn : "")), &rows, e);
	if (rc < 0)
	{
		return rc;
	}
	while ((rc = db_next(rows, e)) == 1 &&
		   (rc = read_tunnel(a, rows, store_array_add(a, (void **)list, count,
													  sizeof(**list)),
							 e)) == 0)
	{
	}
	db_end(rows);
	if (rc == 0 && *count > 1)
	{
		qsort(*list, *count, sizeof(**list), by_name);
	}
	return rc;
}
