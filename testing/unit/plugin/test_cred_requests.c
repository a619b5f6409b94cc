/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * test_cred_requests.c - credentials and who names them, through the socket's
 * requests
 */

#include "../in_memory.h"
#include "pki.h"
#include "ppvpn_cred_decode.h"

static ppvpn_counters_t counters;
static ppvpn_table_t *table;
static ppvpn_initiator_t *initiator;
static ppvpn_sas_t *sas;
static ppvpn_protocol_t *protocol;
static ppvpn_session_t session;
static pki_t *corp, *hub, *s0;
static pki_t *corps[2], *nobody[] = { NULL };
static char *list, *lists[2], *no_lists[] = { NULL };

static void setup(void)
{
	pki_setup();
	table = ppvpn_table_create();
	initiator = ppvpn_initiator_create(table);
	sas = ppvpn_sas_create();
	protocol = ppvpn_protocol_create(table, initiator, sas, &counters);
	corp = corps[0] = pki_make(NULL, "corp", NULL, X509_CA, -1, 30);
	hub = pki_make(corp, "hub", "hub.corp.acme.example", 0, -1, 30);
	s0 = pki_make(corp, "s0", "s0.corp.acme.example", 0, -1, 30);
	list = lists[0] = pki_list(corp, -1, 7, nobody);
}

static void teardown(void)
{
	ppvpn_session_clear(&session);
	protocol->destroy(protocol);
	sas->destroy(sas);
	initiator->destroy(initiator);
	table->destroy(table);
	pki_done();
	harness_teardown();
}

/* Answer of a request; the text is freed. */
static json_object *request(char *text)
{
	chunk_t reply, frame = chunk_from_str(text);
	json_tokener *tokener;
	json_object *answer;

	reply = protocol->process(protocol, &session, frame);
	ck_assert_int_gt(reply.len, PPVPN_HEADER_LEN);
	tokener = json_tokener_new();
	answer = json_tokener_parse_ex(tokener, (char*)reply.ptr +
							PPVPN_HEADER_LEN, reply.len - PPVPN_HEADER_LEN);
	json_tokener_free(tokener);
	chunk_clear(&reply);
	chunk_clear(&frame);
	return answer;
}

static char *format(const char *fmt, ...)
{
	char *text = NULL;
	va_list args;

	va_start(args, fmt);
	ck_assert_int_ge(vasprintf(&text, fmt, args), 0);
	va_end(args);
	return text;
}

static const char *text_at(json_object *object, const char *member)
{
	return json_object_get_string(json_object_object_get(object, member));
}

static void good(char *text)
{
	json_object *answer = request(text);

	ck_assert_msg(json_object_get_boolean(json_object_object_get(answer,
				  "ok")), "%s", json_object_to_json_string(answer));
	json_object_put(answer);
}

static void bad(char *text, const char *code, const char *where)
{
	json_object *answer = request(text), *error;

	error = json_object_object_get(answer, "error");
	ck_assert_msg(error != NULL, "%s", json_object_to_json_string(answer));
	ck_assert_msg(streq(text_at(error, "code"), code) &&
				  streq(text_at(error, "where"), where), "%s",
				  json_object_to_json_string(answer));
	ck_assert_ptr_null(strstr(json_object_to_json_string(answer), "BEGIN"));
	json_object_put(answer);
}

/* JSON of good credentials, kept until the next call but three. */
static char *cred(char *name, u_int generation, bool strict)
{
	static char *kept[4];
	static u_int next;
	char **this = &kept[next++ % countof(kept)];

	free(*this);
	*this = pki_json(name, generation, strict, hub, corps, lists);
	return *this;
}

/* JSON of connection i with a certificate, and a key if wanted, kept likewise;
 * use: of the certificate. */
static char *conn(u_int i, u_int generation, char *use, char *credentials,
				  bool key)
{
	static char *kept[4];
	static u_int next;
	char **this = &kept[next++ % countof(kept)], *json, *at;

	free(*this);
	json = harness_json(i, generation);
	at = strstr(json, ",\"pre-shared\"");
	ck_assert_ptr_nonnull(at);
	if (key && streq(use, "send-and-accept"))
	{
		*at = '\0';
		*this = format("%s,\"pre-shared\":{\"keys\":[{\"key-id\":\"g\","
				"\"use\":\"accept-only\",\"secret\":\"%064u\"}]},"
				"\"certificate\":{\"use\":\"%s\",\"credentials\":\"%s\"}}",
				json, 7, use, credentials);
	}
	else
	{
		at += key ? strlen(at) - 1 : 0;
		*at = '\0';
		*this = format("%s,\"certificate\":{\"use\":\"%s\","
					   "\"credentials\":\"%s\"}}", json, use, credentials);
	}
	free(json);
	return *this;
}

