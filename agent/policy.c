/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * policy.c - a VPN of the document against the bounds of agent.conf
 *
 * Pure.
 */
#include "config.h"

#include <errno.h>
#include <stdio.h>

#include "policy.h"

bool policy_has_bounds(const struct conf_vpn *place)
{
	return place->has_max_peers || place->peer_addresses.count ||
		   place->router_ids.count || place->areas.count;
}

static bool within(const struct conf_prefixes *bounds, const struct addr *addr)
{
	for (size_t i = 0; i < bounds->count; i++)
	{
		if (prefix_contains(&bounds->items[i], addr))
		{
			return true;
		}
	}
	return bounds->count == 0;
}

static int check_addr(const struct conf_vpn *place,
					  const struct conf_prefixes *bounds, const char *key,
					  const char *what, const struct addr *addr, struct err *e)
{
	char text[ADDR_TEXT_MAX];

	return within(bounds, addr) ? 0 :
		   err_set(e, -EPERM, ERR_POLICY, place->place, "%s %s is beyond %s of "
				   "agent.conf", what, addr_str(addr, text), key);
}

static int check_peers(const struct conf_vpn *place,
					   const struct model_vpn *vpn, struct err *e)
{
	char what[96];
	int rc = 0;

	if (place->has_max_peers && vpn->peer_count > place->max_peers)
	{
		return err_set(e, -EPERM, ERR_POLICY, place->place, "%zu peers are "
					   "beyond max-peers = %u of agent.conf", vpn->peer_count,
					   place->max_peers);
	}
	for (size_t i = 0; rc == 0 && i < vpn->peer_count; i++)
	{
		const struct model_peer *peer = &vpn->peers[i];

		snprintf(what, sizeof(what), "address of peer %s,", peer->peer);
		rc = check_addr(place, &place->peer_addresses, "peer-addresses", what,
						&peer->remote_address, e);
	}
	return rc;
}

int policy_check(const struct conf_vpn *place, const struct model_vpn *vpn,
				 struct err *e)
{
	int rc = check_peers(place, vpn, e);

	if (rc == 0)
	{
		rc = check_addr(place, &place->router_ids, "router-ids", "router-id",
						&vpn->router_id, e);
	}
	if (rc == 0)
	{
		rc = check_addr(place, &place->areas, "areas", "area", &vpn->ospf.area,
						e);
	}
	return rc;
}
