/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * test_store_authority.c - authorities of VPNs: keys that routers say, the
 * certificates and lists that documents have then, judged by openssl(1)
 */
#include "config.h"

#include <pthread.h>
#include <unistd.h>

#include "server/authority.h"
#include "server/crl.h"
#include "server/rotation.h"
#include "store_kit.h"

#define DAY INT64_C(86400000)

static int64_t now;
static uint64_t seq, revision;
static bool on_trial;			/* what routers report */
static struct store_authority_round out;

static int issue_nothing(void *user, const struct store_ce *ce,
						 uint64_t serial, struct arena *a,
						 struct store_issued *issued, struct err *err)
{
	(void)user;
	(void)ce;
	(void)err;
	issued->pem = arena_printf(a, "certificate %llu",
							   (unsigned long long)serial);
	issued->ends_ms = 0;
	return 0;
}

/* ---- what is done ---------------------------------------------------------------- */

/* Its management key is of these bytes from now on. */
static void enroll(const char *ce, uint8_t byte)
{
	uint8_t token[32], spki[32];
	bool again;
	char *pem;

	memset(token, byte, sizeof(token));
	memset(spki, byte, sizeof(spki));
	OK(store_token_add(store, "acme", ce, token, now + DAY, "test", &e));
	OK(store_enroll(store, arena, "acme", ce, token, spki, now,
					issue_nothing, NULL, &pem, &again, &e));
}

static const char *run(const char *command)
{
	struct text text = { 0 };
	char line[4096];
	const char *copy;
	size_t len;
	FILE *f = popen(arena_printf(arena, "cd %s && { %s; } 2>&1", kit_dir,
								 command), "r");

	ck_assert_ptr_nonnull(f);
	while ((len = fread(line, 1, sizeof(line), f)) > 0)
	{
		text_addn(&text, line, len);
	}
	pclose(f);
	copy = arena_strdup(arena, text_str(&text));
	text_done(&text);
	return copy;
}

struct key { uint8_t der[128], spki[32]; size_t len; };

/* One of openssl's, by number: the same one again. */
static struct key key_of(int number)
{
	const char *path = arena_printf(arena, "%s/key%d.pub", kit_dir, number);
	struct key key;
	FILE *f;

	if (access(path, F_OK) < 0)
	{
		run(arena_printf(arena, "openssl genpkey -algorithm ED25519 -out k && "
						 "openssl pkey -in k -pubout -outform DER -out "
						 "key%d.pub", number));
	}
	f = fopen(path, "rb");
	ck_assert_ptr_nonnull(f);
	key.len = fread(key.der, 1, sizeof(key.der), f);
	fclose(f);
	ck_assert_uint_gt(key.len, 32);
	seal_sha256(key.der, key.len, key.spki);
	return key;
}

/* Who has the management key of these bytes says its key. */
static int say(uint8_t byte, int number)
{
	const struct key key = key_of(number);
	uint8_t management[32];

	memset(management, byte, sizeof(management));
	return store_ike_key(store, management, key.spki, key.der, key.len, now,
						 &revision, &e);
}

static uint64_t vpn_id(const char *vpn)
{
	struct store_vpn row;

	OK(store_vpn_get(store, arena, "acme", vpn, &row, &e));
	return row.id;
}

static int want(const char *vpn)
{
	return store_authority_want(store, (int64_t)vpn_id(vpn), &e);
}

static void applied(const char *ce)
{
	const struct status_report report = {
		.ce = arena_printf(arena, "acme/%s", ce), .boot_id = (char *)"0",
		.seq = ++seq, .agent_version = (char *)"0.1", .epoch = 1,
		.revision = kit_ce_revision("acme", ce), .result = STATUS_APPLIED,
		.on_trial = on_trial,
	};

	OK(store_report(store, kit_ce_id("acme", ce), &report, now, &e));
}

static void all_applied(void)
{
	applied("paris-r1");
	applied("lyon-r1");
	applied("nice-r1");
}

/* What was done by itself, a second later? */
static uint64_t turn(void)
{
	now += 1000;
	OK(store_authority_round(store, now, true, &out, &e));
	return out.revisions;
}

/* paris, lyon, nice, enrolled with keys of bytes 1, 2, 3; keys for IKE of these
 * numbers, 0: none */
static void setup(void)
{
	kit_setup();
	kit_acme();
	now = kit_now_ms();
	seq = 0;
	enroll("paris-r1", 1);
	enroll("lyon-r1", 2);
	enroll("nice-r1", 3);
}

/* And corp has an authority, and each of them a certificate. */
static void certified(void)
{
	CHANGE(want("corp"));
	OK(say(1, 1));
	OK(say(2, 2));
	OK(say(3, 3));
}

/* ---- what is so ------------------------------------------------------------------- */

static const struct model_certificate *certificate_of(const char *ce)
{
	struct model_document *doc = kit_document("acme", ce);

	ck_assert_uint_ge(doc->vpn_count, 1);
	return &doc->vpns[0].certificate;
}

static void put(const char *name, const char *base64)
{
	FILE *f = fopen(arena_printf(arena, "%s/%s", kit_dir, name), "w");

	ck_assert_ptr_nonnull(f);
	fprintf(f, "%s\n", base64);
	fclose(f);
}

/*
 * The certificate of one router, judged with what another one was told: "OK", or
 * openssl's words.
 */
static const char *judge(const char *ce, const char *by)
{
	const struct model_certificate *own = certificate_of(ce);
	const struct model_certificate *told = certificate_of(by);
	const char *answer;
	size_t i;

	if (!own->cert_data)
	{
		return "none";
	}
	put("cert", own->cert_data);
	run("rm -f ca.pem crl.pem; base64 -d <cert | openssl x509 -inform DER "
		"-out cert.pem");
	for (i = 0; i < told->ca_count; i++)
	{
		put("ca", told->ca_data[i]);
		run("base64 -d <ca | openssl x509 -inform DER >>ca.pem");
	}
	for (i = 0; i < told->crl_count; i++)
	{
		put("crl", told->crl_data[i]);
		run("base64 -d <crl | openssl crl -inform DER >>crl.pem");
	}
	answer = run(arena_printf(arena, "openssl verify -x509_strict -attime %lld "
							  "-crl_check -CAfile ca.pem -CRLfile crl.pem "
							  "cert.pem", (long long)now / 1000));
	return strstr(answer, "cert.pem: OK") ? "OK"
		: strstr(answer, "certificate revoked") ? "revoked" : answer;
}

