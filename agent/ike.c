/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * ike.c - this router's key for IKE, and the certificates that documents bring
 * for it
 */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent.h"
#include "alloc.h"
#include "charon.h"
#include "daytime.h"
#include "ends.h"
#include "event.h"
#include "ike.h"
#include "ike_key.h"
#include "log.h"
#include "loop.h"
#include "provider.h"
#include "seal.h"
#include "secret.h"

static const struct err none;

/* ---- the key ----------------------------------------------------------------- */

static void forget_key(struct ike *i)
{
	if (i->key)
	{
		wipe(i->key, strlen(i->key));
	}
	free(i->key);
	i->key = NULL;
	i->id[0] = '\0';
}

static void take_key(struct ike *i, char *pem)
{
	struct err e = {0};

	forget_key(i);
	i->key = pem;
	if (certificate_key_id(pem, i->id, &e) < 0)
	{
		log_err(LOG_LEVEL_ERROR, "ike", "key", &e);
		forget_key(i);
	}
}

void ike_load(struct agent *a)
{
	struct err e = {0};
	char *pem = NULL;
	int rc = ike_key_load(a->conf.state_dir, &pem, &e);

	if (rc == 0)
	{
		take_key(&a->ike, pem);
	}
	else if (rc != -ENOENT && !a->identity.leaving)
	{	/* one that is no key is replaced when it is needed */
		log_err(LOG_LEVEL_WARN, "ike", "key", &e);
	}
}

static void forget_certified(struct ike *i)
{
	for (size_t k = 0; k < i->certified_count; k++)
	{
		free(i->certified[k]);
	}
	free(i->certified);
	i->certified = NULL;
	i->certified_count = 0;
}

void ike_done(struct agent *a)
{
	forget_key(&a->ike);
	forget_certified(&a->ike);
	free(a->ike.vpns);
	a->ike.vpns = NULL;
	a->ike.count = 0;
}

/* ---- certificates -------------------------------------------------------------- */

/* Whether the VPN's certificate is of our key. */
static bool read_own(const struct ike *i, const struct model_vpn *vpn,
					 struct lifetime *life)
{
	char id[CERTIFICATE_KEY_ID_SIZE];
	struct err e = {0};

	memset(life, 0, sizeof(*life));
	if (!vpn->certificate.cert_data)
	{
		return false;
	}
	if (certificate_read(vpn->certificate.cert_data, id, &life->from_s,
						 &life->until_s, &e) < 0)
	{
		log_err(LOG_LEVEL_WARN, "ike", vpn->vpn, &e);
		return false;
	}
	return i->id[0] && strcmp(id, i->id) == 0;
}

static const struct ike_vpn *find(const struct ike_vpn *vpns, size_t count,
								  const char *place)
{
	for (size_t k = 0; k < count; k++)
	{
		if (strcmp(vpns[k].place, place) == 0)
		{
			return &vpns[k];
		}
	}
	return NULL;
}

const struct ike_vpn *ike_vpn(const struct agent *a, const char *customer,
							  const char *vpn)
{
	char place[2 * NAME_SIZE];

	snprintf(place, sizeof(place), "%s/%s", customer, vpn);
	return find(a->ike.vpns, a->ike.count, place);
}

/* Those of before, for what was said of them. */
static void read_vpns(struct agent *a)
{
	struct ike *i = &a->ike;
	struct ike_vpn *before = i->vpns;
	size_t before_count = i->count;

	i->vpns = xcalloc(a->doc->vpn_count + 1, sizeof(*i->vpns));
	i->count = 0;
	for (size_t k = 0; k < a->doc->vpn_count; k++)
	{
		const struct model_vpn *vpn = &a->doc->vpns[k];
		struct ike_vpn *one = &i->vpns[i->count];
		const struct ike_vpn *old;

		if (!vpn->certificate.ca_count)
		{
			continue;
		}
		i->count++;
		snprintf(one->place, sizeof(one->place), "%s/%s", vpn->customer,
				 vpn->vpn);
		one->own = read_own(i, vpn, &one->life);
		old = find(before, before_count, one->place);
		one->said = old ? old->said : STATUS_CLEARED;
		if (one->own && !(old && old->own &&
						  old->life.until_s == one->life.until_s))
		{
			char until[ENDS_DATE_SIZE];

			event_emit(a->control, EVENT_IKE_CERTIFICATE, one->place, ERR_NONE,
					   "ends %s", ends_date(until, one->life.until_s));
		}
	}
	for (size_t k = 0; k < before_count; k++)
	{
		if (before[k].said != STATUS_CLEARED &&
			!find(i->vpns, i->count, before[k].place))
		{
			agent_alarm_clear(a, ERR_IKE_CERTIFICATE_ENDS, before[k].place);
		}
	}
	free(before);
}

static bool counts(const struct ike_vpn *vpn)
{
	return vpn->own && !vpn->ended;
}

/* Whether charon was told of others than those that count. */
static bool differs(const struct ike *i)
{
	size_t n = 0;

	for (size_t k = 0; k < i->count; k++)
	{
		if (counts(&i->vpns[k]) &&
			(n == i->certified_count ||
			 strcmp(i->certified[n++], i->vpns[k].place) != 0))
		{
			return true;
		}
	}
	return n != i->certified_count;
}

static void tell_charon(struct agent *a)
{
	struct ike *i = &a->ike;

	forget_certified(i);
	i->certified = xcalloc(i->count + 1, sizeof(*i->certified));
	for (size_t k = 0; k < i->count; k++)
	{
		if (counts(&i->vpns[k]))
		{
			i->certified[i->certified_count++] = xstrdup(i->vpns[k].place);
		}
	}
	charon_set_key(a->charon, i->key, i->certified, i->certified_count);
}

