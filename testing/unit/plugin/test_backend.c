/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * test_backend.c - what charon's backend manager gets from our backend
 */

#include "harness.h"
#include "ppvpn_backend.h"

#include <collections/array.h>

static ppvpn_counters_t counters;
static ppvpn_table_t *table;
static ppvpn_backend_t *backend;

static void setup(void)
{
	harness_setup();
	table = ppvpn_table_create();
	backend = ppvpn_backend_create(table, &counters);
	charon->backends->add_backend(charon->backends, &backend->backend);
}

static void teardown(void)
{
	charon->backends->remove_backend(charon->backends, &backend->backend);
	backend->destroy(backend);
	table->destroy(table);
	harness_teardown();
}

/* A table of these connections (adopted). */
static void fill(ppvpn_conn_t *conns[], u_int count)
{
	ppvpn_counts_t counts;
	ppvpn_set_t *set;
	u_int i;

	set = ppvpn_set_create(0);
	for (i = 0; i < count; i++)
	{
		ck_assert_int_eq(set->add(set, conns[i]), PPVPN_NO_CLASH);
		conns[i]->destroy(conns[i]);
	}
	table->replace(table, set, "r", &counts);
}

/* Connection i to an address, with these IKE proposals. */
static ppvpn_conn_t *make(u_int i, char *remote, char *first, char *second)
{
	ppvpn_conn_spec_t spec = harness_spec(i);

	spec.remote_address = remote;
	spec.proposals[0] = first;
	spec.proposals[1] = second;
	return harness_create(&spec);
}

/* The IKE config charon would use for a packet between two addresses. */
static ike_cfg_t *lookup(char *local, char *remote)
{
	host_t *me = harness_host(local), *other = harness_host(remote);
	ike_cfg_t *cfg;

	cfg = charon->backends->get_ike_cfg(charon->backends, me, other, IKEV2);
	me->destroy(me);
	other->destroy(other);
	return cfg;
}

/* Does a packet find a config that takes this proposal? */
static bool takes(char *local, char *remote, char *text)
{
	proposal_t *proposal = proposal_create_from_string(PROTO_IKE, text);
	ike_cfg_t *cfg = lookup(local, remote);
	bool result;

	result = cfg && cfg->has_proposal(cfg, proposal, FALSE);
	DESTROY_IF(cfg);
	proposal->destroy(proposal);
	return result;
}

/* Number of proposals that a packet's config has. */
static u_int count_proposals(char *local, char *remote)
{
	ike_cfg_t *cfg = lookup(local, remote);
	linked_list_t *list = cfg->get_proposals(cfg);
	u_int count = list->get_count(list);

	list->destroy_offset(list, offsetof(proposal_t, destroy));
	cfg->destroy(cfg);
	return count;
}

static u_int count_ike_cfgs(char *local, char *remote)
{
	host_t *me = local ? harness_host(local) : NULL;
	host_t *other = remote ? harness_host(remote) : NULL;
	enumerator_t *enumerator;
	ike_cfg_t *cfg;
	u_int count = 0;

	enumerator = backend->backend.create_ike_cfg_enumerator(&backend->backend,
															me, other);
	while (enumerator->enumerate(enumerator, &cfg))
	{
		ck_assert_int_eq(cfg->get_version(cfg), IKEV2);
		count++;
	}
	enumerator->destroy(enumerator);
	DESTROY_IF(me);
	DESTROY_IF(other);
	return count;
}

#define ONE "aes128-sha256-curve25519"
#define TWO "aes256-sha384-ecp384"
#define THREE "aes128gcm16-prfsha256-ecp256"

START_TEST(one_config_for_a_pair)
{
	ppvpn_conn_t *conns[] = {
		make(0, "198.51.100.1", ONE, NULL),
		make(1, "198.51.100.1", TWO, ONE),
		make(2, "198.51.100.1", THREE, NULL),
		make(3, "198.51.100.2", THREE, NULL),
	};

	fill(conns, countof(conns));
	ck_assert_int_eq(count_ike_cfgs("192.0.2.1", "198.51.100.1"), 1);
	ck_assert_int_eq(count_proposals("192.0.2.1", "198.51.100.1"), 3);
	ck_assert(takes("192.0.2.1", "198.51.100.1", ONE));
	ck_assert(takes("192.0.2.1", "198.51.100.1", TWO));
	ck_assert(takes("192.0.2.1", "198.51.100.1", THREE));
	ck_assert(!takes("192.0.2.1", "198.51.100.2", ONE));
	ck_assert(takes("192.0.2.1", "198.51.100.2", THREE));
}
END_TEST

