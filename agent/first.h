/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * first.h - a router that is not enrolled yet and finds its bundle
 *
 * Effects: waits, the network, the state directory.
 */
#ifndef PPVPN_AGENT_FIRST_H
#define PPVPN_AGENT_FIRST_H

#include "err.h"

struct conf;

/**
 * Enrol with the bundle of agent.conf, where it is there; blocking. What passes
 * by itself (no route yet, no server, no clock) is tried again for ever, and
 * systemd is told that the agent is ready while it waits. The bundle is only
 * read: its token is of no use to anybody afterwards.
 *
 * @return		0; -ENOENT: there is none, e as it was; else what is wrong with it
 */
int first_enroll(const struct conf *conf, struct err *e);

#endif
