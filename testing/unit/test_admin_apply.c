/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * test_admin_apply.c - a customer's file to the server and back, and what a
 * change comes to
 *
 * The server is a stand-in with answers prepared; the commands are real.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "alloc.h"
#include "run.h"
#include "server/admin.h"

/* ---- a server ----------------------------------------------------------------- */

static struct text requests;			/* "PUT path body\n" each */
static const char *answers[4];			/* NULL: an error */
static size_t asked;

bool admin_json(const struct cli_args *args)
{
	return cli_opt(args, "--json") != NULL;
}

int admin_request(const struct cli_args *args, const char *method, const char *path,
				  const char *body, struct text *answer, struct err *e)
{
	(void)args;
	text_addf(&requests, "%s %s%s%s\n", method, path, body ? " " : "",
			  body ? body : "");
	ck_assert_uint_lt(asked, COUNT(answers));
	if (!answers[asked])
	{
		return err_set(e, -EPROTO, ERR_GRADE, "/vpns/0", "it is too weak");
	}
	text_add(answer, answers[asked++]);
	return 0;
}

/* ---- the command --------------------------------------------------------------- */

static const struct cli_option options[] = {
	{ "--json", NULL, "" }, { .name = NULL }
};
static const struct cli_option apply_options[] = {
	{ "-f", "FILE", "" }, { "--dry-run", NULL, "" }, { "--yes", NULL, "" },
	{ .name = NULL }
};
static const struct cli_command commands[] = {
	{ "apply", "", 0, 0, "", apply_options, admin_apply },
	{ "export", "CUSTOMER", 1, 1, "", NULL, admin_export },
	{ .words = NULL }
};
static const struct cli cli = { "test", "", options, commands };

static char output[65536];	/* of the last command: stdout, then stderr */
static char path[] = "/tmp/ppvpn-apply-XXXXXX";

static int temporary(void)
{
	FILE *file = tmpfile();
	int fd = dup(fileno(file));

	fclose(file);
	return fd;
}

/* input: the descriptor that becomes stdin */
static int run(int input, char *const words[])
{
	int saved[3], files[3] = { input, temporary(), temporary() }, i, status;
	ssize_t len = 0, more;

	fflush(stdout);
	for (i = 0; i < 3; i++)
	{
		saved[i] = dup(i);
		dup2(files[i], i);
	}
	clearerr(stdin);
	for (i = 0; words[i]; i++)
	{
	}
	status = cli_main(&cli, i, (char **)words, NULL);
	fflush(stdout);
	fflush(stderr);
	for (i = 0; i < 3; i++)
	{
		dup2(saved[i], i);
		close(saved[i]);
	}
	for (i = 1; i < 3; i++)
	{
		lseek(files[i], 0, SEEK_SET);
		more = read(files[i], output + len, sizeof(output) - 1 - (size_t)len);
		len += more > 0 ? more : 0;
		close(files[i]);
	}
	output[len] = '\0';
	return status;
}

#define RUN(input, ...) \
	run(input, (char *[]){ (char *)"test", __VA_ARGS__, NULL })
#define W(word) ((char *)word)

static void setup(void)
{
	int fd = mkstemp(path);

	ck_assert_int_ge(fd, 0);
	close(fd);
}

static void teardown(void)
{
	unlink(path);
	text_done(&requests);
}

static void write_file(const char *content)
{
	FILE *file = fopen(path, "w");

	ck_assert_ptr_nonnull(file);
	fputs(content, file);
	fclose(file);
}

static int no_input(void)
{
	return open("/dev/null", O_RDONLY | O_CLOEXEC);
}

#define FILE_TEXT \
	"schema: ppvpn-customer/1\ncustomer: acme\nces:\n- {ce: a, " \
	"address: 192.0.2.5}\nvpns: []\n"
#define FILE_JSON \
	"{\"schema\":\"ppvpn-customer/1\",\"customer\":\"acme\"," \
	"\"ces\":[{\"ce\":\"a\",\"address\":\"192.0.2.5\"}],\"vpns\":[]}"
#define COUNTS \
	"\"ces-told\":2,\"tunnels-added\":1,\"tunnels-removed\":0," \
	"\"tunnels-changed\":0,\"tunnels-rekeyed\":3"
