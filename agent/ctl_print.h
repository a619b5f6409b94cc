/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * ctl_print.h - the agent's answers for people
 *
 * Pure: texts out.
 */
#ifndef PPVPN_AGENT_CTL_PRINT_H
#define PPVPN_AGENT_CTL_PRINT_H

#include "ctl_answer.h"
#include "text.h"

/** peers: those that are not up are listed; NULL: none known. */
/** At most 23 lines of 80 columns, whatever there is; peers, alarms may be NULL. */
void ctl_print_status(struct text *t, const struct ctl_status *s,
					  const struct ctl_peers *peers,
					  const struct ctl_alarms *alarms);
void ctl_print_peers(struct text *t, const struct ctl_peers *p);
void ctl_print_plan(struct text *t, const struct ctl_plan *p);
void ctl_print_alarms(struct text *t, const struct ctl_alarms *a);
/** What a code of the catalogue means and what to do. */
void ctl_print_event(struct text *t, const struct ctl_event *e);
void ctl_print_metrics(struct text *t, const struct ctl_metrics *m);
void ctl_print_code(struct text *t, enum err_code code);
void ctl_print_codes(struct text *t);

#endif
