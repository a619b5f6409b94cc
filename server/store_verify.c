/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * store_verify.c - everything that must hold in a database, looked at
 *
 * The rules are a table: what to count, and the rows that break the rule. They
 * lean on no index and no constraint, for these may be what is damaged.
 */
#include "config.h"

#include <errno.h>
#include <string.h>

#include "secret.h"
#include "server/store_impl.h"
#include "text.h"

struct rule
{
	const char *check;
	const char *count;
	const char *broken;		/* rows of where, text */
};

#define LINK_ENDS "coalesce(a.name, '#' || l.site_a) || ' - ' || " \
	"coalesce(b.name, '#' || l.site_b)"
#define LINK_JOINS "FROM link l LEFT JOIN site a ON a.id = l.site_a " \
	"LEFT JOIN site b ON b.id = l.site_b "
#define CE_NAME "coalesce((SELECT cu.name FROM customer cu " \
	"WHERE cu.id = ce.customer_id), '?') || '/' || ce.name"
/* rotation_certificate_use() of a row r. */
#define ROTATION_CERTIFICATE_USE \
	"CASE r.target || ' ' || r.step " \
	"WHEN 'certificate accept' THEN 'accept-only' " \
	"WHEN 'certificate send' THEN 'send-and-accept' " \
	"WHEN 'certificate forget' THEN 'send-and-accept' " \
	"WHEN 'key accept' THEN 'send-and-accept' " \
	"WHEN 'key send' THEN 'accept-only' ELSE '' END"
#define REVISION "(SELECT revision FROM installation)"

