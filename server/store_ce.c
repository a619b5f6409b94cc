/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * store_ce.c - routers, their addresses, and what changed for whom
 *
 * Owns the tables ce, ce_address and ce_change.
 */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/crl.h"
#include "server/render.h"
#include "server/store_alarm.h"
#include "server/store_work.h"
#include "text.h"

int store_ce_id(struct store *s, const char *customer, const char *ce,
				int64_t *customer_id, int64_t *id, struct err *e)
{
	char place[PLACE_SIZE];
	int rc;

	rc = store_customer_id(s, customer, customer_id, e);
	if (rc < 0)
	{
		return rc;
	}
	rc = db_number(s->db, "SELECT id FROM ce WHERE customer_id = $1 "
				   "AND name = $2 AND removed_revision = 0",
				   DB_ARGS(db_i(*customer_id), db_t(ce)), id, e);
	if (rc == -ENOENT)
	{
		snprintf(place, sizeof(place), "%s/%s", customer, ce);
		err_set(e, rc, ERR_NOT_FOUND, place, "no such CE");
	}
	return rc;
}

/* Whose address it is: 0 with *ce_id, -ENOENT when nobody's. */
static int address_owner(struct store *s, const char *address, int64_t *ce_id,
						 struct err *e)
{
	return db_number(s->db, "SELECT ce_id FROM ce_address WHERE address = $1",
					 DB_ARGS(db_t(address)), ce_id, e);
}

int store_address_take(struct store *s, const struct addr *address,
					   int64_t ce_id, struct err *e)
{
	char text[ADDR_TEXT_MAX];
	int64_t owner;
	int rc;

	addr_str(address, text);
	if (!addr_is_host(address))
	{
		return err_set(e, -EINVAL, ERR_ADDRESS, text,
					   "not an address that a router can have");
	}
	rc = address_owner(s, text, &owner, e);
	if (rc == -ENOENT)
	{
		return db_run(s->db, "INSERT INTO ce_address (address, ce_id) "
					  "VALUES ($1, $2)", DB_ARGS(db_t(text), db_i(ce_id)), e);
	}
	if (rc == 0 && owner != ce_id)
	{
		/* not whose: it may be another customer's */
		rc = err_set(e, -EEXIST, ERR_EXISTS, text,
					 "another CE has this address");
	}
	return rc;
}

int store_addresses_drop(struct store *s, int64_t ce_id, struct err *e)
{
	return db_run(s->db, "DELETE FROM ce_address WHERE ce_id = $1 "
				  "AND address NOT IN (SELECT address FROM ce WHERE id = $1) "
				  "AND address NOT IN "
				  "(SELECT ce_address FROM site WHERE ce_id = $1)",
				  DB_ARGS(db_i(ce_id)), e);
}

static char *ce_place(struct store *s, const char *customer, const char *ce)
{
	return arena_printf(s->work->a, "%s/%s", customer, ce);
}

static int write_ce(struct store *s, int64_t customer_id, int64_t id,
					const struct store_ce *ce, struct err *e)
{
	const char *dynamic = store_dynamic_join(s->work->a, ce);
	char text[ADDR_TEXT_MAX];

	/* the row of a removed one is there still, when it comes back */
	return db_run(s->db, "INSERT INTO ce (id, customer_id, name, address, "
				  "description, external_id, suspended_revision, "
				  "behind_nat, dynamic, removed_revision) "
				  "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 0) "
				  "ON CONFLICT (id) DO UPDATE SET address = $4, "
				  "description = $5, external_id = $6, behind_nat = $8, "
				  "dynamic = $9, suspended_revision = "
				  "CASE WHEN ce.suspended_revision > 0 AND $7 > 0 "
				  "THEN ce.suspended_revision ELSE $7 END, "
				  "revoked = CASE WHEN $7 > 0 THEN ce.revoked ELSE 0 END, "
				  "removed_revision = 0",
				  DB_ARGS(db_i(id), db_i(customer_id), db_t(ce->ce),
						  db_t(addr_str(&ce->address, text)),
						  db_t(store_text(ce->description)),
						  db_t(store_text(ce->external_id)),
						  db_i(ce->suspended ? (int64_t)s->revision : 0),
						  db_i(ce->behind_nat), db_t(dynamic)), e);
}

