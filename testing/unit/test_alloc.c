/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * test_alloc.c - allocation and the arena
 */
#include "config.h"

#include <signal.h>
#include <stdalign.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "alloc.h"
#include "run.h"

START_TEST(test_heap)
{
	char *s = xstrdup("abc");

	ck_assert_str_eq(s, "abc");
	s = xrealloc(s, 2, 100);
	ck_assert_str_eq(s, "abc");
	free(s);
	s = xasprintf("%s-%d", "x", 7);
	ck_assert_str_eq(s, "x-7");
	free(s);
	s = xcalloc(0, 8);
	ck_assert_ptr_nonnull(s);
	s = xrealloc(s, 0, 8);
	ck_assert_ptr_nonnull(s);
	free(s);
}
END_TEST

/* Not an assertion for each: Check writes a record of every one. */
static bool are_all(const uint8_t *bytes, size_t size, uint8_t value)
{
	for (size_t i = 0; i < size; i++)
	{
		if (bytes[i] != value)
		{
			return false;
		}
	}
	return true;
}

START_TEST(test_arena)
{
	static const size_t sizes[] = { 0, 1, 7, 16, 100, 5000, 20000, 300000 };
	struct arena *a = arena_new();
	uint8_t *pieces[400];
	size_t i;

	for (i = 0; i < COUNT(pieces); i++)
	{
		size_t size = sizes[i % COUNT(sizes)];

		pieces[i] = arena_calloc(a, size, 1);
		ck_assert_uint_eq((uintptr_t)pieces[i] % alignof(max_align_t), 0);
		ck_assert(are_all(pieces[i], size, 0));
		memset(pieces[i], (uint8_t)i, size);
	}
	/* no two pieces share a byte */
	for (i = 0; i < COUNT(pieces); i++)
	{
		ck_assert(are_all(pieces[i], sizes[i % COUNT(sizes)], (uint8_t)i));
	}
	ck_assert_str_eq(arena_strdup(a, "abc"), "abc");
	ck_assert_str_eq(arena_strndup(a, "abcdef", 3), "abc");
	ck_assert_str_eq(arena_strndup(a, "ab", 30), "ab");
	ck_assert_str_eq(arena_printf(a, "%d/%s", 3, "x"), "3/x");
	arena_free(a);
	arena_free(NULL);
}
END_TEST

/* A product that wraps round must not give a small piece. */
START_TEST(test_overflow)
{
	arena_calloc(arena_new(), SIZE_MAX / 2, 4);
}
END_TEST

START_TEST(test_overflow_heap)
{
	/* volatile: or the compiler sees it coming */
	volatile size_t n = SIZE_MAX / 2;

	free(xcalloc(n, 4));
}
END_TEST

int main(void)
{
	TCase *tc = tcase_create("alloc");

	tcase_add_test(tc, test_heap);
	tcase_add_test(tc, test_arena);
	tcase_add_test_raise_signal(tc, test_overflow, SIGABRT);
	tcase_add_test_raise_signal(tc, test_overflow_heap, SIGABRT);
	return run_case(tc, "alloc");
}
