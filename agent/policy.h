/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * policy.h - what this router's owner lets the provider ask of a VPN
 *
 * Pure. The bounds are agent.conf's (conf.h): number of peers, addresses of
 * peers, router-ids, OSPF areas. What a document cannot ask at all (links, VRFs,
 * tables, routes, firewall) needs no bound.
 */
#ifndef PPVPN_AGENT_POLICY_H
#define PPVPN_AGENT_POLICY_H

#include <stdbool.h>
#include "conf.h"
#include "model.h"

/** Does agent.conf bound this VPN at all? */
bool policy_has_bounds(const struct conf_vpn *place);
/**
 * @return 0, or -EPERM with e: ERR_POLICY, where the key of agent.conf, and what
 *		   the document asks that is beyond it
 */
int policy_check(const struct conf_vpn *place, const struct model_vpn *vpn,
				 struct err *e);

#endif
