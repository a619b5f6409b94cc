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
#include "server/access.h"
#include "status.h"

struct arena;
struct store;
struct seal_key;

/** Create the database file with its schema; -EEXIST when there is one. */
int store_create(const char *path, const struct seal_key *kek, struct err *e);
/** Open; checks schema version and integrity marker. kek is copied. */
int store_open(const char *path, const struct seal_key *kek,
			   struct store **store, struct err *e);
/** This connection reads little at a time: it keeps few pages in memory. */
int store_keep_little(struct store *s, struct err *e);
void store_close(struct store *store);
/** Read all of it and check its structure; once at start, before serving. */
int store_check(struct store *s, struct err *e);

/* ---- changes: one transaction each --------------------------------------- */

/*
 * begin, any number of changes, then commit or rollback. The parts of a change
 * only write what they are told; settle (and so commit) validates the VPNs
 * concerned as a whole, brings their tunnels in line, and notes whose documents
 * change. commit raises the revision and writes the audit record with what was
 * before and is after, in the same transaction. After a failure only rollback
 * is possible.
 */
int store_begin(struct store *s, const char *actor, struct err *e);
int store_settle(struct store *s, struct err *e);
/** After settle: whether anything differs, that is, whether commit is due. */
bool store_is_changed(const struct store *s);
int store_commit(struct store *s, const char *what, uint64_t *revision, struct err *e);
void store_rollback(struct store *s);

/* What the change in course does, for people; read after settle. */
enum store_change_kind {
	STORE_ADDED,
	STORE_REMOVED,
	STORE_CHANGED,		/* a tunnel: other cost, initiator or address */
	STORE_REKEYED,		/* a tunnel: other SA profile, its SAs are made anew */
	STORE_ROTATING		/* a tunnel: its key is being changed, its SAs stay */
};
#define STORE_CHANGE_KINDS 5
extern const char *const store_change_words[];	/* in that order */

struct store_effect_tunnel {
	char *customer, *vpn, *site[2];		/* sites by name */
	int change;
};
struct store_effect_object {
	const char *kind;		/* "customer", "vpn", "sa-profile", "ce", "site", "link",
							   "operator" */
	char *place;
	int change;
};
struct store_effect_ce { char *customer, *ce; };

#define STORE_EFFECTS_MAX 10000			/* listed; counts go on */
struct store_effects {
	struct store_effect_tunnel *tunnels;
	size_t tunnel_count, tunnels_by_change[STORE_CHANGE_KINDS];
	struct store_effect_object *objects;
	size_t object_count;
	struct store_effect_ce *ces;		/* whose documents change */
	size_t ce_count, ces_told;			/* listed; all */
};
/**
 * After settle: call check for every thing that the change in course changed,
 * as long as it gives 0.
 */
typedef int (*store_object_fn)(void *user, enum conf_kind kind, const char *place,
							   enum store_change_kind change, struct err *e);
int store_objects(struct store *s, store_object_fn check, void *user, struct err *e);
/** The lists live in arena. */
int store_effects(struct store *s, struct arena *a, struct store_effects *out, struct err *e);

/*
 * A thing of the configuration is a value with the names of its place. add: it
 * is new. set: make the one of that place like this. remove: by its place.
 * id 0: a new one; else what it was before, for store_revert() only.
 */

struct store_customer {
	uint64_t id;
	char *customer, *description, *external_id;
};
int store_customer_add(struct store *s, const struct store_customer *customer, struct err *e);
int store_customer_set(struct store *s, const struct store_customer *customer, struct err *e);
/** IN_USE with VPNs, CEs, or operators who have a role for it. Its alarms go; its events are of no customer any more. */
int store_customer_remove(struct store *s, const char *customer, struct err *e);

