/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * provider_trial.c - documents on trial: confirmed, taken back, remembered
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "identity.h"
#include "log.h"
#include "loop.h"
#include "provider_impl.h"

/* While a document is on trial: a long poll from before it says nothing, and is
 * given up after this (a report is usually answered sooner). */
#define CONFIRM_LOOK_MS 2000

void provider_forget_record(struct provider *p)
{
	struct err e = {0};

	p->put_off = false;
	if (!p->record.etag[0])
	{
		return;
	}
	memset(&p->record, 0, sizeof(p->record));
	if (lastconf_trial_remove(p->state_dir, &e) < 0)
	{
		log_err(LOG_LEVEL_WARN, "provider", "trial", &e);
	}
}

static void save_record(struct provider *p)
{
	struct err e = {0};

	if (lastconf_trial_save(p->state_dir, &p->record, &e) < 0)
	{	/* a restart would not know; the trial itself goes on */
		log_err(LOG_LEVEL_WARN, "provider", "trial", &e);
	}
}

static void arm_confirm(struct provider *p, uint64_t ms)
{
	uint64_t deadline = trial_deadline(&p->trial), now = loop_now_ms();

	if (!deadline && !trial_is_urgent(&p->trial, now))
	{
		loop_timer_clear(p->confirm);
		return;
	}
	if (deadline && now + ms > deadline)
	{
		ms = deadline > now ? deadline - now : 0;
	}
	loop_timer_set(p->confirm, ms);
}

static uint64_t look_ms(const struct provider *p)
{
	uint64_t ms = p->trial.timeout_ms / 4;

	return ms > CONFIRM_LOOK_MS ? ms : CONFIRM_LOOK_MS;
}

/* A document that was there when this one came can come back. */
static void begin_trial(struct provider *p, struct held *h)
{
	unsigned s = h->doc->management.confirm_timeout;
	bool again = strcmp(p->record.etag, h->etag) == 0;

	if (p->trial.state == TRIAL_RUNNING)
	{	/* never confirmed: the one before it is what comes back */
		held_done(&p->held);
	}
	else
	{
		p->base = p->held;
		p->base_saved = p->saved;
	}
	p->held = *h;
	p->put_off = false;
	p->record.tries = again ? p->record.tries + 1 : 1;
	p->record.interrupted = again ? p->record.interrupted : 0;
	p->record.fate = LASTCONF_RUNNING;
	p->record.epoch = h->doc->epoch;
	p->record.revision = h->doc->revision;
	memcpy(p->record.etag, h->etag, sizeof(p->record.etag));
	save_record(p);
	free(p->giver);
	p->giver = xstrdup(provider_server(p));
	trial_begin(&p->trial, loop_now_ms(),
				1000ull * (s ? s : MODEL_CONFIRM_DEFAULT));
	arm_confirm(p, look_ms(p));
}

/* Nothing comes back: what was there before is forgotten. */
static void end_trial(struct provider *p)
{
	p->trial.state = TRIAL_NONE;
	loop_timer_clear(p->confirm);
	held_done(&p->base);
	provider_forget_record(p);
}

/*
 * A new document is in force. The first one has nothing before it that could
 * come back; and after a tombstone nothing comes back.
 */
void provider_take(struct provider *p, struct held *h)
{
	const struct model_document *old = p->held.doc;

	p->braked[0] = p->allowed[0] = '\0';
	p->applied = false;
	p->first = !old && h->doc->state != MODEL_DEPROVISIONED;
	if (old && old->state != MODEL_DEPROVISIONED &&
		h->doc->state != MODEL_DEPROVISIONED)
	{
		begin_trial(p, h);
	}
	else
	{
		end_trial(p);
		held_done(&p->held);
		p->held = *h;
	}
	provider_take_servers(p);
}

/*
 * A disk that was full, say, is tried again with every answer of a server. The
 * first document is kept before it is applied: who is killed meanwhile would not
 * know what to finish, nor what to undo.
 */
bool provider_keep(struct provider *p)
{
	struct lastconf last = { .body = p->held.body, .len = p->held.len };
	struct err e = {0};

	if (p->saved || !(p->applied || p->first) ||
		p->trial.state == TRIAL_RUNNING)
	{
		return true;
	}
	memcpy(last.etag, p->held.etag, sizeof(last.etag));
	if (p->held.doc->state == MODEL_DEPROVISIONED &&
		lastconf_remove(p->state_dir, &e) < 0)
	{	/* the one before has keys */
		provider_note_error(p, &e);
	}
	if (lastconf_save(p->state_dir, p->id->ce, &last, &e) < 0)
	{
		err_prefix(&e, "the configuration in force is not kept for the next "
				   "start");
		provider_note_error(p, &e);
		return false;
	}
	p->saved = true;
	p->handlers.kept(p->user);
	return true;
}

bool provider_bars_record(const struct provider *p)
{
	return p->record.fate == LASTCONF_CONDEMNED || p->put_off ||
		   p->trial.state == TRIAL_BACK;
}

static void refuse_record(struct provider *p, const char *why,
						  const char *what)
{
	struct err e = {0};

	err_set(&e, -ECANCELED, ERR_ROLLED_BACK, provider_server(p),
			"revision %llu.%llu was taken back: %s; %s",
			(unsigned long long)p->record.epoch,
			(unsigned long long)p->record.revision, why, what);
	provider_note_refusal(p, &e);
}

