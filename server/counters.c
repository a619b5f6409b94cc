/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * counters.c - what this process has done since it started
 */
#include "config.h"

#include <stdatomic.h>

#include "server/counters.h"

static atomic_uint_fast64_t counters[COUNTER_COUNT];

void counter_add(enum counter counter)
{
	atomic_fetch_add_explicit(&counters[counter], 1, memory_order_relaxed);
}

uint64_t counter_read(enum counter counter)
{
	return atomic_load_explicit(&counters[counter], memory_order_relaxed);
}
