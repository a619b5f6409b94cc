/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/**
 * @defgroup ppvpn_cred ppvpn_cred
 * @{ @ingroup ppvpn
 *
 * Credentials: what connections authenticate with by certificate, and by what
 * they judge their peers.
 */

#ifndef PPVPN_CRED_H_
#define PPVPN_CRED_H_

#include "ppvpn_revocation.h"

#include <collections/array.h>
#include <credentials/auth_cfg.h>

typedef struct ppvpn_cred_t ppvpn_cred_t;
typedef struct ppvpn_cred_spec_t ppvpn_cred_spec_t;
typedef struct ppvpn_pems_t ppvpn_pems_t;
typedef enum ppvpn_cred_part_t ppvpn_cred_part_t;

/** Most certificates, authorities, or revocation lists of one credentials. */
#define PPVPN_MAX_CERTS 8

/** Most bytes of a certificate or private key. */
#define PPVPN_MAX_CERT_LEN 16384

/** Most bytes of a revocation list. */
#define PPVPN_MAX_LIST_LEN 262144

/** Most bytes of the name of credentials. */
#define PPVPN_MAX_CRED_NAME 255

/**
 * Some PEM texts.
 */
struct ppvpn_pems_t {
	/** the texts, borrowed */
	char *pem[PPVPN_MAX_CERTS];
	/** number of them */
	u_int count;
};

/**
 * Values of credentials, as decoded.  Strings are borrowed.
 */
struct ppvpn_cred_spec_t {
	/** name of the credentials */
	char *name;
	/** opaque digest of all of them */
	char *tag;
	/** peers without a valid revocation list are refused */
	bool strict;
	/** own certificate, then those between it and an authority */
	ppvpn_pems_t certificates;
	/** private key of the own certificate */
	char *private_key;
	/** certificates of authorities */
	ppvpn_pems_t authorities;
	/** revocation lists */
	ppvpn_pems_t lists;
};

/**
 * Where something is wrong with credentials.
 */
enum ppvpn_cred_part_t {
	PPVPN_CRED_CERTIFICATES,
	PPVPN_CRED_PRIVATE_KEY,
	PPVPN_CRED_AUTHORITIES,
	PPVPN_CRED_LISTS,
};

/**
 * Credentials.  Read-only and shared; refcounted.
 */
struct ppvpn_cred_t {

	/** name of the credentials */
	char *name;

	/** opaque digest of all of them */
	char *tag;

	/** peers without a valid revocation list are refused */
	bool strict;

	/** own certificate, then those between it and an authority */
	certificate_t *certificates[PPVPN_MAX_CERTS];

	/** number of certificates */
	u_int certificate_count;

	/** private key of the own certificate */
	private_key_t *key;

	/** fingerprint of that key, as charon asks for it */
	identification_t *keyid;

	/** authorities, all self-signed */
	certificate_t *authorities[PPVPN_MAX_CERTS];

	/** number of authorities */
	u_int authority_count;

	/** revocation lists */
	certificate_t *lists[PPVPN_MAX_CERTS];

	/** who signed each of them, one of certificates or authorities */
	certificate_t *signers[PPVPN_MAX_CERTS];

	/** number of revocation lists */
	u_int list_count;

	/** bytes of text they were made of */
	size_t size;

	/**
	 * Is a peer whose certificate charon verified to be let in?
	 *
	 * charon verifies signatures and lifetimes, below any authority that
	 * anybody trusts; everything else is decided here, from these credentials
	 * alone.
	 *
	 * @param auth		what charon found: certificates of the peer, up to the
	 *					authority
	 * @param identity	identity of the peer
	 * @param now		time for which revocation lists have to be valid
	 * @return			name of the alert that says why not, NULL if it is
	 */
	const char *(*find_objection)(ppvpn_cred_t *this, auth_cfg_t *auth,
								  identification_t *identity, time_t now);

	/**
	 * Collect certificates and revocation lists, as charon asks for them.
	 *
	 * @param type		which type; CERT_ANY for any but lists
	 * @param key		which type of public key
	 * @param id		subject; of lists the issuer, or the key identifier of
	 *					who signed it; NULL for all
	 * @param trusted	authorities only
	 * @param array		receives certificate_t, new references
	 */
	void (*get_certs)(ppvpn_cred_t *this, certificate_type_t type,
					  key_type_t key, identification_t *id, bool trusted,
					  array_t *array);

	/**
	 * Get the private key, for who knows its fingerprint.
	 *
	 * @param type		which type
	 * @param id		fingerprint
	 * @return			new reference, NULL if it is not the one
	 */
	private_key_t *(*get_private)(ppvpn_cred_t *this, key_type_t type,
								  identification_t *id);

	/**
	 * Get a reference.
	 *
	 * @return			this
	 */
	ppvpn_cred_t *(*get_ref)(ppvpn_cred_t *this);

	/**
	 * Release a reference; the key goes with the last one.
	 */
	void (*destroy)(ppvpn_cred_t *this);
};

/**
 * Create credentials from their values.
 *
 * @param spec		values
 * @param part		receives where something is wrong
 * @param index		receives in which element of it
 * @param reason	receives what is wrong, a constant
 * @return			credentials, NULL if something is wrong
 */
ppvpn_cred_t *ppvpn_cred_create(ppvpn_cred_spec_t *spec,
								ppvpn_cred_part_t *part, u_int *index,
								const char **reason);

#endif /** PPVPN_CRED_H_ @}*/
