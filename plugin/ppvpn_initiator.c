/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * ppvpn_initiator.c - queue of connections to initiate, worked off by one job
 *
 * Owns the knowledge which of our connections this end is negotiating.  Its
 * lock is a leaf: charon is only called without it.
 */

#include "ppvpn_initiator.h"

#include <collections/hashtable.h>
#include <collections/linked_list.h>
#include <processing/jobs/callback_job.h>
#include <threading/mutex.h>

typedef struct private_ppvpn_initiator_t private_ppvpn_initiator_t;

/**
 * Private data of a ppvpn_initiator_t object.
 */
struct private_ppvpn_initiator_t {

	/**
	 * Public interface.
	 */
	ppvpn_initiator_t public;

	/**
	 * Connections.
	 */
	ppvpn_table_t *table;

	/**
	 * Names of connections to initiate, char*.
	 */
	linked_list_t *queue;

	/**
	 * What is queued or negotiated, by name, char* => peer_t.
	 */
	hashtable_t *peers;

	/**
	 * What is negotiated, by unique ID of the IKE_SA, => peer_t.
	 */
	hashtable_t *sas;

	/**
	 * A job is queued or running.
	 */
	bool working;

	/**
	 * Guards all of the above but table.
	 */
	mutex_t *mutex;
};

/**
 * A connection that is queued or being negotiated
 */
typedef struct {
	/** its name */
	char *name;
	/** in the queue, or taken from it just now */
	bool queued;
	/** IKE_SAs of ours that are connecting */
	u_int connecting;
} peer_t;

/**
 * Find a peer, or make one.  Under the lock.
 */
static peer_t *get_peer(private_ppvpn_initiator_t *this, char *name)
{
	peer_t *peer;

	peer = this->peers->get(this->peers, name);
	if (!peer)
	{
		INIT(peer,
			.name = strdup(name),
		);
		this->peers->put(this->peers, peer->name, peer);
	}
	return peer;
}

/**
 * Forget a peer unless something is under way.  Under the lock.
 */
static void release_peer(private_ppvpn_initiator_t *this, peer_t *peer)
{
	if (!peer->queued && !peer->connecting)
	{
		this->peers->remove(this->peers, peer->name);
		free(peer->name);
		free(peer);
	}
}

/**
 * Start to negotiate, does not wait for the result
 */
static void start(private_ppvpn_initiator_t *this, char *name)
{
	child_cfg_t *child_cfg = NULL;
	enumerator_t *enumerator;
	peer_cfg_t *peer_cfg;

	/* as it is now, not as it was when it was queued */
	peer_cfg = this->table->get_peer_cfg(this->table, name);
	if (!peer_cfg)
	{
		return;
	}
	enumerator = peer_cfg->create_child_cfg_enumerator(peer_cfg);
	if (enumerator->enumerate(enumerator, &child_cfg))
	{
		child_cfg->get_ref(child_cfg);
	}
	enumerator->destroy(enumerator);
	if (compat_initiate(peer_cfg, child_cfg) != SUCCESS)
	{
		DBG1(DBG_CFG, "initiating '%s' failed", name);
	}
}

/**
 * Work off one connection, come again for the next
 */
static job_requeue_t work(private_ppvpn_initiator_t *this)
{
	peer_t *peer;
	char *name;

	this->mutex->lock(this->mutex);
	if (this->queue->remove_first(this->queue, (void**)&name) != SUCCESS)
	{
		this->working = FALSE;
		this->mutex->unlock(this->mutex);
		return JOB_REQUEUE_NONE;
	}
	this->mutex->unlock(this->mutex);

	start(this, name);

	this->mutex->lock(this->mutex);
	peer = get_peer(this, name);
	peer->queued = FALSE;
	release_peer(this, peer);
	this->mutex->unlock(this->mutex);
	free(name);
	return JOB_REQUEUE_DIRECT;
}

