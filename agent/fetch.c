/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * fetch.c - HTTPS to the provider's server, on the loop
 *
 * Effects: network. Each kind of request has a handle of its own that is kept,
 * so that connections are too.
 */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <curl/curl.h>

#include "alloc.h"
#include "fetch.h"
#include "json_scan.h"
#include "loop.h"
#include "schema.h"
#include "secret.h"
#include "text.h"

#define BODY_MAX JSON_DOCUMENT_MAX
#define CONNECT_SECONDS 6
/* A server that vanished without a word is noticed within the sum of these,
 * also while it is only waited for; or after this, when something was sent. */
#define KEEP_IDLE_SECONDS 15
#define KEEP_INTERVAL_SECONDS 5
#define KEEP_COUNT 3
#define UNACKNOWLEDGED_MS 20000
#define ANSWER_SECONDS 15
#define NOTIFY_MAX_MS (7ull * 24 * 3600 * 1000)
#define RETRY_AFTER_MAX 86400
#define DIAG_MAX 9999999999999999999ull

struct request {
	struct fetch *fetch;
	CURL *easy;
	struct curl_slist *headers;
	char *url;
	char *post;
	size_t post_len;
	bool active;
	char error[CURL_ERROR_SIZE];
	struct text body;
	bool too_long;
	struct fetch_answer answer;
	fetch_fn fn;
	void *user;
};

struct fetch {
	struct loop *loop;
	CURLM *multi;
	struct loop_timer *timer;
	char *cert_file, *key_file, *ca_file;
	struct request config, look, status, leave, renew, ike_key, diag;
	bool *freed;				/* told when freed in a callback */
};

/* ---- taking the answer ----------------------------------------------------- */

static size_t on_body(char *data, size_t size, size_t n, void *user)
{
	struct request *r = user;

	if (r->body.len + n > BODY_MAX)
	{
		r->too_long = true;
		return 0;
	}
	text_addn(&r->body, data, n);
	return n;
}

/* "Name: value\r\n": the value in out, false if it is another or does not fit. */
static bool header_is(const char *line, size_t len, const char *name,
					  char *out, size_t size)
{
	size_t n = strlen(name);

	if (len <= n || strncasecmp(line, name, n) != 0 || line[n] != ':')
	{
		return false;
	}
	line += n + 1;
	len -= n + 1;
	while (len && (*line == ' ' || *line == '\t'))
	{
		line++;
		len--;
	}
	while (len && strchr(" \t\r\n", line[len - 1]))
	{
		len--;
	}
	if (len >= size || memchr(line, '\0', len))
	{
		return false;
	}
	memcpy(out, line, len);
	out[len] = '\0';
	return text_is_printable(out);
}

static void take_header(struct fetch_answer *a, const char *line, size_t len)
{
	char value[128];
	uint64_t n;

	if (header_is(line, len, "ETag", value, sizeof(value)))
	{
		memcpy(a->etag, value, sizeof(value));
	}
	else if (header_is(line, len, "Ppvpn-Notify-Ms", value, sizeof(value)) &&
			 text_to_u64(value, 0, NOTIFY_MAX_MS, &n) == 0)
	{
		a->notify_ms = n;
	}
	else if (header_is(line, len, "Ppvpn-Diag", value, sizeof(value)) &&
			 text_to_u64(value, 1, DIAG_MAX, &n) == 0 &&
			 strlen(value) < sizeof(a->diag))
	{
		memcpy(a->diag, value, strlen(value) + 1);
	}
	else if (header_is(line, len, SCHEMA_HEADER, value, sizeof(value)))
	{
		memcpy(a->schema, value, sizeof(value));
	}
	else if (header_is(line, len, "Date", value, sizeof(value)))
	{
		a->date_s = curl_getdate(value, NULL);
	}
	else if (header_is(line, len, "Retry-After", value, sizeof(value)) &&
			 text_to_u64(value, 0, RETRY_AFTER_MAX, &n) == 0)
	{	/* the form with a date is not taken */
		a->retry_after = n;
	}
}

