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
#include "server/store_weight.h"

#define CES 8
#define MANY 2000

/* ---- a store of revisions -------------------------------------------------- */

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static uint64_t epoch, revision;
static size_t ces;
static uint64_t touched[MANY];		/* revision by CE */
static uint64_t links[MANY];
static bool urgent[MANY];
static atomic_size_t waiting;
enum { WORKS, NO_REVISION, NO_CHANGES, NO_WEIGHTS };
static atomic_int broken;
static unsigned woken[MANY], wakes, closed, ticks;
static uint64_t order[2 * MANY];	/* who was woken, one after the other */
static size_t order_count;

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
	*changes = arena_calloc(a, ces, sizeof(**changes));
	*count = 0;
	pthread_mutex_lock(&lock);
	for (uint64_t i = 0; i < ces; i++)
	{
		if (touched[i] > since)
		{
			(*changes)[(*count)++] = (struct store_change){ i, touched[i], 1 };
		}
	}
	pthread_mutex_unlock(&lock);
	return 0;
}

int store_changes_weigh(struct store *s, struct arena *a, uint64_t since,
						const struct store_change *changes, size_t count,
						struct store_weight *weights, struct err *e)
{
	(void)s;
	(void)a;
	(void)since;
	for (size_t i = 0; i < count && broken != NO_WEIGHTS; i++)
	{
		weights[i] = (struct store_weight){
			.ce_id = changes[i].ce_id,
			.urgent = urgent[changes[i].ce_id],
			.links = links[changes[i].ce_id],
		};
	}
	return broken == NO_WEIGHTS ? err_set(e, -EIO, ERR_DATABASE, "", "fake")
								: 0;
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
		order[order_count++] = ids[i];
	}
	pthread_mutex_unlock(&lock);
}

static size_t on_waiting(void *user)
{
	(void)user;
	return waiting;
}

static void on_tick(void *user)
{
	(void)user;
	pthread_mutex_lock(&lock);
	ticks++;
	pthread_mutex_unlock(&lock);
}

static const struct notify_calls calls = {
	.wake = on_wake, .waiting = on_waiting, .tick = on_tick,
};

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
	ces = ces ? ces : CES;
	for (size_t i = 0; i < ces; i++)
	{
		touched[i] = 5;
		woken[i] = 0;
	}
	wakes = closed = ticks = 0;
	order_count = 0;
	waiting = 0;
	broken = WORKS;
	ck_assert_int_eq(notify_start((struct store *)&epoch, 1, 10, &calls, &n,
								  NULL), 0);
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
	ck_assert_int_eq(notify_start((struct store *)&epoch, 1, 10, &calls, &n,
								  NULL), 0);
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

/* One commit that concerns all. */
static struct notify *begin_many(void)
{
	struct notify *n;

	ces = MANY;
	n = begin();
	usleep(150000);
	return n;
}

static void commit_all(struct notify *n)
{
	pthread_mutex_lock(&lock);
	revision++;
	for (size_t i = 0; i < ces; i++)
	{
		touched[i] = revision;
	}
	pthread_mutex_unlock(&lock);
	notify_changed(n);
}

START_TEST(those_that_lose_something_and_hubs_come_first)
{
	struct notify *n = begin_many();

	waiting = 1000000;	/* nobody is served: only what must not wait */
	for (size_t i = 0; i < MANY; i++)
	{
		links[i] = i == 77 ? 1999 : i == 78 ? 500 : 1;
	}
	for (size_t i = 1500; i < MANY; i++)
	{
		urgent[i] = true;
	}
	commit_all(n);
	ck_assert(reaches(&wakes, 1, 500));
	pthread_mutex_lock(&lock);
	/* more than a batch of them, and all at once */
	ck_assert_uint_ge(order_count, 500);
	for (size_t i = 0; i < 500; i++)
	{
		ck_assert_uint_ge(order[i], 1500);
	}
	pthread_mutex_unlock(&lock);
	waiting = 0;
	for (size_t i = 0; i < MANY; i++)
	{
		ck_assert(reaches(&woken[i], 1, 2000));
	}
	notify_stop(n);
	ck_assert_uint_eq(order[500], 77);
	ck_assert_uint_eq(order[501], 78);
	ck_assert_uint_eq(order_count, MANY);
	ck_assert_uint_ge(wakes, 1 + 1500 / NOTIFY_BATCH);
}
END_TEST

START_TEST(a_batch_waits_for_the_one_before)
{
	struct notify *n = begin_many();
	size_t told;

	waiting = 1000000;
	commit_all(n);
	ck_assert(reaches(&wakes, 1, 500));
	pthread_mutex_lock(&lock);
	told = order_count;
	pthread_mutex_unlock(&lock);
	ck_assert_uint_le(told, 2 * NOTIFY_BATCH);
	/* what takes something away does not wait behind them */
	urgent[MANY - 1] = true;
	for (size_t i = 0; i < MANY; i++)
	{
		links[i] = MANY - i;
	}
	commit(MANY - 1);
	notify_changed(n);
	ck_assert(reaches(&woken[MANY - 1], 1, 400));
	/* nobody served them, and still nobody is forgotten */
	for (size_t i = 0; i < MANY; i++)
	{
		ck_assert(reaches(&woken[i], 1, 20 * NOTIFY_BATCH_MS));
	}
	notify_stop(n);
}
END_TEST

START_TEST(who_cannot_be_weighed_is_told_at_once)
{
	struct notify *n = begin_many();

	waiting = 1000000;
	broken = NO_WEIGHTS;
	commit_all(n);
	for (size_t i = 0; i < MANY; i++)
	{
		ck_assert(reaches(&woken[i], 1, 400));
	}
	notify_stop(n);
}
END_TEST

START_TEST(ticks_go_on)
{
	struct notify *n = begin();

	ck_assert(reaches(&ticks, 2, 3 * NOTIFY_POLL_MS));
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
	tcase_add_test(tc, those_that_lose_something_and_hubs_come_first);
	tcase_add_test(tc, a_batch_waits_for_the_one_before);
	tcase_add_test(tc, who_cannot_be_weighed_is_told_at_once);
	tcase_add_test(tc, ticks_go_on);
	tcase_add_test(tc, stops_at_once);
	return run_case(tc, "notify");
}
