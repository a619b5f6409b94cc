/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * outlet.c - alarms leave the server: by webhook, and by syslog
 *
 * The URL and the secret are never logged: an URL may hold a token.
 */
#include "config.h"

#include <curl/curl.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <time.h>

#include "alloc.h"
#include "file.h"
#include "log.h"
#include "seal.h"
#include "secret.h"
#include "server/outlet.h"

#define CONNECT_S 5L
#define TOTAL_S 15L
#define SECRET_BYTES_MIN 16
#define SECRET_BYTES_MAX 256

static const char *const way_names[OUTLET_WAYS] = {
	[OUTLET_WEBHOOK] = "webhook", [OUTLET_SYSLOG] = "syslog",
};

/* one way out, and its thread */
struct way
{
	struct outlet *outlet;
	enum outlet_way kind;
	bool on;
	pthread_t thread;
	uint64_t position;
	bool known;						/* the position was read */
	bool failing, source_failing;	/* and logged */
	unsigned wait_ms, refused;
	CURL *easy;
	char error[CURL_ERROR_SIZE];
	atomic_uint_fast64_t delivered, failed, dropped;
	bool changed;					/* under the outlet's lock */
};

struct outlet
{
	struct outlet_conf conf;
	struct outlet_source source;
	char host[OUTLET_HOST_SIZE];
	char *secret;
	size_t secret_len;
	struct way ways[OUTLET_WAYS];
	atomic_bool quit;
	pthread_mutex_t lock;
	pthread_cond_t cond;
};

/* ---- webhook ---------------------------------------------------------------- */

static size_t drop_body(char *data, size_t size, size_t count, void *user)
{
	(void)data;
	(void)user;
	return size * count;
}

/* Not zero: give up, the server stops. */
static int on_progress(void *user, curl_off_t a, curl_off_t b, curl_off_t c,
					   curl_off_t d)
{
	(void)a;
	(void)b;
	(void)c;
	(void)d;
	return atomic_load(&((struct outlet *)user)->quit);
}

static int prepare_curl(struct way *w, struct err *e)
{
	struct outlet *o = w->outlet;
	CURL *easy = w->easy = curl_easy_init();

	if (!easy)
	{
		return err_set(e, -ENOMEM, ERR_INTERNAL, "webhook", "libcurl failed");
	}
	curl_easy_setopt(easy, CURLOPT_URL, o->conf.webhook);
	curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "https,http");
	curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
	curl_easy_setopt(easy, CURLOPT_PROXY, "");
	curl_easy_setopt(easy, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
	if (o->conf.ca_file)
	{
		curl_easy_setopt(easy, CURLOPT_CAINFO, o->conf.ca_file);
		curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
	}
	curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 1L);
	curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 2L);
	curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	curl_easy_setopt(easy, CURLOPT_HTTP09_ALLOWED, 0L);
	curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT, CONNECT_S);
	curl_easy_setopt(easy, CURLOPT_TIMEOUT, TOTAL_S);
	curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(easy, CURLOPT_USERAGENT, "ppvpn-server/" PACKAGE_VERSION);
	curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, w->error);
	curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, drop_body);
	curl_easy_setopt(easy, CURLOPT_NOPROGRESS, 0L);
	curl_easy_setopt(easy, CURLOPT_XFERINFOFUNCTION, on_progress);
	curl_easy_setopt(easy, CURLOPT_XFERINFODATA, o);
	return 0;
}

static struct curl_slist *headers_of(const struct outlet *o,
									 const struct text *body)
{
	struct curl_slist *list = curl_slist_append(
		NULL, "Content-Type: application/json");
	uint8_t mac[32];
	char hex[65], line[96];

	/* no "Expect: 100-continue" and its second of waiting */
	list = curl_slist_append(list, "Expect:");
	if (o->secret)
	{
		seal_hmac_sha256(o->secret, o->secret_len, body->s, body->len, mac);
		hex_encode(mac, sizeof(mac), hex);
		snprintf(line, sizeof(line), "Ppvpn-Signature: sha256=%s", hex);
		list = curl_slist_append(list, line);
	}
	return list;
}

static bool refuses_the_event(long status)
{
	return status == 400 || status == 413 || status == 415 || status == 422;
}

/* 0; -EBADMSG: this event is refused; -EIO: not delivered */
static int post(struct way *w, const struct alarm_event *event, struct err *e)
{
	struct outlet *o = w->outlet;
	struct text body = outlet_json(event);
	struct curl_slist *headers = headers_of(o, &body);
	long status = 0;
	CURLcode code;

	w->error[0] = '\0';
	curl_easy_setopt(w->easy, CURLOPT_HTTPHEADER, headers);
	curl_easy_setopt(w->easy, CURLOPT_POSTFIELDSIZE_LARGE,
					 (curl_off_t)body.len);
	curl_easy_setopt(w->easy, CURLOPT_POSTFIELDS, body.s);
	code = curl_easy_perform(w->easy);
	curl_easy_getinfo(w->easy, CURLINFO_RESPONSE_CODE, &status);
	curl_slist_free_all(headers);
	text_done(&body);
	if (code != CURLE_OK)
	{
		/* libcurl's own words name host and port, never the path */
		return err_set(e, -EIO, ERR_HTTP, o->host, "%s",
					   w->error[0] ? w->error : curl_easy_strerror(code));
	}
	if (status >= 200 && status < 300)
	{
		return 0;
	}
	return err_set(e, refuses_the_event(status) ? -EBADMSG : -EIO, ERR_HTTP,
				   o->host, "the receiver answers %ld", status);
}

