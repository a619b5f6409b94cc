/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * diag.c - the diagnostic bundle
 *
 * Pure.
 */
#include "config.h"

#include <string.h>

#include "diag.h"
#include "json_out.h"

/* No single entry is longer: texts for people are at most 256 bytes. */
#define ENTRY_MAX 2048
/* values of one resource, half of it: a quote takes two bytes */
#define VALUES_MAX 700
#define KIB(n) ((size_t)(n) << 10)

void diag_list_begin(struct diag_list *l, struct json_out *o, const char *key,
					 size_t share)
{
	*l = (struct diag_list){ .o = o, .end = o->text.len + share };
	jo_array(o, key);
}

bool diag_list_next(struct diag_list *l)
{
	bool room = l->o->text.len + ENTRY_MAX <= l->end;

	l->count++;
	l->shown += room;
	return room;
}

void diag_list_end(struct diag_list *l, const char *count_key)
{
	jo_array_end(l->o);
	jo_u64(l->o, count_key, l->count);
}

/* ---- the plan -------------------------------------------------------------- */

/* Of kinds whose attribute is a digest over secrets. */
static bool has_digest(enum resource_kind kind)
{
	return kind == RES_CONN || kind == RES_CREDENTIALS;
}

static void put_step(struct json_out *o, const struct step *s)
{
	jo_object(o, NULL);
	jo_str(o, "op", step_op_name(s->op));
	jo_str(o, "kind", resource_kind_name(s->kind));
	jo_str(o, "key", s->key);
	/* the reason of a connection's step would show its tags */
	jo_str(o, "reason", has_digest(s->kind) ? "" : s->reason);
	jo_object_end(o);
}

void diag_put_plan(struct json_out *o, const struct plan *plan,
				   const struct desired *desired)
{
	struct diag_list l;

	diag_list_begin(&l, o, "plan", KIB(20));
	for (size_t i = 0; i < plan->count; i++)
	{
		if (diag_list_next(&l))
		{
			put_step(o, &plan->steps[i]);
		}
	}
	diag_list_end(&l, "plan-count");
	diag_list_begin(&l, o, "plan-errors", KIB(12));
	for (size_t i = 0; i < plan->error_count; i++)
	{
		if (diag_list_next(&l))
		{
			jo_err(o, NULL, &plan->errors[i].err);
		}
	}
	diag_list_end(&l, "plan-errors-count");
	diag_list_begin(&l, o, "not-possible", KIB(8));
	for (size_t i = 0; i < desired->error_count; i++)
	{
		if (diag_list_next(&l))
		{
			jo_err(o, NULL, &desired->errors[i].err);
		}
	}
	diag_list_end(&l, "not-possible-count");
}

/* ---- what was seen --------------------------------------------------------- */

static void put_resource(struct json_out *o, const struct resource *r)
{
	jo_object(o, NULL);
	jo_str(o, "kind", resource_kind_name(r->kind));
	jo_str(o, "key", r->key);
	jo_bool(o, "ours", r->origin == RES_OURS);
	jo_object(o, "is");
	for (size_t i = 0; !has_digest(r->kind) && i < r->attr_count; i++)
	{
		jo_str(o, r->attrs[i].name, r->attrs[i].value);
	}
	jo_object_end(o);
	jo_object_end(o);
}

/* Longer than a list's entry may be: networks of a VRF with many LANs. */
static bool is_long(const struct resource *r)
{
	size_t len = 0;

	for (size_t i = 0; i < r->attr_count; i++)
	{
		len += strlen(r->attrs[i].value);
	}
	return len > VALUES_MAX;
}

