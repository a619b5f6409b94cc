/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * depart.c - leaving by hand
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "agent.h"
#include "alloc.h"
#include "control.h"
#include "depart.h"
#include "frr.h"
#include "hold.h"
#include "lastconf.h"
#include "log.h"
#include "loop.h"
#include "nl.h"
#include "report.h"

/* FRR's daemons run before vtysh has read frr.conf to them, in which an operator's
 * "write memory" may have kept what is ours. */
#define FRR_READS_MS 10000
/* What is left in ospfd of links that are gone is taken away: looked at so often. */
#define LEFTOVERS_MS 500
#define LEFTOVERS_LOOKS 20

/* Every one of our VPNs is gone: as a tombstone says it. */
static void want_nothing(struct agent *a)
{
	struct provider_document d = { .doc = &a->nothing };

	a->nothing = (struct model_document){
		.ce = a->identity.ce, .state = MODEL_DEPROVISIONED,
	};
	a->doc = &a->nothing;
	a->doc_pending = false;
	tunnels_document(a->tunnels, &a->conf, &d);
	cycle_request(a->cycle);
}

static int remove_files(struct agent *a, struct err *e)
{
	char *clock = xasprintf("%s/clock", a->conf.state_dir);
	char *made = xasprintf("%s.new", clock);	/* by a crash */
	int rc = lastconf_remove(a->conf.state_dir, e);

	if (rc == 0)
	{
		rc = lastconf_trial_remove(a->conf.state_dir, e);
	}
	if (rc == 0)
	{
		rc = hold_remove(a->conf.state_dir, e);
	}
	if (rc == 0)
	{
		rc = identity_remove(a->conf.state_dir, e);
	}
	if (rc == 0)
	{	/* nothing that it seals is left */
		rc = lastconf_remove_key(a->conf.state_dir, e);
		unlink(clock);
		unlink(made);
	}
	free(made);
	free(clock);
	return rc;
}

static void go(struct agent *a)
{
	struct err e = {0};

	a->leaving = true;
	a->checked = true;		/* charon's settings do not matter any more */
	provider_quit(a->provider);
	log_warn("agent", "%s leaves its VPNs, and tells its provider nothing",
			 a->identity.ce);
	if (remove_files(a, &e) < 0)
	{	/* once more at the end */
		log_err(LOG_LEVEL_WARN, "agent", "leave", &e);
	}
	want_nothing(a);
}

void depart_resume(struct agent *a)
{
	go(a);
}

static void answer(struct agent *a, const struct err *e)
{
	struct text t;

	while (a->depart_count)
	{
		struct control_request *req = a->departs[--a->depart_count];

		if (e)
		{
			control_answer(req, NULL, e);
			continue;
		}
		t = report_status(a);
		control_answer(req, text_str(&t), NULL);
		text_done(&t);
	}
}

void depart_request(struct agent *a, struct control_request *req)
{
	struct err e = {0};

	if (a->depart_count == AGENT_WAITING_MAX)
	{
		err_set(&e, 0, ERR_LIMIT, "control", "%u requests wait already",
				AGENT_WAITING_MAX);
		control_answer(req, NULL, &e);
		return;
	}
	if (!a->leaving && identity_leave(a->conf.state_dir, &e) < 0)
	{
		control_answer(req, NULL, &e);
		return;
	}
	a->departs[a->depart_count++] = req;
	if (a->leaving)
	{
		cycle_request(a->cycle);
	}
	else
	{
		go(a);
	}
}

/* What a charon that was killed had in the kernel. */
static int flush(struct agent *a, struct err *e)
{
	unsigned sas = 0, policies = 0;
	int rc = nl_sa_flush(a->nl, desired_mark_out(&a->conf), &sas, e);

	if (rc == 0)
	{
		rc = nl_policy_flush(a->nl, a->conf.mark_base, &policies, e);
	}
	if (sas || policies)
	{
		log_info("agent", "deleted %u SAs and %u policies that charon left",
				 sas, policies);
	}
	return rc;
}

static int finish(struct agent *a, struct err *e)
{
	char *boot = xasprintf("%s/charon.boot", a->conf.run_dir);
	int rc = flush(a, e);

	if (rc == 0)
	{
		rc = remove_files(a, e);
	}
	if (rc == 0)
	{
		unlink(boot);
		rc = identity_left(a->conf.state_dir, e);
	}
	free(boot);
	return rc;
}

/* If FRR is not done with what is ours: everything is looked at when it may be. */
static bool frr_is_not_done(struct agent *a)
{
	uint64_t age = loop_now_ms() - a->frr_ms;

	if (age < FRR_READS_MS)
	{
		loop_timer_set(a->periodic, FRR_READS_MS - age);
		return true;
	}
	if (frr_leftovers(a->frr) && a->depart_looks++ < LEFTOVERS_LOOKS)
	{
		loop_timer_set(a->periodic, LEFTOVERS_MS);
		return true;
	}
	return false;
}

void depart_settled(struct agent *a, const struct cycle_result *r)
{
	struct err e = {0};

	if (!r->converged)
	{	/* what can be done without the daemons is done */
		if (r->rest->count == 0)
		{
			answer(a, NULL);
		}
		return;
	}
	if (frr_is_not_done(a))
	{
		return;
	}
	if (finish(a, &e) < 0)
	{
		log_err(LOG_LEVEL_ERROR, "agent", "leave", &e);
		answer(a, &e);
		return;
	}
	log_warn("agent", "%s has left: nothing of its VPNs is left here",
			 a->identity.ce);
	a->left = true;
	answer(a, NULL);
	loop_stop(a->loop);
}
