/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * test_store_operate.c - copies, a new epoch, another key, and every rule of the
 * database broken once, which store_verify() must tell
 */
#include "config.h"

#include <unistd.h>

#include "server/store_impl.h"
#include "store_kit.h"

/* ---- what store_verify() says ------------------------------------------------------ */

static char told[4096];

static void on_checked(void *user, const char *check, uint64_t count)
{
	(void)check;
	*(uint64_t *)user += count;
}

static void on_fault(void *user, const char *check, const char *where,
					 const char *text)
{
	size_t len = strlen(told);

	(void)user;
	snprintf(told + len, sizeof(told) - len, "%s: %s: %s\n", check, where,
			 text);
}

/* The faults, "" for none. */
static const char *verify(void)
{
	uint64_t count = 0;
	const struct store_verifier verifier = { &count, on_checked, on_fault };

	told[0] = '\0';
	OK(store_verify(store, &kit_management, &verifier, &e));
	ck_assert_uint_gt(count, 0);
	return told;
}

static void damage(const char *sql)
{
	struct db *db;

	OK(db_open(kit_path, &db, &e));
	OK(db_script(db, "PRAGMA foreign_keys = OFF;"
					 "PRAGMA ignore_check_constraints = ON;", &e));
	ck_assert_msg(db_script(db, sql, &e) == 0, "%s: %s", sql, e.text);
	db_close(db);
}

#define RAISED(origin, vpn, site) \
	"INSERT INTO alarm VALUES (7, " origin ", 's', 'x', 'frr', 'major', 1, 1, " \
	"0, 1, '', 'acme', '" vpn "', '" site "', '', '', 0, 0)"

