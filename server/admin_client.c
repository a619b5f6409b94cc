/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * admin_client.c - one HTTP request to the server: over its Unix socket, or over
 * mutual TLS
 *
 * Where the server is, and the files that go with it, say options, else
 * environment variables. No secret is ever on the command line: the key is a
 * file's name.
 */
#include "config.h"

#include <curl/curl.h>
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "alloc.h"
#include "json_in.h"
#include "server/admin.h"

#define ANSWER_MAX (256u * 1024 * 1024)
#define TIMEOUT_S 60L

/* An answer about 10,000 routers and their tunnels is large. */
static const struct json_limits answer_limits = {
	.bytes = ANSWER_MAX, .depth = 16, .values = 50 * 1000 * 1000,
	.containers = 5 * 1000 * 1000, .members = 64, .string = 64 * 1024
};

/* ---- where the server is --------------------------------------------------------- */

struct server
{
	const char *name;					/* for errors */
	const char *socket;					/* else: */
	const char *url, *cert, *key, *ca;
};

/* An option, else its environment variable; "" is as if it were not there. */
static const char *setting(const struct cli_args *args, const char *option,
						   const char *variable)
{
	const char *value = cli_opt(args, option);

	value = value ? value : getenv(variable);
	return value && *value ? value : NULL;
}

static int check_tls(const struct server *s, struct err *e)
{
	const struct { const char *option, *value; } needed[] = {
		{ "--cert", s->cert }, { "--key", s->key }, { "--ca", s->ca }
	};
	size_t i;

	if (strncmp(s->url, "https://", 8) != 0 || !s->url[8] ||
		strpbrk(s->url + 8, "/?#@ "))
	{
		return err_set(e, -EINVAL, ERR_USAGE, "--server",
					   "https://HOST or https://HOST:PORT is needed");
	}
	for (i = 0; i < sizeof(needed) / sizeof(needed[0]); i++)
	{
		if (!needed[i].value)
		{
			return err_set(e, -EINVAL, ERR_USAGE, needed[i].option,
						   "this file is needed with --server (or its "
						   "environment variable: see the manual)");
		}
		if (access(needed[i].value, R_OK))
		{
			return err_set(e, -errno, ERR_IO, needed[i].value, "%s",
						   strerror(errno));
		}
	}
	return 0;
}

static int find_server(const struct cli_args *args, struct server *s,
					   struct err *e)
{
	memset(s, 0, sizeof(*s));
	if (cli_opt(args, "--socket") && cli_opt(args, "--server"))
	{
		return err_set(e, -EINVAL, ERR_USAGE, "--server",
					   "either --socket or --server");
	}
	s->url = cli_opt(args, "--socket")
		? NULL : setting(args, "--server", ADMIN_ENV_SERVER);
	if (!s->url)
	{
		s->socket = cli_opt(args, "--socket");
		s->name = s->socket = s->socket ? s->socket : ADMIN_SOCKET;
		return 0;
	}
	s->name = s->url;
	s->cert = setting(args, "--cert", ADMIN_ENV_CERT);
	s->key = setting(args, "--key", ADMIN_ENV_KEY);
	s->ca = setting(args, "--ca", ADMIN_ENV_CA);
	return check_tls(s, e);
}

bool admin_json(const struct cli_args *args)
{
	return cli_opt(args, "--json") != NULL;
}

static size_t on_data(char *data, size_t size, size_t count, void *user)
{
	struct text *answer = user;

	if (answer->len + size * count > ANSWER_MAX)
	{
		return 0;
	}
	text_addn(answer, data, size * count);
	return size * count;
}

/* ---- errors ------------------------------------------------------------------ */

struct server_error
{
	char *code, *where, *text;
};

static int read_error(struct json_in *in, struct json_object *value,
					  const struct json_path *path, void *out)
{
	static const struct json_row rows[] = {
		{ .name = "code", .kind = JSON_TOKEN, .required = true, .min = 1,
		  .max = 63, .offset = offsetof(struct server_error, code) },
		{ .name = "where", .kind = JSON_TEXT, .required = true, .max = 255,
		  .offset = offsetof(struct server_error, where) },
		{ .name = "text", .kind = JSON_TEXT, .required = true, .max = 1023,
		  .offset = offsetof(struct server_error, text) },
		{ .name = NULL }
	};

	return json_read_object(in, value, path, rows, out);
}

static int read_answer(struct json_in *in, struct json_object *value,
					   const struct json_path *path, void *out)
{
	static const struct json_row rows[] = {
		{ .name = "error", .kind = JSON_OBJECT, .required = true,
		  .fn = read_error },
		{ .name = NULL }
	};

	return json_read_object(in, value, path, rows, out);
}

