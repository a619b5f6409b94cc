/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * tunnel.c - driving the peers' machines
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "conf.h"
#include "log.h"
#include "loop.h"
#include "provider.h"
#include "seal.h"
#include "tunnel.h"

/* Attempts are started at least this far apart, so that a hub that boots with
 * a thousand peers does not stampede. */
#define PACE_MS 20
/* An attempt that charon shows no IKE_SA of after this has failed: not every
 * refusal comes with an alert. */
#define VANISHED_MS 2000

struct tunnels {
	struct loop *loop;
	struct tunnels_handlers handlers;
	void *user;
	struct tunnel **items;		/* sorted by conn */
	struct tunnel **by_link;	/* the same, while links_known */
	size_t count;
	bool links_known;
	uint64_t next_slot_ms;
};

static uint32_t random32(void)
{
	uint32_t r;

	seal_random(&r, sizeof(r));
	return r;
}

/* ---- the table ------------------------------------------------------------- */

static int compare(const void *a, const void *b)
{
	const struct tunnel *const *x = a, *const *y = b;

	return strcmp((*x)->conn, (*y)->conn);
}

static int compare_key(const void *key, const void *item)
{
	return strcmp(key, (*(const struct tunnel *const*)item)->conn);
}

struct tunnel *tunnels_find(const struct tunnels *ts, const char *conn)
{
	struct tunnel **found;

	found = ts->count ? bsearch(conn, ts->items, ts->count, sizeof(*ts->items),
								compare_key) : NULL;
	return found ? *found : NULL;
}

struct tunnel *tunnels_find_remote(const struct tunnels *ts,
								   const struct addr *remote)
{
	for (size_t i = 0; i < ts->count; i++)
	{
		if (addr_equal(&ts->items[i]->remote, remote))
		{
			return ts->items[i];
		}
	}
	return NULL;
}

struct tunnel *tunnels_find_identity(const struct tunnels *ts,
									 const char *identity)
{
	for (size_t i = 0; i < ts->count; i++)
	{
		if (strcmp(ts->items[i]->identity, identity) == 0)
		{
			return ts->items[i];
		}
	}
	return NULL;
}

static int compare_link(const void *a, const void *b)
{
	const struct tunnel *const *x = a, *const *y = b;

	return strcmp((*x)->link, (*y)->link);
}

static int compare_link_key(const void *key, const void *item)
{
	return strcmp(key, (*(const struct tunnel *const*)item)->link);
}

/* Every neighbour of every poll is looked up: not in O(tunnels). */
static struct tunnel *find_link(struct tunnels *ts, const char *link)
{
	struct tunnel **found;

	if (!ts->links_known)
	{
		free(ts->by_link);
		ts->by_link = xcalloc(ts->count + 1, sizeof(*ts->by_link));
		if (ts->count)
		{
			memcpy(ts->by_link, ts->items, ts->count * sizeof(*ts->items));
			qsort(ts->by_link, ts->count, sizeof(*ts->by_link), compare_link);
		}
		ts->links_known = true;
	}
	found = ts->count ? bsearch(link, ts->by_link, ts->count,
								sizeof(*ts->by_link), compare_link_key) : NULL;
	return found ? *found : NULL;
}

size_t tunnels_count(const struct tunnels *ts)
{
	return ts->count;
}

struct tunnel *tunnels_get(const struct tunnels *ts, size_t i)
{
	return ts->items[i];
}

static void tunnel_free(struct tunnel *t)
{
	loop_timer_free(t->timer);
	free(t);
}

/* ---- the machine's driver -------------------------------------------------- */

static void arm(struct tunnel *t, uint64_t ms)
{
	t->timer_ms = loop_now_ms() + ms;
	loop_timer_set(t->timer, ms);
}

static void disarm(struct tunnel *t)
{
	t->timer_ms = 0;
	loop_timer_clear(t->timer);
}

static void settle(struct tunnel *t)
{
	bool alarmed = t->failures > 0;

	disarm(t);
	t->failures = 0;
	t->last_error = ERR_NONE;
	if (alarmed)
	{
		t->owner->handlers.alarm(t->owner->user, t, false);
	}
}

