/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * test_store_rotation.c - pre-shared keys that are changed, one step after the
 * other, as documents have them and as routers confirm them
 */
#include "config.h"

#include <pthread.h>
#include <unistd.h>

#include "server/rotation.h"
#include "store_kit.h"

#define DAY INT64_C(86400000)

static int64_t now;				/* of rounds: a day's minutes in a test's second */
static uint64_t seq;
static struct store_rotated out;

static void setup(void)
{
	kit_setup();
	kit_acme();
	now = kit_now_ms();
	seq = 0;
}

/* ---- what is done ----------------------------------------------------------------- */

static int begin(const char *site, const char *peer)
{
	uint64_t begun, already;

	return store_rotation_begin(store, "acme", "corp", site, peer, &begun,
								&already, &e);
}

static bool on_trial;

static void says(const char *ce, uint64_t epoch, uint64_t revision, int result)
{
	const struct status_report report = {
		.ce = arena_printf(arena, "acme/%s", ce), .boot_id = (char *)"0",
		.seq = ++seq, .agent_version = (char *)"0.1", .epoch = epoch,
		.revision = revision, .result = result, .on_trial = on_trial,
	};

	OK(store_report(store, kit_ce_id("acme", ce), &report, now, &e));
}

/* It has its present document in force. */
static void applied(const char *ce)
{
	says(ce, 1, kit_ce_revision("acme", ce), STATUS_APPLIED);
}

static void all_applied(void)
{
	applied("paris-r1");
	applied("lyon-r1");
	applied("nice-r1");
}

/* A minute later: what steps were taken? */
static uint64_t turn(void)
{
	now += 60000;
	OK(store_rotation_round(store, now, &out, &e));
	return out.revisions;
}

static int set_days(uint32_t days)
{
	struct store_vpn vpn;

	OK(store_vpn_get(store, arena, "acme", "corp", &vpn, &e));
	vpn.psk_rotation_days = days;
	return store_vpn_set(store, &vpn, NULL, 0, &e);
}

