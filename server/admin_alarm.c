/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * admin_alarm.c - alarms, what happens as it happens, diagnostic bundles
 */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "alloc.h"
#include "name.h"
#include "server/admin.h"
#include "server/admin_read.h"

#define WAIT_S 20			/* of one question; the server's limit is 50 */
#define SECONDS 60
#define SECONDS_MAX 600
#define AGAIN_S 2			/* a server that does not answer */
#define AGAIN_MAX 150
#define INDENT 10

/* ---- alarms ------------------------------------------------------------------- */

static void print_alarm(struct arena *a, const struct admin_raised *alarm,
						uint64_t now_ms)
{
	const uint64_t at = alarm->raised ? alarm->raised_ms : alarm->cleared.ms;

	printf("%-8s  %s  %s, %s%s ago", alarm->severity, alarm->resource,
		   alarm->code, alarm->raised ? "" : "cleared ",
		   admin_age(a, now_ms > at ? (now_ms - at) / 1000 : 0));
	printf(alarm->count > 1 ? ", %llu times\n" : "\n",
		   (unsigned long long)alarm->count);
	admin_print_filled("", INDENT, alarm->text);
}

/* What to do, once for each code. */
static void print_remedies(const struct admin_ledger *ledger)
{
	size_t i, k;
	bool first = true;

	for (i = 0; i < ledger->count; i++)
	{
		const struct admin_raised *alarm = &ledger->list[i];

		for (k = 0; k < i && (strcmp(ledger->list[k].code, alarm->code) != 0 ||
							  !ledger->list[k].raised); k++)
		{
		}
		if (k < i || !alarm->raised || !alarm->remedy)
		{
			continue;
		}
		printf("%s%s: %s\n", first ? "\n" : "", alarm->code, alarm->title);
		admin_print_filled("", INDENT, alarm->remedy);
		first = false;
	}
}

const char *admin_alarm_counts(struct arena *a, const struct admin_ledger *l)
{
	static const char *const words[] = { "critical", "major", "minor",
										 "warning" };
	const char *text = "";
	size_t i, k, count;

	for (i = 0; i < 4; i++)
	{
		for (k = count = 0; k < l->count; k++)
		{
			count += l->list[k].raised &&
					 strcmp(l->list[k].severity, words[i]) == 0;
		}
		if (count)
		{
			text = arena_printf(a, "%s%s%zu %s", text, *text ? ", " : "", count,
								words[i]);
		}
	}
	return *text ? text : "none";
}

static int alarms_show(const struct cli_args *args, struct arena *a,
					   struct err *e)
{
	struct admin_ledger ledger = { 0 };
	const char *all = cli_opt(args, "--all");
	char *query;
	bool done;
	size_t i;
	int rc = admin_place_query(cli_arg(args, 0), a, &query, e);

	if (rc < 0 || (rc = admin_get(args, a, arena_printf(
		a, "/v1/alarms%s%s", query, !all ? "" : *query ? "&cleared=yes"
		: "?cleared=yes"), admin_ledger_rows, &ledger, &done, e)) < 0 || done)
	{
		return rc;
	}
	for (i = 0; i < ledger.count; i++)
	{
		print_alarm(a, &ledger.list[i], ledger.now_ms);
	}
	print_remedies(&ledger);
	printf("%salarms raised: %s\n", ledger.count ? "\n" : "",
		   admin_alarm_counts(a, &ledger));
	return 0;
}

/* ---- watch ---------------------------------------------------------------------- */

/* One event on one line; what it is of, then what became of it. */
static void print_event(struct arena *a, const struct admin_event *event)
{
	const char *what = event->resource;

	printf("%s  ", admin_wall_time(a, (int64_t)event->at_ms));
	if (strcmp(event->event, "commit") == 0)
	{
		printf("%-13s  revision %llu by %s: %s\n", event->event,
			   (unsigned long long)event->revision, event->actor, event->text);
		return;
	}
	if (!what)
	{
		what = arena_printf(a, "%s/%s", event->customer ? event->customer : "",
							event->ce ? event->ce : event->vpn ? event->vpn
							: "");
	}
	printf("%-13s  %s", event->event, what);
	if (event->severity)
	{
		printf(" %s %s", event->severity, event->code);
	}
	if (event->result)
	{
		printf(" %s revision %llu", event->result,
			   (unsigned long long)event->revision);
	}
	printf("%s%s\n", *event->text ? ": " : "", event->text);
}

/* One question of the watch, and what it says. *last goes on. */
static int watch_once(const struct cli_args *args, const char *query,
					  bool first, uint64_t *last, size_t *seen, struct err *e)
{
	struct admin_events answer = { 0 };
	struct arena *a = arena_new();
	struct text text = { 0 };
	char *path;
	size_t i;
	int rc;

	path = first ? arena_printf(a, "/v1/watch%s", query)
		: arena_printf(a, "/v1/watch%s%cafter=%llu&wait=%d", query,
					   *query ? '&' : '?', (unsigned long long)*last, WAIT_S);
	rc = admin_request(args, "GET", path, NULL, &text, e);
	if (rc == 0)
	{
		rc = admin_read_answer(a, &text, admin_events_rows, &answer, e);
	}
	if (rc == 0)
	{
		*last = answer.last;
		*seen += answer.count;
		if (answer.lost)
		{
			fprintf(stderr, "ppvpn-admin: what happened before event %llu is "
					"no longer kept\n", (unsigned long long)answer.last);
		}
		if (answer.count && admin_json(args))
		{
			fputs(text_str(&text), stdout);
		}
		for (i = 0; i < answer.count && !admin_json(args); i++)
		{
			print_event(a, &answer.list[i]);
		}
		fflush(stdout);
	}
	text_done(&text);
	arena_free(a);
	return rc;
}

