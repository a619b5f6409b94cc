/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * resource.c - the kinds and their canonical form
 *
 * Pure. One function builds a kind, for the wanted and the observed side alike.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "resource.h"
#include "text.h"

static const struct {
	const char *name;
	bool creates, deletes;
} kinds[RES_KIND_COUNT] = {
	[RES_SYSCTL] =    { "sysctl",    false, false },
	[RES_FIREWALL] =  { "firewall",  true,  true },
	[RES_RULE] =      { "rule",      true,  true },
	[RES_VRF] =       { "vrf",       true,  true },
	[RES_MEMBER] =    { "member",    true,  true },
	[RES_ROUTE] =     { "route",     true,  true },
	[RES_LINK] =      { "link",      true,  true },
	[RES_OSPF] =      { "ospf",      true,  true },
	/* ospfd makes and forgets it with the link */
	[RES_OSPF_LINK] = { "ospf-link", false, false },
	/* negotiation makes it: the peer's machine starts that, not the plan */
	[RES_SA] =        { "sa",        false, true },
	[RES_CREDENTIALS] = { "credentials", true, true },
	[RES_CONN] =      { "conn",      true,  true },
};

const char *resource_kind_name(enum resource_kind kind)
{
	return kinds[kind].name;
}

bool resource_kind_creates(enum resource_kind kind)
{
	return kinds[kind].creates;
}

bool resource_kind_deletes(enum resource_kind kind)
{
	return kinds[kind].deletes;
}

void resource_set_init(struct resource_set *set, struct arena *arena)
{
	memset(set, 0, sizeof(*set));
	set->arena = arena;
}

void resource_set_done(struct resource_set *set)
{
	free(set->items);
	set->items = NULL;
	set->count = set->size = 0;
}

static int compare(const void *a, const void *b)
{
	const struct resource *x = a, *y = b;

	if (x->kind != y->kind)
	{
		return x->kind < y->kind ? -1 : 1;
	}
	return strcmp(x->key, y->key);
}

void resource_set_sort(struct resource_set *set)
{
	if (set->count)
	{
		qsort(set->items, set->count, sizeof(*set->items), compare);
	}
}

const struct resource *resource_find(const struct resource_set *set,
									 enum resource_kind kind, const char *key)
{
	struct resource probe = { .kind = kind, .key = (char*)key };
	const struct resource *found;

	if (!set->count)
	{
		return NULL;
	}
	found = bsearch(&probe, set->items, set->count, sizeof(probe), compare);
	/* of several equal ones the first */
	while (found && found > set->items && compare(found - 1, &probe) == 0)
	{
		found--;
	}
	return found;
}

/* ---- building -------------------------------------------------------------- */

static struct resource *append(struct resource_set *set,
							   enum resource_kind kind,
							   enum resource_origin origin, const char *key,
							   const char *group)
{
	struct resource *r;

	if (set->count == set->size)
	{
		set->size = set->size ? set->size * 2 : 64;
		set->items = xrealloc(set->items, set->size, sizeof(*set->items));
	}
	r = &set->items[set->count++];
	memset(r, 0, sizeof(*r));
	r->kind = kind;
	r->origin = origin;
	r->key = arena_strdup(set->arena, key);
	r->group = arena_strdup(set->arena, group);
	return r;
}

#define ATTRS_MAX 12
#define CLAIMS_MAX 4

static void attr(struct resource_set *set, struct resource *r, const char *name,
				 bool fixed, char *value)
{
	if (!r->attrs)
	{
		r->attrs = arena_calloc(set->arena, ATTRS_MAX, sizeof(*r->attrs));
	}
	if (r->attr_count == ATTRS_MAX)
	{
		abort();	/* a kind of ours with too many: not a matter of input */
	}
	r->attrs[r->attr_count++] = (struct resource_attr){
		.name = name, .value = value, .fixed = fixed,
	};
}

static void claim(struct resource_set *set, struct resource *r, char *value)
{
	if (!r->claims)
	{
		r->claims = arena_calloc(set->arena, CLAIMS_MAX, sizeof(*r->claims));
	}
	if (r->claim_count == CLAIMS_MAX)
	{
		abort();
	}
	r->claims[r->claim_count++] = value;
}

