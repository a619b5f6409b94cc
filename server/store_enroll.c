/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * store_enroll.c - one-time tokens, and the keys of routers
 *
 * Owns the tables ce_token and ce_key (store_renew.c writes what follows one).
 * Only hashes of tokens are kept.
 */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "server/store_alarm.h"
#include "server/store_work.h"
#include "text.h"

/* A lost answer: the same token with the same key gets the same again. */
#define AGAIN_MS (10 * 60 * 1000)

struct token
{
	char hash[65], used_spki[65], waiting_spki[65], approved_spki[65];
	int64_t expires_ms, used_ms;
};

static int token_add(struct store *s, const char *customer, const char *ce,
					 const char *hash, int64_t expires_ms, const char *actor,
					 struct err *e)
{
	int64_t customer_id, id;
	uint64_t epoch, revision;
	char what[PLACE_SIZE + 32];
	int rc;

	if ((rc = store_ce_id(s, customer, ce, &customer_id, &id, e)) < 0 ||
		(rc = db_run(s->db, "INSERT INTO ce_token (ce_id, hash, expires_ms, "
					 "used_ms, used_spki) VALUES ($1, $2, $3, 0, '') "
					 "ON CONFLICT (ce_id) DO UPDATE SET hash = $2, "
					 "expires_ms = $3, used_ms = 0, used_spki = '', "
					 "waiting_spki = '', waiting_ms = 0, approved_spki = ''",
					 DB_ARGS(db_i(id), db_t(hash), db_i(expires_ms)), e)) < 0 ||
		(rc = store_revision(s, &epoch, &revision, e)) < 0)
	{
		return rc;
	}
	snprintf(what, sizeof(what), "ce bundle %s/%s", customer, ce);
	return store_audit_write(s, revision, actor, what, customer_id, e);
}

int store_token_add(struct store *s, const char *customer, const char *ce,
					const uint8_t token_hash[32], int64_t expires_ms,
					const char *actor, struct err *e)
{
	char hash[65];
	int rc;

	hex_encode(token_hash, 32, hash);
	rc = db_begin(s->db, true, e);
	if (rc < 0)
	{
		return rc;
	}
	rc = token_add(s, customer, ce, hash, expires_ms, actor, e);
	if (rc < 0)
	{
		db_rollback(s->db);
		return rc;
	}
	return db_commit(s->db, e);
}

/* One answer for all that can be wrong: it tells an attacker nothing. */
static int refuse(struct err *e)
{
	return err_set(e, -EACCES, ERR_TOKEN, "token",
				   "wrong, used or expired");
}

static int read_token(struct store *s, uint64_t ce_id, struct token *token,
					  struct err *e)
{
	struct db_rows *rows;
	int rc;

	rc = db_query(s->db, "SELECT hash, expires_ms, used_ms, used_spki, "
				  "waiting_spki, approved_spki FROM ce_token WHERE ce_id = $1",
				  DB_ARGS(db_i((int64_t)ce_id)), &rows, e);
	if (rc < 0)
	{
		return rc;
	}
	rc = db_next(rows, e);
	if (rc == 1)
	{
		snprintf(token->hash, sizeof(token->hash), "%s", db_col_text(rows, 0));
		token->expires_ms = db_col_int(rows, 1);
		token->used_ms = db_col_int(rows, 2);
		snprintf(token->used_spki, sizeof(token->used_spki), "%s",
				 db_col_text(rows, 3));
		snprintf(token->waiting_spki, sizeof(token->waiting_spki), "%s",
				 db_col_text(rows, 4));
		snprintf(token->approved_spki, sizeof(token->approved_spki), "%s",
				 db_col_text(rows, 5));
		rc = 0;
	}
	else if (rc == 0)
	{
		rc = refuse(e);
	}
	db_end(rows);
	return rc;
}

static int read_certificate(struct store *s, struct arena *a, const char *spki,
							char **cert_pem, struct err *e)
{
	struct db_rows *rows;
	int rc;

	rc = db_query(s->db, "SELECT cert_pem FROM ce_key WHERE spki = $1 "
				  "AND superseded = 0", DB_ARGS(db_t(spki)), &rows, e);
	if (rc < 0)
	{
		return rc;
	}
	rc = db_next(rows, e);
	if (rc == 1)
	{
		*cert_pem = arena_strdup(a, db_col_text(rows, 0));
		rc = 0;
	}
	else if (rc == 0)
	{
		rc = refuse(e);
	}
	db_end(rows);
	return rc;
}

