/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * test_protocol.c - requests good, bad and hostile, and their answers
 */

#include "harness.h"
#include "../in_memory.h"
#include "ppvpn_json.h"

static ppvpn_counters_t counters;
static ppvpn_table_t *table;
static ppvpn_initiator_t *initiator;
static ppvpn_sas_t *sas;
static ppvpn_protocol_t *protocol;
static ppvpn_session_t session;

static void setup(void)
{
	harness_setup();
	table = ppvpn_table_create();
	initiator = ppvpn_initiator_create(table);
	sas = ppvpn_sas_create();
	protocol = ppvpn_protocol_create(table, initiator, sas, &counters);
}

static void teardown(void)
{
	ppvpn_session_clear(&session);
	protocol->destroy(protocol);
	sas->destroy(sas);
	initiator->destroy(initiator);
	table->destroy(table);
	harness_teardown();
}

/* Process a frame; NULL if it closes the connection. */
static json_object *process(chunk_t frame)
{
	json_object *answer;
	json_tokener *tokener;
	chunk_t reply;

	reply = protocol->process(protocol, &session, frame);
	if (!reply.len)
	{
		return NULL;
	}
	ck_assert_int_eq(untoh32(reply.ptr), reply.len - PPVPN_HEADER_LEN);
	tokener = json_tokener_new();
	answer = json_tokener_parse_ex(tokener, (char*)reply.ptr +
							PPVPN_HEADER_LEN, reply.len - PPVPN_HEADER_LEN);
	json_tokener_free(tokener);
	ck_assert_ptr_nonnull(answer);
	free(reply.ptr);
	return answer;
}

static json_object *request(const char *fmt, ...)
{
	char *text = NULL;
	json_object *answer;
	va_list args;

	va_start(args, fmt);
	ck_assert_int_ge(vasprintf(&text, fmt, args), 0);
	va_end(args);
	answer = process(chunk_from_str(text));
	free(text);
	return answer;
}

static const char *text_at(json_object *answer, const char *member)
{
	return json_object_get_string(json_object_object_get(answer, member));
}

static int number_at(json_object *answer, const char *member)
{
	json_object *value = NULL;

	ck_assert(json_object_object_get_ex(answer, member, &value));
	return json_object_get_int(value);
}

/* The answer (released) is good. */
static void good(json_object *answer)
{
	ck_assert_msg(json_object_get_boolean(json_object_object_get(answer,
				  "ok")), "%s", json_object_to_json_string(answer));
	json_object_put(answer);
}

/* The answer (released) is an error of this code at this place. */
static void bad(json_object *answer, const char *code, const char *where)
{
	json_object *error;

	ck_assert_ptr_nonnull(answer);
	error = json_object_object_get(answer, "error");
	ck_assert_msg(error != NULL, "%s", json_object_to_json_string(answer));
	ck_assert_str_eq(text_at(error, "code"), code);
	if (where)
	{
		ck_assert_str_eq(text_at(error, "where"), where);
	}
	ck_assert_int_gt(strlen(text_at(error, "text")), 3);
	json_object_put(answer);
}

/* Load connections 0 to count - 1. */
static void load(u_int count, u_int generation, char *revision)
{
	char *conn;
	u_int i;

	good(request("{\"id\":1,\"op\":\"begin\"}"));
	for (i = 0; i < count; i++)
	{
		conn = harness_json(i, generation);
		good(request("{\"id\":2,\"op\":\"put\",\"conns\":[%s]}", conn));
		free(conn);
	}
	good(request("{\"id\":3,\"op\":\"commit\",\"revision\":\"%s\"}",
				 revision));
}

/* Nothing changed since load(count, ..., revision). */
static void unchanged(u_int count, char *revision)
{
	char current[PPVPN_REVISION_LEN];

	ck_assert_int_eq(table->get_revision(table, current), count);
	ck_assert_str_eq(current, revision);
}

/* JSON of connection 0 with one piece of text replaced. */
static char *mangled(const char *from, const char *to)
{
	char *json = harness_json(0, 1), *at, *result = NULL;

	at = strstr(json, from);
	ck_assert_msg(at != NULL, "'%s' not in '%s'", from, json);
	ck_assert_int_ge(asprintf(&result, "%.*s%s%s", (int)(at - json), json, to,
							  at + strlen(from)), 0);
	free(json);
	return result;
}