static size_t on_header(char *data, size_t size, size_t n, void *user)
{
	struct request *r = user;

	if (n >= 5 && strncmp(data, "HTTP/", 5) == 0)
	{	/* the first line, again after an interim answer */
		r->answer.etag[0] = r->answer.diag[0] = r->answer.schema[0] = '\0';
		r->answer.notify_ms = -1;
		r->answer.date_s = -1;
		r->answer.retry_after = 0;
		r->answer.first_byte_ms = loop_now_ms();
	}
	take_header(&r->answer, data, n);
	return n;
}

static int explain(CURLcode code, const char *text, bool too_long,
				   const char *url, struct err *e)
{
	const char *why = text && text[0] ? text : curl_easy_strerror(code);

	if (too_long)
	{
		return err_set(e, -EFBIG, ERR_LIMIT, url, "the answer is longer than %u "
					   "bytes", BODY_MAX);
	}
	switch ((int)code)
	{
		case CURLE_OPERATION_TIMEDOUT:
			return err_set(e, -ETIMEDOUT, ERR_TIMEOUT, url, "%s", why);
		case CURLE_SSL_CONNECT_ERROR:
		case CURLE_PEER_FAILED_VERIFICATION:
		case CURLE_SSL_CERTPROBLEM:
		case CURLE_SSL_CIPHER:
		case CURLE_SSL_CACERT_BADFILE:
		case CURLE_SSL_ISSUER_ERROR:
		case CURLE_USE_SSL_FAILED:
		case CURLE_SSL_ENGINE_INITFAILED:
		case CURLE_SSL_CLIENTCERT:
			return err_set(e, -EPROTO, ERR_TLS, url, "%s", why);
		case CURLE_WEIRD_SERVER_REPLY:
		case CURLE_UNSUPPORTED_PROTOCOL:
		case CURLE_BAD_CONTENT_ENCODING:
		case CURLE_HTTP2:
			return err_set(e, -EBADMSG, ERR_HTTP, url, "%s", why);
		case CURLE_URL_MALFORMAT:
			return err_set(e, -EINVAL, ERR_CONFIG, url, "%s", why);
		default:
			return err_set(e, -EHOSTUNREACH, ERR_UNREACHABLE, url, "%s", why);
	}
}

/* ---- one request ----------------------------------------------------------- */

static void request_reset(struct request *r)
{
	if (r->active)
	{
		curl_multi_remove_handle(r->fetch->multi, r->easy);
		r->active = false;
	}
	curl_slist_free_all(r->headers);
	r->headers = NULL;
	free(r->url);
	r->url = NULL;
	if (r->post)
	{
		wipe(r->post, r->post_len);
		free(r->post);
		r->post = NULL;
	}
	text_done(&r->body);
	r->too_long = false;
	memset(&r->answer, 0, sizeof(r->answer));
	r->answer.notify_ms = r->answer.date_s = -1;
	r->error[0] = '\0';
}

static void request_init(struct request *r, struct fetch *f)
{
	r->fetch = f;
	r->easy = curl_easy_init();
	if (!r->easy)
	{
		abort();
	}
}

static void request_done(struct request *r)
{
	request_reset(r);
	if (r->easy)
	{
		curl_easy_cleanup(r->easy);
	}
}

/* What no server, environment or system setting may change. */
static void set_security(CURL *easy, const char *ca_file, long tls)
{
	curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "https");
	curl_easy_setopt(easy, CURLOPT_REDIR_PROTOCOLS_STR, "https");
	curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
	curl_easy_setopt(easy, CURLOPT_PROXY, "");
	curl_easy_setopt(easy, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
	curl_easy_setopt(easy, CURLOPT_CAINFO, ca_file);
	curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
	curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 1L);
	curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 2L);
	curl_easy_setopt(easy, CURLOPT_SSLVERSION, tls);
	curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	curl_easy_setopt(easy, CURLOPT_HTTP09_ALLOWED, 0L);
	curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT, (long)CONNECT_SECONDS);
	curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(easy, CURLOPT_USERAGENT, "ppvpn-agent/" PACKAGE_VERSION);
}

