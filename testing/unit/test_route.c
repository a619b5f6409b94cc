/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/* test_route.c - hostile request targets, matching, and the timer wheel */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "run.h"
#include "server/route.h"
#include "server/wheel.h"

static const struct
{
	const char *target;
	int rc;
	const char *segments;	/* joined by '|' */
	const char *q;
} targets[] = {
	{ "/", 0, "", NULL },
	{ "/a/b-c/d", 0, "a|b-c|d", NULL },
	{ "/a%20b/%41", 0, "a b|A", NULL },
	{ "/a?q=1", 0, "a", "1" },
	{ "/a?x=y&q=%2F%26&z", 0, "a", "/&" },
	{ "/a?q", 0, "a", "" },
	{ "/a?", 0, "a", NULL },
	{ "/a%25%32%65", 0, "a%2e", NULL },		/* decoded once */
	{ "", -EINVAL, NULL, NULL },
	{ "a", -EINVAL, NULL, NULL },
	{ "*", -EINVAL, NULL, NULL },
	{ "//a", -EINVAL, NULL, NULL },
	{ "/a/", -EINVAL, NULL, NULL },
	{ "/a//b", -EINVAL, NULL, NULL },
	{ "/.", -EINVAL, NULL, NULL },
	{ "/a/..", -EINVAL, NULL, NULL },
	{ "/%2e%2E/a", -EINVAL, NULL, NULL },
	{ "/a%2Fb", -EINVAL, NULL, NULL },
	{ "/a%", -EINVAL, NULL, NULL },
	{ "/a%4", -EINVAL, NULL, NULL },
	{ "/a%g0", -EINVAL, NULL, NULL },
	{ "/a%00b", -EINVAL, NULL, NULL },
	{ "/a%7f", -EINVAL, NULL, NULL },
	{ "/a\x80", -EINVAL, NULL, NULL },
	{ "/a\tb", -EINVAL, NULL, NULL },
	{ "/a?q=%0a", -EINVAL, NULL, NULL },
	{ "/a?=1", -EINVAL, NULL, NULL },
	{ "/a?q=1&&r=2", -EINVAL, NULL, NULL },
	{ "/a?q=1&q=2", -EINVAL, NULL, NULL },
	{ "/1/2/3/4/5/6/7/8", 0, "1|2|3|4|5|6|7|8", NULL },
	{ "/1/2/3/4/5/6/7/8/9", -ENAMETOOLONG, NULL, NULL },
};

START_TEST(takes_targets_apart)
{
	struct route_target t;
	char joined[256] = "";
	const char *q;

	ck_assert_msg(route_parse(targets[_i].target, &t) == targets[_i].rc,
				  "%s", targets[_i].target);
	if (targets[_i].rc)
	{
		ck_assert_ptr_null(t.text);
		return;
	}
	for (size_t i = 0; i < t.segment_count; i++)
	{
		strcat(joined, i ? "|" : "");
		strcat(joined, t.segments[i]);
	}
	ck_assert_str_eq(joined, targets[_i].segments);
	q = route_query(&t, "q");
	ck_assert_int_eq(q == NULL, targets[_i].q == NULL);
	if (q)
	{
		ck_assert_str_eq(q, targets[_i].q);
	}
	route_target_done(&t);
}
END_TEST

START_TEST(refuses_long_targets)
{
	char target[ROUTE_TARGET_MAX + 2];
	struct route_target t;

	memset(target, 'a', sizeof(target));
	target[0] = '/';
	target[ROUTE_TARGET_MAX + 1] = '\0';
	ck_assert_int_eq(route_parse(target, &t), -ENAMETOOLONG);
	target[ROUTE_TARGET_MAX] = '\0';
	ck_assert_int_eq(route_parse(target, &t), 0);
	route_target_done(&t);
}
END_TEST

static const struct http_route routes[] = {
	{ "GET", "/v1/vpns", NULL, 0, 0 },
	{ "POST", "/v1/vpns", NULL, 0, 0 },
	{ "GET", "/v1/vpns/{customer}/{vpn}", NULL, 0, 0 },
	{ "GET", "/v1/vpns/{customer}/{vpn}/sites", NULL, 0, 0 },
	{ .method = NULL },
};

