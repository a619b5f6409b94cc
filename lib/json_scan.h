/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * json_scan.h - what must hold of JSON text before a parser sees it
 *
 * Pure; needs neither json-c nor libppvpn's other parts, so that the plugin can
 * use it inside charon. json-c 0.16 takes 273 MB for 1 MiB of "{}", takes
 * duplicate members silently, cuts keys at \u0000, accepts NaN, raw control
 * characters and single quotes. This scanner is strict RFC 8259: bounded, and
 * refuses all of that in one pass without allocation per value.
 */
#ifndef PPVPN_JSON_SCAN_H
#define PPVPN_JSON_SCAN_H

#include <stddef.h>
#include "err.h"

struct json_limits {
	size_t bytes;		/* whole text */
	unsigned depth;		/* nesting of arrays and objects */
	unsigned values;	/* arrays, objects, strings, numbers, literals, members */
	unsigned members;	/* members of one object */
	size_t string;		/* bytes of one string, as written */
	unsigned containers;	/* arrays and objects: json-c takes 0.5 KiB for an
						   empty one; 0: no bound but values */
};

/* Whatever the limits say, never more: the scanner's stack is 16 bytes a key. */
#define JSON_SCAN_DEPTH_MAX 32
#define JSON_SCAN_MEMBERS_MAX 256

/* bytes of a CE's document: MODEL_PEERS_MAX peers, whatever their names */
#define JSON_DOCUMENT_MAX (18u << 20)

/*
 * JSON_DOCUMENT_MAX, depth 16, 850,000 values, 256 members an object,
 * 64 KiB a string (a revocation list), 110,000 arrays and objects
 */
extern const struct json_limits json_limits_document;

/**
 * @return		0; -EINVAL, -E2BIG with e filled: where is "byte N" (of the
 *				input), code JSON_SYNTAX, JSON_LIMIT or JSON_MEMBER (duplicate)
 */
int json_scan(const char *buf, size_t len, const struct json_limits *limits,
			  struct err *e);

#endif
