/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * test_frr_text.c - what vtysh is told, and what FRR 8.4.4 answered
 *
 * fixtures/frr/show-all.txt: running-config, interfaces and neighbours of a real
 * ospfd in one run; complaints.txt: what vtysh said of a file with bad lines.
 */
#include "config.h"

#include "agent/frr_text.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/facts.h"
#include "agent/json_walk.h"
#include "agent/plan.h"
#include "alloc.h"
#include "testing/unit/run.h"

static struct arena *arena;
static struct resource_set set;
static struct facts facts;
static struct frr_state state;
static struct err e;
static struct text t;

static char red[] = "red", none[] = "none", main_vrf[] = "default";
static char *vrfs[] = { red, main_vrf };
static struct frr_view view = { .vrfs = vrfs, .vrf_count = 2 };

static void setup(void)
{
	arena = arena_new();
	resource_set_init(&set, arena);
	memset(&facts, 0, sizeof(facts));
	memset(&e, 0, sizeof(e));
	view.passive = view.lan = NULL;
}

static void teardown(void)
{
	text_done(&t);
	facts_done(&facts);
	resource_set_done(&set);
	arena_free(arena);
}

static char *fixture(const char *name, size_t *len)
{
	const char *srcdir = getenv("srcdir");
	char path[512], *buf = arena_calloc(arena, 1, 65536);
	FILE *f;

	snprintf(path, sizeof(path), "%s/testing/unit/fixtures/frr/%s",
			 srcdir != NULL ? srcdir : ".", name);
	f = fopen(path, "r");
	ck_assert_msg(f != NULL, "%s", path);
	*len = fread(buf, 1, 65535, f);
	fclose(f);
	return buf;
}

/* ---- reading -------------------------------------------------------------- */

static void read_all(void)
{
	size_t len;
	char *output = fixture("show-all.txt", &len);

	ck_assert_int_eq(frr_read(arena, output, len, &state, &e), 0);
}

static const char *attr(const struct resource *r, const char *name)
{
	for (size_t i = 0; r != NULL && i < r->attr_count; i++)
	{
		if (strcmp(r->attrs[i].name, name) == 0)
		{
			return r->attrs[i].value;
		}
	}
	return "?";
}

START_TEST(real_output_is_read)
{
	const struct resource *r;

	read_all();
	ck_assert_uint_eq(state.router_count, 2);	/* the default one is not ours */
	ck_assert_uint_eq(state.stanza_count, 4);
	ck_assert_uint_eq(state.link_count, 4);
	ck_assert_uint_eq(state.neighbor_count, 2);
	view.passive = "\nred lan0\n";
	frr_report(&state, &view, RES_ALL, &set, &facts);
	resource_set_sort(&set);
	ck_assert_uint_eq(set.count, 3);
	r = resource_find(&set, RES_OSPF, "red");
	ck_assert_ptr_nonnull(r);
	ck_assert_str_eq(attr(r, "router-id"), "10.255.0.1");
	ck_assert_str_eq(attr(r, "area"), "0.0.0.0");
	ck_assert_str_eq(attr(r, "networks"), "10.1.0.0/24 10.255.0.1/32");
	ck_assert_str_eq(attr(r, "passive"), "lan0");
	r = resource_find(&set, RES_OSPF_LINK, "ppv1");
	ck_assert_ptr_nonnull(r);
	ck_assert_str_eq(attr(r, "point-to-point"), "yes");
	ck_assert_str_eq(attr(r, "hello"), "2");
	ck_assert_str_eq(attr(r, "dead"), "8");
	ck_assert_str_eq(attr(r, "cost"), "30");
	r = resource_find(&set, RES_OSPF_LINK, "ppv2");
	ck_assert_str_eq(attr(r, "hello"), "10");
	ck_assert_uint_eq(facts.neighbor_count, 2);
	ck_assert_str_eq(facts.neighbors[0].link, "ppv1");
	ck_assert_str_eq(facts.neighbors[0].state, "Full");
	ck_assert_str_eq(facts.neighbors[1].link, "ppv2");
}
END_TEST

