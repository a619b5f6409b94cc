/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * test_store_alarm.c - the ledger of alarms: what routers report, what the
 * server finds; events and how far they have left; diagnostic bundles
 */
#include "config.h"

#include <pthread.h>

#include "run.h"
#include "store_kit.h"

#define INTERVAL 300
#define HOUR INT64_C(3600000)
#define DAY (24 * HOUR)

static int64_t now;
static uint64_t seq;
static struct store_rules rules;

static void setup(void)
{
	kit_setup();
	kit_acme();
	now = kit_now_ms() + 10 * HOUR;
	seq = 0;
	rules = (struct store_rules){
		.started_ms = now - 9 * HOUR, .report_interval_s = INTERVAL,
		.host = "vpn1",
	};
}

static struct status_alarm alarm_of(const char *resource, const char *code,
									enum status_severity severity)
{
	return (struct status_alarm){
		.code = (char *)code, .resource = (char *)resource,
		.severity = (int)severity, .count = 1, .text = (char *)"so it is",
	};
}

static struct status_peer peer_of(const char *peer, const char *state)
{
	return (struct status_peer){
		.customer = (char *)"acme", .vpn = (char *)"corp",
		.peer = (char *)peer, .state = (char *)state, .ike = (char *)"",
		.child = (char *)"", .proposal = (char *)"", .ospf = (char *)"",
		.last_error = (char *)"none",
	};
}

static struct status_report report_of(const char *place)
{
	return (struct status_report){
		.ce = (char *)place, .boot_id = (char *)"0", .seq = ++seq,
		.agent_version = (char *)"0.1", .epoch = 1, .revision = kit_revision(),
		.result = STATUS_APPLIED,
	};
}

/* site's router (named SITE-r1) reports at now, its tunnels in these states */
static void tunnels(const char *site, const char *peer_a, const char *state_a,
					const char *peer_b, const char *state_b)
{
	struct status_peer peers[] = { peer_of(peer_a, state_a),
								   peer_of(peer_b, state_b) };
	char *ce = arena_printf(arena, "%s-r1", site);
	struct status_report r = report_of(ce);

	r.peers = peers;
	r.peer_count = 2;
	OK(store_report(store, kit_ce_id("acme", ce), &r, now, &e));
}

static void says(const char *ce, struct status_alarm *alarms, size_t count)
{
	struct status_report r = report_of(ce);

	r.alarms = alarms;
	r.alarm_count = count;
	OK(store_report(store, kit_ce_id("acme", ce), &r, now, &e));
}

static size_t look(void)
{
	size_t changed;

	rules.now_ms = now;
	OK(store_rules_apply(store, &rules, &changed, &e));
	return changed;
}

static struct store_alarm *list;
static size_t count;

static void ask(const char *vpn, const char *site, bool cleared)
{
	OK(store_alarms(store, arena, vpn ? "acme" : NULL, vpn, site, cleared,
					&list, &count, &e));
}

/* The raised one with these; NULL: none. Others are not looked at. */
static struct store_alarm *find(const char *code, const char *resource)
{
	ask(NULL, NULL, false);
	for (size_t i = 0; i < count; i++)
	{
		if (strcmp(list[i].code, code) == 0 &&
			strcmp(list[i].resource, resource) == 0)
		{
			return &list[i];
		}
	}
	return NULL;
}

/* "raised auth-failed acme/…" of the events after *at, a line each */
static char *events(uint64_t *at)
{
	const struct store_event_filter filter = { .alarms = true };
	struct store_event *found;
	char *text = arena_strdup(arena, "");
	size_t n;

	OK(store_events(store, arena, *at, &filter, 10000, &found, &n, &e));
	for (size_t i = 0; i < n; i++)
	{
		ck_assert_uint_gt(found[i].id, *at);
		*at = found[i].id;
		text = arena_printf(arena, "%s%s %s %s\n", text,
							store_event_words[found[i].kind] + 6,
							found[i].code, found[i].resource);
	}
	return text;
}

static uint64_t newest(void)
{
	uint64_t id, gone;

	OK(store_event_ids(store, &id, &gone, &e));
	return id;
}

/* ---- what routers report ------------------------------------------------------ */