struct store_vpn {
	uint64_t id;
	char *customer, *vpn, *description, *external_id;
	char *domain;					/* of identities */
	int topology;					/* enum model_topology */
	int grade;						/* enum grade: no profile is weaker */
	bool internet_access;			/* offered: sites' prefixes do not overlap */
	uint32_t psk_rotation_days;		/* every key is changed so often; 0: by command */
	int authentication;				/* enum model_auth: what its tunnels are to have */
	int revocation;					/* enum model_revocation */
	struct prefix router_ids;		/* pool */
	uint64_t router_id_last;		/* place in the pool of the last one given */
	uint32_t mtu;
	struct model_ospf ospf;
	struct model_retry retry;
	struct model_profile profile;	/* of every tunnel that has no other */
};
/** Defaults of a VPN: profile, timers as design says; to be changed, then added. */
void store_vpn_defaults(struct store_vpn *vpn);
int store_vpn_add(struct store *s, const struct store_vpn *vpn, struct err *e);
/**
 * With another topology its sites get roles that it has: those named in hubs,
 * hub-role; the others what they had, or the topology's default.
 */
int store_vpn_set(struct store *s, const struct store_vpn *vpn,
				  char *const *hubs, size_t hub_count, struct err *e);
int store_vpn_remove(struct store *s, const char *customer, const char *vpn, struct err *e);	/* IN_USE with sites */
int store_vpn_get(struct store *s, struct arena *a, const char *customer,
				  const char *vpn, struct store_vpn *out, struct err *e);

/* A further SA profile of a VPN, for some of its tunnels. */
struct store_profile {
	uint64_t id;
	char *customer, *vpn, *name;
	struct model_profile profile;	/* its name is not used */
};
int store_profile_add(struct store *s, const struct store_profile *profile, struct err *e);
int store_profile_set(struct store *s, const struct store_profile *profile, struct err *e);
int store_profile_remove(struct store *s, const char *customer, const char *vpn,
						 const char *name, struct err *e);	/* IN_USE by links */

struct store_ce {
	uint64_t id;
	char *customer, *ce, *description, *external_id;
	struct addr address;
	bool suspended;					/* member, but without tunnels for now */
	/* address is its NAT's, as its peers see it: it begins all tunnels */
	bool behind_nat;
	/* within which it may change by itself (follow.h), sorted; none: static */
	struct prefix *dynamic;
	size_t dynamic_count;
	/* as read, not as written: */
	bool enrolled, removed;
	bool revoked;					/* suspended with its key: until it enrols anew */
	char *ike_key;					/* SHA-256 of its key for IKE; "": none */
	int64_t ike_key_ms;				/* when it said it */
	int64_t certificate_ends_ms;	/* 0: none, or not known */
	char *waiting_key;				/* SHA-256, for approval; "": none */
	int64_t waiting_ms;
	uint64_t revision;				/* newest that touches it */
	uint64_t committed_ms;			/* of that revision */
	int64_t last_seen_ms;			/* -1: never */
	/* with store_ce_by_key() only: serial of a certificate of this key that was
	 * not seen yet (0: none), and whether the key is not the current one either */
	uint64_t waiting;
	bool is_new_key;
};
int store_ce_add(struct store *s, const struct store_ce *ce, struct err *e);
/** Sites at its old address follow to the new one. */
int store_ce_set(struct store *s, const struct store_ce *ce, struct err *e);
/**
 * A CE reported what is said (NULL: it has its address), over a connection
 * from source: let it move, as its policy says (follow.h), in a change of its
 * own with this CE as its actor, or keep why not. No change may be in course.
 *
 * @param outcome	revision 0: nothing changed; refused: newly, or otherwise than
 *					before
 */
struct store_followed {
	uint64_t revision;
	bool refused;
	struct addr from, to;
	char reason[256];
};
int store_follow(struct store *s, uint64_t ce_id, const struct status_address *said,
				 const struct addr *source, int64_t now_ms, struct store_followed *outcome,
				 struct err *e);
