/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * store_ike.c - the keys that routers prove themselves with to each other, and
 * their certificates
 *
 * Owns the tables ike_key, ike_key_past and ike_certificate. Certificates are
 * derived, as tunnels are: what a site of a VPN with an authority should have
 * is compared with what it has, and only what differs is issued.
 */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/base64.h"
#include "server/ca_ike.h"
#include "server/render.h"
#include "server/store_work.h"
#include "text.h"

/* A router says another key at most so often, */
#define GAP_MS 5000
/* and so often within the life of a certificate: what it had may have to be
 * revoked. */
#define KEYS_MAX 32

/* ---- issuing ----------------------------------------------------------------- */

/* A site that is to get one. */
struct need
{
	int64_t site, ce, authority;
	char *customer, *vpn, *name, *domain, *spki, *key;
};

struct needs
{
	struct need *list;
	size_t count;
};

#define NEEDS \
	"SELECT t.id, ce.id, a.id, cu.name, v.name, t.name, v.domain, k.spki, " \
	"k.public_key FROM vpn_authority a JOIN vpn v ON v.id = a.vpn_id " \
	"JOIN customer cu ON cu.id = v.customer_id " \
	"JOIN site t ON t.vpn_id = v.id JOIN ce ON ce.id = t.ce_id " \
	"JOIN ike_key k ON k.ce_id = ce.id LEFT JOIN ike_certificate c " \
	"ON c.site_id = t.id AND c.superseded = 0 " \
	"WHERE a.state = 'current' AND a.ends_ms > $1 " \
	"AND (c.serial IS NULL OR c.authority_id <> a.id OR c.spki <> k.spki " \
	"OR c.identity <> t.name || '.' || v.name || '.' || cu.name || '.' || " \
	"v.domain OR (c.renew_ms <= $1 AND c.ends_ms < a.ends_ms)) "

static int read_needs(struct store *s, struct arena *a, const char *sql,
					  int64_t now_ms, int64_t id, struct needs *needs,
					  struct err *e)
{
	struct db_rows *rows;
	struct need *need;
	int rc;

	memset(needs, 0, sizeof(*needs));
	rc = db_query(s->db, sql, DB_ARGS(db_i(now_ms), db_i(id)), &rows, e);
	while (rc == 0 && (rc = db_next(rows, e)) == 1)
	{
		need = store_array_add(a, (void **)&needs->list, &needs->count,
							   sizeof(*need));
		need->site = db_col_int(rows, 0);
		need->ce = db_col_int(rows, 1);
		need->authority = db_col_int(rows, 2);
		need->customer = arena_strdup(a, db_col_text(rows, 3));
		need->vpn = arena_strdup(a, db_col_text(rows, 4));
		need->name = arena_strdup(a, db_col_text(rows, 5));
		need->domain = arena_strdup(a, db_col_text(rows, 6));
		need->spki = arena_strdup(a, db_col_text(rows, 7));
		need->key = arena_strdup(a, db_col_text(rows, 8));
		rc = 0;
	}
	db_end(rows);
	return rc;
}

/* A number that nobody can tell before, and that no restore gives again. */
static uint64_t random_serial(void)
{
	uint64_t serial;

	seal_random(&serial, sizeof(serial));
	serial >>= 1;
	return serial ? serial : 1;
}

static int write_certificate(struct store *s, const struct need *need,
							 const char *identity, uint64_t serial,
							 const struct ca_der *cert, int64_t now_ms,
							 int64_t ends_ms, struct err *e)
{
	const int64_t renew_ms = authority_renew_at(now_ms, ends_ms, serial);
	char *base64;
	int rc = db_run(s->db, "UPDATE ike_certificate SET superseded = 1 "
					"WHERE site_id = $1 AND superseded = 0",
					DB_ARGS(db_i(need->site)), e);

	if (rc < 0)
	{
		return rc;
	}
	base64 = base64_encode(cert->data, cert->len);
	rc = db_run(s->db, "INSERT INTO ike_certificate (authority_id, serial, "
				"site_id, ce_id, spki, identity, issued_ms, ends_ms, "
				"renew_ms, revision, superseded, revoked_ms, reason, cert) "
				"VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 0, 0, 0, "
				"$11)",
				DB_ARGS(db_i(need->authority), db_i((int64_t)serial),
						db_i(need->site), db_i(need->ce), db_t(need->spki),
						db_t(identity), db_i(now_ms), db_i(ends_ms),
						db_i(renew_ms), db_i((int64_t)s->revision),
						db_t(base64)), e);
	free(base64);
	return rc;
}

