/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * ppvpn_socket.c - accepts clients, moves frames between them and the protocol
 *
 * Owns the file descriptors and when they are watched.  Reading stops while a
 * request is processed and while its answer is not taken, so a client has one
 * request and one answer in memory, and a bounded number of events.
 *
 * A watcher callback that returns FALSE is unregistered only some time later,
 * by file descriptor.  So each direction has a descriptor of its own, and it
 * is watched again only after watcher_t.remove() has waited for that.
 */

#include "ppvpn_socket.h"
#include "ppvpn_client.h"
#include "ppvpn_peercred.h"

#include <collections/linked_list.h>
#include <processing/jobs/callback_job.h>
#include <threading/mutex.h>

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

typedef struct private_ppvpn_socket_t private_ppvpn_socket_t;
typedef struct peer_t peer_t;

/**
 * Private data of a ppvpn_socket_t object.
 */
struct private_ppvpn_socket_t {

	/**
	 * Public interface.
	 */
	ppvpn_socket_t public;

	/**
	 * Where the socket is.
	 */
	char *path;

	/**
	 * Listening socket.
	 */
	int fd;

	/**
	 * Group that may connect, -1 for none.
	 */
	gid_t group;

	/**
	 * Answers requests.
	 */
	ppvpn_protocol_t *protocol;

	/**
	 * Where events come from.
	 */
	ppvpn_events_t *events;

	/**
	 * Counters.
	 */
	ppvpn_counters_t *counters;

	/**
	 * Connected clients, peer_t.
	 */
	linked_list_t *peers;

	/**
	 * Guards the list and all that is in a peer_t but session.
	 */
	mutex_t *mutex;
};

/**
 * A connected client
 */
struct peer_t {
	/** the socket it is connected to */
	private_ppvpn_socket_t *socket;
	/** held by the list and by jobs */
	refcount_t ref;
	/** descriptor that is watched for reading */
	int fd;
	/** duplicate that is watched for writing */
	int wfd;
	/** buffers */
	ppvpn_client_t *client;
	/** of the protocol, used by the job that processes a request only */
	ppvpn_session_t session;
	/** kinds of events it wants */
	u_int wanted;
	/** nothing is read until the backlog is written */
	bool paused;
	/** wfd is watched */
	bool writing;
	/** to be forgotten, no descriptor may be watched any more */
	bool closing;
};

static void put_peer(peer_t *peer)
{
	if (ref_put(&peer->ref))
	{
		ppvpn_session_clear(&peer->session);
		peer->client->destroy(peer->client);
		close(peer->fd);
		close(peer->wfd);
		free(peer);
	}
}

static peer_t *get_peer(peer_t *peer)
{
	ref_get(&peer->ref);
	return peer;
}

/**
 * Queue a job for a peer, which gets a reference
 */
static void queue_job(peer_t *peer, callback_job_cb_t cb)
{
	lib->processor->queue_job(lib->processor,
		(job_t*)callback_job_create(cb, get_peer(peer), (void*)put_peer,
									(callback_job_cancel_t)return_false));
}

static void deliver(private_ppvpn_socket_t *this, ppvpn_event_t *event);

/**
 * Tell the event queue what is wanted by anybody.  Under the lock.
 */
static void update_wanted(private_ppvpn_socket_t *this)
{
	enumerator_t *enumerator;
	u_int wanted = 0;
	peer_t *peer;

	enumerator = this->peers->create_enumerator(this->peers);
	while (enumerator->enumerate(enumerator, &peer))
	{
		wanted |= peer->wanted;
	}
	enumerator->destroy(enumerator);
	this->events->set_consumer(this->events, wanted,
							   (ppvpn_event_cb_t)deliver, this);
}

/**
 * Forget a peer: nothing watches it afterwards
 */
static job_requeue_t forget(peer_t *peer)
{
	private_ppvpn_socket_t *this = peer->socket;

	lib->watcher->remove(lib->watcher, peer->fd);
	lib->watcher->remove(lib->watcher, peer->wfd);

	this->mutex->lock(this->mutex);
	this->peers->remove(this->peers, peer, NULL);
	update_wanted(this);
	this->mutex->unlock(this->mutex);
	put_peer(peer);
	return JOB_REQUEUE_NONE;
}

/**
 * Start to close a connection.  Under the lock.
 */
static void close_peer(peer_t *peer)
{
	if (!peer->closing)
	{
		peer->closing = TRUE;
		peer->wanted = 0;
		shutdown(peer->fd, SHUT_RDWR);
		queue_job(peer, (callback_job_cb_t)forget);
	}
}

