/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * test_ike.c - when the server is told this router's key for IKE, which
 * certificates count, and when somebody should know that one ends; on a clock
 * that the test moves, with real keys and certificates
 */
#include "config.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "agent/agent.h"
#include "agent/charon.h"
#include "agent/daytime.h"
#include "agent/event.h"
#include "agent/ike.h"
#include "agent/ike_key.h"
#include "alloc.h"
#include "fake_loop.h"
#include "file.h"
#include "log.h"
#include "run.h"
#include "text.h"
#include "tls_kit.h"

#define HALF_MINUTE_MAX 38000

static char dir[] = "/tmp/ppvpn-ike-XXXXXX";
static struct agent *agent;
static struct provider_status status;
static int64_t now_s;				/* 0: not known */
static uint64_t begun_ms;
static unsigned asked, rounds, events[EVENT_CODE_COUNT];
static provider_request_fn answer_fn;
static char *told;					/* to charon: "KEY|acme/corp|..." */
static char *ours, *others;			/* certificates */
static struct model_vpn vpns[2];
static struct model_document doc = { .vpns = vpns, .vpn_count = 2 };
static char *authority = (char*)"an authority";

/* ---- what ike.c asks of others --------------------------------------------- */

void agent_alarm(struct agent *a, enum err_code code, const char *resource,
				 enum status_severity severity, const char *fmt, ...)
{
	char text[256];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	alarm_raise(&a->alarms, code, resource, severity, loop_now_ms(), text);
}

void agent_alarm_clear(struct agent *a, enum err_code code,
					   const char *resource)
{
	alarm_clear(&a->alarms, code, resource);
}

void event_emit(struct control *control, enum event_code code,
				const char *where, enum err_code cause, const char *fmt, ...)
{
	(void)control;
	(void)where;
	(void)cause;
	(void)fmt;
	events[code]++;
}

int64_t daytime_now_s(const struct daytime *d, uint64_t now_ms)
{
	(void)d;
	return now_s ? now_s + (int64_t)((now_ms - begun_ms) / 1000) : 0;
}

void charon_set_key(struct charon *c, const char *ike_key,
					char *const *certified, size_t count)
{
	struct text t = {0};

	(void)c;
	text_add(&t, ike_key ? "key" : "none");
	for (size_t i = 0; i < count; i++)
	{
		text_addf(&t, "|%s", certified[i]);
	}
	free(told);
	told = text_take(&t);
}

void cycle_request(struct cycle *c)
{
	(void)c;
	rounds++;
}

void provider_status(const struct provider *p, struct provider_status *out)
{
	(void)p;
	*out = status;
}

void provider_ike_key(struct provider *p, const char *csr_base64,
					  provider_request_fn fn, void *user)
{
	(void)p;
	ck_assert_ptr_eq(user, agent);
	ck_assert_ptr_null(answer_fn);
	answer_fn = fn;
	ck_assert_uint_gt(strlen(csr_base64), 100);
	asked++;
}

static void answer(const char *text, enum err_code code, unsigned retry_after)
{
	provider_request_fn fn = answer_fn;
	struct err e = {0};

	ck_assert_ptr_nonnull(fn);
	answer_fn = NULL;
	err_set(&e, 0, code, "server", "no");
	fn(agent, text, text ? NULL : &e, retry_after);
}

/* ---- the world ------------------------------------------------------------- */

static void look_for(uint64_t ms)
{
	for (; ms >= 1000; ms -= 1000)
	{
		fake_loop_pass(1000);
		ike_look(agent);
	}
}

static char *slurp(const char *name)
{
	char *path = xasprintf("%s/%s", dir, name), *text;
	size_t len;

	ck_assert_int_eq(file_read(path, 65536, &text, &len, NULL), 0);
	free(path);
	return text;
}

/* base64 of DER, as documents have it */
static char *body_of(const char *name)
{
	char *pem = slurp(name), *body = xcalloc(1, strlen(pem) + 1), *to = body;

	*strstr(pem, "-----END") = '\0';
	for (const char *from = strchr(pem, '\n'); *from; from++)
	{
		*to = *from;
		to += *from != '\n';
	}
	*to = '\0';
	free(pem);
	return body;
}

/* The router's key is that of "own.crt". */
static void give_key(void)
{
	char *pem = slurp("own.key"), *path = xasprintf("%s/ike.key", dir);
	struct err e;

	ck_assert_int_eq(file_write(path, pem, strlen(pem), 0600, &e), 0);
	free(pem);
	free(path);
	ike_load(agent);
	ck_assert_str_ne(agent->ike.id, "");
}

