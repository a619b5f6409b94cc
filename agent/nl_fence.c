/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * nl_fence.c - keeps the spokes of a disjoint VPN apart at their hub
 *
 * Effects: netlink. What comes in from a spoke is marked, and what is marked goes
 * out of no tunnel. Policy routing cannot do it: by the time that a packet is
 * routed it has come from the VRF, not from the tunnel. Traffic control sees it
 * before, needs no rule that others could meet, and goes with its link.
 *
 * On a link of ours, ours are the filters of preference 1 whose action has our
 * cookie. Others' filters stay, and run behind ours.
 */
#include "config.h"

#include <errno.h>
#include <string.h>
#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <linux/pkt_cls.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <linux/tc_act/tc_gact.h>
#include <linux/tc_act/tc_skbedit.h>

#include "nl_local.h"

#define PREFERENCE 1
#define INCOMING TC_H_MAKE(TC_H_CLSACT, TC_H_MIN_INGRESS)
#define OUTGOING TC_H_MAKE(TC_H_CLSACT, TC_H_MIN_EGRESS)
/* the block of marks that agent.conf gives us: its base marks such packets */
#define MARK_MASK 0xffff0000u

static const char cookie[] = "ppvpn";

/* the filters of one link, one way */
struct filters {
	unsigned ours, others;
	uint32_t handle;			/* of ours */
	const char *kind;
	uint32_t mark;				/* 0: it does not do what ours does */
};

/* ---- reading --------------------------------------------------------------- */

/* "skbedit mark M continue" of anything; 0: something else */
static uint32_t marks(const char *filter, const char *action,
					  struct nlattr *options)
{
	struct nlattr *a[TCA_SKBEDIT_MAX + 1];
	struct tc_skbedit parms;

	nl_nested(options, a, TCA_SKBEDIT_MAX);
	if (strcmp(filter, "matchall") != 0 || strcmp(action, "skbedit") != 0 ||
		!a[TCA_SKBEDIT_PARMS] || a[TCA_SKBEDIT_MASK] ||
		nla_len(a[TCA_SKBEDIT_PARMS]) < (int)sizeof(parms))
	{
		return 0;
	}
	memcpy(&parms, nla_data(a[TCA_SKBEDIT_PARMS]), sizeof(parms));
	return parms.action == TC_ACT_UNSPEC ? nl_u32(a[TCA_SKBEDIT_MARK]) : 0;
}

/* "drop" of packets with mark M; 0: something else */
static uint32_t drops(const char *filter, const char *action,
					  struct nlattr *options, uint32_t handle, uint32_t mask)
{
	struct nlattr *a[TCA_GACT_MAX + 1];
	struct tc_gact parms;

	nl_nested(options, a, TCA_GACT_MAX);
	if (strcmp(filter, "fw") != 0 || strcmp(action, "gact") != 0 ||
		mask != MARK_MASK || !a[TCA_GACT_PARMS] || a[TCA_GACT_PROB] ||
		nla_len(a[TCA_GACT_PARMS]) < (int)sizeof(parms))
	{
		return 0;
	}
	memcpy(&parms, nla_data(a[TCA_GACT_PARMS]), sizeof(parms));
	return parms.action == TC_ACT_SHOT ? handle : 0;
}

static bool has_cookie(const struct nlattr *a)
{
	return a && nla_len(a) == (int)sizeof(cookie) &&
		   memcmp(nla_data(a), cookie, sizeof(cookie)) == 0;
}

/* The one action of a filter, from the attribute that its kind keeps it in. */
static void first_action(struct nlattr *list, struct nlattr **action)
{
	struct nlattr *actions[2];

	nl_nested(list, actions, 1);
	nl_nested(actions[1], action, TCA_ACT_MAX);
}

