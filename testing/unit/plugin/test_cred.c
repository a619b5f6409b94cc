/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * test_cred.c - credentials: what is taken, what charon finds of it, and which
 * peers it lets in
 */

#include "pki.h"
#include "fake_sa.h"
#include "ppvpn_creds.h"

#include <credentials/sets/mem_cred.h>
#include <time.h>

#define HUB "hub.corp.acme.example"
#define S0 "s0.corp.acme.example"

static ppvpn_counters_t counters;
static ppvpn_table_t *table;
static ppvpn_creds_t *creds;
static pki_t *corp, *other, *hub, *s0;
static pki_t *nobody[] = { NULL };
static ppvpn_conn_t *negotiated;
static fake_sa_t sa;
static mem_cred_t *operators;

static void setup(void)
{
	pki_setup();
	table = ppvpn_table_create();
	creds = ppvpn_creds_create(table, &counters);
	lib->credmgr->add_set(lib->credmgr, &creds->set);
	operators = mem_cred_create();
	lib->credmgr->add_set(lib->credmgr, &operators->set);
	corp = pki_make(NULL, "corp", NULL, X509_CA, -1, 30);
	other = pki_make(NULL, "other", NULL, X509_CA, -1, 30);
	hub = pki_make(corp, "hub", HUB, 0, -1, 30);
	s0 = pki_make(corp, "s0", S0, 0, -1, 30);
	/* this thread negotiates a connection of ours */
	negotiated = harness_conn(0, 1);
	fake_sa_init(&sa);
	sa.peer_cfg = negotiated->peer_cfg;
	charon->bus->set_sa(charon->bus, &sa.public);
}

static void teardown(void)
{
	charon->bus->set_sa(charon->bus, NULL);
	negotiated->destroy(negotiated);
	lib->credmgr->remove_set(lib->credmgr, &operators->set);
	operators->destroy(operators);
	lib->credmgr->remove_set(lib->credmgr, &creds->set);
	creds->destroy(creds);
	table->destroy(table);
	pki_done();
	harness_teardown();
}

/* Values of credentials that are good. */
static ppvpn_cred_spec_t make_spec(char *name, bool strict)
{
	return (ppvpn_cred_spec_t){
		.name = name,
		.tag = name,
		.strict = strict,
		.certificates = { .pem = { hub->cert_pem }, .count = 1 },
		.private_key = hub->key_pem,
		.authorities = { .pem = { corp->cert_pem }, .count = 1 },
	};
}

static ppvpn_cred_t *create(ppvpn_cred_spec_t *spec)
{
	const char *reason = NULL;
	ppvpn_cred_part_t part;
	ppvpn_cred_t *cred;
	u_int index;

	cred = ppvpn_cred_create(spec, &part, &index, &reason);
	ck_assert_msg(cred != NULL, "%s", reason);
	return cred;
}

/* The values are refused, for this element. */
static void refuse(ppvpn_cred_spec_t spec, ppvpn_cred_part_t part, u_int index)
{
	const char *reason = NULL;
	ppvpn_cred_part_t at;
	u_int element;

	ck_assert_ptr_null(ppvpn_cred_create(&spec, &at, &element, &reason));
	ck_assert_int_eq(at, part);
	ck_assert_int_eq(element, index);
	ck_assert_ptr_nonnull(reason);
}

/* The operator's swanctl has the other authority. */
static void trust_other(void)
{
	operators->add_cert(operators, TRUE, other->cert->get_ref(other->cert));
}

/* A table with these credentials (adopted), the first ones being those of the
 * connection that this thread negotiates. */
static void fill(ppvpn_cred_t *cred, ppvpn_cred_t *second)
{
	ppvpn_set_t *set = ppvpn_set_create(0);
	ppvpn_cred_index_t *index = set->get_creds(set);
	ppvpn_conn_spec_t spec = harness_spec(0);
	ppvpn_counts_t counts;
	ppvpn_conn_t *conn;
	ppvpn_cred_t *old;

	spec.credentials = cred->name;
	conn = harness_create(&spec);
	table->replace(table, ppvpn_set_create(0), "", &counts);

	ck_assert(index->put(index, cred, &old));
	ck_assert_ptr_null(old);
	ck_assert_int_eq(set->add(set, conn), PPVPN_NO_CLASH);
	conn->destroy(conn);
	cred->destroy(cred);
	if (second)
	{
		ck_assert(index->put(index, second, &old));
		second->destroy(second);
	}
	table->replace(table, set, "r", &counts);
}

