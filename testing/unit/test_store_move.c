/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * test_store_move.c - pairs that move from keys to certificates and back, as
 * documents have them and as routers confirm them
 */
#include "config.h"

#include <pthread.h>

#include "server/rotation.h"
#include "server/store_mesh.h"
#include "store_kit.h"

static int64_t now;				/* of rounds: a day's minutes in a test's second */
static uint64_t seq;
static struct store_rotated out;

static const char *const names[] = { "paris", "lyon", "nice" };

static const char *router(const char *site)
{
	return arena_printf(arena, "%s-r1", site);
}

/* ---- what is done ----------------------------------------------------------------- */

static int want(enum model_auth auth)
{
	struct store_vpn vpn;

	OK(store_vpn_get(store, arena, "acme", "corp", &vpn, &e));
	vpn.authentication = auth;
	return store_vpn_set(store, &vpn, NULL, 0, &e);
}

static int issue_nothing(void *user, const struct store_ce *ce,
						 uint64_t serial, struct arena *a,
						 struct store_issued *issued, struct err *err)
{
	(void)user;
	(void)ce;
	(void)err;
	issued->pem = arena_printf(a, "certificate %llu",
							   (unsigned long long)serial);
	issued->ends_ms = 0;
	return 0;
}

static uint8_t management[128], newest;	/* bytes of keys, by router */

static void enroll(const char *site)
{
	const uint64_t id = kit_ce_id("acme", router(site));
	uint8_t bytes[32];
	bool again;
	char *pem;

	ck_assert_uint_lt(id, sizeof(management));
	management[id] = ++newest;
	memset(bytes, management[id], sizeof(bytes));
	OK(store_token_add(store, "acme", router(site), bytes, now + 60000,
					   "test", &e));
	OK(store_enroll(store, arena, "acme", router(site), bytes, bytes, now,
					issue_nothing, NULL, &pem, &again, &e));
}

/* The router says its key, another one each time, and has a certificate. */
static void certify(const char *site)
{
	static const uint8_t ed25519[] = {
		0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00
	};
	uint8_t key[sizeof(ed25519) + 32], spki[32], bytes[32];
	uint64_t revision;

	memset(bytes, management[kit_ce_id("acme", router(site))], sizeof(bytes));
	memcpy(key, ed25519, sizeof(ed25519));
	memset(key + sizeof(ed25519), ++newest, 32);
	seal_sha256(key, sizeof(key), spki);
	OK(store_ike_key(store, bytes, spki, key, sizeof(key), now, &revision,
					 &e));
	ck_assert_uint_gt(revision, 0);
}

static void says(const char *ce, uint64_t epoch, uint64_t revision, int result)
{
	const struct status_report report = {
		.ce = arena_printf(arena, "acme/%s", ce), .boot_id = (char *)"0",
		.seq = ++seq, .agent_version = (char *)"0.1", .epoch = epoch,
		.revision = revision, .result = result,
	};

	OK(store_report(store, kit_ce_id("acme", ce), &report, now, &e));
}

/* It has its present document in force. */
static void applied(const char *site)
{
	says(router(site), 1, kit_ce_revision("acme", router(site)),
		 STATUS_APPLIED);
}

static void all_applied(void)
{
	for (size_t i = 0; i < 3; i++)
	{
		applied(names[i]);
	}
}

/* A minute later: what steps were taken? */
static uint64_t turn(void)
{
	now += 60000;
	OK(store_rotation_round(store, now, &out, &e));
	return out.revisions;
}

static void all_turn(void)
{
	all_applied();
	turn();
}

static void setup(void)
{
	kit_setup();
	kit_acme();
	now = kit_now_ms();
	seq = newest = 0;
	for (size_t i = 0; i < 3; i++)
	{
		enroll(names[i]);
	}
}

/* All have certificates, and have them in force; nothing has moved. */
static void setup_certified(void)
{
	setup();
	CHANGE(want(MODEL_CERTIFICATE));
	for (size_t i = 0; i < 3; i++)
	{
		certify(names[i]);
	}
}

/* ---- what is seen ------------------------------------------------------------------ */

