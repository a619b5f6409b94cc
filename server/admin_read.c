/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * admin_read.c - the admin API's answers as C types
 *
 * Pure. Texts that routers reported come through here: they are printable
 * ASCII or the answer is refused, so no terminal is ever driven by one.
 */
#include "config.h"

#include <stddef.h>

#include "server/admin_read.h"

#define NUMBER_MAX UINT64_C(9007199254740991)
#define LIST_MAX 10000000

#define AT(row_name, row_kind, type, member) .name = (row_name), \
	.kind = (row_kind), .offset = offsetof(type, member)
#define NEED .required = true
#define LABEL(name, type, member) { AT(name, JSON_LABEL, type, member), NEED }
#define TEXT(name, type, member) \
	{ AT(name, JSON_TEXT, type, member), NEED, .max = 1024 }
#define TEXT_OR_NONE(name, type, member) \
	{ AT(name, JSON_TEXT, type, member), .max = 1024 }
#define ADDR(name, type, member) { AT(name, JSON_ADDR4, type, member), NEED }
#define FLAG(name, type, member) { AT(name, JSON_BOOL, type, member), NEED }
#define U64(name, type, member) \
	{ AT(name, JSON_U64, type, member), NEED, .max = NUMBER_MAX }
#define U64_OR_NONE(name, type, member) \
	{ AT(name, JSON_U64, type, member), .max = NUMBER_MAX }
#define U32(name, type, member) \
	{ AT(name, JSON_U32, type, member), NEED, .max = UINT32_MAX }
#define TIME_OR_NONE(name, type, member) \
	{ AT(name, JSON_U64, type, member.ms), .max = NUMBER_MAX, \
	  .present_offset = offsetof(type, member.there) }
#define OBJECT(name, type, member, read) \
	{ AT(name, JSON_OBJECT, type, member), NEED, .fn = read }
#define LIST(name, type, member, n, element, read) \
	{ AT(name, JSON_ARRAY, type, member), NEED, .max = LIST_MAX, \
	  .fn = read, .elem_size = sizeof(element), \
	  .count_offset = offsetof(type, n) }
#define END { .name = NULL }

/* fn of an object that is read by rows */
#define READER(name, rows) \
	static int name(struct json_in *in, struct json_object *value, \
					const struct json_path *path, void *out) \
	{ \
		return json_read_object(in, value, path, rows, out); \
	}

/* ---- customers, VPNs ------------------------------------------------------------ */

const struct json_row admin_customer_rows[] = {
	LABEL("customer", struct store_customer, customer),
	TEXT("description", struct store_customer, description),
	TEXT("external-id", struct store_customer, external_id),
	END
};
READER(read_customer, admin_customer_rows)
const struct json_row admin_customers_rows[] = {
	LIST("customers", struct admin_customers, list, count,
		 struct store_customer, read_customer),
	END
};

static const struct json_row retry_rows[] = {
	U32("minimum-wait", struct model_retry, minimum_wait),
	U32("t1", struct model_retry, t1),
	U32("factor", struct model_retry, factor),
	U32("maximum", struct model_retry, maximum),
	U32("alarm-after", struct model_retry, alarm_after),
	END
};
READER(read_retry, retry_rows)

static int read_proposal(struct json_in *in, struct json_object *value,
						 const struct json_path *path, void *out)
{
	static const struct json_row row = { .kind = JSON_TOKEN, .min = 1,
										 .max = 128 };

	return json_read_value(in, value, path, &row, out);
}

static const struct json_row profile_rows[] = {
	LIST("proposals", struct model_profile, proposals, proposal_count, char *,
		 read_proposal),
	LIST("esp_proposals", struct model_profile, esp_proposals,
		 esp_proposal_count, char *, read_proposal),
	U32("rekey_time", struct model_profile, rekey_time),
	U32("child_rekey_time", struct model_profile, child_rekey_time),
	U32("dpd_delay", struct model_profile, dpd_delay),
	END
};
READER(read_profile, profile_rows)

