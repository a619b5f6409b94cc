/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * test_model.c - documents: decode, check, encode
 *
 * Cases are the example of doc/ with one thing replaced. What one value may
 * look like is test_schema.py's matter, which compares decoder and schema.
 */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "alloc.h"
#include "err.h"
#include "in_memory.h"
#include "model.h"
#include "run.h"
#include "text.h"

static char example[16384];
static size_t example_len;
static struct arena *arena;
static struct err e;

/* read() and no stdio: test_wiped wants no copies in buffers of libc */
static void setup(void)
{
	const char *top = getenv("top_srcdir");
	char path[512];
	int fd;
	ssize_t n;

	snprintf(path, sizeof(path), "%s/doc/document-example.json",
			 top ? top : ".");
	fd = open(path, O_RDONLY);
	ck_assert_msg(fd >= 0, "%s", path);
	n = read(fd, example, sizeof(example) - 1);
	ck_assert(n > 0 && n < (ssize_t)sizeof(example) - 1);
	close(fd);
	example[n] = '\0';
	example_len = (size_t)n;
	arena = arena_new();
	memset(&e, 0, sizeof(e));
}

static void teardown(void)
{
	arena_free(arena);
}

/* put with in place of the first what of the example; aborts without one */
static void replace(const char *what, const char *with)
{
	char *at = strstr(example, what);
	size_t tail;

	ck_assert_msg(at != NULL, "'%s' is not in the document", what);
	tail = strlen(at + strlen(what)) + 1;
	ck_assert_uint_lt(example_len + strlen(with), sizeof(example));
	memmove(at + strlen(with), at + strlen(what), tail);
	memcpy(at, with, strlen(with));
	example_len = strlen(example);
}

static struct model_document *decode(void)
{
	struct model_document *doc = (struct model_document *)1;
	int rc = model_decode(arena, example, example_len, &doc, &e);

	ck_assert_int_eq(rc == 0, doc != NULL);
	return doc;
}

START_TEST(test_example)
{
	struct model_document *doc = decode();
	struct model_peer *peer;
	char buf[ADDR_TEXT_MAX];

	ck_assert_msg(doc != NULL, "%s: %s", e.where, e.text);
	ck_assert_str_eq(doc->ce, "acme/paris-r1");
	ck_assert(doc->epoch == 3 && doc->revision == 4711);
	ck_assert_int_eq(doc->state, MODEL_ACTIVE);
	ck_assert_uint_eq(doc->management.server_count, 1);
	ck_assert_str_eq(doc->management.servers[0],
					 "https://vpn1.sp.example:8443");
	ck_assert_uint_eq(doc->profile_count, 1);
	ck_assert_str_eq(doc->profiles[0].name, "default");
	ck_assert_uint_eq(doc->profiles[0].esp_proposal_count, 2);
	ck_assert_str_eq(doc->profiles[0].esp_proposals[1], "aes128gcm16-x25519");
	ck_assert_uint_eq(doc->profiles[0].dpd_delay, 30);
	ck_assert_uint_eq(doc->vpn_count, 1);
	ck_assert_str_eq(doc->vpns[0].site, "paris");
	ck_assert_str_eq(doc->vpns[0].identity, "paris.corp.acme.vpn.sp.example");
	ck_assert_str_eq(addr_str(&doc->vpns[0].router_id, buf), "10.255.0.1");
	ck_assert_uint_eq(doc->vpns[0].ospf.dead_interval, 40);
	ck_assert_uint_eq(doc->vpns[0].retry.alarm_after, 8);
	ck_assert_uint_eq(doc->vpns[0].peer_count, 1);
	peer = &doc->vpns[0].peers[0];
	ck_assert_str_eq(peer->peer, "lyon");
	ck_assert_ptr_eq(peer->profile, &doc->profiles[0]);
	ck_assert_int_eq(peer->initiator, MODEL_LOCAL);
	ck_assert_int_eq(doc->vpns[0].topology, MODEL_HUB_SPOKE);
	ck_assert_int_eq(doc->vpns[0].role, MODEL_SPOKE_ROLE);
	ck_assert_int_eq(peer->role, MODEL_HUB_ROLE);
	ck_assert_uint_eq(peer->cost, 20);
	ck_assert_uint_eq(peer->keys[0].secret.len, 32);
	ck_assert_uint_eq(peer->keys[0].secret.bytes[31], 0x1f);
	ck_assert_str_eq(doc->vpns[0].removed[0].reason, "site-removed");
}
END_TEST

