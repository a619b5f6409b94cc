/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * test_alert.c - what follows from charon's alerts and from unknown peers, on a
 * clock that the test moves; however many come, the server is asked seldom
 */
#include "config.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/agent.h"
#include "agent/alert.h"
#include "agent/charon.h"
#include "agent/event.h"
#include "agent/negotiate.h"
#include "alloc.h"
#include "fake_loop.h"
#include "log.h"
#include "run.h"

#define A "ppvpn:acme:corp:a"

static struct agent *agent;
static uint64_t pokes[1000];
static unsigned poked;
static struct provider_status status;
static struct model_peer peers[] = {
	{ .peer = (char*)"a", .identity = (char*)"a.x.y", .initiator = MODEL_LOCAL },
};
static struct model_vpn vpn = {
	.customer = (char*)"acme", .vpn = (char*)"corp", .peers = peers,
	.peer_count = 1, .retry = { 5, 10, 2, 600, 8 },
};
static struct model_document doc = { .vpns = &vpn, .vpn_count = 1 };

/* ---- what alert.c asks of others ------------------------------------------- */

void agent_alarm(struct agent *a, enum err_code code, const char *resource,
				 enum status_severity severity, const char *fmt, ...)
{
	char text[256];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	alarm_raise(&a->alarms, code, resource, severity, loop_now_ms(), text);
}

void agent_alarm_clear(struct agent *a, enum err_code code,
					   const char *resource)
{
	alarm_clear(&a->alarms, code, resource);
}

void event_emit(struct control *control, enum event_code code,
				const char *where, enum err_code cause, const char *fmt, ...)
{
	ck_assert_int_eq(code, EVENT_UNKNOWN_PEER_PULL);
	(void)control;
	(void)where;
	(void)cause;
	(void)fmt;
}

void negotiate_resource(const struct tunnel *t, char out[PLACE_SIZE])
{
	snprintf(out, PLACE_SIZE, "%s/%s/%s", t->customer, t->vpn, t->peer);
}

void provider_poke(struct provider *p)
{
	(void)p;
	ck_assert_uint_lt(poked, COUNT(pokes));
	pokes[poked++] = loop_now_ms();
}

void provider_status(const struct provider *p, struct provider_status *out)
{
	(void)p;
	*out = status;
}

const struct conf_vpn *conf_vpn(const struct conf *c, const char *customer,
								const char *name)
{
	static const struct conf_vpn place;

	(void)c;
	(void)customer;
	(void)name;
	return &place;
}

static void nothing(void *user, struct tunnel *t)
{
	(void)user;
	(void)t;
}

static void no_change(void *user, struct tunnel *t, enum peer_state old)
{
	(void)user;
	(void)t;
	(void)old;
}

static void no_alarm(void *user, struct tunnel *t, enum err_code code, bool on)
{
	(void)user;
	(void)t;
	(void)code;
	(void)on;
}

static void setup(void)
{
	static const struct tunnels_handlers handlers = {
		nothing, nothing, nothing, no_change, no_alarm,
	};
	struct provider_document d = { .doc = &doc, .from_disk = true };

	log_init("test", LOG_LEVEL_ERROR);
	peers[0].remote_address = addr_from_u32(0xc0000209);
	vpn.ce_address = addr_from_u32(0xc0000205);
	agent = xcalloc(1, sizeof(*agent));
	agent->tunnels = tunnels_new(NULL, &handlers, NULL);
	tunnels_document(agent->tunnels, &agent->conf, &d);
	tunnels_ready(agent->tunnels);
	fake_loop_pass(100);
	poked = 0;
	memset(&status, 0, sizeof(status));
}

static void teardown(void)
{
	tunnels_free(agent->tunnels);
	free(agent);
}

static void alert(const char *word, const char *name, const char *address,
				  const char *identity, bool ours)
{
	struct charon_alert a = {
		.alert = word, .name = name, .remote_address = address,
		.remote_identity = identity, .ours = ours,
	};

	alert_handle(agent, &a);
}

static struct alarm *find(enum err_code code)
{
	for (size_t i = 0; i < agent->alarms.count; i++)
	{
		if (agent->alarms.items[i].code == code)
		{
			return &agent->alarms.items[i];
		}
	}
	return NULL;
}

