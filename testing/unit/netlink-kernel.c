/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * netlink-kernel.c - the netlink backend against a real kernel
 *
 * Runs in a network namespace of its own; needs root and a kernel with VTI and
 * VRF, and iproute2 as an independent witness. Without such a kernel it fails,
 * or with --skip says so and ends with 77.
 */
#include "config.h"

#include <errno.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "agent/loop.h"
#include "agent/nl.h"
#include "alloc.h"
#include "text.h"

#define MARK_OUT 0x70ffffff

static unsigned passed, failed;

static void check(bool ok, const char *what)
{
	passed += ok;
	failed += !ok;
	printf("%s %s\n", ok ? "ok  " : "FAIL", what);
}

/* ---- the witness ----------------------------------------------------------- */

static char *shell(const char *fmt, ...)
{
	static char out[1 << 20];
	char command[512];
	va_list args;
	FILE *p;
	size_t n;

	va_start(args, fmt);
	vsnprintf(command, sizeof(command), fmt, args);
	va_end(args);
	p = popen(command, "r");
	n = p ? fread(out, 1, sizeof(out) - 1, p) : 0;
	out[n] = '\0';
	if (p)
	{
		pclose(p);
	}
	return out;
}

static bool shows(const char *command, const char *text)
{
	const char *out = shell("%s 2>&1", command);
	bool found = strstr(out, text) != NULL;

	if (!found)
	{
		printf("     %s\n     does not show \"%s\" but:\n%s\n", command, text, out);
	}
	return found;
}

static bool hides(const char *command, const char *text)
{
	const char *out = shell("%s 2>&1", command);
	bool found = strstr(out, text) != NULL;

	if (found)
	{
		printf("     %s\n     shows \"%s\":\n%s\n", command, text, out);
	}
	return !found;
}

/* ---- the world ------------------------------------------------------------- */

static struct loop *loop;
static struct nl *nl;
static unsigned events[NL_OVERFLOW + 1];
static char last_link[64];
static bool last_present[NL_OVERFLOW + 1];

static const char *const sysctls[] = {
	"net/ipv4/ip_forward", "net/ipv4/igmp_max_memberships",
	"net/ipv4/there_is_no_such_thing", NULL,
};
static char *lan[] = { (char*)"lan1", (char*)"lan2", NULL };

/* What is wanted: numbers that the cases change. */
static struct {
	bool vrfs, member2;
	unsigned links, mtu;
	uint32_t mark, remote, router_id;
	const char *master, *member_master;
	bool up;
	enum res_fence fence;
	uint32_t fence_mark;
} w;

static void wish_defaults(void)
{
	memset(&w, 0, sizeof(w));
	w.vrfs = true;
	w.links = 3;
	w.mtu = 1400;
	w.mark = 0x70ff0000;
	w.remote = 0xc6336400;		/* 198.51.100.0 */
	w.router_id = 0x0aff0001;
	w.master = w.member_master = "vrf-a";
}

static struct prefix host(uint32_t v)
{
	return (struct prefix){ .addr = addr_from_u32(v), .len = 32 };
}

static void want_links(struct resource_set *want)
{
	for (unsigned n = 1; n <= w.links; n++)
	{
		char name[16], key[64];
		struct res_link link = {
			.name = name, .driver = "vti", .local = addr_from_u32(0xc0000205),
			.remote = addr_from_u32(w.remote + n), .mark = w.mark + n,
			.master = (char*)w.master, .mtu = w.mtu, .up = w.up,
			.address = host(w.router_id), .policy_off = true,
			.fence = w.fence, .fence_mark = w.fence_mark,
		};

		snprintf(name, sizeof(name), "ppv%u", n);
		snprintf(key, sizeof(key), "ppvpn:acme:a:site%u", n);
		resource_link(want, RES_OURS, key, &link);
	}
}

