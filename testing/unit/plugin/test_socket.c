/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * test_socket.c - frames in pieces, clients that do not read, who may connect
 */

#include "harness.h"
#include "ppvpn_json.h"
#include "ppvpn_peercred.h"
#include "ppvpn_socket.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static char dir[] = "/tmp/ppvpn-test.XXXXXX";
static char path[64];
static ppvpn_counters_t counters;
static ppvpn_table_t *table;
static ppvpn_initiator_t *initiator;
static ppvpn_sas_t *sas;
static ppvpn_protocol_t *protocol;
static ppvpn_events_t *events;
static ppvpn_socket_t *server;

static void setup(void)
{
	harness_setup_threads();
	ck_assert_ptr_nonnull(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/socket", dir);
	table = ppvpn_table_create();
	initiator = ppvpn_initiator_create(table);
	sas = ppvpn_sas_create();
	protocol = ppvpn_protocol_create(table, initiator, sas, &counters);
	events = ppvpn_events_create(&counters);
	server = ppvpn_socket_create(path, "no-such-group", protocol, events,
								 &counters);
	ck_assert_ptr_nonnull(server);
}

static void teardown(void)
{
	lib->processor->set_threads(lib->processor, 0);
	lib->processor->cancel(lib->processor);
	server->destroy(server);
	events->destroy(events);
	protocol->destroy(protocol);
	sas->destroy(sas);
	initiator->destroy(initiator);
	table->destroy(table);
	ck_assert_int_eq(access(path, F_OK), -1);
	rmdir(dir);
	harness_teardown();
}

static int connect_client(void)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	struct timeval timeout = { .tv_sec = 20 };
	int fd;

	snprintf(addr.sun_path, sizeof(addr.sun_path), "%s", path);
	fd = socket(AF_UNIX, SOCK_STREAM, 0);
	ck_assert_int_eq(connect(fd, (struct sockaddr*)&addr, sizeof(addr)), 0);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout));
	return fd;
}

/* Write a frame; FALSE if the connection is gone. */
static bool put(int fd, const char *text)
{
	size_t len = strlen(text);
	chunk_t frame = chunk_alloca(4 + len);

	htoun32(frame.ptr, len);
	memcpy(frame.ptr + 4, text, len);
	return send(fd, frame.ptr, frame.len, MSG_NOSIGNAL) == frame.len;
}

static bool read_all(int fd, void *buf, size_t len)
{
	return recv(fd, buf, len, MSG_WAITALL) == len;
}

/* Read a frame, to be freed; NULL if the connection is closed. */
static char *get(int fd)
{
	uint8_t header[4];
	char *text;
	uint32_t len;

	if (!read_all(fd, header, sizeof(header)))
	{
		return NULL;
	}
	len = untoh32(header);
	ck_assert_int_le(len, PPVPN_FRAME_MAX);
	text = malloc(len + 1);
	ck_assert(read_all(fd, text, len));
	text[len] = '\0';
	return text;
}

/* The next frame contains this text. */
static void expect(int fd, const char *part)
{
	char *text = get(fd);

	ck_assert_msg(text && strstr(text, part), "'%s' not in '%s'", part,
				  text ?: "(closed)");
	free(text);
}

/* The connection is closed, and not for want of an answer. */
static void expect_closed(int fd)
{
	char byte;
	ssize_t len;

	errno = 0;
	len = recv(fd, &byte, 1, 0);
	ck_assert_msg(len == 0 || (len == -1 && errno == ECONNRESET),
				  "%zd, %s", len, strerror(errno));
	close(fd);
}

#define STATUS "{\"id\":%d,\"op\":\"status\"}"
#define STATUS_1 "{\"id\":1,\"op\":\"status\"}"

START_TEST(answers)
{
	int fd = connect_client();

	ck_assert(put(fd, STATUS_1));
	expect(fd, "{\"id\":1,\"ok\":true");
	ck_assert(put(fd, "{\"id\":2,\"op\":\"nonsense\"}"));
	expect(fd, "{\"id\":2,\"ok\":false");
	close(fd);
}
END_TEST

