/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * model.c - the checks between the parts of a document
 *
 * Pure. What one value must look like by itself is model_json.c's.
 */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "err.h"
#include "model_words.h"

const char *const model_states[] = {
	"active", "suspended", "deprovisioned", NULL
};
const char *const model_topologies[] = {
	"any-to-any", "hub-spoke", "hub-spoke-disjoint", "custom", NULL
};
const char *const model_roles[] = {
	"any-to-any-role", "hub-role", "spoke-role", "custom-role", NULL
};
const char *const model_auths[] = { "pre-shared", "certificate", NULL };
const char *const model_revocations[] = { "strict", "relaxed", NULL };
const char *const model_establishments[] = { "permanent", NULL };
const char *const model_ipsec_modes[] = { "tunnel", NULL };
const char *const model_routings[] = { "dynamic", NULL };
const char *const model_key_uses[] = {
	"send-and-accept", "accept-only", NULL
};
const char *const model_initiators[] = { "local", "remote", NULL };

int model_profile_compare(const void *a, const void *b)
{
	const struct model_profile *x = a, *y = b;

	return strcmp(x->name, y->name);
}

int model_vpn_compare(const void *a, const void *b)
{
	const struct model_vpn *x = a, *y = b;
	int order = strcmp(x->customer, y->customer);

	return order ? order : strcmp(x->vpn, y->vpn);
}

int model_peer_compare(const void *a, const void *b)
{
	const struct model_peer *x = a, *y = b;

	return strcmp(x->peer, y->peer);
}

int model_removed_compare(const void *a, const void *b)
{
	const struct model_removed *x = a, *y = b;
	int order = strcmp(x->peer, y->peer);

	if (order)
	{
		return order;
	}
	return (x->at_revision > y->at_revision) -
		   (x->at_revision < y->at_revision);
}

const struct model_profile *model_profile_find(const struct model_document *doc,
											   const char *name)
{
	size_t i;

	for (i = 0; i < doc->profile_count; i++)
	{
		if (strcmp(doc->profiles[i].name, name) == 0)
		{
			return &doc->profiles[i];
		}
	}
	return NULL;
}

/*
 * Things that must be unique are collected as lines {text, place}, sorted, and
 * neighbours compared: O(n log n) for a hub's thousands of peers.
 */
struct claim {
	char text[FQDN_SIZE];
	size_t vpn;
	size_t peer;			/* OWN: the site itself */
};

#define OWN ((size_t)-1)

struct claims {
	struct claim *items;
	size_t count;
};

static void claims_add(struct claims *claims, const char *text, size_t vpn,
					   size_t peer)
{
	struct claim *claim = &claims->items[claims->count++];

	*claim = (struct claim){ .vpn = vpn, .peer = peer };
	strncpy(claim->text, text, sizeof(claim->text) - 1);
}

/* of two equal ones the later place comes last: it is the one to blame */
static int compare_claims(const void *a, const void *b)
{
	const struct claim *x = a, *y = b;
	int order = strcmp(x->text, y->text);

	if (order)
	{
		return order;
	}
	if (x->vpn != y->vpn)
	{
		return x->vpn < y->vpn ? -1 : 1;
	}
	if (x->peer == y->peer)
	{
		return 0;
	}
	return x->peer == OWN || (y->peer != OWN && x->peer < y->peer) ? -1 : 1;
}

/* NULL, or one that repeats another */
static const struct claim *claims_repeated(struct claims *claims)
{
	size_t i;

	qsort(claims->items, claims->count, sizeof(*claims->items),
		  compare_claims);
	for (i = 1; i < claims->count; i++)
	{
		if (strcmp(claims->items[i - 1].text, claims->items[i].text) == 0)
		{
			return &claims->items[i];
		}
	}
	return NULL;
}

static size_t count_sites(const struct model_document *doc)
{
	size_t i, count = doc->vpn_count;

	for (i = 0; i < doc->vpn_count; i++)
	{
		count += doc->vpns[i].peer_count;
	}
	return count;
}

