/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * frr_vty.h - questions to ospfd, over its vty socket
 *
 * As vtysh asks, without a vtysh: a poll every few seconds for the router's whole
 * life is two system calls and not a process. Only for show commands; what is
 * configured goes through vtysh, which knows each version's own ways.
 * The format (a command and NUL; text, three NULs and the result) has been the
 * same from FRR 8.4 to 10.7, and watchfrr relies on it.
 */
#ifndef PPVPN_AGENT_FRR_VTY_H
#define PPVPN_AGENT_FRR_VTY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct loop;
struct frr_vty;

/* ospfd is there, or gone */
typedef void (*frr_vty_state_fn)(void *user, bool running);
/*
 * rc 0: output is what the commands printed, one after the other; < 0: output
 * says why there is no answer (a negative errno: -ETIMEDOUT, -ENOTCONN, -EIO).
 * Its memory is the caller's only until this returns.
 */
typedef void (*frr_vty_fn)(void *user, int rc, const char *output, size_t len);

/** Connects to path (copied) from the loop, again and again, never before this returns. */
struct frr_vty *frr_vty_new(struct loop *loop, const char *path,
							frr_vty_state_fn fn, void *user);
/** No callback comes any more. */
void frr_vty_free(struct frr_vty *v);
bool frr_vty_connected(const struct frr_vty *v);
/**
 * Ask: one at a time, NULL-terminated commands. fn is called once, maybe before
 * this returns. A daemon that has not answered by then is hung up on.
 */
void frr_vty_ask(struct frr_vty *v, const char *const *commands,
				 uint64_t deadline_ms, frr_vty_fn fn, void *user);

#endif
