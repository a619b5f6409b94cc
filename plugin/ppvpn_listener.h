/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/**
 * @defgroup ppvpn_listener ppvpn_listener
 * @{ @ingroup ppvpn
 *
 * Watches negotiations: refuses what must not be, reports the rest.
 */

#ifndef PPVPN_LISTENER_H_
#define PPVPN_LISTENER_H_

#include "ppvpn_table.h"
#include "ppvpn_events.h"
#include "ppvpn_counters.h"
#include "ppvpn_sas.h"

#include <bus/listeners/listener.h>

typedef struct ppvpn_listener_t ppvpn_listener_t;

/**
 * Listener on charon's bus.
 *
 * All its hooks run under the one mutex of the bus, so they copy and queue
 * and never wait.
 */
struct ppvpn_listener_t {

	/**
	 * Implements listener_t.
	 */
	listener_t listener;

	/**
	 * Destroy the listener.
	 */
	void (*destroy)(ppvpn_listener_t *this);
};

/**
 * Create the listener.
 *
 * @param table		connections, must outlive it
 * @param events	where reports go, must outlive it
 * @param sas		receives how peers are authenticated, must outlive it
 * @param counters	counters, must outlive it
 */
ppvpn_listener_t *ppvpn_listener_create(ppvpn_table_t *table,
										ppvpn_events_t *events,
										ppvpn_sas_t *sas,
										ppvpn_counters_t *counters);

#endif /** PPVPN_LISTENER_H_ @}*/
