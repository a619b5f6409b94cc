/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * store_renew.c - certificates that routers ask for while they have one
 *
 * Owns the table ce_renewal. Whoever asks may lose the answer, or go back to
 * what it had: the key it has stays good until the new one is seen.
 */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "server/store_alarm.h"
#include "server/store_work.h"
#include "text.h"

/* The same request gets the same certificate for so long. */
#define AGAIN_MS INT64_C(86400000)
/* A router gets a certificate at most so often. */
#define GAP_MS 5000

struct renewal
{
	char spki[65];
	int64_t issued_ms;
	char *cert_pem;
};

/* Who has this key now. */
static int read_current(struct store *s, struct arena *a, const char *spki,
						struct store_ce *ce, int64_t *renewed_ms,
						struct err *e)
{
	struct db_rows *rows;
	int64_t id = 0;
	int rc;

	rc = db_query(s->db, "SELECT k.ce_id, k.issued_ms, k.enrolled_ms "
				  "FROM ce_key k JOIN ce ON ce.id = k.ce_id "
				  "WHERE k.spki = $1 AND k.superseded = 0 "
				  "AND ce.removed_revision = 0", DB_ARGS(db_t(spki)), &rows, e);
	if (rc < 0)
	{
		return rc;
	}
	rc = db_next(rows, e);
	if (rc == 1)
	{
		id = db_col_int(rows, 0);
		/* the first one is no renewal */
		*renewed_ms = db_col_int(rows, 1) > db_col_int(rows, 2)
			? db_col_int(rows, 1) : 0;
	}
	else if (rc == 0)
	{
		rc = err_set(e, -ENOENT, ERR_NOT_FOUND, "key",
					 "the public key is no CE's");
	}
	db_end(rows);
	return rc == 1 ? store_ce_by_id(s, a, id, ce, e) : rc;
}

/* What waits to be used; spki "": nothing. */
static int read_waiting(struct store *s, struct arena *a, uint64_t ce_id,
						struct renewal *r, struct err *e)
{
	struct db_rows *rows;
	int rc;

	*r = (struct renewal){ .issued_ms = 0 };
	rc = db_query(s->db, "SELECT spki, issued_ms, cert_pem FROM ce_renewal "
				  "WHERE ce_id = $1", DB_ARGS(db_i((int64_t)ce_id)), &rows, e);
	if (rc < 0)
	{
		return rc;
	}
	rc = db_next(rows, e);
	if (rc == 1)
	{
		snprintf(r->spki, sizeof(r->spki), "%s", db_col_text(rows, 0));
		r->issued_ms = db_col_int(rows, 1);
		r->cert_pem = arena_strdup(a, db_col_text(rows, 2));
		rc = 0;
	}
	db_end(rows);
	return rc;
}

/* The wall clock may have been set back: then it was long ago. */
static bool is_recent(int64_t at_ms, int64_t now_ms, int64_t for_ms)
{
	return at_ms && now_ms >= at_ms && now_ms - at_ms < for_ms;
}

static int note(struct store *s, const struct store_ce *ce, const char *verb,
				const char *spki, bool event, int64_t now_ms, struct err *e)
{
	char actor[PLACE_SIZE + 8], what[PLACE_SIZE + 64];
	uint64_t epoch, revision;
	int64_t customer_id;
	int rc;

	if ((rc = store_revision(s, &epoch, &revision, e)) < 0 ||
		(rc = store_customer_id(s, ce->customer, &customer_id, e)) < 0)
	{
		return rc;
	}
	/* a CE's name may fill a place; the audit's actor is shorter */
	snprintf(actor, sizeof(actor), "ce:%s/%s", ce->customer, ce->ce);
	actor[128] = '\0';
	snprintf(what, sizeof(what), "ce %s %s/%s key %.16s", verb, ce->customer,
			 ce->ce, spki);
	rc = store_audit_write(s, revision, actor, what, customer_id, e);
	if (rc == 0 && event)
	{
		const struct store_event renewed = {
			.at_ms = now_ms, .kind = STORE_EVENT_RENEWED, .severity = -1,
			.text = what, .customer = ce->customer, .ce = ce->ce,
		};

		rc = store_event_add(s, &renewed, e);
	}
	return rc;
}