/* What the plugin says about a peer after charon verified its certificate, with
 * whatever else the peer sent; NULL if it comes in, "-" if charon refuses. */
static const char *judge(ppvpn_cred_t *cred, pki_t *peer, char *claimed,
						 char *sent_list, auth_cfg_t *constraints)
{
	identification_t *id = harness_id(claimed);
	auth_cfg_t *received = auth_cfg_create(), *found;
	const char *objection = "-";
	enumerator_t *enumerator;
	certificate_t *crl;
	public_key_t *key;

	received->add(received, AUTH_HELPER_SUBJECT_CERT,
				  peer->cert->get_ref(peer->cert));
	if (sent_list)
	{
		crl = lib->creds->create(lib->creds, CRED_CERTIFICATE, CERT_X509_CRL,
						BUILD_BLOB_PEM, chunk_from_str(sent_list), BUILD_END);
		received->add(received, AUTH_HELPER_REVOCATION_CERT, crl);
	}
	enumerator = lib->credmgr->create_public_enumerator(lib->credmgr,
											KEY_ED25519, id, received, TRUE);
	while (enumerator->enumerate(enumerator, &key, &found))
	{
		objection = cred->find_objection(cred, found, id, time(NULL));
		if (constraints)
		{
			found->add(found, AUTH_RULE_AUTH_CLASS, AUTH_CLASS_PUBKEY);
			found->add(found, AUTH_RULE_IDENTITY, id->clone(id));
			ck_assert(found->complies(found, constraints, FALSE) ==
					  (objection == NULL));
		}
		break;
	}
	enumerator->destroy(enumerator);
	received->destroy(received);
	id->destroy(id);
	return objection;
}

static void check_judgement(const char *is, const char *expected)
{
	if (expected)
	{
		ck_assert_msg(is && streq(is, expected), "%s instead of %s",
					  is ?: "in", expected);
	}
	else
	{
		ck_assert_msg(!is, "%s", is);
	}
}

START_TEST(what_is_taken)
{
	ppvpn_cred_spec_t spec = make_spec("a", TRUE);
	char *list = pki_list(corp, -1, 7, nobody);
	ppvpn_cred_t *cred;

	spec.lists = (ppvpn_pems_t){ .pem = { list }, .count = 1 };
	cred = create(&spec);
	ck_assert_int_eq(cred->certificate_count, 1);
	ck_assert_int_eq(cred->authority_count, 1);
	ck_assert_int_eq(cred->list_count, 1);
	ck_assert_ptr_eq(cred->signers[0], cred->authorities[0]);
	ck_assert_int_eq(cred->size, strlen(list) + strlen(hub->cert_pem) +
					 strlen(hub->key_pem) + strlen(corp->cert_pem));
	cred->destroy(cred);
}
END_TEST

