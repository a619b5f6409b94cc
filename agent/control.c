/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * control.c - the Unix socket that ppvpnctl talks to
 *
 * Effects: sockets. A client has a deadline for its line and one for taking the
 * answer; what it does in between cannot hold anything up.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "alloc.h"
#include "control.h"
#include "json_in.h"
#include "json_out.h"
#include "loop.h"

#define CLIENTS_MAX 32
#define LINE_MAX_LEN 4096
#define LINE_DEADLINE_MS 5000
#define ANSWER_DEADLINE_MS 10000
#define WATCHERS_MAX 8			/* the others still get their answers */
#define WATCHER_BYTES 262144	/* that it has not read yet */

struct control_request {
	struct control *control;
	struct control_request *next;
	int fd;
	struct loop_fd *watch;
	struct loop_timer *deadline;
	struct text in, out;
	size_t sent;
	bool asked;				/* the line is complete: an answer is due */
	bool watches;			/* gets lines, no answer */
};

struct control {
	struct loop *loop;
	int fd;
	struct loop_fd *watch;
	char *path;
	control_fn fn;
	void *user;
	struct control_request *clients;
	unsigned count, watchers;
};

/* ---- one client ------------------------------------------------------------ */

static void close_client(struct control_request *r)
{
	if (r->watch)
	{
		loop_fd_free(r->watch);
		r->watch = NULL;
	}
	if (r->deadline)
	{
		loop_timer_free(r->deadline);
		r->deadline = NULL;
	}
	if (r->fd >= 0)
	{
		close(r->fd);
		r->fd = -1;
	}
}

static void free_client(struct control_request *r)
{
	struct control *c = r->control;

	close_client(r);
	for (struct control_request **p = c ? &c->clients : NULL; p && *p;
		 p = &(*p)->next)
	{
		if (*p == r)
		{
			*p = r->next;
			c->count--;
			c->watchers -= r->watches;
			break;
		}
	}
	text_done(&r->in);
	text_done(&r->out);
	free(r);
}

static void on_deadline(void *user)
{
	free_client(user);
}

/* What it has got already needs no memory. */
static void drop_sent(struct control_request *r)
{
	if (r->sent)
	{
		memmove(r->out.s, r->out.s + r->sent, r->out.len - r->sent);
		r->out.len -= r->sent;
		r->sent = 0;
	}
}

/* True when all is sent, or nothing more can be. */
static bool send_out(struct control_request *r)
{
	while (r->sent < r->out.len)
	{
		ssize_t n = send(r->fd, r->out.s + r->sent, r->out.len - r->sent,
						 MSG_NOSIGNAL | MSG_DONTWAIT);

		if (n < 0 && errno == EINTR)
		{
			continue;
		}
		if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
		{
			return false;
		}
		if (n <= 0)
		{
			return true;
		}
		r->sent += n;
	}
	return true;
}

static void send_some(struct control_request *r)
{
	if (!send_out(r))
	{
		return;
	}
	if (r->watches && r->sent == r->out.len)
	{	/* wait for more */
		drop_sent(r);
		loop_fd_set(r->watch, LOOP_READ);
		return;
	}
	free_client(r);
}

void control_answer(struct control_request *r, const char *json,
					const struct err *e)
{
	struct json_out o = {0};
	struct text text;

	if (!r->control)
	{	/* the listener is gone, and the client with it */
		free_client(r);
		return;
	}
	if (json)
	{
		text_add(&r->out, json);
	}
	else
	{
		jo_object(&o, NULL);
		jo_err(&o, "error", e);
		jo_object_end(&o);
		text = jo_take(&o);
		text_add(&r->out, text_str(&text));
		text_done(&text);
	}
	text_add(&r->out, "\n");
	loop_timer_set(r->deadline, ANSWER_DEADLINE_MS);
	loop_fd_set(r->watch, LOOP_WRITE);
}

int control_watch(struct control_request *r)
{
	if (!r->control)
	{
		free_client(r);
		return 0;
	}
	if (r->control->watchers == WATCHERS_MAX)
	{
		return -EBUSY;
	}
	r->watches = true;
	r->control->watchers++;
	loop_fd_set(r->watch, LOOP_READ);
	return 0;
}

bool control_watched(const struct control *c)
{
	return c->watchers > 0;
}

void control_tell(struct control *c, const char *json)
{
	struct control_request *next;

	for (struct control_request *r = c->clients; r; r = next)
	{
		next = r->next;
		if (!r->watches)
		{
			continue;
		}
		if (r->out.len - r->sent > WATCHER_BYTES)
		{
			free_client(r);
			continue;
		}
		drop_sent(r);
		text_add(&r->out, json);
		text_add(&r->out, "\n");
		loop_fd_set(r->watch, LOOP_READ | LOOP_WRITE);
	}
}

static int read_op(struct json_in *in, struct json_object *value,
				   const struct json_path *path, void *out)
{
	static const struct json_row rows[] = {
		{ .name = "op", .kind = JSON_TOKEN, .required = true, .min = 1,
		  .max = 32 },
		{ .name = NULL },
	};

	return json_read_object(in, value, path, rows, out);
}