static const struct
{
	const char *sql, *told;
} damages[] = {
	{ "UPDATE link SET vpn_id = 99 WHERE site_a = 2 AND site_b = 1",
	  "links: lyon - paris" },
	{ "DELETE FROM site WHERE name = 'nice'", "links: #3 - paris" },
	{ "DELETE FROM site WHERE name = 'nice'", "file: database: row" },
	{ "UPDATE link SET initiator = 77", "link initiators: lyon - paris" },
	{ "UPDATE ce SET behind_nat = 1 WHERE name = 'nice-r1'", "NAT: nice" },
	{ "UPDATE site SET behind_nat = 1 WHERE name = 'nice'", "NAT: nice" },
	{ "UPDATE site SET behind_nat = 1", "NAT: lyon - paris" },
	{ "UPDATE ce SET dynamic = '10.0.0.1/8' WHERE name = 'nice-r1'",
	  "dynamic: nice-r1" },
	{ "UPDATE psk SET key_use = 'accept-only' WHERE site_a = 2",
	  "link keys: lyon - paris" },
	{ "UPDATE link SET profile_id = 77", "link profiles: lyon - paris" },
	{ "INSERT INTO link_setting VALUES (99, 2, 1, 1, NULL, 0, 0)",
	  "link setting ends: lyon - paris" },
	{ "INSERT INTO link_setting VALUES (1, 2, 1, 1, NULL, 9, 0)",
	  "link settings: lyon - paris" },
	{ "DELETE FROM psk WHERE site_a = 2", "link keys: lyon - paris" },
	{ "UPDATE link SET certificate_use = 'send-and-accept' WHERE site_a = 2",
	  "link keys: lyon - paris" },
	{ "UPDATE link SET certificate_use = 'accept-only' WHERE site_a = 2",
	  "rotations: lyon - paris" },
	{ "UPDATE link SET certificate_use = 'send-and-accept' WHERE site_a = 2; "
	  "DELETE FROM psk WHERE site_a = 2", "moves: lyon - paris" },
	{ "UPDATE link SET certificate_use = 'send-and-accept' WHERE site_a = 2; "
	  "DELETE FROM psk WHERE site_a = 2", "documents: acme/lyon-r1" },
	{ "UPDATE vpn SET authentication = 'certificate'",
	  "moves: lyon - paris" },
	{ "INSERT INTO rotation (site_a, site_b, vpn_id, target, generation, "
	  "step, revision, begun_ms, step_ms, command) VALUES (2, 1, 1, "
	  "'certificate', 2, 'accept', 1, 0, 0, 1)", "rotations: lyon - paris" },
	{ "INSERT INTO rotation (site_a, site_b, vpn_id, target, generation, "
	  "step, revision, begun_ms, step_ms, command) VALUES (2, 1, 1, "
	  "'certificate', 2, 'accept', 1, 0, 0, 1); UPDATE link SET "
	  "certificate_use = 'accept-only' WHERE site_a = 2",
	  "rotations: lyon - paris" },
	{ "DELETE FROM psk WHERE site_a = 2", "documents: acme/lyon-r1" },
	{ "DELETE FROM link WHERE site_a = 2", "keys of no link: #2 - #1" },
	{ "UPDATE psk SET sealed = (SELECT sealed FROM psk WHERE site_a = 2) "
	  "WHERE site_a = 3 AND site_b = 1", "sealed: psk " },
	{ "UPDATE psk SET sealed = 'x'", "sealed: psk " },
	{ "UPDATE ce SET removed_revision = 1 WHERE name = 'nice-r1'",
	  "sites: nice" },
	{ "UPDATE site SET customer_id = 9 WHERE name = 'nice'", "sites: nice" },
	{ "UPDATE ce_change SET revision = 1000 WHERE ce_id = 1",
	  "revisions: acme/paris-r1" },
	{ "DELETE FROM ce_change WHERE ce_id = 1", "revisions: acme/paris-r1" },
	{ "UPDATE installation SET revision = 2", "revisions of rows: site lyon" },
	{ "UPDATE id_counter SET last = 1 WHERE name = 'site'", "numbers: site" },
	{ "UPDATE site SET router_id = 'x' WHERE name = 'nice'",
	  "documents: acme/nice-r1" },
	{ "UPDATE vpn SET domain = 'a b'", "documents: acme/paris-r1" },
	{ RAISED("99", "", ""), "alarms: x frr: raised by a router" },
	{ RAISED("0", "corp", "nosuch"), "alarms: x frr: raised, and its site" },
	{ RAISED("1", "", "") "; UPDATE id_counter SET last = 0 "
	  "WHERE name = 'event'", "numbers: event" },
	{ RAISED("1", "", "") "; INSERT INTO id_counter VALUES ('alarm', 3)",
	  "numbers: alarm" },
	{ "INSERT INTO outlet VALUES ('syslog', 1000, '', 0)",
	  "alarms told: syslog" },
};

START_TEST(every_broken_rule_is_told)
{
	kit_acme();
	ck_assert_str_eq(verify(), "");
	damage(damages[_i].sql);
	kit_reopen();
	ck_assert_msg(strstr(verify(), damages[_i].told) != NULL,
				  "%s:\n%s", damages[_i].sql, told);
}
END_TEST

START_TEST(damaged_pages_are_told)
{
	FILE *f;

	kit_acme();
	store_close(store);
	store = NULL;
	/* the middle of the file: no page of the first ones, which open reads */
	f = fopen(kit_path, "r+");
	ck_assert_ptr_nonnull(f);
	for (long page = 8; page < 60; page++)
	{
		ck_assert_int_eq(fseek(f, page * 4096 + 8, SEEK_SET), 0);
		ck_assert_int_eq((int)fwrite("damage!", 1, 7, f), 7);
	}
	ck_assert_int_eq(fclose(f), 0);
	if (store_open(kit_path, &kit_kek, &store, &e) == 0)
	{
		uint64_t count = 0;
		const struct store_verifier verifier = { &count, on_checked, on_fault };

		told[0] = '\0';
		ck_assert(store_verify(store, &kit_management, &verifier, &e) < 0 ||
				  strstr(told, "file: database"));
	}
}
END_TEST

/* ---- another key ---------------------------------------------------------------------- */

