/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * archive.c - headers of a tar file written and read
 */
#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "server/archive.h"

/* fields of a ustar header */
#define NAME_AT 0
#define NAME_SIZE 100
#define MODE_AT 100
#define UID_AT 108
#define GID_AT 116
#define SIZE_AT 124
#define SIZE_DIGITS 11
#define TIME_AT 136
#define SUM_AT 148
#define SUM_SIZE 8
#define TYPE_AT 156
#define MAGIC_AT 257
#define PREFIX_AT 345

static unsigned sum_of(const uint8_t block[ARCHIVE_BLOCK])
{
	unsigned sum = 0;

	for (size_t i = 0; i < ARCHIVE_BLOCK; i++)
	{
		sum += i >= SUM_AT && i < SUM_AT + SUM_SIZE ? ' ' : block[i];
	}
	return sum;
}

void archive_header(uint8_t block[ARCHIVE_BLOCK], const char *name, size_t len,
					int64_t time)
{
	char *field = (char *)block;

	memset(block, 0, ARCHIVE_BLOCK);
	snprintf(field + NAME_AT, NAME_SIZE, ARCHIVE_DIR "%s", name);
	snprintf(field + MODE_AT, 8, "0000600");
	snprintf(field + UID_AT, 8, "0000000");
	snprintf(field + GID_AT, 8, "0000000");
	snprintf(field + SIZE_AT, 12, "%011" PRIo64, (uint64_t)len);
	snprintf(field + TIME_AT, 12, "%011" PRIo64,
			 (uint64_t)time & UINT64_C(077777777777));
	block[TYPE_AT] = '0';
	memcpy(field + MAGIC_AT, "ustar\0" "00", 8);
	snprintf(field + SUM_AT, SUM_SIZE, "%06o", sum_of(block));
	field[SUM_AT + 7] = ' ';
}

size_t archive_padding(size_t len)
{
	return (ARCHIVE_BLOCK - len % ARCHIVE_BLOCK) % ARCHIVE_BLOCK;
}

/* ---- reading ---------------------------------------------------------------------- */

static int bad(struct err *e, const char *why)
{
	return err_set(e, -EINVAL, ERR_BACKUP, "backup", "%s", why);
}

/* digits octal digits, then something that is none */
static int read_octal(const uint8_t *field, size_t digits, uint64_t *out)
{
	*out = 0;
	for (size_t i = 0; i < digits; i++)
	{
		if (field[i] < '0' || field[i] > '7')
		{
			return -EINVAL;
		}
		*out = *out << 3 | (uint64_t)(field[i] - '0');
	}
	return 0;
}

static int is_name(const char *name)
{
	return *name && strspn(name, "abcdefghijklmnopqrstuvwxyz"
						   "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_") ==
		   strlen(name) && *name != '.';
}

static int read_header(const uint8_t *block, struct archive_file *file,
					   struct err *e)
{
	const char *name = (const char *)block + NAME_AT;
	uint64_t size, sum;

	if (memcmp(block + MAGIC_AT, "ustar", 5) != 0 ||
		read_octal(block + SUM_AT, 6, &sum) || sum != sum_of(block))
	{
		return bad(e, "not a backup of ppvpn-server, or a damaged one");
	}
	if (block[TYPE_AT] != '0' || block[PREFIX_AT] ||
		!memchr(name, '\0', NAME_SIZE) ||
		strncmp(name, ARCHIVE_DIR, strlen(ARCHIVE_DIR)) != 0 ||
		strlen(name) - strlen(ARCHIVE_DIR) >= ARCHIVE_NAME_MAX ||
		!is_name(name + strlen(ARCHIVE_DIR)) ||
		read_octal(block + SIZE_AT, SIZE_DIGITS, &size))
	{
		return bad(e, "it holds something that no backup of ppvpn-server has");
	}
	strcpy(file->name, name + strlen(ARCHIVE_DIR));
	file->len = (size_t)size;
	return 0;
}

static int is_zero(const uint8_t *p, size_t len)
{
	while (len && !*p)
	{
		p++;
		len--;
	}
	return len == 0;
}

int archive_read(const void *buf, size_t len,
				 struct archive_file files[ARCHIVE_FILES_MAX], size_t *count,
				 struct err *e)
{
	const uint8_t *p = buf, *end = p + len;

	*count = 0;
	while ((size_t)(end - p) >= ARCHIVE_BLOCK && !is_zero(p, ARCHIVE_BLOCK))
	{
		struct archive_file *file = &files[*count];
		int rc;

		if (*count == ARCHIVE_FILES_MAX)
		{
			return bad(e, "it holds too many files");
		}
		rc = read_header(p, file, e);
		if (rc)
		{
			return rc;
		}
		p += ARCHIVE_BLOCK;
		if (file->len > (size_t)(end - p) ||
			archive_padding(file->len) > (size_t)(end - p) - file->len)
		{
			return bad(e, "it ends too early");
		}
		if (archive_find(files, *count, file->name))
		{
			return bad(e, "it holds a file twice");
		}
		file->data = p;
		p += file->len + archive_padding(file->len);
		(*count)++;
	}
	if ((size_t)(end - p) < 2 * ARCHIVE_BLOCK || !is_zero(p, (size_t)(end - p)))
	{
		return bad(e, "it ends too early, or not where it should");
	}
	return 0;
}

const struct archive_file *archive_find(const struct archive_file *files,
										size_t count, const char *name)
{
	for (size_t i = 0; i < count; i++)
	{
		if (strcmp(files[i].name, name) == 0)
		{
			return &files[i];
		}
	}
	return NULL;
}
