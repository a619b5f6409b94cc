/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * store_site.c - sites: a router's memberships in VPNs
 *
 * Owns the table site. The tunnels that follow are store_link.c's.
 */
#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/crl.h"
#include "server/render.h"
#include "server/store_alarm.h"
#include "server/store_work.h"
#include "server/topology.h"

/* A site in the making. */
struct new_site
{
	int64_t id, customer_id, vpn_id, ce_id;
	struct store_site site;		/* as it is to be, addresses filled in */
	char place[PLACE_SIZE];
	struct store_vpn row;		/* of the VPN */
};

/* ---- adding ---------------------------------------------------------------- */

int store_site_id(struct store *s, int64_t vpn_id, const char *site,
				  int64_t *id, struct err *e)
{
	int rc = db_number(s->db, "SELECT id FROM site WHERE vpn_id = $1 "
					   "AND name = $2", DB_ARGS(db_i(vpn_id), db_t(site)), id,
					   e);

	return rc == -ENOENT ? err_set(e, rc, ERR_NOT_FOUND, site,
								   "no such site in the VPN") : rc;
}

static int find_vpn(struct store *s, struct new_site *site, struct err *e)
{
	int rc = store_vpn_id(s, site->site.customer, site->site.vpn,
						  &site->customer_id, &site->vpn_id, e);

	return rc < 0 ? rc : store_vpn_by_id(s, s->work->a, site->vpn_id,
										 &site->row, e);
}

/* 1: something there, 0: nothing */
static int exists(struct store *s, const char *sql, const struct db_arg *args,
				  struct err *e)
{
	int64_t count = 0;
	int rc = db_number(s->db, sql, args, &count, e);

	return rc < 0 ? rc : count > 0;
}

static int check_free(struct store *s, const struct new_site *site,
					  struct err *e)
{
	int rc;

	rc = exists(s, "SELECT count(*) FROM site WHERE vpn_id = $1 AND name = $2",
				DB_ARGS(db_i(site->vpn_id), db_t(site->site.site)), e);
	if (rc)
	{
		return rc < 0 ? rc : err_set(e, -EEXIST, ERR_EXISTS, site->place,
									 "the VPN has a site of that name");
	}
	rc = exists(s, "SELECT count(*) FROM site WHERE vpn_id = $1 AND ce_id = $2",
				DB_ARGS(db_i(site->vpn_id), db_i(site->ce_id)), e);
	if (rc)
	{
		return rc < 0 ? rc : err_set(e, -EEXIST, ERR_EXISTS, site->place,
									 "CE %s/%s is a site of this VPN already",
									 site->site.customer, site->site.ce);
	}
	rc = exists(s, "SELECT count(*) FROM site WHERE ce_id = $1 "
				"HAVING count(*) >= $2",
				DB_ARGS(db_i(site->ce_id), db_i(MODEL_VPNS_MAX)), e);
	if (rc == -ENOENT)
	{
		rc = 0;
	}
	if (rc > 0)
	{
		rc = err_set(e, -EINVAL, ERR_LIMIT, site->place,
					 "CE %s/%s is in %d VPNs, the most a CE can be in",
					 site->site.customer, site->site.ce, MODEL_VPNS_MAX);
	}
	return rc;
}

/* 1: another site of the VPN has it */
static int router_id_used(struct store *s, const struct new_site *site,
						  const struct addr *router_id, struct err *e)
{
	char text[ADDR_TEXT_MAX];

	return exists(s, "SELECT count(*) FROM site WHERE vpn_id = $1 "
				  "AND router_id = $2 AND id <> $3",
				  DB_ARGS(db_i(site->vpn_id), db_t(addr_str(router_id, text)),
						  db_i(site->id)), e);
}

/*
 * The next of the pool that is free, going on from the last one given: a
 * router id that was just freed lives on in its peers' OSPF databases.
 */
static int allocate_router_id(struct store *s, struct new_site *site,
							  struct err *e)
{
	const struct prefix *pool = &site->row.router_ids;
	uint32_t first = addr_to_u32(&pool->addr);
	int64_t usable = (INT64_C(1) << (32 - pool->len)) - 2;
	int64_t at = (int64_t)site->row.router_id_last, tried;
	int rc = 1;

	for (tried = 0; tried < usable && rc > 0; tried++)
	{
		at = at >= usable ? 1 : at + 1;
		site->site.router_id = addr_from_u32(first + (uint32_t)at);
		rc = router_id_used(s, site, &site->site.router_id, e);
	}
	if (rc > 0)
	{
		rc = err_set(e, -EINVAL, ERR_LIMIT, site->place,
					 "all %lld router ids of the VPN's pool are used",
					 (long long)usable);
	}
	return rc < 0 ? rc : db_run(s->db, "UPDATE vpn SET router_id_last = $2 "
								"WHERE id = $1",
								DB_ARGS(db_i(site->vpn_id), db_i(at)), e);
}

