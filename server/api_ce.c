/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * api_ce.c - GET /v1/config with its long poll, POST /v1/status, and others
 */
#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "alloc.h"
#include "json_scan.h"
#include "log.h"
#include "schema.h"
#include "status.h"
#include "text.h"
#include "server/api_ce.h"
#include "server/bundle.h"
#include "server/ca.h"
#include "server/counters.h"
#include "server/delivery.h"
#include "server/etag.h"
#include "server/follow.h"
#include "server/store.h"

/* STATUS_PEERS_MAX peers, whatever their names */
#define STATUS_BODY_MAX (8 * 1024 * 1024)
#define DIAG_ID_MAX UINT64_C(9999999999999999999)
#define LEAVE_BODY_MAX 1024		/* "{}": nothing is read of it yet */
#define RETRY_AFTER 5
#define RETRY_AFTER_KEYS 86400	/* too many of them, within a year perhaps */

static atomic_uint_fast64_t documents_built;

/* one request being handled */
struct ask
{
	struct http_request *req;
	struct http_response *resp;
	struct store *store;
	const struct api_ce *api;
	struct arena *arena;
	struct store_ce ce;
	int schema;				/* what the CE gets; set by agree() */
	bool diag_read;			/* and then: */
	uint64_t diag;			/* id of the bundle that is wanted; 0: none */
	int64_t told_ms;
};

static int64_t wall_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* The database failed: never an answer that could be taken for "nothing". */
static void unavailable(struct ask *ask, const struct err *cause)
{
	struct err e;

	log_err(LOG_LEVEL_ERROR, "ce", http_request_peer(ask->req), cause);
	err_set(&e, -EIO, ERR_DATABASE, "", "the database does not answer");
	http_response_error(ask->resp, 503, &e);
	http_response_header(ask->resp, "Retry-After", "%u", RETRY_AFTER);
}

/* False: answered. */
static bool identify(struct ask *ask)
{
	struct err e = { 0 };
	char reports[SCHEMA_LIST_SIZE];
	int rc = est_identify(ask->req, ask->store, ask->arena, &ask->ce, &e);

	if (rc == -ENOENT)
	{
		log_info("ce", "%s: a key that is not known", http_request_peer(ask->req));
		ask->resp->status = 404;
		return false;
	}
	if (rc)
	{
		unavailable(ask, &e);
		return false;
	}
	schema_list(schema_status, reports);
	http_response_header(ask->resp, SCHEMA_HEADER, "%s", reports);
	return true;
}

/* The newest version of the document that the CE takes. False: answered. */
static bool agree(struct ask *ask)
{
	char ours[SCHEMA_LIST_SIZE];
	struct err e;

	ask->schema = schema_common(schema_config,
								http_request_header(ask->req, SCHEMA_HEADER));
	if (ask->schema >= 0)
	{
		return true;
	}
	schema_list(schema_config, ours);
	err_set(&e, -ENOTSUP, ERR_SCHEMA, SCHEMA_HEADER,
			"this server has %s, and this router's agent takes none of it", ours);
	/* what it said is not for a log */
	log_info("ce", "%s/%s: no version of the document in common",
			 ask->ce.customer, ask->ce.ce);
	http_response_error(ask->resp, 406, &e);
	http_response_header(ask->resp, "Cache-Control", "no-store");
	return false;
}

/* ---- the document ------------------------------------------------------------ */

/* Say that a diagnostic bundle is wanted, if one is. */
static void want_bundle(struct ask *ask)
{
	struct err e = { 0 };
	int rc;

	if (!ask->diag_read)
	{
		ask->diag_read = true;
		rc = store_diag_wanted(ask->store, ask->ce.id, wall_ms(), &ask->diag,
							   &ask->told_ms, &e);
		if (rc)
		{
			/* nobody's document waits for it */
			log_err(LOG_LEVEL_WARN, "ce", http_request_peer(ask->req), &e);
		}
	}
	if (ask->diag)
	{
		http_response_header(ask->resp, "Ppvpn-Diag", "%" PRIu64, ask->diag);
	}
}

/*
 * How long a poll may wait at most: a CE is told at once, but one that does not
 * send the bundle is not kept asking all the time.
 */
