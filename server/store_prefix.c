/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * store_prefix.c - which prefixes (v) the sites have, and that they are apart
 *
 * Owns the table site_prefix. Prefixes are compared within a VPN, and there only
 * where it offers Internet access (draft 6.1): two VPNs may have the same. No
 * document has them.
 */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/store_work.h"

static int by_prefix(const void *a, const void *b)
{
	return prefix_compare(a, b);
}

static void sort(struct prefix *prefixes, size_t count)
{
	if (count > 1)
	{
		qsort(prefixes, count, sizeof(*prefixes), by_prefix);
	}
}

/* ---- of one site ------------------------------------------------------------- */

int store_prefix_check(struct arena *a, struct store_site *site,
					   struct err *e)
{
	struct prefix *sorted = arena_calloc(a, site->prefix_count,
										 sizeof(*sorted));
	char text[PREFIX_TEXT_MAX];
	size_t i;

	if (site->prefix_count > CONF_PREFIXES_MAX)
	{
		return err_set(e, -EINVAL, ERR_LIMIT, "prefixes",
					   "a site has at most %d prefixes", CONF_PREFIXES_MAX);
	}
	if (site->prefix_count)
	{
		memcpy(sorted, site->prefixes, site->prefix_count * sizeof(*sorted));
	}
	sort(sorted, site->prefix_count);
	for (i = 0; i < site->prefix_count; i++)
	{
		prefix_str(&sorted[i], text);
		if (!prefix_is_site(&sorted[i]))
		{
			return err_set(e, -EINVAL, ERR_ADDRESS, text,
						   "not a prefix that a site can have hosts in");
		}
		if (i && prefix_equal(&sorted[i], &sorted[i - 1]))
		{
			return err_set(e, -EINVAL, ERR_EXISTS, text,
						   "the site's prefix stands there twice");
		}
	}
	site->prefixes = sorted;
	return 0;
}

int store_prefix_write(struct store *s, int64_t site_id,
					   const struct store_site *site, struct err *e)
{
	char text[PREFIX_TEXT_MAX];
	size_t i;
	int rc;

	rc = db_run(s->db, "DELETE FROM site_prefix WHERE site_id = $1",
				DB_ARGS(db_i(site_id)), e);
	for (i = 0; rc == 0 && i < site->prefix_count; i++)
	{
		rc = db_run(s->db, "INSERT INTO site_prefix (site_id, prefix) "
					"VALUES ($1, $2)",
					DB_ARGS(db_i(site_id),
							db_t(prefix_str(&site->prefixes[i], text))), e);
	}
	return rc;
}

/* ---- reading ------------------------------------------------------------------ */

struct place
{
	uint64_t id;
	struct store_site *site;
};

static int by_id(const void *a, const void *b)
{
	const struct place *x = a, *y = b;

	return x->id < y->id ? -1 : x->id > y->id;
}

static struct place *sort_by_id(struct arena *a, struct store_site *list,
								size_t count)
{
	struct place *places = arena_calloc(a, count, sizeof(*places));
	size_t i;

	for (i = 0; i < count; i++)
	{
		places[i] = (struct place){ list[i].id, &list[i] };
	}
	qsort(places, count, sizeof(*places), by_id);
	return places;
}

static int read_rows(struct arena *a, struct db_rows *rows,
					 const struct place *places, size_t count, struct err *e)
{
	const struct place *place;
	struct prefix *prefix;
	struct place key;
	int rc;

	while ((rc = db_next(rows, e)) == 1)
	{
		key = (struct place){ (uint64_t)db_col_int(rows, 0), NULL };
		place = bsearch(&key, places, count, sizeof(key), by_id);
		if (!place)
		{
			continue;	/* of a site that came after the list was read */
		}
		prefix = store_array_add(a, (void **)&place->site->prefixes,
								 &place->site->prefix_count,
								 sizeof(*prefix));
		if (prefix_parse(db_col_text(rows, 1), prefix) < 0)
		{
			return store_bad_row(e, "site_prefix");
		}
	}
	return rc;
}

