/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * test_admin_yaml.c - what YAML is taken as, and that JSON comes back as it was
 */
#include "config.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "err.h"
#include "json_out.h"
#include "run.h"
#include "server/admin_yaml.h"
#include "text.h"

/* ---- YAML to JSON ---------------------------------------------------------------- */

static const struct
{
	const char *yaml, *json;
} taken[] = {
	{ "a: 1", "{\"a\":1}" },
	{ "a: -12\nb: 0\n", "{\"a\":-12,\"b\":0}" },
	{ "a: true\nb: false", "{\"a\":true,\"b\":false}" },
	{ "- a\n- [b, {c: d}]\n", "[\"a\",[\"b\",{\"c\":\"d\"}]]" },
	{ "{}", "{}" },
	{ "[]", "[]" },
	{ "a: {}\nb: []", "{\"a\":{},\"b\":[]}" },
	{ "--- # one\na: b # c\n...\n", "{\"a\":\"b\"}" },
	{ "{\"a\":1,\"b\":[true,\"c\\/\\u00e9\"]}",
	  "{\"a\":1,\"b\":[true,\"c/\xc3\xa9\"]}" },
	/* what looks like something else, and is text here */
	{ "[no, yes, on, off, y, True, FALSE, tRue]",
	  "[\"no\",\"yes\",\"on\",\"off\",\"y\",\"True\",\"FALSE\",\"tRue\"]" },
	{ "[010, 0x1f, 0o7, 1_000, 1e5, 10.1, +1, -0, -, .5, 1:30, 0b1]",
	  "[\"010\",\"0x1f\",\"0o7\",\"1_000\",\"1e5\",\"10.1\",\"+1\",\"-0\","
	  "\"-\",\".5\",\"1:30\",\"0b1\"]" },
	{ "[2026-01-02, 192.0.2.5, 10.0.0.0/8, .inf, -.inf]",
	  "[\"2026-01-02\",\"192.0.2.5\",\"10.0.0.0/8\",\".inf\",\"-.inf\"]" },
	{ "['1', \"true\", 'null', \"~\", '']",
	  "[\"1\",\"true\",\"null\",\"~\",\"\"]" },
	/* keys are text, whatever they look like */
	{ "1: a\ntrue: b\n'<<': c\n", "{\"1\":\"a\",\"true\":\"b\",\"<<\":\"c\"}" },
	/* long texts */
	{ "a: |\n  b\n   c\n", "{\"a\":\"b\\u000a c\\u000a\"}" },
	{ "a: >-\n  b\n  c\n", "{\"a\":\"b c\"}" },
	{ "a: b\n  c\n", "{\"a\":\"b c\"}" },
	{ "a: \"\\e[31m\\t\\u2028\"",
	  "{\"a\":\"\\u001b[31m\\u0009\xe2\x80\xa8\"}" },
	{ "a: b\r\nc: d\r\n", "{\"a\":\"b\",\"c\":\"d\"}" },
	{ "a: 99999999999999999999", "{\"a\":99999999999999999999}" },
	{ "[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]", "[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]" },
};

START_TEST(takes)
{
	struct text json = { 0 };
	struct err e = { 0 };

	ck_assert_msg(yaml_to_json(taken[_i].yaml, strlen(taken[_i].yaml), &json,
							   &e) == 0, "%s: %s: %s", taken[_i].yaml, e.where,
				  e.text);
	ck_assert_str_eq(text_str(&json), taken[_i].json);
	text_done(&json);
}
END_TEST

