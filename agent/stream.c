/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * stream.c - frames over a Unix stream socket that comes and goes
 *
 * The read buffer grows with what arrives, not with what a length announces.
 */
#include "config.h"

#include "stream.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "alloc.h"
#include "log.h"
#include "loop.h"
#include "secret.h"
#include "text.h"

#define HEADER 4
#define READ_SIZE ((size_t)64 * 1024)
#define READS_A_TURN 16			/* then other descriptors have theirs */

struct bytes
{
	uint8_t *p;
	size_t len, size;
};

struct stream
{
	struct loop *loop;
	char *path;
	const char *token;
	size_t max_frame;
	enum stream_framing framing;
	size_t scanned;				/* of the first frame: no end in there */
	const struct stream_handlers *handlers;
	void *user;
	int fd;						/* -1: not connected */
	unsigned connection;		/* counts them */
	bool *freed;				/* tells a caller below us in the stack */
	bool told;					/* that connecting fails */
	struct loop_fd *watch;
	struct loop_timer *timer;	/* next try, or a broken write */
	struct bytes in;
	struct text out;
	size_t sent;				/* of out */
};

/* ---- buffers -------------------------------------------------------------- */

static void bytes_done(struct bytes *b)
{
	if (b->p != NULL)
	{
		wipe(b->p, b->size);
		free(b->p);
	}
	*b = (struct bytes){ 0 };
}

/* Room for READ_SIZE more; the old place is wiped. */
static uint8_t *bytes_room(struct bytes *b)
{
	struct bytes bigger = { .len = b->len };

	if (b->size - b->len < READ_SIZE)
	{
		bigger.size = 2 * b->size + READ_SIZE;
		bigger.p = xcalloc(bigger.size, 1);
		if (b->len > 0)
		{
			memcpy(bigger.p, b->p, b->len);
		}
		bytes_done(b);
		*b = bigger;
	}
	return b->p + b->len;
}

static void bytes_consume(struct bytes *b, size_t n)
{
	if (n == b->len)
	{
		bytes_done(b);
		return;
	}
	memmove(b->p, b->p + n, b->len - n);
	b->len -= n;
}

/* ---- connecting ----------------------------------------------------------- */

static int socket_connect(const char *path)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	int fd, rc;

	if (strlen(path) >= sizeof(sa.sun_path))
	{
		errno = ENAMETOOLONG;
		return -1;
	}
	memcpy(sa.sun_path, path, strlen(path));
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd >= 0 && connect(fd, (struct sockaddr *)&sa, sizeof(sa)) != 0)
	{
		rc = errno;
		close(fd);
		errno = rc;
		return -1;
	}
	return fd;
}

static void on_ready(void *user, int fd, unsigned events);

static void stream_connect(struct stream *s)
{
	s->fd = socket_connect(s->path);
	if (s->fd < 0)
	{
		log_line(s->told ? LOG_LEVEL_DEBUG : LOG_LEVEL_WARN, s->token,
				 "cannot connect to %s: %s", s->path, strerror(errno));
		s->told = true;
		loop_timer_set(s->timer, STREAM_RETRY_MS);
		return;
	}
	s->told = false;
	s->connection++;
	s->watch = loop_fd_new(s->loop, s->fd, LOOP_READ, on_ready, s);
	s->handlers->connected(s->user);
}

static void stream_close(struct stream *s)
{
	if (s->fd < 0)
	{
		return;
	}
	loop_fd_free(s->watch);
	s->watch = NULL;
	close(s->fd);
	s->fd = -1;
	bytes_done(&s->in);
	text_done(&s->out);
	s->sent = s->scanned = 0;
}

void stream_drop(struct stream *s, const char *why)
{
	if (s->fd < 0)
	{
		return;
	}
	stream_close(s);
	loop_timer_set(s->timer, STREAM_RETRY_MS);
	s->handlers->lost(s->user, why);
}

static void on_timer(void *user)
{
	struct stream *s = user;

	if (s->fd < 0)
	{
		stream_connect(s);
	}
	else
	{
		stream_drop(s, "cannot be written to");
	}
}

/* ---- writing -------------------------------------------------------------- */

static void stream_flush(struct stream *s)
{
	ssize_t n;

	while (s->sent < s->out.len)
	{
		n = send(s->fd, s->out.s + s->sent, s->out.len - s->sent,
				 MSG_NOSIGNAL);
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
		{
			break;
		}
		if (n < 0)
		{
			/* not from here: the caller may be in the middle of something */
			loop_timer_set(s->timer, 0);
			return;
		}
		s->sent += (size_t)n;
	}
	if (s->sent == s->out.len)
	{
		text_done(&s->out);
		s->sent = 0;
	}
	loop_fd_set(s->watch, s->out.len > 0 ? LOOP_READ | LOOP_WRITE : LOOP_READ);
}