/** Its key gets a tombstone from now on. IN_USE while it has sites. */
int store_ce_remove(struct store *s, const char *customer, const char *ce, struct err *e);
/** The CE itself asks to leave: its sites go, then it. */
int store_ce_leave(struct store *s, uint64_t ce_id, struct err *e);
/**
 * Other hardware takes its place: the key it has gets a tombstone from now on,
 * and the CE waits for the enrolment of another. Its peers see nothing.
 */
int store_ce_replace(struct store *s, const char *customer, const char *ce, struct err *e);
/**
 * Its key is in wrong hands: it gets a tombstone from now on, and the CE is
 * suspended, so that its peers drop it, until it is enrolled with a bundle that
 * is made after this. One that was suspended stays so then.
 */
int store_ce_revoke(struct store *s, const char *customer, const char *ce, struct err *e);

/* What a site proves itself with to its peers. */
struct store_ike_cert {
	char *serial;					/* hex; NULL: nothing yet, nor the rest */
	uint64_t revision;				/* of the first document with it */
	int64_t issued_ms, ends_ms;
};

struct store_site {
	uint64_t id;
	char *customer, *vpn, *site, *ce, *description, *external_id;
	struct addr ce_address;			/* family 0: the CE's */
	struct addr router_id;			/* family 0: the next free one of the pool */
	int role;						/* enum model_role; -1: the topology's default */
	struct prefix *prefixes;		/* (v) of its hosts, in any order; read in order */
	size_t prefix_count;
	/* as read, not as written: */
	uint64_t since;					/* revision that made it */
	struct store_ike_cert certificate;
};
/** Fresh random PSKs, sealed, for the tunnels that it gets. */
int store_site_add(struct store *s, const struct store_site *site, struct err *e);
/** ce and router_id: NULL and family 0 keep what it has. */
int store_site_set(struct store *s, const struct store_site *site, struct err *e);
/** Every peer's document explains it for 30 days. */
int store_site_remove(struct store *s, const char *customer, const char *vpn,
					  const char *site, const char *reason, struct err *e);
/** The word of an operator for what a router holds back (doc/ce-api.md). */
int store_removal_allow(struct store *s, const char *customer, const char *ce,
						struct err *e);
int store_site_get(struct store *s, struct arena *a, const char *customer,
				   const char *vpn, const char *site, struct store_site *out,
				   struct err *e);

/* What is said of two sites beside their topology. */
struct store_link {
	char *customer, *vpn, *site[2];	/* in any order */
	bool wanted;					/* a tunnel, whatever the topology says */
	char *profile;					/* NULL: the VPN's own */
	uint32_t cost;					/* OSPF; 0: the VPN's */
	char *initiator;				/* a site; NULL: as topology.h says */
};
/** Make it so; one that says nothing is removed. */
int store_link_set(struct store *s, const struct store_link *link, struct err *e);
int store_links(struct store *s, struct arena *a, const char *customer, const char *vpn,
				struct store_link **list, size_t *count, struct err *e);
/** Whether the two have a tunnel now. */
int store_link_exists(struct store *s, const char *customer, const char *vpn,
					  const char *site, const char *peer, bool *exists, struct err *e);

/* A person who may use the admin API, or a program. */
#define STORE_UNIX_USER_MAX 32
struct store_grant { char *customer; int role; };	/* enum access_role */
struct store_operator {
	uint64_t id;
	char *operator, *description;
	char *unix_user;				/* "": not over the Unix socket */
	int role;						/* enum access_role, for all customers */
	struct store_grant *grants;		/* for single ones, by customer */
	size_t grant_count;
	/* as read, not as written: */
	char key[65];					/* SPKI of the certificate, hex; "": none */
	uint64_t serial;				/* of the certificate */
	int64_t expires_ms;				/* of the certificate, wall clock */
};
/*
 * Changes like others, but of no customer: no CE hears of them, and
 * store_revert() refuses them (it could let somebody in again).
 */
int store_operator_add(struct store *s, const struct store_operator *op, struct err *e);
/** What is read only stays as it is. */
int store_operator_set(struct store *s, const struct store_operator *op, struct err *e);
int store_operator_remove(struct store *s, const char *name, struct err *e);
/**
 * From now on the certificate with this key and serial (filled), and no other,
 * is his; spki NULL: none is. EXISTS for a key of another's or of a CE.
 */
