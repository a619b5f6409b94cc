/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * nl_left.c - IPsec policies that a charon which was killed left in the kernel
 *
 * Effects: netlink (XFRM). Ours are told by their marks.
 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <linux/xfrm.h>

#include "alloc.h"
#include "nl_local.h"

#define BLOCK_MASK 0xffff0000

struct left { struct xfrm_userpolicy_id id; struct xfrm_mark mark; };
struct left_list { struct left *items; size_t count; uint32_t mark_base; };

static void on_policy(void *user, struct nlmsghdr *h)
{
	struct left_list *list = user;
	struct xfrm_userpolicy_info info;
	struct nlattr *a[XFRMA_MAX + 1];
	struct xfrm_mark mark;
	struct left *l;

	if (h->nlmsg_type != XFRM_MSG_NEWPOLICY ||
		nlmsg_datalen(h) < (int)sizeof(info))
	{
		return;
	}
	memcpy(&info, nlmsg_data(h), sizeof(info));
	nl_attrs(h, sizeof(info), a, XFRMA_MAX);
	if (!a[XFRMA_MARK] || nla_len(a[XFRMA_MARK]) < (int)sizeof(mark))
	{
		return;
	}
	memcpy(&mark, nla_data(a[XFRMA_MARK]), sizeof(mark));
	if (mark.m != 0xffffffff || (mark.v & BLOCK_MASK) != list->mark_base)
	{
		return;
	}
	list->items = xrealloc(list->items, list->count + 1, sizeof(*list->items));
	l = &list->items[list->count++];
	memset(l, 0, sizeof(*l));
	l->id.sel = info.sel;
	l->id.dir = info.dir;
	l->mark = mark;
}

static int delete_policy(struct nl_sock *sk, const struct left *l,
						 struct err *e)
{
	struct nl_msg *msg = nl_message(XFRM_MSG_DELPOLICY, 0, &l->id,
									sizeof(l->id));
	struct nl_batch b = {0};

	nl_put(msg, XFRMA_MARK, &l->mark, sizeof(l->mark));
	nl_batch_add(&b, "delete the policy", -ENOENT, msg);
	return nl_batch_run(sk, &b, "policy", NULL, NULL, e);
}

int nl_policy_flush(struct nl *nl, uint32_t mark_base, unsigned *deleted,
					struct err *e)
{
	struct left_list list = { .mark_base = mark_base };
	struct nl_sock *sk;
	int rc;

	(void)nl;
	*deleted = 0;
	rc = nl_socket_open(NETLINK_XFRM, &sk, e);
	if (rc)
	{
		return rc;
	}
	rc = nl_request(sk, nl_message(XFRM_MSG_GETPOLICY, NLM_F_DUMP, NULL, 0),
					"list policies", on_policy, &list, e);
	for (size_t i = 0; i < list.count && !rc; i++)
	{
		rc = delete_policy(sk, &list.items[i], e);
		*deleted += !rc;
	}
	free(list.items);
	nl_socket_free(sk);
	return rc;
}
