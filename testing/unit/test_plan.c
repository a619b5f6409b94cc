/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * test_plan.c - plan and apply over random pairs of states, and the order of
 * steps
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "agent/plan.h"
#include "alloc.h"
#include "fake_backend.h"
#include "json_out.h"
#include "run.h"

#define ROUNDS 3000
/* The first does it; a VRF that is made anew lets go of its links, which the second
 * puts back; the third has nothing to do. */
#define PASSES 3

static unsigned long long seed;

/* xorshift: the same sequence everywhere, from a seed that a failure prints */
static uint32_t next_random(uint32_t below)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (uint32_t)(seed % below);
}

static struct addr address(uint32_t n)
{
	return addr_from_u32(0xc0000200u + n);
}

static void put_link(struct resource_set *set, enum resource_origin origin,
					 unsigned peer, unsigned name, unsigned remote,
					 unsigned mtu, bool up)
{
	char conn[32], link[16], master[16];
	struct addr router_id = addr_from_u32(0x0aff0001);
	struct res_link spec = {
		.driver = "vti", .local = address(1), .remote = address(remote),
		.mark = 0x70ff0000u + name, .master = master, .mtu = mtu,
		.address = { .addr = router_id, .len = 32 }, .up = up,
		.policy_off = true, .name = link,
	};

	snprintf(conn, sizeof(conn), "ppvpn:acme:corp:p%u", peer);
	snprintf(link, sizeof(link), "ppv%u", name);
	snprintf(master, sizeof(master), "v%u", peer % 2);
	resource_link(set, origin, origin == RES_OURS ? conn : link, &spec);
}

static void put_sa(struct resource_set *set, unsigned peer, unsigned remote)
{
	char conn[32];
	struct res_sa spec = {
		.conn = conn, .local = address(1), .remote = address(remote),
		.local_id = (char*)"me", .remote_id = (char*)"it",
	};

	snprintf(conn, sizeof(conn), "ppvpn:acme:corp:p%u", peer);
	resource_sa(set, RES_OURS, &spec);
}

static void put_conn(struct resource_set *set, unsigned peer, unsigned version)
{
	char conn[32];
	struct res_conn spec = { .name = conn };

	snprintf(conn, sizeof(conn), "ppvpn:acme:corp:p%u", peer);
	snprintf(spec.tag, sizeof(spec.tag), "%064u", version);
	resource_conn(set, RES_OURS, &spec);
}

static void put_vrf(struct resource_set *set, unsigned n, unsigned table)
{
	char key[16], name[16];
	struct res_vrf spec = {
		.name = name, .table = table,
		.address = { .addr = addr_from_u32(0x0aff0001), .len = 32 },
	};

	snprintf(key, sizeof(key), "acme/v%u", n);
	snprintf(name, sizeof(name), "v%u", n);
	resource_vrf(set, RES_OURS, key, &spec);
}

static void put_rule(struct resource_set *set, uint32_t pref)
{
	struct res_rule spec = { .pref = pref, .fwmark = 0x70ff0000u + pref,
							 .fwmask = 0xffffffff, .table = 254 };

	resource_rule(set, RES_OURS, &spec);
}

static void put_ospf(struct resource_set *set, unsigned n, unsigned router_id)
{
	char vrf[16];
	struct prefix network = {
		.addr = addr_from_u32(0x0a010000u + 256 * next_random(3)), .len = 24,
	};
	char *passive = vrf;
	struct res_ospf spec = {
		.vrf = vrf, .router_id = addr_from_u32(0x0aff0001 + router_id),
		.networks = &network, .network_count = next_random(2),
		.passive = &passive, .passive_count = next_random(2),
	};

	snprintf(vrf, sizeof(vrf), "v%u", n);
	resource_ospf(set, RES_OURS, &spec);
}

static void put_member(struct resource_set *set, unsigned n, unsigned vrf)
{
	char link[16], master[16], group[16];
	struct res_member spec = { .link = link, .master = master };

	snprintf(link, sizeof(link), "eth%u", n);
	snprintf(master, sizeof(master), "v%u", vrf);
	snprintf(group, sizeof(group), "acme/v%u", vrf);
	resource_member(set, RES_OURS, group, &spec);
}

/* Distinct peers, names and remotes, and no link without its VRF, so that the set
 * is possible by itself. */
