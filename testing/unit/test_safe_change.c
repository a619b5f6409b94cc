/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * test_safe_change.c - documents on trial, the brake on mass removal, several
 * servers: the provider on a clock that the test moves
 */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/belief.h"
#include "agent/trial.h"
#include "alloc.h"
#include "fake_loop.h"
#include "provider_kit.h"
#include "run.h"
#include "text.h"

#define SECOND 1000ull

/* ---- documents with peers --------------------------------------------------- */

struct shape {
	unsigned revision, epoch;		/* epoch 0: 3 */
	unsigned first, peers;			/* sites p<first> ... of VPN corp */
	unsigned more;					/* of VPN more, with p<100> ... */
	unsigned told, told_at;			/* removed: p0 ... p<told-1> */
	unsigned bulk;
	const char *servers, *state;	/* NULL: a and b; active */
};

static void add_vpn(struct text *t, const struct shape *s, const char *vpn,
					unsigned first, unsigned count)
{
	text_addf(t, "{\"customer\":\"acme\",\"vpn\":\"%s\",\"site\":\"paris\","
		"\"ce-address\":\"192.0.2.5\",\"identity\":{\"fqdn-string\":"
		"\"paris.%s.x\"},\"topology\":{\"type\":\"any-to-any\",\"role\":"
		"\"any-to-any-role\"},\"authentication\":{\"auth-method\":"
		"\"pre-shared\"},\"router-id\":\"10.255.0.1\",\"mtu\":1400,\"routing\":"
		"{\"ospf\":{\"area\":\"0.0.0.0\",\"hello-interval\":10,"
		"\"dead-interval\":40,\"cost\":10}},\"retry\":{\"minimum-wait\":5,"
		"\"t1\":10,\"factor\":2,\"maximum\":600,\"alarm-after\":8},\"peers\":[",
		vpn, vpn);
	for (unsigned i = first; i < first + count; i++)
	{
		text_addf(t, "%s{\"peer\":\"p%u\",\"remote-address\":\"198.51.%u.%u\","
			"\"identity\":{\"fqdn-string\":\"p%u.%s.x\"},\"pre-shared\":"
			"{\"keys\":[{\"key-id\":\"g1\",\"use\":\"send-and-accept\","
			"\"secret\":\"000102030405060708090a0b0c0d0e0f\"}]},"
			"\"sa-profile\":\"d\",\"initiator\":\"local\",\"tunnel\":"
			"{\"establishment\":\"permanent\",\"ipsec-mode\":\"tunnel\","
			"\"routing\":\"dynamic\"}}", i > first ? "," : "", i, 1 + i / 200,
			1 + i % 200, i, vpn);
	}
	text_add(t, "],\"removed\":[");
	for (unsigned i = 0; i < (strcmp(vpn, "corp") ? 0 : s->told); i++)
	{
		text_addf(t, "%s{\"peer\":\"p%u\",\"at-revision\":%u,\"reason\":"
				  "\"site-removed\"}", i ? "," : "", i, s->told_at);
	}
	text_add(t, "]}");
}

static char *shaped(const struct shape *s)
{
	struct text t = {0};

	text_addf(&t, "{\"schema\":\"ce-config/1\",\"ce\":\"acme/paris-r1\","
		"\"epoch\":%u,\"revision\":%u,", s->epoch ? s->epoch : 3, s->revision);
	if (s->bulk)
	{
		text_addf(&t, "\"bulk-removal\":%u,", s->bulk);
	}
	text_addf(&t, "\"state\":\"%s\",\"management\":{\"servers\":[%s],"
		"\"poll-interval\":300,\"long-poll-timeout\":50,\"report-interval\":300"
		",\"confirm-timeout\":60},\"sa-profiles\":{\"d\":{\"proposals\":[\"a\"]"
		",\"esp_proposals\":[\"a\"],\"rekey_time\":14400,\"child_rekey_time\":"
		"3600,\"dpd_delay\":30}},\"vpns\":[", s->state ? s->state : "active",
		s->servers ? s->servers : "\"https://a:1\",\"https://b:1\"");
	add_vpn(&t, s, "corp", s->first, s->peers);
	if (s->more)
	{
		text_add(&t, ",");
		add_vpn(&t, s, "more", 100, s->more);
	}
	text_add(&t, "]}");
	return text_take(&t);
}

static void shape_etag(const struct shape *s, char out[128])
{
	char *body = shaped(s);

	etag_of(body, s->epoch ? s->epoch : 3, s->revision, out);
	free(body);
}

static void offer(const struct shape *s)
{
	char etag[128];

	shape_etag(s, etag);
	answer(200, shaped(s), etag);
}

static void lose(bool heard)
{
	struct fetch_answer a = { .rc = -EHOSTUNREACH, .heard = heard };

	err_set(&a.err, 0, ERR_UNREACHABLE, "x", "planted");
	asked_fn(asked_user, &a);
}

