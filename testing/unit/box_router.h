/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * box_router.h - a router in memory that outlives the process: what kernel,
 * charon and ospfd are to an agent that is killed
 *
 * Every change is one line appended to a journal by one write(), and the router is
 * what the journal says. So a kill at any system call leaves a router on which
 * a step was done or was not, and the journal is also the story of it.
 */
#ifndef PPVPN_TEST_BOX_ROUTER_H
#define PPVPN_TEST_BOX_ROUTER_H

#include "fake_backend.h"

struct box_router {
	struct fake fake;
	int fd;
	char boot_id[33];			/* of charon */
	unsigned stale;				/* SAs in the kernel of a charon that died */
};

/** Open the journal, which may be empty, and do what it says. */
void box_router_open(struct box_router *r, const char *path);
void box_router_close(struct box_router *r);
/** A step, done and written down: 0 or -errno. */
int box_router_step(struct box_router *r, const struct step *s);
/** The kernel's SAs of a charon that died are deleted; how many there were. */
unsigned box_router_flush(struct box_router *r);
/** charon sets up each tunnel that it has a connection of. @return name or NULL */
const char *box_router_negotiate(struct box_router *r);
/** What is read besides resources. */
void box_router_facts(struct box_router *r, struct observation *o);
/** All resources of ours, one a line, sorted, without numbers that may differ. */
void box_router_print(struct box_router *r);

#endif
