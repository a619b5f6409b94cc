/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * conf.c - agent.conf: every key is a row, every value is checked
 *
 * Effects: reads one file.
 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "conf.h"
#include "conffile.h"
#include "firewall.h"
#include "model.h"
#include "name.h"
#include "text.h"

#define LINK_NAME_MAX 15
#define TABLE_MAX 0x7fffffff
#define NOT_NEEDED_MAX 64
#define VPNS_MAX 64

/* what the kernel and other tools have taken */
enum { TABLE_DEFAULT = 253, TABLE_LOCAL = 255 };

typedef int (*value_fn)(struct conf *conf, struct conf_vpn *vpn, void *at,
						const char *value, struct err *e);

struct row {
	const char *key;
	value_fn fn;
	size_t offset;			/* in struct conf, or struct conf_vpn */
};

/* ---- values ---------------------------------------------------------------- */

#define bad(e, ...) err_set(e, -EINVAL, ERR_CONFIG, "", __VA_ARGS__)

static int take_path(struct conf *conf, struct conf_vpn *vpn, void *at,
					 const char *value, struct err *e)
{
	char **out = at;

	if (value[0] != '/' || strlen(value) > 100)
	{	/* a socket's address has room for 107 bytes */
		return bad(e, "\"%s\" is not an absolute path of at most 100 bytes",
				   value);
	}
	free(*out);
	*out = xstrdup(value);
	return 0;
}

static int take_group(struct conf *conf, struct conf_vpn *vpn, void *at,
					  const char *value, struct err *e)
{
	char **out = at;

	if (!value[0] || strlen(value) > 32 ||
		value[strspn(value, "abcdefghijklmnopqrstuvwxyz0123456789_-")])
	{
		return bad(e, "\"%s\" is not the name of a group", value);
	}
	free(*out);
	*out = xstrdup(value);
	return 0;
}

/* Decimal, or hexadecimal with 0x. */
static bool number(const char *s, uint64_t min, uint64_t max, uint32_t *out)
{
	static const char digits[] = "0123456789abcdefABCDEF";
	uint64_t v = 0;

	if (strncmp(s, "0x", 2) != 0)
	{
		if (text_to_u64(s, min, max, &v) != 0)
		{
			return false;
		}
		*out = v;
		return true;
	}
	s += 2;
	if (!*s || strlen(s) > 8 || s[strspn(s, digits)])
	{
		return false;
	}
	v = strtoull(s, NULL, 16);
	*out = v;
	return v >= min && v <= max;
}

static int take_mark(struct conf *conf, struct conf_vpn *vpn, void *at,
					 const char *value, struct err *e)
{
	uint32_t *out = at;

	if (!number(value, 0x10000, 0xffff0000, out) || (*out & 0xffff))
	{
		return bad(e, "\"%s\" is not the base of a block of marks: 0x00010000 to "
				   "0xffff0000, the last four digits 0", value);
	}
	return 0;
}

static int take_pref(struct conf *conf, struct conf_vpn *vpn, void *at,
					 const char *value, struct err *e)
{
	/* before the l3mdev rule, which the kernel puts at 1000 */
	return number(value, 1, 999, at) ? 0 :
		   bad(e, "\"%s\" is not a rule's preference from 1 to 999", value);
}

static int take_level(struct conf *conf, struct conf_vpn *vpn, void *at,
					  const char *value, struct err *e)
{
	return log_level_parse(value, at) == 0 ? 0 :
		   bad(e, "\"%s\" is not error, warn, info or debug", value);
}

static int take_set_clock(struct conf *conf, struct conf_vpn *vpn, void *at,
						  const char *value, struct err *e)
{
	bool *keep = at;

	*keep = strcmp(value, "no") == 0;
	return *keep || strcmp(value, "yes") == 0 ? 0 :
		   bad(e, "\"%s\" is not yes or no", value);
}

static int take_table(struct conf *conf, struct conf_vpn *vpn, void *at,
					  const char *value, struct err *e)
{
	uint32_t *out = at;

	if (!number(value, 1, TABLE_MAX, out) ||
		(*out >= TABLE_DEFAULT && *out <= TABLE_LOCAL))
	{
		return bad(e, "\"%s\" is not a routing table: 1 to 2147483647, not 253 "
				   "to 255", value);
	}
	for (size_t i = 0; i < conf->vpn_count; i++)
	{
		if (&conf->vpns[i] != vpn && conf->vpns[i].table == *out)
		{
			return bad(e, "table %s is another VPN's already", value);
		}
	}
	return 0;
}

