/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * test_hold.c - the owner's bounds, and a VPN that is asked too much of
 */
#include "config.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "agent/hold.h"
#include "agent/policy.h"
#include "alloc.h"
#include "file.h"
#include "run.h"
#include "seal.h"

static struct conf_vpn places[] = {
	{ .place = (char*)"acme/corp", .vrf = (char*)"corp", .table = 1001 },
	{ .place = (char*)"acme/lab", .vrf = (char*)"lab", .table = 1002 },
};
static const struct conf conf = { .vpns = places, .vpn_count = 2 };
static char dir[] = "/tmp/ppvpn-hold-XXXXXX";
static struct arena *arena;
static struct hold *hold;
static struct model_document *doc;
static struct model_vpn vpns[2];

static struct prefix prefix(const char *s)
{
	struct prefix p;

	ck_assert_int_eq(prefix_parse4(s, true, &p), 0);
	return p;
}

static void set(struct conf_prefixes *bounds, const char *a, const char *b)
{
	bounds->items[0] = prefix(a);
	bounds->items[1] = prefix(b);
	bounds->count = 2;
}

/* two VPNs with lyon as the only peer */
static void setup(void)
{
	const char *top = getenv("top_srcdir");
	char *path = xasprintf("%s/doc/document-example.json", top ? top : ".");
	char *text;
	size_t len;
	struct err e;

	strcpy(dir + strlen(dir) - 6, "XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	ck_assert_int_eq(seal_init(&e), 0);
	arena = arena_new();
	ck_assert_int_eq(file_read(path, 1 << 20, &text, &len, &e), 0);
	ck_assert_int_eq(model_decode(arena, text, len, &doc, &e), 0);
	free(text);
	free(path);
	vpns[0] = vpns[1] = doc->vpns[0];
	vpns[1].vpn = (char*)"lab";
	doc->vpns = vpns;
	doc->vpn_count = 2;
	places[0].has_max_peers = true;
	places[0].max_peers = 1;
	places[0].peer_addresses.count = places[0].router_ids.count =
	places[0].areas.count = 0;
	hold = hold_new(&conf, dir, "acme/paris-r1");
}

static void teardown(void)
{
	struct err e;

	hold_free(hold);
	arena_free(arena);
	ck_assert_int_eq(hold_remove(dir, &e), 0);
	ck_assert_int_eq(rmdir(dir), 0);	/* nothing else is left */
}

/* as hold_document(), and it is the last known configuration */
static const struct model_document *in_force(void)
{
	const struct model_document *d = hold_document(hold, doc);

	hold_kept(hold);
	return d;
}

/* another router process: nothing but the disk is left */
static void again(void)
{
	hold_free(hold);
	hold = hold_new(&conf, dir, "acme/paris-r1");
}

/* a second peer, which is one too many for acme/corp */
static void too_many(void)
{
	struct model_peer *two = arena_calloc(arena, 2, sizeof(*two));

	two[0] = two[1] = doc->vpns[0].peers[0];
	two[1].peer = (char*)"nantes";
	two[1].identity = (char*)"nantes.corp.acme.vpn.sp.example";
	two[1].remote_address = addr_from_u32(0xc000020d);
	for (int i = 0; i < 2; i++)
	{
		vpns[i].peers = two;
		vpns[i].peer_count = 2;
		vpns[i].mtu = 1300;
	}
}

static size_t refused_count(void)
{
	size_t count;

	hold_refused(hold, &count);
	return count;
}

static bool on_disk(void)
{
	char *path = xasprintf("%s/held/acme.corp/config", dir);
	bool there = access(path, F_OK) == 0;

	free(path);
	return there;
}

static void no_bounds(void) { places[0].has_max_peers = false; }
static void one_peer(void) { }
static void no_peer(void) { places[0].max_peers = 0; }
static void near(void)
{
	set(&places[0].peer_addresses, "198.51.100.0/24", "192.0.2.8/30");
}
static void far(void)
{
	set(&places[0].peer_addresses, "198.51.100.0/24", "192.0.2.0/29");
}
static void ids(void) { set(&places[0].router_ids, "10.255.0.0/24", "1.0.0.0/8"); }
static void other_ids(void)
{
	set(&places[0].router_ids, "10.254.0.0/16", "1.0.0.0/8");
}
static void backbone(void) { set(&places[0].areas, "0.0.0.1/32", "0.0.0.0/32"); }
static void area_1(void) { set(&places[0].areas, "0.0.0.1/32", "0.0.0.2/32"); }

static const struct {
	const char *says;
	void (*set)(void);
	int rc;
} bounds[] = {
	{ "", no_bounds, 0 },
	{ "", one_peer, 0 },
	{ "1 peers are beyond max-peers = 0", no_peer, -1 },
	{ "", near, 0 },
	{ "address of peer lyon, 192.0.2.9 is beyond peer-addresses", far, -1 },
	{ "", ids, 0 },
	{ "router-id 10.255.0.1 is beyond router-ids", other_ids, -1 },
	{ "", backbone, 0 },
	{ "area 0.0.0.0 is beyond areas", area_1, -1 },
};

START_TEST(each_bound)
{
	struct err e = {0};
	int rc;

	bounds[_i].set();
	rc = policy_check(&places[0], &vpns[0], &e);
	ck_assert_int_eq(rc < 0, bounds[_i].rc < 0);
	ck_assert_int_eq(e.code, rc < 0 ? ERR_POLICY : ERR_NONE);
	ck_assert_msg(strstr(e.text, bounds[_i].says) != NULL, "%s", e.text);
	ck_assert_int_eq(policy_has_bounds(&places[0]), _i > 0);
	ck_assert(!policy_has_bounds(&places[1]));
}
END_TEST

/* One bound of any kind is enough to look. */
START_TEST(any_bound)
{
	void (*const one[])(void) = { near, ids, backbone, area_1 };

	no_bounds();
	ck_assert(!policy_has_bounds(&places[0]));
	one[_i]();
	ck_assert(policy_has_bounds(&places[0]));
	ck_assert_int_eq(policy_check(&places[0], &vpns[0], &(struct err){0}) < 0,
					 one[_i] == area_1);
}
END_TEST

START_TEST(within_it_is_the_providers)
{
	ck_assert_ptr_eq(in_force(), doc);
	ck_assert_uint_eq(refused_count(), 0);
	ck_assert(!on_disk());
}
END_TEST

/* What is refused stays as it was, over a restart too; the other VPN moves on. */
START_TEST(refused_it_stays)
{
	const struct model_document *d;
	size_t count;

	in_force();
	too_many();
	for (int i = 0; i < 3; i++)
	{
		d = in_force();
		ck_assert_ptr_ne(d, doc);
		ck_assert_uint_eq(d->vpn_count, 2);
		ck_assert_str_eq(d->vpns[0].vpn, "corp");
		ck_assert_uint_eq(d->vpns[0].peer_count, 1);
		ck_assert_uint_eq(d->vpns[0].mtu, 1400);
		ck_assert_str_eq(d->vpns[0].peers[0].profile->name, "default");
		ck_assert_uint_eq(d->vpns[1].peer_count, 2);
		ck_assert_uint_eq(d->vpns[1].mtu, 1300);
		ck_assert_uint_eq(d->revision, doc->revision);
		ck_assert_str_eq(hold_refused(hold, &count)->place, "acme/corp");
		ck_assert_int_eq(hold_refused(hold, &count)->err.code, ERR_POLICY);
		ck_assert_uint_eq(count, 1);
		ck_assert(on_disk());
		if (i)
		{
			again();
		}
	}
	/* less again */
	vpns[0].peer_count = 1;
	ck_assert_ptr_eq(in_force(), doc);
	ck_assert_uint_eq(refused_count(), 0);
	ck_assert(!on_disk());
}
END_TEST

START_TEST(never_within_it_stays_out)
{
	const struct model_document *d;

	too_many();
	d = in_force();
	ck_assert_uint_eq(d->vpn_count, 1);
	ck_assert_str_eq(d->vpns[0].vpn, "lab");
	ck_assert_uint_eq(refused_count(), 1);
	ck_assert(!on_disk());
}
END_TEST

/* What was within the bounds of then is not within those of now. */
START_TEST(closer_bounds_hold_for_what_was)
{
	in_force();
	too_many();
	in_force();
	places[0].max_peers = 0;
	again();
	ck_assert_uint_eq(in_force()->vpn_count, 1);
	ck_assert_uint_eq(refused_count(), 1);
}
END_TEST

START_TEST(no_site_any_more)
{
	in_force();
	too_many();
	in_force();
	ck_assert(on_disk());
	doc->vpns = &vpns[1];
	doc->vpn_count = 1;
	ck_assert_ptr_eq(in_force(), doc);
	ck_assert(!on_disk());
	/* back, and still too many: what it was then is over */
	doc->vpns = vpns;
	doc->vpn_count = 2;
	ck_assert_uint_eq(in_force()->vpn_count, 1);
}
END_TEST

/* Nothing is forgotten before what comes instead is kept: whoever is killed, or
 * goes back to the document before, finds what the VPN was. */
START_TEST(not_forgotten_before_it_is_kept)
{
	in_force();
	too_many();
	in_force();
	for (int i = 0; i < 2; i++)
	{
		/* another form within the bounds, or none at all; and back */
		vpns[0].peer_count = 1;
		vpns[0].mtu = 1300;
		doc->vpns = &vpns[i];
		doc->vpn_count = 2 - (size_t)i;
		ck_assert_ptr_eq(hold_document(hold, doc), doc);
		ck_assert(on_disk());
		vpns[0].peer_count = 2;
		doc->vpns = vpns;
		doc->vpn_count = 2;
		ck_assert_uint_eq(hold_document(hold, doc)->vpns[0].mtu, 1400);
		again();
		ck_assert_uint_eq(in_force()->vpns[0].mtu, 1400);
	}
	vpns[0].peer_count = 1;
	in_force();
	vpns[0].peer_count = 2;
	ck_assert_uint_eq(in_force()->vpns[0].mtu, 1300);
}
END_TEST

/* A disk that took nothing: the form that was in force is what it goes back to. */
START_TEST(never_kept)
{
	hold_document(hold, doc);
	too_many();
	ck_assert_uint_eq(hold_document(hold, doc)->vpns[0].mtu, 1400);
}
END_TEST

/* Another router's, or damaged: as if it were not there. */
START_TEST(not_ours_on_disk)
{
	in_force();
	too_many();
	in_force();
	hold_free(hold);
	hold = hold_new(&conf, dir, "acme/other");
	ck_assert_uint_eq(in_force()->vpn_count, 1);
}
END_TEST

int main(void)
{
	TCase *tc = tcase_create("hold");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, each_bound, 0, COUNT(bounds));
	tcase_add_loop_test(tc, any_bound, 0, 4);
	tcase_add_test(tc, within_it_is_the_providers);
	tcase_add_test(tc, refused_it_stays);
	tcase_add_test(tc, never_within_it_stays_out);
	tcase_add_test(tc, closer_bounds_hold_for_what_was);
	tcase_add_test(tc, no_site_any_more);
	tcase_add_test(tc, not_ours_on_disk);
	tcase_add_test(tc, not_forgotten_before_it_is_kept);
	tcase_add_test(tc, never_kept);
	return run_case(tc, "hold");
}