/* Each of three believes each other. */
static void all_believe(void)
{
	static const char *const ces[] = { "paris-r1", "lyon-r1", "nice-r1" };
	int i, j;

	for (i = 0; i < 3; i++)
	{
		for (j = 0; j < 3; j++)
		{
			ck_assert_str_eq(judge(ces[i], ces[j]), "OK");
		}
	}
}

/* Does the certificate of a router's document say so? */
static void says(const char *ce, const char *want_text)
{
	const char *text;

	put("cert", certificate_of(ce)->cert_data);
	text = run("base64 -d <cert | openssl x509 -inform DER -noout -text");
	ck_assert_msg(strstr(text, want_text) != NULL, "no '%s' in %s", want_text,
				  text);
}

static void on_checked(void *user, const char *check, uint64_t count)
{
	(void)user;
	(void)check;
	(void)count;
}

static void on_fault(void *user, const char *check, const char *where,
					 const char *text)
{
	const char **faults = user;

	*faults = arena_printf(arena, "%s%s: %s: %s\n", *faults, check, where,
						   text);
}

static const char *faults(void)
{
	const char *found = "";
	const struct store_verifier verifier = { &found, on_checked, on_fault };

	OK(store_verify(store, &kit_management, &verifier, &e));
	return found;
}

static void whole(void)
{
	ck_assert_str_eq(faults(), "");
}

/* "current 3; next 0: paris-r1 lyon-r1": authorities, and whom the step waits for */
static const char *states(void)
{
	struct store_authority *list;
	struct store_authority_wait *waits;
	size_t i, count, wait_count;
	const char *text = "";

	OK(store_authorities(store, arena, "acme", "corp", &list, &count, &waits,
						 &wait_count, &e));
	for (i = 0; i < count; i++)
	{
		text = arena_printf(arena, "%s%s%s %llu", text, i ? "; " : "",
							authority_states[list[i].state],
							(unsigned long long)list[i].certificates);
		ck_assert_uint_eq(strlen(list[i].fingerprint), 64);
	}
	for (i = 0; i < wait_count; i++)
	{
		text = arena_printf(arena, "%s%s%s", text, i ? " " : ": ",
							waits[i].ce);
	}
	return text;
}

static const char *last_audit(void)
{
	struct store_audit *audit;
	size_t count;

	OK(store_audits_of(store, arena, "acme", 1, &audit, &count, &e));
	return arena_printf(arena, "%s: %s", audit->actor, audit->what);
}

/* ---- an authority ------------------------------------------------------------------ */

START_TEST(without_one_nothing_is_said)
{
	const uint64_t before = kit_revision();

	ck_assert_uint_eq(certificate_of("paris-r1")->ca_count, 0);
	/* a key may be said, and changes no document */
	OK(say(1, 1));
	ck_assert_uint_eq(revision, 0);
	ck_assert_uint_eq(kit_revision(), before);
	ck_assert_ptr_nonnull(strstr(last_audit(),
								 "ce ike-key acme/paris-r1 key "));
	ck_assert_uint_eq(certificate_of("paris-r1")->ca_count, 0);
	ck_assert_uint_eq(turn(), 0);
	REFUSED(store_authority_roll(store, "acme", "corp", &e), -ENOENT,
			ERR_NOT_FOUND);
	ck_assert_str_eq(states(), "");
	whole();
}
END_TEST

START_TEST(wanted_it_is_there_at_once)
{
	const struct model_certificate *told;
	const uint64_t before = kit_revision();

	OK(say(1, 1));
	CHANGE(want("corp"));
	ck_assert_uint_eq(kit_revision(), before + 1);
	ck_assert_uint_eq(kit_ce_revision("acme", "paris-r1"), before + 1);
	ck_assert_uint_eq(kit_ce_revision("acme", "nice-r1"), before + 1);
	told = certificate_of("nice-r1");
	ck_assert_uint_eq(told->ca_count, 1);
	ck_assert_uint_eq(told->crl_count, 1);
	ck_assert_int_eq(told->revocation, MODEL_STRICT);
	ck_assert_ptr_null(told->cert_data);
	/* who had said its key has its certificate with the same revision */
	ck_assert_str_eq(judge("paris-r1", "nice-r1"), "OK");
	says("paris-r1", "DNS:paris.corp.acme.vpn.internal\n");
	ck_assert_str_eq(states(), "current 1");
	whole();
	/* a second time it is there */
	OK(store_begin(store, "test", &e));
	OK(want("corp"));
	OK(store_settle(store, &e));
	ck_assert(!store_is_changed(store));
	store_rollback(store);
	/* its key opens nowhere else, and is nowhere in clear */
	ck_assert_int_eq(kit_number("SELECT count(*) FROM vpn_authority "
							"WHERE length(sealed) > 200 "
							"AND sealed NOT LIKE '%2a8648ce3d0301%'"), 1);
}
END_TEST

START_TEST(a_dry_run_leaves_nothing)
{
	const uint64_t before = kit_revision();

	OK(say(1, 1));
	OK(store_begin(store, "test", &e));
	OK(want("corp"));
	OK(store_settle(store, &e));
	ck_assert(store_is_changed(store));
	store_rollback(store);
	ck_assert_uint_eq(kit_revision(), before);
	ck_assert_int_eq(kit_number("SELECT count(*) FROM vpn_authority"), 0);
	ck_assert_int_eq(kit_number("SELECT count(*) FROM ike_certificate"), 0);
	ck_assert_uint_eq(certificate_of("paris-r1")->ca_count, 0);
}
END_TEST

