/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * depart.h - leaving by hand: everything of the VPNs goes, and no server is
 * asked
 *
 * It is decided by one rename in the state directory (identity_leave()). From
 * then on this router has no provider: nothing is fetched or reported, what is
 * wanted is nothing, and the files go. What a daemon that is not running keeps
 * is cleaned when it is back, after a restart of the agent or a reboot too;
 * only then the agent ends.
 */
#ifndef PPVPN_AGENT_DEPART_H
#define PPVPN_AGENT_DEPART_H

struct agent;
struct control_request;
struct cycle_result;

/** ppvpnctl leave --local: answered when it is done, or cannot be done yet. */
void depart_request(struct agent *a, struct control_request *req);
/** At the agent's start, when a->leaving: go on with it. */
void depart_resume(struct agent *a);
/** A full round is over. */
void depart_settled(struct agent *a, const struct cycle_result *r);

#endif
