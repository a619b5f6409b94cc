/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * vici.h - charon's VICI socket: asynchronous, with deadlines
 *
 * Owns the connection to charon.vici. One command at a time on the wire, a
 * queue behind it, events in between. Reconnects by itself every second.
 * Never subscribes to "log"; always timeout=-1 (charon 5.9.8 can deadlock
 * otherwise, strongSwan issue 566).
 */
#ifndef PPVPN_AGENT_VICI_H
#define PPVPN_AGENT_VICI_H

#include "backend.h"

struct loop;
struct vici;

struct vici_handlers {
	/* connected: everything is to be read again; then lost */
	void (*connection)(void *user, bool connected);
	/* a CHILD_SA or IKE_SA of a connection of ours came or went */
	void (*sa_changed)(void *user, const char *conn);
};

struct vici *vici_new(struct loop *loop, const char *path,
					  const struct vici_handlers *handlers, void *user);
void vici_free(struct vici *v);
bool vici_connected(const struct vici *v);
/** The kernel lacks what belongs to this outgoing SPI: its IKE_SA is to go. */
void vici_lost(struct vici *v, uint32_t spi_out);
/** Kind SA: reads list-sas into facts.sas and SA resources; deletes by terminate. */
struct backend *vici_backend(struct vici *v);

/** End every IKE_SA of a connection of ours, half-open ones too; nothing is
 * waited for, and a failure is only logged: the next look tells. */
void vici_terminate(struct vici *v, const char *conn);

/** End one IKE_SA of ours, politely; as above. */
void vici_terminate_ike(struct vici *v, uint32_t unique_id);

/* foreign connections whose children need routes that charon installs */
typedef void (*vici_conns_fn)(void *user, int rc, char *const *names, size_t count);
/**
 * Names "CONN/CHILD" of connections that are not ours, in tunnel mode, with a
 * remote traffic selector that is more than one host: what
 * charon.install_routes=no may break. rc: 0 or -errno.
 */
void vici_foreign_conns(struct vici *v, vici_conns_fn fn, void *user);

/** Version of the strongSwan that answers. rc 0, or -errno with version "". */
typedef void (*vici_version_fn)(void *user, int rc, const char *version);
void vici_version(struct vici *v, vici_version_fn fn, void *user);

#endif
