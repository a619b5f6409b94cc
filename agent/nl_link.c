/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * nl_link.c - links of the kernel: read them, make VTIs and VRFs, change them
 *
 * Effects: netlink. A link is made in two messages, because its alias can only be
 * set on one that exists; the group it is born in tells one that was left
 * between the two.
 */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <arpa/inet.h>
#include <net/if.h>		/* before linux/if.h */
#include <linux/if_link.h>
#include <linux/if_tunnel.h>
#include <linux/ip.h>
#include <linux/rtnetlink.h>

#include "alloc.h"
#include "name.h"
#include "nl_local.h"

/* without counters a dump is less than half as long */
#define SKIP_STATS RTEXT_FILTER_SKIP_STATS

/* ---- reading --------------------------------------------------------------- */

static struct addr take_addr4(const struct nlattr *a)
{
	return addr_from_u32(ntohl(nl_u32(a)));
}

static void take_vti(struct nl_link *link, struct nlattr *data)
{
	struct nlattr *a[IFLA_VTI_MAX + 1];
	uint32_t in, out;

	nl_nested(data, a, IFLA_VTI_MAX);
	link->local = take_addr4(a[IFLA_VTI_LOCAL]);
	link->remote = take_addr4(a[IFLA_VTI_REMOTE]);
	in = ntohl(nl_u32(a[IFLA_VTI_IKEY]));
	out = ntohl(nl_u32(a[IFLA_VTI_OKEY]));
	link->mark = in == out ? in : 0;
}

static void take_kind(struct nl_link *link, struct nlattr *info)
{
	struct nlattr *a[IFLA_INFO_MAX + 1], *vrf[IFLA_VRF_MAX + 1];

	nl_nested(info, a, IFLA_INFO_MAX);
	if (!a[IFLA_INFO_KIND])
	{
		return;
	}
	nla_strlcpy(link->kind, a[IFLA_INFO_KIND], sizeof(link->kind));
	if (strcmp(link->kind, "vti") == 0)
	{
		take_vti(link, a[IFLA_INFO_DATA]);
	}
	else if (nl_link_is_vrf(link))
	{
		nl_nested(a[IFLA_INFO_DATA], vrf, IFLA_VRF_MAX);
		link->table = nl_u32(vrf[IFLA_VRF_TABLE]);
	}
}

/* The per-link settings of net.ipv4.conf come along, as an array. */
static void take_settings(struct nl_link *link, struct nlattr *af_spec)
{
	struct nlattr *family[AF_INET + 1], *inet[IFLA_INET_MAX + 1];
	uint32_t conf[IPV4_DEVCONF_NOPOLICY];

	nl_nested(af_spec, family, AF_INET);
	nl_nested(family[AF_INET], inet, IFLA_INET_MAX);
	if (inet[IFLA_INET_CONF] &&
		nla_len(inet[IFLA_INET_CONF]) >= (int)sizeof(conf))
	{
		memcpy(conf, nla_data(inet[IFLA_INET_CONF]), sizeof(conf));
		link->policy_off = conf[IPV4_DEVCONF_NOPOLICY - 1] == 1 &&
						   conf[IPV4_DEVCONF_NOXFRM - 1] == 0 &&
						   conf[IPV4_DEVCONF_RP_FILTER - 1] == 0;
	}
}

struct nl_link *nl_link_parse(struct nlmsghdr *h)
{
	struct nlattr *a[IFLA_MAX + 1];
	const struct ifinfomsg *i = nlmsg_data(h);
	struct nl_link *link;

	nl_attrs(h, sizeof(*i), a, IFLA_MAX);
	if (i->ifi_family != AF_UNSPEC || !a[IFLA_IFNAME] || a[IFLA_WIRELESS] ||
		!a[IFLA_MTU])
	{	/* a bridge's or a radio's own news: not the whole state */
		return NULL;
	}
	link = xcalloc(1, sizeof(*link));
	link->ifindex = i->ifi_index;
	link->up = i->ifi_flags & IFF_UP;
	nla_strlcpy(link->name, a[IFLA_IFNAME], sizeof(link->name));
	link->alias = xstrdup(a[IFLA_IFALIAS] ? nla_get_string(a[IFLA_IFALIAS]) : "");
	link->group = nl_u32(a[IFLA_GROUP]);
	link->master = nl_u32(a[IFLA_MASTER]);
	link->mtu = nl_u32(a[IFLA_MTU]);
	take_kind(link, a[IFLA_LINKINFO]);
	take_settings(link, a[IFLA_AF_SPEC]);
	return link;
}

