/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/**
 * @defgroup ppvpn_cred_decode ppvpn_cred_decode
 * @{ @ingroup ppvpn
 *
 * From the JSON of credentials to the credentials.
 */

#ifndef PPVPN_CRED_DECODE_H_
#define PPVPN_CRED_DECODE_H_

#include "ppvpn_json.h"
#include "ppvpn_table.h"

/**
 * Read credentials, or take those in the table if they have the same tag.
 *
 * @param value		JSON object
 * @param at		where it is
 * @param table		current credentials
 * @param error		receives what is wrong
 * @return			credentials, new reference, NULL if something is wrong
 */
ppvpn_cred_t *ppvpn_decode_cred(json_object *value, const json_at_t *at,
								ppvpn_table_t *table, ppvpn_error_t *error);

/**
 * Read the name of credentials, a json_read_t.
 *
 * @param dst		char**, receives the name, belongs to value
 */
bool ppvpn_decode_cred_name(json_object *value, const json_at_t *at,
							void *dst, ppvpn_error_t *error);

#endif /** PPVPN_CRED_DECODE_H_ @}*/
