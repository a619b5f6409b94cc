/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * store_mesh.h - large meshes read once for all the documents that change
 *
 * A site that joins a mesh of N changes N documents of N peers. Read one by one
 * they cost every link twice, each time from another page of the database; here
 * the links are read and their keys opened once, for all connections to the
 * database, while documents of that VPN are in demand. Holds keys in clear for
 * seconds; they are wiped when the demand is over.
 *
 * What is here is never the truth: it belongs to one revision, and a document
 * of any other is read as usual. Thread safe.
 */
#ifndef PPVPN_SERVER_STORE_MESH_H
#define PPVPN_SERVER_STORE_MESH_H

#include <stddef.h>
#include <stdint.h>

struct store;
struct store_meshes;

/* Smaller ones gain nothing; larger ones would take too much memory. */
#define STORE_MESH_SITES_MIN 64
#define STORE_MESH_SITES_MAX 1500
#define STORE_MESH_KEEP_MS 3000

struct store_meshes *store_meshes_new(void);
/** When no store uses it any more. NULL is fine. */
void store_meshes_free(struct store_meshes *meshes);
/** Documents of this connection come from there where that is cheaper. */
void store_meshes_use(struct store *s, struct store_meshes *meshes);
/** Wipe those that nobody asked for STORE_MESH_KEEP_MS; call it now and then. */
void store_meshes_expire(struct store_meshes *meshes);
/** How many are held at present. */
size_t store_meshes_held(struct store_meshes *meshes);

#endif
