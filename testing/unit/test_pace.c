/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/* test_pace.c - who is admitted, and how those sent away are spread */
#include "config.h"

#include "run.h"
#include "server/pace.h"

static struct pace p;

/* As if requests had taken that long for a while. */
static void settle(unsigned workers, uint64_t us)
{
	pace_init(&p, workers);
	for (int i = 0; i < 500; i++)
	{
		pace_ran(&p, us);
	}
}

START_TEST(a_new_one_admits)
{
	pace_init(&p, 0);
	ck_assert_uint_eq(p.workers, 1);
	ck_assert(pace_admits(&p, 0));
	ck_assert(pace_admits(&p, 4000));
}
END_TEST

START_TEST(the_mean_follows_both_ways)
{
	settle(4, 10000);
	ck_assert_uint_gt(p.run_us, 9900);
	ck_assert_uint_le(p.run_us, 10000);
	for (int i = 0; i < 100; i++)
	{
		pace_ran(&p, 100);
	}
	ck_assert_uint_lt(p.run_us, 200);
	/* one slow request is not a slow server */
	pace_ran(&p, 1000000);
	ck_assert_uint_lt(p.run_us, 100000);
}
END_TEST

/* A thousand were woken, and the first ones wait for what all of them need: who
 * comes back meanwhile is not sent away for a minute. */
START_TEST(a_few_that_wait_are_no_slow_server)
{
	settle(4, 3000);
	for (int i = 0; i < 8; i++)
	{
		pace_ran(&p, 4000000);
	}
	ck_assert(pace_admits(&p, 1000));
	/* if it goes on, it is one */
	for (int i = 0; i < 100; i++)
	{
		pace_ran(&p, 4000000);
	}
	ck_assert(!pace_admits(&p, 16));
}
END_TEST

START_TEST(admits_what_is_begun_in_time)
{
	settle(4, 10000);
	/* 1,600 of 10 ms on 4 workers are 4 s */
	ck_assert(pace_admits(&p, 1500));
	ck_assert(!pace_admits(&p, 1700));
	settle(2, 10000);
	ck_assert(!pace_admits(&p, 850));
	/* a few for each worker, however slow they are */
	settle(4, 60000000);
	ck_assert(pace_admits(&p, 15));
	ck_assert(!pace_admits(&p, 16));
}
END_TEST

/* 10,000 come back at once: no second gets more than the workers can do. */
START_TEST(turns_are_at_the_workers_pace)
{
	unsigned at[PACE_RETRY_MAX_S + 2] = { 0 }, total = 0;
	const unsigned each_s = 400;	/* 4 workers, 10 ms */

	settle(4, 10000);
	for (int i = 0; i < 10000; i++)
	{
		unsigned s = pace_retry_s(&p, 5000000, 1600, 0);

		ck_assert_uint_ge(s, 1);
		ck_assert_uint_le(s, PACE_RETRY_MAX_S);
		at[s]++;
	}
	for (unsigned s = 0; s <= PACE_RETRY_MAX_S; s++)
	{
		/* the mean lies a little below 10 ms */
		ck_assert_uint_le(at[s], each_s + 20);
		total += at[s];
	}
	ck_assert_uint_eq(total, 10000);
	/* not before what waits already is done */
	ck_assert_uint_eq(at[1] + at[2] + at[3] + at[4], at[4]);
}
END_TEST

START_TEST(turns_beyond_reach_are_by_chance)
{
	settle(1, 1000000);
	for (unsigned i = 0; i < 56; i++)
	{
		pace_retry_s(&p, 0, 4, 0);
	}
	ck_assert_uint_eq(pace_retry_s(&p, 0, 4, 0), 1);
	ck_assert_uint_eq(pace_retry_s(&p, 0, 4, 59), 60);
	ck_assert_uint_eq(pace_retry_s(&p, 0, 4, 60), 1);
	/* turns that passed are over */
	ck_assert_uint_le(pace_retry_s(&p, 3600000000u, 0, 7), 2);
}
END_TEST

int main(void)
{
	TCase *tc = tcase_create("pace");

	tcase_add_test(tc, a_new_one_admits);
	tcase_add_test(tc, the_mean_follows_both_ways);
	tcase_add_test(tc, a_few_that_wait_are_no_slow_server);
	tcase_add_test(tc, admits_what_is_begun_in_time);
	tcase_add_test(tc, turns_are_at_the_workers_pace);
	tcase_add_test(tc, turns_beyond_reach_are_by_chance);
	return run_case(tc, "pace");
}
