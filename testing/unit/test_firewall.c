/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * test_firewall.c - the rules' text, what the counters mean, the guard
 *
 * That nftables takes the text, and does with packets what it says, is what
 * test_firewall.py shows. With an argument, "log-only" or "enforce", this prints
 * a text, for a look at it and for nft(8).
 */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "alloc.h"
#include "err.h"
#include "agent/firewall.h"
#include "run.h"

static struct arena *arena;
static struct conf conf;
static struct facts facts;
static struct model_document doc;
static struct model_vpn vpns[2];
static struct model_peer peers[3];
static char *servers[2];
static struct firewall_wish wish;

static struct addr addr(const char *s)
{
	struct addr a;

	if (addr_parse4(s, &a) != 0)
	{
		abort();
	}
	return a;
}

static void at(const char *link, const char *address)
{
	struct prefix p = { .addr = addr(address), .len = 24 };

	facts_add_address(&facts, arena, link, &p);
}

static void setup(void)
{
	arena = arena_new();
	memset(&conf, 0, sizeof(conf));
	memset(&facts, 0, sizeof(facts));
	memset(&doc, 0, sizeof(doc));
	memset(vpns, 0, sizeof(vpns));
	memset(peers, 0, sizeof(peers));
	conf.firewall.mode = CONF_FIREWALL_ENFORCE;
	conf.firewall.allow = CONF_ALLOW_DNS | CONF_ALLOW_SSH;
	peers[0].remote_address = addr("192.0.2.9");
	peers[1].remote_address = addr("192.0.2.13");
	peers[2].remote_address = addr("192.0.2.9");
	vpns[0] = (struct model_vpn){
		.ce_address = addr("192.0.2.5"), .peers = peers, .peer_count = 2,
	};
	vpns[1] = (struct model_vpn){
		.ce_address = addr("192.0.2.5"), .peers = peers + 2, .peer_count = 1,
	};
	servers[0] = (char*)"https://vpn1.sp.example:8443";
	servers[1] = (char*)"https://192.0.2.1:9443";
	doc.management.servers = servers;
	doc.management.server_count = 2;
	doc.vpns = vpns;
	doc.vpn_count = 2;
	at("eth1", "10.1.0.1");
	at("lo", "192.0.2.5");
	at("eth0", "192.0.2.5");
}

static void teardown(void)
{
	facts_done(&facts);
	arena_free(arena);
}

static bool build(void)
{
	return firewall_wish(&conf, &doc, &facts, arena, &wish);
}

static bool has(const char *part)
{
	return strstr(wish.text, part) != NULL;
}

START_TEST(sets)
{
	ck_assert(build());
	ck_assert_int_eq(wish.mode, CONF_FIREWALL_ENFORCE);
	ck_assert(has("elements = { \"eth0\" }"));
	ck_assert(has("set own4 {\n\t\ttype ipv4_addr\n"
				  "\t\telements = { 192.0.2.5 }\n"));
	ck_assert(has("set peers4 {\n\t\ttype ipv4_addr\n"
				  "\t\telements = { 192.0.2.9, 192.0.2.13 }\n"));
	ck_assert(has("set servers4 {\n\t\ttype ipv4_addr\n"
				  "\t\telements = { 192.0.2.1 }\n"));
	/* a server that is named by name is known by its port */
	ck_assert(has("tcp sport 8443 tcp flags"));
	ck_assert(has("tcp dport 8443 counter"));
	ck_assert(!has("9443"));
	ck_assert(has("chain refused {\n\t\tdrop\n"));
}
END_TEST

START_TEST(equal_documents_equal_texts)
{
	char digest[FIREWALL_DIGEST_SIZE], settings[FIREWALL_DIGEST_SIZE];

	ck_assert(build());
	memcpy(digest, wish.digest, sizeof(digest));
	memcpy(settings, wish.settings, sizeof(settings));
	peers[0].remote_address = addr("192.0.2.13");
	peers[1].remote_address = addr("192.0.2.9");
	ck_assert(build());
	ck_assert_str_eq(wish.digest, digest);
	/* another peer is another text, and the same settings */
	peers[1].remote_address = addr("192.0.2.17");
	ck_assert(build());
	ck_assert_str_ne(wish.digest, digest);
	ck_assert_str_eq(wish.settings, settings);
	/* another server is other settings */
	servers[1] = (char*)"https://192.0.2.2:9443";
	ck_assert(build());
	ck_assert_str_ne(wish.settings, settings);
}
END_TEST

START_TEST(which_link)
{
	conf.firewall.links[0] = (char*)"wan0";
	ck_assert(build());
	ck_assert(has("elements = { \"wan0\" }"));
	conf.firewall.links[0] = NULL;
	/* a LAN may have the same addresses as the provider's space */
	conf.vpn_count = 1;
	conf.vpns = &(struct conf_vpn){ .lan = { (char*)"eth0" } };
	ck_assert(!build());
	at("eth2", "192.0.2.5");
	ck_assert(build());
	ck_assert(has("elements = { \"eth2\" }"));
	vpns[0].ce_address = vpns[1].ce_address = addr("198.51.100.1");
	ck_assert(!build());
	/* behind NAT it is where packets leave from */
	vpns[0].behind_nat = vpns[1].behind_nat = true;
	facts.source = addr("192.0.2.5");
	ck_assert(build());
	ck_assert(has("elements = { \"eth2\" }"));
	ck_assert(!has("198.51.100.1"));
	doc.vpn_count = 0;
	ck_assert(!build());
}
END_TEST

