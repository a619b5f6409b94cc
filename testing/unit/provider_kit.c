/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * provider_kit.c - a provider among fakes; see provider_kit.h
 */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <check.h>

#include "alloc.h"
#include "log.h"
#include "provider_kit.h"
#include "seal.h"
#include "text.h"

/* ---- the fakes ------------------------------------------------------------- */

fetch_fn asked_fn;
void *asked_user;
char asked_etag[128], asked_server[64];
unsigned asked_wait, asked, posted;
int post_rc;
char answer_schema[128];
char saved[8192], saved_etag[128];
unsigned saves, removes, saves_at_remove;
char *on_disk, on_disk_etag[128];
int disk_rc, save_rc;

struct fetch *fetch_new(struct loop *l, const struct fetch_identity *id,
						struct err *e)
{
	static int dummy;

	(void)l;
	(void)id;
	(void)e;
	return (struct fetch*)&dummy;
}

unsigned fetches_ended;

void fetch_free(struct fetch *f)
{
	(void)f;
	fetches_ended++;
}

void fetch_config(struct fetch *f, const char *server, const char *etag,
				  unsigned wait, fetch_fn fn, void *user)
{
	(void)f;
	snprintf(asked_server, sizeof(asked_server), "%s", server);
	snprintf(asked_etag, sizeof(asked_etag), "%s", etag);
	asked_wait = wait;
	asked_fn = fn;
	asked_user = user;
	asked++;
}

void fetch_status(struct fetch *f, const char *server, const char *body,
				  size_t len, fetch_fn fn, void *user)
{
	struct fetch_answer a = { .status = 204, .notify_ms = -1 };

	(void)f;
	(void)server;
	(void)body;
	(void)len;
	posted++;
	if (post_rc)
	{
		a.rc = post_rc;
		err_set(&a.err, post_rc, ERR_UNREACHABLE, "x", "planted");
	}
	fn(user, &a);
}

fetch_fn looked_fn;
void *looked_user;
unsigned looks;
char looked_server[64];

void fetch_look(struct fetch *f, const char *server, const char *etag,
				fetch_fn fn, void *user)
{
	(void)f;
	(void)etag;
	snprintf(looked_server, sizeof(looked_server), "%s", server);
	looked_fn = fn;
	looked_user = user;
	looks++;
}

fetch_fn leave_fn, diag_fn;
void *leave_user, *diag_user;
unsigned leaves, diags;
char diag_sent[64];

void fetch_leave(struct fetch *f, const char *server, fetch_fn fn, void *user)
{
	(void)f;
	(void)server;
	leave_fn = fn;
	leave_user = user;
	leaves++;
}

void fetch_renew(struct fetch *f, const char *server, const char *csr_base64,
				 fetch_fn fn, void *user)
{
	(void)f;
	(void)server;
	(void)csr_base64;
	(void)fn;
	(void)user;
}

fetch_fn ike_key_fn;
void *ike_key_user;
unsigned ike_keys;

void fetch_ike_key(struct fetch *f, const char *server, const char *csr_base64,
				   fetch_fn fn, void *user)
{
	(void)f;
	(void)server;
	(void)csr_base64;
	ike_key_fn = fn;
	ike_key_user = user;
	ike_keys++;
}

void fetch_diag(struct fetch *f, const char *server, const char *id,
				const char *body, size_t len, fetch_fn fn, void *user)
{
	(void)f;
	(void)server;
	snprintf(diag_sent, sizeof(diag_sent), "%s %.*s", id, (int)len, body);
	diag_fn = fn;
	diag_user = user;
	diags++;
}

int lastconf_load(const char *dir, const char *ce, struct lastconf *out,
				  struct err *e)
{
	(void)dir;
	(void)ce;
	if (disk_rc)
	{
		return err_set(e, disk_rc, ERR_SEALED, "config", "planted");
	}
	out->body = xstrdup(on_disk);
	out->len = strlen(on_disk);
	snprintf(out->etag, sizeof(out->etag), "%s", on_disk_etag);
	return 0;
}

int lastconf_save(const char *dir, const char *ce, const struct lastconf *in,
				  struct err *e)
{
	(void)dir;
	(void)ce;
	if (save_rc)
	{
		return err_set(e, save_rc, ERR_IO, "config", "planted");
	}
	snprintf(saved, sizeof(saved), "%s", in->body);
	snprintf(saved_etag, sizeof(saved_etag), "%s", in->etag);
	saves++;
	return 0;
}

int lastconf_remove(const char *dir, struct err *e)
{
	(void)dir;
	(void)e;
	removes++;
	saves_at_remove = saves;
	return 0;
}

