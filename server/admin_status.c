/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * admin_status.c - status, tunnels, time to service, audit records
 */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "alloc.h"
#include "name.h"
#include "server/admin.h"
#include "server/admin_read.h"

static const char *number(struct arena *a, uint64_t n)
{
	return arena_printf(a, "%llu", (unsigned long long)n);
}

/* "?customer=acme&vpn=corp" of [CUSTOMER[/VPN]] */
static int filter(const char *place, struct arena *a, char **out,
				  struct err *e)
{
	char names[2][NAME_SIZE];
	int rc;

	*out = arena_strdup(a, "");
	if (!place)
	{
		return 0;
	}
	if (strchr(place, '/'))
	{
		rc = place_parse(place, 2, names, "CUSTOMER/VPN", e);
		*out = arena_printf(a, "?customer=%s&vpn=%s", names[0], names[1]);
	}
	else
	{
		rc = place_parse(place, 1, names, "CUSTOMER", e);
		*out = arena_printf(a, "?customer=%s", names[0]);
	}
	return rc;
}

/* ---- status ------------------------------------------------------------------------- */

/* What an operator should see first about a router. */
static const char *ce_result(const struct admin_status *s,
							 const struct admin_ce *ce)
{
	if (!ce->enrolled)
	{
		return "not enrolled";
	}
	if (!ce->reported_at.there)
	{
		return "no report";
	}
	if (ce->applied_epoch != s->epoch || ce->applied_revision < ce->revision)
	{
		return strcmp(ce->result, "applied") == 0 ? "behind" : ce->result;
	}
	return ce->result;
}

static const char *seen(struct arena *a, const struct admin_time *time,
						uint64_t now_ms)
{
	if (!time->there)
	{
		return "never";
	}
	return admin_age(a, now_ms > time->ms ? (now_ms - time->ms) / 1000 : 0);
}

static size_t alarms_of(const struct admin_ce *ce)
{
	size_t i, count = 0;

	for (i = 0; i < ce->alarm_count; i++)
	{
		count += strcmp(ce->alarms[i].severity, "cleared") != 0;
	}
	return count;
}

static void print_ces(struct arena *a, const struct admin_status *s)
{
	static const char *const titles[] = {
		"CE", "ADDRESS", "REVISION", "APPLIED", "RESULT", "SEEN", "TUNNELS",
		"ALARMS"
	};
	char address[ADDR_TEXT_MAX];
	const struct admin_ce *ce;
	struct table t;
	size_t i;

	table_init(&t, a, 8, titles);
	for (i = 0; i < s->ce_count; i++)
	{
		ce = &s->ces[i];
		table_add(&t, arena_printf(a, "%s/%s", ce->customer, ce->ce));
		table_add(&t, arena_strdup(a, addr_str(&ce->address, address)));
		table_add(&t, number(a, ce->revision));
		table_add(&t, ce->reported_at.there ? number(a, ce->applied_revision)
											: "-");
		table_add(&t, ce_result(s, ce));
		table_add(&t, seen(a, &ce->last_seen, s->now_ms));
		table_add(&t, arena_printf(a, "%llu/%llu",
								   (unsigned long long)ce->up,
								   (unsigned long long)ce->total));
		table_add(&t, alarms_of(ce) ? number(a, alarms_of(ce)) : "-");
	}
	table_print(&t);
}

static const char *end_state(const struct admin_end *end)
{
	if (!end->reported)
	{
		return "not reported";
	}
	return end->stale ? "stale report" : end->state;
}

/* Configured and not up: from either end, and what that end says. */
static void print_down(struct arena *a, const struct admin_status *s)
{
	static const char *const titles[] = {
		"NOT UP", "SITE", "PEER", "STATE", "IKE", "CHILD", "OSPF", "ERROR"
	};
	const struct admin_tunnel *tunnel;
	const struct admin_end *end;
	struct table t;
	size_t i;

	if (s->down_count == 0)
	{
		return;
	}
	table_init(&t, a, 8, titles);
	for (i = 0; i < 2 * s->down_count; i++)
	{
		tunnel = &s->down[i / 2];
		end = &tunnel->ends[i % 2];
		table_add(&t, arena_printf(a, "%s/%s", tunnel->customer,
								   tunnel->vpn));
		table_add(&t, end->site);
		table_add(&t, tunnel->ends[!(i % 2)].site);
		table_add(&t, end_state(end));
		table_add(&t, end->ike);
		table_add(&t, end->child);
		table_add(&t, end->ospf);
		table_add(&t, end->last_error && strcmp(end->last_error, "none") != 0
					  ? end->last_error : "-");
	}
	printf("\n");
	table_print(&t);
}