static void on_link(void *user, struct nlmsghdr *h)
{
	struct nl_link *link;

	if (h->nlmsg_type == RTM_NEWLINK && (link = nl_link_parse(h)))
	{
		nl_table_put(user, link);
	}
}

int nl_links_read(struct nl *nl, struct err *e)
{
	struct ifinfomsg all = { .ifi_family = AF_UNSPEC };
	int rc = -EINTR;

	for (int tries = 0; tries < 5 && rc == -EINTR; tries++)
	{
		struct nl_msg *msg = nl_message(RTM_GETLINK, NLM_F_DUMP, &all,
										sizeof(all));

		nl_put_u32(msg, IFLA_EXT_MASK, SKIP_STATS);
		nl_table_clear(&nl->links);
		rc = nl_request(nl->sk, msg, "list links", on_link, &nl->links, e);
	}
	return rc;
}

struct read_one { struct nl_table *table; unsigned ifindex; };

static void on_one(void *user, struct nlmsghdr *h)
{
	struct read_one *one = user;
	struct nl_link *link;

	if (h->nlmsg_type == RTM_NEWLINK && (link = nl_link_parse(h)))
	{
		one->ifindex = nl_table_put(one->table, link)->ifindex;
	}
}

int nl_link_read(struct nl *nl, unsigned ifindex, const char *name,
				 struct nl_link **link, struct err *e)
{
	struct ifinfomsg i = { .ifi_family = AF_UNSPEC, .ifi_index = ifindex };
	struct nl_msg *msg = nl_message(RTM_GETLINK, 0, &i, sizeof(i));
	struct read_one one = { .table = &nl->links };
	int rc;

	if (!ifindex)
	{
		nl_put_str(msg, IFLA_IFNAME, name);
	}
	rc = nl_request(nl->sk, msg, "read the link", on_one, &one, e);
	if (rc == -ENODEV && ifindex)
	{
		nl_table_remove(&nl->links, ifindex);
	}
	*link = rc ? NULL : nl_table_get(&nl->links, one.ifindex);
	if (!rc && !*link)
	{
		rc = err_set(e, -ENODEV, ERR_KERNEL, name ? name : "", "no such link");
	}
	return rc;
}

/* ---- messages -------------------------------------------------------------- */

static struct nl_msg *link_set(unsigned ifindex, unsigned flags, unsigned change)
{
	struct ifinfomsg i = {
		.ifi_family = AF_UNSPEC, .ifi_index = ifindex, .ifi_flags = flags,
		.ifi_change = change,
	};

	return nl_message(RTM_NEWLINK, 0, &i, sizeof(i));
}

static struct nl_msg *link_set_u32(unsigned ifindex, int type, uint32_t value)
{
	struct nl_msg *msg = link_set(ifindex, 0, 0);

	nl_put_u32(msg, type, value);
	return msg;
}

static struct nl_msg *link_set_up(unsigned ifindex, bool up)
{
	return link_set(ifindex, up ? IFF_UP : 0, IFF_UP);
}

static struct nl_msg *link_delete(unsigned ifindex)
{
	struct ifinfomsg i = { .ifi_family = AF_UNSPEC, .ifi_index = ifindex };

	return nl_message(RTM_DELLINK, 0, &i, sizeof(i));
}

/* A new link of a kind; *info to be closed by kind_end(). */
static struct nl_msg *link_new(const char *name, const char *kind,
							   struct nlattr **info, struct nlattr **data)
{
	struct ifinfomsg i = { .ifi_family = AF_UNSPEC };
	struct nl_msg *msg = nl_message(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL,
									&i, sizeof(i));

	nl_put_str(msg, IFLA_IFNAME, name);
	nl_put_u32(msg, IFLA_GROUP, NL_LINK_GROUP);
	*info = nla_nest_start(msg, IFLA_LINKINFO);
	nl_put_str(msg, IFLA_INFO_KIND, kind);
	*data = nla_nest_start(msg, IFLA_INFO_DATA);
	return msg;
}

static void kind_end(struct nl_msg *msg, struct nlattr *info,
					 struct nlattr *data)
{
	nla_nest_end(msg, data);
	nla_nest_end(msg, info);
}

static struct nl_msg *link_get(const char *name)
{
	struct ifinfomsg i = { .ifi_family = AF_UNSPEC };
	struct nl_msg *msg = nl_message(RTM_GETLINK, 0, &i, sizeof(i));

	nl_put_str(msg, IFLA_IFNAME, name);
	return msg;
}

