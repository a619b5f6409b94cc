/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * nl_xfrm.c - SAs and policies that somebody else takes out of the kernel
 *
 * Effects: netlink (XFRM). charon does not notice that. Events come without
 * their content, which has keys in it: a filter leaves the header.
 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <linux/filter.h>
#include <linux/xfrm.h>
#include <netinet/in.h>

#include "alloc.h"
#include "loop.h"
#include "nl_local.h"

/* ---- events ---------------------------------------------------------------- */

static bool takes_away(const struct nlmsghdr *h)
{
	return h->nlmsg_type == XFRM_MSG_DELSA ||
		   h->nlmsg_type == XFRM_MSG_FLUSHSA ||
		   h->nlmsg_type == XFRM_MSG_DELPOLICY ||
		   h->nlmsg_type == XFRM_MSG_FLUSHPOLICY;
}

static void on_readable(void *user, int fd, unsigned events)
{
	struct nl *nl = user;
	struct nlmsghdr h;
	bool told = false;
	ssize_t n;

	(void)events;
	while ((n = recv(fd, &h, sizeof(h), MSG_DONTWAIT)) > 0 ||
		   (n < 0 && (errno == EINTR || errno == ENOBUFS)))
	{
		/* what was lost in an overflow may have been one of these */
		told |= n < 0 ? errno == ENOBUFS :
				n == (ssize_t)sizeof(h) && takes_away(&h) &&
				h.nlmsg_pid != nl->charon_pid;
	}
	if (told)
	{
		nl->fn(nl->user, NL_XFRM, NULL, false);
	}
}

/* The kernel cuts each message to what the filter returns. */
static int keep_headers_only(int fd)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_RET | BPF_K, sizeof(struct nlmsghdr)),
	};
	struct sock_fprog program = { 1, code };

	return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program,
					  sizeof(program));
}

int nl_xfrm_start(struct nl *nl, struct err *e)
{
	int rc = nl_socket_open(NETLINK_XFRM, &nl->xfrm, e), fd;

	if (rc)
	{
		return rc;
	}
	fd = nl_socket_get_fd(nl->xfrm);
	if (keep_headers_only(fd) < 0)
	{
		return err_set(e, -errno, ERR_KERNEL, "netlink", "cannot filter XFRM's "
					   "events: %s", strerror(errno));
	}
	rc = nl_socket_add_memberships(nl->xfrm, XFRMNLGRP_SA, XFRMNLGRP_POLICY, 0);
	if (rc < 0)
	{
		return err_set(e, -EIO, ERR_KERNEL, "netlink", "cannot listen for "
					   "changes of SAs: %s", nl_geterror(rc));
	}
	nl->xfrm_fd = loop_fd_new(nl->loop, fd, LOOP_READ, on_readable, nl);
	return 0;
}

void nl_xfrm_stop(struct nl *nl)
{
	loop_fd_free(nl->xfrm_fd);
	if (nl->xfrm)
	{
		nl_socket_free(nl->xfrm);
	}
}

void nl_xfrm_charon(struct nl *nl, uint32_t pid)
{
	nl->charon_pid = pid;
}

/* ---- what is there --------------------------------------------------------- */

static void add(uint32_t **items, size_t *count, uint32_t item)
{
	if (!(*count & (*count - 1)))
	{
		*items = xrealloc(*items, *count ? 2 * *count : 1, sizeof(**items));
	}
	(*items)[(*count)++] = item;
}

static void on_sa(void *user, struct nlmsghdr *h)
{
	struct nl_xfrm *x = user;
	struct xfrm_usersa_info sa;
	struct nlattr *a[XFRMA_MAX + 1];

	if (h->nlmsg_type != XFRM_MSG_NEWSA || nlmsg_datalen(h) < (int)sizeof(sa))
	{
		return;
	}
	memcpy(&sa, nlmsg_data(h), sizeof(sa));
	if (sa.id.proto == IPPROTO_ESP && sa.id.spi)
	{	/* struct xfrm_mark begins with the value */
		nl_attrs(h, sizeof(sa), a, XFRMA_MAX);
		add(&x->spis, &x->spi_count, ntohl(sa.id.spi));
		add(&x->sa_marks, &x->sa_mark_count, nl_u32(a[XFRMA_MARK]));
	}
}

static void on_policy(void *user, struct nlmsghdr *h)
{
	struct nl_xfrm *x = user;
	struct xfrm_userpolicy_info policy;
	struct nlattr *a[XFRMA_MAX + 1];

	if (h->nlmsg_type != XFRM_MSG_NEWPOLICY ||
		nlmsg_datalen(h) < (int)sizeof(policy))
	{
		return;
	}
	memcpy(&policy, nlmsg_data(h), sizeof(policy));
	nl_attrs(h, sizeof(policy), a, XFRMA_MAX);
	if (policy.dir == XFRM_POLICY_OUT)
	{
		add(&x->marks, &x->mark_count, nl_u32(a[XFRMA_MARK]));
	}
}

static int compare(const void *a, const void *b)
{
	const uint32_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

int nl_xfrm_list(struct nl *nl, struct nl_xfrm *x, struct err *e)
{
	uint8_t esp = IPPROTO_ESP;
	struct nl_sock *sk;
	struct nl_msg *msg;
	int rc;

	memset(x, 0, sizeof(*x));
	rc = nl_socket_open(NETLINK_XFRM, &sk, e);
	if (rc)
	{
		return rc;
	}
	msg = nl_message(XFRM_MSG_GETSA, NLM_F_DUMP, NULL, 0);
	nl_put(msg, XFRMA_PROTO, &esp, sizeof(esp));
	rc = nl_request(sk, msg, "list SAs", on_sa, x, e);
	if (!rc)
	{
		msg = nl_message(XFRM_MSG_GETPOLICY, NLM_F_DUMP, NULL, 0);
		rc = nl_request(sk, msg, "list policies", on_policy, x, e);
	}
	nl_socket_free(sk);
	if (rc)
	{
		nl_xfrm_done(x);
		return rc;
	}
	if (x->spi_count)
	{
		qsort(x->spis, x->spi_count, sizeof(*x->spis), compare);
		qsort(x->sa_marks, x->sa_mark_count, sizeof(*x->sa_marks), compare);
	}
	if (x->mark_count)
	{
		qsort(x->marks, x->mark_count, sizeof(*x->marks), compare);
	}
	return 0;
}

static bool has(const uint32_t *items, size_t count, uint32_t item)
{
	return count && bsearch(&item, items, count, sizeof(*items), compare);
}

bool nl_xfrm_has(const struct nl_xfrm *x, uint32_t spi_in, uint32_t mark)
{
	return has(x->spis, x->spi_count, spi_in) &&
		   has(x->sa_marks, x->sa_mark_count, mark) &&
		   has(x->marks, x->mark_count, mark);
}

void nl_xfrm_done(struct nl_xfrm *x)
{
	free(x->spis);
	free(x->sa_marks);
	free(x->marks);
	memset(x, 0, sizeof(*x));
}
