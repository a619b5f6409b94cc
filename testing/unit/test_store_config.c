/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * test_store_config.c - customers, VPNs, routers, sites and their documents
 */
#include "config.h"

#include "server/render.h"
#include "server/store_weight.h"
#include "store_kit.h"

START_TEST(customers_come_and_go)
{
	struct store_customer *list;
	char text[258];
	size_t count;

	ck_assert_uint_eq(kit_revision(), 0);
	CHANGE(kit_add_customer(store, "globex", "Globex & sons", &e));
	kit_customer("acme");
	ck_assert_uint_eq(kit_revision(), 2);
	REFUSED(kit_add_customer(store, "acme", "", &e), -EEXIST, ERR_EXISTS);
	REFUSED(kit_add_customer(store, "Acme", "", &e), -EINVAL, ERR_NAME);
	REFUSED(kit_add_customer(store, "", "", &e), -EINVAL, ERR_NAME);
	REFUSED(kit_add_customer(store, "a'; DROP TABLE ce; --", "", &e),
			-EINVAL, ERR_NAME);
	REFUSED(kit_add_customer(store, "x", "a\nb", &e), -EINVAL, ERR_USAGE);
	memset(text, 'x', sizeof(text) - 1);
	text[256] = '\0';
	REFUSED(kit_add_customer(store, "x", text, &e), -EINVAL, ERR_USAGE);
	OK(store_customers(store, arena, &list, &count, &e));
	ck_assert_uint_eq(count, 2);
	ck_assert_str_eq(list[0].customer, "acme");
	ck_assert_str_eq(list[1].description, "Globex & sons");
	REFUSED(store_customer_remove(store, "hooli", &e), -ENOENT,
			ERR_NOT_FOUND);
	CHANGE(store_customer_remove(store, "acme", &e));
	OK(store_customers(store, arena, &list, &count, &e));
	ck_assert_uint_eq(count, 1);
	kit_customer("acme");
}
END_TEST

START_TEST(removes_only_what_is_empty)
{
	kit_acme();
	REFUSED(store_customer_remove(store, "acme", &e), -EBUSY, ERR_IN_USE);
	REFUSED(store_vpn_remove(store, "acme", "corp", &e), -EBUSY, ERR_IN_USE);
	REFUSED(store_ce_remove(store, "acme", "lyon-r1", &e), -EBUSY, ERR_IN_USE);
	CHANGE(store_site_remove(store, "acme", "corp", "paris", "site-removed",
							 &e));
	CHANGE(store_site_remove(store, "acme", "corp", "lyon", "site-removed",
							 &e));
	CHANGE(store_site_remove(store, "acme", "corp", "nice", "site-removed",
							 &e));
	CHANGE(store_vpn_remove(store, "acme", "corp", &e));
	REFUSED(store_customer_remove(store, "acme", &e), -EBUSY, ERR_IN_USE);
	CHANGE(store_ce_remove(store, "acme", "paris-r1", &e));
	CHANGE(store_ce_remove(store, "acme", "lyon-r1", &e));
	CHANGE(store_ce_remove(store, "acme", "nice-r1", &e));
	CHANGE(store_customer_remove(store, "acme", &e));
	OK(store_check(store, &e));
}
END_TEST

START_TEST(keeps_a_vpn_as_it_was_given)
{
	static char *ike[] = { (char *)"aes256-sha384-ecp384" };
	static char *esp[] = { (char *)"aes256gcm16-ecp384", (char *)"aes128gcm16-ecp256" };
	struct store_vpn row, *list;
	size_t count;

	kit_customer("acme");
	store_vpn_defaults(&row);
	ck_assert_uint_eq(row.mtu, 1400);
	ck_assert_uint_eq(row.ospf.dead_interval, 40);
	row.customer = (char *)"acme";
	row.vpn = (char *)"voice";
	row.description = (char *)"for phones";
	row.domain = (char *)"vpn.sp.example";
	ck_assert_int_eq(prefix_parse4("172.20.0.0/24", true, &row.router_ids), 0);
	row.mtu = 1300;
	row.ospf = (struct model_ospf){ kit_addr("0.0.0.7"), 2, 8, 77 };
	row.retry = (struct model_retry){ 1, 2, 3, 40, 5 };
	row.profile = (struct model_profile){
		.proposals = ike, .proposal_count = 1, .esp_proposals = esp,
		.esp_proposal_count = 2, .rekey_time = 7200, .child_rekey_time = 1800,
		.dpd_delay = 0
	};
	CHANGE(store_vpn_add(store, &row, &e));
	OK(store_vpns(store, arena, "acme", &list, &count, &e));
	ck_assert_uint_eq(count, 1);
	ck_assert_str_eq(list[0].vpn, "voice");
	ck_assert_str_eq(list[0].description, "for phones");
	ck_assert_str_eq(list[0].domain, "vpn.sp.example");
	ck_assert(prefix_equal(&list[0].router_ids, &row.router_ids));
	ck_assert_uint_eq(list[0].mtu, 1300);
	ck_assert_mem_eq(&list[0].ospf, &row.ospf, sizeof(row.ospf));
	ck_assert_mem_eq(&list[0].retry, &row.retry, sizeof(row.retry));
	ck_assert_uint_eq(list[0].profile.esp_proposal_count, 2);
	ck_assert_str_eq(list[0].profile.esp_proposals[1], "aes128gcm16-ecp256");
	ck_assert_str_eq(list[0].profile.proposals[0], "aes256-sha384-ecp384");
	ck_assert_uint_eq(list[0].profile.child_rekey_time, 1800);
	ck_assert_uint_eq(list[0].profile.dpd_delay, 0);
	OK(store_vpns(store, arena, "globex", &list, &count, &e));
	ck_assert_uint_eq(count, 0);
}
END_TEST