static char *addr_text(struct arena *a, const struct addr *addr)
{
	char buf[ADDR_TEXT_MAX];

	return arena_strdup(a, addr->family ? addr_str(addr, buf) : "");
}

static char *prefix_text(struct arena *a, const struct prefix *prefix)
{
	char buf[PREFIX_TEXT_MAX];

	return arena_strdup(a, prefix->addr.family ? prefix_str(prefix, buf) : "");
}

static char *flag_text(struct arena *a, bool flag)
{
	return arena_strdup(a, flag ? "yes" : "no");
}

/* A copy of a spec in the arena; its texts are copied by the caller. */
static void *copy_spec(struct resource_set *set, const void *spec, size_t size)
{
	return memcpy(arena_calloc(set->arena, 1, size), spec, size);
}

static char *dup_text(struct arena *a, const char *s)
{
	return arena_strdup(a, s ? s : "");
}

void resource_sysctl(struct resource_set *set, enum resource_origin origin,
					 const struct res_sysctl *spec)
{
	struct resource *r = append(set, RES_SYSCTL, origin, spec->path, "");
	struct res_sysctl *copy = copy_spec(set, spec, sizeof(*spec));

	copy->path = r->key;
	copy->value = dup_text(set->arena, spec->value);
	attr(set, r, "value", false, copy->value);
	r->spec = copy;
}

void resource_firewall(struct resource_set *set, enum resource_origin origin,
					   const struct res_firewall *spec)
{
	struct resource *r = append(set, RES_FIREWALL, origin, FIREWALL_KEY, "");
	struct res_firewall *copy = copy_spec(set, spec, sizeof(*spec));
	char *mode = dup_text(set->arena, spec->mode);
	char *digest = dup_text(set->arena, spec->digest);

	copy->mode = mode;
	copy->digest = digest;
	copy->text = dup_text(set->arena, spec->text);
	copy->settings = dup_text(set->arena, spec->settings);
	attr(set, r, "mode", false, mode);
	attr(set, r, "content", false, digest);
	r->spec = copy;
}

void resource_rule(struct resource_set *set, enum resource_origin origin,
				   const struct res_rule *spec)
{
	struct arena *a = set->arena;
	char key[32];
	struct resource *r;

	snprintf(key, sizeof(key), "%u %u", spec->pref, spec->table);
	r = append(set, RES_RULE, origin, key, "");
	attr(set, r, "fwmark", true, arena_printf(a, "0x%x/0x%x", spec->fwmark,
											  spec->fwmask));
	attr(set, r, "l3mdev", true, flag_text(a, spec->l3mdev));
	r->spec = copy_spec(set, spec, sizeof(*spec));
}

void resource_vrf(struct resource_set *set, enum resource_origin origin,
				  const char *key, const struct res_vrf *spec)
{
	struct arena *a = set->arena;
	struct resource *r = append(set, RES_VRF, origin, key,
								origin == RES_OURS ? key : "");
	struct res_vrf *copy = copy_spec(set, spec, sizeof(*spec));

	copy->name = dup_text(a, spec->name);
	attr(set, r, "name", true, copy->name);
	attr(set, r, "table", true, arena_printf(a, "%u", spec->table));
	attr(set, r, "address", false, prefix_text(a, &spec->address));
	attr(set, r, "announce", false, flag_text(a, spec->announce));
	claim(set, r, arena_printf(a, "link %s", copy->name));
	claim(set, r, arena_printf(a, "table %u", spec->table));
	r->spec = copy;
}

void resource_member(struct resource_set *set, enum resource_origin origin,
					 const char *group, const struct res_member *spec)
{
	struct resource *r = append(set, RES_MEMBER, origin, spec->link, group);
	struct res_member *copy = copy_spec(set, spec, sizeof(*spec));

	copy->link = r->key;
	copy->master = dup_text(set->arena, spec->master);
	attr(set, r, "master", false, copy->master);
	r->spec = copy;
}

