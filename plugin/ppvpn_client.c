/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * ppvpn_client.c - frames of one connection
 *
 * Owns the buffers, and wipes what came in: there are keys in it.  Takes no
 * lock and waits for nothing.
 */

#include "ppvpn_client.h"
#include "ppvpn_json.h"

#include <collections/linked_list.h>

#include <errno.h>
#include <sys/socket.h>

/** First size of the buffer of a frame; it grows as bytes arrive. */
#define FIRST_SIZE (64 * 1024)

typedef struct private_ppvpn_client_t private_ppvpn_client_t;

/**
 * Private data of a ppvpn_client_t object.
 */
struct private_ppvpn_client_t {

	/**
	 * Public interface.
	 */
	ppvpn_client_t public;

	/**
	 * Socket.
	 */
	int fd;

	/**
	 * Length of the frame, as received.
	 */
	uint8_t header[PPVPN_HEADER_LEN];

	/**
	 * Bytes of header received.
	 */
	size_t header_done;

	/**
	 * Buffer of the frame, len is its size.
	 */
	chunk_t in;

	/**
	 * Bytes of the frame received.
	 */
	size_t in_done;

	/**
	 * Frames to write, chunk_t*.
	 */
	linked_list_t *out;

	/**
	 * Bytes of the first one that are written.
	 */
	size_t out_done;

	/**
	 * Bytes of all that are not.
	 */
	size_t backlog;
};

/**
 * Length of the frame whose header is complete
 */
static size_t frame_len(private_ppvpn_client_t *this)
{
	return untoh32(this->header);
}

/**
 * Make room for more of the frame, wiping the smaller buffer
 */
static void grow(private_ppvpn_client_t *this)
{
	size_t size;
	chunk_t old = this->in;

	size = min(frame_len(this), max(FIRST_SIZE, 2 * old.len));
	this->in = chunk_alloc(size);
	if (old.len)
	{
		memcpy(this->in.ptr, old.ptr, this->in_done);
		chunk_clear(&old);
	}
}

/**
 * Receive some bytes
 */
static ppvpn_io_t receive(private_ppvpn_client_t *this, void *buf, size_t len,
						  size_t *done)
{
	ssize_t got;

	got = recv(this->fd, buf, len, MSG_DONTWAIT);
	if (got > 0)
	{
		*done += got;
		return PPVPN_IO_DONE;
	}
	if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR))
	{
		return PPVPN_IO_WAIT;
	}
	return PPVPN_IO_CLOSED;
}

METHOD(ppvpn_client_t, read_, ppvpn_io_t,
	private_ppvpn_client_t *this)
{
	ppvpn_io_t io;

	while (this->header_done < sizeof(this->header))
	{
		io = receive(this, this->header + this->header_done,
					 sizeof(this->header) - this->header_done,
					 &this->header_done);
		if (io != PPVPN_IO_DONE)
		{
			return io;
		}
	}
	if (frame_len(this) == 0 || frame_len(this) > PPVPN_FRAME_MAX)
	{
		return PPVPN_IO_CLOSED;
	}
	while (this->in_done < frame_len(this))
	{
		if (this->in_done == this->in.len)
		{
			grow(this);
		}
		io = receive(this, this->in.ptr + this->in_done,
					 this->in.len - this->in_done, &this->in_done);
		if (io != PPVPN_IO_DONE)
		{
			return io;
		}
	}
	return PPVPN_IO_DONE;
}

METHOD(ppvpn_client_t, take_frame, chunk_t,
	private_ppvpn_client_t *this)
{
	chunk_t frame = this->in;

	this->in = chunk_empty;
	this->in_done = this->header_done = 0;
	return frame;
}

METHOD(ppvpn_client_t, queue, void,
	private_ppvpn_client_t *this, chunk_t frame)
{
	chunk_t *entry;

	entry = malloc_thing(chunk_t);
	*entry = frame;
	this->out->insert_last(this->out, entry);
	this->backlog += frame.len;
}

/**
 * Release the first queued frame
 */
static void release_first(private_ppvpn_client_t *this)
{
	chunk_t *entry;

	if (this->out->remove_first(this->out, (void**)&entry) == SUCCESS)
	{
		free(entry->ptr);
		free(entry);
	}
	this->out_done = 0;
}

METHOD(ppvpn_client_t, write_, ppvpn_io_t,
	private_ppvpn_client_t *this)
{
	chunk_t *entry;
	ssize_t sent;

	while (this->out->get_first(this->out, (void**)&entry) == SUCCESS)
	{
		sent = send(this->fd, entry->ptr + this->out_done,
					entry->len - this->out_done, MSG_DONTWAIT | MSG_NOSIGNAL);
		if (sent < 0)
		{
			return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR ?
								PPVPN_IO_WAIT : PPVPN_IO_CLOSED;
		}
		this->out_done += sent;
		this->backlog -= sent;
		if (this->out_done == entry->len)
		{
			release_first(this);
		}
	}
	return PPVPN_IO_DONE;
}

METHOD(ppvpn_client_t, get_backlog, size_t,
	private_ppvpn_client_t *this)
{
	return this->backlog;
}

METHOD(ppvpn_client_t, destroy, void,
	private_ppvpn_client_t *this)
{
	chunk_clear(&this->in);
	while (this->out->get_count(this->out))
	{
		release_first(this);
	}
	this->out->destroy(this->out);
	free(this);
}

/**
 * Described in header.
 */
ppvpn_client_t *ppvpn_client_create(int fd)
{
	private_ppvpn_client_t *this;

	INIT(this,
		.public = {
			.read = _read_,
			.take_frame = _take_frame,
			.queue = _queue,
			.write = _write_,
			.get_backlog = _get_backlog,
			.destroy = _destroy,
		},
		.fd = fd,
		.out = linked_list_create(),
	);
	return &this->public;
}
