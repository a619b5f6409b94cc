/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * api_admin_write.c - the admin API's JSON objects
 *
 * Pure.
 */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "server/api_admin_write.h"
#include "server/conf_json.h"
#include "server/rotation.h"
#include "server/service.h"

static void write_addr(struct json_out *o, const char *key,
					   const struct addr *addr)
{
	char text[ADDR_TEXT_MAX];

	jo_str(o, key, addr_str(addr, text));
}

static void write_ms(struct json_out *o, const char *key, int64_t ms)
{
	if (ms >= 0)
	{
		jo_u64(o, key, (uint64_t)ms);
	}
}

void admin_write_customer(struct json_out *o, const struct store_customer *c)
{
	jo_object(o, NULL);
	jo_str(o, "customer", c->customer);
	jo_str(o, "description", c->description);
	jo_str(o, "external-id", c->external_id);
	jo_object_end(o);
}

static void write_list(struct json_out *o, const char *key, char *const *list,
					   size_t count)
{
	size_t i;

	jo_array(o, key);
	for (i = 0; i < count; i++)
	{
		jo_str(o, NULL, list[i]);
	}
	jo_array_end(o);
}

static void write_profile(struct json_out *o, const struct model_profile *p)
{
	write_list(o, "proposals", p->proposals, p->proposal_count);
	write_list(o, "esp_proposals", p->esp_proposals, p->esp_proposal_count);
	jo_u64(o, "rekey_time", p->rekey_time);
	jo_u64(o, "child_rekey_time", p->child_rekey_time);
	jo_u64(o, "dpd_delay", p->dpd_delay);
}

void admin_write_profile(struct json_out *o, const struct store_profile *p)
{
	jo_object(o, NULL);
	jo_str(o, "customer", p->customer);
	jo_str(o, "vpn", p->vpn);
	jo_str(o, "profile", p->name);
	write_profile(o, &p->profile);
	jo_object_end(o);
}

void admin_write_link(struct json_out *o, const struct store_link *link)
{
	jo_object(o, NULL);
	jo_str(o, "customer", link->customer);
	jo_str(o, "vpn", link->vpn);
	write_list(o, "sites", link->site, 2);
	jo_bool(o, "explicit", link->wanted);
	if (link->profile)
	{
		jo_str(o, "profile", link->profile);
	}
	if (link->cost)
	{
		jo_u64(o, "cost", link->cost);
	}
	if (link->initiator)
	{
		jo_str(o, "initiator", link->initiator);
	}
	jo_object_end(o);
}

/* before and after are JSON that we made ourselves */
void admin_write_audit_object(struct json_out *o,
							  const struct store_audit_object *object)
{
	jo_object(o, NULL);
	jo_str(o, "kind", object->kind);
	jo_str(o, "place", object->place);
	if (*object->before)
	{
		jo_raw(o, "before", object->before);
	}
	if (*object->after)
	{
		jo_raw(o, "after", object->after);
	}
	jo_object_end(o);
}

void admin_write_vpn(struct json_out *o, const struct store_vpn *v)
{
	char pool[PREFIX_TEXT_MAX];

	jo_object(o, NULL);
	jo_str(o, "customer", v->customer);
	jo_str(o, "vpn", v->vpn);
	jo_str(o, "description", v->description);
	jo_str(o, "external-id", v->external_id);
	jo_str(o, "domain", v->domain);
	jo_str(o, "topology", conf_topologies[v->topology]);
	jo_str(o, "grade", conf_grades[v->grade]);
	jo_bool(o, "internet-access", v->internet_access);
	jo_u64(o, "psk-rotation-days", v->psk_rotation_days);
	jo_str(o, "authentication", conf_authentications[v->authentication]);
	jo_str(o, "revocation", conf_revocations[v->revocation]);
	jo_str(o, "router-ids", prefix_str(&v->router_ids, pool));
	jo_u64(o, "mtu", v->mtu);
	write_addr(o, "area", &v->ospf.area);
	jo_u64(o, "hello-interval", v->ospf.hello_interval);
	jo_u64(o, "dead-interval", v->ospf.dead_interval);
	jo_u64(o, "cost", v->ospf.cost);
	jo_object(o, "retry");
	jo_u64(o, "minimum-wait", v->retry.minimum_wait);
	jo_u64(o, "t1", v->retry.t1);
	jo_u64(o, "factor", v->retry.factor);
	jo_u64(o, "maximum", v->retry.maximum);
	jo_u64(o, "alarm-after", v->retry.alarm_after);
	jo_object_end(o);
	jo_object(o, "sa-profile");
	write_profile(o, &v->profile);
	jo_object_end(o);
	jo_object_end(o);
}

