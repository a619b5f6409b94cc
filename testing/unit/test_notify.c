/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/* test_notify.c - who is woken, and how often, over a fake store */
#include "config.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "alloc.h"
#include "run.h"
#include "server/notify.h"
#include "server/store.h"

#define CES 8

/* ---- a store of revisions -------------------------------------------------- */

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static uint64_t epoch, revision;
static uint64_t touched[CES];		/* revision by CE */
enum { WORKS, NO_REVISION, NO_CHANGES };
static atomic_int broken;
static unsigned woken[CES], wakes, closed;

int store_revision(struct store *s, uint64_t *e_out, uint64_t *r_out,
				   struct err *e)
{
	(void)s;
	pthread_mutex_lock(&lock);
	*e_out = epoch;
	*r_out = revision;
	pthread_mutex_unlock(&lock);
	return broken == NO_REVISION ? err_set(e, -EIO, ERR_DATABASE, "", "fake") : 0;
}

int store_changes_since(struct store *s, struct arena *a, uint64_t since,
						struct store_change **changes, size_t *count,
						struct err *e)
{
	(void)s;
	if (broken == NO_CHANGES)
	{
		return err_set(e, -EIO, ERR_DATABASE, "", "fake");
	}
	*changes = arena_calloc(a, CES, sizeof(**changes));
	*count = 0;
	pthread_mutex_lock(&lock);
	for (uint64_t i = 0; i < CES; i++)
	{
		if (touched[i] > since)
		{
			(*changes)[(*count)++] = (struct store_change){ i, touched[i], 1 };
		}
	}
	pthread_mutex_unlock(&lock);
	return 0;
}

void store_close(struct store *s)
{
	(void)s;
	closed++;
}

static void on_wake(void *user, const uint64_t *ids, size_t count)
{
	(void)user;
	pthread_mutex_lock(&lock);
	wakes++;
	for (size_t i = 0; i < count; i++)
	{
		woken[ids[i]]++;
	}
	pthread_mutex_unlock(&lock);
}

static void commit(uint64_t ce)
{
	pthread_mutex_lock(&lock);
	touched[ce] = ++revision;
	pthread_mutex_unlock(&lock);
}

static unsigned read_count(const unsigned *count)
{
	unsigned value;

	pthread_mutex_lock(&lock);
	value = *count;
	pthread_mutex_unlock(&lock);
	return value;
}

static bool reaches(const unsigned *count, unsigned value, unsigned ms)
{
	for (unsigned i = 0; i < ms / 5; i++)
	{
		if (read_count(count) >= value)
		{
			return true;
		}
		usleep(5000);
	}
	return false;
}

static struct notify *begin(void)
{
	struct notify *n;

	epoch = 1;
	revision = 10;
	for (int i = 0; i < CES; i++)
	{
		touched[i] = 5;
		woken[i] = 0;
	}
	wakes = closed = 0;
	broken = WORKS;
	ck_assert_int_eq(notify_start((struct store *)&epoch, 1, 10, on_wake, NULL,
								  &n, NULL), 0);
	return n;
}

/* ---- tests ------------------------------------------------------------------- */

START_TEST(wakes_only_the_concerned)
{
	struct notify *n = begin();

	usleep(150000);
	ck_assert_uint_eq(read_count(&wakes), 0);
	commit(3);
	notify_changed(n);
	ck_assert(reaches(&woken[3], 1, 500));
	usleep(300000);
	notify_stop(n);
	for (int i = 0; i < CES; i++)
	{
		ck_assert_uint_eq(woken[i], i == 3);
	}
	ck_assert_uint_eq(closed, 1);
}
END_TEST

START_TEST(sees_what_came_before_it_started)
{
	struct notify *n;

	n = begin();
	notify_stop(n);
	commit(2);
	ck_assert_int_eq(notify_start((struct store *)&epoch, 1, 10, on_wake, NULL,
								  &n, NULL), 0);
	ck_assert(reaches(&woken[2], 1, 500));
	notify_stop(n);
}
END_TEST

START_TEST(a_burst_is_few_wakes)
{
	struct notify *n = begin();

	usleep(150000);
	for (int i = 0; i < 200; i++)
	{
		commit((uint64_t)i % CES);
		notify_changed(n);
		usleep(1000);
	}
	ck_assert(reaches(&woken[CES - 1], 1, 500));
	usleep(250000);
	notify_stop(n);
	/* 200 commits in at least 200 ms; the gap allows one wake in 100 */
	ck_assert_uint_ge(wakes, 1);
	ck_assert_uint_le(wakes, 12);
}
END_TEST

START_TEST(polls_for_other_processes)
{
	struct notify *n = begin();

	usleep(150000);
	commit(4);		/* nobody says so */
	ck_assert(reaches(&woken[4], 1, 3500));
	notify_stop(n);
}
END_TEST

START_TEST(a_failing_store_loses_nothing)
{
	struct notify *n = begin();

	usleep(150000);
	broken = _i ? NO_CHANGES : NO_REVISION;
	commit(1);
	notify_changed(n);
	usleep(300000);
	ck_assert_uint_eq(read_count(&wakes), 0);
	broken = WORKS;
	ck_assert(reaches(&woken[1], 1, 3500));
	notify_stop(n);
}
END_TEST

START_TEST(a_restored_database_wakes_all)
{
	struct notify *n = begin();

	usleep(150000);
	pthread_mutex_lock(&lock);
	epoch = 2;
	revision = 7;
	pthread_mutex_unlock(&lock);
	notify_changed(n);
	for (int i = 0; i < CES; i++)
	{
		ck_assert(reaches(&woken[i], 1, 500));
	}
	notify_stop(n);
}
END_TEST

START_TEST(stops_at_once)
{
	struct notify *n = begin();
	struct timespec a, b;

	usleep(200000);
	clock_gettime(CLOCK_MONOTONIC, &a);
	notify_stop(n);
	clock_gettime(CLOCK_MONOTONIC, &b);
	ck_assert_int_lt((b.tv_sec - a.tv_sec) * 1000 +
					 (b.tv_nsec - a.tv_nsec) / 1000000, 500);
	notify_stop(NULL);
}
END_TEST

int main(void)
{
	TCase *tc = tcase_create("notify");

	tcase_add_test(tc, wakes_only_the_concerned);
	tcase_add_test(tc, sees_what_came_before_it_started);
	tcase_add_test(tc, a_burst_is_few_wakes);
	tcase_add_test(tc, polls_for_other_processes);
	tcase_add_loop_test(tc, a_failing_store_loses_nothing, 0, 2);
	tcase_add_test(tc, a_restored_database_wakes_all);
	tcase_add_test(tc, stops_at_once);
	return run_case(tc, "notify");
}