/* the text of what must be unique; peer NULL: the site itself; NULL: nothing */
typedef const char *(*claim_fn)(const struct model_vpn *vpn,
								const struct model_peer *peer,
								char buf[FQDN_SIZE]);

static const char *claim_vpn(const struct model_vpn *vpn,
							 const struct model_peer *peer,
							 char buf[FQDN_SIZE])
{
	if (peer)
	{
		return NULL;
	}
	snprintf(buf, FQDN_SIZE, "%s/%s", vpn->customer, vpn->vpn);
	return buf;
}

static const char *claim_site(const struct model_vpn *vpn,
							  const struct model_peer *peer,
							  char buf[FQDN_SIZE])
{
	snprintf(buf, FQDN_SIZE, "%s/%s/%s", vpn->customer, vpn->vpn,
			 peer ? peer->peer : vpn->site);
	return buf;
}

static const char *claim_identity(const struct model_vpn *vpn,
								  const struct model_peer *peer,
								  char buf[FQDN_SIZE])
{
	return peer ? peer->identity : vpn->identity;
}

static const char *claim_pair(const struct model_vpn *vpn,
							  const struct model_peer *peer,
							  char buf[FQDN_SIZE])
{
	char local[ADDR_TEXT_MAX], remote[ADDR_TEXT_MAX];

	if (!peer)
	{
		return NULL;
	}
	snprintf(buf, FQDN_SIZE, "%s and %s", addr_str(&vpn->ce_address, local),
			 addr_str(&peer->remote_address, remote));
	return buf;
}

static const struct {
	claim_fn fn;
	enum err_code code;
	const char *fault;
	const char *own_member, *peer_member;
} unique[] = {
	{ claim_vpn, ERR_DOCUMENT, "second site of the VPN", "vpn", "" },
	{ claim_site, ERR_DOCUMENT, "second site of the name", "site", "peer" },
	{ claim_identity, ERR_DOCUMENT, "second site with the identity",
	  "identity/fqdn-string", "identity/fqdn-string" },
	{ claim_pair, ERR_TUNNEL_PAIR, "second tunnel between", "",
	  "remote-address" },
};

static int check_unique(const struct model_document *doc, size_t which,
						struct err *e)
{
	struct claims claims = {
		.items = xcalloc(count_sites(doc), sizeof(struct claim)),
	};
	const struct claim *found;
	const char *text;
	char buf[FQDN_SIZE], where[128];
	size_t i, j;
	int rc = 0;

	for (i = 0; i < doc->vpn_count; i++)
	{
		const struct model_vpn *vpn = &doc->vpns[i];

		text = unique[which].fn(vpn, NULL, buf);
		if (text)
		{
			claims_add(&claims, text, i, OWN);
		}
		for (j = 0; j < vpn->peer_count; j++)
		{
			text = unique[which].fn(vpn, &vpn->peers[j], buf);
			if (text)
			{
				claims_add(&claims, text, i, j);
			}
		}
	}
	found = claims_repeated(&claims);
	if (found && found->peer == OWN)
	{
		snprintf(where, sizeof(where), "/vpns/%zu/%s", found->vpn,
				 unique[which].own_member);
	}
	else if (found)
	{
		snprintf(where, sizeof(where), "/vpns/%zu/peers/%zu/%s", found->vpn,
				 found->peer, unique[which].peer_member);
	}
	if (found)
	{
		rc = err_set(e, -EINVAL, unique[which].code, where, "%s %s",
					 unique[which].fault, found->text);
	}
	free(claims.items);
	return rc;
}

static int check_own_addresses(const struct model_document *doc,
							   const struct model_peer *peer,
							   const char *where, struct err *e)
{
	char at[192];
	size_t i;

	snprintf(at, sizeof(at), "%s/remote-address", where);
	if (!addr_is_host(&peer->remote_address))
	{
		return err_set(e, -EINVAL, ERR_JSON_VALUE, at,
					   "not an address that a router can have");
	}
	for (i = 0; i < doc->vpn_count; i++)
	{
		if (addr_equal(&doc->vpns[i].ce_address, &peer->remote_address))
		{
			return err_set(e, -EINVAL, ERR_DOCUMENT, at,
						   "the CE's own address as a peer's");
		}
	}
	return 0;
}

