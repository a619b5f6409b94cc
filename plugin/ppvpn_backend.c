/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * ppvpn_backend.c - charon's view of the table: backend_t
 *
 * Owns nothing; a lookup is an index lookup in the table and the result is a
 * snapshot, so that no lock of ours is held while charon works with it.
 */

#include "ppvpn_backend.h"

typedef struct private_ppvpn_backend_t private_ppvpn_backend_t;

/**
 * Private data of a ppvpn_backend_t object.
 */
struct private_ppvpn_backend_t {

	/**
	 * Public interface.
	 */
	ppvpn_backend_t public;

	/**
	 * Connections.
	 */
	ppvpn_table_t *table;

	/**
	 * Counters.
	 */
	ppvpn_counters_t *counters;
};

METHOD(backend_t, create_ike_cfg_enumerator, enumerator_t*,
	private_ppvpn_backend_t *this, host_t *me, host_t *other)
{
	ppvpn_count(&this->counters->ike_lookups);
	return this->table->create_ike_cfg_enumerator(this->table, me, other);
}

METHOD(backend_t, create_peer_cfg_enumerator, enumerator_t*,
	private_ppvpn_backend_t *this, identification_t *me,
	identification_t *other)
{
	ppvpn_count(&this->counters->peer_lookups);
	return this->table->create_peer_cfg_enumerator(this->table, me, other);
}

METHOD(backend_t, get_peer_cfg_by_name, peer_cfg_t*,
	private_ppvpn_backend_t *this, char *name)
{
	return this->table->get_peer_cfg(this->table, name);
}

METHOD(ppvpn_backend_t, destroy, void,
	private_ppvpn_backend_t *this)
{
	free(this);
}

/**
 * Described in header.
 */
ppvpn_backend_t *ppvpn_backend_create(ppvpn_table_t *table,
									  ppvpn_counters_t *counters)
{
	private_ppvpn_backend_t *this;

	INIT(this,
		.public = {
			.backend = {
				.create_ike_cfg_enumerator = _create_ike_cfg_enumerator,
				.create_peer_cfg_enumerator = _create_peer_cfg_enumerator,
				.get_peer_cfg_by_name = _get_peer_cfg_by_name,
			},
			.destroy = _destroy,
		},
		.table = table,
		.counters = counters,
	);
	return &this->public;
}
