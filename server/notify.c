/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * notify.c - the thread between the database and those who wait
 */
#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "alloc.h"
#include "log.h"
#include "server/notify.h"
#include "server/store_weight.h"

struct notify
{
	struct store *store;
	struct notify_calls calls;
	uint64_t epoch, revision;	/* seen */
	uint64_t *pending;			/* CEs to be told when it is their turn */
	size_t pending_count, pending_next;
	uint64_t batch_ms;			/* clock: when the last batch was told */
	bool failing;				/* the last look failed, and was logged */
	pthread_t thread;

	pthread_mutex_t lock;		/* of the rest */
	pthread_cond_t cond;
	bool changed, quit;
};

static uint64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

/* ---- who is told when ---------------------------------------------------------- */

static int by_turn(const void *a, const void *b)
{
	const struct store_weight *x = a, *y = b;

	if (x->urgent != y->urgent)
	{
		return x->urgent ? -1 : 1;
	}
	if (x->links != y->links)
	{
		return x->links > y->links ? -1 : 1;
	}
	return x->ce_id < y->ce_id ? -1 : x->ce_id > y->ce_id;
}

/* Behind those that wait already; what was told of them is forgotten. */
static void keep_pending(struct notify *n, const uint64_t *ids, size_t count)
{
	const size_t left = n->pending_count - n->pending_next;
	uint64_t *pending = xcalloc(left + count, sizeof(*pending));

	if (left)
	{
		memcpy(pending, n->pending + n->pending_next, left * sizeof(*pending));
	}
	memcpy(pending + left, ids, count * sizeof(*pending));
	free(n->pending);
	n->pending = pending;
	n->pending_next = 0;
	n->pending_count = left + count;
}

/* Tell the next batch, when the last one is nearly served. */
static void wake_pending(struct notify *n)
{
	const uint64_t now = now_ms();
	size_t count = n->pending_count - n->pending_next;

	if (!count || (n->calls.waiting(n->calls.user) > NOTIFY_BATCH / 4 &&
				   now < n->batch_ms + NOTIFY_BATCH_MS))
	{
		return;
	}
	count = count < NOTIFY_BATCH ? count : NOTIFY_BATCH;
	n->calls.wake(n->calls.user, n->pending + n->pending_next, count);
	n->pending_next += count;
	n->batch_ms = now;
}

/* Those that lose something at once, the others in their turn. */
static void wake_many(struct notify *n, struct arena *a,
					  const struct store_change *changes, size_t count)
{
	struct store_weight *weights = arena_calloc(a, count, sizeof(*weights));
	uint64_t *ids = arena_calloc(a, count, sizeof(*ids));
	struct err e = { 0 };
	size_t urgent = 0;

	if (store_changes_weigh(n->store, a, n->revision, changes, count, weights,
							&e))
	{
		/* all at once, then: nobody is told late for it */
		log_err(LOG_LEVEL_WARN, "notify", "weighing changes", &e);
		for (size_t i = 0; i < count; i++)
		{
			weights[i] = (struct store_weight){ changes[i].ce_id, true, 0 };
		}
	}
	qsort(weights, count, sizeof(*weights), by_turn);
	for (size_t i = 0; i < count; i++)
	{
		ids[i] = weights[i].ce_id;
		urgent += weights[i].urgent;
	}
	if (urgent)
	{
		n->calls.wake(n->calls.user, ids, urgent);
	}
	keep_pending(n, ids + urgent, count - urgent);
}

static int wake_changed(struct notify *n, struct arena *a, struct err *e)
{
	struct store_change *changes;
	uint64_t *ids;
	size_t count;
	int rc;

	rc = store_changes_since(n->store, a, n->revision, &changes, &count, e);
	if (rc || !count)
	{
		return rc;
	}
	log_debug("notify", "%zu routers are concerned by what follows revision %"
			  PRIu64, count, n->revision);
	if (count > NOTIFY_BATCH)
	{
		wake_many(n, a, changes, count);
		return 0;
	}
	ids = arena_calloc(a, count, sizeof(*ids));
	for (size_t i = 0; i < count; i++)
	{
		ids[i] = changes[i].ce_id;
	}
	n->calls.wake(n->calls.user, ids, count);
	return 0;
}