static bool is_link_name(const char *s)
{
	size_t len = strlen(s);

	return len > 0 && len <= LINK_NAME_MAX && strcmp(s, ".") != 0 &&
		   strcmp(s, "..") != 0 && strcmp(s, "all") != 0 &&
		   strcmp(s, "default") != 0 && strcmp(s, "lo") != 0 &&
		   !s[strspn(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
						"0123456789._-")];
}

static bool has_lan(const struct conf_vpn *vpn, const char *name)
{
	for (size_t i = 0; vpn->lan[i]; i++)
	{
		if (strcmp(vpn->lan[i], name) == 0)
		{
			return true;
		}
	}
	return false;
}

/* A link is one VRF, or in one VPN. */
static int check_link(const struct conf *conf, const char *name, struct err *e)
{
	if (!is_link_name(name))
	{
		return bad(e, "\"%s\" is not a link's name: 1 to 15 of A-Z a-z 0-9 . _ -",
				   name);
	}
	if (strncmp(name, "ppv", 3) == 0 && name[3] >= '0' && name[3] <= '9')
	{
		return bad(e, "\"%s\": ppv and a number are the agent's tunnels", name);
	}
	for (size_t i = 0; i < conf->vpn_count; i++)
	{
		const struct conf_vpn *v = &conf->vpns[i];

		if ((v->vrf && strcmp(v->vrf, name) == 0) || has_lan(v, name))
		{
			return bad(e, "link %s is named already", name);
		}
	}
	for (size_t i = 0; conf->firewall.links[i]; i++)
	{
		if (strcmp(conf->firewall.links[i], name) == 0)
		{
			return bad(e, "link %s is named already, for the firewall", name);
		}
	}
	return 0;
}

static int take_vrf(struct conf *conf, struct conf_vpn *vpn, void *at,
					const char *value, struct err *e)
{
	int rc = check_link(conf, value, e);

	if (rc == 0)
	{
		vpn->vrf = xstrdup(value);
	}
	return rc;
}

static int take_lan_word(struct conf *conf, struct conf_vpn *vpn,
						 const char *word, size_t count, struct err *e)
{
	int rc = check_link(conf, word, e);

	if (rc == 0 && count == CONF_LAN_MAX)
	{
		rc = err_set(e, -E2BIG, ERR_CONFIG, "", "more than %u LAN links",
					 CONF_LAN_MAX);
	}
	if (rc == 0)
	{
		vpn->lan[count] = xstrdup(word);
	}
	return rc;
}

/* Words with spaces between. */
static int take_lan(struct conf *conf, struct conf_vpn *vpn, void *at,
					const char *value, struct err *e)
{
	char *copy = xstrdup(value), *save = NULL;
	size_t n = 0;
	int rc = 0;

	for (char *word = strtok_r(copy, " ", &save); word && rc == 0;
		 word = strtok_r(NULL, " ", &save))
	{
		rc = take_lan_word(conf, vpn, word, n++, e);
	}
	free(copy);
	return rc;
}

/* ---- the firewall ---------------------------------------------------------- */

static int take_firewall(struct conf *conf, struct conf_vpn *vpn, void *at,
						 const char *value, struct err *e)
{
	enum conf_firewall *out = at;

	for (enum conf_firewall i = 0; i < CONF_FIREWALL_MODES; i++)
	{
		if (strcmp(value, firewall_modes[i]) == 0)
		{
			*out = i;
			return 0;
		}
	}
	return bad(e, "\"%s\" is not off, log-only or enforce", value);
}

/* Of the default VRF: it is no LAN's nor VRF's. */
static int take_sp_links(struct conf *conf, struct conf_vpn *vpn, void *at,
						 const char *value, struct err *e)
{
	char *copy = xstrdup(value), *save = NULL, **links = at;
	size_t n = 0;
	int rc = 0;

	for (char *word = strtok_r(copy, " ", &save); word && rc == 0;
		 word = strtok_r(NULL, " ", &save))
	{
		rc = n == CONF_SP_LINKS_MAX
			? err_set(e, -E2BIG, ERR_CONFIG, "", "more than %u links",
					  CONF_SP_LINKS_MAX)
			: check_link(conf, word, e);
		if (rc == 0)
		{
			links[n++] = xstrdup(word);
		}
	}
	free(copy);
	return rc;
}

