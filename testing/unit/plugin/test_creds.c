/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * test_creds.c - a key for the exact pair of identities, and for nobody else
 */

#include "harness.h"
#include "ppvpn_creds.h"

static ppvpn_counters_t counters;
static ppvpn_table_t *table;
static ppvpn_creds_t *creds;

#define HUB "hub.corp.acme.example"

static void setup(void)
{
	ppvpn_counts_t counts;
	ppvpn_set_t *set;
	ppvpn_conn_spec_t spec;
	ppvpn_conn_t *conn;

	harness_setup();
	table = ppvpn_table_create();
	creds = ppvpn_creds_create(table, &counters);
	lib->credmgr->add_set(lib->credmgr, &creds->set);
	set = harness_set(0, 3, 1);
	spec = harness_spec(3);
	spec.keys[1] = harness_key(103);
	spec.keys[2] = harness_key(203);
	spec.key_count = 3;
	conn = harness_create(&spec);
	set->add(set, conn);
	conn->destroy(conn);
	table->replace(table, set, "r", &counts);
}

static void teardown(void)
{
	lib->credmgr->remove_set(lib->credmgr, &creds->set);
	creds->destroy(creds);
	table->destroy(table);
	harness_teardown();
}

/* Number of keys charon would try for these identities (adopted). */
static u_int count_keys(shared_key_type_t type, identification_t *me,
						identification_t *other)
{
	enumerator_t *enumerator;
	shared_key_t *key;
	u_int count = 0;

	enumerator = lib->credmgr->create_shared_enumerator(lib->credmgr, type,
														me, other);
	while (enumerator->enumerate(enumerator, &key, NULL, NULL))
	{
		count++;
	}
	enumerator->destroy(enumerator);
	DESTROY_IF(me);
	DESTROY_IF(other);
	return count;
}

/* The key charon would send with is number i. */
static void check_sent(char *me, char *other, u_int i)
{
	identification_t *local = harness_id(me), *remote = harness_id(other);
	chunk_t expected = harness_key(i);
	shared_key_t *key;

	key = lib->credmgr->get_shared(lib->credmgr, SHARED_IKE, local, remote);
	ck_assert_ptr_nonnull(key);
	ck_assert(chunk_equals(key->get_key(key), expected));
	key->destroy(key);
	chunk_free(&expected);
	local->destroy(local);
	remote->destroy(remote);
}

START_TEST(exact_pair)
{
	check_sent(HUB, "s0.corp.acme.example", 0);
	check_sent(HUB, "s2.corp.acme.example", 2);
	ck_assert_int_eq(count_keys(SHARED_IKE, harness_id(HUB),
								harness_id("s1.corp.acme.example")), 1);
}
END_TEST

START_TEST(no_other_pair)
{
	identification_t *any;

	/* one owner alone, the wrong way round, nobody, the wrong type */
	ck_assert_int_eq(count_keys(SHARED_IKE, harness_id("x.example"),
								harness_id("s1.corp.acme.example")), 0);
	ck_assert_int_eq(count_keys(SHARED_IKE, harness_id(HUB),
								harness_id("s9.corp.acme.example")), 0);
	ck_assert_int_eq(count_keys(SHARED_IKE,
								harness_id("s1.corp.acme.example"),
								harness_id(HUB)), 0);
	ck_assert_int_eq(count_keys(SHARED_IKE, NULL, NULL), 0);
	ck_assert_int_eq(count_keys(SHARED_ANY, harness_id(HUB), NULL), 0);
	ck_assert_int_eq(count_keys(SHARED_ANY, NULL,
								harness_id("s1.corp.acme.example")), 0);
	ck_assert_int_eq(count_keys(SHARED_PPK, harness_id(HUB),
								harness_id("s1.corp.acme.example")), 0);
	ck_assert_int_eq(count_keys(SHARED_EAP, harness_id(HUB),
								harness_id("s1.corp.acme.example")), 0);
	any = identification_create_from_encoding(ID_ANY, chunk_empty);
	ck_assert_int_eq(count_keys(SHARED_IKE, harness_id(HUB), any), 0);
	any = identification_create_from_encoding(ID_ANY, chunk_empty);
	ck_assert_int_eq(count_keys(SHARED_IKE, any,
								harness_id("s1.corp.acme.example")), 0);
}
END_TEST

START_TEST(no_near_match)
{
	ck_assert_int_eq(count_keys(SHARED_IKE, harness_id(HUB),
								harness_id("*.corp.acme.example")), 0);
	ck_assert_int_eq(count_keys(SHARED_IKE, harness_id(HUB),
								harness_id("S1.corp.acme.example")), 0);
	ck_assert_int_eq(count_keys(SHARED_IKE, harness_id(HUB),
								harness_id("s1.corp.acme.example.")), 0);
	ck_assert_int_eq(count_keys(SHARED_IKE, harness_id(HUB),
			identification_create_from_encoding(ID_KEY_ID,
						chunk_from_str("s1.corp.acme.example"))), 0);
	ck_assert_int_eq(count_keys(SHARED_IKE, harness_id(HUB),
			identification_create_from_encoding(ID_RFC822_ADDR,
						chunk_from_str("s1.corp.acme.example"))), 0);
}
END_TEST

START_TEST(several_keys_one_sent)
{
	ck_assert_int_eq(count_keys(SHARED_IKE, harness_id(HUB),
								harness_id("s3.corp.acme.example")), 3);
	check_sent(HUB, "s3.corp.acme.example", 3);
}
END_TEST

START_TEST(key_outlives_its_connection)
{
	identification_t *me = harness_id(HUB);
	identification_t *other = harness_id("s1.corp.acme.example");
	chunk_t expected = harness_key(1);
	enumerator_t *enumerator;
	ppvpn_counts_t counts;
	shared_key_t *key;

	enumerator = creds->set.create_shared_enumerator(&creds->set, SHARED_IKE,
													 me, other);
	table->replace(table, ppvpn_set_create(0), "r2", &counts);
	ck_assert(enumerator->enumerate(enumerator, &key, NULL, NULL));
	ck_assert(chunk_equals(key->get_key(key), expected));
	enumerator->destroy(enumerator);
	ck_assert_ptr_null(creds->set.create_shared_enumerator(&creds->set,
											SHARED_IKE, me, other));
	chunk_free(&expected);
	me->destroy(me);
	other->destroy(other);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("creds");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, exact_pair);
	tcase_add_test(tcase, no_other_pair);
	tcase_add_test(tcase, no_near_match);
	tcase_add_test(tcase, several_keys_one_sent);
	tcase_add_test(tcase, key_outlives_its_connection);
	return harness_run(tcase, "plugin_creds");
}