START_TEST(what_is_refused)
{
	ppvpn_cred_spec_t good = make_spec("a", TRUE), spec;
	char *garbage = "-----BEGIN CERTIFICATE-----\nAAAA\n"
					"-----END CERTIFICATE-----\n";

	spec = good;
	spec.certificates.pem[0] = garbage;
	refuse(spec, PPVPN_CRED_CERTIFICATES, 0);
	/* a CA's, and those of TLS */
	spec.certificates.pem[0] = corp->cert_pem;
	spec.private_key = corp->key_pem;
	refuse(spec, PPVPN_CRED_CERTIFICATES, 0);
	spec.certificates.pem[0] = pki_make(corp, "h", HUB, X509_CLIENT_AUTH, -1,
										30)->cert_pem;
	refuse(spec, PPVPN_CRED_CERTIFICATES, 0);
	spec.certificates.pem[0] = pki_make(corp, "h", HUB, X509_SERVER_AUTH, -1,
										30)->cert_pem;
	refuse(spec, PPVPN_CRED_CERTIFICATES, 0);
	/* not a CA's in the chain */
	spec = good;
	spec.certificates.pem[spec.certificates.count++] = s0->cert_pem;
	refuse(spec, PPVPN_CRED_CERTIFICATES, 1);
	spec = good;
	spec.private_key = s0->key_pem;
	refuse(spec, PPVPN_CRED_PRIVATE_KEY, 0);
	spec.private_key = garbage;
	refuse(spec, PPVPN_CRED_PRIVATE_KEY, 0);
	/* authorities: of no CA, signed by another */
	spec = good;
	spec.authorities.pem[spec.authorities.count++] = s0->cert_pem;
	refuse(spec, PPVPN_CRED_AUTHORITIES, 1);
	spec.authorities.pem[1] = pki_make(corp, "sub", NULL, X509_CA, -1,
									   30)->cert_pem;
	refuse(spec, PPVPN_CRED_AUTHORITIES, 1);
	/* lists: somebody else's, none */
	spec = good;
	spec.lists = (ppvpn_pems_t){
		.pem = { pki_list(corp, -1, 7, nobody), pki_list(other, -1, 7, nobody) },
		.count = 2,
	};
	refuse(spec, PPVPN_CRED_LISTS, 1);
	spec.lists.pem[1] = corp->cert_pem;
	refuse(spec, PPVPN_CRED_LISTS, 1);
}
END_TEST

/* Number of certificates charon finds. */
static u_int count_certs(certificate_type_t type, identification_t *id,
						 bool trusted)
{
	enumerator_t *enumerator;
	certificate_t *cert;
	u_int count = 0;

	enumerator = lib->credmgr->create_cert_enumerator(lib->credmgr, type,
													  KEY_ANY, id, trusted);
	while (enumerator->enumerate(enumerator, &cert))
	{
		count++;
	}
	enumerator->destroy(enumerator);
	return count;
}

/* Does charon find the key of a certificate? */
static bool has_private(pki_t *pki)
{
	identification_t *id;
	private_key_t *key;
	chunk_t chunk;

	ck_assert(pki->key->get_fingerprint(pki->key, KEYID_PUBKEY_SHA1, &chunk));
	id = identification_create_from_encoding(ID_KEY_ID, chunk);
	key = lib->credmgr->get_private(lib->credmgr, KEY_ANY, id, NULL);
	id->destroy(id);
	DESTROY_IF(key);
	return key != NULL;
}

START_TEST(what_charon_finds)
{
	ppvpn_cred_spec_t spec = make_spec("a", TRUE);
	identification_t *corps = corp->cert->get_subject(corp->cert);
	identification_t *fqdn = harness_id(HUB), *nobodys = harness_id(S0), *ski;
	x509_t *x509 = (x509_t*)corp->cert;
	ppvpn_counts_t counts;
	private_key_t *key;

	spec.lists = (ppvpn_pems_t){
		.pem = { pki_list(corp, -1, 7, nobody) }, .count = 1,
	};
	fill(create(&spec), NULL);
	ck_assert_int_eq(count_certs(CERT_ANY, fqdn, FALSE), 1);
	ck_assert_int_eq(count_certs(CERT_ANY, fqdn, TRUE), 0);
	ck_assert_int_eq(count_certs(CERT_ANY, nobodys, FALSE), 0);
	/* an authority, and by CERT_ANY no list */
	ck_assert_int_eq(count_certs(CERT_ANY, corps, FALSE), 1);
	ck_assert_int_eq(count_certs(CERT_X509, corps, TRUE), 1);
	ck_assert_int_eq(count_certs(CERT_X509_CRL, corps, FALSE), 1);
	ck_assert_int_eq(count_certs(CERT_X509_AC, corps, FALSE), 0);
	ski = identification_create_from_encoding(ID_KEY_ID,
									x509->get_subjectKeyIdentifier(x509));
	ck_assert_int_eq(count_certs(CERT_X509_CRL, ski, FALSE), 1);
	ck_assert_int_eq(count_certs(CERT_ANY, NULL, TRUE), 1);
	ck_assert_int_eq(count_certs(CERT_ANY, NULL, FALSE), 2);
	ck_assert_int_eq(count_certs(CERT_X509_CRL, NULL, FALSE), 1);
	/* the key, for its certificate, and for nothing else */
	ck_assert(has_private(hub));
	ck_assert(!has_private(s0));
	ck_assert_ptr_null(creds->set.create_private_enumerator(&creds->set,
															KEY_ANY, NULL));
	ck_assert_ptr_null(creds->set.create_private_enumerator(&creds->set,
															KEY_ANY, fqdn));
	key = lib->credmgr->get_private(lib->credmgr, KEY_ANY, nobodys, NULL);
	ck_assert_ptr_null(key);
	table->replace(table, ppvpn_set_create(0), "r2", &counts);
	ck_assert_int_eq(counts.credentials, 1);
	ck_assert_int_eq(count_certs(CERT_ANY, corps, TRUE), 0);
	ck_assert(!has_private(hub));
	fqdn->destroy(fqdn);
	nobodys->destroy(nobodys);
	ski->destroy(ski);
}
END_TEST

