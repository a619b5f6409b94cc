/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * ctl_print.c - the agent's answers for people
 *
 * Pure.
 */
#include "config.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "ctl_print.h"

/* peers that `status` lists; `peers` lists all */
#define LISTED_MAX 10

/* ---- columns --------------------------------------------------------------- */

#define COLUMNS_MAX 8

struct columns {
	char *(*cells)[COLUMNS_MAX];
	size_t rows;
	unsigned used;
};

/* cells ended by NULL */
static void row(struct columns *c, ...) __attribute__((sentinel));

static void row(struct columns *c, ...)
{
	va_list args;
	const char *cell;
	unsigned n = 0;

	c->cells = xrealloc(c->cells, c->rows + 1, sizeof(*c->cells));
	memset(c->cells[c->rows], 0, sizeof(*c->cells));
	va_start(args, c);
	while ((cell = va_arg(args, const char*)) && n < COLUMNS_MAX)
	{
		c->cells[c->rows][n++] = xstrdup(cell);
	}
	va_end(args);
	c->used = n > c->used ? n : c->used;
	c->rows++;
}

static void columns_print(struct text *t, struct columns *c)
{
	unsigned width[COLUMNS_MAX] = {0};

	for (size_t r = 0; r < c->rows; r++)
	{
		for (unsigned n = 0; n < c->used; n++)
		{
			unsigned len = c->cells[r][n] ? strlen(c->cells[r][n]) : 0;

			width[n] = len > width[n] ? len : width[n];
		}
	}
	for (size_t r = 0; r < c->rows; r++)
	{
		for (unsigned n = 0; n < c->used && c->cells[r][n]; n++)
		{
			bool last = n + 1 == c->used || !c->cells[r][n + 1];

			text_addf(t, "  %-*s", last ? 0 : (int)width[n], c->cells[r][n]);
			free(c->cells[r][n]);
		}
		text_add(t, "\n");
	}
	free(c->cells);
}

/* ---- words ----------------------------------------------------------------- */

/* "3 s", "12 min", "5 h", "9 d": never less than two of a unit but seconds */
static const char *duration(char out[16], uint64_t seconds)
{
	static const struct { unsigned seconds; const char *name; } units[] = {
		{ 86400, "d" }, { 3600, "h" }, { 60, "min" }, { 1, "s" },
	};
	unsigned i = 0;

	while (i < 3 && seconds < 2 * units[i].seconds)
	{
		i++;
	}
	seconds /= units[i].seconds;
	snprintf(out, 16, "%u %s", seconds > 999999 ? 999999 : (unsigned)seconds,
			 units[i].name);
	return out;
}

static const char *amount(char out[16], uint64_t bytes)
{
	static const char *const units[] = { "B", "kB", "MB", "GB", "TB", "PB" };
	double v = bytes;
	unsigned i = 0;

	while (v >= 1000 && i < 5)
	{
		v /= 1000;
		i++;
	}
	snprintf(out, 16, v < 10 && i ? "%.1f %s" : "%.0f %s", v, units[i]);
	return out;
}

static const char *or_dash(const char *s)
{
	return s[0] ? s : "-";
}

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

/* ---- status ---------------------------------------------------------------- */

static void print_server(struct text *t, const struct ctl_status *s)
{
	char d[16];

	text_addf(t, "%s, provisioned by %s\n\n", s->ce, s->server);
	text_addf(t, "  server    %s for %s\n",
			  s->connected ? "connected" : "NOT CONNECTED",
			  duration(d, s->since));
	if (s->revision)
	{
		text_addf(t, "  document  revision %llu, epoch %llu: %s%s\n",
				  (unsigned long long)s->revision,
				  (unsigned long long)s->epoch, s->result, s->confirmed ? "" :
				  ", ON TRIAL until the server is reached");
	}
	else
	{
		text_addf(t, "  document  none yet: %s\n", s->result);
	}
	if (strcmp(s->state, "suspended") == 0)
	{
		text_add(t, "  state     SUSPENDED by the provider: no tunnels until "
				 "it resumes\n");
	}
	text_addf(t, "  charon    %s\n", s->charon ? "running" : "NOT RUNNING");
	text_addf(t, "  FRR       %s\n", s->frr ? "running" : "NOT RUNNING");
	text_addf(t, "  router    %s\n", s->converged ? "as wanted" :
			  "NOT as wanted: ppvpnctl plan");
}

