/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * test_store_migrate.c - databases of released versions, brought up to date
 * with all that is in them; migrations that go wrong, and change nothing
 *
 * fixtures/store/NNNN.sql: the text dump of a database with the schema of
 * migration NNNN, sealed with kek.key beside it; NNNN.expected: what is in it,
 * as told by the version that made it. Neither is ever edited.
 */
#include "config.h"

#include <unistd.h>

#include "file.h"
#include "secret.h"
#include "server/store_impl.h"
#include "store_kit.h"

static char *fixture(const char *name)
{
	const char *srcdir = getenv("srcdir");
	char path[512], *text;
	size_t len;

	snprintf(path, sizeof(path), "%s/testing/unit/fixtures/store/%s",
			 srcdir ? srcdir : ".", name);
	OK(file_read(path, 1024 * 1024, &text, &len, &e));
	return text;
}

/* kit_path becomes that database, not opened. */
static void load(const char *name)
{
	char path[128], *script = fixture(name), *key = fixture("kek.key");
	struct db *db;

	store_close(store);
	store = NULL;
	OK(unlink(kit_path));
	OK(db_create(kit_path, &db, &e));
	OK(db_script(db, script, &e));
	db_close(db);
	/* git keeps no mode */
	snprintf(path, sizeof(path), "%s/fixture.key", kit_dir);
	OK(file_write(path, key, strlen(key), 0600, &e));
	OK(seal_key_load(path, &kit_kek, &e));
	free(script);
	free(key);
}

/* ---- what is in a database ---------------------------------------------------- */

static void tell_configuration(struct text *out)
{
	struct store_customer *customers;
	struct store_vpn *vpns;
	struct store_site *sites;
	char address[ADDR_TEXT_MAX], id[ADDR_TEXT_MAX];
	size_t count, i;

	OK(store_customers(store, arena, &customers, &count, &e));
	for (i = 0; i < count; i++)
	{
		text_addf(out, "customer %s \"%s\"\n", customers[i].customer,
				  customers[i].description);
	}
	OK(store_vpns(store, arena, NULL, &vpns, &count, &e));
	for (i = 0; i < count; i++)
	{
		text_addf(out, "vpn %s/%s %s mtu %u cost %u t1 %u rekey %u \"%s\"\n",
				  vpns[i].customer, vpns[i].vpn, vpns[i].domain, vpns[i].mtu,
				  vpns[i].ospf.cost, vpns[i].retry.t1,
				  vpns[i].profile.rekey_time, vpns[i].description);
	}
	OK(store_sites(store, arena, NULL, NULL, &sites, &count, &e));
	for (i = 0; i < count; i++)
	{
		addr_str(&sites[i].ce_address, address);
		addr_str(&sites[i].router_id, id);
		text_addf(out, "site %s/%s/%s of %s at %s, %s\n", sites[i].customer,
				  sites[i].vpn, sites[i].site, sites[i].ce, address, id);
	}
}

static void tell_document(struct text *out, const struct store_ce *ce)
{
	struct model_document *doc = kit_document(ce->customer, ce->ce);
	char secret[2 * SECRET_MAX + 1];
	size_t v, p, k;

	for (v = 0; v < doc->vpn_count; v++)
	{
		const struct model_vpn *vpn = &doc->vpns[v];

		for (p = 0; p < vpn->peer_count; p++)
		{
			const struct model_peer *peer = &vpn->peers[p];

			text_addf(out, "  peer %s %s", peer->peer, peer->identity);
			for (k = 0; k < peer->key_count; k++)
			{
				secret_to_hex(&peer->keys[k].secret, secret);
				text_addf(out, " %s %s", peer->keys[k].key_id, secret);
			}
			text_addf(out, "\n");
		}
		for (p = 0; p < vpn->removed_count; p++)
		{
			text_addf(out, "  removed %s %s\n", vpn->removed[p].peer,
					  vpn->removed[p].reason);
		}
	}
}

static void tell_ces(struct text *out)
{
	struct store_ce *ces, ce;
	uint8_t spki[32] = { 0x0c };
	size_t count, i;

	OK(store_ces(store, arena, NULL, &ces, &count, &e));
	for (i = 0; i < count; i++)
	{
		text_addf(out, "ce %s/%s enrolled %d removed %d\n",
				  ces[i].customer, ces[i].ce, ces[i].enrolled,
				  ces[i].removed);
		if (!ces[i].removed)
		{
			tell_document(out, &ces[i]);
		}
	}
	OK(store_ce_by_key(store, arena, spki, &ce, &e));
	text_addf(out, "key of %s/%s\n", ce.customer, ce.ce);
}

static void tell_reports(struct text *out)
{
	struct store_tunnel *tunnels;
	struct store_audit *audits;
	size_t count, i, end;

	OK(store_tunnels(store, arena, NULL, NULL, &tunnels, &count, &e));
	for (i = 0; i < count; i++)
	{
		for (end = 0; end < 2; end++)
		{
			const struct store_tunnel_end *t = &tunnels[i].end[end];

			text_addf(out, "tunnel %s/%s %s %s (%s)\n", tunnels[i].customer,
					  tunnels[i].vpn, t->site,
					  t->reported ? t->status.state : "-",
					  t->reported ? t->status.proposal : "-");
		}
	}
	OK(store_audits(store, arena, 100, &audits, &count, &e));
	for (i = 0; i < count; i++)
	{
		text_addf(out, "audit %llu %s %s\n",
				  (unsigned long long)audits[i].revision, audits[i].actor,
				  audits[i].what);
	}
}

