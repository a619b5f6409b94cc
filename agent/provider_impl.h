/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * provider_impl.h - what provider*.c share
 */
#ifndef PPVPN_AGENT_PROVIDER_IMPL_H
#define PPVPN_AGENT_PROVIDER_IMPL_H

#include "belief.h"
#include "failover.h"
#include "fetch.h"
#include "lastconf.h"
#include "provider.h"
#include "trial.h"

#define ETAG_SIZE BELIEF_ETAG_SIZE

/* what is asked for besides; fn NULL: nothing is */
struct provider_request {
	struct provider *provider;
	provider_request_fn fn;
	void *user;
};

struct provider {
	struct loop *loop;
	char *state_dir;
	const struct identity *id;
	struct provider_handlers handlers;
	void *user;
	struct fetch *fetch;
	struct loop_timer *timer;
	struct loop_timer *confirm, *look;
	struct held held;			/* in force */
	struct held base;			/* while that is on trial: the one before */
	struct trial trial;
	struct lastconf_trial record;	/* of the last trial; no etag: none */
	bool put_off;				/* ... which was cut short too often lately */
	char *giver;				/* the server that gave what is on trial */
	char seen[ETAG_SIZE];		/* of the newest answer, refused ones too */
	char braked[ETAG_SIZE];		/* drops too many peers without a word */
	char allowed[ETAG_SIZE];	/* ... and somebody here accepted it */
	struct failover failover;
	char *in_use;				/* the server; of the list that holds */
	unsigned quick;				/* long polls answered at once, in a row */
	bool asking;				/* for the configuration */
	bool busy;					/* the server said that it is */
	unsigned asked_wait;
	uint64_t asked_ms, reported_ms;
	bool poked;
	bool quit;					/* nothing is asked any more */
	bool connected, rejected;
	bool applied, saved;		/* what is in force: by the agent, on disk */
	bool first;					/* ... and there was nothing before it */
	bool base_saved;
	uint64_t since_ms, poked_ms;
	struct err error, refusal;	/* refusal: of the newest document */
	char *report;				/* waits to be sent */
	size_t report_len;
	bool reporting, report_lost;
	int report_schema;			/* what the server takes, of schema_status; -1 */
	struct err skew;			/* it has no version that we have, too */
	provider_left_fn left;		/* a request to leave is under way */
	void *left_user;
	struct provider_request renew, ike_key;
	char diag[20];				/* id of the bundle last asked for */
	bool diag_busy;
};

/* ---- provider.c ------------------------------------------------------------- */

/** Ask for the configuration; one that is being asked for is given up. */
void provider_ask(struct provider *p, unsigned wait);
/** The one in use. */
const char *provider_server(const struct provider *p);
/** The document in force has another list of servers, perhaps. */
void provider_take_servers(struct provider *p);
/** from_disk: or what was there before is back. */
void provider_hand_on(struct provider *p, bool from_disk,
					  uint64_t first_byte_ms);
void provider_note_error(struct provider *p, const struct err *e);
/** The newest document is not taken, and why. */
void provider_note_refusal(struct provider *p, const struct err *e);

/* ---- provider_trial.c ------------------------------------------------------- */

/** A new document is in force; h is the provider's from now on. */
void provider_take(struct provider *p, struct held *h);
/** What is in force, applied and confirmed is kept; false: it could not be. */
bool provider_keep(struct provider *p);
/** A server answered a request that began at asked_ms. */
void provider_judge(struct provider *p, uint64_t asked_ms);
void provider_on_confirm(void *user);
/** At the start, after the last known configuration was loaded. */
void provider_load_record(struct provider *p);
/** The document of the record is not to be taken (now). */
bool provider_bars_record(const struct provider *p);
/** Nothing is remembered of a trial any more. */
void provider_forget_record(struct provider *p);

/* ---- provider_send.c -------------------------------------------------------- */

/** The answer to a request to leave does not come any more. */
void provider_lost(struct provider *p);
/** What waits to be reported, when it can be. */
void provider_send_report(struct provider *p);
/** An answer that says no: what it says besides. */
void provider_explain(const struct provider *p, const struct fetch_answer *a,
					  struct err *e);

/* ---- provider_schema.c ------------------------------------------------------ */

/** What an answer to the request for the configuration says of versions. @return
 * true: p->skew is another one now */
bool provider_hear_schema(struct provider *p, const struct fetch_answer *a);

#endif
