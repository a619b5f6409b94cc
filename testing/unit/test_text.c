/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * test_text.c - string builder, numbers, hex, UTF-8
 */
#include "config.h"

#include <errno.h>

#include "run.h"
#include "text.h"

START_TEST(test_builder)
{
	struct text t = { 0 };
	char *s;
	int i;

	ck_assert_str_eq(text_str(&t), "");
	text_add(&t, "a");
	text_addn(&t, "bcd", 2);
	text_addf(&t, "-%d-%s", 42, "x");
	ck_assert_str_eq(text_str(&t), "abc-42-x");
	ck_assert_uint_eq(t.len, 8);
	for (i = 0; i < 1000; i++)
	{
		text_addf(&t, "%d", i % 10);
	}
	ck_assert_uint_eq(t.len, 1008);
	ck_assert_str_eq(text_str(&t) + 998, "0123456789");
	s = text_take(&t);
	ck_assert_uint_eq(strlen(s), 1008);
	free(s);
	ck_assert_str_eq(text_str(&t), "");
	s = text_take(&t);
	ck_assert_str_eq(s, "");
	free(s);
	text_done(&t);
	text_add(&t, "x");
	text_done(&t);
	ck_assert_ptr_null(t.s);
}
END_TEST

static const struct {
	const char *s;
	uint64_t min, max;
	int rc;
	uint64_t value;
} numbers[] = {
	{ "0", 0, 10, 0, 0 },
	{ "10", 0, 10, 0, 10 },
	{ "007", 0, 10, 0, 7 },
	{ "11", 0, 10, -ERANGE, 0 },
	{ "1", 2, 10, -ERANGE, 0 },
	{ "18446744073709551615", 0, UINT64_MAX, 0, UINT64_MAX },
	{ "18446744073709551616", 0, UINT64_MAX, -ERANGE, 0 },
	{ "99999999999999999999999", 0, UINT64_MAX, -ERANGE, 0 },
	{ "", 0, 10, -EINVAL, 0 },
	{ "-1", 0, 10, -EINVAL, 0 },
	{ "+1", 0, 10, -EINVAL, 0 },
	{ " 1", 0, 10, -EINVAL, 0 },
	{ "1 ", 0, 10, -EINVAL, 0 },
	{ "1\n", 0, 10, -EINVAL, 0 },
	{ "0x1", 0, 10, -EINVAL, 0 },
	{ "1.0", 0, 10, -EINVAL, 0 },
	{ "\xd9\xa1", 0, 10, -EINVAL, 0 },
};

START_TEST(test_number)
{
	uint64_t value = 99;

	ck_assert_int_eq(text_to_u64(numbers[_i].s, numbers[_i].min,
								 numbers[_i].max, &value), numbers[_i].rc);
	ck_assert(value == (numbers[_i].rc ? 99 : numbers[_i].value));
}
END_TEST

START_TEST(test_hex)
{
	static const uint8_t bytes[] = { 0x00, 0x7f, 0x80, 0xff, 0xa5 };
	uint8_t back[sizeof(bytes)];
	char hex[2 * sizeof(bytes) + 1];

	hex_encode(bytes, sizeof(bytes), hex);
	ck_assert_str_eq(hex, "007f80ffa5");
	ck_assert_int_eq(hex_decode("007F80ffA5", back, sizeof(back)), 0);
	ck_assert_mem_eq(back, bytes, sizeof(bytes));
	ck_assert_int_eq(hex_decode("007f80ff", back, sizeof(back)), -EINVAL);
	ck_assert_int_eq(hex_decode("007f80ffa", back, sizeof(back)), -EINVAL);
	ck_assert_int_eq(hex_decode("007f80ffa500", back, sizeof(back)), -EINVAL);
	ck_assert_int_eq(hex_decode("007f80ffg5", back, sizeof(back)), -EINVAL);
	ck_assert_int_eq(hex_decode("007f80ff 5", back, sizeof(back)), -EINVAL);
}
END_TEST

START_TEST(test_printable)
{
	ck_assert(text_is_printable(""));
	ck_assert(text_is_printable(" az~"));
	ck_assert(!text_is_printable("a\nb"));
	ck_assert(!text_is_printable("a\x7f"));
	ck_assert(!text_is_printable("\xc3\xa9"));
	ck_assert(!text_is_printable("\x1f"));
}
END_TEST

static const struct {
	const char *s;
	size_t len;
} sequences[] = {
	{ "a", 1 },
	{ "\x7f", 1 },
	{ "\xc3\xa9", 2 },
	{ "\xe2\x82\xac", 3 },
	{ "\xed\x9f\xbf", 3 },
	{ "\xf0\x9f\x98\x80", 4 },
	{ "\xf4\x8f\xbf\xbf", 4 },
	{ "\x80", 0 },
	{ "\xbf", 0 },
	{ "\xc0\x80", 0 },			/* overlong */
	{ "\xc1\xbf", 0 },
	{ "\xe0\x9f\xbf", 0 },		/* overlong */
	{ "\xed\xa0\x80", 0 },		/* surrogate */
	{ "\xf0\x8f\xbf\xbf", 0 },	/* overlong */
	{ "\xf4\x90\x80\x80", 0 },	/* beyond U+10FFFF */
	{ "\xf5\x80\x80\x80", 0 },
	{ "\xc3", 0 },				/* cut off */
	{ "\xe2\x82", 0 },
	{ "\xf0\x9f\x98", 0 },
	{ "\xe2\x82z", 0 },
	{ "\xc3z", 0 },
	{ "\xf0\x9f\x98z", 0 },
	{ "", 0 },
};

START_TEST(test_utf8)
{
	ck_assert_uint_eq(utf8_sequence(sequences[_i].s, strlen(sequences[_i].s)),
					  sequences[_i].len);
}
END_TEST

int main(void)
{
	TCase *tc = tcase_create("text");

	tcase_add_test(tc, test_builder);
	tcase_add_loop_test(tc, test_number, 0, COUNT(numbers));
	tcase_add_test(tc, test_hex);
	tcase_add_test(tc, test_printable);
	tcase_add_loop_test(tc, test_utf8, 0, COUNT(sequences));
	return run_case(tc, "text");
}
