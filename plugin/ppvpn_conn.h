/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/**
 * @defgroup ppvpn_conn ppvpn_conn
 * @{ @ingroup ppvpn
 *
 * One connection: what charon needs to talk to one peer in one VPN.
 */

#ifndef PPVPN_CONN_H_
#define PPVPN_CONN_H_

#include "ppvpn_cred.h"

typedef struct ppvpn_conn_t ppvpn_conn_t;
typedef struct ppvpn_conn_spec_t ppvpn_conn_spec_t;
typedef enum ppvpn_conn_part_t ppvpn_conn_part_t;

/** How the names of our connections start. */
#define PPVPN_CONN_PREFIX "ppvpn:"

/** Most proposals of one connection, for IKE and for ESP each. */
#define PPVPN_MAX_PROPOSALS 16

/** Most keys of one connection. */
#define PPVPN_MAX_KEYS 4

/**
 * Values of a connection, as decoded.  Strings are borrowed, keys are not.
 */
struct ppvpn_conn_spec_t {
	/** name of the connection and of its child */
	char *name;
	/** opaque digest of the whole connection */
	char *tag;
	/** IPv4 address of this end */
	char *local_address;
	/** IPv4 address of the peer, or "%any" */
	char *remote_address;
	/** FQDN identity of this end */
	char *local_identity;
	/** FQDN identity of the peer */
	char *remote_identity;
	/** IKE proposals, NULL-terminated */
	char *proposals[PPVPN_MAX_PROPOSALS + 1];
	/** ESP proposals, NULL-terminated */
	char *esp_proposals[PPVPN_MAX_PROPOSALS + 1];
	/** rekey time of the IKE_SA, in s */
	uint32_t rekey_time;
	/** rekey time of the CHILD_SA, in s */
	uint32_t child_rekey_time;
	/** DPD interval in s, 0 for none */
	uint32_t dpd_delay;
	/** mark of the tunnelled packets, in and out */
	uint32_t mark;
	/** mark of the encrypted packets, 0 for none */
	uint32_t set_mark_out;
	/** keys, the one to send first (adopted by ppvpn_conn_create()) */
	chunk_t keys[PPVPN_MAX_KEYS];
	/** number of keys, 0 if there are credentials */
	u_int key_count;
	/** name of credentials, NULL if there are keys only */
	char *credentials;
	/** the certificate is sent, not a key */
	bool certificate_sent;
};

/**
 * What ppvpn_conn_create() could not make charon understand.
 */
enum ppvpn_conn_part_t {
	PPVPN_CONN_OK,
	PPVPN_CONN_LOCAL_ADDRESS,
	PPVPN_CONN_REMOTE_ADDRESS,
	PPVPN_CONN_PROPOSALS,
	PPVPN_CONN_ESP_PROPOSALS,
};

/**
 * A connection.  Read-only and shared once it is in a set; refcounted.
 */
struct ppvpn_conn_t {

	/** name of the connection */
	char *name;

	/** opaque digest of the whole connection */
	char *tag;

	/** IKE proposals as text, comma-separated */
	char *proposals;

	/** address of this end */
	host_t *local;

	/** address of the peer, %any if not known */
	host_t *remote;

	/** identity of this end */
	identification_t *local_id;

	/** identity of the peer */
	identification_t *remote_id;

	/** IKE configuration */
	ike_cfg_t *ike_cfg;

	/** configuration of the peer with its one child, authenticated by key;
	 * NULL if there is none */
	peer_cfg_t *peer_cfg;

	/** keys, the one to send first */
	shared_key_t *keys[PPVPN_MAX_KEYS];

	/** number of keys */
	u_int key_count;

	/** name of credentials, NULL if there is no certificate */
	char *credentials;

	/** the certificate is sent, not a key */
	bool certificate_sent;

	/**
	 * Create the configuration of the peer that is authenticated by
	 * certificate.  It is made when it is needed, so that a change of the
	 * credentials does not touch the connections that name them.
	 *
	 * @param cred		credentials
	 * @return			configuration, with the same child
	 */
	peer_cfg_t *(*create_certificate_cfg)(ppvpn_conn_t *this,
										  ppvpn_cred_t *cred);

	/**
	 * Get a reference.
	 *
	 * @return			this
	 */
	ppvpn_conn_t *(*get_ref)(ppvpn_conn_t *this);

	/**
	 * Release a reference; wipes the keys with the last one.
	 */
	void (*destroy)(ppvpn_conn_t *this);
};

/**
 * Create a connection from its values.
 *
 * @param spec		values; its keys are adopted, or wiped on failure
 * @param part		receives what failed
 * @param index		receives which one of it failed
 * @return			connection, NULL on failure
 */
ppvpn_conn_t *ppvpn_conn_create(ppvpn_conn_spec_t *spec,
								ppvpn_conn_part_t *part, u_int *index);

/**
 * Wipe and free the keys of values that no connection was made of.
 */
void ppvpn_conn_spec_clear(ppvpn_conn_spec_t *spec);

/**
 * Create an IKE configuration as all our connections use it, no proposals.
 *
 * @param local		local address
 * @param remote	remote address, or "%any"
 */
ike_cfg_t *ppvpn_ike_cfg_create(char *local, char *remote);

#endif /** PPVPN_CONN_H_ @}*/