static const struct
{
	const char *yaml, *where, *says;
	int rc;			/* 0: -EINVAL */
} refused[] = {
	{ "", "line 1, column 1", "nothing stands in it", 0 },
	{ "# only a comment\n", "line 2, column 1", "nothing stands in it", 0 },
	{ "a:\nb: 1", "line 1, column 3", "a value is missing", 0 },
	{ "a: ~", "line 1, column 4", "a value is missing", 0 },
	{ "a: [null]", "line 1, column 5", "a value is missing", 0 },
	{ "- Null", "line 1, column 3", "a value is missing", 0 },
	{ "a: NULL", "line 1, column 4", "a value is missing", 0 },
	{ "a: 1\nb: &x 2", "line 2, column 4", "anchors", 0 },
	{ "a: &x [1]", "line 1, column 4", "anchors", 0 },
	{ "&x a: 1", "line 1, column 1", "anchors", 0 },
	{ "a: *x", "line 1, column 4", "aliases", 0 },
	{ "a: !!str 1", "line 1, column 4", "tags", 0 },
	{ "a: !x {}", "line 1, column 4", "tags", 0 },
	{ "\r\n\xc3\xa9: 1\r\nb: ! 12", "line 3, column 4", "tags", 0 },
	{ "a: ! []", "line 1, column 4", "tags", 0 },
	{ "a:\n  <<: {b: 1}", "line 2, column 3", "merge keys", 0 },
	{ "%YAML 1.1\n---\na: 1", "line 1, column 1", "directives", 0 },
	{ "%TAG ! x:\n---\na: 1", "line 1, column 1", "directives", 0 },
	{ "a: 1\n---\nb: 1", "line 2, column 1", "second document", 0 },
	{ "a: 1\nb: 2\na: 3", "line 3, column 1", "stands twice", 0 },
	{ "{a: 1, 'a': 2}", "line 1, column 8", "stands twice", 0 },
	{ "[a]: 1", "line 1, column 1", "a key is a single word", 0 },
	{ "{{a: b}: 1}", "line 1, column 2", "a key is a single word", 0 },
	{ "? a\n", "line 2, column 1", "a value is missing", 0 },
	{ "? \n: a\n", "line 1, column 2", "a key is missing", 0 },
	{ "~: a\n", "line 1, column 1", "a key is missing", 0 },
	{ "a: 'b", "line 1, column 6", "while scanning a quoted scalar", 0 },
	{ "a: b: c", "line 1, column 5", "mapping values", 0 },
	{ "a:\n\t- b", "line 2, column 1", "cannot start any token", 0 },
	{ "a: \"\\0\"", "line 1, column 4", "no character", 0 },
	{ "a: \"\\ud800\"", "line 1, column 7", "Unicode", 0 },
	{ "a: b\nc: \xff", "line 2, column 4", "not UTF-8", 0 },
	{ "a: \xc3\xa9\xc0\xaf", "line 1, column 5", "not UTF-8", 0 },
	{ "a: \x1b[31m", "line 1, column 4", "a character of control", 0 },
	{ "a: \xe2\x80\xae""b", "line 1, column 4", "a character of control", 0 },
	{ "\xef\xbb\xbf""a: b", "line 1, column 1", "a character of control", 0 },
	{ "a: b\rc: d", "line 1, column 5", "a character of control", 0 },
	{ "[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]", "line 1, column 17",
	  "nested too deep", -E2BIG },
};

START_TEST(refuses)
{
	struct text json = { 0 };
	struct err e = { 0 };

	ck_assert_int_eq(yaml_to_json(refused[_i].yaml, strlen(refused[_i].yaml),
								  &json, &e),
					 refused[_i].rc ? refused[_i].rc : -EINVAL);
	ck_assert_int_eq(e.code, ERR_YAML);
	ck_assert_msg(strstr(e.text, refused[_i].says), "%s: %s",
				  refused[_i].yaml, e.text);
	ck_assert_msg(strcmp(e.where, refused[_i].where) == 0, "%s: %s",
				  refused[_i].yaml, e.where);
	text_done(&json);
}
END_TEST

START_TEST(bounds)
{
	struct text yaml = { 0 }, json = { 0 };
	struct err e = { 0 };
	int i;

	/* a NUL is no end */
	ck_assert_int_eq(yaml_to_json("a: b\0c", 6, &json, &e), -EINVAL);
	ck_assert_str_eq(e.where, "line 1, column 5");
	/* many keys: each is compared with all before */
	for (i = 0; i < 100000; i++)
	{
		text_addf(&yaml, "k%d: %d\n", i, i);
	}
	ck_assert_int_eq(yaml_to_json(yaml.s, yaml.len, &json, &e), 0);
	text_add(&yaml, "k99: 1\n");
	ck_assert_int_eq(yaml_to_json(yaml.s, yaml.len, &json, &e), -EINVAL);
	ck_assert_str_eq(e.where, "line 100001, column 1");
	while (yaml.len <= YAML_BYTES_MAX)
	{
		text_addf(&yaml, "%01000d\n", 0);
	}
	ck_assert_int_eq(yaml_to_json(yaml.s, yaml.len, &json, &e), -E2BIG);
	/* deep as can be, and no memory for it */
	text_done(&yaml);
	for (i = 0; i < 100000; i++)
	{
		text_add(&yaml, "[");
	}
	ck_assert_int_eq(yaml_to_json(yaml.s, yaml.len, &json, &e), -E2BIG);
	text_done(&yaml);
	text_addf(&yaml, "%0*d: 1", YAML_KEY_MAX + 1, 0);
	ck_assert_int_eq(yaml_to_json(yaml.s, yaml.len, &json, &e), -E2BIG);
	ck_assert_int_eq(yaml_to_json(yaml.s + 1, yaml.len - 1, &json, &e), 0);
	text_done(&yaml);
	text_done(&json);
}
END_TEST