START_TEST(follows_what_a_router_reports)
{
	struct status_alarm alarms[] = {
		alarm_of("acme/corp/lyon", "auth-failed", STATUS_MAJOR),
		alarm_of("charon", "unknown-peer", STATUS_WARNING),
	};
	uint64_t at = newest();
	struct store_alarm *a;
	int64_t raised = now;

	says("paris-r1", alarms, 2);
	ck_assert_str_eq(events(&at),
					 "raised auth-failed acme/corp/paris/lyon\n"
					 "raised unknown-peer acme/paris-r1:charon\n");
	a = find("auth-failed", "acme/corp/paris/lyon");
	ck_assert_ptr_nonnull(a);
	ck_assert_uint_eq(count, 2);
	ck_assert_str_eq(a->source, "acme/paris-r1");
	ck_assert_str_eq(a->text, "so it is");
	ck_assert_str_eq(a->site, "paris");
	ck_assert_str_eq(a->peer, "lyon");
	ck_assert_int_eq(a->raised_ms, now);
	/* the same again is nothing new */
	now += 1000;
	says("paris-r1", alarms, 2);
	ck_assert_str_eq(events(&at), "");
	/* another text is written, another severity is told */
	alarms[0].text = (char *)"still";
	alarms[1].severity = STATUS_MINOR;
	says("paris-r1", alarms, 2);
	ck_assert_str_eq(events(&at),
					 "changed unknown-peer acme/paris-r1:charon\n");
	a = find("auth-failed", "acme/corp/paris/lyon");
	ck_assert_str_eq(a->text, "still");
	ck_assert_int_eq(a->changed_ms, raised);
	a = find("unknown-peer", "acme/paris-r1:charon");
	ck_assert_int_eq(a->severity, STATUS_MINOR);
	ck_assert_int_eq(a->raised_ms, raised);
	ck_assert_int_eq(a->changed_ms, now);
	/* cleared, by word and by being no longer listed */
	alarms[0].severity = STATUS_CLEARED;
	says("paris-r1", alarms, 1);
	ck_assert_str_eq(events(&at),
					 "cleared auth-failed acme/corp/paris/lyon\n"
					 "cleared unknown-peer acme/paris-r1:charon\n");
	ask(NULL, NULL, false);
	ck_assert_uint_eq(count, 0);
	ask(NULL, NULL, true);
	ck_assert_uint_eq(count, 2);
	ck_assert_int_eq(list[0].cleared_ms, now);
	ck_assert_int_eq(list[0].severity, STATUS_MAJOR);
	/* the same one, once more */
	alarms[0].severity = STATUS_CRITICAL;
	says("paris-r1", alarms, 1);
	a = find("auth-failed", "acme/corp/paris/lyon");
	ck_assert_uint_eq(a->count, 2);
	ck_assert_int_eq(a->raised_ms, now);
	ck_assert_int_eq(a->cleared_ms, 0);
}
END_TEST

START_TEST(a_router_names_only_what_is_its_own)
{
	static const char *const said[] = {
		"acme/corp/paris", "acme/corp/nosuch", "other/corp/lyon",
		"acme/corp/lyon/x", "acme//lyon", "acme/lyon-r1", "server", "ca", "/",
	};
	struct status_alarm alarms[COUNT(said)];
	struct store_event *found;
	struct store_event_filter filter = { .alarms = true };
	size_t i, n;

	kit_customer("other");
	kit_vpn("other", "corp");
	for (i = 0; i < COUNT(said); i++)
	{
		alarms[i] = alarm_of(said[i], "tunnel-down", STATUS_CRITICAL);
	}
	alarms[0].text = (char *)"\x1b[31m \xff";
	says("paris-r1", alarms, COUNT(said));
	ask(NULL, NULL, false);
	ck_assert_uint_eq(count, COUNT(said));
	for (i = 0; i < count; i++)
	{
		ck_assert_msg(strncmp(list[i].resource, "acme/paris-r1:", 14) == 0,
					  "%s", list[i].resource);
		ck_assert_str_eq(list[i].customer, "acme");
		ck_assert_str_eq(list[i].vpn, "");
		ck_assert_str_eq(list[i].source, "acme/paris-r1");
		ck_assert(text_is_printable(list[i].text));
	}
	OK(store_alarms(store, arena, "other", NULL, NULL, true, &list, &n, &e));
	ck_assert_uint_eq(n, 0);
	OK(store_events(store, arena, 0, &filter, 100, &found, &n, &e));
	ck_assert_uint_eq(n, COUNT(said));
	ck_assert(text_is_printable(found[0].text));
}
END_TEST

/* Ever new alarms fill no table, and each is cleared that was raised. */
START_TEST(a_router_that_reports_too_much_is_bounded)
{
	struct status_alarm alarms[STATUS_ALARMS_MAX];
	const struct store_event_filter filter = { .alarms = true };
	struct store_event *found;
	struct store_alarm *a;
	size_t n, i, round;
	int64_t raised = 0;

	for (round = 0; round < 12; round++)
	{
		for (i = 0; i < STATUS_ALARMS_MAX; i++)
		{
			alarms[i] = alarm_of(arena_printf(arena, "r%zu-%zu", round, i),
								 "kernel", STATUS_MINOR);
		}
		now += 1000;
		says("paris-r1", alarms, STATUS_ALARMS_MAX);
	}
	a = find("alarm-limit", "acme/paris-r1");
	ck_assert_ptr_nonnull(a);
	ck_assert_str_eq(a->source, "acme/paris-r1");
	ask(NULL, NULL, true);
	ck_assert_uint_le(count, 512 + 256 + 1);
	OK(store_events(store, arena, 0, &filter, 100000, &found, &n, &e));
	ck_assert_uint_le(n, 2 * 600 + 2);
	/* the others' are taken as ever */
	says("lyon-r1", alarms, 3);
	ck_assert_ptr_nonnull(find("kernel", "acme/lyon-r1:r11-0"));
	/* in the next hour it is heard again, and told no longer */
	now += HOUR;
	says("paris-r1", alarms, 2);
	ck_assert_ptr_nonnull(find("kernel", "acme/paris-r1:r11-0"));
	ck_assert_ptr_null(find("alarm-limit", "acme/paris-r1"));
	OK(store_events(store, arena, 0, &filter, 100000, &found, &n, &e));
	for (i = 0; i < n; i++)
	{
		raised += found[i].kind == STORE_EVENT_RAISED;
		raised -= found[i].kind == STORE_EVENT_CLEARED;
	}
	ask(NULL, NULL, false);
	ck_assert_int_eq(raised, (int64_t)count);
}
END_TEST