/* Documents of both ends, checked to agree: "g1>" is sent, "g2" accepted. */
static const char *keys(const char *ce, const char *site, const char *peer_ce,
						const char *peer)
{
	const struct model_peer *one = kit_peer(kit_document("acme", ce), peer);
	const struct model_peer *two = kit_peer(kit_document("acme", peer_ce),
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
	return text;
}

static const char *paris_lyon(void)
{
	return keys("paris-r1", "paris", "lyon-r1", "lyon");
}

static const char *paris_nice(void)
{
	return keys("paris-r1", "paris", "nice-r1", "nice");
}

static const char *lyon_nice(void)
{
	return keys("lyon-r1", "lyon", "nice-r1", "nice");
}

static struct secret secret_of(const char *ce, const char *peer,
							   const char *key_id)
{
	const struct model_peer *p = kit_peer(kit_document("acme", ce), peer);

	for (size_t i = 0; i < p->key_count; i++)
	{
		if (strcmp(p->keys[i].key_id, key_id) == 0)
		{
			return p->keys[i].secret;
		}
	}
	ck_abort_msg("%s has no key %s for %s", ce, key_id, peer);
}

/* "lyon paris accept: lyon-r1 paris-r1", a line each. */
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
		text = arena_printf(arena, "%s%s %s %s:", text, list[i].end[0].site,
							list[i].end[1].site, rotation_steps[list[i].step]);
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

static uint64_t events_of(int kind, const char **last)
{
	struct store_event *list;
	const struct store_event_filter any = { NULL, NULL, NULL, false };
	size_t count, i;
	uint64_t n = 0;

	OK(store_events(store, arena, 0, &any, 10000, &list, &count, &e));
	for (i = 0; i < count; i++)
	{
		if (list[i].kind == kind)
		{
			n++;
			*last = arena_printf(arena, "%s/%s %llu %s", list[i].customer,
								 list[i].vpn,
								 (unsigned long long)list[i].revision,
								 list[i].source);
		}
	}
	return n;
}

/* ---- the three steps ---------------------------------------------------------------- */

START_TEST(three_steps)
{
	const struct secret old = secret_of("paris-r1", "lyon", "g1");
	const uint64_t before = kit_revision();
	struct secret fresh;
	struct store_audit *audit;
	const char *last;
	size_t count;

	all_applied();
	ck_assert_uint_eq(turn(), 0);
	CHANGE(begin(NULL, NULL));
	ck_assert_uint_eq(kit_revision(), before + 1);
	ck_assert_str_eq(paris_lyon(), "g2 g1>");
	ck_assert_str_eq(paris_nice(), "g2 g1>");
	ck_assert_str_eq(lyon_nice(), "g2 g1>");
	whole();
	fresh = secret_of("paris-r1", "lyon", "g2");
	ck_assert(memcmp(fresh.bytes, old.bytes, 32) != 0);
	/* nobody has it yet, whatever the time */
	now += 100 * DAY;
	ck_assert_uint_eq(turn(), 0);
	ck_assert_str_eq(status(), "lyon nice accept: lyon-r1 nice-r1\n"
					 "lyon paris accept: lyon-r1 paris-r1\n"
					 "nice paris accept: nice-r1 paris-r1\n");
	all_applied();
	ck_assert_str_eq(status(), "lyon nice accept:\nlyon paris accept:\n"
					 "nice paris accept:\n");
	ck_assert_uint_eq(turn(), 1);
	ck_assert_uint_eq(kit_revision(), before + 2);
	ck_assert_str_eq(paris_lyon(), "g2> g1");
	ck_assert_str_eq(lyon_nice(), "g2> g1");
	whole();
	ck_assert_uint_eq(turn(), 0);
	all_applied();
	ck_assert_uint_eq(turn(), 1);
	ck_assert_str_eq(paris_lyon(), "g2>");
	ck_assert_uint_eq(kit_number("SELECT count(*) FROM psk"), 3);
	ck_assert_uint_eq(kit_number("SELECT count(*) FROM rotation"), 3);
	whole();
	all_applied();
	ck_assert_uint_eq(events_of(STORE_EVENT_ROTATION_DONE, &last), 0);
	ck_assert_uint_eq(turn(), 0);
	ck_assert_uint_eq(out.finished, 3);
	ck_assert_uint_eq(out.commands, 1);
	ck_assert_str_eq(status(), "");
	ck_assert_uint_eq(kit_revision(), before + 3);
	ck_assert_mem_eq(secret_of("lyon-r1", "paris", "g2").bytes, fresh.bytes,
					 32);
	/* who, and what: never a key */
	OK(store_audits_of(store, arena, "acme", 3, &audit, &count, &e));
	ck_assert_str_eq(audit[0].what, "begin(NULL, NULL)");
	ck_assert_str_eq(audit[1].actor, "server");
	ck_assert_str_eq(audit[1].what, "psk rotation acme/corp: 3 pairs to send, "
					 "0 to forget");
	ck_assert_str_eq(audit[2].what, "psk rotation acme/corp: 0 pairs to send, "
					 "3 to forget");
	ck_assert_uint_eq(events_of(STORE_EVENT_ROTATION_BEGUN, &last), 1);
	ck_assert_str_eq(last, arena_printf(arena, "acme/corp %llu test",
										(unsigned long long)before + 1));
	ck_assert_uint_eq(events_of(STORE_EVENT_ROTATION_DONE, &last), 1);
	ck_assert_str_eq(last, arena_printf(arena, "acme/corp %llu server",
										(unsigned long long)before + 1));
	whole();
}
END_TEST

START_TEST(only_those_concerned_are_told)
{
	uint64_t nice, paris;

	kit_vpn("acme", "lab");
	kit_ce("acme", "far-r1", "192.0.2.9");
	kit_site("acme", "lab", "far", "far-r1");
	nice = kit_ce_revision("acme", "nice-r1");
	CHANGE(begin("paris", "lyon"));
	paris = kit_revision();
	ck_assert_uint_eq(kit_ce_revision("acme", "paris-r1"), paris);
	ck_assert_uint_eq(kit_ce_revision("acme", "lyon-r1"), paris);
	ck_assert_uint_eq(kit_ce_revision("acme", "nice-r1"), nice);
	ck_assert_str_eq(paris_lyon(), "g2 g1>");
	ck_assert_str_eq(paris_nice(), "g1>");
	applied("paris-r1");
	applied("lyon-r1");
	ck_assert_uint_eq(turn(), 1);
	ck_assert_uint_eq(kit_ce_revision("acme", "paris-r1"), paris + 1);
	ck_assert_uint_eq(kit_ce_revision("acme", "nice-r1"), nice);
	/* all of a site, but what is under way */
	CHANGE(begin("lyon", NULL));
	ck_assert_str_eq(paris_lyon(), "g2> g1");
	ck_assert_str_eq(lyon_nice(), "g2 g1>");
	ck_assert_str_eq(paris_nice(), "g1>");
	ck_assert_uint_eq(kit_ce_revision("acme", "paris-r1"), paris + 1);
	whole();
}
END_TEST

START_TEST(not_twice)
{
	uint64_t begun, already;

	CHANGE(begin("paris", "lyon"));
	REFUSED(begin("paris", "lyon"), -EBUSY, ERR_ROTATION);
	REFUSED(begin("lyon", "paris"), -EBUSY, ERR_ROTATION);
	OK(store_begin(store, "test", &e));
	OK(store_rotation_begin(store, "acme", "corp", NULL, NULL, &begun,
							&already, &e));
	ck_assert_uint_eq(begun, 2);
	ck_assert_uint_eq(already, 1);
	OK(store_commit(store, "all", NULL, &e));
	REFUSED(begin(NULL, NULL), -EBUSY, ERR_ROTATION);
	REFUSED(begin("paris", "paris"), -ENOENT, ERR_NOT_FOUND);
	REFUSED(begin("paris", "rome"), -ENOENT, ERR_NOT_FOUND);
	REFUSED(begin("rome", NULL), -ENOENT, ERR_NOT_FOUND);
	REFUSED(store_rotation_begin(store, "acme", "nosuch", NULL, NULL, &begun,
								 &already, &e), -ENOENT, ERR_NOT_FOUND);
	kit_vpn("acme", "empty");
	REFUSED(store_rotation_begin(store, "acme", "empty", NULL, NULL, &begun,
								 &already, &e), -ENOENT, ERR_NOT_FOUND);
	whole();
}
END_TEST

START_TEST(a_dry_run_leaves_nothing)
{
	struct store_effects effects;
	const uint64_t before = kit_revision();

	OK(store_begin(store, "test", &e));
	OK(begin(NULL, NULL));
	OK(store_settle(store, &e));
	OK(store_effects(store, arena, &effects, &e));
	ck_assert(store_is_changed(store));
	ck_assert_uint_eq(effects.tunnels_by_change[STORE_ROTATING], 3);
	ck_assert_uint_eq(effects.tunnel_count, 3);
	ck_assert_uint_eq(effects.ces_told, 3);
	store_rollback(store);
	ck_assert_uint_eq(kit_revision(), before);
	ck_assert_str_eq(paris_lyon(), "g1>");
	ck_assert_str_eq(status(), "");
	ck_assert_uint_eq(kit_number("SELECT count(*) FROM event "
							 "WHERE kind LIKE 'rotation%'"), 0);
}
END_TEST

/* ---- who is away -------------------------------------------------------------------- */

/* The alarm of a CE for which keys wait: its text, "" for none. */
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
			ck_assert_str_eq(list[i].resource,
							 arena_printf(arena, "acme/%s", ce));
			return list[i].text;
		}
	}
	return "";
}

