/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/**
 * @defgroup ppvpn_set ppvpn_set
 * @{ @ingroup ppvpn
 *
 * A set of connections, indexed by name, identities and addresses, and of the
 * credentials that they name.
 */

#ifndef PPVPN_SET_H_
#define PPVPN_SET_H_

#include "ppvpn_conn.h"
#include "ppvpn_cred_index.h"

#include <collections/array.h>

typedef struct ppvpn_set_t ppvpn_set_t;
typedef enum ppvpn_clash_t ppvpn_clash_t;

/** Most connections in one set. */
#define PPVPN_MAX_CONNS 100000

/** Most different IKE proposals for one pair of addresses. */
#define PPVPN_MAX_UNION 128

/**
 * Why a connection cannot join a set.
 */
enum ppvpn_clash_t {
	/** it can */
	PPVPN_NO_CLASH,
	/** its name is taken */
	PPVPN_CLASH_NAME,
	/** its pair of identities is taken */
	PPVPN_CLASH_IDENTITIES,
	/** too many different proposals for its pair of addresses */
	PPVPN_CLASH_PROPOSALS,
	/** the set is full */
	PPVPN_CLASH_FULL,
	/** the set has no credentials of the name it names */
	PPVPN_CLASH_CREDENTIALS,
	/** too many credentials, or too large ones */
	PPVPN_CLASH_CREDENTIALS_FULL,
	/** the credentials are named by a connection, and cannot leave */
	PPVPN_CLASH_IN_USE,
};

/**
 * Set of connections.  Not thread-safe: its owner locks.
 *
 * Each operation costs the same with ten connections or a hundred thousand,
 * except those that say that they walk.
 */
struct ppvpn_set_t {

	/**
	 * Add a connection.
	 *
	 * @param conn		connection, a reference is taken on success
	 * @return			PPVPN_NO_CLASH if added
	 */
	ppvpn_clash_t (*add)(ppvpn_set_t *this, ppvpn_conn_t *conn);

	/**
	 * Remove a connection.
	 *
	 * @param name		its name
	 * @return			the connection (adopt it), NULL if there is none
	 */
	ppvpn_conn_t *(*remove)(ppvpn_set_t *this, char *name);

	/**
	 * Find a connection by name.
	 *
	 * @return			the connection, not a new reference, or NULL
	 */
	ppvpn_conn_t *(*get_by_name)(ppvpn_set_t *this, char *name);

	/**
	 * Find a connection by its exact pair of identities.
	 *
	 * @return			the connection, not a new reference, or NULL
	 */
	ppvpn_conn_t *(*get_by_ids)(ppvpn_set_t *this, identification_t *local,
								identification_t *remote);

	/**
	 * Collect the configurations of a connection, what is sent first.
	 *
	 * @param conn		connection in this set
	 * @param array		receives peer_cfg_t, one or two, new references
	 */
	void (*get_cfgs)(ppvpn_set_t *this, ppvpn_conn_t *conn, array_t *array);

	/**
	 * Collect the configurations with a remote identity, whatever the local
	 * one.
	 *
	 * @param array		receives peer_cfg_t, new references
	 */
	void (*get_by_remote_id)(ppvpn_set_t *this, identification_t *remote,
							 array_t *array);

	/**
	 * Find the IKE configuration of a pair of addresses: one with the union of
	 * the proposals of all connections that share it.
	 *
	 * @param remote	address of the peer, or %any for that of peers whose
	 *					address is not known
	 * @return			configuration, not a new reference, or NULL
	 */
	ike_cfg_t *(*get_ike_cfg)(ppvpn_set_t *this, host_t *local,
							  host_t *remote);

	/**
	 * Collect all peer_cfg_t, as new references.  Walks.
	 */
	void (*get_peer_cfgs)(ppvpn_set_t *this, array_t *array);

	/**
	 * Collect all ike_cfg_t, one for each pair, as new references.  Walks.
	 */
	void (*get_ike_cfgs)(ppvpn_set_t *this, array_t *array);

	/**
	 * Collect all connections, as new references.  Walks.
	 */
	void (*get_conns)(ppvpn_set_t *this, array_t *array);

	/**
	 * Number of connections.
	 */
	u_int (*get_count)(ppvpn_set_t *this);

	/**
	 * Credentials.  Those that a connection names stay: replace them.
	 *
	 * @return			not a new reference
	 */
	ppvpn_cred_index_t *(*get_creds)(ppvpn_set_t *this);

	/**
	 * Release all connections and free the set.  Walks.
	 */
	void (*destroy)(ppvpn_set_t *this);
};

/**
 * Create an empty set.
 *
 * @param size		number of connections expected
 */
ppvpn_set_t *ppvpn_set_create(u_int size);

#endif /** PPVPN_SET_H_ @}*/
