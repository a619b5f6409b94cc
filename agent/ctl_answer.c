/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * ctl_answer.c - the agent's answers, as ppvpnctl reads them
 *
 * Pure.
 */
#include "config.h"

#include <errno.h>
#include <string.h>

#include "alloc.h"
#include "ctl_answer.h"
#include "json_in.h"

#define ITEMS_MAX 100000
#define LINES_MAX 1000000

/* 10,000 peers with room to spare; the text is the agent's own */
static const struct json_limits limits = {
	.bytes = 32u << 20, .depth = 6, .values = 2000000, .members = 32,
	.string = 4096, .containers = 100000,
};

#define TEXT(type, json, member) \
	{ .name = json, .kind = JSON_TEXT, .required = true, .max = 1024, \
	  .offset = offsetof(struct type, member) }
#define NUMBER(type, json, member) \
	{ .name = json, .kind = JSON_U64, .required = true, .max = 1ull << 53, \
	  .offset = offsetof(struct type, member) }
#define FLAG(type, json, member) \
	{ .name = json, .kind = JSON_BOOL, .required = true, \
	  .offset = offsetof(struct type, member) }
#define LIST(type, json, member, counter, read, elem) \
	{ .name = json, .kind = JSON_ARRAY, .required = true, .max = ITEMS_MAX, \
	  .fn = read, .elem_size = sizeof(struct elem), \
	  .offset = offsetof(struct type, member), \
	  .count_offset = offsetof(struct type, counter) }
#define END { .name = NULL }

/* A reader of an object by its rows. */
#define READER(function, table) \
	static int function(struct json_in *in, struct json_object *value, \
						const struct json_path *path, void *out) \
	{ \
		return json_read_object(in, value, path, table, out); \
	}

static const struct json_row error_rows[] = {
	TEXT(ctl_error, "code", code), TEXT(ctl_error, "where", where),
	TEXT(ctl_error, "text", text), END
};
READER(read_error, error_rows)

static const struct json_row vpn_rows[] = {
	TEXT(ctl_vpn, "customer", customer), TEXT(ctl_vpn, "vpn", vpn),
	TEXT(ctl_vpn, "site", site), TEXT(ctl_vpn, "vrf", vrf),
	NUMBER(ctl_vpn, "peers", peers), NUMBER(ctl_vpn, "up", up),
	TEXT(ctl_vpn, "certificate", certificate),
	NUMBER(ctl_vpn, "certificate-ends", certificate_ends), END
};
READER(read_vpn, vpn_rows)

static const struct json_row status_rows[] = {
	TEXT(ctl_status, "ce", ce), TEXT(ctl_status, "server", server),
	TEXT(ctl_status, "state", state), TEXT(ctl_status, "result", result),
	FLAG(ctl_status, "connected", connected),
	FLAG(ctl_status, "confirmed", confirmed),
	FLAG(ctl_status, "charon", charon), FLAG(ctl_status, "frr", frr),
	FLAG(ctl_status, "converged", converged),
	TEXT(ctl_status, "firewall", firewall),
	NUMBER(ctl_status, "firewall-refused", firewall_refused),
	NUMBER(ctl_status, "epoch", epoch),
	NUMBER(ctl_status, "enrolled", enrolled),
	NUMBER(ctl_status, "certificate-ends", certificate_ends),
	TEXT(ctl_status, "ike-key", ike_key),
	NUMBER(ctl_status, "revision", revision),
	NUMBER(ctl_status, "since", since), NUMBER(ctl_status, "alarms", alarms),
	LIST(ctl_status, "vpns", vpns, vpn_count, read_vpn, ctl_vpn),
	LIST(ctl_status, "errors", errors, error_count, read_error, ctl_error), END
};
READER(read_status, status_rows)

static const struct json_row peer_rows[] = {
	TEXT(ctl_peer, "customer", customer), TEXT(ctl_peer, "vpn", vpn),
	TEXT(ctl_peer, "peer", peer), TEXT(ctl_peer, "link", link),
	TEXT(ctl_peer, "remote-address", remote), TEXT(ctl_peer, "state", state),
	TEXT(ctl_peer, "ike", ike), TEXT(ctl_peer, "child", child),
	TEXT(ctl_peer, "authentication", authentication),
	TEXT(ctl_peer, "proposal", proposal), TEXT(ctl_peer, "ospf", ospf),
	TEXT(ctl_peer, "last-error", last_error), FLAG(ctl_peer, "route", route),
	NUMBER(ctl_peer, "since", since), NUMBER(ctl_peer, "in-bytes", in_bytes),
	NUMBER(ctl_peer, "out-bytes", out_bytes),
	NUMBER(ctl_peer, "attempts", attempts),
	NUMBER(ctl_peer, "next-retry", next_retry), END
};
READER(read_peer, peer_rows)

