/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * test_table.c - indexes, whole-set replacement, updates that are all or nothing
 */

#include "harness.h"

#include <collections/array.h>

static ppvpn_table_t *table;

static void setup(void)
{
	harness_setup();
	table = ppvpn_table_create();
}

static void teardown(void)
{
	table->destroy(table);
	harness_teardown();
}

/* Replace the table's set by connections first.. and check the counts. */
static void replace(u_int first, u_int count, u_int generation,
					char *revision, ppvpn_counts_t expected)
{
	ppvpn_counts_t counts;

	table->replace(table, harness_set(first, count, generation), revision,
				   &counts);
	ck_assert_int_eq(counts.added, expected.added);
	ck_assert_int_eq(counts.changed, expected.changed);
	ck_assert_int_eq(counts.removed, expected.removed);
	ck_assert_int_eq(counts.unchanged, expected.unchanged);
}

/* The connection of a name, without the reference. */
static ppvpn_conn_t *peek(char *name)
{
	ppvpn_conn_t *conn = table->get_by_name(table, name);

	if (conn)
	{
		conn->destroy(conn);
	}
	return conn;
}

/* Number of peer_cfgs for a pair of identities, NULL for none given. */
static u_int count_peers(char *local, char *remote)
{
	identification_t *me = NULL, *other = NULL;
	enumerator_t *enumerator;
	peer_cfg_t *peer;
	u_int count = 0;

	me = local ? harness_id(local) : NULL;
	other = remote ? harness_id(remote) : NULL;
	enumerator = table->create_peer_cfg_enumerator(table, me, other);
	while (enumerator->enumerate(enumerator, &peer))
	{
		ck_assert_ptr_nonnull(peer->get_name(peer));
		count++;
	}
	enumerator->destroy(enumerator);
	DESTROY_IF(me);
	DESTROY_IF(other);
	return count;
}

static void check_revision(char *revision, u_int count)
{
	char current[PPVPN_REVISION_LEN];

	ck_assert_int_eq(table->get_revision(table, current), count);
	ck_assert_str_eq(current, revision);
}

/* Apply an update of these connections (adopted) and names. */
static status_t update(char *base, char *revision, array_t *upsert,
					   array_t *remove, ppvpn_counts_t *counts,
					   ppvpn_clash_t *clash, u_int *index)
{
	ppvpn_change_t change = {
		.base_revision = base,
		.revision = revision,
		.upsert = upsert ?: array_create(0, 0),
		.remove = remove ?: array_create(0, 0),
	};
	ppvpn_update_part_t part;
	status_t status;

	status = table->update(table, &change, counts, clash, &part, index);
	array_destroy_offset(change.upsert, offsetof(ppvpn_conn_t, destroy));
	array_destroy(change.remove);
	return status;
}

START_TEST(empty_at_first)
{
	check_revision("", 0);
	ck_assert_ptr_null(peek("ppvpn:acme:corp:s0"));
	ck_assert_int_eq(count_peers(NULL, NULL), 0);
}
END_TEST

START_TEST(replace_counts)
{
	replace(0, 10, 1, "r1", (ppvpn_counts_t){ .added = 10 });
	check_revision("r1", 10);
	replace(0, 10, 1, "r2", (ppvpn_counts_t){ .unchanged = 10 });
	replace(5, 10, 1, "r3", (ppvpn_counts_t){ .added = 5, .removed = 5,
											  .unchanged = 5 });
	replace(5, 10, 2, "r4", (ppvpn_counts_t){ .changed = 10 });
	replace(0, 0, 0, "r5", (ppvpn_counts_t){ .removed = 10 });
	check_revision("r5", 0);
}
END_TEST

START_TEST(unchanged_keeps_its_object)
{
	ppvpn_conn_t *before, *after;

	replace(0, 3, 1, "r1", (ppvpn_counts_t){ .added = 3 });
	before = peek("ppvpn:acme:corp:s1");
	replace(0, 3, 1, "r2", (ppvpn_counts_t){ .unchanged = 3 });
	after = peek("ppvpn:acme:corp:s1");
	ck_assert_ptr_eq(before, after);
	ck_assert_ptr_eq(before->peer_cfg, after->peer_cfg);
	ck_assert_int_eq(count_peers(NULL, NULL), 3);
}
END_TEST

