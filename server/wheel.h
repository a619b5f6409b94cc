/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * wheel.h - many timers at the cost of few: a hashed timer wheel
 *
 * Pure. Entries are embedded in what they time; arming and disarming are O(1).
 * Times are milliseconds of any clock that does not go back.
 */
#ifndef PPVPN_SERVER_WHEEL_H
#define PPVPN_SERVER_WHEEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WHEEL_SLOTS 1024
#define WHEEL_SLOT_MS 64

struct wheel_entry
{
	struct wheel_entry *prev, *next;	/* NULL: not armed */
	uint64_t due_ms;
};

struct wheel
{
	struct wheel_entry slots[WHEEL_SLOTS];
	uint64_t tick;		/* every slot before it holds nothing that is due */
	size_t count;
};

void wheel_init(struct wheel *w, uint64_t now_ms);
/** Arm, or move, an entry (zeroed memory is an unarmed one). */
void wheel_arm(struct wheel *w, struct wheel_entry *e, uint64_t due_ms);
/** Not armed: nothing happens. */
void wheel_disarm(struct wheel *w, struct wheel_entry *e);
/** Take one entry that is due, NULL when none is. */
struct wheel_entry *wheel_expired(struct wheel *w, uint64_t now_ms);
/** Take any entry, NULL when it is empty. */
struct wheel_entry *wheel_any(struct wheel *w);

#endif