int store_prefix_read(struct store *s, struct arena *a, const char *customer,
					  const char *vpn, const char *site,
					  struct store_site *list, size_t count, struct err *e)
{
	struct db_rows *rows;
	size_t i;
	int rc;

	if (!count)
	{
		return 0;
	}
	rc = db_query(s->db, "SELECT p.site_id, p.prefix FROM site_prefix p "
				  "JOIN site t ON t.id = p.site_id "
				  "JOIN vpn v ON v.id = t.vpn_id "
				  "JOIN customer cu ON cu.id = v.customer_id "
				  "WHERE ($1 = '' OR cu.name = $1) "
				  "AND ($2 = '' OR v.name = $2) AND ($3 = '' OR t.name = $3)",
				  DB_ARGS(db_t(customer), db_t(vpn), db_t(site)), &rows, e);
	if (rc < 0)
	{
		return rc;
	}
	rc = read_rows(a, rows, sort_by_id(a, list, count), count, e);
	db_end(rows);
	for (i = 0; i < count; i++)
	{
		sort(list[i].prefixes, list[i].prefix_count);
	}
	return rc;
}

/* ---- of a VPN ------------------------------------------------------------------- */

struct owned
{
	struct prefix prefix;
	int64_t site_id;
	char *site;
};

static int by_owned(const void *a, const void *b)
{
	const struct owned *x = a, *y = b;
	int rc = prefix_compare(&x->prefix, &y->prefix);

	return rc ? rc : strcmp(x->site, y->site);
}

/* Those of all sites of a VPN, in order. */
static int read_vpn(struct store *s, struct arena *a, int64_t vpn_id,
					struct owned **list, size_t *count, struct err *e)
{
	struct owned *owned;
	struct db_rows *rows;
	int rc;

	*list = NULL;
	*count = 0;
	rc = db_query(s->db, "SELECT t.id, t.name, p.prefix FROM site_prefix p "
				  "JOIN site t ON t.id = p.site_id WHERE t.vpn_id = $1",
				  DB_ARGS(db_i(vpn_id)), &rows, e);
	if (rc < 0)
	{
		return rc;
	}
	while ((rc = db_next(rows, e)) == 1)
	{
		owned = store_array_add(a, (void **)list, count, sizeof(*owned));
		owned->site_id = db_col_int(rows, 0);
		owned->site = arena_strdup(a, db_col_text(rows, 1));
		if (prefix_parse(db_col_text(rows, 2), &owned->prefix) < 0)
		{
			rc = store_bad_row(e, "site_prefix");
			break;
		}
	}
	db_end(rows);
	if (rc == 0 && *count > 1)
	{
		qsort(*list, *count, sizeof(**list), by_owned);
	}
	return rc;
}

/* Two sites' prefixes that overlap, as they are found. */
typedef void (*conflict_fn)(void *user, const struct owned *outer,
							const struct owned *inner);

/*
 * In order, what holds a prefix stands before it; of those before it the ones
 * that still reach here are a chain, each within the one before.
 *
 * @return		how many pairs; told: at most so many of them
 */
static size_t find_conflicts(struct arena *a, const struct owned *list,
							 size_t count, conflict_fn tell, void *user,
							 size_t told)
{
	const struct owned **open = arena_calloc(a, count, sizeof(*open));
	size_t i, j, depth = 0, found = 0;

	for (i = 0; i < count; i++)
	{
		while (depth && !prefix_overlaps(&open[depth - 1]->prefix,
										 &list[i].prefix))
		{
			depth--;
		}
		/* the whole chain holds it; pairs that nobody hears of are counted up
		   to a bound, for a VPN of equal prefixes has them squared */
		for (j = depth; j > 0 && found < 100000; j--)
		{
			if (open[j - 1]->site_id != list[i].site_id && found++ < told)
			{
				tell(user, open[j - 1], &list[i]);
			}
		}
		open[depth++] = &list[i];
	}
	return found;
}