static int choose_router_id(struct store *s, struct new_site *site,
							struct err *e)
{
	char text[ADDR_TEXT_MAX];
	int rc;

	if (!site->site.router_id.family)
	{
		return allocate_router_id(s, site, e);
	}
	addr_str(&site->site.router_id, text);
	if (!addr_is_host(&site->site.router_id))
	{
		return err_set(e, -EINVAL, ERR_ADDRESS, text,
					   "not an address that a router can have");
	}
	rc = router_id_used(s, site, &site->site.router_id, e);
	return rc <= 0 ? rc : err_set(e, -EEXIST, ERR_EXISTS, text,
								  "another site of %s/%s has this router id",
								  site->site.customer, site->site.vpn);
}

static int choose_address(struct store *s, struct new_site *site,
						  struct err *e)
{
	struct store_ce ce;
	int rc;

	if (site->site.ce_address.family)
	{
		return store_address_take(s, &site->site.ce_address, site->ce_id, e);
	}
	rc = store_ce_by_id(s, s->work->a, site->ce_id, &ce, e);
	site->site.ce_address = ce.address;
	return rc;
}

static void choose_role(struct new_site *site)
{
	if (site->site.role < 0)
	{
		site->site.role = topology_default_role(site->row.topology);
	}
}

static int write_site(struct store *s, const struct new_site *site,
					  struct err *e)
{
	char address[ADDR_TEXT_MAX], router_id[ADDR_TEXT_MAX];
	const struct store_site *row = &site->site;

	return db_run(s->db, "INSERT INTO site (id, customer_id, vpn_id, ce_id, "
				  "name, description, external_id, ce_address, router_id, "
				  "role, revision) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, "
				  "$10, $11) ON CONFLICT (id) DO UPDATE SET description = $6, "
				  "external_id = $7, ce_address = $8, router_id = $9, "
				  "role = $10",
				  DB_ARGS(db_i(site->id), db_i(site->customer_id),
						  db_i(site->vpn_id), db_i(site->ce_id),
						  db_t(row->site), db_t(store_text(row->description)),
						  db_t(store_text(row->external_id)),
						  db_t(addr_str(&row->ce_address, address)),
						  db_t(addr_str(&row->router_id, router_id)),
						  db_t(conf_roles[row->role]),
						  db_i((int64_t)s->revision)), e);
}

static int write_all(struct store *s, const struct new_site *site,
					 struct err *e)
{
	int rc = write_site(s, site, e);

	return rc < 0 ? rc : store_prefix_write(s, site->id, &site->site, e);
}

static void begin_site(struct new_site *site, const struct store_site *given)
{
	memset(site, 0, sizeof(*site));
	site->site = *given;
	snprintf(site->place, sizeof(site->place), "%s/%s/%s", given->customer,
			 given->vpn, given->site);
}

static int site_add(struct store *s, const struct store_site *given,
					struct err *e)
{
	char identity[FQDN_SIZE];
	struct new_site site;
	int rc;

	begin_site(&site, given);
	if ((rc = store_check_name(given->site, "site", e)) < 0 ||
		(rc = store_check_words(given->description, given->external_id,
								e)) < 0 ||
		(rc = find_vpn(s, &site, e)) < 0 ||
		(rc = store_ce_id(s, given->customer, given->ce, &site.customer_id,
						  &site.ce_id, e)) < 0 ||
		(rc = render_identity(identity, given->site, &site.row, e)) < 0 ||
		(rc = store_prefix_check(s->work->a, &site.site, e)) < 0 ||
		(rc = check_free(s, &site, e)) < 0 ||
		(rc = choose_router_id(s, &site, e)) < 0 ||
		(rc = choose_address(s, &site, e)) < 0)
	{
		return rc;
	}
	choose_role(&site);
	site.id = (int64_t)given->id;
	if ((!site.id && (rc = store_next_id(s, "site", &site.id, e)) < 0) ||
		(rc = write_all(s, &site, e)) < 0)
	{
		return rc;
	}
	store_note(s, CONF_SITE, site.place, (uint64_t)site.id, NULL, &site.site);
	store_dirty(s, site.vpn_id, site.id);
	return store_touch_ce(s, site.ce_id, e);
}

int store_site_add(struct store *s, const struct store_site *site,
				   struct err *e)
{
	int rc = store_need_change(s, e);

	return rc < 0 ? rc : store_changed(s, site_add(s, site, e));
}

/* ---- changing -------------------------------------------------------------- */

static int find_site(struct store *s, struct new_site *site,
					 struct store_site *before, struct err *e)
{
	int64_t customer_id;
	int rc;

