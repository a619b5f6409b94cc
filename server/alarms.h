/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * alarms.h - follows the database for alarms, events and wanted bundles
 *
 * A thread and a database connection of its own. Level-triggered: every second,
 * and when told, it asks whether there are newer events or CEs that were asked
 * for a bundle, whichever process wrote them, and wakes who waits; from time to
 * time it has the server's own rules compared with the ledger (store.h).
 *
 * It also drives rotation, of pre-shared keys and between them and
 * certificates: with each look, the steps that
 * are due (store_rotation_round()); each hour, what begins by schedule. A step
 * makes the documents of its routers anew, so: all pairs of a VPN that are ready
 * step together, in one revision; before the last of them is ready only so long
 * after the step before (rotation_may_step(): a minute in a VPN of 1,000 sites);
 * and a look that took long is followed by nine times as long without one.
 *
 * And what is due in VPNs with an authority (store_authority_round()), with the
 * same pauses; each minute it looks at all of them.
 */
#ifndef PPVPN_SERVER_ALARMS_H
#define PPVPN_SERVER_ALARMS_H

#include <stddef.h>
#include <stdint.h>
#include "err.h"
#include "server/outlet.h"
#include "server/store.h"

struct alarms;

#define ALARMS_POLL_MS 1000
#define ALARMS_GAP_MS 100		/* between two looks, however often told */
#define ALARMS_RULES_MS 15000	/* between two rounds of rules, or */
#define ALARMS_RULES_SHARE 4	/* this part of a report interval, if shorter; */
#define ALARMS_RULES_IDLE 9		/* so much longer than a round took, in any case */
#define ALARMS_AUTHORITY_MS 60000	/* between two looks at all certificates */
#define ALARMS_SCHEDULE_MS 3600000	/* between two looks at what keys are due; */
#define ALARMS_SCHEDULE_FIRST_MS 60000	/* the first, after the start */

/* Called on the thread of alarms. */
struct alarms_calls
{
	/** End the long polls of these CEs. */
	void (*wake_ces)(void *user, const uint64_t *ce_ids, size_t count);
	/** It made revisions: documents changed. */
	void (*committed)(void *user);
	/** There are newer events. */
	void (*events)(void *user);
	/** About every ALARMS_POLL_MS. */
	void (*tick)(void *user);
	void *user;
};

/**
 * rules: all but the times is used, its text must outlive it. Takes store over,
 * also when it fails.
 */
int alarms_start(struct store *store, const struct store_rules *rules,
				 const struct alarms_calls *calls, struct alarms **alarms,
				 struct err *e);
/** Something was written by this process. Any thread; NULL is fine. */
void alarms_changed(struct alarms *alarms);
/** It calls nobody any more; alarms_changed() still may be called. NULL is fine. */
void alarms_stop(struct alarms *alarms);
void alarms_free(struct alarms *alarms);

/*
 * The events of the database for outlet.h: of several servers one has a way, and
 * another takes over when it does not come for STORE_OUTLET_HOLD_MS.
 */
struct alarms_source;

/** Takes the stores over, one for each way. */
struct alarms_source *alarms_source_new(struct store *stores[OUTLET_WAYS]);
struct outlet_source alarms_source_calls(struct alarms_source *source);
/** After outlet_stop(): lets go of the ways. NULL is fine. */
void alarms_source_free(struct alarms_source *source);

#endif
