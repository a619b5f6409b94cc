/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * metrics_text.c - numbers for monitoring, as Prometheus reads them
 *
 * Pure.
 */
#include "config.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "server/metrics_text.h"
#include "server/service.h"

#define LABELS(...) ((const struct metric_label[]){ __VA_ARGS__, { NULL, NULL } })
#define NUMBER_SIZE 40

/* ---- the format ------------------------------------------------------------ */

void metric_family(struct text *t, const char *name, const char *type,
				   const char *help)
{
	text_addf(t, "# HELP %s ", name);
	for (; *help; help++)
	{
		if (*help == '\\' || *help == '\n')
		{
			text_add(t, *help == '\n' ? "\\n" : "\\\\");
		}
		else
		{
			text_addn(t, help, 1);
		}
	}
	text_addf(t, "\n# TYPE %s %s\n", name, type);
}

static void add_value(struct text *t, const char *s)
{
	size_t left = strlen(s), len;

	for (; left; s += len, left -= len)
	{
		len = utf8_sequence(s, left);
		if (*s == '\\' || *s == '"' || *s == '\n')
		{
			text_add(t, *s == '\n' ? "\\n" : *s == '"' ? "\\\"" : "\\\\");
		}
		else if (len == 0 || (unsigned char)*s < 0x20 || *s == 0x7f)
		{
			text_add(t, "?");
		}
		else
		{
			text_addn(t, s, len);
		}
		len = len ? len : 1;
	}
}

void metric_sample(struct text *t, const char *name,
				   const struct metric_label *labels, const char *value)
{
	const struct metric_label *label;

	text_add(t, name);
	for (label = labels; label && label->name; label++)
	{
		text_addf(t, "%s%s=\"", label == labels ? "{" : ",", label->name);
		add_value(t, label->value);
		text_add(t, "\"");
	}
	text_addf(t, "%s %s\n", labels && labels->name ? "}" : "", value);
}

static void sample_u64(struct text *t, const char *name,
					   const struct metric_label *labels, uint64_t value)
{
	char number[NUMBER_SIZE];

	snprintf(number, sizeof(number), "%" PRIu64, value);
	metric_sample(t, name, labels, number);
}

/* Milliseconds as seconds, without a locale's idea of a decimal point. */
static void sample_ms(struct text *t, const char *name,
					  const struct metric_label *labels, int64_t ms)
{
	char number[NUMBER_SIZE];
	uint64_t size = ms < 0 ? 0 - (uint64_t)ms : (uint64_t)ms;

	snprintf(number, sizeof(number), "%s%" PRIu64 ".%03u", ms < 0 ? "-" : "",
			 size / 1000, (unsigned)(size % 1000));
	metric_sample(t, name, labels, number);
}

#define GAUGE(t, name, help) metric_family(t, name, "gauge", help)
#define COUNTER(t, name, help) metric_family(t, name, "counter", help)

/* ---- the process -------------------------------------------------------------- */

static void add_process(const struct metrics *m, struct text *t)
{
	GAUGE(t, "ppvpn_build_info", "Version of ppvpn-server; always 1.");
	sample_u64(t, "ppvpn_build_info", LABELS({ "version", m->version }), 1);
	GAUGE(t, "ppvpn_up", "1: the component works; 0: it does not, and series "
		  "that depend on it are absent.");
	sample_u64(t, "ppvpn_up", LABELS({ "component", "database" }),
			   m->database != NULL);
	GAUGE(t, "process_start_time_seconds",
		  "Start of the process, in seconds since 1970.");
	sample_ms(t, "process_start_time_seconds", NULL, m->started_ms);
	GAUGE(t, "ppvpn_report_interval_seconds", "How often CEs are told to "
		  "report. A CE is silent after three of these.");
	sample_u64(t, "ppvpn_report_interval_seconds", NULL, m->report_interval_s);
	GAUGE(t, "ppvpn_certificate_expiry_timestamp_seconds",
		  "When the certificate ends, in seconds since 1970.");
	sample_u64(t, "ppvpn_certificate_expiry_timestamp_seconds",
			   LABELS({ "certificate", "server" }),
			   (uint64_t)m->server_expires_s);
	sample_u64(t, "ppvpn_certificate_expiry_timestamp_seconds",
			   LABELS({ "certificate", "ca" }), (uint64_t)m->ca_expires_s);
}

