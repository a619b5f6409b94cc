/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * store_report.c - what was handed to routers, and what they say
 *
 * Owns the tables ce_delivery, ce_status, ce_error, ce_alarm, tunnel_status and
 * tunnel_notify. A report is a CE's word: it only ever reaches rows of that
 * CE's own sites, and never configuration.
 */
#include "config.h"

#include <errno.h>
#include <string.h>

#include "server/store_alarm.h"
#include "server/store_work.h"

static const char *const result_names[] = {
	"applied", "partial", "rejected", "pending"
};
static const char *const severity_names[] = {
	"warning", "minor", "major", "critical", "cleared"
};

/* A word of the tables above; unknown ones, which no code writes: the last. */
static int name_index(const char *const *names, int count, const char *name)
{
	int i;

	for (i = 0; i < count - 1 && strcmp(names[i], name) != 0; i++)
	{
	}
	return i;
}

/* ---- deliveries ------------------------------------------------------------ */

/* Tunnels of one CE whose document was handed over for the first time. */
#define NEW_LINKS(mine, theirs) \
	"SELECT t.id, l." theirs ", " \
	"(SELECT min(at_ms) FROM audit u WHERE u.revision = l.revision), " \
	"(SELECT max(enrolled_ms) FROM ce_key k WHERE k.ce_id = t.ce_id " \
	"AND k.superseded = 0) " \
	"FROM site t JOIN link l ON l." mine " = t.id " \
	"WHERE t.ce_id = $1 AND l.revision > $2 AND l.revision <= $3"

static int note_notified(struct store *s, const char *sql, int64_t ce_id,
						 int64_t last, int64_t revision, int64_t now_ms,
						 struct err *e)
{
	struct db_rows *rows;
	int64_t since;
	int rc;

	rc = db_query(s->db, sql, DB_ARGS(db_i(ce_id), db_i(last), db_i(revision)),
				  &rows, e);
	if (rc < 0)
	{
		return rc;
	}
	while ((rc = db_next(rows, e)) == 1)
	{
		/* a CE that was not there yet could not be told earlier */
		since = db_col_int(rows, 2);
		if (!db_col_null(rows, 3) && db_col_int(rows, 3) > since)
		{
			since = db_col_int(rows, 3);
		}
		rc = db_run(s->db, "INSERT INTO tunnel_notify (site_id, peer_id, "
					"notify_ms) VALUES ($1, $2, $3) "
					"ON CONFLICT (site_id, peer_id) DO NOTHING",
					DB_ARGS(db_i(db_col_int(rows, 0)),
							db_i(db_col_int(rows, 1)),
							db_i(now_ms > since ? now_ms - since : 0)), e);
		if (rc < 0)
		{
			break;
		}
	}
	db_end(rows);
	return rc;
}

/* -ENOENT for a CE that is not or no longer there */
static int active_ce(struct store *s, int64_t ce_id, struct err *e)
{
	int64_t id;
	int rc = db_number(s->db, "SELECT id FROM ce WHERE id = $1 "
					   "AND removed_revision = 0", DB_ARGS(db_i(ce_id)), &id,
					   e);

	return rc == -ENOENT ? err_set(e, rc, ERR_NOT_FOUND, "CE", "no such CE")
						 : rc;
}

static int delivered(struct store *s, int64_t ce_id, int64_t revision,
					 int64_t now_ms, struct err *e)
{
	int64_t last = 0;
	int rc;

	rc = active_ce(s, ce_id, e);
	if (rc < 0)
	{
		return rc;
	}
	rc = db_number(s->db, "SELECT revision FROM ce_delivery WHERE ce_id = $1",
				   DB_ARGS(db_i(ce_id)), &last, e);
	if ((rc < 0 && rc != -ENOENT) ||
		(rc = note_notified(s, NEW_LINKS("site_a", "site_b"), ce_id, last,
							revision, now_ms, e)) < 0 ||
		(rc = note_notified(s, NEW_LINKS("site_b", "site_a"), ce_id, last,
							revision, now_ms, e)) < 0)
	{
		return rc;
	}
	return db_run(s->db, "INSERT INTO ce_delivery (ce_id, revision, at_ms) "
				  "VALUES ($1, $2, $3) ON CONFLICT (ce_id) DO UPDATE "
				  "SET revision = $2, at_ms = $3",
				  DB_ARGS(db_i(ce_id), db_i(revision > last ? revision : last),
						  db_i(now_ms)), e);
}

