/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * alert.c - alerts and unknown peers
 */
#include <stdio.h>
#include <string.h>

#include "agent.h"
#include "alert.h"
#include "charon.h"
#include "daytime.h"
#include "event.h"
#include "log.h"
#include "loop.h"
#include "negotiate.h"
#include "provider.h"

/* The server is asked for an unknown peer at most this often (draft 3.5 leaves
 * it open; an attacker with forged addresses must not make load). */
#define UNKNOWN_GAP_MS 30000
/* A caller that the server does not make known in this time is a stranger. */
#define CALLER_MS 5000
/* The alarm of strangers ends so long after the last one. */
#define STRANGER_MS (15 * 60 * 1000)

/*
 * An identity of one of our peers that comes from another address than that
 * peer's: somebody claims to be it.
 */
static bool is_impersonation(struct agent *a, const char *address,
							 const char *identity)
{
	struct tunnel *t;
	struct addr from;
	char resource[PLACE_SIZE];

	t = identity ? tunnels_find_identity(a->tunnels, identity) : NULL;
	if (!t || !address || addr_parse4(address, &from) < 0 ||
		addr_equal(&from, &t->remote))
	{
		return false;
	}
	negotiate_resource(t, resource);
	agent_alarm(a, ERR_IMPERSONATION, resource, STATUS_CRITICAL,
				"%s claimed the identity %s of another address and was "
				"refused", address, identity);
	return true;
}

static struct tunnel *alert_tunnel(struct agent *a,
								   const struct charon_alert *alert)
{
	struct addr from;

	if (alert->name)
	{
		return tunnels_find(a->tunnels, alert->name);
	}
	return alert->remote_address &&
		   addr_parse4(alert->remote_address, &from) == 0 ?
		   tunnels_find_remote(a->tunnels, &from) : NULL;
}

/* Alarms for what only a person can change come at once. */
static void alarm_at_once(struct agent *a, const struct charon_alert *alert,
						  const struct cause *cause)
{
	struct tunnel *t = alert_tunnel(a, alert);
	char resource[PLACE_SIZE];

	if (t)
	{
		negotiate_resource(t, resource);
	}
	else
	{
		snprintf(resource, sizeof(resource), "%s",
				 alert->remote_address ? alert->remote_address : "charon");
	}
	agent_alarm(a, cause->code, resource, cause->severity, "%s: peer %s at %s",
				alert->alert,
				alert->remote_identity ? alert->remote_identity : "unnamed",
				alert->remote_address ? alert->remote_address : "?");
}

void alert_handle(struct agent *a, const struct charon_alert *alert)
{
	const struct cause *cause = cause_find(alert->alert);

	log_debug("alert", "%s: %s from %s", alert->name ? alert->name : "unnamed",
			  alert->alert, alert->remote_address ? alert->remote_address : "?");
	if (!cause)
	{
		return;
	}
	if (cause->code == ERR_AUTH_FAILED &&
		is_impersonation(a, alert->remote_address, alert->remote_identity))
	{	/* not the real peer's failure: its tunnel is not touched */
		return;
	}
	if (cause->severity != STATUS_CLEARED)
	{
		alarm_at_once(a, alert, cause);
	}
	tunnels_cause(a->tunnels, alert->name, cause, alert->ours);
}

/* A bounded table: in a flood the first ones are kept until it is known whether
 * they are peers; the others are counted, and asked for, all the same. */
static void note_caller(struct agent *a, const struct addr *from)
{
	struct agent_caller *room = NULL;

	for (size_t i = 0; i < AGENT_CALLERS_MAX; i++)
	{
		struct agent_caller *c = &a->callers[i];

		if (c->address.family && addr_equal(&c->address, from))
		{
			return;
		}
		if (!c->address.family)
		{
			room = c;
		}
	}
	if (room)
	{
		*room = (struct agent_caller){
			.address = *from, .at_ms = loop_now_ms(),
		};
	}
}

/* Never more often than UNKNOWN_GAP_MS; what comes in between is not forgotten. */
static void ask_for_unknown(struct agent *a)
{
	uint64_t now = loop_now_ms();

	if (!a->unknown_wanted ||
		(a->unknown_ms && now - a->unknown_ms < UNKNOWN_GAP_MS))
	{
		return;
	}
	event_emit(a->control, EVENT_UNKNOWN_PEER_PULL, "charon", ERR_NONE,
			   "%llu requests of routers that are not known",
			   (unsigned long long)a->unknown_wanted);
	a->unknown_wanted = 0;
	a->unknown_ms = now;
	a->counts.unknown_asked++;
	provider_poke(a->provider);
}

