/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * store_rotation_read.c - how far the pairs are whose credentials are being
 * changed, and who waits for certificates to begin
 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "server/rotation.h"
#include "server/store_impl.h"

#define END(site, ce, status) \
	site ".name, " ce ".name, " ce ".suspended_revision, " status ".result, " \
	status ".epoch, " status ".revision, " status ".on_trial"
#define END_COLUMNS 7

static struct rotation_end end_of(struct db_rows *rows, int c)
{
	return (struct rotation_end){
		.suspended = db_col_int(rows, c + 2) != 0,
		.reported = !db_col_null(rows, c + 3),
		.applied = strcmp(db_col_text(rows, c + 3), "applied") == 0,
		.epoch = (uint64_t)db_col_int(rows, c + 4),
		.revision = (uint64_t)db_col_int(rows, c + 5),
		.on_trial = db_col_int(rows, c + 6) != 0,
	};
}

static void read_end(struct arena *a, struct db_rows *rows, int c,
					 uint64_t epoch, uint64_t revision,
					 struct store_rotation_end *out)
{
	const struct rotation_end end = end_of(rows, c);

	out->site = arena_strdup(a, db_col_text(rows, c));
	out->ce = arena_strdup(a, db_col_text(rows, c + 1));
	out->wait = rotation_wait(&end, epoch, revision);
}

/* By site name. */
static void order_ends(struct store_rotation *r)
{
	struct store_rotation_end swap;

	if (strcmp(r->end[0].site, r->end[1].site) > 0)
	{
		swap = r->end[0];
		r->end[0] = r->end[1];
		r->end[1] = swap;
	}
}

static int read_rotation(struct arena *a, struct db_rows *rows,
						 struct store_rotation *out, struct err *e)
{
	const uint64_t epoch = (uint64_t)db_col_int(rows, 8);
	int rc;

	out->customer = arena_strdup(a, db_col_text(rows, 0));
	out->vpn = arena_strdup(a, db_col_text(rows, 1));
	out->generation = (uint64_t)db_col_int(rows, 2);
	out->revision = (uint64_t)db_col_int(rows, 4);
	out->begun_ms = db_col_int(rows, 5);
	out->step_ms = db_col_int(rows, 6);
	out->command = (uint64_t)db_col_int(rows, 7);
	read_end(a, rows, 9, epoch, out->revision, &out->end[0]);
	read_end(a, rows, 9 + END_COLUMNS, epoch, out->revision, &out->end[1]);
	order_ends(out);
	rc = store_word(rotation_targets, db_col_text(rows, 9 + 2 * END_COLUMNS),
					&out->target, e);
	return rc < 0 ? rc : store_word(rotation_steps, db_col_text(rows, 3),
									&out->step, e);
}

static void read_waiting_end(struct arena *a, struct db_rows *rows, int c,
							 uint64_t epoch, struct store_rotation_end *out)
{
	const uint64_t revision = (uint64_t)db_col_int(rows, c + END_COLUMNS);
	const struct rotation_end end = end_of(rows, c);

	read_end(a, rows, c, epoch, revision, out);
	out->wait = rotation_wait_certificate(&end, epoch, revision);
}

/* To begin. */
static void read_waiting(struct arena *a, struct db_rows *rows,
						 struct store_rotation *out)
{
	const uint64_t epoch = (uint64_t)db_col_int(rows, 2);

	out->customer = arena_strdup(a, db_col_text(rows, 0));
	out->vpn = arena_strdup(a, db_col_text(rows, 1));
	out->target = ROTATION_CERTIFICATE;
	out->step = ROTATION_DONE;
	read_waiting_end(a, rows, 3, epoch, &out->end[0]);
	read_waiting_end(a, rows, 4 + END_COLUMNS, epoch, &out->end[1]);
	order_ends(out);
}

static int by_name(const void *a, const void *b)
{
	const struct store_rotation *x = a, *y = b;
	int rc;

	if ((rc = strcmp(x->customer, y->customer)) != 0 ||
		(rc = strcmp(x->vpn, y->vpn)) != 0 ||
		(rc = strcmp(x->end[0].site, y->end[0].site)) != 0)
	{
		return rc;
	}
	return strcmp(x->end[1].site, y->end[1].site);
}

/* The first document with the certificate of that site's present key; 0: none. */
#define CERTIFIED(site, ce) \
	"coalesce((SELECT ic.revision FROM ike_certificate ic " \
	"JOIN ike_key ik ON ik.ce_id = " ce ".id AND ik.spki = ic.spki " \
	"WHERE ic.site_id = " site ".id AND ic.superseded = 0 " \
	"AND ic.revoked_ms = 0), 0)"

