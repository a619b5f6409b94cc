/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * test_charon.c - the client of the plugin's socket against a mock of the plugin
 */
#include "config.h"

#include "agent/charon.h"
#include "agent/charon_msg.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/loop.h"
#include "alloc.h"
#include "log.h"
#include "testing/unit/mock_server.h"
#include "text.h"

#define BOOT "0123456789abcdef0123456789abcdef"
#define TAG "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define HELLO_OF(capabilities) "\"version\":1,\"plugin-version\":\"0.1.0\"," \
	"\"strongswan\":\"5.9.8\",\"boot-id\":\"" BOOT "\",\"pid\":77," \
	"\"revision\":\"r0\",\"count\":0," capabilities "\"settings\":{\"install_routes\":true," \
	"\"connmark\":false,\"ikesa_table_size\":4096,\"make_before_break\":false}"
#define HELLO HELLO_OF("\"capabilities\":[\"new\",\"certificates\"],")
#define PLAIN_HELLO HELLO_OF("")

static struct loop *loop;
static struct mock_server *server;
static struct charon *charon;
static struct loop_timer *guard;
static struct text story;
static const char *until;
static const char *hello;
/* what the mock does with a request; id: its id */
static void (*on_request)(unsigned long id, const char *text);

static void tell(const char *what)
{
	text_addf(&story, "%s%s", story.len > 0 ? " " : "", what);
	if (until != NULL && strstr(text_str(&story), until) != NULL)
	{
		loop_stop(loop);
	}
}

/* ---- the mock ------------------------------------------------------------- */

static void send_json(const char *json)
{
	mock_server_send(server, json, strlen(json));
}

static void answer(unsigned long id, const char *members)
{
	char *json = xasprintf("{\"id\":%lu,\"ok\":true%s%s}", id,
						   members[0] != '\0' ? "," : "", members);

	send_json(json);
	free(json);
}

static void refuse(unsigned long id, const char *code, const char *where)
{
	char *json = xasprintf("{\"id\":%lu,\"ok\":false,\"error\":{\"code\":\"%s\","
						   "\"where\":\"%s\",\"text\":\"no\"}}", id, code,
						   where);

	send_json(json);
	free(json);
}

static bool has(const char *text, const char *part)
{
	return strstr(text, part) != NULL;
}

static void on_frame(struct mock_server *m, const uint8_t *frame, size_t len)
{
	const char *text = (const char *)frame;
	unsigned long id = 0;

	ck_assert_int_eq(sscanf(text, "{\"id\":%lu,", &id), 1);
	if (has(text, "\"op\":\"hello\""))
	{
		ck_assert(has(text, "\"versions\":[1]"));
		answer(id, hello);
	}
	else if (has(text, "\"op\":\"subscribe\""))
	{
		ck_assert(has(text, "\"events\":[\"unknown-peer\",\"alert\"]"));
		answer(id, "");
	}
	else if (on_request != NULL)
	{
		on_request(id, text);
	}
}

/* ---- the handlers --------------------------------------------------------- */

static void on_connected(void *user, const struct charon_hello *h)
{
	ck_assert_str_eq(h->boot_id, BOOT);
	tell("up");
}

static void on_lost(void *user)
{
	tell("down");
}

static void on_unknown_peer(void *user, const char *remote_address,
							const char *remote_identity, uint64_t count)
{
	char line[600];

	snprintf(line, sizeof(line), "unknown:%s:%s:%llu", remote_address,
			 remote_identity != NULL ? remote_identity : "-",
			 (unsigned long long)count);
	tell(line);
}

static void on_alert(void *user, const struct charon_alert *a)
{
	char line[1200];

	snprintf(line, sizeof(line), "alert:%s:%s", a->alert,
			 a->name != NULL ? a->name : "-");
	tell(line);
}

static void on_done(void *user)
{
	tell("done");
}

static void on_guard(void *user)
{
	ck_abort_msg("waited for \"%s\", got \"%s\"", until, text_str(&story));
}

static void run_until(const char *what, unsigned ms)
{
	until = what;
	if (strstr(text_str(&story), what) == NULL)
	{
		loop_timer_set(guard, ms);
		loop_run(loop);
	}
	until = NULL;
	loop_timer_clear(guard);
}

