/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * store_alarm_rules.c - what the server itself finds wrong, by a table of rules
 *
 * Level-triggered: each rule says what is wrong now; that is compared with what
 * the ledger has raised under its code. A read transaction finds out whether
 * anything differs; only then a writing one looks again and writes, so that of
 * several servers one raises an alarm and the others find it there.
 */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "server/store_alarm.h"

#define STALE_REPORTS 3		/* as everywhere */
#define DAY_S 86400
#define CERTIFICATE_WARNING_DAYS 60
#define CERTIFICATE_MAJOR_DAYS 14
#define PRUNE_MAX 1000		/* cleared alarms at a time */

/*
 * Rows: resource, severity, text, customer, vpn, site, peer, ce, site_a, site_b;
 * the same ones first at every look, so that those beyond STORE_RULE_MAX are
 * always the same. $1, $2, $3 are what args says: n now, s reports before it are
 * stale, l 1: this server has listened so long that who lives has reported,
 * b when it began.
 */
struct rule
{
	enum err_code code;
	const char *args, *sql;
};
#define ARGS_MAX 3

/* While a server starts, what is raised stays and nothing new is. */
#define LISTENED_OR_RAISED(arg, code) \
	"(" arg " = 1 OR EXISTS (SELECT 1 FROM alarm x WHERE x.origin = 0 " \
	"AND x.resource = cu.name || '/' || ce.name AND x.code = '" code "' " \
	"AND x.cleared_ms = 0)) "

/* So soon (ms), and within this part of its life, where that is short; as
 * agent/lifetime.h has it. */
#define ENDS_WITHIN(ms, part) "(k.ends_ms < $1 + " ms \
	" AND (k.ends_ms - $1) * " part " < k.ends_ms - k.issued_ms)"

/*
 * Ends of tunnels that are to move to certificates and have waited for more than
 * a day, with the first revision that has this end's; one that never is, where
 * it has none.
 */
#define UNCERTIFIED(end) \
	"SELECT l." end ", coalesce((SELECT c.revision FROM ike_certificate c " \
	"WHERE c.site_id = l." end " AND c.superseded = 0), 9007199254740991) " \
	"FROM vpn v JOIN vpn_authority y ON y.vpn_id = v.id " \
	"AND y.state = 'current' AND y.issued_ms < $1 - 86400000 " \
	"JOIN link l ON l.vpn_id = v.id AND l.certificate_use = '' " \
	"AND l.keyed_ms < $1 - 86400000 WHERE v.moving = 1 " \
	"AND v.authentication = 'certificate' AND NOT EXISTS " \
	"(SELECT 1 FROM rotation r WHERE r.site_a = l.site_a " \
	"AND r.site_b = l.site_b)"

/* An end in few words. */
#define END_SAYS(name, status) \
	name " || ': ' || CASE WHEN " status ".state IS NULL THEN 'no word of it' " \
	"WHEN " status ".state = 'up' THEN 'up' WHEN " status ".last_error = 'none' " \
	"THEN 'not up' ELSE " status ".last_error END"