int store_delivered(struct store *s, uint64_t ce_id, uint64_t revision,
					int64_t now_ms, struct err *e)
{
	int rc = db_begin(s->db, true, e);

	if (rc < 0)
	{
		return rc;
	}
	rc = delivered(s, (int64_t)ce_id, (int64_t)revision, now_ms, e);
	if (rc < 0)
	{
		db_rollback(s->db);
		return rc;
	}
	return db_commit(s->db, e);
}

int store_deliveries(struct store *s, const struct store_delivery *list,
					 size_t count, struct err *e)
{
	int rc = db_begin(s->db, true, e);

	if (rc < 0)
	{
		return rc;
	}
	for (size_t i = 0; i < count; i++)
	{
		rc = delivered(s, (int64_t)list[i].ce_id, (int64_t)list[i].revision,
					   list[i].at_ms, e);
		/* one that went meanwhile does not take the others along */
		if (rc < 0 && rc != -ENOENT)
		{
			db_rollback(s->db);
			return rc;
		}
	}
	return db_commit(s->db, e);
}

/* ---- reports --------------------------------------------------------------- */

/* 1: this one, or a later one of the same boot, is here already */
static int is_old(struct store *s, int64_t ce_id,
				  const struct status_report *report, struct err *e)
{
	int64_t count;
	int rc = db_number(s->db, "SELECT count(*) FROM ce_status WHERE ce_id = $1 "
					   "AND boot_id = $2 AND seq >= $3",
					   DB_ARGS(db_i(ce_id), db_t(report->boot_id),
							   db_i((int64_t)report->seq)), &count, e);

	return rc < 0 ? rc : count > 0;
}

static int write_ce(struct store *s, int64_t ce_id,
					const struct status_report *report, int64_t now_ms,
					struct err *e)
{
	static const char *const clear[] = {
		"DELETE FROM ce_error WHERE ce_id = $1",
		"DELETE FROM ce_alarm WHERE ce_id = $1",
		("DELETE FROM tunnel_status WHERE site_id IN "
		 "(SELECT id FROM site WHERE ce_id = $1)")
	};
	size_t i;
	int rc = 0;

	for (i = 0; rc == 0 && i < sizeof(clear) / sizeof(clear[0]); i++)
	{
		rc = db_run(s->db, clear[i], DB_ARGS(db_i(ce_id)), e);
	}
	return rc < 0 ? rc : db_run(s->db, "INSERT INTO ce_status (ce_id, "
		"reported_ms, boot_id, seq, epoch, revision, result, agent_version, "
		"on_trial) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) "
		"ON CONFLICT (ce_id) DO UPDATE "
		"SET reported_ms = $2, boot_id = $3, seq = $4, epoch = $5, "
		"revision = $6, result = $7, agent_version = $8, on_trial = $9",
		DB_ARGS(db_i(ce_id), db_i(now_ms), db_t(report->boot_id),
				db_i((int64_t)report->seq), db_i((int64_t)report->epoch),
				db_i((int64_t)report->revision),
				db_t(result_names[report->result]),
				db_t(report->agent_version), db_i(report->on_trial)), e);
}

