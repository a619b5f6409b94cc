/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * test_json_in.c - reading JSON by tables
 */
#include "config.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>

#include "addr.h"
#include "alloc.h"
#include "json_in.h"
#include "run.h"
#include "secret.h"

struct item {
	char *key;
	uint32_t n;
};

struct thing {
	bool flag, flag_there;
	uint64_t big;
	uint32_t small;
	char *text, *label, *labels, *fqdn, *place, *hex, *token;
	struct addr addr;
	struct prefix prefix;
	int word;
	struct secret secret;
	struct item inner;
	struct item *list, *map;
	size_t list_count, map_count;
};

static int read_item(struct json_in *in, struct json_object *value,
					 const struct json_path *path, void *out)
{
	static const struct json_row rows[] = {
		{ .name = "n", .kind = JSON_U32, .required = true,
		  .offset = offsetof(struct item, n), .min = 1, .max = 9 },
		{ .name = NULL }
	};

	return json_read_object(in, value, path, rows, out);
}

static const char *const words[] = { "zero", "one", NULL };

#define AT(member) .offset = offsetof(struct thing, member)

static const struct json_row rows[] = {
	{ .name = "flag", .kind = JSON_BOOL, AT(flag),
	  .present_offset = offsetof(struct thing, flag_there) },
	{ .name = "big", .kind = JSON_U64, AT(big), .min = 5,
	  .max = 9007199254740991 },
	{ .name = "small", .kind = JSON_U32, AT(small), .max = 4294967295 },
	{ .name = "text", .kind = JSON_TEXT, AT(text), .min = 1, .max = 5 },
	{ .name = "label", .kind = JSON_LABEL, AT(label) },
	{ .name = "labels", .kind = JSON_LABELS, AT(labels) },
	{ .name = "fqdn", .kind = JSON_FQDN, AT(fqdn) },
	{ .name = "place", .kind = JSON_PLACE2, AT(place) },
	{ .name = "hex", .kind = JSON_HEX, AT(hex), .max = 4 },
	{ .name = "token", .kind = JSON_TOKEN, AT(token), .min = 1, .max = 5 },
	{ .name = "addr", .kind = JSON_ADDR4, AT(addr) },
	{ .name = "prefix", .kind = JSON_PREFIX4, AT(prefix) },
	{ .name = "word", .kind = JSON_ENUM, AT(word), .names = words },
	{ .name = "secret", .kind = JSON_SECRET, AT(secret) },
	{ .name = "inner", .kind = JSON_OBJECT, AT(inner), .fn = read_item },
	{ .name = "list", .kind = JSON_ARRAY, AT(list), .min = 1, .max = 2,
	  .fn = read_item, .elem_size = sizeof(struct item),
	  .count_offset = offsetof(struct thing, list_count) },
	{ .name = "map", .kind = JSON_MAP, AT(map), .min = 1, .max = 3,
	  .fn = read_item, .elem_size = sizeof(struct item),
	  .count_offset = offsetof(struct thing, map_count) },
	{ .name = NULL }
};

static int read_thing(struct json_in *in, struct json_object *value,
					  const struct json_path *path, void *out)
{
	return json_read_object(in, value, path, rows, out);
}

static struct arena *arena;
static struct thing thing;
static struct err e;

static void setup(void)
{
	arena = arena_new();
	memset(&thing, 0, sizeof(thing));
	memset(&e, 0, sizeof(e));
}

static void teardown(void)
{
	arena_free(arena);
}

static int read_text(const char *text)
{
	return json_read_text(arena, text, strlen(text), &json_limits_document,
						  read_thing, &thing, NULL, &e);
}