START_TEST(what_is_allowed)
{
	ck_assert(build());
	ck_assert(has("udp sport 53 counter name in-allowed accept"));
	ck_assert(has("tcp dport 22 counter name in-allowed accept"));
	ck_assert(!has(" 89") && !has("123") && !has("67"));
	ck_assert(has("forward-refused goto"));
	conf.firewall.allow = CONF_ALLOW_FORWARD | CONF_ALLOW_OSPF | CONF_ALLOW_DHCP;
	conf.firewall.ports[0] = (struct conf_port){ .port = 9100 };
	conf.firewall.ports[1] = (struct conf_port){ .udp = true, .port = 161 };
	conf.firewall.port_count = 2;
	ck_assert(build());
	ck_assert(!has("dport 22 ") && !has("forward-refused goto"));
	ck_assert(has("meta l4proto { 89, 2 } counter name in-allowed accept"));
	ck_assert(has("tcp dport 9100 counter name in-allowed accept"));
	ck_assert(has("tcp sport 9100 tcp flags & (syn | ack) != syn counter name "
				  "out-allowed accept"));
	ck_assert(has("udp sport 161 counter name out-allowed accept"));
	/* who has no address yet is asked for it before that is looked at */
	ck_assert(strstr(wish.text, "udp sport { 68, 546 }") <
			  strstr(wish.text, "ip saddr != @own4"));
}
END_TEST

START_TEST(held_it_only_logs)
{
	char digest[FIREWALL_DIGEST_SIZE];

	ck_assert(build());
	memcpy(digest, wish.digest, sizeof(digest));
	facts.firewall_held = true;
	ck_assert(build());
	ck_assert_int_eq(wish.mode, CONF_FIREWALL_LOG_ONLY);
	ck_assert(has("chain refused {\n\t\taccept\n"));
	ck_assert_str_ne(wish.digest, digest);
}
END_TEST

/* ---- counters ----------------------------------------------------------------- */

START_TEST(counters_of_nft)
{
	struct firewall_counters c;

	ck_assert_int_eq(firewall_counters_read("table inet ppvpn {\n"
		"\tcounter in-esp {\n\t\tpackets 12 bytes 900\n\t}\n"
		"\tcounter of-another-version {\n\t\tpackets 1 bytes 2\n\t}\n"
		"\tcounter forward-refused {\n\t\tpackets 3 bytes 4\n\t}\n}\n", &c), 0);
	ck_assert_uint_eq(c.packets[FIREWALL_IN_ESP], 12);
	ck_assert_uint_eq(c.packets[FIREWALL_FORWARD_REFUSED], 3);
	ck_assert_uint_eq(c.packets[FIREWALL_IN_IKE], 0);
	ck_assert_int_eq(firewall_counters_read("", &c), 0);
	ck_assert_int_eq(firewall_counters_read("counter in-esp { packets }", &c),
					 -EBADMSG);
	ck_assert_int_eq(firewall_counters_read("counter in-esp {", &c), -EBADMSG);
}
END_TEST

static struct firewall_watch watch;
static struct firewall_counters counters;
static uint64_t now_ms;

static void look(void)
{
	now_ms += FIREWALL_LOOK_MS;
	firewall_look(&watch, &counters, now_ms);
}

static void begin(void)
{
	memset(&watch, 0, sizeof(watch));
	memset(&counters, 0, sizeof(counters));
	counters.packets[FIREWALL_OUT_REFUSED] = 1000;	/* of before our start */
	counters.packets[FIREWALL_SEEN_ESP] = 1000;
	now_ms = 5;
	look();
}

START_TEST(leaks)
{
	begin();
	ck_assert(!watch.leak);
	counters.packets[FIREWALL_FORWARD_REFUSED] += 2;
	look();
	ck_assert(watch.leak);
	ck_assert_uint_eq(watch.leaked, 2);
	counters.packets[FIREWALL_OUT_REFUSED]++;
	look();
	ck_assert_uint_eq(watch.leaked, 3);
	for (unsigned i = 1; i < FIREWALL_QUIET_MS / FIREWALL_LOOK_MS; i++)
	{
		look();
		ck_assert(watch.leak);
	}
	look();
	ck_assert(!watch.leak && !watch.probe);
	counters.packets[FIREWALL_OUT_REFUSED]++;
	look();
	ck_assert_uint_eq(watch.leaked, 1);
}
END_TEST

START_TEST(probes)
{
	begin();
	for (unsigned i = 0; i < 100; i++)
	{	/* a stray packet now and then is none */
		counters.packets[FIREWALL_IN_REFUSED] += FIREWALL_PROBE_MIN - 1;
		look();
		ck_assert(!watch.probe);
	}
	counters.packets[FIREWALL_IN_REFUSED] += FIREWALL_PROBE_MIN - 1;
	counters.packets[FIREWALL_IN_IKE_FLOOD]++;
	look();
	ck_assert(watch.probe && !watch.leak);
}
END_TEST

