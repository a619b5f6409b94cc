/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * test_api_admin.c - the admin API: what is asked and changed, and that
 * ppvpn-admin reads what the server writes
 *
 * The real handlers on a real store; only the listener is a stand-in.
 */
#include "config.h"

#include "json_out.h"
#include "server/admin_read.h"
#include "server/api_admin.h"
#include "server/route.h"
#include "store_kit.h"

/* ---- a listener ------------------------------------------------------------- */

struct http_request
{
	const struct http_route *route;
	struct route_target target;
	const char *body;
	void *kept;
	void (*kept_done)(void *kept);
	unsigned waited;
};

/* who asks; root over the Unix socket */
static long asker_uid;
static const uint8_t *asker_key;
static const char *asker_uri;

const char *http_request_segment(struct http_request *req, const char *name)
{
	return route_segment(req->route->path, &req->target, name);
}

const char *http_request_query(struct http_request *req, const char *name)
{
	return route_query(&req->target, name);
}

const char *http_request_body(struct http_request *req, size_t *len)
{
	*len = req->body ? strlen(req->body) : 0;
	return req->body;
}

long http_request_uid(struct http_request *req)
{
	return asker_uid;
}

bool http_request_key(struct http_request *req, uint8_t hash[32])
{
	if (asker_key)
	{
		memcpy(hash, asker_key, 32);
	}
	return asker_key != NULL;
}

const char *http_request_key_uri(struct http_request *req)
{
	return asker_uri;
}

const struct http_route *http_request_route(struct http_request *req)
{
	return req->route;
}

void http_request_keep(struct http_request *req, void *thing,
					   void (*done)(void *thing))
{
	req->kept = thing;
	req->kept_done = done;
}

void *http_request_kept(struct http_request *req)
{
	return req->kept;
}

const char *http_request_peer(struct http_request *req)
{
	return asker_key ? "192.0.2.77" : "unix:uid=0";
}

void http_response_error(struct http_response *r, unsigned status,
						 const struct err *err)
{
	struct json_out o = { 0 };
	struct text text;

	jo_object(&o, NULL);
	jo_err(&o, "error", err);
	jo_object_end(&o);
	text = jo_take(&o);
	r->status = status;
	r->body_len = text.len;
	r->body = text_take(&text);
}

/* Parking ends at once: the handler is asked again, as if time had passed. */
static unsigned parked;

struct http *http_request_listener(struct http_request *req)
{
	(void)req;
	return NULL;
}

uint64_t http_generation(struct http *http)
{
	(void)http;
	return 1;
}

void http_request_park(struct http_request *req, uint64_t tag,
					   uint64_t generation, unsigned ms)
{
	ck_assert_uint_eq(generation, 1);
	ck_assert(tag == API_ADMIN_TAG_EVENTS || tag == API_ADMIN_TAG_DIAGS);
	ck_assert_uint_le(ms, 50000);
	ck_assert_uint_eq(req->waited, 0);
	parked++;
	req->waited = ms;
}

unsigned http_request_waited_ms(struct http_request *req)
{
	return req->waited;
}

static const char *const urls[] = { "https://vpn1.sp.example:8443" };
static unsigned commits;

static void on_changed(void *server)
{
	(*(unsigned *)server)++;
}

static const struct api_admin api = {
	.domain = "vpn.sp.example", .servers = urls, .server_count = 1,
	.enroll = "https://vpn1.sp.example:8444",
	.ca_pem = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
	.changed = on_changed, .server = &commits
};

static char *answer;		/* of the last request; in arena */

static unsigned ask(const char *method, const char *target, const char *body)
{
	struct http_request req = { .body = body };
	struct http_response resp = { 0 };
	char allow[ROUTE_ALLOW_SIZE];

	ck_assert_int_eq(route_parse(target, &req.target), 0);
	ck_assert_msg(route_find(api_admin_routes, method, &req.target, &req.route,
							 allow) == 0, "no route %s %s", method, target);
	ck_assert_uint_ge(req.route->max_body, body ? strlen(body) : 0);
	if (api_admin_admit(&req, &resp, store, (void *)&api) &&
		req.route->handler(&req, &resp, store, (void *)&api) == HTTP_PARK)
	{
		ck_assert_int_eq(req.route->handler(&req, &resp, store, (void *)&api),
						 HTTP_DONE);
	}
	req.kept_done(req.kept);
	answer = arena_strndup(arena, resp.body, resp.body_len);
	free(resp.body);
	route_target_done(&req.target);
	return resp.status;
}

