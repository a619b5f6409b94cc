/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * api_admin_ask.h - how the admin API answers a question; for its files only
 */
#ifndef PPVPN_SERVER_API_ADMIN_ASK_H
#define PPVPN_SERVER_API_ADMIN_ASK_H

#include "server/api_admin_impl.h"

/* A question, as its function sees it. */
struct admin_ask {
	struct http_request *req;
	struct store *store;
	const struct api_admin *api;
	struct arena *arena;
	const char *customer, *vpn, *ce, *site, *peer;	/* NULL: any */
	struct json_out o;			/* to be filled */
	struct err e;
};
/** 0 answered; 1 parked (http_request_park()); -errno with q->e. */
typedef int (*admin_ask_fn)(struct admin_ask *q);

enum http_verdict admin_ask(struct http_request *req,
							struct http_response *resp, struct store *store,
							void *user, admin_ask_fn fn);
/** Time to service by change, or by CE (api_admin_service.c). */
int admin_service_groups(struct admin_ask *q, const struct store_tunnel *list,
						 size_t count, bool by_ce);
/** A filter that names nothing is a mistake, not an empty list. */
int admin_check_filter(struct admin_ask *q);

#endif
