/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * sacheck.c - what charon shows, compared with the kernel, twice
 *
 * Twice, because an SA that is just being rekeyed or deleted may be on one side
 * only for a moment.
 */
#include <stdlib.h>

#include "alloc.h"
#include "cycle.h"
#include "log.h"
#include "loop.h"
#include "nl.h"
#include "sacheck.h"
#include "tunnel.h"
#include "vici.h"

#define LOOK_MS 500
/* When one IKE_SA was there before the other began, charon ends the older one
 * itself, 10 s later. Ending the newer one before that would leave none. */
#define SPARE_MS 15000

struct sacheck {
	struct loop_timer *timer, *spare;
	struct nl *nl;
	struct vici *vici;
	struct tunnels *tunnels;
	struct cycle *cycle;
};

/* Missing: for the first time asked about, for the second time lost. */
static bool suspect(struct sacheck *c, struct tunnel *t)
{
	bool again = t->missing_spi == t->spi_out;

	t->missing_spi = t->spi_out;
	if (again)
	{
		log_warn("peer", "%s: its SA or policy was taken out of the kernel: "
				 "negotiating anew", t->conn);
		vici_lost(c->vici, t->spi_out);
	}
	cycle_request_conn(c->cycle, t->conn);
	return !again;
}

static void on_timer(void *user)
{
	struct sacheck *c = user;
	struct nl_xfrm kernel;
	struct err e;
	bool again = false;

	if (nl_xfrm_list(c->nl, &kernel, &e) < 0)
	{
		log_err(LOG_LEVEL_DEBUG, "peer", "SAs of the kernel", &e);
		return;
	}
	for (size_t i = 0; i < tunnels_count(c->tunnels); i++)
	{
		struct tunnel *t = tunnels_get(c->tunnels, i);

		if (!t->installed || !t->spi_out ||
			nl_xfrm_has(&kernel, t->spi_in, t->mark))
		{
			t->missing_spi = 0;
		}
		else
		{
			again |= suspect(c, t);
		}
	}
	nl_xfrm_done(&kernel);
	if (again)
	{
		loop_timer_set(c->timer, LOOK_MS);
	}
}

/* One end decides, so that not both end one each. */
static bool surplus(struct sacheck *c, struct tunnel *t)
{
	bool again = t->spare_seen == t->spare;

	t->spare_seen = t->spare;
	if (again)
	{
		log_info("peer", "%s: both ends had called: ending one of two IKE_SAs",
				 t->conn);
		vici_terminate_ike(c->vici, t->spare);
		return false;
	}
	cycle_request_conn(c->cycle, t->conn);
	return true;
}

static void on_spare(void *user)
{
	struct sacheck *c = user;
	bool again = false;

	for (size_t i = 0; i < tunnels_count(c->tunnels); i++)
	{
		struct tunnel *t = tunnels_get(c->tunnels, i);

		if (t->initiator && t->spare)
		{
			again |= surplus(c, t);
		}
		else
		{
			t->spare_seen = 0;
		}
	}
	if (again)
	{
		loop_timer_set(c->spare, SPARE_MS);
	}
}

void sacheck_spare(struct sacheck *c)
{
	if (!loop_timer_armed(c->spare))
	{
		loop_timer_set(c->spare, SPARE_MS);
	}
}

void sacheck_request(struct sacheck *c)
{
	if (!loop_timer_armed(c->timer))
	{
		loop_timer_set(c->timer, LOOK_MS);
	}
}

struct sacheck *sacheck_new(struct loop *loop, struct nl *nl, struct vici *vici,
							struct tunnels *tunnels, struct cycle *cycle)
{
	struct sacheck *c = xcalloc(1, sizeof(*c));

	c->timer = loop_timer_new(loop, on_timer, c);
	c->spare = loop_timer_new(loop, on_spare, c);
	c->nl = nl;
	c->vici = vici;
	c->tunnels = tunnels;
	c->cycle = cycle;
	return c;
}

void sacheck_free(struct sacheck *c)
{
	if (c)
	{
		loop_timer_free(c->timer);
		loop_timer_free(c->spare);
		free(c);
	}
}
