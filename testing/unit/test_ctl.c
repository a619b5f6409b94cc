/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * test_ctl.c - what ppvpnctl makes of the agent's answers
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "agent/ctl_print.h"
#include "agent/ctl_text.h"
#include "alloc.h"
#include "run.h"

#define VPN "{\"customer\":\"acme\",\"vpn\":\"corp\",\"site\":\"paris\"," \
	"\"vrf\":\"vrf-corp\",\"peers\":3,\"up\":2,\"certificate\":\"none\"," \
	"\"certificate-ends\":0}"
#define STATUS(connected, vpns, errors, alarms) \
	"{\"ce\":\"acme/paris-r1\",\"server\":\"https://vpn1:8443\",\"enrolled\":0,\"certificate-ends\":0,\"ike-key\":\"\"," \
	"\"connected\":" connected ",\"confirmed\":" connected ",\"epoch\":3,\"revision\":4711," \
	"\"state\":\"active\",\"result\":\"applied\",\"since\":7300,\"charon\":true,\"frr\":true," \
	"\"converged\":true,\"firewall\":\"impossible\",\"firewall-refused\":0,\"vpns\":[" vpns "],\"errors\":[" errors "]," \
	"\"alarms\":" alarms "}"
#define PEER(name, state, error) \
	"{\"customer\":\"acme\",\"vpn\":\"corp\",\"peer\":\"" name "\"," \
	"\"link\":\"ppv1\",\"remote-address\":\"192.0.2.9\",\"state\":\"" state \
	"\",\"since\":100,\"ike\":\"\",\"child\":\"\",\"proposal\":\"\",\"authentication\":\"\"," \
	"\"ospf\":\"Full\",\"route\":true,\"in-bytes\":1500,\"out-bytes\":25," \
	"\"attempts\":4,\"next-retry\":9,\"last-error\":\"" error "\"}"

static struct arena *arena;
static struct text out;
static struct err e;

static void setup(void)
{
	arena = arena_new();
}

static void teardown(void)
{
	text_done(&out);
	arena_free(arena);
}

static void shows(const char *text)
{
	ck_assert_msg(strstr(text_str(&out), text) != NULL, "no \"%s\" in\n%s",
				  text, text_str(&out));
}

static void fits_terminal(void)
{
	const char *line = text_str(&out);

	while (*line)
	{
		size_t len = strcspn(line, "\n");

		ck_assert_msg(len <= 100, "%zu columns: %.*s", len, (int)len, line);
		line += len + (line[len] == '\n');
	}
}

START_TEST(status)
{
	static const char good[] = STATUS("true", VPN, "", "0");
	static const char bad[] = STATUS("false", VPN, "{\"code\":\"tls\",\"where\":"
		"\"https://vpn1:8443\",\"text\":\"expired\"}", "2");
	static const char peers[] = "{\"peers\":[" PEER("lyon", "up", "none") ","
		PEER("nice", "waiting", "peer-unreachable") "]}";
	struct ctl_status s;
	struct ctl_peers p;

	ck_assert_int_eq(ctl_status_read(arena, good, strlen(good), &s, &e), 0);
	ck_assert_int_eq(ctl_peers_read(arena, peers, strlen(peers), &p, &e), 0);
	ctl_print_status(&out, &s, &p, NULL);
	shows("acme/paris-r1, provisioned by https://vpn1:8443\n");
	shows("server    connected for 2 h\n");
	ck_assert_ptr_null(strstr(text_str(&out), "TRIAL"));
	shows("revision 4711, epoch 3: applied\n");
	shows("acme/corp  paris  vrf-corp  2 of 3\n");
	shows("acme/corp/nice  192.0.2.9  waiting  for 100 s  peer-unreachable\n");
	ck_assert_ptr_null(strstr(text_str(&out), "lyon"));
	shows("Nothing is wrong.\n");
	fits_terminal();
	text_done(&out);
	memset(&out, 0, sizeof(out));
	ck_assert_int_eq(ctl_status_read(arena, bad, strlen(bad), &s, &e), 0);
	ctl_print_status(&out, &s, NULL, NULL);
	shows("NOT CONNECTED for 2 h");
	shows("  https://vpn1:8443: expired [tls]\n    -> Check certificates");
	shows("  and 2 more: ppvpnctl alarms\n");
	ck_assert_ptr_null(strstr(text_str(&out), "Nothing is wrong"));
	ck_assert_ptr_null(strstr(text_str(&out), "SUSPENDED"));
}
END_TEST