/* ---- asked for ------------------------------------------------------------- */

static int write_waiting(struct store *s, const struct store_ce *ce,
						 const char *spki, int64_t serial, int64_t now_ms,
						 const struct store_issued *issued, struct err *e)
{
	return db_run(s->db, "INSERT INTO ce_renewal (ce_id, spki, serial, "
				  "issued_ms, ends_ms, cert_pem) "
				  "VALUES ($1, $2, $3, $4, $5, $6) "
				  "ON CONFLICT (ce_id) DO UPDATE SET spki = $2, serial = $3, "
				  "issued_ms = $4, ends_ms = $5, cert_pem = $6",
				  DB_ARGS(db_i((int64_t)ce->id), db_t(spki), db_i(serial),
						  db_i(now_ms), db_i(issued->ends_ms),
						  db_t(issued->pem)), e);
}

static int renew(struct store *s, struct arena *a, const char *current,
				 const char *spki, int64_t now_ms, store_issue_fn issue,
				 void *user, char **cert_pem, bool *again, struct err *e)
{
	struct store_issued issued = { NULL, 0 };
	struct renewal waiting;
	int64_t renewed_ms = 0, serial;
	struct store_ce ce;
	int rc;

	if ((rc = read_current(s, a, current, &ce, &renewed_ms, e)) < 0 ||
		(rc = read_waiting(s, a, ce.id, &waiting, e)) < 0)
	{
		return rc;
	}
	if (strcmp(waiting.spki, spki) == 0 &&
		is_recent(waiting.issued_ms, now_ms, AGAIN_MS))
	{
		*again = true;
		*cert_pem = waiting.cert_pem;
		return 0;
	}
	if (is_recent(waiting.issued_ms, now_ms, GAP_MS) ||
		is_recent(renewed_ms, now_ms, GAP_MS))
	{
		return err_set(e, -EAGAIN, ERR_LIMIT, ce.ce,
					   "it was given a certificate a moment ago");
	}
	if ((rc = store_key_check(s, spki, ce.id, e)) < 0 ||
		(rc = store_next_id(s, "serial", &serial, e)) < 0 ||
		(rc = issue(user, &ce, (uint64_t)serial, a, &issued, e)) < 0 ||
		(rc = write_waiting(s, &ce, spki, serial, now_ms, &issued, e)) < 0)
	{
		return rc;
	}
	*cert_pem = issued.pem;
	return note(s, &ce, "renew", spki, false, now_ms, e);
}

int store_renew(struct store *s, struct arena *a, const uint8_t current[32],
				const uint8_t spki[32], int64_t now_ms, store_issue_fn issue,
				void *user, char **cert_pem, bool *again, struct err *e)
{
	char old[65], key[65];
	int rc;

	*cert_pem = NULL;
	*again = false;
	hex_encode(current, 32, old);
	hex_encode(spki, 32, key);
	rc = db_begin(s->db, true, e);
	if (rc < 0)
	{
		return rc;
	}
	rc = renew(s, a, old, key, now_ms, issue, user, cert_pem, again, e);
	if (rc == 0)
	{
		rc = db_commit(s->db, e);
	}
	else
	{
		db_rollback(s->db);
	}
	if (rc < 0)
	{
		*cert_pem = NULL;
	}
	return rc;
}

/* ---- used ------------------------------------------------------------------ */

/* It waits no more; since when the CE is enrolled does not change. */
static int take_over(struct store *s, int64_t ce_id, const char *spki,
					 struct err *e)
{
	int64_t enrolled_ms;
	int rc;

