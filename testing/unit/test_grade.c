/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/* test_grade.c - which proposals reach which grade of security */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "err.h"
#include "model.h"
#include "run.h"
#include "server/grade.h"

#define NONE (-1)

/* highest grade that a proposal reaches */
static const struct
{
	enum grade_sa sa;
	const char *proposal;
	int best;
	const char *says;	/* why not a higher one */
} cases[] = {
	{ GRADE_IKE, "aes256gcm16-prfsha384-ecp384", GRADE_HIGH, NULL },
	{ GRADE_IKE, "aes256-sha384-ecp384", GRADE_HIGH, NULL },
	{ GRADE_IKE, "aes192ctr-sha512-modp8192", GRADE_HIGH, NULL },
	{ GRADE_IKE, "camellia256ccm128-prfsha512-curve448", GRADE_HIGH, NULL },
	{ GRADE_IKE, "chacha20poly1305-prfsha384-x448", GRADE_HIGH, NULL },
	{ GRADE_IKE, "chacha20poly1305compat-prfsha384-ecp512bp", GRADE_HIGH,
	  NULL },
	/* charon takes the PRF from integrity here, too */
	{ GRADE_IKE, "aes256gcm-sha384-ecp521", GRADE_HIGH, NULL },
	{ GRADE_IKE, "aes128-sha256-x25519", GRADE_STANDARD,
	  "'aes128' in this IKE proposal has 128 bits of security; the grade high "
	  "needs 192" },
	{ GRADE_IKE, "chacha20poly1305-prfsha256-x25519", GRADE_STANDARD,
	  "'prfsha256'" },
	{ GRADE_IKE, "aes256gcm16-prfsha384-ecp256", GRADE_STANDARD, "'ecp256'" },
	{ GRADE_IKE, "aes256-sha256-prfsha384-ecp384", GRADE_STANDARD,
	  "'sha256'" },
	{ GRADE_IKE, "aes256-aesxcbc-ecp384", GRADE_STANDARD, "'aesxcbc'" },
	{ GRADE_IKE, "aes256gcm12-prfsha384-ecp384", GRADE_STANDARD,
	  "'aes256gcm12'" },
	{ GRADE_IKE, "aes256gcm16-prfsha384-modp6144", GRADE_STANDARD,
	  "'modp6144' in this IKE proposal has 176" },
	{ GRADE_IKE, "aes-sha256-modp3072", GRADE_STANDARD, "'aes'" },
	{ GRADE_IKE, "3des-sha256-modp2048", GRADE_BASIC, "'3des'" },
	{ GRADE_IKE, "aes256-sha512-ecp224bp", GRADE_BASIC, "'ecp224bp'" },
	{ GRADE_IKE, "aes256-sha512-modp2048s256", GRADE_BASIC,
	  "'modp2048s256'" },
	/* the weakest of a kind counts, wherever it stands */
	{ GRADE_IKE, "aes256-aes192-aes128-sha384-ecp384", GRADE_STANDARD,
	  "'aes128'" },
	{ GRADE_IKE, "aes128-aes256-sha384-ecp384-modp1024", NONE,
	  "'modp1024' in this IKE proposal has 80" },
	{ GRADE_IKE, "aes256-sha1-prfsha384-ecp384", NONE, "'sha1'" },
	{ GRADE_IKE, "aes256gcm16-prfsha1-ecp384", NONE, "'prfsha1'" },
	{ GRADE_IKE, "aes256-md5-ecp384", NONE, "'md5'" },
	{ GRADE_IKE, "des-sha256-ecp256", NONE, "'des'" },
	{ GRADE_IKE, "null-sha256-ecp256", NONE, "'null'" },
	{ GRADE_IKE, "blowfish256-sha256-ecp256", NONE, "'blowfish256'" },
	{ GRADE_IKE, "aes256gcm8-prfsha384-ecp384", NONE,
	  "'aes256gcm8' in this IKE proposal has 64" },
	{ GRADE_IKE, "aes128ccm64-prfsha256-ecp256", NONE, "'aes128ccm64'" },
	{ GRADE_IKE, "aes256gmac-prfsha384-ecp384", NONE, "'aes256gmac'" },
	{ GRADE_IKE, "aes128gcm16-prfsha256-modp1536", NONE, "'modp1536'" },
	{ GRADE_IKE, "aes128gcm16-prfsha256-ecp192", NONE, "'ecp192'" },
	{ GRADE_IKE, "aes128gcm16-prfsha256-none", NONE, "'none'" },
	{ GRADE_IKE, "aes128gcm16-prfsha256-modpnull", NONE, "'modpnull'" },
	{ GRADE_IKE, "aes128gcm16-prfsha256-ntru256", NONE, "'ntru256'" },
	/* parts that are not there */
	{ GRADE_IKE, "prfsha384-ecp384", NONE, "lacks encryption" },
	{ GRADE_IKE, "aes256-prfsha384-ecp384", NONE, "lacks integrity" },
	{ GRADE_IKE, "aes256gcm16-ecp384", NONE, "lacks a pseudo-random" },
	{ GRADE_IKE, "aes256gcm16-prfsha384", NONE, "lacks a key exchange" },
	{ GRADE_IKE, "aes256gcm16-aes256-sha384-ecp384", NONE, "not both" },
	/* words that charon does not know, or that are none */
	{ GRADE_IKE, "default", NONE, "'default' in this IKE proposal is not" },
	{ GRADE_IKE, "", NONE, "''" },
	{ GRADE_IKE, "aes256gcm16-prfsha384-ecp384-", NONE, "''" },
	{ GRADE_IKE, "-aes256gcm16-prfsha384-ecp384", NONE, "''" },
	{ GRADE_IKE, "aes256gcm16--prfsha384-ecp384", NONE, "''" },
	{ GRADE_IKE, "aes512-sha384-ecp384", NONE, "'aes512'" },
	{ GRADE_IKE, "aes256gcm-prfsha384-ecp38", NONE, "'ecp38'" },
	{ GRADE_IKE, "aes256gcm-prfsha384-ecp3840", NONE, "'ecp3840'" },
	{ GRADE_IKE, "AES256-SHA384-ECP384", NONE, "'AES256'" },
	{ GRADE_IKE, "camellia256gcm16-prfsha384-ecp384", NONE,
	  "'camellia256gcm16'" },
	{ GRADE_IKE, "aes25", NONE, "'aes25'" },

	{ GRADE_ESP, "aes256gcm16-ecp384", GRADE_HIGH, NULL },
	{ GRADE_ESP, "aes256gcm16-ecp384-esn-noesn", GRADE_HIGH, NULL },
	{ GRADE_ESP, "aes256-sha512-x448", GRADE_HIGH, NULL },
	{ GRADE_ESP, "aes128gcm16-x25519", GRADE_STANDARD, "'aes128gcm16'" },
	{ GRADE_ESP, "aes192-aescmac-curve25519", GRADE_STANDARD, "'aescmac'" },
	{ GRADE_ESP, "aes256gcm16-modp2048", GRADE_BASIC, "'modp2048'" },
	{ GRADE_ESP, "aes256gcm16", NONE, "perfect forward secrecy" },
	{ GRADE_ESP, "aes256gcm16-none", NONE, "'none'" },
	{ GRADE_ESP, "aes256gcm16-ecp384-none", NONE, "'none'" },
	{ GRADE_ESP, "aes256-ecp384", NONE, "lacks integrity" },
	{ GRADE_ESP, "esn", NONE, "lacks encryption" },
};