static const struct rule rules[] = {
	{ ERR_CE_SILENT, "sl",
	  "SELECT cu.name || '/' || ce.name, 'major', "
	  "'no report for three report intervals', cu.name, '', '', '', ce.name, "
	  "0, 0 FROM ce_status st JOIN ce ON ce.id = st.ce_id "
	  "JOIN customer cu ON cu.id = ce.customer_id "
	  "WHERE st.reported_ms < $1 AND ce.removed_revision = 0 AND "
	  LISTENED_OR_RAISED("$2", "ce-silent") "ORDER BY st.reported_ms, ce.id" },
	{ ERR_CE_NEVER_SEEN, "nsl",
	  "SELECT cu.name || '/' || ce.name, 'warning', "
	  "'its enrolment token ended without being used', cu.name, '', '', '', "
	  "ce.name, 0, 0, ce.id AS turn FROM ce_token k JOIN ce ON ce.id = k.ce_id "
	  "JOIN customer cu ON cu.id = ce.customer_id "
	  "WHERE k.used_ms = 0 AND k.expires_ms < $1 AND ce.removed_revision = 0 "
	  "AND NOT EXISTS (SELECT 1 FROM ce_key y WHERE y.ce_id = ce.id "
	  "AND y.superseded = 0) "
	  "UNION ALL SELECT cu.name || '/' || ce.name, 'minor', "
	  "'enrolled, and never reported', cu.name, '', '', '', ce.name, 0, 0, "
	  "ce.id FROM ce_key k JOIN ce ON ce.id = k.ce_id "
	  "JOIN customer cu ON cu.id = ce.customer_id "
	  "LEFT JOIN ce_status st ON st.ce_id = ce.id "
	  "WHERE k.superseded = 0 AND k.enrolled_ms < $2 AND st.ce_id IS NULL "
	  "AND ce.removed_revision = 0 AND " LISTENED_OR_RAISED("$3", "ce-never-seen")
	  "ORDER BY turn" },
	{ ERR_NOT_APPLIED, "b",
	  "SELECT cu.name || '/' || ce.name, CASE st.result WHEN 'rejected' "
	  "THEN 'major' ELSE 'minor' END, CASE WHEN st.result IN ('rejected', "
	  "'partial') THEN st.result || coalesce((SELECT ': ' || er.code || ': ' || "
	  "er.message FROM ce_error er WHERE er.ce_id = ce.id ORDER BY er.position "
	  "LIMIT 1), '') ELSE 'it reports, and still has an older document' END, "
	  "cu.name, '', '', '', ce.name, 0, 0 FROM ce_status st "
	  "JOIN ce ON ce.id = st.ce_id JOIN customer cu ON cu.id = ce.customer_id "
	  "JOIN ce_change ch ON ch.ce_id = ce.id JOIN installation i ON i.one = 1 "
	  "WHERE ce.removed_revision = 0 AND (st.result IN ('rejected', 'partial') "
	  "OR ((st.epoch <> i.epoch OR st.revision < ch.revision) "
	  "AND st.reported_ms > ch.committed_ms + 60000 "
	  "AND st.reported_ms > $1 + 60000)) ORDER BY ce.id" },
	{ ERR_CE_CERTIFICATE, "n",
	  "SELECT cu.name || '/' || ce.name, CASE WHEN k.ends_ms <= $1 "
	  "THEN 'critical' WHEN " ENDS_WITHIN("604800000", "32")
	  " THEN 'major' ELSE 'warning' END, CASE WHEN k.ends_ms <= $1 "
	  "THEN 'its certificate has ended: it reaches no server any more' "
	  "WHEN " ENDS_WITHIN("604800000", "32") " THEN 'its certificate ends "
	  "within 7 days, and it has not renewed it' ELSE 'its certificate ends "
	  "within 30 days, and it has not renewed it' END, cu.name, '', '', '', "
	  "ce.name, 0, 0 FROM ce_key k JOIN ce ON ce.id = k.ce_id "
	  "JOIN customer cu ON cu.id = ce.customer_id WHERE k.superseded = 0 "
	  "AND k.ends_ms > 0 AND " ENDS_WITHIN("2592000000", "8")
	  " AND ce.removed_revision = 0 ORDER BY k.ends_ms, ce.id" },
	{ ERR_ADDRESS_REFUSED, "",
	  "SELECT cu.name || '/' || ce.name, 'major', CASE r.address WHEN '' "
	  "THEN '' ELSE r.address || ': ' END || r.reason, cu.name, '', '', '', "
	  "ce.name, 0, 0 FROM address_refused r JOIN ce ON ce.id = r.ce_id "
	  "JOIN customer cu ON cu.id = ce.customer_id "
	  "WHERE ce.removed_revision = 0 ORDER BY ce.id" },
	{ ERR_ROTATION_WAITS, "n",
	  "SELECT cu.name || '/' || ce.name, 'minor', CASE count(*) WHEN 1 "
	  "THEN 'the key of one tunnel waits' ELSE 'the keys of ' || count(*) || "
	  "' tunnels wait' END || ' for it', cu.name, '', '', '', ce.name, 0, 0 "
	  "FROM (SELECT site_a AS site, revision FROM rotation "
	  "WHERE step_ms < $1 - 86400000 UNION ALL SELECT site_b, revision "
	  "FROM rotation WHERE step_ms < $1 - 86400000 UNION ALL "
	  UNCERTIFIED("site_a") " UNION ALL " UNCERTIFIED("site_b") ") AS w "
	  "JOIN site t ON t.id = w.site JOIN ce ON ce.id = t.ce_id "
	  "JOIN customer cu ON cu.id = ce.customer_id "
	  "JOIN installation i ON i.one = 1 "
	  "LEFT JOIN ce_status st ON st.ce_id = ce.id "
	  "WHERE ce.suspended_revision = 0 AND NOT "
	  STORE_ROTATION_CONFIRMED("ce", "st", "w")
	  " GROUP BY ce.id, cu.name, ce.name ORDER BY ce.id" },
	{ ERR_AUTHORITY_ENDS, "n",
	  "SELECT cu.name || '/' || v.name, CASE WHEN a.ends_ms <= $1 "
	  "THEN 'critical' WHEN (a.ends_ms - $1) * 32 < a.ends_ms - a.issued_ms "
	  "THEN 'major' ELSE 'warning' END, CASE WHEN a.ends_ms <= $1 "
	  "THEN 'the authority has ended' ELSE 'the authority is near its end, "
	  "and no other has taken over' END, cu.name, v.name, '', '', '', 0, 0 "
	  "FROM vpn_authority a JOIN vpn v ON v.id = a.vpn_id "
	  "JOIN customer cu ON cu.id = v.customer_id WHERE a.state = 'current' "
	  "AND (a.ends_ms - $1) * 6 < a.ends_ms - a.issued_ms "
	  "ORDER BY a.ends_ms, a.id" },
	{ ERR_AUTHORITY_WAITS, "n",
	  "SELECT cu.name || '/' || ce.name, 'minor', "
	  "'another authority waits for it', cu.name, '', '', '', ce.name, 0, 0 "
	  "FROM vpn_authority a JOIN site t ON t.vpn_id = a.vpn_id "
	  "JOIN ce ON ce.id = t.ce_id JOIN customer cu ON cu.id = ce.customer_id "
	  "JOIN installation i ON i.one = 1 "
	  "LEFT JOIN ce_status st ON st.ce_id = ce.id "
	  "WHERE a.state <> 'current' AND a.state_ms < $1 - 86400000 AND NOT "
	  STORE_AUTHORITY_CONFIRMED("ce", "st", "a.revision")
	  " GROUP BY ce.id, cu.name, ce.name ORDER BY ce.id" },
	{ ERR_REVOCATION_LIST_OLD, "n",
	  "SELECT cu.name || '/' || v.name, CASE WHEN min(a.list_ends_ms) <= $1 "
	  "THEN 'critical' ELSE 'major' END, CASE WHEN min(a.list_ends_ms) <= $1 "
	  "THEN 'the revocation list has ended' ELSE 'the revocation list is near "
	  "its end, and is not made anew' END, cu.name, v.name, '', '', '', 0, 0 "
	  "FROM vpn_authority a JOIN vpn v ON v.id = a.vpn_id "
	  "JOIN customer cu ON cu.id = v.customer_id WHERE a.ends_ms > $1 "
	  "AND (a.list_ends_ms - $1) * 4 < a.list_ends_ms - a.list_issued_ms "
	  "GROUP BY v.id, cu.name, v.name ORDER BY v.id" },
	/* the newest one that a router has in force */
	{ ERR_IKE_CERTIFICATE_ENDS, "n",
	  "SELECT cu.name || '/' || v.name || '/' || t.name, "
	  "CASE WHEN k.ends_ms <= $1 THEN 'critical' WHEN "
	  ENDS_WITHIN("604800000", "32") " THEN 'major' ELSE 'warning' END, "
	  "CASE WHEN k.ends_ms <= $1 THEN 'its certificate for IKE has ended' "
	  "ELSE 'its certificate for IKE is near its end' END || "
	  "CASE k.superseded WHEN 1 THEN ', and it does not have the newer one in "
	  "force' ELSE ', and there is no newer one' END, "
	  "cu.name, v.name, t.name, '', ce.name, 0, 0 FROM ike_certificate k "
	  "JOIN site t ON t.id = k.site_id JOIN ce ON ce.id = t.ce_id "
	  "AND ce.id = k.ce_id JOIN vpn v ON v.id = t.vpn_id "
	  "JOIN customer cu ON cu.id = v.customer_id "
	  "JOIN installation i ON i.one = 1 "
	  "JOIN ce_status st ON st.ce_id = ce.id AND st.epoch = i.epoch "
	  "WHERE k.ends_ms < $1 + 2592000000 AND " ENDS_WITHIN("2592000000", "8")
	  " AND k.revoked_ms = 0 AND k.revision <= st.revision "
	  "AND ce.suspended_revision = 0 AND NOT EXISTS (SELECT 1 "
	  "FROM ike_certificate x WHERE x.site_id = k.site_id "
	  "AND x.revoked_ms = 0 AND x.revision <= st.revision "
	  "AND (x.ends_ms > k.ends_ms OR (x.ends_ms = k.ends_ms "
	  "AND x.serial > k.serial))) ORDER BY k.ends_ms, t.id" },
	{ ERR_TUNNEL_DOWN, "ns",
	  "SELECT cu.name || '/' || v.name || '/' || CASE WHEN a.name < b.name "
	  "THEN a.name || '/' || b.name ELSE b.name || '/' || a.name END, 'major', "
	  "CASE WHEN a.name < b.name THEN "
	  END_SAYS("a.name", "ta") " || ', ' || " END_SAYS("b.name", "tb")
	  " ELSE " END_SAYS("b.name", "tb") " || ', ' || " END_SAYS("a.name", "ta")
	  " END, cu.name, v.name, "
	  "CASE WHEN a.name < b.name THEN a.name ELSE b.name END, "
	  "CASE WHEN a.name < b.name THEN b.name ELSE a.name END, '', "
	  "l.site_a, l.site_b FROM tunnel_down d JOIN link l ON "
	  "l.site_a = CASE WHEN d.site_id > d.peer_id THEN d.site_id "
	  "ELSE d.peer_id END AND l.site_b = CASE WHEN d.site_id > d.peer_id "
	  "THEN d.peer_id ELSE d.site_id END "
	  "JOIN site a ON a.id = l.site_a JOIN site b ON b.id = l.site_b "
	  "JOIN vpn v ON v.id = l.vpn_id JOIN customer cu ON cu.id = v.customer_id "
	  "JOIN ce ca ON ca.id = a.ce_id JOIN ce cb ON cb.id = b.ce_id "
	  "JOIN ce_status sa ON sa.ce_id = ca.id "
	  "JOIN ce_status sb ON sb.ce_id = cb.id "
	  "JOIN installation i ON i.one = 1 "
	  "LEFT JOIN tunnel_status ta ON ta.site_id = a.id AND ta.peer_id = b.id "
	  "LEFT JOIN tunnel_status tb ON tb.site_id = b.id AND tb.peer_id = a.id "
	  "WHERE ca.suspended_revision = 0 AND cb.suspended_revision = 0 "
	  /* where both ends say so: the one that said it first */
	  "AND NOT EXISTS (SELECT 1 FROM tunnel_down o WHERE o.site_id = d.peer_id "
	  "AND o.peer_id = d.site_id AND (o.since_ms < d.since_ms "
	  "OR (o.since_ms = d.since_ms AND o.site_id > d.site_id))) "
	  "AND ((d.since_ms <= $1 - 30000 "
	  "AND sa.reported_ms >= $2 AND sb.reported_ms >= $2 "
	  /* a router that died at that time is one alarm and not one a tunnel */
	  "AND sa.reported_ms >= d.since_ms AND sb.reported_ms >= d.since_ms "
	  "AND (sa.epoch <> i.epoch OR sa.revision >= l.revision) "
	  "AND (sb.epoch <> i.epoch OR sb.revision >= l.revision)) "
	  /* what is down stays so while one of them is silent */
	  "OR EXISTS (SELECT 1 FROM alarm x WHERE x.code = 'tunnel-down' "
	  "AND x.site_a = l.site_a AND x.site_b = l.site_b AND x.cleared_ms = 0)) "
	  "ORDER BY d.since_ms, l.site_a, l.site_b" },
};
#define RULES (sizeof(rules) / sizeof(rules[0]))