START_TEST(what_is_removed_has_no_alarms)
{
	struct status_alarm alarms[] = {
		alarm_of("acme/corp/lyon", "auth-failed", STATUS_MAJOR),
		alarm_of("acme/corp/nice", "auth-failed", STATUS_MAJOR),
		alarm_of("charon", "charon", STATUS_CRITICAL),
	};
	uint64_t at;

	says("paris-r1", alarms, 3);
	at = newest();
	CHANGE(store_site_remove(store, "acme", "corp", "lyon", "site-removed",
							 &e));
	ck_assert_str_eq(events(&at), "cleared auth-failed acme/corp/paris/lyon\n");
	/* a dry run tells nobody */
	OK(store_begin(store, "test", &e));
	OK(store_site_remove(store, "acme", "corp", "nice", "site-removed", &e));
	store_rollback(store);
	ck_assert_str_eq(events(&at), "");
	/* other hardware: what the old one said is said by nobody */
	CHANGE(store_ce_replace(store, "acme", "paris-r1", &e));
	ck_assert_str_eq(events(&at), "cleared auth-failed acme/corp/paris/nice\n"
					 "cleared charon acme/paris-r1:charon\n");
	says("paris-r1", alarms + 2, 1);
	(void)events(&at);
	CHANGE(store_ce_leave(store, kit_ce_id("acme", "paris-r1"), &e));
	ck_assert_str_eq(events(&at), "cleared charon acme/paris-r1:charon\n");
	ask(NULL, NULL, false);
	ck_assert_uint_eq(count, 0);
}
END_TEST

START_TEST(lists_by_place)
{
	struct status_alarm of_paris[] = {
		alarm_of("acme/corp/lyon", "auth-failed", STATUS_MINOR),
		alarm_of("frr", "frr", STATUS_WARNING),
	};
	struct status_alarm of_nice[] = {
		alarm_of("charon", "charon", STATUS_CRITICAL),
	};

	kit_vpn("acme", "lab");
	says("paris-r1", of_paris, 2);
	says("nice-r1", of_nice, 1);
	ask(NULL, NULL, false);
	ck_assert_uint_eq(count, 3);
	ck_assert_str_eq(list[0].code, "charon");
	ck_assert_str_eq(list[2].code, "frr");
	ask("corp", NULL, false);
	ck_assert_uint_eq(count, 3);
	ask("lab", NULL, false);
	ck_assert_uint_eq(count, 0);
	ask("corp", "paris", false);
	ck_assert_uint_eq(count, 2);
	ask("corp", "lyon", false);
	ck_assert_uint_eq(count, 1);
	ck_assert_str_eq(list[0].code, "auth-failed");
	ask("corp", "nice", false);
	ck_assert_uint_eq(count, 1);
}
END_TEST

/* ---- what the server finds ------------------------------------------------------- */

static void all_up(void)
{
	tunnels("paris", "lyon", "up", "nice", "up");
	tunnels("lyon", "paris", "up", "nice", "up");
	tunnels("nice", "paris", "up", "lyon", "up");
}

#define TUNNEL "acme/corp/lyon/paris"

START_TEST(a_tunnel_that_both_routers_have_and_is_down)
{
	uint64_t at;
	struct store_alarm *a;

	all_up();
	at = newest();
	tunnels("paris", "lyon", "connecting", "nice", "up");
	tunnels("lyon", "paris", "up", "nice", "up");
	tunnels("nice", "paris", "up", "lyon", "up");
	/* it has just begun */
	now += 20000;
	ck_assert_uint_eq(look(), 0);
	/* both have reported since: one alarm, however often it is looked */
	now += 20000;
	tunnels("lyon", "paris", "waiting", "nice", "up");
	tunnels("paris", "lyon", "waiting", "nice", "up");
	ck_assert_uint_eq(look(), 1);
	ck_assert_uint_eq(look(), 0);
	ck_assert_str_eq(events(&at), "raised tunnel-down " TUNNEL "\n");
	a = find("tunnel-down", TUNNEL);
	ck_assert_int_eq(a->severity, STATUS_MAJOR);
	ck_assert_str_eq(a->text, "lyon: not up, paris: not up");
	ck_assert_str_eq(a->source, "server");
	ask("corp", "lyon", false);
	ck_assert_uint_eq(count, 1);
	ask("corp", "nice", false);
	ck_assert_uint_eq(count, 0);
	/* one end is enough */
	tunnels("lyon", "paris", "up", "nice", "up");
	ck_assert_uint_eq(look(), 1);
	ck_assert_str_eq(events(&at), "");
	ck_assert_str_eq(find("tunnel-down", TUNNEL)->text,
					 "lyon: up, paris: not up");
	/* up at both */
	tunnels("paris", "lyon", "up", "nice", "up");
	ck_assert_uint_eq(look(), 1);
	ck_assert_str_eq(events(&at), "cleared tunnel-down " TUNNEL "\n");
}
END_TEST

