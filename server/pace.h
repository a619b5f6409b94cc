/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * pace.h - how much waiting work a listener takes, and when who is sent away
 * may come again
 *
 * Pure. Work is taken while it will be begun within PACE_WAIT_US, going by how
 * long requests took lately: clients give up on what takes longer, and then it
 * is done for nobody. Those sent away get turns one after the other, at the
 * pace of the workers, so that thousands do not come back as one.
 */
#ifndef PPVPN_SERVER_PACE_H
#define PPVPN_SERVER_PACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PACE_WAIT_US 4000000u
#define PACE_RETRY_MAX_S 60

struct pace
{
	unsigned workers;
	uint64_t run_us;		/* a request's, a mean of the last ones */
	uint64_t turn_us;		/* clock: the last turn that was given away */
};

void pace_init(struct pace *p, unsigned workers);
/** A request took that long in its worker. */
void pace_ran(struct pace *p, uint64_t us);
/** May one more wait behind so many? */
bool pace_admits(const struct pace *p, size_t queued);
/**
 * Seconds for Retry-After, 1 to PACE_RETRY_MAX_S, of one who is not admitted.
 *
 * @param chance	any number: where all turns within reach are given away
 */
unsigned pace_retry_s(struct pace *p, uint64_t now_us, size_t queued,
					  unsigned chance);

#endif
