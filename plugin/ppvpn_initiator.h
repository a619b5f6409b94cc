/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/**
 * @defgroup ppvpn_initiator ppvpn_initiator
 * @{ @ingroup ppvpn
 *
 * Initiates connections by name.
 */

#ifndef PPVPN_INITIATOR_H_
#define PPVPN_INITIATOR_H_

#include "ppvpn_table.h"

#include <bus/listeners/listener.h>

typedef struct ppvpn_initiator_t ppvpn_initiator_t;

/**
 * Initiates one connection after the other, and never one that is being
 * negotiated: charon stacks initiations of one peer until its threads run out.
 */
struct ppvpn_initiator_t {

	/**
	 * Implements listener_t, to see which negotiations are under way.
	 */
	listener_t listener;

	/**
	 * Initiate a connection soon.
	 *
	 * @param name		its name
	 * @return			SUCCESS if queued, ALREADY_DONE if it is queued or
	 *					being negotiated, NOT_FOUND if there is none
	 */
	status_t (*initiate)(ppvpn_initiator_t *this, char *name);

	/**
	 * Destroy the initiator.
	 */
	void (*destroy)(ppvpn_initiator_t *this);
};

/**
 * Create the initiator.
 *
 * @param table		connections, must outlive it
 */
ppvpn_initiator_t *ppvpn_initiator_create(ppvpn_table_t *table);

#endif /** PPVPN_INITIATOR_H_ @}*/
