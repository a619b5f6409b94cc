/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * notify.h - telling systemd that the agent is ready
 *
 * Owns the datagram to $NOTIFY_SOCKET; nothing happens where there is none.
 */
#ifndef PPVPN_AGENT_NOTIFY_H
#define PPVPN_AGENT_NOTIFY_H

void notify_ready(void);

#endif
