/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * test_rotation.c - the steps of a change of credentials, when it is due, how fast
 * it goes
 */
#include "config.h"

#include <string.h>

#include "run.h"
#include "server/rotation.h"

#define NOW INT64_C(1700000000000)
#define DAY INT64_C(86400000)
#define BEFORE (-1)

/* ---- steps ---------------------------------------------------------------------- */

START_TEST(steps_need_both_ends)
{
	static const enum rotation_step next[] = {
		[ROTATION_ACCEPT] = ROTATION_SEND, [ROTATION_SEND] = ROTATION_FORGET,
		[ROTATION_FORGET] = ROTATION_DONE, [ROTATION_DONE] = ROTATION_DONE,
	};
	int step;

	for (step = ROTATION_ACCEPT; step <= ROTATION_DONE; step++)
	{
		ck_assert_int_eq((int)rotation_next(step, false, false), step);
		ck_assert_int_eq((int)rotation_next(step, true, false), step);
		ck_assert_int_eq((int)rotation_next(step, false, true), step);
		ck_assert_int_eq((int)rotation_next(step, true, true),
						 (int)next[step]);
	}
	ck_assert_str_eq(rotation_steps[ROTATION_ACCEPT], "accept");
	ck_assert_str_eq(rotation_steps[ROTATION_SEND], "send");
	ck_assert_str_eq(rotation_steps[ROTATION_FORGET], "forget");
	ck_assert_ptr_null(rotation_steps[ROTATION_STEPS]);
}
END_TEST

/* Of an end at this step: is it the new key that it sends, does it take one? */
static bool sends_new(int step)
{
	return step != BEFORE &&
		   rotation_uses((enum rotation_step)step).newest == ROTATION_USE_SEND;
}

static bool takes(int step, bool new_one)
{
	struct rotation_uses uses;

	if (step == BEFORE)
	{
		return !new_one;
	}
	uses = rotation_uses((enum rotation_step)step);
	return (new_one ? uses.newest : uses.older) != ROTATION_USE_GONE;
}

START_TEST(one_step_apart_both_directions_work)
{
	int step, other;

	for (step = BEFORE; step < ROTATION_STEPS; step++)
	{
		for (other = step; other <= step + 1 && other < ROTATION_STEPS;
			 other++)
		{
			ck_assert_msg(takes(other, sends_new(step)), "%d %d", step, other);
			ck_assert_msg(takes(step, sends_new(other)), "%d %d", step, other);
		}
	}
	/* and two apart they do not: each step is needed */
	ck_assert(!takes(BEFORE, sends_new(ROTATION_SEND)));
	ck_assert(!takes(ROTATION_FORGET, sends_new(ROTATION_ACCEPT)));
	/* never two to send, never none */
	for (step = 0; step < ROTATION_STEPS; step++)
	{
		struct rotation_uses uses = rotation_uses((enum rotation_step)step);

		ck_assert((uses.newest == ROTATION_USE_SEND) !=
				  (uses.older == ROTATION_USE_SEND));
	}
}
END_TEST

/* ---- between keys and certificates ------------------------------------------------ */

/*
 * Everything that can happen to a pair whose VPN's word changes at any time: the
 * documents that were made for it, and of each router the oldest that it may
 * still have. Whatever two of these the routers have, each takes what the other
 * sends.
 */
struct has					/* a document: what certificates and a key are for */
{
	enum rotation_use certificate, key;
};

struct moving
{
	bool wants;				/* certificates */
	bool turned;			/* to this step */
	enum rotation_target target;
	enum rotation_step step;
	struct has made[40];
	int count, since;		/* documents; the one of the step */
	int confirmed[2];		/* by each router */
};

static bool sends_certificate(const struct has *h)
{
	return h->certificate == ROTATION_USE_SEND;
}

static bool takes_it(const struct has *h, bool certificate)
{
	return (certificate ? h->certificate : h->key) != ROTATION_USE_GONE;
}

static void nobody_is_refused(const struct moving *m)
{
	int a, b;

	for (a = m->confirmed[0]; a < m->count; a++)
	{
		for (b = m->confirmed[1]; b < m->count; b++)
		{
			ck_assert(takes_it(&m->made[b], sends_certificate(&m->made[a])));
			ck_assert(takes_it(&m->made[a], sends_certificate(&m->made[b])));
		}
	}
}

/* The document of its step, where that is another. */
static void make(struct moving *m)
{
	const struct rotation_uses uses = rotation_uses(m->step);
	const bool to = m->target == ROTATION_CERTIFICATE;
	const struct has has = {
		.certificate = rotation_certificate_use(m->target, m->step),
		.key = to ? uses.older : uses.newest,
	};

	ck_assert_int_eq((has.certificate == ROTATION_USE_SEND) +
					 (has.key == ROTATION_USE_SEND), 1);
	m->made[m->count] = has;
	m->since = m->count++;
	nobody_is_refused(m);
}

