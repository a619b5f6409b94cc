/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * conf_json_write.c - writing configuration as JSON
 *
 * Pure. The order of members is that of doc/customer-file.md.
 */
#include "config.h"

#include <string.h>

#include "alloc.h"
#include "server/conf_json.h"
#include "server/topology.h"

static void write_addr(struct json_out *o, const char *key,
					   const struct addr *addr)
{
	char text[ADDR_TEXT_MAX];

	jo_str(o, key, addr_str(addr, text));
}

/* Members of which "" says nothing. */
static void write_words(struct json_out *o, const char *description,
						const char *external_id, bool brief)
{
	if (!brief || (description && *description))
	{
		jo_str(o, "description", description ? description : "");
	}
	if (!brief || (external_id && *external_id))
	{
		jo_str(o, "external-id", external_id ? external_id : "");
	}
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

static bool same_list(char *const *a, size_t a_count, char *const *b,
					  size_t b_count)
{
	size_t i;

	for (i = 0; a_count == b_count && i < a_count; i++)
	{
		if (strcmp(a[i], b[i]) != 0)
		{
			return false;
		}
	}
	return a_count == b_count;
}

/* A number, unless it is as by default (known: all of them are written). */
static void write_number(struct json_out *o, const char *key, uint32_t value,
						 const uint32_t *known)
{
	if (!known || *known != value)
	{
		jo_u64(o, key, value);
	}
}

#define DEFAULT(d, member) ((d) ? &(d)->member : NULL)

static void write_profile(struct json_out *o, const struct model_profile *p,
						  const struct model_profile *d)
{
	if (!d || !same_list(p->proposals, p->proposal_count, d->proposals,
						 d->proposal_count))
	{
		write_list(o, "proposals", p->proposals, p->proposal_count);
	}
	if (!d || !same_list(p->esp_proposals, p->esp_proposal_count,
						 d->esp_proposals, d->esp_proposal_count))
	{
		write_list(o, "esp_proposals", p->esp_proposals,
				   p->esp_proposal_count);
	}
	write_number(o, "rekey_time", p->rekey_time, DEFAULT(d, rekey_time));
	write_number(o, "child_rekey_time", p->child_rekey_time,
				 DEFAULT(d, child_rekey_time));
	write_number(o, "dpd_delay", p->dpd_delay, DEFAULT(d, dpd_delay));
}

static void write_ospf(struct json_out *o, const struct model_ospf *ospf,
					   const struct model_ospf *d)
{
	if (!d || !addr_equal(&ospf->area, &d->area))
	{
		write_addr(o, "area", &ospf->area);
	}
	write_number(o, "hello-interval", ospf->hello_interval,
				 DEFAULT(d, hello_interval));
	write_number(o, "dead-interval", ospf->dead_interval,
				 DEFAULT(d, dead_interval));
	write_number(o, "cost", ospf->cost, DEFAULT(d, cost));
}

static void write_retry(struct json_out *o, const struct model_retry *r,
						const struct model_retry *d)
{
	write_number(o, "minimum-wait", r->minimum_wait, DEFAULT(d, minimum_wait));
	write_number(o, "t1", r->t1, DEFAULT(d, t1));
	write_number(o, "factor", r->factor, DEFAULT(d, factor));
	write_number(o, "maximum", r->maximum, DEFAULT(d, maximum));
	write_number(o, "alarm-after", r->alarm_after, DEFAULT(d, alarm_after));
}

/* A nested object that is left out where nothing stands in it. */
#define NESTED(o, key, fn, value, d) \
	do \
	{ \
		struct json_out nested_ = { 0 }; \
		struct text text_; \
		jo_object(&nested_, NULL); \
		fn(&nested_, value, d); \
		jo_object_end(&nested_); \
		text_ = jo_take(&nested_); \
		if (strcmp(text_str(&text_), "{}") != 0) \
		{ \
			jo_raw(o, key, text_str(&text_)); \
		} \
		text_done(&text_); \
	} \
	while (0)

/* d: the defaults that are left out, or NULL for all of it */
static void write_vpn(struct json_out *o, const struct store_vpn *v,
					  const struct store_vpn *d)
{
	char pool[PREFIX_TEXT_MAX];

	jo_str(o, "topology", conf_topologies[v->topology]);
	if (!d || v->grade != d->grade)
	{
		jo_str(o, "grade", conf_grades[v->grade]);
	}
	/* said where it holds: images of before there was such a word are equal */
	if (v->internet_access)
	{
		jo_bool(o, "internet-access", true);
	}
	if (v->psk_rotation_days)
	{
		jo_u64(o, "psk-rotation-days", v->psk_rotation_days);
	}
	if (v->authentication != MODEL_PRE_SHARED)
	{
		jo_str(o, "authentication", conf_authentications[v->authentication]);
	}
	if (v->revocation != MODEL_STRICT)
	{
		jo_str(o, "revocation", conf_revocations[v->revocation]);
	}
	write_words(o, v->description, v->external_id, d != NULL);
	if (!d || strcmp(v->domain, d->domain) != 0)
	{
		jo_str(o, "domain", v->domain);
	}
	if (!d || !prefix_equal(&v->router_ids, &d->router_ids))
	{
		jo_str(o, "router-ids", prefix_str(&v->router_ids, pool));
	}
	write_number(o, "mtu", v->mtu, DEFAULT(d, mtu));
	NESTED(o, "ospf", write_ospf, &v->ospf, DEFAULT(d, ospf));
	NESTED(o, "retry", write_retry, &v->retry, DEFAULT(d, retry));
	NESTED(o, "sa-profile", write_profile, &v->profile, DEFAULT(d, profile));
}

/* Left out where there are none, in images too: those of old have no such list. */
static void write_prefixes(struct json_out *o, const char *key,
						   const struct prefix *prefixes, size_t count)
{
	char text[PREFIX_TEXT_MAX];
	size_t i;

	if (!count)
	{
		return;
	}
	jo_array(o, key);
	for (i = 0; i < count; i++)
	{
		jo_str(o, NULL, prefix_str(&prefixes[i], text));
	}
	jo_array_end(o);
}

static void write_ce(struct json_out *o, const struct store_ce *ce, bool brief)
{
	write_addr(o, "address", &ce->address);
	if (ce->behind_nat)
	{
		jo_bool(o, "behind-nat", true);
	}
	write_prefixes(o, "dynamic", ce->dynamic, ce->dynamic_count);
	write_words(o, ce->description, ce->external_id, brief);
	if (!brief || ce->suspended)
	{
		jo_bool(o, "suspended", ce->suspended);
	}
}

/* usual: the role and the address that go without saying, or NULL */
static void write_site(struct json_out *o, const struct store_site *site,
					   int usual_role, const struct addr *usual_address)
{
	bool brief = usual_address != NULL;

	jo_str(o, "ce", site->ce);
	if (!brief || site->role != usual_role)
	{
		jo_str(o, "role", conf_roles[site->role]);
	}
	write_addr(o, "router-id", &site->router_id);
	if (!brief || !addr_equal(&site->ce_address, usual_address))
	{
		write_addr(o, "ce-address", &site->ce_address);
	}
	write_prefixes(o, "prefixes", site->prefixes, site->prefix_count);
	write_words(o, site->description, site->external_id, brief);
}

static void write_link(struct json_out *o, const struct store_link *link)
{
	int first = strcmp(link->site[0], link->site[1]) > 0;

	jo_array(o, "sites");
	jo_str(o, NULL, link->site[first]);
	jo_str(o, NULL, link->site[!first]);
	jo_array_end(o);
	if (link->wanted)
	{
		jo_bool(o, "explicit", true);
	}
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
}

static void write_operator(struct json_out *o, const struct store_operator *op)
{
	size_t i;

	jo_str(o, "description", op->description ? op->description : "");
	jo_str(o, "unix-user", op->unix_user ? op->unix_user : "");
	jo_str(o, "role", access_roles[op->role]);
	jo_object(o, "customers");
	for (i = 0; i < op->grant_count; i++)
	{
		jo_str(o, op->grants[i].customer, access_roles[op->grants[i].role]);
	}
	jo_object_end(o);
	jo_str(o, "key", op->key);
	jo_u64(o, "serial", op->serial);
}

/* ---- single things --------------------------------------------------------- */

static void write_thing(struct json_out *o, enum conf_kind kind,
						const void *thing)
{
	const struct store_customer *customer = thing;
	const struct store_profile *profile = thing;

	switch (kind)
	{
		case CONF_CUSTOMER:
			write_words(o, customer->description, customer->external_id,
						false);
			break;
		case CONF_VPN:
			write_vpn(o, thing, NULL);
			break;
		case CONF_PROFILE:
			write_profile(o, &profile->profile, NULL);
			break;
		case CONF_CE:
			write_ce(o, thing, false);
			break;
		case CONF_SITE:
			write_site(o, thing, -1, NULL);
			break;
		case CONF_LINK:
			write_link(o, thing);
			break;
		case CONF_OPERATOR:
			write_operator(o, thing);
			break;
		case CONF_KIND_COUNT:
			break;
	}
}

char *conf_image(struct arena *a, enum conf_kind kind, const void *thing)
{
	struct json_out o = { 0 };
	struct text text;
	char *image;

	jo_object(&o, NULL);
	write_thing(&o, kind, thing);
	jo_object_end(&o);
	text = jo_take(&o);
	image = arena_strdup(a, text_str(&text));
	text_done(&text);
	return image;
}

/* ---- the customer's file --------------------------------------------------- */

static const struct addr *ce_address(const struct conf_customer *conf,
									 const char *ce)
{
	size_t low = 0, high = conf->ce_count, middle;
	int order;

	/* sorted by name, as every list of the store is */
	while (low < high)
	{
		middle = low + (high - low) / 2;
		order = strcmp(ce, conf->ces[middle].ce);
		if (order == 0)
		{
			return &conf->ces[middle].address;
		}
		*(order < 0 ? &high : &low) = order < 0 ? middle : middle + 1;
	}
	return NULL;
}

static void write_sites(struct json_out *o, const struct conf_customer *conf,
						const struct conf_vpn *v, int usual_role)
{
	static const struct addr none;
	const struct addr *usual;
	size_t i;

	jo_array(o, "sites");
	for (i = 0; i < v->site_count; i++)
	{
		usual = ce_address(conf, v->sites[i].ce);
		jo_object(o, NULL);
		jo_str(o, "site", v->sites[i].site);
		write_site(o, &v->sites[i], usual_role, usual ? usual : &none);
		jo_object_end(o);
	}
	jo_array_end(o);
}

static void write_vpn_file(struct json_out *o, const struct conf_customer *conf,
						   const struct conf_vpn *v,
						   const struct store_vpn *defaults)
{
	size_t i;

	jo_object(o, NULL);
	jo_str(o, "vpn", v->vpn.vpn);
	write_vpn(o, &v->vpn, defaults);
	if (v->profile_count)
	{
		jo_array(o, "profiles");
		for (i = 0; i < v->profile_count; i++)
		{
			jo_object(o, NULL);
			jo_str(o, "profile", v->profiles[i].name);
			write_profile(o, &v->profiles[i].profile, &defaults->profile);
			jo_object_end(o);
		}
		jo_array_end(o);
	}
	write_sites(o, conf, v, topology_default_role(v->vpn.topology));
	if (v->link_count)
	{
		jo_array(o, "links");
		for (i = 0; i < v->link_count; i++)
		{
			jo_object(o, NULL);
			write_link(o, &v->links[i]);
			jo_object_end(o);
		}
		jo_array_end(o);
	}
	jo_object_end(o);
}

void conf_json_write(struct json_out *o, const struct conf_customer *conf,
					 const char *domain)
{
	struct store_vpn defaults;
	size_t i;

	store_vpn_defaults(&defaults);
	if (domain)
	{
		defaults.domain = (char *)domain;
	}
	jo_object(o, NULL);
	jo_str(o, "schema", CONF_JSON_SCHEMA);
	jo_str(o, "customer", conf->customer.customer);
	write_words(o, conf->customer.description, conf->customer.external_id,
				true);
	jo_array(o, "ces");
	for (i = 0; i < conf->ce_count; i++)
	{
		jo_object(o, NULL);
		jo_str(o, "ce", conf->ces[i].ce);
		write_ce(o, &conf->ces[i], true);
		jo_object_end(o);
	}
	jo_array_end(o);
	jo_array(o, "vpns");
	for (i = 0; i < conf->vpn_count; i++)
	{
		write_vpn_file(o, conf, &conf->vpns[i], &defaults);
	}
	jo_array_end(o);
	jo_object_end(o);
}
