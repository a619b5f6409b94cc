/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/* test_delivery.c - many notes are few transactions, with pauses; none is lost */
#include "config.h"

#include <pthread.h>
#include <time.h>
#include <unistd.h>

#include "run.h"
#include "server/delivery.h"
#include "server/store.h"

#define MANY 1000
#define PAUSE_MS 100	/* SQLite's longest sleep of a writer that waits */

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static size_t written, transactions;
static bool in_order = true;
static double begun[MANY], ended[MANY];

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

/* ---- a store that counts ---------------------------------------------------- */

void store_close(struct store *s)
{
	(void)s;
}

int store_deliveries(struct store *s, const struct store_delivery *list,
					 size_t count, struct err *e)
{
	(void)s;
	(void)e;
	pthread_mutex_lock(&lock);
	begun[transactions] = now();
	for (size_t i = 0; i < count; i++)
	{
		in_order = in_order && list[i].ce_id == written + 1 &&
				   list[i].revision == 7 && list[i].at_ms == 9;
		written++;
	}
	ended[transactions++] = now();
	pthread_mutex_unlock(&lock);
	return 0;
}

static bool reaches(const size_t *value, size_t want)
{
	for (int i = 0; i < 1000; i++)
	{
		pthread_mutex_lock(&lock);
		if (*value >= want)
		{
			pthread_mutex_unlock(&lock);
			return true;
		}
		pthread_mutex_unlock(&lock);
		usleep(5000);
	}
	return false;
}

static struct delivery *begin(size_t notes)
{
	struct delivery *d;

	ck_assert_int_eq(delivery_start((struct store *)&lock, &d, NULL), 0);
	for (size_t i = 0; i < notes; i++)
	{
		delivery_note(d, i + 1, 7, 9);
	}
	return d;
}

START_TEST(many_are_few_transactions_with_pauses)
{
	struct delivery *d = begin(MANY);

	ck_assert(reaches(&transactions, 4));
	pthread_mutex_lock(&lock);
	for (size_t i = 1; i < transactions; i++)
	{
		ck_assert_double_ge(begun[i] - ended[i - 1], PAUSE_MS / 1e3);
	}
	pthread_mutex_unlock(&lock);
	delivery_stop(d);
	ck_assert_uint_eq(written, MANY);
	ck_assert(in_order);
	ck_assert_uint_le(transactions, MANY / 10);
}
END_TEST

START_TEST(one_alone_does_not_wait_for_others)
{
	struct delivery *d = begin(1);

	ck_assert(reaches(&written, 1));
	delivery_stop(d);
	ck_assert_uint_eq(transactions, 1);
}
END_TEST

/* What is left is written at once, without pauses. */
START_TEST(stops_without_losing_any)
{
	struct delivery *d = begin(MANY);
	const double before = now();

	delivery_stop(d);
	ck_assert_uint_eq(written, MANY);
	ck_assert_double_lt(now() - before, 1.0);
}
END_TEST

int main(void)
{
	TCase *tc = tcase_create("delivery");

	tcase_add_test(tc, many_are_few_transactions_with_pauses);
	tcase_add_test(tc, one_alone_does_not_wait_for_others);
	tcase_add_test(tc, stops_without_losing_any);
	return run_case(tc, "delivery");
}
