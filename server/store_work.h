/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * store_work.h - the change in course, as the store's files share it
 *
 * Parts of a change write rows, note what they changed (store_history.c), and
 * name what must be looked at again (store_settle.c): whole VPNs or single sites.
 * Settling brings tunnels in line (store_link.c), which notes effects.
 */
#ifndef PPVPN_SERVER_STORE_WORK_H
#define PPVPN_SERVER_STORE_WORK_H

#include "server/conf_json.h"
#include "server/store_impl.h"

struct store_note
{
	enum conf_kind kind;
	char *place, *before, *after;	/* JSON, "" for nothing */
	uint64_t id;
};

/* site 0: every site of the VPN, and its profiles */
struct store_dirty
{
	int64_t vpn_id, site_id;
};

/* Who let go of its addresses, and what they were. */
struct store_freed
{
	enum conf_kind kind;		/* a CE or a site */
	uint64_t id;
	struct addr address, router_id;
};

struct store_work
{
	struct arena *a;
	struct store_note *notes;
	size_t note_count;
	struct store_dirty *dirty;
	size_t dirty_count;
	struct store_effect_tunnel *tunnels;
	size_t tunnel_count, tunnels_by_change[STORE_CHANGE_KINDS];
	struct store_freed *freed;
	size_t freed_count;
	bool touched;				/* some document changes */
	bool lists_stale;			/* something was revoked */
	bool rotated;				/* keys, of this customer, change: */
	int64_t customer_id;
	uint64_t reverting;			/* the revision that is taken back, or 0 */
	bool applying;				/* a whole customer: it names every role */
};

struct store_work *store_work_new(void);
void store_work_free(struct store_work *work);

/** Look at this site's, or with site_id 0 all, tunnels of the VPN again. */
void store_dirty(struct store *s, int64_t vpn_id, int64_t site_id);
/** Forget what was named of a VPN or site that is gone. */
void store_clean_vpn(struct store *s, int64_t vpn_id);
void store_clean_site(struct store *s, int64_t site_id);

/**
 * Note that a thing (its struct store_…) was before and is after; NULL: it was
 * or is not there.
 *
 * @return		whether they differ
 */
bool store_note(struct store *s, enum conf_kind kind, const char *place,
				uint64_t id, const void *before, const void *after);

/** The key of a CE, if it has one, opens but a tombstone (store_enroll.c). */
int store_key_revoke(struct store *s, int64_t ce_id, struct err *e);
/** A key belongs to one CE for ever, and is no operator's: EXISTS. */
int store_key_check(struct store *s, const char *spki, uint64_t ce_id,
					struct err *e);
/** What waits to be used opens but a tombstone (store_renew.c), or nothing. */
int store_renewal_revoke(struct store *s, int64_t ce_id, int64_t now_ms,
						 struct err *e);
int store_renewal_forget(struct store *s, int64_t ce_id, struct err *e);

/* ---- authorities of VPNs (store_authority.c) -------------------------------- */

/** The VPN goes: its authorities, and all that they signed. */
int store_authority_drop(struct store *s, int64_t vpn_id, struct err *e);
/** A further one, which is to take over; -EBUSY while one does. */
int store_authority_next(struct store *s, int64_t vpn_id, int64_t now_ms,
						 struct err *e);
/** Sign a list anew; its VPN's routers are told. */
int store_authority_list(struct store *s, int64_t id, int64_t now_ms,
						 struct err *e);
/** Those lists of which something was revoked in the change in course. */
int store_authority_settle(struct store *s, struct err *e);

struct ca_ike;
/** The caller closes it. */
int store_authority_open(struct store *s, int64_t id, struct ca_ike **ca,
						 struct err *e);

/* ---- keys and certificates of routers for IKE (store_ike.c) ------------------ */

/**
 * Issue what sites of a VPN (site_id 0: all) lack, or what is due; those who get
 * one are told. Without an authority, or without its router's key: nothing.
 */
int store_ike_issue(struct store *s, int64_t vpn_id, int64_t site_id,
					int64_t now_ms, uint64_t *count, struct err *e);
