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
	 * Reference count.
	 */
	refcount_t ref;
};

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
	DESTROY_IF(this->public.local);
	DESTROY_IF(this->public.remote);
	free(this->public.proposals);
	free(this->public.tag);
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

/**
 * Authentication of one side: this identity, by a pre-shared key
 */
static auth_cfg_t *create_auth(char *fqdn, identification_t **id)
{
	auth_cfg_t *auth;

	*id = identification_create_from_encoding(ID_FQDN,
											  chunk_from_str(fqdn));
	auth = auth_cfg_create();
	auth->add(auth, AUTH_RULE_AUTH_CLASS, AUTH_CLASS_PSK);
	auth->add(auth, AUTH_RULE_IDENTITY, *id);
	return auth;
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
 * Build the peer configuration around an IKE configuration (adopted)
 */
static void create_peer(private_ppvpn_conn_t *this, ppvpn_conn_spec_t *spec,
						ike_cfg_t *ike)
{
	peer_cfg_create_t data = {
		.cert_policy = CERT_NEVER_SEND,
		.unique = UNIQUE_REPLACE,
		.keyingtries = 1,
		.rekey_time = spec->rekey_time,
		.jitter_time = spec->rekey_time / 10,
		.over_time = spec->rekey_time / 10,
		.dpd = spec->dpd_delay,
	};
	peer_cfg_t *peer;

	compat_no_mobike(&data);
	peer = peer_cfg_create(spec->name, ike, &data);
	peer->add_auth_cfg(peer, create_auth(spec->local_identity,
										 &this->public.local_id), TRUE);
	peer->add_auth_cfg(peer, create_auth(spec->remote_identity,
										 &this->public.remote_id), FALSE);
	this->public.peer_cfg = peer;
	this->public.ike_cfg = ike;
	this->public.name = peer->get_name(peer);
}

/**
 * Add all IKE and ESP proposals, remember the former as text
 */
static ppvpn_conn_part_t add_proposals(private_ppvpn_conn_t *this,
									   ppvpn_conn_spec_t *spec,
									   child_cfg_t *child, u_int *index)
{
	ike_cfg_t *ike = this->public.ike_cfg;
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
	child_cfg_t *child;
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
	create_peer(this, spec, ppvpn_ike_cfg_create(spec->local_address,
												 spec->remote_address));
	child = create_child(spec);
	this->public.peer_cfg->add_child_cfg(this->public.peer_cfg, child);
	this->public.tag = strdup(spec->tag);
	for (i = 0; i < spec->key_count; i++)
	{
		this->public.keys[i] = shared_key_create(SHARED_IKE, spec->keys[i]);
		spec->keys[i] = chunk_empty;
	}
	this->public.key_count = spec->key_count;
	return add_proposals(this, spec, child, index);
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
			.get_ref = _get_ref,
			.destroy = _destroy,
		},
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
