/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * test_provider.c - what is believed of a server, and what is not
 */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/belief.h"
#include "alloc.h"
#include "provider_kit.h"
#include "run.h"

START_TEST(first_document)
{
	provider_start(p);
	ck_assert_uint_eq(asked_wait, 0);
	ck_assert_str_eq(asked_etag, "");
	answer_document(3, 7, "50");
	ck_assert_uint_eq(documents, 1);
	ck_assert_uint_eq(revision, 7);
	/* before it is applied: a start in between finds what is to be finished */
	ck_assert_uint_eq(saves, 1);
	ck_assert_uint_eq(kept, 1);
	provider_applied(p);
	provider_applied(p);
	ck_assert_uint_eq(saves, 1);
	ck_assert_uint_eq(kept, 1);
	/* and the long poll waits for the next one */
	ck_assert_uint_eq(asked, 2);
	ck_assert_uint_eq(asked_wait, 50);
	ck_assert_ptr_nonnull(strstr(asked_etag, "\"3.7-"));
	answer(304, NULL, asked_etag);
	ck_assert_uint_eq(documents, 1);
	ck_assert_uint_eq(asked, 3);
}
END_TEST

/* A disk that was full: told until what is in force is kept after all. */
START_TEST(kept_when_the_disk_has_room_again)
{
	struct provider_status status;

	save_rc = -ENOSPC;
	provider_start(p);
	answer_document(3, 7, "50");
	provider_applied(p);
	answer(304, NULL, asked_etag);
	provider_status(p, &status);
	ck_assert_uint_eq(saves, 0);
	ck_assert_int_eq(status.error.code, ERR_IO);
	/* what comes next is not kept before it is in force */
	answer_document(3, 8, "50");
	save_rc = 0;
	answer(304, NULL, asked_etag);
	ck_assert_uint_eq(saves, 0);
	save_rc = -ENOSPC;
	provider_applied(p);
	save_rc = 0;
	answer(304, NULL, asked_etag);		/* to what was asked before, perhaps */
	answer(304, NULL, asked_etag);
	ck_assert_uint_eq(saves, 1);
	ck_assert_ptr_nonnull(strstr(saved, "\"revision\":8,"));
	provider_status(p, &status);
	ck_assert_int_eq(status.error.code, ERR_NONE);
	answer(304, NULL, asked_etag);
	ck_assert_uint_eq(saves, 1);
}
END_TEST

static const struct {
	unsigned epoch, revision;
	const char *extra;
	bool taken;
	enum err_code code;
} orders[] = {
	{ 3, 8, "50", true, ERR_NONE },
	{ 3, 6, "50", false, ERR_DOCUMENT_STALE },		/* lower revision */
	{ 3, 7, "49", false, ERR_DOCUMENT_STALE },		/* other content */
	{ 3, 7, "50", false, ERR_NONE },				/* the same again */
	{ 2, 9, "50", false, ERR_DOCUMENT_STALE },		/* lower epoch */
	{ 4, 1, "50", true, ERR_NONE },					/* a restore, on purpose */
};

START_TEST(order_of_documents)
{
	provider_start(p);
	answer_document(3, 7, "50");
	answer_document(orders[_i].epoch, orders[_i].revision, orders[_i].extra);
	ck_assert_uint_eq(documents, orders[_i].taken ? 2 : 1);
	ck_assert_int_eq(status().error.code, orders[_i].code);
	ck_assert_uint_eq(status().revision,
					  orders[_i].taken ? orders[_i].revision : 7);
}
END_TEST

static const struct {
	unsigned status;
	const char *body, *etag;
} refused[] = {
	{ 200, "", "" },
	{ 200, "garbage", "\"3.8-0\"" },
	{ 200, "{}", "" },
	{ 200, "{\"schema\":\"ce-config/1\"}", "" },
	{ 404, "", "" },
	{ 410, "", "" },
	{ 410, "{}", "" },
	{ 500, "{}", "" },
	{ 503, "", "" },
	{ 301, "", "" },
	{ 204, "", "" },
};

