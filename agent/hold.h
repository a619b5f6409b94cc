/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * hold.h - a VPN that is asked too much of stays as it was
 *
 * Owns STATE/held: for every VPN that agent.conf bounds and the document in force
 * goes beyond, the last form of it that did not, sealed as lastconf.h does, so
 * that a restart or a reboot changes nothing either. A VPN that never was within
 * its bounds stays out.
 */
#ifndef PPVPN_AGENT_HOLD_H
#define PPVPN_AGENT_HOLD_H

#include "conf.h"
#include "err.h"
#include "model.h"

struct hold;

/* a VPN that the document asks too much of */
struct hold_refused {
	char place[PLACE_SIZE];
	struct err err;				/* ERR_POLICY */
};

/** conf: alive until hold_free(); texts are copied. Reads nothing yet. */
struct hold *hold_new(const struct conf *conf, const char *state_dir,
					  const char *ce);
void hold_free(struct hold *h);
/**
 * The document with every refused VPN as it was, or without it: doc itself when
 * none is. Valid until the next call and as long as doc is. A file that cannot
 * be written or read is a warning in the log.
 */
const struct model_document *hold_document(struct hold *h,
										   const struct model_document *doc);
/**
 * The document of the last call is the last known configuration on disk. Until
 * then what a VPN was before is not forgotten: after a kill, or when the document
 * is taken back, it is needed again.
 */
void hold_kept(struct hold *h);
/** Of the last call. */
const struct hold_refused *hold_refused(const struct hold *h, size_t *count);
/** Remove all files: this router leaves. */
int hold_remove(const char *state_dir, struct err *e);

#endif
