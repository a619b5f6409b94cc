/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * store_link.c - the tunnels of a VPN: what topology, roles and settings say
 *
 * Owns the tables link and link_removed. Tunnels are derived: what should be is
 * compared with what is, and only what differs is written and told.
 */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/store_work.h"
#include "server/topology.h"

#define REMOVED_MS (30LL * 24 * 3600 * 1000)

struct member
{
	int64_t id;
	char *name, *address;
	int role;
	bool suspended;				/* its CE: its document has no tunnels */
	bool behind_nat, told_nat;	/* is; as the documents have it */
};

/* Of two sites, a the newer one: what is said of them, or a tunnel of theirs. */
struct pair
{
	int64_t a, b;
	bool wanted;				/* a setting: whatever the topology says */
	int64_t profile;			/* 0: the VPN's own */
	int64_t cost, initiator;	/* 0: as usual */
	char *low, *high;			/* a tunnel: its ends' addresses */
};

struct pairs
{
	struct pair *items;
	size_t count, next;			/* next: in a walk in their order */
};

/* What one look at a VPN found and does. */
struct sync
{
	struct store *s;
	struct arena *a;
	const struct store_vpn *vpn;
	struct member *members;
	size_t member_count;
	struct pairs settings, links;
	/* to be done, in this order */
	struct pairs gone, changed, fresh;
	/* a tunnel that NAT stands against, and why; NULL: there is none */
	const struct member *barred[2];
	const char *why;
};

/* ---- reading --------------------------------------------------------------------- */

static int read_members(struct sync *y, struct err *e)
{
	struct member *member;
	struct db_rows *rows;
	int rc;

	rc = db_query(y->s->db, "SELECT t.id, t.name, t.ce_address, t.role, "
				  "ce.suspended_revision, "
				  STORE_IS_BEHIND_NAT("ce", "t") ", t.behind_nat FROM site t "
				  "JOIN ce ON ce.id = t.ce_id "
				  "WHERE t.vpn_id = $1 ORDER BY t.id",
				  DB_ARGS(db_i((int64_t)y->vpn->id)), &rows, e);
	if (rc < 0)
	{
		return rc;
	}
	while ((rc = db_next(rows, e)) == 1)
	{
		member = store_array_add(y->a, (void **)&y->members, &y->member_count,
								 sizeof(*member));
		member->id = db_col_int(rows, 0);
		member->name = arena_strdup(y->a, db_col_text(rows, 1));
		member->address = arena_strdup(y->a, db_col_text(rows, 2));
		member->suspended = db_col_int(rows, 4) != 0;
		member->behind_nat = db_col_int(rows, 5) != 0;
		member->told_nat = db_col_int(rows, 6) != 0;
		rc = store_word(conf_roles, db_col_text(rows, 3), &member->role, e);
		if (rc < 0)
		{
			break;
		}
	}
	db_end(rows);
	return rc;
}

static struct pair *pairs_add(struct sync *y, struct pairs *pairs,
							  const struct pair *pair)
{
	struct pair *item = store_array_add(y->a, (void **)&pairs->items,
										&pairs->count, sizeof(*item));

	*item = *pair;
	return item;
}

static int read_pairs(struct sync *y, struct pairs *pairs, const char *sql,
					  int64_t id, struct err *e)
{
	struct db_rows *rows;
	struct pair *pair;
	int rc;

	rc = db_query(y->s->db, sql, DB_ARGS(db_i(id)), &rows, e);
	if (rc < 0)
	{
		return rc;
	}
	while ((rc = db_next(rows, e)) == 1)
	{
		pair = pairs_add(y, pairs, &(struct pair){ 0 });
		pair->a = db_col_int(rows, 0);
		pair->b = db_col_int(rows, 1);
		pair->profile = db_col_int(rows, 2);
		pair->cost = db_col_int(rows, 3);
		pair->initiator = db_col_int(rows, 4);
		pair->wanted = db_col_int(rows, 5) != 0;
		pair->low = arena_strdup(y->a, db_col_text(rows, 6));
		pair->high = arena_strdup(y->a, db_col_text(rows, 7));
	}
	db_end(rows);
	return rc;
}

