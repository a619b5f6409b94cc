/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * conf.h - agent.conf: what this router's owner decides
 *
 * Effects: reads one file. The provider is trusted with the VPN only: VRF names,
 * tables, LAN links, marks come from here and never from the server.
 */
#ifndef PPVPN_AGENT_CONF_H
#define PPVPN_AGENT_CONF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "addr.h"
#include "err.h"
#include "log.h"

#define CONF_LAN_MAX 16
#define CONF_PREFIXES_MAX 16

#define CONF_SP_LINKS_MAX 8
#define CONF_PORTS_MAX 32

/* none: no bound */
struct conf_prefixes { struct prefix items[CONF_PREFIXES_MAX]; size_t count; };

/* [vpn CUSTOMER/VPN] */
struct conf_vpn {
	char *place;				/* "acme/corp" */
	char *vrf;					/* link name of the VRF device */
	uint32_t table;
	char *lan[CONF_LAN_MAX + 1];	/* NULL-terminated link names */
	/* what the provider may ask at most: policy.h */
	bool has_max_peers;
	uint32_t max_peers;
	struct conf_prefixes peer_addresses;	/* (s) */
	struct conf_prefixes router_ids;
	struct conf_prefixes areas;		/* each a /32 */
};

/* [firewall]: what passes between this router and the provider's edge (PE) */
enum conf_firewall { CONF_FIREWALL_OFF, CONF_FIREWALL_LOG_ONLY, CONF_FIREWALL_ENFORCE, CONF_FIREWALL_MODES };

/* kinds of traffic with the PE that the owner has beside the VPNs' */
enum conf_allow {
	CONF_ALLOW_DHCP = 1 << 0,
	CONF_ALLOW_DNS = 1 << 1,
	CONF_ALLOW_NTP = 1 << 2,
	CONF_ALLOW_SSH = 1 << 3,
	CONF_ALLOW_OSPF = 1 << 4,
	CONF_ALLOW_BGP = 1 << 5,
	CONF_ALLOW_BFD = 1 << 6,
	CONF_ALLOW_IPSEC = 1 << 7,		/* tunnels of the owner's, with anybody */
	CONF_ALLOW_FORWARD = 1 << 8,	/* the router routes between the PE and others */
};

/* a service of this router's: "tcp/9100" */
struct conf_port { bool udp; uint16_t port; };

struct conf_firewall_rules {
	enum conf_firewall mode;
	char *links[CONF_SP_LINKS_MAX + 1];	/* NULL-terminated; none: that with the address (s) */
	unsigned allow;						/* enum conf_allow */
	struct conf_port ports[CONF_PORTS_MAX];
	size_t port_count;
};

/* [agent] */
struct conf {
	char *state_dir;			/* /var/lib/ppvpn */
	char *bundle;				/* /etc/ppvpn/bundle: of the first boot */
	char *run_dir;				/* /run/ppvpn */
	char *control_socket;		/* /run/ppvpn/agent.sock */
	char *control_group;		/* ppvpn */
	char *plugin_socket;		/* /run/charon.ppvpn */
	char *vici_socket;			/* /run/charon.vici */
	char *vtysh;				/* /usr/bin/vtysh */
	char *frr_dir;				/* /run/frr */
	uint32_t mark_base;			/* 0x70ff0000: tunnels' marks base+1 … base+0xfffe; base: from a spoke; base+0xffff: ESP */
	uint32_t rule_pref;			/* 100 */
	char **routes_not_needed;	/* foreign connections "CONN/CHILD" that do without charon's routes */
	size_t routes_not_needed_count;
	bool keep_clock;			/* never set the system's clock */
	enum log_level log_level;
	struct conf_firewall_rules firewall;
	struct conf_vpn *vpns;
	size_t vpn_count;
};

int conf_read(const char *path, struct conf *conf, struct err *e);
void conf_done(struct conf *conf);
const struct conf_vpn *conf_vpn(const struct conf *conf, const char *customer, const char *vpn);

#endif
