/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * store_site.c - sites, and the tunnels that a topology gives them
 *
 * Owns the tables site, site_removed, link and psk.
 */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/render.h"
#include "server/store_impl.h"
#include "text.h"

#define PSK_SIZE 32
#define SEALED_SIZE (PSK_SIZE + SEAL_OVERHEAD)
#define REMOVED_MS (30LL * 24 * 3600 * 1000)

/* A site in the making. */
struct new_site
{
	int64_t id, customer_id, vpn_id, ce_id;
	const char *customer, *vpn, *name, *ce;
	char place[PLACE_SIZE];
	char ce_address[ADDR_TEXT_MAX];
	char router_id[ADDR_TEXT_MAX];
	struct store_vpn row;		/* of the VPN */
	int64_t router_id_last;
};

/* ---- keys ------------------------------------------------------------------ */

static void psk_place(const struct store *s, char out[128], int64_t site_a,
					  int64_t site_b, int64_t generation)
{
	snprintf(out, 128, "psk %s %lld %lld %lld", s->database_id,
			 (long long)site_a, (long long)site_b, (long long)generation);
}

int store_psk_make(struct store *s, int64_t site_a, int64_t site_b,
				   int64_t generation, struct err *e)
{
	uint8_t plain[PSK_SIZE], sealed[SEALED_SIZE];
	char place[128], hex[2 * SEALED_SIZE + 1];

	psk_place(s, place, site_a, site_b, generation);
	seal_random(plain, sizeof(plain));
	seal_encrypt(&s->kek, place, plain, sizeof(plain), sealed);
	wipe(plain, sizeof(plain));
	hex_encode(sealed, sizeof(sealed), hex);
	return db_run(s->db, "INSERT INTO psk (site_a, site_b, generation, "
				  "key_use, sealed) VALUES ($1, $2, $3, 'send-and-accept', $4)",
				  DB_ARGS(db_i(site_a), db_i(site_b), db_i(generation),
						  db_t(hex)), e);
}

int store_psk_open(struct store *s, int64_t site_a, int64_t site_b,
				   int64_t generation, const char *hex, struct secret *out,
				   struct err *e)
{
	uint8_t sealed[SEALED_SIZE];
	char place[128];

	psk_place(s, place, site_a, site_b, generation);
	if (hex_decode(hex, sealed, sizeof(sealed)) < 0)
	{
		return err_set(e, -EBADMSG, ERR_SEALED, place, "not a sealed key");
	}
	out->len = PSK_SIZE;
	return seal_decrypt(&s->kek, place, sealed, sizeof(sealed), out->bytes, e);
}

/* ---- adding ---------------------------------------------------------------- */

static int find_vpn(struct store *s, struct arena *a, struct new_site *site,
					struct err *e)
{
	struct db_rows *rows;
	int rc;

	rc = store_vpn_id(s, site->customer, site->vpn, &site->customer_id,
					  &site->vpn_id, e);
	if (rc < 0)
	{
		return rc;
	}
	rc = db_query(s->db, "SELECT " STORE_VPN_COLUMNS ", v.router_id_last "
				  "FROM vpn v JOIN customer cu ON cu.id = v.customer_id "
				  "WHERE v.id = $1", DB_ARGS(db_i(site->vpn_id)), &rows, e);
	if (rc < 0)
	{
		return rc;
	}
	rc = db_next(rows, e);
	if (rc == 1)
	{
		site->router_id_last = db_col_int(rows, STORE_VPN_COLUMN_COUNT);
		rc = store_vpn_read(a, rows, 0, &site->row, e);
	}
	else if (rc == 0)
	{
		rc = store_bad_row(e, "vpn");
	}
	db_end(rows);
	return rc;
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
				DB_ARGS(db_i(site->vpn_id), db_t(site->name)), e);
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
									 site->customer, site->ce);
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
					 site->customer, site->ce, MODEL_VPNS_MAX);
	}
	return rc;
}

