/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * identity.h - the CE's management key, certificate and pre-configuration
 *
 * Owns STATE/{management.key,management.crt,ca.crt,provider}: written by enroll,
 * read by run; with them STATE/ike.key, which is else ike_key.h's. Keys are born
 * here (ECDSA P-256, GnuTLS) and never leave.
 */
#ifndef PPVPN_AGENT_IDENTITY_H
#define PPVPN_AGENT_IDENTITY_H

#include <stdbool.h>
#include <stddef.h>
#include "addr.h"
#include "err.h"

struct identity {
	char *ce;						/* customer/ce */
	struct addr ce_address;			/* (s), of the bundle */
	char **servers;					/* of the bundle */
	size_t server_count;
	char *cert_file, *key_file, *ca_file;
	bool leaving;					/* the files may be gone already */
};

/** -ENOENT with NOT_ENROLLED; leaving is true when identity_leave() was called. */
int identity_load(const char *state_dir, struct identity *id, struct err *e);
void identity_done(struct identity *id);
/**
 * The whole of "ppvpn-agent enroll": read and check the bundle (doc/ce-api.md), make a
 * key, a CSR, ask the server, check the answer (our key, that CA), then write
 * everything, last the file "provider". bundle_path "-": standard input. may_set_clock: forward, if it is before the
 * CA (daytime.h). A failure leaves what was there.
 */
int identity_enroll(const char *state_dir, const char *bundle_path, bool force,
					bool may_set_clock, struct err *e);

/**
 * A new key and its certificate (PEM) take the place of those whose certificate
 * is from. A kill at any moment leaves the old pair or, after the next
 * identity_load(), the new one.
 *
 * @return		0, or -errno and what was there; -ESTALE (CONFLICT): from is not
 *				what is there any more; -EBUSY: somebody enrols
 */
int identity_renew(const char *state_dir, const char *from,
				   const char *key_pem, const char *cert_pem, struct err *e);

/**
 * This router leaves its provider: from here on, over restarts, until
 * identity_left(). One rename decides.
 */
int identity_leave(const char *state_dir, struct err *e);
/** Remove keys, certificates; after identity_leave(). */
int identity_remove(const char *state_dir, struct err *e);
/** It has left: not enrolled any more. */
int identity_left(const char *state_dir, struct err *e);

#endif