/* Documents of both ends, checked to agree: "g1> cert": the key is sent. */
static const char *has(const char *site, const char *peer)
{
	const struct model_peer *one = kit_peer(kit_document("acme", router(site)),
											peer);
	const struct model_peer *two = kit_peer(kit_document("acme", router(peer)),
											site);
	const char *text = "";
	size_t i;

	ck_assert(one && two);
	ck_assert_uint_eq(one->key_count, two->key_count);
	for (i = 0; i < one->key_count; i++)
	{
		ck_assert_str_eq(one->keys[i].key_id, two->keys[i].key_id);
		ck_assert_int_eq((int)one->keys[i].use, (int)two->keys[i].use);
		ck_assert_mem_eq(one->keys[i].secret.bytes, two->keys[i].secret.bytes,
						 32);
		text = arena_printf(arena, "%s%s%s%s", text, i ? " " : "",
							one->keys[i].key_id,
							one->keys[i].use == MODEL_SEND_AND_ACCEPT
							? ">" : "");
	}
	ck_assert(one->certificate == two->certificate);
	if (one->certificate)
	{
		ck_assert_int_eq(one->certificate_use, two->certificate_use);
		text = arena_printf(arena, "%s%scert%s", text, i ? " " : "",
							one->certificate_use == MODEL_SEND_AND_ACCEPT
							? ">" : "");
	}
	return text;
}

static const char *paris_lyon(void)
{
	return has("paris", "lyon");
}

/* "lyon paris certificate accept: lyon-r1", a line each. */
static const char *status(void)
{
	struct store_rotation *list;
	size_t count, i;
	uint64_t all;
	const char *text = "";
	int k;

	OK(store_rotations(store, arena, "acme", "corp", &list, &count, &all,
					   &e));
	ck_assert_uint_eq(all, count);
	for (i = 0; i < count; i++)
	{
		text = arena_printf(arena, "%s%s %s %s %s:", text,
							list[i].end[0].site, list[i].end[1].site,
							rotation_targets[list[i].target],
							list[i].step == ROTATION_DONE
							? "waiting" : rotation_steps[list[i].step]);
		for (k = 0; k < 2; k++)
		{
			if (list[i].end[k].wait != ROTATION_CONFIRMED)
			{
				text = arena_printf(arena, "%s %s", text, list[i].end[k].ce);
			}
		}
		text = arena_printf(arena, "%s\n", text);
	}
	return text;
}

static int waits_for(const char *ce)
{
	struct store_rotation *list;
	size_t count, i;
	uint64_t all;

	OK(store_rotations(store, arena, "acme", "corp", &list, &count, &all,
					   &e));
	for (i = 0; i < count; i++)
	{
		for (int k = 0; k < 2; k++)
		{
			if (strcmp(list[i].end[k].ce, ce) == 0)
			{
				return list[i].end[k].wait;
			}
		}
	}
	return -1;
}

static void on_checked(void *user, const char *check, uint64_t count)
{
	(void)user;
	(void)check;
	(void)count;
}

static void on_fault(void *user, const char *check, const char *where,
					 const char *text)
{
	(void)user;
	ck_abort_msg("%s: %s: %s", check, where, text);
}

static void whole(void)
{
	const struct store_verifier verifier = { NULL, on_checked, on_fault };

	OK(store_verify(store, &kit_management, &verifier, &e));
}

static const char *last_event(int kind)
{
	struct store_event *list;
	const struct store_event_filter any = { NULL, NULL, NULL, false };
	const char *last = "";
	size_t count, i;

	OK(store_events(store, arena, 0, &any, 10000, &list, &count, &e));
	for (i = 0; i < count; i++)
	{
		if (list[i].kind == kind)
		{
			last = arena_printf(arena, "%s", list[i].text);
		}
	}
	return last;
}

static const char *last_audit(void)
{
	struct store_audit *audit;
	size_t count;

	OK(store_audits_of(store, arena, "acme", 1, &audit, &count, &e));
	return audit->what;
}

/* ---- there and back ----------------------------------------------------------------- */

