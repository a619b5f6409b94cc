/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * store_authority.c - authorities of VPNs, and their revocation lists
 *
 * Owns the table vpn_authority. A key is opened for what is signed with it, and
 * leaves this file only as a struct ca_ike.
 */
#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "secret.h"
#include "server/base64.h"
#include "server/ca_ike.h"
#include "server/store_work.h"
#include "text.h"

#define KEY_MAX 1024			/* of an authority, PKCS#8 */

void store_authority_lives(struct store *s,
						   const struct authority_lives *lives)
{
	s->lives = *lives;
}

/* ---- keys ------------------------------------------------------------------- */

static char *key_place(struct store *s, int64_t id)
{
	return xasprintf("ike-authority %s %" PRId64, s->database_id, id);
}

/* The caller frees it. */
static char *seal_key(struct store *s, int64_t id, const struct ca_der *key)
{
	const size_t len = key->len + SEAL_OVERHEAD;
	char *place = key_place(s, id), *hex = xcalloc(2 * len + 1, 1);
	uint8_t *sealed = xcalloc(len, 1);

	seal_encrypt(&s->kek, place, key->data, key->len, sealed);
	hex_encode(sealed, len, hex);
	free(sealed);
	free(place);
	return hex;
}

static int open_key(struct store *s, int64_t id, const char *hex,
					uint8_t key[KEY_MAX], size_t *key_len, struct err *e)
{
	uint8_t sealed[KEY_MAX + SEAL_OVERHEAD];
	const size_t len = strlen(hex) / 2;
	char *place;
	int rc;

	if (len < SEAL_OVERHEAD || len > sizeof(sealed) ||
		hex_decode(hex, sealed, len) < 0)
	{
		return store_bad_row(e, "vpn_authority");
	}
	*key_len = len - SEAL_OVERHEAD;
	place = key_place(s, id);
	rc = seal_decrypt(&s->kek, place, sealed, len, key, e);
	free(place);
	return rc;
}

static int open_row(struct store *s, int64_t id, struct db_rows *rows,
					struct ca_ike **ca, struct err *e)
{
	const char *cert = db_col_text(rows, 0);
	const size_t len = strlen(cert);
	uint8_t *der = xcalloc(len + 1, 1), key[KEY_MAX];
	size_t der_len, key_len = 0;
	int rc = base64_decode(cert, len, der, &der_len) < 0
		? store_bad_row(e, "vpn_authority")
		: open_key(s, id, db_col_text(rows, 1), key, &key_len, e);

	if (rc == 0)
	{
		rc = ca_ike_open(der, der_len, key, key_len, ca, e);
	}
	wipe(key, sizeof(key));
	free(der);
	return rc;
}

int store_authority_open(struct store *s, int64_t id, struct ca_ike **ca,
						 struct err *e)
{
	struct db_rows *rows;
	int rc;

	*ca = NULL;
	rc = db_query(s->db, "SELECT cert, sealed FROM vpn_authority "
				  "WHERE id = $1", DB_ARGS(db_i(id)), &rows, e);
	if (rc < 0)
	{
		return rc;
	}
	rc = db_next(rows, e);
	if (rc == 1)
	{
		rc = open_row(s, id, rows, ca, e);
	}
	else if (rc == 0)
	{
		rc = store_bad_row(e, "vpn_authority");
	}
	db_end(rows);
	return rc;
}

/* ---- lists -------------------------------------------------------------------- */

struct list
{
	struct crl_entry *entries;
	size_t count;
	int64_t vpn_id, number, all;
};

static int read_list(struct store *s, struct arena *a, int64_t id,
					 int64_t now_ms, struct list *list, struct err *e)
{
	struct crl_entry *entry;
	struct db_rows *rows;
	int rc;

	memset(list, 0, sizeof(*list));
	if ((rc = db_number(s->db, "SELECT vpn_id FROM vpn_authority "
						"WHERE id = $1", DB_ARGS(db_i(id)), &list->vpn_id,
						e)) < 0 ||
		(rc = db_number(s->db, "SELECT list_number FROM vpn_authority "
						"WHERE id = $1", DB_ARGS(db_i(id)), &list->number,
						e)) < 0 ||
		(rc = db_number(s->db, "SELECT count(*) FROM ike_certificate "
						"WHERE authority_id = $1 AND revoked_ms > 0 "
						"AND ends_ms > $2", DB_ARGS(db_i(id), db_i(now_ms)),
						&list->all, e)) < 0)
	{
		return rc == -ENOENT ? store_bad_row(e, "vpn_authority") : rc;
	}
	rc = db_query(s->db, "SELECT serial, revoked_ms, reason "
				  "FROM ike_certificate WHERE authority_id = $1 "
				  "AND revoked_ms > 0 AND ends_ms > $2 "
				  "ORDER BY revoked_ms DESC, serial LIMIT $3",
				  DB_ARGS(db_i(id), db_i(now_ms), db_i(AUTHORITY_LIST_MAX)),
				  &rows, e);
	while (rc == 0 && (rc = db_next(rows, e)) == 1)
	{
		entry = store_array_add(a, (void **)&list->entries, &list->count,
								sizeof(*entry));
		entry->serial = (uint64_t)db_col_int(rows, 0);
		entry->at_s = db_col_int(rows, 1) / 1000;
		entry->reason = (uint8_t)db_col_int(rows, 2);
		rc = 0;
	}
	db_end(rows);
	return rc;
}