int store_operator_key_set(struct store *s, const char *name, const uint8_t *spki,
						   int64_t expires_ms, uint64_t *serial, struct err *e);

/**
 * Take back what one revision changed, thing by thing; CONFLICT when one of them
 * was changed since. Tunnels that it removed come back with the keys they had
 * (kept for 30 days).
 */
int store_revert(struct store *s, uint64_t revision, struct err *e);

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
int store_customers(struct store *s, struct arena *a, struct store_customer **list, size_t *count, struct err *e);
int store_vpns(struct store *s, struct arena *a, const char *customer, struct store_vpn **list, size_t *count, struct err *e);
int store_ces(struct store *s, struct arena *a, const char *customer, struct store_ce **list, size_t *count, struct err *e);
int store_sites(struct store *s, struct arena *a, const char *customer, const char *vpn,
				struct store_site **list, size_t *count, struct err *e);
int store_profiles(struct store *s, struct arena *a, const char *customer, const char *vpn,
				   struct store_profile **list, size_t *count, struct err *e);
/* What one change did to one thing: JSON, "" where there was or is nothing. */
struct store_audit_object { char *kind, *place, *before, *after; };
struct store_audit {
	uint64_t id, revision;			/* id: in the order they were written */
	int64_t at_ms;
	char *actor, *what;
	struct store_audit_object *objects;		/* with store_audit_objects() */
	size_t object_count;
};
/** Those of the newest revisions; of one revision with revision > 0. */
int store_audit_objects(struct store *s, struct arena *a, uint64_t revision,
						struct store_audit_object **list, size_t *count, struct err *e);
int store_audits(struct store *s, struct arena *a, unsigned limit, struct store_audit **list, size_t *count, struct err *e);
/** The same of one customer that is there: what is about it and nothing else. */
int store_audits_of(struct store *s, struct arena *a, const char *customer, unsigned limit,
					struct store_audit **list, size_t *count, struct err *e);
/**
 * Whose customer's a revision was: NULL for one of several, of none (operators),
 * or of one that is gone; -ENOENT: there was no such revision.
 */
int store_revision_customer(struct store *s, struct arena *a, uint64_t revision,
							char **customer, struct err *e);

int store_operators(struct store *s, struct arena *a, struct store_operator **list, size_t *count, struct err *e);
/* One of them; -ENOENT. */
int store_operator_get(struct store *s, struct arena *a, const char *name,
					   struct store_operator *out, struct err *e);
int store_operator_by_unix(struct store *s, struct arena *a, const char *unix_user,
						   struct store_operator *out, struct err *e);
int store_operator_by_key(struct store *s, struct arena *a, const uint8_t spki[32],
						  struct store_operator *out, struct err *e);

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
struct store_issued {
	char *pem;						/* in the arena */
	int64_t ends_ms;				/* 0: not known */
};
typedef int (*store_issue_fn)(void *user, const struct store_ce *ce, uint64_t serial,
							  struct arena *a, struct store_issued *issued, struct err *e);
int store_enroll(struct store *s, struct arena *a, const char *customer, const char *ce,
				 const uint8_t token_hash[32], const uint8_t spki[32], int64_t now_ms,
				 store_issue_fn issue, void *user, char **cert_pem, bool *again, struct err *e);
/**
 * Where an operator approves of keys: may this one have its certificate with
 * the token (store_enroll())? If not, it waits for that from now on, another one
 * does not any more.
 *
 * @return		0; -EACCES, -EEXIST as store_enroll()
 */
int store_enroll_wait(struct store *s, const char *customer, const char *ce,
					  const uint8_t token_hash[32], const uint8_t spki[32], int64_t now_ms,
					  bool *approved, struct err *e);
