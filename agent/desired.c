/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * desired.c - what should exist, VPN by VPN, peer by peer
 *
 * Pure.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "alloc.h"
#include "charon.h"
#include "desired.h"
#include "firewall.h"
#include "text.h"

#define TABLE_MAIN 254
#define TABLE_LOCAL 255
/* The kernel's documentation advises this metric for a VRF's last resort. */
#define UNREACHABLE_METRIC 4278198272u
#define RULE_LOCAL_PREF 32765
#define RULE_VRF_PREF 1000		/* as the kernel's own */
#define NUMBERS_MAX 0xfffe

struct build {
	const struct conf *conf;
	struct resource_set *have;
	const struct facts *facts;
	const char *group;		/* only this connection; NULL: everything */
	struct arena *arena;
	struct desired *out;
	uint8_t *numbers;		/* bit set of link numbers in use */
	uint8_t *kept;			/* and of those whose SA lives on without its link */
	uint32_t next_number;
};

uint32_t desired_mark_out(const struct conf *conf)
{
	return conf->mark_base + 0xffff;
}

uint32_t desired_mark_spoke(const struct conf *conf)
{
	return conf->mark_base;
}

static void add_error(struct build *b, const char *resource, const struct err *e)
{
	struct desired *d = b->out;

	d->errors = xrealloc(d->errors, d->error_count + 1, sizeof(*d->errors));
	d->errors[d->error_count++] = (struct desired_error){
		.resource = arena_strdup(b->arena, resource), .err = *e,
	};
}

/* ---- link numbers ---------------------------------------------------------- */

/* The number N of a link name "ppvN", 0 for others. */
static uint32_t link_number(const char *name)
{
	size_t prefix = strlen(LINK_PREFIX);
	uint64_t n;

	if (strncmp(name, LINK_PREFIX, prefix) != 0 ||
		text_to_u64(name + prefix, 1, NUMBERS_MAX, &n) != 0)
	{
		return 0;
	}
	return n;
}

static void number_use(struct build *b, uint32_t n)
{
	b->numbers[n / 8] |= 1u << (n % 8);
}

static bool number_used(const struct build *b, uint32_t n)
{
	return b->numbers[n / 8] & (1u << (n % 8));
}

static uint32_t number_new(struct build *b)
{
	while (b->next_number <= NUMBERS_MAX &&
		   (number_used(b, b->next_number) ||
			(b->kept[b->next_number / 8] & (1u << (b->next_number % 8)))))
	{
		b->next_number++;
	}
	if (b->next_number > NUMBERS_MAX)
	{
		return 0;
	}
	number_use(b, b->next_number);
	return b->next_number;
}

/* The number of a mark in our block, 0 for others. */
static uint32_t mark_number(const struct build *b, uint32_t mark)
{
	return mark > b->conf->mark_base &&
		   mark <= b->conf->mark_base + NUMBERS_MAX ?
				mark - b->conf->mark_base : 0;
}

/*
 * Every existing link name and every mark in our block counts as taken, whoever
 * has it, so that a name is never reused while something may still refer to it.
 */
static void numbers_init(struct build *b)
{
	const struct res_link *link;
	uint32_t n;

	b->numbers = arena_calloc(b->arena, NUMBERS_MAX / 8 + 1, 1);
	b->kept = arena_calloc(b->arena, NUMBERS_MAX / 8 + 1, 1);
	b->next_number = 1;
	for (size_t i = 0; i < b->facts->link_count; i++)
	{
		number_use(b, link_number(b->facts->links[i].name));
	}
	for (size_t i = 0; i < b->have->count; i++)
	{
		if (b->have->items[i].kind == RES_SA)
		{
			n = mark_number(b, ((const struct res_sa*)
								b->have->items[i].spec)->mark);
			b->kept[n / 8] |= 1u << (n % 8);
		}
		if (b->have->items[i].kind == RES_RULE)
		{
			number_use(b, mark_number(b, ((const struct res_rule*)
								b->have->items[i].spec)->fwmark));
		}
		if (b->have->items[i].kind != RES_LINK)
		{
			continue;
		}
		link = b->have->items[i].spec;
		number_use(b, link_number(link->name));
		number_use(b, mark_number(b, link->mark));
	}
}

