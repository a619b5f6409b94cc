/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * test_daytime.c - a clock that begins in 1970, or is off
 *
 * The system's clock is the test's; certificates and the TLS that shows them are
 * real.
 */
#include "config.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "agent/daytime.h"
#include "agent/fetch.h"
#include "agent/loop.h"
#include "alloc.h"
#include "log.h"
#include "run.h"
#include "tls_kit.h"

#define DAY 86400

static char dir[] = "/tmp/ppvpn-daytime-XXXXXX";
static int64_t clock_s;
static unsigned sets;
static int set_rc;
static struct daytime *d;

static int64_t fake_now(void)
{
	return clock_s;
}

static int fake_set(int64_t s)
{
	if (!set_rc)
	{
		clock_s = s;
		sets++;
	}
	return set_rc;
}

static char *in_dir(const char *name)
{
	return xasprintf("%s/%s", dir, name);
}

static void put(const char *name, const char *text)
{
	char *path = in_dir(name);
	FILE *f = fopen(path, "w");

	ck_assert_ptr_nonnull(f);
	fputs(text, f);
	fclose(f);
	free(path);
}

static int64_t get(const char *name)
{
	char *path = in_dir(name);
	FILE *f = fopen(path, "r");
	long long s = 0;

	ck_assert(!f || fscanf(f, "%lld", &s) == 1);
	if (f)
	{
		fclose(f);
	}
	free(path);
	return s;
}

static void begin(bool may_set)
{
	static const struct daytime_system system = { fake_now, fake_set };
	char *ca = in_dir("ca.crt");
	struct err e;

	daytime_free(d);
	d = NULL;
	ck_assert_int_eq(daytime_new(dir, ca, may_set, &system, &d, &e), 0);
	free(ca);
}