/* Requests fail, as often as they are made, while time goes by. */
static void lose_for(uint64_t seconds, bool heard)
{
	unsigned known = 0;

	for (uint64_t i = 0; i < seconds; i++)
	{
		if (asked != known)
		{
			lose(heard);
			known = asked;
		}
		fake_loop_pass(SECOND);
	}
}

static const struct shape old = { .revision = 7, .peers = 8 };
static const struct shape new = { .revision = 8, .peers = 9 };

/* The old one is known for long, the new one comes and is applied. */
static void begin(const struct shape *next)
{
	provider_start(p);
	offer(&old);
	provider_applied(p);
	fake_loop_pass(1000 * SECOND);
	offer(next);
	ck_assert_uint_eq(revision, next->revision);
	ck_assert(!status().confirmed);
	fake_loop_pass(200);
	provider_applied(p);
}

/* ---- trial ------------------------------------------------------------------- */

START_TEST(confirmed_by_a_report)
{
	begin(&new);
	ck_assert_uint_eq(saves, 1);
	ck_assert_uint_eq(trial_on_disk.tries, 1);
	provider_report(p, "{}", 2);
	ck_assert(status().confirmed);
	ck_assert_uint_eq(saves, 2);
	ck_assert_ptr_nonnull(strstr(saved, "\"revision\":8"));
	ck_assert_str_eq(trial_on_disk.etag, "");
	fake_loop_pass(1000 * SECOND);
	ck_assert_uint_eq(revision, 8);
	ck_assert_uint_eq(documents, 2);
}
END_TEST

/* No report gets through: the configuration is asked for, anew. */
START_TEST(confirmed_by_a_request_that_began_after_it)
{
	unsigned before;

	begin(&new);
	before = asked;
	/* the long poll from before it was applied proves nothing */
	ck_assert_uint_eq(asked_wait, 50);
	fake_loop_pass(2 * SECOND);
	ck_assert_uint_eq(asked, before + 1);
	ck_assert_uint_eq(asked_wait, 0);
	answer(503, NULL, "");
	ck_assert(status().confirmed);
	ck_assert_uint_eq(saves, 2);
}
END_TEST

START_TEST(an_answer_to_an_older_request_does_not_confirm)
{
	begin(&new);
	answer(304, NULL, "");
	ck_assert(!status().confirmed);
	ck_assert_uint_eq(saves, 1);
	answer(304, NULL, "");
	ck_assert(status().confirmed);
}
END_TEST

START_TEST(taken_back_and_never_tried_again)
{
	char etag[128];

	begin(&new);
	shape_etag(&new, etag);
	lose_for(59, false);
	ck_assert_uint_eq(revision, 8);
	lose_for(2, false);
	ck_assert_uint_eq(revision, 7);
	ck_assert(last_document.from_disk);
	ck_assert_int_eq(status().error.code, ERR_UNREACHABLE);
	ck_assert_int_eq(status().refusal.code, ERR_ROLLED_BACK);
	ck_assert(status().rejected);
	ck_assert_uint_eq(status().revision, 7);
	provider_applied(p);
	ck_assert_uint_eq(saves, 1);
	/* a server is there again: it was to blame */
	lose_for(5, false);
	answer(304, NULL, "");
	ck_assert_int_eq(trial_on_disk.fate, LASTCONF_CONDEMNED);
	ck_assert_str_eq(trial_on_disk.etag, etag);
	ck_assert_int_eq(status().error.code, ERR_ROLLED_BACK);
	/* it waits for another one, and does not take this one */
	ck_assert_str_eq(asked_etag, etag);
	offer(&new);
	ck_assert_uint_eq(revision, 7);
	ck_assert_int_eq(status().error.code, ERR_ROLLED_BACK);
	/* nor another content of its number */
	offer(&(struct shape){ .revision = 8, .peers = 8 });
	ck_assert_uint_eq(revision, 7);
	ck_assert_int_eq(status().error.code, ERR_DOCUMENT_STALE);
	offer(&(struct shape){ .revision = 9, .peers = 8 });
	ck_assert_uint_eq(revision, 9);
	ck_assert(!status().rejected);
	ck_assert_int_eq(status().error.code, ERR_NONE);
}
END_TEST

/* Answers to what was asked before it went back prove nothing, and a long poll
 * would take too long. */
START_TEST(looks_for_the_proof)
{
	unsigned before;

	begin(&new);
	lose_for(61, false);
	ck_assert_uint_eq(revision, 7);
	fake_loop_pass(3 * SECOND);
	answer(304, NULL, "");
	ck_assert_uint_eq(asked_wait, 50);
	fake_loop_pass(SECOND);
	provider_applied(p);
	ck_assert_int_eq(trial_on_disk.fate, LASTCONF_BACK);
	before = asked;
	fake_loop_pass(2 * SECOND);
	ck_assert_uint_eq(asked, before + 1);
	ck_assert_uint_eq(asked_wait, 0);
	answer(304, NULL, "");
	ck_assert_int_eq(trial_on_disk.fate, LASTCONF_CONDEMNED);
	/* it is at rest then */
	before = asked;
	fake_loop_pass(200 * SECOND);
	ck_assert_uint_eq(asked, before);
}
END_TEST

