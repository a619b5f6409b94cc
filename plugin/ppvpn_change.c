/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * ppvpn_change.c - the requests that change the table
 *
 * Owns the order "decode everything, then change something": a request that
 * fails has changed nothing.  After a change charon forgets what it remembers
 * of certificates that are gone.
 */

#include "ppvpn_change.h"
#include "ppvpn_cred_decode.h"
#include "ppvpn_decode.h"

#include <collections/hashtable.h>

#include <malloc.h>

/** Most connections in one request. */
#define MAX_ELEMENTS 20000

/** Most credentials in one request. */
#define MAX_CREDS 1000

/** Changes from which on freed memory goes back to the system. */
#define TRIM_CHANGES 1000

/**
 * Described in header.
 */
bool ppvpn_change_begin(ppvpn_table_t *table, ppvpn_set_t **staged,
						json_object *request, json_object *reply,
						ppvpn_error_t *error)
{
	if (!ppvpn_json_request(request, NULL, 0, NULL, error))
	{
		return FALSE;
	}
	DESTROY_IF(*staged);
	*staged = ppvpn_set_create(
							table->get_revision(table,
										(char[PPVPN_REVISION_LEN]){}));
	return TRUE;
}

/**
 * Say why a connection cannot join a set
 */
static bool fail_clash(ppvpn_error_t *error, const json_at_t *at,
					   ppvpn_clash_t clash)
{
	json_at_t here = { .up = at };
	json_at_t certificate = { .up = at, .member = "certificate" };
	json_at_t credentials = { .up = &certificate, .member = "credentials" };

	switch (clash)
	{
		case PPVPN_CLASH_NAME:
			here.member = "name";
			return ppvpn_json_fail(error, &here, "duplicate-name",
								   "another connection has this name");
		case PPVPN_CLASH_IDENTITIES:
			here.member = "remote-identity";
			return ppvpn_json_fail(error, &here, "duplicate-identity",
						"another connection has this pair of identities");
		case PPVPN_CLASH_PROPOSALS:
			here.member = "proposals";
			return ppvpn_json_fail(error, &here, "out-of-range",
						"more than %d different proposals for one pair of "
						"addresses", PPVPN_MAX_UNION);
		case PPVPN_CLASH_FULL:
			return ppvpn_json_fail(error, at, "out-of-range",
						"more than %d connections", PPVPN_MAX_CONNS);
		case PPVPN_CLASH_CREDENTIALS:
			return ppvpn_json_fail(error, &credentials, "not-found",
								   "there are no such credentials");
		case PPVPN_CLASH_CREDENTIALS_FULL:
			return ppvpn_json_fail(error, at, "out-of-range",
						"more than %d credentials, or %d bytes of them",
						PPVPN_MAX_CREDS, PPVPN_MAX_CREDS_SIZE);
		case PPVPN_CLASH_IN_USE:
			return ppvpn_json_fail(error, at, "in-use",
								   "a connection names these credentials");
		case PPVPN_NO_CLASH:
			break;
	}
	return TRUE;
}

/**
 * Decode all connections of an array, or none
 */
static array_t *decode_conns(ppvpn_table_t *table,
							 json_object *value, const json_at_t *at,
							 ppvpn_error_t *error)
{
	json_at_t here = { .up = at };
	ppvpn_conn_t *conn;
	array_t *conns;
	u_int count;

	if (!ppvpn_json_array(value, at, 0, MAX_ELEMENTS, &count, error))
	{
		return NULL;
	}
	conns = array_create(0, 0);
	for (here.index = 0; here.index < count; here.index++)
	{
		conn = ppvpn_decode_conn(json_object_array_get_idx(value, here.index),
								 &here, table, error);
		if (!conn)
		{
			array_destroy_offset(conns, offsetof(ppvpn_conn_t, destroy));
			return NULL;
		}
		array_insert(conns, ARRAY_TAIL, conn);
	}
	return conns;
}

/**
 * Decode all credentials of an array, or none
 *
 * @param value		array, NULL if the member is missing: there are none
 * @return			credentials, to be released by destroy_creds()
 */