START_TEST(test_all_kinds)
{
	char buf[PREFIX_TEXT_MAX];
	int rc = read_text(
		"{\"flag\":true,\"big\":9007199254740991,\"small\":4294967295,"
		"\"text\":\"a ~\\\"\\\\\",\"label\":\"ab\",\"labels\":\"a.b\",\"fqdn\":\"a.b\","
		"\"place\":\"a/b\",\"hex\":\"09af\",\"token\":\"a-9\","
		"\"addr\":\"192.0.2.1\",\"prefix\":\"10.1.0.0/16\",\"word\":\"one\","
		"\"secret\":\"000102030405060708090a0b0c0d0e0f\","
		"\"inner\":{\"n\":7},\"list\":[{\"n\":1},{\"n\":2}],"
		"\"map\":{\"z\":{\"n\":3},\"a\":{\"n\":4},\"m\":{\"n\":5}}}");

	ck_assert_msg(rc == 0, "%s: %s", e.where, e.text);
	ck_assert(thing.flag && thing.flag_there);
	ck_assert(thing.big == 9007199254740991 && thing.small == 4294967295);
	ck_assert_str_eq(thing.text, "a ~\"\\");
	ck_assert_str_eq(thing.label, "ab");
	ck_assert_str_eq(thing.labels, "a.b");
	ck_assert_str_eq(thing.fqdn, "a.b");
	ck_assert_str_eq(thing.place, "a/b");
	ck_assert_str_eq(thing.hex, "09af");
	ck_assert_str_eq(thing.token, "a-9");
	ck_assert_str_eq(addr_str(&thing.addr, buf), "192.0.2.1");
	ck_assert_str_eq(prefix_str(&thing.prefix, buf), "10.1.0.0/16");
	ck_assert_int_eq(thing.word, 1);
	ck_assert_uint_eq(thing.secret.len, 16);
	ck_assert_uint_eq(thing.inner.n, 7);
	ck_assert_uint_eq(thing.list_count, 2);
	ck_assert_uint_eq(thing.list[1].n, 2);
	ck_assert_uint_eq(thing.map_count, 3);
	ck_assert_str_eq(thing.map[0].key, "a");
	ck_assert_uint_eq(thing.map[0].n, 4);
	ck_assert_str_eq(thing.map[2].key, "z");
	ck_assert_uint_eq(thing.map[2].n, 3);
}
END_TEST

START_TEST(test_absent)
{
	ck_assert_int_eq(read_text("{}"), 0);
	ck_assert(!thing.flag_there);
	ck_assert_ptr_null(thing.text);
}
END_TEST

#define V ERR_JSON_VALUE
#define M ERR_JSON_MEMBER