static void new_key(const char *name, struct seal_key *key)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/%s", kit_dir, name);
	OK(seal_key_create(path, key, &e));
}

static void first_secret(struct secret *out)
{
	*out = kit_peer(kit_document("acme", "paris-r1"), "lyon")->keys[0].secret;
}

START_TEST(all_is_sealed_with_another_key)
{
	const struct seal_key old = kit_kek;
	struct secret before, after;
	struct seal_key key;
	uint64_t count, revision;

	kit_acme();
	/* its keys are kept, to be taken back */
	CHANGE(store_site_remove(store, "acme", "corp", "nice", "moved", &e));
	first_secret(&before);
	revision = kit_revision();
	new_key("second", &key);
	OK(store_key_fits(kit_path, &old, &e));
	ck_assert_int_eq(store_key_fits(kit_path, &key, &e), -EBADMSG);
	OK(store_reseal(store, &key, "unix:root", &count, &e));
	ck_assert_uint_eq(count, 4);	/* a tunnel, two retired, the marker */
	OK(store_key_fits(kit_path, &key, &e));
	ck_assert_int_eq(store_key_fits(kit_path, &old, &e), -EBADMSG);
	/* the same connection goes on, and new ones */
	ck_assert_str_eq(verify(), "");
	kit_kek = key;
	kit_reopen();
	ck_assert_str_eq(verify(), "");
	first_secret(&after);
	ck_assert(secret_equal(&before, &after));
	ck_assert_uint_eq(kit_revision(), revision);
}
END_TEST

/* More rows than are read at once, and one that does not open: nothing changes. */
START_TEST(a_piece_that_does_not_open_stops_it)
{
	struct seal_key key;
	uint64_t count;
	char name[16], address[16];

	kit_customer("acme");
	kit_vpn("acme", "corp");
	for (unsigned i = 1; i <= 40; i++)
	{
		snprintf(name, sizeof(name), "r%u", i);
		snprintf(address, sizeof(address), "192.0.2.%u", i);
		kit_ce("acme", name, address);
		kit_site("acme", "corp", name, name);
	}
	new_key("second", &key);
	OK(store_reseal(store, &key, "unix:root", &count, &e));
	ck_assert_uint_eq(count, 40 * 39 / 2 + 1);
	ck_assert_str_eq(verify(), "");
	kit_kek = key;
	damage("UPDATE psk SET sealed = 'x' WHERE site_a = 40 AND site_b = 39");
	new_key("third", &key);
	ck_assert_int_eq(store_reseal(store, &key, "unix:root", &count, &e),
					 -EBADMSG);
	OK(store_key_fits(kit_path, &kit_kek, &e));
	ck_assert_int_eq(store_key_fits(kit_path, &key, &e), -EBADMSG);
	verify();
	ck_assert_ptr_eq(strchr(strstr(told, "sealed"), '\n') + 1,
					 strstr(told, "documents"));
}
END_TEST

/* A column for sealed pieces without a row in store_seal.c's table. */
START_TEST(no_sealed_column_is_forgotten)
{
	struct db_rows *rows;
	char names[256] = "";
	struct db *db;

	OK(db_open(kit_path, &db, &e));
	OK(db_query(db, "SELECT m.name || '.' || c.name FROM sqlite_master m "
				"JOIN pragma_table_info(m.name) c WHERE m.type = 'table' AND "
				"(c.name LIKE '%seal%' OR c.name LIKE '%secret%' OR "
				"c.name LIKE '%marker%' OR c.name LIKE '%password%') "
				"ORDER BY 1", NULL, &rows, &e));
	while (db_next(rows, &e) == 1)
	{
		snprintf(names + strlen(names), sizeof(names) - strlen(names), "%s ",
				 db_col_text(rows, 0));
	}
	db_end(rows);
	db_close(db);
	ck_assert_str_eq(names, "installation.marker psk.sealed psk_retired.sealed "
					 "vpn_authority.sealed ");
}
END_TEST

/* ---- copies and epochs ------------------------------------------------------------------ */

