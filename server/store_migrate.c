/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * store_migrate.c - the numbered files of sql/, applied in order and checked
 *
 * Owns the table schema_migrations.
 */
#include "config.h"

#include <errno.h>
#include <string.h>

#include "server/store_impl.h"
#include "text.h"

int store_migrations_create(struct db *db, struct err *e)
{
	return db_script(db, "CREATE TABLE schema_migrations ("
					 "version BIGINT NOT NULL PRIMARY KEY, "
					 "name TEXT NOT NULL, checksum TEXT NOT NULL, "
					 "at_ms BIGINT NOT NULL)", e);
}

static void checksum(const struct store_sql *file, char out[65])
{
	uint8_t hash[32];

	seal_sha256(file->text, strlen(file->text), hash);
	hex_encode(hash, sizeof(hash), out);
}

static int apply(struct db *db, const struct store_sql *file, struct err *e)
{
	char sum[65];
	int rc;

	checksum(file, sum);
	rc = db_script(db, file->text, e);
	if (rc < 0)
	{
		err_prefix(e, "%s", file->name);
		return rc;
	}
	return db_run(db, "INSERT INTO schema_migrations "
				  "(version, name, checksum, at_ms) VALUES ($1, $2, $3, $4)",
				  DB_ARGS(db_i(file->version), db_t(file->name), db_t(sum),
						  db_i(store_now_ms())), e);
}

/* *next: the first file that was not applied; what was, must be what we have. */
static int check_applied(struct db *db, const struct store_sql *files,
						 const struct store_sql **next, struct err *e)
{
	const struct store_sql *file = files;
	struct db_rows *rows;
	char sum[65];
	int rc;

	*next = files;
	rc = db_query(db, "SELECT version, name, checksum "
				  "FROM schema_migrations ORDER BY version", NULL, &rows, e);
	if (rc < 0)
	{
		return rc;
	}
	while ((rc = db_next(rows, e)) == 1)
	{
		if (!file->text)
		{
			rc = err_set(e, -EIO, ERR_DATABASE, db_col_text(rows, 1),
						 "the database was made by a newer version of "
						 "ppvpn-server");
			break;
		}
		checksum(file, sum);
		if (db_col_int(rows, 0) != file->version ||
			strcmp(db_col_text(rows, 2), sum) != 0)
		{
			rc = err_set(e, -EIO, ERR_DATABASE, db_col_text(rows, 1),
						 "the database was made by another edition of this "
						 "migration");
			break;
		}
		file++;
	}
	db_end(rows);
	*next = file;
	return rc;
}

int store_migrated(struct db *db, const struct store_sql *files,
				   int64_t *version, bool *more, struct err *e)
{
	const struct store_sql *next;
	int rc = check_applied(db, files, &next, e);

	*version = next > files ? next[-1].version : 0;
	*more = next->text != NULL;
	return rc;
}

static int apply_rest(struct db *db, const struct store_sql *files,
					  struct err *e)
{
	const struct store_sql *file;
	int rc;

	/* another process may have been first */
	rc = check_applied(db, files, &file, e);
	for (; rc == 0 && file->text; file++)
	{
		rc = apply(db, file, e);
	}
	return rc;
}

int store_migrate(struct db *db, const struct store_sql *files, struct err *e)
{
	const struct store_sql *file;
	int rc;

	rc = check_applied(db, files, &file, e);
	if (rc < 0 || !file->text)
	{
		return rc;
	}
	rc = db_begin_migration(db, e);
	if (rc < 0)
	{
		return rc;
	}
	rc = apply_rest(db, files, e);
	if (rc < 0)
	{
		db_rollback(db);
		return rc;
	}
	return db_commit(db, e);
}