#define GET(target, wanted) ck_assert_uint_eq(ask("GET", target, NULL), wanted)
#define POST(target, body, wanted) \
	ck_assert_msg(ask("POST", target, body) == (wanted), "%s", answer)
#define DELETE(target, wanted) \
	ck_assert_uint_eq(ask("DELETE", target, NULL), wanted)
#define SAYS(part) ck_assert_msg(strstr(answer, part) != NULL, "%s", answer)

static int read_rows(struct json_in *in, struct json_object *value,
					 const struct json_path *path, void *out)
{
	return json_read_object(in, value, path, in->user, out);
}

/* As ppvpn-admin does. */
static void read_answer(const struct json_row *rows, void *out)
{
	int rc = json_read_text(arena, answer, strlen(answer),
							&json_limits_document, read_rows, out,
							(void *)rows, &e);

	ck_assert_msg(rc == 0, "%s: %s in %s", e.where, e.text, answer);
}

/* acme/corp: paris and lyon, made by requests */
static void two_sites(void)
{
	POST("/v1/customers", "{\"customer\":\"acme\",\"description\":\"A & co\"}",
		 200);
	POST("/v1/vpns", "{\"customer\":\"acme\",\"vpn\":\"corp\","
		 "\"topology\":\"any-to-any\",\"mtu\":1300,\"cost\":7,"
		 "\"router-ids\":\"10.9.0.0/24\",\"area\":\"0.0.0.3\"}", 200);
	POST("/v1/ces", "{\"customer\":\"acme\",\"ce\":\"paris-r1\","
		 "\"ce-address\":\"192.0.2.5\"}", 200);
	POST("/v1/ces", "{\"customer\":\"acme\",\"ce\":\"lyon-r1\","
		 "\"ce-address\":\"192.0.2.9\",\"description\":\"cellar\"}", 200);
	POST("/v1/sites", "{\"customer\":\"acme\",\"vpn\":\"corp\","
		 "\"site\":\"paris\",\"ce\":\"paris-r1\"}", 200);
	POST("/v1/sites", "{\"customer\":\"acme\",\"vpn\":\"corp\","
		 "\"site\":\"lyon\",\"ce\":\"lyon-r1\",\"router-id\":\"10.1.1.1\"}",
		 200);
}

/* ---- tests -------------------------------------------------------------------- */

START_TEST(adds_and_shows)
{
	struct admin_customers customers = { 0 };
	struct admin_sites sites = { 0 };
	struct admin_vpns vpns = { 0 };
	struct admin_ces ces = { 0 };
	struct store_vpn vpn = { 0 };

	commits = 0;
	two_sites();
	SAYS("{\"revision\":6,\"dry-run\":false,\"changed\":true,\"ces-told\":2,"
		 "\"tunnels-added\":1,\"tunnels-removed\":0,");
	ck_assert_uint_eq(commits, 6);
	GET("/v1/customers", 200);
	read_answer(admin_customers_rows, &customers);
	ck_assert_uint_eq(customers.count, 1);
	ck_assert_str_eq(customers.list[0].description, "A & co");
	GET("/v1/vpns?customer=acme", 200);
	read_answer(admin_vpns_rows, &vpns);
	ck_assert_uint_eq(vpns.count, 1);
	GET("/v1/vpns/acme/corp", 200);
	read_answer(admin_vpn_rows, &vpn);
	ck_assert_uint_eq(vpn.mtu, 1300);
	ck_assert_uint_eq(vpn.ospf.cost, 7);
	ck_assert_uint_eq(vpn.ospf.hello_interval, 10);
	ck_assert_uint_eq(addr_to_u32(&vpn.ospf.area), 3);
	ck_assert_str_eq(vpn.domain, "vpn.sp.example");
	ck_assert_uint_eq(vpn.profile.proposal_count, 2);
	ck_assert_uint_eq(vpn.retry.alarm_after, 8);
	GET("/v1/ces", 200);
	read_answer(admin_ces_rows, &ces);
	ck_assert_uint_eq(ces.count, 2);
	ck_assert_str_eq(ces.list[0].description, "cellar");
	ck_assert(!ces.list[0].enrolled && !ces.list[0].last_seen.there);
	GET("/v1/sites?customer=acme&vpn=corp", 200);
	read_answer(admin_sites_rows, &sites);
	ck_assert_uint_eq(sites.count, 2);
	ck_assert_uint_eq(addr_to_u32(&sites.list[0].router_id), 0x0a010101);
	ck_assert_uint_eq(addr_to_u32(&sites.list[1].router_id), 0x0a090001);
	GET("/v1/sites/acme/corp/lyon", 200);
	GET("/v1/customers/acme", 200);
	GET("/v1/ces/acme/lyon-r1", 200);
	GET("/v1/health", 200);
	SAYS("\"revision\":6");
}
END_TEST

