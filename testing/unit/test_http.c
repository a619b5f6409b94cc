/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * test_http.c - the listener with real sockets on loopback and real TLS; every
 * trap of libmicrohttpd that http.c works around is a test here
 */
#include "config.h"

#include <arpa/inet.h>
#include <check.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "alloc.h"
#include "file.h"
#include "text.h"
#include "server/ca.h"
#include "server/http.h"

#define TAGS 512
#define PARKED 300		/* more than http.c resumes one by one */

static char dir[64];
static struct ca *ca;
static struct http *http;
static atomic_int changes[TAGS];
static atomic_int runs;			/* of the park handler */
static atomic_int slow_runs;		/* runs of the slow handler */
static atomic_int echoed_after;	/* so many of the park handler */
static atomic_int stores;		/* open ones */

/* ---- handlers ---------------------------------------------------------------- */

static void say(struct http_response *r, unsigned status, char *text)
{
	r->status = status;
	r->content_type = "text/plain";
	r->body = text;
	r->body_len = strlen(text);
}

static enum http_verdict on_echo(struct http_request *req,
								 struct http_response *r, struct store *store,
								 void *user)
{
	size_t len;
	const char *body = http_request_body(req, &len);
	const char *query = http_request_query(req, "q");

	(void)store;
	(void)user;
	echoed_after = runs;
	say(r, 200, xasprintf("%s|%s|%zu|%s|%s|%ld",
						  http_request_segment(req, "name"),
						  query ? query : "-", len, body,
						  http_request_peer(req), http_request_uid(req)));
	http_response_header(r, "X-Test", "%d", 7);
	return HTTP_DONE;
}

static enum http_verdict on_key(struct http_request *req,
								struct http_response *r, struct store *store,
								void *user)
{
	uint8_t key[32];
	char hex[65] = "none";

	(void)store;
	(void)user;
	if (http_request_key(req, key))
	{
		hex_encode(key, 32, hex);
	}
	say(r, 200, http_request_key_uri(req)
		? xasprintf("%s %s", hex, http_request_key_uri(req)) : xstrdup(hex));
	return HTTP_DONE;
}

static unsigned number(struct http_request *req, const char *name)
{
	const char *s = http_request_query(req, name);

	return s ? (unsigned)strtoul(s, NULL, 10) : 0;
}

/* Like the real one: generation, look, park; a second look when woken. */
static enum http_verdict on_park(struct http_request *req,
								 struct http_response *r, struct store *store,
								 void *user)
{
	unsigned tag = number(req, "tag"), ms = number(req, "ms");
	int seen = (int)number(req, "seen");
	uint64_t generation = http_generation(http_request_listener(req));
	int now = changes[tag];
	uint64_t tag64 = tag;

	(void)store;
	(void)user;
	runs++;
	if (now != seen)
	{
		say(r, 200, xasprintf("changed %d", now));
		return HTTP_DONE;
	}
	if (http_request_waited_ms(req) >= ms)
	{
		r->status = 304;
		http_response_header(r, "ETag", "\"x\"");
		return HTTP_DONE;
	}
	if (http_request_query(req, "gap") && !http_request_woken(req))
	{
		/* a commit between looking and parking */
		changes[tag]++;
		http_wake(http_request_listener(req), &tag64, 1);
	}
	http_request_park(req, tag, generation,
					  ms - http_request_waited_ms(req));
	return HTTP_PARK;
}

static enum http_verdict on_slow(struct http_request *req,
								 struct http_response *r, struct store *store,
								 void *user)
{
	(void)store;
	(void)user;
	slow_runs++;
	usleep(number(req, "ms") * 1000);
	say(r, 200, xstrdup("slow"));
	return HTTP_DONE;
}

static enum http_verdict on_big(struct http_request *req,
								struct http_response *r, struct store *store,
								void *user)
{
	(void)req;
	(void)store;
	(void)user;
	r->status = 200;
	r->body_len = 20 * 1000 * 1000;
	r->body = xcalloc(r->body_len, 1);
	return HTTP_DONE;
}

static atomic_int admits, kept;
static atomic_bool lets_in = true;

static void on_kept_done(void *thing)
{
	kept--;
	free(thing);
}

static bool on_admit(struct http_request *req, struct http_response *r,
					 struct store *store, void *user)
{
	(void)store;
	(void)user;
	admits++;
	kept++;
	http_request_keep(req, xstrdup("somebody"), on_kept_done);
	if (lets_in && http_request_route(req)->access != 1)
	{
		return true;
	}
	say(r, 403, xstrdup("no"));
	return false;
}

static enum http_verdict on_kept(struct http_request *req,
								 struct http_response *r, struct store *store,
								 void *user)
{
	(void)store;
	(void)user;
	say(r, 200, xstrdup(http_request_kept(req)));
	return HTTP_DONE;
}

static const struct http_route routes[] = {
	{ "GET", "/kept", on_kept, 0, 0 },
	{ "GET", "/forbidden", on_kept, 0, 1 },
	{ "GET", "/echo/{name}", on_echo, 0, 0 },
	{ "POST", "/echo/{name}", on_echo, 1000, 0 },
	{ "GET", "/key", on_key, 0, 0 },
	{ "GET", "/park", on_park, 0, 0 },
	{ "GET", "/slow", on_slow, 0, 0 },
	{ "GET", "/big", on_big, 0, 0 },
	{ .method = NULL },
};

/* ---- listeners ------------------------------------------------------------------ */

static const char *in_dir(const char *name)
{
	static __thread char paths[8][128];
	static __thread unsigned next;
	char *path = paths[next++ % 8];

	snprintf(path, sizeof(paths[0]), "%s/%s", dir, name);
	return path;
}

static int open_store(void *user, struct store **store, struct err *e)
{
	(void)e;
	(void)user;
	*store = (struct store *)&stores;
	stores++;
	return 0;
}

static void close_store(struct store *store)
{
	(void)store;
	stores--;
}

static struct http_config config_of(enum http_security security)
{
	return (struct http_config){
		.security = security,
		.listen = security == HTTP_UNIX ? in_dir("sock") : "127.0.0.1:0",
		.cert_file = in_dir("server.crt"),
		.key_file = in_dir("server.key"),
		.ca_file = in_dir("ca.crt"),
		.connection_limit = 1000,
		.per_ip_limit = 0,
		.request_deadline_ms = 1500,
		.workers = 3,
		.routes = routes,
		.store_open = open_store,
		.store_close = close_store,
	};
}

