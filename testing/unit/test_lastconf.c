/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * test_lastconf.c - the last known configuration: kept, bound, crash-safe
 *
 * The crash test kills a child at its Nth effectful system call, for every N:
 * the calls are wrapped below, so lib/ and lastconf.c are what is tested.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/lastconf.h"
#include "alloc.h"
#include "run.h"
#include "seal.h"

static char dir[] = "/tmp/ppvpn-lastconf-XXXXXX";
static int crash_at = -1, calls;

/* ---- what may be the last thing the process does --------------------------- */

static void effect(void)
{
	if (crash_at >= 0 && calls++ == crash_at)
	{
		kill(getpid(), SIGKILL);
	}
}

ssize_t write(int fd, const void *buf, size_t n)
{
	effect();
	/* a crash may leave half of it */
	if (crash_at >= 0 && calls == crash_at)
	{
		n = n > 1 ? n / 2 : n;
	}
	return syscall(SYS_write, fd, buf, n);
}

int fsync(int fd)
{
	effect();
	return syscall(SYS_fsync, fd);
}

int rename(const char *from, const char *to)
{
	effect();
	return syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0);
}

int link(const char *from, const char *to)
{
	effect();
	return syscall(SYS_linkat, AT_FDCWD, from, AT_FDCWD, to, 0);
}

int unlink(const char *path)
{
	effect();
	return syscall(SYS_unlinkat, AT_FDCWD, path, 0);
}

int fchmod(int fd, mode_t mode)
{
	effect();
	return syscall(SYS_fchmod, fd, mode);
}

/* ---- the cases ------------------------------------------------------------- */

