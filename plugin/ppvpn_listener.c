/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * ppvpn_listener.c - charon's bus: authorize, alerts, unknown peers
 *
 * Owns the decision who may not come in, for connections of ours only: an
 * operator's connections pass untouched.  Must not block, do I/O or check out
 * an IKE_SA.
 */

#include "ppvpn_listener.h"
#include "ppvpn_message.h"
#include "ppvpn_unknown.h"

#include <time.h>

typedef struct private_ppvpn_listener_t private_ppvpn_listener_t;

/**
 * Private data of a ppvpn_listener_t object.
 */
struct private_ppvpn_listener_t {

	/**
	 * Public interface.
	 */
	ppvpn_listener_t public;

	/**
	 * Connections.
	 */
	ppvpn_table_t *table;

	/**
	 * Where reports go.
	 */
	ppvpn_events_t *events;

	/**
	 * How peers were authenticated.
	 */
	ppvpn_sas_t *sas;

	/**
	 * Unknown peers reported already.
	 */
	ppvpn_unknown_t *unknown;

	/**
	 * Counters.
	 */
	ppvpn_counters_t *counters;
};

/**
 * An IKE_SA_INIT that nothing of ours matches, in the thread that handles it.
 * charon tells listeners nothing when no backend matches: the IKE_SA is just
 * destroyed, in the same thread, without having got a configuration.
 */
static __thread struct {
	/** IKE_SA made for the packet, for comparison only */
	ike_sa_t *ike_sa;
	/** addresses of the packet */
	char local[48], remote[48];
} candidate;

/**
 * What we call charon's alerts, and which ones we pass on
 */
static const char *alert_name(alert_t alert)
{
	static const struct {
		alert_t alert;
		const char *name;
	} names[] = {
		{ ALERT_PEER_AUTH_FAILED,			"peer-auth-failed"			},
		{ ALERT_LOCAL_AUTH_FAILED,			"local-auth-failed"			},
		{ ALERT_PEER_INIT_UNREACHABLE,		"peer-init-unreachable"		},
		{ ALERT_RETRANSMIT_SEND_TIMEOUT,	"retransmit-send-timeout"	},
		{ ALERT_HALF_OPEN_TIMEOUT,			"half-open-timeout"			},
		{ ALERT_PROPOSAL_MISMATCH_IKE,		"proposal-mismatch-ike"		},
		{ ALERT_PROPOSAL_MISMATCH_CHILD,	"proposal-mismatch-child"	},
		{ ALERT_TS_MISMATCH,				"ts-mismatch"				},
		{ ALERT_AUTHORIZATION_FAILED,		"authorization-failed"		},
		{ ALERT_PEER_ADDR_FAILED,			"peer-addr-failed"			},
		{ ALERT_INSTALL_CHILD_SA_FAILED,	"install-child-sa-failed"	},
		{ ALERT_INSTALL_CHILD_POLICY_FAILED,
										"install-child-policy-failed"	},
		{ ALERT_KEEP_ON_CHILD_SA_FAILURE,	"keep-on-child-sa-failure"	},
		{ ALERT_UNIQUE_REPLACE,				"unique-replace"			},
		{ ALERT_UNIQUE_KEEP,				"unique-keep"				},
		{ ALERT_CERT_EXPIRED,				"cert-expired"				},
		{ ALERT_CERT_REVOKED,				"cert-revoked"				},
		{ ALERT_CERT_NO_ISSUER,				"cert-untrusted"			},
		{ ALERT_CERT_UNTRUSTED_ROOT,		"cert-untrusted"			},
	};
	int i;

	for (i = 0; i < countof(names); i++)
	{
		if (names[i].alert == alert)
		{
			return names[i].name;
		}
	}
	return NULL;
}

/**
 * Name of the connection of an IKE_SA, "" if it has none yet, NULL if it has
 * one that is not ours
 */
static char *our_name(ike_sa_t *ike_sa)
{
	peer_cfg_t *peer_cfg;
	char *name;

	peer_cfg = ike_sa->get_peer_cfg(ike_sa);
	if (!peer_cfg)
	{
		return "";
	}
	name = peer_cfg->get_name(peer_cfg);
	return strpfx(name, PPVPN_CONN_PREFIX) ? name : NULL;
}