START_TEST(who_is_away_holds_its_own_pairs)
{
	const char *last;
	int i;

	all_applied();
	CHANGE(begin(NULL, NULL));
	for (i = 0; i < 3; i++)
	{
		applied("paris-r1");
		applied("lyon-r1");
		turn();
	}
	applied("paris-r1");
	applied("lyon-r1");
	turn();
	ck_assert_str_eq(paris_lyon(), "g2>");
	ck_assert_str_eq(paris_nice(), "g2 g1>");
	ck_assert_str_eq(status(), "lyon nice accept: nice-r1\n"
					 "nice paris accept: nice-r1\n");
	ck_assert_uint_eq(events_of(STORE_EVENT_ROTATION_DONE, &last), 0);
	whole();
	/* it is said after a day, of that one, until it goes on */
	ck_assert_str_eq(waiting("nice-r1", now + DAY - 600000), "");
	ck_assert_str_eq(waiting("nice-r1", now + DAY + 600000),
					 "the keys of 2 tunnels wait for it");
	ck_assert_str_eq(waiting("paris-r1", now + DAY + 600000), "");
	now += DAY + 600000;
	/* having it in part, or something else, is not having it */
	says("nice-r1", 1, kit_ce_revision("acme", "nice-r1"), STATUS_PARTIAL);
	ck_assert_uint_eq(turn(), 0);
	says("nice-r1", 1, kit_ce_revision("acme", "nice-r1"), STATUS_REJECTED);
	ck_assert_uint_eq(turn(), 0);
	says("nice-r1", 1, kit_ce_revision("acme", "nice-r1"), STATUS_PENDING);
	ck_assert_uint_eq(turn(), 0);
	says("nice-r1", 2, kit_ce_revision("acme", "nice-r1"), STATUS_APPLIED);
	ck_assert_uint_eq(turn(), 0);
	on_trial = true;
	applied("nice-r1");
	on_trial = false;
	ck_assert_uint_eq(turn(), 0);
	says("nice-r1", 1, kit_ce_revision("acme", "nice-r1") - 1,
		 STATUS_APPLIED);
	ck_assert_uint_eq(turn(), 0);
	ck_assert_str_eq(status(), "lyon nice accept: nice-r1\n"
					 "nice paris accept: nice-r1\n");
	ck_assert_str_ne(waiting("nice-r1", now), "");
	applied("nice-r1");
	ck_assert_uint_eq(turn(), 1);
	ck_assert_str_eq(waiting("nice-r1", now), "");
	ck_assert_str_eq(paris_nice(), "g2> g1");
	for (i = 0; i < 2; i++)
	{
		all_applied();
		turn();
	}
	all_applied();
	turn();
	ck_assert_uint_eq(events_of(STORE_EVENT_ROTATION_DONE, &last), 1);
	ck_assert_str_eq(status(), "");
	ck_assert_str_eq(paris_nice(), "g2>");
	whole();
}
END_TEST

