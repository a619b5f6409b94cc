/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * test_json_scan.c - what is JSON and within bounds, and what is not
 */
#include "config.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>

#include "json_scan.h"
#include "run.h"

/* size 0: strlen(text) */
static const struct {
	const char *text;
	size_t size;
	enum err_code code;
	const char *where;
} texts[] = {
	{ "{}", 0, ERR_NONE, "" },
	{ " \t\r\n[ ] \n", 0, ERR_NONE, "" },
	{ "\"x\"", 0, ERR_NONE, "" },
	{ "{\"a\":[1,-0,0.5,1e9,-1.5E-3,true,false,null,\"\"]}", 0, ERR_NONE, "" },
	{ "[99999999999999999999999999]", 0, ERR_NONE, "" },
	{ "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\\ud83d\\ude00\"", 0, ERR_NONE, "" },
	{ "\"\xc3\xa9 \xf0\x9f\x98\x80 \x7f\"", 0, ERR_NONE, "" },
	{ "{\"a\":1,\"A\":1,\"ab\":1,\"\":1}", 0, ERR_NONE, "" },
	{ "{\"a\":{\"a\":1},\"b\":{\"a\":1}}", 0, ERR_NONE, "" },

	{ "", 0, ERR_JSON_SYNTAX, "byte 0" },
	{ "  ", 0, ERR_JSON_SYNTAX, "byte 2" },
	{ "\xef\xbb\xbf{}", 0, ERR_JSON_SYNTAX, "byte 0" },
	{ "{} {}", 0, ERR_JSON_SYNTAX, "byte 3" },
	{ "{}x", 0, ERR_JSON_SYNTAX, "byte 2" },
	{ "{}\0", 3, ERR_JSON_SYNTAX, "byte 2" },
	{ "{", 0, ERR_JSON_SYNTAX, "byte 1" },
	{ "}", 0, ERR_JSON_SYNTAX, "byte 0" },
	{ "[1,]", 0, ERR_JSON_SYNTAX, "byte 3" },
	{ "[,1]", 0, ERR_JSON_SYNTAX, "byte 1" },
	{ "[1 2]", 0, ERR_JSON_SYNTAX, "byte 3" },
	{ "[1", 0, ERR_JSON_SYNTAX, "byte 2" },
	{ "[1}", 0, ERR_JSON_SYNTAX, "byte 2" },
	{ "{\"a\":1,}", 0, ERR_JSON_SYNTAX, "byte 7" },
	{ "{\"a\" 1}", 0, ERR_JSON_SYNTAX, "byte 5" },
	{ "{\"a\":}", 0, ERR_JSON_SYNTAX, "byte 5" },
	{ "{\"a\"}", 0, ERR_JSON_SYNTAX, "byte 4" },
	{ "{a:1}", 0, ERR_JSON_SYNTAX, "byte 1" },
	{ "{1:1}", 0, ERR_JSON_SYNTAX, "byte 1" },
	{ "{'a':1}", 0, ERR_JSON_SYNTAX, "byte 1" },
	{ "'a'", 0, ERR_JSON_SYNTAX, "byte 0" },
	{ "NaN", 0, ERR_JSON_SYNTAX, "byte 0" },
	{ "Infinity", 0, ERR_JSON_SYNTAX, "byte 0" },
	{ "-Infinity", 0, ERR_JSON_SYNTAX, "byte 1" },
	{ "True", 0, ERR_JSON_SYNTAX, "byte 0" },
	{ "tru", 0, ERR_JSON_SYNTAX, "byte 0" },
	{ "nullx", 0, ERR_JSON_SYNTAX, "byte 4" },
	{ "// c\n{}", 0, ERR_JSON_SYNTAX, "byte 0" },
	{ "{}/* c */", 0, ERR_JSON_SYNTAX, "byte 2" },
	{ "01", 0, ERR_JSON_SYNTAX, "byte 2" },
	{ "-", 0, ERR_JSON_SYNTAX, "byte 1" },
	{ "+1", 0, ERR_JSON_SYNTAX, "byte 0" },
	{ ".5", 0, ERR_JSON_SYNTAX, "byte 0" },
	{ "1.", 0, ERR_JSON_SYNTAX, "byte 2" },
	{ "1e", 0, ERR_JSON_SYNTAX, "byte 2" },
	{ "1e+", 0, ERR_JSON_SYNTAX, "byte 3" },
	{ "0x10", 0, ERR_JSON_SYNTAX, "byte 1" },
	{ "\f1", 0, ERR_JSON_SYNTAX, "byte 0" },
	{ "\"a", 0, ERR_JSON_SYNTAX, "byte 2" },
	{ "\"a\\", 0, ERR_JSON_SYNTAX, "byte 2" },
	{ "\"a\\\"", 0, ERR_JSON_SYNTAX, "byte 4" },
	{ "\"\\x41\"", 0, ERR_JSON_SYNTAX, "byte 1" },
	{ "\"\\\0\"", 4, ERR_JSON_SYNTAX, "byte 1" },
	{ "\"a\0b\"", 5, ERR_JSON_SYNTAX, "byte 2" },
	{ "\"a\nb\"", 0, ERR_JSON_SYNTAX, "byte 2" },
	{ "\"a\tb\"", 0, ERR_JSON_SYNTAX, "byte 2" },
	{ "\"a\\u0000b\"", 0, ERR_JSON_SYNTAX, "byte 2" },
	{ "{\"a\\u0000b\":1}", 0, ERR_JSON_SYNTAX, "byte 3" },
	{ "\"\\u12\"", 0, ERR_JSON_SYNTAX, "byte 1" },
	{ "\"\\u12g4\"", 0, ERR_JSON_SYNTAX, "byte 1" },
	{ "\"\\u+123\"", 0, ERR_JSON_SYNTAX, "byte 1" },
	{ "\"\\ud83d\"", 0, ERR_JSON_SYNTAX, "byte 1" },
	{ "\"\\ud83dx\\ude00\"", 0, ERR_JSON_SYNTAX, "byte 1" },
	{ "\"\\ud83d\\u0041\"", 0, ERR_JSON_SYNTAX, "byte 1" },
	{ "\"\\ude00\\ud83d\"", 0, ERR_JSON_SYNTAX, "byte 1" },
	{ "\"\\ude00\\ude00\"", 0, ERR_JSON_SYNTAX, "byte 1" },
	{ "\"\\ud83d\\ud", 0, ERR_JSON_SYNTAX, "byte 1" },
	{ "\"\xff\"", 0, ERR_JSON_SYNTAX, "byte 1" },
	{ "\"\xc3\"", 0, ERR_JSON_SYNTAX, "byte 1" },
	{ "\"\xc0\x80\"", 0, ERR_JSON_SYNTAX, "byte 1" },
	{ "\"\xed\xa0\x80\"", 0, ERR_JSON_SYNTAX, "byte 1" },
	{ "{\"\xff\":1}", 0, ERR_JSON_SYNTAX, "byte 2" },

	{ "{\"a\":1,\"b\":2,\"a\":3}", 0, ERR_JSON_MEMBER, "byte 13" },
	{ "{\"a\":1,\"\\u0061\":2}", 0, ERR_JSON_MEMBER, "byte 7" },
	{ "{\"\\u0061\\u0062\":1,\"ab\":2}", 0, ERR_JSON_MEMBER, "byte 18" },
	{ "{\"\":1,\"\":2}", 0, ERR_JSON_MEMBER, "byte 6" },
	{ "{\"\\/\":1,\"/\":2}", 0, ERR_JSON_MEMBER, "byte 8" },
	{ "{\"\\n\":1,\"\\u000a\":2}", 0, ERR_JSON_MEMBER, "byte 8" },
	{ "{\"\\ud83d\\ude00\":1,\"\xf0\x9f\x98\x80\":2}", 0, ERR_JSON_MEMBER,
	  "byte 18" },
	{ "{\"\xc3\xa9\":1,\"\\u00E9\":2}", 0, ERR_JSON_MEMBER, "byte 8" },
	{ "[{\"x\":{\"a\":1,\"a\":2}}]", 0, ERR_JSON_MEMBER, "byte 13" },
};

