/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * test_tunnel.c - attempts, waits, alarms and time to service of tunnels, on a
 * clock that the test moves
 */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "agent/conf.h"
#include "agent/provider.h"
#include "agent/tunnel.h"
#include "alloc.h"
#include "fake_loop.h"
#include "log.h"
#include "run.h"

#define A "ppvpn:acme:corp:a"
#define B "ppvpn:acme:corp:b"

static struct model_peer peers[] = {
	{ .peer = (char*)"a", .identity = (char*)"a.x.y", .initiator = MODEL_LOCAL },
	{ .peer = (char*)"b", .identity = (char*)"b.x.y", .initiator = MODEL_REMOTE },
};
static struct model_vpn vpn = {
	.customer = (char*)"acme", .vpn = (char*)"corp", .peers = peers,
	.retry = { .minimum_wait = 5, .t1 = 10, .factor = 2, .maximum = 600,
			   .alarm_after = 3 },
};
static struct model_document doc = { .vpns = &vpn, .vpn_count = 1, .revision = 9 };
static struct conf conf;

static struct tunnels *ts;
static unsigned initiated_a, initiated_b, changes, raised, cleared;

const struct conf_vpn *conf_vpn(const struct conf *c, const char *customer,
								const char *name)
{
	static const struct conf_vpn place;

	(void)c;
	(void)customer;
	(void)name;
	return &place;
}

static void on_initiate(void *user, struct tunnel *t)
{
	(void)user;
	initiated_a += strcmp(t->conn, A) == 0;
	initiated_b += strcmp(t->conn, B) == 0;
}

static void on_changed(void *user, struct tunnel *t, enum peer_state old)
{
	(void)user;
	(void)t;
	(void)old;
	changes++;
}

static void on_alarm(void *user, struct tunnel *t, bool up)
{
	(void)user;
	(void)t;
	raised += up;
	cleared += !up;
}

static void document(bool from_disk)
{
	struct provider_document d = {
		.doc = &doc, .from_disk = from_disk,
		.first_byte_ms = loop_now_ms() - 30, .checked_ms = loop_now_ms(),
	};

	tunnels_document(ts, &conf, &d);
}

static void setup(void)
{
	static const struct tunnels_handlers handlers = {
		on_initiate, on_changed, on_alarm,
	};

	log_init("test", LOG_LEVEL_ERROR);
	peers[0].remote_address = addr_from_u32(0xc0000209);
	peers[1].remote_address = addr_from_u32(0xc000020d);
	vpn.ce_address = addr_from_u32(0xc0000205);
	vpn.peer_count = 2;
	initiated_a = initiated_b = changes = raised = cleared = 0;
	ts = tunnels_new(NULL, &handlers, NULL);
}

static void teardown(void)
{
	tunnels_free(ts);
}

static void observe(const char *conn, unsigned installed)
{
	struct arena *a = arena_new();
	struct observation o = { .arena = a };
	struct res_link link = { .driver = "vti", .name = (char*)"ppv1" };
	struct fact_sa *sa;

	resource_set_init(&o.have, a);
	resource_link(&o.have, RES_OURS, conn, &link);
	sa = facts_add_sa(&o.facts, a, conn);
	sa->installed = installed;
	sa->ike_state = (char*)"ESTABLISHED";
	tunnels_observed(ts, &o, conn);
	facts_done(&o.facts);
	resource_set_done(&o.have);
	arena_free(a);
}

static void observe_nothing(void)
{
	struct observation o = { .arena = arena_new() };

	resource_set_init(&o.have, o.arena);
	tunnels_observed(ts, &o, A);
	arena_free(o.arena);
}

static struct tunnel *get(const char *conn)
{
	struct tunnel *t = tunnels_find(ts, conn);

	ck_assert_ptr_nonnull(t);
	return t;
}