static void refuse_vpn(const struct store_vpn *row, enum err_code code)
{
	REFUSED(store_vpn_add(store, row, &e), -EINVAL, code);
}

START_TEST(refuses_vpns_that_cannot_work)
{
	static char *bad[] = { (char *)"aes256,null" };
	struct store_vpn good, row;

	kit_customer("acme");
	store_vpn_defaults(&good);
	good.customer = (char *)"acme";
	good.vpn = (char *)"corp";
#define BAD(code, ...) \
	do { row = good; __VA_ARGS__; refuse_vpn(&row, code); } while (0)
	BAD(ERR_LIMIT, row.mtu = 500);
	BAD(ERR_LIMIT, row.mtu = 9001);
	BAD(ERR_LIMIT, row.ospf.hello_interval = 0);
	BAD(ERR_LIMIT, row.ospf.dead_interval = 10);
	BAD(ERR_LIMIT, row.ospf.cost = 65536);
	BAD(ERR_LIMIT, row.retry.t1 = 0);
	BAD(ERR_LIMIT, row.retry.maximum = 9);
	BAD(ERR_LIMIT, row.profile.rekey_time = 299);
	BAD(ERR_LIMIT, row.profile.dpd_delay = 4);
	BAD(ERR_NAME, row.vpn = (char *)"Corp");
	BAD(ERR_NAME, row.domain = (char *)"internal");
	BAD(ERR_NAME, row.domain = (char *)"a..b");
	BAD(ERR_USAGE, row.description = (char *)"\x1b[2J");
	BAD(ERR_ADDRESS, row.router_ids.len = 31);
	BAD(ERR_ADDRESS, row.router_ids.len = 4);
	BAD(ERR_ADDRESS, row.router_ids.addr = kit_addr("224.0.0.0"));
	/* the document's own checks say no: a comma would be two proposals */
	BAD(ERR_JSON_VALUE, row.profile.proposals = bad;
		row.profile.proposal_count = 1);
	BAD(ERR_JSON_VALUE, row.profile.esp_proposal_count = 0);
	row = good;
	row.customer = (char *)"globex";
	REFUSED(store_vpn_add(store, &row, &e), -ENOENT, ERR_NOT_FOUND);
	CHANGE(store_vpn_add(store, &good, &e));
	REFUSED(store_vpn_add(store, &good, &e), -EEXIST, ERR_EXISTS);
}
END_TEST

START_TEST(gives_each_end_the_same_tunnel)
{
	struct model_document *paris, *lyon;
	const struct model_peer *to_lyon, *to_paris, *to_nice;

	kit_acme();
	paris = kit_document("acme", "paris-r1");
	lyon = kit_document("acme", "lyon-r1");
	ck_assert_str_eq(paris->ce, "acme/paris-r1");
	ck_assert_uint_eq(paris->epoch, 1);
	ck_assert_uint_eq(paris->revision, kit_revision());
	ck_assert_int_eq(paris->state, MODEL_ACTIVE);
	ck_assert_uint_eq(paris->vpn_count, 1);
	ck_assert_str_eq(paris->vpns[0].site, "paris");
	ck_assert_str_eq(paris->vpns[0].identity, "paris.corp.acme.vpn.internal");
	ck_assert_uint_eq(paris->vpns[0].peer_count, 2);
	to_lyon = kit_peer(paris, "lyon");
	to_nice = kit_peer(paris, "nice");
	to_paris = kit_peer(lyon, "paris");
	ck_assert_str_eq(to_lyon->identity, "lyon.corp.acme.vpn.internal");
	ck_assert_uint_eq(to_lyon->key_count, 1);
	ck_assert_uint_eq(to_lyon->keys[0].secret.len, 32);
	ck_assert(secret_equal(&to_lyon->keys[0].secret,
						   &to_paris->keys[0].secret));
	ck_assert(!secret_equal(&to_lyon->keys[0].secret,
							&to_nice->keys[0].secret));
	/* one end begins, and both know which */
	ck_assert_int_ne(to_lyon->initiator, to_paris->initiator);
}
END_TEST

/* Each site of a mesh begins about half of its tunnels. */
START_TEST(shares_the_work_of_beginning)
{
	struct model_document *doc;
	char name[16], ce[24], address[32];
	size_t i, k, local, all = 0;

	kit_customer("acme");
	kit_vpn("acme", "corp");
	for (i = 0; i < 11; i++)
	{
		snprintf(name, sizeof(name), "s%zu", i);
		snprintf(ce, sizeof(ce), "r%zu", i);
		snprintf(address, sizeof(address), "192.0.2.%zu", i + 1);
		kit_ce("acme", ce, address);
		kit_site("acme", "corp", name, ce);
	}
	for (i = 0; i < 11; i++)
	{
		snprintf(ce, sizeof(ce), "r%zu", i);
		doc = kit_document("acme", ce);
		ck_assert_uint_eq(doc->vpns[0].peer_count, 10);
		for (k = 0, local = 0; k < 10; k++)
		{
			local += doc->vpns[0].peers[k].initiator == MODEL_LOCAL;
		}
		ck_assert_uint_ge(local, 4);
		ck_assert_uint_le(local, 6);
		all += local;
	}
	ck_assert_uint_eq(all, 55);
}
END_TEST

