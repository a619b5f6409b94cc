/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * name.c - identifiers, places, connection names
 *
 * Pure. Allocates nothing.
 */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "name.h"

static const char conn_prefix[] = "ppvpn:";

static bool is_alnum(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

static bool is_label(const char *s, size_t len)
{
	size_t i;

	if (!len || len > NAME_MAX_LEN || !is_alnum(s[0]) || !is_alnum(s[len - 1]))
	{
		return false;
	}
	for (i = 0; i < len; i++)
	{
		if (!is_alnum(s[i]) && s[i] != '-')
		{
			return false;
		}
	}
	return true;
}

/* take the label that ends at sep or the end of *s; out may be NULL */
static bool next_label(const char **s, char sep, char out[NAME_SIZE])
{
	size_t len = strcspn(*s, (char[]){ sep, '\0' });

	if (!is_label(*s, len))
	{
		return false;
	}
	if (out)
	{
		memcpy(out, *s, len);
		out[len] = '\0';
	}
	*s += len;
	return true;
}

bool name_is_label(const char *s)
{
	return is_label(s, strnlen(s, NAME_MAX_LEN + 1));
}

bool name_is_labels(const char *s)
{
	return next_label(&s, '.', NULL) && (!*s || name_is_label(s + 1));
}

bool name_is_fqdn(const char *s)
{
	unsigned labels = 0;

	if (strnlen(s, FQDN_SIZE) >= FQDN_SIZE)
	{
		return false;
	}
	for (;;)
	{
		if (!next_label(&s, '.', NULL))
		{
			return false;
		}
		labels++;
		if (!*s)
		{
			return labels > 1;
		}
		s++;
	}
}

int place_parse(const char *s, unsigned n, char out[][NAME_SIZE],
				const char *what, struct err *e)
{
	const char *rest = s;
	unsigned i;

	for (i = 0; i < n; i++)
	{
		if (!next_label(&rest, '/', out[i]) || (i + 1 < n && *rest++ != '/'))
		{
			break;
		}
	}
	if (i < n || *rest)
	{
		return err_set(e, -EINVAL, ERR_NAME, s, "not a %s", what);
	}
	return 0;
}

void conn_name_build(char out[CONN_NAME_SIZE], const char *customer,
					 const char *vpn, const char *peer)
{
	snprintf(out, CONN_NAME_SIZE, "%s%s:%s:%s", conn_prefix, customer, vpn,
			 peer);
}

bool conn_name_split(const char *name, char customer[NAME_SIZE],
					 char vpn[NAME_SIZE], char peer[NAME_SIZE])
{
	if (strncmp(name, conn_prefix, strlen(conn_prefix)) != 0)
	{
		return false;
	}
	name += strlen(conn_prefix);
	return next_label(&name, ':', customer) && *name++ == ':' &&
		   next_label(&name, ':', vpn) && *name++ == ':' &&
		   next_label(&name, ':', peer) && !*name;
}
