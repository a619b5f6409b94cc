/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * test_store_report.c - enrolment, deliveries and what routers report
 */
#include "config.h"

#include <pthread.h>

#include "store_kit.h"

#define NOW INT64_C(1800000000000)

static uint8_t token[32] = { 1 }, wrong[32] = { 2 };
static uint8_t key1[32] = { 11 }, key2[32] = { 12 }, key3[32] = { 13 };
static uint8_t key4[32] = { 14 };
static unsigned issued;

static int issue(void *user, const struct store_ce *ce, uint64_t serial,
				 struct arena *a, struct store_issued *out, struct err *err)
{
	issued++;
	if (user)
	{
		return err_set(err, -EIO, ERR_IO, "ca", "no key");
	}
	out->pem = arena_printf(a, "cert %s/%s %llu", ce->customer, ce->ce,
							 (unsigned long long)serial);
	return 0;
}

static int enroll_on(struct store *s, const char *ce, const uint8_t *hash,
					 const uint8_t *key, int64_t now, char **cert, bool *again)
{
	return store_enroll(s, arena, "acme", ce, hash, key, now, issue, NULL,
						cert, again, &e);
}

START_TEST(takes_a_token_once)
{
	struct store_ce ce;
	char *cert, *second;
	bool again;

	kit_acme();
	issued = 0;
	ck_assert_int_eq(store_ce_by_key(store, arena, key1, &ce, &e), -ENOENT);
	ck_assert_int_eq(enroll_on(store, "paris-r1", token, key1, NOW, &cert,
							   &again), -EACCES);
	OK(store_token_add(store, "acme", "paris-r1", token, NOW + 1000,
					   "unix:root", &e));
	ck_assert_int_eq(enroll_on(store, "paris-r1", wrong, key1, NOW, &cert,
							   &again), -EACCES);
	ck_assert_str_eq(err_code_text(e.code), "token");
	ck_assert_int_eq(enroll_on(store, "lyon-r1", token, key1, NOW, &cert,
							   &again), -EACCES);
	ck_assert_int_eq(enroll_on(store, "nosuch", token, key1, NOW, &cert,
							   &again), -EACCES);
	ck_assert_int_eq(enroll_on(store, "paris-r1", token, key1, NOW + 1000,
							   &cert, &again), -EACCES);
	ck_assert_ptr_null(cert);
	ck_assert_uint_eq(issued, 0);
	OK(enroll_on(store, "paris-r1", token, key1, NOW, &cert, &again));
	ck_assert(!again);
	ck_assert_str_eq(cert, "cert acme/paris-r1 1");
	OK(store_ce_by_key(store, arena, key1, &ce, &e));
	ck_assert_str_eq(ce.ce, "paris-r1");
	ck_assert(ce.enrolled && !ce.removed);
	/* a lost answer */
	OK(enroll_on(store, "paris-r1", token, key1, NOW + 600000, &second,
				 &again));
	ck_assert(again);
	ck_assert_str_eq(second, cert);
	ck_assert_uint_eq(issued, 1);
	/* too late, or somebody else */
	ck_assert_int_eq(enroll_on(store, "paris-r1", token, key1, NOW + 600001,
							   &cert, &again), -EACCES);
	ck_assert_int_eq(enroll_on(store, "paris-r1", token, key2, NOW + 1, &cert,
							   &again), -EACCES);
}
END_TEST

START_TEST(a_new_key_ends_the_old_one)
{
	struct store_ce ce;
	char *cert;
	bool again;

	kit_acme();
	OK(store_token_add(store, "acme", "paris-r1", token, NOW, "unix:root",
					   &e));
	OK(enroll_on(store, "paris-r1", token, key1, NOW - 1, &cert, &again));
	/* a new token, same CE: the older token is gone, the key changes */
	OK(store_token_add(store, "acme", "paris-r1", wrong, NOW, "unix:root",
					   &e));
	ck_assert_int_eq(enroll_on(store, "paris-r1", token, key1, NOW - 1, &cert,
							   &again), -EACCES);
	OK(enroll_on(store, "paris-r1", wrong, key2, NOW - 1, &cert, &again));
	ck_assert_str_eq(cert, "cert acme/paris-r1 2");
	ck_assert_int_eq(store_ce_by_key(store, arena, key1, &ce, &e), -ENOENT);
	OK(store_ce_by_key(store, arena, key2, &ce, &e));
	/* no key is ever two CEs', nor comes back */
	OK(store_token_add(store, "acme", "lyon-r1", token, NOW, "unix:root", &e));
	ck_assert_int_eq(enroll_on(store, "lyon-r1", token, key2, NOW - 1, &cert,
							   &again), -EEXIST);
	ck_assert_int_eq(enroll_on(store, "lyon-r1", token, key1, NOW - 1, &cert,
							   &again), -EEXIST);
	OK(enroll_on(store, "lyon-r1", token, key3, NOW - 1, &cert, &again));
	ck_assert_int_eq(store_token_add(store, "acme", "nosuch", token, NOW,
									 "unix:root", &e), -ENOENT);
}
END_TEST

