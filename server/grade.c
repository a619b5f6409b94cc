/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * grade.c - named grades of security, and what is strong enough for them
 *
 * Pure.
 */
#include "config.h"

#include <errno.h>
#include <limits.h>
#include <stdint.h>
#include <string.h>

#include "err.h"
#include "model.h"
#include "server/grade.h"

/*
 * Seconds after which keys are replaced: at most 24 hours for IKE and 8 for ESP
 * as NIST SP 800-77 rev. 1 (section 7.3) advises; a new VPN's defaults for the
 * high grade. Below five minutes charon does little but negotiate.
 */
#define LIFETIME_MIN 300
static const struct
{
	unsigned bits;
	uint32_t ike_max, esp_max;
} needs[GRADE_COUNT] = {
	[GRADE_BASIC] = { 112, 86400, 28800 },
	[GRADE_STANDARD] = { 128, 86400, 28800 },
	[GRADE_HIGH] = { 192, 14400, 3600 }
};

const char *const grade_names[] = { "basic", "standard", "high", NULL };

unsigned grade_bits(enum grade grade)
{
	return needs[grade].bits;
}

/* ---- strengths --------------------------------------------------------------- */

enum part
{
	PART_CIPHER,		/* encryption alone */
	PART_AEAD,			/* encryption with integrity */
	PART_INTEGRITY,
	PART_PRF,
	PART_GROUP,
	PART_OTHER,			/* sequence numbers: no strength */
	PART_COUNT
};

/*
 * Bits of security, after NIST SP 800-57 Part 1 rev. 5, section 5.6.1: ciphers
 * and finite-field and elliptic-curve groups by table 2 (groups between its
 * lines, and curves 25519 and 448, as SP 800-56A rev. 3 appendix D and SP
 * 800-186 have them). Integrity and PRFs count as half of their hash's output,
 * which is how RFC 6379 pairs them with ciphers; table 3 would allow more for
 * HMAC. SHA-1 and MD5 are thereby below every grade. A tag of 96 bits counts as
 * 128, for it cannot be tried offline; one of 64 as what it is.
 *
 * 0: broken, no protection, or no standard that says what it is worth.
 * Words with '_' are not in the table: no document can carry them.
 */
