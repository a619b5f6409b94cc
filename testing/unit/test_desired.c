/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * test_desired.c - document and facts to resources
 */
#include "config.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "agent/desired.h"
#include "agent/plan.h"
#include "alloc.h"
#include "run.h"

static struct conf_vpn places[] = {
	{ .place = (char*)"acme/corp", .vrf = (char*)"corp", .table = 1001,
	  .lan = { (char*)"eth1", (char*)"eth2" } },
};
static struct conf conf = {
	.mark_base = 0x70ff0000, .rule_pref = 100, .vpns = places, .vpn_count = 1,
};

static struct model_profile profile = { .name = (char*)"default" };
static struct model_key key = { .key_id = (char*)"g1", .secret.len = 32 };
static struct model_peer peers[] = {
	{ .peer = (char*)"lyon", .identity = (char*)"lyon.x.y",
	  .keys = &key, .key_count = 1, .profile = &profile },
	{ .peer = (char*)"nice", .identity = (char*)"nice.x.y",
	  .keys = &key, .key_count = 1, .profile = &profile },
};
static struct model_vpn vpns[] = {
	{ .customer = (char*)"acme", .vpn = (char*)"corp", .site = (char*)"paris",
	  .identity = (char*)"paris.x.y", .mtu = 1400,
	  .ospf = { .hello_interval = 10, .dead_interval = 40, .cost = 10 },
	  .peers = peers, .peer_count = 2 },
	{ .customer = (char*)"acme", .vpn = (char*)"lab", .site = (char*)"paris",
	  .identity = (char*)"paris.l.y", .mtu = 1400 },
};
static struct model_document doc = {
	.ce = (char*)"acme/paris-r1", .vpns = vpns, .vpn_count = 1,
};

static struct arena *arena;
static struct resource_set have;
static struct facts facts;
static struct desired wish;

#define P1 "ppvpn:acme:corp:lyon"
#define P2 "ppvpn:acme:corp:nice"

static void setup(void)
{
	arena = arena_new();
	resource_set_init(&have, arena);
	memset(&facts, 0, sizeof(facts));
	peers[0].remote_address = addr_from_u32(0xc0000209);
	peers[1].remote_address = addr_from_u32(0xc000020d);
	vpns[0].ce_address = vpns[1].ce_address = addr_from_u32(0xc0000205);
	vpns[0].router_id = vpns[1].router_id = addr_from_u32(0x0aff0001);
	vpns[0].peer_count = 2;
	doc.vpn_count = 1;
	doc.state = MODEL_ACTIVE;
	facts.local_rule_first = true;
	facts_add_link(&facts, arena, "eth1", false);
}

static void build(const struct model_document *d, const char *group)
{
	facts_sort(&facts);
	desired_build(&conf, d, group, &have, &facts, arena, &wish);
	resource_set_sort(&wish.want);
}

static void teardown(void)
{
	desired_done(&wish);
	resource_set_done(&have);
	facts_done(&facts);
	arena_free(arena);
}

static const struct res_link *link_of(const char *conn)
{
	const struct resource *r = resource_find(&wish.want, RES_LINK, conn);

	ck_assert_ptr_nonnull(r);
	return r->spec;
}

static void have_link(const char *conn, const char *name, uint32_t mark,
					  enum resource_origin origin)
{
	struct res_link spec = {
		.name = (char*)name, .driver = "vti", .mark = mark, .up = true,
		.local = addr_from_u32(1), .remote = addr_from_u32(2),
	};

	resource_link(&have, origin, conn, &spec);
	facts_add_link(&facts, arena, name, origin == RES_OURS);
}

START_TEST(everything_for_two_peers)
{
	const struct res_ospf *ospf;

	build(&doc, NULL);
	ck_assert_str_eq(link_of(P1)->name, "ppv1");
	ck_assert_str_eq(link_of(P2)->name, "ppv2");
	ck_assert_uint_eq(link_of(P2)->mark, 0x70ff0002);
	ck_assert(!link_of(P1)->up);
	ck_assert_ptr_nonnull(resource_find(&wish.want, RES_CONN, P1));
	ck_assert_ptr_nonnull(resource_find(&wish.want, RES_VRF, "acme/corp"));
	ck_assert_ptr_nonnull(resource_find(&wish.want, RES_RULE, "100 254"));
	ck_assert_ptr_nonnull(resource_find(&wish.want, RES_RULE, "32765 255"));
	ck_assert_ptr_null(resource_find(&wish.want, RES_RULE, "0 255"));
	ck_assert_ptr_nonnull(resource_find(&wish.want, RES_ROUTE,
										"1001 unreachable default"));
	ck_assert_ptr_nonnull(resource_find(&wish.want, RES_MEMBER, "eth1"));
	/* not there yet */
	ck_assert_ptr_null(resource_find(&wish.want, RES_MEMBER, "eth2"));
	ospf = resource_find(&wish.want, RES_OSPF, "corp")->spec;
	ck_assert_uint_eq(ospf->network_count, 1);
	ck_assert_uint_eq(ospf->passive_count, 1);
	ck_assert_uint_eq(wish.error_count, 0);
}
END_TEST

