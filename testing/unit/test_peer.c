/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * test_peer.c - the peer's table is whole, and its waits are the draft's
 */
#include "config.h"

#include "agent/peer.h"
#include "run.h"

static const struct model_retry retry = {
	.minimum_wait = 5, .t1 = 10, .factor = 2, .maximum = 600, .alarm_after = 8,
};

START_TEST(every_pair_is_decided)
{
	for (int s = 0; s < PEER_STATE_COUNT; s++)
	{
		for (int e = 0; e < PEER_EVENT_COUNT; e++)
		{
			ck_assert_msg((peer_row(s, e) != NULL) != peer_ignored(s, e),
						  "%s, %s: neither a row nor ignored, or both",
						  peer_state_name(s), peer_event_name(e));
		}
	}
}
END_TEST

START_TEST(removed_always_stops)
{
	for (int s = 0; s < PEER_STATE_COUNT; s++)
	{
		ck_assert_int_eq(peer_row(s, PEER_EV_REMOVED)->action, PEER_STOP);
		ck_assert_int_eq(peer_row(s, PEER_EV_REMOVED)->next, PEER_IDLE);
	}
}
END_TEST

START_TEST(never_two_attempts_at_once)
{
	for (int e = 0; e < PEER_EVENT_COUNT; e++)
	{
		const struct peer_row *row = peer_row(PEER_CONNECTING, e);

		ck_assert(!row || row->action != PEER_INITIATE);
	}
}
END_TEST

static const struct {
	unsigned failures;
	uint64_t seconds;
} backoffs[] = {
	{ 1, 10 }, { 2, 20 }, { 3, 40 }, { 4, 80 }, { 7, 600 }, { 100, 600 },
	{ 1000000, 600 },
};

START_TEST(backoff_doubles_to_a_limit)
{
	uint64_t ms = backoffs[_i].seconds * 1000;

	ck_assert_uint_eq(peer_backoff_ms(&retry, backoffs[_i].failures, 0), ms);
	ck_assert_uint_le(peer_backoff_ms(&retry, backoffs[_i].failures,
									  0xffffffff), ms + ms / 5);
	ck_assert_uint_gt(peer_backoff_ms(&retry, backoffs[_i].failures, 999), ms);
}
END_TEST

START_TEST(never_under_the_minimum)
{
	struct model_retry r = retry;

	r.t1 = 1;
	r.minimum_wait = 30;
	ck_assert_uint_eq(peer_backoff_ms(&r, 1, 0), 30000);
	r.factor = 1;
	ck_assert_uint_eq(peer_backoff_ms(&r, 50, 0), 30000);
}
END_TEST

START_TEST(the_other_end_takes_over_later)
{
	ck_assert_uint_eq(peer_hold_ms(&retry, true, 0), 5000);
	ck_assert_uint_eq(peer_hold_ms(&retry, false, 0), 25000);
}
END_TEST

int main(void)
{
	TCase *tc = tcase_create("peer");

	tcase_add_test(tc, every_pair_is_decided);
	tcase_add_test(tc, removed_always_stops);
	tcase_add_test(tc, never_two_attempts_at_once);
	tcase_add_loop_test(tc, backoff_doubles_to_a_limit, 0, COUNT(backoffs));
	tcase_add_test(tc, never_under_the_minimum);
	tcase_add_test(tc, the_other_end_takes_over_later);
	return run_case(tc, "peer");
}