/**
 * The operator's word for the key (SHA-256, in hex) that waits, within a change;
 * -ENOENT: that one does not.
 */
int store_enroll_approve(struct store *s, const char *customer, const char *ce,
						 const char *key, struct err *e);
/**
 * A further certificate for who has the key current, of that key or another
 * one. Both are good until the new one is seen: store_renewed(). Another
 * request before that takes its place; the same key within a day gets the same
 * certificate (*again true). A transaction of its own.
 *
 * @return		-ENOENT: current is no CE's; -EAGAIN: there was one just now;
 *				-EEXIST: the new key was used before
 */
int store_renew(struct store *s, struct arena *a, const uint8_t current[32],
				const uint8_t spki[32], int64_t now_ms, store_issue_fn issue, void *user,
				char **cert_pem, bool *again, struct err *e);
/**
 * The certificate of that key and serial was seen in a request: from now on it
 * is the CE's, and another key that it had opens nothing.
 *
 * @param taken	false: somebody else saw it first
 */
int store_renewed(struct store *s, const uint8_t spki[32], uint64_t serial,
				  int64_t now_ms, bool *taken, struct err *e);

/* ---- reports ---------------------------------------------------------------- */

/** A document of that revision was handed to TLS: notify_ms since its commit. */
int store_delivered(struct store *s, uint64_t ce_id, uint64_t revision, int64_t now_ms, struct err *e);
struct store_delivery
{
	uint64_t ce_id, revision;
	int64_t at_ms;
};
/** Many in one transaction, in their order; CEs that are not there any more are left out. */
int store_deliveries(struct store *s, const struct store_delivery *list, size_t count, struct err *e);
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
	uint64_t generation;			/* of the key that is sent; 1: the first; 0: a certificate is */
	int64_t keyed_ms;				/* its newest key was made; 0: not known */
	int target;						/* enum rotation_target, with a step other than: */
	int step;						/* enum rotation_step; ROTATION_DONE: none is under way */
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

/* ---- alarms, events (store_alarm*.c, store_event.c) --------------------------- */

/*
 * RFC 8632's words. An alarm is one (resource, code) of who says it, whether it
 * is raised or was cleared; raised again it is the same one. Cleared ones are
 * kept for STORE_ALARM_KEEP_MS.
 */
#define STORE_ALARM_KEEP_MS INT64_C(604800000)
struct store_alarm {
	uint64_t id;
	char *resource;				/* doc/admin-api.md */
	char *code, *text;
	char *source;				/* "server", or the CE that reports it: "acme/paris-r1" */
	int severity;				/* enum status_severity; of a cleared one: as it was */
	int64_t raised_ms, changed_ms;
	int64_t cleared_ms;			/* 0: it is raised */
	uint64_t count;				/* times raised */
	char *customer, *vpn, *site, *peer, *ce;	/* "" where it is not of one */
};
/**
 * Of a customer, a VPN, a site (NULL: all; with what their routers have), the
 * most severe first, then the newest. With cleared, those that are kept too.
 */
int store_alarms(struct store *s, struct arena *a, const char *customer, const char *vpn,
				 const char *site, bool cleared, struct store_alarm **list, size_t *count,
				 struct err *e);

/* What the server itself looks for: given to each look. */
struct store_rules {
	int64_t now_ms, started_ms;		/* wall clock; of this process' start */
	uint32_t report_interval_s;
	const char *host;				/* whose certificate it is */
	int64_t server_expires_s, ca_expires_s;		/* 0: not known */
};
/* A tunnel may be down so long, a CE have an older document, before it is one. */
#define STORE_TUNNEL_GRACE_MS 30000
#define STORE_APPLY_GRACE_MS 60000
/* Alarms of one kind that the server raises; the others are counted in one. */
#define STORE_RULE_MAX 5000
/**
 * Compare what is with the ledger, raise and clear: level-triggered, however
 * many servers do so. Writes only where something differs. Also forgets what is
 * too old. It costs what is wrong, and a look at each CE.
 *
 * @param changed	number of alarms that it raised, changed or cleared
 */
