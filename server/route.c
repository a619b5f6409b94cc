/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * route.c - split, decode and match request targets
 */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "server/route.h"

static int digit(char c)
{
	if (c >= '0' && c <= '9')
	{
		return c - '0';
	}
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Decode in place; -EINVAL for a bad escape or a byte nobody needs. */
static int decode(char *s, bool query)
{
	char *out = s;

	for (; *s; s++)
	{
		int c = (unsigned char)*s;

		if (c == '%')
		{
			int high = digit(s[1]);
			int low = high < 0 ? -1 : digit(s[2]);

			if (low < 0)
			{
				return -EINVAL;
			}
			c = high * 16 + low;
			s += 2;
		}
		if (c < 0x20 || c > 0x7e || (c == '/' && !query))
		{
			return -EINVAL;
		}
		*out++ = (char)c;
	}
	*out = '\0';
	return 0;
}

static int add_segment(struct route_target *t, char *s)
{
	if (t->segment_count == ROUTE_SEGMENTS_MAX)
	{
		return -ENAMETOOLONG;
	}
	if (decode(s, false) || !*s || strcmp(s, ".") == 0 || strcmp(s, "..") == 0)
	{
		return -EINVAL;
	}
	t->segments[t->segment_count++] = s;
	return 0;
}

static int add_query(struct route_target *t, char *s)
{
	char *value = strchr(s, '=');

	if (t->query_count == ROUTE_QUERY_MAX)
	{
		return -ENAMETOOLONG;
	}
	if (value)
	{
		*value++ = '\0';
	}
	else
	{
		value = s + strlen(s);
	}
	if (decode(s, true) || decode(value, true) || !*s || route_query(t, s))
	{
		return -EINVAL;
	}
	t->query[t->query_count].name = s;
	t->query[t->query_count++].value = value;
	return 0;
}

/* Cut s at every separator and hand the pieces over. */
static int split(struct route_target *t, char *s, char separator,
				 int (*add)(struct route_target *t, char *s))
{
	while (s)
	{
		char *next = strchr(s, separator);
		int rc;

		if (next)
		{
			*next++ = '\0';
		}
		rc = add(t, s);
		if (rc)
		{
			return rc;
		}
		s = next;
	}
	return 0;
}

int route_parse(const char *target, struct route_target *out)
{
	char *query;
	int rc = 0;

	*out = (struct route_target){ 0 };
	if (target[0] != '/')
	{
		return -EINVAL;
	}
	if (strlen(target) > ROUTE_TARGET_MAX)
	{
		return -ENAMETOOLONG;
	}
	out->text = xstrdup(target + 1);
	query = strchr(out->text, '?');
	if (query)
	{
		*query++ = '\0';
	}
	if (*out->text)
	{
		rc = split(out, out->text, '/', add_segment);
	}
	if (!rc && query && *query)
	{
		rc = split(out, query, '&', add_query);
	}
	if (rc)
	{
		route_target_done(out);
	}
	return rc;
}

void route_target_done(struct route_target *t)
{
	free(t->text);
	*t = (struct route_target){ 0 };
}

/*
 * Walk pattern along the segments. With name given: the segment in the place of
 * "{name}"; without: non-NULL when all of it fits.
 */
static const char *walk(const char *pattern, const struct route_target *t,
						const char *name)
{
	size_t i = 0;

	while (*pattern == '/' && pattern[1])
	{
		size_t len = strcspn(++pattern, "/");

		if (i == t->segment_count)
		{
			return NULL;
		}
		if (pattern[0] == '{')
		{
			if (name && strlen(name) == len - 2 &&
				strncmp(name, pattern + 1, len - 2) == 0)
			{
				return t->segments[i];
			}
		}
		else if (strlen(t->segments[i]) != len ||
				 strncmp(pattern, t->segments[i], len) != 0)
		{
			return NULL;
		}
		pattern += len;
		i++;
	}
	return i == t->segment_count && !name ? "" : NULL;
}

int route_find(const struct http_route *routes, const char *method,
			   const struct route_target *target,
			   const struct http_route **route, char allow[ROUTE_ALLOW_SIZE])
{
	size_t len = 0;

	allow[0] = '\0';
	for (; routes->method; routes++)
	{
		if (!walk(routes->path, target, NULL))
		{
			continue;
		}
		if (strcmp(routes->method, method) == 0)
		{
			*route = routes;
			return 0;
		}
		if (len < ROUTE_ALLOW_SIZE)
		{
			len += (size_t)snprintf(allow + len, ROUTE_ALLOW_SIZE - len, "%s%s",
									len ? ", " : "", routes->method);
		}
	}
	return len ? -EPERM : -ENOENT;
}

const char *route_segment(const char *pattern, const struct route_target *t,
						  const char *name)
{
	return walk(pattern, t, name);
}

const char *route_query(const struct route_target *t, const char *name)
{
	for (size_t i = 0; i < t->query_count; i++)
	{
		if (strcmp(t->query[i].name, name) == 0)
		{
			return t->query[i].value;
		}
	}
	return NULL;
}