/* ---- the firewall ------------------------------------------------------------ */

static const struct res_firewall *firewall(enum conf_firewall mode,
										   bool possible, const char *link)
{
	struct prefix own = { .addr = vpns[0].ce_address, .len = 30 };
	const struct resource *r;

	if (link)
	{
		facts_add_address(&facts, arena, link, &own);
	}
	facts.firewall_possible = possible;
	conf.firewall.mode = mode;
	build(&doc, NULL);
	conf.firewall.mode = CONF_FIREWALL_OFF;
	r = resource_find(&wish.want, RES_FIREWALL, FIREWALL_KEY);
	return r ? r->spec : NULL;
}

START_TEST(a_firewall_where_there_can_be_one)
{
	const struct res_firewall *f = firewall(CONF_FIREWALL_ENFORCE, true, "eth0");

	ck_assert_ptr_nonnull(f);
	ck_assert_str_eq(f->mode, "enforce");
	ck_assert_ptr_nonnull(strstr(f->text, "192.0.2.9, 192.0.2.13"));
	ck_assert_uint_eq(wish.error_count, 0);
}
END_TEST

START_TEST(no_firewall)
{
	ck_assert_ptr_null(firewall(CONF_FIREWALL_OFF, true, "eth0"));
	ck_assert_uint_eq(wish.error_count, 0);
}
END_TEST

/* Who only wants to be told needs not be told that this kernel cannot. */
START_TEST(a_kernel_without)
{
	ck_assert_ptr_null(firewall(_i ? CONF_FIREWALL_ENFORCE :
								CONF_FIREWALL_LOG_ONLY, false, "eth0"));
	ck_assert_uint_eq(wish.error_count, (unsigned)_i);
	ck_assert(!_i || wish.errors[0].err.code == ERR_FIREWALL);
}
END_TEST

/* Between two addresses, what there is stays: an enforced one above all. */
START_TEST(kept_while_the_way_is_not_known)
{
	static const struct res_firewall before = {
		.mode = "enforce", .digest = "abc",
	};
	const struct res_firewall *f;

	resource_firewall(&have, RES_OURS, &before);
	f = firewall(CONF_FIREWALL_ENFORCE, true, NULL);
	ck_assert_ptr_nonnull(f);
	ck_assert_str_eq(f->digest, "abc");
	ck_assert_uint_eq(wish.error_count, 1);
}
END_TEST

START_TEST(gone_with_the_last_vpn)
{
	struct model_document none = { .state = MODEL_DEPROVISIONED };

	facts.firewall_possible = true;
	conf.firewall.mode = CONF_FIREWALL_ENFORCE;
	build(&none, NULL);
	conf.firewall.mode = CONF_FIREWALL_OFF;
	ck_assert_ptr_null(resource_find(&wish.want, RES_FIREWALL, FIREWALL_KEY));
}
END_TEST

/* ---- certificates ---------------------------------------------------------- */

static char *const certified[] = { (char*)"other/lab", (char*)"acme/corp" };

static const char *conn_text(const char *conn)
{
	const struct resource *r = resource_find(&wish.want, RES_CONN, conn);

	ck_assert_ptr_nonnull(r);
	return ((const struct res_conn*)r->spec)->json;
}

/* lyon by certificate or key, nice by certificate alone */
static void certify(bool issued, bool ours)
{
	static char *authority[] = { (char*)"Q0E=" };

	vpns[0].certificate = (struct model_certificate){
		.cert_data = issued ? (char*)"T1dO" : NULL, .ca_data = authority,
		.ca_count = 1,
	};
	peers[0].certificate = peers[1].certificate = issued;
	peers[0].certificate_use = MODEL_SEND_AND_ACCEPT;
	key.use = issued ? MODEL_ACCEPT_ONLY : MODEL_SEND_AND_ACCEPT;
	peers[1].certificate_use = MODEL_SEND_AND_ACCEPT;
	peers[1].key_count = issued ? 0 : 1;
	facts.ike_key = "KEY";
	facts.certified = certified;
	facts.certified_count = ours ? 2 : 1;
}

static void uncertify(void)
{
	memset(&vpns[0].certificate, 0, sizeof(vpns[0].certificate));
	peers[0].certificate = peers[1].certificate = false;
	peers[1].key_count = 1;
	key.use = MODEL_SEND_AND_ACCEPT;
}

START_TEST(certificates_of_our_key_are_used)
{
	const struct resource *r;

	certify(true, true);
	build(&doc, NULL);
	uncertify();
	r = resource_find(&wish.want, RES_CREDENTIALS, "acme/corp");
	ck_assert_ptr_nonnull(r);
	ck_assert_ptr_nonnull(strstr(((const struct res_credentials*)r->spec)->json,
								 "KEY"));
	ck_assert_ptr_nonnull(strstr(conn_text(P1), "\"use\":\"accept-only\""));
	ck_assert_ptr_nonnull(strstr(conn_text(P1), "\"credentials\""));
	ck_assert_ptr_null(strstr(conn_text(P2), "pre-shared"));
	ck_assert_uint_eq(wish.error_count, 0);
}
END_TEST