START_TEST(nothing_is_removed_on_a_fault)
{
	struct provider_status s;

	provider_start(p);
	answer_document(3, 7, "50");
	answer(refused[_i].status, xstrdup(refused[_i].body), refused[_i].etag);
	s = status();
	ck_assert_uint_eq(documents, 1);
	ck_assert_uint_eq(s.revision, 7);
	ck_assert_int_ne(s.error.code, ERR_NONE);
	ck_assert_uint_gt(states, 0);
}
END_TEST

/* Whoever says it (a proxy, say) it is over when the document in force is
 * confirmed, and not only with another one. */
START_TEST(an_answer_without_an_etag_is_forgotten)
{
	char held[128];

	provider_start(p);
	answer_document(3, 7, "50");
	snprintf(held, sizeof(held), "%s", asked_etag);
	for (int i = 0; i < 2; i++)
	{
		unsigned before = asked;

		answer(410, xstrdup(""), "");
		ck_assert(status().rejected);
		ck_assert_uint_eq(asked, before);	/* not at once */
	}
	provider_poke(p);
	ck_assert_str_eq(asked_etag, held);
	answer(304, NULL, held);
	ck_assert(!status().rejected);
	ck_assert_int_eq(status().error.code, ERR_NONE);
	ck_assert_uint_eq(documents, 1);
}
END_TEST

START_TEST(content_must_fit_its_etag)
{
	provider_start(p);
	answer(200, document("acme/paris-r1", 3, 7, "50"),
		   "\"3.7-0123456789abcdef\"");
	ck_assert_uint_eq(documents, 0);
	ck_assert_int_eq(status().error.code, ERR_HTTP);
	ck_assert(status().rejected);
	/* not asked in a circle: the server is told what was seen */
	ck_assert_str_eq(asked_etag, "\"3.7-0123456789abcdef\"");
	ck_assert_uint_gt(asked_wait, 0);
	answer_document(3, 8, "50");
	ck_assert_uint_eq(documents, 1);
	ck_assert(!status().rejected);
	ck_assert_int_eq(status().error.code, ERR_NONE);
}
END_TEST

#define NEWER "{\"error\":{\"code\":\"schema\",\"where\":\"Ppvpn-Schema\"," \
	"\"text\":\"this server has ce-config/3, ce-config/2\"}}"

/* whatever its body is, it says the same */
static const char *const newer[] = {
	NEWER, "", "garbage",
	"{\"error\":{\"code\":\"http\",\"where\":\"\",\"text\":\"no\"}}",
};

START_TEST(a_server_with_newer_documents_only)
{
	struct provider_status s;

	provider_start(p);
	answer_document(3, 7, "50");
	answer(406, xstrdup(newer[_i]), "");
	s = status();
	ck_assert_uint_eq(documents, 1);
	ck_assert_uint_eq(s.revision, 7);
	ck_assert(s.connected && !s.rejected);
	ck_assert_int_eq(s.skew.code, ERR_SCHEMA);
	ck_assert_int_eq(s.error.code, ERR_SCHEMA);
	ck_assert_ptr_nonnull(strstr(s.skew.text, "takes ce-config/1"));
	if (_i == 0)
	{
		ck_assert_ptr_nonnull(strstr(s.skew.text, "has ce-config/3"));
	}
	/* nothing said of versions is no reason to think otherwise */
	states = 0;
	answer(503, NULL, "");
	ck_assert_int_eq(status().skew.code, ERR_SCHEMA);
	/* and it is over with any answer that is one */
	answer(304, NULL, "");
	ck_assert_int_eq(status().skew.code, ERR_NONE);
	ck_assert_int_eq(status().error.code, ERR_NONE);
	ck_assert_uint_gt(states, 0);
}
END_TEST

