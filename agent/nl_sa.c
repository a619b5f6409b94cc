/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * nl_sa.c - ESP SAs that a charon which is gone left in the kernel
 *
 * Effects: netlink (XFRM). Reads only what leads from one address to the other;
 * keys in the kernel's answers are not kept, and are wiped with the buffer.
 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <linux/xfrm.h>
#include <netinet/in.h>

#include "alloc.h"
#include "nl_local.h"

struct stale {
	struct xfrm_usersa_id id;
	struct xfrm_mark mark;
	bool has_mark;
};

struct stale_list { struct stale *items; size_t count; uint32_t mark_out; };

static void on_sa(void *user, struct nlmsghdr *h)
{
	struct stale_list *list = user;
	struct xfrm_usersa_info sa;
	struct nlattr *a[XFRMA_MAX + 1];
	struct stale *s;

	if (h->nlmsg_type != XFRM_MSG_NEWSA ||
		nlmsg_datalen(h) < (int)sizeof(sa))
	{
		return;
	}
	/* messages begin at multiples of 4, this struct wants 8 */
	memcpy(&sa, nlmsg_data(h), sizeof(sa));
	if (!sa.id.spi || sa.id.proto != IPPROTO_ESP)
	{
		return;
	}
	nl_attrs(h, sizeof(sa), a, XFRMA_MAX);
	if (!a[XFRMA_SET_MARK] ||
		nla_len(a[XFRMA_SET_MARK]) < (int)sizeof(uint32_t) ||
		nla_get_u32(a[XFRMA_SET_MARK]) != list->mark_out)
	{
		return;
	}
	list->items = xrealloc(list->items, list->count + 1, sizeof(*list->items));
	s = &list->items[list->count++];
	memset(s, 0, sizeof(*s));
	s->id = (struct xfrm_usersa_id){
		.daddr = sa.id.daddr, .spi = sa.id.spi, .family = sa.family,
		.proto = sa.id.proto,
	};
	if (a[XFRMA_MARK] && nla_len(a[XFRMA_MARK]) >= (int)sizeof(s->mark))
	{
		memcpy(&s->mark, nla_data(a[XFRMA_MARK]), sizeof(s->mark));
		s->has_mark = true;
	}
}

static int list_sas(struct nl_sock *sk, struct stale_list *list, struct err *e)
{
	struct nl_msg *msg = nl_message(XFRM_MSG_GETSA, NLM_F_DUMP, NULL, 0);
	uint8_t esp = IPPROTO_ESP;

	nl_put(msg, XFRMA_PROTO, &esp, sizeof(esp));
	return nl_request(sk, msg, "list SAs", on_sa, list, e);
}

static int delete_sa(struct nl_sock *sk, const struct stale *s, struct err *e)
{
	struct nl_msg *msg = nl_message(XFRM_MSG_DELSA, 0, &s->id, sizeof(s->id));
	struct nl_batch b = {0};

	if (s->has_mark)
	{
		nl_put(msg, XFRMA_MARK, &s->mark, sizeof(s->mark));
	}
	nl_batch_add(&b, "delete the SA", -ESRCH, msg);
	return nl_batch_run(sk, &b, "SA", NULL, NULL, e);
}

int nl_sa_flush(struct nl *nl, uint32_t mark_out, unsigned *deleted,
				struct err *e)
{
	struct stale_list list = { .mark_out = mark_out };
	struct nl_sock *sk;
	int rc;

	*deleted = 0;
	rc = nl_socket_open(NETLINK_XFRM, &sk, e);
	if (rc)
	{
		return rc;
	}
	rc = list_sas(sk, &list, e);
	for (size_t i = 0; i < list.count && !rc; i++)
	{
		rc = delete_sa(sk, &list.items[i], e);
		*deleted += !rc;
	}
	free(list.items);
	nl_socket_free(sk);
	return rc;
}
