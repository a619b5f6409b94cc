/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * store_event.c - what happened, in its order, and how far it has left
 *
 * Owns the tables event and outlet. An event is written in the transaction of
 * what it tells, so ids become visible in their order and none is missing.
 */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "server/store_alarm.h"
#include "server/store_work.h"

#define COUNTER "event"
/* the newest alarm's event that was forgotten */
#define GONE_COUNTER "event-gone"
#define PRUNE_MAX 5000		/* at a time */

const char *const store_event_words[] = {
	"alarm-raised", "alarm-changed", "alarm-cleared", "commit", "enrolled",
	"applied", "rotation-begun", "rotation-done", "renewed", NULL
};

static const char *severity_word(int severity)
{
	return severity >= 0 && severity < STATUS_CLEARED
		? store_severity_words[severity] : "";
}

int store_event_add(struct store *s, const struct store_event *event,
					struct err *e)
{
	int64_t id;
	int rc = store_next_id(s, COUNTER, &id, e);

	if (rc < 0)
	{
		return rc;
	}
	return db_run(s->db, "INSERT INTO event (id, at_ms, kind, source, "
				  "resource, code, severity, revision, message, customer, vpn, "
				  "site, peer, ce) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, "
				  "$10, $11, $12, $13, $14)",
				  DB_ARGS(db_i(id), db_i(event->at_ms),
						  db_t(store_event_words[event->kind]),
						  db_t(store_text(event->source)),
						  db_t(store_text(event->resource)),
						  db_t(store_text(event->code)),
						  db_t(severity_word(event->severity)),
						  db_i((int64_t)event->revision),
						  db_t(store_text(event->text)),
						  db_t(store_text(event->customer)),
						  db_t(store_text(event->vpn)),
						  db_t(store_text(event->site)),
						  db_t(store_text(event->peer)),
						  db_t(store_text(event->ce))), e);
}

/* ---- commits -------------------------------------------------------------------- */

/* The part of a place up to its n-th '/', in the arena. */
static char *head_of(struct arena *a, const char *place, unsigned n)
{
	const char *end = place;

	for (;; end++)
	{
		end += strcspn(end, "/");
		if (!*end || --n == 0)
		{
			return arena_strndup(a, place, (size_t)(end - place));
		}
	}
}

/* Of what all that was changed has in common; "" where it has nothing. */
static void common_place(struct store *s, struct store_event *event)
{
	const struct store_work *work = s->work;
	size_t i;

	event->customer = (char *)"";
	event->vpn = (char *)"";
	for (i = 0; i < work->note_count; i++)
	{
		const struct store_note *note = &work->notes[i];
		char *customer = head_of(work->a, note->place, 1);
		char *vpn = (char *)"";

		if (note->kind == CONF_OPERATOR ||
			(note->kind == CONF_CUSTOMER && !*note->after))
		{	/* no customer's, whatever an operator is called; or no longer */
			event->customer = event->vpn = (char *)"";
			return;
		}
		if (note->kind == CONF_VPN || note->kind == CONF_SITE ||
			note->kind == CONF_PROFILE || note->kind == CONF_LINK)
		{
			vpn = head_of(work->a, note->place, 2) + strlen(customer);
			vpn += *vpn == '/';
		}
		if (i && strcmp(event->customer, customer) != 0)
		{
			event->customer = event->vpn = (char *)"";
			return;
		}
		event->vpn = i && strcmp(event->vpn, vpn) != 0 ? (char *)"" : vpn;
		event->customer = customer;
	}
}

/* Of a change that notes nothing: its CEs are told, and they are one customer's. */
static int place_of_the_told(struct store *s, int64_t customer_id,
							 struct store_event *event, struct err *e)
{
	struct db_rows *rows;
	int rc;

