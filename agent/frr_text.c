/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * frr_text.c - what vtysh is told
 *
 * Pure. Measured with FRR 8.4.4: "passive-interface" below "router ospf vrf"
 * refuses links that are not in the VRF yet and is kept as "ip ospf passive" of
 * the interface anyhow, so that form is used. Saying "no ip ospf passive" where
 * nothing was leaves a line of its own behind, "no network" where none was is
 * refused: so only what is there is taken back. A router-id changes for sure
 * only with a new instance. Network type, timers and cost come before an
 * interface joins; a change of type restarts it.
 */
#include "config.h"

#include "frr_text.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "facts.h"
#include "plan.h"
#include "resource.h"

#define NAME_SIZE_MAX 16		/* the kernel's IFNAMSIZ */

/*
 * Measured from configuration to the first route, hello 2 s: by default 11 s.
 * The router-LSA is held back 5 s after the last one; and the one that tells of
 * the new link comes right behind the one exchanged before, so a receiver drops
 * it as "received recently" and waits for the retransmission after another 5 s,
 * unless min-arrival is 0. With both: 1.1 s.
 */
static const char timers[] =
	" timers throttle spf 10 100 2000\n"
	" timers throttle lsa all 200\n"
	" timers lsa min-arrival 0\n";

/* ---- rendering ------------------------------------------------------------ */

/* One word, fit to be an interface's or VRF's name. */
static int check_word(const char *word, struct err *e)
{
	size_t len = strlen(word);

	if (len == 0 || len >= NAME_SIZE_MAX || strcmp(word, "default") == 0 ||
		strcmp(word, "all") == 0 || word[0] == '-' ||
		strspn(word, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
			   "0123456789./:_-") != len)
	{
		return err_set(e, -EINVAL, ERR_FRR, word, "a name that FRR cannot be "
					   "told safely");
	}
	return 0;
}

static int check_words(char *const *words, size_t count, struct err *e)
{
	for (size_t i = 0; i < count; i++)
	{
		if (check_word(words[i], e) != 0)
		{
			return -EINVAL;
		}
	}
	return 0;
}

static void put_network(struct text *t, const char *no,
						const struct prefix *network, const struct addr *area)
{
	char p[PREFIX_TEXT_MAX], a[ADDR_TEXT_MAX];

	text_addf(t, " %snetwork %s area %s\n", no, prefix_str(network, p),
			  addr_str(area, a));
}

static void put_passive(struct text *t, const char *link, bool passive)
{
	text_addf(t, "interface %s\n %sip ospf passive\nexit\n", link,
			  passive ? "" : "no ");
}

static bool has_text(char *const *items, size_t count, const char *item)
{
	for (size_t i = 0; i < count; i++)
	{
		if (strcmp(items[i], item) == 0)
		{
			return true;
		}
	}
	return false;
}

static bool has_network(const struct res_ospf *o, const struct prefix *network)
{
	for (size_t i = 0; o != NULL && i < o->network_count; i++)
	{
		if (prefix_equal(&o->networks[i], network))
		{
			return true;
		}
	}
	return false;
}

/* Lines of want that have lacks; have NULL: all. Passive before it joins. */
static void put_ospf(struct text *t, const struct res_ospf *want,
					 const struct res_ospf *have)
{
	bool same_area = have != NULL && addr_equal(&have->area, &want->area);
	char buf[ADDR_TEXT_MAX];

	for (size_t i = 0; i < want->passive_count; i++)
	{
		if (have == NULL || !has_text(have->passive, have->passive_count,
									  want->passive[i]))
		{
			put_passive(t, want->passive[i], true);
		}
	}
	text_addf(t, "router ospf vrf %s\n ospf router-id %s\n%s", want->vrf,
			  addr_str(&want->router_id, buf), timers);
	for (size_t i = 0; have != NULL && i < have->network_count; i++)
	{
		if (!same_area || !has_network(want, &have->networks[i]))
		{
			put_network(t, "no ", &have->networks[i], &have->area);
		}
	}
	for (size_t i = 0; i < want->network_count; i++)
	{
		if (!same_area || !has_network(have, &want->networks[i]))
		{
			put_network(t, "", &want->networks[i], &want->area);
		}
	}
	text_add(t, "exit\n");
}

