/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * serve.c - the operations of the control socket
 */
#include <stdio.h>
#include <string.h>

#include "agent.h"
#include "charon.h"
#include "charon_msg.h"
#include "control.h"
#include "depart.h"
#include "json_out.h"
#include "log.h"
#include "report.h"
#include "serve.h"

static void answer_text(struct control_request *req, struct text text)
{
	control_answer(req, text_str(&text), NULL);
	text_done(&text);
}

static bool wait_in(struct control_request **list, size_t *count,
					struct control_request *req)
{
	struct err e = {0};

	if (*count == AGENT_WAITING_MAX)
	{
		err_set(&e, 0, ERR_LIMIT, "control", "%u requests wait already",
				AGENT_WAITING_MAX);
		control_answer(req, NULL, &e);
		return false;
	}
	list[(*count)++] = req;
	return true;
}

static void not_checked(const struct agent *a, struct err *e)
{
	err_set(e, 0, ERR_CHARON, a->conf.plugin_socket, "nothing is changed before "
			"charon and its ppvpn plugin answered");
}

static void answer_plans(struct agent *a, const struct plan *plan,
						 const struct desired *desired)
{
	struct json_out o = {0};
	struct err e = {0};
	struct text text;

	jo_object(&o, NULL);
	plan_json(plan, &o);
	jo_array(&o, "not-possible");
	for (size_t i = 0; i < desired->error_count; i++)
	{
		jo_err(&o, NULL, &desired->errors[i].err);
	}
	if (!a->checked)
	{
		not_checked(a, &e);
		jo_err(&o, NULL, &e);
	}
	jo_array_end(&o);
	jo_object_end(&o);
	text = jo_take(&o);
	while (a->plan_count)
	{
		control_answer(a->plans[--a->plan_count], text_str(&text), NULL);
	}
	text_done(&text);
}

static void answer_diags(struct agent *a, const struct plan *plan,
						 const struct desired *desired,
						 const struct observation *seen)
{
	struct text text = report_diag(a, plan, desired, seen);

	while (a->diag_count)
	{
		control_answer(a->diags[--a->diag_count], text_str(&text), NULL);
	}
	if (a->diag_id[0])
	{
		provider_diag(a->provider, a->diag_id, text.s, text.len);
		a->diag_id[0] = '\0';
	}
	text_done(&text);
}

/* One look serves all who wait for one. */
static void on_plan(void *user, const struct plan *plan,
					const struct desired *desired,
					const struct observation *seen)
{
	struct agent *a = user;

	if (a->plan_count)
	{
		answer_plans(a, plan, desired);
	}
	if (a->diag_count || a->diag_id[0])
	{
		answer_diags(a, plan, desired, seen);
	}
}

/* ---- how SAs were authenticated ------------------------------------------------ */

static const char *authentication_word(const char *word)
{
	static const struct { const char *charons, *ours; } words[] = {
		{ "pre-shared", "pre-shared-key" }, { "certificate", "certificate" },
	};

	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
	{
		if (strcmp(word, words[i].charons) == 0)
		{
			return words[i].ours;
		}
	}
	return NULL;
}

/* Of two IKE_SAs of a tunnel the newer one counts. */
static void note_sas(struct agent *a, const struct charon_sa *sas,
					 size_t count)
{
	for (size_t i = 0; i < tunnels_count(a->tunnels); i++)
	{
		tunnels_get(a->tunnels, i)->authentication = NULL;
		tunnels_get(a->tunnels, i)->authentication_id = 0;
	}
	for (size_t i = 0; i < count; i++)
	{
		struct tunnel *t = tunnels_find(a->tunnels, sas[i].name);

		if (t && sas[i].ike_id >= t->authentication_id)
		{
			t->authentication = authentication_word(sas[i].authentication);
			t->authentication_id = sas[i].ike_id;
		}
	}
}

static void answer_peers(struct agent *a)
{
	struct text text = report_peers(a);

	while (a->peers_count)
	{
		control_answer(a->peers[--a->peers_count], text_str(&text), NULL);
	}
	text_done(&text);
}

static void on_sas(void *user, int rc, const struct charon_sa *sas,
				   size_t count, const struct err *e)
{
	struct agent *a = user;

	(void)e;
	a->asking_sas = false;
	note_sas(a, sas, rc == 0 ? count : 0);
	if (a->peers_count)
	{
		answer_peers(a);
	}
	if (a->diag_count || a->diag_id[0])
	{
		cycle_plan(a->cycle, on_plan, a);
	}
}

/* Asked when somebody wants to know: nothing is decided by it. */
static void ask_sas(struct agent *a)
{
	if (!a->asking_sas)
	{
		a->asking_sas = true;
		charon_sas(a->charon, on_sas, a);
	}
}

void serve_diag(void *user, const char *id)
{
	struct agent *a = user;

	snprintf(a->diag_id, sizeof(a->diag_id), "%s", id);
	ask_sas(a);
}

/* ---- what changes something ---------------------------------------------------- */

static void serve_plan(struct agent *a, struct control_request *req)
{
	if (wait_in(a->plans, &a->plan_count, req))
	{
		cycle_plan(a->cycle, on_plan, a);
	}
}