static void on_pause(void *user)
{
	loop_stop(loop);
}

static void run_for(unsigned ms)
{
	struct loop_timer *t = loop_timer_new(loop, on_pause, NULL);

	loop_timer_set(t, ms);
	loop_run(loop);
	loop_timer_free(t);
}

static void start(void)
{
	static const struct charon_handlers handlers = {
		.connected = on_connected, .lost = on_lost,
		.unknown_peer = on_unknown_peer, .alert = on_alert,
	};

	log_init("test", LOG_LEVEL_ERROR);
	loop = loop_new();
	guard = loop_timer_new(loop, on_guard, NULL);
	server = mock_server_new(loop, on_frame);
	on_request = NULL;
	hello = HELLO;
	charon = charon_new(loop, mock_server_path(server), &handlers, NULL);
	ck_assert_ptr_null(charon_hello(charon));
}

static void setup(void)
{
	start();
	run_until("up", 2000);
	text_done(&story);
}

static void teardown(void)
{
	charon_free(charon);
	mock_server_free(server);
	loop_timer_free(guard);
	loop_free(loop);
	text_done(&story);
}

/* ---- hello ---------------------------------------------------------------- */

START_TEST(hello_is_told)
{
	const struct charon_hello *h = charon_hello(charon);

	ck_assert_ptr_nonnull(h);
	ck_assert_str_eq(h->boot_id, BOOT);
	ck_assert_str_eq(h->version, "5.9.8");
	ck_assert(h->install_routes);
	ck_assert(!h->connmark);
	ck_assert(h->certificates);
	ck_assert_uint_eq(h->ikesa_table_size, 4096);
}
END_TEST

static const char *const bad_hellos[] = {
	"\"version\":2,\"boot-id\":\"" BOOT "\",\"revision\":\"\",\"settings\":{}",
	"\"version\":1,\"revision\":\"\",\"settings\":{}",
	"\"version\":1,\"boot-id\":\"" BOOT "\",\"settings\":{}",
	"\"version\":1,\"boot-id\":\"" BOOT "\",\"revision\":\"\"",
	"\"version\":1,\"boot-id\":\"short\",\"revision\":\"\",\"settings\":{}",
	"\"version\":1,\"boot-id\":\"" BOOT "\",\"revision\":\"\",\"settings\":[]",
	HELLO ",\"surprise\":1",
	HELLO ",\"version\":1",
};

START_TEST(bad_hello_is_not_a_connection)
{
	start();
	hello = bad_hellos[_i];
	run_for(200);
	ck_assert_str_eq(text_str(&story), "");
	ck_assert_ptr_null(charon_hello(charon));
	hello = HELLO;
	run_until("up", 3000);
	ck_assert_uint_eq(mock_server_accepted(server), 2);
	teardown();
}
END_TEST

/* ---- list ----------------------------------------------------------------- */

static struct observation o;

static void observe(unsigned kinds, const char *group)
{
	memset(&o, 0, sizeof(o));
	o.arena = arena_new();
	resource_set_init(&o.have, o.arena);
	o.kinds = kinds;
	o.group = group;
	charon_backend(charon)->ops->read(charon_backend(charon), &o, on_done,
									  NULL);
}

static void observe_done(void)
{
	facts_done(&o.facts);
	resource_set_done(&o.have);
	arena_free(o.arena);
}

static void list_two(unsigned long id, const char *text)
{
	ck_assert(has(text, "\"op\":\"list\""));
	answer(id, "\"revision\":\"r7\",\"conns\":["
		   "{\"name\":\"ppvpn:acme:corp:lyon\",\"tag\":\"" TAG "\"},"
		   "{\"name\":\"ppvpn:acme:corp:nice\",\"tag\":\"" TAG "\"}],"
		   "\"credentials\":[{\"name\":\"acme/corp\",\"tag\":\"" TAG "\"}]");
}

