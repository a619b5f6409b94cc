/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * ppvpn_creds.c - charon's view of the keys and certificates in the table:
 * credential_set_t
 *
 * Owns nothing; never returns a pre-shared key unless both identities are given
 * and both are, byte by byte, those of one connection.  Certificates and private
 * keys are those of the connection that the asking thread negotiates: charon
 * would let any authority that it can find vouch for the peers of any
 * connection, other VPNs' and the operator's.
 */

#include "ppvpn_creds.h"

typedef struct private_ppvpn_creds_t private_ppvpn_creds_t;

/**
 * Private data of a ppvpn_creds_t object.
 */
struct private_ppvpn_creds_t {

	/**
	 * Public interface.
	 */
	ppvpn_creds_t public;

	/**
	 * Connections.
	 */
	ppvpn_table_t *table;

	/**
	 * Counters.
	 */
	ppvpn_counters_t *counters;
};

/**
 * Enumerator over the keys of one connection
 */
typedef struct {
	/** implements enumerator_t */
	enumerator_t public;
	/** the connection, with a reference */
	ppvpn_conn_t *conn;
	/** next key */
	u_int next;
} keys_enumerator_t;

METHOD(enumerator_t, enumerate_keys, bool,
	keys_enumerator_t *this, va_list args)
{
	id_match_t *me, *other, match;
	shared_key_t **key;

	VA_ARGS_VGET(args, key, me, other);
	if (this->next >= this->conn->key_count)
	{
		return FALSE;
	}
	/* the best match is the key that charon sends with */
	match = this->next == 0 ? ID_MATCH_PERFECT : ID_MATCH_ANY;
	if (me)
	{
		*me = match;
	}
	if (other)
	{
		*other = match;
	}
	*key = this->conn->keys[this->next++];
	return TRUE;
}

METHOD(enumerator_t, destroy_keys, void,
	keys_enumerator_t *this)
{
	this->conn->destroy(this->conn);
	free(this);
}

METHOD(credential_set_t, create_shared_enumerator, enumerator_t*,
	private_ppvpn_creds_t *this, shared_key_type_t type,
	identification_t *me, identification_t *other)
{
	keys_enumerator_t *enumerator;
	ppvpn_conn_t *conn;

	if ((type != SHARED_IKE && type != SHARED_ANY) || !me || !other)
	{
		return NULL;
	}
	ppvpn_count(&this->counters->psk_lookups);
	conn = this->table->get_by_ids(this->table, me, other);
	if (!conn)
	{
		return NULL;
	}
	INIT(enumerator,
		.public = {
			.enumerate = enumerator_enumerate_default,
			.venumerate = _enumerate_keys,
			.destroy = _destroy_keys,
		},
		.conn = conn,
	);
	return &enumerator->public;
}

/**
 * The credentials of the connection that this thread negotiates, NULL if it is
 * none of ours or has none
 */
static ppvpn_cred_t *get_cred(private_ppvpn_creds_t *this, ike_sa_t *ike_sa)
{
	peer_cfg_t *peer_cfg = ike_sa->get_peer_cfg(ike_sa);

	if (!peer_cfg || !strpfx(peer_cfg->get_name(peer_cfg),
							 PPVPN_CONN_PREFIX))
	{
		return NULL;
	}
	return this->table->get_cred_of(this->table,
									peer_cfg->get_name(peer_cfg));
}

static void destroy_certs(array_t *array)
{
	array_destroy_offset(array, offsetof(certificate_t, destroy));
}

/**
 * Collect what all credentials have, for who lists it
 */
static void list_certs(private_ppvpn_creds_t *this, certificate_type_t type,
					   key_type_t key, array_t *array)
{
	char revision[PPVPN_REVISION_LEN];
	enumerator_t *conns, *creds;
	ppvpn_cred_t *cred;

	conns = this->table->create_enumerator(this->table, &creds, revision);
	conns->destroy(conns);
	while (creds->enumerate(creds, &cred))
	{
		cred->get_certs(cred, type, key, NULL, FALSE, array);
	}
	creds->destroy(creds);
}

METHOD(credential_set_t, create_cert_enumerator, enumerator_t*,
	private_ppvpn_creds_t *this, certificate_type_t type, key_type_t key,
	identification_t *id, bool trusted)
{
	ike_sa_t *ike_sa = charon->bus->get_sa(charon->bus);
	ppvpn_cred_t *cred;
	array_t *array;

	array = array_create(0, 0);
	if (ike_sa)
	{
		cred = get_cred(this, ike_sa);
		if (cred)
		{
			ppvpn_count(&this->counters->certificate_lookups);
			cred->get_certs(cred, type, key, id, trusted, array);
			cred->destroy(cred);
		}
	}
	else if (!id && !trusted)
	{
		list_certs(this, type, key, array);
	}
	return enumerator_create_cleaner(array_create_enumerator(array),
									 (void*)destroy_certs, array);
}

METHOD(credential_set_t, create_private_enumerator, enumerator_t*,
	private_ppvpn_creds_t *this, key_type_t type, identification_t *id)
{
	ike_sa_t *ike_sa = charon->bus->get_sa(charon->bus);
	private_key_t *key;
	ppvpn_cred_t *cred;

	cred = ike_sa && id ? get_cred(this, ike_sa) : NULL;
	if (!cred)
	{
		return NULL;
	}
	ppvpn_count(&this->counters->key_lookups);
	key = cred->get_private(cred, type, id);
	cred->destroy(cred);
	return key ? enumerator_create_single(key, (void*)key->destroy) : NULL;
}

METHOD(ppvpn_creds_t, destroy, void,
	private_ppvpn_creds_t *this)
{
	free(this);
}

/**
 * Described in header.
 */
ppvpn_creds_t *ppvpn_creds_create(ppvpn_table_t *table,
								  ppvpn_counters_t *counters)
{
	private_ppvpn_creds_t *this;

	INIT(this,
		.public = {
			.set = {
				.create_private_enumerator = _create_private_enumerator,
				.create_cert_enumerator = _create_cert_enumerator,
				.create_shared_enumerator = _create_shared_enumerator,
				.create_cdp_enumerator = (void*)return_null,
				.cache_cert = (void*)nop,
			},
			.destroy = _destroy,
		},
		.table = table,
		.counters = counters,
	);
	return &this->public;
}