static int check_keys(const struct model_vpn *vpn,
					  const struct model_peer *peer, const char *where,
					  struct err *e)
{
	char at[192];
	size_t i, j, send = 0;

	if (peer->certificate)
	{
		send += peer->certificate_use == MODEL_SEND_AND_ACCEPT;
		if (!vpn->certificate.cert_data)
		{
			snprintf(at, sizeof(at), "%s/certificate", where);
			return err_set(e, -EINVAL, ERR_DOCUMENT, at,
						   "this site has no certificate");
		}
	}

	for (i = 0; i < peer->key_count; i++)
	{
		send += peer->keys[i].use == MODEL_SEND_AND_ACCEPT;
		for (j = 0; j < i; j++)
		{
			if (strcmp(peer->keys[i].key_id, peer->keys[j].key_id) == 0)
			{
				snprintf(at, sizeof(at), "%s/pre-shared/keys/%zu/key-id",
						 where, i);
				return err_set(e, -EINVAL, ERR_DOCUMENT, at,
							   "second key of that name");
			}
		}
	}
	if (send != 1)
	{
		snprintf(at, sizeof(at), peer->key_count ? "%s/pre-shared/keys"
				 : "%s/certificate/use", where);
		return err_set(e, -EINVAL, ERR_DOCUMENT, at,
					   "%zu credentials to send instead of one", send);
	}
	return 0;
}

static bool role_fits(int topology, int role)
{
	switch (topology)
	{
		case MODEL_HUB_SPOKE:
		case MODEL_HUB_SPOKE_DISJOINT:
			return role == MODEL_HUB_ROLE || role == MODEL_SPOKE_ROLE;
		case MODEL_CUSTOM:
			return role == MODEL_CUSTOM_ROLE;
		default:
			return role == MODEL_ANY_TO_ANY_ROLE;
	}
}

/* Tunnels of a spoke lead to hubs only: that is what the topology promises. */
static int check_peer_role(const struct model_vpn *vpn,
						   const struct model_peer *peer, const char *where,
						   struct err *e)
{
	const char *fault = NULL;
	char at[192];

	if (peer->role != MODEL_ANY_TO_ANY_ROLE &&
		!role_fits(vpn->topology, peer->role))
	{
		fault = "does not fit the topology";
	}
	else if (vpn->role == MODEL_SPOKE_ROLE && peer->role == MODEL_SPOKE_ROLE)
	{
		fault = "a tunnel between two spokes";
	}
	if (!fault)
	{
		return 0;
	}
	snprintf(at, sizeof(at), "%s/role", where);
	return err_set(e, -EINVAL, ERR_DOCUMENT, at, "%s", fault);
}

/*
 * Through NAT only the side behind it can begin. A further IPsec mode belongs
 * here: transport mode does not pass NAT.
 */
static int check_nat(const struct model_vpn *vpn, const struct model_peer *peer,
					 const char *where, struct err *e)
{
	char at[192];

	if (vpn->behind_nat && peer->behind_nat)
	{
		snprintf(at, sizeof(at), "%s/behind-nat", where);
		return err_set(e, -EINVAL, ERR_DOCUMENT, at,
					   "a tunnel with NAT at both ends: neither can begin");
	}
	if ((vpn->behind_nat && peer->initiator != MODEL_LOCAL) ||
		(peer->behind_nat && peer->initiator != MODEL_REMOTE))
	{
		snprintf(at, sizeof(at), "%s/initiator", where);
		return err_set(e, -EINVAL, ERR_DOCUMENT, at,
					   "not the end that is behind NAT");
	}
	return 0;
}

static int check_peer(const struct model_document *doc,
					  const struct model_vpn *vpn,
					  const struct model_peer *peer, const char *where,
					  struct err *e)
{
	char at[192];
	int rc = check_own_addresses(doc, peer, where, e);

