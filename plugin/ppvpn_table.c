/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * ppvpn_table.c - the current set, shared between charon's threads
 *
 * Owns the only lock around the set.  Never calls charon's managers, and
 * frees nothing, with that lock held.
 */

#include "ppvpn_table.h"

#include <threading/mutex.h>
#include <threading/rwlock.h>

typedef struct private_ppvpn_table_t private_ppvpn_table_t;

/**
 * Private data of a ppvpn_table_t object.
 */
struct private_ppvpn_table_t {

	/**
	 * Public interface.
	 */
	ppvpn_table_t public;

	/**
	 * Current set.
	 */
	ppvpn_set_t *set;

	/**
	 * Its revision.
	 */
	char revision[PPVPN_REVISION_LEN];

	/**
	 * Guards set and revision.
	 */
	rwlock_t *lock;

	/**
	 * Held by the one writer; with it, set may be read without the lock.
	 */
	mutex_t *writer;
};

/**
 * Enumerator over references in an array
 */
typedef struct {
	/** implements enumerator_t */
	enumerator_t public;
	/** objects, each with a reference */
	array_t *array;
	/** next one */
	int next;
	/** offset of the objects' destroy() */
	size_t destroy;
} refs_enumerator_t;

METHOD(enumerator_t, enumerate_refs, bool,
	refs_enumerator_t *this, va_list args)
{
	void **out;

	VA_ARGS_VGET(args, out);
	return array_get(this->array, this->next++, out);
}

METHOD(enumerator_t, destroy_refs, void,
	refs_enumerator_t *this)
{
	array_destroy_offset(this->array, this->destroy);
	free(this);
}

/**
 * Create an enumerator over references (adopted)
 */
static enumerator_t *create_refs_enumerator(array_t *array, size_t destroy)
{
	refs_enumerator_t *this;

	INIT(this,
		.public = {
			.enumerate = enumerator_enumerate_default,
			.venumerate = _enumerate_refs,
			.destroy = _destroy_refs,
		},
		.array = array,
		.destroy = destroy,
	);
	return &this->public;
}

METHOD(ppvpn_table_t, get_by_name, ppvpn_conn_t*,
	private_ppvpn_table_t *this, char *name)
{
	ppvpn_conn_t *conn;

	this->lock->read_lock(this->lock);
	conn = this->set->get_by_name(this->set, name);
	if (conn)
	{
		conn->get_ref(conn);
	}
	this->lock->unlock(this->lock);
	return conn;
}

METHOD(ppvpn_table_t, get_cred_by_name, ppvpn_cred_t*,
	private_ppvpn_table_t *this, char *name)
{
	ppvpn_cred_index_t *creds;
	ppvpn_cred_t *cred = NULL;
	ppvpn_slot_t *slot;

	this->lock->read_lock(this->lock);
	creds = this->set->get_creds(this->set);
	slot = creds->get(creds, name);
	if (slot)
	{
		cred = slot->cred->get_ref(slot->cred);
	}
	this->lock->unlock(this->lock);
	return cred;
}

METHOD(ppvpn_table_t, get_cred_of, ppvpn_cred_t*,
	private_ppvpn_table_t *this, char *name)
{
	ppvpn_cred_index_t *creds;
	ppvpn_cred_t *cred = NULL;
	ppvpn_conn_t *conn;
	ppvpn_slot_t *slot;

	this->lock->read_lock(this->lock);
	conn = this->set->get_by_name(this->set, name);
	if (conn && conn->credentials)
	{
		creds = this->set->get_creds(this->set);
		slot = creds->get(creds, conn->credentials);
		cred = slot->cred->get_ref(slot->cred);
	}
	this->lock->unlock(this->lock);
	return cred;
}

METHOD(ppvpn_table_t, get_by_ids, ppvpn_conn_t*,
	private_ppvpn_table_t *this, identification_t *local,
	identification_t *remote)
{
	ppvpn_conn_t *conn;

	this->lock->read_lock(this->lock);
	conn = this->set->get_by_ids(this->set, local, remote);
	if (conn)
	{
		conn->get_ref(conn);
	}
	this->lock->unlock(this->lock);
	return conn;
}

/**
 * Put a reference to the IKE configuration of a pair of addresses into array
 */
static void collect_ike_cfg(private_ppvpn_table_t *this, host_t *local,
							host_t *remote, array_t *array)
{
	ike_cfg_t *ike_cfg;

	ike_cfg = this->set->get_ike_cfg(this->set, local, remote);
	if (ike_cfg)
	{
		array_insert(array, ARRAY_TAIL, ike_cfg->get_ref(ike_cfg));
	}
}