#define SETTING "SELECT site_a, site_b, profile_id, cost, initiator, wanted, " \
	"'', '' FROM link_setting WHERE "
#define LINK "SELECT site_a, site_b, profile_id, cost, initiator, 1, " \
	"address_low, address_high FROM link WHERE "
/* the order in which a walk meets the pairs of all sites, or of one */
#define IN_ORDER " ORDER BY 1, 2"

static int read_all(struct sync *y, int64_t site_id, struct err *e)
{
	int64_t vpn_id = (int64_t)y->vpn->id;
	int rc = read_members(y, e);

	if (rc < 0)
	{
		return rc;
	}
	if (site_id)
	{
		rc = read_pairs(y, &y->settings, SETTING "site_a = $1 OR site_b = $1"
						IN_ORDER, site_id, e);
		return rc < 0 ? rc : read_pairs(y, &y->links, LINK "site_a = $1 "
										"UNION ALL " LINK "site_b = $1"
										IN_ORDER, site_id, e);
	}
	rc = read_pairs(y, &y->settings, SETTING "vpn_id = $1" IN_ORDER, vpn_id,
					e);
	return rc < 0 ? rc : read_pairs(y, &y->links, LINK "vpn_id = $1" IN_ORDER,
									vpn_id, e);
}

/* ---- comparing ------------------------------------------------------------------- */

/* The item of this pair, when the walk has come to it; else NULL. */
static struct pair *pairs_at(struct pairs *pairs, int64_t a, int64_t b)
{
	struct pair *item;

	while (pairs->next < pairs->count)
	{
		item = &pairs->items[pairs->next];
		if (item->a > a || (item->a == a && item->b > b))
		{
			return NULL;
		}
		pairs->next++;
		if (item->a == a && item->b == b)
		{
			return item;
		}
	}
	return NULL;
}

static bool same_tunnel(const struct pair *x, const struct pair *y)
{
	return x->profile == y->profile && x->cost == y->cost &&
		   x->initiator == y->initiator && strcmp(x->low, y->low) == 0 &&
		   strcmp(x->high, y->high) == 0;
}

/*
 * Who begins: what was said, else what the topology says; but through NAT the
 * side behind it, and nobody where both are.
 */
static int64_t choose_initiator(struct sync *y, const struct member *newer,
								const struct member *older, int64_t said)
{
	const struct member *behind = newer->behind_nat ? newer : older;
	int64_t usual = topology_begins(newer->role, (uint64_t)newer->id,
									older->role, (uint64_t)older->id)
		? newer->id : older->id;

	if (!behind->behind_nat)
	{
		return said ? said : usual;
	}
	if (newer->behind_nat && older->behind_nat)
	{
		y->why = "both are behind NAT, and neither could begin";
	}
	else if (said && said != behind->id)
	{
		y->why = "its initiator is not the site that is behind NAT";
	}
	if (y->why && !y->barred[0])
	{
		y->barred[0] = newer;
		y->barred[1] = older;
	}
	return behind->id;
}

static int check_nat(const struct sync *y, struct err *e)
{
	char place[PLACE_SIZE];

	if (!y->why)
	{
		return 0;
	}
	snprintf(place, sizeof(place), "%s/%s/%s", y->vpn->customer, y->vpn->vpn,
			 y->barred[0]->name);
	return err_set(e, -EINVAL, ERR_NAT, place, "no tunnel to %s: %s",
				   y->barred[1]->name, y->why);
}