static array_t *decode_creds(ppvpn_table_t *table, json_object *value,
							 const json_at_t *at, ppvpn_error_t *error)
{
	json_at_t here = { .up = at };
	u_int count = 0;
	ppvpn_cred_t *cred;
	array_t *creds;

	if (value && !ppvpn_json_array(value, at, 0, MAX_CREDS, &count, error))
	{
		return NULL;
	}
	creds = array_create(0, 0);
	for (here.index = 0; here.index < count; here.index++)
	{
		cred = ppvpn_decode_cred(json_object_array_get_idx(value, here.index),
								 &here, table, error);
		if (!cred)
		{
			array_destroy_offset(creds, offsetof(ppvpn_cred_t, destroy));
			return NULL;
		}
		array_insert(creds, ARRAY_TAIL, cred);
	}
	return creds;
}

/**
 * Release what was decoded
 */
static void destroy_creds(array_t *creds)
{
	array_destroy_offset(creds, offsetof(ppvpn_cred_t, destroy));
}

/**
 * Remove the first of some credentials from a set
 */
static void unstage_creds(ppvpn_set_t *set, array_t *creds, u_int count)
{
	ppvpn_cred_index_t *index = set->get_creds(set);
	ppvpn_cred_t *cred;

	while (count--)
	{
		array_get(creds, count, &cred);
		cred = index->remove(index, cred->name);
		cred->destroy(cred);
	}
}

/**
 * Add all credentials to a set, or none
 */
static bool stage_creds(ppvpn_set_t *set, array_t *creds, const json_at_t *at,
						ppvpn_error_t *error)
{
	ppvpn_cred_index_t *index = set->get_creds(set);
	json_at_t here = { .up = at };
	ppvpn_cred_t *cred, *old;
	bool success = TRUE;

	for (here.index = 0; success && array_get(creds, here.index, &cred);
		 here.index++)
	{
		if (index->get(index, cred->name))
		{
			json_at_t name = { .up = &here, .member = "name" };

			success = ppvpn_json_fail(error, &name, "duplicate-name",
									  "other credentials have this name");
		}
		else if (!index->put(index, cred, &old))
		{
			success = fail_clash(error, &here, PPVPN_CLASH_CREDENTIALS_FULL);
		}
	}
	if (!success)
	{
		unstage_creds(set, creds, here.index - 1);
	}
	return success;
}

/**
 * Add all connections to a set, or none
 */
static bool stage(ppvpn_set_t *set, array_t *conns, const json_at_t *at,
				  ppvpn_error_t *error)
{
	json_at_t here = { .up = at };
	ppvpn_clash_t clash;
	ppvpn_conn_t *conn;
	u_int i;

	for (here.index = 0; array_get(conns, here.index, &conn); here.index++)
	{
		clash = set->add(set, conn);
		if (clash != PPVPN_NO_CLASH)
		{
			for (i = 0; i < here.index; i++)
			{
				array_get(conns, i, &conn);
				conn = set->remove(set, conn->name);
				conn->destroy(conn);
			}
			return fail_clash(error, &here, clash);
		}
	}
	return TRUE;
}

/**
 * Described in header.
 */
bool ppvpn_change_put(ppvpn_table_t *table, ppvpn_set_t **staged,
					  json_object *request, json_object *reply,
					  ppvpn_error_t *error)
{
	static const json_member_t members[] = {
		{ "conns",			NULL,	0		},
		{ "credentials",	NULL,	0, TRUE	},
	};
	json_at_t at = { .member = "conns" }, creds_at = { .member = "credentials" };
	array_t *creds, *conns = NULL;
	bool success = FALSE;

	if (!ppvpn_json_request(request, members, countof(members), NULL, error))
	{
		return FALSE;
	}
	if (!*staged)
	{
		return ppvpn_json_fail(error, NULL, "no-transaction", "no begin");
	}
	creds = decode_creds(table, json_object_object_get(request, "credentials"),
						 &creds_at, error);
	if (creds)
	{
		conns = decode_conns(table, json_object_object_get(request, "conns"),
							 &at, error);
	}
	if (conns && stage_creds(*staged, creds, &creds_at, error))
	{
		success = stage(*staged, conns, &at, error);
		if (!success)
		{
			unstage_creds(*staged, creds, array_count(creds));
		}
	}
	array_destroy_offset(conns, offsetof(ppvpn_conn_t, destroy));
	destroy_creds(creds);
	if (success)
	{
		ppvpn_json_add_number(reply, "staged",
				   (*staged)->get_count(*staged));
	}
	return success;
}

