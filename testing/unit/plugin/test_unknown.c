/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * test_unknown.c - how often an unknown peer is reported
 */

#include "harness.h"
#include "ppvpn_unknown.h"

static ppvpn_unknown_t *unknown;

static void setup(void)
{
	harness_setup();
	unknown = ppvpn_unknown_create();
}

static void teardown(void)
{
	unknown->destroy(unknown);
	harness_teardown();
}

static u_int seen(u_int i, time_t now)
{
	char remote[32];

	snprintf(remote, sizeof(remote), "198.51.%u.%u", i / 250, i % 250);
	return unknown->seen(unknown, remote, "", now);
}

START_TEST(once_in_an_interval)
{
	ck_assert_int_eq(seen(1, 100), 1);
	ck_assert_int_eq(seen(1, 100), 0);
	ck_assert_int_eq(seen(1, 109), 0);
	ck_assert_int_eq(seen(2, 109), 1);
	ck_assert_int_eq(seen(1, 110), 3);
	ck_assert_int_eq(seen(1, 111), 0);
	ck_assert_int_eq(seen(1, 200), 2);
}
END_TEST

START_TEST(identities_are_told_apart)
{
	ck_assert_int_eq(unknown->seen(unknown, "198.51.100.1", "", 1), 1);
	ck_assert_int_eq(unknown->seen(unknown, "198.51.100.1", "a", 1), 1);
	ck_assert_int_eq(unknown->seen(unknown, "198.51.100.1", "b", 1), 1);
	ck_assert_int_eq(unknown->seen(unknown, "198.51.100.1", "a", 1), 0);
}
END_TEST

START_TEST(bounded)
{
	u_int i, reports = 0;

	for (i = 0; i < 5 * PPVPN_UNKNOWN_MAX; i++)
	{
		reports += seen(i, 100);
	}
	ck_assert_int_eq(reports, PPVPN_UNKNOWN_MAX);
	/* the oldest make room once they may be forgotten */
	for (i = 0; i < PPVPN_UNKNOWN_MAX; i++)
	{
		ck_assert_int_eq(seen(2 * PPVPN_UNKNOWN_MAX + i, 110), 1);
	}
	ck_assert_int_eq(seen(9 * PPVPN_UNKNOWN_MAX, 111), 0);
}
END_TEST

START_TEST(recently_reported_is_kept)
{
	u_int i;

	for (i = 0; i < PPVPN_UNKNOWN_MAX; i++)
	{
		ck_assert_int_eq(seen(i, 100), 1);
	}
	ck_assert_int_eq(seen(0, 110), 1);
	/* 1 is the oldest now, 0 the youngest */
	ck_assert_int_eq(seen(PPVPN_UNKNOWN_MAX, 110), 1);
	ck_assert_int_eq(seen(0, 111), 0);
	ck_assert_int_eq(seen(1, 111), 1);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("unknown");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, once_in_an_interval);
	tcase_add_test(tcase, identities_are_told_apart);
	tcase_add_test(tcase, bounded);
	tcase_add_test(tcase, recently_reported_is_kept);
	return harness_run(tcase, "plugin_unknown");
}
