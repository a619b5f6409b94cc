/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * plan.h - from what is wanted and what is there to an ordered list of steps
 *
 * Pure: no I/O, no clock, no logging. Never emits a step on a foreign resource.
 */
#ifndef PPVPN_AGENT_PLAN_H
#define PPVPN_AGENT_PLAN_H

#include "err.h"
#include "resource.h"

enum step_op { STEP_CREATE, STEP_UPDATE, STEP_RECREATE, STEP_DELETE };

struct step {
	enum step_op op;
	enum resource_kind kind;
	const char *key, *group;
	const struct resource *want;	/* NULL: delete */
	const struct resource *have;	/* NULL: create */
	char *reason;					/* for people: "mtu 1480, wanted 1400" */
	int rc;							/* filled by apply */
	struct err err;
};

struct plan_error { const struct resource *want; struct err err; };

struct plan {
	struct step *steps;
	size_t count, size;
	struct plan_error *errors;		/* wanted, but not possible: foreign in the way */
	size_t error_count, error_size;
};

/**
 * Find the steps that turn have into want, in the order they must run: creates
 * and updates up the ranks, then deletes down; a delete that frees a claim which a
 * create needs goes before it, with its whole group.
 *
 * kinds: RES_BITs that count; others are left alone. group: NULL, or only
 * resources of that group. Both sets are sorted by this call. Memory: have's
 * arena for texts; plan_done() for the arrays.
 */
void plan_build(struct resource_set *want, struct resource_set *have,
				unsigned kinds, const char *group, struct plan *plan);
void plan_done(struct plan *plan);

const char *step_op_name(enum step_op op);

struct text;
struct json_out;
/** One line a step: "create link ppvpn:acme:corp:lyon (name=ppv1 …)". No secrets. */
void plan_print(const struct plan *plan, struct text *out);
/** {"steps":[{"op","kind","key","reason"}…],"errors":[…]} members into o. */
void plan_json(const struct plan *plan, struct json_out *o);

#endif
