/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * store_document.c - the rows of one CE's document, in one read transaction
 *
 * Reads what belongs to the CE's own tunnels and nothing else: O(its peers).
 */
#include "config.h"

#include <errno.h>
#include <string.h>

#include "server/conf_json.h"
#include "server/render.h"
#include "server/store_impl.h"

static int read_ce(struct store *s, struct arena *a, int64_t ce_id,
				   struct render_ce *out, int64_t *epoch_revision,
				   struct err *e)
{
	struct db_rows *rows;
	int rc;

	rc = db_query(s->db, "SELECT cu.name, ce.name, ce.removed_revision, "
				  "ch.revision, i.epoch, ce.suspended_revision, "
				  "ce.bulk_revision, i.epoch_revision FROM ce "
				  "JOIN customer cu ON cu.id = ce.customer_id "
				  "JOIN ce_change ch ON ch.ce_id = ce.id "
				  "JOIN installation i ON i.one = 1 WHERE ce.id = $1",
				  DB_ARGS(db_i(ce_id)), &rows, e);
	if (rc < 0)
	{
		return rc;
	}
	rc = db_next(rows, e);
	if (rc == 1)
	{
		out->customer = arena_strdup(a, db_col_text(rows, 0));
		out->ce = arena_strdup(a, db_col_text(rows, 1));
		out->removed = db_col_int(rows, 2) != 0;
		out->revision = (uint64_t)db_col_int(rows, 3);
		out->epoch = (uint64_t)db_col_int(rows, 4);
		out->suspended = db_col_int(rows, 5) != 0;
		out->bulk_removal = (uint64_t)db_col_int(rows, 6);
		*epoch_revision = db_col_int(rows, 7);
		rc = 0;
	}
	else if (rc == 0)
	{
		rc = err_set(e, -ENOENT, ERR_NOT_FOUND, "CE", "no such CE");
	}
	db_end(rows);
	return rc;
}

/* What the two ends' certificates are for, as the database has it. */
static void read_certificate(const char *use, struct render_peer *peer)
{
	peer->certificate = *use != '\0';
	peer->certificate_use = strcmp(use, "send-and-accept") == 0
		? MODEL_SEND_AND_ACCEPT : MODEL_ACCEPT_ONLY;
}

/* A row for each key, or one where there is none; rows of one peer follow each
 * other, as the indexes have them: a thousand rows need not be sorted. */
static int read_peer(struct store *s, struct arena *a, struct db_rows *rows,
					 bool site_is_a, int64_t site_id, struct render_vpn *vpn,
					 int64_t *last_id, struct err *e)
{
	int64_t peer_id = db_col_int(rows, 0), generation = db_col_int(rows, 4);
	struct render_peer *peer;
	struct model_key *key;
	int rc;

	if (peer_id != *last_id)
	{
		peer = store_array_add(a, (void **)&vpn->peers, &vpn->peer_count,
							   sizeof(*peer));
		peer->site = arena_strdup(a, db_col_text(rows, 1));
		peer->initiates = db_col_int(rows, 3) == peer_id;
		peer->behind_nat = db_col_int(rows, 11) != 0;
		peer->cost = (uint32_t)db_col_int(rows, 7);
		rc = store_word(conf_roles, db_col_text(rows, 10), &peer->role, e);
		if (rc < 0)
		{
			return rc;
		}
		if (!db_col_null(rows, 8))
		{
			peer->profile = arena_strdup(a, db_col_text(rows, 8));
		}
		rc = store_read_addr(db_col_text(rows, 2), &peer->ce_address, e);
		if (rc < 0)
		{
			return rc;
		}
		read_certificate(db_col_text(rows, 12), peer);
		*last_id = peer_id;
	}
	if (db_col_null(rows, 4))
	{
		return 0;
	}
	peer = &vpn->peers[vpn->peer_count - 1];
	key = store_array_add(a, (void **)&peer->keys, &peer->key_count,
						  sizeof(*key));
	key->key_id = arena_printf(a, "g%lld", (long long)generation);
	key->use = strcmp(db_col_text(rows, 5), "send-and-accept") == 0
		? MODEL_SEND_AND_ACCEPT : MODEL_ACCEPT_ONLY;
	return store_psk_open(s, site_is_a ? site_id : peer_id,
						  site_is_a ? peer_id : site_id, generation,
						  db_col_text(rows, 6), &key->secret, e);
}

