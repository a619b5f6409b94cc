/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * test_peer.c - the peer's table is whole, and its waits are the draft's
 */
#include "config.h"

#include <string.h>

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

/* All of it, said once more: what is done, and the state after it; -- nothing. */
static const char does[] = {
	[PEER_INITIATE] = 'I', [PEER_ABANDON] = 'A', [PEER_SETTLE] = 'S',
	[PEER_BACK_OFF] = 'B', [PEER_GIVE_ALARM] = 'G', [PEER_ASK] = 'Q',
	[PEER_HOLD] = 'H', [PEER_STOP] = 'X',
};
static const char is[] = {
	[PEER_IDLE] = 'i', [PEER_CONNECTING] = 'c', [PEER_UP] = 'u',
	[PEER_ASKING] = 'q', [PEER_WAITING] = 'w', [PEER_ALARM] = 'a',
};
static const char *const table[PEER_STATE_COUNT] = {
	/*		start standby up down failed exhausted timeout answered kick removed */
	[PEER_IDLE] =		"Ic Hw Su -- -- -- -- -- Ic Xi",
	[PEER_CONNECTING] =	"-- -- Su -- Bw Ga Ac -- -- Xi",
	[PEER_UP] =			"-- -- -- Qq -- -- -- -- -- Xi",
	[PEER_ASKING] =		"-- -- Su -- -- -- Hw Hw Ic Xi",
	[PEER_WAITING] =	"-- -- Su -- -- -- Ic -- Ic Xi",
	[PEER_ALARM] =		"-- -- Su -- -- -- Ic -- Ic Xi",
};

