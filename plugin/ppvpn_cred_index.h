/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/**
 * @defgroup ppvpn_cred_index ppvpn_cred_index
 * @{ @ingroup ppvpn
 *
 * The credentials of a set, by name.
 */

#ifndef PPVPN_CRED_INDEX_H_
#define PPVPN_CRED_INDEX_H_

#include "ppvpn_cred.h"

typedef struct ppvpn_cred_index_t ppvpn_cred_index_t;
typedef struct ppvpn_slot_t ppvpn_slot_t;

/** Most credentials in one set. */
#define PPVPN_MAX_CREDS 4096

/** Most bytes of text that they are made of, together. */
#define PPVPN_MAX_CREDS_SIZE (64 * 1024 * 1024)

/**
 * The place of credentials of one name: stays when they are replaced.
 */
struct ppvpn_slot_t {

	/** the credentials */
	ppvpn_cred_t *cred;

	/** connections that name them, counted by the owner of the index */
	u_int uses;
};

/**
 * Index over credentials.  Not thread-safe: its owner locks.
 *
 * Each operation costs the same with one credentials or thousands, except those
 * that say that they walk.
 */
struct ppvpn_cred_index_t {

	/**
	 * Add credentials, or replace those of the same name.
	 *
	 * @param cred		credentials, a reference is taken on success
	 * @param old		receives what they replace (adopt it), or NULL
	 * @return			FALSE if there are too many, nothing changed then
	 */
	bool (*put)(ppvpn_cred_index_t *this, ppvpn_cred_t *cred,
				ppvpn_cred_t **old);

	/**
	 * Remove credentials that no connection names.
	 *
	 * @param name		their name
	 * @return			credentials (adopt them), NULL if there are none
	 */
	ppvpn_cred_t *(*remove)(ppvpn_cred_index_t *this, char *name);

	/**
	 * Find the place of credentials.
	 *
	 * @return			slot, stays until removed, NULL if there is none
	 */
	ppvpn_slot_t *(*get)(ppvpn_cred_index_t *this, char *name);

	/**
	 * Collect all credentials, as new references.  Walks.
	 */
	void (*get_all)(ppvpn_cred_index_t *this, array_t *array);

	/**
	 * Number of credentials.
	 */
	u_int (*get_count)(ppvpn_cred_index_t *this);

	/**
	 * Release all credentials and free the index.  Walks.
	 */
	void (*destroy)(ppvpn_cred_index_t *this);
};

/**
 * Create an empty index.
 */
ppvpn_cred_index_t *ppvpn_cred_index_create(void);

#endif /** PPVPN_CRED_INDEX_H_ @}*/
