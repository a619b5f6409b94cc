/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * store_authority_read.c - authorities for people, and whether what they signed
 * is theirs
 */
#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/base64.h"
#include "server/ca_ike.h"
#include "server/rotation.h"
#include "server/store_work.h"
#include "text.h"

/* ---- for people ---------------------------------------------------------------- */

static int fingerprint(const char *cert, char hex[65], struct err *e)
{
	const size_t len = strlen(cert);
	uint8_t *der = xcalloc(len + 1, 1), hash[32];
	size_t der_len;
	int rc = base64_decode(cert, len, der, &der_len);

	if (rc == 0)
	{
		seal_sha256(der, der_len, hash);
		hex_encode(hash, sizeof(hash), hex);
	}
	free(der);
	return rc < 0 ? store_bad_row(e, "vpn_authority") : 0;
}

static int read_authority(struct arena *a, struct db_rows *rows,
						  struct store_authority *out, struct err *e)
{
	int rc = store_word(authority_states, db_col_text(rows, 1), &out->state,
						e);

	out->id = (uint64_t)db_col_int(rows, 0);
	out->revision = (uint64_t)db_col_int(rows, 2);
	out->state_ms = db_col_int(rows, 3);
	out->issued_ms = db_col_int(rows, 4);
	out->ends_ms = db_col_int(rows, 5);
	out->roll_ms = db_col_int(rows, 6);
	out->list_number = (uint64_t)db_col_int(rows, 7);
	out->list_entries = (uint64_t)db_col_int(rows, 8);
	out->list_issued_ms = db_col_int(rows, 9);
	out->list_ends_ms = db_col_int(rows, 10);
	out->certificates = (uint64_t)db_col_int(rows, 11);
	out->cert = arena_strdup(a, db_col_text(rows, 12));
	return rc < 0 ? rc : fingerprint(out->cert, out->fingerprint, e);
}

/* Whom the step after that of the one that is not current waits for. */
static int read_waits(struct store *s, struct arena *a, int64_t vpn_id,
					  struct store_authority_wait **list, size_t *count,
					  struct err *e)
{
	struct store_authority_wait *wait;
	struct db_rows *rows;
	int rc = db_query(s->db, "SELECT t.name, ce.name, st.result, st.epoch, "
					  "st.revision, i.epoch, a.revision, st.on_trial "
					  "FROM vpn_authority a JOIN site t ON t.vpn_id = a.vpn_id "
					  "JOIN ce ON ce.id = t.ce_id "
					  "JOIN installation i ON i.one = 1 "
					  "LEFT JOIN ce_status st ON st.ce_id = ce.id "
					  "WHERE a.vpn_id = $1 AND a.state <> 'current' AND NOT "
					  STORE_AUTHORITY_CONFIRMED("ce", "st", "a.revision")
					  " ORDER BY t.name", DB_ARGS(db_i(vpn_id)), &rows, e);

	while (rc == 0 && (rc = db_next(rows, e)) == 1)
	{
		const struct rotation_end end = {
			.reported = !db_col_null(rows, 2),
			.applied = strcmp(db_col_text(rows, 2), "applied") == 0,
			.epoch = (uint64_t)db_col_int(rows, 3),
			.revision = (uint64_t)db_col_int(rows, 4),
			.on_trial = db_col_int(rows, 7) != 0,
		};

		wait = store_array_add(a, (void **)list, count, sizeof(*wait));
		wait->site = arena_strdup(a, db_col_text(rows, 0));
		wait->ce = arena_strdup(a, db_col_text(rows, 1));
		wait->wait = rotation_wait(&end, (uint64_t)db_col_int(rows, 5),
								   (uint64_t)db_col_int(rows, 6));
		rc = 0;
	}
	db_end(rows);
	return rc;
}

