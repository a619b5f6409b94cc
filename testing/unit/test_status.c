/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * test_status.c - reports: encode, decode
 */
#include "config.h"

#include <errno.h>
#include <stdio.h>

#include "alloc.h"
#include "err.h"
#include "run.h"
#include "status.h"
#include "text.h"

/* the structs own their strings, so these are not const */
#define S (char *)

static struct arena *arena;
static struct err e;
static struct status_error fault;
static struct status_peer peer;
static struct status_alarm alarm_;
static struct status_report report;

static void setup(void)
{
	arena = arena_new();
	memset(&e, 0, sizeof(e));
	fault = (struct status_error){
		.code = S "kernel", .where = S "ppv3", .text = S "no module",
	};
	peer = (struct status_peer){
		.customer = S "acme", .vpn = S "corp", .peer = S "lyon", .state = S "up",
		.ike = S "ESTABLISHED", .child = S "INSTALLED",
		.proposal = S "AES_GCM_16-256/ECP_384", .ospf = S "Full", .route = true,
		.since = 12, .attempts = 1, .in_bytes = 100, .out_bytes = 200,
		.last_error = S "none", .has_service = true,
		.service = { .revision = 4, .done = 3, .ms = { 1, 2, 3 } },
	};
	alarm_ = (struct status_alarm){
		.code = S "timeout", .resource = S "acme/corp/lyon",
		.severity = STATUS_MAJOR, .count = 2, .age = 3, .text = S "late",
	};
	report = (struct status_report){
		.ce = S "acme/paris-r1",
		.boot_id = S "0123456789abcdef0123456789abcdef", .seq = 9,
		.agent_version = S "0.1.0", .uptime = 77, .epoch = 3, .revision = 4711,
		.result = STATUS_PARTIAL, .on_trial = true, .errors = &fault,
		.error_count = 1,
		.peers = &peer, .peer_count = 1, .alarms = &alarm_, .alarm_count = 1,
	};
}

static void teardown(void)
{
	arena_free(arena);
}

/* what the server sees of the report */
static struct status_report *pass(void)
{
	struct status_report *out;
	struct text t = status_encode(&report);
	int rc = status_decode(arena, t.s, t.len, &out, &e);

	ck_assert_msg(rc == 0, "%s: %s in %s", e.where, e.text, t.s);
	text_done(&t);
	return out;
}

START_TEST(test_round)
{
	struct status_report *out = pass();
	struct text first, second;

	ck_assert_str_eq(out->ce, report.ce);
	ck_assert_str_eq(out->boot_id, report.boot_id);
	ck_assert(out->seq == 9 && out->uptime == 77 && out->epoch == 3);
	ck_assert_int_eq(out->result, STATUS_PARTIAL);
	ck_assert_str_eq(out->errors[0].where, "ppv3");
	ck_assert_str_eq(out->peers[0].proposal, peer.proposal);
	ck_assert(out->peers[0].route);
	ck_assert(out->peers[0].out_bytes == 200);
	ck_assert(out->peers[0].has_service);
	ck_assert_uint_eq(out->peers[0].service.done, 3);
	ck_assert_uint_eq(out->peers[0].service.ms[2], 3);
	ck_assert_int_eq(out->alarms[0].severity, STATUS_MAJOR);
	first = status_encode(&report);
	second = status_encode(out);
	ck_assert_str_eq(text_str(&first), text_str(&second));
	text_done(&first);
	text_done(&second);
}
END_TEST

START_TEST(test_no_service)
{
	peer.has_service = false;
	ck_assert(!pass()->peers[0].has_service);
	peer.has_service = true;
	peer.service.done = 0;
	ck_assert(pass()->peers[0].has_service);
	ck_assert_uint_eq(pass()->peers[0].service.done, 0);
	peer.service.done = STATUS_PHASE_COUNT;
	ck_assert_uint_eq(pass()->peers[0].service.done, STATUS_PHASE_COUNT);
}
END_TEST

