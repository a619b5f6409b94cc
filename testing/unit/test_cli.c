/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * test_cli.c - a command's words, options, help and exit status
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "cli.h"
#include "run.h"

static char called[256];
static FILE *captured[2];
static int saved[2];

static int on_run(const struct cli_args *args, void *user, struct err *e)
{
	const char *socket = cli_opt(args, "--socket");
	const char *ce = cli_opt(args, "--ce"), *json = cli_opt(args, "--json");
	size_t used;
	unsigned i;

	used = (size_t)snprintf(called, sizeof(called), "%s socket=%s ce=%s json=%s",
							(const char *)user, socket ? socket : "-",
							ce ? ce : "-", json ? "yes" : "no");
	for (i = 0; i < cli_count(args); i++)
	{
		used += (size_t)snprintf(called + used, sizeof(called) - used, " %s",
								 cli_arg(args, i));
	}
	ck_assert_ptr_null(cli_arg(args, cli_count(args)));
	if (cli_count(args) && strcmp(cli_arg(args, 0), "fail") == 0)
	{
		return err_set(e, -EEXIST, ERR_EXISTS, "acme", "is there already");
	}
	return 0;
}

static const struct cli_option common[] = {
	{ "--socket", "PATH", "the server's socket" },
	{ "--json", NULL, "answer as JSON" },
	{ NULL, NULL, NULL }
};
static const struct cli_option site_options[] = {
	{ "--ce", "CE", "the router" },
	{ NULL, NULL, NULL }
};
static const struct cli_command commands[] = {
	{ "customer add", "CUSTOMER", 1, 1, "Add a customer", NULL, on_run },
	{ "site add", "CUSTOMER/VPN/SITE", 1, 1, "Add a site", site_options,
	  on_run },
	{ "site list", "[PLACE]", 0, 1, "List sites", NULL, on_run },
	{ "site key show", "[PLACE]", 0, 1, "Show a key", NULL, on_run },
	{ "status", "[PLACE]", 0, 1, "Show it all", NULL, on_run },
	{ NULL, NULL, 0, 0, NULL, NULL, NULL }
};
static const struct cli cli = {
	"prog", "does things", common, commands
};

static void setup(void)
{
	int i;

	fflush(stdout);
	for (i = 0; i < 2; i++)
	{
		captured[i] = tmpfile();
		saved[i] = dup(i + 1);
		dup2(fileno(captured[i]), i + 1);
	}
	called[0] = '\0';
}

static void teardown(void)
{
	int i;

	for (i = 0; i < 2; i++)
	{
		dup2(saved[i], i + 1);
		close(saved[i]);
		fclose(captured[i]);
	}
}

/* of stdout (0) or stderr (1) */
static const char *output(int which)
{
	static char buf[2][8192];
	ssize_t n;

	fflush(stdout);
	n = pread(fileno(captured[which]), buf[which], sizeof(buf[0]) - 1, 0);
	buf[which][n > 0 ? n : 0] = '\0';
	return buf[which];
}

/* the line's words, run */
static int run_line(const char *line)
{
	char copy[256], *argv[32], *word;
	int argc = 0;

	snprintf(copy, sizeof(copy), "%s", line);
	for (word = strtok(copy, " "); word; word = strtok(NULL, " "))
	{
		argv[argc++] = word;
	}
	argv[argc] = NULL;
	return cli_main(&cli, argc, argv, (void *)"user");
}

static const struct {
	const char *line, *called;
} good[] = {
	{ "prog status", "user socket=- ce=- json=no" },
	{ "prog status acme", "user socket=- ce=- json=no acme" },
	{ "prog site add a/b/c --ce r1", "user socket=- ce=r1 json=no a/b/c" },
	{ "prog site add --ce=r1 a/b/c", "user socket=- ce=r1 json=no a/b/c" },
	{ "prog site add --ce= a/b/c", "user socket=- ce= json=no a/b/c" },
	{ "prog --socket /s site --json list", "user socket=/s ce=- json=yes" },
	{ "prog site list --socket=/s=x", "user socket=/s=x ce=- json=no" },
	{ "prog site add -- --ce", "user socket=- ce=- json=no --ce" },
	{ "prog status -", "user socket=- ce=- json=no -" },
	{ "prog site add x --ce --json", "user socket=- ce=--json json=no x" },
	{ "prog site key show", "user socket=- ce=- json=no" },
	{ "prog site --json key show x", "user socket=- ce=- json=yes x" },
};

