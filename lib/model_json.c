/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * model_json.c - "ce-config/1": JSON to C types, by tables
 *
 * Pure. What one value must look like stands in these tables and, for people
 * and other programs, in schema/ce-config.schema.json; a test compares the two.
 * What concerns several values is model_check()'s.
 */
#include "config.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "json_in.h"
#include "model.h"
#include "model_words.h"
#include "schema.h"
#include "text.h"

#define ROW(row_name, row_kind, type, member) .name = (row_name), \
	.kind = (row_kind), .required = true, .offset = offsetof(type, member)
#define OPTIONAL(row_name, row_kind, type, member) .name = (row_name), \
	.kind = (row_kind), .offset = offsetof(type, member)
#define RANGE(low, high) .min = (low), .max = (high)
#define ELEMENTS(type, count_member, element) \
	.count_offset = offsetof(type, count_member), .elem_size = sizeof(element)

/* one member that is an object read into the same struct */
#define NESTED(row_name, function) .name = (row_name), .kind = JSON_OBJECT, \
	.required = true, .fn = (function)

static int read_fqdn_string(struct json_in *in, struct json_object *value,
							const struct json_path *path, void *out)
{
	static const struct json_row rows[] = {
		{ .name = "fqdn-string", .kind = JSON_FQDN, .required = true },
		{ .name = NULL }
	};

	return json_read_object(in, value, path, rows, out);
}

static int read_proposal(struct json_in *in, struct json_object *value,
						 const struct json_path *path, void *out)
{
	static const struct json_row row = { .kind = JSON_TOKEN, RANGE(1, 128) };

	return json_read_value(in, value, path, &row, out);
}

static int read_profile(struct json_in *in, struct json_object *value,
						const struct json_path *path, void *out)
{
	static const struct json_row rows[] = {
		{ ROW("proposals", JSON_ARRAY, struct model_profile, proposals),
		  RANGE(1, MODEL_PROPOSALS_MAX), .fn = read_proposal,
		  ELEMENTS(struct model_profile, proposal_count, char *) },
		{ ROW("esp_proposals", JSON_ARRAY, struct model_profile,
			  esp_proposals),
		  RANGE(1, MODEL_PROPOSALS_MAX), .fn = read_proposal,
		  ELEMENTS(struct model_profile, esp_proposal_count, char *) },
		{ ROW("rekey_time", JSON_U32, struct model_profile, rekey_time),
		  RANGE(300, 86400) },
		{ ROW("child_rekey_time", JSON_U32, struct model_profile,
			  child_rekey_time), RANGE(300, 86400) },
		{ ROW("dpd_delay", JSON_U32, struct model_profile, dpd_delay),
		  RANGE(0, 3600) },
		{ .name = NULL }
	};

	return json_read_object(in, value, path, rows, out);
}

/* "https://host" or "https://host:port", host of lower-case labels */
static bool is_server_url(const char *url)
{
	static const char scheme[] = "https://";
	char label[NAME_SIZE];
	uint64_t port;
	size_t len;

	if (strncmp(url, scheme, strlen(scheme)) != 0)
	{
		return false;
	}
	for (url += strlen(scheme);; url++)
	{
		len = strcspn(url, ".:");
		if (len >= sizeof(label))
		{
			return false;
		}
		memcpy(label, url, len);
		label[len] = '\0';
		if (!name_is_label(label))
		{
			return false;
		}
		url += len;
		if (*url != '.')
		{
			break;
		}
	}
	return !*url || (url[1] != '0' && !text_to_u64(url + 1, 1, 65535, &port));
}

static int read_server(struct json_in *in, struct json_object *value,
					   const struct json_path *path, void *out)
{
	static const struct json_row row = { .kind = JSON_TEXT, RANGE(9, 255) };
	char where[128];
	int rc = json_read_value(in, value, path, &row, out);

	if (!rc && !is_server_url(*(char **)out))
	{
		json_path_str(path, where);
		rc = err_set(in->err, -EINVAL, ERR_JSON_VALUE, where,
					 "not https://HOST or https://HOST:PORT");
	}
	return rc;
}

static int read_management(struct json_in *in, struct json_object *value,
						   const struct json_path *path, void *out)
{
	static const struct json_row rows[] = {
		{ ROW("servers", JSON_ARRAY, struct model_management, servers),
		  RANGE(1, MODEL_SERVERS_MAX), .fn = read_server,
		  ELEMENTS(struct model_management, server_count, char *) },
		{ ROW("poll-interval", JSON_U32, struct model_management,
			  poll_interval), RANGE(1, 86400) },
		{ ROW("long-poll-timeout", JSON_U32, struct model_management,
			  long_poll_timeout), RANGE(0, 50) },
		{ ROW("report-interval", JSON_U32, struct model_management,
			  report_interval), RANGE(1, 86400) },
		{ OPTIONAL("confirm-timeout", JSON_U32, struct model_management,
				   confirm_timeout), RANGE(10, 3600) },
		{ .name = NULL }
	};

	return json_read_object(in, value, path, rows, out);
}