int store_rules_apply(struct store *s, const struct store_rules *rules, size_t *changed,
					  struct err *e);

enum store_event_kind {
	STORE_EVENT_RAISED, STORE_EVENT_CHANGED, STORE_EVENT_CLEARED,	/* alarms */
	STORE_EVENT_COMMIT, STORE_EVENT_ENROLLED, STORE_EVENT_APPLIED,
	STORE_EVENT_ROTATION_BEGUN, STORE_EVENT_ROTATION_DONE,	/* of a command */
	STORE_EVENT_RENEWED
};
extern const char *const store_event_words[];	/* in that order, NULL-ended */

struct store_event {
	uint64_t id;				/* rising, never used twice */
	int64_t at_ms;
	int kind;
	char *source;				/* of an alarm; who made the commit */
	char *resource, *code;		/* alarms; code also the result of "applied" */
	int severity;				/* alarms: enum status_severity, else -1 */
	uint64_t revision;			/* commit, applied; rotations: that began it; else 0 */
	char *text;
	char *customer, *vpn, *site, *peer, *ce;	/* "" where it is not of one */
};
/* Events are kept so long, and at most so many. */
#define STORE_EVENT_KEEP_MS INT64_C(604800000)
#define STORE_EVENTS_MAX 200000
struct store_event_filter {
	const char *customer, *vpn, *site;	/* NULL: any */
	bool alarms;						/* these only */
};
/** Those with a greater id, in their order, at most max. */
int store_events(struct store *s, struct arena *a, uint64_t after,
				 const struct store_event_filter *filter, size_t max,
				 struct store_event **list, size_t *count, struct err *e);
/** The newest event's id, and the newest that is no longer kept (0: all are). */
int store_event_ids(struct store *s, uint64_t *newest, uint64_t *gone, struct err *e);

/*
 * Ways out for alarms, by name: "webhook", "syslog". One server process has a
 * way at a time, known by holder; it must come again within STORE_OUTLET_HOLD_MS.
 */
#define STORE_OUTLET_HOLD_MS 30000
/** *position: what was delivered; *held: whether holder has the way now. */
int store_outlet_hold(struct store *s, const char *way, const char *holder, int64_t now_ms,
					  uint64_t *position, bool *held, struct err *e);
int store_outlet_delivered(struct store *s, const char *way, const char *holder, uint64_t id,
						   int64_t now_ms, struct err *e);
/** *newest: the newest alarm's event behind position that is no longer kept; 0: none. */
int store_outlet_lost(struct store *s, uint64_t position, uint64_t *newest, struct err *e);
/** Another may have it at once. */
int store_outlet_release(struct store *s, const char *holder, struct err *e);

/* ---- diagnostic bundles (store_diag.c) ------------------------------------------ */

#define STORE_DIAG_MAX (256u << 10)
#define STORE_DIAG_KEEP_MS INT64_C(86400000)	/* a bundle */
#define STORE_DIAG_BUNDLES 100					/* so many at once */
#define STORE_DIAG_TELL_MS 10000				/* a long poll is ended so often */
struct store_diag {
	uint64_t id;
	int64_t asked_ms, until_ms;		/* the CE may answer until then */
	int64_t taken_ms;				/* 0: not yet */
	char *actor, *bundle;			/* "" before */
};
/** Ask a CE for a bundle, instead of what was asked before. Audited. */
int store_diag_ask(struct store *s, const char *customer, const char *ce, const char *actor,
				   int64_t now_ms, int64_t until_ms, uint64_t *id, struct err *e);
/** The CE's present one; -ENOENT (NOT_FOUND): none, or it is not kept any more. */
int store_diag_get(struct store *s, struct arena *a, const char *customer, const char *ce,
				   struct store_diag *out, struct err *e);
/**
 * What this CE is asked for: *id, 0: nothing. *told_ms: when it was last told so,
 * 0: never.
 */
