/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * ppvpn_cred_index.c - credentials by name
 *
 * Owns how many there may be, and that what a connection names stays.  Takes no
 * lock.
 */

#include "ppvpn_cred_index.h"

#include <collections/hashtable.h>

typedef struct private_ppvpn_cred_index_t private_ppvpn_cred_index_t;

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
	 * Bytes of text that all of them are made of.
	 */
	size_t size;
};

/**
 * Credentials in this index
 */
typedef struct {
	/** what others see of it; first */
	ppvpn_slot_t slot;
	/** name, of the credentials that are there now */
	char *name;
} entry_t;

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
		*old = entry->slot.cred;
		this->names->remove(this->names, entry->name);
	}
	else
	{
		INIT(entry);
	}
	this->size += cred->size - freed;
	entry->slot.cred = cred->get_ref(cred);
	entry->name = cred->name;
	this->names->put(this->names, entry->name, entry);
	return TRUE;
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
	cred = entry->slot.cred;
	this->size -= cred->size;
	free(entry);
	return cred;
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
	entry->slot.cred->destroy(entry->slot.cred);
	free(entry);
}

METHOD(ppvpn_cred_index_t, destroy, void,
	private_ppvpn_cred_index_t *this)
{
	this->names->destroy_function(this->names, (void*)release_entry);
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
			.get_all = _get_all,
			.get_count = _get_count,
			.destroy = _destroy,
		},
		.names = hashtable_create(hashtable_hash_str, hashtable_equals_str, 4),
	);
	return &this->public;
}