static void print_complaints(struct arena *a, const struct admin_status *s)
{
	const struct admin_ce *ce;
	const struct admin_alarm *alarm;
	bool first = true;
	size_t i, k;

	for (i = 0; i < s->ce_count; i++)
	{
		ce = &s->ces[i];
		for (k = 0; k < ce->error_count; k++)
		{
			printf("%s%s/%s: error %s: %s: %s\n", first ? "\n" : "",
				   ce->customer, ce->ce, ce->errors[k].code,
				   ce->errors[k].where, ce->errors[k].text);
			first = false;
		}
		for (k = 0; k < ce->alarm_count; k++)
		{
			alarm = &ce->alarms[k];
			if (strcmp(alarm->severity, "cleared") == 0)
			{
				continue;
			}
			printf("%s%s/%s: %s alarm %s: %s: %s (%s ago, %llu times)\n",
				   first ? "\n" : "", ce->customer, ce->ce, alarm->severity,
				   alarm->code, alarm->resource, alarm->text,
				   admin_age(a, alarm->age),
				   (unsigned long long)alarm->count);
			first = false;
		}
	}
}

static int status_show(const struct cli_args *args, struct arena *a,
					   struct err *e)
{
	struct admin_status status = { 0 };
	char *query;
	bool done;
	int rc = filter(cli_arg(args, 0), a, &query, e);

	if (rc < 0)
	{
		return rc;
	}
	rc = admin_get(args, a, arena_printf(a, "/v1/status%s", query),
				   admin_status_rows, &status, &done, e);
	if (rc < 0 || done)
	{
		return rc;
	}
	if (status.ce_count == 0)
	{
		printf("No routers here yet (revision %llu).\n",
			   (unsigned long long)status.revision);
		return 0;
	}
	print_ces(a, &status);
	print_down(a, &status);
	print_complaints(a, &status);
	return 0;
}

/* ---- one tunnel --------------------------------------------------------------------- */

#define LEFT 14

static void print_pair(const char *title, const char *one, const char *two)
{
	printf("%-*s%-34s%s\n", LEFT, title, one && *one ? one : "-",
		   two && *two ? two : "-");
}

static const char *since(struct arena *a, const struct admin_end *end)
{
	return end->reported ? arena_printf(a, "%s for %s", end_state(end),
										admin_age(a, end->since))
						 : end_state(end);
}

static void print_tunnel(struct arena *a, const struct admin_tunnel *t,
						 uint64_t now_ms)
{
	const struct admin_end *x = &t->ends[0], *y = &t->ends[1];
	const char *name;
	int phase;

	printf("%-*s%s/%s %s %s (revision %llu): %s\n\n", LEFT, "tunnel",
		   t->customer, t->vpn, x->site, y->site,
		   (unsigned long long)t->revision, t->up ? "up" : "NOT UP");
	print_pair("site", x->site, y->site);
	print_pair("router", x->ce, y->ce);
	print_pair("reported", x->reported ? arena_printf(a, "%s ago",
			   seen(a, &x->reported_at, now_ms)) : "never",
			   y->reported ? arena_printf(a, "%s ago",
			   seen(a, &y->reported_at, now_ms)) : "never");
	print_pair("state", since(a, x), since(a, y));
	print_pair("IKE", x->ike, y->ike);
	print_pair("CHILD", x->child, y->child);
	print_pair("proposal", x->proposal, y->proposal);
	print_pair("OSPF", x->ospf, y->ospf);
	print_pair("route", x->reported ? x->route ? "yes" : "no" : "-",
			   y->reported ? y->route ? "yes" : "no" : "-");
	print_pair("last error", x->last_error, y->last_error);
	print_pair("failures", number(a, x->attempts), number(a, y->attempts));
	print_pair("in bytes", number(a, x->in_bytes), number(a, y->in_bytes));
	print_pair("out bytes", number(a, x->out_bytes), number(a, y->out_bytes));
	printf("\ntime to service\n");
	for (phase = 0; phase < SERVICE_PHASE_COUNT; phase++)
	{
		name = arena_printf(a, "  %s", service_phase_names[phase]);
		print_pair(name, admin_ms(a, x->service.there[phase],
								  x->service.ms[phase]),
				   admin_ms(a, y->service.there[phase],
							y->service.ms[phase]));
	}
}