void lastconf_done(struct lastconf *l)
{
	free(l->body);
}

struct lastconf_trial trial_on_disk;

int lastconf_trial_load(const char *dir, struct lastconf_trial *out,
						struct err *e)
{
	(void)dir;
	(void)e;
	*out = trial_on_disk;
	return trial_on_disk.etag[0] ? 0 : -ENOENT;
}

int lastconf_trial_save(const char *dir, const struct lastconf_trial *in,
						struct err *e)
{
	(void)dir;
	(void)e;
	trial_on_disk = *in;
	return 0;
}

int lastconf_trial_remove(const char *dir, struct err *e)
{
	(void)dir;
	(void)e;
	memset(&trial_on_disk, 0, sizeof(trial_on_disk));
	return 0;
}

/* ---- the provider under test ----------------------------------------------- */

char *servers[] = { (char*)"https://a:1", (char*)"https://b:1" };
const struct identity id = {
	.ce = (char*)"acme/paris-r1", .servers = servers, .server_count = 2,
};
struct loop *loop;
struct provider *p;
unsigned documents, states, answers;
struct provider_document last_document;
uint64_t revision;
int state;

static void on_document(void *user, const struct provider_document *d)
{
	(void)user;
	last_document = *d;
	documents++;
	revision = d->doc->revision;
	state = d->doc->state;
}

static void on_state(void *user)
{
	(void)user;
	states++;
}

unsigned wanted_diags;
char wanted_diag[20];

static void on_diag(void *user, const char *which)
{
	(void)user;
	wanted_diags++;
	snprintf(wanted_diag, sizeof(wanted_diag), "%s", which);
}

static void on_answered(void *user, const struct fetch_answer *a)
{
	(void)user;
	(void)a;
	answers++;
}

unsigned kept;

static void on_kept(void *user)
{
	(void)user;
	kept++;
}

void setup(void)
{
	static const struct provider_handlers handlers = {
		on_document, on_state, on_diag, on_answered, on_kept,
	};
	struct err e = {0};

	log_init("test", LOG_LEVEL_ERROR);
	disk_rc = -ENOENT;
	asked = documents = saves = posted = states = removes = 0;
	leaves = diags = wanted_diags = looks = answers = kept = 0;
	post_rc = save_rc = 0;
	answer_schema[0] = '\0';
	memset(&trial_on_disk, 0, sizeof(trial_on_disk));
	loop = loop_new();
	ck_assert_int_eq(provider_new(loop, "/nowhere", &id, &handlers, NULL, &p,
								  &e), 0);
}

void teardown(void)
{
	provider_free(p);
	loop_free(loop);
	free(on_disk);
	on_disk = NULL;
}

char *any_document(const char *ce, unsigned epoch, unsigned rev,
						  const char *wait, const char *named)
{
	return xasprintf("{\"schema\":\"ce-config/1\",\"ce\":\"%s\",\"epoch\":%u,"
		"\"revision\":%u,\"state\":\"%s\",\"management\":{\"servers\":"
		"[\"https://a:1\"],\"poll-interval\":300,\"long-poll-timeout\":%s,"
		"\"report-interval\":300},\"sa-profiles\":{},"
		"\"vpns\":[]}", ce, epoch, rev, named, wait);
}

char *document(const char *ce, unsigned epoch, unsigned rev,
					  const char *wait)
{
	return any_document(ce, epoch, rev, wait, "active");
}

char *tombstone(unsigned epoch, unsigned rev)
{
	return any_document("acme/paris-r1", epoch, rev, "50", "deprovisioned");
}

void etag_of(const char *body, unsigned epoch, unsigned rev,
					char out[128])
{
	uint8_t hash[32];
	char hex[65];

	seal_sha256(body, strlen(body), hash);
	hex_encode(hash, 32, hex);
	snprintf(out, 128, "\"%u.%u-%.16s\"", epoch, rev, hex);
}

void answer(unsigned status, char *body, const char *etag)
{
	struct fetch_answer a = {
		.status = status, .body = body, .len = body ? strlen(body) : 0,
		.notify_ms = -1,
	};

	snprintf(a.etag, sizeof(a.etag), "%s", etag);
	snprintf(a.schema, sizeof(a.schema), "%s", answer_schema);
	asked_fn(asked_user, &a);
	free(body);
}

void answer_document(unsigned epoch, unsigned rev, const char *extra)
{
	char *body = document("acme/paris-r1", epoch, rev, extra), etag[128];

	etag_of(body, epoch, rev, etag);
	answer(200, body, etag);
}

struct provider_status status(void)
{
	struct provider_status s;

	provider_status(p, &s);
	return s;
}