static const struct row
{
	const char *word;	/* in a proposal; NULL: none */
	const char *sa;		/* charon's name for it in an SA */
	enum part part;
	unsigned bits;
} rows[] = {
	{ "null", "NULL", PART_CIPHER, 0 },
	{ "des", "DES_CBC", PART_CIPHER, 56 },
	{ "3des", "3DES_CBC", PART_CIPHER, 112 },
	{ "aes", NULL, PART_CIPHER, 128 },
	{ "camellia", NULL, PART_CIPHER, 128 },
	{ "chacha20poly1305", "CHACHA20_POLY1305", PART_AEAD, 256 },
	{ "chacha20poly1305compat", "CHACHA20_POLY1305_256", PART_AEAD, 256 },
	/* blocks of 64 bits */
	{ "blowfish", NULL, PART_CIPHER, 64 },
	{ "cast128", "CAST_CBC_128", PART_CIPHER, 64 },
	{ "serpent", NULL, PART_CIPHER, 0 },
	{ "twofish", NULL, PART_CIPHER, 0 },

	{ "md5", "HMAC_MD5_96", PART_INTEGRITY, 64 },
	{ NULL, "HMAC_MD5_128", PART_INTEGRITY, 64 },
	{ "sha", NULL, PART_INTEGRITY, 80 },
	{ "sha1", "HMAC_SHA1_96", PART_INTEGRITY, 80 },
	{ NULL, "HMAC_SHA1_128", PART_INTEGRITY, 80 },
	{ NULL, "HMAC_SHA1_160", PART_INTEGRITY, 80 },
	{ "sha256", "HMAC_SHA2_256_128", PART_INTEGRITY, 128 },
	{ NULL, "HMAC_SHA2_256_96", PART_INTEGRITY, 128 },
	{ NULL, "HMAC_SHA2_256_256", PART_INTEGRITY, 128 },
	{ "sha384", "HMAC_SHA2_384_192", PART_INTEGRITY, 192 },
	{ NULL, "HMAC_SHA2_384_384", PART_INTEGRITY, 192 },
	{ "sha512", "HMAC_SHA2_512_256", PART_INTEGRITY, 256 },
	{ NULL, "HMAC_SHA2_512_512", PART_INTEGRITY, 256 },
	{ "aesxcbc", "AES_XCBC_96", PART_INTEGRITY, 128 },
	{ "aescmac", "AES_CMAC_96", PART_INTEGRITY, 128 },
	{ "camelliaxcbc", "CAMELLIA_XCBC_96", PART_INTEGRITY, 128 },

	{ "prfmd5", "PRF_HMAC_MD5", PART_PRF, 64 },
	{ "prfsha1", "PRF_HMAC_SHA1", PART_PRF, 80 },
	{ "prfsha256", "PRF_HMAC_SHA2_256", PART_PRF, 128 },
	{ "prfsha384", "PRF_HMAC_SHA2_384", PART_PRF, 192 },
	{ "prfsha512", "PRF_HMAC_SHA2_512", PART_PRF, 256 },
	{ "prfaesxcbc", "PRF_AES128_XCBC", PART_PRF, 128 },
	{ "prfaescmac", "PRF_AES128_CMAC", PART_PRF, 128 },
	{ "prfcamelliaxcbc", "PRF_CAMELLIA128_XCBC", PART_PRF, 128 },

	{ "none", "KE_NONE", PART_GROUP, 0 },
	{ "modpnone", NULL, PART_GROUP, 0 },
	{ "modpnull", "MODP_NULL", PART_GROUP, 0 },
	{ "modp768", "MODP_768", PART_GROUP, 64 },
	{ "modp1024", "MODP_1024", PART_GROUP, 80 },
	{ "modp1536", "MODP_1536", PART_GROUP, 96 },
	{ "modp2048", "MODP_2048", PART_GROUP, 112 },
	{ "modp3072", "MODP_3072", PART_GROUP, 128 },
	{ "modp4096", "MODP_4096", PART_GROUP, 152 },
	{ "modp6144", "MODP_6144", PART_GROUP, 176 },
	{ "modp8192", "MODP_8192", PART_GROUP, 200 },
	{ "modp1024s160", "MODP_1024_160", PART_GROUP, 80 },
	{ "modp2048s224", "MODP_2048_224", PART_GROUP, 112 },
	{ "modp2048s256", "MODP_2048_256", PART_GROUP, 112 },
	{ "ecp192", "ECP_192", PART_GROUP, 96 },
	{ "ecp224", "ECP_224", PART_GROUP, 112 },
	{ "ecp256", "ECP_256", PART_GROUP, 128 },
	{ "ecp384", "ECP_384", PART_GROUP, 192 },
	{ "ecp521", "ECP_521", PART_GROUP, 256 },
	{ "ecp224bp", "ECP_224_BP", PART_GROUP, 112 },
	{ "ecp256bp", "ECP_256_BP", PART_GROUP, 128 },
	{ "ecp384bp", "ECP_384_BP", PART_GROUP, 192 },
	{ "ecp512bp", "ECP_512_BP", PART_GROUP, 256 },
	{ "curve25519", "CURVE_25519", PART_GROUP, 128 },
	{ "x25519", NULL, PART_GROUP, 128 },
	{ "curve448", "CURVE_448", PART_GROUP, 224 },
	{ "x448", NULL, PART_GROUP, 224 },
	{ "ntru112", "NTRU_112", PART_GROUP, 0 },
	{ "ntru128", "NTRU_128", PART_GROUP, 0 },
	{ "ntru192", "NTRU_192", PART_GROUP, 0 },
	{ "ntru256", "NTRU_256", PART_GROUP, 0 },
	{ "newhope128", "NEWHOPE_128", PART_GROUP, 0 },

	{ "esn", NULL, PART_OTHER, 0 },
	{ "noesn", NULL, PART_OTHER, 0 }
};

/* Ciphers with keys of 128, 192 and 256 bits: "aes" "256" "gcm16" is
   "AES_GCM_16" "_256"; strong as the key, but at most so much. */