static int ce_add(struct store *s, const struct store_ce *given,
				  struct err *e)
{
	struct store_ce copy = *given, *ce = &copy;
	int64_t customer_id, id = (int64_t)ce->id, there;
	int rc;

	if ((rc = store_check_name(ce->ce, "CE", e)) < 0 ||
		(rc = store_dynamic_check(s->work->a, ce, e)) < 0 ||
		(rc = store_check_words(ce->description, ce->external_id, e)) < 0)
	{
		return rc;
	}
	rc = store_ce_id(s, ce->customer, ce->ce, &customer_id, &there, e);
	if (rc == 0)
	{
		return err_set(e, -EEXIST, ERR_EXISTS, ce->ce,
					   "customer %s has a CE of that name", ce->customer);
	}
	if (rc != -ENOENT ||
		(rc = store_customer_id(s, ce->customer, &customer_id, e)) < 0 ||
		(!id && (rc = store_next_id(s, "ce", &id, e)) < 0) ||
		(rc = write_ce(s, customer_id, id, ce, e)) < 0 ||
		(rc = store_address_take(s, &ce->address, id, e)) < 0)
	{
		return rc;
	}
	store_note(s, CONF_CE, ce_place(s, ce->customer, ce->ce), (uint64_t)id,
			   NULL, ce);
	return store_touch_ce(s, id, e);
}

int store_ce_add(struct store *s, const struct store_ce *ce, struct err *e)
{
	int rc = store_need_change(s, e);

	return rc < 0 ? rc : store_changed(s, ce_add(s, ce, e));
}

/* One site follows its router. */
static int move_site(struct store *s, struct store_site *site,
					 const struct addr *to, struct err *e)
{
	site->ce_address = *to;
	site->ce = NULL;
	return store_site_set(s, site, e);
}

/* Sites that were at its old address follow, and so do their tunnels. */
static int move_sites(struct store *s, const struct store_ce *before,
					  const struct addr *to, struct err *e)
{
	int64_t id = (int64_t)before->id;
	struct store_site *sites;
	size_t i, count = 0;
	int rc = store_address_take(s, to, id, e);

	/* what is taken back, and a customer's file, say of each site where it is */
	if (rc == 0 && !s->work->reverting && !s->work->applying)
	{
		rc = store_sites(s, s->work->a, before->customer, NULL, &sites,
						 &count, e);
	}
	for (i = 0; rc == 0 && i < count; i++)
	{
		if (strcmp(sites[i].ce, before->ce) == 0 &&
			addr_equal(&sites[i].ce_address, &before->address))
		{
			rc = move_site(s, &sites[i], to, e);
		}
	}
	return rc < 0 ? rc : store_addresses_drop(s, id, e);
}

/*
 * It and its peers: their documents lack or have each other. Those that are
 * suspended themselves have neither.
 */
static int touch_with_peers(struct store *s, int64_t id, struct err *e)
{
	int rc = store_touch_ce(s, id, e);

	return rc < 0 ? rc : db_run(s->db, "UPDATE ce_change SET revision = $2, "
		"committed_ms = 0 WHERE ce_id IN (SELECT p.ce_id FROM site t "
		"JOIN link l ON l.site_a = t.id JOIN site p ON p.id = l.site_b "
		"WHERE t.ce_id = $1 UNION SELECT p.ce_id FROM site t "
		"JOIN link l ON l.site_b = t.id JOIN site p ON p.id = l.site_a "
		"WHERE t.ce_id = $1) AND ce_id NOT IN "
		"(SELECT id FROM ce WHERE suspended_revision > 0)",
		DB_ARGS(db_i(id), db_i((int64_t)s->revision)), e);
}

