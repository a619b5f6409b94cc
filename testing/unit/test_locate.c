/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * test_locate.c - the addresses (s) of a router against its document
 */
#include "config.h"

#include <string.h>

#include "agent/locate.h"
#include "run.h"

static struct model_peer peer;
static struct model_vpn vpns[3];
static struct model_document doc = { .vpns = vpns, .vpn_count = 3 };
static struct addr here[3];

static struct addr addr(const char *text)
{
	struct addr a;

	ck_assert_int_eq(addr_parse4(text, &a), 0);
	return a;
}

static bool is_here(void *user, const struct addr *address)
{
	ck_assert_ptr_eq(user, &doc);
	for (size_t i = 0; i < COUNT(here); i++)
	{
		if (addr_equal(&here[i], address))
		{
			return true;
		}
	}
	return false;
}

static void setup(void)
{
	memset(vpns, 0, sizeof(vpns));
	memset(here, 0, sizeof(here));
	peer.remote_address = addr("192.0.2.9");
	vpns[0].ce_address = vpns[1].ce_address = addr("192.0.2.5");
	vpns[2].ce_address = addr("192.0.2.6");
	vpns[1].peers = &peer;
	vpns[1].peer_count = 1;
}

START_TEST(all_there)
{
	struct addr source = addr("192.0.2.5");
	struct status_address said;

	here[0] = addr("192.0.2.5");
	here[1] = addr("192.0.2.6");
	ck_assert(!locate_report(&doc, is_here, &doc, &source, &said));
	ck_assert(!locate_report(NULL, is_here, &doc, &source, &said));
}
END_TEST

START_TEST(one_went)
{
	struct addr source = addr("192.0.2.77"), none = { .family = 0 };
	struct status_address said;

	here[0] = source;
	here[1] = addr("192.0.2.6");
	ck_assert(locate_report(&doc, is_here, &doc, &source, &said));
	ck_assert(addr_equal(&said.missing, &vpns[0].ce_address));
	ck_assert(addr_equal(&said.present, &source));
	ck_assert(locate_report(&doc, is_here, &doc, &none, &said));
	ck_assert_int_eq(said.present.family, 0);
	/* the other one */
	here[0] = addr("192.0.2.5");
	here[1] = source;
	ck_assert(locate_report(&doc, is_here, &doc, &source, &said));
	ck_assert(addr_equal(&said.missing, &vpns[2].ce_address));
}
END_TEST

START_TEST(behind_nat_it_has_another)
{
	struct addr source = addr("10.0.0.2");
	struct status_address said;

	ck_assert(!locate_behind_nat(&doc));
	vpns[0].behind_nat = vpns[1].behind_nat = vpns[2].behind_nat = true;
	ck_assert(locate_behind_nat(&doc));
	ck_assert(!locate_report(&doc, is_here, &doc, &source, &said));
	ck_assert(!locate_lacks(&vpns[0], is_here, &doc));
	vpns[2].behind_nat = false;
	ck_assert(locate_report(&doc, is_here, &doc, &source, &said));
	ck_assert(addr_equal(&said.missing, &vpns[2].ce_address));
}
END_TEST

static const struct { const char *url, *host; } urls[] = {
	{ "https://192.0.2.1:8443", "192.0.2.1" }, { "https://192.0.2.1", "192.0.2.1" },
	{ "https://vpn1.sp.example:8443", NULL }, { "http://192.0.2.1", NULL },
	{ "https://", NULL }, { "", NULL }, { NULL, NULL },
	{ "https://192.0.2.1.192.0.2.1.192.0.2.1.192.0.2.1.192.0.2.1:1", NULL },
};

START_TEST(whom_to_ask_the_way_to)
{
	struct addr to, wanted = peer.remote_address;

	ck_assert(locate_target(&doc, urls[_i].url, &to));
	ck_assert(addr_equal(&to, &wanted));
	vpns[1].peer_count = 0;
	ck_assert_int_eq(locate_target(&doc, urls[_i].url, &to),
					 urls[_i].host != NULL);
	ck_assert_int_eq(locate_target(NULL, urls[_i].url, &to),
					 urls[_i].host != NULL);
	if (urls[_i].host)
	{
		wanted = addr(urls[_i].host);
		ck_assert(addr_equal(&to, &wanted));
	}
}
END_TEST

START_TEST(told_less_and_less_often)
{
	unsigned ms = 0;

	ms = locate_again_ms(ms, 300000);
	ck_assert_uint_eq(ms, LOCATE_FIRST_MS);
	ms = locate_again_ms(ms, 300000);
	ck_assert_uint_eq(ms, 2 * LOCATE_FIRST_MS);
	for (unsigned i = 0; i < 50; i++)
	{
		ms = locate_again_ms(ms, 300000);
	}
	ck_assert_uint_eq(ms, 300000);
	/* the server has every report soon enough: no more often than those */
	ck_assert_uint_eq(locate_again_ms(0, 5000), LOCATE_FIRST_MS);
	ck_assert_uint_eq(locate_again_ms(LOCATE_FIRST_MS, LOCATE_FIRST_MS),
					  LOCATE_FIRST_MS);
}
END_TEST

int main(void)
{
	TCase *tc = tcase_create("locate");

	tcase_add_checked_fixture(tc, setup, NULL);
	tcase_add_test(tc, all_there);
	tcase_add_test(tc, one_went);
	tcase_add_test(tc, behind_nat_it_has_another);
	tcase_add_loop_test(tc, whom_to_ask_the_way_to, 0, COUNT(urls));
	tcase_add_test(tc, told_less_and_less_often);
	return run_case(tc, "locate");
}
