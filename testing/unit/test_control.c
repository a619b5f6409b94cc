/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * test_control.c - the agent's control socket, and how ppvpnctl asks it
 */
#include "config.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "agent/control.h"
#include "agent/ctl_ask.h"
#include "agent/loop.h"
#include "alloc.h"
#include "run.h"

static char dir[] = "/tmp/ppvpn-control-XXXXXX";
static char path[64];
static struct loop *loop;
static struct control *control;
static struct control_request *later;
static unsigned asked;

static void on_request(void *user, struct control_request *req, const char *op)
{
	struct err e;
	char *big;

	asked++;
	if (strcmp(op, "status") == 0)
	{
		control_answer(req, "{\"ce\":\"acme/paris\"}", NULL);
	}
	else if (strcmp(op, "big") == 0)
	{
		big = xcalloc(1, 3000001);
		memset(big, 'x', 3000000);
		control_answer(req, big, NULL);
		free(big);
	}
	else if (strcmp(op, "later") == 0)
	{
		later = req;
	}
	else if (strcmp(op, "watch") == 0)
	{
		if (control_watch(req) < 0)
		{
			err_set(&e, 0, ERR_LIMIT, "watch", "too many");
			control_answer(req, NULL, &e);
		}
	}
	else
	{
		err_set(&e, 0, ERR_USAGE, "op", "unknown \"%s\"", op);
		control_answer(req, NULL, &e);
	}
}

static void setup(void)
{
	struct err e;

	strcpy(dir + strlen(dir) - 6, "XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/sock", dir);
	loop = loop_new();
	ck_assert_int_eq(control_new(loop, path, NULL, on_request, NULL, &control,
								 &e), 0);
	later = NULL;
	asked = 0;
}

static void teardown(void)
{
	control_free(control);
	loop_free(loop);
	ck_assert_int_eq(access(path, F_OK), -1);
	rmdir(dir);
}

static void stop(void *user)
{
	loop_stop(loop);
}

static void pump(unsigned ms)
{
	struct loop_timer *t = loop_timer_new(loop, stop, NULL);

	loop_timer_set(t, ms);
	loop_run(loop);
	loop_timer_free(t);
}

static int dial(void)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	strcpy(a.sun_path, path);
	ck_assert_int_eq(connect(fd, (struct sockaddr*)&a, sizeof(a)), 0);
	return fd;
}

/* Send, run the loop, take what came until the end. */
static char *talk(const char *text, size_t len)
{
	static char buf[65536];
	int fd = dial();
	ssize_t n;

	ck_assert_int_eq(send(fd, text, len, MSG_NOSIGNAL), (ssize_t)len);
	pump(50);
	n = recv(fd, buf, sizeof(buf) - 1, MSG_DONTWAIT);
	buf[n > 0 ? n : 0] = '\0';
	close(fd);
	return buf;
}

static char *say(const char *text)
{
	return talk(text, strlen(text));
}

START_TEST(answers)
{
	struct stat st;

	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_int_eq(st.st_mode & 0777, 0660);
	ck_assert_str_eq(say("{\"op\":\"status\"}\n"), "{\"ce\":\"acme/paris\"}\n");
	ck_assert_ptr_nonnull(strstr(say("{\"op\":\"other\"}\n"),
								 "{\"error\":{\"code\":\"usage\""));
}
END_TEST

static const char *const bad[] = {
	"\n", "{}\n", "{\"op\":1}\n", "{\"op\":\"a b\"}\n", "{\"op\":\"\"}\n",
	"[]\n", "{\"op\":\"status\",\"x\":1}\n", "{\"op\":\"status\"\n",
	"{\"op\":\"st\\u0000atus\"}\n", "GET / HTTP/1.1\r\n\r\n",
};

START_TEST(refused)
{
	char *answer = say(bad[_i]);

	ck_assert_uint_eq(asked, 0);
	ck_assert_msg(strncmp(answer, "{\"error\":", 9) == 0, "%s gave %s", bad[_i],
				  answer);
}
END_TEST

START_TEST(too_long)
{
	char *text = xcalloc(1, 6000);

	memset(text, ' ', 5999);
	ck_assert_ptr_nonnull(strstr(say(text), "\"limit\""));
	free(text);
}
END_TEST

