/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * test_listener.c - who the authorize hook refuses, what becomes an event
 */

#include "harness.h"
#include "fake_sa.h"
#include <encoding/payloads/delete_payload.h>
#include "ppvpn_creds.h"
#include "ppvpn_listener.h"

#include <collections/linked_list.h>
#include <credentials/sets/mem_cred.h>
#include <threading/condvar.h>
#include <threading/mutex.h>

#define HUB "hub.corp.acme.example"
#define S1 "s1.corp.acme.example"

static ppvpn_counters_t counters;
static ppvpn_table_t *table;
static ppvpn_creds_t *creds;
static ppvpn_events_t *events;
static ppvpn_sas_t *sas;
static ppvpn_listener_t *listener;
static mem_cred_t *operators;
static fake_sa_t sa;
static ppvpn_conn_t *conn;

/* what was delivered, guarded by mutex */
static mutex_t *mutex;
static condvar_t *condvar;
static ppvpn_event_t delivered[2000];
static u_int delivered_count;

static void on_event(void *data, ppvpn_event_t *event)
{
	mutex->lock(mutex);
	delivered[delivered_count++ % countof(delivered)] = *event;
	condvar->signal(condvar);
	mutex->unlock(mutex);
}

/* The event with this number, which must come within seconds. */
static ppvpn_event_t *await_event(u_int number)
{
	bool timeout = FALSE;

	mutex->lock(mutex);
	while (delivered_count < number && !timeout)
	{
		timeout = condvar->timed_wait(condvar, mutex, 5000);
	}
	mutex->unlock(mutex);
	ck_assert_int_ge(delivered_count, number);
	return &delivered[number - 1];
}

static void setup(void)
{
	ppvpn_counts_t counts;

	harness_setup_threads();
	mutex = mutex_create(MUTEX_TYPE_DEFAULT);
	condvar = condvar_create(CONDVAR_TYPE_DEFAULT);
	table = ppvpn_table_create();
	creds = ppvpn_creds_create(table, &counters);
	lib->credmgr->add_set(lib->credmgr, &creds->set);
	operators = mem_cred_create();
	lib->credmgr->add_set(lib->credmgr, &operators->set);
	events = ppvpn_events_create(&counters);
	events->set_consumer(events, PPVPN_EVENT_ALERT | PPVPN_EVENT_UNKNOWN_PEER,
						 on_event, NULL);
	sas = ppvpn_sas_create();
	listener = ppvpn_listener_create(table, events, sas, &counters);
	charon->bus->add_listener(charon->bus, &listener->listener);
	table->replace(table, harness_set(0, 3, 1), "r", &counts);

	conn = table->get_by_name(table, "ppvpn:acme:corp:s1");
	fake_sa_init(&sa);
	sa.unique_id = 1;
	sa.peer_cfg = conn->peer_cfg;
	sa.ike_cfg = conn->ike_cfg;
	sa.other_auth = auth_cfg_create();
	sa.other_auth->add(sa.other_auth, AUTH_RULE_AUTH_CLASS, AUTH_CLASS_PSK);
	sa.my_id = harness_id(HUB);
	sa.other_id = harness_id(S1);
	sa.my_host = harness_host("192.0.2.1");
	sa.other_host = harness_host("198.51.0.2");
	charon->bus->set_sa(charon->bus, &sa.public);
}

static void teardown(void)
{
	charon->bus->set_sa(charon->bus, NULL);
	charon->bus->remove_listener(charon->bus, &listener->listener);
	lib->processor->cancel(lib->processor);
	sa.other_auth->destroy(sa.other_auth);
	sa.my_id->destroy(sa.my_id);
	sa.other_id->destroy(sa.other_id);
	sa.my_host->destroy(sa.my_host);
	sa.other_host->destroy(sa.other_host);
	conn->destroy(conn);
	listener->destroy(listener);
	sas->destroy(sas);
	events->destroy(events);
	lib->credmgr->remove_set(lib->credmgr, &creds->set);
	lib->credmgr->remove_set(lib->credmgr, &operators->set);
	operators->destroy(operators);
	creds->destroy(creds);
	table->destroy(table);
	condvar->destroy(condvar);
	mutex->destroy(mutex);
	harness_teardown();
}

