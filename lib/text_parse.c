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

/* 16 + the value of a digit, 0 for what is none */
static const uint8_t hex_digits[256] = {
	['0'] = 16, ['1'] = 17, ['2'] = 18, ['3'] = 19, ['4'] = 20, ['5'] = 21,
	['6'] = 22, ['7'] = 23, ['8'] = 24, ['9'] = 25,
	['a'] = 26, ['b'] = 27, ['c'] = 28, ['d'] = 29, ['e'] = 30, ['f'] = 31,
	['A'] = 26, ['B'] = 27, ['C'] = 28, ['D'] = 29, ['E'] = 30, ['F'] = 31,
};

int hex_decode(const char *in, uint8_t *out, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++)
	{
		unsigned high = hex_digits[(unsigned char)in[2 * i]];
		unsigned low = high ? hex_digits[(unsigned char)in[2 * i + 1]] : 0;

		if (!low)
		{
			return -EINVAL;
		}
		out[i] = (uint8_t)((high & 15) << 4 | (low & 15));
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