/** reason: as crl.h has them. All of a router, with its key; of a site. */
int store_ike_revoke_ce(struct store *s, int64_t ce_id, int reason,
						struct err *e);
int store_ike_revoke_site(struct store *s, int64_t site_id, int reason,
						  struct err *e);
/** A key for IKE, of anybody at any time, is for nothing else: EXISTS. */
int store_ike_key_unused(struct store *s, const char *spki, struct err *e);

/**
 * Whose the change in course is: the customer of all that it changed, 0 where
 * there are several or none (store_history.c).
 */
int store_whose(struct store *s, int64_t *customer_id, struct err *e);
/** Write what was noted beside the audit record (store_history.c). */
int store_audit_notes(struct store *s, struct err *e);

/** An effect on a tunnel, for people. */
void store_effect(struct store *s, const char *customer, const char *vpn,
				  const char *site, const char *peer, int change);

/* ---- tunnels (store_link.c) ------------------------------------------------ */

/**
 * Make the tunnels of a VPN what topology and settings say; site_id 0: all of
 * them, else this site's. release: only let go of what others may need.
 */
int store_link_sync(struct store *s, const struct store_vpn *vpn,
					int64_t site_id, bool release, struct err *e);
/** A site goes: its tunnels, with an explanation for its peers. */
int store_link_drop_site(struct store *s, const struct store_site *site,
						 int64_t vpn_id, const char *reason, struct err *e);
/** What was said of a site and others goes with it (store_setting.c). */
int store_setting_drop_site(struct store *s, const struct store_site *site,
							struct err *e);
/* ---- what changes hands (store_free.c) --------------------------------------- */

/** Let go of the address, or of address and router id, until it is set. */
int store_free_ce(struct store *s, const struct store_ce *ce, struct err *e);
int store_free_site(struct store *s, const struct store_site *site,
					struct err *e);
/** What was read of its row, with what it let go of. */
void store_freed_ce(struct store *s, struct store_ce *ce);
void store_freed_site(struct store *s, struct store_site *site);
/** It was set. */
void store_unfree(struct store *s, enum conf_kind kind, uint64_t id);
/** At the end nobody is without. */
int store_free_settle(struct store *s, struct err *e);

/* ---- prefixes of sites (store_prefix.c) -------------------------------------- */

/** Those of a site that is to be, in order: each is one, and none comes twice. */
int store_prefix_check(struct arena *a, struct store_site *site,
					   struct err *e);
/** Make the rows of a site what it says. */
int store_prefix_write(struct store *s, int64_t site_id,
					   const struct store_site *site, struct err *e);
/** Draft 6.1: with Internet access no two sites overlap; OVERLAP names them. */
int store_prefix_settle(struct store *s, const struct store_vpn *vpn,
						struct err *e);

/**
 * Tunnels go on purpose, and the documents will not explain each of them: up
 * to this revision of the database (store_removal.c).
 */
int store_removal_meant(struct store *s, int64_t ce_id, uint64_t revision,
						struct err *e);
/** Forget the explanations of this site that are old enough. */
int store_removal_expire(struct store *s, int64_t site_id, int64_t before_ms,
						 struct err *e);
int store_link_get(struct store *s, struct arena *a, const char *customer,
				   const char *vpn, const char *site, const char *peer,
				   struct store_link *out, struct err *e);

/* ---- rows by name, for the parts of a change -------------------------------- */

int store_vpn_by_id(struct store *s, struct arena *a, int64_t id,
					struct store_vpn *out, struct err *e);
int store_ce_by_id(struct store *s, struct arena *a, int64_t id,
				   struct store_ce *out, struct err *e);
int store_customer_get(struct store *s, struct arena *a, const char *customer,
					   struct store_customer *out, struct err *e);
int store_profile_get(struct store *s, struct arena *a, const char *customer,
					  const char *vpn, const char *name,
					  struct store_profile *out, struct err *e);
int store_profile_id(struct store *s, int64_t vpn_id, const char *name,
					 int64_t *id, struct err *e);
int store_site_id(struct store *s, int64_t vpn_id, const char *site,
				  int64_t *id, struct err *e);

#endif