START_TEST(not_for_others)
{
	ppvpn_cred_spec_t spec = make_spec("a", TRUE);
	identification_t *corps = corp->cert->get_subject(corp->cert);
	identification_t *fqdn = harness_id(HUB);
	peer_cfg_create_t data = { .unique = UNIQUE_NO };

	spec.lists = (ppvpn_pems_t){
		.pem = { pki_list(corp, -1, 7, nobody) }, .count = 1,
	};
	fill(create(&spec), NULL);
	/* an operator's connection, none yet, no IKE_SA */
	sa.peer_cfg = NULL;
	if (_i == 0)
	{
		sa.peer_cfg = peer_cfg_create("operators",
					ppvpn_ike_cfg_create("192.0.2.1", "198.51.0.2"), &data);
	}
	charon->bus->set_sa(charon->bus, _i == 2 ? NULL : &sa.public);
	ck_assert_int_eq(count_certs(CERT_ANY, corps, TRUE), 0);
	ck_assert_int_eq(count_certs(CERT_ANY, corps, FALSE), 0);
	ck_assert_int_eq(count_certs(CERT_ANY, fqdn, FALSE), 0);
	ck_assert_int_eq(count_certs(CERT_X509_CRL, corps, FALSE), 0);
	ck_assert_int_eq(count_certs(CERT_ANY, NULL, TRUE), 0);
	ck_assert(!has_private(hub));
	/* who lists everything does so without an IKE_SA */
	ck_assert_int_eq(count_certs(CERT_ANY, NULL, FALSE), _i == 2 ? 2 : 0);
	DESTROY_IF(sa.peer_cfg);
	fqdn->destroy(fqdn);
}
END_TEST

START_TEST(index_is_bounded)
{
	ppvpn_cred_index_t *index = ppvpn_cred_index_create();
	ppvpn_cred_spec_t spec = make_spec("a", TRUE);
	ppvpn_cred_t *cred = create(&spec), *other_cred, *old;

	cred->size = PPVPN_MAX_CREDS_SIZE;
	ck_assert(index->put(index, cred, &old));
	spec.name = "b";
	other_cred = create(&spec);
	ck_assert(!index->put(index, other_cred, &old));
	ck_assert_int_eq(index->get_count(index), 1);
	/* in the place of the other it fits */
	other_cred->destroy(other_cred);
	spec.name = "a";
	other_cred = create(&spec);
	ck_assert(index->put(index, other_cred, &old));
	ck_assert_ptr_eq(old, cred);
	old->destroy(old);
	cred->destroy(cred);
	other_cred->destroy(other_cred);
	index->destroy(index);
}
END_TEST

