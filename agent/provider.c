/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * provider.c - polling, and believing only what was checked
 *
 * See provider.h. The rules of belief are accept() and its helpers.
 */
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "fetch.h"
#include "identity.h"
#include "json_in.h"
#include "lastconf.h"
#include "log.h"
#include "loop.h"
#include "provider.h"
#include "seal.h"
#include "text.h"

#define ETAG_SIZE 128
#define BACKOFF_FIRST_MS 1000
#define BACKOFF_MAX_MS 60000
#define POKE_GAP_MS 1000
/* A server that answers long polls at once, again and again, is not asked in a
 * circle: after some the next request waits. */
#define QUICK_MS 500
#define QUICK_MAX 4
#define QUICK_WAIT_MS 2000
/* before the first document there is no poll-interval */
#define DEFAULT_POLL_S 300
#define DEFAULT_WAIT_S 50

/* a document with everything it points to */
struct held {
	struct arena *arena;
	struct model_document *doc;
	char *body;
	size_t len;
	char etag[ETAG_SIZE];
};

struct provider {
	struct loop *loop;
	char *state_dir;
	const struct identity *id;
	struct provider_handlers handlers;
	void *user;
	struct fetch *fetch;
	struct loop_timer *timer;
	struct held held;			/* in force */
	char seen[ETAG_SIZE];		/* of the newest answer, refused ones too */
	size_t server;				/* index of the one in use */
	unsigned failures;			/* in a row */
	unsigned quick;				/* long polls answered at once, in a row */
	unsigned asked_wait;
	uint64_t asked_ms;
	bool poked;
	bool connected, rejected, saved;
	bool quit;					/* nothing is asked any more */
	uint64_t since_ms, poked_ms;
	struct err error;
	char *report;				/* waits to be sent */
	size_t report_len;
	bool reporting;
	provider_left_fn left;		/* a request to leave is under way */
	void *left_user;
	char diag[20];				/* id of the bundle last asked for */
	bool diag_busy;
};

static void ask(struct provider *p, unsigned wait);

static void held_done(struct held *h)
{
	if (h->body)
	{
		wipe(h->body, h->len);
	}
	free(h->body);
	arena_free(h->arena);
	memset(h, 0, sizeof(*h));
}

/* ---- servers --------------------------------------------------------------- */

/* Those of the document, else those of the bundle. */
static char **servers(const struct provider *p, size_t *count)
{
	const struct model_document *doc = p->held.doc;

	if (doc && doc->state != MODEL_DEPROVISIONED &&
		doc->management.server_count)
	{
		*count = doc->management.server_count;
		return doc->management.servers;
	}
	*count = p->id->server_count;
	return p->id->servers;
}

static const char *server(const struct provider *p)
{
	size_t count;
	char **list = servers(p, &count);

	return list[p->server % count];
}

static unsigned poll_seconds(const struct provider *p)
{
	const struct model_document *doc = p->held.doc;

	return doc && doc->management.poll_interval ?
				doc->management.poll_interval : DEFAULT_POLL_S;
}

static unsigned wait_seconds(const struct provider *p)
{
	const struct model_document *doc = p->held.doc;

	return doc && doc->management.long_poll_timeout ?
				doc->management.long_poll_timeout : DEFAULT_WAIT_S;
}

/* ---- what may be believed -------------------------------------------------- */

/* ETag "epoch.revision-hash" must be that of the body. */
static int check_etag(const char *etag, const char *body, size_t len,
					  const struct model_document *doc, struct err *e)
{
	uint8_t hash[32];
	char hex[65];
	struct text want = {0};
	int rc = 0;

	seal_sha256(body, len, hash);
	hex_encode(hash, sizeof(hash), hex);
	hex[16] = '\0';
	text_addf(&want, "\"%llu.%llu-%s\"", (unsigned long long)doc->epoch,
			  (unsigned long long)doc->revision, hex);
	if (strcmp(etag, text_str(&want)) != 0)
	{
		rc = err_set(e, -EBADMSG, ERR_HTTP, "ETag", "the answer's ETag is %s, "
					 "its content says %s", etag[0] ? etag : "missing",
					 text_str(&want));
	}
	text_done(&want);
	return rc;
}

static int check_order(const struct provider *p,
					   const struct model_document *doc, const char *etag,
					   struct err *e)
{
	const struct model_document *held = p->held.doc;

	if (!held || doc->epoch > held->epoch)
	{
		return 0;
	}
	if (doc->epoch < held->epoch || doc->revision < held->revision)
	{
		return err_set(e, -ESTALE, ERR_DOCUMENT_STALE, server(p),
					   "it offers %llu.%llu, older than %llu.%llu in force",
					   (unsigned long long)doc->epoch,
					   (unsigned long long)doc->revision,
					   (unsigned long long)held->epoch,
					   (unsigned long long)held->revision);
	}
	if (doc->revision == held->revision && strcmp(etag, p->held.etag) != 0)
	{
		return err_set(e, -ESTALE, ERR_DOCUMENT_STALE, server(p),
					   "it offers another content under revision %llu.%llu",
					   (unsigned long long)doc->epoch,
					   (unsigned long long)doc->revision);
	}
	return 0;
}

