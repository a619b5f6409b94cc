/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * ctl_print.c - the agent's answers for people
 *
 * Pure.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "ctl_print.h"
#include "ctl_text.h"

/* "  where: text" and what to do */
static void print_error(struct text *t, const struct ctl_error *error)
{
	enum err_code code;

	text_addf(t, "  %s%s%s [%s]\n", error->where, error->where[0] ? ": " : "",
			  error->text, error->code);
	if (err_code_parse(error->code, &code) == 0)
	{
		text_addf(t, "    -> %s\n", err_code_remedy(code));
	}
}

/* ---- the lists ------------------------------------------------------------- */

static const char *auth_word(const char *authentication)
{
	return strcmp(authentication, "certificate") == 0 ? "cert" :
		   strcmp(authentication, "pre-shared-key") == 0 ? "key" : "-";
}

static void peer_row(struct columns *c, const struct ctl_peer *p)
{
	char place[260], d[16], state[64], in[16], out[16], bytes[48];

	snprintf(place, sizeof(place), "%s/%s/%s", p->customer, p->vpn, p->peer);
	snprintf(state, sizeof(state), "%.30s %s", p->state, words_duration(d, p->since));
	snprintf(bytes, sizeof(bytes), "%s/%s", words_amount(in, p->in_bytes),
			 words_amount(out, p->out_bytes));
	columns_row(c, place, p->remote, words_or_dash(p->link), state,
				auth_word(p->authentication), words_or_dash(p->ospf),
				p->route ? "yes" : "no", bytes, NULL);
}

/* What the columns have no room for. */
static void peer_trouble(struct text *t, const struct ctl_peer *p)
{
	char d[16];

	if (strcmp(p->state, "up") == 0)
	{
		return;
	}
	text_addf(t, "  %s/%s/%s: %llu failed attempt%s", p->customer, p->vpn,
			  p->peer, (unsigned long long)p->attempts,
			  p->attempts == 1 ? "" : "s");
	if (p->next_retry)
	{
		text_addf(t, ", next in %s", words_duration(d, p->next_retry));
	}
	if (strcmp(p->last_error, "none") != 0)
	{
		text_addf(t, ", last: %s (ppvpnctl explain %s)", p->last_error,
				  p->last_error);
	}
	text_add(t, "\n");
}

void ctl_print_peers(struct text *t, const struct ctl_peers *p)
{
	struct columns c = {0};
	struct text trouble = {0};

	if (!p->count)
	{
		text_add(t, "No peers.\n");
		return;
	}
	columns_row(&c, "PEER", "ADDRESS", "LINK", "STATE", "AUTH", "OSPF", "ROUTE", "IN/OUT", NULL);
	for (size_t i = 0; i < p->count; i++)
	{
		peer_row(&c, &p->items[i]);
		peer_trouble(&trouble, &p->items[i]);
	}
	columns_print(t, &c);
	if (trouble.len)
	{
		text_addf(t, "\n%s", trouble.s);
	}
	text_done(&trouble);
}

void ctl_print_plan(struct text *t, const struct ctl_plan *p)
{
	for (size_t i = 0; i < p->step_count; i++)
	{
		const struct ctl_step *s = &p->steps[i];

		text_addf(t, "%s %s %s (%s)\n", s->op, s->kind, s->key, s->reason);
	}
	if (!p->step_count)
	{
		text_add(t, p->error_count + p->not_possible_count ?
				 "Nothing that can be done now.\n" :
				 "Nothing to do: the router is as wanted.\n");
	}
	if (p->error_count + p->not_possible_count)
	{
		text_add(t, "\nNot possible:\n");
	}
	for (size_t i = 0; i < p->error_count; i++)
	{
		print_error(t, &p->errors[i]);
	}
	for (size_t i = 0; i < p->not_possible_count; i++)
	{
		print_error(t, &p->not_possible[i]);
	}
}

void ctl_print_alarms(struct text *t, const struct ctl_alarms *a)
{
	char d[16];
	enum err_code code;

	if (!a->count)
	{
		text_add(t, "No alarms.\n");
	}
	for (size_t i = 0; i < a->count; i++)
	{
		const struct ctl_alarm *alarm = &a->items[i];

		text_addf(t, "%s  %s  %s  (%llu times, last %s ago)\n", alarm->severity,
				  alarm->code, alarm->resource,
				  (unsigned long long)alarm->count, words_duration(d, alarm->age));
		text_addf(t, "  %s\n", alarm->text);
		if (strcmp(alarm->severity, "cleared") != 0 &&
			err_code_parse(alarm->code, &code) == 0)
		{
			text_addf(t, "  -> %s\n", err_code_remedy(code));
		}
	}
}

/* "10:00:00 tunnel-down acme/corp/lyon: peer-closed: 192.0.2.9" */
void ctl_print_event(struct text *t, const struct ctl_event *e)
{
	const char *time = strchr(e->time, 'T');

	text_addf(t, "%.8s %s", time ? time + 1 : e->time, e->event);
	if (e->where[0])
	{
		text_addf(t, " %s", e->where);
	}
	if (strcmp(e->cause, "none") != 0)
	{
		text_addf(t, ": %s", e->cause);
	}
	if (e->text[0])
	{
		text_addf(t, ": %s", e->text);
	}
	text_add(t, "\n");
}

void ctl_print_metrics(struct text *t, const struct ctl_metrics *m)
{
	for (size_t i = 0; i < m->count; i++)
	{
		text_addf(t, "%s\n", m->lines[i]);
	}
}

void ctl_print_code(struct text *t, enum err_code code)
{
	text_addf(t, "%s: %s\n\n  %s\n  -> %s\n", err_code_text(code),
			  err_code_title(code), err_code_meaning(code),
			  err_code_remedy(code));
}

void ctl_print_codes(struct text *t)
{
	struct columns c = {0};

	for (int code = ERR_NONE + 1; code < ERR_CODE_COUNT; code++)
	{
		columns_row(&c, err_code_text(code), err_code_title(code), NULL);
	}
	columns_print(t, &c);
}
