/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * store_settle.c - the end of a change: what was named is looked at as a whole
 *
 * Parts of a change may contradict each other on the way (a topology without
 * its roles yet); here they must not any more.
 */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/grade.h"
#include "server/render.h"
#include "server/store_work.h"
#include "server/topology.h"

const char *const store_change_words[] = {
	"added", "removed", "changed", "rekeyed", "rotating", NULL
};

struct store_work *store_work_new(void)
{
	struct store_work *work = xcalloc(1, sizeof(*work));

	work->a = arena_new();
	return work;
}

void store_work_free(struct store_work *work)
{
	if (work)
	{
		arena_free(work->a);
		free(work);
	}
}

/* ---- what is named ---------------------------------------------------------- */

void store_dirty(struct store *s, int64_t vpn_id, int64_t site_id)
{
	struct store_work *w = s->work;
	struct store_dirty *dirty;
	size_t i;

	/* the last few: a change that names thousands names each but once */
	for (i = w->dirty_count; i > 0 && w->dirty_count - i < 8; i--)
	{
		dirty = &w->dirty[i - 1];
		if (dirty->vpn_id == vpn_id &&
			(dirty->site_id == 0 || dirty->site_id == site_id))
		{
			return;
		}
	}
	dirty = store_array_add(w->a, (void **)&w->dirty, &w->dirty_count,
							sizeof(*dirty));
	*dirty = (struct store_dirty){ vpn_id, site_id };
}

void store_clean_vpn(struct store *s, int64_t vpn_id)
{
	size_t i;

	for (i = 0; i < s->work->dirty_count; i++)
	{
		if (s->work->dirty[i].vpn_id == vpn_id)
		{
			s->work->dirty[i].vpn_id = 0;
		}
	}
}

void store_clean_site(struct store *s, int64_t site_id)
{
	size_t i;

	for (i = 0; i < s->work->dirty_count; i++)
	{
		if (s->work->dirty[i].site_id == site_id)
		{
			s->work->dirty[i].vpn_id = 0;
		}
	}
}

bool store_note(struct store *s, enum conf_kind kind, const char *place,
				uint64_t id, const void *before, const void *after)
{
	struct store_work *w = s->work;
	struct store_note *note;
	const char *old = before ? conf_image(w->a, kind, before) : "";
	const char *new = after ? conf_image(w->a, kind, after) : "";

	if (strcmp(old, new) == 0)
	{
		return false;
	}
	note = store_array_add(w->a, (void **)&w->notes, &w->note_count,
						   sizeof(*note));
	note->kind = kind;
	note->id = id;
	note->place = arena_strdup(w->a, place);
	note->before = (char *)old;
	note->after = (char *)new;
	return true;
}

void store_effect(struct store *s, const char *customer, const char *vpn,
				  const char *site, const char *peer, int change)
{
	struct store_work *w = s->work;
	struct store_effect_tunnel *tunnel;
	bool ordered = strcmp(site, peer) < 0;

	w->tunnels_by_change[change]++;
	if (w->tunnel_count == STORE_EFFECTS_MAX)
	{
		return;
	}
	tunnel = store_array_add(w->a, (void **)&w->tunnels, &w->tunnel_count,
							 sizeof(*tunnel));
	tunnel->customer = arena_strdup(w->a, customer);
	tunnel->vpn = arena_strdup(w->a, vpn);
	tunnel->site[0] = arena_strdup(w->a, ordered ? site : peer);
	tunnel->site[1] = arena_strdup(w->a, ordered ? peer : site);
	tunnel->change = change;
}

bool store_is_changed(const struct store *s)
{
	return s->work->note_count || s->work->touched || s->work->rotated;
}

/* ---- checks of a whole VPN ---------------------------------------------------- */

static int check_profiles(struct store *s, struct arena *a,
						  const struct store_vpn *vpn, struct err *e)
{
	struct store_profile *profiles;
	size_t i, count;
	int rc;

	rc = grade_check((enum grade)vpn->grade, &vpn->profile, e);
	if (rc == 0)
	{
		rc = store_profiles(s, a, vpn->customer, vpn->vpn, &profiles, &count,
							e);
	}
	else
	{
		err_prefix(e, "the VPN's own profile");
		return rc;
	}
	for (i = 0; rc == 0 && i < count; i++)
	{
		rc = grade_check((enum grade)vpn->grade, &profiles[i].profile, e);
		if (rc < 0)
		{
			err_prefix(e, "%s", profiles[i].name);
		}
	}
	return rc;
}

