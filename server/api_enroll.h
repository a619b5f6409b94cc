/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * api_enroll.h - from a one-time token and a CSR to a CE's certificate, on the
 * paths of EST (RFC 7030; doc/ce-api.md)
 */
#ifndef PPVPN_SERVER_API_ENROLL_H
#define PPVPN_SERVER_API_ENROLL_H

#include "est.h"
#include "http.h"

struct limiter;

/* The user of the enrolment listener; everything outlives it. */
struct api_enroll
{
	struct est est;
	bool approval;			/* an operator approves of keys */
	struct limiter *limiter;
	/* after a commit; may be NULL */
	void (*changed)(void *server);
	void *server;			/* for changed and for store_open */
};

/** Ended by method NULL. */
extern const struct http_route api_enroll_routes[];

#endif
