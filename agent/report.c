/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * report.c - the agent's state as JSON
 */
#include "config.h"

#include <string.h>

#include "agent.h"
#include "alloc.h"
#include "charon.h"
#include "diag.h"
#include "frr.h"
#include "json_out.h"
#include "loop.h"
#include "metrics.h"
#include "report.h"
#include "schema.h"
#include "screen.h"

static const char *const results[] = {
	[STATUS_APPLIED] = "applied", [STATUS_PARTIAL] = "partial",
	[STATUS_REJECTED] = "rejected", [STATUS_PENDING] = "pending",
};

static const char *const severities[] = {
	[STATUS_WARNING] = "warning", [STATUS_MINOR] = "minor",
	[STATUS_MAJOR] = "major", [STATUS_CRITICAL] = "critical",
	[STATUS_CLEARED] = "cleared",
};

static enum status_result result(const struct agent *a,
								 const struct provider_status *ps)
{
	if (ps->rejected)
	{
		return STATUS_REJECTED;
	}
	if (!a->doc || a->doc_pending)
	{
		return STATUS_PENDING;
	}
	return a->converged && !a->error_count ? STATUS_APPLIED : STATUS_PARTIAL;
}

static uint64_t seconds_since(uint64_t ms)
{
	return ms ? (loop_now_ms() - ms) / 1000 : 0;
}

/* ---- for the server -------------------------------------------------------- */

static void fill_peer(struct arena *arena, const struct tunnel *t,
					  struct status_peer *p)
{
	p->customer = arena_strdup(arena, t->customer);
	p->vpn = arena_strdup(arena, t->vpn);
	p->peer = arena_strdup(arena, t->peer);
	p->state = arena_strdup(arena, peer_state_name(t->state));
	p->ike = arena_strdup(arena, t->ike);
	p->child = arena_strdup(arena, t->child);
	p->proposal = arena_strdup(arena, t->proposal);
	p->ospf = arena_strdup(arena, t->ospf);
	p->route = t->route;
	p->since = seconds_since(t->since_ms);
	p->attempts = t->failures;
	p->in_bytes = t->in_bytes;
	p->out_bytes = t->out_bytes;
	p->last_error = arena_strdup(arena, err_code_text(t->last_error));
	p->has_service = t->has_service;
	p->service = t->service;
}

static void fill_error(struct arena *arena, const struct err *from,
					   struct status_report *r)
{
	struct status_error *e;

	if (from->code != ERR_NONE && r->error_count < AGENT_ERRORS_MAX)
	{
		e = &r->errors[r->error_count++];
		e->code = arena_strdup(arena, err_code_text(from->code));
		e->where = arena_strdup(arena, from->where);
		e->text = arena_strdup(arena, from->text);
	}
}

static void fill_errors(struct arena *arena, const struct agent *a,
						const struct provider_status *ps,
						struct status_report *r)
{
	r->errors = arena_calloc(arena, AGENT_ERRORS_MAX + 1, sizeof(*r->errors));
	for (size_t i = 0; i < a->error_count; i++)
	{
		fill_error(arena, &a->errors[i].err, r);
	}
	fill_error(arena, &ps->refusal, r);
	fill_error(arena, &ps->skew, r);
	if (ps->error.code != ps->refusal.code && ps->error.code != ps->skew.code)
	{
		fill_error(arena, &ps->error, r);
	}
}

static void fill_alarms(struct arena *arena, const struct agent *a,
						struct status_report *r)
{
	r->alarm_count = a->alarms.count;
	r->alarms = arena_calloc(arena, r->alarm_count + 1, sizeof(*r->alarms));
	for (size_t i = 0; i < a->alarms.count; i++)
	{
		const struct alarm *from = &a->alarms.items[i];
		struct status_alarm *to = &r->alarms[i];

		to->code = arena_strdup(arena, err_code_text(from->code));
		to->resource = arena_strdup(arena, from->resource);
		to->severity = from->severity;
		to->count = from->count;
		to->age = seconds_since(from->raised_ms);
		to->text = arena_strdup(arena, from->text);
	}
}

#define ENCODER(name, encoder) encoder,
static struct text (*const encoders[])(const struct status_report *) = {
	SCHEMA_STATUS(ENCODER)
};
#undef ENCODER

