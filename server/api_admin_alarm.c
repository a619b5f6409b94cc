/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * api_admin_alarm.c - alarms, what happens as it happens, diagnostic bundles
 *
 * A question that waits is parked under a tag of api_admin.h, and asked again
 * when that is woken: what it is answered is always what the database says.
 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "log.h"
#include "server/api_admin_ask.h"
#include "server/api_admin_change.h"

#define WAIT_MAX_S 50
#define EVENTS_DEFAULT 1000
#define EVENTS_MAX 10000
#define DIAG_SECONDS 60
#define DIAG_SECONDS_MAX 600
#define NUMBER_MAX UINT64_C(9007199254740991)

/* A number of the query, or what it is without. */
static int number(struct admin_ask *q, const char *name, uint64_t max,
				  uint64_t *out)
{
	const char *text = http_request_query(q->req, name);

	return !text || text_to_u64(text, 0, max, out) == 0 ? 0
		: err_set(&q->e, -EINVAL, ERR_LIMIT, name,
				  "a number in 0..%llu is needed", (unsigned long long)max);
}

/* 1: parked; 0: it has waited long enough. */
static int park(struct admin_ask *q, uint64_t tag, uint64_t generation,
				uint64_t seconds)
{
	const unsigned waited = http_request_waited_ms(q->req);

	if (waited >= seconds * 1000)
	{
		return 0;
	}
	http_request_park(q->req, tag, generation,
					  (unsigned)(seconds * 1000) - waited);
	return 1;
}

static int check_place(struct admin_ask *q)
{
	struct store_site site;
	int rc = admin_check_filter(q);

	if (rc < 0 || !q->site)
	{
		return rc;
	}
	return !q->vpn ? err_set(&q->e, -EINVAL, ERR_USAGE, "vpn",
							 "needed with site")
		: store_site_get(q->store, q->arena, q->customer, q->vpn, q->site,
						 &site, &q->e);
}

static void put_text(struct json_out *o, const char *key, const char *value)
{
	if (value && *value)
	{
		jo_str(o, key, value);
	}
}

static const char *const severities[] = {
	"warning", "minor", "major", "critical", "cleared"
};

/* ---- alarms ---------------------------------------------------------------------- */

static void write_alarm(struct json_out *o, const struct store_alarm *alarm)
{
	enum err_code code;

	jo_object(o, NULL);
	jo_u64(o, "id", alarm->id);
	jo_bool(o, "raised", alarm->cleared_ms == 0);
	jo_str(o, "severity", severities[alarm->severity]);
	jo_str(o, "resource", alarm->resource);
	jo_str(o, "code", alarm->code);
	jo_str(o, "source", alarm->source);
	jo_str(o, "text", alarm->text);
	if (err_code_parse(alarm->code, &code) == 0)
	{
		jo_str(o, "title", err_code_title(code));
		jo_str(o, "remedy", err_code_remedy(code));
	}
	jo_u64(o, "count", alarm->count);
	jo_i64(o, "raised-ms", alarm->raised_ms);
	jo_i64(o, "changed-ms", alarm->changed_ms);
	if (alarm->cleared_ms)
	{
		jo_i64(o, "cleared-ms", alarm->cleared_ms);
	}
	put_text(o, "customer", alarm->customer);
	put_text(o, "vpn", alarm->vpn);
	put_text(o, "site", alarm->site);
	put_text(o, "peer", alarm->peer);
	put_text(o, "ce", alarm->ce);
	jo_object_end(o);
}

/* As store_alarms() has them: raised ones, the most severe, the newest first. */
static int by_rank(const void *a, const void *b)
{
	const struct store_alarm *x = a, *y = b;

	if ((x->cleared_ms == 0) != (y->cleared_ms == 0))
	{
		return x->cleared_ms ? 1 : -1;
	}
	if (x->severity != y->severity)
	{
		return y->severity - x->severity;
	}
	if (x->raised_ms != y->raised_ms)
	{
		return x->raised_ms < y->raised_ms ? 1 : -1;
	}
	return (x->id > y->id) - (x->id < y->id);
}

/* Those of no customer are told to who may see all. */
static int read_alarms(struct admin_ask *q, bool cleared,
					   struct store_alarm **list, size_t *count)
{
	struct store_alarm *more;
	size_t n;
	int rc = 0;

	*list = NULL;
	*count = 0;
	while (rc == 0 && admin_next_customer(q))
	{
		rc = store_alarms(q->store, q->arena, q->customer, q->vpn, q->site,
						  cleared, &more, &n, &q->e);
		if (rc == 0)
		{
			*list = admin_join(q, *list, *count, more, n, sizeof(*more));
			*count += n;
		}
	}
	if (rc == 0 && *count > 1)
	{
		qsort(*list, *count, sizeof(**list), by_rank);
	}
	return rc;
}

