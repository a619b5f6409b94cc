/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * api_ce.h - what CEs ask (doc/ce-api.md): their document, and to report
 *
 * Who asks is known by the public key of its certificate, looked up in the
 * database at every request.
 */
#ifndef PPVPN_SERVER_API_CE_H
#define PPVPN_SERVER_API_CE_H

#include "est.h"
#include "http.h"
#include "model.h"

struct delivery;
struct etags;

/* The user of the CE listener; everything outlives it. */
struct api_ce
{
	struct model_management management;
	struct etags *etags;
	struct delivery *delivery;
	struct est est;
	/* after a commit: look at store_changes_since() now; may be NULL */
	void (*changed)(void *server);
	void *server;			/* for changed and for store_open */
};

/** Documents built since the process began, whoever got them. Any thread. */
uint64_t api_ce_documents_built(void);

/** Ended by method NULL. */
extern const struct http_route api_ce_routes[];

/** Seconds of "wait=N" in a Prefer header, at most limit; 0: none. */
unsigned api_ce_wait(const char *prefer, unsigned limit);

#endif
