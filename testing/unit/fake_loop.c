/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * fake_loop.c - a clock that a test moves
 */
#include <stdlib.h>

#include "alloc.h"
#include "fake_loop.h"

struct loop_timer {
	loop_timer_fn fn;
	void *user;
	uint64_t at_ms;			/* 0: not armed */
	struct loop_timer *next;
};

static uint64_t now_ms = 1000000;
static struct loop_timer *timers;

struct loop *loop_new(void)
{
	return NULL;
}

void loop_free(struct loop *loop)
{
	(void)loop;
}

uint64_t loop_now_ms(void)
{
	return now_ms;
}

struct loop_timer *loop_timer_new(struct loop *loop, loop_timer_fn fn,
								  void *user)
{
	struct loop_timer *t = xcalloc(1, sizeof(*t));

	(void)loop;
	t->fn = fn;
	t->user = user;
	t->next = timers;
	timers = t;
	return t;
}

void loop_timer_set(struct loop_timer *t, uint64_t ms)
{
	t->at_ms = now_ms + ms;
}

void loop_timer_clear(struct loop_timer *t)
{
	t->at_ms = 0;
}

bool loop_timer_armed(const struct loop_timer *t)
{
	return t->at_ms != 0;
}

void loop_timer_free(struct loop_timer *t)
{
	struct loop_timer **p = &timers;

	while (*p && *p != t)
	{
		p = &(*p)->next;
	}
	if (*p)
	{
		*p = t->next;
		free(t);
	}
}

static struct loop_timer *earliest(uint64_t until)
{
	struct loop_timer *found = NULL;

	for (struct loop_timer *t = timers; t; t = t->next)
	{
		if (t->at_ms && t->at_ms <= until &&
			(!found || t->at_ms < found->at_ms))
		{
			found = t;
		}
	}
	return found;
}

void fake_loop_pass(uint64_t ms)
{
	uint64_t until = now_ms + ms;
	struct loop_timer *t;

	while ((t = earliest(until)))
	{
		now_ms = t->at_ms > now_ms ? t->at_ms : now_ms;
		t->at_ms = 0;
		t->fn(t->user);
	}
	now_ms = until;
}
