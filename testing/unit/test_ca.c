/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/* test_ca.c - what the CA makes, judged by openssl(1); hostile requests */
#include "config.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "alloc.h"
#include "file.h"
#include "run.h"
#include "text.h"
#include "server/base64.h"
#include "server/ca.h"

static char dir[64];
static struct ca *ca;
static uint32_t life_s = 365 * 86400;

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

static void has(const char *file, const char *want)
{
	int status;
	char *out = sh(&status, "openssl x509 -in %s -noout -text", file);

	ck_assert_msg(strstr(out, want) != NULL, "no '%s' in %s", want, out);
	free(out);
}

static void setup(void)
{
	struct err e = { 0 };

	snprintf(dir, sizeof(dir), "/tmp/test_ca.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	ck_assert_int_eq(ca_create(at("ca.crt"), at("ca.key"), &e), 0);
	ck_assert_int_eq(ca_load(at("ca.crt"), at("ca.key"), &ca, &e), 0);
}

static void teardown(void)
{
	int status;

	ca_free(ca);
	free(sh(&status, "rm -r %s", dir));
}

static int read_csr(const char *file, struct ca_csr **csr, struct err *e)
{
	char *der;
	size_t len;
	int rc;

	ck_assert_int_eq(file_read(at(file), 65536, &der, &len, e), 0);
	rc = ca_csr_read((uint8_t *)der, len, csr, e);
	free(der);
	return rc;
}

static void make_csr(const char *algorithm)
{
	ok("openssl req -new -newkey %s -nodes -keyout ce.key -subj /CN=evil "
	   "-addext basicConstraints=CA:TRUE -addext "
	   "subjectAltName=DNS:vpn1.sp.example -outform DER -out ce.csr",
	   algorithm);
}

static void issue(const char *name, uint64_t serial)
{
	struct ca_csr *csr;
	struct err e = { 0 };
	int64_t ends_s;
	char *pem;

	ck_assert_msg(read_csr("ce.csr", &csr, &e) == 0, "%s", e.text);
	ck_assert_msg(ca_issue_ce(ca, csr, name, serial, life_s, &pem, &ends_s,
							  &e) == 0, "%s", e.text);
	ck_assert_int_eq(file_write(at("ce.crt"), pem, strlen(pem), 0600, &e), 0);
	free(pem);
	ca_csr_free(csr);
}

/* ---- CA and server ---------------------------------------------------------------- */

START_TEST(ca_is_a_ca)
{
	struct stat st;

	ok("openssl verify -x509_strict -check_ss_sig -CAfile ca.crt ca.crt");
	has("ca.crt", "CA:TRUE, pathlen:0");
	has("ca.crt", "Certificate Sign, CRL Sign");
	has("ca.crt", "NIST CURVE: P-256");
	ok("openssl x509 -in ca.crt -noout -checkend %d", 29 * 365 * 86400);
	ck_assert_int_eq(stat(at("ca.key"), &st), 0);
	ck_assert_uint_eq(st.st_mode & 07777, 0600);
	ok("openssl pkey -in ca.key -check -noout");
}
END_TEST

START_TEST(two_cas_differ)
{
	int status;
	char *a, *b;
	struct err e = { 0 };

	ck_assert_int_eq(ca_create(at("b.crt"), at("b.key"), &e), 0);
	a = sh(&status, "openssl x509 -in ca.crt -noout -subject");
	b = sh(&status, "openssl x509 -in b.crt -noout -subject");
	ck_assert_str_ne(a, b);
	free(a);
	free(b);
}
END_TEST

START_TEST(server_certificate)
{
	static const char *const hosts[] = { "vpn1.sp.example", "192.0.2.5",
										 "2001:db8::1" };
	struct err e = { 0 };
	long days;

	ck_assert_int_eq(ca_make_server(ca, hosts, 3, at("s.crt"), at("s.key"),
									&e), 0);
	ok("openssl verify -x509_strict -purpose sslserver -verify_hostname "
	   "vpn1.sp.example -CAfile ca.crt s.crt");
	ok("openssl verify -x509_strict -purpose sslserver -verify_ip 192.0.2.5 "
	   "-CAfile ca.crt s.crt");
	ok("openssl verify -x509_strict -purpose sslserver -verify_ip 2001:db8::1 "
	   "-CAfile ca.crt s.crt");
	ok("! openssl verify -purpose sslclient -CAfile ca.crt s.crt");
	ok("! openssl verify -verify_hostname other.example -CAfile ca.crt s.crt");
	ok("openssl x509 -in s.crt -pubkey -noout >a; "
	   "openssl pkey -in s.key -pubout >b; cmp a b");
	ck_assert_int_eq(ca_days_left(at("s.crt"), &days, &e), 0);
	ck_assert_int_ge(days, 3640);
}
END_TEST

START_TEST(load_refuses)
{
	struct ca *other;
	struct err e = { 0 };

	ck_assert_int_eq(ca_create(at("b.crt"), at("b.key"), &e), 0);
	ck_assert_int_lt(ca_load(at("ca.crt"), at("b.key"), &other, &e), 0);
	ck_assert_ptr_null(other);
	ck_assert_int_lt(ca_load(at("ca.key"), at("ca.key"), &other, &e), 0);
	ck_assert_int_lt(ca_load(at("ca.crt"), at("ca.crt"), &other, &e), 0);
	ck_assert_int_eq(ca_load(at("none"), at("ca.key"), &other, &e), -ENOENT);
}
END_TEST

/* ---- CEs ---------------------------------------------------------------------------- */

static const char *const algorithms[] = {
	"ec -pkeyopt ec_paramgen_curve:P-256",
	"ec -pkeyopt ec_paramgen_curve:P-384",
	"ed25519",
	"rsa:2048",
};

START_TEST(ce_certificate)
{
	int status;
	char *out;

	make_csr(algorithms[_i]);
	issue("acme/paris-r1", 4711);
	ok("openssl verify -x509_strict -purpose sslclient -CAfile ca.crt ce.crt");
	ok("! openssl verify -purpose sslserver -CAfile ca.crt ce.crt");
	ok("openssl x509 -in ce.crt -pubkey -noout >a; "
	   "openssl pkey -in ce.key -pubout >b; cmp a b");
	has("ce.crt", "Subject: CN = acme/paris-r1\n");
	has("ce.crt", "Serial Number: 4711 (");
	has("ce.crt", "CA:FALSE");
	has("ce.crt", "TLS Web Client Authentication");
	ok("openssl x509 -in ce.crt -noout -checkend %d", 364 * 86400);
	ok("! openssl x509 -in ce.crt -noout -checkend %d", 366 * 86400);
	/* nothing of what the request asked for */
	out = sh(&status, "openssl x509 -in ce.crt -noout -text");
	ck_assert_ptr_null(strstr(out, "evil"));
	ck_assert_ptr_null(strstr(out, "vpn1.sp.example"));
	free(out);
	/* begins an hour ago: clocks differ */
	ok("openssl verify -attime $(($(date +%%s) - 3000)) -CAfile ca.crt ce.crt");
	ok("! openssl verify -attime $(($(date +%%s) - 4000)) -CAfile ca.crt "
	   "ce.crt");
}
END_TEST

START_TEST(operator_certificate)
{
	struct err e = { 0 };
	struct ca_csr *csr;
	char *pem, *out;
	int status;

	make_csr(algorithms[_i]);
	ck_assert_int_eq(read_csr("ce.csr", &csr, &e), 0);
	ck_assert_int_eq(ca_issue_operator(ca, csr, "alice", 4712, &pem, &e), 0);
	ck_assert_int_eq(file_write(at("op.crt"), pem, strlen(pem), 0600, &e), 0);
	free(pem);
	ca_csr_free(csr);
	ok("openssl verify -x509_strict -purpose sslclient -CAfile ca.crt op.crt");
	ok("! openssl verify -purpose sslserver -CAfile ca.crt op.crt");
	has("op.crt", "Subject: CN = alice\n");
	has("op.crt", "URI:ppvpn:operator/alice/4712\n");
	has("op.crt", "CA:FALSE");
	ok("openssl x509 -in op.crt -noout -checkend %d", 364 * 86400);
	ok("! openssl x509 -in op.crt -noout -checkend %d", 366 * 86400);
	out = sh(&status, "openssl x509 -in op.crt -noout -text");
	ck_assert_ptr_null(strstr(out, "evil"));
	ck_assert_ptr_null(strstr(out, "vpn1.sp.example"));
	free(out);
	/* a router's says nothing of the kind */
	issue("acme/paris-r1", 4711);
	out = sh(&status, "openssl x509 -in ce.crt -noout -text");
	ck_assert_ptr_null(strstr(out, "URI:"));
	free(out);
}
END_TEST

START_TEST(spki_is_that_of_openssl)
{
	struct ca_csr *csr;
	struct err e = { 0 };
	char hex[65], *out;
	int status;

	make_csr(algorithms[_i]);
	ck_assert_int_eq(read_csr("ce.csr", &csr, &e), 0);
	hex_encode(ca_csr_spki(csr), 32, hex);
	ca_csr_free(csr);
	out = sh(&status, "openssl pkey -in ce.key -pubout -outform DER | "
			 "openssl dgst -sha256 -r");
	ck_assert_int_eq(strncmp(out, hex, 64), 0);
	free(out);
}
END_TEST

START_TEST(names_and_serials_of_any_size)
{
	static const uint64_t serials[] = { 1, 127, 128, 255, 256, 0x8000,
										0x7fffffffffffffff, UINT64_MAX };
	char name[128];

	make_csr(algorithms[0]);
	for (size_t i = 0; i < COUNT(serials); i++)
	{
		char want[64];
		char *out;
		int status;

		issue("a/b", serials[i]);
		ok("openssl verify -x509_strict -CAfile ca.crt ce.crt");
		out = sh(&status, "openssl x509 -in ce.crt -noout -serial");
		snprintf(want, sizeof(want), "serial=%s%llX\n",
				 serials[i] < 16 || serials[i] == 0x7fff ? "0" : "",
				 (unsigned long long)serials[i]);
		if (serials[i] == 256)
		{
			snprintf(want, sizeof(want), "serial=0100\n");
		}
		ck_assert_str_eq(out, want);
		free(out);
	}
	/* two labels of 63 */
	memset(name, 'a', sizeof(name));
	name[63] = '/';
	name[127] = '\0';
	issue(name, 5);
	ok("openssl verify -x509_strict -CAfile ca.crt ce.crt");
	has("ce.crt", name);
}
END_TEST

static const char *const weak[] = {
	"rsa:1024",
	"ec -pkeyopt ec_paramgen_curve:secp224r1",
	"ed448",
};

START_TEST(refuses_weak_keys)
{
	struct ca_csr *csr;
	struct err e = { 0 };

	make_csr(weak[_i]);
	ck_assert_int_lt(read_csr("ce.csr", &csr, &e), 0);
	ck_assert_ptr_null(csr);
}
END_TEST

/* Every bit of a request matters, and none of them crashes. */
START_TEST(refuses_broken_requests)
{
	struct ca_csr *csr;
	struct err e = { 0 };
	char *der;
	size_t len;
	unsigned taken = 0;

	make_csr(algorithms[0]);
	ck_assert_int_eq(file_read(at("ce.csr"), 65536, &der, &len, &e), 0);
	for (size_t i = 0; i < len; i++)
	{
		der[i] ^= 1;
		taken += ca_csr_read((uint8_t *)der, len, &csr, &e) == 0;
		ca_csr_free(csr);
		der[i] ^= 1;
		ck_assert_int_lt(ca_csr_read((uint8_t *)der, i, &csr, &e), 0);
	}
	ck_assert_uint_eq(taken, 0);
	free(der);
	der = xcalloc(1, CA_DER_MAX + 1);
	ck_assert_int_eq(ca_csr_read((uint8_t *)der, CA_DER_MAX + 1, &csr, &e),
					 -E2BIG);
	free(der);
}
END_TEST

START_TEST(pkcs7_for_est)
{
	struct err e = { 0 };
	char *base64, *out;
	uint8_t *der;
	size_t len;
	int status;

	ck_assert_int_eq(ca_pkcs7(ca_pem(ca), &base64, &e), 0);
	der = xcalloc(1, strlen(base64));
	ck_assert_int_eq(base64_decode(base64, strlen(base64), der, &len), 0);
	ck_assert_int_eq(file_write(at("p7"), der, len, 0600, &e), 0);
	ok("openssl pkcs7 -inform DER -in p7 -print_certs -out p7.crt");
	out = sh(&status, "openssl x509 -in p7.crt -outform DER | sha256sum; "
			 "openssl x509 -in ca.crt -outform DER | sha256sum");
	ck_assert_int_eq(strncmp(out, strchr(out, '\n') + 1, 64), 0);
	/* of content that is said to be data: strongSwan reads no other */
	ok("openssl asn1parse -inform DER -in p7 | grep -q pkcs7-signedData");
	ok("openssl asn1parse -inform DER -in p7 | grep -q pkcs7-data");
	/* as CMS too, and without a signer */
	ok("openssl cms -cmsout -print -inform DER -in p7 | "
	   "grep -A1 signerInfos: | grep -q EMPTY");
	free(out);
	free(der);
	free(base64);
	ck_assert_int_lt(ca_pkcs7("nonsense", &base64, &e), 0);
}
END_TEST

int main(void)
{
	TCase *tc = tcase_create("ca");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, ca_is_a_ca);
	tcase_add_test(tc, two_cas_differ);
	tcase_add_test(tc, server_certificate);
	tcase_add_test(tc, load_refuses);
	tcase_add_loop_test(tc, ce_certificate, 0, COUNT(algorithms));
	tcase_add_loop_test(tc, operator_certificate, 0, COUNT(algorithms));
	tcase_add_loop_test(tc, spki_is_that_of_openssl, 0, COUNT(algorithms));
	tcase_add_test(tc, names_and_serials_of_any_size);
	tcase_add_loop_test(tc, refuses_weak_keys, 0, COUNT(weak));
	tcase_add_test(tc, refuses_broken_requests);
	tcase_add_test(tc, pkcs7_for_est);
	return run_case(tc, "ca");
}
