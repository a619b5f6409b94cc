/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * charon.h - the plugin's socket (doc/plugin-protocol.md), asynchronous
 *
 * Owns the connection to charon.ppvpn. Reconnects by itself every second; a
 * new boot-id means that charon started anew.
 */
#ifndef PPVPN_AGENT_CHARON_H
#define PPVPN_AGENT_CHARON_H

#include "backend.h"

struct loop;
struct charon;

struct charon_hello {
	char boot_id[33];
	char version[32];			/* strongSwan's */
	bool install_routes, connmark;
	bool certificates;			/* connections may have them */
	uint64_t ikesa_table_size;
	uint64_t count;				/* connections that the plugin has */
	uint32_t pid;
};

struct charon_alert {
	const char *alert;			/* "peer-auth-failed", see the protocol */
	const char *name;			/* connection, NULL */
	const char *local_address, *remote_address, *remote_identity;	/* or NULL */
	bool ours;					/* this end began the negotiation */
};

struct charon_handlers {
	void (*connected)(void *user, const struct charon_hello *hello);
	void (*lost)(void *user);
	void (*unknown_peer)(void *user, const char *remote_address,
						 const char *remote_identity, uint64_t count);
	void (*alert)(void *user, const struct charon_alert *alert);
};

struct charon *charon_new(struct loop *loop, const char *path,
						  const struct charon_handlers *handlers, void *user);
void charon_free(struct charon *c);
const struct charon_hello *charon_hello(const struct charon *c);	/* NULL: not connected */
/** Kinds CREDENTIALS and CONN: list; a batch of steps in updates of 500. */
struct backend *charon_backend(struct charon *c);
/** What facts say from now on of this router's key for IKE (facts.h), NULL: there
 * is none; all of it is the caller's and stays until the next call. */
void charon_set_key(struct charon *c, const char *ike_key,
					char *const *certified, size_t count);
/** Start a negotiation; done with rc 0 (started, or under way), or -errno. */
typedef void (*charon_initiated_fn)(void *user, const char *conn, int rc,
									const struct err *e);
void charon_initiate(struct charon *c, const char *conn,
					 charon_initiated_fn done, void *user);
/** How the peers of established IKE_SAs proved who they are, for whoever wants to
 * know; done with rc 0, or -errno with e. sas is charon's, for the call. */
struct charon_sa;
typedef void (*charon_sas_fn)(void *user, int rc, const struct charon_sa *sas,
							  size_t count, const struct err *e);
void charon_sas(struct charon *c, charon_sas_fn done, void *user);

/* conn_json.c, pure: the canonical conn and its tag, into arena (spec->json, ->tag) */
struct arena;
void conn_json_build(struct arena *a, struct res_conn *spec);
/** The same of what connections with certificates refer to. */
void credentials_json_build(struct arena *a, struct res_credentials *spec);

#endif
