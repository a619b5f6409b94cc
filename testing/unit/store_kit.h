/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * store_kit.h - a database in a directory of its own, for tests of the store
 *
 * Knows store.h and db.h only: the same tests run on every implementation.
 */
#ifndef PPVPN_TESTING_STORE_KIT_H
#define PPVPN_TESTING_STORE_KIT_H

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "server/db.h"
#include "seal.h"
#include "server/store.h"
#include "text.h"

extern char kit_dir[64], kit_path[96];
extern struct seal_key kit_kek;
extern struct store *store;
extern struct arena *arena;
extern struct err e;
extern const struct model_management kit_management;

/** A checked fixture: a new database, opened. */
void kit_setup(void);
void kit_teardown(void);
void kit_reopen(void);

#define OK(call) \
	do \
	{ \
		int ok_rc_ = (call); \
		ck_assert_msg(ok_rc_ == 0, "%s: %d: %s: %s", #call, ok_rc_, e.where, \
					  e.text); \
	} \
	while (0)

/* One change, committed. */
#define CHANGE(call) \
	do \
	{ \
		OK(store_begin(store, "test", &e)); \
		OK(call); \
		OK(store_commit(store, #call, NULL, &e)); \
	} \
	while (0)

/* One change that must be refused, and leaves the revision as it was. */
#define REFUSED(call, wanted_rc, wanted_code) \
	do \
	{ \
		uint64_t before_ = kit_revision(); \
		int rc_; \
		OK(store_begin(store, "test", &e)); \
		rc_ = (call); \
		ck_assert_int_eq(rc_ ? rc_ : store_settle(store, &e), (wanted_rc)); \
		ck_assert_str_eq(err_code_text(e.code), err_code_text(wanted_code)); \
		store_rollback(store); \
		ck_assert_uint_eq(kit_revision(), before_); \
	} \
	while (0)

uint64_t kit_revision(void);
/* Parts of a change with what is said of most things. NULL: as usual. */
int kit_add_customer(struct store *s, const char *customer,
					 const char *description, struct err *err);
int kit_add_ce(struct store *s, const char *customer, const char *ce,
			   const struct addr *address, const char *description,
			   struct err *err);
int kit_add_site(struct store *s, const char *customer, const char *vpn,
				 const char *site, const char *ce,
				 const struct addr *router_id, const struct addr *ce_address,
				 struct err *err);
/** The wall clock. */
int64_t kit_now_ms(void);
/* Beside the store: a number out of its file, and a word in it. */
int64_t kit_number(const char *sql);
void kit_sql(const char *sql);
struct addr kit_addr(const char *text);
void kit_customer(const char *customer);
void kit_vpn(const char *customer, const char *vpn);
/** CE named "<name>-r1" at address, and a site of that name in the VPN. */
void kit_ce(const char *customer, const char *ce, const char *address);
void kit_site(const char *customer, const char *vpn, const char *site,
			  const char *ce);
/** acme/corp with paris (192.0.2.1), lyon (.2), nice (.3). */
void kit_acme(void);
uint64_t kit_ce_id(const char *customer, const char *ce);
/** The CE's document, after model_check() and a round trip of its text. */
struct model_document *kit_document(const char *customer, const char *ce);
/** What a peer of the first VPN of doc is; NULL: none of that name. */
const struct model_peer *kit_peer(const struct model_document *doc,
								  const char *peer);
/** Revision of a CE's document. */
uint64_t kit_ce_revision(const char *customer, const char *ce);

/* Cases of the other files. */
TCase *store_alarm_case(void);
TCase *store_authority_case(void);
TCase *store_config_case(void);
TCase *store_fault_case(void);
TCase *store_follow_case(void);
TCase *store_migrate_case(void);
TCase *store_operate_case(void);
TCase *store_operator_case(void);
TCase *store_prefix_case(void);
TCase *store_report_case(void);
TCase *store_rotation_case(void);
TCase *store_metrics_case(void);
TCase *store_move_case(void);
TCase *store_move_plain_case(void);

#endif