/* not of our key; charon takes none; none was issued */
START_TEST(without_a_certificate_the_key_is_sent)
{
	certify(_i != 2, _i != 0);
	if (_i == 1)
	{
		facts.ike_key = NULL;
	}
	build(&doc, NULL);
	uncertify();
	ck_assert_ptr_null(resource_find(&wish.want, RES_CREDENTIALS, "acme/corp"));
	ck_assert_ptr_nonnull(strstr(conn_text(P1), "\"use\":\"send-and-accept\""));
	ck_assert_ptr_null(strstr(conn_text(P1), "\"credentials\""));
	if (_i == 2)
	{	/* nobody asked for one yet */
		ck_assert_uint_eq(wish.error_count, 0);
		return;
	}
	ck_assert_ptr_null(resource_find(&wish.want, RES_CONN, P2));
	ck_assert_uint_eq(wish.error_count, 1);
	ck_assert_str_eq(wish.errors[0].resource, P2);
	ck_assert_int_eq(wish.errors[0].err.code, ERR_NO_CERTIFICATE);
}
END_TEST

START_TEST(lan_networks_are_announced)
{
	struct prefix p = { .addr = addr_from_u32(0x0a010001), .len = 24 };
	const struct res_ospf *ospf;
	char buf[PREFIX_TEXT_MAX];

	facts_add_address(&facts, arena, "eth1", &p);
	p.addr = addr_from_u32(0xc0000205);
	facts_add_address(&facts, arena, "eth0", &p);
	build(&doc, NULL);
	ospf = resource_find(&wish.want, RES_OSPF, "corp")->spec;
	ck_assert_uint_eq(ospf->network_count, 2);
	ck_assert_str_eq(prefix_str(&ospf->networks[0], buf), "10.1.0.0/24");
}
END_TEST

START_TEST(names_and_marks_are_recovered)
{
	have_link(P2, "ppv1", 0x70ff0001, RES_OURS);
	struct res_rule rule = {
		.pref = 50, .table = 77, .fwmark = 0x70ff0003, .fwmask = 0xffffffff,
	};

	have_link("ppv2", "ppv2", 5, RES_FOREIGN);
	resource_rule(&have, RES_FOREIGN, &rule);
	build(&doc, NULL);
	ck_assert_str_eq(link_of(P2)->name, "ppv1");
	ck_assert_str_eq(link_of(P1)->name, "ppv4");
}
END_TEST

static void have_sa(const char *conn, const char *remote_id, uint32_t remote,
					uint32_t mark)
{
	struct res_sa sa = {
		.conn = (char*)conn, .local = addr_from_u32(0xc0000205),
		.remote = addr_from_u32(remote), .local_id = (char*)"paris.x.y",
		.remote_id = (char*)remote_id, .mark = mark,
	};

	resource_sa(&have, RES_OURS, &sa);
}

/* All links were deleted by hand, and had not been made in this order: with
 * another mark each would lead into the other's SA. */
START_TEST(a_link_that_went_comes_back_to_its_sa)
{
	struct plan plan;

	have_sa(P1, "lyon.x.y", 0xc0000209, 0x70ff0002);
	have_sa(P2, "nice.x.y", 0xc000020d, 0x70ff0001);
	build(&doc, NULL);
	ck_assert_str_eq(link_of(P1)->name, "ppv2");
	ck_assert_uint_eq(link_of(P1)->mark, 0x70ff0002);
	ck_assert_str_eq(link_of(P2)->name, "ppv1");
	plan_build(&wish.want, &have, RES_BIT(RES_SA), NULL, &plan);
	ck_assert_uint_eq(plan.count, 0);
	plan_done(&plan);
}
END_TEST

/* The number is somebody's now: the SA is of no use to the new link. */
START_TEST(an_sa_with_anothers_mark_goes)
{
	struct plan plan;

	have_link("ppv2", "ppv2", 5, RES_FOREIGN);
	have_sa(P1, "lyon.x.y", 0xc0000209, 0x70ff0002);
	build(&doc, NULL);
	ck_assert_str_eq(link_of(P1)->name, "ppv1");
	plan_build(&wish.want, &have, RES_BIT(RES_SA), NULL, &plan);
	ck_assert_uint_eq(plan.count, 1);
	ck_assert_int_eq(plan.steps[0].op, STEP_DELETE);
	ck_assert_str_eq(plan.steps[0].key, P1);
	plan_done(&plan);
}
END_TEST

/* Flushed by hand: charon is told to negotiate again. */
START_TEST(an_sa_that_the_kernel_lacks_goes)
{
	struct res_sa sa = {
		.conn = (char*)P1, .local = addr_from_u32(0xc0000205),
		.remote = addr_from_u32(0xc0000209), .local_id = (char*)"paris.x.y",
		.remote_id = (char*)"lyon.x.y", .mark = 0x70ff0001, .lost = true,
	};
	struct plan plan;

	resource_sa(&have, RES_OURS, &sa);
	build(&doc, NULL);
	plan_build(&wish.want, &have, RES_BIT(RES_SA), NULL, &plan);
	ck_assert_uint_eq(plan.count, 1);
	ck_assert_int_eq(plan.steps[0].op, STEP_DELETE);
	plan_done(&plan);
}
END_TEST