static int issue_one(struct store *s, struct ca_ike *ca,
					 const struct need *need, int64_t now_ms, struct err *e)
{
	const struct store_vpn vpn = {
		.customer = need->customer, .vpn = need->vpn, .domain = need->domain,
	};
	char identity[FQDN_SIZE];
	const struct ca_ike_subject subject = {
		.customer = need->customer, .vpn = need->vpn, .site = need->name,
		.identity = identity,
	};
	const uint64_t serial = random_serial();
	const size_t len = strlen(need->key);
	struct ca_der cert;
	int64_t ends_s;
	size_t key_len;
	uint8_t *key;
	int rc = render_identity(identity, need->name, &vpn, e);

	if (rc < 0)
	{
		return rc;
	}
	key = xcalloc(len + 1, 1);
	rc = base64_decode(need->key, len, key, &key_len) < 0
		? store_bad_row(e, "ike_key")
		: ca_ike_issue(ca, key, key_len, &subject, serial, now_ms / 1000,
					   s->lives.certificate_s, &cert, &ends_s, e);
	free(key);
	if (rc < 0)
	{
		return rc;
	}
	rc = write_certificate(s, need, identity, serial, &cert, now_ms,
						   ends_s * 1000, e);
	ca_der_done(&cert);
	return rc < 0 ? rc : store_touch_ce(s, need->ce, e);
}

/* They come in the order of their authorities: each is opened once. */
static int issue_all(struct store *s, const struct needs *needs,
					 int64_t now_ms, struct err *e)
{
	struct ca_ike *ca = NULL;
	int64_t open = 0;
	size_t i;
	int rc = 0;

	for (i = 0; rc == 0 && i < needs->count; i++)
	{
		if (needs->list[i].authority != open)
		{
			ca_ike_close(ca);
			open = needs->list[i].authority;
			rc = store_authority_open(s, open, &ca, e);
		}
		if (rc == 0)
		{
			rc = issue_one(s, ca, &needs->list[i], now_ms, e);
		}
	}
	ca_ike_close(ca);
	return rc;
}

int store_ike_issue(struct store *s, int64_t vpn_id, int64_t site_id,
					int64_t now_ms, uint64_t *count, struct err *e)
{
	struct needs needs;
	int rc = site_id
		? read_needs(s, s->work->a, NEEDS "AND t.id = $2 ORDER BY a.id, t.id",
					 now_ms, site_id, &needs, e)
		: read_needs(s, s->work->a, NEEDS "AND a.vpn_id = $2 "
					 "ORDER BY a.id, t.id", now_ms, vpn_id, &needs, e);

	*count = rc == 0 ? needs.count : 0;
	return rc < 0 ? rc : issue_all(s, &needs, now_ms, e);
}

/* ---- revoking ---------------------------------------------------------------- */

/* Those that live, of a router or of a site, the other one 0. */
static int revoke(struct store *s, int64_t ce_id, int64_t site_id, int reason,
				  struct err *e)
{
	const int64_t now_ms = store_now_ms();
	const struct db_arg *args = DB_ARGS(db_i(ce_id ? ce_id : site_id),
										db_i(now_ms), db_i(reason));
	int64_t revoked;
	int rc = db_run(s->db, ce_id
					? "UPDATE ike_certificate SET revoked_ms = $2, "
					"reason = $3 WHERE ce_id = $1 AND revoked_ms = 0 "
					"AND ends_ms > $2"
					: "UPDATE ike_certificate SET revoked_ms = $2, "
					"reason = $3 WHERE site_id = $1 AND revoked_ms = 0 "
					"AND ends_ms > $2", args, e);

