/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * store_vpn.c - customers and VPNs
 *
 * Owns the tables customer and vpn.
 */
#include "config.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "server/render.h"
#include "server/store_impl.h"
#include "text.h"

/* ---- customers ------------------------------------------------------------- */

int store_customer_id(struct store *s, const char *customer, int64_t *id,
					  struct err *e)
{
	int rc = db_number(s->db, "SELECT id FROM customer WHERE name = $1 "
					   "AND removed_revision = 0", DB_ARGS(db_t(customer)),
					   id, e);

	return rc == -ENOENT ? err_set(e, -ENOENT, ERR_NOT_FOUND, customer,
								   "no such customer") : rc;
}

static int customer_add(struct store *s, const char *customer,
						const char *description, struct err *e)
{
	int64_t id;
	int rc;

	rc = store_check_name(customer, "customer", e);
	if (rc < 0 || (rc = store_check_description(description, e)) < 0)
	{
		return rc;
	}
	rc = store_customer_id(s, customer, &id, e);
	if (rc != -ENOENT)
	{
		return rc < 0 ? rc : err_set(e, -EEXIST, ERR_EXISTS, customer,
									 "there is a customer of that name");
	}
	rc = store_next_id(s, "customer", &id, e);
	if (rc < 0)
	{
		return rc;
	}
	return db_run(s->db, "INSERT INTO customer (id, name, description, "
				  "removed_revision) VALUES ($1, $2, $3, 0)",
				  DB_ARGS(db_i(id), db_t(customer),
						  db_t(description ? description : "")), e);
}

int store_customer_add(struct store *s, const char *customer,
					   const char *description, struct err *e)
{
	int rc = store_need_change(s, e);

	return rc < 0 ? rc
		: store_changed(s, customer_add(s, customer, description, e));
}

static int customer_remove(struct store *s, const char *customer,
						   struct err *e)
{
	int64_t id, vpns, ces;
	int rc;

	rc = store_customer_id(s, customer, &id, e);
	if (rc < 0 ||
		(rc = db_number(s->db, "SELECT count(*) FROM vpn "
						"WHERE customer_id = $1", DB_ARGS(db_i(id)), &vpns,
						e)) < 0 ||
		(rc = db_number(s->db, "SELECT count(*) FROM ce WHERE customer_id = $1 "
						"AND removed_revision = 0", DB_ARGS(db_i(id)), &ces,
						e)) < 0)
	{
		return rc;
	}
	if (vpns || ces)
	{
		return err_set(e, -EBUSY, ERR_IN_USE, customer,
					   "it still has %lld VPNs and %lld CEs", (long long)vpns,
					   (long long)ces);
	}
	/* its removed CEs' keys still get their tombstone: the row stays */
	return db_run(s->db, "UPDATE customer SET removed_revision = $2 "
				  "WHERE id = $1",
				  DB_ARGS(db_i(id), db_i((int64_t)s->revision)), e);
}

int store_customer_remove(struct store *s, const char *customer, struct err *e)
{
	int rc = store_need_change(s, e);

	return rc < 0 ? rc : store_changed(s, customer_remove(s, customer, e));
}

/* ---- VPNs ------------------------------------------------------------------ */

static char *default_ike[] = {
	(char *)"aes256gcm16-prfsha384-ecp384",
	(char *)"aes128gcm16-prfsha256-x25519"
};
static char *default_esp[] = {
	(char *)"aes256gcm16-ecp384", (char *)"aes128gcm16-x25519"
};

void store_vpn_defaults(struct store_vpn *vpn)
{
	memset(vpn, 0, sizeof(*vpn));
	vpn->description = (char *)"";
	vpn->domain = (char *)"vpn.internal";
	vpn->topology = MODEL_ANY_TO_ANY;
	(void)prefix_parse4("10.255.0.0/16", true, &vpn->router_ids);
	vpn->mtu = 1400;
	(void)addr_parse4("0.0.0.0", &vpn->ospf.area);
	vpn->ospf.hello_interval = 10;
	vpn->ospf.dead_interval = 40;
	vpn->ospf.cost = 10;
	vpn->retry = (struct model_retry){ 5, 10, 2, 600, 8 };
	vpn->profile.proposals = default_ike;
	vpn->profile.proposal_count = 2;
	vpn->profile.esp_proposals = default_esp;
	vpn->profile.esp_proposal_count = 2;
	vpn->profile.rekey_time = 14400;
	vpn->profile.child_rekey_time = 3600;
	vpn->profile.dpd_delay = 30;
}

