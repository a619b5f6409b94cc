/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * test_conf.c - agent.conf
 */
#include "config.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "agent/conf.h"
#include "alloc.h"
#include "run.h"

static char path[] = "/tmp/ppvpn-conf-XXXXXX";

static void setup(void)
{
	strcpy(path + strlen(path) - 6, "XXXXXX");
	ck_assert_int_ge(close(mkstemp(path)), 0);
}

static void teardown(void)
{
	unlink(path);
}

static int read_text(const char *text, struct conf *conf, struct err *e)
{
	FILE *f = fopen(path, "w");

	fputs(text, f);
	fclose(f);
	return conf_read(path, conf, e);
}

START_TEST(defaults)
{
	struct conf c;
	struct err e;

	ck_assert_int_eq(read_text("", &c, &e), 0);
	ck_assert_str_eq(c.state_dir, "/var/lib/ppvpn");
	ck_assert_str_eq(c.control_socket, "/run/ppvpn/agent.sock");
	ck_assert_uint_eq(c.mark_base, 0x70ff0000);
	ck_assert_uint_eq(c.rule_pref, 100);
	ck_assert_uint_eq(c.vpn_count, 0);
	conf_done(&c);
}
END_TEST

START_TEST(all_keys)
{
	struct conf c;
	struct err e;
	const struct conf_vpn *v;

	ck_assert_int_eq(read_text(
		"[agent]\nstate-dir = /s\nrun-dir = /r\ncontrol-socket = /c\n"
		"control-group = staff\nplugin-socket = /p\nvici-socket = /v\n"
		"vtysh = /t\nfrr-dir = /f\nmark-base = 0x12340000\nrule-pref = 7\n"
		"routes-not-needed = gw/net other/x\nlog-level = debug\n"
		"[firewall]\nmode = enforce\nlinks = wan0 eth0.5\n"
		"allow = ospf tcp/9100 udp/161 forward\n"
		"[vpn acme/corp]\nvrf = vrf-corp\ntable = 1001\nlan = eth1 eth2.7\n"
		"max-peers = 0\npeer-addresses = 192.0.2.0/24 198.51.100.7/32\n"
		"router-ids = 10.255.0.0/16\nareas = 0.0.0.0 0.0.0.7\n"
		"[vpn beta/corp]\nvrf = vrf-b\ntable = 1002\n", &c, &e), 0);
	ck_assert_str_eq(c.control_socket, "/c");
	ck_assert_uint_eq(c.mark_base, 0x12340000);
	ck_assert_uint_eq(c.routes_not_needed_count, 2);
	ck_assert_str_eq(c.routes_not_needed[1], "other/x");
	ck_assert_int_eq(c.log_level, LOG_LEVEL_DEBUG);
	ck_assert_int_eq(c.firewall.mode, CONF_FIREWALL_ENFORCE);
	ck_assert_str_eq(c.firewall.links[0], "wan0");
	ck_assert_str_eq(c.firewall.links[1], "eth0.5");
	ck_assert_ptr_null(c.firewall.links[2]);
	/* what is named stands in place of the default */
	ck_assert_uint_eq(c.firewall.allow, CONF_ALLOW_OSPF | CONF_ALLOW_FORWARD);
	ck_assert_uint_eq(c.firewall.port_count, 2);
	ck_assert(!c.firewall.ports[0].udp && c.firewall.ports[1].udp);
	ck_assert_uint_eq(c.firewall.ports[0].port, 9100);
	v = conf_vpn(&c, "acme", "corp");
	ck_assert_ptr_nonnull(v);
	ck_assert_str_eq(v->vrf, "vrf-corp");
	ck_assert_uint_eq(v->table, 1001);
	ck_assert_str_eq(v->lan[1], "eth2.7");
	ck_assert_ptr_null(v->lan[2]);
	ck_assert(v->has_max_peers);
	ck_assert_uint_eq(v->max_peers, 0);
	ck_assert_uint_eq(v->peer_addresses.count, 2);
	ck_assert_uint_eq(v->peer_addresses.items[1].len, 32);
	ck_assert_uint_eq(v->router_ids.count, 1);
	ck_assert_uint_eq(v->areas.count, 2);
	ck_assert_uint_eq(v->areas.items[1].len, 32);
	v = conf_vpn(&c, "beta", "corp");
	ck_assert_ptr_nonnull(v);
	ck_assert(!v->has_max_peers && !v->areas.count);
	ck_assert_ptr_null(conf_vpn(&c, "acm", "corp"));
	ck_assert_ptr_null(conf_vpn(&c, "acme", "cor"));
	conf_done(&c);
}
END_TEST

