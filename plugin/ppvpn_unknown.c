/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * ppvpn_unknown.c - bounded memory of unknown peers
 *
 * Owns its own lock, a leaf.  Entries are in the order of their last report,
 * so the oldest one is known without a search.
 */

#include "ppvpn_unknown.h"

#include <collections/hashtable.h>
#include <threading/mutex.h>

typedef struct private_ppvpn_unknown_t private_ppvpn_unknown_t;
typedef struct entry_t entry_t;

/**
 * Private data of a ppvpn_unknown_t object.
 */
struct private_ppvpn_unknown_t {

	/**
	 * Public interface.
	 */
	ppvpn_unknown_t public;

	/**
	 * Entries by address and identity, char* => entry_t.
	 */
	hashtable_t *entries;

	/**
	 * Entry with the oldest and the newest report.
	 */
	entry_t *first, *last;

	/**
	 * Guards all of the above.
	 */
	mutex_t *mutex;
};

/**
 * An unknown peer
 */
struct entry_t {
	/** address and identity */
	char *key;
	/** time of the last report */
	time_t reported;
	/** how often seen since */
	u_int count;
	/** neighbours in order of reports */
	entry_t *prev, *next;
};

static void append(private_ppvpn_unknown_t *this, entry_t *entry)
{
	entry->prev = this->last;
	entry->next = NULL;
	if (this->last)
	{
		this->last->next = entry;
	}
	else
	{
		this->first = entry;
	}
	this->last = entry;
}

static void take_off(private_ppvpn_unknown_t *this, entry_t *entry)
{
	if (entry->prev)
	{
		entry->prev->next = entry->next;
	}
	else
	{
		this->first = entry->next;
	}
	if (entry->next)
	{
		entry->next->prev = entry->prev;
	}
	else
	{
		this->last = entry->prev;
	}
}

static bool is_due(entry_t *entry, time_t now)
{
	return now - entry->reported >= PPVPN_UNKNOWN_INTERVAL;
}

/**
 * Make room for one more, if there is an entry that may be forgotten
 */
static bool make_room(private_ppvpn_unknown_t *this, time_t now)
{
	entry_t *oldest = this->first;

	if (this->entries->get_count(this->entries) < PPVPN_UNKNOWN_MAX)
	{
		return TRUE;
	}
	if (!is_due(oldest, now))
	{
		return FALSE;
	}
	take_off(this, oldest);
	this->entries->remove(this->entries, oldest->key);
	free(oldest->key);
	free(oldest);
	return TRUE;
}

/**
 * Report an entry now
 */
static u_int report(private_ppvpn_unknown_t *this, entry_t *entry, time_t now)
{
	u_int count = entry->count;

	entry->count = 0;
	entry->reported = now;
	append(this, entry);
	return count;
}

METHOD(ppvpn_unknown_t, seen, u_int,
	private_ppvpn_unknown_t *this, const char *remote, const char *identity,
	time_t now)
{
	char key[512];
	entry_t *entry;
	u_int count = 0;

	snprintf(key, sizeof(key), "%s %s", remote, identity);
	this->mutex->lock(this->mutex);
	entry = this->entries->get(this->entries, key);
	if (entry)
	{
		entry->count++;
		if (is_due(entry, now))
		{
			take_off(this, entry);
			count = report(this, entry, now);
		}
	}
	else if (make_room(this, now))
	{
		INIT(entry,
			.key = strdup(key),
			.count = 1,
		);
		this->entries->put(this->entries, entry->key, entry);
		count = report(this, entry, now);
	}
	this->mutex->unlock(this->mutex);
	return count;
}

METHOD(ppvpn_unknown_t, destroy, void,
	private_ppvpn_unknown_t *this)
{
	entry_t *entry;

	while (this->first)
	{
		entry = this->first;
		take_off(this, entry);
		free(entry->key);
		free(entry);
	}
	this->entries->destroy(this->entries);
	this->mutex->destroy(this->mutex);
	free(this);
}

/**
 * Described in header.
 */
ppvpn_unknown_t *ppvpn_unknown_create(void)
{
	private_ppvpn_unknown_t *this;

	INIT(this,
		.public = {
			.seen = _seen,
			.destroy = _destroy,
		},
		.entries = hashtable_create(hashtable_hash_str, hashtable_equals_str,
									PPVPN_UNKNOWN_MAX),
		.mutex = mutex_create(MUTEX_TYPE_DEFAULT),
	);
	return &this->public;
}