START_TEST(to_certificates_and_back)
{
	uint64_t before;

	/* they have them, and not yet in force */
	ck_assert_uint_eq(turn(), 0);
	ck_assert_str_eq(paris_lyon(), "g1>");
	ck_assert_str_eq(status(),
					 "lyon nice certificate waiting: lyon-r1 nice-r1\n"
					 "lyon paris certificate waiting: lyon-r1 paris-r1\n"
					 "nice paris certificate waiting: nice-r1 paris-r1\n");
	whole();
	before = kit_revision();
	all_applied();
	ck_assert_uint_eq(turn(), 1);
	ck_assert_str_eq(last_audit(), "rotation acme/corp: 0 pairs to send, 0 to "
					 "forget, 3 begin to move");
	ck_assert_str_eq(last_event(STORE_EVENT_ROTATION_BEGUN),
					 "tunnels that begin to move to certificates: 3");
	ck_assert_str_eq(paris_lyon(), "g1> cert");
	ck_assert_uint_eq(turn(), 0);
	whole();
	all_turn();
	ck_assert_str_eq(paris_lyon(), "g1 cert>");
	ck_assert_str_eq(has("lyon", "nice"), "g1 cert>");
	whole();
	ck_assert_int_eq(kit_number("SELECT count(*) FROM psk"), 3);
	all_turn();
	ck_assert_str_eq(paris_lyon(), "cert>");
	/* the key is nowhere any more */
	ck_assert_int_eq(kit_number("SELECT count(*) FROM psk"), 0);
	ck_assert_int_eq(kit_number("SELECT count(*) FROM psk_retired"), 0);
	whole();
	all_turn();
	ck_assert_str_eq(status(), "");
	ck_assert_uint_eq(kit_revision(), before + 3);
	ck_assert_str_eq(last_event(STORE_EVENT_ROTATION_DONE), "the tunnels have "
					 "moved, and what they had before is gone");
	whole();
	ck_assert_int_eq(kit_number("SELECT sum(moving) FROM vpn"), 0);
	/* and nothing any more, whatever the time */
	all_turn();
	ck_assert_uint_eq(kit_revision(), before + 3);
	/* back: another key */
	CHANGE(want(MODEL_PRE_SHARED));
	ck_assert_str_eq(paris_lyon(), "cert>");
	whole();
	ck_assert_uint_eq(turn(), 1);
	ck_assert_str_eq(last_event(STORE_EVENT_ROTATION_BEGUN),
					 "tunnels that begin to move to keys: 3");
	ck_assert_str_eq(paris_lyon(), "g3 cert>");
	ck_assert_str_eq(status(), "lyon nice key accept: lyon-r1 nice-r1\n"
					 "lyon paris key accept: lyon-r1 paris-r1\n"
					 "nice paris key accept: nice-r1 paris-r1\n");
	whole();
	all_turn();
	ck_assert_str_eq(paris_lyon(), "g3> cert");
	whole();
	all_turn();
	ck_assert_str_eq(paris_lyon(), "g3>");
	whole();
	all_turn();
	ck_assert_str_eq(status(), "");
	ck_assert_int_eq(kit_number("SELECT sum(moving) FROM vpn"), 0);
	whole();
}
END_TEST

/* Pairs move as they are ready; who is away, or has none, holds its own. */
START_TEST(one_by_one)
{
	CHANGE(want(MODEL_CERTIFICATE));
	certify("paris");
	certify("lyon");
	all_applied();
	ck_assert_uint_eq(turn(), 1);
	ck_assert_str_eq(paris_lyon(), "g1> cert");
	ck_assert_str_eq(has("paris", "nice"), "g1>");
	ck_assert_str_eq(status(), "lyon nice certificate waiting: nice-r1\n"
					 "lyon paris certificate accept: lyon-r1 paris-r1\n"
					 "nice paris certificate waiting: nice-r1\n");
	ck_assert_int_eq(waits_for("nice-r1"), ROTATION_NO_CERTIFICATE);
	whole();
	certify("nice");
	ck_assert_int_eq(waits_for("nice-r1"), ROTATION_OLD_DOCUMENT);
	says("nice-r1", 1, kit_ce_revision("acme", "nice-r1"), STATUS_PARTIAL);
	ck_assert_int_eq(waits_for("nice-r1"), ROTATION_NOT_APPLIED);
	says("nice-r1", 2, kit_ce_revision("acme", "nice-r1"), STATUS_APPLIED);
	ck_assert_int_eq(waits_for("nice-r1"), ROTATION_OTHER_EPOCH);
	applied("paris");
	applied("lyon");
	ck_assert_uint_eq(turn(), 1);
	ck_assert_str_eq(paris_lyon(), "g1 cert>");
	ck_assert_str_eq(has("paris", "nice"), "g1>");
	/* in the same revision as others' steps */
	all_applied();
	ck_assert_uint_eq(turn(), 1);
	ck_assert_str_eq(last_audit(), "rotation acme/corp: 0 pairs to send, 1 to "
					 "forget, 2 begin to move");
	ck_assert_str_eq(paris_lyon(), "cert>");
	ck_assert_str_eq(has("paris", "nice"), "g1> cert");
	ck_assert_str_eq(has("lyon", "nice"), "g1> cert");
	whole();
	for (int i = 0; i < 4; i++)
	{
		all_turn();
	}
	ck_assert_str_eq(has("paris", "nice"), "cert>");
	ck_assert_str_eq(status(), "");
	whole();
}
END_TEST