	revoked = rc == 0 ? db_changed(s->db) : 0;
	if (rc == 0)
	{
		rc = db_run(s->db, ce_id
					? "UPDATE ike_certificate SET superseded = 1 "
					"WHERE ce_id = $1 AND superseded = 0"
					: "UPDATE ike_certificate SET superseded = 1 "
					"WHERE site_id = $1 AND superseded = 0",
					DB_ARGS(db_i(ce_id ? ce_id : site_id)), e);
	}
	if (rc < 0 || !revoked)
	{
		return rc;
	}
	s->work->lists_stale = true;
	return db_run(s->db, ce_id
				  ? "UPDATE vpn_authority SET list_stale = 1 WHERE id IN "
				  "(SELECT authority_id FROM ike_certificate "
				  "WHERE ce_id = $1 AND revoked_ms = $2)"
				  : "UPDATE vpn_authority SET list_stale = 1 WHERE id IN "
				  "(SELECT authority_id FROM ike_certificate "
				  "WHERE site_id = $1 AND revoked_ms = $2)",
				  DB_ARGS(db_i(ce_id ? ce_id : site_id), db_i(now_ms)), e);
}

int store_ike_revoke_site(struct store *s, int64_t site_id, int reason,
						  struct err *e)
{
	return revoke(s, 0, site_id, reason, e);
}

int store_ike_revoke_ce(struct store *s, int64_t ce_id, int reason,
						struct err *e)
{
	const int64_t now_ms = store_now_ms();
	int rc = revoke(s, ce_id, 0, reason, e);

	/* nor may what has them say them anew, in whoever's name */
	if (rc == 0)
	{
		rc = db_run(s->db, "UPDATE ike_key_past SET revoked = 1 "
					"WHERE ce_id = $1", DB_ARGS(db_i(ce_id)), e);
	}
	if (rc == 0)
	{
		rc = db_run(s->db, "INSERT INTO ike_key_past (spki, ce_id, revoked, "
					"at_ms) SELECT spki, ce_id, 1, $2 FROM ike_key "
					"WHERE ce_id = $1", DB_ARGS(db_i(ce_id), db_i(now_ms)),
					e);
	}
	return rc < 0 ? rc : db_run(s->db, "DELETE FROM ike_key WHERE ce_id = $1",
								DB_ARGS(db_i(ce_id)), e);
}

/* ---- keys --------------------------------------------------------------------- */

int store_ike_key_unused(struct store *s, const char *spki, struct err *e)
{
	int64_t owner;
	int rc = db_number(s->db, "SELECT ce_id FROM ike_key WHERE spki = $1 "
					   "UNION ALL SELECT ce_id FROM ike_key_past "
					   "WHERE spki = $1", DB_ARGS(db_t(spki)), &owner, e);

	return rc == -ENOENT ? 0 : rc < 0 ? rc
		: err_set(e, -EEXIST, ERR_EXISTS, "key",
				  "the public key is one for IKE: make a new one");
}

/* May it be the key of this CE? */
static int check_key(struct store *s, const char *spki, int64_t ce_id,
					 struct err *e)
{
	int64_t owner;
	int rc = db_number(s->db, "SELECT ce_id FROM ce_key WHERE spki = $1 "
					   "UNION ALL SELECT ce_id FROM ce_renewal "
					   "WHERE spki = $1 UNION ALL SELECT id FROM operator "
					   "WHERE spki = $1", DB_ARGS(db_t(spki)), &owner, e);

	if (rc == 0)
	{
		return err_set(e, -EEXIST, ERR_EXISTS, "key", "the public key is one "
					   "for the management channel: make another one for IKE");
	}
	if (rc == -ENOENT)
	{
		rc = db_number(s->db, "SELECT ce_id FROM ike_key WHERE spki = $1 "
					   "AND ce_id <> $2 UNION ALL SELECT ce_id "
					   "FROM ike_key_past WHERE spki = $1 "
					   "AND (ce_id <> $2 OR revoked = 1)",
					   DB_ARGS(db_t(spki), db_i(ce_id)), &owner, e);
	}
	if (rc == 0)
	{
		return err_set(e, -EEXIST, ERR_EXISTS, "key",
					   "the public key was used before: make a new one");
	}
	return rc == -ENOENT ? 0 : rc;
}