START_TEST(removes)
{
	two_sites();
	DELETE("/v1/vpns/acme/corp", 409);
	SAYS("in-use");
	DELETE("/v1/ces/acme/lyon-r1", 409);
	DELETE("/v1/sites/acme/corp/lyon", 200);
	DELETE("/v1/sites/acme/corp/lyon", 404);
	DELETE("/v1/ces/acme/lyon-r1", 200);
	DELETE("/v1/sites/acme/corp/paris", 200);
	DELETE("/v1/vpns/acme/corp", 200);
	DELETE("/v1/ces/acme/paris-r1", 200);
	DELETE("/v1/customers/acme", 200);
	GET("/v1/customers", 200);
	ck_assert_str_eq(answer, "{\"customers\":[]}\n");
	GET("/v1/ces", 200);
	ck_assert_str_eq(answer, "{\"ces\":[]}\n");
}
END_TEST

START_TEST(says_what_is_wrong)
{
	uint64_t before;

	two_sites();
	before = kit_revision();
	commits = 0;
	POST("/v1/customers", "{\"customer\":\"acme\"}", 409);
	SAYS("\"exists\"");
	POST("/v1/customers", "{\"customer\":\"Acme\"}", 400);
	POST("/v1/customers", "{}", 400);
	POST("/v1/customers", "", 400);
	POST("/v1/customers", "[]", 400);
	POST("/v1/customers", "{\"customer\":\"x\",\"customer\":\"y\"}", 400);
	POST("/v1/customers", "{\"customer\":\"x\",\"role\":\"hub\"}", 400);
	POST("/v1/customers", "{\"customer\":\"x\",\"description\":\"a\\nb\"}",
		 400);
	POST("/v1/vpns", "{\"customer\":\"acme\",\"vpn\":\"x\","
		 "\"topology\":\"star\"}", 400);
	POST("/v1/vpns", "{\"customer\":\"acme\",\"vpn\":\"x\","
		 "\"topology\":\"any-to-any\",\"mtu\":5}", 400);
	SAYS("576..9000");
	POST("/v1/ces", "{\"customer\":\"acme\",\"ce\":\"x\","
		 "\"ce-address\":\"192.0.2.5\"}", 409);
	POST("/v1/sites", "{\"customer\":\"acme\",\"vpn\":\"corp\","
		 "\"site\":\"x\",\"ce\":\"nosuch\"}", 404);
	GET("/v1/customers/nosuch", 404);
	GET("/v1/vpns/acme/nosuch", 404);
	GET("/v1/vpns?customer=nosuch", 404);
	GET("/v1/sites?customer=acme&vpn=nosuch", 404);
	GET("/v1/sites?vpn=corp", 400);
	GET("/v1/status?customer=a%27b", 400);
	GET("/v1/audit?limit=0", 400);
	GET("/v1/audit?limit=10001", 400);
	GET("/v1/tunnels?customer=acme&vpn=corp&site=paris&peer=nice", 404);
	DELETE("/v1/ces/acme/nosuch", 404);
	ck_assert_uint_eq(kit_revision(), before);
	ck_assert_uint_eq(commits, 0);
}
END_TEST