START_TEST(a_failed_certificate_costs_no_token)
{
	struct store_ce ce;
	char *cert;
	bool again;

	kit_acme();
	OK(store_token_add(store, "acme", "paris-r1", token, NOW, "unix:root",
					   &e));
	ck_assert_int_eq(store_enroll(store, arena, "acme", "paris-r1", token,
								  key1, NOW - 1, issue, &issued, &cert, &again,
								  &e), -EIO);
	ck_assert_ptr_null(cert);
	ck_assert_int_eq(store_ce_by_key(store, arena, key1, &ce, &e), -ENOENT);
	OK(enroll_on(store, "paris-r1", token, key1, NOW - 1, &cert, &again));
}
END_TEST

START_TEST(a_removed_ce_keeps_its_key)
{
	struct store_ce ce;
	char *cert;
	bool again;

	kit_customer("acme");
	kit_ce("acme", "r1", "192.0.2.1");
	OK(store_token_add(store, "acme", "r1", token, NOW, "unix:root", &e));
	OK(enroll_on(store, "r1", token, key1, NOW - 1, &cert, &again));
	CHANGE(store_ce_remove(store, "acme", "r1", &e));
	OK(store_ce_by_key(store, arena, key1, &ce, &e));
	ck_assert(ce.removed);
	/* and says nothing any more */
	ck_assert_int_eq(store_delivered(store, ce.id, 1, NOW, &e), -ENOENT);
	/* a namesake does not inherit the key */
	kit_ce("acme", "r1", "192.0.2.1");
	OK(store_ce_by_key(store, arena, key1, &ce, &e));
	ck_assert(ce.removed);
	OK(store_ce_get(store, arena, "acme", "r1", &ce, &e));
	ck_assert(!ce.enrolled);
}
END_TEST

struct racer
{
	const uint8_t *key;
	int rc;
};

/* ---- renewal --------------------------------------------------------------- */

static int renew(const uint8_t *from, const uint8_t *to, int64_t now,
				 char **cert, bool *again)
{
	return store_renew(store, arena, from, to, now, issue, NULL, cert, again,
					   &e);
}

static void enrolled_with(const char *ce, const uint8_t *key, int64_t now)
{
	char *cert;
	bool again;

	OK(store_token_add(store, "acme", ce, token, now + 1, "unix:root", &e));
	OK(enroll_on(store, ce, token, key, now, &cert, &again));
}

/* Both keys are good until the new one is seen. */
START_TEST(renews)
{
	struct store_ce ce;
	char *cert, *second;
	bool again, taken;

	kit_acme();
	issued = 0;
	ck_assert_int_eq(renew(key1, key2, NOW, &cert, &again), -ENOENT);
	enrolled_with("paris-r1", key1, NOW);
	OK(renew(key1, key2, NOW + 10, &cert, &again));
	ck_assert(!again);
	ck_assert_str_eq(cert, "cert acme/paris-r1 2");
	OK(store_ce_by_key(store, arena, key1, &ce, &e));
	ck_assert(!ce.removed && !ce.waiting && !ce.is_new_key);
	OK(store_ce_by_key(store, arena, key2, &ce, &e));
	ck_assert_str_eq(ce.ce, "paris-r1");
	ck_assert(!ce.removed && ce.waiting == 2 && ce.is_new_key);
	/* the answer was lost */
	OK(renew(key1, key2, NOW + 11, &second, &again));
	ck_assert(again);
	ck_assert_str_eq(second, cert);
	ck_assert_uint_eq(issued, 2);
	/* an old one is not a CE's any more when the new one was seen, whoever looks */
	OK(store_renewed(store, key2, 3, NOW + 12, &taken, &e));
	ck_assert(!taken);
	OK(store_renewed(store, key2, 2, NOW + 12, &taken, &e));
	ck_assert(taken);
	OK(store_renewed(store, key2, 2, NOW + 12, &taken, &e));
	ck_assert(!taken);
	ck_assert_int_eq(store_ce_by_key(store, arena, key1, &ce, &e), -ENOENT);
	OK(store_ce_by_key(store, arena, key2, &ce, &e));
	ck_assert(ce.enrolled && !ce.waiting && !ce.is_new_key);
	ck_assert_int_eq(renew(key1, key3, NOW + 20000, &cert, &again), -ENOENT);
	/* nor does a key come back */
	ck_assert_int_eq(renew(key2, key1, NOW + 20000, &cert, &again), -EEXIST);
	OK(renew(key2, key3, NOW + 20000, &cert, &again));
}
END_TEST