START_TEST(not_to_blame_for_a_long_outage)
{
	begin(&new);
	lose_for(61, false);
	ck_assert_uint_eq(revision, 7);
	provider_applied(p);
	/* going back did not help: it was something else */
	lose_for(600, false);
	ck_assert_uint_eq(documents, 3);
	answer(304, NULL, "");
	ck_assert(!status().rejected);
	ck_assert_int_eq(status().error.code, ERR_NONE);
	/* tried again, since a server is there to confirm it */
	offer(&new);
	ck_assert_uint_eq(revision, 8);
	provider_applied(p);
	ck_assert_uint_eq(trial_on_disk.tries, 2);
	provider_report(p, "{}", 2);
	ck_assert(status().confirmed);
	ck_assert_str_eq(trial_on_disk.etag, "");
}
END_TEST

START_TEST(twice_is_enough)
{
	begin(&new);
	lose_for(61, false);
	provider_applied(p);
	lose_for(600, false);
	answer(304, NULL, "");
	offer(&new);
	provider_applied(p);
	lose_for(70, false);
	ck_assert_uint_eq(revision, 7);
	provider_applied(p);
	lose_for(600, false);
	answer(304, NULL, "");
	ck_assert_int_eq(trial_on_disk.fate, LASTCONF_CONDEMNED);
	offer(&new);
	ck_assert_uint_eq(revision, 7);
	ck_assert_uint_eq(documents, 5);
}
END_TEST

/* The server's machine is there, the server is not: no reason to go back. */
START_TEST(a_server_that_is_down_takes_nothing_back)
{
	begin(&new);
	lose_for(5000, true);
	ck_assert_uint_eq(revision, 8);
	ck_assert_uint_eq(documents, 2);
	/* and it is not the last known good one before it answers */
	ck_assert_uint_eq(saves, 1);
	ck_assert(!status().confirmed);
	answer(304, NULL, "");
	ck_assert(status().confirmed);
	ck_assert_uint_eq(saves, 2);
}
END_TEST

/* Other servers than the one that gave it prove nothing by refusing. */
START_TEST(wrong_servers_are_taken_back)
{
	static const struct shape lost = {
		.revision = 8, .peers = 8, .servers = "\"https://c:1\"",
	};

	begin(&lost);
	ck_assert_str_eq(status().server, "https://c:1");
	fake_loop_pass(2 * SECOND);
	lose_for(70, true);
	ck_assert_uint_eq(revision, 7);
	ck_assert_str_ne(status().server, "https://c:1");
}
END_TEST

/* What takes long to be applied is not taken back while servers answer. */
START_TEST(time_counts_from_the_last_answer_before_it_is_applied)
{
	provider_start(p);
	offer(&old);
	provider_applied(p);
	offer(&new);
	for (unsigned i = 0; i < 20; i++)
	{
		fake_loop_pass(50 * SECOND);
		answer(304, NULL, "");
	}
	ck_assert_uint_eq(revision, 8);
	ck_assert(!status().confirmed);
	provider_applied(p);
	fake_loop_pass(2 * SECOND);
	answer(304, NULL, "");
	ck_assert(status().confirmed);
}
END_TEST

START_TEST(a_restart_goes_back_and_tries_once_more)
{
	char etag[128];

	shape_etag(&new, etag);
	snprintf(trial_on_disk.etag, sizeof(trial_on_disk.etag), "%s", etag);
	trial_on_disk.epoch = 3;
	trial_on_disk.revision = 8;
	trial_on_disk.tries = (unsigned)_i + 1;
	trial_on_disk.fate = LASTCONF_BACK;
	disk_rc = 0;
	on_disk = shaped(&old);
	etag_of(on_disk, 3, 7, on_disk_etag);
	provider_start(p);
	ck_assert_uint_eq(revision, 7);
	offer(&new);
	ck_assert_uint_eq(revision, _i ? 7 : 8);
	ck_assert_uint_eq(trial_on_disk.tries, 2);
	ck_assert_int_eq(trial_on_disk.fate == LASTCONF_CONDEMNED, _i);
	ck_assert_int_eq(status().error.code, _i ? ERR_ROLLED_BACK : ERR_NONE);
	if (_i)
	{	/* a person may have it tried all the same */
		struct err e = {0};

		ck_assert_int_eq(provider_retry(p, &e), 0);
		ck_assert_str_eq(asked_etag, on_disk_etag);
		offer(&new);
		ck_assert_uint_eq(revision, 8);
		ck_assert_uint_eq(trial_on_disk.tries, 1);
		ck_assert_int_eq(provider_retry(p, &e), -ENOENT);
	}
}
END_TEST

