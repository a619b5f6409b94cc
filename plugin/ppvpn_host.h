/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/**
 * @defgroup ppvpn_host ppvpn_host
 * @{ @ingroup ppvpn
 *
 * Is the charon around us of the version that this plugin is built for? In
 * another one objects have other members. From 6.0.3 on charon asks that itself;
 * before, this is all there is. So it uses nothing of strongSwan's.
 *
 * Asked is the executable: Debian's libraries do not have the version in them,
 * and its packages of all of them go together. Build ids differ with every
 * revision of a package, also where nothing else does.
 */

#ifndef PPVPN_HOST_H_
#define PPVPN_HOST_H_

#include <stddef.h>

/** Of a longer file is not known what it is; bytes. */
#define PPVPN_HOST_MAX (64 * 1024 * 1024)

typedef enum {
	PPVPN_HOST_SAME,		/**< it has the version */
	PPVPN_HOST_OTHER,		/**< it has not */
	PPVPN_HOST_UNKNOWN,		/**< it could not be read */
} ppvpn_host_t;

/**
 * Does an executable contain a version: its text, a NUL behind it, neither a
 * digit nor a dot before it? Any thread.
 *
 * @param path		"/proc/self/exe": the running one, even when it was replaced
 * @param version	"5.9.8", of 1 to 63 bytes
 */
ppvpn_host_t ppvpn_host_check(const char *path, const char *version);

#endif /** PPVPN_HOST_H_ @}*/
