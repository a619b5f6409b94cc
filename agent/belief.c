/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * belief.c - which documents of a server are believed
 *
 * Pure.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "belief.h"
#include "schema.h"
#include "seal.h"
#include "text.h"

#define NUMBER(n) ((unsigned long long)(n))

void held_done(struct held *h)
{
	if (h->body)
	{
		wipe(h->body, h->len);
	}
	free(h->body);
	arena_free(h->arena);
	memset(h, 0, sizeof(*h));
}

/* ---- of the document itself ------------------------------------------------- */

/* ETag "epoch.revision-hash" must be that of the body. */
static int check_etag(const char *etag, const char *body, size_t len,
					  const struct model_document *doc, struct err *e)
{
	uint8_t hash[32];
	char hex[65];
	struct text want = {0};
	int rc = 0;

	seal_sha256(body, len, hash);
	hex_encode(hash, sizeof(hash), hex);
	hex[16] = '\0';
	text_addf(&want, "\"%llu.%llu-%s\"", NUMBER(doc->epoch),
			  NUMBER(doc->revision), hex);
	if (strcmp(etag, text_str(&want)) != 0)
	{
		rc = err_set(e, -EBADMSG, ERR_HTTP, "ETag", "the answer's ETag is %s, "
					 "its content says %s", etag[0] ? etag : "missing",
					 text_str(&want));
	}
	text_done(&want);
	return rc;
}

static int check_addressee(const struct belief *b,
						   enum belief_expected expected,
						   const struct model_document *doc, struct err *e)
{
	if (strcmp(doc->ce, b->ce) != 0)
	{
		return err_set(e, -EINVAL, ERR_DOCUMENT, "/ce", "the document is for "
					   "%s, this router is %s", doc->ce, b->ce);
	}
	if (expected != EXPECT_EITHER &&
		(expected == EXPECT_GONE) != (doc->state == MODEL_DEPROVISIONED))
	{
		return err_set(e, -EINVAL, ERR_DOCUMENT, "/state", "the document's "
					   "state does not fit the status of the answer");
	}
	return 0;
}

/* ---- its place in order ------------------------------------------------------ */

static int check_held(const struct belief *b, const struct model_document *doc,
					  const char *etag, struct err *e)
{
	const struct model_document *held = b->held->doc;

	if (!held || doc->epoch > held->epoch)
	{
		return 0;
	}
	if (doc->epoch < held->epoch || doc->revision < held->revision)
	{
		return err_set(e, -ESTALE, ERR_DOCUMENT_STALE, b->server,
					   "it offers %llu.%llu, older than %llu.%llu in force",
					   NUMBER(doc->epoch), NUMBER(doc->revision),
					   NUMBER(held->epoch), NUMBER(held->revision));
	}
	/* The same in a newer version of the schema has other bytes. And a tombstone
	 * is a dead key's: who enrolled anew meanwhile has a document of the same
	 * revision. */
	if (doc->revision == held->revision && doc->schema == held->schema &&
		held->state != MODEL_DEPROVISIONED &&
		strcmp(etag, b->held->etag) != 0)
	{
		return err_set(e, -ESTALE, ERR_DOCUMENT_STALE, b->server,
					   "it offers another content under revision %llu.%llu",
					   NUMBER(doc->epoch), NUMBER(doc->revision));
	}
	return 0;
}

/* What was taken back is not taken again, nor anything from before it. */
static int check_barred(const struct belief *b,
						const struct model_document *doc, const char *etag,
						struct err *e)
{
	if (!b->barred[0])
	{
		return 0;
	}
	if (strcmp(etag, b->barred) == 0)
	{
		return err_set(e, -ECANCELED, ERR_ROLLED_BACK, b->server,
					   "revision %llu.%llu was taken back, and is not tried "
					   "now",
					   NUMBER(doc->epoch), NUMBER(doc->revision));
	}
	if (doc->epoch == b->barred_epoch && doc->revision <= b->barred_revision)
	{
		return err_set(e, -ESTALE, ERR_DOCUMENT_STALE, b->server,
					   "it offers %llu.%llu, and had offered %llu.%llu with "
					   "another content", NUMBER(doc->epoch),
					   NUMBER(doc->revision), NUMBER(b->barred_epoch),
					   NUMBER(b->barred_revision));
	}
	return 0;
}

/* ---- the brake --------------------------------------------------------------- */

static const struct model_vpn *find_vpn(const struct model_document *doc,
										const struct model_vpn *like)
{
	for (size_t i = 0; i < doc->vpn_count; i++)
	{
		if (strcmp(doc->vpns[i].vpn, like->vpn) == 0 &&
			strcmp(doc->vpns[i].customer, like->customer) == 0)
		{
			return &doc->vpns[i];
		}
	}
	return NULL;
}

static int by_peer(const void *key, const void *item)
{
	return strcmp(key, ((const struct model_peer*)item)->peer);
}

static int by_removed(const void *key, const void *item)
{
	return strcmp(key, ((const struct model_removed*)item)->peer);
}