static unsigned tell_bundle(struct ask *ask, unsigned ms)
{
	const int64_t since = wall_ms() - ask->told_ms;
	struct err e = { 0 };

	if (!ask->diag)
	{
		return ms;
	}
	if (ask->told_ms && since >= 0 && since < STORE_DIAG_TELL_MS)
	{
		return ms < STORE_DIAG_TELL_MS - since ? ms
			: (unsigned)(STORE_DIAG_TELL_MS - since);
	}
	if (store_diag_told(ask->store, ask->diag, wall_ms(), &e))
	{
		log_err(LOG_LEVEL_WARN, "ce", http_request_peer(ask->req), &e);
	}
	return 0;
}

static void send_document(struct ask *ask, const struct model_document *doc,
						  struct text *body, const char *etag)
{
	int64_t now = wall_ms();
	unsigned waited = http_request_waited_ms(ask->req);

	ask->resp->status = doc->state == MODEL_DEPROVISIONED ? 410 : 200;
	ask->resp->content_type = "application/json";
	ask->resp->body_len = body->len;
	ask->resp->body = text_take(body);
	http_response_header(ask->resp, "ETag", "%s", etag);
	http_response_header(ask->resp, "Cache-Control", "no-store");
	if (ask->resp->status == 200)
	{
		want_bundle(ask);
	}
	/* not of a change that came with a start of the server */
	if (ask->resp->status == 200 && waited && ask->ce.committed_ms)
	{
		int64_t ms = now - (int64_t)ask->ce.committed_ms;

		http_response_header(ask->resp, "Ppvpn-Notify-Ms", "%" PRId64,
							 ms > 0 ? ms : 0);
	}
	if (ask->resp->status == 200)
	{
		delivery_note(ask->api->delivery, ask->ce.id, doc->revision, now);
	}
	log_debug("ce", "%s/%s: document %s, %zu bytes", ask->ce.customer,
			  ask->ce.ce, etag, ask->resp->body_len);
}

uint64_t api_ce_documents_built(void)
{
	return atomic_load(&documents_built);
}

#define ENCODER(name, encoder) encoder,
static struct text (*const encoders[])(const struct model_document *) = {
	SCHEMA_CONFIG(ENCODER)
};
#undef ENCODER

/* Who was replaced gets a tombstone: the document is another router's now. */
static void bury(struct model_document *doc)
{
	doc->state = MODEL_DEPROVISIONED;
	doc->vpn_count = 0;
	doc->profile_count = 0;
}

/*
 * Build the document, and answer with it unless the CE has it.
 *
 * @return		0 answered; 1 the CE has it
 */
static int build(struct ask *ask, char etag[ETAG_SIZE])
{
	struct model_document *doc;
	struct text body;
	struct err e = { 0 };
	int rc;

	rc = store_document(ask->store, ask->arena, ask->ce.id,
						&ask->api->management, &doc, &e);
	if (rc)
	{
		unavailable(ask, &e);
		return 0;
	}
	counter_add(COUNTER_DOCUMENTS);
	if (ask->ce.removed && doc->state != MODEL_DEPROVISIONED)
	{
		bury(doc);
	}
	body = encoders[ask->schema](doc);
	atomic_fetch_add(&documents_built, 1);
	etag_build(etag, doc->epoch, doc->revision, body.s, body.len);
	if (!ask->ce.removed)
	{
		etags_put(ask->api->etags, ask->ce.id, ask->schema, doc->epoch,
				  doc->revision, etag);
	}
	rc = doc->state != MODEL_DEPROVISIONED &&
		 etag_named(http_request_header(ask->req, "If-None-Match"), etag);
	if (!rc)
	{
		send_document(ask, doc, &body, etag);
	}
	text_done(&body);
	return rc;
}

/* 1 when the CE has the newest document, etag its tag; 0 answered. */
static int compare(struct ask *ask, char etag[ETAG_SIZE])
{
	uint64_t epoch, revision;
	struct err e = { 0 };

	if (store_revision(ask->store, &epoch, &revision, &e))
	{
		unavailable(ask, &e);
		return 0;
	}
	if (!ask->ce.removed &&
		etags_get(ask->api->etags, ask->ce.id, ask->schema, epoch,
				  ask->ce.revision, etag) &&
		etag_named(http_request_header(ask->req, "If-None-Match"), etag))
	{
		return 1;
	}
	return build(ask, etag);
}

