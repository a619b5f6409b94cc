/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * fake_loop.h - timers of agent/loop.h on a clock that a test moves
 */
#ifndef PPVPN_TEST_FAKE_LOOP_H
#define PPVPN_TEST_FAKE_LOOP_H

#include "agent/loop.h"

/** Let ms pass; timers fire in their order, at their times. */
void fake_loop_pass(uint64_t ms);

#endif
