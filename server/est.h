/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * est.h - the forms of EST (RFC 7030) that both listeners of routers speak:
 * requests for a certificate, certificates as answers, and simplereenroll
 */
#ifndef PPVPN_SERVER_EST_H
#define PPVPN_SERVER_EST_H

#include "http.h"

#define EST_BODY_MAX (16 * 1024)
#define EST_CERTIFICATE "application/pkcs7-mime; smime-type=certs-only"
#define EST_RENEW_PATH "/.well-known/est/simplereenroll"

struct ca;
struct ca_csr;
struct store;
struct store_ce;
struct store_issued;
struct arena;

/* How routers' certificates are made. */
struct est
{
	struct ca *ca;
	uint32_t life_s;
};

/* The user of est_issue(). */
struct est_issue
{
	const struct est *est;
	const struct ca_csr *csr;
};

/** The body as a request for a certificate; false: answered, 400. */
bool est_read_csr(struct http_request *req, struct http_response *resp,
				  struct ca_csr **csr);
/** As store_issue_fn; user: struct est_issue. */
int est_issue(void *user, const struct store_ce *ce, uint64_t serial,
			  struct arena *a, struct store_issued *issued, struct err *e);
/** A certificate (PEM) as EST wants it. */
void est_send(struct http_response *resp, const char *pem, const char *type);

/**
 * Whose certificate the client showed: a CE, a removed or revoked one too. One
 * that was issued and is seen for the first time is that CE's from now on. A
 * certificate that says what it is (a URI) is no router's.
 *
 * @return		0; -ENOENT: nobody's; -EIO
 */
int est_identify(struct http_request *req, struct store *store,
				 struct arena *a, struct store_ce *ce, struct err *e);
/** simplereenroll of a CE that est_identify() named and that is not removed. */
void est_renew(struct http_request *req, struct http_response *resp,
			   struct store *store, const struct est *est,
			   const struct store_ce *ce);

#endif