START_TEST(a_link_with_a_new_name_keeps_its_mark)
{
	have_link(P2, "foo", 0x70ff0007, RES_OURS);
	build(&doc, NULL);
	ck_assert_str_eq(link_of(P2)->name, "ppv7");
	ck_assert_uint_eq(link_of(P2)->mark, 0x70ff0007);
}
END_TEST

START_TEST(a_tunnel_may_have_a_cost_of_its_own)
{
	struct res_ospf_link shown = { .vrf = (char*)"corp", .cost = 1 };
	const struct res_ospf_link *l;

	have_link(P1, "ppv1", 0x70ff0001, RES_OURS);
	have_link(P2, "ppv2", 0x70ff0002, RES_OURS);
	shown.link = (char*)"ppv1";
	resource_ospf_link(&have, RES_OURS, P1, &shown);
	shown.link = (char*)"ppv2";
	resource_ospf_link(&have, RES_OURS, P2, &shown);
	peers[1].cost = 77;
	build(&doc, NULL);
	peers[1].cost = 0;
	l = resource_find(&wish.want, RES_OSPF_LINK, "ppv1")->spec;
	ck_assert_uint_eq(l->cost, 10);
	l = resource_find(&wish.want, RES_OSPF_LINK, "ppv2")->spec;
	ck_assert_uint_eq(l->cost, 77);
}
END_TEST

/* what a hub wants of a link, by what the document says of both ends */
static const struct {
	int topology, role, peer;
	enum res_fence fence;
} fences[] = {
	{ MODEL_ANY_TO_ANY, MODEL_ANY_TO_ANY_ROLE, 0, RES_FENCE_NONE },
	{ MODEL_CUSTOM, MODEL_CUSTOM_ROLE, MODEL_CUSTOM_ROLE, RES_FENCE_NONE },
	{ MODEL_HUB_SPOKE, MODEL_HUB_ROLE, MODEL_SPOKE_ROLE, RES_FENCE_NONE },
	{ MODEL_HUB_SPOKE, MODEL_SPOKE_ROLE, MODEL_HUB_ROLE, RES_FENCE_NONE },
	{ MODEL_HUB_SPOKE_DISJOINT, MODEL_SPOKE_ROLE, MODEL_HUB_ROLE,
	  RES_FENCE_NONE },
	{ MODEL_HUB_SPOKE_DISJOINT, MODEL_HUB_ROLE, MODEL_SPOKE_ROLE,
	  RES_FENCE_SPOKE },
	{ MODEL_HUB_SPOKE_DISJOINT, MODEL_HUB_ROLE, MODEL_HUB_ROLE, RES_FENCE_HUB },
	/* the document does not say what the peer is: not open, then */
	{ MODEL_HUB_SPOKE_DISJOINT, MODEL_HUB_ROLE, 0, RES_FENCE_SPOKE },
};

START_TEST(a_disjoint_hub_fences_its_links)
{
	vpns[0].topology = fences[_i].topology;
	vpns[0].role = fences[_i].role;
	peers[0].role = fences[_i].peer;
	build(&doc, NULL);
	vpns[0].topology = vpns[0].role = peers[0].role = 0;
	ck_assert_int_eq(link_of(P1)->fence, fences[_i].fence);
	ck_assert_uint_eq(link_of(P1)->fence_mark, 0x70ff0000);
	/* no tunnel's mark, not that of encrypted packets */
	ck_assert_uint_ne(desired_mark_spoke(&conf), desired_mark_out(&conf));
	ck_assert_uint_gt(link_of(P1)->mark, desired_mark_spoke(&conf));
}
END_TEST

START_TEST(up_follows_the_sa)
{
	facts_add_sa(&facts, arena, P2)->installed = 1;
	facts_add_sa(&facts, arena, P1);
	build(&doc, NULL);
	ck_assert(!link_of(P1)->up);
	ck_assert(link_of(P2)->up);
}
END_TEST

START_TEST(up_stays_while_nobody_can_tell)
{
	have_link(P1, "ppv1", 0x70ff0001, RES_OURS);
	facts.unknown_kinds = RES_BIT(RES_SA);
	build(&doc, NULL);
	ck_assert(link_of(P1)->up);
	ck_assert(!link_of(P2)->up);
}
END_TEST

START_TEST(an_sa_being_negotiated_is_not_an_old_one)
{
	struct res_sa sa = {
		.conn = (char*)P1, .local = addr_from_u32(0xc0000205),
		.remote = addr_from_u32(0xc0000209), .local_id = (char*)"paris.x.y",
		.remote_id = (char*)"",
	};
	struct plan plan;

	resource_sa(&have, RES_OURS, &sa);
	build(&doc, NULL);
	plan_build(&wish.want, &have, RES_BIT(RES_SA), NULL, &plan);
	ck_assert_uint_eq(plan.count, 0);
	plan_done(&plan);
	desired_done(&wish);
	sa.remote_id = (char*)"other.x.y";
	resource_set_done(&have);
	resource_sa(&have, RES_OURS, &sa);
	build(&doc, NULL);
	plan_build(&wish.want, &have, RES_BIT(RES_SA), NULL, &plan);
	ck_assert_uint_eq(plan.count, 1);
	ck_assert_int_eq(plan.steps[0].op, STEP_DELETE);
	plan_done(&plan);
}
END_TEST

