/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * conf_words.h - the words of the configuration, for the server and its clients
 *
 * Pure. Each list in the order of its enum, ended by NULL.
 */
#ifndef PPVPN_SERVER_CONF_WORDS_H
#define PPVPN_SERVER_CONF_WORDS_H

extern const char *const conf_topologies[];	/* enum model_topology */
extern const char *const conf_roles[];		/* enum model_role */
extern const char *const conf_grades[];		/* enum grade */
extern const char *const conf_authentications[];	/* enum model_auth */
extern const char *const conf_revocations[];	/* enum model_revocation */

/* Kinds of things, by their words in the audit. */
enum conf_kind
{
	CONF_CUSTOMER, CONF_VPN, CONF_PROFILE, CONF_CE, CONF_SITE, CONF_LINK,
	CONF_OPERATOR,		/* of no customer, told to no CE */
	CONF_KIND_COUNT
};
extern const char *const conf_kinds[];

#endif