/* ---- syslog -------------------------------------------------------------------- */

static int priority(const struct alarm_event *event)
{
	static const int priorities[] = {
		[STATUS_WARNING] = LOG_NOTICE, [STATUS_MINOR] = LOG_WARNING,
		[STATUS_MAJOR] = LOG_ERR, [STATUS_CRITICAL] = LOG_CRIT,
		[STATUS_CLEARED] = LOG_NOTICE,
	};

	return LOG_DAEMON | (event->raised ? priorities[event->severity]
									   : LOG_NOTICE);
}

static int to_syslog(const struct alarm_event *event)
{
	struct text line = outlet_line(event);

	syslog(priority(event), "%s", text_str(&line));
	text_done(&line);
	return 0;
}

/* ---- a way ------------------------------------------------------------------------ */

/* True: the server stops. changed, if given, ends the wait too. */
static bool wait_ms(struct way *w, unsigned ms, bool until_changed)
{
	struct outlet *o = w->outlet;
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	ts.tv_sec += ms / 1000;
	ts.tv_nsec += (long)(ms % 1000) * 1000000;
	if (ts.tv_nsec >= 1000000000)
	{
		ts.tv_sec++;
		ts.tv_nsec -= 1000000000;
	}
	pthread_mutex_lock(&o->lock);
	while (!atomic_load(&o->quit) && !(until_changed && w->changed) &&
		   pthread_cond_timedwait(&o->cond, &o->lock, &ts) != ETIMEDOUT)
	{
	}
	w->changed = false;
	pthread_mutex_unlock(&o->lock);
	return atomic_load(&o->quit);
}

/* A further failure waits twice as long. */
static bool wait_longer(struct way *w)
{
	const unsigned ms = w->wait_ms;

	w->wait_ms = 2 * ms < OUTLET_RETRY_MAX_MS ? 2 * ms : OUTLET_RETRY_MAX_MS;
	return wait_ms(w, ms, false);
}

static void worked(struct way *w)
{
	w->wait_ms = w->outlet->conf.retry_ms ? w->outlet->conf.retry_ms
										  : OUTLET_RETRY_MS;
	w->refused = 0;
	if (w->failing)
	{
		log_info("alarm", "%s: works again", way_names[w->kind]);
	}
	w->failing = false;
}

static void note_source(struct way *w, int rc, const struct err *e)
{
	if (rc && !w->source_failing)
	{
		log_err(LOG_LEVEL_ERROR, "alarm", way_names[w->kind], e);
	}
	w->source_failing = rc != 0;
}

static void note_position(struct way *w, uint64_t id)
{
	const struct outlet_source *source = &w->outlet->source;
	struct err e = { 0 };

	w->position = id;
	note_source(w, source->delivered(source->user, w->kind, id, &e), &e);
}

/* Deliver one, however long it takes. True: the server stops. */
static bool deliver(struct way *w, const struct alarm_event *event)
{
	struct err e = { 0 };
	int rc;

	for (;;)
	{
		if (atomic_load(&w->outlet->quit))
		{
			return true;
		}
		rc = w->kind == OUTLET_WEBHOOK ? post(w, event, &e)
									   : to_syslog(event);
		if (!rc)
		{
			atomic_fetch_add(&w->delivered, 1);
			worked(w);
			break;
		}
		if (atomic_load(&w->outlet->quit))
		{
			return true;
		}
		atomic_fetch_add(&w->failed, 1);
		if (!w->failing)
		{
			log_err(LOG_LEVEL_WARN, "alarm", way_names[w->kind], &e);
		}
		w->failing = true;
		w->refused = rc == -EBADMSG ? w->refused + 1 : 0;
		if (w->refused == OUTLET_REFUSED_MAX)
		{
			log_warn("alarm", "%s: event %llu is refused and left behind",
					 way_names[w->kind], (unsigned long long)event->id);
			atomic_fetch_add(&w->dropped, 1);
			w->refused = 0;
			break;
		}
		if (wait_longer(w))
		{
			return true;
		}
	}
	note_position(w, event->id);
	return false;
}

/* How many there were; -errno, logged. */
static int run_batch(struct way *w)
{
	const struct outlet_source *source = &w->outlet->source;
	struct arena *a = arena_new();
	struct alarm_event *events = NULL;
	struct err e = { 0 };
	size_t count = 0, i;
	int rc = 0;

	if (!w->known)
	{
		rc = source->position(source->user, w->kind, &w->position, &e);
		w->known = rc == 0;
	}
	if (!rc)
	{
		rc = source->after(source->user, w->kind, w->position, a, &events,
						   OUTLET_BATCH, &count, &e);
	}
	note_source(w, rc, &e);
	for (i = 0; !rc && i < count && !deliver(w, &events[i]); i++)
	{
	}
	arena_free(a);
	return rc ? rc : (int)count;
}

