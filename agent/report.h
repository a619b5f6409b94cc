/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * report.h - the agent's state as JSON: for the server and for ppvpnctl
 *
 * Reads the agent's state, changes nothing, sends nothing.
 */
#ifndef PPVPN_AGENT_REPORT_H
#define PPVPN_AGENT_REPORT_H

#include "text.h"

struct agent;
struct desired;
struct observation;
struct plan;

/** The "ce-status/1" report. */
struct text report_for_server(struct agent *a);
/** Answers of the control socket; doc/agent-control.md has their shapes. */
struct text report_status(const struct agent *a);
struct text report_peers(const struct agent *a);
struct text report_alarms(const struct agent *a);
/** {"lines":[...]}: Prometheus' format, doc/agent-metrics.md. */
struct text report_metrics(const struct agent *a);
/** The "ce-diag/1" bundle, at most DIAG_MAX bytes. */
struct text report_diag(const struct agent *a, const struct plan *plan,
						const struct desired *desired,
						const struct observation *seen);

#endif
