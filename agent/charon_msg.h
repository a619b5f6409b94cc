/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * charon_msg.h - frames of the plugin's socket (doc/plugin-protocol.md)
 *
 * Pure. One struct holds any answer or event; what a given one must have is for
 * the caller to check.
 */
#ifndef PPVPN_AGENT_CHARON_MSG_H
#define PPVPN_AGENT_CHARON_MSG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "err.h"

struct arena;

struct charon_conn { char *name, *tag; };

/* authentication: "pre-shared" or "certificate" */
struct charon_sa { uint64_t ike_id; char *name, *authentication; };

struct charon_error { char *code, *where, *text; };

struct charon_settings {
	uint64_t ikesa_table_size;
	bool install_routes, connmark, make_before_break;
};

/* texts that are absent are NULL, numbers 0 */
struct charon_frame {
	uint64_t id;
	bool has_id;
	bool ok;
	bool has_error;
	struct charon_error error;
	/* hello, list, update */
	uint64_t version, pid, count;
	char *plugin_version, *strongswan, *boot_id, *revision;
	bool has_settings;
	struct charon_settings settings;
	bool has_conns;
	struct charon_conn *conns;
	size_t conn_count;
	struct charon_conn *credentials;	/* name and tag, as of connections */
	size_t credential_count;
	char **capabilities;
	size_t capability_count;
	struct charon_sa *sas;
	size_t sa_count;
	uint64_t added, changed, removed, unchanged;
	bool started;
	/* events */
	char *event, *alert, *name;
	char *local_address, *remote_address, *remote_identity;
	bool initiator;
};

/** 0, or -EINVAL/-E2BIG with e; texts are the arena's. */
int charon_frame_decode(struct arena *a, const char *buf, size_t len,
						struct charon_frame *out, struct err *e);

#endif
