/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * test_seal.c - secrets at rest
 */
#include "config.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "seal.h"
#include "text.h"

static char dir[64];
static char path[96];
static struct err e;

static void setup(void)
{
	memset(&e, 0, sizeof(e));
	ck_assert_int_eq(seal_init(&e), 0);
	snprintf(dir, sizeof(dir), "/tmp/test_seal.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/kek", dir);
}

static void teardown(void)
{
	(void)unlink(path);
	(void)rmdir(dir);
}

static void put(const char *content, size_t len, mode_t mode)
{
	FILE *f;

	/* one that is read-only is not opened again but by root */
	(void)unlink(path);
	f = fopen(path, "w");
	ck_assert_ptr_nonnull(f);
	ck_assert_uint_eq(fwrite(content, 1, len, f), len);
	fclose(f);
	ck_assert_int_eq(chmod(path, mode), 0);
}

START_TEST(opens_what_it_sealed)
{
	const char plain[] = "thirty-two bytes of pre-shared k";
	uint8_t sealed[sizeof(plain) + SEAL_OVERHEAD], again[sizeof(sealed)];
	char out[sizeof(plain)];
	struct seal_key key;

	ck_assert_int_eq(seal_key_create(path, &key, &e), 0);
	seal_encrypt(&key, "psk/1/2/1", plain, sizeof(plain), sealed);
	ck_assert_int_eq(seal_decrypt(&key, "psk/1/2/1", sealed, sizeof(sealed),
								  out, &e), 0);
	ck_assert_mem_eq(out, plain, sizeof(plain));
	ck_assert_ptr_null(memmem(sealed, sizeof(sealed), plain, 8));
	/* a random nonce: never the same twice */
	seal_encrypt(&key, "psk/1/2/1", plain, sizeof(plain), again);
	ck_assert_mem_ne(sealed, again, sizeof(sealed));
	/* nothing is fine too */
	seal_encrypt(&key, "p", "", 0, sealed);
	ck_assert_int_eq(seal_decrypt(&key, "p", sealed, SEAL_OVERHEAD, out, &e), 0);
}
END_TEST

START_TEST(refuses_what_was_changed_or_moved)
{
	const char plain[] = "secret";
	uint8_t sealed[sizeof(plain) + SEAL_OVERHEAD];
	char out[sizeof(plain)];
	struct seal_key key, other;
	size_t i;

	ck_assert_int_eq(seal_key_create(path, &key, &e), 0);
	ck_assert_int_eq(unlink(path), 0);
	ck_assert_int_eq(seal_key_create(path, &other, &e), 0);
	seal_encrypt(&key, "here", plain, sizeof(plain), sealed);
	ck_assert_int_eq(seal_decrypt(&key, "there", sealed, sizeof(sealed), out,
								  &e), -EBADMSG);
	ck_assert_int_eq(e.code, ERR_SEALED);
	ck_assert_int_eq(seal_decrypt(&other, "here", sealed, sizeof(sealed), out,
								  &e), -EBADMSG);
	ck_assert_int_eq(e.code, ERR_SEALED);
	for (i = 0; i < sizeof(sealed); i++)
	{
		sealed[i] ^= 0x10;
		ck_assert_int_eq(seal_decrypt(&key, "here", sealed, sizeof(sealed),
									  out, &e), -EBADMSG);
		sealed[i] ^= 0x10;
	}
	for (i = 0; i < sizeof(sealed); i++)
	{
		ck_assert_int_eq(seal_decrypt(&key, "here", sealed, i, out, &e),
						 -EBADMSG);
	}
	ck_assert_int_eq(seal_decrypt(&key, "here", sealed, sizeof(sealed), out,
								  &e), 0);
}
END_TEST

START_TEST(keeps_a_key_in_a_file)
{
	struct seal_key key, again;
	struct stat st;

	ck_assert_int_eq(seal_key_create(path, &key, &e), 0);
	ck_assert_uint_ne(key.id, 0);
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_uint_eq(st.st_mode & 07777, 0600);
	ck_assert_int_eq(seal_key_load(path, &again, &e), 0);
	ck_assert_mem_eq(&key, &again, sizeof(key));
	ck_assert_int_eq(seal_key_create(path, &again, &e), -EEXIST);
	ck_assert_int_eq(e.code, ERR_EXISTS);
	ck_assert_int_eq(seal_key_load(path, &again, &e), 0);
	seal_key_wipe(&again);
	ck_assert_uint_eq(again.id, 0);
}
END_TEST

START_TEST(refuses_bad_key_files)
{
	static const char good[] =
		"000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f\n";
	struct seal_key key;
	char bad[80];

	ck_assert_int_eq(seal_key_load(path, &key, &e), -ENOENT);
	put(good, 65, 0600);
	ck_assert_int_eq(seal_key_load(path, &key, &e), 0);
	ck_assert_int_eq(chmod(path, 0640), 0);
	ck_assert_int_eq(seal_key_load(path, &key, &e), -EACCES);
	ck_assert_int_eq(chmod(path, 0400), 0);
	ck_assert_int_eq(seal_key_load(path, &key, &e), 0);
	put(good, 64, 0600);
	ck_assert_int_eq(seal_key_load(path, &key, &e), -EINVAL);
	put("", 0, 0600);
	ck_assert_int_eq(seal_key_load(path, &key, &e), -EINVAL);
	snprintf(bad, sizeof(bad), "%s\n", good);
	put(bad, 66, 0600);
	ck_assert_int_eq(seal_key_load(path, &key, &e), -EINVAL);
	snprintf(bad, sizeof(bad), "%s", good);
	bad[3] = 'g';
	put(bad, 65, 0600);
	ck_assert_int_eq(seal_key_load(path, &key, &e), -EINVAL);
	bad[3] = '\0';
	put(bad, 65, 0600);
	ck_assert_int_eq(seal_key_load(path, &key, &e), -EINVAL);
	/* what is in the file never comes into the error */
	ck_assert_ptr_null(strstr(e.text, "0405"));
	ck_assert_int_eq(unlink(path), 0);
	ck_assert_int_eq(symlink("/etc/passwd", path), 0);
	ck_assert_int_lt(seal_key_load(path, &key, &e), 0);
	ck_assert_int_lt(seal_key_create(path, &key, &e), 0);
}
END_TEST

START_TEST(hashes)
{
	uint8_t hash[32], zero[32] = { 0 };
	char hex[65];

	seal_sha256("abc", 3, hash);
	hex_encode(hash, sizeof(hash), hex);
	ck_assert_str_eq(hex, "ba7816bf8f01cfea414140de5dae2223"
						  "b00361a396177a9cb410ff61f20015ad");
	seal_random(hash, sizeof(hash));
	ck_assert_mem_ne(hash, zero, sizeof(zero));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("seal");
	TCase *tc = tcase_create("seal");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, opens_what_it_sealed);
	tcase_add_test(tc, refuses_what_was_changed_or_moved);
	tcase_add_test(tc, keeps_a_key_in_a_file);
	tcase_add_test(tc, refuses_bad_key_files);
	tcase_add_test(tc, hashes);
	suite_add_tcase(suite, tc);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}