/**
 * A change is done: let charon forget what it remembers of certificates, their
 * signatures and revocation lists, if any are gone
 */
static void flush(ppvpn_counts_t *counts)
{
	if (counts->credentials)
	{
		lib->credmgr->flush_cache(lib->credmgr, CERT_ANY);
	}
}

static void add_counts(json_object *reply, ppvpn_counts_t *counts)
{
	ppvpn_json_add_number(reply, "added", counts->added);
	ppvpn_json_add_number(reply, "changed", counts->changed);
	ppvpn_json_add_number(reply, "removed", counts->removed);
	ppvpn_json_add_number(reply, "unchanged", counts->unchanged);
}

/**
 * Described in header.
 */
bool ppvpn_change_commit(ppvpn_table_t *table, ppvpn_set_t **staged,
					     json_object *request, json_object *reply,
					     ppvpn_error_t *error)
{
	char *revision;
	const json_member_t members[] = {
		{ "revision",	ppvpn_decode_revision,	0 },
	};
	ppvpn_counts_t counts;

	if (!ppvpn_json_request(request, members, countof(members), &revision, error))
	{
		return FALSE;
	}
	if (!*staged)
	{
		return ppvpn_json_fail(error, NULL, "no-transaction", "no begin");
	}
	table->replace(table, *staged, revision, &counts);
	*staged = NULL;
	flush(&counts);
	if (counts.added + counts.changed + counts.removed >= TRIM_CHANGES)
	{	/* each thread that decoded a part has its own heap, with holes now */
		malloc_trim(0);
	}
	add_counts(reply, &counts);
	DBG1(DBG_CFG, "ppvpn: revision '%s': %u added, %u changed, %u removed, "
		 "%u unchanged", revision, counts.added, counts.changed,
		 counts.removed, counts.unchanged);
	return TRUE;
}

/**
 * Described in header.
 */
bool ppvpn_change_abort(ppvpn_table_t *table, ppvpn_set_t **staged,
						json_object *request, json_object *reply,
						ppvpn_error_t *error)
{
	if (!ppvpn_json_request(request, NULL, 0, NULL, error))
	{
		return FALSE;
	}
	if (!*staged)
	{
		return ppvpn_json_fail(error, NULL, "no-transaction", "no begin");
	}
	(*staged)->destroy(*staged);
	*staged = NULL;
	return TRUE;
}

/**
 * Note the names of what is to be added or replaced; none may be there twice
 *
 * @param offset	where an element has its name
 */
static bool note_upserts(hashtable_t *names, array_t *upsert, size_t offset,
						 const char *member, ppvpn_error_t *error)
{
	json_at_t at = { .member = member }, here = { .up = &at };
	char *element, *name;

	for (here.index = 0; array_get(upsert, here.index, &element); here.index++)
	{
		name = *(char**)(element + offset);
		if (names->put(names, name, name))
		{
			return fail_clash(error, &here, PPVPN_CLASH_NAME);
		}
	}
	return TRUE;
}

/**
 * Read names to remove; none may be there twice, or be noted already
 *
 * @param value		array, NULL if the member is missing: there are none
 */
static bool read_removals(hashtable_t *names, json_object *value,
						  const char *member, json_read_t read,
						  array_t *remove, ppvpn_error_t *error)
{
	json_at_t at = { .member = member }, here = { .up = &at };
	u_int count = 0;
	char *name;

	if (value && !ppvpn_json_array(value, &at, 0, MAX_ELEMENTS, &count, error))
	{
		return FALSE;
	}
	for (here.index = 0; here.index < count; here.index++)
	{
		if (!read(json_object_array_get_idx(value, here.index), &here, &name,
				  error))
		{
			return FALSE;
		}
		if (names->put(names, name, name))
		{
			return ppvpn_json_fail(error, &here, "duplicate-name",
								   "this name is in the request twice");
		}
		array_insert(remove, ARRAY_TAIL, name);
	}
	return TRUE;
}

/**
 * Read what a request removes
 */
