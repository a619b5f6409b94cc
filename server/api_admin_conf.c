/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * api_admin_conf.c - questions about the configuration and its history
 *
 * Whole customers, SA profiles, what is said of single tunnels, and what a
 * revision changed.
 */
#include "config.h"

#include <errno.h>
#include <string.h>

#include "alloc.h"
#include "text.h"
#include "server/api_admin_ask.h"
#include "server/api_admin_write.h"
#include "server/store_apply.h"

static int config_get(struct admin_ask *q)
{
	struct conf_customer conf;
	int rc = store_conf_read(q->store, q->arena, q->customer, &conf, &q->e);

	if (rc == 0)
	{
		conf_json_write(&q->o, &conf, q->api->domain);
	}
	return rc;
}

static int profiles(struct admin_ask *q)
{
	struct store_profile *list;
	size_t i, count;
	int rc = admin_check_filter(q);

	jo_object(&q->o, NULL);
	jo_array(&q->o, "profiles");
	while (rc == 0 && admin_next_customer(q))
	{
		rc = store_profiles(q->store, q->arena, q->customer, q->vpn, &list, &count,
				&q->e);
		for (i = 0; rc == 0 && i < count; i++)
		{
			admin_write_profile(&q->o, &list[i]);
		}
	}
	jo_array_end(&q->o);
	jo_object_end(&q->o);
	return rc;
}

static int links(struct admin_ask *q)
{
	struct store_link *list;
	size_t i, count;
	int rc = admin_check_filter(q);

	jo_object(&q->o, NULL);
	jo_array(&q->o, "links");
	while (rc == 0 && admin_next_customer(q))
	{
		rc = store_links(q->store, q->arena, q->customer, q->vpn, &list, &count,
				&q->e);
		for (i = 0; rc == 0 && i < count; i++)
		{
			admin_write_link(&q->o, &list[i]);
		}
	}
	jo_array_end(&q->o);
	jo_object_end(&q->o);
	return rc;
}

static int revision(struct admin_ask *q)
{
	const char *text = http_request_segment(q->req, "revision");
	struct store_audit_object *objects;
	uint64_t number;
	size_t i, count;
	int rc;

	if (!text || text_to_u64(text, 1, INT64_MAX, &number) < 0)
	{
		return err_set(&q->e, -EINVAL, ERR_USAGE, text ? text : "",
					   "not the number of a revision");
	}
	rc = store_audit_objects(q->store, q->arena, number, &objects, &count,
							 &q->e);
	if (rc < 0)
	{
		return rc;
	}
	jo_object(&q->o, NULL);
	jo_u64(&q->o, "revision", number);
	jo_array(&q->o, "objects");
	for (i = 0; i < count; i++)
	{
		/* who else is an operator: as under /v1/operators */
		if (strcmp(objects[i].kind, conf_kinds[CONF_OPERATOR]) != 0 ||
			q->who->access.all == ACCESS_ADMIN)
		{
			admin_write_audit_object(&q->o, &objects[i]);
		}
	}
	jo_array_end(&q->o);
	jo_object_end(&q->o);
	return 0;
}

#define HANDLER(name, fn) \
	ADMIN_HANDLER(name) \
	{ \
		return admin_ask(req, resp, store, user, fn); \
	}

HANDLER(admin_config_get, config_get)
HANDLER(admin_profiles, profiles)
HANDLER(admin_links, links)
HANDLER(admin_revision, revision)