static int best(enum grade_sa sa, const char *proposal, struct err *e)
{
	int grade, found = NONE;
	bool failed = false;

	for (grade = GRADE_BASIC; grade < GRADE_COUNT; grade++)
	{
		if (grade_check_proposal((enum grade)grade, sa, proposal,
								 failed ? NULL : e) == 0)
		{
			ck_assert_msg(found == grade - 1, "%s: not monotone", proposal);
			found = grade;
		}
		else
		{
			failed = true;
		}
	}
	return found;
}

START_TEST(proposals)
{
	struct err e = { 0 };

	ck_assert_msg(best(cases[_i].sa, cases[_i].proposal, &e) == cases[_i].best,
				  "%s: %s", cases[_i].proposal, e.text);
	if (cases[_i].says)
	{
		ck_assert_int_eq(e.code, ERR_GRADE);
		ck_assert_str_eq(e.where, cases[_i].proposal);
		ck_assert_msg(strstr(e.text, cases[_i].says), "%s", e.text);
	}
}
END_TEST

START_TEST(a_long_word_is_cut)
{
	char word[600];
	struct err e;

	memset(word, 'a', sizeof(word) - 1);
	word[sizeof(word) - 1] = '\0';
	ck_assert_int_eq(grade_check_proposal(GRADE_BASIC, GRADE_ESP, word, &e),
					 -EINVAL);
	ck_assert_msg(strstr(e.text, "charon knows"), "%s", e.text);
}
END_TEST

/* ---- profiles ------------------------------------------------------------------ */

static char *ike[] = {
	(char *)"aes256gcm16-prfsha384-ecp384",
	(char *)"aes128gcm16-prfsha256-x25519"
};
static char *esp[] = {
	(char *)"aes256gcm16-ecp384", (char *)"aes128gcm16-x25519"
};