/* ---- JSON to YAML ------------------------------------------------------------------ */

static const struct
{
	const char *json, *yaml;
} written[] = {
	{ "{}", "{}\n" },
	{ "[]", "[]\n" },
	{ "\"a b\"", "a b\n" },
	{ "17", "17\n" },
	{ "{\"a\":1,\"b\":true,\"c\":\"d e\"}", "a: 1\nb: true\nc: d e\n" },
	{ "{\"a\":{},\"b\":[]}", "a: {}\nb: []\n" },
	{ "{\"a\":{\"b\":1,\"c\":[\"d\",\"e\"]}}", "a: {b: 1, c: [d, e]}\n" },
	{ "[[1,2],{\"a\":{\"b\":1},\"c\":[[3]]}]",
	  "- [1, 2]\n- a: {b: 1}\n  c: [[3]]\n" },
	{ "{\"a\":[{\"b\":1},{\"b\":2}]}", "a:\n  - {b: 1}\n  - {b: 2}\n" },
	{ "[[{\"a\":1},{}],2]", "- - {a: 1}\n  - {}\n- 2\n" },
	{ " { \"a\" : [ 1 , \"\\u0062\" ] } ", "a: [1, b]\n" },
	{ "[\"\",\"1\",\"-5\",\"true\",\"no\",\"Null\",\"~\",\"0x10\",\"1_000\","
	  "\"2026-01-02\",\"1e5\"]",
	  "- \"\"\n- \"1\"\n- \"-5\"\n- \"true\"\n- \"no\"\n- \"Null\"\n- \"~\"\n"
	  "- \"0x10\"\n- \"1_000\"\n- \"2026-01-02\"\n- \"1e5\"\n" },
	/* what does not fit on a line is a line each */
	{ "{\"a\":[\"aes256gcm16-prfsha384-ecp384\",\"b\"]}",
	  "a: [aes256gcm16-prfsha384-ecp384, b]\n" },
	{ "{\"a\":[\"aes256gcm16-prfsha384-ecp384\",\"aes128gcm16-prfsha256-x25519"
	  "\",\"aes128-sha256-x25\"]}", "a:\n  - aes256gcm16-prfsha384-ecp384\n"
	  "  - aes128gcm16-prfsha256-x25519\n  - aes128-sha256-x25\n" },
	{ "{\"a\":\"192.0.2.5\",\"b\":\"10.0.0.0/8\",\"c\":\"x: y\",\"d\":\"x #y\"}",
	  "a: 192.0.2.5\nb: 10.0.0.0/8\nc: \"x: y\"\nd: \"x #y\"\n" },
	{ "{\"a\":\"b, c\",\"d\":{\"e\":\"b, c\"}}",
	  "a: b, c\nd: {e: \"b, c\"}\n" },
	{ "[\"\\u001b[2J\",\"\\u009b\",\"\\u202e\",\"\\n\\t\\\"\\\\\",\"\\u007f\"]",
	  "- \"\\x1b[2J\"\n- \"\\x9b\"\n- \"\\u202e\"\n- \"\\n\\t\\\"\\\\\"\n"
	  "- \"\\x7f\"\n" },
	{ "{\"true\":1,\"a b\":2,\"a:\":3,\"- \":4}",
	  "\"true\": 1\na b: 2\n\"a:\": 3\n\"- \": 4\n" },
};

START_TEST(writes)
{
	struct text yaml = { 0 };
	struct err e = { 0 };

	ck_assert_int_eq(json_to_yaml(written[_i].json, strlen(written[_i].json),
								  &yaml, &e), 0);
	ck_assert_str_eq(text_str(&yaml), written[_i].yaml);
	text_done(&yaml);
}
END_TEST

