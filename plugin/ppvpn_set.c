/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * ppvpn_set.c - indexes over connections, and their credentials
 *
 * Owns four hash tables over the same entries: by name, by pair of
 * identities, by remote identity alone (a peer need not say which of our
 * identities it wants) and by pair of addresses.  Identities are compared
 * byte by byte, never by wildcard.  Takes no lock.
 */

#include "ppvpn_set.h"
#include "ppvpn_bucket.h"

#include <collections/hashtable.h>

typedef struct private_ppvpn_set_t private_ppvpn_set_t;
typedef struct entry_t entry_t;

/**
 * Private data of a ppvpn_set_t object.
 */
struct private_ppvpn_set_t {

	/**
	 * Public interface.
	 */
	ppvpn_set_t public;

	/**
	 * Entries by name, char* => entry_t.
	 */
	hashtable_t *names;

	/**
	 * Entries by local and remote identity, entry_t => entry_t.
	 */
	hashtable_t *ids;

	/**
	 * First entry with a remote identity, identification_t => entry_t.
	 */
	hashtable_t *remotes;

	/**
	 * Buckets by addresses, ppvpn_pair_t => ppvpn_bucket_t.
	 */
	hashtable_t *pairs;

	/**
	 * Credentials.
	 */
	ppvpn_cred_index_t *creds;
};

/**
 * A connection in this set
 */
struct entry_t {
	/** the connection */
	ppvpn_conn_t *conn;
	/** local identity, of conn */
	identification_t *local_id;
	/** remote identity, of conn */
	identification_t *remote_id;
	/** connections with the same addresses */
	ppvpn_bucket_t *bucket;
	/** where the credentials of conn are, NULL if it names none */
	ppvpn_slot_t *slot;
	/** neighbours with the same remote identity */
	entry_t *prev, *next;
};

/**
 * Hash the exact bytes of an identity
 */
static u_int hash_id(identification_t *id)
{
	return chunk_hash_inc(id->get_encoding(id), id->get_type(id));
}

/**
 * Compare the exact bytes of two identities
 */
static bool equals_id(identification_t *a, identification_t *b)
{
	return a->get_type(a) == b->get_type(b) &&
		   chunk_equals(a->get_encoding(a), b->get_encoding(b));
}

static u_int hash_ids(entry_t *entry)
{
	return chunk_hash_inc(entry->local_id->get_encoding(entry->local_id),
						  hash_id(entry->remote_id));
}

static bool equals_ids(entry_t *a, entry_t *b)
{
	return equals_id(a->local_id, b->local_id) &&
		   equals_id(a->remote_id, b->remote_id);
}

static u_int hash_pair(ppvpn_pair_t *pair)
{
	return chunk_hash(chunk_from_thing(*pair));
}

static bool equals_pair(ppvpn_pair_t *a, ppvpn_pair_t *b)
{
	return memeq(a, b, sizeof(*a));
}

/**
 * Put an entry at the head of the list of its remote identity.  The key of a
 * list belongs to its first entry, so it changes with it.
 */
static void link_remote(private_ppvpn_set_t *this, entry_t *entry)
{
	entry->next = this->remotes->remove(this->remotes, entry->remote_id);
	if (entry->next)
	{
		entry->next->prev = entry;
	}
	this->remotes->put(this->remotes, entry->remote_id, entry);
}

/**
 * Take an entry off the list of its remote identity
 */
static void unlink_remote(private_ppvpn_set_t *this, entry_t *entry)
{
	if (entry->next)
	{
		entry->next->prev = entry->prev;
	}
	if (entry->prev)
	{
		entry->prev->next = entry->next;
		return;
	}
	this->remotes->remove(this->remotes, entry->remote_id);
	if (entry->next)
	{
		this->remotes->put(this->remotes, entry->next->remote_id, entry->next);
	}
}

/**
 * Put a connection into the bucket of its addresses
 */
static ppvpn_bucket_t *join_bucket(private_ppvpn_set_t *this,
								   ppvpn_conn_t *conn)
{
	ppvpn_pair_t pair = ppvpn_pair(conn->local, conn->remote);
	ppvpn_bucket_t *bucket;

	bucket = this->pairs->get(this->pairs, &pair);
	if (bucket)
	{
		return bucket->add(bucket, conn, PPVPN_MAX_UNION) ? bucket : NULL;
	}
	bucket = ppvpn_bucket_create(&pair);
	bucket->add(bucket, conn, PPVPN_MAX_UNION);
	this->pairs->put(this->pairs, &bucket->pair, bucket);
	return bucket;
}

