/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * secret.h - bytes that nobody prints
 *
 * Pure. A secret is of fixed room, compared in constant time, wiped when done.
 * There is no function that prints one except secret_to_hex(), which is for
 * the two encoders that must (document, plugin socket).
 */
#ifndef PPVPN_SECRET_H
#define PPVPN_SECRET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SECRET_MIN 16
#define SECRET_MAX 64

struct secret {
	uint8_t bytes[SECRET_MAX];
	size_t len;
};

/** 2*SECRET_MIN..2*SECRET_MAX hex digits, an even number: 0 or -EINVAL. */
int secret_from_hex(struct secret *s, const char *hex);
/** out must have 2*len+1 bytes; the caller wipes it. */
void secret_to_hex(const struct secret *s, char *out);
bool secret_equal(const struct secret *a, const struct secret *b);
void secret_wipe(struct secret *s);
/** Wipe any memory (explicit_bzero). */
void wipe(void *p, size_t len);

#endif