START_TEST(other_vrfs_are_not_reported)
{
	char *others[] = { none };
	struct frr_view other = { .vrfs = others, .vrf_count = 1 };

	read_all();
	frr_report(&state, &other, RES_ALL, &set, &facts);
	ck_assert_uint_eq(set.count, 0);
	ck_assert_uint_eq(facts.neighbor_count, 0);
	frr_report(&state, &view, 0, &set, &facts);
	ck_assert_uint_eq(set.count, 0);
	ck_assert_uint_eq(facts.neighbor_count, 2);
}
END_TEST

static void read_text(const char *text)
{
	ck_assert_int_eq(frr_read(arena, text, strlen(text), &state, &e), 0);
}

START_TEST(several_areas_are_none)
{
	read_text("router ospf vrf red\n network 10.8.0.0/16 area 0.0.0.6\n"
			  " network 10.9.0.0/16 area 5\nexit\n");
	frr_report(&state, &view, RES_ALL, &set, &facts);
	ck_assert_str_eq(attr(&set.items[0], "area"), "");
	ck_assert_str_eq(attr(&set.items[0], "router-id"), "");
}
END_TEST

START_TEST(passive_counts_in_its_vrf)
{
	read_text("interface lan0 vrf red\n ip ospf passive\nexit\n"
			  "interface lan1 vrf blue\n ip ospf passive\nexit\n"
			  "interface lan2\n ip ospf passive\nexit\n"
			  "interface lan3 vrf red\n no ip ospf passive\nexit\n"
			  "interface lan4 vrf red\n ip ospf passive 10.0.0.1\nexit\n"
			  "interface lan5\n ip ospf passive\nexit\n"
			  "interface lan6\n ip ospf passive\nexit\n"
			  "interface lan7\n no ip ospf passive\nexit\n"
			  "router ospf vrf red\nexit\n");
	view.passive = "\nred lan5\nblue lan2\n";
	view.lan = "\nred lan6\nred lan7\nblue lan2\n";
	frr_report(&state, &view, RES_ALL, &set, &facts);
	ck_assert_str_eq(attr(&set.items[0], "passive"), "lan0 lan5 lan6");
}
END_TEST

/* A tunnel that a person made passive has no adjacency: its stanza need not say
 * its VRF, but ospfd knows where it is. */
START_TEST(a_passive_tunnel_counts)
{
	read_text("interface ppv1\n ip ospf passive\nexit\n"
			  "interface ppv2\n ip ospf passive\nexit\n"
			  "router ospf vrf red\nexit\n!\nend\n"
			  "{\n  \"red\":{\n    \"interfaces\":{\"ppv1\":{\"cost\":10,"
			  "\"networkType\":\"POINTOPOINT\",\"state\":\"Point-To-Point\","
			  "\"timerMsecs\":2000,\"timerDeadSecs\":8}}\n  },\n"
			  "  \"blue\":{\n    \"interfaces\":{\"ppv2\":{\"cost\":10,"
			  "\"networkType\":\"POINTOPOINT\",\"state\":\"Point-To-Point\","
			  "\"timerMsecs\":2000,\"timerDeadSecs\":8}}\n  }\n}\n");
	frr_report(&state, &view, RES_BIT(RES_OSPF), &set, &facts);
	ck_assert_str_eq(attr(&set.items[0], "passive"), "ppv1");
}
END_TEST

static const char *const odd_configs[] = {
	"", "\n\n", "router ospf vrf ", "router ospf vrf\n", " network", "interface ",
	"router ospf vrf red\n network\n network x area 0\n network 1.2.3.4/99 area 0\n"
		" network 10.0.0.0/8 area x\n ospf router-id\n ospf router-id 1.2.3\n",
	"router ospf vrf red\r\n ospf router-id 1.2.3.4\r\nexit\r\n",
	"interface a vrf\n ip ospf passive\n", "{\n}\n{\n}\n",
	"% Can't open configuration file /etc/frr/vtysh.conf\n{\n}\n",
	"{\n  \"red\":{\n    \"interfaces\":{\n \"ppv1\":[1,{\"cost\":3}]\n }\n }\n}\n",
	"{\n  \"red\":{\n    \"neighbors\":[{\"nbrState\":7}]\n }\n}\n",
	"{\n  \"red\":{\n \"neighbors\":{\"1.2.3.4\":{\"nbrState\":\"x\"}}\n }\n}\n",
	"{\n \"interfaces\":{\"ppv1\":{\"timerMsecs\":-1,\"cost\":1e9}}\n}\n",
};

