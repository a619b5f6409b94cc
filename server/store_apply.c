/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * store_apply.c - a customer's whole configuration: read, and made so
 *
 * Compares what is wanted with what is, and does the changes of store.h for the
 * difference: first what goes, then what comes, so that names, addresses and
 * router ids that change hands are free in time.
 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "server/store_apply.h"
#include "server/store_work.h"

/* ---- as it is ------------------------------------------------------------------- */

static int read_vpns(struct store *s, struct arena *a, const char *customer,
					 struct conf_customer *out, struct err *e)
{
	struct store_vpn *vpns;
	struct conf_vpn *v;
	size_t i;
	int rc;

	rc = store_vpns(s, a, customer, &vpns, &out->vpn_count, e);
	if (rc < 0)
	{
		return rc;
	}
	out->vpns = arena_calloc(a, out->vpn_count, sizeof(*out->vpns));
	for (i = 0; rc == 0 && i < out->vpn_count; i++)
	{
		v = &out->vpns[i];
		v->vpn = vpns[i];
		if ((rc = store_profiles(s, a, customer, v->vpn.vpn, &v->profiles,
								 &v->profile_count, e)) == 0 &&
			(rc = store_sites(s, a, customer, v->vpn.vpn, &v->sites,
							  &v->site_count, e)) == 0)
		{
			rc = store_links(s, a, customer, v->vpn.vpn, &v->links,
							 &v->link_count, e);
		}
	}
	return rc;
}

static int read_customer(struct store *s, struct arena *a,
						 const char *customer, struct conf_customer *out,
						 struct err *e)
{
	int rc;

	memset(out, 0, sizeof(*out));
	if ((rc = store_customer_get(s, a, customer, &out->customer, e)) < 0 ||
		(rc = store_ces(s, a, customer, &out->ces, &out->ce_count, e)) < 0)
	{
		return rc;
	}
	return read_vpns(s, a, customer, out, e);
}

int store_conf_read(struct store *s, struct arena *a, const char *customer,
					struct conf_customer *out, struct err *e)
{
	int rc = db_begin(s->db, false, e);

	if (rc == 0)
	{
		rc = read_customer(s, a, customer, out, e);
		db_rollback(s->db);
	}
	return rc;
}

/* ---- sorted by name, to be compared side by side ----------------------------------- */

static int by_ce(const void *a, const void *b)
{
	return strcmp(((const struct store_ce *)a)->ce,
				  ((const struct store_ce *)b)->ce);
}

static int by_vpn(const void *a, const void *b)
{
	return strcmp(((const struct conf_vpn *)a)->vpn.vpn,
				  ((const struct conf_vpn *)b)->vpn.vpn);
}

static int by_profile(const void *a, const void *b)
{
	return strcmp(((const struct store_profile *)a)->name,
				  ((const struct store_profile *)b)->name);
}

static int by_site(const void *a, const void *b)
{
	return strcmp(((const struct store_site *)a)->site,
				  ((const struct store_site *)b)->site);
}

static int by_link(const void *a, const void *b)
{
	const struct store_link *x = a, *y = b;
	int rc = strcmp(x->site[0], y->site[0]);

	return rc ? rc : strcmp(x->site[1], y->site[1]);
}

typedef int (*compare_fn)(const void *a, const void *b);

/* Sort; EXISTS when two have the same name. */
static int sort_unique(void *items, size_t count, size_t size,
					   compare_fn compare, const char *what, struct err *e)
{
	size_t i;

	if (count > 1)
	{
		qsort(items, count, size, compare);
	}
	for (i = 1; i < count; i++)
	{
		if (compare((char *)items + (i - 1) * size,
					(char *)items + i * size) == 0)
		{
			return err_set(e, -EINVAL, ERR_EXISTS, what,
						   "one of the %s stands there twice", what);
		}
	}
	return 0;
}

static int sort_vpn(struct conf_vpn *v, struct err *e)
{
	char *swap;
	size_t i;
	int rc;

	for (i = 0; i < v->link_count; i++)
	{
		if (strcmp(v->links[i].site[0], v->links[i].site[1]) > 0)
		{
			swap = v->links[i].site[0];
			v->links[i].site[0] = v->links[i].site[1];
			v->links[i].site[1] = swap;
		}
	}
	if ((rc = sort_unique(v->profiles, v->profile_count,
						  sizeof(*v->profiles), by_profile, "profiles",
						  e)) < 0 ||
		(rc = sort_unique(v->sites, v->site_count, sizeof(*v->sites), by_site,
						  "sites", e)) < 0 ||
		(rc = sort_unique(v->links, v->link_count, sizeof(*v->links), by_link,
						  "links", e)) < 0)
	{
		err_prefix(e, "VPN %s", v->vpn.vpn);
	}
	return rc;
}

static int sort_all(struct conf_customer *c, struct err *e)
{
	size_t i;
	int rc;

	if ((rc = sort_unique(c->ces, c->ce_count, sizeof(*c->ces), by_ce, "ces",
						  e)) < 0 ||
		(rc = sort_unique(c->vpns, c->vpn_count, sizeof(*c->vpns), by_vpn,
						  "vpns", e)) < 0)
	{
		return rc;
	}
	for (i = 0; rc == 0 && i < c->vpn_count; i++)
	{
		rc = sort_vpn(&c->vpns[i], e);
	}
	return rc;
}

