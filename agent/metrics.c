/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * metrics.c - the router in Prometheus' text format
 *
 * Pure. Names and places are DNS labels: nothing in a label needs escaping but
 * what the server's name might have, which is not in one.
 */
#include "config.h"

#include <stddef.h>

#include "metrics.h"
#include "text.h"

enum kind { U64, BOOL };

struct row {
	const char *name, *type, *help;
	enum kind kind;
	size_t offset;
};

#define NUMBER(type_, name, type, field, help) \
	{ name, type, help, U64, offsetof(struct type_, field) }
#define FLAG(type_, name, field, help) \
	{ name, "gauge", help, BOOL, offsetof(struct type_, field) }

static const struct row router_rows[] = {
	FLAG(metrics, "ppvpn_agent_server_connected", connected,
		 "The provider's server answered the last request."),
	FLAG(metrics, "ppvpn_agent_charon_up", charon,
		 "charon's plugin answers."),
	FLAG(metrics, "ppvpn_agent_frr_up", frr, "ospfd answers."),
	FLAG(metrics, "ppvpn_agent_firewall_enforced", firewall_enforced,
		 "The firewall drops what is not the VPN's."),
	FLAG(metrics, "ppvpn_agent_converged", converged,
		 "The router is as the document wants it."),
	FLAG(metrics, "ppvpn_agent_document_applied", applied,
		 "The newest document is applied without an error."),
	NUMBER(metrics, "ppvpn_agent_document_epoch", "gauge", epoch,
		   "Epoch of the document in force, 0 without one."),
	NUMBER(metrics, "ppvpn_agent_document_revision", "gauge", revision,
		   "Revision of the document in force, 0 without one."),
	NUMBER(metrics, "ppvpn_agent_uptime_seconds", "gauge", uptime,
		   "Since the agent started."),
	NUMBER(metrics, "ppvpn_agent_negotiations_total", "counter", initiated,
		   "Negotiations that this router began."),
	NUMBER(metrics, "ppvpn_agent_negotiations_failed_total", "counter", failed,
		   "Of those that failed."),
	NUMBER(metrics, "ppvpn_agent_unknown_peer_requests_total", "counter",
		   unknown_peers,
		   "IKE requests of routers for which there is no configuration."),
	NUMBER(metrics, "ppvpn_agent_unknown_peer_pulls_total", "counter",
		   unknown_asked, "Questions to the server because of them."),
};

static const struct row tunnel_rows[] = {
	FLAG(metrics_tunnel, "ppvpn_agent_tunnel_up", up,
		 "An IPsec SA of the tunnel is installed."),
	FLAG(metrics_tunnel, "ppvpn_agent_tunnel_ospf_full", ospf_full,
		 "The OSPF neighbour in the tunnel is Full."),
	FLAG(metrics_tunnel, "ppvpn_agent_tunnel_route", route,
		 "A route leads over the tunnel."),
	FLAG(metrics_tunnel, "ppvpn_agent_tunnel_silent", silent,
		 "Up, and nothing comes in."),
	NUMBER(metrics_tunnel, "ppvpn_agent_tunnel_state_seconds", "gauge", seconds,
		   "In the present state since."),
	NUMBER(metrics_tunnel, "ppvpn_agent_tunnel_failed_attempts", "gauge",
		   failures, "In a row; 0 when it is up."),
	NUMBER(metrics_tunnel, "ppvpn_agent_tunnel_ups_total", "counter", ups,
		   "How often it came up."),
	NUMBER(metrics_tunnel, "ppvpn_agent_tunnel_in_bytes", "gauge", in_bytes,
		   "Received by the SAs there are; begins anew with each rekeying."),
	NUMBER(metrics_tunnel, "ppvpn_agent_tunnel_out_bytes", "gauge", out_bytes,
		   "Sent by the SAs there are; begins anew with each rekeying."),
};

static void head(struct text *t, const char *name, const char *type,
				 const char *help)
{
	text_addf(t, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static unsigned long long value(const struct row *r, const void *of)
{
	const char *at = (const char*)of + r->offset;

	return r->kind == BOOL ? *(const bool*)at : *(const uint64_t*)at;
}

static void labels(struct text *t, const struct metrics_tunnel *tunnel)
{
	text_addf(t, "customer=\"%s\",vpn=\"%s\",peer=\"%s\"", tunnel->customer,
			  tunnel->vpn, tunnel->peer);
}

static void add_tunnels(struct text *t, const struct metrics *m)
{
	for (size_t r = 0; r < sizeof(tunnel_rows) / sizeof(*tunnel_rows); r++)
	{
		const struct row *row = &tunnel_rows[r];

		head(t, row->name, row->type, row->help);
		for (size_t i = 0; i < m->tunnel_count; i++)
		{
			text_addf(t, "%s{", row->name);
			labels(t, &m->tunnels[i]);
			text_addf(t, "} %llu\n", value(row, &m->tunnels[i]));
		}
	}
	head(t, "ppvpn_agent_tunnel_info", "gauge",
		 "State and last error of the tunnel, 1.");
	for (size_t i = 0; i < m->tunnel_count; i++)
	{
		text_add(t, "ppvpn_agent_tunnel_info{");
		labels(t, &m->tunnels[i]);
		text_addf(t, ",state=\"%s\",error=\"%s\"} 1\n", m->tunnels[i].state,
				  m->tunnels[i].last_error);
	}
}

void metrics_text(struct text *t, const struct metrics *m)
{
	static const char *const severities[STATUS_CLEARED] = {
		[STATUS_WARNING] = "warning", [STATUS_MINOR] = "minor",
		[STATUS_MAJOR] = "major", [STATUS_CRITICAL] = "critical",
	};

	head(t, "ppvpn_agent_info", "gauge", "The agent and its router, 1.");
	text_addf(t, "ppvpn_agent_info{ce=\"%s\",version=\"%s\"} 1\n", m->ce,
			  m->version);
	for (size_t r = 0; r < sizeof(router_rows) / sizeof(*router_rows); r++)
	{
		const struct row *row = &router_rows[r];

		head(t, row->name, row->type, row->help);
		text_addf(t, "%s %llu\n", row->name, value(row, m));
	}
	head(t, "ppvpn_agent_firewall_packets_total", "counter",
		 "Packets between the router and the provider's edge, by the firewall's "
		 "counter.");
	for (size_t i = 0; i < m->firewall_count; i++)
	{
		text_addf(t, "ppvpn_agent_firewall_packets_total{counter=\"%s\"} %llu\n",
				  m->firewall_words[i],
				  (unsigned long long)m->firewall_packets[i]);
	}
	head(t, "ppvpn_agent_alarms", "gauge", "Alarms raised and not cleared.");
	for (int s = 0; s < STATUS_CLEARED; s++)
	{
		text_addf(t, "ppvpn_agent_alarms{severity=\"%s\"} %llu\n",
				  severities[s], (unsigned long long)m->alarms[s]);
	}
	add_tunnels(t, m);
}
