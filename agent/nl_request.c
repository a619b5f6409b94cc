/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * nl_request.c - netlink sockets: ask the kernel, wait for its answer
 *
 * Effects: netlink sockets.
 */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <linux/netlink.h>

#include "nl_request.h"

#define MESSAGE_ROOM 1024
/* the kernel's dumps come in pieces of at most 32 KiB */
#define ANSWER_ROOM 65536

int nl_socket_open(int protocol, struct nl_sock **sk, struct err *e)
{
	struct nl_sock *s = nl_socket_alloc();
	int one = 1, rc, fd;

	if (!s)
	{
		abort();
	}
	rc = nl_connect(s, protocol);
	if (rc < 0)
	{
		nl_socket_free(s);
		return err_set(e, -EIO, ERR_KERNEL, "netlink", "cannot open a socket: "
					   "%s", nl_geterror(rc));
	}
	fd = nl_socket_get_fd(s);
	/* texts of errors; no echo of the request; filters in dumps */
	setsockopt(fd, SOL_NETLINK, NETLINK_EXT_ACK, &one, sizeof(one));
	setsockopt(fd, SOL_NETLINK, NETLINK_CAP_ACK, &one, sizeof(one));
	setsockopt(fd, SOL_NETLINK, NETLINK_GET_STRICT_CHK, &one, sizeof(one));
	*sk = s;
	return 0;
}

/* ---- building -------------------------------------------------------------- */

struct nl_msg *nl_message(int type, int flags, const void *header, size_t len)
{
	struct nl_msg *msg = nlmsg_alloc_size(MESSAGE_ROOM);

	if (!msg || !nlmsg_put(msg, NL_AUTO_PORT, NL_AUTO_SEQ, type, 0, flags) ||
		(len && nlmsg_append(msg, (void*)header, len, NLMSG_ALIGNTO) < 0))
	{
		abort();	/* out of memory */
	}
	return msg;
}

void nl_put(struct nl_msg *msg, int type, const void *data, size_t len)
{
	if (nla_put(msg, type, len, data) < 0)
	{
		abort();	/* longer than anything this agent sends */
	}
}

void nl_put_u32(struct nl_msg *msg, int type, uint32_t value)
{
	nl_put(msg, type, &value, sizeof(value));
}

void nl_put_str(struct nl_msg *msg, int type, const char *value)
{
	nl_put(msg, type, value, strlen(value) + 1);
}

/* ---- running --------------------------------------------------------------- */

struct run {
	struct nl_batch *batch;
	uint32_t seq[NL_BATCH_MAX];
	bool done[NL_BATCH_MAX];
	int rc[NL_BATCH_MAX];
	char text[NL_BATCH_MAX][128];	/* the kernel's own words */
	bool interrupted;
	nl_answer_fn fn;
	void *user;
};

void nl_batch_add(struct nl_batch *b, const char *what, int harmless,
				  struct nl_msg *msg)
{
	if (b->count == NL_BATCH_MAX)
	{
		abort();
	}
	b->msgs[b->count] = msg;
	b->what[b->count] = what;
	b->harmless[b->count] = harmless;
	b->count++;
}

static int send_all(struct nl_sock *sk, struct run *r)
{
	struct iovec iov[NL_BATCH_MAX];
	struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };
	struct msghdr m = {
		.msg_name = &kernel, .msg_namelen = sizeof(kernel), .msg_iov = iov,
		.msg_iovlen = r->batch->count,
	};
	ssize_t n;

	for (unsigned i = 0; i < r->batch->count; i++)
	{
		struct nlmsghdr *h = nlmsg_hdr(r->batch->msgs[i]);

		if (!(h->nlmsg_flags & NLM_F_DUMP))
		{
			h->nlmsg_flags |= NLM_F_ACK;
		}
		nl_complete_msg(sk, r->batch->msgs[i]);
		r->seq[i] = h->nlmsg_seq;
		iov[i].iov_base = h;
		iov[i].iov_len = NLMSG_ALIGN(h->nlmsg_len);
	}
	do
	{
		n = sendmsg(nl_socket_get_fd(sk), &m, 0);
	}
	while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : 0;
}

static int find_seq(const struct run *r, uint32_t seq)
{
	for (unsigned i = 0; i < r->batch->count; i++)
	{
		if (r->seq[i] == seq && !r->done[i])
		{
			return i;
		}
	}
	return -1;
}

static void take_error_text(struct nlmsghdr *h, char text[128])
{
	struct nlattr *a;
	int off = sizeof(struct nlmsgerr), len;

	if (!(h->nlmsg_flags & NLM_F_ACK_TLVS))
	{
		return;
	}
	/* capped: the request's payload is not repeated */
	len = nlmsg_datalen(h) - off;
	a = nla_find((struct nlattr*)((char*)nlmsg_data(h) + off), len > 0 ? len : 0,
				 NLMSGERR_ATTR_MSG);
	if (a && nla_len(a) > 0)
	{
		snprintf(text, 128, "%.*s", nla_len(a), (char*)nla_data(a));
	}
}