START_TEST(each_vpn_has_its_own)
{
	struct addr further = kit_addr("192.0.2.71");
	const struct model_document *doc;

	kit_vpn("acme", "lab");
	CHANGE(kit_add_site(store, "acme", "lab", "depot", "paris-r1", NULL,
						&further, &e));
	OK(say(1, 1));
	CHANGE(want("corp"));
	CHANGE(want("lab"));
	doc = kit_document("acme", "paris-r1");
	ck_assert_uint_eq(doc->vpn_count, 2);
	ck_assert_str_ne(doc->vpns[0].certificate.ca_data[0],
					 doc->vpns[1].certificate.ca_data[0]);
	ck_assert_str_ne(doc->vpns[0].certificate.cert_data,
					 doc->vpns[1].certificate.cert_data);
	/* and one is not believed in the other */
	put("cert", doc->vpns[1].certificate.cert_data);
	put("ca", doc->vpns[0].certificate.ca_data[0]);
	ck_assert_ptr_null(strstr(run("base64 -d <cert | openssl x509 -inform DER "
		"-out cert.pem; base64 -d <ca | openssl x509 -inform DER -out ca.pem; "
		"openssl verify -CAfile ca.pem cert.pem"), ": OK"));
	whole();
	/* the VPN goes with all of it */
	CHANGE(store_site_remove(store, "acme", "lab", "depot", "site-removed",
							 &e));
	CHANGE(store_vpn_remove(store, "acme", "lab", &e));
	ck_assert_int_eq(kit_number("SELECT count(*) FROM vpn_authority"), 1);
	ck_assert_int_eq(kit_number("SELECT count(*) FROM ike_certificate"), 1);
	whole();
}
END_TEST

/* ---- keys ------------------------------------------------------------------------- */

START_TEST(a_key_gets_its_certificates_at_once)
{
	const char *first;
	uint64_t before, lyon;

	CHANGE(want("corp"));
	before = kit_revision();
	lyon = kit_ce_revision("acme", "lyon-r1");
	OK(say(1, 1));
	ck_assert_uint_eq(revision, before + 1);
	ck_assert_uint_eq(kit_revision(), before + 1);
	ck_assert_uint_eq(kit_ce_revision("acme", "paris-r1"), before + 1);
	ck_assert_uint_eq(kit_ce_revision("acme", "lyon-r1"), lyon);
	ck_assert_str_eq(judge("paris-r1", "lyon-r1"), "OK");
	ck_assert_ptr_nonnull(strstr(last_audit(), "ce:acme/paris-r1: ce ike-key "
								 "acme/paris-r1 key "));
	first = certificate_of("paris-r1")->cert_data;
	/* once more: nothing */
	now += 10000;
	OK(say(1, 1));
	ck_assert_uint_eq(revision, 0);
	ck_assert_uint_eq(kit_revision(), before + 1);
	ck_assert_str_eq(certificate_of("paris-r1")->cert_data, first);
	/* another one: the older certificate is not revoked for that */
	OK(say(1, 4));
	ck_assert_uint_eq(revision, before + 2);
	ck_assert_str_ne(certificate_of("paris-r1")->cert_data, first);
	ck_assert_str_eq(judge("paris-r1", "lyon-r1"), "OK");
	ck_assert_int_eq(kit_number("SELECT count(*) FROM ike_certificate "
							"WHERE revoked_ms > 0"), 0);
	/* and back: it may have gone back to older files */
	now += 10000;
	OK(say(1, 1));
	ck_assert_uint_eq(revision, before + 3);
	ck_assert_int_eq(kit_number("SELECT count(*) FROM ike_key_past"), 1);
	whole();
}
END_TEST

START_TEST(keys_that_are_not_taken)
{
	const struct key management = key_of(9);
	uint8_t byte_1[32];
	bool again;
	char *pem;
	uint8_t token[32] = { 9 };

	CHANGE(want("corp"));
	OK(say(1, 1));
	/* another router's, now and before */
	ck_assert_int_eq(say(2, 1), -EEXIST);
	now += 10000;
	OK(say(1, 4));
	ck_assert_int_eq(say(2, 1), -EEXIST);
	ck_assert_int_eq(say(2, 4), -EEXIST);
	/* one of the management channel, of anybody's at any time */
	OK(store_token_add(store, "acme", "nice-r1", token, now + DAY, "test",
					   &e));
	OK(store_enroll(store, arena, "acme", "nice-r1", token, management.spki,
					now, issue_nothing, NULL, &pem, &again, &e));
	ck_assert_int_eq(say(2, 9), -EEXIST);
	enroll("nice-r1", 3 + 10);
	ck_assert_int_eq(say(2, 9), -EEXIST);
	ck_assert_int_eq(say(13, 9), -EEXIST);
	/* nor the other way round: one for IKE enrols nobody */
	OK(store_token_add(store, "acme", "nice-r1", token, now + DAY, "test",
					   &e));
	ck_assert_int_eq(store_enroll(store, arena, "acme", "nice-r1", token,
								  key_of(4).spki, now, issue_nothing, NULL,
								  &pem, &again, &e), -EEXIST);
	memset(byte_1, 1, sizeof(byte_1));
	ck_assert_int_eq(store_renew(store, arena, byte_1, key_of(1).spki, now,
								 issue_nothing, NULL, &pem, &again, &e),
					 -EEXIST);
	/* nobody's */
	ck_assert_int_eq(say(77, 5), -ENOENT);
	whole();
}
END_TEST