#define LISTS \
	"\"ces\":[{\"customer\":\"acme\",\"ce\":\"a\"}," \
	"{\"customer\":\"acme\",\"ce\":\"b\"}],\"tunnels\":[{\"customer\":\"acme\"," \
	"\"vpn\":\"corp\",\"sites\":[\"lyon\",\"paris\"],\"change\":\"added\"}]," \
	"\"objects\":[{\"kind\":\"ce\",\"place\":\"acme/a\",\"change\":\"changed\"}," \
	"{\"kind\":\"link\",\"place\":\"acme/corp/lyon/paris\"," \
	"\"change\":\"removed\"}]"
#define DRY \
	"{\"revision\":7,\"dry-run\":true,\"changed\":true," COUNTS "," LISTS "}"
#define DONE \
	"{\"revision\":8,\"dry-run\":false,\"changed\":true," COUNTS "," LISTS "}"
#define SAME \
	"{\"revision\":7,\"dry-run\":true,\"changed\":false,\"ces-told\":0," \
	"\"tunnels-added\":0,\"tunnels-removed\":0,\"tunnels-changed\":0," \
	"\"tunnels-rekeyed\":0,\"ces\":[],\"tunnels\":[],\"objects\":[]}"
#define TABLES \
	"routers told: 2; tunnels: 1 added, 3 rekeyed\n\n" \
	"CHANGE   KIND  PLACE\n" \
	"changed  ce    acme/a\n" \
	"removed  link  acme/corp/lyon/paris\n\n" \
	"CHANGE  VPN        TUNNEL\n" \
	"added   acme/corp  lyon paris\n\n" \
	"ROUTER THAT IS TOLD\nacme/a\nacme/b\n"
#define DRY_TEXT "acme: would be changed (now revision 7)\n" TABLES
#define DONE_TEXT "acme: changed (revision 8)\n" TABLES

START_TEST(dry_run_shows)
{
	write_file(FILE_TEXT);
	answers[0] = DRY;
	ck_assert_int_eq(RUN(no_input(), W("apply"), W("-f"), path,
						 W("--dry-run")), 0);
	ck_assert_str_eq(output, DRY_TEXT);
	ck_assert_str_eq(requests.s, "PUT /v1/config/acme?dry-run=yes " FILE_JSON
					 "\n");
}
END_TEST

/* Whoever gives both wants to see, not to do. */
START_TEST(dry_run_wins)
{
	write_file(FILE_TEXT);
	answers[0] = SAME;
	ck_assert_int_eq(RUN(no_input(), W("apply"), W("-f"), path, W("--yes"),
						 W("--dry-run")), 0);
	ck_assert_str_eq(output, "acme: nothing changes (revision 7)\n");
	ck_assert_ptr_nonnull(strstr(requests.s, "dry-run=yes"));
}
END_TEST

START_TEST(yes_does_it)
{
	int fd = temporary();

	/* JSON, and from standard input */
	ck_assert_int_gt(write(fd, FILE_JSON, strlen(FILE_JSON)), 0);
	lseek(fd, 0, SEEK_SET);
	answers[0] = answers[1] = DONE;
	ck_assert_int_eq(RUN(fd, W("apply"), W("-f"), W("-"), W("--yes")), 0);
	ck_assert_str_eq(output, DONE_TEXT);
	ck_assert_str_eq(requests.s, "PUT /v1/config/acme?effects=yes " FILE_JSON
					 "\n");
	close(fd);
	write_file(FILE_JSON);
	ck_assert_int_eq(RUN(no_input(), W("apply"), W("-f"), path, W("--yes"),
						 W("--json")), 0);
	ck_assert_str_eq(output, DONE);
}
END_TEST

START_TEST(nobody_to_ask)
{
	write_file(FILE_TEXT);
	ck_assert_int_eq(RUN(no_input(), W("apply"), W("-f"), path), 1);
	ck_assert_ptr_nonnull(strstr(output, "--yes"));
	ck_assert_int_eq(RUN(no_input(), W("apply")), 1);
	ck_assert_ptr_nonnull(strstr(output, "-f: this option is needed"));
	ck_assert_uint_eq(requests.len, 0);
}
END_TEST