static void load(char *conns, char *creds)
{
	good(format("{\"id\":1,\"op\":\"begin\"}"));
	good(format("{\"id\":1,\"op\":\"put\",\"conns\":[%s],"
				"\"credentials\":[%s]}", conns, creds));
	good(format("{\"id\":1,\"op\":\"commit\",\"revision\":\"r1\"}"));
}

static char *update(char *upsert, char *remove, char *upsert_creds,
					char *remove_creds)
{
	return format("{\"id\":1,\"op\":\"update\",\"base-revision\":\"r1\","
				  "\"revision\":\"r1\",\"upsert\":[%s],\"remove\":[%s],"
				  "\"upsert-credentials\":[%s],\"remove-credentials\":[%s]}",
				  upsert, remove, upsert_creds, remove_creds);
}

/* The credentials of a name, without the reference. */
static ppvpn_cred_t *peek(char *name)
{
	ppvpn_cred_t *found = table->get_cred_by_name(table, name);

	if (found)
	{
		found->destroy(found);
	}
	return found;
}

#define S0 "\"ppvpn:acme:corp:s0\""

START_TEST(load_and_list)
{
	json_object *answer, *array;

	load(conn(0, 1, "send-and-accept", "acme/corp", FALSE),
		 cred("acme/corp", 1, TRUE));
	answer = request(format("{\"id\":1,\"op\":\"list\"}"));
	array = json_object_object_get(answer, "credentials");
	ck_assert_int_eq(json_object_array_length(array), 1);
	array = json_object_array_get_idx(array, 0);
	ck_assert_int_eq(json_object_object_length(array), 2);
	ck_assert_str_eq(text_at(array, "name"), "acme/corp");
	ck_assert_int_eq(strlen(text_at(array, "tag")), 64);
	ck_assert_ptr_null(strstr(json_object_to_json_string(answer), "BEGIN"));
	json_object_put(answer);
	answer = request(format("{\"id\":1,\"op\":\"hello\",\"versions\":[1],"
							"\"client\":\"\"}"));
	array = json_object_object_get(answer, "capabilities");
	ck_assert_str_eq(json_object_get_string(
					json_object_array_get_idx(array, 0)), "certificates");
	json_object_put(answer);
}
END_TEST

START_TEST(equal_tags_are_left_alone)
{
	ppvpn_cred_t *before;
	ppvpn_conn_t *first, *second;

	load(conn(0, 1, "send-and-accept", "a", FALSE), cred("a", 1, TRUE));
	before = table->get_cred_by_name(table, "a");
	first = table->get_by_name(table, "ppvpn:acme:corp:s0");
	load(conn(0, 1, "send-and-accept", "a", FALSE), cred("a", 1, TRUE));
	ck_assert_ptr_eq(peek("a"), before);
	good(update("", "", cred("a", 1, TRUE), ""));
	ck_assert_ptr_eq(peek("a"), before);
	/* others in their place: the connection is the same */
	good(update("", "", cred("a", 2, FALSE), ""));
	ck_assert_ptr_ne(peek("a"), before);
	ck_assert(!peek("a")->strict);
	second = table->get_by_name(table, "ppvpn:acme:corp:s0");
	ck_assert_ptr_eq(first, second);
	first->destroy(first);
	second->destroy(second);
	before->destroy(before);
}
END_TEST

START_TEST(put_is_all_or_nothing)
{
	char *named = conn(0, 1, "send-and-accept", "a", FALSE);
	char *json = cred("a", 1, TRUE);

	good(format("{\"id\":1,\"op\":\"begin\"}"));
	bad(format("{\"id\":1,\"op\":\"put\",\"conns\":[%s]}", named),
		"not-found", "/conns/0/certificate/credentials");
	bad(format("{\"id\":1,\"op\":\"put\",\"conns\":[%s,%s],"
			   "\"credentials\":[%s]}", named, named, json), "duplicate-name",
		"/conns/1/name");
	bad(format("{\"id\":1,\"op\":\"put\",\"conns\":[%s],"
			   "\"credentials\":[%s,%s]}", named, json, json),
		"duplicate-name", "/credentials/1/name");
	/* nothing of it was left behind */
	good(format("{\"id\":1,\"op\":\"put\",\"conns\":[],"
				"\"credentials\":[%s]}", json));
	bad(format("{\"id\":1,\"op\":\"put\",\"conns\":[],"
			   "\"credentials\":[%s]}", json), "duplicate-name",
		"/credentials/0/name");
	good(format("{\"id\":1,\"op\":\"put\",\"conns\":[%s]}", named));
	good(format("{\"id\":1,\"op\":\"abort\"}"));
	ck_assert_ptr_null(peek("a"));
}
END_TEST