START_TEST(not_too_often)
{
	int i;

	CHANGE(want("corp"));
	OK(say(1, 1));
	now += 4999;
	ck_assert_int_eq(say(1, 2), -EAGAIN);
	/* the same is no other */
	OK(say(1, 1));
	now += 2;
	OK(say(1, 2));
	for (i = 3; i < 34; i++)
	{
		now += 6000;
		OK(say(1, i));
	}
	now += 6000;
	ck_assert_int_eq(say(1, 40), -EDQUOT);
	/* a year later it may again; and when its place is taken by another */
	now += 366 * DAY;
	OK(say(1, 40));
	/* a clock that was set back is no reason */
	now -= 400 * DAY;
	ck_assert_int_eq(say(1, 41), -EDQUOT);
	now += 400 * DAY + 6000;
	OK(say(1, 41));
}
END_TEST

START_TEST(a_site_that_comes_has_one_at_once)
{
	uint64_t before;

	certified();
	kit_ce("acme", "metz-r1", "192.0.2.4");
	enroll("metz-r1", 4);
	OK(say(4, 4));
	ck_assert_uint_eq(revision, 0);
	before = kit_revision();
	kit_site("acme", "corp", "metz", "metz-r1");
	ck_assert_uint_eq(kit_revision(), before + 1);
	ck_assert_str_eq(judge("metz-r1", "paris-r1"), "OK");
	ck_assert_str_eq(judge("paris-r1", "metz-r1"), "OK");
	whole();
}
END_TEST

START_TEST(other_names_other_certificates)
{
	struct store_vpn vpn;

	certified();
	OK(store_vpn_get(store, arena, "acme", "corp", &vpn, &e));
	vpn.domain = (char *)"other.example";
	CHANGE(store_vpn_set(store, &vpn, NULL, 0, &e));
	says("paris-r1", "DNS:paris.corp.acme.other.example\n");
	all_believe();
	whole();
}
END_TEST

/* ---- revoking ---------------------------------------------------------------------- */

START_TEST(revoked_replaced_removed)
{
	const char *was;
	const struct model_certificate *told;
	uint64_t before;

	certified();
	if (_i < 2)
	{
		/* one that it had before */
		now += 10000;
		OK(say(1, 6));
	}
	all_believe();
	was = certificate_of("paris-r1")->cert_data;
	before = kit_revision();
	switch (_i)
	{
		case 0:
			CHANGE(store_ce_revoke(store, "acme", "paris-r1", &e));
			break;
		case 1:
			CHANGE(store_ce_replace(store, "acme", "paris-r1", &e));
			break;
		case 2:
			CHANGE(store_site_remove(store, "acme", "corp", "paris",
									 "site-removed", &e));
			break;
		case 3:
			CHANGE(store_ce_leave(store, kit_ce_id("acme", "paris-r1"), &e));
			break;
	}
	ck_assert_uint_eq(kit_revision(), before + 1);
	ck_assert_uint_eq(kit_ce_revision("acme", "lyon-r1"), before + 1);
	told = certificate_of("lyon-r1");
	put("cert", was);
	put("ca", told->ca_data[0]);
	put("crl", told->crl_data[0]);
	ck_assert_ptr_nonnull(strstr(run("for i in cert ca; do base64 -d <$i | "
		"openssl x509 -inform DER -out $i.pem; done; base64 -d <crl | openssl "
		"crl -inform DER -out crl.pem; openssl verify -crl_check -CAfile "
		"ca.pem -CRLfile crl.pem cert.pem"), "certificate revoked"));
	ck_assert_ptr_nonnull(strstr(run("openssl crl -in crl.pem -noout -text"),
								 _i == 0 ? "Key Compromise"
								 : "Cessation Of Operation"));
	ck_assert_str_eq(judge("nice-r1", "lyon-r1"), "OK");
	whole();
	if (_i < 2)
	{
		/* what has its key now has no place; the successor needs its own */
		ck_assert_ptr_null(certificate_of("paris-r1")->cert_data);
		ck_assert_int_eq(say(1, 6), -ENOENT);
		enroll("paris-r1", 11);
		ck_assert_int_eq(say(11, 6), -EEXIST);
		ck_assert_int_eq(say(11, 1), -EEXIST);
		OK(say(11, 5));
		ck_assert_str_eq(judge("paris-r1", "lyon-r1"), "OK");
	}
	else if (_i == 2)
	{
		/* the router is one still, and its key is good for another site */
		kit_site("acme", "corp", "paris", "paris-r1");
		ck_assert_str_ne(certificate_of("paris-r1")->cert_data, was);
		ck_assert_str_eq(judge("paris-r1", "lyon-r1"), "OK");
	}
	whole();
	ck_assert_uint_eq(turn(), 0);
}
END_TEST

START_TEST(taken_back_a_removal_needs_a_new_one)
{
	const char *was;

	certified();
	was = certificate_of("paris-r1")->cert_data;
	CHANGE(store_site_remove(store, "acme", "corp", "paris", "site-removed",
							 &e));
	CHANGE(store_revert(store, kit_revision(), &e));
	ck_assert_str_ne(certificate_of("paris-r1")->cert_data, was);
	all_believe();
	whole();
}
END_TEST

START_TEST(suspended_ones_keep_theirs)
{
	struct store_ce ce;
	const char *was;

	certified();
	was = certificate_of("paris-r1")->cert_data;
	OK(store_ce_get(store, arena, "acme", "paris-r1", &ce, &e));
	ce.suspended = true;
	CHANGE(store_ce_set(store, &ce, &e));
	ck_assert_str_eq(certificate_of("paris-r1")->cert_data, was);
	/* and hear of what is revoked meanwhile */
	CHANGE(store_site_remove(store, "acme", "corp", "nice", "site-removed",
							 &e));
	ck_assert_uint_eq(kit_ce_revision("acme", "paris-r1"), kit_revision());
	ck_assert_str_eq(certificate_of("paris-r1")->crl_data[0],
					 certificate_of("lyon-r1")->crl_data[0]);
	whole();
}
END_TEST

/* ---- in time ------------------------------------------------------------------------ */