START_TEST(a_newer_document_all_the_same)
{
	char *body = xstrdup("{\"schema\":\"ce-config/2\",\"new\":{\"x\":[1]}}");

	provider_start(p);
	answer_document(3, 7, "50");
	answer(200, body, "\"3.8-0123456789abcdef\"");
	ck_assert_uint_eq(documents, 1);
	ck_assert(status().rejected);
	ck_assert_int_eq(status().refusal.code, ERR_SCHEMA);
	ck_assert_ptr_nonnull(strstr(status().refusal.text, "ce-config/2"));
	/* what it held before that is taken when it comes back */
	answer_document(3, 7, "50");
	ck_assert(!status().rejected);
	ck_assert_int_eq(status().error.code, ERR_NONE);
}
END_TEST

/* The same revision from a server that was upgraded, or taken back. */
START_TEST(one_revision_in_two_versions)
{
	struct model_document in_force = {
		.schema = 1, .ce = (char*)"acme/paris-r1", .epoch = 3, .revision = 7,
	};
	struct held held = { .doc = &in_force, .etag = "\"3.7-0\"" }, taken;
	struct belief b = {
		.ce = "acme/paris-r1", .server = "a", .held = &held, .barred = "",
		.allowed = "",
	};
	char *body = document("acme/paris-r1", 3, 7, "50"), etag[128];
	struct err e = {0};

	etag_of(body, 3, 7, etag);
	ck_assert_int_eq(belief_take(&b, body, strlen(body), etag, EXPECT_ACTIVE,
								 &taken, &e), 0);
	held_done(&taken);
	in_force.schema = 0;
	ck_assert_int_lt(belief_take(&b, body, strlen(body), etag, EXPECT_ACTIVE,
								 &taken, &e), 0);
	ck_assert_int_eq(e.code, ERR_DOCUMENT_STALE);
	free(body);
}
END_TEST

static const struct {
	const char *said;
	bool taken;
} reports[] = {
	{ "", true },
	{ "ce-status/1", true },
	{ "ce-status/2, ce-status/1", true },
	{ "ce-status/2", false },
	{ "ce-config/1", false },
};

START_TEST(reports_are_what_the_server_takes)
{
	provider_start(p);
	snprintf(answer_schema, sizeof(answer_schema), "%s", reports[_i].said);
	answer_document(3, 7, "50");
	states = 0;
	provider_report(p, "{}", 2);
	ck_assert_uint_eq(posted, reports[_i].taken);
	ck_assert_uint_eq(documents, 1);
	ck_assert_int_eq(status().skew.code,
					 reports[_i].taken ? ERR_NONE : ERR_SCHEMA);
	/* the older server again: another report is asked for */
	answer_schema[0] = '\0';
	answer(304, NULL, "");
	ck_assert_int_eq(status().skew.code, ERR_NONE);
	ck_assert_uint_eq(states > 0, !reports[_i].taken);
	provider_report(p, "{}", 2);
	ck_assert_uint_eq(posted, 1 + reports[_i].taken);
}
END_TEST

START_TEST(anothers_document)
{
	char *body = document("acme/lyon-r1", 3, 7, "50"), etag[128];

	provider_start(p);
	etag_of(body, 3, 7, etag);
	answer(200, body, etag);
	ck_assert_uint_eq(documents, 0);
	ck_assert_int_eq(status().error.code, ERR_DOCUMENT);
}
END_TEST

START_TEST(a_true_tombstone)
{
	provider_start(p);
	answer_document(3, 7, "50");
	answer(410, tombstone(3, 8), "");
	ck_assert_uint_eq(documents, 2);
	ck_assert_int_eq(state, MODEL_DEPROVISIONED);
	ck_assert(status().deprovisioned);
	ck_assert_uint_eq(saves, 1);
	provider_applied(p);
	/* and no older one with keys beside it */
	ck_assert_uint_eq(removes, 1);
	/* what is saved after it stays */
	ck_assert_uint_lt(saves_at_remove, saves);
	ck_assert_uint_eq(saves, 2);
	ck_assert_ptr_nonnull(strstr(saved, "deprovisioned"));
}
END_TEST