/* The numbers' bounds: those of 0001-init.sql and of the document. */
static const struct
{
	const char *name;
	size_t offset;
	uint32_t min, max;
} bounds[] = {
#define B(name, member, min, max) \
	{ name, offsetof(struct store_vpn, member), min, max }
	B("mtu", mtu, 576, 9000),
	B("hello-interval", ospf.hello_interval, 1, 65535),
	B("dead-interval", ospf.dead_interval, 2, 65535),
	B("cost", ospf.cost, 1, 65535),
	B("minimum-wait", retry.minimum_wait, 1, 3600),
	B("t1", retry.t1, 1, 3600),
	B("factor", retry.factor, 1, 10),
	B("maximum", retry.maximum, 1, 86400),
	B("alarm-after", retry.alarm_after, 1, 1000),
	B("rekey_time", profile.rekey_time, 300, 86400),
	B("child_rekey_time", profile.child_rekey_time, 300, 86400),
	B("dpd_delay", profile.dpd_delay, 0, 3600)
#undef B
};

static int check_bounds(const struct store_vpn *vpn, struct err *e)
{
	uint32_t value;
	size_t i;

	for (i = 0; i < sizeof(bounds) / sizeof(bounds[0]); i++)
	{
		memcpy(&value, (const char *)vpn + bounds[i].offset, sizeof(value));
		if (value < bounds[i].min || value > bounds[i].max)
		{
			return err_set(e, -EINVAL, ERR_LIMIT, bounds[i].name,
						   "%u is not in %u..%u", value, bounds[i].min,
						   bounds[i].max);
		}
	}
	if (vpn->ospf.dead_interval <= vpn->ospf.hello_interval)
	{
		return err_set(e, -EINVAL, ERR_LIMIT, "dead-interval",
					   "%u must be longer than the hello interval of %u",
					   vpn->ospf.dead_interval, vpn->ospf.hello_interval);
	}
	if (vpn->retry.maximum < vpn->retry.t1)
	{
		return err_set(e, -EINVAL, ERR_LIMIT, "maximum",
					   "%u must not be shorter than t1 of %u",
					   vpn->retry.maximum, vpn->retry.t1);
	}
	if (vpn->profile.dpd_delay && vpn->profile.dpd_delay < 5)
	{
		return err_set(e, -EINVAL, ERR_LIMIT, "dpd_delay",
					   "%u is neither 0 nor in 5..3600",
					   vpn->profile.dpd_delay);
	}
	return 0;
}

static int check_vpn(const struct store_vpn *vpn, struct err *e)
{
	char where[PREFIX_TEXT_MAX];
	struct prefix pool = vpn->router_ids;
	int rc;

	if ((rc = store_check_name(vpn->vpn, "VPN", e)) < 0 ||
		(rc = store_check_description(vpn->description, e)) < 0 ||
		(rc = check_bounds(vpn, e)) < 0)
	{
		return rc;
	}
	if (!name_is_fqdn(vpn->domain))
	{
		return err_set(e, -EINVAL, ERR_NAME, vpn->domain,
					   "not a domain: labels joined by dots, at least two");
	}
	if (pool.len < 8 || pool.len > 30 || !addr_is_host(&pool.addr))
	{
		return err_set(e, -EINVAL, ERR_ADDRESS, prefix_str(&pool, where),
					   "router-ids need an ordinary prefix of length 8 to 30");
	}
	/* whatever else a document refuses must not get into the database */
	rc = render_try(vpn, e);
	if (rc < 0)
	{
		err_prefix(e, "no document can carry this VPN");
	}
	return rc;
}

