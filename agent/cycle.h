/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * cycle.h - the loop that keeps the router as it should be
 *
 * desired_build() · observe · plan_build() · apply, again until the plan is
 * empty. Level-triggered: a request only names what to look at; everything else
 * follows from reading. Owns no resource and decides nothing: the pure parts
 * decide, the backends do.
 */
#ifndef PPVPN_AGENT_CYCLE_H
#define PPVPN_AGENT_CYCLE_H

#include <stdbool.h>
#include "backend.h"
#include "desired.h"
#include "plan.h"

struct loop;
struct cycle;

#define CYCLE_ERRORS_MAX 32

struct cycle_result {
	const struct observation *seen;		/* the last one */
	const struct desired *desired;
	const struct plan *rest;			/* what is left to do; empty when converged */
	bool converged;
	bool full;							/* everything was looked at */
	const char *group;					/* else: only this connection */
	unsigned applied;					/* steps that were run and did not fail */
	struct err errors[CYCLE_ERRORS_MAX];	/* of steps that failed in the last pass */
	size_t error_count;
};

struct cycle_handlers {
	/* before the sets are compared: what is wanted now; NULL while that is not
	 * known: then nothing is changed. To want nothing takes a tombstone. */
	const struct model_document *(*document)(void *user);
	/* a round is over; it is repeated by itself when it did not converge */
	void (*settled)(void *user, const struct cycle_result *result);
};

/** backends: NULL-terminated, alive until cycle_free(). */
struct cycle *cycle_new(struct loop *loop, const struct conf *conf,
						struct backend *const *backends,
						const struct cycle_handlers *handlers, void *user);
void cycle_free(struct cycle *c);

/** Look at everything soon (requests within a few milliseconds are one). */
void cycle_request(struct cycle *c);
/** Look at one connection's SA and link: O(1) in the number of peers. */
void cycle_request_conn(struct cycle *c, const char *conn);
/**
 * Observe and plan without applying; fn gets the plan (of this moment).
 * rc -EAGAIN when a round is under way: ask again when it is over.
 */
typedef void (*cycle_plan_fn)(void *user, const struct plan *plan,
							  const struct desired *desired,
							  const struct observation *seen);
void cycle_plan(struct cycle *c, cycle_plan_fn fn, void *user);
/** True while a round is under way or requested. */
bool cycle_busy(const struct cycle *c);

#endif