static void want_all(struct resource_set *want, const struct resource_set *have)
{
	struct res_rule local = { .pref = 32765, .table = 255 };
	struct res_rule back = { .pref = 0, .table = 255 };
	struct res_rule mark = {
		.pref = 100, .table = 254, .fwmark = MARK_OUT, .fwmask = 0xffffffff,
	};
	struct res_sysctl forward = { "net/ipv4/ip_forward", (char*)"1" };

	if (!w.vrfs)
	{
		if (resource_find(have, RES_RULE, "32765 255"))
		{	/* as desired.c: put back what we moved */
			resource_rule(want, RES_OURS, &back);
		}
		return;
	}
	resource_sysctl(want, RES_OURS, &forward);
	resource_rule(want, RES_OURS, &local);
	resource_rule(want, RES_OURS, &mark);
	for (uint32_t i = 0; i < 2; i++)
	{
		struct res_vrf vrf = {
			.name = (char*)(i ? "vrf-b" : "vrf-a"), .table = 1001 + i,
			.address = host(w.router_id + (i << 8)),
		};
		struct res_route route = { 1001 + i, 4278198272u };

		resource_vrf(want, RES_OURS, i ? "acme/b" : "acme/a", &vrf);
		resource_route(want, RES_OURS, &route);
	}
	if (w.member_master)
	{
		struct res_member m = { (char*)"lan1", (char*)w.member_master };

		resource_member(want, RES_OURS, "acme/a", &m);
	}
	if (w.member2)
	{
		struct res_member m = { (char*)"lan2", (char*)"vrf-a" };

		resource_member(want, RES_OURS, "acme/a", &m);
	}
	want_links(want);
}

static void on_event(void *user, enum nl_event event, const char *link,
					 bool present)
{
	events[event]++;
	snprintf(last_link, sizeof(last_link), "%s", link ? link : "");
	last_present[event] = present;
}

static void stop(void *user)
{
	loop_stop(loop);
}

static void pump(unsigned ms)
{
	struct loop_timer *t = loop_timer_new(loop, stop, NULL);

	loop_timer_set(t, ms);
	loop_run(loop);
	loop_timer_free(t);
}

static void forget_events(void)
{
	pump(150);
	memset(events, 0, sizeof(events));
}

static void done(void *user)
{
	*(bool*)user = true;
}

static struct observation observe(const char *group)
{
	struct observation o = {
		.arena = arena_new(), .group = group,
		.kinds = nl_backend(nl)->ops->kinds,
	};
	bool finished = false;

	resource_set_init(&o.have, o.arena);
	nl_backend(nl)->ops->read(nl_backend(nl), &o, done, &finished);
	if (!finished || o.facts.unknown_kinds)
	{
		check(false, "reading");
	}
	return o;
}

static void observation_done(struct observation *o)
{
	resource_set_done(&o->have);
	facts_done(&o->facts);
	arena_free(o->arena);
}

struct outcome { size_t steps, errors, failed; enum step_op op; char text[256]; };

/* At every moment some rule must lead to the local table. */
static bool local_kept = true, watch_rules;

/* Observe, plan, apply: once. */
static struct outcome turn(void)
{
	struct observation o = observe(NULL);
	struct resource_set want;
	struct outcome out = {0};
	struct plan plan;
	struct text t = {0};

	resource_set_init(&want, o.arena);
	resource_set_sort(&o.have);
	want_all(&want, &o.have);
	plan_build(&want, &o.have, o.kinds, NULL, &plan);
	plan_print(&plan, &t);
	snprintf(out.text, sizeof(out.text), "%s", text_str(&t));
	text_done(&t);
	out.steps = plan.count;
	out.errors = plan.error_count;
	for (size_t i = 0; i < plan.count; i++)
	{
		struct step *s = &plan.steps[i];
		bool finished = false;

		out.op = s->op;
		nl_backend(nl)->ops->apply(nl_backend(nl), &s, 1, done, &finished);
		out.failed += s->rc != 0;
		if (s->rc)
		{
			printf("     %s %s: %s: %s\n", step_op_name(s->op), s->key,
				   s->err.where, s->err.text);
		}
		if (watch_rules && !strstr(shell("ip rule"), "lookup local"))
		{
			local_kept = false;
		}
	}
	plan_done(&plan);
	resource_set_done(&want);
	observation_done(&o);
	return out;
}

/* Until the plan is empty; how many turns did something, 9: it never was. */
static unsigned settle(void)
{
	for (unsigned n = 0; n < 4; n++)
	{
		struct outcome out = turn();

		if (!out.steps)
		{
			return n;
		}
		if (out.failed)
		{
			break;
		}
	}
	printf("%s", turn().text);
	return 9;
}

