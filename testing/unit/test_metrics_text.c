/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * test_metrics_text.c - the exposition format, with hostile text, and that what
 * the database would say is absent when it fails
 */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "run.h"
#include "server/metrics_text.h"

static struct text t;

static void setup(void)
{
	t = (struct text){ 0 };
}

static void teardown(void)
{
	text_done(&t);
}

static const struct
{
	const char *value, *written;
} values[] = {
	{ "", "" },
	{ "paris-1", "paris-1" },
	{ "a\"} 1\nevil 2", "a\\\"} 1\\nevil 2" },
	{ "\\", "\\\\" },
	{ "\\n", "\\\\n" },
	{ "\x1b[31m\r\t\x7f", "?[31m???" },
	{ "K\xc3\xb6ln", "K\xc3\xb6ln" },
	{ "\xe2\x82\xac", "\xe2\x82\xac" },
	/* cut short, overlong, a surrogate, beyond U+10FFFF, a lone tail */
	{ "x\xc3", "x?" },
	{ "\xc0\xaf", "??" },
	{ "\xed\xa0\x80", "???" },
	{ "\xf4\x90\x80\x80", "????" },
	{ "\xa9 y", "? y" },
	{ "\xe2\x82\" z", "??\\\" z" },
};

START_TEST(escapes_label_values)
{
	const struct metric_label labels[] = {
		{ "a", "1" }, { "b", values[_i].value }, { NULL, NULL }
	};
	char want[256];

	metric_sample(&t, "m", labels, "7");
	snprintf(want, sizeof(want), "m{a=\"1\",b=\"%s\"} 7\n", values[_i].written);
	ck_assert_str_eq(text_str(&t), want);
}
END_TEST

START_TEST(writes_a_family)
{
	const struct metric_label none[] = { { NULL, NULL } };

	metric_family(&t, "m_total", "counter", "back\\slash,\nline.");
	metric_sample(&t, "m_total", NULL, "1");
	metric_sample(&t, "m_total", none, "2");
	ck_assert_str_eq(text_str(&t),
					 "# HELP m_total back\\\\slash,\\nline.\n"
					 "# TYPE m_total counter\nm_total 1\nm_total 2\n");
}
END_TEST

/* ---- a whole page ----------------------------------------------------------- */

static struct store_metrics_site sites[] = {
	{ (char *)"acme", (char *)"corp", (char *)"lyon", (char *)"lyon-r1",
	  true, 2, 1 },
	{ (char *)"acme", (char *)"corp", (char *)"paris", (char *)"paris-r1",
	  true, 2, 1 },
	{ (char *)"ac\"me", (char *)"corp", (char *)"x\ny", (char *)"r",
	  false, 0, 0 },
};

static struct store_metrics_ce ces[] = {
	{ 1, (char *)"acme", (char *)"lyon-r1", true, 1800000000123,
	  (char *)"rejected", 3, { 0, 2, 0, 1 } },
	{ 2, (char *)"acme", (char *)"paris-r1", false, -1, (char *)"", 0,
	  { 0 } },
};

static struct store_tunnel recent[] = {
	{ .end = {
		{ .reported = true, .notify_ms = 50,
		  .status = { .has_service = true,
					  .service = { 3, 5, { 10, 20, 300, 4000, 5 } } } },
		{ .notify_ms = -1 },
	} },
};

static void render(bool database)
{
	struct store_metrics d = {
		.epoch = 1, .revision = 42, .sites = sites, .site_count = COUNT(sites),
		.ces = ces, .ce_count = COUNT(ces), .down_count = 1,
		.down_omitted = 7, .recent = recent, .recent_count = COUNT(recent),
		.open_notifications = 2, .oldest_open_ms = 1800000000000,
		.alarms = { 0, 2, 0, 1 },
	};
	struct metrics m = {
		.version = "0.1", .now_ms = 1800000001500, .started_ms = 1799999999001,
		.report_interval_s = 300, .server_expires_s = 1900000000,
		.ca_expires_s = 2000000000, .listener_count = 1, .look_ms = 7,
		.database = database ? &d : NULL,
	};

	d.down = calloc(1, sizeof(*d.down));
	d.down[0].site = 0;
	d.down[0].peer = 1;
	m.listeners[0].name = "ce";
	m.listeners[0].stats = (struct http_stats){
		.parked = 3, .connections = 4, .connection_limit = 16,
		.answers = { 0, 10, 20, 30, 40 },
	};
	m.ways[0].name = "webhook";
	m.ways[0].delivered = 8;
	m.ways[0].failed = 9;
	m.way_count = 1;
	m.counters[COUNTER_COMMITS] = 5;
	m.counters[COUNTER_ENROL_REFUSED] = 6;
	metrics_render(&m, &t);
	free(d.down);
}

static const char *const always[] = {
	"ppvpn_build_info{version=\"0.1\"} 1",
	"process_start_time_seconds 1799999999.001",
	"ppvpn_report_interval_seconds 300",
	"ppvpn_certificate_expiry_timestamp_seconds{certificate=\"server\"} "
		"1900000000",
	"ppvpn_http_parked_requests{listener=\"ce\"} 3",
	"ppvpn_http_connections{listener=\"ce\"} 4",
	"ppvpn_http_connections_limit{listener=\"ce\"} 16",
	"ppvpn_http_requests_total{listener=\"ce\",code=\"2xx\"} 10",
	"ppvpn_http_requests_total{listener=\"ce\",code=\"5xx\"} 40",
	"ppvpn_commits_total 5",
	"ppvpn_documents_built_total 0",
	"ppvpn_enrolments_total{outcome=\"refused\"} 6",
	"ppvpn_alarm_deliveries_total{way=\"webhook\",outcome=\"delivered\"} 8",
	"ppvpn_alarm_deliveries_total{way=\"webhook\",outcome=\"failed\"} 9",
	"ppvpn_alarm_deliveries_total{way=\"webhook\",outcome=\"dropped\"} 0",
};

