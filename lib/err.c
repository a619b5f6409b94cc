/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * err.c - error values and their catalogue
 *
 * Pure. Allocates nothing, prints nothing (err_print.c does).
 */
#include "config.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "err.h"

static const struct {
	const char *text, *title, *meaning, *remedy;
} codes[] = {
#define X(sym, text, title, meaning, remedy) { text, title, meaning, remedy },
	ERR_CODES(X)
#undef X
};

/* text from outside ends up here: nothing that moves a terminal's cursor */
static void make_printable(char *s)
{
	for (; *s; s++)
	{
		if (*s < 0x20 || *s > 0x7e)
		{
			*s = '?';
		}
	}
}

int err_set(struct err *e, int rc, enum err_code code, const char *where,
			const char *fmt, ...)
{
	va_list args;

	if (!e)
	{
		return rc;
	}
	e->code = code;
	snprintf(e->where, sizeof(e->where), "%s", where ? where : "");
	va_start(args, fmt);
	vsnprintf(e->text, sizeof(e->text), fmt, args);
	va_end(args);
	make_printable(e->where);
	make_printable(e->text);
	return rc;
}

void err_prefix(struct err *e, const char *fmt, ...)
{
	char old[sizeof(e->text)];
	va_list args;
	size_t len;

	if (!e)
	{
		return;
	}
	memcpy(old, e->text, sizeof(old));
	va_start(args, fmt);
	vsnprintf(e->text, sizeof(e->text), fmt, args);
	va_end(args);
	len = strlen(e->text);
	snprintf(e->text + len, sizeof(e->text) - len, ": %s", old);
	make_printable(e->text);
}

static size_t code_index(enum err_code code)
{
	return (size_t)code < ERR_CODE_COUNT ? (size_t)code : ERR_INTERNAL;
}

const char *err_code_text(enum err_code code)
{
	return (size_t)code < ERR_CODE_COUNT ? codes[code].text : "unknown";
}

const char *err_code_title(enum err_code code)
{
	return codes[code_index(code)].title;
}

const char *err_code_meaning(enum err_code code)
{
	return codes[code_index(code)].meaning;
}

const char *err_code_remedy(enum err_code code)
{
	return codes[code_index(code)].remedy;
}

int err_code_parse(const char *text, enum err_code *code)
{
	size_t i;

	for (i = 0; i < ERR_CODE_COUNT; i++)
	{
		if (strcmp(codes[i].text, text) == 0)
		{
			*code = (enum err_code)i;
			return 0;
		}
	}
	return -ENOENT;
}
