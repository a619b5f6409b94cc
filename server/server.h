/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * server.h - the running server: its parts, started and stopped in order
 */
#ifndef PPVPN_SERVER_SERVER_H
#define PPVPN_SERVER_SERVER_H

#include "conf.h"

struct server;

/** Start all of it; conf must outlive it. */
int server_start(const struct server_conf *conf, struct server **server,
				 struct err *e);
/** Parked requests are answered first. NULL is fine. */
void server_stop(struct server *server);

/** All that server_start() would find wrong before it listens. */
int server_check(const struct server_conf *conf, struct err *e);

#endif
