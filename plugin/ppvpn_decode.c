/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * ppvpn_decode.c - the members of a connection: one row each
 *
 * Owns what a connection may say.  Whether charon understands the proposals
 * is for ppvpn_conn.c to find out.
 */

#include "ppvpn_decode.h"
#include "ppvpn_cred_decode.h"

#include "name.h"

#define LOWER "abcdefghijklmnopqrstuvwxyz"
#define DIGITS "0123456789"
#define HEX "0123456789abcdef"

/** Bytes of a key. */
#define KEY_MIN 16
#define KEY_MAX 64

/**
 * Described in header.
 */
bool ppvpn_decode_name(json_object *value, const json_at_t *at, void *dst,
					   ppvpn_error_t *error)
{
	char **name = dst;

	if (!ppvpn_json_text(value, at, strlen(PPVPN_CONN_PREFIX) + 1, 255,
						 LOWER DIGITS ":-", name, error))
	{
		return FALSE;
	}
	if (!strpfx(*name, PPVPN_CONN_PREFIX))
	{
		return ppvpn_json_fail(error, at, "out-of-range",
							   "does not start with " PPVPN_CONN_PREFIX);
	}
	if ((*name)[strlen(*name) - 1] == ':')
	{
		return ppvpn_json_fail(error, at, "out-of-range", "ends with ':'");
	}
	return TRUE;
}

/**
 * Described in header.
 */
bool ppvpn_decode_revision(json_object *value, const json_at_t *at, void *dst,
						   ppvpn_error_t *error)
{
	return ppvpn_json_text(value, at, 0, PPVPN_REVISION_LEN - 1, NULL, dst,
						   error);
}

/**
 * Described in header.
 */
bool ppvpn_decode_tag(json_object *value, const json_at_t *at, void *dst,
					  ppvpn_error_t *error)
{
	return ppvpn_json_text(value, at, 64, 64, HEX, dst, error);
}

static bool read_address(json_object *value, const json_at_t *at, void *dst,
						 ppvpn_error_t *error)
{
	return ppvpn_json_text(value, at, 4, 15, DIGITS ".%any", dst, error);
}

static bool read_fqdn(json_object *value, const json_at_t *at, void *dst,
					  ppvpn_error_t *error)
{
	char **str = dst;

	if (!ppvpn_json_text(value, at, 1, 253, LOWER DIGITS ".-", str, error))
	{
		return FALSE;
	}
	if (!name_is_fqdn(*str))
	{
		return ppvpn_json_fail(error, at, "out-of-range",
							   "not a fully qualified domain name");
	}
	return TRUE;
}

static bool read_identity(json_object *value, const json_at_t *at, void *dst,
						  ppvpn_error_t *error)
{
	static const json_member_t members[] = {
		{ "fqdn-string", read_fqdn, 0 },
	};

	return ppvpn_json_members(value, at, members, countof(members), dst,
							  error);
}

static bool read_proposals(json_object *value, const json_at_t *at, void *dst,
						   ppvpn_error_t *error)
{
	char **proposals = dst;
	json_at_t here = { .up = at };
	u_int count;

	if (!ppvpn_json_array(value, at, 1, PPVPN_MAX_PROPOSALS, &count, error))
	{
		return FALSE;
	}
	for (here.index = 0; here.index < count; here.index++)
	{
		if (!ppvpn_json_text(json_object_array_get_idx(value, here.index),
							 &here, 1, 127, LOWER DIGITS "_-",
							 &proposals[here.index], error))
		{
			return FALSE;
		}
	}
	proposals[count] = NULL;
	return TRUE;
}

/**
 * Read a number into 32 bits
 */
static bool read_u32(json_object *value, const json_at_t *at, int64_t min,
					 int64_t max, void *dst, ppvpn_error_t *error)
{
	int64_t number;

	if (!ppvpn_json_number(value, at, min, max, &number, error))
	{
		return FALSE;
	}
	*(uint32_t*)dst = number;
	return TRUE;
}

static bool read_rekey(json_object *value, const json_at_t *at, void *dst,
					   ppvpn_error_t *error)
{
	return read_u32(value, at, 10, 365 * 24 * 3600, dst, error);
}

static bool read_dpd(json_object *value, const json_at_t *at, void *dst,
					 ppvpn_error_t *error)
{
	return read_u32(value, at, 0, 24 * 3600, dst, error);
}

static bool read_mark(json_object *value, const json_at_t *at, void *dst,
					  ppvpn_error_t *error)
{	/* 0 would be the mark of every packet that has none */
	return read_u32(value, at, 1, UINT32_MAX, dst, error);
}