static void act(struct tunnel *t, enum peer_action action)
{
	struct tunnels *ts = t->owner;

	switch (action)
	{
		case PEER_NOTHING:
			break;
		case PEER_INITIATE:
			arm(t, PEER_NEGOTIATION_MS);
			ts->handlers.initiate(ts->user, t);
			break;
		case PEER_SETTLE:
			settle(t);
			break;
		case PEER_BACK_OFF:
		case PEER_GIVE_ALARM:
			t->failures++;
			arm(t, peer_backoff_ms(&t->retry, t->failures, random32()));
			if (action == PEER_GIVE_ALARM)
			{
				ts->handlers.alarm(ts->user, t, true);
			}
			break;
		case PEER_HOLD:
			arm(t, peer_hold_ms(&t->retry, t->initiator, random32()));
			break;
		case PEER_STOP:
			disarm(t);
			break;
	}
}

static void event(struct tunnel *t, enum peer_event ev)
{
	const struct peer_row *row;
	enum peer_state old = t->state;

	if (ev == PEER_EV_FAILED && t->failures + 1 >= t->retry.alarm_after)
	{
		ev = PEER_EV_EXHAUSTED;
	}
	row = peer_row(t->state, ev);
	if (!row)
	{
		log_debug("peer", "%s: %s in state %s: nothing follows", t->conn,
				  peer_event_name(ev), peer_state_name(t->state));
		return;
	}
	t->state = row->next;
	if (row->next != old)
	{
		t->since_ms = loop_now_ms();
		log_info("peer", "%s: %s -> %s (%s)", t->conn, peer_state_name(old),
				 peer_state_name(row->next), peer_event_name(ev));
	}
	act(t, row->action);
	if (row->next != old)
	{
		t->owner->handlers.changed(t->owner->user, t, old);
	}
}

/* A turn in the pace of attempts, from now. */
static uint64_t pace(struct tunnels *ts)
{
	uint64_t now = loop_now_ms();

	if (ts->next_slot_ms < now)
	{
		ts->next_slot_ms = now;
	}
	ts->next_slot_ms += PACE_MS;
	return ts->next_slot_ms - PACE_MS - now;
}

/* The timer serves the states, and before the first attempt the pace. */
static void on_timer(void *user)
{
	struct tunnel *t = user;

	t->timer_ms = 0;
	if (t->kick)
	{
		t->kick = false;
		event(t, PEER_EV_KICK);
	}
	else if (t->state == PEER_IDLE)
	{
		event(t, PEER_EV_START);
	}
	else
	{
		event(t, PEER_EV_TIMEOUT);
	}
}

/* ---- the document ---------------------------------------------------------- */

static struct tunnel *tunnel_new(struct tunnels *ts, const char *conn,
								 const struct provider_document *d)
{
	struct tunnel *t = xcalloc(1, sizeof(*t));

	t->owner = ts;
	snprintf(t->conn, sizeof(t->conn), "%s", conn);
	t->timer = loop_timer_new(ts->loop, on_timer, t);
	t->since_ms = loop_now_ms();
	if (!d->from_disk)
	{
		t->has_service = true;
		t->service.revision = d->doc->revision;
		t->service.done = STATUS_PHASE_APPLY;
		t->service.ms[STATUS_PHASE_FETCH] = d->checked_ms - d->first_byte_ms;
		t->phase_ms = d->checked_ms;
	}
	return t;
}

static void tunnel_update(struct tunnel *t, const struct model_vpn *vpn,
						  const struct model_peer *peer)
{
	bool moved = t->remote.family &&
				 (!addr_equal(&t->remote, &peer->remote_address) ||
				  !addr_equal(&t->local, &vpn->ce_address));

	snprintf(t->customer, sizeof(t->customer), "%s", vpn->customer);
	snprintf(t->vpn, sizeof(t->vpn), "%s", vpn->vpn);
	snprintf(t->peer, sizeof(t->peer), "%s", peer->peer);
	snprintf(t->identity, sizeof(t->identity), "%s", peer->identity);
	t->local = vpn->ce_address;
	t->remote = peer->remote_address;
	t->initiator = peer->initiator == MODEL_LOCAL;
	t->retry = vpn->retry;
	t->listed = true;
	t->kick |= moved;
}

static struct tunnel **merge_vpn(struct tunnels *ts, struct tunnel **out,
								 const struct model_vpn *vpn,
								 const struct provider_document *d)
{
	char conn[CONN_NAME_SIZE];
	struct tunnel *t;

	for (size_t i = 0; i < vpn->peer_count; i++)
	{
		conn_name_build(conn, vpn->customer, vpn->vpn, vpn->peers[i].peer);
		t = tunnels_find(ts, conn);
		if (!t)
		{
			t = tunnel_new(ts, conn, d);
		}
		tunnel_update(t, vpn, &vpn->peers[i]);
		*out++ = t;
	}
	return out;
}

