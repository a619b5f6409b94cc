/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * fake_backend.h - a router in memory behind agent/backend.h
 *
 * Holds resources as values, refuses what a kernel would refuse (two holders of
 * one claim), fails on demand. Copies of resources live in an arena that the fake
 * owns.
 */
#ifndef PPVPN_TEST_FAKE_BACKEND_H
#define PPVPN_TEST_FAKE_BACKEND_H

#include "agent/backend.h"

struct fake {
	struct backend backend;			/* first: what cycle.c gets */
	struct arena *arena;
	struct resource_set state;
	struct facts facts;				/* copied into every observation, texts shared */
	unsigned steps, reads;
	unsigned fail_after;			/* this many steps work, then all fail; 0: never */
	bool touched_foreign;
};

struct backend *fake_init(struct fake *f, unsigned kinds);
void fake_done(struct fake *f);
/** A copy of r, with that origin. */
void fake_put(struct fake *f, const struct resource *r, enum resource_origin origin);
/** One step as a kernel would: 0 or -errno. */
int fake_step(struct fake *f, const struct step *s);
/** Copies of everything into set, whose arena may be another. */
void fake_copy(const struct fake *f, struct resource_set *set);

#endif
