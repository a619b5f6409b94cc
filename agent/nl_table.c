/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * nl_table.c - what the kernel last said about each link
 *
 * Memory only, no system call.
 */
#include "config.h"

#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "name.h"
#include "nl_local.h"

static int compare_index(const void *a, const void *b)
{
	const struct nl_link *x = a, *y = b;

	return x->ifindex < y->ifindex ? -1 : x->ifindex > y->ifindex;
}

static int compare_alias(const void *a, const void *b)
{
	const struct nl_link *x = a, *y = b;
	int rc = strcmp(x->alias, y->alias);

	return rc ? rc : compare_index(a, b);
}

void nl_link_free(struct nl_link *link)
{
	if (link)
	{
		free(link->alias);
		free(link->addresses);
		free(link);
	}
}

static struct nl_link *found(void *node)
{
	return node ? *(struct nl_link**)node : NULL;
}

struct nl_link *nl_table_get(const struct nl_table *t, unsigned ifindex)
{
	struct nl_link probe = { .ifindex = ifindex };

	return found(tfind(&probe, &t->by_index, compare_index));
}

/* Only the first of equal aliases is of use; a second is somebody's doing. */
struct first { const char *alias; struct nl_link *link; };

static int compare_first(const void *a, const void *b)
{
	return strcmp(((const struct first*)a)->alias,
				  ((const struct nl_link*)b)->alias);
}

struct nl_link *nl_table_alias(const struct nl_table *t, const char *alias)
{
	struct first probe = { .alias = alias };

	return found(tfind(&probe, &t->by_alias, compare_first));
}

struct walk {
	void (*fn)(void *user, struct nl_link *link);
	void *user;
};

static void visit(const void *node, VISIT which, void *closure)
{
	struct walk *w = closure;

	if (which == postorder || which == leaf)
	{
		w->fn(w->user, *(struct nl_link**)node);
	}
}

void nl_table_each(const struct nl_table *t,
				   void (*fn)(void *user, struct nl_link *link), void *user)
{
	struct walk w = { fn, user };

	twalk_r(t->by_index, visit, &w);
}

static void insert(void **root, struct nl_link *link,
				   int (*compare)(const void*, const void*))
{
	if (!tsearch(link, root, compare))
	{
		abort();
	}
}

struct nl_link *nl_table_put(struct nl_table *t, struct nl_link *link)
{
	struct nl_link *old = nl_table_get(t, link->ifindex);

	if (old)
	{
		link->addresses = old->addresses;
		link->address_count = old->address_count;
		link->routed = old->routed;
		link->clsact = old->clsact;
		link->fence = old->fence;
		link->fence_mark = old->fence_mark;
		old->addresses = NULL;
		nl_table_remove(t, link->ifindex);
	}
	insert(&t->by_index, link, compare_index);
	if (link->alias[0])
	{
		insert(&t->by_alias, link, compare_alias);
	}
	return link;
}

void nl_table_remove(struct nl_table *t, unsigned ifindex)
{
	struct nl_link *link = nl_table_get(t, ifindex);

	if (!link)
	{
		return;
	}
	tdelete(link, &t->by_index, compare_index);
	if (link->alias[0])
	{
		tdelete(link, &t->by_alias, compare_alias);
	}
	nl_link_free(link);
}

static void keep(void *node)
{
}

static void drop(void *node)
{
	nl_link_free(node);
}

void nl_table_clear(struct nl_table *t)
{
	tdestroy(t->by_alias, keep);
	tdestroy(t->by_index, drop);
	t->by_alias = t->by_index = NULL;
}

/* ---- whose is it ----------------------------------------------------------- */

bool nl_link_is_vrf(const struct nl_link *link)
{
	return strcmp(link->kind, "vrf") == 0;
}

/* "ppvpn:acme:corp" as "acme/corp" */
static bool vrf_key(const char *alias, char key[NL_KEY_SIZE])
{
	char customer[NAME_SIZE], vpn[NAME_SIZE];
	const char *colon;

	alias += strlen(ALIAS_PREFIX);
	colon = strchr(alias, ':');
	if (!colon || colon - alias >= NAME_SIZE || strlen(colon + 1) >= NAME_SIZE)
	{
		return false;
	}
	memcpy(customer, alias, colon - alias);
	customer[colon - alias] = '\0';
	memcpy(vpn, colon + 1, strlen(colon + 1) + 1);
	if (!name_is_label(customer) || !name_is_label(vpn))
	{
		return false;
	}
	snprintf(key, NL_KEY_SIZE, "%s/%s", customer, vpn);
	return true;
}

bool nl_link_key(const struct nl_link *link, char key[NL_KEY_SIZE])
{
	if (strncmp(link->alias, ALIAS_PREFIX, strlen(ALIAS_PREFIX)) == 0)
	{
		if (nl_link_is_vrf(link))
		{
			return vrf_key(link->alias, key);
		}
		if (conn_name_split(link->alias, NULL, NULL, NULL))
		{
			memcpy(key, link->alias, strlen(link->alias) + 1);
			return true;
		}
		return false;
	}
	/* born by us, but its alias never came: nobody wants that key */
	if (link->group == NL_LINK_GROUP && !link->alias[0] &&
		(nl_link_is_vrf(link) || strcmp(link->kind, "vti") == 0))
	{
		memcpy(key, link->name, strlen(link->name) + 1);
		return true;
	}
	return false;
}

const char *nl_link_master(const struct nl *nl, const struct nl_link *link)
{
	struct nl_link *master = link->master
							 ? nl_table_get(&nl->links, link->master) : NULL;

	return master ? master->name : "";
}

bool nl_link_is_lan(const struct nl *nl, const char *name)
{
	for (size_t i = 0; nl->lan[i]; i++)
	{
		if (strcmp(nl->lan[i], name) == 0)
		{
			return true;
		}
	}
	return false;
}