static const struct keyed
{
	const char *family, *mode;
	const char *sa;
	enum part part;
	unsigned most;
} keyed[] = {
	{ "aes", "", "AES_CBC", PART_CIPHER, 256 },
	{ "aes", "ctr", "AES_CTR", PART_CIPHER, 256 },
#define ICVS(family, mode, sa) \
	{ family, mode "8", sa "_8", PART_AEAD, 64 }, \
	{ family, mode "64", sa "_8", PART_AEAD, 64 }, \
	{ family, mode "12", sa "_12", PART_AEAD, 128 }, \
	{ family, mode "96", sa "_12", PART_AEAD, 128 }, \
	{ family, mode "16", sa "_16", PART_AEAD, 256 }, \
	{ family, mode "128", sa "_16", PART_AEAD, 256 }
	ICVS("aes", "gcm", "AES_GCM"),
	ICVS("aes", "ccm", "AES_CCM"),
	ICVS("camellia", "ccm", "CAMELLIA_CCM"),
#undef ICVS
	{ "aes", "gcm", "AES_GCM_16", PART_AEAD, 256 },
	{ "aes", "ccm", "AES_CCM_16", PART_AEAD, 256 },
	/* integrity alone, in the place of a cipher */
	{ "aes", "gmac", "NULL_AES_GMAC", PART_AEAD, 0 },
	{ "camellia", "", "CAMELLIA_CBC", PART_CIPHER, 256 },
	{ "camellia", "ctr", "CAMELLIA_CTR", PART_CIPHER, 256 },
	{ "blowfish", "", "BLOWFISH_CBC", PART_CIPHER, 64 },
	{ "serpent", "", "SERPENT_CBC", PART_CIPHER, 0 },
	{ "twofish", "", "TWOFISH_CBC", PART_CIPHER, 0 }
};

/* a word and what it is worth */
struct word
{
	const char *s;
	size_t len;
	enum part part;
	unsigned bits;
};

static bool is(const char *s, size_t len, const char *word)
{
	return word && strlen(word) == len && memcmp(s, word, len) == 0;
}

/* 128, 192, 256, or 0 */
static unsigned key_size(const char *s, size_t len)
{
	return len != 3 ? 0 : is(s, 3, "128") ? 128 : is(s, 3, "192") ? 192 :
		is(s, 3, "256") ? 256 : 0;
}

static void set_keyed(struct word *w, const struct keyed *k, unsigned key)
{
	w->part = k->part;
	w->bits = key < k->most ? key : k->most;
}

/* What a proposal's word stands for; false: not known. */
static bool find_word(struct word *w)
{
	size_t i, family;
	unsigned key;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
	{
		if (is(w->s, w->len, rows[i].word))
		{
			w->part = rows[i].part;
			w->bits = rows[i].bits;
			return true;
		}
	}
	for (i = 0; i < sizeof(keyed) / sizeof(keyed[0]); i++)
	{
		family = strlen(keyed[i].family);
		if (w->len >= family + 3 &&
			is(w->s, family, keyed[i].family) &&
			(key = key_size(w->s + family, 3)) != 0 &&
			is(w->s + family + 3, w->len - family - 3, keyed[i].mode))
		{
			set_keyed(w, &keyed[i], key);
			return true;
		}
	}
	return false;
}

/* The same of an SA's. */
static bool find_sa_word(struct word *w)
{
	unsigned key;
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
	{
		if (is(w->s, w->len, rows[i].sa))
		{
			w->part = rows[i].part;
			w->bits = rows[i].bits;
			return true;
		}
	}
	if (w->len < 4 || w->s[w->len - 4] != '_' ||
		(key = key_size(w->s + w->len - 3, 3)) == 0)
	{
		return false;
	}
	for (i = 0; i < sizeof(keyed) / sizeof(keyed[0]); i++)
	{
		if (is(w->s, w->len - 4, keyed[i].sa))
		{
			set_keyed(w, &keyed[i], key);
			return true;
		}
	}
	return false;
}

/* ---- proposals --------------------------------------------------------------- */

static const char *const sa_names[] = { "IKE", "ESP" };

static int weak(enum grade grade, enum grade_sa sa, const char *proposal,
				const struct word *w, struct err *e)
{
	return err_set(e, -EINVAL, ERR_GRADE, proposal,
				   "'%.*s' in this %s proposal has %u bits of security; the "
				   "grade %s needs %u", (int)w->len, w->s, sa_names[sa],
				   w->bits, grade_names[grade], grade_bits(grade));
}

/* Which parts are there, and are they such as charon takes? */
static int check_parts(const bool there[PART_COUNT], enum grade_sa sa,
					   const char *proposal, struct err *e)
{
	const char *lacks = NULL;

	if (there[PART_CIPHER] && there[PART_AEAD])
	{
		return err_set(e, -EINVAL, ERR_GRADE, proposal, "an %s proposal has "
					   "either ciphers with integrity (gcm, ccm, "
					   "chacha20poly1305) or without, not both",
					   sa_names[sa]);
	}
	if (!there[PART_CIPHER] && !there[PART_AEAD])
	{
		lacks = "encryption, like aes256gcm16";
	}
	else if (!there[PART_AEAD] && !there[PART_INTEGRITY])
	{
		lacks = "integrity, like sha384";
	}
	else if (sa == GRADE_IKE && !there[PART_PRF] && !there[PART_INTEGRITY])
	{
		lacks = "a pseudo-random function, like prfsha384";
	}
	else if (!there[PART_GROUP])
	{
		lacks = sa == GRADE_IKE ? "a key exchange, like ecp384"
			: "a key exchange for perfect forward secrecy, like ecp384";
	}
	return lacks ? err_set(e, -EINVAL, ERR_GRADE, proposal,
						   "this %s proposal lacks %s", sa_names[sa], lacks)
		: 0;
}