/* Let an operator's connection, not ours, be selected. */
static peer_cfg_t *select_foreign(void)
{
	peer_cfg_create_t data = { .unique = UNIQUE_NO };

	sa.peer_cfg = peer_cfg_create("operators",
				ppvpn_ike_cfg_create("192.0.2.1", "198.51.0.2"), &data);
	return sa.peer_cfg;
}

/* Add an operator's secret for these owners; neither: for anybody. */
static void add_secret(chunk_t secret, char *a, char *b)
{
	identification_t *any;

	/* as "secrets { ike-x { secret = ... } }" of swanctl.conf comes in */
	any = identification_create_from_encoding(ID_ANY, chunk_empty);
	operators->add_shared(operators, shared_key_create(SHARED_IKE, secret),
						  a ? harness_id(a) : any, b ? harness_id(b) : NULL,
						  NULL);
	if (a)
	{
		any->destroy(any);
	}
}

static bool authorize(bool final)
{
	return charon->bus->authorize(charon->bus, final);
}

START_TEST(right_peer_passes)
{
	ck_assert(authorize(FALSE));
	ck_assert(authorize(TRUE));
	ck_assert_int_eq(counters.authorize_refused, 0);
}
END_TEST

START_TEST(foreign_secret_refused)
{
	static struct {
		char *a, *b;
	} owners[] = {
		{ NULL,	NULL	},
		{ HUB,	NULL	},
		{ S1,	NULL	},
		{ HUB,	S1		},
	};

	add_secret(chunk_clone(chunk_from_str("operators secret")),
			   owners[_i].a, owners[_i].b);
	ck_assert(!authorize(FALSE));
	ck_assert_int_eq(counters.authorize_refused, 1);
	ck_assert_str_eq(await_event(1)->alert, "foreign-secret");
	ck_assert_str_eq(await_event(1)->name, "ppvpn:acme:corp:s1");
	ck_assert_str_eq(await_event(1)->identity, S1);
	ck_assert_str_eq(await_event(1)->remote, "198.51.0.2");
	ck_assert_str_eq(await_event(2)->alert, "authorization-failed");
}
END_TEST

START_TEST(unrelated_or_equal_secret_passes)
{
	add_secret(chunk_clone(chunk_from_str("for others")), "other.example",
			   "yet.another.example");
	add_secret(harness_key(1), HUB, S1);
	ck_assert(authorize(FALSE));
}
END_TEST

START_TEST(wrong_identity_refused)
{
	sa.other_id->destroy(sa.other_id);
	sa.other_id = harness_id(_i == 0 ? "s2.corp.acme.example" :
							 _i == 1 ? "S1.corp.acme.example" : "");
	ck_assert(!authorize(_i % 2));
	ck_assert_str_eq(await_event(1)->alert, "identity-mismatch");
}
END_TEST

START_TEST(own_identity_missing_refused)
{
	sa.my_id->destroy(sa.my_id);
	sa.my_id = identification_create_from_encoding(ID_ANY, chunk_empty);
	ck_assert(!authorize(FALSE));
}
END_TEST

START_TEST(removed_connection_refused)
{
	ppvpn_counts_t counts;

	table->replace(table, ppvpn_set_create(0), "r2", &counts);
	ck_assert(!authorize(TRUE));
}
END_TEST

/* What charon found out about the peer. */
static void authenticated_by(auth_class_t class)
{
	sa.other_auth->destroy(sa.other_auth);
	sa.other_auth = auth_cfg_create();
	if (class != AUTH_CLASS_ANY)
	{
		sa.other_auth->add(sa.other_auth, AUTH_RULE_AUTH_CLASS, class);
	}
}

START_TEST(certificate_without_credentials_refused)
{
	authenticated_by(AUTH_CLASS_PUBKEY);
	ck_assert(!authorize(_i));
	ck_assert_str_eq(await_event(1)->alert, "cert-untrusted");
}
END_TEST

START_TEST(other_authentication_refused)
{
	authenticated_by(_i % 2 ? AUTH_CLASS_ANY : AUTH_CLASS_EAP);
	ck_assert(!authorize(_i / 2));
	ck_assert_int_eq(counters.authorize_refused, 1);
}
END_TEST