START_TEST(odd_output_does_no_harm)
{
	read_text(odd_configs[_i]);
	frr_report(&state, &view, RES_ALL, &set, &facts);
}
END_TEST

static const char *const bad_json[] = {
	"{\n", "{\n  \"a\":\n}\n", "{\n \"a\" 1\n}\n", "{\n \"a\":1,\n}\n",
	"{\n \"a\":tru\n}\n", "{\n \"a\":\"x\n}\n", "{\n \"a\":[1}\n}\n",
	"{\n \"a\":\"\\x\"\n}\n", "{\n}\n{\n  \"a\n}\n",
	"{\n \"a\":[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[\n}\n",
};

START_TEST(json_that_is_none_is_an_error)
{
	ck_assert_int_eq(frr_read(arena, bad_json[_i], strlen(bad_json[_i]),
							  &state, &e), -EBADMSG);
	ck_assert_int_eq(e.code, ERR_FRR);
}
END_TEST

/* Cut anywhere, the real output is an error or less of it. */
START_TEST(every_cut_of_real_output)
{
	size_t len;
	char *output = fixture("show-all.txt", &len), *copy;

	for (size_t n = 0; n < len; n += 7)
	{
		copy = malloc(n > 0 ? n : 1);
		ck_assert_ptr_nonnull(copy);
		memcpy(copy, output, n);
		frr_read(arena, copy, n, &state, &e);
		free(copy);
	}
}
END_TEST

START_TEST(json_walk_sees_everything)
{
	static const char json[] = "{\"a\":[1,-2.5e3,\"x\\\"\\u00e9\\n\",true,{}],"
		"\"b\":{\"c\":null}}";
	struct json_walk w;
	enum json_token token;

	json_walk_start(&w, json, strlen(json));
	do
	{
		ck_assert_int_eq(json_walk_next(&w, &token), 0);
		text_addf(&t, "%d%s%s%s%s ", (int)token, w.name[0] != '\0' ? ":" : "",
				  w.name, w.value[0] != '\0' ? "=" : "", w.value);
	}
	while (token != JSON_WALK_END);
	ck_assert_str_eq(text_str(&t), "1 3:a 6=1 6=-2.5e3 5=x\"?? 7=true 1 2 4 "
					 "1:b 7:c=null 2 2 0 ");
}
END_TEST

/* ---- rendering ------------------------------------------------------------ */

static struct prefix networks[2];
static char lan0[] = "lan0", lan1[] = "lan1";
static char *passive[] = { lan0, lan1 };
static struct res_ospf want, have;
static struct resource want_resource, have_resource;
static struct step step;

static void make_ospf(struct res_ospf *o, size_t network_count,
					  size_t passive_count)
{
	memset(o, 0, sizeof(*o));
	o->vrf = red;
	ck_assert_int_eq(addr_parse4("10.255.0.1", &o->router_id), 0);
	ck_assert_int_eq(addr_parse4("0.0.0.0", &o->area), 0);
	ck_assert_int_eq(prefix_parse4("10.255.0.1/32", true, &networks[0]), 0);
	ck_assert_int_eq(prefix_parse4("10.1.0.0/24", true, &networks[1]), 0);
	o->networks = networks;
	o->network_count = network_count;
	o->passive = passive;
	o->passive_count = passive_count;
}

static void make_step(enum step_op op, bool with_want, bool with_have)
{
	memset(&step, 0, sizeof(step));
	want_resource.spec = &want;
	have_resource.spec = &have;
	step.op = op;
	step.kind = RES_OSPF;
	step.key = red;
	step.want = with_want ? &want_resource : NULL;
	step.have = with_have ? &have_resource : NULL;
}

#define ROUTER "router ospf vrf red\n ospf router-id 10.255.0.1\n" \
	" timers throttle spf 10 100 2000\n timers throttle lsa all 200\n" \
	" timers lsa min-arrival 0\n"

