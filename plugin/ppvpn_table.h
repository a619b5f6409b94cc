/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/**
 * @defgroup ppvpn_table ppvpn_table
 * @{ @ingroup ppvpn
 *
 * The current set of connections and its revision.
 */

#ifndef PPVPN_TABLE_H_
#define PPVPN_TABLE_H_

#include "ppvpn_set.h"

typedef struct ppvpn_table_t ppvpn_table_t;
typedef struct ppvpn_change_t ppvpn_change_t;
typedef struct ppvpn_counts_t ppvpn_counts_t;

/** Bytes of a revision, with its 0. */
#define PPVPN_REVISION_LEN 128

/**
 * A change of some connections.
 */
struct ppvpn_change_t {
	/** the revision this change is made for */
	char *base_revision;
	/** the revision afterwards */
	char *revision;
	/** connections to add or replace, ppvpn_conn_t; names are unique */
	array_t *upsert;
	/** names to remove, char*; unique and none of upsert's */
	array_t *remove;
};

/**
 * What a change did.
 */
struct ppvpn_counts_t {
	/** names that were not there before */
	u_int added;
	/** names with another tag than before */
	u_int changed;
	/** names that are gone */
	u_int removed;
	/** names with the same tag as before */
	u_int unchanged;
};

/**
 * The current set.  Thread-safe.
 *
 * Readers are charon's threads, in every negotiation: what they get are
 * references, taken under a read lock that is never held when control leaves
 * this object.  Writers come one at a time; a whole new set is built before
 * the lock is taken, and an update holds it for as long as its own change
 * takes, not for the size of the set.
 */
struct ppvpn_table_t {

	/**
	 * Find a connection by name.
	 *
	 * @return			new reference, NULL if there is none
	 */
	ppvpn_conn_t *(*get_by_name)(ppvpn_table_t *this, char *name);

	/**
	 * Find a connection by its exact identities.
	 *
	 * @return			new reference, NULL if there is none
	 */
	ppvpn_conn_t *(*get_by_ids)(ppvpn_table_t *this, identification_t *local,
								identification_t *remote);

	/**
	 * Would a packet between these addresses find an IKE configuration?
	 */
	bool (*has_address)(ppvpn_table_t *this, host_t *local, host_t *remote);

	/**
	 * Enumerate the IKE configurations for a pair of addresses.
	 *
	 * @param local		address of this end, NULL for all
	 * @param remote	address of the peer, NULL for all
	 * @return			enumerator over ike_cfg_t, holds no lock
	 */
	enumerator_t *(*create_ike_cfg_enumerator)(ppvpn_table_t *this,
											   host_t *local, host_t *remote);

	/**
	 * Enumerate the peer configurations for a pair of identities.
	 *
	 * @param local		identity of this end, NULL or ID_ANY if not known
	 * @param remote	identity of the peer, NULL for all
	 * @return			enumerator over peer_cfg_t, holds no lock
	 */
	enumerator_t *(*create_peer_cfg_enumerator)(ppvpn_table_t *this,
												identification_t *local,
												identification_t *remote);

	/**
	 * Enumerate all connections.
	 *
	 * @param revision	receives the revision they are of
	 * @return			enumerator over ppvpn_conn_t, holds no lock
	 */
	enumerator_t *(*create_enumerator)(ppvpn_table_t *this,
									   char revision[PPVPN_REVISION_LEN]);

	/**
	 * Replace the whole set.
	 *
	 * @param set		new set (adopted)
	 * @param revision	its revision
	 * @param counts	receives what changed
	 */
	void (*replace)(ppvpn_table_t *this, ppvpn_set_t *set, char *revision,
					ppvpn_counts_t *counts);

	/**
	 * Change some connections: all of the change, or nothing.
	 *
	 * @param change	the change
	 * @param counts	receives what changed
	 * @param clash		receives why an upsert is not possible
	 * @param index		receives which upsert, or which removal
	 * @return			SUCCESS, INVALID_STATE if the base revision is not the
	 *					current one, NOT_FOUND if a name to remove is not
	 *					there, FAILED with clash set
	 */
	status_t (*update)(ppvpn_table_t *this, ppvpn_change_t *change,
					   ppvpn_counts_t *counts, ppvpn_clash_t *clash,
					   u_int *index);

	/**
	 * Get the revision and the number of connections.
	 *
	 * @param revision	receives the revision, "" before the first
	 * @return			number of connections
	 */
	u_int (*get_revision)(ppvpn_table_t *this,
						  char revision[PPVPN_REVISION_LEN]);

	/**
	 * Destroy the table.
	 */
	void (*destroy)(ppvpn_table_t *this);
};

/**
 * Create an empty table.
 */
ppvpn_table_t *ppvpn_table_create(void);

#endif /** PPVPN_TABLE_H_ @}*/
