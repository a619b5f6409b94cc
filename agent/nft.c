/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * nft.c - see nft.h
 */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <nftables/libnftables.h>

#include "alloc.h"
#include "file.h"
#include "log.h"
#include "loop.h"
#include "nft.h"
#include "seal.h"
#include "text.h"

#define TABLE "ppvpn"
#define STATE_FORM "ppvpn-firewall/1"
#define STATE_MAX 1024
#define RECEIVE_ROOM 65536
#define SOCKET_ROOM (1 << 20)
/* a kernel without may be given the module */
#define TRY_AGAIN_MS 600000

/* STATE/firewall; words, "-" for none */
struct state {
	char mode[16];				/* of the table that we made */
	char digest[FIREWALL_DIGEST_SIZE];	/* of what was wanted */
	char view[FIREWALL_DIGEST_SIZE];	/* of what the kernel showed then */
	char confirmed[FIREWALL_DIGEST_SIZE];
};

struct nft {
	struct backend backend;		/* first: a backend is cast to its owner */
	struct loop *loop;
	char *file;
	struct state state;
	bool there;					/* our table, at the last look */
	bool possible, said;		/* family inet; that it is not was said */
	uint64_t tried_ms;			/* when that was tried last; 0: never */
	bool held;
	struct firewall_counters base;	/* of tables before this one */
	int fd;
	struct loop_fd *monitor;
	const struct nft_handlers *handlers;
	void *user;
};

/* ---- libnftables ----------------------------------------------------------- */

/* The first line of what it complains of. */
static int complain(struct nft_ctx *ctx, struct err *e)
{
	const char *said = nft_ctx_get_error_buffer(ctx);

	return err_set(e, -EIO, ERR_FIREWALL, "nftables", "%.*s",
				   (int)strcspn(said ? said : "", "\n"), said ? said : "");
}

enum {
	PRINT_ALL = 0,
	/* nor names, which files below /etc have */
	PRINT_STATELESS = NFT_CTX_OUTPUT_STATELESS | NFT_CTX_OUTPUT_NUMERIC_ALL
};

/* out: what it prints, for the caller to free; NULL: not asked for */
static int run(const char *commands, unsigned flags, char **out, struct err *e)
{
	struct nft_ctx *ctx = nft_ctx_new(NFT_CTX_DEFAULT);
	int rc = 0;

	if (!ctx)
	{
		return err_set(e, -ENOMEM, ERR_FIREWALL, "nftables",
					   "libnftables does not start");
	}
	nft_ctx_output_set_flags(ctx, flags);
	if (nft_ctx_buffer_output(ctx) != 0 || nft_ctx_buffer_error(ctx) != 0)
	{
		rc = err_set(e, -ENOMEM, ERR_FIREWALL, "nftables", "no memory");
	}
	else if (nft_run_cmd_from_buffer(ctx, commands) != 0)
	{
		rc = complain(ctx, e);
	}
	else if (out)
	{
		*out = xstrdup(nft_ctx_get_output_buffer(ctx));
	}
	nft_ctx_free(ctx);
	return rc;
}

/* Whether the kernel would take a table of this family; nothing is made. */
static bool try_family(void)
{
	struct nft_ctx *ctx = nft_ctx_new(NFT_CTX_DEFAULT);
	bool good = false;

	if (ctx)
	{
		nft_ctx_set_dry_run(ctx, true);
		good = nft_ctx_buffer_error(ctx) == 0 &&
			   nft_run_cmd_from_buffer(ctx, "add table inet " TABLE) == 0;
		nft_ctx_free(ctx);
	}
	return good;
}

/* 1, 0, or -errno with e: that is not known. */
static int find_table(struct err *e)
{
	char *tables = NULL;
	int rc = run("list tables inet", PRINT_ALL, &tables, e);

	if (rc == 0)
	{
		rc = strstr(tables, "table inet " TABLE "\n") != NULL;
	}
	free(tables);
	return rc;
}

/* Digest of the table as the kernel shows it, without what changes by itself. */
static int take_view(char out[FIREWALL_DIGEST_SIZE], struct err *e)
{
	uint8_t hash[32];
	char *text = NULL;
	int rc = run("list table inet " TABLE, PRINT_STATELESS, &text, e);

	if (rc == 0)
	{
		seal_sha256(text, strlen(text), hash);
		hex_encode(hash, sizeof(hash), out);
	}
	free(text);
	return rc;
}

/* ---- what is remembered ------------------------------------------------------ */

static const char *word(const char *s)
{
	return s[0] ? s : "-";
}

static void save(const struct nft *n)
{
	struct text t = {0};
	struct err e = {0};

	text_addf(&t, STATE_FORM " %s %s %s %s\n", word(n->state.mode),
			  word(n->state.digest), word(n->state.view),
			  word(n->state.confirmed));
	if (file_write(n->file, t.s, t.len, 0600, &e) < 0)
	{	/* after a restart it is made once more, that is all */
		log_err(LOG_LEVEL_WARN, "firewall", "state", &e);
	}
	text_done(&t);
}