START_TEST(hello)
{
	json_object *answer, *settings;

	answer = request("{\"id\":7,\"op\":\"hello\",\"versions\":[1,2],"
					 "\"client\":\"test\"}");
	ck_assert_int_eq(number_at(answer, "id"), 7);
	ck_assert_int_eq(number_at(answer, "version"), 1);
	ck_assert_str_eq(text_at(answer, "strongswan"), VERSION);
	ck_assert_int_eq(strlen(text_at(answer, "boot-id")), 32);
	ck_assert_str_eq(text_at(answer, "revision"), "");
	ck_assert_int_eq(number_at(answer, "count"), 0);
	settings = json_object_object_get(answer, "settings");
	ck_assert_int_eq(number_at(settings, "ikesa_table_size"), 1);
	ck_assert(json_object_get_boolean(json_object_object_get(settings,
															"install_routes")));
	good(answer);
	bad(request("{\"id\":7,\"op\":\"hello\",\"versions\":[2],"
				"\"client\":\"test\"}"), "version", "/versions");
}
END_TEST

START_TEST(load_and_list)
{
	json_object *answer, *conns, *first;

	load(3, 1, "r1");
	unchanged(3, "r1");
	answer = request("{\"id\":1,\"op\":\"list\"}");
	ck_assert_str_eq(text_at(answer, "revision"), "r1");
	conns = json_object_object_get(answer, "conns");
	ck_assert_int_eq(json_object_array_length(conns), 3);
	first = json_object_array_get_idx(conns, 0);
	ck_assert_int_eq(json_object_object_length(first), 2);
	ck_assert(strpfx(text_at(first, "name"), "ppvpn:acme:corp:s"));
	ck_assert_int_eq(strlen(text_at(first, "tag")), 64);
	ck_assert_ptr_null(strstr(json_object_to_json_string(answer), "secret"));
	good(answer);
}
END_TEST

START_TEST(update_and_revision)
{
	char *changed = harness_json(1, 2), *same = harness_json(2, 1);
	char *added = harness_json(5, 1);
	json_object *answer;

	load(3, 1, "r1");
	answer = request("{\"id\":1,\"op\":\"update\",\"base-revision\":\"r1\","
			"\"revision\":\"r2\",\"upsert\":[%s,%s,%s],"
			"\"remove\":[\"ppvpn:acme:corp:s0\"]}", changed, same, added);
	ck_assert_int_eq(number_at(answer, "added"), 1);
	ck_assert_int_eq(number_at(answer, "changed"), 1);
	ck_assert_int_eq(number_at(answer, "removed"), 1);
	ck_assert_int_eq(number_at(answer, "unchanged"), 1);
	good(answer);
	bad(request("{\"id\":1,\"op\":\"update\",\"base-revision\":\"r1\","
				"\"revision\":\"r3\",\"upsert\":[],\"remove\":[]}"),
		"revision-mismatch", "/base-revision");
	unchanged(3, "r2");
	free(changed);
	free(same);
	free(added);
}
END_TEST

START_TEST(update_is_all_or_nothing)
{
	char *good_one = harness_json(7, 1);
	char *bad_one = mangled("\"mark\":1,", "\"mark\":0,");
	const char *op = "{\"id\":1,\"op\":\"update\",\"base-revision\":\"r1\","
					 "\"revision\":\"r2\",\"upsert\":[%s,%s],\"remove\":[%s]}";

	load(3, 1, "r1");
	bad(request(op, good_one, bad_one, ""), "out-of-range", "/upsert/1/mark");
	unchanged(3, "r1");
	bad(request(op, good_one, good_one, ""), "duplicate-name",
		"/upsert/1/name");
	unchanged(3, "r1");
	free(bad_one);
	bad_one = harness_json(8, 1);
	bad(request(op, good_one, bad_one, "\"ppvpn:acme:corp:s0\","
				"\"ppvpn:acme:corp:s9\""), "not-found", "/remove/1");
	unchanged(3, "r1");
	bad(request(op, good_one, bad_one, "\"ppvpn:acme:corp:s7\""),
		"duplicate-name", "/remove/0");
	bad(request(op, good_one, bad_one, "\"ppvpn:acme:corp:s1\","
				"\"ppvpn:acme:corp:s1\""), "duplicate-name", "/remove/1");
	unchanged(3, "r1");
	free(bad_one);
	free(good_one);
	/* the identity of one that stays */
	good_one = mangled("\"ppvpn:acme:corp:s0\"", "\"ppvpn:acme:corp:x\"");
	bad_one = harness_json(8, 1);
	bad(request(op, bad_one, good_one, ""), "duplicate-identity",
		"/upsert/1/remote-identity");
	unchanged(3, "r1");
	free(bad_one);
	free(good_one);
}
END_TEST