static const struct rule rules[] = {
	{ "links", "SELECT count(*) FROM link",
	  "SELECT " LINK_ENDS ", 'an end is no site of the tunnel''s VPN' "
	  LINK_JOINS "WHERE a.id IS NULL OR b.id IS NULL OR "
	  "a.vpn_id <> l.vpn_id OR b.vpn_id <> l.vpn_id" },
	{ "link initiators", "SELECT count(*) FROM link",
	  "SELECT " LINK_ENDS ", 'neither end begins' " LINK_JOINS
	  "WHERE l.initiator NOT IN (l.site_a, l.site_b)" },
	{ "link keys", "SELECT count(*) FROM psk",
	  "SELECT " LINK_ENDS ", 'not exactly one key or certificate to send' "
	  LINK_JOINS
	  "LEFT JOIN (SELECT site_a, site_b, count(*) AS n FROM psk "
	  "WHERE key_use = 'send-and-accept' GROUP BY site_a, site_b) k "
	  "ON k.site_a = l.site_a AND k.site_b = l.site_b "
	  "WHERE coalesce(k.n, 0) + CASE WHEN l.certificate_use = "
	  "'send-and-accept' THEN 1 ELSE 0 END <> 1" },
	{ "link settings", "SELECT count(*) FROM link_setting",
	  "SELECT a.name || ' - ' || b.name, 'the tunnel is not as was said' "
	  "FROM link_setting q JOIN site a ON a.id = q.site_a "
	  "JOIN site b ON b.id = q.site_b LEFT JOIN link l "
	  "ON l.site_a = q.site_a AND l.site_b = q.site_b "
	  "WHERE (q.wanted = 1 AND l.site_a IS NULL) OR (l.site_a IS NOT NULL "
	  "AND (l.cost <> q.cost OR coalesce(l.profile_id, 0) <> "
	  "coalesce(q.profile_id, 0) OR (q.initiator <> 0 "
	  "AND q.initiator <> l.initiator)))" },
	{ "link setting ends", "SELECT count(*) FROM link_setting",
	  "SELECT " LINK_ENDS ", 'an end is no site of the setting''s VPN' "
	  "FROM link_setting l LEFT JOIN site a ON a.id = l.site_a "
	  "LEFT JOIN site b ON b.id = l.site_b WHERE a.id IS NULL "
	  "OR b.id IS NULL OR a.vpn_id <> l.vpn_id OR b.vpn_id <> l.vpn_id" },
	{ "link profiles", "SELECT count(*) FROM link WHERE profile_id IS NOT NULL",
	  "SELECT " LINK_ENDS ", 'its SA profile is not the VPN''s' " LINK_JOINS
	  "LEFT JOIN sa_profile p ON p.id = l.profile_id "
	  "WHERE l.profile_id IS NOT NULL "
	  "AND (p.id IS NULL OR p.vpn_id <> l.vpn_id)" },
	{ "keys of no link", "SELECT count(*) FROM psk",
	  "SELECT '#' || k.site_a || ' - #' || k.site_b, 'a key of no tunnel' "
	  "FROM psk k LEFT JOIN link l "
	  "ON l.site_a = k.site_a AND l.site_b = k.site_b "
	  "WHERE l.site_a IS NULL" },
	{ "rotations", "SELECT count(*) FROM rotation",
	  "SELECT " LINK_ENDS ", 'what it authenticates with is not that of its "
	  "step of rotation' " LINK_JOINS "LEFT JOIN rotation r ON r.site_a = l.site_a "
	  "AND r.site_b = l.site_b LEFT JOIN (SELECT site_a, site_b, "
	  "count(*) AS n, max(generation) AS newest, max(CASE WHEN key_use = "
	  "'send-and-accept' THEN generation ELSE 0 END) AS sent FROM psk "
	  "GROUP BY site_a, site_b) k ON k.site_a = l.site_a "
	  "AND k.site_b = l.site_b WHERE coalesce(k.n, 0) <> CASE "
	  "WHEN r.target = 'next-key' AND r.step IN ('accept', 'send') THEN 2 "
	  "WHEN r.target = 'certificate' AND r.step = 'forget' THEN 0 "
	  "WHEN r.step IS NULL AND l.certificate_use <> '' THEN 0 ELSE 1 END "
	  "OR (r.step IS NULL AND l.certificate_use = 'accept-only') "
	  "OR (r.step IS NOT NULL AND (r.vpn_id <> l.vpn_id "
	  "OR (r.target = 'next-key' AND k.newest <> r.generation) "
	  "OR (r.target = 'certificate' AND k.newest >= r.generation) "
	  "OR (r.target = 'next-key' AND (r.step = 'accept') <> "
	  "(k.sent < k.newest)) OR l.certificate_use <> " ROTATION_CERTIFICATE_USE
	  ")) OR l.generation < coalesce(k.newest, 1) "
	  "OR l.generation < coalesce(r.generation, 1) UNION ALL "
	  "SELECT '#' || r.site_a || ' - #' || r.site_b, 'a rotation of no tunnel, "
	  "or newer than the database' FROM rotation r LEFT JOIN link l "
	  "ON l.site_a = r.site_a AND l.site_b = r.site_b "
	  "WHERE l.site_a IS NULL OR r.revision > " REVISION },
	{ "moves", "SELECT count(*) FROM link WHERE certificate_use <> ''",
	  "SELECT " LINK_ENDS ", 'it is to have something else, and nobody looks' "
	  LINK_JOINS "JOIN vpn v ON v.id = l.vpn_id LEFT JOIN rotation r "
	  "ON r.site_a = l.site_a AND r.site_b = l.site_b WHERE v.moving = 0 "
	  "AND CASE WHEN v.authentication = 'certificate' "
	  "THEN l.certificate_use = '' OR r.target = 'key' "
	  "ELSE l.certificate_use <> '' END" },
	{ "sites", "SELECT count(*) FROM site",
	  "SELECT t.name, 'VPN or router is missing, removed, or another "
	  "customer''s' FROM site t LEFT JOIN vpn v ON v.id = t.vpn_id "
	  "LEFT JOIN ce ON ce.id = t.ce_id WHERE v.id IS NULL OR ce.id IS NULL "
	  "OR v.customer_id <> t.customer_id OR ce.customer_id <> t.customer_id "
	  "OR ce.removed_revision <> 0" },
	{ "NAT", "SELECT count(*) FROM ce WHERE behind_nat = 1",
	  "SELECT t.name, 'its documents do not say what its router says of NAT' "
	  "FROM site t JOIN ce ON ce.id = t.ce_id WHERE t.behind_nat <> "
	  STORE_IS_BEHIND_NAT("ce", "t") " UNION ALL "
	  "SELECT " LINK_ENDS ", 'NAT at both ends, or the other one begins' "
	  LINK_JOINS "WHERE (a.behind_nat = 1 AND b.behind_nat = 1) "
	  "OR (a.behind_nat = 1 AND l.initiator <> a.id) "
	  "OR (b.behind_nat = 1 AND l.initiator <> b.id)" },
	{ "revisions", "SELECT count(*) FROM ce_change",
	  "SELECT " CE_NAME ", 'its document''s revision is not one of the "
	  "database' FROM ce LEFT JOIN ce_change ch ON ch.ce_id = ce.id "
	  "WHERE ch.ce_id IS NULL OR ch.revision < 1 "
	  "OR ch.revision > " REVISION },
	{ "revisions of rows", "SELECT count(*) FROM link",
	  "SELECT 'tunnel #' || site_a || ' - #' || site_b, 'newer than the "
	  "database' FROM link WHERE revision > " REVISION " UNION ALL "
	  "SELECT 'site ' || name, 'newer than the database' FROM site "
	  "WHERE revision > " REVISION " UNION ALL "
	  "SELECT 'removed tunnel to ' || peer, 'newer than the database' "
	  "FROM link_removed WHERE revision > " REVISION " UNION ALL "
	  "SELECT 'audit record ' || id, 'newer than the database' FROM audit "
	  "WHERE revision > " REVISION },
	{ "numbers", "SELECT count(*) FROM id_counter",
	  "SELECT i.name, 'its counter is behind: numbers would come twice' "
	  "FROM id_counter i WHERE "
	  "(i.name = 'ce' AND i.last < (SELECT max(id) FROM ce)) OR "
	  "(i.name = 'site' AND i.last < (SELECT max(id) FROM site)) OR "
	  "(i.name = 'vpn' AND i.last < (SELECT max(id) FROM vpn)) OR "
	  "(i.name = 'customer' AND i.last < (SELECT max(id) FROM customer)) OR "
	  "(i.name = 'sa-profile' AND "
	  "i.last < (SELECT max(id) FROM sa_profile)) OR "
	  "(i.name = 'audit' AND i.last < (SELECT max(id) FROM audit)) OR "
	  "(i.name = 'alarm' AND i.last < (SELECT max(id) FROM alarm)) OR "
	  "(i.name = 'event' AND i.last < (SELECT max(id) FROM event)) OR "
	  "(i.name = 'diag' AND i.last < (SELECT max(id) FROM diag)) OR "
	  "(i.name = 'operator' AND i.last < (SELECT max(id) FROM operator)) OR "
	  "(i.name = 'serial' AND i.last < (SELECT max(serial) FROM ce_key)) OR "
	  "(i.name = 'serial' AND "
	  "i.last < (SELECT max(serial) FROM ce_renewal)) OR "
	  "(i.name = 'serial' AND i.last < (SELECT max(serial) FROM operator)) OR "
	  "(i.name = 'authority' AND "
	  "i.last < (SELECT max(id) FROM vpn_authority))" },
	{ "authorities", "SELECT count(*) FROM vpn_authority",
	  "SELECT 'authority #' || a.id, 'its VPN is not there, or it is newer "
	  "than the database' FROM vpn_authority a LEFT JOIN vpn v "
	  "ON v.id = a.vpn_id WHERE v.id IS NULL OR a.revision > " REVISION
	  " UNION ALL SELECT 'VPN #' || x.vpn_id, 'not one authority that signs, "
	  "and at most one beside it' FROM (SELECT vpn_id, count(*) AS n, "
	  "sum(CASE state WHEN 'current' THEN 1 ELSE 0 END) AS signing "
	  "FROM vpn_authority GROUP BY vpn_id) x WHERE x.signing <> 1 OR x.n > 2 "
	  "UNION ALL SELECT 'authority #' || id, 'something was revoked, and its "
	  "list does not say so' FROM vpn_authority WHERE list_stale <> 0" },
	{ "IKE keys", "SELECT count(*) FROM ike_key",
	  "SELECT coalesce(ce.name, '#' || k.ce_id), 'a key for IKE of a router "
	  "that is not there' FROM ike_key k LEFT JOIN ce ON ce.id = k.ce_id "
	  "WHERE ce.id IS NULL OR ce.removed_revision <> 0 UNION ALL "
	  "SELECT '#' || k.ce_id, 'its key for IKE is one for the management "
	  "channel' FROM ike_key k JOIN (SELECT spki FROM ce_key UNION ALL "
	  "SELECT spki FROM ce_renewal UNION ALL SELECT spki FROM operator) m "
	  "ON m.spki = k.spki UNION ALL SELECT '#' || k.ce_id, 'its key for IKE "
	  "is one of before' FROM ike_key k JOIN ike_key_past p "
	  "ON p.spki = k.spki" },
	{ "IKE certificates", "SELECT count(*) FROM ike_certificate",
	  "SELECT coalesce(t.name, '#' || c.site_id), 'its certificate is not of "
	  "its VPN, its router''s key and its name' FROM ike_certificate c "
	  "LEFT JOIN site t ON t.id = c.site_id LEFT JOIN vpn v "
	  "ON v.id = t.vpn_id LEFT JOIN customer cu ON cu.id = v.customer_id "
	  "LEFT JOIN vpn_authority a ON a.id = c.authority_id "
	  "LEFT JOIN ike_key k ON k.ce_id = t.ce_id WHERE c.superseded = 0 "
	  "AND (t.id IS NULL OR a.id IS NULL OR k.ce_id IS NULL "
	  "OR a.vpn_id <> t.vpn_id OR c.ce_id <> t.ce_id OR c.spki <> k.spki "
	  "OR c.revoked_ms <> 0 OR c.identity <> t.name || '.' || v.name || '.' "
	  "|| cu.name || '.' || v.domain) UNION ALL SELECT '#' || site_id, "
	  "'a certificate newer than the database' FROM ike_certificate "
	  "WHERE revision > " REVISION },
	{ "operators", "SELECT count(*) FROM operator",
	  "SELECT o.name, 'its key is a router''s' FROM operator o "
	  "JOIN (SELECT spki FROM ce_key UNION ALL SELECT spki FROM ce_renewal) k "
	  "ON k.spki = o.spki UNION ALL "
	  "SELECT coalesce(o.name, '#' || g.operator_id), 'a role for a customer "
	  "that is not there' FROM operator_grant g LEFT JOIN operator o "
	  "ON o.id = g.operator_id LEFT JOIN customer cu "
	  "ON cu.id = g.customer_id AND cu.removed_revision = 0 "
	  "WHERE o.id IS NULL OR cu.id IS NULL" },
	{ "alarms", "SELECT count(*) FROM alarm WHERE cleared_ms = 0",
	  "SELECT x.resource || ' ' || x.code, 'raised by a router that is not "
	  "there' FROM alarm x LEFT JOIN ce ON ce.id = x.origin "
	  "WHERE x.cleared_ms = 0 AND x.origin <> 0 AND (ce.id IS NULL "
	  "OR ce.removed_revision <> 0) UNION ALL "
	  "SELECT x.resource || ' ' || x.code, 'raised, and its site is not there' "
	  "FROM alarm x WHERE x.cleared_ms = 0 AND x.site <> '' "
	  "AND NOT EXISTS (SELECT 1 FROM site t JOIN vpn v ON v.id = t.vpn_id "
	  "JOIN customer cu ON cu.id = v.customer_id WHERE cu.name = x.customer "
	  "AND v.name = x.vpn AND t.name = x.site)" },
	{ "alarms told", "SELECT count(*) FROM outlet",
	  "SELECT o.way, 'delivered more than there ever was' FROM outlet o "
	  "WHERE o.position > coalesce((SELECT last FROM id_counter "
	  "WHERE name = 'event'), 0)" },
	{ NULL, NULL, NULL }
};