#define LYON "\"peer\": \"lyon\""
#define PEER(name, address, identity) \
	"{ \"peer\": \"" name "\", \"remote-address\": \"" address "\"," \
	"\"identity\": { \"fqdn-string\": \"" identity "\" }," \
	"\"pre-shared\": { \"keys\": [ { \"key-id\": \"g1\"," \
	"\"use\": \"send-and-accept\"," \
	"\"secret\": \"ffffffffffffffffffffffffffffffff\" } ] }," \
	"\"sa-profile\": \"default\", \"initiator\": \"remote\"," \
	"\"tunnel\": { \"establishment\": \"permanent\"," \
	"\"ipsec-mode\": \"tunnel\", \"routing\": \"dynamic\" } }, "

START_TEST(test_fixed_point)
{
	struct model_document *doc;
	struct text first, second;

	/* out of order on purpose */
	replace("\"peers\": [", "\"peers\": [" PEER("z9", "192.0.2.11", "z9.x")
			PEER("ab", "192.0.2.10", "ab.x"));
	replace("\"default\": {", "\"zz\": { \"proposals\": [\"b\", \"a\"],"
			"\"esp_proposals\": [\"x\"], \"rekey_time\": 300,"
			"\"child_rekey_time\": 86400, \"dpd_delay\": 0 }, \"default\": {");
	replace("\"sa-profile\": \"default\"", "\"sa-profile\": \"corp.fast\"");
	replace("\"default\": {", "\"corp.fast\": { \"proposals\": [\"a\"],"
			"\"esp_proposals\": [\"x\"], \"rekey_time\": 300,"
			"\"child_rekey_time\": 300, \"dpd_delay\": 0 }, \"default\": {");
	doc = decode();
	ck_assert_msg(doc != NULL, "%s: %s", e.where, e.text);
	ck_assert_str_eq(doc->vpns[0].peers[2].profile->name, "corp.fast");
	ck_assert_uint_eq(doc->vpns[0].peers[0].cost, 0);
	ck_assert_uint_eq(doc->vpns[0].peers[1].cost, 20);
	ck_assert_str_eq(doc->vpns[0].peers[0].peer, "ab");
	ck_assert_str_eq(doc->vpns[0].peers[2].peer, "z9");
	ck_assert_str_eq(doc->profiles[2].name, "zz");
	ck_assert_str_eq(doc->profiles[2].proposals[0], "b");
	first = model_encode(doc);
	ck_assert_int_eq(model_decode(arena, first.s, first.len, &doc, &e), 0);
	second = model_encode(doc);
	ck_assert_str_eq(text_str(&first), text_str(&second));
	text_done(&first);
	text_done(&second);
}
END_TEST

/* A list that is a set is written in one order, whoever made the document. */
START_TEST(test_canonical)
{
	struct model_document *doc;
	struct model_peer swap;
	struct text first, second;

	replace("\"peers\": [", "\"peers\": [" PEER("z9", "192.0.2.11", "z9.x"));
	doc = decode();
	ck_assert_ptr_nonnull(doc);
	first = model_encode(doc);
	swap = doc->vpns[0].peers[0];
	doc->vpns[0].peers[0] = doc->vpns[0].peers[1];
	doc->vpns[0].peers[1] = swap;
	second = model_encode(doc);
	ck_assert_str_eq(text_str(&first), text_str(&second));
	text_done(&first);
	text_done(&second);
}
END_TEST

