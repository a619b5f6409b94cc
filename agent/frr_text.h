/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * frr_text.h - what vtysh is told, and what it answers
 *
 * Pure. Renders steps as configuration lines of ospfd and reads running-config
 * and the JSON of show commands. No byte outside [A-Za-z0-9 ./:_-] and the ends
 * of lines ever comes out of here: a name with another one is an error.
 */
#ifndef PPVPN_AGENT_FRR_TEXT_H
#define PPVPN_AGENT_FRR_TEXT_H

#include "addr.h"
#include "err.h"
#include "text.h"

struct arena;
struct facts;
struct resource_set;
struct step;

/* "router ospf vrf VRF" of running-config */
struct frr_network { struct prefix prefix; struct addr area; };
struct frr_router {
	char *vrf;
	struct addr router_id;
	struct frr_network *networks;
	size_t network_count, network_size;
};

/* "interface NAME [vrf VRF]" of running-config */
struct frr_stanza {
	char *name, *vrf;			/* vrf "": not said */
	bool passive, area;			/* has "ip ospf passive", "ip ospf area" */
};

/* an interface that runs OSPF */
struct frr_link {
	char *name, *vrf;
	bool point_to_point;
	bool running;		/* its interface state is not "Down": only then is the
						   rest what it will be */
	uint32_t hello, dead, cost;
};

struct frr_neighbor { char *link, *vrf, *state; };

struct frr_state {
	struct arena *arena;
	struct frr_router *routers;
	size_t router_count, router_size;
	struct frr_stanza *stanzas;
	size_t stanza_count, stanza_size;
	struct frr_link *links;
	size_t link_count, link_size;
	struct frr_neighbor *neighbors;
	size_t neighbor_count, neighbor_size;
};

/* The show commands whose output frr_read() takes, in any selection. */
#define FRR_SHOW_CONFIG "show running-config"
#define FRR_SHOW_INTERFACES "show ip ospf vrf all interface json"
#define FRR_SHOW_NEIGHBORS "show ip ospf vrf all neighbor json"

/** What ospfd showed; 0 or -EBADMSG with e. */
int frr_read(struct arena *a, const char *output, size_t len,
			 struct frr_state *state, struct err *e);

/** Length of the running-config that output begins with: up to the first JSON. */
size_t frr_config_len(const char *output, size_t len);

/* Which VRFs are ours, and lines "\nVRF LINK\n" of links made passive there
 * that ospfd did not see in the VRF yet (NULL: none). */
struct frr_view {
	char *const *vrfs;
	size_t vrf_count;
	const char *passive;
	/* the same form: the LAN links of each VRF. A frr.conf that has them may be
	 * read when there is no VRF. */
	const char *lan;
};

/** kinds: RES_OSPF, RES_OSPF_LINK; and the neighbours on our links. */
void frr_report(const struct frr_state *state, const struct frr_view *view,
				unsigned kinds, struct resource_set *set, struct facts *facts);

/** "ppv" and a number */
bool frr_link_is_ours(const char *name);

/** Lines for one step; -EINVAL with e when it holds what may not be said. */
int frr_render(struct text *t, const struct step *step, struct err *e);
/** Forget an interface that is gone. */
int frr_render_forget(struct text *t, const char *link, struct err *e);
/** Is what the step wanted so now? Else -EIO with e saying what is not. */
int frr_verify(const struct frr_state *state, const struct frr_view *view,
			   const struct step *step, struct err *e);

/** What vtysh -f said about lines first..last (from 1) of its file; "" nothing. */
void frr_complaint(const char *output, unsigned first, unsigned last,
				   char out[200]);

#endif
