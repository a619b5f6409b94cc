/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * test_host.c - is the version in an executable? On files made for it, and on
 * the charons that are installed here
 */

#include "harness.h"
#include "ppvpn_host.h"
#include "ppvpn_plugin.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

static char path[] = "/tmp/ppvpn-host-XXXXXX";

static void setup(void)
{
	int fd;

	strcpy(path + strlen(path) - 6, "XXXXXX");
	fd = mkstemp(path);
	ck_assert_int_ge(fd, 0);
	close(fd);
}

static void teardown(void)
{
	unlink(path);
}

static ppvpn_host_t check(void)
{
	return ppvpn_host_check(path, "5.9.8");
}

/** Write at an offset; what lies before it is zero */
static void put(off_t at, const char *bytes, size_t len)
{
	int fd = open(path, O_WRONLY);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(pwrite(fd, bytes, len, at), len);
	close(fd);
}

#define FILE_OF(text) text, sizeof(text) - 1

static const struct {
	const char *bytes;
	size_t len;
	ppvpn_host_t host;
} files[] = {
	{ FILE_OF("ELF 5.9.8\0 more"), PPVPN_HOST_SAME },
	{ FILE_OF("\0" "5.9.8\0"), PPVPN_HOST_SAME },
	/* where the file begins and ends */
	{ FILE_OF("5.9.8\0"), PPVPN_HOST_SAME },
	{ FILE_OF("5.9.8"), PPVPN_HOST_OTHER },
	{ FILE_OF(""), PPVPN_HOST_OTHER },
	{ FILE_OF("\0"), PPVPN_HOST_OTHER },
	/* more of it before or behind */
	{ FILE_OF("15.9.8\0"), PPVPN_HOST_OTHER },
	{ FILE_OF("1.5.9.8\0"), PPVPN_HOST_OTHER },
	{ FILE_OF("5.9.80\0"), PPVPN_HOST_OTHER },
	{ FILE_OF("5.9.8.1\0"), PPVPN_HOST_OTHER },
	{ FILE_OF("5.9.8dr1\0"), PPVPN_HOST_OTHER },
	{ FILE_OF("5.9.8-5+deb12u6\0"), PPVPN_HOST_OTHER },
	{ FILE_OF("(strongSwan 5.9.8, %s)\0"), PPVPN_HOST_OTHER },
	{ FILE_OF("5.9.9\0" "6.0.1\0" "5x9x8\0"), PPVPN_HOST_OTHER },
	/* the wrong one first */
	{ FILE_OF("25.9.8\0" "5.9.80\0" " 5.9.8\0"), PPVPN_HOST_SAME },
	{ FILE_OF("5.9.5.9.8\0" "5.9.8\0"), PPVPN_HOST_SAME },
	{ FILE_OF("5.9.5.9.8\0"), PPVPN_HOST_OTHER },
};

START_TEST(in_files)
{
	put(0, files[_i].bytes, files[_i].len);
	ck_assert_int_eq(check(), files[_i].host);
}
END_TEST

/* at every place around the ends of what is read in one go */
START_TEST(anywhere)
{
	for (int at = -10; at < 10; at++)
	{
		ck_assert_int_eq(truncate(path, 0), 0);
		ck_assert_int_eq(truncate(path, 65536 * 5), 0);
		put(65536 * _i + at, FILE_OF("5.9.8\0"));
		ck_assert_int_eq(check(), PPVPN_HOST_SAME);
		put(65536 * _i + at - 1, "1", 1);
		ck_assert_int_eq(check(), PPVPN_HOST_OTHER);
		ck_assert_int_eq(truncate(path, 65536 * _i + at + 5), 0);
		put(65536 * _i + at - 1, "x", 1);
		ck_assert_int_eq(check(), PPVPN_HOST_OTHER);
	}
}
END_TEST

START_TEST(huge)
{
	ck_assert_int_eq(truncate(path, PPVPN_HOST_MAX), 0);
	ck_assert_int_eq(check(), PPVPN_HOST_OTHER);
	ck_assert_int_eq(truncate(path, PPVPN_HOST_MAX + (off_t)1), 0);
	ck_assert_int_eq(check(), PPVPN_HOST_UNKNOWN);
	ck_assert_int_eq(truncate(path, (off_t)1 << 40), 0);
	ck_assert_int_eq(check(), PPVPN_HOST_UNKNOWN);
}
END_TEST

START_TEST(not_readable)
{
	ck_assert_int_eq(ppvpn_host_check("/nowhere/charon", "5.9.8"),
					 PPVPN_HOST_UNKNOWN);
	ck_assert_int_eq(ppvpn_host_check("", "5.9.8"), PPVPN_HOST_UNKNOWN);
	ck_assert_int_eq(ppvpn_host_check("/tmp", "5.9.8"), PPVPN_HOST_UNKNOWN);
	ck_assert_int_eq(ppvpn_host_check("/dev/zero", "5.9.8"),
					 PPVPN_HOST_UNKNOWN);
	/* nobody writes to it: it is not waited for */
	ck_assert_int_eq(unlink(path), 0);
	ck_assert_int_eq(mkfifo(path, 0600), 0);
	ck_assert_int_eq(check(), PPVPN_HOST_UNKNOWN);
}
END_TEST

START_TEST(not_a_version)
{
	char version[66];

	put(0, FILE_OF("5.9.8\0"));
	ck_assert_int_eq(ppvpn_host_check(path, ""), PPVPN_HOST_UNKNOWN);
	memset(version, '5', 65);
	version[65] = '\0';
	ck_assert_int_eq(ppvpn_host_check(path, version + 1), PPVPN_HOST_UNKNOWN);
	ck_assert_int_eq(ppvpn_host_check(path, version + 2), PPVPN_HOST_OTHER);
	put(0, version + 2, 64);
	ck_assert_int_eq(ppvpn_host_check(path, version + 2), PPVPN_HOST_SAME);
}
END_TEST

/** All charons that Debian has; those that are installed are looked into */
START_TEST(installed_charons)
{
	static const char *const charons[] = {
		"/usr/sbin/charon-systemd", "/usr/lib/ipsec/charon",
		"/usr/sbin/charon-cmd",
	};

	for (u_int i = 0; i < countof(charons); i++)
	{
		if (access(charons[i], R_OK) == 0)
		{
			ck_assert_int_eq(ppvpn_host_check(charons[i], VERSION),
							 PPVPN_HOST_SAME);
			ck_assert_int_eq(ppvpn_host_check(charons[i], "5.9.99"),
							 PPVPN_HOST_OTHER);
		}
	}
}
END_TEST

/** This program has the version in it, as a charon has */
START_TEST(the_plugin_starts)
{
	plugin_t *plugin;

	ck_assert_int_eq(ppvpn_host_check("/proc/self/exe", ppvpn_plugin_version),
					 PPVPN_HOST_SAME);
	plugin = ppvpn_plugin_create();
	ck_assert_ptr_nonnull(plugin);
	ck_assert_str_eq(plugin->get_name(plugin), "ppvpn");
	plugin->destroy(plugin);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("host");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_loop_test(tcase, in_files, 0, countof(files));
	tcase_add_loop_test(tcase, anywhere, 1, 4);
	tcase_add_test(tcase, huge);
	tcase_add_test(tcase, not_readable);
	tcase_add_test(tcase, not_a_version);
	tcase_add_test(tcase, installed_charons);
	tcase_add_test(tcase, the_plugin_starts);
	return harness_run(tcase, "plugin_host");
}
