/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * store_alarm.h - the ledger of alarms and the stream of events, as the store's
 * files share them
 *
 * All of it happens in the transaction of the caller. Texts may be any: what is
 * too long for its column is cut.
 */
#ifndef PPVPN_SERVER_STORE_ALARM_H
#define PPVPN_SERVER_STORE_ALARM_H

#include "server/store_impl.h"

/* The origin of what the server itself finds; others are ids of CEs. */
#define STORE_ALARM_SERVER 0
/* Rows of one CE, raised and cleared. */
#define STORE_ALARM_CE_ROWS 512
/* What a CE may raise or change in an hour. */
#define STORE_ALARM_CE_HOUR 600
#define STORE_ALARM_RESOURCE_MAX 511
#define STORE_ALARM_TEXT_MAX 512

extern const char *const store_severity_words[];	/* by enum status_severity */

/* What is to be so. Texts that are not needed may be NULL. */
struct store_alarm_wish
{
	int64_t origin;
	const char *source;			/* "server", "acme/paris-r1" */
	const char *resource, *code, *text;
	enum status_severity severity;
	const char *customer, *vpn, *site, *peer, *ce;
	int64_t site_a, site_b;		/* a tunnel that is down; else 0 */
};

/* A row of the ledger, as far as it is compared. */
struct store_alarm_row
{
	int64_t id;
	char *resource, *code, *text;
	int severity;
	int64_t changed_ms;
	bool raised, kept;			/* kept: for the caller */
};

/** Raise it, or change what is raised so; tells only what differs. */
int store_alarm_set(struct store *s, const struct store_alarm_wish *wish,
					const struct store_alarm_row *row, int64_t now_ms,
					struct err *e);
int store_alarm_clear(struct store *s, int64_t id, int64_t now_ms,
					  struct err *e);
/** Rows of an origin, with code NULL of all codes; raised_only: no others. */
int store_alarm_rows(struct store *s, struct arena *a, int64_t origin,
					 const char *code, bool raised_only,
					 struct store_alarm_row **rows, size_t *count,
					 struct err *e);

/** A site, a CE is gone, or what a CE said is no longer said by anybody. */
int store_alarm_site_gone(struct store *s, const char *customer,
						  const char *vpn, const char *site, struct err *e);
int store_alarm_ce_gone(struct store *s, const char *customer, const char *ce,
						int64_t ce_id, struct err *e);
int store_alarm_ce_mute(struct store *s, int64_t ce_id, struct err *e);
/**
 * A customer is gone: it has no alarms, not even cleared ones, and its events are
 * of no customer. Another one may have its name later.
 */
int store_alarm_customer_gone(struct store *s, const char *customer,
							  struct err *e);

/** The ledger follows a report of this CE, after its rows were written. */
int store_alarm_report(struct store *s, const struct store_ce *ce,
					   const struct status_report *report, int64_t now_ms,
					   struct err *e);
/** Whether it was silent before this report, or is of another start of its agent. */
int store_alarm_is_back(struct store *s, const struct store_ce *ce,
						const struct status_report *report, bool *back,
						struct err *e);
/**
 * tunnel_down follows it. back: the router was away, or has begun anew; its
 * tunnels get their time to come up.
 */
int store_tunnel_down_report(struct store *s, int64_t ce_id, bool back,
							 const struct status_report *report,
							 int64_t now_ms, struct err *e);

/* One more event; id and at_ms are given. */
int store_event_add(struct store *s, const struct store_event *event,
					struct err *e);
/** Forget old events, some at a time; due: whether there are any. */
int store_event_prune_due(struct store *s, int64_t now_ms, bool *due,
						  struct err *e);
int store_event_prune(struct store *s, int64_t now_ms, struct err *e);
/** Its events are of no customer from now on: for those who see all. */
int store_event_customer_gone(struct store *s, const char *customer,
							  struct err *e);
/** Of the change in course, when it is committed; customer_id: as store_whose(). */
int store_event_commit(struct store *s, const char *what, int64_t customer_id,
					   struct err *e);

#endif
