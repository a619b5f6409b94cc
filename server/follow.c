/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * follow.c - whether the database follows a CE whose address (s) changed
 *
 * Pure.
 */
#include "config.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "server/follow.h"

#define MAPPED "::ffff:"

static enum follow_verdict refuse(char reason[FOLLOW_REASON_SIZE],
								  const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

static enum follow_verdict refuse(char reason[FOLLOW_REASON_SIZE],
								  const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(reason, FOLLOW_REASON_SIZE, fmt, args);
	va_end(args);
	return FOLLOW_REFUSE;
}

struct addr follow_source(const char *peer)
{
	struct addr source = { .family = 0 };

	if (strncmp(peer, MAPPED, strlen(MAPPED)) == 0)
	{
		peer += strlen(MAPPED);
	}
	if (addr_parse4(peer, &source) < 0)
	{
		memset(&source, 0, sizeof(source));
	}
	return source;
}

static bool within(const struct follow *f, const struct addr *a)
{
	for (size_t i = 0; i < f->dynamic_count; i++)
	{
		if (prefix_contains(&f->dynamic[i], a))
		{
			return true;
		}
	}
	return false;
}

/* What its policy makes of an address that it certainly has. */
static enum follow_verdict judge_policy(const struct follow *f,
										const struct addr *to,
										char reason[FOLLOW_REASON_SIZE])
{
	if (!addr_is_host(to))
	{
		return refuse(reason, "not an address that a router can have");
	}
	if (!within(f, to))
	{
		return refuse(reason, "outside the prefixes within which its address "
					  "may change");
	}
	if (f->followed_ms && f->now_ms >= f->followed_ms &&
		f->now_ms - f->followed_ms < FOLLOW_GAP_MS)
	{
		return refuse(reason, "its address changed within the last %d seconds",
					  FOLLOW_GAP_MS / 1000);
	}
	return FOLLOW_MOVE;
}

/* As its peers see it, where the provider lets that decide. */
static enum follow_verdict judge_nat(const struct follow *f, struct addr *to,
									 char reason[FOLLOW_REASON_SIZE])
{
	if (!f->dynamic_count || !f->source.family ||
		addr_equal(&f->source, &f->known))
	{
		return FOLLOW_NOTHING;
	}
	*to = f->source;
	return judge_policy(f, to, reason);
}

enum follow_verdict follow_judge(const struct follow *f, struct addr *to,
								 char reason[FOLLOW_REASON_SIZE])
{
	char known[ADDR_TEXT_MAX], source[ADDR_TEXT_MAX];

	memset(to, 0, sizeof(*to));
	reason[0] = '\0';
	if (f->behind_nat)
	{
		return judge_nat(f, to, reason);
	}
	if (!f->said || !addr_equal(&f->said->missing, &f->known) ||
		addr_equal(&f->said->present, &f->known))
	{
		return FOLLOW_NOTHING;
	}
	*to = f->said->present;
	if (!to->family)
	{
		return refuse(reason, "it does not have %s any more, and no other",
					  addr_str(&f->known, known));
	}
	if (!f->dynamic_count)
	{
		return refuse(reason, "its address is static (%s)",
					  addr_str(&f->known, known));
	}
	if (!addr_equal(to, &f->source))
	{
		return refuse(reason, "its report came from another address (%s)",
					  f->source.family ? addr_str(&f->source, source)
									   : "not known");
	}
	return judge_policy(f, to, reason);
}