/* Our end in a trial proves nothing, however often; but a pause is made. */
static const struct {
	unsigned before;			/* so often already */
	uint64_t pause;				/* seconds */
} cut_short[] = {
	{ 0, 0 }, { 1, 0 }, { 2, 0 }, { 3, 15 }, { 4, 30 }, { 8, 480 }, { 9, 600 },
	{ 99999, 600 },
};

static void start_after(unsigned tries, unsigned interrupted)
{
	char etag[128];

	shape_etag(&new, etag);
	memcpy(trial_on_disk.etag, etag, sizeof(etag));
	trial_on_disk.epoch = 3;
	trial_on_disk.revision = 8;
	trial_on_disk.tries = tries;
	trial_on_disk.interrupted = interrupted;
	trial_on_disk.fate = LASTCONF_RUNNING;
	disk_rc = 0;
	on_disk = shaped(&old);
	etag_of(on_disk, 3, 7, on_disk_etag);
	provider_start(p);
	ck_assert_uint_eq(revision, 7);
}

START_TEST(a_trial_cut_short_is_no_verdict)
{
	uint64_t pause = cut_short[_i].pause;

	start_after(1, cut_short[_i].before);
	ck_assert_uint_eq(trial_on_disk.tries, 0);
	ck_assert_uint_eq(trial_on_disk.interrupted, cut_short[_i].before + 1);
	ck_assert_int_eq(trial_on_disk.fate, LASTCONF_BACK);
	ck_assert_int_eq(status().rejected, pause != 0);
	ck_assert_int_eq(status().refusal.code, pause ? ERR_ROLLED_BACK : ERR_NONE);
	if (pause)
	{
		ck_assert_str_eq(asked_etag, trial_on_disk.etag);
		offer(&new);
		ck_assert_uint_eq(revision, 7);
		ck_assert_int_eq(status().error.code, ERR_ROLLED_BACK);
		fake_loop_pass(pause * SECOND - 100);
		ck_assert_str_eq(asked_etag, trial_on_disk.etag);
		fake_loop_pass(200);
		ck_assert_str_eq(asked_etag, on_disk_etag);
		ck_assert(!status().rejected);
	}
	offer(&new);
	ck_assert_uint_eq(revision, 8);
	ck_assert_int_eq(status().error.code, ERR_NONE);
	ck_assert_uint_eq(trial_on_disk.tries, 1);
	ck_assert_uint_eq(trial_on_disk.interrupted, cut_short[_i].before + 1);
	ck_assert_int_eq(trial_on_disk.fate, LASTCONF_RUNNING);
	provider_applied(p);
	provider_report(p, "{}", 2);
	ck_assert(status().confirmed);
	ck_assert_str_eq(trial_on_disk.etag, "");
}
END_TEST

/* Neither a person nor another document waits for the end of the pause. */
START_TEST(a_pause_has_ends)
{
	struct err e = {0};

	start_after(2, 5);
	ck_assert_int_eq(trial_on_disk.fate, LASTCONF_BACK);
	ck_assert(status().rejected);
	if (_i)
	{
		ck_assert_int_eq(provider_retry(p, &e), 0);
		ck_assert_str_eq(asked_etag, on_disk_etag);
		offer(&new);
		ck_assert_uint_eq(revision, 8);
	}
	else
	{
		offer(&(struct shape){ .revision = 9, .peers = 8 });
		ck_assert_uint_eq(revision, 9);
	}
	ck_assert(!status().rejected);
	ck_assert_uint_eq(trial_on_disk.tries, 1);
	ck_assert_uint_eq(trial_on_disk.interrupted, 0);
	provider_applied(p);
	provider_report(p, "{}", 2);
	ck_assert(status().confirmed);
	ck_assert_int_eq(provider_retry(p, &e), -ENOENT);
	fake_loop_pass(1000 * SECOND);
	ck_assert_uint_eq(revision, _i ? 8 : 9);
}
END_TEST

/* A crash between the two: it is confirmed. */
START_TEST(what_was_kept_is_confirmed)
{
	disk_rc = 0;
	on_disk = shaped(&new);
	etag_of(on_disk, 3, 8, on_disk_etag);
	snprintf(trial_on_disk.etag, sizeof(trial_on_disk.etag), "%s",
			 on_disk_etag);
	trial_on_disk.tries = 2;
	provider_start(p);
	ck_assert_uint_eq(revision, 8);
	ck_assert(status().confirmed);
	ck_assert(!status().rejected);
	ck_assert_str_eq(trial_on_disk.etag, "");
}
END_TEST

START_TEST(a_newer_one_takes_its_place_on_trial)
{
	begin(&new);
	offer(&(struct shape){ .revision = 9, .peers = 7 });
	provider_applied(p);
	ck_assert_uint_eq(trial_on_disk.revision, 9);
	ck_assert_uint_eq(trial_on_disk.tries, 1);
	lose_for(70, false);
	/* to the one that was confirmed */
	ck_assert_uint_eq(revision, 7);
}
END_TEST

