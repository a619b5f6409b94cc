/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * service.c - time to service
 *
 * Pure. Percentiles are nearest ranks: values that were measured, none between.
 */
#include "config.h"

#include <stdlib.h>

#include "alloc.h"
#include "server/service.h"

const char *const service_phase_names[SERVICE_PHASE_COUNT] = {
	"notify", "fetch", "apply", "ike", "ospf", "route", "total"
};

static int64_t reported_ms(const struct store_tunnel_end *end,
						   enum status_phase phase)
{
	const struct status_service *v = &end->status.service;

	return end->reported && end->status.has_service && phase < v->done
		? (int64_t)v->ms[phase] : -1;
}

static int64_t total_ms(const struct store_tunnel_end *end)
{
	int64_t ms, total = end->notify_ms;
	int i;

	for (i = 0; total >= 0 && i < STATUS_PHASE_COUNT; i++)
	{
		ms = reported_ms(end, (enum status_phase)i);
		total = ms < 0 ? -1 : total + ms;
	}
	return total;
}

int64_t service_ms(const struct store_tunnel_end *end, enum service_phase phase)
{
	switch (phase)
	{
		case SERVICE_NOTIFY:
			return end->notify_ms;
		case SERVICE_FETCH:
			return reported_ms(end, STATUS_PHASE_FETCH);
		case SERVICE_APPLY:
			return reported_ms(end, STATUS_PHASE_APPLY);
		case SERVICE_IKE:
			return reported_ms(end, STATUS_PHASE_IKE);
		case SERVICE_OSPF:
			return reported_ms(end, STATUS_PHASE_OSPF);
		case SERVICE_ROUTE:
			return reported_ms(end, STATUS_PHASE_ROUTE);
		case SERVICE_TOTAL:
			return total_ms(end);
		case SERVICE_PHASE_COUNT:
			break;
	}
	return -1;
}

static int by_value(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

/* the smallest value that percent of all do not exceed */
static int64_t percentile(const int64_t *sorted, size_t count, unsigned percent)
{
	return count ? sorted[(count * percent + 99) / 100 - 1] : -1;
}

void service_summarize_ms(int64_t *values, size_t count,
						  struct service_summary *out)
{
	if (count)
	{
		qsort(values, count, sizeof(*values), by_value);
	}
	out->count = count;
	out->p50 = percentile(values, count, 50);
	out->p95 = percentile(values, count, 95);
	out->worst = percentile(values, count, 100);
}

void service_summarize(const struct store_tunnel *tunnels, size_t count,
					   enum service_phase phase, struct service_summary *out)
{
	int64_t *values = xcalloc(2 * count + 1, sizeof(*values)), ms;
	size_t i;

	out->count = 0;
	for (i = 0; i < 2 * count; i++)
	{
		ms = service_ms(&tunnels[i / 2].end[i % 2], phase);
		if (ms >= 0)
		{
			values[out->count++] = ms;
		}
	}
	service_summarize_ms(values, out->count, out);
	free(values);
}
