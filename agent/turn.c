/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * turn.c - whose attempt may begin
 *
 * Pure.
 */
#include "turn.h"

#include "peer.h"

static void append(struct turn_list *l, struct turn *t)
{
	t->in = l;
	t->next = NULL;
	t->prev = l->last;
	*(l->last ? &l->last->next : &l->first) = t;
	l->last = t;
	l->count++;
}

static void take_off(struct turn *t)
{
	struct turn_list *l = t->in;

	if (!l)
	{
		return;
	}
	*(t->prev ? &t->prev->next : &l->first) = t->next;
	*(t->next ? &t->next->prev : &l->last) = t->prev;
	l->count--;
	t->in = NULL;
	t->prev = t->next = NULL;
}

static void grow_old(struct turns *ts, uint64_t now_ms)
{
	while (ts->young.first &&
		   now_ms - ts->young.first->began_ms >= PEER_YOUNG_MS)
	{
		take_off(ts->young.first);
	}
}

void turn_want(struct turns *ts, struct turn *t)
{
	if (t->in != &ts->waiting)
	{
		take_off(t);
		append(&ts->waiting, t);
	}
}

void turn_end(struct turns *ts, struct turn *t)
{
	(void)ts;
	take_off(t);
}

bool turn_waits(const struct turns *ts, const struct turn *t)
{
	return t->in == &ts->waiting;
}

struct turn *turns_next(struct turns *ts, uint64_t now_ms)
{
	struct turn *t = ts->waiting.first;

	if (turns_wait_ms(ts, now_ms) != 0)
	{
		return NULL;
	}
	take_off(t);
	t->began_ms = now_ms;
	append(&ts->young, t);
	ts->free_ms = now_ms + PEER_PACE_MS;
	return t;
}

uint64_t turns_wait_ms(struct turns *ts, uint64_t now_ms)
{
	uint64_t at = ts->free_ms;

	if (!ts->waiting.first)
	{
		return UINT64_MAX;
	}
	grow_old(ts, now_ms);
	if (ts->young.count >= PEER_IN_FLIGHT_MAX &&
		ts->young.first->began_ms + PEER_YOUNG_MS > at)
	{
		at = ts->young.first->began_ms + PEER_YOUNG_MS;
	}
	return at > now_ms ? at - now_ms : 0;
}
