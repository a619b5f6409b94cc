/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * topology.c - which sites have a tunnel, and who begins it
 *
 * Pure.
 */
#include "config.h"

#include "model.h"
#include "server/topology.h"

static bool has_hubs(int topology)
{
	return topology == MODEL_HUB_SPOKE || topology == MODEL_HUB_SPOKE_DISJOINT;
}

bool topology_links(int topology, int role_a, int role_b)
{
	if (has_hubs(topology))
	{
		return role_a == MODEL_HUB_ROLE || role_b == MODEL_HUB_ROLE;
	}
	return topology == MODEL_ANY_TO_ANY;
}

bool topology_has_role(int topology, int role)
{
	switch (role)
	{
		case MODEL_ANY_TO_ANY_ROLE:
			return topology == MODEL_ANY_TO_ANY;
		case MODEL_HUB_ROLE:
		case MODEL_SPOKE_ROLE:
			return has_hubs(topology);
		default:
			return topology == MODEL_CUSTOM;
	}
}

int topology_default_role(int topology)
{
	if (has_hubs(topology))
	{
		return MODEL_SPOKE_ROLE;
	}
	return topology == MODEL_CUSTOM ? MODEL_CUSTOM_ROLE
									: MODEL_ANY_TO_ANY_ROLE;
}

bool topology_begins(int role_a, uint64_t a_id, int role_b, uint64_t b_id)
{
	if ((role_a == MODEL_SPOKE_ROLE) != (role_b == MODEL_SPOKE_ROLE))
	{
		return role_a == MODEL_SPOKE_ROLE;
	}
	/* the newer one where the sum is odd */
	return (a_id + b_id) % 2 ? a_id > b_id : a_id < b_id;
}