int store_diag_wanted(struct store *s, uint64_t ce_id, int64_t now_ms, uint64_t *id,
					  int64_t *told_ms, struct err *e);
int store_diag_told(struct store *s, uint64_t id, int64_t now_ms, struct err *e);
/** -ENOENT: that id is not waited for. bundle: checked JSON. */
int store_diag_take(struct store *s, uint64_t ce_id, uint64_t id, const char *bundle,
					int64_t now_ms, struct err *e);
/** CEs that were asked after this id; *newest: of those that were ever asked. */
int store_diag_since(struct store *s, struct arena *a, uint64_t after, uint64_t **ce_ids,
					 size_t *count, uint64_t *newest, struct err *e);

/* ---- rotation (rotation.h, store_rotation.c, store_move.c) ----------------------- */

/**
 * Part of a change: the keys of all tunnels of a VPN, of a site (else NULL), of one
 * tunnel (both) begin to be changed; those that are under way go on as they are.
 * It is not taken back by store_revert().
 *
 * @param begun, already	tunnels that begin, and that were under way
 * @return					-ENOENT: there is none, or they have certificates; -EBUSY
 *							(ROTATION): all are under way
 */
int store_rotation_begin(struct store *s, const char *customer, const char *vpn,
						 const char *site, const char *peer, uint64_t *begun,
						 uint64_t *already, struct err *e);
struct store_rotated {
	uint64_t revisions;				/* that were made: documents changed */
	uint64_t finished;				/* tunnels that are through */
	uint64_t commands;				/* of which all are */
};
/**
 * Take every step that is due (rotation.h): a revision for each VPN, with all its
 * pairs that are ready, 100,000 at most; only their routers are told. Pairs that have
 * other credentials than their VPN is to have (store_vpn's authentication) begin to
 * move here, or turn round. One cheap look
 * when nothing is under way, else it costs the pairs that are. Any number of servers
 * may: a step is taken once. No change may be in course.
 */
int store_rotation_round(struct store *s, int64_t now_ms, struct store_rotated *out,
						 struct err *e);
/**
 * Begin what is due by the VPNs' psk_rotation_days, a revision for each VPN; not for
 * tunnels without a key, nor routers that are suspended or never reported. It costs what is nearly due.
 */
int store_rotation_schedule(struct store *s, int64_t now_ms, struct store_rotated *out,
							struct err *e);

struct store_rotation_end { char *site, *ce; int wait; };	/* enum rotation_wait */
struct store_rotation {
	char *customer, *vpn;
	struct store_rotation_end end[2];	/* by site name */
	int target;						/* enum rotation_target */
	int step;						/* enum rotation_step; ROTATION_DONE: yet to begin,
									   and then all below is 0 */
	uint64_t generation;			/* of the new credential */
	uint64_t revision;				/* of the step */
	uint64_t command;				/* revision that began it */
	int64_t begun_ms, step_ms;
};
#define STORE_ROTATIONS_MAX 10000	/* listed; *all counts on */
/** Tunnels under way, and those that wait for certificates; customer (and vpn) NULL: of all. */
int store_rotations(struct store *s, struct arena *a, const char *customer,
					const char *vpn, struct store_rotation **list, size_t *count,
					uint64_t *all, struct err *e);

/* ---- certificates between routers (authority.h, store_authority*.c, store_ike.c) -- */

struct authority_lives;
/** What this connection signs lasts so long; the usual until it is called. */
void store_authority_lives(struct store *s, const struct authority_lives *lives);
/**
 * Part of a change: the VPN has an authority from now on, if it has none yet. Its
 * sites get their certificates when the change is settled.
 */
int store_authority_want(struct store *s, int64_t vpn_id, struct err *e);
/**
 * The CE that has the management key says its key for IKE; its sites in VPNs with
 * an authority get certificates, in a change of its own with this CE as its
 * actor. A key that it has already changes nothing. No change may be in course.
 *
 * @param key		SubjectPublicKeyInfo, DER; spki: its SHA-256
 * @param revision	that told the CE; 0: no document changed
 * @return			-ENOENT: no member's management key; -EEXIST: the key is or was
 *					another one; -EAGAIN: there was one just now; -EDQUOT: too
 *					many within a certificate's life
 */
