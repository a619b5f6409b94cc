/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * secret.c - bytes that nobody prints
 *
 * Pure. Allocates nothing.
 */
#include "config.h"

#include <errno.h>
#include <string.h>

#include "secret.h"
#include "text.h"

int secret_from_hex(struct secret *s, const char *hex)
{
	size_t len = strnlen(hex, 2 * SECRET_MAX + 1);

	secret_wipe(s);
	if (len % 2 || len < 2 * SECRET_MIN || len > 2 * SECRET_MAX)
	{
		return -EINVAL;
	}
	if (hex_decode(hex, s->bytes, len / 2))
	{
		secret_wipe(s);
		return -EINVAL;
	}
	s->len = len / 2;
	return 0;
}

void secret_to_hex(const struct secret *s, char *out)
{
	hex_encode(s->bytes, s->len, out);
}

bool secret_equal(const struct secret *a, const struct secret *b)
{
	volatile uint8_t diff = 0;
	size_t i;

	/* lengths are no secret; bytes beyond len are zero */
	for (i = 0; i < SECRET_MAX; i++)
	{
		diff |= a->bytes[i] ^ b->bytes[i];
	}
	return a->len == b->len && !diff;
}

void secret_wipe(struct secret *s)
{
	wipe(s, sizeof(*s));
}

void wipe(void *p, size_t len)
{
	if (p && len)
	{
		explicit_bzero(p, len);
	}
}
