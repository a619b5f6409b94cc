/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * event_codes.h - what happens on a router that somebody may want to know: one
 * line in the journal, one line of `ppvpnctl watch`
 *
 * The words are stable: operators match them. doc/events.md says more of each; a
 * test compares.
 */
#ifndef PPVPN_AGENT_EVENT_CODES_H
#define PPVPN_AGENT_EVENT_CODES_H

#define EVENT_CODES(X) \
	X(AGENT_STARTED, "agent-started", INFO) \
	X(AGENT_STOPPED, "agent-stopped", INFO) \
	X(SERVER_CONNECTED, "server-connected", INFO) \
	X(SERVER_LOST, "server-lost", WARN) \
	X(DOCUMENT_ACCEPTED, "document-accepted", INFO) \
	X(ROUTER_CONVERGED, "router-converged", INFO) \
	X(ROUTER_DIFFERS, "router-differs", WARN) \
	X(CHARON_CONNECTED, "charon-connected", INFO) \
	X(CHARON_LOST, "charon-lost", WARN) \
	X(FRR_CONNECTED, "frr-connected", INFO) \
	X(FRR_LOST, "frr-lost", WARN) \
	X(TUNNEL_TRYING, "tunnel-trying", INFO) \
	X(TUNNEL_FAILED, "tunnel-failed", WARN) \
	X(TUNNEL_UP, "tunnel-up", INFO) \
	X(TUNNEL_DOWN, "tunnel-down", WARN) \
	X(TUNNEL_REMOVED, "tunnel-removed", INFO) \
	X(ADDRESS_CHANGED, "address-changed", WARN) \
	X(CERTIFICATE_RENEWED, "certificate-renewed", INFO) \
	X(CERTIFICATE_NOT_RENEWED, "certificate-not-renewed", WARN) \
	X(IKE_KEY_TOLD, "ike-key-told", INFO) \
	X(IKE_KEY_NOT_TOLD, "ike-key-not-told", WARN) \
	X(IKE_CERTIFICATE, "ike-certificate", INFO) \
	X(UNKNOWN_PEER_PULL, "unknown-peer-pull", INFO) \
	X(ALARM_RAISED, "alarm-raised", WARN) \
	X(ALARM_CLEARED, "alarm-cleared", INFO)

enum event_code {
#define X(sym, word, level) EVENT_##sym,
	EVENT_CODES(X)
#undef X
	EVENT_CODE_COUNT
};

#endif
