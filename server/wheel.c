/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * wheel.c - a hashed timer wheel: slot by due time, later rounds stay in theirs
 */
#include "config.h"

#include "server/wheel.h"

void wheel_init(struct wheel *w, uint64_t now_ms)
{
	for (size_t i = 0; i < WHEEL_SLOTS; i++)
	{
		w->slots[i].prev = w->slots[i].next = &w->slots[i];
	}
	w->tick = now_ms / WHEEL_SLOT_MS;
	w->count = 0;
}

void wheel_disarm(struct wheel *w, struct wheel_entry *e)
{
	if (!e->next)
	{
		return;
	}
	e->prev->next = e->next;
	e->next->prev = e->prev;
	e->prev = e->next = NULL;
	w->count--;
}

void wheel_arm(struct wheel *w, struct wheel_entry *e, uint64_t due_ms)
{
	uint64_t tick = due_ms / WHEEL_SLOT_MS;
	struct wheel_entry *slot;

	wheel_disarm(w, e);
	if (tick < w->tick)
	{
		tick = w->tick;
	}
	slot = &w->slots[tick % WHEEL_SLOTS];
	e->due_ms = due_ms;
	e->prev = slot->prev;
	e->next = slot;
	slot->prev->next = e;
	slot->prev = e;
	w->count++;
}

static struct wheel_entry *slot_expired(struct wheel_entry *slot,
										uint64_t now_ms)
{
	for (struct wheel_entry *e = slot->next; e != slot; e = e->next)
	{
		if (e->due_ms <= now_ms)
		{
			return e;
		}
	}
	return NULL;
}

struct wheel_entry *wheel_expired(struct wheel *w, uint64_t now_ms)
{
	uint64_t now = now_ms / WHEEL_SLOT_MS;

	/* after a long sleep one round over all slots finds everything */
	if (now > w->tick + WHEEL_SLOTS)
	{
		w->tick = now - WHEEL_SLOTS;
	}
	for (;;)
	{
		struct wheel_entry *e;

		e = slot_expired(&w->slots[w->tick % WHEEL_SLOTS], now_ms);
		if (e)
		{
			wheel_disarm(w, e);
			return e;
		}
		if (w->tick >= now)
		{
			return NULL;
		}
		w->tick++;
	}
}

struct wheel_entry *wheel_any(struct wheel *w)
{
	for (size_t i = 0; w->count && i < WHEEL_SLOTS; i++)
	{
		struct wheel_entry *e = w->slots[i].next;

		if (e != &w->slots[i])
		{
			wheel_disarm(w, e);
			return e;
		}
	}
	return NULL;
}
