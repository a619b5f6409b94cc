/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * counters.h - what this process has done since it started
 *
 * For monitoring only: nothing decides by them. Any thread.
 */
#ifndef PPVPN_SERVER_COUNTERS_H
#define PPVPN_SERVER_COUNTERS_H

#include <stdint.h>

enum counter
{
	COUNTER_COMMITS,			/* changes of the configuration */
	COUNTER_DATABASE_ERRORS,	/* statements that the database failed */
	COUNTER_DOCUMENTS,			/* built for CEs */
	COUNTER_ENROLLED,			/* certificates issued */
	COUNTER_ENROLLED_AGAIN,		/* the same once more: its answer was lost */
	COUNTER_RENEWED,			/* certificates that took another's place */
	COUNTER_ENROL_REFUSED,		/* tokens that were wrong, used or expired */
	COUNTER_COUNT
};

void counter_add(enum counter counter);
uint64_t counter_read(enum counter counter);

#endif
