/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * nl_rule.c - IPv4 routing rules
 *
 * Effects: netlink. Ours carry our protocol number. The kernel's "0: lookup
 * local" counts as ours only while our own local rule stands in for it; whatever
 * the plan says, the last local rule is never taken away.
 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <linux/fib_rules.h>
#include <linux/rtnetlink.h>

#include "alloc.h"
#include "nl_local.h"

struct rule {
	struct res_rule spec;
	uint8_t protocol;
	bool plain;				/* selects by nothing but the mark */
};

struct rules {
	struct rule *items;
	size_t count;
};

static bool selects(struct nlattr *const *a, const struct fib_rule_hdr *h)
{
	return h->src_len || h->dst_len || h->tos || a[FRA_IIFNAME] ||
		   a[FRA_OIFNAME] || a[FRA_UID_RANGE] || a[FRA_IP_PROTO] ||
		   a[FRA_SPORT_RANGE] || a[FRA_DPORT_RANGE] ||
		   (h->flags & FIB_RULE_INVERT);
}

static void on_rule(void *user, struct nlmsghdr *h)
{
	struct rules *rules = user;
	const struct fib_rule_hdr *r = nlmsg_data(h);
	struct nlattr *a[FRA_MAX + 1];
	struct rule *rule;

	nl_attrs(h, sizeof(*r), a, FRA_MAX);
	if (h->nlmsg_type != RTM_NEWRULE || r->family != AF_INET ||
		r->action != FR_ACT_TO_TBL)
	{
		return;
	}
	rules->items = xrealloc(rules->items, rules->count + 1,
							sizeof(*rules->items));
	rule = &rules->items[rules->count++];
	*rule = (struct rule){
		.spec.pref = nl_u32(a[FRA_PRIORITY]),
		.spec.table = a[FRA_TABLE] ? nl_u32(a[FRA_TABLE]) : r->table,
		.spec.fwmark = nl_u32(a[FRA_FWMARK]),
		.spec.fwmask = nl_u32(a[FRA_FWMASK]),
		.spec.l3mdev = nl_u8(a[FRA_L3MDEV]),
		.protocol = nl_u8(a[FRA_PROTOCOL]),
		.plain = !selects(a, r),
	};
}

static int rules_list(struct nl *nl, struct rules *rules, struct err *e)
{
	struct fib_rule_hdr all = { .family = AF_INET };
	int rc = -EINTR;

	for (int tries = 0; tries < 5 && rc == -EINTR; tries++)
	{
		free(rules->items);
		memset(rules, 0, sizeof(*rules));
		rc = nl_request(nl->sk, nl_message(RTM_GETRULE, NLM_F_DUMP, &all,
						sizeof(all)), "list rules", on_rule, rules, e);
	}
	return rc;
}

/* A rule that sends everything to the local table. */
static bool is_local(const struct rule *r)
{
	return r->plain && !r->spec.fwmark && !r->spec.l3mdev &&
		   r->spec.table == NL_TABLE_LOCAL;
}

static bool is_kernels_local(const struct rule *r)
{
	return is_local(r) && r->spec.pref == 0 && r->protocol != ROUTE_PROTOCOL;
}

static bool is_ours(const struct rule *r)
{
	return r->protocol == ROUTE_PROTOCOL;
}

/* What another's plan must not collide with: its mark, or a table of its own. */
static bool is_claim(const struct rule *r)
{
	return !is_ours(r) && !is_local(r) && (r->spec.fwmark ||
		   (r->spec.table && (r->spec.table < 253 || r->spec.table > 255)));
}

