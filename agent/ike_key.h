/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * ike_key.h - the file of this router's key for IKE
 *
 * Effects: STATE/ike.key (PEM, mode 0600). It is another one than the key for
 * management, and of the enrolment: identity.c puts a new one into its place with
 * each, and takes it away with the rest. It never leaves the router.
 */
#ifndef PPVPN_AGENT_IKE_KEY_H
#define PPVPN_AGENT_IKE_KEY_H

#include "err.h"

/**
 * @param pem	to be wiped and freed
 * @return		0; -ENOENT: there is none; -EINVAL: it is no key; else -errno
 */
int ike_key_load(const char *state_dir, char **pem, struct err *e);
/**
 * That, or a new one where there is none, or none that is a key. It is on disk
 * for good when this returns.
 *
 * @return		0, or -errno; -EBUSY: somebody enrols
 */
int ike_key_make(const char *state_dir, char **pem, struct err *e);
/**
 * Remove the one that is pem; one that another enrolment has put there since
 * stays.
 *
 * @return		0, or -errno; -EBUSY: somebody enrols
 */
int ike_key_remove(const char *state_dir, const char *pem, struct err *e);

#endif
