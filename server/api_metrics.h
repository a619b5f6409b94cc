/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * api_metrics.h - GET /metrics for Prometheus, on a listener of its own
 *
 * Read only, and nothing secret: names of customers, VPNs, sites and CEs, and
 * numbers. However often it is asked, the database is asked only as often as
 * leaves it idle nine tenths of the time; between two looks the last one's
 * numbers are told again. When the database fails, they are left out.
 */
#ifndef PPVPN_SERVER_API_METRICS_H
#define PPVPN_SERVER_API_METRICS_H

#include "http.h"
#include "server/metrics_text.h"
#include "server/outlet.h"

struct arena;

/* The user of the listener, which must have one worker. */
struct api_metrics
{
	uint32_t report_interval_s;
	int64_t server_expires_s, ca_expires_s;
	struct
	{
		const char *name;
		struct http *http;
	} listeners[METRICS_LISTENERS_MAX];
	size_t listener_count;
	struct outlet *outlet;			/* NULL: alarms do not leave */
	void *server;					/* for store_open */
	int64_t started_ms;

	/* the last look; zero at first */
	struct arena *arena;
	struct store_metrics database;
	bool known, failing;
	int64_t look_ms;
	uint64_t next_ms;				/* monotonic */
};

/** Ended by method NULL. */
extern const struct http_route api_metrics_routes[];

void api_metrics_init(struct api_metrics *api);
void api_metrics_listener(struct api_metrics *api, const char *name,
						  struct http *http);
void api_metrics_done(struct api_metrics *api);

#endif
