/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * tunnel.c - driving the peers' machines
 */
#include <stddef.h>
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

/* An attempt that charon shows no IKE_SA of after this has failed: not every
 * refusal comes with an alert. */
#define VANISHED_MS 2000
/* What charon said so long before a tunnel went is not why. */
#define HINT_MS 10000
/* First and last gap between two looks at one tunnel. */
#define LOOK_FIRST_MS 2000
#define LOOK_UP_MS 8000			/* first, at one that has just come up */
#define LOOK_LAST_MS 16000
/* A tunnel that hears nothing is told from one that has just come up. */
#define SILENCE_MIN_MS 10000

struct tunnels {
	struct loop *loop;
	struct tunnels_handlers handlers;
	void *user;
	struct tunnel **items;		/* sorted by conn */
	struct tunnel **by_link;	/* the same, while links_known */
	size_t count;
	bool links_known;
	struct turns turns;
	struct loop_timer *turn_timer;
	bool paused;
	bool spare;					/* tunnels_spare() */
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
	turn_end(&t->owner->turns, &t->turn);
	loop_timer_free(t->timer);
	free(t);
}

/* ---- the machine's driver -------------------------------------------------- */

static void event(struct tunnel *t, enum peer_event ev);

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

static void look_later(struct tunnel *t, uint64_t gap_ms)
{
	t->look_gap_ms = gap_ms;
	t->look_ms = loop_now_ms() + gap_ms;
}

static struct tunnel *turn_tunnel(struct turn *turn)
{
	return (struct tunnel*)((char*)turn - offsetof(struct tunnel, turn));
}

/* Those whose turn it is begin; the timer is set for the next one. */
static void serve_turns(struct tunnels *ts)
{
	struct turn *turn;
	uint64_t wait;

	while (!ts->paused && (turn = turns_next(&ts->turns, loop_now_ms())))
	{
		struct tunnel *t = turn_tunnel(turn);

		t->hint = NULL;
		arm(t, PEER_NEGOTIATION_MS);
		look_later(t, LOOK_FIRST_MS);
		ts->handlers.initiate(ts->user, t);
	}
	wait = turns_wait_ms(&ts->turns, loop_now_ms());
	if (ts->paused || wait == UINT64_MAX)
	{
		loop_timer_clear(ts->turn_timer);
		return;
	}
	loop_timer_set(ts->turn_timer, wait);
}

static void on_turn(void *user)
{
	serve_turns(user);
}

static void want_turn(struct tunnel *t)
{
	disarm(t);
	turn_want(&t->owner->turns, &t->turn);
	if (!t->owner->paused && !loop_timer_armed(t->owner->turn_timer))
	{
		loop_timer_set(t->owner->turn_timer, 0);
	}
}

/*
 * Through NAT only this end can begin again: once for each silence, and when the
 * NAT has another address, for what peers have leads to the old one.
 */
static void begin_anew(struct tunnel *t)
{
	t->owner->handlers.abandon(t->owner->user, t);
}

static void set_silent(struct tunnel *t, bool silent)
{
	if (t->silent != silent)
	{
		t->silent = silent;
		t->owner->handlers.alarm(t->owner->user, t, ERR_NO_TRAFFIC, silent);
	}
	if (silent && t->behind_nat && !t->begun_anew)
	{
		t->begun_anew = true;
		begin_anew(t);
	}
}

static void settle(struct tunnel *t)
{
	disarm(t);
	t->ups++;
	t->failures = 0;
	t->last_error = ERR_NONE;
	t->hint = NULL;
	look_later(t, LOOK_UP_MS);
	t->owner->handlers.alarm(t->owner->user, t, ERR_NONE, false);
}

/* Why it went: what charon said just before. */
static void went_down(struct tunnel *t)
{
	if (t->hint && loop_now_ms() - t->hint_ms <= HINT_MS)
	{
		t->last_error = t->hint->code;
	}
	t->hint = NULL;
	set_silent(t, false);
	arm(t, PEER_ASK_MS);
	t->owner->handlers.ask(t->owner->user, t);
}

/* A cause that says little gives way to what was said before. */
static void fail(struct tunnel *t, const struct cause *cause)
{
	if (t->hint && cause->severity == STATUS_CLEARED &&
		cause->class != CAUSE_LOCAL)
	{
		cause = t->hint;
	}
	t->last_error = cause->code;
	t->wait = cause->wait;
	event(t, t->failures + 1 >= t->retry.alarm_after ? PEER_EV_EXHAUSTED
													 : PEER_EV_FAILED);
}