START_TEST(certificates_are_renewed)
{
	const char *was;
	uint64_t before;

	certified();
	was = certificate_of("paris-r1")->cert_data;
	before = kit_revision();
	ck_assert_uint_eq(turn(), 0);
	now += 240 * DAY;
	(void)turn();
	ck_assert_uint_eq(out.certificates, 0);
	ck_assert_str_eq(certificate_of("paris-r1")->cert_data, was);
	now += 40 * DAY;
	(void)turn();
	ck_assert_uint_eq(out.certificates, 3);
	ck_assert_str_ne(certificate_of("paris-r1")->cert_data, was);
	ck_assert_int_ge(kit_number("SELECT min(ends_ms) FROM ike_certificate "
							"WHERE superseded = 0"), now + 364 * DAY);
	(void)turn();
	ck_assert_uint_eq(out.certificates, 0);
	ck_assert_uint_gt(kit_revision(), before);
	/* what has ended is forgotten, but for what documents have */
	ck_assert_int_eq(kit_number("SELECT count(*) FROM ike_certificate"), 6);
	now += 130 * DAY;
	(void)turn();
	ck_assert_int_eq(kit_number("SELECT count(*) FROM ike_certificate"), 3);
	whole();
}
END_TEST

START_TEST(lists_are_made_anew)
{
	const char *was;

	certified();
	was = certificate_of("paris-r1")->crl_data[0];
	now += 13 * DAY;
	ck_assert_uint_eq(turn(), 0);
	now += 3 * DAY;
	ck_assert_uint_eq(turn(), 1);
	ck_assert_uint_eq(out.lists, 1);
	ck_assert_str_ne(certificate_of("paris-r1")->crl_data[0], was);
	ck_assert_uint_eq(kit_ce_revision("acme", "nice-r1"), kit_revision());
	ck_assert_uint_eq(turn(), 0);
	ck_assert_str_eq(last_audit(), "server: revocation lists acme/corp: 1 made "
					 "anew");
	whole();
}
END_TEST

START_TEST(what_is_missing_is_seen)
{
	certified();
	kit_sql("DELETE FROM ike_certificate WHERE site_id = 1");
	ck_assert_ptr_null(certificate_of("paris-r1")->cert_data);
	now += 1000;
	OK(store_authority_round(store, now, false, &out, &e));
	ck_assert_uint_eq(out.revisions, 0);
	ck_assert_uint_eq(turn(), 1);
	ck_assert_uint_eq(out.certificates, 1);
	all_believe();
}
END_TEST

START_TEST(lives_are_as_configured)
{
	const struct authority_lives lives = {
		.certificate_s = 90, .list_s = 60, .authority_s = 600,
	};
	struct store_authority *list;
	struct store_authority_wait *waits;
	struct store_site site;
	size_t count, wait_count;

	store_authority_lives(store, &lives);
	certified();
	OK(store_site_get(store, arena, "acme", "corp", "paris", &site, &e));
	ck_assert_ptr_nonnull(site.certificate.serial);
	ck_assert_uint_eq(site.certificate.revision,
					  kit_ce_revision("acme", "paris-r1"));
	ck_assert_int_eq((site.certificate.ends_ms - site.certificate.issued_ms +
					  999) / 1000, 90);
	OK(store_authorities(store, arena, "acme", "corp", &list, &count, &waits,
						 &wait_count, &e));
	ck_assert_int_eq((list->ends_ms - list->issued_ms + 999) / 1000, 600);
	ck_assert_int_eq((list->list_ends_ms - list->list_issued_ms + 999) / 1000,
					 60);
}
END_TEST

/* "ike-certificate-ends acme/corp/paris warning", of these codes that are raised. */
static const char *alarms(void)
{
	static const char *const codes[] = {
		"authority-ends", "authority-waits", "ike-certificate-ends",
		"revocation-list-old"
	};
	const struct store_rules rules = {
		.now_ms = now, .started_ms = now - DAY, .report_interval_s = 300,
		.host = "here",
	};
	struct store_alarm *list;
	const char *text = "";
	size_t i, k, count, changed;

	OK(store_rules_apply(store, &rules, &changed, &e));
	OK(store_alarms(store, arena, NULL, NULL, NULL, false, &list, &count, &e));
	for (i = 0; i < count; i++)
	{
		for (k = 0; k < 4; k++)
		{
			if (strcmp(list[i].code, codes[k]) == 0)
			{
				text = arena_printf(arena, "%s%s %s %d\n", text, list[i].code,
									list[i].resource, list[i].severity);
			}
		}
	}
	return text;
}

START_TEST(what_ends_is_an_alarm)
{
	certified();
	all_applied();
	ck_assert_str_eq(alarms(), "");
	/* nobody made anything anew: no server ran */
	now += 16 * DAY;
	ck_assert_str_eq(alarms(), "");
	now += 8 * DAY;
	ck_assert_str_eq(alarms(), arena_printf(arena,
		"revocation-list-old acme/corp %d\n", STATUS_MAJOR));
	now += 10 * DAY;
	ck_assert_str_eq(alarms(), arena_printf(arena,
		"revocation-list-old acme/corp %d\n", STATUS_CRITICAL));
	(void)turn();
	ck_assert_str_eq(alarms(), "");
	now += 260 * DAY;
	all_applied();
	(void)turn();
	ck_assert_uint_eq(out.certificates, 3);
	ck_assert_str_eq(alarms(), "");
	/* who has the newer one in force is well; paris does not */
	applied("lyon-r1");
	applied("nice-r1");
	now += 42 * DAY;
	(void)turn();
	applied("lyon-r1");
	applied("nice-r1");
	ck_assert_str_eq(alarms(), arena_printf(arena,
		"ike-certificate-ends acme/corp/paris %d\n", STATUS_WARNING));
	now += 25 * DAY;
	(void)turn();
	ck_assert_str_eq(alarms(), arena_printf(arena,
		"ike-certificate-ends acme/corp/paris %d\n", STATUS_MAJOR));
	now += 10 * DAY;
	(void)turn();
	ck_assert_str_eq(alarms(), arena_printf(arena,
		"ike-certificate-ends acme/corp/paris %d\n", STATUS_CRITICAL));
	applied("paris-r1");
	ck_assert_str_eq(alarms(), "");
}
END_TEST

