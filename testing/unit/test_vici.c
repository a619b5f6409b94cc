/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * test_vici.c - the VICI client against a mock of charon
 */
#include "config.h"

#include "agent/vici.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/loop.h"
#include "agent/vici_msg.h"
#include "alloc.h"
#include "log.h"
#include "testing/unit/mock_server.h"

static struct loop *loop;
static struct mock_server *server;
static struct vici *vici;
static struct loop_timer *guard;

/* what the mock saw and what the handlers were told, as one line */
static struct text story;
/* what the mock does for a command */
static void (*on_command)(const char *name, struct vici_walk *w);
/* the loop stops when the story contains this */
static const char *until;

static void tell(const char *what)
{
	text_addf(&story, "%s%s", story.len > 0 ? " " : "", what);
	if (until != NULL && strstr(text_str(&story), until) != NULL)
	{
		loop_stop(loop);
	}
}

/* ---- the mock ------------------------------------------------------------- */

static void send_text(struct text *t)
{
	mock_server_send(server, t->s, t->len);
	text_done(t);
}

static void send_type(enum vici_packet type)
{
	struct text t = { 0 };

	vici_start(&t, type, NULL);
	send_text(&t);
}

static void send_result(const char *success, const char *errmsg)
{
	struct text t = { 0 };

	vici_start(&t, VICI_CMD_RESPONSE, NULL);
	vici_kv(&t, "success", success);
	if (errmsg != NULL)
	{
		vici_kv(&t, "errmsg", errmsg);
	}
	send_text(&t);
}

static void on_frame(struct mock_server *m, const uint8_t *frame, size_t len)
{
	struct vici_walk w;
	enum vici_packet type;
	char name[256];

	ck_assert_int_eq(vici_open(&w, frame, len, &type, name), 0);
	if (type == VICI_EVENT_REGISTER)
	{
		/* one that an old charon does not have */
		send_type(strcmp(name, "child-rekey") == 0 ? VICI_EVENT_UNKNOWN
												   : VICI_EVENT_CONFIRM);
		return;
	}
	ck_assert_int_eq(type, VICI_CMD_REQUEST);
	tell(name);
	if (on_command != NULL)
	{
		on_command(name, &w);
	}
}

/* Tell the arguments of a command. */
static void tell_arguments(struct vici_walk *w)
{
	enum vici_element element;
	char line[1300];

	while (vici_next(w, &element) == 0 && element == VICI_KV)
	{
		snprintf(line, sizeof(line), "%s=%s", w->name, w->value);
		tell(line);
	}
	ck_assert_int_eq(element, VICI_END);
}

/* ---- the handlers --------------------------------------------------------- */

static void on_connection(void *user, bool up)
{
	tell(up ? "up" : "down");
}

