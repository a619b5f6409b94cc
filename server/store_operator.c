/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * store_operator.c - operators, their roles and certificates
 *
 * Owns the tables operator and operator_grant. Nothing here touches a CE.
 */
#include "config.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/store_work.h"
#include "text.h"

#define SELECT "SELECT o.id, o.name, o.description, o.unix_user, o.role, " \
	"o.spki, o.serial, o.expires_ms, cu.name, g.role FROM operator o " \
	"LEFT JOIN operator_grant g ON g.operator_id = o.id " \
	"LEFT JOIN customer cu ON cu.id = g.customer_id "
#define ORDER "ORDER BY o.name, cu.name"

/* ---- questions ----------------------------------------------------------------- */

static int read_operator(struct arena *a, struct db_rows *rows,
						 struct store_operator *op, struct err *e)
{
	memset(op, 0, sizeof(*op));
	op->id = (uint64_t)db_col_int(rows, 0);
	op->operator = arena_strdup(a, db_col_text(rows, 1));
	op->description = arena_strdup(a, db_col_text(rows, 2));
	op->unix_user = arena_strdup(a, db_col_text(rows, 3));
	snprintf(op->key, sizeof(op->key), "%s", db_col_text(rows, 5));
	op->serial = (uint64_t)db_col_int(rows, 6);
	op->expires_ms = db_col_int(rows, 7);
	return store_word(access_roles, db_col_text(rows, 4), &op->role, e);
}

/* One row for each grant, or one for who has none. */
static int read_operators(struct arena *a, struct db_rows *rows,
						  struct store_operator **list, size_t *count,
						  struct err *e)
{
	struct store_operator *op = NULL;
	struct store_grant *grant;
	int rc;

	*list = NULL;
	*count = 0;
	while ((rc = db_next(rows, e)) == 1)
	{
		if (!op || op->id != (uint64_t)db_col_int(rows, 0))
		{
			op = store_array_add(a, (void **)list, count, sizeof(*op));
			if ((rc = read_operator(a, rows, op, e)) < 0)
			{
				break;
			}
		}
		if (!db_col_null(rows, 8))
		{
			grant = store_array_add(a, (void **)&op->grants, &op->grant_count,
									sizeof(*grant));
			grant->customer = arena_strdup(a, db_col_text(rows, 8));
			rc = store_word(access_roles, db_col_text(rows, 9), &grant->role,
							e);
			if (rc < 0)
			{
				break;
			}
		}
	}
	return rc;
}

static int query(struct store *s, struct arena *a, const char *sql,
				 const char *value, struct store_operator **list,
				 size_t *count, struct err *e)
{
	struct db_rows *rows;
	int rc;

	rc = db_query(s->db, sql, value ? DB_ARGS(db_t(value)) : NULL, &rows, e);
	if (rc == 0)
	{
		rc = read_operators(a, rows, list, count, e);
	}
	db_end(rows);
	return rc;
}

static int query_one(struct store *s, struct arena *a, const char *sql,
					 const char *value, struct store_operator *out,
					 struct err *e)
{
	struct store_operator *list;
	size_t count;
	int rc = query(s, a, sql, value, &list, &count, e);

	if (rc == 0 && !count)
	{
		return err_set(e, -ENOENT, ERR_NOT_FOUND, value, "no such operator");
	}
	if (rc == 0)
	{
		*out = list[0];
	}
	return rc;
}

int store_operators(struct store *s, struct arena *a,
					struct store_operator **list, size_t *count, struct err *e)
{
	return query(s, a, SELECT ORDER, NULL, list, count, e);
}

int store_operator_get(struct store *s, struct arena *a, const char *name,
					   struct store_operator *out, struct err *e)
{
	return query_one(s, a, SELECT "WHERE o.name = $1 " ORDER, name, out, e);
}

int store_operator_by_unix(struct store *s, struct arena *a,
						   const char *unix_user, struct store_operator *out,
						   struct err *e)
{
	/* "" is who has none */
	return query_one(s, a, SELECT "WHERE o.unix_user = $1 "
					 "AND o.unix_user <> '' " ORDER, unix_user, out, e);
}

int store_operator_by_key(struct store *s, struct arena *a,
						  const uint8_t spki[32], struct store_operator *out,
						  struct err *e)
{
	char hex[65];

	hex_encode(spki, 32, hex);
	return query_one(s, a, SELECT "WHERE o.spki = $1 " ORDER, hex, out, e);
}

/* ---- changes ------------------------------------------------------------------- */