static bool is_between(const struct admin_tunnel *t, const char *one,
					   const char *two)
{
	return (strcmp(t->ends[0].site, one) == 0 &&
			strcmp(t->ends[1].site, two) == 0) ||
		   (strcmp(t->ends[0].site, two) == 0 &&
			strcmp(t->ends[1].site, one) == 0);
}

static int tunnel_show(const struct cli_args *args, struct arena *a,
					   struct err *e)
{
	char vpn[2][NAME_SIZE], site[1][NAME_SIZE], peer[1][NAME_SIZE], *path;
	struct admin_tunnels answer = { 0 };
	bool done;
	size_t i;
	int rc;

	if ((rc = place_parse(cli_arg(args, 0), 2, vpn, "CUSTOMER/VPN", e)) < 0 ||
		(rc = place_parse(cli_arg(args, 1), 1, site, "SITE", e)) < 0 ||
		(rc = place_parse(cli_arg(args, 2), 1, peer, "SITE", e)) < 0)
	{
		return rc;
	}
	path = arena_printf(a, "/v1/tunnels?customer=%s&vpn=%s&site=%s&peer=%s",
						vpn[0], vpn[1], site[0], peer[0]);
	rc = admin_get(args, a, path, admin_tunnels_rows, &answer, &done, e);
	if (rc < 0 || done)
	{
		return rc;
	}
	for (i = 0; i < answer.count; i++)
	{
		if (is_between(&answer.list[i], site[0], peer[0]))
		{
			print_tunnel(a, &answer.list[i], answer.now_ms);
			return 0;
		}
	}
	return err_set(e, -ENOENT, ERR_NOT_FOUND, cli_arg(args, 0),
				   "no tunnel between %s and %s", site[0], peer[0]);
}

static void print_ends(struct arena *a, const struct admin_tunnels *answer,
					   const char *site)
{
	static const char *const titles[] = {
		"PEER", "UP", "STATE", "PEER SAYS", "OSPF", "ROUTE", "ERROR"
	};
	const struct admin_end *own, *peer;
	struct table t;
	size_t i;

	table_init(&t, a, 7, titles);
	for (i = 0; i < answer->count; i++)
	{
		own = &answer->list[i].ends[0];
		peer = &answer->list[i].ends[1];
		if (strcmp(own->site, site) != 0)
		{
			own = &answer->list[i].ends[1];
			peer = &answer->list[i].ends[0];
		}
		table_add(&t, peer->site);
		table_add(&t, answer->list[i].up ? "yes" : "NO");
		table_add(&t, end_state(own));
		table_add(&t, end_state(peer));
		table_add(&t, own->ospf);
		table_add(&t, own->reported ? own->route ? "yes" : "no" : "-");
		table_add(&t, own->last_error);
	}
	table_print(&t);
}

static int site_show(const struct cli_args *args, struct arena *a,
					 struct err *e)
{
	char names[3][NAME_SIZE], address[ADDR_TEXT_MAX], id[ADDR_TEXT_MAX];
	struct admin_tunnels tunnels = { 0 };
	struct store_site site = { 0 };
	bool done;
	int rc = place_parse(cli_arg(args, 0), 3, names, "CUSTOMER/VPN/SITE", e);

	if (rc < 0)
	{
		return rc;
	}
	rc = admin_get(args, a, arena_printf(a, "/v1/sites/%s/%s/%s", names[0],
										 names[1], names[2]),
				   admin_site_rows, &site, &done, e);
	if (rc < 0 || done)
	{
		return rc;
	}
	printf("site        %s/%s/%s\nrouter      %s/%s\nce-address  %s\n"
		   "router-id   %s\nprefixes    %s\n\n", site.customer, site.vpn,
		   site.site, site.customer, site.ce,
		   addr_str(&site.ce_address, address), addr_str(&site.router_id, id),
		   admin_prefixes_text(a, &site));
	rc = admin_get(args, a, arena_printf(a, "/v1/tunnels?customer=%s&vpn=%s"
										 "&site=%s", names[0], names[1],
										 names[2]),
				   admin_tunnels_rows, &tunnels, &done, e);
	if (rc == 0)
	{
		print_ends(a, &tunnels, names[2]);
	}
	return rc;
}

