/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/**
 * @defgroup ppvpn_events ppvpn_events
 * @{ @ingroup ppvpn
 *
 * From charon's threads to whoever listens at the socket.
 */

#ifndef PPVPN_EVENTS_H_
#define PPVPN_EVENTS_H_

#include "ppvpn_compat.h"
#include "ppvpn_counters.h"

typedef struct ppvpn_events_t ppvpn_events_t;
typedef struct ppvpn_event_t ppvpn_event_t;
typedef enum ppvpn_event_type_t ppvpn_event_type_t;

/** Most events that wait to be delivered. */
#define PPVPN_MAX_EVENTS 1024

/**
 * Kinds of events, ORed by those who want them.
 */
enum ppvpn_event_type_t {
	PPVPN_EVENT_UNKNOWN_PEER = (1 << 0),
	PPVPN_EVENT_ALERT = (1 << 1),
};

/**
 * An event: plain data, so that it outlives what it is about.
 */
struct ppvpn_event_t {
	/** kind */
	ppvpn_event_type_t type;
	/** which alert, a constant; NULL for other kinds */
	const char *alert;
	/** how often it was seen, for an unknown peer */
	u_int count;
	/** this end began with the IKE_SA, for an alert */
	bool initiator;
	/** name of the connection, "" if none */
	char name[256];
	/** addresses, "" if not known */
	char local[48], remote[48];
	/** identity of the peer, printable ASCII, "" if not known */
	char identity[256];
};

/**
 * Deliver an event; called from a job, without any lock.
 */
typedef void (*ppvpn_event_cb_t)(void *data, ppvpn_event_t *event);

/**
 * Bounded queue of events.  Thread-safe.
 */
struct ppvpn_events_t {

	/**
	 * Queue an event; never blocks, drops and counts what does not fit.
	 *
	 * @param event		event, copied
	 */
	void (*push)(ppvpn_events_t *this, ppvpn_event_t *event);

	/**
	 * Set who takes the events.
	 *
	 * @param wanted	kinds that anybody wants, others are not queued
	 * @param cb		called for each event
	 * @param data		passed to it
	 */
	void (*set_consumer)(ppvpn_events_t *this, u_int wanted,
						 ppvpn_event_cb_t cb, void *data);

	/**
	 * Does anybody want this kind?
	 */
	bool (*is_wanted)(ppvpn_events_t *this, ppvpn_event_type_t type);

	/**
	 * Destroy the queue.
	 */
	void (*destroy)(ppvpn_events_t *this);
};

/**
 * Create the queue.
 *
 * @param counters	counters, must outlive it
 */
ppvpn_events_t *ppvpn_events_create(ppvpn_counters_t *counters);

/**
 * Copy text from a peer, reduced to printable ASCII.
 *
 * @param dst		receives the text, 0-terminated
 * @param size		bytes in dst
 * @param src		text
 */
void ppvpn_event_text(char *dst, size_t size, const char *src);

#endif /** PPVPN_EVENTS_H_ @}*/