	if (!customer_id || s->work->note_count)
	{
		return 0;
	}
	rc = db_query(s->db, "SELECT name FROM customer WHERE id = $1",
				  DB_ARGS(db_i(customer_id)), &rows, e);
	if (rc < 0)
	{
		return rc;
	}
	rc = db_next(rows, e);
	if (rc == 1)
	{
		event->customer = arena_strdup(s->work->a, db_col_text(rows, 0));
	}
	db_end(rows);
	return rc < 0 ? rc : 0;
}

int store_event_commit(struct store *s, const char *what, int64_t customer_id,
					   struct err *e)
{
	struct store_event event = {
		.at_ms = store_now_ms(), .kind = STORE_EVENT_COMMIT,
		.source = s->actor, .severity = -1, .revision = s->revision,
		.text = (char *)what,
	};
	int rc;

	common_place(s, &event);
	rc = place_of_the_told(s, customer_id, &event, e);
	return rc < 0 ? rc : store_event_add(s, &event, e);
}

/* ---- reading ---------------------------------------------------------------------- */

static int read_event(struct arena *a, struct db_rows *rows,
					  struct store_event *event, struct err *e)
{
	const char *severity = db_col_text(rows, 6);

	event->id = (uint64_t)db_col_int(rows, 0);
	event->at_ms = db_col_int(rows, 1);
	event->source = arena_strdup(a, db_col_text(rows, 3));
	event->resource = arena_strdup(a, db_col_text(rows, 4));
	event->code = arena_strdup(a, db_col_text(rows, 5));
	event->revision = (uint64_t)db_col_int(rows, 7);
	event->text = arena_strdup(a, db_col_text(rows, 8));
	event->customer = arena_strdup(a, db_col_text(rows, 9));
	event->vpn = arena_strdup(a, db_col_text(rows, 10));
	event->site = arena_strdup(a, db_col_text(rows, 11));
	event->peer = arena_strdup(a, db_col_text(rows, 12));
	event->ce = arena_strdup(a, db_col_text(rows, 13));
	event->severity = -1;
	if (*severity &&
		store_word(store_severity_words, severity, &event->severity, e) < 0)
	{
		return -EIO;
	}
	return store_word(store_event_words, db_col_text(rows, 2), &event->kind,
					  e);
}

#define COLUMNS "SELECT id, at_ms, kind, source, resource, code, severity, " \
	"revision, message, customer, vpn, site, peer, ce FROM event "

static const char events_alarms[] = COLUMNS
	"WHERE id > $1 AND kind IN ('alarm-raised', 'alarm-changed', "
	"'alarm-cleared') ORDER BY id LIMIT $2";
/* what concerns all of a VPN concerns each of its sites */
static const char events_all[] = COLUMNS
	"WHERE id > $1 AND ($3 = '' OR customer = $3) AND ($4 = '' OR vpn = $4 OR "
	"(vpn = '' AND ce <> '' AND EXISTS (SELECT 1 FROM site t JOIN vpn v "
	"ON v.id = t.vpn_id JOIN ce ON ce.id = t.ce_id JOIN customer cu "
	"ON cu.id = v.customer_id WHERE cu.name = $3 AND v.name = $4 "
	"AND ce.name = event.ce AND ($5 = '' OR t.name = $5)))) "
	"AND ($5 = '' OR site IN ('', $5) OR peer = $5) ORDER BY id LIMIT $2";

int store_events(struct store *s, struct arena *a, uint64_t after,
				 const struct store_event_filter *filter, size_t max,
				 struct store_event **list, size_t *count, struct err *e)
{
	const struct db_arg *args = filter->alarms
		? DB_ARGS(db_i((int64_t)after), db_i((int64_t)max))
		: DB_ARGS(db_i((int64_t)after), db_i((int64_t)max),
				  db_t(store_text(filter->customer)),
				  db_t(store_text(filter->vpn)),
				  db_t(store_text(filter->site)));
	struct db_rows *rows;
	int rc;

	*list = NULL;
	*count = 0;
	rc = db_query(s->db, filter->alarms ? events_alarms : events_all, args,
				  &rows, e);
	while (rc == 0 && (rc = db_next(rows, e)) == 1)
	{
		rc = read_event(a, rows, store_array_add(a, (void **)list, count,
												 sizeof(**list)), e);
	}
	db_end(rows);
	return rc;
}