/* As many as fit into an error. */
struct said
{
	char text[180];
	size_t len, count;
	bool full;
};

static void say(void *user, const struct owned *outer,
				const struct owned *inner)
{
	char one[PREFIX_TEXT_MAX], two[PREFIX_TEXT_MAX], pair[256];
	struct said *said = user;
	int len;

	len = snprintf(pair, sizeof(pair), "%s%s %s and %s %s",
				   said->count ? ", " : "", outer->site,
				   prefix_str(&outer->prefix, one), inner->site,
				   prefix_str(&inner->prefix, two));
	if (said->full || (said->count &&
					   said->len + (size_t)len >= sizeof(said->text)))
	{
		said->full = true;
		return;
	}
	snprintf(said->text + said->len, sizeof(said->text) - said->len, "%s",
			 pair);
	said->len = strlen(said->text);
	said->count++;
}

int store_prefix_settle(struct store *s, const struct store_vpn *vpn,
						struct err *e)
{
	char place[PLACE_SIZE], more[48] = "";
	struct said said = { .len = 0 };
	struct arena *a;
	struct owned *list;
	size_t count, found;
	int rc;

	if (!vpn->internet_access)
	{
		return 0;
	}
	a = arena_new();
	rc = read_vpn(s, a, (int64_t)vpn->id, &list, &count, e);
	if (rc == 0 && (found = find_conflicts(a, list, count, say, &said,
										   16)) > 0)
	{
		snprintf(place, sizeof(place), "%s/%s", vpn->customer, vpn->vpn);
		if (found > said.count)
		{
			snprintf(more, sizeof(more), ", and %zu more",
					 found - said.count);
		}
		rc = err_set(e, -EINVAL, ERR_OVERLAP, place, "with internet-access "
					 "prefixes cannot overlap: %s%s", said.text, more);
	}
	arena_free(a);
	return rc;
}

/* ---- looked at by check ----------------------------------------------------------- */

struct verifying
{
	const struct store_verifier *verifier;
	const char *place;
};

static void tell_fault(void *user, const struct owned *outer,
					   const struct owned *inner)
{
	const struct verifying *v = user;
	char one[PREFIX_TEXT_MAX], two[PREFIX_TEXT_MAX], text[256];

	snprintf(text, sizeof(text), "%s %s and %s %s overlap", outer->site,
			 prefix_str(&outer->prefix, one), inner->site,
			 prefix_str(&inner->prefix, two));
	v->verifier->fault(v->verifier->user, "prefixes", v->place, text);
}

static void verify_vpn(struct store *s, const struct store_vpn *vpn,
					   const struct store_verifier *verifier, uint64_t *looked)
{
	struct arena *a = arena_new();
	struct verifying v = { verifier, arena_printf(a, "%s/%s", vpn->customer,
												  vpn->vpn) };
	struct err why = { 0 };
	struct owned *list;
	size_t count;
	int rc = read_vpn(s, a, (int64_t)vpn->id, &list, &count, &why);

	if (rc < 0)
	{
		verifier->fault(verifier->user, "prefixes", v.place, why.text);
	}
	else
	{
		*looked += count;
		if (vpn->internet_access)
		{
			find_conflicts(a, list, count, tell_fault, &v, 16);
		}
	}
	arena_free(a);
}

int store_prefix_verify(struct store *s,
						const struct store_verifier *verifier, struct err *e)
{
	struct arena *a = arena_new();
	struct store_vpn *vpns;
	uint64_t looked = 0;
	size_t i, count;
	int rc = store_vpns(s, a, NULL, &vpns, &count, e);

	for (i = 0; rc == 0 && i < count; i++)
	{
		verify_vpn(s, &vpns[i], verifier, &looked);
	}
	if (rc == 0)
	{
		verifier->checked(verifier->user, "prefixes", looked);
	}
	arena_free(a);
	return rc;
}
