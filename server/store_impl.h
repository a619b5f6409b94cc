/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * store_impl.h - what the files of the store share; nobody else includes it
 *
 * The store's files speak SQL through db.h and know no database by name.
 */
#ifndef PPVPN_SERVER_STORE_IMPL_H
#define PPVPN_SERVER_STORE_IMPL_H

#include "alloc.h"
#include "server/authority.h"
#include "server/db.h"
#include "seal.h"
#include "server/store.h"

#define STORE_DESCRIPTION_MAX 255
#define STORE_EXTERNAL_ID_MAX 63

struct render_vpn;
struct store_meshes;	/* store_mesh.h */
struct store_work;		/* of the change in course: store_work.h */

struct store
{
	struct db *db;
	struct store_meshes *meshes;	/* shared by connections; NULL: none */
	struct seal_key kek;
	char database_id[33];	/* in the place of every sealed piece */
	struct authority_lives lives;
	/* the change in course */
	struct store_work *work;
	bool changing;
	bool failed;			/* commit will refuse */
	uint64_t revision;		/* that commit will make current */
	char actor[129];
};

/* Numbered files of sql/, embedded by sql/embed. */
struct store_sql
{
	int64_t version;
	const char *name;
	const char *text;
};
extern const struct store_sql store_sql_files[];	/* ended by text NULL */
/** In an empty database: the table of what was applied. */
int store_migrations_create(struct db *db, struct err *e);
/**
 * Bring the schema up to date in one transaction. Refused where what was applied
 * is not what files begin with.
 */
int store_migrate(struct db *db, const struct store_sql *files, struct err *e);
/** How far it is: version of the last one applied, whether files has more. */
int store_migrated(struct db *db, const struct store_sql *files,
				   int64_t *version, bool *more, struct err *e);

int64_t store_now_ms(void);
/** Refuse to change outside of begin and commit. */
int store_need_change(struct store *s, struct err *e);
/** Note the outcome of one change: a failed one can only be rolled back. */
int store_changed(struct store *s, int rc);
/** Next of a counter that never gives a number twice. */
int store_next_id(struct store *s, const char *counter, int64_t *id,
				  struct err *e);
/**
 * An audit record at the present revision.
 *
 * @param customer_id	whose it is, who may read it; 0: of no single customer
 */
int store_audit_write(struct store *s, uint64_t revision, const char *actor,
					  const char *what, int64_t customer_id, struct err *e);
/** The document of this CE, of all CEs with a site in this VPN, changes. */
int store_touch_ce(struct store *s, int64_t ce_id, struct err *e);
int store_touch_vpn(struct store *s, int64_t vpn_id, struct err *e);
/** Of the CE of this site. */
int store_touch_site(struct store *s, int64_t site_id, struct err *e);

/* By name; -ENOENT with e NOT_FOUND. */
int store_customer_id(struct store *s, const char *customer, int64_t *id,
					  struct err *e);
int store_vpn_id(struct store *s, const char *customer, const char *vpn,
				 int64_t *customer_id, int64_t *id, struct err *e);
int store_ce_id(struct store *s, const char *customer, const char *ce,
				int64_t *customer_id, int64_t *id, struct err *e);

/**
 * Make address this CE's, or see that it is: EXISTS when it is another's. drop:
 * let go of those that neither the CE nor a site of it uses.
 */
int store_address_take(struct store *s, const struct addr *address,
					   int64_t ce_id, struct err *e);
int store_addresses_drop(struct store *s, int64_t ce_id, struct err *e);

/** "" for NULL. */
static inline const char *store_text(const char *text)
{
	return text ? text : "";
}
int store_check_name(const char *name, const char *what, struct err *e);
int store_check_words(const char *description, const char *external_id,
					  struct err *e);

/** Address text of a row; a value that is none is a fault of the database. */
int store_read_addr(const char *text, struct addr *out, struct err *e);
/** Index of a word of a row in a NULL-ended list. */
int store_word(const char *const *words, const char *text, int *index,
			   struct err *e);
