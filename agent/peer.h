/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * peer.h - the state machine of one peer's tunnel, as a table
 *
 * Pure: says what follows; tunnel.c does it. draft-ietf-l3vpn-ce-based-03
 * section 3.4: after a refused or failed negotiation wait at least a minimum,
 * retry after t1, back off exponentially to a limit, then alarm a person;
 * retries go on slowly. Section 3.6: a tunnel that went is not set up again
 * before the server was asked whether the peer is still one.
 *
 *            start            up              down
 *   idle ───────────▶ connecting ───▶ up ───────────▶ asking
 *     │ standby        ▲       │ failed                 │ answered, or
 *     └──▶ waiting ────┘       ├─────────▶ waiting ◀────┘ no answer in time
 *                   timeout    └ exhausted ▶ alarm ── timeout ▶ connecting
 */
#ifndef PPVPN_AGENT_PEER_H
#define PPVPN_AGENT_PEER_H

#include <stdbool.h>
#include <stdint.h>
#include "cause.h"
#include "model.h"

#define PEER_STATES(X) \
	X(IDLE, "idle") X(CONNECTING, "connecting") X(UP, "up") \
	X(ASKING, "asking") X(WAITING, "waiting") X(ALARM, "alarm")
#define PEER_EVENTS(X) \
	X(START, "start")			/* configured, this end initiates */ \
	X(STANDBY, "standby")		/* configured, the other end initiates */ \
	X(CHILD_UP, "child-up")		/* a CHILD_SA is INSTALLED */ \
	X(CHILD_DOWN, "child-down")	/* none is any more */ \
	X(FAILED, "failed")			/* the negotiation failed */ \
	X(EXHAUSTED, "exhausted")	/* it failed alarm-after times in a row */ \
	X(TIMEOUT, "timeout")		/* the state's timer */ \
	X(ANSWERED, "answered")		/* the server: it is still a peer */ \
	X(KICK, "kick")				/* initiate now: charon is new, or the peer asked */ \
	X(REMOVED, "removed")

enum peer_state {
#define X(sym, name) PEER_##sym,
	PEER_STATES(X)
#undef X
	PEER_STATE_COUNT
};

enum peer_event {
#define X(sym, name) PEER_EV_##sym,
	PEER_EVENTS(X)
#undef X
	PEER_EVENT_COUNT
};

enum peer_action {
	PEER_NOTHING,
	PEER_INITIATE,			/* in its turn, and then arm the deadline */
	PEER_ABANDON,			/* end what charon still tries; it failed */
	PEER_SETTLE,			/* it is up: forget failures, clear alarms, no timer */
	PEER_BACK_OFF,			/* count the failure, wait peer_backoff_ms() */
	PEER_GIVE_ALARM,		/* the same, and raise the alarm */
	PEER_ASK,				/* ask the server, wait at most PEER_ASK_MS */
	PEER_HOLD,				/* wait peer_hold_ms(): the first try, or the next after it was up */
	PEER_STOP				/* no timer, nothing wanted */
};

struct peer_row {
	enum peer_state state;
	enum peer_event event;
	enum peer_action action;
	enum peer_state next;
};

/** The row for an event in a state; NULL: nothing follows from it. */
const struct peer_row *peer_row(enum peer_state state, enum peer_event event);
/** Pairs that are nothing on purpose; a test wants every pair here or in a row. */
bool peer_ignored(enum peer_state state, enum peer_event event);
const char *peer_state_name(enum peer_state state);
const char *peer_event_name(enum peer_event event);

/**
 * Wait after the n-th failure in a row (n from 1). CAUSE_STEPS: minimum-wait, then
 * t1 * factor^(n-2) up to maximum; CAUSE_SOON: minimum-wait; CAUSE_SLOW: maximum;
 * never under minimum-wait. The end that does not initiate waits 2 * t1 longer,
 * so that the other one is first. random (any 32 bits) spreads it by +0..20 %.
 */
uint64_t peer_backoff_ms(const struct model_retry *retry, enum cause_wait wait,
						 bool initiator, unsigned failures, uint32_t random);
/**
 * Wait before an attempt that follows no failure: minimum-wait for the end that
 * initiates; the other end takes over when nothing came up in
 * minimum-wait + 2 * t1.
 */
uint64_t peer_hold_ms(const struct model_retry *retry, bool initiator,
					  uint32_t random);

/**
 * That wait of the end that does not initiate, when this router is new to the
 * peer: the other end begins as soon as it has heard of it, or has already
 * failed for want of it and waits for long.
 */
uint64_t peer_introduce_ms(const struct model_retry *retry, uint32_t random);

/** Deadline of one negotiation; what charon still tries then is ended. */
#define PEER_NEGOTIATION_MS (40 * 1000)
/** The server's answer is waited for so long. */
#define PEER_ASK_MS 2000
/** Attempts begin at least this far apart ... */
#define PEER_PACE_MS 20
/** ... and no further one begins while so many are under way that began within
 * PEER_YOUNG_MS: those cost; older ones only wait for an answer. */
#define PEER_IN_FLIGHT_MAX 64
#define PEER_YOUNG_MS 2000

#endif