static void random_state(struct resource_set *set, unsigned salt)
{
	unsigned shift = next_random(5), remote_shift = next_random(5);
	unsigned vrfs = 1 + next_random(3);

	for (unsigned peer = 0; peer < 6; peer++)
	{
		unsigned name = 1 + (peer + shift) % 6;
		unsigned remote = 10 + (peer + remote_shift) % 6;

		if (vrfs & (1u << peer % 2) && next_random(3))
		{
			put_link(set, RES_OURS, peer, name, remote,
					 1400 + next_random(2), next_random(2));
			put_conn(set, peer, next_random(3));
			if (next_random(2))
			{
				put_sa(set, peer, remote);
			}
		}
	}
	for (unsigned n = 0; n < 2; n++)
	{
		if (vrfs & (1u << n))
		{
			put_vrf(set, n, 1000 + n + salt * next_random(2));
		}
		if (next_random(2))
		{
			put_rule(set, 100 + next_random(3) + 10 * n);
		}
		if (next_random(2))
		{
			put_ospf(set, n, next_random(2));
		}
		if (next_random(2))
		{
			put_member(set, n, vrfs == 3 ? next_random(2) : vrfs - 1);
		}
	}
}

static void fill_fake(struct fake *fake)
{
	struct arena *arena = arena_new();
	struct resource_set have;

	resource_set_init(&have, arena);
	random_state(&have, 1);
	for (size_t i = 0; i < have.count; i++)
	{
		fake_put(fake, &have.items[i], RES_OURS);
	}
	resource_set_done(&have);
	arena_free(arena);
}

/* One pass: plan from the fake's state, run it; number of steps. */
static size_t run_pass(struct fake *fake, const struct resource_set *want_in,
					   bool run, size_t *errors)
{
	struct arena *arena = arena_new();
	struct resource_set have, want = *want_in;
	struct plan plan;
	size_t steps;

	resource_set_init(&have, arena);
	fake_copy(fake, &have);
	plan_build(&want, &have, RES_ALL, NULL, &plan);
	steps = plan.count;
	*errors = plan.error_count;
	for (size_t i = 0; i < plan.count; i++)
	{
		ck_assert(!plan.steps[i].have ||
				  plan.steps[i].have->origin == RES_OURS);
		if (run)
		{
			(void)fake_step(fake, &plan.steps[i]);
		}
	}
	plan_done(&plan);
	resource_set_done(&have);
	arena_free(arena);
	return steps;
}

/* What negotiation and ospfd would make is not for the plan to make. */
static bool is_made_elsewhere(const struct resource *r)
{
	return r->kind == RES_SA || r->kind == RES_OSPF_LINK;
}

static void check_reached(struct fake *fake, const struct resource_set *want)
{
	size_t ours = 0;

	for (size_t i = 0; i < want->count; i++)
	{
		ours += !is_made_elsewhere(&want->items[i]);
	}
	for (size_t i = 0; i < fake->state.count; i++)
	{
		const struct resource *r = &fake->state.items[i];

		ck_assert_msg(resource_find(want, r->kind, r->key) != NULL,
					  "%s is left over", r->key);
		ours -= !is_made_elsewhere(r);
	}
	ck_assert_uint_eq(ours, 0);
}

START_TEST(random_pairs_converge)
{
	unsigned long long first = 0x9e3779b97f4a7c15ull + (unsigned)_i * 7919;
	struct fake fake;
	struct arena *arena = arena_new();
	struct resource_set want;
	size_t errors, left = 1;

	seed = first;
	fake_init(&fake, RES_ALL);
	fill_fake(&fake);
	resource_set_init(&want, arena);
	random_state(&want, 2);
	resource_set_sort(&want);
	for (unsigned pass = 0; left && pass < PASSES; pass++)
	{
		left = run_pass(&fake, &want, true, &errors);
		ck_assert_uint_eq(errors, 0);
	}
	ck_assert_msg(left == 0, "seed %llu does not converge", first);
	check_reached(&fake, &want);
	resource_set_done(&want);
	arena_free(arena);
	fake_done(&fake);
}
END_TEST

START_TEST(equal_states_need_nothing)
{
	struct fake fake;
	struct arena *arena = arena_new();
	struct resource_set want;
	size_t errors;

	seed = 42 + (unsigned)_i;
	fake_init(&fake, RES_ALL);
	resource_set_init(&want, arena);
	random_state(&want, 1);
	for (size_t i = 0; i < want.count; i++)
	{
		fake_put(&fake, &want.items[i], RES_OURS);
	}
	ck_assert_uint_eq(run_pass(&fake, &want, false, &errors), 0);
	resource_set_done(&want);
	arena_free(arena);
	fake_done(&fake);
}
END_TEST

struct world {
	struct arena *arena;
	struct resource_set want, have;
	struct plan plan;
};