START_TEST(too_large_is_undone)
{
	ppvpn_cred_spec_t a = make_spec("a", TRUE), b = make_spec("b", TRUE);
	ppvpn_change_t change = { .base_revision = "r", .revision = "r2" };
	ppvpn_cred_t *first = create(&a), *second = create(&b);
	ppvpn_cred_t *small, *large, *found;
	ppvpn_update_part_t part;
	ppvpn_counts_t counts;
	ppvpn_clash_t clash;
	u_int index;

	/* undone forwards, a's old credentials would not fit beside b's new */
	first->size = PPVPN_MAX_CREDS_SIZE - 10;
	second->size = 10;
	fill(first, second);
	a.tag = b.tag = "new";
	small = create(&a);
	large = create(&b);
	small->size = 1;
	large->size = PPVPN_MAX_CREDS_SIZE - 1;
	change.upsert_creds = array_create(0, 0);
	array_insert(change.upsert_creds, ARRAY_TAIL, small);
	array_insert(change.upsert_creds, ARRAY_TAIL, large);
	a.name = "c";
	array_insert(change.upsert_creds, ARRAY_TAIL, create(&a));
	ck_assert_int_eq(table->update(table, &change, &counts, &clash, &part,
								   &index), FAILED);
	ck_assert_int_eq(clash, PPVPN_CLASH_CREDENTIALS_FULL);
	ck_assert_int_eq(part, PPVPN_UPDATE_UPSERT_CREDS);
	ck_assert_int_eq(index, 2);
	found = table->get_cred_by_name(table, "a");
	ck_assert_ptr_eq(found, first);
	found->destroy(found);
	found = table->get_cred_by_name(table, "b");
	ck_assert_ptr_eq(found, second);
	found->destroy(found);
	ck_assert_ptr_null(table->get_cred_by_name(table, "c"));
	ck_assert(has_private(hub));
	array_destroy_offset(change.upsert_creds, offsetof(ppvpn_cred_t, destroy));
}
END_TEST

/* Peers, and what becomes of them. */
static struct {
	bool other;
	char *fqdn, *claimed;
	x509_flag_t flags;
	int begin, end;
	const char *judgement;
} peers[] = {
	{ FALSE, S0, S0, 0, -1, 30, NULL },
	{ FALSE, S0, S0, X509_IKE_INTERMEDIATE, -1, 30, NULL },
	{ FALSE, S0, "s1.corp.acme.example", 0, -1, 30, "-" },
	{ FALSE, "S0.corp.acme.example", S0, 0, -1, 30, "identity-mismatch" },
	{ FALSE, "*.corp.acme.example", S0, 0, -1, 30, "-" },
	{ FALSE, NULL, S0, 0, -1, 30, "-" },
	{ FALSE, S0, S0, 0, -30, -1, "-" },
	{ FALSE, S0, S0, 0, 1, 30, "-" },
	{ FALSE, S0, S0, X509_CA, -1, 30, "cert-unfit" },
	{ FALSE, S0, S0, X509_CLIENT_AUTH, -1, 30, "cert-unfit" },
	{ FALSE, S0, S0, X509_SERVER_AUTH, -1, 30, "cert-unfit" },
	{ FALSE, S0, S0, X509_OCSP_SIGNER, -1, 30, "cert-unfit" },
	{ TRUE, S0, S0, 0, -1, 30, "cert-untrusted" },
};

START_TEST(who_is_let_in)
{
	ppvpn_cred_spec_t a = make_spec("a", FALSE), b = make_spec("b", FALSE);
	ppvpn_cred_t *cred;
	pki_t *peer;

	/* of another VPN, and of the operator, charon trusts it as well */
	trust_other();
	b.authorities.pem[0] = other->cert_pem;
	cred = create(&a);
	fill(cred->get_ref(cred), create(&b));
	peer = pki_make(peers[_i].other ? other : corp, "peer", peers[_i].fqdn,
					peers[_i].flags, peers[_i].begin, peers[_i].end);
	check_judgement(judge(cred, peer, peers[_i].claimed, NULL, NULL),
					peers[_i].judgement);
	cred->destroy(cred);
}
END_TEST

