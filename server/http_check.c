/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * http_check.c - may a request be handled at all?
 *
 * Pure. What could be read in two ways (request smuggling) is refused before
 * anything else is looked at.
 */
#include "config.h"

#include <errno.h>
#include <string.h>

#include "text.h"
#include "server/http_internal.h"

static unsigned refuse(struct err *e, unsigned status, enum err_code code,
					   const char *text)
{
	err_set(e, -EINVAL, code, "", "%s", text);
	return status;
}

static bool twice(const struct http_request *req, const char *name)
{
	size_t at = 0;

	return http_header_from(req, name, &at) &&
		   http_header_from(req, name, &at);
}

static unsigned check_framing(const struct http_request *req, struct err *e)
{
	static const char *const once[] = {
		"Content-Length", "Transfer-Encoding", "Host", "Authorization",
		"If-None-Match", "Content-Type", "Ppvpn-Schema",
	};
	size_t i, at = 0;

	for (i = 0; i < sizeof(once) / sizeof(*once); i++)
	{
		if (twice(req, once[i]))
		{
			return refuse(e, 400, ERR_HTTP, "a header is there twice");
		}
	}
	if (http_header_from(req, "Transfer-Encoding", &at))
	{
		at = 0;
		return http_header_from(req, "Content-Length", &at) ?
			refuse(e, 400, ERR_HTTP, "two lengths of one body") :
			refuse(e, 411, ERR_HTTP, "a body needs Content-Length");
	}
	return 0;
}

static unsigned check_length(const struct http_request *req, struct err *e)
{
	size_t at = 0;
	const char *value = http_header_from(req, "Content-Length", &at);
	uint64_t len;

	if (!value)
	{
		return 0;
	}
	if (text_to_u64(value, 0, UINT64_MAX, &len))
	{
		return refuse(e, 400, ERR_HTTP, "Content-Length is not a number");
	}
	if (len && !req->route->max_body)
	{
		return refuse(e, 400, ERR_HTTP, "this request takes no body");
	}
	if (len > req->route->max_body)
	{
		return refuse(e, 413, ERR_LIMIT, "the body is too long");
	}
	return 0;
}

unsigned http_check(const struct http_route *routes, const char *method,
					struct http_request *req, char allow[ROUTE_ALLOW_SIZE],
					struct err *e)
{
	unsigned status;
	int rc;

	allow[0] = '\0';
	status = check_framing(req, e);
	if (status)
	{
		return status;
	}
	rc = route_parse(req->uri, &req->target);
	if (rc)
	{
		return rc == -ENAMETOOLONG ?
			refuse(e, 414, ERR_LIMIT, "the path is too long") :
			refuse(e, 400, ERR_HTTP, "the path is malformed");
	}
	rc = route_find(routes, method, &req->target, &req->route, allow);
	if (rc)
	{
		return rc == -EPERM ?
			refuse(e, 405, ERR_HTTP, "the path has no such method") :
			refuse(e, 404, ERR_NOT_FOUND, "no such path");
	}
	return check_length(req, e);
}
