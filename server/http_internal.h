/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * http_internal.h - what the http*.c files share; nobody else includes it
 *
 *   http.c          libmicrohttpd: callbacks, start, stop
 *   http_check.c    pure: may this request be handled at all?
 *   http_listen.c   listening sockets, peer names
 *   http_request.c  what handlers see: request accessors, response helpers
 *   http_work.c     worker threads, parking, deadlines
 *   http_tls.c      what GnuTLS is told about each session
 */
#ifndef PPVPN_SERVER_HTTP_INTERNAL_H
#define PPVPN_SERVER_HTTP_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>
#include "http.h"
#include "pace.h"
#include "route.h"
#include "wheel.h"

struct MHD_Connection;
struct MHD_Daemon;

#define HTTP_PEER_SIZE 64
#define HTTP_REQUEST_HEADERS_MAX 64
#define HTTP_PARK_BUCKETS 4096
#define HTTP_PARK_MS_MAX 120000
#define HTTP_SEND_MS 300000		/* an answer must have left in this time */
#define HTTP_IDLE_MS 75000		/* next complete request of a kept connection */
#define HTTP_RESUME_EACH 256	/* parked ones from which resumes are batched */
#define HTTP_RESUME_MS 20
#define HTTP_QUEUE_LIMIT 4096
#define HTTP_STOP_MS 3000		/* for answers under way when stopping */

/* one connection */
struct http_client
{
	int fd;
	struct wheel_entry deadline;	/* then the socket is shut down */
	bool key_read, has_key;
	uint8_t key[32];
	char *key_uri;					/* NULL: none */
	uint64_t key_serial;
	char peer[HTTP_PEER_SIZE];
	long uid;
};

/* A tail queue of requests, by their link. */
struct http_list
{
	struct http_request *head, *tail;
	size_t count;
};

/* Who holds it: libmicrohttpd's thread, until handed over; the lists below and
 * the worker that took it, until resumed; then libmicrohttpd's thread again. */
struct http_request
{
	struct http *http;
	struct MHD_Connection *connection;
	struct http_client *client;
	bool begun, refused, answered;
	const struct http_route *route;
	char *uri;						/* as it came; freed once parsed */
	struct route_target target;
	char *headers;					/* name, value, each with its end */
	size_t headers_len, header_count;
	char *body;
	size_t body_len;
	struct http_response *response;	/* NULL until there is one */
	void *kept;						/* http_request_keep() */
	void (*kept_done)(void *kept);

	struct http_list *list;			/* that it is on: fresh, woken, bucket, done */
	struct http_request *prev, *next;
	struct wheel_entry park;
	uint64_t tag, generation, parked_at_ms;
	unsigned park_ms;
	bool woken;
};

/* requests parked under tags of one hash, and when one of them was woken */
struct http_bucket
{
	struct http_list list;
	uint64_t generation;
};

struct http
{
	struct MHD_Daemon *mhd;
	enum http_security security;
	bool asks_key;					/* HTTP_TLS: for a certificate, and needs none */
	bool need_key_uri;
	char *listen;
	const struct http_route *routes;
	http_admit_fn admit;
	void *user;
	void (*store_close)(struct store *store);
	unsigned request_deadline_ms, queue_limit, worker_count;
	int fd;							/* listening */
	unsigned port;
	unsigned connection_limit;
	atomic_uint_fast64_t answers[HTTP_CLASSES];

	pthread_mutex_t lock;			/* of everything below */
	pthread_cond_t work, tick, idle;
	struct http_list fresh, woken;	/* waiting for a worker: new, parked before */
	bool woken_next;				/* whose turn it is */
	struct http_list done;			/* answered, to be resumed in a batch */
	struct http_bucket buckets[HTTP_PARK_BUCKETS];
	struct wheel parks, clients;
	uint64_t generation;
	struct pace pace;
	size_t parked;
	size_t suspended;				/* handed over and not yet resumed */
	size_t active;					/* handed over and not yet completed */
	bool stopping, quit;
	struct http_worker *workers;
	pthread_t clock;
	bool clock_runs;
};

struct http_worker
{
	struct http *http;
	struct store *store;
	pthread_t thread;
	bool runs;
};

/* http_check.c */
/** 0, or the status to refuse with, and e filled; needs headers and target. */
unsigned http_check(const struct http_route *routes, const char *method,
					struct http_request *req, char allow[ROUTE_ALLOW_SIZE],
					struct err *e);

/* http_listen.c */
int http_listen(const struct http_config *config, int *fd, unsigned *port,
				struct err *e);
void http_client_name(struct http_client *client, bool is_unix);

/* http_request.c */
void http_response_done(struct http_response *r);
/** 503, to come again in so many seconds. */
void http_response_busy(struct http_response *r, unsigned retry_s);
/** First header of that name from *at on, which moves behind it; NULL: none. */
const char *http_header_from(const struct http_request *req, const char *name,
							 size_t *at);

/* http_work.c */
uint64_t http_now_ms(void);
int http_work_start(struct http *http, const struct http_config *config,
					struct err *e);
/** May a request be suspended and given? False: not now, again in *retry_s. */
bool http_work_ready(struct http *http, unsigned *retry_s);
/** Queue a suspended request for a worker. */
void http_work_give(struct http_request *req);
/** libmicrohttpd is done with a request that was handed over. */
void http_work_completed(struct http *http);
/** Answer all that is parked, wait until nothing is suspended. */
void http_work_drain(struct http *http);
/** End the threads, close the stores. */
void http_work_stop(struct http *http);
void http_deadline(struct http *http, struct http_client *client, unsigned ms);
void http_deadline_off(struct http *http, struct http_client *client);

/* http.c: what http_work.c asks of libmicrohttpd */
void http_mhd_resume(struct MHD_Connection *connection);

/* http_tls.c */
struct gnutls_session_int;
void http_tls_require(struct gnutls_session_int *session);
void http_tls_ask(struct gnutls_session_int *session);
/** uri: the one URI of the certificate, malloc, or NULL; serial: 0 if too long. */
bool http_tls_key(struct gnutls_session_int *session, uint8_t hash[32],
				  char **uri, uint64_t *serial);
const char *http_tls_priorities(enum http_security security);

#endif
