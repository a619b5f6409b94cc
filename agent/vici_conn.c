/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * vici_conn.c - commands and events over one VICI connection
 *
 * After connecting, the events are registered for one by one; only then is the
 * connection up. An event that charon does not know is told and done without.
 */
#include "config.h"

#include "vici_conn.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "log.h"
#include "loop.h"
#include "stream.h"

#define PACKET_MAX ((size_t)512 * 1024)		/* charon's own limit */

struct vici_conn
{
	struct stream *stream;
	struct loop_timer *deadline;
	const char *const *events;
	size_t registered;
	bool up;
	const struct vici_conn_handlers *handlers;
	void *user;
	struct vici_command *first, **last;		/* the first is on the wire */
};

/* ---- the queue ------------------------------------------------------------ */

static struct vici_command *queue_pop(struct vici_conn *c)
{
	struct vici_command *command = c->first;

	c->first = command->next;
	if (c->first == NULL)
	{
		c->last = &c->first;
	}
	command->next = NULL;
	return command;
}

static void transmit(struct vici_conn *c, struct text *packet)
{
	stream_send(c->stream, packet->s, packet->len);
	text_done(packet);
	loop_timer_set(c->deadline, VICI_DEADLINE_MS);
}

static void command_fail(struct vici_command *command, int rc, const char *why)
{
	struct err e;

	text_done(&command->packet);
	err_set(&e, rc, ERR_CHARON, command->name, "%s", why);
	command->reply(command, rc, NULL, &e);
}

void vici_conn_send(struct vici_conn *c, struct vici_command *command)
{
	if (!c->up)
	{
		command_fail(command, -ENOTCONN, "not connected to charon's VICI");
		return;
	}
	command->next = NULL;
	*c->last = command;
	c->last = &command->next;
	if (c->first == command)
	{
		transmit(c, &command->packet);
	}
}

/* The command on the wire is answered; the next one takes its place first, so
 * that what the reply sends stands behind it. */
static void answer(struct vici_conn *c, int rc, struct vici_walk *w)
{
	struct vici_command *command = queue_pop(c);

	loop_timer_clear(c->deadline);
	if (c->first != NULL)
	{
		transmit(c, &c->first->packet);
	}
	if (rc != 0)
	{
		command_fail(command, rc, "charon does not know this command");
		return;
	}
	command->reply(command, 0, w, NULL);
}

/* ---- events --------------------------------------------------------------- */

static void register_next(struct vici_conn *c)
{
	struct text packet = { 0 };

	if (c->events[c->registered] == NULL)
	{
		loop_timer_clear(c->deadline);
		c->up = true;
		c->handlers->connection(c->user, true);
		return;
	}
	vici_start(&packet, VICI_EVENT_REGISTER, c->events[c->registered]);
	transmit(c, &packet);
}

static bool on_registered(struct vici_conn *c, bool known)
{
	if (c->up)
	{
		return false;
	}
	if (!known)
	{
		log_warn("vici", "charon has no event %s", c->events[c->registered]);
	}
	c->registered++;
	register_next(c);
	return true;
}

static bool on_event(struct vici_conn *c, const char *name,
					 struct vici_walk *w)
{
	struct vici_command *command = c->first;

	if (command != NULL && command->stream != NULL &&
		strcmp(command->stream, name) == 0)
	{
		loop_timer_set(c->deadline, VICI_DEADLINE_MS);
		return command->event(command, w);
	}
	return c->handlers->event(c->user, name, w);
}

/* ---- the connection ------------------------------------------------------- */

static bool on_frame(void *user, const uint8_t *frame, size_t len)
{
	struct vici_conn *c = user;
	struct vici_walk w;
	enum vici_packet type;
	char name[256];

	if (vici_open(&w, frame, len, &type, name) != 0)
	{
		return false;
	}
	switch (type)
	{
		case VICI_EVENT:
			return on_event(c, name, &w);
		case VICI_EVENT_CONFIRM:
			return on_registered(c, true);
		case VICI_EVENT_UNKNOWN:
			return on_registered(c, false);
		case VICI_CMD_RESPONSE:
		case VICI_CMD_UNKNOWN:
			if (c->first == NULL)
			{
				return false;
			}
			answer(c, type == VICI_CMD_RESPONSE ? 0 : -ENOSYS, &w);
			return true;
		case VICI_CMD_REQUEST:
		case VICI_EVENT_REGISTER:
		case VICI_EVENT_UNREGISTER:
			break;
	}
	return false;
}

static void on_connected(void *user)
{
	struct vici_conn *c = user;

	c->registered = 0;
	register_next(c);
}

static void on_lost(void *user, const char *why)
{
	struct vici_conn *c = user;
	bool was_up = c->up;

	log_warn("vici", "connection to charon lost: %s", why);
	c->up = false;
	loop_timer_clear(c->deadline);
	while (c->first != NULL)
	{
		command_fail(queue_pop(c), -ECONNRESET, why);
	}
	if (was_up)
	{
		c->handlers->connection(c->user, false);
	}
}

static void on_deadline(void *user)
{
	struct vici_conn *c = user;

	stream_drop(c->stream, "no answer in time");
}

struct vici_conn *vici_conn_new(struct loop *loop, const char *path,
								const char *const *events,
								const struct vici_conn_handlers *handlers,
								void *user)
{
	static const struct stream_handlers stream_handlers = {
		.connected = on_connected, .lost = on_lost, .frame = on_frame,
	};
	struct stream_config config = {
		.path = path, .token = "vici", .max_frame = PACKET_MAX,
	};
	struct vici_conn *c = xcalloc(1, sizeof(*c));

	c->events = events;
	c->handlers = handlers;
	c->user = user;
	c->last = &c->first;
	c->deadline = loop_timer_new(loop, on_deadline, c);
	c->stream = stream_new(loop, &config, &stream_handlers, c);
	return c;
}

void vici_conn_free(struct vici_conn *c)
{
	if (c == NULL)
	{
		return;
	}
	stream_free(c->stream);
	loop_timer_free(c->deadline);
	while (c->first != NULL)
	{
		struct vici_command *command = queue_pop(c);

		text_done(&command->packet);
		command->cancel(command);
	}
	free(c);
}

bool vici_conn_up(const struct vici_conn *c)
{
	return c->up;
}