	rc = store_site_get(s, s->work->a, site->site.customer, site->site.vpn,
						site->site.site, before, e);
	if (rc < 0 || (rc = find_vpn(s, site, e)) < 0)
	{
		return rc;
	}
	store_freed_site(s, before);
	site->id = (int64_t)before->id;
	return store_ce_id(s, before->customer, before->ce, &customer_id,
					   &site->ce_id, e);
}

/*
 * A disjoint VPN's documents say of every peer what its role is, but for
 * suspended ones, and to suspended ones.
 */
static int touch_peers(struct store *s, const struct new_site *site,
					   struct err *e)
{
	if (site->row.topology != MODEL_HUB_SPOKE_DISJOINT)
	{
		return 0;
	}
	return db_run(s->db, "UPDATE ce_change SET revision = $2, committed_ms = 0 "
				  "WHERE ce_id IN (SELECT p.ce_id FROM link l "
				  "JOIN site p ON p.id = l.site_a WHERE l.site_b = $1 UNION "
				  "SELECT p.ce_id FROM link l JOIN site p ON p.id = l.site_b "
				  "WHERE l.site_a = $1) AND ce_id NOT IN "
				  "(SELECT id FROM ce WHERE suspended_revision > 0) "
				  "AND NOT EXISTS (SELECT 1 FROM site t "
				  "JOIN ce ON ce.id = t.ce_id WHERE t.id = $1 "
				  "AND ce.suspended_revision > 0)",
				  DB_ARGS(db_i(site->id), db_i((int64_t)s->revision)), e);
}

static int site_set(struct store *s, const struct store_site *given,
					struct err *e)
{
	struct store_site before;
	struct new_site site;
	int rc;

	begin_site(&site, given);
	if ((rc = store_check_words(given->description, given->external_id,
								e)) < 0 ||
		(rc = find_site(s, &site, &before, e)) < 0)
	{
		return rc;
	}
	if (given->ce && strcmp(given->ce, before.ce) != 0)
	{
		return err_set(e, -EINVAL, ERR_IN_USE, site.place,
					   "it is at CE %s: remove it and add it again to have it "
					   "at %s", before.ce, given->ce);
	}
	site.site.ce = before.ce;
	if (!given->router_id.family)
	{
		site.site.router_id = before.router_id;
	}
	choose_role(&site);
	if ((rc = store_prefix_check(s->work->a, &site.site, e)) < 0 ||
		(rc = choose_router_id(s, &site, e)) < 0 ||
		(rc = choose_address(s, &site, e)) < 0)
	{
		return rc;
	}
	if (!store_note(s, CONF_SITE, site.place, before.id, &before, &site.site))
	{
		return 0;
	}
	if ((rc = write_all(s, &site, e)) < 0)
	{
		return rc;
	}
	store_unfree(s, CONF_SITE, before.id);
	store_dirty(s, site.vpn_id, site.id);
	if (before.role == site.site.role &&
		addr_equal(&before.ce_address, &site.site.ce_address) &&
		addr_equal(&before.router_id, &site.site.router_id))
	{
		return 0;		/* words and prefixes only: no document has them */
	}
	rc = store_touch_ce(s, site.ce_id, e);
	if (rc == 0 && before.role != site.site.role)
	{
		rc = touch_peers(s, &site, e);
	}
	return rc < 0 ? rc : store_addresses_drop(s, site.ce_id, e);
}

int store_site_set(struct store *s, const struct store_site *site,
				   struct err *e)
{
	int rc = store_need_change(s, e);

	return rc < 0 ? rc : store_changed(s, site_set(s, site, e));
}

/* ---- removing -------------------------------------------------------------- */

static int site_remove(struct store *s, const char *customer, const char *vpn,
					   const char *name, const char *reason, struct err *e)
{
	struct store_site before = { .customer = (char *)customer,
								 .vpn = (char *)vpn, .site = (char *)name };
	struct new_site site;
	int rc;

	if (!name_is_label(reason))
	{
		return err_set(e, -EINVAL, ERR_NAME, reason,
					   "a reason is a word like site-removed");
	}
	begin_site(&site, &before);
	if ((rc = find_site(s, &site, &before, e)) < 0 ||
		/* while it is still a member */
		(rc = store_touch_ce(s, site.ce_id, e)) < 0 ||
		(rc = store_removal_meant(s, site.ce_id, s->revision, e)) < 0 ||
		(rc = store_setting_drop_site(s, &before, e)) < 0 ||
		(rc = store_link_drop_site(s, &before, site.vpn_id, reason, e)) < 0 ||
		(rc = store_ike_revoke_site(s, site.id, CRL_CESSATION, e)) < 0)
	{
		return rc;
	}
	store_note(s, CONF_SITE, site.place, before.id, &before, NULL);
	store_clean_site(s, site.id);
	/* what was reported goes with it */
	rc = store_alarm_site_gone(s, customer, vpn, name, e);
	if (rc == 0)
	{
		rc = db_run(s->db, "DELETE FROM site WHERE id = $1",
					DB_ARGS(db_i(site.id)), e);
	}
	return rc < 0 ? rc : store_addresses_drop(s, site.ce_id, e);
}

