/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * base64.c - base64 both ways
 */
#include "config.h"

#include <errno.h>

#include "alloc.h"
#include "server/base64.h"

static const char digits[] =
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static int value_of(char c)
{
	if (c >= 'A' && c <= 'Z')
	{
		return c - 'A';
	}
	if (c >= 'a' && c <= 'z')
	{
		return c - 'a' + 26;
	}
	if (c >= '0' && c <= '9')
	{
		return c - '0' + 52;
	}
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

int base64_decode(const char *in, size_t len, uint8_t *out, size_t *out_len)
{
	uint32_t bits = 0;
	size_t count = 0, pads = 0, n = 0;

	for (size_t i = 0; i < len; i++)
	{
		char c = in[i];
		int v = value_of(c);

		if (c == ' ' || c == '\t' || c == '\r' || c == '\n')
		{
			continue;
		}
		if (c == '=')
		{
			pads++;
			v = 0;
		}
		else if (v < 0 || pads)
		{
			return -EINVAL;
		}
		bits = bits << 6 | (uint32_t)v;
		if (++count % 4 == 0)
		{
			if (pads > 2)
			{
				return -EINVAL;
			}
			for (size_t k = 0; k < 3 - pads; k++)
			{
				out[n++] = (uint8_t)(bits >> (16 - 8 * k));
			}
		}
	}
	*out_len = n;
	return count % 4 ? -EINVAL : 0;
}

char *base64_encode(const uint8_t *in, size_t len)
{
	size_t groups = (len + 2) / 3;
	char *out = xcalloc(groups * 4 + 1, 1);
	size_t n = 0;

	for (size_t g = 0; g < groups; g++)
	{
		size_t left = len - g * 3;
		const uint8_t *p = in + g * 3;
		uint32_t bits = (uint32_t)p[0] << 16;

		bits |= left > 1 ? (uint32_t)p[1] << 8 : 0;
		bits |= left > 2 ? p[2] : 0;
		out[n++] = digits[bits >> 18];
		out[n++] = digits[bits >> 12 & 63];
		out[n++] = left > 1 ? digits[bits >> 6 & 63] : '=';
		out[n++] = left > 2 ? digits[bits & 63] : '=';
	}
	return out;
}
