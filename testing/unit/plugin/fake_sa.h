/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * fake_sa.h - an IKE_SA that only has what the plugin's hooks look at
 */

#ifndef FAKE_SA_H_
#define FAKE_SA_H_

#include "harness.h"

typedef struct fake_sa_t fake_sa_t;

/** Fields may be set by the test; all are borrowed. */
struct fake_sa_t {
	ike_sa_t public;
	peer_cfg_t *peer_cfg;
	ike_cfg_t *ike_cfg;
	identification_t *my_id, *other_id;
	host_t *my_host, *other_host;
	auth_cfg_t *other_auth, *done_auth;
	uint32_t unique_id;
	ike_sa_id_t id;
	bool initiator;
};

static inline peer_cfg_t *fake_get_peer_cfg(fake_sa_t *this)
{
	return this->peer_cfg;
}

static inline ike_cfg_t *fake_get_ike_cfg(fake_sa_t *this)
{
	return this->ike_cfg;
}

static inline identification_t *fake_get_my_id(fake_sa_t *this)
{
	return this->my_id;
}

static inline identification_t *fake_get_other_id(fake_sa_t *this)
{
	return this->other_id;
}

static inline host_t *fake_get_my_host(fake_sa_t *this)
{
	return this->my_host;
}

static inline host_t *fake_get_other_host(fake_sa_t *this)
{
	return this->other_host;
}

static inline auth_cfg_t *fake_get_auth_cfg(fake_sa_t *this, bool local)
{
	return local ? NULL : this->other_auth;
}

static inline enumerator_t *fake_create_auth_cfg_enumerator(fake_sa_t *this,
															bool local)
{
	return local || !this->done_auth ? enumerator_create_empty() :
						enumerator_create_single(this->done_auth, NULL);
}

static inline uint32_t fake_get_unique_id(fake_sa_t *this)
{
	return this->unique_id;
}

static inline bool fake_is_initiator(ike_sa_id_t *id)
{
	return ((fake_sa_t*)((char*)id - offsetof(fake_sa_t, id)))->initiator;
}

static inline ike_sa_id_t *fake_get_id(fake_sa_t *this)
{
	return &this->id;
}

static inline ike_version_t fake_get_version(fake_sa_t *this)
{
	return IKEV2;
}

/** Fill in the methods. */
static inline void fake_sa_init(fake_sa_t *this)
{
	*this = (fake_sa_t){
		.public = {
			.get_peer_cfg = (void*)fake_get_peer_cfg,
			.get_ike_cfg = (void*)fake_get_ike_cfg,
			.get_my_id = (void*)fake_get_my_id,
			.get_other_id = (void*)fake_get_other_id,
			.get_my_host = (void*)fake_get_my_host,
			.get_other_host = (void*)fake_get_other_host,
			.get_auth_cfg = (void*)fake_get_auth_cfg,
			.create_auth_cfg_enumerator = (void*)
										fake_create_auth_cfg_enumerator,
			.get_unique_id = (void*)fake_get_unique_id,
			.get_version = (void*)fake_get_version,
			.get_id = (void*)fake_get_id,
		},
		.id.is_initiator = fake_is_initiator,
	};
}

#endif