#define PEERS(mine, theirs) \
	"SELECT p.id, p.name, p.ce_address, l.initiator, k.generation, " \
	"k.key_use, k.sealed, l.cost, f.name, pc.suspended_revision, p.role, " \
	"p.behind_nat, l.certificate_use " \
	"FROM link l JOIN site p ON p.id = l." theirs " " \
	"JOIN ce pc ON pc.id = p.ce_id " \
	"LEFT JOIN psk k ON k.site_a = l.site_a AND k.site_b = l.site_b " \
	"LEFT JOIN sa_profile f ON f.id = l.profile_id " \
	"WHERE l." mine " = $1 ORDER BY l." theirs ", k.generation"

void store_document_removed(struct arena *a, struct render_vpn *vpn,
							const char *peer, int64_t revision,
							const char *reason)
{
	struct model_removed *removed = store_array_add(a, (void **)&vpn->removed,
		&vpn->removed_count, sizeof(*removed));

	removed->peer = arena_strdup(a, peer);
	removed->at_revision = (uint64_t)revision;
	removed->reason = arena_strdup(a, reason);
}

/* The newest key first. */
static void reverse_keys(struct render_peer *peer)
{
	for (size_t i = 0; i < peer->key_count / 2; i++)
	{
		struct model_key *a = &peer->keys[i];
		struct model_key *b = &peer->keys[peer->key_count - 1 - i];
		struct model_key swap = *a;

		*a = *b;
		*b = swap;
		wipe(&swap, sizeof(swap));
	}
}

static int read_peers(struct store *s, struct arena *a, int64_t site_id,
					  bool site_is_a, struct render_vpn *vpn, struct err *e)
{
	const size_t first = vpn->peer_count;
	struct db_rows *rows;
	int64_t last_id = 0;
	int rc;

	rc = db_query(s->db, site_is_a ? PEERS("site_a", "site_b")
								   : PEERS("site_b", "site_a"),
				  DB_ARGS(db_i(site_id)), &rows, e);
	if (rc < 0)
	{
		return rc;
	}
	while ((rc = db_next(rows, e)) == 1)
	{
		if (db_col_int(rows, 9))
		{
			/* one row for each of its keys, one explanation */
			if (db_col_int(rows, 0) != last_id)
			{
				store_document_removed(a, vpn, db_col_text(rows, 1),
									   db_col_int(rows, 9), "ce-suspended");
			}
			last_id = db_col_int(rows, 0);
			continue;
		}
		if (db_col_null(rows, 4) && !*db_col_text(rows, 12))
		{
			rc = err_set(e, -EIO, ERR_DATABASE, vpn->site,
						 "the tunnel to %s has no key", db_col_text(rows, 1));
			break;
		}
		rc = read_peer(s, a, rows, site_is_a, site_id, vpn, &last_id, e);
		if (rc < 0)
		{
			break;
		}
	}
	db_end(rows);
	for (size_t i = first; i < vpn->peer_count; i++)
	{
		reverse_keys(&vpn->peers[i]);
	}
	return rc;
}

/* Tunnels that this site had, the latest ones; one more tells that there are
 * more. */
static int read_removed(struct store *s, struct arena *a, int64_t site_id,
						struct render_vpn *vpn, struct err *e)
{
	struct db_rows *rows;
	unsigned told = 0;
	int rc;

	rc = db_query(s->db, "SELECT peer, revision, reason FROM link_removed "
				  "WHERE site_id = $1 ORDER BY revision DESC, peer LIMIT $2",
				  DB_ARGS(db_i(site_id), db_i(RENDER_REMOVED_MAX + 1)), &rows,
				  e);
	if (rc < 0)
	{
		return rc;
	}
	while ((rc = db_next(rows, e)) == 1)
	{
		if (told++ == RENDER_REMOVED_MAX)
		{
			vpn->unexplained = (uint64_t)db_col_int(rows, 1);
			break;
		}
		store_document_removed(a, vpn, db_col_text(rows, 0),
							   db_col_int(rows, 1), db_col_text(rows, 2));
	}
	db_end(rows);
	return rc < 0 ? rc : 0;
}

/* The further profiles of the VPN; the document takes those in use. */
static int read_profiles(struct store *s, struct arena *a,
						 struct render_vpn *vpn, struct err *e)
{
	return store_profiles(s, a, vpn->vpn.customer, vpn->vpn.vpn,
						  &vpn->profiles, &vpn->profile_count, e);
}

