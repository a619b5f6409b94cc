/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * alarm.c - the table of alarms
 *
 * Pure.
 */
#include <stdio.h>
#include <string.h>

#include "alarm.h"

static struct alarm *find(struct alarms *a, enum err_code code,
						  const char *resource)
{
	for (size_t i = 0; i < a->count; i++)
	{
		if (a->items[i].code == code &&
			strcmp(a->items[i].resource, resource) == 0)
		{
			return &a->items[i];
		}
	}
	return NULL;
}

/* Worth of an entry when room is needed: the least goes first. */
static bool less_worth(const struct alarm *x, const struct alarm *y)
{
	bool x_cleared = x->severity == STATUS_CLEARED;
	bool y_cleared = y->severity == STATUS_CLEARED;

	if (x_cleared != y_cleared)
	{
		return x_cleared;
	}
	if (x->severity != y->severity)
	{
		return x->severity < y->severity;
	}
	return x->raised_ms < y->raised_ms;
}

static struct alarm *room(struct alarms *a)
{
	struct alarm *least = &a->items[0];

	if (a->count < STATUS_ALARMS_MAX)
	{
		return &a->items[a->count++];
	}
	for (size_t i = 1; i < a->count; i++)
	{
		if (less_worth(&a->items[i], least))
		{
			least = &a->items[i];
		}
	}
	return least;
}

bool alarm_raise(struct alarms *a, enum err_code code, const char *resource,
				 enum status_severity severity, uint64_t now_ms,
				 const char *text)
{
	struct alarm *alarm = find(a, code, resource);
	bool fresh = !alarm || alarm->severity == STATUS_CLEARED ||
				 severity > alarm->severity;

	if (!alarm)
	{
		alarm = room(a);
		memset(alarm, 0, sizeof(*alarm));
		alarm->code = code;
		snprintf(alarm->resource, sizeof(alarm->resource), "%s", resource);
	}
	alarm->severity = severity;
	alarm->count++;
	alarm->raised_ms = now_ms;
	snprintf(alarm->text, sizeof(alarm->text), "%s", text);
	a->changed = true;
	return fresh;
}

bool alarm_is_raised(struct alarms *a, enum err_code code,
					 const char *resource, const char *text)
{
	struct alarm *alarm = find(a, code, resource);

	return alarm && alarm->severity != STATUS_CLEARED &&
		   (!text || strcmp(alarm->text, text) == 0);
}

bool alarm_clear(struct alarms *a, enum err_code code, const char *resource)
{
	struct alarm *alarm = find(a, code, resource);

	if (!alarm || alarm->severity == STATUS_CLEARED)
	{
		return false;
	}
	alarm->severity = STATUS_CLEARED;
	a->changed = true;
	return true;
}

void alarm_forget(struct alarms *a, const char *resource)
{
	for (size_t i = a->count; i > 0; i--)
	{
		if (strcmp(a->items[i - 1].resource, resource) == 0)
		{
			a->items[i - 1] = a->items[--a->count];
			a->changed = true;
		}
	}
}

size_t alarm_active(const struct alarms *a)
{
	size_t n = 0;

	for (size_t i = 0; i < a->count; i++)
	{
		n += a->items[i].severity != STATUS_CLEARED;
	}
	return n;
}
