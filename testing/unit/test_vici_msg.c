/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * test_vici_msg.c - VICI packets: what is built can be walked, hostile bytes
 * are refused
 */
#include "config.h"

#include "agent/vici_msg.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Every element of a packet as one line of text; "!" where it breaks. */
static char *walk(const void *packet, size_t len)
{
	struct text t = { 0 };
	struct vici_walk w;
	enum vici_packet type;
	enum vici_element element;
	char name[256];

	if (vici_open(&w, packet, len, &type, name) != 0)
	{
		text_add(&t, "!");
		return text_take(&t);
	}
	text_addf(&t, "%d%s%s", (int)type, name[0] != '\0' ? " " : "", name);
	for (;;)
	{
		if (vici_next(&w, &element) != 0)
		{
			text_add(&t, " !");
			break;
		}
		switch (element)
		{
			case VICI_END:
				return text_take(&t);
			case VICI_SECTION:
				text_addf(&t, " %s{", w.name);
				break;
			case VICI_SECTION_END:
				text_add(&t, " }");
				break;
			case VICI_KV:
				text_addf(&t, " %s=%s", w.name, w.value);
				break;
			case VICI_LIST:
				text_addf(&t, " %s[", w.name);
				break;
			case VICI_LIST_ITEM:
				text_addf(&t, " %s", w.value);
				break;
			case VICI_LIST_END:
				text_add(&t, " ]");
				break;
		}
	}
	return text_take(&t);
}

static void check_walk(const void *packet, size_t len, const char *expected)
{
	char *got = walk(packet, len);

	ck_assert_str_eq(got, expected);
	free(got);
}

START_TEST(what_is_built_is_walked)
{
	const char *items[] = { "10.0.0.0/8", "192.0.2.1/32", NULL };
	struct text t = { 0 };

	vici_start(&t, VICI_CMD_REQUEST, "list-sas");
	vici_kv(&t, "ike", "ppvpn:acme:corp:lyon");
	vici_section(&t, "child");
	vici_list(&t, "remote-ts", items);
	vici_section_end(&t);
	vici_kv(&t, "empty", "");
	check_walk(t.s, t.len, "0 list-sas ike=ppvpn:acme:corp:lyon child{ "
			   "remote-ts[ 10.0.0.0/8 192.0.2.1/32 ] } empty=");
	text_done(&t);
}
END_TEST

/* The bytes of the example in strongSwan's src/libcharon/plugins/vici/README.md */
START_TEST(bytes_on_the_wire)
{
	static const uint8_t message[] = {
		7, 4, 'l', 'i', 's', 't',
		3, 4, 'k', 'e', 'y', '1', 0, 6, 'v', 'a', 'l', 'u', 'e', '1',
		1, 8, 's', 'e', 'c', 't', 'i', 'o', 'n', '1',
		1, 11, 's', 'u', 'b', '-', 's', 'e', 'c', 't', 'i', 'o', 'n',
		3, 4, 'k', 'e', 'y', '2', 0, 6, 'v', 'a', 'l', 'u', 'e', '2',
		2,
		4, 5, 'l', 'i', 's', 't', '1',
		5, 0, 5, 'i', 't', 'e', 'm', '1',
		5, 0, 5, 'i', 't', 'e', 'm', '2',
		6,
		2,
	};
	const char *items[] = { "item1", "item2", NULL };
	struct text t = { 0 };

	vici_start(&t, VICI_EVENT, "list");
	vici_kv(&t, "key1", "value1");
	vici_section(&t, "section1");
	vici_section(&t, "sub-section");
	vici_kv(&t, "key2", "value2");
	vici_section_end(&t);
	vici_list(&t, "list1", items);
	vici_section_end(&t);
	ck_assert_uint_eq(t.len, sizeof(message));
	ck_assert_mem_eq(t.s, message, sizeof(message));
	check_walk(message, sizeof(message), "7 list key1=value1 section1{ "
			   "sub-section{ key2=value2 } list1[ item1 item2 ] }");
	text_done(&t);
}
END_TEST

