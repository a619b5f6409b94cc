/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * renew.c - a new certificate in time
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "agent.h"
#include "alloc.h"
#include "certificate.h"
#include "daytime.h"
#include "ends.h"
#include "event.h"
#include "file.h"
#include "log.h"
#include "loop.h"
#include "provider.h"
#include "renew.h"
#include "seal.h"
#include "secret.h"

#define PEM_MAX 65536
#define RESOURCE "certificate"
/* A server whose certificates end at once is not asked in a circle. */
#define AGAIN_MS 10000

static void forget_request(struct renew *r)
{
	if (r->key)
	{
		wipe(r->key, strlen(r->key));
	}
	free(r->key);
	free(r->csr);
	r->key = r->csr = NULL;
}

static void take(struct renew *r, char *certificate)
{
	struct err e = {0};

	free(r->certificate);
	r->certificate = certificate;
	if (certificate_times(certificate, &r->life.from_s, &r->life.until_s,
						  &e) < 0)
	{
		/* nothing can be said of it; TLS says what is wrong with it */
		memset(&r->life, 0, sizeof(r->life));
		log_err(LOG_LEVEL_DEBUG, "renew", "own certificate", &e);
	}
}

void renew_load(struct agent *a)
{
	struct err e = {0};
	uint8_t hash[32];
	char *text;
	size_t len;

	a->renew.said = STATUS_CLEARED;
	seal_sha256(a->identity.ce, strlen(a->identity.ce), hash);
	memcpy(&a->renew.seed, hash, sizeof(a->renew.seed));
	if (a->identity.leaving)
	{
		return;
	}
	if (file_read(a->identity.cert_file, PEM_MAX, &text, &len, &e) < 0)
	{
		log_err(LOG_LEVEL_WARN, "renew", "own certificate", &e);
		return;
	}
	take(&a->renew, text);
}

void renew_done(struct agent *a)
{
	forget_request(&a->renew);
	free(a->renew.certificate);
	a->renew.certificate = NULL;
}

/* ---- asking ---------------------------------------------------------------- */

static void failed(struct agent *a, const struct err *e, unsigned retry_after)
{
	struct renew *r = &a->renew;
	uint64_t ms;
	uint32_t chance;

	seal_random(&chance, sizeof(chance));
	r->error = *e;
	r->failures++;
	ms = lifetime_retry_ms(&r->life, r->failures, chance);
	if ((uint64_t)retry_after * 1000 > ms)
	{
		ms = (uint64_t)retry_after * 1000;
	}
	r->next_ms = loop_now_ms() + ms;
	event_emit(a->control, EVENT_CERTIFICATE_NOT_RENEWED, "", e->code,
			   "%s; again in %llu s", e->text,
			   (unsigned long long)(ms / 1000));
}

static int keep(struct agent *a, const char *answer, struct err *e)
{
	struct renew *r = &a->renew;
	const int64_t now = daytime_now_s(a->daytime, loop_now_ms());
	char *ca = NULL, *pem = NULL, until[ENDS_DATE_SIZE];
	size_t len;
	int rc = file_read(a->identity.ca_file, PEM_MAX, &ca, &len, e);

	if (rc == 0)
	{
		rc = certificate_renewed(answer, r->key, ca, now, &pem, e);
	}
	if (rc == 0)
	{
		rc = identity_renew(a->conf.state_dir, r->certificate, r->key, pem, e);
	}
	free(ca);
	if (rc < 0)
	{
		free(pem);
		return rc;
	}
	take(r, pem);
	event_emit(a->control, EVENT_CERTIFICATE_RENEWED, "", ERR_NONE,
			   "ends %s", ends_date(until, r->life.until_s));
	return 0;
}

static void on_answer(void *user, const char *answer, const struct err *e,
					  unsigned retry_after)
{
	struct agent *a = user;
	struct renew *r = &a->renew;
	struct err own = {0};

	r->asking = false;
	if (!answer)
	{	/* the same request again: what is lost is given again */
		failed(a, e, retry_after);
		return;
	}
	if (keep(a, answer, &own) < 0)
	{
		forget_request(r);
		failed(a, &own, 0);
		return;
	}
	forget_request(r);
	memset(&r->error, 0, sizeof(r->error));
	r->failures = 0;
	r->next_ms = loop_now_ms() + AGAIN_MS;
	/* not while the answer's own connection is at work */
	loop_timer_set(a->renewed, 0);
}

void renew_use(void *user)
{
	struct agent *a = user;

	provider_reconnect(a->provider);
	renew_look(a);
	agent_changed(a);
}

static void ask(struct agent *a)
{
	struct renew *r = &a->renew;
	struct err e = {0};
	int rc = 0;

	if (!r->key)
	{
		rc = certificate_key_new(&r->key, &e);
		if (rc == 0)
		{
			rc = certificate_request(r->key, a->identity.ce, &r->csr, &e);
		}
	}
	if (rc < 0)
	{
		forget_request(r);
		failed(a, &e, 0);
		return;
	}
	r->asking = true;
	provider_renew(a->provider, r->csr, on_answer, a);
}

/* ---- looking --------------------------------------------------------------- */

void renew_look(struct agent *a)
{
	struct renew *r = &a->renew;
	const uint64_t now_ms = loop_now_ms();
	struct provider_status ps;
	int64_t now;

	if (!r->life.until_s || a->leaving)
	{
		return;
	}
	now = daytime_now_s(a->daytime, now_ms);
	if (!now)
	{	/* not known */
		return;
	}
	ends_look(a, ERR_CE_CERTIFICATE, RESOURCE, &r->life, now, &r->said,
			  &r->error);
	if (r->asking || now_ms < r->next_ms || now < lifetime_due(&r->life, r->seed) ||
		now >= r->life.until_s)
	{
		return;
	}
	provider_status(a->provider, &ps);
	if (ps.connected && !ps.deprovisioned)
	{
		ask(a);
	}
}
