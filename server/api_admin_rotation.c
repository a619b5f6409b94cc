/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * api_admin_rotation.c - changing pre-shared keys: the request, and how far it is
 */
#include "config.h"

#include <stdio.h>

#include "alloc.h"
#include "server/api_admin_ask.h"
#include "server/api_admin_change.h"
#include "server/api_admin_write.h"

/* ---- beginning ------------------------------------------------------------- */

/* The path names a VPN, a site of it, or two of them. */
static int rotate(struct admin_change *c)
{
	const char *customer, *vpn, *site = NULL, *peer = NULL;
	uint64_t begun;
	int rc;

	if ((rc = admin_segment(c, "customer", &customer)) < 0 ||
		(rc = admin_segment(c, "vpn", &vpn)) < 0 ||
		(http_request_segment(c->req, "site") &&
		 (rc = admin_segment(c, "site", &site)) < 0) ||
		(http_request_segment(c->req, "peer") &&
		 (rc = admin_segment(c, "peer", &peer)) < 0))
	{
		return rc;
	}
	snprintf(c->what, sizeof(c->what), "psk rotate %s/%s%s%s%s%s", customer,
			 vpn, site ? "/" : "", site ? site : "", peer ? "/" : "",
			 peer ? peer : "");
	c->rotates = true;
	return store_rotation_begin(c->store, customer, vpn, site, peer, &begun,
								&c->rotating, &c->e);
}

ADMIN_HANDLER(admin_psk_rotate)
{
	return admin_do_change(req, resp, store, user, rotate);
}

/* ---- how far it is ---------------------------------------------------------- */

static int rotations(struct admin_ask *q)
{
	struct store_rotation *list;
	uint64_t all, total = 0;
	size_t count, i;
	int rc = admin_check_filter(q);

	jo_object(&q->o, NULL);
	jo_u64(&q->o, "now-ms", (uint64_t)admin_now_ms());
	jo_array(&q->o, "rotations");
	while (rc == 0 && admin_next_customer(q))
	{
		rc = store_rotations(q->store, q->arena, q->customer, q->vpn, &list,
							 &count, &all, &q->e);
		for (i = 0; rc == 0 && i < count; i++)
		{
			admin_write_rotation(&q->o, &list[i]);
		}
		total += rc == 0 ? all : 0;
	}
	jo_array_end(&q->o);
	jo_u64(&q->o, "total", total);
	jo_object_end(&q->o);
	return rc;
}

ADMIN_HANDLER(admin_rotations)
{
	return admin_ask(req, resp, store, user, rotations);
}
