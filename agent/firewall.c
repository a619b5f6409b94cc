/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * firewall.c - draft section 6.2 as a table of nftables; what its counters mean
 *
 * Pure.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "alloc.h"
#include "firewall.h"
#include "seal.h"
#include "text.h"

const char *const firewall_modes[] = {
	[CONF_FIREWALL_OFF] = "off",
	[CONF_FIREWALL_LOG_ONLY] = "log-only",
	[CONF_FIREWALL_ENFORCE] = "enforce",
};

const char *const firewall_counts[] = {
#define X(sym, word) word,
	FIREWALL_COUNTS(X)
#undef X
};

const char *const firewall_blocked[] = {
	"ESP from peers", "IKE from peers", "ESP to peers", "IKE to peers",
};

/* ---- what goes into the sets ------------------------------------------------ */

struct addrs {
	struct addr *items;			/* the arena's */
	size_t count;
};

struct rules {
	const struct conf_firewall_rules *conf;
	enum conf_firewall mode;
	struct arena *arena;
	char **links;
	size_t link_count;
	struct addrs own, peers, servers;	/* servers that are named by address */
	uint16_t *ports;			/* of the others */
	size_t port_count;
};

static void add(struct addrs *to, const struct addr *addr)
{
	if (addr->family)
	{
		to->items[to->count++] = *addr;
	}
}

static int compare(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct addr));
}

/* In one order, each once: equal sets, equal texts. */
static void settle(struct addrs *addrs)
{
	size_t n = 0;

	if (addrs->count)
	{
		qsort(addrs->items, addrs->count, sizeof(*addrs->items), compare);
	}
	for (size_t i = 0; i < addrs->count; i++)
	{
		if (!i || compare(&addrs->items[i], &addrs->items[n - 1]) != 0)
		{
			addrs->items[n++] = addrs->items[i];
		}
	}
	addrs->count = n;
}

static struct addrs room(struct arena *a, size_t count)
{
	return (struct addrs){
		.items = arena_calloc(a, count + 1, sizeof(struct addr)),
	};
}

static bool is_own(const struct rules *r, const struct addr *addr)
{
	for (size_t i = 0; i < r->own.count; i++)
	{
		if (addr_equal(&r->own.items[i], addr))
		{
			return true;
		}
	}
	return false;
}

static void take_vpns(struct rules *r, const struct model_document *doc,
					  const struct facts *facts)
{
	size_t peers = 0;

	for (size_t i = 0; i < doc->vpn_count; i++)
	{
		peers += doc->vpns[i].peer_count;
	}
	r->own = room(r->arena, doc->vpn_count + 1);
	r->peers = room(r->arena, peers);
	add(&r->own, &facts->source);
	for (size_t i = 0; i < doc->vpn_count; i++)
	{
		const struct model_vpn *vpn = &doc->vpns[i];

		if (!vpn->behind_nat)
		{
			add(&r->own, &vpn->ce_address);
		}
		for (size_t k = 0; k < vpn->peer_count; k++)
		{
			add(&r->peers, &vpn->peers[k].remote_address);
		}
	}
	settle(&r->own);
	settle(&r->peers);
}

/* "https://HOST:PORT", as the document has it. */
static void take_servers(struct rules *r, const struct model_management *m)
{
	r->servers = room(r->arena, m->server_count);
	r->ports = arena_calloc(r->arena, m->server_count + 1, sizeof(*r->ports));
	for (size_t i = 0; i < m->server_count; i++)
	{
		const char *host = strstr(m->servers[i], "://");
		const char *colon = strrchr(m->servers[i], ':');
		struct addr addr;
		uint64_t port;

		if (!host || colon <= host ||
			text_to_u64(colon + 1, 1, 65535, &port) < 0)
		{
			continue;
		}
		host = arena_printf(r->arena, "%.*s", (int)(colon - host - 3), host + 3);
		if (addr_parse4(host, &addr) == 0)
		{
			add(&r->servers, &addr);
		}
		else
		{
			r->ports[r->port_count++] = (uint16_t)port;
		}
	}
	settle(&r->servers);
}

