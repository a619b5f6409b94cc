/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * status.h - what a CE reports to its server ("ce-status/1")
 *
 * Pure. Encoded by the agent, decoded by the server, which trusts none of it.
 */
#ifndef PPVPN_STATUS_H
#define PPVPN_STATUS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "addr.h"

#define STATUS_SCHEMA "ce-status/1"
#define STATUS_PEERS_MAX 10000	/* as many as the server gives one CE */
#define STATUS_ERRORS_MAX 32
#define STATUS_ALARMS_MAX 256

enum status_result { STATUS_APPLIED, STATUS_PARTIAL, STATUS_REJECTED, STATUS_PENDING };

/* ranks as in RFC 8632 */
enum status_severity {
	STATUS_WARNING, STATUS_MINOR, STATUS_MAJOR, STATUS_CRITICAL, STATUS_CLEARED
};

struct status_error {
	char *code, *where, *text;
};

/* "errors" and "alarms" beyond their limits are left out by the encoder. */

/*
 * Time to service of one tunnel at this end, in milliseconds of the CE's
 * monotonic clock; each phase ends where the next begins:
 *   fetch  first byte of the answer .. document checked
 *   apply  .. plan applied
 *   ike    .. CHILD_SA INSTALLED
 *   ospf   .. neighbour Full
 *   route  .. first route over the tunnel in the kernel
 * The server adds notify: commit .. answer handed to TLS. A phase not reached
 * yet has done < its place; revision: the document that brought the peer.
 */
enum status_phase {
	STATUS_PHASE_FETCH, STATUS_PHASE_APPLY, STATUS_PHASE_IKE,
	STATUS_PHASE_OSPF, STATUS_PHASE_ROUTE, STATUS_PHASE_COUNT
};

struct status_service {
	uint64_t revision;
	uint32_t done;						/* phases that are finished, in order */
	uint32_t ms[STATUS_PHASE_COUNT];
};

struct status_peer {
	char *customer, *vpn, *peer;
	char *state;			/* of the peer's machine: idle connecting up asking waiting alarm */
	char *ike;				/* VICI's word: ESTABLISHED, CONNECTING; "" none */
	char *child;			/* INSTALLED, REKEYED ...; "" none */
	char *proposal;			/* negotiated ESP algorithms, "" none */
	char *ospf;				/* Full, ExStart ...; "" none */
	bool route;				/* a route over the tunnel is in the kernel */
	uint64_t since;			/* seconds in this state */
	uint64_t attempts;		/* failed ones since it was last up */
	uint64_t in_bytes, out_bytes;
	char *last_error;		/* error code text, "none" */
	bool has_service;
	struct status_service service;
};

struct status_alarm {
	char *code;				/* error code text */
	char *resource;			/* "acme/corp/lyon", "charon" */
	int severity;			/* enum status_severity */
	uint64_t count;
	uint64_t age;			/* seconds since last raised */
	char *text;
};

/*
 * An address (s) that the document says is this CE's, and that it does not have;
 * and what it has instead, towards the provider: family 0: nothing.
 */
struct status_address {
	struct addr missing, present;
};

struct status_report {
	char *ce;				/* "customer/ce" */
	char *boot_id;			/* 32 hex, new at each start of the agent */
	uint64_t seq;
	char *agent_version;
	uint64_t uptime;		/* seconds */
	uint64_t epoch, revision;
	int result;				/* enum status_result */
	/* no server was reached since, or it is not on disk: a start of the router
	 * now would begin with the document before */
	bool on_trial;
	bool has_address;		/* false: all that its document says, it has */
	struct status_address address;
	struct status_error *errors;
	size_t error_count;
	struct status_peer *peers;
	size_t peer_count;
	struct status_alarm *alarms;
	size_t alarm_count;
};

struct arena;
struct text;
struct err;

int status_decode(struct arena *arena, const char *buf, size_t len,
				  struct status_report **out, struct err *e);
struct text status_encode(const struct status_report *r);

#endif