START_TEST(test_tombstone)
{
	struct model_document *doc;

	replace("\"active\"", "\"deprovisioned\"");
	ck_assert_ptr_null(decode());
	ck_assert_str_eq(e.where, "/vpns");
	*strstr(example, "\"vpns\"") = '\0';
	strcat(example, "\"vpns\": [] }");
	example_len = strlen(example);
	doc = decode();
	ck_assert_msg(doc != NULL, "%s: %s", e.where, e.text);
	ck_assert_int_eq(doc->state, MODEL_DEPROVISIONED);
}
END_TEST

START_TEST(test_suspended)
{
	struct model_document *doc;
	struct text text;
	char *peers;

	replace("\"active\"", "\"suspended\"");
	ck_assert_ptr_null(decode());
	ck_assert_int_eq(e.code, ERR_DOCUMENT);
	ck_assert_str_eq(e.where, "/vpns/0/peers");
	peers = strstr(example, "\"peers\": [");
	*peers = '\0';
	strcat(example, "\"peers\": [], \"removed\": [] } ] }");
	example_len = strlen(example);
	doc = decode();
	ck_assert_msg(doc != NULL, "%s: %s", e.where, e.text);
	ck_assert_int_eq(doc->state, MODEL_SUSPENDED);
	ck_assert_uint_eq(doc->vpn_count, 1);
	text = model_encode(doc);
	ck_assert_ptr_nonnull(strstr(text_str(&text), "\"state\":\"suspended\""));
	text_done(&text);
}
END_TEST

static const struct {
	const char *topology, *role, *peer;
	bool good;
} roles[] = {
	{ "any-to-any", "any-to-any-role", "any-to-any-role", true },
	{ "any-to-any", "any-to-any-role", "hub-role", false },
	{ "any-to-any", "hub-role", NULL, false },
	{ "any-to-any", "custom-role", NULL, false },
	{ "hub-spoke", "hub-role", "spoke-role", true },
	{ "hub-spoke", "hub-role", "hub-role", true },
	{ "hub-spoke", "hub-role", NULL, true },
	{ "hub-spoke", "spoke-role", "hub-role", true },
	{ "hub-spoke", "spoke-role", NULL, true },
	{ "hub-spoke", "spoke-role", "spoke-role", false },
	{ "hub-spoke", "any-to-any-role", NULL, false },
	{ "hub-spoke", "custom-role", NULL, false },
	{ "hub-spoke", "hub-role", "custom-role", false },
	{ "hub-spoke-disjoint", "hub-role", "spoke-role", true },
	{ "hub-spoke-disjoint", "spoke-role", "hub-role", true },
	{ "hub-spoke-disjoint", "spoke-role", "spoke-role", false },
	{ "hub-spoke-disjoint", "any-to-any-role", NULL, false },
	{ "custom", "custom-role", "custom-role", true },
	{ "custom", "custom-role", NULL, true },
	{ "custom", "hub-role", NULL, false },
	{ "custom", "any-to-any-role", NULL, false },
	{ "mesh", "any-to-any-role", NULL, false },
};

START_TEST(test_roles)
{
	char with[64];

	snprintf(with, sizeof(with), "\"type\": \"%s\"", roles[_i].topology);
	replace("\"type\": \"hub-spoke\"", with);
	snprintf(with, sizeof(with), "\"role\": \"%s\" }", roles[_i].role);
	replace("\"role\": \"spoke-role\" }", with);
	snprintf(with, sizeof(with), "\"role\": \"%s\",",
			 roles[_i].peer ? roles[_i].peer : "");
	replace("\"role\": \"hub-role\",", roles[_i].peer ? with : "");
	ck_assert_int_eq(decode() != NULL, roles[_i].good);
}
END_TEST

#define PEERS "\"peers\": ["
#define KEYS "\"keys\": ["
#define KEY(id, use) "{ \"key-id\": \"" id "\", \"use\": \"" use "\"," \
	"\"secret\": \"ffffffffffffffffffffffffffffffff\" }, "