static int verify_rule(struct store *s, const struct rule *rule,
					   const struct store_verifier *verifier, struct err *e)
{
	struct db_rows *rows;
	int64_t count = 0;
	int rc;

	rc = db_query(s->db, rule->broken, NULL, &rows, e);
	while (rc == 0 && (rc = db_next(rows, e)) == 1)
	{
		verifier->fault(verifier->user, rule->check, db_col_text(rows, 0),
						db_col_text(rows, 1));
		rc = 0;
	}
	db_end(rows);
	if (rc == 0)
	{
		rc = db_number(s->db, rule->count, NULL, &count, e);
	}
	if (rc == 0)
	{
		verifier->checked(verifier->user, rule->check, (uint64_t)count);
	}
	return rc;
}

/* ---- documents ------------------------------------------------------------------ */

/* As the CE will: text, decoded, checked. */
static int try_document(struct arena *a, const struct model_document *doc,
						struct err *e)
{
	struct text text = model_encode(doc);
	struct model_document *again;
	int rc = model_decode(a, text_str(&text), text.len, &again, e);

	if (rc == 0)
	{
		rc = model_check(again, e);
	}
	wipe(text.s, text.len);
	text_done(&text);
	return rc;
}

static void verify_document(struct store *s, int64_t ce_id, const char *name,
							const struct model_management *management,
							const struct store_verifier *verifier)
{
	struct arena *a = arena_new();
	struct model_document *doc;
	struct err why = { 0 };
	int rc = store_document(s, a, (uint64_t)ce_id, management, &doc, &why);

	if (rc == 0)
	{
		rc = try_document(a, doc, &why);
	}
	if (rc < 0)
	{
		verifier->fault(verifier->user, "documents", name, why.text);
	}
	arena_free(a);
}

