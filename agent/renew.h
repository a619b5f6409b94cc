/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * renew.h - this router's management certificate: how long it lasts, a new one
 * in time
 *
 * Wiring. The time of day is the server's where it was heard (daytime.h); where
 * nothing is known of it, nothing is judged. A new key each time; until its
 * certificate is here and on disk, what there was goes on.
 */
#ifndef PPVPN_AGENT_RENEW_H
#define PPVPN_AGENT_RENEW_H

#include <stdbool.h>
#include <stdint.h>
#include "err.h"
#include "lifetime.h"

struct agent;

struct renew {
	struct lifetime life;			/* of the one in use */
	uint32_t seed;					/* this router's share of the jitter */
	char *certificate;				/* PEM, as it was read */
	char *key, *csr;				/* of the request; kept until it is answered */
	bool asking;
	unsigned failures;
	uint64_t next_ms;				/* not before, loop_now_ms() */
	struct err error;				/* why it was not renewed, last */
	enum status_severity said;
};

/** Read the certificate in use; at the start, when one is known. */
void renew_load(struct agent *a);
void renew_done(struct agent *a);
/** Every second: a few comparisons. */
void renew_look(struct agent *a);
/** There is a new one: from now on it is shown. A timer's. */
void renew_use(void *user);

#endif