/* For people: tunnels that go or come with a CE's suspension. */
static int effect_suspended(struct store *s, int64_t id, bool suspended,
							struct err *e)
{
	struct db_rows *rows;
	int rc;

	rc = db_query(s->db, "SELECT cu.name, v.name, t.name, p.name FROM site t "
				  "JOIN vpn v ON v.id = t.vpn_id "
				  "JOIN customer cu ON cu.id = v.customer_id "
				  "JOIN site p ON p.vpn_id = t.vpn_id "
				  "JOIN link l ON "
				  "l.site_a = CASE WHEN t.id > p.id THEN t.id ELSE p.id END "
				  "AND l.site_b = CASE WHEN t.id > p.id THEN p.id ELSE t.id END "
				  "JOIN ce pc ON pc.id = p.ce_id "
				  "WHERE t.ce_id = $1 AND pc.suspended_revision = 0",
				  DB_ARGS(db_i(id)), &rows, e);
	if (rc < 0)
	{
		return rc;
	}
	while ((rc = db_next(rows, e)) == 1)
	{
		store_effect(s, db_col_text(rows, 0), db_col_text(rows, 1),
					 db_col_text(rows, 2), db_col_text(rows, 3),
					 suspended ? STORE_REMOVED : STORE_ADDED);
	}
	db_end(rows);
	return rc;
}

/* All its sites are looked at again. */
static int nat_changed(struct store *s, const struct store_ce *ce,
					   struct err *e)
{
	struct store_site *sites;
	int64_t customer_id, vpn_id;
	size_t i, count;
	int rc = store_sites(s, s->work->a, ce->customer, NULL, &sites, &count, e);

	for (i = 0; rc == 0 && i < count; i++)
	{
		if (strcmp(sites[i].ce, ce->ce) == 0 &&
			(rc = store_vpn_id(s, ce->customer, sites[i].vpn, &customer_id,
							   &vpn_id, e)) == 0)
		{
			store_dirty(s, vpn_id, (int64_t)sites[i].id);
		}
	}
	return rc;
}

static int ce_set(struct store *s, const struct store_ce *given,
				  struct err *e)
{
	struct store_ce before, copy = *given, *ce = &copy;
	int64_t customer_id, id;
	bool moves;
	int rc;

	if ((rc = store_dynamic_check(s->work->a, ce, e)) < 0 ||
		(rc = store_check_words(ce->description, ce->external_id, e)) < 0 ||
		(rc = store_ce_id(s, ce->customer, ce->ce, &customer_id, &id,
						  e)) < 0 ||
		(rc = store_ce_by_id(s, s->work->a, id, &before, e)) < 0)
	{
		return rc;
	}
	store_freed_ce(s, &before);
	if (!store_note(s, CONF_CE, ce_place(s, ce->customer, ce->ce),
					(uint64_t)id, &before, ce))
	{
		return 0;
	}
	if ((rc = store_follow_forget(s, id, e)) == 0)
	{
		rc = write_ce(s, customer_id, id, ce, e);
	}
	store_unfree(s, CONF_CE, (uint64_t)id);
	moves = !addr_equal(&before.address, &ce->address);
	if (rc == 0 && moves)
	{
		rc = move_sites(s, &before, &ce->address, e);
	}
	if (rc == 0 && (before.behind_nat != ce->behind_nat ||
					(moves && ce->behind_nat)))
	{
		rc = nat_changed(s, ce, e);
	}
	if (rc == 0 && before.suspended != ce->suspended &&
		(rc = touch_with_peers(s, id, e)) == 0)
	{
		rc = effect_suspended(s, id, ce->suspended, e);
	}
	if (rc == 0 && before.suspended && !ce->suspended)
	{
		rc = store_rotation_again(s, id, e);
	}
	return rc;
}

int store_ce_set(struct store *s, const struct store_ce *ce, struct err *e)
{
	int rc = store_need_change(s, e);

	return rc < 0 ? rc : store_changed(s, ce_set(s, ce, e));
}