START_TEST(byte_by_byte)
{
	uint8_t frame[4 + sizeof(STATUS_1) - 1];
	int fd = connect_client(), i;

	htoun32(frame, sizeof(STATUS_1) - 1);
	memcpy(frame + 4, STATUS_1, sizeof(STATUS_1) - 1);
	for (i = 0; i < sizeof(frame); i++)
	{
		ck_assert_int_eq(write(fd, frame + i, 1), 1);
		usleep(1000);
	}
	expect(fd, "{\"id\":1,\"ok\":true");
	close(fd);
}
END_TEST

START_TEST(pipelined_in_order)
{
	char text[64];
	int fd = connect_client(), i;

	for (i = 0; i < 200; i++)
	{
		snprintf(text, sizeof(text), STATUS, i);
		ck_assert(put(fd, text));
	}
	for (i = 0; i < 200; i++)
	{
		snprintf(text, sizeof(text), "{\"id\":%d,\"ok\":true", i);
		expect(fd, text);
	}
	close(fd);
}
END_TEST

START_TEST(large_frame)
{
	size_t len = 3 * 1024 * 1024, done = 0;
	int fd = connect_client();
	char *text = malloc(len + 1);
	uint8_t header[4];
	ssize_t sent;

	memset(text, ' ', len);
	memcpy(text, STATUS_1, sizeof(STATUS_1) - 1);
	htoun32(header, len);
	ck_assert_int_eq(write(fd, header, 4), 4);
	while (done < len)
	{
		sent = write(fd, text + done, len - done);
		ck_assert_int_gt(sent, 0);
		done += sent;
	}
	expect(fd, "{\"id\":1,\"ok\":true");
	close(fd);
	free(text);
}
END_TEST

START_TEST(bad_lengths_close)
{
	static const uint8_t headers[][4] = {
		{ 0, 0, 0, 0 },
		{ 0x01, 0x00, 0x00, 0x01 },
		{ 0xff, 0xff, 0xff, 0xff },
		{ 'G', 'E', 'T', ' ' },
	};
	int fd = connect_client();

	ck_assert_int_eq(write(fd, headers[_i], 4), 4);
	expect_closed(fd);
	/* nobody else suffers */
	fd = connect_client();
	ck_assert(put(fd, STATUS_1));
	expect(fd, "\"ok\":true");
	close(fd);
}
END_TEST

START_TEST(no_json_closes)
{
	int fd = connect_client();

	ck_assert(put(fd, "hello"));
	expect_closed(fd);
	fd = connect_client();
	ck_assert(put(fd, "[]"));
	expect_closed(fd);
}
END_TEST

START_TEST(staged_set_goes_with_its_client)
{
	char *conn = harness_json(0, 1), *text = NULL;
	int one = connect_client(), two = connect_client();

	ck_assert(put(one, "{\"id\":1,\"op\":\"begin\"}"));
	expect(one, "\"ok\":true");
	ck_assert_int_ge(asprintf(&text,
				"{\"id\":2,\"op\":\"put\",\"conns\":[%s]}", conn), 0);
	ck_assert(put(one, text));
	expect(one, "\"staged\":1");
	ck_assert(put(two, "{\"id\":1,\"op\":\"commit\",\"revision\":\"r\"}"));
	expect(two, "no-transaction");
	close(one);
	one = connect_client();
	ck_assert(put(one, "{\"id\":1,\"op\":\"commit\",\"revision\":\"r\"}"));
	expect(one, "no-transaction");
	close(one);
	close(two);
	free(text);
	free(conn);
}
END_TEST

