/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * nl_monitor.c - changes that others make, as they happen
 *
 * Effects: a netlink socket. An event only names what to look at again. What our
 * own steps caused is told apart by the sender's port where the kernel gives it
 * (addresses, rules, routes), and for links by taking what is queued while the
 * step is still known (nl_monitor_drain).
 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <linux/netconf.h>
#include <linux/rtnetlink.h>

#include "loop.h"
#include "nl_local.h"

#define RECEIVE_ROOM 65536
#define SOCKET_ROOM (8 << 20)
/* a withdrawn route is rarely alone: look once, a moment later */
#define ROUTE_DELAY_MS 100

static void tell(struct nl *nl, enum nl_event event, const char *link,
				 bool present)
{
	nl->fn(nl->user, event, link, present);
}

static bool own(const struct nl *nl, const struct nlmsghdr *h)
{
	return h->nlmsg_pid == nl_socket_get_local_port(nl->sk);
}

static bool busy(const struct nl *nl, const struct nl_link *link)
{
	return nl->busy && (strcmp(nl->busy, link->name) == 0 ||
						(nl->busy_index && nl->busy_index == link->ifindex));
}

/* Of ours, of a LAN, or of a name that ours might want. */
static bool matters(const struct nl *nl, const struct nl_link *link)
{
	char key[NL_KEY_SIZE];

	return nl_link_key(link, key) || nl_link_is_lan(nl, link->name) ||
		   strncmp(link->name, LINK_PREFIX, strlen(LINK_PREFIX)) == 0;
}

static bool same(const struct nl_link *a, const struct nl_link *b)
{
	return strcmp(a->name, b->name) == 0 && strcmp(a->alias, b->alias) == 0 &&
		   a->master == b->master && a->mtu == b->mtu && a->up == b->up &&
		   a->policy_off == b->policy_off && a->mark == b->mark &&
		   addr_equal(&a->local, &b->local) &&
		   addr_equal(&a->remote, &b->remote);
}

/* The kernel tells of no route that goes with its link. */
static void unrouted(struct nl *nl, struct nl_link *link)
{
	char key[NL_KEY_SIZE];

	if (link->routed)
	{
		link->routed = false;
		if (nl_link_key(link, key))
		{
			tell(nl, NL_ROUTE, link->name, false);
		}
	}
}

static void on_new_link(struct nl *nl, struct nlmsghdr *h)
{
	struct nl_link *link = nl_link_parse(h), *old;
	bool changed;

	if (!link)
	{
		return;
	}
	old = nl_table_get(&nl->links, link->ifindex);
	changed = (matters(nl, link) || (old && matters(nl, old))) &&
			  (!old || !same(link, old)) && !busy(nl, link);
	link = nl_table_put(&nl->links, link);
	if (!link->up)
	{
		unrouted(nl, link);
	}
	if (changed)
	{
		tell(nl, NL_LINK, link->name, true);
	}
}

static void on_gone_link(struct nl *nl, struct nlmsghdr *h)
{
	struct nl_link *link = nl_link_parse(h), *old;

	if (!link)
	{
		return;
	}
	old = nl_table_get(&nl->links, link->ifindex);
	if (old)
	{
		unrouted(nl, old);
	}
	nl_table_remove(&nl->links, link->ifindex);
	if (matters(nl, link) && !busy(nl, link))
	{
		tell(nl, NL_LINK, link->name, false);
	}
	nl_link_free(link);
}

static void on_address(struct nl *nl, struct nlmsghdr *h)
{
	unsigned ifindex = nl_address_take(nl, h);
	struct nl_link *link = nl_table_get(&nl->links, ifindex);
	char key[NL_KEY_SIZE];

	if (link && matters(nl, link) && !own(nl, h) && !busy(nl, link))
	{
		tell(nl, NL_LINK, link->name, true);
	}
	if (!own(nl, h) && (!link || !nl_link_key(link, key)))
	{
		tell(nl, NL_ADDRESS, link ? link->name : NULL,
			 h->nlmsg_type == RTM_NEWADDR);
	}
}

static void on_setting(struct nl *nl, struct nlmsghdr *h)
{
	struct nlattr *a[NETCONFA_MAX + 1];
	struct nl_link *link;
	char key[NL_KEY_SIZE];

	nl_attrs(h, sizeof(struct netconfmsg), a, NETCONFA_MAX);
	link = nl_table_get(&nl->links, nl_u32(a[NETCONFA_IFINDEX]));
	if (link && nl_u32(a[NETCONFA_RP_FILTER]) && link->policy_off &&
		nl_link_key(link, key))
	{
		link->policy_off = false;
		if (!busy(nl, link))
		{
			tell(nl, NL_LINK, link->name, true);
		}
	}
}

/* Somebody touched the filters of a link of ours. */
static void on_filters(struct nl *nl, struct nlmsghdr *h)
{
	const struct tcmsg *t = nlmsg_data(h);
	struct nl_link *link = nl_table_get(&nl->links, t->tcm_ifindex);
	char key[NL_KEY_SIZE];

	if (link && !own(nl, h) && nlmsg_datalen(h) >= (int)sizeof(*t) &&
		nl_link_key(link, key))
	{
		tell(nl, NL_LINK, link->name, true);
	}
}

/* ---- routes ---------------------------------------------------------------- */

struct table { uint32_t id; struct nl_link *vrf; };

static void match_table(void *user, struct nl_link *link)
{
	struct table *t = user;
	char key[NL_KEY_SIZE];

	if (nl_link_is_vrf(link) && link->table == t->id && nl_link_key(link, key))
	{
		t->vrf = link;
	}
}