/* One attribute was changed: one update, then nothing more to do. */
static void check_change(enum step_op op, size_t steps, const char *what)
{
	struct outcome out = turn();
	char text[512];

	if (out.steps != steps || out.op != op)
	{
		printf("%s", out.text);
	}
	snprintf(text, sizeof(text), "%s: %zu step(s) %s, then none", what, steps,
			 step_op_name(op));
	check(out.steps == steps && !out.failed && out.op == op && settle() == 0,
		  text);
}

/* ---- the cases ------------------------------------------------------------- */

static void foreign_setup(void)
{
	shell("ip link add ppv9 type dummy 2>&1; "
		  "ip link add oper type vti local 192.0.2.5 remote 203.0.113.7 key 77;"
		  "ip link add vrf-o type vrf table 77; ip link set vrf-o up;"
		  "ip rule add pref 90 fwmark 0x99 lookup 99;"
		  "ip rule add pref 95 fwmark 0x55 lookup main;"
		  "ip route add unreachable default table 77 metric 4278198272;"
		  "ip addr add 10.50.0.1/24 dev vrf-o");
}

static char *foreign_state(void)
{
	return xstrdup(shell("ip -d link show ppv9; ip -d link show oper; "
						 "ip -d link show vrf-o; ip addr show vrf-o;"
						 "ip rule show pref 90; ip rule show fwmark 0x55;"
						 "ip route show table 77"));
}

static void case_create(void)
{
	wish_defaults();
	watch_rules = true;
	forget_events();
	check(settle() <= 2, "everything is made, then the plan is empty");
	check(local_kept, "a rule for local addresses stood all the time");
	watch_rules = false;
	check(shows("ip -d link show ppv1", "POINTOPOINT") &&
		  shows("ip -d link show ppv1", "vti remote 198.51.100.1 local 192.0.2.5") &&
		  shows("ip -d link show ppv1", "alias ppvpn:acme:a:site1") &&
		  shows("ip -d link show ppv1", "master vrf-a") &&
		  shows("ip -d link show ppv1", "mtu 1400") &&
		  hides("ip link show ppv1", ",UP"), "a link, as iproute2 sees it");
	check(shows("ip -d link show ppv1", "ikey 112.255.0.1 okey 112.255.0.1"),
		  "its key is the mark");
	check(shows("ip addr show ppv2", "inet 10.255.0.1/32"), "its address");
	check(shows("cat /proc/sys/net/ipv4/conf/ppv1/disable_policy", "1") &&
		  shows("cat /proc/sys/net/ipv4/conf/ppv1/rp_filter", "0") &&
		  shows("cat /proc/sys/net/ipv4/conf/ppv1/disable_xfrm", "0"),
		  "its settings");
	check(shows("ip -d link show vrf-a", "vrf table 1001") &&
		  shows("ip -d link show vrf-a", "alias ppvpn:acme:a") &&
		  shows("ip link show vrf-a", ",UP") &&
		  shows("ip addr show vrf-a", "10.255.0.1/32"), "the VRF");
	check(shows("ip route show table 1001",
				"unreachable default proto 251 metric 4278198272"),
		  "its last resort");
	check(shows("ip addr show lan1", "inet 10.1.0.1/24") &&
		  shows("ip addr show lan1", "inet 10.1.7.1/24") &&
		  shows("ip route show table 1001", "10.1.0.0/24 dev lan1"),
		  "a LAN link keeps its addresses in the VRF");
	check(shows("cat /proc/sys/net/ipv4/ip_forward", "1"), "the sysctl");
	pump(300);
	check(!events[NL_LINK] && !events[NL_ROUTE] && !events[NL_OVERFLOW],
		  "no event for what we did ourselves");
}