START_TEST(put_is_all_or_nothing)
{
	char *first = harness_json(0, 1), *second = harness_json(1, 1);
	json_object *answer;

	bad(request("{\"id\":1,\"op\":\"put\",\"conns\":[]}"), "no-transaction",
		"");
	bad(request("{\"id\":1,\"op\":\"commit\",\"revision\":\"r\"}"),
		"no-transaction", "");
	bad(request("{\"id\":1,\"op\":\"abort\"}"), "no-transaction", "");
	good(request("{\"id\":1,\"op\":\"begin\"}"));
	bad(request("{\"id\":1,\"op\":\"put\",\"conns\":[%s,%s,%s]}", first,
				second, first), "duplicate-name", "/conns/2/name");
	answer = request("{\"id\":1,\"op\":\"put\",\"conns\":[%s]}", second);
	ck_assert_int_eq(number_at(answer, "staged"), 1);
	good(answer);
	bad(request("{\"id\":1,\"op\":\"put\",\"conns\":[%s]}", second),
		"duplicate-name", "/conns/0/name");
	good(request("{\"id\":1,\"op\":\"abort\"}"));
	bad(request("{\"id\":1,\"op\":\"commit\",\"revision\":\"r\"}"),
		"no-transaction", "");
	unchanged(0, "");
	free(first);
	free(second);
}
END_TEST

START_TEST(commit_leaves_equal_tags_alone)
{
	ppvpn_conn_t *before, *after;

	load(2, 1, "r1");
	before = table->get_by_name(table, "ppvpn:acme:corp:s0");
	load(2, 1, "r2");
	after = table->get_by_name(table, "ppvpn:acme:corp:s0");
	ck_assert_ptr_eq(before, after);
	after->destroy(after);
	load(2, 2, "r3");
	after = table->get_by_name(table, "ppvpn:acme:corp:s0");
	ck_assert_ptr_ne(before, after);
	after->destroy(after);
	before->destroy(before);
}
END_TEST

