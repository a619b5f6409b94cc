/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * nl_address.c - IPv4 addresses of links
 *
 * Effects: netlink.
 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>

#include "alloc.h"
#include "nl_local.h"

static void address_add(struct nl_link *link, const struct prefix *p)
{
	for (size_t i = 0; i < link->address_count; i++)
	{
		if (prefix_equal(&link->addresses[i], p))
		{
			return;
		}
	}
	link->addresses = xrealloc(link->addresses, link->address_count + 1,
							   sizeof(*link->addresses));
	link->addresses[link->address_count++] = *p;
}

static void address_remove(struct nl_link *link, const struct prefix *p)
{
	for (size_t i = 0; i < link->address_count; i++)
	{
		if (prefix_equal(&link->addresses[i], p))
		{
			link->address_count--;
			memmove(&link->addresses[i], &link->addresses[i + 1],
					(link->address_count - i) * sizeof(*link->addresses));
			return;
		}
	}
}

unsigned nl_address_take(struct nl *nl, struct nlmsghdr *h)
{
	const struct ifaddrmsg *i = nlmsg_data(h);
	struct nlattr *a[IFA_MAX + 1];
	struct prefix p = { .len = i->ifa_prefixlen };
	struct nl_link *link;

	nl_attrs(h, sizeof(*i), a, IFA_MAX);
	link = nl_table_get(&nl->links, i->ifa_index);
	if (i->ifa_family != AF_INET || !link ||
		(!a[IFA_LOCAL] && !a[IFA_ADDRESS]))
	{
		return 0;
	}
	p.addr = addr_from_u32(ntohl(nl_u32(a[IFA_LOCAL] ? a[IFA_LOCAL]
													 : a[IFA_ADDRESS])));
	if (h->nlmsg_type == RTM_NEWADDR)
	{
		address_add(link, &p);
	}
	else
	{
		address_remove(link, &p);
	}
	return link->ifindex;
}

static void on_address(void *user, struct nlmsghdr *h)
{
	if (h->nlmsg_type == RTM_NEWADDR)
	{
		nl_address_take(user, h);
	}
}

static void forget(void *user, struct nl_link *link)
{
	link->address_count = 0;
}

int nl_addresses_read(struct nl *nl, unsigned ifindex, struct err *e)
{
	/* with an index the kernel lists that link's only */
	struct ifaddrmsg i = { .ifa_family = AF_INET, .ifa_index = ifindex };
	struct nl_link *link = ifindex ? nl_table_get(&nl->links, ifindex) : NULL;
	int rc = -EINTR;

	for (int tries = 0; tries < 5 && rc == -EINTR; tries++)
	{
		if (link)
		{
			forget(NULL, link);
		}
		else
		{
			nl_table_each(&nl->links, forget, NULL);
		}
		rc = nl_request(nl->sk, nl_message(RTM_GETADDR, NLM_F_DUMP, &i,
						sizeof(i)), "list addresses", on_address, nl, e);
	}
	return rc;
}

static struct nl_msg *address_message(int type, int flags, unsigned ifindex,
									  const struct prefix *p)
{
	struct ifaddrmsg i = {
		.ifa_family = AF_INET, .ifa_index = ifindex, .ifa_prefixlen = p->len,
		.ifa_scope = RT_SCOPE_UNIVERSE,
	};
	struct nl_msg *msg = nl_message(type, flags, &i, sizeof(i));

	nl_put(msg, IFA_LOCAL, p->addr.bytes, 4);
	nl_put(msg, IFA_ADDRESS, p->addr.bytes, 4);
	return msg;
}

struct nl_msg *nl_address_add(unsigned ifindex, const struct prefix *p)
{
	return address_message(RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, ifindex, p);
}

struct nl_msg *nl_address_announce(unsigned ifindex, const struct prefix *p)
{
	return address_message(RTM_NEWADDR, NLM_F_CREATE | NLM_F_REPLACE, ifindex,
						   p);
}

struct nl_msg *nl_address_delete(unsigned ifindex, const struct prefix *p)
{
	return address_message(RTM_DELADDR, 0, ifindex, p);
}