/* one look, dry or in a writing transaction */
struct look
{
	struct store *s;
	struct arena *a;
	const struct store_rules *given;
	bool writing;
	size_t changed;			/* or would be */
	bool over[RULES];		/* more than are kept */
	struct err *e;
};

/* ---- what is so, what is raised ------------------------------------------------- */

static int by_name(const void *a, const void *b)
{
	const struct store_alarm_row *x = a, *y = b;

	return strcmp(x->resource, y->resource);
}

static struct store_alarm_row *find(struct store_alarm_row *rows, size_t count,
									const char *resource)
{
	const struct store_alarm_row key = { .resource = (char *)resource };

	return count ? bsearch(&key, rows, count, sizeof(*rows), by_name) : NULL;
}

static int set(struct look *l, const struct store_alarm_wish *w,
			   const struct store_alarm_row *row)
{
	if (row && row->severity == (int)w->severity &&
		strcmp(row->text, w->text) == 0)
	{
		return 0;
	}
	l->changed++;
	return l->writing ? store_alarm_set(l->s, w, row, l->given->now_ms, l->e)
					  : 0;
}

/* keep: a row that no wish names stays */
static int settle(struct look *l, const char *code,
				  const struct store_alarm_wish *wishes, size_t count,
				  bool (*keep)(struct look *l, const char *resource))
{
	struct store_alarm_row *rows, *row;
	size_t i, n;
	int rc;

	rc = store_alarm_rows(l->s, l->a, STORE_ALARM_SERVER, code, true, &rows,
						  &n, l->e);
	if (rc == 0 && n)
	{
		qsort(rows, n, sizeof(*rows), by_name);
	}
	for (i = 0; rc == 0 && i < count; i++)
	{
		row = find(rows, n, wishes[i].resource);
		if (row)
		{
			row->kept = true;
		}
		rc = set(l, &wishes[i], row);
	}
	for (i = 0; rc == 0 && i < n; i++)
	{
		if (!rows[i].kept && !(keep && keep(l, rows[i].resource)))
		{
			l->changed++;
			rc = l->writing ? store_alarm_clear(l->s, rows[i].id,
												l->given->now_ms, l->e) : 0;
		}
	}
	return rc;
}