/* A role that the topology has not, of this site or of any (site_id 0). */
static int check_roles(struct store *s, const struct store_vpn *vpn,
					   int64_t site_id, struct err *e)
{
	char place[PLACE_SIZE];
	struct db_rows *rows;
	int rc, role;

	rc = db_query(s->db, "SELECT name, role FROM site WHERE vpn_id = $1 "
				  "AND ($2 = 0 OR id = $2) ORDER BY id",
				  DB_ARGS(db_i((int64_t)vpn->id), db_i(site_id)), &rows, e);
	if (rc < 0)
	{
		return rc;
	}
	while ((rc = db_next(rows, e)) == 1)
	{
		rc = store_word(conf_roles, db_col_text(rows, 1), &role, e);
		if (rc == 0 && !topology_has_role(vpn->topology, role))
		{
			snprintf(place, sizeof(place), "%s/%s/%s", vpn->customer, vpn->vpn,
					 db_col_text(rows, 0));
			rc = err_set(e, -EINVAL, ERR_TOPOLOGY, place,
						 "a site of a VPN of topology %s cannot have the "
						 "role %s", conf_topologies[vpn->topology],
						 conf_roles[role]);
		}
		if (rc < 0)
		{
			break;
		}
	}
	db_end(rows);
	return rc;
}

/* hub-spoke-disjoint promises that no two spokes have a way to each other. */
static int check_disjoint(struct store *s, const struct store_vpn *vpn,
						  struct err *e)
{
	char place[PLACE_SIZE];
	struct db_rows *rows;
	int rc;

	if (vpn->topology != MODEL_HUB_SPOKE_DISJOINT)
	{
		return 0;
	}
	rc = db_query(s->db, "SELECT a.name, b.name FROM link_setting l "
				  "JOIN site a ON a.id = l.site_a "
				  "JOIN site b ON b.id = l.site_b "
				  "WHERE l.vpn_id = $1 AND l.wanted = 1 "
				  "AND a.role = 'spoke-role' AND b.role = 'spoke-role' "
				  "LIMIT 1", DB_ARGS(db_i((int64_t)vpn->id)), &rows, e);
	if (rc < 0)
	{
		return rc;
	}
	rc = db_next(rows, e);
	if (rc == 1)
	{
		snprintf(place, sizeof(place), "%s/%s", vpn->customer, vpn->vpn);
		rc = err_set(e, -EINVAL, ERR_TOPOLOGY, place,
					 "%s and %s are spokes: in hub-spoke-disjoint they have "
					 "no tunnel", db_col_text(rows, 0), db_col_text(rows, 1));
	}
	db_end(rows);
	return rc;
}

/*
 * No member's document may outgrow what agents accept. Tunnels are counted only
 * where the numbers of sites leave it open.
 */
static int check_peers(struct store *s, const struct store_vpn *vpn,
					   struct err *e)
{
	char place[PLACE_SIZE];
	struct db_rows *rows;
	int64_t tunnels;
	int rc;

	rc = db_query(s->db, "SELECT ce.id, ce.name FROM site m "
				  "JOIN ce ON ce.id = m.ce_id "
				  "JOIN site o ON o.ce_id = m.ce_id "
				  "JOIN (SELECT vpn_id, count(*) - 1 AS peers FROM site "
				  "WHERE customer_id = (SELECT customer_id FROM vpn "
				  "WHERE id = $1) GROUP BY vpn_id) AS size "
				  "ON size.vpn_id = o.vpn_id "
				  "WHERE m.vpn_id = $1 GROUP BY ce.id, ce.name "
				  "HAVING sum(size.peers) > $2",
				  DB_ARGS(db_i((int64_t)vpn->id), db_i(RENDER_PEERS_MAX)),
				  &rows, e);
	if (rc < 0)
	{
		return rc;
	}
	while ((rc = db_next(rows, e)) == 1)
	{
		rc = db_number(s->db, "SELECT sum((SELECT count(*) FROM link "
					   "WHERE site_a = t.id) + (SELECT count(*) FROM link "
					   "WHERE site_b = t.id)) FROM site t WHERE t.ce_id = $1",
					   DB_ARGS(db_i(db_col_int(rows, 0))), &tunnels, e);
		if (rc == 0 && tunnels > RENDER_PEERS_MAX)
		{
			snprintf(place, sizeof(place), "%s/%s", vpn->customer,
					 db_col_text(rows, 1));
			rc = err_set(e, -EINVAL, ERR_LIMIT, place,
						 "the CE would have %lld tunnels; a CE carries at "
						 "most %d", (long long)tunnels, RENDER_PEERS_MAX);
		}
		if (rc < 0)
		{
			break;
		}
	}
	db_end(rows);
	return rc;
}

/* Nor may it have more profiles than agents accept: one a VPN, and those in use. */
static int check_profiles_in_use(struct store *s, const struct store_vpn *vpn,
								 struct err *e)
{
	char place[PLACE_SIZE];
	struct db_rows *rows;
	int rc;

