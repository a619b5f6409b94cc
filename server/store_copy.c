/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * store_copy.c - the database as a file: copies, what one says of itself, and
 * the epoch that begins where an older copy goes on
 */
#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "server/store_impl.h"

#define EPOCH_MAX INT64_C(9007199254740991)
/* Certificates made after the copy was are not known: do not meet their numbers. */
#define SERIALS_LOST 1000000
#define IDS_LOST 1000000

int store_copy(const char *from, const char *to, struct err *e)
{
	struct db *db;
	int rc = db_open(from, &db, e);

	if (rc == 0)
	{
		rc = db_copy(db, to, e);
		db_close(db);
	}
	return rc;
}

static int read_facts(struct db *db, struct store_facts *facts, struct err *e)
{
	struct db_rows *rows;
	int rc;

	rc = db_query(db, "SELECT database_id, epoch, revision FROM installation",
				  NULL, &rows, e);
	if (rc == 0 && (rc = db_next(rows, e)) == 1)
	{
		snprintf(facts->database_id, sizeof(facts->database_id), "%s",
				 db_col_text(rows, 0));
		facts->epoch = (uint64_t)db_col_int(rows, 1);
		facts->revision = (uint64_t)db_col_int(rows, 2);
		rc = 0;
	}
	else if (rc == 0)
	{
		rc = store_bad_row(e, "installation");
	}
	db_end(rows);
	return rc;
}

int store_facts(const char *path, struct store_facts *facts, struct err *e)
{
	struct db *db;
	int rc = db_open(path, &db, e);

	memset(facts, 0, sizeof(*facts));
	if (rc == 0)
	{
		rc = store_migrated(db, store_sql_files, &facts->schema,
							&facts->upgrade, e);
		if (rc == 0)
		{
			rc = read_facts(db, facts, e);
		}
		db_close(db);
	}
	return rc;
}

int store_key_fits(const char *path, const struct seal_key *kek, struct err *e)
{
	char database_id[33];
	struct db *db;
	int rc = db_open(path, &db, e);

	if (rc == 0)
	{
		rc = store_check_marker(db, kek, database_id, e);
		db_close(db);
	}
	return rc;
}

static int begin_epoch(struct store *s, uint64_t at_least, const char *actor,
					   struct err *e)
{
	int64_t epoch, revision;
	char what[96];
	int rc;

	rc = db_number(s->db, "SELECT revision FROM installation", NULL, &revision,
				   e);
	if (rc == 0)
	{
		rc = db_number(s->db, "SELECT epoch FROM installation", NULL, &epoch,
					   e);
	}
	if (rc == -ENOENT)
	{
		return store_bad_row(e, "installation");
	}
	if (rc < 0)
	{
		return rc;
	}
	epoch = at_least <= EPOCH_MAX && (int64_t)at_least > epoch
		? (int64_t)at_least : epoch + 1;
	rc = db_run(s->db, "UPDATE installation SET epoch = $1, "
				"epoch_revision = revision",
				DB_ARGS(db_i(epoch)), e);
	if (rc == 0)
	{
		rc = db_run(s->db, "DELETE FROM ce_token", NULL, e);
	}
	if (rc == 0)
	{
		rc = db_run(s->db, "UPDATE id_counter SET last = last + $1 "
					"WHERE name = 'serial'", DB_ARGS(db_i(SERIALS_LOST)), e);
	}
	/* receivers of events and CEs know what they have had by these */
	if (rc == 0)
	{
		rc = db_run(s->db, "INSERT INTO id_counter (name, last) "
					"VALUES ('event', $1), ('diag', $1) "
					"ON CONFLICT (name) DO UPDATE "
					"SET last = id_counter.last + $1",
					DB_ARGS(db_i(IDS_LOST)), e);
	}
	snprintf(what, sizeof(what), "restored: epoch %" PRId64 " begins at "
			 "revision %" PRId64, epoch, revision);
	return rc < 0 ? rc : store_audit_write(s, (uint64_t)revision, actor, what,
										   0, e);
}

int store_epoch_begin(struct store *s, uint64_t at_least, const char *actor,
					  struct err *e)
{
	int rc = db_begin(s->db, true, e);

	if (rc == 0)
	{
		rc = begin_epoch(s, at_least, actor, e);
		if (rc < 0)
		{
			db_rollback(s->db);
			return rc;
		}
		rc = db_commit(s->db, e);
	}
	return rc;
}