START_TEST(create_says_all)
{
	make_ospf(&want, 2, 2);
	make_step(STEP_CREATE, true, false);
	ck_assert_int_eq(frr_render(&t, &step, &e), 0);
	ck_assert_str_eq(text_str(&t),
		"interface lan0\n ip ospf passive\nexit\n"
		"interface lan1\n ip ospf passive\nexit\n" ROUTER
		" network 10.255.0.1/32 area 0.0.0.0\n"
		" network 10.1.0.0/24 area 0.0.0.0\nexit\n");
}
END_TEST

START_TEST(delete_leaves_nothing)
{
	make_ospf(&have, 2, 1);
	make_step(STEP_DELETE, false, true);
	ck_assert_int_eq(frr_render(&t, &step, &e), 0);
	ck_assert_str_eq(text_str(&t), "no router ospf vrf red\n"
					 "interface lan0\n no ip ospf passive\nexit\n");
}
END_TEST

START_TEST(update_says_what_differs)
{
	make_ospf(&want, 2, 1);
	make_ospf(&have, 1, 2);
	make_step(STEP_UPDATE, true, true);
	ck_assert_int_eq(frr_render(&t, &step, &e), 0);
	ck_assert_str_eq(text_str(&t), ROUTER
		" network 10.1.0.0/24 area 0.0.0.0\nexit\n"
		"interface lan1\n no ip ospf passive\nexit\n");
}
END_TEST

START_TEST(another_area_moves_every_network)
{
	make_ospf(&want, 1, 0);
	make_ospf(&have, 2, 0);
	ck_assert_int_eq(addr_parse4("0.0.0.9", &want.area), 0);
	make_step(STEP_UPDATE, true, true);
	ck_assert_int_eq(frr_render(&t, &step, &e), 0);
	ck_assert_str_eq(text_str(&t), ROUTER
		" no network 10.255.0.1/32 area 0.0.0.0\n"
		" no network 10.1.0.0/24 area 0.0.0.0\n"
		" network 10.255.0.1/32 area 0.0.0.9\nexit\n");
}
END_TEST

START_TEST(another_router_id_is_another_instance)
{
	make_ospf(&want, 1, 0);
	make_ospf(&have, 1, 0);
	ck_assert_int_eq(addr_parse4("10.255.0.7", &have.router_id), 0);
	make_step(STEP_UPDATE, true, true);
	ck_assert_int_eq(frr_render(&t, &step, &e), 0);
	ck_assert_str_eq(text_str(&t), "no router ospf vrf red\n" ROUTER
					 " network 10.255.0.1/32 area 0.0.0.0\nexit\n");
}
END_TEST

static char ppv1[] = "ppv1";
static struct res_ospf_link link_want, link_have;

static void make_link_step(void)
{
	link_want = link_have = (struct res_ospf_link){
		.link = ppv1, .vrf = main_vrf, .point_to_point = true, .hello = 2,
		.dead = 8, .cost = 30,
	};
	make_step(STEP_UPDATE, true, true);
	step.kind = RES_OSPF_LINK;
	step.key = ppv1;
	want_resource.spec = &link_want;
	have_resource.spec = &link_have;
}

/* What a link that is down shows is not what it will be. */
START_TEST(links_that_are_down_are_not_reported)
{
	static const char down[] = "{\n \"default\":{\"interfaces\":{"
		"\"ppv1\":{\"ifDown\":true,\"state\":\"Down\",\"cost\":0},"
		"\"ppv2\":{\"ifUp\":true,\"state\":\"Point-To-Point\"},"
		"\"ppv3\":{\"ifDown\":true}}}\n}\n";

	ck_assert_int_eq(frr_read(arena, down, strlen(down), &state, &e), 0);
	frr_report(&state, &view, RES_BIT(RES_OSPF_LINK), &set, &facts);
	ck_assert_uint_eq(set.count, 1);
	ck_assert_str_eq(set.items[0].key, "ppv2");
}
END_TEST