static bool read_set_mark(json_object *value, const json_at_t *at, void *dst,
						  ppvpn_error_t *error)
{
	return read_u32(value, at, 0, UINT32_MAX, dst, error);
}

/**
 * A connection, as decoded
 */
typedef struct {
	/** its values; first */
	ppvpn_conn_spec_t spec;
	/** a key is sent */
	bool key_sent;
} decoded_conn_t;

/**
 * A key, as decoded
 */
typedef struct {
	/** the key is sent, not only accepted */
	bool send;
	/** the key */
	chunk_t secret;
	/** its name */
	char *id;
} decoded_key_t;

static bool read_key_id(json_object *value, const json_at_t *at, void *dst,
						ppvpn_error_t *error)
{
	return ppvpn_json_text(value, at, 1, 63, LOWER DIGITS "-_.", dst, error);
}

/**
 * Described in header.
 */
bool ppvpn_decode_use(json_object *value, const json_at_t *at, void *dst,
					  ppvpn_error_t *error)
{
	bool *send = dst;
	char *use;

	if (!ppvpn_json_text(value, at, 1, 32, LOWER "-", &use, error))
	{
		return FALSE;
	}
	*send = streq(use, "send-and-accept");
	if (!*send && !streq(use, "accept-only"))
	{
		return ppvpn_json_fail(error, at, "out-of-range",
							"must be send-and-accept or accept-only");
	}
	return TRUE;
}

static bool read_secret(json_object *value, const json_at_t *at, void *dst,
						ppvpn_error_t *error)
{
	chunk_t *secret = dst;
	char *hex;

	if (!ppvpn_json_text(value, at, 2 * KEY_MIN, 2 * KEY_MAX, HEX, &hex,
						 error))
	{
		return FALSE;
	}
	if (strlen(hex) % 2)
	{
		return ppvpn_json_fail(error, at, "out-of-range",
							   "odd number of hex digits");
	}
	*secret = chunk_from_hex(chunk_from_str(hex), NULL);
	return TRUE;
}

/**
 * Read a key into a spec: the one to send goes first
 */
static bool read_key(json_object *value, const json_at_t *at,
					 decoded_conn_t *conn, ppvpn_error_t *error)
{
	static const json_member_t members[] = {
		{ "key-id",	read_key_id,		offsetof(decoded_key_t, id)		},
		{ "use",	ppvpn_decode_use,	offsetof(decoded_key_t, send)		},
		{ "secret",	read_secret,		offsetof(decoded_key_t, secret)	},
	};
	ppvpn_conn_spec_t *spec = &conn->spec;
	decoded_key_t key = {};

	if (!ppvpn_json_members(value, at, members, countof(members), &key,
							error))
	{
		chunk_clear(&key.secret);
		return FALSE;
	}
	if (key.send && conn->key_sent)
	{
		chunk_clear(&key.secret);
		return ppvpn_json_fail(error, at, "out-of-range",
							   "a second key is send-and-accept");
	}
	spec->keys[spec->key_count++] = key.secret;
	if (key.send)
	{
		conn->key_sent = TRUE;
		spec->keys[spec->key_count - 1] = spec->keys[0];
		spec->keys[0] = key.secret;
	}
	return TRUE;
}

static bool read_keys(json_object *value, const json_at_t *at, void *dst,
					  ppvpn_error_t *error)
{
	decoded_conn_t *conn = dst;
	json_at_t here = { .up = at };
	u_int count;

	if (!ppvpn_json_array(value, at, 1, PPVPN_MAX_KEYS, &count, error))
	{
		return FALSE;
	}
	for (here.index = 0; here.index < count; here.index++)
	{
		if (!read_key(json_object_array_get_idx(value, here.index), &here,
					  conn, error))
		{
			return FALSE;
		}
	}
	return TRUE;
}

static bool read_preshared(json_object *value, const json_at_t *at, void *dst,
						   ppvpn_error_t *error)
{
	static const json_member_t members[] = {
		{ "keys", read_keys, 0 },
	};

	return ppvpn_json_members(value, at, members, countof(members), dst,
							  error);
}

static bool read_certificate(json_object *value, const json_at_t *at,
							 void *dst, ppvpn_error_t *error)
{
	static const json_member_t members[] = {
		{ "use",			ppvpn_decode_use,
			offsetof(ppvpn_conn_spec_t, certificate_sent)	},
		{ "credentials",	ppvpn_decode_cred_name,
			offsetof(ppvpn_conn_spec_t, credentials)		},
	};

	return ppvpn_json_members(value, at, members, countof(members), dst,
							  error);
}

/**
 * Is there something to authenticate with, and is one of it sent?
 */
