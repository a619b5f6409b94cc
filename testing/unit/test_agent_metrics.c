/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * test_agent_metrics.c - the router's series, for tunnels that are down, too
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/metrics.h"
#include "alloc.h"
#include "run.h"
#include "text.h"

static const struct metrics_tunnel tunnels[] = {
	{ .customer = "acme", .vpn = "corp", .peer = "lyon", .state = "up",
	  .last_error = "none", .up = true, .ospf_full = true, .route = true,
	  .in_bytes = 1500, .out_bytes = 1ull << 40, .ups = 3, .seconds = 77 },
	{ .customer = "acme", .vpn = "corp", .peer = "nice", .state = "alarm",
	  .last_error = "auth-failed", .failures = 9, .seconds = 5 },
};
static const struct metrics router = {
	.version = "0.1.0", .ce = "acme/paris-r1", .connected = true,
	.charon = true, .epoch = 3, .revision = 4711, .initiated = 12, .failed = 9,
	.unknown_peers = 10000, .unknown_asked = 2,
	.alarms = { [STATUS_MAJOR] = 1 }, .tunnels = tunnels, .tunnel_count = 2,
};
static struct text out;

static void setup(void)
{
	metrics_text(&out, &router);
}

static void teardown(void)
{
	text_done(&out);
}

static const char *const lines[] = {
	"ppvpn_agent_info{ce=\"acme/paris-r1\",version=\"0.1.0\"} 1",
	"ppvpn_agent_server_connected 1", "ppvpn_agent_charon_up 1",
	"ppvpn_agent_frr_up 0", "ppvpn_agent_document_revision 4711",
	"ppvpn_agent_negotiations_total 12",
	"ppvpn_agent_negotiations_failed_total 9",
	"ppvpn_agent_unknown_peer_requests_total 10000",
	"ppvpn_agent_unknown_peer_pulls_total 2",
	"ppvpn_agent_alarms{severity=\"major\"} 1",
	"ppvpn_agent_alarms{severity=\"critical\"} 0",
	"ppvpn_agent_tunnel_up{customer=\"acme\",vpn=\"corp\",peer=\"lyon\"} 1",
	"ppvpn_agent_tunnel_up{customer=\"acme\",vpn=\"corp\",peer=\"nice\"} 0",
	"ppvpn_agent_tunnel_failed_attempts{customer=\"acme\",vpn=\"corp\","
	"peer=\"nice\"} 9",
	"ppvpn_agent_tunnel_out_bytes{customer=\"acme\",vpn=\"corp\","
	"peer=\"lyon\"} 1099511627776",
	"ppvpn_agent_tunnel_info{customer=\"acme\",vpn=\"corp\",peer=\"nice\","
	"state=\"alarm\",error=\"auth-failed\"} 1",
};

START_TEST(has_line)
{
	char *want = xasprintf("\n%s\n", lines[_i]);

	ck_assert_msg(strstr(text_str(&out), want) != NULL, "no %s in\n%s",
				  lines[_i], text_str(&out));
	free(want);
}
END_TEST

/* Every series is announced once, before its samples, and each tunnel is in
 * every series of tunnels. */
START_TEST(well_formed)
{
	char name[64] = "", *rest = NULL;
	unsigned samples = 0;

	for (char *line = strtok_r(out.s, "\n", &rest); line;
		 line = strtok_r(NULL, "\n", &rest))
	{
		if (strncmp(line, "# TYPE ", 7) == 0)
		{
			ck_assert(strncmp(name, "ppvpn_agent_tunnel", 18) != 0 ||
					  samples == 2);
			snprintf(name, sizeof(name), "%.*s", (int)strcspn(line + 7, " "),
					 line + 7);
			samples = 0;
		}
		else if (line[0] != '#')
		{
			ck_assert_int_eq(strncmp(line, name, strlen(name)), 0);
			ck_assert(line[strlen(name)] == ' ' || line[strlen(name)] == '{');
			samples++;
		}
	}
}
END_TEST

int main(void)
{
	TCase *tc = tcase_create("agent_metrics");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, has_line, 0, COUNT(lines));
	tcase_add_test(tc, well_formed);
	return run_case(tc, "agent_metrics");
}