static void serve_sync(struct agent *a, struct control_request *req)
{
	struct err e = {0};

	if (!a->checked)
	{	/* it would wait until charon is there */
		provider_poke(a->provider);
		not_checked(a, &e);
		control_answer(req, NULL, &e);
	}
	else if (wait_in(a->syncs, &a->sync_count, req))
	{
		provider_poke(a->provider);
		cycle_request(a->cycle);
	}
}

/* A person's word first, then as a sync. Nothing is done with it that would have
 * to wait until charon is there: it can be said again then. */
static void serve_word(struct agent *a, struct control_request *req,
					   int (*fn)(struct provider *p, struct err *e))
{
	struct err e = {0};

	if (!a->checked)
	{
		not_checked(a, &e);
		control_answer(req, NULL, &e);
	}
	else if (fn(a->provider, &e) < 0)
	{
		control_answer(req, NULL, &e);
	}
	else if (wait_in(a->syncs, &a->sync_count, req))
	{
		cycle_request(a->cycle);
	}
}

/* What follows is as for a sync: the tombstone is fetched and applied. */
static void on_left(void *user, const struct err *e)
{
	struct agent *a = user;
	struct control_request *req = a->leave;

	a->leave = NULL;
	if (!req)
	{
		return;
	}
	if (e)
	{
		control_answer(req, NULL, e);
	}
	else if (wait_in(a->syncs, &a->sync_count, req))
	{
		cycle_request(a->cycle);
	}
}

static void serve_leave(struct agent *a, struct control_request *req)
{
	struct err e = {0};

	if (a->leaving)
	{
		depart_request(a, req);
		return;
	}
	if (a->leave)
	{
		err_set(&e, 0, ERR_IN_USE, "leave", "the server is being asked already");
		control_answer(req, NULL, &e);
		return;
	}
	log_warn("agent", "asking the server to take this router out of its VPNs");
	a->leave = req;
	provider_leave(a->provider, on_left, a);
}

void serve_settled(struct agent *a)
{
	struct provider_status ps;

	if (!a->sync_count || !provider_idle(a->provider) ||
		cycle_busy(a->cycle) || a->doc_pending)
	{
		return;
	}
	provider_status(a->provider, &ps);
	while (a->sync_count)
	{
		struct control_request *req = a->syncs[--a->sync_count];

		if (ps.error.code != ERR_NONE)
		{
			control_answer(req, NULL, &ps.error);
		}
		else
		{
			answer_text(req, report_status(a));
		}
	}
}

static void serve_diag_op(struct agent *a, struct control_request *req)
{
	if (wait_in(a->diags, &a->diag_count, req))
	{
		ask_sas(a);
	}
}

static void serve_accept_removal(struct agent *a, struct control_request *req)
{
	serve_word(a, req, provider_accept_removal);
}

static void serve_retry(struct agent *a, struct control_request *req)
{
	serve_word(a, req, provider_retry);
}

static void serve_status(struct agent *a, struct control_request *req)
{
	answer_text(req, report_status(a));
}

static void serve_peers(struct agent *a, struct control_request *req)
{
	if (wait_in(a->peers, &a->peers_count, req))
	{
		ask_sas(a);
	}
}

static void serve_alarms(struct agent *a, struct control_request *req)
{
	answer_text(req, report_alarms(a));
}

static void serve_metrics(struct agent *a, struct control_request *req)
{
	answer_text(req, report_metrics(a));
}

static void serve_watch(struct agent *a, struct control_request *req)
{
	struct err e = {0};

	(void)a;
	if (control_watch(req) < 0)
	{
		err_set(&e, 0, ERR_LIMIT, "watch", "too many watch already");
		control_answer(req, NULL, &e);
	}
}

void serve_request(void *user, struct control_request *req, const char *op)
{
	static const struct {
		const char *op;
		void (*fn)(struct agent *a, struct control_request *req);
	} ops[] = {
		{ "status", serve_status }, { "peers", serve_peers },
		{ "alarms", serve_alarms }, { "plan", serve_plan },
		{ "diag", serve_diag_op }, { "sync", serve_sync },
		{ "leave", serve_leave }, { "watch", serve_watch },
		{ "metrics", serve_metrics },
		{ "accept-removal", serve_accept_removal }, { "retry", serve_retry },
		{ "leave-local", depart_request },
	};
	struct err e = {0};

	for (size_t i = 0; i < sizeof(ops) / sizeof(*ops); i++)
	{
		if (strcmp(op, ops[i].op) == 0)
		{
			ops[i].fn(user, req);
			return;
		}
	}
	err_set(&e, 0, ERR_USAGE, "op", "unknown operation \"%s\"", op);
	control_answer(req, NULL, &e);
}

void serve_stop(struct agent *a)
{
	struct err e = {0};

	err_set(&e, 0, ERR_TIMEOUT, "agent", "the agent is stopping");
	while (a->plan_count)
	{
		control_answer(a->plans[--a->plan_count], NULL, &e);
	}
	while (a->sync_count)
	{
		control_answer(a->syncs[--a->sync_count], NULL, &e);
	}
	while (a->diag_count)
	{
		control_answer(a->diags[--a->diag_count], NULL, &e);
	}
	while (a->peers_count)
	{
		control_answer(a->peers[--a->peers_count], NULL, &e);
	}
	while (a->depart_count)
	{
		control_answer(a->departs[--a->depart_count], NULL, &e);
	}
	if (a->leave)
	{
		control_answer(a->leave, NULL, &e);
		a->leave = NULL;
	}
}