START_TEST(records_who_did_it)
{
	struct admin_audits audits = { 0 };

	two_sites();
	GET("/v1/audit?limit=2", 200);
	read_answer(admin_audits_rows, &audits);
	ck_assert_uint_eq(audits.count, 2);
	ck_assert_str_eq(audits.list[1].actor, "unix:root");
	ck_assert_str_eq(audits.list[1].what, "site add acme/corp/lyon");
	ck_assert_int_eq(audits.list[1].revision, 6);
}
END_TEST

/* Operators, as ppvpn-admin reads them; each sees what is his. */
START_TEST(knows_operators)
{
	static const uint8_t key[32] = { 5 };
	struct admin_operators list = { 0 };
	struct admin_operator op = { 0 };
	struct admin_whoami me = { 0 };
	struct admin_ces ces = { 0 };
	uint64_t serial;
	char uri[64];

	two_sites();
	POST("/v1/customers", "{\"customer\":\"globex\"}", 200);
	POST("/v1/ces", "{\"customer\":\"globex\",\"ce\":\"paris-r1\","
		 "\"ce-address\":\"192.0.2.15\"}", 200);
	POST("/v1/operators", "{\"operator\":\"alice\",\"unix-user\":\"al\","
		 "\"description\":\"d\",\"role\":\"none\",\"customers\":"
		 "[{\"customer\":\"acme\",\"role\":\"operator\"}]}", 200);
	SAYS("\"ces-told\":0");
	GET("/v1/operators", 200);
	read_answer(admin_operators_rows, &list);
	ck_assert_uint_eq(list.count, 1);
	ck_assert(!list.list[0].certified);
	CHANGE(store_operator_key_set(store, "alice", key,
								  kit_now_ms() + 100000, &serial, &e));
	GET("/v1/operators/alice", 200);
	read_answer(admin_operator_rows, &op);
	ck_assert(op.certified);
	ck_assert_uint_eq(op.certificate.serial, serial);
	ck_assert_str_eq(op.unix_user, "al");
	ck_assert_int_eq(op.grants[0].role, ACCESS_OPERATOR);
	GET("/v1/whoami", 200);
	read_answer(admin_whoami_rows, &me);
	ck_assert_str_eq(me.actor, "unix:root");
	ck_assert_ptr_null(me.operator);
	/* the same by certificate */
	asker_uid = -1;
	asker_key = key;
	snprintf(uri, sizeof(uri), "ppvpn:operator/alice/%llu",
			 (unsigned long long)serial);
	asker_uri = uri;
	GET("/v1/whoami", 200);
	memset(&me, 0, sizeof(me));
	read_answer(admin_whoami_rows, &me);
	ck_assert_str_eq(me.actor, "alice (tls:192.0.2.77)");
	ck_assert_str_eq(me.operator, "alice");
	ck_assert_int_eq(me.role, ACCESS_NONE);
	ck_assert_str_eq(me.grants[0].customer, "acme");
	GET("/v1/ces", 200);
	read_answer(admin_ces_rows, &ces);
	ck_assert_uint_eq(ces.count, 2);
	GET("/v1/ces?customer=globex", 404);
	GET("/v1/operators", 403);
	asker_uri = "ppvpn:operator/alice/99";
	GET("/v1/whoami", 403);
	asker_uri = NULL;
	GET("/v1/whoami", 403);
	asker_key = NULL;
	GET("/v1/whoami", 403);
	asker_uid = 0;
}
END_TEST

