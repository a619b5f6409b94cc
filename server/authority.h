/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * authority.h - the authority of a VPN: its states, and when what it signs is
 * made anew
 *
 * Pure. One takes over from another in three steps, each a revision, each taken
 * only when all routers of the VPN have the one before in force:
 *
 *   next      a second one is believed; certificates are still the first one's
 *   current   it signs: all certificates are made anew; the first one is old,
 *             and still believed
 *   (gone)    the old one is gone
 *
 * So two routers that are one step apart believe each other's certificates.
 */
#ifndef PPVPN_SERVER_AUTHORITY_H
#define PPVPN_SERVER_AUTHORITY_H

#include <stdbool.h>
#include <stdint.h>

enum authority_state
{
	AUTHORITY_NEXT,
	AUTHORITY_CURRENT,
	AUTHORITY_OLD
};
extern const char *const authority_states[];	/* ended by NULL */

/* How long things last, in seconds. */
struct authority_lives
{
	uint32_t certificate_s, list_s;
	int64_t authority_s;
};
extern const struct authority_lives authority_lives_usual;

/* Certificates that a list names; of so many another authority is due. */
#define AUTHORITY_LIST_MAX 500
#define AUTHORITY_LIST_FULL 250

/*
 * All in ms of one clock: when what is good from..until is to be made anew.
 * seed: a number of its own, so that not all that was made at once is due at
 * once.
 */
/** A certificate: after two thirds of its life, and up to a twelfth more. */
int64_t authority_renew_at(int64_t from, int64_t until, uint64_t seed);
/** A list: at half of its life, or up to a twentieth before. */
int64_t authority_refresh_at(int64_t from, int64_t until, uint64_t seed);
/** An authority: after two thirds of its life, or up to a twelfth before. */
int64_t authority_roll_at(int64_t from, int64_t until, uint64_t seed);

#endif