static void world_init(struct world *w)
{
	w->arena = arena_new();
	resource_set_init(&w->want, w->arena);
	resource_set_init(&w->have, w->arena);
	memset(&w->plan, 0, sizeof(w->plan));
}

static void world_done(struct world *w)
{
	plan_done(&w->plan);
	resource_set_done(&w->want);
	resource_set_done(&w->have);
	arena_free(w->arena);
}

/* "op kind key" of every step, joined by ';' */
static const char *steps_text(struct world *w)
{
	struct text t = {0};
	const char *out;

	for (size_t i = 0; i < w->plan.count; i++)
	{
		const struct step *s = &w->plan.steps[i];

		text_addf(&t, "%s%s %s %s", i ? ";" : "", step_op_name(s->op),
				  resource_kind_name(s->kind), s->key);
	}
	out = arena_strdup(w->arena, text_str(&t));
	text_done(&t);
	return out;
}

START_TEST(foreign_in_the_way)
{
	struct world w;

	world_init(&w);
	put_link(&w.want, RES_OURS, 1, 1, 11, 1400, false);
	put_link(&w.want, RES_OURS, 2, 2, 12, 1400, false);
	put_link(&w.have, RES_FOREIGN, 9, 9, 11, 1400, true);
	plan_build(&w.want, &w.have, RES_ALL, NULL, &w.plan);
	ck_assert_str_eq(steps_text(&w), "create link ppvpn:acme:corp:p2");
	ck_assert_uint_eq(w.plan.error_count, 1);
	ck_assert_int_eq(w.plan.errors[0].err.code, ERR_FOREIGN);
	world_done(&w);
}
END_TEST

START_TEST(foreign_is_never_deleted)
{
	struct world w;

	world_init(&w);
	put_link(&w.have, RES_FOREIGN, 9, 9, 11, 1400, true);
	plan_build(&w.want, &w.have, RES_ALL, NULL, &w.plan);
	ck_assert_uint_eq(w.plan.count, 0);
	world_done(&w);
}
END_TEST

/* A site was renamed: the same two addresses under another name. */
START_TEST(claims_are_freed_first)
{
	struct world w;

	world_init(&w);
	put_link(&w.have, RES_OURS, 1, 1, 11, 1400, true);
	put_conn(&w.have, 1, 1);
	put_sa(&w.have, 1, 11);
	put_link(&w.have, RES_OURS, 3, 3, 13, 1400, true);
	put_link(&w.want, RES_OURS, 2, 2, 11, 1400, false);
	put_conn(&w.want, 2, 1);
	plan_build(&w.want, &w.have, RES_ALL, NULL, &w.plan);
	ck_assert_str_eq(steps_text(&w),
		"delete conn ppvpn:acme:corp:p1;delete sa ppvpn:acme:corp:p1;"
		"delete link ppvpn:acme:corp:p1;create link ppvpn:acme:corp:p2;"
		"create conn ppvpn:acme:corp:p2;delete link ppvpn:acme:corp:p3");
	world_done(&w);
}
END_TEST

START_TEST(add_before_remove)
{
	struct world w;

	world_init(&w);
	put_link(&w.have, RES_OURS, 1, 1, 11, 1400, true);
	put_conn(&w.have, 1, 1);
	put_link(&w.want, RES_OURS, 2, 2, 12, 1400, false);
	put_conn(&w.want, 2, 1);
	plan_build(&w.want, &w.have, RES_ALL, NULL, &w.plan);
	ck_assert_str_eq(steps_text(&w),
		"create link ppvpn:acme:corp:p2;create conn ppvpn:acme:corp:p2;"
		"delete conn ppvpn:acme:corp:p1;delete link ppvpn:acme:corp:p1");
	world_done(&w);
}
END_TEST

START_TEST(in_place_or_anew)
{
	struct world w;

	world_init(&w);
	put_link(&w.have, RES_OURS, 1, 1, 11, 1480, true);
	put_link(&w.have, RES_OURS, 2, 2, 12, 1400, true);
	put_sa(&w.have, 2, 12);
	put_sa(&w.want, 2, 22);
	put_link(&w.want, RES_OURS, 1, 1, 11, 1400, true);
	put_link(&w.want, RES_OURS, 2, 2, 22, 1400, true);
	plan_build(&w.want, &w.have, RES_ALL, NULL, &w.plan);
	ck_assert_str_eq(steps_text(&w),
		"update link ppvpn:acme:corp:p1;recreate link ppvpn:acme:corp:p2;"
		"delete sa ppvpn:acme:corp:p2");
	ck_assert_str_eq(w.plan.steps[0].reason, "mtu 1480, wanted 1400");
	world_done(&w);
}
END_TEST