START_TEST(a_released_database_is_brought_up_to_date)
{
	char *expected = fixture("0001.expected");
	struct store_tunnel *tunnels;
	struct text out = { 0 };
	size_t i, count;

	load("0001.sql");
	OK(store_open(kit_path, &kit_kek, &store, &e));
	OK(store_check(store, &e));
	tell_configuration(&out);
	tell_ces(&out);
	tell_reports(&out);
	ck_assert_str_eq(text_str(&out), expected);
	/* how old its keys are is known from the audit */
	OK(store_tunnels(store, arena, NULL, NULL, &tunnels, &count, &e));
	ck_assert_uint_eq(count, 4);
	for (i = 0; i < count; i++)
	{
		ck_assert_uint_eq(tunnels[i].generation, 1);
		ck_assert_int_gt(tunnels[i].keyed_ms, 0);
		ck_assert_int_lt(tunnels[i].keyed_ms, kit_now_ms());
	}
	/* and it is one to go on with */
	kit_ce("acme", "nice-r2", "192.0.2.3");
	kit_site("acme", "corp", "nice", "nice-r2");
	ck_assert_uint_eq(kit_document("acme", "paris-r1")->vpns[0].peer_count, 3);
	text_done(&out);
	free(expected);
}
END_TEST

/* ---- the runner --------------------------------------------------------------- */

#define REBUILD \
	"CREATE TABLE vpn_new (id BIGINT NOT NULL PRIMARY KEY, " \
	"customer_id BIGINT NOT NULL REFERENCES customer (id), " \
	"name TEXT NOT NULL, added TEXT NOT NULL, UNIQUE (customer_id, id));" \
	"INSERT INTO vpn_new SELECT id, customer_id, name, 'x' FROM vpn;" \
	"DROP TABLE vpn; ALTER TABLE vpn_new RENAME TO vpn;"

static int64_t number(struct db *db, const char *sql)
{
	int64_t value = -1;

	OK(db_number(db, sql, NULL, &value, &e));
	return value;
}

/* 0001 as it is, then these. */
static int run(struct db *db, const char *second, const char *third)
{
	struct store_sql files[] = {
		store_sql_files[0], { 2, "0002-test", second },
		{ 3, "0003-test", third }, { 0, NULL, NULL }
	};

	return store_migrate(db, files, &e);
}

START_TEST(tables_are_made_anew_under_their_references)
{
	struct db *db;

	load("0001.sql");
	OK(db_open(kit_path, &db, &e));
	OK(run(db, REBUILD, NULL));
	ck_assert_int_eq(number(db, "SELECT count(*) FROM vpn WHERE added = 'x'"),
					 2);
	ck_assert_int_eq(number(db, "SELECT count(*) FROM site"), 5);
	ck_assert_int_eq(number(db, "SELECT count(*) FROM link"), 4);
	ck_assert_int_eq(number(db, "SELECT max(version) FROM schema_migrations"),
					 2);
	/* again: nothing to do; and references hold from now on */
	OK(run(db, REBUILD, NULL));
	ck_assert_int_lt(db_run(db, "DELETE FROM vpn", NULL, &e), 0);
	ck_assert_int_lt(db_run(db, "UPDATE site SET vpn_id = 99", NULL, &e), 0);
	db_close(db);
}
END_TEST

START_TEST(a_migration_that_fails_changes_nothing)
{
	static const char *const bad[] = {
		"DELETE FROM vpn WHERE id = 1;",			/* sites lead nowhere */
		"CREATE TABLE vpn (id BIGINT);",
		"no SQL;",
	};
	struct db *db;
	size_t i;

	load("0001.sql");
	OK(db_open(kit_path, &db, &e));
	for (i = 0; i < sizeof(bad) / sizeof(*bad); i++)
	{
		ck_assert_int_eq(run(db, REBUILD, bad[i]), -EIO);
		ck_assert_str_eq(err_code_text(e.code), "database");
		ck_assert_int_eq(number(db, "SELECT count(*) FROM schema_migrations"),
						 1);
		ck_assert_int_eq(number(db, "SELECT count(mtu) FROM vpn"), 2);
		ck_assert_int_lt(db_run(db, "DELETE FROM vpn", NULL, &e), 0);
	}
	db_close(db);
}
END_TEST

START_TEST(another_history_is_refused)
{
	struct db *db;

	load("0001.sql");
	OK(db_open(kit_path, &db, &e));
	OK(run(db, REBUILD, NULL));
	/* edited after it was applied */
	ck_assert_int_eq(run(db, REBUILD " ", NULL), -EIO);
	ck_assert_ptr_nonnull(strstr(e.text, "another edition"));
	/* applied by a newer version */
	ck_assert_int_eq(run(db, NULL, NULL), -EIO);
	ck_assert_ptr_nonnull(strstr(e.text, "newer"));
	ck_assert_int_eq(number(db, "SELECT max(version) FROM schema_migrations"),
					 2);
	db_close(db);
}
END_TEST

TCase *store_migrate_case(void)
{
	TCase *tc = tcase_create("migrate");

	tcase_add_checked_fixture(tc, kit_setup, kit_teardown);
	tcase_add_test(tc, a_released_database_is_brought_up_to_date);
	tcase_add_test(tc, tables_are_made_anew_under_their_references);
	tcase_add_test(tc, a_migration_that_fails_changes_nothing);
	tcase_add_test(tc, another_history_is_refused);
	return tc;
}
