/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * limiter.h - how often may an address fail?
 *
 * Pure but for its lock; of fixed size. An IPv6 address counts by its /64.
 */
#ifndef PPVPN_SERVER_LIMITER_H
#define PPVPN_SERVER_LIMITER_H

#include <stdbool.h>
#include <stdint.h>

#define LIMITER_FAILURES 10
#define LIMITER_WINDOW_MS (60 * 1000)

struct limiter;

struct limiter *limiter_new(void);
void limiter_free(struct limiter *l);
/** False when it failed LIMITER_FAILURES times within the window. */
bool limiter_allows(struct limiter *l, const char *address, uint64_t now_ms);
void limiter_failed(struct limiter *l, const char *address, uint64_t now_ms);

#endif