static void setup(void)
{
	log_init("test", LOG_LEVEL_ERROR);
	strcpy(dir + strlen(dir) - 6, "XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	kit_certificate(dir, "ca", NULL);
	kit_certificate(dir, "own", "ca");
	kit_certificate(dir, "other", "ca");
	ours = body_of("own.crt");
	others = body_of("other.crt");
	agent = xcalloc(1, sizeof(*agent));
	agent->conf.state_dir = dir;
	agent->identity.ce = (char*)"acme/paris";
	agent->doc = &doc;
	memset(vpns, 0, sizeof(vpns));
	vpns[0].customer = vpns[1].customer = (char*)"acme";
	vpns[0].vpn = (char*)"corp";
	vpns[1].vpn = (char*)"lab";
	doc.state = MODEL_ACTIVE;
	doc.vpn_count = 2;
	status = (struct provider_status){ .connected = true };
	now_s = time(NULL);
	fake_loop_pass(1000);
	begun_ms = loop_now_ms();
	asked = rounds = 0;
	answer_fn = NULL;
	memset(events, 0, sizeof(events));
}

static void teardown(void)
{
	char *command = xasprintf("rm -rf %s", dir);

	ike_done(agent);
	free(agent);
	free(ours);
	free(others);
	ck_assert_int_eq(system(command), 0);
	free(command);
}

/* A document: corp has an authority and this certificate, NULL: none. */
static void document(const char *certificate)
{
	vpns[0].certificate = (struct model_certificate){
		.ca_data = &authority, .ca_count = 1,
		.cert_data = (char*)certificate,
	};
	ike_document(agent, &doc);
}

static bool has_key(void)
{
	char *path = xasprintf("%s/ike.key", dir);
	bool there = access(path, F_OK) == 0;

	free(path);
	return there;
}

/* ---- telling --------------------------------------------------------------- */

START_TEST(nobody_needs_one)
{
	ike_document(agent, &doc);
	look_for(100000);
	ck_assert_uint_eq(asked, 0);
	ck_assert(!has_key());
	ck_assert_str_eq(told, "none");
}
END_TEST

START_TEST(told_once)
{
	const char *text;

	document(NULL);
	look_for(1000);
	ck_assert_uint_eq(asked, 1);
	ck_assert(has_key());			/* before anybody hears of it */
	ck_assert_str_eq(told, "key");
	look_for(100000);				/* it is being asked */
	answer("", ERR_NONE, 0);
	ck_assert_uint_eq(events[EVENT_IKE_KEY_TOLD], 1);
	look_for(12 * 3600 * 1000);		/* no document came since */
	ck_assert_uint_eq(asked, 1);
	ck_assert_int_eq(ike_trouble(agent, &text), ERR_IKE_KEY);
	ck_assert_ptr_nonnull(strstr(text, "no certificate"));
}
END_TEST

/* Each document that lacks it is another reason to, more and more seldom. */
START_TEST(told_again_when_a_document_lacks_it)
{
	uint64_t last = 0;

	document(NULL);
	for (unsigned n = 1; n < 14; n++)
	{
		uint64_t begun = loop_now_ms(), took;

		while (asked < n)
		{
			look_for(1000);
		}
		took = loop_now_ms() - begun;
		ck_assert_uint_le(took, 6 * 3600 * 1250 + 1000);
		ck_assert_uint_ge(took, n == 1 ? 1 : n == 2 ? 30000 : last * 3 / 4);
		last = n == 1 ? 0 : took;
		answer("", ERR_NONE, 0);
		document(NULL);
	}
	ck_assert_uint_ge(last, 6 * 3600 * 1000);
	/* one that has it: from the beginning, should another lack it */
	give_key();
	document(ours);
	look_for(100000);
	ck_assert_uint_eq(asked, 13);
	document(others);
	look_for(1000);
	ck_assert_uint_eq(asked, 14);
}
END_TEST

START_TEST(refused)
{
	char first[CERTIFICATE_KEY_ID_SIZE];
	const char *text;

	document(NULL);
	look_for(1000);
	memcpy(first, agent->ike.id, sizeof(first));
	answer(NULL, ERR_EXISTS, 0);
	ck_assert_int_eq(ike_trouble(agent, &text), ERR_IKE_KEY);
	ck_assert_str_eq(text, "no");
	look_for(29000);
	ck_assert_uint_eq(asked, 1);
	look_for(HALF_MINUTE_MAX - 29000);
	ck_assert_uint_eq(asked, 2);
	ck_assert_str_eq(agent->ike.id, first);		/* the same key */
	answer(NULL, ERR_HTTP, 600);
	look_for(599000);
	ck_assert_uint_eq(asked, 2);
	look_for(2000);
	ck_assert_uint_eq(asked, 3);
	ck_assert_uint_eq(events[EVENT_IKE_KEY_NOT_TOLD], 2);
	/* a document that has it ends it, whatever the answer is then */
	give_key();
	document(ours);
	ck_assert_int_eq(ike_trouble(agent, &text), ERR_NONE);
	answer(NULL, ERR_HTTP, 0);
	ck_assert_int_eq(ike_trouble(agent, &text), ERR_NONE);
	ck_assert_uint_eq(events[EVENT_IKE_KEY_NOT_TOLD], 2);
}
END_TEST

START_TEST(not_while_nobody_is_there)
{
	status.connected = false;
	document(NULL);
	look_for(10000);
	status.connected = status.deprovisioned = true;
	look_for(10000);
	ck_assert_uint_eq(asked, 0);
	ck_assert(!has_key());
	status.deprovisioned = false;
	look_for(1000);
	ck_assert_uint_eq(asked, 1);
	/* who leaves has no use for it */
	agent->leaving = true;
	answer(NULL, ERR_HTTP, 0);
	look_for(100000);
	ck_assert_uint_eq(asked, 1);
}
END_TEST

START_TEST(a_disk_that_is_full)
{
	char *path = xasprintf("%s/ike.key", dir);
	const char *text;

	ck_assert_int_eq(dir_make(path, 0700, NULL), 0);
	document(NULL);
	look_for(1000);
	ck_assert_uint_eq(asked, 0);
	ck_assert_int_eq(ike_trouble(agent, &text), ERR_IKE_KEY);
	ck_assert_int_eq(rmdir(path), 0);
	look_for(HALF_MINUTE_MAX);
	ck_assert_uint_eq(asked, 1);
	free(path);
}
END_TEST

/* What the document says counts, not what is in force within bounds. */
START_TEST(of_the_document_as_it_came)
{
	struct model_vpn other = vpns[0];
	struct model_document held = { .vpns = &other, .vpn_count = 1 };

	give_key();
	document(ours);
	other.certificate = vpns[0].certificate;
	other.certificate.cert_data = NULL;
	agent->doc = &held;
	ike_document(agent, &doc);
	look_for(100000);
	ck_assert_uint_eq(asked, 0);
	ck_assert_str_eq(told, "key");
}
END_TEST

/* ---- which count ----------------------------------------------------------- */

START_TEST(of_our_key)
{
	static const struct { bool key, others; const char *told; } cases[] = {
		{ true, false, "key|acme/corp" }, { true, true, "key" },
		{ false, false, "none" },
	};

	if (cases[_i].key)
	{
		give_key();
	}
	document(cases[_i].others ? others : ours);
	ck_assert_str_eq(told, cases[_i].told);
	ck_assert_ptr_nonnull(ike_vpn(agent, "acme", "corp"));
	ck_assert(ike_vpn(agent, "acme", "corp")->own == (_i == 0));
	ck_assert_ptr_null(ike_vpn(agent, "acme", "lab"));
	ck_assert_uint_eq(events[EVENT_IKE_CERTIFICATE], _i == 0);
	look_for(1000);
	ck_assert_uint_eq(asked, _i != 0);
	ck_assert_uint_eq(rounds, 0);
}
END_TEST

START_TEST(nonsense)
{
	give_key();
	document("AAAA");
	ck_assert_str_eq(told, "key");
	look_for(1000);
	ck_assert_uint_eq(asked, 1);
}
END_TEST

START_TEST(two_vpns)
{
	give_key();
	vpns[1].certificate = (struct model_certificate){
		.ca_data = &authority, .ca_count = 1, .cert_data = ours,
	};
	document(others);
	ck_assert_str_eq(told, "key|acme/lab");
	document(ours);
	ck_assert_str_eq(told, "key|acme/corp|acme/lab");
	doc.vpn_count = 1;
	document(ours);
	ck_assert_str_eq(told, "key|acme/corp");
	doc.vpn_count = 2;
	vpns[1].certificate.ca_count = 0;
	document(ours);
	ck_assert_str_eq(told, "key|acme/corp");
	ck_assert_uint_eq(events[EVENT_IKE_CERTIFICATE], 2);
}
END_TEST

/* An ended one does not count, where the time is known. */
START_TEST(ended)
{
	int64_t until;

	give_key();
	now_s = 0;
	document(ours);
	until = ike_vpn(agent, "acme", "corp")->life.until_s;
	ck_assert_str_eq(told, "key|acme/corp");
	begun_ms = loop_now_ms();
	now_s = until - 3;
	look_for(2000);
	ck_assert_str_eq(told, "key|acme/corp");
	ck_assert_uint_eq(rounds, 0);
	look_for(1000);
	ck_assert_str_eq(told, "key");
	ck_assert_uint_eq(rounds, 1);
	ck_assert(ike_vpn(agent, "acme", "corp")->ended);
	look_for(10000);
	ck_assert_uint_eq(rounds, 1);
	/* nobody knows any more: as it was */
	now_s = 0;
	look_for(1000);
	ck_assert_str_eq(told, "key|acme/corp");
	ck_assert_uint_eq(rounds, 2);
	/* a document with one that has ended */
	begun_ms = loop_now_ms();
	now_s = until;
	document(ours);
	ck_assert_str_eq(told, "key");
	look_for(1000);
	ck_assert_uint_eq(asked, 0);
}
END_TEST

/* ---- its end --------------------------------------------------------------- */

static enum status_severity alarm_of(const char *resource)
{
	for (size_t i = 0; i < agent->alarms.count; i++)
	{
		if (agent->alarms.items[i].code == ERR_IKE_CERTIFICATE_ENDS &&
			strcmp(agent->alarms.items[i].resource, resource) == 0)
		{
			return agent->alarms.items[i].severity;
		}
	}
	return STATUS_CLEARED;
}

START_TEST(alarms)
{
	struct lifetime life;

	give_key();
	document(ours);
	life = ike_vpn(agent, "acme", "corp")->life;
	for (int64_t parts = 64; parts >= 0; parts--)
	{
		now_s = life.until_s - (life.until_s - life.from_s) * parts / 64;
		begun_ms = loop_now_ms();
		ike_look(agent);
		ck_assert_int_eq(alarm_of("acme/corp"),
						 lifetime_severity(&life, now_s));
	}
	ck_assert_int_eq(alarm_of("acme/corp"), STATUS_CRITICAL);
	now_s = 0;
	look_for(1000);
	ck_assert_int_eq(alarm_of("acme/corp"), STATUS_CRITICAL);
	/* a VPN that is no more, and one that has another's certificate, have none */
	now_s = life.until_s;
	begun_ms = loop_now_ms();
	if (_i == 0)
	{
		document(others);
	}
	else
	{
		vpns[0].certificate.ca_count = 0;
		ike_document(agent, &doc);
	}
	ck_assert_int_eq(alarm_of("acme/corp"), STATUS_CLEARED);
}
END_TEST

/* ---- a tombstone ----------------------------------------------------------- */

START_TEST(a_tombstone_takes_the_key)
{
	struct err e;
	int lock;

	give_key();
	document(ours);
	doc.state = MODEL_DEPROVISIONED;
	doc.vpn_count = 0;
	ike_document(agent, &doc);
	look_for(10000);
	ck_assert(has_key());			/* not before that is on disk */
	ck_assert_int_eq(dir_lock(dir, "this test", &lock, &e), 0);
	ike_kept(agent);
	look_for(10000);
	ck_assert(has_key());			/* somebody enrols just now */
	close(lock);
	look_for(1000);
	ck_assert(!has_key());
	ck_assert_str_eq(told, "none");
	ck_assert_ptr_null(agent->ike.key);
	ck_assert_str_eq(agent->ike.id, "");
	look_for(10000);
	ck_assert_uint_eq(asked, 0);
	/* a member again: another key */
	doc.state = MODEL_ACTIVE;
	doc.vpn_count = 2;
	document(ours);
	ike_kept(agent);
	look_for(1000);
	ck_assert_uint_eq(asked, 1);
	ck_assert(has_key());
	ck_assert_str_eq(told, "key");
}
END_TEST

int main(void)
{
	TCase *tc = tcase_create("ike");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, nobody_needs_one);
	tcase_add_test(tc, told_once);
	tcase_add_test(tc, told_again_when_a_document_lacks_it);
	tcase_add_test(tc, refused);
	tcase_add_test(tc, not_while_nobody_is_there);
	tcase_add_test(tc, a_disk_that_is_full);
	tcase_add_test(tc, of_the_document_as_it_came);
	tcase_add_loop_test(tc, of_our_key, 0, 3);
	tcase_add_test(tc, nonsense);
	tcase_add_test(tc, two_vpns);
	tcase_add_test(tc, ended);
	tcase_add_loop_test(tc, alarms, 0, 2);
	tcase_add_test(tc, a_tombstone_takes_the_key);
	return run_case(tc, "ike");
}
