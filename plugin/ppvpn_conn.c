/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * ppvpn_conn.c - from the values of a connection to charon's objects
 *
 * Owns what is the same for all our connections: IKEv2, tunnel mode, one child
 * with 0.0.0.0/0 on both sides, no MOBIKE, no reauthentication, no actions.
 * Takes no lock and knows no other connection.
 */

#include "ppvpn_conn.h"

#include <arpa/inet.h>

typedef struct private_ppvpn_conn_t private_ppvpn_conn_t;

/**
 * Private data of a ppvpn_conn_t object.
 */
struct private_ppvpn_conn_t {

	/**
	 * Public members.
	 */
	ppvpn_conn_t public;

	/**
	 * The one child.
	 */
	child_cfg_t *child;

	/**
	 * Rekey time of the IKE_SA, in s.
	 */
	uint32_t rekey_time;

	/**
	 * DPD interval in s.
	 */
	uint32_t dpd_delay;

	/**
	 * Reference count.
	 */
	refcount_t ref;
};

/**
 * How charon compares configurations, the same for all.
 */
static bool (*charons_equals)(peer_cfg_t *this, peer_cfg_t *other);

METHOD(ppvpn_conn_t, get_ref, ppvpn_conn_t*,
	private_ppvpn_conn_t *this)
{
	ref_get(&this->ref);
	return &this->public;
}

METHOD(ppvpn_conn_t, destroy, void,
	private_ppvpn_conn_t *this)
{
	u_int i;

	if (!ref_put(&this->ref))
	{
		return;
	}
	for (i = 0; i < this->public.key_count; i++)
	{
		this->public.keys[i]->destroy(this->public.keys[i]);
	}
	DESTROY_IF(this->public.peer_cfg);
	DESTROY_IF(this->child);
	DESTROY_IF(this->public.ike_cfg);
	DESTROY_IF(this->public.local_id);
	DESTROY_IF(this->public.remote_id);
	DESTROY_IF(this->public.local);
	DESTROY_IF(this->public.remote);
	free(this->public.proposals);
	free(this->public.credentials);
	free(this->public.tag);
	free(this->public.name);
	free(this);
}

/**
 * Described in header.
 */
void ppvpn_conn_spec_clear(ppvpn_conn_spec_t *spec)
{
	u_int i;

	for (i = 0; i < spec->key_count; i++)
	{
		chunk_clear(&spec->keys[i]);
	}
	spec->key_count = 0;
}

/**
 * Described in header.
 */
ike_cfg_t *ppvpn_ike_cfg_create(char *local, char *remote)
{
	ike_cfg_create_t data = {
		.version = IKEV2,
		.local = local,
		.local_port = charon->socket->get_port(charon->socket, FALSE),
		.remote = remote,
		.remote_port = IKEV2_UDP_PORT,
		.no_certreq = TRUE,
		.fragmentation = FRAGMENTATION_YES,
	};

	return ike_cfg_create(&data);
}

/**
 * A usable unicast IPv4 address, never a DNS name
 */
static host_t *parse_address(char *str)
{
	struct in_addr addr;
	uint32_t ip;

	if (inet_pton(AF_INET, str, &addr) != 1)
	{
		return NULL;
	}
	ip = ntohl(addr.s_addr);
	if (ip >> 24 == 0 || IN_MULTICAST(ip) || IN_BADCLASS(ip))
	{
		return NULL;
	}
	return host_create_from_chunk(AF_INET, chunk_from_thing(addr), 0);
}

static identification_t *create_id(char *fqdn)
{
	return identification_create_from_encoding(ID_FQDN, chunk_from_str(fqdn));
}

/**
 * Authentication of one side: this identity, in this way
 */
static auth_cfg_t *create_auth(identification_t *id, auth_class_t class)
{
	auth_cfg_t *auth;

	auth = auth_cfg_create();
	auth->add(auth, AUTH_RULE_AUTH_CLASS, class);
	auth->add(auth, AUTH_RULE_IDENTITY, id->clone(id));
	return auth;
}

/**
 * How the peer of a configuration is authenticated
 */
