/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * nft.h - our table of nftables: is it as we made it, make it, what it counted
 *
 * Effects: the only user of libnftables, a netlink socket for others' changes,
 * STATE/firewall. Kind FIREWALL. The kernel hands a table back in other words
 * than it was given in; so what it showed right after we made it is remembered
 * (a digest, on disk, for a restart of the agent), and a table that shows
 * something else is one that somebody changed. Requests are synchronous.
 */
#ifndef PPVPN_AGENT_NFT_H
#define PPVPN_AGENT_NFT_H

#include "backend.h"
#include "firewall.h"

struct loop;
struct nft;

struct nft_handlers {
	/* somebody else changed our table: look at it again */
	void (*changed)(void *user);
	/* it is in force since now; mode and settings as in res_firewall */
	void (*applied)(void *user, const char *mode, const char *settings);
};

/** handlers must stay. Never fails: what this kernel lacks is a fact. */
struct nft *nft_new(struct loop *loop, const char *state_dir,
					const struct nft_handlers *handlers, void *user);
void nft_free(struct nft *n);
struct backend *nft_backend(struct nft *n);
/** What facts.firewall_held says from now on. */
void nft_hold(struct nft *n, bool held);
/**
 * Packets since the agent's start; they outlive a table that is made anew.
 *
 * @return		false: there is no table of ours, or it cannot be read
 */
bool nft_counters(struct nft *n, struct firewall_counters *out);
/** Mode of the table that is in force; NULL: none. */
const char *nft_mode(const struct nft *n);
bool nft_possible(const struct nft *n);
/** Settings that a server was heard with, also before a restart; "": none. */
const char *nft_confirmed(const struct nft *n);
void nft_confirm(struct nft *n, const char *settings);

#endif
