/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * provider_kit.h - a provider among fakes
 *
 * fetch.h and lastconf.h are replaced at link time: answers are given by hand,
 * what is asked and kept is looked at.
 */
#ifndef PPVPN_TEST_PROVIDER_KIT_H
#define PPVPN_TEST_PROVIDER_KIT_H

#include "agent/fetch.h"
#include "agent/identity.h"
#include "agent/lastconf.h"
#include "agent/loop.h"
#include "agent/provider.h"

/* what was asked, and who waits for the answer */
extern fetch_fn asked_fn, leave_fn, diag_fn, looked_fn;
extern void *asked_user, *leave_user, *diag_user, *looked_user;
extern char asked_etag[128], asked_server[64], looked_server[64];
extern unsigned asked_wait, asked, posted, leaves, diags, looks, fetches_ended;
extern char diag_sent[64];
extern fetch_fn ike_key_fn;
extern void *ike_key_user;
extern unsigned ike_keys;
/* the servers' answers say of reports; "" nothing */
extern char answer_schema[128];
/* reports end so: 0 taken, -errno no answer */
extern int post_rc;

/* what is kept */
extern char saved[8192], saved_etag[128];
extern unsigned saves, removes, saves_at_remove;
extern char *on_disk, on_disk_etag[128];	/* freed by teardown */
extern int disk_rc;							/* -ENOENT, unless a test says so */
extern int save_rc;							/* of keeping: 0, unless ... */
extern struct lastconf_trial trial_on_disk;

/* what the provider said */
extern struct loop *loop;
extern struct provider *p;
extern unsigned documents, states, answers, wanted_diags, kept;
extern struct provider_document last_document;
extern uint64_t revision;
extern int state;
extern char wanted_diag[20];

/** A checked fixture: acme/paris-r1 with servers https://a:1 and https://b:1. */
void setup(void);
void teardown(void);

/* documents without VPNs, freed by the caller; wait: long-poll-timeout */
char *any_document(const char *ce, unsigned epoch, unsigned rev,
				   const char *wait, const char *named);
char *document(const char *ce, unsigned epoch, unsigned rev, const char *wait);
char *tombstone(unsigned epoch, unsigned rev);
void etag_of(const char *body, unsigned epoch, unsigned rev, char out[128]);
/** The request for the configuration ends so; body is freed. */
void answer(unsigned status, char *body, const char *etag);
void answer_document(unsigned epoch, unsigned rev, const char *extra);
struct provider_status status(void);

#endif
