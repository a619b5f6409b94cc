/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * state.c - the state directory as a whole
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "server/state.h"
#include "server/store.h"

static int fail(struct err *e, const char *path, const char *what)
{
	int rc = -errno;

	return err_set(e, rc, ERR_IO, path, "%s: %s", what, strerror(-rc));
}

/* ---- lock ---------------------------------------------------------------------- */

int state_lock(const struct server_conf *conf, bool exclusive, int *fd,
			   struct err *e)
{
	char *path = server_conf_path(conf, STATE_FILE_LOCK);
	int rc = 0;

	*fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (*fd < 0)
	{
		rc = fail(e, path, "cannot open");
	}
	else if (flock(*fd, (exclusive ? LOCK_EX : LOCK_SH) | LOCK_NB))
	{
		rc = errno != EWOULDBLOCK ? fail(e, path, "cannot lock")
			: err_set(e, -EBUSY, ERR_RUNNING, conf->state_dir, "%s",
					  exclusive ? "a ppvpn-server uses it"
					  : "it is being restored, or its key rotated");
		close(*fd);
		*fd = -1;
	}
	free(path);
	return rc;
}

/* ---- key ------------------------------------------------------------------------ */

int state_sync_dir(const char *dir, struct err *e)
{
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int rc = fd < 0 || fsync(fd) ? fail(e, dir, "cannot sync") : 0;

	if (fd >= 0)
	{
		close(fd);
	}
	return rc;
}

/* The rotation went as far as the database: go the last step for it. */
static int take_next(const struct server_conf *conf, const char *path,
					 const char *next, struct err *e)
{
	/* another server may have been first */
	if (rename(next, path) && errno != ENOENT)
	{
		return fail(e, next, "cannot become the key");
	}
	return state_sync_dir(conf->state_dir, e);
}

int state_kek(const struct server_conf *conf, struct seal_key *kek,
			  struct err *e)
{
	char *database = server_conf_path(conf, CONF_FILE_DATABASE);
	char *path = server_conf_path(conf, CONF_FILE_KEK);
	char *next = server_conf_path(conf, STATE_FILE_KEK_NEXT);
	struct seal_key other;
	struct err why = { 0 };
	int rc = seal_key_load(path, kek, e);

	if (!rc)
	{
		rc = store_key_fits(database, kek, e);
	}
	if (rc == -EBADMSG && seal_key_load(next, &other, &why) == 0)
	{
		if (store_key_fits(database, &other, &why) == 0)
		{
			*kek = other;
			rc = take_next(conf, path, next, e);
		}
		seal_key_wipe(&other);
	}
	if (rc)
	{
		seal_key_wipe(kek);
	}
	free(database);
	free(path);
	free(next);
	return rc;
}

/* ---- owner ------------------------------------------------------------------------ */

int state_become_owner(const char *dir, struct err *e)
{
	struct stat st;

	if (stat(dir, &st))
	{
		return fail(e, dir, "cannot look at it");
	}
	if (geteuid() == 0 && st.st_uid != 0 &&
		(setegid(st.st_gid) || seteuid(st.st_uid)))
	{
		return fail(e, dir, "cannot become its owner");
	}
	return 0;
}

void state_become_self(void)
{
	if (seteuid(getuid()) || setegid(getgid()))
	{
		abort();	/* the saved ids always allow it */
	}
}