METHOD(ppvpn_table_t, has_address, bool,
	private_ppvpn_table_t *this, host_t *local, host_t *remote)
{
	host_t *any;
	bool found;

	any = host_create_any(remote->get_family(remote));
	this->lock->read_lock(this->lock);
	found = this->set->get_ike_cfg(this->set, local, remote) ||
			this->set->get_ike_cfg(this->set, local, any);
	this->lock->unlock(this->lock);
	any->destroy(any);
	return found;
}

METHOD(ppvpn_table_t, create_ike_cfg_enumerator, enumerator_t*,
	private_ppvpn_table_t *this, host_t *local, host_t *remote)
{
	array_t *array;
	host_t *any;

	array = array_create(0, 0);
	if (local && remote)
	{
		any = host_create_any(remote->get_family(remote));
		this->lock->read_lock(this->lock);
		collect_ike_cfg(this, local, remote, array);
		if (!remote->is_anyaddr(remote))
		{
			collect_ike_cfg(this, local, any, array);
		}
		this->lock->unlock(this->lock);
		any->destroy(any);
	}
	else
	{
		this->lock->read_lock(this->lock);
		this->set->get_ike_cfgs(this->set, array);
		this->lock->unlock(this->lock);
	}
	return create_refs_enumerator(array, offsetof(ike_cfg_t, destroy));
}

METHOD(ppvpn_table_t, get_peer_cfg, peer_cfg_t*,
	private_ppvpn_table_t *this, char *name)
{
	peer_cfg_t *peer_cfg = NULL;
	ppvpn_conn_t *conn;
	array_t *array;

	array = array_create(0, 0);
	this->lock->read_lock(this->lock);
	conn = this->set->get_by_name(this->set, name);
	if (conn)
	{
		this->set->get_cfgs(this->set, conn, array);
	}
	this->lock->unlock(this->lock);
	array_remove(array, ARRAY_HEAD, &peer_cfg);
	array_destroy_offset(array, offsetof(peer_cfg_t, destroy));
	return peer_cfg;
}

METHOD(ppvpn_table_t, create_peer_cfg_enumerator, enumerator_t*,
	private_ppvpn_table_t *this, identification_t *local,
	identification_t *remote)
{
	ppvpn_conn_t *conn;
	array_t *array;

	array = array_create(0, 0);
	this->lock->read_lock(this->lock);
	if (!remote)
	{
		this->set->get_peer_cfgs(this->set, array);
	}
	else if (!local || local->get_type(local) == ID_ANY)
	{
		this->set->get_by_remote_id(this->set, remote, array);
	}
	else
	{
		conn = this->set->get_by_ids(this->set, local, remote);
		if (conn)
		{
			this->set->get_cfgs(this->set, conn, array);
		}
	}
	this->lock->unlock(this->lock);
	return create_refs_enumerator(array, offsetof(peer_cfg_t, destroy));
}

METHOD(ppvpn_table_t, create_enumerator, enumerator_t*,
	private_ppvpn_table_t *this, enumerator_t **creds,
	char revision[PPVPN_REVISION_LEN])
{
	array_t *array, *cred_array;
	ppvpn_cred_index_t *index;

	array = array_create(0, 0);
	cred_array = array_create(0, 0);
	this->lock->read_lock(this->lock);
	this->set->get_conns(this->set, array);
	index = this->set->get_creds(this->set);
	index->get_all(index, cred_array);
	memcpy(revision, this->revision, sizeof(this->revision));
	this->lock->unlock(this->lock);
	if (creds)
	{
		*creds = create_refs_enumerator(cred_array,
										offsetof(ppvpn_cred_t, destroy));
	}
	else
	{
		array_destroy_offset(cred_array, offsetof(ppvpn_cred_t, destroy));
	}
	return create_refs_enumerator(array, offsetof(ppvpn_conn_t, destroy));
}

/**
 * Let a set have the current object of a connection instead of an equal one
 */
static void keep_object(ppvpn_set_t *set, ppvpn_conn_t *conn)
{
	ppvpn_conn_t *other;

	other = set->remove(set, conn->name);
	if (set->add(set, conn) != PPVPN_NO_CLASH)
	{	/* not reached if tags are digests: equal ones mean equal contents */
		set->add(set, other);
	}
	other->destroy(other);
}

/**
 * Count how a new set differs from the current one, keep what is unchanged
 */
static void compare(private_ppvpn_table_t *this, ppvpn_set_t *set,
					ppvpn_counts_t *counts)
{
	ppvpn_conn_t *new, *old;
	array_t *array;

	array = array_create(0, 0);
	set->get_conns(set, array);
	while (array_remove(array, ARRAY_TAIL, &new))
	{
		old = this->set->get_by_name(this->set, new->name);
		if (!old)
		{
			counts->added++;
		}
		else if (!streq(old->tag, new->tag))
		{
			counts->changed++;
		}
		else
		{
			counts->unchanged++;
			if (old != new)
			{
				keep_object(set, old);
			}
		}
		new->destroy(new);
	}
	array_destroy(array);
	counts->removed = this->set->get_count(this->set) -
					  counts->changed - counts->unchanged;
}

