/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * test_ctl.c - what ppvpnctl makes of the agent's answers
 */
#include "config.h"

#include <string.h>

#include "agent/ctl_print.h"
#include "alloc.h"
#include "run.h"

#define VPN "{\"customer\":\"acme\",\"vpn\":\"corp\",\"site\":\"paris\"," \
	"\"vrf\":\"vrf-corp\",\"peers\":3,\"up\":2}"
#define STATUS(connected, vpns, errors, alarms) \
	"{\"ce\":\"acme/paris-r1\",\"server\":\"https://vpn1:8443\"," \
	"\"connected\":" connected ",\"confirmed\":" connected ",\"epoch\":3,\"revision\":4711," \
	"\"state\":\"active\",\"result\":\"applied\",\"since\":7300,\"charon\":true,\"frr\":true," \
	"\"converged\":true,\"vpns\":[" vpns "],\"errors\":[" errors "]," \
	"\"alarms\":" alarms "}"
#define PEER(name, state, error) \
	"{\"customer\":\"acme\",\"vpn\":\"corp\",\"peer\":\"" name "\"," \
	"\"link\":\"ppv1\",\"remote-address\":\"192.0.2.9\",\"state\":\"" state \
	"\",\"since\":100,\"ike\":\"\",\"child\":\"\",\"proposal\":\"\"," \
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
	ctl_print_status(&out, &s, &p);
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
	ctl_print_status(&out, &s, NULL);
	shows("NOT CONNECTED for 2 h");
	shows("  https://vpn1:8443: expired [tls]\n    -> Check certificates");
	shows("2 alarms: ppvpnctl alarms\n");
	ck_assert_ptr_null(strstr(text_str(&out), "Nothing is wrong"));
	ck_assert_ptr_null(strstr(text_str(&out), "SUSPENDED"));
}
END_TEST

START_TEST(suspended)
{
	char text[] = STATUS("true", VPN, "", "0");
	struct ctl_status s;

	ck_assert_int_eq(ctl_status_read(arena, text, strlen(text), &s, &e), 0);
	s.state = (char*)"suspended";
	ctl_print_status(&out, &s, NULL);
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
	tcase_add_test(tc, suspended);
	tcase_add_test(tc, peers);
	tcase_add_test(tc, plan_and_alarms);
	tcase_add_test(tc, errors);
	tcase_add_test(tc, every_code_is_explained);
	return run_case(tc, "ctl");
}