/* The time of day, where it is known, decides. */
static void judge(struct agent *a, int64_t now_s)
{
	for (size_t k = 0; k < a->ike.count; k++)
	{
		struct ike_vpn *vpn = &a->ike.vpns[k];
		const struct lifetime nothing = {0};

		vpn->ended = vpn->own && now_s && now_s >= vpn->life.until_s;
		if (now_s)
		{
			ends_look(a, ERR_IKE_CERTIFICATE_ENDS, vpn->place,
					  vpn->own ? &vpn->life : &nothing, now_s, &vpn->said,
					  &none);
		}
	}
}

static bool is_lacking(const struct ike *i, const struct model_document *doc)
{
	struct lifetime life;

	for (size_t k = 0; k < doc->vpn_count; k++)
	{
		if (doc->vpns[k].certificate.ca_count &&
			!read_own(i, &doc->vpns[k], &life))
		{
			return true;
		}
	}
	return false;
}

void ike_document(struct agent *a, const struct model_document *given)
{
	struct ike *i = &a->ike;

	read_vpns(a);
	judge(a, daytime_now_s(a->daytime, loop_now_ms()));
	tell_charon(a);
	i->lacking = is_lacking(i, given);
	i->told = false;		/* that document has come: it lacks it, or not */
	if (!i->lacking)
	{
		i->asked = 0;
		i->next_ms = 0;
		i->error = none;
	}
	i->gone = false;
}

/* ---- the end --------------------------------------------------------------------- */

void ike_kept(struct agent *a)
{
	a->ike.gone = a->doc && a->doc->state == MODEL_DEPROVISIONED;
}

/* What was enrolled here is no member any more. */
static void remove_key(struct agent *a)
{
	struct ike *i = &a->ike;
	struct err e = {0};

	if (!i->key)
	{
		return;
	}
	if (ike_key_remove(a->conf.state_dir, i->key, &e) < 0)
	{	/* with the next look, or the next start */
		log_err(LOG_LEVEL_DEBUG, "ike", "key", &e);
		return;
	}
	forget_key(i);
	tell_charon(a);
}

/* ---- telling the server ------------------------------------------------------------ */

static void again_later(struct ike *i, unsigned retry_after)
{
	uint32_t chance;
	uint64_t ms;

	seal_random(&chance, sizeof(chance));
	i->asked++;
	ms = lifetime_ask_ms(i->asked, chance);
	if ((uint64_t)retry_after * 1000 > ms)
	{
		ms = (uint64_t)retry_after * 1000;
	}
	i->next_ms = loop_now_ms() + ms;
}

static void failed(struct agent *a, const struct err *e, unsigned retry_after)
{
	struct ike *i = &a->ike;

	i->error = *e;
	again_later(i, retry_after);
	event_emit(a->control, EVENT_IKE_KEY_NOT_TOLD, "", e->code, "%s; again in "
			   "%llu s", e->text,
			   (unsigned long long)(i->next_ms - loop_now_ms()) / 1000);
}

static void on_answer(void *user, const char *answer, const struct err *e,
					  unsigned retry_after)
{
	struct agent *a = user;
	struct ike *i = &a->ike;

	i->asking = false;
	if (a->leaving || !i->lacking)
	{
		return;
	}
	if (!answer)
	{
		failed(a, e, retry_after);
		return;
	}
	again_later(i, 0);
	i->told = true;
	i->error = none;
	event_emit(a->control, EVENT_IKE_KEY_TOLD, "", ERR_NONE, "%s", i->id);
}

static void ask(struct agent *a)
{
	struct ike *i = &a->ike;
	char *csr = NULL, *pem = NULL;
	struct err e = {0};
	int rc = 0;

	if (!i->key)
	{
		rc = ike_key_make(a->conf.state_dir, &pem, &e);
		if (rc == 0)
		{
			take_key(i, pem);
			tell_charon(a);
		}
	}
	if (rc == 0)
	{
		rc = certificate_request(i->key ? i->key : "", a->identity.ce, &csr,
								 &e);
	}
	if (rc < 0)
	{
		failed(a, &e, 0);
		return;
	}
	i->asking = true;
	provider_ike_key(a->provider, csr, on_answer, a);
	free(csr);
}

/* ---- looking ------------------------------------------------------------------------ */

void ike_look(struct agent *a)
{
	struct ike *i = &a->ike;
	const uint64_t now_ms = loop_now_ms();
	struct provider_status ps;

	if (a->leaving)
	{
		return;
	}
	if (i->gone)
	{
		remove_key(a);
		return;
	}
	judge(a, daytime_now_s(a->daytime, now_ms));
	if (differs(i))
	{
		tell_charon(a);
		cycle_request(a->cycle);
	}
	if (!i->lacking || i->asking || i->told || now_ms < i->next_ms)
	{
		return;
	}
	provider_status(a->provider, &ps);
	if (ps.connected && !ps.deprovisioned)
	{
		ask(a);
	}
}

enum err_code ike_trouble(const struct agent *a, const char **text)
{
	const struct ike *i = &a->ike;

	*text = "";
	if (i->lacking && i->error.code != ERR_NONE)
	{
		*text = i->error.text;
		return ERR_IKE_KEY;
	}
	if (i->lacking && i->asked)
	{
		*text = "the provider knows this router's key, and has sent no "
				"certificate since";
		return ERR_IKE_KEY;
	}
	return ERR_NONE;
}
