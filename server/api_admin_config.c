/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * api_admin_config.c - changes of the configuration: what requests ask for
 *
 * POST makes a thing, PATCH changes the members that it names, DELETE removes.
 */
#include "config.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "alloc.h"
#include "name.h"
#include "text.h"
#include "server/api_admin_change.h"
#include "server/grade.h"
#include "server/store_apply.h"

#define HANDLER(name) \
	ADMIN_HANDLER(admin_ ## name) \
	{ \
		return admin_do_change(req, resp, store, user, name); \
	}

#define ROW(row_name, row_kind, type, member) \
	.name = (row_name), .kind = (row_kind), .offset = offsetof(type, member)
#define NEED .required = true
#define WORDS(type) \
	{ ROW("description", JSON_TEXT, type, description), .max = 255 }, \
	{ ROW("external-id", JSON_TEXT, type, external_id), .max = 63 }
#define END { .name = NULL }

/* The record's words: "vpn set acme/corp". */
#define SAY(c, ...) \
	((void)snprintf((c)->what, sizeof((c)->what), __VA_ARGS__))

/* Labels of the path: up to four names, ended by NULL, into outs. */
static int segments(struct admin_change *c, const char *const *names,
					const char **outs)
{
	int rc = 0;

	for (; rc == 0 && *names; names++, outs++)
	{
		rc = admin_segment(c, *names, outs);
	}
	return rc;
}

static const char *const customer_path[] = { "customer", NULL };
static const char *const vpn_path[] = { "customer", "vpn", NULL };
static const char *const profile_path[] = {
	"customer", "vpn", "profile", NULL
};
static const char *const ce_path[] = { "customer", "ce", NULL };
static const char *const site_path[] = { "customer", "vpn", "site", NULL };
static const char *const link_path[] = {
	"customer", "vpn", "site", "peer", NULL
};

/* ---- customers ---------------------------------------------------------------- */

static int customer_add(struct admin_change *c)
{
	static const struct json_row rows[] = {
		{ ROW("customer", JSON_LABEL, struct store_customer, customer), NEED },
		WORDS(struct store_customer),
		END
	};
	struct store_customer in = { 0 };
	int rc = admin_read_body(c, rows, &in);

	if (rc < 0)
	{
		return rc;
	}
	SAY(c, "customer add %s", in.customer);
	return store_customer_add(c->store, &in, &c->e);
}

static int find_customer(struct admin_change *c, const char *name,
						 struct store_customer *out)
{
	struct store_customer *list;
	size_t count, i;
	int rc = store_customers(c->store, c->arena, &list, &count, &c->e);

	for (i = 0; rc == 0 && i < count; i++)
	{
		if (strcmp(list[i].customer, name) == 0)
		{
			*out = list[i];
			return 0;
		}
	}
	return rc < 0 ? rc : err_set(&c->e, -ENOENT, ERR_NOT_FOUND, name,
								 "no such customer");
}

static int customer_set(struct admin_change *c)
{
	static const struct json_row rows[] = {
		WORDS(struct store_customer),
		END
	};
	struct store_customer in;
	const char *names[1];
	int rc;

	if ((rc = segments(c, customer_path, names)) < 0 ||
		(rc = find_customer(c, names[0], &in)) < 0 ||
		(rc = admin_read_body(c, rows, &in)) < 0)
	{
		return rc;
	}
	SAY(c, "customer set %s", names[0]);
	return store_customer_set(c->store, &in, &c->e);
}

static int customer_remove(struct admin_change *c)
{
	const char *names[1];
	int rc = segments(c, customer_path, names);

	if (rc < 0)
	{
		return rc;
	}
	SAY(c, "customer remove %s", names[0]);
	return store_customer_remove(c->store, names[0], &c->e);
}

HANDLER(customer_add)
HANDLER(customer_set)
HANDLER(customer_remove)

/* ---- VPNs ---------------------------------------------------------------------- */

struct vpn_in
{
	struct store_vpn vpn;
	char **hubs;
	size_t hub_count;
	bool has_proposals, has_esp_proposals;
};

static int read_label(struct json_in *in, struct json_object *value,
					  const struct json_path *path, void *out)
{
	static const struct json_row row = { .kind = JSON_LABEL };

	return json_read_value(in, value, path, &row, out);
}

/* bounds are the store's: it says them in an operator's words */
#define NUMBER(name, type, member) \
	{ ROW(name, JSON_U32, type, member), .max = UINT32_MAX }
#define LIST(list_name, type, member, count, function, most) \
	ROW(list_name, JSON_ARRAY, type, member), .min = 1, .max = (most), \
	.fn = (function), .elem_size = sizeof(char *), \
	.count_offset = offsetof(type, count)
#define PROFILE_ROWS(type, profile) \
	{ LIST("proposals", type, profile.proposals, profile.proposal_count, \
		   conf_read_proposal, MODEL_PROPOSALS_MAX), \
	  .present_offset = offsetof(type, has_proposals) }, \
	{ LIST("esp_proposals", type, profile.esp_proposals, \
		   profile.esp_proposal_count, conf_read_proposal, \
		   MODEL_PROPOSALS_MAX), \
	  .present_offset = offsetof(type, has_esp_proposals) }, \
	NUMBER("rekey_time", type, profile.rekey_time), \
	NUMBER("child_rekey_time", type, profile.child_rekey_time), \
	NUMBER("dpd_delay", type, profile.dpd_delay)
/* what can be said of a VPN when it is made and later */
#define VPN_ROWS \
	{ ROW("grade", JSON_ENUM, struct vpn_in, vpn.grade), \
	  .names = conf_grades }, \
	{ ROW("internet-access", JSON_BOOL, struct vpn_in, \
		  vpn.internet_access) }, \
	NUMBER("psk-rotation-days", struct vpn_in, vpn.psk_rotation_days), \
	{ ROW("authentication", JSON_ENUM, struct vpn_in, vpn.authentication), \
	  .names = conf_authentications }, \
	{ ROW("revocation", JSON_ENUM, struct vpn_in, vpn.revocation), \
	  .names = conf_revocations }, \
	{ ROW("description", JSON_TEXT, struct vpn_in, vpn.description), \
	  .max = 255 }, \
	{ ROW("external-id", JSON_TEXT, struct vpn_in, vpn.external_id), \
	  .max = 63 }, \
	{ ROW("domain", JSON_FQDN, struct vpn_in, vpn.domain) }, \
	{ ROW("router-ids", JSON_PREFIX4, struct vpn_in, vpn.router_ids) }, \
	{ ROW("area", JSON_ADDR4, struct vpn_in, vpn.ospf.area) }, \
	NUMBER("mtu", struct vpn_in, vpn.mtu), \
	NUMBER("hello-interval", struct vpn_in, vpn.ospf.hello_interval), \
	NUMBER("dead-interval", struct vpn_in, vpn.ospf.dead_interval), \
	NUMBER("cost", struct vpn_in, vpn.ospf.cost), \
	NUMBER("minimum-wait", struct vpn_in, vpn.retry.minimum_wait), \
	NUMBER("t1", struct vpn_in, vpn.retry.t1), \
	NUMBER("factor", struct vpn_in, vpn.retry.factor), \
	NUMBER("maximum", struct vpn_in, vpn.retry.maximum), \
	NUMBER("alarm-after", struct vpn_in, vpn.retry.alarm_after), \
	PROFILE_ROWS(struct vpn_in, vpn.profile), \
	END

/* Those of a list that are strong enough. */
static void keep(struct admin_change *c, enum grade grade, enum grade_sa sa,
				 char ***list, size_t *count)
{
	char **kept = arena_calloc(c->arena, *count, sizeof(*kept));

	*count = grade_keep(grade, sa, *list, *count, kept);
	*list = kept;
}

/* Proposals of which nothing was said are those of the usual that are enough. */
static void usual_proposals(struct admin_change *c, struct vpn_in *in)
{
	struct model_profile *p = &in->vpn.profile;

	if (!in->has_proposals)
	{
		keep(c, (enum grade)in->vpn.grade, GRADE_IKE, &p->proposals,
			 &p->proposal_count);
	}
	if (!in->has_esp_proposals)
	{
		keep(c, (enum grade)in->vpn.grade, GRADE_ESP, &p->esp_proposals,
			 &p->esp_proposal_count);
	}
}

static int vpn_add(struct admin_change *c)
{
	static const struct json_row rows[] = {
		{ ROW("customer", JSON_LABEL, struct vpn_in, vpn.customer), NEED },
		{ ROW("vpn", JSON_LABEL, struct vpn_in, vpn.vpn), NEED },
		{ ROW("topology", JSON_ENUM, struct vpn_in, vpn.topology), NEED,
		  .names = conf_topologies },
		VPN_ROWS
	};
	struct vpn_in in = { .hubs = NULL };
	int rc;

	store_vpn_defaults(&in.vpn);
	if (c->api->domain)
	{
		in.vpn.domain = (char *)c->api->domain;
	}
	rc = admin_read_body(c, rows, &in);
	if (rc < 0)
	{
		return rc;
	}
	usual_proposals(c, &in);
	SAY(c, "vpn add %s/%s", in.vpn.customer, in.vpn.vpn);
	return store_vpn_add(c->store, &in.vpn, &c->e);
}

static int vpn_set(struct admin_change *c)
{
	static const struct json_row rows[] = {
		{ ROW("topology", JSON_ENUM, struct vpn_in, vpn.topology),
		  .names = conf_topologies },
		{ LIST("hubs", struct vpn_in, hubs, hub_count, read_label, 256) },
		VPN_ROWS
	};
	struct vpn_in in = { .hubs = NULL };
	const char *names[2];
	int rc;

	if ((rc = segments(c, vpn_path, names)) < 0 ||
		(rc = store_vpn_get(c->store, c->arena, names[0], names[1], &in.vpn,
							&c->e)) < 0 ||
		(rc = admin_read_body(c, rows, &in)) < 0)
	{
		return rc;
	}
	SAY(c, "vpn set %s/%s", names[0], names[1]);
	return store_vpn_set(c->store, &in.vpn, in.hubs, in.hub_count, &c->e);
}

static int vpn_remove(struct admin_change *c)
{
	const char *names[2];
	int rc = segments(c, vpn_path, names);

	if (rc < 0)
	{
		return rc;
	}
	SAY(c, "vpn remove %s/%s", names[0], names[1]);
	return store_vpn_remove(c->store, names[0], names[1], &c->e);
}

HANDLER(vpn_add)
HANDLER(vpn_set)
HANDLER(vpn_remove)

/* ---- SA profiles ----------------------------------------------------------------- */

struct profile_in
{
	struct store_profile row;
	bool has_proposals, has_esp_proposals;
};

/* What is not said is as in the VPN's own profile. */
static int profile_add(struct admin_change *c)
{
	static const struct json_row rows[] = {
		{ ROW("customer", JSON_LABEL, struct profile_in, row.customer), NEED },
		{ ROW("vpn", JSON_LABEL, struct profile_in, row.vpn), NEED },
		{ ROW("profile", JSON_LABEL, struct profile_in, row.name), NEED },
		PROFILE_ROWS(struct profile_in, row.profile),
		END
	};
	struct profile_in in = { .row.customer = NULL };
	struct store_vpn vpn;
	int rc;

	/* twice: where it belongs to gives the defaults */
	if ((rc = admin_read_body(c, rows, &in)) < 0 ||
		(rc = store_vpn_get(c->store, c->arena, in.row.customer, in.row.vpn,
							&vpn, &c->e)) < 0)
	{
		return rc;
	}
	in.row.profile = vpn.profile;
	if ((rc = admin_read_body(c, rows, &in)) < 0)
	{
		return rc;
	}
	SAY(c, "profile add %s/%s/%s", in.row.customer, in.row.vpn, in.row.name);
	return store_profile_add(c->store, &in.row, &c->e);
}

static int find_profile(struct admin_change *c, const char *const *names,
						struct store_profile *out)
{
	struct store_profile *list;
	size_t i, count;
	int rc = store_profiles(c->store, c->arena, names[0], names[1], &list,
							&count, &c->e);

	for (i = 0; rc == 0 && i < count; i++)
	{
		if (strcmp(list[i].name, names[2]) == 0)
		{
			*out = list[i];
			return 0;
		}
	}
	return rc < 0 ? rc : err_set(&c->e, -ENOENT, ERR_NOT_FOUND, names[2],
								 "%s/%s has no SA profile of that name",
								 names[0], names[1]);
}

static int profile_set(struct admin_change *c)
{
	static const struct json_row rows[] = {
		PROFILE_ROWS(struct profile_in, row.profile),
		END
	};
	struct profile_in in = { .row.customer = NULL };
	const char *names[3];
	int rc;

	if ((rc = segments(c, profile_path, names)) < 0 ||
		(rc = find_profile(c, names, &in.row)) < 0 ||
		(rc = admin_read_body(c, rows, &in)) < 0)
	{
		return rc;
	}
	SAY(c, "profile set %s/%s/%s", names[0], names[1], names[2]);
	return store_profile_set(c->store, &in.row, &c->e);
}

static int profile_remove(struct admin_change *c)
{
	const char *names[3];
	int rc = segments(c, profile_path, names);

	if (rc < 0)
	{
		return rc;
	}
	SAY(c, "profile remove %s/%s/%s", names[0], names[1], names[2]);
	return store_profile_remove(c->store, names[0], names[1], names[2],
								&c->e);
}

HANDLER(profile_add)
HANDLER(profile_set)
HANDLER(profile_remove)

/* ---- routers -------------------------------------------------------------------- */

#define CE_ROWS \
	{ ROW("behind-nat", JSON_BOOL, struct store_ce, behind_nat) }, \
	{ ROW("dynamic", JSON_ARRAY, struct store_ce, dynamic), \
	  .max = CONF_DYNAMIC_MAX, .fn = conf_read_prefix4, \
	  .elem_size = sizeof(struct prefix), \
	  .count_offset = offsetof(struct store_ce, dynamic_count) }, \
	WORDS(struct store_ce)

static int ce_add(struct admin_change *c)
{
	static const struct json_row rows[] = {
		{ ROW("customer", JSON_LABEL, struct store_ce, customer), NEED },
		{ ROW("ce", JSON_LABEL, struct store_ce, ce), NEED },
		{ ROW("ce-address", JSON_ADDR4, struct store_ce, address), NEED },
		CE_ROWS,
		END
	};
	struct store_ce in = { 0 };
	int rc = admin_read_body(c, rows, &in);

	if (rc < 0)
	{
		return rc;
	}
	SAY(c, "ce add %s/%s", in.customer, in.ce);
	return store_ce_add(c->store, &in, &c->e);
}

static int ce_set(struct admin_change *c)
{
	static const struct json_row rows[] = {
		{ ROW("ce-address", JSON_ADDR4, struct store_ce, address) },
		CE_ROWS,
		{ ROW("suspended", JSON_BOOL, struct store_ce, suspended) },
		END
	};
	const char *names[2];
	struct store_ce in;
	bool suspended;
	int rc;

	if ((rc = segments(c, ce_path, names)) < 0 ||
		(rc = store_ce_get(c->store, c->arena, names[0], names[1], &in,
						   &c->e)) < 0)
	{
		return rc;
	}
	suspended = in.suspended;
	if ((rc = admin_read_body(c, rows, &in)) < 0)
	{
		return rc;
	}
	SAY(c, "ce %s %s/%s", in.suspended == suspended ? "set" :
		in.suspended ? "suspend" : "resume", names[0], names[1]);
	return store_ce_set(c->store, &in, &c->e);
}

static int ce_remove(struct admin_change *c)
{
	const char *names[2];
	int rc = segments(c, ce_path, names);

	if (rc < 0)
	{
		return rc;
	}
	SAY(c, "ce remove %s/%s", names[0], names[1]);
	return store_ce_remove(c->store, names[0], names[1], &c->e);
}

static int ce_approve(struct admin_change *c)
{
	static const struct json_row rows[] = {
		{ .name = "key", .kind = JSON_HEX, .required = true, .max = 64 },
		END
	};
	const char *names[2];
	char *key = NULL;
	int rc;

	if ((rc = segments(c, ce_path, names)) < 0 ||
		(rc = admin_read_body(c, rows, &key)) < 0)
	{
		return rc;
	}
	SAY(c, "ce approve %s/%s key %s", names[0], names[1], key);
	return store_enroll_approve(c->store, names[0], names[1], key, &c->e);
}

static int ce_replace(struct admin_change *c)
{
	const char *names[2];
	int rc = segments(c, ce_path, names);

	if (rc < 0)
	{
		return rc;
	}
	SAY(c, "ce replace %s/%s", names[0], names[1]);
	return store_ce_replace(c->store, names[0], names[1], &c->e);
}

static int ce_revoke(struct admin_change *c)
{
	const char *names[2];
	int rc = segments(c, ce_path, names);

	if (rc < 0)
	{
		return rc;
	}
	SAY(c, "ce revoke %s/%s", names[0], names[1]);
	return store_ce_revoke(c->store, names[0], names[1], &c->e);
}

static int ce_allow_removal(struct admin_change *c)
{
	const char *names[2];
	int rc = segments(c, ce_path, names);

	if (rc < 0)
	{
		return rc;
	}
	SAY(c, "ce allow-removal %s/%s", names[0], names[1]);
	return store_removal_allow(c->store, names[0], names[1], &c->e);
}

HANDLER(ce_add)
HANDLER(ce_set)
HANDLER(ce_remove)
HANDLER(ce_approve)
HANDLER(ce_replace)
HANDLER(ce_revoke)
HANDLER(ce_allow_removal)

/* ---- sites ---------------------------------------------------------------------- */

#define SITE_ROWS \
	{ ROW("role", JSON_ENUM, struct store_site, role), .names = conf_roles }, \
	{ ROW("router-id", JSON_ADDR4, struct store_site, router_id) }, \
	{ ROW("ce-address", JSON_ADDR4, struct store_site, ce_address) }, \
	{ ROW("prefixes", JSON_ARRAY, struct store_site, prefixes), \
	  .max = CONF_PREFIXES_MAX, .fn = conf_read_prefix, \
	  .elem_size = sizeof(struct prefix), \
	  .count_offset = offsetof(struct store_site, prefix_count) }, \
	WORDS(struct store_site), \
	END

static int site_add(struct admin_change *c)
{
	static const struct json_row rows[] = {
		{ ROW("customer", JSON_LABEL, struct store_site, customer), NEED },
		{ ROW("vpn", JSON_LABEL, struct store_site, vpn), NEED },
		{ ROW("site", JSON_LABEL, struct store_site, site), NEED },
		{ ROW("ce", JSON_LABEL, struct store_site, ce), NEED },
		SITE_ROWS
	};
	struct store_site in = { .role = -1 };
	int rc = admin_read_body(c, rows, &in);

	if (rc < 0)
	{
		return rc;
	}
	SAY(c, "site add %s/%s/%s", in.customer, in.vpn, in.site);
	return store_site_add(c->store, &in, &c->e);
}

static int site_set(struct admin_change *c)
{
	static const struct json_row rows[] = { SITE_ROWS };
	const char *names[3];
	struct store_site in;
	int rc;

	if ((rc = segments(c, site_path, names)) < 0 ||
		(rc = store_site_get(c->store, c->arena, names[0], names[1], names[2],
							 &in, &c->e)) < 0 ||
		(rc = admin_read_body(c, rows, &in)) < 0)
	{
		return rc;
	}
	SAY(c, "site set %s/%s/%s", names[0], names[1], names[2]);
	return store_site_set(c->store, &in, &c->e);
}

static int site_remove(struct admin_change *c)
{
	const char *names[3];
	int rc = segments(c, site_path, names);

	if (rc < 0)
	{
		return rc;
	}
	SAY(c, "site remove %s/%s/%s", names[0], names[1], names[2]);
	return store_site_remove(c->store, names[0], names[1], names[2],
							 "site-removed", &c->e);
}

HANDLER(site_add)
HANDLER(site_set)
HANDLER(site_remove)

/* ---- single tunnels ---------------------------------------------------------------- */

/* "" and 0 are words here: back to what the VPN says. */
static int check_link_words(struct admin_change *c, struct store_link *link)
{
	char **const words[] = { &link->profile, &link->initiator };
	size_t i;

	for (i = 0; i < 2; i++)
	{
		if (*words[i] && !**words[i])
		{
			*words[i] = NULL;
		}
		else if (*words[i] && !name_is_label(*words[i]))
		{
			return err_set(&c->e, -EINVAL, ERR_NAME, *words[i], "not a name");
		}
	}
	return 0;
}

/* What is said of them now, to be changed. */
static int find_link(struct admin_change *c, const char *const *names,
					 struct store_link *out)
{
	struct store_link *list;
	size_t i, count;
	int rc = store_links(c->store, c->arena, names[0], names[1], &list, &count,
						 &c->e);

	*out = (struct store_link){ .customer = (char *)names[0],
								.vpn = (char *)names[1],
								.site = { (char *)names[2],
										  (char *)names[3] } };
	for (i = 0; rc == 0 && i < count; i++)
	{
		if ((strcmp(list[i].site[0], names[2]) == 0 &&
			 strcmp(list[i].site[1], names[3]) == 0) ||
			(strcmp(list[i].site[0], names[3]) == 0 &&
			 strcmp(list[i].site[1], names[2]) == 0))
		{
			*out = list[i];
		}
	}
	return rc;
}

/* Nothing is said of a tunnel that is not there, unless it is to be. */
static int need_link(struct admin_change *c, const char *const *names,
					 const struct store_link *link)
{
	bool exists = true;
	int rc = link->wanted ? 0
		: store_link_exists(c->store, names[0], names[1], names[2], names[3],
							&exists, &c->e);

	if (rc == 0 && !exists)
	{
		rc = err_set(&c->e, -ENOENT, ERR_NOT_FOUND,
					 arena_printf(c->arena, "%s/%s", names[0], names[1]),
					 "%s and %s have no tunnel: add it first", names[2],
					 names[3]);
	}
	return rc;
}

static int link_set(struct admin_change *c)
{
	static const struct json_row rows[] = {
		{ ROW("explicit", JSON_BOOL, struct store_link, wanted) },
		{ ROW("profile", JSON_TEXT, struct store_link, profile), .max = 63 },
		{ ROW("cost", JSON_U32, struct store_link, cost), .max = 65535 },
		{ ROW("initiator", JSON_TEXT, struct store_link, initiator),
		  .max = 63 },
		END
	};
	struct store_link in;
	const char *names[4];
	int rc;

	if ((rc = segments(c, link_path, names)) < 0 ||
		(rc = find_link(c, names, &in)) < 0 ||
		(rc = admin_read_body(c, rows, &in)) < 0 ||
		(rc = check_link_words(c, &in)) < 0)
	{
		return rc;
	}
	SAY(c, "link set %s/%s %s %s", names[0], names[1], names[2], names[3]);
	rc = store_link_set(c->store, &in, &c->e);
	return rc < 0 ? rc : need_link(c, names, &in);
}

static int link_remove(struct admin_change *c)
{
	struct store_link before, nothing;
	const char *names[4];
	int rc;

	if ((rc = segments(c, link_path, names)) < 0 ||
		(rc = find_link(c, names, &before)) < 0)
	{
		return rc;
	}
	if (!before.wanted && !before.profile && !before.cost &&
		!before.initiator)
	{
		return err_set(&c->e, -ENOENT, ERR_NOT_FOUND,
					   arena_printf(c->arena, "%s/%s", names[0], names[1]),
					   "nothing is said of %s and %s; what the topology gives "
					   "goes with the topology or a role", names[2], names[3]);
	}
	nothing = (struct store_link){ .customer = before.customer,
								   .vpn = before.vpn };
	nothing.site[0] = before.site[0];
	nothing.site[1] = before.site[1];
	SAY(c, "link remove %s/%s %s %s", names[0], names[1], names[2], names[3]);
	return store_link_set(c->store, &nothing, &c->e);
}

HANDLER(link_set)
HANDLER(link_remove)

/* ---- whole customers, and back ------------------------------------------------------- */

static int config_put(struct admin_change *c)
{
	struct conf_customer want;
	const char *names[1], *body;
	size_t len;
	int rc;

	body = http_request_body(c->req, &len);
	if ((rc = segments(c, customer_path, names)) < 0 ||
		(rc = conf_json_read(c->arena, body ? body : "", len, c->api->domain,
							 &want, &c->e)) < 0)
	{
		return rc;
	}
	if (strcmp(want.customer.customer, names[0]) != 0)
	{
		return err_set(&c->e, -EINVAL, ERR_NAME, "/customer",
					   "it is another customer's configuration than %s's",
					   names[0]);
	}
	SAY(c, "apply %s", names[0]);
	return store_conf_apply(c->store, &want, &c->e);
}

static int revert(struct admin_change *c)
{
	const char *text = http_request_segment(c->req, "revision");
	uint64_t revision;

	if (!text || text_to_u64(text, 1, INT64_MAX, &revision) < 0)
	{
		return err_set(&c->e, -EINVAL, ERR_USAGE, text ? text : "",
					   "not the number of a revision");
	}
	SAY(c, "revert %llu", (unsigned long long)revision);
	return store_revert(c->store, revision, &c->e);
}

HANDLER(config_put)
HANDLER(revert)