START_TEST(wakes_only_those_concerned)
{
	struct store_change *changes;
	uint64_t before;
	size_t count;

	kit_acme();
	kit_vpn("acme", "voice");
	kit_ce("acme", "metz-r1", "192.0.2.4");
	before = kit_revision();
	OK(store_changes_since(store, arena, before, &changes, &count, &e));
	ck_assert_uint_eq(count, 0);
	kit_site("acme", "voice", "metz", "metz-r1");
	OK(store_changes_since(store, arena, before, &changes, &count, &e));
	ck_assert_uint_eq(count, 1);
	ck_assert_uint_eq(changes[0].ce_id, kit_ce_id("acme", "metz-r1"));
	ck_assert_uint_eq(changes[0].revision, before + 1);
	ck_assert_uint_gt(changes[0].committed_ms, 1600000000000);
	ck_assert_uint_lt(kit_ce_revision("acme", "paris-r1"), before);
	/* a site more in corp: all of corp, each once, and nobody else */
	before = kit_revision();
	CHANGE(store_site_remove(store, "acme", "corp", "nice", "site-removed",
							 &e));
	OK(store_changes_since(store, arena, before, &changes, &count, &e));
	ck_assert_uint_eq(count, 3);
	/* nothing for a customer that has none of it */
	before = kit_revision();
	kit_customer("globex");
	OK(store_changes_since(store, arena, before, &changes, &count, &e));
	ck_assert_uint_eq(count, 0);
}
END_TEST

static void suspend(const char *ce, bool suspended)
{
	struct store_ce row;

	OK(store_ce_get(store, arena, "acme", ce, &row, &e));
	row.suspended = suspended;
	CHANGE(store_ce_set(store, &row, &e));
}

static void ck_told(uint64_t since, const char *ces)
{
	struct store_change *changes;
	struct store_ce *list;
	char told[256] = "";
	size_t i, j, count, changed;

	OK(store_changes_since(store, arena, since, &changes, &changed, &e));
	OK(store_ces(store, arena, NULL, &list, &count, &e));
	for (i = 0; i < count; i++)
	{
		for (j = 0; j < changed; j++)
		{
			if (changes[j].ce_id == list[i].id)
			{
				strcat(strcat(told, *told ? " " : ""), list[i].ce);
			}
		}
	}
	ck_assert_str_eq(told, ces);
}

/* A suspended CE's document has no tunnels: what changes in them is no news. */
START_TEST(suspended_ones_hear_what_concerns_them)
{
	struct store_link link = {
		.customer = (char *)"acme", .vpn = (char *)"corp",
		.site = { (char *)"paris", (char *)"lyon" }, .cost = 7
	};
	uint64_t before;

	kit_acme();
	suspend("lyon-r1", true);
	before = kit_revision();
	CHANGE(store_link_set(store, &link, &e));
	ck_told(before, "");
	before = kit_revision();
	suspend("nice-r1", true);
	ck_told(before, "nice-r1 paris-r1");
	before = kit_revision();
	CHANGE(store_site_remove(store, "acme", "corp", "lyon", "site-removed",
							 &e));
	ck_told(before, "lyon-r1 paris-r1");
	before = kit_revision();
	suspend("nice-r1", false);
	ck_told(before, "nice-r1 paris-r1");
}
END_TEST

static void move(const char *ce, const char *address)
{
	struct store_ce row;

	OK(store_ce_get(store, arena, "acme", ce, &row, &e));
	row.address = kit_addr(address);
	CHANGE(store_ce_set(store, &row, &e));
}

static void ck_site_at(const char *vpn, const char *address)
{
	char text[ADDR_TEXT_MAX];
	struct store_site site;

	OK(store_site_get(store, arena, "acme", vpn, "paris", &site, &e));
	ck_assert_str_eq(addr_str(&site.ce_address, text), address);
}

/* Sites at the router's own address follow it; taken back, each is where it was. */
START_TEST(sites_follow_their_router_and_come_back)
{
	struct addr own = kit_addr("192.0.2.99");
	uint64_t before;

	kit_acme();
	kit_vpn("acme", "voice");
	CHANGE(kit_add_site(store, "acme", "voice", "paris", "paris-r1", NULL, &own,
						&e));
	kit_ce("acme", "free-r1", "192.0.2.50");
	before = kit_revision();
	move("free-r1", "192.0.2.51");
	ck_told(before, "");		/* no document has it */
	move("paris-r1", "192.0.2.99");
	ck_site_at("corp", "192.0.2.99");
	CHANGE(store_revert(store, kit_revision(), &e));
	ck_site_at("corp", "192.0.2.1");
	ck_site_at("voice", "192.0.2.99");
	CHANGE(store_revert(store, kit_revision(), &e));
	ck_site_at("corp", "192.0.2.99");
	ck_site_at("voice", "192.0.2.99");
}
END_TEST