/* The alarm of a CE for which tunnels wait: its text, "" for none. */
static const char *waiting(const char *ce, int64_t at)
{
	struct store_rules rules = { .now_ms = at, .started_ms = at,
								 .report_interval_s = 300, .host = "x" };
	struct store_alarm *list;
	size_t i, count, changed;

	OK(store_rules_apply(store, &rules, &changed, &e));
	OK(store_alarms(store, arena, "acme", NULL, NULL, false, &list, &count,
					&e));
	for (i = 0; i < count; i++)
	{
		if (strcmp(list[i].code, "rotation-waits") == 0 &&
			strcmp(list[i].ce, ce) == 0)
		{
			return list[i].text;
		}
	}
	return "";
}

/* Who holds them back is said after a day, and nobody else. */
START_TEST(who_is_waited_for_is_said)
{
	const int64_t day = INT64_C(86400000);

	CHANGE(want(MODEL_CERTIFICATE));
	certify("paris");
	certify("lyon");
	applied("paris");
	ck_assert_str_eq(waiting("nice-r1", now + day - 60000), "");
	ck_assert_str_eq(waiting("nice-r1", now + day + 60000),
					 "the keys of 2 tunnels wait for it");
	ck_assert_str_eq(waiting("lyon-r1", now + day + 60000),
					 "the keys of 2 tunnels wait for it");
	ck_assert_str_eq(waiting("paris-r1", now + day + 60000), "");
	certify("nice");
	ck_assert_str_ne(waiting("nice-r1", now + day + 60000), "");
	all_applied();
	ck_assert_str_eq(waiting("nice-r1", now + day + 60000), "");
	ck_assert_str_eq(waiting("lyon-r1", now + day + 60000), "");
	/* and at the steps, as of keys */
	turn();
	applied("paris");
	applied("lyon");
	ck_assert_str_eq(waiting("nice-r1", now + day - 60000), "");
	ck_assert_str_eq(waiting("nice-r1", now + day + 60000),
					 "the keys of 2 tunnels wait for it");
	CHANGE(want(MODEL_PRE_SHARED));
	turn();
	for (int i = 0; i < 2; i++)
	{
		all_turn();
	}
	ck_assert_str_eq(waiting("nice-r1", now + 3 * day), "");
	ck_assert_str_eq(paris_lyon(), "g1>");
	whole();
}
END_TEST

/* A certificate that is not good, or not of its present key, is none. */
START_TEST(not_with_any_certificate)
{
	static const char *const bad[] = {
		"UPDATE ike_certificate SET revoked_ms = 1 WHERE site_id = 1",
		"UPDATE ike_certificate SET superseded = 1 WHERE site_id = 1",
		"UPDATE ike_key SET spki = substr(hex(zeroblob(32)), 1, 63) || 'f' "
		"WHERE ce_id = 1",
		"DELETE FROM ike_key WHERE ce_id = 1",
	};

	all_applied();
	kit_sql(bad[_i]);
	ck_assert_uint_eq(turn(), 1);
	ck_assert_str_eq(status(), "lyon nice certificate accept: lyon-r1 nice-r1\n"
					 "lyon paris certificate waiting: paris-r1\n"
					 "nice paris certificate waiting: paris-r1\n");
	ck_assert_int_eq(waits_for("paris-r1"), ROTATION_NO_CERTIFICATE);
}
END_TEST

/* A tunnel that is made later begins with a key, and follows by itself. */
START_TEST(new_ones_follow)
{
	for (int i = 0; i < 5; i++)
	{
		all_turn();
	}
	ck_assert_int_eq(kit_number("SELECT sum(moving) FROM vpn"), 0);
	kit_ce("acme", "metz-r1", "192.0.2.4");
	kit_site("acme", "corp", "metz", "metz-r1");
	whole();
	ck_assert_str_eq(has("metz", "paris"), "g1>");
	ck_assert_str_eq(paris_lyon(), "cert>");
	all_turn();
	ck_assert_str_eq(has("metz", "paris"), "g1>");
	ck_assert_int_eq(waits_for("metz-r1"), ROTATION_NEVER_REPORTED);
	enroll("metz");
	certify("metz");
	applied("metz");
	all_turn();
	ck_assert_str_eq(has("metz", "paris"), "g1> cert");
	for (int i = 0; i < 3; i++)
	{
		applied("metz");
		all_turn();
	}
	ck_assert_str_eq(has("metz", "paris"), "cert>");
	ck_assert_str_eq(status(), "");
	whole();
}
END_TEST