static const struct
{
	const char *name, *help;
	size_t offset;
} listener_gauges[] = {
	{ "ppvpn_http_parked_requests", "Requests that wait for a change.",
	  offsetof(struct http_stats, parked) },
	{ "ppvpn_http_connections", "Open connections.",
	  offsetof(struct http_stats, connections) },
	{ "ppvpn_http_connections_limit", "Connections that are allowed at once.",
	  offsetof(struct http_stats, connection_limit) },
};

static void add_listeners(const struct metrics *m, struct text *t)
{
	static const char *const classes[HTTP_CLASSES] = {
		"1xx", "2xx", "3xx", "4xx", "5xx"
	};
	const char *const name = "ppvpn_http_requests_total";
	size_t i, g;
	int c;

	for (g = 0; g < sizeof(listener_gauges) / sizeof(listener_gauges[0]); g++)
	{
		GAUGE(t, listener_gauges[g].name, listener_gauges[g].help);
		for (i = 0; i < m->listener_count; i++)
		{
			sample_u64(t, listener_gauges[g].name,
					   LABELS({ "listener", m->listeners[i].name }),
					   *(const size_t *)(const void *)
					   ((const char *)&m->listeners[i].stats +
						listener_gauges[g].offset));
		}
	}
	COUNTER(t, name, "Requests answered, by class of status.");
	for (i = 0; i < m->listener_count; i++)
	{
		/* nothing is ever answered with 1xx */
		for (c = 1; c < HTTP_CLASSES; c++)
		{
			sample_u64(t, name, LABELS({ "listener", m->listeners[i].name },
									   { "code", classes[c] }),
					   m->listeners[i].stats.answers[c]);
		}
	}
}

/* Rows of one family stand together. */
static const struct
{
	const char *name, *help, *label, *value;
	enum counter counter;
} counters[] = {
	{ "ppvpn_commits_total", "Changes that this process committed.", NULL,
	  NULL, COUNTER_COMMITS },
	{ "ppvpn_database_errors_total", "Statements that the database failed.",
	  NULL, NULL, COUNTER_DATABASE_ERRORS },
	{ "ppvpn_documents_built_total", "Documents built for CEs.", NULL, NULL,
	  COUNTER_DOCUMENTS },
	{ "ppvpn_enrolments_total", "Requests to enrol, by outcome: issued, "
	  "repeated (a lost answer once more), refused; renewed: certificates that "
	  "routers took over from an older one.", "outcome", "issued",
	  COUNTER_ENROLLED },
	{ "ppvpn_enrolments_total", NULL, "outcome", "repeated",
	  COUNTER_ENROLLED_AGAIN },
	{ "ppvpn_enrolments_total", NULL, "outcome", "renewed",
	  COUNTER_RENEWED },
	{ "ppvpn_enrolments_total", NULL, "outcome", "refused",
	  COUNTER_ENROL_REFUSED },
};

static void add_counters(const struct metrics *m, struct text *t)
{
	size_t i;

	for (i = 0; i < sizeof(counters) / sizeof(counters[0]); i++)
	{
		if (counters[i].help)
		{
			COUNTER(t, counters[i].name, counters[i].help);
		}
		sample_u64(t, counters[i].name,
				   LABELS({ counters[i].label, counters[i].value }),
				   m->counters[counters[i].counter]);
	}
}

static void add_ways(const struct metrics *m, struct text *t)
{
	const char *const name = "ppvpn_alarm_deliveries_total";
	size_t i;

	if (!m->way_count)
	{
		return;
	}
	COUNTER(t, name, "Alarm events that left this server, by way and outcome: "
			"delivered, failed (an attempt, it is made again), dropped (the "
			"receiver refuses the event).");
	for (i = 0; i < m->way_count; i++)
	{
		sample_u64(t, name, LABELS({ "way", m->ways[i].name },
								   { "outcome", "delivered" }),
				   m->ways[i].delivered);
		sample_u64(t, name, LABELS({ "way", m->ways[i].name },
								   { "outcome", "failed" }),
				   m->ways[i].failed);
		sample_u64(t, name, LABELS({ "way", m->ways[i].name },
								   { "outcome", "dropped" }),
				   m->ways[i].dropped);
	}
}

/* ---- routers ---------------------------------------------------------------------- */

static const char *const severities[STATUS_CLEARED] = {
	"warning", "minor", "major", "critical"
};

/* false: it has no such sample */
typedef bool (*ce_fn)(const struct store_metrics_ce *ce, int64_t *ms);

static bool ce_enrolled(const struct store_metrics_ce *ce, int64_t *value)
{
	*value = ce->enrolled;
	return true;
}

static bool ce_lag(const struct store_metrics_ce *ce, int64_t *value)
{
	*value = (int64_t)ce->lag;
	return ce->reported_ms >= 0;
}

