/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * test_identity.c - enrolment against servers good and bad, and crashes in it
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "agent/certificate.h"
#include "agent/identity.h"
#include "agent/ike_key.h"
#include "alloc.h"
#include "file.h"
#include "run.h"
#include "text.h"
#include "tls_kit.h"

#define TOKEN "00112233445566778899aabbccddeeff"
/* base64 of "acme/paris:" TOKEN */
#define BASIC "YWNtZS9wYXJpczowMDExMjIzMzQ0NTU2Njc3ODg5OWFhYmJjY2RkZWVmZg=="

static char dir[] = "/tmp/ppvpn-identity-XXXXXX";
static char *state;
static struct kit_server server;
static int crash_at = -1, calls;

/* Dies at its Nth change of a name: what is between two of them is one state. */
int rename(const char *from, const char *to)
{
	if (crash_at >= 0 && calls++ == crash_at)
	{
		kill(getpid(), SIGKILL);
	}
	return syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0);
}

/* ---- servers --------------------------------------------------------------- */

static bool answer_pkcs7(struct kit_connection *c, char *pkcs7)
{
	kit_sendf(c, "HTTP/1.1 200 OK\r\nContent-Type: application/pkcs7-mime\r\n"
			  "Content-Length: %zu\r\n\r\n%s", strlen(pkcs7), pkcs7);
	free(pkcs7);
	return true;
}

static bool good(struct kit_connection *c, const char *head, const char *body,
				 void *user)
{
	bool ok = strstr(head, "POST /.well-known/est/simpleenroll HTTP/1.1\r\n")
			  == head && strstr(head, "Authorization: Basic " BASIC "\r\n") &&
			  strstr(head, "Content-Type: application/pkcs10\r\n");

	if (!ok)
	{
		kit_sendf(c, "HTTP/1.1 401 No\r\nContent-Length: 0\r\n\r\n");
		return true;
	}
	return answer_pkcs7(c, kit_sign(dir, "ca", body, 0));
}

static bool refuses(struct kit_connection *c, const char *head,
					const char *body, void *user)
{
	kit_sendf(c, "HTTP/1.1 401 No\r\nContent-Length: 0\r\n\r\n");
	return true;
}

static bool fails(struct kit_connection *c, const char *head, const char *body,
				  void *user)
{
	kit_sendf(c, "HTTP/1.1 500 Oh\r\nContent-Length: 0\r\n\r\n");
	return true;
}

static bool other_ca(struct kit_connection *c, const char *head,
					 const char *body, void *user)
{
	return answer_pkcs7(c, kit_sign(dir, "other", body, 0));
}

static bool future(struct kit_connection *c, const char *head,
				   const char *body, void *user)
{
	return answer_pkcs7(c, kit_sign(dir, "ca", body, 86400));
}

static bool not_pkcs7(struct kit_connection *c, const char *head,
					  const char *body, void *user)
{
	return answer_pkcs7(c, xstrdup("bm90IGEgcGtjczc="));
}

static bool not_base64(struct kit_connection *c, const char *head,
					   const char *body, void *user)
{
	return answer_pkcs7(c, xstrdup("<html>"));
}

/* The first request's certificate for all: another's key. */
static bool other_key(struct kit_connection *c, const char *head,
					  const char *body, void *user)
{
	static char *first;

	if (!first)
	{
		first = kit_sign(dir, "ca", body, 0);
	}
	return answer_pkcs7(c, xstrdup(first));
}

/* ---- the world ------------------------------------------------------------- */

