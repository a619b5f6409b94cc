/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * vici_read.c - what charon's VICI messages say, as values
 *
 * Pure. The walk's depth tells where a member stands: an IKE_SA's own at 1, its
 * section "child-sas" opens 2, each CHILD_SA is a section of its own at 3.
 */
#include "config.h"

#include "vici_read.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "facts.h"
#include "resource.h"

enum { IKE_DEPTH = 1, GROUP_DEPTH = 2, CHILD_DEPTH = 3 };

bool vici_conn_is_ours(const char *name)
{
	return strncmp(name, ALIAS_PREFIX, strlen(ALIAS_PREFIX)) == 0;
}

/* ---- list-sa -------------------------------------------------------------- */

struct child
{
	uint32_t unique_id, mark, spi_in, spi_out;
	char state[32];
	char encr[48], encr_size[8], integ[48], integ_size[8], dh[48];
	uint64_t in_bytes, out_bytes;
};

struct sa_reading
{
	struct vici_sa *sa;
	struct arena *arena;
	struct child child;
	uint32_t newest, newest_installed;	/* CHILD_SAs' ids */
	bool in_children;
};

static uint64_t number(const char *value)
{
	uint64_t n;

	return text_to_u64(value, 0, UINT64_MAX, &n) == 0 ? n : 0;
}

static void copy(char *out, size_t size, const char *value)
{
	size_t len = strnlen(value, size - 1);

	memcpy(out, value, len);
	out[len] = '\0';
}

/* A wildcard is what an IKE_SA has before the identities were exchanged. */
static char *identity(struct arena *a, const char *value)
{
	return arena_strdup(a, strcmp(value, "%any") == 0 ? "" : value);
}

static void ike_member(struct sa_reading *r, const char *name,
					   const char *value)
{
	struct vici_sa *sa = r->sa;

	if (strcmp(name, "uniqueid") == 0)
	{
		sa->unique_id = (uint32_t)number(value);
	}
	else if (strcmp(name, "state") == 0)
	{
		sa->state = arena_strdup(r->arena, value);
	}
	else if (strcmp(name, "initiator") == 0)
	{
		sa->initiator = strcmp(value, "yes") == 0;
	}
	else if (strcmp(name, "local-host") == 0)
	{
		addr_parse4(value, &sa->local);
	}
	else if (strcmp(name, "remote-host") == 0)
	{
		addr_parse4(value, &sa->remote);
	}
	else if (strcmp(name, "local-id") == 0)
	{
		sa->local_id = identity(r->arena, value);
	}
	else if (strcmp(name, "remote-id") == 0)
	{
		sa->remote_id = identity(r->arena, value);
	}
}