static int write_list(struct store *s, int64_t id, const struct list *list,
					  const struct ca_der *der, int64_t number,
					  int64_t now_ms, int64_t ends_ms, struct err *e)
{
	char *base64 = base64_encode(der->data, der->len);
	int rc = db_run(s->db, "UPDATE vpn_authority SET list = $2, "
					"list_number = $3, list_entries = $4, "
					"list_issued_ms = $5, list_ends_ms = $6, "
					"refresh_ms = $7, list_stale = 0 WHERE id = $1",
					DB_ARGS(db_i(id), db_t(base64), db_i(number),
							db_i(list->all), db_i(now_ms), db_i(ends_ms),
							db_i(authority_refresh_at(now_ms, ends_ms,
													  (uint64_t)id))), e);

	free(base64);
	return rc;
}

static int sign_list(struct store *s, int64_t id, int64_t now_ms,
					 int64_t *vpn_id, struct err *e)
{
	struct ca_der der = { NULL, 0 };
	struct ca_ike *ca = NULL;
	struct list list;
	int64_t ends_s, number;
	int rc;

	if ((rc = read_list(s, s->work->a, id, now_ms, &list, e)) < 0 ||
		(rc = store_authority_open(s, id, &ca, e)) < 0)
	{
		return rc;
	}
	*vpn_id = list.vpn_id;
	/* a time, so that no number comes twice after a restore */
	number = list.number < now_ms ? now_ms : list.number + 1;
	rc = ca_ike_list(ca, (uint64_t)number, list.entries, list.count,
					 now_ms / 1000, s->lives.list_s, &der, &ends_s, e);
	if (rc == 0)
	{
		rc = write_list(s, id, &list, &der, number, now_ms, ends_s * 1000, e);
	}
	ca_der_done(&der);
	ca_ike_close(ca);
	return rc;
}

int store_authority_list(struct store *s, int64_t id, int64_t now_ms,
						 struct err *e)
{
	int64_t vpn_id;
	int rc = sign_list(s, id, now_ms, &vpn_id, e);

	return rc < 0 ? rc : store_touch_vpn(s, vpn_id, e);
}

int store_authority_settle(struct store *s, struct err *e)
{
	const int64_t now_ms = store_now_ms();
	struct db_rows *rows;
	size_t i, count = 0;
	int64_t *ids = NULL;
	int rc;

	if (!s->work->lists_stale)
	{
		return 0;
	}
	s->work->lists_stale = false;
	rc = db_query(s->db, "SELECT id FROM vpn_authority WHERE list_stale = 1 "
				  "ORDER BY id", NULL, &rows, e);
	while (rc == 0 && (rc = db_next(rows, e)) == 1)
	{
		*(int64_t *)store_array_add(s->work->a, (void **)&ids, &count,
									sizeof(*ids)) = db_col_int(rows, 0);
		rc = 0;
	}
	db_end(rows);
	for (i = 0; rc == 0 && i < count; i++)
	{
		rc = store_authority_list(s, ids[i], now_ms, e);
	}
	return rc;
}

/* ---- authorities ------------------------------------------------------------- */

static int write_authority(struct store *s, int64_t id,
						   const struct store_vpn *vpn,
						   enum authority_state state, int64_t now_ms,
						   struct err *e)
{
	struct ca_der cert, key;
	char *base64, *sealed;
	int64_t ends_s;
	int rc = ca_ike_create(vpn->customer, vpn->vpn, now_ms / 1000,
						   s->lives.authority_s, &cert, &key, &ends_s, e);

	if (rc < 0)
	{
		return rc;
	}
	base64 = base64_encode(cert.data, cert.len);
	sealed = seal_key(s, id, &key);
	rc = db_run(s->db, "INSERT INTO vpn_authority (id, vpn_id, state, "
				"revision, state_ms, issued_ms, ends_ms, roll_ms, "
				"list_number, list_entries, list_issued_ms, list_ends_ms, "
				"refresh_ms, list_stale, cert, sealed, list) "
				"VALUES ($1, $2, $3, $4, $5, $5, $6, $7, 0, 0, 0, 0, 0, 1, "
				"$8, $9, '')",
				DB_ARGS(db_i(id), db_i((int64_t)vpn->id),
						db_t(authority_states[state]),
						db_i((int64_t)s->revision), db_i(now_ms),
						db_i(ends_s * 1000),
						db_i(authority_roll_at(now_ms, ends_s * 1000,
											   (uint64_t)id)),
						db_t(base64), db_t(sealed)), e);
	free(base64);
	free(sealed);
	ca_der_done(&cert);
	ca_der_done(&key);
	return rc;
}

static int add_authority(struct store *s, int64_t vpn_id,
						 enum authority_state state, int64_t now_ms,
						 struct err *e)
{
	struct store_vpn vpn;
	int64_t id;
	int rc;

