/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * store_alarm_read.c - the ledger of alarms for people
 */
#include "config.h"

#include <errno.h>
#include <string.h>

#include "server/store_alarm.h"

static int read_alarm(struct arena *a, struct db_rows *rows,
					  struct store_alarm *alarm, struct err *e)
{
	char **texts[] = { &alarm->source, &alarm->resource, &alarm->code,
					   &alarm->text, &alarm->customer, &alarm->vpn,
					   &alarm->site, &alarm->peer, &alarm->ce };
	int i;

	alarm->id = (uint64_t)db_col_int(rows, 0);
	alarm->raised_ms = db_col_int(rows, 1);
	alarm->changed_ms = db_col_int(rows, 2);
	alarm->cleared_ms = db_col_int(rows, 3);
	alarm->count = (uint64_t)db_col_int(rows, 4);
	for (i = 0; i < 9; i++)
	{
		*texts[i] = arena_strdup(a, db_col_text(rows, 6 + i));
	}
	return store_word(store_severity_words, db_col_text(rows, 5),
					  &alarm->severity, e);
}

/*
 * What a router has concerns the VPNs and sites that it is a member of; what
 * is nobody's (the server's certificates) only who asks for all.
 */
int store_alarms(struct store *s, struct arena *a, const char *customer,
				 const char *vpn, const char *site, bool cleared,
				 struct store_alarm **list, size_t *count, struct err *e)
{
	struct db_rows *rows;
	int rc;

	*list = NULL;
	*count = 0;
	rc = db_query(s->db, "SELECT id, raised_ms, changed_ms, cleared_ms, times, "
				  "severity, source, resource, code, message, customer, vpn, "
				  "site, peer, ce FROM alarm WHERE ($4 = 1 OR cleared_ms = 0) "
				  "AND ($1 = '' OR customer = $1) "
				  "AND ($2 = '' OR vpn = $2 OR (vpn = '' AND ce <> '' AND "
				  "EXISTS (SELECT 1 FROM site t JOIN vpn v ON v.id = t.vpn_id "
				  "JOIN ce ON ce.id = t.ce_id JOIN customer cu "
				  "ON cu.id = v.customer_id WHERE cu.name = $1 "
				  "AND v.name = $2 AND ce.name = alarm.ce "
				  "AND ($3 = '' OR t.name = $3)))) "
				  "AND ($3 = '' OR site IN ('', $3) OR peer = $3) "
				  "ORDER BY CASE WHEN cleared_ms = 0 THEN 0 ELSE 1 END, "
				  "CASE severity WHEN 'critical' THEN 0 WHEN 'major' THEN 1 "
				  "WHEN 'minor' THEN 2 ELSE 3 END, raised_ms DESC, id",
				  DB_ARGS(db_t(store_text(customer)), db_t(store_text(vpn)),
						  db_t(store_text(site)), db_i(cleared)), &rows, e);
	while (rc == 0 && (rc = db_next(rows, e)) == 1)
	{
		rc = read_alarm(a, rows, store_array_add(a, (void **)list, count,
												 sizeof(**list)), e);
	}
	db_end(rows);
	return rc;
}