START_TEST(what_the_key_is_good_for_is_a_fact)
{
	char place[] = "acme/corp", key[] = "key";
	char *const certified[] = { place };

	charon_set_key(charon, key, certified, 1);
	on_request = list_two;
	observe(RES_ALL, NULL);
	run_until("done", 2000);
	/* another document, and another key, before the round is over */
	charon_set_key(charon, NULL, NULL, 0);
	memset(place, 'y', 4);
	memset(key, 'y', 3);
	ck_assert_str_eq(o.facts.ike_key, "key");
	ck_assert_uint_eq(o.facts.certified_count, 1);
	ck_assert_str_eq(o.facts.certified[0], "acme/corp");
	observe_done();
	text_done(&story);
	observe(RES_ALL, NULL);
	run_until("done", 2000);
	ck_assert_ptr_null(o.facts.ike_key);
	ck_assert_uint_eq(o.facts.certified_count, 0);
	observe_done();
	charon_set_key(charon, key, certified, 1);
	mock_server_stop(server);
	run_until("down", 2000);
	/* nobody can tell: it is not said that there is none */
	observe(RES_ALL, NULL);
	ck_assert_str_eq(o.facts.ike_key, "yyy");
	ck_assert_uint_ne(o.facts.unknown_kinds & RES_BIT(RES_CONN), 0);
	observe_done();
	/* a plugin that takes none */
	hello = PLAIN_HELLO;
	mock_server_start(server);
	run_until("up", 3000);
	text_done(&story);
	observe(RES_ALL, NULL);
	run_until("done", 2000);
	ck_assert_ptr_null(o.facts.ike_key);
	observe_done();
}
END_TEST

START_TEST(list_fills_resources)
{
	const struct resource *r;

	on_request = list_two;
	observe(RES_ALL, NULL);
	run_until("done", 2000);
	ck_assert_uint_eq(o.facts.unknown_kinds, 0);
	ck_assert_str_eq(o.facts.boot_id, BOOT);
	ck_assert(o.facts.install_routes);
	ck_assert(!o.facts.connmark);
	resource_set_sort(&o.have);
	ck_assert_uint_eq(o.have.count, 3);
	r = resource_find(&o.have, RES_CREDENTIALS, "acme/corp");
	ck_assert_ptr_nonnull(r);
	ck_assert_str_eq(((const struct res_credentials *)r->spec)->tag, TAG);
	r = resource_find(&o.have, RES_CONN, "ppvpn:acme:corp:nice");
	ck_assert_ptr_nonnull(r);
	ck_assert_int_eq(r->origin, RES_OURS);
	ck_assert_str_eq(((const struct res_conn *)r->spec)->tag, TAG);
	observe_done();
}
END_TEST

START_TEST(list_of_one_group)
{
	on_request = list_two;
	observe(RES_ALL, "ppvpn:acme:corp:nice");
	run_until("done", 2000);
	ck_assert_uint_eq(o.have.count, 1);
	ck_assert_str_eq(o.have.items[0].key, "ppvpn:acme:corp:nice");
	observe_done();
}
END_TEST

START_TEST(other_kinds_are_not_asked_for)
{
	observe(RES_ALL & ~(RES_BIT(RES_CONN) | RES_BIT(RES_CREDENTIALS)), NULL);
	ck_assert_str_eq(text_str(&story), "done");
	ck_assert_str_eq(o.facts.boot_id, BOOT);
	ck_assert_uint_eq(o.facts.unknown_kinds, 0);
	observe_done();
}
END_TEST

START_TEST(not_connected_is_unknown)
{
	mock_server_stop(server);
	run_until("down", 2000);
	ck_assert_ptr_null(charon_hello(charon));
	observe(RES_ALL, NULL);
	ck_assert_str_eq(text_str(&story), "down done");
	ck_assert_uint_eq(o.facts.unknown_kinds,
					  RES_BIT(RES_CONN) | RES_BIT(RES_CREDENTIALS));
	ck_assert_str_eq(o.facts.boot_id, "");
	ck_assert(!o.facts.install_routes);
	observe_done();
	mock_server_start(server);
	run_until("up", 3000);
}
END_TEST

static void hang_up(unsigned long id, const char *text)
{
	mock_server_hang_up(server);
}

START_TEST(lost_in_the_middle)
{
	on_request = hang_up;
	observe(RES_ALL, NULL);
	run_until("down", 2000);
	ck_assert_str_eq(text_str(&story), "done down");
	ck_assert_uint_eq(o.facts.unknown_kinds,
					  RES_BIT(RES_CONN) | RES_BIT(RES_CREDENTIALS));
	observe_done();
}
END_TEST

