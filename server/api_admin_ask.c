/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * api_admin_ask.c - questions of the admin API
 *
 * Reads only. A fault of the database is an error, never an empty list.
 */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "alloc.h"
#include "name.h"
#include "server/api_admin_ask.h"
#include "server/api_admin_write.h"

#define AUDIT_LIMIT 100
#define AUDIT_LIMIT_MAX 10000
/* Three reports that did not come: what the last one said is not known. */
#define STALE_REPORTS 3
#define REPORT_INTERVAL_S 300

int64_t admin_now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* ---- a question ------------------------------------------------------------- */

/* From the path, else from the query; NULL when in neither. */
static int part(struct admin_ask *q, const char *name, const char **out)
{
	*out = http_request_segment(q->req, name);
	if (!*out)
	{
		*out = http_request_query(q->req, name);
	}
	if (*out && !name_is_label(*out))
	{
		return err_set(&q->e, -EINVAL, ERR_NAME, *out, "not a name for a %s",
					   name);
	}
	return 0;
}

static int not_found(struct admin_ask *q, const char *what, const char *place)
{
	return err_set(&q->e, -ENOENT, ERR_NOT_FOUND, place, "no such %s", what);
}

/* api_admin_admit() let nobody come here with another's customer. */
static int check_named(struct admin_ask *q)
{
	q->named = q->customer != NULL;
	return !q->named || admin_sees(q, q->customer) ? 0
		: not_found(q, "customer", q->customer);
}

enum http_verdict admin_ask(struct http_request *req,
							struct http_response *resp, struct store *store,
							void *user, admin_ask_fn fn)
{
	struct admin_ask q = { .req = req, .store = store, .api = user,
						   .who = admin_who(req) };
	enum http_verdict verdict;
	struct text text;
	int rc;

	q.arena = arena_new();
	if ((rc = part(&q, "customer", &q.customer)) < 0 ||
		(rc = part(&q, "vpn", &q.vpn)) < 0 ||
		(rc = part(&q, "ce", &q.ce)) < 0 ||
		(rc = part(&q, "site", &q.site)) < 0 ||
		(rc = part(&q, "peer", &q.peer)) < 0 ||
		(rc = check_named(&q)) < 0 || (rc = fn(&q)) < 0)
	{
		text = q.o.text;
		text_done(&text);
		verdict = admin_fail(resp, rc, &q.e);
	}
	else
	{
		verdict = rc == 1 ? HTTP_PARK : admin_answer(resp, &q.o);
	}
	arena_free(q.arena);
	return verdict;
}

static bool wanted(const char *filter, const char *value)
{
	return !filter || strcmp(filter, value) == 0;
}

bool admin_sees(const struct admin_ask *q, const char *customer)
{
	return access_role_for(&q->who->access, customer) >= ACCESS_VIEWER;
}

bool admin_next_customer(struct admin_ask *q)
{
	const struct access *access = &q->who->access;
	const bool once = q->named || access->all >= ACCESS_VIEWER;

	if (q->turn == (once ? 1 : access->grant_count))
	{
		q->turn = 0;
		q->customer = q->named ? q->customer : NULL;
		return false;
	}
	if (!once)
	{
		q->customer = access->grants[q->turn].customer;
	}
	q->turn++;
	return true;
}

void *admin_join(struct admin_ask *q, void *first, size_t first_count,
				 void *second, size_t second_count, size_t size)
{
	char *both;

	if (!first_count || !second_count)
	{
		return first_count ? first : second;
	}
	both = arena_calloc(q->arena, first_count + second_count, size);
	memcpy(both, first, first_count * size);
	memcpy(both + first_count * size, second, second_count * size);
	return both;
}

