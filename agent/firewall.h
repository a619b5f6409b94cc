/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * firewall.h - what may pass between this router and the provider's edge (PE)
 *
 * Pure. Draft section 6.2: from the PE IPsec and IKE of the VPNs' peers,
 * management, and what the owner allows (agent.conf, [firewall]); to the PE the
 * same, from the router's own addresses (s). One table of nftables, "inet
 * ppvpn", made anew as a whole; the owner's tables are not looked at. It keeps
 * no state of connections, so that it does not turn their tracking on: a reply
 * of TCP is what has no lone SYN.
 */
#ifndef PPVPN_AGENT_FIREWALL_H
#define PPVPN_AGENT_FIREWALL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "conf.h"
#include "facts.h"
#include "model.h"
#include "status.h"

struct arena;

extern const char *const firewall_modes[];	/* words, by enum conf_firewall */

/* ---- the rules ------------------------------------------------------------ */

#define FIREWALL_DIGEST_SIZE 65
struct firewall_wish {
	enum conf_firewall mode;
	char *text;						/* for nft(8): replaces the table */
	char digest[FIREWALL_DIGEST_SIZE];	/* of text */
	/* of mode, links, allowances, servers: what could cut the management channel
	 * off; other peers are other elements of a set only */
	char settings[FIREWALL_DIGEST_SIZE];
};

/**
 * What should be; texts in the arena. doc: neither NULL nor deprovisioned.
 *
 * @return		true; false: no link of this router is known to lead to the
 *				provider, or there is no document for anybody
 */
bool firewall_wish(const struct conf *conf, const struct model_document *doc,
				   const struct facts *facts, struct arena *arena,
				   struct firewall_wish *out);

/* ---- what it counts -------------------------------------------------------- */

/* seen, going: before all other chains; passed, left: behind them */
#define FIREWALL_COUNTS(X) \
	X(SEEN_ESP, "seen-esp") X(SEEN_IKE, "seen-ike") \
	X(PASSED_ESP, "passed-esp") X(PASSED_IKE, "passed-ike") \
	X(GOING_ESP, "going-esp") X(GOING_IKE, "going-ike") \
	X(LEFT_ESP, "left-esp") X(LEFT_IKE, "left-ike") \
	X(IN_ESP, "in-esp") X(IN_IKE, "in-ike") \
	X(IN_IKE_OTHERS, "in-ike-others") X(IN_IKE_FLOOD, "in-ike-flood") \
	X(IN_MANAGEMENT, "in-management") X(IN_ALLOWED, "in-allowed") \
	X(IN_QUIET, "in-quiet") X(IN_REFUSED, "in-refused") \
	X(OUT_ESP, "out-esp") X(OUT_IKE, "out-ike") \
	X(OUT_MANAGEMENT, "out-management") X(OUT_ALLOWED, "out-allowed") \
	X(OUT_QUIET, "out-quiet") X(OUT_REFUSED, "out-refused") \
	X(FORWARD_REFUSED, "forward-refused")

enum firewall_count {
#define X(sym, word) FIREWALL_##sym,
	FIREWALL_COUNTS(X)
#undef X
	FIREWALL_COUNT_COUNT
};
extern const char *const firewall_counts[];		/* words, by that */

struct firewall_counters { uint64_t packets[FIREWALL_COUNT_COUNT]; };
/** Out of "list counters" of nft(8); unknown ones are left out. 0 or -EBADMSG. */
int firewall_counters_read(const char *text, struct firewall_counters *out);

/* ---- what that means ------------------------------------------------------- */

#define FIREWALL_LOOK_MS 10000		/* how often it is looked at */
#define FIREWALL_PROBE_MIN 10		/* refused from the PE within one look */
#define FIREWALL_BLOCKED_MIN 5		/* came, and none came through */
#define FIREWALL_QUIET_MS 600000	/* so long none: over */

enum firewall_blocked {
	FIREWALL_BLOCKED_ESP_IN, FIREWALL_BLOCKED_IKE_IN,
	FIREWALL_BLOCKED_ESP_OUT, FIREWALL_BLOCKED_IKE_OUT,
	FIREWALL_BLOCKED_COUNT
};
extern const char *const firewall_blocked[];	/* for people, by that */

struct firewall_watch {
	bool begun;
	struct firewall_counters last;
	uint64_t leak_ms, probe_ms;		/* the last of them */
	uint64_t waiting[FIREWALL_BLOCKED_COUNT];	/* came since one came through */
	/* the verdict */
	bool leak, probe, blocked[FIREWALL_BLOCKED_COUNT];
	uint64_t leaked, probed;		/* packets, since that began */
};
/** One look; c never goes back (nft.h). */
void firewall_look(struct firewall_watch *w, const struct firewall_counters *c,
				   uint64_t now_ms);

/* ---- a ruleset must not cut the provider off --------------------------------- */

#define FIREWALL_CONFIRM_LEAST_MS 1000	/* an answer on its way proves nothing */

/* New settings are enforced on trial: a server must be heard with them once. */
struct firewall_guard {
	bool waiting, held;
	uint64_t since_ms;
	char settings[FIREWALL_DIGEST_SIZE];	/* that were confirmed; "": none */
};
/** This is in force since now. */
void firewall_guard_applied(struct firewall_guard *g, enum conf_firewall mode,
							const char *settings, uint64_t now_ms);
/** A server answered. @return true: that confirms these settings; keep them */
bool firewall_guard_answered(struct firewall_guard *g, const char *settings,
							 uint64_t now_ms);
/**
 * timeout_ms: as for a document (its confirm-timeout).
 *
 * @return		true: from now on it only logs (held), until the agent's next start
 */
bool firewall_guard_look(struct firewall_guard *g, uint64_t timeout_ms,
						 uint64_t now_ms);

#endif
