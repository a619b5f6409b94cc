/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * notify.h - follows the database and wakes the CEs that a change concerns
 *
 * Level-triggered: reads store_changes_since() when told of a commit, and every
 * two seconds for those of other processes. Two looks are at least 100 ms
 * apart, so that a burst of commits is one wake. Owns its store and thread.
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

/** CEs by their row id. Called on the thread of notify. */
typedef void (*notify_fn)(void *user, const uint64_t *ce_ids, size_t count);

/**
 * Begin with what follows epoch and revision, which store_revision() said
 * before anybody could wait. Takes store over, also when it fails.
 */
int notify_start(struct store *store, uint64_t epoch, uint64_t revision,
				 notify_fn fn, void *user, struct notify **notify,
				 struct err *e);
/** A change was committed by this process. Any thread. */
void notify_changed(struct notify *notify);
/** NULL is fine. */
void notify_stop(struct notify *notify);

#endif
