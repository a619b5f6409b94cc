/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * route.h - a request target taken apart, and the route that fits it
 *
 * Pure. The target is hostile: percent-decoding happens once, per segment, and
 * never yields '/', NUL, a control byte, "." or "..".
 */
#ifndef PPVPN_SERVER_ROUTE_H
#define PPVPN_SERVER_ROUTE_H

#include <stddef.h>
#include "http.h"

#define ROUTE_TARGET_MAX 2048	/* bytes */
#define ROUTE_SEGMENTS_MAX 8
#define ROUTE_QUERY_MAX 8
#define ROUTE_ALLOW_SIZE 64

struct route_target
{
	char *text;							/* what the others point into */
	const char *segments[ROUTE_SEGMENTS_MAX];
	size_t segment_count;
	struct { const char *name, *value; } query[ROUTE_QUERY_MAX];
	size_t query_count;
};

/**
 * Take "/a/b?x=y" apart.
 *
 * @return		0; -EINVAL malformed; -ENAMETOOLONG beyond the bounds. On error
 *				there is nothing to free.
 */
int route_parse(const char *target, struct route_target *out);
void route_target_done(struct route_target *t);

/**
 * The route of method and target.
 *
 * @param allow	on -EPERM: the methods that the path has, "GET, POST"
 * @return		0; -ENOENT no such path; -EPERM not this method
 */
int route_find(const struct http_route *routes, const char *method,
			   const struct route_target *target,
			   const struct http_route **route, char allow[ROUTE_ALLOW_SIZE]);

/** What stands for "{name}" of a pattern that matched, or NULL. */
const char *route_segment(const char *pattern, const struct route_target *t,
						  const char *name);
const char *route_query(const struct route_target *t, const char *name);

#endif