static const struct
{
	size_t ike, esp;			/* how many of the above */
	uint32_t rekey, child;
	int best;
	const char *where, *says;	/* of the next grade's refusal */
} profiles[] = {
	{ 1, 1, 14400, 3600, GRADE_HIGH, NULL, NULL },
	{ 2, 1, 14400, 3600, GRADE_STANDARD, "aes128gcm16-prfsha256-x25519",
	  "'aes128gcm16' in this IKE" },
	{ 1, 2, 14400, 3600, GRADE_STANDARD, "aes128gcm16-x25519", "ESP" },
	{ 1, 1, 14401, 3600, GRADE_STANDARD, "rekey_time",
	  "14401 seconds are not in the 300..14400 of the grade high" },
	{ 1, 1, 14400, 3601, GRADE_STANDARD, "child_rekey_time", "3600" },
	{ 1, 1, 86400, 28800, GRADE_STANDARD, "rekey_time", NULL },
	{ 1, 1, 86401, 28800, NONE, "rekey_time", "86400" },
	{ 1, 1, 86400, 28801, NONE, "child_rekey_time", "28800" },
	{ 1, 1, 0, 3600, NONE, "rekey_time", "300" },
	{ 1, 1, 300, 299, NONE, "child_rekey_time", "300" },
	{ 0, 1, 14400, 3600, NONE, "proposals", "at least one IKE" },
	{ 1, 0, 14400, 3600, NONE, "esp_proposals", "at least one ESP" },
};

START_TEST(whole_profiles)
{
	struct model_profile p = {
		.proposals = ike, .proposal_count = profiles[_i].ike,
		.esp_proposals = esp, .esp_proposal_count = profiles[_i].esp,
		.rekey_time = profiles[_i].rekey,
		.child_rekey_time = profiles[_i].child
	};
	struct err e;
	int grade;

	for (grade = GRADE_BASIC; grade <= profiles[_i].best; grade++)
	{
		ck_assert_int_eq(grade_check((enum grade)grade, &p, &e), 0);
	}
	if (grade < GRADE_COUNT)
	{
		ck_assert_int_eq(grade_check((enum grade)grade, &p, &e), -EINVAL);
		ck_assert_int_eq(e.code, ERR_GRADE);
		ck_assert_str_eq(e.where, profiles[_i].where);
		ck_assert_msg(!profiles[_i].says || strstr(e.text, profiles[_i].says),
					  "%s", e.text);
	}
}
END_TEST

/* One more proposal in a profile, one more word in a proposal: never better. */
START_TEST(more_is_never_stronger)
{
	char longer[128], *list[2];
	struct model_profile p = {
		.proposals = list, .esp_proposals = esp, .esp_proposal_count = 1,
		.rekey_time = 300, .child_rekey_time = 300
	};
	size_t i, j, k;
	int grade;

	for (i = 0; i < COUNT(cases); i++)
	{
		for (j = 0; j < COUNT(cases); j++)
		{
			for (grade = GRADE_BASIC; grade < GRADE_COUNT; grade++)
			{
				list[0] = (char *)cases[i].proposal;
				list[1] = (char *)cases[j].proposal;
				p.proposal_count = 2;
				k = (size_t)grade_check((enum grade)grade, &p, NULL);
				p.proposal_count = 1;
				ck_assert(k != 0 ||
						  grade_check((enum grade)grade, &p, NULL) == 0);
				list[0] = list[1];
				ck_assert(k != 0 ||
						  grade_check((enum grade)grade, &p, NULL) == 0);
			}
			if (cases[i].best == NONE || cases[j].best == NONE)
			{
				continue;
			}
			snprintf(longer, sizeof(longer), "%s-%s", cases[i].proposal,
					 cases[j].proposal);
			ck_assert_int_le(best(cases[i].sa, longer, NULL), cases[i].best);
		}
	}
}
END_TEST

START_TEST(keeps_what_reaches_the_grade)
{
	char *list[] = {
		(char *)"aes128gcm16-x25519", (char *)"aes256gcm16-ecp384",
		(char *)"aes256gcm16", (char *)"3des-sha256-modp2048",
		(char *)"aes256-sha512-ecp521"
	};
	char *kept[COUNT(list)];

	ck_assert_uint_eq(grade_keep(GRADE_HIGH, GRADE_ESP, list, COUNT(list),
								 kept), 2);
	ck_assert_ptr_eq(kept[0], list[1]);
	ck_assert_ptr_eq(kept[1], list[4]);
	ck_assert_uint_eq(grade_keep(GRADE_STANDARD, GRADE_ESP, list, COUNT(list),
								 kept), 3);
	ck_assert_uint_eq(grade_keep(GRADE_BASIC, GRADE_ESP, list, COUNT(list),
								 kept), 4);
	ck_assert_ptr_eq(kept[2], list[3]);
	ck_assert_uint_eq(grade_keep(GRADE_BASIC, GRADE_ESP, list, 0, kept), 0);
}
END_TEST

