/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * peer.c - the table of peer.h
 *
 * Pure.
 */
#include "peer.h"

#include <stddef.h>

#define INTRODUCE_MS 3000

static const struct peer_row rows[] = {
	{ PEER_IDLE,       PEER_EV_START,      PEER_INITIATE,   PEER_CONNECTING },
	{ PEER_IDLE,       PEER_EV_STANDBY,    PEER_HOLD,       PEER_WAITING },
	{ PEER_IDLE,       PEER_EV_CHILD_UP,   PEER_SETTLE,     PEER_UP },
	{ PEER_IDLE,       PEER_EV_KICK,       PEER_INITIATE,   PEER_CONNECTING },
	{ PEER_CONNECTING, PEER_EV_CHILD_UP,   PEER_SETTLE,     PEER_UP },
	{ PEER_CONNECTING, PEER_EV_FAILED,     PEER_BACK_OFF,   PEER_WAITING },
	{ PEER_CONNECTING, PEER_EV_EXHAUSTED,  PEER_GIVE_ALARM, PEER_ALARM },
	{ PEER_CONNECTING, PEER_EV_TIMEOUT,    PEER_ABANDON,    PEER_CONNECTING },
	{ PEER_UP,         PEER_EV_CHILD_DOWN, PEER_ASK,        PEER_ASKING },
	{ PEER_ASKING,     PEER_EV_ANSWERED,   PEER_HOLD,       PEER_WAITING },
	{ PEER_ASKING,     PEER_EV_TIMEOUT,    PEER_HOLD,       PEER_WAITING },
	{ PEER_ASKING,     PEER_EV_CHILD_UP,   PEER_SETTLE,     PEER_UP },
	{ PEER_ASKING,     PEER_EV_KICK,       PEER_INITIATE,   PEER_CONNECTING },
	{ PEER_WAITING,    PEER_EV_TIMEOUT,    PEER_INITIATE,   PEER_CONNECTING },
	{ PEER_WAITING,    PEER_EV_KICK,       PEER_INITIATE,   PEER_CONNECTING },
	{ PEER_WAITING,    PEER_EV_CHILD_UP,   PEER_SETTLE,     PEER_UP },
	{ PEER_ALARM,      PEER_EV_TIMEOUT,    PEER_INITIATE,   PEER_CONNECTING },
	{ PEER_ALARM,      PEER_EV_KICK,       PEER_INITIATE,   PEER_CONNECTING },
	{ PEER_ALARM,      PEER_EV_CHILD_UP,   PEER_SETTLE,     PEER_UP },
	{ PEER_IDLE,       PEER_EV_REMOVED,    PEER_STOP,       PEER_IDLE },
	{ PEER_CONNECTING, PEER_EV_REMOVED,    PEER_STOP,       PEER_IDLE },
	{ PEER_UP,         PEER_EV_REMOVED,    PEER_STOP,       PEER_IDLE },
	{ PEER_ASKING,     PEER_EV_REMOVED,    PEER_STOP,       PEER_IDLE },
	{ PEER_WAITING,    PEER_EV_REMOVED,    PEER_STOP,       PEER_IDLE },
	{ PEER_ALARM,      PEER_EV_REMOVED,    PEER_STOP,       PEER_IDLE },
};