const struct json_row admin_vpn_rows[] = {
	LABEL("customer", struct store_vpn, customer),
	LABEL("vpn", struct store_vpn, vpn),
	TEXT("description", struct store_vpn, description),
	TEXT("external-id", struct store_vpn, external_id),
	{ AT("grade", JSON_ENUM, struct store_vpn, grade), NEED,
	  .names = conf_grades },
	FLAG("internet-access", struct store_vpn, internet_access),
	U32("psk-rotation-days", struct store_vpn, psk_rotation_days),
	{ AT("authentication", JSON_ENUM, struct store_vpn, authentication), NEED,
	  .names = conf_authentications },
	{ AT("revocation", JSON_ENUM, struct store_vpn, revocation), NEED,
	  .names = conf_revocations },
	{ AT("domain", JSON_FQDN, struct store_vpn, domain), NEED },
	{ AT("topology", JSON_ENUM, struct store_vpn, topology), NEED,
	  .names = conf_topologies },
	{ AT("router-ids", JSON_PREFIX4, struct store_vpn, router_ids), NEED },
	U32("mtu", struct store_vpn, mtu),
	ADDR("area", struct store_vpn, ospf.area),
	U32("hello-interval", struct store_vpn, ospf.hello_interval),
	U32("dead-interval", struct store_vpn, ospf.dead_interval),
	U32("cost", struct store_vpn, ospf.cost),
	OBJECT("retry", struct store_vpn, retry, read_retry),
	OBJECT("sa-profile", struct store_vpn, profile, read_profile),
	END
};
READER(read_vpn, admin_vpn_rows)
const struct json_row admin_vpns_rows[] = {
	LIST("vpns", struct admin_vpns, list, count, struct store_vpn, read_vpn),
	END
};

/* ---- routers and sites ------------------------------------------------------------ */

static int read_prefix(struct json_in *in, struct json_object *value,
					   const struct json_path *path, void *out)
{
	static const struct json_row row = { .kind = JSON_PREFIX };

	return json_read_value(in, value, path, &row, out);
}

#define CE_ROWS \
	LABEL("customer", struct admin_ce, customer), \
	LABEL("ce", struct admin_ce, ce), \
	TEXT("description", struct admin_ce, description), \
	TEXT("external-id", struct admin_ce, external_id), \
	{ AT("suspended", JSON_BOOL, struct admin_ce, suspended), NEED }, \
	ADDR("ce-address", struct admin_ce, address), \
	FLAG("behind-nat", struct admin_ce, behind_nat), \
	LIST("dynamic", struct admin_ce, dynamic, dynamic_count, struct prefix, \
		 read_prefix), \
	FLAG("enrolled", struct admin_ce, enrolled), \
	FLAG("revoked", struct admin_ce, revoked), \
	TIME_OR_NONE("certificate-ends-ms", struct admin_ce, certificate_ends), \
	{ AT("waiting-key", JSON_TEXT, struct admin_ce, waiting_key), .max = 64 }, \
	TIME_OR_NONE("waiting-since-ms", struct admin_ce, waiting_since), \
	{ AT("ike-key", JSON_TEXT, struct admin_ce, ike_key), .max = 64 }, \
	TIME_OR_NONE("ike-key-since-ms", struct admin_ce, ike_key_since), \
	U64("revision", struct admin_ce, revision), \
	TIME_OR_NONE("last-seen-ms", struct admin_ce, last_seen)

const struct json_row admin_ce_rows[] = { CE_ROWS, END };
READER(read_ce, admin_ce_rows)
const struct json_row admin_ces_rows[] = {
	LIST("ces", struct admin_ces, list, count, struct admin_ce, read_ce),
	END
};

static const struct json_row ike_rows[] = {
	TEXT("serial", struct store_ike_cert, serial),
	U64("issued-ms", struct store_ike_cert, issued_ms),
	U64("ends-ms", struct store_ike_cert, ends_ms),
	U64("revision", struct store_ike_cert, revision),
	END
};
READER(read_ike, ike_rows)

const struct json_row admin_site_rows[] = {
	LABEL("customer", struct store_site, customer),
	LABEL("vpn", struct store_site, vpn),
	LABEL("site", struct store_site, site),
	LABEL("ce", struct store_site, ce),
	ADDR("ce-address", struct store_site, ce_address),
	ADDR("router-id", struct store_site, router_id),
	{ AT("role", JSON_ENUM, struct store_site, role), NEED,
	  .names = conf_roles },
	LIST("prefixes", struct store_site, prefixes, prefix_count, struct prefix,
		 read_prefix),
	TEXT("description", struct store_site, description),
	TEXT("external-id", struct store_site, external_id),
	{ AT("certificate", JSON_OBJECT, struct store_site, certificate),
	  .fn = read_ike },
	END
};
READER(read_site, admin_site_rows)
const struct json_row admin_sites_rows[] = {
	LIST("sites", struct admin_sites, list, count, struct store_site,
		 read_site),
	END
};

