/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * http_listen.c - listening sockets, and the names of who connects
 */
#include "config.h"

#include <arpa/inet.h>
#include <errno.h>
#include <grp.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "server/http_internal.h"

#define BACKLOG 4096

static int fail(struct err *e, const char *where, const char *what)
{
	int rc = -errno;

	return err_set(e, rc, ERR_IO, where, "%s: %s", what, strerror(-rc));
}

/* "ADDR:PORT" or "[ADDR]:PORT"; no names are looked up. */
static int resolve(const char *listen, struct addrinfo **info, struct err *e)
{
	const struct addrinfo hints = {
		.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE,
		.ai_socktype = SOCK_STREAM,
	};
	char host[64];
	const char *colon = strrchr(listen, ':');
	const char *from = listen;
	size_t len = colon ? (size_t)(colon - listen) : 0;

	if (len > 2 && listen[0] == '[' && colon[-1] == ']')
	{
		from++;
		len -= 2;
	}
	if (!len || len >= sizeof(host) || !colon[1])
	{
		return err_set(e, -EINVAL, ERR_CONFIG, listen,
					   "not ADDRESS:PORT or [ADDRESS]:PORT");
	}
	memcpy(host, from, len);
	host[len] = '\0';
	if (getaddrinfo(host, colon + 1, &hints, info))
	{
		return err_set(e, -EINVAL, ERR_CONFIG, listen,
					   "not ADDRESS:PORT or [ADDRESS]:PORT");
	}
	return 0;
}

static unsigned bound_port(int fd)
{
	struct sockaddr_storage ss;
	socklen_t len = sizeof(ss);

	if (getsockname(fd, (struct sockaddr *)&ss, &len))
	{
		return 0;
	}
	return ntohs(ss.ss_family == AF_INET6 ?
				 ((struct sockaddr_in6 *)&ss)->sin6_port :
				 ((struct sockaddr_in *)&ss)->sin_port);
}

static int listen_tcp(const char *where, int *fd, unsigned *port,
					  struct err *e)
{
	const int on = 1;
	struct addrinfo *info;
	int rc;

	rc = resolve(where, &info, e);
	if (rc)
	{
		return rc;
	}
	*fd = socket(info->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC,
				 0);
	if (*fd < 0)
	{
		rc = fail(e, where, "socket");
	}
	else if (setsockopt(*fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) ||
			 bind(*fd, info->ai_addr, info->ai_addrlen) ||
			 listen(*fd, BACKLOG))
	{
		rc = fail(e, where, "cannot listen");
		close(*fd);
	}
	else
	{
		*port = bound_port(*fd);
	}
	freeaddrinfo(info);
	return rc;
}

/* A socket nobody answers on is a leftover; anything else stays. */
static int remove_leftover(const struct sockaddr_un *sun, struct err *e)
{
	struct stat st;
	int fd, rc;

	if (lstat(sun->sun_path, &st))
	{
		return errno == ENOENT ? 0 : fail(e, sun->sun_path, "cannot look at it");
	}
	if (!S_ISSOCK(st.st_mode))
	{
		return err_set(e, -EEXIST, ERR_EXISTS, sun->sun_path,
					   "is there and is not a socket");
	}
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
	{
		return fail(e, sun->sun_path, "socket");
	}
	rc = connect(fd, (const struct sockaddr *)sun, sizeof(*sun));
	close(fd);
	if (rc == 0 || errno == EAGAIN)
	{
		return err_set(e, -EADDRINUSE, ERR_EXISTS, sun->sun_path,
					   "another server listens there");
	}
	return unlink(sun->sun_path) ? fail(e, sun->sun_path, "cannot remove") : 0;
}

static int give_to_group(const char *path, const char *group, struct err *e)
{
	char buf[4096];
	struct group entry, *found = NULL;

	if (!group || !*group)
	{
		return chmod(path, 0600) ? fail(e, path, "chmod") : 0;
	}
	if (getgrnam_r(group, &entry, buf, sizeof(buf), &found) || !found)
	{
		return err_set(e, -ENOENT, ERR_CONFIG, path, "no group \"%s\"", group);
	}
	if (chown(path, (uid_t)-1, entry.gr_gid) || chmod(path, 0660))
	{
		return fail(e, path, "cannot give the socket to its group");
	}
	return 0;
}

static int listen_unix(const struct http_config *config, int *fd,
					   struct err *e)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	mode_t mask;
	int rc;

	if (strlen(config->listen) >= sizeof(sun.sun_path))
	{
		return err_set(e, -ENAMETOOLONG, ERR_CONFIG, config->listen,
					   "longer than a socket's path may be");
	}
	strncpy(sun.sun_path, config->listen, sizeof(sun.sun_path) - 1);
	rc = remove_leftover(&sun, e);
	if (rc)
	{
		return rc;
	}
	*fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (*fd < 0)
	{
		return fail(e, config->listen, "socket");
	}
	/* nobody else gets in between bind and chmod */
	mask = umask(0177);
	rc = bind(*fd, (struct sockaddr *)&sun, sizeof(sun));
	umask(mask);
	if (rc || listen(*fd, 128))
	{
		rc = fail(e, config->listen, "cannot listen");
	}
	else
	{
		rc = give_to_group(config->listen, config->unix_group, e);
	}
	if (rc)
	{
		close(*fd);
	}
	return rc;
}

int http_listen(const struct http_config *config, int *fd, unsigned *port,
				struct err *e)
{
	*port = 0;
	return config->security == HTTP_UNIX ?
		listen_unix(config, fd, e) :
		listen_tcp(config->listen, fd, port, e);
}

void http_client_name(struct http_client *client, bool is_unix)
{
	struct sockaddr_storage ss;
	socklen_t len = sizeof(ss);
	struct ucred cred;
	socklen_t cred_len = sizeof(cred);
	char *peer = client->peer;

	client->uid = -1;
	snprintf(peer, HTTP_PEER_SIZE, "unknown");
	if (is_unix)
	{
		if (getsockopt(client->fd, SOL_SOCKET, SO_PEERCRED, &cred,
					   &cred_len) == 0)
		{
			client->uid = (long)cred.uid;
			snprintf(peer, HTTP_PEER_SIZE, "unix:uid=%ld", client->uid);
		}
		return;
	}
	if (getpeername(client->fd, (struct sockaddr *)&ss, &len) == 0)
	{
		getnameinfo((struct sockaddr *)&ss, len, peer, HTTP_PEER_SIZE, NULL, 0,
					NI_NUMERICHOST);
	}
}