int store_key_check(struct store *s, const char *spki, uint64_t ce_id,
					struct err *e)
{
	int64_t owner;
	int rc;

	rc = db_number(s->db, "SELECT ce_id FROM ce_key WHERE spki = $1 "
				   "AND (ce_id <> $2 OR superseded = 1)",
				   DB_ARGS(db_t(spki), db_i((int64_t)ce_id)), &owner, e);
	if (rc == -ENOENT)
	{
		rc = db_number(s->db, "SELECT ce_id FROM ce_renewal WHERE spki = $1 "
					   "AND ce_id <> $2",
					   DB_ARGS(db_t(spki), db_i((int64_t)ce_id)), &owner, e);
	}
	if (rc == -ENOENT)
	{
		/* nor is it an operator's: the two are told apart by their keys */
		rc = db_number(s->db, "SELECT id FROM operator WHERE spki = $1",
					   DB_ARGS(db_t(spki)), &owner, e);
	}
	if (rc == 0)
	{
		return err_set(e, -EEXIST, ERR_EXISTS, "key",
					   "the public key was used before: make a new one");
	}
	return rc == -ENOENT ? store_ike_key_unused(s, spki, e) : rc;
}

/* One current key of a CE: an older one opens nothing from now on. */
static int write_key(struct store *s, uint64_t ce_id, const char *spki,
					 int64_t serial, const struct store_issued *issued,
					 int64_t now_ms, struct err *e)
{
	int rc;

	rc = db_run(s->db, "UPDATE ce_key SET superseded = 1 WHERE ce_id = $1 "
				"AND spki <> $2 AND superseded = 0",
				DB_ARGS(db_i((int64_t)ce_id), db_t(spki)), e);
	if (rc < 0 || (rc = store_renewal_forget(s, (int64_t)ce_id, e)) < 0)
	{
		return rc;
	}
	return db_run(s->db, "INSERT INTO ce_key (spki, ce_id, serial, superseded, "
				  "enrolled_ms, cert_pem, issued_ms, ends_ms) "
				  "VALUES ($1, $2, $3, 0, $4, $5, $4, $6) "
				  "ON CONFLICT (spki) DO UPDATE SET serial = $3, "
				  "enrolled_ms = $4, cert_pem = $5, issued_ms = $4, "
				  "ends_ms = $6",
				  DB_ARGS(db_t(spki), db_i((int64_t)ce_id), db_i(serial),
						  db_i(now_ms), db_t(issued->pem),
						  db_i(issued->ends_ms)), e);
}

int store_key_revoke(struct store *s, int64_t ce_id, struct err *e)
{
	const int64_t now_ms = store_now_ms();
	int rc = db_run(s->db, "UPDATE ce_key SET superseded = 1, revoked_ms = $2 "
					"WHERE ce_id = $1 AND superseded = 0",
					DB_ARGS(db_i(ce_id), db_i(now_ms)), e);

	if (rc == 0)
	{
		rc = store_renewal_revoke(s, ce_id, now_ms, e);
	}
	/* nor does a token that waits: who has the old router may have it, too */
	return rc < 0 ? rc : db_run(s->db, "DELETE FROM ce_token WHERE ce_id = $1",
								DB_ARGS(db_i(ce_id)), e);
}

