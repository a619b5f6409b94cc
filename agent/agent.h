/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * agent.h - the provisioning agent: what is connected to what
 *
 * Owns the parts and their order; each part knows only its own header. One
 * thread.
 */
#ifndef PPVPN_AGENT_AGENT_H
#define PPVPN_AGENT_AGENT_H

#include "alarm.h"
#include "conf.h"
#include "cycle.h"
#include "firewall.h"
#include "identity.h"
#include "ike.h"
#include "provider.h"
#include "renew.h"
#include "trouble.h"
#include "tunnel.h"

struct charon;
struct control;
struct control_request;
struct frr;
struct hold;
struct nft;
struct nl;
struct vici;

#define AGENT_ERRORS_MAX STATUS_ERRORS_MAX
#define AGENT_WAITING_MAX 16
#define AGENT_CALLERS_MAX 64

/* what went wrong when the document in force was applied */
struct agent_error { char resource[256]; struct err err; };

/* an address that asked for a tunnel while no configuration knew it */
struct agent_caller { struct addr address; uint64_t at_ms; };

/* since the agent started */
struct agent_counts {
	uint64_t initiated;					/* negotiations that this end began */
	uint64_t failed;					/* of those */
	uint64_t unknown_peers;				/* requests of routers that are not known */
	uint64_t unknown_asked;				/* questions to the server for them */
};

struct agent {
	struct conf conf;
	struct identity identity;
	struct loop *loop;
	struct nl *nl;
	struct nft *nft;
	struct vici *vici;
	struct charon *charon;
	struct frr *frr;
	struct provider *provider;
	struct daytime *daytime;
	struct hold *hold;
	struct tunnels *tunnels;
	struct cycle *cycle;
	struct sacheck *sacheck;
	struct control *control;
	struct backend *backends[6];
	struct alarms alarms;
	struct trouble troubles[TROUBLE_COUNT];

	/* in force; the provider's, or the hold's where that goes too far */
	const struct model_document *doc;
	bool doc_pending;					/* not applied yet */
	uint64_t enrolled;					/* seconds since 1970; 0: not known */
	struct renew renew;
	struct ike ike;
	/* by hand, without the provider: depart.h */
	struct model_document nothing;
	bool leaving, left;
	unsigned depart_looks;
	struct control_request *departs[AGENT_WAITING_MAX];
	size_t depart_count;
	char boot_id[33];
	uint64_t seq, started_ms;
	uint64_t looked_ms, settled_ms;		/* the last full round: read, over */
	uint64_t changed_ms;				/* the last change here; 0: rested since */
	uint64_t frr_ms;					/* since when ospfd has been there, or not */
	bool converged;
	struct agent_error errors[AGENT_ERRORS_MAX];
	size_t error_count;

	/* the firewall: screen.h */
	struct firewall_watch screen;
	struct firewall_guard guard;
	char screened[FIREWALL_DIGEST_SIZE];	/* settings of the table in force */
	uint64_t screen_ms;					/* the last look at its counters */

	/* where it is: moved.h */
	struct addr source;					/* towards the provider; family 0: none */
	bool located;						/* there was one, once */
	bool missing;						/* and then: */
	struct status_address address;
	uint64_t missing_ms, again_at_ms;	/* since when; when it is told again */
	unsigned again_ms;
	bool moved_soon;

	bool neighbors_soon, report_soon;	/* asked for already */
	bool checked;						/* charon's settings suit us: work may begin */
	char charon_version[32];			/* of strongSwan, by VICI; "": not known */
	char charon_boot[33];				/* of the charon that we last worked with */
	bool charon_new;					/* another one now: clean up after the old */
	bool first_doc;						/* this router is new to its peers */
	struct agent_caller callers[AGENT_CALLERS_MAX];
	bool server_noted, server_up;		/* as last told */
	bool ask_again;						/* a tunnel went while the server was asked */
	uint64_t unknown_ms;				/* when the server was last asked for one */
	uint64_t unknown_wanted;			/* calls since then */
	struct agent_counts counts;

	struct loop_timer *periodic, *neighbors, *attempts, *report, *fit,
		*moved, *renewed;
	struct control_request *plans[AGENT_WAITING_MAX];
	size_t plan_count;
	struct control_request *syncs[AGENT_WAITING_MAX];
	size_t sync_count;
	struct control_request *diags[AGENT_WAITING_MAX];
	size_t diag_count;
	struct control_request *peers[AGENT_WAITING_MAX];
	size_t peers_count;
	bool asking_sas;					/* charon, for those two */
	struct control_request *leave;		/* asks the server to let us go */
	char diag_id[20];					/* the server wants a bundle of that id */
	int exit_status;
};

/** Everything set up and running until SIGTERM. @return exit status */
int agent_run(const char *conf_path);

/** Raise or clear an alarm, with its log line. */
void agent_alarm(struct agent *a, enum err_code code, const char *resource,
				 enum status_severity severity, const char *fmt, ...)
	__attribute__((format(printf, 5, 6)));
void agent_alarm_clear(struct agent *a, enum err_code code, const char *resource);
/** A report to the server is due soon. */
void agent_changed(struct agent *a);

#endif