START_TEST(client_goes_in_the_middle)
{
	uint8_t header[4];
	int fd, i;

	for (i = 0; i < 3 * PPVPN_MAX_CLIENTS; i++)
	{
		fd = connect_client();
		htoun32(header, 1000);
		ck_assert_int_eq(write(fd, header, 1 + i % 4), 1 + i % 4);
		if (i % 4 == 3)
		{
			ck_assert_int_eq(write(fd, "{\"id\"", 5), 5);
		}
		close(fd);
		usleep(2000);
	}
	fd = connect_client();
	ck_assert(put(fd, STATUS_1));
	expect(fd, "\"ok\":true");
	close(fd);
}
END_TEST

START_TEST(too_many_clients)
{
	int fds[PPVPN_MAX_CLIENTS], fd, i;

	for (i = 0; i < PPVPN_MAX_CLIENTS; i++)
	{
		fds[i] = connect_client();
		ck_assert(put(fds[i], STATUS_1));
		expect(fds[i], "\"ok\":true");
	}
	fd = connect_client();
	expect_closed(fd);
	close(fds[0]);
	for (i = 0; i < 200; i++)
	{
		fd = connect_client();
		if (put(fd, STATUS_1) && recv(fd, fds, 1, MSG_PEEK) == 1)
		{
			break;
		}
		close(fd);
		usleep(10000);
	}
	expect(fd, "\"ok\":true");
	close(fd);
	for (i = 1; i < PPVPN_MAX_CLIENTS; i++)
	{
		close(fds[i]);
	}
}
END_TEST

static void subscribe(int fd)
{
	ck_assert(put(fd, "{\"id\":1,\"op\":\"subscribe\",\"events\":[\"alert\"]}"));
	expect(fd, "\"ok\":true");
}

static void push_event(void)
{
	ppvpn_event_t event = {
		.type = PPVPN_EVENT_ALERT,
		.alert = "peer-auth-failed",
		.name = "ppvpn:acme:corp:s1",
	};

	events->push(events, &event);
}

START_TEST(events_reach_subscribers)
{
	int one = connect_client(), two = connect_client();
	struct pollfd pfd = { .fd = two, .events = POLLIN };

	subscribe(one);
	push_event();
	expect(one, "\"event\":\"alert\"");
	ck_assert_int_eq(poll(&pfd, 1, 100), 0);
	close(one);
	close(two);
}
END_TEST

START_TEST(client_that_does_not_read)
{
	int slow = connect_client(), quick = connect_client(), i;
	struct timespec before, after;
	uint64_t dropped;
	u_int received = 0;
	char *text;

	subscribe(slow);
	clock_gettime(CLOCK_MONOTONIC, &before);
	for (i = 0; i < 20000; i++)
	{
		push_event();
		if (i % 500 == 0)
		{
			usleep(1000);
		}
	}
	clock_gettime(CLOCK_MONOTONIC, &after);
	/* whoever raises events has not waited for it */
	ck_assert_int_lt(after.tv_sec - before.tv_sec, 10);
	ck_assert(put(quick, STATUS_1));
	expect(quick, "\"ok\":true");
	for (i = 0; i < 500 && !ppvpn_counted(&counters.events_dropped); i++)
	{
		usleep(10000);
	}
	usleep(200000);
	dropped = ppvpn_counted(&counters.events_dropped);
	ck_assert_int_gt(dropped, 0);
	/* what it did not lose comes when it reads */
	ck_assert(put(slow, STATUS_1));
	while ((text = get(slow)) && !strstr(text, "\"id\":1,"))
	{
		received++;
		free(text);
	}
	ck_assert_ptr_nonnull(text);
	free(text);
	ck_assert_int_eq(received + dropped, 20000);
	close(slow);
	close(quick);
}
END_TEST

START_TEST(requests_without_reading_answers)
{
	int fd = connect_client(), i, sent = 0, received = 0;
	ppvpn_counts_t counts;
	char *text;

	/* answers of some 100 kB each */
	table->replace(table, harness_set(0, 1000, 1), "r", &counts);
	fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
	for (i = 0; i < 200000 && put(fd, "{\"id\":9,\"op\":\"list\"}"); i++)
	{
		sent++;
	}
	/* it stopped reading our requests at some time */
	ck_assert_int_gt(sent, 0);
	ck_assert_int_lt(sent, 200000);
	fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) & ~O_NONBLOCK);
	while (received < 50)
	{
		text = get(fd);
		ck_assert_ptr_nonnull(text);
		free(text);
		received++;
	}
	close(fd);
}
END_TEST

