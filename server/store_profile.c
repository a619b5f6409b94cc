/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * store_profile.c - SA profiles of a VPN beside its own one
 *
 * Owns the table sa_profile.
 */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "server/store_work.h"

/* "a,b,c" in arena */
char *store_words_join(struct arena *a, char *const *list, size_t count)
{
	char *joined = arena_strdup(a, "");
	size_t i;

	for (i = 0; i < count; i++)
	{
		joined = arena_printf(a, "%s%s%s", joined, i ? "," : "", list[i]);
	}
	return joined;
}

char **store_words_split(struct arena *a, const char *joined, size_t *count)
{
	char **list = arena_calloc(a, MODEL_PROPOSALS_MAX, sizeof(*list));
	size_t len;

	for (*count = 0; *joined && *count < MODEL_PROPOSALS_MAX; (*count)++)
	{
		len = strcspn(joined, ",");
		list[*count] = arena_strndup(a, joined, len);
		joined += len + (joined[len] == ',');
	}
	return list;
}

static int check_seconds(const char *name, uint32_t value, uint32_t min,
						 uint32_t max, struct err *e)
{
	return value >= min && value <= max ? 0
		: err_set(e, -EINVAL, ERR_LIMIT, name, "%u is not in %u..%u", value,
				  min, max);
}

int store_check_profile(const struct model_profile *p, struct err *e)
{
	int rc;

	if ((rc = check_seconds("rekey_time", p->rekey_time, 300, 86400, e)) < 0 ||
		(rc = check_seconds("child_rekey_time", p->child_rekey_time, 300,
							86400, e)) < 0)
	{
		return rc;
	}
	if (p->dpd_delay && (p->dpd_delay < 5 || p->dpd_delay > 3600))
	{
		return err_set(e, -EINVAL, ERR_LIMIT, "dpd_delay",
					   "%u is neither 0 nor in 5..3600", p->dpd_delay);
	}
	return 0;
}

#define COLUMNS \
	"p.id, cu.name, v.name, p.name, p.proposals, p.esp_proposals, " \
	"p.rekey_time, p.child_rekey_time, p.dpd_delay FROM sa_profile p " \
	"JOIN vpn v ON v.id = p.vpn_id JOIN customer cu ON cu.id = v.customer_id "

static void read_row(struct arena *a, struct db_rows *rows,
					 struct store_profile *out)
{
	struct model_profile *p = &out->profile;

	memset(out, 0, sizeof(*out));
	out->id = (uint64_t)db_col_int(rows, 0);
	out->customer = arena_strdup(a, db_col_text(rows, 1));
	out->vpn = arena_strdup(a, db_col_text(rows, 2));
	out->name = arena_strdup(a, db_col_text(rows, 3));
	p->name = out->name;
	p->proposals = store_words_split(a, db_col_text(rows, 4),
									 &p->proposal_count);
	p->esp_proposals = store_words_split(a, db_col_text(rows, 5),
										 &p->esp_proposal_count);
	p->rekey_time = (uint32_t)db_col_int(rows, 6);
	p->child_rekey_time = (uint32_t)db_col_int(rows, 7);
	p->dpd_delay = (uint32_t)db_col_int(rows, 8);
}

int store_profiles(struct store *s, struct arena *a, const char *customer,
				   const char *vpn, struct store_profile **list,
				   size_t *count, struct err *e)
{
	struct db_rows *rows;
	int rc;

	*list = NULL;
	*count = 0;
	rc = db_query(s->db, "SELECT " COLUMNS "WHERE cu.removed_revision = 0 "
				  "AND ($1 = '' OR cu.name = $1) "
				  "AND ($2 = '' OR v.name = $2) "
				  "ORDER BY cu.name, v.name, p.name",
				  DB_ARGS(db_t(customer ? customer : ""),
						  db_t(vpn ? vpn : "")), &rows, e);
	if (rc < 0)
	{
		return rc;
	}
	while ((rc = db_next(rows, e)) == 1)
	{
		read_row(a, rows, store_array_add(a, (void **)list, count,
										  sizeof(**list)));
	}
	db_end(rows);
	return rc;
}