/* Peers ------------------------------------------------------------------- */

static int read_key(struct json_in *in, struct json_object *value,
					const struct json_path *path, void *out)
{
	static const struct json_row rows[] = {
		{ ROW("key-id", JSON_TOKEN, struct model_key, key_id), RANGE(1, 63) },
		{ ROW("use", JSON_ENUM, struct model_key, use),
		  .names = model_key_uses },
		{ ROW("secret", JSON_SECRET, struct model_key, secret) },
		{ .name = NULL }
	};

	return json_read_object(in, value, path, rows, out);
}

static int read_pre_shared(struct json_in *in, struct json_object *value,
						   const struct json_path *path, void *out)
{
	static const struct json_row rows[] = {
		{ ROW("keys", JSON_ARRAY, struct model_peer, keys),
		  RANGE(1, MODEL_KEYS_MAX), .fn = read_key,
		  ELEMENTS(struct model_peer, key_count, struct model_key) },
		{ .name = NULL }
	};

	return json_read_object(in, value, path, rows, out);
}

static int read_certificate_use(struct json_in *in, struct json_object *value,
								const struct json_path *path, void *out)
{
	static const struct json_row rows[] = {
		{ ROW("use", JSON_ENUM, struct model_peer, certificate_use),
		  .names = model_key_uses },
		{ .name = NULL }
	};
	struct model_peer *peer = out;

	peer->certificate = true;
	return json_read_object(in, value, path, rows, out);
}

static int read_tunnel(struct json_in *in, struct json_object *value,
					   const struct json_path *path, void *out)
{
	static const struct json_row rows[] = {
		{ ROW("establishment", JSON_ENUM, struct model_peer, establishment),
		  .names = model_establishments },
		{ ROW("ipsec-mode", JSON_ENUM, struct model_peer, ipsec_mode),
		  .names = model_ipsec_modes },
		{ ROW("routing", JSON_ENUM, struct model_peer, routing),
		  .names = model_routings },
		{ OPTIONAL("cost", JSON_U32, struct model_peer, cost),
		  RANGE(1, 65535) },
		{ .name = NULL }
	};

	return json_read_object(in, value, path, rows, out);
}

static int read_peer(struct json_in *in, struct json_object *value,
					 const struct json_path *path, void *out)
{
	static const struct json_row rows[] = {
		{ ROW("peer", JSON_LABEL, struct model_peer, peer) },
		{ OPTIONAL("role", JSON_ENUM, struct model_peer, role),
		  .names = model_roles },
		{ ROW("remote-address", JSON_ADDR4, struct model_peer,
			  remote_address) },
		{ OPTIONAL("behind-nat", JSON_BOOL, struct model_peer, behind_nat) },
		{ ROW("identity", JSON_OBJECT, struct model_peer, identity),
		  .fn = read_fqdn_string },
		{ .name = "pre-shared", .kind = JSON_OBJECT, .fn = read_pre_shared },
		{ .name = "certificate", .kind = JSON_OBJECT,
		  .fn = read_certificate_use },
		{ ROW("sa-profile", JSON_LABELS, struct model_peer, sa_profile) },
		{ ROW("initiator", JSON_ENUM, struct model_peer, initiator),
		  .names = model_initiators },
		{ NESTED("tunnel", read_tunnel) },
		{ .name = NULL }
	};

	return json_read_object(in, value, path, rows, out);
}

static int read_removed(struct json_in *in, struct json_object *value,
						const struct json_path *path, void *out)
{
	static const struct json_row rows[] = {
		{ ROW("peer", JSON_LABEL, struct model_removed, peer) },
		{ ROW("at-revision", JSON_U64, struct model_removed, at_revision),
		  RANGE(0, MODEL_NUMBER_MAX) },
		{ ROW("reason", JSON_TOKEN, struct model_removed, reason),
		  RANGE(1, 63) },
		{ .name = NULL }
	};

	return json_read_object(in, value, path, rows, out);
}

/* VPNs -------------------------------------------------------------------- */

static int read_topology(struct json_in *in, struct json_object *value,
						 const struct json_path *path, void *out)
{
	static const struct json_row rows[] = {
		{ ROW("type", JSON_ENUM, struct model_vpn, topology),
		  .names = model_topologies },
		{ ROW("role", JSON_ENUM, struct model_vpn, role),
		  .names = model_roles },
		{ .name = NULL }
	};

	return json_read_object(in, value, path, rows, out);
}

