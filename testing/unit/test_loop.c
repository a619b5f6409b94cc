/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * test_loop.c - the event loop: descriptors, timers, signals, children, and
 * objects that free themselves
 */
#include "config.h"

#include "agent/loop.h"

#include <check.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static struct loop *loop;

static void setup(void)
{
	loop = loop_new();
}

static void teardown(void)
{
	loop_free(loop);
}

/* ---- timers --------------------------------------------------------------- */

struct ticking
{
	struct loop_timer *timer, *other;
	unsigned left, fired;
	uint64_t at;
};

static void on_tick(void *user)
{
	struct ticking *t = user;

	t->fired++;
	t->at = loop_now_ms();
	if (--t->left == 0)
	{
		loop_stop(loop);
		return;
	}
	loop_timer_set(t->timer, 10);
}

START_TEST(timer_fires_once_for_each_set)
{
	struct ticking t = { .left = 3 };
	uint64_t start = loop_now_ms();

	t.timer = loop_timer_new(loop, on_tick, &t);
	ck_assert(!loop_timer_armed(t.timer));
	loop_timer_set(t.timer, 10);
	ck_assert(loop_timer_armed(t.timer));
	loop_run(loop);
	ck_assert_uint_eq(t.fired, 3);
	ck_assert(!loop_timer_armed(t.timer));
	ck_assert_uint_ge(t.at - start, 30);
	ck_assert_uint_lt(t.at - start, 1000);
	loop_timer_free(t.timer);
}
END_TEST

static void on_stop(void *user)
{
	loop_stop(loop);
}

static void on_never(void *user)
{
	ck_abort_msg("a cleared timer fired");
}

static void on_free_itself_and_other(void *user)
{
	struct ticking *t = user;

	t->fired++;
	loop_timer_free(t->timer);
	loop_timer_free(t->other);
}

START_TEST(timer_may_free_itself_and_another_due)
{
	struct ticking t = { .left = 0 };
	struct loop_timer *end = loop_timer_new(loop, on_stop, NULL);

	t.timer = loop_timer_new(loop, on_free_itself_and_other, &t);
	t.other = loop_timer_new(loop, on_never, NULL);
	loop_timer_set(t.timer, 5);
	loop_timer_set(t.other, 5);
	usleep(10000);
	loop_timer_set(end, 20);
	loop_run(loop);
	ck_assert_uint_eq(t.fired, 1);
	loop_timer_free(end);
}
END_TEST

START_TEST(cleared_timer_does_not_fire)
{
	struct loop_timer *end = loop_timer_new(loop, on_stop, NULL);
	struct loop_timer *t = loop_timer_new(loop, on_never, NULL);

	loop_timer_set(t, 5);
	loop_timer_clear(t);
	loop_timer_set(end, 20);
	loop_run(loop);
	loop_timer_free(t);
	loop_timer_free(end);
}
END_TEST

/* ---- descriptors ---------------------------------------------------------- */

struct watching
{
	struct loop_fd *watch;
	unsigned events, calls;
};

static void on_ready(void *user, int fd, unsigned events)
{
	struct watching *w = user;

	w->calls++;
	w->events = events;
	loop_fd_free(w->watch);
	w->watch = NULL;
	loop_stop(loop);
}

