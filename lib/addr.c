/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * addr.c - IP addresses and prefixes
 *
 * Pure. Allocates nothing.
 */
#include "config.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "addr.h"

/* a decimal number of at most max without leading zeros; moves *s behind it */
static int parse_number(const char **s, unsigned max, unsigned *out)
{
	const char *start = *s;
	unsigned value = 0;

	while (**s >= '0' && **s <= '9')
	{
		value = value * 10 + (unsigned)(**s - '0');
		(*s)++;
		if (value > max)
		{
			return -EINVAL;
		}
	}
	if (*s == start || (*start == '0' && *s - start > 1))
	{
		return -EINVAL;
	}
	*out = value;
	return 0;
}

static int parse_quad(const char **s, struct addr *out)
{
	unsigned i, part;

	*out = (struct addr){ .family = AF_INET };
	for (i = 0; i < 4; i++)
	{
		if ((i && *(*s)++ != '.') || parse_number(s, 255, &part))
		{
			*out = (struct addr){ 0 };
			return -EINVAL;
		}
		out->bytes[i] = (uint8_t)part;
	}
	return 0;
}

int addr_parse4(const char *s, struct addr *out)
{
	if (parse_quad(&s, out) || *s)
	{
		*out = (struct addr){ 0 };
		return -EINVAL;
	}
	return 0;
}

/* A document of a thousand peers has a thousand addresses: no printf(). */
static char *write_octet(char *s, unsigned value)
{
	if (value >= 100)
	{
		*s++ = (char)('0' + value / 100);
	}
	if (value >= 10)
	{
		*s++ = (char)('0' + value / 10 % 10);
	}
	*s++ = (char)('0' + value % 10);
	return s;
}

static const char *write_ipv4(const uint8_t *bytes, char *buf)
{
	char *s = buf;

	for (int i = 0; i < 4; i++)
	{
		s = write_octet(s, bytes[i]);
		*s++ = i < 3 ? '.' : '\0';
	}
	return buf;
}

const char *addr_str(const struct addr *a, char buf[ADDR_TEXT_MAX])
{
	if (a->family == AF_INET)
	{
		return write_ipv4(a->bytes, buf);
	}
	if (!a->family || !inet_ntop(a->family, a->bytes, buf, ADDR_TEXT_MAX))
	{
		snprintf(buf, ADDR_TEXT_MAX, "none");
	}
	return buf;
}

bool addr_equal(const struct addr *a, const struct addr *b)
{
	return memcmp(a, b, sizeof(*a)) == 0;
}

uint32_t addr_to_u32(const struct addr *a)
{
	if (a->family != AF_INET)
	{
		return 0;
	}
	return (uint32_t)a->bytes[0] << 24 | (uint32_t)a->bytes[1] << 16 |
		   (uint32_t)a->bytes[2] << 8 | a->bytes[3];
}

struct addr addr_from_u32(uint32_t v)
{
	return (struct addr){
		.family = AF_INET,
		.bytes = { (uint8_t)(v >> 24), (uint8_t)(v >> 16), (uint8_t)(v >> 8),
				   (uint8_t)v },
	};
}

bool addr_is_host(const struct addr *a)
{
	return a->family == AF_INET && a->bytes[0] != 0 && a->bytes[0] != 127 &&
		   a->bytes[0] < 224;
}

static unsigned family_bits(uint8_t family)
{
	return family == AF_INET ? 32 : family == AF_INET6 ? 128 : 0;
}

/* do the first len bits of a and b agree? */
static bool bits_equal(const uint8_t *a, const uint8_t *b, unsigned len)
{
	unsigned bytes = len / 8, rest = len % 8;

	if (memcmp(a, b, bytes) != 0)
	{
		return false;
	}
	return !rest || ((a[bytes] ^ b[bytes]) >> (8 - rest)) == 0;
}