static int write_lists(struct store *s, int64_t ce_id,
					   const struct status_report *report, struct err *e)
{
	const struct status_error *error;
	const struct status_alarm *alarm;
	size_t i;
	int rc = 0;

	for (i = 0; rc == 0 && i < report->error_count; i++)
	{
		error = &report->errors[i];
		rc = db_run(s->db, "INSERT INTO ce_error (ce_id, position, code, "
					"place, message) VALUES ($1, $2, $3, $4, $5)",
					DB_ARGS(db_i(ce_id), db_i((int64_t)i), db_t(error->code),
							db_t(error->where), db_t(error->text)), e);
	}
	for (i = 0; rc == 0 && i < report->alarm_count; i++)
	{
		alarm = &report->alarms[i];
		rc = db_run(s->db, "INSERT INTO ce_alarm (ce_id, position, code, "
					"resource, severity, times, age, message) "
					"VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
					DB_ARGS(db_i(ce_id), db_i((int64_t)i), db_t(alarm->code),
							db_t(alarm->resource),
							db_t(severity_names[alarm->severity]),
							db_i((int64_t)alarm->count),
							db_i((int64_t)alarm->age), db_t(alarm->text)), e);
	}
	return rc;
}

/*
 * The tunnel that the report means: one of this CE's own, and not one that was
 * made after the document that the CE had applied. -ENOENT: none.
 */
static int find_end(struct store *s, int64_t ce_id,
					const struct status_report *report,
					const struct status_peer *peer, int64_t *site_id,
					int64_t *peer_id, int64_t *revision, struct err *e)
{
	struct db_rows *rows;
	int rc;

	rc = db_query(s->db, "SELECT t.id, p.id, l.revision FROM site t "
				  "JOIN vpn v ON v.id = t.vpn_id "
				  "JOIN customer cu ON cu.id = v.customer_id "
				  "JOIN site p ON p.vpn_id = t.vpn_id "
				  "JOIN link l ON "
				  "l.site_a = CASE WHEN t.id > p.id THEN t.id ELSE p.id END "
				  "AND l.site_b = CASE WHEN t.id > p.id THEN p.id ELSE t.id END "
				  "JOIN installation i ON i.one = 1 "
				  "WHERE t.ce_id = $1 AND cu.name = $2 AND v.name = $3 "
				  "AND p.name = $4 AND (i.epoch <> $5 OR l.revision <= $6)",
				  DB_ARGS(db_i(ce_id), db_t(peer->customer), db_t(peer->vpn),
						  db_t(peer->peer), db_i((int64_t)report->epoch),
						  db_i((int64_t)report->revision)), &rows, e);
	if (rc < 0)
	{
		return rc;
	}
	rc = db_next(rows, e);
	if (rc == 1)
	{
		*site_id = db_col_int(rows, 0);
		*peer_id = db_col_int(rows, 1);
		*revision = db_col_int(rows, 2);
	}
	db_end(rows);
	return rc == 1 ? 0 : rc == 0 ? -ENOENT : rc;
}

static int write_end(struct store *s, int64_t site_id, int64_t peer_id,
					 const struct status_peer *peer, bool service,
					 int64_t now_ms, struct err *e)
{
	const struct status_service *v = &peer->service;

	return db_run(s->db, "INSERT INTO tunnel_status (site_id, peer_id, "
		"reported_ms, state, ike, child, proposal, ospf, route, since, "
		"attempts, in_bytes, out_bytes, last_error, service_revision, "
		"service_done, service_fetch, service_apply, service_ike, "
		"service_ospf, service_route) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, "
		"$9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21) "
		"ON CONFLICT (site_id, peer_id) DO NOTHING",
		DB_ARGS(db_i(site_id), db_i(peer_id), db_i(now_ms), db_t(peer->state),
				db_t(peer->ike), db_t(peer->child), db_t(peer->proposal),
				db_t(peer->ospf), db_i(peer->route),
				db_i((int64_t)peer->since), db_i((int64_t)peer->attempts),
				db_i((int64_t)peer->in_bytes), db_i((int64_t)peer->out_bytes),
				db_t(peer->last_error),
				db_i(service ? (int64_t)v->revision : 0),
				db_i(service ? v->done : 0),
				db_i(v->ms[STATUS_PHASE_FETCH]),
				db_i(v->ms[STATUS_PHASE_APPLY]), db_i(v->ms[STATUS_PHASE_IKE]),
				db_i(v->ms[STATUS_PHASE_OSPF]),
				db_i(v->ms[STATUS_PHASE_ROUTE])), e);
}