static void on_changed(void *user, const char *conn)
{
	char line[300];

	snprintf(line, sizeof(line), "changed:%s", conn);
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

static void setup(void)
{
	static const struct vici_handlers handlers = {
		.connection = on_connection, .sa_changed = on_changed,
	};

	log_init("test", LOG_LEVEL_ERROR);
	loop = loop_new();
	guard = loop_timer_new(loop, on_guard, NULL);
	server = mock_server_new(loop, on_frame);
	on_command = NULL;
	vici = vici_new(loop, mock_server_path(server), &handlers, NULL);
	ck_assert(!vici_connected(vici));
	run_until("up", 2000);
	ck_assert(vici_connected(vici));
	text_done(&story);
}

static void teardown(void)
{
	vici_free(vici);
	mock_server_free(server);
	loop_timer_free(guard);
	loop_free(loop);
	text_done(&story);
}

/* ---- reading -------------------------------------------------------------- */

static struct observation o;

static void observe(const char *group)
{
	memset(&o, 0, sizeof(o));
	o.arena = arena_new();
	resource_set_init(&o.have, o.arena);
	o.kinds = RES_ALL;
	o.group = group;
	vici_backend(vici)->ops->read(vici_backend(vici), &o, on_done, NULL);
}

static void observe_done(void)
{
	facts_done(&o.facts);
	resource_set_done(&o.have);
	arena_free(o.arena);
}

static void add_child(struct text *t, const char *id, const char *state,
					  const char *bytes, const char *dh)
{
	char section[64];

	snprintf(section, sizeof(section), "ppvpn:acme:corp:lyon-%s", id);
	vici_section(t, section);
	vici_kv(t, "name", "ppvpn:acme:corp:lyon");
	vici_kv(t, "uniqueid", id);
	vici_kv(t, "reqid", "7");
	vici_kv(t, "state", state);
	vici_kv(t, "mode", "TUNNEL");
	vici_kv(t, "protocol", "ESP");
	vici_kv(t, "encr-alg", "AES_GCM_16");
	vici_kv(t, "encr-keysize", "256");
	if (dh != NULL)
	{
		vici_kv(t, "dh-group", dh);
	}
	/* the newest INSTALLED one's counts: others may have an old one */
	vici_kv(t, "mark-in", strcmp(id, "22") == 0 ? "70ff001f" : "70ff0003");
	vici_kv(t, "spi-in", strcmp(id, "22") == 0 ? "c0ffee01" : "00000009");
	vici_kv(t, "spi-out", strcmp(id, "22") == 0 ? "c0ffee02" : "00000008");
	vici_kv(t, "bytes-in", bytes);
	vici_kv(t, "bytes-out", "5");
	vici_list(t, "local-ts", (const char *const[]){ "0.0.0.0/0", NULL });
	vici_section_end(t);
}

static bool begun_here;

static void start_sa(struct text *t, const char *conn, const char *id,
					 const char *state, const char *remote_id)
{
	vici_start(t, VICI_EVENT, "list-sa");
	vici_section(t, conn);
	vici_kv(t, "uniqueid", id);
	vici_kv(t, "version", "2");
	vici_kv(t, "state", state);
	if (begun_here)
	{
		vici_kv(t, "initiator", "yes");
	}
	vici_kv(t, "local-host", "192.0.2.5");
	vici_kv(t, "local-id", strcmp(remote_id, "%any") == 0
			? "%any" : "paris.corp.acme.vpn.sp.example");
	vici_kv(t, "remote-host", "192.0.2.9");
	vici_kv(t, "remote-id", remote_id);
	vici_kv(t, "encr-alg", "IKE's own, not the child's");
	vici_list(t, "tasks-active", (const char *const[]){ "x", NULL });
	vici_section(t, "child-sas");
}

static void end_sa(struct text *t)
{
	vici_section_end(t);
	vici_section_end(t);
	send_text(t);
}

#define LYON "ppvpn:acme:corp:lyon"
#define LYON_ID "lyon.corp.acme.vpn.sp.example"

static void send_changed(const char *event, const char *conn)
{
	struct text t = { 0 };

	vici_start(&t, VICI_EVENT, event);
	vici_kv(&t, "up", "yes");
	vici_section(&t, conn);
	vici_kv(&t, "uniqueid", "3");
	vici_section_end(&t);
	send_text(&t);
}

/* Out of order, an operator's SA in between, an event in the middle. */
static void list_some(const char *name, struct vici_walk *w)
{
	struct text t = { 0 };

	ck_assert_str_eq(name, "list-sas");
	tell_arguments(w);
	start_sa(&t, LYON, "12", "CONNECTING", "%any");
	end_sa(&t);
	start_sa(&t, "operator", "4", "ESTABLISHED", "somebody");
	add_child(&t, "9", "INSTALLED", "1000", NULL);
	end_sa(&t);
	send_changed("child-updown", LYON);
	start_sa(&t, LYON, "3", "ESTABLISHED", LYON_ID);
	add_child(&t, "20", "REKEYED", "100", NULL);
	add_child(&t, "22", "INSTALLED", "10", "ECP_384");
	add_child(&t, "21", "INSTALLED", "1", "MODP_2048");
	add_child(&t, "23", "CREATED", "0", NULL);
	end_sa(&t);
	start_sa(&t, "ppvpn:acme:corp:nice", "5", "DELETING", "nice.corp.acme");
	end_sa(&t);
	send_type(VICI_CMD_RESPONSE);
}

/* IKE_SAs of one connection: id, state, of its child, begun here */
struct listed { const char *id, *state, *child; bool here; };
static const struct { struct listed sas[3]; uint32_t spare; } crossed[] = {
	{ { { "3", "ESTABLISHED", "INSTALLED", true } }, 0 },
	{ { { "3", "ESTABLISHED", "INSTALLED", true },
		{ "4", "ESTABLISHED", "INSTALLED", false } }, 4 },
	{ { { "3", "ESTABLISHED", "INSTALLED", false },
		{ "4", "ESTABLISHED", "INSTALLED", true } }, 3 },
	{ { { "3", "ESTABLISHED", "INSTALLED", true },
		{ "4", "ESTABLISHED", "INSTALLED", true } }, 3 },
	{ { { "3", "ESTABLISHED", "INSTALLED", true },
		{ "4", "ESTABLISHED", "INSTALLED", false },
		{ "5", "ESTABLISHED", "INSTALLED", false } }, 4 },
	/* one that is on its way, in or out, is none too many */
	{ { { "3", "REKEYED", "INSTALLED", true },
		{ "4", "ESTABLISHED", "INSTALLED", false } }, 0 },
	{ { { "3", "ESTABLISHED", "INSTALLED", true },
		{ "4", "CONNECTING", "INSTALLED", false } }, 0 },
	{ { { "3", "ESTABLISHED", "CREATED", true },
		{ "4", "ESTABLISHED", "INSTALLED", false } }, 0 },
};
static size_t crossing;

static void list_crossed(const char *name, struct vici_walk *w)
{
	tell_arguments(w);
	for (size_t i = 0; i < 3 && crossed[crossing].sas[i].id; i++)
	{
		const struct listed *sa = &crossed[crossing].sas[i];
		struct text t = { 0 };

		begun_here = sa->here;
		start_sa(&t, LYON, sa->id, sa->state, LYON_ID);
		add_child(&t, "20", sa->child, "1", NULL);
		end_sa(&t);
	}
	begun_here = false;
	send_type(VICI_CMD_RESPONSE);
}

START_TEST(one_of_two_is_spare)
{
	crossing = (size_t)_i;
	on_command = list_crossed;
	observe(NULL);
	run_until("done", 2000);
	ck_assert_uint_eq(facts_sa(&o.facts, LYON)->spare, crossed[_i].spare);
	observe_done();
}
END_TEST

static void end_one(const char *name, struct vici_walk *w)
{
	ck_assert_str_eq(name, "terminate");
	tell_arguments(w);
	send_type(VICI_CMD_RESPONSE);
}

START_TEST(one_ike_sa_is_ended)
{
	on_command = end_one;
	vici_terminate_ike(vici, 4294967295);
	run_until("timeout=-1", 2000);
	ck_assert_ptr_nonnull(strstr(text_str(&story), "ike-id=4294967295"));
	ck_assert_ptr_null(strstr(text_str(&story), "force"));
}
END_TEST

START_TEST(list_sas_fills_facts_and_resources)
{
	const struct fact_sa *sa;
	const struct resource *r;
	const struct res_sa *spec;

	on_command = list_some;
	observe(NULL);
	run_until("done", 2000);
	ck_assert_str_eq(text_str(&story), "list-sas changed:" LYON " done");
	ck_assert_uint_eq(o.facts.unknown_kinds, 0);
	ck_assert_uint_eq(o.facts.sa_count, 2);
	sa = facts_sa(&o.facts, LYON);
	ck_assert_ptr_nonnull(sa);
	ck_assert_str_eq(sa->ike_state, "CONNECTING");
	ck_assert_str_eq(sa->child_state, "INSTALLED");
	ck_assert_uint_eq(sa->installed, 3);
	ck_assert(sa->connecting);
	ck_assert_str_eq(sa->proposal, "AES_GCM_16_256/ECP_384");
	ck_assert_uint_eq(sa->in_bytes, 111);
	ck_assert_uint_eq(sa->out_bytes, 20);
	ck_assert_uint_eq(sa->spi_in, 0xc0ffee01);
	ck_assert_uint_eq(sa->spi_out, 0xc0ffee02);
	ck_assert_uint_eq(sa->mark, 0x70ff001f);
	ck_assert_ptr_null(facts_sa(&o.facts, "operator"));
	sa = facts_sa(&o.facts, "ppvpn:acme:corp:nice");
	ck_assert_str_eq(sa->child_state, "");
	ck_assert(!sa->connecting);

	resource_set_sort(&o.have);
	ck_assert_uint_eq(o.have.count, 2);
	r = resource_find(&o.have, RES_SA, LYON);
	ck_assert_ptr_nonnull(r);
	ck_assert_int_eq(r->origin, RES_OURS);
	spec = r->spec;
	ck_assert_uint_eq(spec->unique_id_count, 2);
	ck_assert_uint_eq(spec->unique_ids[0], 3);
	ck_assert_uint_eq(spec->unique_ids[1], 12);
	/* the one that knows, not the newest */
	ck_assert_str_eq(spec->remote_id, LYON_ID);
	ck_assert_uint_eq(addr_to_u32(&spec->remote), 0xc0000209);
	ck_assert_uint_eq(spec->mark, 0x70ff001f);
	ck_assert(!spec->lost);
	observe_done();

	/* another connection's, an old child's, then this one's */
	vici_lost(vici, 0xdead);
	vici_lost(vici, 8);
	text_done(&story);
	observe(NULL);
	run_until("done", 2000);
	resource_set_sort(&o.have);
	r = resource_find(&o.have, RES_SA, LYON);
	ck_assert(!((const struct res_sa*)r->spec)->lost);
	observe_done();
	for (size_t i = 0; i < 100; i++)
	{
		vici_lost(vici, i == 50 ? 0xc0ffee02 : 0xdead);
	}
	text_done(&story);
	observe(NULL);
	run_until("done", 2000);
	resource_set_sort(&o.have);
	r = resource_find(&o.have, RES_SA, LYON);
	ck_assert(((const struct res_sa*)r->spec)->lost);
	observe_done();
}
END_TEST

START_TEST(one_connection_is_asked_for_by_name)
{
	on_command = list_some;
	observe(LYON);
	run_until("done", 2000);
	ck_assert_ptr_nonnull(strstr(text_str(&story),
								 "list-sas ike=" LYON " changed"));
	observe_done();
}
END_TEST

START_TEST(nothing_is_asked_for_other_kinds)
{
	memset(&o, 0, sizeof(o));
	o.kinds = RES_ALL & ~RES_BIT(RES_SA);
	vici_backend(vici)->ops->read(vici_backend(vici), &o, on_done, NULL);
	ck_assert_str_eq(text_str(&story), "done");
}
END_TEST

/* ---- events --------------------------------------------------------------- */

START_TEST(events_of_ours_are_told)
{
	send_changed("ike-updown", "operator");
	send_changed("ike-updown", LYON);
	send_changed("child-rekey", "ppvpn:acme:corp:nice");
	run_until("nice", 2000);
	ck_assert_str_eq(text_str(&story),
					 "changed:" LYON " changed:ppvpn:acme:corp:nice");
}
END_TEST

/* ---- what goes wrong ------------------------------------------------------ */

static void hang_up(const char *name, struct vici_walk *w)
{
	struct text t = { 0 };

	start_sa(&t, LYON, "3", "ESTABLISHED", LYON_ID);
	end_sa(&t);
	mock_server_hang_up(server);
}

START_TEST(lost_in_the_middle_of_a_command)
{
	on_command = hang_up;
	observe(NULL);
	run_until("down", 2000);
	ck_assert_str_eq(text_str(&story), "list-sas done down");
	ck_assert_uint_eq(o.facts.unknown_kinds, RES_BIT(RES_SA));
	ck_assert_uint_eq(o.facts.sa_count, 0);
	ck_assert(!vici_connected(vici));
	observe_done();

	text_done(&story);
	observe(NULL);
	ck_assert_str_eq(text_str(&story), "done");
	ck_assert_uint_eq(o.facts.unknown_kinds, RES_BIT(RES_SA));
	observe_done();

	run_until("up", 3000);
	text_done(&story);
	on_command = list_some;
	observe(NULL);
	run_until("done", 2000);
	ck_assert_uint_eq(o.facts.unknown_kinds, 0);
	observe_done();
}
END_TEST

START_TEST(charon_gone_and_back)
{
	mock_server_stop(server);
	run_until("down", 2000);
	mock_server_start(server);
	run_until("up", 3000);
	ck_assert_uint_eq(mock_server_accepted(server), 2);
}
END_TEST

static const struct
{
	const char *what;
	const char *bytes;
	size_t len;
} hostile[] = {
#define ROW(what, bytes) { what, bytes, sizeof(bytes) - 1 }
	ROW("an empty packet", "\0\0\0\0"),
	ROW("a packet of 4 GiB", "\xff\xff\xff\xff"),
	ROW("a packet above charon's limit", "\x00\x08\x00\x01"),
	ROW("an unknown type", "\0\0\0\x01\x09"),
	ROW("a request", "\0\0\0\x03\x00\x01x"),
	ROW("an answer to nothing", "\0\0\0\x01\x01"),
	ROW("a confirmation of nothing", "\0\0\0\x01\x05"),
	ROW("an event that is cut", "\0\0\0\x0e\x07\x0a" "ike-updown" "\x01\x09"),
#undef ROW
};

START_TEST(hostile_bytes_cost_the_connection)
{
	mock_server_send_raw(server, hostile[_i].bytes, hostile[_i].len);
	run_until("down", 2000);
	ck_assert_str_eq(text_str(&story), "down");
	run_until("up", 3000);
}
END_TEST

static void malformed_sa(const char *name, struct vici_walk *w)
{
	struct text t = { 0 };

	start_sa(&t, LYON, "3", "ESTABLISHED", LYON_ID);
	add_child(&t, "22", "INSTALLED", "10", "ECP_384");
	/* sections left open */
	send_text(&t);
	send_type(VICI_CMD_RESPONSE);
}

START_TEST(malformed_sa_is_an_error)
{
	on_command = malformed_sa;
	observe(NULL);
	run_until("down", 2000);
	ck_assert_str_eq(text_str(&story), "list-sas done down");
	ck_assert_uint_eq(o.facts.unknown_kinds, RES_BIT(RES_SA));
	observe_done();
}
END_TEST

START_TEST(no_answer_costs_the_connection)
{
	uint64_t start = loop_now_ms();

	observe(NULL);
	run_until("down", 12000);
	ck_assert_uint_ge(loop_now_ms() - start, 9900);
	ck_assert_str_eq(text_str(&story), "list-sas done down");
	ck_assert_uint_eq(o.facts.unknown_kinds, RES_BIT(RES_SA));
	observe_done();
}
END_TEST

static void unknown_command(const char *name, struct vici_walk *w)
{
	send_type(VICI_CMD_UNKNOWN);
}

START_TEST(unknown_command_is_an_error_of_its_own)
{
	on_command = unknown_command;
	observe(NULL);
	run_until("done", 2000);
	ck_assert_uint_eq(o.facts.unknown_kinds, RES_BIT(RES_SA));
	ck_assert(vici_connected(vici));
	observe_done();
}
END_TEST

START_TEST(freed_with_commands_under_way)
{
	struct observation second;

	observe(NULL);
	second = o;
	vici_backend(vici)->ops->read(vici_backend(vici), &second, on_done, NULL);
	run_until("list-sas", 2000);
	vici_free(vici);
	vici = NULL;
	ck_assert_str_eq(text_str(&story), "list-sas");
	observe_done();
}
END_TEST

/* ---- terminating ---------------------------------------------------------- */

static unsigned terminated;

static void terminate(const char *name, struct vici_walk *w)
{
	ck_assert_str_eq(name, "terminate");
	tell_arguments(w);
	terminated++;
	if (terminated == 1)
	{
		send_changed("ike-updown", LYON);
		send_result("yes", NULL);
	}
	else if (terminated == 2)
	{
		send_result("no", "no matching SAs to terminate found");
	}
	else
	{
		send_result("no", "it does not want to");
	}
}

static struct arena *arena;
static struct resource_set set;
static struct step steps[4], *batch[4];

/* Three connections of ours with two, one, one SAs; a foreign one. */
static void make_steps(void)
{
	static const char *const names[] = {
		LYON, "ppvpn:acme:corp:nice", "operator", "ppvpn:acme:corp:brest"
	};
	uint32_t ids[2] = { 3, 12 };

	arena = arena_new();
	resource_set_init(&set, arena);
	memset(steps, 0, sizeof(steps));
	for (uint32_t i = 0; i < 4; i++)
	{
		struct res_sa spec = {
			.conn = (char *)names[i], .unique_ids = ids,
			.unique_id_count = i == 0 ? 2 : 1,
		};

		ids[0] = 3 + i;
		resource_sa(&set, i == 2 ? RES_FOREIGN : RES_OURS, &spec);
	}
	for (size_t i = 0; i < 4; i++)
	{
		steps[i].op = i == 1 ? STEP_RECREATE : STEP_DELETE;
		steps[i].kind = RES_SA;
		steps[i].have = &set.items[i];
		steps[i].key = set.items[i].key;
		batch[i] = &steps[i];
	}
}

static void steps_done(void)
{
	resource_set_done(&set);
	arena_free(arena);
}

START_TEST(terminate_by_id)
{
	make_steps();
	terminated = 0;
	on_command = terminate;
	vici_backend(vici)->ops->apply(vici_backend(vici), batch, 4, on_done, NULL);
	run_until("done", 2000);
	ck_assert_str_eq(text_str(&story),
		"terminate ike-id=3 timeout=-1 force=yes changed:" LYON
		" terminate ike-id=12 timeout=-1 force=yes"
		" terminate ike-id=4 timeout=-1 force=yes"
		" terminate ike-id=6 timeout=-1 force=yes done");
	ck_assert_int_eq(steps[0].rc, 0);
	ck_assert_int_eq(steps[1].rc, -EIO);
	ck_assert_ptr_nonnull(strstr(steps[1].err.text, "it does not want to"));
	ck_assert_int_eq(steps[2].rc, 0);
	ck_assert_int_ne(steps[3].rc, 0);
	steps_done();
}
END_TEST

START_TEST(terminate_without_charon)
{
	make_steps();
	mock_server_stop(server);
	run_until("down", 2000);
	vici_backend(vici)->ops->apply(vici_backend(vici), batch, 4, on_done, NULL);
	ck_assert_str_eq(text_str(&story), "down done");
	ck_assert_int_eq(steps[0].rc, -ENOTCONN);
	ck_assert_int_eq(steps[0].err.code, ERR_CHARON);
	ck_assert_int_eq(steps[3].rc, -ENOTCONN);
	ck_assert_int_eq(steps[2].rc, 0);
	mock_server_start(server);
	steps_done();
}
END_TEST

/* ---- foreign connections -------------------------------------------------- */

static void add_conn_child(struct text *t, const char *name, const char *mode,
						   const char *ts)
{
	vici_section(t, name);
	vici_kv(t, "mode", mode);
	vici_list(t, "local-ts", (const char *const[]){ "10.0.0.0/8", NULL });
	vici_list(t, "remote-ts", (const char *const[]){ ts, NULL });
	vici_section_end(t);
}

static void list_conns(const char *name, struct vici_walk *w)
{
	struct text t = { 0 };

	ck_assert_str_eq(name, "list-conns");
	vici_start(&t, VICI_EVENT, "list-conn");
	vici_section(&t, LYON);
	vici_section(&t, "children");
	add_conn_child(&t, LYON, "TUNNEL", "0.0.0.0/0");
	vici_section_end(&t);
	vici_section_end(&t);
	send_text(&t);
	vici_start(&t, VICI_EVENT, "list-conn");
	vici_section(&t, "site");
	vici_list(&t, "remote_addrs", (const char *const[]){ "192.0.2.7", NULL });
	vici_section(&t, "local-1");
	vici_kv(&t, "class", "pre-shared key");
	vici_section_end(&t);
	vici_section(&t, "children");
	add_conn_child(&t, "net", "TUNNEL", "10.9.0.0/16");
	add_conn_child(&t, "host", "TUNNEL", "10.9.0.1/32");
	add_conn_child(&t, "dyn", "TUNNEL", "dynamic");
	add_conn_child(&t, "transport", "TRANSPORT", "10.9.0.0/16");
	add_conn_child(&t, "port", "TUNNEL", "10.9.0.0/16[tcp/80]");
	add_conn_child(&t, "range", "TUNNEL", "10.9.0.3-10.9.0.9");
	add_conn_child(&t, "six", "TUNNEL", "2001:db8::/32");
	add_conn_child(&t, "six-host", "TUNNEL", "2001:db8::1/128");
	vici_section_end(&t);
	vici_section_end(&t);
	send_text(&t);
	send_type(VICI_CMD_RESPONSE);
}

static void on_conns(void *user, int rc, char *const *names, size_t count)
{
	char line[32];

	snprintf(line, sizeof(line), "conns:%d:%zu", rc, count);
	tell(line);
	for (size_t i = 0; i < count; i++)
	{
		tell(names[i]);
	}
	tell("done");
}

START_TEST(foreign_connections_that_need_routes)
{
	on_command = list_conns;
	vici_foreign_conns(vici, on_conns, NULL);
	run_until("done", 2000);
	ck_assert_str_eq(text_str(&story), "list-conns conns:0:3 site/net "
					 "site/range site/six done");
}
END_TEST

START_TEST(foreign_connections_without_charon)
{
	mock_server_hang_up(server);
	run_until("down", 2000);
	vici_foreign_conns(vici, on_conns, NULL);
	ck_assert_str_eq(text_str(&story), "down conns:-107:0 done");
}
END_TEST

/* ---- version ----------------------------------------------------------------- */

static const char *version;

static void say_version(const char *name, struct vici_walk *w)
{
	struct text t = { 0 };

	ck_assert_str_eq(name, "version");
	vici_start(&t, VICI_CMD_RESPONSE, NULL);
	vici_kv(&t, "daemon", "charon-systemd");
	if (version)
	{
		vici_kv(&t, "version", version);
	}
	vici_kv(&t, "sysname", "Linux");
	vici_section(&t, "more");
	vici_kv(&t, "version", "inside");
	vici_section_end(&t);
	send_text(&t);
}

static void on_version(void *user, int rc, const char *said)
{
	char line[64];

	snprintf(line, sizeof(line), "%d:%s", rc, said);
	tell(line);
	tell("done");
}

static const struct { const char *version, *told; } versions[] = {
	{ "5.9.8", "version 0:5.9.8 done" },
	{ "5.9\n8", "version 0:5.9?8 done" },
	{ NULL, "version 0: done" },
	{ "0123456789012345678901234567890123456789",
	  "version 0:0123456789012345678901234567890 done" },
};

START_TEST(version_of_charon)
{
	version = versions[_i].version;
	on_command = say_version;
	vici_version(vici, on_version, NULL);
	run_until("done", 2000);
	ck_assert_str_eq(text_str(&story), versions[_i].told);
}
END_TEST

START_TEST(version_without_charon)
{
	mock_server_hang_up(server);
	run_until("down", 2000);
	vici_version(vici, on_version, NULL);
	ck_assert_str_eq(text_str(&story), "down -107: done");
}
END_TEST

int main(void)
{
	Suite *s = suite_create("vici");
	TCase *tc = tcase_create("vici");
	SRunner *runner;
	int failed;

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 30);
	tcase_add_test(tc, list_sas_fills_facts_and_resources);
	tcase_add_loop_test(tc, one_of_two_is_spare, 0,
						sizeof(crossed) / sizeof(*crossed));
	tcase_add_test(tc, one_ike_sa_is_ended);
	tcase_add_test(tc, one_connection_is_asked_for_by_name);
	tcase_add_test(tc, nothing_is_asked_for_other_kinds);
	tcase_add_test(tc, events_of_ours_are_told);
	tcase_add_test(tc, lost_in_the_middle_of_a_command);
	tcase_add_test(tc, charon_gone_and_back);
	tcase_add_loop_test(tc, hostile_bytes_cost_the_connection, 0,
						(int)(sizeof(hostile) / sizeof(hostile[0])));
	tcase_add_test(tc, malformed_sa_is_an_error);
	tcase_add_test(tc, no_answer_costs_the_connection);
	tcase_add_test(tc, unknown_command_is_an_error_of_its_own);
	tcase_add_test(tc, freed_with_commands_under_way);
	tcase_add_test(tc, terminate_by_id);
	tcase_add_test(tc, terminate_without_charon);
	tcase_add_test(tc, foreign_connections_that_need_routes);
	tcase_add_test(tc, foreign_connections_without_charon);
	tcase_add_loop_test(tc, version_of_charon, 0,
						sizeof(versions) / sizeof(*versions));
	tcase_add_test(tc, version_without_charon);
	suite_add_tcase(s, tc);
	runner = srunner_create(s);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
