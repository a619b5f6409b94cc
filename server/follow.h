/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * follow.h - whether the database follows a CE whose address (s) changed
 *
 * Pure. What a CE says is a request: the provider's policy (prefixes within
 * which the CE's address may change) decides, and nothing that the CE says is
 * believed which the connection does not show.
 */
#ifndef PPVPN_SERVER_FOLLOW_H
#define PPVPN_SERVER_FOLLOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "addr.h"
#include "status.h"

#define FOLLOW_REASON_SIZE 192
/* The address of one CE changes at most once in this time. */
#define FOLLOW_GAP_MS 10000

struct follow
{
	/* the database: */
	struct addr known;
	bool behind_nat;
	const struct prefix *dynamic;		/* none: the address is static */
	size_t dynamic_count;
	int64_t followed_ms;				/* wall clock; 0: never */
	/* the report: NULL: nothing is missing */
	const struct status_address *said;
	/* the connection that it came over; family 0: not known, or not IPv4 */
	struct addr source;
	int64_t now_ms;
};

enum follow_verdict { FOLLOW_NOTHING, FOLLOW_MOVE, FOLLOW_REFUSE };

/**
 * A CE of its own address says that it does not have the one that is known, and
 * what it has; it must come from there. One behind NAT cannot know how its peers
 * see it: where its connection comes from is the address.
 *
 * What is said of another address than the one that is known is not about
 * now, and nothing follows.
 *
 * @param to		MOVE, REFUSE: the new address; family 0: it has none
 * @param reason	REFUSE: why not
 */
enum follow_verdict follow_judge(const struct follow *f, struct addr *to,
								 char reason[FOLLOW_REASON_SIZE]);

/** The IPv4 address of a client as the listener names it, mapped ones too. */
struct addr follow_source(const char *peer);

#endif