/* ---- looking -------------------------------------------------------------------- */

/* The revision is read first: what comes in between is only seen twice. */
static int look(struct notify *n, struct err *e)
{
	struct arena *a;
	uint64_t epoch, revision;
	int rc;

	rc = store_revision(n->store, &epoch, &revision, e);
	if (rc || (epoch == n->epoch && revision == n->revision))
	{
		return rc;
	}
	if (epoch != n->epoch || revision < n->revision)
	{
		log_warn("notify", "the database was put back: epoch %" PRIu64
				 ", revision %" PRIu64, epoch, revision);
		n->revision = 0;
	}
	a = arena_new();
	rc = wake_changed(n, a, e);
	arena_free(a);
	if (!rc)
	{
		n->epoch = epoch;
		n->revision = revision;
	}
	return rc;
}

static void look_and_log(struct notify *n)
{
	struct err e = { 0 };
	int rc = look(n, &e);

	if (rc && !n->failing)
	{
		log_err(LOG_LEVEL_ERROR, "notify", "looking for changes", &e);
	}
	else if (!rc && n->failing)
	{
		log_info("notify", "looking for changes works again");
	}
	n->failing = rc != 0;
}

static void look_now(struct notify *n)
{
	look_and_log(n);
	if (n->calls.tick)
	{
		n->calls.tick(n->calls.user);
	}
}

static void wait_until(struct notify *n, uint64_t ms)
{
	const struct timespec ts = {
		.tv_sec = (time_t)(ms / 1000),
		.tv_nsec = (long)(ms % 1000) * 1000000,
	};

	pthread_cond_timedwait(&n->cond, &n->lock, &ts);
}

static void *notify_main(void *arg)
{
	struct notify *n = arg;
	uint64_t looked = 0;

	pthread_mutex_lock(&n->lock);
	while (!n->quit)
	{
		uint64_t now = now_ms(), due;

		due = looked + (n->changed ? NOTIFY_GAP_MS : NOTIFY_POLL_MS);
		if (!looked || now >= due)
		{
			n->changed = false;
			pthread_mutex_unlock(&n->lock);
			look_now(n);
			pthread_mutex_lock(&n->lock);
			/* the gap begins when all is told */
			looked = now_ms();
			continue;
		}
		if (n->pending_next < n->pending_count)
		{
			pthread_mutex_unlock(&n->lock);
			wake_pending(n);
			pthread_mutex_lock(&n->lock);
			due = due < now + NOTIFY_STEP_MS ? due : now + NOTIFY_STEP_MS;
		}
		if (!n->quit)
		{
			wait_until(n, due);
		}
	}
	pthread_mutex_unlock(&n->lock);
	return NULL;
}

static void notify_free(struct notify *n)
{
	store_close(n->store);
	free(n->pending);
	pthread_cond_destroy(&n->cond);
	pthread_mutex_destroy(&n->lock);
	free(n);
}

int notify_start(struct store *store, uint64_t epoch, uint64_t revision,
				 const struct notify_calls *calls, struct notify **out,
				 struct err *e)
{
	struct notify *n = xcalloc(1, sizeof(*n));
	pthread_condattr_t attr;
	int rc;

	*out = NULL;
	n->store = store;
	n->epoch = epoch;
	n->revision = revision;
	n->calls = *calls;
	pthread_mutex_init(&n->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&n->cond, &attr);
	pthread_condattr_destroy(&attr);
	rc = pthread_create(&n->thread, NULL, notify_main, n);
	if (rc)
	{
		notify_free(n);
		return err_set(e, -rc, ERR_IO, "", "cannot start a thread: %s",
					   strerror(rc));
	}
	*out = n;
	return 0;
}

void notify_changed(struct notify *n)
{
	pthread_mutex_lock(&n->lock);
	n->changed = true;
	pthread_cond_signal(&n->cond);
	pthread_mutex_unlock(&n->lock);
}

void notify_stop(struct notify *n)
{
	if (!n)
	{
		return;
	}
	pthread_mutex_lock(&n->lock);
	n->quit = true;
	pthread_cond_signal(&n->cond);
	pthread_mutex_unlock(&n->lock);
	pthread_join(n->thread, NULL);
	notify_free(n);
}