/* what only the checks between the parts can find; JSON schema cannot */
static const struct {
	const char *what, *with;
	enum err_code code;
	const char *where;
} faults[] = {
	{ "\"sa-profile\": \"default\"", "\"sa-profile\": \"other\"",
	  ERR_DOCUMENT, "/vpns/0/peers/0/sa-profile" },
	{ PEERS, PEERS PEER("lyon", "192.0.2.10", "a.x"), ERR_DOCUMENT,
	  "/vpns/0/peers/1/peer" },
	{ PEERS, PEERS PEER("paris", "192.0.2.10", "a.x"), ERR_DOCUMENT,
	  "/vpns/0/peers/0/peer" },
	{ PEERS, PEERS PEER("a", "192.0.2.10", "lyon.corp.acme.vpn.sp.example"),
	  ERR_DOCUMENT, "/vpns/0/peers/1/identity/fqdn-string" },
	{ PEERS, PEERS PEER("a", "192.0.2.10", "paris.corp.acme.vpn.sp.example"),
	  ERR_DOCUMENT, "/vpns/0/peers/0/identity/fqdn-string" },
	{ PEERS, PEERS PEER("a", "192.0.2.9", "a.x"), ERR_TUNNEL_PAIR,
	  "/vpns/0/peers/1/remote-address" },
	{ "192.0.2.9", "192.0.2.5", ERR_DOCUMENT,
	  "/vpns/0/peers/0/remote-address" },
	{ "192.0.2.9", "224.0.0.5", ERR_JSON_VALUE,
	  "/vpns/0/peers/0/remote-address" },
	{ "192.0.2.5", "127.0.0.1", ERR_JSON_VALUE, "/vpns/0/ce-address" },
	{ "10.255.0.1", "0.0.0.0", ERR_JSON_VALUE, "/vpns/0/router-id" },
	{ "send-and-accept", "accept-only", ERR_DOCUMENT,
	  "/vpns/0/peers/0/pre-shared/keys" },
	{ KEYS, KEYS KEY("g2", "send-and-accept"), ERR_DOCUMENT,
	  "/vpns/0/peers/0/pre-shared/keys" },
	{ KEYS, KEYS KEY("g1", "accept-only"), ERR_DOCUMENT,
	  "/vpns/0/peers/0/pre-shared/keys/1/key-id" },
	{ "\"dead-interval\": 40", "\"dead-interval\": 10", ERR_JSON_VALUE,
	  "/vpns/0/routing/ospf/dead-interval" },
	{ "\"maximum\": 600", "\"maximum\": 9", ERR_JSON_VALUE,
	  "/vpns/0/retry/maximum" },
	{ "\"dpd_delay\": 30", "\"dpd_delay\": 4", ERR_JSON_VALUE,
	  "/sa-profiles/default/dpd_delay" },
	{ "ce-config/1", "ce-config/2", ERR_JSON_VALUE, "/schema" },
	{ "\"mtu\": 1400", "\"mtu\": 1400, \"mtu2\": 1", ERR_JSON_MEMBER,
	  "/vpns/0/mtu2" },
	{ "\"mtu\": 1400,", "", ERR_JSON_MEMBER, "/vpns/0/mtu" },
	{ "\"mtu\": 1400", "\"mtu\": 1400, \"mtu\": 1400", ERR_JSON_MEMBER, NULL },
	{ "\"mtu\": 1400", "\"mtu\": 1400, \"\\u006dtu\": 1400", ERR_JSON_MEMBER,
	  NULL },
	{ "\"cost\": 20", "\"cost\": 0", ERR_JSON_VALUE,
	  "/vpns/0/peers/0/tunnel/cost" },
	{ "\"cost\": 20", "\"cost\": 65536", ERR_JSON_VALUE,
	  "/vpns/0/peers/0/tunnel/cost" },
	{ "\"role\": \"spoke-role\"", "\"role\": \"any-to-any-role\"",
	  ERR_DOCUMENT, "/vpns/0/topology/role" },
	{ "\"role\": \"hub-role\"", "\"role\": \"spoke-role\"", ERR_DOCUMENT,
	  "/vpns/0/peers/0/role" },
	{ "\"default\": {", "\"a.b.c\": {", ERR_JSON_VALUE,
	  "/sa-profiles/a.b.c" },
	{ "https://vpn1.sp.example:8443", "http://vpn1.sp.example",
	  ERR_JSON_VALUE, "/management/servers/0" },
	{ "https://vpn1.sp.example:8443", "https://u@vpn1.sp.example",
	  ERR_JSON_VALUE, "/management/servers/0" },
};