/* ---- one screen ------------------------------------------------------------ */

#define LONG "a234567890b234567890c234567890d234567890e234567890f234567890abc"

static char *many(size_t count, const char *one)
{
	struct text t = {0};

	for (size_t i = 0; i < count; i++)
	{
		text_addf(&t, "%s%s", i ? "," : "", one);
	}
	return text_take(&t);
}

/* How much there is of each, from nothing to too much. */
static const struct { unsigned vpns, peers, errors, alarms; } screens[] = {
	{ 0, 0, 0, 0 }, { 1, 0, 0, 0 }, { 1, 1, 0, 1 }, { 1, 30, 0, 0 },
	{ 1, 0, 5, 0 }, { 1, 1, 5, 200 }, { 3, 2, 0, 0 }, { 3, 300, 0, 20 },
	{ 10, 300, 32, 256 }, { 10, 0, 1, 1 }, { 4, 5, 1, 0 },
};

START_TEST(status_is_one_screen)
{
	char *vpns = many(screens[_i].vpns, "{\"customer\":\"" LONG "\",\"vpn\":\""
		LONG "\",\"site\":\"" LONG "\",\"vrf\":\"vrf-of-fifteen\","
		"\"peers\":5000,\"up\":4711,\"certificate\":\"own\","
		"\"certificate-ends\":1821536000}");
	char *down = many(screens[_i].peers, "{\"customer\":\"" LONG "\",\"vpn\":\""
		LONG "\",\"peer\":\"" LONG "\",\"link\":\"ppv1\",\"remote-address\":"
		"\"192.168.200.200\",\"state\":\"connecting\",\"since\":100000,"
		"\"ike\":\"\",\"child\":\"\",\"proposal\":\"\",\"ospf\":\"\","
		"\"authentication\":\"certificate\","
		"\"route\":false,\"in-bytes\":0,\"out-bytes\":0,\"attempts\":4,"
		"\"next-retry\":9,\"last-error\":\"certificate-untrusted\"}");
	char *errors = many(screens[_i].errors, "{\"code\":\"vpn-unconfigured\","
		"\"where\":\"" LONG "\",\"text\":\"" LONG LONG "\"}");
	char *list = many(screens[_i].alarms, "{\"code\":\"auth-failed\","
		"\"resource\":\"" LONG "\",\"severity\":\"major\",\"count\":3,"
		"\"age\":61,\"text\":\"" LONG "\"}");
	struct text text = {0}, peers = {0}, alarms = {0};
	struct ctl_status s;
	struct ctl_peers p;
	struct ctl_alarms a;
	size_t lines = 0;

	text_addf(&text, "{\"ce\":\"" LONG "/" LONG "\",\"server\":\"https://" LONG
			  ".sp.example:8443\",\"enrolled\":1790000000,\"connected\":false,"
			  "\"certificate-ends\":1821536000,\"ike-key\":\"" LONG "\","
			  "\"confirmed\":false,"
			  "\"epoch\":3,\"revision\":4711,\"state\":\"suspended\","
			  "\"result\":\"partial\",\"since\":7300,\"charon\":false,"
			  "\"frr\":false,\"converged\":false,\"firewall\":\"log-only\","
			  "\"firewall-refused\":9007199254740991,\"vpns\":[%s],\"errors\":[%s],"
			  "\"alarms\":%u}", vpns, errors, screens[_i].alarms);
	text_addf(&peers, "{\"peers\":[%s]}", down);
	text_addf(&alarms, "{\"alarms\":[%s]}", list);
	ck_assert_int_eq(ctl_status_read(arena, text.s, text.len, &s, &e), 0);
	ck_assert_int_eq(ctl_peers_read(arena, peers.s, peers.len, &p, &e), 0);
	ck_assert_int_eq(ctl_alarms_read(arena, alarms.s, alarms.len, &a, &e), 0);
	ctl_print_status(&out, &s, &p, &a);
	for (const char *line = text_str(&out); *line; lines++)
	{
		size_t len = strcspn(line, "\n");

		ck_assert_msg(len <= 80, "%zu columns: %.*s", len, (int)len, line);
		line += len + 1;
	}
	ck_assert_msg(lines <= 23, "%zu lines:\n%s", lines, text_str(&out));
	shows(" since 2026-09-21\n");
	shows(", certificate until 2027-09-21\n");
	shows("FRR NOT RUNNING; firewall log-only\n");
	shows(screens[_i].vpns ? "  4711 of 5000  until 2027-09-21\n" : "\n");
	shows(screens[_i].peers ? "Peers that are not up: " : "daemons");
	shows(screens[_i].peers ? "  connecting  for 27 h  certificate-untrusted\n"
							: "daemons");
	shows(screens[_i].errors + screens[_i].alarms ? "What is wrong:\n  a2345" :
		  "Nothing is wrong.\n");
	shows(screens[_i].errors + screens[_i].alarms ? "    -> " : "Nothing");
	shows(screens[_i].errors + screens[_i].alarms > 4 ? " more: ppvpnctl alarms\n"
													  : "\n");
	text_done(&text);
	text_done(&peers);
	text_done(&alarms);
	free(vpns);
	free(down);
	free(errors);
	free(list);
}
END_TEST