static struct {
	const char *from, *to, *code, *where;
} conn_faults[] = {
	{ "\"mark\":1,", "", "malformed", "/conns/0/mark" },
	{ "\"mark\":1,", "\"mark\":1,\"x\":1,", "unknown-member", "/conns/0/x" },
	{ "\"mark\":1,", "\"mark\":1,\"a/b~c\":1,", "unknown-member",
		"/conns/0/a~1b~0c" },
	{ "\"mark\":1,", "\"mark\":4294967296,", "out-of-range",
		"/conns/0/mark" },
	{ "\"mark\":1,", "\"mark\":-1,", "out-of-range", "/conns/0/mark" },
	{ "\"mark\":1,", "\"mark\":99999999999999999999999,", "out-of-range",
		"/conns/0/mark" },
	{ "\"mark\":1,", "\"mark\":1.5,", "malformed", "/conns/0/mark" },
	{ "\"mark\":1,", "\"mark\":\"1\",", "malformed", "/conns/0/mark" },
	{ "\"mark\":1,", "\"mark\":null,", "malformed", "/conns/0/mark" },
	{ "\"rekey_time\":14400", "\"rekey_time\":0", "out-of-range",
		"/conns/0/rekey_time" },
	{ "\"dpd_delay\":30", "\"dpd_delay\":86401", "out-of-range",
		"/conns/0/dpd_delay" },
	{ "ppvpn:acme:corp:s0", "acme:corp:s0", "out-of-range",
		"/conns/0/name" },
	{ "ppvpn:acme:corp:s0", "ppvpn:", "out-of-range", "/conns/0/name" },
	{ "ppvpn:acme:corp:s0", "ppvpn:acme:corp:", "out-of-range",
		"/conns/0/name" },
	{ "ppvpn:acme:corp:s0", "ppvpn:acme:corp:S0", "out-of-range",
		"/conns/0/name" },
	{ "ppvpn:acme:corp:s0", "ppvpn:acme corp:s0", "out-of-range",
		"/conns/0/name" },
	{ "ppvpn:acme:corp:s0", "ppvpn:../../etc", "out-of-range",
		"/conns/0/name" },
	{ "ppvpn:acme:corp:s0", "ppvpn:%n%s", "out-of-range", "/conns/0/name" },
	{ "ppvpn:acme:corp:s0", "ppvpn:a\\nb", "out-of-range", "/conns/0/name" },
	{ "ppvpn:acme:corp:s0", "ppvpn:\xc3\xa9", "out-of-range",
		"/conns/0/name" },
	{ "198.51.0.1", "198.51.0.256", "out-of-range",
		"/conns/0/remote-address" },
	{ "198.51.0.1", "224.0.0.5", "out-of-range", "/conns/0/remote-address" },
	{ "198.51.0.1", "0.0.0.0", "out-of-range", "/conns/0/remote-address" },
	{ "198.51.0.1", "any", "out-of-range", "/conns/0/remote-address" },
	{ "198.51.0.1", "198.51.0.1/24", "out-of-range",
		"/conns/0/remote-address" },
	{ "198.51.0.1", "vpn.example", "out-of-range",
		"/conns/0/remote-address" },
	{ "\"192.0.2.1\"", "\"%any\"", "out-of-range", "/conns/0/local-address" },
	{ "s0.corp.acme.example", "*.corp.acme.example", "out-of-range",
		"/conns/0/remote-identity/fqdn-string" },
	{ "s0.corp.acme.example", "s0..example", "out-of-range",
		"/conns/0/remote-identity/fqdn-string" },
	{ "s0.corp.acme.example", "S0.example", "out-of-range",
		"/conns/0/remote-identity/fqdn-string" },
	{ "{\"fqdn-string\":\"s0.corp.acme.example\"}", "\"s0.example\"",
		"malformed", "/conns/0/remote-identity" },
	{ "[\"aes128-sha256-curve25519\"]", "[]", "out-of-range",
		"/conns/0/proposals" },
	{ "[\"aes128-sha256-curve25519\"]", "[\"aes128-sha256-curve25519\","
		"\"rot13\"]", "refused-by-charon", "/conns/0/proposals/1" },
	{ "[\"aes128-sha256-curve25519\"]", "[[]]", "malformed",
		"/conns/0/proposals/0" },
	{ "[\"aes128-sha256\"]", "[\"sha256\"]", "refused-by-charon",
		"/conns/0/esp_proposals/0" },
	{ "\"keys\":[", "\"k\":1,\"keys\":[", "unknown-member",
		"/conns/0/pre-shared/k" },
	{ "send-and-accept", "accept-only", "out-of-range",
		"/conns/0/pre-shared/keys" },
	{ "send-and-accept", "always", "out-of-range",
		"/conns/0/pre-shared/keys/0/use" },
	{ "\"secret\":\"00", "\"secret\":\"0x", "out-of-range",
		"/conns/0/pre-shared/keys/0/secret" },
	{ "\"secret\":\"00", "\"secret\":\"0", "out-of-range",
		"/conns/0/pre-shared/keys/0/secret" },
	{ "\"tag\":\"0", "\"tag\":\"", "out-of-range", "/conns/0/tag" },
	{ "\"tag\":\"0", "\"tag\":\"X", "out-of-range", "/conns/0/tag" },
};

START_TEST(bad_connections)
{
	char *conn;

	conn = mangled(conn_faults[_i].from, conn_faults[_i].to);
	good(request("{\"id\":1,\"op\":\"begin\"}"));
	bad(request("{\"id\":1,\"op\":\"put\",\"conns\":[%s]}", conn),
		conn_faults[_i].code, conn_faults[_i].where);
	ck_assert_int_eq(session.staged->get_count(session.staged), 0);
	free(conn);
}
END_TEST

