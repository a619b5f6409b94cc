/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * tls_kit.h - certificates and a TLS server for tests of clients
 *
 * The server is a child process on 127.0.0.1 that handles one connection after
 * the other and counts them.
 */
#ifndef PPVPN_TEST_TLS_KIT_H
#define PPVPN_TEST_TLS_KIT_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* Files DIR/NAME.crt and DIR/NAME.key; issuer NULL: a CA of its own. */
void kit_certificate(const char *dir, const char *name, const char *issuer);
/* As that, valid from so many seconds from now on. */
void kit_certificate_at(const char *dir, const char *name, const char *issuer,
						long begins);
/** base64 of a certs-only PKCS#7 for a request (base64 of DER); seconds: until it begins. */
char *kit_sign(const char *dir, const char *issuer, const char *csr, long begins);

struct kit_connection;
/** One request of a connection: head and body, NUL-terminated. false: close. */
typedef bool (*kit_fn)(struct kit_connection *c, const char *head,
					   const char *body, void *user);
void kit_send(struct kit_connection *c, const void *data, size_t len);
void kit_sendf(struct kit_connection *c, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
/** How many connections, this one included, there were. */
unsigned kit_connections(const struct kit_connection *c);

struct kit_server { pid_t pid; unsigned port; };
/** certificate: DIR/NAME; client_ca: DIR/CA that clients must show, NULL: none. */
struct kit_server kit_serve(const char *dir, const char *certificate,
							const char *client_ca, const char *priority,
							kit_fn fn, void *user);
void kit_stop(struct kit_server *s);

#endif