	rc = db_number(s->db, "SELECT enrolled_ms FROM ce_key WHERE ce_id = $1 "
				   "AND superseded = 0", DB_ARGS(db_i(ce_id)), &enrolled_ms, e);
	if (rc < 0)
	{
		return rc == -ENOENT ? store_bad_row(e, "ce_renewal") : rc;
	}
	if ((rc = db_run(s->db, "UPDATE ce_key SET superseded = 1 "
					 "WHERE ce_id = $1 AND superseded = 0 AND spki <> $2",
					 DB_ARGS(db_i(ce_id), db_t(spki)), e)) < 0 ||
		(rc = db_run(s->db, "INSERT INTO ce_key (spki, ce_id, serial, "
					 "superseded, enrolled_ms, cert_pem, issued_ms, ends_ms) "
					 "SELECT spki, ce_id, serial, 0, $2, cert_pem, issued_ms, "
					 "ends_ms FROM ce_renewal WHERE ce_id = $1 "
					 "ON CONFLICT (spki) DO UPDATE SET serial = excluded.serial, "
					 "cert_pem = excluded.cert_pem, "
					 "issued_ms = excluded.issued_ms, "
					 "ends_ms = excluded.ends_ms",
					 DB_ARGS(db_i(ce_id), db_i(enrolled_ms)), e)) < 0)
	{
		return rc;
	}
	return db_run(s->db, "DELETE FROM ce_renewal WHERE ce_id = $1",
				  DB_ARGS(db_i(ce_id)), e);
}

static int renewed(struct store *s, struct arena *a, const char *spki,
				   int64_t serial, int64_t now_ms, bool *taken, struct err *e)
{
	struct store_ce ce;
	int64_t ce_id;
	int rc;

	/* another request may have been first */
	rc = db_number(s->db, "SELECT r.ce_id FROM ce_renewal r "
				   "JOIN ce ON ce.id = r.ce_id WHERE r.spki = $1 "
				   "AND r.serial = $2 AND ce.removed_revision = 0",
				   DB_ARGS(db_t(spki), db_i(serial)), &ce_id, e);
	if (rc < 0)
	{
		return rc == -ENOENT ? 0 : rc;
	}
	if ((rc = store_ce_by_id(s, a, ce_id, &ce, e)) < 0 ||
		(rc = take_over(s, ce_id, spki, e)) < 0)
	{
		return rc;
	}
	*taken = true;
	return note(s, &ce, "renewed", spki, true, now_ms, e);
}

int store_renewed(struct store *s, const uint8_t spki[32], uint64_t serial,
				  int64_t now_ms, bool *taken, struct err *e)
{
	struct arena *a;
	char key[65];
	int rc;

	*taken = false;
	hex_encode(spki, 32, key);
	rc = db_begin(s->db, true, e);
	if (rc < 0)
	{
		return rc;
	}
	a = arena_new();
	rc = renewed(s, a, key, (int64_t)serial, now_ms, taken, e);
	arena_free(a);
	if (rc == 0)
	{
		rc = db_commit(s->db, e);
	}
	else
	{
		db_rollback(s->db);
	}
	*taken = *taken && rc == 0;
	return rc;
}

/* ---- not to be used -------------------------------------------------------- */

int store_renewal_revoke(struct store *s, int64_t ce_id, int64_t now_ms,
						 struct err *e)
{
	/* who has it may have nothing else any more: it is to hear so, too */
	int rc = db_run(s->db, "INSERT INTO ce_key (spki, ce_id, serial, "
					"superseded, revoked_ms, enrolled_ms, cert_pem, issued_ms, "
					"ends_ms) SELECT spki, ce_id, serial, 1, $2, issued_ms, "
					"cert_pem, issued_ms, ends_ms FROM ce_renewal "
					"WHERE ce_id = $1 ON CONFLICT (spki) DO NOTHING",
					DB_ARGS(db_i(ce_id), db_i(now_ms)), e);

	return rc < 0 ? rc : store_renewal_forget(s, ce_id, e);
}

int store_renewal_forget(struct store *s, int64_t ce_id, struct err *e)
{
	return db_run(s->db, "DELETE FROM ce_renewal WHERE ce_id = $1",
				  DB_ARGS(db_i(ce_id)), e);
}