START_TEST(several_keys)
{
	const char *second = "},{\"key-id\":\"g2\",\"use\":\"%s\","
						 "\"secret\":\"%064x\"}]}}";
	char *tail = NULL, *conn;

	good(request("{\"id\":1,\"op\":\"begin\"}"));
	ck_assert_int_ge(asprintf(&tail, second, "accept-only", 4711), 0);
	conn = mangled("}]}}", tail);
	good(request("{\"id\":1,\"op\":\"put\",\"conns\":[%s]}", conn));
	free(conn);
	free(tail);
	ck_assert_int_ge(asprintf(&tail, second, "send-and-accept", 4711), 0);
	conn = mangled("}]}}", tail);
	bad(request("{\"id\":1,\"op\":\"put\",\"conns\":[%s]}", conn),
		"out-of-range", "/conns/0/pre-shared/keys/1");
	free(conn);
	free(tail);
}
END_TEST

static struct {
	const char *frame, *code, *where;
} request_faults[] = {
	/* no code: the connection is closed */
	{ "", NULL, NULL },
	{ "{", NULL, NULL },
	{ "[]", NULL, NULL },
	{ "1", NULL, NULL },
	{ "null", NULL, NULL },
	{ "{\"id\":1,\"op\":\"status\"} x", NULL, NULL },
	{ "{'id':1,'op':'status'}", NULL, NULL },
	{ "{\"id\":NaN,\"op\":\"status\"}", NULL, NULL },
	{ "{\"id\":1,\"op\":\"stat\\u0000us\"}", NULL, NULL },
	{ "{\"id\":1,\"op\":\"status\",}", NULL, NULL },
	{ "\xff\xfe{}", NULL, NULL },
	{ "{\"id\":1,\"op\":\"status\",\"op\":\"list\"}", "malformed", NULL },
	{ "{\"id\":1,\"op\":\"status\",\"\\u006fp\":\"list\"}", "malformed",
		NULL },
	{ "{\"id\":[[[[[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]]]]]}", "malformed",
		NULL },
	{ "{}", "malformed", "/id" },
	{ "{\"id\":\"1\",\"op\":\"status\"}", "malformed", "/id" },
	{ "{\"id\":-1,\"op\":\"status\"}", "out-of-range", "/id" },
	{ "{\"id\":1}", "malformed", "/op" },
	{ "{\"id\":1,\"op\":\"format-disk\"}", "unknown-op", "/op" },
	{ "{\"id\":1,\"op\":\"\"}", "out-of-range", "/op" },
	{ "{\"id\":1,\"op\":\"status\",\"x\":{}}", "unknown-member", "/x" },
	{ "{\"id\":1,\"op\":\"begin\",\"revision\":\"r\"}", "unknown-member",
		"/revision" },
	{ "{\"id\":1,\"op\":\"initiate\"}", "malformed", "/name" },
	{ "{\"id\":1,\"op\":\"initiate\",\"name\":\"ppvpn:x\"}", "not-found",
		"/name" },
	{ "{\"id\":1,\"op\":\"initiate\",\"name\":\"operators\"}",
		"out-of-range", "/name" },
	{ "{\"id\":1,\"op\":\"subscribe\",\"events\":[\"ike\"]}", "out-of-range",
		"/events/0" },
	{ "{\"id\":1,\"op\":\"subscribe\",\"events\":\"alert\"}", "malformed",
		"/events" },
	{ "{\"id\":1,\"op\":\"hello\",\"versions\":[],\"client\":\"\"}",
		"out-of-range", "/versions" },
	{ "{\"id\":1,\"op\":\"update\",\"base-revision\":\"\",\"revision\":1,"
		"\"upsert\":[],\"remove\":[]}", "malformed", "/revision" },
	{ "{\"id\":1,\"op\":\"update\",\"base-revision\":\"\",\"revision\":\"1\","
		"\"upsert\":[1],\"remove\":[]}", "malformed", "/upsert/0" },
	{ "{\"id\":1,\"op\":\"update\",\"base-revision\":\"\",\"revision\":\"1\","
		"\"upsert\":[],\"remove\":{}}", "malformed", "/remove" },
};

