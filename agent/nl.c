/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * nl.c - the netlink backend: what there is as resources, and steps as messages
 *
 * Effects: netlink, through the files nl_*.c beside it.
 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <linux/netlink.h>

#include "alloc.h"
#include "name.h"
#include "nl_local.h"

#define KINDS (RES_BIT(RES_SYSCTL) | RES_BIT(RES_RULE) | RES_BIT(RES_VRF) | \
			   RES_BIT(RES_MEMBER) | RES_BIT(RES_ROUTE) | RES_BIT(RES_LINK))
#define LINK_KINDS (RES_BIT(RES_VRF) | RES_BIT(RES_MEMBER) | \
					RES_BIT(RES_ROUTE) | RES_BIT(RES_LINK))

/* ---- links as resources ---------------------------------------------------- */

struct reading {
	struct nl *nl;
	struct observation *o;
};

static struct prefix first_address(const struct nl_link *link)
{
	static const struct prefix none;

	return link->address_count ? link->addresses[0] : none;
}

static void report_vrf(struct reading *r, enum resource_origin origin,
					   const char *key, struct nl_link *link)
{
	struct res_vrf spec = {
		.name = link->name, .table = link->table, .ifindex = link->ifindex,
	};

	if (link->up)
	{	/* on a VRF that is down the address serves nobody: to be set anew */
		spec.address = first_address(link);
	}
	resource_vrf(&r->o->have, origin, key, &spec);
}

static void report_tunnel(struct reading *r, enum resource_origin origin,
						  const char *key, struct nl_link *link)
{
	struct res_link spec = {
		.name = link->name, .driver = link->kind, .local = link->local,
		.remote = link->remote, .mark = link->mark, .mtu = link->mtu,
		.master = (char*)nl_link_master(r->nl, link), .up = link->up,
		.address = first_address(link), .policy_off = link->policy_off,
		.fence = link->fence, .fence_mark = link->fence_mark,
		.ifindex = link->ifindex,
	};

	resource_link(&r->o->have, origin, key, &spec);
	if (origin == RES_OURS && link->routed)
	{
		facts_add_routed(&r->o->facts, r->o->arena, link->name);
	}
}

static bool is_tunnel(const struct nl_link *link)
{
	return strcmp(link->kind, "vti") == 0 ||
		   strncmp(link->name, LINK_PREFIX, strlen(LINK_PREFIX)) == 0;
}

/*
 * A link in a VRF of ours, or one of a LAN that is somewhere else. One that
 * agent.conf no longer names counts too: its owner wants it out of the VPN.
 */
static void report_member(struct reading *r, struct nl_link *link)
{
	struct nl_link *master = nl_table_get(&r->nl->links, link->master);
	struct res_member spec = { .link = link->name };
	char key[NL_KEY_SIZE];

	spec.master = master ? master->name : (char*)"?";
	if (master && nl_link_is_vrf(master) && nl_link_key(master, key))
	{
		resource_member(&r->o->have, RES_OURS, key, &spec);
	}
	else if (nl_link_is_lan(r->nl, link->name))
	{
		resource_member(&r->o->have, RES_FOREIGN, "", &spec);
	}
}

static void report_foreign(struct reading *r, struct nl_link *link)
{
	if (nl_link_is_vrf(link))
	{
		report_vrf(r, RES_FOREIGN, link->name, link);
	}
	else if (is_tunnel(link))
	{
		report_tunnel(r, RES_FOREIGN, link->name, link);
	}
	for (size_t i = 0; i < link->address_count; i++)
	{
		facts_add_address(&r->o->facts, r->o->arena, link->name,
						  &link->addresses[i]);
	}
	if (link->master && !is_tunnel(link))
	{
		report_member(r, link);
	}
}

