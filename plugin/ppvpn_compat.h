/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/**
 * @file
 * Differences between the strongSwan versions this plugin is built against.
 *
 * Owns every #if on a version; included first by every file of the plugin.
 * PPVPN_STRONGSWAN_VERSION comes from configure: 50908 for 5.9.8.
 */

#ifndef PPVPN_COMPAT_H_
#define PPVPN_COMPAT_H_

#ifndef CONFIG_H_INCLUDED
# error "build with -include CHARONS/config.h, see m4/strongswan.m4"
#endif

/* Debian configures --enable-mediation, which puts members in the middle of
 * peer_cfg_t and others: without it, get_ref() silently becomes destroy(). */
#ifndef ME
# error "charon's config.h lacks ME: configure it with --enable-mediation"
#endif

#ifndef PPVPN_STRONGSWAN_VERSION
# error "PPVPN_STRONGSWAN_VERSION is not set, see m4/strongswan.m4"
#endif

#include <library.h>
#include <daemon.h>

/**
 * Initiate without waiting for the result, in the calling thread.
 *
 * @param peer		peer_cfg_t to initiate (adopted)
 * @param child		child_cfg_t to initiate (adopted)
 */
static inline status_t compat_initiate(peer_cfg_t *peer, child_cfg_t *child)
{
#if PPVPN_STRONGSWAN_VERSION >= 50911
	return charon->controller->initiate(charon->controller, peer, child,
										NULL, NULL, 0, 0, FALSE);
#else
	return charon->controller->initiate(charon->controller, peer, child,
										NULL, NULL, 0, FALSE);
#endif
}

/**
 * Switch off MOBIKE in the data for a peer_cfg_t.
 */
static inline void compat_no_mobike(peer_cfg_create_t *data)
{
#if PPVPN_STRONGSWAN_VERSION >= 60002
	data->options |= OPT_NO_MOBIKE;
#else
	data->no_mobike = TRUE;
#endif
}

#endif /** PPVPN_COMPAT_H_ */
