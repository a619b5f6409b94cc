/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * backup.h - the state directory into one file, while a server runs
 *
 * Effects: files. The form is archive.h's: database, CA's and server's
 * certificate, instance.conf, MANIFEST (for people) and SHA256SUMS of the rest.
 * Without keys no secret is in it that can be read.
 */
#ifndef PPVPN_SERVER_BACKUP_H
#define PPVPN_SERVER_BACKUP_H

#include <stdbool.h>
#include "server/conf.h"
#include "server/store.h"

#define BACKUP_FILE_MANIFEST "MANIFEST"
#define BACKUP_FILE_SUMS "SHA256SUMS"

/* beside the database, which has to be the first */
extern const char *const backup_files[];	/* ended by NULL */
extern const char *const backup_keys[];

/**
 * Write file (mode 0600), whole or not at all; -EEXIST when there is one.
 *
 * @param keys		kek.key, ca.key and server.key too
 * @param facts		what it holds
 */
int backup_write(const struct server_conf *conf, const char *file, bool keys,
				 struct store_facts *facts, struct err *e);

#endif