/* what the way a document came says of its state */
enum expected { EXPECT_ACTIVE, EXPECT_GONE, EXPECT_EITHER };

static int check_addressee(const struct provider *p, enum expected expected,
						   const struct model_document *doc, struct err *e)
{
	if (strcmp(doc->ce, p->id->ce) != 0)
	{
		return err_set(e, -EINVAL, ERR_DOCUMENT, "/ce", "the document is for "
					   "%s, this router is %s", doc->ce, p->id->ce);
	}
	if (expected != EXPECT_EITHER &&
		(expected == EXPECT_GONE) != (doc->state == MODEL_DEPROVISIONED))
	{
		return err_set(e, -EINVAL, ERR_DOCUMENT, "/state", "the document's "
					   "state does not fit the status of the answer");
	}
	return 0;
}

/* Decode and check a body; on success it is in force. */
static int accept(struct provider *p, const char *body, size_t len,
				  const char *etag, enum expected expected, struct err *e)
{
	struct held h = { .arena = arena_new() };
	int rc;

	rc = model_decode(h.arena, body, len, &h.doc, e);
	if (rc == 0)
	{
		rc = check_addressee(p, expected, h.doc, e);
	}
	if (rc == 0 && etag[0])
	{
		rc = check_etag(etag, body, len, h.doc, e);
	}
	if (rc == 0)
	{
		rc = check_order(p, h.doc, etag, e);
	}
	if (rc < 0)
	{
		arena_free(h.arena);
		return rc;
	}
	h.body = xcalloc(len + 1, 1);
	memcpy(h.body, body, len);
	h.len = len;
	snprintf(h.etag, sizeof(h.etag), "%s", etag);
	held_done(&p->held);
	p->held = h;
	return 0;
}

/* ---- answers --------------------------------------------------------------- */

static void set_connected(struct provider *p, bool connected)
{
	if (p->connected != connected || !p->since_ms)
	{
		p->connected = connected;
		p->since_ms = loop_now_ms();
		log_info("provider", connected ? "server %s answers" :
				 "server %s is not reached: tunnels stay as they are",
				 server(p));
	}
}

static void note_error(struct provider *p, const struct err *e)
{
	bool same = p->error.code == e->code &&
				strcmp(p->error.text, e->text) == 0;

	p->error = *e;
	log_err(same ? LOG_LEVEL_DEBUG : LOG_LEVEL_WARN, "provider",
			"configuration", e);
	p->handlers.state(p->user);
}

static void note_ok(struct provider *p)
{
	p->failures = 0;
	if (p->error.code != ERR_NONE && !p->rejected)
	{
		memset(&p->error, 0, sizeof(p->error));
		p->handlers.state(p->user);
	}
}

/* full jitter, capped */
static uint64_t backoff_ms(struct provider *p)
{
	uint64_t limit = BACKOFF_FIRST_MS;
	uint32_t random;

	for (unsigned i = 1; i < p->failures && limit < BACKOFF_MAX_MS; i++)
	{
		limit *= 2;
	}
	limit = limit > BACKOFF_MAX_MS ? BACKOFF_MAX_MS : limit;
	seal_random(&random, sizeof(random));
	return BACKOFF_FIRST_MS / 2 + random % limit;
}

static void on_failure(struct provider *p, const struct err *e,
					   unsigned retry_after)
{
	uint64_t ms;

	p->failures++;
	p->server++;
	note_error(p, e);
	ms = backoff_ms(p);
	if (retry_after && (uint64_t)retry_after * 1000 > ms)
	{
		ms = (uint64_t)retry_after * 1000;
	}
	loop_timer_set(p->timer, ms);
}

static const char *const states[] = {
	[MODEL_ACTIVE] = "active", [MODEL_SUSPENDED] = "suspended",
	[MODEL_DEPROVISIONED] = "deprovisioned",
};

static void hand_on(struct provider *p, bool from_disk, uint64_t first_byte_ms)
{
	struct provider_document d = {
		.doc = p->held.doc, .from_disk = from_disk,
		.first_byte_ms = first_byte_ms, .checked_ms = loop_now_ms(),
	};

	p->saved = from_disk;
	log_info("provider", "document %llu.%llu %s: %s, %zu VPNs",
			 (unsigned long long)d.doc->epoch,
			 (unsigned long long)d.doc->revision,
			 from_disk ? "from disk" : "accepted",
			 states[d.doc->state],
			 d.doc->vpn_count);
	p->handlers.document(p->user, &d);
}

