/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * admin_table.c - tables, ages and durations for a terminal
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "alloc.h"
#include "server/admin.h"

#define WIDTH 79
#define CELL_MIN 6

void table_init(struct table *t, struct arena *a, unsigned columns,
				const char *const *titles)
{
	unsigned i;

	*t = (struct table){ .arena = a, .columns = columns };
	for (i = 0; i < columns; i++)
	{
		table_add(t, titles[i]);
	}
}

void table_add(struct table *t, const char *cell)
{
	size_t n = t->count;
	const char **more;

	/* room doubles at every power of two */
	if ((n & (n - 1)) == 0)
	{
		more = arena_calloc(t->arena, n ? 2 * n : 1, sizeof(*more));
		if (n)
		{
			memcpy(more, t->cells, n * sizeof(*more));
		}
		t->cells = more;
	}
	t->cells[t->count++] = cell && *cell ? cell : "-";
}

static int width_of(const struct table *t, unsigned column)
{
	size_t i, width = 0;

	for (i = column; i < t->count; i += t->columns)
	{
		if (strlen(t->cells[i]) > width)
		{
			width = strlen(t->cells[i]);
		}
	}
	return (int)width;
}

/* Columns that there are for a table; 0: whatever it needs. */
static int terminal_width(void)
{
	const char *columns = getenv("COLUMNS");
	struct winsize size;
	uint64_t width;

	if (columns && text_to_u64(columns, 20, 10000, &width) == 0)
	{
		return (int)width;
	}
	if (!isatty(STDOUT_FILENO))
	{
		return 0;
	}
	return ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col >= 20
		? size.ws_col : 80;
}

/* Take from the widest until all fits, or nothing is left to take from. */
static void fit(int *widths, unsigned columns, int width)
{
	int sum = 2 * (int)(columns - 1);
	unsigned i, widest;

	for (i = 0; i < columns; i++)
	{
		sum += widths[i];
	}
	for (; width && sum > width; sum--)
	{
		for (i = 1, widest = 0; i < columns; i++)
		{
			widest = widths[i] > widths[widest] ? i : widest;
		}
		if (widths[widest] <= CELL_MIN)
		{
			break;
		}
		widths[widest]--;
	}
}

static void print_cell(const char *cell, int width, bool last)
{
	const int len = (int)strlen(cell);

	if (len > width)
	{
		printf("%.*s~%s", width - 1, cell, last ? "\n" : "  ");
	}
	else if (last)
	{
		/* nothing after the last one */
		printf("%s\n", cell);
	}
	else
	{
		printf("%-*s  ", width, cell);
	}
}

void table_print(const struct table *t)
{
	int *widths = arena_calloc(t->arena, t->columns, sizeof(*widths));
	unsigned column;
	size_t i;

	for (column = 0; column < t->columns; column++)
	{
		widths[column] = width_of(t, column);
	}
	fit(widths, t->columns, terminal_width());
	for (i = 0; i < t->count; i++)
	{
		column = (unsigned)(i % t->columns);
		print_cell(t->cells[i], widths[column], column + 1 == t->columns);
	}
}

void admin_print_filled(const char *title, unsigned indent, const char *text)
{
	unsigned column = (unsigned)printf("%-*s", (int)indent, title);

	while (*text)
	{
		const size_t len = strcspn(text, " ");

		if (column > indent && column + 1 + len > WIDTH)
		{
			printf("\n");
			column = 0;
		}
		if (column < indent)
		{
			printf("%*s", (int)(indent - column), "");
			column = indent;
		}
		else if (column > indent)
		{
			printf(" ");
			column++;
		}
		printf("%.*s", (int)len, text);
		column += (unsigned)len;
		text += len;
		text += strspn(text, " ");
	}
	printf(column ? "\n" : "");
}

const char *admin_age(struct arena *a, uint64_t seconds)
{
	if (seconds < 120)
	{
		return arena_printf(a, "%llu s", (unsigned long long)seconds);
	}
	if (seconds < 7200)
	{
		return arena_printf(a, "%llu min", (unsigned long long)seconds / 60);
	}
	if (seconds < 48 * 3600)
	{
		return arena_printf(a, "%llu h", (unsigned long long)seconds / 3600);
	}
	return arena_printf(a, "%llu d", (unsigned long long)seconds / 86400);
}

const char *admin_ms(struct arena *a, bool present, uint64_t ms)
{
	if (!present)
	{
		return "-";
	}
	if (ms < 10000)
	{
		return arena_printf(a, "%llu ms", (unsigned long long)ms);
	}
	return arena_printf(a, "%.1f s", (double)ms / 1000);
}