/* Make it, then learn its number. */
static int create(struct nl *nl, struct nl_msg *msg, const char *name,
				  const char *alias, unsigned *ifindex, struct err *e)
{
	struct read_one one = { .table = &nl->links };
	struct nl_batch b = {0};
	struct nl_msg *alias_msg;
	int rc;

	nl_batch_add(&b, "create the link", 0, msg);
	nl_batch_add(&b, "read the link", 0, link_get(name));
	rc = nl_batch_run(nl->sk, &b, name, on_one, &one, e);
	if (rc)
	{
		return rc;
	}
	*ifindex = one.ifindex;
	alias_msg = link_set(one.ifindex, 0, 0);
	nl_put_str(alias_msg, IFLA_IFALIAS, alias);
	nl_batch_add(&b, "set the alias", 0, alias_msg);
	return nl_batch_run(nl->sk, &b, name, NULL, NULL, e);
}

int nl_link_probe(struct nl *nl, const char *kind, const char *module,
				  struct err *e)
{
	struct nlattr *info, *data;
	struct nl_msg *msg = link_new("ppvprobe", kind, &info, &data);
	uint8_t bad = 0;
	int rc;

	/* too short: refused by the kind, once it is there, so nothing is made */
	nl_put(msg, IFLA_VTI_LINK, &bad, sizeof(bad));
	kind_end(msg, info, data);
	rc = nl_request(nl->sk, msg, "create a link", NULL, NULL, e);
	if (rc == -EOPNOTSUPP)
	{
		return err_set(e, rc, ERR_KERNEL, module, "this kernel has no links of "
					   "kind %s and could not load the module %s", kind, module);
	}
	if (rc == -EPERM)
	{
		return err_set(e, rc, ERR_DENIED, kind, "not permitted to make links "
					   "(CAP_NET_ADMIN)");
	}
	return 0;
}

static int master_index(struct nl *nl, const char *name, unsigned *ifindex,
						struct err *e)
{
	struct nl_link *link;
	int rc;

	*ifindex = 0;
	if (!name[0])
	{
		return 0;
	}
	rc = nl_link_read(nl, 0, name, &link, e);
	if (rc)
	{
		return err_set(e, rc, ERR_KERNEL, name, "the VRF is not there");
	}
	*ifindex = link->ifindex;
	return 0;
}

/* ---- addresses ------------------------------------------------------------- */

/* Add what is wanted, then take away all others: the link is ours. */
static void batch_address(struct nl_batch *b, const struct nl_link *link,
						  unsigned ifindex, const struct prefix *want)
{
	if (want->addr.family)
	{
		nl_batch_add(b, "set the address", -EEXIST,
					 nl_address_add(ifindex, want));
	}
	for (size_t i = 0; link && i < link->address_count; i++)
	{
		if (!prefix_equal(&link->addresses[i], want) &&
			b->count < NL_BATCH_MAX - 1)
		{
			nl_batch_add(b, "remove the old address", -EADDRNOTAVAIL,
						 nl_address_delete(ifindex, &link->addresses[i]));
		}
	}
}

/* ---- tunnel links ---------------------------------------------------------- */

/* Replies and forwarded packets are matched by their SA, not by policy or path. */
static int policy_off(const char *name, struct err *e)
{
	static const struct { const char *name, *value; } settings[] = {
		{ "disable_policy", "1" }, { "rp_filter", "0" }, { "disable_xfrm", "0" },
	};
	char path[64];
	int rc = 0;

	for (size_t i = 0; i < 3 && !rc; i++)
	{
		snprintf(path, sizeof(path), "net/ipv4/conf/%s/%s", name,
				 settings[i].name);
		rc = nl_sysctl_write(path, settings[i].value, e);
	}
	return rc;
}

static struct nl_msg *vti_new(const struct res_link *spec, unsigned master)
{
	struct nlattr *info, *data;
	struct nl_msg *msg = link_new(spec->name, "vti", &info, &data);

	nl_put_u32(msg, IFLA_VTI_IKEY, htonl(spec->mark));
	nl_put_u32(msg, IFLA_VTI_OKEY, htonl(spec->mark));
	nl_put(msg, IFLA_VTI_LOCAL, spec->local.bytes, 4);
	nl_put(msg, IFLA_VTI_REMOTE, spec->remote.bytes, 4);
	kind_end(msg, info, data);
	nl_put_u32(msg, IFLA_MTU, spec->mtu);
	if (master)
	{
		nl_put_u32(msg, IFLA_MASTER, master);
	}
	return msg;
}

