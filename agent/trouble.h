/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * trouble.h - what is wrong and stays so is an alarm
 *
 * Pure: what is and the time are given. The agent says of some errors at once
 * (status, events) that a restart or a moment's outage brings about; only one that
 * lasts needs a person. One alarm at a time for each of the things below.
 */
#ifndef PPVPN_AGENT_TROUBLE_H
#define PPVPN_AGENT_TROUBLE_H

#include <stdbool.h>
#include <stdint.h>
#include "err.h"
#include "status.h"

/* what may be wrong, its alarms' resource, their severity, after how many ms */
#define TROUBLES(X) \
	X(CHARON, "charon", MAJOR, 10000) \
	X(FRR, "frr", MAJOR, 10000) \
	X(SERVER, "server", WARNING, 60000) \
	X(DOCUMENT, "provider", MAJOR, 0) \
	X(DISK, "state", MAJOR, 0) \
	X(IKE, "ike-key", WARNING, 60000) \
	X(ROUTER, "router", MAJOR, 60000)

enum trouble_kind {
#define X(sym, resource, severity, after_ms) TROUBLE_##sym,
	TROUBLES(X)
#undef X
	TROUBLE_COUNT
};

/* zeroed: nothing is wrong */
struct trouble {
	enum err_code code;			/* wrong now, or ERR_NONE */
	enum err_code raised;		/* said, or ERR_NONE */
	uint64_t since_ms;			/* something is */
};

const char *trouble_resource(enum trouble_kind kind);
enum status_severity trouble_severity(enum trouble_kind kind);

/**
 * One look. *clear, *raise: alarms that end and begin now, ERR_NONE for none.
 * A cause that gives way to another one does not begin a new time of waiting.
 */
void trouble_look(struct trouble *t, enum trouble_kind kind,
				  enum err_code code, uint64_t now_ms,
				  enum err_code *clear, enum err_code *raise);

#endif