/* A CA that began 10 s from now minus a minute, and lives an hour. */
static void setup(void)
{
	strcpy(dir + strlen(dir) - 6, "XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	log_init("test", LOG_LEVEL_ERROR);
	kit_certificate(dir, "ca", NULL);
	sets = 0;
	set_rc = 0;
	d = NULL;
}

static void teardown(void)
{
	char *command = xasprintf("rm -rf %s", dir);

	daytime_free(d);
	ck_assert_int_eq(system(command), 0);
	free(command);
}

static void hear(int64_t s)
{
	struct fetch_answer a = { .status = 304, .date_s = s };

	daytime_answered(d, &a);
}

START_TEST(begins_in_1970)
{
	int64_t now = time(NULL);

	clock_s = 5;
	begin(true);
	/* the CA's beginning, a minute ago */
	ck_assert_uint_eq(sets, 1);
	ck_assert_int_ge(clock_s, now - 62);
	ck_assert_int_le(clock_s, now - 58);
	ck_assert_int_eq(daytime_trouble(d)->code, ERR_NONE);
	/* the server corrects it, once */
	hear(now + 600);
	ck_assert_int_eq(clock_s, now + 600);
	ck_assert_uint_eq(sets, 2);
	ck_assert_int_eq(get("clock"), now + 600);
	hear(now + 1800);
	ck_assert_uint_eq(sets, 2);
	ck_assert_int_eq(daytime_trouble(d)->code, ERR_CLOCK);
	/* the next boot begins there */
	clock_s = 5;
	begin(true);
	ck_assert_int_eq(clock_s, now + 600);
	hear(now + 620);
	ck_assert_int_eq(clock_s, now + 600);	/* near enough */
	ck_assert_int_eq(daytime_trouble(d)->code, ERR_NONE);
}
END_TEST

/* What certificates are judged by: the server's time, counted on. */
START_TEST(the_time_to_rely_on)
{
	int64_t now = time(NULL);
	struct fetch_answer a = {
		.status = 304, .date_s = now + 600, .first_byte_ms = 5000,
	};

	ck_assert_int_eq(daytime_now_s(NULL, 1000), 0);
	clock_s = now;
	begin(true);
	ck_assert_int_eq(daytime_now_s(d, 1000), now);
	/* the server is another opinion, and counts; the clock's steps do not */
	daytime_answered(d, &a);
	ck_assert_int_eq(daytime_now_s(d, 5000), now + 600);
	clock_s = now + 40000;
	ck_assert_int_eq(daytime_now_s(d, 65999), now + 660);
	/* what its own CA rules out does not */
	a.date_s = now - 999 * DAY;
	daytime_answered(d, &a);
	ck_assert_int_eq(daytime_now_s(d, 65999), now + 660);
	/* after a restart: nothing but a clock that was set to the least that it is */
	clock_s = 5;
	begin(true);
	ck_assert_uint_eq(sets, 1);
	ck_assert_int_eq(daytime_now_s(d, 1000), 0);
	/* or may not be */
	clock_s = 5;
	begin(false);
	ck_assert_int_eq(daytime_now_s(d, 1000), 0);
	a.date_s = now + 700;
	daytime_answered(d, &a);
	ck_assert_int_eq(daytime_now_s(d, 6000), now + 701);
}
END_TEST

START_TEST(a_clock_that_may_be_right_is_left_alone)
{
	int64_t now = time(NULL);

	clock_s = now;
	begin(true);
	hear(now + 1000);
	ck_assert_uint_eq(sets, 0);
	ck_assert_int_eq(daytime_trouble(d)->code, ERR_CLOCK);
	hear(now + 200);
	ck_assert_int_eq(daytime_trouble(d)->code, ERR_NONE);
	/* nor one that is ahead by years */
	clock_s = now + 20 * 365 * DAY;
	hear(now);
	ck_assert_uint_eq(sets, 0);
	ck_assert_int_eq(daytime_trouble(d)->code, ERR_CLOCK);
}
END_TEST

/* A server whose clock is wrong, or that lies. */
START_TEST(a_server_is_not_believed_blindly)
{
	int64_t now = time(NULL), wrong[] = { 5, now - 10 * DAY, now + 10 * DAY,
										  INT64_MAX };

	for (size_t i = 0; i < COUNT(wrong); i++)
	{
		clock_s = 5;
		begin(true);
		sets = 0;
		hear(wrong[i]);
		ck_assert_uint_eq(sets, 0);
		ck_assert_int_eq(get("clock"), 0);
		ck_assert_int_eq(daytime_trouble(d)->code, ERR_CLOCK);
		ck_assert_str_eq(daytime_trouble(d)->where, "server");
		hear(now);
		ck_assert_int_eq(daytime_trouble(d)->code, ERR_NONE);
		ck_assert_int_eq(get("clock"), now);
		put("clock", "0");
		unlink("clock");
	}
}
END_TEST

static const char *const files[] = {
	"", "x\n", "12", "-5\n", "99999999999999999999\n", "8000000000\n",
	"1 2\n", "123456789012345678901234567890123\n",
};

START_TEST(a_file_that_cannot_be_true)
{
	put("clock", files[_i]);
	clock_s = 5;
	begin(true);
	ck_assert_int_le(clock_s, time(NULL));
	ck_assert_int_ge(clock_s, time(NULL) - 100);
}
END_TEST

START_TEST(may_not_or_cannot)
{
	clock_s = 5;
	begin(false);
	ck_assert_int_eq(clock_s, 5);
	ck_assert_int_eq(daytime_trouble(d)->code, ERR_CLOCK);
	ck_assert_ptr_nonnull(strstr(daytime_trouble(d)->text, "set-clock"));
	set_rc = -EPERM;
	begin(true);
	ck_assert_int_eq(clock_s, 5);
	ck_assert_ptr_nonnull(strstr(daytime_trouble(d)->text, "1970-01-01T00:00"));
	/* somebody else set it */
	clock_s = time(NULL);
	hear(time(NULL));
	ck_assert_int_eq(daytime_trouble(d)->code, ERR_NONE);
}
END_TEST

START_TEST(enrols_in_1970)
{
	static const struct daytime_system fake = { fake_now, fake_set };
	char ca[8192];
	char *path = in_dir("ca.crt");
	FILE *f = fopen(path, "r");
	struct err e = {0};

	ck_assert_ptr_nonnull(f);
	ca[fread(ca, 1, sizeof(ca) - 1, f)] = '\0';
	fclose(f);
	free(path);
	clock_s = 5;
	ck_assert_int_lt(daytime_after_ca(ca, false, &fake, &e), 0);
	ck_assert_int_eq(e.code, ERR_CLOCK);
	ck_assert_int_eq(daytime_after_ca(ca, true, &fake, &e), 0);
	ck_assert_int_ge(clock_s, time(NULL) - 62);
	ck_assert_int_le(clock_s, time(NULL));
	ck_assert_int_eq(daytime_after_ca(ca, true, &fake, &e), 0);
	ck_assert_uint_eq(sets, 1);
	ck_assert_int_eq(daytime_after_ca("no CA", true, &fake, &e), -EINVAL);
}
END_TEST

/* ---- with a server ------------------------------------------------------------ */

static struct loop *loop;

static bool never(struct kit_connection *c, const char *head, const char *body,
				  void *user)
{
	return false;
}

static void on_answer(void *user, const struct fetch_answer *a)
{
	ck_assert_int_eq(a->err.code, ERR_TLS);
	ck_assert_ptr_nonnull(a->chain);
	daytime_answered(d, a);
	loop_stop(loop);
}

/* The connection is refused as ever; what was shown is looked at. */
static void meet(const char *certificate)
{
	struct fetch_identity id = {
		.cert_file = in_dir("ce.crt"), .key_file = in_dir("ce.key"),
		.ca_file = in_dir("ca.crt"),
	};
	struct kit_server server = kit_serve(dir, certificate, "ca", "NORMAL",
										 never, NULL);
	struct fetch *f;
	char url[64];
	struct err e;

	loop = loop_new();
	f = fetch_new(loop, &id, &e);
	snprintf(url, sizeof(url), "https://127.0.0.1:%u", server.port);
	fetch_config(f, url, "", 0, on_answer, NULL);
	loop_run(loop);
	fetch_free(f);
	loop_free(loop);
	kit_stop(&server);
	free((char*)id.cert_file);
	free((char*)id.key_file);
	free((char*)id.ca_file);
}

/*
 * The last time known is from before the server's certificate was made: a clock
 * set to it does not make the certificate valid, but the CA's signature does
 * tell that it is later.
 */
START_TEST(a_certificate_proves_that_it_is_later)
{
	int64_t now = time(NULL);

	kit_certificate(dir, "ce", "ca");
	kit_certificate_at(dir, "server", "ca", 1800);
	clock_s = now - 30;
	begin(true);
	ck_assert_uint_eq(sets, 0);
	meet("server");
	ck_assert_uint_eq(sets, 1);
	ck_assert_int_ge(clock_s, now + 1800 - 62);
	ck_assert_int_le(clock_s, now + 1800 - 50);
	ck_assert_int_eq(get("clock"), clock_s);
	/* and no server can say otherwise */
	hear(now);
	ck_assert_int_eq(daytime_trouble(d)->code, ERR_CLOCK);
	ck_assert_uint_eq(sets, 1);
}
END_TEST

START_TEST(a_strangers_certificate_proves_nothing)
{
	kit_certificate(dir, "ce", "ca");
	kit_certificate(dir, "other", NULL);
	kit_certificate_at(dir, "server", "other", 1800);
	clock_s = time(NULL) - 30;
	begin(true);
	meet("server");
	ck_assert_uint_eq(sets, 0);
	ck_assert_int_eq(get("clock"), 0);
}
END_TEST

int main(void)
{
	TCase *tc = tcase_create("daytime");

	signal(SIGPIPE, SIG_IGN);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, begins_in_1970);
	tcase_add_test(tc, the_time_to_rely_on);
	tcase_add_test(tc, a_clock_that_may_be_right_is_left_alone);
	tcase_add_test(tc, a_server_is_not_believed_blindly);
	tcase_add_loop_test(tc, a_file_that_cannot_be_true, 0, COUNT(files));
	tcase_add_test(tc, may_not_or_cannot);
	tcase_add_test(tc, enrols_in_1970);
	tcase_add_test(tc, a_certificate_proves_that_it_is_later);
	tcase_add_test(tc, a_strangers_certificate_proves_nothing);
	return run_case(tc, "daytime");
}
