/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * test_store_operator.c - operators, and whose each record of the audit is
 */
#include "config.h"

#include "store_kit.h"

static struct store_grant grants[] = {
	{ (char *)"globex", ACCESS_VIEWER }, { (char *)"acme", ACCESS_OPERATOR }
};

static struct store_operator alice(void)
{
	return (struct store_operator){
		.operator = (char *)"alice", .description = (char *)"first shift",
		.unix_user = (char *)"alice", .role = ACCESS_VIEWER,
		.grants = grants, .grant_count = 2
	};
}

static void two_customers(void)
{
	kit_acme();
	kit_customer("globex");
	kit_vpn("globex", "corp");
	kit_ce("globex", "paris-r1", "192.0.2.11");
	kit_site("globex", "corp", "paris", "paris-r1");
}

START_TEST(operators_are_kept)
{
	struct store_operator op, in = alice(), *list;
	size_t count;

	two_customers();
	CHANGE(store_operator_add(store, &in, &e));
	OK(store_operator_get(store, arena, "alice", &op, &e));
	ck_assert_str_eq(op.description, "first shift");
	ck_assert_str_eq(op.unix_user, "alice");
	ck_assert_int_eq(op.role, ACCESS_VIEWER);
	ck_assert_uint_eq(op.grant_count, 2);
	ck_assert_str_eq(op.grants[0].customer, "acme");
	ck_assert_int_eq(op.grants[0].role, ACCESS_OPERATOR);
	ck_assert_str_eq(op.grants[1].customer, "globex");
	ck_assert_str_eq(op.key, "");
	OK(store_operator_by_unix(store, arena, "alice", &op, &e));
	ck_assert_str_eq(op.operator, "alice");
	ck_assert_int_eq(store_operator_by_unix(store, arena, "bob", &op, &e),
					 -ENOENT);
	in.operator = (char *)"bob";
	in.unix_user = NULL;
	in.description = NULL;
	in.role = ACCESS_NONE;
	in.grant_count = 0;
	CHANGE(store_operator_add(store, &in, &e));
	/* nobody is "" */
	ck_assert_int_eq(store_operator_by_unix(store, arena, "", &op, &e),
					 -ENOENT);
	OK(store_operators(store, arena, &list, &count, &e));
	ck_assert_uint_eq(count, 2);
	ck_assert_uint_eq(list[0].grant_count, 2);
	ck_assert_str_eq(list[1].operator, "bob");
	ck_assert_uint_eq(list[1].grant_count, 0);
	CHANGE(store_operator_remove(store, "alice", &e));
	ck_assert_int_eq(store_operator_get(store, arena, "alice", &op, &e),
					 -ENOENT);
	ck_assert_int_eq(store_operator_by_unix(store, arena, "alice", &op, &e),
					 -ENOENT);
}
END_TEST

START_TEST(what_cannot_be_is_refused)
{
	static const char *const users[] = {
		"-alice", ".alice", "al ice", "alice:", "a/b", "al\nice", "\xc3\xa9",
		"abcdefghijklmnopqrstuvwxyzabcdefg", "root\"", "*"
	};
	struct store_grant twice[] = { grants[0], grants[0] };
	struct store_operator in = alice();
	size_t i;

	two_customers();
	for (i = 0; i < sizeof(users) / sizeof(*users); i++)
	{
		in.unix_user = (char *)users[i];
		REFUSED(store_operator_add(store, &in, &e), -EINVAL, ERR_NAME);
	}
	in = alice();
	in.operator = (char *)"Alice";
	REFUSED(store_operator_add(store, &in, &e), -EINVAL, ERR_NAME);
	in = alice();
	in.grants = twice;
	REFUSED(store_operator_add(store, &in, &e), -EINVAL, ERR_USAGE);
	twice[0].role = ACCESS_NONE;
	in.grant_count = 1;
	REFUSED(store_operator_add(store, &in, &e), -EINVAL, ERR_USAGE);
	twice[0].role = ACCESS_ADMIN;
	twice[0].customer = (char *)"hooli";
	REFUSED(store_operator_add(store, &in, &e), -ENOENT, ERR_NOT_FOUND);
	in = alice();
	CHANGE(store_operator_add(store, &in, &e));
	REFUSED(store_operator_add(store, &in, &e), -EEXIST, ERR_EXISTS);
	/* one Unix user is one person */
	in.operator = (char *)"bob";
	REFUSED(store_operator_add(store, &in, &e), -EEXIST, ERR_EXISTS);
	ck_assert_ptr_nonnull(strstr(e.text, "alice"));
	REFUSED(store_operator_set(store, &in, &e), -ENOENT, ERR_NOT_FOUND);
	REFUSED(store_operator_remove(store, "bob", &e), -ENOENT, ERR_NOT_FOUND);
}
END_TEST