/* As store_move.c and store_rotation.c do: a look of the server's. */
static void look(struct moving *m)
{
	const bool wrong = m->wants != (m->target == ROTATION_CERTIFICATE);
	enum rotation_step before = m->step;

	if (m->step == ROTATION_DONE)
	{
		if (wrong)
		{
			m->target = m->wants ? ROTATION_CERTIFICATE : ROTATION_KEY;
			m->step = ROTATION_ACCEPT;
			m->turned = false;
			make(m);
		}
		return;
	}
	if (wrong && m->step != ROTATION_FORGET)
	{
		m->target = m->wants ? ROTATION_CERTIFICATE : ROTATION_KEY;
		m->step = rotation_turned(m->step, m->turned);
		m->turned = true;
		if (m->step == ROTATION_FORGET)
		{
			make(m);
		}
		return;
	}
	m->step = rotation_next(m->step, m->confirmed[0] >= m->since,
							m->confirmed[1] >= m->since);
	if (m->step != before && m->step != ROTATION_DONE)
	{
		m->turned = false;
		make(m);
	}
}

static unsigned walked;

static void walk(const struct moving *m, int depth)
{
	struct moving next;
	int what;

	walked++;
	for (what = 0; depth && what < 4; what++)
	{
		next = *m;
		switch (what)
		{
			case 0:
				look(&next);
				break;
			case 1:
				next.wants = !next.wants;
				break;
			default:
				/* it has the newest in force */
				next.confirmed[what - 2] = next.count - 1;
		}
		if (memcmp(&next, m, sizeof(next)) != 0)
		{
			walk(&next, depth - 1);
		}
	}
}

START_TEST(whatever_happens_both_directions_work)
{
	struct moving m;

	memset(&m, 0, sizeof(m));
	m.target = ROTATION_KEY;
	m.step = ROTATION_DONE;
	m.made[0] = (struct has){ ROTATION_USE_GONE, ROTATION_USE_SEND };
	m.count = 1;
	walk(&m, 17);
	ck_assert_uint_gt(walked, 500000);
}
END_TEST

START_TEST(a_pair_turns_round_without_a_gap)
{
	static const enum rotation_target both[] = {
		ROTATION_CERTIFICATE, ROTATION_KEY
	};
	struct rotation_uses there, back;
	int i;

	ck_assert_int_eq((int)rotation_turned(ROTATION_ACCEPT, false),
					 ROTATION_FORGET);
	ck_assert_int_eq((int)rotation_turned(ROTATION_ACCEPT, true),
					 ROTATION_SEND);
	for (i = 0; i < 2; i++)
	{
		ck_assert_int_eq((int)rotation_turned(ROTATION_SEND, i),
						 ROTATION_ACCEPT);
		ck_assert_int_eq((int)rotation_turned(ROTATION_FORGET, i),
						 ROTATION_FORGET);
		ck_assert_int_eq((int)rotation_turned(ROTATION_DONE, i),
						 ROTATION_DONE);
	}
	/* send there is accept back: no document changes */
	there = rotation_uses(ROTATION_SEND);
	back = rotation_uses(ROTATION_ACCEPT);
	ck_assert_int_eq((int)there.newest, (int)back.older);
	ck_assert_int_eq((int)there.older, (int)back.newest);
	for (i = 0; i < 2; i++)
	{
		ck_assert_int_eq((int)rotation_certificate_use(both[i],
													   ROTATION_SEND),
						 (int)rotation_certificate_use(both[!i],
													   ROTATION_ACCEPT));
	}
	for (i = 0; i <= ROTATION_DONE; i++)
	{
		ck_assert_int_eq((int)rotation_certificate_use(ROTATION_NEXT_KEY,
			(enum rotation_step)i), ROTATION_USE_GONE);
	}
	ck_assert_str_eq(rotation_targets[ROTATION_NEXT_KEY], "next-key");
	ck_assert_str_eq(rotation_targets[ROTATION_CERTIFICATE], "certificate");
	ck_assert_str_eq(rotation_targets[ROTATION_KEY], "key");
}
END_TEST

static const struct {
	struct rotation_end end;
	enum rotation_wait wait;
} ends[] = {
	{ { false, true, true, 3, 17, false }, ROTATION_CONFIRMED },
	{ { false, true, true, 3, 18, false }, ROTATION_CONFIRMED },
	{ { false, true, true, 3, 16, false }, ROTATION_OLD_DOCUMENT },
	{ { false, true, true, 2, 99, false }, ROTATION_OTHER_EPOCH },
	{ { false, true, true, 4, 17, false }, ROTATION_OTHER_EPOCH },
	{ { false, true, false, 3, 17, false }, ROTATION_NOT_APPLIED },
	{ { false, true, true, 3, 17, true }, ROTATION_ON_TRIAL },
	{ { false, true, false, 3, 17, true }, ROTATION_NOT_APPLIED },
	{ { false, false, false, 0, 0, false }, ROTATION_NEVER_REPORTED },
	{ { true, true, true, 3, 17, false }, ROTATION_SUSPENDED },
	{ { true, false, false, 0, 0, false }, ROTATION_SUSPENDED },
};

