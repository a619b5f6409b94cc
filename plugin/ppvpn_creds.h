/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/**
 * @defgroup ppvpn_creds ppvpn_creds
 * @{ @ingroup ppvpn
 *
 * Gives charon the keys and certificates in the table.
 */

#ifndef PPVPN_CREDS_H_
#define PPVPN_CREDS_H_

#include "ppvpn_table.h"
#include "ppvpn_counters.h"

#include <credentials/credential_set.h>

typedef struct ppvpn_creds_t ppvpn_creds_t;

/**
 * Credential set that knows a pre-shared key only for an exact pair of
 * identities, and a private key only by its fingerprint.
 *
 * charon tries every pre-shared key that any set returns, however badly it
 * matches: a key that one identity alone could fetch would let a site pose as
 * another.  It builds the way up from a certificate with the authorities of
 * all sets: which of them counts for a peer of ours is for its configuration
 * and for the listener to say; peers of others never see ours.
 */
struct ppvpn_creds_t {

	/**
	 * Implements credential_set_t.
	 */
	credential_set_t set;

	/**
	 * Destroy the set.
	 */
	void (*destroy)(ppvpn_creds_t *this);
};

/**
 * Create the credential set.
 *
 * @param table		connections, must outlive it
 * @param counters	counters, must outlive it
 */
ppvpn_creds_t *ppvpn_creds_create(ppvpn_table_t *table,
								  ppvpn_counters_t *counters);

#endif /** PPVPN_CREDS_H_ @}*/