/* The row and its keys stay, for the tombstone; everything else goes. */
static int drop_ce(struct store *s, int64_t id, struct err *e)
{
	static const char *const texts[] = {
		"DELETE FROM ce_address WHERE ce_id = $1",
		"DELETE FROM ce_token WHERE ce_id = $1",
		"DELETE FROM ce_delivery WHERE ce_id = $1",
		"DELETE FROM ce_status WHERE ce_id = $1",
		"DELETE FROM alarm_budget WHERE ce_id = $1",
		"DELETE FROM diag WHERE ce_id = $1",
		"DELETE FROM address_refused WHERE ce_id = $1"
	};
	size_t i;
	int rc = 0;

	for (i = 0; rc == 0 && i < sizeof(texts) / sizeof(texts[0]); i++)
	{
		rc = db_run(s->db, texts[i], DB_ARGS(db_i(id)), e);
	}
	if (rc == 0)
	{
		rc = db_run(s->db, "UPDATE ce SET removed_revision = $2 WHERE id = $1",
					DB_ARGS(db_i(id), db_i((int64_t)s->revision)), e);
	}
	return rc < 0 ? rc : store_touch_ce(s, id, e);
}

static int ce_remove(struct store *s, const char *customer, const char *ce,
					 struct err *e)
{
	int64_t customer_id, id, sites;
	struct store_ce before;
	int rc;

	if ((rc = store_ce_id(s, customer, ce, &customer_id, &id, e)) < 0 ||
		(rc = store_ce_by_id(s, s->work->a, id, &before, e)) < 0 ||
		(rc = db_number(s->db, "SELECT count(*) FROM site WHERE ce_id = $1",
						DB_ARGS(db_i(id)), &sites, e)) < 0)
	{
		return rc;
	}
	if (sites)
	{
		return err_set(e, -EBUSY, ERR_IN_USE, ce, "it still has %lld sites",
					   (long long)sites);
	}
	store_note(s, CONF_CE, ce_place(s, customer, ce), (uint64_t)id, &before,
			   NULL);
	if ((rc = store_alarm_ce_gone(s, customer, ce, id, e)) < 0 ||
		(rc = store_ike_revoke_ce(s, id, CRL_CESSATION, e)) < 0)
	{
		return rc;
	}
	return drop_ce(s, id, e);
}

int store_ce_remove(struct store *s, const char *customer, const char *ce,
					struct err *e)
{
	int rc = store_need_change(s, e);

	return rc < 0 ? rc : store_changed(s, ce_remove(s, customer, ce, e));
}

static int ce_leave(struct store *s, int64_t id, struct err *e)
{
	struct arena *a = s->work->a;
	struct store_ce ce;
	struct store_site *sites;
	size_t i, count;
	int rc;

	if ((rc = store_ce_by_id(s, a, id, &ce, e)) < 0)
	{
		return rc;
	}
	if (ce.removed)
	{
		return err_set(e, -ENOENT, ERR_NOT_FOUND, ce.ce, "no such CE");
	}
	rc = store_sites(s, a, ce.customer, NULL, &sites, &count, e);
	for (i = 0; rc == 0 && i < count; i++)
	{
		if (strcmp(sites[i].ce, ce.ce) == 0)
		{
			rc = store_site_remove(s, sites[i].customer, sites[i].vpn,
								   sites[i].site, "site-left", e);
		}
	}
	return rc < 0 ? rc : ce_remove(s, ce.customer, ce.ce, e);
}

int store_ce_leave(struct store *s, uint64_t ce_id, struct err *e)
{
	int rc = store_need_change(s, e);

	return rc < 0 ? rc : store_changed(s, ce_leave(s, (int64_t)ce_id, e));
}