static int router_id_used(struct store *s, const struct new_site *site,
						  const char *router_id, struct err *e)
{
	return exists(s, "SELECT count(*) FROM site WHERE vpn_id = $1 "
				  "AND router_id = $2",
				  DB_ARGS(db_i(site->vpn_id), db_t(router_id)), e);
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
	int64_t at = site->router_id_last, tried;
	struct addr addr;
	int rc = 1;

	for (tried = 0; tried < usable && rc > 0; tried++)
	{
		at = at >= usable ? 1 : at + 1;
		addr = addr_from_u32(first + (uint32_t)at);
		addr_str(&addr, site->router_id);
		rc = router_id_used(s, site, site->router_id, e);
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
							const struct addr *router_id, struct err *e)
{
	int rc;

	if (!router_id)
	{
		return allocate_router_id(s, site, e);
	}
	addr_str(router_id, site->router_id);
	if (!addr_is_host(router_id))
	{
		return err_set(e, -EINVAL, ERR_ADDRESS, site->router_id,
					   "not an address that a router can have");
	}
	rc = router_id_used(s, site, site->router_id, e);
	return rc <= 0 ? rc : err_set(e, -EEXIST, ERR_EXISTS, site->router_id,
								  "another site of %s/%s has this router id",
								  site->customer, site->vpn);
}

static int choose_address(struct store *s, struct new_site *site,
						  const struct addr *ce_address, struct err *e)
{
	struct db_rows *rows;
	int rc;

	if (ce_address)
	{
		addr_str(ce_address, site->ce_address);
		return store_address_take(s, ce_address, site->ce_id, e);
	}
	rc = db_query(s->db, "SELECT address FROM ce WHERE id = $1",
				  DB_ARGS(db_i(site->ce_id)), &rows, e);
	if (rc < 0)
	{
		return rc;
	}
	rc = db_next(rows, e);
	if (rc == 1)
	{
		snprintf(site->ce_address, sizeof(site->ce_address), "%s",
				 db_col_text(rows, 0));
		rc = 0;
	}
	else if (rc == 0)
	{
		rc = store_bad_row(e, "ce");
	}
	db_end(rows);
	return rc;
}

static int insert_site(struct store *s, const struct new_site *site,
					   struct err *e)
{
	return db_run(s->db, "INSERT INTO site (id, customer_id, vpn_id, ce_id, "
				  "name, ce_address, router_id, role, revision) VALUES "
				  "($1, $2, $3, $4, $5, $6, $7, 'any-to-any-role', $8)",
				  DB_ARGS(db_i(site->id), db_i(site->customer_id),
						  db_i(site->vpn_id), db_i(site->ce_id),
						  db_t(site->name), db_t(site->ce_address),
						  db_t(site->router_id), db_i((int64_t)s->revision)),
				  e);
}

/* A VTI carries one tunnel per pair of addresses, whatever the VPN. */
static int check_pair(struct store *s, const struct new_site *site,
					  const char *peer, const char *low, const char *high,
					  struct err *e)
{
	struct db_rows *rows;
	int rc;

	rc = db_query(s->db, "SELECT cu.name, v.name, a.name, b.name FROM link l "
				  "JOIN vpn v ON v.id = l.vpn_id "
				  "JOIN customer cu ON cu.id = v.customer_id "
				  "JOIN site a ON a.id = l.site_a "
				  "JOIN site b ON b.id = l.site_b "
				  "WHERE l.address_low = $1 AND l.address_high = $2",
				  DB_ARGS(db_t(low), db_t(high)), &rows, e);
	if (rc < 0)
	{
		return rc;
	}
	rc = db_next(rows, e);
	if (rc == 1)
	{
		rc = err_set(e, -EINVAL, ERR_TUNNEL_PAIR, site->place,
					 "the tunnel to %s would be a second one between %s and "
					 "%s: VPN %s/%s has one there (sites %s and %s)",
					 peer, low, high, db_col_text(rows, 0),
					 db_col_text(rows, 1), db_col_text(rows, 2),
					 db_col_text(rows, 3));
	}
	db_end(rows);
	return rc;
}

/* site is the newest, so its id is the higher one: always site_a. */
static int insert_link(struct store *s, const struct new_site *site,
					   int64_t peer_id, const char *peer,
					   const char *peer_address, struct err *e)
{
	bool lower = strcmp(site->ce_address, peer_address) < 0;
	const char *low = lower ? site->ce_address : peer_address;
	const char *high = lower ? peer_address : site->ce_address;
	/* by turns: every site of a mesh begins about half of its tunnels */
	int64_t initiator = (site->id + peer_id) % 2 ? site->id : peer_id;
	int rc;

	rc = check_pair(s, site, peer, low, high, e);
	if (rc < 0)
	{
		return rc;
	}
	rc = db_run(s->db, "INSERT INTO link (vpn_id, site_a, site_b, address_low, "
				"address_high, initiator, revision) "
				"VALUES ($1, $2, $3, $4, $5, $6, $7)",
				DB_ARGS(db_i(site->vpn_id), db_i(site->id), db_i(peer_id),
						db_t(low), db_t(high), db_i(initiator),
						db_i((int64_t)s->revision)), e);
	return rc < 0 ? rc : store_psk_make(s, site->id, peer_id, 1, e);
}

/* any-to-any: a tunnel to every other site of the VPN */
static int insert_links(struct store *s, const struct new_site *site,
						struct err *e)
{
	struct db_rows *rows;
	int rc;

	rc = db_query(s->db, "SELECT id, name, ce_address FROM site "
				  "WHERE vpn_id = $1 AND id <> $2 ORDER BY id",
				  DB_ARGS(db_i(site->vpn_id), db_i(site->id)), &rows, e);
	if (rc < 0)
	{
		return rc;
	}
	while ((rc = db_next(rows, e)) == 1 &&
		   (rc = insert_link(s, site, db_col_int(rows, 0),
							 db_col_text(rows, 1), db_col_text(rows, 2),
							 e)) == 0)
	{
	}
	db_end(rows);
	return rc;
}

/* No member's document may outgrow what agents accept. */
static int check_peers(struct store *s, const struct new_site *site,
					   struct err *e)
{
	struct db_rows *rows;
	int rc;

	rc = db_query(s->db, "SELECT ce.name, sum(size.peers) FROM site m "
				  "JOIN ce ON ce.id = m.ce_id "
				  "JOIN site o ON o.ce_id = m.ce_id "
				  "JOIN (SELECT vpn_id, count(*) - 1 AS peers FROM site "
				  "WHERE customer_id = $2 GROUP BY vpn_id) AS size "
				  "ON size.vpn_id = o.vpn_id "
				  "WHERE m.vpn_id = $1 GROUP BY ce.id, ce.name "
				  "HAVING sum(size.peers) > $3 LIMIT 1",
				  DB_ARGS(db_i(site->vpn_id), db_i(site->customer_id),
						  db_i(RENDER_PEERS_MAX)), &rows, e);
	if (rc < 0)
	{
		return rc;
	}
	rc = db_next(rows, e);
	if (rc == 1)
	{
		rc = err_set(e, -EINVAL, ERR_LIMIT, site->place,
					 "CE %s/%s would have %lld tunnels; a CE carries at most "
					 "%d", site->customer, db_col_text(rows, 0),
					 (long long)db_col_int(rows, 1), RENDER_PEERS_MAX);
	}
	db_end(rows);
	return rc;
}

static int site_add(struct store *s, struct arena *a, struct new_site *site,
					const struct addr *router_id,
					const struct addr *ce_address, struct err *e)
{
	char identity[FQDN_SIZE];
	int rc;

	if ((rc = store_check_name(site->name, "site", e)) < 0 ||
		(rc = find_vpn(s, a, site, e)) < 0 ||
		(rc = store_ce_id(s, site->customer, site->ce, &site->customer_id,
						  &site->ce_id, e)) < 0 ||
		(rc = render_identity(identity, site->name, &site->row, e)) < 0 ||
		(rc = check_free(s, site, e)) < 0 ||
		(rc = choose_router_id(s, site, router_id, e)) < 0 ||
		(rc = choose_address(s, site, ce_address, e)) < 0 ||
		(rc = store_next_id(s, "site", &site->id, e)) < 0 ||
		(rc = insert_site(s, site, e)) < 0 ||
		(rc = insert_links(s, site, e)) < 0 ||
		(rc = check_peers(s, site, e)) < 0)
	{
		return rc;
	}
	/* a site of that name is back: nothing to explain any more */
	rc = db_run(s->db, "DELETE FROM site_removed WHERE vpn_id = $1 "
				"AND name = $2",
				DB_ARGS(db_i(site->vpn_id), db_t(site->name)), e);
	return rc < 0 ? rc : store_touch_vpn(s, site->vpn_id, e);
}

int store_site_add(struct store *s, const char *customer, const char *vpn,
				   const char *name, const char *ce,
				   const struct addr *router_id,
				   const struct addr *ce_address, struct err *e)
{
	struct new_site site = { .customer = customer, .vpn = vpn, .name = name,
							 .ce = ce };
	struct arena *a;
	int rc;

	rc = store_need_change(s, e);
	if (rc < 0)
	{
		return rc;
	}
	snprintf(site.place, sizeof(site.place), "%s/%s/%s", customer, vpn, name);
	a = arena_new();
	rc = store_changed(s, site_add(s, a, &site, router_id, ce_address, e));
	arena_free(a);
	return rc;
}

/* ---- removing -------------------------------------------------------------- */

static int drop_site(struct store *s, int64_t id, int64_t ce_id, struct err *e)
{
	int rc;

	/* keys and status go with what they belong to */
	rc = db_run(s->db, "DELETE FROM link WHERE site_a = $1 OR site_b = $1",
				DB_ARGS(db_i(id)), e);
	if (rc == 0)
	{
		rc = db_run(s->db, "DELETE FROM site WHERE id = $1",
					DB_ARGS(db_i(id)), e);
	}
	return rc < 0 ? rc : store_addresses_drop(s, ce_id, e);
}

/*
 * Expired explanations go only together with a change of their VPN: a
 * document's content must not change without its revision.
 */
static int explain(struct store *s, int64_t vpn_id, const char *name,
				   const char *reason, struct err *e)
{
	int64_t now = store_now_ms();
	int rc;

	rc = db_run(s->db, "DELETE FROM site_removed WHERE vpn_id = $1 "
				"AND at_ms < $2",
				DB_ARGS(db_i(vpn_id), db_i(now - REMOVED_MS)), e);
	if (rc < 0)
	{
		return rc;
	}
	return db_run(s->db, "INSERT INTO site_removed (vpn_id, name, revision, "
				  "at_ms, reason) VALUES ($1, $2, $3, $4, $5) "
				  "ON CONFLICT (vpn_id, name) DO UPDATE SET revision = $3, "
				  "at_ms = $4, reason = $5",
				  DB_ARGS(db_i(vpn_id), db_t(name), db_i((int64_t)s->revision),
						  db_i(now), db_t(reason)), e);
}

static int site_remove(struct store *s, const char *customer, const char *vpn,
					   const char *name, const char *reason, struct err *e)
{
	int64_t customer_id, vpn_id, id, ce_id;
	char place[PLACE_SIZE];
	int rc;

	if (!name_is_label(reason))
	{
		return err_set(e, -EINVAL, ERR_NAME, reason,
					   "a reason is a word like site-removed");
	}
	snprintf(place, sizeof(place), "%s/%s/%s", customer, vpn, name);
	rc = store_vpn_id(s, customer, vpn, &customer_id, &vpn_id, e);
	if (rc < 0)
	{
		return rc;
	}
	rc = db_number(s->db, "SELECT id FROM site WHERE vpn_id = $1 AND name = $2",
				   DB_ARGS(db_i(vpn_id), db_t(name)), &id, e);
	if (rc < 0)
	{
		return rc == -ENOENT ? err_set(e, rc, ERR_NOT_FOUND, place,
									   "no such site") : rc;
	}
	if ((rc = db_number(s->db, "SELECT ce_id FROM site WHERE id = $1",
						DB_ARGS(db_i(id)), &ce_id, e)) < 0 ||
		/* while it is still a member: its own CE is touched too */
		(rc = store_touch_vpn(s, vpn_id, e)) < 0 ||
		(rc = drop_site(s, id, ce_id, e)) < 0)
	{
		return rc;
	}
	return explain(s, vpn_id, name, reason, e);
}

int store_site_remove(struct store *s, const char *customer, const char *vpn,
					  const char *site, const char *reason, struct err *e)
{
	int rc = store_need_change(s, e);

	return rc < 0 ? rc : store_changed(s, site_remove(s, customer, vpn, site,
													  reason, e));
}