static int read_all_waiting(struct store *s, struct arena *a,
							const char *customer, const char *vpn,
							struct store_rotation **list, size_t *count,
							uint64_t *all, struct err *e)
{
	struct db_rows *rows;
	int rc;

	rc = db_query(s->db, "SELECT cu.name, v.name, i.epoch, "
				  END("a", "ca", "sa") ", " CERTIFIED("a", "ca") ", "
				  END("b", "cb", "sb") ", " CERTIFIED("b", "cb")
				  " FROM vpn v JOIN link l ON l.vpn_id = v.id "
				  "AND l.certificate_use = '' "
				  "JOIN customer cu ON cu.id = v.customer_id "
				  "JOIN site a ON a.id = l.site_a "
				  "JOIN site b ON b.id = l.site_b "
				  "JOIN ce ca ON ca.id = a.ce_id JOIN ce cb ON cb.id = b.ce_id "
				  "LEFT JOIN ce_status sa ON sa.ce_id = ca.id "
				  "LEFT JOIN ce_status sb ON sb.ce_id = cb.id "
				  "JOIN installation i ON i.one = 1 "
				  "WHERE v.moving = 1 AND v.authentication = 'certificate' "
				  "AND ($1 = '' OR cu.name = $1) "
				  "AND ($2 = '' OR v.name = $2) AND NOT EXISTS "
				  "(SELECT 1 FROM rotation r WHERE r.site_a = l.site_a "
				  "AND r.site_b = l.site_b)",
				  DB_ARGS(db_t(store_text(customer)), db_t(store_text(vpn))),
				  &rows, e);
	while (rc == 0 && (rc = db_next(rows, e)) == 1)
	{
		rc = 0;
		if ((*all)++ < STORE_ROTATIONS_MAX)
		{
			read_waiting(a, rows, store_array_add(a, (void **)list, count,
												  sizeof(**list)));
		}
	}
	db_end(rows);
	return rc;
}

static int read_under_way(struct store *s, struct arena *a,
						  const char *customer, const char *vpn,
						  struct store_rotation **list, size_t *count,
						  uint64_t *all, struct err *e)
{
	struct store_rotation *rotation;
	struct db_rows *rows;
	int rc;

	rc = db_query(s->db, "SELECT cu.name, v.name, r.generation, r.step, "
				  "r.revision, r.begun_ms, r.step_ms, r.command, i.epoch, "
				  END("a", "ca", "sa") ", " END("b", "cb", "sb")
				  ", r.target FROM rotation r JOIN vpn v ON v.id = r.vpn_id "
				  "JOIN customer cu ON cu.id = v.customer_id "
				  "JOIN site a ON a.id = r.site_a "
				  "JOIN site b ON b.id = r.site_b "
				  "JOIN ce ca ON ca.id = a.ce_id JOIN ce cb ON cb.id = b.ce_id "
				  "LEFT JOIN ce_status sa ON sa.ce_id = ca.id "
				  "LEFT JOIN ce_status sb ON sb.ce_id = cb.id "
				  "JOIN installation i ON i.one = 1 "
				  "WHERE ($1 = '' OR cu.name = $1) "
				  "AND ($2 = '' OR v.name = $2) ORDER BY r.begun_ms",
				  DB_ARGS(db_t(store_text(customer)), db_t(store_text(vpn))),
				  &rows, e);
	while (rc == 0 && (rc = db_next(rows, e)) == 1)
	{
		rc = 0;
		if ((*all)++ < STORE_ROTATIONS_MAX)
		{
			rotation = store_array_add(a, (void **)list, count,
									   sizeof(*rotation));
			rc = read_rotation(a, rows, rotation, e);
		}
	}
	db_end(rows);
	return rc;
}

int store_rotations(struct store *s, struct arena *a, const char *customer,
					const char *vpn, struct store_rotation **list,
					size_t *count, uint64_t *all, struct err *e)
{
	int rc;

	*list = NULL;
	*count = 0;
	*all = 0;
	rc = read_under_way(s, a, customer, vpn, list, count, all, e);
	if (rc == 0)
	{
		rc = read_all_waiting(s, a, customer, vpn, list, count, all, e);
	}
	if (rc == 0 && *count > 1)
	{
		qsort(*list, *count, sizeof(**list), by_name);
	}
	return rc;
}
