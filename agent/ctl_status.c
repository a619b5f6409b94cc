/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * ctl_status.c - the state of a router on one screen of 80 columns and 24 lines
 *
 * Pure. What does not fit is counted, with the command that shows it.
 */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "alloc.h"
#include "ctl_print.h"
#include "ctl_text.h"

#define WIDTH 80
#define LINES 23				/* the shell's prompt needs one */
#define VPNS_LISTED 3
#define SERVER_WIDTH 46

static void print_title(struct text *t, const struct ctl_status *s)
{
	char since[32] = "", date[16], fit[64];

	if (s->enrolled)
	{
		snprintf(since, sizeof(since), " since %s",
				 words_date(date, s->enrolled));
	}
	words_fit(fit, sizeof(fit), s->server, SERVER_WIDTH);
	text_addf(t, "%s,%sprovisioned by %s%s\n", s->ce,
			  strlen(s->ce) + strlen(fit) + strlen(since) + 17 > WIDTH ?
			  "\n  " : " ", fit, since);
}

/* An error of that code; of that text, too, unless NULL. */
static bool has_error(const struct ctl_status *s, const char *code,
					  const char *text)
{
	for (size_t i = 0; i < s->error_count; i++)
	{
		if (strcmp(s->errors[i].code, code) == 0 &&
			(!text || strcmp(s->errors[i].text, text) == 0))
		{
			return true;
		}
	}
	return false;
}

static void print_parts(struct text *t, const struct ctl_status *s)
{
	bool firewall = strcmp(s->firewall, "log-only") == 0 ||
					strcmp(s->firewall, "enforce") == 0;
	char d[16], until[40] = "";

	if (s->certificate_ends)
	{
		snprintf(until, sizeof(until), ", certificate until %s",
				 words_date(d, s->certificate_ends));
	}
	text_addf(t, "\n  server    %s for %s%s\n",
			  s->connected ? "connected" : "NOT CONNECTED",
			  words_duration(d, s->since), until);
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
	text_addf(t, "  daemons   charon %s, FRR %s%s%s\n",
			  s->charon ? "running" :
			  has_error(s, "plugin", NULL) ? "WITHOUT PLUGIN" : "NOT RUNNING",
			  s->frr ? "running" : "NOT RUNNING",
			  firewall ? "; firewall " : "", firewall ? s->firewall : "");
	text_addf(t, "  router    %s\n", s->converged ? "as wanted" :
			  "NOT as wanted: ppvpnctl plan");
}

static bool has_certificates(const struct ctl_status *s)
{
	bool any = false;

	for (size_t i = 0; i < s->vpn_count; i++)
	{
		any |= strcmp(s->vpns[i].certificate, "none") != 0;
	}
	return any;
}

static const char *certificate_words(char out[32], const struct ctl_vpn *v)
{
	char d[16];

	if (strcmp(v->certificate, "own") == 0)
	{
		snprintf(out, 32, "until %s", words_date(d, v->certificate_ends));
	}
	else
	{
		snprintf(out, 32, "%s", strcmp(v->certificate, "none") == 0 ? "-" :
				 strcmp(v->certificate, "waiting") == 0 ? "NONE YET" : "ENDED");
	}
	return out;
}

static void print_vpns(struct text *t, const struct ctl_status *s)
{
	/* with a column more the others are narrower */
	const bool certificates = has_certificates(s);
	const size_t width = certificates ? 20 : 26;
	struct columns c = {0};
	char place[200], fit[64], site[64], up[48], certificate[32];

	if (!s->vpn_count)
	{
		text_add(t, "\nThis router is in no VPN.\n");
		return;
	}
	text_add(t, "\n");
	columns_row(&c, "VPN", "SITE", "VRF", "PEERS UP",
				certificates ? "CERTIFICATE" : NULL, NULL);
	for (size_t i = 0; i < s->vpn_count && i < VPNS_LISTED; i++)
	{
		const struct ctl_vpn *v = &s->vpns[i];

		snprintf(place, sizeof(place), "%s/%s", v->customer, v->vpn);
		snprintf(up, sizeof(up), "%llu of %llu", (unsigned long long)v->up,
				 (unsigned long long)v->peers);
		columns_row(&c, words_fit(fit, sizeof(fit), place, width),
					words_fit(site, sizeof(site), v->site, width - 12),
					v->vrf[0] ? v->vrf : "NONE", up, certificates ?
					certificate_words(certificate, v) : NULL, NULL);
	}
	columns_print(t, &c);
	if (s->vpn_count > VPNS_LISTED)
	{
		text_addf(t, "  and %zu VPNs more: ppvpnctl status --json\n",
				  s->vpn_count - VPNS_LISTED);
	}
}

/* ---- what is wrong --------------------------------------------------------- */