START_TEST(every_pair_does_what_it_should)
{
	for (int e = 0; e < PEER_EVENT_COUNT; e++)
	{
		const struct peer_row *row = peer_row(_i, e);
		char said[3] = "--";

		if (row)
		{
			said[0] = does[row->action];
			said[1] = is[row->next];
		}
		ck_assert_msg(memcmp(said, table[_i] + 3 * e, 2) == 0, "%s, %s: %s",
					  peer_state_name(_i), peer_event_name(e), said);
	}
	ck_assert_uint_eq(strlen(table[_i]), 3 * PEER_EVENT_COUNT - 1);
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

/* draft section 3.4: the minimum, t1, then t1 doubled up to a limit */
static const struct {
	unsigned failures;
	uint64_t seconds;
} backoffs[] = {
	{ 1, 5 }, { 2, 10 }, { 3, 20 }, { 4, 40 }, { 5, 80 }, { 7, 320 },
	{ 8, 600 }, { 100, 600 }, { 1000000, 600 },
};

START_TEST(backoff_doubles_to_a_limit)
{
	uint64_t ms = backoffs[_i].seconds * 1000;

	ck_assert_uint_eq(peer_backoff_ms(&retry, CAUSE_STEPS, true,
									  backoffs[_i].failures, 0), ms);
	ck_assert_uint_le(peer_backoff_ms(&retry, CAUSE_STEPS, true,
									  backoffs[_i].failures, 0xffffffff),
					  ms + ms / 5);
	ck_assert_uint_gt(peer_backoff_ms(&retry, CAUSE_STEPS, true,
									  backoffs[_i].failures, 999), ms);
	/* the end that does not initiate lets the other one be first */
	ck_assert_uint_eq(peer_backoff_ms(&retry, CAUSE_STEPS, false,
									  backoffs[_i].failures, 0), ms + 20000);
}
END_TEST

START_TEST(never_under_the_minimum)
{
	struct model_retry r = retry;

	r.t1 = 1;
	r.minimum_wait = 30;
	for (int wait = CAUSE_STEPS; wait <= CAUSE_SLOW; wait++)
	{
		ck_assert_uint_ge(peer_backoff_ms(&r, wait, true, 1, 0), 30000);
		ck_assert_uint_ge(peer_backoff_ms(&r, wait, true, 2, 0), 30000);
	}
	r.factor = 1;
	ck_assert_uint_eq(peer_backoff_ms(&r, CAUSE_STEPS, true, 50, 0), 30000);
	r.maximum = 10;
	ck_assert_uint_eq(peer_backoff_ms(&r, CAUSE_SLOW, true, 50, 0), 30000);
}
END_TEST

START_TEST(other_waits)
{
	ck_assert_uint_eq(peer_backoff_ms(&retry, CAUSE_SOON, true, 1, 0), 5000);
	ck_assert_uint_eq(peer_backoff_ms(&retry, CAUSE_SOON, true, 7, 0), 5000);
	ck_assert_uint_eq(peer_backoff_ms(&retry, CAUSE_SLOW, true, 1, 0), 600000);
}
END_TEST

/* Every word has a code, and what a code means and what to do is said. */
START_TEST(every_cause_is_explained)
{
	const struct cause *c;
	size_t i;

	for (i = 0; (c = cause_get(i)); i++)
	{
		ck_assert_ptr_eq(cause_find(c->word), c);	/* no word twice */
		ck_assert_int_ne(c->code, ERR_NONE);
		ck_assert_uint_gt(strlen(err_code_meaning(c->code)), 20);
		ck_assert_uint_gt(strlen(err_code_remedy(c->code)), 20);
		ck_assert_str_ne(cause_class_name(c->class), "");
	}
	ck_assert_uint_gt(i, 20);
	ck_assert_ptr_null(cause_find("unique-replace"));
}
END_TEST

/* What only a person can end is told at once; what may pass is not. */
START_TEST(alarms_at_once)
{
	const struct cause *c;

	for (size_t i = 0; (c = cause_get(i)); i++)
	{
		if (c->class == CAUSE_PATH || c->class == CAUSE_PEER ||
			c->class == CAUSE_REFUSAL)
		{
			ck_assert_int_eq(c->severity, STATUS_CLEARED);
		}
		if (c->wait == CAUSE_SLOW)
		{
			ck_assert(c->class == CAUSE_CREDENTIAL ||
					  c->class == CAUSE_MISMATCH);
		}
	}
}
END_TEST

START_TEST(the_server_is_asked_before_a_tunnel_comes_back)
{
	const struct peer_row *row = peer_row(PEER_UP, PEER_EV_CHILD_DOWN);

	ck_assert_int_eq(row->action, PEER_ASK);
	for (int e = 0; e < PEER_EVENT_COUNT; e++)
	{
		row = peer_row(PEER_ASKING, e);
		ck_assert(!row || row->action != PEER_INITIATE || e == PEER_EV_KICK);
	}
}
END_TEST

START_TEST(the_other_end_takes_over_later)
{
	ck_assert_uint_eq(peer_hold_ms(&retry, true, 0), 5000);
	ck_assert_uint_eq(peer_hold_ms(&retry, false, 0), 25000);
}
END_TEST

START_TEST(who_is_new_waits_less)
{
	struct model_retry quick = retry;

	ck_assert_uint_eq(peer_introduce_ms(&retry, 0), 3000);
	ck_assert_uint_gt(peer_introduce_ms(&retry, 999), 3000);
	ck_assert_uint_le(peer_introduce_ms(&retry, 999), 3600);
	quick.minimum_wait = 0;
	quick.t1 = 1;
	ck_assert_uint_eq(peer_introduce_ms(&quick, 0), 2000);
}
END_TEST

int main(void)
{
	TCase *tc = tcase_create("peer");

	tcase_add_test(tc, every_pair_is_decided);
	tcase_add_loop_test(tc, every_pair_does_what_it_should, 0,
						PEER_STATE_COUNT);
	tcase_add_test(tc, removed_always_stops);
	tcase_add_test(tc, never_two_attempts_at_once);
	tcase_add_loop_test(tc, backoff_doubles_to_a_limit, 0, COUNT(backoffs));
	tcase_add_test(tc, never_under_the_minimum);
	tcase_add_test(tc, other_waits);
	tcase_add_test(tc, every_cause_is_explained);
	tcase_add_test(tc, alarms_at_once);
	tcase_add_test(tc, the_server_is_asked_before_a_tunnel_comes_back);
	tcase_add_test(tc, the_other_end_takes_over_later);
	tcase_add_test(tc, who_is_new_waits_less);
	return run_case(tc, "peer");
}
