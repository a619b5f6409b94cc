/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * store_vpn.c - VPNs
 *
 * Owns the table vpn.
 */
#include "config.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "server/render.h"
#include "server/grade.h"
#include "server/store_work.h"
#include "server/topology.h"
#include "text.h"

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
	vpn->external_id = (char *)"";
	vpn->grade = GRADE_STANDARD;
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

/* The numbers' bounds: those of sql/ and of the document. */
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
	B("psk-rotation-days", psk_rotation_days, 0, 3650)
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
	return 0;
}

static int check_vpn(const struct store_vpn *vpn, struct err *e)
{
	char where[PREFIX_TEXT_MAX];
	struct prefix pool = vpn->router_ids;
	int rc;

	if ((rc = store_check_name(vpn->vpn, "VPN", e)) < 0 ||
		(rc = store_check_words(vpn->description, vpn->external_id, e)) < 0 ||
		(rc = check_bounds(vpn, e)) < 0 ||
		(rc = store_check_profile(&vpn->profile, e)) < 0)
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

static int write_vpn(struct store *s, int64_t customer_id, int64_t id,
					 const struct store_vpn *vpn, struct err *e)
{
	const struct model_profile *p = &vpn->profile;
	char pool[PREFIX_TEXT_MAX], area[ADDR_TEXT_MAX];
	struct arena *a = s->work->a;

	return db_run(s->db, "INSERT INTO vpn (id, customer_id, name, description, "
				"external_id, domain, topology, grade, router_ids, "
				"router_id_last, mtu, ospf_area, "
				"ospf_hello, ospf_dead, ospf_cost, retry_minimum_wait, "
				"retry_t1, retry_factor, retry_maximum, retry_alarm_after, "
				"proposals, esp_proposals, rekey_time, child_rekey_time, "
				"dpd_delay, establishment, ipsec_mode, routing, "
				"internet_access, psk_rotation_days, authentication, "
				"revocation) VALUES "
				"($1, $2, $3, $4, $22, $5, $23, $24, $6, $25, $7, $8, $9, "
				"$10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, "
				"'permanent', 'tunnel', 'dynamic', $26, $27, $28, $29) "
				"ON CONFLICT (id) DO UPDATE "
				"SET description = $4, external_id = $22, domain = $5, "
				"topology = $23, grade = $24, router_ids = $6, mtu = $7, "
				"ospf_area = $8, ospf_hello = $9, ospf_dead = $10, "
				"ospf_cost = $11, retry_minimum_wait = $12, retry_t1 = $13, "
				"retry_factor = $14, retry_maximum = $15, "
				"retry_alarm_after = $16, proposals = $17, "
				"esp_proposals = $18, rekey_time = $19, "
				"child_rekey_time = $20, dpd_delay = $21, "
				"internet_access = $26, psk_rotation_days = $27, "
				"authentication = $28, revocation = $29",
				DB_ARGS(db_i(id), db_i(customer_id), db_t(vpn->vpn),
						db_t(store_text(vpn->description)), db_t(vpn->domain),
						db_t(prefix_str(&vpn->router_ids, pool)),
						db_i(vpn->mtu), db_t(addr_str(&vpn->ospf.area, area)),
						db_i(vpn->ospf.hello_interval),
						db_i(vpn->ospf.dead_interval), db_i(vpn->ospf.cost),
						db_i(vpn->retry.minimum_wait), db_i(vpn->retry.t1),
						db_i(vpn->retry.factor), db_i(vpn->retry.maximum),
						db_i(vpn->retry.alarm_after),
						db_t(store_words_join(a, p->proposals,
											  p->proposal_count)),
						db_t(store_words_join(a, p->esp_proposals,
											  p->esp_proposal_count)),
						db_i(p->rekey_time), db_i(p->child_rekey_time),
						db_i(p->dpd_delay), db_t(store_text(vpn->external_id)),
						db_t(conf_topologies[vpn->topology]),
						db_t(conf_grades[vpn->grade]),
						db_i((int64_t)vpn->router_id_last),
						db_i(vpn->internet_access),
						db_i(vpn->psk_rotation_days),
						db_t(conf_authentications[vpn->authentication]),
						db_t(conf_revocations[vpn->revocation])), e);
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

static char *vpn_place(struct store *s, const char *customer, const char *vpn)
{
	return arena_printf(s->work->a, "%s/%s", customer, vpn);
}

/* Its tunnels come to it one by one (store_move.c). */
static int want_authentication(struct store *s, int64_t id, int before,
							   const struct store_vpn *vpn, struct err *e)
{
	int rc = 0;

	if (vpn->authentication == before)
	{
		return 0;
	}
	if (vpn->authentication == MODEL_CERTIFICATE)
	{
		rc = store_authority_want(s, id, e);
	}
	return rc < 0 ? rc : db_run(s->db, "UPDATE vpn SET moving = 1 "
								"WHERE id = $1", DB_ARGS(db_i(id)), e);
}

static int vpn_add(struct store *s, const struct store_vpn *vpn, struct err *e)
{
	int64_t customer_id, id = (int64_t)vpn->id, there;
	int rc;

	rc = check_vpn(vpn, e);
	if (rc < 0)
	{
		return rc;
	}
	rc = store_vpn_id(s, vpn->customer, vpn->vpn, &customer_id, &there, e);
	if (rc == 0)
	{
		return err_set(e, -EEXIST, ERR_EXISTS, vpn->vpn,
					   "customer %s has a VPN of that name", vpn->customer);
	}
	if (rc != -ENOENT ||
		(rc = store_customer_id(s, vpn->customer, &customer_id, e)) < 0 ||
		(!id && (rc = store_next_id(s, "vpn", &id, e)) < 0) ||
		(rc = write_vpn(s, customer_id, id, vpn, e)) < 0)
	{
		return rc;
	}
	store_note(s, CONF_VPN, vpn_place(s, vpn->customer, vpn->vpn),
			   (uint64_t)id, NULL, vpn);
	store_dirty(s, id, 0);
	return want_authentication(s, id, MODEL_PRE_SHARED, vpn, e);
}

int store_vpn_add(struct store *s, const struct store_vpn *vpn, struct err *e)
{
	int rc = store_need_change(s, e);

	return rc < 0 ? rc : store_changed(s, vpn_add(s, vpn, e));
}

static bool same_profile(struct arena *a, const struct model_profile *x,
						 const struct model_profile *y)
{
	return x->rekey_time == y->rekey_time &&
		   x->child_rekey_time == y->child_rekey_time &&
		   x->dpd_delay == y->dpd_delay &&
		   strcmp(store_words_join(a, x->proposals, x->proposal_count),
				  store_words_join(a, y->proposals, y->proposal_count)) == 0 &&
		   strcmp(store_words_join(a, x->esp_proposals, x->esp_proposal_count),
				  store_words_join(a, y->esp_proposals,
								   y->esp_proposal_count)) == 0;
}

/* Whether a document says anything else of the VPN than before. */
static bool same_document(struct arena *a, const struct store_vpn *x,
						  const struct store_vpn *y)
{
	return strcmp(x->domain, y->domain) == 0 && x->topology == y->topology &&
		   x->authentication == y->authentication &&
		   x->mtu == y->mtu &&
		   memcmp(&x->ospf, &y->ospf, sizeof(x->ospf)) == 0 &&
		   memcmp(&x->retry, &y->retry, sizeof(x->retry)) == 0 &&
		   same_profile(a, &x->profile, &y->profile);
}

/* For people: the tunnels that have the VPN's own profile. */
static int effect_rekeyed(struct store *s, const struct store_vpn *vpn,
						  struct err *e)
{
	struct db_rows *rows;
	int rc;

	rc = db_query(s->db, "SELECT a.name, b.name FROM link l "
				  "JOIN site a ON a.id = l.site_a "
				  "JOIN site b ON b.id = l.site_b "
				  "WHERE l.vpn_id = $1 AND l.profile_id IS NULL",
				  DB_ARGS(db_i((int64_t)vpn->id)), &rows, e);
	if (rc < 0)
	{
		return rc;
	}
	while ((rc = db_next(rows, e)) == 1)
	{
		store_effect(s, vpn->customer, vpn->vpn, db_col_text(rows, 0),
					 db_col_text(rows, 1), STORE_REKEYED);
	}
	db_end(rows);
	return rc;
}

/* Roles that the new topology has, for all sites. */
static int change_roles(struct store *s, const struct store_vpn *vpn,
						char *const *hubs, size_t hub_count, struct err *e)
{
	struct arena *a = s->work->a;
	struct store_site *sites;
	size_t i, j, count, found = 0;
	bool has_hub = false;
	int rc;

	rc = store_sites(s, a, vpn->customer, vpn->vpn, &sites, &count, e);
	for (i = 0; rc == 0 && i < count; i++)
	{
		if (!topology_has_role(vpn->topology, sites[i].role))
		{
			sites[i].role = topology_default_role(vpn->topology);
		}
		for (j = 0; j < hub_count; j++)
		{
			if (strcmp(hubs[j], sites[i].site) == 0)
			{
				sites[i].role = MODEL_HUB_ROLE;
				found++;
			}
		}
		has_hub |= sites[i].role == MODEL_HUB_ROLE;
		sites[i].ce = NULL;
		rc = store_site_set(s, &sites[i], e);
	}
	if (rc == 0 && found != hub_count)
	{
		rc = err_set(e, -ENOENT, ERR_NOT_FOUND, "hubs",
					 "one of the hubs is no site of %s/%s, or named twice",
					 vpn->customer, vpn->vpn);
	}
	/* all tunnels would go */
	if (rc == 0 && count > 1 && !has_hub &&
		topology_has_role(vpn->topology, MODEL_HUB_ROLE))
	{
		rc = err_set(e, -EINVAL, ERR_TOPOLOGY,
					 vpn_place(s, vpn->customer, vpn->vpn),
					 "topology %s needs a hub: say which sites are hubs",
					 conf_topologies[vpn->topology]);
	}
	return rc;
}

/* Whoever has a site in it hears of it. */
static int tell(struct store *s, const struct store_vpn *before,
				const struct store_vpn *vpn, struct err *e)
{
	int64_t authorities = 0;
	int rc;

	/* documents have it where there is an authority */
	if (before->revocation != vpn->revocation &&
		(rc = db_number(s->db, "SELECT count(*) FROM vpn_authority "
						"WHERE vpn_id = $1", DB_ARGS(db_i((int64_t)before->id)),
						&authorities, e)) < 0)
	{
		return rc;
	}
	if (!authorities && same_document(s->work->a, before, vpn))
	{
		return 0;
	}
	rc = store_touch_vpn(s, (int64_t)before->id, e);
	if (rc == 0 &&
		!same_profile(s->work->a, &before->profile, &vpn->profile))
	{
		rc = effect_rekeyed(s, before, e);
	}
	return rc;
}

static int vpn_set(struct store *s, const struct store_vpn *vpn,
				   char *const *hubs, size_t hub_count, struct err *e)
{
	struct store_vpn before;
	int64_t customer_id, id;
	int rc;

	if ((rc = check_vpn(vpn, e)) < 0 ||
		(rc = store_vpn_id(s, vpn->customer, vpn->vpn, &customer_id, &id,
						   e)) < 0 ||
		(rc = store_vpn_by_id(s, s->work->a, id, &before, e)) < 0)
	{
		return rc;
	}
	if (hub_count && !topology_has_role(vpn->topology, MODEL_HUB_ROLE))
	{
		return err_set(e, -EINVAL, ERR_TOPOLOGY,
					   vpn_place(s, vpn->customer, vpn->vpn),
					   "topology %s has no hubs",
					   conf_topologies[vpn->topology]);
	}
	if (store_note(s, CONF_VPN, vpn_place(s, vpn->customer, vpn->vpn),
				   (uint64_t)id, &before, vpn))
	{
		if ((rc = write_vpn(s, customer_id, id, vpn, e)) < 0 ||
			(rc = want_authentication(s, id, before.authentication, vpn,
									  e)) < 0 ||
			(rc = tell(s, &before, vpn, e)) < 0)
		{
			return rc;
		}
		store_dirty(s, id, 0);
	}
	/* what is taken back has its sites' roles among what it changed */
	if (s->work->reverting || s->work->applying ||
		(before.topology == vpn->topology && !hub_count))
	{
		return 0;
	}
	return change_roles(s, vpn, hubs, hub_count, e);
}

int store_vpn_set(struct store *s, const struct store_vpn *vpn,
				  char *const *hubs, size_t hub_count, struct err *e)
{
	int rc = store_need_change(s, e);

	return rc < 0 ? rc : store_changed(s, vpn_set(s, vpn, hubs, hub_count,
												  e));
}

static int vpn_remove(struct store *s, const char *customer, const char *vpn,
					  struct err *e)
{
	int64_t customer_id, id, sites, profiles;
	struct store_vpn before;
	int rc;

	if ((rc = store_vpn_id(s, customer, vpn, &customer_id, &id, e)) < 0 ||
		(rc = store_vpn_by_id(s, s->work->a, id, &before, e)) < 0 ||
		(rc = db_number(s->db, "SELECT count(*) FROM site WHERE vpn_id = $1",
						DB_ARGS(db_i(id)), &sites, e)) < 0 ||
		(rc = db_number(s->db, "SELECT count(*) FROM sa_profile "
						"WHERE vpn_id = $1", DB_ARGS(db_i(id)), &profiles,
						e)) < 0)
	{
		return rc;
	}
	if (sites || profiles)
	{
		return err_set(e, -EBUSY, ERR_IN_USE,
					   vpn_place(s, customer, vpn),
					   "it still has %lld sites and %lld SA profiles",
					   (long long)sites, (long long)profiles);
	}
	store_note(s, CONF_VPN, vpn_place(s, customer, vpn), (uint64_t)id,
			   &before, NULL);
	store_clean_vpn(s, id);
	if ((rc = store_authority_drop(s, id, e)) < 0)
	{
		return rc;
	}
	return db_run(s->db, "DELETE FROM vpn WHERE id = $1", DB_ARGS(db_i(id)),
				  e);
}

int store_vpn_remove(struct store *s, const char *customer, const char *vpn,
					 struct err *e)
{
	int rc = store_need_change(s, e);

	return rc < 0 ? rc : store_changed(s, vpn_remove(s, customer, vpn, e));
}

/* ---- questions ------------------------------------------------------------- */

int store_vpn_by_id(struct store *s, struct arena *a, int64_t id,
					struct store_vpn *out, struct err *e)
{
	struct db_rows *rows;
	int rc;

	rc = db_query(s->db, "SELECT " STORE_VPN_COLUMNS "FROM vpn v "
				  "JOIN customer cu ON cu.id = v.customer_id WHERE v.id = $1",
				  DB_ARGS(db_i(id)), &rows, e);
	if (rc < 0)
	{
		return rc;
	}
	rc = db_next(rows, e);
	if (rc == 1)
	{
		rc = store_vpn_read(a, rows, 0, out, e);
	}
	else if (rc == 0)
	{
		rc = store_bad_row(e, "vpn");
	}
	db_end(rows);
	return rc;
}

int store_vpn_get(struct store *s, struct arena *a, const char *customer,
				  const char *vpn, struct store_vpn *out, struct err *e)
{
	int64_t customer_id, id;
	int rc = store_vpn_id(s, customer, vpn, &customer_id, &id, e);

	return rc < 0 ? rc : store_vpn_by_id(s, a, id, out, e);
}

int store_vpns(struct store *s, struct arena *a, const char *customer,
			   struct store_vpn **list, size_t *count, struct err *e)
{
	struct db_rows *rows;
	int rc;

	*list = NULL;
	*count = 0;
	rc = db_query(s->db, "SELECT " STORE_VPN_COLUMNS "FROM vpn v "
				  "JOIN customer cu ON cu.id = v.customer_id "
				  "WHERE $1 = '' OR cu.name = $1 ORDER BY cu.name, v.name",
				  DB_ARGS(db_t(customer ? customer : "")), &rows, e);
	if (rc < 0)
	{
		return rc;
	}
	while ((rc = db_next(rows, e)) == 1 &&
		   (rc = store_vpn_read(a, rows, 0,
								store_array_add(a, (void **)list, count,
												sizeof(**list)), e)) == 0)
	{
	}
	db_end(rows);
	return rc;
}

int store_vpn_read(struct arena *a, struct db_rows *rows, int c,
				   struct store_vpn *vpn, struct err *e)
{
	memset(vpn, 0, sizeof(*vpn));
	vpn->customer = arena_strdup(a, db_col_text(rows, c));
	vpn->vpn = arena_strdup(a, db_col_text(rows, c + 1));
	vpn->description = arena_strdup(a, db_col_text(rows, c + 2));
	vpn->domain = arena_strdup(a, db_col_text(rows, c + 3));
	vpn->id = (uint64_t)db_col_int(rows, c + 21);
	vpn->external_id = arena_strdup(a, db_col_text(rows, c + 22));
	vpn->router_id_last = (uint64_t)db_col_int(rows, c + 24);
	vpn->internet_access = db_col_int(rows, c + 25) != 0;
	vpn->psk_rotation_days = (uint32_t)db_col_int(rows, c + 26);
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
	vpn->profile.proposals = store_words_split(a, db_col_text(rows, c + 16),
								   &vpn->profile.proposal_count);
	vpn->profile.esp_proposals = store_words_split(a, db_col_text(rows, c + 17),
									   &vpn->profile.esp_proposal_count);
	vpn->profile.rekey_time = (uint32_t)db_col_int(rows, c + 18);
	vpn->profile.child_rekey_time = (uint32_t)db_col_int(rows, c + 19);
	vpn->profile.dpd_delay = (uint32_t)db_col_int(rows, c + 20);
	if (store_word(conf_topologies, db_col_text(rows, c + 4), &vpn->topology,
				   e) < 0 ||
		store_word(conf_grades, db_col_text(rows, c + 23), &vpn->grade,
				   e) < 0 ||
		store_word(conf_authentications, db_col_text(rows, c + 27),
				   &vpn->authentication, e) < 0 ||
		store_word(conf_revocations, db_col_text(rows, c + 28),
				   &vpn->revocation, e) < 0 ||
		prefix_parse4(db_col_text(rows, c + 5), true, &vpn->router_ids) < 0 ||
		addr_parse4(db_col_text(rows, c + 7), &vpn->ospf.area) < 0)
	{
		return store_bad_row(e, "vpn");
	}
	return 0;
}