static bool has_link(const struct rules *r, const char *name)
{
	for (size_t i = 0; i < r->link_count; i++)
	{
		if (strcmp(r->links[i], name) == 0)
		{
			return true;
		}
	}
	return false;
}

/* It cannot lead to the provider. */
static bool is_inside(const struct conf *conf, const char *link)
{
	for (size_t i = 0; i < conf->vpn_count; i++)
	{
		for (size_t k = 0; conf->vpns[i].lan[k]; k++)
		{
			if (strcmp(conf->vpns[i].lan[k], link) == 0)
			{
				return true;
			}
		}
	}
	return strcmp(link, "lo") == 0;
}

/* Those that the owner names, else those that have an address of ours (s). */
static void take_links(struct rules *r, const struct conf *conf,
					   const struct facts *facts)
{
	size_t named = 0;

	while (r->conf->links[named])
	{
		named++;
	}
	r->links = arena_calloc(r->arena, named + facts->address_count + 1,
							sizeof(*r->links));
	for (size_t i = 0; i < named; i++)
	{
		r->links[r->link_count++] = r->conf->links[i];
	}
	for (size_t i = 0; !named && i < facts->address_count; i++)
	{
		const struct fact_address *have = &facts->addresses[i];

		if (is_own(r, &have->address.addr) && !has_link(r, have->link) &&
			!is_inside(conf, have->link))
		{
			r->links[r->link_count++] = have->link;
		}
	}
}

/* Protocols by number: names of them are in /etc/protocols, which a router need
 * not have. */
#define TCP "6"
#define UDP "17"
#define IGMP "2"
#define ESP "50"
#define AH "51"
#define ICMP6 "58"
#define OSPF "89"

/* ---- the text --------------------------------------------------------------- */

static void put_set(struct text *t, const char *name, const char *type,
					const struct addrs *addrs, int family)
{
	char buf[ADDR_TEXT_MAX];
	bool some = false;

	text_addf(t, "\tset %s {\n\t\ttype %s\n", name, type);
	for (size_t i = 0; i < addrs->count; i++)
	{
		if (addrs->items[i].family == family)
		{
			text_addf(t, "%s%s", some ? ", " : "\t\telements = { ",
					  addr_str(&addrs->items[i], buf));
			some = true;
		}
	}
	text_add(t, some ? " }\n\t}\n" : "\t}\n");
}

static void put_sets(struct text *t, const struct rules *r)
{
	static const struct { const char *suffix, *type; int family; } kinds[] = {
		{ "4", "ipv4_addr", AF_INET }, { "6", "ipv6_addr", AF_INET6 },
	};
	char name[16];

	text_add(t, "\tset links {\n\t\ttype ifname\n\t\telements = { ");
	for (size_t i = 0; i < r->link_count; i++)
	{
		text_addf(t, "%s\"%s\"", i ? ", " : "", r->links[i]);
	}
	text_add(t, " }\n\t}\n");
	for (size_t i = 0; i < 2; i++)
	{
		const struct { const char *name; const struct addrs *addrs; } sets[] = {
			{ "own", &r->own }, { "servers", &r->servers },
			{ "peers", &r->peers },
		};

		for (size_t k = 0; k < 3; k++)
		{
			text_addf(t, "\t# %s\n", sets[k].name);
			strcpy(stpcpy(name, sets[k].name), kinds[i].suffix);
			put_set(t, name, kinds[i].type, sets[k].addrs, kinds[i].family);
		}
	}
}

static void put(struct text *t, const char *rule)
{
	text_addf(t, "\t\t%s\n", rule);
}

static void put_both(struct text *t, const char *way, const char *set,
					 const char *rest)
{
	text_addf(t, "\t\tip %s @%s4 %s\n", way, set, rest);
	text_addf(t, "\t\tip6 %s @%s6 %s\n", way, set, rest);
}

static void base_chain(struct text *t, const char *name, const char *hook,
					   const char *priority)
{
	text_addf(t, "\tchain %s {\n\t\ttype filter hook %s priority %s; "
			  "policy accept;\n", name, hook, priority);
}