/* since: explanations of what went before do not count; 0: all do */
static bool is_explained(const struct model_vpn *vpn, const char *peer,
						 uint64_t since)
{
	const struct model_removed *end = vpn->removed + vpn->removed_count;
	const struct model_removed *r = vpn->removed_count ?
		bsearch(peer, vpn->removed, vpn->removed_count, sizeof(*r),
				by_removed) : NULL;

	/* it may have gone more than once */
	while (r && r > vpn->removed && strcmp(r[-1].peer, peer) == 0)
	{
		r--;
	}
	for (; r && r < end && strcmp(r->peer, peer) == 0; r++)
	{
		if (r->at_revision > since)
		{
			return true;
		}
	}
	return false;
}

/* Peers of was (one VPN) that are gone without a word. */
static size_t count_unexplained(const struct model_vpn *was,
								const struct model_document *doc,
								uint64_t since)
{
	const struct model_vpn *is = find_vpn(doc, was);
	size_t n = 0;

	if (!is)
	{
		return was->peer_count;
	}
	if (doc->state == MODEL_SUSPENDED)
	{	/* the word */
		return 0;
	}
	for (size_t i = 0; i < was->peer_count; i++)
	{
		const char *peer = was->peers[i].peer;

		n += !(is->peer_count && bsearch(peer, is->peers, is->peer_count,
										 sizeof(*is->peers), by_peer)) &&
			 !is_explained(is, peer, since);
	}
	return n;
}

static bool is_mass(size_t gone, size_t of)
{
	return gone > BELIEF_BRAKE_FEW && gone * BELIEF_BRAKE_PART > of;
}

static int brake(const char *where, size_t gone, size_t of,
				 const struct model_document *doc, struct err *e)
{
	return err_set(e, -EPERM, ERR_BULK_REMOVAL, where, "revision %llu.%llu "
				   "drops %zu of %zu peers without a word", NUMBER(doc->epoch),
				   NUMBER(doc->revision), gone, of);
}

/* Neither one VPN nor all of them together may lose too many at once. */
static int check_brake(const struct belief *b, const struct model_document *doc,
					   const char *etag, struct err *e)
{
	const struct model_document *held = b->held->doc;
	uint64_t since;
	size_t gone = 0, of = 0;
	char place[2 * NAME_SIZE + 1];

	if (!held || doc->state == MODEL_DEPROVISIONED ||
		(etag[0] && strcmp(etag, b->allowed) == 0))
	{
		return 0;
	}
	since = doc->epoch == held->epoch ? held->revision : 0;
	if (doc->bulk_removal > since && doc->bulk_removal <= doc->revision)
	{
		return 0;
	}
	for (size_t i = 0; i < held->vpn_count; i++)
	{
		const struct model_vpn *vpn = &held->vpns[i];
		size_t n = count_unexplained(vpn, doc, since);

		if (is_mass(n, vpn->peer_count))
		{
			snprintf(place, sizeof(place), "%s/%s", vpn->customer, vpn->vpn);
			return brake(place, n, vpn->peer_count, doc, e);
		}
		gone += n;
		of += vpn->peer_count;
	}
	return is_mass(gone, of) ? brake(b->ce, gone, of, doc, e) : 0;
}

/* A version that is not known here is the reason for whatever is wrong with it. */
static void explain_schema(const struct belief *b, struct arena *arena,
						   const char *body, size_t len, int rc, struct err *e)
{
	char *name, ours[SCHEMA_LIST_SIZE];

	if (model_schema(arena, body, len, &name) == 0 &&
		schema_common(schema_config, name) < 0)
	{
		schema_list(schema_config, ours);
		err_set(e, rc, ERR_SCHEMA, b->server, "it sends %s; this router's "
				"agent takes %s", name, ours);
	}
}

/* ---- all of it --------------------------------------------------------------- */

int belief_take(const struct belief *b, const char *body, size_t len,
				const char *etag, enum belief_expected expected,
				struct held *out, struct err *e)
{
	struct held h = { .arena = arena_new() };
	int rc = model_decode(h.arena, body, len, &h.doc, e);

	if (rc < 0)
	{
		explain_schema(b, h.arena, body, len, rc, e);
	}
	else
	{
		rc = check_addressee(b, expected, h.doc, e);
	}
	if (rc == 0 && etag[0])
	{
		rc = check_etag(etag, body, len, h.doc, e);
	}
	if (rc == 0)
	{
		rc = check_barred(b, h.doc, etag, e);
	}
	if (rc == 0)
	{
		rc = check_held(b, h.doc, etag, e);
	}
	if (rc == 0)
	{
		rc = check_brake(b, h.doc, etag, e);
	}
	if (rc < 0)
	{
		arena_free(h.arena);
		return rc;
	}
	h.body = xcalloc(len + 1, 1);
	memcpy(h.body, body, len);
	h.len = len;
	snprintf(h.etag, sizeof(h.etag), "%s", etag);
	*out = h;
	return 0;
}