static void refuse_unreached(struct provider *p, const char *what)
{
	refuse_record(p, "no server was reached after it was applied", what);
}

static void roll_back(struct provider *p)
{
	struct held gone = p->held;	/* alive until the other is handed on */

	log_warn("provider", "no server reached for %llu s after document "
			 "%llu.%llu was applied: going back to %llu.%llu",
			 (unsigned long long)p->trial.timeout_ms / 1000,
			 (unsigned long long)p->record.epoch,
			 (unsigned long long)p->record.revision,
			 (unsigned long long)p->base.doc->epoch,
			 (unsigned long long)p->base.doc->revision);
	trial_back(&p->trial, loop_now_ms());
	p->record.fate = LASTCONF_BACK;
	save_record(p);
	p->held = p->base;
	memset(&p->base, 0, sizeof(p->base));
	memcpy(p->seen, p->record.etag, sizeof(p->seen));
	provider_take_servers(p);
	provider_hand_on(p, true, 0);
	p->saved = p->base_saved;
	if (p->saved)
	{
		p->handlers.kept(p->user);
	}
	held_done(&gone);
	refuse_unreached(p, "whether it was to blame shows when one is");
	provider_ask(p, 0);
}

static void condemn(struct provider *p)
{
	if (p->record.fate != LASTCONF_CONDEMNED)
	{
		p->record.fate = LASTCONF_CONDEMNED;
		save_record(p);
	}
	memcpy(p->seen, p->record.etag, sizeof(p->seen));
	refuse_unreached(p, "it is not tried again");
}

/* What was taken back is to come again with the next answer. */
static void take_again(struct provider *p)
{
	memcpy(p->seen, p->held.etag, sizeof(p->seen));
	p->rejected = false;
}

/* A server answered a request that began at asked_ms. */
void provider_judge(struct provider *p, uint64_t asked_ms)
{
	switch (trial_answered(&p->trial, asked_ms, loop_now_ms(),
						   p->record.tries))
	{
		case TRIAL_CONFIRMED:
			log_info("provider", "document %llu.%llu is confirmed",
					 (unsigned long long)p->held.doc->epoch,
					 (unsigned long long)p->held.doc->revision);
			provider_keep(p);
			end_trial(p);
			p->handlers.state(p->user);
			break;
		case TRIAL_CONDEMNED:
			condemn(p);
			break;
		case TRIAL_ACQUITTED:
			log_info("provider", "document %llu.%llu was not to blame: it may "
					 "be tried again", (unsigned long long)p->record.epoch,
					 (unsigned long long)p->record.revision);
			take_again(p);
			break;
		case TRIAL_NO_VERDICT:
			break;
	}
}

void provider_on_confirm(void *user)
{
	struct provider *p = user;
	uint64_t deadline = trial_deadline(&p->trial);

	if (p->put_off)
	{
		p->put_off = false;
		take_again(p);
		provider_ask(p, 0);
		return;
	}
	if (p->trial.state == TRIAL_NONE)
	{
		return;
	}
	if (deadline && loop_now_ms() >= deadline)
	{
		roll_back(p);
		return;
	}
	if (p->asking && p->asked_wait)
	{	/* from before, perhaps; and no answer is due soon */
		provider_ask(p, 0);
	}
	arm_confirm(p, look_ms(p));
}

void provider_applied(struct provider *p)
{
	p->applied = p->held.doc != NULL;
	if (p->trial.state != TRIAL_NONE)
	{
		trial_applied(&p->trial, loop_now_ms());
		arm_confirm(p, CONFIRM_LOOK_MS);
	}
	provider_keep(p);
}

/* It is offered again and again: not now. */
static void put_off(struct provider *p, uint64_t ms)
{
	char why[80], what[80];

	p->put_off = true;
	memcpy(p->seen, p->record.etag, sizeof(p->seen));
	loop_timer_set(p->confirm, ms);
	snprintf(why, sizeof(why), "the agent ended %u times before it was "
			 "confirmed", p->record.interrupted);
	snprintf(what, sizeof(what), "it is tried again in %llu s",
			 (unsigned long long)ms / 1000);
	refuse_record(p, why, what);
}

/* Our end cut its trial short. */
static void note_interrupted(struct provider *p)
{
	p->record.tries--;
	p->record.interrupted++;
	p->record.fate = LASTCONF_BACK;
	save_record(p);
}

/* What was on trial when we ended was never confirmed. */
void provider_load_record(struct provider *p)
{
	struct err e = {0};
	uint64_t pause;
	int rc = lastconf_trial_load(p->state_dir, &p->record, &e);

	if (rc < 0 && rc != -ENOENT)
	{
		log_err(LOG_LEVEL_WARN, "provider", "trial", &e);
	}
	if (rc < 0 || !p->held.doc || strcmp(p->record.etag, p->held.etag) == 0)
	{
		provider_forget_record(p);
		return;
	}
	if (p->record.fate == LASTCONF_RUNNING)
	{
		note_interrupted(p);
	}
	if (p->record.fate == LASTCONF_CONDEMNED ||
		p->record.tries >= TRIAL_TRIES)
	{
		condemn(p);
		return;
	}
	pause = trial_pause(p->record.interrupted);
	if (pause)
	{
		put_off(p, pause);
	}
}