static void case_rules(void)
{
	struct res_rule local = { .pref = 32765, .table = 255 };
	struct observation o = observe(NULL);
	struct resource_set set;
	struct step s = { .op = STEP_DELETE, .kind = RES_RULE, .key = "x" }, *p = &s;
	bool finished;

	check(shows("ip rule", "32765:\tfrom all lookup local proto 251") &&
		  hides("ip rule", "\n0:\t") && strncmp(shell("ip rule"), "0:", 2) != 0,
		  "the local rule is behind the l3mdev rule");
	check(!o.facts.local_rule_first, "the facts say so");
	shell("ip addr add 192.0.2.5/24 dev under; ip link set under up;"
		  "ip route add 198.51.100.0/24 via 192.0.2.1;"
		  "ip link set ppv1 up; ip route add 0.0.0.0/0 dev ppv1 table 1001;"
		  "ip route add 192.0.2.5/32 dev ppv1 table 1001");
	check(shows("ip route get 192.0.2.5 vrf vrf-a", "dev ppv1"),
		  "trap 1: a v host with the CE's s address is reached by the tunnel");
	check(shows("ip route get 198.51.100.1 vrf vrf-a", "dev ppv1") &&
		  shows("ip route get 198.51.100.1 vrf vrf-a mark 0x70ffffff",
				"via 192.0.2.1 dev under"),
		  "trap 2: marked outer packets take the main table");
	check(shows("ip route get 192.0.2.5", "local 192.0.2.5"),
		  "outside the VRF that address is still the CE's own");
	shell("ip route flush table 1001 proto boot; ip link set ppv1 down");

	resource_set_init(&set, o.arena);
	resource_rule(&set, RES_OURS, &local);
	s.have = &set.items[0];
	nl_backend(nl)->ops->apply(nl_backend(nl), &p, 1, done, &finished);
	check(s.rc == -EPERM && shows("ip rule", "lookup local"),
		  "the last local rule is not deleted, whoever asks");
	resource_set_done(&set);
	observation_done(&o);
}

static void case_updates(void)
{
	w.mtu = 1300;
	check_change(STEP_UPDATE, w.links, "mtu");
	check(shows("ip link show ppv3", "mtu 1300"), "mtu, as iproute2 sees it");
	w.up = true;
	check_change(STEP_UPDATE, w.links, "up");
	check(shows("ip link show ppv3", ",UP"), "up, as iproute2 sees it");
	w.router_id = 0x0aff0005;
	check_change(STEP_UPDATE, w.links + 2, "router-id");
	check(shows("ip addr show ppv3", "10.255.0.5/32") &&
		  hides("ip addr show ppv3", "10.255.0.1") &&
		  hides("ip addr show vrf-a", "10.255.0.1"), "only the new address");
	w.master = "vrf-b";
	check_change(STEP_UPDATE, w.links, "master");
	check(shows("ip link show ppv3", "master vrf-b"), "master, seen");
	w.master = "vrf-a";
	w.up = false;
	w.mtu = 1400;
	check_change(STEP_UPDATE, w.links, "three at once");
	shell("echo 2 >/proc/sys/net/ipv4/conf/ppv2/rp_filter");
	check_change(STEP_UPDATE, 1, "rp_filter put back");
	shell("echo 0 >/proc/sys/net/ipv4/conf/ppv2/disable_policy");
	check_change(STEP_UPDATE, 1, "disable_policy put back");
	shell("ip link set vrf-a down");
	check_change(STEP_UPDATE, 1, "a VRF put up again");
	w.member_master = "vrf-b";
	check_change(STEP_UPDATE, 1, "a LAN moved to another VRF");
	check(shows("ip addr show lan1", "10.1.0.1/24"), "with its address");
	w.member2 = true;
	check_change(STEP_CREATE, 1, "a second LAN link");
	w.member2 = false;
	w.member_master = NULL;
	check_change(STEP_DELETE, 2, "LAN links released");
	check(shows("ip addr show lan1", "10.1.0.1/24") &&
		  hides("ip link show lan1", "master"), "with their addresses");
	w.member_master = "vrf-a";
	check_change(STEP_CREATE, 1, "and back");
	w.mark = 0x70ff0100;
	check_change(STEP_RECREATE, w.links, "mark");
	w.remote = 0xc6336480;
	check_change(STEP_RECREATE, w.links, "remote");
	check(shows("ip -d link show ppv1", "remote 198.51.100.129"), "remote, seen");
}

static void case_repair(void)
{
	shell("ip link del ppv2");
	check_change(STEP_CREATE, 1, "a link deleted by hand");
	shell("ip link set ppv2 alias hello");
	check(turn().errors == 1, "a link that lost its alias is foreign and stays");
	shell("ip link set ppv2 alias ppvpn:acme:a:site2");
	check(settle() == 0, "given back its alias it is ours again");
	shell("ip route del unreachable default table 1001 metric 4278198272");
	check_change(STEP_CREATE, 1, "the last resort deleted by hand");
	shell("ip rule del pref 100 fwmark 0x70ffffff");
	check_change(STEP_CREATE, 1, "the mark rule deleted by hand");
	shell("ip link add ppv50 group 28784 type vti local 192.0.2.5 "
		  "remote 198.51.100.250 key 9");
	check_change(STEP_DELETE, 1, "a link of ours whose alias never came");
	shell("ip link del vrf-b");
	check_change(STEP_CREATE, 1, "a VRF deleted by hand");
}

