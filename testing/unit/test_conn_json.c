/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * test_conn_json.c - the canonical connection and its tag
 */
#include "config.h"

#include "agent/charon.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "alloc.h"
#include "seal.h"
#include "text.h"

static struct arena *arena;
static struct model_profile profile;
static struct model_key keys[2];
static struct res_conn spec;

static char *proposals[] = {
	(char *)"aes256gcm16-prfsha384-ecp384", (char *)"aes128gcm16-x25519"
};
static char *esp_proposals[] = { (char *)"aes256gcm16-ecp384" };

static void setup(void)
{
	ck_assert_int_eq(seal_init(NULL), 0);
	arena = arena_new();
	profile = (struct model_profile){
		.proposals = proposals, .proposal_count = 2,
		.esp_proposals = esp_proposals, .esp_proposal_count = 1,
		.rekey_time = 14400, .child_rekey_time = 3600, .dpd_delay = 30,
	};
	memset(keys, 0, sizeof(keys));
	keys[0].key_id = (char *)"g2";
	keys[0].use = MODEL_SEND_AND_ACCEPT;
	keys[0].secret.len = 16;
	memset(keys[0].secret.bytes, 0xa5, 16);
	keys[1].key_id = (char *)"g1";
	keys[1].use = MODEL_ACCEPT_ONLY;
	keys[1].secret.len = 16;
	spec = (struct res_conn){
		.name = (char *)"ppvpn:acme:corp:lyon",
		.local_id = (char *)"paris.corp.acme.vpn.sp.example",
		.remote_id = (char *)"lyon.corp.acme.vpn.sp.example",
		.profile = &profile, .keys = keys, .key_count = 2,
		.mark = 1895825409, .set_mark_out = 1895890943,
	};
	spec.local = addr_from_u32(0xc0000205);
	spec.remote = addr_from_u32(0xc0000209);
}

static void teardown(void)
{
	arena_free(arena);
}

#define HEAD "{\"name\":\"ppvpn:acme:corp:lyon\","
#define TAIL "\"local-address\":\"192.0.2.5\",\"remote-address\":\"192.0.2.9\"," \
	"\"local-identity\":{\"fqdn-string\":\"paris.corp.acme.vpn.sp.example\"}," \
	"\"remote-identity\":{\"fqdn-string\":\"lyon.corp.acme.vpn.sp.example\"}," \
	"\"proposals\":[\"aes256gcm16-prfsha384-ecp384\",\"aes128gcm16-x25519\"]," \
	"\"esp_proposals\":[\"aes256gcm16-ecp384\"]," \
	"\"rekey_time\":14400,\"child_rekey_time\":3600,\"dpd_delay\":30," \
	"\"mark\":1895825409,\"set_mark_out\":1895890943," \
	"\"pre-shared\":{\"keys\":[" \
	"{\"key-id\":\"g2\",\"use\":\"send-and-accept\"," \
	"\"secret\":\"a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5\"}," \
	"{\"key-id\":\"g1\",\"use\":\"accept-only\"," \
	"\"secret\":\"00000000000000000000000000000000\"}]}}"

START_TEST(canonical_text_and_tag)
{
	uint8_t digest[32];
	char tag[65];
	char *expected;

	conn_json_build(arena, &spec);
	seal_sha256(HEAD TAIL, strlen(HEAD TAIL), digest);
	hex_encode(digest, sizeof(digest), tag);
	ck_assert_str_eq(spec.tag, tag);
	expected = xasprintf("%s\"tag\":\"%s\",%s", HEAD, tag, TAIL);
	ck_assert_str_eq(spec.json, expected);
	free(expected);
}
END_TEST

START_TEST(equal_connections_have_equal_tags)
{
	char first[65];

	conn_json_build(arena, &spec);
	memcpy(first, spec.tag, sizeof(first));
	memset(spec.tag, 'x', sizeof(spec.tag) - 1);
	conn_json_build(arena, &spec);
	ck_assert_str_eq(spec.tag, first);
}
END_TEST

START_TEST(every_part_changes_the_tag)
{
	char first[65];

	conn_json_build(arena, &spec);
	memcpy(first, spec.tag, sizeof(first));
	switch (_i)
	{
		case 0:
			spec.name = (char *)"ppvpn:acme:corp:nice";
			break;
		case 1:
			spec.local = addr_from_u32(1);
			break;
		case 2:
			spec.remote = addr_from_u32(1);
			break;
		case 3:
			spec.local_id = (char *)"a.b";
			break;
		case 4:
			spec.remote_id = (char *)"a.b";
			break;
		case 5:
			profile.proposal_count = 1;
			break;
		case 6:
			profile.esp_proposal_count = 0;
			break;
		case 7:
			profile.rekey_time++;
			break;
		case 8:
			profile.child_rekey_time++;
			break;
		case 9:
			profile.dpd_delay++;
			break;
		case 10:
			spec.mark++;
			break;
		case 11:
			spec.set_mark_out++;
			break;
		case 12:
			keys[1].secret.bytes[15] ^= 1;
			break;
		case 13:
			spec.key_count = 1;
			break;
		case 14:
			keys[0].key_id = (char *)"g3";
			break;
		case 15:
			spec.credentials = "acme/corp";
			break;
		default:
			keys[1].use = MODEL_SEND_AND_ACCEPT;
			break;
	}
	conn_json_build(arena, &spec);
	ck_assert_str_ne(spec.tag, first);
}
END_TEST

