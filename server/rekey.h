/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * rekey.h - another key-encryption key
 *
 * Effects: files.
 */
#ifndef PPVPN_SERVER_REKEY_H
#define PPVPN_SERVER_REKEY_H

#include "server/conf.h"

/**
 * Make a key, seal every secret of the database with it, in one transaction, and
 * make it kek.key; the old one is gone afterwards. Killed at any point, the
 * directory has the key that opens its database (state_kek()). Refused while a
 * server runs, which holds the old key: -EBUSY.
 *
 * @param count		sealed pieces
 */
int rekey(const struct server_conf *conf, const char *actor, uint64_t *count,
		  struct err *e);

#endif