/* what charon or FRR said must never make a report that the server refuses */
START_TEST(test_cleaned)
{
	struct status_report *out;
	char longer[1000];

	memset(longer, 'x', sizeof(longer));
	longer[sizeof(longer) - 1] = '\0';
	fault.text = longer;
	fault.where = longer;
	peer.ike = S "a\nb\xc3\xa9";
	peer.child = longer;
	peer.ospf = NULL;
	peer.proposal = longer;
	peer.in_bytes = UINT64_MAX;
	alarm_.resource = S "";
	out = pass();
	ck_assert_str_eq(out->peers[0].ike, "a?b??");
	ck_assert_str_eq(out->peers[0].ospf, "");
	ck_assert_uint_eq(strlen(out->peers[0].child), 32);
	ck_assert(out->peers[0].in_bytes == 9007199254740991);
	ck_assert_str_eq(out->alarms[0].resource, "?");
	ck_assert_uint_eq(strlen(out->errors[0].where), 127);
}
END_TEST

START_TEST(test_many)
{
	struct status_error *errors = calloc(100, sizeof(*errors));
	struct status_alarm *alarms = calloc(1000, sizeof(*alarms));
	int i;

	for (i = 0; i < 100; i++)
	{
		errors[i] = fault;
	}
	for (i = 0; i < 1000; i++)
	{
		alarms[i] = alarm_;
	}
	report.errors = errors;
	report.error_count = 100;
	report.alarms = alarms;
	report.alarm_count = 1000;
	ck_assert_uint_eq(pass()->error_count, STATUS_ERRORS_MAX);
	ck_assert_uint_eq(pass()->alarm_count, STATUS_ALARMS_MAX);
	free(errors);
	free(alarms);
}
END_TEST

static const struct {
	const char *what, *with, *where;
} faults[] = {
	{ "ce-status/1", "ce-status/2", "/schema" },
	{ "\"fetch-ms\":1,", "", "/peers/0/service/fetch-ms" },
	{ "\"apply-ms\":2,", "", "/peers/0/service/apply-ms" },
	{ "\"fetch-ms\":1", "\"fetch-ms\":-1", "/peers/0/service/fetch-ms" },
	{ "\"on-trial\":true", "\"on-trial\":1", "/on-trial" },
	{ "\"route\":true", "\"route\":1", "/peers/0/route" },
	{ "\"up\"", "\"UP\"", "/peers/0/state" },
	{ "0123456789abcdef", "0123456789ABCDEF", "/boot-id" },
	{ "\"major\"", "\"huge\"", "/alarms/0/severity" },
	{ "\"text\":\"late\"", "\"text\":\"la\\u001bte\"", "/alarms/0/text" },
	{ "\"seq\":9", "\"seq\":9,\"x\":1", "/x" },
};

START_TEST(test_faults)
{
	struct text t = status_encode(&report), bad = { 0 };
	struct status_report *out = (struct status_report *)1;
	char *at = strstr(t.s, faults[_i].what);

	ck_assert_msg(at != NULL, "'%s' is not in %s", faults[_i].what, t.s);
	text_addn(&bad, t.s, (size_t)(at - t.s));
	text_add(&bad, faults[_i].with);
	text_add(&bad, at + strlen(faults[_i].what));
	ck_assert_int_eq(status_decode(arena, bad.s, bad.len, &out, &e), -EINVAL);
	ck_assert_str_eq(e.where, faults[_i].where);
	ck_assert_ptr_null(out);
	text_done(&t);
	text_done(&bad);
}
END_TEST

int main(void)
{
	TCase *tc = tcase_create("status");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, test_round);
	tcase_add_test(tc, test_no_service);
	tcase_add_test(tc, test_cleaned);
	tcase_add_test(tc, test_many);
	tcase_add_loop_test(tc, test_faults, 0, COUNT(faults));
	return run_case(tc, "status");
}
