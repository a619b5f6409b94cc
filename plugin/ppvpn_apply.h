/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/**
 * @defgroup ppvpn_apply ppvpn_apply
 * @{ @ingroup ppvpn
 *
 * Changes a set: all of a change, or nothing.
 */

#ifndef PPVPN_APPLY_H_
#define PPVPN_APPLY_H_

#include "ppvpn_set.h"

typedef struct ppvpn_change_t ppvpn_change_t;
typedef struct ppvpn_counts_t ppvpn_counts_t;
typedef struct ppvpn_removed_t ppvpn_removed_t;
typedef enum ppvpn_update_part_t ppvpn_update_part_t;

/**
 * A change of some connections.
 */
struct ppvpn_change_t {
	/** the revision this change is made for */
	char *base_revision;
	/** the revision afterwards */
	char *revision;
	/** connections to add or replace, ppvpn_conn_t; names are unique */
	array_t *upsert;
	/** names to remove, char*; unique and none of upsert's */
	array_t *remove;
	/** credentials to add or replace, ppvpn_cred_t; names are unique; NULL
	 * for none */
	array_t *upsert_creds;
	/** names of credentials to remove, char*; unique and none of
	 * upsert_creds'; NULL for none */
	array_t *remove_creds;
};

/**
 * What a change did.
 */
struct ppvpn_counts_t {
	/** names that were not there before */
	u_int added;
	/** names with another tag than before */
	u_int changed;
	/** names that are gone */
	u_int removed;
	/** names with the same tag as before */
	u_int unchanged;
	/** credentials that are gone or different: what charon remembers of
	 * certificates may be wrong now */
	u_int credentials;
};

/**
 * What of an update is not possible.
 */
enum ppvpn_update_part_t {
	PPVPN_UPDATE_UPSERT,
	PPVPN_UPDATE_REMOVE,
	PPVPN_UPDATE_UPSERT_CREDS,
	PPVPN_UPDATE_REMOVE_CREDS,
};

/**
 * What is no longer in a set, each with a reference, and may only be released
 * without a lock.
 */
struct ppvpn_removed_t {
	/** connections, ppvpn_conn_t */
	array_t *conns;
	/** credentials, ppvpn_cred_t, some are NULL */
	array_t *creds;
};

/**
 * Does a set have everything that is to be removed?
 *
 * @param part		receives what of the change it does not have
 * @param index		receives which element of that part
 */
bool ppvpn_apply_check(ppvpn_set_t *set, ppvpn_change_t *change,
					   ppvpn_update_part_t *part, u_int *index);

/**
 * Change a set that has everything that is to be removed.  The set's owner
 * locks.
 *
 * @param removed	receives what is to be released by ppvpn_removed_destroy()
 * @param counts	receives what changed, zero before
 * @param part		receives what of the change is not possible
 * @param index		receives which element of that part
 * @return			PPVPN_NO_CLASH if the set is changed
 */
ppvpn_clash_t ppvpn_apply(ppvpn_set_t *set, ppvpn_change_t *change,
						  ppvpn_removed_t *removed, ppvpn_counts_t *counts,
						  ppvpn_update_part_t *part, u_int *index);

/**
 * Release what is no longer in a set.
 */
void ppvpn_removed_destroy(ppvpn_removed_t *removed);

#endif /** PPVPN_APPLY_H_ @}*/