static void *way_main(void *arg)
{
	struct way *w = arg;

	worked(w);
	while (!atomic_load(&w->outlet->quit))
	{
		if (run_batch(w) <= 0)
		{
			wait_ms(w, OUTLET_POLL_MS, true);
		}
	}
	return NULL;
}

/* ---- start and stop ---------------------------------------------------------------- */

static int read_secret(struct outlet *o, struct err *e)
{
	size_t len;
	int rc;

	if (!o->conf.secret_file)
	{
		return 0;
	}
	rc = file_read(o->conf.secret_file, SECRET_BYTES_MAX + 2, &o->secret, &len, e);
	if (rc)
	{
		return rc;
	}
	o->secret_len = strcspn(o->secret, "\r\n");
	if (o->secret_len < SECRET_BYTES_MIN || o->secret_len > SECRET_BYTES_MAX ||
		len > o->secret_len + 2)
	{
		return err_set(e, -EINVAL, ERR_CONFIG, o->conf.secret_file,
					   "not one line of %d to %d bytes", SECRET_BYTES_MIN,
					   SECRET_BYTES_MAX);
	}
	return 0;
}

static int start_way(struct outlet *o, enum outlet_way kind, struct err *e)
{
	struct way *w = &o->ways[kind];
	int rc = 0;

	w->outlet = o;
	w->kind = kind;
	if (kind == OUTLET_WEBHOOK)
	{
		rc = prepare_curl(w, e);
	}
	if (!rc && (rc = pthread_create(&w->thread, NULL, way_main, w)) != 0)
	{
		rc = err_set(e, -rc, ERR_IO, "", "cannot start a thread: %s",
					 strerror(rc));
	}
	w->on = rc == 0;
	return rc;
}

static struct outlet *outlet_new(const struct outlet_conf *conf,
								 const struct outlet_source *source)
{
	struct outlet *o = xcalloc(1, sizeof(*o));
	pthread_condattr_t attr;

	o->conf = *conf;
	o->source = *source;
	pthread_mutex_init(&o->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&o->cond, &attr);
	pthread_condattr_destroy(&attr);
	return o;
}

int outlet_start(const struct outlet_conf *conf,
				 const struct outlet_source *source, struct outlet **out,
				 struct err *e)
{
	struct outlet *o;
	int rc = 0;

	*out = NULL;
	if (!conf->webhook && !conf->syslog)
	{
		return 0;
	}
	o = outlet_new(conf, source);
	if (conf->webhook && !outlet_url_is_good(conf->webhook, o->host))
	{
		rc = err_set(e, -EINVAL, ERR_CONFIG, "alarm-webhook",
					 "not https://..., nor http:// to a loopback address");
	}
	if (!rc)
	{
		rc = read_secret(o, e);
	}
	if (!rc && conf->webhook && curl_global_init(CURL_GLOBAL_DEFAULT))
	{
		rc = err_set(e, -ENOMEM, ERR_INTERNAL, "webhook", "libcurl failed");
	}
	if (!rc && conf->webhook)
	{
		rc = start_way(o, OUTLET_WEBHOOK, e);
	}
	if (!rc && conf->syslog)
	{
		rc = start_way(o, OUTLET_SYSLOG, e);
	}
	if (rc)
	{
		outlet_stop(o);
		return rc;
	}
	*out = o;
	return 0;
}

void outlet_changed(struct outlet *o)
{
	int i;

	if (!o)
	{
		return;
	}
	pthread_mutex_lock(&o->lock);
	for (i = 0; i < OUTLET_WAYS; i++)
	{
		o->ways[i].changed = true;
	}
	pthread_cond_broadcast(&o->cond);
	pthread_mutex_unlock(&o->lock);
}

void outlet_stop(struct outlet *o)
{
	int i;

	if (!o)
	{
		return;
	}
	pthread_mutex_lock(&o->lock);
	atomic_store(&o->quit, true);
	pthread_cond_broadcast(&o->cond);
	pthread_mutex_unlock(&o->lock);
	for (i = 0; i < OUTLET_WAYS; i++)
	{
		if (o->ways[i].on)
		{
			pthread_join(o->ways[i].thread, NULL);
		}
		if (o->ways[i].easy)
		{
			curl_easy_cleanup(o->ways[i].easy);
		}
	}
	if (o->secret)
	{
		wipe(o->secret, strlen(o->secret));
		free(o->secret);
	}
	pthread_cond_destroy(&o->cond);
	pthread_mutex_destroy(&o->lock);
	free(o);
}

bool outlet_has(const struct outlet *o, enum outlet_way way)
{
	return o && o->ways[way].on;
}

void outlet_stats(struct outlet *o, enum outlet_way way,
				  struct outlet_stats *stats)
{
	*stats = (struct outlet_stats){ 0 };
	if (o)
	{
		stats->delivered = atomic_load(&o->ways[way].delivered);
		stats->failed = atomic_load(&o->ways[way].failed);
		stats->dropped = atomic_load(&o->ways[way].dropped);
	}
}