static const char *const of_database[] = {
	"ppvpn_up{component=\"database\"} 1",
	"ppvpn_database_scrape_duration_seconds 0.007",
	"ppvpn_epoch 1",
	"ppvpn_revision 42",
	"ppvpn_notifications_open 2",
	"ppvpn_notification_lag_seconds 1.500",
	"ppvpn_ce_enrolled{customer=\"acme\",ce=\"lyon-r1\"} 1",
	"ppvpn_ce_enrolled{customer=\"acme\",ce=\"paris-r1\"} 0",
	"ppvpn_ce_revision_lag{customer=\"acme\",ce=\"lyon-r1\"} 3",
	"ppvpn_ce_last_report_timestamp_seconds{customer=\"acme\",ce=\"lyon-r1\"} "
		"1800000000.123",
	"ppvpn_ce_result{customer=\"acme\",ce=\"lyon-r1\",result=\"rejected\"} 1",
	"ppvpn_ce_alarms{customer=\"acme\",ce=\"lyon-r1\",severity=\"minor\"} 2",
	"ppvpn_alarms{severity=\"critical\"} 1",
	"ppvpn_alarms{severity=\"major\"} 0",
	"ppvpn_site_info{customer=\"acme\",vpn=\"corp\",site=\"lyon\","
		"ce=\"lyon-r1\"} 1",
	"ppvpn_site_active{customer=\"ac\\\"me\",vpn=\"corp\",site=\"x\\ny\"} 0",
	"ppvpn_site_tunnels{customer=\"acme\",vpn=\"corp\",site=\"paris\"} 2",
	"ppvpn_site_tunnels_up{customer=\"acme\",vpn=\"corp\",site=\"paris\"} 1",
	"ppvpn_tunnel_down{customer=\"acme\",vpn=\"corp\",site=\"lyon\","
		"peer=\"paris\"} 1",
	"ppvpn_tunnels_down_omitted 7",
	"ppvpn_time_to_service_seconds{phase=\"total\",rank=\"worst\"} 4.385",
	"ppvpn_time_to_service_ends{phase=\"ike\"} 1",
};

static bool has_line(const char *line)
{
	const char *p = text_str(&t);
	size_t len = strlen(line);

	for (; p; p = strchr(p, '\n'))
	{
		p += *p == '\n';
		if (strncmp(p, line, len) == 0 && p[len] == '\n')
		{
			return true;
		}
	}
	return false;
}

START_TEST(tells_all)
{
	size_t i;

	render(true);
	for (i = 0; i < COUNT(always); i++)
	{
		ck_assert_msg(has_line(always[i]), "%s not in\n%s", always[i], t.s);
	}
	for (i = 0; i < COUNT(of_database); i++)
	{
		ck_assert_msg(has_line(of_database[i]), "%s not in\n%s",
					  of_database[i], t.s);
	}
	/* before its first report nothing is said for a CE */
	ck_assert_ptr_null(strstr(t.s, "ppvpn_ce_revision_lag{customer=\"acme\","
							  "ce=\"paris-r1\"}"));
	ck_assert_ptr_null(strstr(t.s, "result=\"\""));
}
END_TEST

START_TEST(leaves_out_what_is_not_known)
{
	char name[128];
	size_t i;

	render(false);
	for (i = 0; i < COUNT(always); i++)
	{
		ck_assert_msg(has_line(always[i]), "%s not in\n%s", always[i], t.s);
	}
	ck_assert(has_line("ppvpn_up{component=\"database\"} 0"));
	for (i = 1; i < COUNT(of_database); i++)
	{
		snprintf(name, sizeof(name), "%.*s",
				 (int)strcspn(of_database[i], "{ "), of_database[i]);
		ck_assert_msg(!strstr(t.s, name), "%s is told", name);
	}
}
END_TEST

/* each family once, with its two lines, and its samples together */
START_TEST(is_in_order)
{
	char family[128] = "", seen[128][128];
	size_t count = 0, i;
	char *line, *save = NULL;

	render(true);
	for (line = strtok_r(t.s, "\n", &save); line;
		 line = strtok_r(NULL, "\n", &save))
	{
		if (strncmp(line, "# HELP ", 7) == 0)
		{
			snprintf(family, sizeof(family), "%.*s",
					 (int)strcspn(line + 7, " "), line + 7);
			for (i = 0; i < count; i++)
			{
				ck_assert_str_ne(seen[i], family);
			}
			ck_assert_uint_lt(count, COUNT(seen));
			memcpy(seen[count++], family, sizeof(family));
		}
		else
		{
			line += strncmp(line, "# TYPE ", 7) == 0 ? 7 : 0;
			ck_assert_uint_eq(strcspn(line, "{ "), strlen(family));
			ck_assert_int_eq(strncmp(line, family, strlen(family)), 0);
		}
	}
	ck_assert_uint_gt(count, 20);
}
END_TEST

int main(void)
{
	TCase *tc = tcase_create("metrics");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, escapes_label_values, 0, COUNT(values));
	tcase_add_test(tc, writes_a_family);
	tcase_add_test(tc, tells_all);
	tcase_add_test(tc, leaves_out_what_is_not_known);
	tcase_add_test(tc, is_in_order);
	return run_case(tc, "metrics_text");
}