static void compare_pair(struct sync *y, const struct member *newer,
						 const struct member *older)
{
	const struct pair *setting = pairs_at(&y->settings, newer->id, older->id);
	const struct pair *link = pairs_at(&y->links, newer->id, older->id);
	bool lower = strcmp(newer->address, older->address) < 0;
	struct pair want = { .a = newer->id, .b = older->id };

	if (!topology_links(y->vpn->topology, newer->role, older->role) &&
		!(setting && setting->wanted))
	{
		if (link)
		{
			pairs_add(y, &y->gone, link);
		}
		return;
	}
	if (setting)
	{
		want.profile = setting->profile;
		want.cost = setting->cost;
		want.initiator = setting->initiator;
	}
	want.initiator = choose_initiator(y, newer, older, want.initiator);
	want.low = lower ? newer->address : older->address;
	want.high = lower ? older->address : newer->address;
	if (!link)
	{
		pairs_add(y, &y->fresh, &want);
	}
	else if (!same_tunnel(link, &want))
	{
		/* how it changes is told by its old profile */
		pairs_add(y, &y->changed, &want)->wanted =
			link->profile != want.profile;
	}
}

static void compare_all(struct sync *y)
{
	size_t i, j;

	for (i = 1; i < y->member_count; i++)
	{
		for (j = 0; j < i; j++)
		{
			compare_pair(y, &y->members[i], &y->members[j]);
		}
	}
}

static void compare_one(struct sync *y, int64_t site_id)
{
	const struct member *site = NULL;
	size_t i;

	for (i = 0; i < y->member_count && !site; i++)
	{
		site = y->members[i].id == site_id ? &y->members[i] : NULL;
	}
	for (i = 0; site && i < y->member_count; i++)
	{
		if (y->members[i].id < site_id)
		{
			compare_pair(y, site, &y->members[i]);
		}
		else if (y->members[i].id > site_id)
		{
			compare_pair(y, &y->members[i], site);
		}
	}
}

/* ---- writing --------------------------------------------------------------------- */

static const struct member *find_member(const struct sync *y, int64_t id)
{
	size_t low = 0, high = y->member_count, middle;

	while (low < high)
	{
		middle = low + (high - low) / 2;
		if (y->members[middle].id == id)
		{
			return &y->members[middle];
		}
		*(id < y->members[middle].id ? &high : &low) =
			id < y->members[middle].id ? middle : middle + 1;
	}
	return NULL;
}

/*
 * A suspended CE's document has no tunnels, and its peers' say of them only
 * that they are there and suspended.
 */
static int touch_end(struct sync *y, const struct member *end,
					 const struct member *peer, int change, struct err *e)
{
	bool says = change == STORE_ADDED || change == STORE_REMOVED ||
				!peer->suspended;

	return end->suspended || !says ? 0 : store_touch_site(y->s, end->id, e);
}

static int told(struct sync *y, const struct pair *pair, int change,
				struct err *e)
{
	const struct member *a = find_member(y, pair->a);
	const struct member *b = find_member(y, pair->b);
	int rc = touch_end(y, a, b, change, e);

	store_effect(y->s, y->vpn->customer, y->vpn->vpn, a->name, b->name,
				 change);
	return rc < 0 ? rc : touch_end(y, b, a, change, e);
}

/*
 * Expired explanations go only together with a change of their site: a
 * document's content must not change without its revision.
 */
static int explain(struct store *s, int64_t site_id, const char *peer,
				   const char *reason, struct err *e)
{
	int64_t now = store_now_ms();
	int rc;

	rc = store_removal_expire(s, site_id, now - REMOVED_MS, e);
	if (rc < 0)
	{
		return rc;
	}
	return db_run(s->db, "INSERT INTO link_removed (site_id, peer, revision, "
				  "at_ms, reason) VALUES ($1, $2, $3, $4, $5) "
				  "ON CONFLICT (site_id, peer) DO UPDATE SET revision = $3, "
				  "at_ms = $4, reason = $5",
				  DB_ARGS(db_i(site_id), db_t(peer),
						  db_i((int64_t)s->revision), db_i(now),
						  db_t(reason)), e);
}

