/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * test_addr.c - addresses and prefixes
 */
#include "config.h"

#include <sys/socket.h>

#include "addr.h"
#include "run.h"

static const struct {
	const char *text;
	bool good, host;
} addresses[] = {
	{ "192.0.2.5", true, true },
	{ "0.0.0.0", true, false },
	{ "0.0.0.1", true, false },
	{ "1.0.0.0", true, true },
	{ "126.255.255.255", true, true },
	{ "127.0.0.1", true, false },
	{ "128.0.0.1", true, true },
	{ "223.255.255.255", true, true },
	{ "224.0.0.5", true, false },
	{ "255.255.255.255", true, false },
	{ "256.0.0.1", false, false },
	{ "1.2.3", false, false },
	{ "1.2.3.4.5", false, false },
	{ "1.2.3.", false, false },
	{ ".1.2.3", false, false },
	{ "1..2.3", false, false },
	{ "01.2.3.4", false, false },
	{ "1.2.3.00", false, false },
	{ "1.2.3.4 ", false, false },
	{ " 1.2.3.4", false, false },
	{ "1.2.3.4\n", false, false },
	{ "+1.2.3.4", false, false },
	{ "1.2.3.-4", false, false },
	{ "0x1.2.3.4", false, false },
	{ "1.2.3.99999999999999999999", false, false },
	{ "::1", false, false },
	{ "", false, false },
};

START_TEST(test_address)
{
	char buf[ADDR_TEXT_MAX];
	struct addr a, none = { 0 };

	memset(&a, 0xff, sizeof(a));
	ck_assert_int_eq(addr_parse4(addresses[_i].text, &a) == 0,
					 addresses[_i].good);
	ck_assert_int_eq(addr_is_host(&a), addresses[_i].host);
	if (addresses[_i].good)
	{
		ck_assert_str_eq(addr_str(&a, buf), addresses[_i].text);
	}
	else
	{
		ck_assert(addr_equal(&a, &none));
		ck_assert_str_eq(addr_str(&a, buf), "none");
	}
}
END_TEST

START_TEST(test_u32)
{
	struct addr a, b, six = { .family = AF_INET6, .bytes = { 0x20, 1 } };

	ck_assert_int_eq(addr_parse4("192.0.2.5", &a), 0);
	ck_assert_uint_eq(addr_to_u32(&a), 0xc0000205);
	b = addr_from_u32(0xc0000205);
	ck_assert(addr_equal(&a, &b));
	ck_assert_uint_eq(addr_to_u32(&six), 0);
	ck_assert(!addr_is_host(&six));
}
END_TEST

static const struct {
	const char *text;
	bool loose, strict;
	const char *network;
} prefixes[] = {
	{ "10.1.0.0/24", true, true, "10.1.0.0/24" },
	{ "10.1.0.5/24", true, false, "10.1.0.0/24" },
	{ "10.1.2.3/20", true, false, "10.1.0.0/20" },
	{ "10.1.128.0/17", true, true, "10.1.128.0/17" },
	{ "10.1.64.0/17", true, false, "10.1.0.0/17" },
	{ "0.0.0.0/0", true, true, "0.0.0.0/0" },
	{ "1.2.3.4/0", true, false, "0.0.0.0/0" },
	{ "1.2.3.4/32", true, true, "1.2.3.4/32" },
	{ "1.2.3.4/33", false, false, NULL },
	{ "1.2.3.4/", false, false, NULL },
	{ "1.2.3.4", false, false, NULL },
	{ "1.2.3.4/08", false, false, NULL },
	{ "1.2.3.4/8/8", false, false, NULL },
	{ "1.2.3/8", false, false, NULL },
	{ "1.2.3.4/ 8", false, false, NULL },
};

START_TEST(test_prefix)
{
	char buf[PREFIX_TEXT_MAX];
	struct prefix p, network;

	ck_assert_int_eq(prefix_parse4(prefixes[_i].text, true, &p) == 0,
					 prefixes[_i].strict);
	ck_assert_int_eq(prefix_parse4(prefixes[_i].text, false, &p) == 0,
					 prefixes[_i].loose);
	if (prefixes[_i].loose)
	{
		ck_assert_str_eq(prefix_str(&p, buf), prefixes[_i].text);
		network = prefix_network(&p);
		ck_assert_str_eq(prefix_str(&network, buf), prefixes[_i].network);
	}
}
END_TEST

static const struct {
	const char *p, *q;
	bool overlap;
} pairs[] = {
	{ "10.0.0.0/8", "10.1.0.0/16", true },
	{ "10.0.0.0/9", "10.128.0.0/9", false },
	{ "10.0.0.0/9", "10.127.255.255/32", true },
	{ "0.0.0.0/0", "1.2.3.4/32", true },
	{ "10.1.0.0/24", "10.1.1.0/24", false },
	{ "10.1.0.0/24", "10.1.0.0/24", true },
};