START_TEST(who_holds_an_authority_back_is_an_alarm)
{
	certified();
	all_applied();
	CHANGE(store_authority_roll(store, "acme", "corp", &e));
	applied("lyon-r1");
	applied("nice-r1");
	now += DAY - 60000;
	ck_assert_str_eq(alarms(), "");
	now += 120000;
	ck_assert_str_eq(alarms(), arena_printf(arena,
		"authority-waits acme/paris-r1 %d\n", STATUS_MINOR));
	applied("paris-r1");
	ck_assert_str_eq(alarms(), "");
	/* the authority's own end, where nothing takes over from it */
	kit_sql(arena_printf(arena, "UPDATE vpn_authority SET issued_ms = %lld, "
					 "ends_ms = %lld WHERE state = 'current'",
					 (long long)(now - 10 * DAY),
					 (long long)(now + DAY / 8)));
	ck_assert_str_eq(alarms(), arena_printf(arena,
		"authority-ends acme/corp %d\n", STATUS_MAJOR));
	now += DAY;
	ck_assert_ptr_nonnull(strstr(alarms(), arena_printf(arena,
		"authority-ends acme/corp %d\n", STATUS_CRITICAL)));
}
END_TEST

/* ---- one takes over ------------------------------------------------------------------ */

START_TEST(one_takes_over_from_another)
{
	const struct model_certificate *told;
	const char *first, *was;
	uint64_t before;

	certified();
	all_applied();
	first = certificate_of("paris-r1")->ca_data[0];
	was = certificate_of("paris-r1")->cert_data;
	before = kit_revision();
	CHANGE(store_authority_roll(store, "acme", "corp", &e));
	told = certificate_of("paris-r1");
	ck_assert_uint_eq(told->ca_count, 2);
	ck_assert_uint_eq(told->crl_count, 2);
	ck_assert_str_eq(told->ca_data[0], first);
	ck_assert_str_eq(told->cert_data, was);
	ck_assert_str_eq(states(), "current 3; next 0: lyon-r1 nice-r1 paris-r1");
	REFUSED(store_authority_roll(store, "acme", "corp", &e), -EBUSY,
			ERR_ROTATION);
	whole();
	/* a key that is said meanwhile has a certificate of the first one's */
	now += 10000;
	OK(say(3, 30));
	all_believe();
	/* nothing times out into the next step */
	now += 5 * DAY;
	applied("paris-r1");
	applied("lyon-r1");
	ck_assert_uint_eq(turn(), 0);
	ck_assert_str_eq(states(), "current 3; next 0: nice-r1");
	applied("nice-r1");
	ck_assert_uint_eq(turn(), 1);
	ck_assert_uint_eq(out.steps, 1);
	ck_assert_uint_eq(out.certificates, 3);
	ck_assert_str_eq(states(), "current 3; old 0: lyon-r1 nice-r1 paris-r1");
	ck_assert_str_ne(certificate_of("paris-r1")->cert_data, was);
	ck_assert_uint_eq(certificate_of("paris-r1")->ca_count, 2);
	all_believe();
	whole();
	ck_assert_uint_eq(turn(), 0);
	all_applied();
	ck_assert_uint_eq(turn(), 1);
	ck_assert_str_eq(states(), "current 3");
	told = certificate_of("paris-r1");
	ck_assert_uint_eq(told->ca_count, 1);
	ck_assert_str_ne(told->ca_data[0], first);
	all_believe();
	whole();
	ck_assert_uint_eq(turn(), 0);
	ck_assert_uint_eq(kit_revision(), before + 4);
	ck_assert_str_eq(last_audit(), "server: authority acme/corp: the old one is "
					 "gone");
	CHANGE(store_authority_roll(store, "acme", "corp", &e));
	ck_assert_str_eq(states(), "current 3; next 0: lyon-r1 nice-r1 paris-r1");
}
END_TEST

START_TEST(a_router_without_a_key_holds_nothing_up)
{
	CHANGE(want("corp"));
	OK(say(1, 1));
	all_applied();
	CHANGE(store_authority_roll(store, "acme", "corp", &e));
	all_applied();
	ck_assert_uint_eq(turn(), 1);
	ck_assert_str_eq(states(), "current 1; old 0: lyon-r1 nice-r1 paris-r1");
	all_applied();
	ck_assert_uint_eq(turn(), 1);
	ck_assert_str_eq(states(), "current 1");
}
END_TEST

START_TEST(a_document_on_trial_confirms_nothing)
{
	struct store_authority *list;
	struct store_authority_wait *waits;
	size_t count, wait_count;

	certified();
	all_applied();
	CHANGE(store_authority_roll(store, "acme", "corp", &e));
	applied("lyon-r1");
	applied("nice-r1");
	on_trial = true;
	applied("paris-r1");
	on_trial = false;
	ck_assert_uint_eq(turn(), 0);
	OK(store_authorities(store, arena, "acme", "corp", &list, &count, &waits,
						 &wait_count, &e));
	ck_assert_uint_eq(wait_count, 1);
	/* and why is said */
	ck_assert_str_ne(rotation_waits[waits->wait], "");
	applied("paris-r1");
	ck_assert_uint_eq(turn(), 1);
}
END_TEST

