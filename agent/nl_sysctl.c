/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * nl_sysctl.c - settings of the kernel below /proc/sys
 *
 * Effects: files below /proc/sys. Numbers are raised and never lowered: what
 * somebody set higher stays.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "nl_local.h"
#include "text.h"

static int open_sysctl(const char *path, int flags)
{
	char full[160];

	if (snprintf(full, sizeof(full), "/proc/sys/%s", path) >= (int)sizeof(full))
	{
		errno = ENAMETOOLONG;
		return -1;
	}
	return open(full, flags | O_CLOEXEC | O_NOFOLLOW);
}

static int sysctl_read(const char *path, char value[64])
{
	int fd = open_sysctl(path, O_RDONLY);
	ssize_t n;

	if (fd < 0)
	{
		return -errno;
	}
	n = read(fd, value, 63);
	close(fd);
	if (n < 0)
	{
		return -EIO;
	}
	value[n] = '\0';
	value[strcspn(value, "\n")] = '\0';
	return 0;
}

int nl_sysctl_write(const char *path, const char *value, struct err *e)
{
	int fd = open_sysctl(path, O_WRONLY), rc = 0;
	ssize_t len = strlen(value);

	if (fd < 0 || write(fd, value, len) != len)
	{
		rc = err_set(e, -errno, ERR_KERNEL, path, "cannot set it to %s: %s",
					 value, strerror(errno));
	}
	if (fd >= 0)
	{
		close(fd);
	}
	return rc;
}

/* What is not there in this network namespace is not reported. */
void nl_sysctls_read(struct nl *nl, struct observation *o)
{
	char value[64];

	for (size_t i = 0; nl->sysctls[i]; i++)
	{
		struct res_sysctl spec = { .path = nl->sysctls[i], .value = value };

		if (sysctl_read(spec.path, value) == 0)
		{
			resource_sysctl(&o->have, RES_OURS, &spec);
		}
	}
}

int nl_sysctl_step(const struct step *s, struct err *e)
{
	const struct res_sysctl *want = s->want ? s->want->spec : NULL;
	uint64_t now, wanted;
	char value[64];

	if (!want)
	{
		return 0;
	}
	if (sysctl_read(want->path, value) == 0 &&
		text_to_u64(value, 0, UINT64_MAX, &now) == 0 &&
		text_to_u64(want->value, 0, UINT64_MAX, &wanted) == 0 && now >= wanted)
	{
		return 0;
	}
	return nl_sysctl_write(want->path, want->value, e);
}