/* What agents read: every member, and line ends as they expect them. */
START_TEST(makes_bundles)
{
	char token[33] = "", *at;
	uint8_t hash[32];
	struct store_ce ce;
	char *cert;
	bool again;
	int rc;

	two_sites();
	POST("/v1/ces/acme/paris-r1/bundle", NULL, 200);
	SAYS("{\"schema\":\"ppvpn-bundle/1\",\"ce\":\"acme/paris-r1\","
		 "\"ce-address\":\"192.0.2.5\","
		 "\"servers\":[\"https://vpn1.sp.example:8443\"],"
		 "\"enroll\":\"https://vpn1.sp.example:8444\",\"token\":\"");
	SAYS("\"ca-data\":\"-----BEGIN CERTIFICATE-----\\nAAAA\\n"
		 "-----END CERTIFICATE-----\\n\"}");
	at = strstr(answer, "\"token\":\"") + 9;
	memcpy(token, at, 32);
	ck_assert_int_eq(at[32], '"');
	/* what the bundle says is what enrolment takes, before it expires only */
	seal_sha256(token, 32, hash);
	rc = store_enroll(store, arena, "acme", "paris-r1", hash, hash,
					  kit_now_ms() + 8LL * 86400 * 1000, NULL, NULL, &cert,
					  &again, &e);
	ck_assert_int_eq(rc, -EACCES);
	POST("/v1/ces/acme/nosuch/bundle", NULL, 404);
	/* the answer was the only place */
	GET("/v1/audit", 200);
	ck_assert_ptr_null(strstr(answer, token));
	SAYS("ce bundle acme/paris-r1");
	OK(store_ce_get(store, arena, "acme", "paris-r1", &ce, &e));
	ck_assert(!ce.enrolled);
}
END_TEST

static void report(const char *ce, const char *peer_name, const char *state,
				   uint64_t age_ms, unsigned done)
{
	struct status_alarm alarm = {
		(char *)"auth-failed", (char *)"acme/corp/lyon", STATUS_MAJOR, 2, 3,
		(char *)"refused"
	};
	struct status_error error = {
		(char *)"frr", (char *)"ospfd", (char *)"not there"
	};
	struct status_peer peer = {
		.customer = (char *)"acme", .vpn = (char *)"corp",
		.peer = (char *)peer_name, .state = (char *)state,
		.ike = (char *)"ESTABLISHED", .child = (char *)"INSTALLED",
		.proposal = (char *)"AES_GCM_16_256", .ospf = (char *)"Full",
		.route = true, .since = 9, .in_bytes = 5, .out_bytes = 6,
		.last_error = (char *)"none", .has_service = true,
		.service = { kit_revision(), done, { 1, 20, 300, 4000, 5 } }
	};
	static uint64_t seq;
	struct status_report r = {
		.ce = (char *)ce, .boot_id = (char *)"00", .seq = ++seq,
		.agent_version = (char *)"0.1.0", .epoch = 1,
		.revision = kit_revision(), .result = STATUS_APPLIED,
		.peers = &peer, .peer_count = 1, .errors = &error, .error_count = 1,
		.alarms = &alarm, .alarm_count = 1
	};

	OK(store_report(store, kit_ce_id("acme", ce), &r,
					kit_now_ms() - (int64_t)age_ms, &e));
}