/* EEXIST says either that the name or that the pair of ends is taken. */
static int explain_exists(const struct res_link *spec, struct err *e)
{
	char local[ADDR_TEXT_MAX], remote[ADDR_TEXT_MAX];

	if (if_nametoindex(spec->name))
	{
		return err_set(e, -EEXIST, ERR_FOREIGN, spec->name,
					   "a link of that name exists and is not ours");
	}
	return err_set(e, -EEXIST, ERR_TUNNEL_PAIR, spec->name, "another VTI has "
				   "the ends %s and %s", addr_str(&spec->local, local),
				   addr_str(&spec->remote, remote));
}

static int vti_create(struct nl *nl, const char *alias,
					  const struct res_link *spec, struct err *e)
{
	struct nl_batch b = {0};
	unsigned master, ifindex;
	int rc;

	if (strcmp(spec->driver, "vti") != 0)
	{
		return err_set(e, -EOPNOTSUPP, ERR_INTERNAL, spec->name,
					   "no link driver \"%s\"", spec->driver);
	}
	rc = master_index(nl, spec->master, &master, e);
	if (rc)
	{
		return rc;
	}
	rc = create(nl, vti_new(spec, master), spec->name, alias, &ifindex, e);
	if (rc)
	{
		return rc == -EEXIST ? explain_exists(spec, e) : rc;
	}
	rc = spec->policy_off ? policy_off(spec->name, e) : 0;
	if (!rc && spec->fence != RES_FENCE_NONE)
	{
		rc = nl_fence_set(nl, ifindex, spec->name, spec->fence,
						  spec->fence_mark, e);
	}
	if (rc)
	{	/* it stays down */
		return rc;
	}
	batch_address(&b, NULL, ifindex, &spec->address);
	if (spec->up)
	{
		nl_batch_add(&b, "set the link up", 0, link_set_up(ifindex, true));
	}
	return nl_batch_run(nl->sk, &b, spec->name, NULL, NULL, e);
}

/* Before the link may come up; one that cannot have its fence goes down. */
static int update_fence(struct nl *nl, const struct res_link *want,
						const struct res_link *have, struct err *e)
{
	struct nl_batch b = {0};
	int rc;

	if (want->fence == have->fence && (want->fence == RES_FENCE_NONE ||
									   want->fence_mark == have->fence_mark))
	{
		return 0;
	}
	rc = nl_fence_set(nl, have->ifindex, have->name, want->fence,
					  want->fence_mark, e);
	if (rc && have->up)
	{
		nl_batch_add(&b, "set the link down", 0,
					 link_set_up(have->ifindex, false));
		(void)nl_batch_run(nl->sk, &b, have->name, NULL, NULL, NULL);
	}
	return rc;
}

static int vti_update(struct nl *nl, const struct res_link *want,
					  const struct res_link *have, struct err *e)
{
	struct nl_batch b = {0};
	const struct nl_link *link = nl_table_get(&nl->links, have->ifindex);
	unsigned master;
	int rc = update_fence(nl, want, have, e);

	if (rc)
	{
		return rc;
	}
	if (!want->up && have->up)
	{
		nl_batch_add(&b, "set the link down", 0,
					 link_set_up(have->ifindex, false));
	}
	if (strcmp(want->master, have->master) != 0)
	{
		rc = master_index(nl, want->master, &master, e);
		nl_batch_add(&b, "set the VRF", 0,
					 link_set_u32(have->ifindex, IFLA_MASTER, master));
	}
	if (want->mtu != have->mtu)
	{
		nl_batch_add(&b, "set the MTU", 0,
					 link_set_u32(have->ifindex, IFLA_MTU, want->mtu));
	}
	if (!prefix_equal(&want->address, &have->address))
	{
		batch_address(&b, link, have->ifindex, &want->address);
	}
	if (!rc && want->policy_off && !have->policy_off)
	{
		rc = policy_off(have->name, e);
	}
	if (want->up && !have->up && b.count < NL_BATCH_MAX)
	{
		nl_batch_add(&b, "set the link up", 0,
					 link_set_up(have->ifindex, true));
	}
	/* whoever missed it when the link was born hears of it now */
	if ((want->announce || (want->up && !have->up)) &&
		want->address.addr.family && b.count < NL_BATCH_MAX)
	{
		nl_batch_add(&b, "announce the address", 0,
					 nl_address_announce(have->ifindex, &want->address));
	}
	if (rc)
	{
		nl_batch_drop(&b);
		return rc;
	}
	return nl_batch_run(nl->sk, &b, have->name, NULL, NULL, e);
}

static int delete(struct nl *nl, unsigned ifindex, const char *name,
				  struct err *e)
{
	struct nl_batch b = {0};

	nl_batch_add(&b, "delete the link", -ENODEV, link_delete(ifindex));
	return nl_batch_run(nl->sk, &b, name, NULL, NULL, e);
}

