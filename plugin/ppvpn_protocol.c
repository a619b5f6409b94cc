/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * ppvpn_protocol.c - one handler for each op of doc/plugin-protocol.md
 *
 * Owns the order "decode everything, then change something": a request that
 * fails has changed nothing.  Knows no socket.
 */

#include "ppvpn_protocol.h"
#include "ppvpn_decode.h"

#include <collections/hashtable.h>

#include <sys/random.h>
#include <time.h>
#include <unistd.h>

typedef struct private_ppvpn_protocol_t private_ppvpn_protocol_t;

/** Version of the protocol. */
#define PROTOCOL_VERSION 1

/** Most connections in one request. */
#define MAX_ELEMENTS 20000

/**
 * Private data of a ppvpn_protocol_t object.
 */
struct private_ppvpn_protocol_t {

	/**
	 * Public interface.
	 */
	ppvpn_protocol_t public;

	/**
	 * Connections.
	 */
	ppvpn_table_t *table;

	/**
	 * Initiates.
	 */
	ppvpn_initiator_t *initiator;

	/**
	 * Counters.
	 */
	ppvpn_counters_t *counters;

	/**
	 * Random name of this life of charon, in hex.
	 */
	char boot_id[33];
};

/**
 * Answer a request: add members to reply, or fill in error
 */
typedef bool (*handler_t)(private_ppvpn_protocol_t *this,
						  ppvpn_session_t *session, json_object *request,
						  json_object *reply, ppvpn_error_t *error);

static void add_text(json_object *object, const char *name, const char *text)
{
	json_object_object_add(object, name, json_object_new_string(text));
}

static void add_number(json_object *object, const char *name, int64_t number)
{
	json_object_object_add(object, name, json_object_new_int64(number));
}

static void add_bool(json_object *object, const char *name, bool value)
{
	json_object_object_add(object, name, json_object_new_boolean(value));
}

/**
 * Make a frame of an object (released)
 */
static chunk_t encode(json_object *object)
{
	const char *text;
	chunk_t frame;
	size_t len;

	text = json_object_to_json_string_length(object, JSON_C_TO_STRING_PLAIN,
											 &len);
	frame = chunk_alloc(PPVPN_HEADER_LEN + len);
	htoun32(frame.ptr, len);
	memcpy(frame.ptr + PPVPN_HEADER_LEN, text, len);
	json_object_put(object);
	return frame;
}

/**
 * Read the members of a request besides id and op
 */
static bool read_request(json_object *request, const json_member_t *members,
						 u_int count, void *dst, ppvpn_error_t *error)
{
	json_member_t all[8] = {
		{ "id",	NULL, 0 },
		{ "op",	NULL, 0 },
	};

	memcpy(&all[2], members, count * sizeof(*members));
	return ppvpn_json_members(request, NULL, all, count + 2, dst, error);
}

static bool read_revision(json_object *value, const json_at_t *at, void *dst,
						  ppvpn_error_t *error)
{
	return ppvpn_json_text(value, at, 0, PPVPN_REVISION_LEN - 1, NULL, dst,
						   error);
}

static bool read_client(json_object *value, const json_at_t *at, void *dst,
						ppvpn_error_t *error)
{
	return ppvpn_json_text(value, at, 0, 128, NULL, dst, error);
}

/**
 * Find our version among the client's
 */
static bool read_versions(json_object *value, const json_at_t *at, void *dst,
						  ppvpn_error_t *error)
{
	json_at_t here = { .up = at };
	int64_t version;
	bool *found = dst;
	u_int count;

	if (!ppvpn_json_array(value, at, 1, 16, &count, error))
	{
		return FALSE;
	}
	for (here.index = 0; here.index < count; here.index++)
	{
		if (!ppvpn_json_number(json_object_array_get_idx(value, here.index),
							   &here, 0, UINT32_MAX, &version, error))
		{
			return FALSE;
		}
		*found |= version == PROTOCOL_VERSION;
	}
	return *found || ppvpn_json_fail(error, at, "version",
							"only version %d is spoken", PROTOCOL_VERSION);
}

/**
 * Is a plugin of charon loaded?
 */
