/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * admin_routes.c - print the admin API's routes, for test_openapi.py:
 * "METHOD PATH LEAST-ROLE BODY-BYTES" each
 */
#include "config.h"

#include <stdio.h>

#include "server/access.h"
#include "server/api_admin.h"

int main(void)
{
	const struct http_route *route;

	for (route = api_admin_routes; route->method; route++)
	{
		printf("%s %s %s %zu\n", route->method, route->path,
			   access_roles[ACCESS_ROLE_OF(route->access)], route->max_body);
	}
	return 0;
}