#define IN "tc filter show dev ppv2 ingress"
#define OUT "tc filter show dev ppv2 egress"

static void case_fence(void)
{
	w.fence_mark = 0x70ff0000;
	w.fence = RES_FENCE_HUB;
	check_change(STEP_UPDATE, w.links, "fences of a hub's link");
	check(shows(OUT, "handle 0x70ff0000/0xffff0000") && shows(OUT, "action drop") &&
		  hides(IN, "skbedit"), "marked packets do not go out");
	w.fence = RES_FENCE_SPOKE;
	check_change(STEP_UPDATE, w.links, "fences of a spoke's link");
	check(shows(IN, "skbedit  mark 1895759872 continue") &&
		  shows(OUT, "action drop"), "and what comes in is marked");
	shell("tc filter add dev ppv2 egress pref 9 protocol ip matchall action ok;"
		  "tc filter del dev ppv2 ingress pref 1");
	check_change(STEP_UPDATE, 1, "a filter of ours deleted by hand");
	w.up = true;
	check_change(STEP_UPDATE, w.links, "up");
	shell("tc filter del dev ppv2 egress pref 1; tc filter add dev ppv2 egress "
		  "pref 1 protocol all handle 0x70ff0000/0xffff0000 fw action ok");
	check(turn().failed == 1 && shows(OUT, "action pass"),
		  "somebody else's filter in ours' place stays, and the step fails");
	check(hides("ip link show ppv2", ",UP"), "with the link down");
	shell("tc filter del dev ppv2 egress pref 1");
	check_change(STEP_UPDATE, 1, "once it is gone");
	check(shows("ip link show ppv2", ",UP"), "and up");
	w.up = false;
	check_change(STEP_UPDATE, w.links, "down");
	w.fence_mark = 0x71ff0000;
	check_change(STEP_UPDATE, w.links, "another mark");
	check(shows(IN, "1912537088") && hides(IN, "1895759872") &&
		  shows(OUT, "0x71ff0000") && hides(OUT, "0x70ff0000"), "only the new");
	forget_events();
	shell("tc qdisc del dev ppv3 clsact");
	pump(50);
	check(events[NL_LINK] >= 1 && !strcmp(last_link, "ppv3"),
		  "an event when somebody takes the filters away");
	check_change(STEP_UPDATE, 1, "they are put back");
	shell("ip link del ppv3");
	check_change(STEP_CREATE, 1, "a link is made with its fence");
	w.fence = RES_FENCE_NONE;
	check_change(STEP_UPDATE, w.links, "fences taken down");
	check(hides("tc qdisc show dev ppv3", "clsact") && shows(OUT, "pref 9") &&
		  hides(OUT, "drop") && hides(IN, "skbedit"),
		  "nothing is left but what is somebody else's");
	shell("tc qdisc del dev ppv2 clsact");
}

static void case_foreign(void)
{
	struct observation o = observe(NULL);
	const struct resource *r;
	unsigned foreign = 0, member = 0;

	for (size_t i = 0; i < o.have.count; i++)
	{
		r = &o.have.items[i];
		foreign += r->origin == RES_FOREIGN && (!strcmp(r->key, "ppv9") ||
			!strcmp(r->key, "oper") || !strcmp(r->key, "vrf-o") ||
			!strcmp(r->key, "90 99") || !strcmp(r->key, "95 254"));
		member += r->kind == RES_MEMBER && r->origin == RES_FOREIGN &&
				  !strcmp(r->key, "lan2");
	}
	observation_done(&o);
	check(foreign == 5, "foreign links, VRFs and rules are read as foreign");
	shell("ip link set lan2 master vrf-o");
	w.member2 = true;
	check(turn().errors == 1 && shows("ip link show lan2", "master vrf-o"),
		  "a LAN link in a foreign VRF stays there");
	w.member2 = false;
	shell("ip link set lan2 nomaster");
	w.remote = 0xcb007106;		/* 203.0.113.7 is oper's */
	w.links = 1;
	check(turn().errors == 1, "a pair of ends that a foreign VTI has");
	wish_defaults();
	w.mark = 0x70ff0100;
	w.remote = 0xc6336480;
	w.router_id = 0x0aff0005;
	check(settle() < 9, "back again");
}