struct text report_for_server(struct agent *a)
{
	struct arena *arena = arena_new();
	struct provider_status ps;
	struct status_report r = {
		.ce = a->identity.ce, .boot_id = a->boot_id, .seq = ++a->seq,
		.agent_version = (char*)PACKAGE_VERSION,
		.uptime = seconds_since(a->started_ms),
		.peer_count = tunnels_count(a->tunnels),
	};
	struct text out;

	provider_status(a->provider, &ps);
	r.epoch = ps.epoch;
	r.revision = ps.revision;
	r.result = result(a, &ps);
	r.on_trial = a->doc && !ps.kept;
	r.has_address = a->missing;
	r.address = a->address;
	fill_errors(arena, a, &ps, &r);
	fill_alarms(arena, a, &r);
	r.peers = arena_calloc(arena, r.peer_count + 1, sizeof(*r.peers));
	for (size_t i = 0; i < r.peer_count; i++)
	{
		fill_peer(arena, tunnels_get(a->tunnels, i), &r.peers[i]);
	}
	out = encoders[ps.report_schema](&r);
	arena_free(arena);
	return out;
}

/* ---- for ppvpnctl ---------------------------------------------------------- */

static size_t count_up(const struct agent *a, const struct model_vpn *vpn)
{
	size_t n = 0;

	for (size_t i = 0; i < tunnels_count(a->tunnels); i++)
	{
		const struct tunnel *t = tunnels_get(a->tunnels, i);

		n += t->state == PEER_UP && strcmp(t->vpn, vpn->vpn) == 0 &&
			 strcmp(t->customer, vpn->customer) == 0;
	}
	return n;
}

/* What this router has to show in a VPN: without authorities nothing is needed. */
static void put_certificate(struct json_out *o, const struct agent *a,
							const struct model_vpn *vpn)
{
	const struct ike_vpn *ike = ike_vpn(a, vpn->customer, vpn->vpn);

	jo_str(o, "certificate", !ike ? "none" : !ike->own ? "waiting" :
		   ike->ended ? "ended" : "own");
	jo_u64(o, "certificate-ends", ike && ike->own ?
		   (uint64_t)ike->life.until_s : 0);
}

static void put_vpns(struct json_out *o, const struct agent *a)
{
	jo_array(o, "vpns");
	for (size_t i = 0; a->doc && i < a->doc->vpn_count; i++)
	{
		const struct model_vpn *vpn = &a->doc->vpns[i];
		const struct conf_vpn *place = conf_vpn(&a->conf, vpn->customer,
												vpn->vpn);

		jo_object(o, NULL);
		jo_str(o, "customer", vpn->customer);
		jo_str(o, "vpn", vpn->vpn);
		jo_str(o, "site", vpn->site);
		jo_str(o, "vrf", place ? place->vrf : "");
		jo_u64(o, "peers", vpn->peer_count);
		jo_u64(o, "up", count_up(a, vpn));
		put_certificate(o, a, vpn);
		jo_object_end(o);
	}
	jo_array_end(o);
}

static void put_errors(struct json_out *o, const struct agent *a,
					   const struct provider_status *ps)
{
	jo_array(o, "errors");
	for (size_t i = 0; i < a->error_count; i++)
	{
		jo_err(o, NULL, &a->errors[i].err);
	}
	if (ps->error.code != ERR_NONE)
	{
		jo_err(o, NULL, &ps->error);
	}
	if (ps->refusal.code != ERR_NONE && ps->refusal.code != ps->error.code)
	{
		jo_err(o, NULL, &ps->refusal);
	}
	if (ps->skew.code != ERR_NONE && ps->skew.code != ps->error.code)
	{
		jo_err(o, NULL, &ps->skew);
	}
	jo_array_end(o);
}

struct text report_status(const struct agent *a)
{
	struct json_out o = {0};
	struct provider_status ps;