/* A filter that names nothing is a mistake, not an empty list. */
int admin_check_filter(struct admin_ask *q)
{
	struct store_customer *customers;
	struct store_vpn *vpns;
	size_t count, i;
	int rc;

	if (!q->customer)
	{
		return q->vpn || q->ce || q->site
			? err_set(&q->e, -EINVAL, ERR_USAGE, "customer",
					  "needed with vpn, ce or site") : 0;
	}
	rc = store_customers(q->store, q->arena, &customers, &count, &q->e);
	for (i = 0; rc == 0 && i < count &&
		 strcmp(customers[i].customer, q->customer) != 0; i++)
	{
	}
	if (rc < 0 || i == count)
	{
		return rc < 0 ? rc : not_found(q, "customer", q->customer);
	}
	if (!q->vpn)
	{
		return 0;
	}
	rc = store_vpns(q->store, q->arena, q->customer, &vpns, &count, &q->e);
	for (i = 0; rc == 0 && i < count && strcmp(vpns[i].vpn, q->vpn) != 0; i++)
	{
	}
	if (rc == 0 && i == count)
	{
		rc = not_found(q, "VPN", arena_printf(q->arena, "%s/%s", q->customer,
											  q->vpn));
	}
	return rc;
}

/* ---- lists ------------------------------------------------------------------- */

static int health(struct admin_ask *q)
{
	struct api_admin_counters counters = { 0 };
	uint64_t epoch, revision;
	int rc = store_revision(q->store, &epoch, &revision, &q->e);

	if (rc == 0)
	{
		jo_object(&q->o, NULL);
		jo_str(&q->o, "version", PACKAGE_VERSION);
		jo_u64(&q->o, "epoch", epoch);
		jo_u64(&q->o, "revision", revision);
		/* how busy it is, is nobody's who has single customers */
		if (q->api->counters && q->who->access.all == ACCESS_ADMIN)
		{
			q->api->counters(q->api->server, &counters);
			jo_u64(&q->o, "documents-built", counters.documents_built);
			jo_u64(&q->o, "parked", counters.parked);
		}
		jo_object_end(&q->o);
	}
	return rc;
}

/*
 * A list {"name":[...]}, or the one element that the path names.
 */
#define LIST(name, key, type, query, writer) \
	static int name(struct admin_ask *q) \
	{ \
		type *list; \
		size_t count, i; \
		int rc = admin_check_filter(q); \
		jo_object(&q->o, NULL); \
		jo_array(&q->o, key); \
		while (rc == 0 && admin_next_customer(q)) \
		{ \
			rc = (query); \
			for (i = 0; rc == 0 && i < count; i++) \
			{ \
				writer(&q->o, &list[i]); \
			} \
		} \
		jo_array_end(&q->o); \
		jo_object_end(&q->o); \
		return rc; \
	}

#define ONE(name, what, type, query, writer, is_it) \
	static int name(struct admin_ask *q) \
	{ \
		type *list; \
		size_t count, i; \
		int rc = admin_check_filter(q); \
		if (rc < 0 || (rc = (query)) < 0) \
		{ \
			return rc; \
		} \
		for (i = 0; i < count; i++) \
		{ \
			if (is_it) \
			{ \
				writer(&q->o, &list[i]); \
				return 0; \
			} \
		} \
		return not_found(q, what, place_of(q)); \
	}

static const char *place_of(struct admin_ask *q)
{
	const char *last = q->site ? q->site : q->ce;
	char *place = arena_strdup(q->arena, q->customer ? q->customer : "");

	if (q->vpn)
	{
		place = arena_printf(q->arena, "%s/%s", place, q->vpn);
	}
	return last ? arena_printf(q->arena, "%s/%s", place, last) : place;
}

static int customers(struct admin_ask *q)
{
	struct store_customer *list;
	size_t count, i;
	int rc = store_customers(q->store, q->arena, &list, &count, &q->e);

	if (rc < 0)
	{
		return rc;
	}
	jo_object(&q->o, NULL);
	jo_array(&q->o, "customers");
	for (i = 0; i < count; i++)
	{
		if (admin_sees(q, list[i].customer))
		{
			admin_write_customer(&q->o, &list[i]);
		}
	}
	jo_array_end(&q->o);
	jo_object_end(&q->o);
	return 0;
}