/* ---- time to service ------------------------------------------------------------------- */

static void print_services(struct arena *a, const struct admin_services *s)
{
	static const char *const titles[] = {
		"VPN", "SITE", "PEER", "NOTIFY", "FETCH", "APPLY", "IKE", "OSPF",
		"ROUTE", "TOTAL"
	};
	const struct admin_service_end *end;
	struct table t;
	size_t i;
	int phase;

	table_init(&t, a, 3 + SERVICE_PHASE_COUNT, titles);
	for (i = 0; i < s->count; i++)
	{
		end = &s->list[i];
		table_add(&t, arena_printf(a, "%s/%s", end->customer, end->vpn));
		table_add(&t, end->site);
		table_add(&t, end->peer);
		for (phase = 0; phase < SERVICE_PHASE_COUNT; phase++)
		{
			table_add(&t, admin_ms(a, end->service.there[phase],
								   end->service.ms[phase]));
		}
	}
	table_print(&t);
}

static void print_summary(struct arena *a, const struct admin_services *s)
{
	static const char *const titles[] = {
		"PHASE", "ENDS", "P50", "P95", "WORST"
	};
	const struct admin_summary *line;
	struct table t;
	size_t i;

	table_init(&t, a, 5, titles);
	for (i = 0; i < s->summary_count; i++)
	{
		line = &s->summary[i];
		table_add(&t, line->phase);
		table_add(&t, number(a, line->count));
		table_add(&t, admin_ms(a, line->p50.there, line->p50.ms));
		table_add(&t, admin_ms(a, line->p95.there, line->p95.ms));
		table_add(&t, admin_ms(a, line->worst.there, line->worst.ms));
	}
	printf("\n");
	table_print(&t);
}

static int service_show(const struct cli_args *args, struct arena *a,
						struct err *e)
{
	struct admin_services answer = { 0 };
	char *query;
	bool done;
	int rc = filter(cli_arg(args, 0), a, &query, e);

	if (rc < 0)
	{
		return rc;
	}
	rc = admin_get(args, a, arena_printf(a, "/v1/time-to-service%s", query),
				   admin_services_rows, &answer, &done, e);
	if (rc < 0 || done)
	{
		return rc;
	}
	print_services(a, &answer);
	print_summary(a, &answer);
	return 0;
}

/* ---- audit ----------------------------------------------------------------------------- */

static const char *wall_time(struct arena *a, int64_t ms)
{
	time_t seconds = (time_t)(ms / 1000);
	struct tm tm;
	char text[32];

	if (!gmtime_r(&seconds, &tm) ||
		strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
	{
		return "-";
	}
	return arena_strdup(a, text);
}

static int audit_show(const struct cli_args *args, struct arena *a,
					  struct err *e)
{
	static const char *const titles[] = { "REVISION", "WHEN", "WHO", "WHAT" };
	const char *limit = cli_opt(args, "--limit");
	struct admin_audits answer = { 0 };
	struct table t;
	uint64_t n = 100;
	bool done;
	size_t i;
	int rc;

	if (limit && text_to_u64(limit, 1, 10000, &n) < 0)
	{
		return err_set(e, -EINVAL, ERR_USAGE, "--limit",
					   "'%s' is not a number in 1..10000", limit);
	}
	rc = admin_get(args, a, arena_printf(a, "/v1/audit?limit=%llu",
										 (unsigned long long)n),
				   admin_audits_rows, &answer, &done, e);
	if (rc < 0 || done)
	{
		return rc;
	}
	table_init(&t, a, 4, titles);
	for (i = 0; i < answer.count; i++)
	{
		table_add(&t, number(a, answer.list[i].revision));
		table_add(&t, wall_time(a, answer.list[i].at_ms));
		table_add(&t, answer.list[i].actor);
		table_add(&t, answer.list[i].what);
	}
	table_print(&t);
	return 0;
}

#define READING(name, fn) \
	ADMIN_COMMAND(name) \
	{ \
		struct arena *a = arena_new(); \
		int rc = fn(args, a, e); \
		arena_free(a); \
		return rc; \
	}

READING(admin_status_show, status_show)
READING(admin_tunnel_show, tunnel_show)
READING(admin_site_show, site_show)
READING(admin_service_show, service_show)
READING(admin_audit_show, audit_show)