static void case_events(void)
{
	struct observation o;

	forget_events();
	shell("ip link set ppv1 mtu 1320");
	pump(50);
	check(events[NL_LINK] == 1 && !strcmp(last_link, "ppv1"),
		  "an event when somebody changes a link");
	settle();
	forget_events();
	shell("ip addr add 10.1.9.1/24 dev lan1");
	pump(50);
	check(events[NL_LINK] == 1 && !strcmp(last_link, "lan1"),
		  "an event for an address of a LAN");
	shell("ip link add other type dummy; ip link set other up; ip link del other");
	pump(50);
	check(events[NL_LINK] == 1, "no event for other links");
	shell("ip link set ppv1 up; ip route add 10.9.0.0/24 dev ppv1 table 1001 "
		  "proto ospf; ip route add 10.9.1.0/24 dev ppv1 table 1001 proto ospf");
	forget_events();
	o = observe(NULL);
	check(o.facts.routed_count == 1 && !strcmp(o.facts.routed[0], "ppv1"),
		  "a link with a route is known as routed");
	observation_done(&o);
	shell("ip route del 10.9.1.0/24 table 1001");
	pump(250);
	check(!events[NL_ROUTE], "one of two routes gone: still routed");
	shell("ip route del 10.9.0.0/24 table 1001");
	pump(250);
	check(events[NL_ROUTE] == 1 && !last_present[NL_ROUTE], "both gone: told once");
	shell("ip route add 10.9.0.0/24 dev ppv1 table 1001 proto ospf");
	pump(50);
	check(events[NL_ROUTE] == 2 && last_present[NL_ROUTE], "a route came: told at once");
	shell("ip link set ppv1 down");
	pump(50);
	check(events[NL_ROUTE] == 3 && !last_present[NL_ROUTE], "the link went down with it");
	settle();
	forget_events();
	shell("ip rule del pref 100 fwmark 0x70ffffff");
	pump(50);
	check(events[NL_RULE] == 1, "an event for a rule");
	settle();
	forget_events();
	shell("for i in $(seq 20000); do echo link set ppv1 mtu $((1000 + i %% 2)); "
		  "done | ip -batch -");
	pump(100);
	check(events[NL_OVERFLOW] >= 1, "too many events: an overflow is told");
	check(settle() < 9, "and what was changed is put right");
}

static struct addr address(const char *text)
{
	struct addr a = { .family = 0 };

	addr_parse4(text, &a);
	return a;
}

static bool source_is(const char *to, const char *wanted)
{
	struct addr target = address(to), source, want = address(wanted);
	struct observation o;
	bool there = nl_source(nl, &target, &source), same;

	o = observe(NULL);
	same = addr_equal(&o.facts.source, &source) && addr_equal(&source, &want);
	observation_done(&o);
	return same && there == (*wanted != '\0');
}

/* Another address, or another way, in the provider's space: not in a VPN's. */
static void case_source(void)
{
	struct addr mine = address("198.18.7.1"), lan_address;

	forget_events();
	shell("ip link add far type dummy; ip link set far up; "
		  "ip addr add 198.18.7.1/24 dev far");
	pump(50);
	check(events[NL_ADDRESS] >= 1 && last_present[NL_ADDRESS], "an address came");
	check(source_is("198.18.7.9", "198.18.7.1"), "packets are sent from it");
	check(nl_is_local(nl, &mine), "and it is this router's");
	check(source_is("198.19.0.1", ""), "there is no way elsewhere");
	forget_events();
	shell("ip route add default via 198.18.7.9");
	pump(50);
	check(events[NL_ADDRESS] >= 1, "a default route came");
	check(source_is("198.19.0.1", "198.18.7.1"), "and its source counts");
	shell("ip addr add 198.18.77.1/24 dev lan1");
	lan_address = address("198.18.77.1");
	check(!nl_is_local(nl, &lan_address), "an address in a VRF is not one of the "
		  "provider's space");
	shell("ip addr del 198.18.77.1/24 dev lan1");
	forget_events();
	shell("ip addr del 198.18.7.1/24 dev far");
	pump(50);
	check(events[NL_ADDRESS] >= 1 && !last_present[NL_ADDRESS], "it went");
	check(!nl_is_local(nl, &mine), "it is nobody's now");
	check(source_is("198.18.7.9", ""), "and nothing is sent");
	shell("ip link del far");
	settle();
}

