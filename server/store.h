/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * store.h - the questions the domain asks of a database
 *
 * No SQL type passes here. Every function returns 0 or -errno with e filled; a
 * database fault is -EIO and never reads as "nothing there". A struct store is
 * one connection, used by one thread at a time. Nothing process-local is the
 * truth: several servers may share a database, and waking is driven only by
 * store_changes_since().
 *
 * Strings in results live in the arena given. One conformance suite
 * (testing/unit/test_store.c) runs on every implementation; SQLite is the first.
 */
#ifndef PPVPN_SERVER_STORE_H
#define PPVPN_SERVER_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "addr.h"
#include "err.h"
#include "model.h"
#include "name.h"
#include "status.h"

struct arena;
struct store;
struct seal_key;

/** Create the database file with its schema; -EEXIST when there is one. */
int store_create(const char *path, const struct seal_key *kek, struct err *e);
/** Open; checks schema version and integrity marker. kek is copied. */
int store_open(const char *path, const struct seal_key *kek,
			   struct store **store, struct err *e);
void store_close(struct store *store);
/** Read all of it and check its structure; once at start, before serving. */
int store_check(struct store *s, struct err *e);

/* ---- changes: one transaction each --------------------------------------- */

/*
 * begin, any number of changes, commit. A change's validation happens inside.
 * commit raises the revision, writes the audit record, and notes the affected
 * CEs, all in the same transaction. rollback after a failed change.
 */
int store_begin(struct store *s, const char *actor, struct err *e);
int store_commit(struct store *s, const char *what, uint64_t *revision, struct err *e);
void store_rollback(struct store *s);

int store_customer_add(struct store *s, const char *customer, const char *description, struct err *e);
int store_customer_remove(struct store *s, const char *customer, struct err *e);	/* IN_USE with VPNs or CEs */

struct store_vpn {
	char *customer, *vpn, *description, *domain;	/* domain: of identities */
	int topology;					/* enum model_topology */
	struct prefix router_ids;		/* pool */
	uint32_t mtu;
	struct model_ospf ospf;
	struct model_retry retry;
	struct model_profile profile;
};
/** Defaults of a VPN: profile, timers as design says; to be changed, then added. */
void store_vpn_defaults(struct store_vpn *vpn);
int store_vpn_add(struct store *s, const struct store_vpn *vpn, struct err *e);
int store_vpn_remove(struct store *s, const char *customer, const char *vpn, struct err *e);	/* IN_USE with sites */

int store_ce_add(struct store *s, const char *customer, const char *ce,
				 const struct addr *address, const char *description, struct err *e);
/** Its key gets a tombstone from now on. IN_USE while it has sites. */
int store_ce_remove(struct store *s, const char *customer, const char *ce, struct err *e);

/**
 * Add a site: links (with fresh random PSKs, sealed) to the peers that the
 * topology gives it. router_id NULL: the next free one of the pool;
 * ce_address NULL: the CE's.
 */
int store_site_add(struct store *s, const char *customer, const char *vpn,
				   const char *site, const char *ce, const struct addr *router_id,
				   const struct addr *ce_address, struct err *e);
/** Remove with its links; every peer's document explains it for 30 days. */
int store_site_remove(struct store *s, const char *customer, const char *vpn,
					  const char *site, const char *reason, struct err *e);

/**
 * At every start, outside of begin and commit: documents carry the management
 * section, so one that differs from last time's is a change of every document
 * and gets a revision (else a CE sees other content under the same revision).
 */
int store_management_set(struct store *s, const struct model_management *management,
						 struct err *e);

/* ---- questions ------------------------------------------------------------ */

int store_revision(struct store *s, uint64_t *epoch, uint64_t *revision, struct err *e);

struct store_change { uint64_t ce_id, revision, committed_ms; };	/* wall clock, ms */
/** CEs whose document changed after revision; array in arena, newest each. */
int store_changes_since(struct store *s, struct arena *a, uint64_t revision,
						struct store_change **changes, size_t *count, struct err *e);

struct store_ce {
	uint64_t id;
	char *customer, *ce, *description;
	struct addr address;
	bool enrolled, removed;
	uint64_t revision;				/* newest that touches it */
	uint64_t committed_ms;			/* of that revision */
	int64_t last_seen_ms;			/* -1: never */
};
/** The CE whose management key this is, removed ones too; -ENOENT. */
int store_ce_by_key(struct store *s, struct arena *a, const uint8_t spki[32],
					struct store_ce *ce, struct err *e);
int store_ce_get(struct store *s, struct arena *a, const char *customer,
				 const char *ce, struct store_ce *out, struct err *e);
/**
 * The document of a CE, built from its own links only (O(its peers)), in one
 * read transaction; a tombstone for a removed one. management is the server's
 * configuration, put in as it is.
 */
int store_document(struct store *s, struct arena *a, uint64_t ce_id,
				   const struct model_management *management,
				   struct model_document **doc, struct err *e);

/* lists for people: customer (and vpn) NULL: all */
struct store_customer { char *customer, *description; };
int store_customers(struct store *s, struct arena *a, struct store_customer **list, size_t *count, struct err *e);
int store_vpns(struct store *s, struct arena *a, const char *customer, struct store_vpn **list, size_t *count, struct err *e);
int store_ces(struct store *s, struct arena *a, const char *customer, struct store_ce **list, size_t *count, struct err *e);
struct store_site {
	char *customer, *vpn, *site, *ce;
	struct addr ce_address, router_id;
	int role;
};
int store_sites(struct store *s, struct arena *a, const char *customer, const char *vpn,
				struct store_site **list, size_t *count, struct err *e);
