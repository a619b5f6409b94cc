/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * provider.h - the provider's side as seen from here: which document is in
 * force, when to ask again, and what may be believed
 *
 * Owns the conversation with the servers (over fetch.h) and the last known
 * configuration (lastconf.h). Never removes anything on a failure: only a
 * checked document (belief.h), the one before it when it cut the way to the
 * servers (trial.h), or a checked tombstone is handed on.
 */
#ifndef PPVPN_AGENT_PROVIDER_H
#define PPVPN_AGENT_PROVIDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "err.h"
#include "model.h"

struct loop;
struct arena;
struct identity;
struct provider;
struct fetch_answer;

/* a document that passed every check, and how it came */
struct provider_document {
	const struct model_document *doc;	/* alive until the next one is handed over */
	bool from_disk;						/* or back, after another was on trial */
	uint64_t first_byte_ms;				/* loop_now_ms(); 0 from disk */
	uint64_t checked_ms;
};

struct provider_handlers {
	/* the wanted document changed (or is there for the first time) */
	void (*document)(void *user, const struct provider_document *d);
	/* something about the connection or a refused document changed, or a poke
	 * was answered */
	void (*state)(void *user);
	/* the server wants a diagnostic bundle: provider_diag() with this id */
	void (*diag)(void *user, const char *id);
	/* a request for the configuration, or a report, ended so */
	void (*answered)(void *user, const struct fetch_answer *answer);
	/* the document in force is the last known configuration on disk now */
	void (*kept)(void *user);
};

struct provider_status {
	const char *server;			/* in use */
	bool connected;				/* the last request was answered */
	uint64_t since_ms;			/* of connected, loop_now_ms() */
	uint64_t epoch, revision;	/* of the document in force; 0: none */
	bool confirmed;				/* a server was reached since it was applied */
	bool kept;					/* it is what the next start begins with */
	bool suspended, deprovisioned;	/* what the document in force says */
	bool rejected;				/* the newest document was refused: error says why */
	struct err error;			/* last error, code NONE when all is well */
	struct err refusal;			/* of the newest document; NONE: not rejected */
	struct err skew;			/* the server's versions are all others than ours */
	int report_schema;			/* to report in: an index into schema_status */
};

int provider_new(struct loop *loop, const char *state_dir,
				 const struct identity *id,
				 const struct provider_handlers *handlers, void *user,
				 struct provider **provider, struct err *e);
void provider_free(struct provider *p);

/** Load the last known configuration (handed on at once), then start polling. */
void provider_start(struct provider *p);
/** Never ask or report again; what is under way is not listened to. */
void provider_quit(struct provider *p);
/** Ask now, conditionally and without waiting: a peer vanished, a person asked. */
void provider_poke(struct provider *p);
/**
 * This router has another address, or the files of its identity are others now:
 * the connections of before are given up, and the server is asked at once. Not
 * from within a handler.
 */
void provider_reconnect(struct provider *p);
/** True when no answer to a poke is outstanding. */
bool provider_idle(const struct provider *p);
/**
 * The document in force was applied. When a server answers after that it is
 * confirmed, and becomes the last known configuration; else the one before is
 * handed on again (trial.h).
 */
void provider_applied(struct provider *p);
/** A person here accepts the mass removal that is held back; -ENOENT: none is. */
int provider_accept_removal(struct provider *p, struct err *e);
/** A person here has the document tried again that was taken back; -ENOENT. */
int provider_retry(struct provider *p, struct err *e);
void provider_status(const struct provider *p, struct provider_status *out);
/** Send a report; a newer one replaces one that waits. body is copied. */
void provider_report(struct provider *p, const char *body, size_t len);

/**
 * Ask the server to take this CE out of everything. fn comes once: e NULL when
 * it agreed; then it is asked for the tombstone at once, and only that removes.
 * e: why not; nothing was changed.
 */
typedef void (*provider_left_fn)(void *user, const struct err *e);
void provider_leave(struct provider *p, provider_left_fn fn, void *user);
/**
 * Ask for another certificate. fn comes once: with the answer of EST, or NULL
 * and why not, and how many seconds to wait at least. One at a time.
 */
typedef void (*provider_request_fn)(void *user, const char *answer,
									const struct err *e, unsigned retry_after);
void provider_renew(struct provider *p, const char *csr_base64,
					provider_request_fn fn, void *user);
/**
 * Tell this router's key for IKE. fn comes once, as that: with an empty text when
 * the server knows it now. One at a time.
 */
void provider_ike_key(struct provider *p, const char *csr_base64,
					  provider_request_fn fn, void *user);
/** The bundle that handlers.diag asked for. body is copied. */
void provider_diag(struct provider *p, const char *id, const char *body,
				   size_t len);

#endif