static void report_link(void *user, struct nl_link *link)
{
	struct reading *r = user;
	char key[NL_KEY_SIZE];
	bool ours = nl_link_key(link, key);

	facts_add_link(&r->o->facts, r->o->arena, link->name, ours);
	if (!ours)
	{
		report_foreign(r, link);
	}
	else if (nl_link_is_vrf(link))
	{
		report_vrf(r, RES_OURS, key, link);
	}
	else
	{
		report_tunnel(r, RES_OURS, key, link);
	}
}

/* ---- reading --------------------------------------------------------------- */

static int read_links(struct nl *nl, struct observation *o, struct err *e)
{
	struct reading r = { nl, o };
	int rc = nl_links_read(nl, e);

	if (!rc)
	{
		rc = nl_addresses_read(nl, 0, e);
	}
	if (!rc)
	{
		rc = nl_fences_read(nl, e);
	}
	if (!rc)
	{
		rc = nl_routes_read(nl, o, e);
	}
	if (!rc)
	{
		nl_table_each(&nl->links, report_link, &r);
	}
	return rc;
}

static void read_all(struct nl *nl, struct observation *o)
{
	struct err e;

	/* what is queued happened before the lists that follow */
	nl_monitor_drain(nl);
	if ((o->kinds & LINK_KINDS) && read_links(nl, o, &e) != 0)
	{
		o->facts.unknown_kinds |= LINK_KINDS;
	}
	if ((o->kinds & RES_BIT(RES_RULE)) && nl_rules_read(nl, o, &e) != 0)
	{
		o->facts.unknown_kinds |= RES_BIT(RES_RULE);
	}
	if (o->kinds & RES_BIT(RES_SYSCTL))
	{
		nl_sysctls_read(nl, o);
	}
}

static void report_name(void *user, struct nl_link *link)
{
	struct reading *r = user;
	char key[NL_KEY_SIZE];

	facts_add_link(&r->o->facts, r->o->arena, link->name,
				   nl_link_key(link, key));
}

/*
 * One connection's link: four requests, however many links there are. When it is
 * gone, the names that are taken come from the table, without asking.
 */
static void read_group(struct nl *nl, struct observation *o)
{
	struct reading r = { nl, o };
	struct nl_link *link;
	struct err e;
	int rc = -ENODEV;

	nl_monitor_drain(nl);
	link = nl_table_alias(&nl->links, o->group);
	if (link)
	{
		rc = nl_link_read(nl, link->ifindex, NULL, &link, &e);
	}
	if (!rc)
	{
		rc = nl_addresses_read(nl, link->ifindex, &e);
	}
	if (!rc)
	{
		rc = nl_fence_read(nl, link, &e);
	}
	if (rc == -ENODEV || (!rc && strcmp(link->alias, o->group) != 0))
	{
		nl_table_each(&nl->links, report_name, &r);
	}
	else if (rc)
	{
		o->facts.unknown_kinds |= RES_BIT(RES_LINK);
	}
	else
	{
		report_link(&r, link);
	}
}

static void backend_read(struct backend *b, struct observation *o,
						 backend_done_fn done, void *user)
{
	struct nl *nl = (struct nl*)b;

	o->facts.source = nl->source;
	if (o->group && nl->links.by_index &&
		conn_name_split(o->group, NULL, NULL, NULL))
	{
		if (o->kinds & RES_BIT(RES_LINK))
		{
			read_group(nl, o);
		}
	}
	else if (o->kinds & KINDS)
	{
		read_all(nl, o);
	}
	done(user);
}

/* ---- applying -------------------------------------------------------------- */

/* Name and number of the link that a step works on. */
static void busy_set(struct nl *nl, const struct step *s)
{
	const struct resource *r = s->want ? s->want : s->have;

	nl->busy = NULL;
	nl->busy_index = 0;
	if (r->kind == RES_LINK)
	{
		const struct res_link *link = r->spec, *have = NULL;

		nl->busy = link->name;
		have = s->have ? s->have->spec : NULL;
		nl->busy_index = have ? have->ifindex : 0;
	}
	else if (r->kind == RES_VRF)
	{
		nl->busy = ((const struct res_vrf*)r->spec)->name;
	}
	else if (r->kind == RES_MEMBER)
	{
		nl->busy = r->key;
	}
}

