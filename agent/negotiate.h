/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * negotiate.h - what the tunnels' machine (tunnel.h) asks for, done: attempts by
 * the plugin, their end by VICI, questions to the server, alarms
 *
 * Wiring.
 */
#ifndef PPVPN_AGENT_NEGOTIATE_H
#define PPVPN_AGENT_NEGOTIATE_H

#include "tunnel.h"

struct agent;

/** Of a struct agent. */
extern const struct tunnels_handlers negotiate_handlers;

/** Every second: negotiations and quiet tunnels are looked at, not all at once. */
void negotiate_look(struct agent *a);
/** The provider answered, or could not. */
void negotiate_answered(struct agent *a);
/** "acme/corp/lyon", the resource of a tunnel's alarms. */
void negotiate_resource(const struct tunnel *t, char out[PLACE_SIZE]);
/** Every minute: what was said of a tunnel that has been up for long since. */
void negotiate_forget(struct agent *a);

#endif
