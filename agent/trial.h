/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * trial.h - a new document stays only if a server is reached again after it
 *
 * Pure: times (loop_now_ms()) are given.
 *
 * A document that came from a server, where there was one before, is on trial
 * from the moment it is handed on. It is
 *   confirmed    by the first answer to a request that began after it was
 *                applied;
 *   kept         (and still not confirmed) when the server that gave it is
 *                heard and does not answer: it accepts or refuses a
 *                connection. The way is open, the server is not well;
 *   taken back   when nothing of the kind happened for the time of confirming:
 *                the one before is in force again.
 * Going back is also the proof. When a server is reached within the same time
 * after it, the document was to blame and is condemned: it is not tried again.
 * Else something else was, and it is tried once more when a server offers it
 * again; the second time it is condemned in any case.
 *
 * An agent that ends in the middle of a trial proves nothing, whoever ended it:
 * the one before is in force after its start, and the trial begins anew when a
 * server offers the document again. A document that ends the agent each time
 * (or has somebody end it) must not do so for ever at full speed: after a few
 * times a pause is made, and a longer one each time.
 */
#ifndef PPVPN_AGENT_TRIAL_H
#define PPVPN_AGENT_TRIAL_H

#include <stdbool.h>
#include <stdint.h>

#define TRIAL_TRIES 2
#define TRIAL_INTERRUPTED 3			/* so often without a pause */
#define TRIAL_PAUSE_MS 15000		/* then; twice as long each time, up to */
#define TRIAL_PAUSE_MAX_MS 600000

enum trial_state {
	TRIAL_NONE,
	TRIAL_RUNNING,			/* the document in force is not confirmed */
	TRIAL_BACK,				/* taken back; who was to blame is not known yet */
};

struct trial {
	enum trial_state state;
	bool applied;			/* what is in force, or what it went back to */
	bool kept;
	uint64_t since_ms;		/* of applied; else of the last news */
	uint64_t timeout_ms;
};

/* what an answer means */
enum trial_verdict {
	TRIAL_NO_VERDICT,
	TRIAL_CONFIRMED,
	TRIAL_CONDEMNED,		/* the document that was taken back was to blame */
	TRIAL_ACQUITTED,		/* it may be tried again */
};

void trial_begin(struct trial *t, uint64_t now_ms, uint64_t timeout_ms);
/** The document in force was applied. */
void trial_applied(struct trial *t, uint64_t now_ms);
/** A server answered a request that began at asked_ms. tries: of the document */
enum trial_verdict trial_answered(struct trial *t, uint64_t asked_ms,
								  uint64_t now_ms, unsigned tries);
/** The server that gave it is there and does not answer. */
void trial_heard(struct trial *t, uint64_t asked_ms);
/** An answer would decide something now. */
bool trial_is_urgent(const struct trial *t, uint64_t now_ms);
/** When it is to be taken back; 0: not (any more, yet). */
uint64_t trial_deadline(const struct trial *t);
/** Before a trial that was cut short so often begins anew. */
uint64_t trial_pause(unsigned interrupted);
/** It is taken back. */
void trial_back(struct trial *t, uint64_t now_ms);

#endif
