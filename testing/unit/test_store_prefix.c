/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * test_store_prefix.c - prefixes (v) of sites: kept, and apart where a VPN
 * offers Internet access
 */
#include "config.h"

#include "store_kit.h"

static struct prefix list[80];

/* "10.1.0.0/24 10.2.0.0/24" as a site's */
static int set(const char *vpn, const char *site, const char *prefixes)
{
	struct store_site row;
	char word[PREFIX_TEXT_MAX];
	int used;

	OK(store_site_get(store, arena, "acme", vpn, site, &row, &e));
	row.prefixes = list;
	for (row.prefix_count = 0; sscanf(prefixes, "%51s%n", word, &used) == 1;
		 prefixes += used)
	{
		ck_assert_int_eq(prefix_parse(word, &list[row.prefix_count++]), 0);
	}
	return store_site_set(store, &row, &e);
}

static int offer(const char *vpn, bool offered)
{
	struct store_vpn row;

	OK(store_vpn_get(store, arena, "acme", vpn, &row, &e));
	row.internet_access = offered;
	return store_vpn_set(store, &row, NULL, 0, &e);
}

static void ck_prefixes(const char *vpn, const char *site, const char *wanted)
{
	char text[PREFIX_TEXT_MAX], all[1024] = "";
	struct store_site row, *sites;
	size_t i, count;

	OK(store_site_get(store, arena, "acme", vpn, site, &row, &e));
	for (i = 0; i < row.prefix_count; i++)
	{
		strcat(strcat(all, i ? " " : ""),
			   prefix_str(&row.prefixes[i], text));
	}
	ck_assert_str_eq(all, wanted);
	OK(store_sites(store, arena, NULL, NULL, &sites, &count, &e));
	for (i = 0; i < count; i++)
	{
		if (strcmp(sites[i].vpn, vpn) == 0 &&
			strcmp(sites[i].site, site) == 0)
		{
			ck_assert_uint_eq(sites[i].prefix_count, row.prefix_count);
			ck_assert(!row.prefix_count ||
					  memcmp(sites[i].prefixes, row.prefixes,
							 row.prefix_count * sizeof(*row.prefixes)) == 0);
			return;
		}
	}
	ck_abort_msg("no site %s/%s", vpn, site);
}

START_TEST(prefixes_are_kept_in_order)
{
	uint64_t told;

	kit_acme();
	told = kit_ce_revision("acme", "paris-r1");
	CHANGE(set("corp", "paris", "2001:db8:2::/48 10.9.0.0/16 10.1.0.0/24"));
	ck_prefixes("corp", "paris", "10.1.0.0/24 10.9.0.0/16 2001:db8:2::/48");
	ck_prefixes("corp", "lyon", "");
	/* the same in another order is no change */
	OK(store_begin(store, "test", &e));
	OK(set("corp", "paris", "10.1.0.0/24 2001:db8:2::/48 10.9.0.0/16"));
	OK(store_settle(store, &e));
	ck_assert(!store_is_changed(store));
	store_rollback(store);
	CHANGE(set("corp", "paris", "10.1.0.0/24"));
	ck_prefixes("corp", "paris", "10.1.0.0/24");
	CHANGE(set("corp", "paris", ""));
	ck_prefixes("corp", "paris", "");
	/* no document has them */
	ck_assert_uint_eq(kit_ce_revision("acme", "paris-r1"), told);
	CHANGE(set("corp", "paris", "10.1.0.0/24"));
	CHANGE(store_site_remove(store, "acme", "corp", "paris", "site-removed",
							 &e));
	CHANGE(store_revert(store, kit_revision(), &e));
	ck_prefixes("corp", "paris", "10.1.0.0/24");
}
END_TEST

START_TEST(prefixes_that_are_none)
{
	static const char *const bad[] = {
		"0.0.0.0/0", "127.0.0.0/8", "127.1.2.0/24", "224.0.0.0/4",
		"240.0.0.0/8", "0.1.0.0/16", "169.254.1.0/24", "126.0.0.0/7", "::/0",
		"fe80::/64", "ff02::/16", "::/96", "::1/128"
	};
	struct store_site row;
	size_t i;

	kit_acme();
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
	{
		REFUSED(set("corp", "paris", bad[i]), -EINVAL, ERR_ADDRESS);
	}
	REFUSED(set("corp", "paris", "10.1.0.0/24 10.1.0.0/24"), -EINVAL,
			ERR_EXISTS);
	OK(store_site_get(store, arena, "acme", "corp", "paris", &row, &e));
	for (i = 0; i < 65; i++)
	{
		list[i] = (struct prefix){ .addr = addr_from_u32(0x0a000000 + i),
								   .len = 32 };
	}
	row.prefixes = list;
	row.prefix_count = 65;
	REFUSED(store_site_set(store, &row, &e), -EINVAL, ERR_LIMIT);
	row.prefix_count = 64;
	CHANGE(store_site_set(store, &row, &e));
}
END_TEST

