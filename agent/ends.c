/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * ends.c - the end of a certificate of this router's is an alarm
 */
#include "config.h"

#include <stdio.h>
#include <time.h>

#include "agent.h"
#include "ends.h"

const char *ends_date(char out[ENDS_DATE_SIZE], int64_t s)
{
	const time_t t = s;
	struct tm tm;

	if (!gmtime_r(&t, &tm) ||
		!strftime(out, ENDS_DATE_SIZE, "%Y-%m-%d %H:%M UTC", &tm))
	{
		snprintf(out, ENDS_DATE_SIZE, "a time without a date");
	}
	return out;
}

void ends_look(struct agent *a, enum err_code code, const char *resource,
			   const struct lifetime *life, int64_t now_s,
			   enum status_severity *said, const struct err *why)
{
	const enum status_severity severity = lifetime_severity(life, now_s);
	char until[ENDS_DATE_SIZE];

	if (severity == *said)
	{
		return;
	}
	*said = severity;
	if (severity == STATUS_CLEARED)
	{
		agent_alarm_clear(a, code, resource);
		return;
	}
	agent_alarm(a, code, resource, severity, "it %s %s%s%.120s",
				severity == STATUS_CRITICAL ? "ended" : "ends",
				ends_date(until, life->until_s),
				why->code == ERR_NONE ? "" : "; not renewed: ", why->text);
}