METHOD(ppvpn_set_t, add, ppvpn_clash_t,
	private_ppvpn_set_t *this, ppvpn_conn_t *conn)
{
	entry_t *entry, key = {
		.local_id = conn->local_id,
		.remote_id = conn->remote_id,
	};
	ppvpn_slot_t *slot = NULL;
	ppvpn_bucket_t *bucket;

	if (this->names->get(this->names, conn->name))
	{
		return PPVPN_CLASH_NAME;
	}
	if (this->ids->get(this->ids, &key))
	{
		return PPVPN_CLASH_IDENTITIES;
	}
	if (this->names->get_count(this->names) >= PPVPN_MAX_CONNS)
	{
		return PPVPN_CLASH_FULL;
	}
	if (conn->credentials)
	{
		slot = this->creds->get(this->creds, conn->credentials);
		if (!slot)
		{
			return PPVPN_CLASH_CREDENTIALS;
		}
	}
	bucket = join_bucket(this, conn);
	if (!bucket)
	{
		return PPVPN_CLASH_PROPOSALS;
	}
	INIT(entry,
		.conn = conn->get_ref(conn),
		.local_id = conn->local_id,
		.remote_id = conn->remote_id,
		.bucket = bucket,
		.slot = slot,
	);
	if (slot)
	{
		slot->uses++;
	}
	this->names->put(this->names, conn->name, entry);
	this->ids->put(this->ids, entry, entry);
	link_remote(this, entry);
	return PPVPN_NO_CLASH;
}

METHOD(ppvpn_set_t, remove_, ppvpn_conn_t*,
	private_ppvpn_set_t *this, char *name)
{
	ppvpn_conn_t *conn;
	entry_t *entry;

	entry = this->names->remove(this->names, name);
	if (!entry)
	{
		return NULL;
	}
	this->ids->remove(this->ids, entry);
	unlink_remote(this, entry);
	if (entry->bucket->remove(entry->bucket, entry->conn))
	{
		this->pairs->remove(this->pairs, &entry->bucket->pair);
		entry->bucket->destroy(entry->bucket);
	}
	if (entry->slot)
	{
		entry->slot->uses--;
	}
	conn = entry->conn;
	free(entry);
	return conn;
}

METHOD(ppvpn_set_t, get_by_name, ppvpn_conn_t*,
	private_ppvpn_set_t *this, char *name)
{
	entry_t *entry = this->names->get(this->names, name);

	return entry ? entry->conn : NULL;
}

METHOD(ppvpn_set_t, get_by_ids, ppvpn_conn_t*,
	private_ppvpn_set_t *this, identification_t *local,
	identification_t *remote)
{
	entry_t *entry, key = {
		.local_id = local,
		.remote_id = remote,
	};

	entry = this->ids->get(this->ids, &key);
	return entry ? entry->conn : NULL;
}

/**
 * Collect the configurations of an entry, what is sent first
 */
static void collect_cfgs(entry_t *entry, array_t *array)
{
	ppvpn_conn_t *conn = entry->conn;

	peer_cfg_t *by_key = conn->peer_cfg, *by_certificate;

	if (by_key && !conn->certificate_sent)
	{
		array_insert(array, ARRAY_TAIL, by_key->get_ref(by_key));
	}
	if (entry->slot)
	{
		by_certificate = conn->create_certificate_cfg(conn, entry->slot->cred);
		array_insert(array, ARRAY_TAIL, by_certificate);
	}
	if (by_key && conn->certificate_sent)
	{
		array_insert(array, ARRAY_TAIL, by_key->get_ref(by_key));
	}
}

METHOD(ppvpn_set_t, get_cfgs, void,
	private_ppvpn_set_t *this, ppvpn_conn_t *conn, array_t *array)
{
	collect_cfgs(this->names->get(this->names, conn->name), array);
}

METHOD(ppvpn_set_t, get_by_remote_id, void,
	private_ppvpn_set_t *this, identification_t *remote, array_t *array)
{
	entry_t *entry;

	entry = this->remotes->get(this->remotes, remote);
	for (; entry; entry = entry->next)
	{
		collect_cfgs(entry, array);
	}
}

