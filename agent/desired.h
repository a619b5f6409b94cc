/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * desired.h - from the provider's document and this router's own configuration
 * to the resources that should exist
 *
 * Pure. Marks and link numbers are recovered from what exists, so that a
 * restart of the agent finds everything as it is.
 */
#ifndef PPVPN_AGENT_DESIRED_H
#define PPVPN_AGENT_DESIRED_H

#include "conf.h"
#include "err.h"
#include "facts.h"
#include "model.h"
#include "resource.h"

struct desired_error {
	char *resource;			/* "acme/corp" */
	struct err err;
};

struct desired {
	struct resource_set want;
	struct desired_error *errors;
	size_t error_count;
};

/** Mark of what comes from a spoke at the hub of a disjoint VPN. */
uint32_t desired_mark_spoke(const struct conf *conf);
/** Mark of the encrypted packets of every tunnel, for the routing rule. */
uint32_t desired_mark_out(const struct conf *conf);

/**
 * doc NULL or deprovisioned: nothing is wanted. A VPN that agent.conf does not
 * place is an error of its own; the others go on.
 *
 * @param group	NULL, or the only connection that counts (O(1) in the number of
 *				peers): its SA and its link, if the link exists
 * @param have	sorted by this call; names, marks and states that are kept
 * @param arena	holds the result's texts; out: desired_done()
 */
void desired_build(const struct conf *conf, const struct model_document *doc,
				   const char *group, struct resource_set *have,
				   const struct facts *facts, struct arena *arena, struct desired *out);
void desired_done(struct desired *d);

#endif
