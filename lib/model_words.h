/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * model_words.h - what decoder, encoder and checks of the model share
 *
 * Pure. The words of each enum in its order, and the order of lists.
 */
#ifndef PPVPN_MODEL_WORDS_H
#define PPVPN_MODEL_WORDS_H

#include "model.h"

/* what every JSON reader can hold: 2^53 - 1 */
#define MODEL_NUMBER_MAX 9007199254740991u

extern const char *const model_states[];
extern const char *const model_topologies[];
extern const char *const model_roles[];
extern const char *const model_auths[];
extern const char *const model_revocations[];
extern const char *const model_establishments[];
extern const char *const model_ipsec_modes[];
extern const char *const model_routings[];
extern const char *const model_key_uses[];
extern const char *const model_initiators[];

/* for qsort() of the structs */
int model_profile_compare(const void *a, const void *b);
int model_vpn_compare(const void *a, const void *b);
int model_peer_compare(const void *a, const void *b);
int model_removed_compare(const void *a, const void *b);

/** NULL when the document has no such profile. */
const struct model_profile *model_profile_find(const struct model_document *doc,
											   const char *name);

#endif