static const struct { const char *word; unsigned bit; } allowances[] = {
	{ "dhcp", CONF_ALLOW_DHCP }, { "dns", CONF_ALLOW_DNS },
	{ "ntp", CONF_ALLOW_NTP }, { "ssh", CONF_ALLOW_SSH },
	{ "ospf", CONF_ALLOW_OSPF }, { "bgp", CONF_ALLOW_BGP },
	{ "bfd", CONF_ALLOW_BFD }, { "ipsec", CONF_ALLOW_IPSEC },
	{ "forward", CONF_ALLOW_FORWARD }, { "none", 0 },
};

static int take_port(struct conf_firewall_rules *rules, const char *word,
					 struct err *e)
{
	struct conf_port port = { .udp = strncmp(word, "udp/", 4) == 0 };
	uint32_t value;

	if ((!port.udp && strncmp(word, "tcp/", 4) != 0) ||
		!number(word + 4, 1, 65535, &value))
	{
		return bad(e, "\"%s\" is not dhcp, dns, ntp, ssh, ospf, bgp, bfd, ipsec, "
				   "forward, none, tcp/PORT or udp/PORT", word);
	}
	if (rules->port_count == CONF_PORTS_MAX)
	{
		return err_set(e, -E2BIG, ERR_CONFIG, "", "more than %u ports",
					   CONF_PORTS_MAX);
	}
	port.port = (uint16_t)value;
	rules->ports[rules->port_count++] = port;
	return 0;
}

static int take_allow_word(struct conf_firewall_rules *rules, const char *word,
						   struct err *e)
{
	for (size_t i = 0; i < sizeof(allowances) / sizeof(*allowances); i++)
	{
		if (strcmp(word, allowances[i].word) == 0)
		{
			rules->allow |= allowances[i].bit;
			return 0;
		}
	}
	return take_port(rules, word, e);
}

/* In place of the default, not beside it. */
static int take_allow(struct conf *conf, struct conf_vpn *vpn, void *at,
					  const char *value, struct err *e)
{
	struct conf_firewall_rules *rules = &conf->firewall;
	char *copy = xstrdup(value), *save = NULL;
	int rc = 0;

	rules->allow = 0;
	rules->port_count = 0;
	for (char *word = strtok_r(copy, " ", &save); word && rc == 0;
		 word = strtok_r(NULL, " ", &save))
	{
		rc = take_allow_word(rules, word, e);
	}
	free(copy);
	return rc;
}

/* ---- bounds on what the provider may ask ----------------------------------- */

static int take_max_peers(struct conf *conf, struct conf_vpn *vpn, void *at,
						  const char *value, struct err *e)
{
	vpn->has_max_peers = true;
	return number(value, 0, MODEL_PEERS_MAX, at) ? 0 :
		   bad(e, "\"%s\" is not a number of peers from 0 to %u", value,
			   MODEL_PEERS_MAX);
}

typedef bool (*prefix_fn)(const char *word, struct prefix *out);

static int take_words(struct conf_prefixes *out, const char *value,
					  prefix_fn fn, const char *what, struct err *e)
{
	char *copy = xstrdup(value), *save = NULL;
	int rc = 0;

	for (char *word = strtok_r(copy, " ", &save); word && rc == 0;
		 word = strtok_r(NULL, " ", &save))
	{
		if (out->count == CONF_PREFIXES_MAX)
		{
			rc = err_set(e, -E2BIG, ERR_CONFIG, "", "more than %u",
						 CONF_PREFIXES_MAX);
		}
		else if (fn(word, &out->items[out->count]))
		{
			out->count++;
		}
		else
		{
			rc = bad(e, "\"%s\" is not %s", word, what);
		}
	}
	if (rc == 0 && !out->count)
	{	/* "none" would be read as "no bound" */
		rc = bad(e, "nothing is named: leave the key out where there is no "
				 "bound");
	}
	free(copy);
	return rc;
}

static bool is_prefix(const char *word, struct prefix *out)
{
	return prefix_parse4(word, true, out) == 0;
}

static bool is_area(const char *word, struct prefix *out)
{
	*out = (struct prefix){ .len = 32 };
	return addr_parse4(word, &out->addr) == 0;
}

static int take_prefixes(struct conf *conf, struct conf_vpn *vpn, void *at,
						 const char *value, struct err *e)
{
	return take_words(at, value, is_prefix, "a prefix like 192.0.2.0/24", e);
}

static int take_areas(struct conf *conf, struct conf_vpn *vpn, void *at,
					  const char *value, struct err *e)
{
	return take_words(at, value, is_area, "an area like 0.0.0.1", e);
}