void alert_unknown_peer(struct agent *a, const char *address,
						const char *identity, uint64_t count)
{
	struct addr from;

	if (!address || addr_parse4(address, &from) < 0)
	{
		return;
	}
	is_impersonation(a, address, identity);
	note_caller(a, &from);
	log_debug("peer", "unknown peer %s (%s) asked for a tunnel %llu times",
			  address, identity ? identity : "no identity yet",
			  (unsigned long long)count);
	a->counts.unknown_peers += count;
	a->unknown_wanted += count;
	ask_for_unknown(a);
}

/* What may be wrong with the newest document, and is more than its form. */
static const struct {
	enum err_code code;
	enum status_severity severity;
} refusals[] = {
	{ ERR_DOCUMENT_STALE, STATUS_MAJOR },
	{ ERR_ROLLED_BACK, STATUS_MAJOR },
	{ ERR_BULK_REMOVAL, STATUS_CRITICAL },
	{ ERR_SCHEMA, STATUS_MAJOR },
};

bool alert_says(enum err_code code)
{
	for (size_t i = 0; i < sizeof(refusals) / sizeof(*refusals); i++)
	{
		if (refusals[i].code == code)
		{
			return true;
		}
	}
	return false;
}

void alert_document(struct agent *a)
{
	struct provider_status ps;

	provider_status(a->provider, &ps);
	for (size_t i = 0; i < sizeof(refusals) / sizeof(*refusals); i++)
	{
		const struct err *e = ps.skew.code == refusals[i].code ? &ps.skew :
							  &ps.refusal;

		if (e->code == refusals[i].code)
		{
			if (alarm_is_raised(&a->alarms, e->code, "provider", e->text))
			{
				continue;
			}
			agent_alarm(a, e->code, "provider", refusals[i].severity, "%s",
						e->text);
		}
		else
		{
			agent_alarm_clear(a, refusals[i].code, "provider");
		}
	}
}

void alert_clock(struct agent *a)
{
	const struct err *e = daytime_trouble(a->daytime);

	if (e->code == ERR_CLOCK)
	{
		if (!alarm_is_raised(&a->alarms, ERR_CLOCK, "clock", NULL))
		{
			agent_alarm(a, ERR_CLOCK, "clock", STATUS_WARNING, "%s: %s",
						e->where, e->text);
		}
	}
	else
	{
		agent_alarm_clear(a, ERR_CLOCK, "clock");
	}
}

/* Ends by itself when nobody has asked for a while. */
static void clear_strangers(struct agent *a)
{
	uint64_t now = loop_now_ms();

	for (size_t i = 0; i < a->alarms.count; i++)
	{
		if (a->alarms.items[i].code == ERR_UNKNOWN_PEER &&
			now - a->alarms.items[i].raised_ms >= STRANGER_MS)
		{
			agent_alarm_clear(a, ERR_UNKNOWN_PEER, "charon");
		}
	}
}

/* One alarm for all of them: who forges addresses must not fill the table. */
void alert_strangers(struct agent *a)
{
	uint64_t now = loop_now_ms();
	char text[ADDR_TEXT_MAX];

	for (size_t i = 0; i < AGENT_CALLERS_MAX; i++)
	{
		struct agent_caller *c = &a->callers[i];

		if (!c->address.family || now - c->at_ms < CALLER_MS)
		{
			continue;
		}
		if (!tunnels_find_remote(a->tunnels, &c->address))
		{
			agent_alarm(a, ERR_UNKNOWN_PEER, "charon", STATUS_WARNING,
						"%s asked for a tunnel and is no peer of this router",
						addr_str(&c->address, text));
		}
		memset(c, 0, sizeof(*c));
	}
	ask_for_unknown(a);
	clear_strangers(a);
}

void alert_call_back(struct agent *a)
{
	for (size_t i = 0; i < AGENT_CALLERS_MAX; i++)
	{
		struct agent_caller *c = &a->callers[i];
		struct tunnel *t;

		if (!c->address.family)
		{
			continue;
		}
		t = tunnels_find_remote(a->tunnels, &c->address);
		if (t)
		{
			tunnels_kick(a->tunnels, t->conn);
			memset(c, 0, sizeof(*c));
		}
	}
}