static const struct
{
	const char *name, *help;
	ce_fn fn;
} ce_gauges[] = {
	{ "ppvpn_ce_enrolled", "1: the CE has a certificate.", ce_enrolled },
	{ "ppvpn_ce_revision_lag", "Revisions from the one that the CE applied to "
	  "the newest that concerns it; absent before its first report.", ce_lag },
};

#define CE_LABELS(row) \
	{ "customer", (row)->customer }, { "ce", (row)->ce }

static void add_ce_alarms(const struct store_metrics *d, struct text *t)
{
	size_t i;
	int s;

	GAUGE(t, "ppvpn_ce_alarms", "Alarms in a CE's last report, by severity; "
		  "absent where there is none.");
	for (i = 0; i < d->ce_count; i++)
	{
		for (s = 0; s < STATUS_CLEARED; s++)
		{
			if (d->ces[i].alarms[s])
			{
				sample_u64(t, "ppvpn_ce_alarms",
						   LABELS(CE_LABELS(&d->ces[i]),
								  { "severity", severities[s] }),
						   d->ces[i].alarms[s]);
			}
		}
	}
	GAUGE(t, "ppvpn_alarms", "Alarms that are raised, of all CEs and of the "
		  "server, by severity.");
	for (s = 0; s < STATUS_CLEARED; s++)
	{
		sample_u64(t, "ppvpn_alarms", LABELS({ "severity", severities[s] }),
				   d->alarms[s]);
	}
}

static void add_ces(const struct store_metrics *d, struct text *t)
{
	const struct store_metrics_ce *ce;
	int64_t value;
	size_t i, g;

	for (g = 0; g < sizeof(ce_gauges) / sizeof(ce_gauges[0]); g++)
	{
		GAUGE(t, ce_gauges[g].name, ce_gauges[g].help);
		for (ce = d->ces; ce < d->ces + d->ce_count; ce++)
		{
			if (ce_gauges[g].fn(ce, &value))
			{
				sample_u64(t, ce_gauges[g].name, LABELS(CE_LABELS(ce)),
						   (uint64_t)value);
			}
		}
	}
	GAUGE(t, "ppvpn_ce_last_report_timestamp_seconds", "When the CE reported "
		  "last, in seconds since 1970; absent before its first report.");
	for (i = 0; i < d->ce_count; i++)
	{
		if (d->ces[i].reported_ms >= 0)
		{
			sample_ms(t, "ppvpn_ce_last_report_timestamp_seconds",
					  LABELS(CE_LABELS(&d->ces[i])), d->ces[i].reported_ms);
		}
	}
	GAUGE(t, "ppvpn_ce_result", "What became of the CE's document, as a label: "
		  "applied, partial, rejected or pending; always 1.");
	for (i = 0; i < d->ce_count; i++)
	{
		if (d->ces[i].reported_ms >= 0)
		{
			sample_u64(t, "ppvpn_ce_result",
					   LABELS(CE_LABELS(&d->ces[i]),
							  { "result", d->ces[i].result }), 1);
		}
	}
	add_ce_alarms(d, t);
}

/* ---- sites, tunnels ------------------------------------------------------------------ */

enum site_gauge { SITE_ACTIVE, SITE_TUNNELS, SITE_TUNNELS_UP };

static const struct { const char *name, *help; } site_gauges[] = {
	[SITE_ACTIVE] = { "ppvpn_site_active", "1: the site's CE has reported "
		"within three report intervals." },
	[SITE_TUNNELS] = { "ppvpn_site_tunnels", "Tunnels that the site is "
		"configured to have." },
	[SITE_TUNNELS_UP] = { "ppvpn_site_tunnels_up", "Those of them that are "
		"up at both ends." },
};

static uint64_t site_value(const struct store_metrics_site *site,
						   enum site_gauge g)
{
	switch (g)
	{
		case SITE_ACTIVE:
			return site->active;
		case SITE_TUNNELS:
			return site->tunnels;
		case SITE_TUNNELS_UP:
			break;
	}
	return site->tunnels > site->down ? site->tunnels - site->down : 0;
}

#define SITE_LABELS(row) \
	{ "customer", (row)->customer }, { "vpn", (row)->vpn }, \
	{ "site", (row)->site }