/**
 * Fill in what an IKE_SA knows about its ends
 */
static void describe(ike_sa_t *ike_sa, ppvpn_event_t *event)
{
	identification_t *id;
	char text[512];
	host_t *host;

	host = ike_sa->get_my_host(ike_sa);
	if (host && !host->is_anyaddr(host))
	{
		snprintf(event->local, sizeof(event->local), "%H", host);
	}
	host = ike_sa->get_other_host(ike_sa);
	if (host && !host->is_anyaddr(host))
	{
		snprintf(event->remote, sizeof(event->remote), "%H", host);
	}
	id = ike_sa->get_other_id(ike_sa);
	if (id && id->get_type(id) != ID_ANY)
	{
		snprintf(text, sizeof(text), "%Y", id);
		ppvpn_event_text(event->identity, sizeof(event->identity), text);
	}
}

/**
 * Report an alert
 */
static void send_alert(private_ppvpn_listener_t *this, ike_sa_t *ike_sa,
					   const char *alert, char *name)
{
	ppvpn_event_t event = {
		.type = PPVPN_EVENT_ALERT,
		.alert = alert,
		.initiator = ike_sa->get_id(ike_sa)->is_initiator(
												ike_sa->get_id(ike_sa)),
	};

	ppvpn_count(&this->counters->alerts);
	if (this->events->is_wanted(this->events, PPVPN_EVENT_ALERT))
	{
		ppvpn_event_text(event.name, sizeof(event.name), name);
		describe(ike_sa, &event);
		this->events->push(this->events, &event);
	}
}

/**
 * Report an unknown peer, if it was not just reported
 */
static void send_unknown(private_ppvpn_listener_t *this, ppvpn_event_t *event)
{
	event->type = PPVPN_EVENT_UNKNOWN_PEER;
	ppvpn_count(&this->counters->unknown_peers);
	if (this->events->is_wanted(this->events, PPVPN_EVENT_UNKNOWN_PEER))
	{
		event->count = this->unknown->seen(this->unknown, event->remote,
									event->identity, time_monotonic(NULL));
		if (event->count)
		{
			this->events->push(this->events, event);
		}
	}
}

METHOD(listener_t, alert, bool,
	private_ppvpn_listener_t *this, ike_sa_t *ike_sa, alert_t alert,
	va_list args)
{
	ppvpn_event_t event = {};
	const char *text;
	char *name;

	if (!ike_sa || ike_sa->get_version(ike_sa) != IKEV2)
	{
		return TRUE;
	}
	if (alert == ALERT_PARSE_ERROR_BODY)
	{	/* not unknown, just not understood */
		candidate.ike_sa = NULL;
	}
	text = alert_name(alert);
	name = our_name(ike_sa);
	if (!text || !name)
	{
		return TRUE;
	}
	if (alert == ALERT_PEER_AUTH_FAILED && !*name)
	{	/* no backend had a configuration for these identities */
		describe(ike_sa, &event);
		send_unknown(this, &event);
	}
	send_alert(this, ike_sa, text, name);
	return TRUE;
}

/**
 * Report what a peer says of a connection of ours, and charon does not
 */
static void read_message(private_ppvpn_listener_t *this, ike_sa_t *ike_sa,
						 message_t *message)
{
	const char *reason;
	char *name;

	name = our_name(ike_sa);
	reason = name && *name ? ppvpn_message_reason(message) : NULL;
	if (reason)
	{
		send_alert(this, ike_sa, reason, name);
	}
}

METHOD(listener_t, message, bool,
	private_ppvpn_listener_t *this, ike_sa_t *ike_sa, message_t *message,
	bool incoming, bool plain)
{
	host_t *local, *remote;

	if (incoming && plain && ike_sa->get_version(ike_sa) == IKEV2)
	{
		read_message(this, ike_sa, message);
		return TRUE;
	}
	if (!incoming || plain || ike_sa->get_ike_cfg(ike_sa) ||
		message->get_exchange_type(message) != IKE_SA_INIT)
	{
		return TRUE;
	}
	local = message->get_destination(message);
	remote = message->get_source(message);
	if (!this->table->has_address(this->table, local, remote))
	{
		candidate.ike_sa = ike_sa;
		snprintf(candidate.local, sizeof(candidate.local), "%H", local);
		snprintf(candidate.remote, sizeof(candidate.remote), "%H", remote);
	}
	return TRUE;
}