static const struct json_row grant_rows[] = {
	TEXT("customer", struct store_grant, customer),
	{ AT("role", JSON_ENUM, struct store_grant, role), .required = true,
	  .names = access_roles },
	END
};
READER(read_grant, grant_rows)
static const struct json_row certificate_rows[] = {
	TEXT("key", struct admin_certificate, key),
	U64("serial", struct admin_certificate, serial),
	U64("expires-ms", struct admin_certificate, expires_ms),
	END
};
READER(read_certificate, certificate_rows)
const struct json_row admin_operator_rows[] = {
	TEXT("operator", struct admin_operator, operator),
	TEXT("description", struct admin_operator, description),
	TEXT("unix-user", struct admin_operator, unix_user),
	{ AT("role", JSON_ENUM, struct admin_operator, role), .required = true,
	  .names = access_roles },
	LIST("customers", struct admin_operator, grants, grant_count,
		 struct store_grant, read_grant),
	{ AT("certificate", JSON_OBJECT, struct admin_operator, certificate),
	  .fn = read_certificate,
	  .present_offset = offsetof(struct admin_operator, certified) },
	END
};
READER(read_operator, admin_operator_rows)
const struct json_row admin_operators_rows[] = {
	LIST("operators", struct admin_operators, list, count,
		 struct admin_operator, read_operator),
	END
};
const struct json_row admin_whoami_rows[] = {
	TEXT("actor", struct admin_whoami, actor),
	TEXT_OR_NONE("operator", struct admin_whoami, operator),
	{ AT("role", JSON_ENUM, struct admin_whoami, role), .required = true,
	  .names = access_roles },
	LIST("customers", struct admin_whoami, grants, grant_count,
		 struct store_grant, read_grant),
	END
};

static const struct json_row audit_rows[] = {
	U64("revision", struct store_audit, revision),
	U64("at-ms", struct store_audit, at_ms),
	TEXT("actor", struct store_audit, actor),
	TEXT("what", struct store_audit, what),
	END
};
READER(read_audit, audit_rows)
const struct json_row admin_audits_rows[] = {
	LIST("audit", struct admin_audits, list, count, struct store_audit,
		 read_audit),
	END
};

/* ---- tunnels -------------------------------------------------------------------- */

#define PHASE(name, phase) \
	{ AT(name, JSON_U64, struct admin_service, ms[phase]), .max = NUMBER_MAX, \
	  .present_offset = offsetof(struct admin_service, there[phase]) }
static const struct json_row service_rows[] = {
	PHASE("notify-ms", SERVICE_NOTIFY),
	PHASE("fetch-ms", SERVICE_FETCH),
	PHASE("apply-ms", SERVICE_APPLY),
	PHASE("ike-ms", SERVICE_IKE),
	PHASE("ospf-ms", SERVICE_OSPF),
	PHASE("route-ms", SERVICE_ROUTE),
	PHASE("total-ms", SERVICE_TOTAL),
	END
};
READER(read_service, service_rows)
#undef PHASE

static const struct json_row end_rows[] = {
	LABEL("site", struct admin_end, site),
	LABEL("ce", struct admin_end, ce),
	FLAG("reported", struct admin_end, reported),
	FLAG("up", struct admin_end, up),
	{ AT("stale", JSON_BOOL, struct admin_end, stale) },
	TIME_OR_NONE("reported-ms", struct admin_end, reported_at),
	TEXT_OR_NONE("state", struct admin_end, state),
	TEXT_OR_NONE("ike", struct admin_end, ike),
	TEXT_OR_NONE("child", struct admin_end, child),
	TEXT_OR_NONE("proposal", struct admin_end, proposal),
	TEXT_OR_NONE("ospf", struct admin_end, ospf),
	{ AT("route", JSON_BOOL, struct admin_end, route) },
	U64_OR_NONE("since", struct admin_end, since),
	U64_OR_NONE("attempts", struct admin_end, attempts),
	U64_OR_NONE("in-bytes", struct admin_end, in_bytes),
	U64_OR_NONE("out-bytes", struct admin_end, out_bytes),
	TEXT_OR_NONE("last-error", struct admin_end, last_error),
	OBJECT("service", struct admin_end, service, read_service),
	END
};
READER(read_end, end_rows)