/* The same key: the certificate alone tells the new one from the old one. */
START_TEST(renews_the_same_key)
{
	struct store_ce ce;
	char *cert;
	bool again, taken;

	kit_acme();
	enrolled_with("paris-r1", key1, NOW);
	OK(renew(key1, key1, NOW + 1, &cert, &again));
	OK(store_ce_by_key(store, arena, key1, &ce, &e));
	ck_assert(ce.waiting == 2 && !ce.is_new_key && !ce.removed);
	OK(store_renewed(store, key1, 2, NOW + 2, &taken, &e));
	ck_assert(taken);
	OK(store_ce_by_key(store, arena, key1, &ce, &e));
	ck_assert(!ce.waiting && !ce.is_new_key && ce.enrolled);
	ck_assert_int_eq(renew(key1, key1, NOW + 5000, &cert, &again), -EAGAIN);
	OK(renew(key1, key1, NOW + 5001, &cert, &again));
	ck_assert_str_eq(cert, "cert acme/paris-r1 3");
}
END_TEST

START_TEST(renewals_are_of_one_ce_and_not_too_many)
{
	struct store_ce ce;
	char *cert;
	bool again, taken;

	kit_acme();
	enrolled_with("paris-r1", key1, NOW);
	enrolled_with("lyon-r1", key2, NOW);
	OK(renew(key1, key3, NOW + 1, &cert, &again));
	/* nobody else's, whether it waits or not */
	ck_assert_int_eq(renew(key2, key3, NOW + 1, &cert, &again), -EEXIST);
	ck_assert_int_eq(renew(key2, key1, NOW + 1, &cert, &again), -EEXIST);
	OK(store_token_add(store, "acme", "lyon-r1", wrong, NOW + 9, "x", &e));
	ck_assert_int_eq(enroll_on(store, "lyon-r1", wrong, key3, NOW + 2, &cert,
							   &again), -EEXIST);
	/* another key soon, and later: then the first is nobody's */
	ck_assert_int_eq(renew(key1, key4, NOW + 5000, &cert, &again), -EAGAIN);
	OK(renew(key1, key4, NOW + 5001, &cert, &again));
	ck_assert_int_eq(store_ce_by_key(store, arena, key3, &ce, &e), -ENOENT);
	OK(store_ce_by_key(store, arena, key4, &ce, &e));
	/* the same request after a day gets another certificate */
	OK(renew(key1, key4, NOW + 86405001, &cert, &again));
	ck_assert(!again);
	OK(store_ce_by_key(store, arena, key4, &ce, &e));
	ck_assert_uint_eq(ce.waiting, 5);
	/* enrolment ends it */
	OK(store_token_add(store, "acme", "paris-r1", wrong, NOW + 9, "x", &e));
	OK(enroll_on(store, "paris-r1", wrong, key3, NOW + 3, &cert, &again));
	ck_assert_int_eq(store_ce_by_key(store, arena, key4, &ce, &e), -ENOENT);
	OK(store_renewed(store, key4, 5, NOW + 4, &taken, &e));
	ck_assert(!taken);
	OK(store_ce_by_key(store, arena, key3, &ce, &e));
}
END_TEST

