/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * status_json.c - "ce-status/1": C types to JSON and back
 *
 * Pure. The encoder writes only what the decoder takes: what the agent got from
 * charon or FRR is cut and cleaned, numbers are bounded.
 */
#include "config.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "alloc.h"
#include "json_in.h"
#include "json_out.h"
#include "schema.h"
#include "status.h"

#define ROW(row_name, row_kind, type, member) .name = (row_name), \
	.kind = (row_kind), .required = true, .offset = offsetof(type, member)
#define RANGE(low, high) .min = (low), .max = (high)
#define ELEMENTS(type, count_member, element) \
	.count_offset = offsetof(type, count_member), .elem_size = sizeof(element)

/* what every JSON reader can hold: 2^53 - 1 */
#define NUMBER_MAX 9007199254740991u
/* bytes of texts */
#define STATE_MAX 32
#define PROPOSAL_MAX 255
#define WHERE_MAX 127
#define TEXT_MAX 255
#define RESOURCE_MAX 255
#define VERSION_MAX 63

static const char *const results[] = {
	"applied", "partial", "rejected", "pending", NULL
};
static const char *const severities[] = {
	"warning", "minor", "major", "critical", "cleared", NULL
};
static const char *const phases[STATUS_PHASE_COUNT] = {
	"fetch-ms", "apply-ms", "ike-ms", "ospf-ms", "route-ms"
};

/* Reading ----------------------------------------------------------------- */

static int read_schema(struct json_in *in, struct json_object *value,
					   const struct json_path *path, void *out)
{
	const struct json_row row = { .kind = JSON_ENUM, .names = schema_status };
	int ignored;

	return json_read_value(in, value, path, &row, &ignored);
}

static int read_error(struct json_in *in, struct json_object *value,
					  const struct json_path *path, void *out)
{
	static const struct json_row rows[] = {
		{ ROW("code", JSON_TOKEN, struct status_error, code), RANGE(1, 63) },
		{ ROW("where", JSON_TEXT, struct status_error, where),
		  RANGE(0, WHERE_MAX) },
		{ ROW("text", JSON_TEXT, struct status_error, text),
		  RANGE(0, TEXT_MAX) },
		{ .name = NULL }
	};

	return json_read_object(in, value, path, rows, out);
}

/* a service with which of its phases were there */
struct service_in {
	struct status_service service;
	bool there[STATUS_PHASE_COUNT];
};

#define PHASE(row_name, phase) { .name = (row_name), .kind = JSON_U32, \
	.offset = offsetof(struct service_in, service.ms[phase]), \
	RANGE(0, UINT32_MAX), \
	.present_offset = offsetof(struct service_in, there[phase]) }

static int read_service(struct json_in *in, struct json_object *value,
						const struct json_path *path, void *out)
{
	static const struct json_row rows[] = {
		{ ROW("revision", JSON_U64, struct service_in, service.revision),
		  RANGE(0, NUMBER_MAX) },
		PHASE("fetch-ms", STATUS_PHASE_FETCH),
		PHASE("apply-ms", STATUS_PHASE_APPLY),
		PHASE("ike-ms", STATUS_PHASE_IKE),
		PHASE("ospf-ms", STATUS_PHASE_OSPF),
		PHASE("route-ms", STATUS_PHASE_ROUTE),
		{ .name = NULL }
	};
	struct service_in read = { 0 };
	struct json_path member = { .up = path };
	char where[128];
	unsigned i, done = 0;
	int rc = json_read_object(in, value, path, rows, &read);

	for (i = 0; !rc && i < STATUS_PHASE_COUNT; i++)
	{
		if (read.there[i] && i != done)
		{
			member.member = phases[done];
			json_path_str(&member, where);
			return err_set(in->err, -EINVAL, ERR_JSON_MEMBER, where,
						   "member is missing, a later phase is there");
		}
		done += read.there[i];
	}
	read.service.done = done;
	*(struct status_service *)out = read.service;
	return rc;
}

