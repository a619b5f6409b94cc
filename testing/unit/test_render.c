/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * test_render.c - from rows to a document
 */
#include "config.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "server/render.h"
#include "text.h"

static struct arena *a;
static struct err e;

static char *servers[] = { (char *)"https://vpn1.sp.example:8443" };
static const struct model_management management = {
	.servers = servers, .server_count = 1, .poll_interval = 300,
	.long_poll_timeout = 50, .report_interval = 300,
};

static void setup(void)
{
	a = arena_new();
	memset(&e, 0, sizeof(e));
}

static void teardown(void)
{
	arena_free(a);
}

static struct model_key *keys_of(uint8_t byte, size_t count)
{
	struct model_key *keys = arena_calloc(a, count, sizeof(*keys));
	size_t i;

	for (i = 0; i < count; i++)
	{
		keys[i].key_id = arena_printf(a, "g%zu", count - i);
		keys[i].use = i == 0 ? MODEL_SEND_AND_ACCEPT : MODEL_ACCEPT_ONLY;
		keys[i].secret.len = 32;
		memset(keys[i].secret.bytes, byte + (int)i, 32);
	}
	return keys;
}

/* count peers in reverse order of their names */
static struct render_vpn vpn_row(const char *customer, const char *vpn,
								 const char *site, size_t count,
								 uint32_t addresses)
{
	struct render_vpn row = { 0 };
	size_t i;

	store_vpn_defaults(&row.vpn);
	row.vpn.customer = arena_strdup(a, customer);
	row.vpn.vpn = arena_strdup(a, vpn);
	row.site = arena_strdup(a, site);
	row.ce_address = addr_from_u32(addresses);
	row.router_id = addr_from_u32(0x0aff0001);
	row.peers = arena_calloc(a, count, sizeof(*row.peers));
	row.peer_count = count;
	for (i = 0; i < count; i++)
	{
		row.peers[i].site = arena_printf(a, "s%05zu", count - i);
		row.peers[i].ce_address = addr_from_u32(addresses + 1 + (uint32_t)i);
		row.peers[i].initiates = i % 2;
		row.peers[i].keys = keys_of((uint8_t)i, 1);
		row.peers[i].key_count = 1;
	}
	return row;
}

static struct render_ce ce_rows(struct render_vpn *vpns, size_t count)
{
	return (struct render_ce){
		.customer = (char *)"acme", .ce = (char *)"paris-r1", .epoch = 3,
		.revision = 4711, .vpns = vpns, .vpn_count = count
	};
}

/* What a CE would read. */
static struct model_document *round_trip(const struct model_document *doc)
{
	struct model_document *out = NULL;
	struct text text, again;

	ck_assert_msg(model_check(doc, &e) == 0, "%s: %s", e.where, e.text);
	text = model_encode(doc);
	ck_assert_msg(model_decode(a, text_str(&text), text.len, &out, &e) == 0,
				  "%s: %s", e.where, e.text);
	again = model_encode(out);
	ck_assert_str_eq(text_str(&text), text_str(&again));
	text_done(&text);
	text_done(&again);
	return out;
}

START_TEST(orders_and_names)
{
	struct render_vpn vpns[2];
	struct render_ce rows = ce_rows(vpns, 2);
	struct model_document *doc;

	vpns[0] = vpn_row("acme", "voice", "paris", 2, 0xc6336401);
	vpns[1] = vpn_row("acme", "corp", "paris-2", 3, 0xc0000201);
	vpns[0].peers[0].keys = keys_of(1, 3);
	vpns[0].peers[0].key_count = 3;
	doc = round_trip(render_document(a, &rows, &management));
	ck_assert_str_eq(doc->ce, "acme/paris-r1");
	ck_assert_uint_eq(doc->epoch, 3);
	ck_assert_uint_eq(doc->revision, 4711);
	ck_assert_uint_eq(doc->management.poll_interval, 300);
	ck_assert_str_eq(doc->vpns[0].vpn, "corp");
	ck_assert_str_eq(doc->vpns[1].vpn, "voice");
	ck_assert_str_eq(doc->profiles[0].name, "corp");
	ck_assert_str_eq(doc->profiles[1].name, "voice");
	ck_assert_str_eq(doc->vpns[1].peers[0].sa_profile, "voice");
	ck_assert_ptr_eq(doc->vpns[1].peers[0].profile, &doc->profiles[1]);
	ck_assert_str_eq(doc->vpns[0].identity, "paris-2.corp.acme.vpn.internal");
	ck_assert_str_eq(doc->vpns[0].peers[0].peer, "s00001");
	ck_assert_str_eq(doc->vpns[0].peers[2].peer, "s00003");
	ck_assert_str_eq(doc->vpns[0].peers[2].identity,
					 "s00003.corp.acme.vpn.internal");
	ck_assert_int_eq(doc->vpns[0].peers[0].initiator, MODEL_LOCAL);
	ck_assert_int_eq(doc->vpns[0].peers[1].initiator, MODEL_REMOTE);
	ck_assert_uint_eq(doc->vpns[1].peers[1].key_count, 3);
	/* the rows are as they were */
	ck_assert_str_eq(vpns[0].vpn.vpn, "voice");
}
END_TEST