static bool has_plugin(char *name)
{
	enumerator_t *enumerator;
	linked_list_t *features;
	plugin_t *plugin;
	bool found = FALSE;

	enumerator = lib->plugins->create_plugin_enumerator(lib->plugins);
	while (enumerator->enumerate(enumerator, &plugin, &features))
	{
		found |= streq(plugin->get_name(plugin), name);
	}
	enumerator->destroy(enumerator);
	return found;
}

/**
 * The settings of charon that our tunnels depend on
 */
static json_object *create_settings()
{
	json_object *settings;
	bool make_before_break = PPVPN_STRONGSWAN_VERSION >= 60000;

	settings = json_object_new_object();
	add_bool(settings, "install_routes",
			 lib->settings->get_bool(lib->settings, "%s.install_routes",
									 TRUE, lib->ns));
	add_bool(settings, "connmark", has_plugin("connmark"));
	add_number(settings, "ikesa_table_size",
			   lib->settings->get_int(lib->settings, "%s.ikesa_table_size",
									  1, lib->ns));
	add_bool(settings, "make_before_break",
			 lib->settings->get_bool(lib->settings, "%s.make_before_break",
									 make_before_break, lib->ns));
	return settings;
}

static bool do_hello(private_ppvpn_protocol_t *this, ppvpn_session_t *session,
					 json_object *request, json_object *reply,
					 ppvpn_error_t *error)
{
	struct {
		bool version;
		char *client;
	} hello = {};
	const json_member_t members[] = {
		{ "versions",	read_versions,	offsetof(typeof(hello), version)	},
		{ "client",		read_client,	offsetof(typeof(hello), client)		},
	};
	char revision[PPVPN_REVISION_LEN];
	u_int count;

	if (!read_request(request, members, countof(members), &hello, error))
	{
		return FALSE;
	}
	count = this->table->get_revision(this->table, revision);
	add_number(reply, "version", PROTOCOL_VERSION);
	add_text(reply, "plugin-version", PPVPN_VERSION);
	add_text(reply, "strongswan", VERSION);
	add_text(reply, "boot-id", this->boot_id);
	add_number(reply, "pid", getpid());
	add_text(reply, "revision", revision);
	add_number(reply, "count", count);
	json_object_object_add(reply, "settings", create_settings());
	DBG1(DBG_CFG, "ppvpn: client '%s' says hello", hello.client);
	return TRUE;
}

