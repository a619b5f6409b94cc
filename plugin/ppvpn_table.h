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

#include "ppvpn_apply.h"

typedef struct ppvpn_table_t ppvpn_table_t;

/** Bytes of a revision, with its 0. */
#define PPVPN_REVISION_LEN 128

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
	 * Find credentials by name.
	 *
	 * @return			new reference, NULL if there are none
	 */
	ppvpn_cred_t *(*get_cred_by_name)(ppvpn_table_t *this, char *name);

	/**
	 * Get the configuration that a connection is initiated with.
	 *
	 * @param name		name of the connection
	 * @return			new reference, NULL if there is none
	 */
	peer_cfg_t *(*get_peer_cfg)(ppvpn_table_t *this, char *name);

	/**
	 * Find the credentials of a connection.
	 *
	 * @param name		name of the connection
	 * @return			new reference, NULL if it has none, or there is none
	 */
	ppvpn_cred_t *(*get_cred_of)(ppvpn_table_t *this, char *name);

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
	 * Enumerate all connections, and all credentials.
	 *
	 * @param creds		receives enumerator over ppvpn_cred_t, NULL if not
	 *					wanted
	 * @param revision	receives the revision they are of
	 * @return			enumerator over ppvpn_conn_t; both hold no lock
	 */
	enumerator_t *(*create_enumerator)(ppvpn_table_t *this,
									   enumerator_t **creds,
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
	 * @param clash		receives why something is not possible
	 * @param part		receives what of the change is not possible
	 * @param index		receives which element of that part
	 * @return			SUCCESS, INVALID_STATE if the base revision is not the
	 *					current one, NOT_FOUND if a name to remove is not
	 *					there, FAILED with clash set
	 */
	status_t (*update)(ppvpn_table_t *this, ppvpn_change_t *change,
					   ppvpn_counts_t *counts, ppvpn_clash_t *clash,
					   ppvpn_update_part_t *part, u_int *index);

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
