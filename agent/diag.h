/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * diag.h - the diagnostic bundle ("ce-diag/1"): what a person far away needs to
 * understand a router
 *
 * Pure. No secret can be in it: of a resource only its canonical attributes are
 * taken, of a connection not even those (its tag is a digest of secrets, too),
 * and never a resource's own struct. Bounded, whatever the number of peers:
 * every list has its share of DIAG_MAX and says how many of its entries there
 * are.
 */
#ifndef PPVPN_AGENT_DIAG_H
#define PPVPN_AGENT_DIAG_H

#include <stdbool.h>
#include <stddef.h>
#include "backend.h"
#include "desired.h"

#define DIAG_SCHEMA "ce-diag/1"
#define DIAG_MAX (256u << 10)

struct json_out;

/* a list that ends when its share is used up */
struct diag_list {
	struct json_out *o;
	size_t end;					/* length of the text that it may reach */
	size_t shown, count;
};

/** An array "key" of at most share bytes. */
void diag_list_begin(struct diag_list *l, struct json_out *o, const char *key,
					 size_t share);
/** Is there room for one more (of at most 2 KiB)? Counts it either way. */
bool diag_list_next(struct diag_list *l);
/** Ends it; "key-count" says how many there are. */
void diag_list_end(struct diag_list *l, const char *count_key);

/** Members: "plan", "plan-errors", "not-possible", each with its count. */
void diag_put_plan(struct json_out *o, const struct plan *plan,
				   const struct desired *desired);
/** Members: "resources", "links", "addresses", "sas", "neighbors", "routed",
 * "kernel", "unknown". */
void diag_put_seen(struct json_out *o, const struct observation *seen);

#endif
