/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * http.h - listeners: HTTP/1.1 over mutual TLS, plain TLS, a Unix socket,
 *          plain TCP
 *
 * The only user of libmicrohttpd. One event thread per listener parks and
 * sends; handlers run on a pool of worker threads, each with a store connection
 * of its own. Knows nothing of the domain.
 */
#ifndef PPVPN_SERVER_HTTP_H
#define PPVPN_SERVER_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "err.h"

struct http;			/* one listener */
struct http_request;	/* one request on it */
struct store;

enum http_security {
	HTTP_MUTUAL_TLS,	/* TLS 1.3 only, client certificate of our CA required */
	HTTP_TLS,			/* TLS 1.2 and 1.3; with ca_file: a client may show a
						   certificate, which must be good then */
	HTTP_UNIX,			/* Unix socket, who may is the socket's mode */
	HTTP_PLAIN			/* TCP and nothing more: for what is no secret */
};

/* What a handler answers; headers: NULL-terminated pairs, text. */
#define HTTP_HEADERS_MAX 6
#define HTTP_CLASSES 5
struct http_response {
	unsigned status;
	const char *content_type;
	struct { const char *name; char value[128]; } headers[HTTP_HEADERS_MAX];
	size_t header_count;
	char *body;			/* malloc, handed over; wiped after sending */
	size_t body_len;
};

void http_response_header(struct http_response *r, const char *name,
						  const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/** status with {"error":{...}} of e. */
void http_response_error(struct http_response *r, unsigned status,
						 const struct err *e);

enum http_verdict {
	HTTP_DONE,			/* the response is filled */
	HTTP_PARK			/* keep it until http_wake() or the deadline; then the
						   handler runs again with http_request_woken() true */
};

/** Runs on a worker thread. */
typedef enum http_verdict (*http_handler_fn)(struct http_request *req,
											 struct http_response *resp,
											 struct store *store, void *user);

struct http_route {
	const char *method;
	const char *path;			/* "/v1/vpns/{customer}/{vpn}"; {x} is one segment */
	http_handler_fn handler;
	size_t max_body;			/* bytes; 0: none allowed */
	unsigned access;			/* what http_config.admit makes of it */
};

/**
 * Runs before each run of a handler, woken ones too: false refuses, with resp
 * filled.
 */
typedef bool (*http_admit_fn)(struct http_request *req,
							  struct http_response *resp,
							  struct store *store, void *user);

/* The request, while the handler runs. */
const char *http_request_header(struct http_request *req, const char *name);
/** Decoded segment for "{name}", NULL when the route has none of that name. */
const char *http_request_segment(struct http_request *req, const char *name);
const char *http_request_query(struct http_request *req, const char *name);
const char *http_request_body(struct http_request *req, size_t *len);
/** SHA-256 of the client certificate's SubjectPublicKeyInfo; false: none. */
bool http_request_key(struct http_request *req, uint8_t hash[32]);
/**
 * The URI that the client certificate is also for (subjectAltName): what its
 * issuer says that it is. NULL: none, or more than one.
 */
const char *http_request_key_uri(struct http_request *req);
/** Its serial number; 0: none, or longer than 8 bytes. */
uint64_t http_request_key_serial(struct http_request *req);
/** For the audit: "unix:uid=0" or the client's address. */
const char *http_request_peer(struct http_request *req);
/** uid of the peer on a Unix socket, else -1. */
long http_request_uid(struct http_request *req);

/**
 * Before returning HTTP_PARK: wake on tag (a CE's row id, say), at the latest
 * after ms. A tag that changed between reading and parking must not be lost:
 * generation is what http_generation() said before the handler read the store;
 * if the tag was woken since, parking ends at once.
 */
void http_request_park(struct http_request *req, uint64_t tag,
					   uint64_t generation, unsigned ms);
/** True when this is a further run: woken, or at the deadline. */
bool http_request_woken(struct http_request *req);
/** Milliseconds since the first HTTP_PARK of this request; 0 before it. */
unsigned http_request_waited_ms(struct http_request *req);
/** The listener, for http_generation(). */
struct http *http_request_listener(struct http_request *req);
/** Its row of the table. */
const struct http_route *http_request_route(struct http_request *req);
/**
 * Keep a thing with the request, until it is answered or another is kept; then
 * done is called with it.
 */
void http_request_keep(struct http_request *req, void *thing,
					   void (*done)(void *thing));
void *http_request_kept(struct http_request *req);

struct http_config {
	enum http_security security;
	const char *listen;			/* "ADDR:PORT" or a path */
	const char *unix_group;		/* HTTP_UNIX: owner group of the socket or NULL */
	const char *cert_file, *key_file, *ca_file;		/* PEM */
	bool need_key_uri;			/* HTTP_MUTUAL_TLS: a client whose certificate has
								   no URI gets 403 before its body is read */
	unsigned connection_limit;	/* all, dead ones of parked requests too */
	unsigned per_ip_limit;
	size_t head_size;			/* bytes for request line and headers, and what
								   each connection costs; 0: 16 KiB */
	unsigned request_deadline_ms;	/* first complete request after connecting */
	unsigned queue_limit;		/* new requests waiting for a worker, then 503
								   (earlier where they take long: pace.h); 0: 4096 */
	unsigned workers;
	const struct http_route *routes;	/* ended by method NULL */
	http_admit_fn admit;		/* NULL: everybody */
	void *user;
	/* every worker opens and closes its own */
	int (*store_open)(void *user, struct store **store, struct err *e);
	void (*store_close)(struct store *store);
};

int http_start(const struct http_config *config, struct http **http, struct err *e);
/** Resume everything parked, answer, close, join. NULL is fine. */
void http_stop(struct http *http);

/** TCP port that is listened on (for port 0 in tests); 0 on a Unix socket. */
unsigned http_port(const struct http *http);

/** Any thread. */
uint64_t http_generation(struct http *http);
void http_wake(struct http *http, const uint64_t *tags, size_t count);
/** Requests that wait for a worker. */
size_t http_queued(struct http *http);
size_t http_parked(struct http *http);

struct http_stats
{
	size_t parked, connections, connection_limit;
	uint64_t answers[HTTP_CLASSES];		/* of status 1xx to 5xx, since start */
};
void http_stats(struct http *http, struct http_stats *stats);

#endif
