/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * admin_authority.c - commands about the authorities of VPNs
 */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "alloc.h"
#include "name.h"
#include "server/admin.h"
#include "server/admin_read.h"

ADMIN_COMMAND(admin_authority_roll)
{
	char names[2][NAME_SIZE];
	struct arena *a = arena_new();
	int rc = place_parse(cli_arg(args, 0), 2, names, "CUSTOMER/VPN", e);

	(void)user;
	if (rc == 0)
	{
		rc = admin_change_shown(args, "POST",
								arena_printf(a, "/v1/vpns/%s/%s/authority/roll",
											 names[0], names[1]), NULL,
								cli_arg(args, 0), e);
	}
	arena_free(a);
	return rc;
}

static void print_authority(struct arena *a, const struct admin_authority *x)
{
	printf("%-16s%s, since %s (revision %llu)\n", "authority", x->state,
		   admin_wall_time(a, x->since_ms), (unsigned long long)x->revision);
	printf("%-16s%s\n", "fingerprint", x->fingerprint);
	printf("%-16s%s to %s\n", "good", admin_wall_time(a, x->issued_ms),
		   admin_wall_time(a, x->ends_ms));
	if (strcmp(x->state, "current") == 0)
	{
		printf("%-16s%s\n", "the next one", admin_wall_time(a, x->roll_ms));
	}
	printf("%-16s%llu of sites\n", "certificates",
		   (unsigned long long)x->certificates);
	printf("%-16s%llu revoked, number %llu, good to %s\n\n", "revocation list",
		   (unsigned long long)x->list.entries,
		   (unsigned long long)x->list.number,
		   admin_wall_time(a, x->list.ends_ms));
}

static void print_waits(struct arena *a, const struct admin_authorities *answer)
{
	static const char *const titles[] = { "SITE", "CE", "WAITS, FOR" };
	struct table t;
	size_t i;

	if (answer->count < 2)
	{
		return;
	}
	if (!answer->wait_count)
	{
		printf("All routers have that in force: the next step comes.\n");
		return;
	}
	table_init(&t, a, 3, titles);
	for (i = 0; i < answer->wait_count; i++)
	{
		table_add(&t, answer->waits[i].site);
		table_add(&t, answer->waits[i].ce);
		table_add(&t, answer->waits[i].reason);
	}
	table_print(&t);
}

static int authority_show(const struct cli_args *args, struct arena *a,
						  struct err *e)
{
	struct admin_authorities answer = { 0 };
	char names[2][NAME_SIZE];
	bool done;
	size_t i;
	int rc = place_parse(cli_arg(args, 0), 2, names, "CUSTOMER/VPN", e);

	if (rc < 0)
	{
		return rc;
	}
	rc = admin_get(args, a, arena_printf(a, "/v1/vpns/%s/%s/authority",
										 names[0], names[1]),
				   admin_authorities_rows, &answer, &done, e);
	if (rc < 0 || done)
	{
		return rc;
	}
	if (!answer.count)
	{
		printf("The VPN has no authority: its tunnels have pre-shared keys.\n");
		return 0;
	}
	for (i = 0; i < answer.count; i++)
	{
		print_authority(a, &answer.list[i]);
	}
	print_waits(a, &answer);
	return 0;
}

ADMIN_COMMAND(admin_authority_show)
{
	struct arena *a = arena_new();
	int rc = authority_show(args, a, e);

	(void)user;
	arena_free(a);
	return rc;
}