static const struct store_weight *weight_of(uint64_t since, uint64_t ce)
{
	struct store_change *changes;
	struct store_weight *weights;
	size_t count;

	OK(store_changes_since(store, arena, since, &changes, &count, &e));
	weights = arena_calloc(arena, count, sizeof(*weights));
	OK(store_changes_weigh(store, arena, since, changes, count, weights, &e));
	for (size_t i = 0; i < count; i++)
	{
		if (weights[i].ce_id == ce)
		{
			return &weights[i];
		}
	}
	return NULL;
}

/* Who is out hears it first, then those who lose it; who joins has time. */
START_TEST(who_loses_something_is_told_at_once)
{
	const struct store_weight *weight;
	uint64_t before, metz, nice, paris;

	kit_acme();
	kit_ce("acme", "metz-r1", "192.0.2.4");
	metz = kit_ce_id("acme", "metz-r1");
	nice = kit_ce_id("acme", "nice-r1");
	paris = kit_ce_id("acme", "paris-r1");
	before = kit_revision();
	kit_site("acme", "corp", "metz", "metz-r1");
	weight = weight_of(before, metz);
	ck_assert(!weight->urgent);
	ck_assert_uint_eq(weight->links, 3);
	ck_assert(!weight_of(before, paris)->urgent);
	before = kit_revision();
	CHANGE(store_site_remove(store, "acme", "corp", "nice", "site-removed",
							 &e));
	weight = weight_of(before, nice);
	ck_assert(weight->urgent);
	ck_assert_uint_gt(weight->links, weight_of(before, paris)->links);
	ck_assert(weight_of(before, paris)->urgent);
	before = kit_revision();
	CHANGE(store_ce_leave(store, paris, &e));
	weight = weight_of(before, paris);
	ck_assert(weight->urgent);
	ck_assert_uint_gt(weight->links, weight_of(before, metz)->links);
	ck_assert(weight_of(before, metz)->urgent);
}
END_TEST

START_TEST(explains_a_removed_site)
{
	struct model_document *doc;
	uint64_t at;

	kit_acme();
	CHANGE(store_site_remove(store, "acme", "corp", "nice", "site-removed",
							 &e));
	at = kit_revision();
	doc = kit_document("acme", "paris-r1");
	ck_assert_uint_eq(doc->revision, at);
	ck_assert_ptr_null(kit_peer(doc, "nice"));
	ck_assert_uint_eq(doc->vpns[0].removed_count, 1);
	ck_assert_str_eq(doc->vpns[0].removed[0].peer, "nice");
	ck_assert_uint_eq(doc->vpns[0].removed[0].at_revision, at);
	ck_assert_str_eq(doc->vpns[0].removed[0].reason, "site-removed");
	/* its own CE has no VPN any more, and is no tombstone */
	doc = kit_document("acme", "nice-r1");
	ck_assert_uint_eq(doc->vpn_count, 0);
	ck_assert_int_eq(doc->state, MODEL_ACTIVE);
	/* who came later was never told of it */
	kit_ce("acme", "metz-r1", "192.0.2.4");
	kit_site("acme", "corp", "metz", "metz-r1");
	doc = kit_document("acme", "metz-r1");
	ck_assert_uint_eq(doc->vpns[0].removed_count, 0);
	/* it is back: nothing to explain */
	kit_site("acme", "corp", "nice", "nice-r1");
	doc = kit_document("acme", "paris-r1");
	ck_assert_uint_eq(doc->vpns[0].removed_count, 0);
	ck_assert_ptr_nonnull(kit_peer(doc, "nice"));
	REFUSED(store_site_remove(store, "acme", "corp", "oslo", "site-removed",
							  &e), -ENOENT, ERR_NOT_FOUND);
	REFUSED(store_site_remove(store, "acme", "corp", "nice", "a \"b\"", &e),
			-EINVAL, ERR_NAME);
}
END_TEST

/* 30 days, and then only together with another change of the VPN. */
START_TEST(forgets_explanations_with_a_change)
{
	struct model_document *doc;
	struct db *db;
	uint64_t revision;

	kit_acme();
	CHANGE(store_site_remove(store, "acme", "corp", "nice", "site-removed",
							 &e));
	revision = kit_ce_revision("acme", "paris-r1");
	OK(db_open(kit_path, &db, &e));
	OK(db_run(db, "UPDATE link_removed SET at_ms = at_ms - 2592001000", NULL,
			  &e));
	db_close(db);
	doc = kit_document("acme", "paris-r1");
	ck_assert_uint_eq(doc->revision, revision);
	ck_assert_uint_eq(doc->vpns[0].removed_count, 1);
	CHANGE(store_site_remove(store, "acme", "corp", "lyon", "site-removed",
							 &e));
	doc = kit_document("acme", "paris-r1");
	ck_assert_uint_gt(doc->revision, revision);
	ck_assert_uint_eq(doc->vpns[0].removed_count, 1);
	ck_assert_str_eq(doc->vpns[0].removed[0].peer, "lyon");
}
END_TEST