START_TEST(shows_status)
{
	struct admin_status status = { 0 };
	struct admin_tunnels tunnels = { 0 };

	two_sites();
	/* one end says nothing: that counts as down */
	report("paris-r1", "lyon", "up", 0, 5);
	GET("/v1/status", 200);
	read_answer(admin_status_rows, &status);
	ck_assert_uint_eq(status.revision, 6);
	ck_assert_uint_eq(status.ce_count, 2);
	ck_assert_str_eq(status.ces[1].ce, "paris-r1");
	ck_assert_uint_eq(status.ces[1].up, 1);
	ck_assert_uint_eq(status.ces[1].total, 1);
	ck_assert_str_eq(status.ces[1].result, "applied");
	ck_assert_uint_eq(status.ces[1].applied_revision, 6);
	ck_assert_str_eq(status.ces[1].alarms[0].severity, "major");
	ck_assert_str_eq(status.ces[1].errors[0].text, "not there");
	ck_assert_uint_eq(status.ces[0].up, 0);
	ck_assert_uint_eq(status.ces[0].total, 1);
	ck_assert(!status.ces[0].reported_at.there);
	ck_assert_uint_eq(status.down_count, 1);
	ck_assert(!status.down[0].ends[0].reported);
	ck_assert(status.down[0].ends[1].reported && status.down[0].ends[1].up);
	/* both say it is up */
	report("lyon-r1", "paris", "up", 0, 5);
	GET("/v1/status?customer=acme&vpn=corp", 200);
	memset(&status, 0, sizeof(status));
	read_answer(admin_status_rows, &status);
	ck_assert_uint_eq(status.ce_count, 2);
	ck_assert_uint_eq(status.down_count, 0);
	/* what was said 16 minutes ago is not known any more */
	report("lyon-r1", "paris", "up", 16 * 60 * 1000, 5);
	GET("/v1/tunnels?customer=acme&vpn=corp&site=paris&peer=lyon", 200);
	read_answer(admin_tunnels_rows, &tunnels);
	ck_assert_uint_eq(tunnels.count, 1);
	ck_assert(!tunnels.list[0].up);
	ck_assert(tunnels.list[0].ends[0].stale && !tunnels.list[0].ends[0].up);
	ck_assert(!tunnels.list[0].ends[1].stale);
	ck_assert_str_eq(tunnels.list[0].ends[1].proposal, "AES_GCM_16_256");
	ck_assert_uint_eq(tunnels.list[0].ends[1].out_bytes, 6);
	/* another VPN's members only */
	POST("/v1/vpns", "{\"customer\":\"acme\",\"vpn\":\"voice\","
		 "\"topology\":\"any-to-any\"}", 200);
	GET("/v1/status?customer=acme&vpn=voice", 200);
	memset(&status, 0, sizeof(status));
	read_answer(admin_status_rows, &status);
	ck_assert_uint_eq(status.ce_count, 0);
}
END_TEST

START_TEST(measures_time_to_service)
{
	struct admin_services s = { 0 };
	struct admin_summary *total;

	two_sites();
	report("paris-r1", "lyon", "up", 0, 5);
	report("lyon-r1", "paris", "up", 0, 3);
	OK(store_delivered(store, kit_ce_id("acme", "paris-r1"), 6,
					   kit_now_ms(), &e));
	GET("/v1/time-to-service?customer=acme", 200);
	read_answer(admin_services_rows, &s);
	ck_assert_uint_eq(s.count, 2);
	ck_assert_str_eq(s.list[1].site, "paris");
	ck_assert_str_eq(s.list[1].peer, "lyon");
	ck_assert(s.list[1].service.there[SERVICE_TOTAL]);
	ck_assert_uint_eq(s.list[1].service.ms[SERVICE_TOTAL],
					  4326 + s.list[1].service.ms[SERVICE_NOTIFY]);
	/* the other one has not got so far */
	ck_assert(s.list[0].service.there[SERVICE_IKE]);
	ck_assert(!s.list[0].service.there[SERVICE_OSPF]);
	ck_assert(!s.list[0].service.there[SERVICE_NOTIFY]);
	ck_assert(!s.list[0].service.there[SERVICE_TOTAL]);
	ck_assert_uint_eq(s.summary_count, SERVICE_PHASE_COUNT);
	total = &s.summary[SERVICE_TOTAL];
	ck_assert_str_eq(total->phase, "total");
	ck_assert_uint_eq(total->count, 1);
	ck_assert_uint_eq(s.summary[SERVICE_IKE].count, 2);
	ck_assert_uint_eq(s.summary[SERVICE_IKE].p50.ms, 300);
}
END_TEST

START_TEST(takes_percentiles_that_were_measured)
{
	struct store_tunnel tunnels[10];
	struct service_summary summary;
	int i;

	memset(tunnels, 0, sizeof(tunnels));
	for (i = 0; i < 20; i++)
	{
		tunnels[i / 2].end[i % 2].notify_ms = (i * 7) % 20 + 1;
	}
	service_summarize(tunnels, 10, SERVICE_NOTIFY, &summary);
	ck_assert_uint_eq(summary.count, 20);
	ck_assert_int_eq(summary.p50, 10);
	ck_assert_int_eq(summary.p95, 19);
	ck_assert_int_eq(summary.worst, 20);
	service_summarize(tunnels, 10, SERVICE_IKE, &summary);
	ck_assert_uint_eq(summary.count, 0);
	ck_assert_int_eq(summary.worst, -1);
	service_summarize(tunnels, 0, SERVICE_NOTIFY, &summary);
	ck_assert_int_eq(summary.p50, -1);
}
END_TEST

