/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * service.h - time to service: from the commit in the database to the first
 * route over a tunnel, at each of its ends
 *
 * Pure.
 */
#ifndef PPVPN_SERVER_SERVICE_H
#define PPVPN_SERVER_SERVICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "server/store.h"

enum service_phase
{
	SERVICE_NOTIFY, SERVICE_FETCH, SERVICE_APPLY, SERVICE_IKE, SERVICE_OSPF,
	SERVICE_ROUTE, SERVICE_TOTAL, SERVICE_PHASE_COUNT
};

/** "notify", "fetch" ... "total" */
extern const char *const service_phase_names[SERVICE_PHASE_COUNT];

/** Milliseconds of a phase at an end; -1: not known (yet). */
int64_t service_ms(const struct store_tunnel_end *end, enum service_phase phase);

struct service_summary
{
	size_t count;			/* ends that know this phase */
	int64_t p50, p95, worst;	/* of them; -1: none */
};

/** Of count values, which it sorts. */
void service_summarize_ms(int64_t *values, size_t count,
						  struct service_summary *out);
/** Over both ends of all tunnels. */
void service_summarize(const struct store_tunnel *tunnels, size_t count,
					   enum service_phase phase, struct service_summary *out);

#endif