START_TEST(link_lines_only_where_it_differs)
{
	make_link_step();
	link_have.cost = 10;
	ck_assert_int_eq(frr_render(&t, &step, &e), 0);
	ck_assert_str_eq(text_str(&t), "interface ppv1\n ip ospf cost 30\nexit\n");
	text_done(&t);
	link_have.cost = 30;
	link_have.hello = 10;
	link_have.point_to_point = false;
	ck_assert_int_eq(frr_render(&t, &step, &e), 0);
	ck_assert_str_eq(text_str(&t), "interface ppv1\n"
		" ip ospf hello-interval 2\n ip ospf dead-interval 8\n"
		" ip ospf network point-to-point\nexit\n");
	text_done(&t);
	step.have = NULL;
	ck_assert_int_eq(frr_render(&t, &step, &e), 0);
	ck_assert_str_eq(text_str(&t), "");
}
END_TEST

static const char *const hostile[] = {
	"", "a b", "a\nrouter bgp 1", "a\rb", "lan0;id", "lan0|x", "lan0#", "lan0?",
	"lan0!", "l\xc3\xa4n", "a\tb", "-x", "$HOME", "`id`", "\"lan\"", "l'n",
	"default", "all", "a234567890123456", "lan\\0",
};

START_TEST(hostile_names_never_reach_vtysh)
{
	char name[32];
	char *names[] = { name };

	snprintf(name, sizeof(name), "%s", hostile[_i]);
	make_ospf(&want, 1, 1);
	make_ospf(&have, 1, 0);
	want.passive = names;
	make_step(STEP_CREATE, true, false);
	ck_assert_int_eq(frr_render(&t, &step, &e), -EINVAL);
	ck_assert_int_eq(e.code, ERR_FRR);
	make_ospf(&want, 1, 1);
	want.vrf = name;
	ck_assert_int_eq(frr_render(&t, &step, &e), -EINVAL);
	make_ospf(&want, 1, 0);
	have.vrf = name;
	make_step(STEP_DELETE, false, true);
	ck_assert_int_eq(frr_render(&t, &step, &e), -EINVAL);
	make_ospf(&have, 1, 1);
	have.passive = names;
	ck_assert_int_eq(frr_render(&t, &step, &e), -EINVAL);
	make_link_step();
	link_want.link = name;
	ck_assert_int_eq(frr_render(&t, &step, &e), -EINVAL);
	ck_assert_int_eq(frr_render_forget(&t, name, &e), -EINVAL);
	ck_assert_str_eq(text_str(&t), "");
}
END_TEST

START_TEST(names_of_our_links)
{
	ck_assert(frr_link_is_ours("ppv1"));
	ck_assert(frr_link_is_ours("ppv65534"));
	ck_assert(!frr_link_is_ours("ppv"));
	ck_assert(!frr_link_is_ours("ppv1a"));
	ck_assert(!frr_link_is_ours("ppvpn0"));
	ck_assert(!frr_link_is_ours("eth0"));
	ck_assert(!frr_link_is_ours("ppv1234567890123"));
}
END_TEST

/* ---- reading back --------------------------------------------------------- */

START_TEST(verify_finds_what_is_missing)
{
	read_all();
	view.passive = "\nred lan0\n";
	make_ospf(&want, 2, 1);
	make_step(STEP_CREATE, true, false);
	ck_assert_int_eq(frr_verify(&state, &view, &step, &e), 0);
	want.passive_count = 2;
	ck_assert_int_eq(frr_verify(&state, &view, &step, &e), -EIO);
	ck_assert_ptr_nonnull(strstr(e.text, "ip ospf passive of lan1"));
	want.passive_count = 0;
	ck_assert_int_eq(frr_verify(&state, &view, &step, &e), -EIO);
	make_ospf(&want, 1, 1);
	ck_assert_int_eq(frr_verify(&state, &view, &step, &e), -EIO);
	make_ospf(&want, 2, 1);
	ck_assert_int_eq(addr_parse4("0.0.0.9", &want.area), 0);
	ck_assert_int_eq(frr_verify(&state, &view, &step, &e), -EIO);
	ck_assert_ptr_nonnull(strstr(e.text, "network 10."));
	make_ospf(&want, 2, 1);
	ck_assert_int_eq(addr_parse4("1.2.3.4", &want.router_id), 0);
	ck_assert_int_eq(frr_verify(&state, &view, &step, &e), -EIO);
	make_step(STEP_DELETE, false, true);
	ck_assert_int_eq(frr_verify(&state, &view, &step, &e), -EIO);
	step.key = none;
	ck_assert_int_eq(frr_verify(&state, &view, &step, &e), 0);
}
END_TEST