static void write_prefixes(struct json_out *o, const char *key,
						   const struct prefix *prefixes, size_t count)
{
	char text[PREFIX_TEXT_MAX];
	size_t i;

	jo_array(o, key);
	for (i = 0; i < count; i++)
	{
		jo_str(o, NULL, prefix_str(&prefixes[i], text));
	}
	jo_array_end(o);
}

static void write_ce_members(struct json_out *o, const struct store_ce *ce)
{
	jo_str(o, "customer", ce->customer);
	jo_str(o, "ce", ce->ce);
	jo_str(o, "description", ce->description);
	jo_str(o, "external-id", ce->external_id);
	jo_bool(o, "suspended", ce->suspended);
	write_addr(o, "ce-address", &ce->address);
	jo_bool(o, "behind-nat", ce->behind_nat);
	write_prefixes(o, "dynamic", ce->dynamic, ce->dynamic_count);
	jo_bool(o, "enrolled", ce->enrolled);
	jo_bool(o, "revoked", ce->revoked);
	if (*ce->waiting_key)
	{
		jo_str(o, "waiting-key", ce->waiting_key);
	}
	write_ms(o, "waiting-since-ms", ce->waiting_ms);
	write_ms(o, "certificate-ends-ms",
			 ce->certificate_ends_ms ? ce->certificate_ends_ms : -1);
	if (*ce->ike_key)
	{
		jo_str(o, "ike-key", ce->ike_key);
		write_ms(o, "ike-key-since-ms", ce->ike_key_ms);
	}
	jo_u64(o, "revision", ce->revision);
	write_ms(o, "last-seen-ms", ce->last_seen_ms);
}

void admin_write_ce(struct json_out *o, const struct store_ce *ce)
{
	jo_object(o, NULL);
	write_ce_members(o, ce);
	jo_object_end(o);
}

static void write_certificate(struct json_out *o,
							  const struct store_ike_cert *cert)
{
	jo_object(o, "certificate");
	jo_str(o, "serial", cert->serial);
	write_ms(o, "issued-ms", cert->issued_ms);
	write_ms(o, "ends-ms", cert->ends_ms);
	jo_u64(o, "revision", cert->revision);
	jo_object_end(o);
}

void admin_write_site(struct json_out *o, const struct store_site *site)
{
	jo_object(o, NULL);
	jo_str(o, "customer", site->customer);
	jo_str(o, "vpn", site->vpn);
	jo_str(o, "site", site->site);
	jo_str(o, "ce", site->ce);
	write_addr(o, "ce-address", &site->ce_address);
	write_addr(o, "router-id", &site->router_id);
	jo_str(o, "role", conf_roles[site->role]);
	write_prefixes(o, "prefixes", site->prefixes, site->prefix_count);
	jo_str(o, "description", site->description);
	jo_str(o, "external-id", site->external_id);
	if (site->certificate.serial)
	{
		write_certificate(o, &site->certificate);
	}
	jo_object_end(o);
}

void admin_write_operator(struct json_out *o, const struct store_operator *op)
{
	size_t i;

	jo_object(o, NULL);
	jo_str(o, "operator", op->operator);
	jo_str(o, "description", op->description);
	jo_str(o, "unix-user", op->unix_user);
	jo_str(o, "role", access_roles[op->role]);
	jo_array(o, "customers");
	for (i = 0; i < op->grant_count; i++)
	{
		jo_object(o, NULL);
		jo_str(o, "customer", op->grants[i].customer);
		jo_str(o, "role", access_roles[op->grants[i].role]);
		jo_object_end(o);
	}
	jo_array_end(o);
	if (*op->key)
	{
		jo_object(o, "certificate");
		jo_str(o, "key", op->key);
		jo_u64(o, "serial", op->serial);
		write_ms(o, "expires-ms", op->expires_ms);
		jo_object_end(o);
	}
	jo_object_end(o);
}