/* The server's error becomes ours. */
static int server_error(long status, const struct text *answer, struct err *e)
{
	struct arena *a = arena_new();
	struct server_error error = { 0 };
	enum err_code code;
	struct err ignored;

	if (json_read_text(a, text_str(answer), answer->len,
					   &json_limits_document, read_answer, &error, NULL,
					   &ignored) < 0)
	{
		err_set(e, -EPROTO, ERR_HTTP, "ppvpn-server",
				"it answered with status %ld and no reason", status);
	}
	else
	{
		if (err_code_parse(error.code, &code) < 0)
		{
			code = ERR_HTTP;
		}
		err_set(e, -EPROTO, code, error.where, "%s", error.text);
	}
	arena_free(a);
	return -EPROTO;
}

static bool is_tls_error(CURLcode result)
{
	switch (result)
	{
		case CURLE_SSL_CONNECT_ERROR:
		case CURLE_PEER_FAILED_VERIFICATION:
		case CURLE_SSL_CERTPROBLEM:
		case CURLE_SSL_CIPHER:
		case CURLE_SSL_CACERT_BADFILE:
		case CURLE_SSL_ISSUER_ERROR:
			return true;
		default:
			return false;
	}
}

/* What kept us from asking by TLS. */
static int tls_error(const struct server *s, CURLcode result,
					 const char *detail, struct err *e)
{
	const char *text = detail && *detail ? detail
										 : curl_easy_strerror(result);

	if (is_tls_error(result))
	{
		return err_set(e, -EPROTO, ERR_TLS, s->name, "%s", text);
	}
	/* with TLS 1.3 a server that refuses our certificate just closes */
	if (result == CURLE_RECV_ERROR || result == CURLE_SEND_ERROR)
	{
		return err_set(e, -EPROTO, ERR_TLS, s->name, "%s (is %s still a "
					   "certificate of its CA?)", text, s->cert);
	}
	return err_set(e, -ECONNREFUSED, ERR_UNREACHABLE, s->name, "%s", text);
}

static int transport_error(CURL *curl, CURLcode result, const char *socket,
						   struct err *e)
{
	long os_errno = 0;

	(void)curl_easy_getinfo(curl, CURLINFO_OS_ERRNO, &os_errno);
	if (result == CURLE_OPERATION_TIMEDOUT)
	{
		return err_set(e, -ETIMEDOUT, ERR_TIMEOUT, socket,
					   "ppvpn-server did not answer within %ld s", TIMEOUT_S);
	}
	if (result == CURLE_COULDNT_CONNECT && os_errno == EACCES)
	{
		return err_set(e, -EACCES, ERR_DENIED, socket,
					   "you may not talk to ppvpn-server");
	}
	if (result == CURLE_COULDNT_CONNECT)
	{
		return err_set(e, -ECONNREFUSED, ERR_UNREACHABLE, socket,
					   "no ppvpn-server listens there (%s); another place is "
					   "named by --socket", strerror((int)os_errno));
	}
	return err_set(e, -EIO, ERR_HTTP, socket, "%s",
				   curl_easy_strerror(result));
}

/* ---- the request --------------------------------------------------------------- */

#define SET(option, value) \
	rc = rc == CURLE_OK ? curl_easy_setopt(curl, option, value) : rc

