/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * neighbors.h - ospfd tells nothing by itself: it is asked for its neighbours, and
 * whether somebody changed its configuration
 */
#ifndef PPVPN_AGENT_NEIGHBORS_H
#define PPVPN_AGENT_NEIGHBORS_H

struct agent;

/** Arm the timer for the next look: more often while a tunnel settles. */
void neighbors_poll(struct agent *a);
/** The look itself, by a->neighbors. */
void neighbors_look(void *user);
/** Something happened to routes: look soon. */
void neighbors_soon(struct agent *a);

#endif