ONE(customer, "customer", struct store_customer,
	store_customers(q->store, q->arena, &list, &count, &q->e),
	admin_write_customer, wanted(q->customer, list[i].customer))
LIST(vpns, "vpns", struct store_vpn,
	 store_vpns(q->store, q->arena, q->customer, &list, &count, &q->e),
	 admin_write_vpn)
ONE(vpn, "VPN", struct store_vpn,
	store_vpns(q->store, q->arena, q->customer, &list, &count, &q->e),
	admin_write_vpn, wanted(q->vpn, list[i].vpn))
LIST(ces, "ces", struct store_ce,
	 store_ces(q->store, q->arena, q->customer, &list, &count, &q->e),
	 admin_write_ce)
ONE(ce, "CE", struct store_ce,
	store_ces(q->store, q->arena, q->customer, &list, &count, &q->e),
	admin_write_ce, wanted(q->ce, list[i].ce))
LIST(sites, "sites", struct store_site,
	 store_sites(q->store, q->arena, q->customer, q->vpn, &list, &count,
				 &q->e), admin_write_site)
ONE(site, "site", struct store_site,
	store_sites(q->store, q->arena, q->customer, q->vpn, &list, &count,
				&q->e), admin_write_site, wanted(q->site, list[i].site))

static int by_id(const void *a, const void *b)
{
	const struct store_audit *x = a, *y = b;

	return (x->id > y->id) - (x->id < y->id);
}

int admin_read_audits(struct admin_ask *q, unsigned limit,
					  struct store_audit **list, size_t *count)
{
	struct store_audit *more;
	size_t n;
	int rc = admin_check_filter(q);

	*list = NULL;
	*count = 0;
	while (rc == 0 && admin_next_customer(q))
	{
		rc = q->customer
			? store_audits_of(q->store, q->arena, q->customer, limit, &more,
							  &n, &q->e)
			: store_audits(q->store, q->arena, limit, &more, &n, &q->e);
		if (rc == 0)
		{
			*list = admin_join(q, *list, *count, more, n, sizeof(*more));
			*count += n;
		}
	}
	if (*count > 1)
	{
		qsort(*list, *count, sizeof(**list), by_id);
	}
	if (*count > limit)
	{
		*list += *count - limit;
		*count = limit;
	}
	return rc;
}

static int audit(struct admin_ask *q)
{
	const char *text = http_request_query(q->req, "limit");
	uint64_t limit = AUDIT_LIMIT;
	struct store_audit *list;
	size_t count, i;
	int rc;

	if (text && text_to_u64(text, 1, AUDIT_LIMIT_MAX, &limit) < 0)
	{
		return err_set(&q->e, -EINVAL, ERR_LIMIT, "limit",
					   "a number in 1..%d is needed", AUDIT_LIMIT_MAX);
	}
	rc = admin_read_audits(q, (unsigned)limit, &list, &count);
	if (rc < 0)
	{
		return rc;
	}
	jo_object(&q->o, NULL);
	jo_array(&q->o, "audit");
	for (i = 0; i < count; i++)
	{
		admin_write_audit(&q->o, &list[i]);
	}
	jo_array_end(&q->o);
	jo_object_end(&q->o);
	return 0;
}

/* ---- status -------------------------------------------------------------------- */

static int64_t stale_ms(const struct api_admin *api)
{
	uint32_t interval = api->report_interval_s ? api->report_interval_s
											   : REPORT_INTERVAL_S;

	return admin_now_ms() - (int64_t)interval * STALE_REPORTS * 1000;
}

/* Tunnels of the filter; site, peer: those with these sites at their ends. */
static bool has_site(const struct store_tunnel *t, const char *site)
{
	return wanted(site, t->end[0].site) || wanted(site, t->end[1].site);
}