/* lyon's when paris has 10.1.0.0/16 and 2001:db8:1::/48 */
static const struct
{
	const char *prefixes;
	bool overlap;
} lyons[] = {
	{ "10.1.0.0/16", true }, { "10.1.2.0/24", true }, { "10.0.0.0/8", true },
	{ "10.1.255.255/32", true }, { "10.2.0.0/16", false },
	{ "10.0.0.0/16 10.2.0.0/15", false }, { "2001:db8:1:5::/64", true },
	{ "2001:db8::/32", true }, { "2001:db8:2::/48", false },
	/* the same bits in another family */
	{ "a01::/16", false },
	{ "9.0.0.0/8 10.2.0.0/24 11.0.0.0/8 10.1.7.0/30", true },
	/* within one site they may */
	{ "10.3.0.0/16 10.3.1.0/24", false },
};

START_TEST(apart_where_internet_access_is_offered)
{
	kit_acme();
	CHANGE(offer("corp", true));
	CHANGE(set("corp", "paris", "10.1.0.0/16 2001:db8:1::/48"));
	if (!lyons[_i].overlap)
	{
		CHANGE(set("corp", "lyon", lyons[_i].prefixes));
		return;
	}
	REFUSED(set("corp", "lyon", lyons[_i].prefixes), -EINVAL, ERR_OVERLAP);
	ck_assert_str_eq(e.where, "acme/corp");
	ck_assert_ptr_nonnull(strstr(e.text, "paris"));
	ck_assert_ptr_nonnull(strstr(e.text, "lyon"));
	/* without it they may, but then it cannot be offered */
	CHANGE(offer("corp", false));
	CHANGE(set("corp", "lyon", lyons[_i].prefixes));
	REFUSED(offer("corp", true), -EINVAL, ERR_OVERLAP);
	ck_assert_ptr_nonnull(strstr(e.text, "paris"));
	ck_assert_ptr_nonnull(strstr(e.text, "lyon"));
	/* both in one change: it is looked at when all of it is done */
	OK(store_begin(store, "test", &e));
	OK(offer("corp", true));
	OK(set("corp", "lyon", "172.16.0.0/12"));
	OK(store_commit(store, "both", NULL, &e));
}
END_TEST

/* Whatever else changes with them. */
START_TEST(prefixes_with_another_router_id)
{
	struct store_site row;

	kit_acme();
	CHANGE(offer("corp", true));
	CHANGE(set("corp", "paris", "10.1.0.0/16"));
	OK(store_site_get(store, arena, "acme", "corp", "lyon", &row, &e));
	row.router_id = kit_addr("10.9.0.9");
	row.prefixes = list;
	row.prefix_count = 1;
	ck_assert_int_eq(prefix_parse("10.1.1.0/24", &list[0]), 0);
	REFUSED(store_site_set(store, &row, &e), -EINVAL, ERR_OVERLAP);
}
END_TEST

START_TEST(a_new_site_is_looked_at)
{
	struct store_site row = {
		.customer = (char *)"acme", .vpn = (char *)"corp",
		.site = (char *)"nantes", .ce = (char *)"nantes-r1", .role = -1,
		.prefixes = list, .prefix_count = 1
	};

	kit_acme();
	kit_ce("acme", "nantes-r1", "192.0.2.77");
	CHANGE(offer("corp", true));
	CHANGE(set("corp", "paris", "10.1.0.0/16"));
	ck_assert_int_eq(prefix_parse("10.1.1.0/24", &list[0]), 0);
	REFUSED(store_site_add(store, &row, &e), -EINVAL, ERR_OVERLAP);
	ck_assert_int_eq(prefix_parse("10.2.1.0/24", &list[0]), 0);
	CHANGE(store_site_add(store, &row, &e));
	ck_prefixes("corp", "nantes", "10.2.1.0/24");
}
END_TEST

