/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * restore.h - a backup becomes a state directory again, of a new epoch
 *
 * Effects: files.
 */
#ifndef PPVPN_SERVER_RESTORE_H
#define PPVPN_SERVER_RESTORE_H

#include <stdbool.h>
#include "server/conf.h"

struct restore {
	const char *file;			/* the backup */
	const char *keys_dir;		/* kek.key, ca.key, server.key; NULL: in the backup,
								   or with force what the directory has */
	bool force;					/* put what is there aside */
	const char *actor;
	/* out */
	uint64_t epoch, revision;
	char aside[512];			/* where the old files are now; "" */
};

/**
 * Unpack beside, check everything, begin an epoch (later than those of the backup
 * and of the database that is there), then move into place, the database last.
 * Refused over a running server.
 */
int restore_run(const struct server_conf *conf, struct restore *r,
				struct err *e);

#endif
