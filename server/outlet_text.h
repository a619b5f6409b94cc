/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * outlet_text.h - an alarm event as it leaves the server
 *
 * Pure. Texts of an event come from routers: whatever is no UTF-8 or would end
 * a line is replaced.
 */
#ifndef PPVPN_SERVER_OUTLET_TEXT_H
#define PPVPN_SERVER_OUTLET_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "status.h"
#include "text.h"

struct alarm_event
{
	uint64_t id;					/* rising; never used twice */
	bool raised;					/* false: cleared */
	bool changed;					/* raised before: another severity */
	enum status_severity severity;	/* of the alarm, also when it is cleared */
	const char *source;				/* who says so: "server", "acme/paris-r1" */
	const char *resource;			/* "acme/corp/lyon/paris" */
	const char *code;				/* of lib/err_codes.h */
	const char *text;
	int64_t at_ms;					/* wall clock */
};

#define OUTLET_TIME_SIZE 80	/* more than it takes, as the compiler asks */
/** "2026-11-24T19:48:46.123Z" */
void outlet_time(int64_t at_ms, char out[OUTLET_TIME_SIZE]);
const char *outlet_severity(enum status_severity severity);
/** Body of the webhook's POST. */
struct text outlet_json(const struct alarm_event *event);
/** One line for syslog, without its end. */
struct text outlet_line(const struct alarm_event *event);

/**
 * "https://..." for any host, "http://..." for this machine's own addresses.
 * The URL may be a secret, so it is no part of any message; host is.
 */
#define OUTLET_HOST_SIZE 256
bool outlet_url_is_good(const char *url, char host[OUTLET_HOST_SIZE]);

#endif
