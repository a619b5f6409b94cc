/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * render.h - from a CE's rows to its document
 *
 * Pure. The one place that knows how the database's words become the
 * document's: identities, profile names, who initiates.
 */
#ifndef PPVPN_SERVER_RENDER_H
#define PPVPN_SERVER_RENDER_H

#include "server/store.h"

/*
 * Raise it when the same rows give another document: every CE's revision is
 * raised then at the next start (store_management_set), for other content under
 * the same revision is refused by the agents.
 */
#define RENDER_VERSION 4

/* A document must stay within json_limits_document: tunnels of a CE, over all
 * its VPNs, and removed sites told in one VPN. */
#define RENDER_PEERS_MAX MODEL_PEERS_MAX
#define RENDER_REMOVED_MAX 500

struct render_peer
{
	char *site;
	struct addr ce_address;
	bool initiates;				/* the peer does, not we */
	bool behind_nat;			/* ce_address is its NAT's */
	char *profile;				/* of the VPN's; NULL: its own */
	uint32_t cost;				/* 0: the VPN's */
	int role;
	struct model_key *keys;
	size_t key_count;
	bool certificate;			/* both ends' are good for this tunnel: */
	int certificate_use;		/* enum model_key_use */
};

struct render_vpn
{
	struct store_vpn vpn;
	char *site;					/* the CE's own */
	int role;
	struct store_profile *profiles;	/* beside the VPN's own, by name */
	size_t profile_count;
	struct addr ce_address, router_id;
	bool behind_nat;			/* ce_address is its NAT's */
	struct model_certificate certificate;	/* as it is; ca_count 0: none */
	struct render_peer *peers;	/* in any order */
	size_t peer_count;
	struct model_removed *removed;
	size_t removed_count;
	uint64_t unexplained;		/* the newest removal that is not told; 0: none */
};

struct render_ce
{
	char *customer, *ce;
	uint64_t epoch, revision;
	/* up to it tunnels went on purpose, explained or not; 0: none that counts */
	uint64_t bulk_removal;
	bool removed;				/* gives a tombstone */
	bool suspended;				/* no tunnels for now */
	struct render_vpn *vpns;
	size_t vpn_count;
};

/** The document, in arena; shares strings with rows and management. */
struct model_document *render_document(struct arena *a,
									   const struct render_ce *rows,
									   const struct model_management *management);

/**
 * "site.vpn.customer.domain".
 *
 * @return		0, or -EINVAL with e when it is too long to be an identity
 */
int render_identity(char out[FQDN_SIZE], const char *site,
					const struct store_vpn *vpn, struct err *e);

/** Whether a document can carry this VPN: 0, or -EINVAL with e. */
int render_try(const struct store_vpn *vpn, struct err *e);

/** What every document shares, as text to compare; the caller frees it. */
char *render_management_text(const struct model_management *management);

#endif