START_TEST(scope_is_kept)
{
	struct world w;

	world_init(&w);
	put_link(&w.have, RES_OURS, 1, 1, 11, 1480, true);
	put_link(&w.have, RES_OURS, 2, 2, 12, 1480, true);
	put_conn(&w.have, 1, 1);
	put_link(&w.want, RES_OURS, 1, 1, 11, 1400, true);
	plan_build(&w.want, &w.have, RES_BIT(RES_LINK), "ppvpn:acme:corp:p1",
			   &w.plan);
	ck_assert_str_eq(steps_text(&w), "update link ppvpn:acme:corp:p1");
	world_done(&w);
}
END_TEST

START_TEST(duplicates_go)
{
	struct world w;

	world_init(&w);
	put_link(&w.have, RES_OURS, 1, 1, 11, 1400, true);
	put_link(&w.have, RES_OURS, 1, 5, 15, 1400, true);
	put_link(&w.want, RES_OURS, 1, 1, 11, 1400, true);
	plan_build(&w.want, &w.have, RES_ALL, NULL, &w.plan);
	ck_assert_uint_ge(w.plan.count, 1);
	ck_assert_int_eq(w.plan.steps[w.plan.count - 1].op, STEP_DELETE);
	world_done(&w);
}
END_TEST

START_TEST(printed_forms)
{
	struct world w;
	struct text t = {0};
	struct json_out o = {0};

	world_init(&w);
	put_conn(&w.want, 1, 7);
	plan_build(&w.want, &w.have, RES_ALL, NULL, &w.plan);
	plan_print(&w.plan, &t);
	ck_assert_ptr_nonnull(strstr(text_str(&t),
								 "create conn ppvpn:acme:corp:p1 (tag=000"));
	text_done(&t);
	jo_object(&o, NULL);
	plan_json(&w.plan, &o);
	jo_object_end(&o);
	t = jo_take(&o);
	ck_assert_str_eq(text_str(&t), "{\"steps\":[{\"op\":\"create\","
		"\"kind\":\"conn\",\"key\":\"ppvpn:acme:corp:p1\","
		"\"reason\":\"missing\"}],\"errors\":[]}");
	text_done(&t);
	world_done(&w);
}
END_TEST

/* Something of somebody else stands where ours was, or has its name. */
START_TEST(foreign_takes_our_place)
{
	struct world w;

	world_init(&w);
	/* the ends that the link is to have now */
	put_link(&w.want, RES_OURS, 1, 1, 22, 1400, true);
	put_link(&w.have, RES_OURS, 1, 1, 11, 1400, true);
	put_link(&w.have, RES_FOREIGN, 9, 9, 22, 1400, true);
	plan_build(&w.want, &w.have, RES_ALL, NULL, &w.plan);
	ck_assert_uint_eq(w.plan.count, 0);
	ck_assert_uint_eq(w.plan.error_count, 1);
	ck_assert_int_eq(w.plan.errors[0].err.code, ERR_FOREIGN);
	world_done(&w);
}
END_TEST

static void put_marked(struct resource_set *set, enum resource_origin origin,
					 uint32_t mark)
{
	struct res_rule rule = { .pref = 100, .table = 254, .fwmark = mark };

	resource_rule(set, origin, &rule);
}

/* Of one key there may be both; ours counts, wherever it stands. */
START_TEST(foreign_with_our_key)
{
	struct world w;

	world_init(&w);
	put_marked(&w.want, RES_OURS, 7);
	put_marked(&w.have, RES_FOREIGN, 5);
	if (_i)
	{
		put_marked(&w.have, RES_OURS, 7);
		put_marked(&w.have, RES_FOREIGN, 6);
	}
	put_conn(&w.have, 1, 1);		/* what follows has another kind ... */
	put_conn(&w.want, 1, 1);
	plan_build(&w.want, &w.have, RES_ALL, NULL, &w.plan);
	ck_assert_uint_eq(w.plan.count, 0);
	ck_assert_uint_eq(w.plan.error_count, !_i);
	world_done(&w);
	world_init(&w);
	put_marked(&w.want, RES_OURS, 7);
	put_marked(&w.have, RES_FOREIGN, 5);
	put_link(&w.have, RES_FOREIGN, 9, 9, 22, 1400, true);
	put_link(&w.have, RES_FOREIGN, 8, 8, 23, 1400, true);
	plan_build(&w.want, &w.have, RES_ALL, NULL, &w.plan);
	ck_assert_uint_eq(w.plan.error_count, 1);
	world_done(&w);
}
END_TEST