START_TEST(test_good)
{
	ck_assert_int_eq(run_line(good[_i].line), 0);
	ck_assert_str_eq(called, good[_i].called);
	ck_assert_str_eq(output(0), "");
	ck_assert_str_eq(output(1), "");
}
END_TEST

static const struct {
	const char *line, *says;
} bad[] = {
	{ "prog", "prog: a command is missing\n  → prog --help\n" },
	{ "prog frob", "prog: unknown command 'frob'\n  → prog --help\n" },
	{ "prog sit", "prog: unknown command 'sit'\n  → prog --help\n" },
	{ "prog \x1b[2J\r\xc2\x9b", "prog: unknown command '?[2J?\?\?'\n"
	  "  → prog --help\n" },
	{ "prog site \x1b[2J", "prog: unknown command 'site ?[2J'\n"
	  "  → prog site --help\n" },
	{ "prog site", "prog: the command's second word is missing\n"
	  "  → prog site --help\n" },
	{ "prog site key", "prog: the command's third word is missing\n"
	  "  → prog site key --help\n" },
	{ "prog site key frob", "prog: unknown command 'site key frob'\n"
	  "  → prog site key --help\n" },
	{ "prog site ke show", "prog: unknown command 'site ke'\n"
	  "  → prog site --help\n" },
	{ "prog site frob", "prog: unknown command 'site frob'\n"
	  "  → prog site --help\n" },
	{ "prog site add", "prog: site add needs CUSTOMER/VPN/SITE\n"
	  "  → prog site add --help\n" },
	{ "prog site add a b", "prog: site add does not take 'b'\n"
	  "  → prog site add --help\n" },
	{ "prog site list --ce x", "prog: unknown option '--ce'\n"
	  "  → prog site list --help\n" },
	{ "prog status -x", "prog: unknown option '-x'\n"
	  "  → prog status --help\n" },
	{ "prog --ce x site add a", "prog: unknown option '--ce' (options of a "
	  "command come after its words)\n  → prog --help\n" },
	{ "prog status --json=1", "prog: --json takes no value\n"
	  "  → prog status --help\n" },
	{ "prog status --socket", "prog: --socket needs PATH\n"
	  "  → prog status --help\n" },
	{ "prog --json status --json", "prog: --json is given twice\n"
	  "  → prog status --help\n" },
};

START_TEST(test_bad)
{
	ck_assert_int_eq(run_line(bad[_i].line), 2);
	ck_assert_str_eq(called, "");
	ck_assert_str_eq(output(0), "");
	ck_assert_str_eq(output(1), bad[_i].says);
}
END_TEST

START_TEST(test_failure)
{
	ck_assert_int_eq(run_line("prog customer add fail"), 1);
	ck_assert_str_eq(output(1), "prog: acme: is there already\n"
					 "  → Choose another, or remove the old one first.\n");
}
END_TEST

static const struct {
	const char *line, *has, *has_not;
} helps[] = {
	{ "prog --help", "customer add CUSTOMER", "--ce" },
	{ "prog -h", "--socket PATH", "--ce" },
	{ "prog site --help", "site list [PLACE]", "customer" },
	{ "prog site add --help", "--ce CE", "customer" },
	{ "prog site key --help", "site key show [PLACE]", "site list" },
	{ "prog site add x y -h", "Usage: prog site add [OPTION ...] "
	  "CUSTOMER/VPN/SITE\n", "site list" },
	{ "prog --version", "prog " PACKAGE_VERSION "\n", "Usage" },
	{ "prog site add --version", "prog " PACKAGE_VERSION "\n", "Usage" },
};

START_TEST(test_help)
{
	ck_assert_int_eq(run_line(helps[_i].line), 0);
	ck_assert_str_eq(called, "");
	ck_assert_ptr_nonnull(strstr(output(0), helps[_i].has));
	ck_assert_ptr_null(strstr(output(0), helps[_i].has_not));
	ck_assert_str_eq(output(1), "");
}
END_TEST

START_TEST(test_full_disk)
{
	int full = open("/dev/full", O_WRONLY);

	dup2(full, STDOUT_FILENO);
	ck_assert_int_eq(run_line("prog --help"), 1);
	ck_assert_ptr_nonnull(strstr(output(1), "cannot write output"));
	close(full);
}
END_TEST

int main(void)
{
	TCase *tc = tcase_create("cli");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, test_good, 0, COUNT(good));
	tcase_add_loop_test(tc, test_bad, 0, COUNT(bad));
	tcase_add_test(tc, test_failure);
	tcase_add_loop_test(tc, test_help, 0, COUNT(helps));
	tcase_add_test(tc, test_full_disk);
	return run_case(tc, "cli");
}