static int read_site(struct store *s, struct arena *a, struct db_rows *rows,
					 bool suspended, struct render_vpn *vpn, struct err *e)
{
	int64_t site_id = db_col_int(rows, STORE_VPN_COLUMN_COUNT);
	int rc;

	vpn->site = arena_strdup(a, db_col_text(rows, STORE_VPN_COLUMN_COUNT + 1));
	vpn->behind_nat = db_col_int(rows, STORE_VPN_COLUMN_COUNT + 5) != 0;
	if ((rc = store_vpn_read(a, rows, 0, &vpn->vpn, e)) < 0 ||
		(rc = store_word(conf_roles,
						 db_col_text(rows, STORE_VPN_COLUMN_COUNT + 4),
						 &vpn->role, e)) < 0 ||
		(rc = store_read_addr(db_col_text(rows, STORE_VPN_COLUMN_COUNT + 2),
							  &vpn->ce_address, e)) < 0 ||
		(rc = store_read_addr(db_col_text(rows, STORE_VPN_COLUMN_COUNT + 3),
							  &vpn->router_id, e)) < 0 ||
		(rc = store_authority_document(s, a, (int64_t)vpn->vpn.id, site_id,
									   &vpn->certificate, e)) < 0)
	{
		return rc;
	}
	if (suspended)
	{
		return 0;		/* nothing that is not told by the one word */
	}
	rc = store_mesh_peers(s, a, site_id, vpn, e);
	if (rc < 0 ||
		(rc == 0 && ((rc = read_peers(s, a, site_id, true, vpn, e)) < 0 ||
					 (rc = read_peers(s, a, site_id, false, vpn, e)) < 0)) ||
		(rc = read_profiles(s, a, vpn, e)) < 0)
	{
		return rc;
	}
	return read_removed(s, a, site_id, vpn, e);
}

static int read_sites(struct store *s, struct arena *a, int64_t ce_id,
					  struct render_ce *out, struct err *e)
{
	struct render_vpn *vpn;
	struct db_rows *rows;
	int rc;

	rc = db_query(s->db, "SELECT " STORE_VPN_COLUMNS ", t.id, t.name, "
				  "t.ce_address, t.router_id, t.role, t.behind_nat FROM site t "
				  "JOIN vpn v ON v.id = t.vpn_id "
				  "JOIN customer cu ON cu.id = v.customer_id "
				  "WHERE t.ce_id = $1 ORDER BY cu.name, v.name",
				  DB_ARGS(db_i(ce_id)), &rows, e);
	if (rc < 0)
	{
		return rc;
	}
	while ((rc = db_next(rows, e)) == 1)
	{
		vpn = store_array_add(a, (void **)&out->vpns, &out->vpn_count,
							  sizeof(*vpn));
		rc = read_site(s, a, rows, out->suspended, vpn, e);
		if (rc < 0)
		{
			break;
		}
	}
	db_end(rows);
	return rc;
}

/* What was said before the epoch began is of other revisions. */
static void settle_bulk_removal(struct render_ce *rows, int64_t epoch_revision)
{
	for (size_t i = 0; i < rows->vpn_count; i++)
	{
		if (rows->vpns[i].unexplained > rows->bulk_removal)
		{
			rows->bulk_removal = rows->vpns[i].unexplained;
		}
	}
	if (rows->bulk_removal <= (uint64_t)epoch_revision)
	{
		rows->bulk_removal = 0;
	}
}

int store_document(struct store *s, struct arena *a, uint64_t ce_id,
				   const struct model_management *management,
				   struct model_document **doc, struct err *e)
{
	struct render_ce *rows = arena_calloc(a, 1, sizeof(*rows));
	int64_t epoch_revision = 0;
	int rc;

	*doc = NULL;
	rc = db_begin(s->db, false, e);
	if (rc < 0)
	{
		return rc;
	}
	rc = read_ce(s, a, (int64_t)ce_id, rows, &epoch_revision, e);
	if (rc == 0 && !rows->removed)
	{
		rc = read_sites(s, a, (int64_t)ce_id, rows, e);
	}
	/* nothing was written: the end of a read cannot fail in a way that counts */
	db_rollback(s->db);
	if (rc == 0)
	{
		settle_bulk_removal(rows, epoch_revision);
		*doc = render_document(a, rows, management);
	}
	return rc;
}