static void setup(void)
{
	struct err e;

	crash_at = -1;
	strcpy(dir + strlen(dir) - 6, "XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	ck_assert_int_eq(seal_init(&e), 0);
}

static void teardown(void)
{
	char *command = xasprintf("rm -rf %s", dir);

	ck_assert_int_eq(system(command), 0);
	free(command);
}

static int save(const char *body, const char *etag)
{
	struct lastconf l = { .body = (char*)body, .len = strlen(body) };
	struct err e;

	snprintf(l.etag, sizeof(l.etag), "%s", etag);
	return lastconf_save(dir, "acme/paris", &l, &e);
}

static int load(const char *ce, struct lastconf *l, struct err *e)
{
	return lastconf_load(dir, ce, l, e);
}

static char *file(const char *name)
{
	static char path[128];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	return path;
}

START_TEST(round_trip)
{
	struct lastconf l;
	struct err e;
	struct stat st;
	char *raw = xcalloc(1, 4096);
	FILE *f;

	ck_assert_int_eq(load("acme/paris", &l, &e), -ENOENT);
	ck_assert_int_eq(save("{\"secret\":\"planted\"}", "\"3.1-ab\""), 0);
	ck_assert_int_eq(load("acme/paris", &l, &e), 0);
	ck_assert_str_eq(l.body, "{\"secret\":\"planted\"}");
	ck_assert_uint_eq(l.len, strlen(l.body));
	ck_assert_str_eq(l.etag, "\"3.1-ab\"");
	lastconf_done(&l);
	ck_assert_int_eq(stat(file("config"), &st), 0);
	ck_assert_int_eq(st.st_mode & 0777, 0600);
	f = fopen(file("config"), "r");
	ck_assert_uint_gt(fread(raw, 1, 4095, f), 0);
	fclose(f);
	ck_assert_ptr_null(memmem(raw, 4096, "planted", 7));
	free(raw);
}
END_TEST

START_TEST(empty_and_odd)
{
	struct lastconf l;
	struct err e;

	ck_assert_int_eq(save("", ""), 0);
	ck_assert_int_eq(load("acme/paris", &l, &e), 0);
	ck_assert_uint_eq(l.len, 0);
	lastconf_done(&l);
	ck_assert_int_eq(save("a\nb\n", "x"), 0);
	ck_assert_int_eq(load("acme/paris", &l, &e), 0);
	ck_assert_str_eq(l.body, "a\nb\n");
	lastconf_done(&l);
	ck_assert_int_lt(save("a", "x\ny"), 0);
}
END_TEST

START_TEST(of_another_router)
{
	struct lastconf l;
	struct err e;

	ck_assert_int_eq(save("one", "1"), 0);
	ck_assert_int_lt(load("acme/lyon", &l, &e), 0);
	ck_assert_int_eq(e.code, ERR_SEALED);
	ck_assert_ptr_null(l.body);
	ck_assert_int_eq(access(file("config"), F_OK), 0);
}
END_TEST

/* Each byte of the newest changed, or it is cut anywhere: the former is used. */
START_TEST(damaged)
{
	struct lastconf l;
	struct err e;
	struct stat st;

	ck_assert_int_eq(save("one", "1"), 0);
	ck_assert_int_eq(save("two", "2"), 0);
	ck_assert_int_eq(stat(file("config"), &st), 0);
	for (off_t i = 0; i < st.st_size; i++)
	{
		int fd = open(file("config"), O_RDWR);
		uint8_t byte;

		ck_assert_int_eq(pread(fd, &byte, 1, i), 1);
		byte ^= 0x20;
		ck_assert_int_eq(pwrite(fd, &byte, 1, i), 1);
		ck_assert_int_eq(load("acme/paris", &l, &e), 0);
		ck_assert_str_eq(l.body, "one");
		ck_assert_int_ne(e.code, ERR_NONE);
		lastconf_done(&l);
		byte ^= 0x20;
		ck_assert_int_eq(pwrite(fd, &byte, 1, i), 1);
		close(fd);
	}
	for (off_t i = st.st_size - 1; i >= 0; i--)
	{
		ck_assert_int_eq(truncate(file("config"), i), 0);
		ck_assert_int_eq(load("acme/paris", &l, &e), 0);
		ck_assert_str_eq(l.body, "one");
		lastconf_done(&l);
	}
	ck_assert_int_eq(truncate(file("config.previous"), 9), 0);
	ck_assert_int_lt(load("acme/paris", &l, &e), 0);
	ck_assert_int_eq(e.code, ERR_SEALED);
	ck_assert_int_eq(access(file("config"), F_OK), 0);
}
END_TEST

START_TEST(removed)
{
	struct lastconf l;
	struct err e;

	ck_assert_int_eq(save("one", "1"), 0);
	ck_assert_int_eq(save("two", "2"), 0);
	ck_assert_int_eq(lastconf_remove(dir, &e), 0);
	ck_assert_int_eq(load("acme/paris", &l, &e), -ENOENT);
	ck_assert_int_eq(lastconf_remove(dir, &e), 0);
}
END_TEST

/* In a child that dies at its Nth effect; false: it lived to the end. */
static bool save_and_crash(const char *body, int at)
{
	int status;
	pid_t pid = fork();

	if (pid == 0)
	{
		calls = 0;
		crash_at = at;
		_exit(save(body, body) == 0 ? 0 : 1);
	}
	waitpid(pid, &status, 0);
	ck_assert(WIFSIGNALED(status) || WEXITSTATUS(status) == 0);
	return WIFSIGNALED(status);
}

/* The old or the new, never neither; and the next save works. */
static const char *const no_trials[] = {
	"", "ppvpn-trial/2", "ppvpn-trial/2 \"3.8-ab\" 3 8 1 0",
	"ppvpn-trial/1 \"3.8-ab\" 3 8 1 0 back\n",
	"ppvpn-trial/2 \"3.8-ab\" 3 8 1 0 acquitted\n",
	"ppvpn-trial/2 \"3.8-ab\" 3 x 1 0 back\n",
	"ppvpn-trial/2 \"3.8-ab\" 3 8 x 0 back\n",
	"ppvpn-trial/2 \"3.8-ab\" 3 8 1 -1 back\n",
	"ppvpn-trial/2 \"3.8-ab\" 3 8 0 0 running\n",
	"ppvpn-trial/2 \"3.8-ab\" 3 8 1 0 back more\n",
};

START_TEST(a_trial_is_remembered)
{
	struct lastconf_trial in = {
		.etag = "\"3.8-0123456789abcdef\"", .epoch = 3,
		.revision = UINT64_MAX, .tries = 2,
		.interrupted = 70,
	}, out;
	char *path = xasprintf("%s/trial", dir);
	struct stat st;
	struct err e;

	ck_assert_int_eq(lastconf_trial_load(dir, &out, &e), -ENOENT);
	ck_assert_int_eq(lastconf_trial_remove(dir, &e), 0);
	ck_assert_int_eq(lastconf_trial_save(dir, &in, &e), 0);
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_int_eq(st.st_mode & 0777, 0600);
	ck_assert_int_eq(lastconf_trial_load(dir, &out, &e), 0);
	ck_assert_str_eq(out.etag, in.etag);
	ck_assert_uint_eq(out.epoch, 3);
	ck_assert_uint_eq(out.revision, UINT64_MAX);
	ck_assert_uint_eq(out.tries, 2);
	ck_assert_uint_eq(out.interrupted, 70);
	ck_assert_int_eq(out.fate, LASTCONF_RUNNING);
	for (in.fate = LASTCONF_BACK; in.fate <= LASTCONF_CONDEMNED; in.fate++)
	{
		ck_assert_int_eq(lastconf_trial_save(dir, &in, &e), 0);
		ck_assert_int_eq(lastconf_trial_load(dir, &out, &e), 0);
		ck_assert_int_eq(out.fate, in.fate);
	}
	for (size_t i = 0; i < COUNT(no_trials); i++)
	{
		FILE *f = fopen(path, "w");

		ck_assert_ptr_nonnull(f);
		fputs(no_trials[i], f);
		fclose(f);
		ck_assert_msg(lastconf_trial_load(dir, &out, &e) == -EBADMSG, "%zu",
					  i);
		ck_assert_str_eq(out.etag, "");
	}
	ck_assert_int_eq(lastconf_trial_remove(dir, &e), 0);
	ck_assert_int_eq(lastconf_trial_load(dir, &out, &e), -ENOENT);
	free(path);
}
END_TEST

START_TEST(crashes)
{
	struct lastconf l;
	struct err e;
	int at = 0;

	ck_assert_int_eq(save("one", "1"), 0);
	ck_assert_int_eq(save("two", "2"), 0);
	while (save_and_crash("three", at))
	{
		ck_assert_int_eq(load("acme/paris", &l, &e), 0);
		ck_assert_msg(!strcmp(l.body, "two") || !strcmp(l.body, "three"),
					  "%s after a crash at %d", l.body, at);
		lastconf_done(&l);
		ck_assert_int_eq(save("two", "2"), 0);
		at++;
	}
	ck_assert_int_ge(at, 6);
	ck_assert_int_eq(load("acme/paris", &l, &e), 0);
	ck_assert_str_eq(l.body, "three");
	lastconf_done(&l);
}
END_TEST

/* The first save of all makes the key, too. */
START_TEST(first_crashes)
{
	struct lastconf l;
	struct err e;
	int at = 0;
	bool crashed;

	do
	{
		teardown();
		ck_assert_int_eq(mkdir(dir, 0700), 0);
		crashed = save_and_crash("first", at);
		if (load("acme/paris", &l, &e) == 0)
		{
			ck_assert_str_eq(l.body, "first");
			lastconf_done(&l);
		}
		ck_assert_msg(save("second", "2") == 0, "no save after a crash at %d",
					  at);
		ck_assert_int_eq(load("acme/paris", &l, &e), 0);
		ck_assert_str_eq(l.body, "second");
		lastconf_done(&l);
		at++;
	}
	while (crashed);
	ck_assert_int_ge(at, 8);
}
END_TEST

int main(void)
{
	TCase *tc = tcase_create("lastconf");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, round_trip);
	tcase_add_test(tc, empty_and_odd);
	tcase_add_test(tc, of_another_router);
	tcase_add_test(tc, damaged);
	tcase_add_test(tc, removed);
	tcase_add_test(tc, a_trial_is_remembered);
	tcase_add_test(tc, crashes);
	tcase_add_test(tc, first_crashes);
	return run_case(tc, "lastconf");
}