START_TEST(only_the_named_end_initiates)
{
	document(false);
	fake_loop_pass(60000);
	ck_assert_uint_eq(initiated_a + initiated_b, 0);	/* not applied yet */
	tunnels_ready(ts);
	fake_loop_pass(1000);
	ck_assert_uint_eq(initiated_a, 1);
	ck_assert_uint_eq(initiated_b, 0);
	tunnels_ready(ts);
	fake_loop_pass(1000);
	ck_assert_uint_eq(initiated_a, 1);
	/* minimum-wait + 2 * t1, and at most a fifth more */
	fake_loop_pass(22000);
	ck_assert_uint_eq(initiated_b, 0);
	fake_loop_pass(7000);
	ck_assert_uint_eq(initiated_b, 1);
}
END_TEST

START_TEST(no_takeover_when_it_came_up)
{
	document(false);
	tunnels_ready(ts);
	observe(B, 1);
	fake_loop_pass(100000);
	ck_assert_uint_eq(initiated_b, 0);
	ck_assert_int_eq(get(B)->state, PEER_UP);
}
END_TEST

START_TEST(failures_back_off_and_alarm)
{
	document(false);
	tunnels_ready(ts);
	fake_loop_pass(100);
	tunnels_failed(ts, A, NULL, ERR_AUTH_FAILED);
	ck_assert_int_eq(get(A)->state, PEER_WAITING);
	fake_loop_pass(9900);
	ck_assert_uint_eq(initiated_a, 1);
	fake_loop_pass(2200);
	ck_assert_uint_eq(initiated_a, 2);
	tunnels_failed(ts, NULL, "192.0.2.9", ERR_AUTH_FAILED);
	fake_loop_pass(19900);
	ck_assert_uint_eq(initiated_a, 2);
	fake_loop_pass(4200);
	ck_assert_uint_eq(initiated_a, 3);
	ck_assert_uint_eq(raised, 0);
	tunnels_failed(ts, A, NULL, ERR_AUTH_FAILED);
	ck_assert_uint_eq(raised, 1);
	ck_assert_int_eq(get(A)->state, PEER_ALARM);
	ck_assert_int_eq(get(A)->last_error, ERR_AUTH_FAILED);
	/* retries go on, slowly */
	fake_loop_pass(49000);
	ck_assert_uint_eq(initiated_a, 4);
	observe(A, 1);
	ck_assert_uint_eq(cleared, 1);
	ck_assert_uint_eq(get(A)->failures, 0);
}
END_TEST

START_TEST(a_failure_while_up_is_nothing)
{
	document(false);
	tunnels_ready(ts);
	observe(A, 1);
	tunnels_failed(ts, A, NULL, ERR_PROPOSAL);
	ck_assert_int_eq(get(A)->state, PEER_UP);
}
END_TEST

START_TEST(down_waits_the_minimum)
{
	document(false);
	tunnels_ready(ts);
	fake_loop_pass(100);
	observe(A, 2);
	observe(A, 1);		/* a rekeyed CHILD_SA went: still up */
	ck_assert_int_eq(get(A)->state, PEER_UP);
	observe(A, 0);
	ck_assert_int_eq(get(A)->state, PEER_WAITING);
	fake_loop_pass(4900);
	ck_assert_uint_eq(initiated_a, 1);
	fake_loop_pass(1200);
	ck_assert_uint_eq(initiated_a, 2);
}
END_TEST

START_TEST(an_unanswered_attempt_ends)
{
	document(false);
	tunnels_ready(ts);
	fake_loop_pass(100);
	fake_loop_pass(PEER_NEGOTIATION_MS + 15000);
	ck_assert_uint_eq(initiated_a, 2);
}
END_TEST

START_TEST(an_attempt_that_vanished_has_failed)
{
	document(false);
	tunnels_ready(ts);
	fake_loop_pass(100);
	observe_nothing();
	ck_assert_int_eq(get(A)->state, PEER_CONNECTING);	/* too soon to tell */
	fake_loop_pass(3000);
	observe_nothing();
	ck_assert_int_eq(get(A)->state, PEER_WAITING);
	ck_assert_int_eq(get(A)->last_error, ERR_REFUSED);
}
END_TEST