unsigned api_ce_wait(const char *prefer, unsigned limit)
{
	while (prefer && *prefer)
	{
		size_t len;
		uint64_t wait;
		char value[8];

		prefer += strspn(prefer, " \t,;");
		len = strcspn(prefer, " \t,;");
		if (len > 5 && len - 5 < sizeof(value) &&
			strncasecmp(prefer, "wait=", 5) == 0)
		{
			memcpy(value, prefer + 5, len - 5);
			value[len - 5] = '\0';
			if (text_to_u64(value, 0, 1000000, &wait) == 0)
			{
				return wait > limit ? limit : (unsigned)wait;
			}
		}
		prefer += len;
	}
	return 0;
}

static enum http_verdict wait_or_304(struct ask *ask, uint64_t generation,
									 const char *etag)
{
	const unsigned ms = 1000 * api_ce_wait(
		http_request_header(ask->req, "Prefer"),
		ask->api->management.long_poll_timeout);
	const unsigned waited = http_request_waited_ms(ask->req);
	unsigned rest;

	want_bundle(ask);
	rest = tell_bundle(ask, waited < ms ? ms - waited : 0);
	if (rest)
	{
		http_request_park(ask->req, ask->ce.id, generation, rest);
		return HTTP_PARK;
	}
	ask->resp->status = 304;
	http_response_header(ask->resp, "ETag", "%s", etag);
	http_response_header(ask->resp, "Cache-Control", "no-store");
	return HTTP_DONE;
}

static enum http_verdict get_config(struct http_request *req,
									struct http_response *resp,
									struct store *store, void *user)
{
	struct ask ask = {
		.req = req, .resp = resp, .store = store, .api = user,
		.arena = arena_new(),
	};
	/* before the database is read: a wake from here on is not lost */
	const uint64_t generation = http_generation(http_request_listener(req));
	enum http_verdict verdict = HTTP_DONE;
	char etag[ETAG_SIZE];

	if (identify(&ask) && agree(&ask) && compare(&ask, etag) == 1)
	{
		verdict = wait_or_304(&ask, generation, etag);
	}
	arena_free(ask.arena);
	return verdict;
}

/* A removed one gets its tombstone and nothing else. */
static void send_tombstone(struct ask *ask)
{
	char etag[ETAG_SIZE];

	if (agree(ask))
	{
		build(ask, etag);
	}
}

/* What only a CE that is there still may ask. */
static enum http_verdict serve_member(struct http_request *req,
									  struct http_response *resp,
									  struct store *store, void *user,
									  void (*serve)(struct ask *ask))
{
	struct ask ask = {
		.req = req, .resp = resp, .store = store, .api = user,
		.arena = arena_new(),
	};

	if (identify(&ask))
	{
		if (ask.ce.removed)
		{
			send_tombstone(&ask);
		}
		else
		{
			serve(&ask);
		}
	}
	arena_free(ask.arena);
	return HTTP_DONE;
}

/* ---- reports -------------------------------------------------------------------- */

/*
 * It may be somewhere else now. The report is kept in any case: 204 says only
 * that.
 */
static int follow(struct ask *ask, const struct status_report *report,
				  const char *place, struct err *e)
{
	const struct addr source = follow_source(http_request_peer(ask->req));
	char from[ADDR_TEXT_MAX], to[ADDR_TEXT_MAX] = "nowhere";
	struct store_followed done;
	int rc = store_follow(ask->store, ask->ce.id,
						  report->has_address ? &report->address : NULL,
						  &source, wall_ms(), &done, e);

	if (rc < 0)
	{
		return rc;
	}
	if (done.to.family)
	{
		addr_str(&done.to, to);
	}
	if (done.revision)
	{
		log_info("ce", "%s: %s is %s now (revision %" PRIu64 ")", place,
				 addr_str(&done.from, from), to, done.revision);
		if (ask->api->changed)
		{
			ask->api->changed(ask->api->server);
		}
	}
	else if (done.refused)
	{
		log_warn("ce", "%s: at %s, not followed: %s", place, to, done.reason);
	}
	return 0;
}