static bool check_uses(decoded_conn_t *conn, const json_at_t *at,
					   ppvpn_error_t *error)
{
	ppvpn_conn_spec_t *spec = &conn->spec;
	json_at_t preshared = { .up = at, .member = "pre-shared" };
	json_at_t keys = { .up = &preshared, .member = "keys" };
	json_at_t certificate = { .up = at, .member = "certificate" };

	if (!spec->key_count && !spec->credentials)
	{
		return ppvpn_json_fail(error, &preshared, "malformed",
							   "this member is missing, or certificate");
	}
	if (conn->key_sent && spec->certificate_sent)
	{
		return ppvpn_json_fail(error, &certificate, "out-of-range",
							   "a key and the certificate are "
							   "send-and-accept");
	}
	if (!conn->key_sent && !spec->certificate_sent)
	{
		return ppvpn_json_fail(error, spec->key_count ? &keys : &certificate,
							   "out-of-range", "no key is send-and-accept, "
							   "nor a certificate");
	}
	return TRUE;
}

/**
 * Described in header.
 */
bool ppvpn_decode_spec(json_object *value, const json_at_t *at,
					   ppvpn_conn_spec_t *spec, ppvpn_error_t *error)
{
#define ROW(name, read, member) \
	{ name, read, offsetof(ppvpn_conn_spec_t, member) }
	static const json_member_t members[] = {
		ROW("name",				ppvpn_decode_name,	name),
		ROW("tag",				ppvpn_decode_tag,	tag),
		ROW("local-address",	read_address,		local_address),
		ROW("remote-address",	read_address,		remote_address),
		ROW("local-identity",	read_identity,		local_identity),
		ROW("remote-identity",	read_identity,		remote_identity),
		ROW("proposals",		read_proposals,		proposals),
		ROW("esp_proposals",	read_proposals,		esp_proposals),
		ROW("rekey_time",		read_rekey,			rekey_time),
		ROW("child_rekey_time",	read_rekey,			child_rekey_time),
		ROW("dpd_delay",		read_dpd,			dpd_delay),
		ROW("mark",				read_mark,			mark),
		ROW("set_mark_out",		read_set_mark,		set_mark_out),
		/* these know their place */
		{ "pre-shared",			read_preshared,		0, TRUE },
		{ "certificate",		read_certificate,	0, TRUE },
	};
#undef ROW
	decoded_conn_t conn = {};
	bool success;

	success = ppvpn_json_members(value, at, members, countof(members), &conn,
								 error) &&
			  check_uses(&conn, at, error);
	*spec = conn.spec;
	return success;
}

/**
 * Say what charon did not take
 */
static void blame(const json_at_t *at, ppvpn_conn_part_t part, u_int index,
				  ppvpn_error_t *error)
{
	json_at_t here = { .up = at }, element = { .up = &here, .index = index };

	switch (part)
	{
		case PPVPN_CONN_LOCAL_ADDRESS:
			here.member = "local-address";
			ppvpn_json_fail(error, &here, "out-of-range",
							"not an IPv4 address of a host");
			break;
		case PPVPN_CONN_REMOTE_ADDRESS:
			here.member = "remote-address";
			ppvpn_json_fail(error, &here, "out-of-range",
							"not an IPv4 address of a host, nor %%any");
			break;
		case PPVPN_CONN_PROPOSALS:
			here.member = "proposals";
			ppvpn_json_fail(error, &element, "refused-by-charon",
							"charon does not know this IKE proposal");
			break;
		case PPVPN_CONN_ESP_PROPOSALS:
			here.member = "esp_proposals";
			ppvpn_json_fail(error, &element, "refused-by-charon",
							"charon does not know this ESP proposal");
			break;
		case PPVPN_CONN_OK:
			break;
	}
}

/**
 * Described in header.
 */
ppvpn_conn_t *ppvpn_decode_conn(json_object *value, const json_at_t *at,
								ppvpn_table_t *table, ppvpn_error_t *error)
{
	ppvpn_conn_spec_t spec;
	ppvpn_conn_part_t part;
	ppvpn_conn_t *conn;
	u_int index;

	if (!ppvpn_decode_spec(value, at, &spec, error))
	{
		ppvpn_conn_spec_clear(&spec);
		return NULL;
	}
	conn = table->get_by_name(table, spec.name);
	if (conn)
	{
		if (streq(conn->tag, spec.tag))
		{
			ppvpn_conn_spec_clear(&spec);
			return conn;
		}
		conn->destroy(conn);
	}
	conn = ppvpn_conn_create(&spec, &part, &index);
	if (!conn)
	{
		blame(at, part, index, error);
	}
	return conn;
}