int store_event_ids(struct store *s, uint64_t *newest, uint64_t *gone,
					struct err *e)
{
	struct db_rows *rows;
	int rc;

	*newest = *gone = 0;
	rc = db_query(s->db, "SELECT "
				  "(SELECT last FROM id_counter WHERE name = '" COUNTER "'), "
				  "(SELECT min(id) FROM event)", NULL, &rows, e);
	if (rc < 0)
	{
		return rc;
	}
	rc = db_next(rows, e);
	if (rc == 1)
	{
		*newest = (uint64_t)db_col_int(rows, 0);
		*gone = db_col_null(rows, 1) ? *newest
									 : (uint64_t)db_col_int(rows, 1) - 1;
	}
	db_end(rows);
	return rc < 0 ? rc : 0;
}

int store_event_customer_gone(struct store *s, const char *customer,
							  struct err *e)
{
	return db_run(s->db, "UPDATE event SET customer = '', vpn = '', "
				  "site = '', peer = '', ce = '' WHERE customer = $1",
				  DB_ARGS(db_t(customer)), e);
}

/* ---- forgetting --------------------------------------------------------------------- */

/* The last id that is to go; 0: none. */
static int prune_until(struct store *s, int64_t now_ms, int64_t *until,
					   struct err *e)
{
	struct db_rows *rows;
	int64_t first = 0, last = 0;
	bool old = false;
	int rc;

	*until = 0;
	rc = db_query(s->db, "SELECT f.id, f.at_ms, c.last FROM event f, "
				  "id_counter c WHERE c.name = '" COUNTER "' "
				  "ORDER BY f.id LIMIT 1", NULL, &rows, e);
	if (rc < 0)
	{
		return rc;
	}
	rc = db_next(rows, e);
	if (rc == 1)
	{
		first = db_col_int(rows, 0);
		old = db_col_int(rows, 1) < now_ms - STORE_EVENT_KEEP_MS;
		last = db_col_int(rows, 2);
	}
	db_end(rows);
	if (rc != 1)
	{
		return rc;
	}
	/* ids may have a gap where the database was restored */
	if (last - first >= STORE_EVENTS_MAX)
	{
		rc = db_number(s->db, "SELECT id FROM event ORDER BY id DESC LIMIT 1 "
					   "OFFSET $1", DB_ARGS(db_i(STORE_EVENTS_MAX)), until, e);
		if (rc == 0 && *until >= first + PRUNE_MAX)
		{
			*until = first + PRUNE_MAX - 1;
		}
		if (rc != -ENOENT)
		{
			return rc;
		}
		*until = 0;
	}
	return !old ? 0 : db_number(s->db, "SELECT max(id) FROM (SELECT id FROM "
		"event WHERE at_ms < $1 AND id < $2 ORDER BY id) AS o",
		DB_ARGS(db_i(now_ms - STORE_EVENT_KEEP_MS), db_i(first + PRUNE_MAX)),
		until, e);
}

int store_event_prune_due(struct store *s, int64_t now_ms, bool *due,
						  struct err *e)
{
	int64_t until;
	int rc = prune_until(s, now_ms, &until, e);

	*due = rc == 0 && until > 0;
	return rc;
}

int store_event_prune(struct store *s, int64_t now_ms, struct err *e)
{
	int64_t until;
	int rc = prune_until(s, now_ms, &until, e);

	if (rc < 0 || !until)
	{
		return rc;
	}
	rc = db_run(s->db, "INSERT INTO id_counter (name, last) "
				"SELECT '" GONE_COUNTER "', max(id) FROM event WHERE id <= $1 "
				"AND kind IN ('alarm-raised', 'alarm-changed', "
				"'alarm-cleared') GROUP BY 1 HAVING max(id) > 0 "
				"ON CONFLICT (name) DO UPDATE SET last = excluded.last",
				DB_ARGS(db_i(until)), e);
	return rc < 0 ? rc : db_run(s->db, "DELETE FROM event WHERE id <= $1",
								DB_ARGS(db_i(until)), e);
}

