/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * test_ca_ike.c - the authority of a VPN: what it makes, judged by openssl(1),
 * and by strongSwan's pki where it is installed
 */
#include "config.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "alloc.h"
#include "file.h"
#include "run.h"
#include "text.h"
#include "server/ca_ike.h"

#define YEAR INT64_C(31536000)
#define IDENTITY "paris.corp.acme.vpn.sp.example"

static char dir[64];
static struct ca_der cert, key, leaf, list;
static struct ca_ike *ca;
static int64_t now, ends_s;
static struct err e;

static const struct ca_ike_subject paris = {
	"acme", "corp", "paris", IDENTITY
};

static const char *at(const char *name)
{
	static char paths[8][128];
	static unsigned next;
	char *path = paths[next++ % 8];

	snprintf(path, sizeof(paths[0]), "%s/%s", dir, name);
	return path;
}

/* Run a command in the directory; its output, the caller frees it. */
static char *sh(int *status, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
static char *sh(int *status, const char *fmt, ...)
{
	char text[1024], line[4096];
	struct text out = { 0 };
	va_list args;
	size_t len;
	FILE *f;

	len = (size_t)snprintf(text, sizeof(text), "cd %s && { ", dir);
	va_start(args, fmt);
	len += (size_t)vsnprintf(text + len, sizeof(text) - len, fmt, args);
	va_end(args);
	snprintf(text + len, sizeof(text) - len, "; } 2>&1");
	f = popen(text, "r");
	while ((len = fread(line, 1, sizeof(line), f)) > 0)
	{
		text_addn(&out, line, len);
	}
	*status = pclose(f);
	text_add(&out, "");
	return text_take(&out);
}

#define ok(...) \
	do \
	{ \
		int status_; \
		char *out_ = sh(&status_, __VA_ARGS__); \
		ck_assert_msg(status_ == 0, "%s", out_); \
		free(out_); \
	} while (0)

#define refused(...) \
	do \
	{ \
		int status_; \
		char *out_ = sh(&status_, __VA_ARGS__); \
		ck_assert_msg(status_ != 0, "%s", out_); \
		free(out_); \
	} while (0)

#define OK(call) ck_assert_msg((call) == 0, "%s: %s", e.where, e.text)

static bool has_pki(void)
{
	int status;

	free(sh(&status, "command -v pki"));
	return status == 0;
}

static void save(const char *name, const struct ca_der *der)
{
	OK(file_write(at(name), der->data, der->len, 0600, &e));
}

/* DER of a new public key. */
static uint8_t *public_key(const char *algorithm, size_t *len)
{
	char *der;

	ok("openssl genpkey %s -out site.key 2>/dev/null && openssl pkey "
	   "-in site.key -pubout -outform DER -out site.pub", algorithm);
	OK(file_read(at("site.pub"), 65536, &der, len, &e));
	return (uint8_t *)der;
}

static void setup(void)
{
	snprintf(dir, sizeof(dir), "/tmp/test_ca_ike.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	now = time(NULL);
	OK(ca_ike_create("acme", "corp", now, 10 * YEAR, &cert, &key, &ends_s,
					 &e));
	ck_assert_int_eq(ends_s, now + 10 * YEAR);
	OK(ca_ike_open(cert.data, cert.len, key.data, key.len, &ca, &e));
	save("ca.der", &cert);
	ok("openssl x509 -inform DER -in ca.der -out ca.crt");
}

static void teardown(void)
{
	int status;

	ca_ike_close(ca);
	ca_der_done(&cert);
	ca_der_done(&key);
	ca_der_done(&leaf);
	ca_der_done(&list);
	free(sh(&status, "rm -r %s", dir));
}

static void issue(const char *algorithm, uint64_t serial, int64_t life_s)
{
	size_t len;
	uint8_t *spki = public_key(algorithm, &len);

	ca_der_done(&leaf);
	OK(ca_ike_issue(ca, spki, len, &paris, serial, now, life_s, &leaf,
					&ends_s, &e));
	free(spki);
	save("site.der", &leaf);
	ok("openssl x509 -inform DER -in site.der -out site.crt");
}

static void make_list(const struct crl_entry *entries, size_t count,
					  int64_t life_s)
{
	int64_t until;

	ca_der_done(&list);
	OK(ca_ike_list(ca, 7, entries, count, now, life_s, &list, &until, &e));
	ck_assert_int_eq(until, now + life_s);
	OK(ca_ike_check_list(ca, list.data, list.len, &e));
	save("list.der", &list);
	ok("openssl crl -inform DER -in list.der -out list.crl");
	ok("openssl crl -in list.crl -CAfile ca.crt -noout");
}

static void has(const char *command, const char *want)
{
	int status;
	char *out = sh(&status, "%s", command);

	ck_assert_msg(status == 0 && strstr(out, want) != NULL, "no '%s' in %s",
				  want, out);
	free(out);
}

static void has_not(const char *command, const char *want)
{
	int status;
	char *out = sh(&status, "%s", command);

	ck_assert_msg(status == 0 && strstr(out, want) == NULL, "'%s' in %s",
				  want, out);
	free(out);
}

/* ---- the authority -------------------------------------------------------------- */

START_TEST(authority_is_one_of_its_vpn)
{
	static const char text[] = "openssl x509 -in ca.crt -noout -text";

	has(text, "CA:TRUE, pathlen:0");
	has(text, "X509v3 Key Usage: critical");
	has(text, "Certificate Sign, CRL Sign");
	has(text, "X509v3 Subject Key Identifier");
	has(text, "NIST CURVE: P-256");
	has(text, "O = acme, OU = corp, CN = IKE authority ");
	ok("openssl verify -x509_strict -CAfile ca.crt ca.crt");
}
END_TEST

START_TEST(two_of_one_vpn_differ)
{
	struct ca_der other, other_key;

	OK(ca_ike_create("acme", "corp", now, YEAR, &other, &other_key, &ends_s,
					 &e));
	save("other.der", &other);
	ok("openssl x509 -inform DER -in other.der -out other.crt");
	refused("test \"$(openssl x509 -in ca.crt -noout -subject)\" = "
			"\"$(openssl x509 -in other.crt -noout -subject)\"");
	/* the key of one is not the other's */
	ca_ike_close(ca);
	ck_assert_int_eq(ca_ike_open(cert.data, cert.len, other_key.data,
								 other_key.len, &ca, &e), -EINVAL);
	ck_assert_ptr_null(ca);
	ck_assert_int_eq(ca_ike_open(cert.data, cert.len / 2, key.data, key.len,
								 &ca, &e), -EINVAL);
	ck_assert_int_eq(ca_ike_open(cert.data, cert.len, key.data, 10, &ca, &e),
					 -EINVAL);
	ca_der_done(&other);
	ca_der_done(&other_key);
}
END_TEST

/* ---- certificates ---------------------------------------------------------------- */

static const char *const algorithms[] = {
	"-algorithm EC -pkeyopt ec_paramgen_curve:P-256",
	"-algorithm EC -pkeyopt ec_paramgen_curve:P-521",
	"-algorithm ED25519", "-algorithm RSA -pkeyopt rsa_keygen_bits:2048",
};

START_TEST(certificate_is_for_ike_and_nothing_else)
{
	static const char text[] = "openssl x509 -in site.crt -noout -text";

	issue(algorithms[_i], UINT64_C(0x7123456789abcdef), YEAR);
	ck_assert_int_eq(ends_s, now + YEAR);
	has(text, "CA:FALSE");
	has(text, "DNS:" IDENTITY "\n");
	has(text, "Digital Signature\n");
	has(text, "ipsec Internet Key Exchange\n");
	has(text, "O = acme, OU = corp, CN = paris");
	has(text, "(0x7123456789abcdef)");
	has(text, "X509v3 Authority Key Identifier");
	has_not(text, "TLS Web");
	has_not(text, "CRL Distribution");
	has_not(text, "Authority Information Access");
	ok("openssl verify -x509_strict -CAfile ca.crt site.crt");
	/* neither a router's certificate for its server, nor a server's */
	refused("openssl verify -purpose sslclient -CAfile ca.crt site.crt");
	refused("openssl verify -purpose sslserver -CAfile ca.crt site.crt");
	if (has_pki())
	{
		ok("pki --verify --in site.der --cacert ca.der");
	}
}
END_TEST

START_TEST(begins_earlier_for_clocks_that_differ)
{
	int status;
	char *out;

	issue(algorithms[0], 1, YEAR);
	ok("openssl verify -attime %lld -CAfile ca.crt site.crt",
	   (long long)now - 3590);
	refused("openssl verify -attime %lld -CAfile ca.crt site.crt",
			(long long)now - 3610);
	issue(algorithms[0], 1, 240);
	ok("openssl verify -attime %lld -CAfile ca.crt site.crt",
	   (long long)now - 9);
	refused("openssl verify -attime %lld -CAfile ca.crt site.crt",
			(long long)now - 11);
	out = sh(&status, "openssl verify -attime %lld -CAfile ca.crt site.crt",
			 (long long)now + 241);
	ck_assert_ptr_nonnull(strstr(out, "expired"));
	free(out);
}
END_TEST

START_TEST(never_outlives_its_authority)
{
	size_t len;
	uint8_t *spki = public_key(algorithms[0], &len);

	OK(ca_ike_issue(ca, spki, len, &paris, 1, now + 9 * YEAR + YEAR / 2,
					YEAR, &leaf, &ends_s, &e));
	ck_assert_int_eq(ends_s, now + 10 * YEAR);
	ca_der_done(&leaf);
	ck_assert_int_eq(ca_ike_issue(ca, spki, len, &paris, 1, now + 10 * YEAR,
								  YEAR, &leaf, &ends_s, &e), -EINVAL);
	ck_assert_ptr_null(leaf.data);
	/* nor of a key that is none */
	spki[len / 4] ^= 0x40;
	ck_assert_int_eq(ca_ike_issue(ca, spki, len / 2, &paris, 1, now, YEAR,
								  &leaf, &ends_s, &e), -EINVAL);
	free(spki);
}
END_TEST

START_TEST(check_sees_what_does_not_fit)
{
	struct ca_der other, other_key;
	struct ca_ike *stranger;
	uint8_t spki[32];
	int status;
	char *out;

	issue(algorithms[0], 1, YEAR);
	out = sh(&status, "sha256sum site.pub");
	out[64] = '\0';
	ck_assert_int_eq(hex_decode(out, spki, 32), 0);
	free(out);
	OK(ca_ike_check(ca, leaf.data, leaf.len, IDENTITY, spki, &e));
	ck_assert_int_lt(ca_ike_check(ca, leaf.data, leaf.len, IDENTITY "x", spki,
								  &e), 0);
	ck_assert_int_lt(ca_ike_check(ca, leaf.data, leaf.len - 1, IDENTITY, spki,
								  &e), 0);
	make_list(NULL, 0, YEAR);
	OK(ca_ike_create("acme", "corp", now, YEAR, &other, &other_key, &ends_s,
					 &e));
	OK(ca_ike_open(other.data, other.len, other_key.data, other_key.len,
				   &stranger, &e));
	ck_assert_int_lt(ca_ike_check(stranger, leaf.data, leaf.len, IDENTITY,
								  spki, &e), 0);
	ck_assert_int_lt(ca_ike_check_list(stranger, list.data, list.len, &e), 0);
	list.data[list.len / 2] ^= 1;
	ck_assert_int_lt(ca_ike_check_list(ca, list.data, list.len, &e), 0);
	spki[3] ^= 1;
	ck_assert_int_lt(ca_ike_check(ca, leaf.data, leaf.len, IDENTITY, spki,
								  &e), 0);
	ca_ike_close(stranger);
	ca_der_done(&other);
	ca_der_done(&other_key);
}
END_TEST

/* ---- lists ----------------------------------------------------------------------- */

START_TEST(list_revokes_what_it_names)
{
	struct crl_entry entries[] = {
		{ 5, now - 60, CRL_KEY_COMPROMISE },
		{ UINT64_C(0x7123456789abcdef), now - 30, CRL_CESSATION },
		{ 130, now, 0 },
	};
	static const char text[] = "openssl crl -in list.crl -noout -text";

	issue(algorithms[0], UINT64_C(0x7123456789abcdef), YEAR);
	make_list(NULL, 0, 30 * 86400);
	has(text, "No Revoked Certificates");
	ok("openssl verify -x509_strict -crl_check -CAfile ca.crt "
	   "-CRLfile list.crl site.crt");
	make_list(entries, 1, 30 * 86400);
	ok("openssl verify -x509_strict -crl_check -CAfile ca.crt "
	   "-CRLfile list.crl site.crt");
	make_list(entries, 3, 30 * 86400);
	has(text, "Version 2");
	has(text, "CRL Number: \n                7\n");
	has(text, "Serial Number: 7123456789ABCDEF");
	has(text, "Serial Number: 82\n");
	has(text, "Key Compromise");
	has(text, "Cessation Of Operation");
	has(text, "X509v3 Authority Key Identifier");
	has("openssl verify -crl_check -CAfile ca.crt -CRLfile list.crl site.crt "
		"|| true", "certificate revoked");
	if (has_pki())
	{
		refused("pki --verify --in site.der --cacert ca.der --crl list.der");
		make_list(entries, 1, 30 * 86400);
		ok("pki --verify --in site.der --cacert ca.der --crl list.der");
	}
}
END_TEST

START_TEST(list_ends)
{
	issue(algorithms[0], 9, YEAR);
	make_list(NULL, 0, 1200);
	ok("openssl verify -attime %lld -crl_check -CAfile ca.crt -CRLfile "
	   "list.crl site.crt", (long long)now - 49);
	refused("openssl verify -attime %lld -crl_check -CAfile ca.crt -CRLfile "
			"list.crl site.crt", (long long)now + 1201);
}
END_TEST

START_TEST(a_full_list_fits_a_document)
{
	static struct crl_entry entries[500];
	size_t i;

	for (i = 0; i < COUNT(entries); i++)
	{
		entries[i] = (struct crl_entry){
			UINT64_C(0x7fffffffffffff00) - i, now - (int64_t)i,
			CRL_KEY_COMPROMISE
		};
	}
	make_list(entries, COUNT(entries), YEAR);
	/* in base64 */
	ck_assert_uint_lt((list.len + 2) / 3 * 4, 65536);
	has("openssl crl -in list.crl -noout -text | grep -c 'Serial Number'",
		"500\n");
}
END_TEST

int main(void)
{
	TCase *tc = tcase_create("ca_ike");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, authority_is_one_of_its_vpn);
	tcase_add_test(tc, two_of_one_vpn_differ);
	tcase_add_loop_test(tc, certificate_is_for_ike_and_nothing_else, 0,
						(int)COUNT(algorithms));
	tcase_add_test(tc, begins_earlier_for_clocks_that_differ);
	tcase_add_test(tc, never_outlives_its_authority);
	tcase_add_test(tc, check_sees_what_does_not_fit);
	tcase_add_test(tc, list_revokes_what_it_names);
	tcase_add_test(tc, list_ends);
	tcase_add_test(tc, a_full_list_fits_a_document);
	return run_case(tc, "ca_ike");
}