static int approve(const uint8_t *key)
{
	char hex[65];
	int rc;

	hex_encode(key, 32, hex);
	OK(store_begin(store, "unix:root", &e));
	rc = store_enroll_approve(store, "acme", "paris-r1", hex, &e);
	if (rc < 0)
	{
		store_rollback(store);
		return rc;
	}
	return store_commit(store, "ce approve", NULL, &e);
}

/* A token alone is not enough: an operator approves of one key. */
START_TEST(waits_for_approval)
{
	char *cert, hex[65];
	struct store_ce ce;
	bool again, approved;

	kit_acme();
#define WAIT(hash, key, now) \
	store_enroll_wait(store, "acme", "paris-r1", hash, key, now, &approved, &e)
	ck_assert_int_eq(WAIT(token, key1, NOW), -EACCES);
	OK(store_token_add(store, "acme", "paris-r1", token, NOW + 100, "x", &e));
	ck_assert_int_eq(approve(key1), -ENOENT);
	ck_assert_int_eq(WAIT(wrong, key1, NOW), -EACCES);
	ck_assert_int_eq(WAIT(token, key1, NOW + 100), -EACCES);
	OK(WAIT(token, key1, NOW));
	ck_assert(!approved);
	OK(store_ce_get(store, arena, "acme", "paris-r1", &ce, &e));
	hex_encode(key1, 32, hex);
	ck_assert_str_eq(ce.waiting_key, hex);
	ck_assert_int_eq(ce.waiting_ms, NOW);
	OK(WAIT(token, key1, NOW + 1));
	OK(store_ce_get(store, arena, "acme", "paris-r1", &ce, &e));
	ck_assert_int_eq(ce.waiting_ms, NOW);
	/* not another than the one that waits */
	ck_assert_int_eq(approve(key2), -ENOENT);
	OK(WAIT(token, key2, NOW + 2));
	ck_assert(!approved);
	ck_assert_int_eq(approve(key1), -ENOENT);
	OK(approve(key2));
	OK(WAIT(token, key1, NOW + 3));
	ck_assert(!approved);
	OK(WAIT(token, key2, NOW + 3));
	ck_assert(approved);
	OK(enroll_on(store, "paris-r1", token, key2, NOW + 4, &cert, &again));
	OK(store_ce_get(store, arena, "acme", "paris-r1", &ce, &e));
	ck_assert_str_eq(ce.waiting_key, "");
	ck_assert_int_eq(approve(key1), -ENOENT);
	/* a lost answer, and another */
	OK(WAIT(token, key2, NOW + 5));
	ck_assert(approved);
	/* a new bundle begins anew */
	OK(store_token_add(store, "acme", "paris-r1", wrong, NOW + 100, "x", &e));
	OK(WAIT(wrong, key2, NOW));
	ck_assert(!approved);
	/* nor does a key wait that is somebody's */
	enrolled_with("lyon-r1", key3, NOW);
	ck_assert_int_eq(WAIT(wrong, key3, NOW), -EEXIST);
#undef WAIT
}
END_TEST

/* Whoever has one of its keys gets its tombstone, the one that waits, too. */
START_TEST(removed_while_renewing)
{
	struct store_ce ce;
	char *cert;
	bool again, taken;

	kit_customer("acme");
	kit_ce("acme", "r1", "192.0.2.1");
	enrolled_with("r1", key1, NOW);
	OK(renew(key1, key2, NOW + 1, &cert, &again));
	CHANGE(store_ce_remove(store, "acme", "r1", &e));
	OK(store_ce_by_key(store, arena, key1, &ce, &e));
	ck_assert(ce.removed);
	OK(store_ce_by_key(store, arena, key2, &ce, &e));
	ck_assert(ce.removed);
	OK(store_renewed(store, key2, 2, NOW + 2, &taken, &e));
	ck_assert(!taken);
	ck_assert_int_eq(renew(key1, key3, NOW + 9999, &cert, &again), -ENOENT);
}
END_TEST