/* The server is who our CA says, and hears who we are, or nobody hears anything. */
static CURLcode set_place(CURL *curl, const struct server *s)
{
	CURLcode rc = CURLE_OK;

	if (s->socket)
	{
		SET(CURLOPT_UNIX_SOCKET_PATH, s->socket);
		SET(CURLOPT_PROTOCOLS_STR, "http");
		return rc;
	}
	SET(CURLOPT_PROTOCOLS_STR, "https");
	SET(CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_3);
	SET(CURLOPT_CAINFO, s->ca);
	SET(CURLOPT_CAPATH, NULL);
	SET(CURLOPT_SSL_VERIFYPEER, 1L);
	SET(CURLOPT_SSL_VERIFYHOST, 2L);
	SET(CURLOPT_SSLCERT, s->cert);
	SET(CURLOPT_SSLKEY, s->key);
	SET(CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
	return rc;
}

static CURLcode set_method(CURL *curl, const char *method, const char *body)
{
	CURLcode rc = CURLE_OK;

	if (strcmp(method, "POST") == 0)
	{
		SET(CURLOPT_POST, 1L);
		SET(CURLOPT_POSTFIELDSIZE, (long)(body ? strlen(body) : 0));
		SET(CURLOPT_POSTFIELDS, body ? body : "");
	}
	else if (strcmp(method, "GET") != 0)
	{
		if (body)
		{
			SET(CURLOPT_POSTFIELDSIZE, (long)strlen(body));
			SET(CURLOPT_POSTFIELDS, body);
		}
		SET(CURLOPT_CUSTOMREQUEST, method);
	}
	return rc;
}

static int set_options(CURL *curl, const struct server *s, const char *method,
					   const char *url, const char *body, char *detail,
					   struct curl_slist *headers, struct text *answer)
{
	CURLcode rc = set_place(curl, s);

	SET(CURLOPT_URL, url);
	SET(CURLOPT_PROXY, "");
	SET(CURLOPT_NOSIGNAL, 1L);
	SET(CURLOPT_TIMEOUT, TIMEOUT_S);
	SET(CURLOPT_ERRORBUFFER, detail);
	SET(CURLOPT_HTTPHEADER, headers);
	SET(CURLOPT_WRITEFUNCTION, on_data);
	SET(CURLOPT_WRITEDATA, answer);
	return rc == CURLE_OK && set_method(curl, method, body) == CURLE_OK
		? 0 : -EIO;
}
#undef SET

static int request(const struct server *s, const char *method,
				   const char *path, const char *body, struct text *answer,
				   struct err *e)
{
	char detail[CURL_ERROR_SIZE] = "";
	struct curl_slist *headers;
	CURL *curl = curl_easy_init();
	CURLcode result;
	long status = 0;
	char *url;
	int rc;

	/* "Expect: 100-continue" would only cost a round trip */
	headers = curl_slist_append(NULL, "Expect:");
	headers = curl_slist_append(headers, "Content-Type: application/json");
	url = xasprintf("%s%s", s->url ? s->url : "http://localhost", path);
	if (!curl || !headers || set_options(curl, s, method, url, body, detail,
										 headers, answer) < 0)
	{
		rc = err_set(e, -EIO, ERR_INTERNAL, s->name, "libcurl failed");
	}
	else if ((result = curl_easy_perform(curl)) != CURLE_OK)
	{
		rc = s->url && result != CURLE_OPERATION_TIMEDOUT
			? tls_error(s, result, detail, e)
			: transport_error(curl, result, s->name, e);
	}
	else
	{
		(void)curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
		rc = status == 200 ? 0 : server_error(status, answer, e);
	}
	free(url);
	curl_slist_free_all(headers);
	curl_easy_cleanup(curl);
	return rc;
}

int admin_request(const struct cli_args *args, const char *method,
				  const char *path, const char *body, struct text *answer,
				  struct err *e)
{
	struct server server;
	int rc = find_server(args, &server, e);

	return rc < 0 ? rc : request(&server, method, path, body, answer, e);
}

static int read_rows(struct json_in *in, struct json_object *value,
					 const struct json_path *path, void *out)
{
	return json_read_object(in, value, path, in->user, out);
}

int admin_read_answer(struct arena *a, const struct text *answer,
					  const struct json_row *rows, void *out, struct err *e)
{
	int rc = json_read_text(a, text_str(answer), answer->len, &answer_limits,
							read_rows, out, (void *)rows, e);

	if (rc < 0)
	{
		err_prefix(e, "the server's answer is not understood (are both of "
				   "one version?)");
	}
	return rc;
}

int admin_get(const struct cli_args *args, struct arena *a, const char *path,
			  const struct json_row *rows, void *out, bool *done,
			  struct err *e)
{
	struct text answer = { 0 };
	int rc = admin_request(args, "GET", path, NULL, &answer, e);

	*done = false;
	if (rc == 0 && admin_json(args))
	{
		fputs(text_str(&answer), stdout);
		*done = true;
	}
	else if (rc == 0)
	{
		rc = admin_read_answer(a, &answer, rows, out, e);
	}
	text_done(&answer);
	return rc;
}

struct change_answer
{
	uint64_t revision, told, added, removed, changed_tunnels, rekeyed,
			 rotating;
	bool dry_run, changed;
};

#define COUNT(member, field) \
	{ .name = (member), .kind = JSON_U64, \
	  .max = UINT64_C(9007199254740991), \
	  .offset = offsetof(struct change_answer, field) }

int admin_change(const struct cli_args *args, const char *method,
				 const char *path, const char *body, const char *what,
				 struct err *e)
{
	static const struct json_row rows[] = {
		{ .name = "revision", .kind = JSON_U64, .required = true,
		  .max = UINT64_C(9007199254740991),
		  .offset = offsetof(struct change_answer, revision) },
		{ .name = "dry-run", .kind = JSON_BOOL,
		  .offset = offsetof(struct change_answer, dry_run) },
		{ .name = "changed", .kind = JSON_BOOL,
		  .offset = offsetof(struct change_answer, changed) },
		COUNT("ces-told", told),
		COUNT("tunnels-added", added),
		COUNT("tunnels-removed", removed),
		COUNT("tunnels-changed", changed_tunnels),
		COUNT("tunnels-rekeyed", rekeyed),
		COUNT("tunnels-rotating", rotating),
		{ .name = NULL }
	};
	struct change_answer change = { 0 };
	struct arena *a = arena_new();
	struct text answer = { 0 };
	int rc;

	rc = admin_request(args, method, path, body, &answer, e);
	if (rc == 0 && admin_json(args))
	{
		fputs(text_str(&answer), stdout);
	}
	else if (rc == 0 &&
			 (rc = json_read_text(a, text_str(&answer), answer.len,
								  &json_limits_document, read_rows, &change,
								  (void *)rows, e)) == 0)
	{
		printf("%s (revision %llu%s)\n", what,
			   (unsigned long long)change.revision,
			   change.changed ? "" : ", as it was");
	}
	text_done(&answer);
	arena_free(a);
	return rc;
}
