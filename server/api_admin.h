/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * api_admin.h - what operators ask (doc/admin-api.md), over the Unix socket and
 * mutual TLS
 *
 * Handlers for http.h, each behind api_admin_admit(); each change is one
 * transaction of the store.
 */
#ifndef PPVPN_SERVER_API_ADMIN_H
#define PPVPN_SERVER_API_ADMIN_H

#include <stddef.h>
#include <stdint.h>
#include "server/access.h"
#include "server/http.h"

struct ca;

/* What the server counts since its start, for /v1/health. */
struct api_admin_counters {
	uint64_t documents_built, parked;
};

/* What requests are parked under; http_wake() when it may have changed. */
#define API_ADMIN_TAG_EVENTS 1
#define API_ADMIN_TAG_DIAGS 2

/* The user of the admin listener (http_config.user); everything outlives it. */
struct api_admin {
	const char *domain;				/* default of new VPNs: "vpn.internal" */
	const char *const *servers;		/* for bundles: "https://host:port" */
	size_t server_count;
	const char *enroll;				/* for bundles: "https://host:port" */
	const char *ca_pem;				/* for bundles */
	struct ca *ca;					/* for operators' certificates */
	/* of who uses the Unix socket and is no operator of the database */
	enum access_role socket_role;
	uint64_t token_lifetime_s;		/* 0: seven days */
	uint32_t report_interval_s;		/* that CEs are told; 0: 300 */
	/* after a commit: look at store_changes_since() now; may be NULL */
	void (*changed)(void *server);
	/* may be NULL */
	void (*counters)(void *server, struct api_admin_counters *counters);
	void *server;					/* for the two and for store_open */
};

/** Ended by method NULL; access.h says what their access means. */
extern const struct http_route api_admin_routes[];
/** For http_config.admit: lets in who may, by the row of the route. */
bool api_admin_admit(struct http_request *req, struct http_response *resp,
					 struct store *store, void *user);

#endif
