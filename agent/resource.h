/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * resource.h - what the agent makes on a router, as values
 *
 * Pure. A resource is {kind, key, canonical attributes, origin}. The desired and
 * the observed side build it by the same function from the same struct, so
 * whole values can be compared. To add a kind: its line in the table of
 * resource.c, its struct and resource_KIND() here, a backend that reads and
 * applies it, and its wish in desired.c.
 */
#ifndef PPVPN_AGENT_RESOURCE_H
#define PPVPN_AGENT_RESOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "addr.h"
#include "model.h"

/* In order of rank: creates go up, deletes go down. */
enum resource_kind {
	RES_SYSCTL, RES_FIREWALL, RES_RULE, RES_VRF, RES_MEMBER, RES_ROUTE, RES_LINK,
	RES_OSPF, RES_OSPF_LINK, RES_SA, RES_CREDENTIALS, RES_CONN,
	RES_KIND_COUNT
};
#define RES_BIT(kind) (1u << (kind))
#define RES_ALL (RES_BIT(RES_KIND_COUNT) - 1)

enum resource_origin { RES_OURS, RES_FOREIGN };

/* an attribute in canonical text; fixed: cannot be changed in place */
struct resource_attr {
	const char *name;
	char *value;
	bool fixed;
};

struct resource {
	enum resource_kind kind;
	enum resource_origin origin;
	char *key;
	/* connection name of the tunnel it belongs to, "customer/vpn" of the VPN,
	 * or "": a failed step stops the later ones of its group only */
	char *group;
	struct resource_attr *attrs;
	size_t attr_count;
	/* what no other resource may hold at the same time: "link ppv3",
	 * "vti 192.0.2.5 192.0.2.9", "mark 0x70ff0001", "table 1001" */
	char **claims;
	size_t claim_count;
	const void *spec;			/* the kind's struct, in the set's arena */
};

struct arena;
struct resource_set {
	struct arena *arena;
	struct resource *items;
	size_t count, size;
};

void resource_set_init(struct resource_set *set, struct arena *arena);
void resource_set_done(struct resource_set *set);	/* the array; the rest is the arena's */
/** First of that kind and key, NULL. O(log n) after resource_set_sort(). */
const struct resource *resource_find(const struct resource_set *set,
									 enum resource_kind kind, const char *key);
void resource_set_sort(struct resource_set *set);

const char *resource_kind_name(enum resource_kind kind);
/** Which steps a kind knows. */
bool resource_kind_creates(enum resource_kind kind);
bool resource_kind_deletes(enum resource_kind kind);

/* ---- the kinds ------------------------------------------------------------ */

struct res_sysctl { const char *path; char *value; };	/* "net/ipv4/ip_forward"; key: path */

/*
 * Our table of nftables, of family inet: firewall.h. One resource; what it holds
 * is compared by its digest: where somebody changed the table it is another.
 */
struct res_firewall {
	const char *mode;			/* "log-only", "enforce" */
	const char *digest;			/* of the text, hex; observed, when changed: "changed" */
	/* wanted only: what makes it, as nft(8) reads it; firewall.h's settings */
	const char *text, *settings;
};
#define FIREWALL_KEY "inet ppvpn"

/* IPv4 routing rule; key "PREF TABLE". Ours carry our protocol number. */
struct res_rule {
	uint32_t pref, table, fwmark, fwmask;
	bool l3mdev;				/* each VRF's own table; table is 0 */
};

/* VRF device of a VPN; key: customer/vpn when ours (from its alias), else the link name */
struct res_vrf {
	char *name;
	uint32_t table;
	struct prefix address;		/* router-id/32 */
	bool announce;				/* tell the address once more; observed: false */
	unsigned ifindex;			/* observed only; not an attribute */
};

struct res_member { char *link, *master; };		/* a LAN link in a VRF of ours; key: link */

/* a route of ours: unreachable default of a VRF's table; key "TABLE unreachable default" */
struct res_route { uint32_t table, metric; };

/*
 * At the hub of a disjoint VPN: what comes from a spoke is marked, and what is
 * marked leaves by no tunnel. Not to another hub either: that one could not
 * tell it from the hub's own and might hand it to a spoke. So a spoke reaches
 * a hub over its own tunnel with it only.
 */
enum res_fence {
	RES_FENCE_NONE,
	RES_FENCE_HUB,				/* lets nothing out that is marked */
	RES_FENCE_SPOKE,			/* besides, marks what comes in */
	RES_FENCE_BROKEN			/* observed only: neither of them */
};