START_TEST(old_snapshot_stays_valid)
{
	char revision[PPVPN_REVISION_LEN];
	enumerator_t *enumerator;
	ppvpn_conn_t *conn;
	u_int count = 0;

	replace(0, 5, 1, "r1", (ppvpn_counts_t){ .added = 5 });
	enumerator = table->create_enumerator(table, NULL, revision);
	replace(0, 0, 0, "r2", (ppvpn_counts_t){ .removed = 5 });
	while (enumerator->enumerate(enumerator, &conn))
	{
		ck_assert(strpfx(conn->name, "ppvpn:acme:corp:s"));
		count++;
	}
	enumerator->destroy(enumerator);
	ck_assert_int_eq(count, 5);
	ck_assert_str_eq(revision, "r1");
}
END_TEST

START_TEST(finds_by_identities)
{
	identification_t *me, *other;
	ppvpn_conn_t *conn;

	replace(0, 300, 1, "r1", (ppvpn_counts_t){ .added = 300 });
	me = harness_id("hub.corp.acme.example");
	other = harness_id("s217.corp.acme.example");
	conn = table->get_by_ids(table, me, other);
	ck_assert_str_eq(conn->name, "ppvpn:acme:corp:s217");
	conn->destroy(conn);
	ck_assert_ptr_null(table->get_by_ids(table, other, me));
	me->destroy(me);
	other->destroy(other);
}
END_TEST

START_TEST(peers_by_identities)
{
	char *hub = "hub.corp.acme.example";

	replace(0, 50, 1, "r1", (ppvpn_counts_t){ .added = 50 });
	ck_assert_int_eq(count_peers(hub, "s7.corp.acme.example"), 1);
	ck_assert_int_eq(count_peers(NULL, "s7.corp.acme.example"), 1);
	ck_assert_int_eq(count_peers(NULL, NULL), 50);
	ck_assert_int_eq(count_peers(hub, NULL), 50);
	ck_assert_int_eq(count_peers(hub, "s50.corp.acme.example"), 0);
	ck_assert_int_eq(count_peers(hub, "S7.corp.acme.example"), 0);
	ck_assert_int_eq(count_peers(hub, "*.corp.acme.example"), 0);
	ck_assert_int_eq(count_peers("x.corp.acme.example",
								 "s7.corp.acme.example"), 0);
}
END_TEST

START_TEST(one_remote_identity_many_local)
{
	char local[3][64];
	ppvpn_counts_t counts;
	ppvpn_clash_t clash;
	ppvpn_conn_spec_t spec;
	array_t *upsert, *remove;
	u_int i, index;

	upsert = array_create(0, 0);
	for (i = 0; i < 3; i++)
	{
		spec = harness_spec(i);
		snprintf(local[i], sizeof(local[i]), "l%u.corp.acme.example", i);
		spec.local_identity = local[i];
		spec.remote_identity = "far.corp.acme.example";
		array_insert(upsert, ARRAY_TAIL, harness_create(&spec));
	}
	ck_assert_int_eq(update("", "r1", upsert, NULL, &counts, &clash, &index),
					 SUCCESS);
	ck_assert_int_eq(count_peers(NULL, "far.corp.acme.example"), 3);
	/* the one in the middle, the head, the last */
	for (i = 0; i < 3; i++)
	{
		remove = array_create(0, 0);
		array_insert(remove, ARRAY_TAIL,
					 i == 0 ? "ppvpn:acme:corp:s1" :
					 i == 1 ? "ppvpn:acme:corp:s2" : "ppvpn:acme:corp:s0");
		ck_assert_int_eq(update("r1", "r1", NULL, remove, &counts, &clash,
								&index), SUCCESS);
		ck_assert_int_eq(count_peers(NULL, "far.corp.acme.example"), 2 - i);
	}
}
END_TEST