START_TEST(another_vpns_authority_is_not_there)
{
	ppvpn_cred_spec_t a = make_spec("a", FALSE), b = make_spec("b", FALSE);
	pki_t *theirs = pki_make(other, "s0", S0, 0, -1, 30);
	ppvpn_cred_t *cred = create(&a);

	b.authorities.pem[0] = other->cert_pem;
	fill(cred->get_ref(cred), create(&b));
	check_judgement(judge(cred, theirs, S0, NULL, NULL), "-");
	cred->destroy(cred);
}
END_TEST

START_TEST(an_authority_is_no_peer)
{
	pki_t *anchor = pki_make(NULL, "anchor", S0, X509_CA, -1, 30);
	ppvpn_cred_spec_t spec = make_spec("a", FALSE);
	ppvpn_cred_t *cred;

	/* charon has it as trusted, and needs no way up */
	spec.authorities.pem[0] = anchor->cert_pem;
	cred = create(&spec);
	fill(cred->get_ref(cred), NULL);
	ck_assert_ptr_nonnull(judge(cred, anchor, S0, NULL, NULL));
	cred->destroy(cred);
}
END_TEST

/* Lists of the authority: begin, end, whether they name the peer. */
static struct {
	struct {
		int begin, end;
		bool named;
	} lists[2];
	const char *strict, *relaxed;
} statuses[] = {
	{ { { -1, 7, FALSE } }, NULL, NULL },
	{ { { 0 } }, "cert-no-status", NULL },
	{ { { -9, -1, FALSE } }, "cert-no-status", NULL },
	{ { { 1, 7, FALSE } }, "cert-no-status", NULL },
	{ { { -9, -1, FALSE }, { -1, 7, FALSE } }, NULL, NULL },
	{ { { -1, 7, TRUE } }, "cert-revoked", "cert-revoked" },
	{ { { -9, -1, TRUE } }, "cert-revoked", "cert-revoked" },
	{ { { 1, 7, TRUE } }, "cert-revoked", "cert-revoked" },
	{ { { -9, -1, TRUE }, { -1, 7, FALSE } }, "cert-revoked", "cert-revoked" },
	{ { { -1, 7, FALSE }, { -2, 7, TRUE } }, "cert-revoked", "cert-revoked" },
};

START_TEST(lists_decide)
{
	ppvpn_cred_spec_t spec = make_spec("a", _i % 2);
	const char *expected, *is;
	pki_t *named[] = { hub, s0, NULL };
	ppvpn_cred_t *cred;
	int i = _i / 2, j;

	for (j = 0; j < 2; j++)
	{
		if (statuses[i].lists[j].end)
		{
			spec.lists.pem[spec.lists.count++] = pki_list(corp,
					statuses[i].lists[j].begin, statuses[i].lists[j].end,
					statuses[i].lists[j].named ? named : nobody);
		}
	}
	cred = create(&spec);
	fill(cred->get_ref(cred), NULL);
	expected = _i % 2 ? statuses[i].strict : statuses[i].relaxed;
	is = judge(cred, s0, S0, NULL, NULL);
	if (expected && streq(expected, "cert-revoked") && is && streq(is, "-"))
	{	/* charon found it out itself */
		is = expected;
	}
	check_judgement(is, expected);
	cred->destroy(cred);
}
END_TEST

START_TEST(peers_list_does_not_count)
{
	ppvpn_cred_spec_t spec = make_spec("a", TRUE);
	pki_t *named[] = { s0, NULL };
	char *before = pki_list(corp, -2, 7, nobody);
	ppvpn_cred_t *cred;

	/* revoked: the newer list is ours, the peer brings the older one, which
	 * is valid still. charon looks at that one first, and no further. */
	spec.lists = (ppvpn_pems_t){
		.pem = { pki_list(corp, -1, 7, named) }, .count = 1,
	};
	cred = create(&spec);
	fill(cred->get_ref(cred), NULL);
	check_judgement(judge(cred, s0, S0, before, NULL), "cert-revoked");
	/* nor does it help who has none */
	cred->destroy(cred);
	spec.lists.count = 0;
	cred = create(&spec);
	fill(cred->get_ref(cred), NULL);
	lib->credmgr->flush_cache(lib->credmgr, CERT_ANY);
	check_judgement(judge(cred, s0, S0, before, NULL), "cert-no-status");
	cred->destroy(cred);
}
END_TEST

