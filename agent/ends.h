/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * ends.h - the end of a certificate of this router's is an alarm
 *
 * Wiring; lifetime.h says when.
 */
#ifndef PPVPN_AGENT_ENDS_H
#define PPVPN_AGENT_ENDS_H

#include <stdint.h>
#include "err.h"
#include "lifetime.h"

struct agent;

/** For people, of seconds since 1970. */
#define ENDS_DATE_SIZE 32
const char *ends_date(char out[ENDS_DATE_SIZE], int64_t s);
/**
 * One look at it.
 *
 * @param now_s		seconds since 1970, known
 * @param said		of the last look; STATUS_CLEARED before the first
 * @param why		it was not renewed; code NONE: nothing is known
 */
void ends_look(struct agent *a, enum err_code code, const char *resource,
			   const struct lifetime *life, int64_t now_s,
			   enum status_severity *said, const struct err *why);

#endif
