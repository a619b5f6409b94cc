/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * state.h - the state directory as a whole: who uses it, whose it is, its key
 *
 * Effects: files.
 */
#ifndef PPVPN_SERVER_STATE_H
#define PPVPN_SERVER_STATE_H

#include <stdbool.h>
#include "seal.h"
#include "server/conf.h"

#define STATE_FILE_LOCK "lock"
/* the key-encryption key to come, while a rotation lasts */
#define STATE_FILE_KEK_NEXT "kek.key.next"

/**
 * Servers share the directory; what must be alone with it (restore, key
 * rotation) takes it exclusively. Held until *fd is closed, or the process ends.
 *
 * @return		-EBUSY (RUNNING) when others are there
 */
int state_lock(const struct server_conf *conf, bool exclusive, int *fd,
			   struct err *e);

/**
 * The key that opens the database. A rotation that was cut short leaves two key
 * files: the one that fits is taken, and is kek.key from then on. Under the lock.
 */
int state_kek(const struct server_conf *conf, struct seal_key *kek,
			  struct err *e);

/** In a directory of the daemon's user, root makes files of that user. */
int state_become_owner(const char *dir, struct err *e);
void state_become_self(void);

/** What is in a directory is on the disk. */
int state_sync_dir(const char *dir, struct err *e);

#endif