/**
 * Count the credentials of the current set that a new set does not have
 */
static u_int compare_creds(private_ppvpn_table_t *this, ppvpn_set_t *set)
{
	ppvpn_cred_index_t *creds, *new;
	ppvpn_slot_t *slot;
	ppvpn_cred_t *cred;
	array_t *array;
	u_int gone = 0;

	array = array_create(0, 0);
	creds = this->set->get_creds(this->set);
	creds->get_all(creds, array);
	new = set->get_creds(set);
	while (array_remove(array, ARRAY_TAIL, &cred))
	{
		slot = new->get(new, cred->name);
		gone += !slot || !streq(slot->cred->tag, cred->tag);
		cred->destroy(cred);
	}
	array_destroy(array);
	return gone;
}

/**
 * Set the revision.  Under the write lock.
 */
static void set_revision(private_ppvpn_table_t *this, char *revision)
{
	snprintf(this->revision, sizeof(this->revision), "%s", revision);
}

METHOD(ppvpn_table_t, replace, void,
	private_ppvpn_table_t *this, ppvpn_set_t *set, char *revision,
	ppvpn_counts_t *counts)
{
	ppvpn_set_t *old;

	memset(counts, 0, sizeof(*counts));
	this->writer->lock(this->writer);
	compare(this, set, counts);
	counts->credentials = compare_creds(this, set);

	this->lock->write_lock(this->lock);
	old = this->set;
	this->set = set;
	set_revision(this, revision);
	this->lock->unlock(this->lock);

	this->writer->unlock(this->writer);
	old->destroy(old);
}

METHOD(ppvpn_table_t, update, status_t,
	private_ppvpn_table_t *this, ppvpn_change_t *change,
	ppvpn_counts_t *counts, ppvpn_clash_t *clash, ppvpn_update_part_t *part,
	u_int *index)
{
	ppvpn_removed_t removed = {};
	status_t status = SUCCESS;

	memset(counts, 0, sizeof(*counts));
	*clash = PPVPN_NO_CLASH;

	this->writer->lock(this->writer);
	if (!streq(this->revision, change->base_revision))
	{
		status = INVALID_STATE;
	}
	else if (!ppvpn_apply_check(this->set, change, part, index))
	{
		status = NOT_FOUND;
	}
	else
	{
		this->lock->write_lock(this->lock);
		*clash = ppvpn_apply(this->set, change, &removed, counts, part, index);
		if (*clash == PPVPN_NO_CLASH)
		{
			set_revision(this, change->revision);
		}
		else
		{
			status = FAILED;
		}
		this->lock->unlock(this->lock);
	}
	this->writer->unlock(this->writer);

	ppvpn_removed_destroy(&removed);
	return status;
}

METHOD(ppvpn_table_t, get_revision, u_int,
	private_ppvpn_table_t *this, char revision[PPVPN_REVISION_LEN])
{
	u_int count;

	this->lock->read_lock(this->lock);
	memcpy(revision, this->revision, sizeof(this->revision));
	count = this->set->get_count(this->set);
	this->lock->unlock(this->lock);
	return count;
}

METHOD(ppvpn_table_t, destroy, void,
	private_ppvpn_table_t *this)
{
	this->set->destroy(this->set);
	this->lock->destroy(this->lock);
	this->writer->destroy(this->writer);
	free(this);
}

/**
 * Described in header.
 */
ppvpn_table_t *ppvpn_table_create(void)
{
	private_ppvpn_table_t *this;

	INIT(this,
		.public = {
			.get_by_name = _get_by_name,
			.get_by_ids = _get_by_ids,
			.get_cred_of = _get_cred_of,
			.get_cred_by_name = _get_cred_by_name,
			.get_peer_cfg = _get_peer_cfg,
			.has_address = _has_address,
			.create_ike_cfg_enumerator = _create_ike_cfg_enumerator,
			.create_peer_cfg_enumerator = _create_peer_cfg_enumerator,
			.create_enumerator = _create_enumerator,
			.replace = _replace,
			.update = _update,
			.get_revision = _get_revision,
			.destroy = _destroy,
		},
		.set = ppvpn_set_create(0),
		.lock = rwlock_create(RWLOCK_TYPE_DEFAULT),
		.writer = mutex_create(MUTEX_TYPE_DEFAULT),
	);
	return &this->public;
}
