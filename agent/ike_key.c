/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * ike_key.c - the file of this router's key for IKE
 *
 * Effects. Plain, as the key for management beside it: who reads one reads the
 * key that seals, too.
 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "alloc.h"
#include "certificate.h"
#include "file.h"
#include "ike_key.h"
#include "log.h"
#include "secret.h"

#define PEM_MAX 16384

static char *path_of(const char *state_dir)
{
	return xasprintf("%s/ike.key", state_dir);
}

static void forget(char **pem)
{
	if (*pem)
	{
		wipe(*pem, strlen(*pem));
	}
	free(*pem);
	*pem = NULL;
}

int ike_key_load(const char *state_dir, char **pem, struct err *e)
{
	char *path = path_of(state_dir), id[CERTIFICATE_KEY_ID_SIZE];
	size_t len;
	int rc = file_read(path, PEM_MAX, pem, &len, e);

	if (rc == 0 && certificate_key_id(*pem, id, e) < 0)
	{
		err_prefix(e, "%s", path);
		forget(pem);
		rc = -EINVAL;
	}
	free(path);
	return rc;
}

static int make(const char *state_dir, char **pem, struct err *e)
{
	char *path = path_of(state_dir);
	int rc = certificate_key_new(pem, e);

	if (rc == 0)
	{
		rc = file_write(path, *pem, strlen(*pem), 0600, e);
		if (rc < 0)
		{
			forget(pem);
		}
	}
	free(path);
	return rc;
}

int ike_key_make(const char *state_dir, char **pem, struct err *e)
{
	int lock, rc = dir_lock(state_dir, "an enrolment", &lock, e);

	*pem = NULL;
	if (rc < 0)
	{
		return rc;
	}
	rc = ike_key_load(state_dir, pem, e);
	if (rc == -EINVAL)
	{	/* nobody can use it */
		log_err(LOG_LEVEL_WARN, "ike", "making a new key", e);
	}
	if (rc == -ENOENT || rc == -EINVAL)
	{
		rc = make(state_dir, pem, e);
	}
	close(lock);
	return rc;
}

static int remove_one(const char *path, struct err *e)
{
	return unlink(path) == 0 || errno == ENOENT ? 0 :
		   err_set(e, -errno, ERR_IO, path, "cannot remove: %s",
				   strerror(errno));
}

int ike_key_remove(const char *state_dir, const char *pem, struct err *e)
{
	char *path = path_of(state_dir), *left = xasprintf("%s.new", path);
	char *there = NULL;
	size_t len;
	int lock, rc = dir_lock(state_dir, "an enrolment", &lock, e);

	if (rc == 0)
	{
		rc = file_read(path, PEM_MAX, &there, &len, e);
		if (rc == 0 && strcmp(there, pem) == 0)
		{
			rc = remove_one(path, e);
		}
		rc = rc == -ENOENT ? 0 : rc;
		if (rc == 0)
		{	/* of a crash while one was written */
			rc = remove_one(left, e);
		}
		forget(&there);
		close(lock);
	}
	free(left);
	free(path);
	return rc;
}
