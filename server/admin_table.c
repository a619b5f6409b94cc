/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * admin_table.c - tables, ages and durations for a terminal
 */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "alloc.h"
#include "server/admin.h"

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

void table_print(const struct table *t)
{
	int *widths = arena_calloc(t->arena, t->columns, sizeof(*widths));
	unsigned column;
	size_t i;

	for (column = 0; column < t->columns; column++)
	{
		widths[column] = width_of(t, column);
	}
	for (i = 0; i < t->count; i++)
	{
		column = (unsigned)(i % t->columns);
		if (column + 1 == t->columns)
		{
			/* nothing after the last one */
			printf("%s\n", t->cells[i]);
		}
		else
		{
			printf("%-*s  ", widths[column], t->cells[i]);
		}
	}
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
