/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * model.h - one CE's document as C types ("ce-config/1")
 *
 * Pure. What a server says to one CE, after every check that one document can
 * be given by itself. Structure and credentials are named as in RFC 9061,
 * proposals as in swanctl.conf, tunnel information as in
 * draft-ietf-l3vpn-ce-based-03 section 3.3.
 *
 * Only what is implemented has a value here: a further authentication method,
 * IPsec mode or way of routing is a new enum value, its member in the tables of
 * model_json.c, and its line in schema/ce-config.schema.json.
 */
#ifndef PPVPN_MODEL_H
#define PPVPN_MODEL_H

#include <stdbool.h>
#include "addr.h"
#include "name.h"
#include "secret.h"

#define MODEL_SCHEMA "ce-config/1"

#define MODEL_CONFIRM_DEFAULT 120
#define MODEL_SERVERS_MAX 8
#define MODEL_VPNS_MAX 64
#define MODEL_PEERS_MAX 10000	/* of one VPN; fits json_limits_document */
#define MODEL_KEYS_MAX 4
#define MODEL_PROFILES_MAX 256
#define MODEL_PROPOSALS_MAX 16
#define MODEL_CA_MAX 4			/* of one VPN: while one takes over from another */
#define MODEL_CRL_MAX 4
#define MODEL_CERT_SIZE 8192	/* characters of base64 */
#define MODEL_CRL_SIZE 65536

enum model_state {
	MODEL_ACTIVE,
	MODEL_SUSPENDED,		/* still a member, but of VPNs without peers */
	MODEL_DEPROVISIONED		/* a tombstone: the CE is no longer a member of anything */
};

/* RFC 8299; in the disjoint one spokes do not reach each other at all */
enum model_topology {
	MODEL_ANY_TO_ANY, MODEL_HUB_SPOKE, MODEL_HUB_SPOKE_DISJOINT, MODEL_CUSTOM
};
/* RFC 9181; each fits the topologies of its name only */
enum model_role {
	MODEL_ANY_TO_ANY_ROLE, MODEL_HUB_ROLE, MODEL_SPOKE_ROLE, MODEL_CUSTOM_ROLE
};
enum model_auth { MODEL_PRE_SHARED, MODEL_CERTIFICATE };	/* RFC 9061 */
/* no valid revocation list: refuse the peer's certificate, or take it */
enum model_revocation { MODEL_STRICT, MODEL_RELAXED };
enum model_establishment { MODEL_PERMANENT };
enum model_ipsec_mode { MODEL_TUNNEL };
enum model_routing { MODEL_DYNAMIC };
enum model_key_use { MODEL_SEND_AND_ACCEPT, MODEL_ACCEPT_ONLY };
enum model_initiator { MODEL_LOCAL, MODEL_REMOTE };

/* SA information (draft 3.3); seconds */
struct model_profile {
	char *name;					/* a label, or two joined by a dot */
	char **proposals;
	size_t proposal_count;
	char **esp_proposals;
	size_t esp_proposal_count;
	uint32_t rekey_time;		/* IKE_SA, 300..86400 */
	uint32_t child_rekey_time;	/* CHILD_SA, 300..86400 */
	uint32_t dpd_delay;			/* 0: off, else 5..3600 */
};

struct model_key {
	char *key_id;
	int use;					/* enum model_key_use */
	struct secret secret;
};

struct model_peer {
	char *peer;					/* site name of the peer */
	struct addr remote_address;	/* (s) */
	char *identity;				/* fqdn-string */
	/* what both ends may prove themselves by; one of all is to be sent */
	struct model_key *keys;
	size_t key_count;
	bool certificate;			/* so, too: below the VPN's authorities */
	int certificate_use;		/* enum model_key_use */
	char *sa_profile;
	const struct model_profile *profile;	/* of the document's, by sa_profile */
	int initiator;				/* enum model_initiator */
	int establishment, ipsec_mode, routing;
	uint32_t cost;				/* OSPF, of this tunnel; 0: the VPN's */
	bool behind_nat;			/* remote_address is its NAT's: it begins, never we */
	/* enum model_role; MODEL_ANY_TO_ANY_ROLE where it is not said: a disjoint
	 * VPN's hub takes such a peer for a spoke */
	int role;
};

