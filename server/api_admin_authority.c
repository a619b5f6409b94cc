/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * api_admin_authority.c - authorities of VPNs: which there are, and the request
 * that another one takes over
 */
#include "config.h"

#include <stdio.h>

#include "alloc.h"
#include "server/api_admin_ask.h"
#include "server/api_admin_change.h"
#include "server/authority.h"
#include "server/rotation.h"

static void write_ms(struct json_out *o, const char *key, int64_t ms)
{
	jo_u64(o, key, ms > 0 ? (uint64_t)ms : 0);
}

static void write_authority(struct json_out *o,
							const struct store_authority *a)
{
	jo_object(o, NULL);
	jo_str(o, "state", authority_states[a->state]);
	jo_str(o, "fingerprint", a->fingerprint);
	jo_u64(o, "revision", a->revision);
	write_ms(o, "since-ms", a->state_ms);
	write_ms(o, "issued-ms", a->issued_ms);
	write_ms(o, "ends-ms", a->ends_ms);
	write_ms(o, "roll-ms", a->roll_ms);
	jo_u64(o, "certificates", a->certificates);
	jo_object(o, "revocation-list");
	jo_u64(o, "number", a->list_number);
	jo_u64(o, "entries", a->list_entries);
	write_ms(o, "issued-ms", a->list_issued_ms);
	write_ms(o, "ends-ms", a->list_ends_ms);
	jo_object_end(o);
	jo_str(o, "ca-data", a->cert);
	jo_object_end(o);
}

static int authority(struct admin_ask *q)
{
	struct store_authority *list;
	struct store_authority_wait *waits;
	size_t i, count, wait_count;
	int rc = store_authorities(q->store, q->arena, q->customer, q->vpn, &list,
							   &count, &waits, &wait_count, &q->e);

	if (rc < 0)
	{
		return rc;
	}
	jo_object(&q->o, NULL);
	jo_u64(&q->o, "now-ms", (uint64_t)admin_now_ms());
	jo_array(&q->o, "authorities");
	for (i = 0; i < count; i++)
	{
		write_authority(&q->o, &list[i]);
	}
	jo_array_end(&q->o);
	jo_array(&q->o, "waits-for");
	for (i = 0; i < wait_count; i++)
	{
		jo_object(&q->o, NULL);
		jo_str(&q->o, "site", waits[i].site);
		jo_str(&q->o, "ce", waits[i].ce);
		jo_str(&q->o, "reason", rotation_waits[waits[i].wait]);
		jo_object_end(&q->o);
	}
	jo_array_end(&q->o);
	jo_object_end(&q->o);
	return 0;
}

ADMIN_HANDLER(admin_authority)
{
	return admin_ask(req, resp, store, user, authority);
}

static int roll(struct admin_change *c)
{
	const char *customer, *vpn;
	int rc;

	if ((rc = admin_segment(c, "customer", &customer)) < 0 ||
		(rc = admin_segment(c, "vpn", &vpn)) < 0)
	{
		return rc;
	}
	snprintf(c->what, sizeof(c->what), "authority roll %s/%s", customer, vpn);
	return store_authority_roll(c->store, customer, vpn, &c->e);
}

ADMIN_HANDLER(admin_authority_roll)
{
	return admin_do_change(req, resp, store, user, roll);
}