START_TEST(suspended_is_a_document_like_others)
{
	char *body = any_document("acme/paris-r1", 3, 8, "50", "suspended");
	char etag[128];

	provider_start(p);
	answer_document(3, 7, "50");
	ck_assert(!status().suspended);
	etag_of(body, 3, 8, etag);
	answer(200, body, etag);
	ck_assert_uint_eq(documents, 2);
	ck_assert_int_eq(state, MODEL_SUSPENDED);
	ck_assert(status().suspended && !status().deprovisioned);
	/* its servers are asked, not those of the bundle */
	ck_assert_str_eq(status().server, "https://a:1");
}
END_TEST

START_TEST(an_old_or_misplaced_tombstone)
{
	provider_start(p);
	answer_document(3, 7, "50");
	answer(410, tombstone(3, 6), "");
	ck_assert_uint_eq(documents, 1);
	answer(200, tombstone(3, 9), "");
	ck_assert_uint_eq(documents, 1);
	answer(410, document("acme/paris-r1", 3, 9, "50"), "");
	ck_assert_uint_eq(documents, 1);
}
END_TEST

START_TEST(disk_first)
{
	disk_rc = 0;
	on_disk = document("acme/paris-r1", 3, 7, "50");
	etag_of(on_disk, 3, 7, on_disk_etag);
	provider_start(p);
	ck_assert_uint_eq(documents, 1);
	ck_assert_uint_eq(asked, 1);
	ck_assert_str_eq(asked_etag, on_disk_etag);
	provider_applied(p);
	ck_assert_uint_eq(saves, 0);
	/* an older one from the server does not replace it */
	answer_document(3, 6, "50");
	ck_assert_uint_eq(documents, 1);
}
END_TEST

START_TEST(disk_does_not_open)
{
	disk_rc = -EBADMSG;
	provider_start(p);
	ck_assert_uint_eq(documents, 0);
	ck_assert_int_eq(status().error.code, ERR_SEALED);
	ck_assert_uint_eq(asked, 1);
	answer_document(3, 7, "50");
	ck_assert_uint_eq(documents, 1);
}
END_TEST

START_TEST(another_server_after_a_failure)
{
	struct fetch_answer a = { .rc = -ECONNREFUSED };

	err_set(&a.err, 0, ERR_UNREACHABLE, "a", "refused");
	provider_start(p);
	ck_assert_str_eq(status().server, "https://a:1");
	asked_fn(asked_user, &a);
	ck_assert_str_eq(status().server, "https://b:1");
	ck_assert(!status().connected);
	ck_assert_int_eq(status().error.code, ERR_UNREACHABLE);
}
END_TEST

static unsigned left_refused;

static void on_left_alone(void *user, const struct err *e)
{
	(void)user;
	left_refused += e != NULL;
}

/* Nothing of what was under way ends by itself any more. */
START_TEST(another_address_begins_anew)
{
	provider_start(p);
	answer_document(3, 7, "50");
	ck_assert_uint_eq(asked_wait, 50);
	provider_leave(p, on_left_alone, NULL);
	fetches_ended = 0;
	provider_reconnect(p);
	ck_assert_uint_eq(fetches_ended, 1);
	ck_assert_uint_eq(left_refused, 1);
	ck_assert_uint_eq(asked_wait, 0);
	ck_assert_uint_eq(asked, 3);
	ck_assert_str_eq(asked_server, "https://a:1");
	/* asked and reported as ever */
	answer(304, NULL, "");
	ck_assert_uint_eq(asked_wait, 50);
	posted = 0;
	provider_report(p, "{}", 2);
	ck_assert_uint_eq(posted, 1);
	/* one that was asked to be silent stays so */
	provider_quit(p);
	asked = 0;
	provider_reconnect(p);
	ck_assert_uint_eq(asked, 0);
}
END_TEST

