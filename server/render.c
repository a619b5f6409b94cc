/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * render.c - from a CE's rows to its document
 *
 * Pure: no database, no clock, no log.
 */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "model_words.h"
#include "server/render.h"
#include "server/topology.h"
#include "text.h"

int render_identity(char out[FQDN_SIZE], const char *site,
					const struct store_vpn *vpn, struct err *e)
{
	int len = snprintf(out, FQDN_SIZE, "%s.%s.%s.%s", site, vpn->vpn,
					   vpn->customer, vpn->domain);

	if (len < 0 || len >= FQDN_SIZE || !name_is_fqdn(out))
	{
		return err_set(e, -EINVAL, ERR_NAME, site,
					   "the identity %s.%s.%s.%s would be longer than %d bytes",
					   site, vpn->vpn, vpn->customer, vpn->domain,
					   FQDN_SIZE - 1);
	}
	return 0;
}

/* What follows the site in all identities of a VPN. */
static char *identity_tail(struct arena *a, const struct store_vpn *vpn)
{
	return arena_printf(a, ".%s.%s.%s", vpn->vpn, vpn->customer, vpn->domain);
}

/* Too long ones never get into the database; model_check() would see them. */
static char *identity(struct arena *a, const char *site, const char *tail)
{
	const size_t site_len = strlen(site), tail_len = strlen(tail);
	char *fqdn = arena_calloc(a, site_len + tail_len + 1, 1);

	memcpy(fqdn, site, site_len);
	memcpy(fqdn + site_len, tail, tail_len);
	return fqdn;
}

static int by_vpn(const void *a, const void *b)
{
	const struct render_vpn *va = a, *vb = b;
	int rc = strcmp(va->vpn.customer, vb->vpn.customer);

	return rc ? rc : strcmp(va->vpn.vpn, vb->vpn.vpn);
}

static int by_peer(const void *a, const void *b)
{
	return strcmp(((const struct model_peer *)a)->peer,
				  ((const struct model_peer *)b)->peer);
}

static int by_removed(const void *a, const void *b)
{
	return strcmp(((const struct model_removed *)a)->peer,
				  ((const struct model_removed *)b)->peer);
}

static void sort(void *base, size_t count, size_t size,
				 int (*compare)(const void *, const void *))
{
	if (count > 1)
	{
		qsort(base, count, size, compare);
	}
}

/* The further profiles that a peer uses, each once, behind the VPN's own. */
struct used
{
	const struct render_vpn *rows;
	struct model_profile *list;		/* of the document; own is list[0] */
	size_t count;
};

static int by_profile_name(const void *key, const void *item)
{
	return strcmp(key, ((const struct store_profile *)item)->name);
}

static const struct model_profile *use_profile(struct arena *a,
											   struct used *used,
											   const char *name)
{
	const struct store_profile *row = name
		? bsearch(name, used->rows->profiles, used->rows->profile_count,
				  sizeof(*row), by_profile_name) : NULL;
	struct model_profile *profile;
	char *full;
	size_t i;

	if (!row)
	{
		return &used->list[0];
	}
	full = arena_printf(a, "%s.%s", used->rows->vpn.vpn, name);
	for (i = 1; i < used->count; i++)
	{
		if (strcmp(used->list[i].name, full) == 0)
		{
			return &used->list[i];
		}
	}
	profile = &used->list[used->count++];
	*profile = row->profile;
	profile->name = full;
	return profile;
}

static void render_peers(struct arena *a, const struct render_vpn *rows,
						 struct used *used, struct model_vpn *out)
{
	const char *tail = identity_tail(a, &rows->vpn);
	const struct render_peer *row;
	struct model_peer *peer;
	size_t i;

	out->peers = arena_calloc(a, rows->peer_count, sizeof(*out->peers));
	out->peer_count = rows->peer_count;
	for (i = 0; i < rows->peer_count; i++)
	{
		row = &rows->peers[i];
		peer = &out->peers[i];
		peer->peer = row->site;
		peer->remote_address = row->ce_address;
		peer->behind_nat = row->behind_nat;
		peer->identity = identity(a, row->site, tail);
		peer->keys = row->keys;
		peer->key_count = row->key_count;
		peer->certificate = row->certificate;
		peer->certificate_use = row->certificate_use;
		peer->profile = use_profile(a, used, row->profile);
		peer->sa_profile = peer->profile->name;
		peer->cost = row->cost;
		/* said where it matters: to keep spokes apart a hub must know them */
		if (rows->vpn.topology == MODEL_HUB_SPOKE_DISJOINT)
		{
			peer->role = row->role;
		}
		peer->initiator = row->initiates ? MODEL_REMOTE : MODEL_LOCAL;
		peer->establishment = MODEL_PERMANENT;
		peer->ipsec_mode = MODEL_TUNNEL;
		peer->routing = MODEL_DYNAMIC;
	}
	sort(out->peers, out->peer_count, sizeof(*out->peers), by_peer);
}

/* Returns how many profiles it has put into the document. */
static size_t render_vpn(struct arena *a, const struct render_vpn *rows,
						 struct model_profile *profiles, struct model_vpn *out)
{
	struct used used = { .rows = rows, .list = profiles, .count = 1 };

