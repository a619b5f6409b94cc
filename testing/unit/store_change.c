/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * store_change - one change of the database, and what is in it, for test_kills.py
 *
 * store_change setup|change|rotate|confirm|step|show STATE-DIR, or want STATE-DIR
 * CUSTOMER VPN, which has an authority then; change, want and rotate say the
 * revision that they committed, step how many it made and how many tunnels are
 * through, show all that there is.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "alloc.h"
#include "seal.h"
#include "secret.h"
#include "server/rotation.h"
#include "server/store.h"
#include "text.h"

static struct store *store;
static struct err e;

static void need(int rc, const char *what)
{
	if (rc)
	{
		fprintf(stderr, "%s: %s: %s\n", what, e.where, e.text);
		exit(1);
	}
}

static void open_store(const char *dir)
{
	char *database = xasprintf("%s/ppvpn.db", dir);
	char *kek_file = xasprintf("%s/kek.key", dir);
	struct seal_key kek;

	need(seal_init(&e), "seal");
	need(seal_key_load(kek_file, &kek, &e), "key");
	need(store_open(database, &kek, &store, &e), "open");
	free(database);
	free(kek_file);
}

static void begin(void)
{
	need(store_begin(store, "test", &e), "begin");
}

static void commit(const char *what)
{
	uint64_t revision;

	need(store_commit(store, what, &revision, &e), "commit");
	printf("%llu\n", (unsigned long long)revision);
	fflush(stdout);
}

static void add_ce(unsigned number)
{
	char name[16], text[32];
	struct store_ce ce = { .customer = (char *)"acme", .ce = name };
	const struct store_site site = {
		.customer = (char *)"acme", .vpn = (char *)"corp", .site = name,
		.ce = name, .role = -1,
	};
	struct addr address;

	snprintf(name, sizeof(name), "r%u", number);
	snprintf(text, sizeof(text), "192.0.2.%u", number);
	need(addr_parse4(text, &address), "address");
	ce.address = address;
	need(store_ce_add(store, &ce, &e), "ce");
	need(store_site_add(store, &site, &e), "site");
}

static void setup(void)
{
	const struct store_customer customer = { .customer = (char *)"acme" };
	struct store_vpn vpn;

	begin();
	need(store_customer_add(store, &customer, &e), "customer");
	store_vpn_defaults(&vpn);
	vpn.customer = (char *)"acme";
	vpn.vpn = (char *)"corp";
	need(store_vpn_add(store, &vpn, &e), "vpn");
	for (unsigned i = 1; i <= 5; i++)
	{
		add_ce(i);
	}
	commit("setup");
}

/* A router more, with its tunnels, each time. */
static void change(struct arena *arena)
{
	struct store_ce *ces;
	size_t count;

	need(store_ces(store, arena, NULL, &ces, &count, &e), "CEs");
	begin();
	add_ce((unsigned)count + 1);
	commit("one more");
}

/* ---- keys that are changed -------------------------------------------------- */

static int64_t now_ms(void)
{
	return (int64_t)time(NULL) * 1000;
}

static void rotate(void)
{
	uint64_t begun, already;

	begin();
	need(store_rotation_begin(store, "acme", "corp", NULL, NULL, &begun,
							  &already, &e), "rotation");
	commit("psk rotate acme/corp");
}

/* Each router says that it has its present document in force. */
static void confirm(struct arena *arena)
{
	struct store_ce *ces;
	uint64_t epoch, revision;
	size_t i, count;

	need(store_revision(store, &epoch, &revision, &e), "revision");
	need(store_ces(store, arena, NULL, &ces, &count, &e), "CEs");
	for (i = 0; i < count; i++)
	{
		const struct status_report report = {
			.ce = arena_printf(arena, "acme/%s", ces[i].ce),
			.boot_id = arena_printf(arena, "%llu",
									(unsigned long long)revision),
			.seq = 1, .agent_version = (char *)"0.1", .epoch = epoch,
			.revision = ces[i].revision, .result = STATUS_APPLIED,
		};

		need(store_report(store, ces[i].id, &report, now_ms(), &e), "report");
	}
}

