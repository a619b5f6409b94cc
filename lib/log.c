/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * log.c - log lines on stderr
 *
 * Effects: stderr, the clock. A line is one write(), so lines of threads do
 * not mix; the settings are made before threads start, or are atomic.
 */
#include "config.h"

#include <errno.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "log.h"

#define LINE_SIZE 1024
#define TOKENS_SIZE 256

static const struct {
	const char *name;
	int priority;			/* syslog's, for the journal */
} levels[] = {
	[LOG_LEVEL_ERROR] = { "error", 3 },
	[LOG_LEVEL_WARN] = { "warn", 4 },
	[LOG_LEVEL_INFO] = { "info", 6 },
	[LOG_LEVEL_DEBUG] = { "debug", 7 },
};

static struct {
	char program[64];
	bool journal;
	atomic_int level;
	char tokens[TOKENS_SIZE];	/* ",fetch,apply,"; "" is all */
} settings = { .program = "ppvpn", .level = LOG_LEVEL_INFO };

/* systemd says which device and inode of stderr is the journal's socket */
static bool stderr_is_journal(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	unsigned long long device, inode;
	struct stat st;

	return stream && sscanf(stream, "%llu:%llu", &device, &inode) == 2 &&
		   fstat(STDERR_FILENO, &st) == 0 && st.st_dev == (dev_t)device &&
		   st.st_ino == (ino_t)inode;
}

void log_init(const char *program, enum log_level level)
{
	snprintf(settings.program, sizeof(settings.program), "%s", program);
	settings.journal = stderr_is_journal();
	log_set_level(level);
}

void log_set_level(enum log_level level)
{
	atomic_store(&settings.level, (int)level);
}

int log_level_parse(const char *name, enum log_level *level)
{
	size_t i;

	for (i = 0; i < sizeof(levels) / sizeof(levels[0]); i++)
	{
		if (strcmp(levels[i].name, name) == 0)
		{
			*level = (enum log_level)i;
			return 0;
		}
	}
	return -EINVAL;
}

void log_set_tokens(const char *tokens)
{
	settings.tokens[0] = '\0';
	if (tokens && *tokens)
	{
		snprintf(settings.tokens, sizeof(settings.tokens), ",%s,", tokens);
	}
}

static bool is_wanted(enum log_level level, const char *token)
{
	char pattern[64];

	if ((int)level > atomic_load(&settings.level))
	{
		return false;
	}
	if (level < LOG_LEVEL_DEBUG || !settings.tokens[0])
	{
		return true;
	}
	snprintf(pattern, sizeof(pattern), ",%s,", token);
	return strstr(settings.tokens, pattern) != NULL;
}

/* how the line begins: "<6>" or "2026-11-22T10:00:00.123Z ppvpn-agent error " */
static int put_start(char *line, size_t size, enum log_level level)
{
	struct timespec now;
	struct tm tm;
	char date[32];

	if (settings.journal)
	{
		return snprintf(line, size, "<%d>", levels[level].priority);
	}
	clock_gettime(CLOCK_REALTIME, &now);
	gmtime_r(&now.tv_sec, &tm);
	strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%S", &tm);
	return snprintf(line, size, "%s.%03ldZ %s %s ", date,
					now.tv_nsec / 1000000, settings.program,
					levels[level].name);
}

void log_line(enum log_level level, const char *token, const char *fmt, ...)
{
	char line[LINE_SIZE];
	int saved = errno, len;
	size_t used, i;
	va_list args;

	if (!is_wanted(level, token))
	{
		return;
	}
	used = (size_t)put_start(line, sizeof(line), level);
	len = snprintf(line + used, sizeof(line) - used, "%s: ", token);
	used += (size_t)len < sizeof(line) - used ? (size_t)len : 0;
	errno = saved;			/* for %m */
	va_start(args, fmt);
	vsnprintf(line + used, sizeof(line) - used, fmt, args);
	va_end(args);
	used = strlen(line);
	for (i = 0; i < used; i++)
	{
		if (line[i] < 0x20 || line[i] > 0x7e)
		{
			line[i] = '?';
		}
	}
	line[used++] = '\n';		/* in the place of the NUL */
	if (write(STDERR_FILENO, line, used) < 0)
	{
		/* nobody left to tell */
	}
	errno = saved;
}

void log_err(enum log_level level, const char *token, const char *what,
			 const struct err *e)
{
	log_line(level, token, "%s: %s%s%s [%s]", what, e->where,
			 e->where[0] ? ": " : "", e->text, err_code_text(e->code));
}