START_TEST(who_is_waited_for)
{
	ck_assert_int_eq((int)rotation_wait(&ends[_i].end, 3, 17),
					 (int)ends[_i].wait);
	ck_assert((ends[_i].wait == ROTATION_CONFIRMED) ==
			  !*rotation_waits[ends[_i].wait]);
	/* without a certificate it is that, where it could have one */
	ck_assert_int_eq((int)rotation_wait_certificate(&ends[_i].end, 3, 17),
					 (int)ends[_i].wait);
	ck_assert_int_eq((int)rotation_wait_certificate(&ends[_i].end, 3, 0),
					 ends[_i].wait == ROTATION_SUSPENDED ||
					 ends[_i].wait == ROTATION_NEVER_REPORTED
					 ? (int)ends[_i].wait : ROTATION_NO_CERTIFICATE);
}
END_TEST

/* ---- by schedule ------------------------------------------------------------------ */

START_TEST(due_within_the_last_tenth)
{
	int64_t a, b, age, tenths[10] = { 0 };
	int due = 0;

	ck_assert(!rotation_is_due(0, 0, NOW, 2, 1));
	for (a = 2; a <= 60; a++)
	{
		for (b = 1; b < a; b++)
		{
			ck_assert(!rotation_is_due(30, NOW, NOW + 27 * DAY, a, b));
			ck_assert(rotation_is_due(30, NOW, NOW + 30 * DAY, a, b));
			ck_assert(rotation_is_due(30, 0, NOW, a, b));
			due += rotation_is_due(30, NOW, NOW + 28 * DAY + DAY / 2, a, b);
			/* once due it stays so */
			for (age = 270; !rotation_is_due(30, NOW, NOW + age * DAY / 10, a,
											 b); age++)
			{
			}
			tenths[(age - 271) / 3]++;
		}
	}
	/* of 1770 pairs about as many in each part of it */
	ck_assert_int_gt(due, 1770 * 4 / 10);
	ck_assert_int_lt(due, 1770 * 6 / 10);
	for (a = 0; a < 10; a++)
	{
		ck_assert_int_gt(tenths[a], 100);
	}
}
END_TEST

START_TEST(what_cannot_be_due_is_not_looked_at)
{
	const uint32_t days[] = { 1, 2, 30, 365, 3650 };
	size_t i;
	int64_t a;

	for (i = 0; i < COUNT(days); i++)
	{
		const int64_t before = rotation_due_before(days[i], NOW);

		ck_assert_int_eq(NOW - before, days[i] * DAY / 10 * 9);
		for (a = 2; a < 500; a++)
		{
			ck_assert(!rotation_is_due(days[i], before + 1, NOW, a, 1));
		}
		ck_assert(rotation_is_due(days[i], NOW - days[i] * DAY, NOW, 2, 1));
	}
}
END_TEST

/* ---- how fast --------------------------------------------------------------------- */

static const struct {
	struct rotation_pace pace;
	int64_t later;				/* than the last step */
	bool may;
} paces[] = {
	/* all together, at once */
	{ { 6, 6, 4, NOW }, 0, true },
	{ { 499500, 499500, 1000, NOW }, 0, true },
	{ { 6, 0, 4, NOW }, DAY, false },
	{ { 0, 0, 4, NOW }, DAY, false },
	/* some of them: a second, and 50 ms for each site */
	{ { 6, 3, 4, NOW }, 1199, false },
	{ { 6, 3, 4, NOW }, 1200, true },
	{ { 4950, 4949, 100, NOW }, 5999, false },
	{ { 4950, 4949, 100, NOW }, 6000, true },
	/* a minute at most */
	{ { 499500, 1, 1000, NOW }, 50999, false },
	{ { 499500, 1, 1000, NOW }, 51000, true },
	{ { 499500, 1, 1190, NOW }, 59999, false },
	{ { 499500, 1, 1190, NOW }, 60000, true },
	{ { 499500, 1, UINT64_MAX, NOW }, 59999, false },
	{ { 499500, 1, UINT64_MAX, NOW }, 60000, true },
	/* another server's clock, a clock that was set back */
	{ { 6, 3, 4, NOW }, -1, false },
	{ { 6, 3, 4, NOW }, -60000, false },
	{ { 6, 3, 4, NOW }, -60001, true },
};

START_TEST(paced)
{
	ck_assert(rotation_may_step(&paces[_i].pace, NOW + paces[_i].later) ==
			  paces[_i].may);
}
END_TEST

int main(void)
{
	TCase *tc = tcase_create("rotation");

	tcase_add_test(tc, steps_need_both_ends);
	tcase_add_test(tc, one_step_apart_both_directions_work);
	tcase_add_test(tc, whatever_happens_both_directions_work);
	tcase_add_test(tc, a_pair_turns_round_without_a_gap);
	tcase_add_loop_test(tc, who_is_waited_for, 0, (int)COUNT(ends));
	tcase_add_test(tc, due_within_the_last_tenth);
	tcase_add_test(tc, what_cannot_be_due_is_not_looked_at);
	tcase_add_loop_test(tc, paced, 0, (int)COUNT(paces));
	return run_case(tc, "rotation");
}
