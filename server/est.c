/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * est.c - requests for certificates, and their answers
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
#include "server/base64.h"
#include "server/ca.h"
#include "server/counters.h"
#include "server/est.h"
#include "server/store.h"

#define TOO_SOON_S 5		/* when it may ask again */

static int64_t wall_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

bool est_read_csr(struct http_request *req, struct http_response *resp,
				  struct ca_csr **csr)
{
	const char *type = http_request_header(req, "Content-Type");
	struct err e = { 0 };
	uint8_t *der;
	const char *body;
	size_t len;
	int rc;

	body = http_request_body(req, &len);
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
				: ca_csr_read(der, len, csr, &e);
		free(der);
	}
	if (rc)
	{
		http_response_error(resp, 400, &e);
	}
	return rc == 0;
}

int est_issue(void *user, const struct store_ce *ce, uint64_t serial,
			  struct arena *a, struct store_issued *issued, struct err *e)
{
	const struct est_issue *what = user;
	char name[PLACE_SIZE];
	int64_t ends_s;
	char *pem;
	int rc;

	snprintf(name, sizeof(name), "%s/%s", ce->customer, ce->ce);
	rc = ca_issue_ce(what->est->ca, what->csr, name, serial,
					 what->est->life_s, &pem, &ends_s, e);
	if (!rc)
	{
		issued->pem = arena_strdup(a, pem);
		issued->ends_ms = ends_s * 1000;
		free(pem);
	}
	return rc;
}

void est_send(struct http_response *resp, const char *pem, const char *type)
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

/* ---- who asks -------------------------------------------------------------- */

/* Its new certificate is in use: what it had before opens nothing any more. */
static void note_seen(struct http_request *req, struct store *store,
					  const uint8_t key[32], struct store_ce *ce)
{
	struct err e = { 0 };
	bool taken;

	if (!ce->waiting || ce->removed ||
		(!ce->is_new_key && http_request_key_serial(req) != ce->waiting))
	{
		return;
	}
	if (store_renewed(store, key, ce->waiting, wall_ms(), &taken, &e))
	{
		/* both are good, and the next request does it */
		log_err(LOG_LEVEL_WARN, "enroll", http_request_peer(req), &e);
		return;
	}
	if (taken)
	{
		log_info("enroll", "%s: %s/%s uses its new certificate",
				 http_request_peer(req), ce->customer, ce->ce);
		counter_add(COUNTER_RENEWED);
	}
}

int est_identify(struct http_request *req, struct store *store,
				 struct arena *a, struct store_ce *ce, struct err *e)
{
	uint8_t key[32];
	int rc;

	if (!http_request_key(req, key) || http_request_key_uri(req))
	{
		return err_set(e, -ENOENT, ERR_NOT_FOUND, "key",
					   "not a router's certificate");
	}
	rc = store_ce_by_key(store, a, key, ce, e);
	if (rc == 0)
	{
		note_seen(req, store, key, ce);
	}
	return rc;
}

/* ---- simplereenroll -------------------------------------------------------- */

static void refuse(struct http_request *req, struct http_response *resp,
				   int rc, const struct err *e)
{
	struct err busy;

	if (rc == -ENOENT)
	{
		resp->status = 404;
		return;
	}
	log_err(rc == -EEXIST || rc == -EINVAL || rc == -EAGAIN
			? LOG_LEVEL_WARN : LOG_LEVEL_ERROR, "enroll",
			http_request_peer(req), e);
	if (rc == -EEXIST || rc == -EINVAL)
	{
		http_response_error(resp, 400, e);
		return;
	}
	if (rc == -EAGAIN)
	{
		http_response_error(resp, 429, e);
	}
	else
	{
		err_set(&busy, -EIO, ERR_DATABASE, "",
				"the database does not answer");
		http_response_error(resp, 503, &busy);
	}
	http_response_header(resp, "Retry-After", "%d", TOO_SOON_S);
}

void est_renew(struct http_request *req, struct http_response *resp,
			   struct store *store, const struct est *est,
			   const struct store_ce *ce)
{
	struct est_issue what = { .est = est };
	struct arena *a = arena_new();
	struct ca_csr *csr = NULL;
	struct err e = { 0 };
	uint8_t key[32];
	char *pem = NULL;
	bool again;
	int rc;

	if (http_request_key(req, key) && est_read_csr(req, resp, &csr))
	{
		what.csr = csr;
		rc = store_renew(store, a, key, ca_csr_spki(csr), wall_ms(), est_issue,
						 &what, &pem, &again, &e);
		if (rc)
		{
			refuse(req, resp, rc, &e);
		}
		else
		{
			log_info("enroll", "%s: %s/%s gets %s", http_request_peer(req),
					 ce->customer, ce->ce, again
					 ? "the same certificate again" : "a new certificate");
			est_send(resp, pem, EST_CERTIFICATE);
		}
	}
	ca_csr_free(csr);
	arena_free(a);
}
