/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * etag.h - ETags of documents, and which document a CE would get
 *
 * Pure but for its lock. Remembers the ETag of each CE's newest document (not
 * the document: it holds secrets), so that an unchanged one is not built again
 * to say 304.
 */
#ifndef PPVPN_SERVER_ETAG_H
#define PPVPN_SERVER_ETAG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ETAG_SIZE 64	/* "epoch.revision-hash" with its quotes */

struct etags;

struct etags *etags_new(void);
void etags_free(struct etags *t);

/** The ETag of a body: hash is the first 16 hex digits of its SHA-256. */
void etag_build(char out[ETAG_SIZE], uint64_t epoch, uint64_t revision,
				const void *body, size_t len);
/** Does an If-None-Match header (NULL: none) name it? */
bool etag_named(const char *if_none_match, const char *etag);

/** schema: the version it is written in, an index into schema_config. */
void etags_put(struct etags *t, uint64_t ce_id, int schema, uint64_t epoch,
			   uint64_t revision, const char *etag);
/** True and out filled when that revision of that CE's document is known. */
bool etags_get(struct etags *t, uint64_t ce_id, int schema, uint64_t epoch,
			   uint64_t revision, char out[ETAG_SIZE]);

#endif