/* "Configured but down is as visible as down": an end that says nothing of it. */
START_TEST(a_tunnel_that_a_router_says_nothing_of_is_down)
{
	struct status_peer only = peer_of("nice", "up");
	struct status_report r = report_of("acme/paris-r1");

	r.peers = &only;
	r.peer_count = 1;
	OK(store_report(store, kit_ce_id("acme", "lyon-r1"), &r, now, &e));
	tunnels("nice", "paris", "up", "lyon", "up");
	tunnels("paris", "lyon", "up", "nice", "up");
	/* the first report of lyon's was before the others' first ones */
	r = report_of("acme/lyon-r1");
	r.peers = &only;
	r.peer_count = 1;
	OK(store_report(store, kit_ce_id("acme", "lyon-r1"), &r, now, &e));
	now += 40000;
	r.seq = ++seq;
	OK(store_report(store, kit_ce_id("acme", "lyon-r1"), &r, now, &e));
	ck_assert_uint_eq(look(), 1);
	ck_assert_str_eq(find("tunnel-down", TUNNEL)->text,
					 "lyon: no word of it, paris: up");
	/* not so with a document of before the tunnel */
	CHANGE(store_site_remove(store, "acme", "corp", "paris", "site-removed",
							 &e));
	ck_assert_ptr_null(find("tunnel-down", TUNNEL));
	kit_site("acme", "corp", "paris", "paris-r1");
	r.seq = ++seq;
	OK(store_report(store, kit_ce_id("acme", "lyon-r1"), &r, now, &e));
	tunnels("paris", "lyon", "connecting", "nice", "up");
	now += 40000;
	look();
	ck_assert_ptr_null(find("tunnel-down", TUNNEL));
}
END_TEST

/* A router that died is one alarm, not one for each of its tunnels. */
START_TEST(a_router_that_died_is_one_alarm)
{
	uint64_t at;

	all_up();
	at = newest();
	for (int i = 0; i < 3; i++)
	{
		now += INTERVAL * 1000 + 1;
		tunnels("lyon", "paris", "waiting", "nice", "up");
		tunnels("nice", "paris", "waiting", "lyon", "up");
		look();
	}
	ck_assert_str_eq(events(&at), "raised ce-silent acme/paris-r1\n");
	ck_assert_str_eq(find("ce-silent", "acme/paris-r1")->ce, "paris-r1");
	ask("corp", "paris", false);
	ck_assert_uint_eq(count, 1);
	/* it comes back, and its tunnels have their time */
	tunnels("paris", "lyon", "up", "nice", "connecting");
	look();
	ck_assert_str_eq(events(&at), "cleared ce-silent acme/paris-r1\n");
	now += 20000;
	look();
	ck_assert_str_eq(events(&at), "");
	now += 20000;
	tunnels("lyon", "paris", "waiting", "nice", "up");
	tunnels("nice", "paris", "up", "lyon", "up");
	tunnels("paris", "lyon", "up", "nice", "up");
	look();
	ck_assert_str_eq(events(&at), "raised tunnel-down " TUNNEL "\n");
}
END_TEST

/* What is known to be down stays so when one of the two falls silent. */
START_TEST(silence_clears_nothing)
{
	uint64_t at;

	all_up();
	at = newest();
	tunnels("paris", "lyon", "waiting", "nice", "up");
	tunnels("lyon", "paris", "waiting", "nice", "up");
	now += 40000;
	tunnels("paris", "lyon", "waiting", "nice", "up");
	tunnels("lyon", "paris", "waiting", "nice", "up");
	look();
	now += 4 * INTERVAL * 1000;
	tunnels("paris", "lyon", "waiting", "nice", "up");
	tunnels("nice", "paris", "up", "lyon", "up");
	look();
	ck_assert_str_eq(events(&at), "raised tunnel-down " TUNNEL "\n"
					 "raised ce-silent acme/lyon-r1\n");
	/* a suspended one has no tunnels that could be up */
	OK(store_begin(store, "test", &e));
	{
		struct store_ce ce;

		OK(store_ce_get(store, arena, "acme", "lyon-r1", &ce, &e));
		ce.suspended = true;
		OK(store_ce_set(store, &ce, &e));
	}
	OK(store_commit(store, "suspend", NULL, &e));
	look();
	ck_assert_ptr_nonnull(strstr(events(&at),
								 "cleared tunnel-down " TUNNEL "\n"));
}
END_TEST

