/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * tunnel.h - the tunnels of this CE while it runs: each one's machine (peer.h),
 * timers, last error, and time to service
 *
 * Owns the table of tunnels. Learns from facts; asks for negotiations through a
 * handler. Knows no socket.
 */
#ifndef PPVPN_AGENT_TUNNEL_H
#define PPVPN_AGENT_TUNNEL_H

#include <stdbool.h>
#include "backend.h"
#include "peer.h"
#include "status.h"

struct loop;
struct loop_timer;
struct tunnels;

struct tunnel {
	char conn[CONN_NAME_SIZE];
	char customer[NAME_SIZE], vpn[NAME_SIZE], peer[NAME_SIZE];
	char identity[FQDN_SIZE];			/* of the peer */
	struct addr local, remote;
	bool initiator;
	struct model_retry retry;

	enum peer_state state;
	uint64_t since_ms;					/* of state, loop_now_ms() */
	unsigned failures;					/* in a row */
	uint64_t timer_ms;					/* when the timer fires; 0: not armed */
	enum err_code last_error;

	/* as last observed */
	char link[16], ike[24], child[24], proposal[96], ospf[24];
	bool installed, route;
	uint64_t in_bytes, out_bytes;
	uint32_t mark, spi_in, spi_out;
	uint32_t missing_spi;				/* sacheck's */

	bool has_service;
	struct status_service service;
	uint64_t phase_ms;					/* when the running phase began */

	/* tunnel.c's own */
	bool listed, kick;
	struct loop_timer *timer;
	struct tunnels *owner;
};

struct tunnels_handlers {
	/* negotiate now */
	void (*initiate)(void *user, struct tunnel *t);
	/* state, service or last error changed: worth a report */
	void (*changed)(void *user, struct tunnel *t, enum peer_state old);
	/* an alarm's condition came (raised) or went */
	void (*alarm)(void *user, struct tunnel *t, bool raised);
};

struct provider_document;
struct conf;

struct tunnels *tunnels_new(struct loop *loop,
							const struct tunnels_handlers *handlers, void *user);
void tunnels_free(struct tunnels *ts);

/** The table follows a document; what is new starts at tunnels_ready(). */
void tunnels_document(struct tunnels *ts, const struct conf *conf,
					  const struct provider_document *d);
/** The document was applied: time to service, first attempts. */
void tunnels_ready(struct tunnels *ts);
/** SAs and links as observed; group NULL: all, else that connection only. */
void tunnels_observed(struct tunnels *ts, const struct observation *seen,
					  const char *group);
/** Neighbours as polled: begin, one call each, end (those not named have none). */
void tunnels_neighbors_begin(struct tunnels *ts);
void tunnels_neighbor(struct tunnels *ts, const char *link, const char *state);
void tunnels_neighbors_end(struct tunnels *ts);
void tunnels_route(struct tunnels *ts, const char *link, bool present);
/** A negotiation failed; conn or (NULL) the tunnel with that remote address. */
void tunnels_failed(struct tunnels *ts, const char *conn, const char *remote,
					enum err_code code);
/** Initiate at once whatever the role: conn, or NULL for all that are not up. */
void tunnels_kick(struct tunnels *ts, const char *conn);

/** charon started anew: negotiations under way are gone; all start at once. */
void tunnels_restarted(struct tunnels *ts);

size_t tunnels_count(const struct tunnels *ts);
struct tunnel *tunnels_get(const struct tunnels *ts, size_t i);
struct tunnel *tunnels_find(const struct tunnels *ts, const char *conn);
struct tunnel *tunnels_find_remote(const struct tunnels *ts, const struct addr *remote);
struct tunnel *tunnels_find_identity(const struct tunnels *ts, const char *identity);
/** Some tunnel is up whose OSPF neighbour is not Full yet. */
bool tunnels_settling(const struct tunnels *ts);

#endif