	provider_status(a->provider, &ps);
	jo_object(&o, NULL);
	jo_str(&o, "ce", a->identity.ce);
	jo_str(&o, "server", ps.server);
	jo_u64(&o, "enrolled", a->enrolled);
	jo_u64(&o, "certificate-ends", (uint64_t)a->renew.life.until_s);
	jo_str(&o, "ike-key", a->ike.id);
	jo_bool(&o, "connected", ps.connected);
	jo_u64(&o, "epoch", ps.epoch);
	jo_u64(&o, "revision", ps.revision);
	jo_bool(&o, "confirmed", ps.confirmed);
	jo_str(&o, "state", a->left ? "left" : a->leaving ? "leaving" :
		   !a->doc ? "none" : ps.deprovisioned ? "deprovisioned" :
		   ps.suspended ? "suspended" : "active");
	jo_str(&o, "result", ps.deprovisioned || a->leaving ? "deprovisioned" :
		   results[result(a, &ps)]);
	jo_u64(&o, "since", seconds_since(ps.since_ms));
	jo_bool(&o, "charon", charon_hello(a->charon) != NULL);
	jo_bool(&o, "frr", frr_running(a->frr));
	jo_bool(&o, "converged", a->converged);
	jo_str(&o, "firewall", screen_state(a));
	jo_u64(&o, "firewall-refused", screen_refused(a));
	put_vpns(&o, a);
	put_errors(&o, a, &ps);
	jo_u64(&o, "alarms", alarm_active(&a->alarms));
	jo_object_end(&o);
	return jo_take(&o);
}

static void put_peer(struct json_out *o, const struct tunnel *t)
{
	char buf[ADDR_TEXT_MAX];
	uint64_t now = loop_now_ms();

	jo_object(o, NULL);
	jo_str(o, "customer", t->customer);
	jo_str(o, "vpn", t->vpn);
	jo_str(o, "peer", t->peer);
	jo_str(o, "link", t->link);
	jo_str(o, "remote-address", addr_str(&t->remote, buf));
	jo_str(o, "state", peer_state_name(t->state));
	jo_u64(o, "since", seconds_since(t->since_ms));
	jo_str(o, "ike", t->ike);
	jo_str(o, "child", t->child);
	jo_str(o, "authentication", t->authentication ? t->authentication : "");
	jo_str(o, "proposal", t->proposal);
	jo_str(o, "ospf", t->ospf);
	jo_bool(o, "route", t->route);
	jo_u64(o, "in-bytes", t->in_bytes);
	jo_u64(o, "out-bytes", t->out_bytes);
	jo_u64(o, "attempts", t->failures);
	jo_u64(o, "next-retry", t->state != PEER_CONNECTING && t->timer_ms > now ?
		   (t->timer_ms - now + 999) / 1000 : 0);
	jo_str(o, "last-error", err_code_text(t->last_error));
	jo_object_end(o);
}

struct text report_peers(const struct agent *a)
{
	struct json_out o = {0};

	jo_object(&o, NULL);
	jo_array(&o, "peers");
	for (size_t i = 0; i < tunnels_count(a->tunnels); i++)
	{
		put_peer(&o, tunnels_get(a->tunnels, i));
	}
	jo_array_end(&o);
	jo_object_end(&o);
	return jo_take(&o);
}

static void put_alarm(struct json_out *o, const struct alarm *alarm)
{
	jo_object(o, NULL);
	jo_str(o, "code", err_code_text(alarm->code));
	jo_str(o, "resource", alarm->resource);
	jo_str(o, "severity", severities[alarm->severity]);
	jo_u64(o, "count", alarm->count);
	jo_u64(o, "age", seconds_since(alarm->raised_ms));
	jo_str(o, "text", alarm->text);
	jo_object_end(o);
}

struct text report_alarms(const struct agent *a)
{
	struct json_out o = {0};

	jo_object(&o, NULL);
	jo_array(&o, "alarms");
	for (size_t i = 0; i < a->alarms.count; i++)
	{
		put_alarm(&o, &a->alarms.items[i]);
	}
	jo_array_end(&o);
	jo_object_end(&o);
	return jo_take(&o);
}

/* ---- for Prometheus -------------------------------------------------------- */

static void fill_metrics_tunnel(const struct tunnel *t,
								struct metrics_tunnel *m)
{
	*m = (struct metrics_tunnel){
		.customer = t->customer, .vpn = t->vpn, .peer = t->peer,
		.state = peer_state_name(t->state),
		.last_error = err_code_text(t->last_error),
		.up = t->state == PEER_UP, .ospf_full = strcmp(t->ospf, "Full") == 0,
		.route = t->route, .silent = t->silent,
		.in_bytes = t->in_bytes, .out_bytes = t->out_bytes, .ups = t->ups,
		.failures = t->failures, .seconds = seconds_since(t->since_ms),
	};
}