static void *find(const void *key, const void *items, size_t count,
				  size_t size, compare_fn compare)
{
	return count ? bsearch(key, items, count, size, compare) : NULL;
}

#define FIND(key, list, count, compare) \
	find(key, list, count, sizeof(*(list)), compare)

/* ---- what goes ------------------------------------------------------------------------ */

static int unset_link(struct store *s, const struct store_link *link,
					  struct err *e)
{
	struct store_link nothing = { .customer = link->customer,
								  .vpn = link->vpn };

	nothing.site[0] = link->site[0];
	nothing.site[1] = link->site[1];
	return store_link_set(s, &nothing, e);
}

/* A site at another CE is another site of the same name. */
static bool site_stays(const struct conf_vpn *want,
					   const struct store_site *site)
{
	const struct store_site *other = want
		? FIND(site, want->sites, want->site_count, by_site) : NULL;

	return other && strcmp(other->ce, site->ce) == 0;
}

static int remove_from_vpn(struct store *s, const struct conf_vpn *want,
						   const struct conf_vpn *have, struct err *e)
{
	size_t i;
	int rc = 0;

	for (i = 0; rc == 0 && i < have->link_count; i++)
	{
		if (!want || !FIND(&have->links[i], want->links, want->link_count,
						   by_link))
		{
			rc = unset_link(s, &have->links[i], e);
		}
	}
	for (i = 0; rc == 0 && i < have->site_count; i++)
	{
		if (!site_stays(want, &have->sites[i]))
		{
			rc = store_site_remove(s, have->vpn.customer, have->vpn.vpn,
								   have->sites[i].site, "site-removed", e);
		}
	}
	for (i = 0; rc == 0 && !want && i < have->profile_count; i++)
	{
		rc = store_profile_remove(s, have->vpn.customer, have->vpn.vpn,
								  have->profiles[i].name, e);
	}
	return rc < 0 || want ? rc : store_vpn_remove(s, have->vpn.customer,
												  have->vpn.vpn, e);
}

static int remove_old(struct store *s, const struct conf_customer *want,
					  const struct conf_customer *have, struct err *e)
{
	size_t i;
	int rc = 0;

	for (i = 0; rc == 0 && i < have->vpn_count; i++)
	{
		rc = remove_from_vpn(s, FIND(&have->vpns[i], want->vpns,
									 want->vpn_count, by_vpn),
							 &have->vpns[i], e);
	}
	for (i = 0; rc == 0 && i < have->ce_count; i++)
	{
		if (!FIND(&have->ces[i], want->ces, want->ce_count, by_ce))
		{
			rc = store_ce_remove(s, have->ces[i].customer, have->ces[i].ce,
								 e);
		}
	}
	return rc;
}

/* ---- what changes hands ------------------------------------------------------------------- */

/* Where a site is to be, and with which router id. */
static bool site_moves(const struct conf_customer *want,
					   const struct store_site *to,
					   const struct store_site *from)
{
	const struct store_ce key = { .ce = to->ce };
	const struct store_ce *ce = FIND(&key, want->ces, want->ce_count, by_ce);
	const struct addr *address = to->ce_address.family || !ce
		? &to->ce_address : &ce->address;

	return !addr_equal(address, &from->ce_address) ||
		   (to->router_id.family &&
			!addr_equal(&to->router_id, &from->router_id));
}

static int free_sites(struct store *s, const struct conf_customer *want,
					  const struct conf_vpn *to, const struct conf_vpn *from,
					  struct err *e)
{
	const struct store_site *site;
	size_t i;
	int rc = 0;

	for (i = 0; rc == 0 && i < from->site_count; i++)
	{
		site = FIND(&from->sites[i], to->sites, to->site_count, by_site);
		if (site && site_stays(to, &from->sites[i]) &&
			site_moves(want, site, &from->sites[i]))
		{
			rc = store_free_site(s, &from->sites[i], e);
		}
	}
	return rc;
}

static int free_old(struct store *s, const struct conf_customer *want,
					const struct conf_customer *have, struct err *e)
{
	const struct conf_vpn *vpn;
	const struct store_ce *ce;
	size_t i;
	int rc = 0;

	for (i = 0; rc == 0 && i < have->vpn_count; i++)
	{
		vpn = FIND(&have->vpns[i], want->vpns, want->vpn_count, by_vpn);
		rc = vpn ? free_sites(s, want, vpn, &have->vpns[i], e) : 0;
	}
	for (i = 0; rc == 0 && i < have->ce_count; i++)
	{
		ce = FIND(&have->ces[i], want->ces, want->ce_count, by_ce);
		if (ce && !addr_equal(&ce->address, &have->ces[i].address))
		{
			rc = store_free_ce(s, &have->ces[i], e);
		}
	}
	return rc;
}

/* ---- what comes or changes -------------------------------------------------------------- */

