/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * api_admin_change.h - how the admin API makes a change; for its files only
 */
#ifndef PPVPN_SERVER_API_ADMIN_CHANGE_H
#define PPVPN_SERVER_API_ADMIN_CHANGE_H

#include "json_in.h"
#include "server/api_admin_impl.h"
#include "server/conf_json.h"

/* A request for a change, as its function sees it. */
struct admin_change {
	struct http_request *req;
	struct store *store;
	const struct api_admin *api;
	struct arena *arena;
	char what[256];			/* to be filled, for the audit record */
	const char *certificate;	/* for the answer unless dry: base64; NULL: none */
	bool rotates;			/* for the answer: tunnels that were under way already */
	uint64_t rotating;
	struct err e;
};

/** Do it, within a change of the store. */
typedef int (*admin_change_fn)(struct admin_change *c);

/** Answer a request by a change, or what it would be with dry-run=yes. */
enum http_verdict admin_do_change(struct http_request *req,
								  struct http_response *resp,
								  struct store *store, void *user,
								  admin_change_fn fn);
/** Read the body by rows into out. */
int admin_read_body(struct admin_change *c, const struct json_row *rows,
					void *out);
/** A label of the path. */
int admin_segment(struct admin_change *c, const char *name, const char **out);

#endif