START_TEST(freed_with_a_request_under_way)
{
	observe(RES_ALL, NULL);
	run_for(50);
	charon_free(charon);
	charon = NULL;
	ck_assert_str_eq(text_str(&story), "");
	observe_done();
}
END_TEST

/* ---- events --------------------------------------------------------------- */

START_TEST(events_are_told)
{
	send_json("{\"event\":\"unknown-peer\",\"local-address\":\"192.0.2.5\","
			  "\"remote-address\":\"192.0.2.66\","
			  "\"remote-identity\":\"evil\",\"count\":3}");
	send_json("{\"event\":\"unknown-peer\",\"local-address\":\"192.0.2.5\","
			  "\"remote-address\":\"192.0.2.66\",\"count\":1}");
	send_json("{\"event\":\"alert\",\"alert\":\"peer-auth-failed\","
			  "\"local-address\":\"192.0.2.5\",\"name\":\"ppvpn:a:b:c\","
			  "\"remote-address\":\"192.0.2.9\"}");
	run_until("alert", 2000);
	ck_assert_str_eq(text_str(&story), "unknown:192.0.2.66:evil:3 "
					 "unknown:192.0.2.66:-:1 alert:peer-auth-failed:ppvpn:a:b:c");
}
END_TEST

static void event_then_list(unsigned long id, const char *text)
{
	send_json("{\"event\":\"alert\",\"alert\":\"ts-mismatch\","
			  "\"local-address\":\"1.2.3.4\",\"remote-address\":\"1.2.3.5\"}");
	list_two(id, text);
}

START_TEST(event_between_request_and_answer)
{
	on_request = event_then_list;
	observe(RES_ALL, NULL);
	run_until("done", 2000);
	ck_assert_str_eq(text_str(&story), "alert:ts-mismatch:- done");
	ck_assert_uint_eq(o.have.count, 3);
	observe_done();
}
END_TEST

/* ---- hostile bytes -------------------------------------------------------- */

static const struct
{
	const char *bytes;
	size_t len;
} hostile[] = {
#define ROW(bytes) { bytes, sizeof(bytes) - 1 }
	ROW("\0\0\0\0"),
	ROW("\x01\x00\x00\x01"),
	ROW("\0\0\0\x01{"),
	ROW("\0\0\0\x02[]"),
	ROW("\0\0\0\x02{}"),
	ROW("\0\0\0\x02\0\0"),
	ROW("\0\0\0\x12{\"id\":1,\"ok\":true}"),
	ROW("\0\0\0\x12{\"event\":\"unheard\"}"),
	ROW("\0\0\0\x11{\"event\":\"alert\"}"),
	ROW("\0\0\0\x0b{\"event\":1}"),
	ROW("\0\0\0\x15{\"id\":NaN,\"ok\":false}"),
#undef ROW
};

START_TEST(hostile_bytes_cost_the_connection)
{
	mock_server_send_raw(server, hostile[_i].bytes, hostile[_i].len);
	run_until("down", 2000);
	run_until("up", 3000);
}
END_TEST

static const char *bad_answer;

static void answer_badly(unsigned long id, const char *text)
{
	char *json = xasprintf("{\"id\":%lu%s", id, bad_answer);

	send_json(json);
	free(json);
}

/* behind the right id */
static const char *const bad_answers[] = {
	"99,\"ok\":true,\"revision\":\"\",\"conns\":[]}",
	",\"ok\":false}",
	",\"ok\":true,\"error\":{\"code\":\"x\"}}",
	",\"ok\":true,\"revision\":\"\",\"conns\":[{\"name\":\"a\"}]}",
	",\"ok\":true,\"revision\":\"\",\"conns\":"
		"[{\"name\":\"a\",\"tag\":\"zz\"}]}",
	",\"ok\":true,\"conns\":{}}",
	",\"ok\":true,\"sas\":[{\"ike-id\":1,\"name\":\"a\"}]}",
	",\"ok\":true,\"credentials\":[{\"name\":\"a\"}]}",
	",\"ok\":true,\"id\":1}",
};