/* choosing: those that get a router id that is free, else those that have one */
static int put_some_sites(struct store *s, const struct conf_vpn *want,
						  const struct conf_vpn *have, bool choosing,
						  struct err *e)
{
	const struct store_site *site, *before;
	bool stays;
	size_t i;
	int rc = 0;

	for (i = 0; rc == 0 && i < want->site_count; i++)
	{
		site = &want->sites[i];
		before = have ? FIND(site, have->sites, have->site_count, by_site)
					  : NULL;
		stays = before && strcmp(before->ce, site->ce) == 0;
		if ((!stays && !site->router_id.family) == choosing)
		{
			rc = stays ? store_site_set(s, site, e)
					   : store_site_add(s, site, e);
		}
	}
	return rc;
}

/* What the file says of router ids is not free for those of which it says none. */
static int put_sites(struct store *s, const struct conf_vpn *want,
					 const struct conf_vpn *have, struct err *e)
{
	int rc = put_some_sites(s, want, have, false, e);

	return rc < 0 ? rc : put_some_sites(s, want, have, true, e);
}

static int put_vpn(struct store *s, const struct conf_vpn *want,
				   const struct conf_vpn *have, struct err *e)
{
	size_t i;
	int rc;

	rc = have ? store_vpn_set(s, &want->vpn, NULL, 0, e)
			  : store_vpn_add(s, &want->vpn, e);
	for (i = 0; rc == 0 && i < want->profile_count; i++)
	{
		rc = have && FIND(&want->profiles[i], have->profiles,
						  have->profile_count, by_profile)
			? store_profile_set(s, &want->profiles[i], e)
			: store_profile_add(s, &want->profiles[i], e);
	}
	if (rc == 0)
	{
		rc = put_sites(s, want, have, e);
	}
	for (i = 0; rc == 0 && i < want->link_count; i++)
	{
		rc = store_link_set(s, &want->links[i], e);
	}
	return rc;
}

/* Profiles that nothing refers to any more. */
static int remove_profiles(struct store *s, const struct conf_vpn *want,
						   const struct conf_vpn *have, struct err *e)
{
	size_t i;
	int rc = 0;

	for (i = 0; rc == 0 && have && i < have->profile_count; i++)
	{
		if (!FIND(&have->profiles[i], want->profiles, want->profile_count,
				  by_profile))
		{
			rc = store_profile_remove(s, have->vpn.customer, have->vpn.vpn,
									  have->profiles[i].name, e);
		}
	}
	return rc;
}

static int put_new(struct store *s, const struct conf_customer *want,
				   const struct conf_customer *have, struct err *e)
{
	const struct conf_vpn *before;
	size_t i;
	int rc = 0;

	for (i = 0; rc == 0 && i < want->ce_count; i++)
	{
		rc = FIND(&want->ces[i], have->ces, have->ce_count, by_ce)
			? store_ce_set(s, &want->ces[i], e)
			: store_ce_add(s, &want->ces[i], e);
	}
	for (i = 0; rc == 0 && i < want->vpn_count; i++)
	{
		before = FIND(&want->vpns[i], have->vpns, have->vpn_count, by_vpn);
		rc = put_vpn(s, &want->vpns[i], before, e);
		if (rc == 0)
		{
			rc = remove_profiles(s, &want->vpns[i], before, e);
		}
	}
	return rc;
}

/*
 * Where an address changes by itself the file has the one of its day: what was
 * followed since stays, as long as the file lets it.
 */
static void keep_followed(struct conf_customer *want,
						  const struct conf_customer *have)
{
	const struct store_ce *before;
	struct store_ce *ce;
	size_t i, k;

	for (i = 0; i < want->ce_count; i++)
	{
		ce = &want->ces[i];
		before = FIND(ce, have->ces, have->ce_count, by_ce);
		for (k = 0; before && before->dynamic_count &&
			 k < ce->dynamic_count; k++)
		{
			if (prefix_contains(&ce->dynamic[k], &before->address))
			{
				ce->address = before->address;
			}
		}
	}
}

static int apply(struct store *s, struct conf_customer *want, struct err *e)
{
	struct conf_customer have;
	int rc;

	if ((rc = sort_all(want, e)) < 0)
	{
		return rc;
	}
	s->work->applying = true;
	rc = read_customer(s, s->work->a, want->customer.customer, &have, e);
	if (rc == -ENOENT)
	{
		memset(&have, 0, sizeof(have));
		rc = store_customer_add(s, &want->customer, e);
	}
	else if (rc == 0)
	{
		rc = store_customer_set(s, &want->customer, e);
	}
	if (rc == 0)
	{
		keep_followed(want, &have);
	}
	if (rc < 0 || (rc = remove_old(s, want, &have, e)) < 0 ||
		(rc = free_old(s, want, &have, e)) < 0)
	{
		return rc;
	}
	return put_new(s, want, &have, e);
}

int store_conf_apply(struct store *s, struct conf_customer *want,
					 struct err *e)
{
	int rc = store_need_change(s, e);

	return rc < 0 ? rc : store_changed(s, apply(s, want, e));
}
