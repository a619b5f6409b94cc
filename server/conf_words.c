/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * conf_words.c - the words of the configuration
 *
 * Pure.
 */
#include "config.h"

#include <stddef.h>

#include "server/conf_words.h"

const char *const conf_topologies[] = {
	"any-to-any", "hub-spoke", "hub-spoke-disjoint", "custom", NULL
};
const char *const conf_roles[] = {
	"any-to-any-role", "hub-role", "spoke-role", "custom-role", NULL
};
const char *const conf_grades[] = { "basic", "standard", "high", NULL };
const char *const conf_authentications[] = {
	"pre-shared", "certificate", NULL
};
const char *const conf_revocations[] = { "strict", "relaxed", NULL };
const char *const conf_kinds[] = {
	"customer", "vpn", "sa-profile", "ce", "site", "link", "operator", NULL
};
