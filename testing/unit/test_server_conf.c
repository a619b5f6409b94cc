/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/* test_server_conf.c - server.conf: defaults, bounds, the sample, instance.conf */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "alloc.h"
#include "file.h"
#include "run.h"
#include "server/conf.h"

static char dir[64];

static void setup(void)
{
	snprintf(dir, sizeof(dir), "/tmp/test_conf.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
}

static void teardown(void)
{
	char *command = xasprintf("rm -r %s", dir);

	ck_assert_int_eq(system(command), 0);
	free(command);
}

static int read_text(struct server_conf *conf, const char *text, struct err *e)
{
	char *path = xasprintf("%s/server.conf", dir);
	int rc;

	ck_assert_int_eq(file_write(path, text, strlen(text), 0600, NULL), 0);
	server_conf_init(conf);
	rc = server_conf_read(conf, path, e);
	free(path);
	return rc;
}

/* "#key = value" of the sample is the default, and a key that is known */
START_TEST(sample_has_every_key_with_its_default)
{
	const char *srcdir = getenv("srcdir");
	char *path = xasprintf("%s/conf/server.conf", srcdir ? srcdir : ".");
	struct server_conf conf, defaults;
	struct err e = { 0 };
	char *text, *p;
	size_t len;

	server_conf_init(&conf);
	ck_assert_msg(server_conf_read(&conf, path, &e) == 0, "%s: %s", e.where,
				  e.text);
	server_conf_done(&conf);
	ck_assert_int_eq(file_read(path, 65536, &text, &len, &e), 0);
	for (p = text; (p = strchr(p, '#')); p++)
	{
		if (p > text && p[-1] == '\n' && p[1] >= 'a' && p[1] <= 'z')
		{
			*p = ' ';
		}
	}
	ck_assert_msg(read_text(&conf, text, &e) == 0, "%s: %s", e.where, e.text);
	server_conf_init(&defaults);
	ck_assert_str_eq(conf.state_dir, defaults.state_dir);
	ck_assert_str_eq(conf.listen, defaults.listen);
	ck_assert_str_eq(conf.enroll_listen, defaults.enroll_listen);
	ck_assert_str_eq(conf.admin_socket, defaults.admin_socket);
	ck_assert_str_eq(conf.admin_group, CONF_ADMIN_GROUP);
	ck_assert_str_eq(conf.metrics_listen, "127.0.0.1:9464");
	ck_assert_ptr_null(defaults.metrics_listen);
	ck_assert_str_eq(conf.domain, CONF_DOMAIN);
	ck_assert_uint_eq(conf.url_count, 1);
	ck_assert_uint_eq(conf.poll_interval, defaults.poll_interval);
	ck_assert_uint_eq(conf.long_poll_timeout, defaults.long_poll_timeout);
	ck_assert_uint_eq(conf.report_interval, defaults.report_interval);
	ck_assert_uint_eq(conf.confirm_timeout, 120);
	ck_assert_uint_eq(defaults.confirm_timeout, 120);
	ck_assert_uint_eq(conf.connection_limit, defaults.connection_limit);
	ck_assert_uint_eq(conf.per_ip_limit, defaults.per_ip_limit);
	ck_assert_ptr_nonnull(conf.alarm_webhook);
	ck_assert_ptr_null(defaults.alarm_webhook);
	ck_assert(!defaults.alarm_syslog && conf.alarm_syslog);
	ck_assert_uint_eq(conf.workers, defaults.workers);
	ck_assert_uint_eq(conf.request_timeout, defaults.request_timeout);
	ck_assert_int_eq(conf.log_level, defaults.log_level);
	ck_assert_ptr_nonnull(conf.log_tokens);
	server_conf_done(&conf);
	server_conf_done(&defaults);
	free(text);
	free(path);
}
END_TEST

static const struct
{
	const char *text, *where;	/* where NULL: good */
} texts[] = {
	{ "[server]\nurl = https://a.example, https://192.0.2.1:8443\n", NULL },
	{ "[server]\nlong-poll-timeout = 0\n", NULL },
	{ "[server]\nlong-poll-timeout = 51\n", "server.conf:2" },
	{ "[server]\npoll-interval = 4\n", "server.conf:2" },
	{ "[server]\npoll-interval = 5s\n", "server.conf:2" },
	{ "[server]\nworkers = 0\n", "server.conf:2" },
	{ "[server]\nworkers = -1\n", "server.conf:2" },
	{ "[server]\nworkers = 99999999999999999999\n", "server.conf:2" },
	{ "[server]\n\nstate-dir = var\n", "server.conf:3" },
	{ "[server]\nlisten = 8443\n", "server.conf:2" },
	{ "[server]\nurl = http://a.example\n", "server.conf:2" },
	{ "[server]\nurl = https://\n", "server.conf:2" },
	{ "[server]\nurl = https://a.example/x\n", "server.conf:2" },
	{ "[server]\nurl = https://u@a.example\n", "server.conf:2" },
	{ "[server]\nurl = https://a.example:0\n", "server.conf:2" },
	{ "[server]\nurl = https://a.example:08443\n", "server.conf:2" },
	{ "[server]\nurl = https://a.example:65536\n", "server.conf:2" },
	{ "[server]\nurl = https://A.example\n", "server.conf:2" },
	{ "[server]\nurl = ,\n", "server.conf:2" },
	{ "[server]\nenroll-url = ftp://a\n", "server.conf:2" },
	{ "[server]\ndomain = one\n", "server.conf:2" },
	{ "[server]\ndomain = a..b\n", "server.conf:2" },
	{ "[server]\nlog-level = loud\n", "server.conf:2" },
	{ "[server]\nadmin-group =\n", "server.conf:2" },
	{ "[server]\nnonsense = 1\n", "server.conf:2" },
	{ "[server]\nalarm-webhook = http://127.0.0.1:8080/x\n"
	  "alarm-syslog = yes\n", NULL },
	{ "[server]\nalarm-webhook = https://nms.sp.example/hook?t=1\n"
	  "alarm-webhook-secret-file = /etc/ppvpn/hook.secret\n", NULL },
	{ "[server]\nalarm-webhook = http://nms.sp.example/\n", "server.conf:2" },
	{ "[server]\nalarm-webhook = https://u:p@nms.sp.example/\n",
	  "server.conf:2" },
	{ "[server]\nalarm-webhook-secret-file = secret\n", "server.conf:2" },
	{ "[server]\nalarm-syslog = on\n", "server.conf:2" },
	{ "[other]\nlisten = 1.2.3.4:5\n", "server.conf:2" },
	{ "[server x]\nlisten = 1.2.3.4:5\n", "server.conf:2" },
	{ "[server]\nworkers = 1\nworkers = 2\n", "server.conf:3" },
};

START_TEST(checks_values)
{
	struct server_conf conf;
	struct err e = { 0 };
	int rc = read_text(&conf, texts[_i].text, &e);

	if (!texts[_i].where)
	{
		ck_assert_msg(rc == 0, "%s: %s", e.where, e.text);
	}
	else
	{
		ck_assert_msg(rc < 0, "%s", texts[_i].text);
		ck_assert_int_eq(e.code, ERR_CONFIG);
		/* an URL of a receiver is as good as a secret */
		ck_assert_ptr_null(strstr(e.text, "nms.sp.example"));
		ck_assert_msg(strstr(e.where, texts[_i].where) != NULL, "%s: %s",
					  e.where, texts[_i].text);
	}
	server_conf_done(&conf);
}
END_TEST

START_TEST(takes_nine_urls_for_too_many)
{
	struct server_conf conf;
	struct err e = { 0 };

	ck_assert_int_lt(read_text(&conf, "[server]\nurl = https://a,https://b,"
		"https://c,https://d,https://e,https://f,https://g,https://h,"
		"https://i\n", &e), 0);
	server_conf_done(&conf);
}
END_TEST

START_TEST(remembers_the_instance)
{
	struct server_conf conf, again;
	struct err e = { 0 };

	server_conf_init(&conf);
	ck_assert_int_eq(server_conf_set(&conf, "state-dir", dir, &e), 0);
	ck_assert_int_eq(server_conf_instance(&conf, &e), -ENOENT);
	ck_assert_ptr_nonnull(strstr(e.text, "ppvpn-server init"));
	server_conf_set(&conf, "url", "https://a.example:8443,https://b", &e);
	server_conf_set(&conf, "enroll-url", "https://a.example:8444", &e);
	server_conf_set(&conf, "domain", "vpn.example", &e);
	ck_assert_int_eq(server_conf_remember(&conf, &e), 0);

	server_conf_init(&again);
	server_conf_set(&again, "state-dir", dir, &e);
	server_conf_set(&again, "domain", "other.example", &e);
	ck_assert_msg(server_conf_instance(&again, &e) == 0, "%s: %s", e.where,
				  e.text);
	ck_assert_uint_eq(again.url_count, 2);
	ck_assert_str_eq(again.urls[1], "https://b");
	ck_assert_str_eq(again.enroll_url, "https://a.example:8444");
	ck_assert_str_eq(again.domain, "other.example");
	server_conf_done(&conf);
	server_conf_done(&again);
}
END_TEST

int main(void)
{
	TCase *tc = tcase_create("conf");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, sample_has_every_key_with_its_default);
	tcase_add_loop_test(tc, checks_values, 0, COUNT(texts));
	tcase_add_test(tc, takes_nine_urls_for_too_many);
	tcase_add_test(tc, remembers_the_instance);
	return run_case(tc, "server.conf");
}
