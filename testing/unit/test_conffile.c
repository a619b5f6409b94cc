/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * test_conffile.c - configuration files
 */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "conffile.h"
#include "file.h"
#include "run.h"
#include "text.h"

#define L63 "a23456789012345678901234567890123456789012345678901234567890123"

static char path[64];
static struct err e;
static struct text seen;

static void setup(void)
{
	int fd;

	snprintf(path, sizeof(path), "/tmp/test_conffile.XXXXXX");
	fd = mkstemp(path);
	ck_assert_int_ge(fd, 0);
	close(fd);
	memset(&e, 0, sizeof(e));
}

static void teardown(void)
{
	text_done(&seen);
	unlink(path);
}

static int on_pair(void *user, const char *section, const char *arg,
				   const char *key, const char *value, struct err *err)
{
	ck_assert_ptr_eq(user, &seen);
	if (strcmp(key, "bad") == 0)
	{
		return err_set(err, -ERANGE, ERR_CONFIG, "ignored", "no '%s'", value);
	}
	text_addf(&seen, "%s|%s|%s|%s;", section, arg, key, value);
	return 0;
}

static int read_text(const char *text)
{
	ck_assert_int_eq(file_write(path, text, strlen(text), 0600, &e), 0);
	return conffile_read(path, on_pair, &seen, &e);
}

static const struct {
	const char *text, *seen;
} good[] = {
	{ "", "" },
	{ "\n# c\n  ; c\n\t\n", "" },
	{ "[agent]\nstate-dir = /var/lib/x\n", "agent||state-dir|/var/lib/x;" },
	{ "[agent]\nk=v", "agent||k|v;" },
	{ "  [ vpn   acme/corp ]  # c\r\n\tvrf =  a b\tc  \r\n",
	  "vpn|acme/corp|vrf|a b c;" },
	{ "[vpn " L63 "/" L63 "]\nk=v\n", "vpn|" L63 "/" L63 "|k|v;" },
	{ "[a]\nk = v ; c\nl = v;w#x\nm = # c\nn==\n",
	  "a||k|v;a||l|v;w#x;a||m|;a||n|=;" },
	{ "[vpn a/b]\nk=1\n[vpn a/c]\nk=2\n", "vpn|a/b|k|1;vpn|a/c|k|2;" },
	{ "[a]\nk=1\n[b]\nk=2\n", "a||k|1;b||k|2;" },
	{ "[a]\nk = [x]\n", "a||k|[x];" },
	{ "[a]\n  k = 1\n  l = 2\n", "a||k|1;a||l|2;" },
	{ "# caf\xc3\xa9\n[a]\n", "" },
};

START_TEST(test_good)
{
	ck_assert_msg(read_text(good[_i].text) == 0, "%s: %s", e.where, e.text);
	ck_assert_str_eq(text_str(&seen), good[_i].seen);
}
END_TEST

static const struct {
	const char *text;
	unsigned line;
	const char *fault;
} bad[] = {
	{ "k=v\n", 1, "key before the first [section]" },
	{ "[a]\nk v\n", 2, "neither [section] nor key = value 'k v'" },
	{ "[a]\n\n= v\n", 3, "not a key ''" },
	{ "[a]\nK = v\n", 2, "not a key 'K'" },
	{ "[a]\nk k = v\n", 2, "not a key 'k k'" },
	{ "[a\n", 1, "not a section '[a'" },
	{ "[a] x\n", 1, "not a section '[a] x'" },
	{ "[]\n", 1, "not a section name ''" },
	{ "[A]\n", 1, "not a section name 'A'" },
	{ "[a]\nk=1\nk=2\n", 3, "duplicate key 'k'" },
	{ "[a]\nk=1\n[b]\n[a]\n", 4, "duplicate section 'a'" },
	{ "[a x]\n[a  x ]\n", 2, "duplicate section 'a'" },
	{ "[a]\nk=\x01\n", 2, "a character that is not printable ASCII" },
	{ "[a]\nk=\xc3\xa9\n", 2, "a character that is not printable ASCII" },
	{ "[a]\nk=a\rb\n", 2, "a character that is not printable ASCII" },
	{ "[a]\nbad = x\nk=1\n", 2, "no 'x'" },
};

START_TEST(test_bad)
{
	char where[128];

	snprintf(where, sizeof(where), "%s:%u", path, bad[_i].line);
	ck_assert_int_lt(read_text(bad[_i].text), 0);
	ck_assert_int_eq(e.code, ERR_CONFIG);
	ck_assert_str_eq(e.where, where);
	ck_assert_str_eq(e.text, bad[_i].fault);
	ck_assert_int_lt(conffile_read(path, on_pair, &seen, NULL), 0);
}
END_TEST

START_TEST(test_file)
{
	unlink(path);
	ck_assert_int_eq(conffile_read(path, on_pair, &seen, &e), -ENOENT);
	ck_assert_str_eq(e.where, path);
	ck_assert_int_eq(file_write(path, "[a]\0k=v\n", 8, 0600, &e), 0);
	ck_assert_int_eq(conffile_read(path, on_pair, &seen, &e), -EINVAL);
	ck_assert_str_eq(e.text, "not a text file");
}
END_TEST

/* libinih would cut this one silently */
START_TEST(test_long_line)
{
	struct text t = { 0 }, want = { 0 };
	int i;

	text_add(&t, "[a]\nk = ");
	text_add(&want, "a||k|");
	for (i = 0; i < 1000; i++)
	{
		text_add(&t, "0123456789");
		text_add(&want, "0123456789");
	}
	text_add(&want, ";");
	ck_assert_int_eq(read_text(text_str(&t)), 0);
	ck_assert_str_eq(text_str(&seen), text_str(&want));
	text_done(&t);
	text_done(&want);
}
END_TEST

int main(void)
{
	TCase *tc = tcase_create("conffile");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, test_good, 0, COUNT(good));
	tcase_add_loop_test(tc, test_bad, 0, COUNT(bad));
	tcase_add_test(tc, test_file);
	tcase_add_test(tc, test_long_line);
	return run_case(tc, "conffile");
}