static int read_wish(struct look *l, struct db_rows *rows,
					 struct store_alarm_wish *w)
{
	int severity;
	int rc = store_word(store_severity_words, db_col_text(rows, 1), &severity,
						l->e);

	w->origin = STORE_ALARM_SERVER;
	w->source = "server";
	w->severity = (enum status_severity)severity;
	w->resource = arena_strdup(l->a, db_col_text(rows, 0));
	w->text = arena_strdup(l->a, db_col_text(rows, 2));
	w->customer = arena_strdup(l->a, db_col_text(rows, 3));
	w->vpn = arena_strdup(l->a, db_col_text(rows, 4));
	w->site = arena_strdup(l->a, db_col_text(rows, 5));
	w->peer = arena_strdup(l->a, db_col_text(rows, 6));
	w->ce = arena_strdup(l->a, db_col_text(rows, 7));
	w->site_a = db_col_int(rows, 8);
	w->site_b = db_col_int(rows, 9);
	return rc;
}

static void fill_args(struct look *l, const char *which, struct db_arg *args)
{
	const int64_t stale_ms = (int64_t)l->given->report_interval_s * 1000 *
							 STALE_REPORTS;
	const int64_t now = l->given->now_ms, began = l->given->started_ms;

	for (; *which; which++)
	{
		*args++ = db_i(*which == 'n' ? now : *which == 's' ? now - stale_ms :
					   *which == 'b' ? began : now - began >= stale_ms);
	}
	*args = (struct db_arg){ DB_END, 0, NULL };
}