static auth_class_t get_class(peer_cfg_t *peer)
{
	enumerator_t *enumerator;
	uintptr_t class = AUTH_CLASS_ANY;
	auth_cfg_t *auth;

	enumerator = peer->create_auth_cfg_enumerator(peer, FALSE);
	if (enumerator->enumerate(enumerator, &auth))
	{
		class = (uintptr_t)auth->get(auth, AUTH_RULE_AUTH_CLASS);
	}
	enumerator->destroy(enumerator);
	return class;
}

/**
 * A peer_cfg_t's equals(): the two configurations of one connection are one
 * peer, or charon would keep an IKE_SA of each kind
 */
static bool equals(peer_cfg_t *this, peer_cfg_t *other)
{
	return charons_equals(this, other) ||
		   (this->equals == other->equals &&
			streq(this->get_name(this), other->get_name(other)) &&
			get_class(this) != get_class(other));
}

/**
 * The one child of a connection, without proposals
 */
static child_cfg_t *create_child(ppvpn_conn_spec_t *spec)
{
	child_cfg_t *child;
	child_cfg_create_t data = {
		.mode = MODE_TUNNEL,
		.mark_in = { .value = spec->mark, .mask = 0xffffffff },
		.mark_out = { .value = spec->mark, .mask = 0xffffffff },
		.lifetime = {
			.time = {
				.rekey = spec->child_rekey_time,
				.life = spec->child_rekey_time + spec->child_rekey_time / 10,
				.jitter = spec->child_rekey_time / 10,
			},
		},
		.start_action = ACTION_NONE,
		.dpd_action = ACTION_NONE,
		.close_action = ACTION_NONE,
	};

	if (spec->set_mark_out)
	{
		data.set_mark_out.value = spec->set_mark_out;
		data.set_mark_out.mask = 0xffffffff;
	}
	child = child_cfg_create(spec->name, &data);
	child->add_traffic_selector(child, TRUE,
					traffic_selector_create_from_cidr("0.0.0.0/0", 0, 0, 65535));
	child->add_traffic_selector(child, FALSE,
					traffic_selector_create_from_cidr("0.0.0.0/0", 0, 0, 65535));
	return child;
}

/**
 * Create the configuration of the peer with its child
 *
 * @param local		authentication of this end (adopted)
 * @param remote	authentication of the peer (adopted)
 */
static peer_cfg_t *create_peer(private_ppvpn_conn_t *this,
							   cert_policy_t cert_policy, auth_cfg_t *local,
							   auth_cfg_t *remote)
{
	peer_cfg_create_t data = {
		.cert_policy = cert_policy,
		.unique = UNIQUE_REPLACE,
		.keyingtries = 1,
		.rekey_time = this->rekey_time,
		.jitter_time = this->rekey_time / 10,
		.over_time = this->rekey_time / 10,
		.dpd = this->dpd_delay,
	};
	ike_cfg_t *ike = this->public.ike_cfg;
	peer_cfg_t *peer;

	compat_no_mobike(&data);
	peer = peer_cfg_create(this->public.name, ike->get_ref(ike), &data);
	charons_equals = peer->equals;
	peer->equals = equals;
	peer->add_auth_cfg(peer, local, TRUE);
	peer->add_auth_cfg(peer, remote, FALSE);
	peer->add_child_cfg(peer, this->child->get_ref(this->child));
	return peer;
}

METHOD(ppvpn_conn_t, create_certificate_cfg, peer_cfg_t*,
	private_ppvpn_conn_t *this, ppvpn_cred_t *cred)
{
	certificate_t *cert = cred->certificates[0];
	auth_cfg_t *local, *remote;
	u_int i;

	local = create_auth(this->public.local_id, AUTH_CLASS_PUBKEY);
	local->add(local, AUTH_RULE_SUBJECT_CERT, cert->get_ref(cert));
	remote = create_auth(this->public.remote_id, AUTH_CLASS_PUBKEY);
	for (i = 0; i < cred->authority_count; i++)
	{
		cert = cred->authorities[i];
		remote->add(remote, AUTH_RULE_CA_CERT, cert->get_ref(cert));
	}
	if (cred->strict)
	{
		remote->add(remote, AUTH_RULE_CRL_VALIDATION, VALIDATION_GOOD);
	}
	return create_peer(this, CERT_ALWAYS_SEND, local, remote);
}

