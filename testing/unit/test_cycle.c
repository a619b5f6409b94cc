/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * test_cycle.c - observe, plan, apply on a fake router: convergence, damage by
 * hand, failures, one connection only
 */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "agent/cycle.h"
#include "agent/loop.h"
#include "alloc.h"
#include "fake_backend.h"
#include "run.h"

static char vrf[] = "corp", place[] = "acme/corp";
static struct conf_vpn places[] = {
	{ .place = place, .vrf = vrf, .table = 1001 },
};
static const struct conf conf = {
	.mark_base = 0x70ff0000, .rule_pref = 100, .vpns = places, .vpn_count = 1,
};
static struct model_profile profile = { .name = (char*)"default" };
static struct model_key key = { .key_id = (char*)"g1", .secret.len = 32 };
static struct model_peer peers[] = {
	{ .peer = (char*)"lyon", .identity = (char*)"lyon.x.y",
	  .keys = &key, .key_count = 1, .profile = &profile },
	{ .peer = (char*)"nice", .identity = (char*)"nice.x.y",
	  .keys = &key, .key_count = 1, .profile = &profile },
};
static struct model_vpn vpns[] = {
	{ .customer = (char*)"acme", .vpn = (char*)"corp", .site = (char*)"paris",
	  .identity = (char*)"paris.x.y", .mtu = 1400, .peers = peers },
};
static struct model_document doc = { .vpns = vpns, .vpn_count = 1 };

static struct loop *loop;
static struct cycle *cycle;
static struct fake fake;
static struct backend *backends[2];
static const struct model_document *wanted;
static unsigned settled, plans;
static bool converged, busy_when_settled;
static size_t rest, errors, plan_steps;
static char group[CONN_NAME_SIZE];

const struct conf_vpn *conf_vpn(const struct conf *c, const char *customer,
								const char *vpn)
{
	return strcmp(customer, "acme") == 0 && strcmp(vpn, "corp") == 0 ?
				&c->vpns[0] : NULL;
}

static const struct model_document *on_wanted(void *user)
{
	(void)user;
	return wanted;
}

static void on_settled(void *user, const struct cycle_result *r)
{
	(void)user;
	settled++;
	busy_when_settled = cycle_busy(cycle);
	converged = r->converged;
	rest = r->rest->count;
	errors = r->error_count;
	snprintf(group, sizeof(group), "%s", r->group ? r->group : "");
	loop_stop(loop);
}

static void on_plan(void *user, const struct plan *plan,
					const struct desired *desired,
					const struct observation *seen)
{
	(void)user;
	(void)seen;
	(void)desired;
	plans++;
	plan_steps = plan->count;
	loop_stop(loop);
}

static void setup(void)
{
	static const struct cycle_handlers handlers = { on_wanted, on_settled };

	peers[0].remote_address = addr_from_u32(0xc0000209);
	peers[1].remote_address = addr_from_u32(0xc000020d);
	vpns[0].ce_address = addr_from_u32(0xc0000205);
	vpns[0].router_id = addr_from_u32(0x0aff0001);
	vpns[0].peer_count = 2;
	wanted = &doc;
	settled = plans = 0;
	loop = loop_new();
	backends[0] = fake_init(&fake, RES_ALL);
	cycle = cycle_new(loop, &conf, backends, &handlers, NULL);
}

static void teardown(void)
{
	cycle_free(cycle);
	fake_done(&fake);
	loop_free(loop);
}

static void run_round(void)
{
	cycle_request(cycle);
	loop_run(loop);
}

START_TEST(one_round_reaches_the_wish)
{
	run_round();
	ck_assert(converged);
	ck_assert(!busy_when_settled);
	ck_assert_uint_eq(rest, 0);
	ck_assert_uint_gt(fake.state.count, 6);
	fake.steps = 0;
	run_round();
	ck_assert(converged);
	ck_assert_uint_eq(fake.steps, 0);
}
END_TEST

START_TEST(damage_is_repaired)
{
	size_t count;

	run_round();
	count = fake.state.count;
	fake.state.count -= 3;
	run_round();
	ck_assert(converged);
	ck_assert_uint_eq(fake.state.count, count);
}
END_TEST

START_TEST(requests_are_gathered)
{
	for (int i = 0; i < 100; i++)
	{
		cycle_request(cycle);
	}
	loop_run(loop);
	ck_assert_uint_eq(settled, 1);
	ck_assert(!cycle_busy(cycle));
}
END_TEST

