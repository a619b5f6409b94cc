/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * frr.h - FRR: configured through vtysh, read from ospfd itself
 *
 * Kinds: OSPF, OSPF_LINK. Renders and parses with frr_text.c (pure), runs vtysh
 * with a deadline (loop_child), one -f FILE (0600, VTYSH_HISTFILE=/dev/null) for a
 * whole batch, and reads back, because exit codes lie. Never "write memory".
 * What ospfd shows comes over its vty socket (frr_vty.h), which also tells at
 * once that the daemon went away or came back.
 */
#ifndef PPVPN_AGENT_FRR_H
#define PPVPN_AGENT_FRR_H

#include "backend.h"

struct loop;
struct frr;

struct frr_handlers {
	void (*connection)(void *user, bool running);	/* ospfd */
	void (*neighbors_changed)(void *user);			/* after frr_poll_neighbors() */
	/* after frr_poll_neighbors(): ospfd's configuration is another than when it
	 * was last read; told until it is read again */
	void (*config_changed)(void *user);
};

struct frr_config {
	const char *vtysh;			/* /usr/bin/vtysh */
	const char *vty_dir;		/* /run/frr */
	const char *run_dir;		/* for the temporary file */
};

struct frr *frr_new(struct loop *loop, const struct frr_config *config,
					const struct frr_handlers *handlers, void *user);
void frr_free(struct frr *f);
bool frr_running(const struct frr *f);
/** Stanzas of our links that are gone which the last look found, and began to take away. */
size_t frr_leftovers(const struct frr *f);
/**
 * Reads "show ip ospf vrf all …" into OSPF and OSPF_LINK resources (only VRFs of
 * ours, see frr_set_vrfs) and facts.neighbors.
 */
struct backend *frr_backend(struct frr *f);
/** VRF names whose OSPF instance is ours: copied. */
void frr_set_vrfs(struct frr *f, char *const *vrfs, size_t count);
/** A LAN link of one of them: copied. */
void frr_add_lan(struct frr *f, const char *vrf, const char *link);
/**
 * Ask ospfd for its neighbours on links ppvN: fn gets link and state, then NULL.
 * What somebody configured by hand is seen on the way: ospfd tells nobody.
 */
void frr_poll_neighbors(struct frr *f, void (*fn)(void *user, const char *link, const char *state), void *user);

#endif