void tunnels_document(struct tunnels *ts, const struct conf *conf,
					  const struct provider_document *d)
{
	struct tunnel **items, **end;
	size_t n = 0;

	for (size_t i = 0; i < ts->count; i++)
	{
		ts->items[i]->listed = false;
	}
	for (size_t i = 0; i < d->doc->vpn_count; i++)
	{
		n += d->doc->vpns[i].peer_count;
	}
	items = end = xcalloc(n + 1, sizeof(*items));
	for (size_t i = 0; i < d->doc->vpn_count; i++)
	{
		const struct model_vpn *vpn = &d->doc->vpns[i];

		if (conf_vpn(conf, vpn->customer, vpn->vpn))
		{
			end = merge_vpn(ts, end, vpn, d);
		}
	}
	for (size_t i = 0; i < ts->count; i++)
	{
		if (!ts->items[i]->listed)
		{
			event(ts->items[i], PEER_EV_REMOVED);
			ts->handlers.alarm(ts->user, ts->items[i], false);
			tunnel_free(ts->items[i]);
		}
	}
	free(ts->items);
	ts->items = items;
	ts->count = end - items;
	ts->links_known = false;
	qsort(ts->items, ts->count, sizeof(*ts->items), compare);
}

static void phase_done(struct tunnel *t, enum status_phase phase)
{
	uint64_t now = loop_now_ms();

	if (t->has_service && t->service.done == phase)
	{
		t->service.ms[phase] = now - t->phase_ms;
		t->service.done++;
		t->phase_ms = now;
		t->owner->handlers.changed(t->owner->user, t, t->state);
	}
}

/* Later phases may have been reached before an earlier one was seen to be. */
static void phases(struct tunnel *t)
{
	if (t->installed)
	{
		phase_done(t, STATUS_PHASE_IKE);
	}
	if (strcmp(t->ospf, "Full") == 0)
	{
		phase_done(t, STATUS_PHASE_OSPF);
	}
	if (t->route)
	{
		phase_done(t, STATUS_PHASE_ROUTE);
	}
}

void tunnels_ready(struct tunnels *ts)
{
	for (size_t i = 0; i < ts->count; i++)
	{
		struct tunnel *t = ts->items[i];

		phase_done(t, STATUS_PHASE_APPLY);
		phases(t);
		if (t->kick && t->state != PEER_CONNECTING && !t->installed)
		{
			arm(t, pace(ts));
		}
		else if (t->state == PEER_IDLE && !t->timer_ms)
		{
			if (t->initiator)
			{
				arm(t, pace(ts));
			}
			else
			{
				event(t, PEER_EV_STANDBY);
			}
		}
	}
}

/* ---- what was observed ----------------------------------------------------- */

static void copy_text(char *out, size_t size, const char *in)
{
	snprintf(out, size, "%s", in ? in : "");
}

static void observed_sa(struct tunnel *t, const struct fact_sa *sa)
{
	bool installed = sa && sa->installed > 0, was = t->installed;

	copy_text(t->ike, sizeof(t->ike), sa ? sa->ike_state : "");
	copy_text(t->child, sizeof(t->child), sa ? sa->child_state : "");
	copy_text(t->proposal, sizeof(t->proposal), sa ? sa->proposal : "");
	t->in_bytes = sa ? sa->in_bytes : 0;
	t->out_bytes = sa ? sa->out_bytes : 0;
	t->mark = sa ? sa->mark : 0;
	t->spi_in = sa ? sa->spi_in : 0;
	t->spi_out = sa ? sa->spi_out : 0;
	t->installed = installed;
	if (installed && t->state != PEER_UP)
	{
		event(t, PEER_EV_CHILD_UP);
		phases(t);
	}
	else if (!installed && (was || t->state == PEER_UP))
	{
		t->route = false;
		t->ospf[0] = '\0';
		event(t, PEER_EV_CHILD_DOWN);
	}
	else if (!sa && t->state == PEER_CONNECTING &&
			 loop_now_ms() - t->since_ms >= VANISHED_MS)
	{
		if (t->last_error == ERR_NONE)
		{
			t->last_error = ERR_REFUSED;
		}
		event(t, PEER_EV_FAILED);
	}
}

static void observed_one(struct tunnel *t, const struct observation *seen)
{
	const struct resource *r;
	const char *name;

	if (!(seen->facts.unknown_kinds & RES_BIT(RES_SA)))
	{
		observed_sa(t, facts_sa(&seen->facts, t->conn));
	}
	if (!(seen->facts.unknown_kinds & RES_BIT(RES_LINK)))
	{
		r = resource_find(&seen->have, RES_LINK, t->conn);
		name = r ? ((const struct res_link*)r->spec)->name : "";
		if (strcmp(t->link, name) != 0)
		{
			copy_text(t->link, sizeof(t->link), name);
			t->owner->links_known = false;
		}
	}
}

