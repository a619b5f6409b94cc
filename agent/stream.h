/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * stream.h - frames over a Unix stream socket that comes and goes
 *
 * Owns the socket, its reading and writing, and connecting again every second.
 * What goes through here may be secret, so buffers are wiped.
 */
#ifndef PPVPN_AGENT_STREAM_H
#define PPVPN_AGENT_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct loop;
struct stream;

#define STREAM_RETRY_MS 1000

struct stream_handlers {
	void (*connected)(void *user);
	/* after connected: the connection is gone, why is one for a log line */
	void (*lost)(void *user, const char *why);
	/* one frame; false: not what was agreed, the connection is dropped */
	bool (*frame)(void *user, const uint8_t *frame, size_t len);
};

enum stream_framing {
	/* four bytes of length, big-endian, and that many bytes: charon's VICI and
	 * the plugin's socket */
	STREAM_LENGTH,
	/* FRR's vty: what is sent is text and a NUL; what comes is text without
	 * NULs, three NULs and one byte that is the result, handed out as it is */
	STREAM_RESULT,
};

#define STREAM_RESULT_SIZE 4	/* of what ends such a frame */

struct stream_config {
	const char *path;			/* copied */
	const char *token;			/* of log lines: static */
	size_t max_frame;			/* longer (or empty) ones drop the connection */
	enum stream_framing framing;
};

/** Connects from the loop, never before this returns. */
struct stream *stream_new(struct loop *loop, const struct stream_config *config,
						  const struct stream_handlers *handlers, void *user);
/** Closes without a callback; allowed in any callback. */
void stream_free(struct stream *s);
bool stream_connected(const struct stream *s);
/** Queue a frame; the bytes are copied. Dropped when not connected. */
void stream_send(struct stream *s, const void *frame, size_t len);
/** Give the connection up (lost is called) and connect again later. */
void stream_drop(struct stream *s, const char *why);

#endif
