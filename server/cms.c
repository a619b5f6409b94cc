/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * cms.c - certificates as CMS
 *
 * Pure.
 */
#include "config.h"

#include <string.h>

#include "alloc.h"
#include "server/cms.h"

/* tags of DER */
#define SEQUENCE 0x30
#define EXPLICIT_0 0xa0		/* and of certificates, which are implicit */
#define HEAD_MAX 5			/* a tag and a length of three bytes */

static const uint8_t oid_signed_data[] = {
	0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x02,
};
/* version 1, no digests, content of type data that is not there */
static const uint8_t before[] = {
	0x02, 0x01, 0x01, 0x31, 0x00,
	0x30, 0x0b, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07,
	0x01,
};
/* no signers */
static const uint8_t after[] = { 0x31, 0x00 };

/* Written from its end to its beginning: what a length counts is there then. */
struct backwards
{
	uint8_t *start, *at, *end;
};

static void put(struct backwards *b, const void *data, size_t len)
{
	b->at -= len;
	memcpy(b->at, data, len);
}

/* Everything from here to there is one thing. */
static void wrap(struct backwards *b, uint8_t tag, const uint8_t *there)
{
	const size_t len = (size_t)(there - b->at);
	uint8_t head[HEAD_MAX] = { tag };
	size_t n = 0;

	while (len >= 0x80 && len >> (8 * n))
	{
		n++;
	}
	head[1] = (uint8_t)(n ? 0x80 | n : len);
	for (size_t i = 0; i < n; i++)
	{
		head[2 + i] = (uint8_t)(len >> (8 * (n - 1 - i)));
	}
	put(b, head, 2 + n);
}

uint8_t *cms_certs_only(const uint8_t *certificate, size_t len,
						size_t *cms_len)
{
	const size_t room = len + sizeof(oid_signed_data) + sizeof(before) +
						sizeof(after) + 4 * HEAD_MAX;
	struct backwards b = { .start = xcalloc(room, 1) };
	const uint8_t *certificates_end;

	b.at = b.end = b.start + room;
	put(&b, after, sizeof(after));
	certificates_end = b.at;
	put(&b, certificate, len);
	wrap(&b, EXPLICIT_0, certificates_end);
	put(&b, before, sizeof(before));
	wrap(&b, SEQUENCE, b.end);
	wrap(&b, EXPLICIT_0, b.end);
	put(&b, oid_signed_data, sizeof(oid_signed_data));
	wrap(&b, SEQUENCE, b.end);
	*cms_len = (size_t)(b.end - b.at);
	memmove(b.start, b.at, *cms_len);
	return b.start;
}
