/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * store_seal.c - all sealed pieces of the database, by a table: do they open,
 * and sealing them with another key
 *
 * Whoever adds a column with sealed pieces adds a row here.
 */
#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "secret.h"
#include "server/store_impl.h"
#include "text.h"

#define KEYS_MAX 4
#define PLAIN_MAX 4096
#define SEALED_MAX (PLAIN_MAX + SEAL_OVERHEAD)
#define PAGE 500

/*
 * A piece's place is "PREFIX DATABASE-ID KEY ...", without prefix the id alone,
 * with the first place_keys of its keys.
 * select takes the keys of the row to go on behind and gives keys and piece;
 * update takes keys and piece.
 */
struct sealed
{
	const char *table;
	const char *prefix;
	const char *kinds;		/* of the keys: i number, t text */
	size_t place_keys;		/* so many of them are part of the place */
	const char *select, *update;
};

#define LIMIT_PAGE " LIMIT 500"

static const struct sealed sealed[] = {
	{ "installation", NULL, "", 0,
	  "SELECT marker FROM installation",
	  "UPDATE installation SET marker = $1" },
	{ "psk", "psk", "iii", 3,
	  "SELECT site_a, site_b, generation, sealed FROM psk "
	  "WHERE (site_a, site_b, generation) > ($1, $2, $3) "
	  "ORDER BY site_a, site_b, generation" LIMIT_PAGE,
	  "UPDATE psk SET sealed = $4 "
	  "WHERE site_a = $1 AND site_b = $2 AND generation = $3" },
	{ "psk_retired", "psk", "iiii", 3,
	  "SELECT site_a, site_b, generation, revision, sealed FROM psk_retired "
	  "WHERE (site_a, site_b, generation, revision) > ($1, $2, $3, $4) "
	  "ORDER BY site_a, site_b, generation, revision" LIMIT_PAGE,
	  "UPDATE psk_retired SET sealed = $5 WHERE site_a = $1 AND site_b = $2 "
	  "AND generation = $3 AND revision = $4" },
	{ "vpn_authority", "ike-authority", "i", 1,
	  "SELECT id, sealed FROM vpn_authority WHERE id > $1 ORDER BY id"
	  LIMIT_PAGE,
	  "UPDATE vpn_authority SET sealed = $2 WHERE id = $1" },
	{ NULL, NULL, NULL, 0, NULL, NULL }
};

struct piece
{
	struct db_arg keys[KEYS_MAX + 2];	/* then the piece, and the end */
	size_t key_count;
	const char *hex;
};

/* ---- reading ------------------------------------------------------------------- */

static void first_keys(const struct sealed *t, struct piece *piece)
{
	memset(piece, 0, sizeof(*piece));
	piece->key_count = strlen(t->kinds);
	for (size_t i = 0; i < piece->key_count; i++)
	{
		piece->keys[i] = t->kinds[i] == 'i' ? db_i(INT64_MIN) : db_t("");
	}
}

/* A page of what comes behind *last. */
static int read_page(struct store *s, struct arena *a, const struct sealed *t,
					 const struct piece *last, struct piece **pieces,
					 size_t *count, struct err *e)
{
	struct db_rows *rows;
	struct piece *piece;
	int rc;

	*pieces = NULL;
	*count = 0;
	rc = db_query(s->db, t->select, last->keys, &rows, e);
	while (rc == 0 && (rc = db_next(rows, e)) == 1)
	{
		piece = store_array_add(a, (void **)pieces, count, sizeof(*piece));
		piece->key_count = last->key_count;
		for (size_t i = 0; i < piece->key_count; i++)
		{
			piece->keys[i] = t->kinds[i] == 'i'
				? db_i(db_col_int(rows, (int)i))
				: db_t(arena_strdup(a, db_col_text(rows, (int)i)));
		}
		piece->hex = arena_strdup(a, db_col_text(rows,
												 (int)piece->key_count));
		rc = 0;
	}
	db_end(rows);
	return rc;
}

static void place_of(const struct store *s, const struct sealed *t,
					 const struct piece *piece, struct text *out)
{
	if (t->prefix)
	{
		text_addf(out, "%s ", t->prefix);
	}
	text_add(out, s->database_id);
	for (size_t i = 0; i < t->place_keys; i++)
	{
		if (t->kinds[i] == 'i')
		{
			text_addf(out, " %" PRId64, piece->keys[i].i);
		}
		else
		{
			text_addf(out, " %s", piece->keys[i].t);
		}
	}
}

