/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * nl_source.c - which address packets to somewhere are sent from
 *
 * Effects: netlink.
 */
#include "config.h"

#include <string.h>
#include <arpa/inet.h>
#include <linux/rtnetlink.h>

#include "nl_local.h"

struct found {
	uint8_t type;
	struct addr source;
};

static void on_found(void *user, struct nlmsghdr *h)
{
	const struct rtmsg *m = nlmsg_data(h);
	struct nlattr *a[RTA_MAX + 1];
	struct found *found = user;

	if (h->nlmsg_type != RTM_NEWROUTE ||
		nlmsg_datalen(h) < (int)sizeof(*m))
	{
		return;
	}
	nl_attrs(h, sizeof(*m), a, RTA_MAX);
	found->type = m->rtm_type;
	if (a[RTA_PREFSRC])
	{
		found->source = addr_from_u32(ntohl(nl_u32(a[RTA_PREFSRC])));
	}
}

static bool look_up(struct nl *nl, const struct addr *to, struct found *found)
{
	struct rtmsg m = { .rtm_family = AF_INET, .rtm_dst_len = 32 };
	struct nl_msg *msg = nl_message(RTM_GETROUTE, 0, &m, sizeof(m));
	struct err e;

	memset(found, 0, sizeof(*found));
	nl_put_u32(msg, RTA_DST, htonl(addr_to_u32(to)));
	/* "unreachable" is an answer: there is no route */
	return nl_request(nl->sk, msg, "look up a route", on_found, found, &e) == 0;
}

bool nl_is_local(struct nl *nl, const struct addr *address)
{
	struct found found;

	return look_up(nl, address, &found) && found.type == RTN_LOCAL;
}

bool nl_source(struct nl *nl, const struct addr *to, struct addr *source)
{
	struct found found;
	bool there = look_up(nl, to, &found) && found.type == RTN_UNICAST &&
				 found.source.family != 0;

	memset(source, 0, sizeof(*source));
	if (there)
	{
		*source = found.source;
	}
	nl->source = *source;
	return there;
}