	/* a CE has one customer, so its VPNs' names tell its profiles apart */
	profiles[0] = rows->vpn.profile;
	profiles[0].name = rows->vpn.vpn;
	out->customer = rows->vpn.customer;
	out->vpn = rows->vpn.vpn;
	out->site = rows->site;
	out->ce_address = rows->ce_address;
	out->behind_nat = rows->behind_nat;
	out->identity = identity(a, rows->site, identity_tail(a, &rows->vpn));
	out->topology = rows->vpn.topology;
	out->role = rows->role;
	out->auth = rows->vpn.authentication;
	out->certificate = rows->certificate;
	out->certificate.revocation = rows->vpn.revocation;
	out->router_id = rows->router_id;
	out->mtu = rows->vpn.mtu;
	out->ospf = rows->vpn.ospf;
	out->retry = rows->vpn.retry;
	render_peers(a, rows, &used, out);
	out->removed = arena_calloc(a, rows->removed_count, sizeof(*out->removed));
	out->removed_count = rows->removed_count;
	if (rows->removed_count)
	{
		memcpy(out->removed, rows->removed,
			   rows->removed_count * sizeof(*out->removed));
	}
	sort(out->removed, out->removed_count, sizeof(*out->removed), by_removed);
	return used.count;
}

/* Profiles are sorted by name, and peers point at them. */
static void sort_profiles(struct model_document *doc)
{
	struct model_peer *peer;
	size_t i, j;

	sort(doc->profiles, doc->profile_count, sizeof(*doc->profiles),
		 model_profile_compare);
	for (i = 0; i < doc->vpn_count; i++)
	{
		for (j = 0; j < doc->vpns[i].peer_count; j++)
		{
			peer = &doc->vpns[i].peers[j];
			peer->profile = model_profile_find(doc, peer->sa_profile);
		}
	}
}

struct model_document *render_document(struct arena *a,
									   const struct render_ce *rows,
									   const struct model_management *management)
{
	struct model_document *doc = arena_calloc(a, 1, sizeof(*doc));
	struct render_vpn *vpns;
	size_t i, profiles = 0;

	doc->ce = arena_printf(a, "%s/%s", rows->customer, rows->ce);
	doc->epoch = rows->epoch;
	doc->revision = rows->revision;
	doc->management = *management;
	if (rows->removed)
	{
		doc->state = MODEL_DEPROVISIONED;
		return doc;
	}
	doc->state = rows->suspended ? MODEL_SUSPENDED : MODEL_ACTIVE;
	doc->bulk_removal = rows->bulk_removal;
	vpns = arena_calloc(a, rows->vpn_count, sizeof(*vpns));
	doc->vpns = arena_calloc(a, rows->vpn_count, sizeof(*doc->vpns));
	doc->vpn_count = rows->vpn_count;
	for (i = 0; i < rows->vpn_count; i++)
	{
		profiles += 1 + rows->vpns[i].profile_count;
	}
	doc->profiles = arena_calloc(a, profiles, sizeof(*doc->profiles));
	if (rows->vpn_count)
	{
		memcpy(vpns, rows->vpns, rows->vpn_count * sizeof(*vpns));
	}
	sort(vpns, rows->vpn_count, sizeof(*vpns), by_vpn);
	for (i = 0; i < rows->vpn_count; i++)
	{
		doc->profile_count += render_vpn(a, &vpns[i],
										 &doc->profiles[doc->profile_count],
										 &doc->vpns[i]);
	}
	sort_profiles(doc);
	return doc;
}

/* ---- questions about documents --------------------------------------------- */

static const struct model_management *sample_management(struct arena *a)
{
	struct model_management *m = arena_calloc(a, 1, sizeof(*m));

	m->servers = arena_calloc(a, 1, sizeof(*m->servers));
	m->servers[0] = arena_strdup(a, "https://vpn.example:8443");
	m->server_count = 1;
	m->poll_interval = 300;
	m->long_poll_timeout = 50;
	m->report_interval = 300;
	return m;
}

int render_try(const struct store_vpn *vpn, struct err *e)
{
	struct arena *a = arena_new();
	struct render_vpn *row = arena_calloc(a, 1, sizeof(*row));
	struct render_ce rows = { .epoch = 1, .revision = 1, .vpns = row,
							  .vpn_count = 1 };
	struct model_document *decoded;
	struct text text;
	int rc;

	rows.customer = arena_strdup(a, vpn->customer);
	rows.ce = arena_strdup(a, "a");
	row->vpn = *vpn;
	row->vpn.authentication = MODEL_PRE_SHARED;	/* no authority here */
	row->site = arena_strdup(a, "a");
	row->role = topology_default_role(vpn->topology);
	(void)addr_parse4("192.0.2.1", &row->ce_address);
	(void)addr_parse4("192.0.2.1", &row->router_id);
	row->peers = arena_calloc(a, 1, sizeof(*row->peers));
	row->peer_count = 1;
	row->peers->site = arena_strdup(a, "b");
	(void)addr_parse4("192.0.2.2", &row->peers->ce_address);
	row->peers->keys = arena_calloc(a, 1, sizeof(*row->peers->keys));
	row->peers->key_count = 1;
	row->peers->keys->key_id = arena_strdup(a, "g1");
	row->peers->keys->secret.len = 32;
	rc = render_identity((char[FQDN_SIZE]){ 0 }, "a", vpn, e);
	if (rc == 0)
	{
		text = model_encode(render_document(a, &rows, sample_management(a)));
		rc = model_decode(a, text_str(&text), text.len, &decoded, e);
		text_done(&text);
	}
	arena_free(a);
	return rc;
}

char *render_management_text(const struct model_management *management)
{
	struct arena *a = arena_new();
	struct render_ce rows = { .epoch = 1, .revision = 1, .removed = true };
	struct text text;
	char *out;

	rows.customer = arena_strdup(a, "a");
	rows.ce = arena_strdup(a, "a");
	text = model_encode(render_document(a, &rows, management));
	out = xasprintf("%d %s", RENDER_VERSION, text_str(&text));
	text_done(&text);
	arena_free(a);
	return out;
}