START_TEST(nothing_comes_back_after_a_tombstone)
{
	begin(&new);
	answer(410, tombstone(3, 9), "");
	ck_assert_int_eq(state, MODEL_DEPROVISIONED);
	provider_applied(p);
	ck_assert_uint_eq(saves, 2);
	ck_assert_str_eq(trial_on_disk.etag, "");
	lose_for(500, false);
	ck_assert_int_eq(state, MODEL_DEPROVISIONED);
	ck_assert_uint_eq(documents, 3);
}
END_TEST

/* Two documents before the first was applied or could be kept: what comes back
 * is kept. */
START_TEST(the_first_is_kept_when_it_comes_back)
{
	save_rc = -ENOSPC;
	provider_start(p);
	offer(&old);
	save_rc = 0;
	offer(&new);
	provider_applied(p);
	ck_assert_uint_eq(saves, 0);
	lose_for(70, false);
	ck_assert_uint_eq(revision, 7);
	ck_assert_uint_eq(saves, 0);
	provider_applied(p);
	ck_assert_uint_eq(saves, 1);
	ck_assert_ptr_nonnull(strstr(saved, "\"revision\":7"));
}
END_TEST

/* A document by itself, after what is held. */
static const struct {
	struct shape doc;
	bool etag, barred;
	int rc;
} beliefs[] = {
	{ { .revision = 7, .peers = 8 }, true, false, 0 },	/* it is that one */
	{ { .revision = 7, .peers = 9 }, true, false, -ESTALE },
	{ { .revision = 8, .peers = 8 }, false, false, 0 },
	{ { .revision = 8, .first = 8, .peers = 8 }, false, false, -EPERM },
	{ { .revision = 6, .peers = 8 }, true, false, -ESTALE },
	{ { .revision = 9, .peers = 8 }, true, true, -ESTALE },
	{ { .revision = 10, .peers = 8 }, true, true, 0 },
	/* after a restore what was barred is another revision */
	{ { .revision = 1, .epoch = 4, .peers = 8 }, true, true, 0 },
};

START_TEST(what_is_believed)
{
	struct belief b = {
		.ce = "acme/paris-r1", .server = "s", .barred = "", .allowed = "",
	};
	struct held held = {0}, out = {0};
	struct err e = {0};
	char *body = shaped(&old), etag[128];

	b.held = &held;
	shape_etag(&old, etag);
	ck_assert_int_eq(belief_take(&b, body, strlen(body), etag, EXPECT_ACTIVE,
								 &out, &e), 0);
	held = out;
	out = (struct held){0};
	free(body);
	body = shaped(&beliefs[_i].doc);
	shape_etag(&beliefs[_i].doc, etag);
	b.barred = beliefs[_i].barred ? "\"3.9-0000000000000000\"" : "";
	b.barred_epoch = 3;
	b.barred_revision = 9;
	ck_assert_int_eq(belief_take(&b, body, strlen(body), beliefs[_i].etag ?
								 etag : "", EXPECT_ACTIVE, &out, &e),
					 beliefs[_i].rc);
	ck_assert((out.doc != NULL) == (beliefs[_i].rc == 0));
	held_done(&out);
	held_done(&held);
	free(body);
}
END_TEST

/* What comes at another time than it counts. */
/* The tombstone was for the key of before: the new one's document has the same
 * revision. Nothing older, and not the other way round. */
START_TEST(enrolled_anew_after_a_tombstone)
{
	begin(&new);
	answer(410, tombstone(3, 9), "");
	provider_applied(p);
	ck_assert_int_eq(state, MODEL_DEPROVISIONED);
	offer(&new);
	ck_assert_int_eq(state, MODEL_DEPROVISIONED);
	ck_assert_int_eq(status().error.code, ERR_DOCUMENT_STALE);
	offer(&(struct shape){ .revision = 9, .peers = 8 });
	ck_assert_int_eq(state, MODEL_ACTIVE);
	ck_assert_uint_eq(revision, 9);
	provider_applied(p);
	answer(410, tombstone(3, 9), "");
	ck_assert_int_eq(state, MODEL_ACTIVE);
	ck_assert_int_eq(status().error.code, ERR_DOCUMENT_STALE);
}
END_TEST

START_TEST(out_of_turn)
{
	struct trial t = {0};

	trial_applied(&t, 5);
	ck_assert(!t.applied);						/* nothing is on trial */
	trial_heard(&t, 5);
	ck_assert(!t.kept);
	ck_assert_int_eq(trial_answered(&t, 5, 6, 1), TRIAL_NO_VERDICT);
	trial_begin(&t, 1000, 100);
	trial_heard(&t, 1000);
	ck_assert(!t.kept);							/* not applied yet */
	trial_applied(&t, 1010);
	trial_applied(&t, 1090);					/* once more: no news */
	ck_assert_uint_eq(trial_deadline(&t), 1110);
	trial_heard(&t, 1009);
	ck_assert(!t.kept);							/* asked before it */
	ck_assert(trial_is_urgent(&t, 1110));
	trial_heard(&t, 1010);
	ck_assert(t.kept && !trial_is_urgent(&t, 1110));
	ck_assert_uint_eq(trial_deadline(&t), 0);
	ck_assert_int_eq(trial_answered(&t, 1010, 5000, 1), TRIAL_CONFIRMED);
	trial_begin(&t, 1000, 100);
	trial_back(&t, 2000);
	trial_heard(&t, 3000);
	ck_assert(!t.kept);							/* it is back already */
	ck_assert_int_eq(trial_answered(&t, 2000, 2001, 1), TRIAL_NO_VERDICT);
}
END_TEST