/* ---- turning round ------------------------------------------------------------------ */

/* The word of the VPN is taken back after so many steps. */
static const struct turned
{
	int steps;
	bool back;					/* on the way to a key */
	const char *at, *then, *after;	/* before; at once; when all have that */
	const char *status;			/* of paris and lyon, at once */
	const char *end;
} turned[] = {
	{ 1, false, "g1> cert", "g1>", "g1>", "key forget", "g1>" },
	{ 2, false, "g1 cert>", "g1 cert>", "g1> cert", "key accept", "g1>" },
	{ 3, false, "cert>", "cert>", "g3 cert>", "certificate forget", "g3>" },
	{ 1, true, "g3 cert>", "cert>", "cert>", "certificate forget", "cert>" },
	{ 2, true, "g3> cert", "g3> cert", "g3 cert>", "certificate accept",
	  "cert>" },
	{ 3, true, "g3>", "g3>", "g3> cert", "key forget", "cert>" },
};

START_TEST(turns_round)
{
	const struct turned *t = &turned[_i];
	int i;

	if (t->back)
	{
		for (i = 0; i < 4; i++)
		{
			all_turn();
		}
		CHANGE(want(MODEL_PRE_SHARED));
	}
	for (i = 0; i < t->steps; i++)
	{
		all_turn();
	}
	ck_assert_str_eq(paris_lyon(), t->at);
	CHANGE(store_revert(store, (uint64_t)kit_number("SELECT max(revision) "
		"FROM audit_object"), &e));
	/* it waits for nobody */
	turn();
	ck_assert_str_eq(paris_lyon(), t->then);
	ck_assert_msg(strstr(status(), arena_printf(arena, "lyon paris %s:",
												t->status)) != NULL,
				  "%s", status());
	whole();
	turn();
	ck_assert_str_eq(paris_lyon(), t->then);
	all_turn();
	/* what has ended begins again with the next look */
	turn();
	ck_assert_str_eq(paris_lyon(), t->after);
	whole();
	for (i = 0; i < 6; i++)
	{
		all_turn();
		whole();
	}
	ck_assert_str_eq(paris_lyon(), t->end);
	ck_assert_str_eq(status(), "");
	ck_assert_int_eq(kit_number("SELECT sum(moving) FROM vpn"), 0);
	/* and again there, with numbers that were not used */
	CHANGE(want(t->back ? MODEL_PRE_SHARED : MODEL_CERTIFICATE));
	for (i = 0; i < 6; i++)
	{
		all_turn();
		whole();
	}
	ck_assert_str_eq(status(), "");
	ck_assert_int_eq(strcmp(paris_lyon(), "cert>") == 0, !t->back);
}
END_TEST

/* Some may still have what was before the step that it turned at. */
START_TEST(turns_round_twice)
{
	int i;

	all_turn();
	all_turn();
	applied("paris");
	ck_assert_str_eq(paris_lyon(), "g1 cert>");
	for (i = 0; i < 3; i++)
	{
		CHANGE(want(MODEL_PRE_SHARED));
		ck_assert_uint_eq(turn(), 1);
		ck_assert_ptr_nonnull(strstr(status(), "lyon paris key accept: "
									 "lyon-r1"));
		whole();
		CHANGE(want(MODEL_CERTIFICATE));
		ck_assert_uint_eq(turn(), 1);
		ck_assert_ptr_nonnull(strstr(status(), "lyon paris certificate send: "
									 "lyon-r1"));
		ck_assert_str_eq(paris_lyon(), "g1 cert>");
		ck_assert_uint_eq(turn(), 0);
		whole();
	}
	all_turn();
	ck_assert_str_eq(paris_lyon(), "cert>");
	all_turn();
	ck_assert_str_eq(status(), "");
	whole();
}
END_TEST

/* ---- what comes between ------------------------------------------------------------- */

static const char *const at[] = {
	"g1> cert", "g1 cert>", "cert>", "cert>",
	"g3 cert>", "g3> cert", "g3>"
};
#define STATES 7

/* Into one of them; two is the end of a step, three that of the whole move. */
static void come_to(int state)
{
	int i;

	for (i = 0; i <= state && i < 4; i++)
	{
		all_turn();
	}
	if (state > 3)
	{
		CHANGE(want(MODEL_PRE_SHARED));
		for (i = 4; i <= state; i++)
		{
			all_turn();
		}
	}
	ck_assert_str_eq(paris_lyon(), at[state]);
	whole();
}