static bool is_digest(const char *s)
{
	return strlen(s) == FIREWALL_DIGEST_SIZE - 1 &&
		   !s[strspn(s, "0123456789abcdef")];
}

static void take(char *to, size_t size, const char *from, bool good)
{
	if (good && strlen(from) < size)
	{
		memcpy(to, from, strlen(from) + 1);
	}
}

/* A file that is not understood is none. */
static void load(struct nft *n)
{
	char form[32] = "", mode[16] = "", hex[3][80] = {"", "", ""}, *text = NULL;
	struct err e = {0};
	size_t len;

	if (file_read(n->file, STATE_MAX, &text, &len, &e) < 0)
	{
		return;
	}
	if (sscanf(text, "%31s %15s %79s %79s %79s", form, mode, hex[0], hex[1],
			   hex[2]) == 5 && strcmp(form, STATE_FORM) == 0)
	{
		struct state *s = &n->state;

		take(s->mode, sizeof(s->mode), mode,
			 strcmp(mode, "log-only") == 0 || strcmp(mode, "enforce") == 0);
		take(s->digest, sizeof(s->digest), hex[0], is_digest(hex[0]));
		take(s->view, sizeof(s->view), hex[1], is_digest(hex[1]));
		take(s->confirmed, sizeof(s->confirmed), hex[2], is_digest(hex[2]));
	}
	free(text);
}

/* ---- changes that others make ------------------------------------------------ */

/* Messages of nf_tables about things of a table begin with the table's name. */
static bool is_ours(const struct nlmsghdr *h)
{
	const size_t head = NLMSG_HDRLEN + NLMSG_ALIGN(sizeof(struct nfgenmsg));
	const struct nlattr *a = (const void*)((const char*)h + head);

	return h->nlmsg_len >= head + sizeof(*a) + sizeof(TABLE) &&
		   NFNL_SUBSYS_ID(h->nlmsg_type) == NFNL_SUBSYS_NFTABLES &&
		   (a->nla_type & NLA_TYPE_MASK) == 1 &&	/* NFTA_TABLE_NAME, NFTA_CHAIN_TABLE … */
		   a->nla_len == NLA_HDRLEN + sizeof(TABLE) &&
		   memcmp((const char*)a + NLA_HDRLEN, TABLE, sizeof(TABLE)) == 0;
}

/* Everything that is queued: does any of it concern our table? */
static bool drain(struct nft *n)
{
	static union { struct nlmsghdr first; char room[RECEIVE_ROOM]; } in;
	bool ours = false;
	ssize_t got;

	while ((got = recv(n->fd, &in, sizeof(in), MSG_DONTWAIT)) > 0 ||
		   (got < 0 && (errno == EINTR || errno == ENOBUFS)))
	{
		const struct nlmsghdr *h = &in.first;
		size_t left = got > 0 ? (size_t)got : 0;

		ours |= got < 0 && errno == ENOBUFS;	/* some were lost */
		for (; NLMSG_OK(h, left); h = NLMSG_NEXT(h, left))
		{
			ours |= is_ours(h);
		}
	}
	return ours;
}

static void on_event(void *user, int fd, unsigned events)
{
	struct nft *n = user;

	(void)fd;
	(void)events;
	if (drain(n))
	{
		n->handlers->changed(n->user);
	}
}

static void monitor(struct nft *n)
{
	struct sockaddr_nl at = {
		.nl_family = AF_NETLINK, .nl_groups = 1u << (NFNLGRP_NFTABLES - 1),
	};
	int size = SOCKET_ROOM;

	n->fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK,
				   NETLINK_NETFILTER);
	if (n->fd >= 0)
	{
		setsockopt(n->fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	}
	if (n->fd < 0 || bind(n->fd, (struct sockaddr*)&at, sizeof(at)) < 0)
	{	/* it is looked at from time to time all the same */
		log_info("firewall", "no events of nftables: %s", strerror(errno));
		return;
	}
	n->monitor = loop_fd_new(n->loop, n->fd, LOOP_READ, on_event, n);
}

/* ---- the backend --------------------------------------------------------------- */

static void read_table(struct nft *n, struct observation *o)
{
	char shown[FIREWALL_DIGEST_SIZE];
	struct res_firewall have = { .mode = "?", .digest = "changed" };
	struct err e = {0};
	int rc = find_table(&e);

	n->there = rc > 0;
	if (rc > 0)
	{
		rc = take_view(shown, &e);
	}
	if (rc < 0)
	{
		log_err(LOG_LEVEL_WARN, "firewall", "reading", &e);
		o->facts.unknown_kinds |= RES_BIT(RES_FIREWALL);
		return;
	}
	if (!n->there)
	{
		return;
	}
	if (n->state.view[0] && strcmp(shown, n->state.view) == 0)
	{
		have.mode = n->state.mode;
		have.digest = n->state.digest;
	}
	resource_firewall(&o->have, RES_OURS, &have);
}

