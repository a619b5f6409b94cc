/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/**
 * @defgroup ppvpn ppvpn
 * @{ @ingroup cplugins
 *
 * @defgroup ppvpn_plugin ppvpn_plugin
 * @{ @ingroup ppvpn
 *
 * Connections from an agent instead of from files.
 */

#ifndef PPVPN_PLUGIN_H_
#define PPVPN_PLUGIN_H_

#include "ppvpn_compat.h"

#include <plugins/plugin.h>

typedef struct ppvpn_plugin_t ppvpn_plugin_t;

/**
 * Plugin.
 */
struct ppvpn_plugin_t {

	/**
	 * Implements plugin_t.
	 */
	plugin_t plugin;
};

/**
 * Create the plugin; called by charon.
 */
__attribute__((visibility("default"))) plugin_t *ppvpn_plugin_create(void);

/**
 * Version of strongSwan the plugin is built for; from 6.0.3 on charon checks
 * it.
 */
__attribute__((visibility("default"))) extern const char *ppvpn_plugin_version;

#endif /** PPVPN_PLUGIN_H_ @}@}*/
