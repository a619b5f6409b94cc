/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * lifetime.c - when a certificate is to be renewed
 *
 * Pure.
 */
#include "config.h"

#include "lifetime.h"

#define RETRY_MIN_MS 5000
#define RETRY_FIRST_MS (5 * 60 * 1000)
#define RETRY_MAX_MS (6 * 3600 * 1000)
#define ASK_FIRST_MS (30 * 1000)
#define RETRY_FIRST_PART 1000		/* of the life */
#define RETRY_MAX_PART 50

static int64_t life_s(const struct lifetime *l)
{
	return l->until_s - l->from_s;
}

int64_t lifetime_due(const struct lifetime *l, uint32_t seed)
{
	const int64_t jitter = life_s(l) / 12;

	return l->from_s + life_s(l) / 3 * 2 +
		   (jitter > 0 ? (int64_t)(seed % (uint64_t)jitter) : 0);
}

enum status_severity lifetime_severity(const struct lifetime *l,
									   int64_t now_s)
{
	const int64_t left = l->until_s - now_s;

	if (!l->until_s)
	{
		return STATUS_CLEARED;
	}
	if (left <= 0)
	{
		return STATUS_CRITICAL;
	}
	if (left < LIFETIME_MAJOR_S &&
		left < life_s(l) / LIFETIME_MAJOR_PART)
	{
		return STATUS_MAJOR;
	}
	return left < LIFETIME_WARNING_S &&
		   left < life_s(l) / LIFETIME_WARNING_PART ? STATUS_WARNING
													: STATUS_CLEARED;
}

static uint64_t part_ms(const struct lifetime *l, int64_t part, uint64_t most)
{
	const int64_t ms = life_s(l) * 1000 / part;

	return ms < RETRY_MIN_MS ? RETRY_MIN_MS
		 : (uint64_t)ms > most ? most : (uint64_t)ms;
}

/* Doubled each time, and up to a quarter more. */
static uint64_t doubled(uint64_t ms, uint64_t most, unsigned times,
						uint32_t chance)
{
	while (times > 1 && ms < most)
	{
		ms *= 2;
		times--;
	}
	ms = ms < most ? ms : most;
	return ms + chance % (ms / 4);
}

uint64_t lifetime_retry_ms(const struct lifetime *l, unsigned failures,
						   uint32_t chance)
{
	return doubled(part_ms(l, RETRY_FIRST_PART, RETRY_FIRST_MS),
				   part_ms(l, RETRY_MAX_PART, RETRY_MAX_MS), failures, chance);
}

uint64_t lifetime_ask_ms(unsigned asked, uint32_t chance)
{
	return doubled(ASK_FIRST_MS, RETRY_MAX_MS, asked, chance);
}
