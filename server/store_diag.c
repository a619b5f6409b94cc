/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * store_diag.c - diagnostic bundles: asked for, told to the CE, kept for a day
 *
 * Owns the table diag. One bundle of a CE, STORE_DIAG_BUNDLES of all.
 */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "server/store_alarm.h"

#define COUNTER "diag"

static int end(struct store *s, int rc, struct err *e)
{
	if (rc < 0)
	{
		db_rollback(s->db);
		return rc;
	}
	return db_commit(s->db, e);
}

/* ---- an operator --------------------------------------------------------------- */

static int ask(struct store *s, const char *customer, const char *ce,
			   const char *actor, int64_t now_ms, int64_t until_ms,
			   int64_t *id, struct err *e)
{
	int64_t customer_id, ce_id;
	uint64_t epoch, revision;
	char what[PLACE_SIZE + 16];
	int rc;

	if ((rc = store_ce_id(s, customer, ce, &customer_id, &ce_id, e)) < 0 ||
		(rc = store_next_id(s, COUNTER, id, e)) < 0 ||
		(rc = db_run(s->db, "INSERT INTO diag (ce_id, id, actor, asked_ms, "
					 "until_ms, told_ms, taken_ms, bundle) "
					 "VALUES ($1, $2, $3, $4, $5, 0, 0, '') "
					 "ON CONFLICT (ce_id) DO UPDATE SET id = $2, actor = $3, "
					 "asked_ms = $4, until_ms = $5, told_ms = 0, "
					 "taken_ms = 0, bundle = ''",
					 DB_ARGS(db_i(ce_id), db_i(*id), db_t(actor),
							 db_i(now_ms), db_i(until_ms)), e)) < 0 ||
		(rc = store_revision(s, &epoch, &revision, e)) < 0)
	{
		return rc;
	}
	snprintf(what, sizeof(what), "ce diag %s/%s", customer, ce);
	return store_audit_write(s, revision, actor, what, customer_id, e);
}

int store_diag_ask(struct store *s, const char *customer, const char *ce,
				   const char *actor, int64_t now_ms, int64_t until_ms,
				   uint64_t *id, struct err *e)
{
	int64_t number = 0;
	int rc = db_begin(s->db, true, e);

	if (rc == 0)
	{
		rc = end(s, ask(s, customer, ce, actor, now_ms, until_ms, &number, e),
				 e);
	}
	*id = (uint64_t)number;
	return rc;
}

int store_diag_get(struct store *s, struct arena *a, const char *customer,
				   const char *ce, struct store_diag *out, struct err *e)
{
	char place[PLACE_SIZE];
	struct db_rows *rows;
	int rc;

	memset(out, 0, sizeof(*out));
	rc = db_query(s->db, "SELECT d.id, d.asked_ms, d.until_ms, d.taken_ms, "
				  "d.actor, d.bundle FROM diag d JOIN ce ON ce.id = d.ce_id "
				  "JOIN customer cu ON cu.id = ce.customer_id "
				  "WHERE cu.name = $1 AND ce.name = $2 "
				  "AND ce.removed_revision = 0",
				  DB_ARGS(db_t(customer), db_t(ce)), &rows, e);
	if (rc < 0)
	{
		return rc;
	}
	rc = db_next(rows, e);
	if (rc == 1)
	{
		out->id = (uint64_t)db_col_int(rows, 0);
		out->asked_ms = db_col_int(rows, 1);
		out->until_ms = db_col_int(rows, 2);
		out->taken_ms = db_col_int(rows, 3);
		out->actor = arena_strdup(a, db_col_text(rows, 4));
		out->bundle = arena_strdup(a, db_col_text(rows, 5));
	}
	else if (rc == 0)
	{
		snprintf(place, sizeof(place), "%s/%s", customer, ce);
		rc = err_set(e, -ENOENT, ERR_NOT_FOUND, place,
					 "no bundle of this router was asked for, or it is no "
					 "longer kept");
	}
	db_end(rows);
	return rc < 0 ? rc : 0;
}