static void take_message(struct run *r, struct nlmsghdr *h)
{
	int i = find_seq(r, h->nlmsg_seq);

	if (i < 0)
	{	/* of an earlier request that was given up */
		return;
	}
	r->interrupted |= (h->nlmsg_flags & NLM_F_DUMP_INTR) != 0;
	if (h->nlmsg_type == NLMSG_ERROR || h->nlmsg_type == NLMSG_DONE)
	{
		if (nlmsg_datalen(h) >= (int)sizeof(int))
		{
			r->rc[i] = *(int*)nlmsg_data(h);
		}
		if (h->nlmsg_type == NLMSG_ERROR)
		{
			take_error_text(h, r->text[i]);
		}
		r->done[i] = true;
	}
	else if (r->fn)
	{
		r->fn(r->user, h);
	}
}

static bool all_done(const struct run *r)
{
	for (unsigned i = 0; i < r->batch->count; i++)
	{
		if (!r->done[i])
		{
			return false;
		}
	}
	return true;
}

static int receive_all(struct nl_sock *sk, struct run *r)
{
	char *buf = malloc(ANSWER_ROOM);
	int rc = 0;

	if (!buf)
	{
		abort();
	}
	while (!all_done(r) && !rc)
	{
		ssize_t n = recv(nl_socket_get_fd(sk), buf, ANSWER_ROOM, MSG_TRUNC);
		struct nlmsghdr *h = (struct nlmsghdr*)buf;
		int left = n;

		if (n < 0 && errno == EINTR)
		{
			continue;
		}
		if (n < 0 || n > ANSWER_ROOM)
		{
			rc = n < 0 ? -errno : -EMSGSIZE;
			break;
		}
		for (; nlmsg_ok(h, left); h = nlmsg_next(h, &left))
		{
			take_message(r, h);
		}
	}
	/* an answer about SAs has their keys */
	explicit_bzero(buf, ANSWER_ROOM);
	free(buf);
	return rc;
}

static int first_failure(const struct run *r, const char *where, struct err *e)
{
	for (unsigned i = 0; i < r->batch->count; i++)
	{
		int rc = r->rc[i];

		if (rc && rc != r->batch->harmless[i])
		{
			return err_set(e, rc, ERR_KERNEL, where, "cannot %s: %s%s%s",
						   r->batch->what[i], strerror(-rc),
						   r->text[i][0] ? ": " : "", r->text[i]);
		}
	}
	return 0;
}

void nl_batch_drop(struct nl_batch *b)
{
	for (unsigned i = 0; i < b->count; i++)
	{
		nlmsg_free(b->msgs[i]);
	}
	b->count = 0;
}

int nl_batch_run(struct nl_sock *sk, struct nl_batch *b, const char *where,
				 nl_answer_fn fn, void *user, struct err *e)
{
	struct run r = { .batch = b, .fn = fn, .user = user };
	int rc;

	if (!b->count)
	{
		return 0;
	}
	rc = send_all(sk, &r);
	if (!rc)
	{
		rc = receive_all(sk, &r);
	}
	if (rc)
	{
		err_set(e, rc, ERR_KERNEL, where, "netlink: %s", strerror(-rc));
	}
	else
	{
		rc = first_failure(&r, where, e);
	}
	if (!rc && r.interrupted)
	{
		rc = err_set(e, -EINTR, ERR_KERNEL, where, "the list changed while it "
					 "was read");
	}
	nl_batch_drop(b);
	return rc;
}

int nl_request(struct nl_sock *sk, struct nl_msg *msg, const char *what,
			   nl_answer_fn fn, void *user, struct err *e)
{
	struct nl_batch b = {0};

	nl_batch_add(&b, what, 0, msg);
	return nl_batch_run(sk, &b, "", fn, user, e);
}

/* ---- parsing --------------------------------------------------------------- */

void nl_attrs(struct nlmsghdr *h, size_t len, struct nlattr **attrs, int max)
{
	memset(attrs, 0, (max + 1) * sizeof(*attrs));
	if (nlmsg_parse(h, len, attrs, max, NULL) < 0)
	{
		memset(attrs, 0, (max + 1) * sizeof(*attrs));
	}
}

void nl_nested(struct nlattr *nest, struct nlattr **attrs, int max)
{
	memset(attrs, 0, (max + 1) * sizeof(*attrs));
	if (nest && nla_parse_nested(attrs, max, nest, NULL) < 0)
	{
		memset(attrs, 0, (max + 1) * sizeof(*attrs));
	}
}

uint32_t nl_u32(const struct nlattr *a)
{
	uint32_t v = 0;

	if (a && nla_len(a) >= (int)sizeof(v))
	{
		memcpy(&v, nla_data(a), sizeof(v));
	}
	return v;
}

uint8_t nl_u8(const struct nlattr *a)
{
	return a && nla_len(a) >= 1 ? *(uint8_t*)nla_data(a) : 0;
}
