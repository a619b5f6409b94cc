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
static unsigned initiated_a, initiated_b, abandoned, asked, changes;
static unsigned raised, cleared, silent, heard;
static enum err_code raised_code;

const struct conf_vpn *conf_vpn(const struct conf *c, const char *customer,
								const char *name)
{
	static const struct conf_vpn place;

	(void)c;
	(void)customer;
	return strcmp(name, "unplaced") == 0 ? NULL : &place;
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

static void on_abandon(void *user, struct tunnel *t)
{
	(void)user;
	(void)t;
	abandoned++;
}

static void on_ask(void *user, struct tunnel *t)
{
	(void)user;
	(void)t;
	asked++;
}

static void on_alarm(void *user, struct tunnel *t, enum err_code code, bool up)
{
	(void)user;
	(void)t;
	if (code == ERR_NO_TRAFFIC)
	{
		silent += up;
		heard += !up;
		return;
	}
	raised += up;
	cleared += !up;
	raised_code = up ? code : raised_code;
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
		on_initiate, on_abandon, on_ask, on_changed, on_alarm,
	};

	log_init("test", LOG_LEVEL_ERROR);
	peers[0].remote_address = addr_from_u32(0xc0000209);
	peers[1].remote_address = addr_from_u32(0xc000020d);
	vpn.ce_address = addr_from_u32(0xc0000205);
	vpn.peer_count = 2;
	vpn.peers = peers;
	vpn.ospf.dead_interval = 40;
	initiated_a = initiated_b = abandoned = asked = changes = 0;
	raised = cleared = silent = heard = 0;
	ts = tunnels_new(NULL, &handlers, NULL);
}

static void teardown(void)
{
	tunnels_free(ts);
}

static void says(const char *conn, const char *word)
{
	tunnels_cause(ts, conn, cause_find(word), true);
}

static uint32_t spare;				/* what is observed next */

static void observe_bytes(const char *conn, unsigned installed, uint64_t in,
						  uint64_t out)
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
	sa->in_bytes = in;
	sa->out_bytes = out;
	sa->spare = spare;
	tunnels_observed(ts, &o, conn);
	facts_done(&o.facts);
	resource_set_done(&o.have);
	arena_free(a);
}

