/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * store_list.c - lists for people: customers, VPNs, sites, audit records
 */
#include "config.h"

#include <errno.h>
#include <string.h>

#include "server/store_impl.h"

int store_customers(struct store *s, struct arena *a,
					struct store_customer **list, size_t *count, struct err *e)
{
	struct store_customer *customer;
	struct db_rows *rows;
	int rc;

	*list = NULL;
	*count = 0;
	rc = db_query(s->db, "SELECT name, description FROM customer "
				  "WHERE removed_revision = 0 ORDER BY name", NULL, &rows, e);
	if (rc < 0)
	{
		return rc;
	}
	while ((rc = db_next(rows, e)) == 1)
	{
		customer = store_array_add(a, (void **)list, count, sizeof(*customer));
		customer->customer = arena_strdup(a, db_col_text(rows, 0));
		customer->description = arena_strdup(a, db_col_text(rows, 1));
	}
	db_end(rows);
	return rc;
}

int store_vpns(struct store *s, struct arena *a, const char *customer,
			   struct store_vpn **list, size_t *count, struct err *e)
{
	struct db_rows *rows;
	int rc;

	*list = NULL;
	*count = 0;
	rc = db_query(s->db, "SELECT " STORE_VPN_COLUMNS "FROM vpn v "
				  "JOIN customer cu ON cu.id = v.customer_id "
				  "WHERE $1 = '' OR cu.name = $1 ORDER BY cu.name, v.name",
				  DB_ARGS(db_t(customer ? customer : "")), &rows, e);
	if (rc < 0)
	{
		return rc;
	}
	while ((rc = db_next(rows, e)) == 1 &&
		   (rc = store_vpn_read(a, rows, 0,
								store_array_add(a, (void **)list, count,
												sizeof(**list)), e)) == 0)
	{
	}
	db_end(rows);
	return rc;
}

static int read_site(struct arena *a, struct db_rows *rows,
					 struct store_site *site, struct err *e)
{
	int rc;

	site->customer = arena_strdup(a, db_col_text(rows, 0));
	site->vpn = arena_strdup(a, db_col_text(rows, 1));
	site->site = arena_strdup(a, db_col_text(rows, 2));
	site->ce = arena_strdup(a, db_col_text(rows, 3));
	site->role = MODEL_ANY_TO_ANY_ROLE;
	rc = store_read_addr(db_col_text(rows, 4), &site->ce_address, e);
	return rc < 0 ? rc : store_read_addr(db_col_text(rows, 5),
										 &site->router_id, e);
}

int store_sites(struct store *s, struct arena *a, const char *customer,
				const char *vpn, struct store_site **list, size_t *count,
				struct err *e)
{
	struct db_rows *rows;
	int rc;

	*list = NULL;
	*count = 0;
	rc = db_query(s->db, "SELECT cu.name, v.name, t.name, ce.name, "
				  "t.ce_address, t.router_id FROM site t "
				  "JOIN vpn v ON v.id = t.vpn_id "
				  "JOIN customer cu ON cu.id = v.customer_id "
				  "JOIN ce ON ce.id = t.ce_id "
				  "WHERE ($1 = '' OR cu.name = $1) "
				  "AND ($2 = '' OR v.name = $2) "
				  "ORDER BY cu.name, v.name, t.name",
				  DB_ARGS(db_t(customer ? customer : ""),
						  db_t(vpn ? vpn : "")), &rows, e);
	if (rc < 0)
	{
		return rc;
	}
	while ((rc = db_next(rows, e)) == 1 &&
		   (rc = read_site(a, rows, store_array_add(a, (void **)list, count,
													sizeof(**list)), e)) == 0)
	{
	}
	db_end(rows);
	return rc;
}

int store_audits(struct store *s, struct arena *a, unsigned limit,
				 struct store_audit **list, size_t *count, struct err *e)
{
	struct store_audit *audit;
	struct db_rows *rows;
	int rc;

	*list = NULL;
	*count = 0;
	/* the newest, oldest of them first */
	rc = db_query(s->db, "SELECT id, revision, at_ms, actor, what FROM "
				  "(SELECT id, revision, at_ms, actor, what FROM audit "
				  "ORDER BY id DESC LIMIT $1) AS newest ORDER BY id",
				  DB_ARGS(db_i(limit)), &rows, e);
	if (rc < 0)
	{
		return rc;
	}
	while ((rc = db_next(rows, e)) == 1)
	{
		audit = store_array_add(a, (void **)list, count, sizeof(*audit));
		audit->revision = (uint64_t)db_col_int(rows, 1);
		audit->at_ms = db_col_int(rows, 2);
		audit->actor = arena_strdup(a, db_col_text(rows, 3));
		audit->what = arena_strdup(a, db_col_text(rows, 4));
	}
	db_end(rows);
	return rc;
}