static int read_authentication(struct json_in *in, struct json_object *value,
							   const struct json_path *path, void *out)
{
	static const struct json_row rows[] = {
		{ ROW("auth-method", JSON_ENUM, struct model_vpn, auth),
		  .names = model_auths },
		{ .name = NULL }
	};

	return json_read_object(in, value, path, rows, out);
}

static int read_cert_data(struct json_in *in, struct json_object *value,
						  const struct json_path *path, void *out)
{
	static const struct json_row row = {
		.kind = JSON_BASE64, RANGE(4, MODEL_CERT_SIZE),
	};

	return json_read_value(in, value, path, &row, out);
}

static int read_crl_data(struct json_in *in, struct json_object *value,
						 const struct json_path *path, void *out)
{
	static const struct json_row row = {
		.kind = JSON_BASE64, RANGE(4, MODEL_CRL_SIZE),
	};

	return json_read_value(in, value, path, &row, out);
}

static int read_certificate(struct json_in *in, struct json_object *value,
							const struct json_path *path, void *out)
{
	static const struct json_row rows[] = {
		{ OPTIONAL("cert-data", JSON_BASE64, struct model_certificate,
				   cert_data), RANGE(4, MODEL_CERT_SIZE) },
		{ ROW("ca-data", JSON_ARRAY, struct model_certificate, ca_data),
		  RANGE(1, MODEL_CA_MAX), .fn = read_cert_data,
		  ELEMENTS(struct model_certificate, ca_count, char *) },
		{ ROW("crl-data", JSON_ARRAY, struct model_certificate, crl_data),
		  RANGE(0, MODEL_CRL_MAX), .fn = read_crl_data,
		  ELEMENTS(struct model_certificate, crl_count, char *) },
		{ ROW("revocation", JSON_ENUM, struct model_certificate, revocation),
		  .names = model_revocations },
		{ .name = NULL }
	};

	return json_read_object(in, value, path, rows, out);
}

static int read_ospf(struct json_in *in, struct json_object *value,
					 const struct json_path *path, void *out)
{
	static const struct json_row rows[] = {
		{ ROW("area", JSON_ADDR4, struct model_ospf, area) },
		{ ROW("hello-interval", JSON_U32, struct model_ospf, hello_interval),
		  RANGE(1, 65535) },
		{ ROW("dead-interval", JSON_U32, struct model_ospf, dead_interval),
		  RANGE(1, 65535) },
		{ ROW("cost", JSON_U32, struct model_ospf, cost), RANGE(1, 65535) },
		{ .name = NULL }
	};

	return json_read_object(in, value, path, rows, out);
}

static int read_routing(struct json_in *in, struct json_object *value,
						const struct json_path *path, void *out)
{
	static const struct json_row rows[] = {
		{ ROW("ospf", JSON_OBJECT, struct model_vpn, ospf), .fn = read_ospf },
		{ .name = NULL }
	};

	return json_read_object(in, value, path, rows, out);
}

static int read_retry(struct json_in *in, struct json_object *value,
					  const struct json_path *path, void *out)
{
	static const struct json_row rows[] = {
		{ ROW("minimum-wait", JSON_U32, struct model_retry, minimum_wait),
		  RANGE(0, 3600) },
		{ ROW("t1", JSON_U32, struct model_retry, t1), RANGE(1, 3600) },
		{ ROW("factor", JSON_U32, struct model_retry, factor), RANGE(1, 10) },
		{ ROW("maximum", JSON_U32, struct model_retry, maximum),
		  RANGE(1, 86400) },
		{ ROW("alarm-after", JSON_U32, struct model_retry, alarm_after),
		  RANGE(1, 1000) },
		{ .name = NULL }
	};

	return json_read_object(in, value, path, rows, out);
}