int store_authorities(struct store *s, struct arena *a, const char *customer,
					  const char *vpn, struct store_authority **list,
					  size_t *count, struct store_authority_wait **waits,
					  size_t *wait_count, struct err *e)
{
	int64_t customer_id, vpn_id;
	struct db_rows *rows;
	int rc = store_vpn_id(s, customer, vpn, &customer_id, &vpn_id, e);

	*list = NULL;
	*waits = NULL;
	*count = *wait_count = 0;
	if (rc < 0)
	{
		return rc;
	}
	rc = db_query(s->db, "SELECT a.id, a.state, a.revision, a.state_ms, "
				  "a.issued_ms, a.ends_ms, a.roll_ms, a.list_number, "
				  "a.list_entries, a.list_issued_ms, a.list_ends_ms, "
				  "(SELECT count(*) FROM ike_certificate c "
				  "WHERE c.authority_id = a.id AND c.superseded = 0), a.cert "
				  "FROM vpn_authority a WHERE a.vpn_id = $1 "
				  "ORDER BY CASE a.state WHEN 'current' THEN 0 ELSE 1 END",
				  DB_ARGS(db_i(vpn_id)), &rows, e);
	while (rc == 0 && (rc = db_next(rows, e)) == 1)
	{
		rc = read_authority(a, rows, store_array_add(a, (void **)list, count,
													 sizeof(**list)), e);
	}
	db_end(rows);
	return rc < 0 ? rc : read_waits(s, a, vpn_id, waits, wait_count, e);
}

/* ---- do they fit ---------------------------------------------------------------- */

struct check
{
	const struct store_verifier *verifier;
	struct ca_ike *ca;
	int64_t id;
	uint64_t count;
};

static void tell(const struct check *c, const struct err *why)
{
	char where[48];

	snprintf(where, sizeof(where), "authority #%" PRId64, c->id);
	c->verifier->fault(c->verifier->user, "signatures", where, why->text);
}

/* spki NULL: a list */
static void check_one(struct check *c, const char *base64,
					  const char *identity, const char *spki)
{
	const size_t len = strlen(base64);
	uint8_t *der = xcalloc(len + 1, 1), key[32];
	struct err why = { 0 };
	size_t der_len = 0;
	int rc = base64_decode(base64, len, der, &der_len) < 0 ||
			 (spki && (strlen(spki) != 64 || hex_decode(spki, key, 32) < 0))
		? store_bad_row(&why, "ike_certificate")
		: spki ? ca_ike_check(c->ca, der, der_len, identity, key, &why)
			   : ca_ike_check_list(c->ca, der, der_len, &why);

	if (rc < 0)
	{
		tell(c, &why);
	}
	c->count++;
	free(der);
}

static int check_signed(struct store *s, struct check *c, struct err *e)
{
	struct db_rows *rows;
	int rc = db_query(s->db, "SELECT list, '', NULL FROM vpn_authority "
					  "WHERE id = $1 UNION ALL SELECT cert, identity, spki "
					  "FROM ike_certificate WHERE authority_id = $1 "
					  "AND superseded = 0", DB_ARGS(db_i(c->id)), &rows, e);

	while (rc == 0 && (rc = db_next(rows, e)) == 1)
	{
		check_one(c, db_col_text(rows, 0), db_col_text(rows, 1),
				  db_col_null(rows, 2) ? NULL : db_col_text(rows, 2));
		rc = 0;
	}
	db_end(rows);
	return rc;
}

static int check_authority(struct store *s, struct check *c, struct err *e)
{
	struct err why = { 0 };
	int rc = store_authority_open(s, c->id, &c->ca, &why);

	if (rc < 0)
	{
		tell(c, &why);
		return 0;
	}
	rc = check_signed(s, c, e);
	ca_ike_close(c->ca);
	return rc;
}

int store_authority_verify(struct store *s,
						   const struct store_verifier *verifier,
						   struct err *e)
{
	struct check c = { .verifier = verifier };
	struct arena *a = arena_new();
	struct db_rows *rows;
	int64_t *ids = NULL;
	size_t i, count = 0;
	int rc = db_query(s->db, "SELECT id FROM vpn_authority ORDER BY id", NULL,
					  &rows, e);

	while (rc == 0 && (rc = db_next(rows, e)) == 1)
	{
		*(int64_t *)store_array_add(a, (void **)&ids, &count,
									sizeof(*ids)) = db_col_int(rows, 0);
		rc = 0;
	}
	db_end(rows);
	for (i = 0; rc == 0 && i < count; i++)
	{
		c.id = ids[i];
		rc = check_authority(s, &c, e);
	}
	arena_free(a);
	if (rc == 0)
	{
		verifier->checked(verifier->user, "signatures", c.count);
	}
	return rc;
}