static const struct res_link *find_link(const struct build *b, const char *conn)
{
	const struct resource *r = resource_find(b->have, RES_LINK, conn);

	return r && r->origin == RES_OURS ? r->spec : NULL;
}

static bool link_exists(const struct build *b, const char *name);

/*
 * That of the link; of one that was renamed, its mark's; of one that was deleted,
 * the mark of its SA, which would have to be negotiated again for another.
 */
static uint32_t number_for(struct build *b, const char *conn,
						   const struct res_link *have)
{
	const struct resource *r = resource_find(b->have, RES_SA, conn);
	const struct res_sa *sa = r && r->origin == RES_OURS ? r->spec : NULL;
	uint32_t n = have ? link_number(have->name) : 0;

	if (n)
	{
		return n;
	}
	n = have ? mark_number(b, have->mark) : 0;
	if (n && !link_exists(b, arena_printf(b->arena, "%s%u", LINK_PREFIX, n)))
	{
		return n;
	}
	n = sa ? mark_number(b, sa->mark) : 0;
	if (n && !number_used(b, n))
	{
		number_use(b, n);
		return n;
	}
	return number_new(b);
}

/* ---- one tunnel ------------------------------------------------------------ */

static struct prefix host_prefix(const struct addr *addr)
{
	struct prefix p = { .addr = *addr, .len = 32 };

	return p;
}

/* Up only while a CHILD_SA is installed; as it is while nobody can tell. */
static bool link_up(const struct build *b, const char *conn,
					const struct res_link *have)
{
	const struct fact_sa *sa;

	if (b->facts->unknown_kinds & RES_BIT(RES_SA))
	{
		return have && have->up;
	}
	sa = facts_sa(b->facts, conn);
	return sa && sa->installed > 0;
}

/*
 * A link that is up, whose network ospfd was told, and that ospfd does not know:
 * zebra missed its address. One that just came up is given until the next round.
 */
static bool must_announce(const struct build *b, const char *link, bool up,
						  const char *vrf)
{
	unsigned ospf = RES_BIT(RES_OSPF) | RES_BIT(RES_OSPF_LINK);

	return up && !b->group && !(b->facts->unknown_kinds & ospf) &&
		   resource_find(b->have, RES_OSPF, vrf) &&
		   !facts_has_ospf_link(b->facts, link);
}

/* What comes from a spoke of a disjoint VPN is for its hub only. A peer of which
 * the document does not say that it is a hub is taken for a spoke. */
static enum res_fence fence_of(const struct model_vpn *vpn,
							   const struct model_peer *peer)
{
	if (vpn->topology != MODEL_HUB_SPOKE_DISJOINT ||
		vpn->role != MODEL_HUB_ROLE)
	{
		return RES_FENCE_NONE;
	}
	return peer->role == MODEL_HUB_ROLE ? RES_FENCE_HUB : RES_FENCE_SPOKE;
}

/*
 * The tunnels' own end. Behind NAT it is what this router has there; while that
 * is not known, the link stays as it is.
 */
static struct addr local_end(const struct build *b, const struct model_vpn *vpn,
							 const char *conn)
{
	const struct res_link *have;

	if (!vpn->behind_nat || b->facts->source.family)
	{
		return vpn->behind_nat ? b->facts->source : vpn->ce_address;
	}
	have = find_link(b, conn);
	return have ? have->local : vpn->ce_address;
}

