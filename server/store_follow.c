/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * store_follow.c - routers whose address (s) changes by itself
 *
 * Owns the table address_refused, and ce.followed_ms. The rule is follow.c's;
 * here it is asked, once without and once with the right to write, and done.
 */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/follow.h"
#include "server/store_work.h"

/* ---- the column of prefixes ------------------------------------------------------ */

static int by_prefix(const void *a, const void *b)
{
	return prefix_compare(a, b);
}

int store_dynamic_check(struct arena *a, struct store_ce *ce, struct err *e)
{
	struct prefix *sorted = arena_calloc(a, ce->dynamic_count,
										 sizeof(*sorted));
	char text[PREFIX_TEXT_MAX];
	size_t i;

	if (ce->dynamic_count > CONF_DYNAMIC_MAX)
	{
		return err_set(e, -EINVAL, ERR_LIMIT, "dynamic",
					   "at most %d prefixes", CONF_DYNAMIC_MAX);
	}
	if (ce->dynamic_count)
	{
		memcpy(sorted, ce->dynamic, ce->dynamic_count * sizeof(*sorted));
		qsort(sorted, ce->dynamic_count, sizeof(*sorted), by_prefix);
	}
	for (i = 0; i < ce->dynamic_count; i++)
	{
		prefix_str(&sorted[i], text);
		if (!prefix_is_site(&sorted[i]))
		{
			return err_set(e, -EINVAL, ERR_ADDRESS, text,
						   "not a prefix that a router's address can be of");
		}
		if (i && prefix_equal(&sorted[i], &sorted[i - 1]))
		{
			return err_set(e, -EINVAL, ERR_EXISTS, text,
						   "the prefix stands there twice");
		}
	}
	ce->dynamic = sorted;
	return 0;
}

char *store_dynamic_join(struct arena *a, const struct store_ce *ce)
{
	char **words = arena_calloc(a, ce->dynamic_count, sizeof(*words));
	char text[PREFIX_TEXT_MAX];

	for (size_t i = 0; i < ce->dynamic_count; i++)
	{
		words[i] = arena_strdup(a, prefix_str(&ce->dynamic[i], text));
	}
	return store_words_join(a, words, ce->dynamic_count);
}

int store_dynamic_split(struct arena *a, const char *joined,
						struct store_ce *ce, struct err *e)
{
	char text[PREFIX_TEXT_MAX];
	struct prefix *prefix;
	size_t len;

	for (; *joined; joined += len + (joined[len] == ','))
	{
		len = strcspn(joined, ",");
		prefix = store_array_add(a, (void **)&ce->dynamic,
								 &ce->dynamic_count, sizeof(*prefix));
		snprintf(text, sizeof(text), "%.*s", (int)len, joined);
		if (len >= sizeof(text) || prefix_parse4(text, true, prefix) < 0)
		{
			return store_bad_row(e, "ce.dynamic");
		}
	}
	return 0;
}

int store_dynamic_verify(struct store *s,
						 const struct store_verifier *verifier, struct err *e)
{
	struct arena *a = arena_new();
	struct db_rows *rows;
	uint64_t count = 0;
	int rc = db_query(s->db, "SELECT name, dynamic FROM ce "
					  "WHERE dynamic <> ''", NULL, &rows, e);

	while (rc == 0 && (rc = db_next(rows, e)) == 1)
	{
		struct store_ce ce = { .dynamic = NULL };
		struct err fault;

		count++;
		rc = 0;
		if (store_dynamic_split(a, db_col_text(rows, 1), &ce, &fault) < 0 ||
			store_dynamic_check(a, &ce, &fault) < 0)
		{
			verifier->fault(verifier->user, "dynamic", db_col_text(rows, 0),
							"not prefixes within which its address may change");
		}
	}
	db_end(rows);
	arena_free(a);
	if (rc == 0)
	{
		verifier->checked(verifier->user, "dynamic", count);
	}
	return rc;
}

/* ---- what was refused ------------------------------------------------------------- */

int store_follow_forget(struct store *s, int64_t ce_id, struct err *e)
{
	return db_run(s->db, "DELETE FROM address_refused WHERE ce_id = $1",
				  DB_ARGS(db_i(ce_id)), e);
}

/* 1: it is held against this CE already, word by word; 0; -EIO */
static int is_held(struct store *s, int64_t ce_id, const char *address,
				   const char *reason, struct err *e)
{
	int64_t count;
	int rc = db_number(s->db, "SELECT count(*) FROM address_refused "
					   "WHERE ce_id = $1 AND ($2 = '-' OR (address = $2 "
					   "AND reason = $3))",
					   DB_ARGS(db_i(ce_id), db_t(address), db_t(reason)),
					   &count, e);

	return rc < 0 ? rc : count > 0;
}

static int hold(struct store *s, int64_t ce_id,
				struct store_followed *outcome, int64_t now_ms, struct err *e)
{
	char address[ADDR_TEXT_MAX] = "";
	int rc;

