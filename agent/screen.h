/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * screen.h - the firewall at work: its alarms, and a way back when it cuts the
 * server off
 *
 * Wiring of firewall.h and nft.h.
 */
#ifndef PPVPN_AGENT_SCREEN_H
#define PPVPN_AGENT_SCREEN_H

#include <stdint.h>

struct agent;
struct fetch_answer;

/** Makes a->nft. */
void screen_start(struct agent *a);
/** Every second. */
void screen_look(struct agent *a);
/** A server answered, or could not be asked. */
void screen_answered(struct agent *a, const struct fetch_answer *answer);
/**
 * "log-only", "enforce": what is in force; else "off" (agent.conf), "impossible"
 * (this kernel), "none" (not yet).
 */
const char *screen_state(const struct agent *a);
/** Packets that it refused, or would have, since the agent's start; to 10 s. */
uint64_t screen_refused(const struct agent *a);

#endif
