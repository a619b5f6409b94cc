/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * neighbors.c - when ospfd is asked, and what follows from its answer
 */
#include "agent.h"
#include "frr.h"
#include "loop.h"
#include "neighbors.h"

/* Neighbours: while a tunnel settles, and otherwise. */
#define NEIGHBORS_SOON_MS 500
#define NEIGHBORS_LATE_MS 5000
/* ... and otherwise this much more for each tunnel */
#define NEIGHBORS_EACH_MS 2
/* After this long without a neighbour a tunnel is looked at more closely. */
#define CLOSER_MS 1500
#define CLOSER_MAX_MS 60000

void neighbors_poll(struct agent *a)
{
	uint64_t each = NEIGHBORS_EACH_MS * tunnels_count(a->tunnels);

	loop_timer_set(a->neighbors, tunnels_settling(a->tunnels) ?
				   NEIGHBORS_SOON_MS : NEIGHBORS_LATE_MS + each);
}

/* Up, and after a while without a neighbour: something may have been missed. */
static bool lonely(const struct agent *a, const struct tunnel *t)
{
	uint64_t now = loop_now_ms(), age = now - t->since_ms;

	return t->installed && !t->ospf[0] && age >= CLOSER_MS &&
		   age <= CLOSER_MAX_MS && now - a->settled_ms >= age / 2;
}

/* Everything is looked at: for a lonely tunnel less and less often, for one
 * with a new neighbour once. */
static void look_closer(struct agent *a)
{
	for (size_t i = 0; a->checked && i < tunnels_count(a->tunnels); i++)
	{
		struct tunnel *t = tunnels_get(a->tunnels, i);

		if (lonely(a, t) || tunnel_neighbor_is_new(t, a->looked_ms))
		{
			cycle_request(a->cycle);
			return;
		}
	}
}

static void on_neighbor(void *user, const char *link, const char *state)
{
	struct agent *a = user;

	if (link)
	{
		tunnels_neighbor(a->tunnels, link, state);
		return;
	}
	tunnels_neighbors_end(a->tunnels);
	neighbors_poll(a);
	look_closer(a);
}

void neighbors_look(void *user)
{
	struct agent *a = user;

	a->neighbors_soon = false;
	/* without tunnels too: somebody's frr.conf may still have our VRFs */
	if (!frr_running(a->frr))
	{
		neighbors_poll(a);
		return;
	}
	tunnels_neighbors_begin(a->tunnels);
	frr_poll_neighbors(a->frr, on_neighbor, a);
}

void neighbors_soon(struct agent *a)
{
	if (!a->neighbors_soon)
	{	/* not later with every event */
		a->neighbors_soon = true;
		loop_timer_set(a->neighbors, NEIGHBORS_SOON_MS);
	}
}