	rc = db_query(s->db, "SELECT ce.name FROM site m "
				  "JOIN ce ON ce.id = m.ce_id WHERE m.vpn_id = $1 "
				  "AND EXISTS (SELECT 1 FROM sa_profile f "
				  "WHERE f.vpn_id = m.vpn_id) "
				  "AND (SELECT count(*) FROM site o WHERE o.ce_id = ce.id) + "
				  "(SELECT count(DISTINCT l.profile_id) FROM site o "
				  "JOIN link l ON l.vpn_id = o.vpn_id "
				  "AND (l.site_a = o.id OR l.site_b = o.id) "
				  "WHERE o.ce_id = ce.id) > $2 LIMIT 1",
				  DB_ARGS(db_i((int64_t)vpn->id), db_i(MODEL_PROFILES_MAX)),
				  &rows, e);
	if (rc < 0)
	{
		return rc;
	}
	rc = db_next(rows, e);
	if (rc == 1)
	{
		snprintf(place, sizeof(place), "%s/%s", vpn->customer,
				 db_col_text(rows, 0));
		rc = err_set(e, -EINVAL, ERR_LIMIT, place,
					 "the CE would have more than %d SA profiles in use",
					 MODEL_PROFILES_MAX);
	}
	db_end(rows);
	return rc;
}

static int settle_one(struct store *s, const struct store_dirty *dirty,
					  struct err *e)
{
	struct arena *a = arena_new();
	struct store_vpn vpn;
	uint64_t issued;
	int rc;

	if ((rc = store_vpn_by_id(s, a, dirty->vpn_id, &vpn, e)) == 0 &&
		(rc = check_roles(s, &vpn, dirty->site_id, e)) == 0 &&
		(rc = dirty->site_id ? 0 : check_profiles(s, a, &vpn, e)) == 0 &&
		(rc = check_disjoint(s, &vpn, e)) == 0 &&
		(rc = store_prefix_settle(s, &vpn, e)) == 0 &&
		(rc = store_link_sync(s, &vpn, dirty->site_id, false, e)) == 0)
	{
		rc = check_peers(s, &vpn, e);
	}
	if (rc == 0 && (rc = check_profiles_in_use(s, &vpn, e)) == 0)
	{
		rc = store_ike_issue(s, dirty->vpn_id, dirty->site_id, store_now_ms(),
							 &issued, e);
	}
	arena_free(a);
	return rc;
}

/*
 * Tunnels of several sites or VPNs may change places between the same addresses:
 * all let go before any takes.
 */
static int release_one(struct store *s, const struct store_dirty *dirty,
					   struct err *e)
{
	struct arena *a = arena_new();
	struct store_vpn vpn;
	int rc = store_vpn_by_id(s, a, dirty->vpn_id, &vpn, e);

	if (rc == 0)
	{
		rc = store_link_sync(s, &vpn, dirty->site_id, true, e);
	}
	arena_free(a);
	return rc;
}

/* Which are looked at: a VPN's first, which makes its single sites needless. */
static int by_vpn(const void *a, const void *b)
{
	const struct store_dirty *x = a, *y = b;

	if (x->vpn_id != y->vpn_id)
	{
		return x->vpn_id < y->vpn_id ? -1 : 1;
	}
	return (x->site_id > y->site_id) - (x->site_id < y->site_id);
}

/* One look at all of a VPN is less work than so many at single sites. */
#define SITES_ALONE 16

typedef int (*settle_fn)(struct store *s, const struct store_dirty *dirty,
						 struct err *e);

/* Those of one VPN, from..to. */
static int settle_vpn(struct store *s, size_t from, size_t to, settle_fn fn,
					  struct err *e)
{
	const struct store_dirty *dirty = s->work->dirty;
	const struct store_dirty whole = { dirty[from].vpn_id, 0 };
	size_t i;
	int rc = 0;

	if (dirty[from].site_id == 0 || to - from > SITES_ALONE)
	{
		return fn(s, &whole, e);
	}
	for (i = from; rc == 0 && i < to; i++)
	{
		if (i == from || dirty[i].site_id != dirty[i - 1].site_id)
		{
			rc = fn(s, &dirty[i], e);
		}
	}
	return rc;
}

static int each_vpn(struct store *s, settle_fn fn, struct err *e)
{
	const struct store_work *w = s->work;
	size_t from, to;
	int rc = 0;

	for (from = 0; rc == 0 && from < w->dirty_count; from = to)
	{
		for (to = from; to < w->dirty_count &&
			 w->dirty[to].vpn_id == w->dirty[from].vpn_id; to++)
		{
		}
		if (w->dirty[from].vpn_id)
		{
			rc = settle_vpn(s, from, to, fn, e);
		}
	}
	return rc;
}