static const struct json_row key_rows[] = {
	U64("generation", struct admin_key, generation),
	TIME_OR_NONE("made-ms", struct admin_key, made),
	TEXT_OR_NONE("to", struct admin_key, to),
	TEXT_OR_NONE("step", struct admin_key, step),
	END
};
READER(read_key, key_rows)

static const struct json_row tunnel_rows[] = {
	LABEL("customer", struct admin_tunnel, customer),
	LABEL("vpn", struct admin_tunnel, vpn),
	U64("revision", struct admin_tunnel, revision),
	FLAG("up", struct admin_tunnel, up),
	TEXT("authentication", struct admin_tunnel, authentication),
	OBJECT("key", struct admin_tunnel, key, read_key),
	{ AT("ends", JSON_ARRAY, struct admin_tunnel, ends), NEED, .min = 2,
	  .max = 2, .fn = read_end, .elem_size = sizeof(struct admin_end),
	  .count_offset = offsetof(struct admin_tunnel, end_count) },
	END
};
READER(read_tunnel, tunnel_rows)
const struct json_row admin_tunnels_rows[] = {
	U64("now-ms", struct admin_tunnels, now_ms),
	LIST("tunnels", struct admin_tunnels, list, count, struct admin_tunnel,
		 read_tunnel),
	END
};

/* ---- keys that are being changed -------------------------------------------------- */

static int read_label(struct json_in *in, struct json_object *value,
					  const struct json_path *path, void *out)
{
	static const struct json_row row = { .kind = JSON_LABEL };

	return json_read_value(in, value, path, &row, out);
}

static const struct json_row wait_rows[] = {
	LABEL("site", struct admin_wait, site),
	LABEL("ce", struct admin_wait, ce),
	TEXT("reason", struct admin_wait, reason),
	END
};
READER(read_wait, wait_rows)

static const struct json_row list_rows[] = {
	U64("number", struct admin_list, number),
	U64("entries", struct admin_list, entries),
	U64("issued-ms", struct admin_list, issued_ms),
	U64("ends-ms", struct admin_list, ends_ms),
	END
};
READER(read_list, list_rows)

static const struct json_row authority_rows[] = {
	TEXT("state", struct admin_authority, state),
	TEXT("fingerprint", struct admin_authority, fingerprint),
	U64("revision", struct admin_authority, revision),
	U64("since-ms", struct admin_authority, since_ms),
	U64("issued-ms", struct admin_authority, issued_ms),
	U64("ends-ms", struct admin_authority, ends_ms),
	U64("roll-ms", struct admin_authority, roll_ms),
	U64("certificates", struct admin_authority, certificates),
	OBJECT("revocation-list", struct admin_authority, list, read_list),
	TEXT("ca-data", struct admin_authority, ca_data),
	END
};
READER(read_authority, authority_rows)
const struct json_row admin_authorities_rows[] = {
	U64("now-ms", struct admin_authorities, now_ms),
	LIST("authorities", struct admin_authorities, list, count,
		 struct admin_authority, read_authority),
	LIST("waits-for", struct admin_authorities, waits, wait_count,
		 struct admin_wait, read_wait),
	END
};

static const struct json_row rotation_rows[] = {
	LABEL("customer", struct admin_rotation, customer),
	LABEL("vpn", struct admin_rotation, vpn),
	{ AT("sites", JSON_ARRAY, struct admin_rotation, sites), NEED, .min = 2,
	  .max = 2, .fn = read_label, .elem_size = sizeof(char *),
	  .count_offset = offsetof(struct admin_rotation, site_count) },
	TEXT("to", struct admin_rotation, to),
	TEXT("step", struct admin_rotation, step),
	U64_OR_NONE("generation", struct admin_rotation, generation),
	U64_OR_NONE("revision", struct admin_rotation, revision),
	U64_OR_NONE("begun-revision", struct admin_rotation, begun_revision),
	TIME_OR_NONE("begun-ms", struct admin_rotation, begun),
	TIME_OR_NONE("step-ms", struct admin_rotation, stepped),
	LIST("waits-for", struct admin_rotation, waits, wait_count,
		 struct admin_wait, read_wait),
	END
};
READER(read_rotation, rotation_rows)
const struct json_row admin_rotations_rows[] = {
	U64("now-ms", struct admin_rotations, now_ms),
	LIST("rotations", struct admin_rotations, list, count,
		 struct admin_rotation, read_rotation),
	U64("total", struct admin_rotations, total),
	END
};

