/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * db_sqlite.c - SQLite behind db.h
 *
 * The only user of sqlite3.h. WAL with synchronous=FULL: what was committed is
 * on the disk, for a revision that is lost would be a step back seen by CEs.
 * A connection is used by one thread at a time and keeps its statements.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "alloc.h"
#include "server/counters.h"
#include "server/db.h"

#define BUSY_MS 5000
#define STATEMENTS_MAX 128
#define FAULTS_MAX 100
/* room, not use: a change of a large mesh touches many pages */
#define CACHE_KIB "65536"
#define LITTLE_KIB "1024"

struct db_rows
{
	struct db *db;
	sqlite3_stmt *stmt;
	const char *sql;	/* the constant: its address is the key; NULL: not kept */
	bool busy;
};

struct db
{
	sqlite3 *handle;
	struct db_rows statements[STATEMENTS_MAX];
	size_t count;
	bool migrating;
	char path[512];
};

/* SQLite's own words: names of tables and columns, never values. */
static int fail(struct db *db, int result, struct err *e)
{
	int extended = db->handle ? sqlite3_extended_errcode(db->handle) : result;
	const char *text = db->handle ? sqlite3_errmsg(db->handle)
								  : sqlite3_errstr(result);

	if (extended == SQLITE_CONSTRAINT_UNIQUE ||
		extended == SQLITE_CONSTRAINT_PRIMARYKEY)
	{
		return err_set(e, -EEXIST, ERR_EXISTS, db->path, "%s", text);
	}
	counter_add(COUNTER_DATABASE_ERRORS);
	return err_set(e, -EIO, (extended & 0xff) == SQLITE_FULL ? ERR_DISK_FULL
															 : ERR_DATABASE,
				   db->path, "%s", text);
}