static int read_tunnels(struct admin_ask *q, struct store_tunnel **out,
						size_t *count)
{
	struct store_tunnel *all = NULL, *more;
	size_t i, n = 0, more_count;
	int rc = admin_check_filter(q);

	while (rc == 0 && admin_next_customer(q))
	{
		rc = store_tunnels(q->store, q->arena, q->customer, q->vpn, &more,
						   &more_count, &q->e);
		if (rc == 0)
		{
			all = admin_join(q, all, n, more, more_count, sizeof(*more));
			n += more_count;
		}
	}
	if (rc < 0)
	{
		return rc;
	}
	*count = 0;
	for (i = 0; i < n; i++)
	{
		if (has_site(&all[i], q->site) && has_site(&all[i], q->peer))
		{
			all[(*count)++] = all[i];
		}
	}
	*out = all;
	return q->peer && *count == 0
		? err_set(&q->e, -ENOENT, ERR_NOT_FOUND,
				  arena_printf(q->arena, "%s/%s",
							   q->customer ? q->customer : "",
							   q->vpn ? q->vpn : ""),
				  "no tunnel between %s and %s", q->site ? q->site : "any",
				  q->peer) : 0;
}

static int tunnels(struct admin_ask *q)
{
	struct store_tunnel *list;
	size_t count, i;
	int rc = read_tunnels(q, &list, &count);

	if (rc < 0)
	{
		return rc;
	}
	jo_object(&q->o, NULL);
	jo_u64(&q->o, "now-ms", (uint64_t)admin_now_ms());
	jo_array(&q->o, "tunnels");
	for (i = 0; i < count; i++)
	{
		admin_write_tunnel(&q->o, &list[i], stale_ms(q->api));
	}
	jo_array_end(&q->o);
	jo_object_end(&q->o);
	return 0;
}

static int time_to_service(struct admin_ask *q)
{
	const char *by = http_request_query(q->req, "by");
	struct store_tunnel *list;
	size_t count, i;
	int rc;

	if (by && strcmp(by, "ce") != 0 && strcmp(by, "change") != 0)
	{
		return err_set(&q->e, -EINVAL, ERR_USAGE, "by", "'change' or 'ce'");
	}
	rc = read_tunnels(q, &list, &count);
	if (rc < 0)
	{
		return rc;
	}
	if (by)
	{
		return admin_service_groups(q, list, count, strcmp(by, "ce") == 0);
	}
	jo_object(&q->o, NULL);
	jo_array(&q->o, "ends");
	for (i = 0; i < count; i++)
	{
		admin_write_services(&q->o, &list[i]);
	}
	jo_array_end(&q->o);
	admin_write_summary(&q->o, "summary", list, count);
	jo_object_end(&q->o);
	return 0;
}

/* How many ends of tunnels a CE has, and how many of them are up. */
struct count
{
	size_t up, total;
};

/* by (customer, ce): the CEs are sorted so */
static struct count *count_of(struct count *counts,
							  const struct store_ce_status *ces, size_t n,
							  const char *customer, const char *ce)
{
	size_t low = 0, high = n, mid;
	int order;

	while (low < high)
	{
		mid = (low + high) / 2;
		order = strcmp(ces[mid].ce.customer, customer);
		order = order ? order : strcmp(ces[mid].ce.ce, ce);
		if (order == 0)
		{
			return &counts[mid];
		}
		if (order < 0)
		{
			low = mid + 1;
		}
		else
		{
			high = mid;
		}
	}
	return NULL;
}

static void count_ends(struct count *counts, const struct store_ce_status *ces,
					   size_t n, const struct store_tunnel *list, size_t count,
					   int64_t stale)
{
	struct count *of;
	size_t i;

	for (i = 0; i < 2 * count; i++)
	{
		of = count_of(counts, ces, n, list[i / 2].customer,
					  list[i / 2].end[i % 2].ce);
		if (of)
		{
			of->total++;
			of->up += admin_end_is_up(&list[i / 2].end[i % 2], stale);
		}
	}
}

