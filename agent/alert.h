/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * alert.h - what charon's alerts, unknown peers, and a server that went back in
 * time mean to the agent
 *
 * Owns the mapping from charon's words to error codes, alarms and events of the
 * tunnels.
 */
#ifndef PPVPN_AGENT_ALERT_H
#define PPVPN_AGENT_ALERT_H

#include <stdbool.h>
#include <stdint.h>
#include "err.h"

struct agent;
struct charon_alert;

void alert_handle(struct agent *a, const struct charon_alert *alert);
/** Somebody without a configuration asked for a tunnel (draft 3.5: pull). */
void alert_unknown_peer(struct agent *a, const char *address,
						const char *identity, uint64_t count);
/** After each answer of the server: an older document than ours is an alarm. */
void alert_document(struct agent *a);
/** Does that say so of this error of the provider's, in an alarm of its own? */
bool alert_says(enum err_code code);
/** After each request: what is wrong with the clock, if something is. */
void alert_clock(struct agent *a);
/** Every second: who asked a while ago and is still not known is an alarm. */
void alert_strangers(struct agent *a);
/** Peers that asked while unknown and are known now: answer them at once. */
void alert_call_back(struct agent *a);

#endif