static bool on_readable(peer_t *peer, int fd, watcher_event_t event);
static bool on_writable(peer_t *peer, int fd, watcher_event_t event);

/**
 * Watch for requests.  Without the lock, by who processed the last one.
 */
static void watch_read(peer_t *peer)
{
	private_ppvpn_socket_t *this = peer->socket;

	lib->watcher->remove(lib->watcher, peer->fd);
	this->mutex->lock(this->mutex);
	if (!peer->closing)
	{
		lib->watcher->add(lib->watcher, peer->fd, WATCHER_READ,
						  (watcher_cb_t)on_readable, peer);
	}
	this->mutex->unlock(this->mutex);
}

/**
 * Watch for room to write.  Without the lock, by who set writing.
 */
static void watch_write(peer_t *peer)
{
	private_ppvpn_socket_t *this = peer->socket;

	lib->watcher->remove(lib->watcher, peer->wfd);
	this->mutex->lock(this->mutex);
	if (!peer->closing)
	{
		lib->watcher->add(lib->watcher, peer->wfd, WATCHER_WRITE,
						  (watcher_cb_t)on_writable, peer);
	}
	this->mutex->unlock(this->mutex);
}

/**
 * Write what can be written.  Under the lock.
 *
 * @return			TRUE if the caller has to watch_write()
 */
static bool flush(peer_t *peer)
{
	if (peer->closing || peer->writing)
	{
		return FALSE;
	}
	switch (peer->client->write(peer->client))
	{
		case PPVPN_IO_WAIT:
			peer->writing = TRUE;
			return TRUE;
		case PPVPN_IO_CLOSED:
			close_peer(peer);
			return FALSE;
		case PPVPN_IO_DONE:
			break;
	}
	return FALSE;
}

/**
 * May the next request be read?  Under the lock.
 */
static bool is_ready(peer_t *peer)
{
	return !peer->closing &&
			peer->client->get_backlog(peer->client) < PPVPN_EVENT_BACKLOG;
}

/**
 * Process a request
 */
static job_requeue_t process(peer_t *peer)
{
	private_ppvpn_socket_t *this = peer->socket;
	bool read = FALSE, write = FALSE;
	chunk_t frame, reply;

	this->mutex->lock(this->mutex);
	frame = peer->client->take_frame(peer->client);
	this->mutex->unlock(this->mutex);

	reply = this->protocol->process(this->protocol, &peer->session, frame);
	chunk_clear(&frame);

	this->mutex->lock(this->mutex);
	if (!peer->closing)
	{
		peer->wanted = peer->session.wanted;
		update_wanted(this);
	}
	if (reply.len)
	{
		peer->client->queue(peer->client, reply);
		write = flush(peer);
		read = is_ready(peer);
		peer->paused = !read;
	}
	else
	{
		close_peer(peer);
	}
	this->mutex->unlock(this->mutex);
	if (write)
	{
		watch_write(peer);
	}
	if (read)
	{
		watch_read(peer);
	}
	return JOB_REQUEUE_NONE;
}

/**
 * There is something to read
 */
static bool on_readable(peer_t *peer, int fd, watcher_event_t event)
{
	private_ppvpn_socket_t *this = peer->socket;
	bool keep = FALSE;

	this->mutex->lock(this->mutex);
	if (!peer->closing)
	{
		switch (peer->client->read(peer->client))
		{
			case PPVPN_IO_DONE:
				queue_job(peer, (callback_job_cb_t)process);
				break;
			case PPVPN_IO_WAIT:
				keep = TRUE;
				break;
			case PPVPN_IO_CLOSED:
				close_peer(peer);
				break;
		}
	}
	this->mutex->unlock(this->mutex);
	return keep;
}

/**
 * Read again, after the backlog was written
 */
static job_requeue_t resume(peer_t *peer)
{
	watch_read(peer);
	return JOB_REQUEUE_NONE;
}

/**
 * There is room to write
 */
static bool on_writable(peer_t *peer, int fd, watcher_event_t event)
{
	private_ppvpn_socket_t *this = peer->socket;
	bool keep = FALSE;

	this->mutex->lock(this->mutex);
	if (!peer->closing)
	{
		switch (peer->client->write(peer->client))
		{
			case PPVPN_IO_DONE:
				peer->writing = FALSE;
				break;
			case PPVPN_IO_WAIT:
				keep = TRUE;
				break;
			case PPVPN_IO_CLOSED:
				close_peer(peer);
				break;
		}
		if (peer->paused && is_ready(peer))
		{
			peer->paused = FALSE;
			queue_job(peer, (callback_job_cb_t)resume);
		}
	}
	this->mutex->unlock(this->mutex);
	return keep;
}

