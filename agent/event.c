/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * event.c - events to the journal and to those who watch
 */
#include "config.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "control.h"
#include "event.h"
#include "json_out.h"
#include "log.h"

#define TEXT_SIZE 384

static const struct {
	const char *word;
	enum log_level level;
} events[] = {
#define X(sym, word, level) [EVENT_##sym] = { word, LOG_LEVEL_##level },
	EVENT_CODES(X)
#undef X
};

const char *event_word(enum event_code code)
{
	return events[code].word;
}

static void put_time(struct json_out *o)
{
	struct timespec now;
	struct tm tm;
	char date[32], text[64];

	clock_gettime(CLOCK_REALTIME, &now);
	gmtime_r(&now.tv_sec, &tm);
	strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(text, sizeof(text), "%s.%03uZ", date,
			 (unsigned)(now.tv_nsec / 1000000) % 1000);
	jo_str(o, "time", text);
}

static void tell(struct control *control, enum event_code code,
				 const char *where, enum err_code cause, const char *text)
{
	struct json_out o = {0};
	struct text line;

	jo_object(&o, NULL);
	jo_str(&o, "event", events[code].word);
	put_time(&o);
	jo_str(&o, "level", events[code].level == LOG_LEVEL_WARN ? "warn" : "info");
	jo_str(&o, "where", where);
	jo_str(&o, "cause", err_code_text(cause));
	jo_str(&o, "text", text);
	jo_object_end(&o);
	line = jo_take(&o);
	control_tell(control, text_str(&line));
	text_done(&line);
}

void event_emit(struct control *control, enum event_code code,
				const char *where, enum err_code cause, const char *fmt, ...)
{
	char text[TEXT_SIZE] = "";
	va_list args;

	if (fmt)
	{
		va_start(args, fmt);
		vsnprintf(text, sizeof(text), fmt, args);
		va_end(args);
	}
	for (char *s = text; *s; s++)
	{	/* the line ends where its quotes do */
		*s = *s == '"' ? '\'' : *s;
	}
	log_line(events[code].level, "event", "code=%s%s%s cause=%s%s%s%s",
			 events[code].word, where[0] ? " where=" : "", where,
			 err_code_text(cause), text[0] ? " text=\"" : "", text,
			 text[0] ? "\"" : "");
	if (control && control_watched(control))
	{
		tell(control, code, where, cause, text);
	}
}
