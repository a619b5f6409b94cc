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

/* Lines of one list; the rest is counted. */
#define LINES_MAX 20

static void print_left(size_t left)
{
	if (left)
	{
		printf("... and %zu more (name a customer or VPN, or take --json)\n",
			   left);
	}
}

static const char *number(struct arena *a, uint64_t n)
{
	return arena_printf(a, "%llu", (unsigned long long)n);
}

int admin_place_query(const char *place, struct arena *a, char **out,
					  struct err *e)
{
	static const char *const forms[] = { "CUSTOMER", "CUSTOMER/VPN",
										 "CUSTOMER/VPN/SITE" };
	static const char *const keys[] = { "?customer=", "&vpn=", "&site=" };
	char names[3][NAME_SIZE];
	unsigned count = 1, i;
	const char *p;
	int rc;

	*out = arena_strdup(a, "");
	if (!place)
	{
		return 0;
	}
	for (p = place; (p = strchr(p, '/')) && count < 3; p++)
	{
		count++;
	}
	rc = place_parse(place, count, names, forms[count - 1], e);
	for (i = 0; rc == 0 && i < count; i++)
	{
		*out = arena_printf(a, "%s%s%s", *out, keys[i], names[i]);
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

/* What keeps a router from being fine, in a word; NULL: nothing. */
static const char *ce_trouble(const struct admin_status *s,
							  const struct admin_ce *ce)
{
	const char *result = ce->suspended ? "suspended" : ce_result(s, ce);

	if (ce->stale)
	{
		return "silent";
	}
	if (strcmp(result, "applied") != 0)
	{
		return result;
	}
	return ce->up < ce->total ? "tunnels" : alarms_of(ce) ? "alarms" : NULL;
}

static const char *revisions(struct arena *a, const struct admin_status *s,
							 const struct admin_ce *ce)
{
	if (!ce->reported_at.there)
	{
		return arena_printf(a, "-/%llu", (unsigned long long)ce->revision);
	}
	return ce->applied_epoch == s->epoch && ce->applied_revision >= ce->revision
		? number(a, ce->applied_revision)
		: arena_printf(a, "%llu/%llu", (unsigned long long)ce->applied_revision,
					   (unsigned long long)ce->revision);
}

/* All of a few; of many, those that are not fine. */
static void print_ces(struct arena *a, const struct admin_status *s)
{
	static const char *const titles[] = {
		"ROUTER", "STATE", "REVISION", "SEEN", "TUNNELS", "ALARMS"
	};
	const struct admin_ce *ce;
	size_t i, shown = 0, left = 0;
	struct table t;

	table_init(&t, a, 6, titles);
	for (i = 0; i < s->ce_count; i++)
	{
		ce = &s->ces[i];
		if (s->ce_count > LINES_MAX && !ce_trouble(s, ce))
		{
			continue;
		}
		if (shown == LINES_MAX)
		{
			left++;
			continue;
		}
		shown++;
		table_add(&t, arena_printf(a, "%s/%s", ce->customer, ce->ce));
		table_add(&t, ce_trouble(s, ce) ? ce_trouble(s, ce) : "fine");
		table_add(&t, revisions(a, s, ce));
		table_add(&t, seen(a, &ce->last_seen, s->now_ms));
		table_add(&t, arena_printf(a, "%llu/%llu",
								   (unsigned long long)ce->up,
								   (unsigned long long)ce->total));
		table_add(&t, alarms_of(ce) ? number(a, alarms_of(ce)) : "-");
	}
	if (shown)
	{
		printf("\n");
		table_print(&t);
	}
	print_left(left);
}

/* Words of trouble, and how many routers each has. */
static void print_summary_of_ces(struct arena *a, const struct admin_status *s)
{
	static const char *const words[] = {
		"silent", "rejected", "partial", "pending", "behind", "not enrolled",
		"no report", "suspended", "tunnels", "alarms"
	};
	const char *text = "", *trouble;
	size_t i, k, count, fine = 0;

	for (k = 0; k < sizeof(words) / sizeof(words[0]); k++)
	{
		for (i = count = 0; i < s->ce_count; i++)
		{
			trouble = ce_trouble(s, &s->ces[i]);
			count += trouble && strcmp(trouble, words[k]) == 0;
			fine += k == 0 && !trouble;
		}
		if (count)
		{
			text = arena_printf(a, "%s, %zu %s", text, count,
								strcmp(words[k], "tunnels") == 0
								? "with tunnels that are not up"
								: strcmp(words[k], "alarms") == 0
								? "with alarms" : words[k]);
		}
	}
	admin_print_filled("routers", 10, arena_printf(a, "%zu: %zu fine%s",
												   s->ce_count, fine, text));
}

static void print_summaries(struct arena *a, const struct admin_status *s,
							const struct admin_ledger *ledger)
{
	uint64_t up = 0, total = 0;
	size_t i;

	for (i = 0; i < s->ce_count; i++)
	{
		up += s->ces[i].up;
		total += s->ces[i].total;
	}
	printf("revision  %llu\n", (unsigned long long)s->revision);
	print_summary_of_ces(a, s);
	printf("tunnels   %zu not up; %llu of %llu ends are up\n", s->down_count,
		   (unsigned long long)up, (unsigned long long)total);
	printf("alarms    %s\n", admin_alarm_counts(a, ledger));
}

static const char *end_state(const struct admin_end *end)
{
	if (!end->reported)
	{
		return "not reported";
	}
	return end->stale ? "stale report" : end->state;
}

static const char *end_says(const struct admin_end *end)
{
	if (!end->up && end->reported && !end->stale && end->last_error &&
		strcmp(end->last_error, "none") != 0)
	{
		return end->last_error;
	}
	return end_state(end);
}

/* Configured and not up: what either end says. */
static void print_down(struct arena *a, const struct admin_status *s)
{
	static const char *const titles[] = {
		"NOT UP", "SITE", "SAYS", "SITE", "SAYS"
	};
	const struct admin_tunnel *tunnel;
	struct table t;
	size_t i, k;

	if (s->down_count == 0)
	{
		return;
	}
	table_init(&t, a, 5, titles);
	for (i = 0; i < s->down_count && i < LINES_MAX; i++)
	{
		tunnel = &s->down[i];
		table_add(&t, arena_printf(a, "%s/%s", tunnel->customer,
								   tunnel->vpn));
		for (k = 0; k < 2; k++)
		{
			table_add(&t, tunnel->ends[k].site);
			table_add(&t, end_says(&tunnel->ends[k]));
		}
	}
	printf("\n");
	table_print(&t);
	print_left(s->down_count - i);
}

/* What routers could not do with their documents. */
static void print_errors(const struct admin_status *s)
{
	const struct admin_ce *ce;
	size_t i, k, shown = 0, left = 0;

	for (i = 0; i < s->ce_count; i++)
	{
		ce = &s->ces[i];
		for (k = 0; k < ce->error_count; k++)
		{
			if (shown == LINES_MAX)
			{
				left++;
				continue;
			}
			printf("%s%s/%s: error %s: %s: %s\n", shown ? "" : "\n",
				   ce->customer, ce->ce, ce->errors[k].code,
				   ce->errors[k].where, ce->errors[k].text);
			shown++;
		}
	}
	print_left(left);
}

/* The most severe first, as the server sorts them. */
static void print_raised(struct arena *a, const struct admin_ledger *ledger)
{
	static const char *const titles[] = { "ALARM", "RESOURCE", "CODE",
										  "SINCE" };
	const struct admin_raised *alarm;
	struct table t;
	size_t i;

	if (ledger->count == 0)
	{
		return;
	}
	table_init(&t, a, 4, titles);
	for (i = 0; i < ledger->count && i < LINES_MAX; i++)
	{
		alarm = &ledger->list[i];
		table_add(&t, alarm->severity);
		table_add(&t, alarm->resource);
		table_add(&t, alarm->code);
		table_add(&t, admin_age(a, ledger->now_ms > alarm->raised_ms ?
								(ledger->now_ms - alarm->raised_ms) / 1000
								: 0));
	}
	printf("\n");
	table_print(&t);
	print_left(ledger->count - i);
}

static int status_show(const struct cli_args *args, struct arena *a,
					   struct err *e)
{
	struct admin_status status = { 0 };
	struct admin_ledger ledger = { 0 };
	char *query;
	bool done;
	int rc = admin_place_query(cli_arg(args, 0), a, &query, e);

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
	rc = admin_get(args, a, arena_printf(a, "/v1/alarms%s", query),
				   admin_ledger_rows, &ledger, &done, e);
	if (rc < 0)
	{
		return rc;
	}
	print_summaries(a, &status, &ledger);
	print_ces(a, &status);
	print_down(a, &status);
	print_errors(&status);
	print_raised(a, &ledger);
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

/* What the errors of the two ends mean. */
static void print_meanings(const struct admin_tunnel *t)
{
	enum err_code code;
	int i;

	for (i = 0; i < 2; i++)
	{
		const char *error = t->ends[i].last_error;

		if (error && strcmp(error, "none") != 0 &&
			err_code_parse(error, &code) == 0 &&
			(i == 0 || !t->ends[0].last_error ||
			 strcmp(error, t->ends[0].last_error) != 0))
		{
			printf("\n%s: %s\n", error, err_code_title(code));
			admin_print_filled("", 2, err_code_remedy(code));
		}
	}
}

/* What is sent now, and what follows. */
static void print_key(struct arena *a, const struct admin_key *key,
					  uint64_t now_ms)
{
	const char *to = key->to && strcmp(key->to, "next-key")
		? arena_printf(a, "its move to a %s", key->to) : "the next one";

	if (key->generation)
	{
		printf("%-*sgeneration %llu", LEFT, "key",
			   (unsigned long long)key->generation);
	}
	else
	{
		printf("%-*snone: certificates", LEFT, "key");
	}
	if (key->step)
	{
		printf(", %s is under way: %s", to, key->step);
	}
	else if (key->made.there && key->generation)
	{
		printf(", made %s ago", admin_age(a, now_ms > key->made.ms
										  ? (now_ms - key->made.ms) / 1000
										  : 0));
	}
	printf("\n");
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
	print_key(a, &t->key, now_ms);
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
	print_meanings(t);
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
		   "router-id   %s\nprefixes    %s\n", site.customer, site.vpn,
		   site.site, site.customer, site.ce,
		   addr_str(&site.ce_address, address), addr_str(&site.router_id, id),
		   admin_prefixes_text(a, &site));
	if (site.certificate.serial)
	{
		printf("certificate %s, until %s\n", site.certificate.serial,
			   admin_wall_time(a, site.certificate.ends_ms));
	}
	printf("\n");
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

static void print_groups(struct arena *a, const struct admin_groups *groups)
{
	static const char *const change[] = { "REVISION", "ENDS", "KNOWN", "P50",
										  "P95", "WORST", "WHAT" };
	static const char *const router[] = { "ROUTER", "ENDS", "KNOWN", "P50",
										  "P95", "WORST" };
	const bool by_ce = groups->count && groups->list[0].ce;
	const struct admin_group *g;
	struct table t;
	size_t i;

	table_init(&t, a, by_ce ? 6 : 7, by_ce ? router : change);
	for (i = 0; i < groups->count; i++)
	{
		g = &groups->list[i];
		table_add(&t, by_ce ? arena_printf(a, "%s/%s", g->customer, g->ce)
							   : number(a, g->revision));
		table_add(&t, number(a, g->ends));
		table_add(&t, number(a, g->count));
		table_add(&t, admin_ms(a, g->p50.there, g->p50.ms));
		table_add(&t, admin_ms(a, g->p95.there, g->p95.ms));
		table_add(&t, admin_ms(a, g->worst.there, g->worst.ms));
		if (!by_ce)
		{
			table_add(&t, g->what);
		}
	}
	table_print(&t);
}

static int groups_show(const struct cli_args *args, struct arena *a,
					   const char *query, const char *by, struct err *e)
{
	struct admin_groups groups = { 0 };
	bool done;
	int rc;

	if (strcmp(by, "change") != 0 && strcmp(by, "ce") != 0)
	{
		return err_set(e, -EINVAL, ERR_USAGE, "--by",
					   "'%s' is neither 'change' nor 'ce'", by);
	}
	rc = admin_get(args, a, arena_printf(a, "/v1/time-to-service%s%cby=%s",
										 query, *query ? '&' : '?', by),
				   admin_groups_rows, &groups, &done, e);
	if (rc == 0 && !done)
	{
		print_groups(a, &groups);
	}
	return rc;
}

static int service_show(const struct cli_args *args, struct arena *a,
						struct err *e)
{
	struct admin_services answer = { 0 };
	char *query;
	bool done;
	int rc = admin_place_query(cli_arg(args, 0), a, &query, e);

	if (rc < 0)
	{
		return rc;
	}
	if (cli_opt(args, "--by"))
	{
		return groups_show(args, a, query, cli_opt(args, "--by"), e);
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

const char *admin_wall_time(struct arena *a, int64_t ms)
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
		table_add(&t, admin_wall_time(a, answer.list[i].at_ms));
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