/* zebra missed the address: ospfd was told its network and lacks the link */
START_TEST(a_link_that_ospfd_lacks_is_announced)
{
	struct res_ospf ospf = { .vrf = (char*)"corp" };

	have_link(P1, "ppv1", 0x70ff0001, RES_OURS);
	have_link(P2, "ppv2", 0x70ff0002, RES_OURS);
	facts_add_sa(&facts, arena, P1)->installed = 1;
	facts_add_sa(&facts, arena, P2)->installed = 1;
	facts_add_ospf_link(&facts, arena, "ppv2");
	build(&doc, NULL);
	ck_assert(!link_of(P1)->announce);		/* no instance yet */
	desired_done(&wish);
	resource_ospf(&have, RES_OURS, &ospf);
	build(&doc, NULL);
	ck_assert(link_of(P1)->announce);
	ck_assert(!link_of(P2)->announce);
	desired_done(&wish);
	facts.unknown_kinds = RES_BIT(RES_OSPF);
	build(&doc, NULL);
	ck_assert(!link_of(P1)->announce);
}
END_TEST

START_TEST(one_connection_only)
{
	have_link(P1, "ppv7", 0x70ff0007, RES_OURS);
	facts_add_sa(&facts, arena, P1)->installed = 1;
	build(&doc, P1);
	ck_assert_uint_eq(wish.want.count, 2);
	ck_assert_str_eq(link_of(P1)->name, "ppv7");
	ck_assert(link_of(P1)->up);
	ck_assert_ptr_nonnull(resource_find(&wish.want, RES_SA, P1));
}
END_TEST

START_TEST(one_connection_without_its_link)
{
	build(&doc, P1);
	ck_assert_uint_eq(wish.want.count, 0);
}
END_TEST

START_TEST(unplaced_vpn_is_an_error_of_its_own)
{
	doc.vpn_count = 2;
	build(&doc, NULL);
	ck_assert_uint_eq(wish.error_count, 1);
	ck_assert_int_eq(wish.errors[0].err.code, ERR_VPN_UNCONFIGURED);
	ck_assert_str_eq(wish.errors[0].resource, "acme/lab");
	ck_assert_ptr_nonnull(resource_find(&wish.want, RES_LINK, P1));
}
END_TEST

START_TEST(nothing_is_wanted_without_a_document)
{
	build(NULL, NULL);
	ck_assert_uint_eq(wish.want.count, 0);
}
END_TEST

START_TEST(suspended_keeps_the_vrf_and_no_tunnel)
{
	have_link(P1, "ppv1", 0x70ff0001, RES_OURS);
	doc.state = MODEL_SUSPENDED;
	vpns[0].peer_count = 0;
	build(&doc, NULL);
	ck_assert_ptr_nonnull(resource_find(&wish.want, RES_VRF, "acme/corp"));
	ck_assert_ptr_nonnull(resource_find(&wish.want, RES_MEMBER, "eth1"));
	ck_assert_ptr_nonnull(resource_find(&wish.want, RES_OSPF, "corp"));
	ck_assert_ptr_null(resource_find(&wish.want, RES_LINK, P1));
	ck_assert_ptr_null(resource_find(&wish.want, RES_CONN, P1));
}
END_TEST

START_TEST(deprovisioned_puts_the_local_rule_back)
{
	struct res_rule moved = { .pref = 32765, .table = 255 };

	resource_rule(&have, RES_OURS, &moved);
	doc.state = MODEL_DEPROVISIONED;
	build(&doc, NULL);
	ck_assert_uint_eq(wish.want.count, 1);
	ck_assert_str_eq(wish.want.items[0].key, "0 255");
}
END_TEST

START_TEST(the_vrf_rule_is_put_back)
{
	struct res_vrf vrf = { .name = (char*)"corp", .table = 1001 };

	build(&doc, NULL);		/* the kernel makes it with the first VRF */
	ck_assert_ptr_null(resource_find(&wish.want, RES_RULE, "1000 0"));
	desired_done(&wish);
	resource_vrf(&have, RES_OURS, "acme/corp", &vrf);
	build(&doc, NULL);
	ck_assert_ptr_nonnull(resource_find(&wish.want, RES_RULE, "1000 0"));
	desired_done(&wish);
	facts.l3mdev_rule = true;
	build(&doc, NULL);
	ck_assert_ptr_null(resource_find(&wish.want, RES_RULE, "1000 0"));
}
END_TEST