static const struct
{
	const char *method, *target;
	int rc, index;
	const char *allow;
} finds[] = {
	{ "GET", "/v1/vpns", 0, 0, "" },
	{ "POST", "/v1/vpns", 0, 1, "GET" },
	{ "GET", "/v1/vpns/a/b", 0, 2, "" },
	{ "GET", "/v1/vpns/a/sites", 0, 2, "" },
	{ "GET", "/v1/vpns/a/b/sites", 0, 3, "" },
	{ "DELETE", "/v1/vpns", -EPERM, -1, "GET, POST" },
	{ "get", "/v1/vpns", -EPERM, -1, "GET, POST" },
	{ "GET", "/", -ENOENT, -1, "" },
	{ "GET", "/v1", -ENOENT, -1, "" },
	{ "GET", "/v1/vpn", -ENOENT, -1, "" },
	{ "GET", "/v1/vpnsx", -ENOENT, -1, "" },
	{ "GET", "/v1/vpns/a", -ENOENT, -1, "" },
	{ "GET", "/v1/vpns/a/b/c", -ENOENT, -1, "" },
	{ "GET", "/v1/vpns/a/b/sites/x", -ENOENT, -1, "" },
	{ "GET", "/V1/vpns", -ENOENT, -1, "" },
};

START_TEST(finds_routes)
{
	const struct http_route *route = NULL;
	char allow[ROUTE_ALLOW_SIZE];
	struct route_target t;

	ck_assert_int_eq(route_parse(finds[_i].target, &t), 0);
	ck_assert_int_eq(route_find(routes, finds[_i].method, &t, &route, allow),
					 finds[_i].rc);
	if (finds[_i].rc == 0)
	{
		ck_assert_int_eq(route - routes, finds[_i].index);
	}
	else
	{
		ck_assert_str_eq(allow, finds[_i].allow);
	}
	route_target_done(&t);
}
END_TEST

START_TEST(gives_segments_by_name)
{
	const char *pattern = "/v1/vpns/{customer}/{vpn}";
	struct route_target t;

	ck_assert_int_eq(route_parse("/v1/vpns/acme/co%72p", &t), 0);
	ck_assert_str_eq(route_segment(pattern, &t, "customer"), "acme");
	ck_assert_str_eq(route_segment(pattern, &t, "vpn"), "corp");
	ck_assert_ptr_null(route_segment(pattern, &t, "custom"));
	ck_assert_ptr_null(route_segment(pattern, &t, "v1"));
	route_target_done(&t);
}
END_TEST

/* ---- wheel -------------------------------------------------------------------- */

#define TIMERS 2000

START_TEST(wheel_expires_in_time)
{
	static struct wheel w;
	static struct wheel_entry e[TIMERS];
	uint64_t now = 123456;
	unsigned expired = 0, armed = 0;

	srandom(7);
	wheel_init(&w, now);
	for (int i = 0; i < TIMERS; i++)
	{
		/* some beyond one round of the wheel, some in the past */
		wheel_arm(&w, &e[i], now - 50 + (uint64_t)(random() % 200000));
	}
	for (int i = 0; i < TIMERS; i += 3)
	{
		wheel_disarm(&w, &e[i]);
		wheel_disarm(&w, &e[i]);
	}
	armed = TIMERS - (TIMERS + 2) / 3;
	ck_assert_uint_eq(w.count, armed);
	for (uint64_t last = now; now < 123456 + 210000; now += 37)
	{
		struct wheel_entry *entry;

		while ((entry = wheel_expired(&w, now)))
		{
			ck_assert_uint_le(entry->due_ms, now);
			ck_assert(entry->due_ms > last || last == 123456);
			ck_assert_int_ne((entry - e) % 3, 0);
			expired++;
		}
		last = now;
	}
	ck_assert_uint_eq(expired, armed);
	ck_assert_uint_eq(w.count, 0);
}
END_TEST

START_TEST(wheel_survives_a_long_sleep)
{
	static struct wheel w;
	static struct wheel_entry e[3];

	wheel_init(&w, 1000);
	wheel_arm(&w, &e[0], 2000);
	wheel_arm(&w, &e[1], 70000);
	wheel_arm(&w, &e[2], 99000000);
	wheel_arm(&w, &e[1], 80000);	/* moved */
	ck_assert_uint_eq(w.count, 3);
	ck_assert_ptr_null(wheel_expired(&w, 1999));
	ck_assert_ptr_nonnull(wheel_expired(&w, 90000000));
	ck_assert_ptr_nonnull(wheel_expired(&w, 90000000));
	ck_assert_ptr_null(wheel_expired(&w, 90000000));
	ck_assert_ptr_eq(wheel_any(&w), &e[2]);
	ck_assert_ptr_null(wheel_any(&w));
}
END_TEST

int main(void)
{
	TCase *tc = tcase_create("route");

	tcase_add_loop_test(tc, takes_targets_apart, 0, COUNT(targets));
	tcase_add_test(tc, refuses_long_targets);
	tcase_add_loop_test(tc, finds_routes, 0, COUNT(finds));
	tcase_add_test(tc, gives_segments_by_name);
	tcase_add_test(tc, wheel_expires_in_time);
	tcase_add_test(tc, wheel_survives_a_long_sleep);
	return run_case(tc, "route");
}
