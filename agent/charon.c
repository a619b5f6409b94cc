/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * charon.c - connections in charon, through the plugin's socket
 *
 * Owns the connection: hello and subscribe, then requests, which are answered
 * in order. Knows the plugin's revision; a change is told on top of it, so that
 * a set that somebody else changed is noticed. Requests carry secrets: their
 * texts are wiped, and never logged.
 */
#include "config.h"

#include "charon.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "alloc.h"
#include "charon_msg.h"
#include "json_out.h"
#include "log.h"
#include "loop.h"
#include "stream.h"

#define FRAME_MAX 16777216
#define DEADLINE_MS 10000
#define CHUNK 500				/* steps of one update */
#define KINDS (RES_BIT(RES_CREDENTIALS) | RES_BIT(RES_CONN))

/* One request; its owner embeds it. Exactly one of reply and cancel is called. */
struct request
{
	uint64_t id;
	const char *op;
	/* rc 0: f is the answer; else -errno with e, f the refusal or NULL */
	void (*reply)(struct request *r, int rc, const struct charon_frame *f,
				  const struct err *e);
	/* the client goes away: free what there is, call nobody */
	void (*cancel)(struct request *r);
	struct request *next;
};

struct charon
{
	struct backend backend;		/* first: a backend is cast to its owner */
	struct stream *stream;
	struct loop_timer *deadline;
	const struct charon_handlers *handlers;
	void *user;
	bool up;					/* hello and subscribe are done */
	struct charon_hello hello;
	char *revision;				/* of the plugin's set */
	char boot[33];				/* of ours, so that our revisions are unique */
	uint64_t revisions, ids;
	struct request *first, **last;
	const char *ike_key;
	char *const *certified;
	size_t certified_count;
	char refused[256];			/* why the handshake failed last time */
	bool quiet;					/* for the same reason again */
};

/* ---- requests ------------------------------------------------------------- */

/* The beginning of a request: the caller adds members and hands it to send. */
static void request_start(struct charon *c, struct request *r,
						  struct json_out *o)
{
	r->id = ++c->ids;
	jo_object(o, NULL);
	jo_u64(o, "id", r->id);
	jo_str(o, "op", r->op);
}

static void request_send(struct charon *c, struct request *r,
						 struct json_out *o)
{
	struct text text;

	jo_object_end(o);
	text = jo_take(o);
	r->next = NULL;
	*c->last = r;
	c->last = &r->next;
	if (c->first == r)
	{
		loop_timer_set(c->deadline, DEADLINE_MS);
	}
	stream_send(c->stream, text_str(&text), text.len);
	text_done(&text);
}

static struct request *request_pop(struct charon *c)
{
	struct request *r = c->first;

	c->first = r->next;
	if (c->first == NULL)
	{
		c->last = &c->first;
	}
	return r;
}

static int not_connected(const struct request *r, struct err *e)
{
	return err_set(e, -ENOTCONN, ERR_CHARON, r->op,
				   "charon's ppvpn plugin is not connected");
}

