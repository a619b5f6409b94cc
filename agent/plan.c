/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * plan.c - the difference between two sets, as ordered steps
 *
 * Pure. See plan.h for the order.
 */
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "json_out.h"
#include "plan.h"

static const char *const op_names[] = {
	[STEP_CREATE] = "create",
	[STEP_UPDATE] = "update",
	[STEP_RECREATE] = "recreate",
	[STEP_DELETE] = "delete",
};

const char *step_op_name(enum step_op op)
{
	return op_names[op];
}

/* ---- claims: who holds what ------------------------------------------------ */

struct holder {
	const char *claim;
	const struct resource *resource;
};

struct holders {
	struct holder *items;
	size_t count;
};

static int compare_holder(const void *a, const void *b)
{
	const struct holder *x = a, *y = b;

	return strcmp(x->claim, y->claim);
}

static struct holders holders_build(const struct resource_set *set)
{
	struct holders h = {0};
	size_t n = 0;

	for (size_t i = 0; i < set->count; i++)
	{
		n += set->items[i].claim_count;
	}
	h.items = xcalloc(n + 1, sizeof(*h.items));
	for (size_t i = 0; i < set->count; i++)
	{
		for (size_t c = 0; c < set->items[i].claim_count; c++)
		{
			h.items[h.count++] = (struct holder){
				set->items[i].claims[c], &set->items[i],
			};
		}
	}
	qsort(h.items, h.count, sizeof(*h.items), compare_holder);
	return h;
}

/* First holder of a claim; the following ones with the same claim are next. */
static const struct holder *holders_find(const struct holders *h,
										 const char *claim)
{
	struct holder probe = { claim, NULL };
	const struct holder *found;

	found = bsearch(&probe, h->items, h->count, sizeof(probe), compare_holder);
	while (found && found > h->items && strcmp(found[-1].claim, claim) == 0)
	{
		found--;
	}
	return found;
}

/* ---- the steps ------------------------------------------------------------- */

struct build {
	struct resource_set *want, *have;
	unsigned kinds;
	const char *group;
	struct plan *plan;
	struct holders holders;		/* of have */
	struct plan deletes;		/* in order of have, i.e. up the ranks */
	bool *early;				/* per delete: must go before the creates */
};

static bool counts(const struct build *b, const struct resource *r)
{
	return (b->kinds & RES_BIT(r->kind)) &&
		   (!b->group || strcmp(b->group, r->group) == 0);
}

static void add_step(struct plan *plan, enum step_op op,
					 const struct resource *want, const struct resource *have,
					 char *reason)
{
	const struct resource *r = want ? want : have;

	if (plan->count == plan->size)
	{
		plan->size = plan->size ? plan->size * 2 : 32;
		plan->steps = xrealloc(plan->steps, plan->size, sizeof(*plan->steps));
	}
	plan->steps[plan->count++] = (struct step){
		.op = op, .kind = r->kind, .key = r->key, .group = r->group,
		.want = want, .have = have, .reason = reason,
	};
}

static void add_error(struct plan *plan, const struct resource *want,
					  const char *claim, const struct resource *holder)
{
	struct plan_error *pe;

	if (plan->error_count == plan->error_size)
	{
		plan->error_size = plan->error_size ? plan->error_size * 2 : 8;
		plan->errors = xrealloc(plan->errors, plan->error_size,
								sizeof(*plan->errors));
	}
	pe = &plan->errors[plan->error_count++];
	memset(pe, 0, sizeof(*pe));
	pe->want = want;
	err_set(&pe->err, 0, ERR_FOREIGN, want->key, "%s %s needs \"%s\", which %s "
			"\"%s\" holds, and that is not ours",
			resource_kind_name(want->kind), want->key, claim,
			resource_kind_name(holder->kind), holder->key);
}

/*
 * Text of the attributes that differ, NULL if none; *fixed: one of them cannot
 * be changed in place. Both sides list the same attributes in the same order.
 */
