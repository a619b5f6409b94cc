/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * test_follow.c - which new address of a CE the database follows, and why not
 */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "run.h"
#include "server/follow.h"

#define KNOWN "192.0.2.5"
#define NOW INT64_C(1700000000000)

static struct addr addr(const char *text)
{
	struct addr a = { .family = 0 };

	ck_assert(!*text || addr_parse4(text, &a) == 0);
	return a;
}

/* missing "": nothing is said; reason NULL: see verdict */
static const struct {
	const char *dynamic, *missing, *present, *source;
	bool behind_nat;
	int followed_s;				/* ago; 0: never */
	enum follow_verdict verdict;
	const char *to, *reason;
} cases[] = {
	/* it has what it should have, or speaks of another document's */
	{ "192.0.2.0/24", "", "", KNOWN, false, 0, FOLLOW_NOTHING, "", NULL },
	{ "192.0.2.0/24", "", "", "192.0.2.7", false, 0, FOLLOW_NOTHING, "", NULL },
	{ "192.0.2.0/24", "192.0.2.4", "192.0.2.7", "192.0.2.7", false, 0,
	  FOLLOW_NOTHING, "", NULL },
	{ "192.0.2.0/24", KNOWN, KNOWN, KNOWN, false, 0, FOLLOW_NOTHING, "", NULL },
	/* within */
	{ "192.0.2.0/24", KNOWN, "192.0.2.7", "192.0.2.7", false, 0, FOLLOW_MOVE,
	  "192.0.2.7", NULL },
	{ "198.51.100.0/24 192.0.2.0/29", KNOWN, "192.0.2.7", "192.0.2.7", false,
	  0, FOLLOW_MOVE, "192.0.2.7", NULL },
	/* policy says no */
	{ "", KNOWN, "192.0.2.7", "192.0.2.7", false, 0, FOLLOW_REFUSE,
	  "192.0.2.7", "its address is static (192.0.2.5)" },
	{ "192.0.2.0/30", KNOWN, "192.0.2.7", "192.0.2.7", false, 0, FOLLOW_REFUSE,
	  "192.0.2.7", "outside the prefixes" },
	/* forged */
	{ "192.0.2.0/24", KNOWN, "192.0.2.7", "192.0.2.9", false, 0, FOLLOW_REFUSE,
	  "192.0.2.7", "came from another address (192.0.2.9)" },
	{ "192.0.2.0/24", KNOWN, "192.0.2.7", KNOWN, false, 0, FOLLOW_REFUSE,
	  "192.0.2.7", "came from another address (192.0.2.5)" },
	{ "192.0.2.0/24", KNOWN, "192.0.2.7", "", false, 0, FOLLOW_REFUSE,
	  "192.0.2.7", "(not known)" },
	{ "192.0.2.0/24", KNOWN, "", "192.0.2.7", false, 0, FOLLOW_REFUSE, "",
	  "and no other" },
	{ "0.0.0.0/0", KNOWN, "224.0.0.5", "224.0.0.5", false, 0, FOLLOW_REFUSE,
	  "224.0.0.5", "not an address that a router can have" },
	{ "0.0.0.0/0", KNOWN, "127.0.0.1", "127.0.0.1", false, 0, FOLLOW_REFUSE,
	  "127.0.0.1", "not an address that a router can have" },
	{ "0.0.0.0/0", KNOWN, "0.0.0.0", "0.0.0.0", false, 0, FOLLOW_REFUSE,
	  "0.0.0.0", "not an address that a router can have" },
	/* flapping */
	{ "192.0.2.0/24", KNOWN, "192.0.2.7", "192.0.2.7", false, 9, FOLLOW_REFUSE,
	  "192.0.2.7", "changed within the last 10 seconds" },
	{ "192.0.2.0/24", KNOWN, "192.0.2.7", "192.0.2.7", false, 10, FOLLOW_MOVE,
	  "192.0.2.7", NULL },
	{ "192.0.2.0/24", KNOWN, "192.0.2.7", "192.0.2.7", false, -3600,
	  FOLLOW_MOVE, "192.0.2.7", NULL },		/* the clock was set back */
	/* behind NAT the connection says it, whatever the router does */
	{ "192.0.2.0/24", "", "", "192.0.2.7", true, 0, FOLLOW_MOVE, "192.0.2.7",
	  NULL },
	{ "192.0.2.0/24", KNOWN, "10.0.0.2", "192.0.2.7", true, 0, FOLLOW_MOVE,
	  "192.0.2.7", NULL },
	{ "192.0.2.0/24", KNOWN, "192.0.2.9", KNOWN, true, 0, FOLLOW_NOTHING, "",
	  NULL },
	{ "", "", "", "192.0.2.7", true, 0, FOLLOW_NOTHING, "", NULL },
	{ "192.0.2.0/24", "", "", "", true, 0, FOLLOW_NOTHING, "", NULL },
	{ "192.0.2.0/30", "", "", "192.0.2.7", true, 0, FOLLOW_REFUSE, "192.0.2.7",
	  "outside the prefixes" },
	{ "192.0.2.0/24", "", "", "192.0.2.7", true, 2, FOLLOW_REFUSE, "192.0.2.7",
	  "within the last 10 seconds" },
};

START_TEST(verdicts)
{
	struct status_address said = { .missing = addr(cases[_i].missing),
								   .present = addr(cases[_i].present) };
	struct prefix prefixes[4];
	struct follow f = {
		.known = addr(KNOWN), .behind_nat = cases[_i].behind_nat,
		.dynamic = prefixes, .said = *cases[_i].missing ? &said : NULL,
		.source = addr(cases[_i].source), .now_ms = NOW,
	};
	const char *words = cases[_i].dynamic;
	char word[PREFIX_TEXT_MAX], reason[FOLLOW_REASON_SIZE];
	struct addr to, wanted = addr(cases[_i].to);
	int used;

	for (; sscanf(words, "%51s%n", word, &used) == 1; words += used)
	{
		ck_assert_int_eq(prefix_parse4(word, true,
									   &prefixes[f.dynamic_count++]), 0);
	}
	if (cases[_i].followed_s)
	{
		f.followed_ms = NOW - cases[_i].followed_s * INT64_C(1000);
	}
	ck_assert_int_eq(follow_judge(&f, &to, reason), cases[_i].verdict);
	ck_assert(addr_equal(&to, &wanted));
	if (cases[_i].reason)
	{
		ck_assert_msg(strstr(reason, cases[_i].reason), "%s", reason);
	}
	else
	{
		ck_assert_str_eq(reason, "");
	}
}
END_TEST

static const struct { const char *peer, *source; } sources[] = {
	{ "192.0.2.7", "192.0.2.7" }, { "::ffff:192.0.2.7", "192.0.2.7" },
	{ "2001:db8::1", "" }, { "::ffff:", "" }, { "unix:uid=0", "" },
	{ "unknown", "" }, { "", "" }, { "192.0.2.7:8443", "" },
};

START_TEST(names_of_clients)
{
	struct addr source = follow_source(sources[_i].peer);
	struct addr wanted = addr(sources[_i].source);

	ck_assert(addr_equal(&source, &wanted));
}
END_TEST

int main(void)
{
	TCase *tc = tcase_create("follow");

	tcase_add_loop_test(tc, verdicts, 0, COUNT(cases));
	tcase_add_loop_test(tc, names_of_clients, 0, COUNT(sources));
	return run_case(tc, "follow");
}