static void step(void)
{
	struct store_rotated out;

	need(store_rotation_round(store, now_ms(), &out, &e), "step");
	printf("%llu %llu\n", (unsigned long long)out.revisions,
		   (unsigned long long)out.finished);
	fflush(stdout);
}

static void show_rotations(struct arena *arena)
{
	struct store_rotation *list;
	size_t i, count;
	uint64_t all;

	need(store_rotations(store, arena, NULL, NULL, &list, &count, &all, &e),
		 "rotations");
	for (i = 0; i < count; i++)
	{
		printf("rotation %s %s %s %llu\n", list[i].end[0].site,
			   list[i].end[1].site, rotation_steps[list[i].step],
			   (unsigned long long)list[i].revision);
	}
}

static void show_document(struct arena *arena, const struct store_ce *ce)
{
	static char *servers[] = { (char *)"https://vpn1.sp.example:8443" };
	const struct model_management management = {
		.servers = servers, .server_count = 1, .poll_interval = 300,
		.long_poll_timeout = 50, .report_interval = 300,
	};
	struct model_document *doc;
	uint8_t hash[32];
	struct text text;
	char hex[65];

	need(store_document(store, arena, ce->id, &management, &doc, &e),
		 "document");
	text = model_encode(doc);
	seal_sha256(text_str(&text), text.len, hash);
	hex_encode(hash, sizeof(hash), hex);
	wipe(text.s, text.len);
	text_done(&text);
	printf("%s %llu %s\n", ce->ce, (unsigned long long)doc->revision, hex);
}

static void show(struct arena *arena)
{
	struct store_audit *audits;
	uint64_t epoch, revision;
	struct store_ce *ces;
	size_t count;

	need(store_check(store, &e), "check");
	need(store_revision(store, &epoch, &revision, &e), "revision");
	printf("revision %llu %llu\n", (unsigned long long)epoch,
		   (unsigned long long)revision);
	need(store_ces(store, arena, NULL, &ces, &count, &e), "CEs");
	for (size_t i = 0; i < count; i++)
	{
		show_document(arena, &ces[i]);
	}
	need(store_audits(store, arena, 100, &audits, &count, &e), "audits");
	for (size_t i = 0; i < count; i++)
	{
		printf("audit %llu %s\n", (unsigned long long)audits[i].revision,
			   audits[i].what);
	}
	show_rotations(arena);
}

/* The VPN has an authority from now on. */
static void want(struct arena *arena, const char *customer, const char *name)
{
	struct store_vpn vpn;

	need(store_vpn_get(store, arena, customer, name, &vpn, &e), "vpn");
	begin();
	need(store_authority_want(store, (int64_t)vpn.id, &e), "authority");
	commit(arena_printf(arena, "authority of %s/%s", customer, name));
}

int main(int argc, char *argv[])
{
	struct arena *arena = arena_new();

	if (argc != (argc > 1 && strcmp(argv[1], "want") == 0 ? 5 : 3))
	{
		fprintf(stderr, "usage: store_change setup|change|rotate|confirm|step|show "
				"STATE-DIR\n       store_change want STATE-DIR CUSTOMER VPN\n");
		return 2;
	}
	open_store(argv[2]);
	if (strcmp(argv[1], "want") == 0)
	{
		want(arena, argv[3], argv[4]);
	}
	else if (strcmp(argv[1], "setup") == 0)
	{
		setup();
	}
	else if (strcmp(argv[1], "change") == 0)
	{
		change(arena);
	}
	else if (strcmp(argv[1], "rotate") == 0)
	{
		rotate();
	}
	else if (strcmp(argv[1], "confirm") == 0)
	{
		confirm(arena);
	}
	else if (strcmp(argv[1], "step") == 0)
	{
		step();
	}
	else
	{
		show(arena);
	}
	store_close(store);
	arena_free(arena);
	return 0;
}
