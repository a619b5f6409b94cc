/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * test_store_follow.c - routers whose address (s) changes by itself, and routers
 * behind NAT: what the database makes of it
 */
#include "config.h"

#include "server/store_apply.h"
#include "store_kit.h"

#define NOW INT64_C(1700000000000)
#define LATER(s) (NOW + (s) * INT64_C(1000))

static struct store_followed followed;

static int set_policy(const char *ce, const char *dynamic, bool behind_nat)
{
	static struct prefix prefixes[20];
	struct store_ce row;
	char word[PREFIX_TEXT_MAX];
	int used;

	OK(store_ce_get(store, arena, "acme", ce, &row, &e));
	row.dynamic = prefixes;
	row.behind_nat = behind_nat;
	for (row.dynamic_count = 0; sscanf(dynamic, "%51s%n", word, &used) == 1;
		 dynamic += used)
	{
		ck_assert_int_eq(prefix_parse(word, &prefixes[row.dynamic_count++]),
						 0);
	}
	return store_ce_set(store, &row, &e);
}

static void policy(const char *ce, const char *dynamic, bool behind_nat)
{
	CHANGE(set_policy(ce, dynamic, behind_nat));
}

/* A report; missing NULL: it has its address. */
static void report(const char *ce, const char *missing, const char *present,
				   const char *source, int64_t now_ms)
{
	struct status_address said = { .missing = kit_addr("192.0.2.1") };
	struct addr from = kit_addr(source);

	if (missing)
	{
		said.missing = kit_addr(missing);
		said.present = kit_addr(present);
	}
	OK(store_follow(store, kit_ce_id("acme", ce), missing ? &said : NULL,
					&from, now_ms, &followed, &e));
}

static void moves(const char *ce, const char *from, const char *to,
				  int64_t now_ms)
{
	report(ce, from, to, to, now_ms);
}

static const char *address(const char *ce)
{
	static char text[ADDR_TEXT_MAX];
	struct store_ce row;

	OK(store_ce_get(store, arena, "acme", ce, &row, &e));
	return addr_str(&row.address, text);
}

/* The alarm that stands against a CE: "" for none. */
static const char *alarm(const char *ce)
{
	struct store_rules rules = { .now_ms = kit_now_ms(),
								 .started_ms = kit_now_ms(),
								 .report_interval_s = 300, .host = "x" };
	struct store_alarm *list;
	size_t i, count, changed;

	OK(store_rules_apply(store, &rules, &changed, &e));
	OK(store_alarms(store, arena, "acme", NULL, NULL, false, &list, &count,
					&e));
	for (i = 0; i < count; i++)
	{
		if (strcmp(list[i].code, "address-refused") == 0 &&
			strcmp(list[i].ce, ce) == 0)
		{
			ck_assert_str_eq(list[i].source, "server");
			ck_assert_int_eq(list[i].severity, STATUS_MAJOR);
			return list[i].text;
		}
	}
	return "";
}