static int alarms(struct admin_ask *q)
{
	const char *cleared = http_request_query(q->req, "cleared");
	struct store_alarm *list;
	size_t count, i;
	int rc;

	if (cleared && strcmp(cleared, "yes") != 0 && strcmp(cleared, "no") != 0)
	{
		return err_set(&q->e, -EINVAL, ERR_USAGE, "cleared", "'yes' or 'no'");
	}
	rc = check_place(q);
	if (rc < 0 || (rc = read_alarms(q, cleared && *cleared == 'y', &list,
									&count)) < 0)
	{
		return rc;
	}
	jo_object(&q->o, NULL);
	jo_i64(&q->o, "now-ms", admin_now_ms());
	jo_array(&q->o, "alarms");
	for (i = 0; i < count; i++)
	{
		write_alarm(&q->o, &list[i]);
	}
	jo_array_end(&q->o);
	jo_object_end(&q->o);
	return 0;
}

/* ---- what happens ---------------------------------------------------------------- */

static void write_event(struct json_out *o, const struct store_event *event)
{
	const bool alarm = event->kind <= STORE_EVENT_CLEARED;

	jo_object(o, NULL);
	jo_u64(o, "id", event->id);
	jo_i64(o, "at-ms", event->at_ms);
	jo_str(o, "event", store_event_words[event->kind]);
	if (event->severity >= 0)
	{
		jo_str(o, "severity", severities[event->severity]);
	}
	put_text(o, "resource", event->resource);
	put_text(o, alarm ? "code" : "result", event->code);
	put_text(o, alarm ? "source" : "actor", event->source);
	if (event->revision)
	{
		jo_u64(o, "revision", event->revision);
	}
	jo_str(o, "text", event->text);
	put_text(o, "customer", event->customer);
	put_text(o, "vpn", event->vpn);
	put_text(o, "site", event->site);
	put_text(o, "peer", event->peer);
	put_text(o, "ce", event->ce);
	jo_object_end(o);
}

static void write_events(struct admin_ask *q, const struct store_event *list,
						 size_t count, uint64_t last, bool lost)
{
	size_t i;

	jo_object(&q->o, NULL);
	jo_u64(&q->o, "last", last);
	jo_bool(&q->o, "lost", lost);
	jo_array(&q->o, "events");
	for (i = 0; i < count; i++)
	{
		write_event(&q->o, &list[i]);
	}
	jo_array_end(&q->o);
	jo_object_end(&q->o);
}

static int by_event(const void *a, const void *b)
{
	const struct store_event *x = a, *y = b;

	return (x->id > y->id) - (x->id < y->id);
}

/* In their order, at most max; of no customer: for who may see all. */
static int read_events(struct admin_ask *q, uint64_t after, size_t max,
					   struct store_event **list, size_t *count)
{
	struct store_event *more;
	size_t n;
	int rc = 0;

	*list = NULL;
	*count = 0;
	while (rc == 0 && admin_next_customer(q))
	{
		const struct store_event_filter filter = {
			.customer = q->customer, .vpn = q->vpn, .site = q->site,
		};

		rc = store_events(q->store, q->arena, after, &filter, max, &more, &n,
						  &q->e);
		if (rc == 0)
		{
			*list = admin_join(q, *list, *count, more, n, sizeof(*more));
			*count += n;
		}
	}
	if (rc == 0 && *count > 1)
	{
		qsort(*list, *count, sizeof(**list), by_event);
	}
	/* the first ones of all are among the first ones of each */
	*count = *count > max ? max : *count;
	return rc;
}

static int watch(struct admin_ask *q)
{
	/* before the database is read: what comes from here on wakes */
	const uint64_t generation =
		http_generation(http_request_listener(q->req));
	uint64_t after = UINT64_MAX, wait = 0, limit = EVENTS_DEFAULT;
	uint64_t newest, gone, last;
	struct store_event *list = NULL;
	size_t count = 0;
	int rc;

	if ((rc = number(q, "after", NUMBER_MAX, &after)) < 0 ||
		(rc = number(q, "wait", WAIT_MAX_S, &wait)) < 0 ||
		(rc = number(q, "limit", EVENTS_MAX, &limit)) < 0 ||
		(rc = check_place(q)) < 0 ||
		/* first: what is added from here on is only seen later */
		(rc = store_event_ids(q->store, &newest, &gone, &q->e)) < 0)
	{
		return rc;
	}
	if (after == UINT64_MAX)
	{
		write_events(q, NULL, 0, newest, false);
		return 0;
	}
	/* one that comes from a database that was put back begins anew */
	rc = read_events(q, after, limit ? limit : 1, &list, &count);
	if (rc == 0 && !count && after <= newest && after >= gone)
	{
		rc = park(q, API_ADMIN_TAG_EVENTS, generation, wait);
	}
	if (rc)
	{
		return rc;
	}
	last = count ? list[count - 1].id : newest;
	write_events(q, list, count, last, after < gone || after > newest);
	return 0;
}

