/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * daytime.h - the time of day, for certificates only
 *
 * Effects: the system's clock, STATE/clock. A router without a clock of its
 * own begins in 1970, and no certificate is valid then. What is known:
 *   - it is later than the CA's and every of its certificates' beginning: they
 *     are signed, and prove it even where they are not valid;
 *   - it is later than the time that a server said last over a channel that
 *     was checked in full; that time is kept on disk.
 * A clock that is before one of these is wrong, and is set to it, forward; then
 * the channel is checked as ever. Once it was set so, the server's time corrects
 * it, once. A clock that may be right is never touched: that it differs from the
 * server's is told. Nothing here measures time: that is loop_now_ms()'s.
 */
#ifndef PPVPN_AGENT_DAYTIME_H
#define PPVPN_AGENT_DAYTIME_H

#include <stdbool.h>
#include <stdint.h>
#include "err.h"

struct daytime;
struct fetch_answer;

/* for tests; seconds since 1970; set: 0 or -errno */
struct daytime_system {
	int64_t (*now)(void);
	int (*set)(int64_t s);
};

/**
 * Read what is known, and set the clock forward if it is wrong.
 *
 * @param may_set	the router's owner allows it (agent.conf)
 * @param system	NULL: the real one
 */
int daytime_new(const char *state_dir, const char *ca_file, bool may_set,
				const struct daytime_system *system, struct daytime **out,
				struct err *e);
void daytime_free(struct daytime *d);
/* NULL is fine from here on: then nothing is known of time. */
/** A request ended so. */
void daytime_answered(struct daytime *d, const struct fetch_answer *a);
/**
 * The time of day that can be relied on, now that it is now_ms (loop_now_ms()):
 * the server's, counted on; before it was heard, the clock's if nothing is known
 * against it.
 *
 * @return		seconds since 1970; 0: not known
 */
int64_t daytime_now_s(const struct daytime *d, uint64_t now_ms);
/** What is wrong with the clock; code NONE: nothing that is known. */
const struct err *daytime_trouble(const struct daytime *d);

/**
 * For enrolment, when nothing else is known: the clock is not before the CA
 * began, or is set forward to it.
 *
 * @return		0, or -errno with e CLOCK
 */
int daytime_after_ca(const char *ca_pem, bool may_set,
					 const struct daytime_system *system, struct err *e);

#endif
