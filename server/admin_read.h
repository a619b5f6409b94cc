/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * admin_read.h - the admin API's answers as C types (doc/admin-api.md)
 *
 * Pure. The reading side of api_admin_write.h. Optional numbers have a bool
 * that tells whether they were there.
 */
#ifndef PPVPN_SERVER_ADMIN_READ_H
#define PPVPN_SERVER_ADMIN_READ_H

#include "json_in.h"
#include "server/conf_words.h"
#include "server/service.h"

/* An optional time; never first in a struct (json_in.h: no offset 0). */
struct admin_time
{
	uint64_t ms;
	bool there;
};

struct admin_service
{
	uint64_t ms[SERVICE_PHASE_COUNT];
	bool there[SERVICE_PHASE_COUNT];
};

struct admin_ce
{
	char *customer, *ce, *description, *external_id;
	struct addr address;
	bool suspended, enrolled, revoked, reported, stale, behind_nat;
	struct admin_time certificate_ends, waiting_since;
	char *waiting_key;				/* NULL: none */
	struct admin_time ike_key_since;
	char *ike_key;					/* SHA-256; NULL: none */
	struct prefix *dynamic;
	size_t dynamic_count;
	uint64_t revision;
	struct admin_time last_seen, reported_at;
	uint64_t applied_epoch, applied_revision;
	char *result, *agent_version;
	uint64_t up, total;
	struct status_error *errors;
	size_t error_count;
	struct admin_alarm *alarms;
	size_t alarm_count;
};

struct admin_alarm
{
	char *code, *resource, *severity, *text;
	uint64_t count, age;
};

/* One of the ledger. */
struct admin_raised
{
	char *severity, *resource, *code, *source, *text;
	char *title, *remedy;			/* NULL: a code that is not known here */
	char *customer, *vpn, *site, *peer, *ce;	/* NULL: not of one */
	uint64_t id, count, raised_ms, changed_ms;
	struct admin_time cleared;
	bool raised;
};

struct admin_event
{
	char *event, *severity, *resource, *code, *source, *result, *actor, *text;
	char *customer, *vpn, *site, *peer, *ce;	/* all but event, text: or NULL */
	uint64_t id, at_ms, revision;
};

struct admin_diag
{
	char *state, *actor;
	uint64_t id, asked_ms, until_ms;
	struct admin_time taken;
};

struct admin_end
{
	char *site, *ce;
	bool reported, up, stale;
	struct admin_time reported_at;
	char *state, *ike, *child, *proposal, *ospf, *last_error;
	bool route;
	uint64_t since, attempts, in_bytes, out_bytes;
	struct admin_service service;
};

/* The key of a tunnel; step NULL: it is not being changed, nor moved from. */
struct admin_key
{
	uint64_t generation;		/* 0: it sends no key */
	struct admin_time made;
	char *to, *step;
};

struct admin_wait { char *site, *ce, *reason; };
struct admin_rotation
{
	char *customer, *vpn, *to, *step;
	char **sites;				/* two */
	size_t site_count;
	uint64_t generation, revision, begun_revision;
	struct admin_time begun, stepped;	/* not of those that wait to begin */
	struct admin_wait *waits;
	size_t wait_count;
};

/* An authority of a VPN, the present list of what it revoked. */
struct admin_list { uint64_t number, entries, issued_ms, ends_ms; };
struct admin_authority
{
	char *state, *fingerprint, *ca_data;
	uint64_t revision, since_ms, issued_ms, ends_ms, roll_ms, certificates;
	struct admin_list list;
};

struct admin_tunnel
{
	char *customer, *vpn;
	uint64_t revision;
	char *authentication;		/* by what it is sent now */
	struct admin_key key;
	bool up;
	struct admin_end *ends;		/* two */
	size_t end_count;
};

struct admin_service_end
{
	char *customer, *vpn, *site, *peer, *ce;
	struct admin_service service;
};

struct admin_summary
{
	char *phase;
	uint64_t count;
	struct admin_time p50, p95, worst;
};

struct admin_certificate
{
	char *key;				/* SHA-256 of it, hex */
	uint64_t serial, expires_ms;
};

struct admin_operator
{
	char *operator, *description, *unix_user;
	int role;				/* enum access_role */
	struct store_grant *grants;
	size_t grant_count;
	struct admin_certificate certificate;
	bool certified;
};

struct admin_whoami
{
	char *actor, *operator;	/* operator NULL: none of the database */
	int role;
	struct store_grant *grants;
	size_t grant_count;
};

/* Time to service of a change, or of a router. */
struct admin_group
{
	char *customer, *ce, *what;		/* or NULL */
	uint64_t revision, ends, count;
	struct admin_time p50, p95, worst;
};

/* Answers; the rows read into the struct of the same name. */
struct admin_customers { struct store_customer *list; size_t count; };
struct admin_vpns { struct store_vpn *list; size_t count; };
struct admin_ces { struct admin_ce *list; size_t count; };
struct admin_sites { struct store_site *list; size_t count; };
struct admin_operators { struct admin_operator *list; size_t count; };
struct admin_audits { struct store_audit *list; size_t count; };
struct admin_tunnels
{
	uint64_t now_ms;
	struct admin_tunnel *list;
	size_t count;
};
struct admin_rotations
{
	uint64_t now_ms, total;
	struct admin_rotation *list;
	size_t count;
};
struct admin_authorities
{
	uint64_t now_ms;
	struct admin_authority *list;
	size_t count;
	struct admin_wait *waits;
	size_t wait_count;
};
struct admin_services
{
	struct admin_service_end *list;
	size_t count;
	struct admin_summary *summary;
	size_t summary_count;
};
struct admin_groups { struct admin_group *list; size_t count; };
struct admin_ledger
{
	uint64_t now_ms;
	struct admin_raised *list;
	size_t count;
};
struct admin_events
{
	uint64_t last;
	bool lost;
	struct admin_event *list;
	size_t count;
};
struct admin_status
{
	uint64_t epoch, revision, now_ms;
	struct admin_ce *ces;
	size_t ce_count;
	struct admin_tunnel *down;
	size_t down_count;
};

extern const struct json_row admin_customer_rows[];		/* store_customer */
extern const struct json_row admin_customers_rows[];
extern const struct json_row admin_vpn_rows[];			/* store_vpn */
extern const struct json_row admin_vpns_rows[];
extern const struct json_row admin_ce_rows[];			/* admin_ce */
extern const struct json_row admin_ces_rows[];
extern const struct json_row admin_site_rows[];			/* store_site */
extern const struct json_row admin_sites_rows[];
extern const struct json_row admin_operator_rows[];		/* admin_operator */
extern const struct json_row admin_operators_rows[];
extern const struct json_row admin_whoami_rows[];
extern const struct json_row admin_audits_rows[];
extern const struct json_row admin_tunnels_rows[];
extern const struct json_row admin_rotations_rows[];
extern const struct json_row admin_authorities_rows[];
extern const struct json_row admin_services_rows[];
extern const struct json_row admin_status_rows[];
extern const struct json_row admin_groups_rows[];
extern const struct json_row admin_ledger_rows[];
extern const struct json_row admin_events_rows[];
extern const struct json_row admin_diag_rows[];		/* admin_diag */

#endif