static void case_group(void)
{
	struct observation o = observe("ppvpn:acme:a:site2");

	check(o.have.count == 1 && !strcmp(o.have.items[0].key, "ppvpn:acme:a:site2"),
		  "reading one connection reads its link only");
	observation_done(&o);
	shell("ip link del ppv2");
	o = observe("ppvpn:acme:a:site2");
	check(o.have.count == 0 && o.facts.link_count > 4,
		  "one that is gone is gone, and the names in use are told");
	observation_done(&o);
	check_change(STEP_CREATE, 1, "and made again");
}

static void case_restart(void)
{
	struct err e;

	nl_free(nl);
	check(nl_new(loop, sysctls, lan, on_event, NULL, &nl, &e) == 0 &&
		  settle() == 0, "a new agent finds all of it and has nothing to do");
}

static void case_many(void)
{
	uint64_t start = loop_now_ms(), made;
	unsigned n = 0;

	w.links = 500;
	check(settle() < 9, "500 links");
	made = loop_now_ms();
	for (; n < 200; n++)
	{
		struct observation o = observe("ppvpn:acme:a:site250");

		observation_done(&o);
	}
	printf("     500 links made and read back in %llu ms, one read of 500 in "
		   "%llu us\n", (unsigned long long)(made - start),
		   (unsigned long long)((loop_now_ms() - made) * 1000 / n));
	w.links = 3;
	check(settle() < 9, "and gone again");
}

static void case_sas(void)
{
	unsigned deleted = 0;
	struct err e;
	const char *add = "ip xfrm state add src %s dst %s proto esp spi %s mode "
		"tunnel mark %s output-mark %s aead 'rfc4106(gcm(aes))' "
		"0x0102030405060708090a0b0c0d0e0f1011121314 128 2>&1";

	printf("%s", shell(add, "192.0.2.5", "198.51.100.1", "0x1001", "0x70ff0001",
					   "0x70ffffff"));
	printf("%s", shell(add, "192.0.2.5", "198.51.100.1", "0x1002", "0x70ff0001",
					   "0x70ffffff"));
	printf("%s", shell(add, "192.0.2.5", "198.51.100.1", "0x1003", "0", "7"));
	printf("%s", shell(add, "192.0.2.5", "198.51.100.2", "0x1004", "0",
					   "0x70ffffff"));
	check(nl_sa_flush(nl, MARK_OUT, &deleted, &e) == 0 && deleted == 3,
		  "stale SAs of ours are deleted");
	check(shows("ip xfrm state", "0x00001003") &&
		  hides("ip xfrm state", "0x00001001") &&
		  hides("ip xfrm state", "0x00001002") &&
		  hides("ip xfrm state", "0x00001004"), "an operator's stays");
}

/* What somebody takes away is told, what charon does not. */
static void case_xfrm(void)
{
	const char *add = "ip xfrm state add src %s dst %s proto esp spi %s mode "
		"tunnel mark %s aead 'rfc4106(gcm(aes))' "
		"0x0102030405060708090a0b0c0d0e0f1011121314 128 2>&1";
	struct nl_xfrm x;
	struct err e;

	printf("%s", shell(add, "192.0.2.5", "198.51.100.1", "0x2001", "0x70ff0001"));
	printf("%s", shell(add, "198.51.100.1", "192.0.2.5", "0x2002", "0"));
	printf("%s", shell("ip xfrm policy add src 0.0.0.0/0 dst 0.0.0.0/0 dir out "
					   "mark 0x70ff0001 tmpl src 192.0.2.5 dst 198.51.100.1 "
					   "proto esp mode tunnel 2>&1"));
	nl_xfrm_charon(nl, 4711);
	forget_events();
	pump(50);
	check(events[NL_XFRM] == 0, "what is added is no news");
	check(nl_xfrm_list(nl, &x, &e) == 0, "SAs and policies are listed");
	check(nl_xfrm_has(&x, 0x2002, 0x70ff0001), "both SAs, the policy");
	check(!nl_xfrm_has(&x, 0x2003, 0x70ff0001) &&
		  !nl_xfrm_has(&x, 0x2002, 0x70ff0002), "and no others");
	nl_xfrm_done(&x);
	shell("ip xfrm state delete src 192.0.2.5 dst 198.51.100.1 proto esp spi "
		  "0x2001 mark 0x70ff0001");
	pump(50);
	check(events[NL_XFRM] == 1, "an SA was deleted by hand");
	check(nl_xfrm_list(nl, &x, &e) == 0 && x.mark_count == 1 &&
		  !nl_xfrm_has(&x, 0x2002, 0x70ff0001), "and is missing");
	nl_xfrm_done(&x);
	shell("ip xfrm state deleteall; ip xfrm policy deleteall");
	pump(50);
	check(events[NL_XFRM] >= 2, "all of them");
	check(nl_xfrm_list(nl, &x, &e) == 0 && !x.spi_count && !x.mark_count,
		  "and nothing is left");
	nl_xfrm_done(&x);
}

