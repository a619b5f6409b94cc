/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * test_fetch.c - the HTTPS client against servers good and bad
 */
#include "config.h"

#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "agent/fetch.h"
#include "agent/loop.h"
#include "alloc.h"
#include "json_scan.h"
#include "run.h"
#include "tls_kit.h"

#define ANY "NORMAL"
#define OLD "NORMAL:-VERS-ALL:+VERS-TLS1.2"
#define NEW "NORMAL:-VERS-ALL:+VERS-TLS1.3"

static char dir[] = "/tmp/ppvpn-fetch-XXXXXX";
static struct loop *loop;
static struct fetch *fetch;
static struct kit_server server;
static char url[64];
static struct fetch_answer got;
static char got_body[64], got_chain[8192];
static unsigned answers;

static char *in_dir(const char *name)
{
	return xasprintf("%s/%s", dir, name);
}

static struct fetch *client(const char *ca, const char *name)
{
	struct fetch_identity id = {
		.cert_file = xasprintf("%s/%s.crt", dir, name),
		.key_file = xasprintf("%s/%s.key", dir, name), .ca_file = in_dir(ca),
	};
	struct err e;
	struct fetch *f = fetch_new(loop, &id, &e);

	ck_assert_ptr_nonnull(f);
	free((char*)id.cert_file);
	free((char*)id.key_file);
	free((char*)id.ca_file);
	return f;
}

