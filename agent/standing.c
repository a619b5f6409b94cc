/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * standing.c - alarms of what stays wrong
 */
#include "agent.h"
#include "alert.h"
#include "charon.h"
#include "frr.h"
#include "loop.h"
#include "provider.h"
#include "standing.h"
#include "vici.h"

static bool is_disk(enum err_code code)
{
	return code == ERR_IO || code == ERR_DISK_FULL || code == ERR_SEALED;
}

/* What the router is not as it should be for: not a daemon, nor a bound. */
static const struct err *of_router(const struct agent *a)
{
	for (size_t i = 0; a->checked && i < a->error_count; i++)
	{
		const struct err *e = &a->errors[i].err;

		if (e->code != ERR_CHARON && e->code != ERR_FRR &&
			e->code != ERR_POLICY && e->code != ERR_CHARON_SETTING &&
			e->code != ERR_PLUGIN && e->code != ERR_ADDRESS_LOST)
		{
			return e;
		}
	}
	return NULL;
}

static void look(struct agent *a, enum trouble_kind kind, enum err_code code,
				 const char *text)
{
	const char *resource = trouble_resource(kind);
	enum err_code clear, raise;

	trouble_look(&a->troubles[kind], kind, code, loop_now_ms(), &clear, &raise);
	if (clear != ERR_NONE)
	{
		agent_alarm_clear(a, clear, resource);
	}
	if (raise != ERR_NONE)
	{
		agent_alarm(a, raise, resource, trouble_severity(kind), "%s",
					text[0] ? text : err_code_title(raise));
	}
}

void standing_look(struct agent *a)
{
	struct provider_status ps;
	const struct err *router = of_router(a);
	/* charon without the plugin is another alarm: fit.c */
	bool charon = charon_hello(a->charon) || vici_connected(a->vici);
	const char *why;
	const enum err_code ike = ike_trouble(a, &why);
	bool refused, disk, away;

	provider_status(a->provider, &ps);
	refused = ps.rejected && !alert_says(ps.refusal.code);
	disk = !ps.rejected && is_disk(ps.error.code);
	away = !ps.rejected && !disk && ps.error.code != ERR_NONE &&
		   !alert_says(ps.error.code);
	look(a, TROUBLE_CHARON, charon ? ERR_NONE : ERR_CHARON, "");
	look(a, TROUBLE_FRR, frr_running(a->frr) ? ERR_NONE : ERR_FRR, "");
	look(a, TROUBLE_SERVER, away ? ps.error.code : ERR_NONE, ps.error.text);
	look(a, TROUBLE_DOCUMENT, refused ? ps.refusal.code : ERR_NONE,
		 ps.refusal.text);
	look(a, TROUBLE_DISK, disk ? ps.error.code : ERR_NONE, ps.error.text);
	look(a, TROUBLE_IKE, ike, why);
	look(a, TROUBLE_ROUTER, router ? router->code : ERR_NONE,
		 router ? router->text : "");
}