START_TEST(they_change_no_router)
{
	static const uint8_t key[32] = { 1 };
	struct store_operator in = alice();
	struct store_change *changes;
	uint64_t before, ce, serial;
	size_t count;

	two_customers();
	before = kit_revision();
	ce = kit_ce_revision("acme", "paris-r1");
	CHANGE(store_operator_add(store, &in, &e));
	in.role = ACCESS_ADMIN;
	CHANGE(store_operator_set(store, &in, &e));
	CHANGE(store_operator_key_set(store, "alice", key, 5, &serial, &e));
	CHANGE(store_operator_remove(store, "alice", &e));
	ck_assert_uint_eq(kit_revision(), before + 4);
	ck_assert_uint_eq(kit_ce_revision("acme", "paris-r1"), ce);
	OK(store_changes_since(store, arena, before, &changes, &count, &e));
	ck_assert_uint_eq(count, 0);
}
END_TEST

START_TEST(the_same_is_no_change)
{
	struct store_operator in = alice();
	struct store_grant other[] = { grants[1], grants[0] };

	two_customers();
	CHANGE(store_operator_add(store, &in, &e));
	OK(store_begin(store, "test", &e));
	in.grants = other;			/* in another order */
	OK(store_operator_set(store, &in, &e));
	ck_assert(!store_is_changed(store));
	in.grant_count = 1;
	OK(store_operator_set(store, &in, &e));
	ck_assert(store_is_changed(store));
	store_rollback(store);
}
END_TEST

START_TEST(the_audit_has_before_and_after)
{
	struct store_audit_object *objects;
	struct store_operator in = alice();
	size_t count;

	two_customers();
	CHANGE(store_operator_add(store, &in, &e));
	in.role = ACCESS_NONE;
	in.grant_count = 0;
	CHANGE(store_operator_set(store, &in, &e));
	OK(store_audit_objects(store, arena, kit_revision(), &objects, &count,
						   &e));
	ck_assert_uint_eq(count, 1);
	ck_assert_str_eq(objects[0].kind, "operator");
	ck_assert_str_eq(objects[0].place, "alice");
	ck_assert_str_eq(objects[0].before, "{\"description\":\"first shift\","
		"\"unix-user\":\"alice\",\"role\":\"viewer\",\"customers\":"
		"{\"acme\":\"operator\",\"globex\":\"viewer\"},\"key\":\"\","
		"\"serial\":0}");
	ck_assert_str_eq(objects[0].after, "{\"description\":\"first shift\","
		"\"unix-user\":\"alice\",\"role\":\"none\",\"customers\":{},"
		"\"key\":\"\",\"serial\":0}");
	/* what let somebody in is not brought back */
	REFUSED(store_revert(store, kit_revision(), &e), -EBUSY, ERR_CONFLICT);
	ck_assert_ptr_nonnull(strstr(e.text, "not taken back"));
}
END_TEST

START_TEST(one_certificate_each)
{
	static const uint8_t one[32] = { 1 }, other[32] = { 2 };
	struct store_operator op, in = alice();
	uint64_t first, second, third;

	two_customers();
	CHANGE(store_operator_add(store, &in, &e));
	ck_assert_int_eq(store_operator_by_key(store, arena, one, &op, &e),
					 -ENOENT);
	CHANGE(store_operator_key_set(store, "alice", one, 1000, &first, &e));
	OK(store_operator_by_key(store, arena, one, &op, &e));
	ck_assert_str_eq(op.operator, "alice");
	ck_assert_uint_eq(op.serial, first);
	ck_assert_int_eq(op.expires_ms, 1000);
	ck_assert_uint_eq(op.grant_count, 2);
	/* the same key again has another serial */
	CHANGE(store_operator_key_set(store, "alice", one, 2000, &second, &e));
	ck_assert_uint_gt(second, first);
	/* another key: the old one is nobody's */
	CHANGE(store_operator_key_set(store, "alice", other, 3000, &third, &e));
	ck_assert_uint_gt(third, second);
	ck_assert_int_eq(store_operator_by_key(store, arena, one, &op, &e),
					 -ENOENT);
	/* other changes leave it */
	in.role = ACCESS_ADMIN;
	CHANGE(store_operator_set(store, &in, &e));
	OK(store_operator_by_key(store, arena, other, &op, &e));
	ck_assert_uint_eq(op.serial, third);
	/* one key is one person's */
	in = alice();
	in.operator = (char *)"bob";
	in.unix_user = NULL;
	CHANGE(store_operator_add(store, &in, &e));
	REFUSED(store_operator_key_set(store, "bob", other, 1, &first, &e),
			-EEXIST, ERR_EXISTS);
	CHANGE(store_operator_key_set(store, "alice", NULL, 0, &first, &e));
	ck_assert_int_eq(store_operator_by_key(store, arena, other, &op, &e),
					 -ENOENT);
	OK(store_operator_get(store, arena, "alice", &op, &e));
	ck_assert_str_eq(op.key, "");
	ck_assert_uint_eq(op.serial, 0);
	REFUSED(store_operator_key_set(store, "carol", one, 1, &first, &e),
			-ENOENT, ERR_NOT_FOUND);
}
END_TEST