static void ask(struct control_request *r)
{
	static const struct json_limits limits = {
		.bytes = LINE_MAX_LEN, .depth = 4, .values = 32, .members = 8,
		.string = 256,
	};
	struct arena *arena = arena_new();
	struct err e;
	char *op = NULL;

	r->asked = true;
	loop_timer_clear(r->deadline);
	if (json_read_text(arena, r->in.s, r->in.len, &limits, read_op, &op, NULL,
					   &e) != 0)
	{
		control_answer(r, NULL, &e);
	}
	else
	{
		r->control->fn(r->control->user, r, op);
	}
	arena_free(arena);
}

static void too_long(struct control_request *r)
{
	struct err e;

	err_set(&e, -E2BIG, ERR_LIMIT, "request", "longer than %u bytes",
			LINE_MAX_LEN);
	r->asked = true;
	control_answer(r, NULL, &e);
}

/*
 * The end of what it sends, perhaps of the client: that shows when the answer is
 * sent. A line may end so, too.
 */
static void client_ended(struct control_request *r)
{
	if (r->watches || (!r->asked && !r->in.len))
	{
		free_client(r);
		return;
	}
	loop_fd_set(r->watch, 0);
	if (!r->asked)
	{
		ask(r);
	}
}

static void on_client(void *user, int fd, unsigned events)
{
	struct control_request *r = user;
	char buf[1024], *end;
	ssize_t n;

	if (r->out.len && (events & LOOP_WRITE || !r->watches))
	{
		send_some(r);
		return;
	}
	n = recv(fd, buf, sizeof(buf), MSG_DONTWAIT);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
	{
		return;
	}
	if (n <= 0)
	{
		client_ended(r);
		return;
	}
	if (r->asked)
	{	/* more than one line: not looked at */
		return;
	}
	end = memchr(buf, '\n', n);
	text_addn(&r->in, buf, end ? end - buf : n);
	if (r->in.len > LINE_MAX_LEN)
	{
		too_long(r);
	}
	else if (end)
	{
		ask(r);
	}
}

/* ---- the listener ---------------------------------------------------------- */

static void on_connect(void *user, int fd, unsigned events)
{
	struct control *c = user;
	struct control_request *r;
	int client = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (client < 0)
	{
		return;
	}
	if (c->count == CLIENTS_MAX)
	{
		close(client);
		return;
	}
	r = xcalloc(1, sizeof(*r));
	r->control = c;
	r->fd = client;
	r->next = c->clients;
	c->clients = r;
	c->count++;
	r->deadline = loop_timer_new(c->loop, on_deadline, r);
	loop_timer_set(r->deadline, LINE_DEADLINE_MS);
	r->watch = loop_fd_new(c->loop, client, LOOP_READ, on_client, r);
}

/* 0660 from the first moment, then the group. */
static int bind_socket(int fd, const char *path, const char *group,
					   struct err *e)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	struct group *gr = group ? getgrnam(group) : NULL;
	mode_t mask;
	int rc;

	if (strlen(path) >= sizeof(addr.sun_path))
	{
		return err_set(e, -ENAMETOOLONG, ERR_IO, path, "too long for a socket");
	}
	memcpy(addr.sun_path, path, strlen(path));
	unlink(path);
	mask = umask(0177);
	rc = bind(fd, (struct sockaddr*)&addr, sizeof(addr));
	umask(mask);
	if (rc == 0 && group && !gr)
	{
		rc = err_set(e, -ENOENT, ERR_NOT_FOUND, path, "there is no group %s",
					 group);
		unlink(path);
		return rc;
	}
	if (rc == 0 && gr)
	{
		rc = chown(path, -1, gr->gr_gid);
	}
	if (rc == 0)
	{
		rc = chmod(path, 0660);
	}
	if (rc == 0)
	{
		rc = listen(fd, CLIENTS_MAX);
	}
	return rc == 0 ? 0 : err_set(e, -errno, ERR_IO, path, "cannot listen: %s",
								 strerror(errno));
}

int control_new(struct loop *loop, const char *path, const char *group,
				control_fn fn, void *user, struct control **out, struct err *e)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), rc;
	struct control *c;

	if (fd < 0)
	{
		return err_set(e, -errno, ERR_IO, path, "cannot make a socket: %s",
					   strerror(errno));
	}
	rc = bind_socket(fd, path, group, e);
	if (rc != 0)
	{
		close(fd);
		return rc;
	}
	c = xcalloc(1, sizeof(*c));
	c->loop = loop;
	c->fd = fd;
	c->path = xstrdup(path);
	c->fn = fn;
	c->user = user;
	c->watch = loop_fd_new(loop, fd, LOOP_READ, on_connect, c);
	*out = c;
	return 0;
}

void control_free(struct control *c)
{
	struct control_request *r, *next;

	if (!c)
	{
		return;
	}
	for (r = c->clients; r; r = next)
	{
		next = r->next;
		if (r->asked && !r->out.len && !r->watches)
		{	/* somebody still holds it: freed by its answer */
			close_client(r);
			r->control = NULL;
		}
		else
		{	/* an answer of the last moment goes as far as it can at once */
			(void)send_out(r);
			free_client(r);
		}
	}
	loop_fd_free(c->watch);
	close(c->fd);
	unlink(c->path);
	free(c->path);
	free(c);
}