static void end(struct text *t)
{
	text_add(t, "\t}\n");
}

/* Before and behind all other chains: does somebody else drop it? */
static void put_watchers(struct text *t)
{
	static const struct {
		const char *name, *hook, *priority, *link, *way, *local, *words[2];
	} chains[] = {
		{ "seen", "prerouting", "-1000", "iifname", "saddr",
		  "fib daddr type local ", { "seen-esp", "seen-ike" } },
		{ "passed", "input", "2000000000", "iifname", "saddr", "",
		  { "passed-esp", "passed-ike" } },
		{ "going", "output", "-1000", "oifname", "daddr", "",
		  { "going-esp", "going-ike" } },
		{ "left", "postrouting", "2000000000", "oifname", "daddr", "",
		  { "left-esp", "left-ike" } },
	};

	for (size_t i = 0; i < sizeof(chains) / sizeof(*chains); i++)
	{
		base_chain(t, chains[i].name, chains[i].hook, chains[i].priority);
		text_addf(t, "\t\t%s != @links accept\n", chains[i].link);
		for (int v = 4; v <= 6; v += 2)
		{
			const char *ip = v == 4 ? "ip" : "ip6";

			text_addf(t, "\t\tmeta l4proto " ESP " %s %s @peers%d %scounter name %s\n",
					  ip, chains[i].way, v, chains[i].local,
					  chains[i].words[0]);
			text_addf(t, "\t\tudp dport { 500, 4500 } %s %s @peers%d %scounter "
					  "name %s\n", ip, chains[i].way, v, chains[i].local,
					  chains[i].words[1]);
		}
		end(t);
	}
}

/* a reply, or part of a connection that is there: not the first packet of one */
#define NO_SYN "tcp flags & (syn | ack) != syn "
#define IN "counter name in-allowed accept"
#define OUT "counter name out-allowed accept"

/* Kinds of the owner's, in both directions. */
static const struct {
	unsigned bit;
	const char *in[3], *out[3];
} allowed[] = {
	{ CONF_ALLOW_DHCP,
	  { "udp sport { 67, 547 } udp dport { 68, 546 } " IN },
	  { "udp sport { 68, 546 } udp dport { 67, 547 } " OUT } },
	{ CONF_ALLOW_DNS,
	  { "udp sport 53 " IN, "tcp sport 53 " NO_SYN IN },
	  { "meta l4proto { " TCP ", " UDP " } th dport 53 " OUT } },
	{ CONF_ALLOW_NTP, { "udp sport 123 " IN }, { "udp dport 123 " OUT } },
	{ CONF_ALLOW_SSH, { "tcp dport 22 " IN }, { "tcp sport 22 " NO_SYN OUT } },
	{ CONF_ALLOW_OSPF,
	  { "meta l4proto { " OSPF ", " IGMP " } " IN },
	  { "meta l4proto { " OSPF ", " IGMP " } " OUT } },
	{ CONF_ALLOW_BGP,
	  { "tcp dport 179 " IN, "tcp sport 179 " NO_SYN IN },
	  { "tcp dport 179 " OUT, "tcp sport 179 " NO_SYN OUT } },
	{ CONF_ALLOW_BFD,
	  { "udp dport { 3784, 3785, 4784 } " IN },
	  { "udp dport { 3784, 3785, 4784 } " OUT } },
	{ CONF_ALLOW_IPSEC,
	  { "meta l4proto { " ESP ", " AH " } " IN, "udp dport { 500, 4500 } " IN },
	  { "meta l4proto { " ESP ", " AH " } " OUT, "udp sport { 500, 4500 } " OUT } },
};