static const struct json_row peers_rows[] = {
	LIST(ctl_peers, "peers", items, count, read_peer, ctl_peer), END
};
READER(read_peers, peers_rows)

static const struct json_row step_rows[] = {
	TEXT(ctl_step, "op", op), TEXT(ctl_step, "kind", kind),
	TEXT(ctl_step, "key", key), TEXT(ctl_step, "reason", reason), END
};
READER(read_step, step_rows)

static const struct json_row plan_rows[] = {
	LIST(ctl_plan, "steps", steps, step_count, read_step, ctl_step),
	LIST(ctl_plan, "errors", errors, error_count, read_error, ctl_error),
	LIST(ctl_plan, "not-possible", not_possible, not_possible_count,
		 read_error, ctl_error), END
};
READER(read_plan, plan_rows)

static const struct json_row alarm_rows[] = {
	TEXT(ctl_alarm, "code", code), TEXT(ctl_alarm, "resource", resource),
	TEXT(ctl_alarm, "severity", severity), TEXT(ctl_alarm, "text", text),
	NUMBER(ctl_alarm, "count", count), NUMBER(ctl_alarm, "age", age), END
};
READER(read_alarm, alarm_rows)

static const struct json_row alarms_rows[] = {
	LIST(ctl_alarms, "alarms", items, count, read_alarm, ctl_alarm), END
};
READER(read_alarms, alarms_rows)

static const struct json_row event_rows[] = {
	TEXT(ctl_event, "event", event), TEXT(ctl_event, "time", time),
	TEXT(ctl_event, "level", level), TEXT(ctl_event, "where", where),
	TEXT(ctl_event, "cause", cause), TEXT(ctl_event, "text", text), END
};
READER(read_event, event_rows)

static int read_line(struct json_in *in, struct json_object *value,
					 const struct json_path *path, void *out)
{
	static const struct json_row row = { .kind = JSON_TEXT, .max = 1024 };

	return json_read_value(in, value, path, &row, out);
}

static const struct json_row metrics_rows[] = {
	{ .name = "lines", .kind = JSON_ARRAY, .required = true, .max = LINES_MAX,
	  .fn = read_line, .elem_size = sizeof(char*),
	  .offset = offsetof(struct ctl_metrics, lines),
	  .count_offset = offsetof(struct ctl_metrics, count) }, END
};
READER(read_metrics, metrics_rows)

static const struct json_row failure_rows[] = {
	{ .name = "error", .kind = JSON_OBJECT, .required = true, .fn = read_error },
	END
};
READER(read_failure, failure_rows)

int ctl_answer_error(const char *buf, size_t len, struct err *e)
{
	static const char start[] = "{\"error\":";
	struct ctl_error error = {0};
	struct arena *a;
	enum err_code code = ERR_INTERNAL;
	int rc;

	if (len < strlen(start) || strncmp(buf, start, strlen(start)) != 0)
	{
		return 0;
	}
	a = arena_new();
	rc = json_read_text(a, buf, len, &limits, read_failure, &error, NULL, e);
	if (rc == 0)
	{
		err_code_parse(error.code, &code);
		rc = err_set(e, -EIO, code, error.where, "%s", error.text);
	}
	arena_free(a);
	return rc;
}

#define READ(type, read) \
	int type##_read(struct arena *a, const char *buf, size_t len, \
					struct type *out, struct err *e) \
	{ \
		memset(out, 0, sizeof(*out)); \
		return json_read_text(a, buf, len, &limits, read, out, NULL, e); \
	}

READ(ctl_status, read_status)
READ(ctl_peers, read_peers)
READ(ctl_plan, read_plan)
READ(ctl_alarms, read_alarms)
READ(ctl_event, read_event)
READ(ctl_metrics, read_metrics)
