/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * rekey.c - another key-encryption key, whatever happens meanwhile
 *
 * The order is the point: the new key is on the disk beside the old one before
 * the database changes, and takes its place after that.
 */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "server/rekey.h"
#include "server/state.h"
#include "server/store.h"

static int reseal(const struct server_conf *conf, const struct seal_key *old,
				  const struct seal_key *new, const char *actor,
				  uint64_t *count, struct err *e)
{
	char *database = server_conf_path(conf, CONF_FILE_DATABASE);
	struct store *store;
	int rc = store_open(database, old, &store, e);

	if (!rc)
	{
		rc = store_reseal(store, new, actor, count, e);
		store_close(store);
	}
	free(database);
	return rc;
}

static int rekey_locked(const struct server_conf *conf, const char *actor,
						uint64_t *count, struct err *e)
{
	char *path = server_conf_path(conf, CONF_FILE_KEK);
	char *next = server_conf_path(conf, STATE_FILE_KEK_NEXT);
	struct seal_key old = { 0 }, new = { 0 };
	int rc = state_kek(conf, &old, e);

	if (!rc)
	{
		/* of a rotation that did not come to the database: kek.key fits */
		unlink(next);
		rc = seal_key_create(next, &new, e);
	}
	if (!rc)
	{
		/* both files stay after an error: which one fits is seen next time */
		rc = reseal(conf, &old, &new, actor, count, e);
	}
	if (!rc && rename(next, path))
	{
		rc = err_set(e, -errno, ERR_IO, next, "cannot become the key: %s",
					 strerror(errno));
	}
	if (!rc)
	{
		rc = state_sync_dir(conf->state_dir, e);
	}
	seal_key_wipe(&old);
	seal_key_wipe(&new);
	free(path);
	free(next);
	return rc;
}

int rekey(const struct server_conf *conf, const char *actor, uint64_t *count,
		  struct err *e)
{
	int lock, rc = seal_init(e);

	*count = 0;
	if (!rc)
	{
		rc = state_become_owner(conf->state_dir, e);
	}
	if (!rc)
	{
		rc = state_lock(conf, true, &lock, e);
	}
	if (!rc)
	{
		rc = rekey_locked(conf, actor, count, e);
		close(lock);
	}
	state_become_self();
	return rc;
}
