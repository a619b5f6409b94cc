/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * metrics_text.h - numbers for monitoring, as Prometheus reads them
 *
 * Pure. The text exposition format, version 0.0.4; doc/metrics.md has the list
 * of series. What the database would say and does not is left out, never 0.
 */
#ifndef PPVPN_SERVER_METRICS_TEXT_H
#define PPVPN_SERVER_METRICS_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "text.h"
#include "server/counters.h"
#include "server/http.h"
#include "server/store.h"

#define METRICS_CONTENT_TYPE "text/plain; version=0.0.4; charset=utf-8"
#define METRICS_LISTENERS_MAX 8
#define METRICS_LABELS_MAX 4
#define METRICS_WAYS_MAX 4

struct metric_label
{
	const char *name, *value;
};

/** The lines that begin a family; help is escaped. */
void metric_family(struct text *t, const char *name, const char *type,
				   const char *help);
/**
 * One sample of it. Label values may be anything: what is no UTF-8 and what is
 * a control character becomes "?".
 *
 * @param labels	ended by name NULL; NULL: none
 * @param value		a number as it shall stand there
 */
void metric_sample(struct text *t, const char *name,
				   const struct metric_label *labels, const char *value);

struct metrics
{
	const char *version;
	int64_t now_ms, started_ms;			/* wall clock */
	uint32_t report_interval_s;
	int64_t server_expires_s, ca_expires_s;	/* certificates, since 1970 */
	struct
	{
		const char *name;
		struct http_stats stats;
	} listeners[METRICS_LISTENERS_MAX];
	size_t listener_count;
	struct
	{
		const char *name;
		uint64_t delivered, failed, dropped;
	} ways[METRICS_WAYS_MAX];			/* that alarms leave by */
	size_t way_count;
	uint64_t counters[COUNTER_COUNT];
	const struct store_metrics *database;	/* NULL: it failed */
	int64_t look_ms;					/* that the database took for it */
};

void metrics_render(const struct metrics *m, struct text *t);

#endif
