/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * ctl_ask.h - one question to the agent
 *
 * Effects: a Unix socket. For ppvpnctl; blocks.
 */
#ifndef PPVPN_AGENT_CTL_ASK_H
#define PPVPN_AGENT_CTL_ASK_H

#include "err.h"
#include "text.h"

/** The answer's JSON as it came, an agent's error as an error. */
int ctl_ask(const char *socket_path, const char *op, unsigned seconds,
			struct text *answer, struct err *e);
/** One line, without its newline; not 0: end with that. */
typedef int (*ctl_line_fn)(void *user, const char *line, size_t len,
						   struct err *e);
/** Every event as it comes, until fn says otherwise or the agent goes. */
int ctl_watch(const char *socket_path, ctl_line_fn fn, void *user,
			  struct err *e);

#endif