START_TEST(a_poke_asks_at_once_but_not_twice)
{
	provider_start(p);
	answer_document(3, 7, "50");
	ck_assert(provider_idle(p));
	provider_poke(p);
	ck_assert_uint_eq(asked_wait, 0);
	ck_assert(!provider_idle(p));
	ck_assert_uint_eq(asked, 3);
	provider_poke(p);
	ck_assert_uint_eq(asked, 3);
	answer(304, NULL, "");
	ck_assert(provider_idle(p));
}
END_TEST

START_TEST(a_server_that_never_waits_is_not_asked_in_a_circle)
{
	provider_start(p);
	answer_document(3, 7, "50");
	for (unsigned i = 0; i < 4; i++)
	{
		answer(304, NULL, "");
	}
	ck_assert_uint_eq(asked, 6);
	answer(304, NULL, "");
	ck_assert_uint_eq(asked, 6);	/* later */
	provider_poke(p);
	ck_assert_uint_eq(asked, 7);
	answer_document(3, 8, "50");
	ck_assert_uint_eq(documents, 2);
	ck_assert_uint_eq(asked, 8);
}
END_TEST

/* ---- leave ----------------------------------------------------------------- */

static unsigned left;
static struct err left_err;

static void on_left(void *user, const struct err *error)
{
	(void)user;
	left++;
	left_err = error ? *error : (struct err){ .code = ERR_NONE };
}

static void answer_leave(int rc, unsigned status, const char *body)
{
	struct fetch_answer a = {
		.rc = rc, .status = status, .body = (char*)body,
		.len = body ? strlen(body) : 0, .notify_ms = -1,
	};

	if (rc)
	{
		err_set(&a.err, rc, ERR_UNREACHABLE, "https://a:1", "no route");
	}
	leave_fn(leave_user, &a);
}

START_TEST(leave_is_followed_by_the_tombstone)
{
	unsigned before;

	left = 0;
	provider_start(p);
	answer_document(3, 7, "50");
	/* an answer to this one may be from before */
	provider_poke(p);
	before = asked;
	provider_leave(p, on_left, NULL);
	ck_assert_uint_eq(leaves, 1);
	ck_assert_uint_eq(left, 0);
	ck_assert_uint_eq(asked, before);
	provider_leave(p, on_left, NULL);
	ck_assert_uint_eq(left, 1);
	ck_assert_int_eq(left_err.code, ERR_IN_USE);
	answer_leave(0, 204, NULL);
	ck_assert_uint_eq(left, 2);
	ck_assert_int_eq(left_err.code, ERR_NONE);
	ck_assert_uint_eq(asked, before + 1);
	ck_assert_uint_eq(asked_wait, 0);
	/* only what is fetched and checked removes */
	ck_assert_uint_eq(documents, 1);
	answer(410, tombstone(3, 8), "");
	ck_assert_int_eq(state, MODEL_DEPROVISIONED);
}
END_TEST

static const struct {
	int rc;
	unsigned status;
	const char *body;
	enum err_code code;
	const char *text;
} refusals[] = {
	{ -EHOSTUNREACH, 0, NULL, ERR_UNREACHABLE, "no route" },
	{ 0, 404, NULL, ERR_HTTP, "status 404: it may be too old" },
	{ 0, 503, "busy", ERR_HTTP, "refuses with status 503" },
	{ 0, 409, "{\"error\":{\"code\":\"in-use\",\"where\":\"acme/corp/paris\","
	  "\"text\":\"the last hub\"}}", ERR_IN_USE,
	  "refuses: acme/corp/paris: the last hub" },
	{ 0, 409, "{\"error\":{\"code\":\"what\",\"where\":\"\",\"text\":\"no\"}}",
	  ERR_HTTP, "refuses: no" },
	{ 0, 403, "{\"error\":{\"code\":\"denied\",\"where\":\"\",\"text\":"
	  "\"\\u001b[2J\"}}", ERR_HTTP, "refuses with status 403" },
};