/* Dead at once, suspended, and a member again by enrolling anew. */
START_TEST(revoked)
{
	struct store_ce ce;
	char *cert;
	bool again;

	kit_acme();
	enrolled_with("paris-r1", key1, NOW);
	OK(renew(key1, key2, NOW + 1, &cert, &again));
	OK(store_token_add(store, "acme", "paris-r1", token, NOW + 9, "x", &e));
	CHANGE(store_ce_revoke(store, "acme", "paris-r1", &e));
	OK(store_ce_by_key(store, arena, key1, &ce, &e));
	ck_assert(ce.removed);
	OK(store_ce_by_key(store, arena, key2, &ce, &e));
	ck_assert(ce.removed);
	OK(store_ce_get(store, arena, "acme", "paris-r1", &ce, &e));
	ck_assert(ce.suspended && ce.revoked && !ce.enrolled);
	/* a bundle of before is void */
	ck_assert_int_eq(enroll_on(store, "paris-r1", token, key3, NOW + 2, &cert,
							   &again), -EACCES);
	OK(store_ce_get(store, arena, "acme", "paris-r1", &ce, &e));
	ck_assert(ce.suspended && ce.revoked);
	OK(store_token_add(store, "acme", "paris-r1", wrong, NOW + 9, "x", &e));
	ck_assert_int_eq(enroll_on(store, "paris-r1", wrong, key1, NOW + 3, &cert,
							   &again), -EEXIST);
	OK(store_ce_get(store, arena, "acme", "paris-r1", &ce, &e));
	ck_assert(ce.suspended && ce.revoked);
	OK(enroll_on(store, "paris-r1", wrong, key3, NOW + 3, &cert, &again));
	OK(store_ce_get(store, arena, "acme", "paris-r1", &ce, &e));
	ck_assert(!ce.suspended && !ce.revoked && ce.enrolled);
	ck_assert_uint_eq(ce.revision, kit_revision());
	OK(store_ce_by_key(store, arena, key1, &ce, &e));
	ck_assert(ce.removed);
}
END_TEST

/* Who was suspended before stays so; who is resumed by hand is not revoked. */
START_TEST(revoked_and_suspended)
{
	struct store_ce ce;
	char *cert;
	bool again;

	kit_acme();
	enrolled_with("paris-r1", key1, NOW);
	OK(store_ce_get(store, arena, "acme", "paris-r1", &ce, &e));
	ce.suspended = true;
	CHANGE(store_ce_set(store, &ce, &e));
	CHANGE(store_ce_revoke(store, "acme", "paris-r1", &e));
	OK(store_ce_get(store, arena, "acme", "paris-r1", &ce, &e));
	ck_assert(ce.suspended && !ce.revoked);
	enrolled_with("paris-r1", key2, NOW);
	OK(store_ce_get(store, arena, "acme", "paris-r1", &ce, &e));
	ck_assert(ce.suspended && ce.enrolled);
	ce.suspended = false;
	CHANGE(store_ce_set(store, &ce, &e));
	CHANGE(store_ce_revoke(store, "acme", "paris-r1", &e));
	OK(store_ce_get(store, arena, "acme", "paris-r1", &ce, &e));
	ck_assert(ce.suspended && ce.revoked);
	ce.suspended = false;
	CHANGE(store_ce_set(store, &ce, &e));
	ce.suspended = true;
	CHANGE(store_ce_set(store, &ce, &e));
	OK(store_token_add(store, "acme", "paris-r1", wrong, NOW + 9, "x", &e));
	OK(enroll_on(store, "paris-r1", wrong, key3, NOW + 3, &cert, &again));
	OK(store_ce_get(store, arena, "acme", "paris-r1", &ce, &e));
	ck_assert(ce.suspended);
}
END_TEST

static void *race(void *user)
{
	struct racer *racer = user;
	struct arena *a = arena_new();
	struct store *s;
	struct err err;
	char *cert;
	bool again;

	racer->rc = store_open(kit_path, &kit_kek, &s, &err);
	if (racer->rc == 0)
	{
		racer->rc = store_enroll(s, a, "acme", "paris-r1", token, racer->key,
								 NOW, issue, NULL, &cert, &again, &err);
		store_close(s);
	}
	arena_free(a);
	return NULL;
}

START_TEST(one_of_two_wins)
{
	struct racer racers[2] = { { key1, 1 }, { key2, 1 } };
	pthread_t threads[2];
	int i;

	kit_acme();
	OK(store_token_add(store, "acme", "paris-r1", token, NOW + 1, "unix:root",
					   &e));
	for (i = 0; i < 2; i++)
	{
		ck_assert_int_eq(pthread_create(&threads[i], NULL, race, &racers[i]),
						 0);
	}
	for (i = 0; i < 2; i++)
	{
		pthread_join(threads[i], NULL);
	}
	ck_assert(racers[0].rc == 0 || racers[1].rc == 0);
	ck_assert(racers[0].rc == -EACCES || racers[1].rc == -EACCES);
}
END_TEST