/* With a VPN, only its members. */
static int mark_members(struct admin_ask *q, bool *member,
						const struct store_ce_status *ces, size_t n)
{
	struct store_site *list;
	struct count *of, *counts;
	bool found = false;
	size_t count, i;
	int rc;

	if (!q->vpn)
	{
		memset(member, 1, n);
		return 0;
	}
	rc = store_sites(q->store, q->arena, q->customer, q->vpn, &list, &count,
					 &q->e);
	counts = arena_calloc(q->arena, n, sizeof(*counts));
	for (i = 0; rc == 0 && i < count; i++)
	{
		of = count_of(counts, ces, n, list[i].customer, list[i].ce);
		if (of && wanted(q->site, list[i].site))
		{
			member[of - counts] = true;
			found = true;
		}
	}
	return rc == 0 && q->site && !found ? not_found(q, "site", place_of(q)) : rc;
}

static void write_status(struct admin_ask *q, const struct store_ce_status *ces,
						 const struct count *counts, const bool *member,
						 size_t n, const struct store_tunnel *list,
						 size_t count, int64_t stale)
{
	size_t i;

	jo_array(&q->o, "ces");
	for (i = 0; i < n; i++)
	{
		if (member[i])
		{
			admin_write_status(&q->o, &ces[i], counts[i].up, counts[i].total,
							   stale);
		}
	}
	jo_array_end(&q->o);
	/* those that do not work, whatever the reason */
	jo_array(&q->o, "down");
	for (i = 0; i < count; i++)
	{
		if (!admin_end_is_up(&list[i].end[0], stale) ||
			!admin_end_is_up(&list[i].end[1], stale))
		{
			admin_write_tunnel(&q->o, &list[i], stale);
		}
	}
	jo_array_end(&q->o);
}

/* sorted by (customer, ce), as customers come by name */
static int read_statuses(struct admin_ask *q, struct store_ce_status **list,
						 size_t *count)
{
	struct store_ce_status *more;
	size_t n;
	int rc = 0;

	*list = NULL;
	*count = 0;
	while (rc == 0 && admin_next_customer(q))
	{
		rc = store_ce_statuses(q->store, q->arena, q->customer, &more, &n,
							   &q->e);
		if (rc == 0)
		{
			*list = admin_join(q, *list, *count, more, n, sizeof(*more));
			*count += n;
		}
	}
	return rc;
}

static int status(struct admin_ask *q)
{
	int64_t stale = stale_ms(q->api);
	struct store_ce_status *ces;
	struct store_tunnel *list;
	uint64_t epoch, revision;
	struct count *counts;
	size_t n, count;
	bool *member;
	int rc;

	if ((rc = read_tunnels(q, &list, &count)) < 0 ||
		(rc = read_statuses(q, &ces, &n)) < 0 ||
		(rc = store_revision(q->store, &epoch, &revision, &q->e)) < 0)
	{
		return rc;
	}
	member = arena_calloc(q->arena, n, sizeof(*member));
	counts = arena_calloc(q->arena, n, sizeof(*counts));
	rc = mark_members(q, member, ces, n);
	if (rc < 0)
	{
		return rc;
	}
	count_ends(counts, ces, n, list, count, stale);
	jo_object(&q->o, NULL);
	jo_u64(&q->o, "epoch", epoch);
	jo_u64(&q->o, "revision", revision);
	jo_u64(&q->o, "now-ms", (uint64_t)admin_now_ms());
	write_status(q, ces, counts, member, n, list, count, stale);
	jo_object_end(&q->o);
	return 0;
}

/* ---- handlers -------------------------------------------------------------------- */

#define HANDLER(name, fn) \
	ADMIN_HANDLER(name) \
	{ \
		return admin_ask(req, resp, store, user, fn); \
	}

HANDLER(admin_health, health)
HANDLER(admin_customers, customers)
HANDLER(admin_customer, customer)
HANDLER(admin_vpns, vpns)
HANDLER(admin_vpn, vpn)
HANDLER(admin_ces, ces)
HANDLER(admin_ce, ce)
HANDLER(admin_sites, sites)
HANDLER(admin_site, site)
HANDLER(admin_status, status)
HANDLER(admin_tunnels, tunnels)
HANDLER(admin_time_to_service, time_to_service)
HANDLER(admin_audit, audit)
