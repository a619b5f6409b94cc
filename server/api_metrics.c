/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * api_metrics.c - GET /metrics
 */
#include "config.h"

#include <time.h>

#include "alloc.h"
#include "log.h"
#include "server/api_metrics.h"

#define STALE_REPORTS 3		/* as in the admin API */
#define IDLE_FACTOR 9

static int64_t ms_of(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

void api_metrics_init(struct api_metrics *api)
{
	api->started_ms = ms_of(CLOCK_REALTIME);
}

void api_metrics_listener(struct api_metrics *api, const char *name,
						  struct http *http)
{
	api->listeners[api->listener_count].name = name;
	api->listeners[api->listener_count++].http = http;
}

void api_metrics_done(struct api_metrics *api)
{
	arena_free(api->arena);
	api->arena = NULL;
}

/* One worker: nobody else is in here. */
static void look(struct api_metrics *api, struct store *store)
{
	const int64_t begun = ms_of(CLOCK_MONOTONIC);
	const int64_t now = ms_of(CLOCK_REALTIME);
	struct err e = { 0 };
	int rc;

	if ((uint64_t)begun < api->next_ms)
	{
		return;
	}
	arena_free(api->arena);
	api->arena = arena_new();
	rc = store_metrics(store, api->arena, now,
					   now - (int64_t)api->report_interval_s * STALE_REPORTS *
					   1000, &api->database, &e);
	api->known = rc == 0;
	if (rc && !api->failing)
	{
		log_err(LOG_LEVEL_ERROR, "metrics", "reading the database", &e);
	}
	else if (!rc && api->failing)
	{
		log_info("metrics", "reading the database works again");
	}
	api->failing = rc != 0;
	api->look_ms = ms_of(CLOCK_MONOTONIC) - begun;
	api->next_ms = (uint64_t)(begun + (1 + IDLE_FACTOR) * api->look_ms);
}

static void add_way(struct outlet *outlet, enum outlet_way which,
					struct metrics *m)
{
	static const char *const names[OUTLET_WAYS] = {
		[OUTLET_WEBHOOK] = "webhook", [OUTLET_SYSLOG] = "syslog",
	};
	struct outlet_stats stats;

	if (outlet_has(outlet, which))
	{
		outlet_stats(outlet, which, &stats);
		m->ways[m->way_count].name = names[which];
		m->ways[m->way_count].delivered = stats.delivered;
		m->ways[m->way_count].failed = stats.failed;
		m->ways[m->way_count++].dropped = stats.dropped;
	}
}

static enum http_verdict get_metrics(struct http_request *req,
									 struct http_response *resp,
									 struct store *store, void *user)
{
	struct api_metrics *api = user;
	struct metrics m = {
		.version = PACKAGE_VERSION,
		.started_ms = api->started_ms,
		.report_interval_s = api->report_interval_s,
		.server_expires_s = api->server_expires_s,
		.ca_expires_s = api->ca_expires_s,
		.listener_count = api->listener_count,
	};
	struct text t = { 0 };
	size_t i;

	(void)req;
	look(api, store);
	m.database = api->known ? &api->database : NULL;
	m.look_ms = api->look_ms;
	m.now_ms = ms_of(CLOCK_REALTIME);
	for (i = 0; i < api->listener_count; i++)
	{
		m.listeners[i].name = api->listeners[i].name;
		http_stats(api->listeners[i].http, &m.listeners[i].stats);
	}
	for (i = 0; api->outlet && i < OUTLET_WAYS; i++)
	{
		add_way(api->outlet, (enum outlet_way)i, &m);
	}
	for (i = 0; i < COUNTER_COUNT; i++)
	{
		m.counters[i] = counter_read((enum counter)i);
	}
	metrics_render(&m, &t);
	resp->status = 200;
	resp->content_type = METRICS_CONTENT_TYPE;
	resp->body_len = t.len;
	resp->body = text_take(&t);
	http_response_header(resp, "Cache-Control", "no-store");
	return HTTP_DONE;
}

const struct http_route api_metrics_routes[] = {
	{ "GET", "/metrics", get_metrics, 0, 0 },
	{ .method = NULL },
};