START_TEST(update_is_all_or_nothing)
{
	char *by_key = harness_json(0, 2);
	ppvpn_cred_t *before;

	load(conn(0, 1, "send-and-accept", "a", FALSE), cred("a", 1, TRUE));
	before = peek("a");
	bad(update("", "", cred("a", 2, TRUE), "\"b\""), "not-found",
		"/remove-credentials/0");
	bad(update("", "", "", "\"a\""), "in-use", "/remove-credentials/0");
	/* the connection lets go of it, and something else is wrong */
	bad(update(by_key, "", cred("b", 1, TRUE), "\"a\",\"b\""),
		"duplicate-name", "/remove-credentials/1");
	bad(update("", "", "", "\"a\",\"a\""), "duplicate-name",
		"/remove-credentials/1");
	bad(update(conn(1, 1, "send-and-accept", "c", FALSE), S0,
			   cred("a", 2, TRUE), "\"a\""), "duplicate-name",
		"/remove-credentials/0");
	bad(update(conn(1, 1, "send-and-accept", "c", FALSE), S0,
			   cred("b", 2, TRUE), "\"a\""), "not-found",
		"/upsert/0/certificate/credentials");
	ck_assert_ptr_eq(peek("a"), before);
	ck_assert_ptr_null(peek("b"));
	/* another takes it up again: it is in use */
	bad(update(conn(1, 1, "send-and-accept", "a", FALSE), S0,
			   cred("b", 2, TRUE), "\"a\""), "in-use",
		"/remove-credentials/0");
	ck_assert_ptr_eq(peek("a"), before);
	ck_assert_ptr_null(peek("b"));
	bad(update("", "", "", "\"a\""), "in-use", "/remove-credentials/0");
	/* all at once, in the order that needs it */
	good(update(conn(1, 1, "send-and-accept", "b", FALSE), S0,
				cred("b", 2, TRUE), "\"a\""));
	ck_assert_ptr_null(peek("a"));
	ck_assert_ptr_nonnull(peek("b"));
	free(by_key);
}
END_TEST

static void check_put(char *conn_json, const char *code, const char *where)
{
	char *text = format("{\"id\":1,\"op\":\"put\",\"conns\":[%s],"
					"\"credentials\":[%s]}", conn_json, cred("a", 1, TRUE));

	good(format("{\"id\":1,\"op\":\"begin\"}"));
	if (code)
	{
		bad(text, code, where);
	}
	else
	{
		good(text);
	}
}

START_TEST(uses)
{
	char *none, *json, *at;

	check_put(conn(0, 1, "send-and-accept", "a", FALSE), NULL, NULL);
	check_put(conn(0, 1, "send-and-accept", "a", TRUE), NULL, NULL);
	check_put(conn(0, 1, "accept-only", "a", TRUE), NULL, NULL);
	check_put(conn(0, 1, "accept-only", "a", FALSE), "out-of-range",
			  "/conns/0/certificate");
	check_put(conn(0, 1, "sometimes", "a", FALSE), "out-of-range",
			  "/conns/0/certificate/use");
	check_put(conn(0, 1, "accept-only", "A", TRUE), "out-of-range",
			  "/conns/0/certificate/credentials");
	check_put(conn(0, 1, "accept-only", "../a", TRUE), "not-found",
			  "/conns/0/certificate/credentials");
	/* neither; both sent */
	none = harness_json(0, 1);
	at = strstr(none, ",\"pre-shared\"");
	strcpy(at, "}");
	check_put(none, "malformed", "/conns/0/pre-shared");
	free(none);
	json = conn(0, 1, "accept-only", "a", TRUE);
	at = strrchr(json, '{');
	none = format("%.*s{\"use\":\"send-and-accept\",\"credentials\":\"a\"}}",
				  (int)(at - json), json);
	check_put(none, "out-of-range", "/conns/0/certificate");
	free(none);
}
END_TEST