START_TEST(bad_answer_costs_the_connection)
{
	bad_answer = bad_answers[_i];
	on_request = answer_badly;
	observe(RES_ALL, NULL);
	run_until("down", 2000);
	ck_assert_uint_eq(o.facts.unknown_kinds,
					  RES_BIT(RES_CONN) | RES_BIT(RES_CREDENTIALS));
	ck_assert_uint_eq(o.have.count, 0);
	observe_done();
}
END_TEST

START_TEST(answer_without_what_list_has)
{
	bad_answer = ",\"ok\":true}";
	on_request = answer_badly;
	observe(RES_ALL, NULL);
	run_until("done", 2000);
	ck_assert_uint_eq(o.facts.unknown_kinds,
					  RES_BIT(RES_CONN) | RES_BIT(RES_CREDENTIALS));
	observe_done();
}
END_TEST

/* ---- update --------------------------------------------------------------- */

#define STEPS 1203
static struct step steps[STEPS], *batch[STEPS];
static struct resource wants[STEPS];
static struct res_conn specs[STEPS];
static char names[STEPS][48], jsons[STEPS][64];
static char revision[80];			/* what the mock has */
static unsigned updates, upserts, removes;

/* Every third one is removed. */
static void make_steps(size_t count)
{
	memset(steps, 0, sizeof(steps));
	updates = upserts = removes = 0;
	snprintf(revision, sizeof(revision), "r0");
	for (size_t i = 0; i < count; i++)
	{
		snprintf(names[i], sizeof(names[i]), "ppvpn:acme:corp:s%zu", i);
		snprintf(jsons[i], sizeof(jsons[i]), "{\"name\":\"%s\"}", names[i]);
		specs[i].name = names[i];
		specs[i].json = jsons[i];
		wants[i].spec = &specs[i];
		steps[i].key = names[i];
		steps[i].kind = RES_CONN;
		steps[i].op = i % 3 == 2 ? STEP_DELETE
								 : i % 3 == 1 ? STEP_UPDATE : STEP_CREATE;
		steps[i].want = i % 3 == 2 ? NULL : &wants[i];
		batch[i] = &steps[i];
	}
}

static void apply(size_t count)
{
	charon_backend(charon)->ops->apply(charon_backend(charon), batch, count,
									   on_done, NULL);
}

static unsigned occurrences(const char *text, const char *part)
{
	unsigned n = 0;

	while ((text = strstr(text, part)) != NULL)
	{
		n++;
		text += strlen(part);
	}
	return n;
}

static const char *member(const char *text, const char *name, char out[80])
{
	const char *at = strstr(text, name);

	ck_assert_ptr_nonnull(at);
	ck_assert_int_eq(sscanf(at + strlen(name), ":\"%79[^\"]", out), 1);
	return out;
}

/* Accepts what stands on its revision, as the plugin does. */
static void update(unsigned long id, const char *text)
{
	const char *remove = strstr(text, "\"remove\":[");
	char base[80];
	unsigned here;

	ck_assert(has(text, "\"op\":\"update\""));
	ck_assert_ptr_nonnull(remove);
	if (strcmp(member(text, "\"base-revision\"", base), revision) != 0)
	{
		refuse(id, "revision-mismatch", "/base-revision");
		return;
	}
	member(text, ",\"revision\"", revision);
	here = occurrences(text, "{\"name\":");
	upserts += here;
	here = occurrences(remove, "\"ppvpn:");
	removes += here;
	ck_assert_uint_le(occurrences(text, "ppvpn:acme"), 500);
	updates++;
	answer(id, "\"added\":1,\"changed\":1,\"removed\":1,\"unchanged\":0");
}

START_TEST(update_of_many_goes_in_chunks)
{
	make_steps(STEPS);
	on_request = update;
	apply(STEPS);
	run_until("done", 5000);
	ck_assert_uint_eq(updates, 3);
	ck_assert_uint_eq(upserts, 802);
	ck_assert_uint_eq(removes, 401);
	for (size_t i = 0; i < STEPS; i++)
	{
		ck_assert_int_eq(steps[i].rc, 0);
	}
	/* and another on top of it */
	text_done(&story);
	steps[0].rc = 0;
	apply(1);
	run_until("done", 2000);
	ck_assert_uint_eq(updates, 4);
}
END_TEST