static void lost_last_resort(struct nl *nl, uint32_t table)
{
	struct table t = { .id = table };

	nl_table_each(&nl->links, match_table, &t);
	if (t.vrf)
	{
		tell(nl, NL_LINK, t.vrf->name, true);
	}
}

static void on_route(struct nl *nl, struct nlmsghdr *h)
{
	bool gone = h->nlmsg_type == RTM_DELROUTE;
	struct nl_route route;
	char key[NL_KEY_SIZE];

	if (own(nl, h) || !nl_route_parse(h, &route))
	{
		return;
	}
	if (route.is_default && route.table == NL_TABLE_MAIN)
	{
		tell(nl, NL_ADDRESS, NULL, !gone);
	}
	if (gone && route.protocol == ROUTE_PROTOCOL)
	{
		lost_last_resort(nl, route.table);
	}
	for (unsigned i = 0; i < route.link_count && nl_route_leads(&route); i++)
	{
		struct nl_link *link = nl_table_get(&nl->links, route.links[i]);

		if (!link || !nl_link_key(link, key))
		{
			continue;
		}
		if (!gone && !link->routed)
		{
			link->routed = true;
			tell(nl, NL_ROUTE, link->name, true);
		}
		if (gone && !loop_timer_armed(nl->route_timer))
		{
			loop_timer_set(nl->route_timer, ROUTE_DELAY_MS);
		}
	}
	/* one that replaces another may have led over another link */
	if (!gone && (h->nlmsg_flags & NLM_F_REPLACE) && nl_route_leads(&route) &&
		!loop_timer_armed(nl->route_timer))
	{
		struct table t = { .id = route.table };

		nl_table_each(&nl->links, match_table, &t);
		if (t.vrf)
		{
			loop_timer_set(nl->route_timer, ROUTE_DELAY_MS);
		}
	}
}

static void routed_changed(void *user, struct nl_link *link)
{
	struct nl *nl = user;
	char key[NL_KEY_SIZE];

	if (nl_link_key(link, key))
	{
		tell(nl, NL_ROUTE, link->name, link->routed);
	}
}

static void on_route_timer(void *user)
{
	struct nl *nl = user;

	nl_routed_refresh(nl, routed_changed, nl);
}

/* ---- the socket ------------------------------------------------------------ */

static void dispatch(struct nl *nl, struct nlmsghdr *h)
{
	switch (h->nlmsg_type)
	{
		case RTM_NEWLINK:
			on_new_link(nl, h);
			break;
		case RTM_DELLINK:
			on_gone_link(nl, h);
			break;
		case RTM_NEWADDR:
		case RTM_DELADDR:
			on_address(nl, h);
			break;
		case RTM_NEWRULE:
		case RTM_DELRULE:
			if (!own(nl, h))
			{
				tell(nl, NL_RULE, NULL, h->nlmsg_type == RTM_NEWRULE);
			}
			break;
		case RTM_NEWROUTE:
		case RTM_DELROUTE:
			on_route(nl, h);
			break;
		case RTM_NEWQDISC:
		case RTM_DELQDISC:
		case RTM_NEWTFILTER:
		case RTM_DELTFILTER:
			on_filters(nl, h);
			break;
		case RTM_NEWNETCONF:
			on_setting(nl, h);
			break;
		default:
			break;
	}
}

void nl_monitor_drain(struct nl *nl)
{
	static char buf[RECEIVE_ROOM];
	bool overflow = false;

	for (;;)
	{
		ssize_t n = recv(nl_socket_get_fd(nl->monitor), buf, sizeof(buf),
						 MSG_DONTWAIT | MSG_TRUNC);
		struct nlmsghdr *h = (struct nlmsghdr*)buf;
		int left = n;

		if (n < 0 && errno == EINTR)
		{
			continue;
		}
		if ((n < 0 && errno == ENOBUFS) || n > (ssize_t)sizeof(buf))
		{
			overflow = true;
			continue;
		}
		if (n <= 0)
		{
			break;
		}
		for (; nlmsg_ok(h, left); h = nlmsg_next(h, &left))
		{
			dispatch(nl, h);
		}
	}
	if (overflow)
	{
		tell(nl, NL_OVERFLOW, NULL, false);
	}
}

static void on_readable(void *user, int fd, unsigned events)
{
	nl_monitor_drain(user);
}

int nl_monitor_start(struct nl *nl, struct err *e)
{
	int room = SOCKET_ROOM, rc, fd;

	rc = nl_socket_open(NETLINK_ROUTE, &nl->monitor, e);
	if (rc)
	{
		return rc;
	}
	fd = nl_socket_get_fd(nl->monitor);
	setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof(room));
	rc = nl_socket_add_memberships(nl->monitor, RTNLGRP_LINK,
								   RTNLGRP_IPV4_IFADDR, RTNLGRP_IPV4_ROUTE,
								   RTNLGRP_IPV4_RULE, RTNLGRP_IPV4_NETCONF,
								   RTNLGRP_TC, 0);
	if (rc < 0)
	{
		return err_set(e, -EIO, ERR_KERNEL, "netlink", "cannot listen for "
					   "changes: %s", nl_geterror(rc));
	}
	nl->monitor_fd = loop_fd_new(nl->loop, fd, LOOP_READ, on_readable, nl);
	nl->route_timer = loop_timer_new(nl->loop, on_route_timer, nl);
	return 0;
}

void nl_monitor_stop(struct nl *nl)
{
	if (nl->monitor_fd)
	{
		loop_fd_free(nl->monitor_fd);
	}
	if (nl->route_timer)
	{
		loop_timer_free(nl->route_timer);
	}
	if (nl->monitor)
	{
		nl_socket_free(nl->monitor);
	}
}