/* reason: of its certificates, crl.h */
static int ce_replace(struct store *s, const char *customer, const char *ce,
					  int reason, struct err *e)
{
	int64_t customer_id, id;
	int rc;

	if ((rc = store_ce_id(s, customer, ce, &customer_id, &id, e)) < 0 ||
		(rc = store_key_revoke(s, id, e)) < 0 ||
		(rc = store_ike_revoke_ce(s, id, reason, e)) < 0 ||
		(rc = store_move_uncertified(s, id, e)) < 0)
	{
		return rc;
	}
	/* what the old one said is not the new one's */
	if ((rc = store_follow_forget(s, id, e)) < 0 ||
		(rc = db_run(s->db, "DELETE FROM tunnel_status WHERE site_id IN "
					 "(SELECT id FROM site WHERE ce_id = $1)",
					 DB_ARGS(db_i(id)), e)) < 0 ||
		(rc = db_run(s->db, "DELETE FROM tunnel_down WHERE site_id IN "
					 "(SELECT id FROM site WHERE ce_id = $1)",
					 DB_ARGS(db_i(id)), e)) < 0 ||
		(rc = db_run(s->db, "DELETE FROM diag WHERE ce_id = $1",
					 DB_ARGS(db_i(id)), e)) < 0 ||
		(rc = store_alarm_ce_mute(s, id, e)) < 0 ||
		(rc = db_run(s->db, "DELETE FROM ce_status WHERE ce_id = $1",
					 DB_ARGS(db_i(id)), e)) < 0)
	{
		return rc;
	}
	return store_touch_ce(s, id, e);
}

static int ce_revoke(struct store *s, const char *customer, const char *ce,
					 struct err *e)
{
	int64_t customer_id, id;
	struct store_ce after;
	int rc;

	if ((rc = ce_replace(s, customer, ce, CRL_KEY_COMPROMISE, e)) < 0 ||
		(rc = store_ce_id(s, customer, ce, &customer_id, &id, e)) < 0 ||
		(rc = store_ce_by_id(s, s->work->a, id, &after, e)) < 0 ||
		after.suspended)
	{
		return rc;
	}
	after.suspended = true;
	rc = ce_set(s, &after, e);
	return rc < 0 ? rc : db_run(s->db, "UPDATE ce SET revoked = 1 "
								"WHERE id = $1", DB_ARGS(db_i(id)), e);
}

int store_ce_revoke(struct store *s, const char *customer, const char *ce,
					struct err *e)
{
	int rc = store_need_change(s, e);

	return rc < 0 ? rc : store_changed(s, ce_revoke(s, customer, ce, e));
}

int store_ce_replace(struct store *s, const char *customer, const char *ce,
					 struct err *e)
{
	int rc = store_need_change(s, e);

	return rc < 0 ? rc : store_changed(s, ce_replace(s, customer, ce,
													 CRL_CESSATION, e));
}

/* ---- questions ------------------------------------------------------------- */

int store_ce_read(struct arena *a, struct db_rows *rows, struct store_ce *ce,
				  struct err *e)
{
	int64_t reported = db_col_null(rows, 9) ? -1 : db_col_int(rows, 9);
	int64_t delivered = db_col_null(rows, 10) ? -1 : db_col_int(rows, 10);

	memset(ce, 0, sizeof(*ce));
	ce->id = (uint64_t)db_col_int(rows, 0);
	ce->customer = arena_strdup(a, db_col_text(rows, 1));
	ce->ce = arena_strdup(a, db_col_text(rows, 2));
	ce->description = arena_strdup(a, db_col_text(rows, 3));
	ce->removed = db_col_int(rows, 5) != 0;
	ce->revision = (uint64_t)db_col_int(rows, 6);
	ce->committed_ms = (uint64_t)db_col_int(rows, 7);
	ce->enrolled = !db_col_null(rows, 8);
	ce->certificate_ends_ms = ce->enrolled ? db_col_int(rows, 8) : 0;
	ce->last_seen_ms = reported > delivered ? reported : delivered;
	ce->external_id = arena_strdup(a, db_col_text(rows, 11));
	ce->suspended = db_col_int(rows, 12) != 0;
	ce->behind_nat = db_col_int(rows, 13) != 0;
	ce->revoked = ce->suspended && db_col_int(rows, 15) != 0;
	ce->waiting_key = arena_strdup(a, db_col_null(rows, 16) ? ""
								   : db_col_text(rows, 16));
	ce->waiting_ms = *ce->waiting_key ? db_col_int(rows, 17) : -1;
	ce->ike_key = arena_strdup(a, db_col_null(rows, 18) ? ""
							   : db_col_text(rows, 18));
	ce->ike_key_ms = *ce->ike_key ? db_col_int(rows, 19) : 0;
	if (store_dynamic_split(a, db_col_text(rows, 14), ce, e) < 0)
	{
		return -EIO;
	}
	return store_read_addr(db_col_text(rows, 4), &ce->address, e);
}