static void take_report(struct ask *ask)
{
	struct status_report *report;
	struct err e = { 0 };
	char place[PLACE_SIZE];
	const char *body;
	size_t len;

	body = http_request_body(ask->req, &len);
	snprintf(place, sizeof(place), "%s/%s", ask->ce.customer, ask->ce.ce);
	if (status_decode(ask->arena, body, len, &report, &e))
	{
		log_err(LOG_LEVEL_WARN, "ce", place, &e);
		http_response_error(ask->resp, 400, &e);
		return;
	}
	if (strcmp(report->ce, place) != 0)
	{
		err_set(&e, -EINVAL, ERR_JSON_VALUE, "/ce",
				"the certificate is another router's");
		log_err(LOG_LEVEL_WARN, "ce", place, &e);
		http_response_error(ask->resp, 400, &e);
		return;
	}
	if (store_report(ask->store, ask->ce.id, report, wall_ms(), &e) ||
		follow(ask, report, place, &e))
	{
		unavailable(ask, &e);
		return;
	}
	ask->resp->status = 204;
}

static enum http_verdict post_status(struct http_request *req,
									 struct http_response *resp,
									 struct store *store, void *user)
{
	return serve_member(req, resp, store, user, take_report);
}

/* ---- leaving -------------------------------------------------------------------- */

/* The CE itself wants out of everything (draft [00], section 6). */
static void leave(struct ask *ask)
{
	char actor[PLACE_SIZE + 8], what[PLACE_SIZE + 16];
	struct err e = { 0 };
	uint64_t revision;
	int rc;

	snprintf(actor, sizeof(actor), "ce:%s/%s", ask->ce.customer, ask->ce.ce);
	actor[128] = '\0';	/* the audit's actors are no longer */
	snprintf(what, sizeof(what), "ce leave %s/%s", ask->ce.customer,
			 ask->ce.ce);
	rc = store_begin(ask->store, actor, &e);
	if (rc == 0)
	{
		rc = store_ce_leave(ask->store, ask->ce.id, &e);
		if (rc < 0)
		{
			store_rollback(ask->store);
		}
		else
		{
			rc = store_commit(ask->store, what, &revision, &e);
		}
	}
	if (rc < 0)
	{
		unavailable(ask, &e);
		return;
	}
	log_info("ce", "%s (revision %" PRIu64 ")", what, revision);
	if (ask->api->changed)
	{
		ask->api->changed(ask->api->server);
	}
	ask->resp->status = 204;
}

static enum http_verdict post_leave(struct http_request *req,
									struct http_response *resp,
									struct store *store, void *user)
{
	return serve_member(req, resp, store, user, leave);
}

/* ---- diagnostic bundles ---------------------------------------------------------- */

/* It leaves here as it came, inside of other JSON: it must be JSON, and its own. */
static int check_bundle(struct ask *ask, const char *body, size_t len,
						struct err *e)
{
	static const struct json_limits limits = {
		.bytes = STORE_DIAG_MAX, .depth = 12, .values = 100000,
		.members = 64, .string = 8192, .containers = 40000,
	};
	char place[PLACE_SIZE];
	int rc = json_scan(body, len, &limits, e);

	snprintf(place, sizeof(place), "%s/%s", ask->ce.customer, ask->ce.ce);
	if (rc == 0 && (!bundle_says(body, "schema", "ce-diag/1") ||
					!bundle_says(body, "ce", place)))
	{
		rc = err_set(e, -EINVAL, ERR_JSON_VALUE, "/",
					 "not a bundle of this router");
	}
	return rc;
}

static void take_bundle(struct ask *ask)
{
	const char *text = http_request_query(ask->req, "id"), *body;
	struct err e = { 0 };
	uint64_t id;
	size_t len;
	int rc;

	body = http_request_body(ask->req, &len);
	if (!text || text_to_u64(text, 1, DIAG_ID_MAX, &id))
	{
		err_set(&e, -EINVAL, ERR_USAGE, "id", "1 to 19 digits are needed");
		http_response_error(ask->resp, 400, &e);
		return;
	}
	if (check_bundle(ask, body, len, &e))
	{
		log_err(LOG_LEVEL_WARN, "ce", http_request_peer(ask->req), &e);
		http_response_error(ask->resp, 400, &e);
		return;
	}
	rc = id > INT64_MAX ? -ENOENT
		: store_diag_take(ask->store, ask->ce.id, id, body, wall_ms(), &e);
	if (rc == -ENOENT)
	{
		err_set(&e, rc, ERR_NOT_FOUND, "id",
				"no bundle of that id is waited for");
		http_response_error(ask->resp, 404, &e);
		return;
	}
	if (rc)
	{
		unavailable(ask, &e);
		return;
	}
	log_info("ce", "%s/%s: diagnostic bundle %" PRIu64 ", %zu bytes",
			 ask->ce.customer, ask->ce.ce, id, len);
	if (ask->api->changed)
	{
		ask->api->changed(ask->api->server);
	}
	ask->resp->status = 204;
}

