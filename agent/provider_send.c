/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * provider_send.c - what the server is sent: reports, leave, diagnosis
 */
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "identity.h"
#include "json_in.h"
#include "log.h"
#include "loop.h"
#include "provider_impl.h"

/* ---- reports --------------------------------------------------------------- */

static void on_reported(void *user, const struct fetch_answer *a)
{
	struct provider *p = user;

	p->reporting = false;
	p->handlers.answered(p->user, a);
	if (a->rc == 0)
	{
		provider_judge(p, p->reported_ms);
	}
	if (a->rc < 0 || a->status != 204)
	{
		/* another one when a server answers */
		p->report_lost |= a->rc < 0;
		if (p->report_lost && p->connected && p->since_ms > p->reported_ms)
		{	/* ... which one did meanwhile */
			p->report_lost = false;
			p->handlers.state(p->user);
		}
		log_debug("provider", "report not taken: %s, status %u",
				  a->rc < 0 ? a->err.text : "answered", a->status);
		return;
	}
	provider_send_report(p);
}

void provider_send_report(struct provider *p)
{
	char *body = p->report;
	size_t len = p->report_len;

	if (p->quit || p->reporting || !body || !p->connected ||
		p->report_schema < 0)
	{
		return;
	}
	p->report = NULL;
	p->reporting = true;
	p->reported_ms = loop_now_ms();
	fetch_status(p->fetch, provider_server(p), body, len, on_reported, p);
	free(body);
}

void provider_report(struct provider *p, const char *body, size_t len)
{
	free(p->report);
	p->report = xcalloc(len + 1, 1);
	memcpy(p->report, body, len);
	p->report_len = len;
	provider_send_report(p);
}

/* ---- leave and diagnosis --------------------------------------------------- */

struct refusal { char *code, *where, *text; };

static int read_refusal(struct json_in *in, struct json_object *value,
						const struct json_path *path, void *out)
{
	static const struct json_row rows[] = {
		{ .name = "code", .kind = JSON_TOKEN, .required = true, .min = 1,
		  .max = 63, .offset = offsetof(struct refusal, code) },
		{ .name = "where", .kind = JSON_TEXT, .required = true, .max = 255,
		  .offset = offsetof(struct refusal, where) },
		{ .name = "text", .kind = JSON_TEXT, .required = true, .max = 255,
		  .offset = offsetof(struct refusal, text) },
		{ .name = NULL },
	};

	return json_read_object(in, value, path, rows, out);
}

static int read_error_body(struct json_in *in, struct json_object *value,
						   const struct json_path *path, void *out)
{
	static const struct json_row rows[] = {
		{ .name = "error", .kind = JSON_OBJECT, .required = true,
		  .fn = read_refusal },
		{ .name = NULL },
	};

	return json_read_object(in, value, path, rows, out);
}

/* What a server that says no says besides. */
void provider_explain(const struct provider *p, const struct fetch_answer *a,
					  struct err *e)
{
	static const struct json_limits limits = {
		.bytes = 4096, .depth = 3, .values = 16, .members = 4, .string = 1024,
	};
	struct arena *arena = arena_new();
	struct refusal r = {0};
	enum err_code code;

	if (a->len && json_read_text(arena, a->body, a->len, &limits,
								 read_error_body, &r, NULL, NULL) == 0)
	{
		err_set(e, 0, err_code_parse(r.code, &code) == 0 ? code : ERR_HTTP,
				provider_server(p), "the server refuses: %s%s%s", r.where,
				r.where[0] ? ": " : "", r.text);
	}
	else
	{
		err_set(e, 0, ERR_HTTP, provider_server(p), "the server refuses with status %u%s",
				a->status, a->status == 404 || a->status == 405 ?
				": it may be too old to be asked" : "");
	}
	arena_free(arena);
}

static void on_left(void *user, const struct fetch_answer *a)
{
	struct provider *p = user;
	provider_left_fn fn = p->left;
	struct err e = {0};
	bool taken = a->rc == 0 && (a->status == 200 || a->status == 204 ||
								a->status == 410);

	p->left = NULL;
	if (a->rc < 0)
	{
		e = a->err;
	}
	else if (!taken)
	{
		provider_explain(p, a, &e);
	}
	else
	{	/* an answer that is on its way may be older than this */
		log_info("provider", "the server lets this router go");
		p->poked = false;
		provider_poke(p);
	}
	fn(p->left_user, taken ? NULL : &e);
}

static void request_lost(struct provider_request *r)
{
	provider_request_fn fn = r->fn;
	struct err e = {0};

	if (fn)
	{
		r->fn = NULL;
		err_set(&e, 0, ERR_UNREACHABLE, provider_server(r->provider),
				"connections were made anew meanwhile");
		fn(r->user, NULL, &e, 0);
	}
}

void provider_lost(struct provider *p)
{
	provider_left_fn fn = p->left;
	struct err e = {0};

	request_lost(&p->renew);
	request_lost(&p->ike_key);
	if (fn)
	{
		p->left = NULL;
		err_set(&e, 0, ERR_UNREACHABLE, provider_server(p), "this router's "
				"address changed meanwhile");
		fn(p->left_user, &e);
	}
}

void provider_leave(struct provider *p, provider_left_fn fn, void *user)
{
	struct err e = {0};

	if (p->left)
	{
		err_set(&e, 0, ERR_IN_USE, provider_server(p), "it is being asked already");
		fn(user, &e);
		return;
	}
	p->left = fn;
	p->left_user = user;
	fetch_leave(p->fetch, provider_server(p), on_left, p);
}

static void on_requested(void *user, const struct fetch_answer *a)
{
	struct provider_request *r = user;
	provider_request_fn fn = r->fn;
	struct err e = {0};

	r->fn = NULL;
	if (a->rc == 0 && (a->status == 200 || a->status == 204))
	{
		fn(r->user, a->body, NULL, 0);
		return;
	}
	if (a->rc < 0)
	{
		e = a->err;
	}
	else
	{
		provider_explain(r->provider, a, &e);
	}
	fn(r->user, NULL, &e, a->retry_after);
}

void provider_renew(struct provider *p, const char *csr_base64,
					provider_request_fn fn, void *user)
{
	p->renew = (struct provider_request){ p, fn, user };
	fetch_renew(p->fetch, provider_server(p), csr_base64, on_requested,
				&p->renew);
}

void provider_ike_key(struct provider *p, const char *csr_base64,
					  provider_request_fn fn, void *user)
{
	p->ike_key = (struct provider_request){ p, fn, user };
	fetch_ike_key(p->fetch, provider_server(p), csr_base64, on_requested,
				  &p->ike_key);
}

static void on_diag(void *user, const struct fetch_answer *a)
{
	struct provider *p = user;

	p->diag_busy = false;
	if (a->rc < 0 || a->status >= 500 || a->status == 429)
	{	/* sent again when the server says that it still waits */
		p->diag[0] = '\0';
	}
	if (a->rc < 0 || a->status / 100 != 2)
	{
		log_warn("provider", "diagnostic bundle not taken: %s, status %u",
				 a->rc < 0 ? a->err.text : "answered", a->status);
	}
}

void provider_diag(struct provider *p, const char *id, const char *body,
				   size_t len)
{
	log_info("provider", "sending diagnostic bundle %s, %zu bytes", id, len);
	fetch_diag(p->fetch, provider_server(p), id, body, len, on_diag, p);
}