int store_ce_get(struct store *s, struct arena *a, const char *customer,
				 const char *ce, struct store_ce *out, struct err *e)
{
	struct db_rows *rows;
	char place[PLACE_SIZE];
	int rc;

	rc = db_query(s->db, STORE_CE_SELECT "WHERE cu.name = $1 AND ce.name = $2 "
				  "AND ce.removed_revision = 0",
				  DB_ARGS(db_t(customer), db_t(ce)), &rows, e);
	if (rc < 0)
	{
		return rc;
	}
	rc = db_next(rows, e);
	if (rc == 1)
	{
		rc = store_ce_read(a, rows, out, e);
	}
	else if (rc == 0)
	{
		snprintf(place, sizeof(place), "%s/%s", customer, ce);
		rc = err_set(e, -ENOENT, ERR_NOT_FOUND, place, "no such CE");
	}
	db_end(rows);
	return rc;
}

int store_ce_by_id(struct store *s, struct arena *a, int64_t id,
				   struct store_ce *out, struct err *e)
{
	struct db_rows *rows;
	int rc;

	rc = db_query(s->db, STORE_CE_SELECT "WHERE ce.id = $1",
				  DB_ARGS(db_i(id)), &rows, e);
	if (rc < 0)
	{
		return rc;
	}
	rc = db_next(rows, e);
	if (rc == 1)
	{
		rc = store_ce_read(a, rows, out, e);
	}
	else if (rc == 0)
	{
		rc = err_set(e, -ENOENT, ERR_NOT_FOUND, "CE", "no such CE");
	}
	db_end(rows);
	return rc;
}

int store_ce_by_key(struct store *s, struct arena *a, const uint8_t spki[32],
					struct store_ce *ce, struct err *e)
{
	int64_t id = 0, waiting = 0;
	bool current = false, revoked = false;
	struct db_rows *rows;
	char hex[65];
	int rc;

	hex_encode(spki, 32, hex);
	/* one of them, or both for a key that is kept */
	rc = db_query(s->db, "SELECT ce_id, revoked_ms, 0 FROM ce_key "
				  "WHERE spki = $1 AND (superseded = 0 OR revoked_ms > 0) "
				  "UNION ALL SELECT ce_id, 0, serial FROM ce_renewal "
				  "WHERE spki = $1", DB_ARGS(db_t(hex)), &rows, e);
	if (rc < 0)
	{
		return rc;
	}
	while ((rc = db_next(rows, e)) == 1)
	{
		id = db_col_int(rows, 0);
		revoked |= db_col_int(rows, 1) != 0;
		waiting += db_col_int(rows, 2);
		current |= db_col_int(rows, 2) == 0;
	}
	db_end(rows);
	if (rc < 0 || !id)
	{
		return rc < 0 ? rc : err_set(e, -ENOENT, ERR_NOT_FOUND, "key",
									 "the public key is no CE's");
	}
	rc = store_ce_by_id(s, a, id, ce, e);
	if (rc == 0)
	{
		/* another router has its place: what is left for it is a tombstone */
		ce->removed |= revoked;
		ce->waiting = (uint64_t)waiting;
		ce->is_new_key = !current;
	}
	return rc;
}