START_TEST(the_database_follows)
{
	uint64_t before, nice;
	struct store_audit_object *objects;
	struct store_audit *audit;
	size_t count;

	kit_acme();
	/* a tunnel that paris has no part in */
	OK(store_begin(store, "test", &e));
	OK(kit_add_customer(store, "other", NULL, &e));
	OK(store_commit(store, "other", NULL, &e));
	kit_vpn("other", "net");
	kit_ce("other", "far-r1", "192.0.2.77");
	kit_site("other", "net", "far", "far-r1");
	policy("paris-r1", "192.0.2.0/24 198.51.100.0/24", false);
	before = kit_revision();
	nice = kit_ce_revision("other", "far-r1");
	moves("paris-r1", "192.0.2.1", "198.51.100.7", NOW);
	ck_assert_uint_eq(followed.revision, before + 1);
	ck_assert_uint_eq(kit_revision(), before + 1);
	ck_assert(!followed.refused);
	ck_assert_str_eq(address("paris-r1"), "198.51.100.7");
	/* it and its peers are told, and nobody else */
	ck_assert_uint_eq(kit_ce_revision("acme", "paris-r1"), before + 1);
	ck_assert_uint_eq(kit_ce_revision("acme", "lyon-r1"), before + 1);
	ck_assert_uint_eq(kit_ce_revision("acme", "nice-r1"), before + 1);
	ck_assert_uint_eq(kit_ce_revision("other", "far-r1"), nice);
	ck_assert_uint_eq(addr_to_u32(&kit_document("acme", "paris-r1")
								  ->vpns->ce_address), 0xc6336407);
	ck_assert_uint_eq(addr_to_u32(&kit_peer(kit_document("acme", "lyon-r1"),
											"paris")->remote_address),
					  0xc6336407);
	/* who did it, and what it was */
	OK(store_audits(store, arena, 1, &audit, &count, &e));
	ck_assert_uint_eq(count, 1);
	ck_assert_str_eq(audit->actor, "ce:acme/paris-r1");
	ck_assert_str_eq(audit->what, "ce address acme/paris-r1: 192.0.2.1 is "
					 "198.51.100.7 now");
	OK(store_audit_objects(store, arena, kit_revision(), &objects, &count,
						   &e));
	ck_assert_uint_eq(count, 2);			/* it and its site */
	ck_assert(strstr(objects[0].before, "192.0.2.1") != NULL);
	ck_assert(strstr(objects[0].after, "198.51.100.7") != NULL);
	/* the same again is about an address of before */
	moves("paris-r1", "192.0.2.1", "198.51.100.7", LATER(60));
	ck_assert_uint_eq(followed.revision, 0);
	ck_assert_uint_eq(kit_revision(), before + 1);
	/* and it can be taken back */
	CHANGE(store_revert(store, kit_revision(), &e));
	ck_assert_str_eq(address("paris-r1"), "192.0.2.1");
	ck_assert_uint_eq(addr_to_u32(&kit_peer(kit_document("acme", "lyon-r1"),
											"paris")->remote_address),
					  0xc0000201);
}
END_TEST

static void refused(const char *ce, const char *to, const char *reason)
{
	const char *text = alarm(ce);

	ck_assert_uint_eq(followed.revision, 0);
	ck_assert_msg(strstr(followed.reason, reason), "%s", followed.reason);
	ck_assert_msg(strstr(text, reason) && strncmp(text, to, strlen(to)) == 0,
				  "%s", text);
}

START_TEST(what_is_not_followed_changes_nothing)
{
	uint64_t before;

	kit_acme();
	policy("paris-r1", "192.0.2.0/28", false);
	before = kit_revision();
	moves("lyon-r1", "192.0.2.2", "192.0.2.9", NOW);
	refused("lyon-r1", "192.0.2.9", "its address is static");
	ck_assert(followed.refused);
	/* told once, and kept as long as it is said */
	moves("lyon-r1", "192.0.2.2", "192.0.2.9", LATER(1));
	ck_assert(!followed.refused);
	report("lyon-r1", NULL, NULL, "192.0.2.2", LATER(2));
	ck_assert_str_eq(alarm("lyon-r1"), "");
	moves("paris-r1", "192.0.2.1", "192.0.2.99", LATER(3));
	refused("paris-r1", "192.0.2.99", "outside");
	/* another CE's, whoever's it is, and no word whose */
	moves("paris-r1", "192.0.2.1", "192.0.2.3", LATER(4));
	refused("paris-r1", "", "another CE has this address");
	report("paris-r1", "192.0.2.1", "192.0.2.5", "192.0.2.6", LATER(5));
	refused("paris-r1", "192.0.2.5", "its report came from another address");
	ck_assert_uint_eq(kit_revision(), before);
	ck_assert_str_eq(address("paris-r1"), "192.0.2.1");
	/* nor any CE's that is gone, of which nothing is kept */
	CHANGE(store_site_remove(store, "acme", "corp", "paris", "site-removed",
							 &e));
	CHANGE(store_ce_remove(store, "acme", "paris-r1", &e));
	ck_assert_str_eq(alarm("paris-r1"), "");
}
END_TEST

