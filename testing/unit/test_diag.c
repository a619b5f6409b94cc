/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * test_diag.c - the diagnostic bundle: what is in it, what never is, how long
 */
#include "config.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "agent/charon.h"
#include "agent/diag.h"
#include "alloc.h"
#include "json_out.h"
#include "json_scan.h"
#include "run.h"

/* planted wherever the agent holds a secret or what is derived of one */
#define PLANTED "5ec2e75ec2e75ec2e75ec2e75ec2e75e"
#define TAG "7a9" PLANTED "7a97a97a97a97a97a97a97a97a97a9"

static struct arena *arena;
static struct observation seen;
static struct resource_set want;
static struct desired desired;
static struct plan plan;
static struct json_out out;

static void setup(void)
{
	arena = arena_new();
	memset(&seen, 0, sizeof(seen));
	memset(&desired, 0, sizeof(desired));
	seen.arena = arena;
	resource_set_init(&seen.have, arena);
	resource_set_init(&want, arena);
}

static void teardown(void)
{
	plan_done(&plan);
	resource_set_done(&seen.have);
	resource_set_done(&want);
	facts_done(&seen.facts);
	text_done(&out.text);
	memset(&out, 0, sizeof(out));
	arena_free(arena);
}

static void conn(struct resource_set *set, const char *name, const char *tag)
{
	static struct model_key key = { .key_id = (char*)"g1", .secret.len = 32 };
	struct res_conn spec = {
		.name = (char*)name, .keys = &key, .key_count = 1,
		.json = (char*)"{\"secret\":\"" PLANTED "\"}",
	};

	memcpy(key.secret.bytes, PLANTED, 32);
	snprintf(spec.tag, sizeof(spec.tag), "%.64s", tag);
	resource_conn(set, RES_OURS, &spec);
}

static void link_of(unsigned n)
{
	char name[16], key[128];
	struct res_link spec = {
		.name = name, .driver = "vti", .local = addr_from_u32(0xc0000205),
		.remote = addr_from_u32(0xc0010000 + n), .mark = 0x70ff0000 + n,
		.master = (char*)"corp", .mtu = 1400,
	};

	snprintf(name, sizeof(name), "ppv%u", n);
	snprintf(key, sizeof(key), "ppvpn:acme:corp:a-site-with-a-name-%u", n);
	resource_link(&seen.have, RES_OURS, key, &spec);
	facts_add_link(&seen.facts, arena, name, true);
	facts_add_neighbor(&seen.facts, arena, name, "Full/-");
	facts_add_routed(&seen.facts, arena, name);
	*facts_add_sa(&seen.facts, arena, key) = (struct fact_sa){
		.conn = arena_strdup(arena, key), .ike_state = (char*)"ESTABLISHED",
		.child_state = (char*)"INSTALLED", .proposal = (char*)"AES_GCM_16",
		.installed = 1,
	};
}

static const char *build(void)
{
	struct err e;

	plan_build(&want, &seen.have, RES_ALL, NULL, &plan);
	jo_object(&out, NULL);
	diag_put_plan(&out, &plan, &desired);
	diag_put_seen(&out, &seen);
	jo_object_end(&out);
	ck_assert_msg(json_scan(out.text.s, out.text.len, &(struct json_limits){
				  .bytes = DIAG_MAX, .depth = 8, .values = 100000,
				  .members = 64, .string = 4096 }, &e) == 0,
				  "%s: %s", e.where, e.text);
	return text_str(&out.text);
}

START_TEST(what_is_there)
{
	struct res_rule rule = { .pref = 100, .table = 254, .fwmark = 5 };
	struct prefix p = { .addr = addr_from_u32(0x0a010001), .len = 24 };
	const char *text;

	link_of(7);
	resource_rule(&seen.have, RES_FOREIGN, &rule);
	facts_add_address(&seen.facts, arena, "eth1", &p);
	seen.facts.unknown_kinds = RES_BIT(RES_OSPF);
	text = build();
	ck_assert_ptr_nonnull(strstr(text, "{\"kind\":\"link\",\"key\":\"ppvpn:acme:"
				"corp:a-site-with-a-name-7\",\"ours\":true,\"is\":{\"name\":"
				"\"ppv7\",\"driver\":\"vti\",\"local\":\"192.0.2.5\""));
	ck_assert_ptr_nonnull(strstr(text, "{\"kind\":\"rule\",\"key\":\"100 254\","
				"\"ours\":false"));
	ck_assert_ptr_nonnull(strstr(text, "\"address\":\"10.1.0.1/24\""));
	ck_assert_ptr_nonnull(strstr(text, "\"state\":\"Full/-\""));
	ck_assert_ptr_nonnull(strstr(text, "\"unknown\":[\"ospf\"]"));
	ck_assert_ptr_nonnull(strstr(text, "\"op\":\"delete\",\"kind\":\"link\""));
}
END_TEST

START_TEST(no_secret_nor_what_is_made_of_one)
{
	const char *text;

	conn(&seen.have, "ppvpn:acme:corp:a", TAG);
	conn(&want, "ppvpn:acme:corp:a", PLANTED);		/* an update */
	conn(&want, "ppvpn:acme:corp:b", TAG);			/* a create */
	conn(&seen.have, "ppvpn:acme:corp:c", TAG);		/* a delete */
	text = build();
	ck_assert_uint_eq(plan.count, 3);
	ck_assert_ptr_nonnull(strstr(plan.steps[0].reason, "tag"));
	ck_assert_ptr_nonnull(strstr(text, "{\"op\":\"update\",\"kind\":\"conn\","
				"\"key\":\"ppvpn:acme:corp:a\",\"reason\":\"\"}"));
	ck_assert_ptr_nonnull(strstr(text, "{\"kind\":\"conn\",\"key\":"
				"\"ppvpn:acme:corp:c\",\"ours\":true,\"is\":{}}"));
	ck_assert_ptr_null(strstr(text, PLANTED));
	ck_assert_ptr_null(strstr(text, "secret"));
	ck_assert_ptr_null(strstr(text, "tag"));
}
END_TEST

START_TEST(bounded_however_many_there_are)
{
	struct res_rule rule = { .pref = 100, .table = 254 };
	const char *text;
	char name[64];

	for (unsigned i = 1; i <= 10000; i++)
	{
		link_of(i);
		snprintf(name, sizeof(name), "ppvpn:acme:corp:p%u", i);
		conn(&seen.have, name, TAG);
	}
	resource_rule(&seen.have, RES_OURS, &rule);
	text = build();
	/* what report_diag() puts before it takes 96 KiB at most */
	ck_assert_uint_lt(out.text.len, DIAG_MAX - (96u << 10));
	ck_assert_ptr_nonnull(strstr(text, "\"resources-count\":20001"));
	ck_assert_ptr_nonnull(strstr(text, "\"plan-count\":20001"));
	ck_assert_ptr_nonnull(strstr(text, "\"sas-count\":10000"));
	/* the few are not drowned by the many */
	ck_assert_ptr_nonnull(strstr(text, "\"key\":\"100 254\""));
}
END_TEST

int main(void)
{
	TCase *tc = tcase_create("diag");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, what_is_there);
	tcase_add_test(tc, no_secret_nor_what_is_made_of_one);
	tcase_add_test(tc, bounded_however_many_there_are);
	return run_case(tc, "diag");
}
