/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * der.h - writing DER, from its end to its beginning
 *
 * Pure. What a length counts is there already when the length is written.
 */
#ifndef PPVPN_SERVER_DER_H
#define PPVPN_SERVER_DER_H

#include <stddef.h>
#include <stdint.h>

#define DER_INTEGER 0x02
#define DER_BIT_STRING 0x03
#define DER_OCTET_STRING 0x04
#define DER_ENUMERATED 0x0a
#define DER_UTC_TIME 0x17
#define DER_GENERALIZED_TIME 0x18
#define DER_SEQUENCE 0x30
#define DER_CONTEXT(n) (0xa0 | (n))		/* constructed */
#define DER_HEAD_MAX 6			/* a tag and a length of four bytes */

struct der
{
	uint8_t *start, *at, *end;	/* at: of what is there so far */
};

/** room for that many bytes, which is enough; der_done() frees. */
void der_init(struct der *d, size_t room);
void der_done(struct der *d);
/** What was written, from its beginning: the caller frees it; d is done. */
uint8_t *der_take(struct der *d, size_t *len);
/** Where things end that are written from now on: for der_wrap(). */
const uint8_t *der_mark(const struct der *d);

/** Bytes as they are. */
void der_put(struct der *d, const void *data, size_t len);
/** Everything from here to there is one thing. */
void der_wrap(struct der *d, uint8_t tag, const uint8_t *there);
void der_put_as(struct der *d, uint8_t tag, const void *data, size_t len);
/** An INTEGER that is not negative, of the shortest form. */
void der_put_number(struct der *d, uint64_t number);
/** Seconds since 1970, as certificates say times: from 1950 to 9999. */
void der_put_time(struct der *d, int64_t seconds);

#endif