static const struct {
	enum firewall_count came, through;
	enum firewall_blocked which;
} ways[] = {
	{ FIREWALL_SEEN_ESP, FIREWALL_PASSED_ESP, FIREWALL_BLOCKED_ESP_IN },
	{ FIREWALL_SEEN_IKE, FIREWALL_PASSED_IKE, FIREWALL_BLOCKED_IKE_IN },
	{ FIREWALL_GOING_ESP, FIREWALL_LEFT_ESP, FIREWALL_BLOCKED_ESP_OUT },
	{ FIREWALL_GOING_IKE, FIREWALL_LEFT_IKE, FIREWALL_BLOCKED_IKE_OUT },
};

START_TEST(blocked)
{
	enum firewall_blocked which = ways[_i].which;

	begin();
	counters.packets[ways[_i].came] += FIREWALL_BLOCKED_MIN - 1;
	look();
	ck_assert(!watch.blocked[which]);
	counters.packets[ways[_i].came]++;
	look();
	for (size_t i = 0; i < FIREWALL_BLOCKED_COUNT; i++)
	{
		ck_assert(watch.blocked[i] == (i == which));
	}
	look();				/* nothing comes: it stays */
	ck_assert(watch.blocked[which]);
	counters.packets[ways[_i].came] += 3;
	counters.packets[ways[_i].through]++;
	look();
	ck_assert(!watch.blocked[which]);
	ck_assert_uint_eq(watch.waiting[which], 0);
}
END_TEST

/* ---- the guard ------------------------------------------------------------------ */

#define CONFIRM_MS 120000

static struct firewall_guard guard;

START_TEST(enforced_on_trial)
{
	memset(&guard, 0, sizeof(guard));
	firewall_guard_applied(&guard, CONF_FIREWALL_LOG_ONLY, "s1", 1000);
	ck_assert(!firewall_guard_look(&guard, CONFIRM_MS, 1000 + 2 * CONFIRM_MS));
	firewall_guard_applied(&guard, CONF_FIREWALL_ENFORCE, "s2", 1000);
	ck_assert(!firewall_guard_answered(&guard, "s2", 1500));
	/* other peers meanwhile do not give it more time */
	firewall_guard_applied(&guard, CONF_FIREWALL_ENFORCE, "s2", 100000);
	ck_assert(!firewall_guard_look(&guard, CONFIRM_MS, 999 + CONFIRM_MS));
	ck_assert(firewall_guard_look(&guard, CONFIRM_MS, 1000 + CONFIRM_MS));
	ck_assert(guard.held);
	ck_assert(!firewall_guard_look(&guard, CONFIRM_MS, 2000 + CONFIRM_MS));
	ck_assert_str_eq(guard.settings, "");
}
END_TEST

START_TEST(confirmed_once)
{
	memset(&guard, 0, sizeof(guard));
	firewall_guard_applied(&guard, CONF_FIREWALL_ENFORCE, "s1", 1000);
	ck_assert(firewall_guard_answered(&guard, "s1", 2000));
	ck_assert(!firewall_guard_answered(&guard, "s1", 3000));
	ck_assert(!firewall_guard_look(&guard, CONFIRM_MS, 2000 + CONFIRM_MS));
	/* known ones need nobody: the server may be away at a boot */
	firewall_guard_applied(&guard, CONF_FIREWALL_ENFORCE, "s1", 500000);
	ck_assert(!firewall_guard_look(&guard, CONFIRM_MS, 500000 + CONFIRM_MS));
	firewall_guard_applied(&guard, CONF_FIREWALL_ENFORCE, "s2", 900000);
	ck_assert(firewall_guard_look(&guard, CONFIRM_MS, 900000 + CONFIRM_MS));
}
END_TEST

int main(int argc, char *argv[])
{
	TCase *tc = tcase_create("firewall");

	if (argc > 1)
	{
		setup();
		conf.firewall.mode = strcmp(argv[1], "enforce") == 0
			? CONF_FIREWALL_ENFORCE : CONF_FIREWALL_LOG_ONLY;
		conf.firewall.allow = (1 << 9) - 1;
		conf.firewall.allow &= ~(unsigned)CONF_ALLOW_FORWARD;
		conf.firewall.ports[0] = (struct conf_port){ .port = 9100 };
		conf.firewall.port_count = 1;
		build();
		fputs(wish.text, stdout);
		return 0;
	}
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, sets);
	tcase_add_test(tc, equal_documents_equal_texts);
	tcase_add_test(tc, which_link);
	tcase_add_test(tc, what_is_allowed);
	tcase_add_test(tc, held_it_only_logs);
	tcase_add_test(tc, counters_of_nft);
	tcase_add_test(tc, leaks);
	tcase_add_test(tc, probes);
	tcase_add_loop_test(tc, blocked, 0, COUNT(ways));
	tcase_add_test(tc, enforced_on_trial);
	tcase_add_test(tc, confirmed_once);
	return run_case(tc, "firewall");
}