/* The wall clock may have been set back: then it was long ago. */
static int check_pace(struct store *s, const struct store_ce *ce,
					  int64_t now_ms, struct err *e)
{
	const int64_t since = now_ms - (int64_t)s->lives.certificate_s * 1000;
	int64_t recent, past;
	int rc;

	if ((rc = db_number(s->db, "SELECT count(*) FROM ike_key "
						"WHERE ce_id = $1 AND registered_ms > $2 "
						"AND registered_ms <= $3",
						DB_ARGS(db_i((int64_t)ce->id), db_i(now_ms - GAP_MS),
								db_i(now_ms)), &recent, e)) < 0 ||
		(rc = db_number(s->db, "SELECT count(*) FROM ike_key_past "
						"WHERE ce_id = $1 AND revoked = 0 AND at_ms > $2",
						DB_ARGS(db_i((int64_t)ce->id), db_i(since)), &past,
						e)) < 0)
	{
		return rc;
	}
	if (recent)
	{
		return err_set(e, -EAGAIN, ERR_LIMIT, ce->ce,
					   "it said another key a moment ago");
	}
	return past < KEYS_MAX ? 0
		: err_set(e, -EDQUOT, ERR_LIMIT, ce->ce,
				  "it has had %d keys for IKE within the life of a "
				  "certificate: replace it (ce replace) if that is right",
				  KEYS_MAX);
}

static int write_key(struct store *s, int64_t ce_id, const char *spki,
					 const char *key, int64_t now_ms, struct err *e)
{
	int rc;

	if ((rc = db_run(s->db, "DELETE FROM ike_key_past WHERE spki = $1",
					 DB_ARGS(db_t(spki)), e)) < 0 ||
		(rc = db_run(s->db, "INSERT INTO ike_key_past (spki, ce_id, revoked, "
					 "at_ms) SELECT spki, ce_id, 0, $2 FROM ike_key "
					 "WHERE ce_id = $1", DB_ARGS(db_i(ce_id), db_i(now_ms)),
					 e)) < 0)
	{
		return rc;
	}
	return db_run(s->db, "INSERT INTO ike_key (ce_id, spki, public_key, "
				  "registered_ms) VALUES ($1, $2, $3, $4) "
				  "ON CONFLICT (ce_id) DO UPDATE SET spki = $2, "
				  "public_key = $3, registered_ms = $4",
				  DB_ARGS(db_i(ce_id), db_t(spki), db_t(key), db_i(now_ms)),
				  e);
}

/* What its sites need, with the key that it has. */
static int read_needs_of_ce(struct store *s, struct arena *a, int64_t ce_id,
							int64_t now_ms, struct needs *needs, struct err *e)
{
	return read_needs(s, a, NEEDS "AND t.ce_id = $2 ORDER BY a.id, t.id",
					  now_ms, ce_id, needs, e);
}

/* One that says a key. */
struct saying
{
	const uint8_t *management;
	char spki[65], *key;
	int64_t now_ms;
	struct store_ce ce;
	bool has_key;				/* already */
	bool concerned;				/* some document of its changes */
};

/* Who it is, and whether anything is to be done; in one transaction. */
static int look(struct store *s, struct arena *a, struct saying *saying,
				struct err *e)
{
	int64_t has, authorities;
	struct needs needs;
	int rc = store_ce_by_key(s, a, saying->management, &saying->ce, e);

	if (rc == 0 && saying->ce.removed)
	{
		rc = err_set(e, -ENOENT, ERR_NOT_FOUND, "key",
					 "the public key is no member's");
	}
	if (rc < 0 ||
		(rc = db_number(s->db, "SELECT count(*) FROM ike_key "
						"WHERE ce_id = $1 AND spki = $2",
						DB_ARGS(db_i((int64_t)saying->ce.id),
								db_t(saying->spki)), &has, e)) < 0 ||
		(rc = db_number(s->db, "SELECT count(*) FROM site t "
						"JOIN vpn_authority a ON a.vpn_id = t.vpn_id "
						"AND a.state = 'current' WHERE t.ce_id = $1",
						DB_ARGS(db_i((int64_t)saying->ce.id)), &authorities,
						e)) < 0 ||
		(rc = read_needs_of_ce(s, a, (int64_t)saying->ce.id, saying->now_ms,
							   &needs, e)) < 0)
	{
		return rc;
	}
	saying->has_key = has != 0;
	saying->concerned = has ? needs.count != 0 : authorities != 0;
	return 0;
}