#define VPN_OF(name, certificate, ends) \
	"{\"customer\":\"acme\",\"vpn\":\"" name "\",\"site\":\"paris\"," \
	"\"vrf\":\"" name "\",\"peers\":3,\"up\":2,\"certificate\":\"" \
	certificate "\",\"certificate-ends\":" ends "}"

/* A column of its own, where any VPN has or needs one. */
START_TEST(certificates_of_vpns)
{
	static const char some[] = STATUS("true", VPN_OF("a", "none", "0") ","
		VPN_OF("b", "waiting", "0") "," VPN_OF("c", "own", "1821536000"), "",
		"0");
	static const char one[] = STATUS("true", VPN_OF("d", "ended", "1"), "", "0");
	struct ctl_status s;

	ck_assert_int_eq(ctl_status_read(arena, some, strlen(some), &s, &e), 0);
	ctl_print_status(&out, &s, NULL, NULL);
	shows("PEERS UP  CERTIFICATE\n");
	shows("acme/a  paris  a    2 of 3    -\n");
	shows("acme/b  paris  b    2 of 3    NONE YET\n");
	shows("acme/c  paris  c    2 of 3    until 2027-09-21\n");
	ck_assert_int_eq(ctl_status_read(arena, one, strlen(one), &s, &e), 0);
	ctl_print_status(&out, &s, NULL, NULL);
	shows("acme/d  paris  d    2 of 3    ENDED\n");
}
END_TEST

/* The worst first, with what to do; what was cleared is not wrong. */
START_TEST(what_is_wrong)
{
	static const char text[] = STATUS("true", VPN, "", "2");
	static const char alarms[] = "{\"alarms\":["
		"{\"code\":\"peer-unreachable\",\"resource\":\"acme/corp/lyon\","
		"\"severity\":\"warning\",\"count\":1,\"age\":1,\"text\":\"x\"},"
		"{\"code\":\"frr\",\"resource\":\"frr\",\"severity\":\"cleared\","
		"\"count\":1,\"age\":1,\"text\":\"z\"},"
		"{\"code\":\"no-traffic\",\"resource\":\"acme/corp/nice\","
		"\"severity\":\"major\",\"count\":1,\"age\":1,\"text\":\"y\"}]}";
	struct ctl_status s;
	struct ctl_alarms a;

	ck_assert_int_eq(ctl_status_read(arena, text, strlen(text), &s, &e), 0);
	ck_assert_int_eq(ctl_alarms_read(arena, alarms, strlen(alarms), &a, &e), 0);
	ctl_print_status(&out, &s, NULL, &a);
	shows("What is wrong:\n  acme/corp/nice: y [no-traffic]\n    -> Check that ESP");
	shows("\n       ");
	shows("  acme/corp/lyon: x [peer-unreachable]\n");
	ck_assert_ptr_null(strstr(text_str(&out), "[frr]"));
	ck_assert_ptr_null(strstr(text_str(&out), "more: ppvpnctl alarms"));
}
END_TEST