/* The next long poll: now, or a little later. */
static void ask_again(struct provider *p)
{
	bool quick = p->asked_wait && loop_now_ms() - p->asked_ms < QUICK_MS;

	p->quick = quick ? p->quick + 1 : 0;
	if (p->quick > QUICK_MAX)
	{
		loop_timer_set(p->timer, QUICK_WAIT_MS);
		return;
	}
	ask(p, wait_seconds(p));
}

static void on_document(struct provider *p, const struct fetch_answer *a,
						bool gone)
{
	struct err e = {0};
	bool repeated = a->etag[0] && strcmp(a->etag, p->seen) == 0;

	snprintf(p->seen, sizeof(p->seen), "%s", a->etag);
	if (p->held.doc && a->etag[0] && strcmp(a->etag, p->held.etag) == 0)
	{
		p->rejected = false;
		note_ok(p);
	}
	else if (accept(p, a->body, a->len, a->etag,
					gone ? EXPECT_GONE : EXPECT_ACTIVE, &e) < 0)
	{
		err_prefix(&e, "document refused");
		p->rejected = true;
		if (!repeated)
		{	/* another document with the same fault is told again */
			memset(&p->error, 0, sizeof(p->error));
		}
		note_error(p, &e);
		/* asked again when it changes (its ETag is named), or slowly */
		loop_timer_set(p->timer, (uint64_t)poll_seconds(p) * 1000);
		if (p->seen[0])
		{
			ask_again(p);
		}
		return;
	}
	else
	{
		p->rejected = false;
		note_ok(p);
		hand_on(p, false, a->first_byte_ms);
	}
	if (gone)
	{	/* nothing to wait for but a new beginning */
		loop_timer_set(p->timer, (uint64_t)poll_seconds(p) * 1000);
		return;
	}
	ask_again(p);
}

/* A bundle is wanted, once for each id. */
static void note_diag(struct provider *p, const char *id)
{
	if (!id[0] || p->diag_busy || strcmp(id, p->diag) == 0)
	{
		return;
	}
	snprintf(p->diag, sizeof(p->diag), "%s", id);
	p->diag_busy = true;
	p->handlers.diag(p->user, id);
}

static void send_report(struct provider *p);

static void on_answer(void *user, const struct fetch_answer *a)
{
	struct provider *p = user;
	struct err e = {0};
	bool poked = p->poked;

	if (p->quit)
	{
		return;
	}
	p->poked = false;
	set_connected(p, a->rc == 0);
	if (a->rc == 0 && (a->status == 200 || a->status == 304))
	{
		note_diag(p, a->diag);
	}
	if (a->rc < 0)
	{
		on_failure(p, &a->err, 0);
	}
	else if (a->status == 200 || a->status == 410)
	{
		on_document(p, a, a->status == 410);
	}
	else if (a->status == 304)
	{
		note_ok(p);
		ask_again(p);
	}
	else
	{
		err_set(&e, 0, ERR_HTTP, server(p), "status %u to the request for the "
				"configuration", a->status);
		on_failure(p, &e, a->retry_after);
	}
	send_report(p);
	if (poked)
	{
		p->handlers.state(p->user);
	}
}

static void ask(struct provider *p, unsigned wait)
{
	loop_timer_clear(p->timer);
	if (p->quit)
	{
		p->poked = false;
		return;
	}
	p->asked_wait = wait;
	p->asked_ms = loop_now_ms();
	fetch_config(p->fetch, server(p), p->seen[0] ? p->seen : p->held.etag,
				 wait, on_answer, p);
}

static void on_timer(void *user)
{
	struct provider *p = user;

	ask(p, p->connected ? wait_seconds(p) : 0);
}

/* ---- reports --------------------------------------------------------------- */

static void on_reported(void *user, const struct fetch_answer *a)
{
	struct provider *p = user;

	p->reporting = false;
	if (a->rc < 0 || a->status != 204)
	{
		log_debug("provider", "report not taken: %s, status %u",
				  a->rc < 0 ? a->err.text : "answered", a->status);
		return;
	}
	send_report(p);
}

static void send_report(struct provider *p)
{
	char *body = p->report;
	size_t len = p->report_len;

	if (p->reporting || !body || !p->connected || p->quit)
	{
		return;
	}
	p->report = NULL;
	p->reporting = true;
	fetch_status(p->fetch, server(p), body, len, on_reported, p);
	free(body);
}

