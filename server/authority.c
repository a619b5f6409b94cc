/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * authority.c - the authority of a VPN: its states, and what is due when
 *
 * Pure.
 */
#include "config.h"

#include <stddef.h>

#include "server/authority.h"

#define DAY_S 86400

const char *const authority_states[] = { "next", "current", "old", NULL };

const struct authority_lives authority_lives_usual = {
	.certificate_s = 365 * DAY_S, .list_s = 30 * DAY_S,
	.authority_s = INT64_C(3652) * DAY_S,
};

/* A part of the life, spread evenly by the seed. */
static int64_t jitter(int64_t life, int64_t part, uint64_t seed)
{
	seed = (seed ^ (seed >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	seed ^= seed >> 27;
	return life >= part ? (int64_t)(seed % (uint64_t)(life / part)) : 0;
}

int64_t authority_renew_at(int64_t from, int64_t until, uint64_t seed)
{
	const int64_t life = until - from;

	return from + life / 3 * 2 + jitter(life, 12, seed);
}

int64_t authority_refresh_at(int64_t from, int64_t until, uint64_t seed)
{
	const int64_t life = until - from;

	return from + life / 2 - jitter(life, 20, seed);
}

int64_t authority_roll_at(int64_t from, int64_t until, uint64_t seed)
{
	const int64_t life = until - from;

	return from + life / 3 * 2 - jitter(life, 12, seed);
}