static int drop_link(struct store *s, int64_t a, int64_t b, struct err *e)
{
	int rc = store_psk_retire(s, a, b, e);

	/* keys go with the tunnel; what its ends reported, too */
	if (rc == 0)
	{
		rc = db_run(s->db, "DELETE FROM link WHERE site_a = $1 "
					"AND site_b = $2", DB_ARGS(db_i(a), db_i(b)), e);
	}
	if (rc == 0)
	{
		rc = db_run(s->db, "DELETE FROM tunnel_status WHERE "
					"(site_id = $1 AND peer_id = $2) OR "
					"(site_id = $2 AND peer_id = $1)",
					DB_ARGS(db_i(a), db_i(b)), e);
	}
	if (rc == 0)
	{
		rc = db_run(s->db, "DELETE FROM tunnel_notify WHERE "
					"(site_id = $1 AND peer_id = $2) OR "
					"(site_id = $2 AND peer_id = $1)",
					DB_ARGS(db_i(a), db_i(b)), e);
	}
	if (rc == 0)
	{
		rc = db_run(s->db, "DELETE FROM tunnel_down WHERE "
					"(site_id = $1 AND peer_id = $2) OR "
					"(site_id = $2 AND peer_id = $1)",
					DB_ARGS(db_i(a), db_i(b)), e);
	}
	return rc;
}

static int remove_link(struct sync *y, const struct pair *pair, struct err *e)
{
	const char *reason = "topology-changed";
	int rc;

	if ((rc = drop_link(y->s, pair->a, pair->b, e)) < 0 ||
		(rc = explain(y->s, pair->a, find_member(y, pair->b)->name, reason,
					  e)) < 0 ||
		(rc = explain(y->s, pair->b, find_member(y, pair->a)->name, reason,
					  e)) < 0)
	{
		return rc;
	}
	return told(y, pair, STORE_REMOVED, e);
}

/* A VTI carries one tunnel per pair of addresses, whatever the VPN. */
static int check_pair(struct sync *y, const struct pair *pair, struct err *e)
{
	const char *peer = find_member(y, pair->b)->name;
	char place[PLACE_SIZE];
	struct db_rows *rows;
	int rc;

	rc = db_query(y->s->db, "SELECT cu.name, v.name, a.name, b.name "
				  "FROM link l JOIN vpn v ON v.id = l.vpn_id "
				  "JOIN customer cu ON cu.id = v.customer_id "
				  "JOIN site a ON a.id = l.site_a "
				  "JOIN site b ON b.id = l.site_b "
				  "WHERE l.address_low = $1 AND l.address_high = $2",
				  DB_ARGS(db_t(pair->low), db_t(pair->high)), &rows, e);
	if (rc < 0)
	{
		return rc;
	}
	rc = db_next(rows, e);
	if (rc == 1)
	{
		snprintf(place, sizeof(place), "%s/%s/%s", y->vpn->customer,
				 y->vpn->vpn, find_member(y, pair->a)->name);
		rc = err_set(e, -EINVAL, ERR_TUNNEL_PAIR, place,
					 "the tunnel to %s would be a second one between %s and "
					 "%s: VPN %s/%s has one there (sites %s and %s)",
					 peer, pair->low, pair->high, db_col_text(rows, 0),
					 db_col_text(rows, 1), db_col_text(rows, 2),
					 db_col_text(rows, 3));
	}
	db_end(rows);
	return rc;
}

static int give_keys(struct sync *y, const struct pair *pair, struct err *e)
{
	int rc = y->s->work->reverting
		? store_psk_restore(y->s, pair->a, pair->b, y->s->work->reverting, e)
		: 0;

	if (rc)
	{
		return rc < 0 ? rc : store_rotation_restore(y->s,
			(int64_t)y->vpn->id, pair->a, pair->b, e);
	}
	return store_psk_make(y->s, pair->a, pair->b, 1, "send-and-accept", e);
}