int store_site_remove(struct store *s, const char *customer, const char *vpn,
					  const char *site, const char *reason, struct err *e)
{
	int rc = store_need_change(s, e);

	return rc < 0 ? rc : store_changed(s, site_remove(s, customer, vpn, site,
													  reason, e));
}

/* ---- questions ------------------------------------------------------------- */

#define SELECT \
	"SELECT t.id, cu.name, v.name, t.name, ce.name, t.description, " \
	"t.external_id, t.ce_address, t.router_id, t.role, t.revision, " \
	"c.serial, c.revision, c.issued_ms, c.ends_ms " \
	"FROM site t JOIN vpn v ON v.id = t.vpn_id " \
	"JOIN customer cu ON cu.id = v.customer_id JOIN ce ON ce.id = t.ce_id " \
	"LEFT JOIN ike_certificate c ON c.site_id = t.id AND c.superseded = 0 "

static int read_site(struct arena *a, struct db_rows *rows,
					 struct store_site *site, struct err *e)
{
	int rc;

	memset(site, 0, sizeof(*site));
	site->id = (uint64_t)db_col_int(rows, 0);
	site->customer = arena_strdup(a, db_col_text(rows, 1));
	site->vpn = arena_strdup(a, db_col_text(rows, 2));
	site->site = arena_strdup(a, db_col_text(rows, 3));
	site->ce = arena_strdup(a, db_col_text(rows, 4));
	site->description = arena_strdup(a, db_col_text(rows, 5));
	site->external_id = arena_strdup(a, db_col_text(rows, 6));
	site->since = (uint64_t)db_col_int(rows, 10);
	if (!db_col_null(rows, 11))
	{
		site->certificate = (struct store_ike_cert){
			.serial = arena_printf(a, "%" PRIx64,
								   (uint64_t)db_col_int(rows, 11)),
			.revision = (uint64_t)db_col_int(rows, 12),
			.issued_ms = db_col_int(rows, 13),
			.ends_ms = db_col_int(rows, 14),
		};
	}
	if ((rc = store_read_addr(db_col_text(rows, 7), &site->ce_address,
							  e)) < 0 ||
		(rc = store_read_addr(db_col_text(rows, 8), &site->router_id, e)) < 0)
	{
		return rc;
	}
	return store_word(conf_roles, db_col_text(rows, 9), &site->role, e);
}

int store_sites(struct store *s, struct arena *a, const char *customer,
				const char *vpn, struct store_site **list, size_t *count,
				struct err *e)
{
	struct db_rows *rows;
	int rc;

	*list = NULL;
	*count = 0;
	rc = db_query(s->db, SELECT "WHERE ($1 = '' OR cu.name = $1) "
				  "AND ($2 = '' OR v.name = $2) "
				  "ORDER BY cu.name, v.name, t.name",
				  DB_ARGS(db_t(customer ? customer : ""),
						  db_t(vpn ? vpn : "")), &rows, e);
	if (rc < 0)
	{
		return rc;
	}
	while ((rc = db_next(rows, e)) == 1 &&
		   (rc = read_site(a, rows, store_array_add(a, (void **)list, count,
													sizeof(**list)), e)) == 0)
	{
	}
	db_end(rows);
	return rc < 0 ? rc : store_prefix_read(s, a, store_text(customer),
										   store_text(vpn), "", *list, *count,
										   e);
}

int store_site_get(struct store *s, struct arena *a, const char *customer,
				   const char *vpn, const char *site, struct store_site *out,
				   struct err *e)
{
	int64_t customer_id, vpn_id;
	char place[PLACE_SIZE];
	struct db_rows *rows;
	int rc;

	if ((rc = store_vpn_id(s, customer, vpn, &customer_id, &vpn_id, e)) < 0 ||
		(rc = db_query(s->db, SELECT "WHERE t.vpn_id = $1 AND t.name = $2",
					   DB_ARGS(db_i(vpn_id), db_t(site)), &rows, e)) < 0)
	{
		return rc;
	}
	rc = db_next(rows, e);
	if (rc == 1)
	{
		rc = read_site(a, rows, out, e);
	}
	else if (rc == 0)
	{
		snprintf(place, sizeof(place), "%s/%s/%s", customer, vpn, site);
		rc = err_set(e, -ENOENT, ERR_NOT_FOUND, place, "no such site");
	}
	db_end(rows);
	return rc < 0 ? rc : store_prefix_read(s, a, customer, vpn, site, out, 1,
										   e);
}
