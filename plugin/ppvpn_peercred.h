/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/**
 * @defgroup ppvpn_peercred ppvpn_peercred
 * @{ @ingroup ppvpn
 *
 * Who may use the socket.
 */

#ifndef PPVPN_PEERCRED_H_
#define PPVPN_PEERCRED_H_

#include "ppvpn_compat.h"

/**
 * Create a listening Unix socket, mode 0660.
 *
 * @param path		where; a socket that is there already is replaced
 * @param group		group that owns it, -1 for charon's own
 * @return			file descriptor, non-blocking, -1 on failure
 */
int ppvpn_listen(char *path, gid_t group);

/**
 * Find a group.
 *
 * @return			its ID, -1 if there is none
 */
gid_t ppvpn_find_group(char *name);

/**
 * May the process at the other end of a socket use it?
 *
 * @param fd		connected socket
 * @param group		group that may, -1 for none
 * @return			TRUE for root, charon's user and members of the group
 */
bool ppvpn_peer_permitted(int fd, gid_t group);

/**
 * The same for known credentials.
 *
 * @param uid		user
 * @param groups	groups of the process
 * @param count		number of groups
 */
bool ppvpn_ids_permitted(uid_t uid, gid_t *groups, size_t count, gid_t group);

#endif /** PPVPN_PEERCRED_H_ @}*/