static int on_new_socket(void *user, curl_socket_t fd, curlsocktype purpose)
{
	static const struct { int level, name, value; } options[] = {
		{ SOL_SOCKET, SO_KEEPALIVE, 1 },
		{ IPPROTO_TCP, TCP_KEEPIDLE, KEEP_IDLE_SECONDS },
		{ IPPROTO_TCP, TCP_KEEPINTVL, KEEP_INTERVAL_SECONDS },
		{ IPPROTO_TCP, TCP_KEEPCNT, KEEP_COUNT },
		{ IPPROTO_TCP, TCP_USER_TIMEOUT, UNACKNOWLEDGED_MS },
	};

	for (size_t i = 0; i < sizeof(options) / sizeof(*options); i++)
	{
		/* without them it is noticed later */
		(void)setsockopt(fd, options[i].level, options[i].name,
						 &options[i].value, sizeof(int));
	}
	return CURL_SOCKOPT_OK;
}

static void set_answer(struct request *r)
{
	curl_easy_setopt(r->easy, CURLOPT_ERRORBUFFER, r->error);
	curl_easy_setopt(r->easy, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(r->easy, CURLOPT_WRITEDATA, r);
	curl_easy_setopt(r->easy, CURLOPT_HEADERFUNCTION, on_header);
	curl_easy_setopt(r->easy, CURLOPT_HEADERDATA, r);
	/* the cap counts what comes out of the decompression */
	curl_easy_setopt(r->easy, CURLOPT_ACCEPT_ENCODING, "gzip");
}

static void add_header(struct request *r, const char *fmt, const char *value)
{
	char *line = value ? xasprintf("%s: %s", fmt, value) : xstrdup(fmt);
	struct curl_slist *list = curl_slist_append(r->headers, line);

	if (!list)
	{
		abort();
	}
	r->headers = list;
	free(line);
}

static void start(struct request *r, const char *server, const char *path,
				  unsigned seconds, fetch_fn fn, void *user)
{
	struct fetch *f = r->fetch;
	char schemas[SCHEMA_LIST_SIZE];

	schema_list(schema_config, schemas);
	add_header(r, SCHEMA_HEADER, schemas);
	r->fn = fn;
	r->user = user;
	r->url = xasprintf("%s%s", server, path);
	curl_easy_reset(r->easy);
	set_security(r->easy, f->ca_file, CURL_SSLVERSION_TLSv1_3);
	curl_easy_setopt(r->easy, CURLOPT_SSLCERT, f->cert_file);
	curl_easy_setopt(r->easy, CURLOPT_SSLKEY, f->key_file);
	set_answer(r);
	curl_easy_setopt(r->easy, CURLOPT_PRIVATE, r);
	curl_easy_setopt(r->easy, CURLOPT_SOCKOPTFUNCTION, on_new_socket);
	curl_easy_setopt(r->easy, CURLOPT_CERTINFO, 1L);
	curl_easy_setopt(r->easy, CURLOPT_URL, r->url);
	curl_easy_setopt(r->easy, CURLOPT_TIMEOUT, (long)seconds);
	curl_easy_setopt(r->easy, CURLOPT_HTTPHEADER, r->headers);
	if (r->post)
	{
		curl_easy_setopt(r->easy, CURLOPT_POST, 1L);
		curl_easy_setopt(r->easy, CURLOPT_POSTFIELDS, r->post);
		curl_easy_setopt(r->easy, CURLOPT_POSTFIELDSIZE_LARGE,
						 (curl_off_t)r->post_len);
	}
	r->active = curl_multi_add_handle(f->multi, r->easy) == CURLM_OK;
	if (!r->active)
	{
		abort();	/* out of memory, or a handle in two places */
	}
}

void fetch_config(struct fetch *f, const char *server, const char *etag,
				  unsigned wait, fetch_fn fn, void *user)
{
	struct request *r = &f->config;
	char seconds[16];

	request_reset(r);
	if (etag && etag[0])
	{
		add_header(r, "If-None-Match", etag);
	}
	if (wait)
	{
		snprintf(seconds, sizeof(seconds), "wait=%u", wait);
		add_header(r, "Prefer", seconds);
	}
	start(r, server, "/v1/config", wait + ANSWER_SECONDS, fn, user);
}

void fetch_look(struct fetch *f, const char *server, const char *etag,
				fetch_fn fn, void *user)
{
	struct request *r = &f->look;

	request_reset(r);
	if (etag && etag[0])
	{
		add_header(r, "If-None-Match", etag);
	}
	start(r, server, "/v1/config", ANSWER_SECONDS, fn, user);
}

static void post_as(struct request *r, const char *type, const char *server,
					const char *path, const char *body, size_t len, fetch_fn fn,
					void *user)
{
	request_reset(r);
	r->post = xcalloc(1, len + 1);
	memcpy(r->post, body, len);
	r->post_len = len;
	add_header(r, "Content-Type", type);
	add_header(r, "Expect:", NULL);
	start(r, server, path, ANSWER_SECONDS, fn, user);
}

static void post(struct request *r, const char *server, const char *path,
				 const char *body, size_t len, fetch_fn fn, void *user)
{
	post_as(r, "application/json", server, path, body, len, fn, user);
}

void fetch_status(struct fetch *f, const char *server, const char *body,
				  size_t len, fetch_fn fn, void *user)
{
	post(&f->status, server, "/v1/status", body, len, fn, user);
}

void fetch_leave(struct fetch *f, const char *server, fetch_fn fn, void *user)
{
	post(&f->leave, server, "/v1/leave", "{}", 2, fn, user);
}

void fetch_renew(struct fetch *f, const char *server, const char *csr_base64,
				 fetch_fn fn, void *user)
{
	post_as(&f->renew, "application/pkcs10", server,
			"/.well-known/est/simplereenroll", csr_base64, strlen(csr_base64),
			fn, user);
}

void fetch_ike_key(struct fetch *f, const char *server, const char *csr_base64,
				   fetch_fn fn, void *user)
{
	post_as(&f->ike_key, "application/pkcs10", server, "/v1/ike-key",
			csr_base64, strlen(csr_base64), fn, user);
}

void fetch_diag(struct fetch *f, const char *server, const char *id,
				const char *body, size_t len, fetch_fn fn, void *user)
{
	char path[48];

	snprintf(path, sizeof(path), "/v1/diag?id=%.19s", id);
	post(&f->diag, server, path, body, len, fn, user);
}

/* ---- the end of a request -------------------------------------------------- */

/* The other side took a new connection, or refused it: it is there. */
static bool is_heard(const struct request *r)
{
	long connects = 0, os_errno = 0;
	curl_off_t connected = 0;

	curl_easy_getinfo(r->easy, CURLINFO_NUM_CONNECTS, &connects);
	curl_easy_getinfo(r->easy, CURLINFO_CONNECT_TIME_T, &connected);
	curl_easy_getinfo(r->easy, CURLINFO_OS_ERRNO, &os_errno);
	return (connects && connected > 0) || os_errno == ECONNREFUSED;
}

/* The certificates that a server showed, in PEM. */
static char *take_chain(const struct request *r)
{
	struct curl_certinfo *info = NULL;
	struct text pem = {0};

	curl_easy_getinfo(r->easy, CURLINFO_CERTINFO, &info);
	for (int i = 0; info && i < info->num_of_certs; i++)
	{
		for (struct curl_slist *l = info->certinfo[i]; l; l = l->next)
		{
			if (strncmp(l->data, "Cert:", 5) == 0)
			{
				text_add(&pem, l->data + 5);
			}
		}
	}
	return pem.len ? text_take(&pem) : NULL;
}

/* The request is free for the next one before its callback runs. */
static void finish(struct request *r, CURLcode code)
{
	struct fetch_answer answer;
	struct text body = r->body;
	fetch_fn fn = r->fn;
	void *user = r->user;
	long status = 0;

	curl_easy_getinfo(r->easy, CURLINFO_RESPONSE_CODE, &status);
	answer = r->answer;
	answer.status = status;
	if (code != CURLE_OK)
	{
		answer.rc = explain(code, r->error, r->too_long, r->url, &answer.err);
		answer.heard = is_heard(r);
		answer.chain = answer.err.code == ERR_TLS ? take_chain(r) : NULL;
		text_done(&body);
		memset(&body, 0, sizeof(body));
	}
	memset(&r->body, 0, sizeof(r->body));
	request_reset(r);
	text_add(&body, "");
	answer.body = body.s;
	answer.len = body.len;
	fn(user, &answer);
	free(answer.chain);
	text_done(&body);
}

/* A callback may start requests, or free the whole. */
static void collect(struct fetch *f)
{
	bool freed = false, *outer = f->freed;
	CURLMsg *m;
	int left;

	f->freed = &freed;
	while (!freed && (m = curl_multi_info_read(f->multi, &left)))
	{
		struct request *r;

		if (m->msg != CURLMSG_DONE)
		{
			continue;
		}
		curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, (char**)&r);
		finish(r, m->data.result);
	}
	if (!freed)
	{
		f->freed = outer;
	}
	else if (outer)
	{
		*outer = true;
	}
}

