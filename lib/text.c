/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * text.c - bounded string builder
 *
 * Pure. A text may hold secrets, so memory it leaves behind is wiped first
 * (realloc() would not do that).
 */
#include "config.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "secret.h"
#include "text.h"

/* room for len more bytes and the final NUL */
static void grow(struct text *t, size_t len)
{
	size_t size = t->size ? t->size : 64;
	char *s;

	if (len > SIZE_MAX / 4 || t->len > SIZE_MAX / 4)
	{
		abort();
	}
	while (size < t->len + len + 1)
	{
		size *= 2;
	}
	s = xcalloc(1, size);
	if (t->s)
	{
		memcpy(s, t->s, t->len);
		wipe(t->s, t->size);
		free(t->s);
	}
	t->s = s;
	t->size = size;
}

void text_reserve(struct text *t, size_t len)
{
	if (t->size <= len || t->size - len <= t->len)
	{
		grow(t, len);
	}
}

void text_addn(struct text *t, const char *s, size_t len)
{
	text_reserve(t, len);
	if (len)
	{
		memcpy(t->s + t->len, s, len);
	}
	t->len += len;
	t->s[t->len] = '\0';
}

void text_add(struct text *t, const char *s)
{
	text_addn(t, s, strlen(s));
}

void text_addf(struct text *t, const char *fmt, ...)
{
	size_t room = t->s ? t->size - t->len : 0;
	va_list args;
	int len;

	/* mostly there is room already */
	va_start(args, fmt);
	len = vsnprintf(t->s ? t->s + t->len : NULL, room, fmt, args);
	va_end(args);
	if (len < 0)
	{
		abort();
	}
	if ((size_t)len >= room)
	{
		text_reserve(t, (size_t)len);
		va_start(args, fmt);
		vsnprintf(t->s + t->len, (size_t)len + 1, fmt, args);
		va_end(args);
	}
	t->len += (size_t)len;
}

const char *text_str(const struct text *t)
{
	return t->s ? t->s : "";
}

char *text_take(struct text *t)
{
	char *s;

	text_reserve(t, 0);
	s = t->s;
	*t = (struct text){ 0 };
	return s;
}

void text_done(struct text *t)
{
	if (t->s)
	{
		wipe(t->s, t->size);
		free(t->s);
	}
	*t = (struct text){ 0 };
}
