/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * ppvpn_sas.c - authenticated IKE_SAs, by unique ID and by name
 *
 * Owns copies only, no IKE_SA.  Has as many entries as charon has IKE_SAs of
 * ours.
 */

#include "ppvpn_sas.h"

#include <collections/hashtable.h>
#include <threading/mutex.h>

typedef struct private_ppvpn_sas_t private_ppvpn_sas_t;
typedef struct entry_t entry_t;

/**
 * Private data of a ppvpn_sas_t object.
 */
struct private_ppvpn_sas_t {

	/**
	 * Public interface.
	 */
	ppvpn_sas_t public;

	/**
	 * Entries by unique ID, uintptr_t => entry_t.
	 */
	hashtable_t *ids;

	/**
	 * First entry of a name, char* => entry_t.
	 */
	hashtable_t *names;

	/**
	 * Guards both.
	 */
	mutex_t *mutex;
};

/**
 * An IKE_SA
 */
struct entry_t {
	/** what is known of it */
	ppvpn_sa_t sa;
	/** neighbours of the same name */
	entry_t *prev, *next;
};

/**
 * Find an entry.  Under the lock.
 */
static entry_t *find(private_ppvpn_sas_t *this, uint32_t id)
{
	return this->ids->get(this->ids, (void*)(uintptr_t)id);
}

/**
 * Forget an entry.  Under the lock.
 */
static void forget(private_ppvpn_sas_t *this, entry_t *entry)
{
	this->ids->remove(this->ids, (void*)(uintptr_t)entry->sa.id);
	if (entry->next)
	{
		entry->next->prev = entry->prev;
	}
	if (entry->prev)
	{
		entry->prev->next = entry->next;
	}
	else
	{	/* the key of a list is its first entry's */
		this->names->remove(this->names, entry->sa.name);
		if (entry->next)
		{
			this->names->put(this->names, entry->next->sa.name, entry->next);
		}
	}
	free(entry);
}

/**
 * Note an IKE_SA, instead of one with this ID.  Under the lock.
 */
static void note(private_ppvpn_sas_t *this, ppvpn_sa_t sa)
{
	entry_t *entry;

	entry = find(this, sa.id);
	if (entry)
	{
		forget(this, entry);
	}
	INIT(entry,
		.sa = sa,
	);
	entry->next = this->names->remove(this->names, entry->sa.name);
	if (entry->next)
	{
		entry->next->prev = entry;
	}
	this->names->put(this->names, entry->sa.name, entry);
	this->ids->put(this->ids, (void*)(uintptr_t)sa.id, entry);
}

METHOD(ppvpn_sas_t, add, void,
	private_ppvpn_sas_t *this, uint32_t id, char *name, bool certificate,
	bool final)
{
	ppvpn_sa_t sa = {
		.id = id,
		.certificate = certificate,
		.final = final,
	};

	snprintf(sa.name, sizeof(sa.name), "%s", name);
	this->mutex->lock(this->mutex);
	note(this, sa);
	this->mutex->unlock(this->mutex);
}

METHOD(ppvpn_sas_t, has, bool,
	private_ppvpn_sas_t *this, uint32_t id)
{
	bool found;

	this->mutex->lock(this->mutex);
	found = find(this, id) != NULL;
	this->mutex->unlock(this->mutex);
	return found;
}

/**
 * Collect an IKE_SA if nothing can refuse it any more
 */
static void collect(entry_t *entry, array_t *array)
{
	if (entry->sa.final)
	{
		array_insert(array, ARRAY_TAIL, &entry->sa);
	}
}

METHOD(ppvpn_sas_t, replace, void,
	private_ppvpn_sas_t *this, uint32_t old, uint32_t new)
{
	ppvpn_sa_t sa;
	entry_t *entry;

	this->mutex->lock(this->mutex);
	entry = find(this, old);
	if (entry)
	{
		sa = entry->sa;
		sa.id = new;
		note(this, sa);
	}
	this->mutex->unlock(this->mutex);
}

METHOD(ppvpn_sas_t, remove_, void,
	private_ppvpn_sas_t *this, uint32_t id)
{
	entry_t *entry;

	this->mutex->lock(this->mutex);
	entry = find(this, id);
	if (entry)
	{
		forget(this, entry);
	}
	this->mutex->unlock(this->mutex);
}

METHOD(ppvpn_sas_t, get, array_t*,
	private_ppvpn_sas_t *this, char *name)
{
	enumerator_t *enumerator;
	entry_t *entry;
	array_t *array;

	array = array_create(sizeof(ppvpn_sa_t), 0);
	this->mutex->lock(this->mutex);
	if (name)
	{
		for (entry = this->names->get(this->names, name); entry;
			 entry = entry->next)
		{
			collect(entry, array);
		}
	}
	else
	{
		enumerator = this->ids->create_enumerator(this->ids);
		while (enumerator->enumerate(enumerator, NULL, &entry))
		{
			collect(entry, array);
		}
		enumerator->destroy(enumerator);
	}
	this->mutex->unlock(this->mutex);
	return array;
}

static void destroy_entry(entry_t *entry, const void *key)
{
	free(entry);
}

METHOD(ppvpn_sas_t, destroy, void,
	private_ppvpn_sas_t *this)
{
	this->names->destroy(this->names);
	this->ids->destroy_function(this->ids, (void*)destroy_entry);
	this->mutex->destroy(this->mutex);
	free(this);
}

/**
 * Described in header.
 */
ppvpn_sas_t *ppvpn_sas_create(void)
{
	private_ppvpn_sas_t *this;

	INIT(this,
		.public = {
			.add = _add,
			.has = _has,
			.replace = _replace,
			.remove = _remove_,
			.get = _get,
			.destroy = _destroy,
		},
		.ids = hashtable_create(hashtable_hash_ptr, hashtable_equals_ptr, 8),
		.names = hashtable_create(hashtable_hash_str, hashtable_equals_str, 8),
		.mutex = mutex_create(MUTEX_TYPE_DEFAULT),
	);
	return &this->public;
}
