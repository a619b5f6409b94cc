/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * provider.c - polling, and standing by what was checked
 *
 * See provider.h. What is believed: belief.h; what stays: trial.h; who is asked:
 * failover.h.
 */
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "identity.h"
#include "log.h"
#include "loop.h"
#include "provider_impl.h"
#include "schema.h"
#include "seal.h"
#include "text.h"

#define POKE_GAP_MS 1000
/* A server that answers long polls at once, again and again, is not asked in a
 * circle: after some the next request waits. */
#define QUICK_MS 500
#define QUICK_MAX 4
#define QUICK_WAIT_MS 2000
/* before the first document there is no poll-interval */
#define DEFAULT_POLL_S 300
#define DEFAULT_WAIT_S 50
/* while a document is on trial, pauses are short */
#define CONFIRM_PAUSE_MS 2000

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

const char *provider_server(const struct provider *p)
{
	return p->in_use;
}

static void take_server(struct provider *p)
{
	size_t count;
	char **list = servers(p, &count);

	free(p->in_use);
	p->in_use = xstrdup(list[p->failover.current]);
}

/* The list may be another one now: go on with the one in use, if it is there. */
void provider_take_servers(struct provider *p)
{
	size_t count, current = 0;
	char **list = servers(p, &count);

	for (size_t i = 0; i < count && p->in_use; i++)
	{
		if (strcmp(list[i], p->in_use) == 0)
		{
			current = i;
			break;
		}
	}
	failover_set(&p->failover, count, current);
	take_server(p);
}

static uint32_t chance(void)
{
	uint32_t random;

	seal_random(&random, sizeof(random));
	return random;
}

static void arm_look(struct provider *p)
{
	uint64_t ms = failover_look(&p->failover, chance());

	if (ms)
	{
		loop_timer_set(p->look, ms);
	}
}

static void on_looked(void *user, const struct fetch_answer *a)
{
	struct provider *p = user;
	bool well = a->rc == 0 && (a->status == 200 || a->status == 304 ||
							   a->status == 410);

	if (p->quit)
	{
		return;
	}
	if (failover_looked(&p->failover, well, loop_now_ms()))
	{
		take_server(p);
		log_info("provider", "going back to %s: it has been well for a while",
				 provider_server(p));
		provider_ask(p, 0);
		return;
	}
	arm_look(p);
}