static void setup(void)
{
	strcpy(dir + strlen(dir) - 6, "XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	state = xasprintf("%s/state", dir);
	kit_certificate(dir, "ca", NULL);
	kit_certificate(dir, "other", NULL);
	kit_certificate(dir, "server", "ca");
	server.pid = 0;
	crash_at = -1;
}

static void serve(kit_fn fn)
{
	if (server.pid)
	{
		kit_stop(&server);
	}
	server = kit_serve(dir, "server", NULL, "NORMAL", fn, NULL);
}

static void teardown(void)
{
	char *command = xasprintf("rm -rf %s", dir);

	if (server.pid)
	{
		kit_stop(&server);
	}
	ck_assert_int_eq(system(command), 0);
	free(command);
	free(state);
}

static char *slurp(const char *path)
{
	FILE *f = fopen(path, "r");
	char *s = xcalloc(1, 65536);

	if (!f)
	{
		free(s);
		return NULL;
	}
	s[fread(s, 1, 65535, f)] = '\0';
	fclose(f);
	return s;
}

static char *in_state(const char *name)
{
	static char path[256];

	snprintf(path, sizeof(path), "%s/%s", state, name);
	return path;
}

static void put(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	ck_assert_ptr_nonnull(f);
	fputs(text, f);
	fclose(f);
}

static char *write_bundle(const char *ca_name, const char *extra)
{
	char *path = xasprintf("%s/bundle", dir);
	char *ca_path = xasprintf("%s/%s.crt", dir, ca_name);
	char *ca = slurp(ca_path);
	FILE *f = fopen(path, "w");

	fprintf(f, "{\"schema\":\"ppvpn-bundle/1\",\"ce\":\"acme/paris\",%s"
			"\"ce-address\":\"192.0.2.5\",\"servers\":[\"https://vpn1:8443\"],"
			"\"enroll\":\"https://127.0.0.1:%u\",\"token\":\"" TOKEN "\","
			"\"ca-data\":\"", extra, server.port);
	for (char *p = ca; *p; p++)
	{
		fprintf(f, *p == '\n' ? "\\n" : "%c", *p);
	}
	fprintf(f, "\"}\n");
	fclose(f);
	free(ca);
	free(ca_path);
	return path;
}

static int enroll(bool force, struct err *e)
{
	char *bundle = write_bundle("ca", "");
	int rc = identity_enroll(state, bundle, force, false, e);

	free(bundle);
	return rc;
}

/* ---- the cases ------------------------------------------------------------- */

START_TEST(enrolled)
{
	struct identity id;
	struct err e;
	struct stat st;
	int rc;

	serve(good);
	ck_assert_int_eq(identity_load(state, &id, &e), -ENOENT);
	ck_assert_int_eq(e.code, ERR_NOT_ENROLLED);
	rc = enroll(false, &e);
	ck_assert_msg(rc == 0, "%s: %s", e.where, e.text);
	ck_assert_int_eq(identity_load(state, &id, &e), 0);
	ck_assert_str_eq(id.ce, "acme/paris");
	ck_assert_uint_eq(addr_to_u32(&id.ce_address), 0xc0000205);
	ck_assert_uint_eq(id.server_count, 1);
	ck_assert_str_eq(id.servers[0], "https://vpn1:8443");
	ck_assert_str_eq(id.key_file, in_state("management.key"));
	ck_assert_int_eq(stat(id.key_file, &st), 0);
	ck_assert_int_eq(st.st_mode & 0777, 0600);
	identity_done(&id);
	ck_assert_int_eq(access(in_state("enroll-ca.crt"), F_OK), -1);
	ck_assert_int_eq(access(in_state("provider.next"), F_OK), -1);
}
END_TEST

/* Decided by one step, finished by another; between them nobody enrols. */
START_TEST(left)
{
	static const char *const gone[] = {
		"management.key", "management.crt", "ca.crt", "provider", "leaving",
		"provider.next", "management.key.next", "ike.key", "ike.key.next",
		"ike.key.next.new", "management.key.next.new",
	};
	struct identity id;
	struct err e;

	serve(good);
	ck_assert_int_lt(identity_leave(state, &e), 0);		/* not enrolled */
	ck_assert_int_eq(enroll(false, &e), 0);
	ck_assert_int_eq(identity_load(state, &id, &e), 0);
	ck_assert(!id.leaving);
	identity_done(&id);
	put(in_state("management.key.next.new"), "of a crash");
	put(in_state("ike.key.next.new"), "of a crash");
	ck_assert_int_eq(identity_leave(state, &e), 0);
	for (int i = 0; i < 2; i++)		/* with and without its files */
	{
		ck_assert_int_eq(identity_load(state, &id, &e), 0);
		ck_assert(id.leaving);
		ck_assert_str_eq(id.ce, "acme/paris");
		ck_assert_str_eq(id.key_file, in_state("management.key"));
		identity_done(&id);
		ck_assert_int_eq(enroll(i, &e), -EBUSY);
		ck_assert_int_eq(e.code, ERR_ENROLLED);
		ck_assert_int_eq(identity_remove(state, &e), 0);
	}
	ck_assert_int_eq(identity_left(state, &e), 0);
	ck_assert_int_eq(identity_load(state, &id, &e), -ENOENT);
	for (size_t i = 0; i < sizeof(gone) / sizeof(*gone); i++)
	{
		ck_assert_int_eq(access(in_state(gone[i]), F_OK), -1);
	}
	ck_assert_int_eq(enroll(false, &e), 0);
}
END_TEST

START_TEST(twice)
{
	struct err e;
	char *before, *after;

	serve(good);
	ck_assert_int_eq(enroll(false, &e), 0);
	before = slurp(in_state("management.key"));
	ck_assert_int_eq(enroll(false, &e), -EEXIST);
	ck_assert_int_eq(e.code, ERR_ENROLLED);
	after = slurp(in_state("management.key"));
	ck_assert_str_eq(before, after);
	free(after);
	ck_assert_int_eq(enroll(true, &e), 0);
	after = slurp(in_state("management.key"));
	ck_assert_str_ne(before, after);
	free(before);
	free(after);
}
END_TEST

/* Two at once would write the same files: the second is sent away. */
START_TEST(one_at_a_time)
{
	struct err e;
	int other;

	serve(good);
	ck_assert_int_eq(mkdir(state, 0700), 0);
	ck_assert_int_eq(dir_lock(state, "this test", &other, &e), 0);
	ck_assert_int_eq(enroll(false, &e), -EBUSY);
	ck_assert_int_eq(e.code, ERR_RUNNING);
	ck_assert_int_eq(access(in_state("management.key"), F_OK), -1);
	close(other);
	ck_assert_int_eq(enroll(false, &e), 0);
}
END_TEST

static const struct { kit_fn fn; enum err_code code; } bad[] = {
	{ refuses, ERR_TOKEN }, { fails, ERR_HTTP }, { other_ca, ERR_TLS },
	{ future, ERR_TLS }, { not_pkcs7, ERR_TLS }, { not_base64, ERR_TLS },
};

/* A failure leaves what was there, or nothing. */
START_TEST(bad_server)
{
	struct identity id;
	struct err e;
	char *before, *after;

	serve(bad[_i].fn);
	ck_assert_int_lt(enroll(false, &e), 0);
	ck_assert_msg(e.code == bad[_i].code, "%s: %s", err_code_text(e.code),
				  e.text);
	ck_assert_ptr_null(strstr(e.text, TOKEN));
	ck_assert_int_eq(identity_load(state, &id, &e), -ENOENT);
	serve(good);
	ck_assert_int_eq(enroll(false, &e), 0);
	before = slurp(in_state("management.key"));
	serve(bad[_i].fn);
	ck_assert_int_lt(enroll(true, &e), 0);
	after = slurp(in_state("management.key"));
	ck_assert_str_eq(before, after);
	ck_assert_int_eq(identity_load(state, &id, &e), 0);
	identity_done(&id);
	free(before);
	free(after);
}
END_TEST

/* Takes the request, and is not heard. */
static bool hangs_up(struct kit_connection *c, const char *head,
					 const char *body, void *user)
{
	FILE *f = fopen(in_state("../asked"), "w");

	fputs(body, f);
	fclose(f);
	return false;
}

static char *key_of(const char *file)
{
	char *command = xasprintf("%s -pubkey -noout 2>/dev/null", file);
	char *key = xcalloc(1, 4096);
	FILE *f = popen(command, "r");

	key[fread(key, 1, 4095, f)] = '\0';
	pclose(f);
	free(command);
	return key;
}

/* The server may have the key: it is the one that is asked with again. */
START_TEST(lost_answer)
{
	struct stat st;
	struct err e;
	char *asked, *used, *command;

	serve(hangs_up);
	ck_assert_int_lt(enroll(false, &e), 0);
	ck_assert_int_eq(e.code, ERR_UNREACHABLE);
	ck_assert_int_eq(stat(in_state("enroll.key"), &st), 0);
	ck_assert_int_eq(st.st_mode & 0777, 0600);
	command = xasprintf("openssl base64 -d -A -in %s/asked | openssl req "
						"-inform DER", dir);
	asked = key_of(command);
	free(command);
	ck_assert_uint_gt(strlen(asked), 100);
	serve(good);
	ck_assert_int_eq(enroll(false, &e), 0);
	command = xasprintf("openssl x509 -in %s", in_state("management.crt"));
	used = key_of(command);
	free(command);
	ck_assert_str_eq(used, asked);
	free(used);
	ck_assert_int_eq(access(in_state("enroll.key"), F_OK), -1);
	/* one that it says no to is not tried again, nor what is no key */
	serve(refuses);
	ck_assert_int_lt(enroll(true, &e), 0);
	ck_assert_int_eq(access(in_state("enroll.key"), F_OK), -1);
	serve(good);
	put(in_state("enroll.key"), "-----BEGIN NOTHING-----\n");
	ck_assert_int_eq(enroll(true, &e), 0);
	command = xasprintf("openssl x509 -in %s", in_state("management.crt"));
	used = key_of(command);
	free(command);
	ck_assert_str_ne(used, asked);
	free(used);
	free(asked);
}
END_TEST

static unsigned approvals;

static bool approves_later(struct kit_connection *c, const char *head,
						   const char *body, void *user)
{
	if (kit_connections(c) > 2)
	{
		return good(c, head, body, user);
	}
	kit_sendf(c, "HTTP/1.1 202 Wait\r\nRetry-After: 1\r\n"
			  "Content-Length: 0\r\n\r\n");
	return false;
}

/* The key that is said is the one that is asked with until somebody approves. */
START_TEST(waits_for_approval)
{
	char *said = NULL, *command;
	struct err e;
	int status;

	serve(approves_later);
	for (approvals = 0; enroll(false, &e) == -EINPROGRESS; approvals++)
	{
		ck_assert_int_eq(e.code, ERR_APPROVAL);
		ck_assert(!said || strcmp(said, e.text) == 0);
		free(said);
		said = xstrdup(e.text);
		ck_assert_int_eq(access(in_state("provider"), F_OK), -1);
	}
	ck_assert_msg(e.code == ERR_NONE || approvals == 2, "%s", e.text);
	ck_assert_uint_eq(approvals, 2);
	put(in_state("../said"), said);
	command = xasprintf("grep -q $(openssl pkey -in %s -pubout -outform DER | "
						"openssl dgst -sha256 -r | cut -c1-64) %s/said",
						in_state("management.key"), dir);
	status = system(command);
	ck_assert_msg(status == 0, "%s", said);
	free(command);
	free(said);
	ck_assert_int_eq(access(in_state("enroll.key"), F_OK), -1);
}
END_TEST

/* By whoever pastes it. */
START_TEST(pasted)
{
	struct identity id;
	struct err e;
	char *bundle, *big = xcalloc(1, 70000), path[256];
	int rc;

	serve(good);
	bundle = write_bundle("ca", "");
	ck_assert_ptr_nonnull(freopen("/dev/null", "r", stdin));
	ck_assert_int_lt(identity_enroll(state, "-", true, false, &e), 0);
	memset(big, ' ', 69999);
	snprintf(path, sizeof(path), "%s/big", dir);
	put(path, big);
	free(big);
	ck_assert_ptr_nonnull(freopen(path, "r", stdin));
	ck_assert_int_eq(identity_enroll(state, "-", true, false, &e), -EFBIG);
	ck_assert_ptr_nonnull(freopen(bundle, "r", stdin));
	rc = identity_enroll(state, "-", false, false, &e);
	ck_assert_msg(rc == 0, "%s: %s", e.where, e.text);
	ck_assert_int_eq(identity_load(state, &id, &e), 0);
	ck_assert_str_eq(id.ce, "acme/paris");
	identity_done(&id);
	/* asked again, it is the same, and nothing is read */
	rc = identity_enroll(state, "-", true, false, &e);
	ck_assert_msg(rc == 0, "%s: %s", e.where, e.text);
	free(bundle);
}
END_TEST

START_TEST(certificate_of_another_key)
{
	struct err e;

	serve(other_key);
	ck_assert_int_eq(enroll(false, &e), 0);
	ck_assert_int_lt(enroll(true, &e), 0);
	ck_assert_int_eq(e.code, ERR_TLS);
	ck_assert_ptr_nonnull(strstr(e.text, "our key"));
}
END_TEST

START_TEST(server_of_another_ca)
{
	struct err e;
	char *bundle;

	serve(good);
	bundle = write_bundle("other", "");
	ck_assert_int_lt(identity_enroll(state, bundle, false, false, &e), 0);
	ck_assert_int_eq(e.code, ERR_TLS);
	free(bundle);
	/* a certificate that is no CA's */
	bundle = write_bundle("server", "");
	ck_assert_int_lt(identity_enroll(state, bundle, false, false, &e), 0);
	ck_assert_int_eq(e.code, ERR_TLS);
	free(bundle);
}
END_TEST

START_TEST(bad_bundle)
{
	static const char *const texts[] = {
		"", "{}", "[]", "{\"schema\":\"ppvpn-bundle/2\"}", "\\n\\n", "nonsense",
		"{\"schema\":\"ppvpn-bundle/1\",\"ce\":\"acme/paris\","
		"\"ce-address\":\"192.0.2.5\",\"servers\":[\"https://vpn1\"],"
		"\"enroll\":\"https://127.0.0.1:1\",\"token\":\"" TOKEN "\","
		"\"ca-data\":\"-----BEGIN CERTIFICATE-----\\nAAAAAAAAAAAAAAAAAAAAAAAA"
		"AAAAAAAAAAAAAAAA\\n-----END CERTIFICATE-----\\n\"}",
	};
	struct err e;
	char *path = xasprintf("%s/bundle", dir), *bundle;

	for (size_t i = 0; i < COUNT(texts); i++)
	{
		FILE *f = fopen(path, "w");

		fputs(texts[i], f);
		fclose(f);
		ck_assert_int_lt(identity_enroll(state, path, false, false, &e), 0);
		ck_assert_int_ne(e.code, ERR_NONE);
	}
	ck_assert_int_lt(identity_enroll(state, "/nonexistent", false, false, &e), 0);
	free(path);
	serve(good);
	bundle = write_bundle("ca", "\"more\":1,");
	ck_assert_int_lt(identity_enroll(state, bundle, false, false, &e), 0);
	ck_assert_int_eq(e.code, ERR_JSON_MEMBER);
	free(bundle);
}
END_TEST

/* Key and certificate belong together. */
static void check_pair(int at)
{
	char *command = xasprintf("openssl x509 -in %s/management.crt -noout "
		"-pubkey >%s/a && openssl pkey -in %s/management.key -pubout >%s/b && "
		"cmp %s/a %s/b", state, dir, state, dir, dir, dir);

	ck_assert_msg(system(command) == 0, "after a crash at %d", at);
	free(command);
}

static bool enroll_and_crash(int at)
{
	struct err e;
	int status;
	pid_t pid = fork();

	if (pid == 0)
	{
		calls = 0;
		crash_at = at;
		_exit(enroll(true, &e) == 0 ? 0 : 1);
	}
	waitpid(pid, &status, 0);
	ck_assert(WIFSIGNALED(status) || WEXITSTATUS(status) == 0);
	return WIFSIGNALED(status);
}

/* ---- renewal --------------------------------------------------------------- */

static char *in_next(const char *name)
{
	static char path[256];

	snprintf(path, sizeof(path), "%s/%s.next", state, name);
	return path;
}

/* A new pair as the server would have it. */
static void new_pair(char **key, char **cert)
{
	char *csr, *answer, *ca_path = xasprintf("%s/ca.crt", dir);
	char *ca = slurp(ca_path);
	struct err e;

	ck_assert_int_eq(certificate_key_new(key, &e), 0);
	ck_assert_int_eq(certificate_request(*key, "acme/paris", &csr, &e), 0);
	answer = kit_sign(dir, "ca", csr, 0);
	ck_assert_int_eq(certificate_renewed(answer, *key, ca, time(NULL), cert,
										 &e), 0);
	free(answer);
	free(csr);
	free(ca);
	free(ca_path);
}

START_TEST(renewed)
{
	char *key, *cert, *from, *ca, *provider, *text;
	struct stat before, after;
	struct identity id;
	struct err e;
	int lock;

	serve(good);
	ck_assert_int_eq(enroll(false, &e), 0);
	from = slurp(in_state("management.crt"));
	ca = slurp(in_state("ca.crt"));
	provider = slurp(in_state("provider"));
	ck_assert_int_eq(stat(in_state("ca.crt"), &before), 0);
	new_pair(&key, &cert);
	/* somebody enrols just now; or did */
	ck_assert_int_eq(dir_lock(state, "this test", &lock, &e), 0);
	ck_assert_int_eq(identity_renew(state, from, key, cert, &e), -EBUSY);
	close(lock);
	ck_assert_int_eq(identity_renew(state, cert, key, cert, &e), -ESTALE);
	ck_assert_int_eq(e.code, ERR_CONFLICT);
	text = slurp(in_state("management.crt"));
	ck_assert_str_eq(text, from);
	free(text);
	/* what an enrolment left that was never decided does not come along */
	put(in_next("ca.crt"), "another CA\n");
	ck_assert_int_eq(identity_renew(state, from, key, cert, &e), 0);
	text = slurp(in_state("management.key"));
	ck_assert_str_eq(text, key);
	free(text);
	text = slurp(in_state("management.crt"));
	ck_assert_str_eq(text, cert);
	free(text);
	text = slurp(in_state("ca.crt"));
	ck_assert_str_eq(text, ca);
	free(text);
	text = slurp(in_state("provider"));
	ck_assert_str_eq(text, provider);
	free(text);
	ck_assert_int_eq(stat(in_state("management.key"), &after), 0);
	ck_assert_int_eq(after.st_mode & 0777, 0600);
	ck_assert_int_eq(stat(in_state("ca.crt"), &after), 0);
	ck_assert_int_eq(after.st_ino, before.st_ino);
	ck_assert_int_eq(access(in_next("ca.crt"), F_OK), -1);
	ck_assert_int_eq(access(in_next("provider"), F_OK), -1);
	ck_assert_int_eq(identity_load(state, &id, &e), 0);
	identity_done(&id);
	/* who leaves gets no other pair */
	ck_assert_int_eq(identity_leave(state, &e), 0);
	ck_assert_int_lt(identity_renew(state, cert, key, cert, &e), 0);
	ck_assert_int_eq(access(in_state("provider"), F_OK), -1);
	free(from);
	free(ca);
	free(provider);
	free(key);
	free(cert);
}
END_TEST

/* Killed at each change of a name: the old pair or the new one, and it fits. */
START_TEST(renewal_crashes)
{
	char *key, *cert, *from, *now;
	struct identity id;
	unsigned old = 0;
	bool killed;
	struct err e;
	int at = 0;

	serve(good);
	ck_assert_int_eq(enroll(false, &e), 0);
	do
	{
		int status;
		pid_t pid;

		from = slurp(in_state("management.crt"));
		new_pair(&key, &cert);
		pid = fork();
		if (pid == 0)
		{
			calls = 0;
			crash_at = at;
			_exit(identity_renew(state, from, key, cert, &e) == 0 ? 0 : 1);
		}
		waitpid(pid, &status, 0);
		killed = WIFSIGNALED(status);
		ck_assert(killed || WEXITSTATUS(status) == 0);
		ck_assert_int_eq(identity_load(state, &id, &e), 0);
		identity_done(&id);
		check_pair(at++);
		now = slurp(in_state("management.crt"));
		ck_assert(strcmp(now, from) == 0 || strcmp(now, cert) == 0);
		old += strcmp(now, from) == 0;
		free(now);
		free(from);
		free(key);
		free(cert);
	} while (killed);
	/* three are written; then five are moved, two of which are not there */
	ck_assert_int_eq(at, 9);
	ck_assert_uint_eq(old, 3);
}
END_TEST

static bool is_there(const char *name, const char *text)
{
	char *now = slurp(in_state(name));
	bool same = now && strcmp(now, text) == 0;

	free(now);
	return same;
}

START_TEST(crashes)
{
	struct identity id;
	struct err e;
	int at = 0;

	serve(good);
	ck_assert_int_eq(enroll(false, &e), 0);
	for (bool killed = true; killed; )
	{
		char *cert = slurp(in_state("management.crt"));
		char *ike = slurp(in_state("ike.key"));

		killed = enroll_and_crash(at);
		ck_assert_int_eq(identity_load(state, &id, &e), 0);
		identity_done(&id);
		check_pair(at++);
		/* the key for IKE is of the same enrolment */
		ck_assert_int_eq(is_there("management.crt", cert),
						 is_there("ike.key", ike));
		free(cert);
		free(ike);
	}
	ck_assert_int_ge(at, 11);
}
END_TEST

/* ---- the key for IKE --------------------------------------------------------- */

static char *ike_key(void)
{
	struct err e;
	char *pem;
	int rc = ike_key_load(state, &pem, &e);

	ck_assert_msg(rc == 0, "%s: %s", e.where, e.text);
	return pem;
}

/* Of the enrolment: a new one with each, the same after a renewal. */
START_TEST(ike_keys_are_the_enrolments)
{
	char *first, *second, *key, *cert, *from, *management;
	struct stat st;
	struct err e;

	serve(good);
	ck_assert_int_eq(ike_key_load(state, &first, &e), -ENOENT);
	ck_assert_int_eq(enroll(false, &e), 0);
	first = ike_key();
	management = slurp(in_state("management.key"));
	ck_assert_str_ne(first, management);
	free(management);
	ck_assert_int_eq(stat(in_state("ike.key"), &st), 0);
	ck_assert_int_eq(st.st_mode & 0777, 0600);
	from = slurp(in_state("management.crt"));
	new_pair(&key, &cert);
	/* one of an enrolment that was never decided does not come along */
	put(in_next("ike.key"), "of another enrolment\n");
	ck_assert_int_eq(identity_renew(state, from, key, cert, &e), 0);
	second = ike_key();
	ck_assert_str_eq(first, second);
	free(second);
	serve(refuses);
	ck_assert_int_lt(enroll(true, &e), 0);
	second = ike_key();
	ck_assert_str_eq(first, second);
	free(second);
	serve(good);
	ck_assert_int_eq(enroll(true, &e), 0);
	second = ike_key();
	ck_assert_str_ne(first, second);
	free(second);
	free(first);
	free(from);
	free(key);
	free(cert);
}
END_TEST

START_TEST(ike_key_made_when_there_is_none)
{
	static const char *const none[] = { NULL, "", "no key\n" };
	char *made, *again, id[CERTIFICATE_KEY_ID_SIZE];
	struct err e;
	int lock;

	ck_assert_int_eq(mkdir(state, 0700), 0);
	if (none[_i])
	{
		put(in_state("ike.key"), none[_i]);
		ck_assert_int_eq(ike_key_load(state, &made, &e), -EINVAL);
		ck_assert_ptr_null(made);
	}
	ck_assert_int_eq(dir_lock(state, "this test", &lock, &e), 0);
	ck_assert_int_eq(ike_key_make(state, &made, &e), -EBUSY);
	ck_assert_ptr_null(made);
	close(lock);
	ck_assert_int_eq(ike_key_make(state, &made, &e), 0);
	ck_assert_int_eq(certificate_key_id(made, id, &e), 0);
	again = ike_key();
	ck_assert_str_eq(made, again);
	free(again);
	ck_assert_int_eq(ike_key_make(state, &again, &e), 0);
	ck_assert_str_eq(made, again);
	free(again);
	free(made);
}
END_TEST

START_TEST(ike_key_cannot_be_written)
{
	struct err e;
	char *made;

	/* even root cannot make a file of a directory */
	ck_assert_int_eq(mkdir(state, 0700), 0);
	ck_assert_int_eq(mkdir(in_state("ike.key"), 0700), 0);
	ck_assert_int_lt(ike_key_make(state, &made, &e), 0);
	ck_assert_ptr_null(made);
	ck_assert_int_ne(e.code, ERR_NONE);
}
END_TEST

/* The one that is known, and not the one that an enrolment put there since. */
START_TEST(ike_key_removed)
{
	char *made, *other;
	struct err e;
	int lock;

	ck_assert_int_eq(mkdir(state, 0700), 0);
	ck_assert_int_eq(ike_key_make(state, &made, &e), 0);
	put(in_state("ike.key.new"), made);
	ck_assert_int_eq(certificate_key_new(&other, &e), 0);
	ck_assert_int_eq(ike_key_remove(state, other, &e), 0);
	ck_assert_int_eq(access(in_state("ike.key"), F_OK), 0);
	ck_assert_int_eq(dir_lock(state, "this test", &lock, &e), 0);
	ck_assert_int_eq(ike_key_remove(state, made, &e), -EBUSY);
	ck_assert_int_eq(access(in_state("ike.key"), F_OK), 0);
	close(lock);
	for (int i = 0; i < 2; i++)
	{
		ck_assert_int_eq(ike_key_remove(state, made, &e), 0);
		ck_assert_int_eq(access(in_state("ike.key"), F_OK), -1);
		ck_assert_int_eq(access(in_state("ike.key.new"), F_OK), -1);
	}
	free(made);
	free(other);
}
END_TEST

/* Whose a certificate is: by its key, whatever its name. */
START_TEST(whose_certificate)
{
	char id[CERTIFICATE_KEY_ID_SIZE], own[CERTIFICATE_KEY_ID_SIZE];
	char *key, *cert, *from, *body, *to, *path;
	int64_t begins, ends;
	struct err e;

	kit_certificate(dir, "leaf", "ca");
	path = xasprintf("%s/leaf.key", dir);
	key = slurp(path);
	ck_assert_int_eq(certificate_key_id(key, own, &e), 0);
	free(path);
	path = xasprintf("%s/leaf.crt", dir);
	cert = slurp(path);
	ck_assert_int_eq(certificate_times(cert, &begins, &ends, &e), 0);
	body = xcalloc(1, strlen(cert) + 1);
	from = strchr(cert, '\n') + 1;
	*strstr(from, "-----END") = '\0';
	to = body;
	for (; *from; from++)
	{
		*to = *from;
		to += *from != '\n';
	}
	*to = '\0';
	ck_assert_int_eq(certificate_read(body, id, &begins, &ends, &e), 0);
	ck_assert_str_eq(id, own);
	ck_assert_int_le(begins, time(NULL));
	ck_assert_int_gt(ends, time(NULL));
	for (size_t cut = 0; cut < 40; cut++)
	{
		body[strlen(body) * 9 / 10] = '\0';
		ck_assert_int_lt(certificate_read(body, id, &begins, &ends, &e), 0);
		ck_assert_int_eq(e.code, ERR_TLS);
	}
	ck_assert_int_lt(certificate_read("####", id, &begins, &ends, &e), 0);
	free(path);
	free(body);
	free(cert);
	free(key);
}
END_TEST

int main(void)
{
	TCase *tc = tcase_create("identity");

	signal(SIGPIPE, SIG_IGN);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, enrolled);
	tcase_add_test(tc, left);
	tcase_add_test(tc, twice);
	tcase_add_test(tc, one_at_a_time);
	tcase_add_loop_test(tc, bad_server, 0, COUNT(bad));
	tcase_add_test(tc, lost_answer);
	tcase_add_test(tc, waits_for_approval);
	tcase_add_test(tc, pasted);
	tcase_add_test(tc, certificate_of_another_key);
	tcase_add_test(tc, server_of_another_ca);
	tcase_add_test(tc, bad_bundle);
	tcase_add_test(tc, crashes);
	tcase_add_test(tc, renewed);
	tcase_add_test(tc, renewal_crashes);
	tcase_add_test(tc, ike_keys_are_the_enrolments);
	tcase_add_loop_test(tc, ike_key_made_when_there_is_none, 0, 3);
	tcase_add_test(tc, ike_key_cannot_be_written);
	tcase_add_test(tc, ike_key_removed);
	tcase_add_test(tc, whose_certificate);
	return run_case(tc, "identity");
}
