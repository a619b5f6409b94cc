/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/**
 * @defgroup ppvpn_socket ppvpn_socket
 * @{ @ingroup ppvpn
 *
 * The Unix socket the agent talks to.
 */

#ifndef PPVPN_SOCKET_H_
#define PPVPN_SOCKET_H_

#include "ppvpn_protocol.h"

typedef struct ppvpn_socket_t ppvpn_socket_t;

/** Most clients at a time. */
#define PPVPN_MAX_CLIENTS 16

/**
 * Socket with its clients.
 *
 * Nothing here blocks: sockets are non-blocking and watched by charon's
 * watcher, requests are processed in jobs, one at a time for each client, and
 * a client that does not read gets no more answers and no more events.
 */
struct ppvpn_socket_t {

	/**
	 * Close all connections and remove the socket.
	 */
	void (*destroy)(ppvpn_socket_t *this);
};

/**
 * Create the socket.
 *
 * @param path		where
 * @param group		group that may use it besides root and charon's user; if
 *					there is no such group, nobody else may
 * @param protocol	answers requests, must outlive it
 * @param events	where events come from, must outlive it
 * @param counters	counters, must outlive it
 * @return			socket, NULL on failure
 */
ppvpn_socket_t *ppvpn_socket_create(char *path, char *group,
									ppvpn_protocol_t *protocol,
									ppvpn_events_t *events,
									ppvpn_counters_t *counters);

#endif /** PPVPN_SOCKET_H_ @}*/
