/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * conf_json.c - reading configuration from JSON
 *
 * Pure. Writing is conf_json_write.c's.
 */
#include "config.h"

#include <errno.h>
#include <string.h>

#include "alloc.h"
#include "name.h"
#include "server/conf_json.h"

const struct json_limits conf_json_limits = {
	.bytes = CONF_JSON_BYTES, .depth = 12, .values = 1000000, .members = 64,
	.string = 1024, .containers = 200000,
};

#define ROW(row_name, row_kind, type, member) \
	.name = (row_name), .kind = (row_kind), .offset = offsetof(type, member)
#define WORDS(type) \
	{ ROW("description", JSON_TEXT, type, description), .max = 255 }, \
	{ ROW("external-id", JSON_TEXT, type, external_id), .max = 63 }
/* bounds of numbers are the store's: it says them in an operator's words */
#define NUMBER(name, type, member) \
	{ ROW(name, JSON_U32, type, member), .max = UINT32_MAX }
#define NESTED(row_name, function) \
	.name = (row_name), .kind = JSON_OBJECT, .fn = (function)
#define LIST(row_name, type, member, count, function, elem, most) \
	{ ROW(row_name, JSON_ARRAY, type, member), .max = (most), \
	  .fn = (function), .elem_size = sizeof(elem), \
	  .count_offset = offsetof(type, count) }
#define END { .name = NULL }

/* ---- single things --------------------------------------------------------- */

static const struct json_row customer_members[] = {
	WORDS(struct store_customer),
	END
};

int conf_read_prefix(struct json_in *in, struct json_object *value,
					 const struct json_path *path, void *out)
{
	static const struct json_row row = { .kind = JSON_PREFIX };

	return json_read_value(in, value, path, &row, out);
}

int conf_read_prefix4(struct json_in *in, struct json_object *value,
					  const struct json_path *path, void *out)
{
	static const struct json_row row = { .kind = JSON_PREFIX4 };

	return json_read_value(in, value, path, &row, out);
}

#define CE_ROWS \
	{ ROW("address", JSON_ADDR4, struct store_ce, address), \
	  .required = true }, \
	{ ROW("behind-nat", JSON_BOOL, struct store_ce, behind_nat) }, \
	LIST("dynamic", struct store_ce, dynamic, dynamic_count, \
		 conf_read_prefix4, struct prefix, CONF_DYNAMIC_MAX), \
	WORDS(struct store_ce), \
	{ ROW("suspended", JSON_BOOL, struct store_ce, suspended) }

static const struct json_row ce_members[] = { CE_ROWS, END };

#define SITE_PREFIXES \
	LIST("prefixes", struct store_site, prefixes, prefix_count, \
		 conf_read_prefix, struct prefix, CONF_PREFIXES_MAX)

static const struct json_row site_members[] = {
	{ ROW("ce", JSON_LABEL, struct store_site, ce), .required = true },
	{ ROW("role", JSON_ENUM, struct store_site, role), .names = conf_roles },
	{ ROW("router-id", JSON_ADDR4, struct store_site, router_id) },
	{ ROW("ce-address", JSON_ADDR4, struct store_site, ce_address) },
	SITE_PREFIXES,
	WORDS(struct store_site),
	END
};

static int read_label(struct json_in *in, struct json_object *value,
					  const struct json_path *path, void *out)
{
	static const struct json_row row = { .kind = JSON_LABEL };

	return json_read_value(in, value, path, &row, out);
}

/* The two of a tunnel: a list, so that the order of members says nothing. */
struct pair
{
	char **sites;
	size_t count;
};

static int read_link(struct json_in *in, struct json_object *value,
					 const struct json_path *path, void *out)
{
	struct
	{
		struct store_link link;
		struct pair pair;
	} read = { .link = *(struct store_link *)out };
#define MEMBER(m) offsetof(__typeof__(read), m)
	const struct json_row rows[] = {
		{ .name = "sites", .kind = JSON_ARRAY, .required = true, .min = 2,
		  .max = 2, .fn = read_label, .offset = MEMBER(pair.sites),
		  .elem_size = sizeof(char *), .count_offset = MEMBER(pair.count) },
		{ .name = "explicit", .kind = JSON_BOOL,
		  .offset = MEMBER(link.wanted) },
		{ .name = "profile", .kind = JSON_LABEL,
		  .offset = MEMBER(link.profile) },
		{ .name = "cost", .kind = JSON_U32, .min = 1, .max = 65535,
		  .offset = MEMBER(link.cost) },
		{ .name = "initiator", .kind = JSON_LABEL,
		  .offset = MEMBER(link.initiator) },
		END
	};
#undef MEMBER
	int rc = json_read_object(in, value, path, rows, &read);

	if (rc == 0)
	{
		read.link.site[0] = read.pair.sites[0];
		read.link.site[1] = read.pair.sites[1];
		*(struct store_link *)out = read.link;
	}
	return rc;
}

