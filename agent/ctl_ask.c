/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * ctl_ask.c - one question to the agent
 *
 * Effects: a Unix socket.
 */
#include "config.h"

#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "alloc.h"
#include "ctl_answer.h"
#include "ctl_ask.h"

#define ANSWER_MAX (32u << 20)
#define LINE_MAX_BYTES 65536

static uint64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000ull + t.tv_nsec / 1000000;
}

static int explain_connect(const char *path, int error, struct err *e)
{
	if (error == EACCES || error == EPERM)
	{
		return err_set(e, -error, ERR_DENIED, path, "not permitted to ask the "
					   "agent");
	}
	if (error == ENOENT || error == ECONNREFUSED)
	{
		return err_set(e, -error, ERR_TIMEOUT, path, "no agent listens. See "
					   "systemctl status ppvpn-agent. Never enrolled? "
					   "ppvpn-agent enroll --bundle FILE");
	}
	return err_set(e, -error, ERR_IO, path, "cannot reach the agent: %s",
				   strerror(error));
}

static int connect_agent(const char *path, int *fd, struct err *e)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };

	if (strlen(path) >= sizeof(addr.sun_path))
	{
		return err_set(e, -ENAMETOOLONG, ERR_USAGE, path,
					   "too long for a socket's path");
	}
	memcpy(addr.sun_path, path, strlen(path));
	*fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (*fd < 0 || connect(*fd, (struct sockaddr*)&addr, sizeof(addr)) < 0)
	{
		int error = errno;

		if (*fd >= 0)
		{
			close(*fd);
		}
		return explain_connect(path, error, e);
	}
	return 0;
}

static int broken(struct err *e, const char *path)
{
	return err_set(e, -EPIPE, ERR_IO, path, "the agent closed the connection "
				   "without an answer");
}

static int send_op(int fd, const char *path, const char *op, struct err *e)
{
	struct text t = {0};
	ssize_t n;

	text_addf(&t, "{\"op\":\"%s\"}\n", op);
	n = send(fd, t.s, t.len, MSG_NOSIGNAL);
	text_done(&t);
	return n > 0 ? 0 : broken(e, path);
}

static int receive(int fd, const char *path, unsigned seconds,
				   struct text *answer, struct err *e)
{
	uint64_t end = now_ms() + seconds * 1000ull, now;
	struct pollfd p = { .fd = fd, .events = POLLIN };
	char buf[65536];
	ssize_t n;

	while ((now = now_ms()) < end && answer->len <= ANSWER_MAX)
	{
		if (poll(&p, 1, end - now) <= 0)
		{
			continue;
		}
		n = read(fd, buf, sizeof(buf));
		if (n < 0 && errno == EINTR)
		{
			continue;
		}
		if (n <= 0)
		{
			return answer->len ? 0 : broken(e, path);
		}
		text_addn(answer, buf, n);
	}
	return now < end ?
		   err_set(e, -E2BIG, ERR_LIMIT, path, "the answer is too long") :
		   err_set(e, -ETIMEDOUT, ERR_TIMEOUT, path, "no answer from the agent "
				   "in %u seconds", seconds);
}

int ctl_ask(const char *path, const char *op, unsigned seconds,
			struct text *answer, struct err *e)
{
	int fd = -1, rc = connect_agent(path, &fd, e);

	if (rc != 0)
	{
		return rc;
	}
	rc = send_op(fd, path, op, e);
	if (rc == 0)
	{
		rc = receive(fd, path, seconds, answer, e);
	}
	close(fd);
	return rc == 0 ? ctl_answer_error(answer->s, answer->len, e) : rc;
}

/* Whole lines of what came go to fn; the rest stays. */
static int take_lines(struct text *in, ctl_line_fn fn, void *user,
					  struct err *e)
{
	char *start = in->s, *end;
	int rc = 0;

	while (rc == 0 && in->len &&
		   (end = memchr(start, '\n', in->len - (start - in->s))))
	{
		*end = '\0';
		rc = fn(user, start, end - start, e);
		start = end + 1;
	}
	if (in->len)
	{
		in->len -= start - in->s;
		memmove(in->s, start, in->len);
	}
	return rc;
}

int ctl_watch(const char *path, ctl_line_fn fn, void *user, struct err *e)
{
	struct text in = {0};
	char buf[4096];
	int fd = -1, rc = connect_agent(path, &fd, e);
	ssize_t n;

	if (rc != 0)
	{
		return rc;
	}
	rc = send_op(fd, path, "watch", e);
	while (rc == 0)
	{
		n = read(fd, buf, sizeof(buf));
		if (n < 0 && errno == EINTR)
		{
			continue;
		}
		if (n <= 0)
		{
			rc = err_set(e, -EPIPE, ERR_IO, path, "the agent stopped");
			break;
		}
		text_addn(&in, buf, n);
		rc = in.len > LINE_MAX_BYTES ?
			 err_set(e, -E2BIG, ERR_LIMIT, path, "the line is too long") :
			 take_lines(&in, fn, user, e);
	}
	close(fd);
	text_done(&in);
	return rc;
}
