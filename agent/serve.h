/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * serve.h - the operations of the control socket
 *
 * Answers ppvpnctl from the agent's state.
 */
#ifndef PPVPN_AGENT_SERVE_H
#define PPVPN_AGENT_SERVE_H

struct agent;
struct control_request;

void serve_request(void *user, struct control_request *req, const char *op);
/** The server wants a diagnostic bundle of this id. user: the agent */
void serve_diag(void *user, const char *id);
/** Something settled: answer those who wait for a sync. */
void serve_settled(struct agent *a);
/** Answer everybody who waits, before the end. */
void serve_stop(struct agent *a);

#endif
