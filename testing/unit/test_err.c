/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * test_err.c - error values and the catalogue
 */
#include "config.h"

#include <errno.h>

#include "err.h"
#include "run.h"

START_TEST(test_set)
{
	struct err e;
	char longer[400];

	ck_assert_int_eq(err_set(&e, -EINVAL, ERR_CONFIG, "a.conf:3", "key %s", "x"),
					 -EINVAL);
	ck_assert_int_eq(e.code, ERR_CONFIG);
	ck_assert_str_eq(e.where, "a.conf:3");
	ck_assert_str_eq(e.text, "key x");
	ck_assert_int_eq(err_set(NULL, -EIO, ERR_IO, "x", "y"), -EIO);

	/* nothing that could move a terminal's cursor or begin a line of a log */
	err_set(&e, 0, ERR_IO, "a\nb\x1b[2J", "c\td\x7f\xc3\xa9");
	ck_assert_str_eq(e.where, "a?b?[2J");
	ck_assert_str_eq(e.text, "c?d???");

	memset(longer, 'x', sizeof(longer));
	longer[sizeof(longer) - 1] = '\0';
	err_set(&e, 0, ERR_IO, longer, "%s", longer);
	ck_assert_uint_eq(strlen(e.where), sizeof(e.where) - 1);
	ck_assert_uint_eq(strlen(e.text), sizeof(e.text) - 1);
	err_set(&e, 0, ERR_IO, NULL, "x");
	ck_assert_str_eq(e.where, "");
}
END_TEST

START_TEST(test_prefix)
{
	struct err e;

	err_set(&e, 0, ERR_IO, "w", "inner");
	err_prefix(&e, "outer %d", 1);
	ck_assert_str_eq(e.text, "outer 1: inner");
	memset(e.text, 'y', sizeof(e.text) - 1);
	e.text[sizeof(e.text) - 1] = '\0';
	err_prefix(&e, "z");
	ck_assert_uint_eq(strlen(e.text), sizeof(e.text) - 1);
	ck_assert_int_eq(strncmp(e.text, "z: yyy", 6), 0);
	err_prefix(NULL, "x");
}
END_TEST

/* the catalogue's rules: one stable word each, sentences for people */
START_TEST(test_catalogue)
{
	enum err_code code = (enum err_code)_i, found;
	const char *text = err_code_text(code);

	ck_assert_uint_eq(strspn(text, "abcdefghijklmnopqrstuvwxyz-"),
					  strlen(text));
	ck_assert_uint_le(strlen(text), 63);
	ck_assert_int_eq(err_code_parse(text, &found), 0);
	ck_assert_int_eq(found, code);
	ck_assert_uint_gt(strlen(err_code_title(code)), 0);
	ck_assert_uint_gt(strlen(err_code_remedy(code)), 0);
	ck_assert_int_eq(err_code_meaning(code)[strlen(err_code_meaning(code)) - 1],
					 '.');
}
END_TEST

START_TEST(test_unknown)
{
	enum err_code code;

	ck_assert_str_eq(err_code_text(ERR_CODE_COUNT), "unknown");
	ck_assert_str_eq(err_code_text((enum err_code)-1), "unknown");
	ck_assert_ptr_nonnull(err_code_remedy((enum err_code)12345));
	ck_assert_int_eq(err_code_parse("no-such-code", &code), -ENOENT);
}
END_TEST

int main(void)
{
	TCase *tc = tcase_create("err");

	tcase_add_test(tc, test_set);
	tcase_add_test(tc, test_prefix);
	tcase_add_loop_test(tc, test_catalogue, 0, ERR_CODE_COUNT);
	tcase_add_test(tc, test_unknown);
	return run_case(tc, "err");
}
