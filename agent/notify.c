/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * notify.c - sd_notify(3)'s READY=1 without the library
 */
#include "notify.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

void notify_ready(void)
{
	static const char message[] = "READY=1";
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	const char *path = getenv("NOTIFY_SOCKET");
	size_t len = path ? strlen(path) : 0;
	int fd;

	if (len < 2 || len >= sizeof(to.sun_path))
	{
		return;
	}
	memcpy(to.sun_path, path, len);
	if (to.sun_path[0] == '@')
	{	/* the abstract namespace */
		to.sun_path[0] = '\0';
	}
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd >= 0)
	{
		(void)!sendto(fd, message, strlen(message), MSG_NOSIGNAL,
					  (struct sockaddr*)&to,
					  offsetof(struct sockaddr_un, sun_path) + len);
		close(fd);
	}
}