static int apply_rule(struct look *l, size_t which)
{
	struct db_arg args[ARGS_MAX + 1] = { { DB_END, 0, NULL } };
	struct store_alarm_wish *wishes = NULL, *w;
	struct db_rows *rows;
	size_t count = 0;
	int rc;

	fill_args(l, rules[which].args, args);
	rc = db_query(l->s->db, rules[which].sql, args, &rows, l->e);
	while (rc == 0 && (rc = db_next(rows, l->e)) == 1)
	{
		w = store_array_add(l->a, (void **)&wishes, &count, sizeof(*w));
		w->code = err_code_text(rules[which].code);
		rc = read_wish(l, rows, w);
		if (rc == 0 && count > STORE_RULE_MAX)
		{
			l->over[which] = true;
			count--;
			break;
		}
	}
	db_end(rows);
	return rc < 0 ? rc : settle(l, err_code_text(rules[which].code), wishes,
								count, NULL);
}

/* ---- what no table tells ------------------------------------------------------------ */

static int apply_limits(struct look *l)
{
	struct store_alarm_wish wishes[RULES];
	size_t i, count = 0;

	for (i = 0; i < RULES; i++)
	{
		if (l->over[i])
		{
			const char *code = err_code_text(rules[i].code);

			wishes[count++] = (struct store_alarm_wish){
				.source = "server", .code = err_code_text(ERR_ALARM_LIMIT),
				.resource = arena_printf(l->a, "server:%s", code),
				.severity = STATUS_MAJOR,
				.text = arena_printf(l->a, "more than %d alarms %s",
									 STORE_RULE_MAX, code),
			};
		}
	}
	return settle(l, err_code_text(ERR_ALARM_LIMIT), wishes, count, NULL);
}

