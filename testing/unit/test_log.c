/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * test_log.c - log lines: levels, tokens, the journal's form, what is cleaned
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "log.h"
#include "run.h"

static FILE *captured;
static int saved_stderr;

static void setup(void)
{
	captured = tmpfile();
	saved_stderr = dup(STDERR_FILENO);
	dup2(fileno(captured), STDERR_FILENO);
	unsetenv("JOURNAL_STREAM");
	log_init("prog", LOG_LEVEL_INFO);
	log_set_tokens(NULL);
}

static void teardown(void)
{
	dup2(saved_stderr, STDERR_FILENO);
	close(saved_stderr);
	fclose(captured);
}

static const char *output(void)
{
	static char buf[1 << 20];
	ssize_t n = pread(fileno(captured), buf, sizeof(buf) - 1, 0);

	buf[n > 0 ? n : 0] = '\0';
	return buf;
}

/* behind "2026-11-22T10:00:00.123Z " */
static const char *after_time(void)
{
	const char *s = output();

	ck_assert_uint_gt(strlen(s), 25);
	ck_assert_int_eq(s[10], 'T');
	ck_assert_int_eq(s[23], 'Z');
	return s + 25;
}

static void pretend_journal(void)
{
	struct stat st;
	char stream[64];

	ck_assert_int_eq(fstat(STDERR_FILENO, &st), 0);
	snprintf(stream, sizeof(stream), "%llu:%llu",
			 (unsigned long long)st.st_dev, (unsigned long long)st.st_ino);
	setenv("JOURNAL_STREAM", stream, 1);
	log_init("prog", LOG_LEVEL_DEBUG);
}

START_TEST(test_line)
{
	log_info("fetch", "%s %d", "x", 1);
	ck_assert_str_eq(after_time(), "prog info fetch: x 1\n");
}
END_TEST

START_TEST(test_journal)
{
	pretend_journal();
	log_error("a", "1");
	log_warn("a", "2");
	log_info("a", "3");
	log_debug("a", "4");
	ck_assert_str_eq(output(), "<3>a: 1\n<4>a: 2\n<6>a: 3\n<7>a: 4\n");
}
END_TEST

/* $JOURNAL_STREAM is inherited by children whose stderr is something else */
START_TEST(test_not_the_journal)
{
	struct stat st;
	char stream[64];

	ck_assert_int_eq(fstat(STDERR_FILENO, &st), 0);
	snprintf(stream, sizeof(stream), "%llu:1", (unsigned long long)st.st_dev);
	setenv("JOURNAL_STREAM", stream, 1);
	log_init("prog", LOG_LEVEL_INFO);
	log_info("a", "x");
	ck_assert_str_eq(after_time(), "prog info a: x\n");
}
END_TEST

START_TEST(test_levels)
{
	enum log_level level;

	log_debug("a", "hidden");
	ck_assert_str_eq(output(), "");
	log_set_level(LOG_LEVEL_ERROR);
	log_warn("a", "hidden");
	ck_assert_str_eq(output(), "");
	ck_assert_int_eq(log_level_parse("debug", &level), 0);
	ck_assert_int_eq(level, LOG_LEVEL_DEBUG);
	ck_assert_int_eq(log_level_parse("error", &level), 0);
	ck_assert_int_eq(level, LOG_LEVEL_ERROR);
	ck_assert_int_eq(log_level_parse("DEBUG", &level), -EINVAL);
	ck_assert_int_eq(log_level_parse("", &level), -EINVAL);
}
END_TEST

START_TEST(test_tokens)
{
	pretend_journal();
	log_set_tokens("fetch,apply");
	log_debug("fetch", "1");
	log_debug("store", "hidden");
	log_debug("app", "hidden");
	log_debug("apply", "2");
	log_info("store", "3");
	ck_assert_str_eq(output(), "<7>fetch: 1\n<7>apply: 2\n<6>store: 3\n");
}
END_TEST

START_TEST(test_cleaned)
{
	char longer[3000];
	struct err e;

	pretend_journal();
	log_info("a", "x\ny\r\x1b[2J\t\xc3\xa9\x7f");
	ck_assert_str_eq(output(), "<6>a: x?y??[2J????\n");
	ck_assert_int_eq(ftruncate(fileno(captured), 0), 0);
	lseek(STDERR_FILENO, 0, SEEK_SET);
	memset(longer, 'x', sizeof(longer));
	longer[sizeof(longer) - 1] = '\0';
	log_info("a", "%s", longer);
	ck_assert_uint_eq(strlen(output()), 1024);
	ck_assert_int_eq(output()[1023], '\n');
	ck_assert_int_eq(ftruncate(fileno(captured), 0), 0);
	lseek(STDERR_FILENO, 0, SEEK_SET);
	err_set(&e, -EIO, ERR_IO, "/x", "cannot read");
	errno = ENOENT;
	log_err(LOG_LEVEL_WARN, "a", "loading", &e);
	log_info("a", "%m");
	ck_assert_int_eq(errno, ENOENT);
	ck_assert_str_eq(output(), "<4>a: loading: /x: cannot read [io]\n"
					 "<6>a: No such file or directory\n");
}
END_TEST

#define LINES 200

static void *write_lines(void *arg)
{
	int i;

	for (i = 0; i < LINES; i++)
	{
		log_info("thread", "%0100d", *(int *)arg);
	}
	return NULL;
}

START_TEST(test_threads)
{
	pthread_t threads[4];
	int numbers[4] = { 1, 2, 3, 4 }, i, seen[5] = { 0 }, number;
	char *line, *next;

	pretend_journal();
	fcntl(STDERR_FILENO, F_SETFL, O_APPEND);
	for (i = 0; i < 4; i++)
	{
		pthread_create(&threads[i], NULL, write_lines, &numbers[i]);
	}
	for (i = 0; i < 4; i++)
	{
		pthread_join(threads[i], NULL);
	}
	for (line = (char *)output(); *line; line = next + 1)
	{
		next = strchr(line, '\n');
		ck_assert_ptr_nonnull(next);
		*next = '\0';
		ck_assert_uint_eq(strlen(line), strlen("<6>thread: ") + 100);
		ck_assert_int_eq(sscanf(line, "<6>thread: %d", &number), 1);
		ck_assert(number > 0 && number < 5);
		seen[number]++;
	}
	for (i = 1; i < 5; i++)
	{
		ck_assert_int_eq(seen[i], LINES);
	}
}
END_TEST

int main(void)
{
	TCase *tc = tcase_create("log");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, test_line);
	tcase_add_test(tc, test_journal);
	tcase_add_test(tc, test_not_the_journal);
	tcase_add_test(tc, test_levels);
	tcase_add_test(tc, test_tokens);
	tcase_add_test(tc, test_cleaned);
	tcase_add_test(tc, test_threads);
	return run_case(tc, "log");
}
