/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * facts.h - what was observed besides resources: the state that decisions and
 * reports need
 *
 * Pure: types only. Filled by the backends while they read; lives in the cycle's
 * arena.
 */
#ifndef PPVPN_AGENT_FACTS_H
#define PPVPN_AGENT_FACTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "addr.h"

/* an IPv4 address of a link that is not ours */
struct fact_address { char *link; struct prefix address; };

/* every link by name, so that names are not taken twice */
struct fact_link { char *name; bool ours; };

/* one connection of ours in charon (VICI list-sas) */
struct fact_sa {
	char *conn;
	char *ike_state;			/* of the newest IKE_SA */
	char *child_state;			/* INSTALLED if any is, else the newest's, "" none */
	unsigned installed;			/* CHILD_SAs INSTALLED, REKEYING or REKEYED */
	bool connecting;			/* some IKE_SA is CONNECTING */
	char *proposal;				/* of the newest INSTALLED CHILD_SA */
	uint64_t in_bytes, out_bytes;
	uint32_t mark, spi_in, spi_out;	/* of that one too, 0 none */
	/* both ends called each other at the same time: two IKE_SAs with all that
	 * belongs to them. The id of one that is not needed; 0: none is too many. */
	uint32_t spare;
};

/* one OSPF neighbour on a link of ours */
struct fact_neighbor { char *link; char *state; };	/* "Full" */

struct facts {
	struct fact_address *addresses;
	size_t address_count;
	struct fact_link *links;
	size_t link_count;
	struct fact_sa *sas;
	size_t sa_count;
	bool sas_sorted;
	struct fact_neighbor *neighbors;
	size_t neighbor_count;
	/* links in VRFs of ours that ospfd speaks on, when it could be read */
	char **ospf_links;
	size_t ospf_link_count;
	/* networks that a route over a link of ours leads to exist: link names */
	char **routed;
	size_t routed_count;
	/* the address (s) that packets to the provider and the peers are sent from;
	 * family 0: there is no way to them, or it is not known yet */
	struct addr source;
	bool local_rule_first;		/* the kernel's rule "0: lookup local" is there */
	bool firewall_possible;		/* this kernel has nftables' family inet */
	bool firewall_held;			/* enforced, it cut the server off: log only */
	bool l3mdev_rule;			/* a rule for VRFs that is not ours is there */
	/* PEM, this router's for IKE; NULL: there is none, or charon takes none.
	 * And the VPNs, "customer/vpn", whose certificate in the document is of it
	 * and has not ended. */
	const char *ike_key;
	char *const *certified;
	size_t certified_count;
	char *boot_id;				/* of charon (plugin); "" not connected */
	bool install_routes, connmark;
	/* what could not be read: kinds of resources (RES_BIT) that are not known */
	unsigned unknown_kinds;
};

struct arena;
void facts_add_address(struct facts *f, struct arena *a, const char *link, const struct prefix *p);
void facts_add_link(struct facts *f, struct arena *a, const char *name, bool ours);
struct fact_sa *facts_add_sa(struct facts *f, struct arena *a, const char *conn);
void facts_add_neighbor(struct facts *f, struct arena *a, const char *link, const char *state);
void facts_add_ospf_link(struct facts *f, struct arena *a, const char *link);
bool facts_has_ospf_link(const struct facts *f, const char *link);
void facts_add_routed(struct facts *f, struct arena *a, const char *link);
void facts_done(struct facts *f);	/* the arrays; the texts are the arena's */
/** Makes facts_sa() O(log n); call when everything is read. */
void facts_sort(struct facts *f);
const struct fact_sa *facts_sa(const struct facts *f, const char *conn);

#endif