/* Many: forty links go, and twenty others cannot be. All are told, in order. */
START_TEST(many_of_each)
{
	struct world w;
	struct text t = {0};
	struct json_out o = {0};
	unsigned lines = 0;

	world_init(&w);
	for (unsigned i = 0; i < 40; i++)
	{
		put_link(&w.have, RES_OURS, i, i + 1, 10 + i, 1400, true);
	}
	for (unsigned i = 0; i < 20; i++)
	{
		put_link(&w.have, RES_FOREIGN, 200 + i, 200 + i, 100 + i, 1400, true);
		put_link(&w.want, RES_OURS, 60 + i, 60 + i, 100 + i, 1400, true);
	}
	plan_build(&w.want, &w.have, RES_ALL, NULL, &w.plan);
	ck_assert_uint_eq(w.plan.count, 40);
	ck_assert_uint_eq(w.plan.error_count, 20);
	plan_print(&w.plan, &t);
	for (const char *at = text_str(&t); (at = strchr(at, '\n')); at++)
	{
		lines++;
	}
	ck_assert_uint_eq(lines, 60);
	ck_assert_ptr_nonnull(strstr(text_str(&t), "delete link "
								 "ppvpn:acme:corp:p39 (not wanted)\n"));
	ck_assert_ptr_nonnull(strstr(text_str(&t), "cannot: link "
		"ppvpn:acme:corp:p60 needs \"vti 192.0.2.1 192.0.2.100\", which link "
		"\"ppv200\" holds, and that is not ours\n"));
	text_done(&t);
	jo_object(&o, NULL);
	plan_json(&w.plan, &o);
	jo_object_end(&o);
	t = jo_take(&o);
	lines = 0;
	for (const char *at = text_str(&t);
		 (at = strstr(at, "\"code\":\"foreign\"")); at++)
	{
		lines++;
	}
	ck_assert_uint_eq(lines, 20);
	text_done(&t);
	world_done(&w);
}
END_TEST

/* All attributes of what is made are shown; ospfd's own goes by itself. */
START_TEST(shown_and_left)
{
	struct res_ospf_link shown = { .link = (char*)"ppv9", .vrf = (char*)"v1" };
	struct text t = {0};
	struct world w;

	world_init(&w);
	put_link(&w.want, RES_OURS, 1, 1, 11, 1400, true);
	put_link(&w.want, RES_OURS, 2, 2, 12, 1400, true);
	resource_ospf_link(&w.have, RES_OURS, "ppvpn:acme:corp:p9", &shown);
	plan_build(&w.want, &w.have, RES_ALL, "ppvpn:acme:corp:p1", &w.plan);
	ck_assert_str_eq(steps_text(&w), "create link ppvpn:acme:corp:p1");
	plan_print(&w.plan, &t);
	ck_assert_ptr_nonnull(strstr(text_str(&t), "(name=ppv1 driver=vti local="));
	text_done(&t);
	plan_done(&w.plan);
	plan_build(&w.want, &w.have, RES_ALL, "ppvpn:acme:corp:p9", &w.plan);
	ck_assert_uint_eq(w.plan.count, 0);
	plan_done(&w.plan);
	/* with something that goes, of another group */
	put_conn(&w.have, 7, 1);
	plan_build(&w.want, &w.have, RES_ALL, "ppvpn:acme:corp:p7", &w.plan);
	ck_assert_str_eq(steps_text(&w), "delete conn ppvpn:acme:corp:p7");
	world_done(&w);
}
END_TEST

int main(void)
{
	TCase *tc = tcase_create("plan");

	tcase_add_loop_test(tc, equal_states_need_nothing, 0, 50);
	tcase_add_loop_test(tc, random_pairs_converge, 0, ROUNDS);
	tcase_add_test(tc, foreign_in_the_way);
	tcase_add_test(tc, foreign_is_never_deleted);
	tcase_add_test(tc, claims_are_freed_first);
	tcase_add_test(tc, add_before_remove);
	tcase_add_test(tc, in_place_or_anew);
	tcase_add_test(tc, scope_is_kept);
	tcase_add_test(tc, duplicates_go);
	tcase_add_test(tc, printed_forms);
	tcase_add_test(tc, foreign_takes_our_place);
	tcase_add_loop_test(tc, foreign_with_our_key, 0, 2);
	tcase_add_test(tc, many_of_each);
	tcase_add_test(tc, shown_and_left);
	return run_case(tc, "plan");
}
