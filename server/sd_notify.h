/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * sd_notify.h - tell the service manager (sd_notify(3)), where there is one
 */
#ifndef PPVPN_SERVER_SD_NOTIFY_H
#define PPVPN_SERVER_SD_NOTIFY_H

/** "READY=1", "STOPPING=1"; without NOTIFY_SOCKET nothing happens. */
void sd_notify_send(const char *state);

#endif