/* ---- time to service -------------------------------------------------------------- */

#define PHASE(name, phase) \
	{ AT(name, JSON_U64, struct admin_service_end, service.ms[phase]), \
	  .max = NUMBER_MAX, \
	  .present_offset = offsetof(struct admin_service_end, \
								 service.there[phase]) }
static const struct json_row service_end_rows[] = {
	LABEL("customer", struct admin_service_end, customer),
	LABEL("vpn", struct admin_service_end, vpn),
	LABEL("site", struct admin_service_end, site),
	LABEL("peer", struct admin_service_end, peer),
	LABEL("ce", struct admin_service_end, ce),
	PHASE("notify-ms", SERVICE_NOTIFY),
	PHASE("fetch-ms", SERVICE_FETCH),
	PHASE("apply-ms", SERVICE_APPLY),
	PHASE("ike-ms", SERVICE_IKE),
	PHASE("ospf-ms", SERVICE_OSPF),
	PHASE("route-ms", SERVICE_ROUTE),
	PHASE("total-ms", SERVICE_TOTAL),
	END
};
READER(read_service_end, service_end_rows)

static const struct json_row summary_rows[] = {
	TEXT("phase", struct admin_summary, phase),
	U64("count", struct admin_summary, count),
	TIME_OR_NONE("p50-ms", struct admin_summary, p50),
	TIME_OR_NONE("p95-ms", struct admin_summary, p95),
	TIME_OR_NONE("worst-ms", struct admin_summary, worst),
	END
};
READER(read_summary, summary_rows)
const struct json_row admin_services_rows[] = {
	LIST("ends", struct admin_services, list, count, struct admin_service_end,
		 read_service_end),
	LIST("summary", struct admin_services, summary, summary_count,
		 struct admin_summary, read_summary),
	END
};

/* ---- status ---------------------------------------------------------------------- */

static const struct json_row error_rows[] = {
	TEXT("code", struct status_error, code),
	TEXT("where", struct status_error, where),
	TEXT("text", struct status_error, text),
	END
};
READER(read_error, error_rows)

static const struct json_row alarm_rows[] = {
	TEXT("code", struct admin_alarm, code),
	TEXT("resource", struct admin_alarm, resource),
	TEXT("severity", struct admin_alarm, severity),
	U64("count", struct admin_alarm, count),
	U64("age", struct admin_alarm, age),
	TEXT("text", struct admin_alarm, text),
	END
};
READER(read_alarm, alarm_rows)

static const struct json_row ce_status_rows[] = {
	CE_ROWS,
	TIME_OR_NONE("reported-ms", struct admin_ce, reported_at),
	{ AT("stale", JSON_BOOL, struct admin_ce, stale) },
	U64_OR_NONE("applied-epoch", struct admin_ce, applied_epoch),
	U64_OR_NONE("applied-revision", struct admin_ce, applied_revision),
	TEXT_OR_NONE("result", struct admin_ce, result),
	TEXT_OR_NONE("agent-version", struct admin_ce, agent_version),
	U64("tunnels-up", struct admin_ce, up),
	U64("tunnels-total", struct admin_ce, total),
	LIST("errors", struct admin_ce, errors, error_count, struct status_error,
		 read_error),
	LIST("alarms", struct admin_ce, alarms, alarm_count, struct admin_alarm,
		 read_alarm),
	END
};
READER(read_ce_status, ce_status_rows)

const struct json_row admin_status_rows[] = {
	U64("epoch", struct admin_status, epoch),
	U64("revision", struct admin_status, revision),
	U64("now-ms", struct admin_status, now_ms),
	LIST("ces", struct admin_status, ces, ce_count, struct admin_ce,
		 read_ce_status),
	LIST("down", struct admin_status, down, down_count, struct admin_tunnel,
		 read_tunnel),
	END
};

