/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * admin_psk.c - commands that change pre-shared keys, and say how far that, and
 * moves to certificates and back, are
 */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "alloc.h"
#include "name.h"
#include "server/admin.h"
#include "server/admin_read.h"

#define ROWS_SHOWN 100		/* --json has them all */

/* /v1/vpns/A/B, /v1/sites/A/B/C or /v1/links/A/B/C/D of A/B[/C[/D]] */
static int rotate_path(const char *place, struct arena *a, char **path,
					   struct err *e)
{
	static const char *const forms[] = {
		"CUSTOMER/VPN[/SITE[/PEER]]", "CUSTOMER/VPN", "CUSTOMER/VPN/SITE",
		"CUSTOMER/VPN/SITE/PEER"
	};
	static const char *const collections[] = {
		"vpns", "vpns", "sites", "links"
	};
	char names[4][NAME_SIZE];
	unsigned parts = 1, i;
	const char *p;
	int rc;

	for (p = place; (p = strchr(p, '/')) && parts < 4; p++)
	{
		parts++;
	}
	rc = place_parse(place, parts == 1 ? 2 : parts, names, forms[parts - 1],
					 e);
	*path = arena_printf(a, "/v1/%s", collections[parts - 1]);
	for (i = 0; rc == 0 && i < parts; i++)
	{
		*path = arena_printf(a, "%s/%s", *path, names[i]);
	}
	*path = arena_printf(a, "%s/rotate", *path);
	return rc;
}

ADMIN_COMMAND(admin_psk_rotate)
{
	struct arena *a = arena_new();
	char *path;
	int rc = rotate_path(cli_arg(args, 0), a, &path, e);

	(void)user;
	if (rc == 0)
	{
		rc = admin_change_shown(args, "POST", path, NULL, cli_arg(args, 0),
								e);
	}
	arena_free(a);
	return rc;
}

/* "lyon-r1: it has an older document", of both ends, or what comes next. */
static const char *waits(struct arena *a, const struct admin_rotation *r)
{
	const char *text = "";
	size_t i;

	for (i = 0; i < r->wait_count; i++)
	{
		text = arena_printf(a, "%s%s%s: %s", text, i ? "; " : "",
							r->waits[i].ce, r->waits[i].reason);
	}
	return r->wait_count ? text : "its turn";
}

static const char *age_of(struct arena *a, const struct admin_time *since,
						  uint64_t now_ms)
{
	if (!since->there)
	{
		return "-";
	}
	return admin_age(a, now_ms > since->ms ? (now_ms - since->ms) / 1000 : 0);
}

static void print_rotations(struct arena *a,
							const struct admin_rotations *answer)
{
	static const char *const titles[] = {
		"VPN", "TUNNEL", "STEP", "TO", "FOR", "SINCE BEGUN", "WAITS FOR"
	};
	const struct admin_rotation *r;
	struct table t;
	size_t i;

	table_init(&t, a, 7, titles);
	for (i = 0; i < answer->count && i < ROWS_SHOWN; i++)
	{
		r = &answer->list[i];
		table_add(&t, arena_printf(a, "%s/%s", r->customer, r->vpn));
		table_add(&t, arena_printf(a, "%s %s", r->sites[0], r->sites[1]));
		table_add(&t, r->step);
		table_add(&t, r->to);
		table_add(&t, age_of(a, &r->stepped, answer->now_ms));
		table_add(&t, age_of(a, &r->begun, answer->now_ms));
		table_add(&t, waits(a, r));
	}
	table_print(&t);
	if (answer->total > i)
	{
		printf("... and %llu more\n", (unsigned long long)answer->total - i);
	}
}

/* nothing: to be said where there is none */
static int show_rotations(const struct cli_args *args, struct arena *a,
						  const char *nothing, struct err *e)
{
	struct admin_rotations answer = { 0 };
	char *query;
	bool done;
	int rc = admin_place_query(cli_arg(args, 0), a, &query, e);

	if (rc == 0 && strstr(query, "&site="))
	{
		rc = err_set(e, -EINVAL, ERR_NAME, cli_arg(args, 0),
					 "not a CUSTOMER or CUSTOMER/VPN");
	}
	if (rc < 0)
	{
		return rc;
	}
	rc = admin_get(args, a, arena_printf(a, "/v1/rotations%s", query),
				   admin_rotations_rows, &answer, &done, e);
	if (rc < 0 || done)
	{
		return rc;
	}
	if (!answer.count)
	{
		printf("%s\n", nothing);
		return 0;
	}
	print_rotations(a, &answer);
	return 0;
}

ADMIN_COMMAND(admin_psk_status)
{
	struct arena *a = arena_new();
	int rc = show_rotations(args, a, "No keys are being changed.", e);

	(void)user;
	arena_free(a);
	return rc;
}

ADMIN_COMMAND(admin_rotation_status)
{
	struct arena *a = arena_new();
	int rc = show_rotations(args, a, "No keys are being changed, and no "
							"tunnel is to move.", e);

	(void)user;
	arena_free(a);
	return rc;
}