/* Faults of credentials: a piece of their JSON, by what it is replaced. */
static struct {
	const char *from, *to, *code, *where;
} faults[] = {
	{ "\"name\":\"a\"", "\"name\":\"A\"", "out-of-range", "/name" },
	{ "\"name\":\"a\"", "\"name\":\"\"", "out-of-range", "/name" },
	{ "\"name\":\"a\",", "", "malformed", "/name" },
	{ "\"name\":\"a\",", "\"name\":\"a\",\"x\":1,", "unknown-member", "/x" },
	{ "\"tag\":\"0", "\"tag\":\"", "out-of-range", "/tag" },
	{ "strict", "lenient", "out-of-range", "/revocation" },
	{ "\"strict\"", "true", "malformed", "/revocation" },
	{ "\"certificates\":[", "\"certificates\":[1,", "malformed",
		"/certificates/0" },
	{ "\"authorities\":[", "\"authorities\":[],\"y\":[", "out-of-range",
		"/authorities" },
	{ "\"revocation-lists\":[", "\"revocation-lists\":[\"\",", "out-of-range",
		"/revocation-lists/0" },
	/* the label, its end, what is around the block and in it */
	{ "BEGIN PRIVATE KEY", "BEGIN ENCRYPTED PRIVATE KEY", "out-of-range",
		"/private-key" },
	{ "BEGIN PRIVATE KEY", "BEGIN RSA PRIVATE KEY", "out-of-range",
		"/private-key" },
	{ "\"private-key\":\"-", "\"private-key\":\" -", "out-of-range",
		"/private-key" },
	{ "END PRIVATE KEY-----\\n", "END PRIVATE KEY-----\\n\\n", "out-of-range",
		"/private-key" },
	{ "END PRIVATE KEY-----\\n", "END PRIVATE KEY-----\\n-----BEGIN PRIVATE "
		"KEY-----\\nAAAA\\n-----END PRIVATE KEY-----\\n", "out-of-range",
		"/private-key" },
	{ "BEGIN PRIVATE KEY-----\\n", "BEGIN PRIVATE KEY-----\\nProc-Type: 4,"
		"ENCRYPTED\\n", "out-of-range", "/private-key" },
	{ "BEGIN PRIVATE KEY-----\\n", "BEGIN PRIVATE KEY-----\\r\\n",
		"out-of-range", "/private-key" },
	{ "BEGIN PRIVATE KEY-----\\n", "BEGIN PRIVATE KEY-----\\nAAAA",
		"refused-by-charon", "/private-key" },
	{ "BEGIN CERTIFICATE-----\\n", "BEGIN CERTIFICATE-----\\nAAAA",
		"refused-by-charon", "/certificates/0" },
	{ "BEGIN CERTIFICATE-----\\nM", "BEGIN CERTIFICATE-----\\n\xc3\xa9",
		"out-of-range", "/certificates/0" },
	{ "BEGIN X509 CRL-----\\nM", "BEGIN X509 CRL-----\\nA",
		"refused-by-charon", "/revocation-lists/0" },
	{ "BEGIN X509 CRL", "BEGIN CERTIFICATE", "out-of-range",
		"/revocation-lists/0" },
};

START_TEST(bad_credentials)
{
	char *json = cred("a", 1, TRUE), *at, where[128];

	at = strstr(json, faults[_i].from);
	ck_assert_msg(at != NULL, "%s", faults[_i].from);
	snprintf(where, sizeof(where), "/credentials/0%s", faults[_i].where);
	good(format("{\"id\":1,\"op\":\"begin\"}"));
	bad(format("{\"id\":1,\"op\":\"put\",\"conns\":[],"
			   "\"credentials\":[%.*s%s%s]}", (int)(at - json), json,
			   faults[_i].to, at + strlen(faults[_i].from)), faults[_i].code,
		where);
	ck_assert_int_eq(session.staged->get_creds(session.staged)->get_count(
						session.staged->get_creds(session.staged)), 0);
}
END_TEST