void provider_report(struct provider *p, const char *body, size_t len)
{
	free(p->report);
	p->report = xcalloc(len + 1, 1);
	memcpy(p->report, body, len);
	p->report_len = len;
	send_report(p);
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
static void explain_refusal(const struct provider *p,
							const struct fetch_answer *a, struct err *e)
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
				server(p), "the server refuses: %s%s%s", r.where,
				r.where[0] ? ": " : "", r.text);
	}
	else
	{
		err_set(e, 0, ERR_HTTP, server(p), "the server refuses with status %u%s",
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
		explain_refusal(p, a, &e);
	}
	else
	{	/* an answer that is on its way may be older than this */
		log_info("provider", "the server lets this router go");
		p->poked = false;
		provider_poke(p);
	}
	fn(p->left_user, taken ? NULL : &e);
}

void provider_leave(struct provider *p, provider_left_fn fn, void *user)
{
	struct err e = {0};

	if (p->left)
	{
		err_set(&e, 0, ERR_IN_USE, server(p), "it is being asked already");
		fn(user, &e);
		return;
	}
	p->left = fn;
	p->left_user = user;
	fetch_leave(p->fetch, server(p), on_left, p);
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
	fetch_diag(p->fetch, server(p), id, body, len, on_diag, p);
}

/* ---- life ------------------------------------------------------------------ */

int provider_new(struct loop *loop, const char *state_dir,
				 const struct identity *id,
				 const struct provider_handlers *handlers, void *user,
				 struct provider **provider, struct err *e)
{
	struct fetch_identity files = {
		.cert_file = id->cert_file, .key_file = id->key_file,
		.ca_file = id->ca_file,
	};
	struct provider *p = xcalloc(1, sizeof(*p));

	p->loop = loop;
	p->state_dir = xstrdup(state_dir);
	p->id = id;
	p->handlers = *handlers;
	p->user = user;
	p->fetch = fetch_new(loop, &files, e);
	if (!p->fetch)
	{
		provider_free(p);
		return -EIO;
	}
	p->timer = loop_timer_new(loop, on_timer, p);
	*provider = p;
	return 0;
}

void provider_free(struct provider *p)
{
	if (p)
	{
		fetch_free(p->fetch);
		loop_timer_free(p->timer);
		held_done(&p->held);
		free(p->report);
		free(p->state_dir);
		free(p);
	}
}

static void load(struct provider *p)
{
	struct lastconf last = {0};
	struct err e = {0};
	int rc = lastconf_load(p->state_dir, p->id->ce, &last, &e);

	if (rc == 0)
	{
		/* it was checked when it came; it is checked again all the same */
		rc = accept(p, last.body, last.len, last.etag, EXPECT_EITHER, &e);
		if (rc == 0)
		{
			if (e.code != ERR_NONE)
			{	/* the previous generation had to serve */
				log_err(LOG_LEVEL_WARN, "provider", "last configuration", &e);
			}
			snprintf(p->seen, sizeof(p->seen), "%s", p->held.etag);
			hand_on(p, true, 0);
		}
	}
	if (rc < 0 && rc != -ENOENT)
	{
		note_error(p, &e);
	}
	lastconf_done(&last);
}

void provider_start(struct provider *p)
{
	load(p);
	ask(p, 0);
}

void provider_quit(struct provider *p)
{
	p->quit = true;
	p->poked = p->connected = p->rejected = false;
	memset(&p->error, 0, sizeof(p->error));
	loop_timer_clear(p->timer);
}

void provider_poke(struct provider *p)
{
	uint64_t now = loop_now_ms();

	if (p->poked && now - p->poked_ms < POKE_GAP_MS)
	{
		return;
	}
	p->poked = true;
	p->poked_ms = now;
	ask(p, 0);
}

bool provider_idle(const struct provider *p)
{
	return !p->poked;
}

void provider_applied(struct provider *p)
{
	struct lastconf last = { .body = p->held.body, .len = p->held.len };
	struct err e = {0};

	if (p->saved || !p->held.doc)
	{
		return;
	}
	memcpy(last.etag, p->held.etag, sizeof(last.etag));
	if (p->held.doc->state == MODEL_DEPROVISIONED &&
		lastconf_remove(p->state_dir, &e) < 0)
	{	/* the one before has keys */
		note_error(p, &e);
	}
	if (lastconf_save(p->state_dir, p->id->ce, &last, &e) < 0)
	{
		note_error(p, &e);
		return;
	}
	p->saved = true;
}

void provider_status(const struct provider *p, struct provider_status *out)
{
	memset(out, 0, sizeof(*out));
	out->server = server(p);
	out->connected = p->connected;
	out->since_ms = p->since_ms;
	if (p->held.doc)
	{
		out->epoch = p->held.doc->epoch;
		out->revision = p->held.doc->revision;
		out->suspended = p->held.doc->state == MODEL_SUSPENDED;
		out->deprovisioned = p->held.doc->state == MODEL_DEPROVISIONED;
	}
	out->rejected = p->rejected;
	out->error = p->error;
}