/* The names of the IKE_SAs whose authentication is known. */
static u_int count_sas(uint32_t id)
{
	array_t *array = sas->get(sas, "ppvpn:acme:corp:s1");
	ppvpn_sa_t known = {};
	u_int count = array_count(array);

	if (count)
	{
		array_get(array, 0, &known);
		ck_assert_int_eq(known.id, id);
		ck_assert(!known.certificate);
	}
	array_destroy(array);
	return count;
}

START_TEST(authentication_is_remembered)
{
	fake_sa_t new = sa;

	sa.unique_id = 7;
	new.unique_id = 8;
	ck_assert(authorize(FALSE));
	ck_assert_int_eq(count_sas(0), 0);
	/* by then charon has moved what it found out */
	sa.done_auth = auth_cfg_create();
	sa.done_auth->add(sa.done_auth, AUTH_RULE_AUTH_CLASS, AUTH_CLASS_PSK);
	authenticated_by(AUTH_CLASS_ANY);
	ck_assert(authorize(TRUE));
	ck_assert_int_eq(count_sas(7), 1);
	listener->listener.ike_rekey(&listener->listener, &sa.public, &new.public);
	ck_assert_int_eq(count_sas(8), 2);
	charon->bus->ike_state_change(charon->bus, &sa.public, IKE_DESTROYING);
	ck_assert_int_eq(count_sas(8), 1);
	charon->bus->ike_state_change(charon->bus, &new.public, IKE_DESTROYING);
	ck_assert_int_eq(count_sas(0), 0);
	sa.done_auth->destroy(sa.done_auth);
	sa.done_auth = NULL;
}
END_TEST

START_TEST(switched_to_an_operators_connection_refused)
{
	peer_cfg_t *foreign;

	/* authenticated as ours, then charon takes a connection that fits better */
	ck_assert(authorize(FALSE));
	foreign = select_foreign();
	ck_assert(!authorize(_i));
	ck_assert_int_eq(count_sas(0), 0);
	charon->bus->ike_state_change(charon->bus, &sa.public, IKE_DESTROYING);
	ck_assert(authorize(_i));
	foreign->destroy(foreign);
}
END_TEST

START_TEST(operators_connection_untouched)
{
	peer_cfg_t *foreign = select_foreign();

	add_secret(chunk_clone(chunk_from_str("operators secret")), NULL, NULL);
	ck_assert(authorize(FALSE));
	ck_assert(authorize(TRUE));
	charon->bus->alert(charon->bus, ALERT_PEER_AUTH_FAILED);
	ck_assert_int_eq(counters.alerts, 0);
	foreign->destroy(foreign);
}
END_TEST

START_TEST(alerts_of_ours)
{
	charon->bus->alert(charon->bus, ALERT_PEER_AUTH_FAILED);
	charon->bus->alert(charon->bus, ALERT_IKE_SA_EXPIRED);
	charon->bus->alert(charon->bus, ALERT_UNIQUE_REPLACE);
	ck_assert_str_eq(await_event(1)->alert, "peer-auth-failed");
	ck_assert_str_eq(await_event(1)->name, "ppvpn:acme:corp:s1");
	ck_assert(!await_event(1)->initiator);
	ck_assert_str_eq(await_event(2)->alert, "unique-replace");
	ck_assert_int_eq(counters.alerts, 2);
}
END_TEST

/* A message of the peer's, decrypted, as charon shows it to listeners. */
static void receive(exchange_type_t exchange, bool request,
					notify_type_t notify, protocol_id_t deleted)
{
	message_t *message = message_create(2, 0);

	message->set_exchange_type(message, exchange);
	message->set_request(message, request);
	message->set_source(message, harness_host("198.51.0.2"));
	message->set_destination(message, harness_host("192.0.2.1"));
	if (notify)
	{
		message->add_notify(message, FALSE, notify, chunk_empty);
	}
	if (deleted)
	{
		message->add_payload(message,
				(payload_t*)delete_payload_create(PLV2_DELETE, deleted));
	}
	charon->bus->message(charon->bus, message, TRUE, TRUE);
	message->destroy(message);
}

