/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * alarms_source.c - the events of the database for outlet.h
 */
#include "config.h"

#include <inttypes.h>
#include <stdlib.h>
#include <time.h>

#include "alloc.h"
#include "log.h"
#include "seal.h"
#include "text.h"
#include "server/alarms.h"

/* Each way's members are its own thread's. */
struct alarms_source
{
	struct store *stores[OUTLET_WAYS];
	uint64_t told_lost[OUTLET_WAYS];
	char holder[33];				/* this process */
};

static const char *const ways[OUTLET_WAYS] = {
	[OUTLET_WEBHOOK] = "webhook", [OUTLET_SYSLOG] = "syslog",
};

static int64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static int position(void *user, enum outlet_way way, uint64_t *id,
					struct err *e)
{
	struct alarms_source *s = user;
	bool held;

	return store_outlet_hold(s->stores[way], ways[way], s->holder, now_ms(),
							 id, &held, e);
}

static void to_event(const struct store_event *from, struct alarm_event *to)
{
	*to = (struct alarm_event){
		.id = from->id,
		.raised = from->kind != STORE_EVENT_CLEARED,
		.changed = from->kind == STORE_EVENT_CHANGED,
		.severity = (enum status_severity)from->severity,
		.resource = from->resource, .code = from->code,
		.source = from->source, .text = from->text, .at_ms = from->at_ms,
	};
}

/* Said once: what nobody took for so long was forgotten. */
static int check_lost(struct alarms_source *s, enum outlet_way way,
					  uint64_t id, struct err *e)
{
	uint64_t lost;
	int rc = store_outlet_lost(s->stores[way], id, &lost, e);

	if (rc == 0 && lost && id && lost != s->told_lost[way])
	{
		log_warn("alarm", "%s: events from %" PRIu64 " to %" PRIu64 " are no "
				 "longer kept and were not delivered", ways[way], id + 1,
				 lost);
		s->told_lost[way] = lost;
	}
	return rc;
}

static int after(void *user, enum outlet_way way, uint64_t id,
				 struct arena *a, struct alarm_event **events, size_t max,
				 size_t *count, struct err *e)
{
	const struct store_event_filter filter = { .alarms = true };
	struct alarms_source *s = user;
	struct store_event *list;
	uint64_t reached;
	bool held;
	size_t i;
	int rc;

	*count = 0;
	rc = store_outlet_hold(s->stores[way], ways[way], s->holder, now_ms(),
						   &reached, &held, e);
	if (rc < 0 || !held)
	{
		return rc;
	}
	/* another may have had the way meanwhile */
	id = reached > id ? reached : id;
	if ((rc = check_lost(s, way, id, e)) < 0 ||
		(rc = store_events(s->stores[way], a, id, &filter, max, &list, count,
						   e)) < 0)
	{
		*count = 0;
		return rc;
	}
	*events = arena_calloc(a, *count + 1, sizeof(**events));
	for (i = 0; i < *count; i++)
	{
		to_event(&list[i], &(*events)[i]);
	}
	return 0;
}

static int delivered(void *user, enum outlet_way way, uint64_t id,
					 struct err *e)
{
	struct alarms_source *s = user;

	return store_outlet_delivered(s->stores[way], ways[way], s->holder, id,
								  now_ms(), e);
}

struct alarms_source *alarms_source_new(struct store *stores[OUTLET_WAYS])
{
	struct alarms_source *s = xcalloc(1, sizeof(*s));
	uint8_t bytes[16];
	int i;

	for (i = 0; i < OUTLET_WAYS; i++)
	{
		s->stores[i] = stores[i];
	}
	seal_random(bytes, sizeof(bytes));
	hex_encode(bytes, sizeof(bytes), s->holder);
	return s;
}

struct outlet_source alarms_source_calls(struct alarms_source *source)
{
	return (struct outlet_source){
		.position = position, .after = after, .delivered = delivered,
		.user = source,
	};
}

void alarms_source_free(struct alarms_source *s)
{
	struct err e = { 0 };
	int i;

	if (!s)
	{
		return;
	}
	if (store_outlet_release(s->stores[0], s->holder, &e) < 0)
	{
		log_err(LOG_LEVEL_WARN, "alarm", "letting go", &e);
	}
	for (i = 0; i < OUTLET_WAYS; i++)
	{
		store_close(s->stores[i]);
	}
	free(s);
}
