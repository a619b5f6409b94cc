/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * nl_local.h - what the files of the netlink backend share
 *
 * Only for nl*.c. A struct nl_link is what the kernel last said about a link: the
 * table of them is refreshed by every full read and kept up by the monitor.
 */
#ifndef PPVPN_AGENT_NL_LOCAL_H
#define PPVPN_AGENT_NL_LOCAL_H

#include <net/if.h>
#include "nl.h"
#include "nl_request.h"

/*
 * Every link of ours is born in this group: the alias can only be set by a
 * second message, and a link that was left between the two is known by it.
 */
#define NL_LINK_GROUP 28784

#define NL_KEY_SIZE 256

enum { NL_TABLE_MAIN = 254, NL_TABLE_LOCAL = 255 };

struct nl_link {
	unsigned ifindex;
	char name[IFNAMSIZ];
	char kind[IFNAMSIZ];
	char *alias;				/* never NULL */
	uint32_t group;
	unsigned master;			/* ifindex, 0: none */
	uint32_t mtu;
	bool up;
	bool policy_off;
	uint32_t table;				/* of a VRF */
	struct addr local, remote;	/* of a VTI */
	uint32_t mark;
	struct prefix *addresses;
	size_t address_count;
	bool routed;				/* some route leads over it */
	bool clsact;				/* has room for filters */
	enum res_fence fence;
	uint32_t fence_mark;
};

/* The links by ifindex and by alias. */
struct nl_table { void *by_index, *by_alias; };

struct nl {
	struct backend backend;		/* must be first */
	struct nl_sock *sk;
	struct loop *loop;
	struct nl_table links;
	char **sysctls;
	char **lan;
	nl_event_fn fn;
	void *user;
	/* monitor */
	struct nl_sock *monitor;
	struct loop_fd *monitor_fd;
	struct loop_timer *route_timer;
	struct nl_sock *xfrm;
	struct loop_fd *xfrm_fd;
	uint32_t charon_pid;
	struct addr source;			/* as last looked up; family 0: none */
	/* the link that a step of ours is working on: its events are echoes */
	const char *busy;
	unsigned busy_index;
};

/* nl_table.c */
struct nl_link *nl_table_get(const struct nl_table *t, unsigned ifindex);
struct nl_link *nl_table_alias(const struct nl_table *t, const char *alias);
/** Takes link over; replaces one of the same ifindex, keeping what no
 * message about a link says: addresses, routed, the fence. */
struct nl_link *nl_table_put(struct nl_table *t, struct nl_link *link);
void nl_table_remove(struct nl_table *t, unsigned ifindex);
void nl_table_clear(struct nl_table *t);
void nl_table_each(const struct nl_table *t,
				   void (*fn)(void *user, struct nl_link *link), void *user);
void nl_link_free(struct nl_link *link);
/** "name of its master", "" none. */
const char *nl_link_master(const struct nl *nl, const struct nl_link *link);
/** Connection, "customer/vpn" or (an orphan) link name; false: not ours. */
bool nl_link_key(const struct nl_link *link, char key[NL_KEY_SIZE]);
bool nl_link_is_vrf(const struct nl_link *link);
bool nl_link_is_lan(const struct nl *nl, const char *name);

/* nl_link.c */
struct nl_link *nl_link_parse(struct nlmsghdr *h);	/* NULL: not a link's state */
int nl_links_read(struct nl *nl, struct err *e);
/** One link, into the table; -ENODEV and out of the table when it is gone. */
int nl_link_read(struct nl *nl, unsigned ifindex, const char *name,
				 struct nl_link **link, struct err *e);
int nl_link_step(struct nl *nl, const struct step *s, struct err *e);
int nl_vrf_step(struct nl *nl, const struct step *s, struct err *e);
int nl_member_step(struct nl *nl, const struct step *s, struct err *e);
/** Whether the kernel has links of that kind, its module loaded if need be. */
int nl_link_probe(struct nl *nl, const char *kind, const char *module,
				  struct err *e);

/* nl_fence.c */
/** The fences of all links of ours, or of one, into the table. */
int nl_fences_read(struct nl *nl, struct err *e);
int nl_fence_read(struct nl *nl, struct nl_link *link, struct err *e);
/** Make, change or (RES_FENCE_NONE) take away ours of one link. */
int nl_fence_set(struct nl *nl, unsigned ifindex, const char *name,
				 enum res_fence fence, uint32_t mark, struct err *e);

/* nl_address.c */
/** Read the addresses of all links (0) or one into the table. */
int nl_addresses_read(struct nl *nl, unsigned ifindex, struct err *e);
/** Ifindex of an RTM_NEWADDR or RTM_DELADDR, put into the table. */
unsigned nl_address_take(struct nl *nl, struct nlmsghdr *h);
struct nl_msg *nl_address_add(unsigned ifindex, const struct prefix *p);
struct nl_msg *nl_address_announce(unsigned ifindex, const struct prefix *p);
struct nl_msg *nl_address_delete(unsigned ifindex, const struct prefix *p);

/* nl_rule.c */
int nl_rules_read(struct nl *nl, struct observation *o, struct err *e);
int nl_rule_step(struct nl *nl, const struct step *s, struct err *e);

/* nl_route.c */
int nl_routes_read(struct nl *nl, struct observation *o, struct err *e);
int nl_route_step(struct nl *nl, const struct step *s, struct err *e);
/** Find anew which links are routed; fn gets those that changed. */
void nl_routed_refresh(struct nl *nl, void (*fn)(void *user, struct nl_link *link), void *user);
/** An RTM_NEWROUTE or RTM_DELROUTE: its links, at most 16 ifindexes. */
struct nl_route {
	uint32_t table;
	uint8_t protocol, type;
	bool is_default;
	uint32_t metric;
	unsigned links[16], link_count;
};
bool nl_route_parse(struct nlmsghdr *h, struct nl_route *route);
/** One that leads somewhere, learned or configured: no connected or local one. */
bool nl_route_leads(const struct nl_route *route);

/* nl_sysctl.c */
void nl_sysctls_read(struct nl *nl, struct observation *o);
int nl_sysctl_step(const struct step *s, struct err *e);
/** Write one below /proc/sys. */
int nl_sysctl_write(const char *path, const char *value, struct err *e);

/* nl_xfrm.c */
int nl_xfrm_start(struct nl *nl, struct err *e);
void nl_xfrm_stop(struct nl *nl);

/* nl_monitor.c */
int nl_monitor_start(struct nl *nl, struct err *e);
void nl_monitor_stop(struct nl *nl);
/** Take what is queued; events of nl->busy are not told. */
void nl_monitor_drain(struct nl *nl);

#endif