static const struct
{
	const char *what;
	const char *bytes;
	size_t len;
	const char *expected;
} hostile[] = {
#define ROW(what, bytes, expected) { what, bytes, sizeof(bytes) - 1, expected }
	ROW("nothing", "", "!"),
	ROW("unknown type", "\x08", "!"),
	ROW("name missing", "\x07", "!"),
	ROW("name longer than the packet", "\x07\x05" "abc", "!"),
	ROW("unnamed type, no message", "\x01", "1"),
	ROW("unknown element", "\x01\x07", "1 !"),
	ROW("element zero", "\x01" "\x00", "1 !"),
	ROW("section without name", "\x01\x01", "1 !"),
	ROW("section not ended", "\x01\x01\x01" "a", "1 a{ !"),
	ROW("end without section", "\x01\x02", "1 !"),
	ROW("key without value", "\x01\x03\x01" "a", "1 !"),
	ROW("value cut", "\x01\x03\x01" "a\x00\x05" "ab", "1 !"),
	ROW("value of half a length", "\x01\x03\x01" "a\x00", "1 !"),
	ROW("value longer than all", "\x01\x03\x01" "a\xff\xff", "1 !"),
	ROW("item outside a list", "\x01\x05\x00\x01" "a", "1 !"),
	ROW("list not ended", "\x01\x04\x01" "a", "1 a[ !"),
	ROW("list in a list", "\x01\x04\x01" "a\x04\x01" "b", "1 a[ !"),
	ROW("section in a list", "\x01\x04\x01" "a\x01\x01" "b", "1 a[ !"),
	ROW("key in a list", "\x01\x04\x01" "a\x03\x01" "b\x00\x00", "1 a[ !"),
	ROW("section end in a list",
		"\x01\x01\x01" "s\x04\x01" "a\x02", "1 s{ a[ !"),
	ROW("end of no list", "\x01\x06", "1 !"),
	ROW("bytes that are no text", "\x01\x03\x02" "a\n\x00\x03" "\x00\x1b\xff",
		"1 a?=???"),
	ROW("empty name", "\x01\x03\x00\x00\x00", "1 ="),
#undef ROW
};

START_TEST(hostile_bytes)
{
	uint8_t *copy = malloc(hostile[_i].len + 1);

	/* an exact allocation: reading beyond it is seen by ASan */
	ck_assert_ptr_nonnull(copy);
	copy = realloc(copy, hostile[_i].len > 0 ? hostile[_i].len : 1);
	memcpy(copy, hostile[_i].bytes, hostile[_i].len);
	check_walk(copy, hostile[_i].len, hostile[_i].expected);
	free(copy);
}
END_TEST

START_TEST(nesting_is_bounded)
{
	struct text t = { 0 };
	char *got;

	vici_start(&t, VICI_CMD_RESPONSE, NULL);
	for (int i = 0; i < 17; i++)
	{
		vici_section(&t, "s");
	}
	got = walk(t.s, t.len);
	ck_assert_str_eq(strrchr(got, ' '), " !");
	ck_assert_uint_eq(strlen(got), 1 + 16 * strlen(" s{") + 2);
	free(got);
	text_done(&t);
}
END_TEST

START_TEST(long_values_are_cut)
{
	struct text t = { 0 };
	struct vici_walk w;
	enum vici_packet type;
	enum vici_element element;
	char name[256], value[70000];

	memset(value, 'v', sizeof(value) - 1);
	value[sizeof(value) - 1] = '\0';
	vici_start(&t, VICI_CMD_RESPONSE, NULL);
	vici_kv(&t, value, value);
	vici_kv(&t, "k", "after");
	ck_assert_int_eq(vici_open(&w, (uint8_t *)t.s, t.len, &type, name), 0);
	ck_assert_int_eq(vici_next(&w, &element), 0);
	ck_assert_uint_eq(strlen(w.name), 255);
	ck_assert_uint_eq(strlen(w.value), sizeof(w.value) - 1);
	ck_assert_int_eq(vici_next(&w, &element), 0);
	ck_assert_str_eq(w.name, "k");
	ck_assert_str_eq(w.value, "after");
	ck_assert_int_eq(vici_next(&w, &element), 0);
	ck_assert_int_eq(element, VICI_END);
	text_done(&t);
}
END_TEST

/* Every prefix of a good packet is refused or a shorter good one, never read over. */
START_TEST(every_cut_of_a_packet)
{
	const char *items[] = { "one", "two", NULL };
	struct text t = { 0 };

	vici_start(&t, VICI_EVENT, "list-sa");
	vici_section(&t, "ppvpn:acme:corp:lyon");
	vici_kv(&t, "state", "ESTABLISHED");
	vici_list(&t, "l", items);
	vici_section_end(&t);
	for (size_t len = 0; len < t.len; len++)
	{
		uint8_t *copy = malloc(len > 0 ? len : 1);
		char *got;

		ck_assert_ptr_nonnull(copy);
		memcpy(copy, t.s, len);
		got = walk(copy, len);
		if (len != strlen("list-sa") + 2)
		{
			ck_assert_int_eq(got[strlen(got) - 1], '!');
		}
		free(got);
		free(copy);
	}
	text_done(&t);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("vici_msg");
	TCase *tc = tcase_create("vici_msg");
	SRunner *runner;
	int failed;

	tcase_add_test(tc, what_is_built_is_walked);
	tcase_add_test(tc, bytes_on_the_wire);
	tcase_add_loop_test(tc, hostile_bytes, 0,
						(int)(sizeof(hostile) / sizeof(hostile[0])));
	tcase_add_test(tc, nesting_is_bounded);
	tcase_add_test(tc, long_values_are_cut);
	tcase_add_test(tc, every_cut_of_a_packet);
	suite_add_tcase(s, tc);
	runner = srunner_create(s);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