/**
 * Give an event to all who want it, and can take it
 */
static void deliver(private_ppvpn_socket_t *this, ppvpn_event_t *event)
{
	enumerator_t *enumerator;
	linked_list_t *waiting;
	chunk_t frame;
	peer_t *peer;

	waiting = linked_list_create();
	frame = this->protocol->encode_event(this->protocol, event);
	this->mutex->lock(this->mutex);
	enumerator = this->peers->create_enumerator(this->peers);
	while (enumerator->enumerate(enumerator, &peer))
	{
		if (!(peer->wanted & event->type))
		{
			continue;
		}
		if (peer->client->get_backlog(peer->client) + frame.len >
			PPVPN_EVENT_BACKLOG)
		{
			ppvpn_count(&this->counters->events_dropped);
			continue;
		}
		peer->client->queue(peer->client, chunk_clone(frame));
		if (flush(peer))
		{
			waiting->insert_last(waiting, get_peer(peer));
		}
	}
	enumerator->destroy(enumerator);
	this->mutex->unlock(this->mutex);
	free(frame.ptr);

	while (waiting->remove_first(waiting, (void**)&peer) == SUCCESS)
	{
		watch_write(peer);
		put_peer(peer);
	}
	waiting->destroy(waiting);
}

/**
 * Take in a client (fd is adopted)
 */
static void admit(private_ppvpn_socket_t *this, int fd)
{
	peer_t *peer = NULL;
	int wfd;

	wfd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	this->mutex->lock(this->mutex);
	if (wfd != -1 && this->peers->get_count(this->peers) < PPVPN_MAX_CLIENTS)
	{
		INIT(peer,
			.socket = this,
			.ref = 1,
			.fd = fd,
			.wfd = wfd,
			.client = ppvpn_client_create(fd),
		);
		this->peers->insert_last(this->peers, peer);
		lib->watcher->add(lib->watcher, fd, WATCHER_READ,
						  (watcher_cb_t)on_readable, peer);
	}
	this->mutex->unlock(this->mutex);
	if (!peer)
	{
		DBG1(DBG_CFG, "ppvpn: too many clients, connection refused");
		close(fd);
		if (wfd != -1)
		{
			close(wfd);
		}
	}
}

/**
 * There is a client to accept
 */
static bool on_connect(private_ppvpn_socket_t *this, int fd,
					   watcher_event_t event)
{
	int client;

	client = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (client == -1)
	{
		return TRUE;
	}
	if (ppvpn_peer_permitted(client, this->group))
	{
		admit(this, client);
	}
	else
	{
		DBG1(DBG_CFG, "ppvpn: client has no permission, connection refused");
		close(client);
	}
	return TRUE;
}

METHOD(ppvpn_socket_t, destroy, void,
	private_ppvpn_socket_t *this)
{
	peer_t *peer;

	lib->watcher->remove(lib->watcher, this->fd);
	this->events->set_consumer(this->events, 0, NULL, NULL);
	close(this->fd);
	unlink(this->path);
	while (this->peers->remove_first(this->peers, (void**)&peer) == SUCCESS)
	{
		lib->watcher->remove(lib->watcher, peer->fd);
		lib->watcher->remove(lib->watcher, peer->wfd);
		put_peer(peer);
	}
	this->peers->destroy(this->peers);
	this->mutex->destroy(this->mutex);
	free(this->path);
	free(this);
}

/**
 * Described in header.
 */
ppvpn_socket_t *ppvpn_socket_create(char *path, char *group,
									ppvpn_protocol_t *protocol,
									ppvpn_events_t *events,
									ppvpn_counters_t *counters)
{
	private_ppvpn_socket_t *this;
	gid_t gid;
	int fd;

	gid = ppvpn_find_group(group);
	fd = ppvpn_listen(path, gid);
	if (fd == -1)
	{
		return NULL;
	}
	INIT(this,
		.public = {
			.destroy = _destroy,
		},
		.path = strdup(path),
		.fd = fd,
		.group = gid,
		.protocol = protocol,
		.events = events,
		.counters = counters,
		.peers = linked_list_create(),
		.mutex = mutex_create(MUTEX_TYPE_DEFAULT),
	);
	lib->watcher->add(lib->watcher, fd, WATCHER_READ,
					  (watcher_cb_t)on_connect, this);
	return &this->public;
}
