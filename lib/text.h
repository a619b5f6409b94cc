/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * text.h - bounded string builder and safe number parsing
 *
 * Pure.
 */
#ifndef PPVPN_TEXT_H
#define PPVPN_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** A growing NUL-terminated text; zero-initialise, text_done() at the end. */
struct text {
	char *s;		/* never NULL after the first append */
	size_t len;
	size_t size;
};

void text_add(struct text *t, const char *s);
void text_addn(struct text *t, const char *s, size_t len);
void text_addf(struct text *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/** Make room for len more bytes at once: what grows is copied at every doubling. */
void text_reserve(struct text *t, size_t len);
/** The text, "" when nothing was added. */
const char *text_str(const struct text *t);
/** Hand the string over to the caller (free it), never NULL; t is empty again. */
char *text_take(struct text *t);
/** Wipes and frees. */
void text_done(struct text *t);

/** Decimal digits only, the whole string, min..max: 0, -EINVAL or -ERANGE. */
int text_to_u64(const char *s, uint64_t min, uint64_t max, uint64_t *out);
/** Lower-case hex of len bytes into out[2*len+1]. */
void hex_encode(const uint8_t *in, size_t len, char *out);
/** Exactly len bytes from 2*len lower- or upper-case digits; 0 or -EINVAL. */
int hex_decode(const char *in, uint8_t *out, size_t len);
/** Every byte of s in 0x20..0x7e. */
bool text_is_printable(const char *s);
/** Bytes of the UTF-8 character at s, at most len; 0: none begins there. */
size_t utf8_sequence(const char *s, size_t len);

#endif