int store_profile_id(struct store *s, int64_t vpn_id, const char *name,
					 int64_t *id, struct err *e)
{
	int rc = db_number(s->db, "SELECT id FROM sa_profile WHERE vpn_id = $1 "
					   "AND name = $2", DB_ARGS(db_i(vpn_id), db_t(name)), id,
					   e);

	return rc == -ENOENT ? err_set(e, rc, ERR_NOT_FOUND, name,
								   "the VPN has no SA profile of that name")
						 : rc;
}

int store_profile_get(struct store *s, struct arena *a, const char *customer,
					  const char *vpn, const char *name,
					  struct store_profile *out, struct err *e)
{
	int64_t customer_id, vpn_id, id;
	struct db_rows *rows;
	int rc;

	if ((rc = store_vpn_id(s, customer, vpn, &customer_id, &vpn_id, e)) < 0 ||
		(rc = store_profile_id(s, vpn_id, name, &id, e)) < 0 ||
		(rc = db_query(s->db, "SELECT " COLUMNS "WHERE p.id = $1",
					   DB_ARGS(db_i(id)), &rows, e)) < 0)
	{
		return rc;
	}
	rc = db_next(rows, e);
	if (rc == 1)
	{
		read_row(a, rows, out);
		rc = 0;
	}
	else if (rc == 0)
	{
		rc = store_bad_row(e, "sa_profile");
	}
	db_end(rows);
	return rc;
}

static int write_row(struct store *s, int64_t vpn_id, int64_t id,
					 const struct store_profile *profile, struct err *e)
{
	const struct model_profile *p = &profile->profile;
	struct arena *a = s->work->a;

	return db_run(s->db, "INSERT INTO sa_profile (id, vpn_id, name, "
				  "proposals, esp_proposals, rekey_time, child_rekey_time, "
				  "dpd_delay) VALUES ($1, $2, $3, $4, $5, $6, $7, $8) "
				  "ON CONFLICT (id) DO UPDATE SET proposals = $4, "
				  "esp_proposals = $5, rekey_time = $6, child_rekey_time = $7, "
				  "dpd_delay = $8",
				  DB_ARGS(db_i(id), db_i(vpn_id), db_t(profile->name),
						  db_t(store_words_join(a, p->proposals,
												p->proposal_count)),
						  db_t(store_words_join(a, p->esp_proposals,
												p->esp_proposal_count)),
						  db_i(p->rekey_time), db_i(p->child_rekey_time),
						  db_i(p->dpd_delay)), e);
}

static char *profile_place(struct store *s, const char *customer,
						   const char *vpn, const char *name)
{
	return arena_printf(s->work->a, "%s/%s/%s", customer, vpn, name);
}

static int profile_add(struct store *s, const struct store_profile *profile,
					   struct err *e)
{
	char *place = profile_place(s, profile->customer, profile->vpn,
								profile->name);
	int64_t customer_id, vpn_id, id, count;
	int rc;

	if ((rc = store_check_name(profile->name, "SA profile", e)) < 0 ||
		(rc = store_vpn_id(s, profile->customer, profile->vpn, &customer_id,
						   &vpn_id, e)) < 0)
	{
		return rc;
	}
	rc = store_profile_id(s, vpn_id, profile->name, &id, e);
	if (rc != -ENOENT)
	{
		return rc < 0 ? rc : err_set(e, -EEXIST, ERR_EXISTS, place,
									 "the VPN has an SA profile of that name");
	}
	if ((rc = store_check_profile(&profile->profile, e)) < 0 ||
		(rc = db_number(s->db, "SELECT count(*) FROM sa_profile "
						"WHERE vpn_id = $1", DB_ARGS(db_i(vpn_id)), &count,
						e)) < 0)
	{
		return rc;
	}
	if (count >= CONF_PROFILES_MAX)
	{
		return err_set(e, -EINVAL, ERR_LIMIT, place,
					   "a VPN has at most %d SA profiles", CONF_PROFILES_MAX);
	}
	id = (int64_t)profile->id;
	if ((!id && (rc = store_next_id(s, "sa-profile", &id, e)) < 0) ||
		(rc = write_row(s, vpn_id, id, profile, e)) < 0)
	{
		return rc;
	}
	store_note(s, CONF_PROFILE, place, (uint64_t)id, NULL, profile);
	store_dirty(s, vpn_id, 0);
	return 0;
}

int store_profile_add(struct store *s, const struct store_profile *profile,
					  struct err *e)
{
	int rc = store_need_change(s, e);

