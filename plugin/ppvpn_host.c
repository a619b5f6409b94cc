/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * ppvpn_host.c - looks for a version in an executable
 */

#include "ppvpn_host.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define CHUNK 65536
#define VERSION_MAX 63

/**
 * The version among len bytes; the byte before buf is no part of one, or more
 * than that is known to lie before it
 */
static bool holds(const char *buf, size_t from, size_t len,
				  const char *version, size_t size)
{
	const char *p = buf + from, *end = buf + len;

	while (p < end && (p = memmem(p, end - p, version, size)))
	{
		if (p == buf || !strchr("0123456789.", p[-1]) || !p[-1])
		{
			return true;
		}
		p++;
	}
	return false;
}

/**
 * Read on after EINTR
 */
static ssize_t read_some(int fd, char *buf, size_t len)
{
	ssize_t n;

	do
	{
		n = read(fd, buf, len);
	}
	while (n < 0 && errno == EINTR);
	return n;
}

/**
 * Chunk by chunk; size bytes of the one before are looked at again, the first
 * of them only as what stands before a version
 */
static ppvpn_host_t search(int fd, const char *version, size_t size)
{
	char buf[VERSION_MAX + 1 + CHUNK];
	size_t kept = 0, total = 0;
	ssize_t n;

	while ((n = read_some(fd, buf + kept, CHUNK)) > 0)
	{
		size_t len = kept + n;

		if (holds(buf, kept == size ? 1 : 0, len, version, size))
		{
			return PPVPN_HOST_SAME;
		}
		total += n;
		if (total > PPVPN_HOST_MAX)
		{
			return PPVPN_HOST_UNKNOWN;
		}
		kept = len < size ? len : size;
		memmove(buf, buf + len - kept, kept);
	}
	return n < 0 ? PPVPN_HOST_UNKNOWN : PPVPN_HOST_OTHER;
}

/**
 * Described in header.
 */
ppvpn_host_t ppvpn_host_check(const char *path, const char *version)
{
	ppvpn_host_t found = PPVPN_HOST_UNKNOWN;
	size_t len = strlen(version);
	struct stat st;
	int fd;

	if (!len || len > VERSION_MAX)
	{
		return PPVPN_HOST_UNKNOWN;
	}
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
	{
		return PPVPN_HOST_UNKNOWN;
	}
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
	{
		found = search(fd, version, len + 1);
	}
	close(fd);
	return found;
}