/* in a block of its exact size, so that ASan sees a byte too far */
static int scan(const char *text, size_t size,
				const struct json_limits *limits, struct err *e)
{
	char *copy = malloc(size ? size : 1);
	int rc;

	*e = (struct err){ .code = ERR_NONE };
	memcpy(copy, text, size);
	rc = json_scan(copy, size, limits, e);
	free(copy);
	return rc;
}

START_TEST(test_texts)
{
	size_t size = texts[_i].size ? texts[_i].size : strlen(texts[_i].text);
	struct err e;
	int rc = scan(texts[_i].text, size, &json_limits_document, &e);

	ck_assert_int_eq(rc, texts[_i].code == ERR_NONE ? 0 : -EINVAL);
	ck_assert_int_eq(e.code, texts[_i].code);
	ck_assert_str_eq(e.where, texts[_i].where);
	ck_assert_int_eq(json_scan(texts[_i].text, size, &json_limits_document,
							   NULL), rc);
}
END_TEST

/* Every beginning of a good text is refused, and never read beyond. */
START_TEST(test_truncated)
{
	static const char text[] = "{\"a\\u00e9\\ud83d\\ude00\":[1.5e+3,true,null,"
							   "\"\xf0\x9f\x98\x80\\n\"],\"b\":{\"c\":-1}}";
	struct err e;
	size_t len;

	for (len = 0; len < sizeof(text) - 1; len++)
	{
		ck_assert_int_eq(scan(text, len, &json_limits_document, &e), -EINVAL);
	}
	ck_assert_int_eq(scan(text, sizeof(text) - 1, &json_limits_document, &e),
					 0);
}
END_TEST