START_TEST(sysctls_are_only_raised)
{
	struct res_sysctl low = { "net/ipv4/igmp_max_memberships", (char*)"20" };
	struct res_sysctl high = { "net/core/optmem_max", (char*)"9999999" };
	const struct res_sysctl *s;

	resource_sysctl(&have, RES_OURS, &low);
	resource_sysctl(&have, RES_OURS, &high);
	build(&doc, NULL);
	s = resource_find(&wish.want, RES_SYSCTL, low.path)->spec;
	ck_assert_str_eq(s->value, "4096");
	s = resource_find(&wish.want, RES_SYSCTL, high.path)->spec;
	ck_assert_str_eq(s->value, "9999999");
	ck_assert_ptr_null(resource_find(&wish.want, RES_SYSCTL,
									 "net/ipv4/ip_forward"));
}
END_TEST

START_TEST(equal_secrets_equal_tags)
{
	const struct resource *r;
	char first[80];

	build(&doc, NULL);
	r = resource_find(&wish.want, RES_CONN, P1);
	snprintf(first, sizeof(first), "%s", r->attrs[0].value);
	ck_assert_uint_eq(strlen(first), 64);
	desired_done(&wish);
	build(&doc, NULL);
	r = resource_find(&wish.want, RES_CONN, P1);
	ck_assert_str_eq(first, r->attrs[0].value);
	desired_done(&wish);
	key.secret.bytes[3] ^= 1;
	build(&doc, NULL);
	key.secret.bytes[3] ^= 1;
	r = resource_find(&wish.want, RES_CONN, P1);
	ck_assert_str_ne(first, r->attrs[0].value);
}
END_TEST

/* Keys that change are a change of the connection: its SA and its link stay. */
START_TEST(a_key_that_changes_touches_no_sa)
{
	struct model_key keys[2] = { key, key };
	struct desired before;
	struct plan plan;
	int step;

	keys[0].key_id = (char*)"g2";
	keys[0].secret.bytes[0] = 7;
	have_sa(P1, "lyon.x.y", 0xc0000209, 0x70ff0001);
	build(&doc, NULL);
	/* accept, send, forget */
	for (step = 0; step < 3; step++)
	{
		before = wish;
		peers[0].keys = keys;
		peers[0].key_count = step < 2 ? 2 : 1;
		keys[0].use = step ? MODEL_SEND_AND_ACCEPT : MODEL_ACCEPT_ONLY;
		keys[1].use = step ? MODEL_ACCEPT_ONLY : MODEL_SEND_AND_ACCEPT;
		build(&doc, NULL);
		peers[0].keys = &key;
		peers[0].key_count = 1;
		plan_build(&wish.want, &before.want, RES_BIT(RES_CONN) |
				   RES_BIT(RES_SA) | RES_BIT(RES_LINK) |
				   RES_BIT(RES_OSPF_LINK), NULL, &plan);
		ck_assert_uint_eq(plan.count, 1);
		ck_assert_int_eq(plan.steps[0].op, STEP_UPDATE);
		ck_assert_int_eq(plan.steps[0].want->kind, RES_CONN);
		ck_assert_str_eq(plan.steps[0].key, P1);
		plan_done(&plan);
		desired_done(&before);
	}
}
END_TEST

/* A number that an SA still has is nobody else's, nor is one that a name or a mark
 * of somebody has. */
START_TEST(numbers_in_use)
{
	struct res_rule out = { .pref = 100, .table = 254, .fwmark = 0x70ffffff };

	have_sa(P2, "nice.x.y", 0xc000020d, 0x70ff0001);
	have_link("ppvx", "ppvx", 5, RES_FOREIGN);		/* no number */
	resource_rule(&have, RES_OURS, &out);			/* no tunnel's */
	build(&doc, NULL);
	ck_assert_str_eq(link_of(P1)->name, "ppv2");
	ck_assert_str_eq(link_of(P2)->name, "ppv1");
	ck_assert_str_eq(link_of(P2)->driver, "vti");
}
END_TEST

/* What has the name of ours and is not, is not taken for ours. */
START_TEST(not_ours_tells_nothing)
{
	struct res_sa sa = {
		.conn = (char*)P1, .mark = 0x70ff0009, .remote_id = (char*)"lyon.x.y",
	};

	have_link(P1, "ppv7", 0x70ff0007, RES_FOREIGN);
	resource_sa(&have, RES_FOREIGN, &sa);
	build(&doc, NULL);
	ck_assert_str_eq(link_of(P1)->name, "ppv1");
}
END_TEST

/* Renamed by hand, and somebody has the name that goes with its mark. */
START_TEST(a_renamed_link_whose_name_is_taken)
{
	have_link(P2, "foo", 0x70ff0007, RES_OURS);
	have_link("ppv7", "ppv7", 5, RES_FOREIGN);
	build(&doc, NULL);
	ck_assert_str_eq(link_of(P2)->name, "ppv2");
	ck_assert_uint_eq(link_of(P2)->mark, 0x70ff0002);
}
END_TEST

