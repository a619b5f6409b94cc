/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * outlet.h - alarms leave the server: by webhook, and by syslog
 *
 * Effects: libcurl, syslog, a thread for each way. Level-triggered: a way asks
 * for the events after the one that it delivered last, and says which it has
 * delivered; so a restart loses none, and memory holds one batch. An event may
 * come twice after a crash: receivers know it by its id. Whatever a receiver
 * does, nobody but the way's own thread waits for it.
 */
#ifndef PPVPN_SERVER_OUTLET_H
#define PPVPN_SERVER_OUTLET_H

#include "err.h"
#include "server/outlet_text.h"

struct arena;
struct outlet;

enum outlet_way { OUTLET_WEBHOOK, OUTLET_SYSLOG, OUTLET_WAYS };

#define OUTLET_BATCH 64
#define OUTLET_POLL_MS 2000		/* for events of other processes */
#define OUTLET_RETRY_MS 1000	/* doubled up to */
#define OUTLET_RETRY_MAX_MS 300000
/* An event that the receiver itself refuses (400, 413, 415, 422) is tried so
   often, then logged and left behind; all else is tried until it works. */
#define OUTLET_REFUSED_MAX 3

/*
 * Where events come from. All are called on the way's thread, so each way needs
 * a database connection of its own. 0 or -errno with e filled; a fault is
 * logged once and tried again.
 */
struct outlet_source
{
	/** The last event that this way has delivered; 0: none. */
	int (*position)(void *user, enum outlet_way way, uint64_t *id,
					struct err *e);
	/** At most max events with greater ids, in their order, in the arena. */
	int (*after)(void *user, enum outlet_way way, uint64_t id,
				 struct arena *a, struct alarm_event **events, size_t max,
				 size_t *count, struct err *e);
	/** This one and all before it were delivered. */
	int (*delivered)(void *user, enum outlet_way way, uint64_t id,
					 struct err *e);
	void *user;
};

struct outlet_conf
{
	const char *webhook;		/* URL; NULL: none */
	const char *secret_file;	/* of the signature; NULL: none */
	const char *ca_file;		/* NULL: the system's */
	bool syslog;
	unsigned retry_ms;			/* 0: OUTLET_RETRY_MS; for tests */
};

/**
 * conf's texts and the source must outlive it. Without any way *outlet is NULL,
 * which is fine for the others.
 */
int outlet_start(const struct outlet_conf *conf,
				 const struct outlet_source *source, struct outlet **outlet,
				 struct err *e);
/** There may be new events: look now. Any thread, never blocks. */
void outlet_changed(struct outlet *outlet);
/** A delivery under way is given up and made after the next start. */
void outlet_stop(struct outlet *outlet);

struct outlet_stats
{
	uint64_t delivered, failed, dropped;	/* attempts that failed */
};
/** Whether alarms leave by it. */
bool outlet_has(const struct outlet *outlet, enum outlet_way way);
void outlet_stats(struct outlet *outlet, enum outlet_way way,
				  struct outlet_stats *stats);

#endif