START_TEST(charons_cache_does_not_count)
{
	ppvpn_cred_spec_t spec = make_spec("a", TRUE);
	pki_t *named[] = { s0, NULL };
	ppvpn_cred_t *cred;

	spec.lists = (ppvpn_pems_t){
		.pem = { pki_list(corp, -2, 7, nobody) }, .count = 1,
	};
	cred = create(&spec);
	fill(cred->get_ref(cred), NULL);
	check_judgement(judge(cred, s0, S0, NULL, NULL), NULL);
	cred->destroy(cred);
	spec.lists.pem[0] = pki_list(corp, -1, 7, named);
	cred = create(&spec);
	fill(cred->get_ref(cred), NULL);
	/* without a flush: the old list is in charon's cache, and valid */
	check_judgement(judge(cred, s0, S0, NULL, NULL), "cert-revoked");
	cred->destroy(cred);
}
END_TEST

START_TEST(serials_are_of_their_issuer)
{
	pki_t *theirs = pki_make(other, "x", "x.example", 0, -1, 30);
	pki_t *named[] = { s0, NULL };
	ppvpn_revocation_t *revocation = ppvpn_revocation_create();
	certificate_t *crl;
	char *list = pki_list(other, -1, 7, named);

	/* a list of another authority that names the same serial number */
	crl = lib->creds->create(lib->creds, CRED_CERTIFICATE, CERT_X509_CRL,
						BUILD_BLOB_PEM, chunk_from_str(list), BUILD_END);
	ck_assert(revocation->add(revocation, crl, other->cert));
	ck_assert_int_eq(revocation->check(revocation, (x509_t*)s0->cert,
						corp->cert, time(NULL)), PPVPN_REVOKED_UNKNOWN);
	ck_assert_int_eq(revocation->check(revocation, (x509_t*)s0->cert,
						other->cert, time(NULL)), PPVPN_REVOKED_YES);
	ck_assert_int_eq(revocation->check(revocation, (x509_t*)theirs->cert,
						other->cert, time(NULL)), PPVPN_REVOKED_NO);
	ck_assert(!revocation->add(revocation, s0->cert, other->cert));
	crl->destroy(crl);
	revocation->destroy(revocation);
}
END_TEST

/* The configurations of a connection with both kinds, or one. */
static peer_cfg_t *first_cfg(bool certificate_sent, bool key, u_int count,
							 auth_class_t class)
{
	ppvpn_conn_spec_t spec = harness_spec(0);
	ppvpn_cred_spec_t a = make_spec("a", TRUE);
	identification_t *me = harness_id(HUB), *other_id = harness_id(S0);
	ppvpn_set_t *set = ppvpn_set_create(0);
	ppvpn_cred_index_t *index = set->get_creds(set);
	ppvpn_cred_t *cred = create(&a), *old;
	peer_cfg_t *cfg, *first = NULL;
	enumerator_t *enumerator;
	ppvpn_counts_t counts;
	ppvpn_conn_t *conn;
	auth_cfg_t *auth;
	u_int found = 0;

	spec.credentials = "a";
	spec.certificate_sent = certificate_sent;
	if (!key)
	{
		ppvpn_conn_spec_clear(&spec);
	}
	conn = harness_create(&spec);
	table->replace(table, ppvpn_set_create(0), "", &counts);
	ck_assert_int_eq(set->add(set, conn), PPVPN_CLASH_CREDENTIALS);
	index->put(index, cred, &old);
	ck_assert_int_eq(set->add(set, conn), PPVPN_NO_CLASH);
	ck_assert_ptr_null(index->remove(index, "a"));
	table->replace(table, set, "r", &counts);
	enumerator = table->create_peer_cfg_enumerator(table, me, other_id);
	while (enumerator->enumerate(enumerator, &cfg))
	{
		ck_assert_str_eq(cfg->get_name(cfg), conn->name);
		first = first ?: cfg->get_ref(cfg);
		ck_assert(first->equals(first, cfg));
		found++;
	}
	enumerator->destroy(enumerator);
	ck_assert_int_eq(found, count);
	enumerator = first->create_auth_cfg_enumerator(first, FALSE);
	ck_assert(enumerator->enumerate(enumerator, &auth));
	ck_assert_int_eq((uintptr_t)auth->get(auth, AUTH_RULE_AUTH_CLASS), class);
	enumerator->destroy(enumerator);
	conn->destroy(conn);
	cred->destroy(cred);
	me->destroy(me);
	other_id->destroy(other_id);
	return first;
}