static const struct {
	exchange_type_t exchange;
	bool request;
	notify_type_t notify;
	protocol_id_t deleted;
	const char *alert;
} said[] = {
	{ IKE_AUTH, FALSE, TS_UNACCEPTABLE, 0, "ts-mismatch" },
	{ CREATE_CHILD_SA, FALSE, TEMPORARY_FAILURE, 0, "busy" },
	{ CREATE_CHILD_SA, FALSE, NO_ADDITIONAL_SAS, 0, "busy" },
	{ IKE_SA_INIT, FALSE, INVALID_KE_PAYLOAD, 0, "invalid-ke" },
	{ IKE_SA_INIT, FALSE, INVALID_SYNTAX, 0, "incompatible" },
	{ IKE_SA_INIT, FALSE, INVALID_MAJOR_VERSION, 0, "incompatible" },
	{ IKE_AUTH, FALSE, UNSUPPORTED_CRITICAL_PAYLOAD, 0, "incompatible" },
	{ INFORMATIONAL, TRUE, 0, PROTO_IKE, "closed" },
	/* nobody's word: not encrypted */
	{ IKE_SA_INIT, FALSE, TS_UNACCEPTABLE, 0, NULL },
	/* its own alert follows, or none is due */
	{ IKE_AUTH, FALSE, AUTHENTICATION_FAILED, 0, NULL },
	{ IKE_AUTH, FALSE, MOBIKE_SUPPORTED, 0, NULL },
	{ IKE_AUTH, TRUE, TS_UNACCEPTABLE, 0, NULL },
	{ INFORMATIONAL, TRUE, 0, PROTO_ESP, NULL },
	{ INFORMATIONAL, FALSE, 0, PROTO_IKE, NULL },
};

START_TEST(what_the_peer_says)
{
	sa.initiator = TRUE;
	receive(said[_i].exchange, said[_i].request, said[_i].notify,
			said[_i].deleted);
	ck_assert_int_eq(counters.alerts, said[_i].alert ? 1 : 0);
	if (said[_i].alert)
	{
		ck_assert_str_eq(await_event(1)->alert, said[_i].alert);
		ck_assert_str_eq(await_event(1)->name, "ppvpn:acme:corp:s1");
		ck_assert(await_event(1)->initiator);
	}
}
END_TEST

START_TEST(not_of_an_operators_connection)
{
	peer_cfg_t *foreign = select_foreign();

	receive(IKE_AUTH, FALSE, TS_UNACCEPTABLE, 0);
	receive(INFORMATIONAL, TRUE, 0, PROTO_IKE);
	ck_assert_int_eq(counters.alerts, 0);
	foreign->destroy(foreign);
}
END_TEST

START_TEST(unknown_identity)
{
	sa.peer_cfg = NULL;
	sa.other_id->destroy(sa.other_id);
	sa.other_id = harness_id("evil\n\x1b\x80.example");
	charon->bus->alert(charon->bus, ALERT_PEER_AUTH_FAILED);
	ck_assert_int_eq(await_event(1)->type, PPVPN_EVENT_UNKNOWN_PEER);
	ck_assert_int_eq(await_event(1)->count, 1);
	ck_assert_str_eq(await_event(1)->identity, "evil???.example");
	ck_assert_str_eq(await_event(2)->alert, "peer-auth-failed");
	ck_assert_str_eq(await_event(2)->name, "");
	/* again at once: the alert, but no second report */
	charon->bus->alert(charon->bus, ALERT_PEER_AUTH_FAILED);
	ck_assert_int_eq(await_event(3)->type, PPVPN_EVENT_ALERT);
	ck_assert_int_eq(counters.unknown_peers, 2);
}
END_TEST

/* An IKE_SA_INIT as charon's task manager shows it to listeners. */
static void receive_init(char *from)
{
	message_t *message = message_create(2, 0);

	message->set_exchange_type(message, IKE_SA_INIT);
	message->set_request(message, TRUE);
	message->set_source(message, harness_host(from));
	message->set_destination(message, harness_host("192.0.2.1"));
	sa.ike_cfg = NULL;
	charon->bus->message(charon->bus, message, TRUE, FALSE);
	message->destroy(message);
}

