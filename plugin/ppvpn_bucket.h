/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/**
 * @defgroup ppvpn_bucket ppvpn_bucket
 * @{ @ingroup ppvpn
 *
 * The connections that share a pair of addresses.
 */

#ifndef PPVPN_BUCKET_H_
#define PPVPN_BUCKET_H_

#include "ppvpn_conn.h"

typedef struct ppvpn_bucket_t ppvpn_bucket_t;

/**
 * IKE_SA_INIT knows addresses only, so what shares them must answer with one
 * ike_cfg_t that has the union of all proposals; the identities of IKE_AUTH
 * then select the connection.  Not thread-safe: its owner locks.
 */
struct ppvpn_bucket_t {

	/** address of this end (read-only) */
	host_t *local;

	/** address of the peer, or %any (read-only) */
	host_t *remote;

	/**
	 * Count a connection in.
	 *
	 * @param max		most different proposals
	 * @return			FALSE if that were too many, nothing changed then
	 */
	bool (*add)(ppvpn_bucket_t *this, ppvpn_conn_t *conn, u_int max);

	/**
	 * Count a connection out.
	 *
	 * @return			TRUE if it was the last one
	 */
	bool (*remove)(ppvpn_bucket_t *this, ppvpn_conn_t *conn);

	/**
	 * Get the configuration for all of them.
	 *
	 * @return			configuration, not a new reference
	 */
	ike_cfg_t *(*get_ike_cfg)(ppvpn_bucket_t *this);

	/**
	 * Destroy the bucket.
	 */
	void (*destroy)(ppvpn_bucket_t *this);
};

/**
 * Create an empty bucket.
 *
 * @param local		address of this end (cloned)
 * @param remote	address of the peer (cloned)
 */
ppvpn_bucket_t *ppvpn_bucket_create(host_t *local, host_t *remote);

#endif /** PPVPN_BUCKET_H_ @}*/