struct model_removed {
	char *peer;
	uint64_t at_revision;
	char *reason;				/* token: "site-removed" */
};

/* draft 3.4: seconds */
struct model_retry {
	uint32_t minimum_wait, t1, factor, maximum, alarm_after;
};

struct model_ospf {
	struct addr area;			/* dotted quad */
	uint32_t hello_interval, dead_interval;	/* seconds */
	uint32_t cost;				/* of every tunnel of the VPN that has none */
};

/*
 * RFC 9061's certificate: base64 of DER. Only certificates below these
 * authorities count in this VPN.
 */
struct model_certificate {
	char *cert_data;			/* of this site; NULL: none was issued to it yet */
	char **ca_data;
	size_t ca_count;			/* 0: no certificates in this VPN */
	char **crl_data;
	size_t crl_count;
	int revocation;				/* enum model_revocation */
};

struct model_vpn {
	char *customer, *vpn, *site;
	struct addr ce_address;		/* (s) */
	/* ce_address is the NAT's, as peers see it; the CE has another one, which
	 * only it knows, and begins every tunnel */
	bool behind_nat;
	char *identity;				/* fqdn-string of this site */
	int topology, role;
	int auth;					/* enum model_auth: what its tunnels are to have */
	struct model_certificate certificate;
	struct addr router_id;
	uint32_t mtu;				/* of the tunnel links */
	struct model_ospf ospf;
	struct model_retry retry;
	struct model_peer *peers;	/* sorted by name, complete: absent means remove */
	size_t peer_count;
	struct model_removed *removed;
	size_t removed_count;
};

struct model_management {
	char **servers;				/* "https://host:port" */
	size_t server_count;
	uint32_t poll_interval, long_poll_timeout, report_interval;
	/* after this document was applied a server must be reached again within
	 * so many seconds, 10..3600; 0: not said, MODEL_CONFIRM_DEFAULT */
	uint32_t confirm_timeout;
};

struct model_document {
	int schema;					/* the version it came in: of schema_config */
	char *ce;					/* "customer/ce" */
	uint64_t epoch, revision;
	/* up to this revision peers were taken away on purpose, even where no
	 * "removed" explains it; said in this epoch. 0: not said */
	uint64_t bulk_removal;
	int state;
	struct model_management management;
	struct model_profile *profiles;		/* sorted by name */
	size_t profile_count;
	struct model_vpn *vpns;
	size_t vpn_count;
};

struct arena;
struct text;
struct err;

/**
 * Decode and check a whole document; everything points into arena, which wipes
 * it when freed. Nothing is left half-read: on error *out is NULL.
 *
 * @return		0, or -EINVAL/-E2BIG with e filled (where: a JSON pointer)
 */
int model_decode(struct arena *arena, const char *buf, size_t len,
				 struct model_document **out, struct err *e);

/**
 * What a text says of its schema, whatever else it holds: *name is the arena's,
 * two labels with a "/". 0 or -errno.
 */
int model_schema(struct arena *arena, const char *buf, size_t len,
				 char **name);

/** The canonical text of a document: equal documents, equal bytes. */
struct text model_encode(const struct model_document *doc);

/**
 * The checks between the parts: references, unique peers and identities, an
 * own address that is no peer's, unique address pairs (a VTI carries one tunnel
 * per pair), exactly one key or certificate to send, certificates only where
 * the VPN has authorities, roles that fit the topology, no peers
 * while suspended, tunnels that begin behind NAT and end at an address that can
 * be reached. model_decode() calls it.
 */
int model_check(const struct model_document *doc, struct err *e);

#endif
