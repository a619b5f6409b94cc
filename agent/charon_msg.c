/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * charon_msg.c - frames of the plugin's socket
 *
 * Pure.
 */
#include "config.h"

#include "charon_msg.h"

#include <string.h>

#include "json_in.h"

#define NUMBER_MAX ((uint64_t)1 << 53)
#define TEXT_MAX 512
#define CONNS_MAX 200000
#define CREDENTIALS_MAX 8192
#define CAPABILITIES_MAX 16

static const struct json_limits limits = {
	.bytes = 16777216,
	.depth = 4,
	.values = 5 * CONNS_MAX,
	.members = 32,
	.string = TEXT_MAX,
	.containers = CONNS_MAX + 16,
};

#define TEXT_ROW(json, type, field) { \
	.name = json, .kind = JSON_TEXT, .offset = offsetof(type, field), \
	.max = TEXT_MAX }
#define U64_ROW(json, type, field) { \
	.name = json, .kind = JSON_U64, .offset = offsetof(type, field), \
	.max = NUMBER_MAX }
#define BOOL_ROW(json, type, field) { \
	.name = json, .kind = JSON_BOOL, .offset = offsetof(type, field) }

static int read_conn(struct json_in *in, struct json_object *value,
					 const struct json_path *path, void *out)
{
	static const struct json_row rows[] = {
		{ .name = "name", .kind = JSON_TEXT, .required = true, .min = 1,
		  .max = 255, .offset = offsetof(struct charon_conn, name) },
		{ .name = "tag", .kind = JSON_HEX, .required = true, .max = 64,
		  .offset = offsetof(struct charon_conn, tag) },
		{ .name = NULL },
	};

	return json_read_object(in, value, path, rows, out);
}

static int read_capability(struct json_in *in, struct json_object *value,
						   const struct json_path *path, void *out)
{
	static const struct json_row row = {
		.kind = JSON_TOKEN, .min = 1, .max = 64,
	};

	return json_read_value(in, value, path, &row, out);
}

static int read_sa(struct json_in *in, struct json_object *value,
				   const struct json_path *path, void *out)
{
	static const struct json_row rows[] = {
		{ .name = "ike-id", .kind = JSON_U64, .required = true,
		  .max = UINT32_MAX, .offset = offsetof(struct charon_sa, ike_id) },
		{ .name = "name", .kind = JSON_TEXT, .required = true, .min = 1,
		  .max = 255, .offset = offsetof(struct charon_sa, name) },
		{ .name = "authentication", .kind = JSON_TOKEN, .required = true,
		  .min = 1, .max = 64,
		  .offset = offsetof(struct charon_sa, authentication) },
		{ .name = NULL },
	};

	return json_read_object(in, value, path, rows, out);
}

static int read_error(struct json_in *in, struct json_object *value,
					  const struct json_path *path, void *out)
{
	static const struct json_row rows[] = {
		{ .name = "code", .kind = JSON_TOKEN, .required = true, .min = 1,
		  .max = 64, .offset = offsetof(struct charon_error, code) },
		TEXT_ROW("where", struct charon_error, where),
		TEXT_ROW("text", struct charon_error, text),
		{ .name = NULL },
	};

	return json_read_object(in, value, path, rows, out);
}

static int read_settings(struct json_in *in, struct json_object *value,
						 const struct json_path *path, void *out)
{
	static const struct json_row rows[] = {
		BOOL_ROW("install_routes", struct charon_settings, install_routes),
		BOOL_ROW("connmark", struct charon_settings, connmark),
		BOOL_ROW("make_before_break", struct charon_settings,
				 make_before_break),
		U64_ROW("ikesa_table_size", struct charon_settings, ikesa_table_size),
		{ .name = NULL },
	};

	return json_read_object(in, value, path, rows, out);
}

static int read_frame(struct json_in *in, struct json_object *value,
					  const struct json_path *path, void *out)
{
	static const struct json_row rows[] = {
		{ .name = "id", .kind = JSON_U64, .max = NUMBER_MAX,
		  .offset = offsetof(struct charon_frame, id),
		  .present_offset = offsetof(struct charon_frame, has_id) },
		BOOL_ROW("ok", struct charon_frame, ok),
		{ .name = "error", .kind = JSON_OBJECT, .fn = read_error,
		  .offset = offsetof(struct charon_frame, error),
		  .present_offset = offsetof(struct charon_frame, has_error) },
		U64_ROW("version", struct charon_frame, version),
		U64_ROW("pid", struct charon_frame, pid),
		U64_ROW("count", struct charon_frame, count),
		TEXT_ROW("plugin-version", struct charon_frame, plugin_version),
		TEXT_ROW("strongswan", struct charon_frame, strongswan),
		{ .name = "boot-id", .kind = JSON_HEX, .max = 32,
		  .offset = offsetof(struct charon_frame, boot_id) },
		TEXT_ROW("revision", struct charon_frame, revision),
		{ .name = "settings", .kind = JSON_OBJECT, .fn = read_settings,
		  .offset = offsetof(struct charon_frame, settings),
		  .present_offset = offsetof(struct charon_frame, has_settings) },
		{ .name = "conns", .kind = JSON_ARRAY, .fn = read_conn,
		  .max = CONNS_MAX, .elem_size = sizeof(struct charon_conn),
		  .offset = offsetof(struct charon_frame, conns),
		  .count_offset = offsetof(struct charon_frame, conn_count),
		  .present_offset = offsetof(struct charon_frame, has_conns) },
		{ .name = "credentials", .kind = JSON_ARRAY, .fn = read_conn,
		  .max = CREDENTIALS_MAX, .elem_size = sizeof(struct charon_conn),
		  .offset = offsetof(struct charon_frame, credentials),
		  .count_offset = offsetof(struct charon_frame, credential_count) },
		{ .name = "capabilities", .kind = JSON_ARRAY, .fn = read_capability,
		  .max = CAPABILITIES_MAX, .elem_size = sizeof(char *),
		  .offset = offsetof(struct charon_frame, capabilities),
		  .count_offset = offsetof(struct charon_frame, capability_count) },
		{ .name = "sas", .kind = JSON_ARRAY, .fn = read_sa, .max = CONNS_MAX,
		  .elem_size = sizeof(struct charon_sa),
		  .offset = offsetof(struct charon_frame, sas),
		  .count_offset = offsetof(struct charon_frame, sa_count) },
		U64_ROW("added", struct charon_frame, added),
		U64_ROW("changed", struct charon_frame, changed),
		U64_ROW("removed", struct charon_frame, removed),
		U64_ROW("unchanged", struct charon_frame, unchanged),
		BOOL_ROW("started", struct charon_frame, started),
		TEXT_ROW("event", struct charon_frame, event),
		TEXT_ROW("alert", struct charon_frame, alert),
		BOOL_ROW("initiator", struct charon_frame, initiator),
		TEXT_ROW("name", struct charon_frame, name),
		TEXT_ROW("local-address", struct charon_frame, local_address),
		TEXT_ROW("remote-address", struct charon_frame, remote_address),
		TEXT_ROW("remote-identity", struct charon_frame, remote_identity),
		{ .name = NULL },
	};

	return json_read_object(in, value, path, rows, out);
}

int charon_frame_decode(struct arena *a, const char *buf, size_t len,
						struct charon_frame *out, struct err *e)
{
	memset(out, 0, sizeof(*out));
	return json_read_text(a, buf, len, &limits, read_frame, out, NULL, e);
}