/* Documents are not made anew for each router that reports. */
START_TEST(some_wait_for_the_others)
{
	OK(store_begin(store, "test", &e));
	OK(begin(NULL, NULL));
	OK(store_commit(store, "begin", NULL, &e));
	now = kit_now_ms();
	applied("paris-r1");
	applied("lyon-r1");
	OK(store_rotation_round(store, now, &out, &e));
	ck_assert_uint_eq(out.revisions, 0);
	applied("nice-r1");
	OK(store_rotation_round(store, now, &out, &e));
	ck_assert_uint_eq(out.revisions, 1);
	applied("paris-r1");
	applied("lyon-r1");
	OK(store_rotation_round(store, now + 1149, &out, &e));
	ck_assert_uint_eq(out.revisions, 0);
	OK(store_rotation_round(store, now + 1150, &out, &e));
	ck_assert_uint_eq(out.revisions, 1);
}
END_TEST

static int suspend(const char *ce, bool suspended)
{
	struct store_ce row;

	OK(store_ce_get(store, arena, "acme", ce, &row, &e));
	row.suspended = suspended;
	return store_ce_set(store, &row, &e);
}

START_TEST(suspended_ones_wait_silently)
{
	uint64_t lyon, paris;

	all_applied();
	CHANGE(suspend("nice-r1", true));
	all_applied();
	lyon = kit_ce_revision("acme", "lyon-r1");
	/* no document has this tunnel: nobody is told */
	OK(store_begin(store, "test", &e));
	OK(begin("lyon", "nice"));
	OK(store_settle(store, &e));
	ck_assert(store_is_changed(store));
	OK(store_commit(store, "begin", NULL, &e));
	ck_assert_uint_eq(kit_ce_revision("acme", "lyon-r1"), lyon);
	CHANGE(begin(NULL, NULL));
	paris = kit_ce_revision("acme", "paris-r1");
	ck_assert_uint_eq(paris, kit_revision());
	all_applied();
	ck_assert_uint_eq(turn(), 1);
	ck_assert_str_eq(paris_lyon(), "g2> g1");
	ck_assert_str_eq(status(), "lyon nice accept: nice-r1\n"
					 "lyon paris send: lyon-r1 paris-r1\n"
					 "nice paris accept: nice-r1\n");
	ck_assert_str_eq(waiting("nice-r1", now + 10 * DAY), "");
	whole();
	CHANGE(suspend("nice-r1", false));
	ck_assert_str_eq(lyon_nice(), "g2 g1>");
	all_applied();
	ck_assert_uint_eq(turn(), 1);
	ck_assert_str_eq(lyon_nice(), "g2> g1");
	all_applied();
	ck_assert_uint_eq(turn(), 1);
	all_applied();
	turn();
	ck_assert_str_eq(status(), "");
	whole();
}
END_TEST

