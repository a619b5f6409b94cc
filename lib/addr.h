/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * addr.h - IP addresses and prefixes: parse, print, compare
 *
 * Pure. A struct has no padding that is not zero and can be compared by
 * memcmp. IPv4 is what the data plane speaks today; the type holds both.
 */
#ifndef PPVPN_ADDR_H
#define PPVPN_ADDR_H

#include <stdbool.h>
#include <stdint.h>

#define ADDR_TEXT_MAX 48	/* INET6_ADDRSTRLEN */
#define PREFIX_TEXT_MAX 52

struct addr {
	uint8_t family;		/* AF_INET or AF_INET6; 0: none */
	uint8_t zero[3];
	uint8_t bytes[16];	/* network order; the rest zero */
};

struct prefix {
	struct addr addr;
	uint8_t len;
	uint8_t zero[3];
};

/** Dotted quad, four parts, no leading zeros: 0 or -EINVAL. */
int addr_parse4(const char *s, struct addr *out);
const char *addr_str(const struct addr *a, char buf[ADDR_TEXT_MAX]);
bool addr_equal(const struct addr *a, const struct addr *b);
/** Host order 32 bits of an IPv4 address, and back. */
uint32_t addr_to_u32(const struct addr *a);
struct addr addr_from_u32(uint32_t v);
/** Unicast, not 0/8, 127/8, 224/3: fit to be a router's own address. */
bool addr_is_host(const struct addr *a);

/** "10.1.0.0/24"; strict: host bits must be zero. 0 or -EINVAL. */
int prefix_parse4(const char *s, bool strict, struct prefix *out);
/** The same or "2001:db8:1::/48", strict. 0 or -EINVAL. */
int prefix_parse(const char *s, struct prefix *out);
const char *prefix_str(const struct prefix *p, char buf[PREFIX_TEXT_MAX]);
bool prefix_contains(const struct prefix *p, const struct addr *a);
bool prefix_overlaps(const struct prefix *p, const struct prefix *q);
bool prefix_equal(const struct prefix *p, const struct prefix *q);
/** By family, then address, then length: what holds another comes before it. */
int prefix_compare(const struct prefix *p, const struct prefix *q);
/** Unicast that a site can have hosts in: neither loopback nor link-local. */
bool prefix_is_site(const struct prefix *p);
/** The network of an interface address: host bits cleared. */
struct prefix prefix_network(const struct prefix *p);

#endif
