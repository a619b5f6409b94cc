/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * test_lifetime.c - when certificates are renewed, and when a person is told
 */
#include "config.h"

#include "agent/lifetime.h"
#include "run.h"

#define DAY INT64_C(86400)
#define BEGIN INT64_C(1800000000)

static struct lifetime lasting(int64_t seconds)
{
	return (struct lifetime){ BEGIN, BEGIN + seconds };
}

/* Between two thirds and three quarters, the same for the same router. */
START_TEST(due)
{
	static const int64_t lives[] = {
		1, 11, 12, 60, 3600, DAY, 90 * DAY, 365 * DAY, 3650 * DAY,
	};
	static const uint32_t seeds[] = { 0, 1, 4711, 1u << 31, UINT32_MAX };

	for (size_t i = 0; i < COUNT(lives); i++)
	{
		const struct lifetime l = lasting(lives[i]);

		for (size_t k = 0; k < COUNT(seeds); k++)
		{
			const int64_t at = lifetime_due(&l, seeds[k]) - BEGIN;

			ck_assert_int_ge(at, lives[i] / 3 * 2);
			ck_assert_int_le(at, lives[i] * 3 / 4);
			ck_assert_int_eq(lifetime_due(&l, seeds[k]), at + BEGIN);
		}
	}
}
END_TEST

/* Those of one day do not come on one day. */
START_TEST(spread)
{
	const struct lifetime l = lasting(365 * DAY);
	unsigned days[31] = { 0 }, most = 0;

	for (uint32_t i = 0; i < 3000; i++)
	{
		const int64_t at = lifetime_due(&l, i * UINT32_C(2654435761));
		const size_t day = (size_t)((at - BEGIN - 365 * DAY / 3 * 2) / DAY);

		ck_assert_uint_lt(day, COUNT(days));
		days[day]++;
		most = days[day] > most ? days[day] : most;
	}
	ck_assert_uint_lt(most, 200);
}
END_TEST

static const struct {
	int64_t life, left;
	enum status_severity severity;
} said[] = {
	{ 365 * DAY, 365 * DAY, STATUS_CLEARED },
	{ 365 * DAY, 30 * DAY, STATUS_CLEARED },
	{ 365 * DAY, 30 * DAY - 1, STATUS_WARNING },
	{ 365 * DAY, 7 * DAY, STATUS_WARNING },
	{ 365 * DAY, 7 * DAY - 1, STATUS_MAJOR },
	{ 365 * DAY, 1, STATUS_MAJOR },
	{ 365 * DAY, 0, STATUS_CRITICAL },
	{ 365 * DAY, -1000 * DAY, STATUS_CRITICAL },
	/* short ones: the last eighth, the last thirty-second */
	{ 80 * DAY, 10 * DAY, STATUS_CLEARED },
	{ 80 * DAY, 10 * DAY - 1, STATUS_WARNING },
	{ 64, 8, STATUS_CLEARED }, { 64, 7, STATUS_WARNING },
	{ 64, 2, STATUS_WARNING }, { 64, 1, STATUS_MAJOR },
	{ 64, 0, STATUS_CRITICAL },
};

START_TEST(severity)
{
	struct lifetime l = lasting(said[_i].life);

	ck_assert_int_eq(lifetime_severity(&l, l.until_s - said[_i].left),
					 said[_i].severity);
	l.until_s = 0;
	ck_assert_int_eq(lifetime_severity(&l, l.from_s), STATUS_CLEARED);
}
END_TEST

START_TEST(retries)
{
	const struct lifetime year = lasting(365 * DAY), minute = lasting(60);
	uint64_t before = 0;

	ck_assert_uint_eq(lifetime_retry_ms(&year, 1, 0), 300000);
	ck_assert_uint_eq(lifetime_retry_ms(&year, 2, 0), 600000);
	ck_assert_uint_eq(lifetime_retry_ms(&year, 1, UINT32_MAX) / 75001, 4);
	for (unsigned i = 1; i < 40; i++)
	{
		const uint64_t ms = lifetime_retry_ms(&year, i, 0);

		ck_assert_uint_ge(ms, before);
		ck_assert_uint_le(ms, 6 * 3600 * 1000);
		before = ms;
	}
	ck_assert_uint_eq(before, 6 * 3600 * 1000);
	ck_assert_uint_eq(lifetime_retry_ms(&year, UINT32_MAX, 0), before);
	ck_assert_uint_eq(lifetime_retry_ms(&minute, 1, 0), 5000);
	ck_assert_uint_eq(lifetime_retry_ms(&minute, 9, 0), 5000);
}
END_TEST

START_TEST(asked_for)
{
	uint64_t before = 0;

	ck_assert_uint_eq(lifetime_ask_ms(1, 0), 30000);
	ck_assert_uint_eq(lifetime_ask_ms(2, 0), 60000);
	ck_assert_uint_eq(lifetime_ask_ms(1, 7499), 37499);
	for (unsigned i = 1; i < 40; i++)
	{
		ck_assert_uint_ge(lifetime_ask_ms(i, 0), before);
		before = lifetime_ask_ms(i, 0);
	}
	ck_assert_uint_eq(before, 6 * 3600 * 1000);
	ck_assert_uint_eq(lifetime_ask_ms(UINT32_MAX, 0), before);
}
END_TEST

int main(void)
{
	TCase *tc = tcase_create("lifetime");

	tcase_add_test(tc, due);
	tcase_add_test(tc, spread);
	tcase_add_loop_test(tc, severity, 0, COUNT(said));
	tcase_add_test(tc, retries);
	tcase_add_test(tc, asked_for);
	return run_case(tc, "lifetime");
}
