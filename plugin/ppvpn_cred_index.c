/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * ppvpn_cred_index.c - credentials by name, certificates by identity, keys by
 * fingerprint
 *
 * Owns what of credentials charon can find, and by what: the own certificate
 * by its subjectAltNames, those of CAs by their subject, revocation lists by
 * who signed them, a private key by its fingerprint and by nothing else.
 * Takes no lock.
 */

#include "ppvpn_cred_index.h"

#include <collections/hashtable.h>

typedef struct private_ppvpn_cred_index_t private_ppvpn_cred_index_t;
typedef struct item_t item_t;

/**
 * Private data of a ppvpn_cred_index_t object.
 */
struct private_ppvpn_cred_index_t {

	/**
	 * Public interface.
	 */
	ppvpn_cred_index_t public;

	/**
	 * Credentials by name, char* => entry_t.
	 */
	hashtable_t *names;

	/**
	 * First certificate or list of an identity, identification_t => item_t.
	 */
	hashtable_t *certs;

	/**
	 * First private key of a fingerprint, identification_t => item_t.
	 */
	hashtable_t *keys;

	/**
	 * Bytes of text that all of them are made of.
	 */
	size_t size;
};

/**
 * Something that is found by an identity.  What it points to is the
 * credentials'.
 */
struct item_t {
	/** the identity, owned by the item */
	identification_t *id;
	/** certificate or revocation list, NULL for a key */
	certificate_t *cert;
	/** it is an authority's */
	bool trusted;
	/** private key, NULL for a certificate */
	private_key_t *key;
	/** where it is indexed: certs or keys */
	hashtable_t *table;
	/** neighbours with the same identity */
	item_t *prev, *next;
};

/**
 * Credentials in this index
 */
typedef struct {
	/** what others see of it; first */
	ppvpn_slot_t slot;
	/** name, of the credentials that are there now */
	char *name;
	/** what is indexed of the credentials, item_t */
	array_t *items;
} entry_t;

static u_int hash_id(identification_t *id)
{
	return id->hash(id, 0);
}

static bool equals_id(identification_t *a, identification_t *b)
{
	return a->equals(a, b);
}

/**
 * Put an item at the head of the list of its identity, whose key belongs to
 * the first item
 */
static void link_item(item_t *item)
{
	item->next = item->table->remove(item->table, item->id);
	if (item->next)
	{
		item->next->prev = item;
	}
	item->table->put(item->table, item->id, item);
}

/**
 * Take an item off the list of its identity
 */
static void unlink_item(item_t *item)
{
	if (item->next)
	{
		item->next->prev = item->prev;
	}
	if (item->prev)
	{
		item->prev->next = item->next;
		return;
	}
	item->table->remove(item->table, item->id);
	if (item->next)
	{
		item->table->put(item->table, item->next->id, item->next);
	}
}

/**
 * Index a certificate or list under an identity (cloned)
 */
static void add_cert(private_ppvpn_cred_index_t *this, entry_t *entry,
					 certificate_t *cert, bool trusted, identification_t *id)
{
	item_t *item;

	INIT(item,
		.id = id->clone(id),
		.cert = cert,
		.trusted = trusted,
		.table = this->certs,
	);
	link_item(item);
	array_insert(entry->items, ARRAY_TAIL, item);
}

/**
 * Index the own certificate: as charon may look for that of an identity
 */
static void add_own(private_ppvpn_cred_index_t *this, entry_t *entry)
{
	certificate_t *cert = entry->slot.cred->certificates[0];
	x509_t *x509 = (x509_t*)cert;
	enumerator_t *enumerator;
	identification_t *id;

	enumerator = x509->create_subjectAltName_enumerator(x509);
	while (enumerator->enumerate(enumerator, &id))
	{
		add_cert(this, entry, cert, FALSE, id);
	}
	enumerator->destroy(enumerator);
}

/**
 * Index a revocation list: charon asks by the signer's key identifier, or by
 * name, whether the list says that key identifier itself or not
 */