START_TEST(what_is_sent_comes_first)
{
	peer_cfg_t *cfg, *by_name;

	cfg = first_cfg(TRUE, TRUE, 2, AUTH_CLASS_PUBKEY);
	by_name = table->get_peer_cfg(table, cfg->get_name(cfg));
	ck_assert(by_name->equals(by_name, cfg));
	ck_assert_int_eq(by_name->get_cert_policy(by_name), CERT_ALWAYS_SEND);
	by_name->destroy(by_name);
	cfg->destroy(cfg);
	cfg = first_cfg(FALSE, TRUE, 2, AUTH_CLASS_PSK);
	cfg->destroy(cfg);
	cfg = first_cfg(TRUE, FALSE, 1, AUTH_CLASS_PUBKEY);
	ck_assert_ptr_null(table->get_peer_cfg(table, "ppvpn:none"));
	cfg->destroy(cfg);
}
END_TEST

START_TEST(configuration_demands_it_too)
{
	peer_cfg_t *cfg = first_cfg(TRUE, FALSE, 1, AUTH_CLASS_PUBKEY);
	ppvpn_cred_spec_t a = make_spec("a", TRUE), b = make_spec("b", TRUE);
	pki_t *theirs = pki_make(other, "s0", S0, 0, -1, 30);
	enumerator_t *enumerator;
	auth_cfg_t *constraints;
	ppvpn_cred_t *cred;

	a.lists = (ppvpn_pems_t){
		.pem = { pki_list(corp, -1, 7, nobody) }, .count = 1,
	};
	b.authorities.pem[0] = other->cert_pem;
	trust_other();
	cred = create(&a);
	fill(cred->get_ref(cred), create(&b));
	enumerator = cfg->create_auth_cfg_enumerator(cfg, FALSE);
	ck_assert(enumerator->enumerate(enumerator, &constraints));
	/* charon's own check says the same as ours */
	check_judgement(judge(cred, s0, S0, NULL, constraints), NULL);
	check_judgement(judge(cred, theirs, S0, NULL, constraints),
					"cert-untrusted");
	cred->destroy(cred);
	a.lists.count = 0;
	cred = create(&a);
	fill(cred->get_ref(cred), create(&b));
	lib->credmgr->flush_cache(lib->credmgr, CERT_ANY);
	check_judgement(judge(cred, s0, S0, NULL, constraints), "cert-no-status");
	enumerator->destroy(enumerator);
	cred->destroy(cred);
	cfg->destroy(cfg);
}
END_TEST

int main(void)
{
	TCase *tcase = tcase_create("cred");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, what_is_taken);
	tcase_add_test(tcase, what_is_refused);
	tcase_add_test(tcase, what_charon_finds);
	tcase_add_loop_test(tcase, not_for_others, 0, 3);
	tcase_add_test(tcase, index_is_bounded);
	tcase_add_test(tcase, too_large_is_undone);
	tcase_add_loop_test(tcase, who_is_let_in, 0, countof(peers));
	tcase_add_test(tcase, another_vpns_authority_is_not_there);
	tcase_add_test(tcase, an_authority_is_no_peer);
	tcase_add_loop_test(tcase, lists_decide, 0, 2 * countof(statuses));
	tcase_add_test(tcase, peers_list_does_not_count);
	tcase_add_test(tcase, charons_cache_does_not_count);
	tcase_add_test(tcase, serials_are_of_their_issuer);
	tcase_add_test(tcase, what_is_sent_comes_first);
	tcase_add_test(tcase, configuration_demands_it_too);
	return harness_run(tcase, "plugin_cred");
}
