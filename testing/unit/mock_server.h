/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * mock_server.h - the other end of a framed Unix socket, in the test's own loop
 */
#ifndef PPVPN_TESTING_MOCK_SERVER_H
#define PPVPN_TESTING_MOCK_SERVER_H

#include <stddef.h>
#include <stdint.h>

struct loop;
struct mock_server;

typedef void (*mock_frame_fn)(struct mock_server *m, const uint8_t *frame,
							  size_t len);

/** A listening socket in a directory of its own. */
struct mock_server *mock_server_new(struct loop *loop, mock_frame_fn fn);
void mock_server_free(struct mock_server *m);
const char *mock_server_path(const struct mock_server *m);
/** Connections accepted so far. */
unsigned mock_server_accepted(const struct mock_server *m);
/** From now on frames that come end with a NUL and have no length, as FRR's vty has it. */
void mock_server_expect_text(struct mock_server *m);
/** With its length in front. */
void mock_server_send(struct mock_server *m, const void *frame, size_t len);
/** As it is. */
void mock_server_send_raw(struct mock_server *m, const void *p, size_t len);
/** Close the client's connection; the listener stays. */
void mock_server_hang_up(struct mock_server *m);
/** Take the listener away, and bring it back. */
void mock_server_stop(struct mock_server *m);
void mock_server_start(struct mock_server *m);

#endif