static void setup(void)
{
	strcpy(dir + strlen(dir) - 6, "XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	kit_certificate(dir, "ca", NULL);
	kit_certificate(dir, "other", NULL);
	kit_certificate(dir, "server", "ca");
	kit_certificate(dir, "ce", "ca");
	kit_certificate(dir, "stranger", "other");
	loop = loop_new();
	fetch = client("ca.crt", "ce");
	answers = 0;
}

static void teardown(void)
{
	char *command = xasprintf("rm -rf %s", dir);

	fetch_free(fetch);
	loop_free(loop);
	kit_stop(&server);
	ck_assert_int_eq(system(command), 0);
	free(command);
}

static void serve(const char *certificate, const char *client_ca,
				  const char *priority, kit_fn fn)
{
	server = kit_serve(dir, certificate, client_ca, priority, fn, NULL);
	snprintf(url, sizeof(url), "https://127.0.0.1:%u", server.port);
}

static void on_answer(void *user, const struct fetch_answer *a)
{
	got = *a;
	snprintf(got_body, sizeof(got_body), "%s", a->body ? a->body : "(null)");
	snprintf(got_chain, sizeof(got_chain), "%s", a->chain ? a->chain : "");
	answers++;
	loop_stop(loop);
}

static const char *in_file(const char *name)
{
	static char text[8192];
	char *path = in_dir(name);
	FILE *f = fopen(path, "r");
	size_t n;

	ck_assert_ptr_nonnull(f);
	n = fread(text, 1, sizeof(text) - 1, f);
	text[n] = '\0';
	fclose(f);
	free(path);
	return text;
}

static void get(unsigned wait)
{
	fetch_config(fetch, url, "\"3.1-ab\"", wait, on_answer, NULL);
	loop_run(loop);
}

static void expect_error(int rc, enum err_code code)
{
	ck_assert_msg(got.rc == rc && got.err.code == code, "%d %s: %s: %s", got.rc,
				  err_code_text(got.err.code), got.err.where, got.err.text);
}

/* ---- answers --------------------------------------------------------------- */

/* The request it got is the body of the answer. */
static bool good(struct kit_connection *c, const char *head, const char *body,
				 void *user)
{
	bool ok = strstr(head, "GET /v1/config HTTP/1.1\r\n") == head &&
			  strstr(head, "If-None-Match: \"3.1-ab\"\r\n") &&
			  strstr(head, "Ppvpn-Schema: ce-config/1\r\n") &&
			  strstr(head, "Prefer: wait=7\r\n");

	ok |= strstr(head, "POST /v1/status HTTP/1.1\r\n") == head &&
		  strstr(head, "Content-Type: application/json\r\n") &&
		  strcmp(body, "{\"report\":1}") == 0;
	ok |= strstr(head, "POST /v1/leave HTTP/1.1\r\n") == head &&
		  strcmp(body, "{}") == 0;
	ok |= strstr(head, "POST /v1/ike-key HTTP/1.1\r\n") == head &&
		  strstr(head, "Content-Type: application/pkcs10\r\n") &&
		  strcmp(body, "Y3Ny") == 0;
	ok |= strstr(head, "POST /v1/diag?id=0042 HTTP/1.1\r\n") == head &&
		  strstr(head, "Content-Type: application/json\r\n") &&
		  strcmp(body, "{\"x\":1}") == 0;
	kit_sendf(c, "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n"
			  "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\nppvpn-diag: 0042\r\n"
			  "ppvpn-schema: ce-status/2, ce-status/1\r\netag: \"3.2-cd\"\r\nPpvpn-Notify-Ms: 17\r\nRetry-After: 5\r\n"
			  "\r\n%s%u\n", ok ? "ok" : "no", kit_connections(c));
	return true;
}

static bool empty_304(struct kit_connection *c, const char *head,
					  const char *body, void *user)
{
	kit_sendf(c, "HTTP/1.1 304 Not Modified\r\nRetry-After: 99999999\r\n"
			  "Ppvpn-Diag: 12345678901234567890\r\nPpvpn-Diag: ../1\r\n"
			  "Ppvpn-Schema: ce-status/\x01\r\nPpvpn-Schema: %0200d\r\n"
			  "Ppvpn-Notify-Ms: -4\r\nETag: %0200d\r\n\r\n", 1, 1);
	return true;
}

static bool redirect(struct kit_connection *c, const char *head,
					 const char *body, void *user)
{
	kit_sendf(c, "HTTP/1.1 302 Found\r\nLocation: file:///etc/passwd\r\n"
			  "Content-Length: 0\r\n\r\n");
	return true;
}

static bool too_long(struct kit_connection *c, const char *head,
					 const char *body, void *user)
{
	char *block = xcalloc(1, 65536);

	kit_sendf(c, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
	for (unsigned i = 0; i < JSON_DOCUMENT_MAX / 65536 + 8; i++)
	{
		kit_sendf(c, "10000\r\n");
		kit_send(c, block, 65536);
		kit_sendf(c, "\r\n");
	}
	kit_sendf(c, "0\r\n\r\n");
	free(block);
	return false;
}

static bool bomb(struct kit_connection *c, const char *head, const char *body,
				 void *user)
{
	FILE *p = popen("head -c 400000000 /dev/zero | gzip -9", "r");
	char *z = xcalloc(1, 1 << 20);
	size_t n = fread(z, 1, 1 << 20, p);

	pclose(p);
	kit_sendf(c, "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n"
			  "Content-Length: %zu\r\n\r\n", n);
	kit_send(c, z, n);
	free(z);
	return false;
}

static bool cut(struct kit_connection *c, const char *head, const char *body,
				void *user)
{
	kit_sendf(c, "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nhalf");
	return false;
}

static bool garbage(struct kit_connection *c, const char *head,
					const char *body, void *user)
{
	kit_send(c, "\0\1\2 what is this\r\n\r\n", 21);
	return false;
}

static bool nothing(struct kit_connection *c, const char *head,
					const char *body, void *user)
{
	return false;
}

/* A byte each second, for ever. */
static bool drip(struct kit_connection *c, const char *head, const char *body,
				 void *user)
{
	kit_sendf(c, "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n");
	for (unsigned i = 0; i < 1000; i++)
	{
		kit_sendf(c, "x");
		sleep(1);
	}
	return false;
}

static bool hang(struct kit_connection *c, const char *head, const char *body,
				 void *user)
{
	sleep(600);
	return false;
}

/* ---- the cases ------------------------------------------------------------- */

START_TEST(answer)
{
	uint64_t before = loop_now_ms();

	serve("server", "ca", ANY, good);
	get(7);
	ck_assert_msg(got.rc == 0, "%s: %s", got.err.where, got.err.text);
	ck_assert_uint_eq(got.status, 200);
	ck_assert_str_eq(got_body, "ok1\n");
	ck_assert_uint_eq(got.len, 4);
	ck_assert_str_eq(got.etag, "\"3.2-cd\"");
	ck_assert_int_eq(got.notify_ms, 17);
	ck_assert_int_eq(got.date_s, 784111777);
	ck_assert_uint_eq(got.retry_after, 5);
	ck_assert_str_eq(got.schema, "ce-status/2, ce-status/1");
	ck_assert_uint_ge(got.first_byte_ms, before);
	ck_assert_uint_le(got.first_byte_ms, loop_now_ms());
	/* the connection is used again, for both kinds */
	get(7);
	ck_assert_str_eq(got_body, "ok1\n");
	fetch_status(fetch, url, "{\"report\":1}", 12, on_answer, NULL);
	loop_run(loop);
	ck_assert_str_eq(got_body, "ok1\n");
	fetch_leave(fetch, url, on_answer, NULL);
	loop_run(loop);
	ck_assert_str_eq(got_body, "ok1\n");
	fetch_ike_key(fetch, url, "Y3Ny", on_answer, NULL);
	loop_run(loop);
	ck_assert_str_eq(got_body, "ok1\n");
	fetch_diag(fetch, url, "0042", "{\"x\":1}", 7, on_answer, NULL);
	loop_run(loop);
	ck_assert_str_eq(got_body, "ok1\n");
	ck_assert_str_eq(got.diag, "0042");
}
END_TEST

START_TEST(not_modified)
{
	serve("server", "ca", NEW, empty_304);
	get(0);
	ck_assert_int_eq(got.rc, 0);
	ck_assert_uint_eq(got.status, 304);
	ck_assert_str_eq(got_body, "");
	/* what is out of bounds does not count */
	ck_assert_int_eq(got.notify_ms, -1);
	ck_assert_int_eq(got.date_s, -1);
	ck_assert_uint_eq(got.retry_after, 0);
	ck_assert_str_eq(got.etag, "");
	ck_assert_str_eq(got.diag, "");
	ck_assert_str_eq(got.schema, "");
}
END_TEST

START_TEST(no_redirect)
{
	serve("server", "ca", NEW, redirect);
	get(0);
	ck_assert_int_eq(got.rc, 0);
	ck_assert_uint_eq(got.status, 302);
	ck_assert_str_eq(got_body, "");
}
END_TEST

START_TEST(server_of_another_ca)
{
	serve("stranger", "ca", NEW, good);
	get(0);
	expect_error(-EPROTO, ERR_TLS);
	ck_assert_str_eq(got_chain, in_file("stranger.crt"));
}
END_TEST

/* The certificate is for 127.0.0.1 and no other name. */
START_TEST(server_of_another_name)
{
	serve("server", "ca", NEW, good);
	snprintf(url, sizeof(url), "https://localhost:%u", server.port);
	get(0);
	expect_error(-EPROTO, ERR_TLS);
}
END_TEST

START_TEST(tls_1_2)
{
	serve("server", "ca", OLD, good);
	get(0);
	expect_error(-EPROTO, ERR_TLS);
}
END_TEST

START_TEST(client_refused)
{
	serve("server", "other", NEW, good);
	get(0);
	ck_assert_int_ne(got.rc, 0);
	ck_assert_str_eq(got_body, "");
}
END_TEST

START_TEST(not_https)
{
	serve("server", "ca", NEW, good);
	snprintf(url, sizeof(url), "http://127.0.0.1:%u", server.port);
	get(0);
	ck_assert_int_ne(got.rc, 0);
}
END_TEST

START_TEST(nobody_there)
{
	serve("server", "ca", NEW, good);
	kit_stop(&server);
	get(0);
	expect_error(-EHOSTUNREACH, ERR_UNREACHABLE);
	/* its machine refused: that was heard */
	ck_assert(got.heard);
	serve("server", "ca", NEW, good);
}
END_TEST

/* A full queue: packets to it are dropped, as on the way to nowhere. */
START_TEST(nothing_heard)
{
	struct sockaddr_in a = { .sin_family = AF_INET };
	socklen_t len = sizeof(a);
	int fd = socket(AF_INET, SOCK_STREAM, 0), full[4];
	uint64_t before = loop_now_ms();

	serve("server", "ca", NEW, good);
	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	ck_assert_int_eq(bind(fd, (struct sockaddr*)&a, sizeof(a)), 0);
	ck_assert_int_eq(listen(fd, 0), 0);
	ck_assert_int_eq(getsockname(fd, (struct sockaddr*)&a, &len), 0);
	for (size_t i = 0; i < COUNT(full); i++)
	{
		full[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
		(void)connect(full[i], (struct sockaddr*)&a, sizeof(a));
	}
	snprintf(url, sizeof(url), "https://127.0.0.1:%u", ntohs(a.sin_port));
	get(0);
	expect_error(-ETIMEDOUT, ERR_TIMEOUT);
	ck_assert(!got.heard);
	ck_assert_uint_lt(loop_now_ms() - before, 9000);
	for (size_t i = 0; i < COUNT(full); i++)
	{
		close(full[i]);
	}
	close(fd);
}
END_TEST

static const struct { kit_fn fn; int rc; enum err_code code; } bad[] = {
	{ too_long, -EFBIG, ERR_LIMIT },
	{ bomb, -EFBIG, ERR_LIMIT },
	{ cut, -EHOSTUNREACH, ERR_UNREACHABLE },
	{ garbage, -EBADMSG, ERR_HTTP },
	{ nothing, -EHOSTUNREACH, ERR_UNREACHABLE },
	{ drip, -ETIMEDOUT, ERR_TIMEOUT },
	{ hang, -ETIMEDOUT, ERR_TIMEOUT },
};

START_TEST(bad_answer)
{
	uint64_t before = loop_now_ms();

	serve("server", "ca", NEW, bad[_i].fn);
	get(0);
	expect_error(bad[_i].rc, bad[_i].code);
	ck_assert_uint_lt(loop_now_ms() - before, 20000);
	ck_assert_str_eq(got_body, "");
	ck_assert(got.heard);
}
END_TEST

/* A new one ends the old without a word. */
START_TEST(replaced)
{
	serve("server", "ca", NEW, good);
	fetch_config(fetch, url, "x", 50, on_answer, NULL);
	fetch_config(fetch, url, "\"3.1-ab\"", 7, on_answer, NULL);
	loop_run(loop);
	ck_assert_uint_eq(answers, 1);
	ck_assert_int_eq(got.rc, 0);
	ck_assert_str_eq(got_body, "ok1\n");
}
END_TEST

static void free_in_callback(void *user, const struct fetch_answer *a)
{
	fetch_free(fetch);
	fetch = NULL;
	loop_stop(loop);
}

static void again(void *user, const struct fetch_answer *a)
{
	if (++answers < 3)
	{
		fetch_config(fetch, url, "\"3.1-ab\"", 7, again, NULL);
		return;
	}
	loop_stop(loop);
}

START_TEST(reentered)
{
	serve("server", "ca", NEW, good);
	fetch_config(fetch, url, "\"3.1-ab\"", 7, again, NULL);
	loop_run(loop);
	ck_assert_uint_eq(answers, 3);
	fetch_status(fetch, url, "{}", 2, free_in_callback, NULL);
	fetch_config(fetch, url, "\"3.1-ab\"", 7, free_in_callback, NULL);
	loop_run(loop);
}
END_TEST

START_TEST(freed_while_waiting)
{
	serve("server", "ca", NEW, hang);
	fetch_config(fetch, url, "", 50, on_answer, NULL);
	fetch_status(fetch, url, "{}", 2, on_answer, NULL);
}
END_TEST

int main(void)
{
	TCase *tc = tcase_create("fetch");

	signal(SIGPIPE, SIG_IGN);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, answer);
	tcase_add_test(tc, not_modified);
	tcase_add_test(tc, no_redirect);
	tcase_add_test(tc, server_of_another_ca);
	tcase_add_test(tc, server_of_another_name);
	tcase_add_test(tc, tls_1_2);
	tcase_add_test(tc, client_refused);
	tcase_add_test(tc, not_https);
	tcase_add_test(tc, nobody_there);
	tcase_add_test(tc, nothing_heard);
	tcase_add_loop_test(tc, bad_answer, 0, COUNT(bad));
	tcase_add_test(tc, replaced);
	tcase_add_test(tc, reentered);
	tcase_add_test(tc, freed_while_waiting);
	return run_case(tc, "fetch");
}