/* Nothing stands before the first: it is kept at once, and only it. */
START_TEST(the_first_is_kept_before_it_is_applied)
{
	provider_start(p);
	offer(&old);
	ck_assert_uint_eq(saves, 1);
	ck_assert_ptr_nonnull(strstr(saved, "\"revision\":7"));
	offer(&new);
	provider_applied(p);
	ck_assert_uint_eq(saves, 1);
	lose_for(70, false);
	ck_assert_uint_eq(revision, 7);
	provider_applied(p);
	ck_assert_uint_eq(saves, 1);
	ck_assert_uint_eq(kept, 2);		/* it is the one on disk again */
}
END_TEST

/* A disk that was full: told until what is confirmed is kept after all. */
START_TEST(kept_when_the_disk_has_room_again)
{
	begin(&new);
	save_rc = -ENOSPC;
	provider_report(p, "{}", 2);
	ck_assert(status().confirmed);
	ck_assert_int_eq(status().error.code, ERR_IO);
	answer(304, NULL, "");
	ck_assert_int_eq(status().error.code, ERR_IO);
	ck_assert_uint_eq(saves, 1);
	save_rc = 0;
	answer(304, NULL, "");
	ck_assert_int_eq(status().error.code, ERR_NONE);
	ck_assert_uint_eq(saves, 2);
	answer(304, NULL, "");
	ck_assert_uint_eq(saves, 2);
}
END_TEST

/* ---- the brake ----------------------------------------------------------------- */

static const struct {
	struct shape was, is;
	bool braked;
} removals[] = {
	/* up to three may go, whatever there was */
	{ { .revision = 7, .peers = 3 }, { .revision = 8 }, false },
	{ { .revision = 7, .peers = 4 }, { .revision = 8 }, true },
	/* up to a quarter */
	{ { .revision = 7, .peers = 40 }, { .revision = 8, .peers = 30 }, false },
	{ { .revision = 7, .peers = 40 }, { .revision = 8, .peers = 29 }, true },
	{ { .revision = 7, .peers = 40 },
	  { .revision = 8, .peers = 40, .first = 11 }, true },
	/* explained ones do not count */
	{ { .revision = 7, .peers = 40 },
	  { .revision = 8, .told = 40, .told_at = 8 }, false },
	{ { .revision = 7, .peers = 40 },
	  { .revision = 8, .first = 36, .peers = 1, .told = 26, .told_at = 8 },
	  true },
	/* but for explanations of something that was before */
	{ { .revision = 7, .peers = 40 },
	  { .revision = 8, .told = 40, .told_at = 7 }, true },
	/* the word, of a time that fits */
	{ { .revision = 7, .peers = 40 }, { .revision = 8, .bulk = 8 }, false },
	{ { .revision = 7, .peers = 40 }, { .revision = 18, .bulk = 8 }, false },
	{ { .revision = 7, .peers = 40 }, { .revision = 8, .bulk = 7 }, true },
	{ { .revision = 7, .peers = 40 }, { .revision = 8, .bulk = 9 }, true },
	/* another epoch: revisions are others, words and explanations are not */
	{ { .revision = 7, .peers = 40 }, { .revision = 5, .epoch = 4 }, true },
	{ { .revision = 7, .peers = 40 },
	  { .revision = 5, .epoch = 4, .bulk = 2 }, false },
	{ { .revision = 7, .peers = 40 },
	  { .revision = 5, .epoch = 4, .told = 40, .told_at = 2 }, false },
	/* a whole VPN, though the other is large; a few of each */
	{ { .revision = 7, .peers = 40, .more = 4 },
	  { .revision = 8, .peers = 40 }, true },
	{ { .revision = 7, .peers = 3, .more = 3 }, { .revision = 8 }, true },
	{ { .revision = 7, .peers = 40, .more = 4 },
	  { .revision = 8, .peers = 40, .more = 1 }, false },
	/* a suspended router is told so by that word */
	{ { .revision = 7, .peers = 40 },
	  { .revision = 8, .state = "suspended" }, false },
};