static void observed_routes(struct tunnels *ts, const struct facts *facts)
{
	struct tunnel *t;

	if (facts->unknown_kinds & RES_BIT(RES_LINK))
	{
		return;
	}
	for (size_t i = 0; i < facts->routed_count; i++)
	{
		t = find_link(ts, facts->routed[i]);
		if (t)
		{
			t->listed = true;
			tunnels_route(ts, t->link, true);
		}
	}
	for (size_t i = 0; i < ts->count; i++)
	{
		if (!ts->items[i]->listed && ts->items[i]->link[0])
		{
			tunnels_route(ts, ts->items[i]->link, false);
		}
	}
}

void tunnels_observed(struct tunnels *ts, const struct observation *seen,
					  const char *group)
{
	struct tunnel *t;

	if (group)
	{
		t = tunnels_find(ts, group);
		if (t)
		{
			observed_one(t, seen);
		}
		return;
	}
	for (size_t i = 0; i < ts->count; i++)
	{
		ts->items[i]->listed = false;
		observed_one(ts->items[i], seen);
	}
	observed_routes(ts, &seen->facts);
}

void tunnels_neighbors_begin(struct tunnels *ts)
{
	for (size_t i = 0; i < ts->count; i++)
	{
		ts->items[i]->listed = false;
	}
}

void tunnels_neighbor(struct tunnels *ts, const char *link, const char *state)
{
	struct tunnel *t = find_link(ts, link);

	if (t)
	{
		bool changed = strcmp(t->ospf, state) != 0;

		t->listed = true;
		copy_text(t->ospf, sizeof(t->ospf), state);
		phases(t);
		if (changed)
		{
			ts->handlers.changed(ts->user, t, t->state);
		}
	}
}

void tunnels_neighbors_end(struct tunnels *ts)
{
	for (size_t i = 0; i < ts->count; i++)
	{
		struct tunnel *t = ts->items[i];

		if (!t->listed && t->ospf[0])
		{
			t->ospf[0] = '\0';
			ts->handlers.changed(ts->user, t, t->state);
		}
	}
}

void tunnels_route(struct tunnels *ts, const char *link, bool present)
{
	struct tunnel *t = find_link(ts, link);

	if (t && t->route != present)
	{
		t->route = present;
		phases(t);
		ts->handlers.changed(ts->user, t, t->state);
	}
}

/* ---- failures and kicks ---------------------------------------------------- */

void tunnels_failed(struct tunnels *ts, const char *conn, const char *remote,
					enum err_code code)
{
	struct tunnel *t = conn ? tunnels_find(ts, conn) : NULL;
	struct addr address;

	if (!t && remote && addr_parse4(remote, &address) == 0)
	{
		t = tunnels_find_remote(ts, &address);
	}
	if (t)
	{
		t->last_error = code;
		event(t, PEER_EV_FAILED);
	}
}

void tunnels_kick(struct tunnels *ts, const char *conn)
{
	for (size_t i = 0; i < ts->count; i++)
	{
		struct tunnel *t = ts->items[i];

		if ((conn && strcmp(conn, t->conn) != 0) || t->installed ||
			t->state == PEER_CONNECTING)
		{
			continue;
		}
		t->kick = true;
		arm(t, pace(ts));
	}
}

void tunnels_restarted(struct tunnels *ts)
{
	for (size_t i = 0; i < ts->count; i++)
	{
		if (ts->items[i]->state == PEER_CONNECTING)
		{
			event(ts->items[i], PEER_EV_TIMEOUT);
		}
	}
	tunnels_kick(ts, NULL);
}

bool tunnels_settling(const struct tunnels *ts)
{
	for (size_t i = 0; i < ts->count; i++)
	{
		if (ts->items[i]->installed && strcmp(ts->items[i]->ospf, "Full") != 0)
		{
			return true;
		}
	}
	return false;
}

struct tunnels *tunnels_new(struct loop *loop,
							const struct tunnels_handlers *handlers, void *user)
{
	struct tunnels *ts = xcalloc(1, sizeof(*ts));

	ts->loop = loop;
	ts->handlers = *handlers;
	ts->user = user;
	return ts;
}

void tunnels_free(struct tunnels *ts)
{
	if (ts)
	{
		for (size_t i = 0; i < ts->count; i++)
		{
			tunnel_free(ts->items[i]);
		}
		free(ts->items);
		free(ts->by_link);
		free(ts);
	}
}
