/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * nl.h - links, addresses, rules, routes and stale SAs of the kernel
 *
 * The only user of libnl. Kinds: SYSCTL (files below /proc/sys), RULE, VRF,
 * MEMBER, ROUTE, LINK. Requests are synchronous (the kernel answers at once);
 * changes made by others arrive on a second, monitoring socket.
 *
 * VTI in a VRF: links are made in one message with both ends, key, mtu and
 * master, so that they are born point-to-point; the agent owns the fwmark rule and the place of the
 * "local" rule (add pref 32765, then delete pref 0; the other way round when the
 * last VRF goes).
 */
#ifndef PPVPN_AGENT_NL_H
#define PPVPN_AGENT_NL_H

#include "backend.h"

struct loop;
struct nl;

enum nl_event {
	NL_LINK,			/* a link, VRF or address of ours or of a LAN changed */
	NL_RULE,
	NL_ROUTE,			/* a route over a link of ours: name, present */
	NL_ADDRESS,			/* another address or default route in the provider's
						   space: name of the link, or NULL */
	NL_XFRM,			/* somebody but charon took an SA or a policy away */
	NL_OVERFLOW			/* events were lost: read everything */
};
typedef void (*nl_event_fn)(void *user, enum nl_event event, const char *link, bool present);

/**
 * sysctls: NULL-terminated paths to read as SYSCTL resources. lan: the link names
 * of agent.conf whose addresses and membership are facts. Load the kernel
 * modules that are needed (ip_vti, vrf) by asking for them, failing clearly.
 */
int nl_new(struct loop *loop, const char *const *sysctls, char *const *lan,
		   nl_event_fn fn, void *user, struct nl **nl, struct err *e);
void nl_free(struct nl *nl);
struct backend *nl_backend(struct nl *nl);

/**
 * Delete the outgoing ESP SAs that carry our output mark, whoever they lead to.
 * Call it only while charon has no connection of ours, that is before anything
 * is told to a new charon: then they are what the one before left, and would
 * live on beside their successors. Incoming ones do no harm and end with their
 * lifetime; an operator's own SAs carry no such mark. Count into *deleted.
 */
int nl_sa_flush(struct nl *nl, uint32_t mark_out, unsigned *deleted,
				struct err *e);
/**
 * Delete the IPsec policies with a mark of our block. Call it only when charon
 * has no connection of ours. Count into *deleted.
 */
int nl_policy_flush(struct nl *nl, uint32_t mark_base, unsigned *deleted,
					struct err *e);

/**
 * The address that packets to this one are sent from, in the provider's space;
 * false: there is no route. What it says last is facts.source of every read.
 */
bool nl_source(struct nl *nl, const struct addr *to, struct addr *source);
/** Is it an address of this router, in the provider's space? */
bool nl_is_local(struct nl *nl, const struct addr *address);

/**
 * charon's process, which it writes into its requests and the kernel into the
 * events (iproute2 writes 0): what it takes away itself is no news (NL_XFRM).
 */
void nl_xfrm_charon(struct nl *nl, uint32_t pid);

/* SPIs and marks of ESP SAs, marks of outgoing policies; whoever's, sorted */
struct nl_xfrm {
	uint32_t *spis, *sa_marks, *marks;
	size_t spi_count, sa_mark_count, mark_count;
};

/** 0, or -errno with e and nothing to free. */
int nl_xfrm_list(struct nl *nl, struct nl_xfrm *x, struct err *e);
void nl_xfrm_done(struct nl_xfrm *x);
/**
 * The incoming SA, and an outgoing SA and a policy with that mark: the outgoing
 * one by its mark, since after a rekeying charon shows the new one as installed
 * while the kernel still has the old one, until the peer deletes that.
 */
bool nl_xfrm_has(const struct nl_xfrm *x, uint32_t spi_in, uint32_t mark);

#endif