static void add_sites(const struct store_metrics *d, struct text *t)
{
	const struct store_metrics_site *site;
	size_t g;

	GAUGE(t, "ppvpn_site_info", "The CE of a site; always 1.");
	for (site = d->sites; site < d->sites + d->site_count; site++)
	{
		sample_u64(t, "ppvpn_site_info",
				   LABELS(SITE_LABELS(site), { "ce", site->ce }), 1);
	}
	for (g = 0; g < sizeof(site_gauges) / sizeof(site_gauges[0]); g++)
	{
		GAUGE(t, site_gauges[g].name, site_gauges[g].help);
		for (site = d->sites; site < d->sites + d->site_count; site++)
		{
			sample_u64(t, site_gauges[g].name, LABELS(SITE_LABELS(site)),
					   site_value(site, (enum site_gauge)g));
		}
	}
}

static void add_down(const struct store_metrics *d, struct text *t)
{
	const struct store_metrics_site *site;
	size_t i;

	GAUGE(t, "ppvpn_tunnel_down", "A tunnel that is not up at both ends, and "
		  "only such a one; always 1.");
	for (i = 0; i < d->down_count; i++)
	{
		site = &d->sites[d->down[i].site];
		sample_u64(t, "ppvpn_tunnel_down",
				   LABELS(SITE_LABELS(site),
						  { "peer", d->sites[d->down[i].peer].site }), 1);
	}
	GAUGE(t, "ppvpn_tunnels_down_omitted", "Tunnels that are down and have no "
		  "series, because there are too many of them.");
	sample_u64(t, "ppvpn_tunnels_down_omitted", NULL, d->down_omitted);
}

/* ---- service -------------------------------------------------------------------------- */

static void add_phase(const struct service_summary *sum, const char *phase,
					  struct text *t)
{
	const struct
	{
		const char *name;
		int64_t ms;
	} rows[] = {
		{ "p50", sum->p50 }, { "p95", sum->p95 }, { "worst", sum->worst },
	};
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
	{
		if (rows[i].ms >= 0)
		{
			sample_ms(t, "ppvpn_time_to_service_seconds",
					  LABELS({ "phase", phase }, { "rank", rows[i].name }),
					  rows[i].ms);
		}
	}
}

static void add_service(const struct store_metrics *d, struct text *t)
{
	struct service_summary sums[SERVICE_PHASE_COUNT];
	int phase;

	GAUGE(t, "ppvpn_time_to_service_seconds", "From a commit to the first "
		  "route over its tunnel, by phase (notify, fetch, apply, ike, ospf, "
		  "route, total) and rank (p50, p95, worst), over the ends of tunnels "
		  "made in the last 24 hours; absent where none is known.");
	for (phase = 0; phase < SERVICE_PHASE_COUNT; phase++)
	{
		service_summarize(d->recent, d->recent_count,
						  (enum service_phase)phase, &sums[phase]);
		add_phase(&sums[phase], service_phase_names[phase], t);
	}
	GAUGE(t, "ppvpn_time_to_service_ends",
		  "Ends of tunnels that these times are taken from.");
	for (phase = 0; phase < SERVICE_PHASE_COUNT; phase++)
	{
		sample_u64(t, "ppvpn_time_to_service_ends",
				   LABELS({ "phase", service_phase_names[phase] }),
				   sums[phase].count);
	}
}

static void add_database(const struct metrics *m, struct text *t)
{
	const struct store_metrics *d = m->database;

	GAUGE(t, "ppvpn_database_scrape_duration_seconds",
		  "How long the database took for these numbers.");
	sample_ms(t, "ppvpn_database_scrape_duration_seconds", NULL, m->look_ms);
	GAUGE(t, "ppvpn_epoch", "The database's incarnation; raised by a restore.");
	sample_u64(t, "ppvpn_epoch", NULL, d->epoch);
	GAUGE(t, "ppvpn_revision", "Changes in the database, of all servers.");
	sample_u64(t, "ppvpn_revision", NULL, d->revision);
	GAUGE(t, "ppvpn_notifications_open", "CEs that report and were not handed "
		  "their newest document yet.");
	sample_u64(t, "ppvpn_notifications_open", NULL, d->open_notifications);
	GAUGE(t, "ppvpn_notification_lag_seconds", "Age of the oldest change of "
		  "these; 0 when there is none.");
	sample_ms(t, "ppvpn_notification_lag_seconds", NULL,
			  d->oldest_open_ms >= 0 && m->now_ms > d->oldest_open_ms ?
			  m->now_ms - d->oldest_open_ms : 0);
	add_ces(d, t);
	add_sites(d, t);
	add_down(d, t);
	add_service(d, t);
}

void metrics_render(const struct metrics *m, struct text *t)
{
	add_process(m, t);
	add_listeners(m, t);
	add_counters(m, t);
	add_ways(m, t);
	if (m->database)
	{
		add_database(m, t);
	}
}