/* What no entry of "removed" tells is told by one number. */
START_TEST(says_what_is_not_explained)
{
	struct model_document *doc;
	uint64_t first, at;
	struct db *db;

	kit_acme();
	kit_vpn("acme", "voice");
	kit_site("acme", "voice", "paris", "paris-r1");
	ck_assert_uint_eq(kit_document("acme", "paris-r1")->bulk_removal, 0);
	CHANGE(store_site_remove(store, "acme", "corp", "nice", "site-removed",
							 &e));
	first = kit_revision();
	/* explained to the others; its own router has lost a whole VPN */
	ck_assert_uint_eq(kit_document("acme", "paris-r1")->bulk_removal, 0);
	ck_assert_uint_eq(kit_document("acme", "nice-r1")->bulk_removal, first);
	/* an explanation that is forgotten */
	OK(db_open(kit_path, &db, &e));
	OK(db_run(db, "UPDATE link_removed SET at_ms = at_ms - 2592001000", NULL,
			  &e));
	db_close(db);
	CHANGE(store_site_remove(store, "acme", "corp", "lyon", "site-removed",
							 &e));
	doc = kit_document("acme", "paris-r1");
	ck_assert_uint_eq(doc->vpns[0].removed_count, 1);
	ck_assert_uint_eq(doc->bulk_removal, first);
	/* a whole VPN, the other one stays */
	CHANGE(store_site_remove(store, "acme", "voice", "paris", "site-removed",
							 &e));
	at = kit_revision();
	ck_assert_uint_eq(kit_document("acme", "paris-r1")->bulk_removal, at);
}
END_TEST

START_TEST(says_that_more_went_than_it_tells)
{
	struct model_document *doc;
	uint64_t epoch, revision;
	struct db *db;
	int64_t site;

	kit_acme();
	OK(db_open(kit_path, &db, &e));
	OK(db_number(db, "SELECT id FROM site WHERE name = 'paris'", NULL, &site,
				 &e));
	for (int i = 0; i < 502; i++)
	{
		OK(db_run(db, "INSERT INTO link_removed (site_id, peer, revision, "
				  "at_ms, reason) VALUES ($1, $2, $3, $4, 'site-removed')",
				  DB_ARGS(db_i(site), db_t(arena_printf(arena, "gone-%d", i)),
						  db_i(i < 4 ? 1 : 2), db_i(kit_now_ms())), &e));
		if (i == 499)
		{
			ck_assert_uint_eq(kit_document("acme", "paris-r1")->bulk_removal,
							  0);
		}
	}
	db_close(db);
	doc = kit_document("acme", "paris-r1");
	ck_assert_uint_eq(doc->vpns[0].removed_count, 500);
	ck_assert_uint_eq(doc->bulk_removal, 1);
	REFUSED(store_removal_allow(store, "acme", "oslo-r1", &e), -ENOENT,
			ERR_NOT_FOUND);
	/* said in another epoch: it counts no more, until it is said again */
	OK(store_epoch_begin(store, 0, "unix:root", &e));
	ck_assert_uint_eq(kit_document("acme", "paris-r1")->bulk_removal, 0);
	CHANGE(store_removal_allow(store, "acme", "paris-r1", &e));
	OK(store_revision(store, &epoch, &revision, &e));
	doc = kit_document("acme", "paris-r1");
	ck_assert_uint_eq(doc->bulk_removal, revision);
	ck_assert_uint_eq(doc->revision, revision);
}
END_TEST

START_TEST(keys_and_router_ids_are_new_each_time)
{
	struct store_site *sites;
	struct model_document *doc;
	struct secret first;
	size_t count;

	kit_acme();
	first = kit_peer(kit_document("acme", "paris-r1"), "nice")->keys[0].secret;
	CHANGE(store_site_remove(store, "acme", "corp", "nice", "site-removed",
							 &e));
	kit_site("acme", "corp", "nice", "nice-r1");
	doc = kit_document("acme", "paris-r1");
	ck_assert(!secret_equal(&first, &kit_peer(doc, "nice")->keys[0].secret));
	OK(store_sites(store, arena, "acme", "corp", &sites, &count, &e));
	ck_assert_uint_eq(count, 3);
	/* by name: lyon, nice, paris */
	ck_assert_uint_eq(addr_to_u32(&sites[2].router_id), 0x0aff0001);
	ck_assert_uint_eq(addr_to_u32(&sites[0].router_id), 0x0aff0002);
	ck_assert_uint_eq(addr_to_u32(&sites[1].router_id), 0x0aff0004);
	ck_assert_str_eq(sites[0].ce, "lyon-r1");
	ck_assert_uint_eq(addr_to_u32(&sites[0].ce_address), 0xc0000202);
}
END_TEST

