/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/**
 * @defgroup ppvpn_backend ppvpn_backend
 * @{ @ingroup ppvpn
 *
 * Gives charon the configurations in the table.
 */

#ifndef PPVPN_BACKEND_H_
#define PPVPN_BACKEND_H_

#include "ppvpn_table.h"
#include "ppvpn_counters.h"

#include <config/backend.h>

typedef struct ppvpn_backend_t ppvpn_backend_t;

/**
 * Backend that filters by index instead of leaving it to the manager.
 */
struct ppvpn_backend_t {

	/**
	 * Implements backend_t.
	 */
	backend_t backend;

	/**
	 * Destroy the backend.
	 */
	void (*destroy)(ppvpn_backend_t *this);
};

/**
 * Create the backend.
 *
 * @param table		connections, must outlive it
 * @param counters	counters, must outlive it
 */
ppvpn_backend_t *ppvpn_backend_create(ppvpn_table_t *table,
									  ppvpn_counters_t *counters);

#endif /** PPVPN_BACKEND_H_ @}*/
