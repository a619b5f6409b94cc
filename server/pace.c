/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * pace.c - a mean that fades, and a queue of turns that is but a time
 *
 * Pure.
 */
#include "config.h"

#include "server/pace.h"

#define SECOND_US 1000000u
#define FADING 16			/* requests that the mean remembers, about */
#define ALWAYS_EACH 4		/* waiting for each worker, whatever the mean says */
/* What takes longer counts as that long: a few that waited for something (a
 * mesh is read once, for all) are no slow server; many are, and raise the mean
 * by a fifth each. */
#define SURPRISE 4			/* times the mean */
#define SURPRISE_US 20000u	/* or this, where the mean is less than that */

void pace_init(struct pace *p, unsigned workers)
{
	*p = (struct pace){ .workers = workers ? workers : 1 };
}

void pace_ran(struct pace *p, uint64_t us)
{
	uint64_t most = SURPRISE * p->run_us;

	if (most < SURPRISE_US)
	{
		most = SURPRISE_US;
	}
	if (us > most)
	{
		us = most;
	}
	if (us >= p->run_us)
	{
		p->run_us += (us - p->run_us) / FADING;
	}
	else
	{
		p->run_us -= (p->run_us - us) / FADING;
	}
}

/* Until one would be begun that waits behind so many. */
static uint64_t wait_us(const struct pace *p, size_t queued)
{
	return queued * p->run_us / p->workers;
}

bool pace_admits(const struct pace *p, size_t queued)
{
	return queued < ALWAYS_EACH * (size_t)p->workers ||
		   wait_us(p, queued) < PACE_WAIT_US;
}

unsigned pace_retry_s(struct pace *p, uint64_t now_us, size_t queued,
					  unsigned chance)
{
	const uint64_t free_us = now_us + wait_us(p, queued);

	if (p->turn_us < free_us)
	{
		p->turn_us = free_us;
	}
	if (p->turn_us > now_us + (PACE_RETRY_MAX_S - 1) * (uint64_t)SECOND_US)
	{
		return 1 + chance % PACE_RETRY_MAX_S;
	}
	p->turn_us += wait_us(p, 1);
	return 1 + (unsigned)((p->turn_us - now_us) / SECOND_US);
}
