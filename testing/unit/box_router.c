/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * box_router.c - the journal of box_router.h
 *
 * A line: OP KIND KEY GROUP NAME=VALUE..., separated by tabs, a row of fields[]
 * each; "charon BOOT-ID" when it died and another one began; "flush".
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "alloc.h"
#include "box_router.h"
#include "text.h"

#define LINE_SIZE 4096

enum type { TEXT, TAG, NUMBER, FLAG, ADDRESS, PREFIX, PREFIXES, TEXTS };

/* what of each kind is kept: all that the agent could read of it */
static const struct field {
	enum resource_kind kind;
	const char *name;
	enum type type;
	size_t offset, count;
} fields[] = {
#define F(kind, type, name, member) \
	{ RES_##kind, #member, type, offsetof(struct name, member), 0 }
#define L(kind, type, name, member, n) \
	{ RES_##kind, #member, type, offsetof(struct name, member), \
	  offsetof(struct name, n) }
	F(SYSCTL, TEXT, res_sysctl, path), F(SYSCTL, TEXT, res_sysctl, value),
	F(RULE, NUMBER, res_rule, pref), F(RULE, NUMBER, res_rule, table),
	F(RULE, NUMBER, res_rule, fwmark), F(RULE, NUMBER, res_rule, fwmask),
	F(RULE, FLAG, res_rule, l3mdev),
	F(VRF, TEXT, res_vrf, name), F(VRF, NUMBER, res_vrf, table),
	F(VRF, PREFIX, res_vrf, address),
	F(MEMBER, TEXT, res_member, link), F(MEMBER, TEXT, res_member, master),
	F(ROUTE, NUMBER, res_route, table), F(ROUTE, NUMBER, res_route, metric),
	F(LINK, TEXT, res_link, name), F(LINK, TEXT, res_link, driver),
	F(LINK, ADDRESS, res_link, local), F(LINK, ADDRESS, res_link, remote),
	F(LINK, NUMBER, res_link, mark), F(LINK, TEXT, res_link, master),
	F(LINK, NUMBER, res_link, mtu), F(LINK, PREFIX, res_link, address),
	F(LINK, FLAG, res_link, up), F(LINK, FLAG, res_link, policy_off),
	F(OSPF, TEXT, res_ospf, vrf), F(OSPF, ADDRESS, res_ospf, router_id),
	F(OSPF, ADDRESS, res_ospf, area),
	L(OSPF, PREFIXES, res_ospf, networks, network_count),
	L(OSPF, TEXTS, res_ospf, passive, passive_count),
	F(OSPF_LINK, TEXT, res_ospf_link, link),
	F(OSPF_LINK, TEXT, res_ospf_link, vrf),
	F(OSPF_LINK, FLAG, res_ospf_link, point_to_point),
	F(OSPF_LINK, NUMBER, res_ospf_link, hello),
	F(OSPF_LINK, NUMBER, res_ospf_link, dead),
	F(OSPF_LINK, NUMBER, res_ospf_link, cost),
	F(SA, TEXT, res_sa, conn), F(SA, ADDRESS, res_sa, local),
	F(SA, ADDRESS, res_sa, remote), F(SA, TEXT, res_sa, local_id),
	F(SA, TEXT, res_sa, remote_id), F(SA, NUMBER, res_sa, mark),
	F(CONN, TEXT, res_conn, name), F(CONN, ADDRESS, res_conn, local),
	F(CONN, ADDRESS, res_conn, remote), F(CONN, TEXT, res_conn, local_id),
	F(CONN, TEXT, res_conn, remote_id), F(CONN, NUMBER, res_conn, mark),
	F(CONN, TAG, res_conn, tag), F(CONN, TEXT, res_conn, credentials),
	F(CONN, NUMBER, res_conn, certificate_use),
	F(CREDENTIALS, TEXT, res_credentials, name),
	F(CREDENTIALS, TAG, res_credentials, tag),
};

#define COUNT(a) (sizeof(a) / sizeof(*(a)))

union spec {
	struct res_sysctl sysctl;
	struct res_rule rule;
	struct res_vrf vrf;
	struct res_member member;
	struct res_route route;
	struct res_link link;
	struct res_ospf ospf;
	struct res_ospf_link ospf_link;
	struct res_sa sa;
	struct res_conn conn;
	struct res_credentials credentials;
};

_Static_assert(sizeof(((struct res_conn*)0)->tag) ==
			   sizeof(((struct res_credentials*)0)->tag), "tags");

static void broken(const char *what)
{
	fprintf(stderr, "the router's journal: %s\n", what);
	abort();
}

/* ---- writing ----------------------------------------------------------------- */

static void put_value(struct text *t, const struct field *f, const char *spec)
{
	const void *at = spec + f->offset;
	size_t n = f->count ? *(const size_t*)(spec + f->count) : 0;
	char buf[PREFIX_TEXT_MAX];

	switch (f->type)
	{
		case TEXT:
			text_add(t, *(char *const*)at ? *(char *const*)at : "");
			break;
		case TAG:
			text_add(t, at);
			break;
		case NUMBER:
			text_addf(t, "%u", *(const uint32_t*)at);
			break;
		case FLAG:
			text_add(t, *(const bool*)at ? "1" : "0");
			break;
		case ADDRESS:
			text_add(t, addr_str(at, buf));
			break;
		case PREFIX:
			text_add(t, prefix_str(at, buf));
			break;
		case PREFIXES:
			for (size_t i = 0; i < n; i++)
			{
				text_addf(t, "%s%s", i ? " " : "", prefix_str(
						  *(const struct prefix *const*)at + i, buf));
			}
			break;
		case TEXTS:
			for (size_t i = 0; i < n; i++)
			{
				text_addf(t, "%s%s", i ? " " : "", (*(char **const*)at)[i]);
			}
			break;
	}
}

static void write_down(struct box_router *r, struct text *line)
{
	text_add(line, "\n");
	if (line->len > LINE_SIZE ||
		write(r->fd, line->s, line->len) != (ssize_t)line->len)
	{
		broken("cannot be written");
	}
	text_done(line);
}

static void write_step(struct box_router *r, const struct step *s)
{
	struct text line = {0};

	text_addf(&line, "%s\t%s\t%s\t%s", step_op_name(s->op),
			  resource_kind_name(s->kind), s->key, s->group);
	for (size_t i = 0; s->want && i < COUNT(fields); i++)
	{
		if (fields[i].kind == s->kind)
		{
			text_addf(&line, "\t%s=", fields[i].name);
			put_value(&line, &fields[i], s->want->spec);
		}
	}
	write_down(r, &line);
}

/* ---- what a router does by itself --------------------------------------------- */

static struct resource *find(struct box_router *r, enum resource_kind kind,
							 const char *key)
{
	for (size_t i = 0; i < r->fake.state.count; i++)
	{
		struct resource *found = &r->fake.state.items[i];

		if (found->kind == kind && strcmp(found->key, key) == 0)
		{
			return found;
		}
	}
	return NULL;
}

static void drop(struct box_router *r, size_t i)
{
	r->fake.state.items[i] = r->fake.state.items[--r->fake.state.count];
}

static bool ospf_speaks(struct box_router *r, const struct res_link *link)
{
	return link->up && find(r, RES_OSPF, link->master);
}

static const struct res_link *link_named(struct box_router *r, const char *name)
{
	for (size_t i = 0; i < r->fake.state.count; i++)
	{
		const struct resource *l = &r->fake.state.items[i];

		if (l->kind == RES_LINK &&
			strcmp(((const struct res_link*)l->spec)->name, name) == 0)
		{
			return l->spec;
		}
	}
	return NULL;
}

/* ospfd has an interface for each link that is up, as the agent told its VRF. */
static void ospfd(struct box_router *r)
{
	for (size_t i = r->fake.state.count; i > 0; i--)
	{
		const struct resource *l = &r->fake.state.items[i - 1];
		const struct res_link *link;

		link = l->kind == RES_OSPF_LINK ? link_named(r, l->key) : NULL;
		if (l->kind == RES_OSPF_LINK && !(link && ospf_speaks(r, link)))
		{
			drop(r, i - 1);
		}
	}
	for (size_t i = 0; i < r->fake.state.count; i++)
	{
		const struct resource *l = &r->fake.state.items[i];
		const struct res_link *link = l->spec;
		struct res_ospf_link spec = {
			.point_to_point = true, .hello = 10, .dead = 40, .cost = 10,
		};

		if (l->kind == RES_LINK && ospf_speaks(r, link) &&
			!find(r, RES_OSPF_LINK, link->name))
		{
			spec.link = link->name;
			spec.vrf = link->master;
			resource_ospf_link(&r->fake.state, RES_OURS, l->key, &spec);
		}
	}
}

/* What charon knew is gone; what it put into the kernel is not. */
static void charon_died(struct box_router *r, const char *boot_id)
{
	snprintf(r->boot_id, sizeof(r->boot_id), "%s", boot_id);
	for (size_t i = r->fake.state.count; i > 0; i--)
	{
		enum resource_kind kind = r->fake.state.items[i - 1].kind;

		r->stale += kind == RES_SA;
		if (kind == RES_SA || kind == RES_CONN || kind == RES_CREDENTIALS)
		{
			drop(r, i - 1);
		}
	}
}

/* As the plugin: a connection names credentials that are there. */
static bool plugin_refuses(struct box_router *r, const struct step *s)
{
	const struct res_conn *conn;

	if (s->kind == RES_CONN && s->op != STEP_DELETE)
	{
		conn = s->want->spec;
		return conn->credentials &&
			   !find(r, RES_CREDENTIALS, conn->credentials);
	}
	for (size_t i = 0; s->kind == RES_CREDENTIALS && s->op == STEP_DELETE &&
		 i < r->fake.state.count; i++)
	{
		conn = r->fake.state.items[i].spec;
		if (r->fake.state.items[i].kind == RES_CONN && conn->credentials &&
			strcmp(conn->credentials, s->key) == 0)
		{
			return true;
		}
	}
	return false;
}

static int do_step(struct box_router *r, const struct step *s)
{
	int rc = plugin_refuses(r, s) ? -EINVAL : fake_step(&r->fake, s);

	ospfd(r);
	return rc;
}

/* ---- reading ------------------------------------------------------------------- */

static struct prefix prefix_of(const char *s)
{
	struct prefix p;

	if (prefix_parse4(s, false, &p) < 0)
	{
		broken(s);
	}
	return p;
}

static void take_value(struct arena *a, const struct field *f, char *value,
					   char *spec)
{
	void *at = spec + f->offset;
	size_t n = 0;
	char **texts = arena_calloc(a, 64, sizeof(*texts)), *save = NULL;
	struct prefix *prefixes;

	switch (f->type)
	{
		case TEXT:
			*(char**)at = value[0] ? arena_strdup(a, value) : NULL;
			break;
		case TAG:
			snprintf(at, sizeof(((struct res_conn*)0)->tag), "%s", value);
			break;
		case NUMBER:
			*(uint32_t*)at = (uint32_t)strtoul(value, NULL, 10);
			break;
		case FLAG:
			*(bool*)at = value[0] == '1';
			break;
		case ADDRESS:
			if (addr_parse4(value, at) < 0)
			{
				broken(value);
			}
			break;
		case PREFIX:
			*(struct prefix*)at = prefix_of(value);
			break;
		case PREFIXES:
		case TEXTS:
			for (char *w = strtok_r(value, " ", &save); w && n < 64;
				 w = strtok_r(NULL, " ", &save))
			{
				texts[n++] = arena_strdup(a, w);
			}
			prefixes = arena_calloc(a, n + 1, sizeof(*prefixes));
			for (size_t i = 0; f->type == PREFIXES && i < n; i++)
			{
				prefixes[i] = prefix_of(texts[i]);
			}
			*(void**)at = f->type == PREFIXES ? (void*)prefixes : texts;
			*(size_t*)(spec + f->count) = n;
			break;
	}
}

static const char *const ops[] = { "create", "update", "recreate", "delete" };

static void take_words(struct box_router *r, char **word, size_t count)
{
	union spec spec;
	struct resource want = { .spec = &spec };
	struct step s = { .op = 0 };
	size_t n = 4;

	memset(&spec, 0, sizeof(spec));
	while (s.op < COUNT(ops) && strcmp(ops[s.op], word[0]) != 0)
	{
		s.op++;
	}
	while (s.kind < RES_KIND_COUNT &&
		   strcmp(resource_kind_name(s.kind), word[1]) != 0)
	{
		s.kind++;
	}
	s.key = want.key = word[2];
	s.group = want.group = word[3];
	want.kind = s.kind;
	for (size_t i = 0; s.op != STEP_DELETE && i < COUNT(fields); i++)
	{
		if (fields[i].kind == s.kind)
		{
			if (n == count)
			{
				broken(word[2]);
			}
			take_value(r->fake.arena, &fields[i],
					   strchr(word[n++], '=') + 1, (char*)&spec);
		}
	}
	s.want = s.op == STEP_DELETE ? NULL : &want;
	if (do_step(r, &s) < 0)
	{
		broken(word[2]);
	}
}

static void take_line(struct box_router *r, char *line)
{
	char *word[24];
	size_t n = 0;

	while (line && n < COUNT(word))
	{
		word[n++] = strsep(&line, "\t");
	}
	if (n == 1 && strcmp(word[0], "flush") == 0)
	{
		r->stale = 0;
	}
	else if (n == 2 && strcmp(word[0], "charon") == 0)
	{
		charon_died(r, word[1]);
	}
	else if (n >= 4)
	{
		take_words(r, word, n);
	}
	else
	{
		broken(word[0]);
	}
}

/* A router as it is before anybody provisions it. */
static void fresh(struct box_router *r)
{
	static const char *const sysctls[][2] = {
		{ "net/ipv4/ip_forward", "0" },
		{ "net/ipv4/raw_l3mdev_accept", "0" },
		{ "net/ipv4/igmp_max_memberships", "20" },
		{ "net/core/optmem_max", "20480" },
	};
	struct res_rule local = { .table = 255 };

	resource_rule(&r->fake.state, RES_OURS, &local);
	for (size_t i = 0; i < COUNT(sysctls); i++)
	{
		struct res_sysctl spec = { sysctls[i][0], (char*)sysctls[i][1] };

		resource_sysctl(&r->fake.state, RES_OURS, &spec);
	}
	snprintf(r->boot_id, sizeof(r->boot_id), "first");
}

void box_router_open(struct box_router *r, const char *path)
{
	FILE *in = fopen(path, "re");
	char line[LINE_SIZE];

	memset(r, 0, sizeof(*r));
	fake_init(&r->fake, RES_ALL);
	fresh(r);
	while (in && fgets(line, sizeof(line), in))
	{
		line[strcspn(line, "\n")] = '\0';
		take_line(r, line);
	}
	if (in)
	{
		fclose(in);
	}
	r->fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
	if (r->fd < 0)
	{
		broken(path);
	}
}

void box_router_close(struct box_router *r)
{
	close(r->fd);
	fake_done(&r->fake);
}

/* ---- changes ------------------------------------------------------------------- */

int box_router_step(struct box_router *r, const struct step *s)
{
	int rc = do_step(r, s);

	if (rc == 0)
	{
		write_step(r, s);
	}
	return rc;
}

unsigned box_router_flush(struct box_router *r)
{
	struct text line = {0};
	unsigned stale = r->stale;

	if (find(r, RES_SA, "") || r->fake.touched_foreign)
	{
		broken("cannot be");
	}
	r->stale = 0;
	if (stale)
	{
		text_add(&line, "flush");
		write_down(r, &line);
	}
	return stale;
}

const char *box_router_negotiate(struct box_router *r)
{
	for (size_t i = 0; i < r->fake.state.count; i++)
	{
		const struct resource *c = &r->fake.state.items[i];
		const struct res_conn *conn = c->spec;
		struct resource want = { .kind = RES_SA };
		struct res_sa sa;
		struct step s = {
			.op = STEP_CREATE, .kind = RES_SA, .want = &want,
		};

		if (c->kind != RES_CONN || find(r, RES_SA, c->key))
		{
			continue;
		}
		sa = (struct res_sa){
			.conn = c->key, .local = conn->local, .remote = conn->remote,
			.local_id = conn->local_id, .remote_id = conn->remote_id,
			.mark = conn->mark,
		};
		want.key = want.group = c->key;
		want.spec = &sa;
		s.key = s.group = want.key;
		return box_router_step(r, &s) == 0 ? s.key : NULL;
	}
	return NULL;
}

/* ---- looking at it --------------------------------------------------------------- */

void box_router_facts(struct box_router *r, struct observation *o)
{
	struct prefix lan = prefix_of("10.1.0.1/24");

	facts_add_link(&o->facts, o->arena, "eth1", false);
	facts_add_address(&o->facts, o->arena, "eth1", &lan);
	for (size_t i = 0; i < r->fake.state.count; i++)
	{
		const struct resource *one = &r->fake.state.items[i];

		if (one->kind == RES_LINK)
		{
			const struct res_link *link = one->spec;

			facts_add_link(&o->facts, o->arena, link->name, true);
			if (ospf_speaks(r, link))
			{
				facts_add_ospf_link(&o->facts, o->arena, link->name);
			}
		}
		else if (one->kind == RES_VRF)
		{
			o->facts.l3mdev_rule = true;
			facts_add_ospf_link(&o->facts, o->arena,
								((const struct res_vrf*)one->spec)->name);
		}
		else if (one->kind == RES_SA)
		{
			struct fact_sa *sa = facts_add_sa(&o->facts, o->arena, one->key);

			sa->installed = 1;
			sa->mark = ((const struct res_sa*)one->spec)->mark;
		}
	}
}

/* Numbers are given anew, and a connection's digest has them in it. */
static bool may_differ(const struct resource *one, const char *attr)
{
	return strcmp(attr, "mark") == 0 ||
		   (one->kind == RES_CONN && strcmp(attr, "tag") == 0) ||
		   (one->kind == RES_LINK && strcmp(attr, "name") == 0);
}

static void print_certificate(const struct resource *one)
{
	const struct res_conn *conn = one->spec;

	if (one->kind == RES_CONN && conn->credentials)
	{
		printf(" certificate=%s use=%d", conn->credentials,
			   conn->certificate_use);
	}
}

void box_router_print(struct box_router *r)
{
	resource_set_sort(&r->fake.state);
	for (size_t i = 0; i < r->fake.state.count; i++)
	{
		const struct resource *one = &r->fake.state.items[i];

		if (one->kind == RES_OSPF_LINK)
		{	/* has the link's number for a key; the plan knows about it */
			continue;
		}
		printf("router %s %s", resource_kind_name(one->kind), one->key);
		for (size_t k = 0; k < one->attr_count; k++)
		{
			if (!may_differ(one, one->attrs[k].name))
			{
				printf(" %s=%s", one->attrs[k].name, one->attrs[k].value);
			}
		}
		print_certificate(one);
		printf("\n");
	}
	printf("router stale %u\n", r->stale);
}