	if ((rc = store_vpn_by_id(s, s->work->a, vpn_id, &vpn, e)) < 0 ||
		(rc = store_next_id(s, "authority", &id, e)) < 0 ||
		(rc = write_authority(s, id, &vpn, state, now_ms, e)) < 0)
	{
		return rc;
	}
	return store_authority_list(s, id, now_ms, e);
}

/* How many are in one of these states, '' for none more. */
static int count_authorities(struct store *s, int64_t vpn_id,
							 const char *one, const char *other,
							 int64_t *count, struct err *e)
{
	return db_number(s->db, "SELECT count(*) FROM vpn_authority "
					 "WHERE vpn_id = $1 AND state IN ($2, $3)",
					 DB_ARGS(db_i(vpn_id), db_t(one), db_t(other)), count, e);
}

int store_authority_want(struct store *s, int64_t vpn_id, struct err *e)
{
	int64_t count;
	int rc = store_need_change(s, e);

	if (rc == 0)
	{
		rc = count_authorities(s, vpn_id, authority_states[AUTHORITY_CURRENT],
							   "", &count, e);
	}
	if (rc < 0 || count)
	{
		return store_changed(s, rc);
	}
	rc = add_authority(s, vpn_id, AUTHORITY_CURRENT, store_now_ms(), e);
	store_dirty(s, vpn_id, 0);
	return store_changed(s, rc);
}

int store_authority_drop(struct store *s, int64_t vpn_id, struct err *e)
{
	int rc = db_run(s->db, "DELETE FROM ike_certificate WHERE authority_id IN "
					"(SELECT id FROM vpn_authority WHERE vpn_id = $1)",
					DB_ARGS(db_i(vpn_id)), e);

	return rc < 0 ? rc : db_run(s->db, "DELETE FROM vpn_authority "
								"WHERE vpn_id = $1", DB_ARGS(db_i(vpn_id)),
								e);
}

int store_authority_next(struct store *s, int64_t vpn_id, int64_t now_ms,
						 struct err *e)
{
	int64_t current, changing;
	int rc;

	if ((rc = count_authorities(s, vpn_id, authority_states[AUTHORITY_CURRENT],
								"", &current, e)) < 0 ||
		(rc = count_authorities(s, vpn_id, authority_states[AUTHORITY_NEXT],
								authority_states[AUTHORITY_OLD], &changing,
								e)) < 0)
	{
		return rc;
	}
	if (!current)
	{
		return err_set(e, -ENOENT, ERR_NOT_FOUND, "authority",
					   "the VPN has no authority: its tunnels have "
					   "pre-shared keys");
	}
	if (changing)
	{
		return err_set(e, -EBUSY, ERR_ROTATION, "authority",
					   "another authority is taking over already");
	}
	return add_authority(s, vpn_id, AUTHORITY_NEXT, now_ms, e);
}

int store_authority_roll(struct store *s, const char *customer,
						 const char *vpn, struct err *e)
{
	int64_t customer_id, vpn_id;
	int rc = store_need_change(s, e);

	if (rc < 0)
	{
		return rc;
	}
	if ((rc = store_vpn_id(s, customer, vpn, &customer_id, &vpn_id, e)) == 0 &&
		(rc = store_authority_next(s, vpn_id, store_now_ms(), e)) == 0)
	{
		/* a change of this customer's, also where no router is told */
		s->work->rotated = true;
		s->work->customer_id = customer_id;
	}
	return store_changed(s, rc);
}

/* ---- documents --------------------------------------------------------------- */

static char **add_text(struct arena *a, char ***list, size_t *count,
					   const char *text)
{
	char **at = store_array_add(a, (void **)list, count, sizeof(*at));

	*at = arena_strdup(a, text);
	return at;
}

int store_authority_document(struct store *s, struct arena *a, int64_t vpn_id,
							 int64_t site_id, struct model_certificate *out,
							 struct err *e)
{
	struct db_rows *rows;
	int rc;

	memset(out, 0, sizeof(*out));
	rc = db_query(s->db, "SELECT cert, list FROM vpn_authority "
				  "WHERE vpn_id = $1 ORDER BY id", DB_ARGS(db_i(vpn_id)),
				  &rows, e);
	while (rc == 0 && (rc = db_next(rows, e)) == 1)
	{
		add_text(a, &out->ca_data, &out->ca_count, db_col_text(rows, 0));
		add_text(a, &out->crl_data, &out->crl_count, db_col_text(rows, 1));
		rc = 0;
	}
	db_end(rows);
	if (rc < 0 || !out->ca_count)
	{
		return rc;
	}
	rc = db_query(s->db, "SELECT cert FROM ike_certificate "
				  "WHERE site_id = $1 AND superseded = 0",
				  DB_ARGS(db_i(site_id)), &rows, e);
	if (rc == 0 && (rc = db_next(rows, e)) == 1)
	{
		out->cert_data = arena_strdup(a, db_col_text(rows, 0));
		rc = 0;
	}
	db_end(rows);
	return rc;
}
