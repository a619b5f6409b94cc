/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * store_removal.c - removals that are meant, where no document explains each
 *
 * A router brakes when many peers go without a word (doc/ce-api.md). The word,
 * "bulk-removal", is a revision, and is written by the change that takes the
 * tunnels, never while a document is made: a fault there must not excuse itself.
 */
#include "config.h"

#include <errno.h>

#include "server/store_work.h"

int store_removal_meant(struct store *s, int64_t ce_id, uint64_t revision,
						struct err *e)
{
	return db_run(s->db, "UPDATE ce SET bulk_revision = $2 WHERE id = $1 "
				  "AND bulk_revision < $2",
				  DB_ARGS(db_i(ce_id), db_i((int64_t)revision)), e);
}

int store_removal_expire(struct store *s, int64_t site_id, int64_t before_ms,
						 struct err *e)
{
	struct db_rows *rows;
	int64_t newest = 0, ce_id;
	int rc;

	rc = db_query(s->db, "DELETE FROM link_removed WHERE site_id = $1 "
				  "AND at_ms < $2 RETURNING revision",
				  DB_ARGS(db_i(site_id), db_i(before_ms)), &rows, e);
	if (rc < 0)
	{
		return rc;
	}
	while ((rc = db_next(rows, e)) == 1)
	{
		newest = db_col_int(rows, 0) > newest ? db_col_int(rows, 0) : newest;
	}
	db_end(rows);
	if (rc < 0 || !newest)
	{
		return rc;
	}
	rc = db_number(s->db, "SELECT ce_id FROM site WHERE id = $1",
				   DB_ARGS(db_i(site_id)), &ce_id, e);
	return rc < 0 ? rc : store_removal_meant(s, ce_id, (uint64_t)newest, e);
}

int store_removal_allow(struct store *s, const char *customer, const char *ce,
						struct err *e)
{
	int64_t customer_id, ce_id;
	int rc = store_need_change(s, e);

	if (rc == 0)
	{
		rc = store_ce_id(s, customer, ce, &customer_id, &ce_id, e);
	}
	if (rc == 0)
	{
		rc = store_removal_meant(s, ce_id, s->revision, e);
	}
	if (rc == 0)
	{
		rc = store_touch_ce(s, ce_id, e);
	}
	return store_changed(s, rc);
}