START_TEST(leave_refused_changes_nothing)
{
	unsigned before;

	left = 0;
	provider_start(p);
	answer_document(3, 7, "50");
	before = asked;
	provider_leave(p, on_left, NULL);
	answer_leave(refusals[_i].rc, refusals[_i].status, refusals[_i].body);
	ck_assert_uint_eq(left, 1);
	ck_assert_int_eq(left_err.code, refusals[_i].code);
	ck_assert_msg(strstr(left_err.text, refusals[_i].text) != NULL, "%s",
				  left_err.text);
	ck_assert_uint_eq(asked, before);
	ck_assert_uint_eq(documents, 1);
	/* and may be tried again */
	provider_leave(p, on_left, NULL);
	ck_assert_uint_eq(leaves, 2);
}
END_TEST

/* ---- the key for IKE --------------------------------------------------------- */

static unsigned told, refused_after;
static struct err told_err;

static void on_told(void *user, const char *text, const struct err *error,
					unsigned retry_after)
{
	ck_assert_ptr_eq(user, &told);
	ck_assert((text == NULL) == (error != NULL));
	told++;
	refused_after = retry_after;
	told_err = error ? *error : (struct err){ .code = ERR_NONE };
}

static void answer_ike_key(int rc, unsigned code, const char *body,
						   unsigned retry_after)
{
	struct fetch_answer a = {
		.rc = rc, .status = code, .body = (char*)(body ? body : ""),
		.len = body ? strlen(body) : 0, .notify_ms = -1,
		.retry_after = retry_after,
	};

	if (rc)
	{
		err_set(&a.err, rc, ERR_UNREACHABLE, "https://a:1", "no route");
	}
	ike_key_fn(ike_key_user, &a);
}

START_TEST(a_key_is_told)
{
	provider_start(p);
	answer_document(3, 7, "50");
	told = ike_keys = 0;
	provider_ike_key(p, "csr", on_told, &told);
	ck_assert_uint_eq(ike_keys, 1);
	ck_assert_uint_eq(told, 0);
	answer_ike_key(0, 204, NULL, 0);
	ck_assert_uint_eq(told, 1);
	ck_assert_int_eq(told_err.code, ERR_NONE);
	/* nobody waits for an answer any more */
	provider_reconnect(p);
	ck_assert_uint_eq(told, 1);
	provider_ike_key(p, "csr", on_told, &told);
	provider_reconnect(p);
	ck_assert_uint_eq(told, 2);
	ck_assert_int_eq(told_err.code, ERR_UNREACHABLE);
}
END_TEST

START_TEST(a_key_is_refused)
{
	provider_start(p);
	answer_document(3, 7, "50");
	told = 0;
	provider_ike_key(p, "csr", on_told, &told);
	answer_ike_key(refusals[_i].rc, refusals[_i].status, refusals[_i].body, 9);
	ck_assert_uint_eq(told, 1);
	ck_assert_uint_eq(refused_after, 9);
	ck_assert_int_eq(told_err.code, refusals[_i].code);
	ck_assert_msg(strstr(told_err.text, refusals[_i].text) != NULL, "%s",
				  told_err.text);
}
END_TEST

/* ---- diagnosis ------------------------------------------------------------- */

static void answer_diag(int rc, unsigned status)
{
	struct fetch_answer a = { .rc = rc, .status = status, .notify_ms = -1 };

	diag_fn(diag_user, &a);
}

static void answer_wants(unsigned status, const char *which)
{
	struct fetch_answer a = { .status = status, .notify_ms = -1 };

	snprintf(a.diag, sizeof(a.diag), "%s", which);
	asked_fn(asked_user, &a);
}

