/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * harness.c - libcharon, as Debian ships it, inside a test program
 */

#include "harness.h"

#include <collections/array.h>

/** Strings of the specs made last; they are borrowed by the spec. */
static char names[16][6][300];
static u_int next;

/** Members that every connection in JSON has in common. */
#define JSON_COMMON \
	"\"proposals\":[\"aes128-sha256-curve25519\"]," \
	"\"esp_proposals\":[\"aes128-sha256\"]," \
	"\"rekey_time\":14400,\"child_rekey_time\":3600,\"dpd_delay\":30," \
	"\"set_mark_out\":0,"

static void setup(u_int threads)
{
	ck_assert(library_init("", "ppvpn-test"));
	ck_assert(libcharon_init());
	/* no logger: what a test makes the plugin say is not for the terminal */
	dbg_default_set_level(-1);
	if (threads)
	{
		lib->processor->set_threads(lib->processor, threads);
	}
}

void harness_setup(void)
{
	setup(0);
}

void harness_setup_threads(void)
{
	setup(4);
}

void harness_teardown(void)
{
	libcharon_deinit();
	library_deinit();
}

chunk_t harness_key(u_int i)
{
	chunk_t key = chunk_alloc(32);

	memset(key.ptr, 0x5a, key.len);
	htoun32(key.ptr, i);
	return key;
}

ppvpn_conn_spec_t harness_spec(u_int i)
{
	char (*text)[300] = names[next++ % countof(names)];
	ppvpn_conn_spec_t spec = {
		.name = text[0],
		.tag = text[1],
		.local_address = "192.0.2.1",
		.remote_address = text[2],
		.local_identity = "hub.corp.acme.example",
		.remote_identity = text[3],
		.proposals = { "aes128-sha256-curve25519" },
		.esp_proposals = { "aes128-sha256" },
		.rekey_time = 14400,
		.child_rekey_time = 3600,
		.dpd_delay = 30,
		.mark = i + 1,
		.keys = { harness_key(i) },
		.key_count = 1,
	};

	snprintf(text[0], sizeof(text[0]), "ppvpn:acme:corp:s%u", i);
	snprintf(text[1], sizeof(text[1]), "%064u", i);
	snprintf(text[2], sizeof(text[2]), "198.51.%u.%u", i / 250, 1 + i % 250);
	snprintf(text[3], sizeof(text[3]), "s%u.corp.acme.example", i);
	return spec;
}

ppvpn_conn_t *harness_create(ppvpn_conn_spec_t *spec)
{
	ppvpn_conn_part_t part;
	ppvpn_conn_t *conn;
	u_int index;

	conn = ppvpn_conn_create(spec, &part, &index);
	ck_assert_ptr_nonnull(conn);
	ck_assert_int_eq(part, PPVPN_CONN_OK);
	return conn;
}

ppvpn_conn_t *harness_conn(u_int i, u_int generation)
{
	ppvpn_conn_spec_t spec = harness_spec(i);

	snprintf(spec.tag, sizeof(names[0][0]), "%032u%032u", i, generation);
	return harness_create(&spec);
}

identification_t *harness_id(char *fqdn)
{
	return identification_create_from_encoding(ID_FQDN, chunk_from_str(fqdn));
}

host_t *harness_host(char *address)
{
	return host_create_from_string(address, 500);
}

char *harness_json(u_int i, u_int generation)
{
	char *json = NULL;

	ck_assert_int_ge(asprintf(&json,
		"{\"name\":\"ppvpn:acme:corp:s%u\",\"tag\":\"%032u%032u\","
		"\"local-address\":\"192.0.2.1\","
		"\"remote-address\":\"198.51.%u.%u\","
		"\"local-identity\":{\"fqdn-string\":\"hub.corp.acme.example\"},"
		"\"remote-identity\":{\"fqdn-string\":\"s%u.corp.acme.example\"},"
		JSON_COMMON "\"mark\":%u,\"pre-shared\":{\"keys\":[{"
		"\"key-id\":\"g1\",\"use\":\"send-and-accept\","
		"\"secret\":\"%064x\"}]}}", i, i, generation, i / 250, 1 + i % 250, i,
		i + 1, i), 0);
	return json;
}

ppvpn_set_t *harness_set(u_int first, u_int count, u_int generation)
{
	ppvpn_conn_t *conn;
	ppvpn_set_t *set;
	u_int i;

	set = ppvpn_set_create(count);
	for (i = first; i < first + count; i++)
	{
		conn = harness_conn(i, generation);
		ck_assert_int_eq(set->add(set, conn), PPVPN_NO_CLASH);
		conn->destroy(conn);
	}
	return set;
}

int harness_run(TCase *tcase, const char *name)
{
	Suite *suite = suite_create(name);
	SRunner *runner;
	int failed;

	tcase_set_timeout(tcase, 120);
	suite_add_tcase(suite, tcase);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