START_TEST(test_faults)
{
	struct model_document *doc;

	replace(faults[_i].what, faults[_i].with);
	ck_assert_ptr_null(decode());
	ck_assert_int_eq(e.code, faults[_i].code);
	if (faults[_i].where)
	{
		ck_assert_str_eq(e.where, faults[_i].where);
	}
	ck_assert_int_eq(model_decode(arena, example, example_len, &doc, NULL),
					 -EINVAL);
}
END_TEST

/* the VPN's text, from its brace to the last one, with another customer */
START_TEST(test_two_vpns)
{
	char copy[sizeof(example)], *vpn, *end;
	size_t len;

	vpn = strstr(example, "{\n      \"customer\"");
	ck_assert_ptr_nonnull(vpn);
	end = strstr(vpn, "\n    }");
	ck_assert_ptr_nonnull(end);
	len = (size_t)(end + strlen("\n    }") - vpn);
	snprintf(copy, sizeof(copy), "%.*s, %s", (int)(vpn + len - example),
			 example, vpn);
	memcpy(example, copy, sizeof(example));
	example_len = strlen(example);

	/* the same VPN twice, then the same identities, then the same pair */
	ck_assert_ptr_null(decode());
	ck_assert_str_eq(e.where, "/vpns/1/vpn");
	replace("\"corp\"", "\"zzz\"");
	ck_assert_ptr_null(decode());
	ck_assert_str_eq(e.where, "/vpns/1/peers/0/identity/fqdn-string");
	replace("lyon.corp.acme", "lyon.zzz.acme");
	ck_assert_ptr_null(decode());
	ck_assert_str_eq(e.where, "/vpns/1/identity/fqdn-string");
	replace("paris.corp.acme", "paris.zzz.acme");
	ck_assert_ptr_null(decode());
	ck_assert_int_eq(e.code, ERR_TUNNEL_PAIR);
	replace("192.0.2.9", "192.0.2.10");
	ck_assert_msg(decode() != NULL, "%s: %s", e.where, e.text);
	/* sorted: corp was the second in the text */
	ck_assert_str_eq(decode()->vpns[0].vpn, "corp");
}
END_TEST

/* Secrets -------------------------------------------------------------------
 *
 * After decoding and freeing, the secret stands nowhere in writable memory.
 * The pattern looked for is kept with every bit flipped.
 */
#define SECRET_LEN 64

static void make_secret(uint8_t flipped[SECRET_LEN], char *place)
{
	static const char digits[] = "0123456789abcdef";
	uint32_t state = (uint32_t)getpid() * 2654435761u | 1;
	int i;

	for (i = 0; i < SECRET_LEN; i++)
	{
		state = state * 1664525u + 1013904223u;
		place[i] = digits[state >> 28];
	}
	memcpy(flipped, place, SECRET_LEN);
	memory_flip(flipped, SECRET_LEN);
}

/* i 1: a document that is refused after its secrets were read, 2: before */
START_TEST(test_wiped)
{
	uint8_t flipped[SECRET_LEN], flipped_bytes[SECRET_LEN / 2];
	char *place = strstr(example, "0001020304");
	struct model_document *doc;
	uint8_t bytes[SECRET_LEN / 2];
	struct text t;
	size_t i;

	if (_i == 1)
	{
		memcpy(strstr(example, "site-removed"), "Site removed", 12);
	}
	if (_i == 2)
	{
		replace("acme/paris-r1", "ACME");
		place = strstr(example, "0001020304");
	}
	make_secret(flipped, place);
	ck_assert_uint_eq(memory_count(flipped, SECRET_LEN), 1);
	for (i = 0; i < sizeof(bytes); i++)
	{
		char digits[3] = { place[2 * i], place[2 * i + 1], '\0' };

		ck_assert_int_eq(hex_decode(digits, &bytes[i], 1), 0);
		flipped_bytes[i] = (uint8_t)~bytes[i];
	}
	explicit_bzero(bytes, sizeof(bytes));

	doc = decode();
	ck_assert_int_eq(doc != NULL, _i == 0);
	if (doc)
	{
		t = model_encode(doc);
		ck_assert_ptr_nonnull(strstr(t.s, "\"secret\""));
		while (t.len < 65536)
		{	/* it has to move */
			text_add(&t, " ");
		}
		text_done(&t);
	}
	explicit_bzero(example, sizeof(example));
	/* not half of it either: a shorter text may lie on top */
	ck_assert_uint_eq(memory_count(flipped + SECRET_LEN / 2,
								   SECRET_LEN / 2), 0);
	arena_free(arena);
	arena = NULL;
	ck_assert_uint_eq(memory_count(flipped_bytes, sizeof(bytes)), 0);
}
END_TEST