static struct tunnel *tunnel(void)
{
	return tunnels_get(agent->tunnels, 0);
}

/* ---- unknown peers --------------------------------------------------------- */

/* As the plugin would report them: every one another address. */
static void flood(unsigned count, unsigned ms_each)
{
	char address[32];

	for (unsigned i = 0; i < count; i++)
	{
		snprintf(address, sizeof(address), "198.18.%u.%u", i / 256 % 256,
				 i % 256);
		alert_unknown_peer(agent, address, NULL, 1);
		fake_loop_pass(ms_each);
		if (i % (1000 / ms_each) == 0)
		{
			alert_strangers(agent);
		}
	}
}

START_TEST(a_flood_is_two_questions_in_30_s)
{
	flood(10000, 5);			/* 50 s */
	ck_assert_uint_eq(poked, 2);
	ck_assert_uint_ge(pokes[1] - pokes[0], 30000);
	ck_assert_uint_eq(agent->counts.unknown_peers, 10000);
	ck_assert_uint_eq(agent->counts.unknown_asked, 2);
	/* one alarm for all of them */
	ck_assert_uint_eq(agent->alarms.count, 1);
	ck_assert_int_eq(find(ERR_UNKNOWN_PEER)->severity, STATUS_WARNING);
	/* it passes, and what came last is asked for, too */
	for (unsigned s = 0; s < 20 * 60; s++)
	{
		fake_loop_pass(1000);
		alert_strangers(agent);
	}
	ck_assert_uint_eq(poked, 3);
	ck_assert_int_eq(find(ERR_UNKNOWN_PEER)->severity, STATUS_CLEARED);
}
END_TEST

/* A new site that comes five seconds after a stranger is asked for all the
 * same, when the time has come. */
START_TEST(none_is_forgotten)
{
	alert_unknown_peer(agent, "198.18.0.1", NULL, 1);
	ck_assert_uint_eq(poked, 1);
	fake_loop_pass(5000);
	alert_unknown_peer(agent, "192.0.2.13", NULL, 1);
	ck_assert_uint_eq(poked, 1);
	for (unsigned s = 0; s < 60; s++)
	{
		fake_loop_pass(1000);
		alert_strangers(agent);
	}
	ck_assert_uint_eq(poked, 2);
	ck_assert_uint_ge(pokes[1] - pokes[0], 30000);
	ck_assert_uint_le(pokes[1] - pokes[0], 31000);
}
END_TEST

START_TEST(not_an_address)
{
	alert_unknown_peer(agent, "fe80::1", NULL, 1);
	alert_unknown_peer(agent, "", NULL, 1);
	alert_unknown_peer(agent, NULL, NULL, 1);
	ck_assert_uint_eq(poked, 0);
}
END_TEST

/* Whoever has become known meanwhile is no stranger. */
START_TEST(a_peer_by_now)
{
	alert_unknown_peer(agent, "192.0.2.9", NULL, 1);
	fake_loop_pass(6000);
	alert_strangers(agent);
	ck_assert_ptr_null(find(ERR_UNKNOWN_PEER));
}
END_TEST

/* ---- alerts ---------------------------------------------------------------- */

START_TEST(our_attempt_fails)
{
	ck_assert_int_eq(tunnel()->state, PEER_CONNECTING);
	alert("local-auth-failed", A, "192.0.2.9", "a.x.y", true);
	ck_assert_int_eq(tunnel()->state, PEER_WAITING);
	ck_assert_int_eq(find(ERR_AUTH_FAILED)->severity, STATUS_MAJOR);
	ck_assert_str_eq(find(ERR_AUTH_FAILED)->resource, "acme/corp/a");
	/* no repeated alarm makes a second one */
	alert("local-auth-failed", A, "192.0.2.9", "a.x.y", true);
	ck_assert_uint_eq(agent->alarms.count, 1);
}
END_TEST

/* Packets that anybody can send end no attempt and raise nothing. */
static const char *const forgeable[] = {
	"proposal-mismatch-ike", "half-open-timeout", "unique-replace", "nonsense",
};