/* What it says while it has no tunnels is no word of their keys, whichever end. */
START_TEST(a_resumed_one_confirms_anew)
{
	static const char *const ces[] = { "paris-r1", "nice-r1" };

	all_applied();
	CHANGE(begin("paris", "nice"));
	CHANGE(suspend(ces[_i], true));
	all_applied();
	ck_assert_uint_eq(turn(), 0);
	CHANGE(suspend(ces[_i], false));
	ck_assert_uint_eq(turn(), 0);
	ck_assert_str_eq(status(), "nice paris accept: nice-r1 paris-r1\n");
	all_applied();
	ck_assert_uint_eq(turn(), 1);
	whole();
}
END_TEST

START_TEST(each_end_is_waited_for)
{
	const char *const names[] = { "paris-r1", "lyon-r1", "nice-r1" };
	int i;

	CHANGE(begin(NULL, NULL));
	for (i = 0; i < 3; i++)
	{
		ck_assert_str_eq(waiting(names[i], now + DAY - 60000), "");
		ck_assert_str_eq(waiting(names[i], now + DAY + 60000),
						 "the keys of 2 tunnels wait for it");
	}
	CHANGE(store_site_remove(store, "acme", "corp", "nice", "site-removed",
							 &e));
	ck_assert_str_eq(waiting("nice-r1", now + DAY + 60000), "");
	ck_assert_str_eq(waiting("paris-r1", now + DAY + 60000),
					 "the key of one tunnel waits for it");
}
END_TEST

/* ---- what comes between ------------------------------------------------------------- */

