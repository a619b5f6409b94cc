/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * rotation.c - how what two sites authenticate with is changed, and when
 *
 * Pure.
 */
#include "config.h"

#include "server/rotation.h"

#define DAY_MS INT64_C(86400000)

const char *const rotation_steps[] = { "accept", "send", "forget", NULL };

const char *const rotation_targets[] = {
	"next-key", "certificate", "key", NULL
};

const char *const rotation_use_words[] = {
	[ROTATION_USE_SEND] = "send-and-accept",
	[ROTATION_USE_ACCEPT] = "accept-only",
	[ROTATION_USE_GONE] = "",
};

const char *const rotation_waits[] = {
	[ROTATION_CONFIRMED] = "",
	[ROTATION_SUSPENDED] = "it is suspended",
	[ROTATION_NEVER_REPORTED] = "it has never reported",
	[ROTATION_OTHER_EPOCH] = "it has a document of before the restore",
	[ROTATION_OLD_DOCUMENT] = "it has an older document",
	[ROTATION_NOT_APPLIED] = "its document is not in force as a whole",
	[ROTATION_ON_TRIAL] = "its document is on trial",
	[ROTATION_NO_CERTIFICATE] = "it has no certificate yet",
};

static const struct
{
	struct rotation_uses uses;
	enum rotation_step next;
	enum rotation_step turned[2];	/* the second: it had turned before */
} steps[] = {
	[ROTATION_ACCEPT] = { { ROTATION_USE_ACCEPT, ROTATION_USE_SEND },
						  ROTATION_SEND, { ROTATION_FORGET, ROTATION_SEND } },
	[ROTATION_SEND] = { { ROTATION_USE_SEND, ROTATION_USE_ACCEPT },
						ROTATION_FORGET,
						{ ROTATION_ACCEPT, ROTATION_ACCEPT } },
	[ROTATION_FORGET] = { { ROTATION_USE_SEND, ROTATION_USE_GONE },
						  ROTATION_DONE,
						  { ROTATION_FORGET, ROTATION_FORGET } },
	[ROTATION_DONE] = { { ROTATION_USE_SEND, ROTATION_USE_GONE },
						ROTATION_DONE, { ROTATION_DONE, ROTATION_DONE } },
};

struct rotation_uses rotation_uses(enum rotation_step step)
{
	return steps[step].uses;
}

enum rotation_use rotation_certificate_use(enum rotation_target target,
										   enum rotation_step step)
{
	switch (target)
	{
		case ROTATION_CERTIFICATE:
			return steps[step].uses.newest;
		case ROTATION_KEY:
			return steps[step].uses.older;
		case ROTATION_NEXT_KEY:
			break;
	}
	return ROTATION_USE_GONE;
}

enum rotation_step rotation_next(enum rotation_step step, bool a, bool b)
{
	return a && b ? steps[step].next : step;
}

enum rotation_step rotation_turned(enum rotation_step step, bool turned)
{
	return steps[step].turned[turned];
}

enum rotation_wait rotation_wait(const struct rotation_end *end, uint64_t epoch,
								 uint64_t revision)
{
	if (end->suspended)
	{
		return ROTATION_SUSPENDED;
	}
	if (!end->reported)
	{
		return ROTATION_NEVER_REPORTED;
	}
	if (end->epoch != epoch)
	{
		return ROTATION_OTHER_EPOCH;
	}
	if (end->revision < revision)
	{
		return ROTATION_OLD_DOCUMENT;
	}
	if (!end->applied)
	{
		return ROTATION_NOT_APPLIED;
	}
	return end->on_trial ? ROTATION_ON_TRIAL : ROTATION_CONFIRMED;
}

enum rotation_wait rotation_wait_certificate(const struct rotation_end *end,
											 uint64_t epoch,
											 uint64_t revision)
{
	const enum rotation_wait wait = rotation_wait(end, epoch, revision);

	return revision || wait == ROTATION_SUSPENDED ||
		wait == ROTATION_NEVER_REPORTED ? wait : ROTATION_NO_CERTIFICATE;
}

/* ---- by schedule ---------------------------------------------------------------- */

/* A number that the two ids alone decide, spread evenly. */
static uint64_t spread(uint64_t x)
{
	x += UINT64_C(0x9e3779b97f4a7c15);
	x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
	return x ^ (x >> 31);
}

bool rotation_is_due(uint32_t days, int64_t keyed_ms, int64_t now_ms,
					 int64_t site_a, int64_t site_b)
{
	const int64_t interval = days * DAY_MS;
	const uint64_t place = spread(spread((uint64_t)site_a) ^ (uint64_t)site_b);

	if (!days)
	{
		return false;
	}
	return now_ms - keyed_ms >= interval -
		(int64_t)(place % ((uint64_t)interval / ROTATION_JITTER));
}

int64_t rotation_due_before(uint32_t days, int64_t now_ms)
{
	const int64_t interval = days * DAY_MS;

	return now_ms - (interval - interval / ROTATION_JITTER);
}

/* ---- how fast ------------------------------------------------------------------- */

bool rotation_may_step(const struct rotation_pace *pace, int64_t now_ms)
{
	int64_t gather = ROTATION_GATHER_MAX_MS;

	if (!pace->ready || pace->ready == pace->moving)
	{
		return pace->ready > 0;
	}
	if (pace->sites < ROTATION_GATHER_MAX_MS / ROTATION_GATHER_SITE_MS)
	{
		gather = ROTATION_GATHER_MS +
				 (int64_t)pace->sites * ROTATION_GATHER_SITE_MS;
		gather = gather < ROTATION_GATHER_MAX_MS ? gather
												 : ROTATION_GATHER_MAX_MS;
	}
	/* a clock that was set back must not stop it; other servers' differ a little */
	return now_ms - pace->step_ms >= gather ||
		   pace->step_ms - now_ms > ROTATION_GATHER_MAX_MS;
}