static int run_step(struct nl *nl, struct step *s)
{
	switch (s->kind)
	{
		case RES_SYSCTL:
			return nl_sysctl_step(s, &s->err);
		case RES_RULE:
			return nl_rule_step(nl, s, &s->err);
		case RES_VRF:
			return nl_vrf_step(nl, s, &s->err);
		case RES_MEMBER:
			return nl_member_step(nl, s, &s->err);
		case RES_ROUTE:
			return nl_route_step(nl, s, &s->err);
		case RES_LINK:
			return nl_link_step(nl, s, &s->err);
		case RES_FIREWALL:
		case RES_OSPF:
		case RES_OSPF_LINK:
		case RES_SA:
		case RES_CREDENTIALS:
		case RES_CONN:
		case RES_KIND_COUNT:
			break;
	}
	return err_set(&s->err, -EINVAL, ERR_INTERNAL, s->key,
				   "no such kind in the netlink backend");
}

static void backend_apply(struct backend *b, struct step *const *steps,
						  size_t count, backend_done_fn done, void *user)
{
	struct nl *nl = (struct nl*)b;

	for (size_t i = 0; i < count; i++)
	{
		struct step *s = steps[i];

		nl_monitor_drain(nl);
		busy_set(nl, s);
		s->rc = run_step(nl, s);
		nl_monitor_drain(nl);
		nl->busy = NULL;
	}
	done(user);
}

/* ---- the backend ----------------------------------------------------------- */

static const struct backend_ops ops = {
	.name = "netlink",
	.kinds = KINDS,
	.read = backend_read,
	.apply = backend_apply,
};

struct backend *nl_backend(struct nl *nl)
{
	return &nl->backend;
}

static char **copy_list(const char *const *list)
{
	size_t n = 0;
	char **copy;

	while (list && list[n])
	{
		n++;
	}
	copy = xcalloc(n + 1, sizeof(*copy));
	for (size_t i = 0; i < n; i++)
	{
		copy[i] = xstrdup(list[i]);
	}
	return copy;
}

static void free_list(char **list)
{
	for (size_t i = 0; list && list[i]; i++)
	{
		free(list[i]);
	}
	free(list);
}

int nl_new(struct loop *loop, const char *const *sysctls, char *const *lan,
		   nl_event_fn fn, void *user, struct nl **out, struct err *e)
{
	struct nl *nl = xcalloc(1, sizeof(*nl));
	int rc;

	nl->backend.ops = &ops;
	nl->loop = loop;
	nl->fn = fn;
	nl->user = user;
	nl->sysctls = copy_list(sysctls);
	nl->lan = copy_list((const char *const*)lan);
	rc = nl_socket_open(NETLINK_ROUTE, &nl->sk, e);
	if (!rc)
	{
		rc = nl_link_probe(nl, "vrf", "vrf", e);
	}
	if (!rc)
	{
		rc = nl_link_probe(nl, "vti", "ip_vti", e);
	}
	if (!rc)
	{
		rc = nl_monitor_start(nl, e);
	}
	if (!rc)
	{
		rc = nl_xfrm_start(nl, e);
	}
	if (rc)
	{
		nl_free(nl);
		return rc;
	}
	*out = nl;
	return 0;
}

void nl_free(struct nl *nl)
{
	if (!nl)
	{
		return;
	}
	nl_xfrm_stop(nl);
	nl_monitor_stop(nl);
	if (nl->sk)
	{
		nl_socket_free(nl->sk);
	}
	nl_table_clear(&nl->links);
	free_list(nl->sysctls);
	free_list(nl->lan);
	free(nl);
}
