/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * test_initiator.c - never two negotiations of one connection at once
 */

#include "harness.h"
#include "fake_sa.h"
#include "ppvpn_initiator.h"

#include <threading/condvar.h>
#include <threading/mutex.h>

static ppvpn_table_t *table;
static ppvpn_initiator_t *initiator;
static controller_t *real;
static mutex_t *mutex;
static condvar_t *condvar;

/* what the fake controller saw, guarded by mutex */
static u_int initiated;
static bool blocked;

/* Stands in for controller_t.initiate() */
static status_t initiate(controller_t *this, peer_cfg_t *peer,
						 child_cfg_t *child)
{
	ck_assert_ptr_nonnull(child);
	ck_assert_str_eq(child->get_name(child), peer->get_name(peer));
	peer->destroy(peer);
	child->destroy(child);
	mutex->lock(mutex);
	initiated++;
	condvar->broadcast(condvar);
	while (blocked)
	{
		condvar->wait(condvar, mutex);
	}
	mutex->unlock(mutex);
	return SUCCESS;
}

static controller_t fake = { .initiate = (void*)initiate };

static void setup(void)
{
	ppvpn_counts_t counts;

	harness_setup_threads();
	mutex = mutex_create(MUTEX_TYPE_DEFAULT);
	condvar = condvar_create(CONDVAR_TYPE_DEFAULT);
	table = ppvpn_table_create();
	table->replace(table, harness_set(0, 10, 1), "r", &counts);
	initiator = ppvpn_initiator_create(table);
	real = charon->controller;
	charon->controller = &fake;
}

static void unblock(void)
{
	mutex->lock(mutex);
	blocked = FALSE;
	condvar->broadcast(condvar);
	mutex->unlock(mutex);
}

static void teardown(void)
{
	unblock();
	lib->processor->cancel(lib->processor);
	charon->controller = real;
	initiator->destroy(initiator);
	table->destroy(table);
	condvar->destroy(condvar);
	mutex->destroy(mutex);
	harness_teardown();
}

static void await_initiated(u_int count)
{
	bool timeout = FALSE;

	mutex->lock(mutex);
	while (initiated < count && !timeout)
	{
		timeout = condvar->timed_wait(condvar, mutex, 5000);
	}
	mutex->unlock(mutex);
	ck_assert_int_eq(initiated, count);
}

/* Initiate, waiting until the last one is off the queue. */
static void await_status(char *name, status_t status)
{
	u_int i;

	for (i = 0; i < 500; i++)
	{
		if (initiator->initiate(initiator, name) == status)
		{
			return;
		}
		usleep(10000);
	}
	ck_abort_msg("'%s' does not get to status %d", name, status);
}

START_TEST(unknown_name)
{
	ck_assert_int_eq(initiator->initiate(initiator, "ppvpn:acme:corp:s99"),
					 NOT_FOUND);
}
END_TEST

START_TEST(all_are_initiated)
{
	char name[32];
	u_int i;

	for (i = 0; i < 10; i++)
	{
		snprintf(name, sizeof(name), "ppvpn:acme:corp:s%u", i);
		ck_assert_int_eq(initiator->initiate(initiator, name), SUCCESS);
	}
	await_initiated(10);
}
END_TEST

START_TEST(not_while_queued)
{
	char *name = "ppvpn:acme:corp:s1";

	blocked = TRUE;
	ck_assert_int_eq(initiator->initiate(initiator, name), SUCCESS);
	await_initiated(1);
	ck_assert_int_eq(initiator->initiate(initiator, name), ALREADY_DONE);
	ck_assert_int_eq(initiator->initiate(initiator, "ppvpn:acme:corp:s2"),
					 SUCCESS);
	ck_assert_int_eq(initiator->initiate(initiator, "ppvpn:acme:corp:s2"),
					 ALREADY_DONE);
	ck_assert_int_eq(initiated, 1);
	unblock();
	await_initiated(2);
	await_status(name, SUCCESS);
	await_initiated(3);
}
END_TEST

static void change_state(fake_sa_t *sa, ike_sa_state_t state)
{
	ck_assert(initiator->listener.ike_state_change(&initiator->listener,
												   &sa->public, state));
}

START_TEST(not_while_connecting)
{
	char *name = "ppvpn:acme:corp:s1";
	ppvpn_conn_t *conn = table->get_by_name(table, name);
	fake_sa_t one, two;

	fake_sa_init(&one);
	one.unique_id = 1;
	one.peer_cfg = conn->peer_cfg;
	fake_sa_init(&two);
	two.unique_id = 2;
	two.peer_cfg = conn->peer_cfg;

	change_state(&one, IKE_CONNECTING);
	change_state(&one, IKE_CONNECTING);
	change_state(&two, IKE_CONNECTING);
	ck_assert_int_eq(initiator->initiate(initiator, name), ALREADY_DONE);
	change_state(&one, IKE_ESTABLISHED);
	ck_assert_int_eq(initiator->initiate(initiator, name), ALREADY_DONE);
	change_state(&two, IKE_DESTROYING);
	ck_assert_int_eq(initiator->initiate(initiator, name), SUCCESS);
	await_initiated(1);
	/* what never connected here does not count down */
	change_state(&one, IKE_DESTROYING);
	change_state(&two, IKE_DESTROYING);
	await_status(name, SUCCESS);
	conn->destroy(conn);
}
END_TEST

START_TEST(others_connecting_do_not_matter)
{
	peer_cfg_create_t data = {};
	fake_sa_t sa;

	fake_sa_init(&sa);
	sa.peer_cfg = peer_cfg_create("operators",
				ppvpn_ike_cfg_create("192.0.2.1", "198.51.0.2"), &data);
	change_state(&sa, IKE_CONNECTING);
	sa.peer_cfg->destroy(sa.peer_cfg);
	sa.peer_cfg = NULL;
	change_state(&sa, IKE_CONNECTING);
	ck_assert_int_eq(initiator->initiate(initiator, "ppvpn:acme:corp:s1"),
					 SUCCESS);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("initiator");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, unknown_name);
	tcase_add_test(tcase, all_are_initiated);
	tcase_add_test(tcase, not_while_queued);
	tcase_add_test(tcase, not_while_connecting);
	tcase_add_test(tcase, others_connecting_do_not_matter);
	return harness_run(tcase, "plugin_initiator");
}