START_TEST(bad_requests)
{
	json_object *answer;

	answer = request("%s", request_faults[_i].frame);
	if (!request_faults[_i].code)
	{
		ck_assert_ptr_null(answer);
	}
	else
	{
		bad(answer, request_faults[_i].code, request_faults[_i].where);
	}
	unchanged(0, "");
}
END_TEST

START_TEST(many_small_values)
{
	size_t len = 4 * 1024 * 1024, i;
	chunk_t frame = chunk_alloc(len);

	/* what json-c takes 273 MB for with every MiB */
	memcpy(frame.ptr, "{\"id\":[", 7);
	for (i = 7; i + 3 < len; i += 3)
	{
		memcpy(frame.ptr + i, "{},", 3);
	}
	memset(frame.ptr + i, ' ', len - i);
	bad(process(frame), "malformed", NULL);
	chunk_free(&frame);
}
END_TEST

START_TEST(long_string)
{
	char *text = malloc(PPVPN_STRING_MAX + 64);

	memset(text, 'a', PPVPN_STRING_MAX + 63);
	text[PPVPN_STRING_MAX + 63] = '\0';
	bad(request("{\"id\":1,\"op\":\"%s\"}", text), "malformed", NULL);
	free(text);
}
END_TEST

START_TEST(long_hostile_member)
{
	char *text = malloc(900);
	u_int i;

	for (i = 0; i < 899; i++)
	{
		text[i] = i % 3 ? '/' : '~';
	}
	text[899] = '\0';
	bad(request("{\"id\":1,\"op\":\"begin\",\"%s\":1}", text),
		"unknown-member", NULL);
	free(text);
}
END_TEST

START_TEST(answers_repeat_no_secret)
{
	char secret[] = "5ec7e75ec7e75ec7e75ec7e75ec7e75ec7e75ec7e75ec7e75ec7e75e"
					"c7e7abcd";
	char *conn = harness_json(0, 1);
	json_object *answer;

	memcpy(strstr(conn, "\"secret\":\"") + 10, secret, strlen(secret));
	good(request("{\"id\":1,\"op\":\"begin\"}"));
	good(request("{\"id\":1,\"op\":\"put\",\"conns\":[%s]}", conn));
	answer = request("{\"id\":1,\"op\":\"put\",\"conns\":[%s]}", conn);
	ck_assert_ptr_null(strstr(json_object_to_json_string(answer), "5ec7e7"));
	bad(answer, "duplicate-name", NULL);
	answer = request("{\"id\":1,\"op\":\"%s\"}", secret);
	ck_assert_ptr_null(strstr(json_object_to_json_string(answer), "5ec7e7"));
	bad(answer, "unknown-op", NULL);
	free(conn);
}
END_TEST

/* Digit i of a secret that stands nowhere in memory unless it is written. */
static char digit(u_int i)
{
	return "0123456789abcdef"[((i + 1) * 2654435761u >> 24) % 16];
}

/* Byte i of the same secret. */
static char byte(u_int i)
{
	char hex[3] = { digit(2 * i), digit(2 * i + 1) };

	return strtoul(hex, NULL, 16);
}

/* How often the secret's middle is in memory, as fn gives it. */
static u_int count_in_memory(char (*fn)(u_int))
{
	uint8_t flipped[24];

	for (u_int i = 0; i < sizeof(flipped); i++)
	{
		flipped[i] = ~fn(8 + i);
	}
	return memory_count(flipped, sizeof(flipped));
}

/* Send a put of connection 0 with that secret, and a piece of text replaced. */
static json_object *put_secret(const char *from, const char *to)
{
	char *conn = mangled(from, to), *text = NULL, *at;
	json_object *answer;
	u_int i;

	ck_assert_int_ge(asprintf(&text,
			"{\"id\":1,\"op\":\"put\",\"conns\":[%s]}", conn), 0);
	at = strstr(text, "\"secret\":\"") + 10;
	for (i = 0; i < 64; i++)
	{
		at[i] = digit(i);
	}
	answer = process(chunk_from_str(text));
	memwipe(at, 64);
	free(text);
	free(conn);
	return answer;
}

