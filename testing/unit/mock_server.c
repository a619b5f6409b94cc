/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * mock_server.c - the other end of a framed Unix socket, in the test's own loop
 */
#include "config.h"

#include "testing/unit/mock_server.h"

#include <check.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "agent/loop.h"

#define BUFFER ((size_t)1 << 20)

struct mock_server
{
	struct loop *loop;
	mock_frame_fn fn;
	char dir[32], path[48];
	int listener, client;
	unsigned accepted;
	bool text;
	struct loop_fd *listener_watch, *client_watch;
	uint8_t *in;
	size_t len;
};

static size_t frame_len(const struct mock_server *m)
{
	return (size_t)m->in[0] << 24 | (size_t)m->in[1] << 16 |
		   (size_t)m->in[2] << 8 | m->in[3];
}

/* Where the first frame is in what has come; false: not all there. */
static bool first_frame(const struct mock_server *m, size_t *at, size_t *len,
						size_t *end)
{
	const uint8_t *nul = memchr(m->in, 0, m->len);

	if (m->text)
	{
		*at = 0;
		*len = nul != NULL ? (size_t)(nul - m->in) : 0;
		*end = *len + 1;
		return nul != NULL;
	}
	*at = 4;
	*len = m->len >= 4 ? frame_len(m) : 0;
	*end = 4 + *len;
	return m->len >= 4 && m->len >= *end;
}

static void on_client(void *user, int fd, unsigned events)
{
	struct mock_server *m = user;
	unsigned connection = m->accepted;
	uint8_t *frame;
	size_t at, n, end;
	ssize_t got = read(fd, m->in + m->len, BUFFER - m->len);

	if (got <= 0)
	{
		mock_server_hang_up(m);
		return;
	}
	m->len += (size_t)got;
	while (m->client >= 0 && m->accepted == connection &&
		   first_frame(m, &at, &n, &end))
	{
		frame = malloc(n + 1);
		ck_assert_ptr_nonnull(frame);
		memcpy(frame, m->in + at, n);
		frame[n] = '\0';
		m->len -= end;
		memmove(m->in, m->in + end, m->len);
		m->fn(m, frame, n);
		free(frame);
	}
}

static void on_listener(void *user, int fd, unsigned events)
{
	struct mock_server *m = user;

	mock_server_hang_up(m);
	m->client = accept(fd, NULL, NULL);
	ck_assert_int_ge(m->client, 0);
	m->accepted++;
	m->client_watch = loop_fd_new(m->loop, m->client, LOOP_READ, on_client, m);
}

void mock_server_start(struct mock_server *m)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };

	memcpy(sa.sun_path, m->path, strlen(m->path));
	m->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC,
						 0);
	ck_assert_int_ge(m->listener, 0);
	ck_assert_int_eq(bind(m->listener, (struct sockaddr *)&sa, sizeof(sa)), 0);
	ck_assert_int_eq(listen(m->listener, 5), 0);
	m->listener_watch = loop_fd_new(m->loop, m->listener, LOOP_READ,
									on_listener, m);
}

void mock_server_stop(struct mock_server *m)
{
	mock_server_hang_up(m);
	loop_fd_free(m->listener_watch);
	m->listener_watch = NULL;
	close(m->listener);
	unlink(m->path);
}

struct mock_server *mock_server_new(struct loop *loop, mock_frame_fn fn)
{
	struct mock_server *m = calloc(1, sizeof(*m));

	ck_assert_ptr_nonnull(m);
	m->loop = loop;
	m->fn = fn;
	m->client = -1;
	m->in = malloc(BUFFER);
	ck_assert_ptr_nonnull(m->in);
	snprintf(m->dir, sizeof(m->dir), "/tmp/ppvpn-mock.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(m->dir));
	snprintf(m->path, sizeof(m->path), "%s/socket", m->dir);
	mock_server_start(m);
	return m;
}

void mock_server_free(struct mock_server *m)
{
	if (m->listener_watch != NULL)
	{
		mock_server_stop(m);
	}
	rmdir(m->dir);
	free(m->in);
	free(m);
}

const char *mock_server_path(const struct mock_server *m)
{
	return m->path;
}

unsigned mock_server_accepted(const struct mock_server *m)
{
	return m->accepted;
}

void mock_server_expect_text(struct mock_server *m)
{
	m->text = true;
}

void mock_server_send_raw(struct mock_server *m, const void *p, size_t len)
{
	const uint8_t *bytes = p;
	ssize_t n;

	while (len > 0)
	{
		n = send(m->client, bytes, len, MSG_NOSIGNAL);
		ck_assert_int_gt(n, 0);
		bytes += n;
		len -= (size_t)n;
	}
}

void mock_server_send(struct mock_server *m, const void *frame, size_t len)
{
	uint8_t header[4] = {
		(uint8_t)(len >> 24), (uint8_t)(len >> 16), (uint8_t)(len >> 8),
		(uint8_t)len
	};

	mock_server_send_raw(m, header, sizeof(header));
	mock_server_send_raw(m, frame, len);
}

void mock_server_hang_up(struct mock_server *m)
{
	if (m->client >= 0)
	{
		loop_fd_free(m->client_watch);
		m->client_watch = NULL;
		close(m->client);
		m->client = -1;
		m->len = 0;
	}
}