START_TEST(descriptor_reports_what_was_asked)
{
	struct loop_timer *end = loop_timer_new(loop, on_stop, NULL);
	struct watching w = { .watch = NULL };
	int fds[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	w.watch = loop_fd_new(loop, fds[0], LOOP_READ, on_ready, &w);
	loop_timer_set(end, 20);
	loop_run(loop);
	ck_assert_uint_eq(w.calls, 0);

	loop_fd_set(w.watch, LOOP_READ | LOOP_WRITE);
	loop_run(loop);
	ck_assert_uint_eq(w.calls, 1);
	ck_assert_uint_eq(w.events, LOOP_WRITE);

	ck_assert_int_eq(write(fds[1], "x", 1), 1);
	w.watch = loop_fd_new(loop, fds[0], 0, on_ready, &w);
	loop_timer_set(end, 20);
	loop_run(loop);
	ck_assert_uint_eq(w.calls, 1);
	loop_fd_set(w.watch, LOOP_READ);
	loop_run(loop);
	ck_assert_uint_eq(w.calls, 2);
	ck_assert_uint_eq(w.events, LOOP_READ);
	close(fds[0]);
	close(fds[1]);
	loop_timer_free(end);
}
END_TEST

/* ---- signals -------------------------------------------------------------- */

static void on_usr1(void *user, int signo)
{
	*(int *)user = signo;
	loop_stop(loop);
}

START_TEST(signal_arrives_in_the_loop)
{
	int seen = 0;
	struct loop_signal *s = loop_signal_new(loop, SIGUSR1, on_usr1, &seen);

	raise(SIGUSR1);
	ck_assert_int_eq(seen, 0);
	loop_run(loop);
	ck_assert_int_eq(seen, SIGUSR1);
	loop_signal_free(s);
}
END_TEST

/* ---- children ------------------------------------------------------------- */

struct result
{
	unsigned calls;
	int status;
	char output[256];
	size_t len;
};

static void on_child(void *user, int status, const char *output, size_t len)
{
	struct result *r = user;

	r->calls++;
	r->status = status;
	r->len = len;
	snprintf(r->output, sizeof(r->output), "%s", output);
	loop_stop(loop);
}

static struct result run_shell(const char *script, char *const env[],
							   uint64_t deadline_ms, size_t max_output)
{
	char sh[] = "/bin/sh", c[] = "-c", text[512];
	char *argv[] = { sh, c, text, NULL };
	struct result r = { .calls = 0 };

	snprintf(text, sizeof(text), "%s", script);
	ck_assert_ptr_nonnull(loop_child_new(loop, argv, env, deadline_ms,
										 max_output, on_child, &r));
	ck_assert_uint_eq(r.calls, 0);
	loop_run(loop);
	ck_assert_uint_eq(r.calls, 1);
	return r;
}

START_TEST(child_output_and_status)
{
	struct result r = run_shell("echo out; echo err >&2; exit 3", NULL,
								5000, 1000);

	ck_assert(WIFEXITED(r.status));
	ck_assert_int_eq(WEXITSTATUS(r.status), 3);
	ck_assert_str_eq(r.output, "out\nerr\n");
}
END_TEST

START_TEST(child_environment_is_ours_alone)
{
	char extra[] = "VTYSH_HISTFILE=/dev/null";
	char *env[] = { extra, NULL };
	struct result r;

	setenv("PPVPN_TEST_SECRET", "x", 1);
	r = run_shell("echo $LANG $VTYSH_HISTFILE $PPVPN_TEST_SECRET; "
				  "ls /proc/self/fd | wc -l", env, 5000, 1000);
	ck_assert_str_eq(r.output, "C /dev/null\n4\n");
}
END_TEST

START_TEST(child_is_killed_at_the_deadline_with_its_own)
{
	uint64_t start = loop_now_ms();
	struct result r;
	int status = 0;

	/* the grandchild comes to us when its parent is gone */
	ck_assert_int_eq(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
	r = run_shell("sleep 30 & wait", NULL, 100, 1000);
	ck_assert_int_eq(r.status, -1);
	ck_assert_int_gt(waitpid(-1, &status, 0), 0);
	ck_assert(WIFSIGNALED(status));
	ck_assert_uint_lt(loop_now_ms() - start, 5000);
}
END_TEST

START_TEST(child_output_is_bounded)
{
	struct result r = run_shell("head -c 300000 /dev/zero | tr '\\0' x; "
								"exit 0", NULL, 5000, 10);

	ck_assert_int_eq(r.status, 0);
	ck_assert_uint_eq(r.len, 10);
	ck_assert_str_eq(r.output, "xxxxxxxxxx");
}
END_TEST

START_TEST(child_that_leaves_a_background_process_is_over_at_once)
{
	uint64_t start = loop_now_ms();
	struct result r = run_shell("sleep 3 & echo here", NULL, 5000, 100);

	ck_assert_int_eq(r.status, 0);
	ck_assert_str_eq(r.output, "here\n");
	ck_assert_uint_lt(loop_now_ms() - start, 2000);
}
END_TEST

START_TEST(child_that_cannot_start)
{
	char path[] = "/nonexistent/vtysh";
	char *argv[] = { path, NULL };

	errno = 0;
	ck_assert_ptr_null(loop_child_new(loop, argv, NULL, 1000, 10, on_child,
									  NULL));
	ck_assert_int_eq(errno, ENOENT);
}
END_TEST

START_TEST(child_freed_has_no_callback)
{
	char path[] = "/bin/sleep", arg[] = "30";
	char *argv[] = { path, arg, NULL };
	struct result r = { .calls = 0 };
	struct loop_timer *end = loop_timer_new(loop, on_stop, NULL);
	struct loop_child *c = loop_child_new(loop, argv, NULL, 30000, 10,
										  on_child, &r);

	ck_assert_ptr_nonnull(c);
	loop_child_free(c);
	loop_timer_set(end, 20);
	loop_run(loop);
	ck_assert_uint_eq(r.calls, 0);
	ck_assert_int_eq(waitpid(-1, NULL, WNOHANG), -1);
	loop_timer_free(end);
}
END_TEST

START_TEST(stop_before_run_is_not_lost)
{
	loop_stop(loop);
	loop_run(loop);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("loop");
	TCase *tc = tcase_create("loop");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 20);
	tcase_add_test(tc, timer_fires_once_for_each_set);
	tcase_add_test(tc, timer_may_free_itself_and_another_due);
	tcase_add_test(tc, cleared_timer_does_not_fire);
	tcase_add_test(tc, descriptor_reports_what_was_asked);
	tcase_add_test(tc, signal_arrives_in_the_loop);
	tcase_add_test(tc, child_output_and_status);
	tcase_add_test(tc, child_environment_is_ours_alone);
	tcase_add_test(tc, child_is_killed_at_the_deadline_with_its_own);
	tcase_add_test(tc, child_output_is_bounded);
	tcase_add_test(tc,
				   child_that_leaves_a_background_process_is_over_at_once);
	tcase_add_test(tc, child_that_cannot_start);
	tcase_add_test(tc, child_freed_has_no_callback);
	tcase_add_test(tc, stop_before_run_is_not_lost);
	suite_add_tcase(s, tc);
	runner = srunner_create(s);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
