/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * bundle.c - who a diagnostic bundle is of
 *
 * Pure.
 */
#include "config.h"

#include <string.h>

#include "server/bundle.h"

#define BLANK " \t\r\n"

/* Behind the string that begins at its quote. */
static const char *skip_string(const char *p)
{
	for (p++; *p && *p != '"'; p++)
	{
		p += *p == '\\' && p[1];
	}
	return *p ? p + 1 : p;
}

/* Is the string at its quote this one, escapes apart? */
static bool is_string(const char *p, const char *text)
{
	size_t len = strlen(text);

	return *p == '"' && strncmp(p + 1, text, len) == 0 && p[1 + len] == '"';
}

/* Behind a value: up to the comma or brace that ends it. */
static const char *skip_value(const char *p)
{
	unsigned depth = 0;

	while (*p && (depth || (*p != ',' && *p != '}')))
	{
		if (*p == '"')
		{
			p = skip_string(p);
			continue;
		}
		depth += *p == '{' || *p == '[';
		depth -= *p == '}' || *p == ']';
		p++;
	}
	return p;
}

bool bundle_says(const char *json, const char *member, const char *value)
{
	const char *p = json + strspn(json, BLANK);
	bool is_it;

	if (*p != '{')
	{
		return false;
	}
	do
	{
		p++;
		p += strspn(p, BLANK);
		is_it = is_string(p, member);
		p = *p == '"' ? skip_string(p) : p;
		p += strspn(p, BLANK ":");
		if (is_it)
		{
			return is_string(p, value);
		}
		p = skip_value(p);
	}
	while (*p == ',');
	return false;
}
