/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * ctl_text.c - columns and quantities for people
 *
 * Pure.
 */
#include "config.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "ctl_text.h"

/* ---- columns --------------------------------------------------------------- */

void columns_row(struct columns *c, ...)
{
	va_list args;
	const char *cell;
	unsigned n = 0;

	c->cells = xrealloc(c->cells, c->rows + 1, sizeof(*c->cells));
	memset(c->cells[c->rows], 0, sizeof(*c->cells));
	va_start(args, c);
	while ((cell = va_arg(args, const char*)) && n < COLUMNS_MAX)
	{
		c->cells[c->rows][n++] = xstrdup(cell);
	}
	va_end(args);
	c->used = n > c->used ? n : c->used;
	c->rows++;
}

void columns_print(struct text *t, struct columns *c)
{
	unsigned width[COLUMNS_MAX] = {0};

	for (size_t r = 0; r < c->rows; r++)
	{
		for (unsigned n = 0; n < c->used; n++)
		{
			unsigned len = c->cells[r][n] ? strlen(c->cells[r][n]) : 0;

			width[n] = len > width[n] ? len : width[n];
		}
	}
	for (size_t r = 0; r < c->rows; r++)
	{
		for (unsigned n = 0; n < c->used && c->cells[r][n]; n++)
		{
			bool last = n + 1 == c->used || !c->cells[r][n + 1];

			text_addf(t, "  %-*s", last ? 0 : (int)width[n], c->cells[r][n]);
			free(c->cells[r][n]);
		}
		text_add(t, "\n");
	}
	free(c->cells);
}

/* ---- words ----------------------------------------------------------------- */

/* "3 s", "12 min", "5 h", "9 d": never less than two of a unit but seconds */
const char *words_duration(char out[16], uint64_t seconds)
{
	static const struct { unsigned seconds; const char *name; } units[] = {
		{ 86400, "d" }, { 3600, "h" }, { 60, "min" }, { 1, "s" },
	};
	unsigned i = 0;

	while (i < 3 && seconds < 2 * units[i].seconds)
	{
		i++;
	}
	seconds /= units[i].seconds;
	snprintf(out, 16, "%u %s", seconds > 999999 ? 999999 : (unsigned)seconds,
			 units[i].name);
	return out;
}

static bool is_leap(unsigned year)
{
	return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

const char *words_date(char out[16], uint64_t seconds)
{
	static const unsigned char lengths[] = {
		31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31,
	};
	uint64_t days = seconds / 86400;
	unsigned year = 1970, month = 0, length;

	while (days >= (length = is_leap(year) ? 366 : 365) && year < 9999)
	{
		days -= length;
		year++;
	}
	while (month < 11 &&
		   days >= (length = lengths[month] + (month == 1 && is_leap(year))))
	{
		days -= length;
		month++;
	}
	snprintf(out, 16, "%04u-%02u-%02u", year, month + 1,
			 days > 98 ? 99 : (unsigned)days + 1);
	return out;
}

const char *words_amount(char out[16], uint64_t bytes)
{
	static const char *const units[] = { "B", "kB", "MB", "GB", "TB", "PB" };
	double v = bytes;
	unsigned i = 0;

	while (v >= 1000 && i < 5)
	{
		v /= 1000;
		i++;
	}
	snprintf(out, 16, v < 10 && i ? "%.1f %s" : "%.0f %s", v, units[i]);
	return out;
}

const char *words_or_dash(const char *s)
{
	return s[0] ? s : "-";
}

const char *words_fit(char *out, size_t size, const char *s, size_t width)
{
	size_t len = strlen(s);

	width = width < size ? width : size - 1;
	if (len <= width || width < 3)
	{
		snprintf(out, size, "%.*s", (int)width, s);
	}
	else
	{
		snprintf(out, size, "..%s", s + len - (width - 2));
	}
	return out;
}

/* The longest beginning of s that ends with a word and fits. */
static size_t line_length(const char *s, size_t width)
{
	size_t len = strlen(s), n = width;

	if (len <= width)
	{
		return len;
	}
	while (n > 0 && s[n] != ' ')
	{
		n--;
	}
	return n > 0 ? n : width;
}

void words_wrap(struct text *t, const char *first, const char *next,
				const char *s, size_t width)
{
	const char *lead = first;

	do
	{
		size_t n = line_length(s, width - strlen(lead));

		text_addf(t, "%s%.*s\n", lead, (int)n, s);
		s += n;
		s += strspn(s, " ");
		lead = next;
	}
	while (*s);
}

void words_cut(struct text *t, size_t from, size_t width)
{
	struct text cut = {0};
	const char *line = text_str(t) + from;

	while (*line)
	{
		size_t len = strcspn(line, "\n");

		if (len > width)
		{
			text_addf(&cut, "%.*s...\n", (int)width - 3, line);
		}
		else
		{
			text_addf(&cut, "%.*s\n", (int)len, line);
		}
		line += len + (line[len] == '\n');
	}
	t->len = from;
	text_add(t, text_str(&cut));
	text_done(&cut);
}

size_t words_lines(const char *s)
{
	size_t n = 0;

	for (; *s; s++)
	{
		n += *s == '\n';
	}
	return n;
}