/* A terminal whose user has typed that. */
static int terminal(const char *typed, int *master)
{
	int fd;

	*master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	ck_assert_int_ge(*master, 0);
	ck_assert_int_eq(grantpt(*master), 0);
	ck_assert_int_eq(unlockpt(*master), 0);
	fd = open(ptsname(*master), O_RDWR | O_NOCTTY | O_CLOEXEC);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_gt(write(*master, typed, strlen(typed)), 0);
	return fd;
}

static const struct
{
	const char *typed, *first;
	int status;
	size_t requests;
} questions[] = {
	{ "y\n", DRY, 0, 2 },
	{ "yes\n", DRY, 0, 2 },
	{ "n\n", DRY, 1, 1 },
	{ "\n", DRY, 1, 1 },
	{ "yesterday\n", DRY, 1, 1 },
	{ "\x04", DRY, 1, 1 },		/* end of file */
	{ "y\n", SAME, 0, 1 },		/* nothing to ask for */
};

START_TEST(a_person_is_asked)
{
	int master, fd = terminal(questions[_i].typed, &master);

	write_file(FILE_TEXT);
	answers[0] = questions[_i].first;
	answers[1] = DONE;
	ck_assert_int_eq(RUN(fd, W("apply"), W("-f"), path),
					 questions[_i].status);
	ck_assert_uint_eq(asked, questions[_i].requests);
	if (asked == 2)
	{
		ck_assert_str_eq(output, DRY_TEXT "\nApply? [y/N] \n" DONE_TEXT);
		ck_assert_ptr_nonnull(strstr(requests.s, "effects=yes"));
	}
	else if (questions[_i].status)
	{
		ck_assert_ptr_nonnull(strstr(output, "nothing was changed"));
	}
	close(fd);
	close(master);
}
END_TEST

static const struct { const char *content, *says; } bad[] = {
	{ "a: b: c\n", ", line 1, column 5: mapping values" },
	{ "customer: acme\n", ", /schema: member is missing" },
	{ "schema: x\n", ", /customer: member is missing" },
	{ "schema: x\ncustomer: ../vpns\n", ", /customer: " },
	{ "schema: x\ncustomer: acme\nvpn: []\n", ", /vpn: unknown member" },
	{ "schema: x\ncustomer: acme\nces: {}\n", ", /ces: " },
	{ "- a\n", "not an object" },
};

START_TEST(bad_files)
{
	write_file(bad[_i].content);
	ck_assert_int_eq(RUN(no_input(), W("apply"), W("-f"), path, W("--yes")),
					 1);
	ck_assert_msg(strstr(output, bad[_i].says), "%s", output);
	ck_assert_ptr_nonnull(strstr(output, path));
	ck_assert_uint_eq(requests.len, 0);
}
END_TEST

START_TEST(no_file)
{
	ck_assert_int_eq(RUN(no_input(), W("apply"), W("-f"), W("/nonexistent"),
						 W("--yes")), 1);
	ck_assert_ptr_nonnull(strstr(output, "/nonexistent"));
	ck_assert_int_eq(RUN(no_input(), W("apply"), W("-f"), W("/"),
						 W("--yes")), 1);
	ck_assert_ptr_nonnull(strstr(output, "directory"));
	ck_assert_uint_eq(requests.len, 0);
}
END_TEST

START_TEST(what_the_server_refuses)
{
	write_file(FILE_TEXT);
	ck_assert_int_eq(RUN(no_input(), W("apply"), W("-f"), path, W("--yes")),
					 1);
	ck_assert_ptr_nonnull(strstr(output, "/vpns/0: it is too weak"));
	ck_assert_int_eq(RUN(no_input(), W("export"), W("acme")), 1);
	ck_assert_ptr_nonnull(strstr(output, "it is too weak"));
}
END_TEST

/* ---- effects --------------------------------------------------------------------- */