#define V "[vpn acme/corp]\nvrf = v1\ntable = 1\n"

static const struct { const char *text, *where, *says; } bad[] = {
	{ "[agent]\nstate-dir = var\n", ":2", "absolute path" },
	{ "[agent]\nnonsense = 1\n", ":2", "no key" },
	{ "[other]\nx = 1\n", ":2", "no section" },
	{ "[agent x]\nvtysh = /x\n", ":2", "no section" },
	{ "[agent]\nlog-level = loud\n", ":2", "not error, warn" },
	{ "[agent]\nrule-pref = 1000\n", ":2", "1 to 999" },
	{ "[agent]\nrule-pref = 0\n", ":2", "1 to 999" },
	{ "[agent]\nmark-base = 0x70ff0001\n", ":2", "block of marks" },
	{ "[agent]\nmark-base = 0\n", ":2", "block of marks" },
	{ "[agent]\nmark-base = 0x170ff0000\n", ":2", "block of marks" },
	{ "[agent]\ncontrol-group = a b\n", ":2", "group" },
	{ "[agent]\nroutes-not-needed = gw\n", ":2", "CONNECTION/CHILD" },
	{ "[firewall]\nmode = on\n", ":2", "log-only" },
	{ "[firewall x]\nmode = off\n", ":2", "no section" },
	{ "[firewall]\nvrf = v\n", ":2", "no key" },
	{ "[firewall]\nallow = telnet\n", ":2", "tcp/PORT" },
	{ "[firewall]\nallow = tcp/0\n", ":2", "tcp/PORT" },
	{ "[firewall]\nallow = tcp/65536\n", ":2", "tcp/PORT" },
	{ "[firewall]\nallow = ssh icmp/8\n", ":2", "tcp/PORT" },
	{ "[firewall]\nlinks = eth0 eth0\n", ":2", "already" },
	{ "[firewall]\nlinks = lo\n", ":2", "link's name" },
	{ "[firewall]\nlinks = a\"b\n", ":2", "link's name" },
	{ "[firewall]\nlinks = 1 2 3 4 5 6 7 8 9\n", ":2", "more than 8" },
	{ "[firewall]\nlinks = eth1\n" "[vpn acme/corp]\nvrf = v\ntable = 1\n"
	  "lan = eth1\n", ":6", "for the firewall" },
	{ "[vpn acme]\nvrf = v\n", ":2", "CUSTOMER/VPN" },
	{ "[vpn ACME/corp]\nvrf = v\n", ":2", "" },
	{ "[vpn acme/corp]\ntable = 254\n", ":2", "not 253" },
	{ "[vpn acme/corp]\ntable = 253\n", ":2", "not 253" },
	{ "[vpn acme/corp]\ntable = 0\n", ":2", "not 253" },
	{ "[vpn acme/corp]\ntable = 2147483648\n", ":2", "not 253" },
	{ "[vpn acme/corp]\nvrf = sixteen-letters-\n", ":2", "link's name" },
	{ "[vpn acme/corp]\nvrf = a/b\n", ":2", "link's name" },
	{ "[vpn acme/corp]\nvrf = ..\n", ":2", "link's name" },
	{ "[vpn acme/corp]\nvrf = all\n", ":2", "link's name" },
	{ "[vpn acme/corp]\nvrf = ppv7\n", ":2", "tunnels" },
	{ V "max-peers = 10001\n", ":4", "number of peers" },
	{ V "max-peers = -1\n", ":4", "number of peers" },
	{ V "peer-addresses = 192.0.2.1/24\n", ":4", "not a prefix" },
	{ V "peer-addresses = 192.0.2.0\n", ":4", "not a prefix" },
	{ V "peer-addresses = \n", ":4", "" },
	{ V "router-ids = a b c d e f g h i j k l m n o p q\n", ":4", "not a prefix" },
	{ V "areas = 0.0.0.1 1\n", ":4", "not an area" },
	{ V "areas = 0.0.0.1 0.0.0.2 0.0.0.3 0.0.0.4 0.0.0.5 0.0.0.6 0.0.0.7 "
	  "0.0.0.8 0.0.0.9 0.0.0.10 0.0.0.11 0.0.0.12 0.0.0.13 0.0.0.14 0.0.0.15 "
	  "0.0.0.16 0.0.0.17\n", ":4", "more than 16" },
	{ V "lan = eth0 eth0\n", ":4", "named already" },
	{ V "lan = v1\n", ":4", "named already" },
	{ V "lan = a b c d e f g h i j k l m n o p q\n", ":4", "more than 16" },
	{ V "[vpn acme/two]\nvrf = v1\n", ":5", "named already" },
	{ V "[vpn acme/two]\ntable = 1\n", ":5", "another VPN" },
	{ V "lan = eth1\n[vpn acme/two]\nvrf = v2\ntable = 2\nlan = eth1\n", ":8",
	  "named already" },
	{ V V, ":4", "duplicate" },
	{ V "table = 2\n", ":4", "duplicate" },
	{ "[vpn acme/corp]\nvrf = v\n", "", "lacks table" },
	{ "[vpn acme/corp]\ntable = 5\n", "", "lacks vrf" },
};