static const struct {
	const char *text;
	enum err_code code;
	const char *where;
} faults[] = {
	{ "[]", V, "" },
	{ "42", V, "" },
	{ "\"x\"", V, "" },
	{ "null", V, "" },
	{ "{\"x\":1}", M, "/x" },
	{ "{\"a/b~c\\n\":1}", M, "/a~1b~0c?" },
	{ "{\"flag\":1}", V, "/flag" },
	{ "{\"flag\":null}", V, "/flag" },
	{ "{\"flag\":\"true\"}", V, "/flag" },
	{ "{\"big\":4}", V, "/big" },
	{ "{\"big\":9007199254740992}", V, "/big" },
	{ "{\"big\":99999999999999999999999999}", V, "/big" },
	{ "{\"big\":-99999999999999999999999999}", V, "/big" },
	{ "{\"big\":18446744073709551615}", V, "/big" },
	{ "{\"big\":18446744073709551621}", V, "/big" },
	{ "{\"big\":-1}", V, "/big" },
	{ "{\"big\":5.0}", V, "/big" },
	{ "{\"big\":5e0}", V, "/big" },
	{ "{\"big\":true}", V, "/big" },
	{ "{\"big\":\"5\"}", V, "/big" },
	{ "{\"big\":[5]}", V, "/big" },
	{ "{\"small\":4294967296}", V, "/small" },
	{ "{\"text\":\"\"}", V, "/text" },
	{ "{\"text\":\"123456\"}", V, "/text" },
	{ "{\"text\":\"a\\n\"}", V, "/text" },
	{ "{\"text\":\"\\u007f\"}", V, "/text" },
	{ "{\"text\":\"\xc3\xa9\"}", V, "/text" },
	{ "{\"text\":1}", V, "/text" },
	{ "{\"text\":null}", V, "/text" },
	{ "{\"label\":\"a\\n\"}", V, "/label" },
	{ "{\"label\":\"A\"}", V, "/label" },
	{ "{\"labels\":\"a.b.c\"}", V, "/labels" },
	{ "{\"labels\":\"a.\"}", V, "/labels" },
	{ "{\"fqdn\":\"a\"}", V, "/fqdn" },
	{ "{\"place\":\"a/b/c\"}", V, "/place" },
	{ "{\"place\":\"a\"}", V, "/place" },
	{ "{\"hex\":\"09AF\"}", V, "/hex" },
	{ "{\"hex\":\"09a\"}", V, "/hex" },
	{ "{\"hex\":\"09aff\"}", V, "/hex" },
	{ "{\"token\":\"a_b\"}", V, "/token" },
	{ "{\"token\":\"a b\"}", V, "/token" },
	{ "{\"token\":\"\"}", V, "/token" },
	{ "{\"token\":\"a-b-c-\"}", V, "/token" },
	{ "{\"token\":\"%any\"}", V, "/token" },
	{ "{\"addr\":\"1.2.3\"}", V, "/addr" },
	{ "{\"addr\":16909060}", V, "/addr" },
	{ "{\"prefix\":\"10.1.2.0/16\"}", V, "/prefix" },
	{ "{\"word\":\"two\"}", V, "/word" },
	{ "{\"word\":\"\"}", V, "/word" },
	{ "{\"word\":1}", V, "/word" },
	{ "{\"secret\":\"00\"}", V, "/secret" },
	{ "{\"secret\":\"000102030405060708090a0b0c0d0e0g\"}", V, "/secret" },
	{ "{\"secret\":17}", V, "/secret" },
	{ "{\"inner\":{}}", M, "/inner/n" },
	{ "{\"inner\":{\"n\":1,\"m\":1}}", M, "/inner/m" },
	{ "{\"inner\":{\"n\":0}}", V, "/inner/n" },
	{ "{\"inner\":[]}", V, "/inner" },
	{ "{\"list\":[]}", V, "/list" },
	{ "{\"list\":[{\"n\":1},{\"n\":1},{\"n\":1}]}", V, "/list" },
	{ "{\"list\":[{\"n\":1},{\"n\":10}]}", V, "/list/1/n" },
	{ "{\"list\":[{\"n\":1},null]}", V, "/list/1" },
	{ "{\"list\":{\"n\":1}}", V, "/list" },
	{ "{\"map\":{}}", V, "/map" },
	{ "{\"map\":{\"A\":{\"n\":1}}}", V, "/map/A" },
	{ "{\"map\":{\"a.B\":{\"n\":1}}}", V, "/map/a.B" },
	{ "{\"map\":{\"a.b.c\":{\"n\":1}}}", V, "/map/a.b.c" },
	{ "{\"map\":{\"\":{\"n\":1}}}", V, "/map/" },
	{ "{\"map\":{\"a\":{\"n\":0}}}", V, "/map/a/n" },
	{ "{\"map\":[]}", V, "/map" },
	{ "{\"map\":{\"a\":{\"n\":1},\"b\":{\"n\":1},\"c\":{\"n\":1},"
	  "\"d\":{\"n\":1}}}", V, "/map" },
	{ "{\"big\":5", ERR_JSON_SYNTAX, "byte 8" },
	{ "{\"big\":5,\"big\":6}", M, "byte 9" },
};

START_TEST(test_faults)
{
	ck_assert_int_eq(read_text(faults[_i].text), -EINVAL);
	ck_assert_int_eq(e.code, faults[_i].code);
	ck_assert_str_eq(e.where, faults[_i].where);
	ck_assert_int_eq(json_read_text(arena, faults[_i].text,
									strlen(faults[_i].text),
									&json_limits_document, read_thing, &thing,
									NULL, NULL), -EINVAL);
}
END_TEST

START_TEST(test_path)
{
	const struct json_path a = { NULL, "vpns", 0 }, b = { &a, NULL, 12 },
						   c = { &b, "a/b~", 0 };
	char out[128], name[200];
	struct json_path d = { &c, name, 0 };

	json_path_str(NULL, out);
	ck_assert_str_eq(out, "");
	json_path_str(&c, out);
	ck_assert_str_eq(out, "/vpns/12/a~1b~0");
	memset(name, 'x', sizeof(name));
	name[sizeof(name) - 1] = '\0';
	json_path_str(&d, out);
	ck_assert_uint_eq(strlen(out), sizeof(out) - 1);
}
END_TEST

int main(void)
{
	TCase *tc = tcase_create("json_in");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, test_all_kinds);
	tcase_add_test(tc, test_absent);
	tcase_add_loop_test(tc, test_faults, 0, COUNT(faults));
	tcase_add_test(tc, test_path);
	return run_case(tc, "json_in");
}