/* Nobody could report to a server that was not there. */
START_TEST(a_server_that_has_just_started_waits)
{
	uint64_t at = newest();

	tunnels("paris", "lyon", "up", "nice", "up");
	now += 10 * HOUR;
	rules.started_ms = now - 1000;
	ck_assert_uint_eq(look(), 0);
	now += 3 * INTERVAL * 1000;
	ck_assert_uint_eq(look(), 1);
	/* restarted: what is raised stays */
	rules.started_ms = now;
	ck_assert_uint_eq(look(), 0);
	ck_assert_str_eq(events(&at), "raised ce-silent acme/paris-r1\n");
}
END_TEST

static int issue(void *user, const struct store_ce *ce, uint64_t serial,
				 struct arena *a, struct store_issued *issued,
				 struct err *err)
{
	(void)user;
	(void)ce;
	(void)serial;
	(void)err;
	issued->pem = arena_strdup(a, "cert");
	return 0;
}

START_TEST(a_router_that_never_came)
{
	uint8_t token[32] = { 7 }, key[32] = { 8 };
	uint64_t at = newest();
	char *cert;
	bool again;

	OK(store_token_add(store, "acme", "paris-r1", token, now + HOUR, "x", &e));
	OK(store_token_add(store, "acme", "lyon-r1", token, now + DAY, "x", &e));
	ck_assert_uint_eq(look(), 0);
	now += HOUR + 1;
	ck_assert_uint_eq(look(), 1);
	ck_assert_str_eq(events(&at), "raised ce-never-seen acme/paris-r1\n");
	OK(store_enroll(store, arena, "acme", "lyon-r1", token, key, now, issue,
					NULL, &cert, &again, &e));
	ck_assert_uint_eq(look(), 0);
	now += 3 * INTERVAL * 1000 + 1;
	ck_assert_uint_eq(look(), 1);
	ck_assert_str_eq(events(&at), "raised ce-never-seen acme/lyon-r1\n");
	ck_assert_int_eq(find("ce-never-seen", "acme/lyon-r1")->severity,
					 STATUS_MINOR);
	tunnels("lyon", "paris", "connecting", "nice", "connecting");
	/* another token for it: it is waited for */
	OK(store_token_add(store, "acme", "paris-r1", token, now + DAY, "x", &e));
	look();
	ck_assert_str_eq(events(&at), "cleared ce-never-seen acme/lyon-r1\n"
					 "cleared ce-never-seen acme/paris-r1\n");
}
END_TEST

START_TEST(a_router_without_its_configuration)
{
	struct status_error error = { .code = (char *)"frr",
								  .where = (char *)"ospfd",
								  .text = (char *)"not there" };
	struct status_report r = report_of("acme/paris-r1");
	const uint64_t id = kit_ce_id("acme", "paris-r1");
	uint64_t at = newest();

	r.result = STATUS_REJECTED;
	r.errors = &error;
	r.error_count = 1;
	OK(store_report(store, id, &r, now, &e));
	ck_assert_uint_eq(look(), 1);
	ck_assert_int_eq(find("not-applied", "acme/paris-r1")->severity,
					 STATUS_MAJOR);
	ck_assert_str_eq(list[0].text, "rejected: frr: not there");
	r.result = STATUS_PARTIAL;
	r.seq = ++seq;
	OK(store_report(store, id, &r, now, &e));
	ck_assert_uint_eq(look(), 1);
	r.result = STATUS_APPLIED;
	r.seq = ++seq;
	OK(store_report(store, id, &r, now, &e));
	ck_assert_uint_eq(look(), 1);
	ck_assert_str_eq(events(&at), "raised not-applied acme/paris-r1\n"
					 "changed not-applied acme/paris-r1\n"
					 "cleared not-applied acme/paris-r1\n");
	/* it reports a minute after a change, and has it not */
	r.seq = ++seq;
	r.revision--;
	OK(store_report(store, id, &r, now, &e));
	ck_assert_uint_eq(look(), 1);
	ck_assert_str_eq(events(&at), "raised not-applied acme/paris-r1\n");
	r.seq = ++seq;
	r.revision++;
	OK(store_report(store, id, &r, now, &e));
	ck_assert_uint_eq(look(), 1);
}
END_TEST

