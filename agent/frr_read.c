/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * frr_read.c - what ospfd shows: running-config, and the JSON of show commands
 *
 * Pure. Lines and members that are not known are passed over: they are the
 * operator's, or another version's.
 */
#include "config.h"

#include "frr_text.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "json_walk.h"

/* Room for one more, zeroed: arrays in the arena grow by doubling. */
static void *grow(struct arena *a, void *items, size_t *count, size_t *size,
				  size_t item)
{
	void *bigger = items;

	if (*count == *size)
	{
		*size = *size > 0 ? 2 * *size : 8;
		bigger = arena_calloc(a, *size, item);
		if (*count > 0)
		{
			memcpy(bigger, items, *count * item);
		}
	}
	(*count)++;
	return bigger;
}

#define ADD(state, items, count, size) ( \
	(items) = grow((state)->arena, (items), &(count), &(size), \
				   sizeof(*(items))), \
	&(items)[(count) - 1])

/* ---- running-config ------------------------------------------------------- */

struct config_reading
{
	struct frr_state *state;
	struct frr_router *router;	/* whose lines follow, NULL: none of interest */
	struct frr_stanza *stanza;
};

/* The next word of a line, into out; false: none, or too long for any name. */
static bool word(const char **p, char out[64])
{
	size_t len;

	*p += strspn(*p, " ");
	len = strcspn(*p, " ");
	if (len == 0 || len >= 64)
	{
		return false;
	}
	memcpy(out, *p, len);
	out[len] = '\0';
	*p += len;
	return true;
}

static bool starts(const char **line, const char *with)
{
	size_t len = strlen(with);

	if (strncmp(*line, with, len) != 0)
	{
		return false;
	}
	*line += len;
	return true;
}

/* A line at the left margin opens (or closes) a section. */
static void read_section(struct config_reading *r, const char *line)
{
	struct frr_state *s = r->state;
	char name[64], vrf[64];

	r->router = NULL;
	r->stanza = NULL;
	if (starts(&line, "router ospf vrf ") && word(&line, name))
	{
		r->router = ADD(s, s->routers, s->router_count, s->router_size);
		r->router->vrf = arena_strdup(s->arena, name);
	}
	else if (starts(&line, "interface ") && word(&line, name))
	{
		r->stanza = ADD(s, s->stanzas, s->stanza_count, s->stanza_size);
		r->stanza->name = arena_strdup(s->arena, name);
		if (!starts(&line, " vrf ") || !word(&line, vrf))
		{
			vrf[0] = '\0';
		}
		r->stanza->vrf = arena_strdup(s->arena, vrf);
	}
}

/* "0.0.0.5" or "5" */
static bool read_area(const char *s, struct addr *area)
{
	uint64_t n;

	if (addr_parse4(s, area) == 0)
	{
		return true;
	}
	if (text_to_u64(s, 0, UINT32_MAX, &n) != 0)
	{
		return false;
	}
	*area = addr_from_u32((uint32_t)n);
	return true;
}

static void read_network(struct config_reading *r, const char *line)
{
	struct frr_network n = { .area.family = 0 };
	char prefix[64], area[64];

	if (word(&line, prefix) && starts(&line, " area ") && word(&line, area) &&
		prefix_parse4(prefix, true, &n.prefix) == 0 &&
		read_area(area, &n.area))
	{
		*ADD(r->state, r->router->networks, r->router->network_count,
			 r->router->network_size) = n;
	}
}

static void read_member(struct config_reading *r, const char *line)
{
	char id[64];

	if (r->router != NULL && starts(&line, " ospf router-id "))
	{
		if (!word(&line, id) || addr_parse4(id, &r->router->router_id) != 0)
		{
			memset(&r->router->router_id, 0, sizeof(r->router->router_id));
		}
	}
	else if (r->router != NULL && starts(&line, " network "))
	{
		read_network(r, line);
	}
	else if (r->stanza != NULL && starts(&line, " ip ospf passive"))
	{
		r->stanza->passive |= line[0] == '\0';
	}
	else if (r->stanza != NULL && starts(&line, " ip ospf area "))
	{
		r->stanza->area = true;
	}
}

/* All of it. */
static void read_config(struct config_reading *r, const char *p,
						const char *end)
{
	const char *newline;
	char line[512];
	size_t len;

	for (; p < end; p = newline + 1)
	{
		newline = memchr(p, '\n', (size_t)(end - p));
		newline = newline != NULL ? newline : end;
		len = (size_t)(newline - p);
		len -= len > 0 && p[len - 1] == '\r';
		if (len >= sizeof(line))
		{
			continue;
		}
		memcpy(line, p, len);
		line[len] = '\0';
		if (line[0] == ' ')
		{
			read_member(r, line);
		}
		else
		{
			read_section(r, line);
		}
	}
}

/* ---- show ... json -------------------------------------------------------- */

enum { VRF_DEPTH = 1, GROUP_DEPTH = 2, ITEM_DEPTH = 3, NEIGHBOR_DEPTH = 5 };

struct json_reading
{
	struct frr_state *state;
	char vrf[JSON_WALK_TEXT];
	bool interfaces, neighbors;		/* which group we are in */
	struct frr_link *link;
	struct frr_neighbor *neighbor;
};