static int issue(void *user, const struct store_ce *ce, uint64_t serial,
				 struct arena *a, struct store_issued *issued,
				 struct err *err)
{
	*(uint64_t *)user = serial;
	issued->pem = arena_strdup(a, "cert");
	return 0;
}

static int enroll(const uint8_t key[32], uint64_t *serial)
{
	static const uint8_t token[32] = { 7 };
	char *cert;
	bool again;

	OK(store_token_add(store, "acme", "paris-r1", token,
					   kit_now_ms() + 60000, "test", &e));
	return store_enroll(store, arena, "acme", "paris-r1", token, key,
						kit_now_ms(), issue, serial, &cert, &again, &e);
}

START_TEST(a_key_is_a_routers_or_an_operators)
{
	static const uint8_t one[32] = { 1 }, other[32] = { 2 }, new[32] = { 3 };
	struct store_operator in = alice();
	uint64_t serial, next;

	two_customers();
	CHANGE(store_operator_add(store, &in, &e));
	CHANGE(store_operator_key_set(store, "alice", one, 1000, &serial, &e));
	ck_assert_int_eq(enroll(one, &next), -EEXIST);
	OK(enroll(other, &next));
	ck_assert_uint_gt(next, serial);	/* of one CA, one counter */
	REFUSED(store_operator_key_set(store, "alice", other, 1, &serial, &e),
			-EEXIST, ERR_EXISTS);
	/* nor one that was a router's */
	OK(enroll(new, &next));
	REFUSED(store_operator_key_set(store, "alice", other, 1, &serial, &e),
			-EEXIST, ERR_EXISTS);
}
END_TEST

START_TEST(a_customer_with_operators_stays)
{
	struct store_operator op, in = alice();

	kit_customer("acme");
	kit_customer("globex");
	CHANGE(store_operator_add(store, &in, &e));
	REFUSED(store_customer_remove(store, "globex", &e), -EBUSY, ERR_IN_USE);
	ck_assert_ptr_nonnull(strstr(e.text, "1 operators"));
	in.grants = &grants[1];
	in.grant_count = 1;
	CHANGE(store_operator_set(store, &in, &e));
	CHANGE(store_customer_remove(store, "globex", &e));
	OK(store_operator_get(store, arena, "alice", &op, &e));
	ck_assert_uint_eq(op.grant_count, 1);
}
END_TEST

/* ---- whose a record is -------------------------------------------------------------- */

static const char *whose(uint64_t revision)
{
	char *customer;

	OK(store_revision_customer(store, arena, revision, &customer, &e));
	return customer ? customer : "none";
}

