/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * lifetime.h - when a certificate is to be renewed, and when a person should
 * know that it was not
 *
 * Pure: times are given, in seconds since 1970 where they do not say otherwise.
 */
#ifndef PPVPN_AGENT_LIFETIME_H
#define PPVPN_AGENT_LIFETIME_H

#include <stdint.h>
#include "status.h"

/* A year's has its alarms 30 and 7 days before its end; those of a shorter one
 * come in the last eighth and the last thirty-second part of its life. */
#define LIFETIME_WARNING_S (30 * 86400)
#define LIFETIME_WARNING_PART 8
#define LIFETIME_MAJOR_S (7 * 86400)
#define LIFETIME_MAJOR_PART 32

struct lifetime {
	int64_t from_s, until_s;		/* until_s 0: not known */
};

/**
 * After two thirds, and up to a twelfth more by the seed: routers of one day do
 * not come on one day.
 */
int64_t lifetime_due(const struct lifetime *l, uint32_t seed);
/** STATUS_CLEARED: all is well. */
enum status_severity lifetime_severity(const struct lifetime *l,
									   int64_t now_s);
/**
 * How long to wait after so many failures in a row (1 …): from five minutes on,
 * doubled each time up to six hours, and up to a quarter more by chance. Shorter
 * for a short life.
 */
uint64_t lifetime_retry_ms(const struct lifetime *l, unsigned failures,
						   uint32_t chance);
/**
 * The same where there is no life to go by, of what was asked for so many times
 * in a row (1 …) and is not there: from half a minute on.
 */
uint64_t lifetime_ask_ms(unsigned asked, uint32_t chance);

#endif