static void nft_read(struct backend *b, struct observation *o,
					 backend_done_fn done, void *user)
{
	struct nft *n = (struct nft*)b;

	if (!n->possible && (!n->tried_ms ||
						 loop_now_ms() - n->tried_ms >= TRY_AGAIN_MS))
	{
		n->tried_ms = loop_now_ms();
		n->possible = try_family();
	}
	o->facts.firewall_possible = n->possible;
	o->facts.firewall_held = n->held;
	if (!n->possible && !n->said)
	{
		log_info("firewall", "this kernel has no nftables for family inet: there "
				 "is no firewall");
		n->said = true;
	}
	if (n->possible && (o->kinds & RES_BIT(RES_FIREWALL)))
	{
		read_table(n, o);
	}
	done(user);
}

/* What the table counted so far is not lost with it. */
static void keep_counters(struct nft *n)
{
	struct firewall_counters now;

	if (nft_counters(n, &now))
	{
		n->base = now;
	}
}

static int make(struct nft *n, const struct res_firewall *want, struct err *e)
{
	int rc;

	keep_counters(n);
	rc = run(want->text, PRINT_ALL, NULL, e);
	if (rc < 0)
	{
		return rc;
	}
	n->there = true;
	take(n->state.mode, sizeof(n->state.mode), want->mode, true);
	take(n->state.digest, sizeof(n->state.digest), want->digest, true);
	rc = take_view(n->state.view, e);
	save(n);
	n->handlers->applied(n->user, want->mode, want->settings);
	return rc;
}

static int delete(struct nft *n, struct err *e)
{
	int rc;

	keep_counters(n);
	rc = run("delete table inet " TABLE, PRINT_ALL, NULL, e);
	if (rc == 0)
	{
		n->there = false;
		memset(&n->state, 0, sizeof(n->state));
		unlink(n->file);
		n->handlers->applied(n->user, "off", "");
	}
	return rc;
}

static void nft_apply(struct backend *b, struct step *const *steps,
					  size_t count, backend_done_fn done, void *user)
{
	struct nft *n = (struct nft*)b;

	for (size_t i = 0; i < count; i++)
	{
		struct step *s = steps[i];

		s->rc = s->op == STEP_DELETE ? delete(n, &s->err)
									 : make(n, s->want->spec, &s->err);
	}
	if (n->monitor)
	{	/* our own doing is no news */
		drain(n);
	}
	done(user);
}

/* ---- what it counted ------------------------------------------------------------- */

bool nft_counters(struct nft *n, struct firewall_counters *out)
{
	char *text = NULL;
	struct err e = {0};
	bool good = n->there &&
				run("list counters table inet " TABLE, PRINT_ALL, &text,
					&e) == 0 && firewall_counters_read(text, out) == 0;

	for (size_t i = 0; good && i < FIREWALL_COUNT_COUNT; i++)
	{
		out->packets[i] += n->base.packets[i];
	}
	free(text);
	return good;
}

/* ---- life ------------------------------------------------------------------------- */

struct nft *nft_new(struct loop *loop, const char *state_dir,
					const struct nft_handlers *handlers, void *user)
{
	static const struct backend_ops ops = {
		.name = "nftables", .kinds = RES_BIT(RES_FIREWALL), .read = nft_read,
		.apply = nft_apply,
	};
	struct nft *n = xcalloc(1, sizeof(*n));

	n->backend.ops = &ops;
	n->file = xasprintf("%s/firewall", state_dir);
	n->handlers = handlers;
	n->user = user;
	n->loop = loop;
	load(n);
	monitor(n);
	return n;
}

void nft_free(struct nft *n)
{
	if (n)
	{
		loop_fd_free(n->monitor);
		if (n->fd >= 0)
		{
			close(n->fd);
		}
		free(n->file);
		free(n);
	}
}

struct backend *nft_backend(struct nft *n)
{
	return &n->backend;
}

void nft_hold(struct nft *n, bool held)
{
	n->held = held;
}

const char *nft_mode(const struct nft *n)
{
	return n->there && n->state.mode[0] ? n->state.mode : NULL;
}

bool nft_possible(const struct nft *n)
{
	return n->possible;
}

const char *nft_confirmed(const struct nft *n)
{
	return n->state.confirmed;
}

void nft_confirm(struct nft *n, const char *settings)
{
	take(n->state.confirmed, sizeof(n->state.confirmed), settings, true);
	save(n);
}