static void add_fault(struct text *t, const char *where, const char *words,
					  const char *word)
{
	enum err_code code;
	struct text line = {0};
	size_t room = WIDTH - strlen(word) - 3;

	text_addf(&line, "  %s%s%s", where, where[0] ? ": " : "", words);
	if (line.len > room)
	{
		line.len = room - 3;
		text_add(&line, "...");
	}
	text_addf(t, "%s [%s]\n", text_str(&line), word);
	text_done(&line);
	if (err_code_parse(word, &code) == 0)
	{
		words_wrap(t, "    -> ", "       ", err_code_remedy(code), WIDTH);
	}
}

static int rank(const struct ctl_alarm *a)
{
	static const char *const order[] = {
		"critical", "major", "minor", "warning",
	};

	for (int i = 0; i < 4; i++)
	{
		if (strcmp(a->severity, order[i]) == 0)
		{
			return i;
		}
	}
	return 4;
}

/* Adds a fault if it fits; the first one always does. */
static bool add_fitting(struct text *t, size_t lines, const char *where,
						const char *words, const char *code)
{
	struct text one = {0};
	bool fits;

	add_fault(&one, where, words, code);
	fits = !t->len || words_lines(text_str(t)) + words_lines(one.s) <= lines;
	if (fits)
	{
		text_add(t, text_str(&one));
	}
	text_done(&one);
	return fits;
}

/* Errors, then alarms, the worst first. @return how many are shown */
static size_t add_faults(struct text *t, size_t lines,
						 const struct ctl_status *s,
						 const struct ctl_alarms *alarms)
{
	size_t shown = 0;

	for (size_t i = 0; i < s->error_count; i++)
	{
		const struct ctl_error *e = &s->errors[i];

		if (!add_fitting(t, lines, e->where, e->text, e->code))
		{
			return shown;
		}
		shown++;
	}
	for (int worst = 0; alarms && worst < 4; worst++)
	{
		for (size_t i = 0; i < alarms->count; i++)
		{
			const struct ctl_alarm *a = &alarms->items[i];

			if (rank(a) != worst)
			{
				continue;
			}
			/* an error may be an alarm, too: told once */
			if (!has_error(s, a->code, a->text) &&
				!add_fitting(t, lines, a->resource, a->text, a->code))
			{
				return shown;
			}
			shown++;
		}
	}
	return shown;
}

/* ---- peers ----------------------------------------------------------------- */

static size_t count_down(const struct ctl_peers *peers)
{
	size_t down = 0;

	for (size_t i = 0; peers && i < peers->count; i++)
	{
		down += strcmp(peers->items[i].state, "up") != 0;
	}
	return down;
}

/* What the other columns leave: address, state, "for 27 h", the longest code. */
static size_t place_width(const struct ctl_peers *peers)
{
	size_t longest = 0;

	for (size_t i = 0; i < peers->count; i++)
	{
		size_t len = strlen(peers->items[i].last_error);

		longest = len > longest ? len : longest;
	}
	return longest < 21 ? WIDTH - 43 - longest : 16;
}

static void print_down(struct text *t, const struct ctl_peers *peers,
					   size_t down, size_t rows)
{
	struct columns c = {0};
	char place[260], fit[64], d[16], since[32];
	size_t width = place_width(peers);

	text_addf(t, "\nPeers that are not up: %zu%s\n", down,
			  down > rows ? " (all of them: ppvpnctl peers)" : "");
	for (size_t i = 0; i < peers->count && c.rows < rows; i++)
	{
		const struct ctl_peer *p = &peers->items[i];

		if (strcmp(p->state, "up") != 0)
		{
			snprintf(place, sizeof(place), "%s/%s/%s", p->customer, p->vpn,
					 p->peer);
			snprintf(since, sizeof(since), "for %s",
					 words_duration(d, p->since));
			columns_row(&c, words_fit(fit, sizeof(fit), place, width), p->remote,
						p->state, since,
						strcmp(p->last_error, "none") == 0 ? "" : p->last_error,
						NULL);
		}
	}
	columns_print(t, &c);
}

void ctl_print_status(struct text *t, const struct ctl_status *s,
					  const struct ctl_peers *peers,
					  const struct ctl_alarms *alarms)
{
	size_t down = count_down(peers), wrong = s->error_count + s->alarms;
	size_t left, shown;
	struct text faults = {0};

	print_title(t, s);
	print_parts(t, s);
	print_vpns(t, s);
	/* two lines at the end, and for each part an empty line and its title */
	left = LINES - words_lines(text_str(t)) - 2;
	shown = add_faults(&faults, left - 2 - (down ? 3 : 0), s, alarms);
	if (down)
	{
		size_t taken = shown ? 2 + words_lines(text_str(&faults)) : 0;

		print_down(t, peers, down, left > taken + 3 ? left - taken - 2 : 1);
	}
	if (shown)
	{
		text_addf(t, "\nWhat is wrong:\n%s", text_str(&faults));
	}
	text_done(&faults);
	if (wrong > shown)
	{
		text_addf(t, shown ? "  and %zu more: ppvpnctl alarms\n" :
				  "\n%zu alarms: ppvpnctl alarms\n", wrong - shown);
	}
	else if (!wrong)
	{
		text_add(t, "\nNothing is wrong.\n");
	}
	words_cut(t, 0, WIDTH);
}
