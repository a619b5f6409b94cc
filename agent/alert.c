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
#include "log.h"
#include "loop.h"
#include "provider.h"

/* The server is asked for an unknown peer at most this often (draft 3.5 leaves
 * it open; an attacker with forged addresses must not make load). */
#define UNKNOWN_GAP_MS 30000
/* A caller that the server does not make known in this time is a stranger. */
#define CALLER_MS 5000

static const struct {
	const char *alert;
	enum err_code code;
	bool failure;				/* ends a negotiation */
	enum status_severity severity;
} meanings[] = {
	{ "peer-auth-failed", ERR_AUTH_FAILED, true, STATUS_MAJOR },
	{ "local-auth-failed", ERR_AUTH_FAILED, true, STATUS_MAJOR },
	{ "authorization-failed", ERR_AUTH_FAILED, true, STATUS_MAJOR },
	{ "identity-mismatch", ERR_IMPERSONATION, true, STATUS_CRITICAL },
	{ "foreign-secret", ERR_AUTH_FAILED, true, STATUS_MAJOR },
	{ "peer-init-unreachable", ERR_PEER_UNREACHABLE, true, STATUS_MINOR },
	{ "retransmit-send-timeout", ERR_PEER_UNREACHABLE, true, STATUS_MINOR },
	{ "half-open-timeout", ERR_PEER_UNREACHABLE, false, STATUS_WARNING },
	{ "peer-addr-failed", ERR_PEER_UNREACHABLE, true, STATUS_MINOR },
	{ "proposal-mismatch-ike", ERR_PROPOSAL, true, STATUS_MAJOR },
	{ "proposal-mismatch-child", ERR_PROPOSAL, true, STATUS_MAJOR },
	{ "ts-mismatch", ERR_PROPOSAL, true, STATUS_MAJOR },
	{ "install-child-sa-failed", ERR_KERNEL, true, STATUS_MAJOR },
	{ "install-child-policy-failed", ERR_KERNEL, true, STATUS_MAJOR },
	{ "keep-on-child-sa-failure", ERR_PROPOSAL, true, STATUS_MAJOR },
};

static void tunnel_resource(const struct tunnel *t, char out[PLACE_SIZE])
{
	snprintf(out, PLACE_SIZE, "%s/%s/%s", t->customer, t->vpn, t->peer);
}

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
	tunnel_resource(t, resource);
	agent_alarm(a, ERR_IMPERSONATION, resource, STATUS_CRITICAL,
				"%s claimed the identity %s of another address and was "
				"refused", address, identity);
	return true;
}

/*
 * A peer that proves another site's identity wrongly from an address that we
 * expect a peer at: its own identity is not the one it claimed.
 */
static void auth_alarm(struct agent *a, const struct charon_alert *alert,
					   enum err_code code, enum status_severity severity)
{
	struct tunnel *t = alert->name ? tunnels_find(a->tunnels, alert->name)
								   : NULL;
	struct addr from;
	char resource[PLACE_SIZE];

	if (!t && alert->remote_address &&
		addr_parse4(alert->remote_address, &from) == 0)
	{
		t = tunnels_find_remote(a->tunnels, &from);
	}
	if (t)
	{
		tunnel_resource(t, resource);
	}
	else
	{
		snprintf(resource, sizeof(resource), "%s",
				 alert->remote_address ? alert->remote_address : "charon");
	}
	agent_alarm(a, code, resource, severity, "%s: peer %s at %s", alert->alert,
				alert->remote_identity ? alert->remote_identity : "unnamed",
				alert->remote_address ? alert->remote_address : "?");
}

void alert_handle(struct agent *a, const struct charon_alert *alert)
{
	for (size_t i = 0; i < sizeof(meanings) / sizeof(*meanings); i++)
	{
		if (strcmp(meanings[i].alert, alert->alert) != 0)
		{
			continue;
		}
		if (meanings[i].code == ERR_AUTH_FAILED &&
			is_impersonation(a, alert->remote_address, alert->remote_identity))
		{	/* not the real peer's failure: its tunnel is not touched */
			return;
		}
		if (meanings[i].severity >= STATUS_MAJOR)
		{
			auth_alarm(a, alert, meanings[i].code, meanings[i].severity);
		}
		if (meanings[i].failure)
		{
			tunnels_failed(a->tunnels, alert->name, alert->remote_address,
						   meanings[i].code);
		}
		return;
	}
	log_debug("alert", "%s from %s", alert->alert,
			  alert->remote_address ? alert->remote_address : "?");
}

void alert_unknown_peer(struct agent *a, const char *address,
						const char *identity, uint64_t count)
{
	uint64_t now = loop_now_ms();
	struct addr from;

	if (!address || addr_parse4(address, &from) < 0)
	{
		return;
	}
	is_impersonation(a, address, identity);
	a->callers[a->next_caller % AGENT_CALLERS_MAX] = (struct agent_caller){
		.address = from, .at_ms = now,
	};
	a->next_caller++;
	log_info("peer", "unknown peer %s (%s) asked for a tunnel %llu times",
			 address, identity ? identity : "no identity yet",
			 (unsigned long long)count);
	if (!a->unknown_ms || now - a->unknown_ms >= UNKNOWN_GAP_MS)
	{
		a->unknown_ms = now;
		provider_poke(a->provider);
	}
}

/* What may be wrong with the newest document, and is more than its form. */
static const struct {
	enum err_code code;
	enum status_severity severity;
} refusals[] = {
	{ ERR_DOCUMENT_STALE, STATUS_MAJOR },
	{ ERR_ROLLED_BACK, STATUS_MAJOR },
	{ ERR_BULK_REMOVAL, STATUS_CRITICAL },
};

void alert_document(struct agent *a)
{
	struct provider_status ps;

	provider_status(a->provider, &ps);
	for (size_t i = 0; i < sizeof(refusals) / sizeof(*refusals); i++)
	{
		if (ps.refusal.code == refusals[i].code)
		{
			if (alarm_is_raised(&a->alarms, ps.refusal.code, "provider",
								ps.refusal.text))
			{
				continue;
			}
			agent_alarm(a, refusals[i].code, "provider", refusals[i].severity,
						"%s", ps.refusal.text);
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