static void put_allowed(struct text *t, const struct rules *r, bool out)
{
	for (size_t i = 0; i < sizeof(allowed) / sizeof(*allowed); i++)
	{
		const char *const *lines = out ? allowed[i].out : allowed[i].in;

		for (size_t k = 0; (r->conf->allow & allowed[i].bit) && k < 3 && lines[k];
			 k++)
		{
			put(t, lines[k]);
		}
	}
	for (size_t i = 0; i < r->conf->port_count; i++)
	{
		const struct conf_port *port = &r->conf->ports[i];

		text_addf(t, "\t\t%s %s %u %scounter name %s accept\n",
				  port->udp ? "udp" : "tcp", out ? "sport" : "dport", port->port,
				  out && !port->udp ? NO_SYN : "",
				  out ? "out-allowed" : "in-allowed");
	}
}

static void put_management(struct text *t, const struct rules *r, bool out)
{
	const char *way = out ? "daddr" : "saddr";
	const char *syn = out ? "" : NO_SYN;
	const char *name = out ? "out-management" : "in-management";

	for (int v = 4; v <= 6; v += 2)
	{
		text_addf(t, "\t\t%s %s @servers%d meta l4proto " TCP " %scounter name %s "
				  "accept\n", v == 4 ? "ip" : "ip6", way, v, syn, name);
	}
	for (size_t i = 0; i < r->port_count; i++)
	{
		text_addf(t, "\t\ttcp %s %u %scounter name %s accept\n",
				  out ? "dport" : "sport", r->ports[i], syn, name);
	}
}

/* What neither family of IP does without. */
static void put_icmp(struct text *t)
{
	put(t, "icmp type { destination-unreachable, time-exceeded, "
		   "parameter-problem, echo-reply } accept");
	put(t, "icmp type echo-request limit rate 20/second burst 40 packets accept");
	put(t, "icmpv6 type { destination-unreachable, packet-too-big, "
		   "time-exceeded, parameter-problem, echo-reply, mld-listener-query, "
		   "mld-listener-report, mld-listener-done, mld2-listener-report, "
		   "nd-router-solicit, nd-router-advert, nd-neighbor-solicit, "
		   "nd-neighbor-advert } accept");
	put(t, "icmpv6 type echo-request limit rate 20/second burst 40 packets "
		   "accept");
}

static void put_from_pe(struct text *t, const struct rules *r)
{
	text_add(t, "\tchain from-pe {\n");
	put(t, "meta ipsec exists accept");
	put_both(t, "saddr", "peers", "meta l4proto " ESP " counter name in-esp accept");
	put_both(t, "saddr", "peers", "udp dport { 500, 4500 } counter name in-ike "
			 "accept");
	put_management(t, r, false);
	put_allowed(t, r, false);
	/* a peer that the next document names begins before we have it */
	put(t, "udp dport { 500, 4500 } limit rate 50/second burst 100 packets "
		   "counter name in-ike-others accept");
	put(t, "udp dport { 500, 4500 } counter name in-ike-flood goto refused");
	put_icmp(t);
	put(t, "meta pkttype { broadcast, multicast } counter name in-quiet goto "
		   "refused");
	put(t, "counter name in-refused goto noted-in");
	end(t);
}

static void put_to_pe(struct text *t, const struct rules *r)
{
	text_add(t, "\tchain to-pe {\n");
	if (r->conf->allow & CONF_ALLOW_DHCP)
	{	/* without an address yet */
		put(t, allowed[0].out[0]);
	}
	put(t, "ip6 saddr fe80::/10 meta l4proto " ICMP6 " accept");
	put(t, "meta l4proto { " IGMP ", " ICMP6 " } ip6 saddr :: accept");
	put(t, "ip saddr != @own4 counter name out-refused goto noted-out");
	put(t, "ip6 saddr != @own6 counter name out-refused goto noted-out");
	put_both(t, "daddr", "peers", "meta l4proto " ESP " counter name out-esp "
			 "accept");
	put_both(t, "daddr", "peers", "udp sport { 500, 4500 } counter name out-ike "
			 "accept");
	/* IKE may answer anybody; ESP within UDP has no four zeros in front */
	put(t, "udp sport 500 counter name out-ike accept");
	put(t, "udp sport 4500 @th,64,32 0 counter name out-ike accept");
	put_management(t, r, true);
	put_allowed(t, r, true);
	put_icmp(t);
	put(t, "meta l4proto " IGMP " counter name out-quiet goto refused");
	put(t, "counter name out-refused goto noted-out");
	end(t);
}