/* One behind the others at any step believes them, and is believed. */
START_TEST(one_step_behind_is_believed)
{
	const struct model_certificate *behind, *ahead;
	const char *answer;
	int step;

	certified();
	all_applied();
	CHANGE(store_authority_roll(store, "acme", "corp", &e));
	for (step = 0; step < 3; step++)
	{
		behind = certificate_of("paris-r1");
		all_applied();
		if (turn() == 0)
		{
			break;
		}
		ahead = certificate_of("lyon-r1");
		/* lyon's new certificate, with what paris was told before */
		put("cert", ahead->cert_data);
		run("rm -f ca.pem; base64 -d <cert | openssl x509 -inform DER -out "
			"cert.pem");
		for (size_t i = 0; i < behind->ca_count; i++)
		{
			put("ca", behind->ca_data[i]);
			run("base64 -d <ca | openssl x509 -inform DER >>ca.pem");
		}
		answer = run("openssl verify -CAfile ca.pem cert.pem");
		ck_assert_msg(strstr(answer, ": OK") != NULL, "step %d: %s", step,
					  answer);
		/* paris' old one, with what lyon was told now */
		put("cert", behind->cert_data);
		run("rm -f ca.pem; base64 -d <cert | openssl x509 -inform DER -out "
			"cert.pem");
		for (size_t i = 0; i < ahead->ca_count; i++)
		{
			put("ca", ahead->ca_data[i]);
			run("base64 -d <ca | openssl x509 -inform DER >>ca.pem");
		}
		answer = run("openssl verify -CAfile ca.pem cert.pem");
		ck_assert_msg(strstr(answer, ": OK") != NULL, "step %d: %s", step,
					  answer);
	}
	ck_assert_int_eq(step, 2);
	ck_assert_str_eq(states(), "current 3");
}
END_TEST

START_TEST(who_holds_it_back)
{
	struct store_ce ce;

	certified();
	all_applied();
	CHANGE(store_authority_roll(store, "acme", "corp", &e));
	applied("lyon-r1");
	applied("nice-r1");
	ck_assert_str_eq(states(), "current 3; next 0: paris-r1");
	/* who has no tunnels for now, or no router, holds nothing back */
	OK(store_ce_get(store, arena, "acme", "paris-r1", &ce, &e));
	ce.suspended = true;
	CHANGE(store_ce_set(store, &ce, &e));
	applied("lyon-r1");
	applied("nice-r1");
	ck_assert_str_eq(states(), "current 3; next 0");
	ce.suspended = false;
	CHANGE(store_ce_set(store, &ce, &e));
	applied("lyon-r1");
	applied("nice-r1");
	ck_assert_str_eq(states(), "current 3; next 0: paris-r1");
	ck_assert_uint_eq(turn(), 0);
	CHANGE(store_ce_replace(store, "acme", "paris-r1", &e));
	ck_assert_str_eq(states(), "current 2; next 0");
	ck_assert_uint_eq(turn(), 1);
	ck_assert_str_eq(states(), "current 2; old 0: lyon-r1 nice-r1");
	/* its successor has the document of now */
	enroll("paris-r1", 21);
	OK(say(21, 21));
	ck_assert_str_eq(states(), "current 3; old 0: lyon-r1 nice-r1 paris-r1");
	all_believe();
	whole();
}
END_TEST

START_TEST(by_itself_when_it_is_time)
{
	int64_t old;

	certified();
	all_applied();
	old = kit_number("SELECT id FROM vpn_authority");
	now += 2000 * DAY;
	all_applied();
	(void)turn();
	ck_assert_uint_eq(out.steps, 0);
	now += 450 * DAY;
	(void)turn();
	ck_assert_uint_eq(out.steps, 1);
	ck_assert_str_eq(states(), "current 3; next 0: lyon-r1 nice-r1 paris-r1");
	all_applied();
	(void)turn();
	all_applied();
	(void)turn();
	ck_assert_str_eq(states(), "current 3");
	ck_assert_int_ne(kit_number("SELECT id FROM vpn_authority"), old);
	whole();
}
END_TEST

START_TEST(by_itself_when_its_list_is_long)
{
	struct store_authority *list;
	struct store_authority_wait *waits;
	size_t count, wait_count;

	certified();
	all_applied();
	kit_sql("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n "
		"WHERE i < 700) INSERT INTO ike_certificate (authority_id, serial, "
		"site_id, ce_id, spki, identity, issued_ms, ends_ms, renew_ms, "
		"revision, superseded, revoked_ms, reason, cert) "
		"SELECT authority_id, i, 1000 + i, ce_id, spki, identity, issued_ms, "
		"ends_ms, renew_ms, revision, 1, issued_ms - 10000 + i, 5, cert "
		"FROM ike_certificate, n WHERE site_id = 2");
	CHANGE(store_site_remove(store, "acme", "corp", "paris", "site-removed",
							 &e));
	OK(store_authorities(store, arena, "acme", "corp", &list, &count, &waits,
						 &wait_count, &e));
	ck_assert_uint_eq(list->list_entries, 701);
	/* what fits, the newest first, and that another one is due */
	put("crl", certificate_of("lyon-r1")->crl_data[0]);
	ck_assert_str_eq(run("base64 -d <crl | openssl crl -inform DER -noout "
						 "-text | grep -c 'Serial Number'"), "500\n");
	ck_assert_str_eq(run("base64 -d <crl | openssl crl -inform DER -noout "
						 "-text | grep -Ec 'Number: (02BC|CA|C9|01)$'"),
					 "2\n");
	whole();
	ck_assert_uint_eq(turn(), 1);
	ck_assert_uint_eq(out.steps, 1);
	ck_assert_str_eq(last_audit(), "server: authority roll acme/corp: it is "
					 "due");
}
END_TEST

START_TEST(an_ended_one_signs_nothing)
{
	certified();
	kit_sql("UPDATE vpn_authority SET ends_ms = 1000");
	/* the change goes on, and the alarm says it */
	kit_ce("acme", "metz-r1", "192.0.2.4");
	kit_site("acme", "corp", "metz", "metz-r1");
	enroll("metz-r1", 4);
	now += 100 * DAY;
	OK(say(4, 4));
	ck_assert_ptr_null(certificate_of("metz-r1")->cert_data);
}
END_TEST

/* ---- more servers than one ------------------------------------------------------------ */

static struct store *second;

