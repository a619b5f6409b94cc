/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * moved.c - noticing another address (s), and what follows from it
 */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "agent.h"
#include "alloc.h"
#include "event.h"
#include "locate.h"
#include "loop.h"
#include "moved.h"
#include "nl.h"

/* A lease that is renewed takes the address and gives the next. */
#define SETTLE_MS 100
/* Links without an address are not worth an alarm before this. */
#define GRACE_MS 5000

static bool is_here(void *user, const struct addr *address)
{
	struct agent *a = user;

	return nl_is_local(a->nl, address);
}

static struct addr find_source(const struct agent *a)
{
	struct addr source = { .family = 0 }, to;
	struct provider_status ps;

	provider_status(a->provider, &ps);
	if (locate_target(a->doc, ps.server, &to))
	{
		nl_source(a->nl, &to, &source);
	}
	return source;
}

/* ---- alarms ---------------------------------------------------------------- */

static void place_of(const struct model_vpn *vpn, char out[PLACE_SIZE])
{
	snprintf(out, PLACE_SIZE, "%s/%s/%s", vpn->customer, vpn->vpn, vpn->site);
}

static bool is_lacking(struct agent *a, const char *resource)
{
	char place[PLACE_SIZE];

	for (size_t i = 0; a->doc && i < a->doc->vpn_count; i++)
	{
		place_of(&a->doc->vpns[i], place);
		if (strcmp(place, resource) == 0)
		{
			return locate_lacks(&a->doc->vpns[i], is_here, a);
		}
	}
	return false;
}

static void raise_alarms(struct agent *a)
{
	char place[PLACE_SIZE], lost[ADDR_TEXT_MAX], now[ADDR_TEXT_MAX], text[128];
	const struct model_vpn *vpn;

	for (size_t i = 0; a->doc && i < a->doc->vpn_count; i++)
	{
		vpn = &a->doc->vpns[i];
		if (!locate_lacks(vpn, is_here, a))
		{
			continue;
		}
		place_of(vpn, place);
		snprintf(text, sizeof(text), "the provider says %s, this router has %s",
				 addr_str(&vpn->ce_address, lost), a->source.family ?
				 addr_str(&a->source, now) : "none");
		if (!alarm_is_raised(&a->alarms, ERR_ADDRESS_LOST, place, text))
		{
			agent_alarm(a, ERR_ADDRESS_LOST, place, STATUS_CRITICAL, "%s",
						text);
		}
	}
}

static void clear_alarms(struct agent *a)
{
	for (size_t i = 0; i < a->alarms.count; i++)
	{
		struct alarm *alarm = &a->alarms.items[i];

		if (alarm->code == ERR_ADDRESS_LOST &&
			alarm->severity != STATUS_CLEARED &&
			!is_lacking(a, alarm->resource))
		{
			agent_alarm_clear(a, ERR_ADDRESS_LOST, alarm->resource);
		}
	}
}

/* ---- what follows ---------------------------------------------------------- */

/* What came from the old one is dead where that is gone: connections to the
 * server. Tunnels behind NAT begin where packets are sent from in any case. */
static void leave_old(struct agent *a, const struct addr *from)
{
	bool gone = a->located && !(from->family && nl_is_local(a->nl, from));
	char before[ADDR_TEXT_MAX], now[ADDR_TEXT_MAX];

	if (gone)
	{
		event_emit(a->control, EVENT_ADDRESS_CHANGED, "", ERR_NONE,
				   "%s, before %s",
				   a->source.family ? addr_str(&a->source, now) : "none",
				   from->family ? addr_str(from, before) : "none");
	}
	if (a->source.family && gone)
	{
		provider_reconnect(a->provider);
	}
	a->located |= a->source.family != 0;
	if (locate_behind_nat(a->doc))
	{
		tunnels_moved(a->tunnels);
		if (a->checked)
		{
			cycle_request(a->cycle);
		}
	}
}

/* Told at once, and again as long as nothing comes of it. */
static void tell(struct agent *a, const struct status_address *now)
{
	unsigned most_ms = a->doc && a->doc->management.report_interval ?
					   a->doc->management.report_interval * 1000 : 300000;
	bool same = a->missing &&
				addr_equal(&a->address.missing, &now->missing) &&
				addr_equal(&a->address.present, &now->present);

	if (!a->missing)
	{
		a->missing_ms = loop_now_ms();
	}
	a->missing = true;
	a->address = *now;
	if (!same)
	{
		a->again_ms = 0;
		a->again_at_ms = 0;
	}
	if (loop_now_ms() >= a->again_at_ms)
	{
		a->again_ms = locate_again_ms(a->again_ms, most_ms);
		a->again_at_ms = loop_now_ms() + a->again_ms;
		agent_changed(a);
	}
	if (a->source.family || loop_now_ms() - a->missing_ms >= GRACE_MS)
	{
		raise_alarms(a);
		loop_timer_set(a->moved, a->again_at_ms - loop_now_ms());
	}
	else
	{
		loop_timer_set(a->moved, GRACE_MS);
	}
}

void moved_look(void *user)
{
	struct agent *a = user;
	struct addr from = a->source;
	struct status_address now;

	if (a->leaving)
	{
		return;
	}
	a->moved_soon = false;
	a->source = find_source(a);
	if (!addr_equal(&from, &a->source))
	{
		leave_old(a, &from);
	}
	if (locate_report(a->doc, is_here, a, &a->source, &now))
	{
		tell(a, &now);
	}
	else if (a->missing)
	{
		a->missing = false;
		agent_changed(a);
	}
	clear_alarms(a);
}

void moved_document(struct agent *a)
{
	if (!a->located)
	{
		a->source = find_source(a);
		a->located = a->source.family != 0;
	}
}

void moved_soon(struct agent *a)
{
	if (!a->moved_soon)
	{
		a->moved_soon = true;
		loop_timer_set(a->moved, SETTLE_MS);
	}
}