START_TEST(revision_mismatch_fails_and_list_cures)
{
	make_steps(3);
	snprintf(revision, sizeof(revision), "r7");
	on_request = update;
	apply(3);
	run_until("done", 2000);
	for (size_t i = 0; i < 3; i++)
	{
		ck_assert_int_eq(steps[i].rc, -ESTALE);
		ck_assert_int_eq(steps[i].err.code, ERR_CHARON);
		ck_assert_str_eq(steps[i].err.where, names[i]);
		ck_assert(has(steps[i].err.text, "revision-mismatch"));
	}
	text_done(&story);
	on_request = list_two;
	observe(RES_ALL, NULL);
	run_until("done", 2000);
	observe_done();
	text_done(&story);
	make_steps(3);
	snprintf(revision, sizeof(revision), "r7");
	on_request = update;
	apply(3);
	run_until("done", 2000);
	ck_assert_int_eq(steps[0].rc, 0);
	ck_assert_uint_eq(updates, 1);
}
END_TEST

/* Refuses s1 (by its place among the upserts) and s5 (among the removes). */
static void update_but_some(unsigned long id, const char *text)
{
	if (has(text, "{\"name\":\"ppvpn:acme:corp:s1\"}"))
	{
		refuse(id, "out-of-range", "/upsert/1/mark");
	}
	else if (has(text, "\"ppvpn:acme:corp:s5\""))
	{
		refuse(id, "not-found", "/remove/1");
	}
	else
	{
		update(id, text);
	}
}

START_TEST(refused_connection_does_not_stop_the_others)
{
	make_steps(6);
	on_request = update_but_some;
	apply(6);
	run_until("done", 2000);
	ck_assert_int_eq(steps[1].rc, -EINVAL);
	ck_assert(has(steps[1].err.text, "/upsert/1/mark"));
	ck_assert_int_eq(steps[5].rc, -ENOENT);
	ck_assert_int_eq(steps[0].rc, 0);
	ck_assert_int_eq(steps[4].rc, 0);
	ck_assert_uint_eq(updates, 1);
	ck_assert_uint_eq(upserts, 3);
	ck_assert_uint_eq(removes, 1);
}
END_TEST

/* Credentials first, two connections, one of which names them; old ones go last. */
static void make_certified_steps(void)
{
	static struct res_credentials spec = {
		.name = (char *)"acme/corp", .json = (char *)"{\"name\":\"acme/corp\"}",
	};
	static struct resource want = { .kind = RES_CREDENTIALS, .spec = &spec };

	make_steps(4);
	memset(&steps[0], 0, sizeof(steps[0]));
	steps[0].kind = steps[3].kind = RES_CREDENTIALS;
	steps[0].key = "acme/corp";
	steps[0].want = &want;
	steps[2].op = STEP_CREATE;
	steps[2].want = &wants[2];
	specs[1].credentials = "acme/corp";
	specs[2].credentials = NULL;
	steps[3].key = "acme/old";
	steps[3].op = STEP_DELETE;
	steps[3].want = NULL;
}

static void update_certified(unsigned long id, const char *text)
{
	ck_assert(has(text, "\"upsert-credentials\":[{\"name\":\"acme/corp\"}],"
				  "\"remove-credentials\":[\"acme/old\"]}"));
	ck_assert(has(text, "\"upsert\":[{\"name\":\"ppvpn:acme:corp:s1\"},"
				  "{\"name\":\"ppvpn:acme:corp:s2\"}],\"remove\":[]"));
	update(id, text);
}

START_TEST(credentials_go_with_the_connections)
{
	make_certified_steps();
	on_request = update_certified;
	apply(4);
	run_until("done", 2000);
	for (size_t i = 0; i < 4; i++)
	{
		ck_assert_int_eq(steps[i].rc, 0);
	}
	ck_assert_uint_eq(updates, 1);
}
END_TEST

