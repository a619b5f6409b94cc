/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * sacheck.h - are the SAs that charon shows in the kernel?
 *
 * Somebody who flushes SAs or policies by hand is not noticed by charon: its
 * CHILD_SA stays INSTALLED, and nothing passes until it is rekeyed. A tunnel
 * whose SA or policy was missing twice, with charon asked in between, is handed
 * to VICI's backend as lost; the plan then takes its IKE_SA away.
 *
 * And is there one IKE_SA only? Where both ends called at the same time charon
 * may keep two; the end that the server named to begin ends one of them.
 */
#ifndef PPVPN_AGENT_SACHECK_H
#define PPVPN_AGENT_SACHECK_H

struct cycle;
struct loop;
struct nl;
struct sacheck;
struct tunnels;
struct vici;

struct sacheck *sacheck_new(struct loop *loop, struct nl *nl, struct vici *vici,
							struct tunnels *tunnels, struct cycle *cycle);
void sacheck_free(struct sacheck *c);
/** Look soon: something was taken out of the kernel, or it is time to. */
void sacheck_request(struct sacheck *c);
/** A tunnel has an IKE_SA too many: if that is still so after a while, end it. */
void sacheck_spare(struct sacheck *c);

#endif