struct store_audit { uint64_t revision; int64_t at_ms; char *actor, *what; };
int store_audits(struct store *s, struct arena *a, unsigned limit, struct store_audit **list, size_t *count, struct err *e);

/* ---- enrolment -------------------------------------------------------------- */

/**
 * Only the token's hash is kept: SHA-256 of its text as it stands in the bundle.
 * Replaces an older one of that CE. A transaction of its own.
 */
int store_token_add(struct store *s, const char *customer, const char *ce,
					const uint8_t token_hash[32], int64_t expires_ms, const char *actor, struct err *e);
/**
 * Take the token and note the key and certificate in one transaction; one
 * winner. The same token with the same key within 10 minutes gives the
 * certificate of the first time (*again true, *cert_pem in arena).
 *
 * issue() makes the certificate inside the transaction.
 *
 * @return		-EACCES (TOKEN) when wrong, used or expired
 */
typedef int (*store_issue_fn)(void *user, const struct store_ce *ce, uint64_t serial,
							  struct arena *a, char **cert_pem, struct err *e);
int store_enroll(struct store *s, struct arena *a, const char *customer, const char *ce,
				 const uint8_t token_hash[32], const uint8_t spki[32], int64_t now_ms,
				 store_issue_fn issue, void *user, char **cert_pem, bool *again, struct err *e);

/* ---- reports ---------------------------------------------------------------- */

/** A document of that revision was handed to TLS: notify_ms since its commit. */
int store_delivered(struct store *s, uint64_t ce_id, uint64_t revision, int64_t now_ms, struct err *e);
/** Keep the newest report of a CE; a peer's status goes to its tunnel. */
int store_report(struct store *s, uint64_t ce_id, const struct status_report *report,
				 int64_t now_ms, struct err *e);

struct store_tunnel_end {
	char *site, *ce;
	bool reported;
	int64_t reported_ms;			/* wall clock of the report */
	struct status_peer status;		/* valid when reported */
	int64_t notify_ms;				/* commit (or enrolment where that came later)
									   to the first answer with it; -1: not known */
};
struct store_tunnel {
	char *customer, *vpn;
	struct store_tunnel_end end[2];	/* by site name */
	uint64_t revision;				/* that made it */
};
int store_tunnels(struct store *s, struct arena *a, const char *customer, const char *vpn,
				  struct store_tunnel **list, size_t *count, struct err *e);

struct store_ce_status {
	struct store_ce ce;
	bool reported;
	int64_t reported_ms;
	uint64_t applied_epoch, applied_revision;
	int result;						/* enum status_result */
	char *agent_version;
	struct status_error *errors;
	size_t error_count;
	struct status_alarm *alarms;
	size_t alarm_count;
};
int store_ce_statuses(struct store *s, struct arena *a, const char *customer,
					  struct store_ce_status **list, size_t *count, struct err *e);

/* ---- numbers for monitoring (store_metrics.c) -------------------------------- */

#define STORE_METRICS_DOWN_MAX 1000		/* tunnels that are named */
#define STORE_METRICS_RECENT_MAX 5000	/* tunnels, for the time to service */
#define STORE_METRICS_RECENT_MS INT64_C(86400000)

struct store_metrics_site {
	char *customer, *vpn, *site, *ce;
	bool active;				/* its CE has reported and is not stale */
	uint64_t tunnels, down;		/* configured; not up at both ends */
};

struct store_metrics_ce {
	uint64_t id;
	char *customer, *ce;
	bool enrolled;
	int64_t reported_ms;		/* -1: never, and then: */
	char *result;				/* "" */
	uint64_t lag;				/* revisions from the one that it applied to the
								   newest that concerns it; of another epoch: all */
	uint64_t alarms[STATUS_CLEARED];	/* of its last report, by enum status_severity */
};

struct store_metrics {
	uint64_t epoch, revision;
	struct store_metrics_site *sites;	/* by customer, VPN, name */
	size_t site_count;
	struct store_metrics_ce *ces;		/* by customer, name */
	size_t ce_count;
	/* Tunnels that are down, by their sites' positions: those between active
	   sites first, then by name. */
	struct { uint32_t site, peer; } *down;
	size_t down_count, down_omitted;
	/* Tunnels made in the last STORE_METRICS_RECENT_MS, the newest ones; only
	   what service.h needs is filled. */
	struct store_tunnel *recent;
	size_t recent_count;
	/* CEs that report, but were not handed their newest document, and when the
	   oldest of these changes was committed; -1: none */
	uint64_t open_notifications;
	int64_t oldest_open_ms;
	uint64_t rows;				/* that the database gave for all this */
};
/**
 * All of it in one read transaction. What is read grows with sites, CEs and
 * tunnels that are down, never with all tunnels. A report older than stale_ms
 * (wall clock) says nothing about a tunnel.
 */
int store_metrics(struct store *s, struct arena *a, int64_t now_ms, int64_t stale_ms,
				  struct store_metrics *out, struct err *e);

#endif
