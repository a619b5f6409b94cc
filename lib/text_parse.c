/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * text_parse.c - the half of text.h that allocates nothing: numbers, hex, UTF-8
 *
 * Pure. Apart from text.c so that charon's plugin can link it.
 */
#include "config.h"

#include <errno.h>

#include "text.h"

int text_to_u64(const char *s, uint64_t min, uint64_t max, uint64_t *out)
{
	uint64_t value = 0;

	if (!*s)
	{
		return -EINVAL;
	}
	for (; *s; s++)
	{
		unsigned digit = (unsigned char)*s - '0';

		if (digit > 9)
		{
			return -EINVAL;
		}
		if (__builtin_mul_overflow(value, (uint64_t)10, &value) ||
			__builtin_add_overflow(value, (uint64_t)digit, &value))
		{
			return -ERANGE;
		}
	}
	if (value < min || value > max)
	{
		return -ERANGE;
	}
	*out = value;
	return 0;
}

void hex_encode(const uint8_t *in, size_t len, char *out)
{
	static const char digits[] = "0123456789abcdef";
	size_t i;

	for (i = 0; i < len; i++)
	{
		out[2 * i] = digits[in[i] >> 4];
		out[2 * i + 1] = digits[in[i] & 0x0f];
	}
	out[2 * len] = '\0';
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
	{
		return c - '0';
	}
	if (c >= 'a' && c <= 'f')
	{
		return c - 'a' + 10;
	}
	if (c >= 'A' && c <= 'F')
	{
		return c - 'A' + 10;
	}
	return -1;
}

int hex_decode(const char *in, uint8_t *out, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++)
	{
		int high = hex_digit(in[2 * i]);
		int low = high < 0 ? -1 : hex_digit(in[2 * i + 1]);

		if (low < 0)
		{
			return -EINVAL;
		}
		out[i] = (uint8_t)(high << 4 | low);
	}
	return in[2 * len] ? -EINVAL : 0;
}

bool text_is_printable(const char *s)
{
	for (; *s; s++)
	{
		if (*s < 0x20 || *s > 0x7e)
		{
			return false;
		}
	}
	return true;
}

/* RFC 3629 section 4: no overlong forms, no surrogates, nothing over U+10FFFF */
size_t utf8_sequence(const char *s, size_t len)
{
	const uint8_t *b = (const uint8_t *)s;
	uint8_t low = 0x80, high = 0xbf;
	size_t n, i;

	if (!len)
	{
		return 0;
	}
	if (b[0] < 0x80)
	{
		return 1;
	}
	if (b[0] < 0xc2 || b[0] > 0xf4)
	{
		return 0;
	}
	n = b[0] < 0xe0 ? 2 : b[0] < 0xf0 ? 3 : 4;
	if (n > len)
	{
		return 0;
	}
	switch (b[0])
	{
		case 0xe0:
			low = 0xa0;
			break;
		case 0xed:
			high = 0x9f;
			break;
		case 0xf0:
			low = 0x90;
			break;
		case 0xf4:
			high = 0x8f;
			break;
	}
	if (b[1] < low || b[1] > high)
	{
		return 0;
	}
	for (i = 2; i < n; i++)
	{
		if ((b[i] & 0xc0) != 0x80)
		{
			return 0;
		}
	}
	return n;
}
