/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * name.h - identifiers and places: CUSTOMER/CE, CUSTOMER/VPN, CUSTOMER/VPN/SITE
 *
 * Pure. Identifiers are DNS labels: ^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$
 */
#ifndef PPVPN_NAME_H
#define PPVPN_NAME_H

#include <stdbool.h>
#include "err.h"

#define NAME_MAX_LEN 63
#define NAME_SIZE (NAME_MAX_LEN + 1)
#define PLACE_SIZE (3 * NAME_SIZE)
#define FQDN_SIZE 254
/* "ppvpn:" customer ":" vpn ":" peer */
#define CONN_NAME_SIZE (6 + 3 * NAME_SIZE)

bool name_is_label(const char *s);
/** A label, or two of them joined by a dot: "corp", "corp.fast". */
bool name_is_labels(const char *s);
/** Labels joined by dots, at most 253 bytes, at least one dot. */
bool name_is_fqdn(const char *s);

/**
 * Split "a/b" or "a/b/c" into exactly n labels.
 *
 * @param what	for the error, e.g. "CUSTOMER/VPN/SITE"
 * @return		0, or -EINVAL with e filled
 */
int place_parse(const char *s, unsigned n, char out[][NAME_SIZE],
				const char *what, struct err *e);

/** "ppvpn:customer:vpn:peer" */
void conn_name_build(char out[CONN_NAME_SIZE], const char *customer,
					 const char *vpn, const char *peer);
/** The reverse; false when it is not such a name. Any out may be NULL. */
bool conn_name_split(const char *name, char customer[NAME_SIZE],
					 char vpn[NAME_SIZE], char peer[NAME_SIZE]);

#endif