START_TEST(not_more_often)
{
	kit_acme();
	policy("paris-r1", "192.0.2.0/24", false);
	moves("paris-r1", "192.0.2.1", "192.0.2.7", NOW);
	ck_assert_uint_gt(followed.revision, 0);
	moves("paris-r1", "192.0.2.7", "192.0.2.1", LATER(9));
	refused("paris-r1", "", "within the last 10 seconds");
	moves("paris-r1", "192.0.2.7", "192.0.2.1", LATER(10));
	ck_assert_uint_gt(followed.revision, 0);
	ck_assert_str_eq(alarm("paris-r1"), "");
	ck_assert_str_eq(address("paris-r1"), "192.0.2.1");
}
END_TEST

/* What the policy of a CE may be. */
START_TEST(policies)
{
	static const char *const bad[] = {
		"224.0.0.0/4", "127.0.0.0/8", "0.0.0.0/0", "169.254.0.0/16",
	};
	struct store_ce row;
	uint64_t told;
	size_t i;

	kit_acme();
	told = kit_ce_revision("acme", "paris-r1");
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
	{
		REFUSED(set_policy("paris-r1", bad[i], false), -EINVAL, ERR_ADDRESS);
	}
	REFUSED(set_policy("paris-r1", "10.0.0.0/8 10.0.0.0/8", false), -EINVAL,
			ERR_EXISTS);
	REFUSED(set_policy("paris-r1", "1.0.0.0/8 2.0.0.0/8 3.0.0.0/8 4.0.0.0/8 "
					   "5.0.0.0/8 6.0.0.0/8 7.0.0.0/8 8.0.0.0/8 9.0.0.0/8 "
					   "10.0.0.0/8 11.0.0.0/8 12.0.0.0/8 13.0.0.0/8 "
					   "14.0.0.0/8 15.0.0.0/8 16.0.0.0/8 17.0.0.0/8", false),
			-EINVAL, ERR_LIMIT);
	policy("paris-r1", "198.51.100.0/24 192.0.2.0/24", false);
	OK(store_ce_get(store, arena, "acme", "paris-r1", &row, &e));
	ck_assert_uint_eq(row.dynamic_count, 2);
	ck_assert_uint_eq(addr_to_u32(&row.dynamic[0].addr), 0xc0000200);
	/* in another order it is the same */
	OK(store_begin(store, "test", &e));
	OK(set_policy("paris-r1", "192.0.2.0/24 198.51.100.0/24", false));
	OK(store_settle(store, &e));
	ck_assert(!store_is_changed(store));
	store_rollback(store);
	/* no document has it */
	ck_assert_uint_eq(kit_ce_revision("acme", "paris-r1"), told);
	policy("paris-r1", "", false);
	CHANGE(store_revert(store, kit_revision(), &e));
	OK(store_ce_get(store, arena, "acme", "paris-r1", &row, &e));
	ck_assert_uint_eq(row.dynamic_count, 2);
}
END_TEST

START_TEST(a_change_of_policy_ends_what_was_refused)
{
	kit_acme();
	moves("lyon-r1", "192.0.2.2", "192.0.2.9", NOW);
	refused("lyon-r1", "", "static");
	policy("lyon-r1", "192.0.2.0/24", false);
	ck_assert_str_eq(alarm("lyon-r1"), "");
	moves("lyon-r1", "192.0.2.2", "192.0.2.9", LATER(1));
	ck_assert_str_eq(address("lyon-r1"), "192.0.2.9");
}
END_TEST