static void *second_rounds(void *user)
{
	struct store_authority_round done;
	struct err err = { 0 };
	int i;

	for (i = 0; i < 20; i++)
	{
		*(int *)user |= store_authority_round(second, now, true, &done, &err);
		*(uint64_t *)((int *)user + 2) += done.revisions;
	}
	return NULL;
}

START_TEST(two_servers_step_once)
{
	struct { int rc, pad; uint64_t revisions; } other = { 0, 0, 0 };
	struct store_authority_round done;
	uint64_t before, mine = 0;
	pthread_t thread;
	int i;

	certified();
	all_applied();
	CHANGE(store_authority_roll(store, "acme", "corp", &e));
	all_applied();
	before = kit_revision();
	now += 1000;
	OK(store_open(kit_path, &kit_kek, &second, &e));
	ck_assert_int_eq(pthread_create(&thread, NULL, second_rounds, &other), 0);
	for (i = 0; i < 20; i++)
	{
		OK(store_authority_round(store, now, true, &done, &e));
		mine += done.revisions;
	}
	pthread_join(thread, NULL);
	store_close(second);
	ck_assert_int_eq(other.rc, 0);
	ck_assert_uint_eq(mine + other.revisions, 1);
	ck_assert_uint_eq(kit_revision(), before + 1);
	ck_assert_str_eq(states(), "current 3; old 0: lyon-r1 nice-r1 paris-r1");
	whole();
}
END_TEST

/* ---- what must hold --------------------------------------------------------------------- */

static const struct { const char *sql, *fault; } broken[] = {
	{ "UPDATE vpn_authority SET state = 'old'", "not one authority that signs" },
	{ "UPDATE vpn_authority SET revision = 999", "newer than the database" },
	{ "UPDATE vpn_authority SET list_stale = 1", "list does not say so" },
	{ "UPDATE vpn_authority SET sealed = replace(sealed, substr(sealed, 100, "
	  "4), 'ffff')", "sealed" },
	{ "UPDATE vpn_authority SET list = (SELECT cert FROM ike_certificate "
	  "LIMIT 1)", "signatures" },
	{ "UPDATE ike_certificate SET cert = (SELECT cert FROM vpn_authority)",
	  "signatures" },
	{ "UPDATE ike_certificate SET revoked_ms = 1 WHERE site_id = 2",
	  "not of its VPN" },
	{ "UPDATE ike_certificate SET identity = 'x.y' WHERE site_id = 2",
	  "not of its VPN" },
	{ "UPDATE ike_certificate SET revision = 999", "newer than the database" },
	{ "UPDATE ike_certificate SET site_id = 77 WHERE site_id = 2",
	  "not of its VPN" },
	{ "DELETE FROM ike_key WHERE ce_id = 2", "not of its VPN" },
	{ "UPDATE ike_key SET spki = (SELECT spki FROM ce_key LIMIT 1) "
	  "WHERE ce_id = 2", "management channel" },
	{ "UPDATE id_counter SET last = 0 WHERE name = 'authority'",
	  "its counter is behind" },
};

START_TEST(damage_is_told)
{
	certified();
	kit_sql(broken[_i].sql);
	ck_assert_msg(strstr(faults(), broken[_i].fault) != NULL, "%s: %s",
				  broken[_i].sql, faults());
}
END_TEST

START_TEST(another_key_seals_it)
{
	struct seal_key other;
	uint64_t pieces;

	certified();
	OK(seal_key_create(arena_printf(arena, "%s/kek2", kit_dir), &other, &e));
	OK(store_reseal(store, &other, "test", &pieces, &e));
	kit_kek = other;
	kit_reopen();
	whole();
	CHANGE(store_ce_revoke(store, "acme", "paris-r1", &e));
	whole();
}
END_TEST

TCase *store_authority_case(void)
{
	TCase *tc = tcase_create("authority");

	tcase_set_timeout(tc, 120);
	tcase_add_checked_fixture(tc, setup, kit_teardown);
	tcase_add_test(tc, without_one_nothing_is_said);
	tcase_add_test(tc, wanted_it_is_there_at_once);
	tcase_add_test(tc, a_dry_run_leaves_nothing);
	tcase_add_test(tc, each_vpn_has_its_own);
	tcase_add_test(tc, a_key_gets_its_certificates_at_once);
	tcase_add_test(tc, keys_that_are_not_taken);
	tcase_add_test(tc, not_too_often);
	tcase_add_test(tc, a_site_that_comes_has_one_at_once);
	tcase_add_test(tc, other_names_other_certificates);
	tcase_add_loop_test(tc, revoked_replaced_removed, 0, 4);
	tcase_add_test(tc, taken_back_a_removal_needs_a_new_one);
	tcase_add_test(tc, suspended_ones_keep_theirs);
	tcase_add_test(tc, certificates_are_renewed);
	tcase_add_test(tc, lists_are_made_anew);
	tcase_add_test(tc, what_is_missing_is_seen);
	tcase_add_test(tc, lives_are_as_configured);
	tcase_add_test(tc, what_ends_is_an_alarm);
	tcase_add_test(tc, who_holds_an_authority_back_is_an_alarm);
	tcase_add_test(tc, one_takes_over_from_another);
	tcase_add_test(tc, a_router_without_a_key_holds_nothing_up);
	tcase_add_test(tc, a_document_on_trial_confirms_nothing);
	tcase_add_test(tc, one_step_behind_is_believed);
	tcase_add_test(tc, who_holds_it_back);
	tcase_add_test(tc, by_itself_when_it_is_time);
	tcase_add_test(tc, by_itself_when_its_list_is_long);
	tcase_add_test(tc, an_ended_one_signs_nothing);
	tcase_add_test(tc, two_servers_step_once);
	tcase_add_loop_test(tc, damage_is_told, 0,
						(int)(sizeof(broken) / sizeof(broken[0])));
	tcase_add_test(tc, another_key_seals_it);
	return tc;
}