	if (outcome->to.family)
	{
		addr_str(&outcome->to, address);
	}
	rc = is_held(s, ce_id, address, outcome->reason, e);
	if (rc != 0)
	{
		return rc < 0 ? rc : 0;
	}
	outcome->refused = true;
	rc = db_begin(s->db, true, e);
	if (rc < 0)
	{
		return rc;
	}
	rc = db_run(s->db, "INSERT INTO address_refused (ce_id, at_ms, address, "
				"reason) VALUES ($1, $2, $3, $4) ON CONFLICT (ce_id) "
				"DO UPDATE SET at_ms = $2, address = $3, reason = $4",
				DB_ARGS(db_i(ce_id), db_i(now_ms), db_t(address),
						db_t(outcome->reason)), e);
	if (rc < 0)
	{
		db_rollback(s->db);
		return rc;
	}
	return db_commit(s->db, e);
}

/* Nothing is wrong: what was held against it, if anything was, is over. */
static int let_go(struct store *s, int64_t ce_id, struct err *e)
{
	int rc = is_held(s, ce_id, "-", "", e);

	if (rc <= 0)
	{
		return rc;
	}
	rc = db_begin(s->db, true, e);
	if (rc < 0)
	{
		return rc;
	}
	rc = store_follow_forget(s, ce_id, e);
	if (rc < 0)
	{
		db_rollback(s->db);
		return rc;
	}
	return db_commit(s->db, e);
}

/* ---- the change ------------------------------------------------------------------- */

/* What is asked, with the database's side of it read now. */
static int ask(struct store *s, struct arena *a, int64_t ce_id,
			   struct follow *f, struct store_ce *ce, struct err *e)
{
	int rc;

	if ((rc = store_ce_by_id(s, a, ce_id, ce, e)) < 0 ||
		(rc = db_number(s->db, "SELECT followed_ms FROM ce WHERE id = $1",
						DB_ARGS(db_i(ce_id)), &f->followed_ms, e)) < 0)
	{
		return rc;
	}
	f->known = ce->address;
	f->behind_nat = ce->behind_nat;
	f->dynamic = ce->dynamic;
	f->dynamic_count = ce->dynamic_count;
	return 0;
}

static int move(struct store *s, struct arena *a, int64_t ce_id,
				struct follow *f, struct store_followed *outcome,
				struct err *e)
{
	char from[ADDR_TEXT_MAX], to[ADDR_TEXT_MAX], *what;
	struct store_ce ce;
	int rc = ask(s, a, ce_id, f, &ce, e);

	/* another server may have been faster */
	if (rc < 0 || ce.removed || follow_judge(f, &outcome->to,
											 outcome->reason) != FOLLOW_MOVE)
	{
		return rc < 0 ? rc : 1;
	}
	what = arena_printf(a, "ce address %s/%s: %s is %s now", ce.customer,
						ce.ce, addr_str(&ce.address, from),
						addr_str(&outcome->to, to));
	outcome->from = ce.address;
	ce.address = outcome->to;
	if ((rc = store_ce_set(s, &ce, e)) < 0 ||
		(rc = db_run(s->db, "UPDATE ce SET followed_ms = $2 WHERE id = $1",
					 DB_ARGS(db_i(ce_id), db_i(f->now_ms)), e)) < 0)
	{
		return rc;
	}
	return store_commit(s, what, &outcome->revision, e);
}

static int try_move(struct store *s, struct arena *a, int64_t ce_id,
					struct follow *f, struct store_followed *outcome,
					struct err *e)
{
	char actor[PLACE_SIZE + 8];
	struct store_ce ce;
	int rc = ask(s, a, ce_id, f, &ce, e);

	if (rc < 0)
	{
		return rc;
	}
	snprintf(actor, sizeof(actor), "ce:%s/%s", ce.customer, ce.ce);
	actor[128] = '\0';	/* the audit's actors are no longer */
	if ((rc = store_begin(s, actor, e)) < 0)
	{
		return rc;
	}
	rc = move(s, a, ce_id, f, outcome, e);
	if (rc == 0)
	{
		return 0;
	}
	outcome->revision = 0;
	if (s->changing)
	{
		store_rollback(s);
	}
	if (rc > 0)
	{
		return 0;
	}
	if (rc == -EIO || e->code == ERR_DATABASE || e->code == ERR_DISK_FULL)
	{
		return rc;
	}
	/* the configuration would not be one: that is a reason like others */
	snprintf(outcome->reason, sizeof(outcome->reason), "%s", e->text);
	return hold(s, ce_id, outcome, f->now_ms, e);
}

int store_follow(struct store *s, uint64_t ce_id,
				 const struct status_address *said, const struct addr *source,
				 int64_t now_ms, struct store_followed *outcome,
				 struct err *e)
{
	struct follow f = { .said = said, .source = *source, .now_ms = now_ms };
	struct arena *a = arena_new();
	struct store_ce ce;
	int rc;

	memset(outcome, 0, sizeof(*outcome));
	rc = ask(s, a, (int64_t)ce_id, &f, &ce, e);
	if (rc == 0 && !ce.removed)
	{
		outcome->from = ce.address;
		switch (follow_judge(&f, &outcome->to, outcome->reason))
		{
			case FOLLOW_NOTHING:
				rc = let_go(s, (int64_t)ce_id, e);
				break;
			case FOLLOW_REFUSE:
				rc = hold(s, (int64_t)ce_id, outcome, now_ms, e);
				break;
			case FOLLOW_MOVE:
				rc = try_move(s, a, (int64_t)ce_id, &f, outcome, e);
				break;
		}
	}
	arena_free(a);
	return rc;
}
