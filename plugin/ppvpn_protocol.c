/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * ppvpn_protocol.c - one handler for each op of doc/plugin-protocol.md
 *
 * Owns the requests that only ask, and how every answer and event is encoded;
 * ppvpn_change.c has those that change something.  Knows no socket.
 */

#include "ppvpn_protocol.h"
#include "ppvpn_change.h"
#include "ppvpn_decode.h"

#include <sys/random.h>
#include <time.h>
#include <unistd.h>

typedef struct private_ppvpn_protocol_t private_ppvpn_protocol_t;

/** Version of the protocol. */
#define PROTOCOL_VERSION 1

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
	 * How peers were authenticated.
	 */
	ppvpn_sas_t *sas;

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
	plugin_t *plugin;
	bool found = FALSE;

	enumerator = lib->plugins->create_plugin_enumerator(lib->plugins);
	while (enumerator->enumerate(enumerator, &plugin, NULL))
	{
		found |= streq(plugin->get_name(plugin), name);
	}
	enumerator->destroy(enumerator);
	return found;
}

/**
 * The settings of charon that our tunnels depend on
 */
static json_object *create_settings(void)
{
	json_object *settings;
	bool make_before_break = PPVPN_STRONGSWAN_VERSION >= 60000;

	settings = json_object_new_object();
	ppvpn_json_add_bool(settings, "install_routes",
			 lib->settings->get_bool(lib->settings, "%s.install_routes",
									 TRUE, lib->ns));
	ppvpn_json_add_bool(settings, "connmark", has_plugin("connmark"));
	ppvpn_json_add_number(settings, "ikesa_table_size",
			   lib->settings->get_int(lib->settings, "%s.ikesa_table_size",
									  1, lib->ns));
	ppvpn_json_add_bool(settings, "make_before_break",
			 lib->settings->get_bool(lib->settings, "%s.make_before_break",
									 make_before_break, lib->ns));
	return settings;
}

/**
 * What this plugin has over the first of its version
 */
static json_object *create_capabilities(void)
{
	json_object *capabilities;

	capabilities = json_object_new_array();
	json_object_array_add(capabilities,
						  json_object_new_string("certificates"));
	return capabilities;
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

	if (!ppvpn_json_request(request, members, countof(members), &hello, error))
	{
		return FALSE;
	}
	count = this->table->get_revision(this->table, revision);
	ppvpn_json_add_number(reply, "version", PROTOCOL_VERSION);
	ppvpn_json_add_text(reply, "plugin-version", PPVPN_VERSION);
	ppvpn_json_add_text(reply, "strongswan", VERSION);
	ppvpn_json_add_text(reply, "boot-id", this->boot_id);
	ppvpn_json_add_number(reply, "pid", getpid());
	ppvpn_json_add_text(reply, "revision", revision);
	ppvpn_json_add_number(reply, "count", count);
	json_object_object_add(reply, "capabilities", create_capabilities());
	json_object_object_add(reply, "settings", create_settings());
	DBG1(DBG_CFG, "ppvpn: client '%s' says hello", hello.client);
	return TRUE;
}

/**
 * Add what a list says of one thing
 */
static void add_listed(json_object *array, const char *name, const char *tag)
{
	json_object *entry;

	entry = json_object_new_object();
	ppvpn_json_add_text(entry, "name", name);
	ppvpn_json_add_text(entry, "tag", tag);
	json_object_array_add(array, entry);
}

static bool do_list(private_ppvpn_protocol_t *this, ppvpn_session_t *session,
					json_object *request, json_object *reply,
					ppvpn_error_t *error)
{
	char revision[PPVPN_REVISION_LEN];
	enumerator_t *enumerator, *creds;
	json_object *conns, *credentials;
	ppvpn_conn_t *conn;
	ppvpn_cred_t *cred;

	if (!ppvpn_json_request(request, NULL, 0, NULL, error))
	{
		return FALSE;
	}
	conns = json_object_new_array();
	credentials = json_object_new_array();
	enumerator = this->table->create_enumerator(this->table, &creds, revision);
	while (enumerator->enumerate(enumerator, &conn))
	{
		add_listed(conns, conn->name, conn->tag);
	}
	enumerator->destroy(enumerator);
	while (creds->enumerate(creds, &cred))
	{
		add_listed(credentials, cred->name, cred->tag);
	}
	creds->destroy(creds);
	ppvpn_json_add_text(reply, "revision", revision);
	json_object_object_add(reply, "conns", conns);
	json_object_object_add(reply, "credentials", credentials);
	return TRUE;
}

