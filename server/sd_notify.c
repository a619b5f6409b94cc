/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * sd_notify.c - one datagram to the socket that NOTIFY_SOCKET names
 */
#include "config.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "log.h"
#include "server/sd_notify.h"

void sd_notify_send(const char *state)
{
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	size_t len = path ? strlen(path) : 0;
	int fd;

	if (len < 2 || len >= sizeof(sun.sun_path) ||
		(path[0] != '/' && path[0] != '@'))
	{
		return;
	}
	memcpy(sun.sun_path, path, len);
	if (sun.sun_path[0] == '@')
	{
		sun.sun_path[0] = '\0';
	}
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || sendto(fd, state, strlen(state), MSG_NOSIGNAL,
						 (struct sockaddr *)&sun,
						 (socklen_t)(offsetof(struct sockaddr_un, sun_path) +
									 len)) < 0)
	{
		log_warn("server", "the service manager cannot be told: %s", state);
	}
	if (fd >= 0)
	{
		close(fd);
	}
}