static void start_with(const struct http_config *config)
{
	struct err e = { 0 };

	ck_assert_msg(http_start(config, &http, &e) == 0, "%s: %s", e.where,
				  e.text);
}

static void start(enum http_security security)
{
	struct http_config config = config_of(security);

	start_with(&config);
}

/* A certificate of one CA for a new key, as a CE would have it. */
static const char *issue_names[4];	/* URIs, "dns:" names; to be set for issue() */

static void add_names(gnutls_x509_crt_t crt)
{
	for (size_t i = 0; issue_names[i]; i++)
	{
		const char *name = issue_names[i];
		const bool dns = strncmp(name, "dns:", 4) == 0;

		name += dns ? 4 : 0;
		ck_assert_int_eq(gnutls_x509_crt_set_subject_alt_name(
			crt, dns ? GNUTLS_SAN_DNSNAME : GNUTLS_SAN_URI, name,
			(unsigned)strlen(name), GNUTLS_FSAN_APPEND), 0);
	}
}

static void issue(const char *ca_name, const char *name, const char *purpose,
				  time_t from, time_t to)
{
	char *pem;
	size_t len;
	gnutls_datum_t datum, out;
	gnutls_x509_crt_t issuer, crt;
	gnutls_x509_privkey_t issuer_key, key;
	char path[160];

	snprintf(path, sizeof(path), "%s/%s.crt", dir, ca_name);
	ck_assert_int_eq(file_read(path, 65536, &pem, &len, NULL), 0);
	datum = (gnutls_datum_t){ (void *)pem, (unsigned)len };
	gnutls_x509_crt_init(&issuer);
	ck_assert_int_eq(gnutls_x509_crt_import(issuer, &datum, 1), 0);
	free(pem);
	snprintf(path, sizeof(path), "%s/%s.key", dir, ca_name);
	ck_assert_int_eq(file_read(path, 65536, &pem, &len, NULL), 0);
	datum = (gnutls_datum_t){ (void *)pem, (unsigned)len };
	gnutls_x509_privkey_init(&issuer_key);
	ck_assert_int_eq(
		gnutls_x509_privkey_import2(issuer_key, &datum, 1, NULL, 0), 0);
	free(pem);
	gnutls_x509_privkey_init(&key);
	gnutls_x509_privkey_generate(key, GNUTLS_PK_ECDSA,
		GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1), 0);
	gnutls_x509_crt_init(&crt);
	gnutls_x509_crt_set_key(crt, key);
	gnutls_x509_crt_set_version(crt, 3);
	gnutls_x509_crt_set_dn_by_oid(crt, GNUTLS_OID_X520_COMMON_NAME, 0, name,
								  (unsigned)strlen(name));
	gnutls_x509_crt_set_serial(crt, "\x05", 1);
	gnutls_x509_crt_set_activation_time(crt, from);
	gnutls_x509_crt_set_expiration_time(crt, to);
	gnutls_x509_crt_set_key_purpose_oid(crt, purpose, 0);
	add_names(crt);
	ck_assert_int_eq(gnutls_x509_crt_sign2(crt, issuer, issuer_key,
										   GNUTLS_DIG_SHA256, 0), 0);
	gnutls_x509_crt_export2(crt, GNUTLS_X509_FMT_PEM, &out);
	snprintf(path, sizeof(path), "%s/%s.crt", dir, name);
	ck_assert_int_eq(file_write(path, out.data, out.size, 0600, NULL), 0);
	gnutls_free(out.data);
	gnutls_x509_privkey_export2(key, GNUTLS_X509_FMT_PEM, &out);
	snprintf(path, sizeof(path), "%s/%s.key", dir, name);
	ck_assert_int_eq(file_write(path, out.data, out.size, 0600, NULL), 0);
	gnutls_free(out.data);
	gnutls_x509_crt_deinit(crt);
	gnutls_x509_crt_deinit(issuer);
	gnutls_x509_privkey_deinit(key);
	gnutls_x509_privkey_deinit(issuer_key);
}

