/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * ppvpn_change.c - the requests that change the table
 *
 * Owns the order "decode everything, then change something": a request that
 * fails has changed nothing.
 */

#include "ppvpn_change.h"
#include "ppvpn_decode.h"

#include <collections/hashtable.h>

#include <malloc.h>

/** Most connections in one request. */
#define MAX_ELEMENTS 20000

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
	const json_member_t members[] = {
		{ "conns",	NULL,	0 },
	};
	json_at_t at = { .member = "conns" };
	array_t *conns;
	bool success;

	if (!ppvpn_json_request(request, members, countof(members), NULL, error))
	{
		return FALSE;
	}
	if (!*staged)
	{
		return ppvpn_json_fail(error, NULL, "no-transaction", "no begin");
	}
	conns = decode_conns(table, json_object_object_get(request, "conns"), &at,
						 error);
	if (!conns)
	{
		return FALSE;
	}
	success = stage(*staged, conns, &at, error);
	array_destroy_offset(conns, offsetof(ppvpn_conn_t, destroy));
	if (success)
	{
		ppvpn_json_add_number(reply, "staged",
				   (*staged)->get_count(*staged));
	}
	return success;
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
 * Read the names to remove; names that are there twice, or among upsert, are
 * an error
 */
static bool read_removals(json_object *value, array_t *upsert, array_t *remove,
						  ppvpn_error_t *error)
{
	json_at_t at = { .member = "remove" }, here = { .up = &at };
	hashtable_t *names;
	ppvpn_conn_t *conn;
	bool success;
	u_int count;
	char *name;
	int i;

	success = ppvpn_json_array(value, &at, 0, MAX_ELEMENTS, &count, error);
	names = hashtable_create(hashtable_hash_str, hashtable_equals_str, 32);
	for (i = 0; success && array_get(upsert, i, &conn); i++)
	{
		if (names->put(names, conn->name, conn))
		{
			at.member = "upsert";
			here.index = i;
			success = fail_clash(error, &here, PPVPN_CLASH_NAME);
		}
	}
	for (i = 0; success && i < count; i++)
	{
		here.index = i;
		success = ppvpn_decode_name(json_object_array_get_idx(value, i), &here,
									&name, error);
		if (success && names->put(names, name, name))
		{
			success = ppvpn_json_fail(error, &here, "duplicate-name",
									  "this name is in the request twice");
		}
		array_insert(remove, ARRAY_TAIL, name);
	}
	names->destroy(names);
	return success;
}

/**
 * Apply a decoded change
 */
static bool apply_change(ppvpn_table_t *table,
						 ppvpn_change_t *change, json_object *reply,
						 ppvpn_error_t *error)
{
	json_at_t at = {}, here = { .up = &at };
	char revision[PPVPN_REVISION_LEN];
	ppvpn_counts_t counts;
	ppvpn_clash_t clash;

	switch (table->update(table, change, &counts, &clash,
								&here.index))
	{
		case SUCCESS:
			add_counts(reply, &counts);
			DBG1(DBG_CFG, "ppvpn: revision '%s' to '%s': %u added, "
				 "%u changed, %u removed", change->base_revision,
				 change->revision, counts.added, counts.changed,
				 counts.removed);
			return TRUE;
		case NOT_FOUND:
			at.member = "remove";
			return ppvpn_json_fail(error, &here, "not-found",
								   "no connection has this name");
		case INVALID_STATE:
			at.member = "base-revision";
			table->get_revision(table, revision);
			return ppvpn_json_fail(error, &at, "revision-mismatch",
								   "the current revision is '%s'", revision);
		default:
			at.member = "upsert";
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
		{ "upsert",			NULL,			0		},
		{ "remove",			NULL,			0		},
	};
	json_at_t at = { .member = "upsert" };
	ppvpn_change_t change = {};
	bool success;

	if (!ppvpn_json_request(request, members, countof(members), &change, error))
	{
		return FALSE;
	}
	change.upsert = decode_conns(table,
					json_object_object_get(request, "upsert"), &at, error);
	if (!change.upsert)
	{
		return FALSE;
	}
	change.remove = array_create(0, 0);
	success = read_removals(json_object_object_get(request, "remove"),
							change.upsert, change.remove, error) &&
			  apply_change(table, &change, reply, error);
	array_destroy_offset(change.upsert, offsetof(ppvpn_conn_t, destroy));
	array_destroy(change.remove);
	return success;
}
