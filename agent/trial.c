/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * trial.c - a new document stays only if a server is reached again after it
 *
 * Pure.
 */
#include "trial.h"

void trial_begin(struct trial *t, uint64_t now_ms, uint64_t timeout_ms)
{
	*t = (struct trial){
		.state = TRIAL_RUNNING, .since_ms = now_ms, .timeout_ms = timeout_ms,
	};
}

void trial_applied(struct trial *t, uint64_t now_ms)
{
	if (t->state != TRIAL_NONE && !t->applied)
	{
		t->applied = true;
		t->since_ms = now_ms;
	}
}

static enum trial_verdict judge(const struct trial *t, uint64_t now_ms,
								unsigned tries)
{
	return now_ms - t->since_ms <= t->timeout_ms || tries >= TRIAL_TRIES
		? TRIAL_CONDEMNED : TRIAL_ACQUITTED;
}

enum trial_verdict trial_answered(struct trial *t, uint64_t asked_ms,
								  uint64_t now_ms, unsigned tries)
{
	enum trial_verdict verdict;

	if (t->state == TRIAL_NONE)
	{
		return TRIAL_NO_VERDICT;
	}
	if (!t->applied || asked_ms < t->since_ms)
	{	/* the way was open until now */
		if (!t->applied && t->state == TRIAL_RUNNING)
		{
			t->since_ms = now_ms;
		}
		return TRIAL_NO_VERDICT;
	}
	verdict = t->state == TRIAL_RUNNING ? TRIAL_CONFIRMED
										: judge(t, now_ms, tries);
	t->state = TRIAL_NONE;
	return verdict;
}

void trial_heard(struct trial *t, uint64_t asked_ms)
{
	if (t->state == TRIAL_RUNNING && t->applied && asked_ms >= t->since_ms)
	{
		t->kept = true;
	}
}

bool trial_is_urgent(const struct trial *t, uint64_t now_ms)
{
	return t->state != TRIAL_NONE && !t->kept &&
		   now_ms - t->since_ms <= t->timeout_ms;
}

uint64_t trial_deadline(const struct trial *t)
{
	return t->state == TRIAL_RUNNING && !t->kept
		? t->since_ms + t->timeout_ms : 0;
}

uint64_t trial_pause(unsigned interrupted)
{
	uint64_t ms = TRIAL_PAUSE_MS;

	if (interrupted <= TRIAL_INTERRUPTED)
	{
		return 0;
	}
	for (unsigned i = TRIAL_INTERRUPTED + 1;
		 i < interrupted && ms < TRIAL_PAUSE_MAX_MS; i++)
	{
		ms *= 2;
	}
	return ms < TRIAL_PAUSE_MAX_MS ? ms : TRIAL_PAUSE_MAX_MS;
}

void trial_back(struct trial *t, uint64_t now_ms)
{
	t->state = TRIAL_BACK;
	t->applied = false;
	t->kept = false;
	t->since_ms = now_ms;
}