static int note_enrolled(struct store *s, const struct store_ce *ce,
						 const char *spki, int64_t now_ms, struct err *e)
{
	char actor[PLACE_SIZE + 8], what[PLACE_SIZE + 64];
	uint64_t epoch, revision;
	int64_t customer_id;
	int rc;

	rc = db_run(s->db, "UPDATE ce_token SET used_ms = $2, used_spki = $3, "
				"waiting_spki = '', waiting_ms = 0 WHERE ce_id = $1",
				DB_ARGS(db_i((int64_t)ce->id), db_i(now_ms), db_t(spki)), e);
	if (rc < 0 || (rc = store_revision(s, &epoch, &revision, e)) < 0 ||
		(rc = store_customer_id(s, ce->customer, &customer_id, e)) < 0)
	{
		return rc;
	}
	/* a CE's name may fill a place; the audit's actor is shorter */
	snprintf(actor, sizeof(actor), "ce:%s/%s", ce->customer, ce->ce);
	snprintf(what, sizeof(what), "ce enroll %s/%s key %.16s", ce->customer,
			 ce->ce, spki);
	actor[128] = '\0';
	rc = store_audit_write(s, revision, actor, what, customer_id, e);
	if (rc == 0)
	{
		const struct store_event event = {
			.at_ms = now_ms, .kind = STORE_EVENT_ENROLLED, .severity = -1,
			.text = what, .customer = ce->customer, .ce = ce->ce,
		};

		rc = store_event_add(s, &event, e);
	}
	return rc;
}

/* Its key was taken back, and it was suspended with that: that is over. */
static int readmit(struct store *s, const struct store_ce *ce, struct err *e)
{
	struct store_ce after = *ce;

	if (!ce->revoked)
	{
		return 0;
	}
	if (!s->changing)
	{
		return err_set(e, -EAGAIN, ERR_CONFLICT, ce->ce,
					   "its key was revoked this very moment");
	}
	after.suspended = false;
	return store_ce_set(s, &after, e);
}

static int enroll_new(struct store *s, struct arena *a,
					  const struct store_ce *ce, const char *spki,
					  int64_t now_ms, store_issue_fn issue, void *user,
					  char **cert_pem, struct err *e)
{
	struct store_issued issued = { NULL, 0 };
	int64_t serial;
	int rc;

	if ((rc = store_key_check(s, spki, ce->id, e)) < 0 ||
		(rc = store_next_id(s, "serial", &serial, e)) < 0 ||
		(rc = issue(user, ce, (uint64_t)serial, a, &issued, e)) < 0 ||
		(rc = write_key(s, ce->id, spki, serial, &issued, now_ms, e)) < 0 ||
		(rc = readmit(s, ce, e)) < 0)
	{
		return rc;
	}
	*cert_pem = issued.pem;
	return note_enrolled(s, ce, spki, now_ms, e);
}

static int enroll(struct store *s, struct arena *a, const char *customer,
				  const char *ce_name, const char *hash, const char *spki,
				  int64_t now_ms, store_issue_fn issue, void *user,
				  char **cert_pem, bool *again, struct err *e)
{
	struct token token;
	struct store_ce ce;
	int rc;

	rc = store_ce_get(s, a, customer, ce_name, &ce, e);
	if (rc < 0)
	{
		return rc == -ENOENT ? refuse(e) : rc;
	}
	rc = read_token(s, ce.id, &token, e);
	if (rc < 0)
	{
		return rc;
	}
	/* hashes are compared: the time it takes tells nothing of the token */
	if (strcmp(token.hash, hash) != 0)
	{
		return refuse(e);
	}
	if (token.used_ms)
	{
		if (strcmp(token.used_spki, spki) != 0 || now_ms < token.used_ms ||
			now_ms - token.used_ms > AGAIN_MS)
		{
			return refuse(e);
		}
		*again = true;
		return read_certificate(s, a, spki, cert_pem, e);
	}
	if (token.expires_ms <= now_ms)
	{
		return refuse(e);
	}
	return enroll_new(s, a, &ce, spki, now_ms, issue, user, cert_pem, e);
}

/* Who was revoked is a member again: a change, which others are told. */
static int enroll_begin(struct store *s, struct arena *a, const char *customer,
						const char *name, struct err *e)
{
	char actor[PLACE_SIZE + 8];
	struct store_ce ce;
	int rc = store_ce_get(s, a, customer, name, &ce, e);

	if (rc == -ENOENT)
	{
		return refuse(e);
	}
	if (rc < 0 || !ce.revoked)
	{
		return rc < 0 ? rc : db_begin(s->db, true, e);
	}
	snprintf(actor, sizeof(actor), "ce:%s/%s", customer, name);
	actor[128] = '\0';
	return store_begin(s, actor, e);
}