static void add_list(private_ppvpn_cred_index_t *this, entry_t *entry,
					 certificate_t *list, certificate_t *signer)
{
	x509_t *x509 = (x509_t*)signer;
	identification_t *id;
	chunk_t keyid;

	add_cert(this, entry, list, FALSE, list->get_issuer(list));
	keyid = x509->get_subjectKeyIdentifier(x509);
	if (keyid.len)
	{
		id = identification_create_from_encoding(ID_KEY_ID, keyid);
		add_cert(this, entry, list, FALSE, id);
		id->destroy(id);
	}
}

/**
 * Index everything of an entry's credentials
 */
static void add_items(private_ppvpn_cred_index_t *this, entry_t *entry)
{
	ppvpn_cred_t *cred = entry->slot.cred;
	certificate_t *cert;
	item_t *item;
	u_int i;

	INIT(item,
		.id = cred->keyid->clone(cred->keyid),
		.key = cred->key,
		.table = this->keys,
	);
	link_item(item);
	array_insert(entry->items, ARRAY_TAIL, item);
	add_own(this, entry);
	for (i = 1; i < cred->certificate_count; i++)
	{
		cert = cred->certificates[i];
		add_cert(this, entry, cert, FALSE, cert->get_subject(cert));
	}
	for (i = 0; i < cred->authority_count; i++)
	{
		cert = cred->authorities[i];
		add_cert(this, entry, cert, TRUE, cert->get_subject(cert));
	}
	for (i = 0; i < cred->list_count; i++)
	{
		add_list(this, entry, cred->lists[i], cred->signers[i]);
	}
}

/**
 * Forget everything of an entry's credentials
 */
static void remove_items(entry_t *entry)
{
	item_t *item;

	while (array_remove(entry->items, ARRAY_TAIL, &item))
	{
		unlink_item(item);
		item->id->destroy(item->id);
		free(item);
	}
}

METHOD(ppvpn_cred_index_t, get, ppvpn_slot_t*,
	private_ppvpn_cred_index_t *this, char *name)
{
	entry_t *entry = this->names->get(this->names, name);

	return entry ? &entry->slot : NULL;
}

METHOD(ppvpn_cred_index_t, put, bool,
	private_ppvpn_cred_index_t *this, ppvpn_cred_t *cred, ppvpn_cred_t **old)
{
	entry_t *entry;
	size_t freed;

	*old = NULL;
	entry = this->names->get(this->names, cred->name);
	freed = entry ? entry->slot.cred->size : 0;
	if (this->size - freed + cred->size > PPVPN_MAX_CREDS_SIZE ||
		(!entry && this->names->get_count(this->names) >= PPVPN_MAX_CREDS))
	{
		return FALSE;
	}
	if (entry)
	{
		remove_items(entry);
		*old = entry->slot.cred;
		this->names->remove(this->names, entry->name);
	}
	else
	{
		INIT(entry,
			.items = array_create(0, 0),
		);
	}
	this->size += cred->size - freed;
	entry->slot.cred = cred->get_ref(cred);
	entry->name = cred->name;
	this->names->put(this->names, entry->name, entry);
	add_items(this, entry);
	return TRUE;
}

/**
 * Free an entry that is in no table any more
 */
static void destroy_entry(entry_t *entry)
{
	array_destroy(entry->items);
	free(entry);
}

METHOD(ppvpn_cred_index_t, remove_, ppvpn_cred_t*,
	private_ppvpn_cred_index_t *this, char *name)
{
	ppvpn_cred_t *cred;
	entry_t *entry;

	entry = this->names->get(this->names, name);
	if (!entry || entry->slot.uses)
	{
		return NULL;
	}
	this->names->remove(this->names, name);
	remove_items(entry);
	cred = entry->slot.cred;
	this->size -= cred->size;
	destroy_entry(entry);
	return cred;
}

/**
 * Is an item what is asked for?
 */
static bool is_wanted(item_t *item, certificate_type_t type, key_type_t key,
					  bool trusted)
{
	certificate_t *cert = item->cert;
	public_key_t *public;
	bool wanted;

	if (trusted && !item->trusted)
	{
		return FALSE;
	}
	/* a list is no certificate, whoever asks for any */
	if (cert->get_type(cert) != (type == CERT_ANY ? CERT_X509 : type))
	{
		return FALSE;
	}
	if (key == KEY_ANY)
	{
		return TRUE;
	}
	public = cert->get_public_key(cert);
	wanted = public && public->get_type(public) == key;
	DESTROY_IF(public);
	return wanted;
}