static const struct json_limits small = {
	.bytes = 40, .depth = 3, .values = 8, .members = 2, .string = 5,
	.containers = 4,
};

static const struct {
	const char *text;
	bool good;
	const char *fault;
} bounds[] = {
	{ "[[[]]]", true, NULL },
	{ "[[[[]]]]", false, "nested too deep" },
	{ "{\"a\":{\"a\":{}}}", true, NULL },
	{ "{\"a\":{\"a\":{\"a\":1}}}", true, NULL },
	{ "{\"a\":{\"a\":{\"a\":[]}}}", false, "nested too deep" },
	{ "[1,1,1,1,1,1,1]", true, NULL },
	{ "[1,1,1,1,1,1,1,1]", false, "too many values" },
	{ "{\"a\":1,\"b\":1}", true, NULL },
	{ "{\"a\":1,\"b\":1,\"c\":1}", false, "too many members in one object" },
	{ "[[],[],{}]", true, NULL },
	{ "[[],[],{},{}]", false, "too many arrays and objects" },
	{ "\"12345\"", true, NULL },
	{ "\"123456\"", false, "string too long" },
	{ "{\"123456\":1}", false, "string too long" },
	{ "[                                     ]", true, NULL },
	{ "[                                       ]", false, "text too long" },
};

START_TEST(test_bounds)
{
	struct err e;
	int rc = scan(bounds[_i].text, strlen(bounds[_i].text), &small, &e);

	ck_assert_int_eq(rc, bounds[_i].good ? 0 : -E2BIG);
	ck_assert_int_eq(e.code, bounds[_i].good ? ERR_NONE : ERR_JSON_LIMIT);
	if (!bounds[_i].good)
	{
		ck_assert_str_eq(e.text, bounds[_i].fault);
	}
}
END_TEST

/* Limits beyond what the stack has room for count as those. */
START_TEST(test_wide_limits)
{
	static const struct json_limits wide = {
		.bytes = 1 << 20, .depth = 1000000, .values = 1000000,
		.members = 1000000, .string = 1 << 20,
	};
	char *text = calloc(1, 1 << 20);
	size_t len, i;
	struct err e;

	memset(text, '[', 1 << 19);
	ck_assert_int_eq(scan(text, 1 << 19, &wide, &e), -E2BIG);
	len = (size_t)sprintf(text, "{");
	for (i = 0; i <= JSON_SCAN_MEMBERS_MAX; i++)
	{
		len += (size_t)sprintf(text + len, "%s\"k%zu\":1", i ? "," : "", i);
		if (i + 1 == JSON_SCAN_MEMBERS_MAX)
		{
			text[len] = '}';
			ck_assert_int_eq(scan(text, len + 1, &wide, &e), 0);
		}
	}
	text[len] = '}';
	ck_assert_int_eq(scan(text, len + 1, &wide, &e), -E2BIG);
	free(text);
}
END_TEST

int main(void)
{
	TCase *tc = tcase_create("json_scan");

	tcase_add_loop_test(tc, test_texts, 0, COUNT(texts));
	tcase_add_test(tc, test_truncated);
	tcase_add_loop_test(tc, test_bounds, 0, COUNT(bounds));
	tcase_add_test(tc, test_wide_limits);
	return run_case(tc, "json_scan");
}
