/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * loop.c - file descriptors, timers, signals and children on one event loop
 *
 * The only user of libevent. A wrapper never touches its object after it called
 * the user, who may have freed it. Children are watched by a pidfd, so nobody
 * needs SIGCHLD.
 */
#include "config.h"

#include "loop.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <event2/event.h>

#include "alloc.h"
#include "text.h"

struct loop
{
	struct event_base *base;
	bool stopped;
};

struct loop_fd
{
	struct loop *loop;
	struct event *event;
	loop_fd_fn fn;
	void *user;
};

struct loop_timer
{
	struct event *event;
	loop_timer_fn fn;
	void *user;
};

struct loop_signal
{
	struct event *event;
	loop_signal_fn fn;
	void *user;
};

struct loop_child
{
	pid_t pid;
	int pidfd, out;
	struct loop_fd *exit_watch, *out_watch;
	struct loop_timer *deadline;
	bool killed;
	struct text output;
	size_t max_output;
	loop_child_fn fn;
	void *user;
};

/* Out of memory is the only way these calls fail here. */
static void *checked(void *p)
{
	if (p == NULL)
	{
		abort();
	}
	return p;
}

/* ---- the loop ------------------------------------------------------------- */

struct loop *loop_new(void)
{
	struct loop *loop = xcalloc(1, sizeof(*loop));
	struct event_config *config = checked(event_config_new());

	/* a deadline counts from the call that set it, to the millisecond */
	event_config_set_flag(config, EVENT_BASE_FLAG_NO_CACHE_TIME);
	event_config_set_flag(config, EVENT_BASE_FLAG_PRECISE_TIMER);
	loop->base = checked(event_base_new_with_config(config));
	event_config_free(config);
	return loop;
}

void loop_free(struct loop *loop)
{
	if (loop == NULL)
	{
		return;
	}
	event_base_free(loop->base);
	free(loop);
}

void loop_run(struct loop *loop)
{
	while (!loop->stopped)
	{
		if (event_base_loop(loop->base, EVLOOP_NO_EXIT_ON_EMPTY) < 0)
		{
			abort();
		}
	}
	loop->stopped = false;
}

void loop_stop(struct loop *loop)
{
	loop->stopped = true;
	event_base_loopbreak(loop->base);
}

uint64_t loop_now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* ---- file descriptors ----------------------------------------------------- */

static void on_fd(evutil_socket_t fd, short what, void *arg)
{
	struct loop_fd *f = arg;

	f->fn(f->user, fd, ((what & EV_READ) ? LOOP_READ : 0u) |
		  ((what & EV_WRITE) ? LOOP_WRITE : 0u));
}

static short fd_events(unsigned events)
{
	return (short)(EV_PERSIST | ((events & LOOP_READ) ? EV_READ : 0) |
				   ((events & LOOP_WRITE) ? EV_WRITE : 0));
}

struct loop_fd *loop_fd_new(struct loop *loop, int fd, unsigned events,
							loop_fd_fn fn, void *user)
{
	struct loop_fd *f = xcalloc(1, sizeof(*f));

	f->loop = loop;
	f->fn = fn;
	f->user = user;
	f->event = checked(event_new(loop->base, fd, fd_events(events), on_fd, f));
	if (events != 0 && event_add(f->event, NULL) != 0)
	{
		abort();
	}
	return f;
}

void loop_fd_set(struct loop_fd *f, unsigned events)
{
	int fd = event_get_fd(f->event);

	if (event_get_events(f->event) == fd_events(events))
	{
		return;
	}
	event_del(f->event);
	event_assign(f->event, f->loop->base, fd, fd_events(events), on_fd, f);
	if (events != 0 && event_add(f->event, NULL) != 0)
	{
		abort();
	}
}

void loop_fd_free(struct loop_fd *f)
{
	if (f == NULL)
	{
		return;
	}
	event_free(f->event);
	free(f);
}

/* ---- timers --------------------------------------------------------------- */

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct loop_timer *t = arg;

	t->fn(t->user);
}

struct loop_timer *loop_timer_new(struct loop *loop, loop_timer_fn fn,
								  void *user)
{
	struct loop_timer *t = xcalloc(1, sizeof(*t));

	t->fn = fn;
	t->user = user;
	t->event = checked(evtimer_new(loop->base, on_timer, t));
	return t;
}

void loop_timer_set(struct loop_timer *t, uint64_t ms)
{
	struct timeval tv = {
		.tv_sec = (time_t)(ms / 1000),
		.tv_usec = (suseconds_t)(ms % 1000) * 1000,
	};

	if (evtimer_add(t->event, &tv) != 0)
	{
		abort();
	}
}

void loop_timer_clear(struct loop_timer *t)
{
	evtimer_del(t->event);
}

bool loop_timer_armed(const struct loop_timer *t)
{
	return evtimer_pending(t->event, NULL) != 0;
}

void loop_timer_free(struct loop_timer *t)
{
	if (t == NULL)
	{
		return;
	}
	event_free(t->event);
	free(t);
}

/* ---- signals -------------------------------------------------------------- */

static void on_signal(evutil_socket_t signo, short what, void *arg)
{
	struct loop_signal *s = arg;

	s->fn(s->user, (int)signo);
}

