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
#include "server/store.h"

struct notify
{
	struct store *store;
	notify_fn fn;
	void *user;
	uint64_t epoch, revision;	/* seen */
	bool failing;				/* the last look failed, and was logged */
	pthread_t thread;

	pthread_mutex_t lock;		/* of the rest */
	pthread_cond_t cond;
	bool changed, quit;
};

static struct timespec after_ms(unsigned ms)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	ts.tv_sec += ms / 1000;
	ts.tv_nsec += (long)(ms % 1000) * 1000000;
	if (ts.tv_nsec >= 1000000000)
	{
		ts.tv_sec++;
		ts.tv_nsec -= 1000000000;
	}
	return ts;
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
	ids = arena_calloc(a, count, sizeof(*ids));
	for (size_t i = 0; i < count; i++)
	{
		ids[i] = changes[i].ce_id;
	}
	log_debug("notify", "%zu routers are concerned by what follows revision %"
			  PRIu64, count, n->revision);
	n->fn(n->user, ids, count);
	return 0;
}

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

static void *notify_main(void *arg)
{
	struct notify *n = arg;

	pthread_mutex_lock(&n->lock);
	while (!n->quit)
	{
		struct timespec gap, poll;

		n->changed = false;
		pthread_mutex_unlock(&n->lock);
		look_and_log(n);
		pthread_mutex_lock(&n->lock);
		gap = after_ms(NOTIFY_GAP_MS);
		poll = after_ms(NOTIFY_POLL_MS);
		while (!n->quit && pthread_cond_timedwait(&n->cond, &n->lock,
												  &gap) != ETIMEDOUT)
		{
		}
		while (!n->quit && !n->changed &&
			   pthread_cond_timedwait(&n->cond, &n->lock, &poll) != ETIMEDOUT)
		{
		}
	}
	pthread_mutex_unlock(&n->lock);
	return NULL;
}

static void notify_free(struct notify *n)
{
	store_close(n->store);
	pthread_cond_destroy(&n->cond);
	pthread_mutex_destroy(&n->lock);
	free(n);
}

int notify_start(struct store *store, uint64_t epoch, uint64_t revision,
				 notify_fn fn, void *user, struct notify **out, struct err *e)
{
	struct notify *n = xcalloc(1, sizeof(*n));
	pthread_condattr_t attr;
	int rc;

	*out = NULL;
	n->store = store;
	n->epoch = epoch;
	n->revision = revision;
	n->fn = fn;
	n->user = user;
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