/* "a,b,c" in arena */
static char *join(struct arena *a, char *const *list, size_t count)
{
	char *joined = arena_strdup(a, "");
	size_t i;

	for (i = 0; i < count; i++)
	{
		joined = arena_printf(a, "%s%s%s", joined, i ? "," : "", list[i]);
	}
	return joined;
}

static char **split(struct arena *a, const char *joined, size_t *count)
{
	char **list = arena_calloc(a, MODEL_PROPOSALS_MAX, sizeof(*list));
	size_t len;

	for (*count = 0; *joined && *count < MODEL_PROPOSALS_MAX; (*count)++)
	{
		len = strcspn(joined, ",");
		list[*count] = arena_strndup(a, joined, len);
		joined += len + (joined[len] == ',');
	}
	return list;
}

static int insert_vpn(struct store *s, int64_t customer_id, int64_t id,
					  const struct store_vpn *vpn, struct err *e)
{
	const struct model_profile *p = &vpn->profile;
	char pool[PREFIX_TEXT_MAX], area[ADDR_TEXT_MAX];
	struct arena *a = arena_new();
	int rc;

	rc = db_run(s->db, "INSERT INTO vpn (id, customer_id, name, description, "
				"domain, topology, router_ids, router_id_last, mtu, ospf_area, "
				"ospf_hello, ospf_dead, ospf_cost, retry_minimum_wait, "
				"retry_t1, retry_factor, retry_maximum, retry_alarm_after, "
				"proposals, esp_proposals, rekey_time, child_rekey_time, "
				"dpd_delay, establishment, ipsec_mode, routing) VALUES "
				"($1, $2, $3, $4, $5, 'any-to-any', $6, 0, $7, $8, $9, $10, "
				"$11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, "
				"'permanent', 'tunnel', 'dynamic')",
				DB_ARGS(db_i(id), db_i(customer_id), db_t(vpn->vpn),
						db_t(vpn->description ? vpn->description : ""),
						db_t(vpn->domain),
						db_t(prefix_str(&vpn->router_ids, pool)),
						db_i(vpn->mtu), db_t(addr_str(&vpn->ospf.area, area)),
						db_i(vpn->ospf.hello_interval),
						db_i(vpn->ospf.dead_interval), db_i(vpn->ospf.cost),
						db_i(vpn->retry.minimum_wait), db_i(vpn->retry.t1),
						db_i(vpn->retry.factor), db_i(vpn->retry.maximum),
						db_i(vpn->retry.alarm_after),
						db_t(join(a, p->proposals, p->proposal_count)),
						db_t(join(a, p->esp_proposals, p->esp_proposal_count)),
						db_i(p->rekey_time), db_i(p->child_rekey_time),
						db_i(p->dpd_delay)), e);
	arena_free(a);
	return rc;
}

int store_vpn_id(struct store *s, const char *customer, const char *vpn,
				 int64_t *customer_id, int64_t *id, struct err *e)
{
	char place[PLACE_SIZE];
	int rc;

	rc = store_customer_id(s, customer, customer_id, e);
	if (rc < 0)
	{
		return rc;
	}
	rc = db_number(s->db, "SELECT id FROM vpn WHERE customer_id = $1 "
				   "AND name = $2", DB_ARGS(db_i(*customer_id), db_t(vpn)),
				   id, e);
	if (rc == -ENOENT)
	{
		snprintf(place, sizeof(place), "%s/%s", customer, vpn);
		err_set(e, rc, ERR_NOT_FOUND, place, "no such VPN");
	}
	return rc;
}

static int vpn_add(struct store *s, const struct store_vpn *vpn, struct err *e)
{
	int64_t customer_id, id;
	int rc;

	rc = check_vpn(vpn, e);
	if (rc < 0)
	{
		return rc;
	}
	rc = store_vpn_id(s, vpn->customer, vpn->vpn, &customer_id, &id, e);
	if (rc == 0)
	{
		return err_set(e, -EEXIST, ERR_EXISTS, vpn->vpn,
					   "customer %s has a VPN of that name", vpn->customer);
	}
	if (rc != -ENOENT ||
		(rc = store_customer_id(s, vpn->customer, &customer_id, e)) < 0 ||
		(rc = store_next_id(s, "vpn", &id, e)) < 0)
	{
		return rc;
	}
	return insert_vpn(s, customer_id, id, vpn, e);
}

