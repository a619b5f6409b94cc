/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * bundle.h - who a diagnostic bundle is of
 *
 * Pure. A bundle is kept and handed on as it came; of its members only those of
 * the outermost object that name it are looked at.
 */
#ifndef PPVPN_SERVER_BUNDLE_H
#define PPVPN_SERVER_BUNDLE_H

#include <stdbool.h>

/**
 * Whether the outermost object has this member with this string for value,
 * written without escapes. json passed json_scan() before.
 */
bool bundle_says(const char *json, const char *member, const char *value);

#endif
