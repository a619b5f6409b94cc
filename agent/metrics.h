/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * metrics.h - the router in Prometheus' text format (doc/agent-metrics.md)
 *
 * Pure: the numbers are given. Every tunnel has its series, up or down.
 */
#ifndef PPVPN_AGENT_METRICS_H
#define PPVPN_AGENT_METRICS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "status.h"

struct text;

/* one tunnel; borrowed texts */
struct metrics_tunnel {
	const char *customer, *vpn, *peer;
	const char *state, *last_error;
	bool up, ospf_full, route, silent;
	uint64_t in_bytes, out_bytes, ups, failures, seconds;
};

struct metrics {
	const char *version, *ce;
	bool connected, charon, frr, converged, applied;
	uint64_t uptime, epoch, revision;
	uint64_t initiated, failed, unknown_peers, unknown_asked;
	bool firewall_enforced;
	const char *const *firewall_words;	/* and the packets of each */
	const uint64_t *firewall_packets;
	size_t firewall_count;
	uint64_t alarms[STATUS_CLEARED];	/* active, by severity */
	const struct metrics_tunnel *tunnels;
	size_t tunnel_count;
};

void metrics_text(struct text *t, const struct metrics *m);

#endif
