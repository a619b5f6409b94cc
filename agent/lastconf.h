/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * lastconf.h - the last known configuration on disk
 *
 * Owns STATE/config, STATE/config.previous and STATE/trial. The first two are
 * sealed (lib/seal.h, key STATE/seal.key), bound to the CE, with epoch, revision
 * and ETag. Written by write, fsync, rename. A file that does not open is not
 * used and not deleted.
 */
#ifndef PPVPN_AGENT_LASTCONF_H
#define PPVPN_AGENT_LASTCONF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "err.h"

struct lastconf {
	char *body;			/* the document's bytes as they came; wiped by lastconf_done */
	size_t len;
	char etag[128];
};

int lastconf_load(const char *state_dir, const char *ce, struct lastconf *out, struct err *e);
/** Falls back to the previous generation when the newest does not open (out, and e told). */
int lastconf_save(const char *state_dir, const char *ce, const struct lastconf *in, struct err *e);
void lastconf_done(struct lastconf *l);

/*
 * STATE/trial: the document that was tried last and never confirmed, so that
 * neither a restart nor a boot forgets it. It holds no secret.
 */
struct lastconf_trial {
	char etag[128];
	uint64_t epoch, revision;
	unsigned tries;			/* but for those that the agent's end cut short */
	unsigned interrupted;	/* those */
	enum lastconf_fate {
		LASTCONF_RUNNING,	/* the last one is not over, or was cut short */
		LASTCONF_BACK,		/* it was taken back */
		LASTCONF_CONDEMNED,	/* and is not to be tried again */
	} fate;
};

/** -ENOENT: none. */
int lastconf_trial_load(const char *state_dir, struct lastconf_trial *out, struct err *e);
int lastconf_trial_save(const char *state_dir, const struct lastconf_trial *in, struct err *e);
/** None is fine. */
int lastconf_trial_remove(const char *state_dir, struct err *e);

/** Remove both generations (a verified tombstone, or leaving). */
int lastconf_remove(const char *state_dir, struct err *e);
/** Remove the key: nothing that it seals is left. */
int lastconf_remove_key(const char *state_dir, struct err *e);

#endif