/* name, padded with its last letter to length */
static const char *long_name(char *out, size_t length, const char *name)
{
	size_t len = strlen(name);

	memcpy(out, name, len);
	memset(out + len, 'x', length - len);
	out[length] = '\0';
	return out;
}

/* One peer with everything as long as it may be. */
static void add_long_peer(struct text *t, unsigned n)
{
	static const char *secret =
		"000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
	char name[64], label[64], id[64], number[16];

	snprintf(number, sizeof(number), "p%u", n);
	text_addf(t, "%s{\"peer\":\"%s\",\"remote-address\":\"198.51.%u.%u\","
			  "\"identity\":{\"fqdn-string\":\"%s", n ? "," : "",
			  long_name(name, 63, number), 100 + n / 250, n % 250 + 1,
			  long_name(label, 60, number));
	for (int i = 0; i < 3; i++)
	{
		text_addf(t, ".%s", long_name(label, 63, "l"));
	}
	text_addf(t, "\"},\"pre-shared\":{\"keys\":[");
	for (int i = 0; i < MODEL_KEYS_MAX; i++)
	{
		snprintf(number, sizeof(number), "k%d", i);
		text_addf(t, "%s{\"key-id\":\"%s\",\"use\":\"%s\",\"secret\":\"%s\"}",
				  i ? "," : "", long_name(id, 32, number),
				  i ? "accept-only" : "send-and-accept", secret);
	}
	text_addf(t, "]},\"sa-profile\":\"default\",\"initiator\":\"remote\","
			  "\"tunnel\":{\"establishment\":\"permanent\","
			  "\"ipsec-mode\":\"tunnel\",\"routing\":\"dynamic\"}}");
}

/* The bounds of JSON hold what the bounds of the model allow. */
START_TEST(test_largest)
{
	const char *peers = strstr(example, "\"peers\": [") + 10;
	const char *rest = strstr(peers, "],\n      \"removed\"");
	struct model_document *doc = NULL;
	struct text t = {0};
	int rc;

	text_addf(&t, "%.*s", (int)(peers - example), example);
	for (unsigned i = 0; i < MODEL_PEERS_MAX; i++)
	{
		add_long_peer(&t, i);
	}
	text_addf(&t, "%s", rest);
	rc = model_decode(arena, text_str(&t), t.len, &doc, &e);
	ck_assert_msg(rc == 0, "%s: %s", e.where, e.text);
	ck_assert_uint_eq(doc->vpns[0].peer_count, MODEL_PEERS_MAX);
	text_done(&t);
}
END_TEST

int main(void)
{
	TCase *tc = tcase_create("model");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, test_example);
	tcase_add_test(tc, test_largest);
	tcase_add_test(tc, test_fixed_point);
	tcase_add_test(tc, test_canonical);
	tcase_add_test(tc, test_tombstone);
	tcase_add_test(tc, test_suspended);
	tcase_add_loop_test(tc, test_roles, 0, COUNT(roles));
	tcase_add_loop_test(tc, test_faults, 0, COUNT(faults));
	tcase_add_test(tc, test_two_vpns);
	tcase_add_loop_test(tc, test_wiped, 0, 3);
	return run_case(tc, "model");
}