static int render_ospf(struct text *t, const struct step *step, struct err *e)
{
	const struct res_ospf *want = step->want != NULL ? step->want->spec : NULL;
	const struct res_ospf *have = step->have != NULL ? step->have->spec : NULL;
	const struct res_ospf *base = have;

	if ((want != NULL && (check_word(want->vrf, e) != 0 ||
						  check_words(want->passive, want->passive_count, e)
						  != 0)) ||
		(have != NULL && (check_word(have->vrf, e) != 0 ||
						  check_words(have->passive, have->passive_count, e)
						  != 0)))
	{
		return -EINVAL;
	}
	if (have != NULL &&
		(want == NULL || step->op == STEP_RECREATE ||
		 have->area.family == 0 ||
		 !addr_equal(&have->router_id, &want->router_id)))
	{
		text_addf(t, "no router ospf vrf %s\n", have->vrf);
		base = NULL;
	}
	if (want != NULL)
	{
		put_ospf(t, want, base);
	}
	for (size_t i = 0; have != NULL && i < have->passive_count; i++)
	{
		if (want == NULL ||
			!has_text(want->passive, want->passive_count, have->passive[i]))
		{
			put_passive(t, have->passive[i], false);
		}
	}
	return 0;
}

static int render_link(struct text *t, const struct step *step, struct err *e)
{
	const struct res_ospf_link *want, *have;

	/* comes and goes with its link: nothing to make or delete */
	if (step->want == NULL || step->have == NULL)
	{
		return 0;
	}
	want = step->want->spec;
	have = step->have->spec;
	if (check_word(want->link, e) != 0)
	{
		return -EINVAL;
	}
	text_addf(t, "interface %s\n", want->link);
	if (want->hello != have->hello)
	{
		text_addf(t, " ip ospf hello-interval %u\n", want->hello);
	}
	/* the dead interval would follow the hello interval: say it again */
	if (want->hello != have->hello || want->dead != have->dead)
	{
		text_addf(t, " ip ospf dead-interval %u\n", want->dead);
	}
	if (want->cost != have->cost)
	{
		text_addf(t, " ip ospf cost %u\n", want->cost);
	}
	if (want->point_to_point != have->point_to_point)
	{
		text_addf(t, " ip ospf network %s\n",
				  want->point_to_point ? "point-to-point" : "broadcast");
	}
	text_add(t, "exit\n");
	return 0;
}

int frr_render(struct text *t, const struct step *step, struct err *e)
{
	if (step->kind == RES_OSPF)
	{
		return render_ospf(t, step, e);
	}
	if (step->kind == RES_OSPF_LINK)
	{
		return render_link(t, step, e);
	}
	return err_set(e, -EINVAL, ERR_INTERNAL, step->key, "not FRR's kind");
}

int frr_render_forget(struct text *t, const char *link, struct err *e)
{
	if (check_word(link, e) != 0)
	{
		return -EINVAL;
	}
	text_addf(t, "no interface %s\n", link);
	return 0;
}

/* ---- what is there, as resources ------------------------------------------ */

static const struct frr_router *find_router(const struct frr_state *state,
											const char *vrf)
{
	for (size_t i = 0; i < state->router_count; i++)
	{
		if (strcmp(state->routers[i].vrf, vrf) == 0)
		{
			return &state->routers[i];
		}
	}
	return NULL;
}

static bool has_line(const char *lines, const char *vrf, const char *link)
{
	char line[600];

	if (lines == NULL)
	{
		return false;
	}
	snprintf(line, sizeof(line), "\n%s %s\n", vrf, link);
	return strstr(lines, line) != NULL;
}

/* Does ospfd know the interface in that VRF? */
static bool known_in(const struct frr_state *state, const char *link,
					 const char *vrf)
{
	for (size_t i = 0; i < state->link_count; i++)
	{
		if (strcmp(state->links[i].name, link) == 0 &&
			strcmp(state->links[i].vrf, vrf) == 0)
		{
			return true;
		}
	}
	return false;
}

/* Is the stanza one of a passive link of that VRF? A tunnel's among them, which
 * somebody made so: its stanza may not say the VRF. */