static const char *actor_of(struct arena *a, const struct saying *saying)
{
	/* a CE's name may fill a place; the audit's actor is shorter */
	return arena_strndup(a, arena_printf(a, "ce:%s/%s", saying->ce.customer,
										 saying->ce.ce), 128);
}

/* In the transaction in which it is looked at again. */
static int say(struct store *s, struct arena *a, struct saying *saying,
			   const char *what, struct err *e)
{
	const int64_t ce_id = (int64_t)saying->ce.id;
	uint64_t epoch, revision;
	struct needs needs;
	int64_t customer_id;
	int rc = saying->has_key ? 0 : check_key(s, saying->spki, ce_id, e);

	if (rc == 0 && !saying->has_key &&
		(rc = check_pace(s, &saying->ce, saying->now_ms, e)) == 0)
	{
		rc = write_key(s, ce_id, saying->spki, saying->key, saying->now_ms,
					   e);
	}
	if (rc == 0 && s->changing)
	{
		rc = read_needs_of_ce(s, a, ce_id, saying->now_ms, &needs, e);
		return rc < 0 ? rc : issue_all(s, &needs, saying->now_ms, e);
	}
	if (rc < 0 || saying->has_key ||
		(rc = store_revision(s, &epoch, &revision, e)) < 0 ||
		(rc = store_customer_id(s, saying->ce.customer, &customer_id, e)) < 0)
	{
		return rc;
	}
	return store_audit_write(s, revision, actor_of(a, saying), what,
							 customer_id, e);
}

/* No document has anything of it: no revision. */
static int say_quietly(struct store *s, struct arena *a,
					   struct saying *saying, const char *what, struct err *e)
{
	int rc = db_begin(s->db, true, e);

	if (rc < 0)
	{
		return rc;
	}
	/* an authority that came just now is seen by the next look */
	if ((rc = look(s, a, saying, e)) == 0 &&
		(rc = say(s, a, saying, what, e)) == 0)
	{
		return db_commit(s->db, e);
	}
	db_rollback(s->db);
	return rc;
}

static int say_aloud(struct store *s, struct arena *a, struct saying *saying,
					 const char *what, uint64_t *revision, struct err *e)
{
	int rc = store_begin(s, actor_of(a, saying), e);

	if (rc < 0)
	{
		return rc;
	}
	if ((rc = look(s, a, saying, e)) < 0 || !saying->concerned ||
		(rc = say(s, a, saying, what, e)) < 0)
	{
		/* it is not concerned any more: that, too, may have been this moment */
		store_rollback(s);
		return rc < 0 || saying->has_key ? rc
										 : say_quietly(s, a, saying, what, e);
	}
	return store_commit(s, what, revision, e);
}

int store_ike_key(struct store *s, const uint8_t management[32],
				  const uint8_t spki[32], const uint8_t *key, size_t len,
				  int64_t now_ms, uint64_t *revision, struct err *e)
{
	struct saying saying = { .management = management, .now_ms = now_ms };
	struct arena *a = arena_new();
	const char *what;
	int rc;

	*revision = 0;
	hex_encode(spki, 32, saying.spki);
	rc = db_begin(s->db, false, e);
	if (rc == 0)
	{
		rc = look(s, a, &saying, e);
		db_rollback(s->db);
	}
	if (rc == 0 && (!saying.has_key || saying.concerned))
	{
		saying.key = base64_encode(key, len);
		what = arena_printf(a, "ce ike-key %s/%s key %.16s",
							saying.ce.customer, saying.ce.ce, saying.spki);
		rc = saying.concerned
			? say_aloud(s, a, &saying, what, revision, e)
			: say_quietly(s, a, &saying, what, e);
		free(saying.key);
	}
	arena_free(a);
	return rc;
}