/** e for a row that cannot be: -EIO. */
int store_bad_row(struct err *e, const char *where);

/* Sealed keys of a tunnel. use: as in documents */
int store_psk_make(struct store *s, int64_t site_a, int64_t site_b,
				   int64_t generation, const char *use, struct err *e);
int store_psk_open(struct store *s, int64_t site_a, int64_t site_b,
				   int64_t generation, const char *sealed, struct secret *out,
				   struct err *e);
/** Keep the keys of a tunnel that goes. */
int store_psk_retire(struct store *s, int64_t site_a, int64_t site_b,
					 struct err *e);
/** 1: the tunnel has again what revision took from it; 0: that is not kept. */
int store_psk_restore(struct store *s, int64_t site_a, int64_t site_b,
					  uint64_t revision, struct err *e);

/** Those that are too old to be restored. */
int store_psk_forget(struct store *s, struct err *e);
/**
 * A tunnel has keys again that it had: a rotation of them goes on where it was;
 * one that had certificates, too, begins with its key.
 */
int store_rotation_restore(struct store *s, int64_t vpn_id, int64_t site_a,
						   int64_t site_b, struct err *e);

/**
 * The documents of a CE have tunnels again: what was reported before says
 * nothing of the keys that they have now.
 */
int store_rotation_again(struct store *s, int64_t ce_id, struct err *e);

/**
 * In a change: this router has no certificate that counts any more. Its pairs
 * that have one, or are under way, have a key at once (their own, or a new one),
 * and move again when it has certificates again (store_move.c).
 */
int store_move_uncertified(struct store *s, int64_t ce_id, struct err *e);

/* As a whole, and a start of the router would begin with it. */
#define STORE_IN_FORCE(status) \
	status ".result = 'applied' AND " status ".on_trial = 0"

/*
 * Whether a router, with its ce_status and the installation as i, has confirmed
 * the step of a row of rotation: rotation_wait() in SQL.
 */
#define STORE_ROTATION_CONFIRMED(ce, status, rotation) \
	"(" ce ".suspended_revision = 0 AND " status ".ce_id IS NOT NULL " \
	"AND " status ".epoch = i.epoch AND " status ".revision >= " \
	rotation ".revision AND " STORE_IN_FORCE(status) ")"

/* What site.behind_nat is derived from. */
#define STORE_IS_BEHIND_NAT(ce, site) \
	"CASE WHEN " ce ".behind_nat = 1 AND " site ".ce_address = " ce ".address " \
	"THEN 1 ELSE 0 END"

/**
 * The part of a site's document that is about certificates: none without an
 * authority (store_authority.c).
 */
int store_authority_document(struct store *s, struct arena *a, int64_t vpn_id,
							 int64_t site_id, struct model_certificate *out,
							 struct err *e);
/** Tell of authorities, lists and certificates that do not fit each other. */
int store_authority_verify(struct store *s,
						   const struct store_verifier *verifier,
						   struct err *e);
/*
 * Whether a router, with its ce_status and the installation as i, has a
 * document of revision or later in force, or has none to have: it is suspended,
 * or nobody is enrolled as it.
 */
#define STORE_AUTHORITY_CONFIRMED(ce, status, revision) \
	"(" ce ".suspended_revision > 0 OR NOT EXISTS (SELECT 1 FROM ce_key y " \
	"WHERE y.ce_id = " ce ".id AND y.superseded = 0) " \
	"OR (" status ".ce_id IS NOT NULL AND " status ".epoch = i.epoch " \
	"AND " status ".revision >= " revision \
	" AND " STORE_IN_FORCE(status) "))"

/** Nothing is held against the CE's address any more (store_follow.c). */
int store_follow_forget(struct store *s, int64_t ce_id, struct err *e);
/** Prefixes of ce.dynamic that are to be: in order, none twice, hosts' ones. */
int store_dynamic_check(struct arena *a, struct store_ce *ce, struct err *e);
/** Tell of those of the database that are none. */
int store_dynamic_verify(struct store *s,
						 const struct store_verifier *verifier, struct err *e);