START_TEST(a_bundle_is_made_once_for_each_id)
{
	provider_start(p);
	answer_document(3, 7, "50");
	ck_assert_uint_eq(wanted_diags, 0);
	answer_wants(304, "17");
	ck_assert_uint_eq(wanted_diags, 1);
	ck_assert_str_eq(wanted_diag, "17");
	answer_wants(304, "17");
	answer_wants(304, "18");			/* one at a time */
	ck_assert_uint_eq(wanted_diags, 1);
	provider_diag(p, "17", "{}", 2);
	ck_assert_str_eq(diag_sent, "17 {}");
	answer_diag(0, 204);
	answer_wants(304, "17");
	ck_assert_uint_eq(wanted_diags, 1);
	answer_wants(304, "18");
	ck_assert_uint_eq(wanted_diags, 2);
	provider_diag(p, "18", "{}", 2);
	answer_diag(-EHOSTUNREACH, 0);		/* lost: it is still wanted */
	answer_wants(304, "18");
	ck_assert_uint_eq(wanted_diags, 3);
	provider_diag(p, "18", "{}", 2);
	answer_diag(0, 400);				/* refused: not again */
	answer_wants(304, "18");
	answer_wants(503, "19");			/* no answer to believe */
	ck_assert_uint_eq(wanted_diags, 3);
	ck_assert_uint_eq(diags, 3);
}
END_TEST

START_TEST(reports_wait_for_a_connection)
{
	provider_start(p);
	provider_report(p, "{}", 2);
	ck_assert_uint_eq(posted, 0);
	answer_document(3, 7, "50");
	ck_assert_uint_eq(posted, 1);
	provider_report(p, "{}", 2);
	ck_assert_uint_eq(posted, 2);
}
END_TEST

START_TEST(after_quit_nothing_is_asked_or_taken)
{
	provider_start(p);
	answer_document(3, 7, "50");
	provider_poke(p);
	provider_quit(p);
	asked = 0;
	ck_assert(provider_idle(p));
	answer_document(3, 8, "50");		/* it was on its way */
	ck_assert_uint_eq(documents, 1);
	provider_poke(p);
	ck_assert(provider_idle(p));
	provider_report(p, "{}", 2);
	ck_assert_uint_eq(asked, 0);
	ck_assert_uint_eq(posted, 0);
	ck_assert(!status().connected);
}
END_TEST

int main(void)
{
	TCase *tc = tcase_create("provider");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, first_document);
	tcase_add_test(tc, kept_when_the_disk_has_room_again);
	tcase_add_loop_test(tc, order_of_documents, 0, COUNT(orders));
	tcase_add_loop_test(tc, nothing_is_removed_on_a_fault, 0, COUNT(refused));
	tcase_add_test(tc, an_answer_without_an_etag_is_forgotten);
	tcase_add_test(tc, content_must_fit_its_etag);
	tcase_add_loop_test(tc, a_server_with_newer_documents_only, 0,
						COUNT(newer));
	tcase_add_test(tc, a_newer_document_all_the_same);
	tcase_add_test(tc, one_revision_in_two_versions);
	tcase_add_loop_test(tc, reports_are_what_the_server_takes, 0,
						COUNT(reports));
	tcase_add_test(tc, anothers_document);
	tcase_add_test(tc, a_true_tombstone);
	tcase_add_test(tc, suspended_is_a_document_like_others);
	tcase_add_test(tc, an_old_or_misplaced_tombstone);
	tcase_add_test(tc, disk_first);
	tcase_add_test(tc, disk_does_not_open);
	tcase_add_test(tc, another_server_after_a_failure);
	tcase_add_test(tc, another_address_begins_anew);
	tcase_add_test(tc, a_poke_asks_at_once_but_not_twice);
	tcase_add_test(tc, a_server_that_never_waits_is_not_asked_in_a_circle);
	tcase_add_test(tc, leave_is_followed_by_the_tombstone);
	tcase_add_loop_test(tc, leave_refused_changes_nothing, 0, COUNT(refusals));
	tcase_add_test(tc, a_key_is_told);
	tcase_add_loop_test(tc, a_key_is_refused, 0, COUNT(refusals));
	tcase_add_test(tc, a_bundle_is_made_once_for_each_id);
	tcase_add_test(tc, after_quit_nothing_is_asked_or_taken);
	tcase_add_test(tc, reports_wait_for_a_connection);
	return run_case(tc, "provider");
}