static int add_link(struct sync *y, const struct pair *pair, struct err *e)
{
	int rc = check_pair(y, pair, e);

	if (rc == 0)
	{
		rc = db_run(y->s->db, "INSERT INTO link (vpn_id, site_a, site_b, "
					"address_low, address_high, initiator, revision, "
					"profile_id, cost, keyed_ms) VALUES ($1, $2, $3, $4, $5, "
					"$6, $7, CASE WHEN $8 = 0 THEN NULL ELSE $8 END, $9, "
					"$10)",
					DB_ARGS(db_i((int64_t)y->vpn->id), db_i(pair->a),
							db_i(pair->b), db_t(pair->low), db_t(pair->high),
							db_i(pair->initiator),
							db_i((int64_t)y->s->revision), db_i(pair->profile),
							db_i(pair->cost), db_i(store_now_ms())), e);
	}
	if (rc == 0)
	{
		rc = give_keys(y, pair, e);
	}
	/* there again: nothing to explain any more */
	if (rc == 0)
	{
		rc = db_run(y->s->db, "DELETE FROM link_removed WHERE "
					"(site_id = $1 AND peer = $4) OR "
					"(site_id = $2 AND peer = $3)",
					DB_ARGS(db_i(pair->a), db_i(pair->b),
							db_t(find_member(y, pair->a)->name),
							db_t(find_member(y, pair->b)->name)), e);
	}
	/* every tunnel begins with a key */
	if (rc == 0 && y->vpn->authentication == MODEL_CERTIFICATE)
	{
		rc = db_run(y->s->db, "UPDATE vpn SET moving = 1 WHERE id = $1",
					DB_ARGS(db_i((int64_t)y->vpn->id)), e);
	}
	return rc < 0 ? rc : told(y, pair, STORE_ADDED, e);
}

/* First all let go of their addresses: two of them may change places. */
static int let_go(struct sync *y, const struct pair *pair, struct err *e)
{
	return db_run(y->s->db, "UPDATE link SET address_low = $3, "
				  "address_high = $4 WHERE site_a = $1 AND site_b = $2",
				  DB_ARGS(db_i(pair->a), db_i(pair->b),
						  db_t(arena_printf(y->a, "%lld-%lld low",
											(long long)pair->a,
											(long long)pair->b)),
						  db_t(arena_printf(y->a, "%lld-%lld high",
											(long long)pair->a,
											(long long)pair->b))), e);
}

static int change_link(struct sync *y, const struct pair *pair, struct err *e)
{
	int rc = check_pair(y, pair, e);

	if (rc == 0)
	{
		rc = db_run(y->s->db, "UPDATE link SET address_low = $3, "
					"address_high = $4, initiator = $5, "
					"profile_id = CASE WHEN $6 = 0 THEN NULL ELSE $6 END, "
					"cost = $7 WHERE site_a = $1 AND site_b = $2",
					DB_ARGS(db_i(pair->a), db_i(pair->b), db_t(pair->low),
							db_t(pair->high), db_i(pair->initiator),
							db_i(pair->profile), db_i(pair->cost)), e);
	}
	return rc < 0 ? rc : told(y, pair, pair->wanted ? STORE_REKEYED
													: STORE_CHANGED, e);
}

/* Its own document says so, and those of its peers; whoever is suspended has
 * no peers, and is none. */
static int tell_nat(struct sync *y, const struct member *member,
					struct err *e)
{
	struct store *s = y->s;
	int rc = db_run(s->db, "UPDATE site SET behind_nat = $2 WHERE id = $1",
					DB_ARGS(db_i(member->id), db_i(member->behind_nat)), e);

	if (rc == 0)
	{
		rc = store_touch_site(s, member->id, e);
	}
	if (rc < 0 || member->suspended)
	{
		return rc;
	}
	return db_run(s->db, "UPDATE ce_change SET revision = $2, "
				  "committed_ms = 0 WHERE ce_id IN ("
				  "SELECT p.ce_id FROM link l JOIN site p ON p.id = l.site_b "
				  "WHERE l.site_a = $1 UNION "
				  "SELECT p.ce_id FROM link l JOIN site p ON p.id = l.site_a "
				  "WHERE l.site_b = $1) AND ce_id NOT IN "
				  "(SELECT id FROM ce WHERE suspended_revision > 0)",
				  DB_ARGS(db_i(member->id), db_i((int64_t)s->revision)), e);
}

