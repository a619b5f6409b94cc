/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/**
 * @defgroup ppvpn_decode ppvpn_decode
 * @{ @ingroup ppvpn
 *
 * From the JSON of a connection to the connection.
 */

#ifndef PPVPN_DECODE_H_
#define PPVPN_DECODE_H_

#include "ppvpn_json.h"
#include "ppvpn_table.h"

/**
 * Read the values of a connection.
 *
 * @param value		JSON object
 * @param at		where it is
 * @param spec		receives the values; strings belong to value, the keys to
 *					the caller, even if something is wrong
 * @param error		receives what is wrong
 * @return			FALSE if something is
 */
bool ppvpn_decode_spec(json_object *value, const json_at_t *at,
					   ppvpn_conn_spec_t *spec, ppvpn_error_t *error);

/**
 * Read a connection, or take the one in the table if it has the same tag.
 *
 * @param value		JSON object
 * @param at		where it is
 * @param table		current connections
 * @param error		receives what is wrong
 * @return			connection, new reference, NULL if something is wrong
 */
ppvpn_conn_t *ppvpn_decode_conn(json_object *value, const json_at_t *at,
								ppvpn_table_t *table, ppvpn_error_t *error);

/**
 * Read which of several is sent, a json_read_t.
 *
 * @param dst		bool*, receives TRUE for "send-and-accept", FALSE for
 *					"accept-only"
 */
bool ppvpn_decode_use(json_object *value, const json_at_t *at, void *dst,
					  ppvpn_error_t *error);

/**
 * Read a tag, a json_read_t.
 *
 * @param dst		char**, receives the tag, belongs to value
 */
bool ppvpn_decode_tag(json_object *value, const json_at_t *at, void *dst,
					  ppvpn_error_t *error);

/**
 * Read the name of a connection, a json_read_t.
 *
 * @param dst		char**, receives the name, belongs to value
 */
bool ppvpn_decode_name(json_object *value, const json_at_t *at, void *dst,
					   ppvpn_error_t *error);

/**
 * Read a revision, a json_read_t.
 *
 * @param dst		char**, receives the revision, belongs to value
 */
bool ppvpn_decode_revision(json_object *value, const json_at_t *at, void *dst,
						   ppvpn_error_t *error);

#endif /** PPVPN_DECODE_H_ @}*/