START_TEST(union_follows_updates)
{
	ppvpn_conn_t *conns[] = {
		make(0, "198.51.100.1", ONE, NULL),
		make(1, "198.51.100.1", TWO, NULL),
	};
	ppvpn_change_t change = {
		.base_revision = "r",
		.revision = "r",
		.upsert = array_create(0, 0),
		.remove = array_create(0, 0),
	};
	ppvpn_counts_t counts;
	ppvpn_update_part_t part;
	ppvpn_clash_t clash;
	u_int index;

	fill(conns, countof(conns));
	ck_assert(takes("192.0.2.1", "198.51.100.1", ONE));
	array_insert(change.remove, ARRAY_TAIL, "ppvpn:acme:corp:s0");
	ck_assert_int_eq(table->update(table, &change, &counts, &clash, &part,
								   &index),
					 SUCCESS);
	ck_assert(!takes("192.0.2.1", "198.51.100.1", ONE));
	ck_assert(takes("192.0.2.1", "198.51.100.1", TWO));
	array_destroy(change.upsert);
	array_destroy(change.remove);
}
END_TEST

START_TEST(too_many_proposals_for_a_pair)
{
	static char *encr[] = { "aes128", "aes192", "aes256" };
	static char *prf[] = { "sha1", "sha256", "sha384", "sha512" };
	char text[PPVPN_MAX_PROPOSALS][64];
	ppvpn_clash_t clash = PPVPN_NO_CLASH;
	ppvpn_conn_spec_t spec;
	ppvpn_conn_t *conn;
	ppvpn_set_t *set;
	u_int i, p, n;

	set = ppvpn_set_create(0);
	for (i = 0; clash == PPVPN_NO_CLASH && i < 12; i++)
	{
		spec = harness_spec(i);
		spec.remote_address = "198.51.100.1";
		for (p = 0; p < PPVPN_MAX_PROPOSALS; p++)
		{
			n = i * PPVPN_MAX_PROPOSALS + p;
			snprintf(text[p], sizeof(text[p]), "%s-%s-modp%s-ecp%s",
					 encr[n % 3], prf[n / 3 % 4],
					 ((char*[]){ "2048", "3072", "4096", "6144" })[n / 12 % 4],
					 ((char*[]){ "256", "384", "521", "224" })[n / 48 % 4]);
			spec.proposals[p] = text[p];
		}
		conn = harness_create(&spec);
		clash = set->add(set, conn);
		conn->destroy(conn);
	}
	ck_assert_int_eq(clash, PPVPN_CLASH_PROPOSALS);
	ck_assert_int_eq(set->get_count(set), PPVPN_MAX_UNION /
										  PPVPN_MAX_PROPOSALS);
	set->destroy(set);
}
END_TEST

START_TEST(unknown_address_and_wildcard)
{
	ppvpn_conn_t *conns[] = {
		make(0, "198.51.100.1", ONE, NULL),
		make(1, "%any", TWO, NULL),
		make(2, "%any", THREE, NULL),
	};
	host_t *me, *other;

	fill(conns, 1);
	ck_assert_ptr_null(lookup("192.0.2.1", "203.0.113.9"));
	ck_assert_ptr_null(lookup("192.0.2.2", "198.51.100.1"));

	conns[0] = make(0, "198.51.100.1", ONE, NULL);
	fill(conns, countof(conns));
	ck_assert(takes("192.0.2.1", "203.0.113.9", TWO));
	ck_assert(takes("192.0.2.1", "203.0.113.9", THREE));
	ck_assert(!takes("192.0.2.1", "203.0.113.9", ONE));
	ck_assert_ptr_null(lookup("192.0.2.2", "203.0.113.9"));
	/* the exact pair is the better match, the other one is a candidate */
	ck_assert(takes("192.0.2.1", "198.51.100.1", ONE));
	ck_assert_int_eq(count_ike_cfgs("192.0.2.1", "198.51.100.1"), 2);
	me = harness_host("192.0.2.1");
	other = harness_host("203.0.113.9");
	ck_assert(table->has_address(table, me, other));
	ck_assert(!table->has_address(table, other, me));
	me->destroy(me);
	other->destroy(other);
}
END_TEST

START_TEST(lists_everything)
{
	ppvpn_conn_t *conns[] = {
		make(0, "198.51.100.1", ONE, NULL),
		make(1, "198.51.100.1", TWO, NULL),
		make(2, "198.51.100.2", ONE, NULL),
	};
	enumerator_t *enumerator;
	peer_cfg_t *peer;
	u_int count = 0;

	fill(conns, countof(conns));
	enumerator = charon->backends->create_peer_cfg_enumerator(
						charon->backends, NULL, NULL, NULL, NULL, IKE_ANY);
	while (enumerator->enumerate(enumerator, &peer))
	{
		count++;
	}
	enumerator->destroy(enumerator);
	ck_assert_int_eq(count, 3);
	ck_assert_int_eq(count_ike_cfgs(NULL, NULL), 2);
}
END_TEST