/* As Debian's adduser takes them, and no wider. */
static bool is_unix_user(const char *name)
{
	size_t i;

	for (i = 0; name[i]; i++)
	{
		if (!isalnum((unsigned char)name[i]) && name[i] != '_' &&
			(i == 0 || (name[i] != '-' && name[i] != '.')))
		{
			return false;
		}
	}
	return i > 0 && i <= STORE_UNIX_USER_MAX;
}

static int by_customer(const void *a, const void *b)
{
	return strcmp(((const struct store_grant *)a)->customer,
				  ((const struct store_grant *)b)->customer);
}

/* Grants in order, so that the same are the same; each customer but once. */
static int check(struct store *s, struct store_operator *op, struct err *e)
{
	struct store_grant *grants;
	size_t i;
	int rc;

	op->unix_user = (char *)store_text(op->unix_user);
	op->description = (char *)store_text(op->description);
	if ((rc = store_check_name(op->operator, "person", e)) < 0 ||
		(rc = store_check_words(op->description, NULL, e)) < 0)
	{
		return rc;
	}
	if (*op->unix_user && !is_unix_user(op->unix_user))
	{
		return err_set(e, -EINVAL, ERR_NAME, "unix-user",
					   "not the name of a Unix user");
	}
	if (op->grant_count)
	{
		grants = arena_calloc(s->work->a, op->grant_count, sizeof(*grants));
		memcpy(grants, op->grants, op->grant_count * sizeof(*grants));
		qsort(grants, op->grant_count, sizeof(*grants), by_customer);
		op->grants = grants;
	}
	for (i = 0; i < op->grant_count; i++)
	{
		if (op->grants[i].role == ACCESS_NONE ||
			(i && by_customer(&op->grants[i - 1], &op->grants[i]) == 0))
		{
			return err_set(e, -EINVAL, ERR_USAGE, op->grants[i].customer,
						   "one role for each customer, and not none");
		}
	}
	return 0;
}

/* The grants of op and no others. */
static int write_grants(struct store *s, int64_t id,
						const struct store_operator *op, struct err *e)
{
	int64_t customer_id;
	size_t i;
	int rc = db_run(s->db, "DELETE FROM operator_grant WHERE operator_id = $1",
					DB_ARGS(db_i(id)), e);

	for (i = 0; rc == 0 && i < op->grant_count; i++)
	{
		rc = store_customer_id(s, op->grants[i].customer, &customer_id, e);
		if (rc == 0)
		{
			rc = db_run(s->db, "INSERT INTO operator_grant (operator_id, "
						"customer_id, role) VALUES ($1, $2, $3)",
						DB_ARGS(db_i(id), db_i(customer_id),
								db_t(access_roles[op->grants[i].role])), e);
		}
	}
	return rc;
}

/* Two people are never one Unix user. */
static int check_unix_user(struct store *s, const struct store_operator *op,
						   struct err *e)
{
	struct store_operator other;
	int rc;

	rc = store_operator_by_unix(s, s->work->a, op->unix_user, &other, e);
	if (rc == 0 && strcmp(other.operator, op->operator) != 0)
	{
		return err_set(e, -EEXIST, ERR_EXISTS, op->unix_user,
					   "%s is this Unix user already", other.operator);
	}
	return rc == -ENOENT ? 0 : rc;
}

static int operator_add(struct store *s, const struct store_operator *in,
						struct err *e)
{
	struct store_operator op = *in, there;
	int64_t id;
	int rc;

	op.key[0] = '\0';
	op.serial = 0;
	if ((rc = check(s, &op, e)) < 0 || (rc = check_unix_user(s, &op, e)) < 0)
	{
		return rc;
	}
	rc = store_operator_get(s, s->work->a, op.operator, &there, e);
	if (rc != -ENOENT)
	{
		return rc < 0 ? rc : err_set(e, -EEXIST, ERR_EXISTS, op.operator,
									 "there is an operator of that name");
	}
	if ((rc = store_next_id(s, "operator", &id, e)) < 0 ||
		(rc = db_run(s->db, "INSERT INTO operator (id, name, description, "
					 "unix_user, role, spki, serial, expires_ms) "
					 "VALUES ($1, $2, $3, $4, $5, '', 0, 0)",
					 DB_ARGS(db_i(id), db_t(op.operator),
							 db_t(op.description), db_t(op.unix_user),
							 db_t(access_roles[op.role])), e)) < 0 ||
		(rc = write_grants(s, id, &op, e)) < 0)
	{
		return rc;
	}
	store_note(s, CONF_OPERATOR, op.operator, (uint64_t)id, NULL, &op);
	return 0;
}

int store_operator_add(struct store *s, const struct store_operator *op,
					   struct err *e)
{
	int rc = store_need_change(s, e);

