/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/**
 * @defgroup ppvpn_revocation ppvpn_revocation
 * @{ @ingroup ppvpn
 *
 * What revocation lists say about a certificate.
 */

#ifndef PPVPN_REVOCATION_H_
#define PPVPN_REVOCATION_H_

#include "ppvpn_compat.h"

#include <credentials/certificates/crl.h>
#include <credentials/certificates/x509.h>

typedef struct ppvpn_revocation_t ppvpn_revocation_t;
typedef enum ppvpn_revoked_t ppvpn_revoked_t;

/**
 * What is known about a certificate.
 */
enum ppvpn_revoked_t {
	/** a list of its issuer that is valid now does not name it */
	PPVPN_REVOKED_NO,
	/** no list names it, but none of its issuer's is valid now */
	PPVPN_REVOKED_UNKNOWN,
	/** a list of its issuer names it, valid or not */
	PPVPN_REVOKED_YES,
};

/**
 * Some lists and who signed them.  Not thread-safe while lists are added;
 * after that it is only read.
 */
struct ppvpn_revocation_t {

	/**
	 * Add a list, whose signature was verified.
	 *
	 * @param crl		the list, a reference is taken
	 * @param issuer	certificate of who signed it
	 * @return			FALSE if it is no complete list, or the key is unknown
	 */
	bool (*add)(ppvpn_revocation_t *this, certificate_t *crl,
				certificate_t *issuer);

	/**
	 * Look a certificate up; costs the logarithm of the longest list.
	 *
	 * @param subject	certificate
	 * @param issuer	certificate of who issued it
	 * @param now		time for which a list has to be valid
	 */
	ppvpn_revoked_t (*check)(ppvpn_revocation_t *this, x509_t *subject,
							 certificate_t *issuer, time_t now);

	/**
	 * Destroy it.
	 */
	void (*destroy)(ppvpn_revocation_t *this);
};

/**
 * Create it without lists.
 */
ppvpn_revocation_t *ppvpn_revocation_create(void);

#endif /** PPVPN_REVOCATION_H_ @}*/