int store_vpn_add(struct store *s, const struct store_vpn *vpn, struct err *e)
{
	int rc = store_need_change(s, e);

	return rc < 0 ? rc : store_changed(s, vpn_add(s, vpn, e));
}

static int vpn_remove(struct store *s, const char *customer, const char *vpn,
					  struct err *e)
{
	int64_t customer_id, id, sites;
	int rc;

	rc = store_vpn_id(s, customer, vpn, &customer_id, &id, e);
	if (rc < 0 ||
		(rc = db_number(s->db, "SELECT count(*) FROM site WHERE vpn_id = $1",
						DB_ARGS(db_i(id)), &sites, e)) < 0)
	{
		return rc;
	}
	if (sites)
	{
		return err_set(e, -EBUSY, ERR_IN_USE, vpn, "it still has %lld sites",
					   (long long)sites);
	}
	rc = db_run(s->db, "DELETE FROM site_removed WHERE vpn_id = $1",
				DB_ARGS(db_i(id)), e);
	return rc < 0 ? rc : db_run(s->db, "DELETE FROM vpn WHERE id = $1",
								DB_ARGS(db_i(id)), e);
}

int store_vpn_remove(struct store *s, const char *customer, const char *vpn,
					 struct err *e)
{
	int rc = store_need_change(s, e);

	return rc < 0 ? rc : store_changed(s, vpn_remove(s, customer, vpn, e));
}

int store_vpn_read(struct arena *a, struct db_rows *rows, int c,
				   struct store_vpn *vpn, struct err *e)
{
	memset(vpn, 0, sizeof(*vpn));
	vpn->customer = arena_strdup(a, db_col_text(rows, c));
	vpn->vpn = arena_strdup(a, db_col_text(rows, c + 1));
	vpn->description = arena_strdup(a, db_col_text(rows, c + 2));
	vpn->domain = arena_strdup(a, db_col_text(rows, c + 3));
	vpn->topology = MODEL_ANY_TO_ANY;
	vpn->mtu = (uint32_t)db_col_int(rows, c + 6);
	vpn->ospf.hello_interval = (uint32_t)db_col_int(rows, c + 8);
	vpn->ospf.dead_interval = (uint32_t)db_col_int(rows, c + 9);
	vpn->ospf.cost = (uint32_t)db_col_int(rows, c + 10);
	vpn->retry.minimum_wait = (uint32_t)db_col_int(rows, c + 11);
	vpn->retry.t1 = (uint32_t)db_col_int(rows, c + 12);
	vpn->retry.factor = (uint32_t)db_col_int(rows, c + 13);
	vpn->retry.maximum = (uint32_t)db_col_int(rows, c + 14);
	vpn->retry.alarm_after = (uint32_t)db_col_int(rows, c + 15);
	vpn->profile.name = vpn->vpn;
	vpn->profile.proposals = split(a, db_col_text(rows, c + 16),
								   &vpn->profile.proposal_count);
	vpn->profile.esp_proposals = split(a, db_col_text(rows, c + 17),
									   &vpn->profile.esp_proposal_count);
	vpn->profile.rekey_time = (uint32_t)db_col_int(rows, c + 18);
	vpn->profile.child_rekey_time = (uint32_t)db_col_int(rows, c + 19);
	vpn->profile.dpd_delay = (uint32_t)db_col_int(rows, c + 20);
	if (strcmp(db_col_text(rows, c + 4), "any-to-any") != 0 ||
		prefix_parse4(db_col_text(rows, c + 5), true, &vpn->router_ids) < 0 ||
		addr_parse4(db_col_text(rows, c + 7), &vpn->ospf.area) < 0)
	{
		return store_bad_row(e, "vpn");
	}
	return 0;
}
