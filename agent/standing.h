/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * standing.h - alarms of what is wrong with the router itself and its server, when
 * it stays so: trouble.h
 *
 * Wiring.
 */
#ifndef PPVPN_AGENT_STANDING_H
#define PPVPN_AGENT_STANDING_H

struct agent;

/** Every second. */
void standing_look(struct agent *a);

#endif
