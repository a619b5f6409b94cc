/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * store_key.c - pre-shared keys of tunnels, sealed
 *
 * Owns the tables psk and psk_retired. A sealed key is bound to the database and
 * to the tunnel's two sites, so that it opens in no other row.
 */
#include "config.h"

#include <errno.h>
#include <stdio.h>

#include "server/store_work.h"
#include "text.h"

#define PSK_SIZE 32
#define SEALED_SIZE (PSK_SIZE + SEAL_OVERHEAD)
#define RETIRED_MS (30LL * 24 * 3600 * 1000)

static void psk_place(const struct store *s, char out[128], int64_t site_a,
					  int64_t site_b, int64_t generation)
{
	snprintf(out, 128, "psk %s %lld %lld %lld", s->database_id,
			 (long long)site_a, (long long)site_b, (long long)generation);
}

int store_psk_make(struct store *s, int64_t site_a, int64_t site_b,
				   int64_t generation, const char *use, struct err *e)
{
	uint8_t plain[PSK_SIZE], sealed[SEALED_SIZE];
	char place[128], hex[2 * SEALED_SIZE + 1];

	psk_place(s, place, site_a, site_b, generation);
	seal_random(plain, sizeof(plain));
	seal_encrypt(&s->kek, place, plain, sizeof(plain), sealed);
	wipe(plain, sizeof(plain));
	hex_encode(sealed, sizeof(sealed), hex);
	return db_run(s->db, "INSERT INTO psk (site_a, site_b, generation, "
				  "key_use, sealed) VALUES ($1, $2, $3, $4, $5)",
				  DB_ARGS(db_i(site_a), db_i(site_b), db_i(generation),
						  db_t(use), db_t(hex)), e);
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

int store_psk_retire(struct store *s, int64_t site_a, int64_t site_b,
					 struct err *e)
{
	return db_run(s->db, "INSERT INTO psk_retired (site_a, site_b, generation, "
				  "key_use, sealed, revision, at_ms, keyed_ms) SELECT site_a, "
				  "site_b, generation, key_use, sealed, $3, $4, "
				  "(SELECT keyed_ms FROM link l WHERE l.site_a = psk.site_a "
				  "AND l.site_b = psk.site_b) FROM psk "
				  "WHERE site_a = $1 AND site_b = $2",
				  DB_ARGS(db_i(site_a), db_i(site_b),
						  db_i((int64_t)s->revision), db_i(store_now_ms())),
				  e);
}

int store_psk_restore(struct store *s, int64_t site_a, int64_t site_b,
					  uint64_t revision, struct err *e)
{
	const struct db_arg *args = DB_ARGS(db_i(site_a), db_i(site_b),
										db_i((int64_t)revision));
	int64_t moved;
	int rc;

	rc = db_run(s->db, "INSERT INTO psk (site_a, site_b, generation, key_use, "
				"sealed) SELECT site_a, site_b, generation, key_use, sealed "
				"FROM psk_retired WHERE site_a = $1 AND site_b = $2 "
				"AND revision = $3", args, e);
	moved = db_changed(s->db);
	if (rc == 0 && moved)
	{
		rc = db_run(s->db, "UPDATE link SET keyed_ms = (SELECT max(keyed_ms) "
					"FROM psk_retired WHERE site_a = $1 AND site_b = $2 "
					"AND revision = $3) WHERE site_a = $1 AND site_b = $2",
					args, e);
	}
	if (rc == 0)
	{
		rc = db_run(s->db, "DELETE FROM psk_retired WHERE site_a = $1 "
					"AND site_b = $2 AND revision = $3", args, e);
	}
	return rc < 0 ? rc : moved > 0;
}

int store_psk_forget(struct store *s, struct err *e)
{
	return db_run(s->db, "DELETE FROM psk_retired WHERE at_ms < $1",
				  DB_ARGS(db_i(store_now_ms() - RETIRED_MS)), e);
}