static void child_member(struct child *c, const char *name, const char *value)
{
	const struct
	{
		const char *name;
		char *out;
		size_t size;
	} texts[] = {
		{ "state", c->state, sizeof(c->state) },
		{ "encr-alg", c->encr, sizeof(c->encr) },
		{ "encr-keysize", c->encr_size, sizeof(c->encr_size) },
		{ "integ-alg", c->integ, sizeof(c->integ) },
		{ "integ-keysize", c->integ_size, sizeof(c->integ_size) },
		{ "dh-group", c->dh, sizeof(c->dh) },
	};
	/* hexadecimal, without 0x */
	const struct { const char *name; uint32_t *out; } numbers[] = {
		{ "mark-in", &c->mark }, { "spi-in", &c->spi_in },
		{ "spi-out", &c->spi_out },
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
	{
		if (strcmp(name, texts[i].name) == 0)
		{
			copy(texts[i].out, texts[i].size, value);
			return;
		}
	}
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
	{
		if (strcmp(name, numbers[i].name) == 0)
		{
			*numbers[i].out = (uint32_t)strtoul(value, NULL, 16);
			return;
		}
	}
	if (strcmp(name, "uniqueid") == 0)
	{
		c->unique_id = (uint32_t)number(value);
	}
	else if (strcmp(name, "bytes-in") == 0)
	{
		c->in_bytes = number(value);
	}
	else if (strcmp(name, "bytes-out") == 0)
	{
		c->out_bytes = number(value);
	}
}

/* "AES_GCM_16_256/ECP_384": what was negotiated, without what is not there */
static char *proposal_text(struct arena *a, const struct child *c)
{
	return arena_printf(a, "%s%s%s%s%s%s%s%s%s", c->encr,
						c->encr_size[0] != '\0' ? "_" : "", c->encr_size,
						c->integ[0] != '\0' ? "/" : "", c->integ,
						c->integ_size[0] != '\0' ? "_" : "", c->integ_size,
						c->dh[0] != '\0' ? "/" : "", c->dh);
}

/* A CHILD_SA is read: add it to its IKE_SA. */
static void child_end(struct sa_reading *r)
{
	struct vici_sa *sa = r->sa;
	struct child *c = &r->child;
	bool installed = strcmp(c->state, "INSTALLED") == 0;

	if (installed || strcmp(c->state, "REKEYING") == 0 ||
		strcmp(c->state, "REKEYED") == 0)
	{
		sa->installed++;
	}
	if (installed)
	{
		sa->child_state = arena_strdup(r->arena, c->state);
		if (c->unique_id >= r->newest_installed)
		{
			r->newest_installed = c->unique_id;
			sa->mark = c->mark;
			sa->spi_in = c->spi_in;
			sa->spi_out = c->spi_out;
			sa->proposal = proposal_text(r->arena, c);
		}
	}
	else if (strcmp(sa->child_state, "INSTALLED") != 0 &&
			 c->unique_id >= r->newest)
	{
		r->newest = c->unique_id;
		sa->child_state = arena_strdup(r->arena, c->state);
	}
	sa->in_bytes += c->in_bytes;
	sa->out_bytes += c->out_bytes;
	memset(c, 0, sizeof(*c));
}

static void sa_element(struct sa_reading *r, const struct vici_walk *w,
					   enum vici_element element)
{
	if (element == VICI_SECTION && w->depth == GROUP_DEPTH)
	{
		r->in_children = strcmp(w->name, "child-sas") == 0;
	}
	else if (element == VICI_SECTION_END && w->depth == GROUP_DEPTH &&
			 r->in_children)
	{
		child_end(r);
	}
	else if (element == VICI_KV && w->depth == IKE_DEPTH)
	{
		ike_member(r, w->name, w->value);
	}
	else if (element == VICI_KV && w->depth == CHILD_DEPTH && r->in_children)
	{
		child_member(&r->child, w->name, w->value);
	}
}

int vici_read_sa(struct vici_walk *w, struct arena *a, struct vici_sa *sa)
{
	struct sa_reading r = { .sa = sa, .arena = a };
	enum vici_element element;

	memset(sa, 0, sizeof(*sa));
	sa->state = sa->local_id = sa->remote_id = arena_strdup(a, "");
	sa->child_state = sa->proposal = sa->state;
	if (vici_next(w, &element) != 0 || element != VICI_SECTION)
	{
		return -EBADMSG;
	}
	sa->conn = arena_strdup(a, w->name);
	do
	{
		if (vici_next(w, &element) != 0)
		{
			return -EBADMSG;
		}
		sa_element(&r, w, element);
	}
	while (w->depth > 0);
	return vici_next(w, &element) == 0 && element == VICI_END ? 0 : -EBADMSG;
}

/* ---- one connection's IKE_SAs together ------------------------------------ */

static int compare(const void *a, const void *b)
{
	const struct vici_sa *x = a, *y = b;
	int c = strcmp(x->conn, y->conn);

	return c != 0 ? c : (x->unique_id > y->unique_id) -
						(x->unique_id < y->unique_id);
}

static bool is_whole(const struct vici_sa *sa)
{
	return strcmp(sa->state, "ESTABLISHED") == 0 && sa->installed > 0;
}

/* Of several whole ones the oldest that the other end began, else the oldest. */
static uint32_t find_spare(const struct vici_sa *sas, size_t count)
{
	const struct vici_sa *spare = NULL;
	size_t whole = 0;

	for (size_t i = 0; i < count; i++)
	{
		if (is_whole(&sas[i]))
		{
			whole++;
			if (!spare || (spare->initiator && !sas[i].initiator))
			{
				spare = &sas[i];
			}
		}
	}
	return whole > 1 ? spare->unique_id : 0;
}

/* sas[0..count) are of one connection, the newest last. */
static void report_facts(const struct vici_sa *sas, size_t count,
						 struct facts *facts, struct arena *a)
{
	struct fact_sa *fact = facts_add_sa(facts, a, sas[0].conn);

	fact->ike_state = sas[count - 1].state;
	fact->spare = find_spare(sas, count);
	for (size_t i = 0; i < count; i++)
	{
		fact->installed += sas[i].installed;
		fact->connecting |= strcmp(sas[i].state, "CONNECTING") == 0;
		fact->in_bytes += sas[i].in_bytes;
		fact->out_bytes += sas[i].out_bytes;
		if (sas[i].proposal[0] != '\0')
		{
			fact->proposal = sas[i].proposal;
			fact->mark = sas[i].mark;
			fact->spi_in = sas[i].spi_in;
			fact->spi_out = sas[i].spi_out;
		}
		if (sas[i].child_state[0] != '\0' &&
			strcmp(fact->child_state, "INSTALLED") != 0)
		{
			fact->child_state = sas[i].child_state;
		}
	}
}

static bool contains(const uint32_t *items, size_t count, uint32_t item)
{
	for (size_t i = 0; i < count; i++)
	{
		if (items[i] == item)
		{
			return true;
		}
	}
	return false;
}

static void report_resource(const struct vici_sa *sas, size_t count,
							const struct vici_spis *lost,
							struct resource_set *set)
{
	const struct vici_sa *known = &sas[count - 1];
	uint32_t *ids = arena_calloc(set->arena, count, sizeof(*ids));
	struct res_sa spec = { .unique_ids = ids, .unique_id_count = count };

	for (size_t i = 0; i < count; i++)
	{
		ids[i] = sas[i].unique_id;
		spec.mark = sas[i].mark ? sas[i].mark : spec.mark;
		spec.lost |= sas[i].spi_out != 0 &&
					 contains(lost->spis, lost->count, sas[i].spi_out);
		/* one that is still being negotiated does not say who it is with */
		if (sas[i].remote_id[0] != '\0' && known->remote_id[0] == '\0')
		{
			known = &sas[i];
		}
	}
	spec.conn = known->conn;
	spec.local = known->local;
	spec.remote = known->remote;
	spec.local_id = known->local_id;
	spec.remote_id = known->remote_id;
	resource_sa(set, RES_OURS, &spec);
}

void vici_sas_report(struct vici_sa *sas, size_t count,
					 const struct vici_spis *lost, struct facts *facts,
					 struct resource_set *set)
{
	size_t n;

	if (count > 0)
	{
		qsort(sas, count, sizeof(*sas), compare);
	}
	for (size_t i = 0; i < count; i += n)
	{
		for (n = 1; i + n < count &&
			 strcmp(sas[i].conn, sas[i + n].conn) == 0; n++)
		{
		}
		if (vici_conn_is_ours(sas[i].conn))
		{
			report_facts(&sas[i], n, facts, set->arena);
			report_resource(&sas[i], n, lost, set);
		}
	}
}

/* ---- events and answers --------------------------------------------------- */

int vici_read_event_conn(struct vici_walk *w, char conn[256])
{
	enum vici_element element;

	conn[0] = '\0';
	do
	{
		if (vici_next(w, &element) != 0)
		{
			return -EBADMSG;
		}
		if (element == VICI_SECTION && w->depth == 1 && conn[0] == '\0')
		{
			copy(conn, 256, w->name);
		}
	}
	while (element != VICI_END);
	return 0;
}

int vici_read_result(struct vici_walk *w, bool *success, char errmsg[256])
{
	enum vici_element element;

	*success = false;
	errmsg[0] = '\0';
	do
	{
		if (vici_next(w, &element) != 0)
		{
			return -EBADMSG;
		}
		if (element == VICI_KV && w->depth == 0 &&
			strcmp(w->name, "success") == 0)
		{
			*success = strcmp(w->value, "yes") == 0;
		}
		else if (element == VICI_KV && w->depth == 0 &&
				 strcmp(w->name, "errmsg") == 0)
		{
			copy(errmsg, 256, w->value);
		}
	}
	while (element != VICI_END);
	return 0;
}

int vici_read_version(struct vici_walk *w, char version[32])
{
	enum vici_element element;

	version[0] = '\0';
	do
	{
		if (vici_next(w, &element) != 0)
		{
			return -EBADMSG;
		}
		if (element == VICI_KV && w->depth == 0 &&
			strcmp(w->name, "version") == 0)
		{
			copy(version, 32, w->value);
		}
	}
	while (element != VICI_END);
	return 0;
}

/* ---- list-conn ------------------------------------------------------------ */

/* More than one host, and of all protocols: charon adds no route for others. */
static bool selector_needs_route(const char *ts)
{
	const char *slash = strchr(ts, '/');

	if (strchr(ts, '[') != NULL || strncmp(ts, "dynamic", 7) == 0)
	{
		return false;
	}
	if (strchr(ts, '-') != NULL || strstr(ts, "..") != NULL)
	{
		return true;
	}
	return slash != NULL &&
		   strcmp(slash, strchr(ts, ':') != NULL ? "/128" : "/32") != 0;
}

struct conn_reading
{
	char conn[256], child[256];
	bool in_children, in_remote, tunnel, wide;
	vici_child_fn fn;
	void *user;
};

static void conn_element(struct conn_reading *r, const struct vici_walk *w,
						 enum vici_element element)
{
	switch (element)
	{
		case VICI_SECTION:
			if (w->depth == GROUP_DEPTH)
			{
				r->in_children = strcmp(w->name, "children") == 0;
			}
			else if (w->depth == CHILD_DEPTH)
			{
				copy(r->child, sizeof(r->child), w->name);
				r->tunnel = r->wide = false;
			}
			break;
		case VICI_SECTION_END:
			if (w->depth == GROUP_DEPTH && r->in_children && r->tunnel &&
				r->wide)
			{
				r->fn(r->user, r->conn, r->child);
			}
			break;
		case VICI_KV:
			if (w->depth == CHILD_DEPTH && strcmp(w->name, "mode") == 0)
			{
				r->tunnel = strcmp(w->value, "TUNNEL") == 0;
			}
			break;
		case VICI_LIST:
			r->in_remote = w->depth == CHILD_DEPTH &&
						   strcmp(w->name, "remote-ts") == 0;
			break;
		case VICI_LIST_ITEM:
			r->wide |= r->in_remote && selector_needs_route(w->value);
			break;
		case VICI_LIST_END:
		case VICI_END:
			break;
	}
}

int vici_read_conn(struct vici_walk *w, vici_child_fn fn, void *user)
{
	struct conn_reading r = { .fn = fn, .user = user };
	enum vici_element element;

	if (vici_next(w, &element) != 0 || element != VICI_SECTION)
	{
		return -EBADMSG;
	}
	copy(r.conn, sizeof(r.conn), w->name);
	do
	{
		if (vici_next(w, &element) != 0)
		{
			return -EBADMSG;
		}
		conn_element(&r, w, element);
	}
	while (w->depth > 0);
	return vici_next(w, &element) == 0 && element == VICI_END ? 0 : -EBADMSG;
}
