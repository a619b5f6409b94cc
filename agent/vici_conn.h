/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * vici_conn.h - commands and events over one VICI connection
 *
 * Owns the queue: one command on the wire, the others behind it. A command that
 * makes no progress for 10 s costs the connection, because nothing tells what
 * charon will still send for it. Knows no command by name.
 */
#ifndef PPVPN_AGENT_VICI_CONN_H
#define PPVPN_AGENT_VICI_CONN_H

#include "err.h"
#include "vici_msg.h"

struct loop;
struct vici_conn;

#define VICI_DEADLINE_MS 10000

/*
 * One command; its owner embeds it. After vici_conn_send() exactly one of reply
 * and cancel is called, after which the connection knows it no more.
 */
struct vici_command {
	struct text packet;			/* made with vici_start(); taken by sending */
	const char *name;			/* for messages: static */
	const char *stream;			/* its event while it runs, NULL: none */
	/* one such event; false: malformed */
	bool (*event)(struct vici_command *c, struct vici_walk *w);
	/* rc 0: w at the answer; else -errno with e, w NULL */
	void (*reply)(struct vici_command *c, int rc, struct vici_walk *w,
				  const struct err *e);
	/* the connection object goes away: free what there is, call nobody */
	void (*cancel)(struct vici_command *c);
	struct vici_command *next;	/* the connection's */
};

struct vici_conn_handlers {
	void (*connection)(void *user, bool up);
	/* an event that is no running command's; false: malformed */
	bool (*event)(void *user, const char *event, struct vici_walk *w);
};

/** events: names to register for, NULL-terminated, static. */
struct vici_conn *vici_conn_new(struct loop *loop, const char *path,
								const char *const *events,
								const struct vici_conn_handlers *handlers,
								void *user);
void vici_conn_free(struct vici_conn *c);
/** Connected, and all events registered. */
bool vici_conn_up(const struct vici_conn *c);
/** reply comes at once (-ENOTCONN) when not up. */
void vici_conn_send(struct vici_conn *c, struct vici_command *command);

#endif
