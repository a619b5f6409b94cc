/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * nl_route.c - the last resort of a VRF's table, and which links are routed over
 *
 * Effects: netlink.
 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <linux/rtnetlink.h>

#include "nl_local.h"

/* ---- parsing --------------------------------------------------------------- */

static void add_link(struct nl_route *route, unsigned ifindex)
{
	size_t max = sizeof(route->links) / sizeof(*route->links);

	if (ifindex && route->link_count < max)
	{
		route->links[route->link_count++] = ifindex;
	}
}

static void take_multipath(struct nl_route *route, struct nlattr *a)
{
	struct rtnexthop *nh = nla_data(a);
	int left = nla_len(a);

	while (left >= (int)sizeof(*nh) && nh->rtnh_len >= sizeof(*nh) &&
		   nh->rtnh_len <= left)
	{
		add_link(route, nh->rtnh_ifindex);
		left -= RTNH_ALIGN(nh->rtnh_len);
		nh = (struct rtnexthop*)((char*)nh + RTNH_ALIGN(nh->rtnh_len));
	}
}

bool nl_route_parse(struct nlmsghdr *h, struct nl_route *route)
{
	const struct rtmsg *r = nlmsg_data(h);
	struct nlattr *a[RTA_MAX + 1];

	memset(route, 0, sizeof(*route));
	if ((h->nlmsg_type != RTM_NEWROUTE && h->nlmsg_type != RTM_DELROUTE) ||
		nlmsg_datalen(h) < (int)sizeof(*r) || r->rtm_family != AF_INET ||
		(r->rtm_flags & RTM_F_CLONED))
	{
		return false;
	}
	nl_attrs(h, sizeof(*r), a, RTA_MAX);
	route->table = a[RTA_TABLE] ? nl_u32(a[RTA_TABLE]) : r->rtm_table;
	route->protocol = r->rtm_protocol;
	route->type = r->rtm_type;
	route->is_default = r->rtm_dst_len == 0;
	route->metric = nl_u32(a[RTA_PRIORITY]);
	add_link(route, nl_u32(a[RTA_OIF]));
	if (a[RTA_MULTIPATH])
	{
		take_multipath(route, a[RTA_MULTIPATH]);
	}
	return true;
}

bool nl_route_leads(const struct nl_route *route)
{
	return route->type == RTN_UNICAST && route->protocol != RTPROT_KERNEL;
}

/* ---- reading --------------------------------------------------------------- */

static bool is_last_resort(const struct nl_route *r)
{
	return r->protocol == ROUTE_PROTOCOL && r->type == RTN_UNREACHABLE &&
		   r->is_default;
}

static void on_ours(void *user, struct nlmsghdr *h)
{
	struct observation *o = user;
	struct nl_route route;
	struct res_route spec;

	if (nl_route_parse(h, &route) && is_last_resort(&route))
	{
		spec = (struct res_route){ route.table, route.metric };
		resource_route(&o->have, RES_OURS, &spec);
	}
}

static void on_routed(void *user, struct nlmsghdr *h)
{
	struct nl *nl = user;
	struct nl_route route;
	struct nl_link *link;

	if (!nl_route_parse(h, &route) || !nl_route_leads(&route))
	{
		return;
	}
	for (unsigned i = 0; i < route.link_count; i++)
	{
		link = nl_table_get(&nl->links, route.links[i]);
		if (link)
		{
			link->routed = true;
		}
	}
}

/* A table's routes; table 0: all tables. A table that is not there is empty. */
static int routes_list(struct nl *nl, uint32_t table, uint8_t protocol,
					   nl_answer_fn fn, void *user, struct err *e)
{
	struct rtmsg r = { .rtm_family = AF_INET, .rtm_protocol = protocol };
	struct nl_msg *msg = nl_message(RTM_GETROUTE, NLM_F_DUMP, &r, sizeof(r));
	struct nl_batch b = {0};

	if (table)
	{
		nl_put_u32(msg, RTA_TABLE, table);
	}
	nl_batch_add(&b, "list routes", -ENOENT, msg);
	return nl_batch_run(nl->sk, &b, "", fn, user, e);
}