static void put_forward(struct text *t, const struct rules *r)
{
	base_chain(t, "forward", "forward", "filter - 5");
	if (!(r->conf->allow & CONF_ALLOW_FORWARD))
	{
		if (r->conf->allow & CONF_ALLOW_IPSEC)
		{
			put(t, "meta ipsec exists accept");
			put(t, "rt ipsec exists accept");
		}
		put(t, "iifname @links counter name forward-refused goto noted-forward");
		put(t, "oifname @links counter name forward-refused goto noted-forward");
	}
	end(t);
}

static void put_noted(struct text *t, const char *name, const char *prefix)
{
	text_addf(t, "\tchain noted-%s {\n\t\tlimit rate 1/second burst 5 packets "
			  "log prefix \"%s\"\n\t\tgoto refused\n\t}\n", name, prefix);
}

/* Chains that are gone to before those that go there. */
static void put_chains(struct text *t, const struct rules *r)
{
	text_addf(t, "\tchain refused {\n\t\t%s\n\t}\n",
			  r->mode == CONF_FIREWALL_ENFORCE ? "drop" : "accept");
	put_noted(t, "in", "ppvpn: from the PE: ");
	put_noted(t, "out", "ppvpn: to the PE: ");
	put_noted(t, "forward", "ppvpn: through: ");
	put_from_pe(t, r);
	put_to_pe(t, r);
	base_chain(t, "input", "input", "filter - 5");
	put(t, "iifname @links goto from-pe");
	end(t);
	base_chain(t, "output", "output", "filter - 5");
	put(t, "oifname @links goto to-pe");
	end(t);
	put_forward(t, r);
	put_watchers(t);
}

static struct text whole(const struct rules *r)
{
	struct text t = {0};

	text_add(&t, "table inet ppvpn\ndelete table inet ppvpn\n"
			 "table inet ppvpn {\n\tcomment \"of ppvpn-agent, which puts it "
			 "back; settings: agent.conf, [firewall]\"\n");
	for (size_t i = 0; i < FIREWALL_COUNT_COUNT; i++)
	{
		text_addf(&t, "\tcounter %s {\n\t}\n", firewall_counts[i]);
	}
	put_sets(&t, r);
	put_chains(&t, r);
	text_add(&t, "}\n");
	return t;
}

static void digest(const struct text *t, char out[FIREWALL_DIGEST_SIZE])
{
	uint8_t hash[32];

	seal_sha256(t->s, t->len, hash);
	hex_encode(hash, sizeof(hash), out);
}

bool firewall_wish(const struct conf *conf, const struct model_document *doc,
				   const struct facts *facts, struct arena *arena,
				   struct firewall_wish *out)
{
	struct rules r = {
		.conf = &conf->firewall, .arena = arena, .mode = conf->firewall.mode,
	};
	struct text t;

	if (r.mode == CONF_FIREWALL_ENFORCE && facts->firewall_held)
	{
		r.mode = CONF_FIREWALL_LOG_ONLY;
	}
	take_vpns(&r, doc, facts);
	take_servers(&r, &doc->management);
	take_links(&r, conf, facts);
	if (!doc->vpn_count || !r.link_count)
	{
		return false;
	}
	out->mode = r.mode;
	t = whole(&r);
	out->text = arena_strdup(arena, t.s);
	digest(&t, out->digest);
	text_done(&t);
	r.peers.count = 0;
	t = whole(&r);
	digest(&t, out->settings);
	text_done(&t);
	return true;
}

/* ---- what the counters mean --------------------------------------------------- */

static size_t counter_of(const char *name)
{
	size_t i;

	for (i = 0; i < FIREWALL_COUNT_COUNT &&
		 strcmp(firewall_counts[i], name) != 0; i++);
	return i;
}