START_TEST(bounds)
{
	char *json = cred("a", 1, TRUE), *at, *text, *zeros;
	size_t len = PPVPN_MAX_CERT_LEN;

	good(format("{\"id\":1,\"op\":\"begin\"}"));
	/* more bytes than any certificate may have */
	zeros = malloc(len + 1);
	memset(zeros, 'A', len);
	zeros[len] = '\0';
	at = strstr(json, "BEGIN CERTIFICATE-----\\n") +
		 strlen("BEGIN CERTIFICATE-----\\n");
	text = format("{\"id\":1,\"op\":\"put\",\"conns\":[],"
				  "\"credentials\":[%.*s%s%s]}", (int)(at - json), json, zeros,
				  at);
	bad(text, "out-of-range", "/credentials/0/certificates/0");
	free(zeros);
	/* nine authorities */
	json = cred("a", 1, TRUE);
	at = strstr(json, "\"authorities\":[") + strlen("\"authorities\":[");
	text = format("{\"id\":1,\"op\":\"put\",\"conns\":[],"
				  "\"credentials\":[%.*s\"\",\"\",\"\",\"\",\"\",\"\",\"\","
				  "\"\",%s]}", (int)(at - json), json, at);
	bad(text, "out-of-range", "/credentials/0/authorities");
	bad(format("{\"id\":1,\"op\":\"put\",\"conns\":[],"
			   "\"credentials\":{}}"), "malformed", "/credentials");
	bad(format("{\"id\":1,\"op\":\"put\",\"conns\":[],"
			   "\"credentials\":null}"), "malformed", "/credentials");
}
END_TEST

/* A list as long as any may be passes through the parser. */
START_TEST(long_list)
{
	pki_t *named[5001];
	char *json, *long_lists[2] = {};
	u_int i;

	for (i = 0; i < countof(named) - 1; i++)
	{
		named[i] = s0;
	}
	named[i] = NULL;
	long_lists[0] = pki_list(corp, -1, 7, named);
	ck_assert_int_gt(strlen(long_lists[0]), 150000);
	json = pki_json("a", 1, TRUE, hub, corps, long_lists);
	load("", json);
	ck_assert_ptr_nonnull(peek("a"));
	free(json);
}
END_TEST

START_TEST(no_lists_at_all)
{
	char *json = pki_json("a", 1, FALSE, hub, corps, no_lists);

	load("", json);
	ck_assert_int_eq(peek("a")->list_count, 0);
	free(json);
}
END_TEST

static int ask_sas(const char *name, const char *kind)
{
	json_object *answer, *array, *sa;
	int count;

	answer = request(name ?
		format("{\"id\":1,\"op\":\"sas\",\"name\":\"%s\"}", name) :
		format("{\"id\":1,\"op\":\"sas\"}"));
	array = json_object_object_get(answer, "sas");
	ck_assert_ptr_nonnull(array);
	count = json_object_array_length(array);
	if (kind)
	{
		sa = json_object_array_get_idx(array, 0);
		ck_assert_str_eq(text_at(sa, "authentication"), kind);
		ck_assert_str_eq(text_at(sa, "name"), name);
	}
	json_object_put(answer);
	return count;
}

START_TEST(authenticated_sas)
{
	ck_assert_int_eq(ask_sas(NULL, NULL), 0);
	sas->add(sas, 1, "ppvpn:a", TRUE, TRUE);
	sas->add(sas, 2, "ppvpn:b", FALSE, TRUE);
	sas->add(sas, 3, "ppvpn:b", FALSE, TRUE);
	sas->add(sas, 3, "ppvpn:b", FALSE, TRUE);
	/* may yet be refused */
	sas->add(sas, 6, "ppvpn:b", FALSE, FALSE);
	ck_assert(sas->has(sas, 6) && sas->has(sas, 1) && !sas->has(sas, 5));
	ck_assert_int_eq(ask_sas(NULL, NULL), 3);
	ck_assert_int_eq(ask_sas("ppvpn:a", "certificate"), 1);
	ck_assert_int_eq(ask_sas("ppvpn:b", "pre-shared"), 2);
	ck_assert_int_eq(ask_sas("ppvpn:c", NULL), 0);
	sas->replace(sas, 1, 4);
	sas->replace(sas, 9, 5);
	sas->remove(sas, 1);
	ck_assert_int_eq(ask_sas("ppvpn:a", "certificate"), 1);
	sas->remove(sas, 3);
	ck_assert_int_eq(ask_sas("ppvpn:b", "pre-shared"), 1);
	sas->remove(sas, 2);
	sas->remove(sas, 7);
	ck_assert_int_eq(ask_sas(NULL, NULL), 1);
	bad(format("{\"id\":1,\"op\":\"sas\",\"name\":\"x\"}"), "out-of-range",
		"/name");
	bad(format("{\"id\":1,\"op\":\"sas\",\"names\":[]}"), "unknown-member",
		"/names");
}
END_TEST