START_TEST(a_new_charon_starts_all)
{
	document(false);
	tunnels_ready(ts);
	fake_loop_pass(100);
	ck_assert_int_eq(get(A)->state, PEER_CONNECTING);
	tunnels_restarted(ts);
	fake_loop_pass(100);
	ck_assert_uint_eq(initiated_a, 2);
	ck_assert_uint_eq(initiated_b, 1);
	ck_assert_int_eq(get(A)->state, PEER_CONNECTING);
}
END_TEST

START_TEST(removed_tunnels_are_silent)
{
	document(false);
	tunnels_ready(ts);
	vpn.peer_count = 1;
	document(false);
	tunnels_ready(ts);
	ck_assert_ptr_null(tunnels_find(ts, B));
	fake_loop_pass(100000);
	ck_assert_uint_eq(initiated_b, 0);
	ck_assert_uint_eq(tunnels_count(ts), 1);
}
END_TEST

START_TEST(time_to_service)
{
	struct tunnel *t;

	document(false);
	t = get(A);
	fake_loop_pass(40);
	tunnels_ready(ts);
	fake_loop_pass(200);
	observe(A, 1);
	fake_loop_pass(3000);
	tunnels_neighbors_begin(ts);
	tunnels_neighbor(ts, "ppv1", "ExStart");
	tunnels_neighbor(ts, "ppv1", "Full");
	tunnels_neighbors_end(ts);
	fake_loop_pass(500);
	tunnels_route(ts, "ppv1", true);
	ck_assert(t->has_service);
	ck_assert_uint_eq(t->service.revision, 9);
	ck_assert_uint_eq(t->service.done, STATUS_PHASE_COUNT);
	ck_assert_uint_eq(t->service.ms[STATUS_PHASE_FETCH], 30);
	ck_assert_uint_eq(t->service.ms[STATUS_PHASE_APPLY], 40);
	ck_assert_uint_eq(t->service.ms[STATUS_PHASE_IKE], 200);
	ck_assert_uint_eq(t->service.ms[STATUS_PHASE_OSPF], 3000);
	ck_assert_uint_eq(t->service.ms[STATUS_PHASE_ROUTE], 500);
}
END_TEST

START_TEST(no_time_to_service_from_disk)
{
	document(true);
	tunnels_ready(ts);
	ck_assert(!get(A)->has_service);
	fake_loop_pass(100);
	ck_assert_uint_eq(initiated_a, 1);
}
END_TEST

START_TEST(neighbours_that_are_not_named_are_gone)
{
	document(false);
	tunnels_ready(ts);
	observe(A, 1);
	tunnels_neighbors_begin(ts);
	tunnels_neighbor(ts, "ppv1", "Full");
	tunnels_neighbors_end(ts);
	ck_assert(!tunnels_settling(ts));
	tunnels_neighbors_begin(ts);
	tunnels_neighbors_end(ts);
	ck_assert_str_eq(get(A)->ospf, "");
	ck_assert(tunnels_settling(ts));
}
END_TEST

START_TEST(a_moved_peer_is_called_at_once)
{
	document(false);
	tunnels_ready(ts);
	observe(B, 1);
	peers[1].remote_address = addr_from_u32(0xc0000211);
	document(false);
	observe(B, 0);
	tunnels_ready(ts);
	fake_loop_pass(100);
	ck_assert_uint_eq(initiated_b, 1);
}
END_TEST

int main(void)
{
	TCase *tc = tcase_create("tunnel");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, only_the_named_end_initiates);
	tcase_add_test(tc, no_takeover_when_it_came_up);
	tcase_add_test(tc, failures_back_off_and_alarm);
	tcase_add_test(tc, a_failure_while_up_is_nothing);
	tcase_add_test(tc, down_waits_the_minimum);
	tcase_add_test(tc, an_unanswered_attempt_ends);
	tcase_add_test(tc, an_attempt_that_vanished_has_failed);
	tcase_add_test(tc, a_new_charon_starts_all);
	tcase_add_test(tc, removed_tunnels_are_silent);
	tcase_add_test(tc, time_to_service);
	tcase_add_test(tc, no_time_to_service_from_disk);
	tcase_add_test(tc, neighbours_that_are_not_named_are_gone);
	tcase_add_test(tc, a_moved_peer_is_called_at_once);
	return run_case(tc, "tunnel");
}