START_TEST(half_closed)
{
	int fd = dial();
	char buf[64] = "";

	ck_assert_int_eq(send(fd, "{\"op\":\"later\"}", 14, 0), 14);
	shutdown(fd, SHUT_WR);
	pump(50);
	ck_assert_ptr_nonnull(later);
	control_answer(later, "{}", NULL);
	pump(50);
	ck_assert_int_eq(recv(fd, buf, 63, MSG_DONTWAIT), 3);
	ck_assert_str_eq(buf, "{}\n");
	close(fd);
}
END_TEST

START_TEST(gone_before_the_answer)
{
	say("{\"op\":\"later\"}\n");
	pump(50);
	ck_assert_ptr_nonnull(later);
	control_answer(later, "{}", NULL);
	pump(50);
}
END_TEST

START_TEST(freed_before_the_answer)
{
	struct err e;

	say("{\"op\":\"later\"}\n");
	control_free(control);
	control_answer(later, "{}", NULL);
	ck_assert_int_eq(control_new(loop, path, NULL, on_request, NULL, &control,
								 &e), 0);
}
END_TEST

static void *run_loop(void *user)
{
	pump(1500);
	return NULL;
}

static int watch(void)
{
	int fd = dial();

	ck_assert_int_eq(send(fd, "{\"op\":\"watch\"}\n", 15, 0), 15);
	pump(20);
	return fd;
}

static const char *got(int fd)
{
	static char buf[4096];
	ssize_t n = recv(fd, buf, sizeof(buf) - 1, MSG_DONTWAIT);

	buf[n > 0 ? n : 0] = '\0';
	return n == 0 ? "end" : buf;
}

START_TEST(watchers_get_every_line)
{
	int a, b;

	ck_assert(!control_watched(control));
	a = watch();
	b = watch();
	ck_assert(control_watched(control));
	control_tell(control, "{\"n\":1}");
	control_tell(control, "{\"n\":2}");
	pump(20);
	ck_assert_str_eq(got(a), "{\"n\":1}\n{\"n\":2}\n");
	close(a);
	pump(20);
	control_tell(control, "{\"n\":3}");
	pump(20);
	ck_assert_str_eq(got(b), "{\"n\":1}\n{\"n\":2}\n{\"n\":3}\n");
	ck_assert_str_eq(say("{\"op\":\"status\"}\n"), "{\"ce\":\"acme/paris\"}\n");
	close(b);
	pump(20);
	ck_assert(!control_watched(control));
}
END_TEST

/* Eight may watch; the ninth is told, and questions are answered all the same. */
START_TEST(few_watch)
{
	int fds[8], ninth;

	for (unsigned i = 0; i < COUNT(fds); i++)
	{
		fds[i] = watch();
	}
	ninth = watch();
	pump(20);
	ck_assert_ptr_nonnull(strstr(got(ninth), "\"limit\""));
	ck_assert_str_eq(say("{\"op\":\"status\"}\n"), "{\"ce\":\"acme/paris\"}\n");
	close(fds[0]);
	close(ninth);
	pump(20);
	ninth = watch();
	control_tell(control, "{}");
	pump(20);
	ck_assert_str_eq(got(ninth), "{}\n");
	close(ninth);
	for (unsigned i = 1; i < COUNT(fds); i++)
	{
		close(fds[i]);
	}
}
END_TEST

/* One that does not read costs so much memory and then nothing. */
START_TEST(who_does_not_read_is_dropped)
{
	char *line = xcalloc(1, 4097);
	int fd = watch();
	unsigned told = 0;

	memset(line, 'x', 4096);
	while (control_watched(control) && told < 1000)
	{
		control_tell(control, line);
		pump(1);
		told++;
	}
	ck_assert_uint_lt(told, 500);
	ck_assert_uint_gt(told, 60);
	free(line);
	close(fd);
}
END_TEST

static unsigned lines_seen;

static int on_line(void *user, const char *line, size_t len, struct err *e)
{
	char want[32];

	snprintf(want, sizeof(want), "{\"n\":%u}", lines_seen);
	ck_assert_str_eq(line, want);
	ck_assert_uint_eq(strlen(line), len);
	return ++lines_seen == 500 ? err_set(e, -ECANCELED, ERR_NONE, "", "enough")
							   : 0;
}