static void observe(const char *conn, unsigned installed)
{
	observe_bytes(conn, installed, 0, 0);
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

/* Nobody reaches a peer behind NAT: neither takeover, nor a kick, nor after it
 * was up. */
START_TEST(a_peer_behind_nat_is_waited_for)
{
	peers[1].behind_nat = true;
	document(false);
	tunnels_ready(ts);
	fake_loop_pass(3600 * 1000);
	ck_assert_uint_eq(initiated_b, 0);
	tunnels_kick(ts, NULL);
	tunnels_restarted(ts);
	tunnels_ready(ts);
	fake_loop_pass(60000);
	observe(B, 1);
	ck_assert_int_eq(get(B)->state, PEER_UP);
	observe(B, 0);
	ck_assert_int_eq(get(B)->state, PEER_ASKING);
	fake_loop_pass(3600 * 1000);
	ck_assert_uint_eq(initiated_b, 0);
	/* its NAT has another address */
	peers[1].remote_address = addr_from_u32(0xc000024d);
	document(false);
	tunnels_ready(ts);
	fake_loop_pass(3600 * 1000);
	ck_assert_uint_eq(initiated_b, 0);
	observe(B, 1);
	ck_assert_int_eq(get(B)->state, PEER_UP);
	peers[1].behind_nat = false;
}
END_TEST

/* This router behind NAT, and with another address: at once. */
START_TEST(tunnels_begin_again_where_the_router_is)
{
	vpn.behind_nat = true;
	document(false);
	tunnels_ready(ts);
	observe(A, 1);
	tunnels_moved(ts);
	tunnels_ready(ts);
	fake_loop_pass(100);
	ck_assert_uint_eq(initiated_a, 1);		/* its SA is still there */
	observe(A, 0);
	ck_assert_uint_eq(initiated_a, 1);
	tunnels_ready(ts);
	fake_loop_pass(100);
	ck_assert_uint_eq(initiated_a, 2);
	vpn.behind_nat = false;
}
END_TEST

/* Its NAT has another address: peers let go of the old one, and cannot begin. */
START_TEST(another_address_of_the_nat_begins_anew)
{
	vpn.behind_nat = true;
	document(false);
	tunnels_ready(ts);
	observe(A, 1);
	tunnels_ready(ts);
	ck_assert_uint_eq(abandoned, 0);
	vpn.ce_address = addr_from_u32(0xc0000299);
	document(false);
	tunnels_ready(ts);
	ck_assert_uint_eq(abandoned, 1);
	tunnels_ready(ts);
	ck_assert_uint_eq(abandoned, 1);
	observe(A, 0);
	tunnels_ready(ts);
	fake_loop_pass(100);
	ck_assert_uint_eq(initiated_a, 2);
	vpn.behind_nat = false;
}
END_TEST

/* The peer's charon is another one: it cannot begin, so this end does, once. */
START_TEST(silence_behind_nat_begins_anew)
{
	uint64_t out = 1000;

	vpn.behind_nat = _i == 0;
	document(false);
	tunnels_ready(ts);
	observe(B, 1);
	observe_bytes(A, 1, 500, out);
	for (unsigned s = 0; s < 300; s += 10)
	{
		fake_loop_pass(10000);
		observe_bytes(A, 1, 500, out += 100);
	}
	ck_assert_uint_eq(silent, 1);
	ck_assert_uint_eq(abandoned, _i == 0);
	/* up again, and silent from the first byte on: no second time */
	observe_bytes(A, 0, 0, 0);
	for (unsigned s = 0; s < 300; s += 10)
	{
		fake_loop_pass(10000);
		observe_bytes(A, 1, 0, out += 100);
	}
	ck_assert_uint_eq(abandoned, _i == 0);
	/* heard, and then silent: again */
	observe_bytes(A, 1, 100, out);
	for (unsigned s = 0; s < 300; s += 10)
	{
		fake_loop_pass(10000);
		observe_bytes(A, 1, 100, out += 100);
	}
	ck_assert_uint_eq(abandoned, _i == 0 ? 2 : 0);
	vpn.behind_nat = false;
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

/* New to its peers, this end does not wait as long for those that should call. */
START_TEST(who_is_new_introduces_itself)
{
	document(false);
	tunnels_ready(ts);
	tunnels_introduce(ts);
	fake_loop_pass(2900);
	ck_assert_uint_eq(initiated_a, 1);
	ck_assert_uint_eq(initiated_b, 0);
	fake_loop_pass(800);
	ck_assert_uint_eq(initiated_a, 1);
	ck_assert_uint_eq(initiated_b, 1);
}
END_TEST

/* Nor does that hurry what has failed already, or what is up. */
START_TEST(only_who_waits_for_the_first_call)
{
	document(false);
	tunnels_ready(ts);
	observe(B, 1);
	tunnels_introduce(ts);
	fake_loop_pass(5000);
	ck_assert_uint_eq(initiated_b, 0);
	observe(B, 0);
	ck_assert_int_eq(get(B)->state, PEER_ASKING);
	tunnels_introduce(ts);
	fake_loop_pass(20000);
	ck_assert_uint_eq(initiated_b, 0);
}
END_TEST

/* The end that was named to begin decides about an IKE_SA too many. */
START_TEST(one_too_many_is_said_once)
{
	document(false);
	tunnels_ready(ts);
	ck_assert(!tunnels_spare(ts));
	spare = 7;
	observe(B, 2);
	ck_assert_uint_eq(get(B)->spare, 7);
	ck_assert(!tunnels_spare(ts));
	observe(A, 2);
	ck_assert_uint_eq(get(A)->spare, 7);
	ck_assert(tunnels_spare(ts));
	ck_assert(!tunnels_spare(ts));
	spare = 0;
	observe(A, 1);
	ck_assert_uint_eq(get(A)->spare, 0);
	ck_assert(!tunnels_spare(ts));
}
END_TEST

/* @return			seconds that passed */
static unsigned pass_until_begun(void)
{
	unsigned s = 0;

	for (; get(A)->state != PEER_CONNECTING && s < 10000; s++)
	{
		fake_loop_pass(1000);
	}
	return s;
}

/* To the second, as draft section 3.4 has it: the minimum, t1, t1 doubled. */
START_TEST(failures_back_off_and_alarm)
{
	document(false);
	tunnels_ready(ts);
	fake_loop_pass(100);
	says(A, "local-auth-failed");
	ck_assert_int_eq(get(A)->state, PEER_WAITING);
	fake_loop_pass(4900);
	ck_assert_uint_eq(initiated_a, 1);
	fake_loop_pass(1200);
	ck_assert_uint_eq(initiated_a, 2);
	says(A, "local-auth-failed");
	fake_loop_pass(9900);
	ck_assert_uint_eq(initiated_a, 2);
	fake_loop_pass(2200);
	ck_assert_uint_eq(initiated_a, 3);
	ck_assert_uint_eq(raised, 0);
	says(A, "local-auth-failed");
	ck_assert_uint_eq(raised, 1);
	ck_assert_int_eq(raised_code, ERR_AUTH_FAILED);
	ck_assert_int_eq(get(A)->state, PEER_ALARM);
	ck_assert_int_eq(get(A)->last_error, ERR_AUTH_FAILED);
	/* retries go on, slowly, for ever */
	fake_loop_pass(19900);
	ck_assert_uint_eq(initiated_a, 3);
	fake_loop_pass(4200);
	ck_assert_uint_eq(initiated_a, 4);
	for (unsigned i = 0; i < 20; i++)
	{
		says(A, "local-auth-failed");
		ck_assert_int_eq(get(A)->state, PEER_ALARM);
		ck_assert_uint_le(pass_until_begun(), 720);
		ck_assert_uint_eq(initiated_a, 5 + i);
	}
	observe(A, 1);
	ck_assert_uint_eq(cleared, 1);
	ck_assert_uint_eq(get(A)->failures, 0);
	ck_assert_int_eq(get(A)->last_error, ERR_NONE);
}
END_TEST

/* What a cause makes of the next wait, in seconds. */
static const struct {
	const char *word;
	enum err_code code;
	unsigned first, second;
} causes[] = {
	{ "local-auth-failed", ERR_AUTH_FAILED, 5, 10 },
	{ "proposal-mismatch-ike", ERR_PROPOSAL, 5, 10 },
	{ "proposal-mismatch-child", ERR_ESP_PROPOSAL, 5, 10 },
	{ "ts-mismatch", ERR_TRAFFIC_SELECTORS, 5, 10 },
	{ "peer-init-unreachable", ERR_PEER_UNREACHABLE, 5, 10 },
	{ "keep-on-child-sa-failure", ERR_REFUSED, 5, 10 },
	{ "install-child-sa-failed", ERR_KERNEL, 5, 10 },
	{ "no-connection", ERR_NO_CONNECTION, 5, 5 },
	{ "charon-away", ERR_CHARON, 5, 5 },
};

START_TEST(each_cause_has_its_wait)
{
	document(false);
	tunnels_ready(ts);
	fake_loop_pass(100);
	says(A, causes[_i].word);
	ck_assert_int_eq(get(A)->last_error, causes[_i].code);
	fake_loop_pass(causes[_i].first * 1000 - 10);
	ck_assert_uint_eq(initiated_a, 1);
	fake_loop_pass(causes[_i].first * 200 + 20);
	ck_assert_uint_eq(initiated_a, 2);
	says(A, causes[_i].word);
	fake_loop_pass(causes[_i].second * 1000 - 10);
	ck_assert_uint_eq(initiated_a, 2);
	fake_loop_pass(causes[_i].second * 200 + 20);
	ck_assert_uint_eq(initiated_a, 3);
}
END_TEST

/* A hint names what ended without a word; and a certificate's needs a person. */
START_TEST(hints_say_why)
{
	document(false);
	tunnels_ready(ts);
	fake_loop_pass(100);
	says(A, "invalid-ke");
	ck_assert_int_eq(get(A)->state, PEER_CONNECTING);
	fake_loop_pass(3000);
	observe_nothing();
	ck_assert_int_eq(get(A)->state, PEER_WAITING);
	ck_assert_int_eq(get(A)->last_error, ERR_KEY_EXCHANGE);
	fake_loop_pass(6100);
	ck_assert_uint_eq(initiated_a, 2);
	says(A, "cert-revoked");
	says(A, "peer-auth-failed");
	ck_assert_int_eq(get(A)->last_error, ERR_AUTH_FAILED);
	fake_loop_pass(12100);
	ck_assert_uint_eq(initiated_a, 3);
	says(A, "cert-expired");
	says(A, "keep-on-child-sa-failure");
	ck_assert_int_eq(get(A)->last_error, ERR_CERT_EXPIRED);
	fake_loop_pass(599000);
	ck_assert_uint_eq(initiated_a, 3);
	/* not of the last attempt's */
	ck_assert_uint_le(pass_until_begun(), 122);
	ck_assert_uint_eq(initiated_a, 4);
	says(A, "keep-on-child-sa-failure");
	ck_assert_int_eq(get(A)->last_error, ERR_REFUSED);
}
END_TEST

START_TEST(the_first_cause_stays)
{
	document(false);
	tunnels_ready(ts);
	fake_loop_pass(100);
	says(A, "ts-mismatch");
	says(A, "keep-on-child-sa-failure");
	ck_assert_int_eq(get(A)->last_error, ERR_TRAFFIC_SELECTORS);
	ck_assert_uint_eq(get(A)->failures, 1);
}
END_TEST

/* What goes wrong with the peer's own attempts does not end ours. */
START_TEST(the_peers_attempts_are_its_own)
{
	document(false);
	tunnels_ready(ts);
	fake_loop_pass(100);
	tunnels_cause(ts, A, cause_find("peer-auth-failed"), false);
	tunnels_cause(ts, NULL, cause_find("peer-auth-failed"), true);
	tunnels_cause(ts, "ppvpn:acme:corp:none", cause_find("peer-auth-failed"),
				  true);
	ck_assert_int_eq(get(A)->state, PEER_CONNECTING);
	ck_assert_uint_eq(get(A)->failures, 0);
	/* the end that waits knows at least why */
	tunnels_cause(ts, B, cause_find("peer-auth-failed"), false);
	ck_assert_int_eq(get(B)->state, PEER_WAITING);
	ck_assert_int_eq(get(B)->last_error, ERR_AUTH_FAILED);
}
END_TEST

START_TEST(a_failure_while_up_is_nothing)
{
	document(false);
	tunnels_ready(ts);
	observe(A, 1);
	says(A, "proposal-mismatch-child");
	ck_assert_int_eq(get(A)->state, PEER_UP);
	ck_assert_int_eq(get(A)->last_error, ERR_NONE);
}
END_TEST

START_TEST(down_asks_then_waits_the_minimum)
{
	document(false);
	tunnels_ready(ts);
	fake_loop_pass(100);
	observe(A, 2);
	observe(A, 1);		/* a rekeyed CHILD_SA went: still up */
	ck_assert_int_eq(get(A)->state, PEER_UP);
	says(A, "closed");
	observe(A, 0);
	ck_assert_int_eq(get(A)->state, PEER_ASKING);
	ck_assert_int_eq(get(A)->last_error, ERR_PEER_CLOSED);
	ck_assert_uint_eq(asked, 1);
	fake_loop_pass(1000);
	tunnels_answered(ts);
	ck_assert_int_eq(get(A)->state, PEER_WAITING);
	ck_assert_int_eq(get(B)->state, PEER_WAITING);
	fake_loop_pass(4900);
	ck_assert_uint_eq(initiated_a, 1);
	fake_loop_pass(1200);
	ck_assert_uint_eq(initiated_a, 2);
}
END_TEST

/* However short minimum-wait is: first the answer, for which 2 s are enough. */
START_TEST(no_answer_is_not_waited_for)
{
	vpn.retry.minimum_wait = 1;
	document(false);
	tunnels_ready(ts);
	fake_loop_pass(100);
	observe(A, 1);
	observe(A, 0);
	fake_loop_pass(1990);
	ck_assert_int_eq(get(A)->state, PEER_ASKING);
	fake_loop_pass(20);
	ck_assert_int_eq(get(A)->state, PEER_WAITING);
	fake_loop_pass(980);
	ck_assert_uint_eq(initiated_a, 1);
	fake_loop_pass(300);
	ck_assert_uint_eq(initiated_a, 2);
	vpn.retry.minimum_wait = 5;
}
END_TEST

START_TEST(not_listed_any_more)
{
	document(false);
	tunnels_ready(ts);
	fake_loop_pass(100);
	observe(B, 1);
	observe(B, 0);
	vpn.peer_count = 1;
	document(false);			/* the answer */
	tunnels_answered(ts);
	fake_loop_pass(1000000);
	ck_assert_uint_eq(initiated_b, 0);
}
END_TEST

START_TEST(an_unanswered_attempt_ends)
{
	document(false);
	tunnels_ready(ts);
	fake_loop_pass(100);
	fake_loop_pass(PEER_NEGOTIATION_MS - 200);
	ck_assert_uint_eq(abandoned, 0);
	fake_loop_pass(200);
	/* B's turn to take over has come and is under way, too */
	ck_assert_uint_eq(abandoned, 1);
	ck_assert_int_eq(get(A)->state, PEER_WAITING);
	ck_assert_int_eq(get(A)->last_error, ERR_PEER_UNREACHABLE);
	fake_loop_pass(15000);
	ck_assert_uint_eq(initiated_a, 2);
	fake_loop_pass(95000);
	ck_assert_int_eq(get(A)->state, PEER_ALARM);
	ck_assert_int_eq(raised_code, ERR_PEER_UNREACHABLE);
}
END_TEST

/* charon away: nobody begins, and nobody has failed. */
START_TEST(a_pause)
{
	document(false);
	tunnels_ready(ts);
	fake_loop_pass(100);
	says(A, "local-auth-failed");
	tunnels_pause(ts);
	fake_loop_pass(1000000);
	ck_assert_uint_eq(initiated_a, 1);
	ck_assert_uint_eq(get(A)->failures, 1);
	tunnels_ready(ts);
	fake_loop_pass(100);
	ck_assert_uint_eq(initiated_a, 2);
}
END_TEST

/* Up, we send, and nothing comes: an alarm, until something does. */
START_TEST(a_tunnel_that_hears_nothing)
{
	document(false);
	tunnels_ready(ts);
	observe_bytes(A, 1, 0, 0);
	for (unsigned s = 0; s < 35; s += 5)
	{
		fake_loop_pass(5000);
		observe_bytes(A, 1, 0, 100 * s);
	}
	ck_assert_uint_eq(silent, 0);
	fake_loop_pass(6000);
	observe_bytes(A, 1, 0, 4000);
	ck_assert_uint_eq(silent, 1);
	ck_assert(get(A)->silent);
	ck_assert_int_eq(get(A)->state, PEER_UP);
	observe_bytes(A, 1, 0, 5000);
	ck_assert_uint_eq(silent, 1);
	observe_bytes(A, 1, 60, 5100);
	ck_assert_uint_eq(heard, 1);
	/* rekeyed: counters begin anew, that alone is not silence */
	fake_loop_pass(39000);
	observe_bytes(A, 1, 0, 0);
	fake_loop_pass(500);
	observe_bytes(A, 1, 10, 100);
	fake_loop_pass(39000);
	observe_bytes(A, 1, 10, 200);
	ck_assert_uint_eq(silent, 1);
	/* gone: another matter */
	fake_loop_pass(39000);
	observe_bytes(A, 1, 10, 300);
	ck_assert_uint_eq(silent, 2);
	observe_bytes(A, 0, 0, 0);
	ck_assert_uint_eq(heard, 2);
}
END_TEST

/* A neighbour that is Full was heard, whenever the counters are looked at. */
START_TEST(a_neighbour_ends_the_silence)
{
	document(false);
	tunnels_ready(ts);
	observe_bytes(A, 1, 0, 0);
	fake_loop_pass(41000);
	observe_bytes(A, 1, 0, 100);
	ck_assert_uint_eq(silent, 1);
	tunnels_neighbors_begin(ts);
	tunnels_neighbor(ts, "ppv1", "Exchange");
	tunnels_neighbors_end(ts);
	ck_assert_uint_eq(heard, 0);
	tunnels_neighbors_begin(ts);
	tunnels_neighbor(ts, "ppv1", "Full");
	tunnels_neighbors_end(ts);
	ck_assert_uint_eq(heard, 1);
	observe_bytes(A, 1, 0, 200);
	ck_assert_uint_eq(silent, 1);
}
END_TEST

/* Nothing goes out either: nothing can be told. */
START_TEST(a_tunnel_nobody_uses)
{
	document(false);
	tunnels_ready(ts);
	for (unsigned i = 0; i < 50; i++)
	{
		observe_bytes(A, 1, 0, 0);
		fake_loop_pass(10000);
	}
	ck_assert_uint_eq(silent, 0);
}
END_TEST

START_TEST(looks_get_rarer)
{
	unsigned looks = 0;

	document(false);
	tunnels_ready(ts);
	for (unsigned i = 0; i < 39; i++)
	{
		fake_loop_pass(1000);
		looks += tunnel_look_due(get(A));
		ck_assert(!tunnel_look_due(get(A)));
	}
	/* after 2 s, 6, 14, 30 */
	ck_assert_uint_eq(looks, 4);
	observe(A, 1);
	tunnels_neighbors_begin(ts);
	tunnels_neighbor(ts, "ppv1", "Full");
	tunnels_neighbors_end(ts);
	fake_loop_pass(100000);
	ck_assert(!tunnel_look_due(get(A)));
}
END_TEST

/* ---- whole rounds, and what could not be read ------------------------------ */

/* A round over everything: A has an SA and link ppv1, routed or not. before: it
 * began to be read so long ago. */
static void whole_round(unsigned unknown, bool routed, uint64_t before)
{
	struct arena *a = arena_new();
	struct observation o = {
		.arena = a, .begun_ms = loop_now_ms() - before,
	};
	struct res_link link = { .driver = "vti", .name = (char*)"ppv1" };

	resource_set_init(&o.have, a);
	resource_link(&o.have, RES_OURS, A, &link);
	o.facts.unknown_kinds = unknown;
	facts_add_sa(&o.facts, a, A)->installed = !(unknown & RES_BIT(RES_SA));
	facts_add_routed(&o.facts, a, "ppv77");
	if (routed)
	{
		facts_add_routed(&o.facts, a, "ppv1");
	}
	tunnels_observed(ts, &o, NULL);
	facts_done(&o.facts);
	resource_set_done(&o.have);
	arena_free(a);
}

static void whole(unsigned unknown, bool routed)
{
	fake_loop_pass(1);
	whole_round(unknown, routed, 0);
}

START_TEST(routes_come_with_whole_rounds)
{
	document(false);
	tunnels_ready(ts);
	whole(0, true);
	ck_assert_int_eq(get(A)->state, PEER_UP);
	ck_assert_str_eq(get(A)->link, "ppv1");
	ck_assert(get(A)->route && !get(B)->route);
	whole(RES_BIT(RES_LINK), false);
	ck_assert(get(A)->route);		/* nobody knows: as it was */
	whole(0, false);
	ck_assert(!get(A)->route);
	/* one that came while the round was under way was not read by it */
	fake_loop_pass(10);
	tunnels_route(ts, "ppv1", true);
	fake_loop_pass(10);
	whole_round(0, false, 15);
	ck_assert(get(A)->route);
	whole_round(0, false, 9);
	ck_assert(!get(A)->route);
}
END_TEST

START_TEST(what_is_not_known_changes_nothing)
{
	document(false);
	tunnels_ready(ts);
	observe(A, 1);
	whole(RES_BIT(RES_SA) | RES_BIT(RES_LINK), true);
	ck_assert_int_eq(get(A)->state, PEER_UP);
	ck_assert(get(A)->installed);
	observe("ppvpn:acme:corp:none", 1);
}
END_TEST

START_TEST(found_by_what_they_have)
{
	struct addr a = addr_from_u32(0xc000020d), none = addr_from_u32(1);

	document(false);
	ck_assert_ptr_eq(tunnels_find_remote(ts, &a), get(B));
	ck_assert_ptr_null(tunnels_find_remote(ts, &none));
	ck_assert_ptr_eq(tunnels_find_identity(ts, "b.x.y"), get(B));
	ck_assert_ptr_null(tunnels_find_identity(ts, "c.x.y"));
}
END_TEST

/* An attempt that has not begun cannot fail. */
START_TEST(in_the_queue)
{
	document(false);
	tunnels_ready(ts);
	tunnels_pause(ts);
	initiated_a = 0;
	tunnels_restarted(ts);			/* A waits for its turn again */
	ck_assert_int_eq(get(A)->state, PEER_CONNECTING);
	says(A, "local-auth-failed");
	fake_loop_pass(5000);
	observe_nothing();
	ck_assert_int_eq(get(A)->state, PEER_CONNECTING);
	ck_assert_uint_eq(get(A)->failures, 0);
	ck_assert(!tunnel_look_due(get(A)));
	/* the peer was faster */
	observe(A, 1);
	tunnels_ready(ts);
	fake_loop_pass(1000);
	ck_assert_uint_eq(initiated_a, 0);
	ck_assert_int_eq(get(A)->state, PEER_UP);
}
END_TEST

/* What charon said a minute before a tunnel went is not why. */
START_TEST(hints_grow_old)
{
	document(false);
	tunnels_ready(ts);
	observe(A, 1);
	says(A, "busy");
	fake_loop_pass(60000);
	observe(A, 0);
	ck_assert_int_eq(get(A)->last_error, ERR_NONE);
	/* nor do words about it count while it waits, but for a fault of keys */
	tunnels_answered(ts);
	says(A, "busy");
	tunnels_cause(ts, A, cause_find("busy"), false);
	ck_assert_int_eq(get(A)->last_error, ERR_NONE);
}
END_TEST

START_TEST(a_kick_of_one)
{
	document(false);
	tunnels_ready(ts);
	fake_loop_pass(100);
	tunnels_kick(ts, A);			/* under way already */
	tunnels_kick(ts, B);
	fake_loop_pass(100);
	ck_assert_uint_eq(initiated_a, 1);
	ck_assert_uint_eq(initiated_b, 1);
	observe(B, 1);
	tunnels_kick(ts, NULL);
	fake_loop_pass(100);
	ck_assert_uint_eq(initiated_b, 1);
}
END_TEST

/* ---- every state, every event ----------------------------------------------- */

static void fails(unsigned before)
{
	get(A)->failures = before;
	says(A, "local-auth-failed");
}

static void into(enum peer_state state)
{
	document(false);
	if (state == PEER_IDLE)
	{
		return;
	}
	tunnels_ready(ts);
	fake_loop_pass(100);
	if (state == PEER_UP || state == PEER_ASKING)
	{
		observe(A, 1);
	}
	if (state == PEER_ASKING)
	{
		observe(A, 0);
	}
	if (state == PEER_WAITING || state == PEER_ALARM)
	{
		fails(state == PEER_ALARM ? 2 : 0);
	}
	ck_assert_int_eq(get(A)->state, state);
	initiated_a = abandoned = asked = raised = changes = 0;
}

static void deliver(enum peer_event ev)
{
	struct tunnel *t = get(A);

	switch (ev)
	{
		case PEER_EV_START:
		case PEER_EV_STANDBY:
			t->initiator = ev == PEER_EV_START;
			tunnels_ready(ts);
			break;
		case PEER_EV_CHILD_UP:
		case PEER_EV_CHILD_DOWN:
			observe(A, ev == PEER_EV_CHILD_UP);
			break;
		case PEER_EV_FAILED:
		case PEER_EV_EXHAUSTED:
			fails(ev == PEER_EV_FAILED ? 0 : 2);
			break;
		case PEER_EV_TIMEOUT:
			fake_loop_pass(t->timer_ms ? t->timer_ms - loop_now_ms() : 5000000);
			break;
		case PEER_EV_ANSWERED:
			tunnels_answered(ts);
			break;
		case PEER_EV_KICK:
			tunnels_kick(ts, A);
			break;
		case PEER_EV_REMOVED:
			vpn.peer_count = 0;
			document(false);
			break;
		case PEER_EVENT_COUNT:
			break;
	}
}

/* The state after it, and what is asked of others: + initiate, ! abandon, ? ask
 * the server, * alarm. A dot: nothing at all; x: it is no more. */
static const char *const follows[PEER_STATE_COUNT] = {
	/*	start standby up down failed exhausted timeout answered kick removed */
	/* a kick before anything was applied waits for its turn until it is */
	[PEER_IDLE] =		"c+ w. u. .. .. .. .. .. c. x.",
	[PEER_CONNECTING] =	".. .. u. .. w. a* w! .. .. x.",
	[PEER_UP] =			".. .. .. q? .. .. .. .. .. x.",
	[PEER_ASKING] =		".. .. u. .. .. .. w. w. c+ x.",
	[PEER_WAITING] =	".. .. u. .. .. .. c+ .. c+ x.",
	[PEER_ALARM] =		".. .. u. .. .. .. c+ .. c+ x.",
};

START_TEST(every_state_and_event)
{
	enum peer_state state = _i / PEER_EVENT_COUNT, now = state;
	enum peer_event ev = _i % PEER_EVENT_COUNT;
	const char *want = follows[state] + 3 * ev;
	struct tunnel *t;
	char said[4] = "..";

	/* B has nothing to do with it */
	vpn.peer_count = 1;
	into(state);
	deliver(ev);
	fake_loop_pass(1);
	t = tunnels_find(ts, A);
	now = t ? t->state : now;
	said[0] = !t ? 'x' : now == state ? '.' : "icuqwa"[now];
	said[1] = initiated_a ? '+' : abandoned ? '!' : asked ? '?' :
			  raised ? '*' : '.';
	ck_assert_msg(memcmp(said, want, 2) == 0, "%s, %s: %s",
				  peer_state_name(state), peer_event_name(ev), said);
	ck_assert_uint_le(initiated_a + abandoned + asked + raised, 1);
	if (state == PEER_IDLE && ev == PEER_EV_KICK)
	{
		tunnels_ready(ts);
		ck_assert_uint_eq(initiated_a, 1);
	}
	/* whoever shows states was told */
	ck_assert(said[0] == '.' || state == PEER_IDLE || changes);
}
END_TEST

/* ---- what is odd ------------------------------------------------------------- */

START_TEST(nobody_there)
{
	tunnels_free(NULL);
	tunnels_neighbors_begin(ts);
	tunnels_neighbor(ts, "ppv1", "Full");
	tunnels_neighbors_end(ts);
	tunnels_route(ts, "ppv1", true);
	ck_assert(!tunnels_settling(ts));
	document(false);
	observe(A, 1);
	changes = 0;
	tunnels_neighbor(ts, "ppv99", "Full");
	tunnels_route(ts, "ppv99", true);
	tunnels_route(ts, "ppv1", false);		/* it was not there before */
	tunnels_cause(ts, NULL, cause_find("busy"), true);
	tunnels_cause(ts, "ppvpn:acme:corp:none", cause_find("busy"), true);
	ck_assert_uint_eq(changes, 0);
}
END_TEST

START_TEST(a_vpn_without_a_place_has_no_tunnels)
{
	vpn.vpn = (char*)"unplaced";
	document(false);
	vpn.vpn = (char*)"corp";
	ck_assert_uint_eq(tunnels_count(ts), 0);
}
END_TEST

/* The address (s) of this end: as when the peer's moves; one that is up is not
 * disturbed. */
START_TEST(this_end_moved)
{
	document(false);
	tunnels_ready(ts);
	fake_loop_pass(100);
	observe(A, 1);
	initiated_a = 0;
	vpn.ce_address = addr_from_u32(0xc0000206);
	document(false);
	tunnels_ready(ts);
	fake_loop_pass(100);
	ck_assert_uint_eq(initiated_b, 1);
	ck_assert_uint_eq(initiated_a, 0);
	ck_assert_int_eq(get(A)->state, PEER_UP);
}
END_TEST

/* Hellos may be quick; who says nothing for 10 s is silent, not before. */
START_TEST(silence_has_a_least)
{
	vpn.ospf.dead_interval = 1;
	document(false);
	tunnels_ready(ts);
	observe_bytes(A, 1, 0, 0);
	fake_loop_pass(9000);
	observe_bytes(A, 1, 0, 100);
	ck_assert_uint_eq(silent, 0);
	fake_loop_pass(1000);
	observe_bytes(A, 1, 0, 200);
	ck_assert_uint_eq(silent, 1);
}
END_TEST

START_TEST(looked_at_while_it_settles)
{
	document(false);
	tunnels_ready(ts);
	fake_loop_pass(100);
	observe(A, 1);
	ck_assert(!tunnel_look_due(get(A)));
	fake_loop_pass(8000);
	ck_assert(tunnel_look_due(get(A)));
	observe(A, 0);
	fake_loop_pass(100000);
	tunnels_answered(ts);
	/* nothing is under way */
	get(A)->state = PEER_WAITING;
	ck_assert(!tunnel_look_due(get(A)));
}
END_TEST

/* A fault of this router is what it is, whatever the peer said before; that a
 * tunnel closes ends no attempt. */
START_TEST(faults_of_this_router)
{
	document(false);
	tunnels_ready(ts);
	fake_loop_pass(100);
	says(A, "closed");
	ck_assert_int_eq(get(A)->state, PEER_CONNECTING);
	says(A, "busy");
	says(A, "no-connection");
	ck_assert_int_eq(get(A)->state, PEER_WAITING);
	ck_assert_int_eq(get(A)->last_error, ERR_NO_CONNECTION);
}
END_TEST

/* ---- a hub's boot ---------------------------------------------------------- */

#define HUB 1000

static struct model_peer spokes[HUB];
static char spoke_names[HUB][32];
static unsigned begun[HUB], begun_now, begun_most;
static uint64_t begun_at[HUB];

static void on_hub_initiate(void *user, struct tunnel *t)
{
	unsigned i = t->remote.bytes[2] * 256u + t->remote.bytes[3];

	(void)user;
	ck_assert_uint_lt(i, HUB);
	begun[i]++;
	begun_at[i] = loop_now_ms();
	begun_now = 0;
	for (unsigned k = 0; k < HUB; k++)
	{
		begun_now += begun_at[k] &&
					 loop_now_ms() - begun_at[k] < PEER_YOUNG_MS;
	}
	begun_most = begun_now > begun_most ? begun_now : begun_most;
}

static void hub(void)
{
	static const struct tunnels_handlers handlers = {
		on_hub_initiate, on_abandon, on_ask, on_changed, on_alarm,
	};

	tunnels_free(ts);
	ts = tunnels_new(NULL, &handlers, NULL);
	for (unsigned i = 0; i < HUB; i++)
	{
		snprintf(spoke_names[i], sizeof(spoke_names[i]), "s%04u", i);
		spokes[i] = (struct model_peer){
			.peer = spoke_names[i], .identity = spoke_names[i],
			.initiator = MODEL_LOCAL,
			.remote_address = addr_from_u32(0x0a000000u + i),
		};
	}
	vpn.peers = spokes;
	vpn.peer_count = HUB;
	memset(begun, 0, sizeof(begun));
	memset(begun_at, 0, sizeof(begun_at));
	begun_most = 0;
	document(true);
	tunnels_ready(ts);
}

/* Nobody answers: at most 64 begin in two seconds, all get their turn, and the
 * retries of a thousand do not come together either. */
START_TEST(a_hub_does_not_stampede)
{
	unsigned second[200] = {0}, most = 0;
	uint64_t begin = loop_now_ms();

	hub();
	ck_assert_uint_le(begun_most, 1);
	fake_loop_pass(HUB / PEER_IN_FLIGHT_MAX * PEER_YOUNG_MS + PEER_YOUNG_MS);
	for (unsigned i = 0; i < HUB; i++)
	{
		ck_assert_uint_eq(begun[i], 1);
		second[(begun_at[i] - begin) / 1000]++;
	}
	for (unsigned i = 0; i < 200; i++)
	{
		most = second[i] > most ? second[i] : most;
	}
	ck_assert_uint_le(most, 1000 / PEER_PACE_MS);
	fake_loop_pass(600000);
	ck_assert_uint_le(begun_most, PEER_IN_FLIGHT_MAX);
	ck_assert_uint_gt(abandoned, 3 * HUB);
	ck_assert_uint_eq(raised >= HUB, true);
	printf("a hub of %u, nobody answers: at most %u begin in a second, "
		   "%u within any %u ms\n", HUB, most, begun_most, PEER_YOUNG_MS);
}
END_TEST

/* Those that answer make room at once: a thousand in 20 s. */
START_TEST(a_hub_comes_up_quickly)
{
	uint64_t begin = loop_now_ms();
	unsigned up = 0;

	hub();
	while (up < HUB && loop_now_ms() - begin < 60000)
	{
		fake_loop_pass(PEER_PACE_MS);
		for (unsigned i = 0; i < HUB; i++)
		{
			if (begun_at[i] && loop_now_ms() - begun_at[i] >= 300 &&
				tunnels_get(ts, i)->state != PEER_UP)
			{
				observe(tunnels_get(ts, i)->conn, 1);
				up++;
			}
		}
	}
	ck_assert_uint_eq(up, HUB);
	ck_assert_uint_le(loop_now_ms() - begin, HUB * PEER_PACE_MS + 1000);
	for (unsigned i = 0; i < HUB; i++)
	{
		ck_assert_uint_eq(begun[i], 1);
	}
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
	/* ospfd's settings for the link were looked at before it came, or after */
	ck_assert(tunnel_neighbor_is_new(get(A), loop_now_ms()));
	ck_assert(tunnel_neighbor_is_new(get(A), loop_now_ms() - 1));
	fake_loop_pass(100);
	ck_assert(!tunnel_neighbor_is_new(get(A), loop_now_ms()));
	tunnels_neighbors_begin(ts);
	tunnels_neighbor(ts, "ppv1", "Full");
	tunnels_neighbors_end(ts);
	ck_assert(!tunnel_neighbor_is_new(get(A), loop_now_ms()));
	tunnels_neighbors_begin(ts);
	tunnels_neighbors_end(ts);
	ck_assert_str_eq(get(A)->ospf, "");
	ck_assert(tunnels_settling(ts));
	ck_assert(!tunnel_neighbor_is_new(get(A), 0));
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
	tcase_add_test(tc, a_peer_behind_nat_is_waited_for);
	tcase_add_test(tc, tunnels_begin_again_where_the_router_is);
	tcase_add_test(tc, another_address_of_the_nat_begins_anew);
	tcase_add_loop_test(tc, silence_behind_nat_begins_anew, 0, 2);
	tcase_add_test(tc, no_takeover_when_it_came_up);
	tcase_add_test(tc, who_is_new_introduces_itself);
	tcase_add_test(tc, only_who_waits_for_the_first_call);
	tcase_add_test(tc, one_too_many_is_said_once);
	tcase_add_test(tc, failures_back_off_and_alarm);
	tcase_add_loop_test(tc, each_cause_has_its_wait, 0, COUNT(causes));
	tcase_add_test(tc, hints_say_why);
	tcase_add_test(tc, the_first_cause_stays);
	tcase_add_test(tc, the_peers_attempts_are_its_own);
	tcase_add_test(tc, a_failure_while_up_is_nothing);
	tcase_add_test(tc, down_asks_then_waits_the_minimum);
	tcase_add_test(tc, no_answer_is_not_waited_for);
	tcase_add_test(tc, not_listed_any_more);
	tcase_add_test(tc, a_pause);
	tcase_add_test(tc, a_tunnel_that_hears_nothing);
	tcase_add_test(tc, a_neighbour_ends_the_silence);
	tcase_add_test(tc, a_tunnel_nobody_uses);
	tcase_add_test(tc, looks_get_rarer);
	tcase_add_test(tc, routes_come_with_whole_rounds);
	tcase_add_test(tc, what_is_not_known_changes_nothing);
	tcase_add_test(tc, found_by_what_they_have);
	tcase_add_test(tc, in_the_queue);
	tcase_add_test(tc, hints_grow_old);
	tcase_add_test(tc, a_kick_of_one);
	tcase_add_loop_test(tc, every_state_and_event, 0,
						PEER_STATE_COUNT * PEER_EVENT_COUNT);
	tcase_add_test(tc, nobody_there);
	tcase_add_test(tc, a_vpn_without_a_place_has_no_tunnels);
	tcase_add_test(tc, this_end_moved);
	tcase_add_test(tc, silence_has_a_least);
	tcase_add_test(tc, looked_at_while_it_settles);
	tcase_add_test(tc, faults_of_this_router);
	tcase_add_test(tc, a_hub_does_not_stampede);
	tcase_add_test(tc, a_hub_comes_up_quickly);
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
