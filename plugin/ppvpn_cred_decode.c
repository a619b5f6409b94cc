/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * ppvpn_cred_decode.c - the members of credentials: one row each
 *
 * Owns what PEM may look like on the socket: one block, of one label.  What is
 * in it is charon's to parse.
 */

#include "ppvpn_cred_decode.h"
#include "ppvpn_decode.h"

#define LOWER "abcdefghijklmnopqrstuvwxyz"
#define UPPER "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS "0123456789"

/** Fewest bytes of PEM that can hold anything. */
#define PEM_MIN 64

/**
 * Described in header.
 */
bool ppvpn_decode_cred_name(json_object *value, const json_at_t *at,
							void *dst, ppvpn_error_t *error)
{
	return ppvpn_json_text(value, at, 1, PPVPN_MAX_CRED_NAME,
						   LOWER DIGITS "./-", dst, error);
}

/**
 * Skip the line that begins or ends a block
 */
static bool skip_line(char **text, const char *begin, const char *label)
{
	if (!strpfx(*text, begin) ||
		!strpfx(*text + strlen(begin), label) ||
		!strpfx(*text + strlen(begin) + strlen(label), "-----"))
	{
		return FALSE;
	}
	*text += strlen(begin) + strlen(label) + strlen("-----");
	if (**text == '\n')
	{
		(*text)++;
	}
	return TRUE;
}

/**
 * Read a text with exactly one PEM block of this label, and nothing else
 */
static bool read_pem(json_object *value, const json_at_t *at,
					 const char *label, u_int max, char **dst,
					 ppvpn_error_t *error)
{
	char *text;

	if (!ppvpn_json_text(value, at, PEM_MIN, max,
						 LOWER UPPER DIGITS "+/=- \n", dst, error))
	{
		return FALSE;
	}
	text = *dst;
	if (skip_line(&text, "-----BEGIN ", label))
	{
		text += strspn(text, LOWER UPPER DIGITS "+/=\n");
		if (skip_line(&text, "-----END ", label) && !*text)
		{
			return TRUE;
		}
	}
	return ppvpn_json_fail(error, at, "out-of-range",
						   "not one PEM block of label %s", label);
}

/**
 * Read an array of PEM texts
 */
static bool read_pems(json_object *value, const json_at_t *at,
					  const char *label, u_int min, u_int max,
					  ppvpn_pems_t *dst, ppvpn_error_t *error)
{
	json_at_t here = { .up = at };

	if (!ppvpn_json_array(value, at, min, PPVPN_MAX_CERTS, &dst->count, error))
	{
		return FALSE;
	}
	for (here.index = 0; here.index < dst->count; here.index++)
	{
		if (!read_pem(json_object_array_get_idx(value, here.index), &here,
					  label, max, &dst->pem[here.index], error))
		{
			return FALSE;
		}
	}
	return TRUE;
}

static bool read_certificates(json_object *value, const json_at_t *at,
							  void *dst, ppvpn_error_t *error)
{
	return read_pems(value, at, "CERTIFICATE", 1, PPVPN_MAX_CERT_LEN, dst,
					 error);
}

static bool read_lists(json_object *value, const json_at_t *at, void *dst,
					   ppvpn_error_t *error)
{
	return read_pems(value, at, "X509 CRL", 0, PPVPN_MAX_LIST_LEN, dst, error);
}

static bool read_private_key(json_object *value, const json_at_t *at,
							 void *dst, ppvpn_error_t *error)
{
	return read_pem(value, at, "PRIVATE KEY", PPVPN_MAX_CERT_LEN, dst, error);
}

static bool read_revocation(json_object *value, const json_at_t *at,
							void *dst, ppvpn_error_t *error)
{
	bool *strict = dst;
	char *word;

	if (!ppvpn_json_text(value, at, 1, 32, LOWER, &word, error))
	{
		return FALSE;
	}
	*strict = streq(word, "strict");
	return *strict || streq(word, "relaxed") ||
		   ppvpn_json_fail(error, at, "out-of-range",
						   "must be strict or relaxed");
}

/**
 * Say what is wrong where
 */
static void blame(const json_at_t *at, ppvpn_cred_part_t part, u_int index,
				  const char *reason, ppvpn_error_t *error)
{
	static const char *members[] = {
		[PPVPN_CRED_CERTIFICATES] = "certificates",
		[PPVPN_CRED_PRIVATE_KEY] = "private-key",
		[PPVPN_CRED_AUTHORITIES] = "authorities",
		[PPVPN_CRED_LISTS] = "revocation-lists",
	};
	json_at_t here = { .up = at, .member = members[part] };
	json_at_t element = { .up = &here, .index = index };

	ppvpn_json_fail(error, part == PPVPN_CRED_PRIVATE_KEY ? &here : &element,
					"refused-by-charon", "%s", reason);
}

/**
 * Described in header.
 */
ppvpn_cred_t *ppvpn_decode_cred(json_object *value, const json_at_t *at,
								ppvpn_table_t *table, ppvpn_error_t *error)
{
#define ROW(name, read, member) \
	{ name, read, offsetof(ppvpn_cred_spec_t, member) }
	static const json_member_t members[] = {
		ROW("name",				ppvpn_decode_cred_name,	name),
		ROW("tag",				ppvpn_decode_tag,		tag),
		ROW("revocation",		read_revocation,		strict),
		ROW("certificates",		read_certificates,		certificates),
		ROW("private-key",		read_private_key,		private_key),
		ROW("authorities",		read_certificates,		authorities),
		ROW("revocation-lists",	read_lists,				lists),
	};
#undef ROW
	ppvpn_cred_spec_t spec = {};
	ppvpn_cred_part_t part;
	const char *reason;
	ppvpn_cred_t *cred;
	u_int index;

	if (!ppvpn_json_members(value, at, members, countof(members), &spec,
							error))
	{
		return NULL;
	}
	cred = table->get_cred_by_name(table, spec.name);
	if (cred)
	{
		if (streq(cred->tag, spec.tag))
		{
			return cred;
		}
		cred->destroy(cred);
	}
	cred = ppvpn_cred_create(&spec, &part, &index, &reason);
	if (!cred)
	{
		blame(at, part, index, reason, error);
	}
	return cred;
}