static void print_vpns(struct text *t, const struct ctl_status *s)
{
	struct columns c = {0};
	char place[200], up[48];

	if (!s->vpn_count)
	{
		text_add(t, "\nThis router is in no VPN.\n");
		return;
	}
	text_add(t, "\n");
	row(&c, "VPN", "SITE", "VRF", "PEERS UP", NULL);
	for (size_t i = 0; i < s->vpn_count; i++)
	{
		const struct ctl_vpn *v = &s->vpns[i];

		snprintf(place, sizeof(place), "%s/%s", v->customer, v->vpn);
		snprintf(up, sizeof(up), "%llu of %llu", (unsigned long long)v->up,
				 (unsigned long long)v->peers);
		row(&c, place, v->site, v->vrf[0] ? v->vrf : "NONE", up, NULL);
	}
	columns_print(t, &c);
}

static void print_down(struct text *t, const struct ctl_peers *peers)
{
	struct columns c = {0};
	char place[260], d[16], since[32];
	size_t down = 0;

	for (size_t i = 0; i < peers->count; i++)
	{
		const struct ctl_peer *p = &peers->items[i];

		if (strcmp(p->state, "up") == 0 || ++down > LISTED_MAX)
		{
			continue;
		}
		snprintf(place, sizeof(place), "%s/%s/%s", p->customer, p->vpn, p->peer);
		snprintf(since, sizeof(since), "for %s", duration(d, p->since));
		row(&c, place, p->remote, p->state, since,
			strcmp(p->last_error, "none") == 0 ? "" : p->last_error, NULL);
	}
	if (!down)
	{
		return;
	}
	text_addf(t, "\nPeers that are not up: %zu\n", down);
	columns_print(t, &c);
	if (down > LISTED_MAX)
	{
		text_add(t, "  ... all of them: ppvpnctl peers\n");
	}
}

void ctl_print_status(struct text *t, const struct ctl_status *s,
					  const struct ctl_peers *peers)
{
	print_server(t, s);
	print_vpns(t, s);
	if (peers)
	{
		print_down(t, peers);
	}
	if (s->error_count)
	{
		text_add(t, "\nWhat is wrong:\n");
	}
	for (size_t i = 0; i < s->error_count; i++)
	{
		print_error(t, &s->errors[i]);
	}
	if (s->alarms)
	{
		text_addf(t, "\n%llu alarm%s: ppvpnctl alarms\n",
				  (unsigned long long)s->alarms, s->alarms == 1 ? "" : "s");
	}
	else if (!s->error_count)
	{
		text_add(t, "\nNothing is wrong.\n");
	}
}

/* ---- the lists ------------------------------------------------------------- */

static void peer_row(struct columns *c, const struct ctl_peer *p)
{
	char place[260], d[16], state[64], in[16], out[16], bytes[48];

	snprintf(place, sizeof(place), "%s/%s/%s", p->customer, p->vpn, p->peer);
	snprintf(state, sizeof(state), "%.30s %s", p->state, duration(d, p->since));
	snprintf(bytes, sizeof(bytes), "%s/%s", amount(in, p->in_bytes),
			 amount(out, p->out_bytes));
	row(c, place, p->remote, or_dash(p->link), state, or_dash(p->ospf),
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
		text_addf(t, ", next in %s", duration(d, p->next_retry));
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
	row(&c, "PEER", "ADDRESS", "LINK", "STATE", "OSPF", "ROUTE", "IN/OUT", NULL);
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
				  (unsigned long long)alarm->count, duration(d, alarm->age));
		text_addf(t, "  %s\n", alarm->text);
		if (strcmp(alarm->severity, "cleared") != 0 &&
			err_code_parse(alarm->code, &code) == 0)
		{
			text_addf(t, "  -> %s\n", err_code_remedy(code));
		}
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
		row(&c, err_code_text(code), err_code_title(code), NULL);
	}
	columns_print(t, &c);
}
