/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * negotiate.c - what the tunnels' machine asks for
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "agent.h"
#include "charon.h"
#include "event.h"
#include "log.h"
#include "loop.h"
#include "negotiate.h"
#include "neighbors.h"
#include "provider.h"
#include "vici.h"

/* So many looks at single connections cost as much as one look at all. */
#define LOOKS_MAX 32
/* An alarm of a tunnel that came up since, or never went, ends after this. */
#define FORGET_MS (15 * 60 * 1000)

void negotiate_resource(const struct tunnel *t, char out[PLACE_SIZE])
{
	snprintf(out, PLACE_SIZE, "%s/%s/%s", t->customer, t->vpn, t->peer);
}

static void tell(struct agent *a, const struct tunnel *t,
				 enum event_code code)
{
	char resource[PLACE_SIZE], addr[ADDR_TEXT_MAX];

	negotiate_resource(t, resource);
	addr_str(&t->remote, addr);
	if (code == EVENT_TUNNEL_FAILED)
	{
		event_emit(a->control, code, resource, t->last_error, "%s: attempt %u, "
				   "the next in %llu s", addr, t->failures,
				   (unsigned long long)(t->timer_ms - loop_now_ms()) / 1000);
	}
	else
	{
		event_emit(a->control, code, resource, code == EVENT_TUNNEL_TRYING ?
				   ERR_NONE : t->last_error, "%s", addr);
	}
}

/* ---- attempts -------------------------------------------------------------- */

static void on_initiated(void *user, const char *conn, int rc,
						 const struct err *e)
{
	struct agent *a = user;

	if (rc == 0)
	{
		return;
	}
	log_err(LOG_LEVEL_WARN, "peer", conn, e);
	tunnels_cause(a->tunnels, conn, cause_find(rc == -ENOTCONN ?
				  "charon-away" : "no-connection"), true);
	cycle_request(a->cycle);
}

static void on_initiate(void *user, struct tunnel *t)
{
	struct agent *a = user;

	a->counts.initiated++;
	tell(a, t, EVENT_TUNNEL_TRYING);
	charon_initiate(a->charon, t->conn, on_initiated, a);
}

static void on_abandon(void *user, struct tunnel *t)
{
	struct agent *a = user;

	vici_terminate(a->vici, t->conn);
}

/* ---- is it still a peer? --------------------------------------------------- */

/* A question that is on its way may be older than what happened: one more. */
static void on_ask(void *user, struct tunnel *t)
{
	struct agent *a = user;

	(void)t;
	if (provider_idle(a->provider))
	{
		provider_poke(a->provider);
	}
	else
	{
		a->ask_again = true;
	}
}

void negotiate_answered(struct agent *a)
{
	if (!provider_idle(a->provider))
	{
		return;
	}
	if (a->ask_again)
	{
		a->ask_again = false;
		provider_poke(a->provider);
		return;
	}
	tunnels_answered(a->tunnels);
}

/* ---- changes and alarms ---------------------------------------------------- */

/* Which event a change of state is. */
static const struct {
	enum peer_state old, now;
	enum event_code code;
} changes[] = {
	{ PEER_CONNECTING, PEER_WAITING, EVENT_TUNNEL_FAILED },
	{ PEER_CONNECTING, PEER_ALARM, EVENT_TUNNEL_FAILED },
	{ PEER_UP, PEER_ASKING, EVENT_TUNNEL_DOWN },
	{ PEER_IDLE, PEER_UP, EVENT_TUNNEL_UP },
	{ PEER_CONNECTING, PEER_UP, EVENT_TUNNEL_UP },
	{ PEER_ASKING, PEER_UP, EVENT_TUNNEL_UP },
	{ PEER_WAITING, PEER_UP, EVENT_TUNNEL_UP },
	{ PEER_ALARM, PEER_UP, EVENT_TUNNEL_UP },
	{ PEER_CONNECTING, PEER_IDLE, EVENT_TUNNEL_REMOVED },
	{ PEER_UP, PEER_IDLE, EVENT_TUNNEL_REMOVED },
	{ PEER_ASKING, PEER_IDLE, EVENT_TUNNEL_REMOVED },
	{ PEER_WAITING, PEER_IDLE, EVENT_TUNNEL_REMOVED },
	{ PEER_ALARM, PEER_IDLE, EVENT_TUNNEL_REMOVED },
};

