/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * vici_read.h - what charon's VICI messages say, as values
 *
 * Pure. Every function takes a walk behind vici_open() and refuses what is not
 * shaped as strongSwan's VICI documentation says; members that are not needed
 * are passed over.
 */
#ifndef PPVPN_AGENT_VICI_READ_H
#define PPVPN_AGENT_VICI_READ_H

#include "addr.h"
#include "vici_msg.h"

struct arena;
struct facts;
struct resource_set;

/* one IKE_SA with its CHILD_SAs; texts are the arena's, never NULL */
struct vici_sa {
	char *conn;
	uint32_t unique_id;
	char *state;
	bool initiator;				/* this end began it */
	struct addr local, remote;	/* family 0: not IPv4 */
	char *local_id, *remote_id;	/* "": not known yet */
	unsigned installed;			/* CHILD_SAs INSTALLED, REKEYING or REKEYED */
	char *child_state;			/* INSTALLED if any is, else the newest's, "" none */
	char *proposal;				/* of the newest INSTALLED one, "" none */
	uint32_t mark, spi_in, spi_out;		/* of that one, 0 none */
	uint64_t in_bytes, out_bytes;
};

/** Event list-sa. 0 or -EBADMSG. */
int vici_read_sa(struct vici_walk *w, struct arena *a, struct vici_sa *sa);
/* outgoing SPIs whose SAs the kernel does not have */
struct vici_spis { const uint32_t *spis; size_t count; };
/**
 * All IKE_SAs into facts and SA resources, one for each connection, those of one
 * connection together; only connections of ours. Sorts sas.
 */
void vici_sas_report(struct vici_sa *sas, size_t count,
					 const struct vici_spis *lost, struct facts *facts,
					 struct resource_set *set);

/** Name of the first section of an event: its connection; "" when there is none. */
int vici_read_event_conn(struct vici_walk *w, char conn[256]);

/** The answer of a command that does something: success or why not. */
int vici_read_result(struct vici_walk *w, bool *success, char errmsg[256]);

/** The answer of "version": strongSwan's, in printable ASCII; "" not said. */
int vici_read_version(struct vici_walk *w, char version[32]);

/** Event list-conn: fn for each child of it that may need charon's routes. */
typedef void (*vici_child_fn)(void *user, const char *conn, const char *child);
int vici_read_conn(struct vici_walk *w, vici_child_fn fn, void *user);

/** A connection of ours by its name. */
bool vici_conn_is_ours(const char *name);

#endif
