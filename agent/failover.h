/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * failover.h - which of several servers is asked, and when
 *
 * Pure: times (loop_now_ms()) and chance are given. Servers are an ordered
 * list; the first is preferred:
 *   - one that fails is left for the next, soon; when all have failed, the
 *     pauses grow;
 *   - while another than the first is in use, the first is looked at now and
 *     then; when it has been well for a while, it is used again;
 *   - if it fails soon after that, the while is twice as long the next time.
 */
#ifndef PPVPN_AGENT_FAILOVER_H
#define PPVPN_AGENT_FAILOVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct failover {
	size_t count, current;
	unsigned failures;			/* of requests, in a row */
	uint64_t hold_ms;			/* how long the first must be well; 0: usual */
	uint64_t back_ms;			/* when the first was taken up again; 0: never */
	uint64_t well_ms;			/* since when it is well; 0: it is not */
};

/** Other servers now (count at least 1); current is among them. */
void failover_set(struct failover *f, size_t count, size_t current);
/** The one in use answered. */
void failover_answered(struct failover *f);
/**
 * The one in use did not: another is now (if there is one).
 *
 * @param limit_ms	no pause is longer; 0: the usual limit
 * @return			milliseconds to wait before it is asked
 */
uint64_t failover_failed(struct failover *f, uint64_t now_ms,
						 uint64_t limit_ms, uint32_t chance);
/** Milliseconds until the first is to be looked at; 0: it is in use. */
uint64_t failover_look(const struct failover *f, uint32_t chance);
/** It was looked at. @return whether it is in use again */
bool failover_looked(struct failover *f, bool well, uint64_t now_ms);

#endif
