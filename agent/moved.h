/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * moved.h - this router's address (s) changed: the provider is told at once, the
 * tunnels follow
 *
 * Wiring. What is so is locate.h's; what follows from it the server's document.
 */
#ifndef PPVPN_AGENT_MOVED_H
#define PPVPN_AGENT_MOVED_H

struct agent;

/** Before a document is applied: where is this router? */
void moved_document(struct agent *a);
/** Something changed that may matter: look, out of the loop. */
void moved_soon(struct agent *a);
/** The look itself, by a->moved. */
void moved_look(void *user);

#endif
