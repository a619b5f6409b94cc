/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * topology.h - which sites have a tunnel, and who begins it
 *
 * Pure. Words of RFC 8299 and RFC 9181: any-to-any, hub-spoke (spokes reach each
 * other through a hub), hub-spoke-disjoint (not at all), custom (only tunnels
 * that are named). What is said of two sites by hand comes on top.
 */
#ifndef PPVPN_SERVER_TOPOLOGY_H
#define PPVPN_SERVER_TOPOLOGY_H

#include <stdbool.h>
#include <stdint.h>

/** Whether the topology itself gives two sites of these roles a tunnel. */
bool topology_links(int topology, int role_a, int role_b);
/** Whether a site may have this role in this topology. */
bool topology_has_role(int topology, int role);
/** The role of a site of which nothing was said. */
int topology_default_role(int topology);
/**
 * Whether of two sites a, with id a_id, begins: the spoke towards its hub, for
 * it may be behind a NAT and the hub has many; else by turns, so that every
 * site of a mesh begins about half of its tunnels.
 */
bool topology_begins(int role_a, uint64_t a_id, int role_b, uint64_t b_id);

#endif