/* charon runs without its plugin: an error and an alarm, which are one thing */
START_TEST(what_is_wrong_twice_is_told_once)
{
	static const char text[] = STATUS("true", VPN, "{\"code\":\"plugin\","
		"\"where\":\"charon\",\"text\":\"it is missing\"}", "2");
	static const char alarms[] = "{\"alarms\":["
		"{\"code\":\"plugin\",\"resource\":\"charon\",\"severity\":\"major\","
		"\"count\":1,\"age\":1,\"text\":\"it is missing\"},"
		"{\"code\":\"plugin\",\"resource\":\"other\",\"severity\":\"major\","
		"\"count\":1,\"age\":1,\"text\":\"it is old\"}]}";
	struct ctl_status s;
	struct ctl_alarms a;

	ck_assert_int_eq(ctl_status_read(arena, text, strlen(text), &s, &e), 0);
	ck_assert_int_eq(ctl_alarms_read(arena, alarms, strlen(alarms), &a, &e), 0);
	s.charon = false;
	ctl_print_status(&out, &s, NULL, &a);
	shows("charon WITHOUT PLUGIN, FRR running\n");
	shows("  charon: it is missing [plugin]\n");
	shows("  other: it is old [plugin]\n");
	ck_assert_ptr_null(strstr(strstr(text_str(&out), "it is missing") + 1,
							  "it is missing"));
	ck_assert_ptr_null(strstr(text_str(&out), "more: ppvpnctl alarms"));
	text_done(&out);
	memset(&out, 0, sizeof(out));
	s.error_count = 0;
	ctl_print_status(&out, &s, NULL, &a);
	shows("charon NOT RUNNING, FRR running\n");
}
END_TEST

START_TEST(events_and_metrics)
{
	static const char event[] = "{\"event\":\"tunnel-down\",\"time\":"
		"\"2026-11-22T10:00:01.123Z\",\"level\":\"warn\",\"where\":"
		"\"acme/corp/lyon\",\"cause\":\"peer-closed\",\"text\":\"192.0.2.9\"}";
	static const char plain[] = "{\"event\":\"router-converged\",\"time\":"
		"\"2026-11-22T10:00:01.123Z\",\"level\":\"info\",\"where\":\"\","
		"\"cause\":\"none\",\"text\":\"\"}";
	static const char metrics[] = "{\"lines\":[\"# TYPE a gauge\","
		"\"a{b=\\\"c\\\"} 1\"]}";
	struct ctl_event ev;
	struct ctl_metrics m;

	ck_assert_int_eq(ctl_event_read(arena, event, strlen(event), &ev, &e), 0);
	ctl_print_event(&out, &ev);
	ck_assert_int_eq(ctl_event_read(arena, plain, strlen(plain), &ev, &e), 0);
	ctl_print_event(&out, &ev);
	ck_assert_int_eq(ctl_metrics_read(arena, metrics, strlen(metrics), &m, &e),
					 0);
	ctl_print_metrics(&out, &m);
	ck_assert_str_eq(text_str(&out), "10:00:01 tunnel-down acme/corp/lyon: "
					 "peer-closed: 192.0.2.9\n10:00:01 router-converged\n"
					 "# TYPE a gauge\na{b=\"c\"} 1\n");
	ck_assert_int_ne(ctl_event_read(arena, "{}", 2, &ev, &e), 0);
}
END_TEST

static const struct { uint64_t seconds; const char *date; } dates[] = {
	{ 0, "1970-01-01" }, { 951782400, "2000-02-29" }, { 951868800, "2000-03-01" },
	{ 1735689599, "2024-12-31" }, { 1735689600, "2025-01-01" },
	{ 4107542399, "2100-02-28" }, { 4107542400, "2100-03-01" },
};

START_TEST(date)
{
	char buf[16];

	ck_assert_str_eq(words_date(buf, dates[_i].seconds), dates[_i].date);
	words_date(buf, 1ull << 53);
}
END_TEST

START_TEST(suspended)
{
	char text[] = STATUS("true", VPN, "", "0");
	struct ctl_status s;

	ck_assert_int_eq(ctl_status_read(arena, text, strlen(text), &s, &e), 0);
	s.state = (char*)"suspended";
	ctl_print_status(&out, &s, NULL, NULL);
	shows("  state     SUSPENDED by the provider");
	fits_terminal();
}
END_TEST