/* ---- bundles -------------------------------------------------------------------------- */

static int need_ce(struct admin_ask *q, struct store_ce *ce)
{
	return store_ce_get(q->store, q->arena, q->customer, q->ce, ce, &q->e);
}

static int diag_ask(struct admin_ask *q)
{
	uint64_t seconds = DIAG_SECONDS, id;
	const int64_t now = admin_now_ms();
	char actor[ADMIN_ACTOR_SIZE];
	struct store_ce ce;
	int rc;

	if ((rc = number(q, "seconds", DIAG_SECONDS_MAX, &seconds)) < 0 ||
		(rc = need_ce(q, &ce)) < 0)
	{
		return rc;
	}
	if (!ce.enrolled)
	{
		return err_set(&q->e, -EBUSY, ERR_NOT_ENROLLED, ce.ce,
					   "the router is not enrolled: there is nobody to ask");
	}
	admin_actor(q->req, actor);
	rc = store_diag_ask(q->store, q->customer, q->ce, actor, now,
						now + (int64_t)seconds * 1000, &id, &q->e);
	if (rc < 0)
	{
		return rc;
	}
	log_info("admin", "%s: asks %s/%s for diagnostic bundle %llu", actor,
			 ce.customer, ce.ce, (unsigned long long)id);
	if (q->api->changed)
	{
		q->api->changed(q->api->server);
	}
	jo_object(&q->o, NULL);
	jo_u64(&q->o, "id", id);
	jo_i64(&q->o, "asked-ms", now);
	jo_i64(&q->o, "until-ms", now + (int64_t)seconds * 1000);
	jo_object_end(&q->o);
	return 0;
}

static void write_diag(struct admin_ask *q, const struct store_diag *diag)
{
	jo_object(&q->o, NULL);
	jo_u64(&q->o, "id", diag->id);
	jo_str(&q->o, "state", diag->taken_ms ? "there" : "waiting");
	jo_str(&q->o, "actor", diag->actor);
	jo_i64(&q->o, "asked-ms", diag->asked_ms);
	jo_i64(&q->o, "until-ms", diag->until_ms);
	if (diag->taken_ms)
	{
		jo_i64(&q->o, "taken-ms", diag->taken_ms);
		jo_raw(&q->o, "bundle", diag->bundle);
	}
	jo_object_end(&q->o);
}

static int diag_late(struct admin_ask *q, const struct store_diag *diag,
					 const struct store_ce *ce)
{
	const int64_t now = admin_now_ms();
	const char *seen = ce->last_seen_ms < 0 ? "it was never here"
		: arena_printf(q->arena, "it was last seen %lld s ago",
					   (long long)((now - ce->last_seen_ms) / 1000));

	return err_set(&q->e, -ETIMEDOUT, ERR_TIMEOUT,
				   arena_printf(q->arena, "%s/%s", ce->customer, ce->ce),
				   "it did not send the bundle within %lld s; %s",
				   (long long)((diag->until_ms - diag->asked_ms) / 1000),
				   seen);
}

static int diag_get(struct admin_ask *q)
{
	const uint64_t generation =
		http_generation(http_request_listener(q->req));
	uint64_t wait = 0, id = 0;
	struct store_diag diag;
	struct store_ce ce;
	int rc;

	if ((rc = number(q, "wait", WAIT_MAX_S, &wait)) < 0 ||
		(rc = number(q, "id", NUMBER_MAX, &id)) < 0 ||
		(rc = need_ce(q, &ce)) < 0 ||
		(rc = store_diag_get(q->store, q->arena, q->customer, q->ce, &diag,
							 &q->e)) < 0)
	{
		return rc;
	}
	if (id && id != diag.id)
	{
		return err_set(&q->e, -ENOENT, ERR_NOT_FOUND, "id",
					   "somebody asked again: bundle %llu is waited for",
					   (unsigned long long)diag.id);
	}
	if (!diag.taken_ms && diag.until_ms <= admin_now_ms())
	{
		return diag_late(q, &diag, &ce);
	}
	if (!diag.taken_ms && park(q, API_ADMIN_TAG_DIAGS, generation, wait) == 1)
	{
		return 1;
	}
	write_diag(q, &diag);
	return 0;
}

/* ---- handlers ------------------------------------------------------------------------- */

#define HANDLER(name, fn) \
	ADMIN_HANDLER(name) \
	{ \
		return admin_ask(req, resp, store, user, fn); \
	}

HANDLER(admin_alarms, alarms)
HANDLER(admin_watch, watch)
HANDLER(admin_ce_diag_ask, diag_ask)
HANDLER(admin_ce_diag, diag_get)
