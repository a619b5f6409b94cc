/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * delivery.c - a ring of notes and the thread that writes them
 */
#include "config.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "log.h"
#include "server/delivery.h"
#include "server/store.h"

#define RING 16384

struct note
{
	uint64_t ce_id, revision;
	int64_t now_ms;
};

struct delivery
{
	struct store *store;
	pthread_t thread;
	bool failing;

	pthread_mutex_t lock;	/* of the rest */
	pthread_cond_t cond;
	struct note ring[RING];
	size_t first, count;
	bool quit;
};

static void write_note(struct delivery *d, const struct note *note)
{
	struct err e = { 0 };
	int rc = store_delivered(d->store, note->ce_id, note->revision,
							 note->now_ms, &e);

	if (rc && !d->failing)
	{
		log_err(LOG_LEVEL_WARN, "notify", "noting a delivery", &e);
	}
	d->failing = rc != 0;
}

static void *delivery_main(void *arg)
{
	struct delivery *d = arg;

	pthread_mutex_lock(&d->lock);
	for (;;)
	{
		struct note note;

		if (!d->count)
		{
			if (d->quit)
			{
				break;
			}
			pthread_cond_wait(&d->cond, &d->lock);
			continue;
		}
		note = d->ring[d->first];
		d->first = (d->first + 1) % RING;
		d->count--;
		pthread_mutex_unlock(&d->lock);
		write_note(d, &note);
		pthread_mutex_lock(&d->lock);
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
	int rc;

	*out = NULL;
	d->store = store;
	pthread_mutex_init(&d->lock, NULL);
	pthread_cond_init(&d->cond, NULL);
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
		d->ring[(d->first + d->count++) % RING] = (struct note){
			.ce_id = ce_id, .revision = revision, .now_ms = now_ms,
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