START_TEST(mass_removals_need_a_word)
{
	provider_start(p);
	offer(&removals[_i].was);
	offer(&removals[_i].is);
	ck_assert_uint_eq(documents, removals[_i].braked ? 1 : 2);
	ck_assert_int_eq(status().error.code,
					 removals[_i].braked ? ERR_BULK_REMOVAL : ERR_NONE);
	ck_assert_uint_eq(status().rejected, removals[_i].braked);
}
END_TEST

/* Also against what was known before a restart. */
START_TEST(a_restart_does_not_release_the_brake)
{
	static const struct shape many = { .revision = 7, .peers = 40 };

	disk_rc = 0;
	on_disk = shaped(&many);
	etag_of(on_disk, 3, 7, on_disk_etag);
	provider_start(p);
	offer(&(struct shape){ .revision = 8 });
	ck_assert_uint_eq(revision, 7);
	ck_assert_int_eq(status().error.code, ERR_BULK_REMOVAL);
}
END_TEST

START_TEST(a_removal_is_accepted_here)
{
	static const struct shape many = { .revision = 7, .peers = 40 };
	static const struct shape few = { .revision = 8, .peers = 1 };
	char etag[128], old_etag[128];
	struct err e = {0};

	shape_etag(&many, old_etag);
	shape_etag(&few, etag);
	provider_start(p);
	offer(&many);
	ck_assert_int_eq(provider_accept_removal(p, &e), -ENOENT);
	offer(&few);
	ck_assert_str_eq(asked_etag, etag);
	/* an outage in between is told, and then the old fault again */
	lose(true);
	ck_assert_int_eq(status().error.code, ERR_UNREACHABLE);
	answer(304, NULL, "");
	ck_assert_int_eq(status().error.code, ERR_BULK_REMOVAL);
	ck_assert_int_eq(provider_accept_removal(p, &e), 0);
	/* it is sent again */
	ck_assert_str_eq(asked_etag, old_etag);
	ck_assert(!provider_idle(p));
	/* what was accepted is that one, not the next */
	offer(&(struct shape){ .revision = 9 });
	ck_assert_uint_eq(revision, 7);
	offer(&few);
	ck_assert_uint_eq(revision, 8);
	ck_assert(!status().rejected);
}
END_TEST

START_TEST(the_server_says_the_word)
{
	provider_start(p);
	offer(&(struct shape){ .revision = 7, .peers = 40 });
	offer(&(struct shape){ .revision = 8 });
	ck_assert_uint_eq(revision, 7);
	offer(&(struct shape){ .revision = 9, .bulk = 9 });
	ck_assert_uint_eq(revision, 9);
	ck_assert_int_eq(status().error.code, ERR_NONE);
}
END_TEST

/* ---- several servers ------------------------------------------------------------- */

static void look(int rc, unsigned status_code)
{
	struct fetch_answer a = { .rc = rc, .status = status_code };
	fetch_fn fn = looked_fn;

	looked_fn = NULL;
	fn(looked_user, &a);
}

START_TEST(goes_on_to_the_next_and_comes_back)
{
	unsigned before;

	begin(&new);
	provider_report(p, "{}", 2);
	ck_assert_str_eq(asked_server, "https://a:1");
	lose(true);
	before = asked;
	fake_loop_pass(2 * SECOND);
	ck_assert_uint_eq(asked, before + 1);
	ck_assert_str_eq(asked_server, "https://b:1");
	answer(304, NULL, "");
	ck_assert(status().connected);
	ck_assert_str_eq(status().server, "https://b:1");
	/* the first is looked at, beside */
	for (unsigned i = 0; i < 3; i++)
	{
		ck_assert_uint_eq(looks, i);
		fake_loop_pass(31 * SECOND);
		ck_assert_uint_eq(looks, i + 1);
		ck_assert_str_eq(looked_server, "https://a:1");
		ck_assert_str_eq(asked_server, "https://b:1");
		look(0, i == 0 ? 503 : 304);
	}
	while (strcmp(status().server, "https://a:1") != 0)
	{
		ck_assert_uint_lt(looks, 8);
		fake_loop_pass(31 * SECOND);
		if (looked_fn)
		{
			look(0, 304);
		}
	}
	ck_assert_str_eq(asked_server, "https://a:1");
	ck_assert_uint_eq(asked_wait, 0);
	before = looks;
	fake_loop_pass(1000 * SECOND);
	ck_assert_uint_eq(looks, before);
}
END_TEST

START_TEST(keeps_to_its_server_when_the_list_changes)
{
	begin(&new);
	lose(true);
	fake_loop_pass(2 * SECOND);
	ck_assert_str_eq(asked_server, "https://b:1");
	offer(&(struct shape){ .revision = 9, .peers = 9,
		.servers = "\"https://c:1\",\"https://a:1\",\"https://b:1\"" });
	ck_assert_str_eq(status().server, "https://b:1");
	provider_applied(p);
	provider_report(p, "{}", 2);
	lose(true);
	ck_assert_str_eq(status().server, "https://c:1");
}
END_TEST