/* *len bytes into plain, which the caller wipes. */
static int open_piece(const struct store *s, const struct sealed *t,
					  const struct piece *piece, uint8_t plain[PLAIN_MAX],
					  size_t *len, struct err *e)
{
	uint8_t bytes[SEALED_MAX];
	size_t size = strlen(piece->hex) / 2;
	struct text place = { 0 };
	int rc;

	place_of(s, t, piece, &place);
	if (size < SEAL_OVERHEAD || size > sizeof(bytes) ||
		hex_decode(piece->hex, bytes, size) < 0)
	{
		rc = err_set(e, -EBADMSG, ERR_SEALED, text_str(&place),
					 "not a sealed piece");
	}
	else
	{
		*len = size - SEAL_OVERHEAD;
		rc = seal_decrypt(&s->kek, text_str(&place), bytes, size, plain, e);
	}
	text_done(&place);
	return rc;
}

typedef int (*piece_fn)(struct store *s, const struct sealed *t,
						struct piece *piece, void *user, struct err *e);

/* Every piece of a table, a page at a time: fn may change the present one. */
static int for_each(struct store *s, const struct sealed *t, piece_fn fn,
					void *user, uint64_t *done, struct err *e)
{
	struct arena *held = NULL, *a;		/* last's texts are in held */
	struct piece last, *pieces;
	size_t count, i;
	int rc;

	first_keys(t, &last);
	do
	{
		a = arena_new();
		rc = read_page(s, a, t, &last, &pieces, &count, e);
		for (i = 0; rc == 0 && i < count; i++)
		{
			rc = fn(s, t, &pieces[i], user, e);
		}
		*done += count;
		if (rc == 0 && count)
		{
			last = pieces[count - 1];
			last.keys[last.key_count] = (struct db_arg){ DB_END, 0, NULL };
		}
		arena_free(held);
		held = a;
	}
	while (rc == 0 && count == PAGE);
	arena_free(held);
	return rc;
}

/* ---- do they open --------------------------------------------------------------- */

static int try_piece(struct store *s, const struct sealed *t,
					 struct piece *piece, void *user, struct err *e)
{
	const struct store_verifier *verifier = user;
	struct text where = { 0 };
	uint8_t plain[PLAIN_MAX];
	struct err why = { 0 };
	size_t len;

	(void)e;
	if (open_piece(s, t, piece, plain, &len, &why) < 0)
	{
		place_of(s, t, piece, &where);
		verifier->fault(verifier->user, "sealed", text_str(&where), why.text);
		text_done(&where);
	}
	wipe(plain, sizeof(plain));
	return 0;
}

int store_verify_sealed(struct store *s, const struct store_verifier *verifier,
						struct err *e)
{
	uint64_t count = 0;
	int rc = 0;

	for (const struct sealed *t = sealed; rc == 0 && t->table; t++)
	{
		rc = for_each(s, t, try_piece, (void *)verifier, &count, e);
	}
	if (rc == 0)
	{
		verifier->checked(verifier->user, "sealed", count);
	}
	return rc;
}

/* ---- with another key ----------------------------------------------------------- */

static int reseal_piece(struct store *s, const struct sealed *t,
						struct piece *piece, void *user, struct err *e)
{
	uint8_t plain[PLAIN_MAX], bytes[SEALED_MAX];
	char hex[2 * SEALED_MAX + 1];
	struct text place = { 0 };
	size_t len;
	int rc;

	rc = open_piece(s, t, piece, plain, &len, e);
	if (rc == 0)
	{
		place_of(s, t, piece, &place);
		seal_encrypt(user, text_str(&place), plain, len, bytes);
		hex_encode(bytes, len + SEAL_OVERHEAD, hex);
		piece->keys[piece->key_count] = db_t(hex);
		rc = db_run(s->db, t->update, piece->keys, e);
		text_done(&place);
	}
	wipe(plain, sizeof(plain));
	return rc;
}

static int reseal_all(struct store *s, const struct seal_key *kek,
					  const char *actor, uint64_t *count, struct err *e)
{
	int64_t revision;
	char what[128];
	int rc;

	rc = db_number(s->db, "SELECT revision FROM installation", NULL, &revision,
				   e);
	for (const struct sealed *t = sealed; rc == 0 && t->table; t++)
	{
		rc = for_each(s, t, reseal_piece, (void *)kek, count, e);
	}
	if (rc == 0)
	{
		snprintf(what, sizeof(what), "%" PRIu64 " secrets sealed with key "
				 "%08" PRIx32 " instead of %08" PRIx32, *count, kek->id,
				 s->kek.id);
		rc = store_audit_write(s, (uint64_t)revision, actor, what, 0, e);
	}
	return rc == -ENOENT ? store_bad_row(e, "installation") : rc;
}

int store_reseal(struct store *s, const struct seal_key *kek, const char *actor,
				 uint64_t *count, struct err *e)
{
	int rc;

	*count = 0;
	rc = db_begin(s->db, true, e);
	if (rc < 0)
	{
		return rc;
	}
	rc = reseal_all(s, kek, actor, count, e);
	if (rc < 0)
	{
		db_rollback(s->db);
		return rc;
	}
	rc = db_commit(s->db, e);
	if (rc == 0)
	{
		s->kek = *kek;
	}
	return rc;
}