/* A site with an address of its own stays where it is. */
START_TEST(sites_elsewhere_stay)
{
	struct addr other = kit_addr("198.51.100.1");

	kit_acme();
	kit_vpn("acme", "lab");
	CHANGE(kit_add_site(store, "acme", "lab", "paris", "paris-r1", NULL,
						&other, &e));
	policy("paris-r1", "192.0.2.0/24", true);
	ck_assert(kit_document("acme", "paris-r1")->vpns[0].behind_nat);
	ck_assert(!kit_document("acme", "paris-r1")->vpns[1].behind_nat);
	report("paris-r1", NULL, NULL, "192.0.2.50", NOW);
	ck_assert_str_eq(address("paris-r1"), "192.0.2.50");
	ck_assert_uint_eq(addr_to_u32(&kit_document("acme", "paris-r1")
								  ->vpns[0].ce_address), 0xc0000232);
	ck_assert_uint_eq(addr_to_u32(&kit_document("acme", "paris-r1")
								  ->vpns[1].ce_address), 0xc6336401);
	ck_assert(kit_document("acme", "paris-r1")->vpns[0].behind_nat);
}
END_TEST

/* ---- NAT ------------------------------------------------------------------------ */

static int set_initiator(const char *site, const char *peer,
						 const char *initiator)
{
	struct store_link link = { .customer = (char *)"acme",
		.vpn = (char *)"corp", .site = { (char *)site, (char *)peer },
		.initiator = (char *)initiator };

	return store_link_set(store, &link, &e);
}

START_TEST(the_side_behind_nat_begins)
{
	static const char *const names[] = { "paris", "lyon", "nice" };
	const struct model_document *doc;
	const struct model_peer *peer;
	uint64_t before;
	size_t i, k;

	kit_acme();
	for (i = 0; i < 3; i++)
	{
		char ce[32];

		snprintf(ce, sizeof(ce), "%s-r1", names[i]);
		before = kit_revision();
		policy(ce, "", true);
		doc = kit_document("acme", ce);
		ck_assert(doc->vpns->behind_nat);
		ck_assert_uint_eq(doc->revision, before + 1);
		for (k = 0; k < 3; k++)
		{
			char other[32];

			snprintf(other, sizeof(other), "%s-r1", names[k]);
			if (k == i)
			{
				continue;
			}
			ck_assert_int_eq(kit_peer(doc, names[k])->initiator, MODEL_LOCAL);
			ck_assert(!kit_peer(doc, names[k])->behind_nat);
			peer = kit_peer(kit_document("acme", other), names[i]);
			ck_assert(peer->behind_nat);
			ck_assert_int_eq(peer->initiator, MODEL_REMOTE);
			ck_assert_uint_eq(kit_ce_revision("acme", other), before + 1);
		}
		policy(ce, "", false);
		ck_assert(!kit_document("acme", ce)->vpns->behind_nat);
	}
}
END_TEST

START_TEST(what_nat_stands_against)
{
	uint64_t before;

	kit_acme();
	policy("paris-r1", "", true);
	before = kit_revision();
	REFUSED(set_policy("lyon-r1", "", true), -EINVAL, ERR_NAT);
	ck_assert_msg(strstr(e.text, "both are behind NAT"), "%s", e.text);
	REFUSED(set_initiator("paris", "lyon", "lyon"), -EINVAL, ERR_NAT);
	ck_assert_msg(strstr(e.text, "initiator is not"), "%s", e.text);
	CHANGE(set_initiator("paris", "lyon", "paris"));
	CHANGE(set_initiator("nice", "lyon", "nice"));
	REFUSED(set_policy("nice-r1", "", true), -EINVAL, ERR_NAT);
	CHANGE(store_site_remove(store, "acme", "corp", "paris", "site-removed",
							 &e));
	REFUSED(set_policy("lyon-r1", "", true), -EINVAL, ERR_NAT);
	policy("nice-r1", "", true);
	/* and a site of a CE that is, beside one that is */
	REFUSED(kit_add_site(store, "acme", "corp", "paris", "paris-r1", NULL,
						 NULL, &e), -EINVAL, ERR_NAT);
	ck_assert_uint_gt(kit_revision(), before);
}
END_TEST