/* ---- ways out ----------------------------------------------------------------------- */

static int read_outlet(struct store *s, const char *way, const char *holder,
					   int64_t now_ms, uint64_t *position, bool *held,
					   bool *renew, struct err *e)
{
	struct db_rows *rows;
	int rc;

	*position = 0;
	*held = true;
	*renew = true;
	rc = db_query(s->db, "SELECT position, holder, until_ms FROM outlet "
				  "WHERE way = $1", DB_ARGS(db_t(way)), &rows, e);
	if (rc < 0)
	{
		return rc;
	}
	rc = db_next(rows, e);
	if (rc == 1)
	{
		bool mine = strcmp(db_col_text(rows, 1), holder) == 0;
		int64_t until = db_col_int(rows, 2);

		*position = (uint64_t)db_col_int(rows, 0);
		/* a clock that was put back holds nothing for ever */
		*held = mine || until < now_ms ||
				until > now_ms + STORE_OUTLET_HOLD_MS;
		*renew = *held && (!mine || until < now_ms + STORE_OUTLET_HOLD_MS / 2);
	}
	db_end(rows);
	return rc < 0 ? rc : 0;
}

static int take_outlet(struct store *s, const char *way, const char *holder,
					   int64_t now_ms, uint64_t *position, bool *held,
					   struct err *e)
{
	bool renew;
	int rc = read_outlet(s, way, holder, now_ms, position, held, &renew, e);

	if (rc < 0 || !renew)
	{
		return rc;
	}
	return db_run(s->db, "INSERT INTO outlet (way, position, holder, until_ms) "
				  "VALUES ($1, 0, $2, $3) ON CONFLICT (way) DO UPDATE "
				  "SET holder = $2, until_ms = $3",
				  DB_ARGS(db_t(way), db_t(holder),
						  db_i(now_ms + STORE_OUTLET_HOLD_MS)), e);
}

static int end(struct store *s, int rc, struct err *e)
{
	if (rc < 0)
	{
		db_rollback(s->db);
		return rc;
	}
	return db_commit(s->db, e);
}

int store_outlet_hold(struct store *s, const char *way, const char *holder,
					  int64_t now_ms, uint64_t *position, bool *held,
					  struct err *e)
{
	bool renew;
	int rc = read_outlet(s, way, holder, now_ms, position, held, &renew, e);

	/* most often there is nothing to write */
	if (rc < 0 || !renew || (rc = db_begin(s->db, true, e)) < 0)
	{
		return rc;
	}
	return end(s, take_outlet(s, way, holder, now_ms, position, held, e), e);
}

int store_outlet_delivered(struct store *s, const char *way,
						   const char *holder, uint64_t id, int64_t now_ms,
						   struct err *e)
{
	/* who has it now may be further on */
	return db_run(s->db, "UPDATE outlet SET until_ms = CASE WHEN holder = $2 "
				  "THEN $4 ELSE until_ms END, position = CASE WHEN position < $3 "
				  "THEN $3 ELSE position END WHERE way = $1",
				  DB_ARGS(db_t(way), db_t(holder), db_i((int64_t)id),
						  db_i(now_ms + STORE_OUTLET_HOLD_MS)), e);
}

int store_outlet_release(struct store *s, const char *holder, struct err *e)
{
	return db_run(s->db, "UPDATE outlet SET until_ms = 0 WHERE holder = $1",
				  DB_ARGS(db_t(holder)), e);
}

int store_outlet_lost(struct store *s, uint64_t position, uint64_t *newest,
					  struct err *e)
{
	int64_t gone = 0;
	int rc = db_number(s->db, "SELECT last FROM id_counter "
					   "WHERE name = '" GONE_COUNTER "'", NULL, &gone, e);

	*newest = (uint64_t)gone > position ? (uint64_t)gone : 0;
	return rc == -ENOENT ? 0 : rc;
}
