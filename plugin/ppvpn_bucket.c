/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * ppvpn_bucket.c - one ike_cfg_t for all connections of an address pair
 *
 * Counts how many connections use each proposal, so that one more or less
 * among thousands costs the same as among two.  Takes no lock.
 */

#include "ppvpn_bucket.h"

#include <collections/array.h>

typedef struct private_ppvpn_bucket_t private_ppvpn_bucket_t;

/**
 * Private data of a ppvpn_bucket_t object.
 */
struct private_ppvpn_bucket_t {

	/**
	 * Public interface.
	 */
	ppvpn_bucket_t public;

	/**
	 * Different proposals, as use_t, in the order they came.
	 */
	array_t *uses;

	/**
	 * Number of connections.
	 */
	u_int count;

	/**
	 * Configuration with exactly these proposals.
	 */
	ike_cfg_t *ike_cfg;
};

/**
 * A proposal and how many connections have it
 */
typedef struct {
	/** the proposal as text */
	char *proposal;
	/** number of connections */
	u_int count;
} use_t;

static void destroy_use(use_t *use)
{
	free(use->proposal);
	free(use);
}

/**
 * Find a proposal
 */
static use_t *find_use(private_ppvpn_bucket_t *this, char *proposal, int *at)
{
	use_t *use;
	int i;

	for (i = 0; i < array_count(this->uses); i++)
	{
		array_get(this->uses, i, &use);
		if (streq(use->proposal, proposal))
		{
			*at = i;
			return use;
		}
	}
	return NULL;
}

/**
 * Count every proposal of a connection in, return the number of new ones
 */
static u_int count_in(private_ppvpn_bucket_t *this, ppvpn_conn_t *conn)
{
	enumerator_t *enumerator;
	char *proposal;
	u_int added = 0;
	use_t *use;
	int at;

	enumerator = enumerator_create_token(conn->proposals, ",", "");
	while (enumerator->enumerate(enumerator, &proposal))
	{
		use = find_use(this, proposal, &at);
		if (!use)
		{
			INIT(use,
				.proposal = strdup(proposal),
			);
			array_insert(this->uses, ARRAY_TAIL, use);
			added++;
		}
		use->count++;
	}
	enumerator->destroy(enumerator);
	return added;
}

/**
 * Count every proposal of a connection out, return the number of gone ones
 */
static u_int count_out(private_ppvpn_bucket_t *this, ppvpn_conn_t *conn)
{
	enumerator_t *enumerator;
	char *proposal;
	u_int removed = 0;
	use_t *use;
	int at;

	enumerator = enumerator_create_token(conn->proposals, ",", "");
	while (enumerator->enumerate(enumerator, &proposal))
	{
		use = find_use(this, proposal, &at);
		if (use && --use->count == 0)
		{
			array_remove(this->uses, at, NULL);
			destroy_use(use);
			removed++;
		}
	}
	enumerator->destroy(enumerator);
	return removed;
}

/**
 * Build the configuration with the union of all proposals
 */
static void rebuild(private_ppvpn_bucket_t *this)
{
	ike_cfg_t *old = this->ike_cfg;
	use_t *use;
	int i;

	this->ike_cfg = ppvpn_ike_cfg_create(old->get_my_addr(old),
										 old->get_other_addr(old));
	old->destroy(old);
	for (i = 0; i < array_count(this->uses); i++)
	{
		array_get(this->uses, i, &use);
		this->ike_cfg->add_proposal(this->ike_cfg,
					proposal_create_from_string(PROTO_IKE, use->proposal));
	}
}

METHOD(ppvpn_bucket_t, add, bool,
	private_ppvpn_bucket_t *this, ppvpn_conn_t *conn, u_int max)
{
	u_int added;

	added = count_in(this, conn);
	if (array_count(this->uses) > max)
	{
		count_out(this, conn);
		return FALSE;
	}
	if (this->count++ == 0)
	{	/* alone: its own configuration has exactly these proposals */
		this->ike_cfg = conn->ike_cfg->get_ref(conn->ike_cfg);
	}
	else if (added)
	{
		rebuild(this);
	}
	return TRUE;
}

METHOD(ppvpn_bucket_t, remove_, bool,
	private_ppvpn_bucket_t *this, ppvpn_conn_t *conn)
{
	u_int removed;

	removed = count_out(this, conn);
	if (--this->count == 0)
	{
		return TRUE;
	}
	if (removed)
	{
		rebuild(this);
	}
	return FALSE;
}

METHOD(ppvpn_bucket_t, get_ike_cfg, ike_cfg_t*,
	private_ppvpn_bucket_t *this)
{
	return this->ike_cfg;
}

METHOD(ppvpn_bucket_t, destroy, void,
	private_ppvpn_bucket_t *this)
{
	array_destroy_function(this->uses, (void*)destroy_use, NULL);
	DESTROY_IF(this->ike_cfg);
	free(this);
}

/**
 * Described in header.
 */
ppvpn_pair_t ppvpn_pair(host_t *local, host_t *remote)
{
	chunk_t me = local->get_address(local), other = remote->get_address(remote);
	ppvpn_pair_t pair = {};

	memcpy(pair.local, me.ptr, min(me.len, sizeof(pair.local)));
	memcpy(pair.remote, other.ptr, min(other.len, sizeof(pair.remote)));
	return pair;
}

/**
 * Described in header.
 */
ppvpn_bucket_t *ppvpn_bucket_create(const ppvpn_pair_t *pair)
{
	private_ppvpn_bucket_t *this;

	INIT(this,
		.public = {
			.pair = *pair,
			.add = _add,
			.remove = _remove_,
			.get_ike_cfg = _get_ike_cfg,
			.destroy = _destroy,
		},
		.uses = array_create(0, 0),
	);
	return &this->public;
}