void resource_route(struct resource_set *set, enum resource_origin origin,
					const struct res_route *spec)
{
	struct arena *a = set->arena;
	char key[48];
	struct resource *r;

	snprintf(key, sizeof(key), "%u unreachable default", spec->table);
	r = append(set, RES_ROUTE, origin, key, "");
	attr(set, r, "metric", true, arena_printf(a, "%u", spec->metric));
	r->spec = copy_spec(set, spec, sizeof(*spec));
}

static char *fence_text(struct arena *a, const struct res_link *link)
{
	static const char *const names[] = {
		[RES_FENCE_NONE] = "none", [RES_FENCE_HUB] = "hub",
		[RES_FENCE_SPOKE] = "spoke", [RES_FENCE_BROKEN] = "broken",
	};

	return link->fence == RES_FENCE_HUB || link->fence == RES_FENCE_SPOKE
		   ? arena_printf(a, "%s 0x%x", names[link->fence], link->fence_mark)
		   : arena_strdup(a, names[link->fence]);
}

void resource_link(struct resource_set *set, enum resource_origin origin,
				   const char *key, const struct res_link *spec)
{
	struct arena *a = set->arena;
	struct resource *r = append(set, RES_LINK, origin, key,
								origin == RES_OURS ? key : "");
	struct res_link *copy = copy_spec(set, spec, sizeof(*spec));

	copy->name = dup_text(a, spec->name);
	copy->driver = dup_text(a, spec->driver);
	copy->master = dup_text(a, spec->master);
	attr(set, r, "name", true, copy->name);
	attr(set, r, "driver", true, (char*)copy->driver);
	attr(set, r, "local", true, addr_text(a, &spec->local));
	attr(set, r, "remote", true, addr_text(a, &spec->remote));
	attr(set, r, "mark", true, arena_printf(a, "0x%x", spec->mark));
	attr(set, r, "master", false, copy->master);
	attr(set, r, "mtu", false, arena_printf(a, "%u", spec->mtu));
	attr(set, r, "address", false, prefix_text(a, &spec->address));
	attr(set, r, "up", false, flag_text(a, spec->up));
	attr(set, r, "policy-off", false, flag_text(a, spec->policy_off));
	attr(set, r, "fence", false, fence_text(a, spec));
	attr(set, r, "announce", false, flag_text(a, spec->announce));
	claim(set, r, arena_printf(a, "link %s", copy->name));
	claim(set, r, arena_printf(a, "mark 0x%x", spec->mark));
	claim(set, r, arena_printf(a, "%s %s %s", copy->driver,
				addr_text(a, &spec->local), addr_text(a, &spec->remote)));
	r->spec = copy;
}

static int compare_prefix(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct prefix));
}

static int compare_text(const void *a, const void *b)
{
	return strcmp(*(char *const*)a, *(char *const*)b);
}

static char *join(struct arena *a, char *const *items, size_t count)
{
	struct text t = {0};
	char *out;

	for (size_t i = 0; i < count; i++)
	{
		text_addf(&t, "%s%s", i ? " " : "", items[i]);
	}
	out = arena_strdup(a, text_str(&t));
	text_done(&t);
	return out;
}

void resource_ospf(struct resource_set *set, enum resource_origin origin,
				   const struct res_ospf *spec)
{
	struct arena *a = set->arena;
	struct resource *r = append(set, RES_OSPF, origin, spec->vrf, "");
	struct res_ospf *copy = copy_spec(set, spec, sizeof(*spec));
	char **networks = arena_calloc(a, spec->network_count + 1,
								   sizeof(*networks));

	copy->vrf = r->key;
	copy->networks = arena_calloc(a, spec->network_count + 1,
								  sizeof(*copy->networks));
	copy->passive = arena_calloc(a, spec->passive_count + 1,
								 sizeof(*copy->passive));
	for (size_t i = 0; i < spec->network_count; i++)
	{
		copy->networks[i] = spec->networks[i];
	}
	for (size_t i = 0; i < spec->passive_count; i++)
	{
		copy->passive[i] = dup_text(a, spec->passive[i]);
	}
	qsort(copy->networks, copy->network_count, sizeof(*copy->networks),
		  compare_prefix);
	qsort(copy->passive, copy->passive_count, sizeof(*copy->passive),
		  compare_text);
	for (size_t i = 0; i < spec->network_count; i++)
	{
		networks[i] = prefix_text(a, &copy->networks[i]);
	}
	attr(set, r, "router-id", false, addr_text(a, &spec->router_id));
	attr(set, r, "area", false, addr_text(a, &spec->area));
	attr(set, r, "networks", false, join(a, networks, spec->network_count));
	attr(set, r, "passive", false, join(a, copy->passive,
										copy->passive_count));
	r->spec = copy;
}