/* Other hardware has no certificate, and gets a document with a key. */
START_TEST(replaced)
{
	static const char *const then[] = {
		"g1>", "g1>", "g3>", "g3>", "g3>", "g3>", "g3>"
	};
	int i;

	come_to(_i);
	CHANGE(store_ce_replace(store, "acme", "paris-r1", &e));
	ck_assert_str_eq(paris_lyon(), then[_i]);
	ck_assert_str_eq(has("lyon", "nice"), at[_i]);
	whole();
	for (i = 0; i < 5; i++)
	{
		all_turn();
		whole();
	}
	ck_assert_str_eq(paris_lyon(), then[_i]);
	ck_assert_str_eq(has("lyon", "nice"), _i > 3 ? "g3>" : "cert>");
	ck_assert_str_eq(status(), _i > 3 ? ""
					 : "lyon paris certificate waiting: paris-r1\n"
					   "nice paris certificate waiting: paris-r1\n");
	enroll("paris");
	certify("paris");
	for (i = 0; i < 5; i++)
	{
		all_turn();
	}
	ck_assert_str_eq(paris_lyon(), _i > 3 ? "g3>" : "cert>");
	ck_assert_str_eq(status(), "");
	whole();
}
END_TEST

START_TEST(revoked)
{
	come_to(_i);
	CHANGE(store_ce_revoke(store, "acme", "paris-r1", &e));
	whole();
	ck_assert_ptr_null(kit_peer(kit_document("acme", "lyon-r1"), "paris"));
	all_turn();
	/* which takes the suspension back */
	enroll("paris");
	ck_assert_str_eq(paris_lyon(), _i < 2 ? "g1>" : "g3>");
	whole();
	all_turn();
	certify("paris");
	for (int i = 0; i < 5; i++)
	{
		all_turn();
	}
	ck_assert_str_eq(paris_lyon(), _i > 3 ? "g3>" : "cert>");
	ck_assert_str_eq(status(), "");
	whole();
}
END_TEST

static int suspend(const char *ce, bool suspended)
{
	struct store_ce row;

	OK(store_ce_get(store, arena, "acme", ce, &row, &e));
	row.suspended = suspended;
	return store_ce_set(store, &row, &e);
}

/* It is where it was, and what was said meanwhile is no word of that. */
START_TEST(suspended)
{
	come_to(_i);
	all_applied();
	CHANGE(suspend("paris-r1", true));
	whole();
	all_applied();
	turn();
	all_applied();
	turn();
	CHANGE(suspend("paris-r1", false));
	ck_assert_str_eq(paris_lyon(), at[_i]);
	whole();
	turn();
	ck_assert_str_eq(paris_lyon(), at[_i]);
	for (int i = 0; i < 6; i++)
	{
		all_turn();
	}
	ck_assert_str_eq(paris_lyon(), _i > 3 ? "g3>" : "cert>");
	ck_assert_str_eq(status(), "");
	whole();
}
END_TEST

/* A tunnel that is back begins with the key that it had, or a new one. */
START_TEST(gone_and_back)
{
	static const char *const then[] = {
		"g1>", "g1>", "g1>", "g1>", "g3>", "g3>", "g3>"
	};
	struct store_vpn vpn;

	come_to(_i);
	OK(store_vpn_get(store, arena, "acme", "corp", &vpn, &e));
	vpn.topology = MODEL_CUSTOM;
	CHANGE(store_vpn_set(store, &vpn, NULL, 0, &e));
	ck_assert_int_eq(kit_number("SELECT count(*) FROM rotation"), 0);
	whole();
	turn();
	CHANGE(store_revert(store, kit_revision(), &e));
	ck_assert_str_eq(paris_lyon(), then[_i]);
	whole();
	for (int i = 0; i < 6; i++)
	{
		all_turn();
		whole();
	}
	ck_assert_str_eq(paris_lyon(), _i > 3 ? "g3>" : "cert>");
	ck_assert_str_eq(status(), "");
}
END_TEST

START_TEST(a_site_goes)
{
	come_to(_i);
	CHANGE(store_site_remove(store, "acme", "corp", "nice", "site-removed",
							 &e));
	whole();
	for (int i = 0; i < 5; i++)
	{
		applied("paris");
		applied("lyon");
		turn();
		whole();
	}
	ck_assert_str_eq(paris_lyon(), _i > 3 ? "g3>" : "cert>");
	ck_assert_str_eq(status(), "");
	ck_assert_int_eq(kit_number("SELECT sum(moving) FROM vpn"), 0);
}
END_TEST