/**
 * Add all IKE and ESP proposals, remember the former as text
 */
static ppvpn_conn_part_t add_proposals(private_ppvpn_conn_t *this,
									   ppvpn_conn_spec_t *spec, u_int *index)
{
	ike_cfg_t *ike = this->public.ike_cfg;
	child_cfg_t *child = this->child;
	proposal_t *proposal;
	char text[4096] = "";
	size_t len = 0;
	u_int i;

	for (i = 0; spec->proposals[i]; i++)
	{
		*index = i;
		proposal = proposal_create_from_string(PROTO_IKE, spec->proposals[i]);
		if (!proposal)
		{
			return PPVPN_CONN_PROPOSALS;
		}
		ike->add_proposal(ike, proposal);
		len += snprintf(text + len, sizeof(text) - len, "%s%s",
						i ? "," : "", spec->proposals[i]);
		if (len >= sizeof(text))
		{
			return PPVPN_CONN_PROPOSALS;
		}
	}
	for (i = 0; spec->esp_proposals[i]; i++)
	{
		*index = i;
		proposal = proposal_create_from_string(PROTO_ESP,
											   spec->esp_proposals[i]);
		if (!proposal)
		{
			return PPVPN_CONN_ESP_PROPOSALS;
		}
		child->add_proposal(child, proposal);
	}
	this->public.proposals = strdup(text);
	return PPVPN_CONN_OK;
}

/**
 * Fill a new connection, report what charon would not take
 */
static ppvpn_conn_part_t fill(private_ppvpn_conn_t *this,
							  ppvpn_conn_spec_t *spec, u_int *index)
{
	u_int i;

	*index = 0;
	this->public.local = parse_address(spec->local_address);
	if (!this->public.local)
	{
		return PPVPN_CONN_LOCAL_ADDRESS;
	}
	this->public.remote = streq(spec->remote_address, "%any") ?
				host_create_any(AF_INET) : parse_address(spec->remote_address);
	if (!this->public.remote)
	{
		return PPVPN_CONN_REMOTE_ADDRESS;
	}
	this->public.ike_cfg = ppvpn_ike_cfg_create(spec->local_address,
												spec->remote_address);
	this->child = create_child(spec);
	if (spec->key_count)
	{
		this->public.peer_cfg = create_peer(this, CERT_NEVER_SEND,
						create_auth(this->public.local_id, AUTH_CLASS_PSK),
						create_auth(this->public.remote_id, AUTH_CLASS_PSK));
	}
	for (i = 0; i < spec->key_count; i++)
	{
		this->public.keys[i] = shared_key_create(SHARED_IKE, spec->keys[i]);
		spec->keys[i] = chunk_empty;
	}
	this->public.key_count = spec->key_count;
	return add_proposals(this, spec, index);
}

/**
 * Described in header.
 */
ppvpn_conn_t *ppvpn_conn_create(ppvpn_conn_spec_t *spec,
								ppvpn_conn_part_t *part, u_int *index)
{
	private_ppvpn_conn_t *this;

	INIT(this,
		.public = {
			.name = strdup(spec->name),
			.tag = strdup(spec->tag),
			.local_id = create_id(spec->local_identity),
			.remote_id = create_id(spec->remote_identity),
			.credentials = strdupnull(spec->credentials),
			.certificate_sent = spec->certificate_sent,
			.create_certificate_cfg = _create_certificate_cfg,
			.get_ref = _get_ref,
			.destroy = _destroy,
		},
		.rekey_time = spec->rekey_time,
		.dpd_delay = spec->dpd_delay,
		.ref = 1,
	);
	*part = fill(this, spec, index);
	ppvpn_conn_spec_clear(spec);
	if (*part != PPVPN_CONN_OK)
	{
		destroy(this);
		return NULL;
	}
	return &this->public;
}
