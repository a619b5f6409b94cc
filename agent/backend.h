/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * backend.h - the seam to the system: who reads and applies which kinds
 *
 * A backend never decides. It reads resources of its kinds, and runs steps that
 * are handed to it as one batch (all of one kind run together, in order).
 * Completion is by callback, which may come before the call returns. Tests put
 * an in-memory backend behind this header.
 */
#ifndef PPVPN_AGENT_BACKEND_H
#define PPVPN_AGENT_BACKEND_H

#include "facts.h"
#include "plan.h"

struct observation {
	struct arena *arena;
	struct resource_set have;
	struct facts facts;
	uint64_t begun_ms;			/* when reading began, loop_now_ms() */
	unsigned kinds;				/* only these need reading */
	const char *group;			/* NULL: all; else only this connection's */
};

struct backend;

/* rc: 0, or -errno with e: what could not be read goes to facts.unknown_kinds
 * (read), or step->rc and step->err of every step that failed (apply). */
typedef void (*backend_done_fn)(void *user);

struct backend_ops {
	const char *name;			/* "netlink", "charon", "sas", "frr" */
	unsigned kinds;				/* RES_BITs */
	void (*read)(struct backend *b, struct observation *o,
				 backend_done_fn done, void *user);
	void (*apply)(struct backend *b, struct step *const *steps, size_t count,
				  backend_done_fn done, void *user);
};

struct backend {
	const struct backend_ops *ops;
};

#endif
