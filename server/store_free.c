/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * store_free.c - addresses and router ids that change hands within one change
 *
 * Two CEs or sites that change places would each find the other's still taken.
 * So who gets another one lets go of it first: until it is set, its row has one
 * that no router can have, and what it was is remembered here.
 */
#include "config.h"

#include <errno.h>

#include "server/store_work.h"

/* Of class E for sites, multicast for CEs: addr_is_host() refuses both. */
#define NOT_A_HOST(block, id) \
	addr_from_u32((block) | ((uint32_t)(id) & UINT32_C(0x0fffffff)))
#define OF_SITES UINT32_C(0xf0000000)
#define OF_CES UINT32_C(0xe0000000)

static struct store_freed *find(struct store *s, enum conf_kind kind,
								uint64_t id)
{
	struct store_work *w = s->work;
	size_t i;

	for (i = 0; i < w->freed_count; i++)
	{
		if (w->freed[i].kind == kind && w->freed[i].id == id)
		{
			return &w->freed[i];
		}
	}
	return NULL;
}

static void remember(struct store *s, enum conf_kind kind, uint64_t id,
					 const struct addr *address, const struct addr *router_id)
{
	struct store_work *w = s->work;
	struct store_freed *freed = store_array_add(w->a, (void **)&w->freed,
		&w->freed_count, sizeof(*freed));

	*freed = (struct store_freed){ .kind = kind, .id = id,
								   .address = *address };
	if (router_id)
	{
		freed->router_id = *router_id;
	}
}

/* An address (s) that stands for none. */
static int take(struct store *s, const char *address, int64_t ce_id,
				struct err *e)
{
	return db_run(s->db, "INSERT INTO ce_address (address, ce_id) "
				  "VALUES ($1, $2)", DB_ARGS(db_t(address), db_i(ce_id)), e);
}

int store_free_ce(struct store *s, const struct store_ce *ce, struct err *e)
{
	const struct addr none = NOT_A_HOST(OF_CES, ce->id);
	int64_t id = (int64_t)ce->id;
	char text[ADDR_TEXT_MAX];
	int rc;

	if (find(s, CONF_CE, ce->id))
	{
		return 0;
	}
	remember(s, CONF_CE, ce->id, &ce->address, NULL);
	addr_str(&none, text);
	if ((rc = take(s, text, id, e)) < 0 ||
		(rc = db_run(s->db, "UPDATE ce SET address = $2 WHERE id = $1",
					 DB_ARGS(db_i(id), db_t(text)), e)) < 0)
	{
		return rc;
	}
	return store_addresses_drop(s, id, e);
}

int store_free_site(struct store *s, const struct store_site *site,
					struct err *e)
{
	const struct addr none = NOT_A_HOST(OF_SITES, site->id);
	int64_t id = (int64_t)site->id, customer_id, ce_id;
	char text[ADDR_TEXT_MAX];
	int rc;

	if (find(s, CONF_SITE, site->id))
	{
		return 0;
	}
	remember(s, CONF_SITE, site->id, &site->ce_address, &site->router_id);
	addr_str(&none, text);
	if ((rc = store_ce_id(s, site->customer, site->ce, &customer_id, &ce_id,
						  e)) < 0 ||
		(rc = take(s, text, ce_id, e)) < 0 ||
		(rc = db_run(s->db, "UPDATE site SET ce_address = $2, router_id = $2 "
					 "WHERE id = $1", DB_ARGS(db_i(id), db_t(text)), e)) < 0)
	{
		return rc;
	}
	return store_addresses_drop(s, ce_id, e);
}

void store_freed_ce(struct store *s, struct store_ce *ce)
{
	const struct store_freed *freed = s->work ? find(s, CONF_CE, ce->id)
											  : NULL;

	if (freed)
	{
		ce->address = freed->address;
	}
}

void store_freed_site(struct store *s, struct store_site *site)
{
	const struct store_freed *freed = s->work ? find(s, CONF_SITE, site->id)
											  : NULL;

	if (freed)
	{
		site->ce_address = freed->address;
		site->router_id = freed->router_id;
	}
}

void store_unfree(struct store *s, enum conf_kind kind, uint64_t id)
{
	struct store_freed *freed = find(s, kind, id);

	if (freed)
	{
		*freed = s->work->freed[--s->work->freed_count];
	}
}

int store_free_settle(struct store *s, struct err *e)
{
	return s->work->freed_count == 0 ? 0
		: err_set(e, -EIO, ERR_DATABASE, "address",
				  "what changes hands was let go of, but not taken");
}