static void on_look(void *user)
{
	struct provider *p = user;
	size_t count;
	char **list = servers(p, &count);

	if (p->failover.current)
	{
		fetch_look(p->fetch, list[0], p->seen[0] ? p->seen : p->held.etag,
				   on_looked, p);
	}
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

/* ---- answers --------------------------------------------------------------- */

static void set_connected(struct provider *p, bool connected)
{
	if (p->connected != connected || !p->since_ms)
	{
		p->connected = connected;
		p->since_ms = loop_now_ms();
		log_info("provider", connected ? "server %s answers" :
				 "server %s is not reached: tunnels stay as they are",
				 provider_server(p));
	}
}

void provider_note_error(struct provider *p, const struct err *e)
{
	bool same = p->error.code == e->code &&
				strcmp(p->error.text, e->text) == 0;

	p->error = *e;
	log_err(same ? LOG_LEVEL_DEBUG : LOG_LEVEL_WARN, "provider",
			"configuration", e);
	p->handlers.state(p->user);
}

/* What is wrong with the newest document, or with the disk, stays wrong. */
static void note_ok(struct provider *p)
{
	static const struct err none;
	const struct err *e = p->rejected ? &p->refusal : &none;

	failover_answered(&p->failover);
	if (!provider_keep(p) && !p->rejected)
	{	/* told until it works */
		return;
	}
	if (p->error.code != e->code)
	{
		p->error = *e;
		p->handlers.state(p->user);
	}
}

void provider_note_refusal(struct provider *p, const struct err *e)
{
	p->rejected = true;
	p->refusal = *e;
	provider_note_error(p, e);
}

/* The next server, or the same one later; not before retry_after (seconds). */
static void try_next(struct provider *p, unsigned retry_after)
{
	uint64_t now = loop_now_ms(), ms;

	ms = failover_failed(&p->failover, now,
						 trial_is_urgent(&p->trial, now) ? CONFIRM_PAUSE_MS : 0,
						 chance());
	take_server(p);
	if (p->failover.failures >= p->failover.count && retry_after &&
		(uint64_t)retry_after * 1000 > ms)
	{	/* there is nobody else who may be well */
		ms = (uint64_t)retry_after * 1000;
	}
	loop_timer_set(p->timer, ms);
	if (!loop_timer_armed(p->look))
	{
		arm_look(p);
	}
}

static void on_failure(struct provider *p, const struct err *e,
					   unsigned retry_after)
{
	provider_note_error(p, e);
	try_next(p, retry_after);
}

static const char *const states[] = {
	[MODEL_ACTIVE] = "active", [MODEL_SUSPENDED] = "suspended",
	[MODEL_DEPROVISIONED] = "deprovisioned",
};

/* from_disk: or what was there before is back */
void provider_hand_on(struct provider *p, bool from_disk, uint64_t first_byte_ms)
{
	struct provider_document d = {
		.doc = p->held.doc, .from_disk = from_disk,
		.first_byte_ms = first_byte_ms, .checked_ms = loop_now_ms(),
	};

	p->saved = from_disk;
	p->applied = false;
	log_info("provider", "document %llu.%llu %s: %s, %zu VPNs",
			 (unsigned long long)d.doc->epoch,
			 (unsigned long long)d.doc->revision,
			 from_disk ? "known" : "accepted",
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
	provider_ask(p, wait_seconds(p));
}

/* ---- documents ------------------------------------------------------------------- */

static int accept(struct provider *p, const char *body, size_t len,
				  const char *etag, enum belief_expected expected,
				  struct held *h, struct err *e)
{
	struct belief b = {
		.ce = p->id->ce, .server = provider_server(p), .held = &p->held,
		.barred = provider_bars_record(p) ? p->record.etag : "",
		.barred_epoch = p->record.epoch, .barred_revision = p->record.revision,
		.allowed = p->allowed,
	};

	return belief_take(&b, body, len, etag, expected, h, e);
}

static void refuse(struct provider *p, const char *etag, bool repeated,
				   struct err *e)
{
	if (e->code == ERR_BULK_REMOVAL)
	{
		snprintf(p->braked, sizeof(p->braked), "%s", etag);
	}
	err_prefix(e, "document refused");
	if (!repeated)
	{	/* another document with the same fault is told again */
		memset(&p->error, 0, sizeof(p->error));
	}
	provider_note_refusal(p, e);
	if (p->seen[0])
	{	/* asked again when it changes: its ETag is named */
		failover_answered(&p->failover);
		ask_again(p);
		return;
	}
	/* Without an ETag it is no answer of a server of ours, whatever it is. */
	try_next(p, 0);
}

static void on_document(struct provider *p, const struct fetch_answer *a,
						bool gone)
{
	struct held h = {0};
	struct err e = {0};
	bool repeated = strcmp(a->etag, p->seen) == 0;

	snprintf(p->seen, sizeof(p->seen), "%s", a->etag);
	if (p->held.doc && a->etag[0] && strcmp(a->etag, p->held.etag) == 0)
	{
		p->rejected = false;
		note_ok(p);
	}
	else if (accept(p, a->body, a->len, a->etag,
					gone ? EXPECT_GONE : EXPECT_ACTIVE, &h, &e) < 0)
	{
		refuse(p, a->etag, repeated, &e);
		return;
	}
	else
	{
		p->rejected = false;
		provider_take(p, &h);
		provider_hand_on(p, false, a->first_byte_ms);
		note_ok(p);
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

static void on_answer(void *user, const struct fetch_answer *a)
{
	struct provider *p = user;
	struct err e = {0};
	bool poked = p->poked, skewed;

	if (p->quit)
	{
		return;
	}
	p->poked = p->asking = false;
	skewed = provider_hear_schema(p, a);
	p->busy = a->status == 503 || a->status == 429;
	set_connected(p, a->rc == 0);
	p->handlers.answered(p->user, a);
	if (a->rc == 0)
	{
		provider_judge(p, p->asked_ms);
	}
	else if (a->heard && p->giver && strcmp(p->giver, provider_server(p)) == 0)
	{
		trial_heard(&p->trial, p->asked_ms);
	}
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
		if (!p->seen[0])
		{	/* asked for what is in force: what was refused had no ETag */
			p->rejected = false;
		}
		note_ok(p);
		ask_again(p);
	}
	else if (a->status == 406)
	{	/* it will be so until somebody upgrades: slowly, if all are */
		e = p->skew;
		on_failure(p, &e, poll_seconds(p));
	}
	else
	{
		err_set(&e, 0, ERR_HTTP, provider_server(p), "status %u to the request for the "
				"configuration", a->status);
		on_failure(p, &e, a->retry_after);
	}
	provider_send_report(p);
	if (poked || skewed || (p->report_lost && p->connected))
	{
		p->report_lost = false;
		p->handlers.state(p->user);
	}
}

void provider_ask(struct provider *p, unsigned wait)
{
	loop_timer_clear(p->timer);
	if (p->quit)
	{
		p->poked = false;
		return;
	}
	p->asking = true;
	p->asked_wait = wait;
	p->asked_ms = loop_now_ms();
	fetch_config(p->fetch, provider_server(p), p->seen[0] ? p->seen : p->held.etag,
				 wait, on_answer, p);
}

/* After a failure an answer at once tells that it is over, and a long poll does so
 * when it ends; but a server that has too much to do is not asked twice. */
static void on_timer(void *user)
{
	struct provider *p = user;
	bool doubt = p->failover.failures && !p->busy;

	provider_ask(p, p->connected && !doubt ? wait_seconds(p) : 0);
}

/* ---- life ------------------------------------------------------------------ */

static struct fetch *new_fetch(struct loop *loop, const struct identity *id,
							   struct err *e)
{
	struct fetch_identity files = {
		.cert_file = id->cert_file, .key_file = id->key_file,
		.ca_file = id->ca_file,
	};

	return fetch_new(loop, &files, e);
}

int provider_new(struct loop *loop, const char *state_dir,
				 const struct identity *id,
				 const struct provider_handlers *handlers, void *user,
				 struct provider **provider, struct err *e)
{
	struct provider *p = xcalloc(1, sizeof(*p));

	p->loop = loop;
	p->state_dir = xstrdup(state_dir);
	p->id = id;
	p->handlers = *handlers;
	p->user = user;
	p->report_schema = schema_common(schema_status, NULL);
	p->fetch = new_fetch(loop, id, e);
	if (!p->fetch)
	{
		provider_free(p);
		return -EIO;
	}
	p->timer = loop_timer_new(loop, on_timer, p);
	p->confirm = loop_timer_new(loop, provider_on_confirm, p);
	p->look = loop_timer_new(loop, on_look, p);
	provider_take_servers(p);
	*provider = p;
	return 0;
}

void provider_free(struct provider *p)
{
	if (p)
	{
		fetch_free(p->fetch);
		loop_timer_free(p->timer);
		loop_timer_free(p->confirm);
		loop_timer_free(p->look);
		held_done(&p->held);
		held_done(&p->base);
		free(p->in_use);
		free(p->giver);
		free(p->report);
		free(p->state_dir);
		free(p);
	}
}

static void load(struct provider *p)
{
	struct lastconf last = {0};
	struct held h = {0};
	struct err e = {0};
	int rc = lastconf_load(p->state_dir, p->id->ce, &last, &e);

	if (rc == 0)
	{
		/* it was checked when it came; it is checked again all the same */
		rc = accept(p, last.body, last.len, last.etag, EXPECT_EITHER, &h, &e);
		if (rc == 0)
		{
			if (e.code != ERR_NONE)
			{	/* the previous generation had to serve */
				log_err(LOG_LEVEL_WARN, "provider", "last configuration", &e);
			}
			p->held = h;
			snprintf(p->seen, sizeof(p->seen), "%s", p->held.etag);
			provider_take_servers(p);
			provider_hand_on(p, true, 0);
			p->handlers.kept(p->user);
		}
	}
	if (rc < 0 && rc != -ENOENT)
	{
		provider_note_error(p, &e);
	}
	lastconf_done(&last);
	provider_load_record(p);
}

void provider_start(struct provider *p)
{
	load(p);
	provider_ask(p, 0);
}

void provider_quit(struct provider *p)
{
	p->quit = true;
	p->poked = p->connected = p->rejected = false;
	p->trial.state = TRIAL_NONE;
	memset(&p->error, 0, sizeof(p->error));
	loop_timer_clear(p->timer);
	loop_timer_clear(p->confirm);
	loop_timer_clear(p->look);
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
	provider_ask(p, 0);
}

void provider_reconnect(struct provider *p)
{
	struct err e = {0};
	struct fetch *fresh;

	if (p->quit)
	{
		return;
	}
	fresh = new_fetch(p->loop, p->id, &e);
	if (!fresh)
	{
		provider_note_error(p, &e);
		return;
	}
	/* nothing under way comes to an end by itself any more */
	fetch_free(p->fetch);
	p->fetch = fresh;
	p->report_lost |= p->reporting;
	p->reporting = false;
	if (p->diag_busy)
	{	/* sent again when the server says that it still waits */
		p->diag_busy = false;
		p->diag[0] = '\0';
	}
	provider_lost(p);
	provider_ask(p, 0);
	if (loop_timer_armed(p->look))
	{	/* that one may have been on its way */
		arm_look(p);
	}
}

bool provider_idle(const struct provider *p)
{
	return !p->poked;
}

/* Have the newest document come again, to be looked at with other eyes. */
static void fetch_again(struct provider *p)
{
	memcpy(p->seen, p->held.etag, sizeof(p->seen));
	p->rejected = p->poked = false;
	provider_poke(p);
}

int provider_accept_removal(struct provider *p, struct err *e)
{
	if (!p->braked[0])
	{
		return err_set(e, -ENOENT, ERR_NOT_FOUND, provider_server(p), "no removal is "
					   "held back");
	}
	log_warn("provider", "the removal of %s is accepted here", p->braked);
	memcpy(p->allowed, p->braked, sizeof(p->allowed));
	fetch_again(p);
	return 0;
}

int provider_retry(struct provider *p, struct err *e)
{
	if (!provider_bars_record(p))
	{
		return err_set(e, -ENOENT, ERR_NOT_FOUND, provider_server(p), "no document was "
					   "taken back");
	}
	log_warn("provider", "document %s is to be tried again", p->record.etag);
	p->trial.state = TRIAL_NONE;
	provider_forget_record(p);
	fetch_again(p);
	return 0;
}

void provider_status(const struct provider *p, struct provider_status *out)
{
	memset(out, 0, sizeof(*out));
	out->server = provider_server(p);
	out->connected = p->connected;
	out->since_ms = p->since_ms;
	if (p->held.doc)
	{
		out->epoch = p->held.doc->epoch;
		out->revision = p->held.doc->revision;
		out->suspended = p->held.doc->state == MODEL_SUSPENDED;
		out->deprovisioned = p->held.doc->state == MODEL_DEPROVISIONED;
	}
	out->confirmed = p->held.doc && p->trial.state != TRIAL_RUNNING;
	out->kept = p->held.doc && p->saved;
	out->rejected = p->rejected;
	if (p->rejected)
	{
		out->refusal = p->refusal;
	}
	out->skew = p->skew;
	out->report_schema = p->report_schema < 0 ? 0 : p->report_schema;
	out->error = p->error;
}