void admin_write_audit(struct json_out *o, const struct store_audit *audit)
{
	jo_object(o, NULL);
	jo_u64(o, "revision", audit->revision);
	write_ms(o, "at-ms", audit->at_ms);
	jo_str(o, "actor", audit->actor);
	jo_str(o, "what", audit->what);
	jo_object_end(o);
}

/* ---- status ---------------------------------------------------------------- */

bool admin_end_is_up(const struct store_tunnel_end *end, int64_t stale_ms)
{
	return end->reported && end->reported_ms >= stale_ms &&
		   strcmp(end->status.state, "up") == 0;
}

static void write_service(struct json_out *o,
						  const struct store_tunnel_end *end)
{
	char key[16];
	int phase;

	for (phase = 0; phase < SERVICE_PHASE_COUNT; phase++)
	{
		snprintf(key, sizeof(key), "%s-ms", service_phase_names[phase]);
		write_ms(o, key, service_ms(end, (enum service_phase)phase));
	}
}

static void write_end(struct json_out *o, const struct store_tunnel_end *end,
					  int64_t stale_ms)
{
	const struct status_peer *p = &end->status;

	jo_object(o, NULL);
	jo_str(o, "site", end->site);
	jo_str(o, "ce", end->ce);
	jo_bool(o, "reported", end->reported);
	jo_bool(o, "up", admin_end_is_up(end, stale_ms));
	if (end->reported)
	{
		jo_bool(o, "stale", end->reported_ms < stale_ms);
		write_ms(o, "reported-ms", end->reported_ms);
		jo_str(o, "state", p->state);
		jo_str(o, "ike", p->ike);
		jo_str(o, "child", p->child);
		jo_str(o, "proposal", p->proposal);
		jo_str(o, "ospf", p->ospf);
		jo_bool(o, "route", p->route);
		jo_u64(o, "since", p->since);
		jo_u64(o, "attempts", p->attempts);
		jo_u64(o, "in-bytes", p->in_bytes);
		jo_u64(o, "out-bytes", p->out_bytes);
		jo_str(o, "last-error", p->last_error);
	}
	jo_object(o, "service");
	write_service(o, end);
	jo_object_end(o);
	jo_object_end(o);
}

static void write_key(struct json_out *o, const struct store_tunnel *t)
{
	jo_str(o, "authentication",
		   conf_authentications[t->generation ? MODEL_PRE_SHARED
											  : MODEL_CERTIFICATE]);
	jo_object(o, "key");
	jo_u64(o, "generation", t->generation);
	if (t->keyed_ms)
	{
		write_ms(o, "made-ms", t->keyed_ms);
	}
	if (t->step != ROTATION_DONE)
	{
		jo_str(o, "to", rotation_targets[t->target]);
		jo_str(o, "step", rotation_steps[t->step]);
	}
	jo_object_end(o);
}

void admin_write_rotation(struct json_out *o, const struct store_rotation *r)
{
	const struct store_rotation_end *end;
	int i;

	jo_object(o, NULL);
	jo_str(o, "customer", r->customer);
	jo_str(o, "vpn", r->vpn);
	jo_array(o, "sites");
	jo_str(o, NULL, r->end[0].site);
	jo_str(o, NULL, r->end[1].site);
	jo_array_end(o);
	jo_str(o, "to", rotation_targets[r->target]);
	jo_str(o, "step", r->step == ROTATION_DONE ? "waiting"
											   : rotation_steps[r->step]);
	if (r->step != ROTATION_DONE)
	{
		jo_u64(o, "generation", r->generation);
		jo_u64(o, "revision", r->revision);
		jo_u64(o, "begun-revision", r->command);
		write_ms(o, "begun-ms", r->begun_ms);
		write_ms(o, "step-ms", r->step_ms);
	}
	jo_array(o, "waits-for");
	for (i = 0; i < 2; i++)
	{
		end = &r->end[i];
		if (end->wait != ROTATION_CONFIRMED)
		{
			jo_object(o, NULL);
			jo_str(o, "site", end->site);
			jo_str(o, "ce", end->ce);
			jo_str(o, "reason", rotation_waits[end->wait]);
			jo_object_end(o);
		}
	}
	jo_array_end(o);
	jo_object_end(o);
}