static bool do_begin(private_ppvpn_protocol_t *this, ppvpn_session_t *session,
					 json_object *request, json_object *reply,
					 ppvpn_error_t *error)
{
	if (!read_request(request, NULL, 0, NULL, error))
	{
		return FALSE;
	}
	DESTROY_IF(session->staged);
	session->staged = ppvpn_set_create(
							this->table->get_revision(this->table,
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
static array_t *decode_conns(private_ppvpn_protocol_t *this,
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
								 &here, this->table, error);
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

static bool do_put(private_ppvpn_protocol_t *this, ppvpn_session_t *session,
				   json_object *request, json_object *reply,
				   ppvpn_error_t *error)
{
	const json_member_t members[] = {
		{ "conns",	NULL,	0 },
	};
	json_at_t at = { .member = "conns" };
	array_t *conns;
	bool success;

	if (!read_request(request, members, countof(members), NULL, error))
	{
		return FALSE;
	}
	if (!session->staged)
	{
		return ppvpn_json_fail(error, NULL, "no-transaction", "no begin");
	}
	conns = decode_conns(this, json_object_object_get(request, "conns"), &at,
						 error);
	if (!conns)
	{
		return FALSE;
	}
	success = stage(session->staged, conns, &at, error);
	array_destroy_offset(conns, offsetof(ppvpn_conn_t, destroy));
	if (success)
	{
		add_number(reply, "staged",
				   session->staged->get_count(session->staged));
	}
	return success;
}

static void add_counts(json_object *reply, ppvpn_counts_t *counts)
{
	add_number(reply, "added", counts->added);
	add_number(reply, "changed", counts->changed);
	add_number(reply, "removed", counts->removed);
	add_number(reply, "unchanged", counts->unchanged);
}

static bool do_commit(private_ppvpn_protocol_t *this, ppvpn_session_t *session,
					  json_object *request, json_object *reply,
					  ppvpn_error_t *error)
{
	char *revision;
	const json_member_t members[] = {
		{ "revision",	read_revision,	0 },
	};
	ppvpn_counts_t counts;

	if (!read_request(request, members, countof(members), &revision, error))
	{
		return FALSE;
	}
	if (!session->staged)
	{
		return ppvpn_json_fail(error, NULL, "no-transaction", "no begin");
	}
	this->table->replace(this->table, session->staged, revision, &counts);
	session->staged = NULL;
	add_counts(reply, &counts);
	DBG1(DBG_CFG, "ppvpn: revision '%s': %u added, %u changed, %u removed, "
		 "%u unchanged", revision, counts.added, counts.changed,
		 counts.removed, counts.unchanged);
	return TRUE;
}

static bool do_abort(private_ppvpn_protocol_t *this, ppvpn_session_t *session,
					 json_object *request, json_object *reply,
					 ppvpn_error_t *error)
{
	if (!read_request(request, NULL, 0, NULL, error))
	{
		return FALSE;
	}
	if (!session->staged)
	{
		return ppvpn_json_fail(error, NULL, "no-transaction", "no begin");
	}
	session->staged->destroy(session->staged);
	session->staged = NULL;
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
static bool apply_change(private_ppvpn_protocol_t *this,
						 ppvpn_change_t *change, json_object *reply,
						 ppvpn_error_t *error)
{
	json_at_t at = {}, here = { .up = &at };
	char revision[PPVPN_REVISION_LEN];
	ppvpn_counts_t counts;
	ppvpn_clash_t clash;

	switch (this->table->update(this->table, change, &counts, &clash,
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
			this->table->get_revision(this->table, revision);
			return ppvpn_json_fail(error, &at, "revision-mismatch",
								   "the current revision is '%s'", revision);
		default:
			at.member = "upsert";
			return fail_clash(error, &here, clash);
	}
}

static bool do_update(private_ppvpn_protocol_t *this, ppvpn_session_t *session,
					  json_object *request, json_object *reply,
					  ppvpn_error_t *error)
{
	static const json_member_t members[] = {
		{ "base-revision",	read_revision,
			offsetof(ppvpn_change_t, base_revision)	},
		{ "revision",		read_revision,
			offsetof(ppvpn_change_t, revision)		},
		{ "upsert",			NULL,			0		},
		{ "remove",			NULL,			0		},
	};
	json_at_t at = { .member = "upsert" };
	ppvpn_change_t change = {};
	bool success;

	if (!read_request(request, members, countof(members), &change, error))
	{
		return FALSE;
	}
	change.upsert = decode_conns(this,
					json_object_object_get(request, "upsert"), &at, error);
	if (!change.upsert)
	{
		return FALSE;
	}
	change.remove = array_create(0, 0);
	success = read_removals(json_object_object_get(request, "remove"),
							change.upsert, change.remove, error) &&
			  apply_change(this, &change, reply, error);
	array_destroy_offset(change.upsert, offsetof(ppvpn_conn_t, destroy));
	array_destroy(change.remove);
	return success;
}

static bool do_list(private_ppvpn_protocol_t *this, ppvpn_session_t *session,
					json_object *request, json_object *reply,
					ppvpn_error_t *error)
{
	char revision[PPVPN_REVISION_LEN];
	json_object *conns, *entry;
	enumerator_t *enumerator;
	ppvpn_conn_t *conn;

	if (!read_request(request, NULL, 0, NULL, error))
	{
		return FALSE;
	}
	conns = json_object_new_array();
	enumerator = this->table->create_enumerator(this->table, revision);
	while (enumerator->enumerate(enumerator, &conn))
	{
		entry = json_object_new_object();
		add_text(entry, "name", conn->name);
		add_text(entry, "tag", conn->tag);
		json_object_array_add(conns, entry);
	}
	enumerator->destroy(enumerator);
	add_text(reply, "revision", revision);
	json_object_object_add(reply, "conns", conns);
	return TRUE;
}

static bool do_initiate(private_ppvpn_protocol_t *this,
						ppvpn_session_t *session, json_object *request,
						json_object *reply, ppvpn_error_t *error)
{
	char *name;
	const json_member_t members[] = {
		{ "name",	ppvpn_decode_name,	0 },
	};
	json_at_t at = { .member = "name" };

	if (!read_request(request, members, countof(members), &name, error))
	{
		return FALSE;
	}
	switch (this->initiator->initiate(this->initiator, name))
	{
		case SUCCESS:
			add_bool(reply, "started", TRUE);
			return TRUE;
		case ALREADY_DONE:
			add_bool(reply, "started", FALSE);
			return TRUE;
		default:
			return ppvpn_json_fail(error, &at, "not-found",
								   "no connection has this name");
	}
}

static bool do_status(private_ppvpn_protocol_t *this, ppvpn_session_t *session,
					  json_object *request, json_object *reply,
					  ppvpn_error_t *error)
{
	ppvpn_counters_t *counters = this->counters;
	const struct {
		const char *name;
		uint64_t *counter;
	} rows[] = {
		{ "ike-lookups",		&counters->ike_lookups			},
		{ "peer-lookups",		&counters->peer_lookups			},
		{ "psk-lookups",		&counters->psk_lookups			},
		{ "authorize-refused",	&counters->authorize_refused	},
		{ "unknown-peers",		&counters->unknown_peers		},
		{ "alerts",				&counters->alerts				},
		{ "events-dropped",		&counters->events_dropped		},
	};
	char revision[PPVPN_REVISION_LEN];
	json_object *object;
	u_int count;
	int i;

	if (!read_request(request, NULL, 0, NULL, error))
	{
		return FALSE;
	}
	count = this->table->get_revision(this->table, revision);
	add_text(reply, "revision", revision);
	add_number(reply, "count", count);
	object = json_object_new_object();
	for (i = 0; i < countof(rows); i++)
	{
		add_number(object, rows[i].name, ppvpn_counted(rows[i].counter));
	}
	json_object_object_add(reply, "counters", object);
	return TRUE;
}

static bool read_events(json_object *value, const json_at_t *at, void *dst,
						ppvpn_error_t *error)
{
	json_at_t here = { .up = at };
	u_int *wanted = dst, count;
	char *name;

	if (!ppvpn_json_array(value, at, 0, 2, &count, error))
	{
		return FALSE;
	}
	for (here.index = 0; here.index < count; here.index++)
	{
		if (!ppvpn_json_text(json_object_array_get_idx(value, here.index),
							 &here, 1, 32, NULL, &name, error))
		{
			return FALSE;
		}
		if (streq(name, "unknown-peer"))
		{
			*wanted |= PPVPN_EVENT_UNKNOWN_PEER;
		}
		else if (streq(name, "alert"))
		{
			*wanted |= PPVPN_EVENT_ALERT;
		}
		else
		{
			return ppvpn_json_fail(error, &here, "out-of-range",
								   "must be unknown-peer or alert");
		}
	}
	return TRUE;
}

static bool do_subscribe(private_ppvpn_protocol_t *this,
						 ppvpn_session_t *session, json_object *request,
						 json_object *reply, ppvpn_error_t *error)
{
	const json_member_t members[] = {
		{ "events",	read_events,	0 },
	};
	u_int wanted = 0;

	if (!read_request(request, members, countof(members), &wanted, error))
	{
		return FALSE;
	}
	session->wanted = wanted;
	return TRUE;
}

/**
 * Find the handler of a request
 */
static handler_t find_handler(json_object *request, ppvpn_error_t *error)
{
	static const struct {
		const char *op;
		handler_t handler;
	} ops[] = {
		{ "hello",		do_hello		},
		{ "begin",		do_begin		},
		{ "put",		do_put			},
		{ "commit",		do_commit		},
		{ "abort",		do_abort		},
		{ "update",		do_update		},
		{ "list",		do_list			},
		{ "initiate",	do_initiate		},
		{ "status",		do_status		},
		{ "subscribe",	do_subscribe	},
	};
	json_at_t at = { .member = "op" };
	char *op;
	int i;

	if (!ppvpn_json_text(json_object_object_get(request, "op"), &at, 1, 64,
						 NULL, &op, error))
	{
		return NULL;
	}
	for (i = 0; i < countof(ops); i++)
	{
		if (streq(ops[i].op, op))
		{
			return ops[i].handler;
		}
	}
	ppvpn_json_fail(error, &at, "unknown-op", "no such op");
	return NULL;
}

/**
 * Encode what is wrong with a request
 */
static chunk_t encode_error(json_object *id, ppvpn_error_t *error)
{
	json_object *reply, *object;

	object = json_object_new_object();
	add_text(object, "code", error->code);
	add_text(object, "where", error->where);
	add_text(object, "text", error->text);
	reply = json_object_new_object();
	json_object_object_add(reply, "id", id);
	add_bool(reply, "ok", FALSE);
	json_object_object_add(reply, "error", object);
	return encode(reply);
}

/**
 * Answer a parsed request
 */
static chunk_t answer(private_ppvpn_protocol_t *this,
					  ppvpn_session_t *session, json_object *request)
{
	json_at_t at = { .member = "id" };
	ppvpn_error_t error = {};
	json_object *reply;
	handler_t handler;
	int64_t id;

	if (!ppvpn_json_number(json_object_object_get(request, "id"), &at, 0,
						   1LL << 53, &id, &error))
	{
		return encode_error(NULL, &error);
	}
	handler = find_handler(request, &error);
	if (!handler)
	{
		return encode_error(json_object_new_int64(id), &error);
	}
	reply = json_object_new_object();
	add_number(reply, "id", id);
	add_bool(reply, "ok", TRUE);
	if (!handler(this, session, request, reply, &error))
	{
		json_object_put(reply);
		return encode_error(json_object_new_int64(id), &error);
	}
	return encode(reply);
}

METHOD(ppvpn_protocol_t, process, chunk_t,
	private_ppvpn_protocol_t *this, ppvpn_session_t *session, chunk_t frame)
{
	ppvpn_error_t error = {};
	json_object *request;
	chunk_t reply;
	bool fatal;

	request = ppvpn_json_parse(frame, &fatal, &error);
	if (!request)
	{
		return fatal ? chunk_empty : encode_error(NULL, &error);
	}
	reply = answer(this, session, request);
	ppvpn_json_put(request);
	return reply;
}

METHOD(ppvpn_protocol_t, encode_event, chunk_t,
	private_ppvpn_protocol_t *this, ppvpn_event_t *event)
{
	json_object *object;

	object = json_object_new_object();
	if (event->type == PPVPN_EVENT_ALERT)
	{
		add_text(object, "event", "alert");
		add_text(object, "alert", event->alert);
		if (*event->name)
		{
			add_text(object, "name", event->name);
		}
	}
	else
	{
		add_text(object, "event", "unknown-peer");
	}
	add_text(object, "local-address", event->local);
	add_text(object, "remote-address", event->remote);
	if (*event->identity)
	{
		add_text(object, "remote-identity", event->identity);
	}
	if (event->type == PPVPN_EVENT_UNKNOWN_PEER)
	{
		add_number(object, "count", event->count);
	}
	return encode(object);
}

METHOD(ppvpn_protocol_t, destroy, void,
	private_ppvpn_protocol_t *this)
{
	free(this);
}

/**
 * Described in header.
 */
void ppvpn_session_clear(ppvpn_session_t *session)
{
	DESTROY_IF(session->staged);
	session->staged = NULL;
}

/**
 * Described in header.
 */
ppvpn_protocol_t *ppvpn_protocol_create(ppvpn_table_t *table,
										ppvpn_initiator_t *initiator,
										ppvpn_counters_t *counters)
{
	private_ppvpn_protocol_t *this;
	uint8_t random[16];

	INIT(this,
		.public = {
			.process = _process,
			.encode_event = _encode_event,
			.destroy = _destroy,
		},
		.table = table,
		.initiator = initiator,
		.counters = counters,
	);
	if (getrandom(random, sizeof(random), 0) != sizeof(random))
	{	/* only before the kernel's pool is ready, when no two are alike */
		memset(random, 0, sizeof(random));
		snprintf((char*)random, sizeof(random), "%jx", (intmax_t)time(NULL));
	}
	chunk_to_hex(chunk_from_thing(random), this->boot_id, FALSE);
	return &this->public;
}