/* Every pair is found, whatever lies within what, and each is named. */
START_TEST(all_conflicts_are_named_within_bounds)
{
	char name[8], prefix[32];
	int i;

	kit_acme();
	CHANGE(set("corp", "paris", "10.0.0.0/8"));
	CHANGE(set("corp", "lyon", "10.1.0.0/16 192.168.0.0/24"));
	CHANGE(set("corp", "nice", "10.1.1.0/24 192.168.0.0/16"));
	REFUSED(offer("corp", true), -EINVAL, ERR_OVERLAP);
	ck_assert_str_eq(e.text, "with internet-access prefixes cannot overlap: "
					 "paris 10.0.0.0/8 and lyon 10.1.0.0/16, "
					 "lyon 10.1.0.0/16 and nice 10.1.1.0/24, "
					 "paris 10.0.0.0/8 and nice 10.1.1.0/24, "
					 "nice 192.168.0.0/16 and lyon 192.168.0.0/24");
	for (i = 0; i < 30; i++)
	{
		snprintf(name, sizeof(name), "x%d", i);
		snprintf(prefix, sizeof(prefix), "198.51.100.%d", i + 1);
		kit_ce("acme", name, prefix);
		kit_site("acme", "corp", name, name);
		CHANGE(set("corp", name, "10.1.1.0/24"));
	}
	REFUSED(offer("corp", true), -EINVAL, ERR_OVERLAP);
	/* 1 + 1 + 31 of paris and lyon each + 31 * 30 / 2 among themselves: 529 */
	ck_assert_msg(strstr(e.text, "and 525 more"), "%s", e.text);
}
END_TEST

START_TEST(two_vpns_are_never_compared)
{
	struct addr other = kit_addr("192.0.2.201");

	kit_acme();
	kit_vpn("acme", "lab");
	CHANGE(kit_add_site(store, "acme", "lab", "paris", "paris-r1", NULL, &other,
						&e));
	CHANGE(offer("corp", true));
	CHANGE(offer("lab", true));
	CHANGE(set("corp", "paris", "10.1.0.0/16"));
	CHANGE(set("lab", "paris", "10.1.0.0/16"));
	kit_customer("globex");
	kit_vpn("globex", "corp");
	ck_prefixes("corp", "paris", "10.1.0.0/16");
	ck_prefixes("lab", "paris", "10.1.0.0/16");
}
END_TEST

struct found
{
	char text[256];
	uint64_t looked;
};

static void on_checked(void *user, const char *check, uint64_t count)
{
	struct found *found = user;

	if (strcmp(check, "prefixes") == 0)
	{
		found->looked = count;
	}
}

static void on_fault(void *user, const char *check, const char *where,
					 const char *text)
{
	struct found *found = user;

	snprintf(found->text, sizeof(found->text), "%s: %s: %s", check, where,
			 text);
}

static struct found verify(void)
{
	struct found found = { .looked = 0 };
	const struct store_verifier verifier = { &found, on_checked, on_fault };

	OK(store_verify(store, &kit_management, &verifier, &e));
	return found;
}

static void damage(const char *sql)
{
	struct db *db;

	OK(db_open(kit_path, &db, &e));
	OK(db_begin(db, true, &e));
	OK(db_run(db, sql, NULL, &e));
	OK(db_commit(db, &e));
	db_close(db);
}

START_TEST(check_sees_what_must_not_be)
{
	struct found found;

	kit_acme();
	CHANGE(set("corp", "paris", "10.1.0.0/16"));
	CHANGE(set("corp", "lyon", "10.1.2.0/24"));
	found = verify();
	ck_assert_str_eq(found.text, "");
	ck_assert_uint_eq(found.looked, 2);
	damage("UPDATE vpn SET internet_access = 1");
	ck_assert_str_eq(verify().text, "prefixes: acme/corp: paris 10.1.0.0/16 "
					 "and lyon 10.1.2.0/24 overlap");
	damage("UPDATE site_prefix SET prefix = '10.1.2.3/24'");
	ck_assert_ptr_nonnull(strstr(verify().text, "prefixes: acme/corp: "));
}
END_TEST

TCase *store_prefix_case(void)
{
	TCase *tc = tcase_create("prefix");

	tcase_set_timeout(tc, 60);
	tcase_add_checked_fixture(tc, kit_setup, kit_teardown);
	tcase_add_test(tc, prefixes_are_kept_in_order);
	tcase_add_test(tc, prefixes_that_are_none);
	tcase_add_loop_test(tc, apart_where_internet_access_is_offered, 0,
						sizeof(lyons) / sizeof(lyons[0]));
	tcase_add_test(tc, prefixes_with_another_router_id);
	tcase_add_test(tc, a_new_site_is_looked_at);
	tcase_add_test(tc, all_conflicts_are_named_within_bounds);
	tcase_add_test(tc, two_vpns_are_never_compared);
	tcase_add_test(tc, check_sees_what_must_not_be);
	return tc;
}
