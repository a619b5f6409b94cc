/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * fit.c - charon without its plugin
 */
#include <stdio.h>
#include <string.h>

#include "agent.h"
#include "charon.h"
#include "fit.h"
#include "loop.h"
#include "vici.h"

/* The plugin answers as soon as charon does. */
#define HELLO_MS 10000

static void say(struct agent *a, const char *text)
{
	if (!alarm_is_raised(&a->alarms, ERR_PLUGIN, "charon", text))
	{
		agent_alarm(a, ERR_PLUGIN, "charon", STATUS_MAJOR, "%s", text);
		/* its errors are noted at the end of a round */
		cycle_request(a->cycle);
	}
}

static void missing(struct agent *a)
{
	char text[256];

	snprintf(text, sizeof(text), "charon%s%s runs without the plugin ppvpn: it "
			 "is missing, or was built for another version; charon's log says "
			 "which", a->charon_version[0] ? " " : "", a->charon_version);
	say(a, text);
}

static void another(struct agent *a, const struct charon_hello *hello)
{
	char text[256];

	snprintf(text, sizeof(text), "charon %s runs with the plugin ppvpn of "
			 "strongSwan %s", a->charon_version, hello->version);
	say(a, text);
}

void fit_look(struct agent *a)
{
	const struct charon_hello *hello = charon_hello(a->charon);

	if (!vici_connected(a->vici))
	{	/* not there at all: that is said otherwise */
		a->charon_version[0] = '\0';
		loop_timer_clear(a->fit);
		agent_alarm_clear(a, ERR_PLUGIN, "charon");
		return;
	}
	if (!hello)
	{
		if (!loop_timer_armed(a->fit))
		{
			loop_timer_set(a->fit, HELLO_MS);
		}
		return;
	}
	loop_timer_clear(a->fit);
	if (a->charon_version[0] && hello->version[0] &&
		strcmp(a->charon_version, hello->version) != 0)
	{
		another(a, hello);
	}
	else
	{
		agent_alarm_clear(a, ERR_PLUGIN, "charon");
	}
}

void fit_late(void *user)
{
	struct agent *a = user;

	if (vici_connected(a->vici) && !charon_hello(a->charon))
	{
		missing(a);
	}
}

static void on_version(void *user, int rc, const char *version)
{
	struct agent *a = user;

	if (rc == 0)
	{
		snprintf(a->charon_version, sizeof(a->charon_version), "%s", version);
		fit_look(a);
	}
}

void fit_charon(struct agent *a)
{
	vici_version(a->vici, on_version, a);
	fit_look(a);
}

void fit_error(const struct agent *a, struct err *e)
{
	for (size_t i = 0; i < a->alarms.count; i++)
	{
		const struct alarm *alarm = &a->alarms.items[i];

		if (alarm->code == ERR_PLUGIN && alarm->severity != STATUS_CLEARED)
		{
			err_set(e, 0, ERR_PLUGIN, alarm->resource, "%s", alarm->text);
			return;
		}
	}
	err_set(e, 0, ERR_CHARON, a->conf.plugin_socket,
			"the plugin's socket is not answered");
}