/* ---- libcurl on the loop --------------------------------------------------- */

static void on_socket_ready(void *user, int fd, unsigned events)
{
	struct fetch *f = user;
	int running, what = 0;

	what |= events & LOOP_READ ? CURL_CSELECT_IN : 0;
	what |= events & LOOP_WRITE ? CURL_CSELECT_OUT : 0;
	curl_multi_socket_action(f->multi, fd, what, &running);
	collect(f);
}

static int on_socket(CURL *easy, curl_socket_t fd, int what, void *user,
					 void *socket)
{
	struct fetch *f = user;
	struct loop_fd *watch = socket;
	unsigned events = 0;

	if (what == CURL_POLL_REMOVE)
	{
		loop_fd_free(watch);
		curl_multi_assign(f->multi, fd, NULL);
		return 0;
	}
	events |= what & CURL_POLL_IN ? LOOP_READ : 0;
	events |= what & CURL_POLL_OUT ? LOOP_WRITE : 0;
	if (watch)
	{
		loop_fd_set(watch, events);
	}
	else
	{
		watch = loop_fd_new(f->loop, fd, events, on_socket_ready, f);
		curl_multi_assign(f->multi, fd, watch);
	}
	return 0;
}

static void on_timeout(void *user)
{
	struct fetch *f = user;
	int running;

	curl_multi_socket_action(f->multi, CURL_SOCKET_TIMEOUT, 0, &running);
	collect(f);
}