METHOD(ppvpn_initiator_t, initiate, status_t,
	private_ppvpn_initiator_t *this, char *name)
{
	status_t status = ALREADY_DONE;
	bool start_job = FALSE;
	ppvpn_conn_t *conn;
	peer_t *peer;

	conn = this->table->get_by_name(this->table, name);
	if (!conn)
	{
		return NOT_FOUND;
	}
	this->mutex->lock(this->mutex);
	peer = get_peer(this, conn->name);
	if (!peer->queued && !peer->connecting)
	{
		peer->queued = TRUE;
		this->queue->insert_last(this->queue, strdup(name));
		start_job = !this->working;
		this->working = TRUE;
		status = SUCCESS;
	}
	this->mutex->unlock(this->mutex);
	conn->destroy(conn);
	if (start_job)
	{
		lib->processor->queue_job(lib->processor,
			(job_t*)callback_job_create((void*)work, this, NULL,
									(callback_job_cancel_t)return_false));
	}
	return status;
}

/**
 * An IKE_SA of ours starts to connect
 */
static void note_connecting(private_ppvpn_initiator_t *this, ike_sa_t *ike_sa)
{
	uintptr_t id = ike_sa->get_unique_id(ike_sa);
	peer_cfg_t *peer_cfg;
	peer_t *peer;
	char *name;

	peer_cfg = ike_sa->get_peer_cfg(ike_sa);
	name = peer_cfg ? peer_cfg->get_name(peer_cfg) : NULL;
	if (!name || !strpfx(name, PPVPN_CONN_PREFIX))
	{
		return;
	}
	this->mutex->lock(this->mutex);
	if (!this->sas->get(this->sas, (void*)id))
	{
		peer = get_peer(this, name);
		peer->connecting++;
		this->sas->put(this->sas, (void*)id, peer);
	}
	this->mutex->unlock(this->mutex);
}

/**
 * An IKE_SA does not connect any more
 */
static void note_done(private_ppvpn_initiator_t *this, ike_sa_t *ike_sa)
{
	uintptr_t id = ike_sa->get_unique_id(ike_sa);
	peer_t *peer;

	this->mutex->lock(this->mutex);
	peer = this->sas->remove(this->sas, (void*)id);
	if (peer)
	{
		peer->connecting--;
		release_peer(this, peer);
	}
	this->mutex->unlock(this->mutex);
}

METHOD(listener_t, ike_state_change, bool,
	private_ppvpn_initiator_t *this, ike_sa_t *ike_sa, ike_sa_state_t state)
{
	switch (state)
	{
		case IKE_CONNECTING:
			note_connecting(this, ike_sa);
			break;
		case IKE_ESTABLISHED:
		case IKE_DESTROYING:
			note_done(this, ike_sa);
			break;
		default:
			break;
	}
	return TRUE;
}

static void destroy_peer(peer_t *peer, const void *key)
{
	free(peer->name);
	free(peer);
}

METHOD(ppvpn_initiator_t, destroy, void,
	private_ppvpn_initiator_t *this)
{
	this->queue->destroy_function(this->queue, free);
	this->sas->destroy(this->sas);
	this->peers->destroy_function(this->peers, (void*)destroy_peer);
	this->mutex->destroy(this->mutex);
	free(this);
}

/**
 * Described in header.
 */
ppvpn_initiator_t *ppvpn_initiator_create(ppvpn_table_t *table)
{
	private_ppvpn_initiator_t *this;

	INIT(this,
		.public = {
			.listener = {
				.ike_state_change = _ike_state_change,
			},
			.initiate = _initiate,
			.destroy = _destroy,
		},
		.table = table,
		.queue = linked_list_create(),
		.peers = hashtable_create(hashtable_hash_str, hashtable_equals_str, 8),
		.sas = hashtable_create(hashtable_hash_ptr, hashtable_equals_ptr, 8),
		.mutex = mutex_create(MUTEX_TYPE_DEFAULT),
	);
	return &this->public;
}
