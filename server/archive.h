/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * archive.h - a backup's form: a tar file (ustar) of plain files
 *
 * Pure. "tar tvf" lists one. What is read is hostile until checked: only plain
 * files, each name once and below the one directory.
 */
#ifndef PPVPN_SERVER_ARCHIVE_H
#define PPVPN_SERVER_ARCHIVE_H

#include <stddef.h>
#include <stdint.h>
#include "err.h"

#define ARCHIVE_BLOCK 512
#define ARCHIVE_DIR "ppvpn-backup/"
#define ARCHIVE_NAME_MAX 64
#define ARCHIVE_FILES_MAX 16
#define ARCHIVE_SIZE_MAX INT64_C(8589934591)	/* of one file */

struct archive_file {
	char name[ARCHIVE_NAME_MAX];		/* without ARCHIVE_DIR */
	const uint8_t *data;
	size_t len;
};

/** The block before a file of that name and length. */
void archive_header(uint8_t block[ARCHIVE_BLOCK], const char *name, size_t len,
					int64_t time);
/** Zeroes behind a file of that length. */
size_t archive_padding(size_t len);

/**
 * Find the files in buf; data points into it.
 *
 * @return		-EINVAL (BACKUP) for what is none of ours
 */
int archive_read(const void *buf, size_t len,
				 struct archive_file files[ARCHIVE_FILES_MAX], size_t *count,
				 struct err *e);
/** By name; NULL: not there. */
const struct archive_file *archive_find(const struct archive_file *files,
										size_t count, const char *name);

#endif