/* Few of a kind first: rules and VRFs must not drown in links. */
static void put_resources(struct json_out *o, const struct resource_set *have)
{
	static const enum resource_kind order[] = {
		RES_SYSCTL, RES_FIREWALL, RES_RULE, RES_VRF, RES_MEMBER, RES_ROUTE,
		RES_OSPF, RES_LINK, RES_OSPF_LINK, RES_SA, RES_CREDENTIALS,
		RES_CONN,
	};
	struct diag_list l;

	diag_list_begin(&l, o, "resources", KIB(56));
	for (size_t k = 0; k < sizeof(order) / sizeof(*order); k++)
	{
		for (size_t i = 0; i < have->count; i++)
		{
			const struct resource *r = &have->items[i];

			if (r->kind == order[k] && diag_list_next(&l) && !is_long(r))
			{
				put_resource(o, r);
			}
		}
	}
	diag_list_end(&l, "resources-count");
}

static void put_links(struct json_out *o, const struct facts *f)
{
	char buf[PREFIX_TEXT_MAX];
	struct diag_list l;

	diag_list_begin(&l, o, "links", KIB(12));
	for (size_t i = 0; i < f->link_count; i++)
	{
		if (diag_list_next(&l))
		{
			jo_object(o, NULL);
			jo_str(o, "name", f->links[i].name);
			jo_bool(o, "ours", f->links[i].ours);
			jo_object_end(o);
		}
	}
	diag_list_end(&l, "links-count");
	diag_list_begin(&l, o, "addresses", KIB(12));
	for (size_t i = 0; i < f->address_count; i++)
	{
		if (diag_list_next(&l))
		{
			jo_object(o, NULL);
			jo_str(o, "link", f->addresses[i].link);
			jo_str(o, "address", prefix_str(&f->addresses[i].address, buf));
			jo_object_end(o);
		}
	}
	diag_list_end(&l, "addresses-count");
}

static void put_sas(struct json_out *o, const struct facts *f)
{
	struct diag_list l;

	diag_list_begin(&l, o, "sas", KIB(20));
	for (size_t i = 0; i < f->sa_count; i++)
	{
		const struct fact_sa *sa = &f->sas[i];

		if (diag_list_next(&l))
		{
			jo_object(o, NULL);
			jo_str(o, "conn", sa->conn);
			jo_str(o, "ike", sa->ike_state);
			jo_str(o, "child", sa->child_state);
			jo_str(o, "proposal", sa->proposal);
			jo_u64(o, "installed", sa->installed);
			jo_u64(o, "in-bytes", sa->in_bytes);
			jo_u64(o, "out-bytes", sa->out_bytes);
			jo_object_end(o);
		}
	}
	diag_list_end(&l, "sas-count");
}

static void put_routing(struct json_out *o, const struct facts *f)
{
	struct diag_list l;

	diag_list_begin(&l, o, "neighbors", KIB(12));
	for (size_t i = 0; i < f->neighbor_count; i++)
	{
		if (diag_list_next(&l))
		{
			jo_object(o, NULL);
			jo_str(o, "link", f->neighbors[i].link);
			jo_str(o, "state", f->neighbors[i].state);
			jo_object_end(o);
		}
	}
	diag_list_end(&l, "neighbors-count");
	diag_list_begin(&l, o, "routed", KIB(8));
	for (size_t i = 0; i < f->routed_count; i++)
	{
		if (diag_list_next(&l))
		{
			jo_str(o, NULL, f->routed[i]);
		}
	}
	diag_list_end(&l, "routed-count");
}

static void put_unknown(struct json_out *o, unsigned kinds)
{
	jo_array(o, "unknown");
	for (int kind = 0; kind < RES_KIND_COUNT; kind++)
	{
		if (kinds & RES_BIT(kind))
		{
			jo_str(o, NULL, resource_kind_name(kind));
		}
	}
	jo_array_end(o);
}

void diag_put_seen(struct json_out *o, const struct observation *seen)
{
	const struct facts *f = &seen->facts;

	put_resources(o, &seen->have);
	put_links(o, f);
	put_sas(o, f);
	put_routing(o, f);
	jo_object(o, "kernel");
	jo_bool(o, "local-rule-first", f->local_rule_first);
	jo_bool(o, "l3mdev-rule", f->l3mdev_rule);
	jo_object_end(o);
	put_unknown(o, f->unknown_kinds);
}