int firewall_counters_read(const char *text, struct firewall_counters *out)
{
	char name[64];
	uint64_t packets;
	int used;

	memset(out, 0, sizeof(*out));
	while ((text = strstr(text, "counter ")))
	{
		size_t i;

		used = 0;
		sscanf(text, "counter %63s { packets %" SCNu64 " bytes %*u }%n", name,
			   &packets, &used);
		if (!used)
		{
			return -EBADMSG;
		}
		i = counter_of(name);
		if (i < FIREWALL_COUNT_COUNT)
		{
			out->packets[i] = packets;
		}
		text += used;
	}
	return 0;
}

static const struct {
	enum firewall_count came, through;
} ways[] = {
	[FIREWALL_BLOCKED_ESP_IN] = { FIREWALL_SEEN_ESP, FIREWALL_PASSED_ESP },
	[FIREWALL_BLOCKED_IKE_IN] = { FIREWALL_SEEN_IKE, FIREWALL_PASSED_IKE },
	[FIREWALL_BLOCKED_ESP_OUT] = { FIREWALL_GOING_ESP, FIREWALL_LEFT_ESP },
	[FIREWALL_BLOCKED_IKE_OUT] = { FIREWALL_GOING_IKE, FIREWALL_LEFT_IKE },
};

static void look_ways(struct firewall_watch *w,
					  const struct firewall_counters *more)
{
	for (size_t i = 0; i < FIREWALL_BLOCKED_COUNT; i++)
	{
		if (more->packets[ways[i].through])
		{
			w->waiting[i] = 0;
			w->blocked[i] = false;
			continue;
		}
		w->waiting[i] += more->packets[ways[i].came];
		w->blocked[i] |= w->waiting[i] >= FIREWALL_BLOCKED_MIN;
	}
}

static void look_one(bool *on, uint64_t *count, uint64_t *at_ms, uint64_t more,
					 uint64_t least, uint64_t now_ms)
{
	if (more >= least)
	{
		*count = *on ? *count + more : more;
		*on = true;
		*at_ms = now_ms;
	}
	else if (*on && now_ms - *at_ms >= FIREWALL_QUIET_MS)
	{
		*on = false;
	}
}

void firewall_look(struct firewall_watch *w, const struct firewall_counters *c,
				   uint64_t now_ms)
{
	struct firewall_counters more;

	for (size_t i = 0; i < FIREWALL_COUNT_COUNT; i++)
	{
		more.packets[i] = w->begun ? c->packets[i] - w->last.packets[i] : 0;
	}
	w->begun = true;
	w->last = *c;
	look_ways(w, &more);
	look_one(&w->leak, &w->leaked, &w->leak_ms,
			 more.packets[FIREWALL_OUT_REFUSED] +
			 more.packets[FIREWALL_FORWARD_REFUSED], 1, now_ms);
	look_one(&w->probe, &w->probed, &w->probe_ms,
			 more.packets[FIREWALL_IN_REFUSED] +
			 more.packets[FIREWALL_IN_IKE_FLOOD], FIREWALL_PROBE_MIN, now_ms);
}

/* ---- the guard ------------------------------------------------------------------ */

void firewall_guard_applied(struct firewall_guard *g, enum conf_firewall mode,
							const char *settings, uint64_t now_ms)
{
	bool known = strcmp(g->settings, settings) == 0;

	if (mode == CONF_FIREWALL_ENFORCE && !known && !g->waiting)
	{
		g->since_ms = now_ms;
	}
	g->waiting = mode == CONF_FIREWALL_ENFORCE && !known;
}

bool firewall_guard_answered(struct firewall_guard *g, const char *settings,
							 uint64_t now_ms)
{
	if (!g->waiting || now_ms - g->since_ms < FIREWALL_CONFIRM_LEAST_MS)
	{
		return false;
	}
	g->waiting = false;
	strncpy(g->settings, settings, sizeof(g->settings) - 1);
	return true;
}

bool firewall_guard_look(struct firewall_guard *g, uint64_t timeout_ms,
						 uint64_t now_ms)
{
	if (!g->waiting || now_ms - g->since_ms < timeout_ms)
	{
		return false;
	}
	g->waiting = false;
	g->held = true;
	return true;
}