	if (!rc)
	{
		rc = check_keys(vpn, peer, where, e);
	}
	if (!rc)
	{
		rc = check_peer_role(vpn, peer, where, e);
	}
	if (!rc)
	{
		rc = check_nat(vpn, peer, where, e);
	}
	if (!rc && !model_profile_find(doc, peer->sa_profile))
	{
		snprintf(at, sizeof(at), "%s/sa-profile", where);
		rc = err_set(e, -EINVAL, ERR_DOCUMENT, at, "no profile %s",
					 peer->sa_profile);
	}
	return rc;
}

static int check_vpn(const struct model_vpn *vpn, size_t index, struct err *e)
{
	const char *member = NULL, *fault = "not an address a router can have";
	enum err_code code = ERR_JSON_VALUE;
	char where[128];

	if (!addr_is_host(&vpn->ce_address))
	{
		member = "ce-address";
	}
	else if (!addr_is_host(&vpn->router_id))
	{
		member = "router-id";
	}
	else if (vpn->ospf.dead_interval <= vpn->ospf.hello_interval)
	{
		member = "routing/ospf/dead-interval";
		fault = "not longer than hello-interval";
	}
	else if (vpn->retry.maximum < vpn->retry.t1)
	{
		member = "retry/maximum";
		fault = "less than t1";
	}
	else if (!role_fits(vpn->topology, vpn->role))
	{
		member = "topology/role";
		fault = "does not fit the topology";
		code = ERR_DOCUMENT;
	}
	else if (vpn->auth == MODEL_CERTIFICATE && !vpn->certificate.ca_count)
	{
		member = "authentication/auth-method";
		fault = "certificates, and no authority for them";
		code = ERR_DOCUMENT;
	}
	if (!member)
	{
		return 0;
	}
	snprintf(where, sizeof(where), "/vpns/%zu/%s", index, member);
	return err_set(e, -EINVAL, code, where, "%s", fault);
}

static int check_profiles(const struct model_document *doc, struct err *e)
{
	char where[192];
	size_t i;

	for (i = 0; i < doc->profile_count; i++)
	{
		uint32_t delay = doc->profiles[i].dpd_delay;

		if (delay && delay < 5)
		{
			snprintf(where, sizeof(where), "/sa-profiles/%s/dpd_delay",
					 doc->profiles[i].name);
			return err_set(e, -EINVAL, ERR_JSON_VALUE, where,
						   "neither 0 nor in 5..3600");
		}
	}
	return 0;
}

static int check_sites(const struct model_document *doc, struct err *e)
{
	char where[128];
	size_t i, j;
	int rc;

	for (i = 0; i < doc->vpn_count; i++)
	{
		rc = check_vpn(&doc->vpns[i], i, e);
		for (j = 0; !rc && j < doc->vpns[i].peer_count; j++)
		{
			snprintf(where, sizeof(where), "/vpns/%zu/peers/%zu", i, j);
			rc = check_peer(doc, &doc->vpns[i], &doc->vpns[i].peers[j], where,
							e);
		}
		if (rc)
		{
			return rc;
		}
	}
	return 0;
}

static int check_suspended(const struct model_document *doc, struct err *e)
{
	char where[64];
	size_t i;

	for (i = 0; i < doc->vpn_count; i++)
	{
		if (doc->vpns[i].peer_count)
		{
			snprintf(where, sizeof(where), "/vpns/%zu/peers", i);
			return err_set(e, -EINVAL, ERR_DOCUMENT, where,
						   "peers in a document that suspends all tunnels");
		}
	}
	return 0;
}

int model_check(const struct model_document *doc, struct err *e)
{
	size_t i;
	int rc;

	if (doc->state == MODEL_DEPROVISIONED && doc->vpn_count)
	{
		return err_set(e, -EINVAL, ERR_DOCUMENT, "/vpns",
					   "VPNs in a document that ends all membership");
	}
	rc = doc->state == MODEL_SUSPENDED ? check_suspended(doc, e) : 0;
	if (!rc)
	{
		rc = check_profiles(doc, e);
	}
	if (!rc)
	{
		rc = check_sites(doc, e);
	}
	for (i = 0; !rc && i < sizeof(unique) / sizeof(unique[0]); i++)
	{
		rc = check_unique(doc, i, e);
	}
	return rc;
}