static void case_sysctl(void)
{
	struct observation o;
	struct resource_set set;
	struct res_sysctl more = { "net/ipv4/igmp_max_memberships", (char*)"4096" };
	struct res_sysctl less = { "net/ipv4/igmp_max_memberships", (char*)"30" };
	struct step s = { .op = STEP_UPDATE, .kind = RES_SYSCTL }, *p = &s;
	bool finished;

	o = observe(NULL);
	check(resource_find(&o.have, RES_SYSCTL, "net/ipv4/there_is_no_such_thing")
		  == NULL, "a sysctl that is not there is not reported");
	resource_set_init(&set, o.arena);
	resource_sysctl(&set, RES_OURS, &more);
	resource_sysctl(&set, RES_OURS, &less);
	for (unsigned i = 0; i < 2; i++)
	{
		s.want = &set.items[i];
		s.key = s.want->key;
		nl_backend(nl)->ops->apply(nl_backend(nl), &p, 1, done, &finished);
		check(s.rc == 0 && shows("cat /proc/sys/net/ipv4/igmp_max_memberships",
								 "4096"), i ? "never lowered" : "raised");
	}
	resource_set_done(&set);
	observation_done(&o);
}

static void case_remove(void)
{
	w.vrfs = false;
	watch_rules = true;
	check(settle() <= 2 && local_kept, "everything of ours is removed");
	check(strncmp(shell("ip rule"), "0:\tfrom all lookup local\n", 25) == 0 &&
		  hides("ip rule", "local\n0:") &&
		  hides("ip rule", "251") && hides("ip link", "ppvpn:") &&
		  hides("ip route show table all", "proto 251"),
		  "the local rule is the first again; no trace is left");
}

static void setup(void)
{
	shell("ip link set lo up; ip link add under type dummy;"
		  "ip link add lan1 type dummy; ip link set lan1 up;"
		  "ip link add lan2 type dummy; ip link set lan2 up;"
		  "ip addr add 10.1.0.1/24 dev lan1; ip addr add 10.1.7.1/24 dev lan1");
	foreign_setup();
}

static int open_backend(bool skip)
{
	struct err e;
	int rc;

	if (unshare(CLONE_NEWNET) < 0)
	{
		printf("cannot make a network namespace: %s\n", strerror(errno));
		return skip ? 77 : 1;
	}
	rc = nl_new(loop, sysctls, lan, on_event, NULL, &nl, &e);
	if (rc)
	{
		printf("cannot test on this kernel: %s: %s\n", e.where, e.text);
		return skip ? 77 : 1;
	}
	return 0;
}

int main(int argc, char *argv[])
{
	char *before, *after;
	int rc;

	setvbuf(stdout, NULL, _IOLBF, 0);
	loop = loop_new();
	rc = open_backend(argc > 1 && strcmp(argv[1], "--skip") == 0);
	if (rc)
	{
		loop_free(loop);
		return rc;
	}
	setup();
	before = foreign_state();
	case_create();
	case_rules();
	case_updates();
	case_repair();
	case_fence();
	case_foreign();
	case_events();
	case_source();
	case_group();
	case_restart();
	case_many();
	case_sas();
	case_xfrm();
	case_sysctl();
	case_remove();
	after = foreign_state();
	check(strcmp(before, after) == 0, "what is foreign was not touched");
	if (strcmp(before, after) != 0)
	{
		printf("before:\n%s\nafter:\n%s\n", before, after);
	}
	nl_free(nl);
	loop_free(loop);
	free(before);
	free(after);
	printf("%u passed, %u failed\n", passed, failed);
	return failed ? 1 : 0;
}