START_TEST(long_lists_are_cut)
{
	struct text answer = { 0 };
	int i;

	text_add(&answer, "{\"revision\":8,\"tunnels\":[");
	for (i = 0; i < 250; i++)
	{
		text_addf(&answer, "%s{\"customer\":\"acme\",\"vpn\":\"corp\","
				  "\"sites\":[\"hub\",\"s%d\"],\"change\":\"%s\"}",
				  i ? "," : "", i, i % 2 ? "removed" : "added");
	}
	text_add(&answer, "]}");
	write_file(FILE_TEXT);
	answers[0] = answer.s;
	ck_assert_int_eq(RUN(no_input(), W("apply"), W("-f"), path, W("--yes")),
					 0);
	ck_assert_ptr_nonnull(strstr(output, "acme: changed (revision 8)\n"));
	ck_assert_ptr_nonnull(strstr(output, "tunnels: 125 added, 125 removed\n"));
	ck_assert_ptr_nonnull(strstr(output, " hub s99\n... and 150 more"));
	ck_assert_ptr_null(strstr(output, "ROUTER"));
	text_done(&answer);
}
END_TEST

static const char *const strange[] = {
	"", "[]", "{}", "{\"revision\":1,\"x\":1}", "{\"revision\":-1}",
	"{\"revision\":1,\"ces\":[{\"customer\":\"a\",\"ce\":\"\\u001b[2J\"}]}",
	"{\"revision\":1,\"objects\":[{\"kind\":\"ce\",\"place\":\"\\u001b\","
	"\"change\":\"added\"}]}",
	"{\"revision\":1,\"tunnels\":[{\"customer\":\"a\",\"vpn\":\"b\","
	"\"sites\":[\"c\"],\"change\":\"added\"}]}",
	"{\"revision\":1,\"tunnels\":[{\"customer\":\"a\",\"vpn\":\"b\","
	"\"sites\":[\"c\",\"d\"],\"change\":\"eaten\"}]}",
};

START_TEST(strange_answers)
{
	write_file(FILE_TEXT);
	answers[0] = strange[_i];
	ck_assert_int_eq(RUN(no_input(), W("apply"), W("-f"), path, W("--yes")),
					 1);
	ck_assert_ptr_nonnull(strstr(output, "not understood"));
	ck_assert_ptr_null(strchr(output, '\x1b'));
}
END_TEST

/* ---- export ------------------------------------------------------------------------ */

START_TEST(exports)
{
	static char exported[sizeof(output)];

	answers[0] = answers[1] = FILE_JSON;
	answers[2] = DONE;
	answers[3] = "{\"a\":null}";
	ck_assert_int_eq(RUN(no_input(), W("export"), W("acme")), 0);
	ck_assert_str_eq(output, "schema: ppvpn-customer/1\ncustomer: acme\nces:\n"
					 "  - {ce: a, address: 192.0.2.5}\nvpns: []\n");
	ck_assert_str_eq(requests.s, "GET /v1/config/acme\n");
	memcpy(exported, output, sizeof(output));
	ck_assert_int_eq(RUN(no_input(), W("export"), W("acme"), W("--json")), 0);
	ck_assert_str_eq(output, FILE_JSON);
	/* what came out goes in */
	text_done(&requests);
	write_file(exported);
	ck_assert_int_eq(RUN(no_input(), W("apply"), W("-f"), path, W("--yes")),
					 0);
	ck_assert_str_eq(requests.s, "PUT /v1/config/acme?effects=yes " FILE_JSON
					 "\n");
	ck_assert_int_eq(RUN(no_input(), W("export"), W("acme")), 1);
	ck_assert_int_eq(RUN(no_input(), W("export"), W("../acme")), 1);
	ck_assert_uint_eq(asked, 4);
}
END_TEST

int main(void)
{
	TCase *tc = tcase_create("apply");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, dry_run_shows);
	tcase_add_test(tc, dry_run_wins);
	tcase_add_test(tc, yes_does_it);
	tcase_add_test(tc, nobody_to_ask);
	tcase_add_loop_test(tc, a_person_is_asked, 0, COUNT(questions));
	tcase_add_loop_test(tc, bad_files, 0, COUNT(bad));
	tcase_add_test(tc, no_file);
	tcase_add_test(tc, what_the_server_refuses);
	tcase_add_test(tc, long_lists_are_cut);
	tcase_add_loop_test(tc, strange_answers, 0, COUNT(strange));
	tcase_add_test(tc, exports);
	return run_case(tc, "admin_apply");
}