static void on_changed(void *user, struct tunnel *t, enum peer_state old)
{
	struct agent *a = user;

	for (size_t i = 0; i < sizeof(changes) / sizeof(*changes); i++)
	{
		if (changes[i].old == old && changes[i].now == t->state)
		{
			tell(a, t, changes[i].code);
			a->counts.failed += changes[i].code == EVENT_TUNNEL_FAILED;
		}
	}
	if (t->state == PEER_UP && old != PEER_UP)
	{
		neighbors_poll(a);
	}
	agent_changed(a);
}

/* One tunnel has one cause at a time: alarms of the others end. That somebody
 * claimed to be the peer does not pass because the peer is back. */
static void clear_causes(struct agent *a, const char *resource,
						 enum err_code but)
{
	const struct cause *cause;

	for (size_t i = 0; (cause = cause_get(i)); i++)
	{
		if (cause->code != but && cause->code != ERR_IMPERSONATION)
		{
			agent_alarm_clear(a, cause->code, resource);
		}
	}
}

static void on_alarm(void *user, struct tunnel *t, enum err_code code,
					 bool raised)
{
	struct agent *a = user;
	char resource[PLACE_SIZE];

	negotiate_resource(t, resource);
	if (raised && code == ERR_NO_TRAFFIC)
	{
		agent_alarm(a, code, resource, STATUS_MAJOR, "nothing came in for %llu "
					"s, while %llu bytes went out",
					(unsigned long long)(loop_now_ms() - t->heard_ms) / 1000,
					(unsigned long long)(t->out_bytes - t->said_bytes));
	}
	else if (raised)
	{
		clear_causes(a, resource, code);
		agent_alarm(a, code, resource, STATUS_MAJOR, "%u attempts failed, the "
					"last: %s", t->failures, err_code_title(code));
	}
	else if (code == ERR_NONE)
	{
		clear_causes(a, resource, ERR_NONE);
	}
	else
	{
		agent_alarm_clear(a, code, resource);
	}
}

const struct tunnels_handlers negotiate_handlers = {
	.initiate = on_initiate, .abandon = on_abandon, .ask = on_ask,
	.changed = on_changed, .alarm = on_alarm,
};

/* ---- from time to time ----------------------------------------------------- */

void negotiate_look(struct agent *a)
{
	size_t due = 0;

	for (size_t i = 0; i < tunnels_count(a->tunnels); i++)
	{
		struct tunnel *t = tunnels_get(a->tunnels, i);

		if (tunnel_look_due(t) && ++due <= LOOKS_MAX)
		{
			cycle_request_conn(a->cycle, t->conn);
		}
	}
	if (due > LOOKS_MAX)
	{
		cycle_request(a->cycle);
	}
}

static bool is_cause(enum err_code code)
{
	const struct cause *cause;

	for (size_t i = 0; (cause = cause_get(i)); i++)
	{
		if (cause->code == code && code != ERR_IMPERSONATION)
		{
			return true;
		}
	}
	return false;
}

void negotiate_forget(struct agent *a)
{
	uint64_t now = loop_now_ms();
	char resource[PLACE_SIZE];

	for (size_t i = 0; i < a->alarms.count; i++)
	{
		struct alarm *alarm = &a->alarms.items[i];

		if (alarm->severity == STATUS_CLEARED || !is_cause(alarm->code) ||
			now - alarm->raised_ms < FORGET_MS)
		{
			continue;
		}
		for (size_t k = 0; k < tunnels_count(a->tunnels); k++)
		{
			struct tunnel *t = tunnels_get(a->tunnels, k);

			negotiate_resource(t, resource);
			if (t->state == PEER_UP && strcmp(resource, alarm->resource) == 0)
			{
				agent_alarm_clear(a, alarm->code, resource);
			}
		}
	}
}