static char *difference(struct arena *a, const struct resource *want,
						const struct resource *have, bool *fixed)
{
	struct text t = {0};
	char *out = NULL;

	*fixed = false;
	for (size_t i = 0; i < want->attr_count && i < have->attr_count; i++)
	{
		if (strcmp(want->attrs[i].value, have->attrs[i].value) != 0)
		{
			text_addf(&t, "%s%s %s, wanted %s", t.len ? "; " : "",
					  want->attrs[i].name, have->attrs[i].value,
					  want->attrs[i].value);
			*fixed |= want->attrs[i].fixed;
		}
	}
	if (t.len)
	{
		out = arena_strdup(a, text_str(&t));
	}
	text_done(&t);
	return out;
}

/* A foreign resource that stands in the way of a wanted one. */
static bool blocked(struct build *b, const struct resource *want)
{
	const struct holder *h, *end = b->holders.items + b->holders.count;

	for (size_t c = 0; c < want->claim_count; c++)
	{
		for (h = holders_find(&b->holders, want->claims[c]);
			 h && h < end && strcmp(h->claim, want->claims[c]) == 0; h++)
		{
			if (h->resource->origin == RES_FOREIGN)
			{
				add_error(b->plan, want, want->claims[c], h->resource);
				return true;
			}
		}
	}
	return false;
}

/* Ours, observed, of that kind and key; a foreign one of the key: *foreign. */
static const struct resource *find_have(struct build *b,
										const struct resource *want,
										const struct resource **foreign)
{
	const struct resource *end = b->have->items + b->have->count;
	const struct resource *r = resource_find(b->have, want->kind, want->key);

	*foreign = NULL;
	for (; r && r < end && r->kind == want->kind &&
		 strcmp(r->key, want->key) == 0; r++)
	{
		if (r->origin == RES_OURS)
		{
			return r;
		}
		*foreign = r;
	}
	return NULL;
}

static void hoist_group(struct build *b, const struct resource *holder)
{
	for (size_t i = 0; i < b->deletes.count; i++)
	{
		const struct step *s = &b->deletes.steps[i];

		if (s->have == holder ||
			(holder->group[0] && strcmp(s->group, holder->group) == 0))
		{
			b->early[i] = true;
		}
	}
}

/* Deletes that hold a claim of want, and their groups, go first. */
static void hoist(struct build *b, const struct resource *want)
{
	const struct holder *h, *end = b->holders.items + b->holders.count;

	for (size_t c = 0; c < want->claim_count; c++)
	{
		for (h = holders_find(&b->holders, want->claims[c]);
			 h && h < end && strcmp(h->claim, want->claims[c]) == 0; h++)
		{
			if (!resource_find(b->want, h->resource->kind, h->resource->key))
			{
				hoist_group(b, h->resource);
			}
		}
	}
}

static void step_for(struct build *b, const struct resource *want)
{
	const struct resource *have, *foreign;
	struct arena *a = b->have->arena;
	bool fixed;
	char *reason;

	have = find_have(b, want, &foreign);
	if (!have && foreign)
	{
		add_error(b->plan, want, want->key, foreign);
		return;
	}
	if (!have)
	{
		if (resource_kind_creates(want->kind) && !blocked(b, want))
		{
			add_step(b->plan, STEP_CREATE, want, NULL,
					 arena_strdup(a, "missing"));
		}
		return;
	}
	reason = difference(a, want, have, &fixed);
	if (!reason)
	{
		return;
	}
	if (fixed && !resource_kind_creates(want->kind))
	{	/* made by something else: take it away, it comes back right */
		add_step(b->plan, STEP_DELETE, NULL, have, reason);
	}
	else if (!fixed || !blocked(b, want))
	{
		add_step(b->plan, fixed ? STEP_RECREATE : STEP_UPDATE, want, have,
				 reason);
	}
}

/* The second of two of ours with one key, an alias copied by hand, say. */
static bool is_duplicate(const struct resource_set *set, size_t i)
{
	const struct resource *r = &set->items[i], *before = r - 1;

	return i > 0 && before->origin == RES_OURS && before->kind == r->kind &&
		   strcmp(before->key, r->key) == 0;
}

