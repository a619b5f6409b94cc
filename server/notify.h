/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * notify.h - follows the database and wakes the CEs that a change concerns
 *
 * Level-triggered: reads store_changes_since() when told of a commit, and every
 * two seconds for those of other processes. Two looks are at least 100 ms
 * apart, so that a burst of commits is one wake. Owns its store and thread.
 *
 * A change that concerns many (a site joins a large mesh, a setting of all) is
 * told in batches, each when the one before is nearly served, so that whoever
 * else asks does not stand behind all of them. Those that lose something
 * (removals, revocations) are told at once; of the rest, those with the most
 * tunnels that changed first: hubs before spokes.
 */
#ifndef PPVPN_SERVER_NOTIFY_H
#define PPVPN_SERVER_NOTIFY_H

#include <stddef.h>
#include <stdint.h>
#include "err.h"

struct notify;
struct store;

#define NOTIFY_POLL_MS 2000
#define NOTIFY_GAP_MS 100
#define NOTIFY_BATCH 256		/* CEs; up to so many are told at once */
#define NOTIFY_BATCH_MS 500		/* the next batch at the latest */
#define NOTIFY_STEP_MS 10

/** CEs by their row id. Called on the thread of notify. */
typedef void (*notify_fn)(void *user, const uint64_t *ce_ids, size_t count);
/** Requests that wait to be served, those that were woken among them. */
typedef size_t (*notify_waiting_fn)(void *user);
/** Called about every NOTIFY_POLL_MS. */
typedef void (*notify_tick_fn)(void *user);

struct notify_calls
{
	notify_fn wake;
	notify_waiting_fn waiting;
	notify_tick_fn tick;		/* may be NULL */
	void *user;
};

/**
 * Begin with what follows epoch and revision, which store_revision() said
 * before anybody could wait. Takes store over, also when it fails.
 */
int notify_start(struct store *store, uint64_t epoch, uint64_t revision,
				 const struct notify_calls *calls, struct notify **notify,
				 struct err *e);
/** A change was committed by this process. Any thread. */
void notify_changed(struct notify *notify);
/** NULL is fine. */
void notify_stop(struct notify *notify);

#endif