START_TEST(forged_packets_end_nothing)
{
	alert(forgeable[_i], NULL, "192.0.2.9", NULL, false);
	alert(forgeable[_i], NULL, "192.0.2.9", NULL, true);
	ck_assert_int_eq(tunnel()->state, PEER_CONNECTING);
	ck_assert_int_eq(tunnel()->last_error, ERR_NONE);
	ck_assert_uint_eq(agent->alarms.count, 0);
}
END_TEST

START_TEST(the_peers_attempt_fails)
{
	alert("peer-auth-failed", A, "192.0.2.9", "a.x.y", false);
	ck_assert_int_eq(tunnel()->state, PEER_CONNECTING);
	ck_assert_str_eq(find(ERR_AUTH_FAILED)->resource, "acme/corp/a");
}
END_TEST

START_TEST(an_impostor_does_not_touch_the_tunnel)
{
	alert("peer-auth-failed", A, "192.0.2.77", "a.x.y", true);
	ck_assert_int_eq(tunnel()->state, PEER_CONNECTING);
	ck_assert_int_eq(find(ERR_IMPERSONATION)->severity, STATUS_CRITICAL);
	ck_assert_ptr_null(find(ERR_AUTH_FAILED));
}
END_TEST

START_TEST(no_alarm_for_a_path_that_is_down)
{
	alert("retransmit-send-timeout", A, "192.0.2.9", NULL, true);
	ck_assert_int_eq(tunnel()->state, PEER_WAITING);
	ck_assert_int_eq(tunnel()->last_error, ERR_PEER_UNREACHABLE);
	ck_assert_uint_eq(agent->alarms.count, 0);
}
END_TEST

START_TEST(an_older_document)
{
	status.rejected = true;
	status.refusal.code = ERR_DOCUMENT_STALE;
	alert_document(agent);
	ck_assert_int_eq(find(ERR_DOCUMENT_STALE)->severity, STATUS_MAJOR);
	status.rejected = false;
	status.refusal.code = ERR_NONE;
	alert_document(agent);
	ck_assert_int_eq(find(ERR_DOCUMENT_STALE)->severity, STATUS_CLEARED);
}
END_TEST

/* By what it sends, or by what it says of versions: one alarm. */
START_TEST(a_server_of_another_version)
{
	struct err *const said[] = { &status.refusal, &status.skew };

	for (size_t i = 0; i < COUNT(said); i++)
	{
		err_set(said[i], 0, ERR_SCHEMA, "a", "it has number %zu", i);
		alert_document(agent);
		ck_assert_int_eq(find(ERR_SCHEMA)->severity, STATUS_MAJOR);
		ck_assert_str_eq(find(ERR_SCHEMA)->text, said[i]->text);
		alert_document(agent);
		ck_assert_uint_eq(find(ERR_SCHEMA)->count, i + 1);
		memset(said[i], 0, sizeof(*said[i]));
		alert_document(agent);
		ck_assert_int_eq(find(ERR_SCHEMA)->severity, STATUS_CLEARED);
	}
	/* a refused document stays refused meanwhile */
	status.refusal.code = ERR_ROLLED_BACK;
	status.skew.code = ERR_SCHEMA;
	alert_document(agent);
	ck_assert_int_eq(find(ERR_ROLLED_BACK)->severity, STATUS_MAJOR);
	ck_assert_int_eq(find(ERR_SCHEMA)->severity, STATUS_MAJOR);
}
END_TEST

int main(void)
{
	TCase *tc = tcase_create("alert");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, a_flood_is_two_questions_in_30_s);
	tcase_add_test(tc, none_is_forgotten);
	tcase_add_test(tc, not_an_address);
	tcase_add_test(tc, a_peer_by_now);
	tcase_add_test(tc, our_attempt_fails);
	tcase_add_loop_test(tc, forged_packets_end_nothing, 0, COUNT(forgeable));
	tcase_add_test(tc, the_peers_attempt_fails);
	tcase_add_test(tc, an_impostor_does_not_touch_the_tunnel);
	tcase_add_test(tc, no_alarm_for_a_path_that_is_down);
	tcase_add_test(tc, an_older_document);
	tcase_add_test(tc, a_server_of_another_version);
	return run_case(tc, "alert");
}
