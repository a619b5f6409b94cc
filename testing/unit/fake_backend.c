/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * fake_backend.c - a router in memory
 */
#include <errno.h>
#include <string.h>

#include "alloc.h"
#include "fake_backend.h"

/* Built anew by the kind's own function, so that nothing is shared. */
static void copy_resource(struct resource_set *set, const struct resource *r,
						  enum resource_origin origin)
{
	switch (r->kind)
	{
		case RES_SYSCTL:
			resource_sysctl(set, origin, r->spec);
			break;
		case RES_FIREWALL:
			resource_firewall(set, origin, r->spec);
			break;
		case RES_RULE:
			resource_rule(set, origin, r->spec);
			break;
		case RES_VRF:
			resource_vrf(set, origin, r->key, r->spec);
			break;
		case RES_MEMBER:
			resource_member(set, origin, r->group, r->spec);
			break;
		case RES_ROUTE:
			resource_route(set, origin, r->spec);
			break;
		case RES_LINK:
			resource_link(set, origin, r->key, r->spec);
			break;
		case RES_OSPF:
			resource_ospf(set, origin, r->spec);
			break;
		case RES_OSPF_LINK:
			resource_ospf_link(set, origin, r->group, r->spec);
			break;
		case RES_SA:
			resource_sa(set, origin, r->spec);
			break;
		case RES_CREDENTIALS:
			resource_credentials(set, origin, r->spec);
			break;
		case RES_CONN:
			resource_conn(set, origin, r->spec);
			break;
		case RES_KIND_COUNT:
			break;
	}
}

void fake_put(struct fake *f, const struct resource *r,
			  enum resource_origin origin)
{
	copy_resource(&f->state, r, origin);
}

void fake_copy(const struct fake *f, struct resource_set *set)
{
	for (size_t i = 0; i < f->state.count; i++)
	{
		copy_resource(set, &f->state.items[i], f->state.items[i].origin);
	}
}

static struct resource *find(struct fake *f, enum resource_kind kind,
							 const char *key)
{
	for (size_t i = 0; i < f->state.count; i++)
	{
		struct resource *r = &f->state.items[i];

		if (r->kind == kind && strcmp(r->key, key) == 0)
		{
			return r;
		}
	}
	return NULL;
}

static bool claim_held(const struct fake *f, const char *claim)
{
	for (size_t i = 0; i < f->state.count; i++)
	{
		for (size_t c = 0; c < f->state.items[i].claim_count; c++)
		{
			if (strcmp(f->state.items[i].claims[c], claim) == 0)
			{
				return true;
			}
		}
	}
	return false;
}

static void drop(struct fake *f, struct resource *r)
{
	*r = f->state.items[--f->state.count];
}

static const char *master_of(const struct resource *r)
{
	return r->kind == RES_LINK ? ((const struct res_link*)r->spec)->master :
		   r->kind == RES_MEMBER ? ((const struct res_member*)r->spec)->master :
		   "";
}

static bool has_vrf(const struct fake *f, const char *name)
{
	for (size_t i = 0; i < f->state.count; i++)
	{
		const struct resource *r = &f->state.items[i];

		if (r->kind == RES_VRF &&
			strcmp(((const struct res_vrf*)r->spec)->name, name) == 0)
		{
			return true;
		}
	}
	return false;
}

/* As the kernel does: who was in a VRF that goes is in none. */
static void release(struct fake *f, const char *vrf)
{
	for (size_t i = f->state.count; i > 0; i--)
	{
		struct resource *r = &f->state.items[i - 1];
		struct res_link link;

		if (strcmp(master_of(r), vrf) != 0)
		{
			continue;
		}
		if (r->kind == RES_MEMBER)
		{
			drop(f, r);
			continue;
		}
		link = *(const struct res_link*)r->spec;
		link.master = (char*)"";
		resource_link(&f->state, r->origin, r->key, &link);
		drop(f, &f->state.items[i - 1]);
	}
}

static int create(struct fake *f, const struct resource *want)
{
	if (find(f, want->kind, want->key))
	{
		return -EEXIST;
	}
	if (master_of(want)[0] && !has_vrf(f, master_of(want)))
	{
		return -ENODEV;
	}
	for (size_t i = 0; i < want->claim_count; i++)
	{
		if (claim_held(f, want->claims[i]))
		{
			return -EEXIST;
		}
	}
	fake_put(f, want, RES_OURS);
	return 0;
}

int fake_step(struct fake *f, const struct step *s)
{
	struct resource *r = find(f, s->kind, s->key);

	f->steps++;
	if (f->fail_after && f->steps > f->fail_after)
	{
		return -EIO;
	}
	if (s->op == STEP_CREATE)
	{
		return create(f, s->want);
	}
	if (!r)
	{
		return -ENOENT;
	}
	if (r->origin == RES_FOREIGN)
	{
		f->touched_foreign = true;
		return -EPERM;
	}
	if (r->kind == RES_VRF && s->op != STEP_UPDATE)
	{
		release(f, ((const struct res_vrf*)r->spec)->name);
		r = find(f, s->kind, s->key);
	}
	drop(f, r);
	return s->op == STEP_DELETE ? 0 : create(f, s->want);
}

/* As nl.c does: the kernel's local rule counts as ours only while we moved it. */
static enum resource_origin origin_of(struct fake *f, const struct resource *r)
{
	if (r->kind == RES_RULE && strcmp(r->key, "0 255") == 0 &&
		!find(f, RES_RULE, "32765 255"))
	{
		return RES_FOREIGN;
	}
	return r->origin;
}

static void fake_read(struct backend *b, struct observation *o,
					  backend_done_fn done, void *user)
{
	struct fake *f = (struct fake*)b;

	f->reads++;
	for (size_t i = 0; i < f->state.count; i++)
	{
		const struct resource *r = &f->state.items[i];

		if ((o->kinds & RES_BIT(r->kind)) &&
			(!o->group || strcmp(o->group, r->group) == 0))
		{
			copy_resource(&o->have, r, origin_of(f, r));
		}
	}
	for (size_t i = 0; i < f->facts.link_count; i++)
	{
		facts_add_link(&o->facts, o->arena, f->facts.links[i].name,
					   f->facts.links[i].ours);
	}
	o->facts.unknown_kinds |= f->facts.unknown_kinds & b->ops->kinds;
	done(user);
}

static void fake_apply(struct backend *b, struct step *const *steps,
					   size_t count, backend_done_fn done, void *user)
{
	for (size_t i = 0; i < count; i++)
	{
		steps[i]->rc = fake_step((struct fake*)b, steps[i]);
	}
	done(user);
}

struct backend *fake_init(struct fake *f, unsigned kinds)
{
	static struct backend_ops all;	/* one kind set per test program */

	all = (struct backend_ops){ "fake", kinds, fake_read, fake_apply };
	memset(f, 0, sizeof(*f));
	f->arena = arena_new();
	resource_set_init(&f->state, f->arena);
	f->backend.ops = &all;
	return &f->backend;
}

void fake_done(struct fake *f)
{
	resource_set_done(&f->state);
	facts_done(&f->facts);
	arena_free(f->arena);
}