static bool is_conn_child(const char *word)
{
	const char *slash = strchr(word, '/');

	return strlen(word) <= 200 && slash && slash > word && slash[1];
}

static int take_not_needed(struct conf *conf, struct conf_vpn *vpn, void *at,
						   const char *value, struct err *e)
{
	char *copy = xstrdup(value), *save = NULL;
	int rc = 0;

	for (char *word = strtok_r(copy, " ", &save); word && rc == 0;
		 word = strtok_r(NULL, " ", &save))
	{
		size_t n = conf->routes_not_needed_count;

		if (!is_conn_child(word) || n == NOT_NEEDED_MAX)
		{
			rc = bad(e, "\"%s\" is not CONNECTION/CHILD, or one too many", word);
			break;
		}
		conf->routes_not_needed = xrealloc(conf->routes_not_needed, n + 1,
										   sizeof(char*));
		conf->routes_not_needed[n] = xstrdup(word);
		conf->routes_not_needed_count++;
	}
	free(copy);
	return rc;
}

/* ---- sections -------------------------------------------------------------- */

#define AGENT(key, fn, member) { key, fn, offsetof(struct conf, member) }
#define VPN(key, fn, member) { key, fn, offsetof(struct conf_vpn, member) }

static const struct row agent_rows[] = {
	AGENT("state-dir", take_path, state_dir),
	AGENT("bundle", take_path, bundle),
	AGENT("run-dir", take_path, run_dir),
	AGENT("control-socket", take_path, control_socket),
	AGENT("control-group", take_group, control_group),
	AGENT("plugin-socket", take_path, plugin_socket),
	AGENT("vici-socket", take_path, vici_socket),
	AGENT("vtysh", take_path, vtysh),
	AGENT("frr-dir", take_path, frr_dir),
	AGENT("mark-base", take_mark, mark_base),
	AGENT("rule-pref", take_pref, rule_pref),
	AGENT("routes-not-needed", take_not_needed, routes_not_needed),
	AGENT("set-clock", take_set_clock, keep_clock),
	AGENT("log-level", take_level, log_level),
	{ NULL, NULL, 0 },
};

static const struct row firewall_rows[] = {
	AGENT("mode", take_firewall, firewall.mode),
	AGENT("links", take_sp_links, firewall.links),
	AGENT("allow", take_allow, firewall.allow),
	{ NULL, NULL, 0 },
};

static const struct row vpn_rows[] = {
	VPN("vrf", take_vrf, vrf),
	VPN("table", take_table, table),
	VPN("lan", take_lan, lan),
	VPN("max-peers", take_max_peers, max_peers),
	VPN("peer-addresses", take_prefixes, peer_addresses),
	VPN("router-ids", take_prefixes, router_ids),
	VPN("areas", take_areas, areas),
	{ NULL, NULL, 0 },
};

static const struct row *find_row(const struct row *rows, const char *key)
{
	for (; rows->key; rows++)
	{
		if (strcmp(rows->key, key) == 0)
		{
			return rows;
		}
	}
	return NULL;
}

static struct conf_vpn *vpn_section(struct conf *conf, const char *place,
									struct err *e)
{
	char names[2][NAME_SIZE];

	for (size_t i = 0; i < conf->vpn_count; i++)
	{
		if (strcmp(conf->vpns[i].place, place) == 0)
		{
			return &conf->vpns[i];
		}
	}
	if (conf->vpn_count == VPNS_MAX)
	{
		err_set(e, -E2BIG, ERR_CONFIG, "", "more than %u VPNs", VPNS_MAX);
		return NULL;
	}
	if (place_parse(place, 2, names, "[vpn CUSTOMER/VPN]", e) != 0)
	{
		e->code = ERR_CONFIG;
		return NULL;
	}
	conf->vpns = xrealloc(conf->vpns, conf->vpn_count + 1, sizeof(*conf->vpns));
	memset(&conf->vpns[conf->vpn_count], 0, sizeof(*conf->vpns));
	conf->vpns[conf->vpn_count].place = xstrdup(place);
	return &conf->vpns[conf->vpn_count++];
}

static const struct row *rows_of(const char *section, const char *arg)
{
	if (strcmp(section, "vpn") == 0)
	{
		return vpn_rows;
	}
	if (strcmp(section, "agent") == 0 && !arg[0])
	{
		return agent_rows;
	}
	return strcmp(section, "firewall") == 0 && !arg[0] ? firewall_rows : NULL;
}

