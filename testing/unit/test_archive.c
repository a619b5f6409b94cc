/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * test_archive.c - a backup's tar file, read back, cut, and forged
 */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "run.h"
#include "server/archive.h"

static uint8_t tar[64 * ARCHIVE_BLOCK];
static size_t tar_len;
static struct archive_file files[ARCHIVE_FILES_MAX];
static size_t count;
static struct err e;

static void add(const char *name, const char *content)
{
	size_t len = strlen(content);

	archive_header(tar + tar_len, name, len, 1800000000);
	memcpy(tar + tar_len + ARCHIVE_BLOCK, content, len);
	tar_len += ARCHIVE_BLOCK + len + archive_padding(len);
}

static void setup(void)
{
	memset(tar, 0, sizeof(tar));
	tar_len = 0;
	add("ppvpn.db", "the database");
	add("empty", "");
	add("SHA256SUMS", "sums");
	tar_len += 2 * ARCHIVE_BLOCK;
}

static int read_it(void)
{
	return archive_read(tar, tar_len, files, &count, &e);
}

/* The header's checksum again, after a change. */
static void sum(uint8_t *block)
{
	unsigned total = 0;

	memset(block + 148, ' ', 8);
	for (size_t i = 0; i < ARCHIVE_BLOCK; i++)
	{
		total += block[i];
	}
	snprintf((char *)block + 148, 8, "%06o", total);
	block[155] = ' ';
}

START_TEST(reads_what_was_written)
{
	const struct archive_file *file;

	ck_assert_int_eq(read_it(), 0);
	ck_assert_uint_eq(count, 3);
	file = archive_find(files, count, "ppvpn.db");
	ck_assert_ptr_nonnull(file);
	ck_assert_uint_eq(file->len, 12);
	ck_assert_mem_eq(file->data, "the database", 12);
	ck_assert_uint_eq(archive_find(files, count, "empty")->len, 0);
	ck_assert_ptr_null(archive_find(files, count, "ppvpn"));
}
END_TEST

START_TEST(refuses_what_is_cut)
{
	const size_t whole = tar_len;

	for (tar_len = 0; tar_len < whole; tar_len++)
	{
		ck_assert_int_eq(read_it(), -EINVAL);
	}
	ck_assert_str_eq(err_code_text(e.code), "backup");
	tar_len = whole;
	ck_assert_int_eq(read_it(), 0);
}
END_TEST

/* Every byte of it. */
START_TEST(refuses_a_header_that_was_changed)
{
	for (size_t i = 0; i < ARCHIVE_BLOCK; i++)
	{
		setup();
		tar[i] ^= 0x55;
		/* but for what ends the checksum's digits */
		if (i < 154 || i >= 156)
		{
			ck_assert_int_eq(read_it(), -EINVAL);
		}
	}
}
END_TEST

static const struct
{
	size_t at;
	const char *bytes;
	size_t len;
} forged[] = {
	{ 0, "ppvpn-backup/../../etc/x", 25 },
	{ 0, "ppvpn-backup/a/b", 17 },
	{ 0, "ppvpn-backup/", 14 },
	{ 0, "ppvpn-backup/.hidden", 21 },
	{ 0, "/etc/passwd", 12 },
	{ 0, "ppvpn.db", 9 },
	{ 0, "ppvpn-backup/SHA256SUMS", 24 },	/* twice */
	{ 0, "ppvpn-backup/a\nb", 17 },
	{ 0, "ppvpn-backup/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
		 "aaaaaa", 78 },
	{ 124, "77777777777", 12 },				/* size */
	{ 124, "-0000000001", 12 },
	{ 124, "\200\0\0\0\0\0\0\0\0\0\1", 12 },
	{ 156, "1", 1 },						/* hard link */
	{ 156, "2", 1 },						/* symbolic link */
	{ 156, "5", 1 },						/* directory */
	{ 156, "x", 1 },						/* extended header */
	{ 345, "etc", 3 },						/* prefix */
	{ 257, "USTAR", 5 },
};

START_TEST(refuses_forged_headers)
{
	memcpy(tar + forged[_i].at, forged[_i].bytes, forged[_i].len);
	sum(tar);
	ck_assert_int_eq(read_it(), -EINVAL);
	ck_assert_str_eq(err_code_text(e.code), "backup");
}
END_TEST

START_TEST(refuses_too_many_files)
{
	char name[16];

	setup();
	tar_len = 0;
	memset(tar, 0, sizeof(tar));
	for (unsigned i = 0; i <= ARCHIVE_FILES_MAX; i++)
	{
		snprintf(name, sizeof(name), "f%u", i);
		add(name, "");
	}
	tar_len += 2 * ARCHIVE_BLOCK;
	ck_assert_int_eq(read_it(), -EINVAL);
	/* and what comes behind the end */
	setup();
	tar[tar_len - 1] = 1;
	ck_assert_int_eq(read_it(), -EINVAL);
}
END_TEST

int main(void)
{
	TCase *tc = tcase_create("archive");

	tcase_add_checked_fixture(tc, setup, NULL);
	tcase_add_test(tc, reads_what_was_written);
	tcase_add_test(tc, refuses_what_is_cut);
	tcase_add_test(tc, refuses_a_header_that_was_changed);
	tcase_add_loop_test(tc, refuses_forged_headers, 0, COUNT(forged));
	tcase_add_test(tc, refuses_too_many_files);
	return run_case(tc, "archive");
}
