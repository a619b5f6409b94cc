/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * rotation.h - how what two sites authenticate with is changed, and when
 *
 * Pure. That is a pre-shared key, or their routers' certificates. A pair takes
 * three steps, each a revision, each only when both routers have reported that
 * they have the one before in force:
 *
 *   accept   the new one is there, and accepted; the old one is sent
 *   send     the new one is sent, the old one accepted
 *   forget   the old one is gone
 *
 * So two routers that are one step apart can authenticate to each other, in both
 * directions, with what each has. Nothing times out into the next step.
 */
#ifndef PPVPN_SERVER_ROTATION_H
#define PPVPN_SERVER_ROTATION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum rotation_step
{
	ROTATION_ACCEPT,
	ROTATION_SEND,
	ROTATION_FORGET,
	ROTATION_DONE			/* nothing is under way */
};
#define ROTATION_STEPS 3
extern const char *const rotation_steps[];	/* by step, ended by NULL */

/* What a pair comes to have. */
enum rotation_target
{
	ROTATION_NEXT_KEY,		/* another key instead of its key */
	ROTATION_CERTIFICATE,	/* certificates instead of its key */
	ROTATION_KEY			/* a key instead of its certificates */
};
extern const char *const rotation_targets[];	/* by target, ended by NULL */

/* What a credential is for at a step. */
enum rotation_use { ROTATION_USE_SEND, ROTATION_USE_ACCEPT, ROTATION_USE_GONE };
extern const char *const rotation_use_words[];	/* of the database; "" for gone */
struct rotation_uses
{
	enum rotation_use newest, older;
};
/** Not for ROTATION_DONE. */
struct rotation_uses rotation_uses(enum rotation_step step);
/**
 * What certificates are for in a pair at that step; of ROTATION_DONE: with what
 * it has come to. The keys are by rotation_uses(), where there are any.
 */
enum rotation_use rotation_certificate_use(enum rotation_target target,
										   enum rotation_step step);

/** Where a pair is that was at step, when these of its ends have confirmed it. */
enum rotation_step rotation_next(enum rotation_step step, bool a, bool b);

/**
 * Where a pair is that was at step between a key and certificates, when it is to
 * have again what it is about to leave: it moves to that.
 *
 *   accept   nobody was ever told to send the new one: forget, at once; but if
 *            it came there by turning round, some may send it still: send
 *   send     what was sent before is accepted: accept
 *   forget   it is gone: this move ends first, and is followed by another
 *
 * Between accept and send no document changes: one is the other way's other.
 *
 * @param turned	it came to this step by turning round
 */
enum rotation_step rotation_turned(enum rotation_step step, bool turned);

/* What the router at one end is, and last said. */
struct rotation_end
{
	bool suspended;
	bool reported;			/* ever; and then: */
	bool applied;			/* without a fault */
	uint64_t epoch, revision;
	bool on_trial;			/* but it would not start with it yet */
};

enum rotation_wait
{
	ROTATION_CONFIRMED,
	ROTATION_SUSPENDED,
	ROTATION_NEVER_REPORTED,
	ROTATION_OTHER_EPOCH,	/* it has a document of before a restore */
	ROTATION_OLD_DOCUMENT,
	ROTATION_NOT_APPLIED,	/* it has it, but not in force as a whole */
	ROTATION_ON_TRIAL,		/* no server was reached since, or it is not on disk */
	ROTATION_NO_CERTIFICATE	/* of its present key, and not revoked */
};
extern const char *const rotation_waits[];	/* for people, by that; "" first */
/** Why a pair waits for this end of it at a step of that epoch and revision. */
enum rotation_wait rotation_wait(const struct rotation_end *end, uint64_t epoch,
								 uint64_t revision);
/**
 * Why a pair that is to have certificates cannot begin, as to this end; revision:
 * of the first document with its certificate, 0: it has none.
 */
enum rotation_wait rotation_wait_certificate(const struct rotation_end *end,
											 uint64_t epoch,
											 uint64_t revision);

/* ---- by schedule ---------------------------------------------------------- */

/* Pairs become due within the last tenth of the interval, each in its place. */
#define ROTATION_JITTER 10

/**
 * Whether the key of this pair, made at keyed_ms, is to be changed; days 0:
 * never. Of keys of one age some are due earlier, so that not all of a mesh
 * come at once; none is later than the interval.
 */
bool rotation_is_due(uint32_t days, int64_t keyed_ms, int64_t now_ms,
					 int64_t site_a, int64_t site_b);
/** Keys made later are not due yet, whatever the pair. */
int64_t rotation_due_before(uint32_t days, int64_t now_ms);

/* ---- how fast ------------------------------------------------------------- */

/* Of a VPN. */
struct rotation_pace
{
	uint64_t moving;		/* pairs at accept and send, and who are yet to begin */
	uint64_t ready;			/* those of them that both ends have confirmed */
	uint64_t sites;
	int64_t step_ms;		/* when the last of them took its step */
};
#define ROTATION_GATHER_MS 1000			/* and for each site more: */
#define ROTATION_GATHER_SITE_MS 50
#define ROTATION_GATHER_MAX_MS 60000
/**
 * Whether those that are ready may take their next step now. All of a VPN
 * together at once; otherwise, as each step makes its routers' documents anew,
 * only so long after the last step: a second, and 50 ms for each site, a minute
 * at most.
 */
bool rotation_may_step(const struct rotation_pace *pace, int64_t now_ms);

#endif