START_TEST(uses_a_pool_up)
{
	struct addr own = kit_addr("10.9.9.9");
	struct store_vpn row;
	struct store_site *sites;
	size_t count;

	kit_customer("acme");
	store_vpn_defaults(&row);
	row.customer = (char *)"acme";
	row.vpn = (char *)"corp";
	ck_assert_int_eq(prefix_parse4("10.1.1.4/30", true, &row.router_ids), 0);
	CHANGE(store_vpn_add(store, &row, &e));
	kit_ce("acme", "r1", "192.0.2.1");
	kit_ce("acme", "r2", "192.0.2.2");
	kit_ce("acme", "r3", "192.0.2.3");
	kit_site("acme", "corp", "s1", "r1");
	kit_site("acme", "corp", "s2", "r2");
	REFUSED(kit_add_site(store, "acme", "corp", "s3", "r3", NULL, NULL, &e),
			-EINVAL, ERR_LIMIT);
	CHANGE(kit_add_site(store, "acme", "corp", "s3", "r3", &own, NULL, &e));
	CHANGE(store_site_remove(store, "acme", "corp", "s1", "moved", &e));
	kit_site("acme", "corp", "s1", "r1");
	OK(store_sites(store, arena, NULL, NULL, &sites, &count, &e));
	ck_assert_uint_eq(count, 3);
	ck_assert_uint_eq(addr_to_u32(&sites[0].router_id), 0x0a010105);
	ck_assert_uint_eq(addr_to_u32(&sites[1].router_id), 0x0a010106);
	ck_assert_uint_eq(addr_to_u32(&sites[2].router_id), 0x0a090909);
	kit_ce("acme", "r4", "192.0.2.4");
	REFUSED(kit_add_site(store, "acme", "corp", "s4", "r4", &own, NULL, &e),
			-EEXIST, ERR_EXISTS);
	own = kit_addr("224.0.0.5");
	REFUSED(kit_add_site(store, "acme", "corp", "s4", "r4", &own, NULL, &e),
			-EINVAL, ERR_ADDRESS);
}
END_TEST

START_TEST(one_tunnel_per_pair_of_addresses)
{
	struct addr second = kit_addr("198.51.100.2"), taken = kit_addr("192.0.2.3");
	struct model_document *doc;

	kit_acme();
	kit_vpn("acme", "voice");
	kit_site("acme", "voice", "paris", "paris-r1");
	REFUSED(kit_add_site(store, "acme", "voice", "lyon", "lyon-r1", NULL,
						   NULL, &e), -EINVAL, ERR_TUNNEL_PAIR);
	ck_assert_str_eq(e.where, "acme/voice/lyon");
	ck_assert_ptr_nonnull(strstr(e.text, "192.0.2.1"));
	ck_assert_ptr_nonnull(strstr(e.text, "192.0.2.2"));
	ck_assert_ptr_nonnull(strstr(e.text, "acme/corp"));
	/* another CE's address is no way out, another of its own is */
	REFUSED(kit_add_site(store, "acme", "voice", "lyon", "lyon-r1", NULL,
						   &taken, &e), -EEXIST, ERR_EXISTS);
	CHANGE(kit_add_site(store, "acme", "voice", "lyon", "lyon-r1", NULL,
						  &second, &e));
	doc = kit_document("acme", "lyon-r1");
	ck_assert_uint_eq(doc->vpn_count, 2);
	ck_assert_uint_eq(doc->profile_count, 2);
	ck_assert_str_eq(doc->vpns[1].vpn, "voice");
	ck_assert(addr_equal(&doc->vpns[1].ce_address, &second));
	doc = kit_document("acme", "paris-r1");
	ck_assert(addr_equal(&doc->vpns[1].peers[0].remote_address, &second));
	/* taken until the site goes */
	REFUSED(kit_add_ce(store, "acme", "x", &second, NULL, &e), -EEXIST,
			ERR_EXISTS);
	CHANGE(store_site_remove(store, "acme", "voice", "lyon", "moved", &e));
	CHANGE(kit_add_ce(store, "acme", "x", &second, NULL, &e));
	OK(store_check(store, &e));
}
END_TEST

START_TEST(routers_are_one_of_a_kind)
{
	struct addr addr = kit_addr("192.0.2.1"), bad = kit_addr("127.0.0.1");

	kit_acme();
	kit_customer("globex");
	REFUSED(kit_add_ce(store, "acme", "paris-r1", &addr, NULL, &e), -EEXIST,
			ERR_EXISTS);
	REFUSED(kit_add_ce(store, "globex", "r1", &addr, NULL, &e), -EEXIST,
			ERR_EXISTS);
	/* whose it is, is none of globex's business */
	ck_assert_ptr_null(strstr(e.text, "acme"));
	REFUSED(kit_add_ce(store, "globex", "r1", &bad, NULL, &e), -EINVAL,
			ERR_ADDRESS);
	REFUSED(kit_add_ce(store, "globex", "r_1", &addr, NULL, &e), -EINVAL,
			ERR_NAME);
	REFUSED(kit_add_site(store, "acme", "corp", "paris", "paris-r1", NULL,
						   NULL, &e), -EEXIST, ERR_EXISTS);
	REFUSED(kit_add_site(store, "acme", "corp", "paris2", "paris-r1", NULL,
						   NULL, &e), -EEXIST, ERR_EXISTS);
	REFUSED(kit_add_site(store, "acme", "corp", "x", "nosuch", NULL, NULL,
						   &e), -ENOENT, ERR_NOT_FOUND);
	REFUSED(kit_add_site(store, "acme", "nosuch", "x", "paris-r1", NULL,
						   NULL, &e), -ENOENT, ERR_NOT_FOUND);
	REFUSED(kit_add_site(store, "acme", "corp", "X", "paris-r1", NULL,
						   NULL, &e), -EINVAL, ERR_NAME);
}
END_TEST

