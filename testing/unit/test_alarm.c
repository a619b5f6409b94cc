/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * test_alarm.c - alarms are raised, counted, cleared, and bounded
 */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "agent/alarm.h"
#include "run.h"

static struct alarms alarms;

static void reset(void)
{
	memset(&alarms, 0, sizeof(alarms));
}

START_TEST(raise_count_clear)
{
	ck_assert(alarm_raise(&alarms, ERR_AUTH_FAILED, "a/b/c", STATUS_MAJOR, 1, "x"));
	ck_assert(!alarm_raise(&alarms, ERR_AUTH_FAILED, "a/b/c", STATUS_MAJOR, 2, "y"));
	ck_assert_uint_eq(alarms.count, 1);
	ck_assert_uint_eq(alarms.items[0].count, 2);
	ck_assert_str_eq(alarms.items[0].text, "y");
	ck_assert_uint_eq(alarm_active(&alarms), 1);
	ck_assert(alarm_clear(&alarms, ERR_AUTH_FAILED, "a/b/c"));
	ck_assert(!alarm_clear(&alarms, ERR_AUTH_FAILED, "a/b/c"));
	ck_assert_uint_eq(alarm_active(&alarms), 0);
	ck_assert(alarm_raise(&alarms, ERR_AUTH_FAILED, "a/b/c", STATUS_MAJOR, 3, "z"));
}
END_TEST

/* Worse than before is news, better is not. */
START_TEST(worse)
{
	ck_assert(alarm_raise(&alarms, ERR_AUTH_FAILED, "a", STATUS_WARNING, 1, "x"));
	ck_assert(alarm_raise(&alarms, ERR_AUTH_FAILED, "a", STATUS_MAJOR, 2, "x"));
	ck_assert(!alarm_raise(&alarms, ERR_AUTH_FAILED, "a", STATUS_MINOR, 3, "x"));
}
END_TEST

START_TEST(full_table_keeps_what_matters)
{
	char name[32];

	alarm_raise(&alarms, ERR_IMPERSONATION, "keep", STATUS_CRITICAL, 1, "x");
	for (unsigned i = 0; i < 3 * STATUS_ALARMS_MAX; i++)
	{
		snprintf(name, sizeof(name), "r%u", i);
		alarm_raise(&alarms, ERR_PEER_UNREACHABLE, name, STATUS_MINOR, 2 + i, "x");
	}
	ck_assert_uint_eq(alarms.count, STATUS_ALARMS_MAX);
	ck_assert(alarm_clear(&alarms, ERR_IMPERSONATION, "keep"));
	ck_assert(alarm_clear(&alarms, ERR_PEER_UNREACHABLE, name));
}
END_TEST

START_TEST(what_is_gone_is_forgotten)
{
	alarm_raise(&alarms, ERR_AUTH_FAILED, "a", STATUS_MAJOR, 1, "x");
	alarm_raise(&alarms, ERR_PROPOSAL, "a", STATUS_MAJOR, 1, "x");
	alarm_raise(&alarms, ERR_PROPOSAL, "b", STATUS_MAJOR, 1, "x");
	alarm_forget(&alarms, "a");
	ck_assert_uint_eq(alarms.count, 1);
	ck_assert_str_eq(alarms.items[0].resource, "b");
}
END_TEST

int main(void)
{
	TCase *tc = tcase_create("alarm");

	tcase_add_checked_fixture(tc, reset, NULL);
	tcase_add_test(tc, raise_count_clear);
	tcase_add_test(tc, worse);
	tcase_add_test(tc, full_table_keeps_what_matters);
	tcase_add_test(tc, what_is_gone_is_forgotten);
	return run_case(tc, "alarm");
}