START_TEST(a_copy_is_of_one_moment)
{
	struct store_facts facts;
	char path[128];
	uint64_t before;

	kit_acme();
	before = kit_revision();
	snprintf(path, sizeof(path), "%s/copy", kit_dir);
	/* a change in course is not in it, and does not hold it up */
	OK(store_begin(store, "test", &e));
	OK(store_site_remove(store, "acme", "corp", "nice", "moved", &e));
	OK(store_copy(kit_path, path, &e));
	OK(store_commit(store, "x", NULL, &e));
	OK(store_facts(path, &facts, &e));
	ck_assert_uint_eq(facts.revision, before);
	ck_assert_uint_eq(facts.epoch, 1);
	ck_assert(!facts.upgrade);
	ck_assert_int_ge(facts.schema, 1);
	ck_assert_int_eq(store_copy(kit_path, path, &e), -EEXIST);
	store_close(store);
	store = NULL;
	OK(store_open(path, &kit_kek, &store, &e));
	ck_assert_str_eq(verify(), "");
	ck_assert_uint_eq(kit_document("acme", "paris-r1")->vpns[0].peer_count, 2);
}
END_TEST

START_TEST(an_epoch_begins)
{
	static const uint8_t token[32] = { 1 };
	struct db *db;
	uint64_t epoch, revision, before, event, diag, gone;
	struct store_event *events;
	const struct store_event_filter filter = { .customer = NULL };
	int64_t tokens;
	size_t count;

	kit_acme();
	before = kit_revision();
	OK(store_event_ids(store, &event, &gone, &e));
	ck_assert_uint_eq(gone, 0);
	OK(store_token_add(store, "acme", "paris-r1", token, kit_now_ms() + 10000,
					   "unix:root", &e));
	OK(store_epoch_begin(store, 0, "unix:root", &e));
	OK(store_revision(store, &epoch, &revision, &e));
	ck_assert_uint_eq(epoch, 2);
	ck_assert_uint_eq(revision, before);
	OK(store_epoch_begin(store, 1000, "unix:root", &e));
	OK(store_epoch_begin(store, 1000, "unix:root", &e));
	OK(store_epoch_begin(store, UINT64_MAX, "unix:root", &e));
	OK(store_revision(store, &epoch, &revision, &e));
	ck_assert_uint_eq(epoch, 1002);
	ck_assert_uint_eq(kit_document("acme", "paris-r1")->epoch, 1002);
	ck_assert_str_eq(verify(), "");
	/* what was told between the copy and its end is never told again as other
	   things: ids jump */
	OK(store_event_ids(store, &epoch, &gone, &e));
	ck_assert_uint_ge(epoch, event + 1000000);
	OK(store_events(store, arena, 0, &filter, 100, &events, &count, &e));
	ck_assert_uint_eq(count, event);
	OK(store_diag_ask(store, "acme", "paris-r1", "x", kit_now_ms(),
					  kit_now_ms(), &diag, &e));
	ck_assert_uint_gt(diag, 1000000);
	OK(db_open(kit_path, &db, &e));
	OK(db_number(db, "SELECT count(*) FROM ce_token", NULL, &tokens, &e));
	db_close(db);
	ck_assert_int_eq(tokens, 0);
}
END_TEST

TCase *store_operate_case(void)
{
	TCase *tc = tcase_create("operate");

	tcase_add_checked_fixture(tc, kit_setup, kit_teardown);
	tcase_add_loop_test(tc, every_broken_rule_is_told, 0,
						sizeof(damages) / sizeof(*damages));
	tcase_add_test(tc, damaged_pages_are_told);
	tcase_add_test(tc, all_is_sealed_with_another_key);
	tcase_add_test(tc, a_piece_that_does_not_open_stops_it);
	tcase_add_test(tc, no_sealed_column_is_forgotten);
	tcase_add_test(tc, a_copy_is_of_one_moment);
	tcase_add_test(tc, an_epoch_begins);
	return tc;
}
