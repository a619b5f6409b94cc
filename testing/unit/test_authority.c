/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * test_authority.c - when certificates, lists and authorities are made anew;
 * DER as it is written
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "run.h"
#include "text.h"
#include "server/authority.h"
#include "server/der.h"

#define DAY INT64_C(86400000)

static const struct
{
	const char *name;
	int64_t (*at)(int64_t from, int64_t until, uint64_t seed);
	int64_t least, most;		/* of 1200 days */
} dues[] = {
	{ "certificate", authority_renew_at, 800, 900 },
	{ "list", authority_refresh_at, 540, 600 },
	{ "authority", authority_roll_at, 700, 800 },
};

START_TEST(each_is_due_in_its_time)
{
	int64_t at, least = INT64_MAX, most = 0;
	uint64_t seed;

	for (seed = 1; seed < 5000; seed++)
	{
		at = dues[_i].at(DAY, 1201 * DAY, seed) - DAY;
		ck_assert_int_ge(at, dues[_i].least * DAY);
		ck_assert_int_le(at, dues[_i].most * DAY);
		ck_assert_int_eq(at, dues[_i].at(DAY, 1201 * DAY, seed) - DAY);
		least = at < least ? at : least;
		most = at > most ? at : most;
	}
	/* spread over all of it */
	ck_assert_int_gt(most - least,
					 (dues[_i].most - dues[_i].least) * DAY / 10 * 9);
	/* a life too short for chance, and none */
	ck_assert_int_ge(dues[_i].at(0, 3, 77), 0);
	ck_assert_int_le(dues[_i].at(0, 3, 77), 3);
	ck_assert_int_eq(dues[_i].at(5, 5, 77), 5);
}
END_TEST

static const struct
{
	int64_t seconds;
	const char *hex;
} times[] = {
	{ 0, "170d3730303130313030303030305a" },			/* 700101000000Z */
	{ -1, "170d3639313233313233353935395a" },			/* 691231235959Z */
	{ 951782400, "170d3030303232393030303030305a" },	/* 000229000000Z */
	{ 1795694400, "170d3236313132363132303030305a" },	/* 261126120000Z */
	{ 2524607999, "170d3439313233313233353935395a" },	/* 491231235959Z */
	{ 2524608000, "180f32303530303130313030303030305a" },	/* 2050… */
};

START_TEST(times_of_der)
{
	struct der d;
	size_t len;
	uint8_t *der;
	char hex[64];

	der_init(&d, 32);
	der_put_time(&d, times[_i].seconds);
	der = der_take(&d, &len);
	hex_encode(der, len, hex);
	ck_assert_str_eq(hex, times[_i].hex);
	free(der);
}
END_TEST

static const struct
{
	uint64_t number;
	const char *hex;
} numbers[] = {
	{ 0, "020100" }, { 1, "020101" }, { 127, "02017f" }, { 128, "02020080" },
	{ 256, "02020100" }, { UINT64_C(0x7fffffffffffffff), "02087fffffffffffffff" },
	{ UINT64_MAX, "020900ffffffffffffffff" },
};

START_TEST(numbers_of_der)
{
	struct der d;
	size_t len;
	uint8_t *der;
	char hex[64];

	der_init(&d, 32);
	der_put_number(&d, numbers[_i].number);
	der = der_take(&d, &len);
	hex_encode(der, len, hex);
	ck_assert_str_eq(hex, numbers[_i].hex);
	free(der);
}
END_TEST

static const struct { size_t len; const char *head; } heads[] = {
	{ 0, "3000" }, { 127, "307f" }, { 128, "308180" }, { 255, "3081ff" },
	{ 256, "30820100" }, { 65535, "3082ffff" }, { 65536, "3083010000" },
	{ 1 << 24, "308401000000" },
};

START_TEST(lengths_of_der)
{
	uint8_t *data = calloc(heads[_i].len + 1, 1), *der;
	struct der d;
	char hex[32];
	size_t len;

	der_init(&d, heads[_i].len + DER_HEAD_MAX);
	der_put_as(&d, DER_SEQUENCE, data, heads[_i].len);
	der = der_take(&d, &len);
	hex_encode(der, len - heads[_i].len, hex);
	ck_assert_str_eq(hex, heads[_i].head);
	free(der);
	free(data);
}
END_TEST

int main(void)
{
	TCase *tc = tcase_create("authority");

	tcase_add_loop_test(tc, each_is_due_in_its_time, 0, (int)COUNT(dues));
	tcase_add_loop_test(tc, times_of_der, 0, (int)COUNT(times));
	tcase_add_loop_test(tc, numbers_of_der, 0, (int)COUNT(numbers));
	tcase_add_loop_test(tc, lengths_of_der, 0, (int)COUNT(heads));
	return run_case(tc, "authority");
}