static void refuse_credentials(unsigned long id, const char *text)
{
	if (has(text, "upsert-credentials"))
	{
		refuse(id, "refused-by-charon", "/upsert-credentials/0/private-key");
	}
	else if (has(text, "acme/old"))
	{
		refuse(id, "in-use", "/remove-credentials/0");
	}
	else
	{
		update(id, text);
	}
}

START_TEST(refused_credentials_take_their_connections_along)
{
	make_certified_steps();
	on_request = refuse_credentials;
	apply(4);
	run_until("done", 2000);
	ck_assert_int_eq(steps[0].rc, -EIO);
	ck_assert_str_eq(steps[0].err.where, "acme/corp");
	ck_assert_int_eq(steps[1].rc, -EIO);
	ck_assert_int_eq(steps[2].rc, 0);
	ck_assert_int_eq(steps[3].rc, -EINVAL);
	ck_assert_str_eq(steps[3].err.where, "acme/old");
	ck_assert_uint_eq(updates, 1);
	ck_assert_uint_eq(upserts, 1);
}
END_TEST

static void refuse_oddly(unsigned long id, const char *text)
{
	static const char *const wheres[] = {
		"", "/upsert", "/upsert/", "/upsert/x", "/upsert/99999999999999999999",
		"/remove/3", "/upsert/-1", "/upsert/1x", "/upsert-credentials/0",
		"/remove-credentials/0", "upsert/0", "/upserts/0",
	};

	refuse(id, "malformed", wheres[updates]);
}

START_TEST(refusal_of_nothing_known_fails_all)
{
	make_steps(3);
	updates = (unsigned)_i;
	on_request = refuse_oddly;
	apply(3);
	run_until("done", 2000);
	for (size_t i = 0; i < 3; i++)
	{
		ck_assert_int_eq(steps[i].rc, -EINVAL);
	}
}
END_TEST

START_TEST(update_without_charon_fails)
{
	mock_server_stop(server);
	run_until("down", 2000);
	make_steps(3);
	apply(3);
	ck_assert_str_eq(text_str(&story), "down done");
	ck_assert_int_eq(steps[2].rc, -ENOTCONN);
	ck_assert_int_eq(steps[2].err.code, ERR_CHARON);
	mock_server_start(server);
}
END_TEST

START_TEST(update_lost_in_the_middle_fails)
{
	make_steps(STEPS);
	on_request = hang_up;
	apply(STEPS);
	run_until("down", 2000);
	ck_assert_str_eq(text_str(&story), "done down");
	ck_assert_int_eq(steps[0].rc, -ECONNRESET);
	ck_assert_int_ne(steps[STEPS - 1].rc, 0);
}
END_TEST

START_TEST(no_answer_costs_the_connection)
{
	uint64_t begin = loop_now_ms();

	make_steps(1);
	apply(1);
	run_until("down", 12000);
	ck_assert_uint_ge(loop_now_ms() - begin, 9900);
	ck_assert_int_eq(steps[0].rc, -ECONNRESET);
}
END_TEST

/* ---- initiate ------------------------------------------------------------- */

static void on_initiated(void *user, const char *conn, int rc,
						 const struct err *e)
{
	char line[32];

	ck_assert_str_eq(conn, rc == -ENOENT ? "ppvpn:acme:corp:none"
										 : "ppvpn:acme:corp:lyon");

	snprintf(line, sizeof(line), "initiated:%d", rc);
	tell(line);
	ck_assert(rc == 0 ? e == NULL : e != NULL);
}

static void initiate(unsigned long id, const char *text)
{
	ck_assert(has(text, "\"op\":\"initiate\""));
	if (has(text, "\"name\":\"ppvpn:acme:corp:lyon\""))
	{
		answer(id, "\"started\":true");
	}
	else
	{
		refuse(id, "not-found", "/name");
	}
}

START_TEST(initiate_by_name)
{
	on_request = initiate;
	charon_initiate(charon, "ppvpn:acme:corp:lyon", on_initiated, NULL);
	charon_initiate(charon, "ppvpn:acme:corp:none", on_initiated, NULL);
	run_until("initiated:-", 2000);
	ck_assert_str_eq(text_str(&story), "initiated:0 initiated:-2");
	mock_server_hang_up(server);
	run_until("down", 2000);
	charon_initiate(charon, "ppvpn:acme:corp:lyon", on_initiated, NULL);
	ck_assert(has(text_str(&story), "down initiated:-107"));
}
END_TEST

