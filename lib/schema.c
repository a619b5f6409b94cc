/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * schema.c - which version both sides have
 *
 * Pure.
 */
#include "config.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "model.h"
#include "schema.h"
#include "status.h"

#define NAME(name, encoder) name,
const char *const schema_config[] = { SCHEMA_CONFIG(NAME) NULL };
const char *const schema_status[] = { SCHEMA_STATUS(NAME) NULL };
#undef NAME

static bool is_first_version(const char *name)
{
	const char *slash = strrchr(name, '/');

	return slash && strcmp(slash, "/1") == 0;
}

static bool is_name(const char *name, const char *s, size_t len)
{
	return strlen(name) == len && memcmp(name, s, len) == 0;
}

int schema_common(const char *const *ours, const char *theirs)
{
	int i, best = -1;

	if (!theirs)
	{
		for (i = 0; ours[i] && !is_first_version(ours[i]); i++);
		return ours[i] ? i : -1;
	}
	if (strnlen(theirs, SCHEMA_HEADER_MAX + 1) > SCHEMA_HEADER_MAX)
	{
		return -1;
	}
	while (*theirs)
	{
		size_t len;

		theirs += strspn(theirs, " \t,");
		len = strcspn(theirs, " \t,");
		for (i = 0; ours[i] && (best < 0 || i < best); i++)
		{
			if (is_name(ours[i], theirs, len))
			{
				best = i;
				break;
			}
		}
		theirs += len;
	}
	return best;
}

void schema_list(const char *const *ours, char out[SCHEMA_LIST_SIZE])
{
	size_t len = 0;

	out[0] = '\0';
	for (; *ours; ours++)
	{
		size_t more = strlen(*ours) + (len ? 2 : 0);

		if (len + more >= SCHEMA_LIST_SIZE)
		{
			return;
		}
		snprintf(out + len, SCHEMA_LIST_SIZE - len, "%s%s", len ? ", " : "",
				 *ours);
		len += more;
	}
}
