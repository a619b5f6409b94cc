/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/**
 * @defgroup ppvpn_change ppvpn_change
 * @{ @ingroup ppvpn
 *
 * The requests that change the table: begin, put, commit, abort, update.
 */

#ifndef PPVPN_CHANGE_H_
#define PPVPN_CHANGE_H_

#include "ppvpn_json.h"
#include "ppvpn_table.h"

/**
 * Handle a request that changes the table, or prepares to.
 *
 * @param table		connections
 * @param staged	set under construction of this client, NULL if none
 * @param request	the request
 * @param reply		receives the members of the answer
 * @param error		receives what is wrong
 * @return			FALSE if something is; nothing is changed then
 */
typedef bool (*ppvpn_change_handler_t)(ppvpn_table_t *table,
									   ppvpn_set_t **staged,
									   json_object *request,
									   json_object *reply,
									   ppvpn_error_t *error);

/**
 * Start a new set.
 */
bool ppvpn_change_begin(ppvpn_table_t *table, ppvpn_set_t **staged,
						json_object *request, json_object *reply,
						ppvpn_error_t *error);

/**
 * Add connections to it.
 */
bool ppvpn_change_put(ppvpn_table_t *table, ppvpn_set_t **staged,
					  json_object *request, json_object *reply,
					  ppvpn_error_t *error);

/**
 * Let it replace the current set.
 */
bool ppvpn_change_commit(ppvpn_table_t *table, ppvpn_set_t **staged,
						 json_object *request, json_object *reply,
						 ppvpn_error_t *error);

/**
 * Drop it.
 */
bool ppvpn_change_abort(ppvpn_table_t *table, ppvpn_set_t **staged,
						json_object *request, json_object *reply,
						ppvpn_error_t *error);

/**
 * Change some connections of the current set.
 */
bool ppvpn_change_update(ppvpn_table_t *table, ppvpn_set_t **staged,
						 json_object *request, json_object *reply,
						 ppvpn_error_t *error);

#endif /** PPVPN_CHANGE_H_ @}*/