static const struct {
	const char *text, *shown;	/* NULL: refused */
	bool site;
} both[] = {
	{ "10.1.0.0/24", "10.1.0.0/24", true },
	{ "10.1.0.1/24", NULL, false },
	{ "2001:db8:1::/48", "2001:db8:1::/48", true },
	{ "2001:0DB8:1:0:0::0/48", "2001:db8:1::/48", true },
	{ "2001:db8:1::1/48", NULL, false },
	{ "2001:db8:1::1/128", "2001:db8:1::1/128", true },
	{ "2001:db8::/129", NULL, false },
	{ "2001:db8::/", NULL, false },
	{ "2001:db8::", NULL, false },
	{ "2001:db8::/032", NULL, false },
	{ "2001:db8::/32 ", NULL, false },
	{ "2001:db8::%1/32", NULL, false },
	{ "2001:db8:1111:2222:3333:4444:5555:6666:7777:8888:9999:0/32", NULL,
	  false },
	{ "::/0", "::/0", false },
	{ "fe80::/64", "fe80::/64", false },
	{ "fe00::/8", "fe00::/8", false },
	{ "fec0::/10", "fec0::/10", true },
	{ "ff02::/16", "ff02::/16", false },
	{ "0.0.0.0/0", "0.0.0.0/0", false },
	{ "127.0.0.0/16", "127.0.0.0/16", false },
	{ "126.0.0.0/8", "126.0.0.0/8", true },
	{ "169.254.0.0/15", "169.254.0.0/15", false },
	{ "169.254.0.0/24", "169.254.0.0/24", false },
	{ "223.255.255.0/24", "223.255.255.0/24", true },
	{ "224.0.0.0/24", "224.0.0.0/24", false },
};

START_TEST(test_prefix_of_any_family)
{
	char buf[PREFIX_TEXT_MAX];
	struct prefix p, none = { 0 };

	memset(&p, 0xff, sizeof(p));
	ck_assert_int_eq(prefix_parse(both[_i].text, &p) == 0,
					 both[_i].shown != NULL);
	if (both[_i].shown)
	{
		ck_assert_str_eq(prefix_str(&p, buf), both[_i].shown);
	}
	else
	{
		ck_assert(prefix_equal(&p, &none));
	}
	ck_assert_int_eq(prefix_is_site(&p), both[_i].site);
}
END_TEST

/* in order */
static const char *const ordered[] = {
	"0.0.0.0/0", "10.0.0.0/8", "10.0.0.0/9", "10.1.0.0/16", "11.0.0.0/8",
	"::/0", "a00::/8", "a00::/9", "2001:db8::/32"
};

START_TEST(test_order)
{
	struct prefix p, q;
	size_t i, j;

	for (i = 0; i < COUNT(ordered); i++)
	{
		for (j = 0; j < COUNT(ordered); j++)
		{
			ck_assert_int_eq(prefix_parse(ordered[i], &p), 0);
			ck_assert_int_eq(prefix_parse(ordered[j], &q), 0);
			ck_assert_int_eq(prefix_compare(&p, &q) < 0, i < j);
			ck_assert_int_eq(prefix_compare(&p, &q) > 0, i > j);
		}
	}
}
END_TEST

START_TEST(test_overlap)
{
	struct prefix p, q;

	ck_assert_int_eq(prefix_parse4(pairs[_i].p, true, &p), 0);
	ck_assert_int_eq(prefix_parse4(pairs[_i].q, true, &q), 0);
	ck_assert_int_eq(prefix_overlaps(&p, &q), pairs[_i].overlap);
	ck_assert_int_eq(prefix_overlaps(&q, &p), pairs[_i].overlap);
	ck_assert_int_eq(prefix_equal(&p, &q), strcmp(pairs[_i].p, pairs[_i].q) == 0);
}
END_TEST

START_TEST(test_contains)
{
	struct prefix p;
	struct addr a, six = { .family = AF_INET6, .bytes = { 10, 1 } };

	ck_assert_int_eq(prefix_parse4("10.1.128.0/17", true, &p), 0);
	a = addr_from_u32(0x0a018000);
	ck_assert(prefix_contains(&p, &a));
	a = addr_from_u32(0x0a01ffff);
	ck_assert(prefix_contains(&p, &a));
	a = addr_from_u32(0x0a017fff);
	ck_assert(!prefix_contains(&p, &a));
	ck_assert(!prefix_contains(&p, &six));
}
END_TEST

int main(void)
{
	TCase *tc = tcase_create("addr");

	tcase_add_loop_test(tc, test_address, 0, COUNT(addresses));
	tcase_add_test(tc, test_u32);
	tcase_add_loop_test(tc, test_prefix, 0, COUNT(prefixes));
	tcase_add_loop_test(tc, test_overlap, 0, COUNT(pairs));
	tcase_add_test(tc, test_contains);
	tcase_add_loop_test(tc, test_prefix_of_any_family, 0, COUNT(both));
	tcase_add_test(tc, test_order);
	return run_case(tc, "addr");
}