struct loop_signal *loop_signal_new(struct loop *loop, int signo,
									loop_signal_fn fn, void *user)
{
	struct loop_signal *s = xcalloc(1, sizeof(*s));

	s->fn = fn;
	s->user = user;
	s->event = checked(evsignal_new(loop->base, signo, on_signal, s));
	if (evsignal_add(s->event, NULL) != 0)
	{
		abort();
	}
	return s;
}

void loop_signal_free(struct loop_signal *s)
{
	if (s == NULL)
	{
		return;
	}
	event_free(s->event);
	free(s);
}

/* ---- children ------------------------------------------------------------- */

/* The environment: PATH, LANG=C, then the caller's. */
static char **child_env(char *const extra[])
{
	static char path[] = "PATH=/usr/sbin:/usr/bin:/sbin:/bin";
	static char lang[] = "LANG=C";
	size_t n = 0;
	char **env;

	while (extra != NULL && extra[n] != NULL)
	{
		n++;
	}
	env = xcalloc(n + 3, sizeof(*env));
	env[0] = path;
	env[1] = lang;
	if (n > 0)
	{
		memcpy(env + 2, extra, n * sizeof(*env));
	}
	return env;
}

/* Its own process group, so that a deadline ends what it started as well. */
static int child_spawn(pid_t *pid, char *const argv[], char *const env[],
					   int out)
{
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attr;
	sigset_t all, none;
	int rc;

	sigfillset(&all);
	sigemptyset(&none);
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_adddup2(&actions, out, 1);
	posix_spawn_file_actions_adddup2(&actions, out, 2);
	posix_spawn_file_actions_addclosefrom_np(&actions, 3);
	posix_spawnattr_init(&attr);
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETPGROUP |
							 POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
	posix_spawnattr_setpgroup(&attr, 0);
	posix_spawnattr_setsigdefault(&attr, &all);
	posix_spawnattr_setsigmask(&attr, &none);
	rc = posix_spawn(pid, argv[0], &actions, &attr, argv, env);
	posix_spawnattr_destroy(&attr);
	posix_spawn_file_actions_destroy(&actions);
	return rc;
}

/* Take what is in the pipe; what is beyond the limit is read and dropped. */
static void child_drain(struct loop_child *c)
{
	char buf[4096];
	ssize_t n;
	size_t room;

	while ((n = read(c->out, buf, sizeof(buf))) > 0)
	{
		room = c->max_output - c->output.len;
		text_addn(&c->output, buf, (size_t)n < room ? (size_t)n : room);
	}
	if (n == 0 || (errno != EAGAIN && errno != EINTR))
	{
		loop_fd_set(c->out_watch, 0);
	}
}

static void on_child_output(void *user, int fd, unsigned events)
{
	child_drain(user);
}

static void child_release(struct loop_child *c)
{
	loop_fd_free(c->exit_watch);
	loop_fd_free(c->out_watch);
	loop_timer_free(c->deadline);
	close(c->pidfd);
	close(c->out);
	text_done(&c->output);
	free(c);
}

static void on_child_exit(void *user, int fd, unsigned events)
{
	struct loop_child *c = user;
	struct text output;
	loop_child_fn fn = c->fn;
	void *fn_user = c->user;
	int status;

	if (waitpid(c->pid, &status, WNOHANG) != c->pid)
	{
		return;
	}
	child_drain(c);
	output = c->output;
	c->output = (struct text){ 0 };
	status = c->killed ? -1 : status;
	child_release(c);
	fn(fn_user, status, text_str(&output), output.len);
	text_done(&output);
}

static void on_child_deadline(void *user)
{
	struct loop_child *c = user;

	c->killed = true;
	kill(-c->pid, SIGKILL);
}

struct loop_child *loop_child_new(struct loop *loop, char *const argv[],
								  char *const extra_env[],
								  uint64_t deadline_ms, size_t max_output,
								  loop_child_fn fn, void *user)
{
	struct loop_child *c;
	char **env;
	int pipefd[2], rc, pidfd;
	pid_t pid;

	if (pipe2(pipefd, O_CLOEXEC) != 0)
	{
		return NULL;
	}
	env = child_env(extra_env);
	rc = child_spawn(&pid, argv, env, pipefd[1]);
	free(env);
	close(pipefd[1]);
	pidfd = rc == 0 ? pidfd_open(pid, 0) : -1;
	if (pidfd < 0)
	{
		if (rc == 0)
		{
			rc = errno;
			kill(-pid, SIGKILL);
			waitpid(pid, NULL, 0);
		}
		close(pipefd[0]);
		errno = rc;
		return NULL;
	}
	fcntl(pipefd[0], F_SETFL, O_NONBLOCK);
	c = xcalloc(1, sizeof(*c));
	c->pid = pid;
	c->pidfd = pidfd;
	c->out = pipefd[0];
	c->max_output = max_output;
	c->fn = fn;
	c->user = user;
	c->exit_watch = loop_fd_new(loop, pidfd, LOOP_READ, on_child_exit, c);
	c->out_watch = loop_fd_new(loop, c->out, LOOP_READ, on_child_output, c);
	c->deadline = loop_timer_new(loop, on_child_deadline, c);
	loop_timer_set(c->deadline, deadline_ms);
	return c;
}

void loop_child_free(struct loop_child *c)
{
	if (c == NULL)
	{
		return;
	}
	kill(-c->pid, SIGKILL);
	while (waitpid(c->pid, NULL, 0) < 0 && errno == EINTR)
	{
	}
	child_release(c);
}
