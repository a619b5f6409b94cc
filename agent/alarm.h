/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * alarm.h - what a person should know: raised, counted, cleared
 *
 * Pure: times are given. A bounded table; an alarm is one (code, resource). When
 * it is full the oldest cleared one, then the oldest of the least severity, goes.
 */
#ifndef PPVPN_AGENT_ALARM_H
#define PPVPN_AGENT_ALARM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "err.h"
#include "status.h"

#define ALARM_RESOURCE_SIZE 256

struct alarm {
	enum err_code code;
	char resource[ALARM_RESOURCE_SIZE];
	enum status_severity severity;	/* STATUS_CLEARED: no longer */
	uint64_t count, raised_ms;
	char text[256];
};

struct alarms {
	struct alarm items[STATUS_ALARMS_MAX];
	size_t count;
	bool changed;				/* since the caller set it to false */
};

/** True when it is new, was cleared, or is worse now: worth a log line. */
bool alarm_raise(struct alarms *a, enum err_code code, const char *resource,
				 enum status_severity severity, uint64_t now_ms,
				 const char *text);
/** Whether it is, with that text; NULL: any. */
bool alarm_is_raised(struct alarms *a, enum err_code code,
					 const char *resource, const char *text);
/** True when it was raised. */
bool alarm_clear(struct alarms *a, enum err_code code, const char *resource);
/** Forget everything about a resource that is gone. */
void alarm_forget(struct alarms *a, const char *resource);
/** Number raised and not cleared. */
size_t alarm_active(const struct alarms *a);

#endif