/**
 * Collect everything of all credentials, each thing once
 */
static void walk_certs(private_ppvpn_cred_index_t *this,
					   certificate_type_t type, key_type_t key,
					   array_t *array)
{
	certificate_t *last = NULL;
	enumerator_t *enumerator;
	entry_t *entry;
	item_t *item;
	int i;

	enumerator = this->names->create_enumerator(this->names);
	while (enumerator->enumerate(enumerator, NULL, &entry))
	{
		for (i = 0; i < array_count(entry->items); i++)
		{
			array_get(entry->items, i, &item);
			if (item->cert && item->cert != last &&
				is_wanted(item, type, key, FALSE))
			{
				last = item->cert;
				array_insert(array, ARRAY_TAIL, last->get_ref(last));
			}
		}
	}
	enumerator->destroy(enumerator);
}

METHOD(ppvpn_cred_index_t, get_certs, void,
	private_ppvpn_cred_index_t *this, certificate_type_t type, key_type_t key,
	identification_t *id, bool trusted, array_t *array)
{
	item_t *item;

	if (id)
	{
		for (item = this->certs->get(this->certs, id); item; item = item->next)
		{
			if (is_wanted(item, type, key, trusted))
			{
				array_insert(array, ARRAY_TAIL,
							 item->cert->get_ref(item->cert));
			}
		}
	}
	else if (!trusted)
	{	/* for a list of all; our authorities are for our peers only, and are
		 * not among those that operators' connections request */
		walk_certs(this, type, key, array);
	}
}

METHOD(ppvpn_cred_index_t, get_private, private_key_t*,
	private_ppvpn_cred_index_t *this, key_type_t type, identification_t *id)
{
	item_t *item;

	item = this->keys->get(this->keys, id);
	if (!item || (type != KEY_ANY && item->key->get_type(item->key) != type))
	{
		return NULL;
	}
	return item->key->get_ref(item->key);
}

METHOD(ppvpn_cred_index_t, get_all, void,
	private_ppvpn_cred_index_t *this, array_t *array)
{
	enumerator_t *enumerator;
	entry_t *entry;

	enumerator = this->names->create_enumerator(this->names);
	while (enumerator->enumerate(enumerator, NULL, &entry))
	{
		array_insert(array, ARRAY_TAIL,
					 entry->slot.cred->get_ref(entry->slot.cred));
	}
	enumerator->destroy(enumerator);
}

METHOD(ppvpn_cred_index_t, get_count, u_int,
	private_ppvpn_cred_index_t *this)
{
	return this->names->get_count(this->names);
}

static void release_entry(entry_t *entry, const void *key)
{
	remove_items(entry);
	entry->slot.cred->destroy(entry->slot.cred);
	destroy_entry(entry);
}

METHOD(ppvpn_cred_index_t, destroy, void,
	private_ppvpn_cred_index_t *this)
{
	this->names->destroy_function(this->names, (void*)release_entry);
	this->certs->destroy(this->certs);
	this->keys->destroy(this->keys);
	free(this);
}

/**
 * Described in header.
 */
ppvpn_cred_index_t *ppvpn_cred_index_create(void)
{
	private_ppvpn_cred_index_t *this;

	INIT(this,
		.public = {
			.put = _put,
			.remove = _remove_,
			.get = _get,
			.get_certs = _get_certs,
			.get_private = _get_private,
			.get_all = _get_all,
			.get_count = _get_count,
			.destroy = _destroy,
		},
		.names = hashtable_create(hashtable_hash_str, hashtable_equals_str, 4),
		.certs = hashtable_create((hashtable_hash_t)hash_id,
								  (hashtable_equals_t)equals_id, 4),
		.keys = hashtable_create((hashtable_hash_t)hash_id,
								 (hashtable_equals_t)equals_id, 4),
	);
	return &this->public;
}