	return rc < 0 ? rc : store_changed(s, operator_add(s, op, e));
}

static int operator_set(struct store *s, const struct store_operator *in,
						struct err *e)
{
	struct store_operator op = *in, before;
	int rc;

	if ((rc = store_operator_get(s, s->work->a, op.operator, &before, e)) < 0)
	{
		return rc;
	}
	memcpy(op.key, before.key, sizeof(op.key));
	op.serial = before.serial;
	if ((rc = check(s, &op, e)) < 0 || (rc = check_unix_user(s, &op, e)) < 0)
	{
		return rc;
	}
	if (!store_note(s, CONF_OPERATOR, op.operator, before.id, &before, &op))
	{
		return 0;
	}
	rc = db_run(s->db, "UPDATE operator SET description = $2, unix_user = $3, "
				"role = $4 WHERE id = $1",
				DB_ARGS(db_i((int64_t)before.id), db_t(op.description),
						db_t(op.unix_user), db_t(access_roles[op.role])), e);
	return rc < 0 ? rc : write_grants(s, (int64_t)before.id, &op, e);
}

int store_operator_set(struct store *s, const struct store_operator *op,
					   struct err *e)
{
	int rc = store_need_change(s, e);

	return rc < 0 ? rc : store_changed(s, operator_set(s, op, e));
}

static int operator_remove(struct store *s, const char *name, struct err *e)
{
	struct store_operator before;
	int rc = store_operator_get(s, s->work->a, name, &before, e);

	if (rc < 0)
	{
		return rc;
	}
	store_note(s, CONF_OPERATOR, name, before.id, &before, NULL);
	rc = db_run(s->db, "DELETE FROM operator_grant WHERE operator_id = $1",
				DB_ARGS(db_i((int64_t)before.id)), e);
	return rc < 0 ? rc : db_run(s->db, "DELETE FROM operator WHERE id = $1",
								DB_ARGS(db_i((int64_t)before.id)), e);
}

int store_operator_remove(struct store *s, const char *name, struct err *e)
{
	int rc = store_need_change(s, e);

	return rc < 0 ? rc : store_changed(s, operator_remove(s, name, e));
}

/* ---- certificates ---------------------------------------------------------------- */

/* Who has a key is one person, and no router, present or past. */
static int check_key(struct store *s, uint64_t id, const char *spki,
					 struct err *e)
{
	int64_t owner;
	int rc = db_number(s->db, "SELECT id FROM operator WHERE spki = $1 "
					   "AND id <> $2", DB_ARGS(db_t(spki), db_i((int64_t)id)),
					   &owner, e);

	if (rc == -ENOENT)
	{
		rc = db_number(s->db, "SELECT ce_id FROM ce_key WHERE spki = $1 "
					   "UNION ALL SELECT ce_id FROM ce_renewal WHERE spki = $1",
					   DB_ARGS(db_t(spki)), &owner, e);
	}
	return rc == 0 ? err_set(e, -EEXIST, ERR_EXISTS, "key",
							 "the public key was used before: make a new one")
				   : rc == -ENOENT ? store_ike_key_unused(s, spki, e) : rc;
}

static int key_set(struct store *s, const char *name, const uint8_t *spki,
				   int64_t expires_ms, uint64_t *serial, struct err *e)
{
	struct store_operator before, after;
	int64_t number = 0;
	int rc;

	rc = store_operator_get(s, s->work->a, name, &before, e);
	if (rc < 0)
	{
		return rc;
	}
	after = before;
	after.key[0] = '\0';
	if (spki)
	{
		hex_encode(spki, 32, after.key);
		if ((rc = check_key(s, before.id, after.key, e)) < 0 ||
			(rc = store_next_id(s, "serial", &number, e)) < 0)
		{
			return rc;
		}
	}
	after.serial = *serial = (uint64_t)number;
	if (!store_note(s, CONF_OPERATOR, name, before.id, &before, &after))
	{
		return 0;
	}
	return db_run(s->db, "UPDATE operator SET spki = $2, serial = $3, "
				  "expires_ms = $4 WHERE id = $1",
				  DB_ARGS(db_i((int64_t)before.id), db_t(after.key),
						  db_i(number), db_i(spki ? expires_ms : 0)), e);
}

int store_operator_key_set(struct store *s, const char *name,
						   const uint8_t *spki, int64_t expires_ms,
						   uint64_t *serial, struct err *e)
{
	int rc = store_need_change(s, e);

	return rc < 0 ? rc : store_changed(s, key_set(s, name, spki, expires_ms,
												  serial, e));
}