static void tell_more(void *user)
{
	static unsigned n;
	char line[32];

	for (unsigned i = 0; i < 100 && control_watched(control); i++)
	{
		snprintf(line, sizeof(line), "{\"n\":%u}", n++);
		control_tell(control, line);
	}
	loop_timer_set(*(struct loop_timer**)user, 10);
}

/* The client of ppvpnctl: whole lines, in order. */
START_TEST(watched_by_ppvpnctl)
{
	struct loop_timer *t;
	struct err e;
	pthread_t thread;

	t = loop_timer_new(loop, tell_more, &t);
	loop_timer_set(t, 10);
	lines_seen = 0;
	ck_assert_int_eq(pthread_create(&thread, NULL, run_loop, NULL), 0);
	ck_assert_int_eq(ctl_watch(path, on_line, NULL, &e), -ECANCELED);
	ck_assert_uint_eq(lines_seen, 500);
	pthread_join(thread, NULL);
	loop_timer_free(t);
}
END_TEST

/* The agent ends with the answer: "it has left" is heard all the same. */
START_TEST(freed_after_the_answer)
{
	static const char ask[] = "{\"op\":\"later\"}\n";
	char buf[64];
	int fd = dial();
	ssize_t n;
	struct err e;

	ck_assert_int_gt(send(fd, ask, sizeof(ask) - 1, MSG_NOSIGNAL), 0);
	pump(50);
	ck_assert_ptr_nonnull(later);
	control_answer(later, "{\"state\":\"left\"}", NULL);
	control_free(control);
	n = recv(fd, buf, sizeof(buf) - 1, MSG_DONTWAIT);
	buf[n > 0 ? n : 0] = '\0';
	ck_assert_str_eq(buf, "{\"state\":\"left\"}\n");
	close(fd);
	ck_assert_int_eq(control_new(loop, path, NULL, on_request, NULL, &control,
								 &e), 0);
}
END_TEST

/* Silent ones lose their place after five seconds, and only so many have one. */
START_TEST(crowd)
{
	int fds[40];

	for (unsigned i = 0; i < COUNT(fds); i++)
	{
		fds[i] = dial();
		pump(2);
	}
	ck_assert_str_eq(say("{\"op\":\"status\"}\n"), "");
	pump(5200);
	ck_assert_str_eq(say("{\"op\":\"status\"}\n"), "{\"ce\":\"acme/paris\"}\n");
	for (unsigned i = 0; i < COUNT(fds); i++)
	{
		close(fds[i]);
	}
}
END_TEST

/* The client of ppvpnctl, with an answer of 3 MB. */
START_TEST(asked_by_ppvpnctl)
{
	struct text t = {0};
	struct err e;
	pthread_t thread;

	ck_assert_int_eq(pthread_create(&thread, NULL, run_loop, NULL), 0);
	ck_assert_int_eq(ctl_ask(path, "big", 5, &t, &e), 0);
	ck_assert_uint_eq(t.len, 3000001);
	text_done(&t);
	ck_assert_int_lt(ctl_ask(path, "nonsense", 5, &t, &e), 0);
	ck_assert_int_eq(e.code, ERR_USAGE);
	text_done(&t);
	ck_assert_int_lt(ctl_ask(path, "later", 1, &t, &e), 0);
	ck_assert_int_eq(e.code, ERR_TIMEOUT);
	pthread_join(thread, NULL);
	control_answer(later, "{}", NULL);
	pump(20);
	ck_assert_int_lt(ctl_ask("/nonexistent", "status", 1, &t, &e), 0);
	ck_assert_ptr_nonnull(strstr(e.text, "no agent"));
}
END_TEST

int main(void)
{
	TCase *tc = tcase_create("control");

	signal(SIGPIPE, SIG_IGN);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, answers);
	tcase_add_loop_test(tc, refused, 0, COUNT(bad));
	tcase_add_test(tc, too_long);
	tcase_add_test(tc, half_closed);
	tcase_add_test(tc, gone_before_the_answer);
	tcase_add_test(tc, freed_after_the_answer);
	tcase_add_test(tc, freed_before_the_answer);
	tcase_add_test(tc, watchers_get_every_line);
	tcase_add_test(tc, few_watch);
	tcase_add_test(tc, who_does_not_read_is_dropped);
	tcase_add_test(tc, watched_by_ppvpnctl);
	tcase_add_test(tc, crowd);
	tcase_add_test(tc, asked_by_ppvpnctl);
	return run_case(tc, "control");
}