METHOD(ppvpn_set_t, get_ike_cfg, ike_cfg_t*,
	private_ppvpn_set_t *this, host_t *local, host_t *remote)
{
	ppvpn_pair_t pair = ppvpn_pair(local, remote);
	ppvpn_bucket_t *bucket;

	bucket = this->pairs->get(this->pairs, &pair);
	return bucket ? bucket->get_ike_cfg(bucket) : NULL;
}

METHOD(ppvpn_set_t, get_peer_cfgs, void,
	private_ppvpn_set_t *this, array_t *array)
{
	enumerator_t *enumerator;
	entry_t *entry;

	enumerator = this->names->create_enumerator(this->names);
	while (enumerator->enumerate(enumerator, NULL, &entry))
	{
		collect_cfgs(entry, array);
	}
	enumerator->destroy(enumerator);
}

METHOD(ppvpn_set_t, get_ike_cfgs, void,
	private_ppvpn_set_t *this, array_t *array)
{
	enumerator_t *enumerator;
	ppvpn_bucket_t *bucket;
	ike_cfg_t *ike_cfg;

	enumerator = this->pairs->create_enumerator(this->pairs);
	while (enumerator->enumerate(enumerator, NULL, &bucket))
	{
		ike_cfg = bucket->get_ike_cfg(bucket);
		array_insert(array, ARRAY_TAIL, ike_cfg->get_ref(ike_cfg));
	}
	enumerator->destroy(enumerator);
}

METHOD(ppvpn_set_t, get_conns, void,
	private_ppvpn_set_t *this, array_t *array)
{
	enumerator_t *enumerator;
	entry_t *entry;

	enumerator = this->names->create_enumerator(this->names);
	while (enumerator->enumerate(enumerator, NULL, &entry))
	{
		array_insert(array, ARRAY_TAIL, entry->conn->get_ref(entry->conn));
	}
	enumerator->destroy(enumerator);
}

METHOD(ppvpn_set_t, get_count, u_int,
	private_ppvpn_set_t *this)
{
	return this->names->get_count(this->names);
}

METHOD(ppvpn_set_t, get_creds, ppvpn_cred_index_t*,
	private_ppvpn_set_t *this)
{
	return this->creds;
}

static void destroy_entry(entry_t *entry, const void *key)
{
	entry->conn->destroy(entry->conn);
	free(entry);
}

static void destroy_bucket(ppvpn_bucket_t *bucket, const void *key)
{
	bucket->destroy(bucket);
}

METHOD(ppvpn_set_t, destroy, void,
	private_ppvpn_set_t *this)
{
	this->ids->destroy(this->ids);
	this->remotes->destroy(this->remotes);
	this->pairs->destroy_function(this->pairs, (void*)destroy_bucket);
	this->names->destroy_function(this->names, (void*)destroy_entry);
	this->creds->destroy(this->creds);
	free(this);
}

/**
 * Described in header.
 */
ppvpn_set_t *ppvpn_set_create(u_int size)
{
	private_ppvpn_set_t *this;

	INIT(this,
		.public = {
			.add = _add,
			.remove = _remove_,
			.get_by_name = _get_by_name,
			.get_by_ids = _get_by_ids,
			.get_cfgs = _get_cfgs,
			.get_by_remote_id = _get_by_remote_id,
			.get_ike_cfg = _get_ike_cfg,
			.get_peer_cfgs = _get_peer_cfgs,
			.get_ike_cfgs = _get_ike_cfgs,
			.get_conns = _get_conns,
			.get_count = _get_count,
			.get_creds = _get_creds,
			.destroy = _destroy,
		},
		.names = hashtable_create(hashtable_hash_str, hashtable_equals_str,
								  size),
		.ids = hashtable_create((hashtable_hash_t)hash_ids,
								(hashtable_equals_t)equals_ids, size),
		.remotes = hashtable_create((hashtable_hash_t)hash_id,
									(hashtable_equals_t)equals_id, size),
		.pairs = hashtable_create((hashtable_hash_t)hash_pair,
								  (hashtable_equals_t)equals_pair, size),
		.creds = ppvpn_cred_index_create(),
	);
	return &this->public;
}
