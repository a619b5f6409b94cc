/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * delivery.h - notes in the database which revision was handed to which CE
 *
 * A thread of its own, so that no answer waits for a write; many at a time, with
 * pauses, so that other writers do not wait for them either. What is noted here
 * serves the time to service only: a full queue or a failing database loses it
 * and nothing else.
 */
#ifndef PPVPN_SERVER_DELIVERY_H
#define PPVPN_SERVER_DELIVERY_H

#include <stdint.h>
#include "err.h"

struct delivery;
struct store;

/** Takes store over, also when it fails. */
int delivery_start(struct store *store, struct delivery **delivery,
				   struct err *e);
/** Any thread. */
void delivery_note(struct delivery *d, uint64_t ce_id, uint64_t revision,
				   int64_t now_ms);
/** Writes what is left. NULL is fine. */
void delivery_stop(struct delivery *d);

#endif