METHOD(listener_t, ike_state_change, bool,
	private_ppvpn_listener_t *this, ike_sa_t *ike_sa, ike_sa_state_t state)
{
	ppvpn_event_t event = {};

	if (state == IKE_DESTROYING)
	{
		this->sas->remove(this->sas, ike_sa->get_unique_id(ike_sa));
	}
	if (state == IKE_DESTROYING && candidate.ike_sa == ike_sa)
	{
		candidate.ike_sa = NULL;
		if (!ike_sa->get_ike_cfg(ike_sa))
		{
			memcpy(event.local, candidate.local, sizeof(event.local));
			memcpy(event.remote, candidate.remote, sizeof(event.remote));
			send_unknown(this, &event);
		}
	}
	return TRUE;
}

METHOD(listener_t, ike_rekey, bool,
	private_ppvpn_listener_t *this, ike_sa_t *old, ike_sa_t *new)
{
	this->sas->replace(this->sas, old->get_unique_id(old),
					   new->get_unique_id(new));
	return TRUE;
}

/**
 * Does an identity equal, byte by byte, the one a configuration names?
 */
static bool identity_is(peer_cfg_t *peer_cfg, bool local,
						identification_t *id)
{
	identification_t *expected = NULL;
	enumerator_t *enumerator;
	auth_cfg_t *auth;

	enumerator = peer_cfg->create_auth_cfg_enumerator(peer_cfg, local);
	if (enumerator->enumerate(enumerator, &auth))
	{
		expected = auth->get(auth, AUTH_RULE_IDENTITY);
	}
	enumerator->destroy(enumerator);
	return expected && expected->get_type(expected) == id->get_type(id) &&
		   chunk_equals(expected->get_encoding(expected),
						id->get_encoding(id));
}

/**
 * Is a key one of a connection's?
 */
static bool has_key(ppvpn_conn_t *conn, shared_key_t *key)
{
	chunk_t secret = key->get_key(key);
	bool found = FALSE;
	u_int i;

	for (i = 0; i < conn->key_count; i++)
	{
		found |= chunk_equals_const(secret,
								conn->keys[i]->get_key(conn->keys[i]));
	}
	return found;
}

/**
 * charon tries the keys of all credential sets.  If another set has one for
 * this pair, we cannot know which of them authenticated the peer.
 */
static bool has_foreign_key(ppvpn_conn_t *conn, identification_t *me,
							identification_t *other)
{
	enumerator_t *enumerator;
	shared_key_t *key;
	bool foreign = FALSE;

	enumerator = lib->credmgr->create_shared_enumerator(lib->credmgr,
												SHARED_IKE, me, other);
	while (!foreign && enumerator->enumerate(enumerator, &key, NULL, NULL))
	{
		foreign = !has_key(conn, key);
	}
	enumerator->destroy(enumerator);
	return foreign;
}

/**
 * What charon found out about the peer of an IKE_SA when it authenticated it.
 * After the first call of the hook that is moved to the rounds that are done.
 */
static auth_cfg_t *get_auth(ike_sa_t *ike_sa)
{
	auth_cfg_t *auth = ike_sa->get_auth_cfg(ike_sa, FALSE), *done;
	enumerator_t *enumerator;

	if ((uintptr_t)auth->get(auth, AUTH_RULE_AUTH_CLASS) != AUTH_CLASS_ANY)
	{
		return auth;
	}
	enumerator = ike_sa->create_auth_cfg_enumerator(ike_sa, FALSE);
	while (enumerator->enumerate(enumerator, &done))
	{
		auth = done;
	}
	enumerator->destroy(enumerator);
	return auth;
}

/**
 * How the peer of an IKE_SA proved who it is
 */
static auth_class_t get_class(ike_sa_t *ike_sa)
{
	auth_cfg_t *auth = get_auth(ike_sa);

	return (uintptr_t)auth->get(auth, AUTH_RULE_AUTH_CLASS);
}