/* The other end of the same NAT cannot be told apart. */
START_TEST(behind_nat_the_connection_says_it)
{
	kit_acme();
	policy("paris-r1", "", true);
	report("paris-r1", NULL, NULL, "192.0.2.200", NOW);
	ck_assert_str_eq(address("paris-r1"), "192.0.2.1");
	ck_assert_str_eq(alarm("paris-r1"), "");
	policy("paris-r1", "192.0.2.0/24", true);
	report("paris-r1", NULL, NULL, "192.0.2.2", NOW);
	refused("paris-r1", "", "another CE has this address");
	report("paris-r1", NULL, NULL, "203.0.113.1", LATER(1));
	refused("paris-r1", "203.0.113.1", "outside");
	report("paris-r1", NULL, NULL, "192.0.2.200", LATER(2));
	ck_assert_str_eq(address("paris-r1"), "192.0.2.200");
	ck_assert(kit_document("acme", "paris-r1")->vpns->behind_nat);
	ck_assert(kit_peer(kit_document("acme", "lyon-r1"), "paris")->behind_nat);
	ck_assert_str_eq(alarm("paris-r1"), "");
}
END_TEST

/* ---- the customer's file ----------------------------------------------------------- */

static char *export(void)
{
	struct conf_customer conf;
	struct json_out o = { 0 };
	struct text text;
	char *copy;

	OK(store_conf_read(store, arena, "acme", &conf, &e));
	conf_json_write(&o, &conf, NULL);
	text = jo_take(&o);
	copy = arena_strdup(arena, text_str(&text));
	text_done(&text);
	return copy;
}

/* Whether it changed anything. */
static bool apply(const char *file)
{
	struct conf_customer conf;
	bool changed;

	OK(conf_json_read(arena, file, strlen(file), NULL, &conf, &e));
	OK(store_begin(store, "test", &e));
	OK(store_conf_apply(store, &conf, &e));
	OK(store_settle(store, &e));
	changed = store_is_changed(store);
	if (changed)
	{
		OK(store_commit(store, "apply", NULL, &e));
	}
	else
	{
		store_rollback(store);
	}
	return changed;
}

START_TEST(a_file_of_before)
{
	char *first, *second, *at;

	kit_acme();
	policy("paris-r1", "192.0.2.0/24", false);
	policy("lyon-r1", "", true);
	first = export();
	ck_assert(strstr(first, "\"dynamic\":[\"192.0.2.0/24\"]") != NULL);
	ck_assert(strstr(first, "\"behind-nat\":true") != NULL);
	ck_assert(!apply(first));
	moves("paris-r1", "192.0.2.1", "192.0.2.7", NOW);
	second = export();
	ck_assert(strcmp(first, second) != 0);
	/* it does not take the router's address away */
	ck_assert(!apply(first));
	ck_assert(!apply(second));
	ck_assert_str_eq(address("paris-r1"), "192.0.2.7");
	/* where the file says that it may not be there, it does */
	at = strstr(first, "192.0.2.0/24");
	memcpy(at, "192.0.2.0/30", 12);
	ck_assert(apply(first));
	ck_assert_str_eq(address("paris-r1"), "192.0.2.1");
}
END_TEST

TCase *store_follow_case(void)
{
	TCase *tc = tcase_create("follow");

	tcase_add_checked_fixture(tc, kit_setup, kit_teardown);
	tcase_add_test(tc, the_database_follows);
	tcase_add_test(tc, what_is_not_followed_changes_nothing);
	tcase_add_test(tc, not_more_often);
	tcase_add_test(tc, policies);
	tcase_add_test(tc, a_change_of_policy_ends_what_was_refused);
	tcase_add_test(tc, sites_elsewhere_stay);
	tcase_add_test(tc, the_side_behind_nat_begins);
	tcase_add_test(tc, what_nat_stands_against);
	tcase_add_test(tc, behind_nat_the_connection_says_it);
	tcase_add_test(tc, a_file_of_before);
	return tc;
}
