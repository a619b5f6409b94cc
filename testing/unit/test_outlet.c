/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * test_outlet.c - alarm events to a real receiver on loopback, and to a syslog()
 * that this test has in its place
 */
#include "config.h"

#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "alloc.h"
#include "file.h"
#include "log.h"
#include "run.h"
#include "seal.h"
#include "server/ca.h"
#include "server/http.h"
#include "server/outlet.h"

#define SECRET "correct horse battery staple"
#define EVENTS_MAX 256
#define WAIT_S 60

static char dir[64], url[128], *ca_file;
static struct http *http;
static struct outlet *outlet;

/* what the other threads tell */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t cond = PTHREAD_COND_INITIALIZER;
static struct
{
	/* the table of events, and how far each way is */
	unsigned events;
	uint64_t delivered[OUTLET_WAYS];
	bool fault;
	unsigned faults;
	/* the receiver: how many it has taken, asked; what it shall answer */
	unsigned requests, taken;
	unsigned status, status_of_2;
	bool hang;
	uint64_t ids[EVENTS_MAX];
	char body[1024], signature[128];
	/* syslog */
	unsigned lines;
	int priority;
	char line[512];
} seen;

/* Wait until it is so; a minute is an error and not slowness. */
#define AWAIT(what) \
	do \
	{ \
		struct timespec until_; \
		clock_gettime(CLOCK_REALTIME, &until_); \
		until_.tv_sec += WAIT_S; \
		pthread_mutex_lock(&lock); \
		while (!(what)) \
		{ \
			ck_assert_msg(pthread_cond_timedwait(&cond, &lock, &until_) != \
						  ETIMEDOUT, "not so: %s", #what); \
		} \
		pthread_mutex_unlock(&lock); \
	} \
	while (0)

#define SET(what) \
	do \
	{ \
		pthread_mutex_lock(&lock); \
		what; \
		pthread_cond_broadcast(&cond); \
		pthread_mutex_unlock(&lock); \
	} \
	while (0)

/* ---- in the place of syslog(3) ------------------------------------------------ */

static void note_line(int priority, const char *fmt, va_list args)
{
	pthread_mutex_lock(&lock);
	seen.priority = priority;
	vsnprintf(seen.line, sizeof(seen.line), fmt, args);
	seen.lines++;
	pthread_cond_broadcast(&cond);
	pthread_mutex_unlock(&lock);
}

void __syslog_chk(int priority, int flag, const char *fmt, ...);

void syslog(int priority, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	note_line(priority, fmt, args);
	va_end(args);
}

/* what syslog() is where the compiler fortifies */
void __syslog_chk(int priority, int flag, const char *fmt, ...)
{
	va_list args;

	(void)flag;
	va_start(args, fmt);
	note_line(priority, fmt, args);
	va_end(args);
}

/* ---- the table of events --------------------------------------------------------- */

static int fault(struct err *e)
{
	seen.faults++;
	pthread_cond_broadcast(&cond);
	return err_set(e, -EIO, ERR_DATABASE, "", "out of order");
}

static int position(void *user, enum outlet_way way, uint64_t *id,
					struct err *e)
{
	int rc = 0;

	(void)user;
	pthread_mutex_lock(&lock);
	*id = seen.delivered[way];
	rc = seen.fault ? fault(e) : 0;
	pthread_mutex_unlock(&lock);
	return rc;
}

static int after(void *user, enum outlet_way way, uint64_t id, struct arena *a,
				 struct alarm_event **events, size_t max, size_t *count,
				 struct err *e)
{
	size_t n = 0;
	int rc;

	(void)user;
	(void)way;
	*events = arena_calloc(a, max, sizeof(**events));
	pthread_mutex_lock(&lock);
	while (++id <= seen.events && n < max)
	{
		(*events)[n++] = (struct alarm_event){
			.id = id, .raised = id % 2 == 1, .severity = STATUS_MAJOR,
			.resource = "acme/corp/paris", .code = "auth-failed",
			.text = "the \"key\"\nis wrong", .at_ms = 1800000000123,
		};
	}
	rc = seen.fault ? fault(e) : 0;
	pthread_mutex_unlock(&lock);
	*count = n;
	return rc;
}

static int delivered(void *user, enum outlet_way way, uint64_t id,
					 struct err *e)
{
	(void)user;
	(void)e;
	SET(ck_assert_uint_gt(id, seen.delivered[way]);
		seen.delivered[way] = id);
	return 0;
}

static const struct outlet_source source = {
	position, after, delivered, NULL
};

/* ---- the receiver ------------------------------------------------------------------ */

static enum http_verdict on_post(struct http_request *req,
								 struct http_response *r, struct store *store,
								 void *user)
{
	const char *signature = http_request_header(req, "Ppvpn-Signature");
	const char *body = http_request_body(req, NULL), *id;

	(void)store;
	(void)user;
	pthread_mutex_lock(&lock);
	snprintf(seen.body, sizeof(seen.body), "%s", body);
	snprintf(seen.signature, sizeof(seen.signature), "%s",
			 signature ? signature : "");
	id = strstr(body, "\"id\":");
	seen.ids[seen.requests % EVENTS_MAX] = id ? strtoull(id + 5, NULL, 10) : 0;
	r->status = seen.status_of_2 &&
		seen.ids[seen.requests % EVENTS_MAX] == 2 ? seen.status_of_2
												  : seen.status;
	seen.requests++;
	seen.taken += r->status == 200;
	pthread_cond_broadcast(&cond);
	while (seen.hang)
	{
		pthread_cond_wait(&cond, &lock);
	}
	pthread_mutex_unlock(&lock);
	return HTTP_DONE;
}

static const struct http_route routes[] = {
	{ "POST", "/hook/very-secret-token", on_post, 65536, 0 },
	{ .method = NULL },
};

static char *at(const char *name)
{
	return xasprintf("%s/%s", dir, name);
}

static void listen_on(enum http_security security, const char *listen)
{
	char *cert = at("s.crt"), *key = at("s.key"), *ca_key = at("ca.key");
	const char *const hosts[] = { "127.0.0.1" };
	const struct http_config config = {
		.security = security, .listen = listen, .cert_file = cert,
		.key_file = key, .workers = 2, .routes = routes,
	};
	struct err e = { 0 };
	struct ca *ca;

	if (security == HTTP_TLS)
	{
		ck_assert_int_eq(ca_create(ca_file, ca_key, &e), 0);
		ck_assert_int_eq(ca_load(ca_file, ca_key, &ca, &e), 0);
		ck_assert_int_eq(ca_make_server(ca, hosts, 1, cert, key, &e), 0);
		ca_free(ca);
	}
	ck_assert_msg(http_start(&config, &http, &e) == 0, "%s: %s", e.where,
				  e.text);
	snprintf(url, sizeof(url), "%s://127.0.0.1:%u/hook/very-secret-token",
			 security == HTTP_TLS ? "https" : "http", http_port(http));
	free(cert);
	free(key);
	free(ca_key);
}

static void start(const char *webhook, const char *secret_file,
				  const char *trust, bool to_syslog)
{
	static struct outlet_conf conf;
	struct err e = { 0 };

	conf = (struct outlet_conf){
		.webhook = webhook, .secret_file = secret_file, .ca_file = trust,
		.syslog = to_syslog, .retry_ms = 5,
	};
	ck_assert_msg(outlet_start(&conf, &source, &outlet, &e) == 0, "%s: %s",
				  e.where, e.text);
}

static void stop(void)
{
	outlet_stop(outlet);
	outlet = NULL;
}

/* of the webhook, since its start */
static void await_failures(uint64_t count)
{
	struct outlet_stats stats;
	int i;

	for (i = 0; i < WAIT_S * 1000; i++)
	{
		outlet_stats(outlet, OUTLET_WEBHOOK, &stats);
		if (stats.failed >= count)
		{
			return;
		}
		usleep(1000);
	}
	ck_abort_msg("not %llu failures", (unsigned long long)count);
}

static void add_events(unsigned count)
{
	SET(seen.events += count);
	outlet_changed(outlet);
}

static void setup(void)
{
	struct err e = { 0 };

	ck_assert_int_eq(seal_init(&e), 0);
	snprintf(dir, sizeof(dir), "/tmp/test_outlet.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	ca_file = at("ca.crt");
	memset(&seen, 0, sizeof(seen));
	seen.status = 200;
	log_init("test", LOG_LEVEL_DEBUG);
}

static void teardown(void)
{
	char *command = xasprintf("rm -r %s", dir);

	SET(seen.hang = false);
	stop();
	http_stop(http);
	http = NULL;
	ck_assert_int_eq(system(command), 0);
	free(command);
	free(ca_file);
}

/* ---- tests ------------------------------------------------------------------------- */

START_TEST(delivers_in_order_and_remembers)
{
	unsigned i;

	listen_on(HTTP_PLAIN, "127.0.0.1:0");
	add_events(3 * OUTLET_BATCH / 2);
	start(url, NULL, NULL, false);
	AWAIT(seen.delivered[OUTLET_WEBHOOK] == seen.events);
	ck_assert_uint_eq(seen.requests, seen.events);
	for (i = 0; i < seen.events; i++)
	{
		ck_assert_uint_eq(seen.ids[i], i + 1);
	}
	ck_assert_str_eq(seen.signature, "");
	/* the next one is told at once, not at the next look */
	add_events(1);
	AWAIT(seen.delivered[OUTLET_WEBHOOK] == seen.events);
	stop();
	/* nothing comes twice after a restart, and nothing is lost */
	add_events(2);
	start(url, NULL, NULL, false);
	AWAIT(seen.delivered[OUTLET_WEBHOOK] == seen.events);
	ck_assert_uint_eq(seen.requests, seen.events);
	ck_assert_uint_eq(seen.ids[seen.requests - 1], seen.events);
}
END_TEST

START_TEST(signs_over_verified_tls)
{
	char *secret = at("secret"), want[128] = "sha256=";
	uint8_t mac[32];

	ck_assert_int_eq(file_write(secret, SECRET "\n", strlen(SECRET) + 1, 0600,
								NULL), 0);
	listen_on(HTTP_TLS, "127.0.0.1:0");
	add_events(1);
	/* a certificate of nobody that the system trusts */
	start(url, secret, NULL, false);
	await_failures(2);
	ck_assert_uint_eq(seen.requests, 0);
	stop();
	start(url, secret, ca_file, false);
	AWAIT(seen.delivered[OUTLET_WEBHOOK] == 1);
	seal_hmac_sha256(SECRET, strlen(SECRET), seen.body, strlen(seen.body),
					 mac);
	hex_encode(mac, sizeof(mac), want + 7);
	ck_assert_str_eq(seen.signature, want);
	free(secret);
}
END_TEST

START_TEST(tries_until_it_works)
{
	static const unsigned statuses[] = { 500, 503, 429, 401, 404, 302 };
	struct outlet_stats stats;
	unsigned i, before;

	listen_on(HTTP_PLAIN, "127.0.0.1:0");
	start(url, NULL, NULL, false);
	for (i = 0; i < COUNT(statuses); i++)
	{
		before = seen.requests;
		SET(seen.status = statuses[i]);
		add_events(1);
		AWAIT(seen.requests >= before + 2);
		ck_assert_uint_eq(seen.delivered[OUTLET_WEBHOOK], i);
		SET(seen.status = 200);
		AWAIT(seen.delivered[OUTLET_WEBHOOK] == i + 1);
	}
	ck_assert_uint_eq(seen.taken, COUNT(statuses));
	outlet_stats(outlet, OUTLET_WEBHOOK, &stats);
	ck_assert_uint_eq(stats.delivered, COUNT(statuses));
	ck_assert_uint_ge(stats.failed, 2 * COUNT(statuses));
	ck_assert_uint_eq(stats.dropped, 0);
}
END_TEST

/* one that the receiver never takes does not hold up the others for ever */
START_TEST(leaves_a_refused_event_behind)
{
	struct outlet_stats stats;

	listen_on(HTTP_PLAIN, "127.0.0.1:0");
	SET(seen.status_of_2 = 422);
	add_events(3);
	start(url, NULL, NULL, false);
	AWAIT(seen.delivered[OUTLET_WEBHOOK] == 3);
	ck_assert_uint_eq(seen.requests, 2 + OUTLET_REFUSED_MAX);
	outlet_stats(outlet, OUTLET_WEBHOOK, &stats);
	ck_assert_uint_eq(stats.dropped, 1);
	ck_assert_uint_eq(stats.delivered, 2);
}
END_TEST

/* a receiver that hangs blocks neither callers, nor syslog, nor the end */
START_TEST(waits_for_nobody)
{
	struct timespec begun, ended;

	listen_on(HTTP_PLAIN, "127.0.0.1:0");
	SET(seen.hang = true);
	add_events(1);
	start(url, NULL, NULL, true);
	AWAIT(seen.requests == 1);
	AWAIT(seen.delivered[OUTLET_SYSLOG] == 1);
	clock_gettime(CLOCK_MONOTONIC, &begun);
	add_events(100);
	AWAIT(seen.delivered[OUTLET_SYSLOG] == 101);
	stop();
	clock_gettime(CLOCK_MONOTONIC, &ended);
	ck_assert_int_lt(ended.tv_sec - begun.tv_sec, 10);
	ck_assert_uint_eq(seen.delivered[OUTLET_WEBHOOK], 0);
}
END_TEST

START_TEST(writes_lines_to_syslog)
{
	start(NULL, NULL, NULL, true);
	add_events(1);
	AWAIT(seen.delivered[OUTLET_SYSLOG] == 1);
	ck_assert_str_eq(seen.line, "alarm id=1 event=raised severity=major "
					 "code=auth-failed source=server resource=acme/corp/paris "
					 "text: the \"key\"?is wrong");
	ck_assert_int_eq(seen.priority, LOG_DAEMON | LOG_ERR);
	add_events(1);
	AWAIT(seen.delivered[OUTLET_SYSLOG] == 2);
	ck_assert_int_eq(seen.priority, LOG_DAEMON | LOG_NOTICE);
	ck_assert_uint_eq(seen.lines, 2);
}
END_TEST

START_TEST(outlasts_a_fault_of_the_database)
{
	SET(seen.fault = true);
	add_events(1);
	start(NULL, NULL, NULL, true);
	AWAIT(seen.faults >= 1);
	outlet_changed(outlet);
	AWAIT(seen.faults >= 2);
	ck_assert_uint_eq(seen.lines, 0);
	SET(seen.fault = false);
	outlet_changed(outlet);
	AWAIT(seen.delivered[OUTLET_SYSLOG] == 1);
}
END_TEST

static const struct
{
	const char *webhook, *secret;
} bad[] = {
	{ "http://192.0.2.1/hook", NULL },
	{ "ftp://127.0.0.1/hook", NULL },
	{ "https://user:pw@x.example/", NULL },
	{ "https://", NULL },
	{ "https://x.example/a b", NULL },
	{ "https://x.example/", "short\n" },
	{ "https://x.example/", "two lines that are\nlong enough\n" },
	{ "https://x.example/", "" },
};

START_TEST(refuses_what_cannot_be)
{
	struct outlet_conf conf = { .webhook = bad[_i].webhook };
	char *secret = at("secret");
	struct err e = { 0 };

	if (bad[_i].secret)
	{
		ck_assert_int_eq(file_write(secret, bad[_i].secret,
									strlen(bad[_i].secret), 0600, NULL), 0);
		conf.secret_file = secret;
	}
	ck_assert_int_eq(outlet_start(&conf, &source, &outlet, &e), -EINVAL);
	ck_assert_ptr_null(outlet);
	ck_assert_ptr_null(strstr(e.text, "hook"));
	ck_assert_ptr_null(strstr(e.text, "pw@"));
	free(secret);
}
END_TEST

START_TEST(is_nothing_without_a_way)
{
	struct outlet_conf conf = { 0 };
	struct err e = { 0 };

	ck_assert_int_eq(outlet_start(&conf, &source, &outlet, &e), 0);
	ck_assert_ptr_null(outlet);
	outlet_changed(outlet);
}
END_TEST

/* Also when a delivery fails, what is logged has no URL and no secret. */
START_TEST(logs_no_secret)
{
	char *path = at("log"), *secret = at("secret"), *text;
	size_t len;

	ck_assert_int_eq(file_write(secret, SECRET, strlen(SECRET), 0600, NULL),
					 0);
	ck_assert_ptr_nonnull(freopen(path, "w", stderr));
	listen_on(HTTP_PLAIN, "127.0.0.1:0");
	SET(seen.status = 500);
	add_events(1);
	start(url, secret, NULL, false);
	await_failures(1);
	stop();
	http_stop(http);
	http = NULL;
	start(url, secret, NULL, false);
	await_failures(1);
	stop();
	fflush(stderr);
	ck_assert_int_eq(file_read(path, 65536, &text, &len, NULL), 0);
	ck_assert_ptr_nonnull(strstr(text, "127.0.0.1"));
	ck_assert_ptr_nonnull(strstr(text, "the receiver answers 500"));
	ck_assert_ptr_null(strstr(text, "very-secret-token"));
	ck_assert_ptr_null(strstr(text, "horse"));
	free(text);
	free(path);
	free(secret);
}
END_TEST

/* ---- pure ------------------------------------------------------------------------------ */

static const struct
{
	int64_t ms;
	const char *text;
} times[] = {
	{ 0, "1970-01-01T00:00:00.000Z" },
	{ -5, "1970-01-01T00:00:00.000Z" },
	{ INT64_C(951782399999), "2000-02-28T23:59:59.999Z" },
	{ INT64_C(951782400000), "2000-02-29T00:00:00.000Z" },
	{ INT64_C(951868800000), "2000-03-01T00:00:00.000Z" },
	{ INT64_C(1735689599000), "2024-12-31T23:59:59.000Z" },
	{ INT64_C(4107542400000), "2100-03-01T00:00:00.000Z" },
	{ INT64_MAX, "9999-12-31T23:59:59.999Z" },
};

START_TEST(writes_times)
{
	char text[OUTLET_TIME_SIZE];

	outlet_time(times[_i].ms, text);
	ck_assert_str_eq(text, times[_i].text);
}
END_TEST

START_TEST(writes_hostile_text)
{
	struct alarm_event event = {
		.id = UINT64_C(9007199254740993), .severity = STATUS_CRITICAL,
		.source = "acme/r\n1", .resource = "a b=\"c\"", .code = "", .text = "\x1b[31m\"\n\xff end",
	};
	struct text t = outlet_json(&event);

	ck_assert_str_eq(text_str(&t),
					 "{\"schema\":\"ppvpn-alarm/1\",\"id\":9007199254740993,"
					 "\"event\":\"cleared\",\"severity\":\"critical\","
					 "\"source\":\"acme/r?1\",\"resource\":\"a b=\\\"c\\\"\",\"code\":\"\","
					 "\"text\":\"?[31m\\\"?? end\","
					 "\"time\":\"1970-01-01T00:00:00.000Z\"}");
	text_done(&t);
	t = outlet_line(&event);
	ck_assert_str_eq(text_str(&t),
					 "alarm id=9007199254740993 event=cleared "
					 "severity=critical code=- source=acme/r?1 resource=a_b__c_ "
					 "text: ?[31m\"?? end");
	text_done(&t);
	event.raised = event.changed = true;
	t = outlet_line(&event);
	ck_assert_ptr_nonnull(strstr(text_str(&t), " event=changed "));
	text_done(&t);
	event.changed = false;
	t = outlet_line(&event);
	ck_assert_ptr_nonnull(strstr(text_str(&t), " event=raised "));
	text_done(&t);
}
END_TEST

int main(void)
{
	TCase *tc = tcase_create("outlet");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, delivers_in_order_and_remembers);
	tcase_add_test(tc, signs_over_verified_tls);
	tcase_add_test(tc, tries_until_it_works);
	tcase_add_test(tc, leaves_a_refused_event_behind);
	tcase_add_test(tc, waits_for_nobody);
	tcase_add_test(tc, writes_lines_to_syslog);
	tcase_add_test(tc, outlasts_a_fault_of_the_database);
	tcase_add_loop_test(tc, refuses_what_cannot_be, 0, COUNT(bad));
	tcase_add_test(tc, is_nothing_without_a_way);
	tcase_add_test(tc, logs_no_secret);
	tcase_add_loop_test(tc, writes_times, 0, COUNT(times));
	tcase_add_test(tc, writes_hostile_text);
	return run_case(tc, "outlet");
}