static void collect_deletes(struct build *b)
{
	for (size_t i = 0; i < b->have->count; i++)
	{
		const struct resource *r = &b->have->items[i];
		bool duplicate = is_duplicate(b->have, i);

		if (r->origin == RES_OURS && counts(b, r) &&
			resource_kind_deletes(r->kind) &&
			(duplicate || !resource_find(b->want, r->kind, r->key)))
		{
			add_step(&b->deletes, STEP_DELETE, NULL, r,
					 arena_strdup(b->have->arena,
								  duplicate ? "duplicate" : "not wanted"));
		}
	}
	b->early = xcalloc(b->deletes.count + 1, sizeof(*b->early));
}

static void append_deletes(struct build *b, bool early)
{
	for (size_t i = b->deletes.count; i > 0; i--)
	{
		if (b->early[i - 1] == early)
		{
			const struct step *s = &b->deletes.steps[i - 1];

			add_step(b->plan, s->op, s->want, s->have, s->reason);
		}
	}
}

/* Deletes that must go before the creates. */
static void find_early(struct build *b)
{
	if (!b->deletes.count)
	{
		return;
	}
	for (size_t i = 0; i < b->want->count; i++)
	{
		const struct resource *want = &b->want->items[i];

		if (want->claim_count && counts(b, want))
		{
			hoist(b, want);
		}
	}
}

void plan_build(struct resource_set *want, struct resource_set *have,
				unsigned kinds, const char *group, struct plan *plan)
{
	struct build b = {
		.want = want, .have = have, .kinds = kinds, .group = group,
		.plan = plan,
	};

	memset(plan, 0, sizeof(*plan));
	resource_set_sort(want);
	resource_set_sort(have);
	b.holders = holders_build(have);
	collect_deletes(&b);
	find_early(&b);
	append_deletes(&b, true);
	for (size_t i = 0; i < want->count; i++)
	{
		if (counts(&b, &want->items[i]))
		{
			step_for(&b, &want->items[i]);
		}
	}
	append_deletes(&b, false);
	free(b.holders.items);
	free(b.deletes.steps);
	free(b.early);
}

void plan_done(struct plan *plan)
{
	free(plan->steps);
	free(plan->errors);
	memset(plan, 0, sizeof(*plan));
}

/* ---- printing -------------------------------------------------------------- */

static void print_attrs(const struct resource *r, struct text *out)
{
	for (size_t i = 0; i < r->attr_count; i++)
	{
		text_addf(out, "%s%s=%s", i ? " " : "", r->attrs[i].name,
				  r->attrs[i].value);
	}
}

void plan_print(const struct plan *plan, struct text *out)
{
	for (size_t i = 0; i < plan->count; i++)
	{
		const struct step *s = &plan->steps[i];

		text_addf(out, "%s %s %s (", step_op_name(s->op),
				  resource_kind_name(s->kind), s->key);
		if (s->op == STEP_CREATE)
		{
			print_attrs(s->want, out);
		}
		else
		{
			text_add(out, s->reason);
		}
		text_add(out, ")\n");
	}
	for (size_t i = 0; i < plan->error_count; i++)
	{
		text_addf(out, "cannot: %s\n", plan->errors[i].err.text);
	}
}

void plan_json(const struct plan *plan, struct json_out *o)
{
	jo_array(o, "steps");
	for (size_t i = 0; i < plan->count; i++)
	{
		const struct step *s = &plan->steps[i];

		jo_object(o, NULL);
		jo_str(o, "op", step_op_name(s->op));
		jo_str(o, "kind", resource_kind_name(s->kind));
		jo_str(o, "key", s->key);
		jo_str(o, "reason", s->reason);
		jo_object_end(o);
	}
	jo_array_end(o);
	jo_array(o, "errors");
	for (size_t i = 0; i < plan->error_count; i++)
	{
		jo_err(o, NULL, &plan->errors[i].err);
	}
	jo_array_end(o);
}
