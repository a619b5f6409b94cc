/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * seal.h - secrets at rest: XChaCha20-Poly1305 with a random nonce
 *
 * The only user of libsodium. What is sealed is bound to its place by
 * associated data (a row's identity, a CE's name), so that sealed pieces cannot
 * be swapped. Thread safe.
 */
#ifndef PPVPN_SEAL_H
#define PPVPN_SEAL_H

#include <stddef.h>
#include <stdint.h>
#include "err.h"

#define SEAL_KEY_SIZE 32
#define SEAL_OVERHEAD (1 + 4 + 24 + 16)	/* version, key id, nonce, tag */

struct seal_key {
	uint8_t bytes[SEAL_KEY_SIZE];
	uint32_t id;				/* first four bytes of the key's hash, not 0 */
};

/** Call once before the others; 0 or -EIO. */
int seal_init(struct err *e);
/** Read a key file of 64 hex digits and a newline, mode 0600 or stricter. */
int seal_key_load(const char *path, struct seal_key *key, struct err *e);
/** Make one, whole or not at all whenever it is stopped; -EEXIST when path exists.
 * path.new may be left, and goes with the next try. */
int seal_key_create(const char *path, struct seal_key *key, struct err *e);
void seal_key_wipe(struct seal_key *key);

/** out has len + SEAL_OVERHEAD bytes. */
void seal_encrypt(const struct seal_key *key, const char *place,
				  const void *plain, size_t len, uint8_t *out);
/** out has len - SEAL_OVERHEAD bytes; -EBADMSG with e SEALED when it does not fit. */
int seal_decrypt(const struct seal_key *key, const char *place,
				 const uint8_t *sealed, size_t len, void *out, struct err *e);

/** Cryptographically random bytes. */
void seal_random(void *out, size_t len);
/** SHA-256. */
void seal_sha256(const void *in, size_t len, uint8_t out[32]);
/** With a key of any length. */
void seal_hmac_sha256(const void *key, size_t key_len, const void *in,
					  size_t len, uint8_t out[32]);

#endif