	return rc < 0 ? rc : store_changed(s, profile_add(s, profile, e));
}

/* CEs whose documents have the profile: those with a tunnel that uses it. */
static int touch_users(struct store *s, int64_t id, struct err *e)
{
	struct db_rows *rows;
	int rc;

	rc = db_query(s->db, "SELECT a.customer_id, cu.name, v.name, a.name, "
				  "b.name, a.id, b.id FROM link l "
				  "JOIN vpn v ON v.id = l.vpn_id "
				  "JOIN customer cu ON cu.id = v.customer_id "
				  "JOIN site a ON a.id = l.site_a "
				  "JOIN site b ON b.id = l.site_b "
				  "JOIN ce ca ON ca.id = a.ce_id "
				  "JOIN ce cb ON cb.id = b.ce_id WHERE l.profile_id = $1 "
				  "AND ca.suspended_revision = 0 "
				  "AND cb.suspended_revision = 0",
				  DB_ARGS(db_i(id)), &rows, e);
	if (rc < 0)
	{
		return rc;
	}
	while ((rc = db_next(rows, e)) == 1)
	{
		store_effect(s, db_col_text(rows, 1), db_col_text(rows, 2),
					 db_col_text(rows, 3), db_col_text(rows, 4),
					 STORE_REKEYED);
		if ((rc = store_touch_site(s, db_col_int(rows, 5), e)) < 0 ||
			(rc = store_touch_site(s, db_col_int(rows, 6), e)) < 0)
		{
			break;
		}
	}
	db_end(rows);
	return rc;
}

static int profile_set(struct store *s, const struct store_profile *profile,
					   struct err *e)
{
	struct store_profile before;
	int64_t customer_id, vpn_id;
	int rc;

	if ((rc = store_profile_get(s, s->work->a, profile->customer,
								profile->vpn, profile->name, &before, e)) < 0 ||
		(rc = store_vpn_id(s, profile->customer, profile->vpn, &customer_id,
						   &vpn_id, e)) < 0 ||
		(rc = store_check_profile(&profile->profile, e)) < 0)
	{
		return rc;
	}
	if (!store_note(s, CONF_PROFILE,
					profile_place(s, profile->customer, profile->vpn,
								  profile->name), before.id, &before, profile))
	{
		return 0;
	}
	rc = write_row(s, vpn_id, (int64_t)before.id, profile, e);
	store_dirty(s, vpn_id, 0);
	return rc < 0 ? rc : touch_users(s, (int64_t)before.id, e);
}

int store_profile_set(struct store *s, const struct store_profile *profile,
					  struct err *e)
{
	int rc = store_need_change(s, e);

	return rc < 0 ? rc : store_changed(s, profile_set(s, profile, e));
}

static int profile_remove(struct store *s, const char *customer,
						  const char *vpn, const char *name, struct err *e)
{
	struct store_profile before;
	int64_t users;
	int rc;

	if ((rc = store_profile_get(s, s->work->a, customer, vpn, name, &before,
								e)) < 0 ||
		(rc = db_number(s->db, "SELECT count(*) FROM link_setting "
						"WHERE profile_id = $1",
						DB_ARGS(db_i((int64_t)before.id)), &users, e)) < 0)
	{
		return rc;
	}
	if (users)
	{
		return err_set(e, -EBUSY, ERR_IN_USE,
					   profile_place(s, customer, vpn, name),
					   "%lld links are to have it", (long long)users);
	}
	/* tunnels that had it until now let go of it first */
	if ((rc = touch_users(s, (int64_t)before.id, e)) < 0 ||
		(rc = db_run(s->db, "UPDATE link SET profile_id = NULL "
					 "WHERE profile_id = $1",
					 DB_ARGS(db_i((int64_t)before.id)), e)) < 0 ||
		(rc = db_run(s->db, "DELETE FROM sa_profile WHERE id = $1",
					 DB_ARGS(db_i((int64_t)before.id)), e)) < 0)
	{
		return rc;
	}
	store_note(s, CONF_PROFILE, profile_place(s, customer, vpn, name),
			   before.id, &before, NULL);
	return 0;
}

int store_profile_remove(struct store *s, const char *customer,
						 const char *vpn, const char *name, struct err *e)
{
	int rc = store_need_change(s, e);

	return rc < 0 ? rc : store_changed(s, profile_remove(s, customer, vpn,
														 name, e));
}