/* 1: it is one */
static int wish_certificate(struct look *l, struct store_alarm_wish *w,
							char *resource, const char *what, int64_t ends_s)
{
	const int64_t now_s = l->given->now_ms / 1000;
	const int64_t days = (ends_s - now_s) / DAY_S;
	const time_t seconds = (time_t)ends_s;
	char text[64] = "";
	struct tm tm;

	if (!ends_s || (ends_s > now_s && days >= CERTIFICATE_WARNING_DAYS))
	{
		return 0;
	}
	if (gmtime_r(&seconds, &tm))
	{
		strftime(text, sizeof(text), "%Y-%m-%d %H:%M UTC", &tm);
	}
	*w = (struct store_alarm_wish){
		.source = "server", .code = err_code_text(ERR_CERTIFICATE_ENDS),
		.resource = resource,
		.severity = ends_s <= now_s ? STATUS_CRITICAL :
			days < CERTIFICATE_MAJOR_DAYS ? STATUS_MAJOR : STATUS_WARNING,
		.text = arena_printf(l->a, "%s ends %s", what, text),
	};
	return 1;
}

static char *own_certificate(struct look *l)
{
	return arena_printf(l->a, "server:%s", l->given->host);
}

/* Those of other servers, and what is not known here. */
static bool is_others(struct look *l, const char *resource)
{
	if (strcmp(resource, "ca") == 0)
	{
		return l->given->ca_expires_s == 0;
	}
	return strcmp(resource, own_certificate(l)) != 0 ||
		   l->given->server_expires_s == 0;
}