static int read_peer(struct json_in *in, struct json_object *value,
					 const struct json_path *path, void *out)
{
	static const struct json_row rows[] = {
		{ ROW("customer", JSON_LABEL, struct status_peer, customer) },
		{ ROW("vpn", JSON_LABEL, struct status_peer, vpn) },
		{ ROW("peer", JSON_LABEL, struct status_peer, peer) },
		{ ROW("state", JSON_TOKEN, struct status_peer, state),
		  RANGE(1, STATE_MAX) },
		{ ROW("ike", JSON_TEXT, struct status_peer, ike), RANGE(0, STATE_MAX) },
		{ ROW("child", JSON_TEXT, struct status_peer, child),
		  RANGE(0, STATE_MAX) },
		{ ROW("proposal", JSON_TEXT, struct status_peer, proposal),
		  RANGE(0, PROPOSAL_MAX) },
		{ ROW("ospf", JSON_TEXT, struct status_peer, ospf),
		  RANGE(0, STATE_MAX) },
		{ ROW("route", JSON_BOOL, struct status_peer, route) },
		{ ROW("since", JSON_U64, struct status_peer, since),
		  RANGE(0, NUMBER_MAX) },
		{ ROW("attempts", JSON_U64, struct status_peer, attempts),
		  RANGE(0, NUMBER_MAX) },
		{ ROW("in-bytes", JSON_U64, struct status_peer, in_bytes),
		  RANGE(0, NUMBER_MAX) },
		{ ROW("out-bytes", JSON_U64, struct status_peer, out_bytes),
		  RANGE(0, NUMBER_MAX) },
		{ ROW("last-error", JSON_TOKEN, struct status_peer, last_error),
		  RANGE(1, 63) },
		{ .name = "service", .kind = JSON_OBJECT, .fn = read_service,
		  .offset = offsetof(struct status_peer, service),
		  .present_offset = offsetof(struct status_peer, has_service) },
		{ .name = NULL }
	};

	return json_read_object(in, value, path, rows, out);
}

static int read_alarm(struct json_in *in, struct json_object *value,
					  const struct json_path *path, void *out)
{
	static const struct json_row rows[] = {
		{ ROW("code", JSON_TOKEN, struct status_alarm, code), RANGE(1, 63) },
		{ ROW("resource", JSON_TEXT, struct status_alarm, resource),
		  RANGE(1, RESOURCE_MAX) },
		{ ROW("severity", JSON_ENUM, struct status_alarm, severity),
		  .names = severities },
		{ ROW("count", JSON_U64, struct status_alarm, count),
		  RANGE(0, NUMBER_MAX) },
		{ ROW("age", JSON_U64, struct status_alarm, age),
		  RANGE(0, NUMBER_MAX) },
		{ ROW("text", JSON_TEXT, struct status_alarm, text),
		  RANGE(0, TEXT_MAX) },
		{ .name = NULL }
	};

	return json_read_object(in, value, path, rows, out);
}

static int read_address(struct json_in *in, struct json_object *value,
						const struct json_path *path, void *out)
{
	static const struct json_row rows[] = {
		{ ROW("missing", JSON_ADDR4, struct status_address, missing) },
		{ .name = "present", .kind = JSON_ADDR4,
		  .offset = offsetof(struct status_address, present) },
		{ .name = NULL }
	};

	return json_read_object(in, value, path, rows, out);
}

static int read_report(struct json_in *in, struct json_object *value,
					   const struct json_path *path, void *out)
{
	static const struct json_row rows[] = {
		{ .name = "schema", .kind = JSON_OBJECT, .required = true,
		  .fn = read_schema },
		{ ROW("ce", JSON_PLACE2, struct status_report, ce) },
		{ ROW("boot-id", JSON_HEX, struct status_report, boot_id), .max = 32 },
		{ ROW("seq", JSON_U64, struct status_report, seq),
		  RANGE(0, NUMBER_MAX) },
		{ ROW("agent-version", JSON_TEXT, struct status_report, agent_version),
		  RANGE(1, VERSION_MAX) },
		{ ROW("uptime", JSON_U64, struct status_report, uptime),
		  RANGE(0, NUMBER_MAX) },
		{ ROW("epoch", JSON_U64, struct status_report, epoch),
		  RANGE(0, NUMBER_MAX) },
		{ ROW("revision", JSON_U64, struct status_report, revision),
		  RANGE(0, NUMBER_MAX) },
		{ ROW("result", JSON_ENUM, struct status_report, result),
		  .names = results },
		{ .name = "on-trial", .kind = JSON_BOOL,
		  .offset = offsetof(struct status_report, on_trial) },
		{ .name = "address", .kind = JSON_OBJECT, .fn = read_address,
		  .offset = offsetof(struct status_report, address),
		  .present_offset = offsetof(struct status_report, has_address) },
		{ ROW("errors", JSON_ARRAY, struct status_report, errors),
		  RANGE(0, STATUS_ERRORS_MAX), .fn = read_error,
		  ELEMENTS(struct status_report, error_count, struct status_error) },
		{ ROW("peers", JSON_ARRAY, struct status_report, peers),
		  RANGE(0, STATUS_PEERS_MAX), .fn = read_peer,
		  ELEMENTS(struct status_report, peer_count, struct status_peer) },
		{ ROW("alarms", JSON_ARRAY, struct status_report, alarms),
		  RANGE(0, STATUS_ALARMS_MAX), .fn = read_alarm,
		  ELEMENTS(struct status_report, alarm_count, struct status_alarm) },
		{ .name = NULL }
	};

	return json_read_object(in, value, path, rows, out);
}

int status_decode(struct arena *arena, const char *buf, size_t len,
				  struct status_report **out, struct err *e)
{
	struct status_report *report = arena_calloc(arena, 1, sizeof(*report));
	int rc = json_read_text(arena, buf, len, &json_limits_document,
							read_report, report, NULL, e);

