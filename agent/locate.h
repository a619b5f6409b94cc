/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * locate.h - does this router have the addresses (s) that its document says, and
 * what to say when it does not
 *
 * Pure: what the kernel knows is asked through a function.
 */
#ifndef PPVPN_AGENT_LOCATE_H
#define PPVPN_AGENT_LOCATE_H

#include <stdbool.h>
#include <stddef.h>
#include "addr.h"
#include "model.h"
#include "status.h"

/** Is it the address of a link of this router, in the provider's space? */
typedef bool (*locate_here_fn)(void *user, const struct addr *address);

/** Must the router have vpn's ce_address? One behind NAT cannot. */
bool locate_lacks(const struct model_vpn *vpn, locate_here_fn here, void *user);
/**
 * The first address that the document says and that is not here, with source
 * in its place: false: there is none.
 */
bool locate_report(const struct model_document *doc, locate_here_fn here,
				   void *user, const struct addr *source,
				   struct status_address *out);
/**
 * Whom packets of the provider's space go to: the source of these is what this
 * router has there. The first peer, else the server where its URL
 * ("https://192.0.2.1:8443") has an address; false: nobody is known.
 */
bool locate_target(const struct model_document *doc, const char *server,
				   struct addr *to);
/** A VPN of the document is behind NAT: its tunnels begin at source. */
bool locate_behind_nat(const struct model_document *doc);

/** The next report of what is missing, after one that came so long before. */
unsigned locate_again_ms(unsigned last_ms, unsigned most_ms);
#define LOCATE_FIRST_MS 11000

#endif
