/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * test_frr.c - running vtysh, with a script in its place, and asking ospfd
 *
 * The script notes its arguments and the file it is given, and prints what the
 * test put into the file "said". ospfd shows what is in the file "show", and its
 * result is that in "rc"; what it was asked is in asked.
 */
#include "config.h"

#include "agent/frr.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/loop.h"
#include "alloc.h"
#include "log.h"
#include "testing/unit/mock_server.h"
#include "testing/unit/run.h"
#include "text.h"

static const char script[] =
	"#!/bin/sh\n"
	"cd ${0%/*}\n"
	"echo \"$VTYSH_HISTFILE $*\" | sed 's/frr\\.[^ ]*$/FILE/' >>args\n"
	"case $5 in\n"
	"-f) cat \"$6\" >>config; stat -c %a \"$6\" >>args; cat said; exit 13 ;;\n"
	"esac\n";

static struct loop *loop;
static struct mock_server *server;
static struct frr *frr;
static struct loop_timer *guard;
static struct text story, asked;
static bool mute;				/* ospfd answers nothing */
static const char *until;
static char dir[32];
static char vtysh[48];
static char red[] = "red", lan0[] = "lan0";

static const char *path(const char *name)
{
	static char out[64];

	snprintf(out, sizeof(out), "%s/%s", dir, name);
	return out;
}

static void put(const char *name, const char *content)
{
	FILE *f = fopen(path(name), "w");

	ck_assert_ptr_nonnull(f);
	fputs(content, f);
	fclose(f);
}

static const char *get(const char *name)
{
	static char buf[8192];
	FILE *f = fopen(path(name), "r");
	size_t len = f != NULL ? fread(buf, 1, sizeof(buf) - 1, f) : 0;

	if (f != NULL)
	{
		fclose(f);
	}
	buf[len] = '\0';
	return buf;
}

static void tell(const char *what)
{
	text_addf(&story, "%s%s", story.len > 0 ? " " : "", what);
	if (until != NULL && strstr(text_str(&story), until) != NULL)
	{
		loop_stop(loop);
	}
}

static void on_connection(void *user, bool running)
{
	tell(running ? "up" : "down");
}

static void on_neighbors_changed(void *user)
{
	tell("changed");
}

static void on_config_changed(void *user)
{
	tell("configured");
}

static void on_done(void *user)
{
	tell("done");
}

/* All of "show" is the answer to the first show command, in two pieces. */
static void on_frame(struct mock_server *m, const uint8_t *frame, size_t len)
{
	const char *command = (const char *)frame;
	bool enable = strcmp(command, "enable") == 0;
	uint8_t end[] = { 0, 0, 0, enable ? 0 : (uint8_t)atoi(get("rc")) };
	const char *show = get("show");
	size_t all = strlen(show);

	text_addf(&asked, "%s\n", command);
	if (mute)
	{
		tell(command);
		return;
	}
	if (strcmp(command, "show running-config") == 0)
	{
		mock_server_send_raw(m, show, all / 2);
		mock_server_send_raw(m, show + all / 2, all - all / 2);
	}
	mock_server_send_raw(m, end, 2);
	mock_server_send_raw(m, end + 2, 2);
}

static void on_guard(void *user)
{
	ck_abort_msg("waited for \"%s\", got \"%s\"", until, text_str(&story));
}

static void run_until(const char *what)
{
	until = what;
	if (strstr(text_str(&story), what) == NULL)
	{
		loop_timer_set(guard, 10000);
		loop_run(loop);
	}
	until = NULL;
	loop_timer_clear(guard);
}