static int refusal_rc(const char *code)
{
	static const struct
	{
		const char *code;
		int rc;
	} table[] = {
		{ "not-found", -ENOENT },
		{ "revision-mismatch", -ESTALE },
		{ "refused-by-charon", -EIO },
		{ "version", -EPROTONOSUPPORT },
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
	{
		if (strcmp(code, table[i].code) == 0)
		{
			return table[i].rc;
		}
	}
	return -EINVAL;
}

static bool on_answer(struct charon *c, const struct charon_frame *f)
{
	struct request *r = c->first;
	struct err e;
	int rc;

	if (r == NULL || r->id != f->id || f->ok == f->has_error)
	{
		return false;
	}
	request_pop(c);
	if (c->first != NULL)
	{
		loop_timer_set(c->deadline, DEADLINE_MS);
	}
	else
	{
		loop_timer_clear(c->deadline);
	}
	if (f->ok)
	{
		r->reply(r, 0, f, NULL);
		return true;
	}
	rc = refusal_rc(f->error.code);
	err_set(&e, rc, ERR_CHARON, r->op, "the plugin refuses: %s%s%s%s%s",
			f->error.text != NULL ? f->error.text : "",
			f->error.where != NULL ? " at " : "",
			f->error.where != NULL ? f->error.where : "", ": ", f->error.code);
	r->reply(r, rc, f, &e);
	return true;
}

/* ---- events --------------------------------------------------------------- */

static bool on_event(struct charon *c, const struct charon_frame *f)
{
	struct charon_alert alert = {
		.alert = f->alert, .name = f->name,
		.local_address = f->local_address,
		.remote_address = f->remote_address,
		.remote_identity = f->remote_identity,
		.ours = f->initiator,
	};

	if (strcmp(f->event, "unknown-peer") == 0 && f->remote_address != NULL)
	{
		c->handlers->unknown_peer(c->user, f->remote_address,
								  f->remote_identity, f->count);
		return true;
	}
	if (strcmp(f->event, "alert") == 0 && f->alert != NULL)
	{
		c->handlers->alert(c->user, &alert);
		return true;
	}
	return false;
}

/* ---- the handshake -------------------------------------------------------- */

/* Hello, then subscribe, by the same request. */
struct handshake
{
	struct request request;		/* first */
	struct charon *charon;
};

static struct charon *owner_of(struct request *r)
{
	return ((struct handshake *)r)->charon;
}

static void handshake_cancel(struct request *r)
{
	free(r);
}

static void refuse(struct charon *c, const char *why)
{
	c->quiet = strcmp(c->refused, why) == 0;
	snprintf(c->refused, sizeof(c->refused), "%s", why);
	stream_drop(c->stream, c->refused);
}

static void on_subscribed(struct request *r, int rc,
						  const struct charon_frame *f, const struct err *e)
{
	struct charon *c = owner_of(r);

	free(r);
	if (rc == 0)
	{
		c->up = true;
		c->refused[0] = '\0';
		log_info("charon", "connected to the plugin in strongSwan %s, boot %s",
				 c->hello.version, c->hello.boot_id);
		c->handlers->connected(c->user, &c->hello);
	}
	else if (f != NULL)
	{
		refuse(c, e->text);
	}
}

static void subscribe(struct request *r)
{
	struct charon *c = owner_of(r);
	struct json_out o = { .depth = 0 };

	r->op = "subscribe";
	r->reply = on_subscribed;
	request_start(c, r, &o);
	jo_array(&o, "events");
	jo_str(&o, NULL, "unknown-peer");
	jo_str(&o, NULL, "alert");
	jo_array_end(&o);
	request_send(c, r, &o);
}

static void revision_set(struct charon *c, const char *revision)
{
	char *copy = xstrdup(revision);

	free(c->revision);
	c->revision = copy;
}

static bool has_capability(const struct charon_frame *f, const char *name)
{
	for (size_t i = 0; i < f->capability_count; i++)
	{
		if (strcmp(f->capabilities[i], name) == 0)
		{
			return true;
		}
	}
	return false;
}

static void on_hello(struct request *r, int rc, const struct charon_frame *f,
					 const struct err *e)
{
	struct charon *c = owner_of(r);

	if (rc == 0 && (f->version != 1 || f->boot_id == NULL ||
					f->revision == NULL || !f->has_settings))
	{
		free(r);
		refuse(c, "the plugin's hello lacks what version 1 has");
		return;
	}
	if (rc != 0)
	{
		free(r);
		if (f != NULL)
		{
			refuse(c, e->text);
		}
		return;
	}
	memset(&c->hello, 0, sizeof(c->hello));
	snprintf(c->hello.boot_id, sizeof(c->hello.boot_id), "%s", f->boot_id);
	snprintf(c->hello.version, sizeof(c->hello.version), "%s",
			 f->strongswan != NULL ? f->strongswan : "");
	c->hello.install_routes = f->settings.install_routes;
	c->hello.connmark = f->settings.connmark;
	c->hello.certificates = has_capability(f, "certificates");
	c->hello.ikesa_table_size = f->settings.ikesa_table_size;
	c->hello.count = f->count;
	c->hello.pid = (uint32_t)f->pid;
	revision_set(c, f->revision);
	subscribe(r);
}

static void on_connected(void *user)
{
	struct charon *c = user;
	struct handshake *h = xcalloc(1, sizeof(*h));
	struct json_out o = { .depth = 0 };

	h->charon = c;
	h->request.op = "hello";
	h->request.reply = on_hello;
	h->request.cancel = handshake_cancel;
	request_start(c, &h->request, &o);
	jo_array(&o, "versions");
	jo_u64(&o, NULL, 1);
	jo_array_end(&o);
	jo_str(&o, "client", "ppvpn-agent " PACKAGE_VERSION);
	request_send(c, &h->request, &o);
}

/* ---- the connection ------------------------------------------------------- */

static void on_lost(void *user, const char *why)
{
	struct charon *c = user;
	bool was_up = c->up;
	struct request *r;
	struct err e;

	/* a plugin that does not fit is tried every second: told once */
	log_line(c->quiet ? LOG_LEVEL_DEBUG : LOG_LEVEL_WARN, "charon",
			 "connection to the plugin lost: %s", why);
	c->quiet = false;
	c->up = false;
	loop_timer_clear(c->deadline);
	while (c->first != NULL)
	{
		r = request_pop(c);
		err_set(&e, -ECONNRESET, ERR_CHARON, r->op,
				"connection to the plugin lost: %s", why);
		r->reply(r, -ECONNRESET, NULL, &e);
	}
	if (was_up)
	{
		c->handlers->lost(c->user);
	}
}

static bool on_frame(void *user, const uint8_t *frame, size_t len)
{
	struct charon *c = user;
	struct arena *a = arena_new();
	struct charon_frame f;
	struct err e;
	bool good = charon_frame_decode(a, (const char *)frame, len, &f, &e) == 0;

	if (!good)
	{
		log_err(LOG_LEVEL_WARN, "charon", "the plugin sent", &e);
	}
	else if (f.event != NULL)
	{
		good = !f.has_id && on_event(c, &f);
	}
	else
	{
		good = f.has_id && on_answer(c, &f);
	}
	arena_free(a);
	return good;
}

static void on_deadline(void *user)
{
	struct charon *c = user;

	stream_drop(c->stream, "no answer in time");
}

/* ---- list ----------------------------------------------------------------- */

struct reading
{
	struct request request;		/* first */
	struct charon *charon;
	struct observation *o;
	backend_done_fn done;
	void *user;
};

static void reading_cancel(struct request *r)
{
	free(r);
}

/* Copied: a document may come, and another key, before the round is over. */
static void read_key(const struct charon *c, struct observation *o)
{
	char **certified = arena_calloc(o->arena, c->certified_count + 1,
									sizeof(*certified));

	for (size_t i = 0; i < c->certified_count; i++)
	{
		certified[i] = arena_strdup(o->arena, c->certified[i]);
	}
	o->facts.ike_key = arena_strdup(o->arena, c->ike_key);
	o->facts.certified = certified;
	o->facts.certified_count = c->certified_count;
}

static void read_facts(const struct charon *c, struct observation *o)
{
	o->facts.boot_id = arena_strdup(o->arena, c->up ? c->hello.boot_id : "");
	o->facts.install_routes = c->up && c->hello.install_routes;
	o->facts.connmark = c->up && c->hello.connmark;
	/* while nobody answers it is not known what the next one takes */
	if (c->ike_key != NULL && (!c->up || c->hello.certificates))
	{
		read_key(c, o);
	}
}

static void report_list(struct observation *o, const struct charon_frame *f)
{
	struct res_credentials credentials = { .name = NULL };
	struct res_conn conn = { .name = NULL };

	for (size_t i = 0; o->group == NULL && i < f->credential_count; i++)
	{
		credentials.name = f->credentials[i].name;
		memcpy(credentials.tag, f->credentials[i].tag,
			   sizeof(credentials.tag));
		resource_credentials(&o->have, RES_OURS, &credentials);
	}
	for (size_t i = 0; i < f->conn_count; i++)
	{
		if (o->group == NULL || strcmp(o->group, f->conns[i].name) == 0)
		{
			conn.name = f->conns[i].name;
			memcpy(conn.tag, f->conns[i].tag, sizeof(conn.tag));
			resource_conn(&o->have, RES_OURS, &conn);
		}
	}
}

static void reading_reply(struct request *request, int rc,
						  const struct charon_frame *f, const struct err *e)
{
	struct reading *r = (struct reading *)request;
	struct observation *o = r->o;
	backend_done_fn done = r->done;
	void *user = r->user;
	unsigned kinds = o->kinds & KINDS;

	if (rc == 0 && (!f->has_conns || f->revision == NULL))
	{
		rc = -EBADMSG;
	}
	if (rc != 0)
	{
		o->facts.unknown_kinds |= kinds;
	}
	else
	{
		revision_set(r->charon, f->revision);
		report_list(o, f);
	}
	read_facts(r->charon, o);
	free(r);
	done(user);
}

static void charon_read(struct backend *b, struct observation *o,
						backend_done_fn done, void *user)
{
	struct charon *c = (struct charon *)b;
	struct reading *r;
	struct json_out json = { .depth = 0 };

	if (!(o->kinds & KINDS) || !c->up)
	{
		read_facts(c, o);
		o->facts.unknown_kinds |= c->up ? 0 : o->kinds & KINDS;
		done(user);
		return;
	}
	r = xcalloc(1, sizeof(*r));
	r->request.op = "list";
	r->request.reply = reading_reply;
	r->request.cancel = reading_cancel;
	r->charon = c;
	r->o = o;
	r->done = done;
	r->user = user;
	request_start(c, &r->request, &json);
	request_send(c, &r->request, &json);
}

/* ---- update --------------------------------------------------------------- */

/* A list of an update. The plugin takes credentials before the connections that
 * name them, and lets go of them after. */
enum part { UPSERT, REMOVE, UPSERT_CREDENTIALS, REMOVE_CREDENTIALS, PARTS };

static const struct
{
	const char *name;
	bool always;				/* there, when it is empty, too */
} parts[PARTS] = {
	[UPSERT] = { "upsert", true },
	[REMOVE] = { "remove", true },
	[UPSERT_CREDENTIALS] = { "upsert-credentials", false },
	[REMOVE_CREDENTIALS] = { "remove-credentials", false },
};

/*
 * A batch of steps in chunks, each one update on top of the last. What the
 * plugin refuses is taken out of its chunk, which is tried again.
 */
struct applying
{
	struct request request;		/* first */
	struct charon *charon;
	struct step *const *steps;
	size_t count, from, to;		/* the chunk: steps[from..to) */
	struct step *sent[PARTS][CHUNK];	/* as sent */
	size_t counts[PARTS];
	char revision[64];			/* after it */
	backend_done_fn done;
	void *user;
};

static void applying_cancel(struct request *r)
{
	free(r);
}

static void step_fail(struct step *step, int rc, const struct err *e)
{
	step->rc = rc;
	step->err = *e;
	snprintf(step->err.where, sizeof(step->err.where), "%s", step->key);
}

static const char *step_json(const struct step *step)
{
	const void *spec = step->want != NULL ? step->want->spec : NULL;

	if (spec == NULL)
	{
		return NULL;
	}
	return step->kind == RES_CONN
		? ((const struct res_conn *)spec)->json
		: ((const struct res_credentials *)spec)->json;
}

static enum part step_part(const struct step *step)
{
	if (step->kind == RES_CONN)
	{
		return step->op == STEP_DELETE ? REMOVE : UPSERT;
	}
	return step->op == STEP_DELETE ? REMOVE_CREDENTIALS : UPSERT_CREDENTIALS;
}

/* What of the chunk is still to be sent, in the order it will stand there. */
static void chunk_collect(struct applying *a)
{
	struct step *step;
	enum part part;
	struct err e;

	memset(a->counts, 0, sizeof(a->counts));
	a->to = a->count - a->from > CHUNK ? a->from + CHUNK : a->count;
	for (size_t i = a->from; i < a->to; i++)
	{
		step = a->steps[i];
		if (step->rc != 0)
		{
			continue;
		}
		part = step_part(step);
		if (step->op == STEP_DELETE || step_json(step) != NULL)
		{
			a->sent[part][a->counts[part]++] = step;
		}
		else
		{
			err_set(&e, -EINVAL, ERR_INTERNAL, step->key,
					"it comes without its text");
			step_fail(step, -EINVAL, &e);
		}
	}
}

static void part_put(const struct applying *a, enum part part,
					 struct json_out *o)
{
	jo_array(o, parts[part].name);
	for (size_t i = 0; i < a->counts[part]; i++)
	{
		const struct step *step = a->sent[part][i];

		if (step->op == STEP_DELETE)
		{
			jo_str(o, NULL, step->key);
		}
		else
		{
			jo_raw(o, NULL, step_json(step));
		}
	}
	jo_array_end(o);
}

static void chunk_send(struct applying *a)
{
	struct charon *c = a->charon;
	struct json_out o = { .depth = 0 };

	snprintf(a->revision, sizeof(a->revision), "%s.%llu", c->boot,
			 (unsigned long long)++c->revisions);
	request_start(c, &a->request, &o);
	jo_str(&o, "base-revision", c->revision);
	jo_str(&o, "revision", a->revision);
	for (enum part part = 0; part < PARTS; part++)
	{
		if (a->counts[part] > 0 || parts[part].always)
		{
			part_put(a, part, &o);
		}
	}
	request_send(c, &a->request, &o);
}

/* The step that an error's "/upsert/3/mark" or "/remove/0" is about; NULL. */
static struct step *refused_step(struct applying *a, const char *where)
{
	enum part part = 0;
	size_t len = 0;
	char *end;
	unsigned long i;

	while (where != NULL && part < PARTS)
	{
		len = strlen(parts[part].name);
		if (where[0] == '/' && strncmp(where + 1, parts[part].name, len) == 0 &&
			where[len + 1] == '/')
		{
			break;
		}
		part++;
	}
	if (where == NULL || part == PARTS || where[len + 2] < '0' ||
		where[len + 2] > '9')
	{
		return NULL;
	}
	i = strtoul(where + len + 2, &end, 10);
	return (*end == '\0' || *end == '/') && i < a->counts[part]
		? a->sent[part][i] : NULL;
}

static void applying_next(struct applying *a);

/* Nothing more can be done: what is not done yet has failed. */
static void applying_give_up(struct applying *a, int rc, const struct err *e)
{
	for (size_t i = a->from; i < a->count; i++)
	{
		if (a->steps[i]->rc == 0)
		{
			step_fail(a->steps[i], rc, e);
		}
	}
	a->from = a->count;
	applying_next(a);
}

/* They name what is not there: asked one by one they would all be refused. */
static void fail_conns_of(struct applying *a, const struct step *credentials,
						  int rc, const struct err *e)
{
	for (size_t i = a->from; i < a->count; i++)
	{
		struct step *step = a->steps[i];
		const struct res_conn *spec = step->kind == RES_CONN && step->want
			? step->want->spec : NULL;

		if (spec != NULL && step->rc == 0 && spec->credentials != NULL &&
			strcmp(spec->credentials, credentials->key) == 0)
		{
			step_fail(step, rc, e);
		}
	}
}

static void applying_reply(struct request *r, int rc,
						   const struct charon_frame *f, const struct err *e)
{
	struct applying *a = (struct applying *)r;
	struct step *step;

	if (rc == 0)
	{
		revision_set(a->charon, a->revision);
		a->from = a->to;
		applying_next(a);
		return;
	}
	step = f != NULL ? refused_step(a, f->error.where) : NULL;
	if (step == NULL)
	{
		applying_give_up(a, rc, e);
		return;
	}
	step_fail(step, rc, e);
	if (step_part(step) == UPSERT_CREDENTIALS)
	{
		fail_conns_of(a, step, rc, e);
	}
	applying_next(a);
}

static void applying_next(struct applying *a)
{
	backend_done_fn done = a->done;
	void *user = a->user;
	struct err e;

	if (a->from < a->count && !a->charon->up)
	{
		not_connected(&a->request, &e);
		applying_give_up(a, -ENOTCONN, &e);
		return;
	}
	for (; a->from < a->count; a->from = a->to)
	{
		chunk_collect(a);
		for (enum part part = 0; part < PARTS; part++)
		{
			if (a->counts[part] > 0)
			{
				chunk_send(a);
				return;
			}
		}
	}
	free(a);
	done(user);
}

static void charon_apply(struct backend *b, struct step *const *steps,
						 size_t count, backend_done_fn done, void *user)
{
	struct applying *a = xcalloc(1, sizeof(*a));

	a->request.op = "update";
	a->request.reply = applying_reply;
	a->request.cancel = applying_cancel;
	a->charon = (struct charon *)b;
	a->steps = steps;
	a->count = count;
	a->done = done;
	a->user = user;
	applying_next(a);
}

/* ---- initiate ------------------------------------------------------------- */

struct initiating
{
	struct request request;		/* first */
	char conn[256];
	charon_initiated_fn done;
	void *user;
};

static void initiating_cancel(struct request *r)
{
	free(r);
}

static void initiating_reply(struct request *r, int rc,
							 const struct charon_frame *f, const struct err *e)
{
	struct initiating i = *(struct initiating *)r;

	free(r);
	i.done(i.user, i.conn, rc, e);
}

void charon_initiate(struct charon *c, const char *conn,
					 charon_initiated_fn done, void *user)
{
	struct initiating *i = xcalloc(1, sizeof(*i));
	struct json_out o = { .depth = 0 };
	struct err e;

	i->request.op = "initiate";
	i->request.reply = initiating_reply;
	i->request.cancel = initiating_cancel;
	i->done = done;
	i->user = user;
	snprintf(i->conn, sizeof(i->conn), "%s", conn);
	if (!c->up)
	{
		not_connected(&i->request, &e);
		initiating_reply(&i->request, -ENOTCONN, NULL, &e);
		return;
	}
	request_start(c, &i->request, &o);
	jo_str(&o, "name", conn);
	request_send(c, &i->request, &o);
}

/* ---- SAs ------------------------------------------------------------------ */

struct asking_sas
{
	struct request request;		/* first */
	charon_sas_fn done;
	void *user;
};

static void sas_cancel(struct request *r)
{
	free(r);
}

static void sas_reply(struct request *r, int rc, const struct charon_frame *f,
					  const struct err *e)
{
	struct asking_sas asking = *(struct asking_sas *)r;

	free(r);
	if (rc == 0)
	{
		asking.done(asking.user, 0, f->sas, f->sa_count, NULL);
	}
	else
	{
		asking.done(asking.user, rc, NULL, 0, e);
	}
}

void charon_sas(struct charon *c, charon_sas_fn done, void *user)
{
	struct asking_sas *asking = xcalloc(1, sizeof(*asking));
	struct json_out o = { .depth = 0 };
	struct err e;

	asking->request.op = "sas";
	asking->request.reply = sas_reply;
	asking->request.cancel = sas_cancel;
	asking->done = done;
	asking->user = user;
	if (!c->up)
	{
		not_connected(&asking->request, &e);
		sas_reply(&asking->request, -ENOTCONN, NULL, &e);
		return;
	}
	request_start(c, &asking->request, &o);
	request_send(c, &asking->request, &o);
}

/* ---- the whole ------------------------------------------------------------ */

static void boot_id_make(char out[33])
{
	uint8_t bytes[16];

	if (getrandom(bytes, sizeof(bytes), 0) != (ssize_t)sizeof(bytes))
	{
		abort();
	}
	hex_encode(bytes, sizeof(bytes), out);
}

struct charon *charon_new(struct loop *loop, const char *path,
						  const struct charon_handlers *handlers, void *user)
{
	static const struct backend_ops ops = {
		.name = "charon", .kinds = KINDS,
		.read = charon_read, .apply = charon_apply,
	};
	static const struct stream_handlers stream_handlers = {
		.connected = on_connected, .lost = on_lost, .frame = on_frame,
	};
	struct stream_config config = {
		.path = path, .token = "charon", .max_frame = FRAME_MAX,
	};
	struct charon *c = xcalloc(1, sizeof(*c));

	c->backend.ops = &ops;
	c->handlers = handlers;
	c->user = user;
	c->last = &c->first;
	boot_id_make(c->boot);
	c->deadline = loop_timer_new(loop, on_deadline, c);
	c->stream = stream_new(loop, &config, &stream_handlers, c);
	return c;
}

void charon_free(struct charon *c)
{
	struct request *r;

	if (c == NULL)
	{
		return;
	}
	stream_free(c->stream);
	loop_timer_free(c->deadline);
	while (c->first != NULL)
	{
		r = request_pop(c);
		r->cancel(r);
	}
	free(c->revision);
	free(c);
}

const struct charon_hello *charon_hello(const struct charon *c)
{
	return c->up ? &c->hello : NULL;
}

void charon_set_key(struct charon *c, const char *ike_key,
					char *const *certified, size_t count)
{
	c->ike_key = ike_key;
	c->certified = certified;
	c->certified_count = count;
}

struct backend *charon_backend(struct charon *c)
{
	return &c->backend;
}