/* ---- keys of them ------------------------------------------------------------------- */

static int rotate(const char *site, const char *peer)
{
	uint64_t begun, already;

	return store_rotation_begin(store, "acme", "corp", site, peer, &begun,
								&already, &e);
}

START_TEST(a_key_that_is_asked_for)
{
	come_to(_i);
	switch (_i)
	{
		case 3:
			REFUSED(rotate("paris", "lyon"), -ENOENT, ERR_NOT_FOUND);
			ck_assert_str_eq(e.text, "it has certificates, and no key to be "
							 "changed");
			REFUSED(rotate(NULL, NULL), -ENOENT, ERR_NOT_FOUND);
			break;
		default:
			REFUSED(rotate("paris", "lyon"), -EBUSY, ERR_ROTATION);
			ck_assert_str_eq(e.text, "it is on its way from a key to "
							 "certificates, or back");
			REFUSED(rotate(NULL, NULL), -EBUSY, ERR_ROTATION);
	}
	/* nor by schedule */
	kit_sql("UPDATE vpn SET psk_rotation_days = 1");
	OK(store_rotation_schedule(store, now + INT64_C(900000000), &out, &e));
	ck_assert_uint_eq(out.revisions, 0);
	/* what the server did is not taken back; what was said is (turns_round) */
	if (_i != 3)
	{
		REFUSED(store_revert(store, kit_revision(), &e), -EBUSY,
				ERR_ROTATION);
	}
}
END_TEST

/* One that is being changed moves when that is through. */
START_TEST(after_its_key)
{
	all_applied();
	CHANGE(rotate("paris", "lyon"));
	CHANGE(want(MODEL_CERTIFICATE));
	for (size_t i = 0; i < 3; i++)
	{
		certify(names[i]);
	}
	all_turn();
	ck_assert_str_eq(paris_lyon(), "g2> g1");
	ck_assert_str_eq(has("paris", "nice"), "g1> cert");
	whole();
	for (int i = 0; i < 7; i++)
	{
		all_turn();
		whole();
	}
	ck_assert_str_eq(paris_lyon(), "cert>");
	ck_assert_str_eq(status(), "");
	/* a key may be changed until it moves, and numbers go on */
	CHANGE(want(MODEL_PRE_SHARED));
	for (int i = 0; i < 5; i++)
	{
		all_turn();
	}
	ck_assert_str_eq(paris_lyon(), "g4>");
	ck_assert_str_eq(has("paris", "nice"), "g3>");
	CHANGE(rotate("paris", "lyon"));
	ck_assert_str_eq(paris_lyon(), "g5 g4>");
	whole();
}
END_TEST

START_TEST(a_tunnel_says_what_it_has)
{
	static const uint64_t sent[] = { 1, 0, 0, 0, 0, 3, 3 };
	struct store_tunnel *list;
	size_t count;

	come_to(_i);
	OK(store_tunnels(store, arena, "acme", "corp", &list, &count, &e));
	ck_assert_uint_eq(count, 3);
	ck_assert_uint_eq(list[0].generation, sent[_i]);
	ck_assert_int_eq(list[0].step == ROTATION_DONE, _i == 3);
	ck_assert_int_eq(list[0].step == ROTATION_DONE ? ROTATION_CERTIFICATE
					 : list[0].target,
					 _i > 3 ? ROTATION_KEY : ROTATION_CERTIFICATE);
}
END_TEST

/* ---- several servers, and documents out of memory ----------------------------------- */

struct server
{
	pthread_barrier_t *gate;
	struct store *store;
	struct store_rotated out;
	struct err e;
	int rc;
};

static void *serve(void *user)
{
	struct server *server = user;

	pthread_barrier_wait(server->gate);
	server->rc = store_rotation_round(server->store, now, &server->out,
									  &server->e);
	return NULL;
}