struct each { struct nl *nl; int rc; struct err *e; };

static void read_table(void *user, struct nl_link *link)
{
	struct each *each = user;
	char key[NL_KEY_SIZE];
	int rc = -EINTR;

	if (!nl_link_is_vrf(link) || !nl_link_key(link, key))
	{
		return;
	}
	for (int tries = 0; tries < 5 && rc == -EINTR; tries++)
	{
		rc = routes_list(each->nl, link->table, 0, on_routed, each->nl,
						 each->e);
	}
	if (rc)
	{
		each->rc = rc;
	}
}

static void unroute(void *user, struct nl_link *link)
{
	link->routed = false;
}

int nl_routes_read(struct nl *nl, struct observation *o, struct err *e)
{
	struct each each = { nl, 0, e };
	size_t before = o->have.count;
	int rc = -EINTR;

	for (int tries = 0; tries < 5 && rc == -EINTR; tries++)
	{
		o->have.count = before;
		rc = routes_list(nl, 0, ROUTE_PROTOCOL, on_ours, o, e);
	}
	if (rc)
	{
		return rc;
	}
	nl_table_each(&nl->links, unroute, NULL);
	nl_table_each(&nl->links, read_table, &each);
	return each.rc;
}

/* ---- what changed ---------------------------------------------------------- */

struct changed {
	unsigned *before;
	size_t count, size;
	void (*fn)(void *user, struct nl_link *link);
	void *user;
};

static void remember(void *user, struct nl_link *link)
{
	struct changed *c = user;

	c->size++;
	if (c->before && link->routed)
	{
		c->before[c->count++] = link->ifindex;
	}
	link->routed = c->before ? false : link->routed;
}

static int compare_unsigned(const void *a, const void *b)
{
	unsigned x = *(const unsigned*)a, y = *(const unsigned*)b;

	return x < y ? -1 : x > y;
}

static void tell_changed(void *user, struct nl_link *link)
{
	struct changed *c = user;
	bool before = c->count && bsearch(&link->ifindex, c->before, c->count,
						sizeof(*c->before), compare_unsigned);

	if (before != link->routed)
	{
		c->fn(c->user, link);
	}
}

void nl_routed_refresh(struct nl *nl,
					   void (*fn)(void *user, struct nl_link *link), void *user)
{
	struct changed c = { .fn = fn, .user = user };
	struct each each = { nl, 0, NULL };

	nl_table_each(&nl->links, remember, &c);
	c.before = calloc(c.size + 1, sizeof(*c.before));
	if (!c.before)
	{
		abort();
	}
	nl_table_each(&nl->links, remember, &c);
	nl_table_each(&nl->links, read_table, &each);
	/* in order of ifindex, as the table is walked */
	nl_table_each(&nl->links, tell_changed, &c);
	free(c.before);
}

/* ---- steps ----------------------------------------------------------------- */

static struct nl_msg *route_message(int type, int flags,
									const struct res_route *spec)
{
	struct rtmsg r = {
		.rtm_family = AF_INET, .rtm_protocol = ROUTE_PROTOCOL,
		.rtm_type = RTN_UNREACHABLE, .rtm_scope = RT_SCOPE_UNIVERSE,
		.rtm_table = spec->table < 256 ? spec->table : RT_TABLE_UNSPEC,
	};
	struct nl_msg *msg = nl_message(type, flags, &r, sizeof(r));

	nl_put_u32(msg, RTA_TABLE, spec->table);
	nl_put_u32(msg, RTA_PRIORITY, spec->metric);
	return msg;
}

int nl_route_step(struct nl *nl, const struct step *s, struct err *e)
{
	struct nl_batch b = {0};

	if (s->have)
	{
		nl_batch_add(&b, "delete the route", -ESRCH,
					 route_message(RTM_DELROUTE, 0, s->have->spec));
	}
	if (s->want)
	{
		nl_batch_add(&b, "create the route", 0,
					 route_message(RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL,
								   s->want->spec));
	}
	return nl_batch_run(nl->sk, &b, s->key, NULL, NULL, e);
}
