/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * store_alarm.c - the ledger of alarms: raised, changed, cleared
 *
 * Owns the table alarm. Who decides what is an alarm: store_alarm_report.c for
 * what CEs say, store_alarm_rules.c for what the server finds. Whatever changes
 * here becomes an event.
 */
#include "config.h"

#include <errno.h>
#include <string.h>

#include "server/store_alarm.h"

const char *const store_severity_words[] = {
	"warning", "minor", "major", "critical", NULL
};

/* A text of its own of at most max bytes, what is not printable replaced. */
static char *bounded(struct arena *a, const char *text, size_t max)
{
	size_t len = strnlen(store_text(text), max), i;
	char *copy = arena_strndup(a, store_text(text), len);

	for (i = 0; i < len; i++)
	{
		if (copy[i] < 0x20 || copy[i] > 0x7e)
		{
			copy[i] = '?';
		}
	}
	return copy;
}

/* ---- raising ------------------------------------------------------------------- */

static int tell_wish(struct store *s, const struct store_alarm_wish *w,
					 enum store_event_kind kind, int64_t now_ms,
					 struct err *e)
{
	const struct store_event event = {
		.at_ms = now_ms, .kind = kind, .source = (char *)w->source,
		.resource = (char *)w->resource, .code = (char *)w->code,
		.severity = (int)w->severity, .text = (char *)w->text,
		.customer = (char *)w->customer, .vpn = (char *)w->vpn,
		.site = (char *)w->site, .peer = (char *)w->peer, .ce = (char *)w->ce,
	};

	return store_event_add(s, &event, e);
}

/* Also one that was cleared, or was forgotten meanwhile. */
static int raise(struct store *s, const struct store_alarm_wish *w,
				 int64_t now_ms, struct err *e)
{
	int64_t id;
	int rc = store_next_id(s, "alarm", &id, e);

	if (rc < 0)
	{
		return rc;
	}
	rc = db_run(s->db, "INSERT INTO alarm (id, origin, source, resource, code, "
				"severity, raised_ms, changed_ms, cleared_ms, times, message, "
				"customer, vpn, site, peer, ce, site_a, site_b) VALUES ($1, "
				"$2, $3, $4, $5, $6, $7, $7, 0, 1, $8, $9, $10, $11, $12, "
				"$13, $14, $15) ON CONFLICT (origin, resource, code) DO UPDATE "
				"SET source = $3, severity = $6, raised_ms = $7, "
				"changed_ms = $7, cleared_ms = 0, times = alarm.times + 1, "
				"message = $8, customer = $9, vpn = $10, site = $11, "
				"peer = $12, ce = $13, site_a = $14, site_b = $15",
				DB_ARGS(db_i(id), db_i(w->origin), db_t(w->source),
						db_t(w->resource), db_t(w->code),
						db_t(store_severity_words[w->severity]), db_i(now_ms),
						db_t(w->text), db_t(store_text(w->customer)),
						db_t(store_text(w->vpn)), db_t(store_text(w->site)),
						db_t(store_text(w->peer)), db_t(store_text(w->ce)),
						db_i(w->site_a), db_i(w->site_b)), e);
	return rc < 0 ? rc : tell_wish(s, w, STORE_EVENT_RAISED, now_ms, e);
}

/* A text that changes is written; a severity that does is told. */
static int change(struct store *s, const struct store_alarm_wish *w,
				  const struct store_alarm_row *row, int64_t now_ms,
				  struct err *e)
{
	const bool severe = row->severity != (int)w->severity;
	int rc;

	if (!severe && strcmp(row->text, w->text) == 0)
	{
		return 0;
	}
	rc = db_run(s->db, "UPDATE alarm SET severity = $2, message = $3, "
				"changed_ms = $4 WHERE id = $1",
				DB_ARGS(db_i(row->id),
						db_t(store_severity_words[w->severity]),
						db_t(w->text), db_i(severe ? now_ms
												   : row->changed_ms)), e);
	return rc < 0 || !severe ? rc : tell_wish(s, w, STORE_EVENT_CHANGED,
											  now_ms, e);
}

int store_alarm_set(struct store *s, const struct store_alarm_wish *wish,
					const struct store_alarm_row *row, int64_t now_ms,
					struct err *e)
{
	struct arena *a = arena_new();
	struct store_alarm_wish w = *wish;
	int rc;

	w.resource = bounded(a, wish->resource, STORE_ALARM_RESOURCE_MAX);
	w.text = bounded(a, wish->text, STORE_ALARM_TEXT_MAX);
	rc = row && row->raised ? change(s, &w, row, now_ms, e)
							: raise(s, &w, now_ms, e);
	arena_free(a);
	return rc;
}

/* ---- clearing -------------------------------------------------------------------- */

int store_alarm_clear(struct store *s, int64_t id, int64_t now_ms,
					  struct err *e)
{
	struct store_event event = {
		.at_ms = now_ms, .kind = STORE_EVENT_CLEARED,
	};
	bool cleared = false;
	struct arena *a;
	struct db_rows *rows;
	int rc;

