/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/**
 * @defgroup ppvpn_counters ppvpn_counters
 * @{ @ingroup ppvpn
 *
 * What the plugin counts, for the "status" request.
 */

#ifndef PPVPN_COUNTERS_H_
#define PPVPN_COUNTERS_H_

#include "ppvpn_compat.h"

typedef struct ppvpn_counters_t ppvpn_counters_t;

/**
 * Counters since charon started.  Changed by ppvpn_count() only.
 */
struct ppvpn_counters_t {
	/** look-ups of an IKE configuration by addresses */
	uint64_t ike_lookups;
	/** look-ups of peer configurations by identities */
	uint64_t peer_lookups;
	/** look-ups of pre-shared keys */
	uint64_t psk_lookups;
	/** look-ups of certificates and revocation lists */
	uint64_t certificate_lookups;
	/** look-ups of private keys */
	uint64_t key_lookups;
	/** negotiations the authorize hook refused */
	uint64_t authorize_refused;
	/** packets from unknown peers */
	uint64_t unknown_peers;
	/** alerts about our connections */
	uint64_t alerts;
	/** events no client could take in time */
	uint64_t events_dropped;
};

/**
 * Count one; any thread.
 */
static inline void ppvpn_count(uint64_t *counter)
{
	__atomic_fetch_add(counter, 1, __ATOMIC_RELAXED);
}

/**
 * Read a counter; any thread.
 */
static inline uint64_t ppvpn_counted(uint64_t *counter)
{
	return __atomic_load_n(counter, __ATOMIC_RELAXED);
}

#endif /** PPVPN_COUNTERS_H_ @}*/