static int on_timer_wish(CURLM *multi, long ms, void *user)
{
	struct fetch *f = user;

	if (ms < 0)
	{
		loop_timer_clear(f->timer);
	}
	else
	{
		loop_timer_set(f->timer, ms);
	}
	return 0;
}

/* ---- life ------------------------------------------------------------------ */

/* Another flavour would take CAs of the system besides ours. */
static int check_library(struct err *e)
{
	const curl_version_info_data *v;

	curl_global_init(CURL_GLOBAL_DEFAULT);
	v = curl_version_info(CURLVERSION_NOW);
	if (!v->ssl_version || !strstr(v->ssl_version, "GnuTLS"))
	{
		return err_set(e, -ENOTSUP, ERR_INTERNAL, "libcurl", "built with %s, "
					   "not with GnuTLS", v->ssl_version ? v->ssl_version
														 : "no TLS");
	}
	return 0;
}

struct fetch *fetch_new(struct loop *loop, const struct fetch_identity *id,
						struct err *e)
{
	struct fetch *f;

	if (check_library(e) != 0)
	{
		return NULL;
	}
	f = xcalloc(1, sizeof(*f));
	f->loop = loop;
	f->cert_file = xstrdup(id->cert_file);
	f->key_file = xstrdup(id->key_file);
	f->ca_file = xstrdup(id->ca_file);
	f->multi = curl_multi_init();
	if (!f->multi)
	{
		abort();
	}
	request_init(&f->config, f);
	request_init(&f->look, f);
	request_init(&f->status, f);
	request_init(&f->leave, f);
	request_init(&f->renew, f);
	request_init(&f->ike_key, f);
	request_init(&f->diag, f);
	f->timer = loop_timer_new(loop, on_timeout, f);
	curl_multi_setopt(f->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
	curl_multi_setopt(f->multi, CURLMOPT_SOCKETDATA, f);
	curl_multi_setopt(f->multi, CURLMOPT_TIMERFUNCTION, on_timer_wish);
	curl_multi_setopt(f->multi, CURLMOPT_TIMERDATA, f);
	return f;
}

void fetch_free(struct fetch *f)
{
	if (!f)
	{
		return;
	}
	if (f->freed)
	{
		*f->freed = true;
	}
	request_done(&f->config);
	request_done(&f->look);
	request_done(&f->status);
	request_done(&f->leave);
	request_done(&f->renew);
	request_done(&f->ike_key);
	request_done(&f->diag);
	curl_multi_cleanup(f->multi);
	loop_timer_free(f->timer);
	free(f->cert_file);
	free(f->key_file);
	free(f->ca_file);
	free(f);
}

/* ---- enrolment ------------------------------------------------------------- */

static int enroll_status(struct request *r, struct err *e)
{
	long status = 0;

	curl_easy_getinfo(r->easy, CURLINFO_RESPONSE_CODE, &status);
	if (status == 200)
	{
		return 0;
	}
	if (status == 202)
	{
		return err_set(e, -EINPROGRESS, ERR_APPROVAL, r->url,
					   "the server waits for an operator's approval");
	}
	if (status == 401)
	{
		return err_set(e, -EACCES, ERR_TOKEN, r->url, "the server refused the "
					   "token: wrong, used or expired");
	}
	return err_set(e, -EPROTO, ERR_HTTP, r->url, "the server answered %ld",
				   status);
}

static int enroll(struct request *r, const char *ca_file, const char *ce,
				  const char *token, struct err *e)
{
	CURLcode code;

	set_security(r->easy, ca_file, CURL_SSLVERSION_TLSv1_2);
	set_answer(r);
	add_header(r, "Content-Type", "application/pkcs10");
	add_header(r, "Content-Transfer-Encoding", "base64");
	add_header(r, "Expect:", NULL);
	curl_easy_setopt(r->easy, CURLOPT_URL, r->url);
	curl_easy_setopt(r->easy, CURLOPT_TIMEOUT, 60L);
	curl_easy_setopt(r->easy, CURLOPT_HTTPHEADER, r->headers);
	curl_easy_setopt(r->easy, CURLOPT_HTTPAUTH, (long)CURLAUTH_BASIC);
	curl_easy_setopt(r->easy, CURLOPT_USERNAME, ce);
	curl_easy_setopt(r->easy, CURLOPT_PASSWORD, token);
	curl_easy_setopt(r->easy, CURLOPT_POST, 1L);
	curl_easy_setopt(r->easy, CURLOPT_POSTFIELDS, r->post);
	curl_easy_setopt(r->easy, CURLOPT_POSTFIELDSIZE_LARGE,
					 (curl_off_t)r->post_len);
	code = curl_easy_perform(r->easy);
	return code == CURLE_OK ? enroll_status(r, e) :
		   explain(code, r->error, r->too_long, r->url, e);
}

int fetch_enroll(const char *url, const char *ca_file, const char *ce,
				 const char *token, const char *csr_base64, char **answer,
				 struct err *e)
{
	struct request r = {0};
	int rc = check_library(e);

	*answer = NULL;
	if (rc != 0)
	{
		return rc;
	}
	r.easy = curl_easy_init();
	if (!r.easy)
	{
		abort();
	}
	r.url = xasprintf("%s/.well-known/est/simpleenroll", url);
	r.post = xstrdup(csr_base64);
	r.post_len = strlen(csr_base64);
	rc = enroll(&r, ca_file, ce, token, e);
	if (rc == 0)
	{
		text_add(&r.body, "");
		*answer = text_take(&r.body);
	}
	request_done(&r);
	return rc;
}