START_TEST(certificates_that_end)
{
	uint64_t at = newest();

	rules.server_expires_s = now / 1000 + 61 * 86400;
	rules.ca_expires_s = now / 1000 + 3650 * (int64_t)86400;
	ck_assert_uint_eq(look(), 0);
	now += 2 * DAY;
	ck_assert_uint_eq(look(), 1);
	ck_assert_str_eq(events(&at), "raised certificate-ends server:vpn1\n");
	now += 50 * DAY;
	ck_assert_uint_eq(look(), 1);
	ck_assert_str_eq(events(&at), "changed certificate-ends server:vpn1\n");
	now += 10 * DAY;
	ck_assert_uint_eq(look(), 1);
	ck_assert_int_eq(find("certificate-ends", "server:vpn1")->severity,
					 STATUS_CRITICAL);
	ck_assert_str_eq(events(&at), "changed certificate-ends server:vpn1\n");
	/* another server's certificate is good, and says nothing of this one's */
	rules.host = "vpn2";
	rules.server_expires_s = now / 1000 + 800 * 86400;
	ck_assert_uint_eq(look(), 0);
	rules.host = "vpn1";
	ck_assert_uint_eq(look(), 1);
	ck_assert_str_eq(events(&at), "cleared certificate-ends server:vpn1\n");
}
END_TEST

struct other
{
	pthread_t thread;
	struct store *store;
	size_t changed;
	int rc;
};

static void *look_too(void *user)
{
	struct other *o = user;
	struct store_rules same = rules;
	struct err err = { 0 };

	o->rc = store_rules_apply(o->store, &same, &o->changed, &err);
	return NULL;
}

START_TEST(of_many_servers_one_raises_it)
{
	struct other others[6];
	uint64_t at;
	size_t i;

	tunnels("paris", "lyon", "up", "nice", "up");
	tunnels("lyon", "paris", "up", "nice", "up");
	now += 4 * INTERVAL * 1000;
	rules.now_ms = now;
	at = newest();
	for (i = 0; i < COUNT(others); i++)
	{
		OK(store_open(kit_path, &kit_kek, &others[i].store, &e));
	}
	for (i = 0; i < COUNT(others); i++)
	{
		ck_assert_int_eq(pthread_create(&others[i].thread, NULL, look_too,
										&others[i]), 0);
	}
	for (i = 0; i < COUNT(others); i++)
	{
		pthread_join(others[i].thread, NULL);
		ck_assert_int_eq(others[i].rc, 0);
		store_close(others[i].store);
	}
	ck_assert_str_eq(events(&at), "raised ce-silent acme/paris-r1\n"
					 "raised ce-silent acme/lyon-r1\n");
}
END_TEST

/* ---- events ------------------------------------------------------------------------ */

static struct store_event *found;
static size_t found_count;

static void happened(uint64_t after, const char *customer, const char *vpn,
					 const char *site)
{
	const struct store_event_filter filter = {
		.customer = customer, .vpn = vpn, .site = site,
	};

	OK(store_events(store, arena, after, &filter, 1000, &found, &found_count,
					&e));
}

START_TEST(tells_commits_and_what_became_of_them)
{
	uint64_t at = newest();
	struct status_report r;

	kit_customer("other");
	kit_vpn("other", "corp");
	CHANGE(store_site_remove(store, "acme", "corp", "nice", "site-removed",
							 &e));
	r = report_of("acme/paris-r1");
	OK(store_report(store, kit_ce_id("acme", "paris-r1"), &r, now, &e));
	/* the same again is no news */
	r.seq = ++seq;
	OK(store_report(store, kit_ce_id("acme", "paris-r1"), &r, now, &e));
	happened(at, NULL, NULL, NULL);
	ck_assert_uint_eq(found_count, 4);
	ck_assert_int_eq(found[2].kind, STORE_EVENT_COMMIT);
	ck_assert_str_eq(found[2].source, "test");
	ck_assert_str_eq(found[2].customer, "acme");
	ck_assert_str_eq(found[2].vpn, "corp");
	ck_assert_uint_eq(found[2].revision, kit_revision());
	ck_assert_int_eq(found[3].kind, STORE_EVENT_APPLIED);
	ck_assert_str_eq(found[3].code, "applied");
	ck_assert_str_eq(found[3].ce, "paris-r1");
	happened(at, "other", NULL, NULL);
	ck_assert_uint_eq(found_count, 2);
	happened(at, "acme", "corp", "paris");
	ck_assert_uint_eq(found_count, 2);
	happened(at, "acme", "corp", "lyon");
	ck_assert_uint_eq(found_count, 1);
	/* a change of several customers is nobody's in particular */
	OK(store_begin(store, "test", &e));
	OK(kit_add_customer(store, "third", "", &e));
	OK(kit_add_customer(store, "fourth", "", &e));
	OK(store_commit(store, "two", NULL, &e));
	happened(newest() - 1, NULL, NULL, NULL);
	ck_assert_str_eq(found[0].customer, "");
	/* one that only tells a CE is its customer's */
	OK(store_begin(store, "test", &e));
	OK(store_ce_replace(store, "acme", "paris-r1", &e));
	OK(store_commit(store, "replace", NULL, &e));
	happened(newest() - 1, "acme", NULL, NULL);
	ck_assert_uint_eq(found_count, 1);
	ck_assert_str_eq(found[0].customer, "acme");
	ck_assert_str_eq(found[0].vpn, "");
}
END_TEST

