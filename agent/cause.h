/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * cause.h - why a negotiation failed or a tunnel went down: every reason that
 * charon can give, what it means, and what follows from it
 *
 * Pure: a table. The words are those of the plugin's alerts
 * (doc/plugin-protocol.md) and a few of the agent's own; meaning and remedy for
 * people stand with the error code (lib/err_codes.h, `ppvpnctl explain`).
 */
#ifndef PPVPN_AGENT_CAUSE_H
#define PPVPN_AGENT_CAUSE_H

#include <stddef.h>
#include "err.h"
#include "status.h"

/* who can do something about it */
enum cause_class {
	CAUSE_PATH,				/* nothing comes back: network, or the peer is away */
	CAUSE_REFUSAL,			/* the peer says no, and not why */
	CAUSE_CREDENTIAL,		/* keys, identities, certificates */
	CAUSE_MISMATCH,			/* the two ends are configured differently */
	CAUSE_PEER,				/* the peer says "not now", or ended it */
	CAUSE_LOCAL				/* this router's charon or kernel */
};

/* how long to wait before the next attempt (draft section 3.4) */
enum cause_wait {
	CAUSE_STEPS,			/* minimum-wait, t1, t1 * factor, ... maximum */
	CAUSE_SOON,				/* minimum-wait each time: it passes by itself */
	CAUSE_SLOW				/* maximum at once: only a person can change it */
};

enum cause_effect {
	CAUSE_ENDS,				/* the negotiation is over */
	CAUSE_HINTS,			/* the negotiation may go on; says why if it ends */
	CAUSE_CLOSES			/* a tunnel that was up goes */
};

struct cause {
	const char *word;
	enum err_code code;
	enum cause_class class;
	enum cause_wait wait;
	enum cause_effect effect;
	/* of the alarm that is raised at once; STATUS_CLEARED: none before
	 * alarm-after failures */
	enum status_severity severity;
};

/** NULL: a word that says nothing about a tunnel. */
const struct cause *cause_find(const char *word);
/** All of them, for i from 0 to NULL. */
const struct cause *cause_get(size_t i);
const char *cause_class_name(enum cause_class class);

#endif