int prefix_parse4(const char *s, bool strict, struct prefix *out)
{
	struct prefix network;
	unsigned len;

	*out = (struct prefix){ 0 };
	if (parse_quad(&s, &out->addr) || *s++ != '/' ||
		parse_number(&s, 32, &len) || *s)
	{
		*out = (struct prefix){ 0 };
		return -EINVAL;
	}
	out->len = (uint8_t)len;
	network = prefix_network(out);
	if (strict && !prefix_equal(&network, out))
	{
		*out = (struct prefix){ 0 };
		return -EINVAL;
	}
	return 0;
}

static int prefix_parse6(const char *s, struct prefix *out)
{
	const char *slash = strchr(s, '/');
	char text[ADDR_TEXT_MAX];
	struct prefix network;
	unsigned len;

	*out = (struct prefix){ .addr.family = AF_INET6 };
	if (slash && (size_t)(slash - s) < sizeof(text))
	{
		memcpy(text, s, (size_t)(slash - s));
		text[slash - s] = '\0';
		s = slash + 1;
		if (inet_pton(AF_INET6, text, out->addr.bytes) == 1 &&
			!parse_number(&s, 128, &len) && !*s)
		{
			out->len = (uint8_t)len;
			network = prefix_network(out);
			if (prefix_equal(&network, out))
			{
				return 0;
			}
		}
	}
	*out = (struct prefix){ 0 };
	return -EINVAL;
}

int prefix_parse(const char *s, struct prefix *out)
{
	return strchr(s, ':') ? prefix_parse6(s, out)
						  : prefix_parse4(s, true, out);
}

const char *prefix_str(const struct prefix *p, char buf[PREFIX_TEXT_MAX])
{
	char addr[ADDR_TEXT_MAX];

	snprintf(buf, PREFIX_TEXT_MAX, "%s/%u", addr_str(&p->addr, addr), p->len);
	return buf;
}

bool prefix_contains(const struct prefix *p, const struct addr *a)
{
	return p->addr.family && p->addr.family == a->family &&
		   bits_equal(p->addr.bytes, a->bytes, p->len);
}

bool prefix_overlaps(const struct prefix *p, const struct prefix *q)
{
	return prefix_contains(p, &q->addr) || prefix_contains(q, &p->addr);
}

bool prefix_equal(const struct prefix *p, const struct prefix *q)
{
	return memcmp(p, q, sizeof(*p)) == 0;
}

struct prefix prefix_network(const struct prefix *p)
{
	struct prefix network = *p;
	unsigned bit;

	for (bit = p->len; bit < family_bits(p->addr.family); bit++)
	{
		network.addr.bytes[bit / 8] &= (uint8_t)~(0x80 >> bit % 8);
	}
	return network;
}

int prefix_compare(const struct prefix *p, const struct prefix *q)
{
	int rc;

	if (p->addr.family != q->addr.family)
	{
		return p->addr.family == AF_INET ? -1 : 1;
	}
	rc = memcmp(p->addr.bytes, q->addr.bytes, sizeof(p->addr.bytes));
	return rc ? rc : p->len - q->len;
}

bool prefix_is_site(const struct prefix *p)
{
	static const struct prefix not_six[] = {
		{ .addr = { .family = AF_INET6 }, .len = 8 },
		{ .addr = { .family = AF_INET6, .bytes = { 0xfe, 0x80 } }, .len = 10 },
		{ .addr = { .family = AF_INET6, .bytes = { 0xff } }, .len = 8 },
	};
	static const struct prefix not_four[] = {
		{ .addr = { .family = AF_INET }, .len = 8 },
		{ .addr = { .family = AF_INET, .bytes = { 127 } }, .len = 8 },
		{ .addr = { .family = AF_INET, .bytes = { 169, 254 } }, .len = 16 },
		{ .addr = { .family = AF_INET, .bytes = { 224 } }, .len = 3 },
	};
	size_t i;

	for (i = 0; i < sizeof(not_six) / sizeof(not_six[0]); i++)
	{
		if (prefix_overlaps(p, &not_six[i]))
		{
			return false;
		}
	}
	for (i = 0; i < sizeof(not_four) / sizeof(not_four[0]); i++)
	{
		if (prefix_overlaps(p, &not_four[i]))
		{
			return false;
		}
	}
	return p->addr.family != 0;
}