/* Two customers with equal names and prefixes: nothing of one in the other. */
START_TEST(customers_are_apart)
{
	struct model_document *doc;
	struct store_tunnel *tunnels;
	size_t count;

	kit_acme();
	kit_customer("globex");
	kit_vpn("globex", "corp");
	kit_ce("globex", "paris-r1", "203.0.113.1");
	kit_ce("globex", "lyon-r1", "203.0.113.2");
	kit_site("globex", "corp", "paris", "paris-r1");
	kit_site("globex", "corp", "lyon", "lyon-r1");
	doc = kit_document("globex", "paris-r1");
	ck_assert_uint_eq(doc->vpns[0].peer_count, 1);
	ck_assert_str_eq(doc->vpns[0].identity, "paris.corp.globex.vpn.internal");
	ck_assert_uint_eq(addr_to_u32(&doc->vpns[0].router_id), 0x0aff0001);
	doc = kit_document("acme", "paris-r1");
	ck_assert_uint_eq(doc->vpns[0].peer_count, 2);
	OK(store_tunnels(store, arena, "globex", NULL, &tunnels, &count, &e));
	ck_assert_uint_eq(count, 1);
	OK(store_tunnels(store, arena, NULL, NULL, &tunnels, &count, &e));
	ck_assert_uint_eq(count, 4);
	REFUSED(kit_add_site(store, "globex", "corp", "nice", "nice-r1", NULL,
						   NULL, &e), -ENOENT, ERR_NOT_FOUND);
}
END_TEST

/* What the code would never do, the tables refuse too. */
START_TEST(tables_hold_the_rules)
{
	struct db *db;

	kit_acme();
	kit_customer("globex");
	kit_vpn("globex", "corp");
	OK(db_open(kit_path, &db, &e));
	ck_assert_int_eq(db_run(db, "UPDATE vpn SET establishment = "
							"'traffic-driven'", NULL, &e), -EIO);
	ck_assert_int_eq(db_run(db, "UPDATE vpn SET ospf_dead = 5", NULL, &e),
					 -EIO);
	/* a site with another customer's VPN */
	ck_assert_int_eq(db_run(db, "UPDATE site SET vpn_id = (SELECT v.id FROM "
							"vpn v JOIN customer c ON c.id = v.customer_id "
							"WHERE c.name = 'globex')", NULL, &e), -EIO);
	ck_assert_int_eq(db_run(db, "UPDATE link SET address_low = '192.0.2.1', "
							"address_high = '192.0.2.2'", NULL, &e), -EEXIST);
	ck_assert_int_eq(db_run(db, "INSERT INTO psk SELECT site_a, site_b, 2, "
							"key_use, sealed FROM psk", NULL, &e), -EEXIST);
	ck_assert_int_eq(db_run(db, "DELETE FROM ce", NULL, &e), -EIO);
	db_close(db);
	OK(store_check(store, &e));
}
END_TEST

START_TEST(a_removed_ce_gets_a_tombstone)
{
	struct model_document *doc;
	struct store_ce *ces;
	uint64_t id, before;
	struct addr addr = kit_addr("192.0.2.9");
	struct store_change *changes;
	struct text text;
	size_t count;

	kit_customer("acme");
	kit_ce("acme", "r1", "192.0.2.9");
	id = kit_ce_id("acme", "r1");
	before = kit_revision();
	CHANGE(store_ce_remove(store, "acme", "r1", &e));
	CHANGE(store_customer_remove(store, "acme", &e));
	OK(store_document(store, arena, id, &kit_management, &doc, &e));
	OK(model_check(doc, &e));
	ck_assert_int_eq(doc->state, MODEL_DEPROVISIONED);
	ck_assert_str_eq(doc->ce, "acme/r1");
	ck_assert_uint_eq(doc->revision, before + 1);
	ck_assert_uint_eq(doc->vpn_count, 0);
	text = model_encode(doc);
	OK(model_decode(arena, text_str(&text), text.len, &doc, &e));
	text_done(&text);
	OK(store_changes_since(store, arena, before, &changes, &count, &e));
	ck_assert_uint_eq(count, 1);
	OK(store_ces(store, arena, NULL, &ces, &count, &e));
	ck_assert_uint_eq(count, 0);
	/* name and address are free again; the new one is another CE */
	kit_customer("acme");
	CHANGE(kit_add_ce(store, "acme", "r1", &addr, "again", &e));
	ck_assert_uint_ne(kit_ce_id("acme", "r1"), id);
	ck_assert_int_eq(store_document(store, arena, 4711, &kit_management, &doc,
									&e), -ENOENT);
	ck_assert_ptr_null(doc);
}
END_TEST

