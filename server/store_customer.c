/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * store_customer.c - customers
 *
 * Owns the table customer.
 */
#include "config.h"

#include <errno.h>
#include <string.h>

#include "server/store_alarm.h"
#include "server/store_work.h"

int store_customer_id(struct store *s, const char *customer, int64_t *id,
					  struct err *e)
{
	int rc = db_number(s->db, "SELECT id FROM customer WHERE name = $1 "
					   "AND removed_revision = 0", DB_ARGS(db_t(customer)),
					   id, e);

	return rc == -ENOENT ? err_set(e, -ENOENT, ERR_NOT_FOUND, customer,
								   "no such customer") : rc;
}

static int read_customer(struct arena *a, struct db_rows *rows,
						 struct store_customer *out)
{
	memset(out, 0, sizeof(*out));
	out->id = (uint64_t)db_col_int(rows, 0);
	out->customer = arena_strdup(a, db_col_text(rows, 1));
	out->description = arena_strdup(a, db_col_text(rows, 2));
	out->external_id = arena_strdup(a, db_col_text(rows, 3));
	return 0;
}

int store_customer_get(struct store *s, struct arena *a, const char *customer,
					   struct store_customer *out, struct err *e)
{
	struct db_rows *rows;
	int rc;

	rc = db_query(s->db, "SELECT id, name, description, external_id "
				  "FROM customer WHERE name = $1 AND removed_revision = 0",
				  DB_ARGS(db_t(customer)), &rows, e);
	if (rc < 0)
	{
		return rc;
	}
	rc = db_next(rows, e);
	if (rc == 1)
	{
		rc = read_customer(a, rows, out);
	}
	else if (rc == 0)
	{
		rc = err_set(e, -ENOENT, ERR_NOT_FOUND, customer, "no such customer");
	}
	db_end(rows);
	return rc;
}

int store_customers(struct store *s, struct arena *a,
					struct store_customer **list, size_t *count, struct err *e)
{
	struct db_rows *rows;
	int rc;

	*list = NULL;
	*count = 0;
	rc = db_query(s->db, "SELECT id, name, description, external_id "
				  "FROM customer WHERE removed_revision = 0 ORDER BY name",
				  NULL, &rows, e);
	if (rc < 0)
	{
		return rc;
	}
	while ((rc = db_next(rows, e)) == 1)
	{
		(void)read_customer(a, rows, store_array_add(a, (void **)list, count,
													 sizeof(**list)));
	}
	db_end(rows);
	return rc;
}

static int customer_add(struct store *s, const struct store_customer *customer,
						struct err *e)
{
	int64_t id = (int64_t)customer->id, there;
	int rc;

	if ((rc = store_check_name(customer->customer, "customer", e)) < 0 ||
		(rc = store_check_words(customer->description, customer->external_id,
								e)) < 0)
	{
		return rc;
	}
	rc = store_customer_id(s, customer->customer, &there, e);
	if (rc != -ENOENT)
	{
		return rc < 0 ? rc : err_set(e, -EEXIST, ERR_EXISTS,
									 customer->customer,
									 "there is a customer of that name");
	}
	/* the row of a removed one is there still, when it comes back */
	if ((!id && (rc = store_next_id(s, "customer", &id, e)) < 0) ||
		(rc = db_run(s->db, "INSERT INTO customer (id, name, description, "
					 "external_id, removed_revision) VALUES ($1, $2, $3, $4, "
					 "0) ON CONFLICT (id) DO UPDATE SET description = $3, "
					 "external_id = $4, removed_revision = 0",
					 DB_ARGS(db_i(id), db_t(customer->customer),
							 db_t(store_text(customer->description)),
							 db_t(store_text(customer->external_id))), e)) < 0)
	{
		return rc;
	}
	store_note(s, CONF_CUSTOMER, customer->customer, (uint64_t)id, NULL,
			   customer);
	return 0;
}

int store_customer_add(struct store *s, const struct store_customer *customer,
					   struct err *e)
{
	int rc = store_need_change(s, e);

	return rc < 0 ? rc : store_changed(s, customer_add(s, customer, e));
}

static int customer_set(struct store *s, const struct store_customer *customer,
						struct err *e)
{
	struct store_customer before;
	int rc;

	if ((rc = store_customer_get(s, s->work->a, customer->customer, &before,
								 e)) < 0 ||
		(rc = store_check_words(customer->description, customer->external_id,
								e)) < 0)
	{
		return rc;
	}
	if (!store_note(s, CONF_CUSTOMER, customer->customer, before.id, &before,
					customer))
	{
		return 0;
	}
	return db_run(s->db, "UPDATE customer SET description = $2, "
				  "external_id = $3 WHERE id = $1",
				  DB_ARGS(db_i((int64_t)before.id),
						  db_t(store_text(customer->description)),
						  db_t(store_text(customer->external_id))), e);
}

int store_customer_set(struct store *s, const struct store_customer *customer,
					   struct err *e)
{
	int rc = store_need_change(s, e);

	return rc < 0 ? rc : store_changed(s, customer_set(s, customer, e));
}

static int customer_remove(struct store *s, const char *customer,
						   struct err *e)
{
	struct store_customer before;
	int64_t vpns, ces, operators;
	int rc;

	if ((rc = store_customer_get(s, s->work->a, customer, &before, e)) < 0 ||
		(rc = db_number(s->db, "SELECT count(*) FROM vpn "
						"WHERE customer_id = $1",
						DB_ARGS(db_i((int64_t)before.id)), &vpns, e)) < 0 ||
		(rc = db_number(s->db, "SELECT count(*) FROM ce WHERE customer_id = $1 "
						"AND removed_revision = 0",
						DB_ARGS(db_i((int64_t)before.id)), &ces, e)) < 0 ||
		(rc = db_number(s->db, "SELECT count(*) FROM operator_grant "
						"WHERE customer_id = $1",
						DB_ARGS(db_i((int64_t)before.id)), &operators,
						e)) < 0)
	{
		return rc;
	}
	if (vpns || ces)
	{
		return err_set(e, -EBUSY, ERR_IN_USE, customer,
					   "it still has %lld VPNs and %lld CEs", (long long)vpns,
					   (long long)ces);
	}
	if (operators)
	{
		return err_set(e, -EBUSY, ERR_IN_USE, customer,
					   "%lld operators still have a role for it",
					   (long long)operators);
	}
	/* what is kept by name would be the next one's of that name */
	if ((rc = store_alarm_customer_gone(s, customer, e)) < 0)
	{
		return rc;
	}
	store_note(s, CONF_CUSTOMER, customer, before.id, &before, NULL);
	/* its removed CEs' keys still get their tombstone: the row stays */
	return db_run(s->db, "UPDATE customer SET removed_revision = $2 "
				  "WHERE id = $1",
				  DB_ARGS(db_i((int64_t)before.id), db_i((int64_t)s->revision)),
				  e);
}

int store_customer_remove(struct store *s, const char *customer, struct err *e)
{
	int rc = store_need_change(s, e);

	return rc < 0 ? rc : store_changed(s, customer_remove(s, customer, e));
}