/* ---- reports --------------------------------------------------------------- */

static struct status_peer up(const char *peer, uint64_t revision)
{
	return (struct status_peer){
		.customer = (char *)"acme", .vpn = (char *)"corp",
		.peer = (char *)peer, .state = (char *)"up",
		.ike = (char *)"ESTABLISHED", .child = (char *)"INSTALLED",
		.proposal = (char *)"AES_GCM_16-256/ECP_384", .ospf = (char *)"Full",
		.route = true, .since = 7, .attempts = 2, .in_bytes = 1000,
		.out_bytes = 2000, .last_error = (char *)"none", .has_service = true,
		.service = { revision, 5, { 1, 20, 300, 4000, 5 } }
	};
}

static struct status_report report_of(struct status_peer *peers, size_t count,
									  uint64_t seq)
{
	return (struct status_report){
		.ce = (char *)"acme/paris-r1", .boot_id = (char *)"00", .seq = seq,
		.agent_version = (char *)"0.1.0", .uptime = 5, .epoch = 1,
		.revision = kit_revision(), .result = STATUS_APPLIED, .peers = peers,
		.peer_count = count
	};
}

static struct store_tunnel tunnel(const char *a, const char *b)
{
	struct store_tunnel *list;
	size_t count, i;

	OK(store_tunnels(store, arena, "acme", "corp", &list, &count, &e));
	for (i = 0; i < count; i++)
	{
		if (strcmp(list[i].end[0].site, a) == 0 &&
			strcmp(list[i].end[1].site, b) == 0)
		{
			return list[i];
		}
	}
	ck_abort_msg("no tunnel %s %s", a, b);
}

START_TEST(shows_both_ends_of_a_tunnel)
{
	struct status_peer peers[2] = { up("lyon", 0), up("lyon", 0) };
	struct status_report report;
	struct store_tunnel t;
	uint64_t id;

	kit_acme();
	id = kit_ce_id("acme", "paris-r1");
	t = tunnel("lyon", "paris");
	ck_assert(!t.end[0].reported && !t.end[1].reported);
	ck_assert_str_eq(t.end[1].ce, "paris-r1");
	ck_assert_int_eq(t.end[1].notify_ms, -1);
	peers[0].service.revision = t.revision;
	peers[1].state = (char *)"waiting";	/* said twice: the first counts */
	report = report_of(peers, 2, 1);
	OK(store_report(store, id, &report, NOW, &e));
	t = tunnel("lyon", "paris");
	ck_assert(!t.end[0].reported && t.end[1].reported);
	ck_assert_int_eq(t.end[1].reported_ms, NOW);
	ck_assert_str_eq(t.end[1].status.state, "up");
	ck_assert_str_eq(t.end[1].status.peer, "lyon");
	ck_assert_str_eq(t.end[1].status.proposal, "AES_GCM_16-256/ECP_384");
	ck_assert_str_eq(t.end[1].status.ospf, "Full");
	ck_assert(t.end[1].status.route && t.end[1].status.has_service);
	ck_assert_uint_eq(t.end[1].status.out_bytes, 2000);
	ck_assert_uint_eq(t.end[1].status.service.done, 5);
	ck_assert_uint_eq(t.end[1].status.service.ms[STATUS_PHASE_OSPF], 4000);
	/* the same or an older report changes nothing, a new boot's does */
	peers[0].state = (char *)"alarm";
	report = report_of(peers, 1, 1);
	OK(store_report(store, id, &report, NOW + 1, &e));
	ck_assert_str_eq(tunnel("lyon", "paris").end[1].status.state, "up");
	report.boot_id = (char *)"11";
	OK(store_report(store, id, &report, NOW + 2, &e));
	ck_assert_str_eq(tunnel("lyon", "paris").end[1].status.state, "alarm");
	/* what a report leaves out is not known any more */
	report = report_of(peers, 0, 2);
	OK(store_report(store, id, &report, NOW + 3, &e));
	ck_assert(!tunnel("lyon", "paris").end[1].reported);
}
END_TEST