START_TEST(refused)
{
	struct conf c;
	struct err e;
	char where[64];

	snprintf(where, sizeof(where), "%s%s", path, bad[_i].where);
	ck_assert_int_lt(read_text(bad[_i].text, &c, &e), 0);
	ck_assert_int_eq(e.code, ERR_CONFIG);
	ck_assert_msg(strcmp(e.where, where) == 0, "%s: at %s: %s", bad[_i].text,
				  e.where, e.text);
	ck_assert_msg(strstr(e.text, bad[_i].says) != NULL, "%s: says %s",
				  bad[_i].text, e.text);
}
END_TEST

/* Every key of the sample, its comment signs taken away, is understood. */
START_TEST(sample)
{
	const char *top = getenv("srcdir");
	char *file = xasprintf("%s/conf/agent.conf", top ? top : ".");
	FILE *in = fopen(file, "r"), *out = fopen(path, "w");
	char line[256];
	struct conf c;
	struct err e;
	int rc;

	ck_assert_msg(in != NULL, "no %s", file);
	while (fgets(line, sizeof(line), in))
	{
		bool key = line[0] == '#' && line[1] != ' ' && line[1] != '\n' &&
				   line[1] != '#';

		fputs(key ? line + 1 : line, out);
	}
	fclose(in);
	fclose(out);
	ck_assert_int_eq(conf_read(file, &c, &e), 0);
	conf_done(&c);
	rc = conf_read(path, &c, &e);
	ck_assert_msg(rc == 0, "%s: %s", e.where, e.text);
	ck_assert_uint_eq(c.vpn_count, 1);
	ck_assert_uint_eq(c.rule_pref, 100);
	ck_assert_uint_eq(c.mark_base, 0x70ff0000);
	conf_done(&c);
	free(file);
}
END_TEST

int main(void)
{
	TCase *tc = tcase_create("conf");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, defaults);
	tcase_add_test(tc, all_keys);
	tcase_add_loop_test(tc, refused, 0, COUNT(bad));
	tcase_add_test(tc, sample);
	return run_case(tc, "conf");
}