static bool do_sas(private_ppvpn_protocol_t *this, ppvpn_session_t *session,
				   json_object *request, json_object *reply,
				   ppvpn_error_t *error)
{
	char *name = NULL;
	const json_member_t members[] = {
		{ "name",	ppvpn_decode_name,	0, TRUE },
	};
	json_object *sas, *entry;
	array_t *array;
	ppvpn_sa_t sa;

	if (!ppvpn_json_request(request, members, countof(members), &name, error))
	{
		return FALSE;
	}
	sas = json_object_new_array();
	array = this->sas->get(this->sas, name);
	while (array_remove(array, ARRAY_TAIL, &sa))
	{
		entry = json_object_new_object();
		ppvpn_json_add_number(entry, "ike-id", sa.id);
		ppvpn_json_add_text(entry, "name", sa.name);
		ppvpn_json_add_text(entry, "authentication",
							sa.certificate ? "certificate" : "pre-shared");
		json_object_array_add(sas, entry);
	}
	array_destroy(array);
	json_object_object_add(reply, "sas", sas);
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

	if (!ppvpn_json_request(request, members, countof(members), &name, error))
	{
		return FALSE;
	}
	switch (this->initiator->initiate(this->initiator, name))
	{
		case SUCCESS:
			ppvpn_json_add_bool(reply, "started", TRUE);
			return TRUE;
		case ALREADY_DONE:
			ppvpn_json_add_bool(reply, "started", FALSE);
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
		{ "certificate-lookups",	&counters->certificate_lookups	},
		{ "key-lookups",		&counters->key_lookups			},
		{ "authorize-refused",	&counters->authorize_refused	},
		{ "unknown-peers",		&counters->unknown_peers		},
		{ "alerts",				&counters->alerts				},
		{ "events-dropped",		&counters->events_dropped		},
	};
	char revision[PPVPN_REVISION_LEN];
	json_object *object;
	u_int count;
	int i;

	if (!ppvpn_json_request(request, NULL, 0, NULL, error))
	{
		return FALSE;
	}
	count = this->table->get_revision(this->table, revision);
	ppvpn_json_add_text(reply, "revision", revision);
	ppvpn_json_add_number(reply, "count", count);
	object = json_object_new_object();
	for (i = 0; i < countof(rows); i++)
	{
		ppvpn_json_add_number(object, rows[i].name, ppvpn_counted(rows[i].counter));
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

	if (!ppvpn_json_request(request, members, countof(members), &wanted, error))
	{
		return FALSE;
	}
	session->wanted = wanted;
	return TRUE;
}

/**
 * An op: one of the two handlers
 */
typedef struct {
	/** its name */
	const char *op;
	/** handler of a request that asks */
	handler_t ask;
	/** handler of a request that changes */
	ppvpn_change_handler_t change;
} op_t;

/**
 * Find the op of a request
 */
static const op_t *find_op(json_object *request, ppvpn_error_t *error)
{
	static const op_t ops[] = {
		{ "hello",		do_hello,		NULL					},
		{ "begin",		NULL,			ppvpn_change_begin		},
		{ "put",		NULL,			ppvpn_change_put		},
		{ "commit",		NULL,			ppvpn_change_commit		},
		{ "abort",		NULL,			ppvpn_change_abort		},
		{ "update",		NULL,			ppvpn_change_update		},
		{ "list",		do_list,		NULL					},
		{ "initiate",	do_initiate,	NULL					},
		{ "sas",		do_sas,			NULL					},
		{ "status",		do_status,		NULL					},
		{ "subscribe",	do_subscribe,	NULL					},
	};
	json_at_t at = { .member = "op" };
	char *name;
	u_int i;

	if (!ppvpn_json_text(json_object_object_get(request, "op"), &at, 1, 64,
						 NULL, &name, error))
	{
		return NULL;
	}
	for (i = 0; i < countof(ops); i++)
	{
		if (streq(ops[i].op, name))
		{
			return &ops[i];
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
	ppvpn_json_add_text(object, "code", error->code);
	ppvpn_json_add_text(object, "where", error->where);
	ppvpn_json_add_text(object, "text", error->text);
	reply = json_object_new_object();
	json_object_object_add(reply, "id", id);
	ppvpn_json_add_bool(reply, "ok", FALSE);
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
	const op_t *op;
	bool success;
	int64_t id;

	if (!ppvpn_json_number(json_object_object_get(request, "id"), &at, 0,
						   1LL << 53, &id, &error))
	{
		return encode_error(NULL, &error);
	}
	op = find_op(request, &error);
	if (!op)
	{
		return encode_error(json_object_new_int64(id), &error);
	}
	reply = json_object_new_object();
	ppvpn_json_add_number(reply, "id", id);
	ppvpn_json_add_bool(reply, "ok", TRUE);
	success = op->ask ?
				op->ask(this, session, request, reply, &error) :
				op->change(this->table, &session->staged, request, reply,
						   &error);
	if (!success)
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
		ppvpn_json_add_text(object, "event", "alert");
		ppvpn_json_add_text(object, "alert", event->alert);
		json_object_object_add(object, "initiator",
							   json_object_new_boolean(event->initiator));
		if (*event->name)
		{
			ppvpn_json_add_text(object, "name", event->name);
		}
	}
	else
	{
		ppvpn_json_add_text(object, "event", "unknown-peer");
	}
	ppvpn_json_add_text(object, "local-address", event->local);
	ppvpn_json_add_text(object, "remote-address", event->remote);
	if (*event->identity)
	{
		ppvpn_json_add_text(object, "remote-identity", event->identity);
	}
	if (event->type == PPVPN_EVENT_UNKNOWN_PEER)
	{
		ppvpn_json_add_number(object, "count", event->count);
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
										ppvpn_sas_t *sas,
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
		.sas = sas,
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
