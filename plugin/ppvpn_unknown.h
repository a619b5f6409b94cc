/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/**
 * @defgroup ppvpn_unknown ppvpn_unknown
 * @{ @ingroup ppvpn
 *
 * How often an unknown peer may be reported.
 */

#ifndef PPVPN_UNKNOWN_H_
#define PPVPN_UNKNOWN_H_

#include "ppvpn_compat.h"

typedef struct ppvpn_unknown_t ppvpn_unknown_t;

/** Most unknown peers that are remembered. */
#define PPVPN_UNKNOWN_MAX 1024

/** Seconds between two reports about one unknown peer. */
#define PPVPN_UNKNOWN_INTERVAL 10

/**
 * Memory of unknown peers.  Thread-safe.
 *
 * Packets are free for whoever sends them, so there are never more than
 * PPVPN_UNKNOWN_MAX reports in PPVPN_UNKNOWN_INTERVAL.
 */
struct ppvpn_unknown_t {

	/**
	 * Note that an unknown peer was seen.
	 *
	 * @param remote	its address, as text
	 * @param identity	its identity, as text, "" if not known
	 * @param now		time in s, monotonic
	 * @return			how often it was seen since its last report if it is
	 *					to be reported now, else 0
	 */
	u_int (*seen)(ppvpn_unknown_t *this, const char *remote,
				  const char *identity, time_t now);

	/**
	 * Forget everything.
	 */
	void (*destroy)(ppvpn_unknown_t *this);
};

/**
 * Create an empty memory.
 */
ppvpn_unknown_t *ppvpn_unknown_create(void);

#endif /** PPVPN_UNKNOWN_H_ @}*/