struct named
{
	int64_t id;
	const char *name;
};

static int list_ces(struct store *s, struct arena *a, struct named **list,
					size_t *count, struct err *e)
{
	struct db_rows *rows;
	struct named *named;
	int rc;

	*list = NULL;
	*count = 0;
	rc = db_query(s->db, "SELECT ce.id, " CE_NAME " FROM ce ORDER BY ce.id",
				  NULL, &rows, e);
	while (rc == 0 && (rc = db_next(rows, e)) == 1)
	{
		named = store_array_add(a, (void **)list, count, sizeof(*named));
		named->id = db_col_int(rows, 0);
		named->name = arena_strdup(a, db_col_text(rows, 1));
		rc = 0;
	}
	db_end(rows);
	return rc;
}

static int verify_documents(struct store *s,
							const struct model_management *management,
							const struct store_verifier *verifier,
							struct err *e)
{
	struct arena *a = arena_new();
	struct named *list;
	size_t count, i;
	int rc = list_ces(s, a, &list, &count, e);

	for (i = 0; rc == 0 && i < count; i++)
	{
		verify_document(s, list[i].id, list[i].name, management, verifier);
	}
	if (rc == 0)
	{
		verifier->checked(verifier->user, "documents", count);
	}
	arena_free(a);
	return rc;
}

/* ---- all ------------------------------------------------------------------------- */

static void on_fault(void *user, const char *text)
{
	const struct store_verifier *verifier = user;

	verifier->fault(verifier->user, "file", "database", text);
}

int store_verify(struct store *s, const struct model_management *management,
				 const struct store_verifier *verifier, struct err *e)
{
	int rc = db_verify(s->db, on_fault, (void *)verifier, e);

	if (rc < 0)
	{
		return rc;
	}
	verifier->checked(verifier->user, "file", 1);
	for (const struct rule *rule = rules; rc == 0 && rule->check; rule++)
	{
		rc = verify_rule(s, rule, verifier, e);
	}
	if (rc == 0)
	{
		rc = store_verify_sealed(s, verifier, e);
	}
	if (rc == 0)
	{
		rc = store_authority_verify(s, verifier, e);
	}
	if (rc == 0)
	{
		rc = store_prefix_verify(s, verifier, e);
	}
	if (rc == 0)
	{
		rc = store_dynamic_verify(s, verifier, e);
	}
	return rc < 0 ? rc : verify_documents(s, management, verifier, e);
}