int conf_read_proposal(struct json_in *in, struct json_object *value,
					   const struct json_path *path, void *out)
{
	static const struct json_row row = { .kind = JSON_TOKEN, .min = 1,
										 .max = 128 };

	return json_read_value(in, value, path, &row, out);
}

#define PROPOSALS(name, member, count) \
	LIST(name, struct model_profile, member, count, conf_read_proposal, \
		 char *, MODEL_PROPOSALS_MAX)

static const struct json_row profile_rows[] = {
	PROPOSALS("proposals", proposals, proposal_count),
	PROPOSALS("esp_proposals", esp_proposals, esp_proposal_count),
	NUMBER("rekey_time", struct model_profile, rekey_time),
	NUMBER("child_rekey_time", struct model_profile, child_rekey_time),
	NUMBER("dpd_delay", struct model_profile, dpd_delay),
	END
};

static int read_profile_values(struct json_in *in, struct json_object *value,
							   const struct json_path *path, void *out)
{
	return json_read_object(in, value, path, profile_rows, out);
}

static int read_ospf(struct json_in *in, struct json_object *value,
					 const struct json_path *path, void *out)
{
	static const struct json_row rows[] = {
		{ ROW("area", JSON_ADDR4, struct model_ospf, area) },
		NUMBER("hello-interval", struct model_ospf, hello_interval),
		NUMBER("dead-interval", struct model_ospf, dead_interval),
		NUMBER("cost", struct model_ospf, cost),
		END
	};

	return json_read_object(in, value, path, rows, out);
}

static int read_retry(struct json_in *in, struct json_object *value,
					  const struct json_path *path, void *out)
{
	static const struct json_row rows[] = {
		NUMBER("minimum-wait", struct model_retry, minimum_wait),
		NUMBER("t1", struct model_retry, t1),
		NUMBER("factor", struct model_retry, factor),
		NUMBER("maximum", struct model_retry, maximum),
		NUMBER("alarm-after", struct model_retry, alarm_after),
		END
	};

	return json_read_object(in, value, path, rows, out);
}

/* The rows of a VPN, at an offset within what holds it. */
#define VPN_ROWS(type, at) \
	{ .name = "topology", .kind = JSON_ENUM, .required = true, \
	  .names = conf_topologies, .offset = (at) + \
	  offsetof(struct store_vpn, topology) }, \
	{ .name = "grade", .kind = JSON_ENUM, .names = conf_grades, \
	  .offset = (at) + offsetof(struct store_vpn, grade) }, \
	{ .name = "internet-access", .kind = JSON_BOOL, \
	  .offset = (at) + offsetof(struct store_vpn, internet_access) }, \
	{ .name = "psk-rotation-days", .kind = JSON_U32, .max = UINT32_MAX, \
	  .offset = (at) + offsetof(struct store_vpn, psk_rotation_days) }, \
	{ .name = "authentication", .kind = JSON_ENUM, \
	  .names = conf_authentications, \
	  .offset = (at) + offsetof(struct store_vpn, authentication) }, \
	{ .name = "revocation", .kind = JSON_ENUM, .names = conf_revocations, \
	  .offset = (at) + offsetof(struct store_vpn, revocation) }, \
	{ .name = "description", .kind = JSON_TEXT, .max = 255, \
	  .offset = (at) + offsetof(struct store_vpn, description) }, \
	{ .name = "external-id", .kind = JSON_TEXT, .max = 63, \
	  .offset = (at) + offsetof(struct store_vpn, external_id) }, \
	{ .name = "domain", .kind = JSON_FQDN, \
	  .offset = (at) + offsetof(struct store_vpn, domain) }, \
	{ .name = "router-ids", .kind = JSON_PREFIX4, \
	  .offset = (at) + offsetof(struct store_vpn, router_ids) }, \
	{ .name = "mtu", .kind = JSON_U32, .max = UINT32_MAX, \
	  .offset = (at) + offsetof(struct store_vpn, mtu) }, \
	{ NESTED("ospf", read_ospf), \
	  .offset = (at) + offsetof(struct store_vpn, ospf) }, \
	{ NESTED("retry", read_retry), \
	  .offset = (at) + offsetof(struct store_vpn, retry) }, \
	{ NESTED("sa-profile", read_profile_values), \
	  .offset = (at) + offsetof(struct store_vpn, profile) }

