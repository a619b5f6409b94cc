/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * bench-agent.c - what a CE's agent needs for a document of many peers
 *
 *     bench-agent [--json]            decode, desired, plan; apply to a fake router
 *     bench-agent --netlink N [--json]   apply to this kernel, in a network
 *                                     namespace of its own; needs root and VTI
 *
 * For 1,000 and 10,000 peers, each key ends in their number:
 *   bytes_N             the document
 *   decode_N_ms         JSON to checked document
 *   desired_N_ms        document and router to what is wanted
 *   plan_N_ms           what is wanted against what is there, one peer changed
 *   decode_plan_N_ms    the three
 *   apply_fake_N_ms     from nothing to everything and one look again, the agent's
 *                       cycle on a router in memory
 *   rss_decoded_N_kb    growth of resident memory by the document, decoded
 * With --netlink:
 *   apply_netlink_N_s   the same cycle, with links, VRF, rules, addresses in the
 *                       kernel (charon and ospfd in memory)
 *   look_netlink_N_ms   a look at it all that finds nothing to do
 * Times are the median of 5, but of the applies, which are done once. Those in
 * memory are CPU time, --netlink's are the clock's.
 */
#include "config.h"

#include <errno.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "agent/cycle.h"
#include "agent/loop.h"
#include "agent/nl.h"
#include "alloc.h"
#include "log.h"
#include "testing/unit/fake_backend.h"
#include "text.h"

#define RUNS 5
#define CHANGED 777

static struct conf_vpn places[] = {
	{ .place = (char*)"acme/corp", .vrf = (char*)"corp", .table = 1001 },
};
static const struct conf conf = {
	.mark_base = 0x70ff0000, .rule_pref = 100, .vpns = places, .vpn_count = 1,
};
static struct text out;
static bool json;

static void put(const char *key, unsigned n, const char *unit, double value)
{
	text_addf(&out, json ? "%s\"%s_%u%s%s\":%.3f" : "%s  %s_%u%s%s  %.3f",
			  out.len ? json ? "," : "\n" : "", key, n, unit[0] ? "_" : "", unit,
			  value);
}

static void die(const char *what)
{
	fprintf(stderr, "bench-agent: %s\n", what);
	exit(EXIT_FAILURE);
}

/* In memory nothing waits: CPU time, which says the same on a busy machine. */
static clockid_t clock_used = CLOCK_PROCESS_CPUTIME_ID;

static double now_ms(void)
{
	struct timespec t;

	clock_gettime(clock_used, &t);
	return t.tv_sec * 1e3 + t.tv_nsec / 1e6;
}

