/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * alarms.c - the thread between what happens and those who wait for it
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
#include "server/alarms.h"

struct alarms
{
	struct store *store;
	struct store_rules rules;
	struct alarms_calls calls;
	uint64_t events, diags;		/* seen */
	uint64_t rules_ms;			/* clock: the next round */
	uint64_t rotation_ms, schedule_ms;	/* clock: the next look */
	uint64_t authority_ms, certificates_ms;
	bool failing;				/* and logged */
	pthread_t thread;

	pthread_mutex_t lock;		/* of the rest */
	pthread_cond_t cond;
	bool changed, quit;
	bool runs;
};

static uint64_t clock_ms(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

/* ---- looking --------------------------------------------------------------------- */

static uint64_t round_ms(const struct alarms *al)
{
	const uint64_t share = (uint64_t)al->rules.report_interval_s * 1000 /
						   ALARMS_RULES_SHARE;

	return share < ALARMS_RULES_MS ? share : ALARMS_RULES_MS;
}

static int apply_rules(struct alarms *al, struct err *e)
{
	const uint64_t begun = clock_ms(CLOCK_MONOTONIC);
	const uint64_t every = round_ms(al);
	uint64_t took;
	size_t changed;
	int rc;

	if (begun < al->rules_ms)
	{
		return 0;
	}
	al->rules.now_ms = (int64_t)clock_ms(CLOCK_REALTIME);
	rc = store_rules_apply(al->store, &al->rules, &changed, e);
	took = clock_ms(CLOCK_MONOTONIC) - begun;
	al->rules_ms = begun + took + (every > took * ALARMS_RULES_IDLE ?
								   every : took * ALARMS_RULES_IDLE);
	if (changed)
	{
		log_debug("alarm", "%zu alarms changed", changed);
	}
	return rc;
}

static int rotate(struct alarms *al, struct err *e)
{
	const int64_t now_ms = (int64_t)clock_ms(CLOCK_REALTIME);
	const uint64_t begun = clock_ms(CLOCK_MONOTONIC);
	struct store_rotated scheduled = { 0 }, stepped = { 0 };
	int rc = 0;

	if (begun < al->rotation_ms)
	{
		return 0;
	}
	if (begun >= al->schedule_ms)
	{
		al->schedule_ms = begun + ALARMS_SCHEDULE_MS;
		rc = store_rotation_schedule(al->store, now_ms, &scheduled, e);
	}
	if (rc == 0)
	{
		rc = store_rotation_round(al->store, now_ms, &stepped, e);
	}
	al->rotation_ms = clock_ms(CLOCK_MONOTONIC);
	al->rotation_ms += (al->rotation_ms - begun) * ALARMS_RULES_IDLE;
	if (scheduled.revisions || stepped.revisions || stepped.commands)
	{
		al->calls.committed(al->calls.user);
		/* there are events */
		alarms_changed(al);
	}
	if (stepped.finished)
	{
		log_info("alarm", "the keys of %llu tunnels were changed",
				 (unsigned long long)stepped.finished);
	}
	return rc;
}

/* What is due in VPNs with an authority. */
static int certify(struct alarms *al, struct err *e)
{
	const uint64_t begun = clock_ms(CLOCK_MONOTONIC);
	const bool all = begun >= al->certificates_ms;
	struct store_authority_round done = { 0 };
	int rc;

	if (begun < al->authority_ms)
	{
		return 0;
	}
	if (all)
	{
		al->certificates_ms = begun + ALARMS_AUTHORITY_MS;
	}
	rc = store_authority_round(al->store,
							   (int64_t)clock_ms(CLOCK_REALTIME), all, &done,
							   e);
	al->authority_ms = clock_ms(CLOCK_MONOTONIC);
	al->authority_ms += (al->authority_ms - begun) * ALARMS_RULES_IDLE;
	if (done.revisions)
	{
		log_info("alarm", "%llu certificates for IKE, %llu revocation lists, "
				 "%llu steps of authorities",
				 (unsigned long long)done.certificates,
				 (unsigned long long)done.lists,
				 (unsigned long long)done.steps);
		al->calls.committed(al->calls.user);
		alarms_changed(al);
	}
	return rc;
}

static int look_events(struct alarms *al, struct err *e)
{
	uint64_t newest, gone;
	int rc = store_event_ids(al->store, &newest, &gone, e);

	if (rc == 0 && newest != al->events)
	{
		al->events = newest;
		al->calls.events(al->calls.user);
	}
	return rc;
}

static int look_diags(struct alarms *al, struct err *e)
{
	struct arena *a = arena_new();
	uint64_t *ce_ids, newest;
	size_t count;
	int rc = store_diag_since(al->store, a, al->diags, &ce_ids, &count,
							  &newest, e);

	if (rc == 0)
	{
		if (count)
		{
			al->calls.wake_ces(al->calls.user, ce_ids, count);
		}
		al->diags = newest;
	}
	arena_free(a);
	return rc;
}

static void look(struct alarms *al)
{
	struct err e = { 0 };
	int rc;

	/* the last: what is wrong with one VPN's authority stops nothing else */
	if ((rc = look_diags(al, &e)) == 0 && (rc = apply_rules(al, &e)) == 0 &&
		(rc = look_events(al, &e)) == 0 && (rc = rotate(al, &e)) == 0)
	{
		rc = certify(al, &e);
	}
	if (rc && !al->failing)
	{
		log_err(LOG_LEVEL_ERROR, "alarm", "looking for alarms", &e);
	}
	else if (!rc && al->failing)
	{
		log_info("alarm", "looking for alarms works again");
	}
	al->failing = rc != 0;
	al->calls.tick(al->calls.user);
}

static void wait_until(struct alarms *al, uint64_t ms)
{
	const struct timespec ts = {
		.tv_sec = (time_t)(ms / 1000),
		.tv_nsec = (long)(ms % 1000) * 1000000,
	};

	pthread_cond_timedwait(&al->cond, &al->lock, &ts);
}

static void *alarms_main(void *arg)
{
	struct alarms *al = arg;
	uint64_t looked = 0, now, due;

	pthread_mutex_lock(&al->lock);
	while (!al->quit)
	{
		now = clock_ms(CLOCK_MONOTONIC);
		due = looked + (al->changed ? ALARMS_GAP_MS : ALARMS_POLL_MS);
		if (looked && now < due)
		{
			wait_until(al, due);
			continue;
		}
		al->changed = false;
		pthread_mutex_unlock(&al->lock);
		look(al);
		looked = clock_ms(CLOCK_MONOTONIC);
		pthread_mutex_lock(&al->lock);
	}
	pthread_mutex_unlock(&al->lock);
	return NULL;
}

/* ---- start and stop ---------------------------------------------------------------- */

void alarms_free(struct alarms *al)
{
	if (!al)
	{
		return;
	}
	alarms_stop(al);
	store_close(al->store);
	pthread_cond_destroy(&al->cond);
	pthread_mutex_destroy(&al->lock);
	free(al);
}

int alarms_start(struct store *store, const struct store_rules *rules,
				 const struct alarms_calls *calls, struct alarms **out,
				 struct err *e)
{
	struct alarms *al = xcalloc(1, sizeof(*al));
	pthread_condattr_t attr;
	int rc;

	*out = NULL;
	al->store = store;
	al->rules = *rules;
	al->rules.started_ms = (int64_t)clock_ms(CLOCK_REALTIME);
	al->schedule_ms = clock_ms(CLOCK_MONOTONIC) + ALARMS_SCHEDULE_FIRST_MS;
	al->calls = *calls;
	pthread_mutex_init(&al->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&al->cond, &attr);
	pthread_condattr_destroy(&attr);
	rc = pthread_create(&al->thread, NULL, alarms_main, al);
	if (rc)
	{
		alarms_free(al);
		return err_set(e, -rc, ERR_IO, "", "cannot start a thread: %s",
					   strerror(rc));
	}
	al->runs = true;
	*out = al;
	return 0;
}

void alarms_changed(struct alarms *al)
{
	if (!al)
	{
		return;
	}
	pthread_mutex_lock(&al->lock);
	al->changed = true;
	pthread_cond_signal(&al->cond);
	pthread_mutex_unlock(&al->lock);
}

void alarms_stop(struct alarms *al)
{
	if (!al || !al->runs)
	{
		return;
	}
	pthread_mutex_lock(&al->lock);
	al->quit = true;
	pthread_cond_signal(&al->cond);
	pthread_mutex_unlock(&al->lock);
	pthread_join(al->thread, NULL);
	al->runs = false;
}
