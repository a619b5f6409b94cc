/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * delivery.c - a ring of notes and the thread that writes them
 */
#include "config.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "alloc.h"
#include "log.h"
#include "server/delivery.h"
#include "server/store.h"

#define RING 16384
#define BATCH 64		/* of one transaction: 64,000 rows in a mesh of 1,000 */
/* Between two: longer than SQLite lets other writers sleep before they look
 * again, so that none of them is kept out by many in a row. */
#define GAP_MS 120

struct delivery
{
	struct store *store;
	pthread_t thread;
	bool failing;

	pthread_mutex_t lock;	/* of the rest */
	pthread_cond_t cond;
	struct store_delivery ring[RING];
	size_t first, count;
	bool quit;
};

static void write_notes(struct delivery *d, const struct store_delivery *notes,
						size_t count)
{
	struct err e = { 0 };
	int rc = store_deliveries(d->store, notes, count, &e);

	if (rc && !d->failing)
	{
		log_err(LOG_LEVEL_WARN, "notify", "noting deliveries", &e);
	}
	d->failing = rc != 0;
}

/* Take up to BATCH of them out; lock held. */
static size_t take_notes(struct delivery *d, struct store_delivery *notes)
{
	size_t count = 0;

	while (d->count && count < BATCH)
	{
		notes[count++] = d->ring[d->first];
		d->first = (d->first + 1) % RING;
		d->count--;
	}
	return count;
}

/* Lock held, and released meanwhile; ends early when all is to end. */
static void pause_writing(struct delivery *d)
{
	struct timespec until;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_nsec += GAP_MS * 1000000L;
	until.tv_sec += until.tv_nsec / 1000000000L;
	until.tv_nsec %= 1000000000L;
	while (!d->quit &&
		   pthread_cond_timedwait(&d->cond, &d->lock, &until) != ETIMEDOUT)
	{
	}
}

static void *delivery_main(void *arg)
{
	struct delivery *d = arg;

	pthread_mutex_lock(&d->lock);
	for (;;)
	{
		struct store_delivery notes[BATCH];
		size_t count;

		if (!d->count)
		{
			if (d->quit)
			{
				break;
			}
			pthread_cond_wait(&d->cond, &d->lock);
			continue;
		}
		count = take_notes(d, notes);
		pthread_mutex_unlock(&d->lock);
		write_notes(d, notes, count);
		pthread_mutex_lock(&d->lock);
		pause_writing(d);
	}
	pthread_mutex_unlock(&d->lock);
	return NULL;
}

static void delivery_free(struct delivery *d)
{
	store_close(d->store);
	pthread_cond_destroy(&d->cond);
	pthread_mutex_destroy(&d->lock);
	free(d);
}

int delivery_start(struct store *store, struct delivery **out, struct err *e)
{
	struct delivery *d = xcalloc(1, sizeof(*d));
	pthread_condattr_t attr;
	int rc;

	*out = NULL;
	d->store = store;
	pthread_mutex_init(&d->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&d->cond, &attr);
	pthread_condattr_destroy(&attr);
	rc = pthread_create(&d->thread, NULL, delivery_main, d);
	if (rc)
	{
		delivery_free(d);
		return err_set(e, -rc, ERR_IO, "", "cannot start a thread: %s",
					   strerror(rc));
	}
	*out = d;
	return 0;
}

void delivery_note(struct delivery *d, uint64_t ce_id, uint64_t revision,
				   int64_t now_ms)
{
	pthread_mutex_lock(&d->lock);
	if (d->count < RING)
	{
		d->ring[(d->first + d->count++) % RING] = (struct store_delivery){
			.ce_id = ce_id, .revision = revision, .at_ms = now_ms,
		};
		pthread_cond_signal(&d->cond);
	}
	pthread_mutex_unlock(&d->lock);
}

void delivery_stop(struct delivery *d)
{
	if (!d)
	{
		return;
	}
	pthread_mutex_lock(&d->lock);
	d->quit = true;
	pthread_cond_signal(&d->cond);
	pthread_mutex_unlock(&d->lock);
	pthread_join(d->thread, NULL);
	delivery_free(d);
}
