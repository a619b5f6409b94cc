/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * conffile.h - configuration files: sections of key = value, read by a table
 *
 * Effects: reads one file. Unknown sections and keys, duplicates and bad values
 * are errors with file:line. A comment begins with # or ; at the start of a line
 * or after a space; values are printable ASCII, one line each, never quoted.
 */
#ifndef PPVPN_CONFFILE_H
#define PPVPN_CONFFILE_H

#include "err.h"

/**
 * Called for each "key = value" in order, with the section's name and argument:
 * "[vpn acme/corp]" gives section "vpn", arg "acme/corp"; "[agent]" gives arg "".
 * Returns 0 or -errno with e->code and e->text filled; where is added here.
 */
typedef int (*conf_fn)(void *user, const char *section, const char *arg,
					   const char *key, const char *value, struct err *e);

/** @return 0, or -errno with e filled ("agent.conf:12") */
int conffile_read(const char *path, conf_fn fn, void *user, struct err *e);

#endif
