/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * file.h - read a bounded file, write one so that a crash leaves the old or the
 * new content and nothing else
 *
 * Effects: files only.
 */
#ifndef PPVPN_FILE_H
#define PPVPN_FILE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include "err.h"

/**
 * Read a regular file of at most max bytes; *buf is NUL-terminated beyond len,
 * the caller frees it (and wipes it if need be).
 *
 * @return		0; -ENOENT when missing (e filled too); -errno
 */
int file_read(const char *path, size_t max, char **buf, size_t *len,
			  struct err *e);

/**
 * Replace path by content: write path.new, fsync, rename, fsync of directory.
 * The file has exactly that mode.
 */
int file_write(const char *path, const void *buf, size_t len, mode_t mode,
			   struct err *e);

/** As file_write, the present content moved to path.previous first. */
int file_write_keep(const char *path, const void *buf, size_t len, mode_t mode,
					struct err *e);

/** mkdir -p of the last component only; an existing directory is fine. */
int dir_make(const char *path, mode_t mode, struct err *e);

/**
 * Take a directory for oneself, until *fd is closed or the process ends.
 *
 * @param who		who has it otherwise: "another ppvpn-agent"
 * @return			0; -EBUSY (ERR_RUNNING) when somebody else has it; -errno
 */
int dir_lock(const char *path, const char *who, int *fd, struct err *e);

#endif