/* ---- what was negotiated --------------------------------------------------------- */

static const struct
{
	const char *text;
	int rc;
	enum grade grade;
} sas[] = {
	{ "AES_GCM_16_256/ECP_384", 0, GRADE_HIGH },
	{ "AES_GCM_16_256", 0, GRADE_HIGH },
	{ "AES_GCM_16_256/PRF_HMAC_SHA2_384/ECP_384", 0, GRADE_HIGH },
	{ "AES_CBC_256/HMAC_SHA2_384_192/CURVE_448", 0, GRADE_HIGH },
	{ "CHACHA20_POLY1305/ECP_384", 0, GRADE_HIGH },
	{ "CHACHA20_POLY1305_256", 0, GRADE_HIGH },
	{ "AES_GCM_16_256/CURVE_25519", 0, GRADE_STANDARD },
	{ "AES_GCM_16_128/CURVE_25519", 0, GRADE_STANDARD },
	{ "AES_GCM_12_256/ECP_384", 0, GRADE_STANDARD },
	{ "AES_GCM_16_256/PRF_HMAC_SHA2_256/ECP_384", 0, GRADE_STANDARD },
	{ "AES_CBC_128/HMAC_SHA2_256_128", 0, GRADE_STANDARD },
	{ "AES_CTR_192/AES_CMAC_96/MODP_4096", 0, GRADE_STANDARD },
	{ "CAMELLIA_CCM_16_128/ECP_256_BP", 0, GRADE_STANDARD },
	{ "3DES_CBC/HMAC_SHA2_256_128/MODP_2048", 0, GRADE_BASIC },
	{ "AES_GCM_16_256/MODP_2048_256", 0, GRADE_BASIC },
	{ "AES_CBC_256/HMAC_SHA1_96/ECP_384", -ERANGE, 0 },
	{ "AES_GCM_8_256/ECP_384", -ERANGE, 0 },
	{ "AES_GCM_16_256/MODP_1024", -ERANGE, 0 },
	{ "NULL/HMAC_SHA2_256_128", -ERANGE, 0 },
	{ "NULL_AES_GMAC_256/ECP_384", -ERANGE, 0 },
	{ "AES_CBC_256", -ERANGE, 0 },
	{ "DES_CBC/HMAC_MD5_96", -ERANGE, 0 },
	{ "", -EINVAL, 0 },
	{ "/", -EINVAL, 0 },
	{ "AES_GCM_16_256/", -EINVAL, 0 },
	{ "AES_GCM_16", -EINVAL, 0 },
	{ "AES_GCM_16_255", -EINVAL, 0 },
	{ "AES_GCM_16_1282", -EINVAL, 0 },
	{ "_256", -EINVAL, 0 },
	{ "256", -EINVAL, 0 },
	{ "AES_GCM_16_256/ECP_384/ECP_521", -EINVAL, 0 },
	{ "AES_GCM_16_256/AES_CBC_256", -EINVAL, 0 },
	{ "ECP_384", -EINVAL, 0 },
	{ "HMAC_SHA2_256_128", -EINVAL, 0 },
	{ "AES_GCM_16_256/ML_KEM_768", -EINVAL, 0 },
	{ "aes256gcm16-ecp384", -EINVAL, 0 },
};

START_TEST(negotiated)
{
	enum grade grade = GRADE_COUNT;

	ck_assert_msg(grade_of_sa(sas[_i].text, &grade) == sas[_i].rc, "%s",
				  sas[_i].text);
	ck_assert_msg(grade == (sas[_i].rc ? GRADE_COUNT : sas[_i].grade), "%s",
				  sas[_i].text);
}
END_TEST

START_TEST(names_and_bits)
{
	static const unsigned bits[] = { 112, 128, 192 };
	size_t i;

	for (i = 0; i < GRADE_COUNT; i++)
	{
		ck_assert_ptr_nonnull(grade_names[i]);
		ck_assert_uint_eq(grade_bits((enum grade)i), bits[i]);
	}
	ck_assert_ptr_null(grade_names[GRADE_COUNT]);
}
END_TEST

int main(void)
{
	TCase *tc = tcase_create("grade");

	tcase_add_loop_test(tc, proposals, 0, COUNT(cases));
	tcase_add_test(tc, a_long_word_is_cut);
	tcase_add_loop_test(tc, whole_profiles, 0, COUNT(profiles));
	tcase_add_test(tc, more_is_never_stronger);
	tcase_add_test(tc, keeps_what_reaches_the_grade);
	tcase_add_loop_test(tc, negotiated, 0, COUNT(sas));
	tcase_add_test(tc, names_and_bits);
	return run_case(tc, "grade");
}