START_TEST(a_report_that_was_lost_is_made_again)
{
	unsigned before;

	begin(&new);
	post_rc = -EHOSTUNREACH;
	provider_report(p, "{}", 2);
	post_rc = 0;
	before = states;
	answer(304, NULL, "");
	ck_assert_uint_eq(states, before + 1);
	answer(304, NULL, "");
	ck_assert_uint_eq(states, before + 2);	/* confirmed */
	answer(304, NULL, "");
	ck_assert_uint_eq(states, before + 2);
}
END_TEST

/* Nobody upgrades in a hurry; and its tunnels stay all the time. */
START_TEST(a_server_of_another_version_is_asked_slowly)
{
	unsigned known, begun;

	provider_start(p);
	offer(&old);
	provider_applied(p);
	known = begun = asked;
	answer(406, NULL, "");
	for (unsigned s = 0; s < 3000; s++)
	{
		fake_loop_pass(SECOND);
		if (asked != known)
		{
			known = asked;
			answer(406, NULL, "");
		}
	}
	ck_assert_uint_ge(asked - begun, 9);
	ck_assert_uint_le(asked - begun, 11);
	ck_assert_int_eq(status().skew.code, ERR_SCHEMA);
	ck_assert_uint_eq(documents, 1);
	/* upgraded: the next question finds it out */
	fake_loop_pass(300 * SECOND);
	ck_assert_uint_gt(asked, known);
	offer(&new);
	ck_assert_int_eq(status().skew.code, ERR_NONE);
	ck_assert_int_eq(status().error.code, ERR_NONE);
	ck_assert_uint_eq(documents, 2);
}
END_TEST

/* A long poll would tell only at its end that it is over. A server that has too
 * much to do is not asked twice. */
START_TEST(after_an_error_the_answer_comes_at_once)
{
	static const struct {
		unsigned status;
		bool at_once;
	} cases[] = {
		{ 406, true }, { 500, true }, { 404, true }, { 503, false },
		{ 429, false },
	};

	provider_start(p);
	offer(&old);
	provider_applied(p);
	for (size_t i = 0; i < 5; i++)
	{
		answer(304, NULL, "");
		answer(cases[i].status, NULL, "");
		asked_wait = 99;
		fake_loop_pass(600 * SECOND);
		ck_assert_msg((asked_wait == 0) == cases[i].at_once,
					  "%u: asked for %u s", cases[i].status, asked_wait);
		ck_assert_uint_ne(asked_wait, 99);
		answer(304, NULL, "");
		ck_assert_int_eq(status().error.code, ERR_NONE);
	}
}
END_TEST

int main(void)
{
	TCase *tc = tcase_create("safe change");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, confirmed_by_a_report);
	tcase_add_test(tc, confirmed_by_a_request_that_began_after_it);
	tcase_add_test(tc, an_answer_to_an_older_request_does_not_confirm);
	tcase_add_test(tc, taken_back_and_never_tried_again);
	tcase_add_test(tc, looks_for_the_proof);
	tcase_add_test(tc, not_to_blame_for_a_long_outage);
	tcase_add_test(tc, twice_is_enough);
	tcase_add_test(tc, a_server_that_is_down_takes_nothing_back);
	tcase_add_test(tc, wrong_servers_are_taken_back);
	tcase_add_test(tc, time_counts_from_the_last_answer_before_it_is_applied);
	tcase_add_loop_test(tc, a_restart_goes_back_and_tries_once_more, 0, 2);
	tcase_add_loop_test(tc, a_trial_cut_short_is_no_verdict, 0,
						COUNT(cut_short));
	tcase_add_loop_test(tc, a_pause_has_ends, 0, 2);
	tcase_add_test(tc, what_was_kept_is_confirmed);
	tcase_add_test(tc, a_newer_one_takes_its_place_on_trial);
	tcase_add_test(tc, nothing_comes_back_after_a_tombstone);
	tcase_add_test(tc, kept_when_the_disk_has_room_again);
	tcase_add_loop_test(tc, what_is_believed, 0, COUNT(beliefs));
	tcase_add_test(tc, enrolled_anew_after_a_tombstone);
	tcase_add_test(tc, out_of_turn);
	tcase_add_test(tc, the_first_is_kept_when_it_comes_back);
	tcase_add_test(tc, the_first_is_kept_before_it_is_applied);
	tcase_add_loop_test(tc, mass_removals_need_a_word, 0, COUNT(removals));
	tcase_add_test(tc, a_restart_does_not_release_the_brake);
	tcase_add_test(tc, a_removal_is_accepted_here);
	tcase_add_test(tc, the_server_says_the_word);
	tcase_add_test(tc, goes_on_to_the_next_and_comes_back);
	tcase_add_test(tc, keeps_to_its_server_when_the_list_changes);
	tcase_add_test(tc, a_report_that_was_lost_is_made_again);
	tcase_add_test(tc, a_server_of_another_version_is_asked_slowly);
	tcase_add_test(tc, after_an_error_the_answer_comes_at_once);
	return run_case(tc, "safe change");
}