START_TEST(verify_names_the_operators_area_lines)
{
	read_text("interface lan0 vrf red\n ip ospf area 0.0.0.0\nexit\n"
			  "router ospf vrf red\n ospf router-id 10.255.0.1\nexit\n");
	make_ospf(&want, 1, 0);
	make_step(STEP_CREATE, true, false);
	ck_assert_int_eq(frr_verify(&state, &view, &step, &e), -EIO);
	ck_assert_ptr_nonnull(strstr(e.text, "interface lan0"));
	ck_assert_ptr_nonnull(strstr(e.text, "ip ospf area"));
}
END_TEST

START_TEST(verify_of_links)
{
	read_all();
	make_link_step();
	ck_assert_int_eq(frr_verify(&state, &view, &step, &e), 0);
	link_want.cost = 31;
	ck_assert_int_eq(frr_verify(&state, &view, &step, &e), -EIO);
	link_want.cost = 30;
	link_want.dead = 9;
	ck_assert_int_eq(frr_verify(&state, &view, &step, &e), -EIO);
	link_want.dead = 8;
	link_want.point_to_point = false;
	ck_assert_int_eq(frr_verify(&state, &view, &step, &e), -EIO);
	link_want.vrf = red;
	ck_assert_int_eq(frr_verify(&state, &view, &step, &e), 0);
}
END_TEST

START_TEST(complaints_find_their_line)
{
	char out[200];
	size_t len;
	char *said = fixture("complaints.txt", &len);

	frr_complaint(said, 1, 1, out);
	ck_assert_str_eq(out, "");
	frr_complaint(said, 2, 3, out);
	ck_assert_str_eq(out, "line 2: % Unknown command[41]:  bogus");
	frr_complaint(said, 3, 5, out);
	ck_assert_str_eq(out, "Can't find specified network area configuration. "
					 "line 4: Failure to communicate[13] to ospfd, line:  no "
					 "network 10.77.0.0/16 area 0.0.0.0");
	frr_complaint(said, 6, 9, out);
	ck_assert_ptr_nonnull(strstr(out, "remove all network commands first"));
	frr_complaint("line 3", 1, 9, out);
	ck_assert_str_eq(out, "");
	frr_complaint("line 99999999999999999999: x\nline x: y\n", 1, 9, out);
	ck_assert_str_eq(out, "");
}
END_TEST

int main(void)
{
	TCase *tc = tcase_create("frr_text");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, real_output_is_read);
	tcase_add_test(tc, other_vrfs_are_not_reported);
	tcase_add_test(tc, several_areas_are_none);
	tcase_add_test(tc, passive_counts_in_its_vrf);
	tcase_add_test(tc, a_passive_tunnel_counts);
	tcase_add_loop_test(tc, odd_output_does_no_harm, 0,
						(int)COUNT(odd_configs));
	tcase_add_loop_test(tc, json_that_is_none_is_an_error, 0,
						(int)COUNT(bad_json));
	tcase_add_test(tc, every_cut_of_real_output);
	tcase_add_test(tc, json_walk_sees_everything);
	tcase_add_test(tc, create_says_all);
	tcase_add_test(tc, delete_leaves_nothing);
	tcase_add_test(tc, update_says_what_differs);
	tcase_add_test(tc, another_area_moves_every_network);
	tcase_add_test(tc, another_router_id_is_another_instance);
	tcase_add_test(tc, links_that_are_down_are_not_reported);
	tcase_add_test(tc, link_lines_only_where_it_differs);
	tcase_add_loop_test(tc, hostile_names_never_reach_vtysh, 0,
						(int)COUNT(hostile));
	tcase_add_test(tc, names_of_our_links);
	tcase_add_test(tc, verify_finds_what_is_missing);
	tcase_add_test(tc, verify_names_the_operators_area_lines);
	tcase_add_test(tc, verify_of_links);
	tcase_add_test(tc, complaints_find_their_line);
	return run_case(tc, "frr_text");
}
