/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * failover.c - which of several servers is asked, and when
 *
 * Pure.
 */
#include "failover.h"

/* Full jitter: what was lost with one server must not come to the next all at
 * once. */
#define PAUSE_MIN_MS 500
#define PAUSE_FIRST_MS 1000
#define PAUSE_MAX_MS 60000
/* The first is looked at so often, plus up to as much by chance. */
#define LOOK_MS 15000
/* ... and must be well for so long; twice that after each relapse. */
#define HOLD_FIRST_MS 45000
#define HOLD_MAX_MS 3600000
#define RELAPSE_MS 600000

void failover_set(struct failover *f, size_t count, size_t current)
{
	f->count = count;
	f->current = current;
	f->well_ms = 0;
}

void failover_answered(struct failover *f)
{
	f->failures = 0;
}

static void leave_first(struct failover *f, uint64_t now_ms)
{
	if (f->back_ms && now_ms - f->back_ms < RELAPSE_MS)
	{
		f->hold_ms = f->hold_ms > HOLD_MAX_MS / 2 ? HOLD_MAX_MS
												  : f->hold_ms * 2;
	}
	else
	{
		f->hold_ms = HOLD_FIRST_MS;
	}
	f->back_ms = 0;
	f->well_ms = 0;
}

uint64_t failover_failed(struct failover *f, uint64_t now_ms,
						 uint64_t limit_ms, uint32_t chance)
{
	uint64_t range = PAUSE_FIRST_MS, most = PAUSE_MAX_MS;
	unsigned rounds = f->failures / (unsigned)f->count;

	if (limit_ms && limit_ms < most)
	{
		most = limit_ms;
	}
	while (rounds-- && range < most)
	{
		range *= 2;
	}
	range = range > most ? most : range;
	f->failures++;
	if (f->current == 0 && f->count > 1)
	{
		leave_first(f, now_ms);
	}
	f->current = (f->current + 1) % f->count;
	return PAUSE_MIN_MS + chance % range;
}

uint64_t failover_look(const struct failover *f, uint32_t chance)
{
	return f->current ? LOOK_MS + chance % LOOK_MS : 0;
}

bool failover_looked(struct failover *f, bool well, uint64_t now_ms)
{
	uint64_t hold = f->hold_ms ? f->hold_ms : HOLD_FIRST_MS;

	if (!f->current || !well)
	{
		f->well_ms = 0;
		return false;
	}
	if (!f->well_ms)
	{
		f->well_ms = now_ms;
	}
	if (now_ms - f->well_ms < hold)
	{
		return false;
	}
	f->current = 0;
	f->well_ms = 0;
	f->back_ms = now_ms;
	return true;
}