static int read_vpn(struct json_in *in, struct json_object *value,
					const struct json_path *path, void *out)
{
	static const struct json_row rows[] = {
		{ ROW("customer", JSON_LABEL, struct model_vpn, customer) },
		{ ROW("vpn", JSON_LABEL, struct model_vpn, vpn) },
		{ ROW("site", JSON_LABEL, struct model_vpn, site) },
		{ ROW("ce-address", JSON_ADDR4, struct model_vpn, ce_address) },
		{ OPTIONAL("behind-nat", JSON_BOOL, struct model_vpn, behind_nat) },
		{ ROW("identity", JSON_OBJECT, struct model_vpn, identity),
		  .fn = read_fqdn_string },
		{ NESTED("topology", read_topology) },
		{ NESTED("authentication", read_authentication) },
		{ OPTIONAL("certificate", JSON_OBJECT, struct model_vpn, certificate),
		  .fn = read_certificate },
		{ ROW("router-id", JSON_ADDR4, struct model_vpn, router_id) },
		{ ROW("mtu", JSON_U32, struct model_vpn, mtu), RANGE(576, 9216) },
		{ NESTED("routing", read_routing) },
		{ ROW("retry", JSON_OBJECT, struct model_vpn, retry),
		  .fn = read_retry },
		{ ROW("peers", JSON_ARRAY, struct model_vpn, peers),
		  RANGE(0, MODEL_PEERS_MAX), .fn = read_peer,
		  ELEMENTS(struct model_vpn, peer_count, struct model_peer) },
		{ ROW("removed", JSON_ARRAY, struct model_vpn, removed),
		  RANGE(0, MODEL_PEERS_MAX), .fn = read_removed,
		  ELEMENTS(struct model_vpn, removed_count, struct model_removed) },
		{ .name = NULL }
	};

	return json_read_object(in, value, path, rows, out);
}

/* The document ------------------------------------------------------------ */

static int read_document(struct json_in *in, struct json_object *value,
						 const struct json_path *path, void *out)
{
	static const struct json_row rows[] = {
		{ ROW("schema", JSON_ENUM, struct model_document, schema),
		  .names = schema_config },
		{ ROW("ce", JSON_PLACE2, struct model_document, ce) },
		{ ROW("epoch", JSON_U64, struct model_document, epoch),
		  RANGE(0, MODEL_NUMBER_MAX) },
		{ ROW("revision", JSON_U64, struct model_document, revision),
		  RANGE(0, MODEL_NUMBER_MAX) },
		{ OPTIONAL("bulk-removal", JSON_U64, struct model_document,
				   bulk_removal), RANGE(1, MODEL_NUMBER_MAX) },
		{ ROW("state", JSON_ENUM, struct model_document, state),
		  .names = model_states },
		{ ROW("management", JSON_OBJECT, struct model_document, management),
		  .fn = read_management },
		{ ROW("sa-profiles", JSON_MAP, struct model_document, profiles),
		  RANGE(0, MODEL_PROFILES_MAX), .fn = read_profile,
		  ELEMENTS(struct model_document, profile_count,
				   struct model_profile) },
		{ ROW("vpns", JSON_ARRAY, struct model_document, vpns),
		  RANGE(0, MODEL_VPNS_MAX), .fn = read_vpn,
		  ELEMENTS(struct model_document, vpn_count, struct model_vpn) },
		{ .name = NULL }
	};

	return json_read_object(in, value, path, rows, out);
}

static void resolve_profiles(struct model_document *doc)
{
	size_t i, j;

	for (i = 0; i < doc->vpn_count; i++)
	{
		for (j = 0; j < doc->vpns[i].peer_count; j++)
		{
			struct model_peer *peer = &doc->vpns[i].peers[j];

			peer->profile = model_profile_find(doc, peer->sa_profile);
		}
	}
}

/*
 * Sorted only after the checks: their errors name places by the order in which
 * the sender wrote them.
 */
static void sort_document(struct model_document *doc)
{
	size_t i;

	qsort(doc->vpns, doc->vpn_count, sizeof(*doc->vpns), model_vpn_compare);
	for (i = 0; i < doc->vpn_count; i++)
	{
		struct model_vpn *vpn = &doc->vpns[i];

		qsort(vpn->peers, vpn->peer_count, sizeof(*vpn->peers),
			  model_peer_compare);
		qsort(vpn->removed, vpn->removed_count, sizeof(*vpn->removed),
			  model_removed_compare);
	}
}

static int read_schema(struct json_in *in, struct json_object *value,
					   const struct json_path *path, void *out)
{
	static const struct json_row row = {
		.name = "schema", .kind = JSON_PLACE2, .required = true,
	};

	return json_read_one(in, value, path, &row, out);
}

int model_schema(struct arena *arena, const char *buf, size_t len,
				 char **name)
{
	return json_read_text(arena, buf, len, &json_limits_document, read_schema,
						  name, NULL, NULL);
}

int model_decode(struct arena *arena, const char *buf, size_t len,
				 struct model_document **out, struct err *e)
{
	struct model_document *doc = arena_calloc(arena, 1, sizeof(*doc));
	int rc;

	*out = NULL;
	rc = json_read_text(arena, buf, len, &json_limits_document, read_document,
						doc, NULL, e);
	if (!rc)
	{
		rc = model_check(doc, e);
	}
	if (rc)
	{
		return rc;
	}
	sort_document(doc);
	resolve_profiles(doc);
	*out = doc;
	return 0;
}