static void make_keys(void)
{
	static const char *const hosts[] = { "127.0.0.1", "localhost" };
	const time_t now = time(NULL);
	struct err e = { 0 };

	signal(SIGPIPE, SIG_IGN);
	snprintf(dir, sizeof(dir), "/tmp/test_http.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	ck_assert_int_eq(ca_create(in_dir("ca.crt"), in_dir("ca.key"), &e), 0);
	ck_assert_int_eq(ca_create(in_dir("ca2.crt"), in_dir("ca2.key"), &e), 0);
	ck_assert_int_eq(ca_load(in_dir("ca.crt"), in_dir("ca.key"), &ca, &e), 0);
	ck_assert_int_eq(ca_make_server(ca, hosts, 2, in_dir("server.crt"),
									in_dir("server.key"), &e), 0);
	issue("ca", "good", GNUTLS_KP_TLS_WWW_CLIENT, now - 60, now + 6000);
	issue("ca", "expired", GNUTLS_KP_TLS_WWW_CLIENT, now - 6000, now - 60);
	issue("ca", "early", GNUTLS_KP_TLS_WWW_CLIENT, now + 600, now + 6000);
	issue("ca", "purpose", GNUTLS_KP_TLS_WWW_SERVER, now - 60, now + 6000);
	issue("ca2", "other", GNUTLS_KP_TLS_WWW_CLIENT, now - 60, now + 6000);
}

static void remove_keys(void)
{
	char *command = xasprintf("rm -r %s", dir);

	ca_free(ca);
	ck_assert_int_eq(system(command), 0);
	free(command);
}

static void each_setup(void)
{
	memset(changes, 0, sizeof(changes));
	runs = 0;
	http = NULL;
}

static void each_teardown(void)
{
	http_stop(http);
	http = NULL;
	ck_assert_int_eq(stores, 0);
}

/* ---- client ---------------------------------------------------------------------- */

struct conn
{
	int fd;
	gnutls_session_t tls;
	gnutls_certificate_credentials_t cred;
	char buf[8192];
	size_t len;
};

struct answer
{
	unsigned status;		/* 0: closed without */
	char head[2048];
	char body[4096];
	bool close;
};

static uint64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

static bool conn_open(struct conn *c)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	struct sockaddr_in sin = {
		.sin_family = AF_INET,
		.sin_port = htons((uint16_t)http_port(http)),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	const struct timeval patience = { .tv_sec = 20 };

	*c = (struct conn){ 0 };
	snprintf(sun.sun_path, sizeof(sun.sun_path), "%s", in_dir("sock"));
	c->fd = socket(http_port(http) ? AF_INET : AF_UNIX, SOCK_STREAM, 0);
	setsockopt(c->fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	return http_port(http) ?
		connect(c->fd, (void *)&sin, sizeof(sin)) == 0 :
		connect(c->fd, (void *)&sun, sizeof(sun)) == 0;
}

static bool conn_tls(struct conn *c, const char *priorities, const char *name)
{
	int rc;

	gnutls_certificate_allocate_credentials(&c->cred);
	if (name)
	{
		char crt[160], key[160];

		snprintf(crt, sizeof(crt), "%s/%s.crt", dir, name);
		snprintf(key, sizeof(key), "%s/%s.key", dir, name);
		ck_assert_int_eq(gnutls_certificate_set_x509_key_file(
			c->cred, crt, key, GNUTLS_X509_FMT_PEM), 0);
	}
	/* send the certificate whatever CA the server names */
	gnutls_init(&c->tls, GNUTLS_CLIENT | GNUTLS_FORCE_CLIENT_CERT);
	rc = gnutls_priority_set_direct(c->tls, priorities, NULL);
	ck_assert_int_eq(rc, 0);
	gnutls_credentials_set(c->tls, GNUTLS_CRD_CERTIFICATE, c->cred);
	gnutls_transport_set_int(c->tls, c->fd);
	do
	{
		rc = gnutls_handshake(c->tls);
	} while (rc < 0 && !gnutls_error_is_fatal(rc) && rc != GNUTLS_E_AGAIN);
	return rc >= 0;
}

static ssize_t conn_read(struct conn *c, void *buf, size_t len)
{
	if (!c->tls)
	{
		return recv(c->fd, buf, len, 0);
	}
	return gnutls_record_recv(c->tls, buf, len);
}

static bool conn_write(struct conn *c, const char *text)
{
	ssize_t len = (ssize_t)strlen(text);

	return c->tls ? gnutls_record_send(c->tls, text, (size_t)len) == len
				  : send(c->fd, text, (size_t)len, MSG_NOSIGNAL) == len;
}

static void conn_close(struct conn *c)
{
	close(c->fd);
	if (c->tls)
	{
		gnutls_deinit(c->tls);
		gnutls_certificate_free_credentials(c->cred);
	}
}

/* Fill the buffer until it holds n bytes, or for n 0 until a blank line. */
static bool conn_fill(struct conn *c, size_t n)
{
	while (n ? c->len < n : !strstr(c->buf, "\r\n\r\n"))
	{
		ssize_t got;

		if (c->len + 1 >= sizeof(c->buf))
		{
			return false;
		}
		got = conn_read(c, c->buf + c->len, sizeof(c->buf) - 1 - c->len);
		if (got <= 0)
		{
			return false;
		}
		c->len += (size_t)got;
		c->buf[c->len] = '\0';
	}
	return true;
}

static struct answer conn_answer(struct conn *c)
{
	struct answer a = { 0 };
	size_t head, body = 0;
	char *p;

	if (!conn_fill(c, 0))
	{
		return a;
	}
	head = (size_t)(strstr(c->buf, "\r\n\r\n") + 4 - c->buf);
	snprintf(a.head, sizeof(a.head), "%.*s", (int)head, c->buf);
	a.status = (unsigned)strtoul(c->buf + 9, NULL, 10);
	a.close = strstr(a.head, "Connection: close") != NULL;
	p = strstr(a.head, "Content-Length: ");
	if (p && a.status != 304)
	{
		body = strtoul(p + 16, NULL, 10);
	}
	ck_assert_uint_lt(body, sizeof(a.body));
	if (!conn_fill(c, head + body))
	{
		return (struct answer){ 0 };
	}
	memcpy(a.body, c->buf + head, body);
	memmove(c->buf, c->buf + head + body, c->len - head - body + 1);
	c->len -= head + body;
	return a;
}

/* One request on a new connection to a Unix listener. */
static struct answer ask(const char *request)
{
	struct conn c;
	struct answer a;

	ck_assert(conn_open(&c));
	ck_assert(conn_write(&c, request));
	a = conn_answer(&c);
	conn_close(&c);
	return a;
}

static struct answer get(const char *path)
{
	char *request = xasprintf("GET %s HTTP/1.1\r\nHost: x\r\n\r\n", path);
	struct answer a = ask(request);

	free(request);
	return a;
}

/* Status on a TLS listener, 0 when refused. */
static unsigned tls_status(const char *priorities, const char *name,
						   struct answer *out)
{
	struct conn c;
	struct answer a = { 0 };

	ck_assert(conn_open(&c));
	if (conn_tls(&c, priorities, name) &&
		conn_write(&c, "GET /key HTTP/1.1\r\nHost: x\r\n\r\n"))
	{
		a = conn_answer(&c);
	}
	conn_close(&c);
	if (out)
	{
		*out = a;
	}
	return a.status;
}

static void wait_parked(size_t count)
{
	const uint64_t until = now_ms() + 15000;

	while (http_parked(http) != count && now_ms() < until)
	{
		usleep(5000);
	}
	ck_assert_uint_eq(http_parked(http), count);
}

static void change(unsigned tag)
{
	const uint64_t tag64 = tag;

	changes[tag]++;
	http_wake(http, &tag64, 1);
}

/* ---- ordinary requests --------------------------------------------------------- */

START_TEST(answers_requests)
{
	struct answer a;
	char want[128];

	start(HTTP_UNIX);
	a = get("/echo/a%20b?q=%3D%26");
	snprintf(want, sizeof(want), "a b|=&|0||unix:uid=%u|%u", getuid(),
			 getuid());
	ck_assert_uint_eq(a.status, 200);
	ck_assert_str_eq(a.body, want);
	ck_assert_ptr_nonnull(strstr(a.head, "X-Test: 7"));
	a = ask("POST /echo/x HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc");
	ck_assert_uint_eq(a.status, 200);
	ck_assert_ptr_nonnull(strstr(a.body, "x|-|3|abc|"));
}
END_TEST

START_TEST(keeps_connections)
{
	struct conn c;

	start(HTTP_UNIX);
	ck_assert(conn_open(&c));
	for (int i = 0; i < 50; i++)
	{
		ck_assert(conn_write(&c, "GET /echo/x HTTP/1.1\r\nHost: x\r\n\r\n"));
		ck_assert_uint_eq(conn_answer(&c).status, 200);
	}
	conn_close(&c);
}
END_TEST

static const struct
{
	const char *request;
	unsigned status;
} refused[] = {
#define HOST "HTTP/1.1\r\nHost: x\r\n"
	{ "GET /nothing " HOST "\r\n", 404 },
	{ "GET / " HOST "\r\n", 404 },
	{ "GET /echo " HOST "\r\n", 404 },
	{ "GET /echo/a/b " HOST "\r\n", 404 },
	{ "GET /ECHO/a " HOST "\r\n", 404 },
	{ "DELETE /echo/a " HOST "\r\n", 405 },
	{ "PUT /echo/a " HOST "\r\n", 405 },
	{ "GET /echo/a/ " HOST "\r\n", 400 },
	{ "GET //echo/a " HOST "\r\n", 400 },
	{ "GET /echo/%2e%2e " HOST "\r\n", 400 },
	{ "GET /key/../echo/a " HOST "\r\n", 400 },
	{ "GET /echo/a%2fb " HOST "\r\n", 400 },
	{ "GET /echo/a%00 " HOST "\r\n", 400 },
	{ "GET /echo/a%0a " HOST "\r\n", 400 },
	{ "GET /echo/a%ff " HOST "\r\n", 400 },
	{ "GET /echo/a%4 " HOST "\r\n", 400 },
	{ "GET /echo/a%zz " HOST "\r\n", 400 },
	{ "GET /echo/a?q=%0d " HOST "\r\n", 400 },
	{ "GET /echo/a?q=1&q=2 " HOST "\r\n", 400 },
	{ "GET http://x/echo/a " HOST "\r\n", 400 },
	/* what could be read in two ways */
	{ "GET /echo/a " HOST "Host: y\r\n\r\n", 400 },
	{ "GET /echo/a " HOST "Content-Length: 3\r\n\r\nabc", 400 },
	{ "GET /echo/a " HOST "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 411 },
	{ "POST /echo/a " HOST
	  "Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc", 400 },
	{ "POST /echo/a " HOST
	  "Content-Length: 3\r\ncontent-length: 4\r\n\r\nabcd", 400 },
	{ "POST /echo/a " HOST "Content-Length: 3\r\n"
	  "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n", 400 },
	{ "POST /echo/a " HOST "Transfer-Encoding: chunked\r\n"
	  "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400 },
	{ "POST /echo/a " HOST "Transfer-Encoding: chunked\r\n\r\n"
	  "3\r\nabc\r\n0\r\n\r\n", 411 },
	{ "POST /echo/a " HOST "Content-Length: -1\r\n\r\n", 400 },
	{ "POST /echo/a " HOST "Content-Length: 3x\r\n\r\nabc", 400 },
	/* bounds */
	{ "POST /echo/a " HOST "Content-Length: 1001\r\n\r\n", 413 },
	{ "POST /echo/a " HOST
	  "Content-Length: 99999999999999999999\r\n\r\n", 0 },
};

START_TEST(refuses_requests)
{
	struct answer a;

	start(HTTP_UNIX);
	a = ask(refused[_i].request);
	if (refused[_i].status)
	{
		ck_assert_msg(a.status == refused[_i].status, "%u, not %u: %s",
					  a.status, refused[_i].status, refused[_i].request);
		ck_assert_msg(a.close, "left open: %s", refused[_i].request);
	}
	else
	{
		ck_assert_uint_ne(a.status, 200);
	}
	ck_assert_uint_eq(get("/echo/still-there").status, 200);
}
END_TEST

START_TEST(refuses_long_paths_and_headers)
{
	struct text t = { 0 };

	start(HTTP_UNIX);
	text_add(&t, "GET /echo/");
	for (int i = 0; i < 3000; i++)
	{
		text_add(&t, "a");
	}
	text_add(&t, " HTTP/1.1\r\nHost: x\r\n\r\n");
	ck_assert_uint_eq(ask(t.s).status, 414);
	text_done(&t);
	text_add(&t, "GET /echo/a HTTP/1.1\r\nHost: x\r\n");
	for (int i = 0; i < 100; i++)
	{
		text_addf(&t, "X-%d: y\r\n", i);
	}
	text_add(&t, "\r\n");
	ck_assert_uint_eq(ask(t.s).status, 431);
	text_done(&t);
	text_add(&t, "GET /echo/a HTTP/1.1\r\nHost: x\r\nX: ");
	for (int i = 0; i < 100000; i++)
	{
		text_add(&t, "z");
	}
	ck_assert_uint_ne(ask(t.s).status, 200);
	text_done(&t);
	ck_assert_uint_eq(get("/echo/a").status, 200);
}
END_TEST

/* What each connection costs is bounded, and enough for what it must do. */
START_TEST(a_small_head_does)
{
	struct http_config config = config_of(HTTP_UNIX);
	struct text t = { 0 };

	config.head_size = 3072;
	start_with(&config);
	for (int size = 10; size < 6000; size += 10)
	{
		text_addf(&t, "GET /echo/a HTTP/1.1\r\nHost: x\r\nX: ");
		for (int i = 0; i < size; i++)
		{
			text_add(&t, "z");
		}
		text_add(&t, "\r\n\r\n");
		if (size <= 2000)
		{
			ck_assert_uint_eq(ask(t.s).status, 200);
		}
		else if (size >= 3072)
		{
			ck_assert_uint_ne(ask(t.s).status, 200);
		}
		text_done(&t);
	}
	text_add(&t, "POST /echo/a HTTP/1.1\r\nHost: x\r\n"
			 "Content-Length: 1000\r\n\r\n");
	for (int i = 0; i < 1000; i++)
	{
		text_add(&t, "b");
	}
	ck_assert_uint_eq(ask(t.s).status, 200);
	text_done(&t);
}
END_TEST

START_TEST(refuses_when_queue_is_full)
{
	struct http_config config = config_of(HTTP_UNIX);
	struct conn c[8];
	unsigned busy = 0;

	config.workers = 1;
	config.queue_limit = 2;
	start_with(&config);
	for (int i = 0; i < 8; i++)
	{
		ck_assert(conn_open(&c[i]));
		ck_assert(conn_write(&c[i],
							 "GET /slow?ms=200 HTTP/1.1\r\nHost: x\r\n\r\n"));
	}
	for (int i = 0; i < 8; i++)
	{
		struct answer a = conn_answer(&c[i]);

		busy += a.status == 503 && strstr(a.head, "Retry-After: ");
		conn_close(&c[i]);
	}
	ck_assert_uint_ge(busy, 4);
	ck_assert_uint_lt(busy, 8);
}
END_TEST

/* ---- trap 1: a client certificate is required, and verified --------------------- */

#define TLS13 "NORMAL:-VERS-ALL:+VERS-TLS1.3"
#define TLS12 "NORMAL:-VERS-ALL:+VERS-TLS1.2"
#define TLS11 "NORMAL:-VERS-ALL:+VERS-TLS1.1:%COMPAT"
#define TLS10 "NORMAL:-VERS-ALL:+VERS-TLS1.0:%COMPAT"

START_TEST(requires_client_certificate)
{
	struct answer a;

	start(HTTP_MUTUAL_TLS);
	ck_assert_uint_eq(tls_status(TLS13, NULL, NULL), 0);
	ck_assert_uint_eq(tls_status(TLS13, "other", NULL), 0);
	ck_assert_uint_eq(tls_status(TLS13, "expired", NULL), 0);
	ck_assert_uint_eq(tls_status(TLS13, "early", NULL), 0);
	ck_assert_uint_eq(tls_status(TLS13, "purpose", NULL), 0);
	ck_assert_uint_eq(tls_status(TLS13, "good", &a), 200);
	ck_assert_uint_eq(strlen(a.body), 64);
}
END_TEST

/* the key is the SHA-256 of what openssl calls the public key in DER */
START_TEST(knows_the_key)
{
	struct answer a;
	char line[128] = "";
	char *command = xasprintf(
		"openssl x509 -in %s/good.crt -pubkey -noout | openssl pkey -pubin "
		"-outform DER | openssl dgst -sha256 -r", dir);
	FILE *f;

	start(HTTP_MUTUAL_TLS);
	ck_assert_uint_eq(tls_status(TLS13, "good", &a), 200);
	f = popen(command, "r");
	ck_assert_ptr_nonnull(fgets(line, sizeof(line), f));
	pclose(f);
	free(command);
	ck_assert_int_eq(strncmp(line, a.body, 64), 0);
}
END_TEST

/* What the issuer says that it is: one URI, whole, or none. */
START_TEST(knows_the_uri)
{
	static char long_uri[300];
	static const struct
	{
		const char *names[3], *uri;
	} cases[] = {
		{ { "ppvpn:operator/alice/7" }, "ppvpn:operator/alice/7" },
		{ { "dns:x.example", "ppvpn:operator/alice/7" },
		  "ppvpn:operator/alice/7" },
		{ { "dns:x.example" }, NULL },
		{ { "ppvpn:operator/alice/7", "ppvpn:operator/bob/8" }, NULL },
		{ { long_uri }, NULL },
		{ { "ppvpn:operator/alice/7", long_uri }, NULL },
	};
	const time_t now = time(NULL);
	struct answer a;
	size_t i;

	memset(long_uri, 'u', sizeof(long_uri) - 1);
	start(HTTP_MUTUAL_TLS);
	for (i = 0; i < sizeof(cases) / sizeof(*cases); i++)
	{
		memcpy(issue_names, cases[i].names, sizeof(cases[i].names));
		issue("ca", "named", GNUTLS_KP_TLS_WWW_CLIENT, now - 60, now + 6000);
		issue_names[0] = NULL;
		ck_assert_uint_eq(tls_status(TLS13, "named", &a), 200);
		ck_assert_uint_ge(strlen(a.body), 64);
		ck_assert_str_eq(a.body[64] ? a.body + 65 : "",
						 cases[i].uri ? cases[i].uri : "");
	}
}
END_TEST

/* Refused before it may send a body. */
START_TEST(needs_a_uri)
{
	struct http_config config = config_of(HTTP_MUTUAL_TLS);
	const time_t now = time(NULL);
	struct answer a;
	struct conn c;

	config.need_key_uri = true;
	start_with(&config);
	ck_assert_uint_eq(tls_status(TLS13, "good", &a), 403);
	ck_assert_ptr_nonnull(strstr(a.body, "another kind"));
	ck_assert(conn_open(&c));
	ck_assert(conn_tls(&c, TLS13, "good"));
	ck_assert(conn_write(&c, "POST /echo/x HTTP/1.1\r\nHost: x\r\n"
						 "Content-Length: 900\r\n\r\n"));
	ck_assert_uint_eq(conn_answer(&c).status, 403);
	conn_close(&c);
	issue_names[0] = "x:y";
	issue("ca", "named", GNUTLS_KP_TLS_WWW_CLIENT, now - 60, now + 6000);
	issue_names[0] = NULL;
	ck_assert_uint_eq(tls_status(TLS13, "named", NULL), 200);
}
END_TEST

START_TEST(plain_http_on_tls_port_is_closed)
{
	start(HTTP_MUTUAL_TLS);
	ck_assert_uint_eq(get("/key").status, 0);
	ck_assert_uint_eq(tls_status(TLS13, "good", NULL), 200);
}
END_TEST

/* ---- trap 2: versions of TLS ----------------------------------------------------- */

START_TEST(refuses_old_tls)
{
	start(HTTP_MUTUAL_TLS);
	ck_assert_uint_eq(tls_status(TLS12, "good", NULL), 0);
	ck_assert_uint_eq(tls_status(TLS11, "good", NULL), 0);
	ck_assert_uint_eq(tls_status(TLS10, "good", NULL), 0);
	ck_assert_uint_eq(tls_status(TLS13, "good", NULL), 200);
}
END_TEST

START_TEST(enrolment_takes_1_2_but_no_less)
{
	struct answer a;

	start(HTTP_TLS);
	ck_assert_uint_eq(tls_status(TLS13, NULL, &a), 200);
	ck_assert_str_eq(a.body, "none");
	ck_assert_uint_eq(tls_status(TLS12, NULL, NULL), 200);
	ck_assert_uint_eq(tls_status(TLS11, NULL, NULL), 0);
	ck_assert_uint_eq(tls_status(TLS10, NULL, NULL), 0);
}
END_TEST

/* ---- trap 3: parked clients that die ----------------------------------------------- */

static void park_one(struct conn *c, unsigned tag, unsigned ms)
{
	char *request = xasprintf(
		"GET /park?tag=%u&ms=%u HTTP/1.1\r\nHost: x\r\n\r\n", tag, ms);

	ck_assert(conn_open(c));
	ck_assert(conn_write(c, request));
	free(request);
}

START_TEST(dead_parked_clients_go)
{
	struct http_config config = config_of(HTTP_UNIX);
	struct conn c[20], late;

	config.connection_limit = 20;
	start_with(&config);
	for (int i = 0; i < 20; i++)
	{
		park_one(&c[i], 1, 1500);
	}
	wait_parked(20);
	for (int i = 0; i < 20; i++)
	{
		conn_close(&c[i]);
	}
	usleep(200000);
	/* libmicrohttpd does not see it: they still count ... */
	ck_assert_uint_eq(http_parked(http), 20);
	/* ... until their deadline */
	wait_parked(0);
	usleep(200000);
	ck_assert(conn_open(&late));
	ck_assert(conn_write(&late, "GET /echo/a HTTP/1.1\r\nHost: x\r\n\r\n"));
	ck_assert_uint_eq(conn_answer(&late).status, 200);
	conn_close(&late);
}
END_TEST

START_TEST(parked_ends_at_deadline)
{
	struct conn c;
	uint64_t begun = now_ms(), took;
	struct answer a;

	start(HTTP_UNIX);
	park_one(&c, 1, 700);
	a = conn_answer(&c);
	took = now_ms() - begun;
	ck_assert_uint_eq(a.status, 304);
	ck_assert_ptr_nonnull(strstr(a.head, "ETag: \"x\""));
	ck_assert_uint_ge(took, 690);
	ck_assert_uint_lt(took, 1500);
	conn_close(&c);
}
END_TEST

/* Who is let in is asked before every run, a woken one too. */
START_TEST(admits_each_run)
{
	struct http_config config = config_of(HTTP_UNIX);
	struct conn c;

	config.admit = on_admit;
	admits = kept = runs = 0;
	lets_in = true;
	start_with(&config);
	ck_assert_str_eq(get("/kept").body, "somebody");
	ck_assert_uint_eq(get("/forbidden").status, 403);
	ck_assert_str_eq(get("/forbidden").body, "no");
	ck_assert_int_eq(admits, 3);
	park_one(&c, 3, 20000);
	wait_parked(1);
	ck_assert_int_eq(admits, 4);
	ck_assert_int_eq(runs, 1);
	lets_in = false;
	change(3);
	ck_assert_uint_eq(conn_answer(&c).status, 403);
	ck_assert_int_eq(admits, 5);
	ck_assert_int_eq(runs, 1);
	conn_close(&c);
	lets_in = true;
	http_stop(http);
	http = NULL;
	ck_assert_int_eq(kept, 0);
}
END_TEST

/* ---- trap 4: slow clients ------------------------------------------------------------ */

/* Write text byte by byte; how long until the other side closes? */
static uint64_t drip(struct conn *c, const char *text, unsigned pause_ms)
{
	const uint64_t begun = now_ms();

	while (now_ms() - begun < 8000)
	{
		struct pollfd p = { .fd = c->fd, .events = POLLIN };
		char byte[64];

		if (*text)
		{
			char one[2] = { *text++, '\0' };

			if (!conn_write(c, one))
			{
				break;
			}
		}
		if (poll(&p, 1, (int)pause_ms) > 0 && recv(c->fd, byte, 64, 0) <= 0)
		{
			break;
		}
	}
	return now_ms() - begun;
}

static const char endless[] =
	"GET /echo/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";

START_TEST(slow_request_is_cut)
{
	struct conn c;
	uint64_t took;

	start(HTTP_UNIX);
	ck_assert(conn_open(&c));
	took = drip(&c, endless, 100);
	conn_close(&c);
	ck_assert_uint_ge(took, 1400);
	ck_assert_uint_lt(took, 3000);
	/* the body too */
	ck_assert(conn_open(&c));
	ck_assert(conn_write(&c, "POST /echo/a HTTP/1.1\r\nHost: x\r\n"
						 "Content-Length: 900\r\n\r\n"));
	took = drip(&c, endless, 100);
	conn_close(&c);
	ck_assert_uint_ge(took, 1300);
	ck_assert_uint_lt(took, 3000);
	ck_assert_uint_eq(get("/echo/a").status, 200);
}
END_TEST

START_TEST(slow_handshake_is_cut)
{
	/* a ClientHello that never ends, and silence */
	struct conn c;
	uint64_t took;

	start(HTTP_MUTUAL_TLS);
	ck_assert(conn_open(&c));
	took = drip(&c, "\x16\x03\x01\x02\x10\x01\x01\x01\x01\x01\x01\x01\x01\x01"
				"\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01\x01",
				100);
	conn_close(&c);
	ck_assert_uint_lt(took, 3000);
	ck_assert(conn_open(&c));
	took = drip(&c, "", 100);
	conn_close(&c);
	ck_assert_uint_lt(took, 3000);
	/* a good handshake, then a slow request */
	ck_assert(conn_open(&c));
	ck_assert(conn_tls(&c, TLS13, "good"));
	took = drip(&c, endless, 100);
	conn_close(&c);
	ck_assert_uint_ge(took, 1000);
	ck_assert_uint_lt(took, 3000);
	ck_assert_uint_eq(tls_status(TLS13, "good", NULL), 200);
}
END_TEST

START_TEST(parked_outlives_request_deadline)
{
	struct conn c;

	start(HTTP_UNIX);
	park_one(&c, 1, 2500);
	ck_assert_uint_eq(conn_answer(&c).status, 304);
	/* and the connection is good for more */
	ck_assert(conn_write(&c, "GET /echo/a HTTP/1.1\r\nHost: x\r\n\r\n"));
	ck_assert_uint_eq(conn_answer(&c).status, 200);
	conn_close(&c);
}
END_TEST

/* ---- trap 5: many resumed at once ---------------------------------------------------- */

static struct conn many[PARKED];

static void park_many(void)
{
	for (unsigned i = 0; i < PARKED; i++)
	{
		park_one(&many[i], i, 30000);
	}
	wait_parked(PARKED);
}

START_TEST(wakes_exactly_the_concerned)
{
	const uint64_t tags[] = { 5, 77, 400 };	/* 400: nobody */
	uint64_t begun;

	start(HTTP_UNIX);
	park_many();
	runs = 0;
	changes[5]++;
	changes[77]++;
	http_wake(http, tags, 3);
	ck_assert_str_eq(conn_answer(&many[5]).body, "changed 1");
	ck_assert_str_eq(conn_answer(&many[77]).body, "changed 1");
	usleep(100000);
	ck_assert_int_eq(runs, 2);
	ck_assert_uint_eq(http_parked(http), PARKED - 2);
	/* and all of them at once */
	begun = now_ms();
	for (unsigned i = 0; i < PARKED; i++)
	{
		change(i);
	}
	for (unsigned i = 0; i < PARKED; i++)
	{
		if (i != 5 && i != 77)
		{
			ck_assert_str_eq(conn_answer(&many[i]).body, "changed 1");
		}
		conn_close(&many[i]);
	}
	ck_assert_uint_lt(now_ms() - begun, 5000);
	ck_assert_uint_eq(http_parked(http), 0);
}
END_TEST

/* However many were woken and wait for a worker, who comes has his turn. */
START_TEST(the_woken_keep_nobody_out)
{
	struct http_config config = config_of(HTTP_UNIX);
	struct conn busy, other;
	uint64_t tags[PARKED];

	config.workers = 1;
	config.queue_limit = 16;
	start_with(&config);
	for (unsigned i = 0; i < PARKED; i++)
	{
		park_one(&many[i], i, 30000);
		wait_parked(i + 1);
		tags[i] = i;
		changes[i]++;
	}
	slow_runs = runs = 0;
	ck_assert(conn_open(&busy));
	ck_assert(conn_write(&busy,
						 "GET /slow?ms=1500 HTTP/1.1\r\nHost: x\r\n\r\n"));
	while (!slow_runs)
	{
		usleep(1000);
	}
	http_wake(http, tags, PARKED);
	ck_assert_uint_ge(http_queued(http), PARKED);
	ck_assert(conn_open(&other));
	ck_assert(conn_write(&other, "GET /echo/a HTTP/1.1\r\nHost: x\r\n\r\n"));
	ck_assert_uint_eq(conn_answer(&other).status, 200);
	ck_assert_int_le(echoed_after, 1);
	ck_assert_uint_eq(conn_answer(&busy).status, 200);
	conn_close(&other);
	conn_close(&busy);
	for (unsigned i = 0; i < PARKED; i++)
	{
		ck_assert_uint_eq(conn_answer(&many[i]).status, 200);
		conn_close(&many[i]);
	}
}
END_TEST

START_TEST(wake_between_look_and_park_is_not_lost)
{
	struct answer a;
	uint64_t begun = now_ms();

	start(HTTP_UNIX);
	a = get("/park?tag=9&ms=5000&gap=1");
	ck_assert_uint_eq(a.status, 200);
	ck_assert_str_eq(a.body, "changed 1");
	ck_assert_uint_lt(now_ms() - begun, 2000);
}
END_TEST

/* ---- trap 6: stopping ------------------------------------------------------------------ */

START_TEST(stops_with_parked)
{
	uint64_t begun;

	start(HTTP_UNIX);
	park_many();
	begun = now_ms();
	http_stop(http);
	http = NULL;
	ck_assert_uint_lt(now_ms() - begun, 4000);
	for (unsigned i = 0; i < PARKED; i++)
	{
		struct answer a = conn_answer(&many[i]);

		ck_assert_uint_eq(a.status, 503);
		ck_assert_ptr_nonnull(strstr(a.head, "Retry-After: "));
		conn_close(&many[i]);
	}
}
END_TEST

START_TEST(stops_with_dead_slow_and_stuck)
{
	struct conn dead, slow, half, stuck;
	uint64_t begun;

	start(HTTP_UNIX);
	park_one(&dead, 1, 30000);
	wait_parked(1);
	conn_close(&dead);
	ck_assert(conn_open(&slow));
	ck_assert(conn_write(&slow,
						 "GET /slow?ms=500 HTTP/1.1\r\nHost: x\r\n\r\n"));
	ck_assert(conn_open(&half));
	ck_assert(conn_write(&half, "GET /ech"));
	/* never reads what it asked for */
	ck_assert(conn_open(&stuck));
	ck_assert(conn_write(&stuck, "GET /big HTTP/1.1\r\nHost: x\r\n\r\n"));
	usleep(200000);
	begun = now_ms();
	http_stop(http);
	http = NULL;
	ck_assert_uint_lt(now_ms() - begun, 5000);
	ck_assert_uint_eq(conn_answer(&slow).status, 200);
	conn_close(&slow);
	conn_close(&half);
	conn_close(&stuck);
}
END_TEST

/* ---- trap 7: suspending and resuming under load ------------------------------------------ */

static atomic_bool waking;

static void *wake_all(void *arg)
{
	unsigned seed = (unsigned)(uintptr_t)arg;

	while (waking)
	{
		change((unsigned)rand_r(&seed) % 16);
		usleep(300);
	}
	return NULL;
}

static void *ask_all(void *arg)
{
	unsigned tag = (unsigned)(uintptr_t)arg % 16;
	unsigned long seen = 0;
	struct conn c;

	if (!conn_open(&c))
	{
		return (void *)1;
	}
	for (int i = 0; i < 60; i++)
	{
		char *request = xasprintf("GET /park?tag=%u&ms=8000&seen=%lu "
								  "HTTP/1.1\r\nHost: x\r\n\r\n", tag, seen);
		struct answer a;

		conn_write(&c, request);
		free(request);
		a = conn_answer(&c);
		if (a.status != 200)
		{
			conn_close(&c);
			return (void *)(uintptr_t)(a.status ? a.status : 2);
		}
		seen = strtoul(a.body + 8, NULL, 10);
	}
	conn_close(&c);
	return NULL;
}

START_TEST(no_request_is_forgotten)
{
	pthread_t askers[32], wakers[2];

	start(HTTP_UNIX);
	waking = true;
	for (uintptr_t i = 0; i < 2; i++)
	{
		pthread_create(&wakers[i], NULL, wake_all, (void *)(i + 1));
	}
	for (uintptr_t i = 0; i < 32; i++)
	{
		pthread_create(&askers[i], NULL, ask_all, (void *)i);
	}
	for (int i = 0; i < 32; i++)
	{
		void *result;

		pthread_join(askers[i], &result);
		ck_assert_uint_eq((uintptr_t)result, 0);
	}
	waking = false;
	pthread_join(wakers[0], NULL);
	pthread_join(wakers[1], NULL);
}
END_TEST

/* ---- limits, sockets ------------------------------------------------------------------- */

START_TEST(limits_per_address)
{
	struct http_config config = config_of(HTTP_TLS);
	struct conn c[5];

	config.per_ip_limit = 3;
	start_with(&config);
	for (int i = 0; i < 5; i++)
	{
		ck_assert(conn_open(&c[i]));
		ck_assert_int_eq(conn_tls(&c[i], TLS13, NULL), i < 3);
	}
	for (int i = 0; i < 5; i++)
	{
		conn_close(&c[i]);
	}
	usleep(300000);
	ck_assert_uint_eq(tls_status(TLS13, NULL, NULL), 200);
}
END_TEST

START_TEST(socket_mode_and_leftovers)
{
	struct http_config config = config_of(HTTP_UNIX);
	struct http *second;
	struct stat st;
	struct err e = { 0 };
	int fd;

	start(HTTP_UNIX);
	ck_assert_int_eq(stat(in_dir("sock"), &st), 0);
	ck_assert_uint_eq(st.st_mode & 07777, 0600);
	/* one that is in use stays */
	ck_assert_int_lt(http_start(&config, &second, &e), 0);
	ck_assert_int_eq(e.code, ERR_EXISTS);
	ck_assert_uint_eq(get("/echo/a").status, 200);
	http_stop(http);
	http = NULL;
	ck_assert_int_ne(stat(in_dir("sock"), &st), 0);
	/* one that a crash left is replaced */
	{
		struct sockaddr_un sun = { .sun_family = AF_UNIX };

		snprintf(sun.sun_path, sizeof(sun.sun_path), "%s", in_dir("sock"));
		fd = socket(AF_UNIX, SOCK_STREAM, 0);
		ck_assert_int_eq(bind(fd, (void *)&sun, sizeof(sun)), 0);
		close(fd);
	}
	start(HTTP_UNIX);
	ck_assert_uint_eq(get("/echo/a").status, 200);
	http_stop(http);
	http = NULL;
	/* a file is not */
	ck_assert_int_eq(file_write(in_dir("sock"), "x", 1, 0600, NULL), 0);
	ck_assert_int_lt(http_start(&config, &second, &e), 0);
	ck_assert_int_eq(stat(in_dir("sock"), &st), 0);
	unlink(in_dir("sock"));
}
END_TEST

START_TEST(says_what_is_wrong)
{
	struct http_config config = config_of(HTTP_TLS);
	struct http *bad;
	struct err e = { 0 };

	config.listen = "localhost:1";
	ck_assert_int_lt(http_start(&config, &bad, &e), 0);
	ck_assert_str_eq(e.where, "localhost:1");
	config.listen = "127.0.0.1:0";
	config.cert_file = in_dir("none.crt");
	ck_assert_int_lt(http_start(&config, &bad, &e), 0);
	ck_assert_ptr_nonnull(strstr(e.where, "none.crt"));
	config.cert_file = in_dir("good.crt");		/* not the key's */
	ck_assert_int_lt(http_start(&config, &bad, &e), 0);
	ck_assert_int_eq(e.code, ERR_TLS);
	ck_assert_ptr_null(bad);
}
END_TEST

static void add(Suite *suite, const char *name, const TTest *const *tests)
{
	TCase *tcase = tcase_create(name);

	tcase_set_timeout(tcase, 60);
	tcase_add_unchecked_fixture(tcase, make_keys, remove_keys);
	tcase_add_checked_fixture(tcase, each_setup, each_teardown);
	for (; *tests; tests++)
	{
		if (*tests == refuses_requests)
		{
			tcase_add_loop_test(tcase, *tests, 0,
								sizeof(refused) / sizeof(*refused));
		}
		else
		{
			tcase_add_test(tcase, *tests);
		}
	}
	suite_add_tcase(suite, tcase);
}

int main(void)
{
	Suite *suite = suite_create("http");
	SRunner *runner;
	int failed;
	const TTest *const requests[] = {
		answers_requests, keeps_connections, refuses_requests,
		refuses_long_paths_and_headers, a_small_head_does,
		refuses_when_queue_is_full, NULL,
	};
	const TTest *const tls[] = {
		requires_client_certificate, knows_the_key, knows_the_uri,
		needs_a_uri,
		plain_http_on_tls_port_is_closed, refuses_old_tls,
		enrolment_takes_1_2_but_no_less, slow_handshake_is_cut,
		limits_per_address, says_what_is_wrong, NULL,
	};
	const TTest *const parking[] = {
		admits_each_run, dead_parked_clients_go, parked_ends_at_deadline, slow_request_is_cut,
		parked_outlives_request_deadline, wakes_exactly_the_concerned,
		the_woken_keep_nobody_out,
		wake_between_look_and_park_is_not_lost, stops_with_parked,
		stops_with_dead_slow_and_stuck, no_request_is_forgotten,
		socket_mode_and_leftovers, NULL,
	};

	add(suite, "requests", requests);
	add(suite, "tls", tls);
	add(suite, "parking", parking);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? 1 : 0;
}