static int compare(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static double median(double *values)
{
	qsort(values, RUNS, sizeof(*values), compare);
	return values[RUNS / 2];
}

static unsigned long rss_kb(void)
{
	FILE *f = fopen("/proc/self/status", "r");
	unsigned long kb = 0;
	char line[128];

	while (f && fgets(line, sizeof(line), f))
	{
		(void)sscanf(line, "VmRSS: %lu", &kb);
	}
	if (f)
	{
		fclose(f);
	}
	return kb;
}

/* ---- the document ---------------------------------------------------------- */

/* As a server writes it; one peer's cost is another in the changed one. */
static struct text document(unsigned peers, bool changed)
{
	struct text t = {0};

	text_addf(&t, "{\"schema\":\"ce-config/1\",\"ce\":\"acme/paris-r1\",\"epoch\":3,"
			  "\"revision\":%u,\"state\":\"active\",\"management\":{\"servers\":"
			  "[\"https://vpn1.sp.example:8443\"],\"poll-interval\":300,"
			  "\"long-poll-timeout\":50,\"report-interval\":300},\"sa-profiles\":"
			  "{\"default\":{\"proposals\":[\"aes256gcm16-prfsha384-ecp384\"],"
			  "\"esp_proposals\":[\"aes256gcm16-ecp384\"],\"rekey_time\":14400,"
			  "\"child_rekey_time\":3600,\"dpd_delay\":30}},\"vpns\":[{"
			  "\"customer\":\"acme\",\"vpn\":\"corp\",\"site\":\"paris\","
			  "\"ce-address\":\"192.0.2.5\",\"identity\":{\"fqdn-string\":"
			  "\"paris.corp.acme.vpn.sp.example\"},\"topology\":{\"type\":"
			  "\"any-to-any\",\"role\":\"any-to-any-role\"},\"authentication\":"
			  "{\"auth-method\":\"pre-shared\"},\"router-id\":\"10.255.0.1\","
			  "\"mtu\":1400,\"routing\":{\"ospf\":{\"area\":\"0.0.0.0\","
			  "\"hello-interval\":10,\"dead-interval\":40,\"cost\":10}},\"retry\":"
			  "{\"minimum-wait\":5,\"t1\":10,\"factor\":2,\"maximum\":600,"
			  "\"alarm-after\":8},\"peers\":[", changed ? 8 : 7);
	for (unsigned i = 0; i < peers; i++)
	{
		text_addf(&t, "%s{\"peer\":\"site-%05u\",\"remote-address\":"
				  "\"198.18.%u.%u\",\"identity\":{\"fqdn-string\":"
				  "\"site-%05u.corp.acme.vpn.sp.example\"},\"pre-shared\":{\"keys\":"
				  "[{\"key-id\":\"g1\",\"use\":\"send-and-accept\",\"secret\":"
				  "\"000102030405060708090a0b0c0d0e0f101112131415161718191a1b%08x\"}"
				  "]},\"sa-profile\":\"default\",\"initiator\":\"%s\",\"tunnel\":{"
				  "\"establishment\":\"permanent\",\"ipsec-mode\":\"tunnel\","
				  "\"routing\":\"dynamic\"%s}}", i ? "," : "", i, i / 250,
				  i % 250 + 1, i, changed && i == CHANGED ? ~i : i,
				  i % 2 ? "local" : "remote", "");
	}
	text_add(&t, "],\"removed\":[]}]}");
	return t;
}

static struct model_document *decode(struct arena *a, const struct text *t)
{
	struct model_document *doc;
	struct err e = {0};

	if (model_decode(a, t->s, t->len, &doc, &e) < 0)
	{
		fprintf(stderr, "%s: %s\n", e.where, e.text);
		die("the document is refused");
	}
	return doc;
}

/* ---- a router in memory ---------------------------------------------------- */

struct memory {
	struct backend backend;		/* first */
	struct fake fake;			/* holds the resources */
	unsigned steps;
};

static void memory_read(struct backend *b, struct observation *o,
						backend_done_fn done, void *user)
{
	struct memory *m = (struct memory*)b;

	fake_copy(&m->fake, &o->have);
	for (size_t i = 0; i < m->fake.state.count; i++)
	{
		if (m->fake.state.items[i].kind == RES_LINK)
		{
			const struct res_link *link = m->fake.state.items[i].spec;

			facts_add_link(&o->facts, o->arena, link->name, true);
		}
		if (m->fake.state.items[i].kind == RES_OSPF)
		{	/* zebra told ospfd of the VRF's address; tunnel links are down */
			const struct res_ospf *ospf = m->fake.state.items[i].spec;

			facts_add_ospf_link(&o->facts, o->arena, ospf->vrf);
		}
	}
	o->facts.l3mdev_rule = true;
	done(user);
}

/* The resource there is, by its key; the set is sorted before each batch. */
static struct resource *there(struct memory *m, const struct step *s)
{
	return (struct resource*)resource_find(&m->fake.state, s->kind, s->key);
}

static void memory_apply(struct backend *b, struct step *const *steps,
						 size_t count, backend_done_fn done, void *user)
{
	struct memory *m = (struct memory*)b;
	size_t known;

	resource_set_sort(&m->fake.state);
	known = m->fake.state.count;
	for (size_t i = 0; i < count; i++)
	{
		const struct step *s = steps[i];
		size_t all = m->fake.state.count;
		struct resource *old;

		m->steps++;
		m->fake.state.count = known;
		old = s->op == STEP_CREATE ? NULL : there(m, s);
		m->fake.state.count = all;
		if (s->op == STEP_DELETE)
		{
			die("nothing is deleted here");
		}
		fake_put(&m->fake, s->want, RES_OURS);
		if (old)
		{
			*old = m->fake.state.items[--m->fake.state.count];
		}
	}
	done(user);
}

static void memory_init(struct memory *m, unsigned kinds)
{
	static struct backend_ops ops = {
		.name = "memory", .read = memory_read, .apply = memory_apply,
	};

	memset(m, 0, sizeof(*m));
	fake_init(&m->fake, kinds);
	ops.kinds = kinds;
	m->backend.ops = &ops;
}

/* ---- the cycle ------------------------------------------------------------- */

static struct loop *loop;
static const struct model_document *wanted;
static bool converged;
static unsigned applied;

static const struct model_document *on_wanted(void *user)
{
	return wanted;
}

static void on_settled(void *user, const struct cycle_result *r)
{
	converged = r->converged;
	applied = r->applied;
	for (size_t i = 0; i < r->error_count && i < 3; i++)
	{
		fprintf(stderr, "%s: %s\n", r->errors[i].where, r->errors[i].text);
	}
	for (size_t i = 0; i < r->rest->count && i < 3; i++)
	{
		const struct step *s = &r->rest->steps[i];

		fprintf(stderr, "left of %zu steps: %s: %s\n", r->rest->count, s->key,
				s->reason ? s->reason : "");
	}
	loop_stop(loop);
}

/* One round; the time it took. */
static double round_ms(struct cycle *c)
{
	double begin = now_ms();

	cycle_request(c);
	loop_run(loop);
	if (!converged)
	{
		die("the round did not converge");
	}
	return now_ms() - begin;
}

/* ---- without a kernel ------------------------------------------------------ */

static void observe(struct memory *m, struct observation *o)
{
	memset(o, 0, sizeof(*o));
	o->arena = arena_new();
	resource_set_init(&o->have, o->arena);
	memory_read(&m->backend, o, (backend_done_fn)facts_done,
				&(struct facts){ .sa_count = 0 });
	facts_sort(&o->facts);
}

static void bench_change(struct memory *m, unsigned peers)
{
	double decoding[RUNS], building[RUNS], planning[RUNS], sum[RUNS];
	struct text t = document(peers, true);

	for (unsigned i = 0; i < RUNS; i++)
	{
		struct arena *a = arena_new();
		struct observation o;
		struct desired d;
		struct plan plan;
		const struct model_document *doc;
		double begin;

		observe(m, &o);
		begin = now_ms();
		doc = decode(a, &t);
		decoding[i] = now_ms() - begin;
		begin = now_ms();
		desired_build(&conf, doc, NULL, &o.have, &o.facts, o.arena, &d);
		building[i] = now_ms() - begin;
		begin = now_ms();
		plan_build(&d.want, &o.have, RES_ALL, NULL, &plan);
		planning[i] = now_ms() - begin;
		sum[i] = decoding[i] + building[i] + planning[i];
		if (plan.count != 1 || plan.steps[0].op != STEP_UPDATE)
		{
			die("one changed peer is not one step");
		}
		plan_done(&plan);
		desired_done(&d);
		resource_set_done(&o.have);
		facts_done(&o.facts);
		arena_free(o.arena);
		arena_free(a);
	}
	put("bytes", peers, "", t.len);
	put("decode", peers, "ms", median(decoding));
	put("desired", peers, "ms", median(building));
	put("plan", peers, "ms", median(planning));
	put("decode_plan", peers, "ms", median(sum));
	text_done(&t);
}

static void bench(unsigned peers)
{
	static const struct cycle_handlers handlers = { on_wanted, on_settled };
	struct memory m;
	struct backend *backends[] = { &m.backend, NULL };
	struct text t = document(peers, false);
	struct arena *a = arena_new();
	unsigned long before = rss_kb();
	struct cycle *c;

	memory_init(&m, RES_ALL);
	wanted = decode(a, &t);
	put("rss_decoded", peers, "kb", rss_kb() - before);
	c = cycle_new(loop, &conf, backends, &handlers, NULL);
	put("apply_fake", peers, "ms", round_ms(c));
	if (m.steps < 2 * peers)
	{
		die("less was applied than was wanted");
	}
	bench_change(&m, peers);
	cycle_free(c);
	fake_done(&m.fake);
	arena_free(a);
	text_done(&t);
}

/* ---- with one -------------------------------------------------------------- */

static void on_nl(void *user, enum nl_event event, const char *link,
				  bool present)
{
}

static void bench_netlink(unsigned peers)
{
	static const struct cycle_handlers handlers = { on_wanted, on_settled };
	static const char *const sysctls[] = { "net/ipv4/ip_forward", NULL };
	char *no_lan[] = { NULL };
	struct text t = document(peers, false);
	struct arena *a = arena_new();
	struct err e = {0};
	struct memory m;
	struct nl *nl;
	struct backend *backends[3] = { NULL };
	struct cycle *c;

	clock_used = CLOCK_MONOTONIC;
	if (unshare(CLONE_NEWNET) < 0)
	{
		die("no network namespace of its own: not root?");
	}
	if (nl_new(loop, sysctls, no_lan, on_nl, NULL, &nl, &e) < 0)
	{
		fprintf(stderr, "%s: %s\n", e.where, e.text);
		die("this kernel cannot do it");
	}
	memory_init(&m, RES_BIT(RES_OSPF) | RES_BIT(RES_CONN));
	backends[0] = nl_backend(nl);
	backends[1] = &m.backend;
	wanted = decode(a, &t);
	c = cycle_new(loop, &conf, backends, &handlers, NULL);
	put("apply_netlink", peers, "s", round_ms(c) / 1e3);
	if (applied < 2 * peers)
	{
		die("less was applied than was wanted");
	}
	put("look_netlink", peers, "ms", round_ms(c));
	cycle_free(c);
	nl_free(nl);
	fake_done(&m.fake);
	arena_free(a);
	text_done(&t);
}

int main(int argc, char *argv[])
{
	unsigned links = 0;

	for (int i = 1; i < argc; i++)
	{
		if (strcmp(argv[i], "--json") == 0)
		{
			json = true;
		}
		else if (strcmp(argv[i], "--netlink") == 0 && i + 1 < argc)
		{
			links = strtoul(argv[++i], NULL, 10);
		}
		else
		{
			fprintf(stderr, "usage: bench-agent [--netlink N] [--json]\n");
			return 2;
		}
	}
	log_init("bench-agent", LOG_LEVEL_WARN);
	loop = loop_new();
	if (links)
	{
		bench_netlink(links);
	}
	else
	{
		bench(1000);
		bench(10000);
	}
	loop_free(loop);
	printf(json ? "{%s}\n" : "%s\n", text_str(&out));
	text_done(&out);
	return 0;
}
