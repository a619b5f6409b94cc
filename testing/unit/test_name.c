/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * test_name.c - labels, places, connection names
 */
#include "config.h"

#include <errno.h>
#include <stdio.h>

#include "name.h"
#include "run.h"

#define L63 "a23456789012345678901234567890123456789012345678901234567890123"
#define L61 "a234567890123456789012345678901234567890123456789012345678901"

static const struct {
	const char *s;
	bool label, labels, fqdn;
} names[] = {
	{ "a", true, true, false },
	{ "0", true, true, false },
	{ "a-b", true, true, false },
	{ "a--b", true, true, false },
	{ L63, true, true, false },
	{ L63 "x", false, false, false },
	{ "", false, false, false },
	{ "-", false, false, false },
	{ "-a", false, false, false },
	{ "a-", false, false, false },
	{ "A", false, false, false },
	{ "a_b", false, false, false },
	{ "a\n", false, false, false },
	{ "a b", false, false, false },
	{ "\xc3\xa9", false, false, false },
	{ "a.b", false, true, true },
	{ "paris.corp.acme.vpn.sp.example", false, false, true },
	{ "a.b.", false, false, false },
	{ ".a.b", false, false, false },
	{ "a..b", false, false, false },
	{ "a.-b", false, false, false },
	{ "a.B", false, false, false },
	{ "a.b\n", false, false, false },
	{ "a." L63 "x", false, false, false },
	{ L63 "." L63 "." L63 "." L61, false, false, true },		/* 253 bytes */
	{ L63 "." L63 "." L63 "." L61 "x", false, false, false },
	{ L63 "." L63, false, true, true },
	{ "a.b.c", false, false, true },
	{ "a.", false, false, false },
};

START_TEST(test_name)
{
	ck_assert_int_eq(name_is_label(names[_i].s), names[_i].label);
	ck_assert_int_eq(name_is_labels(names[_i].s), names[_i].labels);
	ck_assert_int_eq(name_is_fqdn(names[_i].s), names[_i].fqdn);
}
END_TEST

static const struct {
	const char *s;
	unsigned n;
	bool good;
} places[] = {
	{ "acme/paris", 2, true },
	{ "acme/corp/paris", 3, true },
	{ "acme", 1, true },
	{ L63 "/" L63 "/" L63, 3, true },
	{ "acme/corp/paris", 2, false },
	{ "acme/corp", 3, false },
	{ "acme/", 2, false },
	{ "/paris", 2, false },
	{ "acme//paris", 3, false },
	{ "acme/corp/", 3, false },
	{ "acme/Corp", 2, false },
	{ "acme/corp ", 2, false },
	{ "acme/../x", 3, false },
	{ "", 1, false },
	{ "acme/" L63 "x", 2, false },
};

START_TEST(test_place)
{
	char out[3][NAME_SIZE] = { "", "", "" }, joined[PLACE_SIZE];
	struct err e = { .code = ERR_NONE };
	int rc = place_parse(places[_i].s, places[_i].n, out, "CUSTOMER/CE", &e);

	ck_assert_int_eq(rc, places[_i].good ? 0 : -EINVAL);
	ck_assert_int_eq(e.code, places[_i].good ? ERR_NONE : ERR_NAME);
	if (places[_i].good)
	{
		snprintf(joined, sizeof(joined), "%s%s%s%s%s", out[0],
				 places[_i].n > 1 ? "/" : "", out[1],
				 places[_i].n > 2 ? "/" : "", out[2]);
		ck_assert_str_eq(joined, places[_i].s);
	}
	else
	{
		ck_assert_str_eq(e.text, "not a CUSTOMER/CE");
	}
	ck_assert_int_eq(place_parse(places[_i].s, places[_i].n, out, "x", NULL),
					 rc);
}
END_TEST

START_TEST(test_conn_name)
{
	static const char *const bad[] = {
		"", "ppvpn", "ppvpn:", "ppvpn:a:b", "ppvpn:a:b:", "ppvpn:a:b:c:d",
		"ppvpn:a::c", "ppvpn:a:b:C", "xppvpn:a:b:c", "ppvpn-a:b:c",
		"ppvpn:a:b:c\n", "ppvpn:" L63 "x:b:c",
	};
	char name[CONN_NAME_SIZE], a[NAME_SIZE], b[NAME_SIZE], c[NAME_SIZE];
	size_t i;

	conn_name_build(name, "acme", "corp", "lyon");
	ck_assert_str_eq(name, "ppvpn:acme:corp:lyon");
	ck_assert(conn_name_split(name, a, b, c));
	ck_assert_str_eq(a, "acme");
	ck_assert_str_eq(b, "corp");
	ck_assert_str_eq(c, "lyon");
	ck_assert(conn_name_split(name, NULL, NULL, NULL));
	conn_name_build(name, L63, L63, L63);
	ck_assert_uint_eq(strlen(name), CONN_NAME_SIZE - 1);
	ck_assert(conn_name_split(name, a, NULL, c));
	ck_assert_str_eq(c, L63);
	for (i = 0; i < COUNT(bad); i++)
	{
		ck_assert_msg(!conn_name_split(bad[i], a, b, c), "%s", bad[i]);
	}
}
END_TEST

int main(void)
{
	TCase *tc = tcase_create("name");

	tcase_add_loop_test(tc, test_name, 0, COUNT(names));
	tcase_add_loop_test(tc, test_place, 0, COUNT(places));
	tcase_add_test(tc, test_conn_name);
	return run_case(tc, "name");
}