START_TEST(no_number_is_left)
{
	char name[16];

	for (unsigned n = 1; n <= 0xfffe; n++)
	{
		if (n != 65000)
		{
			snprintf(name, sizeof(name), "ppv%u", n);
			facts_add_link(&facts, arena, name, false);
		}
	}
	build(&doc, NULL);
	ck_assert_str_eq(link_of(P1)->name, "ppv65000");
	ck_assert_ptr_null(resource_find(&wish.want, RES_LINK, P2));
	ck_assert_ptr_null(resource_find(&wish.want, RES_CONN, P2));
	ck_assert_uint_eq(wish.error_count, 1);
	ck_assert_int_eq(wish.errors[0].err.code, ERR_LIMIT);
	ck_assert_str_eq(wish.errors[0].resource, P2);
}
END_TEST

START_TEST(down_stays_while_nobody_can_tell)
{
	struct res_link spec = {
		.name = (char*)"ppv1", .driver = "vti", .mark = 0x70ff0001,
	};
	struct res_ospf ospf = { .vrf = (char*)"corp" };

	resource_link(&have, RES_OURS, P1, &spec);
	resource_ospf(&have, RES_OURS, &ospf);
	facts.unknown_kinds = RES_BIT(RES_SA);
	build(&doc, NULL);
	ck_assert(!link_of(P1)->up);
	/* and what is down needs no announcing, even when its SA is up now */
	desired_done(&wish);
	facts.unknown_kinds = 0;
	facts_add_sa(&facts, arena, P1)->installed = 1;
	build(&doc, NULL);
	ck_assert(link_of(P1)->up && !link_of(P1)->announce);
}
END_TEST

/* charon has no address of its own yet. */
START_TEST(an_sa_without_an_end)
{
	struct res_sa sa = {
		.conn = (char*)P1, .remote = addr_from_u32(0xc0000209),
		.local_id = (char*)"", .remote_id = (char*)"",
	};
	struct plan plan;

	resource_sa(&have, RES_OURS, &sa);
	build(&doc, NULL);
	plan_build(&wish.want, &have, RES_BIT(RES_SA), NULL, &plan);
	ck_assert_uint_eq(plan.count, 0);
	plan_done(&plan);
}
END_TEST

START_TEST(a_network_is_announced_once)
{
	struct prefix p = { .addr = addr_from_u32(0x0a010001), .len = 24 };

	facts_add_address(&facts, arena, "eth1", &p);
	p.addr = addr_from_u32(0x0a010002);
	facts_add_address(&facts, arena, "eth1", &p);
	build(&doc, NULL);
	ck_assert_uint_eq(((const struct res_ospf*)resource_find(&wish.want,
					   RES_OSPF, "corp")->spec)->network_count, 2);
}
END_TEST

/* Another's VRF brought the kernel's rule; another's local rule stays moved. */
START_TEST(rules_that_are_not_ours)
{
	struct res_vrf vrf = { .name = (char*)"theirs", .table = 7 };
	struct res_rule moved = { .pref = 32765, .table = 255 };

	resource_vrf(&have, RES_FOREIGN, "theirs", &vrf);
	resource_rule(&have, RES_FOREIGN, &moved);
	build(&doc, NULL);
	ck_assert_ptr_null(resource_find(&wish.want, RES_RULE, "1000 0"));
	desired_done(&wish);
	doc.state = MODEL_DEPROVISIONED;
	build(&doc, NULL);
	ck_assert_uint_eq(wish.want.count, 0);
}
END_TEST

START_TEST(a_sysctl_that_is_no_number)
{
	struct res_sysctl odd = { "net/ipv4/igmp_max_memberships", (char*)"?" };

	resource_sysctl(&have, RES_OURS, &odd);
	build(&doc, NULL);
	ck_assert_str_eq(((const struct res_sysctl*)resource_find(&wish.want,
					  RES_SYSCTL, odd.path)->spec)->value, "4096");
}
END_TEST

/* One connection of which the document, agent.conf or the name says nothing. */
static const struct {
	const char *conn, *link;
	bool doc, other_customer, no_peers;
	size_t vpns;
} unknown[] = {
	{ P1, "ppv7", false, false, false, 1 },
	{ P1, "foo", true, false, false, 1 },
	{ "ppvpn:acme", "ppv7", true, false, false, 1 },
	{ "ppvpn:acme:corp:none", "ppv7", true, false, false, 1 },
	{ "ppvpn:acme:lab:lyon", "ppv7", true, false, false, 2 },
	{ P1, "ppv7", true, true, false, 1 },
	{ P1, "ppv7", true, false, true, 1 },
};

START_TEST(one_connection_of_nobody)
{
	have_link(unknown[_i].conn, unknown[_i].link, 0x70ff0007, RES_OURS);
	doc.vpn_count = unknown[_i].vpns;
	vpns[0].customer = unknown[_i].other_customer ? (char*)"other"
												  : (char*)"acme";
	vpns[0].peer_count = unknown[_i].no_peers ? 0 : 2;
	vpns[1].peers = peers;
	vpns[1].peer_count = 2;
	build(unknown[_i].doc ? &doc : NULL, unknown[_i].conn);
	ck_assert_uint_eq(wish.want.count, 0);
	ck_assert_uint_eq(wish.error_count, 0);
}
END_TEST