static void setup(void)
{
	static const struct frr_handlers handlers = {
		.connection = on_connection,
		.neighbors_changed = on_neighbors_changed,
		.config_changed = on_config_changed,
	};
	struct frr_config config = {
		.vtysh = vtysh, .vty_dir = dir, .run_dir = dir,
	};
	char *vrfs[] = { red };

	log_init("test", LOG_LEVEL_ERROR);
	loop = loop_new();
	guard = loop_timer_new(loop, on_guard, NULL);
	server = mock_server_new(loop, on_frame);
	mock_server_expect_text(server);
	mute = false;
	snprintf(dir, sizeof(dir), "/tmp/ppvpn-frr.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	snprintf(vtysh, sizeof(vtysh), "%s/vtysh", dir);
	put("vtysh", script);
	ck_assert_int_eq(chmod(vtysh, 0700), 0);
	put("show", "");
	put("said", "");
	put("rc", "0");
	ck_assert_int_eq(symlink(mock_server_path(server), path("ospfd.vty")), 0);
	frr = frr_new(loop, &config, &handlers, NULL);
	frr_set_vrfs(frr, vrfs, 1);
	ck_assert(!frr_running(frr));
	run_until("up");
	ck_assert(frr_running(frr));
	text_done(&story);
}

static void teardown(void)
{
	static const char *const names[] = {
		"vtysh", "show", "said", "rc", "ospfd.vty", "args", "config", NULL
	};

	frr_free(frr);
	mock_server_free(server);
	loop_timer_free(guard);
	loop_free(loop);
	text_done(&story);
	text_done(&asked);
	for (size_t i = 0; names[i] != NULL; i++)
	{
		unlink(path(names[i]));
	}
	/* fails when the agent's file was left behind */
	ck_assert_int_eq(rmdir(dir), 0);
}

/* ---- reading -------------------------------------------------------------- */

#define CONFIG "hostname x\n!\ninterface lan0 vrf red\n ip ospf passive\nexit\n" \
	"!\nrouter ospf vrf red\n ospf router-id 10.255.0.1\n" \
	" network 10.255.0.1/32 area 0.0.0.0\nexit\n!\n"
#define INTERFACES "{\n  \"red\":{\n    \"interfaces\":{\"ppv1\":{\"cost\":10," \
	"\"networkType\":\"POINTOPOINT\",\"state\":\"Point-To-Point\"," \
	"\"timerMsecs\":2000," \
	"\"timerDeadSecs\":8}}\n  }\n}\n"
#define NEIGHBORS(state) "{\n  \"red\":{\n    \"neighbors\":{\"10.255.0.2\":[" \
	"{\"nbrState\":\"" state "/-\",\"ifaceName\":\"ppv1:10.255.0.1\"}]}\n" \
	"  }\n}\n"

static struct observation o;

static void begin_to_observe(unsigned kinds)
{
	memset(&o, 0, sizeof(o));
	o.arena = arena_new();
	resource_set_init(&o.have, o.arena);
	o.kinds = kinds;
	frr_backend(frr)->ops->read(frr_backend(frr), &o, on_done, NULL);
}

static void observe(unsigned kinds)
{
	begin_to_observe(kinds);
	run_until("done");
}

static void observe_done(void)
{
	facts_done(&o.facts);
	resource_set_done(&o.have);
	arena_free(o.arena);
	text_done(&story);
}

START_TEST(read_asks_once)
{
	static const char expected[] = "enable\nshow running-config\n"
		"show ip ospf vrf all interface json\n"
		"show ip ospf vrf all neighbor json\n";

	put("show", CONFIG INTERFACES NEIGHBORS("Full"));
	observe(RES_ALL);
	ck_assert_uint_eq(o.facts.unknown_kinds, 0);
	ck_assert_uint_eq(o.have.count, 2);
	ck_assert_str_eq(o.have.items[0].key, "red");
	ck_assert_str_eq(o.have.items[1].key, "ppv1");
	ck_assert_uint_eq(o.facts.neighbor_count, 1);
	ck_assert_str_eq(o.facts.neighbors[0].state, "Full");
	ck_assert_str_eq(text_str(&asked), expected);
	observe_done();
	observe(RES_ALL & ~(RES_BIT(RES_OSPF) | RES_BIT(RES_OSPF_LINK)));
	ck_assert_uint_eq(o.have.count, 0);
	ck_assert_str_eq(text_str(&asked), expected);
	ck_assert_str_eq(get("args"), "");
	observe_done();
}
END_TEST

#define KINDS (RES_BIT(RES_OSPF) | RES_BIT(RES_OSPF_LINK))

START_TEST(read_that_fails_is_unknown)
{
	put("show", CONFIG);
	put("rc", "2");		/* CMD_ERR_NO_MATCH */
	observe(RES_ALL);
	ck_assert_uint_eq(o.facts.unknown_kinds, KINDS);
	ck_assert_uint_eq(o.have.count, 0);
	observe_done();
	put("rc", "1");		/* CMD_WARNING: there is nothing to show */
	observe(RES_ALL);
	ck_assert_uint_eq(o.facts.unknown_kinds, 0);
	ck_assert_uint_eq(o.have.count, 1);
	observe_done();
	put("rc", "0");
	put("show", CONFIG "{\n  broken\n}\n");
	observe(RES_ALL);
	ck_assert_uint_eq(o.facts.unknown_kinds, KINDS);
	observe_done();
	mock_server_stop(server);
	run_until("down");
	text_done(&story);
	observe(RES_ALL);
	ck_assert_uint_eq(o.facts.unknown_kinds, KINDS);
	observe_done();
	mock_server_start(server);
	run_until("up");
}
END_TEST

/* ospfd goes away, or speaks out of turn, while it is asked: the reading ends,
 * and the next connection starts anew. */
START_TEST(read_that_is_cut_off_is_unknown)
{
	mute = true;
	begin_to_observe(RES_ALL);
	run_until("neighbor");
	mock_server_send_raw(server, "\0\0\0\0half of an ans", 19);
	mock_server_hang_up(server);
	run_until("done down");
	ck_assert_uint_eq(o.facts.unknown_kinds, KINDS);
	observe_done();
	run_until("up");
	text_done(&story);
	mute = false;
	put("show", CONFIG INTERFACES NEIGHBORS("Full"));
	observe(RES_ALL);
	ck_assert_uint_eq(o.facts.unknown_kinds, 0);
	ck_assert_uint_eq(o.have.count, 2);
	observe_done();
	/* an answer to nothing */
	mock_server_send_raw(server, "unasked\0\0\0\0", 11);
	run_until("down");
	run_until("up");
	text_done(&story);
	/* a NUL that ends nothing */
	mute = true;
	begin_to_observe(RES_ALL);
	run_until("neighbor");
	mock_server_send_raw(server, "a\0b\0\0\0\0", 7);
	run_until("done down");
	ck_assert_uint_eq(o.facts.unknown_kinds, KINDS);
	observe_done();
}
END_TEST

START_TEST(stanza_of_a_link_that_is_gone_is_removed)
{
	put("show", "interface ppv65001\n ip ospf cost 3\nexit\n"
		"interface ppv65002\n ip ospf cost 3\nexit\n"
		"interface lo\n ip ospf cost 3\nexit\n"
		"interface ppvgone\n ip ospf cost 3\nexit\n");
	observe(RES_ALL);
	observe_done();
	ck_assert_uint_eq(frr_leftovers(frr), 2);
	/* behind them in the queue */
	observe(RES_ALL);
	ck_assert_ptr_nonnull(strstr(get("args"),
						  " -c configure terminal -c no interface ppv65001\n"));
	ck_assert_ptr_nonnull(strstr(get("args"),
						  " -c configure terminal -c no interface ppv65002\n"));
	ck_assert_ptr_null(strstr(get("args"), "interface lo"));
	ck_assert_ptr_null(strstr(get("args"), "ppvgone"));
	observe_done();
	put("show", CONFIG);
	observe(RES_ALL);
	ck_assert_uint_eq(frr_leftovers(frr), 0);
	observe_done();
}
END_TEST

/* ---- applying ------------------------------------------------------------- */

static struct prefix network;
static char *lan[] = { lan0 };
static struct res_ospf spec;
static struct resource want;
static struct step step, *batch[] = { &step };

static void apply(void)
{
	memset(&step, 0, sizeof(step));
	memset(&spec, 0, sizeof(spec));
	spec.vrf = red;
	spec.networks = &network;
	spec.network_count = 1;
	spec.passive = lan;
	spec.passive_count = 1;
	ck_assert_int_eq(addr_parse4("10.255.0.1", &spec.router_id), 0);
	ck_assert_int_eq(addr_parse4("0.0.0.0", &spec.area), 0);
	ck_assert_int_eq(prefix_parse4("10.255.0.1/32", true, &network), 0);
	want.spec = &spec;
	step.kind = RES_OSPF;
	step.op = STEP_CREATE;
	step.key = red;
	step.want = &want;
	frr_backend(frr)->ops->apply(frr_backend(frr), batch, 1, on_done, NULL);
	run_until("done");
}

START_TEST(apply_is_one_private_file_and_a_look_back)
{
	/* ospfd does not see the link in the VRF yet */
	put("show", "interface lan0\n ip ospf passive\nexit\n"
		"router ospf vrf red\n ospf router-id 10.255.0.1\n"
		" network 10.255.0.1/32 area 0.0.0.0\nexit\n" INTERFACES);
	put("rc", "2");
	apply();
	/* vtysh's exit code says nothing either way, but looking must succeed */
	ck_assert_int_ne(step.rc, 0);
	text_done(&story);
	put("rc", "0");
	unlink(path("args"));
	apply();
	ck_assert_int_eq(step.rc, 0);
	ck_assert_ptr_nonnull(strstr(get("args"), "-d ospfd -f "));
	ck_assert_ptr_nonnull(strstr(get("args"), "\n600\n"));
	ck_assert_ptr_nonnull(strstr(text_str(&asked), "show running-config"));
	ck_assert_ptr_nonnull(strstr(get("config"), "router ospf vrf red\n"));
	ck_assert_ptr_null(strstr(get("config"), "write"));
}
END_TEST

START_TEST(missing_line_is_an_error_with_vtyshs_words)
{
	put("show", "router ospf vrf red\n ospf router-id 10.255.0.1\nexit\n");
	put("said", "Please remove all ip ospf area x.x.x.x commands first.\n"
		"line 9: Failure to communicate[13] to ospfd, line:  network\n");
	apply();
	ck_assert_int_eq(step.rc, -EIO);
	ck_assert_int_eq(step.err.code, ERR_FRR);
	ck_assert_ptr_nonnull(strstr(step.err.text, "Please remove all ip ospf"));
	ck_assert_ptr_nonnull(strstr(step.err.text, "network 10.255.0.1/32"));
}
END_TEST

START_TEST(nothing_is_configured_without_ospfd)
{
	mock_server_stop(server);
	run_until("down");
	text_done(&story);
	apply();
	ck_assert_int_eq(step.rc, -ENOTCONN);
	ck_assert_str_eq(get("args"), "");
	mock_server_start(server);
}
END_TEST

START_TEST(hostile_name_fails_its_step_alone)
{
	lan0[3] = '\n';
	apply();
	lan0[3] = '0';
	ck_assert_int_eq(step.rc, -EINVAL);
	ck_assert_str_eq(get("args"), "");
}
END_TEST

/* ---- neighbours ----------------------------------------------------------- */

static void on_neighbor(void *user, const char *link, const char *state)
{
	char line[64];

	snprintf(line, sizeof(line), "%s:%s", link != NULL ? link : "end",
			 state != NULL ? state : "");
	tell(line);
}

START_TEST(neighbors_are_polled_and_changes_told)
{
	put("show", NEIGHBORS("ExStart"));
	frr_poll_neighbors(frr, on_neighbor, NULL);
	run_until("changed");
	ck_assert_str_eq(text_str(&story), "ppv1:ExStart end: changed");
	text_done(&story);
	frr_poll_neighbors(frr, on_neighbor, NULL);
	frr_poll_neighbors(frr, on_neighbor, NULL);
	run_until("end: ppv1:ExStart end:");
	ck_assert_str_eq(text_str(&story), "ppv1:ExStart end: ppv1:ExStart end:");
	text_done(&story);
	put("show", NEIGHBORS("Full"));
	frr_poll_neighbors(frr, on_neighbor, NULL);
	run_until("changed");
	ck_assert_str_eq(text_str(&story), "ppv1:Full end: changed");
	text_done(&story);
	put("rc", "2");
	frr_poll_neighbors(frr, on_neighbor, NULL);
	run_until("changed");
	ck_assert_str_eq(text_str(&story), "end: changed");
}
END_TEST

/* Nobody tells when a person configures ospfd: seen with the neighbours. */
START_TEST(what_others_configure_is_told)
{
	put("show", CONFIG NEIGHBORS("Full"));
	frr_poll_neighbors(frr, on_neighbor, NULL);
	run_until("changed");
	text_done(&story);
	put("show", CONFIG INTERFACES NEIGHBORS("Full"));
	observe(RES_ALL);
	observe_done();
	put("show", CONFIG NEIGHBORS("Full"));
	frr_poll_neighbors(frr, on_neighbor, NULL);
	frr_poll_neighbors(frr, on_neighbor, NULL);
	run_until("end: ppv1:Full end:");
	ck_assert_ptr_null(strstr(text_str(&story), "configured"));
	text_done(&story);
	put("show", "hostname x\n!\n" NEIGHBORS("Full"));
	frr_poll_neighbors(frr, on_neighbor, NULL);
	run_until("configured");
	text_done(&story);
	/* a poll that fails says nothing of it */
	put("rc", "2");
	frr_poll_neighbors(frr, on_neighbor, NULL);
	run_until("changed");
	ck_assert_ptr_null(strstr(text_str(&story), "configured"));
}
END_TEST

START_TEST(freed_with_work_under_way)
{
	put("show", CONFIG);
	frr_poll_neighbors(frr, on_neighbor, NULL);
	memset(&o, 0, sizeof(o));
	o.kinds = RES_ALL;
	frr_backend(frr)->ops->read(frr_backend(frr), &o, on_done, NULL);
	frr_free(frr);
	frr = NULL;
	ck_assert_str_eq(text_str(&story), "");
}
END_TEST

int main(void)
{
	TCase *tc = tcase_create("frr");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, read_asks_once);
	tcase_add_test(tc, read_that_fails_is_unknown);
	tcase_add_test(tc, read_that_is_cut_off_is_unknown);
	tcase_add_test(tc, stanza_of_a_link_that_is_gone_is_removed);
	tcase_add_test(tc, apply_is_one_private_file_and_a_look_back);
	tcase_add_test(tc, missing_line_is_an_error_with_vtyshs_words);
	tcase_add_test(tc, nothing_is_configured_without_ospfd);
	tcase_add_test(tc, hostile_name_fails_its_step_alone);
	tcase_add_test(tc, neighbors_are_polled_and_changes_told);
	tcase_add_test(tc, what_others_configure_is_told);
	tcase_add_test(tc, freed_with_work_under_way);
	return run_case(tc, "frr");
}
