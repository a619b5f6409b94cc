/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * api_admin_service.c - time to service of each change, of each router
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "server/api_admin_ask.h"
#include "server/service.h"

#define AUDITS 10000	/* changes whose words are known here */

/* One end of a tunnel, and the group that it belongs to. */
struct entry
{
	uint64_t revision;			/* 0: by router */
	const char *customer, *ce;
	int64_t ms;					/* -1: not known */
};

static int by_group(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;
	int order;

	if (x->revision != y->revision)
	{
		return x->revision < y->revision ? -1 : 1;
	}
	if (x->revision)
	{
		return 0;
	}
	order = strcmp(x->customer, y->customer);
	return order ? order : strcmp(x->ce, y->ce);
}

static void put_ms(struct json_out *o, const char *key, int64_t ms)
{
	if (ms >= 0)
	{
		jo_i64(o, key, ms);
	}
}

/* What a revision was, in the words of its audit record. */
static const char *words_of(const struct store_audit *audits, size_t count,
							uint64_t revision)
{
	size_t i;

	for (i = 0; i < count; i++)
	{
		if (audits[i].revision == revision)
		{
			return audits[i].what;
		}
	}
	return NULL;
}

static void write_group(struct admin_ask *q, const struct entry *entries,
						size_t count, const char *what)
{
	int64_t *values = arena_calloc(q->arena, count, sizeof(*values));
	struct service_summary summary;
	size_t i, known = 0;

	for (i = 0; i < count; i++)
	{
		if (entries[i].ms >= 0)
		{
			values[known++] = entries[i].ms;
		}
	}
	service_summarize_ms(values, known, &summary);
	jo_object(&q->o, NULL);
	if (entries->revision)
	{
		jo_u64(&q->o, "revision", entries->revision);
		if (what)
		{
			jo_str(&q->o, "what", what);
		}
	}
	else
	{
		jo_str(&q->o, "customer", entries->customer);
		jo_str(&q->o, "ce", entries->ce);
	}
	jo_u64(&q->o, "ends", count);
	jo_u64(&q->o, "count", known);
	put_ms(&q->o, "p50-ms", summary.p50);
	put_ms(&q->o, "p95-ms", summary.p95);
	put_ms(&q->o, "worst-ms", summary.worst);
	jo_object_end(&q->o);
}

int admin_service_groups(struct admin_ask *q, const struct store_tunnel *list,
						 size_t count, bool by_ce)
{
	struct entry *entries = arena_calloc(q->arena, 2 * count + 1,
										 sizeof(*entries));
	struct store_audit *audits = NULL;
	size_t audit_count = 0, i, from;
	int rc = 0;

	for (i = 0; i < 2 * count; i++)
	{
		const struct store_tunnel *t = &list[i / 2];

		entries[i] = (struct entry){
			.revision = by_ce ? 0 : t->revision, .customer = t->customer,
			.ce = t->end[i % 2].ce,
			.ms = service_ms(&t->end[i % 2], SERVICE_TOTAL),
		};
	}
	qsort(entries, 2 * count, sizeof(*entries), by_group);
	if (!by_ce)
	{
		rc = admin_read_audits(q, AUDITS, &audits, &audit_count);
	}
	if (rc < 0)
	{
		return rc;
	}
	jo_object(&q->o, NULL);
	jo_array(&q->o, "groups");
	for (from = 0; from < 2 * count; from = i)
	{
		for (i = from; i < 2 * count &&
			 by_group(&entries[from], &entries[i]) == 0; i++)
		{
		}
		write_group(q, &entries[from], i - from,
					words_of(audits, audit_count, entries[from].revision));
	}
	jo_array_end(&q->o);
	jo_object_end(&q->o);
	return 0;
}