START_TEST(changes_are_all_or_nothing)
{
	struct store_customer *list;
	struct store_audit *audits;
	uint64_t revision = 0;
	size_t count;

	/* not without a transaction */
	ck_assert_int_lt(kit_add_customer(store, "acme", "", &e), 0);
	ck_assert_int_lt(store_commit(store, "x", NULL, &e), 0);
	OK(store_begin(store, "unix:root", &e));
	ck_assert_int_lt(store_begin(store, "unix:root", &e), 0);
	OK(kit_add_customer(store, "acme", "", &e));
	OK(kit_add_customer(store, "globex", "", &e));
	OK(store_commit(store, "two customers", &revision, &e));
	ck_assert_uint_eq(revision, 1);
	/* a failed one cannot be committed by mistake */
	OK(store_begin(store, "unix:root", &e));
	OK(kit_add_customer(store, "hooli", "", &e));
	ck_assert_int_eq(kit_add_customer(store, "acme", "", &e), -EEXIST);
	ck_assert_int_lt(store_commit(store, "x", &revision, &e), 0);
	OK(store_customers(store, arena, &list, &count, &e));
	ck_assert_uint_eq(count, 2);
	/* the records: who, what, when */
	OK(store_audits(store, arena, 10, &audits, &count, &e));
	ck_assert_uint_eq(count, 1);
	ck_assert_str_eq(audits[0].actor, "unix:root");
	ck_assert_str_eq(audits[0].what, "two customers");
	ck_assert_uint_eq(audits[0].revision, 1);
	ck_assert_int_gt(audits[0].at_ms, 1600000000000);
	ck_assert_int_lt(store_begin(store, "", &e), 0);
	ck_assert_int_lt(store_begin(store, "a\nb", &e), 0);
}
END_TEST

START_TEST(audits_come_newest_last)
{
	struct store_audit *audits;
	char name[16];
	size_t count;
	int i;

	for (i = 0; i < 5; i++)
	{
		snprintf(name, sizeof(name), "c%d", i);
		OK(store_begin(store, "test", &e));
		OK(kit_add_customer(store, name, "", &e));
		OK(store_commit(store, name, NULL, &e));
	}
	OK(store_audits(store, arena, 2, &audits, &count, &e));
	ck_assert_uint_eq(count, 2);
	ck_assert_str_eq(audits[0].what, "c3");
	ck_assert_str_eq(audits[1].what, "c4");
}
END_TEST

START_TEST(settings_of_all_documents_are_a_change)
{
	struct model_management other = kit_management;
	uint64_t revision;

	kit_acme();
	OK(store_management_set(store, &kit_management, &e));
	revision = kit_revision();
	ck_assert_uint_eq(kit_ce_revision("acme", "paris-r1"), revision);
	OK(store_management_set(store, &kit_management, &e));
	ck_assert_uint_eq(kit_revision(), revision);
	other.poll_interval = 60;
	OK(store_management_set(store, &other, &e));
	ck_assert_uint_eq(kit_revision(), revision + 1);
	ck_assert_uint_eq(kit_ce_revision("acme", "nice-r1"), revision + 1);
}
END_TEST

START_TEST(identities_have_an_end)
{
	char label[64], domain[128];
	struct store_vpn row;

	memset(label, 'x', 63);
	label[63] = '\0';
	snprintf(domain, sizeof(domain), "%.61s.example", label);
	CHANGE(kit_add_customer(store, label, "", &e));
	store_vpn_defaults(&row);
	row.customer = row.vpn = label;
	row.domain = domain;
	CHANGE(store_vpn_add(store, &row, &e));
	kit_ce(label, label, "192.0.2.1");
	/* 63 + 1 + 63 + 1 + 69: a site of 55 fits, one of 56 does not */
	REFUSED(kit_add_site(store, label, label, label, label, NULL, NULL, &e),
			-EINVAL, ERR_NAME);
	REFUSED(kit_add_site(store, label, label, label + 7, label, NULL, NULL,
						   &e), -EINVAL, ERR_NAME);
	CHANGE(kit_add_site(store, label, label, label + 8, label, NULL, NULL,
						  &e));
	kit_document(label, label);
}
END_TEST

TCase *store_config_case(void)
{
	TCase *tc = tcase_create("config");

	tcase_set_timeout(tc, 60);
	tcase_add_checked_fixture(tc, kit_setup, kit_teardown);
	tcase_add_test(tc, customers_come_and_go);
	tcase_add_test(tc, removes_only_what_is_empty);
	tcase_add_test(tc, keeps_a_vpn_as_it_was_given);
	tcase_add_test(tc, refuses_vpns_that_cannot_work);
	tcase_add_test(tc, gives_each_end_the_same_tunnel);
	tcase_add_test(tc, shares_the_work_of_beginning);
	tcase_add_test(tc, wakes_only_those_concerned);
	tcase_add_test(tc, suspended_ones_hear_what_concerns_them);
	tcase_add_test(tc, sites_follow_their_router_and_come_back);
	tcase_add_test(tc, who_loses_something_is_told_at_once);
	tcase_add_test(tc, explains_a_removed_site);
	tcase_add_test(tc, forgets_explanations_with_a_change);
	tcase_add_test(tc, says_what_is_not_explained);
	tcase_add_test(tc, says_that_more_went_than_it_tells);
	tcase_add_test(tc, keys_and_router_ids_are_new_each_time);
	tcase_add_test(tc, uses_a_pool_up);
	tcase_add_test(tc, one_tunnel_per_pair_of_addresses);
	tcase_add_test(tc, routers_are_one_of_a_kind);
	tcase_add_test(tc, customers_are_apart);
	tcase_add_test(tc, tables_hold_the_rules);
	tcase_add_test(tc, a_removed_ce_gets_a_tombstone);
	tcase_add_test(tc, changes_are_all_or_nothing);
	tcase_add_test(tc, audits_come_newest_last);
	tcase_add_test(tc, settings_of_all_documents_are_a_change);
	tcase_add_test(tc, identities_have_an_end);
	return tc;
}