const struct conf_vpn *conf_vpn(const struct conf *c, const char *customer,
								const char *vpn)
{
	char place[2 * NAME_SIZE];

	snprintf(place, sizeof(place), "%s/%s", customer, vpn);
	for (size_t i = 0; i < c->vpn_count; i++)
	{
		if (strcmp(c->vpns[i].place, place) == 0)
		{
			return &c->vpns[i];
		}
	}
	return NULL;
}

/* The router's own end is what it has there, not what its peers see. */
START_TEST(behind_nat_tunnels_begin_at_the_source)
{
	const struct addr inside = addr_from_u32(0x0a630002);
	const struct resource *r;

	vpns[0].behind_nat = true;
	/* not known yet: no link with an end that nobody has */
	build(&doc, NULL);
	ck_assert_ptr_null(resource_find(&wish.want, RES_LINK, P1));
	ck_assert_ptr_null(resource_find(&wish.want, RES_CONN, P1));
	desired_done(&wish);
	facts.source = inside;
	build(&doc, NULL);
	ck_assert(addr_equal(&link_of(P1)->local, &inside));
	r = resource_find(&wish.want, RES_CONN, P1);
	ck_assert(addr_equal(&((const struct res_conn*)r->spec)->local, &inside));
	r = resource_find(&wish.want, RES_SA, P2);
	ck_assert(addr_equal(&((const struct res_sa*)r->spec)->local, &inside));
	vpns[0].behind_nat = false;
}
END_TEST

/* No way to anybody: that is no reason to take down what is there. */
START_TEST(behind_nat_without_a_source_links_stay)
{
	vpns[0].behind_nat = true;
	have_link(P1, "ppv1", 0x70ff0001, RES_OURS);
	build(&doc, NULL);
	ck_assert_uint_eq(addr_to_u32(&link_of(P1)->local), 1);
	ck_assert_ptr_null(resource_find(&wish.want, RES_LINK, P2));
	desired_done(&wish);
	build(&doc, P1);
	ck_assert_uint_eq(addr_to_u32(&link_of(P1)->local), 1);
	vpns[0].behind_nat = false;
}
END_TEST

int main(void)
{
	TCase *tc = tcase_create("desired");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, everything_for_two_peers);
	tcase_add_test(tc, a_firewall_where_there_can_be_one);
	tcase_add_test(tc, no_firewall);
	tcase_add_loop_test(tc, a_kernel_without, 0, 2);
	tcase_add_test(tc, kept_while_the_way_is_not_known);
	tcase_add_test(tc, gone_with_the_last_vpn);
	tcase_add_test(tc, behind_nat_tunnels_begin_at_the_source);
	tcase_add_test(tc, behind_nat_without_a_source_links_stay);
	tcase_add_test(tc, certificates_of_our_key_are_used);
	tcase_add_loop_test(tc, without_a_certificate_the_key_is_sent, 0, 3);
	tcase_add_test(tc, lan_networks_are_announced);
	tcase_add_test(tc, names_and_marks_are_recovered);
	tcase_add_test(tc, a_link_that_went_comes_back_to_its_sa);
	tcase_add_test(tc, an_sa_with_anothers_mark_goes);
	tcase_add_test(tc, an_sa_that_the_kernel_lacks_goes);
	tcase_add_test(tc, a_link_with_a_new_name_keeps_its_mark);
	tcase_add_test(tc, a_tunnel_may_have_a_cost_of_its_own);
	tcase_add_loop_test(tc, a_disjoint_hub_fences_its_links, 0,
						sizeof(fences) / sizeof(*fences));
	tcase_add_test(tc, up_follows_the_sa);
	tcase_add_test(tc, up_stays_while_nobody_can_tell);
	tcase_add_test(tc, an_sa_being_negotiated_is_not_an_old_one);
	tcase_add_test(tc, a_link_that_ospfd_lacks_is_announced);
	tcase_add_test(tc, one_connection_only);
	tcase_add_test(tc, one_connection_without_its_link);
	tcase_add_test(tc, unplaced_vpn_is_an_error_of_its_own);
	tcase_add_test(tc, nothing_is_wanted_without_a_document);
	tcase_add_test(tc, suspended_keeps_the_vrf_and_no_tunnel);
	tcase_add_test(tc, deprovisioned_puts_the_local_rule_back);
	tcase_add_test(tc, the_vrf_rule_is_put_back);
	tcase_add_test(tc, sysctls_are_only_raised);
	tcase_add_test(tc, equal_secrets_equal_tags);
	tcase_add_test(tc, a_key_that_changes_touches_no_sa);
	tcase_add_test(tc, numbers_in_use);
	tcase_add_test(tc, not_ours_tells_nothing);
	tcase_add_test(tc, a_renamed_link_whose_name_is_taken);
	tcase_add_test(tc, no_number_is_left);
	tcase_add_test(tc, down_stays_while_nobody_can_tell);
	tcase_add_test(tc, an_sa_without_an_end);
	tcase_add_test(tc, a_network_is_announced_once);
	tcase_add_test(tc, rules_that_are_not_ours);
	tcase_add_test(tc, a_sysctl_that_is_no_number);
	tcase_add_loop_test(tc, one_connection_of_nobody, 0, COUNT(unknown));
	return run_case(tc, "desired");
}
