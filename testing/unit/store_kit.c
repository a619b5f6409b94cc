/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * store_kit.c - a database in a directory of its own, for tests of the store
 */
#include "config.h"

#include <dirent.h>
#include <time.h>
#include <unistd.h>

#include "store_kit.h"

char kit_dir[64], kit_path[96];
struct seal_key kit_kek;
struct store *store;
struct arena *arena;
struct err e;

static char *servers[] = { (char *)"https://vpn1.sp.example:8443" };
const struct model_management kit_management = {
	.servers = servers, .server_count = 1, .poll_interval = 300,
	.long_poll_timeout = 50, .report_interval = 300,
};

void kit_setup(void)
{
	char kek[96];

	memset(&e, 0, sizeof(e));
	OK(seal_init(&e));
	snprintf(kit_dir, sizeof(kit_dir), "/tmp/test_store.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(kit_dir));
	snprintf(kit_path, sizeof(kit_path), "%s/db", kit_dir);
	snprintf(kek, sizeof(kek), "%s/kek", kit_dir);
	OK(seal_key_create(kek, &kit_kek, &e));
	OK(store_create(kit_path, &kit_kek, &e));
	OK(store_open(kit_path, &kit_kek, &store, &e));
	arena = arena_new();
}

void kit_teardown(void)
{
	char path[512];
	struct dirent *entry;
	DIR *dir;

	store_close(store);
	store = NULL;
	arena_free(arena);
	arena = NULL;
	dir = opendir(kit_dir);
	while (dir && (entry = readdir(dir)))
	{
		snprintf(path, sizeof(path), "%s/%s", kit_dir, entry->d_name);
		(void)unlink(path);
	}
	if (dir)
	{
		closedir(dir);
	}
	(void)rmdir(kit_dir);
}

void kit_reopen(void)
{
	store_close(store);
	store = NULL;
	OK(store_open(kit_path, &kit_kek, &store, &e));
}

uint64_t kit_revision(void)
{
	uint64_t epoch, revision;

	OK(store_revision(store, &epoch, &revision, &e));
	ck_assert_uint_eq(epoch, 1);
	return revision;
}

int64_t kit_number(const char *sql)
{
	struct db *db;
	int64_t n;

	OK(db_open(kit_path, &db, &e));
	OK(db_number(db, sql, NULL, &n, &e));
	db_close(db);
	return n;
}

void kit_sql(const char *sql)
{
	struct db *db;

	OK(db_open(kit_path, &db, &e));
	OK(db_run(db, sql, NULL, &e));
	db_close(db);
}

int64_t kit_now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

struct addr kit_addr(const char *text)
{
	struct addr addr;

	ck_assert_int_eq(addr_parse4(text, &addr), 0);
	return addr;
}

int kit_add_customer(struct store *s, const char *customer,
					 const char *description, struct err *err)
{
	const struct store_customer row = {
		.customer = (char *)customer, .description = (char *)description,
	};

	return store_customer_add(s, &row, err);
}

int kit_add_ce(struct store *s, const char *customer, const char *ce,
			   const struct addr *address, const char *description,
			   struct err *err)
{
	const struct store_ce row = {
		.customer = (char *)customer, .ce = (char *)ce, .address = *address,
		.description = (char *)description,
	};

	return store_ce_add(s, &row, err);
}

int kit_add_site(struct store *s, const char *customer, const char *vpn,
				 const char *site, const char *ce,
				 const struct addr *router_id, const struct addr *ce_address,
				 struct err *err)
{
	struct store_site row = {
		.customer = (char *)customer, .vpn = (char *)vpn,
		.site = (char *)site, .ce = (char *)ce, .role = -1,
	};

	if (router_id)
	{
		row.router_id = *router_id;
	}
	if (ce_address)
	{
		row.ce_address = *ce_address;
	}
	return store_site_add(s, &row, err);
}

void kit_customer(const char *customer)
{
	CHANGE(kit_add_customer(store, customer, "", &e));
}

void kit_vpn(const char *customer, const char *vpn)
{
	struct store_vpn row;

	store_vpn_defaults(&row);
	row.customer = (char *)customer;
	row.vpn = (char *)vpn;
	CHANGE(store_vpn_add(store, &row, &e));
}

void kit_ce(const char *customer, const char *ce, const char *address)
{
	struct addr addr = kit_addr(address);

	CHANGE(kit_add_ce(store, customer, ce, &addr, NULL, &e));
}

void kit_site(const char *customer, const char *vpn, const char *site,
			  const char *ce)
{
	CHANGE(kit_add_site(store, customer, vpn, site, ce, NULL, NULL, &e));
}

void kit_acme(void)
{
	kit_customer("acme");
	kit_vpn("acme", "corp");
	kit_ce("acme", "paris-r1", "192.0.2.1");
	kit_ce("acme", "lyon-r1", "192.0.2.2");
	kit_ce("acme", "nice-r1", "192.0.2.3");
	kit_site("acme", "corp", "paris", "paris-r1");
	kit_site("acme", "corp", "lyon", "lyon-r1");
	kit_site("acme", "corp", "nice", "nice-r1");
}

uint64_t kit_ce_id(const char *customer, const char *ce)
{
	struct store_ce row;

	OK(store_ce_get(store, arena, customer, ce, &row, &e));
	return row.id;
}

uint64_t kit_ce_revision(const char *customer, const char *ce)
{
	struct store_ce row;

	OK(store_ce_get(store, arena, customer, ce, &row, &e));
	return row.revision;
}

struct model_document *kit_document(const char *customer, const char *ce)
{
	struct model_document *doc, *again;
	struct text text, second;

	OK(store_document(store, arena, kit_ce_id(customer, ce), &kit_management,
					  &doc, &e));
	OK(model_check(doc, &e));
	text = model_encode(doc);
	OK(model_decode(arena, text_str(&text), text.len, &again, &e));
	second = model_encode(again);
	ck_assert_str_eq(text_str(&text), text_str(&second));
	text_done(&text);
	text_done(&second);
	return doc;
}

const struct model_peer *kit_peer(const struct model_document *doc,
								  const char *peer)
{
	size_t i;

	ck_assert_uint_ge(doc->vpn_count, 1);
	for (i = 0; i < doc->vpns[0].peer_count; i++)
	{
		if (strcmp(doc->vpns[0].peers[i].peer, peer) == 0)
		{
			return &doc->vpns[0].peers[i];
		}
	}
	return NULL;
}
