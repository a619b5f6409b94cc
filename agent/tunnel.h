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
#include "turn.h"

struct loop;
struct loop_timer;
struct tunnels;

struct tunnel {
	char conn[CONN_NAME_SIZE];
	char customer[NAME_SIZE], vpn[NAME_SIZE], peer[NAME_SIZE];
	char identity[FQDN_SIZE];			/* of the peer */
	struct addr local, remote;
	bool initiator;
	bool passive;						/* the peer is behind NAT: it begins, never we */
	bool behind_nat;					/* this end is */
	struct model_retry retry;
	uint64_t silence_ms;				/* the peer's hellos come within it */

	enum peer_state state;
	uint64_t since_ms;					/* of state, loop_now_ms() */
	unsigned failures;					/* in a row */
	uint64_t timer_ms;					/* when the timer fires; 0: not armed */
	enum err_code last_error;
	const struct cause *hint;			/* what may have ended it, said at hint_ms */
	uint64_t hint_ms;
	enum cause_wait wait;				/* of the last failure */

	/* as last observed */
	char link[16], ike[24], child[24], proposal[96], ospf[24];
	bool installed, route;
	uint64_t route_ms;					/* when a route was last told of */
	uint64_t neighbor_ms;				/* since when ospf says a state */
	uint64_t in_bytes, out_bytes;
	uint32_t mark, spi_in, spi_out;
	uint32_t missing_spi, spare_seen;	/* sacheck's */
	uint32_t spare;						/* of facts.h */
	uint64_t ups;						/* how often it came up */

	/* how the peer of its newest IKE_SA proved who it is, when serve.c last
	 * asked; NULL: there is none, or it is not known */
	const char *authentication;
	uint64_t authentication_id;			/* that IKE_SA */

	/* is anything coming in? counted from heard_ms on */
	uint64_t heard_bytes, heard_ms, said_bytes;
	bool silent;

	bool has_service;
	struct status_service service;
	uint64_t phase_ms;					/* when the running phase began */

	/* tunnel.c's own */
	bool listed, kick;
	bool stale;							/* behind NAT: its SAs lead to nobody now */
	bool begun_anew;					/* nothing was heard since */
	struct turn turn;
	uint64_t look_ms, look_gap_ms;		/* when to look at it again */
	struct loop_timer *timer;
	struct tunnels *owner;
};

struct tunnels_handlers {
	/* negotiate now; may end in tunnels_failed() before it returns */
	void (*initiate)(void *user, struct tunnel *t);
	/* end what is left of a negotiation that took too long, or of a tunnel that
	 * is dead and that only this end can begin anew */
	void (*abandon)(void *user, struct tunnel *t);
	/* ask the server whether it is still a peer: then tunnels_answered() */
	void (*ask)(void *user, struct tunnel *t);
	/* state, service or last error changed: worth a report */
	void (*changed)(void *user, struct tunnel *t, enum peer_state old);
	/* an alarm's condition came (raised) or went; ERR_NONE: all that may be
	 * raised for a negotiation went */
	void (*alarm)(void *user, struct tunnel *t, enum err_code code, bool raised);
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
/**
 * Has this tunnel's neighbour come after everything was last looked at, at
 * looked_ms? ospfd runs a link that is new with its defaults, and a neighbour
 * that does so, too, is no sign that they are as the document says.
 */
bool tunnel_neighbor_is_new(const struct tunnel *t, uint64_t looked_ms);
void tunnels_route(struct tunnels *ts, const char *link, bool present);
/**
 * charon gave a cause for this connection. ours: of a negotiation that this end
 * began, or of an SA; else it only tells why the peer does not come through.
 */
void tunnels_cause(struct tunnels *ts, const char *conn,
				   const struct cause *cause, bool ours);
/** The server answered, or cannot be reached: those that asked go on. */
void tunnels_answered(struct tunnels *ts);
/** Initiate at once whatever the role: conn, or NULL for all that are not up. */
void tunnels_kick(struct tunnels *ts, const char *conn);
/** This router has another address: those behind NAT begin again from there. */
void tunnels_moved(struct tunnels *ts);
/** charon started anew: negotiations under way are gone; all start at once. */
void tunnels_restarted(struct tunnels *ts);
/** Since the last call a tunnel was seen that has an IKE_SA too many, and it is
 * this end that decides: sacheck is to look. */
bool tunnels_spare(struct tunnels *ts);
/** This router is new to its peers: those that should call are not waited for
 * as long as usual. After tunnels_ready(). */
void tunnels_introduce(struct tunnels *ts);
/** charon is away: nobody begins until tunnels_ready(). */
void tunnels_pause(struct tunnels *ts);
/**
 * Is it time to look at this tunnel's SA? Answers true once; then less and less
 * often. For negotiations, which may end without a word, and for tunnels that
 * are up without a neighbour.
 */
bool tunnel_look_due(struct tunnel *t);

size_t tunnels_count(const struct tunnels *ts);
struct tunnel *tunnels_get(const struct tunnels *ts, size_t i);
struct tunnel *tunnels_find(const struct tunnels *ts, const char *conn);
struct tunnel *tunnels_find_remote(const struct tunnels *ts, const struct addr *remote);
struct tunnel *tunnels_find_identity(const struct tunnels *ts, const char *identity);
/** Some tunnel is up whose OSPF neighbour is not Full yet. */
bool tunnels_settling(const struct tunnels *ts);

#endif
