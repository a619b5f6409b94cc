/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * http_request.c - what a handler sees of a request and says in a response
 *
 * Touches only copies made when the request was complete, so that a worker
 * thread never reaches into libmicrohttpd.
 */
#include "config.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "json_out.h"
#include "secret.h"
#include "server/http_internal.h"

const char *http_header_from(const struct http_request *req, const char *name,
							 size_t *at)
{
	while (*at < req->headers_len)
	{
		const char *its = req->headers + *at;
		const char *value = its + strlen(its) + 1;

		*at = (size_t)(value + strlen(value) + 1 - req->headers);
		if (strcasecmp(its, name) == 0)
		{
			return value;
		}
	}
	return NULL;
}

const char *http_request_header(struct http_request *req, const char *name)
{
	size_t at = 0;

	return http_header_from(req, name, &at);
}

const char *http_request_segment(struct http_request *req, const char *name)
{
	return route_segment(req->route->path, &req->target, name);
}

const char *http_request_query(struct http_request *req, const char *name)
{
	return route_query(&req->target, name);
}

const char *http_request_body(struct http_request *req, size_t *len)
{
	if (len)
	{
		*len = req->body_len;
	}
	return req->body ? req->body : "";
}

bool http_request_key(struct http_request *req, uint8_t hash[32])
{
	if (req->client->has_key)
	{
		memcpy(hash, req->client->key, 32);
	}
	return req->client->has_key;
}

const char *http_request_key_uri(struct http_request *req)
{
	return req->client->key_uri;
}

uint64_t http_request_key_serial(struct http_request *req)
{
	return req->client->has_key ? req->client->key_serial : 0;
}

const char *http_request_peer(struct http_request *req)
{
	return req->client->peer;
}

long http_request_uid(struct http_request *req)
{
	return req->client->uid;
}

void http_request_park(struct http_request *req, uint64_t tag,
					   uint64_t generation, unsigned ms)
{
	req->tag = tag;
	req->generation = generation;
	req->park_ms = ms > HTTP_PARK_MS_MAX ? HTTP_PARK_MS_MAX : ms;
}

bool http_request_woken(struct http_request *req)
{
	return req->woken;
}

unsigned http_request_waited_ms(struct http_request *req)
{
	return req->parked_at_ms ? (unsigned)(http_now_ms() - req->parked_at_ms)
							 : 0;
}

struct http *http_request_listener(struct http_request *req)
{
	return req->http;
}

const struct http_route *http_request_route(struct http_request *req)
{
	return req->route;
}

void http_request_keep(struct http_request *req, void *thing,
					   void (*done)(void *thing))
{
	if (req->kept)
	{
		req->kept_done(req->kept);
	}
	req->kept = thing;
	req->kept_done = done;
}

void *http_request_kept(struct http_request *req)
{
	return req->kept;
}

void http_response_header(struct http_response *r, const char *name,
						  const char *fmt, ...)
{
	va_list args;

	if (r->header_count == HTTP_HEADERS_MAX)
	{
		return;
	}
	r->headers[r->header_count].name = name;
	va_start(args, fmt);
	vsnprintf(r->headers[r->header_count].value,
			  sizeof(r->headers[r->header_count].value), fmt, args);
	va_end(args);
	r->header_count++;
}

void http_response_error(struct http_response *r, unsigned status,
						 const struct err *e)
{
	struct json_out o = { 0 };
	struct text text;

	jo_object(&o, NULL);
	jo_err(&o, "error", e);
	jo_object_end(&o);
	text = jo_take(&o);
	text_add(&text, "\n");
	r->status = status;
	r->content_type = "application/json";
	r->body_len = text.len;
	r->body = text_take(&text);
}

void http_response_busy(struct http_response *r, unsigned retry_s)
{
	struct err e;

	err_set(&e, 0, ERR_LIMIT, "", "the server is busy or going down");
	http_response_error(r, 503, &e);
	http_response_header(r, "Retry-After", "%u", retry_s);
}

void http_response_done(struct http_response *r)
{
	if (r->body)
	{
		wipe(r->body, r->body_len);
		free(r->body);
	}
	*r = (struct http_response){ 0 };
}
