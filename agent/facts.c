/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * facts.c - collecting what was observed
 *
 * Pure.
 */
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "facts.h"

/* Room for one more item, doubling. */
#define GROW(items, count) ({ \
	if (((count) & ((count) - 1)) == 0) \
	{ \
		(items) = xrealloc((items), (count) ? (count) * 2 : 1, sizeof(*(items))); \
	} \
	memset(&(items)[(count)], 0, sizeof(*(items))); \
	&(items)[(count)++]; })

void facts_add_address(struct facts *f, struct arena *a, const char *link,
					   const struct prefix *p)
{
	struct fact_address *item = GROW(f->addresses, f->address_count);

	item->link = arena_strdup(a, link);
	item->address = *p;
}

void facts_add_link(struct facts *f, struct arena *a, const char *name,
					bool ours)
{
	struct fact_link *item = GROW(f->links, f->link_count);

	item->name = arena_strdup(a, name);
	item->ours = ours;
}

struct fact_sa *facts_add_sa(struct facts *f, struct arena *a,
							 const char *conn)
{
	struct fact_sa *item = GROW(f->sas, f->sa_count);

	f->sas_sorted = false;
	item->conn = arena_strdup(a, conn);
	item->ike_state = item->child_state = item->proposal = arena_strdup(a, "");
	return item;
}

void facts_add_neighbor(struct facts *f, struct arena *a, const char *link,
						const char *state)
{
	struct fact_neighbor *item = GROW(f->neighbors, f->neighbor_count);

	item->link = arena_strdup(a, link);
	item->state = arena_strdup(a, state);
}

void facts_add_ospf_link(struct facts *f, struct arena *a, const char *link)
{
	char **item = GROW(f->ospf_links, f->ospf_link_count);

	*item = arena_strdup(a, link);
}

bool facts_has_ospf_link(const struct facts *f, const char *link)
{
	for (size_t i = 0; i < f->ospf_link_count; i++)
	{
		if (strcmp(f->ospf_links[i], link) == 0)
		{
			return true;
		}
	}
	return false;
}

void facts_add_routed(struct facts *f, struct arena *a, const char *link)
{
	char **item = GROW(f->routed, f->routed_count);

	*item = arena_strdup(a, link);
}

void facts_done(struct facts *f)
{
	free(f->addresses);
	free(f->links);
	free(f->sas);
	free(f->neighbors);
	free(f->ospf_links);
	free(f->routed);
	memset(f, 0, sizeof(*f));
}

static int compare_sa(const void *a, const void *b)
{
	const struct fact_sa *x = a, *y = b;

	return strcmp(x->conn, y->conn);
}

void facts_sort(struct facts *f)
{
	if (f->sa_count)
	{
		qsort(f->sas, f->sa_count, sizeof(*f->sas), compare_sa);
	}
	f->sas_sorted = true;
}

const struct fact_sa *facts_sa(const struct facts *f, const char *conn)
{
	struct fact_sa probe = { .conn = (char*)conn };

	if (f->sas_sorted)
	{
		return f->sa_count ? bsearch(&probe, f->sas, f->sa_count,
									 sizeof(probe), compare_sa) : NULL;
	}
	for (size_t i = 0; i < f->sa_count; i++)
	{
		if (strcmp(f->sas[i].conn, conn) == 0)
		{
			return &f->sas[i];
		}
	}
	return NULL;
}
