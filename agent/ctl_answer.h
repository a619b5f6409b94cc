/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * ctl_answer.h - the agent's answers, as ppvpnctl reads them
 *
 * Pure. The shapes are written by report.c, plan.c and serve.c.
 */
#ifndef PPVPN_AGENT_CTL_ANSWER_H
#define PPVPN_AGENT_CTL_ANSWER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "err.h"

struct arena;

struct ctl_error { char *code, *where, *text; };

struct ctl_vpn {
	char *customer, *vpn, *site, *vrf;
	uint64_t peers, up;
	char *certificate;			/* none (not needed), waiting, own, ended */
	uint64_t certificate_ends;			/* seconds since 1970; 0: there is none */
};

struct ctl_status {
	char *ce, *server, *state, *result;
	char *firewall;						/* screen.h; with the packets refused */
	uint64_t firewall_refused;
	bool connected, confirmed, charon, frr, converged;
	uint64_t epoch, revision, since, alarms;
	uint64_t enrolled;					/* seconds since 1970; 0: not known */
	uint64_t certificate_ends;			/* the same */
	char *ike_key;						/* SHA-256; "": there is none */
	struct ctl_vpn *vpns;
	size_t vpn_count;
	struct ctl_error *errors;
	size_t error_count;
};

struct ctl_peer {
	char *customer, *vpn, *peer, *link, *remote, *state;
	char *ike, *child, *proposal, *ospf, *last_error;
	char *authentication;		/* pre-shared-key, certificate, "" not known */
	bool route;
	uint64_t since, in_bytes, out_bytes, attempts, next_retry;
};

struct ctl_peers { struct ctl_peer *items; size_t count; };

struct ctl_step { char *op, *kind, *key, *reason; };

struct ctl_plan {
	struct ctl_step *steps;
	size_t step_count;
	struct ctl_error *errors;			/* something foreign is in the way */
	size_t error_count;
	struct ctl_error *not_possible;		/* the document and agent.conf do not fit */
	size_t not_possible_count;
};

struct ctl_alarm {
	char *code, *resource, *severity, *text;
	uint64_t count, age;
};

/* one line of `watch` */
struct ctl_event { char *event, *time, *level, *where, *cause, *text; };

/* Prometheus' format, line by line */
struct ctl_metrics { char **lines; size_t count; };

struct ctl_alarms { struct ctl_alarm *items; size_t count; };

/** 0, or the error that an answer {"error":…} is. */
int ctl_answer_error(const char *buf, size_t len, struct err *e);

int ctl_status_read(struct arena *a, const char *buf, size_t len,
					struct ctl_status *out, struct err *e);
int ctl_peers_read(struct arena *a, const char *buf, size_t len,
				   struct ctl_peers *out, struct err *e);
int ctl_plan_read(struct arena *a, const char *buf, size_t len,
				  struct ctl_plan *out, struct err *e);
int ctl_alarms_read(struct arena *a, const char *buf, size_t len,
					struct ctl_alarms *out, struct err *e);
int ctl_event_read(struct arena *a, const char *buf, size_t len,
				   struct ctl_event *out, struct err *e);
int ctl_metrics_read(struct arena *a, const char *buf, size_t len,
					 struct ctl_metrics *out, struct err *e);

#endif