int store_ike_key(struct store *s, const uint8_t management[32], const uint8_t spki[32],
				  const uint8_t *key, size_t len, int64_t now_ms, uint64_t *revision,
				  struct err *e);
/**
 * Part of a change: another authority begins to take over (authority.h). It is not
 * taken back by store_revert().
 *
 * @return		-ENOENT: the VPN has none; -EBUSY (ROTATION): one is taking over
 */
int store_authority_roll(struct store *s, const char *customer, const char *vpn,
						 struct err *e);

struct store_authority_round {
	uint64_t revisions;				/* that were made: documents changed */
	uint64_t certificates, lists, steps;
};
/**
 * Do what is due: certificates and lists that are made anew, steps of an authority
 * that takes over, a revision for each VPN, a few VPNs at a time. Any number of
 * servers may. It costs what is due, and the sites of VPNs where one takes over;
 * with all, a look at every site of VPNs with an authority: at certificates that
 * are missing. No change may be in course.
 */
int store_authority_round(struct store *s, int64_t now_ms, bool all,
						  struct store_authority_round *out, struct err *e);

struct store_authority {
	uint64_t id;
	int state;						/* enum authority_state */
	char fingerprint[65];			/* SHA-256 of the certificate */
	char *cert;						/* base64 of DER */
	uint64_t revision;				/* that gave it its state */
	int64_t state_ms, issued_ms, ends_ms, roll_ms;
	uint64_t certificates;			/* of its, that documents have */
	uint64_t list_number, list_entries;
	int64_t list_issued_ms, list_ends_ms;
};
struct store_authority_wait { char *site, *ce; int wait; };	/* enum rotation_wait */
/** The current one first; waits: whom the next step waits for, if one is due. */
int store_authorities(struct store *s, struct arena *a, const char *customer, const char *vpn,
					  struct store_authority **list, size_t *count,
					  struct store_authority_wait **waits, size_t *wait_count, struct err *e);

/* ---- operation: of the file, while others may use it ------------------------- */

/** A whole copy of the database of one moment; needs no key. to must not exist. */
int store_copy(const char *from, const char *to, struct err *e);

struct store_facts {
	char database_id[33];
	uint64_t epoch, revision;
	int64_t schema;					/* last migration applied */
	bool upgrade;					/* store_open() would apply more */
};
/** What a file says of itself; needs no key, changes nothing. */
int store_facts(const char *path, struct store_facts *facts, struct err *e);
/** 0, or -EBADMSG (SEALED) for another database's key. */
int store_key_fits(const char *path, const struct seal_key *kek, struct err *e);

/**
 * After a restore: what CEs hold may be newer than what is here, so an epoch
 * begins, at_least this one. Open tokens end, for which were used is not known.
 */
int store_epoch_begin(struct store *s, uint64_t at_least, const char *actor,
					  struct err *e);
/** Seal everything with another key, in one transaction; *count pieces. */
int store_reseal(struct store *s, const struct seal_key *kek, const char *actor,
				 uint64_t *count, struct err *e);

/** Who hears what store_verify() finds; strings live for the call. */
struct store_verifier {
	void *user;
	/* at the end of each check: how many things were looked at */
	void (*checked)(void *user, const char *check, uint64_t count);
	void (*fault)(void *user, const char *check, const char *where, const char *text);
};
/**
 * Everything that must hold: the file, references, what links and keys need, that
 * all sealed pieces open, that every CE has a document that it will take.
 * 0 also when faults were told; an error when it could not be looked at.
 */
int store_verify(struct store *s, const struct model_management *management,
				 const struct store_verifier *verifier, struct err *e);
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
	uint64_t alarms[STATUS_CLEARED];	/* raised, by enum status_severity */
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