START_TEST(update_changes_what_it_names)
{
	ppvpn_conn_t *kept, *conn;
	array_t *upsert, *remove;
	ppvpn_counts_t counts;
	ppvpn_clash_t clash;
	u_int index;

	replace(0, 10, 1, "r1", (ppvpn_counts_t){ .added = 10 });
	kept = peek("ppvpn:acme:corp:s5");
	upsert = array_create(0, 0);
	array_insert(upsert, ARRAY_TAIL, harness_conn(3, 2));	/* changed */
	array_insert(upsert, ARRAY_TAIL, harness_conn(4, 1));	/* unchanged */
	array_insert(upsert, ARRAY_TAIL, harness_conn(10, 2));	/* added */
	remove = array_create(0, 0);
	array_insert(remove, ARRAY_TAIL, "ppvpn:acme:corp:s0");
	ck_assert_int_eq(update("r1", "r2", upsert, remove, &counts, &clash,
							&index), SUCCESS);
	ck_assert_int_eq(counts.added, 1);
	ck_assert_int_eq(counts.changed, 1);
	ck_assert_int_eq(counts.removed, 1);
	ck_assert_int_eq(counts.unchanged, 1);
	check_revision("r2", 10);
	ck_assert_ptr_eq(peek("ppvpn:acme:corp:s5"), kept);
	ck_assert_ptr_null(peek("ppvpn:acme:corp:s0"));
	conn = peek("ppvpn:acme:corp:s3");
	ck_assert_int_eq(conn->tag[63], '2');
}
END_TEST

START_TEST(update_wants_the_current_revision)
{
	ppvpn_counts_t counts;
	ppvpn_clash_t clash;
	array_t *upsert;
	u_int index;

	replace(0, 2, 1, "r1", (ppvpn_counts_t){ .added = 2 });
	upsert = array_create(0, 0);
	array_insert(upsert, ARRAY_TAIL, harness_conn(2, 1));
	ck_assert_int_eq(update("r0", "r2", upsert, NULL, &counts, &clash,
							&index), INVALID_STATE);
	check_revision("r1", 2);
}
END_TEST

START_TEST(update_refuses_unknown_removals)
{
	array_t *upsert, *remove;
	ppvpn_counts_t counts;
	ppvpn_clash_t clash;
	u_int index;

	replace(0, 2, 1, "r1", (ppvpn_counts_t){ .added = 2 });
	upsert = array_create(0, 0);
	array_insert(upsert, ARRAY_TAIL, harness_conn(2, 1));
	remove = array_create(0, 0);
	array_insert(remove, ARRAY_TAIL, "ppvpn:acme:corp:s0");
	array_insert(remove, ARRAY_TAIL, "ppvpn:acme:corp:s9");
	ck_assert_int_eq(update("r1", "r2", upsert, remove, &counts, &clash,
							&index), NOT_FOUND);
	ck_assert_int_eq(index, 1);
	check_revision("r1", 2);
	ck_assert_ptr_nonnull(peek("ppvpn:acme:corp:s0"));
	ck_assert_ptr_null(peek("ppvpn:acme:corp:s2"));
}
END_TEST

/* Connection number i that claims the identity of another one. */
static ppvpn_conn_t *impostor(u_int i, char *identity)
{
	ppvpn_conn_spec_t spec = harness_spec(i);

	spec.remote_identity = identity;
	return harness_create(&spec);
}

START_TEST(update_rolls_back)
{
	ppvpn_conn_t *changed, *removed;
	array_t *upsert, *remove;
	ppvpn_counts_t counts;
	ppvpn_clash_t clash;
	u_int index;

	replace(0, 5, 1, "r1", (ppvpn_counts_t){ .added = 5 });
	changed = peek("ppvpn:acme:corp:s1");
	removed = peek("ppvpn:acme:corp:s0");
	upsert = array_create(0, 0);
	array_insert(upsert, ARRAY_TAIL, harness_conn(1, 2));
	array_insert(upsert, ARRAY_TAIL, harness_conn(7, 2));
	array_insert(upsert, ARRAY_TAIL, impostor(8, "s3.corp.acme.example"));
	remove = array_create(0, 0);
	array_insert(remove, ARRAY_TAIL, "ppvpn:acme:corp:s0");
	ck_assert_int_eq(update("r1", "r2", upsert, remove, &counts, &clash,
							&index), FAILED);
	ck_assert_int_eq(clash, PPVPN_CLASH_IDENTITIES);
	ck_assert_int_eq(index, 2);
	check_revision("r1", 5);
	ck_assert_ptr_eq(peek("ppvpn:acme:corp:s1"), changed);
	ck_assert_ptr_eq(peek("ppvpn:acme:corp:s0"), removed);
	ck_assert_ptr_null(peek("ppvpn:acme:corp:s7"));
	ck_assert_int_eq(count_peers(NULL, "s0.corp.acme.example"), 1);
}
END_TEST