static int write_ends(struct store *s, int64_t ce_id,
					  const struct status_report *report, int64_t now_ms,
					  struct err *e)
{
	const struct status_peer *peer;
	int64_t site_id = 0, peer_id = 0, revision = 0;
	size_t i;
	int rc = 0;

	for (i = 0; rc == 0 && i < report->peer_count; i++)
	{
		peer = &report->peers[i];
		rc = find_end(s, ce_id, report, peer, &site_id, &peer_id, &revision,
					  e);
		if (rc == -ENOENT)
		{
			rc = 0;		/* removed meanwhile, or never there */
			continue;
		}
		if (rc == 0)
		{
			rc = write_end(s, site_id, peer_id, peer, peer->has_service &&
						   (int64_t)peer->service.revision >= revision,
						   now_ms, e);
		}
	}
	return rc;
}

/* What it says of its document is news when it says another thing than before. */
static int tell_applied(struct store *s, const struct store_ce *ce,
						const struct status_report *report, int64_t now_ms,
						struct err *e)
{
	const char *result = result_names[report->result];
	struct store_event event = {
		.at_ms = now_ms, .kind = STORE_EVENT_APPLIED, .severity = -1,
		.code = (char *)result, .revision = report->revision,
		.text = (char *)(report->error_count ? report->errors[0].text : ""),
		.customer = ce->customer, .ce = ce->ce,
	};
	int64_t same;
	int rc = db_number(s->db, "SELECT count(*) FROM ce_status "
					   "WHERE ce_id = $1 AND epoch = $2 AND revision = $3 "
					   "AND result = $4",
					   DB_ARGS(db_i((int64_t)ce->id),
							   db_i((int64_t)report->epoch),
							   db_i((int64_t)report->revision),
							   db_t(result)), &same, e);

	return rc < 0 || same ? rc : store_event_add(s, &event, e);
}

static int report_write(struct store *s, struct arena *a, int64_t ce_id,
						const struct status_report *report, int64_t now_ms,
						struct err *e)
{
	struct store_ce ce;
	bool back;
	int rc;

	rc = active_ce(s, ce_id, e);
	if (rc < 0 || (rc = is_old(s, ce_id, report, e)) != 0)
	{
		return rc < 0 ? rc : 0;
	}
	if ((rc = store_ce_by_id(s, a, ce_id, &ce, e)) < 0 ||
		(rc = store_alarm_is_back(s, &ce, report, &back, e)) < 0 ||
		(rc = tell_applied(s, &ce, report, now_ms, e)) < 0 ||
		(rc = write_ce(s, ce_id, report, now_ms, e)) < 0 ||
		(rc = write_lists(s, ce_id, report, e)) < 0 ||
		(rc = write_ends(s, ce_id, report, now_ms, e)) < 0 ||
		(rc = store_tunnel_down_report(s, ce_id, back, report, now_ms, e)) < 0)
	{
		return rc;
	}
	return store_alarm_report(s, &ce, report, now_ms, e);
}

int store_report(struct store *s, uint64_t ce_id,
				 const struct status_report *report, int64_t now_ms,
				 struct err *e)
{
	struct arena *a;
	int rc = db_begin(s->db, true, e);

	if (rc < 0)
	{
		return rc;
	}
	a = arena_new();
	rc = report_write(s, a, (int64_t)ce_id, report, now_ms, e);
	arena_free(a);
	if (rc < 0)
	{
		db_rollback(s->db);
		return rc;
	}
	return db_commit(s->db, e);
}

/* ---- what the reports say -------------------------------------------------- */