static int open_file(const char *path, struct db **out, struct err *e)
{
	struct db *db = xcalloc(1, sizeof(*db));
	int rc;

	snprintf(db->path, sizeof(db->path), "%s", path);
	rc = sqlite3_open_v2(path, &db->handle, SQLITE_OPEN_READWRITE |
						 SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_NOFOLLOW, NULL);
	if (rc != SQLITE_OK)
	{
		rc = fail(db, rc, e);
		db_close(db);
		return rc;
	}
	sqlite3_extended_result_codes(db->handle, 1);
	sqlite3_busy_timeout(db->handle, BUSY_MS);
	sqlite3_db_config(db->handle, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	sqlite3_db_config(db->handle, SQLITE_DBCONFIG_DQS_DML, 0, NULL);
	sqlite3_db_config(db->handle, SQLITE_DBCONFIG_DQS_DDL, 0, NULL);
	rc = db_script(db, "PRAGMA trusted_schema = OFF;"
					   "PRAGMA cell_size_check = ON;"
					   "PRAGMA foreign_keys = ON;"
					   "PRAGMA cache_size = -" CACHE_KIB ";"
					   "PRAGMA synchronous = FULL;", e);
	if (rc < 0)
	{
		db_close(db);
		return rc;
	}
	*out = db;
	return 0;
}

int db_create(const char *path, struct db **db, struct err *e)
{
	int fd, rc;

	*db = NULL;
	fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
	{
		rc = -errno;
		return err_set(e, rc, rc == -EEXIST ? ERR_EXISTS : ERR_IO, path,
					   "cannot create the database: %s", strerror(-rc));
	}
	close(fd);
	rc = open_file(path, db, e);
	if (rc == 0 && (rc = db_script(*db, "PRAGMA journal_mode = WAL;", e)) < 0)
	{
		db_close(*db);
		*db = NULL;
	}
	return rc;
}

int db_open(const char *path, struct db **db, struct err *e)
{
	struct stat st;
	int rc;

	*db = NULL;
	if (stat(path, &st) < 0)
	{
		rc = -errno;
		return err_set(e, rc == -ENOENT ? rc : -EIO, ERR_DATABASE, path,
					   "cannot open the database: %s", strerror(-rc));
	}
	if (!S_ISREG(st.st_mode) || st.st_size == 0)
	{
		return err_set(e, -EIO, ERR_DATABASE, path, "not a database file");
	}
	return open_file(path, db, e);
}

void db_close(struct db *db)
{
	size_t i;

	if (!db)
	{
		return;
	}
	for (i = 0; i < db->count; i++)
	{
		sqlite3_finalize(db->statements[i].stmt);
	}
	sqlite3_close(db->handle);
	free(db);
}

int db_keep_little(struct db *db, struct err *e)
{
	return db_script(db, "PRAGMA cache_size = -" LITTLE_KIB ";", e);
}

static int check_pages(struct db *db, struct err *e)
{
	struct db_rows *rows;
	int rc;

	rc = db_query(db, "PRAGMA quick_check(1)", NULL, &rows, e);
	if (rc < 0)
	{
		return rc;
	}
	rc = db_next(rows, e);
	if (rc >= 0)
	{
		rc = rc == 1 && strcmp(db_col_text(rows, 0), "ok") == 0
			? 0
			: err_set(e, -EIO, ERR_DATABASE, db->path, "damaged: %s",
					  rc == 1 ? db_col_text(rows, 0) : "no answer");
	}
	db_end(rows);
	return rc;
}

static int check_references(struct db *db, struct err *e)
{
	struct db_rows *rows;
	int rc;

	rc = db_query(db, "PRAGMA foreign_key_check", NULL, &rows, e);
	if (rc < 0)
	{
		return rc;
	}
	rc = db_next(rows, e);
	if (rc == 1)
	{
		rc = err_set(e, -EIO, ERR_DATABASE, db->path,
					 "damaged: a row of %s refers to none of %s",
					 db_col_text(rows, 0), db_col_text(rows, 2));
	}
	db_end(rows);
	return rc;
}

int db_check(struct db *db, struct err *e)
{
	int rc = check_pages(db, e);

	return rc < 0 ? rc : check_references(db, e);
}

static int verify_references(struct db *db, db_fault_fn fault, void *user,
							 struct err *e)
{
	struct db_rows *rows;
	char text[256];
	int rc, told = 0;

	rc = db_query(db, "PRAGMA foreign_key_check", NULL, &rows, e);
	while (rc == 0 && (rc = db_next(rows, e)) == 1)
	{
		if (told++ == FAULTS_MAX)
		{
			rc = 0;
			break;
		}
		snprintf(text, sizeof(text), "row %lld of %s refers to none of %s",
				 (long long)db_col_int(rows, 1), db_col_text(rows, 0),
				 db_col_text(rows, 2));
		fault(user, text);
		rc = 0;
	}
	db_end(rows);
	return rc;
}

int db_verify(struct db *db, db_fault_fn fault, void *user, struct err *e)
{
	struct db_rows *rows;
	int rc;

	rc = db_query(db, "PRAGMA integrity_check(100)", NULL, &rows, e);
	while (rc == 0 && (rc = db_next(rows, e)) == 1)
	{
		if (strcmp(db_col_text(rows, 0), "ok") != 0)
		{
			fault(user, db_col_text(rows, 0));
		}
		rc = 0;
	}
	db_end(rows);
	return rc < 0 ? rc : verify_references(db, fault, user, e);
}

/* In one step: one state of the database, which writers do not wait for. */
static int copy_pages(struct db *from, struct db *to, struct err *e)
{
	sqlite3_backup *backup = sqlite3_backup_init(to->handle, "main",
												 from->handle, "main");
	int rc;

	if (!backup)
	{
		return fail(to, sqlite3_errcode(to->handle), e);
	}
	(void)sqlite3_backup_step(backup, -1);
	rc = sqlite3_backup_finish(backup);
	return rc == SQLITE_OK ? 0 : fail(to, rc, e);
}

int db_copy(struct db *db, const char *path, struct err *e)
{
	struct db *copy;
	int rc = db_create(path, &copy, e);

	if (rc < 0)
	{
		return rc;
	}
	rc = copy_pages(db, copy, e);
	db_close(copy);
	if (rc < 0)
	{
		(void)unlink(path);
	}
	return rc;
}

int db_script(struct db *db, const char *sql, struct err *e)
{
	int rc = sqlite3_exec(db->handle, sql, NULL, NULL, NULL);

	return rc == SQLITE_OK ? 0 : fail(db, rc, e);
}

int db_begin(struct db *db, bool write, struct err *e)
{
	return db_script(db, write ? "BEGIN IMMEDIATE" : "BEGIN", e);
}

/* SQLite ignores this within a transaction, so look whether it holds. */
static int enforce_references(struct db *db, bool on, struct err *e)
{
	int64_t is = 0;
	int rc;

	rc = db_script(db, on ? "PRAGMA foreign_keys = ON"
						  : "PRAGMA foreign_keys = OFF", e);
	if (rc == 0)
	{
		rc = db_number(db, "PRAGMA foreign_keys", NULL, &is, e);
	}
	if (rc == 0 && is != on)
	{
		rc = err_set(e, -EIO, ERR_INTERNAL, db->path,
					 "a migration within a transaction");
	}
	return rc;
}

int db_begin_migration(struct db *db, struct err *e)
{
	int rc = enforce_references(db, false, e);

	if (rc == 0)
	{
		rc = db_begin(db, true, e);
	}
	if (rc < 0)
	{
		(void)enforce_references(db, true, NULL);
		return rc;
	}
	db->migrating = true;
	return 0;
}

int db_commit(struct db *db, struct err *e)
{
	int rc = db->migrating ? check_references(db, e) : 0;

	if (rc == 0)
	{
		rc = db_script(db, "COMMIT", e);
	}
	if (rc < 0)
	{
		db_rollback(db);
	}
	else if (db->migrating)
	{
		db->migrating = false;
		rc = enforce_references(db, true, e);
	}
	return rc;
}

void db_rollback(struct db *db)
{
	if (!sqlite3_get_autocommit(db->handle))
	{
		(void)sqlite3_exec(db->handle, "ROLLBACK", NULL, NULL, NULL);
	}
	if (db->migrating)
	{
		db->migrating = false;
		(void)enforce_references(db, true, NULL);
	}
}

/* The kept statement of this text, or a new one when it is in use. */
static int prepare(struct db *db, const char *sql, struct db_rows **out,
				   struct err *e)
{
	struct db_rows *rows = NULL;
	size_t i;
	int rc;

	for (i = 0; i < db->count; i++)
	{
		if (db->statements[i].sql == sql && !db->statements[i].busy)
		{
			*out = &db->statements[i];
			return 0;
		}
	}
	if (db->count < STATEMENTS_MAX)
	{
		rows = &db->statements[db->count];
		memset(rows, 0, sizeof(*rows));
		rows->sql = sql;
	}
	else
	{
		rows = xcalloc(1, sizeof(*rows));
	}
	rows->db = db;
	rc = sqlite3_prepare_v3(db->handle, sql, -1, SQLITE_PREPARE_PERSISTENT,
							&rows->stmt, NULL);
	if (rc != SQLITE_OK)
	{
		if (!rows->sql)
		{
			free(rows);
		}
		return fail(db, rc, e);
	}
	if (rows->sql)
	{
		db->count++;
	}
	*out = rows;
	return 0;
}

/* $n by its name: SQLite would number by the order of first use. */
static int bind(struct db_rows *rows, const struct db_arg *args, struct err *e)
{
	char name[16];
	int n, at, rc;

	for (n = 0; args && args[n].kind != DB_END; n++)
	{
		snprintf(name, sizeof(name), "$%d", n + 1);
		at = sqlite3_bind_parameter_index(rows->stmt, name);
		if (at == 0)
		{
			return err_set(e, -EIO, ERR_INTERNAL, "db", "no %s in the text",
						   name);
		}
		rc = args[n].kind == DB_INT
			? sqlite3_bind_int64(rows->stmt, at, args[n].i)
			: sqlite3_bind_text(rows->stmt, at, args[n].t, -1,
								SQLITE_TRANSIENT);
		if (rc != SQLITE_OK)
		{
			return fail(rows->db, rc, e);
		}
	}
	if (sqlite3_bind_parameter_count(rows->stmt) != n)
	{
		return err_set(e, -EIO, ERR_INTERNAL, "db",
					   "%d values for a text with %d", n,
					   sqlite3_bind_parameter_count(rows->stmt));
	}
	return 0;
}

int db_query(struct db *db, const char *sql, const struct db_arg *args,
			 struct db_rows **out, struct err *e)
{
	struct db_rows *rows = NULL;
	int rc;

	*out = NULL;
	rc = prepare(db, sql, &rows, e);
	if (rc < 0)
	{
		return rc;
	}
	rows->busy = true;
	rc = bind(rows, args, e);
	if (rc < 0)
	{
		db_end(rows);
		return rc;
	}
	*out = rows;
	return 0;
}

int db_next(struct db_rows *rows, struct err *e)
{
	int rc = sqlite3_step(rows->stmt);

	if (rc == SQLITE_ROW)
	{
		return 1;
	}
	return rc == SQLITE_DONE ? 0 : fail(rows->db, rc, e);
}

int64_t db_col_int(struct db_rows *rows, int column)
{
	return sqlite3_column_int64(rows->stmt, column);
}

const char *db_col_text(struct db_rows *rows, int column)
{
	const unsigned char *s = sqlite3_column_text(rows->stmt, column);

	return s ? (const char *)s : "";
}

bool db_col_null(struct db_rows *rows, int column)
{
	return sqlite3_column_type(rows->stmt, column) == SQLITE_NULL;
}

void db_end(struct db_rows *rows)
{
	if (!rows)
	{
		return;
	}
	(void)sqlite3_reset(rows->stmt);
	(void)sqlite3_clear_bindings(rows->stmt);
	rows->busy = false;
	if (!rows->sql)
	{
		sqlite3_finalize(rows->stmt);
		free(rows);
	}
}

int db_run(struct db *db, const char *sql, const struct db_arg *args,
		   struct err *e)
{
	struct db_rows *rows;
	int rc;

	rc = db_query(db, sql, args, &rows, e);
	if (rc < 0)
	{
		return rc;
	}
	while ((rc = db_next(rows, e)) == 1)
	{
	}
	db_end(rows);
	return rc;
}

int db_number(struct db *db, const char *sql, const struct db_arg *args,
			  int64_t *out, struct err *e)
{
	struct db_rows *rows;
	int rc;

	rc = db_query(db, sql, args, &rows, e);
	if (rc < 0)
	{
		return rc;
	}
	rc = db_next(rows, e);
	if (rc == 1)
	{
		*out = db_col_int(rows, 0);
		/* RETURNING: the change is done when the statement is */
		while ((rc = db_next(rows, e)) == 1)
		{
		}
	}
	else if (rc == 0)
	{
		rc = -ENOENT;
	}
	db_end(rows);
	return rc;
}

int64_t db_changed(struct db *db)
{
	return sqlite3_changes64(db->handle);
}