/* ---- the CE -------------------------------------------------------------------------- */

int store_diag_wanted(struct store *s, uint64_t ce_id, int64_t now_ms,
					  uint64_t *id, int64_t *told_ms, struct err *e)
{
	struct db_rows *rows;
	int rc;

	*id = 0;
	*told_ms = 0;
	rc = db_query(s->db, "SELECT id, told_ms FROM diag WHERE ce_id = $1 "
				  "AND taken_ms = 0 AND until_ms > $2",
				  DB_ARGS(db_i((int64_t)ce_id), db_i(now_ms)), &rows, e);
	if (rc < 0)
	{
		return rc;
	}
	rc = db_next(rows, e);
	if (rc == 1)
	{
		*id = (uint64_t)db_col_int(rows, 0);
		*told_ms = db_col_int(rows, 1);
	}
	db_end(rows);
	return rc < 0 ? rc : 0;
}

int store_diag_told(struct store *s, uint64_t id, int64_t now_ms,
					struct err *e)
{
	return db_run(s->db, "UPDATE diag SET told_ms = $2 WHERE id = $1",
				  DB_ARGS(db_i((int64_t)id), db_i(now_ms)), e);
}

static int take(struct store *s, int64_t ce_id, int64_t id, const char *bundle,
				int64_t now_ms, struct err *e)
{
	int rc = db_run(s->db, "UPDATE diag SET taken_ms = $3, bundle = $4 "
					"WHERE ce_id = $1 AND id = $2 AND taken_ms = 0 "
					"AND until_ms > $3",
					DB_ARGS(db_i(ce_id), db_i(id), db_i(now_ms),
							db_t(bundle)), e);

	if (rc == 0 && db_changed(s->db) == 0)
	{
		return err_set(e, -ENOENT, ERR_NOT_FOUND, "id",
					   "no bundle of that id is waited for");
	}
	return rc < 0 ? rc : db_run(s->db, "DELETE FROM diag WHERE ce_id IN "
		"(SELECT ce_id FROM diag WHERE taken_ms > 0 "
		"ORDER BY taken_ms DESC, id DESC LIMIT 1000000 OFFSET $1)",
		DB_ARGS(db_i(STORE_DIAG_BUNDLES)), e);
}

int store_diag_take(struct store *s, uint64_t ce_id, uint64_t id,
					const char *bundle, int64_t now_ms, struct err *e)
{
	int rc;

	if (strlen(bundle) > STORE_DIAG_MAX)
	{
		return err_set(e, -E2BIG, ERR_LIMIT, "bundle", "more than %u bytes",
					   STORE_DIAG_MAX);
	}
	rc = db_begin(s->db, true, e);
	return rc < 0 ? rc : end(s, take(s, (int64_t)ce_id, (int64_t)id, bundle,
									 now_ms, e), e);
}

/* ---- who must be told ---------------------------------------------------------------- */

int store_diag_since(struct store *s, struct arena *a, uint64_t after,
					 uint64_t **ce_ids, size_t *count, uint64_t *newest,
					 struct err *e)
{
	struct db_rows *rows;
	int64_t last = 0;
	int rc;

	*ce_ids = NULL;
	*count = 0;
	rc = db_number(s->db, "SELECT last FROM id_counter WHERE name = '" COUNTER
				   "'", NULL, &last, e);
	*newest = (uint64_t)last;
	if ((rc < 0 && rc != -ENOENT) || *newest <= after)
	{
		return rc == -ENOENT ? 0 : rc;
	}
	rc = db_query(s->db, "SELECT ce_id FROM diag WHERE id > $1 ORDER BY id",
				  DB_ARGS(db_i((int64_t)after)), &rows, e);
	while (rc == 0 && (rc = db_next(rows, e)) == 1)
	{
		uint64_t *ce_id = store_array_add(a, (void **)ce_ids, count,
										  sizeof(*ce_id));

		*ce_id = (uint64_t)db_col_int(rows, 0);
		rc = 0;
	}
	db_end(rows);
	return rc;
}