static int settle_nat(struct sync *y, struct err *e)
{
	size_t i;
	int rc = 0;

	for (i = 0; rc == 0 && i < y->member_count; i++)
	{
		if (y->members[i].behind_nat != y->members[i].told_nat)
		{
			rc = tell_nat(y, &y->members[i], e);
		}
	}
	return rc;
}

static int each(struct sync *y, const struct pairs *pairs,
				int (*fn)(struct sync *y, const struct pair *pair,
						  struct err *e), struct err *e)
{
	size_t i;
	int rc = 0;

	for (i = 0; rc == 0 && i < pairs->count; i++)
	{
		rc = fn(y, &pairs->items[i], e);
	}
	return rc;
}

int store_link_sync(struct store *s, const struct store_vpn *vpn,
					int64_t site_id, bool release, struct err *e)
{
	struct sync y = { .s = s, .a = arena_new(), .vpn = vpn };
	int rc = read_all(&y, site_id, e);

	if (rc == 0)
	{
		if (site_id)
		{
			compare_one(&y, site_id);
		}
		else
		{
			compare_all(&y);
		}
		if ((rc = each(&y, &y.gone, remove_link, e)) == 0 &&
			(rc = each(&y, &y.changed, let_go, e)) == 0 && !release &&
			(rc = check_nat(&y, e)) == 0 && (rc = each(&y, &y.changed, change_link, e)) == 0)
		{
			rc = each(&y, &y.fresh, add_link, e);
		}
		if (rc == 0 && !release)
		{
			rc = settle_nat(&y, e);
		}
	}
	arena_free(y.a);
	return rc;
}

/* ---- a site that goes -------------------------------------------------------------- */

/* One peer of the site: its tunnel goes, and it is told why. */
static int drop_peer(struct store *s, const struct store_site *site,
					 const struct pair *pair, const struct member *peer,
					 const char *reason, struct err *e)
{
	int rc;

	if ((rc = drop_link(s, pair->a, pair->b, e)) < 0 ||
		(rc = explain(s, peer->id, site->site, reason, e)) < 0)
	{
		return rc;
	}
	store_effect(s, site->customer, site->vpn, site->site, peer->name,
				 STORE_REMOVED);
	return peer->suspended ? 0 : store_touch_site(s, peer->id, e);
}

int store_link_drop_site(struct store *s, const struct store_site *site,
						 int64_t vpn_id, const char *reason, struct err *e)
{
	const struct store_vpn vpn = { .id = (uint64_t)vpn_id,
								   .customer = site->customer,
								   .vpn = site->vpn };
	struct sync y = { .s = s, .a = arena_new(), .vpn = &vpn };
	const struct pair *pair;
	size_t i;
	int rc = read_all(&y, (int64_t)site->id, e);

	for (i = 0; rc == 0 && i < y.links.count; i++)
	{
		pair = &y.links.items[i];
		rc = drop_peer(s, site, pair,
					   find_member(&y, pair->a == (int64_t)site->id
								   ? pair->b : pair->a), reason, e);
	}
	arena_free(y.a);
	return rc;
}

/* ---- questions ----------------------------------------------------------------------- */

int store_link_exists(struct store *s, const char *customer, const char *vpn,
					  const char *site, const char *peer, bool *exists,
					  struct err *e)
{
	int64_t count = 0;
	int rc;

	rc = db_number(s->db, "SELECT count(*) FROM link l "
				   "JOIN vpn v ON v.id = l.vpn_id "
				   "JOIN customer cu ON cu.id = v.customer_id "
				   "JOIN site a ON a.id = l.site_a "
				   "JOIN site b ON b.id = l.site_b "
				   "WHERE cu.name = $1 AND cu.removed_revision = 0 "
				   "AND v.name = $2 AND ((a.name = $3 AND b.name = $4) "
				   "OR (a.name = $4 AND b.name = $3))",
				   DB_ARGS(db_t(customer), db_t(vpn), db_t(site), db_t(peer)),
				   &count, e);
	*exists = rc == 0 && count > 0;
	return rc;
}