static int read_errors(struct store *s, struct arena *a,
					   struct store_ce_status *st, struct err *e)
{
	struct status_error *error;
	struct db_rows *rows;
	int rc;

	rc = db_query(s->db, "SELECT code, place, message FROM ce_error "
				  "WHERE ce_id = $1 ORDER BY position",
				  DB_ARGS(db_i((int64_t)st->ce.id)), &rows, e);
	if (rc < 0)
	{
		return rc;
	}
	while ((rc = db_next(rows, e)) == 1)
	{
		error = store_array_add(a, (void **)&st->errors, &st->error_count,
								sizeof(*error));
		error->code = arena_strdup(a, db_col_text(rows, 0));
		error->where = arena_strdup(a, db_col_text(rows, 1));
		error->text = arena_strdup(a, db_col_text(rows, 2));
	}
	db_end(rows);
	return rc;
}

static int read_alarms(struct store *s, struct arena *a,
					   struct store_ce_status *st, struct err *e)
{
	struct status_alarm *alarm;
	struct db_rows *rows;
	int rc;

	rc = db_query(s->db, "SELECT code, resource, severity, times, age, message "
				  "FROM ce_alarm WHERE ce_id = $1 ORDER BY position",
				  DB_ARGS(db_i((int64_t)st->ce.id)), &rows, e);
	if (rc < 0)
	{
		return rc;
	}
	while ((rc = db_next(rows, e)) == 1)
	{
		alarm = store_array_add(a, (void **)&st->alarms, &st->alarm_count,
								sizeof(*alarm));
		alarm->code = arena_strdup(a, db_col_text(rows, 0));
		alarm->resource = arena_strdup(a, db_col_text(rows, 1));
		alarm->severity = name_index(severity_names, 5, db_col_text(rows, 2));
		alarm->count = (uint64_t)db_col_int(rows, 3);
		alarm->age = (uint64_t)db_col_int(rows, 4);
		alarm->text = arena_strdup(a, db_col_text(rows, 5));
	}
	db_end(rows);
	return rc;
}

static int read_status(struct store *s, struct arena *a,
					   struct store_ce_status *st, struct err *e)
{
	struct db_rows *rows;
	int rc;

	rc = db_query(s->db, "SELECT reported_ms, epoch, revision, result, "
				  "agent_version FROM ce_status WHERE ce_id = $1",
				  DB_ARGS(db_i((int64_t)st->ce.id)), &rows, e);
	if (rc < 0)
	{
		return rc;
	}
	rc = db_next(rows, e);
	if (rc == 1)
	{
		st->reported = true;
		st->reported_ms = db_col_int(rows, 0);
		st->applied_epoch = (uint64_t)db_col_int(rows, 1);
		st->applied_revision = (uint64_t)db_col_int(rows, 2);
		st->result = name_index(result_names, 4, db_col_text(rows, 3));
		st->agent_version = arena_strdup(a, db_col_text(rows, 4));
	}
	db_end(rows);
	if (rc != 1)
	{
		return rc;
	}
	rc = read_errors(s, a, st, e);
	return rc < 0 ? rc : read_alarms(s, a, st, e);
}

int store_ce_statuses(struct store *s, struct arena *a, const char *customer,
					  struct store_ce_status **list, size_t *count,
					  struct err *e)
{
	struct store_ce *ces;
	size_t i, n;
	int rc;

	*list = NULL;
	*count = 0;
	rc = db_begin(s->db, false, e);
	if (rc < 0)
	{
		return rc;
	}
	rc = store_ces(s, a, customer, &ces, &n, e);
	if (rc == 0)
	{
		*list = arena_calloc(a, n, sizeof(**list));
		*count = n;
	}
	for (i = 0; rc == 0 && i < n; i++)
	{
		(*list)[i].ce = ces[i];
		rc = read_status(s, a, &(*list)[i], e);
	}
	db_rollback(s->db);
	return rc;
}