static bool stanza_is_passive(const struct frr_state *state,
							  const struct frr_stanza *s,
							  const struct frr_view *view, const char *vrf)
{
	return s->passive &&
		   (strcmp(s->vrf, vrf) == 0 ||
			(s->vrf[0] == '\0' && (has_line(view->passive, vrf, s->name) ||
									has_line(view->lan, vrf, s->name) ||
									known_in(state, s->name, vrf))));
}

/* The instance of vrf as a value; false: there is none. */
static bool state_ospf(const struct frr_state *state,
					   const struct frr_view *view, const char *vrf,
					   struct res_ospf *out)
{
	const struct frr_router *r = find_router(state, vrf);

	memset(out, 0, sizeof(*out));
	if (r == NULL)
	{
		return false;
	}
	out->vrf = r->vrf;
	out->router_id = r->router_id;
	out->networks = arena_calloc(state->arena, r->network_count + 1,
								 sizeof(*out->networks));
	out->passive = arena_calloc(state->arena, state->stanza_count + 1,
								sizeof(*out->passive));
	out->network_count = r->network_count;
	for (size_t i = 0; i < r->network_count; i++)
	{
		out->networks[i] = r->networks[i].prefix;
		/* several areas are none of ours */
		out->area = i == 0 || addr_equal(&out->area, &r->networks[i].area)
					? r->networks[i].area : (struct addr){ 0 };
		if (out->area.family == 0)
		{
			break;
		}
	}
	for (size_t i = 0; i < state->stanza_count; i++)
	{
		if (stanza_is_passive(state, &state->stanzas[i], view, vrf))
		{
			out->passive[out->passive_count++] = state->stanzas[i].name;
		}
	}
	return true;
}

static bool vrf_is_ours(const struct frr_view *view, const char *vrf)
{
	return has_text(view->vrfs, view->vrf_count, vrf);
}

bool frr_link_is_ours(const char *name)
{
	size_t n = strlen(LINK_PREFIX);

	return strncmp(name, LINK_PREFIX, n) == 0 && name[n] != '\0' &&
		   strlen(name) < NAME_SIZE_MAX &&
		   name[n + strspn(name + n, "0123456789")] == '\0';
}

static void report_link(const struct frr_link *l, struct resource_set *set)
{
	struct res_ospf_link spec = {
		.link = l->name, .vrf = l->vrf, .point_to_point = l->point_to_point,
		.hello = l->hello, .dead = l->dead, .cost = l->cost,
	};

	resource_ospf_link(set, RES_OURS, "", &spec);
}

void frr_report(const struct frr_state *state, const struct frr_view *view,
				unsigned kinds, struct resource_set *set, struct facts *facts)
{
	struct res_ospf ospf;

	for (size_t i = 0; kinds & RES_BIT(RES_OSPF) && i < view->vrf_count; i++)
	{
		if (state_ospf(state, view, view->vrfs[i], &ospf))
		{
			resource_ospf(set, RES_OURS, &ospf);
		}
	}
	for (size_t i = 0; kinds & RES_BIT(RES_OSPF_LINK) &&
		 i < state->link_count; i++)
	{
		const struct frr_link *l = &state->links[i];

		if (!l->running || !vrf_is_ours(view, l->vrf))
		{
			continue;
		}
		facts_add_ospf_link(facts, set->arena, l->name);
		if (frr_link_is_ours(l->name))
		{
			report_link(l, set);
		}
	}
	for (size_t i = 0; i < state->neighbor_count; i++)
	{
		if (frr_link_is_ours(state->neighbors[i].link) &&
			vrf_is_ours(view, state->neighbors[i].vrf))
		{
			facts_add_neighbor(facts, set->arena, state->neighbors[i].link,
							   state->neighbors[i].state);
		}
	}
}

/* ---- reading back --------------------------------------------------------- */

static int missing(struct err *e, const struct step *step, const char *what,
				   const char *which)
{
	return err_set(e, -EIO, ERR_FRR, step->key, "ospfd did not take %s%s", what,
				   which);
}