/* A tunnel goes at a step and comes back by revert: it goes on where it was. */
START_TEST(back_in_the_middle)
{
	static const char *const at[] = { "g2 g1>", "g2> g1", "g2>" };
	static const char *const steps[] = { "accept", "send" };
	static const char keyed[] = "SELECT max(keyed_ms) FROM link "
		"WHERE site_a = (SELECT id FROM site WHERE name = 'nice')";
	struct secret sent;
	int64_t made;
	int i;

	all_applied();
	CHANGE(begin(NULL, NULL));
	made = kit_number(keyed);
	for (i = 0; i < _i; i++)
	{
		all_applied();
		ck_assert_uint_eq(turn(), 1);
	}
	ck_assert_str_eq(paris_nice(), at[_i]);
	sent = secret_of("paris-r1", "nice", _i ? "g2" : "g1");
	usleep(2000);
	CHANGE(store_site_remove(store, "acme", "corp", "nice", "site-removed",
							 &e));
	ck_assert_uint_eq(kit_number("SELECT count(*) FROM rotation"), 1);
	whole();
	CHANGE(store_revert(store, kit_revision(), &e));
	ck_assert_str_eq(paris_nice(), at[_i]);
	ck_assert_mem_eq(secret_of("nice-r1", "paris", _i ? "g2" : "g1").bytes,
					 sent.bytes, 32);
	ck_assert_uint_eq(kit_number("SELECT count(*) FROM psk_retired"), 0);
	ck_assert_int_eq(kit_number(keyed), made);
	whole();
	if (_i < 2)
	{
		/* what nice had before it went counts no more */
		ck_assert_uint_eq(turn(), 0);
		ck_assert_str_eq(status(), arena_printf(arena,
			"lyon nice %s: lyon-r1 nice-r1\nlyon paris %s: lyon-r1 paris-r1\n"
			"nice paris %s: nice-r1 paris-r1\n", steps[_i], steps[_i],
			steps[_i]));
	}
	for (i = 0; i < 4; i++)
	{
		all_applied();
		turn();
	}
	ck_assert_str_eq(status(), "");
	ck_assert_str_eq(paris_nice(), "g2>");
	ck_assert_str_eq(lyon_nice(), "g2>");
	whole();
}
END_TEST

START_TEST(old_keys_come_back_by_no_way)
{
	struct secret old = secret_of("paris-r1", "nice", "g1");
	uint64_t removed;
	int i;

	/* the tunnel of before, kept for a revert; then another of the same sites */
	struct store_vpn vpn;
	struct store_link link = {
		.customer = (char *)"acme", .vpn = (char *)"corp",
		.site = { (char *)"paris", (char *)"nice" }, .wanted = true,
	};

	OK(store_vpn_get(store, arena, "acme", "corp", &vpn, &e));
	vpn.topology = MODEL_CUSTOM;
	CHANGE(store_vpn_set(store, &vpn, NULL, 0, &e));
	removed = kit_revision();
	CHANGE(store_link_set(store, &link, &e));
	ck_assert_uint_eq(kit_number("SELECT count(*) FROM psk_retired"), 3);
	ck_assert(memcmp(secret_of("paris-r1", "nice", "g1").bytes, old.bytes,
					 32) != 0);
	old = secret_of("paris-r1", "nice", "g1");
	CHANGE(begin("paris", "nice"));
	REFUSED(store_revert(store, kit_revision() + 1, &e), -ENOENT,
			ERR_NOT_FOUND);
	for (i = 0; i < 4; i++)
	{
		all_applied();
		turn();
	}
	ck_assert_str_eq(paris_nice(), "g2>");
	/* of this pair nothing is kept; of the others it is */
	ck_assert_uint_eq(kit_number("SELECT count(*) FROM psk_retired"), 2);
	CHANGE(store_revert(store, removed + 1, &e));
	CHANGE(store_revert(store, removed, &e));
	ck_assert_str_eq(paris_nice(), "g1>");
	ck_assert(memcmp(secret_of("paris-r1", "nice", "g1").bytes, old.bytes,
					 32) != 0);
	ck_assert_str_eq(paris_lyon(), "g1>");
	whole();
}
END_TEST