START_TEST(records_are_one_customers)
{
	static const uint8_t token[32] = { 9 };
	struct model_management other = kit_management;
	struct store_operator in = alice();
	struct store_audit *audits;
	uint64_t acme, both, serial;
	char *customer;
	size_t count, i;

	two_customers();
	acme = kit_revision() - 4;	/* the last of kit_acme() */
	ck_assert_str_eq(whose(acme), "acme");
	ck_assert_str_eq(whose(acme + 1), "globex");
	/* without a thing that changed, by the router that is told */
	OK(enroll(token, &serial));
	CHANGE(store_ce_replace(store, "acme", "paris-r1", &e));
	ck_assert_str_eq(whose(kit_revision()), "acme");
	/* beside a change of another's */
	CHANGE(store_customer_set(store, &(struct store_customer){
		.customer = (char *)"globex", .description = (char *)"x" }, &e));
	OK(store_token_add(store, "acme", "lyon-r1", token, kit_now_ms() + 1000,
					   "test", &e));
	ck_assert_str_eq(whose(kit_revision()), "globex");
	/* of two, of all, of none */
	OK(store_begin(store, "test", &e));
	OK(store_customer_set(store, &(struct store_customer){
		.customer = (char *)"globex" }, &e));
	OK(store_customer_set(store, &(struct store_customer){
		.customer = (char *)"acme", .description = (char *)"y" }, &e));
	OK(store_commit(store, "two at once", &both, &e));
	ck_assert_str_eq(whose(both), "none");
	/* a name that begins like another is another */
	OK(store_begin(store, "test", &e));
	OK(store_customer_set(store, &(struct store_customer){
		.customer = (char *)"acme" }, &e));
	OK(kit_add_customer(store, "acme2", "", &e));
	OK(store_commit(store, "two at once", &both, &e));
	ck_assert_str_eq(whose(both), "none");
	OK(store_management_set(store, &kit_management, &e));
	other.poll_interval++;
	OK(store_management_set(store, &other, &e));
	ck_assert_uint_gt(kit_revision(), both);
	ck_assert_str_eq(whose(kit_revision()), "none");
	CHANGE(store_operator_add(store, &in, &e));
	ck_assert_str_eq(whose(kit_revision()), "none");
	ck_assert_int_eq(store_revision_customer(store, arena, 9999, &customer,
											 &e), -ENOENT);
	/* lists: nothing of the other's */
	OK(store_audits_of(store, arena, "acme", 1000, &audits, &count, &e));
	ck_assert_uint_eq(count, 12);
	for (i = 0; i < count; i++)
	{
		ck_assert_ptr_null(strstr(audits[i].what, "globex"));
		ck_assert_str_ne(audits[i].what, "two at once");
		ck_assert(!i || audits[i].id > audits[i - 1].id);
	}
	ck_assert_str_eq(audits[count - 1].what, "ce bundle acme/lyon-r1");
	OK(store_audits_of(store, arena, "acme", 2, &audits, &count, &e));
	ck_assert_uint_eq(count, 2);
	ck_assert_str_eq(audits[1].what, "ce bundle acme/lyon-r1");
	ck_assert_int_eq(store_audits_of(store, arena, "hooli", 2, &audits,
									 &count, &e), -ENOENT);
}
END_TEST

/* A name that is used again is another customer. */
START_TEST(a_name_again_is_another_customer)
{
	struct store_audit *audits;
	uint64_t first;
	size_t count;

	kit_customer("acme");
	first = kit_revision();
	ck_assert_str_eq(whose(first), "acme");
	CHANGE(store_customer_remove(store, "acme", &e));
	ck_assert_str_eq(whose(first), "none");
	kit_customer("acme");
	ck_assert_str_eq(whose(first), "none");
	ck_assert_str_eq(whose(first + 1), "none");
	ck_assert_str_eq(whose(kit_revision()), "acme");
	OK(store_audits_of(store, arena, "acme", 10, &audits, &count, &e));
	ck_assert_uint_eq(count, 1);
}
END_TEST

static int see(void *user, enum conf_kind kind, const char *place,
			   enum store_change_kind change, struct err *err)
{
	text_addf(user, "%s %s %s\n", store_change_words[change],
			  conf_kinds[kind], place);
	return strcmp(place, "acme/corp/nice") == 0
		? err_set(err, -EACCES, ERR_DENIED, place, "no") : 0;
}

START_TEST(all_that_changed_is_shown)
{
	struct text text = { 0 };

	kit_acme();
	OK(store_begin(store, "test", &e));
	OK(store_customer_set(store, &(struct store_customer){
		.customer = (char *)"acme", .description = (char *)"y" }, &e));
	OK(store_site_remove(store, "acme", "corp", "lyon", "site-removed", &e));
	OK(store_settle(store, &e));
	OK(store_objects(store, see, &text, &e));
	ck_assert_str_eq(text_str(&text), "changed customer acme\n"
					 "removed site acme/corp/lyon\n");
	OK(store_site_remove(store, "acme", "corp", "nice", "site-removed", &e));
	OK(store_settle(store, &e));
	ck_assert_int_eq(store_objects(store, see, &text, &e), -EACCES);
	store_rollback(store);
	text_done(&text);
}
END_TEST

TCase *store_operator_case(void)
{
	TCase *tc = tcase_create("operator");

	tcase_set_timeout(tc, 60);
	tcase_add_checked_fixture(tc, kit_setup, kit_teardown);
	tcase_add_test(tc, operators_are_kept);
	tcase_add_test(tc, what_cannot_be_is_refused);
	tcase_add_test(tc, they_change_no_router);
	tcase_add_test(tc, the_same_is_no_change);
	tcase_add_test(tc, the_audit_has_before_and_after);
	tcase_add_test(tc, one_certificate_each);
	tcase_add_test(tc, a_key_is_a_routers_or_an_operators);
	tcase_add_test(tc, a_customer_with_operators_stays);
	tcase_add_test(tc, records_are_one_customers);
	tcase_add_test(tc, a_name_again_is_another_customer);
	tcase_add_test(tc, all_that_changed_is_shown);
	return tc;
}