START_TEST(believes_a_ce_only_about_itself)
{
	struct status_peer peers[4] = {
		up("paris", 1), up("nosuch", 1), up("lyon", 1), up("nice", 1)
	};
	struct status_report report;
	struct store_tunnel *list;
	size_t count, i;

	kit_acme();
	kit_customer("globex");
	kit_vpn("globex", "corp");
	kit_ce("globex", "r1", "203.0.113.1");
	kit_site("globex", "corp", "paris", "r1");
	/* globex's router speaks of acme's tunnels, and of its own customer's */
	peers[3].customer = (char *)"globex";
	report = report_of(peers, 4, 1);
	OK(store_report(store, kit_ce_id("globex", "r1"), &report, NOW, &e));
	OK(store_tunnels(store, arena, NULL, NULL, &list, &count, &e));
	ck_assert_uint_eq(count, 3);
	for (i = 0; i < count; i++)
	{
		ck_assert(!list[i].end[0].reported && !list[i].end[1].reported);
	}
	ck_assert_int_eq(store_report(store, 4711, &report, NOW, &e), -ENOENT);
}
END_TEST

/* A late word about a tunnel of the same name that is gone. */
START_TEST(ignores_words_about_an_older_tunnel)
{
	struct status_peer peers[1] = { up("nice", 1) };
	struct status_report report;
	struct store_tunnel t;

	kit_acme();
	report = report_of(peers, 1, 1);
	CHANGE(store_site_remove(store, "acme", "corp", "nice", "moved", &e));
	kit_site("acme", "corp", "nice", "nice-r1");
	OK(store_report(store, kit_ce_id("acme", "paris-r1"), &report, NOW, &e));
	ck_assert(!tunnel("nice", "paris").end[1].reported);
	/* applied the new one, but its time is the old tunnel's */
	report = report_of(peers, 1, 2);
	OK(store_report(store, kit_ce_id("acme", "paris-r1"), &report, NOW, &e));
	t = tunnel("nice", "paris");
	ck_assert(t.end[1].reported && !t.end[1].status.has_service);
}
END_TEST

START_TEST(shows_what_a_ce_says)
{
	struct status_error errors[1] = {
		{ (char *)"frr", (char *)"/vpns/0", (char *)"it's \"refused\"" }
	};
	struct status_alarm alarms[2] = {
		{ (char *)"auth-failed", (char *)"acme/corp/lyon", STATUS_MAJOR, 3, 9,
		  (char *)"key" },
		{ (char *)"charon", (char *)"charon", STATUS_CLEARED, 1, 2,
		  (char *)"" }
	};
	struct store_ce_status *list;
	struct status_report report;
	size_t count;

	kit_acme();
	report = report_of(NULL, 0, 1);
	report.errors = errors;
	report.error_count = 1;
	report.alarms = alarms;
	report.alarm_count = 2;
	report.result = STATUS_PARTIAL;
	OK(store_report(store, kit_ce_id("acme", "paris-r1"), &report, NOW, &e));
	OK(store_ce_statuses(store, arena, "acme", &list, &count, &e));
	ck_assert_uint_eq(count, 3);
	ck_assert_str_eq(list[2].ce.ce, "paris-r1");
	ck_assert(list[2].reported && !list[0].reported);
	ck_assert_int_eq(list[2].ce.last_seen_ms, NOW);
	ck_assert_int_eq(list[0].ce.last_seen_ms, -1);
	ck_assert_int_eq(list[2].result, STATUS_PARTIAL);
	ck_assert_uint_eq(list[2].applied_revision, kit_revision());
	ck_assert_str_eq(list[2].agent_version, "0.1.0");
	ck_assert_uint_eq(list[2].error_count, 1);
	ck_assert_str_eq(list[2].errors[0].text, "it's \"refused\"");
	ck_assert_uint_eq(list[2].alarm_count, 2);
	ck_assert_int_eq(list[2].alarms[0].severity, STATUS_MAJOR);
	ck_assert_int_eq(list[2].alarms[1].severity, STATUS_CLEARED);
	ck_assert_uint_eq(list[2].alarms[0].count, 3);
	/* the next report has none */
	report = report_of(NULL, 0, 2);
	OK(store_report(store, kit_ce_id("acme", "paris-r1"), &report, NOW, &e));
	OK(store_ce_statuses(store, arena, NULL, &list, &count, &e));
	ck_assert_uint_eq(list[2].error_count + list[2].alarm_count, 0);
	ck_assert_int_eq(list[2].result, STATUS_APPLIED);
}
END_TEST