START_TEST(two_servers_at_once)
{
	struct server servers[2];
	pthread_barrier_t gate;
	pthread_t threads[2];
	uint64_t before, made = 0;
	int i, k;

	memset(servers, 0, sizeof(servers));
	pthread_barrier_init(&gate, NULL, 2);
	for (k = 0; k < 2; k++)
	{
		servers[k].gate = &gate;
		OK(store_open(kit_path, &kit_kek, &servers[k].store, &e));
	}
	for (i = 0; i < 40; i++)
	{
		before = kit_revision();
		all_applied();
		now += 60000;
		for (k = 0; k < 2; k++)
		{
			ck_assert_int_eq(pthread_create(&threads[k], NULL, serve,
											&servers[k]), 0);
		}
		for (k = 0; k < 2; k++)
		{
			pthread_join(threads[k], NULL);
			ck_assert_msg(servers[k].rc == 0, "%s", servers[k].e.text);
		}
		ck_assert_uint_eq(servers[0].out.revisions + servers[1].out.revisions,
						  kit_revision() - before);
		ck_assert_uint_le(kit_revision() - before, 1);
		made += kit_revision() - before;
		if (i % 4 == 3)
		{
			ck_assert_str_eq(status(), "");
			CHANGE(want(i % 8 == 3 ? MODEL_PRE_SHARED : MODEL_CERTIFICATE));
		}
	}
	ck_assert_uint_eq(made, 30);
	for (k = 0; k < 2; k++)
	{
		store_close(servers[k].store);
	}
	pthread_barrier_destroy(&gate);
	whole();
}
END_TEST

static char *text_of(struct store *s, const char *ce)
{
	struct model_document *doc;
	struct text text;
	char *copy;

	OK(store_document(s, arena, kit_ce_id("acme", ce), &kit_management, &doc,
					  &e));
	text = model_encode(doc);
	copy = arena_strdup(arena, text_str(&text));
	text_done(&text);
	return copy;
}

/* What is held of a mesh in memory gives the same documents. */
START_TEST(a_mesh_in_memory)
{
	struct store_meshes *meshes = store_meshes_new();
	struct store *other;
	int i, step;

	for (i = 4; i <= STORE_MESH_SITES_MIN; i++)
	{
		kit_ce("acme", arena_printf(arena, "s%d-r1", i),
			   arena_printf(arena, "192.0.2.%d", i));
		kit_site("acme", "corp", arena_printf(arena, "s%d", i),
				 arena_printf(arena, "s%d-r1", i));
	}
	OK(store_open(kit_path, &kit_kek, &other, &e));
	store_meshes_use(other, meshes);
	for (step = 0; step < 4; step++)
	{
		/* of three pairs of many */
		all_turn();
		kit_sql(arena_printf(arena, "UPDATE ce_change SET revision = (SELECT "
						 "revision FROM installation), committed_ms = %lld",
						 (long long)kit_now_ms()));
		for (i = 0; i < 3; i++)
		{
			ck_assert_str_eq(text_of(store, router(names[i])),
							 text_of(other, router(names[i])));
			ck_assert_str_eq(text_of(store, "s9-r1"),
							 text_of(other, "s9-r1"));
		}
		ck_assert_uint_ge(store_meshes_held(meshes), 1);
		ck_assert_str_eq(paris_lyon(), at[step]);
	}
	store_close(other);
	store_meshes_free(meshes);
}
END_TEST

TCase *store_move_case(void)
{
	TCase *tc = tcase_create("move");

	tcase_add_checked_fixture(tc, setup_certified, kit_teardown);
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, to_certificates_and_back);
	tcase_add_loop_test(tc, not_with_any_certificate, 0, 4);
	tcase_add_test(tc, new_ones_follow);
	tcase_add_loop_test(tc, turns_round, 0,
						sizeof(turned) / sizeof(turned[0]));
	tcase_add_test(tc, turns_round_twice);
	tcase_add_loop_test(tc, replaced, 0, STATES);
	tcase_add_loop_test(tc, revoked, 0, STATES);
	tcase_add_loop_test(tc, suspended, 0, STATES);
	tcase_add_loop_test(tc, gone_and_back, 0, STATES);
	tcase_add_loop_test(tc, a_site_goes, 0, STATES);
	tcase_add_loop_test(tc, a_key_that_is_asked_for, 0, STATES);
	tcase_add_loop_test(tc, a_tunnel_says_what_it_has, 0, STATES);
	tcase_add_test(tc, two_servers_at_once);
	tcase_add_test(tc, a_mesh_in_memory);
	return tc;
}

/* Without what the other case begins with. */
TCase *store_move_plain_case(void)
{
	TCase *tc = tcase_create("move-plain");

	tcase_add_checked_fixture(tc, setup, kit_teardown);
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, one_by_one);
	tcase_add_test(tc, who_is_waited_for_is_said);
	tcase_add_test(tc, after_its_key);
	return tc;
}