int nl_link_step(struct nl *nl, const struct step *s, struct err *e)
{
	const struct res_link *want = s->want ? s->want->spec : NULL;
	const struct res_link *have = s->have ? s->have->spec : NULL;
	int rc = 0;

	if (s->op == STEP_UPDATE)
	{
		return vti_update(nl, want, have, e);
	}
	if (have)
	{
		rc = delete(nl, have->ifindex, have->name, e);
	}
	if (want && !rc)
	{
		rc = vti_create(nl, s->key, want, e);
	}
	return rc;
}

/* ---- VRFs ------------------------------------------------------------------ */

static int vrf_create(struct nl *nl, const char *key,
					  const struct res_vrf *spec, struct err *e)
{
	struct nlattr *info, *data;
	struct nl_msg *msg = link_new(spec->name, "vrf", &info, &data);
	struct nl_batch b = {0};
	char alias[CONN_NAME_SIZE], *slash;
	unsigned ifindex;
	int rc;

	nl_put_u32(msg, IFLA_VRF_TABLE, spec->table);
	kind_end(msg, info, data);
	snprintf(alias, sizeof(alias), "%s%s", ALIAS_PREFIX, key);
	slash = strchr(alias, '/');
	if (slash)
	{
		*slash = ':';
	}
	rc = create(nl, msg, spec->name, alias, &ifindex, e);
	if (rc)
	{
		return rc;
	}
	batch_address(&b, NULL, ifindex, &spec->address);
	nl_batch_add(&b, "set the VRF up", 0, link_set_up(ifindex, true));
	return nl_batch_run(nl->sk, &b, spec->name, NULL, NULL, e);
}

int nl_vrf_step(struct nl *nl, const struct step *s, struct err *e)
{
	const struct res_vrf *want = s->want ? s->want->spec : NULL;
	const struct res_vrf *have = s->have ? s->have->spec : NULL;
	struct nl_batch b = {0};
	int rc = 0;

	if (s->op == STEP_UPDATE)
	{
		batch_address(&b, nl_table_get(&nl->links, have->ifindex),
					  have->ifindex, &want->address);
		nl_batch_add(&b, "set the VRF up", 0,
					 link_set_up(have->ifindex, true));
		if (want->announce && want->address.addr.family &&
			b.count < NL_BATCH_MAX)
		{
			nl_batch_add(&b, "announce the address", 0,
						 nl_address_announce(have->ifindex, &want->address));
		}
		return nl_batch_run(nl->sk, &b, have->name, NULL, NULL, e);
	}
	if (have)
	{
		rc = delete(nl, have->ifindex, have->name, e);
	}
	if (want && !rc)
	{
		rc = vrf_create(nl, s->key, want, e);
	}
	return rc;
}

/* ---- LAN links in a VRF ---------------------------------------------------- */

static int member_release(struct nl *nl, const struct res_member *have,
						  const struct nl_link *link, struct err *e)
{
	struct nl_batch b = {0};

	if (strcmp(nl_link_master(nl, link), have->master) != 0)
	{	/* somebody else moved it meanwhile */
		return 0;
	}
	nl_batch_add(&b, "take the link out of the VRF", -ENODEV,
				 link_set_u32(link->ifindex, IFLA_MASTER, 0));
	return nl_batch_run(nl->sk, &b, have->link, NULL, NULL, e);
}

int nl_member_step(struct nl *nl, const struct step *s, struct err *e)
{
	const struct res_member *want = s->want ? s->want->spec : NULL;
	const struct res_member *have = s->have ? s->have->spec : NULL;
	struct nl_batch b = {0};
	struct nl_link *link, *master;
	char key[NL_KEY_SIZE];
	unsigned vrf;
	int rc;

	rc = nl_link_read(nl, 0, s->key, &link, e);
	if (rc)
	{
		return want ? rc : 0;
	}
	if (!want)
	{
		return member_release(nl, have, link, e);
	}
	master = link->master ? nl_table_get(&nl->links, link->master) : NULL;
	if (link->master && (!master || !nl_link_key(master, key)))
	{
		return err_set(e, -EBUSY, ERR_FOREIGN, s->key, "the link belongs to "
					   "\"%s\", which is not ours",
					   master ? master->name : "another link");
	}
	rc = master_index(nl, want->master, &vrf, e);
	if (rc)
	{
		return rc;
	}
	nl_batch_add(&b, "put the link into the VRF", 0,
				 link_set_u32(link->ifindex, IFLA_MASTER, vrf));
	return nl_batch_run(nl->sk, &b, s->key, NULL, NULL, e);
}