START_TEST(a_rotation_is_not_taken_back)
{
	uint64_t revision, days;

	all_applied();
	CHANGE(set_days(30));
	days = kit_revision();
	OK(store_begin(store, "test", &e));
	OK(begin(NULL, NULL));
	OK(store_commit(store, "psk rotate acme/corp", &revision, &e));
	REFUSED(store_revert(store, revision, &e), -EBUSY, ERR_ROTATION);
	all_applied();
	ck_assert_uint_eq(turn(), 1);
	REFUSED(store_revert(store, kit_revision(), &e), -EBUSY, ERR_ROTATION);
	/* taking back what was before it keeps today's keys */
	CHANGE(store_revert(store, days, &e));
	ck_assert_str_eq(paris_lyon(), "g2> g1");
	ck_assert_str_eq(status(), "lyon nice send: lyon-r1 nice-r1\n"
					 "lyon paris send: lyon-r1 paris-r1\n"
					 "nice paris send: nice-r1 paris-r1\n");
}
END_TEST

/* Two servers of one database: each step once. */
START_TEST(two_servers_step_once)
{
	struct store *other;
	struct store_rotated second;
	uint64_t before;
	int i;

	OK(store_open(kit_path, &kit_kek, &other, &e));
	all_applied();
	CHANGE(begin(NULL, NULL));
	for (i = 0; i < 2; i++)
	{
		all_applied();
		before = kit_revision();
		now += 60000;
		OK(store_rotation_round(i ? other : store, now, &out, &e));
		OK(store_rotation_round(i ? store : other, now, &second, &e));
		ck_assert_uint_eq(out.revisions, 1);
		ck_assert_uint_eq(second.revisions, 0);
		ck_assert_uint_eq(kit_revision(), before + 1);
	}
	all_applied();
	OK(store_rotation_round(other, now, &out, &e));
	OK(store_rotation_round(store, now, &second, &e));
	ck_assert_uint_eq(out.finished, 3);
	ck_assert_uint_eq(second.finished, 0);
	store_close(other);
	whole();
}
END_TEST

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

/* The same at the same time: who comes second finds it done. */
START_TEST(two_servers_at_once)
{
	struct server servers[2];
	pthread_barrier_t gate;
	pthread_t threads[2];
	uint64_t before;
	int i, k;

	memset(servers, 0, sizeof(servers));
	pthread_barrier_init(&gate, NULL, 2);
	for (k = 0; k < 2; k++)
	{
		servers[k].gate = &gate;
		OK(store_open(kit_path, &kit_kek, &servers[k].store, &e));
	}
	for (i = 0; i < 60; i++)
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
		ck_assert_uint_eq(kit_revision() - before, i % 4 == 1 || i % 4 == 2);
		ck_assert_uint_eq(servers[0].out.commands + servers[1].out.commands,
						  i && i % 4 == 3);
		if (i % 4 == 0)
		{
			CHANGE(begin(NULL, NULL));
		}
	}
	for (k = 0; k < 2; k++)
	{
		store_close(servers[k].store);
	}
	pthread_barrier_destroy(&gate);
	whole();
}
END_TEST

/* ---- by schedule -------------------------------------------------------------------- */

static uint64_t schedule(int64_t later)
{
	OK(store_rotation_schedule(store, kit_now_ms() + later, &out, &e));
	return out.revisions;
}