START_TEST(peers)
{
	static const char text[] = "{\"peers\":[" PEER("lyon", "up", "none") ","
		PEER("nice", "waiting", "auth-failed") "]}";
	struct ctl_peers p;

	ck_assert_int_eq(ctl_peers_read(arena, text, strlen(text), &p, &e), 0);
	ctl_print_peers(&out, &p);
	shows("acme/corp/lyon  192.0.2.9  ppv1  up 100 s");
	shows("Full  yes    1.5 kB/25 B\n");
	shows("acme/corp/nice: 4 failed attempts, next in 9 s, last: auth-failed "
		  "(ppvpnctl explain auth-failed)\n");
	fits_terminal();
	ck_assert_str_eq(p.items[0].authentication, "");
	shows("OSPF  ROUTE");
	p.items[0].authentication = (char*)"certificate";
	p.items[1].authentication = (char*)"pre-shared-key";
	ctl_print_peers(&out, &p);
	shows("STATE          AUTH  OSPF");
	shows("up 100 s       cert  Full");
	shows("waiting 100 s  key   Full");
}
END_TEST

START_TEST(plan_and_alarms)
{
	static const char plan[] = "{\"steps\":[{\"op\":\"create\",\"kind\":\"link\","
		"\"key\":\"ppvpn:acme:corp:lyon\",\"reason\":\"missing\"}],\"errors\":[],"
		"\"not-possible\":[{\"code\":\"vpn-unconfigured\",\"where\":\"acme/x\","
		"\"text\":\"no section\"}]}";
	static const char alarms[] = "{\"alarms\":[{\"code\":\"auth-failed\","
		"\"resource\":\"acme/corp/nice\",\"severity\":\"major\",\"count\":3,"
		"\"age\":61,\"text\":\"refused\"}]}";
	struct ctl_plan p;
	struct ctl_alarms a;

	ck_assert_int_eq(ctl_plan_read(arena, plan, strlen(plan), &p, &e), 0);
	ctl_print_plan(&out, &p);
	shows("create link ppvpn:acme:corp:lyon (missing)\n");
	shows("Not possible:\n  acme/x: no section [vpn-unconfigured]\n    -> Add");
	ck_assert_int_eq(ctl_alarms_read(arena, alarms, strlen(alarms), &a, &e), 0);
	ctl_print_alarms(&out, &a);
	shows("major  auth-failed  acme/corp/nice  (3 times, last 61 s ago)\n"
		  "  refused\n  -> If it stays");
}
END_TEST

START_TEST(errors)
{
	static const char failure[] = "{\"error\":{\"code\":\"tls\",\"where\":\"x\","
		"\"text\":\"no\"}}";
	static const char fine[] = "{\"peers\":[]}";
	struct ctl_peers p;

	ck_assert_int_lt(ctl_answer_error(failure, strlen(failure), &e), 0);
	ck_assert_int_eq(e.code, ERR_TLS);
	ck_assert_int_eq(ctl_answer_error(fine, strlen(fine), &e), 0);
	ck_assert_int_lt(ctl_peers_read(arena, "{}", 2, &p, &e), 0);
	ck_assert_int_lt(ctl_peers_read(arena, "{\"peers\":[1]}", 13, &p, &e), 0);
}
END_TEST

START_TEST(every_code_is_explained)
{
	for (int code = 0; code < ERR_CODE_COUNT; code++)
	{
		ctl_print_code(&out, code);
		shows(err_code_remedy(code));
	}
	ctl_print_codes(&out);
	shows("vpn-unconfigured");
}
END_TEST

int main(void)
{
	TCase *tc = tcase_create("ctl");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, status);
	tcase_add_loop_test(tc, status_is_one_screen, 0, COUNT(screens));
	tcase_add_test(tc, certificates_of_vpns);
	tcase_add_test(tc, what_is_wrong);
	tcase_add_test(tc, what_is_wrong_twice_is_told_once);
	tcase_add_loop_test(tc, date, 0, COUNT(dates));
	tcase_add_test(tc, events_and_metrics);
	tcase_add_test(tc, suspended);
	tcase_add_test(tc, peers);
	tcase_add_test(tc, plan_and_alarms);
	tcase_add_test(tc, errors);
	tcase_add_test(tc, every_code_is_explained);
	return run_case(tc, "ctl");
}