START_TEST(no_document_removes_everything_of_ours)
{
	run_round();
	doc.state = MODEL_DEPROVISIONED;
	run_round();
	doc.state = MODEL_ACTIVE;
	ck_assert(converged);
	/* the kernel's own rule, put back */
	ck_assert_uint_eq(fake.state.count, 1);
	ck_assert_str_eq(fake.state.items[0].key, "0 255");
}
END_TEST

/* An agent that restarts while charon or the server is away. */
START_TEST(not_knowing_what_is_wanted_removes_nothing)
{
	size_t count;

	run_round();
	count = fake.state.count;
	fake.steps = 0;
	wanted = NULL;
	run_round();
	cycle_plan(cycle, on_plan, NULL);
	loop_run(loop);
	ck_assert_uint_eq(fake.steps, 0);
	ck_assert_uint_eq(plan_steps, 0);
	ck_assert_uint_eq(fake.state.count, count);
}
END_TEST

START_TEST(failures_are_told_and_tried_again)
{
	fake.fail_after = 2;
	run_round();
	ck_assert(!converged);
	ck_assert_uint_gt(errors, 0);
	fake.fail_after = 0;
	/* by itself */
	loop_run(loop);
	ck_assert_uint_eq(settled, 2);
	ck_assert(converged);
}
END_TEST

START_TEST(killed_at_every_step_and_run_again)
{
	unsigned total;

	run_round();
	total = fake.steps;
	for (unsigned n = 1; n < total; n++)
	{
		teardown();
		setup();
		fake.fail_after = n;
		run_round();
		ck_assert_uint_ge(fake.steps, n);
		fake.fail_after = 0;
		run_round();
		ck_assert(converged);
		ck_assert(!fake.touched_foreign);
	}
}
END_TEST

START_TEST(what_cannot_be_read_is_left_alone)
{
	unsigned of_kind[RES_KIND_COUNT] = {0};

	run_round();
	fake.steps = 0;
	fake.facts.unknown_kinds = RES_BIT(RES_OSPF) | RES_BIT(RES_CONN);
	doc.state = MODEL_DEPROVISIONED;
	run_round();
	doc.state = MODEL_ACTIVE;
	ck_assert(!converged);
	for (size_t i = 0; i < fake.state.count; i++)
	{
		of_kind[fake.state.items[i].kind]++;
	}
	ck_assert_uint_eq(of_kind[RES_OSPF], 1);
	ck_assert_uint_eq(of_kind[RES_CONN], 2);
	ck_assert_uint_eq(of_kind[RES_LINK], 0);
	ck_assert_uint_eq(of_kind[RES_VRF], 0);
}
END_TEST

START_TEST(plan_applies_nothing)
{
	cycle_plan(cycle, on_plan, NULL);
	loop_run(loop);
	ck_assert_uint_eq(plans, 1);
	ck_assert_uint_gt(plan_steps, 6);
	ck_assert_uint_eq(fake.steps, 0);
	ck_assert_uint_eq(settled, 0);
	run_round();
	cycle_plan(cycle, on_plan, NULL);
	loop_run(loop);
	ck_assert_uint_eq(plan_steps, 0);
}
END_TEST

START_TEST(one_connection)
{
	run_round();
	fake.steps = 0;
	cycle_request_conn(cycle, "ppvpn:acme:corp:lyon");
	loop_run(loop);
	ck_assert_str_eq(group, "ppvpn:acme:corp:lyon");
	ck_assert(converged);
	ck_assert_uint_eq(fake.steps, 0);
}
END_TEST

START_TEST(many_connections_are_one_round)
{
	char conn[CONN_NAME_SIZE];

	for (int i = 0; i < 40; i++)
	{
		snprintf(conn, sizeof(conn), "ppvpn:acme:corp:p%d", i);
		cycle_request_conn(cycle, conn);
	}
	loop_run(loop);
	ck_assert_str_eq(group, "");
	ck_assert_uint_eq(settled, 1);
	ck_assert(!cycle_busy(cycle));
}
END_TEST

int main(void)
{
	TCase *tc = tcase_create("cycle");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, one_round_reaches_the_wish);
	tcase_add_test(tc, damage_is_repaired);
	tcase_add_test(tc, requests_are_gathered);
	tcase_add_test(tc, no_document_removes_everything_of_ours);
	tcase_add_test(tc, not_knowing_what_is_wanted_removes_nothing);
	tcase_add_test(tc, failures_are_told_and_tried_again);
	tcase_add_test(tc, killed_at_every_step_and_run_again);
	tcase_add_test(tc, what_cannot_be_read_is_left_alone);
	tcase_add_test(tc, plan_applies_nothing);
	tcase_add_test(tc, one_connection);
	tcase_add_test(tc, many_connections_are_one_round);
	return run_case(tc, "cycle");
}