/* Names of the peer configs charon would try, joined. */
static void candidates(char *local, char *remote, char *local_id,
					   identification_t *other_id, char text[256])
{
	host_t *me = harness_host(local), *other = harness_host(remote);
	identification_t *me_id;
	enumerator_t *enumerator;
	peer_cfg_t *peer;
	size_t len = 0;

	me_id = local_id ? harness_id(local_id) :
				identification_create_from_encoding(ID_ANY, chunk_empty);
	text[0] = '\0';
	enumerator = charon->backends->create_peer_cfg_enumerator(
						charon->backends, me, other, me_id, other_id, IKEV2);
	while (enumerator->enumerate(enumerator, &peer))
	{
		len += snprintf(text + len, 256 - len, "%s ", peer->get_name(peer));
	}
	enumerator->destroy(enumerator);
	me_id->destroy(me_id);
	other_id->destroy(other_id);
	me->destroy(me);
	other->destroy(other);
}

START_TEST(identities_select_the_connection)
{
	ppvpn_conn_t *conns[] = {
		make(0, "198.51.100.1", ONE, NULL),
		make(1, "198.51.100.1", TWO, NULL),
		make(2, "198.51.100.2", ONE, NULL),
	};
	char *hub = "hub.corp.acme.example", text[256];

	fill(conns, countof(conns));
	candidates("192.0.2.1", "198.51.100.1", hub,
			   harness_id("s1.corp.acme.example"), text);
	ck_assert_str_eq(text, "ppvpn:acme:corp:s1 ");
	candidates("192.0.2.1", "198.51.100.1", NULL,
			   harness_id("s1.corp.acme.example"), text);
	ck_assert_str_eq(text, "ppvpn:acme:corp:s1 ");
	/* another peer's address */
	candidates("192.0.2.1", "198.51.100.1", hub,
			   harness_id("s2.corp.acme.example"), text);
	ck_assert_str_eq(text, "");
	/* identities that match by wildcard, or as another type */
	candidates("192.0.2.1", "198.51.100.1", hub,
			   harness_id("*.corp.acme.example"), text);
	ck_assert_str_eq(text, "");
	candidates("192.0.2.1", "198.51.100.1", hub,
			   identification_create_from_encoding(ID_ANY, chunk_empty), text);
	ck_assert_str_eq(text, "");
	candidates("192.0.2.1", "198.51.100.1", hub,
			   identification_create_from_encoding(ID_KEY_ID,
						chunk_from_str("s1.corp.acme.example")), text);
	ck_assert_str_eq(text, "");
}
END_TEST

START_TEST(configuration_is_as_documented)
{
	ppvpn_conn_t *conns[] = { make(0, "198.51.100.1", ONE, NULL) };
	enumerator_t *enumerator;
	lifetime_cfg_t *lifetime;
	child_cfg_t *child;
	peer_cfg_t *peer;
	linked_list_t *ts;

	fill(conns, 1);
	peer = charon->backends->get_peer_cfg_by_name(charon->backends,
												  "ppvpn:acme:corp:s0");
	ck_assert_ptr_nonnull(peer);
	ck_assert_int_eq(peer->get_unique_policy(peer), UNIQUE_REPLACE);
	ck_assert(!peer->use_mobike(peer));
	ck_assert_int_eq(peer->get_reauth_time(peer, FALSE), 0);
	ck_assert_int_eq(peer->get_dpd(peer), 30);
	ck_assert_int_eq(peer->get_over_time(peer), 1440);
	enumerator = peer->create_child_cfg_enumerator(peer);
	ck_assert(enumerator->enumerate(enumerator, &child));
	ck_assert_str_eq(child->get_name(child), "ppvpn:acme:corp:s0");
	ck_assert_int_eq(child->get_mode(child), MODE_TUNNEL);
	ck_assert_int_eq(child->get_mark(child, TRUE).value, 1);
	ck_assert_int_eq(child->get_mark(child, FALSE).mask, 0xffffffff);
	ck_assert_int_eq(child->get_start_action(child), ACTION_NONE);
	ck_assert_int_eq(child->get_close_action(child), ACTION_NONE);
	ck_assert_int_eq(child->get_dpd_action(child), ACTION_NONE);
	lifetime = child->get_lifetime(child, FALSE);
	ck_assert_int_eq(lifetime->time.rekey, 3600);
	ck_assert_int_eq(lifetime->time.life, 3960);
	free(lifetime);
	ts = child->get_traffic_selectors(child, TRUE, NULL, NULL, FALSE);
	ck_assert_int_eq(ts->get_count(ts), 1);
	ts->destroy_offset(ts, offsetof(traffic_selector_t, destroy));
	ck_assert(!enumerator->enumerate(enumerator, &child));
	enumerator->destroy(enumerator);
	peer->destroy(peer);
	ck_assert_ptr_null(charon->backends->get_peer_cfg_by_name(
										charon->backends, "ppvpn:x:y:z"));
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("backend");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, one_config_for_a_pair);
	tcase_add_test(tcase, union_follows_updates);
	tcase_add_test(tcase, too_many_proposals_for_a_pair);
	tcase_add_test(tcase, unknown_address_and_wildcard);
	tcase_add_test(tcase, lists_everything);
	tcase_add_test(tcase, identities_select_the_connection);
	tcase_add_test(tcase, configuration_is_as_documented);
	return harness_run(tcase, "plugin_backend");
}