static int apply_certificates(struct look *l)
{
	struct store_alarm_wish wishes[2];
	size_t count = 0;

	count += (size_t)wish_certificate(l, &wishes[count], own_certificate(l),
									  "the server's certificate",
									  l->given->server_expires_s);
	count += (size_t)wish_certificate(l, &wishes[count], (char *)"ca",
									  "the certificate authority",
									  l->given->ca_expires_s);
	return settle(l, err_code_text(ERR_CERTIFICATE_ENDS), wishes, count,
				  is_others);
}

/* ---- what is too old ------------------------------------------------------------------ */

static int forget(struct look *l)
{
	const int64_t now = l->given->now_ms;
	int64_t alarms, bundles;
	bool events;
	int rc;

	if ((rc = db_number(l->s->db, "SELECT count(*) FROM (SELECT 1 FROM alarm "
						"WHERE cleared_ms > 0 AND cleared_ms < $1 LIMIT 1) "
						"AS x", DB_ARGS(db_i(now - STORE_ALARM_KEEP_MS)),
						&alarms, l->e)) < 0 ||
		(rc = db_number(l->s->db, "SELECT count(*) FROM (SELECT 1 FROM diag "
						"WHERE taken_ms > 0 AND taken_ms < $1 LIMIT 1) AS x",
						DB_ARGS(db_i(now - STORE_DIAG_KEEP_MS)), &bundles,
						l->e)) < 0 ||
		(rc = store_event_prune_due(l->s, now, &events, l->e)) < 0)
	{
		return rc;
	}
	l->changed += alarms || bundles || events;
	if (!l->writing || (!alarms && !bundles && !events))
	{
		return 0;
	}
	if ((rc = db_run(l->s->db, "DELETE FROM alarm WHERE id IN (SELECT id "
					 "FROM alarm WHERE cleared_ms > 0 AND cleared_ms < $1 "
					 "LIMIT $2)", DB_ARGS(db_i(now - STORE_ALARM_KEEP_MS),
										  db_i(PRUNE_MAX)), l->e)) < 0 ||
		(rc = db_run(l->s->db, "DELETE FROM diag WHERE taken_ms > 0 "
					 "AND taken_ms < $1",
					 DB_ARGS(db_i(now - STORE_DIAG_KEEP_MS)), l->e)) < 0)
	{
		return rc;
	}
	return store_event_prune(l->s, now, l->e);
}

/* ---- all ---------------------------------------------------------------------------------- */

static int look(struct look *l, size_t *alarms)
{
	size_t i;
	int rc = 0;

	l->changed = 0;
	memset(l->over, 0, sizeof(l->over));
	for (i = 0; rc == 0 && i < RULES; i++)
	{
		rc = apply_rule(l, i);
	}
	if (rc < 0 || (rc = apply_limits(l)) < 0 ||
		(rc = apply_certificates(l)) < 0)
	{
		return rc;
	}
	*alarms = l->changed;
	return forget(l);
}

int store_rules_apply(struct store *s, const struct store_rules *given,
					  size_t *changed, struct err *e)
{
	struct look l = { .s = s, .given = given, .e = e };
	int rc;

	*changed = 0;
	l.a = arena_new();
	rc = db_begin(s->db, false, e);
	if (rc == 0)
	{
		rc = look(&l, changed);
		db_rollback(s->db);
	}
	*changed = 0;
	if (rc == 0 && l.changed)
	{
		l.writing = true;
		rc = db_begin(s->db, true, e);
		if (rc == 0 && (rc = look(&l, changed)) < 0)
		{
			db_rollback(s->db);
		}
		else if (rc == 0)
		{
			rc = db_commit(s->db, e);
		}
	}
	*changed = rc < 0 ? 0 : *changed;
	arena_free(l.a);
	return rc;
}