START_TEST(tells_what_was_removed)
{
	struct model_removed removed[2] = {
		{ (char *)"nice", 12, (char *)"site-removed" },
		{ (char *)"metz", 11, (char *)"moved" }
	};
	struct render_vpn vpn = vpn_row("acme", "corp", "paris", 1, 0xc0000201);
	struct render_ce rows = ce_rows(&vpn, 1);
	struct model_document *doc;

	vpn.removed = removed;
	vpn.removed_count = 2;
	doc = round_trip(render_document(a, &rows, &management));
	ck_assert_uint_eq(doc->vpns[0].removed_count, 2);
	ck_assert_str_eq(doc->vpns[0].removed[0].peer, "metz");
	ck_assert_uint_eq(doc->vpns[0].removed[1].at_revision, 12);
}
END_TEST

START_TEST(makes_tombstones_and_empty_documents)
{
	struct render_vpn vpn = vpn_row("acme", "corp", "paris", 1, 0xc0000201);
	struct render_ce rows = ce_rows(&vpn, 1);
	struct model_document *doc;

	rows.removed = true;
	doc = round_trip(render_document(a, &rows, &management));
	ck_assert_int_eq(doc->state, MODEL_DEPROVISIONED);
	ck_assert_uint_eq(doc->vpn_count + doc->profile_count, 0);
	rows = ce_rows(NULL, 0);
	doc = round_trip(render_document(a, &rows, &management));
	ck_assert_int_eq(doc->state, MODEL_ACTIVE);
	ck_assert_uint_eq(doc->vpn_count, 0);
}
END_TEST

/* The most that the store lets a CE have, with names as long as they can be. */
START_TEST(the_largest_document_is_accepted)
{
	static const char filler[] =
		"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx";
	struct render_vpn vpn = vpn_row(filler, filler, filler, RENDER_PEERS_MAX,
									0xc0000001);
	struct render_ce rows = ce_rows(&vpn, 1);
	struct model_document *doc;
	size_t i;

	rows.customer = rows.ce = (char *)filler;
	vpn.site = (char *)"y";
	vpn.vpn.domain = arena_printf(a, "%.30s.%.29s", filler, filler);
	for (i = 0; i < vpn.peer_count; i++)
	{
		vpn.peers[i].site = arena_printf(a, "%.58s%05zu", filler, i);
	}
	vpn.removed_count = RENDER_REMOVED_MAX;
	vpn.removed = arena_calloc(a, vpn.removed_count, sizeof(*vpn.removed));
	for (i = 0; i < vpn.removed_count; i++)
	{
		vpn.removed[i].peer = arena_printf(a, "%.58s%05zu", filler + 1, i);
		vpn.removed[i].at_revision = (1ull << 53) - 1;
		vpn.removed[i].reason = (char *)filler;
	}
	doc = round_trip(render_document(a, &rows, &management));
	ck_assert_uint_eq(doc->vpns[0].peer_count, RENDER_PEERS_MAX);
}
END_TEST

START_TEST(tries_a_vpn)
{
	static char *bad[] = { (char *)"AES 256" };
	struct store_vpn vpn;

	store_vpn_defaults(&vpn);
	vpn.customer = vpn.vpn = (char *)"a";
	ck_assert_int_eq(render_try(&vpn, &e), 0);
	vpn.mtu = 1;
	ck_assert_int_eq(render_try(&vpn, &e), -EINVAL);
	ck_assert_str_eq(e.where, "/vpns/0/mtu");
	vpn.mtu = 1400;
	vpn.profile.proposals = bad;
	vpn.profile.proposal_count = 1;
	ck_assert_int_eq(render_try(&vpn, &e), -EINVAL);
}
END_TEST

START_TEST(shared_settings_have_a_text)
{
	struct model_management other = management;
	char *one = render_management_text(&management);
	char *two = render_management_text(&other), *three;

	ck_assert_str_eq(one, two);
	other.report_interval++;
	three = render_management_text(&other);
	ck_assert_str_ne(one, three);
	free(one);
	free(two);
	free(three);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("render");
	TCase *tc = tcase_create("render");
	SRunner *runner;
	int failed;

	tcase_set_timeout(tc, 60);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, orders_and_names);
	tcase_add_test(tc, tells_what_was_removed);
	tcase_add_test(tc, makes_tombstones_and_empty_documents);
	tcase_add_test(tc, the_largest_document_is_accepted);
	tcase_add_test(tc, tries_a_vpn);
	tcase_add_test(tc, shared_settings_have_a_text);
	suite_add_tcase(suite, tc);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}