static void on_filter(void *user, struct nlmsghdr *h)
{
	struct filters *f = user;
	const struct tcmsg *t = nlmsg_data(h);
	struct nlattr *a[TCA_MAX + 1], *action[TCA_ACT_MAX + 1];
	struct nlattr *match[TCA_MATCHALL_MAX + 1], *fw[TCA_FW_MAX + 1];
	bool matchall;

	nl_attrs(h, sizeof(*t), a, TCA_MAX);
	/* without a handle: a list of filters, not one of them */
	if (h->nlmsg_type != RTM_NEWTFILTER || !t->tcm_handle || !a[TCA_KIND])
	{
		return;
	}
	matchall = strcmp(nla_get_string(a[TCA_KIND]), "matchall") == 0;
	nl_nested(matchall ? a[TCA_OPTIONS] : NULL, match, TCA_MATCHALL_MAX);
	nl_nested(matchall ? NULL : a[TCA_OPTIONS], fw, TCA_FW_MAX);
	first_action(matchall ? match[TCA_MATCHALL_ACT] : fw[TCA_FW_ACT], action);
	if (TC_H_MAJ(t->tcm_info) >> 16 != PREFERENCE ||
		(!matchall && strcmp(nla_get_string(a[TCA_KIND]), "fw") != 0) ||
		!action[TCA_ACT_KIND] || !has_cookie(action[TCA_ACT_COOKIE]))
	{
		f->others++;
		return;
	}
	f->ours++;
	f->handle = t->tcm_handle;
	f->kind = matchall ? "matchall" : "fw";
	f->mark = matchall
			  ? marks(f->kind, nla_get_string(action[TCA_ACT_KIND]),
					  action[TCA_ACT_OPTIONS])
			  : drops(f->kind, nla_get_string(action[TCA_ACT_KIND]),
					  action[TCA_ACT_OPTIONS], t->tcm_handle,
					  nl_u32(fw[TCA_FW_MASK]));
}

static struct nl_msg *message(int type, int flags, unsigned ifindex,
							  uint32_t parent, uint32_t handle)
{
	struct tcmsg t = {
		.tcm_family = AF_UNSPEC, .tcm_ifindex = ifindex, .tcm_parent = parent,
		.tcm_handle = handle,
	};

	return nl_message(type, flags, &t, sizeof(t));
}

static int read_filters(struct nl *nl, unsigned ifindex, uint32_t parent,
						struct filters *f, struct err *e)
{
	int rc = -EINTR;

	for (int tries = 0; tries < 5 && rc == -EINTR; tries++)
	{
		memset(f, 0, sizeof(*f));
		rc = nl_request(nl->sk, message(RTM_GETTFILTER, NLM_F_DUMP, ifindex,
						parent, 0), "list filters", on_filter, f, e);
	}
	return rc;
}

static enum res_fence what_it_is(const struct filters *in,
								 const struct filters *out, uint32_t *mark)
{
	bool drops = out->ours == 1 && strcmp(out->kind, "fw") == 0 && out->mark;
	bool marks = in->ours == 1 && strcmp(in->kind, "matchall") == 0 &&
				 in->mark == out->mark;

	*mark = out->mark;
	if (!in->ours && !out->ours)
	{
		return RES_FENCE_NONE;
	}
	return !drops || (in->ours && !marks) ? RES_FENCE_BROKEN :
		   in->ours ? RES_FENCE_SPOKE : RES_FENCE_HUB;
}

int nl_fence_read(struct nl *nl, struct nl_link *link, struct err *e)
{
	struct filters in, out;
	int rc = read_filters(nl, link->ifindex, INCOMING, &in, e);

	if (!rc)
	{
		rc = read_filters(nl, link->ifindex, OUTGOING, &out, e);
	}
	if (!rc)
	{
		link->fence = what_it_is(&in, &out, &link->fence_mark);
	}
	return rc == -ENODEV ? 0 : rc;
}

static void on_qdisc(void *user, struct nlmsghdr *h)
{
	struct nl *nl = user;
	const struct tcmsg *t = nlmsg_data(h);
	struct nlattr *a[TCA_MAX + 1];
	struct nl_link *link = nl_table_get(&nl->links, t->tcm_ifindex);

	nl_attrs(h, sizeof(*t), a, TCA_MAX);
	if (h->nlmsg_type == RTM_NEWQDISC && link && a[TCA_KIND] &&
		strcmp(nla_get_string(a[TCA_KIND]), "clsact") == 0)
	{
		link->clsact = true;
	}
}

struct reading {
	struct nl *nl;
	struct err *e;
	int rc;
};

static void read_marked(void *user, struct nl_link *link)
{
	struct reading *r = user;
	char key[NL_KEY_SIZE];

	if (!r->rc && link->clsact && nl_link_key(link, key))
	{
		r->rc = nl_fence_read(r->nl, link, r->e);
	}
}

int nl_fences_read(struct nl *nl, struct err *e)
{
	struct reading r = { .nl = nl, .e = e, .rc = -EINTR };

	for (int tries = 0; tries < 5 && r.rc == -EINTR; tries++)
	{
		r.rc = nl_request(nl->sk, message(RTM_GETQDISC, NLM_F_DUMP, 0, 0, 0),
						  "list queues", on_qdisc, nl, e);
	}
	if (!r.rc)
	{
		nl_table_each(&nl->links, read_marked, &r);
	}
	return r.rc;
}

/* ---- changing -------------------------------------------------------------- */