START_TEST(unknown_address)
{
	receive_init("203.0.113.9");
	ck_assert_int_eq(counters.unknown_peers, 0);
	charon->bus->ike_state_change(charon->bus, &sa.public, IKE_DESTROYING);
	ck_assert_int_eq(counters.unknown_peers, 1);
	ck_assert_int_eq(await_event(1)->type, PPVPN_EVENT_UNKNOWN_PEER);
	ck_assert_str_eq(await_event(1)->remote, "203.0.113.9");
	ck_assert_str_eq(await_event(1)->local, "192.0.2.1");
	ck_assert_str_eq(await_event(1)->identity, "");
	/* the next IKE_SA at the same place is not it */
	charon->bus->ike_state_change(charon->bus, &sa.public, IKE_DESTROYING);
	ck_assert_int_eq(counters.unknown_peers, 1);
}
END_TEST

START_TEST(known_address_is_not_unknown)
{
	receive_init("198.51.0.2");
	charon->bus->ike_state_change(charon->bus, &sa.public, IKE_DESTROYING);
	/* another backend had a configuration */
	receive_init("203.0.113.9");
	sa.ike_cfg = conn->ike_cfg;
	charon->bus->ike_state_change(charon->bus, &sa.public, IKE_DESTROYING);
	/* not understood at all */
	receive_init("203.0.113.9");
	charon->bus->alert(charon->bus, ALERT_PARSE_ERROR_BODY, NULL, FAILED);
	charon->bus->ike_state_change(charon->bus, &sa.public, IKE_DESTROYING);
	ck_assert_int_eq(counters.unknown_peers, 0);
}
END_TEST

START_TEST(events_are_bounded)
{
	u_int i;

	/* nobody takes them: the threads are gone */
	lib->processor->cancel(lib->processor);
	for (i = 0; i < PPVPN_MAX_EVENTS + 50; i++)
	{
		charon->bus->alert(charon->bus, ALERT_UNIQUE_KEEP);
	}
	ck_assert_int_eq(counters.events_dropped, 50);
}
END_TEST

START_TEST(unwanted_events_cost_nothing)
{
	events->set_consumer(events, PPVPN_EVENT_UNKNOWN_PEER, on_event, NULL);
	charon->bus->alert(charon->bus, ALERT_UNIQUE_KEEP);
	sa.peer_cfg = NULL;
	charon->bus->alert(charon->bus, ALERT_PEER_AUTH_FAILED);
	ck_assert_int_eq(await_event(1)->type, PPVPN_EVENT_UNKNOWN_PEER);
	ck_assert_int_eq(counters.alerts, 2);
	ck_assert_int_eq(counters.events_dropped, 0);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("listener");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, right_peer_passes);
	tcase_add_loop_test(tcase, foreign_secret_refused, 0, 4);
	tcase_add_test(tcase, unrelated_or_equal_secret_passes);
	tcase_add_loop_test(tcase, wrong_identity_refused, 0, 3);
	tcase_add_test(tcase, own_identity_missing_refused);
	tcase_add_test(tcase, removed_connection_refused);
	tcase_add_loop_test(tcase, certificate_without_credentials_refused, 0, 2);
	tcase_add_loop_test(tcase, other_authentication_refused, 0, 4);
	tcase_add_test(tcase, authentication_is_remembered);
	tcase_add_loop_test(tcase, switched_to_an_operators_connection_refused, 0,
						2);
	tcase_add_test(tcase, operators_connection_untouched);
	tcase_add_test(tcase, alerts_of_ours);
	tcase_add_loop_test(tcase, what_the_peer_says, 0, countof(said));
	tcase_add_test(tcase, not_of_an_operators_connection);
	tcase_add_test(tcase, unknown_identity);
	tcase_add_test(tcase, unknown_address);
	tcase_add_test(tcase, known_address_is_not_unknown);
	tcase_add_test(tcase, events_are_bounded);
	tcase_add_test(tcase, unwanted_events_cost_nothing);
	return harness_run(tcase, "plugin_listener");
}
