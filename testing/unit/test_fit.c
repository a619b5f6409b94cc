/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * test_fit.c - charon without the plugin, and with another one's: said after ten
 * seconds on a clock that the test moves, and taken back
 */
#include "config.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/agent.h"
#include "agent/charon.h"
#include "agent/fit.h"
#include "agent/vici.h"
#include "alloc.h"
#include "fake_loop.h"
#include "run.h"

#define SECOND 1000

static struct agent *agent;
static struct charon_hello hello;
static bool vici_up, plugin_up;
static const char *vici_says;		/* NULL: no answer yet */
static unsigned rounds;
static vici_version_fn version_fn;

/* ---- what fit.c asks of others --------------------------------------------- */

void agent_alarm(struct agent *a, enum err_code code, const char *resource,
				 enum status_severity severity, const char *fmt, ...)
{
	char text[256];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	alarm_raise(&a->alarms, code, resource, severity, loop_now_ms(), text);
}

void agent_alarm_clear(struct agent *a, enum err_code code,
					   const char *resource)
{
	alarm_clear(&a->alarms, code, resource);
}

void cycle_request(struct cycle *c)
{
	(void)c;
	rounds++;
}

const struct charon_hello *charon_hello(const struct charon *c)
{
	(void)c;
	return plugin_up ? &hello : NULL;
}

bool vici_connected(const struct vici *v)
{
	(void)v;
	return vici_up;
}

void vici_version(struct vici *v, vici_version_fn fn, void *user)
{
	(void)v;
	ck_assert_ptr_eq(user, agent);
	version_fn = fn;
	if (vici_says)
	{
		fn(user, 0, vici_says);
	}
}

/* ---- what happens ------------------------------------------------------------ */

static void setup(void)
{
	agent = xcalloc(1, sizeof(*agent));
	agent->conf.plugin_socket = (char*)"/run/charon.ppvpn";
	agent->fit = loop_timer_new(NULL, fit_late, agent);
	snprintf(hello.version, sizeof(hello.version), "5.9.8");
	vici_up = plugin_up = false;
	vici_says = "5.9.8";
	rounds = 0;
}

static void teardown(void)
{
	loop_timer_free(agent->fit);
	free(agent);
}

static void vici(bool up)
{
	vici_up = up;
	if (up)
	{
		fit_charon(agent);
	}
	else
	{
		fit_look(agent);
	}
}

static void plugin(bool up)
{
	plugin_up = up;
	fit_look(agent);
}

/* The alarm's text; NULL: not raised. */
static const char *said(void)
{
	return alarm_active(&agent->alarms) ? agent->alarms.items[0].text : NULL;
}

/* What is wrong with charon, as ppvpnctl status shows it. */
static enum err_code error(void)
{
	struct err e;

	fit_error(agent, &e);
	return e.code;
}

START_TEST(both_come)
{
	vici(true);
	fake_loop_pass(9 * SECOND);
	plugin(true);
	fake_loop_pass(100 * SECOND);
	ck_assert_ptr_null(said());
	/* and go; the order does not matter */
	plugin(false);
	vici(false);
	fake_loop_pass(100 * SECOND);
	plugin(true);
	vici(true);
	fake_loop_pass(100 * SECOND);
	ck_assert_ptr_null(said());
	ck_assert_uint_eq(rounds, 0);
	ck_assert_uint_eq(agent->alarms.count, 0);
}
END_TEST

START_TEST(no_charon_at_all)
{
	fit_look(agent);
	fake_loop_pass(100 * SECOND);
	ck_assert_ptr_null(said());
	ck_assert_int_eq(error(), ERR_CHARON);
}
END_TEST

START_TEST(the_plugin_does_not_come)
{
	vici(true);
	fake_loop_pass(9999);
	ck_assert_ptr_null(said());
	ck_assert_int_eq(error(), ERR_CHARON);
	fake_loop_pass(1);
	ck_assert_ptr_nonnull(strstr(said(), "charon 5.9.8 runs without"));
	ck_assert_int_eq(agent->alarms.items[0].code, ERR_PLUGIN);
	ck_assert_int_eq(agent->alarms.items[0].severity, STATUS_MAJOR);
	ck_assert_int_eq(error(), ERR_PLUGIN);
	ck_assert_uint_eq(rounds, 1);
	/* charon is restarted with it */
	vici(false);
	ck_assert_ptr_null(said());
	vici(true);
	plugin(true);
	fake_loop_pass(100 * SECOND);
	ck_assert_ptr_null(said());
	ck_assert_uint_eq(agent->alarms.items[0].count, 1);
}
END_TEST

START_TEST(the_plugin_comes_late)
{
	vici(true);
	fake_loop_pass(20 * SECOND);
	ck_assert_ptr_nonnull(said());
	plugin(true);
	ck_assert_ptr_null(said());
	ck_assert_int_eq(error(), ERR_CHARON);
}
END_TEST

/* As it may when charon is about to end: what was said is not said before. */
START_TEST(the_plugin_goes)
{
	vici(true);
	plugin(true);
	fake_loop_pass(100 * SECOND);
	plugin(false);
	fake_loop_pass(9 * SECOND);
	ck_assert_ptr_null(said());
	vici(false);
	vici(true);
	fake_loop_pass(9 * SECOND);
	ck_assert_ptr_null(said());
	fake_loop_pass(1 * SECOND);
	ck_assert_ptr_nonnull(said());
}
END_TEST

START_TEST(its_version_is_not_told)
{
	vici_says = NULL;
	vici(true);
	fake_loop_pass(10 * SECOND);
	ck_assert_ptr_nonnull(strstr(said(), "charon runs without"));
	version_fn(agent, -ENOTCONN, "");
	ck_assert_ptr_nonnull(said());
	plugin(true);
	ck_assert_ptr_null(said());
}
END_TEST

static const struct {
	const char *charon, *plugin;
	bool differ;
} pairs[] = {
	{ "5.9.8", "5.9.8", false },
	{ "5.9.9", "5.9.8", true },
	{ "6.0.1", "5.9.8", true },
	{ "5.9.80", "5.9.8", true },
	{ "", "5.9.8", false },
	{ "5.9.8", "", false },
};

/* whoever of the two answers first */
START_TEST(the_plugin_of_another_version)
{
	const unsigned pair = _i / 2;

	vici_says = pairs[pair].charon;
	snprintf(hello.version, sizeof(hello.version), "%s", pairs[pair].plugin);
	plugin_up = _i % 2;
	vici(true);
	plugin(true);
	ck_assert_int_eq(said() != NULL, pairs[pair].differ);
	if (said())
	{
		ck_assert_ptr_nonnull(strstr(said(), pairs[pair].charon));
		ck_assert_ptr_nonnull(strstr(said(), pairs[pair].plugin));
	}
	/* said once, and over when they fit */
	fit_look(agent);
	ck_assert_uint_le(rounds, 1);
	vici_says = "5.9.8";
	snprintf(hello.version, sizeof(hello.version), "5.9.8");
	vici(true);
	ck_assert_ptr_null(said());
}
END_TEST

int main(void)
{
	TCase *tc = tcase_create("fit");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, both_come);
	tcase_add_test(tc, no_charon_at_all);
	tcase_add_test(tc, the_plugin_does_not_come);
	tcase_add_test(tc, the_plugin_comes_late);
	tcase_add_test(tc, the_plugin_goes);
	tcase_add_test(tc, its_version_is_not_told);
	tcase_add_loop_test(tc, the_plugin_of_another_version, 0,
						2 * COUNT(pairs));
	return run_case(tc, "fit");
}