/**
 * Why a peer that is authenticated by certificate must not come in.  charon
 * may yet switch to the configuration that has this authority, so all is
 * looked at here that the configuration demands.
 */
static const char *judge_certificate(private_ppvpn_listener_t *this,
									 ike_sa_t *ike_sa, ppvpn_conn_t *conn)
{
	const char *objection;
	ppvpn_cred_t *cred;

	cred = this->table->get_cred_of(this->table, conn->name);
	if (!cred)
	{
		return "cert-untrusted";
	}
	objection = cred->find_objection(cred, get_auth(ike_sa), conn->remote_id,
									 time(NULL));
	cred->destroy(cred);
	return objection;
}

/**
 * Why an IKE_SA must not use a connection, NULL if it may
 */
static const char *find_objection(private_ppvpn_listener_t *this,
								  ike_sa_t *ike_sa, peer_cfg_t *peer_cfg)
{
	identification_t *me, *other;
	const char *objection = NULL;
	ppvpn_conn_t *conn;

	me = ike_sa->get_my_id(ike_sa);
	other = ike_sa->get_other_id(ike_sa);
	if (!identity_is(peer_cfg, TRUE, me) ||
		!identity_is(peer_cfg, FALSE, other))
	{
		return "identity-mismatch";
	}
	conn = this->table->get_by_ids(this->table, me, other);
	if (!conn || !streq(conn->name, peer_cfg->get_name(peer_cfg)))
	{	/* removed, or somebody else's by now */
		objection = "identity-mismatch";
	}
	else if (get_class(ike_sa) == AUTH_CLASS_PUBKEY)
	{
		objection = judge_certificate(this, ike_sa, conn);
	}
	else if (get_class(ike_sa) != AUTH_CLASS_PSK || !conn->key_count ||
			 has_foreign_key(conn, me, other))
	{
		objection = "foreign-secret";
	}
	DESTROY_IF(conn);
	return objection;
}

METHOD(listener_t, authorize, bool,
	private_ppvpn_listener_t *this, ike_sa_t *ike_sa, bool final,
	bool *success)
{
	const char *objection;
	char *name;

	/* Before the final call the uniqueness policy has evicted the peer's
	 * established IKE_SA, so the first one has to refuse.  The last one is
	 * for a configuration that charon switched to in between. */
	name = our_name(ike_sa);
	if (!name && this->sas->has(this->sas, ike_sa->get_unique_id(ike_sa)))
	{	/* charon verified for the first configuration that fits, which was
		 * ours, and then took another one: our credentials are no proof for
		 * an operator's connection */
		DBG1(DBG_CFG, "refused: authenticated for another connection");
		ppvpn_count(&this->counters->authorize_refused);
		*success = FALSE;
	}
	if (!name || !*name)
	{
		return TRUE;
	}
	objection = find_objection(this, ike_sa, ike_sa->get_peer_cfg(ike_sa));
	if (objection)
	{
		DBG1(DBG_CFG, "'%s' refused: %s", name, objection);
		ppvpn_count(&this->counters->authorize_refused);
		send_alert(this, ike_sa, objection, name);
		*success = FALSE;
	}
	else
	{
		this->sas->add(this->sas, ike_sa->get_unique_id(ike_sa), name,
					   get_class(ike_sa) == AUTH_CLASS_PUBKEY, final);
	}
	return TRUE;
}

METHOD(ppvpn_listener_t, destroy, void,
	private_ppvpn_listener_t *this)
{
	this->unknown->destroy(this->unknown);
	free(this);
}

/**
 * Described in header.
 */
ppvpn_listener_t *ppvpn_listener_create(ppvpn_table_t *table,
										ppvpn_events_t *events,
										ppvpn_sas_t *sas,
										ppvpn_counters_t *counters)
{
	private_ppvpn_listener_t *this;

	INIT(this,
		.public = {
			.listener = {
				.alert = _alert,
				.message = _message,
				.ike_state_change = _ike_state_change,
				.ike_rekey = _ike_rekey,
				.authorize = _authorize,
			},
			.destroy = _destroy,
		},
		.table = table,
		.events = events,
		.sas = sas,
		.unknown = ppvpn_unknown_create(),
		.counters = counters,
	);
	return &this->public;
}