START_TEST(refuses_what_yaml_has_not)
{
	static const struct { const char *json; enum err_code code; } bad[] = {
		{ "{\"a\":null}", ERR_YAML }, { "1.5", ERR_YAML },
		{ "[1e5]", ERR_YAML }, { "-0", ERR_YAML }, { "{", ERR_JSON_SYNTAX },
		{ "{\"a\":1,\"a\":2}", ERR_JSON_MEMBER }, { "\"\\u0000\"",
		  ERR_JSON_SYNTAX }, { "", ERR_JSON_SYNTAX }
	};
	struct text yaml = { 0 };
	struct err e;
	size_t i;

	for (i = 0; i < COUNT(bad); i++)
	{
		ck_assert_int_lt(json_to_yaml(bad[i].json, strlen(bad[i].json), &yaml,
									  &e), 0);
		ck_assert_int_eq(e.code, bad[i].code);
	}
	text_done(&yaml);
}
END_TEST

/* ---- there and back ------------------------------------------------------------------ */

static uint32_t next_random(uint32_t *state)
{
	*state = *state * 1664525u + 1013904223u;
	return *state >> 8;
}

static const char *const hostile[] = {
	"", " ", "a ", " a", "a:", "a: b", ":a", "a #b", "#", "-", "- a", "---",
	"...", "... a", "?", "? a", "{", "}", "[a", "]", ",", "a, b", "&a", "*a",
	"!a", "|", ">", "'", "it's", "\"", "\\", "%a", "@a", "`a", "~", "null",
	"Null", "NULL", "true", "True", "yes", "no", "NO", "on", "off", "y", "N",
	"=", "<<", "0", "-0", "+1", "1", "-1", "010", "0x10", "0o7", "0b1",
	"1_000", "1e5", "1.5", "10.1", ".5", "1:30", "190:20:30", "2026-01-02",
	"2026-01-02T03:04:05Z", "2026-01-02 03:04:05", ".inf", "-.inf", ".nan",
	"192.0.2.5", "0.0.0.0", "10.255.0.0/16", "https://[::1]:8443", "a\nb",
	"\n", "\n\n a", "a\n", "\t", "a\tb", "\r", "a\r\nb", "\x1b[31mred",
	"\x1b]0;title\x07", "\x7f", "\xc2\x85", "\xc2\x9b""2J", "\xe2\x80\xa8",
	"\xe2\x80\xae""abc", "\xef\xbb\xbf", "\xef\xbf\xbe", "caf\xc3\xa9",
	"\xf0\x9f\x98\x80", "$(reboot)", "'; DROP TABLE vpn; --", "a  b",
	"aes256gcm16-prfsha384-ecp384", "Acme Ltd", "K-4711", "1e", "e1", "0a",
	"a very long text that does not fit on what is left of a line of eighty, "
	"with , and : in it: so it needs quotes",
};

static void put_string(struct json_out *o, const char *key, uint32_t *state)
{
	char bytes[24];
	size_t i, len = next_random(state) % sizeof(bytes);
	static const char alphabet[] = "ab:-#,[]{}'\"\\ \n\t\x1b" "0123.&*!|>%@?_/";

	if (next_random(state) % 2)
	{
		jo_str(o, key, hostile[next_random(state) % COUNT(hostile)]);
		return;
	}
	for (i = 0; i < len; i++)
	{
		bytes[i] = alphabet[next_random(state) % (sizeof(alphabet) - 1)];
	}
	bytes[len ? len - 1 : 0] = '\0';
	jo_str(o, key, bytes);
}

static void put_value(struct json_out *o, const char *key, uint32_t *state,
					  unsigned depth)
{
	uint32_t i, count = next_random(state) % 6;
	char name[160];

	switch (next_random(state) % (depth < 6 ? 6 : 4))
	{
		case 0:
			jo_i64(o, key, (int64_t)next_random(state) - (1 << 23));
			return;
		case 1:
			jo_bool(o, key, next_random(state) % 2);
			return;
		case 4:
			jo_array(o, key);
			for (i = 0; i < count; i++)
			{
				put_value(o, NULL, state, depth + 1);
			}
			jo_array_end(o);
			return;
		case 5:
			jo_object(o, key);
			for (i = 0; i < count; i++)
			{
				/* the number makes it unique */
				snprintf(name, sizeof(name), "%s%u",
						 hostile[next_random(state) % COUNT(hostile)], i);
				put_value(o, name, state, depth + 1);
			}
			jo_object_end(o);
			return;
		default:
			put_string(o, key, state);
	}
}