/* "ip ospf area" in a VRF of ours and "network" exclude each other. */
static int verify_style(const struct frr_state *state, const struct step *step,
						struct err *e)
{
	for (size_t i = 0; i < state->stanza_count; i++)
	{
		if (state->stanzas[i].area &&
			strcmp(state->stanzas[i].vrf, step->key) == 0)
		{
			return err_set(e, -EIO, ERR_FRR, step->key, "interface %s in this "
						   "VRF has 'ip ospf area', which ospfd does not mix "
						   "with the agent's network lines: remove it",
						   state->stanzas[i].name);
		}
	}
	return 0;
}

static int verify_ospf(const struct frr_state *state,
					   const struct frr_view *view, const struct step *step,
					   struct err *e)
{
	const struct res_ospf *want = step->want != NULL ? step->want->spec : NULL;
	char buf[PREFIX_TEXT_MAX];
	struct res_ospf have;
	bool there = state_ospf(state, view, step->key, &have);

	if (want == NULL)
	{
		return there ? missing(e, step, "the instance's removal", "") : 0;
	}
	if (!there)
	{
		return missing(e, step, "router ospf vrf ", want->vrf);
	}
	if (!addr_equal(&have.router_id, &want->router_id))
	{
		return missing(e, step, "router-id ", addr_str(&want->router_id, buf));
	}
	if (verify_style(state, step, e) != 0)
	{
		return -EIO;
	}
	for (size_t i = 0; i < want->network_count; i++)
	{
		if (!has_network(&have, &want->networks[i]) ||
			!addr_equal(&have.area, &want->area))
		{
			return missing(e, step, "network ",
						   prefix_str(&want->networks[i], buf));
		}
	}
	for (size_t i = 0; i < want->passive_count; i++)
	{
		if (!has_text(have.passive, have.passive_count, want->passive[i]))
		{
			return missing(e, step, "ip ospf passive of ", want->passive[i]);
		}
	}
	if (have.network_count != want->network_count ||
		have.passive_count != want->passive_count)
	{
		return missing(e, step, "a removal", "");
	}
	return 0;
}

static int verify_link(const struct frr_state *state, const struct step *step,
					   struct err *e)
{
	const struct res_ospf_link *want;

	if (step->want == NULL || step->have == NULL)
	{
		return 0;
	}
	want = step->want->spec;
	for (size_t i = 0; i < state->link_count; i++)
	{
		const struct frr_link *l = &state->links[i];

		/* one that went down meanwhile is judged when it is back */
		if (strcmp(l->name, want->link) != 0 ||
			strcmp(l->vrf, want->vrf) != 0 || !l->running)
		{
			continue;
		}
		if (l->point_to_point != want->point_to_point)
		{
			return missing(e, step, "the network type", "");
		}
		if (l->hello != want->hello || l->dead != want->dead)
		{
			return missing(e, step, "the hello or dead interval", "");
		}
		return l->cost != want->cost ? missing(e, step, "the cost", "") : 0;
	}
	/* gone with its link meanwhile */
	return 0;
}

int frr_verify(const struct frr_state *state, const struct frr_view *view,
			   const struct step *step, struct err *e)
{
	return step->kind == RES_OSPF ? verify_ospf(state, view, step, e)
								  : verify_link(state, step, e);
}

/* The line of output that says "line N: ..." with N in bounds, and what stands
 * before it back to the last such line: the daemon's own words. */
void frr_complaint(const char *output, unsigned first, unsigned last,
				   char out[200])
{
	const char *from = output, *line = output, *end;
	unsigned long n;
	char *behind;

	out[0] = '\0';
	for (; *line != '\0'; line = *end != '\0' ? end + 1 : end)
	{
		end = strchrnul(line, '\n');
		if (strncmp(line, "line ", 5) != 0)
		{
			continue;
		}
		n = strtoul(line + 5, &behind, 10);
		if (*behind != ':')
		{
			continue;
		}
		if (n >= first && n <= last)
		{
			snprintf(out, 200, "%.*s", (int)(end - from < 190 ? end - from
															  : 190), from);
			for (char *p = out; *p != '\0'; p++)
			{
				*p = *p == '\n' ? ' ' : *p;
			}
			return;
		}
		from = *end != '\0' ? end + 1 : end;
	}
}