static void act(struct tunnel *t, enum peer_action action)
{
	struct tunnels *ts = t->owner;

	switch (action)
	{
		case PEER_NOTHING:
			break;
		case PEER_INITIATE:
			want_turn(t);
			break;
		case PEER_ABANDON:
			ts->handlers.abandon(ts->user, t);
			fail(t, cause_find("no-answer"));
			break;
		case PEER_SETTLE:
			settle(t);
			break;
		case PEER_BACK_OFF:
		case PEER_GIVE_ALARM:
			t->failures++;
			arm(t, peer_backoff_ms(&t->retry, t->wait, t->initiator,
								   t->failures, random32()));
			if (action == PEER_GIVE_ALARM)
			{
				ts->handlers.alarm(ts->user, t, t->last_error, true);
			}
			break;
		case PEER_ASK:
			went_down(t);
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
	const struct peer_row *row = peer_row(t->state, ev);
	enum peer_state old = t->state;

	if (!row)
	{
		log_debug("peer", "%s: %s in state %s: nothing follows", t->conn,
				  peer_event_name(ev), peer_state_name(t->state));
		return;
	}
	t->state = row->next;
	if (row->next != old)
	{
		turn_end(&t->owner->turns, &t->turn);
		t->since_ms = loop_now_ms();
		log_debug("peer", "%s: %s -> %s (%s%s%s)", t->conn, peer_state_name(old),
				  peer_state_name(row->next), peer_event_name(ev),
				  t->last_error == ERR_NONE ? "" : ": ",
				  t->last_error == ERR_NONE ? "" : err_code_text(t->last_error));
	}
	act(t, row->action);
	if (row->next != old)
	{
		t->owner->handlers.changed(t->owner->user, t, old);
	}
}

/* At once, whatever the role; but nobody reaches a peer behind NAT. */
static void kick(struct tunnel *t)
{
	if (!t->passive)
	{
		event(t, PEER_EV_KICK);
	}
}

static void on_timer(void *user)
{
	struct tunnel *t = user;

	t->timer_ms = 0;
	if (!t->passive || (t->state != PEER_WAITING && t->state != PEER_ALARM))
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
	t->passive = peer->behind_nat;
	t->behind_nat = vpn->behind_nat;
	t->stale |= t->behind_nat && moved;
	t->retry = vpn->retry;
	t->silence_ms = (uint64_t)vpn->ospf.dead_interval * 1000;
	if (t->silence_ms < SILENCE_MIN_MS)
	{
		t->silence_ms = SILENCE_MIN_MS;
	}
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
			set_silent(ts->items[i], false);
			ts->handlers.alarm(ts->user, ts->items[i], ERR_NONE, false);
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
	ts->paused = false;
	for (size_t i = 0; i < ts->count; i++)
	{
		struct tunnel *t = ts->items[i];

		phase_done(t, STATUS_PHASE_APPLY);
		phases(t);
		if (t->stale && t->installed)
		{
			begin_anew(t);
		}
		t->stale = false;
		if (t->kick && !t->installed)
		{
			t->kick = false;
			kick(t);
		}
		else if (t->state == PEER_IDLE)
		{
			event(t, t->initiator ? PEER_EV_START : PEER_EV_STANDBY);
		}
	}
	serve_turns(ts);
}

void tunnels_pause(struct tunnels *ts)
{
	ts->paused = true;
}

/* ---- what was observed ----------------------------------------------------- */

static void copy_text(char *out, size_t size, const char *in)
{
	snprintf(out, size, "%s", in ? in : "");
}

/*
 * What comes out of the tunnel, while something goes in: at the very least the
 * neighbour's hellos. Counters begin anew with each rekeying.
 */
static void observed_traffic(struct tunnel *t)
{
	uint64_t now = loop_now_ms();

	if (t->installed && t->in_bytes > t->heard_bytes)
	{
		t->begun_anew = false;
	}
	if (!t->installed || t->in_bytes > t->heard_bytes || !t->heard_ms ||
		strcmp(t->ospf, "Full") == 0)
	{
		t->heard_ms = t->installed ? now : 0;
		t->said_bytes = t->out_bytes;
		set_silent(t, false);
	}
	else if (t->out_bytes < t->said_bytes)
	{
		t->said_bytes = 0;
	}
	else if (t->out_bytes > t->said_bytes &&
			 now - t->heard_ms >= t->silence_ms)
	{
		set_silent(t, true);
	}
	t->heard_bytes = t->in_bytes;
}

static bool vanished(const struct tunnel *t)
{
	return t->state == PEER_CONNECTING &&
		   !turn_waits(&t->owner->turns, &t->turn) &&
		   loop_now_ms() - t->turn.began_ms >= VANISHED_MS;
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
	t->spare = sa ? sa->spare : 0;
	t->owner->spare |= t->spare && t->initiator;
	t->installed = installed;
	observed_traffic(t);
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
	else if (!sa && vanished(t))
	{
		fail(t, cause_find("refused"));
	}
}

bool tunnel_look_due(struct tunnel *t)
{
	bool watched = t->state == PEER_CONNECTING ?
				   !turn_waits(&t->owner->turns, &t->turn) :
				   t->state == PEER_UP && strcmp(t->ospf, "Full") != 0;

	if (!watched || loop_now_ms() < t->look_ms)
	{
		return false;
	}
	look_later(t, t->look_gap_ms * 2 < LOOK_LAST_MS ? t->look_gap_ms * 2
													: LOOK_LAST_MS);
	return true;
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

/* A route that came after they were begun to be read may not be among them. */
static void observed_routes(struct tunnels *ts, const struct facts *facts,
							uint64_t begun_ms)
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
		t = ts->items[i];
		if (!t->listed && t->link[0] && t->route_ms < begun_ms)
		{
			tunnels_route(ts, t->link, false);
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
	observed_routes(ts, &seen->facts, seen->begun_ms);
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
		if (!t->ospf[0])
		{
			t->neighbor_ms = loop_now_ms();
		}
		copy_text(t->ospf, sizeof(t->ospf), state);
		if (strcmp(state, "Full") == 0)
		{	/* it could not be without hellos */
			set_silent(t, false);
		}
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

bool tunnel_neighbor_is_new(const struct tunnel *t, uint64_t looked_ms)
{
	return t->ospf[0] && t->neighbor_ms >= looked_ms;
}

void tunnels_route(struct tunnels *ts, const char *link, bool present)
{
	struct tunnel *t = find_link(ts, link);

	if (t && present)
	{
		t->route_ms = loop_now_ms();
	}
	if (t && t->route != present)
	{
		t->route = present;
		phases(t);
		ts->handlers.changed(ts->user, t, t->state);
	}
}

/* ---- causes and kicks ------------------------------------------------------ */

static void give_hint(struct tunnel *t, const struct cause *cause)
{
	t->hint = cause;
	t->hint_ms = loop_now_ms();
}

void tunnels_cause(struct tunnels *ts, const char *conn,
				   const struct cause *cause, bool ours)
{
	struct tunnel *t = conn ? tunnels_find(ts, conn) : NULL;

	if (!t)
	{
		return;
	}
	if (t->state == PEER_UP)
	{	/* a rekeying, or what ends it: child-down follows if it matters */
		give_hint(t, cause);
	}
	else if (t->state == PEER_CONNECTING && ours &&
			 !turn_waits(&ts->turns, &t->turn))
	{
		if (cause->effect == CAUSE_ENDS)
		{
			fail(t, cause);
		}
		else if (cause->effect == CAUSE_HINTS)
		{
			give_hint(t, cause);
		}
	}
	else if (!ours && cause->severity != STATUS_CLEARED)
	{	/* why the peer's own attempts fail */
		t->last_error = cause->code;
	}
}

void tunnels_answered(struct tunnels *ts)
{
	for (size_t i = 0; i < ts->count; i++)
	{
		if (ts->items[i]->state == PEER_ASKING)
		{
			event(ts->items[i], PEER_EV_ANSWERED);
		}
	}
}

void tunnels_kick(struct tunnels *ts, const char *conn)
{
	for (size_t i = 0; i < ts->count; i++)
	{
		struct tunnel *t = ts->items[i];

		if (!t->installed && (!conn || strcmp(conn, t->conn) == 0))
		{
			kick(t);
		}
	}
}

void tunnels_moved(struct tunnels *ts)
{
	for (size_t i = 0; i < ts->count; i++)
	{
		ts->items[i]->kick |= ts->items[i]->behind_nat;
	}
}

void tunnels_restarted(struct tunnels *ts)
{
	for (size_t i = 0; i < ts->count; i++)
	{
		if (ts->items[i]->state == PEER_CONNECTING)
		{	/* begins again, in its turn */
			want_turn(ts->items[i]);
		}
	}
	tunnels_kick(ts, NULL);
}

bool tunnels_spare(struct tunnels *ts)
{
	bool spare = ts->spare;

	ts->spare = false;
	return spare;
}

void tunnels_introduce(struct tunnels *ts)
{
	for (size_t i = 0; i < ts->count; i++)
	{
		struct tunnel *t = ts->items[i];

		if (t->state == PEER_WAITING && !t->initiator && !t->failures)
		{
			arm(t, peer_introduce_ms(&t->retry, random32()));
		}
	}
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
	ts->paused = true;
	ts->turn_timer = loop_timer_new(loop, on_turn, ts);
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
		loop_timer_free(ts->turn_timer);
		free(ts);
	}
}
