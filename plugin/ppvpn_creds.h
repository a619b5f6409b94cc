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
 * identities, and certificates only for the connection that is negotiated.
 *
 * charon tries every pre-shared key that any set returns, however badly it
 * matches: a key that one identity alone could fetch would let a site pose as
 * another.  It builds the way up from a certificate with the authorities of
 * all sets: an operator's are no authorities of our peers, which their
 * configuration and the listener see to.
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
