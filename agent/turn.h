/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * turn.h - whose attempt may begin: pace, and a bound on those in flight
 *
 * Pure: times are given. A hub that boots with a thousand peers begins with them
 * one after the other, first come, first served; peers that do not answer hold
 * nobody up for longer than PEER_YOUNG_MS. Every call is O(1), but for turns that
 * grow old, each once.
 */
#ifndef PPVPN_AGENT_TURN_H
#define PPVPN_AGENT_TURN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* its owner embeds it, zeroed; in a list while it waits or is young */
struct turn {
	struct turn *prev, *next;
	struct turn_list *in;
	uint64_t began_ms;
};

struct turn_list { struct turn *first, *last; size_t count; };

struct turns {
	struct turn_list waiting, young;
	uint64_t free_ms;			/* the next may begin, as to the pace */
};

/** Wait for a turn, behind the others; nothing when it waits already. */
void turn_want(struct turns *ts, struct turn *t);
/** Neither wanted nor in flight any more. */
void turn_end(struct turns *ts, struct turn *t);
bool turn_waits(const struct turns *ts, const struct turn *t);
/** The next that begins now; NULL: nobody may, or nobody waits. */
struct turn *turns_next(struct turns *ts, uint64_t now_ms);
/** Milliseconds until turns_next() is worth a call; UINT64_MAX: nobody waits. */
uint64_t turns_wait_ms(struct turns *ts, uint64_t now_ms);

#endif
