/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * api_enroll.c - cacerts, simpleenroll and simplereenroll
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
#include "server/est.h"
#include "server/limiter.h"
#include "server/store.h"

#define APPROVAL_S 5			/* when to ask again */
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

static enum http_verdict get_cacerts(struct http_request *req,
									 struct http_response *resp,
									 struct store *store, void *user)
{
	const struct api_enroll *api = user;

	(void)req;
	(void)store;
	est_send(resp, ca_pem(api->est.ca), "application/pkcs7-mime");
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

/* False: answered. */
static bool is_approved(struct enroll *en, struct store *store)
{
	struct err e = { 0 };
	bool approved = true;
	int rc = en->api->approval
		? store_enroll_wait(store, en->place[0], en->place[1], en->token_hash,
							ca_csr_spki(en->csr), wall_ms(), &approved, &e)
		: 0;

	if (rc)
	{
		refuse(en, rc, &e);
		return false;
	}
	if (!approved)
	{
		log_info("enroll", "%s: %s/%s waits for approval",
				 http_request_peer(en->req), en->place[0], en->place[1]);
		en->resp->status = 202;
		http_response_header(en->resp, "Retry-After", "%d", APPROVAL_S);
	}
	return approved;
}

static void take_token(struct enroll *en, struct store *store)
{
	struct est_issue what = { .est = &en->api->est, .csr = en->csr };
	struct arena *a = arena_new();
	struct err e = { 0 };
	char *pem = NULL;
	bool again;
	int rc;

	rc = store_enroll(store, a, en->place[0], en->place[1], en->token_hash,
					  ca_csr_spki(en->csr), wall_ms(), est_issue, &what, &pem,
					  &again, &e);
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
		est_send(en->resp, pem, EST_CERTIFICATE);
		/* who was revoked is a member again */
		if (!again && en->api->changed)
		{
			en->api->changed(en->api->server);
		}
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
	if (est_read_csr(req, resp, &en.csr) && is_approved(&en, store))
	{
		take_token(&en, store);
	}
	ca_csr_free(en.csr);
	return HTTP_DONE;
}

/*
 * Where a router's client cannot do TLS 1.3. Here is no tombstone: who was
 * removed is nobody.
 */
static enum http_verdict post_simplereenroll(struct http_request *req,
											 struct http_response *resp,
											 struct store *store, void *user)
{
	const struct api_enroll *api = user;
	struct arena *a = arena_new();
	struct err e = { 0 }, busy;
	struct store_ce ce;
	int rc = est_identify(req, store, a, &ce, &e);

	if (rc == -ENOENT || (rc == 0 && ce.removed))
	{
		log_info("enroll", "%s: a key that is not known",
				 http_request_peer(req));
		resp->status = 404;
	}
	else if (rc)
	{
		log_err(LOG_LEVEL_ERROR, "enroll", http_request_peer(req), &e);
		err_set(&busy, -EIO, ERR_DATABASE, "",
				"the database does not answer");
		http_response_error(resp, 503, &busy);
		http_response_header(resp, "Retry-After", "5");
	}
	else
	{
		est_renew(req, resp, store, &api->est, &ce);
	}
	arena_free(a);
	return HTTP_DONE;
}

const struct http_route api_enroll_routes[] = {
	{ "GET", "/.well-known/est/cacerts", get_cacerts, 0, 0 },
	{ "POST", "/.well-known/est/simpleenroll", post_simpleenroll, EST_BODY_MAX,
	  0 },
	{ "POST", EST_RENEW_PATH, post_simplereenroll, EST_BODY_MAX, 0 },
	{ .method = NULL },
};