void resource_ospf_link(struct resource_set *set, enum resource_origin origin,
						const char *group, const struct res_ospf_link *spec)
{
	struct arena *a = set->arena;
	struct resource *r = append(set, RES_OSPF_LINK, origin, spec->link, group);
	struct res_ospf_link *copy = copy_spec(set, spec, sizeof(*spec));

	copy->link = r->key;
	copy->vrf = dup_text(a, spec->vrf);
	attr(set, r, "point-to-point", false, flag_text(a, spec->point_to_point));
	attr(set, r, "hello", false, arena_printf(a, "%u", spec->hello));
	attr(set, r, "dead", false, arena_printf(a, "%u", spec->dead));
	attr(set, r, "cost", false, arena_printf(a, "%u", spec->cost));
	r->spec = copy;
}

void resource_sa(struct resource_set *set, enum resource_origin origin,
				 const struct res_sa *spec)
{
	struct arena *a = set->arena;
	struct resource *r = append(set, RES_SA, origin, spec->conn, spec->conn);
	struct res_sa *copy = copy_spec(set, spec, sizeof(*spec));

	copy->conn = r->key;
	copy->local_id = dup_text(a, spec->local_id);
	copy->remote_id = dup_text(a, spec->remote_id);
	copy->unique_ids = arena_calloc(a, spec->unique_id_count + 1,
									sizeof(*copy->unique_ids));
	for (size_t i = 0; i < spec->unique_id_count; i++)
	{
		copy->unique_ids[i] = spec->unique_ids[i];
	}
	attr(set, r, "local", true, addr_text(a, &spec->local));
	attr(set, r, "remote", true, addr_text(a, &spec->remote));
	attr(set, r, "local-id", true, copy->local_id);
	attr(set, r, "remote-id", true, copy->remote_id);
	attr(set, r, "mark", true, arena_printf(a, "0x%x", spec->mark));
	attr(set, r, "lost", true, flag_text(a, spec->lost));
	r->spec = copy;
}

void resource_credentials(struct resource_set *set,
						  enum resource_origin origin,
						  const struct res_credentials *spec)
{
	struct arena *a = set->arena;
	struct resource *r = append(set, RES_CREDENTIALS, origin, spec->name,
								spec->name);
	struct res_credentials *copy = copy_spec(set, spec, sizeof(*spec));

	copy->name = r->key;
	copy->json = spec->json ? arena_strdup(a, spec->json) : NULL;
	/* json says it all; document and key may be gone before the resource is */
	copy->certificate = NULL;
	copy->private_key = NULL;
	attr(set, r, "tag", false, arena_strdup(a, spec->tag));
	r->spec = copy;
}

void resource_conn(struct resource_set *set, enum resource_origin origin,
				   const struct res_conn *spec)
{
	struct arena *a = set->arena;
	struct resource *r = append(set, RES_CONN, origin, spec->name, spec->name);
	struct res_conn *copy = copy_spec(set, spec, sizeof(*spec));

	copy->name = r->key;
	copy->local_id = dup_text(a, spec->local_id);
	copy->remote_id = dup_text(a, spec->remote_id);
	copy->json = spec->json ? arena_strdup(a, spec->json) : NULL;
	/* json says it all; the document may be gone before the resource is */
	copy->profile = NULL;
	copy->keys = NULL;
	copy->key_count = 0;
	copy->credentials = spec->credentials
		? arena_strdup(a, spec->credentials) : NULL;
	attr(set, r, "tag", false, arena_strdup(a, spec->tag));
	r->spec = copy;
}
