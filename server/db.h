/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * db.h - one connection to an SQL database: statements, rows, transactions
 *
 * What the store's files speak; knows nothing of the domain. SQL text is a
 * constant in the subset that SQLite and PostgreSQL share, with $1..$n for
 * values, which never become part of the text. db_sqlite.c is the first
 * implementation. Every fault is -EIO with e DATABASE (nothing was found is no
 * fault); a value that must be unique and is not is -EEXIST.
 */
#ifndef PPVPN_SERVER_DB_H
#define PPVPN_SERVER_DB_H

#include <stdbool.h>
#include <stdint.h>
#include "err.h"

struct db;
struct db_rows;		/* a running query */

enum db_kind { DB_END, DB_INT, DB_TEXT };

struct db_arg {
	enum db_kind kind;
	int64_t i;
	const char *t;
};

static inline struct db_arg db_i(int64_t i)
{
	return (struct db_arg){ DB_INT, i, NULL };
}

static inline struct db_arg db_t(const char *t)
{
	return (struct db_arg){ DB_TEXT, 0, t };
}

#define DB_ARGS(...) \
	((const struct db_arg[]){ __VA_ARGS__, { DB_END, 0, NULL } })

/** An empty database; path must not exist. */
int db_create(const char *path, struct db **db, struct err *e);
/** path must exist. */
int db_open(const char *path, struct db **db, struct err *e);
void db_close(struct db *db);
/** Keep few pages in memory: for one of many connections that read little. */
int db_keep_little(struct db *db, struct err *e);
/** Read and check everything. */
int db_check(struct db *db, struct err *e);
/** The same thoroughly, every fault told (the first hundred of a kind). */
typedef void (*db_fault_fn)(void *user, const char *text);
int db_verify(struct db *db, db_fault_fn fault, void *user, struct err *e);
/** A whole copy while others read and write; path must not exist. */
int db_copy(struct db *db, const char *path, struct err *e);

/** write: no other writer until it ends. */
int db_begin(struct db *db, bool write, struct err *e);
int db_commit(struct db *db, struct err *e);
/**
 * A change of the schema, by one writer: while it lasts references are not
 * enforced, so that tables can be made anew (new one, copy, drop, rename);
 * db_commit() then checks each and rolls back where one leads to nothing.
 */
int db_begin_migration(struct db *db, struct err *e);
/** Also when none is open, or the database rolled back by itself. */
void db_rollback(struct db *db);

/** Several statements without values. */
int db_script(struct db *db, const char *sql, struct err *e);
/** A statement without rows; args: DB_ARGS() or NULL. */
int db_run(struct db *db, const char *sql, const struct db_arg *args,
		   struct err *e);
/** First value of the first row, a number; -ENOENT (e untouched): no row. */
int db_number(struct db *db, const char *sql, const struct db_arg *args,
			  int64_t *out, struct err *e);
/** *rows is NULL after an error. */
int db_query(struct db *db, const char *sql, const struct db_arg *args,
			 struct db_rows **rows, struct err *e);
/** 1: a row; 0: no more; -EIO. */
int db_next(struct db_rows *rows, struct err *e);
/* Columns of the present row, from 0; text lives until the next db_next(). */
int64_t db_col_int(struct db_rows *rows, int column);
const char *db_col_text(struct db_rows *rows, int column);	/* "" for null */
bool db_col_null(struct db_rows *rows, int column);
/** End a query; NULL is fine. */
void db_end(struct db_rows *rows);
/** Rows changed by the last db_run(). */
int64_t db_changed(struct db *db);

#endif