/* ---- alarms, events, bundles --------------------------------------------------- */

START_TEST(lists_alarms)
{
	two_sites();
	report("paris-r1", "lyon", "up", 0, 0);
	GET("/v1/alarms", 200);
	SAYS("\"raised\":true,\"severity\":\"major\",\"resource\":"
		 "\"acme/corp/paris/lyon\",\"code\":\"auth-failed\","
		 "\"source\":\"acme/paris-r1\",\"text\":\"refused\","
		 "\"title\":\"IKE authentication failed\",\"remedy\":\"");
	GET("/v1/alarms?customer=acme&vpn=corp&site=lyon&cleared=yes", 200);
	SAYS("auth-failed");
	GET("/v1/alarms?customer=acme&vpn=corp&site=nosuch", 404);
	GET("/v1/alarms?customer=nosuch", 404);
	GET("/v1/alarms?site=lyon", 400);
	GET("/v1/alarms?customer=acme&site=lyon", 400);
	GET("/v1/alarms?cleared=maybe", 400);
	DELETE("/v1/sites/acme/corp/lyon", 200);
	GET("/v1/alarms", 200);
	SAYS("\"alarms\":[]");
	GET("/v1/alarms?cleared=yes", 200);
	SAYS("\"raised\":false");
	SAYS("\"cleared-ms\":");
}
END_TEST

static unsigned long long last_event(void)
{
	const char *at = strstr(answer, "\"last\":");

	ck_assert_ptr_nonnull(at);
	return strtoull(at + 7, NULL, 10);
}

START_TEST(tells_what_happens)
{
	unsigned long long at;

	two_sites();
	/* from now on */
	GET("/v1/watch", 200);
	SAYS("\"lost\":false,\"events\":[]");
	at = last_event();
	ck_assert_uint_ge(at, 6);
	parked = 0;
	GET(arena_printf(arena, "/v1/watch?after=%llu", at), 200);
	ck_assert_uint_eq(parked, 0);
	GET(arena_printf(arena, "/v1/watch?after=%llu&wait=50", at), 200);
	ck_assert_uint_eq(parked, 1);
	SAYS("\"events\":[]");
	report("paris-r1", "lyon", "up", 0, 0);
	GET(arena_printf(arena, "/v1/watch?after=%llu&wait=50", at), 200);
	ck_assert_uint_eq(parked, 1);
	SAYS("\"event\":\"applied\",\"result\":\"applied\",\"revision\":6,");
	SAYS("\"event\":\"alarm-raised\",\"severity\":\"major\",");
	ck_assert_uint_eq(last_event(), at + 2);
	/* what is no such thing is passed over, and not looked at again */
	GET(arena_printf(arena, "/v1/watch?customer=acme&vpn=corp&site=lyon"
					 "&after=%llu", at), 200);
	ck_assert_ptr_null(strstr(answer, "applied"));
	SAYS("alarm-raised");
	/* of a database that was put back since */
	GET("/v1/watch?after=9007199254740991&wait=50", 200);
	SAYS("\"lost\":true");
	GET("/v1/watch?after=0&limit=2", 200);
	SAYS("\"event\":\"commit\",\"actor\":\"unix:root\",\"revision\":1,"
		 "\"text\":\"customer add acme\",\"customer\":\"acme\"}");
	ck_assert_uint_eq(last_event(), 2);
	GET("/v1/watch?after=x", 400);
	GET("/v1/watch?after=0&wait=51", 400);
	GET("/v1/watch?customer=nosuch", 404);
}
END_TEST

static int certificate(void *user, const struct store_ce *ce, uint64_t serial,
					   struct arena *a, struct store_issued *issued,
					   struct err *err)
{
	issued->pem = arena_strdup(a, "cert");
	return 0;
}

