/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * test_secret.c - secrets
 */
#include "config.h"

#include <errno.h>

#include "run.h"
#include "secret.h"

static const char digits[] =
	"000102030405060708090A0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
	"202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f00";

START_TEST(test_from_hex)
{
	struct secret s;
	char hex[2 * SECRET_MAX + 3];
	size_t len;

	for (len = 0; len < sizeof(hex); len++)
	{
		bool good = len % 2 == 0 && len >= 32 && len <= 128;

		memcpy(hex, digits, len);
		hex[len] = '\0';
		ck_assert_int_eq(secret_from_hex(&s, hex), good ? 0 : -EINVAL);
		ck_assert_uint_eq(s.len, good ? len / 2 : 0);
	}
	memcpy(hex, digits, 64);
	hex[64] = '\0';
	hex[63] = 'g';
	ck_assert_int_eq(secret_from_hex(&s, hex), -EINVAL);
	ck_assert_uint_eq(s.len, 0);
	ck_assert_uint_eq(s.bytes[1], 0);
}
END_TEST

START_TEST(test_to_hex)
{
	struct secret s;
	char out[2 * SECRET_MAX + 1];

	ck_assert_int_eq(secret_from_hex(&s, "000102030405060708090A0b0c0d0e0f"),
					 0);
	secret_to_hex(&s, out);
	ck_assert_str_eq(out, "000102030405060708090a0b0c0d0e0f");
}
END_TEST

START_TEST(test_equal)
{
	struct secret a, b;
	size_t i;

	ck_assert_int_eq(secret_from_hex(&a, "000102030405060708090a0b0c0d0e0f"),
					 0);
	b = a;
	ck_assert(secret_equal(&a, &b));
	for (i = 0; i < a.len; i++)
	{
		b.bytes[i] ^= 0x80;
		ck_assert(!secret_equal(&a, &b));
		b.bytes[i] ^= 0x80;
	}
	/* one more byte, of value zero */
	b.len++;
	ck_assert(!secret_equal(&a, &b));
}
END_TEST

START_TEST(test_wipe)
{
	struct secret s, zero = { .len = 0 };
	char buf[4] = "abc";

	ck_assert_int_eq(secret_from_hex(&s, "000102030405060708090a0b0c0d0e0f"),
					 0);
	secret_wipe(&s);
	ck_assert_mem_eq(&s, &zero, sizeof(s));
	wipe(buf, 2);
	ck_assert_mem_eq(buf, "\0\0c", 4);
	wipe(NULL, 0);
}
END_TEST

int main(void)
{
	TCase *tc = tcase_create("secret");

	tcase_add_test(tc, test_from_hex);
	tcase_add_test(tc, test_to_hex);
	tcase_add_test(tc, test_equal);
	tcase_add_test(tc, test_wipe);
	return run_case(tc, "secret");
}