/* Change one thing at a random place. */
static void mutate(char *text, size_t *len, u_int *random)
{
	size_t at, piece;

	*random = *random * 1103515245 + 12345;
	at = (*random >> 8) % *len;
	piece = min((size_t)(*random >> 4) % 40, *len - at);
	switch (*random >> 29)
	{
		case 0:
			memmove(text + at, text + at + piece, *len - at - piece + 1);
			*len -= piece;
			break;
		case 1:
			text[at] = *random >> 16;
			break;
		case 2:
			memset(text + at, 'A', piece);
			break;
		default:
			text[at] ^= 1 << (*random >> 16) % 8;
			break;
	}
}

START_TEST(mutated)
{
	u_int random = _i, i, taken = 0;
	char *json, *text;
	chunk_t reply;
	size_t len;

	for (i = 0; i < 400; i++)
	{
		good(format("{\"id\":1,\"op\":\"begin\"}"));
		json = cred("a", 1, _i % 2);
		text = format("{\"id\":1,\"op\":\"put\",\"conns\":[%s],"
					  "\"credentials\":[%s]}",
					  conn(0, 1, "send-and-accept", "a", TRUE), json);
		len = strlen(text);
		mutate(text, &len, &random);
		reply = protocol->process(protocol, &session,
								  chunk_create((u_char*)text, len));
		taken += reply.len && memmem(reply.ptr, reply.len, "staged", 6);
		chunk_clear(&reply);
		free(text);
	}
	/* some changes do not matter, a tag's */
	ck_assert_int_lt(taken, 100);
}
END_TEST

/* How often these bytes are in memory that can be written, here included. */
static u_int count_in_memory(const char *bytes, size_t len)
{
	uint8_t flipped[64];

	ck_assert(len <= sizeof(flipped));
	memcpy(flipped, bytes, len);
	memory_flip(flipped, len);
	return memory_count(flipped, len);
}

/* Begin a set; the request that puts the credentials into it. */
static char *begin_key(void)
{
	char *json = pki_json("a", 1, TRUE, hub, corps, lists), *put;

	good(format("{\"id\":1,\"op\":\"begin\"}"));
	put = format("{\"id\":1,\"op\":\"put\",\"conns\":[],"
				 "\"credentials\":[%s]}", json);
	memwipe(json, strlen(json));
	free(json);
	return put;
}

START_TEST(private_keys_are_wiped)
{
	u_int text, seed, held;
	char *base64, *put, bytes[20];
	chunk_t der;

	/* the middle of the key, as text and as bytes; the test has some itself,
	 * and what builds its requests leaves some behind */
	base64 = strchr(hub->key_pem, '\n') + 1 + 24;
	ck_assert(hub->key->get_encoding(hub->key, PRIVKEY_ASN1_DER, &der));
	memcpy(bytes, der.ptr + der.len - sizeof(bytes), sizeof(bytes));
	chunk_clear(&der);
	good(begin_key());
	good(format("{\"id\":1,\"op\":\"abort\"}"));

	put = begin_key();
	text = count_in_memory(base64, 36);
	seed = count_in_memory(bytes, sizeof(bytes));
	good(put);
	held = count_in_memory(bytes, sizeof(bytes));
	ck_assert_int_eq(held, seed + 1);
	good(format("{\"id\":1,\"op\":\"abort\"}"));
	ck_assert_int_eq(count_in_memory(bytes, sizeof(bytes)), seed);
	ck_assert_int_le(count_in_memory(base64, 36), text);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("cred_requests");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, load_and_list);
	tcase_add_test(tcase, equal_tags_are_left_alone);
	tcase_add_test(tcase, put_is_all_or_nothing);
	tcase_add_test(tcase, update_is_all_or_nothing);
	tcase_add_test(tcase, uses);
	tcase_add_loop_test(tcase, bad_credentials, 0, countof(faults));
	tcase_add_test(tcase, bounds);
	tcase_add_test(tcase, long_list);
	tcase_add_test(tcase, no_lists_at_all);
	tcase_add_test(tcase, authenticated_sas);
	tcase_add_loop_test(tcase, mutated, 1, 6);
	tcase_add_test(tcase, private_keys_are_wiped);
	return harness_run(tcase, "plugin_cred_requests");
}