START_TEST(asks_for_a_bundle)
{
	uint8_t token[32] = { 1 }, key[32] = { 2 };
	unsigned long long id;
	uint64_t ce;
	char *cert;
	bool again;

	two_sites();
	GET("/v1/ces/acme/paris-r1/diag", 404);
	POST("/v1/ces/acme/paris-r1/diag", NULL, 409);
	SAYS("not-enrolled");
	OK(store_token_add(store, "acme", "paris-r1", token,
					   kit_now_ms() + 100000, "x", &e));
	OK(store_enroll(store, arena, "acme", "paris-r1", token, key,
					kit_now_ms(), certificate, NULL, &cert, &again, &e));
	commits = 0;
	POST("/v1/ces/acme/paris-r1/diag", NULL, 200);
	ck_assert_uint_eq(commits, 1);
	id = strtoull(strstr(answer, "\"id\":") + 5, NULL, 10);
	parked = 0;
	GET(arena_printf(arena, "/v1/ces/acme/paris-r1/diag?id=%llu&wait=20", id),
		200);
	ck_assert_uint_eq(parked, 1);
	SAYS("\"state\":\"waiting\",\"actor\":\"unix:root\"");
	ce = kit_ce_id("acme", "paris-r1");
	OK(store_diag_take(store, ce, id, "{\"x\":[1]}", kit_now_ms(), &e));
	GET("/v1/ces/acme/paris-r1/diag?wait=20", 200);
	SAYS("\"state\":\"there\"");
	SAYS("\"bundle\":{\"x\":[1]}}");
	GET(arena_printf(arena, "/v1/ces/acme/paris-r1/diag?id=%llu", id + 1),
		404);
	/* who does not answer is no bundle, and no silence */
	POST("/v1/ces/acme/paris-r1/diag?seconds=0", NULL, 200);
	GET("/v1/ces/acme/paris-r1/diag?wait=20", 504);
	SAYS("timeout");
	SAYS("within 0 s; it was never here");
	POST("/v1/ces/acme/paris-r1/diag?seconds=601", NULL, 400);
	POST("/v1/ces/acme/nosuch/diag", NULL, 404);
	GET("/v1/ces/acme/nosuch/diag", 404);
	GET("/v1/audit?limit=1", 200);
	SAYS("ce diag acme/paris-r1");
}
END_TEST

/* A database that fails is an error, not an empty list. */
START_TEST(a_fault_is_no_empty_list)
{
	static const char *const targets[] = {
		"/v1/customers", "/v1/vpns", "/v1/ces", "/v1/sites", "/v1/status",
		"/v1/tunnels", "/v1/time-to-service", "/v1/audit", "/v1/health"
	};
	struct db *db;
	size_t i;

	two_sites();
	OK(db_open(kit_path, &db, &e));
	OK(db_script(db, "ALTER TABLE customer RENAME TO a1;"
				 "ALTER TABLE audit RENAME TO a2;"
				 "ALTER TABLE installation RENAME TO a3;", &e));
	db_close(db);
	for (i = 0; i < sizeof(targets) / sizeof(targets[0]); i++)
	{
		GET(targets[i], 503);
		SAYS("\"code\":\"database\"");
	}
	POST("/v1/customers", "{\"customer\":\"x\"}", 503);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("api_admin");
	TCase *tc = tcase_create("api_admin");
	SRunner *runner;
	int failed;

	tcase_set_timeout(tc, 60);
	tcase_add_checked_fixture(tc, kit_setup, kit_teardown);
	tcase_add_test(tc, adds_and_shows);
	tcase_add_test(tc, removes);
	tcase_add_test(tc, says_what_is_wrong);
	tcase_add_test(tc, records_who_did_it);
	tcase_add_test(tc, makes_bundles);
	tcase_add_test(tc, knows_operators);
	tcase_add_test(tc, shows_status);
	tcase_add_test(tc, measures_time_to_service);
	tcase_add_test(tc, takes_percentiles_that_were_measured);
	tcase_add_test(tc, a_fault_is_no_empty_list);
	tcase_add_test(tc, lists_alarms);
	tcase_add_test(tc, tells_what_happens);
	tcase_add_test(tc, asks_for_a_bundle);
	suite_add_tcase(suite, tc);
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed == 0 ? 0 : 1;
}
