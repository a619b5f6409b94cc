/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * screen.c - see screen.h
 */
#include <string.h>

#include "agent.h"
#include "fetch.h"
#include "log.h"
#include "loop.h"
#include "nft.h"
#include "screen.h"

#define RESOURCE "firewall"

/* ---- events ---------------------------------------------------------------- */

static void on_changed(void *user)
{
	struct agent *a = user;

	if (a->checked)
	{
		cycle_request(a->cycle);
	}
}

static void on_applied(void *user, const char *mode, const char *settings)
{
	struct agent *a = user;
	bool enforced = strcmp(mode, "enforce") == 0;

	strncpy(a->screened, settings, sizeof(a->screened) - 1);
	firewall_guard_applied(&a->guard, enforced ? CONF_FIREWALL_ENFORCE :
						   CONF_FIREWALL_LOG_ONLY, settings, loop_now_ms());
	if (a->guard.waiting)
	{	/* an answer to this says that the way is open */
		agent_changed(a);
	}
}

void screen_start(struct agent *a)
{
	static const struct nft_handlers handlers = { on_changed, on_applied };

	a->nft = nft_new(a->loop, a->conf.state_dir, &handlers, a);
	strncpy(a->guard.settings, nft_confirmed(a->nft),
			sizeof(a->guard.settings) - 1);
}

void screen_answered(struct agent *a, const struct fetch_answer *answer)
{
	if (answer->rc == 0 && firewall_guard_answered(&a->guard, a->screened,
												   loop_now_ms()))
	{
		log_info("firewall", "a server is heard with the firewall enforced");
		nft_confirm(a->nft, a->screened);
	}
}

/* ---- for reports ------------------------------------------------------------ */

const char *screen_state(const struct agent *a)
{
	const char *mode = nft_mode(a->nft);

	if (mode)
	{
		return mode;
	}
	if (a->conf.firewall.mode == CONF_FIREWALL_OFF)
	{
		return "off";
	}
	return nft_possible(a->nft) ? "none" : "impossible";
}

uint64_t screen_refused(const struct agent *a)
{
	const uint64_t *packets = a->screen.last.packets;

	return packets[FIREWALL_IN_REFUSED] + packets[FIREWALL_IN_IKE_FLOOD] +
		   packets[FIREWALL_OUT_REFUSED] + packets[FIREWALL_FORWARD_REFUSED];
}

/* ---- looks ------------------------------------------------------------------ */

/* As long as a document has. */
static unsigned confirm_s(const struct agent *a)
{
	return a->doc && a->doc->management.confirm_timeout
		? a->doc->management.confirm_timeout : MODEL_CONFIRM_DEFAULT;
}

static void hold(struct agent *a)
{
	nft_hold(a->nft, true);
	agent_alarm(a, ERR_FIREWALL_HELD, RESOURCE, STATUS_MAJOR, "no server was "
				"heard for %u s with these settings enforced; it only logs now",
				confirm_s(a));
	cycle_request(a->cycle);
}

/* mode: of the table that counted */
static void say(struct agent *a, enum err_code code, bool on, uint64_t count,
				bool enforced, const char *what)
{
	if (!on)
	{
		agent_alarm_clear(a, code, RESOURCE);
		return;
	}
	if (!alarm_is_raised(&a->alarms, code, RESOURCE, NULL))
	{
		agent_alarm(a, code, RESOURCE, enforced ? STATUS_MINOR : STATUS_WARNING,
					"%llu packets %s, %s", (unsigned long long)count, what,
					enforced ? "dropped" : "let through: mode is log-only");
	}
}

static void say_blocked(struct agent *a)
{
	size_t i;

	for (i = 0; i < FIREWALL_BLOCKED_COUNT && !a->screen.blocked[i]; i++);
	if (i == FIREWALL_BLOCKED_COUNT)
	{
		agent_alarm_clear(a, ERR_FIREWALL_BLOCKED, RESOURCE);
	}
	else if (!alarm_is_raised(&a->alarms, ERR_FIREWALL_BLOCKED, RESOURCE, NULL))
	{
		agent_alarm(a, ERR_FIREWALL_BLOCKED, RESOURCE, STATUS_MAJOR,
					"%s: none of the last %llu packets came through",
					firewall_blocked[i],
					(unsigned long long)a->screen.waiting[i]);
	}
}

void screen_look(struct agent *a)
{
	uint64_t now = loop_now_ms();
	struct firewall_counters counters;
	const char *mode = nft_mode(a->nft);
	bool enforced = mode && strcmp(mode, "enforce") == 0;

	if (firewall_guard_look(&a->guard, confirm_s(a) * 1000ull, now))
	{
		hold(a);
	}
	if (now - a->screen_ms < FIREWALL_LOOK_MS ||
		!nft_counters(a->nft, &counters))
	{
		return;
	}
	a->screen_ms = now;
	firewall_look(&a->screen, &counters, now);
	say(a, ERR_FIREWALL_LEAK, a->screen.leak, a->screen.leaked, enforced,
		"to the provider's edge that are not the VPN's");
	say(a, ERR_FIREWALL_PROBE, a->screen.probe, a->screen.probed, enforced,
		"from the provider's side that are not the VPN's");
	say_blocked(a);
}
