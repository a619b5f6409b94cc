/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/**
 * @defgroup ppvpn_client ppvpn_client
 * @{ @ingroup ppvpn
 *
 * One connection of the socket: frames in, frames out, never blocking.
 */

#ifndef PPVPN_CLIENT_H_
#define PPVPN_CLIENT_H_

#include "ppvpn_protocol.h"

typedef struct ppvpn_client_t ppvpn_client_t;
typedef enum ppvpn_io_t ppvpn_io_t;

/** Bytes that may wait for a client before events to it are dropped. */
#define PPVPN_EVENT_BACKLOG (256 * 1024)

/**
 * How far reading or writing got.
 */
enum ppvpn_io_t {
	/** a frame is complete; everything is written */
	PPVPN_IO_DONE,
	/** nothing more is possible now */
	PPVPN_IO_WAIT,
	/** the connection is of no more use */
	PPVPN_IO_CLOSED,
};

/**
 * Buffers of one connection.  Not thread-safe: its owner locks.
 */
struct ppvpn_client_t {

	/**
	 * Read until a frame is complete.
	 *
	 * @return			PPVPN_IO_DONE if take_frame() has one
	 */
	ppvpn_io_t (*read)(ppvpn_client_t *this);

	/**
	 * Take the complete frame.
	 *
	 * @return			frame, to be wiped and freed
	 */
	chunk_t (*take_frame)(ppvpn_client_t *this);

	/**
	 * Queue a frame.
	 *
	 * @param frame		frame with its length (adopted)
	 */
	void (*queue)(ppvpn_client_t *this, chunk_t frame);

	/**
	 * Write what is queued.
	 *
	 * @return			PPVPN_IO_DONE if all is written
	 */
	ppvpn_io_t (*write)(ppvpn_client_t *this);

	/**
	 * Bytes that are queued.
	 */
	size_t (*get_backlog)(ppvpn_client_t *this);

	/**
	 * Wipe and free the buffers; the file descriptor stays the caller's.
	 */
	void (*destroy)(ppvpn_client_t *this);
};

/**
 * Create the buffers of a connection.
 *
 * @param fd		socket, non-blocking
 */
ppvpn_client_t *ppvpn_client_create(int fd);

#endif /** PPVPN_CLIENT_H_ @}*/