/* ---- SAs ------------------------------------------------------------------ */

static void two_sas(unsigned long id, const char *text)
{
	ck_assert(has(text, "\"op\":\"sas\""));
	answer(id, "\"sas\":[{\"ike-id\":7,\"name\":\"ppvpn:acme:corp:lyon\","
		   "\"authentication\":\"certificate\"},{\"ike-id\":8,\"name\":"
		   "\"ppvpn:acme:corp:nice\",\"authentication\":\"pre-shared\"}]");
}

static void on_sas(void *user, int rc, const struct charon_sa *sas,
				   size_t count, const struct err *e)
{
	char line[256];

	ck_assert((rc == 0) == (e == NULL));
	snprintf(line, sizeof(line), "sas:%d", rc);
	tell(line);
	for (size_t i = 0; i < count; i++)
	{
		snprintf(line, sizeof(line), "%llu:%s:%s",
				 (unsigned long long)sas[i].ike_id, sas[i].name,
				 sas[i].authentication);
		tell(line);
	}
	tell("told");
}

START_TEST(how_sas_were_authenticated)
{
	on_request = two_sas;
	charon_sas(charon, on_sas, NULL);
	run_until("told", 2000);
	ck_assert_str_eq(text_str(&story), "sas:0 7:ppvpn:acme:corp:lyon:certificate "
					 "8:ppvpn:acme:corp:nice:pre-shared told");
	/* lost with the request under way, and not there */
	on_request = NULL;
	text_done(&story);
	charon_sas(charon, on_sas, NULL);
	mock_server_hang_up(server);
	run_until("down", 2000);
	ck_assert(has(text_str(&story), "sas:-104 told"));
	charon_sas(charon, on_sas, NULL);
	ck_assert(has(text_str(&story), "sas:-107 told"));
}
END_TEST

int main(void)
{
	Suite *s = suite_create("charon");
	TCase *tc = tcase_create("charon"), *hellos = tcase_create("hello");
	SRunner *runner;
	int failed;

#define COUNT(a) ((int)(sizeof(a) / sizeof((a)[0])))
	tcase_set_timeout(hellos, 20);
	tcase_add_loop_test(hellos, bad_hello_is_not_a_connection, 0,
						COUNT(bad_hellos));
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 30);
	tcase_add_test(tc, hello_is_told);
	tcase_add_test(tc, list_fills_resources);
	tcase_add_test(tc, what_the_key_is_good_for_is_a_fact);
	tcase_add_test(tc, list_of_one_group);
	tcase_add_test(tc, how_sas_were_authenticated);
	tcase_add_test(tc, other_kinds_are_not_asked_for);
	tcase_add_test(tc, not_connected_is_unknown);
	tcase_add_test(tc, lost_in_the_middle);
	tcase_add_test(tc, freed_with_a_request_under_way);
	tcase_add_test(tc, events_are_told);
	tcase_add_test(tc, event_between_request_and_answer);
	tcase_add_loop_test(tc, hostile_bytes_cost_the_connection, 0,
						COUNT(hostile));
	tcase_add_loop_test(tc, bad_answer_costs_the_connection, 0,
						COUNT(bad_answers));
	tcase_add_test(tc, answer_without_what_list_has);
	tcase_add_test(tc, update_of_many_goes_in_chunks);
	tcase_add_test(tc, revision_mismatch_fails_and_list_cures);
	tcase_add_test(tc, refused_connection_does_not_stop_the_others);
	tcase_add_test(tc, credentials_go_with_the_connections);
	tcase_add_test(tc, refused_credentials_take_their_connections_along);
	tcase_add_loop_test(tc, refusal_of_nothing_known_fails_all, 0, 12);
	tcase_add_test(tc, update_without_charon_fails);
	tcase_add_test(tc, update_lost_in_the_middle_fails);
	tcase_add_test(tc, no_answer_costs_the_connection);
	tcase_add_test(tc, initiate_by_name);
	suite_add_tcase(s, hellos);
	suite_add_tcase(s, tc);
	runner = srunner_create(s);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