static int on_pair(void *user, const char *section, const char *arg,
				   const char *key, const char *value, struct err *e)
{
	struct conf *conf = user;
	struct conf_vpn *vpn = NULL;
	const struct row *row;
	char *base = (char*)conf;
	const struct row *rows = rows_of(section, arg);

	if (!rows)
	{
		return err_set(e, -EINVAL, ERR_CONFIG, "", "no section [%s%s%s]: there "
					   "are [agent], [firewall] and [vpn CUSTOMER/VPN]",
					   section, arg[0] ? " " : "", arg);
	}
	row = find_row(rows, key);
	if (!row)
	{
		return err_set(e, -EINVAL, ERR_CONFIG, "", "no key \"%s\" in [%s]", key,
					   section);
	}
	if (rows == vpn_rows)
	{
		vpn = vpn_section(conf, arg, e);
		if (!vpn)
		{
			return -EINVAL;
		}
		base = (char*)vpn;
	}
	return row->fn(conf, vpn, base + row->offset, value, e);
}

/* ---- the whole ------------------------------------------------------------- */

static void defaults(struct conf *conf)
{
	*conf = (struct conf){
		.state_dir = xstrdup("/var/lib/ppvpn"),
		.bundle = xstrdup("/etc/ppvpn/bundle"),
		.run_dir = xstrdup("/run/ppvpn"),
		.control_group = xstrdup("ppvpn"),
		.plugin_socket = xstrdup("/run/charon.ppvpn"),
		.vici_socket = xstrdup("/run/charon.vici"),
		.vtysh = xstrdup("/usr/bin/vtysh"),
		.frr_dir = xstrdup("/run/frr"),
		.mark_base = 0x70ff0000,
		.rule_pref = 100,
		.log_level = LOG_LEVEL_INFO,
		.firewall = {
			.mode = CONF_FIREWALL_LOG_ONLY,
			.allow = CONF_ALLOW_DHCP | CONF_ALLOW_DNS | CONF_ALLOW_NTP |
					 CONF_ALLOW_SSH,
		},
	};
}

static int check_whole(const char *path, struct conf *conf, struct err *e)
{
	for (size_t i = 0; i < conf->vpn_count; i++)
	{
		const struct conf_vpn *vpn = &conf->vpns[i];

		if (!vpn->vrf || !vpn->table)
		{
			return err_set(e, -EINVAL, ERR_CONFIG, path, "[vpn %s] lacks %s",
						   vpn->place, vpn->vrf ? "table" : "vrf");
		}
	}
	return 0;
}

int conf_read(const char *path, struct conf *conf, struct err *e)
{
	int rc;

	defaults(conf);
	rc = conffile_read(path, on_pair, conf, e);
	if (rc == 0)
	{
		rc = check_whole(path, conf, e);
	}
	if (rc != 0)
	{
		conf_done(conf);
		return rc;
	}
	if (!conf->control_socket)
	{
		conf->control_socket = xasprintf("%s/agent.sock", conf->run_dir);
	}
	return 0;
}

void conf_done(struct conf *conf)
{
	char **texts[] = {
		&conf->state_dir, &conf->bundle, &conf->run_dir, &conf->control_socket,
		&conf->control_group, &conf->plugin_socket, &conf->vici_socket,
		&conf->vtysh, &conf->frr_dir,
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
	{
		free(*texts[i]);
	}
	for (size_t i = 0; i < conf->vpn_count; i++)
	{
		free(conf->vpns[i].place);
		free(conf->vpns[i].vrf);
		for (size_t k = 0; conf->vpns[i].lan[k]; k++)
		{
			free(conf->vpns[i].lan[k]);
		}
	}
	for (size_t i = 0; conf->firewall.links[i]; i++)
	{
		free(conf->firewall.links[i]);
	}
	for (size_t i = 0; i < conf->routes_not_needed_count; i++)
	{
		free(conf->routes_not_needed[i]);
	}
	free(conf->routes_not_needed);
	free(conf->vpns);
	memset(conf, 0, sizeof(*conf));
}

const struct conf_vpn *conf_vpn(const struct conf *conf, const char *customer,
								const char *vpn)
{
	size_t len = strlen(customer);

	for (size_t i = 0; i < conf->vpn_count; i++)
	{
		const char *place = conf->vpns[i].place;

		if (strncmp(place, customer, len) == 0 && place[len] == '/' &&
			strcmp(place + len + 1, vpn) == 0)
		{
			return &conf->vpns[i];
		}
	}
	return NULL;
}