/* A server that restarts, or has too much to do, is asked again. */
static int watch_on(const struct cli_args *args, const char *query,
					uint64_t *last, size_t *seen, struct err *e)
{
	unsigned failures = 0;
	int rc;

	while ((rc = watch_once(args, query, false, last, seen, e)) < 0)
	{
		if (failures++ == AGAIN_MAX)
		{
			return rc;
		}
		if (failures == 1)
		{
			fprintf(stderr, "ppvpn-admin: %s; asking again\n", e->text);
		}
		sleep(AGAIN_S);
	}
	return 0;
}

static int watch(const struct cli_args *args, struct arena *a, struct err *e)
{
	const char *after = cli_opt(args, "--after");
	const char *limit = cli_opt(args, "--count");
	uint64_t last = 0, count = UINT64_MAX;
	size_t seen = 0;
	char *query;
	int rc;

	if ((limit && text_to_u64(limit, 1, 1000000, &count) < 0) ||
		(after && text_to_u64(after, 0, UINT64_C(9007199254740991),
							  &last) < 0))
	{
		return err_set(e, -EINVAL, ERR_USAGE, limit ? "--count" : "--after",
					   "a number is needed");
	}
	rc = admin_place_query(cli_arg(args, 0), a, &query, e);
	if (rc == 0 && !after)
	{
		rc = watch_once(args, query, true, &last, &seen, e);
	}
	while (rc == 0 && seen < count)
	{
		rc = watch_on(args, query, &last, &seen, e);
	}
	return rc;
}

/* ---- bundles ---------------------------------------------------------------------- */

/* JSON with a line for each member; bytes that a terminal may obey are "?". */
static void print_json(const char *json, size_t len)
{
	bool string = false, escaped = false, open = false;
	unsigned depth = 0;
	size_t i;

	for (i = 0; i < len; i++)
	{
		const char c = json[i] >= 0x20 && json[i] < 0x7f ? json[i] : '?';

		if (string)
		{
			putchar(c);
			string = escaped || c != '"';
			escaped = !escaped && c == '\\';
			continue;
		}
		if (strchr(" \t\r\n", json[i]))
		{
			continue;
		}
		if (c == '}' || c == ']')
		{
			depth -= depth > 0;
			if (!open)
			{
				printf("\n%*s", (int)(2 * depth), "");
			}
			putchar(c);
			open = false;
			continue;
		}
		if (open)
		{
			printf("\n%*s", (int)(2 * depth), "");
		}
		open = c == '{' || c == '[';
		depth += open;
		string = c == '"';
		putchar(c);
		if (c == ',')
		{
			printf("\n%*s", (int)(2 * depth), "");
		}
		else if (c == ':')
		{
			putchar(' ');
		}
	}
	putchar('\n');
}

/* The member "bundle" is the last one of the answer. */
static void print_bundle(const struct text *answer)
{
	const char *from = strstr(answer->s, "\"bundle\":") + 9;
	const char *to = strrchr(from, '}');

	print_json(from, (size_t)(to - from));
}

static int diag_wait(const struct cli_args *args, const char *path,
					 uint64_t id, struct err *e)
{
	bool there = false;
	int rc = 0;

	while (rc == 0 && !there)
	{
		struct arena *a = arena_new();
		struct admin_diag diag = { 0 };
		struct text text = { 0 };

		rc = admin_request(args, "GET", arena_printf(
			a, "%s?id=%llu&wait=%d", path, (unsigned long long)id, WAIT_S),
			NULL, &text, e);
		if (rc == 0)
		{
			rc = admin_read_answer(a, &text, admin_diag_rows, &diag, e);
		}
		there = rc == 0 && diag.taken.there;
		if (there && admin_json(args))
		{
			fputs(text_str(&text), stdout);
		}
		else if (there)
		{
			print_bundle(&text);
		}
		text_done(&text);
		arena_free(a);
	}
	return rc;
}

static int ce_diag(const struct cli_args *args, struct arena *a, struct err *e)
{
	const char *wait = cli_opt(args, "--seconds");
	struct admin_diag asked = { 0 };
	struct text text = { 0 };
	uint64_t seconds = SECONDS;
	char names[2][NAME_SIZE], *path;
	int rc = place_parse(cli_arg(args, 0), 2, names, "CUSTOMER/CE", e);

	if (rc < 0)
	{
		return rc;
	}
	if (wait && text_to_u64(wait, 1, SECONDS_MAX, &seconds) < 0)
	{
		return err_set(e, -EINVAL, ERR_USAGE, "--seconds",
					   "'%s' is not a number in 1..%d", wait, SECONDS_MAX);
	}
	path = arena_printf(a, "/v1/ces/%s/%s/diag", names[0], names[1]);
	rc = admin_request(args, "POST", arena_printf(
		a, "%s?seconds=%llu", path, (unsigned long long)seconds), NULL, &text,
		e);
	if (rc == 0)
	{
		rc = admin_read_answer(a, &text, admin_diag_rows, &asked, e);
	}
	text_done(&text);
	return rc < 0 ? rc : diag_wait(args, path, asked.id, e);
}

#define COMMAND(name, fn) \
	ADMIN_COMMAND(name) \
	{ \
		struct arena *a = arena_new(); \
		int rc = fn(args, a, e); \
		arena_free(a); \
		return rc; \
	}

COMMAND(admin_alarms_show, alarms_show)
COMMAND(admin_watch, watch)
COMMAND(admin_ce_diag, ce_diag)