int grade_check_proposal(enum grade grade, enum grade_sa sa,
						 const char *proposal, struct err *e)
{
	bool there[PART_COUNT] = { false };
	struct word w = { .s = proposal };

	for (;; w.s += w.len + 1)
	{
		w.len = strcspn(w.s, "-");
		if (!find_word(&w))
		{
			return err_set(e, -EINVAL, ERR_GRADE, proposal,
						   "'%.*s' in this %s proposal is not a word that "
						   "charon knows", (int)(w.len < 64 ? w.len : 64),
						   w.s, sa_names[sa]);
		}
		if (w.part != PART_OTHER && w.bits < grade_bits(grade))
		{
			return weak(grade, sa, proposal, &w, e);
		}
		there[w.part] = true;
		if (w.s[w.len] == '\0')
		{
			return check_parts(there, sa, proposal, e);
		}
	}
}

static int check_list(enum grade grade, enum grade_sa sa, char *const *list,
					  size_t count, struct err *e)
{
	size_t i;
	int rc = 0;

	if (count == 0)
	{	/* charon would offer what it has */
		return err_set(e, -EINVAL, ERR_GRADE,
					   sa == GRADE_IKE ? "proposals" : "esp_proposals",
					   "the grade %s needs at least one %s proposal",
					   grade_names[grade], sa_names[sa]);
	}
	for (i = 0; rc == 0 && i < count; i++)
	{
		rc = grade_check_proposal(grade, sa, list[i], e);
	}
	return rc;
}

static int check_lifetime(enum grade grade, const char *name, uint32_t value,
						  uint32_t max, struct err *e)
{
	if (value >= LIFETIME_MIN && value <= max)
	{
		return 0;
	}
	return err_set(e, -EINVAL, ERR_GRADE, name,
				   "%u seconds are not in the %u..%u of the grade %s",
				   (unsigned)value, LIFETIME_MIN, (unsigned)max,
				   grade_names[grade]);
}

int grade_check(enum grade grade, const struct model_profile *profile,
				struct err *e)
{
	int rc;

	if ((rc = check_list(grade, GRADE_IKE, profile->proposals,
						 profile->proposal_count, e)) < 0 ||
		(rc = check_list(grade, GRADE_ESP, profile->esp_proposals,
						 profile->esp_proposal_count, e)) < 0 ||
		(rc = check_lifetime(grade, "rekey_time", profile->rekey_time,
							 needs[grade].ike_max, e)) < 0)
	{
		return rc;
	}
	return check_lifetime(grade, "child_rekey_time",
						  profile->child_rekey_time, needs[grade].esp_max, e);
}

size_t grade_keep(enum grade grade, enum grade_sa sa, char *const *list,
				  size_t count, char **out)
{
	size_t i, kept = 0;

	for (i = 0; i < count; i++)
	{
		if (grade_check_proposal(grade, sa, list[i], NULL) == 0)
		{
			out[kept++] = list[i];
		}
	}
	return kept;
}

/* ---- what was negotiated ------------------------------------------------------ */

int grade_of_sa(const char *negotiated, enum grade *grade)
{
	bool there[PART_COUNT] = { false };
	struct word w = { .s = negotiated };
	unsigned weakest = UINT_MAX;
	int g;

	for (;; w.s += w.len + 1)
	{
		w.len = strcspn(w.s, "/");
		if (!find_sa_word(&w) || there[w.part])
		{
			return -EINVAL;
		}
		there[w.part] = true;
		weakest = w.bits < weakest ? w.bits : weakest;
		if (w.s[w.len] == '\0')
		{
			break;
		}
	}
	if (there[PART_CIPHER] == there[PART_AEAD])
	{
		return -EINVAL;
	}
	if (there[PART_CIPHER] && !there[PART_INTEGRITY])
	{	/* ESP without integrity */
		return -ERANGE;
	}
	for (g = GRADE_COUNT - 1; g >= 0; g--)
	{
		if (weakest >= grade_bits((enum grade)g))
		{
			*grade = (enum grade)g;
			return 0;
		}
	}
	return -ERANGE;
}