START_TEST(secrets_are_wiped)
{
	good(request("{\"id\":1,\"op\":\"begin\"}"));
	good(put_secret("s0", "s0"));
	ck_assert_int_eq(count_in_memory(digit), 0);
	ck_assert_int_eq(count_in_memory(byte), 1);
	good(request("{\"id\":1,\"op\":\"abort\"}"));
	ck_assert_int_eq(count_in_memory(byte), 0);

	/* refused, before and after the secret was decoded */
	good(request("{\"id\":1,\"op\":\"begin\"}"));
	bad(put_secret("\"mark\":1,", "\"mark\":0,"), "out-of-range", NULL);
	bad(put_secret("-curve25519", "-rot13"), "refused-by-charon", NULL);
	bad(put_secret("\"keys\":[", "\"k\":1,\"keys\":["), "unknown-member",
		NULL);
	ck_assert_int_eq(count_in_memory(digit), 0);
	ck_assert_int_eq(count_in_memory(byte), 0);
}
END_TEST

START_TEST(events_are_encoded)
{
	ppvpn_event_t event = {
		.type = PPVPN_EVENT_ALERT,
		.alert = "peer-auth-failed",
		.name = "ppvpn:acme:corp:s1",
		.local = "192.0.2.1",
		.remote = "198.51.0.2",
		.identity = "a\"b\\c",
	};
	chunk_t frame;

	frame = protocol->encode_event(protocol, &event);
	ck_assert_int_eq(untoh32(frame.ptr), frame.len - 4);
	ck_assert(chunk_equals(chunk_skip(frame, 4), chunk_from_str(
		"{\"event\":\"alert\",\"alert\":\"peer-auth-failed\",\"initiator\":false,"
		"\"name\":\"ppvpn:acme:corp:s1\",\"local-address\":\"192.0.2.1\","
		"\"remote-address\":\"198.51.0.2\","
		"\"remote-identity\":\"a\\\"b\\\\c\"}")));
	free(frame.ptr);
	event.type = PPVPN_EVENT_UNKNOWN_PEER;
	event.identity[0] = '\0';
	event.count = 3;
	frame = protocol->encode_event(protocol, &event);
	ck_assert(chunk_equals(chunk_skip(frame, 4), chunk_from_str(
		"{\"event\":\"unknown-peer\",\"local-address\":\"192.0.2.1\","
		"\"remote-address\":\"198.51.0.2\",\"count\":3}")));
	free(frame.ptr);
}
END_TEST

START_TEST(status_and_subscribe)
{
	json_object *answer, *object;

	counters.ike_lookups = 5;
	load(2, 1, "r1");
	answer = request("{\"id\":1,\"op\":\"status\"}");
	ck_assert_int_eq(number_at(answer, "count"), 2);
	object = json_object_object_get(answer, "counters");
	ck_assert_int_eq(number_at(object, "ike-lookups"), 5);
	ck_assert_int_eq(number_at(object, "events-dropped"), 0);
	ck_assert_int_eq(json_object_object_length(object), 9);
	good(answer);
	good(request("{\"id\":1,\"op\":\"subscribe\",\"events\":[\"alert\","
				 "\"unknown-peer\"]}"));
	ck_assert_int_eq(session.wanted, PPVPN_EVENT_ALERT |
									 PPVPN_EVENT_UNKNOWN_PEER);
	good(request("{\"id\":1,\"op\":\"subscribe\",\"events\":[]}"));
	ck_assert_int_eq(session.wanted, 0);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("protocol");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, hello);
	tcase_add_test(tcase, load_and_list);
	tcase_add_test(tcase, update_and_revision);
	tcase_add_test(tcase, update_is_all_or_nothing);
	tcase_add_test(tcase, put_is_all_or_nothing);
	tcase_add_test(tcase, commit_leaves_equal_tags_alone);
	tcase_add_loop_test(tcase, bad_connections, 0, countof(conn_faults));
	tcase_add_test(tcase, several_keys);
	tcase_add_loop_test(tcase, bad_requests, 0, countof(request_faults));
	tcase_add_test(tcase, many_small_values);
	tcase_add_test(tcase, long_string);
	tcase_add_test(tcase, long_hostile_member);
	tcase_add_test(tcase, answers_repeat_no_secret);
	tcase_add_test(tcase, secrets_are_wiped);
	tcase_add_test(tcase, events_are_encoded);
	tcase_add_test(tcase, status_and_subscribe);
	return harness_run(tcase, "plugin_protocol");
}