static struct nl_msg *filter(int type, int flags, unsigned ifindex,
							 uint32_t parent, const char *kind,
							 uint32_t handle)
{
	struct tcmsg t = {
		.tcm_family = AF_UNSPEC, .tcm_ifindex = ifindex, .tcm_parent = parent,
		.tcm_handle = handle,
		.tcm_info = TC_H_MAKE(PREFERENCE << 16, htons(ETH_P_ALL)),
	};
	struct nl_msg *msg = nl_message(type, flags, &t, sizeof(t));

	nl_put_str(msg, TCA_KIND, kind);
	return msg;
}

/* The one action of a new filter, of a kind and its parameters. */
static void put_action(struct nl_msg *msg, int list, const char *kind,
					   int parms_type, const void *parms, size_t len,
					   uint32_t mark)
{
	struct nlattr *actions = nla_nest_start(msg, list);
	struct nlattr *action = nla_nest_start(msg, 1), *options;

	nl_put_str(msg, TCA_ACT_KIND, kind);
	nl_put(msg, TCA_ACT_COOKIE, cookie, sizeof(cookie));
	options = nla_nest_start(msg, TCA_ACT_OPTIONS);
	nl_put(msg, parms_type, parms, len);
	if (mark)
	{
		nl_put_u32(msg, TCA_SKBEDIT_MARK, mark);
	}
	nla_nest_end(msg, options);
	nla_nest_end(msg, action);
	nla_nest_end(msg, actions);
}

static struct nl_msg *marking(unsigned ifindex, uint32_t mark)
{
	struct nl_msg *msg = filter(RTM_NEWTFILTER, NLM_F_CREATE | NLM_F_EXCL,
								ifindex, INCOMING, "matchall", 0);
	/* others' filters are still asked */
	struct tc_skbedit parms = { .action = TC_ACT_UNSPEC };
	struct nlattr *options = nla_nest_start(msg, TCA_OPTIONS);

	put_action(msg, TCA_MATCHALL_ACT, "skbedit", TCA_SKBEDIT_PARMS, &parms,
			   sizeof(parms), mark);
	nla_nest_end(msg, options);
	return msg;
}

static struct nl_msg *dropping(unsigned ifindex, uint32_t mark)
{
	struct nl_msg *msg = filter(RTM_NEWTFILTER, NLM_F_CREATE | NLM_F_EXCL,
								ifindex, OUTGOING, "fw", mark);
	struct tc_gact parms = { .action = TC_ACT_SHOT };
	struct nlattr *options = nla_nest_start(msg, TCA_OPTIONS);

	nl_put_u32(msg, TCA_FW_MASK, MARK_MASK);
	put_action(msg, TCA_FW_ACT, "gact", TCA_GACT_PARMS, &parms, sizeof(parms),
			   0);
	nla_nest_end(msg, options);
	return msg;
}

static void remove_ours(struct nl_batch *b, unsigned ifindex, uint32_t parent,
						const struct filters *f)
{
	if (f->ours)
	{
		nl_batch_add(b, "delete the filter", -ENOENT,
					 filter(RTM_DELTFILTER, 0, ifindex, parent, f->kind,
							f->handle));
	}
}

int nl_fence_set(struct nl *nl, unsigned ifindex, const char *name,
				 enum res_fence fence, uint32_t mark, struct err *e)
{
	struct nl_batch b = {0};
	struct filters in, out;
	int rc = read_filters(nl, ifindex, INCOMING, &in, e);

	if (!rc)
	{
		rc = read_filters(nl, ifindex, OUTGOING, &out, e);
	}
	if (rc)
	{
		return rc;
	}
	remove_ours(&b, ifindex, INCOMING, &in);
	remove_ours(&b, ifindex, OUTGOING, &out);
	if (fence != RES_FENCE_NONE)
	{
		struct nl_msg *msg = message(RTM_NEWQDISC, NLM_F_CREATE | NLM_F_EXCL,
									 ifindex, TC_H_CLSACT,
									 TC_H_MAKE(TC_H_CLSACT, 0));

		nl_put_str(msg, TCA_KIND, "clsact");
		nl_batch_add(&b, "make room for filters", -EEXIST, msg);
		nl_batch_add(&b, "filter what goes out", 0, dropping(ifindex, mark));
	}
	else if (in.ours + out.ours && !in.others && !out.others)
	{
		nl_batch_add(&b, "delete the room for filters", -ENOENT,
					 message(RTM_DELQDISC, 0, ifindex, TC_H_CLSACT,
							 TC_H_MAKE(TC_H_CLSACT, 0)));
	}
	if (fence == RES_FENCE_SPOKE)
	{
		nl_batch_add(&b, "mark what comes in", 0, marking(ifindex, mark));
	}
	return nl_batch_run(nl->sk, &b, name, NULL, NULL, e);
}