static const struct json_row vpn_members[] = {
	VPN_ROWS(struct store_vpn, 0),
	END
};

static const struct json_row profile_members[] = {
	LIST("proposals", struct store_profile, profile.proposals,
		 profile.proposal_count, conf_read_proposal, char *,
		 MODEL_PROPOSALS_MAX),
	LIST("esp_proposals", struct store_profile, profile.esp_proposals,
		 profile.esp_proposal_count, conf_read_proposal, char *,
		 MODEL_PROPOSALS_MAX),
	NUMBER("rekey_time", struct store_profile, profile.rekey_time),
	NUMBER("child_rekey_time", struct store_profile, profile.child_rekey_time),
	NUMBER("dpd_delay", struct store_profile, profile.dpd_delay),
	END
};

static int read_members(struct json_in *in, struct json_object *value,
						const struct json_path *path, void *out)
{
	static const struct json_row *const rows[] = {
		[CONF_CUSTOMER] = customer_members, [CONF_VPN] = vpn_members,
		[CONF_PROFILE] = profile_members, [CONF_CE] = ce_members,
		[CONF_SITE] = site_members
	};
	const enum conf_kind *kind = in->user;

	return *kind == CONF_LINK ? read_link(in, value, path, out)
		: json_read_object(in, value, path, rows[*kind], out);
}

int conf_image_read(struct arena *a, enum conf_kind kind, const char *image,
					void *out, struct err *e)
{
	return json_read_text(a, image, strlen(image), &conf_json_limits,
						  read_members, out, &kind, e);
}

/* ---- the customer's file --------------------------------------------------- */

/* Where a list of a VPN is read: with the names of its place. */
struct reading
{
	struct store_vpn defaults;
	const char *customer, *vpn;
};

static char *blank(void)
{
	static char empty[] = "";

	return empty;
}

static int read_ce(struct json_in *in, struct json_object *value,
				   const struct json_path *path, void *out)
{
	static const struct json_row rows[] = {
		{ ROW("ce", JSON_LABEL, struct store_ce, ce), .required = true },
		CE_ROWS,
		END
	};
	struct store_ce *ce = out;

	ce->description = ce->external_id = blank();
	return json_read_object(in, value, path, rows, ce);
}

static int read_site(struct json_in *in, struct json_object *value,
					 const struct json_path *path, void *out)
{
	static const struct json_row rows[] = {
		{ ROW("site", JSON_LABEL, struct store_site, site), .required = true },
		{ ROW("ce", JSON_LABEL, struct store_site, ce), .required = true },
		{ ROW("role", JSON_ENUM, struct store_site, role),
		  .names = conf_roles },
		{ ROW("router-id", JSON_ADDR4, struct store_site, router_id) },
		{ ROW("ce-address", JSON_ADDR4, struct store_site, ce_address) },
		SITE_PREFIXES,
		WORDS(struct store_site),
		END
	};
	struct store_site *site = out;

	site->description = site->external_id = blank();
	site->role = -1;
	return json_read_object(in, value, path, rows, site);
}

