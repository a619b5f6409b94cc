/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * ppvpn_events.c - queue between charon's hooks and the socket
 *
 * Owns the copy of every event that waits.  Its lock is a leaf: nothing is
 * called with it held, so hooks may push under charon's bus mutex.
 */

#include "ppvpn_events.h"

#include <collections/linked_list.h>
#include <processing/jobs/callback_job.h>
#include <threading/mutex.h>

typedef struct private_ppvpn_events_t private_ppvpn_events_t;

/**
 * Private data of a ppvpn_events_t object.
 */
struct private_ppvpn_events_t {

	/**
	 * Public interface.
	 */
	ppvpn_events_t public;

	/**
	 * Events that wait, as ppvpn_event_t.
	 */
	linked_list_t *queue;

	/**
	 * Kinds that anybody wants.
	 */
	u_int wanted;

	/**
	 * Who takes the events.
	 */
	ppvpn_event_cb_t cb;

	/**
	 * Data for cb.
	 */
	void *data;

	/**
	 * A job to deliver is queued or running.
	 */
	bool delivering;

	/**
	 * Guards all of the above.
	 */
	mutex_t *mutex;

	/**
	 * Counters.
	 */
	ppvpn_counters_t *counters;
};

/**
 * Described in header.
 */
void ppvpn_event_text(char *dst, size_t size, const char *src)
{
	size_t i;

	for (i = 0; i + 1 < size && src[i]; i++)
	{
		dst[i] = src[i] >= 0x20 && src[i] < 0x7f ? src[i] : '?';
	}
	dst[i] = '\0';
}

/**
 * Deliver one event, come again for the next
 */
static job_requeue_t deliver(private_ppvpn_events_t *this)
{
	ppvpn_event_t *event;
	ppvpn_event_cb_t cb;
	void *data;

	this->mutex->lock(this->mutex);
	if (this->queue->remove_first(this->queue, (void**)&event) != SUCCESS)
	{
		this->delivering = FALSE;
		this->mutex->unlock(this->mutex);
		return JOB_REQUEUE_NONE;
	}
	cb = this->cb;
	data = this->data;
	this->mutex->unlock(this->mutex);

	if (cb)
	{
		cb(data, event);
	}
	free(event);
	return JOB_REQUEUE_DIRECT;
}

METHOD(ppvpn_events_t, push, void,
	private_ppvpn_events_t *this, ppvpn_event_t *event)
{
	ppvpn_event_t *copy;
	bool start = FALSE;

	this->mutex->lock(this->mutex);
	if (this->wanted & event->type)
	{
		if (this->queue->get_count(this->queue) >= PPVPN_MAX_EVENTS)
		{
			ppvpn_count(&this->counters->events_dropped);
		}
		else
		{
			copy = malloc_thing(ppvpn_event_t);
			*copy = *event;
			this->queue->insert_last(this->queue, copy);
			start = !this->delivering;
			this->delivering = TRUE;
		}
	}
	this->mutex->unlock(this->mutex);
	if (start)
	{
		lib->processor->queue_job(lib->processor,
			(job_t*)callback_job_create_with_prio((void*)deliver, this, NULL,
				(callback_job_cancel_t)return_false, JOB_PRIO_HIGH));
	}
}

METHOD(ppvpn_events_t, set_consumer, void,
	private_ppvpn_events_t *this, u_int wanted, ppvpn_event_cb_t cb,
	void *data)
{
	this->mutex->lock(this->mutex);
	this->wanted = wanted;
	this->cb = cb;
	this->data = data;
	this->mutex->unlock(this->mutex);
}

METHOD(ppvpn_events_t, is_wanted, bool,
	private_ppvpn_events_t *this, ppvpn_event_type_t type)
{
	bool wanted;

	this->mutex->lock(this->mutex);
	wanted = this->wanted & type;
	this->mutex->unlock(this->mutex);
	return wanted;
}

METHOD(ppvpn_events_t, destroy, void,
	private_ppvpn_events_t *this)
{
	this->queue->destroy_function(this->queue, free);
	this->mutex->destroy(this->mutex);
	free(this);
}

/**
 * Described in header.
 */
ppvpn_events_t *ppvpn_events_create(ppvpn_counters_t *counters)
{
	private_ppvpn_events_t *this;

	INIT(this,
		.public = {
			.push = _push,
			.set_consumer = _set_consumer,
			.is_wanted = _is_wanted,
			.destroy = _destroy,
		},
		.queue = linked_list_create(),
		.mutex = mutex_create(MUTEX_TYPE_DEFAULT),
		.counters = counters,
	);
	return &this->public;
}