int nl_rules_read(struct nl *nl, struct observation *o, struct err *e)
{
	struct rules rules = {0};
	bool moved = false;
	int rc = rules_list(nl, &rules, e);

	for (size_t i = 0; i < rules.count && !rc; i++)
	{
		moved |= is_ours(&rules.items[i]) && is_local(&rules.items[i]);
		o->facts.local_rule_first |= is_kernels_local(&rules.items[i]);
		o->facts.l3mdev_rule |= rules.items[i].spec.l3mdev &&
								rules.items[i].plain &&
								!is_ours(&rules.items[i]);
	}
	for (size_t i = 0; i < rules.count && !rc; i++)
	{
		const struct rule *r = &rules.items[i];

		if (is_ours(r) || (moved && is_kernels_local(r)))
		{
			resource_rule(&o->have, RES_OURS, &r->spec);
		}
		else if (is_claim(r))
		{
			resource_rule(&o->have, RES_FOREIGN, &r->spec);
		}
	}
	free(rules.items);
	return rc;
}

static struct nl_msg *rule_message(int type, int flags,
								   const struct res_rule *spec)
{
	struct fib_rule_hdr h = {
		.family = AF_INET, .action = FR_ACT_TO_TBL,
		.table = spec->table < 256 ? spec->table : RT_TABLE_UNSPEC,
	};
	struct nl_msg *msg = nl_message(type, flags, &h, sizeof(h));
	/* the kernel's own looks again as it did at boot */
	uint8_t protocol = spec->pref == 0 && spec->table == NL_TABLE_LOCAL
					   ? RTPROT_KERNEL : ROUTE_PROTOCOL;
	uint8_t l3mdev = 1;

	nl_put_u32(msg, FRA_PRIORITY, spec->pref);
	if (spec->l3mdev)
	{
		nl_put(msg, FRA_L3MDEV, &l3mdev, sizeof(l3mdev));
	}
	else
	{
		nl_put_u32(msg, FRA_TABLE, spec->table);
	}
	/* "0: lookup local" goes whoever made it: a person may have put it back */
	if (type == RTM_NEWRULE || spec->pref)
	{
		nl_put(msg, FRA_PROTOCOL, &protocol, sizeof(protocol));
	}
	if (spec->fwmark)
	{
		nl_put_u32(msg, FRA_FWMARK, spec->fwmark);
		nl_put_u32(msg, FRA_FWMASK, spec->fwmask);
	}
	return msg;
}

/* Without a rule for it the host would not know its own addresses. */
static int keep_one_local(struct nl *nl, const struct res_rule *spec,
						  struct err *e)
{
	struct rules rules = {0};
	bool other = false;
	int rc;

	if (spec->table != NL_TABLE_LOCAL || spec->fwmark)
	{
		return 0;
	}
	rc = rules_list(nl, &rules, e);
	for (size_t i = 0; i < rules.count && !rc; i++)
	{
		other |= is_local(&rules.items[i]) &&
				 rules.items[i].spec.pref != spec->pref;
	}
	free(rules.items);
	if (!rc && !other)
	{
		rc = err_set(e, -EPERM, ERR_KERNEL, "rule", "pref %u is the only rule "
					 "for local addresses and stays", spec->pref);
	}
	return rc;
}

static int rule_delete(struct nl *nl, const char *key,
					   const struct res_rule *spec, struct err *e)
{
	struct nl_batch b = {0};
	int rc = keep_one_local(nl, spec, e);

	if (rc)
	{
		return rc;
	}
	nl_batch_add(&b, "delete the rule", -ENOENT,
				 rule_message(RTM_DELRULE, 0, spec));
	return nl_batch_run(nl->sk, &b, key, NULL, NULL, e);
}

static int rule_create(struct nl *nl, const char *key,
					   const struct res_rule *spec, struct err *e)
{
	struct nl_batch b = {0};

	/* the kernel's own may be back already */
	nl_batch_add(&b, "create the rule", -EEXIST, rule_message(RTM_NEWRULE,
				 NLM_F_CREATE | (spec->pref ? 0 : NLM_F_EXCL), spec));
	return nl_batch_run(nl->sk, &b, key, NULL, NULL, e);
}

int nl_rule_step(struct nl *nl, const struct step *s, struct err *e)
{
	int rc = 0;

	/* the new one first: between the two no packet may find neither */
	if (s->want)
	{
		rc = rule_create(nl, s->key, s->want->spec, e);
	}
	if (s->have && !rc)
	{
		rc = rule_delete(nl, s->key, s->have->spec, e);
	}
	return rc;
}