static int settle(struct store *s, struct err *e)
{
	struct store_work *w = s->work;
	int rc = store_free_settle(s, e);

	if (w->dirty_count > 1)
	{
		qsort(w->dirty, w->dirty_count, sizeof(*w->dirty), by_vpn);
		rc = rc < 0 ? rc : each_vpn(s, release_one, e);
	}
	if (rc == 0)
	{
		rc = each_vpn(s, settle_one, e);
	}
	w->dirty_count = 0;
	return rc < 0 ? rc : store_authority_settle(s, e);
}

int store_settle(struct store *s, struct err *e)
{
	int rc = store_need_change(s, e);

	return rc < 0 ? rc : store_changed(s, settle(s, e));
}

/* ---- what it comes to ----------------------------------------------------------- */

static int read_ces(struct store *s, struct arena *a,
					struct store_effects *out, struct err *e)
{
	struct store_effect_ce *ce;
	struct db_rows *rows;
	int rc;

	rc = db_query(s->db, "SELECT cu.name, ce.name FROM ce_change ch "
				  "JOIN ce ON ce.id = ch.ce_id "
				  "JOIN customer cu ON cu.id = ce.customer_id "
				  "WHERE ch.revision = $1 ORDER BY cu.name, ce.name",
				  DB_ARGS(db_i((int64_t)s->revision)), &rows, e);
	if (rc < 0)
	{
		return rc;
	}
	while ((rc = db_next(rows, e)) == 1)
	{
		out->ces_told++;
		if (out->ce_count < STORE_EFFECTS_MAX)
		{
			ce = store_array_add(a, (void **)&out->ces, &out->ce_count,
								 sizeof(*ce));
			ce->customer = arena_strdup(a, db_col_text(rows, 0));
			ce->ce = arena_strdup(a, db_col_text(rows, 1));
		}
	}
	db_end(rows);
	return rc;
}

static int change_of(const struct store_note *note)
{
	if (!*note->before)
	{
		return STORE_ADDED;
	}
	return *note->after ? STORE_CHANGED : STORE_REMOVED;
}

static int by_tunnel(const void *a, const void *b)
{
	const struct store_effect_tunnel *x = a, *y = b;
	int rc;

	if ((rc = x->change - y->change) != 0 ||
		(rc = strcmp(x->customer, y->customer)) != 0 ||
		(rc = strcmp(x->vpn, y->vpn)) != 0 ||
		(rc = strcmp(x->site[0], y->site[0])) != 0)
	{
		return rc;
	}
	return strcmp(x->site[1], y->site[1]);
}

int store_objects(struct store *s, store_object_fn check, void *user,
				  struct err *e)
{
	const struct store_work *w = s->work;
	size_t i;
	int rc = store_need_change(s, e);

	for (i = 0; rc == 0 && i < w->note_count; i++)
	{
		rc = check(user, w->notes[i].kind, w->notes[i].place,
				   (enum store_change_kind)change_of(&w->notes[i]), e);
	}
	return rc;
}

int store_effects(struct store *s, struct arena *a, struct store_effects *out,
				  struct err *e)
{
	const struct store_work *w = s->work;
	struct store_effect_object *object;
	size_t i;
	int rc = store_need_change(s, e);

	memset(out, 0, sizeof(*out));
	if (rc < 0)
	{
		return rc;
	}
	memcpy(out->tunnels_by_change, w->tunnels_by_change,
		   sizeof(out->tunnels_by_change));
	for (i = 0; i < w->tunnel_count; i++)
	{
		struct store_effect_tunnel *t = store_array_add(a,
			(void **)&out->tunnels, &out->tunnel_count, sizeof(*t));

		t->customer = arena_strdup(a, w->tunnels[i].customer);
		t->vpn = arena_strdup(a, w->tunnels[i].vpn);
		t->site[0] = arena_strdup(a, w->tunnels[i].site[0]);
		t->site[1] = arena_strdup(a, w->tunnels[i].site[1]);
		t->change = w->tunnels[i].change;
	}
	if (out->tunnel_count > 1)
	{
		qsort(out->tunnels, out->tunnel_count, sizeof(*out->tunnels),
			  by_tunnel);
	}
	for (i = 0; i < w->note_count && i < STORE_EFFECTS_MAX; i++)
	{
		object = store_array_add(a, (void **)&out->objects,
								 &out->object_count, sizeof(*object));
		object->kind = conf_kinds[w->notes[i].kind];
		object->place = arena_strdup(a, w->notes[i].place);
		object->change = change_of(&w->notes[i]);
	}
	return read_ces(s, a, out, e);
}