static void want_link(struct build *b, const struct model_vpn *vpn,
					  const struct model_peer *peer,
					  const struct conf_vpn *place, const char *conn,
					  uint32_t number)
{
	const struct res_link *have = find_link(b, conn);
	char name[16];
	struct text t = {0};
	struct res_link link = {
		.driver = "vti", .local = local_end(b, vpn, conn),
		.remote = peer->remote_address, .mark = b->conf->mark_base + number,
		.master = place->vrf, .mtu = vpn->mtu,
		.address = host_prefix(&vpn->router_id), .policy_off = true,
		.up = link_up(b, conn, have), .fence = fence_of(vpn, peer),
		.fence_mark = desired_mark_spoke(b->conf),
	};

	text_addf(&t, "%s%u", LINK_PREFIX, number);
	strncpy(name, text_str(&t), sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	text_done(&t);
	link.name = name;
	link.announce = must_announce(b, name, have && have->up && link.up,
								  place->vrf);
	resource_link(&b->out->want, RES_OURS, conn, &link);
}

static bool is_certified(const struct build *b, const char *place)
{
	for (size_t i = 0; b->facts->ike_key && i < b->facts->certified_count; i++)
	{
		if (strcmp(b->facts->certified[i], place) == 0)
		{
			return true;
		}
	}
	return false;
}

/*
 * While this router has no certificate of its key, the first of the keys is sent
 * instead: peers that still have it take it. false: there is none either.
 */
static bool without_certificate(struct build *b, const struct model_peer *peer,
								struct res_conn *spec)
{
	struct model_key *keys;

	if (peer->key_count && peer->certificate_use == MODEL_SEND_AND_ACCEPT)
	{
		keys = arena_calloc(b->arena, peer->key_count, sizeof(*keys));
		memcpy(keys, peer->keys, peer->key_count * sizeof(*keys));
		keys[0].use = MODEL_SEND_AND_ACCEPT;
		spec->keys = keys;
	}
	return peer->key_count != 0;
}

static void want_conn(struct build *b, const struct model_vpn *vpn,
					  const struct model_peer *peer,
					  const struct conf_vpn *place, char *conn, uint32_t number)
{
	struct err e;
	struct res_conn spec = {
		.name = conn, .local = local_end(b, vpn, conn),
		.remote = peer->remote_address, .local_id = vpn->identity,
		.remote_id = peer->identity, .profile = peer->profile,
		.keys = peer->keys, .key_count = peer->key_count,
		.mark = b->conf->mark_base + number,
		.set_mark_out = desired_mark_out(b->conf),
	};

	if (peer->certificate && is_certified(b, place->place))
	{
		spec.credentials = place->place;
		spec.certificate_use = peer->certificate_use;
	}
	else if (peer->certificate && !without_certificate(b, peer, &spec))
	{
		err_set(&e, 0, ERR_NO_CERTIFICATE, conn, "the peer wants a certificate, "
				"and this router has none of its key");
		add_error(b, conn, &e);
		return;
	}
	conn_json_build(b->arena, &spec);
	resource_conn(&b->out->want, RES_OURS, &spec);
}

static char *known_or(char *observed, char *wanted)
{
	return observed && !observed[0] ? observed : wanted;
}

/*
 * An SA between other ends than these, or with the mark of another link, is an
 * old one. One that is still being
 * negotiated may not have its identities yet: what is not known is not wrong.
 */
static void want_sa(struct build *b, const struct model_vpn *vpn,
					const struct model_peer *peer, const char *conn,
					uint32_t number)
{
	const struct resource *r = resource_find(b->have, RES_SA, conn);
	const struct res_sa *have = r ? r->spec : NULL;
	struct res_sa sa = {
		.conn = (char*)conn, .local = local_end(b, vpn, conn),
		.remote = peer->remote_address,
		.local_id = known_or(have ? have->local_id : NULL, vpn->identity),
		.remote_id = known_or(have ? have->remote_id : NULL, peer->identity),
		.mark = have && !have->mark ? 0 : b->conf->mark_base + number,
	};

	if (have && !have->local.family)
	{
		sa.local = have->local;
	}
	resource_sa(&b->out->want, RES_OURS, &sa);
}

/* What ospfd shows for the link, once it does, must be as the document says. */
static void want_ospf_link(struct build *b, const struct model_vpn *vpn,
						   const struct model_peer *peer,
						   const struct conf_vpn *place, const char *conn,
						   const struct res_link *have)
{
	struct res_ospf_link spec = {
		.vrf = place->vrf, .point_to_point = true,
		.hello = vpn->ospf.hello_interval, .dead = vpn->ospf.dead_interval,
		.cost = peer->cost ? peer->cost : vpn->ospf.cost,
	};

	if (have && resource_find(b->have, RES_OSPF_LINK, have->name))
	{
		spec.link = have->name;
		resource_ospf_link(&b->out->want, RES_OURS, conn, &spec);
	}
}

static void want_peer(struct build *b, const struct model_vpn *vpn,
					  const struct model_peer *peer,
					  const struct conf_vpn *place)
{
	char conn[CONN_NAME_SIZE];
	const struct res_link *have;
	uint32_t number;
	struct err e;

	conn_name_build(conn, vpn->customer, vpn->vpn, peer->peer);
	have = find_link(b, conn);
	if (vpn->behind_nat && !have && !b->facts->source.family)
	{	/* its own end is not known yet: nobody could be reached either */
		return;
	}
	number = number_for(b, conn, have);
	if (!number)
	{
		err_set(&e, 0, ERR_LIMIT, conn, "all %u link numbers are in use",
				NUMBERS_MAX);
		add_error(b, conn, &e);
		return;
	}
	want_link(b, vpn, peer, place, conn, number);
	want_ospf_link(b, vpn, peer, place, conn, have);
	want_sa(b, vpn, peer, conn, number);
	want_conn(b, vpn, peer, place, conn, number);
}

/* ---- one VPN --------------------------------------------------------------- */

static bool link_exists(const struct build *b, const char *name)
{
	for (size_t i = 0; i < b->facts->link_count; i++)
	{
		if (strcmp(b->facts->links[i].name, name) == 0)
		{
			return true;
		}
	}
	return false;
}

static size_t add_network(struct prefix *networks, size_t count,
						  const struct prefix *network)
{
	for (size_t i = 0; i < count; i++)
	{
		if (prefix_equal(&networks[i], network))
		{
			return count;
		}
	}
	networks[count] = *network;
	return count + 1;
}

/* The router-id and the connected networks of the LAN links. */
static void want_ospf(struct build *b, const struct model_vpn *vpn,
					  const struct conf_vpn *place)
{
	char *passive[CONF_LAN_MAX];
	struct prefix router_id = host_prefix(&vpn->router_id), network;
	struct res_ospf ospf = {
		.vrf = place->vrf, .router_id = vpn->router_id,
		.area = vpn->ospf.area, .passive = passive,
	};

	ospf.networks = arena_calloc(b->arena, b->facts->address_count + 1,
								 sizeof(*ospf.networks));
	ospf.network_count = add_network(ospf.networks, 0, &router_id);
	for (size_t i = 0; place->lan[i]; i++)
	{
		if (link_exists(b, place->lan[i]))
		{
			passive[ospf.passive_count++] = place->lan[i];
		}
		for (size_t k = 0; k < b->facts->address_count; k++)
		{
			if (strcmp(b->facts->addresses[k].link, place->lan[i]) == 0)
			{
				network = prefix_network(&b->facts->addresses[k].address);
				ospf.network_count = add_network(ospf.networks,
												 ospf.network_count, &network);
			}
		}
	}
	resource_ospf(&b->out->want, RES_OURS, &ospf);
}

static void want_vrf(struct build *b, const struct model_vpn *vpn,
					 const struct conf_vpn *place)
{
	struct res_vrf vrf = {
		.name = place->vrf, .table = place->table,
		.address = host_prefix(&vpn->router_id),
	};
	struct res_route route = {
		.table = place->table, .metric = UNREACHABLE_METRIC,
	};

	vrf.announce = must_announce(b, place->vrf,
								 resource_find(b->have, RES_VRF, place->place),
								 place->vrf);
	resource_vrf(&b->out->want, RES_OURS, place->place, &vrf);
	resource_route(&b->out->want, RES_OURS, &route);
	for (size_t i = 0; place->lan[i]; i++)
	{
		struct res_member member = {
			.link = place->lan[i], .master = place->vrf,
		};

		/* one that is not there yet joins when it appears */
		if (link_exists(b, place->lan[i]))
		{
			resource_member(&b->out->want, RES_OURS, place->place, &member);
		}
	}
}

static void want_credentials(struct build *b, const struct model_vpn *vpn,
							 const struct conf_vpn *place)
{
	struct res_credentials spec = {
		.name = (char *)place->place, .certificate = &vpn->certificate,
		.private_key = b->facts->ike_key,
	};

	if (vpn->certificate.cert_data && is_certified(b, place->place))
	{
		credentials_json_build(b->arena, &spec);
		resource_credentials(&b->out->want, RES_OURS, &spec);
	}
}

static bool want_vpn(struct build *b, const struct model_vpn *vpn)
{
	const struct conf_vpn *place = conf_vpn(b->conf, vpn->customer, vpn->vpn);
	struct err e;

	if (!place)
	{
		char *name = arena_printf(b->arena, "%s/%s", vpn->customer, vpn->vpn);

		err_set(&e, 0, ERR_VPN_UNCONFIGURED, name, "the provider assigned VPN "
				"%s to this router, but agent.conf has no [vpn %s]", name, name);
		add_error(b, name, &e);
		return false;
	}
	want_vrf(b, vpn, place);
	want_ospf(b, vpn, place);
	want_credentials(b, vpn, place);
	for (size_t i = 0; i < vpn->peer_count; i++)
	{
		want_peer(b, vpn, &vpn->peers[i], place);
	}
	return true;
}

/* ---- what serves all VPNs -------------------------------------------------- */

static void want_rule(struct build *b, uint32_t pref, uint32_t table,
					  uint32_t mark)
{
	struct res_rule rule = {
		.pref = pref, .table = table, .fwmark = mark,
		.fwmask = mark ? 0xffffffff : 0,
	};

	resource_rule(&b->out->want, RES_OURS, &rule);
}

/* The kernel makes it with the first VRF and never again: what flushes rules
 * takes it away for good. */
static void want_vrf_rule(struct build *b)
{
	struct res_rule rule = { .pref = RULE_VRF_PREF, .l3mdev = true };
	bool vrf = false;

	for (size_t i = 0; i < b->have->count; i++)
	{
		vrf |= b->have->items[i].kind == RES_VRF &&
			   b->have->items[i].origin == RES_OURS;
	}
	if (vrf && !b->facts->l3mdev_rule)
	{
		resource_rule(&b->out->want, RES_OURS, &rule);
	}
}

/*
 * Two traps of a VTI in a VRF: the outer packet is routed in the VRF unless it is
 * marked and a rule before the l3mdev rule sends it to main; and an inner
 * destination that equals an address (s) of this router is taken for local
 * unless the local rule stands behind the l3mdev rule.
 */
static void want_rules(struct build *b, bool vrfs)
{
	char moved[32];
	struct text t = {0};
	const struct resource *ours;

	if (vrfs)
	{
		want_rule(b, b->conf->rule_pref, TABLE_MAIN, desired_mark_out(b->conf));
		want_rule(b, RULE_LOCAL_PREF, TABLE_LOCAL, 0);
		want_vrf_rule(b);
		return;
	}
	text_addf(&t, "%u %u", RULE_LOCAL_PREF, TABLE_LOCAL);
	strncpy(moved, text_str(&t), sizeof(moved) - 1);
	moved[sizeof(moved) - 1] = '\0';
	text_done(&t);
	ours = resource_find(b->have, RES_RULE, moved);
	if (ours && ours->origin == RES_OURS)
	{	/* we moved it: put it back before ours goes */
		want_rule(b, 0, TABLE_LOCAL, 0);
	}
}

static const struct {
	const char *path;
	uint64_t least;
} sysctls[] = {
	{ "net/ipv4/ip_forward", 1 },
	/* replies to the CE's own sockets in no VRF; ospfd's in every VRF */
	{ "net/ipv4/raw_l3mdev_accept", 1 },
	/* 20 by default: the 21st OSPF interface stays deaf without a word */
	{ "net/ipv4/igmp_max_memberships", 4096 },
	/* 20,480 by default: joining fails at 426 interfaces */
	{ "net/core/optmem_max", 1048576 },
};

static void want_sysctls(struct build *b)
{
	for (size_t i = 0; i < sizeof(sysctls) / sizeof(*sysctls); i++)
	{
		const struct resource *r = resource_find(b->have, RES_SYSCTL,
												 sysctls[i].path);
		const struct res_sysctl *have = r ? r->spec : NULL;
		struct res_sysctl want = { .path = sysctls[i].path };
		uint64_t value;

		if (!have)
		{	/* not in this network namespace */
			continue;
		}
		if (text_to_u64(have->value, 0, UINT64_MAX, &value) == 0 &&
			value >= sysctls[i].least)
		{
			want.value = have->value;
		}
		else
		{
			want.value = arena_printf(b->arena, "%llu",
									  (unsigned long long)sysctls[i].least);
		}
		resource_sysctl(&b->out->want, RES_OURS, &want);
	}
}

/* While it is not known where the provider is, what there is stays. */
static void keep_firewall(struct build *b)
{
	const struct resource *r = resource_find(b->have, RES_FIREWALL, FIREWALL_KEY);

	if (r)
	{
		resource_firewall(&b->out->want, RES_OURS, r->spec);
	}
}

static void want_firewall(struct build *b, const struct model_document *doc)
{
	struct res_firewall want = {0};
	struct firewall_wish wish;
	struct err e = {0};

	if (b->conf->firewall.mode == CONF_FIREWALL_OFF)
	{
		return;
	}
	if (!b->facts->firewall_possible)
	{
		if (b->conf->firewall.mode == CONF_FIREWALL_ENFORCE)
		{
			err_set(&e, -EOPNOTSUPP, ERR_FIREWALL, "[firewall]", "mode is "
					"enforce, and this kernel has no nftables for family inet");
			add_error(b, "firewall", &e);
		}
		return;
	}
	if (!firewall_wish(b->conf, doc, b->facts, b->arena, &wish))
	{
		if (doc->vpn_count && b->conf->firewall.mode == CONF_FIREWALL_ENFORCE)
		{
			err_set(&e, -ENODEV, ERR_FIREWALL, "[firewall]", "no link of this "
					"router has its address (s): name it, links = LINK");
			add_error(b, "firewall", &e);
		}
		keep_firewall(b);
		return;
	}
	want.mode = firewall_modes[wish.mode];
	want.digest = wish.digest;
	want.settings = wish.settings;
	want.text = wish.text;
	resource_firewall(&b->out->want, RES_OURS, &want);
}

static void want_everything(struct build *b, const struct model_document *doc)
{
	bool vrfs = false;

	if (doc && doc->state != MODEL_DEPROVISIONED)
	{
		numbers_init(b);
		for (size_t i = 0; i < doc->vpn_count; i++)
		{
			vrfs |= want_vpn(b, &doc->vpns[i]);
		}
		want_firewall(b, doc);
	}
	want_rules(b, vrfs);
	if (vrfs)
	{
		want_sysctls(b);
	}
}

static int compare_peer(const void *key, const void *item)
{
	return strcmp(key, ((const struct model_peer*)item)->peer);
}

/* One connection: only what follows its SA. */
static void want_conn_only(struct build *b, const struct model_document *doc,
						   const char *conn)
{
	char customer[NAME_SIZE], name[NAME_SIZE], site[NAME_SIZE];
	const struct res_link *have = find_link(b, conn);
	const struct model_peer *peer;
	const struct conf_vpn *place;

	if (!doc || !have || !link_number(have->name) ||
		!conn_name_split(conn, customer, name, site))
	{
		return;
	}
	for (size_t i = 0; i < doc->vpn_count; i++)
	{
		const struct model_vpn *vpn = &doc->vpns[i];

		if (strcmp(vpn->customer, customer) || strcmp(vpn->vpn, name) ||
			!vpn->peer_count)
		{
			continue;
		}
		place = conf_vpn(b->conf, customer, name);
		peer = bsearch(site, vpn->peers, vpn->peer_count, sizeof(*peer),
					   compare_peer);
		if (place && peer)
		{
			want_link(b, vpn, peer, place, conn, link_number(have->name));
			want_sa(b, vpn, peer, conn, link_number(have->name));
		}
	}
}

void desired_build(const struct conf *conf, const struct model_document *doc,
				   const char *group, struct resource_set *have,
				   const struct facts *facts, struct arena *arena,
				   struct desired *out)
{
	struct build b = {
		.conf = conf, .have = have, .facts = facts, .group = group,
		.arena = arena, .out = out,
	};

	memset(out, 0, sizeof(*out));
	resource_set_init(&out->want, arena);
	resource_set_sort(have);
	if (group)
	{
		want_conn_only(&b, doc, group);
	}
	else
	{
		want_everything(&b, doc);
	}
}

void desired_done(struct desired *d)
{
	resource_set_done(&d->want);
	free(d->errors);
	memset(d, 0, sizeof(*d));
}