START_TEST(unknown_address_is_any)
{
	memset(&spec.remote, 0, sizeof(spec.remote));
	conn_json_build(arena, &spec);
	ck_assert_ptr_nonnull(strstr(spec.json, "\"remote-address\":\"%any\""));
}
END_TEST

/* ---- certificates ------------------------------------------------------------ */

START_TEST(a_certificate_beside_keys_or_alone)
{
	char *both;

	spec.credentials = "acme/corp";
	spec.certificate_use = MODEL_ACCEPT_ONLY;
	conn_json_build(arena, &spec);
	ck_assert_ptr_nonnull(strstr(spec.json, "]},\"certificate\":{\"use\":"
								 "\"accept-only\",\"credentials\":"
								 "\"acme/corp\"}}"));
	both = spec.json;
	spec.key_count = 0;
	spec.certificate_use = MODEL_SEND_AND_ACCEPT;
	conn_json_build(arena, &spec);
	ck_assert_ptr_nonnull(strstr(both, "pre-shared"));
	ck_assert_ptr_null(strstr(spec.json, "pre-shared"));
	ck_assert_ptr_nonnull(strstr(spec.json, "{\"use\":\"send-and-accept\""));
}
END_TEST

static char *authorities[] = { (char *)"Q0E=", (char *)"Q0Ey" };
static char *lists[] = { (char *)"Q1JM" };
static struct model_certificate certificate;
static struct res_credentials credentials;
static char own[101];

static void certify(void)
{
	memset(own, 'A', 100);
	certificate = (struct model_certificate){
		.cert_data = own, .ca_data = authorities, .ca_count = 2,
		.crl_data = lists, .crl_count = 1, .revocation = MODEL_STRICT,
	};
	credentials = (struct res_credentials){
		.name = (char *)"acme/corp", .certificate = &certificate,
		.private_key = "-----BEGIN PRIVATE KEY-----\nSECRET\n",
	};
}

#define PEM(label, body) "\"-----BEGIN " label "-----\\u000a" body \
	"\\u000a-----END " label "-----\\u000a\""
#define A16 "AAAAAAAAAAAAAAAA"
#define CREDENTIALS_HEAD "{\"name\":\"acme/corp\","
#define CREDENTIALS_TAIL "\"certificates\":[" \
	PEM("CERTIFICATE", A16 A16 A16 A16 "\\u000a" A16 A16 "AAAA") "]," \
	"\"private-key\":\"-----BEGIN PRIVATE KEY-----\\u000aSECRET\\u000a\"," \
	"\"authorities\":[" PEM("CERTIFICATE", "Q0E=") "," \
	PEM("CERTIFICATE", "Q0Ey") "]," \
	"\"revocation-lists\":[" PEM("X509 CRL", "Q1JM") "]," \
	"\"revocation\":\"strict\"}"

START_TEST(credentials_and_their_tag)
{
	const char plain[] = CREDENTIALS_HEAD CREDENTIALS_TAIL;
	uint8_t digest[32];
	char tag[65], *expected;

	certify();
	credentials_json_build(arena, &credentials);
	seal_sha256(plain, strlen(plain), digest);
	hex_encode(digest, sizeof(digest), tag);
	ck_assert_str_eq(credentials.tag, tag);
	expected = xasprintf("%s\"tag\":\"%s\",%s", CREDENTIALS_HEAD, tag,
						 CREDENTIALS_TAIL);
	ck_assert_str_eq(credentials.json, expected);
	free(expected);
}
END_TEST

START_TEST(every_part_changes_the_credentials_tag)
{
	char first[65];

	certify();
	credentials_json_build(arena, &credentials);
	memcpy(first, credentials.tag, sizeof(first));
	switch (_i)
	{
		case 0:
			credentials.name = (char *)"acme/lab";
			break;
		case 1:
			credentials.private_key = "-----BEGIN PRIVATE KEY-----\nOTHER\n";
			break;
		case 2:
			own[99] = 'B';
			break;
		case 3:
			certificate.ca_count = 1;
			break;
		case 4:
			certificate.crl_count = 0;
			break;
		default:
			certificate.revocation = MODEL_RELAXED;
			break;
	}
	credentials_json_build(arena, &credentials);
	ck_assert_str_ne(credentials.tag, first);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("conn_json");
	TCase *tc = tcase_create("conn_json");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, canonical_text_and_tag);
	tcase_add_test(tc, equal_connections_have_equal_tags);
	tcase_add_loop_test(tc, every_part_changes_the_tag, 0, 17);
	tcase_add_test(tc, unknown_address_is_any);
	tcase_add_test(tc, a_certificate_beside_keys_or_alone);
	tcase_add_test(tc, credentials_and_their_tag);
	tcase_add_loop_test(tc, every_part_changes_the_credentials_tag, 0, 6);
	suite_add_tcase(s, tc);
	runner = srunner_create(s);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