	*out = rc ? NULL : report;
	return rc;
}

/* Writing ----------------------------------------------------------------- */

/* at most max bytes of printable ASCII; min 1: "?" for nothing */
static void put_text(struct json_out *o, const char *key, const char *s,
					 size_t min, size_t max)
{
	char buf[256];
	char *p;

	snprintf(buf, max + 1 < sizeof(buf) ? max + 1 : sizeof(buf), "%s",
			 s && *s ? s : min ? "?" : "");
	for (p = buf; *p; p++)
	{
		if (*p < 0x20 || *p > 0x7e)
		{
			*p = '?';
		}
	}
	jo_str(o, key, buf);
}

static void put_number(struct json_out *o, const char *key, uint64_t value)
{
	jo_u64(o, key, value < NUMBER_MAX ? value : NUMBER_MAX);
}

static void encode_address(struct json_out *o, const struct status_address *a)
{
	char buf[ADDR_TEXT_MAX];

	jo_object(o, "address");
	jo_str(o, "missing", addr_str(&a->missing, buf));
	if (a->present.family)
	{
		jo_str(o, "present", addr_str(&a->present, buf));
	}
	jo_object_end(o);
}

static void encode_errors(struct json_out *o, const struct status_report *r)
{
	size_t i;

	jo_array(o, "errors");
	for (i = 0; i < r->error_count && i < STATUS_ERRORS_MAX; i++)
	{
		jo_object(o, NULL);
		jo_str(o, "code", r->errors[i].code);
		put_text(o, "where", r->errors[i].where, 0, WHERE_MAX);
		put_text(o, "text", r->errors[i].text, 0, TEXT_MAX);
		jo_object_end(o);
	}
	jo_array_end(o);
}

static void encode_service(struct json_out *o, const struct status_service *s)
{
	unsigned i;

	jo_object(o, "service");
	put_number(o, "revision", s->revision);
	for (i = 0; i < s->done && i < STATUS_PHASE_COUNT; i++)
	{
		jo_u64(o, phases[i], s->ms[i]);
	}
	jo_object_end(o);
}

static void encode_peer(struct json_out *o, const struct status_peer *p)
{
	jo_object(o, NULL);
	jo_str(o, "customer", p->customer);
	jo_str(o, "vpn", p->vpn);
	jo_str(o, "peer", p->peer);
	jo_str(o, "state", p->state);
	put_text(o, "ike", p->ike, 0, STATE_MAX);
	put_text(o, "child", p->child, 0, STATE_MAX);
	put_text(o, "proposal", p->proposal, 0, PROPOSAL_MAX);
	put_text(o, "ospf", p->ospf, 0, STATE_MAX);
	jo_bool(o, "route", p->route);
	put_number(o, "since", p->since);
	put_number(o, "attempts", p->attempts);
	put_number(o, "in-bytes", p->in_bytes);
	put_number(o, "out-bytes", p->out_bytes);
	jo_str(o, "last-error", p->last_error);
	if (p->has_service)
	{
		encode_service(o, &p->service);
	}
	jo_object_end(o);
}

static void encode_alarms(struct json_out *o, const struct status_report *r)
{
	size_t i;

	jo_array(o, "alarms");
	for (i = 0; i < r->alarm_count && i < STATUS_ALARMS_MAX; i++)
	{
		const struct status_alarm *alarm = &r->alarms[i];

		jo_object(o, NULL);
		jo_str(o, "code", alarm->code);
		put_text(o, "resource", alarm->resource, 1, RESOURCE_MAX);
		jo_str(o, "severity", severities[alarm->severity]);
		put_number(o, "count", alarm->count);
		put_number(o, "age", alarm->age);
		put_text(o, "text", alarm->text, 0, TEXT_MAX);
		jo_object_end(o);
	}
	jo_array_end(o);
}

struct text status_encode(const struct status_report *r)
{
	struct json_out o = { 0 };
	size_t i;

	jo_object(&o, NULL);
	jo_str(&o, "schema", STATUS_SCHEMA);
	jo_str(&o, "ce", r->ce);
	jo_str(&o, "boot-id", r->boot_id);
	put_number(&o, "seq", r->seq);
	put_text(&o, "agent-version", r->agent_version, 1, VERSION_MAX);
	put_number(&o, "uptime", r->uptime);
	put_number(&o, "epoch", r->epoch);
	put_number(&o, "revision", r->revision);
	jo_str(&o, "result", results[r->result]);
	if (r->on_trial)
	{
		jo_bool(&o, "on-trial", true);
	}
	if (r->has_address)
	{
		encode_address(&o, &r->address);
	}
	encode_errors(&o, r);
	jo_array(&o, "peers");
	for (i = 0; i < r->peer_count && i < STATUS_PEERS_MAX; i++)
	{
		encode_peer(&o, &r->peers[i]);
	}
	jo_array_end(&o);
	encode_alarms(&o, r);
	jo_object_end(&o);
	return jo_take(&o);
}
