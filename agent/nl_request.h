/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * nl_request.h - netlink sockets: ask the kernel, wait for its answer
 *
 * Effects: netlink sockets. Knows no kind of message.
 */
#ifndef PPVPN_AGENT_NL_REQUEST_H
#define PPVPN_AGENT_NL_REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <netlink/netlink.h>
#include <netlink/msg.h>
#include <netlink/attr.h>
#include "err.h"

#define NL_BATCH_MAX 8

/* Requests that go to the kernel in one system call and run in that order. */
struct nl_batch {
	struct nl_msg *msgs[NL_BATCH_MAX];
	const char *what[NL_BATCH_MAX];		/* for the error: "set address" */
	int harmless[NL_BATCH_MAX];			/* -errno that is as good as success */
	unsigned count;
};

/** Called for every message that is an answer and no acknowledgement. */
typedef void (*nl_answer_fn)(void *user, struct nlmsghdr *h);

/** A socket of NETLINK_ROUTE or NETLINK_XFRM with strict checking. */
int nl_socket_open(int protocol, struct nl_sock **sk, struct err *e);

/** A message with its fixed header; memory as with xcalloc(). */
struct nl_msg *nl_message(int type, int flags, const void *header, size_t len);
/** Attributes; a message has room for all that this agent sends. */
void nl_put(struct nl_msg *msg, int type, const void *data, size_t len);
void nl_put_u32(struct nl_msg *msg, int type, uint32_t value);
void nl_put_str(struct nl_msg *msg, int type, const char *value);

/** Takes the message over. */
void nl_batch_add(struct nl_batch *b, const char *what, int harmless,
				  struct nl_msg *msg);
/** Free what was not sent. */
void nl_batch_drop(struct nl_batch *b);
/**
 * Send, wait for every answer, free the messages. The kernel goes on behind a
 * message that failed.
 *
 * @return		0, or the first failure as -errno with e filled (ERR_KERNEL)
 */
int nl_batch_run(struct nl_sock *sk, struct nl_batch *b, const char *where,
				 nl_answer_fn fn, void *user, struct err *e);
/** One request; with NLM_F_DUMP in its flags -EINTR when the dump must be repeated. */
int nl_request(struct nl_sock *sk, struct nl_msg *msg, const char *what,
			   nl_answer_fn fn, void *user, struct err *e);

/** Attributes of a message behind a header of len bytes, by type; [0..max]. */
void nl_attrs(struct nlmsghdr *h, size_t len, struct nlattr **attrs, int max);
/** Those nested in one. NULL: none. */
void nl_nested(struct nlattr *nest, struct nlattr **attrs, int max);
/** An attribute's number, 0 when it is absent or too short. */
uint32_t nl_u32(const struct nlattr *a);
uint8_t nl_u8(const struct nlattr *a);

#endif
