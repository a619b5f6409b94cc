/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * api_enroll.c - cacerts and simpleenroll
 *
 * Tokens are never logged and wiped after use. All that can be wrong with a
 * name or token gives one answer.
 */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "alloc.h"
#include "log.h"
#include "name.h"
#include "secret.h"
#include "seal.h"
#include "server/api_enroll.h"
#include "server/base64.h"
#include "server/ca.h"
#include "server/counters.h"
#include "server/limiter.h"
#include "server/store.h"

#define BODY_MAX (16 * 1024)
#define CREDENTIALS_MAX 512		/* base64 of "CUSTOMER/CE:TOKEN" */

struct enroll
{
	struct http_request *req;
	struct http_response *resp;
	const struct api_enroll *api;
	char place[2][NAME_SIZE];
	uint8_t token_hash[32];
	struct ca_csr *csr;
};

static int64_t wall_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static uint64_t clock_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

/* A certificate as EST wants it. */
static void send_pkcs7(struct http_response *resp, const char *pem,
					   const char *type)
{
	struct err e = { 0 };

	if (ca_pkcs7(pem, &resp->body, &e))
	{
		log_err(LOG_LEVEL_ERROR, "enroll", "answer", &e);
		http_response_error(resp, 500, &e);
		return;
	}
	resp->status = 200;
	resp->content_type = type;
	resp->body_len = strlen(resp->body);
	http_response_header(resp, "Content-Transfer-Encoding", "base64");
}

static enum http_verdict get_cacerts(struct http_request *req,
									 struct http_response *resp,
									 struct store *store, void *user)
{
	const struct api_enroll *api = user;

	(void)req;
	(void)store;
	send_pkcs7(resp, ca_pem(api->ca), "application/pkcs7-mime");
	return HTTP_DONE;
}

/* ---- who asks ------------------------------------------------------------------ */

static void unauthorized(struct enroll *en)
{
	struct err e;

	err_set(&e, -EACCES, ERR_TOKEN, "", "wrong, used or expired");
	http_response_error(en->resp, 401, &e);
	http_response_header(en->resp, "WWW-Authenticate",
						 "Basic realm=\"ppvpn\"");
}

/* "CUSTOMER/CE:TOKEN", modified */
static bool parse_credentials(struct enroll *en, char *text)
{
	char *token = strchr(text, ':');
	struct err e;

	if (!token)
	{
		return false;
	}
	*token++ = '\0';
	seal_sha256(token, strlen(token), en->token_hash);
	return place_parse(text, 2, en->place, "CUSTOMER/CE", &e) == 0;
}

static bool read_credentials(struct enroll *en, const char *header)
{
	char text[CREDENTIALS_MAX];
	size_t len = strlen(header);
	bool ok;

	if (len < 6 || len >= sizeof(text) || strncasecmp(header, "Basic ", 6) != 0)
	{
		return false;
	}
	ok = base64_decode(header + 6, len - 6, (uint8_t *)text, &len) == 0 &&
		 !memchr(text, '\0', len);
	if (ok)
	{
		text[len] = '\0';
		ok = parse_credentials(en, text);
	}
	wipe(text, sizeof(text));
	return ok;
}

/* ---- the certificate -------------------------------------------------------------- */

static bool read_csr(struct enroll *en)
{
	const char *type = http_request_header(en->req, "Content-Type");
	struct err e = { 0 };
	uint8_t *der;
	const char *body;
	size_t len;
	int rc;

	body = http_request_body(en->req, &len);
	if (!type || strncasecmp(type, "application/pkcs10", 18) != 0)
	{
		rc = err_set(&e, -EINVAL, ERR_HTTP, "",
					 "Content-Type must be application/pkcs10");
	}
	else
	{
		der = xcalloc(len + 1, 1);
		rc = base64_decode(body, len, der, &len);
		rc = rc ? err_set(&e, rc, ERR_HTTP, "", "the body is not base64")
				: ca_csr_read(der, len, &en->csr, &e);
		free(der);
	}
	if (rc)
	{
		http_response_error(en->resp, 400, &e);
	}
	return rc == 0;
}