START_TEST(update_may_swap_identities)
{
	ppvpn_counts_t counts;
	ppvpn_clash_t clash;
	array_t *upsert;
	u_int index;

	replace(0, 2, 1, "r1", (ppvpn_counts_t){ .added = 2 });
	upsert = array_create(0, 0);
	array_insert(upsert, ARRAY_TAIL, impostor(0, "s1.corp.acme.example"));
	array_insert(upsert, ARRAY_TAIL, impostor(1, "s0.corp.acme.example"));
	ck_assert_int_eq(update("r1", "r2", upsert, NULL, &counts, &clash,
							&index), SUCCESS);
	ck_assert_int_eq(counts.changed, 2);
	ck_assert_int_eq(count_peers(NULL, "s0.corp.acme.example"), 1);
}
END_TEST

START_TEST(set_refuses_clashes)
{
	ppvpn_conn_t *conn;
	ppvpn_set_t *set;

	set = harness_set(0, 3, 1);
	conn = harness_conn(1, 2);
	ck_assert_int_eq(set->add(set, conn), PPVPN_CLASH_NAME);
	conn->destroy(conn);
	conn = impostor(4, "s1.corp.acme.example");
	ck_assert_int_eq(set->add(set, conn), PPVPN_CLASH_IDENTITIES);
	conn->destroy(conn);
	ck_assert_int_eq(set->get_count(set), 3);
	set->destroy(set);
}
END_TEST

START_TEST(random_changes_keep_the_indexes_whole)
{
	bool there[64] = {};
	ppvpn_conn_t *conn;
	ppvpn_set_t *set;
	array_t *array;
	u_int i, n, count = 0;
	char name[64];

	srandom(4711);
	set = ppvpn_set_create(0);
	for (n = 0; n < 5000; n++)
	{
		i = random() % countof(there);
		snprintf(name, sizeof(name), "ppvpn:acme:corp:s%u", i);
		if (there[i])
		{
			conn = set->remove(set, name);
			ck_assert_str_eq(conn->name, name);
			count--;
		}
		else
		{
			conn = harness_conn(i, n);
			ck_assert_int_eq(set->add(set, conn), PPVPN_NO_CLASH);
			count++;
		}
		there[i] = !there[i];
		conn->destroy(conn);
		ck_assert_int_eq(set->get_count(set), count);
	}
	for (i = 0; i < countof(there); i++)
	{
		conn = harness_conn(i, 0);
		array = array_create(0, 0);
		set->get_by_remote_id(set, conn->remote_id, array);
		ck_assert_int_eq(array_count(array), there[i]);
		array_destroy_offset(array, offsetof(peer_cfg_t, destroy));
		ck_assert(!set->get_by_ids(set, conn->local_id, conn->remote_id) ==
				  !there[i]);
		ck_assert(!set->get_ike_cfg(set, conn->local, conn->remote) ==
				  !there[i]);
		conn->destroy(conn);
	}
	set->destroy(set);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("table");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, empty_at_first);
	tcase_add_test(tcase, replace_counts);
	tcase_add_test(tcase, unchanged_keeps_its_object);
	tcase_add_test(tcase, old_snapshot_stays_valid);
	tcase_add_test(tcase, finds_by_identities);
	tcase_add_test(tcase, peers_by_identities);
	tcase_add_test(tcase, one_remote_identity_many_local);
	tcase_add_test(tcase, update_changes_what_it_names);
	tcase_add_test(tcase, update_wants_the_current_revision);
	tcase_add_test(tcase, update_refuses_unknown_removals);
	tcase_add_test(tcase, update_rolls_back);
	tcase_add_test(tcase, update_may_swap_identities);
	tcase_add_test(tcase, set_refuses_clashes);
	tcase_add_test(tcase, random_changes_keep_the_indexes_whole);
	return harness_run(tcase, "plugin_table");
}
