/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/* test_server_parts.c - base64, ETags, the limiter of failures */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "run.h"
#include "seal.h"
#include "server/base64.h"
#include "server/etag.h"
#include "server/limiter.h"

static const struct
{
	const char *text, *plain;	/* plain NULL: refused */
} base64s[] = {
	{ "", "" },
	{ "Zg==", "f" },
	{ "Zm8=", "fo" },
	{ "Zm9v", "foo" },
	{ "Zm9v\r\nYmFy\n", "foobar" },
	{ " Z m 9 v ", "foo" },
	{ "Zm9vYg==\n", "foob" },
	{ "Zg", NULL },
	{ "Zg=", NULL },
	{ "Z===", NULL },
	{ "====", NULL },
	{ "Zg==Zg==", NULL },
	{ "Zg==Z", NULL },
	{ "Zm9v=", NULL },
	{ "Zm9v====", NULL },
	{ "Zm-v", NULL },
	{ "Zm9\x80", NULL },
	{ "=Zg=", NULL },
};

START_TEST(decodes_base64)
{
	uint8_t out[64];
	size_t len = 99;
	int rc = base64_decode(base64s[_i].text, strlen(base64s[_i].text), out,
						   &len);

	if (!base64s[_i].plain)
	{
		ck_assert_int_eq(rc, -EINVAL);
		return;
	}
	ck_assert_int_eq(rc, 0);
	ck_assert_uint_eq(len, strlen(base64s[_i].plain));
	ck_assert_mem_eq(out, base64s[_i].plain, len);
}
END_TEST

START_TEST(encodes_base64)
{
	uint8_t in[300], out[300];

	for (size_t len = 0; len < sizeof(in); len++)
	{
		char *text;
		size_t back;

		in[len] = (uint8_t)(len * 37);
		text = base64_encode(in, len);
		ck_assert_int_eq(base64_decode(text, strlen(text), out, &back), 0);
		ck_assert_uint_eq(back, len);
		ck_assert_mem_eq(in, out, len);
		ck_assert_uint_eq(strlen(text), (len + 2) / 3 * 4);
		ck_assert_uint_eq(strcspn(text, " \r\n\t"), strlen(text));
		free(text);
	}
}
END_TEST

START_TEST(etags)
{
	struct etags *t = etags_new();
	char etag[ETAG_SIZE], got[ETAG_SIZE];

	ck_assert_int_eq(seal_init(NULL), 0);
	/* SHA-256("abc") = ba7816bf8f01cfea... */
	etag_build(etag, 3, 4711, "abc", 3);
	ck_assert_str_eq(etag, "\"3.4711-ba7816bf8f01cfea\"");
	ck_assert(etag_named("\"3.4711-ba7816bf8f01cfea\"", etag));
	ck_assert(etag_named("\"1.1-x\", \"3.4711-ba7816bf8f01cfea\"", etag));
	ck_assert(!etag_named(NULL, etag));
	ck_assert(!etag_named("3.4711-ba7816bf8f01cfea", etag));
	ck_assert(!etag_named("\"13.4711-ba7816bf8f01cfea\"", etag));
	ck_assert(!etag_named("\"3.4711-ba7816bf8f01cfeb\"", etag));

	ck_assert(!etags_get(t, 0, 0, 0, 0, got));
	etags_put(t, 7, 0, 3, 4711, etag);
	ck_assert(etags_get(t, 7, 0, 3, 4711, got));
	ck_assert_str_eq(got, etag);
	/* the same revision in another version of the schema */
	ck_assert(!etags_get(t, 7, 1, 3, 4711, got));
	ck_assert(!etags_get(t, 7, 0, 3, 4712, got));
	ck_assert(!etags_get(t, 7, 0, 4, 4711, got));
	ck_assert(!etags_get(t, 7 + 32768, 0, 3, 4711, got));
	etags_put(t, 7 + 32768, 0, 3, 1, etag);
	ck_assert(!etags_get(t, 7, 0, 3, 4711, got));
	etags_free(t);
	etags_free(NULL);
}
END_TEST

static void fail_often(struct limiter *l, const char *address, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
	{
		limiter_failed(l, address, 1000);
	}
}

START_TEST(limiter)
{
	struct limiter *l = limiter_new();

	ck_assert(limiter_allows(l, "192.0.2.1", 1000));
	fail_often(l, "192.0.2.1", LIMITER_FAILURES - 1);
	ck_assert(limiter_allows(l, "192.0.2.1", 1001));
	fail_often(l, "192.0.2.1", 1);
	ck_assert(!limiter_allows(l, "192.0.2.1", 1001));
	/* others are not concerned; the same by another name is */
	ck_assert(limiter_allows(l, "192.0.2.2", 1001));
	ck_assert(!limiter_allows(l, "::ffff:192.0.2.1", 1001));
	/* for a while */
	ck_assert(!limiter_allows(l, "192.0.2.1", 999 + LIMITER_WINDOW_MS));
	ck_assert(limiter_allows(l, "192.0.2.1", 1000 + LIMITER_WINDOW_MS));
	/* one /64 is one */
	for (unsigned i = 0; i < LIMITER_FAILURES; i++)
	{
		limiter_failed(l, i % 2 ? "2001:db8::1" : "2001:db8::ffff", 1000);
	}
	ck_assert(!limiter_allows(l, "2001:db8::2", 1001));
	ck_assert(limiter_allows(l, "2001:db8:0:1::2", 1001));
	limiter_free(l);
	limiter_free(NULL);
}
END_TEST

START_TEST(limiter_is_of_fixed_size)
{
	struct limiter *l = limiter_new();
	char address[32];

	fail_often(l, "192.0.2.1", LIMITER_FAILURES);
	for (unsigned i = 0; i < 100000; i++)
	{
		snprintf(address, sizeof(address), "10.%u.%u.%u", i >> 16,
				 i >> 8 & 255, i & 255);
		limiter_failed(l, address, 2000 + i / 1000);
	}
	/* the latest are known */
	for (unsigned i = 0; i < LIMITER_FAILURES; i++)
	{
		limiter_failed(l, "192.0.2.77", 3000);
	}
	ck_assert(!limiter_allows(l, "192.0.2.77", 3001));
	limiter_free(l);
}
END_TEST

int main(void)
{
	TCase *tc = tcase_create("parts");

	tcase_add_loop_test(tc, decodes_base64, 0, COUNT(base64s));
	tcase_add_test(tc, encodes_base64);
	tcase_add_test(tc, etags);
	tcase_add_test(tc, limiter);
	tcase_add_test(tc, limiter_is_of_fixed_size);
	return run_case(tc, "server parts");
}
