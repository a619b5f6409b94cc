/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * fetch.h - HTTPS to the provider's server
 *
 * The only user of libcurl (the GnuTLS flavour). Mutual TLS with the CA of the
 * bundle and nothing of the system's trust store; every answer bounded in size
 * (decompressed) and time; never looks into a body.
 */
#ifndef PPVPN_AGENT_FETCH_H
#define PPVPN_AGENT_FETCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "err.h"

struct loop;
struct fetch;

struct fetch_answer {
	int rc;						/* 0: there is a status; else -errno with err */
	struct err err;				/* UNREACHABLE, TLS, TIMEOUT, LIMIT */
	bool heard;					/* with rc: it took or refused a new connection */
	char *chain;				/* with err TLS: the certificates it showed, PEM; NULL */
	unsigned status;			/* HTTP */
	char etag[128];
	char *body;					/* NUL-terminated; wiped after the callback */
	size_t len;
	int64_t date_s;				/* Date, seconds since 1970; -1: none */
	int64_t notify_ms;			/* Ppvpn-Notify-Ms, -1: none */
	uint64_t first_byte_ms;		/* loop_now_ms() at the first byte of the answer */
	char schema[128];			/* Ppvpn-Schema, "" none */
	unsigned retry_after;		/* seconds, 0: none */
	char diag[20];				/* Ppvpn-Diag: 1 to 19 digits, "" none */
};
typedef void (*fetch_fn)(void *user, const struct fetch_answer *answer);

struct fetch_identity { const char *cert_file, *key_file, *ca_file; };

struct fetch *fetch_new(struct loop *loop, const struct fetch_identity *identity, struct err *e);
void fetch_free(struct fetch *f);
/** GET url/v1/config; wait 0: answer at once. One at a time; a new one ends the old without a callback. */
void fetch_config(struct fetch *f, const char *server, const char *etag,
				  unsigned wait, fetch_fn fn, void *user);
/** As that with wait 0, beside it: is another server well? */
void fetch_look(struct fetch *f, const char *server, const char *etag,
				fetch_fn fn, void *user);
/** POST url/v1/status; body is copied. */
void fetch_status(struct fetch *f, const char *server, const char *body, size_t len,
				  fetch_fn fn, void *user);
/** POST url/v1/leave: take this CE out of everything. */
void fetch_leave(struct fetch *f, const char *server, fetch_fn fn, void *user);
/** POST of a certificate request to EST's simplereenroll. */
void fetch_renew(struct fetch *f, const char *server, const char *csr_base64,
				 fetch_fn fn, void *user);
/** POST url/v1/ike-key: this router's key for IKE, in a certificate request. */
void fetch_ike_key(struct fetch *f, const char *server, const char *csr_base64,
				   fetch_fn fn, void *user);
/** POST url/v1/diag?id=ID, digits; body is copied. */
void fetch_diag(struct fetch *f, const char *server, const char *id,
				const char *body, size_t len, fetch_fn fn, void *user);
/** Enrolment, EST simpleenroll; blocking, for the enroll command. token is wiped by the caller. */
int fetch_enroll(const char *url, const char *ca_file, const char *ce, const char *token,
				 const char *csr_base64, char **answer, struct err *e);

#endif
