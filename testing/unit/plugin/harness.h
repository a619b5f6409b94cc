/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * harness.h - libcharon, as Debian ships it, inside a test program
 *
 * Owns the library's life (one for each test, in the child that Check forks)
 * and short ways to make what the plugin handles.  Decides nothing.
 */

#ifndef HARNESS_H_
#define HARNESS_H_

#include "ppvpn_protocol.h"

#include <check.h>

/** Fixture: libstrongswan and libcharon, no plugins, no threads. */
void harness_setup(void);
void harness_teardown(void);

/** Fixture: the same with worker threads, for the socket. */
void harness_setup_threads(void);

/** Values of connection number i: own address, identities, key and mark. */
ppvpn_conn_spec_t harness_spec(u_int i);

/** Connection number i with a tag that ends in generation. */
ppvpn_conn_t *harness_conn(u_int i, u_int generation);

/** Connection of these values, which must be good. */
ppvpn_conn_t *harness_create(ppvpn_conn_spec_t *spec);

/** Key number i: 32 bytes of it. */
chunk_t harness_key(u_int i);

/** FQDN identity. */
identification_t *harness_id(char *fqdn);

/** Address. */
host_t *harness_host(char *address);

/** JSON of connection number i, to be freed. */
char *harness_json(u_int i, u_int generation);

/** A set of connections first to first + count - 1. */
ppvpn_set_t *harness_set(u_int first, u_int count, u_int generation);

/** Run one test case named after its file; exit status for automake. */
int harness_run(TCase *tcase, const char *name);

#endif