/* a tunnel link; key: the connection name from its alias, foreign: the link name */
struct res_link {
	char *name;					/* ppvN */
	const char *driver;			/* "vti" */
	struct addr local, remote;
	uint32_t mark;				/* key of the VTI, both ways */
	char *master;				/* VRF device */
	uint32_t mtu;
	struct prefix address;		/* router-id/32 */
	bool up;
	bool policy_off;			/* disable_policy=1 and rp_filter=0 of this link */
	/* Tell the address once more; observed: false. zebra 8.4 reads links and
	 * addresses in two threads and forgets an address that it hears of before
	 * its link: ospfd then never learns of it. */
	bool announce;
	enum res_fence fence;
	uint32_t fence_mark;		/* with a fence */
	unsigned ifindex;			/* observed only */
};

/* OSPF instance of a VRF; key: VRF name */
struct res_ospf {
	char *vrf;
	struct addr router_id, area;
	struct prefix *networks;	/* sorted: router-id/32, LAN networks */
	size_t network_count;
	char **passive;				/* sorted link names: LAN */
	size_t passive_count;
};

/* what ospfd made of a tunnel link; key: link name. Comes and goes by itself. */
struct res_ospf_link {
	char *link, *vrf;
	bool point_to_point;
	uint32_t hello, dead, cost;
};

/* the IKE_SAs of a connection; key: connection name. Made by negotiation. */
struct res_sa {
	char *conn;
	struct addr local, remote;
	char *local_id, *remote_id;
	uint32_t mark;				/* of its CHILD_SAs, 0: has none yet */
	bool lost;					/* the kernel lacks what charon shows */
	uint32_t *unique_ids;
	size_t unique_id_count;
};

/* a connection in charon's plugin; key: its name */
/*
 * What this router shows in one VPN, and what it believes there; key: its name,
 * "customer/vpn". Connections refer to it.
 */
struct res_credentials {
	char *name;
	const struct model_certificate *certificate;
	const char *private_key;	/* PEM, of cert_data */
	char tag[65];				/* digest of the canonical text, the key included */
	char *json;					/* canonical text as the plugin takes it; wiped with the arena */
};

/* a connection in charon; key: its name */
struct res_conn {
	char *name;
	struct addr local, remote;
	char *local_id, *remote_id;
	const struct model_profile *profile;
	const struct model_key *keys;
	size_t key_count;
	const char *credentials;	/* name; NULL: no certificates */
	int certificate_use;		/* enum model_key_use */
	uint32_t mark, set_mark_out;
	char tag[65];				/* digest of the canonical conn, secrets included */
	char *json;					/* canonical conn as the plugin takes it; wiped with the arena */
};

/* Each copies what it needs into the set's arena and appends. */
void resource_sysctl(struct resource_set *set, enum resource_origin origin, const struct res_sysctl *spec);
void resource_firewall(struct resource_set *set, enum resource_origin origin, const struct res_firewall *spec);
void resource_rule(struct resource_set *set, enum resource_origin origin, const struct res_rule *spec);
void resource_vrf(struct resource_set *set, enum resource_origin origin, const char *key, const struct res_vrf *spec);
void resource_member(struct resource_set *set, enum resource_origin origin, const char *group, const struct res_member *spec);
void resource_route(struct resource_set *set, enum resource_origin origin, const struct res_route *spec);
void resource_link(struct resource_set *set, enum resource_origin origin, const char *key, const struct res_link *spec);
void resource_ospf(struct resource_set *set, enum resource_origin origin, const struct res_ospf *spec);
void resource_ospf_link(struct resource_set *set, enum resource_origin origin, const char *group, const struct res_ospf_link *spec);
void resource_sa(struct resource_set *set, enum resource_origin origin, const struct res_sa *spec);
void resource_credentials(struct resource_set *set, enum resource_origin origin, const struct res_credentials *spec);
void resource_conn(struct resource_set *set, enum resource_origin origin, const struct res_conn *spec);

/* "ppvpn:acme:corp" and "ppvpn:acme:corp:lyon": link aliases that mark ours */
#define ALIAS_PREFIX "ppvpn:"
#define LINK_PREFIX "ppv"
/* protocol number of our routes and rules (rtnetlink RTPROT_*, FRA_PROTOCOL) */
#define ROUTE_PROTOCOL 251

#endif
