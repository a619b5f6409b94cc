/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * belief.h - which documents of a server are believed
 *
 * Pure. A document is taken when it decodes, is this router's, is what its ETag
 * says, is newer than the one in force, was not taken back before (trial.h), and
 * does not drop peers in masses without a word (the brake).
 */
#ifndef PPVPN_AGENT_BELIEF_H
#define PPVPN_AGENT_BELIEF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "err.h"
#include "model.h"

#define BELIEF_ETAG_SIZE 128

/* Up to so many peers, or a quarter of them, may go unexplained. */
#define BELIEF_BRAKE_FEW 3
#define BELIEF_BRAKE_PART 4

/* a document with everything it points to; all zero: none */
struct held {
	struct arena *arena;
	struct model_document *doc;
	char *body;
	size_t len;
	char etag[BELIEF_ETAG_SIZE];
};

/** Wipe and forget. */
void held_done(struct held *h);

/* what the way a document came says of its state */
enum belief_expected { EXPECT_ACTIVE, EXPECT_GONE, EXPECT_EITHER };

struct belief {
	const char *ce;				/* who we are */
	const char *server;			/* who offers it, for errors */
	const struct held *held;	/* in force; its doc is NULL: none yet */
	/* a document that is not to be taken, "" none; and its place in order */
	const char *barred;
	uint64_t barred_epoch, barred_revision;
	const char *allowed;		/* a mass removal that somebody here accepted */
};

/**
 * Decode and check a body; on success it is out's.
 *
 * @return		0; -ESTALE (DOCUMENT_STALE), -ECANCELED (ROLLED_BACK), -EPERM
 *				(BULK_REMOVAL), or another with e
 */
int belief_take(const struct belief *b, const char *body, size_t len,
				const char *etag, enum belief_expected expected,
				struct held *out, struct err *e);

#endif
