/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * init.h - make a new provider's state: database, CA, certificate, keys
 */
#ifndef PPVPN_SERVER_INIT_H
#define PPVPN_SERVER_INIT_H

#include "conf.h"

/**
 * In conf->state_dir, for its URLs and domain. Refuses where anything of it
 * exists; leaves nothing behind when it fails.
 */
int server_init(const struct server_conf *conf, struct err *e);

#endif