static int read_profile(struct json_in *in, struct json_object *value,
						const struct json_path *path, void *out)
{
	static const struct json_row rows[] = {
		{ ROW("profile", JSON_LABEL, struct store_profile, name),
		  .required = true },
		LIST("proposals", struct store_profile, profile.proposals,
			 profile.proposal_count, conf_read_proposal, char *,
			 MODEL_PROPOSALS_MAX),
		LIST("esp_proposals", struct store_profile, profile.esp_proposals,
			 profile.esp_proposal_count, conf_read_proposal, char *,
			 MODEL_PROPOSALS_MAX),
		NUMBER("rekey_time", struct store_profile, profile.rekey_time),
		NUMBER("child_rekey_time", struct store_profile,
			   profile.child_rekey_time),
		NUMBER("dpd_delay", struct store_profile, profile.dpd_delay),
		END
	};
	const struct reading *reading = in->user;
	struct store_profile *profile = out;

	profile->profile = reading->defaults.profile;
	return json_read_object(in, value, path, rows, profile);
}

static int read_vpn(struct json_in *in, struct json_object *value,
					const struct json_path *path, void *out)
{
	static const struct json_row rows[] = {
		{ .name = "vpn", .kind = JSON_LABEL, .required = true,
		  .offset = offsetof(struct conf_vpn, vpn.vpn) },
		VPN_ROWS(struct conf_vpn, offsetof(struct conf_vpn, vpn)),
		LIST("profiles", struct conf_vpn, profiles, profile_count,
			 read_profile, struct store_profile, CONF_PROFILES_MAX),
		LIST("sites", struct conf_vpn, sites, site_count, read_site,
			 struct store_site, CONF_SITES_MAX),
		LIST("links", struct conf_vpn, links, link_count, read_link,
			 struct store_link, CONF_LINKS_MAX),
		END
	};
	const struct reading *reading = in->user;
	struct conf_vpn *vpn = out;

	vpn->vpn = reading->defaults;
	return json_read_object(in, value, path, rows, vpn);
}

struct file
{
	int schema;
	struct conf_customer conf;
};

static int read_file(struct json_in *in, struct json_object *value,
					 const struct json_path *path, void *out)
{
	static const char *const schemas[] = { CONF_JSON_SCHEMA, NULL };
	static const struct json_row rows[] = {
		{ ROW("schema", JSON_ENUM, struct file, schema), .required = true,
		  .names = schemas },
		{ ROW("customer", JSON_LABEL, struct file, conf.customer.customer),
		  .required = true },
		{ ROW("description", JSON_TEXT, struct file,
			  conf.customer.description), .max = 255 },
		{ ROW("external-id", JSON_TEXT, struct file,
			  conf.customer.external_id), .max = 63 },
		LIST("ces", struct file, conf.ces, conf.ce_count, read_ce,
			 struct store_ce, CONF_CES_MAX),
		LIST("vpns", struct file, conf.vpns, conf.vpn_count, read_vpn,
			 struct conf_vpn, CONF_VPNS_MAX),
		END
	};

	return json_read_object(in, value, path, rows, out);
}

/* Every thing gets the names of its place. */
static void name_places(struct conf_customer *conf)
{
	char *customer = conf->customer.customer;
	struct conf_vpn *v;
	size_t i, j;

	for (i = 0; i < conf->ce_count; i++)
	{
		conf->ces[i].customer = customer;
	}
	for (i = 0; i < conf->vpn_count; i++)
	{
		v = &conf->vpns[i];
		v->vpn.customer = customer;
		for (j = 0; j < v->profile_count; j++)
		{
			v->profiles[j].customer = customer;
			v->profiles[j].vpn = v->vpn.vpn;
		}
		for (j = 0; j < v->site_count; j++)
		{
			v->sites[j].customer = customer;
			v->sites[j].vpn = v->vpn.vpn;
		}
		for (j = 0; j < v->link_count; j++)
		{
			v->links[j].customer = customer;
			v->links[j].vpn = v->vpn.vpn;
		}
	}
}

int conf_json_read(struct arena *a, const char *buf, size_t len,
				   const char *domain, struct conf_customer *out,
				   struct err *e)
{
	struct file file = { 0 };
	struct reading reading = { .customer = NULL };
	int rc;

	store_vpn_defaults(&reading.defaults);
	if (domain)
	{
		reading.defaults.domain = arena_strdup(a, domain);
	}
	file.conf.customer.description = blank();
	file.conf.customer.external_id = blank();
	rc = json_read_text(a, buf, len, &conf_json_limits, read_file, &file,
						&reading, e);
	if (rc == 0)
	{
		name_places(&file.conf);
		*out = file.conf;
	}
	return rc;
}
