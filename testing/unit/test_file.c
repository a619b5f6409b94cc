/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * test_file.c - reading and writing files
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "file.h"
#include "run.h"

static char dir[64], path[96], previous[112], made[112];
static struct err e;

static void setup(void)
{
	snprintf(dir, sizeof(dir), "/tmp/test_file.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/f", dir);
	snprintf(previous, sizeof(previous), "%s.previous", path);
	snprintf(made, sizeof(made), "%s.new", path);
	memset(&e, 0, sizeof(e));
}

static void teardown(void)
{
	char command[128];

	snprintf(command, sizeof(command), "rm -rf '%s'", dir);
	ck_assert_int_eq(system(command), 0);
}

static void assert_content(const char *name, const char *content)
{
	char *buf;
	size_t len;

	ck_assert_msg(!file_read(name, 100, &buf, &len, &e), "%s: %s", e.where,
				  e.text);
	ck_assert_uint_eq(len, strlen(content));
	ck_assert_str_eq(buf, content);
	free(buf);
}

static mode_t mode_of(const char *name)
{
	struct stat st;

	ck_assert_int_eq(stat(name, &st), 0);
	return st.st_mode & 07777;
}

START_TEST(test_write)
{
	umask(077);
	ck_assert_int_eq(file_write(path, "one", 3, 0640, &e), 0);
	assert_content(path, "one");
	ck_assert_uint_eq(mode_of(path), 0640);
	umask(0);
	ck_assert_int_eq(file_write(path, "two!", 4, 0600, &e), 0);
	assert_content(path, "two!");
	ck_assert_uint_eq(mode_of(path), 0600);
	ck_assert_int_eq(file_write(path, "", 0, 0600, &e), 0);
	assert_content(path, "");
	ck_assert_int_ne(access(previous, F_OK), 0);
	ck_assert_int_ne(access(made, F_OK), 0);
}
END_TEST

START_TEST(test_keep)
{
	char leftover[128];

	ck_assert_int_eq(file_write_keep(path, "1", 1, 0600, &e), 0);
	ck_assert_int_ne(access(previous, F_OK), 0);
	ck_assert_int_eq(file_write_keep(path, "2", 1, 0600, &e), 0);
	assert_content(path, "2");
	assert_content(previous, "1");
	ck_assert_int_eq(file_write_keep(path, "3", 1, 0600, &e), 0);
	assert_content(path, "3");
	assert_content(previous, "2");

	/* what a crash after the link leaves: two names of one file */
	unlink(previous);
	snprintf(leftover, sizeof(leftover), "%s.new", previous);
	ck_assert_int_eq(link(path, previous), 0);
	ck_assert_int_eq(link(path, leftover), 0);
	ck_assert_int_eq(file_write_keep(path, "4", 1, 0600, &e), 0);
	assert_content(path, "4");
	assert_content(previous, "3");
	ck_assert_int_ne(access(leftover, F_OK), 0);
}
END_TEST

/* A link planted where the new file goes is replaced, not followed. */
START_TEST(test_planted_link)
{
	char victim[96];

	snprintf(victim, sizeof(victim), "%s/victim", dir);
	ck_assert_int_eq(file_write(victim, "v", 1, 0600, &e), 0);
	ck_assert_int_eq(symlink(victim, made), 0);
	ck_assert_int_eq(file_write(path, "x", 1, 0600, &e), 0);
	assert_content(victim, "v");
	assert_content(path, "x");
}
END_TEST

START_TEST(test_read_faults)
{
	char *buf = (char *)1;
	size_t len = 7;

	ck_assert_int_eq(file_read(path, 10, &buf, &len, &e), -ENOENT);
	ck_assert_int_eq(e.code, ERR_NOT_FOUND);
	ck_assert_str_eq(e.where, path);
	ck_assert_ptr_null(buf);
	ck_assert_uint_eq(len, 0);
	ck_assert_int_eq(file_write(path, "0123456789", 10, 0600, &e), 0);
	assert_content(path, "0123456789");
	ck_assert_int_eq(file_read(path, 10, &buf, &len, &e), 0);
	ck_assert_uint_eq(len, 10);
	free(buf);
	ck_assert_int_eq(file_read(path, 9, &buf, &len, &e), -EFBIG);
	ck_assert_ptr_null(buf);
	ck_assert_int_eq(file_read(dir, 9, &buf, &len, &e), -EINVAL);
	unlink(path);
	ck_assert_int_eq(mkfifo(path, 0600), 0);
	ck_assert_int_eq(file_read(path, 9, &buf, &len, &e), -EINVAL);
	/* says 0 bytes, has more */
	ck_assert_int_eq(file_read("/proc/self/maps", 10, &buf, &len, &e), -EFBIG);
	ck_assert_int_eq(file_read("/proc/self/stat", 4096, &buf, &len, &e), 0);
	ck_assert_uint_gt(len, 10);
	free(buf);
}
END_TEST

START_TEST(test_write_faults)
{
	char missing[128];

	snprintf(missing, sizeof(missing), "%s/no/f", dir);
	ck_assert_int_eq(file_write(missing, "x", 1, 0600, &e), -ENOENT);
	ck_assert_str_ne(e.text, "");
	ck_assert_int_eq(file_write("/dev/full/x", "x", 1, 0600, &e), -ENOTDIR);
	ck_assert_int_eq(e.code, ERR_IO);
	/* a directory in its place cannot be replaced; nothing is left over */
	ck_assert_int_eq(mkdir(path, 0700), 0);
	ck_assert_int_lt(file_write(path, "x", 1, 0600, &e), 0);
	ck_assert_int_ne(access(made, F_OK), 0);
}
END_TEST

START_TEST(test_dir)
{
	char sub[96], deep[128];

	snprintf(sub, sizeof(sub), "%s/d", dir);
	snprintf(deep, sizeof(deep), "%s/no/d", dir);
	umask(077);
	ck_assert_int_eq(dir_make(sub, 0755, &e), 0);
	ck_assert_uint_eq(mode_of(sub), 0755);
	ck_assert_int_eq(chmod(sub, 0700), 0);
	ck_assert_int_eq(dir_make(sub, 0755, &e), 0);
	ck_assert_uint_eq(mode_of(sub), 0700);
	ck_assert_int_eq(dir_make(deep, 0755, &e), -ENOENT);
	ck_assert_int_eq(file_write(path, "x", 1, 0600, &e), 0);
	ck_assert_int_eq(dir_make(path, 0755, &e), -ENOTDIR);
}
END_TEST

/* One at a time; who closes it, or ends, gives it back. */
START_TEST(test_lock)
{
	int mine, other;

	ck_assert_int_eq(dir_lock(dir, "another test", &mine, &e), 0);
	ck_assert_int_eq(dir_lock(dir, "another test", &other, &e), -EBUSY);
	ck_assert_int_eq(e.code, ERR_RUNNING);
	ck_assert_str_eq(e.where, dir);
	ck_assert_str_eq(e.text, "another test uses it");
	ck_assert_int_eq(other, -1);
	close(mine);
	ck_assert_int_eq(dir_lock(dir, "another test", &other, &e), 0);
	close(other);
	ck_assert_int_eq(dir_lock(path, "another test", &other, &e), -ENOENT);
}
END_TEST

int main(void)
{
	TCase *tc = tcase_create("file");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, test_write);
	tcase_add_test(tc, test_keep);
	tcase_add_test(tc, test_planted_link);
	tcase_add_test(tc, test_read_faults);
	tcase_add_test(tc, test_write_faults);
	tcase_add_test(tc, test_dir);
	tcase_add_test(tc, test_lock);
	return run_case(tc, "file");
}