static void json_open(struct json_reading *r, const struct json_walk *w)
{
	struct frr_state *s = r->state;

	/* depth is that of what was just opened */
	if (w->depth == VRF_DEPTH + 1)
	{
		memcpy(r->vrf, w->name, sizeof(r->vrf));
	}
	else if (w->depth == GROUP_DEPTH + 1)
	{
		r->interfaces = strcmp(w->name, "interfaces") == 0;
		r->neighbors = strcmp(w->name, "neighbors") == 0;
	}
	else if (w->depth == ITEM_DEPTH + 1 && r->interfaces)
	{
		r->link = ADD(s, s->links, s->link_count, s->link_size);
		r->link->name = arena_strdup(s->arena, w->name);
		r->link->vrf = arena_strdup(s->arena, r->vrf);
	}
	else if (w->depth == NEIGHBOR_DEPTH && r->neighbors)
	{
		r->neighbor = ADD(s, s->neighbors, s->neighbor_count,
						  s->neighbor_size);
		r->neighbor->vrf = arena_strdup(s->arena, r->vrf);
		r->neighbor->link = r->neighbor->state = arena_strdup(s->arena, "");
	}
}

static uint32_t number(const char *value, uint32_t divisor)
{
	uint64_t n;

	return text_to_u64(value, 0, UINT32_MAX, &n) == 0 ? (uint32_t)n / divisor
													  : 0;
}

static void link_member(struct frr_link *l, const struct json_walk *w)
{
	if (strcmp(w->name, "networkType") == 0)
	{
		l->point_to_point = strcmp(w->value, "POINTOPOINT") == 0;
	}
	else if (strcmp(w->name, "state") == 0)
	{
		l->running = strcmp(w->value, "Down") != 0;
	}
	else if (strcmp(w->name, "cost") == 0)
	{
		l->cost = number(w->value, 1);
	}
	else if (strcmp(w->name, "timerMsecs") == 0)
	{
		l->hello = number(w->value, 1000);
	}
	else if (strcmp(w->name, "timerDeadSecs") == 0)
	{
		l->dead = number(w->value, 1);
	}
}

/* "Full/-" and "ppv2:10.255.0.1": what stands before the sign */
static void neighbor_member(struct frr_state *s, struct frr_neighbor *n,
							const struct json_walk *w)
{
	if (strcmp(w->name, "nbrState") == 0)
	{
		n->state = arena_strndup(s->arena, w->value, strcspn(w->value, "/"));
	}
	else if (strcmp(w->name, "ifaceName") == 0)
	{
		n->link = arena_strndup(s->arena, w->value, strcspn(w->value, ":"));
	}
}

static int read_json(struct frr_state *state, const char *p, size_t len)
{
	struct json_reading r = { .state = state };
	enum json_token token;
	struct json_walk w;

	json_walk_start(&w, p, len);
	do
	{
		if (json_walk_next(&w, &token) != 0)
		{
			return -EBADMSG;
		}
		if (token == JSON_WALK_OBJECT || token == JSON_WALK_ARRAY)
		{
			json_open(&r, &w);
		}
		else if (token == JSON_WALK_OBJECT_END || token == JSON_WALK_ARRAY_END)
		{
			r.link = w.depth <= ITEM_DEPTH ? NULL : r.link;
			r.neighbor = w.depth < NEIGHBOR_DEPTH ? NULL : r.neighbor;
		}
		else if (r.link != NULL && w.depth > ITEM_DEPTH)
		{
			link_member(r.link, &w);
		}
		else if (r.neighbor != NULL && w.depth == NEIGHBOR_DEPTH)
		{
			neighbor_member(state, r.neighbor, &w);
		}
	}
	while (token != JSON_WALK_END);
	return 0;
}

/* ---- the whole output ----------------------------------------------------- */

/* The line that is exactly this, from p on; NULL. */
static const char *find_line(const char *p, const char *end, const char *line)
{
	size_t len = strlen(line);
	const char *newline;

	for (; p < end; p = newline + 1)
	{
		newline = memchr(p, '\n', (size_t)(end - p));
		newline = newline != NULL ? newline : end;
		if ((size_t)(newline - p) == len && memcmp(p, line, len) == 0)
		{
			return p;
		}
	}
	return NULL;
}

/*
 * Each JSON text begins with a line "{" and ends with a line "}", as no line of
 * running-config does, which comes first. Whatever else is shown stands between.
 */
int frr_read(struct arena *a, const char *output, size_t len,
			 struct frr_state *state, struct err *e)
{
	const char *end = output + len, *p = output;
	const char *json = find_line(p, end, "{"), *close;
	struct config_reading r = { .state = state };

	memset(state, 0, sizeof(*state));
	state->arena = a;
	read_config(&r, p, json != NULL ? json : end);
	while (json != NULL)
	{
		close = find_line(json, end, "}");
		if (close == NULL ||
			read_json(state, json, (size_t)(close + 1 - json)) != 0)
		{
			return err_set(e, -EBADMSG, ERR_FRR, "vtysh",
						   "the JSON of ospfd is not understood");
		}
		json = find_line(close + 1, end, "{");
	}
	return 0;
}

size_t frr_config_len(const char *output, size_t len)
{
	const char *json = find_line(output, output + len, "{");

	return json != NULL ? (size_t)(json - output) : len;
}