/* Alarms and events are kept by name; names come again. */
START_TEST(a_customer_of_the_same_name_has_no_past)
{
	struct status_alarm alarms[] = {
		alarm_of("charon", "charon", STATUS_CRITICAL),
	};
	struct store_alarm *others;
	uint64_t first = newest(), at;
	size_t n, before;

	kit_customer("other");
	kit_ce("other", "rome-r1", "192.0.2.77");
	OK(store_report(store, kit_ce_id("other", "rome-r1"), &(struct status_report){
		.ce = (char *)"other/rome-r1", .boot_id = (char *)"0", .seq = 1,
		.agent_version = (char *)"0.1", .epoch = 1, .revision = 1,
		.result = STATUS_APPLIED, .alarms = alarms, .alarm_count = 1,
	}, now, &e));
	says("paris-r1", alarms, 1);
	OK(store_alarms(store, arena, "other", NULL, NULL, true, &others, &n, &e));
	ck_assert_uint_eq(n, 1);
	CHANGE(store_ce_remove(store, "other", "rome-r1", &e));
	happened(first, NULL, NULL, NULL);
	before = found_count;
	at = newest();
	/* a dry run forgets nothing */
	OK(store_begin(store, "test", &e));
	OK(store_customer_remove(store, "other", &e));
	store_rollback(store);
	happened(first, "other", NULL, NULL);
	ck_assert_uint_eq(found_count, 6);
	CHANGE(store_customer_remove(store, "other", &e));
	kit_customer("other");
	kit_ce("other", "rome-r1", "192.0.2.77");
	OK(store_alarms(store, arena, "other", NULL, NULL, true, &others, &n, &e));
	ck_assert_uint_eq(n, 0);
	happened(first, "other", NULL, NULL);
	ck_assert_uint_eq(found_count, 2);
	for (n = 0; n < found_count; n++)
	{
		ck_assert_uint_gt(found[n].id, at + 1);
	}
	/* for who sees all it is there, and is of nobody */
	happened(first, NULL, NULL, NULL);
	ck_assert_uint_eq(found_count, before + 3);
	for (n = 0; n < found_count && found[n].id <= at + 1; n++)
	{
		ck_assert_str_ne(found[n].customer, "other");
		ck_assert_str_ne(found[n].ce, "rome-r1");
	}
	/* and the others' is theirs */
	ask("corp", "paris", true);
	ck_assert_uint_eq(count, 1);
}
END_TEST

START_TEST(forgets_what_is_old)
{
	struct status_alarm alarms[] = {
		alarm_of("charon", "charon", STATUS_CRITICAL),
		alarm_of("frr", "frr", STATUS_MAJOR),
	};
	uint64_t lost, gone, last;
	size_t changed;

	says("paris-r1", alarms, 2);
	says("paris-r1", alarms, 1);
	now += STORE_ALARM_KEEP_MS + 1;
	rules.now_ms = now;
	OK(store_rules_apply(store, &rules, &changed, &e));
	ask(NULL, NULL, true);
	/* charon is raised still, frr gone; ce-silent has come */
	ck_assert_uint_eq(count, 2);
	OK(store_event_ids(store, &last, &gone, &e));
	ck_assert_uint_eq(last, gone + 1);
	happened(0, NULL, NULL, NULL);
	ck_assert_uint_eq(found_count, 1);
	ck_assert_str_eq(found[0].code, "ce-silent");
	OK(store_outlet_lost(store, 0, &lost, &e));
	ck_assert_uint_gt(lost, 0);
	ck_assert_uint_le(lost, gone);
	OK(store_outlet_lost(store, lost, &lost, &e));
	ck_assert_uint_eq(lost, 0);
}
END_TEST

START_TEST(one_server_has_a_way_at_a_time)
{
	uint64_t at;
	bool held;

#define HOLD(who, wanted_held, wanted_at) \
	OK(store_outlet_hold(store, "webhook", who, now, &at, &held, &e)); \
	ck_assert(held == (wanted_held)); \
	ck_assert_uint_eq(at, wanted_at)
	HOLD("a", true, 0);
	HOLD("b", false, 0);
	OK(store_outlet_delivered(store, "webhook", "a", 5, now, &e));
	HOLD("a", true, 5);
	HOLD("b", false, 5);
	now += STORE_OUTLET_HOLD_MS + 1;
	HOLD("b", true, 5);
	HOLD("a", false, 5);
	OK(store_outlet_delivered(store, "webhook", "b", 9, now, &e));
	/* what was under way at the other is no step back */
	OK(store_outlet_delivered(store, "webhook", "a", 6, now, &e));
	HOLD("b", true, 9);
	OK(store_outlet_release(store, "b", &e));
	now++;
	HOLD("a", true, 9);
	/* a clock that was put back */
	now -= DAY;
	HOLD("b", true, 9);
	OK(store_outlet_hold(store, "syslog", "b", now, &at, &held, &e));
	ck_assert(held && at == 0);
}
END_TEST

