/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/**
 * @defgroup ppvpn_protocol ppvpn_protocol
 * @{ @ingroup ppvpn
 *
 * Requests, answers and events of the socket, see doc/plugin-protocol.md.
 */

#ifndef PPVPN_PROTOCOL_H_
#define PPVPN_PROTOCOL_H_

#include "ppvpn_table.h"
#include "ppvpn_events.h"
#include "ppvpn_counters.h"
#include "ppvpn_initiator.h"
#include "ppvpn_sas.h"

typedef struct ppvpn_protocol_t ppvpn_protocol_t;
typedef struct ppvpn_session_t ppvpn_session_t;

/** Bytes of length in front of each frame. */
#define PPVPN_HEADER_LEN 4

/**
 * What belongs to one client.  Used by one thread at a time.
 */
struct ppvpn_session_t {

	/** set under construction, NULL if none */
	ppvpn_set_t *staged;

	/** kinds of events the client wants, ppvpn_event_type_t ORed */
	u_int wanted;
};

/**
 * Answers requests.  Thread-safe.
 */
struct ppvpn_protocol_t {

	/**
	 * Answer a request.
	 *
	 * @param session	the client's session
	 * @param frame		the request, without its length, wiped by the caller
	 * @return			the answer, with its length, chunk_empty if the
	 *					connection is to be closed
	 */
	chunk_t (*process)(ppvpn_protocol_t *this, ppvpn_session_t *session,
					   chunk_t frame);

	/**
	 * Encode an event.
	 *
	 * @return			frame, with its length
	 */
	chunk_t (*encode_event)(ppvpn_protocol_t *this, ppvpn_event_t *event);

	/**
	 * Destroy it.
	 */
	void (*destroy)(ppvpn_protocol_t *this);
};

/**
 * Create it.
 *
 * @param table		connections, must outlive it
 * @param initiator	initiates, must outlive it
 * @param sas		how peers were authenticated, must outlive it
 * @param counters	counters, must outlive it
 */
ppvpn_protocol_t *ppvpn_protocol_create(ppvpn_table_t *table,
										ppvpn_initiator_t *initiator,
										ppvpn_sas_t *sas,
										ppvpn_counters_t *counters);

/**
 * Release what a session holds.
 */
void ppvpn_session_clear(ppvpn_session_t *session);

#endif /** PPVPN_PROTOCOL_H_ @}*/