START_TEST(mode_and_path)
{
	struct stat st;
	char other[80];
	int fd;

	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert(S_ISSOCK(st.st_mode));
	ck_assert_int_eq(st.st_mode & 0777, 0660);
	/* a file that is no socket is left alone */
	snprintf(other, sizeof(other), "%s/file", dir);
	fd = open(other, O_CREAT | O_WRONLY, 0600);
	close(fd);
	ck_assert_int_eq(ppvpn_listen(other, -1), -1);
	ck_assert_int_eq(access(other, F_OK), 0);
	unlink(other);
	/* a socket somebody left behind is replaced */
	fd = ppvpn_listen(other, -1);
	ck_assert_int_ge(fd, 0);
	close(fd);
	fd = ppvpn_listen(other, -1);
	ck_assert_int_ge(fd, 0);
	close(fd);
	unlink(other);
}
END_TEST

START_TEST(who_may_connect)
{
	gid_t groups[] = { 100, 4711, 200 };
	uid_t me = geteuid(), other = me == 12345 ? 12346 : 12345;
	int fds[2];

	ck_assert(ppvpn_ids_permitted(0, NULL, 0, -1));
	ck_assert(ppvpn_ids_permitted(me, NULL, 0, -1));
	ck_assert(!ppvpn_ids_permitted(other, groups, 3, -1));
	ck_assert(!ppvpn_ids_permitted(other, groups, 3, 4712));
	ck_assert(!ppvpn_ids_permitted(other, groups, 1, 4711));
	ck_assert(ppvpn_ids_permitted(other, groups, 2, 4711));
	/* the group nobody has does not stand for "no such group" */
	groups[0] = -1;
	ck_assert(!ppvpn_ids_permitted(other, groups, 3, -1));
	ck_assert(ppvpn_find_group("no-such-group") == (gid_t)-1);
	ck_assert_int_eq(ppvpn_find_group("root"), 0);
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	ck_assert(ppvpn_peer_permitted(fds[0], -1));
	close(fds[0]);
	ck_assert(!ppvpn_peer_permitted(fds[0], -1));
	close(fds[1]);
}
END_TEST

START_TEST(stranger_is_turned_away)
{
	int fd, status = 0;
	pid_t pid;

	if (geteuid() != 0)
	{	/* only root can become somebody else */
		return;
	}
	/* let everybody reach the socket, so that the credentials decide */
	chmod(dir, 0755);
	chmod(path, 0666);
	fflush(NULL);
	pid = fork();
	if (pid == 0)
	{
		if (setgid(12345) != 0 || setuid(12345) != 0)
		{
			_exit(2);
		}
		fd = connect_client();
		_exit(recv(fd, &status, 1, 0) > 0 ? 1 : 0);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("socket");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, answers);
	tcase_add_test(tcase, byte_by_byte);
	tcase_add_test(tcase, pipelined_in_order);
	tcase_add_test(tcase, large_frame);
	tcase_add_loop_test(tcase, bad_lengths_close, 0, 4);
	tcase_add_test(tcase, no_json_closes);
	tcase_add_test(tcase, staged_set_goes_with_its_client);
	tcase_add_test(tcase, client_goes_in_the_middle);
	tcase_add_test(tcase, too_many_clients);
	tcase_add_test(tcase, events_reach_subscribers);
	tcase_add_test(tcase, client_that_does_not_read);
	tcase_add_test(tcase, requests_without_reading_answers);
	tcase_add_test(tcase, mode_and_path);
	tcase_add_test(tcase, who_may_connect);
	tcase_add_test(tcase, stranger_is_turned_away);
	return harness_run(tcase, "plugin_socket");
}
