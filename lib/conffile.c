/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * conffile.c - configuration files: sections of key = value
 *
 * Effects: reads one file. No library: Debian's libinih cuts section names at
 * 49 and lines at 199 bytes without a word, takes an indented line as more of
 * the value before, and does not tell duplicates.
 */
#include "config.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "conffile.h"
#include "file.h"
#include "secret.h"
#include "text.h"

#define FILE_MAX (1024 * 1024)

struct reader {
	const char *path;
	unsigned line;
	conf_fn fn;
	void *user;
	struct err *e;
	const char *section, *arg;	/* in the file's buffer; section NULL: none */
	struct text seen;			/* lines "[section arg]" and "[section arg]key" */
};

static int fail(struct reader *r, const char *text, const char *word)
{
	char where[128];

	snprintf(where, sizeof(where), "%s:%u", r->path, r->line);
	return err_set(r->e, -EINVAL, ERR_CONFIG, where, "%s%s%s%s", text,
				   word ? " '" : "", word ? word : "", word ? "'" : "");
}

/* 0 the first time that the section (key "") or key comes, else -EINVAL */
static int see_once(struct reader *r, const char *key)
{
	char *line = xasprintf("\n[%s %s]%s\n", r->section, r->arg, key);
	bool seen = strstr(text_str(&r->seen), line) != NULL;

	text_add(&r->seen, line);
	free(line);
	return !seen ? 0 : fail(r, *key ? "duplicate key" : "duplicate section",
							*key ? key : r->section);
}

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

/* cut spaces at both ends */
static char *trim(char *s)
{
	size_t len;

	while (is_space(*s))
	{
		s++;
	}
	len = strlen(s);
	while (len && is_space(s[len - 1]))
	{
		s[--len] = '\0';
	}
	return s;
}

/* a comment begins with # or ; at the line's start or after a space */
static void cut_comment(char *s)
{
	size_t i;

	for (i = 0; s[i]; i++)
	{
		if ((s[i] == '#' || s[i] == ';') && (!i || is_space(s[i - 1])))
		{
			s[i] = '\0';
			return;
		}
	}
}

static bool is_word(const char *s)
{
	return *s && !s[strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789-_")];
}

static int read_section(struct reader *r, char *s)
{
	char *end = strchr(s, ']'), *arg;

	if (!end || end[1])
	{
		return fail(r, "not a section", s);
	}
	*end = '\0';
	s = trim(s + 1);
	arg = s + strcspn(s, " \t");
	if (*arg)
	{
		*arg++ = '\0';
	}
	if (!is_word(s))
	{
		return fail(r, "not a section name", s);
	}
	r->section = s;
	r->arg = trim(arg);
	return see_once(r, "");
}

static int read_pair(struct reader *r, char *s)
{
	char *equals = strchr(s, '='), *key, *value;
	struct err fault = { .code = ERR_CONFIG };
	int rc;

	if (!equals)
	{
		return fail(r, "neither [section] nor key = value", s);
	}
	if (!r->section)
	{
		return fail(r, "key before the first [section]", NULL);
	}
	*equals = '\0';
	key = trim(s);
	value = trim(equals + 1);
	if (!is_word(key))
	{
		return fail(r, "not a key", key);
	}
	rc = see_once(r, key);
	if (rc)
	{
		return rc;
	}
	rc = r->fn(r->user, r->section, r->arg, key, value, &fault);
	if (rc && r->e)
	{
		*r->e = fault;
		snprintf(r->e->where, sizeof(r->e->where), "%s:%u", r->path, r->line);
	}
	return rc;
}

static int read_line(struct reader *r, char *s)
{
	char *p;

	cut_comment(s);
	s = trim(s);
	if (!*s)
	{
		return 0;
	}
	for (p = s; *p; p++)
	{	/* tabs between words are as good as spaces */
		*p = *p == '\t' ? ' ' : *p;
	}
	if (!text_is_printable(s))
	{
		return fail(r, "a character that is not printable ASCII", NULL);
	}
	return *s == '[' ? read_section(r, s) : read_pair(r, s);
}

static int read_lines(struct reader *r, char *buf, size_t len)
{
	char *line = buf, *end;
	int rc = 0;

	if (memchr(buf, '\0', len))
	{
		return err_set(r->e, -EINVAL, ERR_CONFIG, r->path, "not a text file");
	}
	while (!rc && line)
	{
		end = strchr(line, '\n');
		if (end)
		{
			*end++ = '\0';
		}
		r->line++;
		rc = read_line(r, line);
		line = end;
	}
	return rc;
}

int conffile_read(const char *path, conf_fn fn, void *user, struct err *e)
{
	struct reader r = { .path = path, .fn = fn, .user = user, .e = e };
	char *buf;
	size_t len;
	int rc = file_read(path, FILE_MAX, &buf, &len, e);

	if (rc)
	{
		return rc;
	}
	rc = read_lines(&r, buf, len);
	text_done(&r.seen);
	wipe(buf, len);			/* passwords of databases and the like */
	free(buf);
	return rc;
}
