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
	const struct admin_who *who;
	const char *customer, *vpn, *ce, *site, *peer;	/* NULL: any */
	bool named;					/* the request names a customer */
	size_t turn;				/* of admin_next_customer() */
	struct json_out o;			/* to be filled */
	struct err e;
};
/** 0 answered; 1 parked (http_request_park()); -errno with q->e. */
typedef int (*admin_ask_fn)(struct admin_ask *q);

enum http_verdict admin_ask(struct http_request *req,
							struct http_response *resp, struct store *store,
							void *user, admin_ask_fn fn);
/**
 * For a question about customers: "while (admin_next_customer(q))" ask the store
 * about q->customer. That is the one that the request names; else once NULL, for
 * who has a role for all of them; else those that he has a role for, by name. So
 * the store is never asked for more than he may see.
 */
bool admin_next_customer(struct admin_ask *q);
/** May who asks see what is of this customer? */
bool admin_sees(const struct admin_ask *q, const char *customer);
/** Two arrays as one in q->arena, or the one that is not empty. */
void *admin_join(struct admin_ask *q, void *first, size_t first_count,
				 void *second, size_t second_count, size_t size);
/** The newest records of the audit that are his to see, newest last. */
int admin_read_audits(struct admin_ask *q, unsigned limit,
					  struct store_audit **list, size_t *count);
/** Time to service by change, or by CE (api_admin_service.c). */
int admin_service_groups(struct admin_ask *q, const struct store_tunnel *list,
						 size_t count, bool by_ce);
/** A filter that names nothing is a mistake, not an empty list. */
int admin_check_filter(struct admin_ask *q);

#endif