static bool read_all_removals(json_object *request, ppvpn_change_t *change,
							  ppvpn_error_t *error)
{
	hashtable_t *conns, *creds;
	bool success;

	conns = hashtable_create(hashtable_hash_str, hashtable_equals_str, 32);
	creds = hashtable_create(hashtable_hash_str, hashtable_equals_str, 4);
	success = note_upserts(conns, change->upsert, offsetof(ppvpn_conn_t, name),
						   "upsert", error) &&
			  read_removals(conns, json_object_object_get(request, "remove"),
							"remove", ppvpn_decode_name, change->remove,
							error) &&
			  note_upserts(creds, change->upsert_creds,
						   offsetof(ppvpn_cred_t, name), "upsert-credentials",
						   error) &&
			  read_removals(creds,
							json_object_object_get(request,
												   "remove-credentials"),
							"remove-credentials", ppvpn_decode_cred_name,
							change->remove_creds, error);
	conns->destroy(conns);
	creds->destroy(creds);
	return success;
}

/**
 * Apply a decoded change
 */
static bool apply_change(ppvpn_table_t *table,
						 ppvpn_change_t *change, json_object *reply,
						 ppvpn_error_t *error)
{
	static const char *parts[] = {
		[PPVPN_UPDATE_UPSERT] = "upsert",
		[PPVPN_UPDATE_REMOVE] = "remove",
		[PPVPN_UPDATE_UPSERT_CREDS] = "upsert-credentials",
		[PPVPN_UPDATE_REMOVE_CREDS] = "remove-credentials",
	};
	json_at_t at = {}, here = { .up = &at };
	char revision[PPVPN_REVISION_LEN];
	ppvpn_update_part_t part = PPVPN_UPDATE_UPSERT;
	ppvpn_counts_t counts;
	ppvpn_clash_t clash;
	status_t status;

	status = table->update(table, change, &counts, &clash, &part, &here.index);
	at.member = parts[part];
	switch (status)
	{
		case SUCCESS:
			flush(&counts);
			add_counts(reply, &counts);
			DBG1(DBG_CFG, "ppvpn: revision '%s' to '%s': %u added, "
				 "%u changed, %u removed", change->base_revision,
				 change->revision, counts.added, counts.changed,
				 counts.removed);
			return TRUE;
		case NOT_FOUND:
			return ppvpn_json_fail(error, &here, "not-found",
								   "nothing has this name");
		case INVALID_STATE:
			at.member = "base-revision";
			table->get_revision(table, revision);
			return ppvpn_json_fail(error, &at, "revision-mismatch",
								   "the current revision is '%s'", revision);
		default:
			return fail_clash(error, &here, clash);
	}
}

/**
 * Described in header.
 */
bool ppvpn_change_update(ppvpn_table_t *table, ppvpn_set_t **staged,
					     json_object *request, json_object *reply,
					     ppvpn_error_t *error)
{
	static const json_member_t members[] = {
		{ "base-revision",	ppvpn_decode_revision,
			offsetof(ppvpn_change_t, base_revision)	},
		{ "revision",		ppvpn_decode_revision,
			offsetof(ppvpn_change_t, revision)		},
		{ "upsert",				NULL,		0		},
		{ "remove",				NULL,		0		},
		{ "upsert-credentials",	NULL,		0, TRUE	},
		{ "remove-credentials",	NULL,		0, TRUE	},
	};
	json_at_t at = { .member = "upsert" };
	json_at_t creds_at = { .member = "upsert-credentials" };
	ppvpn_change_t change = {};
	bool success;

	if (!ppvpn_json_request(request, members, countof(members), &change, error))
	{
		return FALSE;
	}
	change.upsert_creds = decode_creds(table,
					json_object_object_get(request, "upsert-credentials"),
					&creds_at, error);
	if (change.upsert_creds)
	{
		change.upsert = decode_conns(table,
					json_object_object_get(request, "upsert"), &at, error);
	}
	change.remove = array_create(0, 0);
	change.remove_creds = array_create(0, 0);
	success = change.upsert_creds && change.upsert &&
			  read_all_removals(request, &change, error) &&
			  apply_change(table, &change, reply, error);
	array_destroy_offset(change.upsert, offsetof(ppvpn_conn_t, destroy));
	destroy_creds(change.upsert_creds);
	array_destroy(change.remove);
	array_destroy(change.remove_creds);
	return success;
}