void stream_send(struct stream *s, const void *frame, size_t len)
{
	char header[HEADER] = {
		(char)(len >> 24), (char)(len >> 16), (char)(len >> 8), (char)len
	};

	if (s->fd < 0)
	{
		return;
	}
	if (s->framing == STREAM_LENGTH)
	{
		text_addn(&s->out, header, sizeof(header));
	}
	text_addn(&s->out, frame, len);
	if (s->framing == STREAM_RESULT)
	{
		text_addn(&s->out, "", 1);
	}
	stream_flush(s);
}

/* ---- reading -------------------------------------------------------------- */

/* The length of a frame of STREAM_RESULT, as length_size(). */
static ssize_t result_size(struct stream *s, const struct bytes *b, size_t at)
{
	static const uint8_t nuls[STREAM_RESULT_SIZE - 1];
	size_t left = b->len - at;
	const uint8_t *p = b->p + at;
	const uint8_t *nul = memchr(p + s->scanned, 0, left - s->scanned);
	size_t text = nul != NULL ? (size_t)(nul - p) : left;

	s->scanned = text;
	if (text > s->max_frame)
	{
		return -1;
	}
	if (left - text < STREAM_RESULT_SIZE)
	{
		return 0;
	}
	s->scanned = 0;
	return memcmp(nul, nuls, sizeof(nuls)) == 0
		   ? (ssize_t)(text + STREAM_RESULT_SIZE) : -1;
}

/* The length of the first frame with its header; 0: not all there; or < 0. */
static ssize_t length_size(const struct bytes *b, size_t at, size_t max_frame)
{
	size_t left = b->len - at, len;
	const uint8_t *p = b->p + at;

	if (left < HEADER)
	{
		return 0;
	}
	len = (size_t)p[0] << 24 | (size_t)p[1] << 16 | (size_t)p[2] << 8 | p[3];
	if (len == 0 || len > max_frame)
	{
		return -1;
	}
	return left < HEADER + len ? 0 : (ssize_t)(HEADER + len);
}

static ssize_t frame_size(struct stream *s, const struct bytes *b, size_t at)
{
	return s->framing == STREAM_RESULT ? result_size(s, b, at)
									   : length_size(b, at, s->max_frame);
}

/*
 * Hand out every whole frame; false when the stream is no longer what it was.
 * The buffer is taken away from the stream meanwhile, so that a handler that
 * drops or frees the stream does not pull its frame from under itself.
 */
static bool dispatch(struct stream *s)
{
	unsigned connection = s->connection;
	size_t header = s->framing == STREAM_LENGTH ? HEADER : 0;
	struct bytes in = s->in;
	bool freed = false, good = true;
	size_t at = 0;
	ssize_t n;

	s->in = (struct bytes){ 0 };
	s->freed = &freed;
	while ((n = frame_size(s, &in, at)) > 0)
	{
		good = s->handlers->frame(s->user, in.p + at + header,
								  (size_t)n - header);
		at += (size_t)n;
		if (freed)
		{
			bytes_done(&in);
			return false;
		}
		if (!good || s->fd < 0 || s->connection != connection)
		{
			break;
		}
	}
	s->freed = NULL;
	if (s->fd >= 0 && s->connection == connection && good && n == 0)
	{
		bytes_consume(&in, at);
		s->in = in;
		return true;
	}
	bytes_done(&in);
	if (s->connection == connection)
	{
		stream_drop(s, "sent what the protocol does not know");
	}
	return false;
}

static void on_ready(void *user, int fd, unsigned events)
{
	struct stream *s = user;
	ssize_t n;

	if (events & LOOP_WRITE)
	{
		stream_flush(s);
	}
	for (int turn = 0; turn < READS_A_TURN; turn++)
	{
		n = read(fd, bytes_room(&s->in), READ_SIZE);
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
		{
			return;
		}
		if (n <= 0)
		{
			stream_drop(s, n == 0 ? "closed by the other side"
								  : strerror(errno));
			return;
		}
		s->in.len += (size_t)n;
		if (!dispatch(s))
		{
			return;
		}
	}
}

/* ---- the whole ------------------------------------------------------------ */

struct stream *stream_new(struct loop *loop, const struct stream_config *config,
						  const struct stream_handlers *handlers, void *user)
{
	struct stream *s = xcalloc(1, sizeof(*s));

	s->loop = loop;
	s->path = xstrdup(config->path);
	s->token = config->token;
	s->max_frame = config->max_frame;
	s->framing = config->framing;
	s->handlers = handlers;
	s->user = user;
	s->fd = -1;
	s->timer = loop_timer_new(loop, on_timer, s);
	loop_timer_set(s->timer, 0);
	return s;
}

void stream_free(struct stream *s)
{
	if (s == NULL)
	{
		return;
	}
	if (s->freed != NULL)
	{
		*s->freed = true;
	}
	stream_close(s);
	loop_timer_free(s->timer);
	free(s->path);
	free(s);
}

bool stream_connected(const struct stream *s)
{
	return s->fd >= 0;
}
