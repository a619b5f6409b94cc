/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * loop.h - file descriptors, timers, signals and children on one event loop
 *
 * The only user of libevent. Knows no other module. Everything runs on the one
 * thread that calls loop_run(). Freeing an object from within its own callback
 * is allowed.
 */
#ifndef PPVPN_AGENT_LOOP_H
#define PPVPN_AGENT_LOOP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct loop;
struct loop_fd;
struct loop_timer;
struct loop_signal;
struct loop_child;

struct loop *loop_new(void);
void loop_free(struct loop *loop);
/** Until loop_stop(). */
void loop_run(struct loop *loop);
void loop_stop(struct loop *loop);
/** CLOCK_MONOTONIC, milliseconds. */
uint64_t loop_now_ms(void);

enum { LOOP_READ = 1, LOOP_WRITE = 2 };
typedef void (*loop_fd_fn)(void *user, int fd, unsigned events);
/** The descriptor stays the caller's. */
struct loop_fd *loop_fd_new(struct loop *loop, int fd, unsigned events,
							loop_fd_fn fn, void *user);
void loop_fd_set(struct loop_fd *f, unsigned events);
void loop_fd_free(struct loop_fd *f);

typedef void (*loop_timer_fn)(void *user);
struct loop_timer *loop_timer_new(struct loop *loop, loop_timer_fn fn, void *user);
/** (Re)arm, one shot. */
void loop_timer_set(struct loop_timer *t, uint64_t ms);
void loop_timer_clear(struct loop_timer *t);
bool loop_timer_armed(const struct loop_timer *t);
void loop_timer_free(struct loop_timer *t);

typedef void (*loop_signal_fn)(void *user, int signo);
struct loop_signal *loop_signal_new(struct loop *loop, int signo,
									loop_signal_fn fn, void *user);
void loop_signal_free(struct loop_signal *s);

/* status: as from waitpid(), -1 when killed at the deadline; output: stdout and
 * stderr together, NUL-terminated, cut at max_output. */
typedef void (*loop_child_fn)(void *user, int status, const char *output, size_t len);
/**
 * Run argv (argv[0] an absolute path, environment: PATH, LANG=C and extra_env
 * NULL-terminated or NULL) without a shell; killed at deadline_ms. The callback
 * never runs before this returns. NULL with errno set when it could not start.
 */
struct loop_child *loop_child_new(struct loop *loop, char *const argv[],
								  char *const extra_env[], uint64_t deadline_ms,
								  size_t max_output, loop_child_fn fn, void *user);
/** Kill it, no callback. */
void loop_child_free(struct loop_child *c);

#endif