/* ---- bundles --------------------------------------------------------------------------- */

START_TEST(takes_a_bundle_once)
{
	const uint64_t paris = kit_ce_id("acme", "paris-r1");
	const uint64_t lyon = kit_ce_id("acme", "lyon-r1");
	uint64_t id, second, wanted, *ces, last;
	struct store_audit *audits;
	struct store_diag diag;
	int64_t told;
	size_t n;

	ck_assert_int_eq(store_diag_get(store, arena, "acme", "paris-r1", &diag,
									&e), -ENOENT);
	OK(store_diag_ask(store, "acme", "paris-r1", "unix:eve", now, now + 1000,
					  &id, &e));
	OK(store_diag_since(store, arena, 0, &ces, &n, &last, &e));
	ck_assert_uint_eq(n, 1);
	ck_assert_uint_eq(ces[0], paris);
	ck_assert_uint_eq(last, id);
	OK(store_diag_since(store, arena, id, &ces, &n, &last, &e));
	ck_assert_uint_eq(n, 0);
	OK(store_diag_wanted(store, lyon, now, &wanted, &told, &e));
	ck_assert_uint_eq(wanted, 0);
	OK(store_diag_wanted(store, paris, now, &wanted, &told, &e));
	ck_assert(wanted == id && told == 0);
	OK(store_diag_told(store, id, now, &e));
	OK(store_diag_wanted(store, paris, now, &wanted, &told, &e));
	ck_assert(wanted == id && told == now);
	/* who asks again gets another id */
	OK(store_diag_ask(store, "acme", "paris-r1", "unix:eve", now, now + 1000,
					  &second, &e));
	ck_assert_uint_gt(second, id);
	ck_assert_int_eq(store_diag_take(store, paris, id, "{}", now, &e), -ENOENT);
	ck_assert_int_eq(store_diag_take(store, lyon, second, "{}", now, &e),
					 -ENOENT);
	OK(store_diag_take(store, paris, second, "{\"a\":1}", now, &e));
	ck_assert_int_eq(store_diag_take(store, paris, second, "{}", now, &e),
					 -ENOENT);
	OK(store_diag_wanted(store, paris, now, &wanted, &told, &e));
	ck_assert_uint_eq(wanted, 0);
	OK(store_diag_get(store, arena, "acme", "paris-r1", &diag, &e));
	ck_assert_str_eq(diag.bundle, "{\"a\":1}");
	ck_assert_str_eq(diag.actor, "unix:eve");
	OK(store_audits(store, arena, 1, &audits, &n, &e));
	ck_assert_str_eq(audits[0].what, "ce diag acme/paris-r1");
	/* too late; and a day later there is nothing */
	OK(store_diag_ask(store, "acme", "lyon-r1", "x", now, now + 1000, &id,
					  &e));
	OK(store_diag_wanted(store, lyon, now + 1000, &wanted, &told, &e));
	ck_assert_uint_eq(wanted, 0);
	ck_assert_int_eq(store_diag_take(store, lyon, id, "{}", now + 1000, &e),
					 -ENOENT);
	now += DAY + 1;
	look();
	ck_assert_int_eq(store_diag_get(store, arena, "acme", "paris-r1", &diag,
									&e), -ENOENT);
	ck_assert_int_eq(store_diag_ask(store, "acme", "nosuch", "x", now, now,
									&id, &e), -ENOENT);
}
END_TEST

TCase *store_alarm_case(void)
{
	TCase *tc = tcase_create("alarm");

	tcase_set_timeout(tc, 60);
	tcase_add_checked_fixture(tc, setup, kit_teardown);
	tcase_add_test(tc, follows_what_a_router_reports);
	tcase_add_test(tc, a_router_names_only_what_is_its_own);
	tcase_add_test(tc, a_router_that_reports_too_much_is_bounded);
	tcase_add_test(tc, what_is_removed_has_no_alarms);
	tcase_add_test(tc, lists_by_place);
	tcase_add_test(tc, a_tunnel_that_both_routers_have_and_is_down);
	tcase_add_test(tc, a_tunnel_that_a_router_says_nothing_of_is_down);
	tcase_add_test(tc, a_router_that_died_is_one_alarm);
	tcase_add_test(tc, silence_clears_nothing);
	tcase_add_test(tc, a_server_that_has_just_started_waits);
	tcase_add_test(tc, a_router_that_never_came);
	tcase_add_test(tc, a_router_without_its_configuration);
	tcase_add_test(tc, certificates_that_end);
	tcase_add_test(tc, of_many_servers_one_raises_it);
	tcase_add_test(tc, tells_commits_and_what_became_of_them);
	tcase_add_test(tc, a_customer_of_the_same_name_has_no_past);
	tcase_add_test(tc, forgets_what_is_old);
	tcase_add_test(tc, one_server_has_a_way_at_a_time);
	tcase_add_test(tc, takes_a_bundle_once);
	return tc;
}