static void check_fixed_point(const struct text *json, uint32_t seed)
{
	struct text yaml = { 0 }, back = { 0 };
	struct err e = { 0 };
	uint32_t code;
	size_t i, size;

	ck_assert_msg(json_to_yaml(json->s, json->len, &yaml, &e) == 0,
				  "seed %u: %s: %s\n%s", seed, e.where, e.text, json->s);
	ck_assert_msg(yaml_to_json(yaml.s, yaml.len, &back, &e) == 0,
				  "seed %u: %s: %s\n%s", seed, e.where, e.text, yaml.s);
	ck_assert_msg(strcmp(json->s, back.s) == 0, "seed %u:\n%s\n%s\n%s", seed,
				  json->s, yaml.s, back.s);
	for (i = 0; i < yaml.len; i += size)
	{
		size = yaml_character(yaml.s + i, yaml.len - i, &code);
		ck_assert(size && (code == '\n' || yaml_is_plain_character(code)));
	}
	text_done(&yaml);
	text_done(&back);
}

START_TEST(random_values)
{
	uint32_t seed, state;

	for (seed = 0; seed < 20000; seed++)
	{
		struct json_out o = { 0 };
		struct text json;

		state = seed;
		put_value(&o, NULL, &state, 0);
		json = jo_take(&o);
		check_fixed_point(&json, seed);
		text_done(&json);
	}
}
END_TEST

/* A line for each hostile text: as a value, in a list, as a key. */
START_TEST(each_hostile_text)
{
	struct json_out o = { 0 };
	struct text json;
	size_t i;

	jo_array(&o, NULL);
	for (i = 0; i < COUNT(hostile); i++)
	{
		jo_object(&o, NULL);
		jo_str(&o, hostile[i], hostile[i]);
		jo_array(&o, "list");
		jo_str(&o, NULL, hostile[i]);
		jo_array_end(&o);
		jo_object(&o, "block");
		jo_object(&o, hostile[i]);
		jo_object(&o, hostile[i]);
		jo_object_end(&o);
		jo_object_end(&o);
		jo_str(&o, "x", hostile[i]);
		jo_object_end(&o);
		jo_object_end(&o);
	}
	jo_array_end(&o);
	json = jo_take(&o);
	check_fixed_point(&json, 0);
	text_done(&json);
}
END_TEST

/* The example in doc/ is as export writes it. */
START_TEST(example_is_a_fixed_point)
{
	const char *top = getenv("top_srcdir");
	struct text json = { 0 }, yaml = { 0 };
	struct err e = { 0 };
	char path[512], buf[16384];
	FILE *file;
	size_t len;

	snprintf(path, sizeof(path), "%s/doc/customer-example.yaml",
			 top ? top : "..");
	file = fopen(path, "r");
	ck_assert_msg(file, "%s", path);
	len = fread(buf, 1, sizeof(buf) - 1, file);
	fclose(file);
	buf[len] = '\0';
	ck_assert_msg(yaml_to_json(buf, len, &json, &e) == 0, "%s: %s", e.where,
				  e.text);
	ck_assert_int_eq(json_to_yaml(json.s, json.len, &yaml, &e), 0);
	ck_assert_str_eq(yaml.s, buf);
	text_done(&json);
	text_done(&yaml);
}
END_TEST

int main(void)
{
	TCase *tc = tcase_create("yaml");

	tcase_add_loop_test(tc, takes, 0, COUNT(taken));
	tcase_add_loop_test(tc, refuses, 0, COUNT(refused));
	tcase_add_test(tc, bounds);
	tcase_add_loop_test(tc, writes, 0, COUNT(written));
	tcase_add_test(tc, refuses_what_yaml_has_not);
	tcase_add_test(tc, random_values);
	tcase_add_test(tc, each_hostile_text);
	tcase_add_test(tc, example_is_a_fixed_point);
	return run_case(tc, "admin_yaml");
}
