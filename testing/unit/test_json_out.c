/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * test_json_out.c - writing JSON
 */
#include "config.h"

#include "json_out.h"
#include "json_scan.h"
#include "run.h"

START_TEST(test_shape)
{
	struct json_out o = { 0 };
	struct secret s = { .bytes = { 0xab, 1 }, .len = 16 };
	struct err e;
	struct text t;

	err_set(&e, 0, ERR_IO, "w", "t");
	jo_object(&o, NULL);
	jo_str(&o, "s", "x");
	jo_u64(&o, "u", UINT64_MAX);
	jo_i64(&o, "i", INT64_MIN);
	jo_bool(&o, "b", true);
	jo_array(&o, "a");
	jo_str(&o, NULL, "y");
	jo_object(&o, NULL);
	jo_object_end(&o);
	jo_array(&o, NULL);
	jo_array_end(&o);
	jo_bool(&o, NULL, false);
	jo_array_end(&o);
	jo_secret(&o, "k", &s);
	jo_raw(&o, "r", "{\"z\":1}");
	jo_err(&o, "e", &e);
	jo_object_end(&o);
	t = jo_take(&o);
	ck_assert_str_eq(text_str(&t),
		"{\"s\":\"x\",\"u\":18446744073709551615,\"i\":-9223372036854775808,"
		"\"b\":true,\"a\":[\"y\",{},[],false],"
		"\"k\":\"ab010000000000000000000000000000\",\"r\":{\"z\":1},"
		"\"e\":{\"code\":\"io\",\"where\":\"w\",\"text\":\"t\"}}");
	ck_assert_ptr_null(o.text.s);
	text_done(&t);
}
END_TEST

static const struct {
	const char *in, *out;
} strings[] = {
	{ "", "\"\"" },
	{ "a\"b\\c/", "\"a\\\"b\\\\c/\"" },
	{ "\n\t\x01\x1f\x7f", "\"\\u000a\\u0009\\u0001\\u001f\x7f\"" },
	{ "\xc3\xa9\xf0\x9f\x98\x80", "\"\xc3\xa9\xf0\x9f\x98\x80\"" },
	{ "\xff\xc3(\xed\xa0\x80\xf0\x9f", "\"?" "?(?" "?" "?" "?" "?\"" },
	{ "</script>%s%n", "\"</script>%s%n\"" },
};

START_TEST(test_escape)
{
	struct json_out o = { 0 };
	struct text t;

	jo_str(&o, NULL, strings[_i].in);
	t = jo_take(&o);
	ck_assert_str_eq(text_str(&t), strings[_i].out);
	text_done(&t);
	jo_object(&o, NULL);
	jo_bool(&o, strings[_i].in, true);
	jo_object_end(&o);
	t = jo_take(&o);
	ck_assert_int_eq(json_scan(t.s, t.len, &json_limits_document, NULL), 0);
	text_done(&t);
}
END_TEST

/* whatever bytes go in, JSON comes out */
START_TEST(test_any_byte)
{
	struct json_out o = { 0 };
	struct text t;
	char s[4] = "";
	int a, b;

	for (a = 1; a < 256; a++)
	{
		for (b = 1; b < 256; b++)
		{
			s[0] = (char)a;
			s[1] = (char)b;
			jo_str(&o, NULL, s);
			t = jo_take(&o);
			ck_assert_int_eq(json_scan(t.s, t.len, &json_limits_document,
									   NULL), 0);
			text_done(&t);
		}
	}
}
END_TEST

int main(void)
{
	TCase *tc = tcase_create("json_out");

	tcase_add_test(tc, test_shape);
	tcase_add_loop_test(tc, test_escape, 0, COUNT(strings));
	tcase_add_test(tc, test_any_byte);
	return run_case(tc, "json_out");
}
