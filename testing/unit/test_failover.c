/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * test_failover.c - which of several servers is asked, and when
 */
#include "config.h"

#include "agent/failover.h"
#include "run.h"

#define MINUTE 60000ull

START_TEST(goes_on_soon_and_then_slower)
{
	struct failover f = {0};
	uint64_t ms;

	failover_set(&f, 3, 0);
	for (size_t i = 1; i <= 3; i++)
	{	/* each of them once, soon */
		ms = failover_failed(&f, 1000, 0, 999);
		ck_assert_uint_eq(ms, 1499);
		ck_assert_uint_eq(f.current, i % 3);
	}
	ck_assert_uint_eq(failover_failed(&f, 1000, 0, 1999), 2499);
	for (size_t i = 0; i < 100; i++)
	{
		ms = failover_failed(&f, 1000, 0, 60000000 - 1);
		ck_assert_uint_le(ms, 60500);
	}
	ck_assert_uint_eq(ms, 60499);
	ck_assert_uint_ge(failover_failed(&f, 1000, 0, 0), 500);
	/* somebody answered: from the beginning */
	failover_answered(&f);
	ck_assert_uint_eq(failover_failed(&f, 1000, 0, 999), 1499);
}
END_TEST

START_TEST(pauses_are_short_when_it_matters)
{
	struct failover f = {0};

	failover_set(&f, 1, 0);
	for (size_t i = 0; i < 20; i++)
	{
		ck_assert_uint_le(failover_failed(&f, 0, 2000, UINT32_MAX - i), 2500);
		ck_assert_uint_eq(f.current, 0);
	}
}
END_TEST

START_TEST(comes_back_when_the_first_is_well_for_a_while)
{
	struct failover f = {0};
	uint64_t now = 5000;

	failover_set(&f, 2, 0);
	ck_assert_uint_eq(failover_look(&f, 7), 0);
	failover_failed(&f, now, 0, 0);
	ck_assert_uint_eq(f.current, 1);
	ck_assert_uint_ge(failover_look(&f, 0), 15000);
	ck_assert_uint_lt(failover_look(&f, UINT32_MAX), 30000);
	ck_assert(!failover_looked(&f, true, now));
	ck_assert(!failover_looked(&f, true, now + 44999));
	/* not well in between: from the beginning */
	ck_assert(!failover_looked(&f, false, now + 45000));
	ck_assert(!failover_looked(&f, true, now + 50000));
	ck_assert(!failover_looked(&f, true, now + 94999));
	ck_assert(failover_looked(&f, true, now + 95000));
	ck_assert_uint_eq(f.current, 0);
}
END_TEST

/* Ends the first's absence as early as it can; how long that took. */
static uint64_t absence(struct failover *f, uint64_t *now)
{
	uint64_t begin = *now;

	failover_failed(f, *now, 0, 0);
	failover_answered(f);
	while (!failover_looked(f, true, *now))
	{
		*now += 1000;
	}
	return *now - begin;
}

START_TEST(who_relapses_is_taken_back_later)
{
	struct failover f = {0};
	uint64_t now = 1000, last;

	failover_set(&f, 2, 0);
	last = absence(&f, &now);
	ck_assert_uint_eq(last, 45000);
	for (size_t i = 0; i < 10; i++)
	{
		uint64_t next;

		now += MINUTE;
		next = absence(&f, &now);
		ck_assert_uint_eq(next, last * 2 > 60 * MINUTE ? 60 * MINUTE
													   : last * 2);
		last = next;
	}
	/* well for long: forgiven */
	now += 11 * MINUTE;
	ck_assert_uint_eq(absence(&f, &now), 45000);
}
END_TEST

/* A limit that is no limit; and who is in use needs no look. */
START_TEST(without_need)
{
	struct failover f = {0};
	uint64_t ms = 0;

	failover_set(&f, 1, 0);
	for (size_t i = 0; i < 20; i++)
	{
		ms = failover_failed(&f, 0, 1000 * MINUTE, 60000 - 1);
	}
	ck_assert_uint_eq(ms, 60499);
	ck_assert(!failover_looked(&f, true, MINUTE));
	ck_assert_uint_eq(f.current, 0);
	/* another from the beginning, as after a start: it holds for the usual time */
	f = (struct failover){0};
	failover_set(&f, 2, 1);
	ck_assert(!failover_looked(&f, true, MINUTE));
	ck_assert(!failover_looked(&f, true, MINUTE + 44999));
	ck_assert(failover_looked(&f, true, MINUTE + 45000));
	ck_assert_uint_eq(f.current, 0);
}
END_TEST

int main(void)
{
	TCase *tc = tcase_create("failover");

	tcase_add_test(tc, goes_on_soon_and_then_slower);
	tcase_add_test(tc, pauses_are_short_when_it_matters);
	tcase_add_test(tc, comes_back_when_the_first_is_well_for_a_while);
	tcase_add_test(tc, who_relapses_is_taken_back_later);
	tcase_add_test(tc, without_need);
	return run_case(tc, "failover");
}
