/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * ppvpn_peercred.c - permissions of the socket, and of who connects to it
 *
 * Owns the rule who may; the mode of the socket says the same to the kernel.
 */

#include "ppvpn_peercred.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

/** Most groups of a process that are looked at. */
#define MAX_GROUPS 1024

/**
 * Described in header.
 */
gid_t ppvpn_find_group(char *name)
{
	struct group group, *found = NULL;
	char buf[16384];

	if (getgrnam_r(name, &group, buf, sizeof(buf), &found) != 0 || !found)
	{
		return -1;
	}
	return found->gr_gid;
}

/**
 * Described in header.
 */
bool ppvpn_ids_permitted(uid_t uid, gid_t *groups, size_t count, gid_t group)
{
	size_t i;

	if (uid == 0 || uid == geteuid() || uid == lib->caps->get_uid(lib->caps))
	{
		return TRUE;
	}
	for (i = 0; group != (gid_t)-1 && i < count; i++)
	{
		if (groups[i] == group)
		{
			return TRUE;
		}
	}
	return FALSE;
}

/**
 * Described in header.
 */
bool ppvpn_peer_permitted(int fd, gid_t group)
{
	gid_t groups[MAX_GROUPS];
	struct ucred cred;
	socklen_t len = sizeof(cred);
	size_t count = 0;

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) != 0)
	{
		return FALSE;
	}
	len = sizeof(groups) - sizeof(gid_t);
	if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &len) == 0)
	{
		count = len / sizeof(gid_t);
	}
	groups[count++] = cred.gid;
	return ppvpn_ids_permitted(cred.uid, groups, count, group);
}

/**
 * Remove a socket somebody left behind, but nothing else
 */
static void remove_stale(char *path)
{
	struct stat st;

	if (lstat(path, &st) == 0 && S_ISSOCK(st.st_mode))
	{
		unlink(path);
	}
}

/**
 * Described in header.
 */
int ppvpn_listen(char *path, gid_t group)
{
	struct sockaddr_un addr = {
		.sun_family = AF_UNIX,
	};
	mode_t mask;
	bool bound;
	int fd;

	if (strlen(path) >= sizeof(addr.sun_path))
	{
		DBG1(DBG_CFG, "ppvpn: socket path '%s' is too long", path);
		return -1;
	}
	memcpy(addr.sun_path, path, strlen(path));
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd == -1)
	{
		DBG1(DBG_CFG, "ppvpn: opening socket failed: %s", strerror(errno));
		return -1;
	}
	remove_stale(path);
	mask = umask(0177);
	bound = bind(fd, (struct sockaddr*)&addr, sizeof(addr)) == 0;
	umask(mask);
	if (!bound)
	{
		DBG1(DBG_CFG, "ppvpn: binding '%s' failed: %s", path, strerror(errno));
		close(fd);
		return -1;
	}
	/* charon's user, if it is to drop root; the group before its mode */
	if (chown(path, geteuid() == 0 ? lib->caps->get_uid(lib->caps) : (uid_t)-1,
			  group) != 0 || chmod(path, 0660) != 0 || listen(fd, 8) != 0)
	{
		DBG1(DBG_CFG, "ppvpn: setting up '%s' failed: %s", path,
			 strerror(errno));
		unlink(path);
		close(fd);
		return -1;
	}
	return fd;
}