START_TEST(by_schedule)
{
	struct store_audit *audit;
	struct store_vpn vpn;
	uint64_t told;
	size_t count;
	int i;

	ck_assert_uint_eq(schedule(4000 * DAY), 0);
	told = kit_ce_revision("acme", "paris-r1");
	CHANGE(set_days(30));
	/* no document has that */
	ck_assert_uint_eq(kit_ce_revision("acme", "paris-r1"), told);
	OK(store_vpn_get(store, arena, "acme", "corp", &vpn, &e));
	ck_assert_uint_eq(vpn.psk_rotation_days, 30);
	/* who never came could not go on */
	ck_assert_uint_eq(schedule(31 * DAY), 0);
	applied("paris-r1");
	applied("lyon-r1");
	ck_assert_uint_eq(schedule(27 * DAY - 60000), 0);
	ck_assert_uint_eq(schedule(30 * DAY), 1);
	ck_assert_str_eq(paris_lyon(), "g2 g1>");
	ck_assert_str_eq(paris_nice(), "g1>");
	OK(store_audits_of(store, arena, "acme", 1, &audit, &count, &e));
	ck_assert_str_eq(audit->what, "psk rotate acme/corp: 1 keys are due");
	ck_assert_str_eq(audit->actor, "server");
	REFUSED(store_revert(store, kit_revision(), &e), -EBUSY, ERR_ROTATION);
	/* not twice, and not before it is of that age */
	ck_assert_uint_eq(schedule(30 * DAY), 0);
	ck_assert_uint_eq(schedule(90 * DAY), 0);
	for (i = 0; i < 3; i++)
	{
		applied("paris-r1");
		applied("lyon-r1");
		turn();
	}
	ck_assert_str_eq(status(), "");
	ck_assert_uint_eq(schedule(56 * DAY), 0);
	applied("nice-r1");
	ck_assert_uint_eq(schedule(56 * DAY), 1);
	ck_assert_str_eq(paris_lyon(), "g2>");
	ck_assert_str_eq(paris_nice(), "g2 g1>");
	ck_assert_uint_eq(schedule(61 * DAY), 1);
	ck_assert_str_eq(paris_lyon(), "g3 g2>");
	CHANGE(set_days(0));
	ck_assert_uint_eq(schedule(4000 * DAY), 0);
	REFUSED(set_days(3651), -EINVAL, ERR_LIMIT);
	CHANGE(store_revert(store, kit_revision(), &e));
	OK(store_vpn_get(store, arena, "acme", "corp", &vpn, &e));
	ck_assert_uint_eq(vpn.psk_rotation_days, 30);
	whole();
}
END_TEST

START_TEST(a_tunnel_says_its_key)
{
	struct store_tunnel *list;
	size_t count;
	int i;

	all_applied();
	OK(store_tunnels(store, arena, "acme", "corp", &list, &count, &e));
	ck_assert_uint_eq(list[0].generation, 1);
	ck_assert_int_eq(list[0].step, ROTATION_DONE);
	ck_assert_int_le(kit_now_ms() - list[0].keyed_ms, 60000);
	CHANGE(begin("lyon", "nice"));
	for (i = 0; i < 3; i++)
	{
		OK(store_tunnels(store, arena, "acme", "corp", &list, &count, &e));
		ck_assert_uint_eq(count, 3);
		ck_assert_uint_eq(list[0].generation, i ? 2 : 1);
		ck_assert_int_eq(list[0].step, i);
		ck_assert_int_eq(list[1].step, ROTATION_DONE);
		all_applied();
		turn();
	}
	OK(store_tunnels(store, arena, "acme", "corp", &list, &count, &e));
	ck_assert_uint_eq(list[0].generation, 2);
	ck_assert_int_eq(list[0].step, ROTATION_DONE);
}
END_TEST

TCase *store_rotation_case(void)
{
	TCase *tc = tcase_create("rotation");

	tcase_add_checked_fixture(tc, setup, kit_teardown);
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, three_steps);
	tcase_add_test(tc, only_those_concerned_are_told);
	tcase_add_test(tc, not_twice);
	tcase_add_test(tc, a_dry_run_leaves_nothing);
	tcase_add_test(tc, who_is_away_holds_its_own_pairs);
	tcase_add_test(tc, some_wait_for_the_others);
	tcase_add_test(tc, suspended_ones_wait_silently);
	tcase_add_loop_test(tc, a_resumed_one_confirms_anew, 0, 2);
	tcase_add_test(tc, each_end_is_waited_for);
	tcase_add_loop_test(tc, back_in_the_middle, 0, 3);
	tcase_add_test(tc, old_keys_come_back_by_no_way);
	tcase_add_test(tc, a_rotation_is_not_taken_back);
	tcase_add_test(tc, two_servers_step_once);
	tcase_add_test(tc, two_servers_at_once);
	tcase_add_test(tc, by_schedule);
	tcase_add_test(tc, a_tunnel_says_its_key);
	return tc;
}