/* ---- alarms, events, bundles ------------------------------------------------------ */

#define PLACE_ROWS(type) \
	TEXT_OR_NONE("customer", type, customer), \
	TEXT_OR_NONE("vpn", type, vpn), \
	TEXT_OR_NONE("site", type, site), \
	TEXT_OR_NONE("peer", type, peer), \
	TEXT_OR_NONE("ce", type, ce)

static const struct json_row raised_rows[] = {
	U64("id", struct admin_raised, id),
	FLAG("raised", struct admin_raised, raised),
	TEXT("severity", struct admin_raised, severity),
	TEXT("resource", struct admin_raised, resource),
	TEXT("code", struct admin_raised, code),
	TEXT("source", struct admin_raised, source),
	TEXT("text", struct admin_raised, text),
	TEXT_OR_NONE("title", struct admin_raised, title),
	TEXT_OR_NONE("remedy", struct admin_raised, remedy),
	U64("count", struct admin_raised, count),
	U64("raised-ms", struct admin_raised, raised_ms),
	U64("changed-ms", struct admin_raised, changed_ms),
	TIME_OR_NONE("cleared-ms", struct admin_raised, cleared),
	PLACE_ROWS(struct admin_raised),
	END
};
READER(read_raised, raised_rows)
const struct json_row admin_ledger_rows[] = {
	U64("now-ms", struct admin_ledger, now_ms),
	LIST("alarms", struct admin_ledger, list, count, struct admin_raised,
		 read_raised),
	END
};

static const struct json_row event_rows[] = {
	U64("id", struct admin_event, id),
	U64("at-ms", struct admin_event, at_ms),
	TEXT("event", struct admin_event, event),
	TEXT_OR_NONE("severity", struct admin_event, severity),
	TEXT_OR_NONE("resource", struct admin_event, resource),
	TEXT_OR_NONE("code", struct admin_event, code),
	TEXT_OR_NONE("source", struct admin_event, source),
	TEXT_OR_NONE("result", struct admin_event, result),
	TEXT_OR_NONE("actor", struct admin_event, actor),
	U64_OR_NONE("revision", struct admin_event, revision),
	TEXT("text", struct admin_event, text),
	PLACE_ROWS(struct admin_event),
	END
};
READER(read_event, event_rows)
const struct json_row admin_events_rows[] = {
	U64("last", struct admin_events, last),
	FLAG("lost", struct admin_events, lost),
	LIST("events", struct admin_events, list, count, struct admin_event,
		 read_event),
	END
};

/* It is not looked into: whoever asked for it reads it. */
static int pass_over(struct json_in *in, struct json_object *value,
					 const struct json_path *path, void *out)
{
	(void)in;
	(void)value;
	(void)path;
	(void)out;
	return 0;
}

const struct json_row admin_diag_rows[] = {
	U64("id", struct admin_diag, id),
	TEXT_OR_NONE("state", struct admin_diag, state),
	TEXT_OR_NONE("actor", struct admin_diag, actor),
	U64("asked-ms", struct admin_diag, asked_ms),
	U64("until-ms", struct admin_diag, until_ms),
	TIME_OR_NONE("taken-ms", struct admin_diag, taken),
	{ AT("bundle", JSON_OBJECT, struct admin_diag, state), .fn = pass_over },
	END
};

static const struct json_row group_rows[] = {
	U64_OR_NONE("revision", struct admin_group, revision),
	TEXT_OR_NONE("what", struct admin_group, what),
	TEXT_OR_NONE("customer", struct admin_group, customer),
	TEXT_OR_NONE("ce", struct admin_group, ce),
	U64("ends", struct admin_group, ends),
	U64("count", struct admin_group, count),
	TIME_OR_NONE("p50-ms", struct admin_group, p50),
	TIME_OR_NONE("p95-ms", struct admin_group, p95),
	TIME_OR_NONE("worst-ms", struct admin_group, worst),
	END
};
READER(read_group, group_rows)
const struct json_row admin_groups_rows[] = {
	LIST("groups", struct admin_groups, list, count, struct admin_group,
		 read_group),
	END
};