char *store_dynamic_join(struct arena *a, const struct store_ce *ce);
int store_dynamic_split(struct arena *a, const char *joined,
						struct store_ce *ce, struct err *e);

/* Profiles in columns: "a,b,c". */
char *store_words_join(struct arena *a, char *const *list, size_t count);
char **store_words_split(struct arena *a, const char *joined, size_t *count);
/** Numbers and proposals that a document can carry. */
int store_check_profile(const struct model_profile *profile, struct err *e);

/* Columns of a VPN, in this order, for store_vpn_read(). */
#define STORE_VPN_COLUMNS \
	"cu.name, v.name, v.description, v.domain, v.topology, v.router_ids, " \
	"v.mtu, v.ospf_area, v.ospf_hello, v.ospf_dead, v.ospf_cost, " \
	"v.retry_minimum_wait, v.retry_t1, v.retry_factor, v.retry_maximum, " \
	"v.retry_alarm_after, v.proposals, v.esp_proposals, v.rekey_time, " \
	"v.child_rekey_time, v.dpd_delay, v.id, v.external_id, v.grade, " \
	"v.router_id_last, v.internet_access, v.psk_rotation_days, " \
	"v.authentication, v.revocation "
#define STORE_VPN_COLUMN_COUNT 29
int store_vpn_read(struct arena *a, struct db_rows *rows, int column,
				   struct store_vpn *vpn, struct err *e);

/* A CE with its customer as cu, in this order, for store_ce_read(). */
#define STORE_CE_SELECT \
	"SELECT ce.id, cu.name, ce.name, ce.description, ce.address, " \
	"ce.removed_revision, ch.revision, ch.committed_ms, " \
	"(SELECT k.ends_ms FROM ce_key k WHERE k.ce_id = ce.id " \
	"AND k.superseded = 0), st.reported_ms, d.at_ms, ce.external_id, " \
	"ce.suspended_revision, ce.behind_nat, ce.dynamic, ce.revoked, " \
	"tk.waiting_spki, tk.waiting_ms, ik.spki, ik.registered_ms " \
	"FROM ce JOIN customer cu ON cu.id = ce.customer_id " \
	"JOIN ce_change ch ON ch.ce_id = ce.id " \
	"LEFT JOIN ce_status st ON st.ce_id = ce.id " \
	"LEFT JOIN ce_delivery d ON d.ce_id = ce.id " \
	"LEFT JOIN ce_token tk ON tk.ce_id = ce.id " \
	"LEFT JOIN ike_key ik ON ik.ce_id = ce.id "
int store_ce_read(struct arena *a, struct db_rows *rows, struct store_ce *ce,
				  struct err *e);

/** The marker in the database opens with this key. */
int store_check_marker(struct db *db, const struct seal_key *kek,
					   char database_id[33], struct err *e);
/** Tell of every sealed piece that does not open. */
int store_verify_sealed(struct store *s, const struct store_verifier *verifier,
						struct err *e);
/**
 * Fill in the prefixes of sites that were read; customer, vpn, site "": all.
 * The list is in any order.
 */
int store_prefix_read(struct store *s, struct arena *a, const char *customer,
					  const char *vpn, const char *site,
					  struct store_site *list, size_t count, struct err *e);
/** Tell of prefixes that are none, and of those that overlap where none may. */
int store_prefix_verify(struct store *s,
						const struct store_verifier *verifier, struct err *e);
/** A tunnel of the document's site that is gone (store_document.c). */
void store_document_removed(struct arena *a, struct render_vpn *vpn,
							const char *peer, int64_t revision,
							const char *reason);
/**
 * The peers of a site out of a mesh that is held in memory (store_mesh.c), in
 * the read transaction of its document.
 *
 * @return		1: done; 0: read them from the database; -EIO
 */
int store_mesh_peers(struct store *s, struct arena *a, int64_t site_id,
					 struct render_vpn *vpn, struct err *e);

/** A growing array in an arena: room for one more element. */
void *store_array_add(struct arena *a, void **array, size_t *count,
					  size_t size);

#endif