	rc = db_query(s->db, "UPDATE alarm SET cleared_ms = $2 WHERE id = $1 "
				  "AND cleared_ms = 0 RETURNING source, resource, code, "
				  "severity, message, customer, vpn, site, peer, ce",
				  DB_ARGS(db_i(id), db_i(now_ms > 0 ? now_ms : 1)), &rows, e);
	if (rc < 0)
	{
		return rc;
	}
	a = arena_new();
	rc = db_next(rows, e);
	if (rc == 1)
	{
		char **texts[] = { &event.source, &event.resource, &event.code, NULL,
						   &event.text, &event.customer, &event.vpn,
						   &event.site, &event.peer, &event.ce };

		rc = store_word(store_severity_words, db_col_text(rows, 3),
						&event.severity, e);
		for (int i = 0; i < 10; i++)
		{
			if (texts[i])
			{
				*texts[i] = arena_strdup(a, db_col_text(rows, i));
			}
		}
		cleared = true;
		/* to its end: the change is done when the statement is */
		rc = rc < 0 ? rc : db_next(rows, e);
	}
	db_end(rows);
	if (rc == 0 && cleared)
	{
		rc = store_event_add(s, &event, e);
	}
	arena_free(a);
	return rc;
}

static int clear_found(struct store *s, const char *sql,
					   const struct db_arg *args, struct err *e)
{
	const int64_t now_ms = store_now_ms();
	struct arena *a = arena_new();
	struct db_rows *rows;
	int64_t *ids = NULL, *id;
	size_t count = 0, i;
	int rc;

	rc = db_query(s->db, sql, args, &rows, e);
	while (rc == 0 && (rc = db_next(rows, e)) == 1)
	{
		id = store_array_add(a, (void **)&ids, &count, sizeof(*ids));
		*id = db_col_int(rows, 0);
		rc = 0;
	}
	db_end(rows);
	for (i = 0; rc == 0 && i < count; i++)
	{
		rc = store_alarm_clear(s, ids[i], now_ms, e);
	}
	arena_free(a);
	return rc;
}

int store_alarm_site_gone(struct store *s, const char *customer,
						  const char *vpn, const char *site, struct err *e)
{
	return clear_found(s, "SELECT id FROM alarm WHERE customer = $1 "
					   "AND vpn = $2 AND (site = $3 OR peer = $3) "
					   "AND cleared_ms = 0",
					   DB_ARGS(db_t(customer), db_t(vpn), db_t(site)), e);
}

int store_alarm_ce_mute(struct store *s, int64_t ce_id, struct err *e)
{
	return clear_found(s, "SELECT id FROM alarm WHERE origin = $1 "
					   "AND cleared_ms = 0", DB_ARGS(db_i(ce_id)), e);
}

int store_alarm_ce_gone(struct store *s, const char *customer, const char *ce,
						int64_t ce_id, struct err *e)
{
	int rc = clear_found(s, "SELECT id FROM alarm WHERE customer = $1 "
						 "AND vpn = '' AND ce = $2 AND cleared_ms = 0",
						 DB_ARGS(db_t(customer), db_t(ce)), e);

	return rc < 0 ? rc : store_alarm_ce_mute(s, ce_id, e);
}

int store_alarm_customer_gone(struct store *s, const char *customer,
							  struct err *e)
{
	/* its routers' and sites' were cleared with them */
	int rc = clear_found(s, "SELECT id FROM alarm WHERE customer = $1 "
						 "AND cleared_ms = 0", DB_ARGS(db_t(customer)), e);

	if (rc == 0)
	{
		rc = db_run(s->db, "DELETE FROM alarm WHERE customer = $1",
					DB_ARGS(db_t(customer)), e);
	}
	return rc < 0 ? rc : store_event_customer_gone(s, customer, e);
}

/* ---- rows, to be compared ----------------------------------------------------------- */

int store_alarm_rows(struct store *s, struct arena *a, int64_t origin,
					 const char *code, bool raised_only,
					 struct store_alarm_row **out, size_t *count,
					 struct err *e)
{
	struct store_alarm_row *row;
	struct db_rows *rows;
	int rc;

	*out = NULL;
	*count = 0;
	rc = db_query(s->db, "SELECT id, resource, code, severity, message, "
				  "changed_ms, cleared_ms FROM alarm WHERE origin = $1 "
				  "AND ($2 = '' OR code = $2) AND ($3 = 0 OR cleared_ms = 0)",
				  DB_ARGS(db_i(origin), db_t(store_text(code)),
						  db_i(raised_only)), &rows, e);
	while (rc == 0 && (rc = db_next(rows, e)) == 1)
	{
		row = store_array_add(a, (void **)out, count, sizeof(*row));
		row->id = db_col_int(rows, 0);
		row->resource = arena_strdup(a, db_col_text(rows, 1));
		row->code = arena_strdup(a, db_col_text(rows, 2));
		row->text = arena_strdup(a, db_col_text(rows, 4));
		row->changed_ms = db_col_int(rows, 5);
		row->raised = db_col_int(rows, 6) == 0;
		rc = store_word(store_severity_words, db_col_text(rows, 3),
						&row->severity, e);
	}
	db_end(rows);
	return rc;
}