static int enroll_end(struct store *s, const char *customer, const char *name,
					  int rc, struct err *e)
{
	char what[PLACE_SIZE + 64];

	if (!s->changing)
	{
		if (rc == 0)
		{
			return db_commit(s->db, e);
		}
		db_rollback(s->db);
		return rc;
	}
	if (rc < 0)
	{
		store_rollback(s);
		return rc;
	}
	snprintf(what, sizeof(what), "ce resume %s/%s: enrolled anew", customer,
			 name);
	return store_commit(s, what, NULL, e);
}

int store_enroll(struct store *s, struct arena *a, const char *customer,
				 const char *ce, const uint8_t token_hash[32],
				 const uint8_t spki[32], int64_t now_ms, store_issue_fn issue,
				 void *user, char **cert_pem, bool *again, struct err *e)
{
	char hash[65], key[65];
	int rc;

	*cert_pem = NULL;
	*again = false;
	hex_encode(token_hash, 32, hash);
	hex_encode(spki, 32, key);
	rc = enroll_begin(s, a, customer, ce, e);
	if (rc < 0)
	{
		return rc;
	}
	rc = enroll(s, a, customer, ce, hash, key, now_ms, issue, user, cert_pem,
				again, e);
	rc = enroll_end(s, customer, ce, rc, e);
	if (rc < 0)
	{
		*cert_pem = NULL;
	}
	return rc;
}

/* ---- an operator's approval -------------------------------------------------- */

static int wait_for(struct store *s, const char *customer, const char *name,
					const char *hash, const char *spki, int64_t now_ms,
					bool *approved, struct err *e)
{
	struct arena *a = arena_new();
	struct token token;
	struct store_ce ce;
	int rc = store_ce_get(s, a, customer, name, &ce, e);

	if (rc == 0)
	{
		rc = read_token(s, ce.id, &token, e);
	}
	if (rc == 0 && (strcmp(token.hash, hash) != 0 ||
					(!token.used_ms && token.expires_ms <= now_ms)))
	{
		rc = refuse(e);
	}
	if (rc == 0)
	{
		/* one that was used is looked at there */
		*approved = token.used_ms || strcmp(token.approved_spki, spki) == 0;
	}
	if (rc == 0 && !*approved && strcmp(token.waiting_spki, spki) != 0 &&
		(rc = store_key_check(s, spki, ce.id, e)) == 0)
	{
		rc = db_run(s->db, "UPDATE ce_token SET waiting_spki = $2, "
					"waiting_ms = $3 WHERE ce_id = $1",
					DB_ARGS(db_i((int64_t)ce.id), db_t(spki), db_i(now_ms)), e);
	}
	arena_free(a);
	return rc == -ENOENT ? refuse(e) : rc;
}

int store_enroll_wait(struct store *s, const char *customer, const char *ce,
					  const uint8_t token_hash[32], const uint8_t spki[32],
					  int64_t now_ms, bool *approved, struct err *e)
{
	char hash[65], key[65];
	int rc = db_begin(s->db, true, e);

	*approved = false;
	if (rc < 0)
	{
		return rc;
	}
	hex_encode(token_hash, 32, hash);
	hex_encode(spki, 32, key);
	rc = wait_for(s, customer, ce, hash, key, now_ms, approved, e);
	if (rc == 0)
	{
		return db_commit(s->db, e);
	}
	db_rollback(s->db);
	return rc;
}

static int approve(struct store *s, const char *customer, const char *ce,
				   const char *key, struct err *e)
{
	int64_t customer_id, id;
	int rc;

	if ((rc = store_ce_id(s, customer, ce, &customer_id, &id, e)) < 0 ||
		(rc = db_run(s->db, "UPDATE ce_token SET approved_spki = $2 "
					 "WHERE ce_id = $1 AND waiting_spki = $2 AND used_ms = 0",
					 DB_ARGS(db_i(id), db_t(key)), e)) < 0)
	{
		return rc;
	}
	if (db_changed(s->db) == 0)
	{
		return err_set(e, -ENOENT, ERR_NOT_FOUND, "key",
					   "no request of this router with that key waits");
	}
	/* whose change it is */
	return store_touch_ce(s, id, e);
}

int store_enroll_approve(struct store *s, const char *customer,
						 const char *ce, const char *key, struct err *e)
{
	int rc = store_need_change(s, e);

	return rc < 0 ? rc : store_changed(s, approve(s, customer, ce, key, e));
}