static enum http_verdict post_diag(struct http_request *req,
								   struct http_response *resp,
								   struct store *store, void *user)
{
	return serve_member(req, resp, store, user, take_bundle);
}

/* ---- a new certificate ------------------------------------------------------------ */

static void renew(struct ask *ask)
{
	est_renew(ask->req, ask->resp, ask->store, &ask->api->est, &ask->ce);
}

static enum http_verdict post_renew(struct http_request *req,
									struct http_response *resp,
									struct store *store, void *user)
{
	return serve_member(req, resp, store, user, renew);
}

/* ---- the key for IKE --------------------------------------------------------------- */

/* What a CE should know of its fault; the database's is not its. */
static void refuse_key(struct ask *ask, int rc, const struct err *e)
{
	if (rc == -ENOENT)
	{
		/* replaced or revoked at this moment: the next request hears of it */
		ask->resp->status = 404;
		return;
	}
	if (rc != -EEXIST && rc != -EINVAL && rc != -EAGAIN && rc != -EDQUOT)
	{
		unavailable(ask, e);
		return;
	}
	log_err(LOG_LEVEL_WARN, "ce", http_request_peer(ask->req), e);
	if (rc == -EEXIST || rc == -EINVAL)
	{
		http_response_error(ask->resp, 400, e);
		return;
	}
	http_response_error(ask->resp, 429, e);
	http_response_header(ask->resp, "Retry-After", "%u",
						 rc == -EAGAIN ? RETRY_AFTER : RETRY_AFTER_KEYS);
}

static int note_key(struct ask *ask, const struct ca_csr *csr,
					uint64_t *revision, struct err *e)
{
	uint8_t management[32], *key;
	size_t len;
	int rc;

	if (!http_request_key(ask->req, management))
	{
		return -ENOENT;
	}
	rc = ca_csr_key(csr, &key, &len, e);
	if (rc == 0)
	{
		rc = store_ike_key(ask->store, management, ca_csr_spki(csr), key, len,
						   wall_ms(), revision, e);
		free(key);
	}
	return rc;
}

static void take_key(struct ask *ask)
{
	struct ca_csr *csr = NULL;
	struct err e = { 0 };
	uint64_t revision;
	int rc;

	if (!est_read_csr(ask->req, ask->resp, &csr))
	{
		return;
	}
	rc = note_key(ask, csr, &revision, &e);
	ca_csr_free(csr);
	if (rc < 0)
	{
		refuse_key(ask, rc, &e);
		return;
	}
	if (revision)
	{
		log_info("ce", "%s/%s: certificates for its key (revision %" PRIu64
				 ")", ask->ce.customer, ask->ce.ce, revision);
		if (ask->api->changed)
		{
			ask->api->changed(ask->api->server);
		}
	}
	ask->resp->status = 204;
}

static enum http_verdict post_ike_key(struct http_request *req,
									  struct http_response *resp,
									  struct store *store, void *user)
{
	return serve_member(req, resp, store, user, take_key);
}

const struct http_route api_ce_routes[] = {
	{ "POST", EST_RENEW_PATH, post_renew, EST_BODY_MAX, 0 },
	{ "GET", "/v1/config", get_config, 0, 0 },
	{ "POST", "/v1/diag", post_diag, STORE_DIAG_MAX, 0 },
	{ "POST", "/v1/ike-key", post_ike_key, EST_BODY_MAX, 0 },
	{ "POST", "/v1/leave", post_leave, LEAVE_BODY_MAX, 0 },
	{ "POST", "/v1/status", post_status, STATUS_BODY_MAX, 0 },
	{ .method = NULL },
};