struct text report_metrics(const struct agent *a)
{
	struct arena *arena = arena_new();
	size_t count = tunnels_count(a->tunnels);
	struct metrics_tunnel *tunnels = arena_calloc(arena, count + 1,
												  sizeof(*tunnels));
	struct provider_status ps;
	struct metrics m = {
		.version = PACKAGE_VERSION, .ce = a->identity.ce,
		.charon = charon_hello(a->charon) != NULL, .frr = frr_running(a->frr),
		.converged = a->converged, .uptime = seconds_since(a->started_ms),
		.initiated = a->counts.initiated, .failed = a->counts.failed,
		.unknown_peers = a->counts.unknown_peers,
		.unknown_asked = a->counts.unknown_asked,
		.tunnels = tunnels, .tunnel_count = count,
	};
	struct json_out o = {0};
	struct text text = {0};
	char *rest = NULL;

	provider_status(a->provider, &ps);
	m.connected = ps.connected;
	m.epoch = ps.epoch;
	m.revision = ps.revision;
	m.applied = result(a, &ps) == STATUS_APPLIED;
	for (size_t i = 0; i < count; i++)
	{
		fill_metrics_tunnel(tunnels_get(a->tunnels, i), &tunnels[i]);
	}
	for (size_t i = 0; i < a->alarms.count; i++)
	{
		if (a->alarms.items[i].severity != STATUS_CLEARED)
		{
			m.alarms[a->alarms.items[i].severity]++;
		}
	}
	m.firewall_enforced = strcmp(screen_state(a), "enforce") == 0;
	m.firewall_words = firewall_counts;
	m.firewall_packets = a->screen.last.packets;
	m.firewall_count = FIREWALL_COUNT_COUNT;
	metrics_text(&text, &m);
	jo_object(&o, NULL);
	jo_array(&o, "lines");
	for (char *line = strtok_r((char*)text_str(&text), "\n", &rest); line;
		 line = strtok_r(NULL, "\n", &rest))
	{
		jo_str(&o, NULL, line);
	}
	jo_array_end(&o);
	jo_object_end(&o);
	text_done(&text);
	arena_free(arena);
	return jo_take(&o);
}

/* ---- for a person far away ------------------------------------------------- */

static void diag_alarms(struct json_out *o, const struct agent *a)
{
	struct diag_list l;

	diag_list_begin(&l, o, "alarms", 12u << 10);
	for (size_t i = 0; i < a->alarms.count; i++)
	{
		if (diag_list_next(&l))
		{
			put_alarm(o, &a->alarms.items[i]);
		}
	}
	diag_list_end(&l, "alarms-count");
}

/* Those that are not up first: they are what is asked about. */
static void diag_peers(struct json_out *o, const struct agent *a)
{
	struct diag_list l;

	diag_list_begin(&l, o, "peers", 32u << 10);
	for (int up = 0; up < 2; up++)
	{
		for (size_t i = 0; i < tunnels_count(a->tunnels); i++)
		{
			const struct tunnel *t = tunnels_get(a->tunnels, i);

			if ((t->state == PEER_UP) == up && diag_list_next(&l))
			{
				put_peer(o, t);
			}
		}
	}
	diag_list_end(&l, "peers-count");
}

struct text report_diag(const struct agent *a, const struct plan *plan,
						const struct desired *desired,
						const struct observation *seen)
{
	struct text status = report_status(a);
	struct json_out o = {0};

	jo_object(&o, NULL);
	jo_str(&o, "schema", DIAG_SCHEMA);
	jo_str(&o, "ce", a->identity.ce);
	jo_str(&o, "agent-version", PACKAGE_VERSION);
	jo_str(&o, "boot-id", a->boot_id);
	jo_u64(&o, "uptime", seconds_since(a->started_ms));
	jo_raw(&o, "status", text_str(&status));
	diag_alarms(&o, a);
	diag_peers(&o, a);
	diag_put_plan(&o, plan, desired);
	diag_put_seen(&o, seen);
	jo_object_end(&o);
	text_done(&status);
	return jo_take(&o);
}
