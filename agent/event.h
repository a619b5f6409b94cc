/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * event.h - one event: a line in the journal, and one for everybody who watches
 *
 * Effects: the log, the clock, the control socket.
 *
 *   event: code=tunnel-down where=acme/corp/lyon cause=peer-closed text="..."
 *   {"event":"tunnel-down","time":"2026-11-22T10:00:00.123Z","level":"warn",
 *    "where":"acme/corp/lyon","cause":"peer-closed","text":"..."}
 */
#ifndef PPVPN_AGENT_EVENT_H
#define PPVPN_AGENT_EVENT_H

#include "err.h"
#include "event_codes.h"

struct control;

/**
 * where: a place, a daemon, "" for the router. cause: ERR_NONE, or a code of
 * `ppvpnctl explain`. control may be NULL. text: printable, no secret; fmt NULL:
 * none.
 */
void event_emit(struct control *control, enum event_code code,
				const char *where, enum err_code cause, const char *fmt, ...)
	__attribute__((format(printf, 5, 6)));
const char *event_word(enum event_code code);

#endif
