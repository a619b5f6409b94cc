/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * outlet_text.c - an alarm event as it leaves the server
 *
 * Pure.
 */
#include "config.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "json_out.h"
#include "server/outlet_text.h"

#define DAY_S 86400

const char *outlet_severity(enum status_severity severity)
{
	static const char *const words[] = {
		[STATUS_WARNING] = "warning", [STATUS_MINOR] = "minor",
		[STATUS_MAJOR] = "major", [STATUS_CRITICAL] = "critical",
		[STATUS_CLEARED] = "cleared",
	};

	return words[severity];
}

/* Years, months and days of a day since 1970, in the Gregorian calendar. */
static void civil(int64_t day, int64_t *year, int *month, int *mday)
{
	/* from 1 March of year 0, so that a leap day ends its year */
	int64_t d = day + 719468, era = d / 146097;
	int64_t doe = d % 146097;
	int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
	int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
	int mp = (int)((5 * doy + 2) / 153);

	*mday = (int)(doy - (153 * mp + 2) / 5 + 1);
	*month = mp < 10 ? mp + 3 : mp - 9;
	*year = yoe + era * 400 + (*month <= 2);
}

void outlet_time(int64_t at_ms, char out[OUTLET_TIME_SIZE])
{
	const int64_t last = INT64_C(253402300799999);	/* of year 9999 */
	int64_t ms = at_ms < 0 ? 0 : at_ms > last ? last : at_ms, year;
	int64_t s = ms / 1000;
	int month, mday, of_day = (int)(s % DAY_S);

	civil(s / DAY_S, &year, &month, &mday);
	snprintf(out, OUTLET_TIME_SIZE, "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ",
			 (int)year, month, mday, of_day / 3600, of_day / 60 % 60,
			 of_day % 60, (int)(ms % 1000));
}

/* What is no UTF-8 and every control character: "?". */
static void add_plain(struct text *t, const char *s)
{
	size_t left = strlen(s), len;

	for (; left; s += len, left -= len)
	{
		len = utf8_sequence(s, left);
		if (len == 0 || (unsigned char)*s < 0x20 || *s == 0x7f)
		{
			text_add(t, "?");
			len = 1;
		}
		else
		{
			text_addn(t, s, len);
		}
	}
}

static void add_string(struct json_out *o, const char *key, const char *s)
{
	struct text t = { 0 };

	add_plain(&t, s);
	jo_str(o, key, text_str(&t));
	text_done(&t);
}

static const char *word(const struct alarm_event *event)
{
	return !event->raised ? "cleared" : event->changed ? "changed" : "raised";
}

struct text outlet_json(const struct alarm_event *event)
{
	struct json_out o = { 0 };
	char at[OUTLET_TIME_SIZE];

	outlet_time(event->at_ms, at);
	jo_object(&o, NULL);
	jo_str(&o, "schema", "ppvpn-alarm/1");
	jo_u64(&o, "id", event->id);
	jo_str(&o, "event", word(event));
	jo_str(&o, "severity", outlet_severity(event->severity));
	add_string(&o, "source", event->source ? event->source : "server");
	add_string(&o, "resource", event->resource);
	add_string(&o, "code", event->code);
	add_string(&o, "text", event->text);
	jo_str(&o, "time", at);
	jo_object_end(&o);
	return jo_take(&o);
}

/* A value that has a space or quote in it would read as two. */
static void add_word(struct text *t, const char *key, const char *value)
{
	struct text plain = { 0 };
	char *p;

	add_plain(&plain, value);
	for (p = plain.s; p && *p; p++)
	{
		if (*p == ' ' || *p == '"' || *p == '=')
		{
			*p = '_';
		}
	}
	text_addf(t, " %s=%s", key, plain.len ? plain.s : "-");
	text_done(&plain);
}

struct text outlet_line(const struct alarm_event *event)
{
	struct text t = { 0 };

	text_addf(&t, "alarm id=%" PRIu64 " event=%s severity=%s", event->id,
			  word(event), outlet_severity(event->severity));
	add_word(&t, "code", event->code);
	add_word(&t, "source", event->source ? event->source : "server");
	add_word(&t, "resource", event->resource);
	text_add(&t, " text: ");
	add_plain(&t, event->text);
	return t;
}

static bool is_local(const char *host)
{
	return strcmp(host, "localhost") == 0 || strcmp(host, "[::1]") == 0 ||
		   (strncmp(host, "127.", 4) == 0 &&
			strspn(host, "0123456789.") == strlen(host));
}

bool outlet_url_is_good(const char *url, char host[OUTLET_HOST_SIZE])
{
	static const char *const schemes[] = { "https://", "http://" };
	const char *from;
	size_t len;
	int i;

	for (i = 0; i < 2; i++)
	{
		if (strncmp(url, schemes[i], strlen(schemes[i])) != 0)
		{
			continue;
		}
		from = url + strlen(schemes[i]);
		len = *from == '[' ? strcspn(from, "]") + 1 : strcspn(from, ":/?#");
		/* a user's name and password would hide the host */
		if (!len || len >= OUTLET_HOST_SIZE || !text_is_printable(url) ||
			strpbrk(url, " \\") ||
			memchr(from, '@', strcspn(from, "/?#")))
		{
			return false;
		}
		memcpy(host, from, len);
		host[len] = '\0';
		return i == 0 || is_local(host);
	}
	return false;
}
