/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * etag.c - a table of ETags by CE; a row that is overwritten costs a rebuild
 */
#include "config.h"

#include <gnutls/crypto.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "seal.h"
#include "text.h"
#include "server/etag.h"

#define ROWS 32768

struct row
{
	uint64_t ce_id, epoch, revision;
	int schema;
	char etag[ETAG_SIZE];
};

struct etags
{
	pthread_mutex_t lock;
	struct row rows[ROWS];
};

struct etags *etags_new(void)
{
	struct etags *t = xcalloc(1, sizeof(*t));

	pthread_mutex_init(&t->lock, NULL);
	return t;
}

void etags_free(struct etags *t)
{
	if (t)
	{
		pthread_mutex_destroy(&t->lock);
		free(t);
	}
}

void etag_build(char out[ETAG_SIZE], uint64_t epoch, uint64_t revision,
				const void *body, size_t len)
{
	uint8_t hash[32];
	char hex[17];

	/* uses the processor's instructions, five times as fast as libsodium's */
	if (gnutls_hash_fast(GNUTLS_DIG_SHA256, body, len, hash) < 0)
	{
		seal_sha256(body, len, hash);
	}
	hex_encode(hash, 8, hex);
	snprintf(out, ETAG_SIZE, "\"%" PRIu64 ".%" PRIu64 "-%s\"", epoch, revision,
			 hex);
}

bool etag_named(const char *if_none_match, const char *etag)
{
	/* the quotes make it one whole tag of a list */
	return if_none_match && strstr(if_none_match, etag);
}

void etags_put(struct etags *t, uint64_t ce_id, int schema, uint64_t epoch,
			   uint64_t revision, const char *etag)
{
	struct row *row = &t->rows[ce_id % ROWS];

	pthread_mutex_lock(&t->lock);
	row->ce_id = ce_id;
	row->schema = schema;
	row->epoch = epoch;
	row->revision = revision;
	snprintf(row->etag, sizeof(row->etag), "%s", etag);
	pthread_mutex_unlock(&t->lock);
}

bool etags_get(struct etags *t, uint64_t ce_id, int schema, uint64_t epoch,
			   uint64_t revision, char out[ETAG_SIZE])
{
	const struct row *row = &t->rows[ce_id % ROWS];
	bool found;

	pthread_mutex_lock(&t->lock);
	found = row->etag[0] && row->ce_id == ce_id && row->schema == schema &&
			row->epoch == epoch && row->revision == revision;
	if (found)
	{
		memcpy(out, row->etag, ETAG_SIZE);
	}
	pthread_mutex_unlock(&t->lock);
	return found;
}
