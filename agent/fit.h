/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * fit.h - does charon have the plugin, and the one that was built for it?
 *
 * Owns the alarm "plugin". strongSwan may be upgraded without its plugin: then
 * charon runs, the operator's connections work, and nothing of ours does.
 */
#ifndef PPVPN_AGENT_FIT_H
#define PPVPN_AGENT_FIT_H

#include "err.h"

struct agent;

/** VICI is there: which charon is it? */
void fit_charon(struct agent *a);
/** VICI or the plugin came or went. */
void fit_look(struct agent *a);
/** Why charon is not to be worked with while the plugin does not answer. */
void fit_error(const struct agent *a, struct err *e);
/** Timer: the plugin had its time. user: the agent. */
void fit_late(void *user);

#endif
