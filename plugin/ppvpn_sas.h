/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/**
 * @defgroup ppvpn_sas ppvpn_sas
 * @{ @ingroup ppvpn
 *
 * How the peers of IKE_SAs were authenticated, which VICI does not say.
 */

#ifndef PPVPN_SAS_H_
#define PPVPN_SAS_H_

#include "ppvpn_compat.h"

#include <collections/array.h>

typedef struct ppvpn_sas_t ppvpn_sas_t;
typedef struct ppvpn_sa_t ppvpn_sa_t;

/**
 * An IKE_SA.
 */
struct ppvpn_sa_t {
	/** its unique ID */
	uint32_t id;
	/** its peer was authenticated by certificate, else by key */
	bool certificate;
	/** nothing more can refuse it */
	bool final;
	/** name of its connection */
	char name[256];
};

/**
 * Memory of authenticated IKE_SAs.  Thread-safe; its lock is a leaf, so that
 * hooks may use it under charon's bus mutex.
 */
struct ppvpn_sas_t {

	/**
	 * The peer of an IKE_SA is authenticated.
	 *
	 * @param id			unique ID of the IKE_SA
	 * @param name			name of its connection
	 * @param certificate	by certificate, else by key
	 * @param final			FALSE: it may yet be refused
	 */
	void (*add)(ppvpn_sas_t *this, uint32_t id, char *name, bool certificate,
				bool final);

	/**
	 * Was the peer of an IKE_SA authenticated, finally or not?
	 */
	bool (*has)(ppvpn_sas_t *this, uint32_t id);

	/**
	 * An IKE_SA takes the place of another.
	 *
	 * @param old			unique ID of the old one
	 * @param new			unique ID of the new one
	 */
	void (*replace)(ppvpn_sas_t *this, uint32_t old, uint32_t new);

	/**
	 * An IKE_SA is gone; it need not be known.
	 */
	void (*remove)(ppvpn_sas_t *this, uint32_t id);

	/**
	 * Get those of a connection, or all of them, that nothing can refuse.
	 *
	 * @param name			name of the connection, NULL for all (walks)
	 * @return				ppvpn_sa_t, as values; to be destroyed
	 */
	array_t *(*get)(ppvpn_sas_t *this, char *name);

	/**
	 * Forget everything.
	 */
	void (*destroy)(ppvpn_sas_t *this);
};

/**
 * Create an empty memory.
 */
ppvpn_sas_t *ppvpn_sas_create(void);

#endif /** PPVPN_SAS_H_ @}*/