START_TEST(measures_notification)
{
	struct store_change *changes;
	uint64_t revision, id;
	int64_t at;
	size_t count;

	kit_acme();
	id = kit_ce_id("acme", "paris-r1");
	revision = kit_ce_revision("acme", "paris-r1");
	OK(store_changes_since(store, arena, revision - 1, &changes, &count, &e));
	at = (int64_t)changes[0].committed_ms;
	/* a document without it says nothing about it */
	OK(store_delivered(store, id, revision - 1, at, &e));
	ck_assert_int_eq(tunnel("nice", "paris").end[1].notify_ms, -1);
	OK(store_delivered(store, id, revision, at + 40, &e));
	ck_assert_int_ge(tunnel("nice", "paris").end[1].notify_ms, 40);
	ck_assert_int_le(tunnel("nice", "paris").end[1].notify_ms, 60);
	ck_assert_int_eq(tunnel("nice", "paris").end[0].notify_ms, -1);
	/* the first time counts */
	OK(store_delivered(store, id, revision, at + 5000, &e));
	ck_assert_int_le(tunnel("nice", "paris").end[1].notify_ms, 60);
	OK(store_delivered(store, kit_ce_id("acme", "nice-r1"), revision + 7,
					   at - 10000, &e));
	ck_assert_int_eq(tunnel("nice", "paris").end[0].notify_ms, 0);
}
END_TEST

/* One that went meanwhile does not take the others along. */
START_TEST(notes_many_deliveries_at_once)
{
	struct store_delivery list[3];

	kit_acme();
	list[0] = list[1] = list[2] = (struct store_delivery){
		.revision = kit_revision(), .at_ms = NOW,
	};
	list[0].ce_id = kit_ce_id("acme", "paris-r1");
	list[1].ce_id = 999999;
	list[2].ce_id = kit_ce_id("acme", "nice-r1");
	OK(store_deliveries(store, list, 3, &e));
	ck_assert_int_ge(tunnel("nice", "paris").end[0].notify_ms, 0);
	ck_assert_int_ge(tunnel("nice", "paris").end[1].notify_ms, 0);
}
END_TEST

/* A CE that was enrolled after the commit could not be told earlier. */
START_TEST(measures_from_enrolment)
{
	int64_t now;
	char *cert;
	bool again;

	kit_acme();
	now = NOW + 1000;
	OK(store_token_add(store, "acme", "paris-r1", token, now + 1, "x", &e));
	OK(enroll_on(store, "paris-r1", token, key1, now, &cert, &again));
	OK(store_delivered(store, kit_ce_id("acme", "paris-r1"), kit_revision(),
					   now + 25, &e));
	ck_assert_int_eq(tunnel("nice", "paris").end[1].notify_ms, 25);
}
END_TEST

TCase *store_report_case(void)
{
	TCase *tc = tcase_create("report");

	tcase_set_timeout(tc, 60);
	tcase_add_checked_fixture(tc, kit_setup, kit_teardown);
	tcase_add_test(tc, takes_a_token_once);
	tcase_add_test(tc, a_new_key_ends_the_old_one);
	tcase_add_test(tc, a_failed_certificate_costs_no_token);
	tcase_add_test(tc, a_removed_ce_keeps_its_key);
	tcase_add_test(tc, renews);
	tcase_add_test(tc, renews_the_same_key);
	tcase_add_test(tc, renewals_are_of_one_ce_and_not_too_many);
	tcase_add_test(tc, waits_for_approval);
	tcase_add_test(tc, removed_while_renewing);
	tcase_add_test(tc, revoked);
	tcase_add_test(tc, revoked_and_suspended);
	tcase_add_test(tc, one_of_two_wins);
	tcase_add_test(tc, shows_both_ends_of_a_tunnel);
	tcase_add_test(tc, believes_a_ce_only_about_itself);
	tcase_add_test(tc, ignores_words_about_an_older_tunnel);
	tcase_add_test(tc, shows_what_a_ce_says);
	tcase_add_test(tc, measures_notification);
	tcase_add_test(tc, notes_many_deliveries_at_once);
	tcase_add_test(tc, measures_from_enrolment);
	return tc;
}