void admin_write_tunnel(struct json_out *o, const struct store_tunnel *t,
						int64_t stale_ms)
{
	jo_object(o, NULL);
	jo_str(o, "customer", t->customer);
	jo_str(o, "vpn", t->vpn);
	jo_u64(o, "revision", t->revision);
	jo_bool(o, "up", admin_end_is_up(&t->end[0], stale_ms) &&
					 admin_end_is_up(&t->end[1], stale_ms));
	write_key(o, t);
	jo_array(o, "ends");
	write_end(o, &t->end[0], stale_ms);
	write_end(o, &t->end[1], stale_ms);
	jo_array_end(o);
	jo_object_end(o);
}

static const char *const result_names[] = {
	"applied", "partial", "rejected", "pending"
};
static const char *const severity_names[] = {
	"warning", "minor", "major", "critical", "cleared"
};

static void write_errors(struct json_out *o, const struct store_ce_status *st)
{
	size_t i;

	jo_array(o, "errors");
	for (i = 0; i < st->error_count; i++)
	{
		jo_object(o, NULL);
		jo_str(o, "code", st->errors[i].code);
		jo_str(o, "where", st->errors[i].where);
		jo_str(o, "text", st->errors[i].text);
		jo_object_end(o);
	}
	jo_array_end(o);
}

static void write_alarms(struct json_out *o, const struct store_ce_status *st)
{
	size_t i;

	jo_array(o, "alarms");
	for (i = 0; i < st->alarm_count; i++)
	{
		jo_object(o, NULL);
		jo_str(o, "code", st->alarms[i].code);
		jo_str(o, "resource", st->alarms[i].resource);
		jo_str(o, "severity", severity_names[st->alarms[i].severity]);
		jo_u64(o, "count", st->alarms[i].count);
		jo_u64(o, "age", st->alarms[i].age);
		jo_str(o, "text", st->alarms[i].text);
		jo_object_end(o);
	}
	jo_array_end(o);
}

void admin_write_status(struct json_out *o, const struct store_ce_status *st,
						size_t up, size_t total, int64_t stale_ms)
{
	jo_object(o, NULL);
	write_ce_members(o, &st->ce);
	if (st->reported)
	{
		write_ms(o, "reported-ms", st->reported_ms);
		jo_bool(o, "stale", st->reported_ms < stale_ms);
		jo_u64(o, "applied-epoch", st->applied_epoch);
		jo_u64(o, "applied-revision", st->applied_revision);
		jo_str(o, "result", result_names[st->result]);
		jo_str(o, "agent-version", st->agent_version);
	}
	jo_u64(o, "tunnels-up", up);
	jo_u64(o, "tunnels-total", total);
	write_errors(o, st);
	write_alarms(o, st);
	jo_object_end(o);
}

/* ---- time to service ------------------------------------------------------- */

void admin_write_services(struct json_out *o, const struct store_tunnel *t)
{
	int i;

	for (i = 0; i < 2; i++)
	{
		jo_object(o, NULL);
		jo_str(o, "customer", t->customer);
		jo_str(o, "vpn", t->vpn);
		jo_str(o, "site", t->end[i].site);
		jo_str(o, "peer", t->end[!i].site);
		jo_str(o, "ce", t->end[i].ce);
		write_service(o, &t->end[i]);
		jo_object_end(o);
	}
}

void admin_write_summary(struct json_out *o, const char *key,
						 const struct store_tunnel *tunnels, size_t count)
{
	struct service_summary summary;
	int phase;

	jo_array(o, key);
	for (phase = 0; phase < SERVICE_PHASE_COUNT; phase++)
	{
		service_summarize(tunnels, count, (enum service_phase)phase, &summary);
		jo_object(o, NULL);
		jo_str(o, "phase", service_phase_names[phase]);
		jo_u64(o, "count", summary.count);
		write_ms(o, "p50-ms", summary.p50);
		write_ms(o, "p95-ms", summary.p95);
		write_ms(o, "worst-ms", summary.worst);
		jo_object_end(o);
	}
	jo_array_end(o);
}