int store_ces(struct store *s, struct arena *a, const char *customer,
			  struct store_ce **list, size_t *count, struct err *e)
{
	struct db_rows *rows;
	int rc;

	*list = NULL;
	*count = 0;
	rc = db_query(s->db, STORE_CE_SELECT "WHERE ce.removed_revision = 0 "
				  "AND ($1 = '' OR cu.name = $1) ORDER BY cu.name, ce.name",
				  DB_ARGS(db_t(customer ? customer : "")), &rows, e);
	if (rc < 0)
	{
		return rc;
	}
	while ((rc = db_next(rows, e)) == 1 &&
		   (rc = store_ce_read(a, rows, store_array_add(a, (void **)list, count,
												   sizeof(**list)), e)) == 0)
	{
	}
	db_end(rows);
	return rc;
}

int store_revision(struct store *s, uint64_t *epoch, uint64_t *revision,
				   struct err *e)
{
	struct db_rows *rows;
	int rc;

	rc = db_query(s->db, "SELECT epoch, revision FROM installation", NULL,
				  &rows, e);
	if (rc < 0)
	{
		return rc;
	}
	rc = db_next(rows, e);
	if (rc == 1)
	{
		*epoch = (uint64_t)db_col_int(rows, 0);
		*revision = (uint64_t)db_col_int(rows, 1);
		rc = 0;
	}
	else if (rc == 0)
	{
		rc = store_bad_row(e, "installation");
	}
	db_end(rows);
	return rc;
}

int store_changes_since(struct store *s, struct arena *a, uint64_t revision,
						struct store_change **changes, size_t *count,
						struct err *e)
{
	struct store_change *change;
	struct db_rows *rows;
	int rc;

	*changes = NULL;
	*count = 0;
	rc = db_query(s->db, "SELECT ce_id, revision, committed_ms FROM ce_change "
				  "WHERE revision > $1 ORDER BY revision, ce_id",
				  DB_ARGS(db_i((int64_t)revision)), &rows, e);
	if (rc < 0)
	{
		return rc;
	}
	while ((rc = db_next(rows, e)) == 1)
	{
		change = store_array_add(a, (void **)changes, count, sizeof(*change));
		change->ce_id = (uint64_t)db_col_int(rows, 0);
		change->revision = (uint64_t)db_col_int(rows, 1);
		change->committed_ms = (uint64_t)db_col_int(rows, 2);
	}
	db_end(rows);
	return rc;
}

/* ---- settings that every document carries ---------------------------------- */

static int management_differs(struct store *s, const char *text, bool *differs,
							  struct err *e)
{
	int64_t same;
	int rc = db_number(s->db, "SELECT count(*) FROM installation "
					   "WHERE management = $1", DB_ARGS(db_t(text)), &same, e);

	*differs = rc == 0 && same == 0;
	return rc;
}

static int management_change(struct store *s, const char *text, struct err *e)
{
	bool differs;
	int rc;

	rc = store_begin(s, "server", e);
	if (rc < 0)
	{
		return rc;
	}
	/* again, now that nobody else can write */
	if ((rc = management_differs(s, text, &differs, e)) < 0 || !differs ||
		(rc = db_run(s->db, "UPDATE installation SET management = $1",
					 DB_ARGS(db_t(text)), e)) < 0 ||
		(rc = db_run(s->db, "UPDATE ce_change SET revision = $1, "
					 "committed_ms = 0",
					 DB_ARGS(db_i((int64_t)s->revision)), e)) < 0)
	{
		store_rollback(s);
		return rc;
	}
	return store_commit(s, "what every document carries changed: management "
						"settings, or the server's version", NULL, e);
}

int store_management_set(struct store *s,
						 const struct model_management *management,
						 struct err *e)
{
	char *text;
	bool differs;
	int rc;

	/* an empty document has the section, and the version of what renders it */
	text = render_management_text(management);
	rc = management_differs(s, text, &differs, e);
	if (rc == 0 && differs)
	{
		rc = management_change(s, text, e);
	}
	free(text);
	return rc;
}
