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
typedef struct ppvpn_pair_t ppvpn_pair_t;

/**
 * A pair of addresses, as a key without pointers: one cache line to compare.
 */
struct ppvpn_pair_t {

	/** address of this end, 0 after an IPv4 one */
	uint8_t local[16];

	/** address of the peer, all 0 for %any */
	uint8_t remote[16];
};

/**
 * IKE_SA_INIT knows addresses only, so what shares them must answer with one
 * ike_cfg_t that has the union of all proposals; the identities of IKE_AUTH
 * then select the connection.  Not thread-safe: its owner locks.
 */
struct ppvpn_bucket_t {

	/** addresses of both ends (read-only) */
	ppvpn_pair_t pair;

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
 * @param pair		addresses of both ends
 */
ppvpn_bucket_t *ppvpn_bucket_create(const ppvpn_pair_t *pair);

/**
 * Make a key.
 *
 * @param local		address of this end
 * @param remote	address of the peer
 */
ppvpn_pair_t ppvpn_pair(host_t *local, host_t *remote);

#endif /** PPVPN_BUCKET_H_ @}*/