/* Inside the transaction that takes the token. */
static int issue(void *user, const struct store_ce *ce, uint64_t serial,
				 struct arena *a, char **cert_pem, struct err *e)
{
	struct enroll *en = user;
	char name[PLACE_SIZE];
	char *pem;
	int rc;

	snprintf(name, sizeof(name), "%s/%s", ce->customer, ce->ce);
	rc = ca_issue_ce(en->api->ca, en->csr, name, serial, &pem, e);
	if (!rc)
	{
		*cert_pem = arena_strdup(a, pem);
		free(pem);
	}
	return rc;
}

static void refuse(struct enroll *en, int rc, const struct err *e)
{
	const char *peer = http_request_peer(en->req);
	struct err busy;

	switch (rc)
	{
		case -EACCES:
			counter_add(COUNTER_ENROL_REFUSED);
			log_warn("enroll", "%s: token refused for \"%s/%s\"", peer,
					 en->place[0], en->place[1]);
			limiter_failed(en->api->limiter, peer, clock_ms());
			unauthorized(en);
			break;
		case -EEXIST:
		case -EINVAL:
			log_err(LOG_LEVEL_WARN, "enroll", peer, e);
			http_response_error(en->resp, 400, e);
			break;
		default:
			log_err(LOG_LEVEL_ERROR, "enroll", peer, e);
			err_set(&busy, -EIO, ERR_DATABASE, "",
					"the database does not answer");
			http_response_error(en->resp, 503, &busy);
			http_response_header(en->resp, "Retry-After", "5");
			break;
	}
}

static void take_token(struct enroll *en, struct store *store)
{
	struct arena *a = arena_new();
	struct err e = { 0 };
	char *pem = NULL;
	bool again;
	int rc;

	rc = store_enroll(store, a, en->place[0], en->place[1], en->token_hash,
					  ca_csr_spki(en->csr), wall_ms(), issue, en, &pem, &again,
					  &e);
	if (rc)
	{
		refuse(en, rc, &e);
	}
	else
	{
		log_info("enroll", "%s: %s/%s %s", http_request_peer(en->req),
				 en->place[0], en->place[1],
				 again ? "got its certificate again" : "is enrolled");
		counter_add(again ? COUNTER_ENROLLED_AGAIN : COUNTER_ENROLLED);
		send_pkcs7(en->resp, pem,
				   "application/pkcs7-mime; smime-type=certs-only");
	}
	arena_free(a);
}

static enum http_verdict post_simpleenroll(struct http_request *req,
										   struct http_response *resp,
										   struct store *store, void *user)
{
	struct enroll en = { .req = req, .resp = resp, .api = user };
	const char *credentials = http_request_header(req, "Authorization");
	const char *peer = http_request_peer(req);
	struct err e;

	if (!limiter_allows(en.api->limiter, peer, clock_ms()))
	{
		err_set(&e, -EACCES, ERR_LIMIT, "", "too many failures, wait a while");
		http_response_error(resp, 429, &e);
		http_response_header(resp, "Retry-After", "%d",
							 LIMITER_WINDOW_MS / 1000);
		return HTTP_DONE;
	}
	if (!credentials)
	{
		unauthorized(&en);	/* a client that waits to be asked */
		return HTTP_DONE;
	}
	if (!read_credentials(&en, credentials))
	{
		limiter_failed(en.api->limiter, peer, clock_ms());
		unauthorized(&en);
		return HTTP_DONE;
	}
	if (read_csr(&en))
	{
		take_token(&en, store);
	}
	ca_csr_free(en.csr);
	return HTTP_DONE;
}

const struct http_route api_enroll_routes[] = {
	{ "GET", "/.well-known/est/cacerts", get_cacerts, 0, 0 },
	{ "POST", "/.well-known/est/simpleenroll", post_simpleenroll, BODY_MAX, 0 },
	{ .method = NULL },
};