static const struct {
	enum peer_state state;
	enum peer_event event;
} ignored[] = {
	{ PEER_IDLE, PEER_EV_CHILD_DOWN },		/* it never was up */
	{ PEER_IDLE, PEER_EV_FAILED },			/* of the other end's attempt */
	{ PEER_IDLE, PEER_EV_EXHAUSTED },
	{ PEER_IDLE, PEER_EV_TIMEOUT },			/* no timer in this state */
	{ PEER_IDLE, PEER_EV_ANSWERED },		/* for somebody else */
	{ PEER_CONNECTING, PEER_EV_START },		/* never two at once */
	{ PEER_CONNECTING, PEER_EV_STANDBY },
	{ PEER_CONNECTING, PEER_EV_CHILD_DOWN },
	{ PEER_CONNECTING, PEER_EV_KICK },
	{ PEER_CONNECTING, PEER_EV_ANSWERED },
	{ PEER_UP, PEER_EV_START },
	{ PEER_UP, PEER_EV_STANDBY },
	{ PEER_UP, PEER_EV_CHILD_UP },
	{ PEER_UP, PEER_EV_FAILED },			/* a rekeying; child-down follows if it matters */
	{ PEER_UP, PEER_EV_EXHAUSTED },
	{ PEER_UP, PEER_EV_TIMEOUT },
	{ PEER_UP, PEER_EV_KICK },
	{ PEER_UP, PEER_EV_ANSWERED },
	{ PEER_ASKING, PEER_EV_START },
	{ PEER_ASKING, PEER_EV_STANDBY },
	{ PEER_ASKING, PEER_EV_CHILD_DOWN },
	{ PEER_ASKING, PEER_EV_FAILED },
	{ PEER_ASKING, PEER_EV_EXHAUSTED },
	{ PEER_WAITING, PEER_EV_START },
	{ PEER_WAITING, PEER_EV_STANDBY },
	{ PEER_WAITING, PEER_EV_CHILD_DOWN },
	{ PEER_WAITING, PEER_EV_FAILED },
	{ PEER_WAITING, PEER_EV_EXHAUSTED },
	{ PEER_WAITING, PEER_EV_ANSWERED },
	{ PEER_ALARM, PEER_EV_START },
	{ PEER_ALARM, PEER_EV_STANDBY },
	{ PEER_ALARM, PEER_EV_CHILD_DOWN },
	{ PEER_ALARM, PEER_EV_FAILED },
	{ PEER_ALARM, PEER_EV_EXHAUSTED },
	{ PEER_ALARM, PEER_EV_ANSWERED },
};

static const char *const state_names[] = {
#define X(sym, name) [PEER_##sym] = name,
	PEER_STATES(X)
#undef X
};

static const char *const event_names[] = {
#define X(sym, name) [PEER_EV_##sym] = name,
	PEER_EVENTS(X)
#undef X
};

const struct peer_row *peer_row(enum peer_state state, enum peer_event event)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
	{
		if (rows[i].state == state && rows[i].event == event)
		{
			return &rows[i];
		}
	}
	return NULL;
}

bool peer_ignored(enum peer_state state, enum peer_event event)
{
	for (size_t i = 0; i < sizeof(ignored) / sizeof(*ignored); i++)
	{
		if (ignored[i].state == state && ignored[i].event == event)
		{
			return true;
		}
	}
	return false;
}

const char *peer_state_name(enum peer_state state)
{
	return state_names[state];
}

const char *peer_event_name(enum peer_event event)
{
	return event_names[event];
}

/* +0..20 %, so that many peers do not come back together */
static uint64_t spread(uint64_t ms, uint32_t random)
{
	return ms + ms * (random % 1000) / 5000;
}

static uint64_t steps(const struct model_retry *retry, unsigned failures)
{
	uint64_t seconds = retry->t1;

	if (failures <= 1)
	{
		return retry->minimum_wait;
	}
	for (unsigned i = 2; i < failures && seconds < retry->maximum &&
		 retry->factor > 1; i++)
	{
		seconds *= retry->factor;
	}
	return seconds > retry->maximum ? retry->maximum : seconds;
}

uint64_t peer_backoff_ms(const struct model_retry *retry, enum cause_wait wait,
						 bool initiator, unsigned failures, uint32_t random)
{
	uint64_t seconds = wait == CAUSE_STEPS ? steps(retry, failures) :
					   wait == CAUSE_SLOW ? retry->maximum : 0;

	if (seconds < retry->minimum_wait)
	{
		seconds = retry->minimum_wait;
	}
	if (!initiator)
	{
		seconds += 2 * (uint64_t)retry->t1;
	}
	return spread(seconds * 1000, random);
}

uint64_t peer_hold_ms(const struct model_retry *retry, bool initiator,
					  uint32_t random)
{
	uint64_t seconds = retry->minimum_wait;

	if (!initiator)
	{
		seconds += 2 * (uint64_t)retry->t1;
	}
	return spread(seconds * 1000, random);
}

uint64_t peer_introduce_ms(const struct model_retry *retry, uint32_t random)
{
	uint64_t usual = peer_hold_ms(retry, false, random);
	uint64_t ms = spread(INTRODUCE_MS, random);

	return ms < usual ? ms : usual;
}
