/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * ppvpn_apply.c - a change of a set that is done, or undone
 *
 * Owns the order: credentials come before the connections that name them, and
 * go after those; and that what was done is undone backwards, so that a set
 * which was within its limits is within them at each step.  Takes no lock and
 * releases nothing that was in the set.
 */

#include "ppvpn_apply.h"

/**
 * Described in header.
 */
bool ppvpn_apply_check(ppvpn_set_t *set, ppvpn_change_t *change,
					   ppvpn_update_part_t *part, u_int *index)
{
	ppvpn_cred_index_t *creds = set->get_creds(set);
	char *name;

	*part = PPVPN_UPDATE_REMOVE;
	for (*index = 0; array_get(change->remove, *index, &name); (*index)++)
	{
		if (!set->get_by_name(set, name))
		{
			return FALSE;
		}
	}
	*part = PPVPN_UPDATE_REMOVE_CREDS;
	for (*index = 0; array_get(change->remove_creds, *index, &name);
		 (*index)++)
	{
		if (!creds->get(creds, name))
		{
			return FALSE;
		}
	}
	return TRUE;
}

/**
 * Take connections that are to be removed or replaced out of the set, collect
 * them in old; collect what is to be added in new, NULL for what stays
 */
static void take_out(ppvpn_set_t *set, ppvpn_change_t *change, array_t *old,
					 array_t *new, ppvpn_counts_t *counts)
{
	ppvpn_conn_t *conn, *current;
	char *name;
	int i;

	for (i = 0; array_get(change->remove, i, &name); i++)
	{
		array_insert(old, ARRAY_TAIL, set->remove(set, name));
		counts->removed++;
	}
	for (i = 0; array_get(change->upsert, i, &conn); i++)
	{
		current = set->get_by_name(set, conn->name);
		if (current && streq(current->tag, conn->tag))
		{
			counts->unchanged++;
			array_insert(new, ARRAY_TAIL, NULL);
			continue;
		}
		if (current)
		{
			counts->changed++;
			array_insert(old, ARRAY_TAIL, set->remove(set, conn->name));
		}
		else
		{
			counts->added++;
		}
		array_insert(new, ARRAY_TAIL, conn);
	}
}

/**
 * Put the set back as it was before take_out() and put_in()
 *
 * @param count		how many of new were added
 */
static void put_back(ppvpn_set_t *set, array_t *old, array_t *new, int count)
{
	ppvpn_conn_t *conn;
	int i;

	while (count--)
	{
		array_get(new, count, &conn);
		if (conn)
		{
			conn = set->remove(set, conn->name);
			conn->destroy(conn);
		}
	}
	for (i = 0; array_get(old, i, &conn); i++)
	{
		set->add(set, conn);
	}
}

/**
 * Add connections; on a clash put the set back as it was
 */
static ppvpn_clash_t put_in(ppvpn_set_t *set, array_t *old, array_t *new,
							u_int *index)
{
	ppvpn_clash_t clash;
	ppvpn_conn_t *conn;

	for (*index = 0; array_get(new, *index, &conn); (*index)++)
	{
		clash = conn ? set->add(set, conn) : PPVPN_NO_CLASH;
		if (clash != PPVPN_NO_CLASH)
		{
			put_back(set, old, new, *index);
			return clash;
		}
	}
	return PPVPN_NO_CLASH;
}

/**
 * Put credentials back as they were
 *
 * @param replaced	what the first of upsert_creds replaced, NULL where there
 *					was nothing
 */
static void put_creds_back(ppvpn_set_t *set, ppvpn_change_t *change,
						   array_t *replaced)
{
	ppvpn_cred_index_t *creds = set->get_creds(set);
	ppvpn_cred_t *cred, *old, *new;
	int i;

	for (i = array_count(replaced) - 1; i >= 0; i--)
	{
		array_get(replaced, i, &old);
		array_get(change->upsert_creds, i, &cred);
		if (old)
		{
			creds->put(creds, old, &new);
		}
		else
		{
			new = creds->remove(creds, cred->name);
		}
		new->destroy(new);
	}
}

/**
 * Add or replace credentials; if there are too many put them back as they
 * were.  Equal ones stay, and count as replaced by themselves.
 */
static ppvpn_clash_t put_creds(ppvpn_set_t *set, ppvpn_change_t *change,
							   array_t *replaced, ppvpn_counts_t *counts,
							   u_int *index)
{
	ppvpn_cred_index_t *creds = set->get_creds(set);
	ppvpn_cred_t *cred, *old;
	ppvpn_slot_t *slot;

	for (*index = 0; array_get(change->upsert_creds, *index, &cred);
		 (*index)++)
	{
		slot = creds->get(creds, cred->name);
		if (slot && streq(slot->cred->tag, cred->tag))
		{
			old = slot->cred->get_ref(slot->cred);
		}
		else if (creds->put(creds, cred, &old))
		{
			counts->credentials += old ? 1 : 0;
		}
		else
		{
			put_creds_back(set, change, replaced);
			return PPVPN_CLASH_CREDENTIALS_FULL;
		}
		array_insert(replaced, ARRAY_TAIL, old);
	}
	return PPVPN_NO_CLASH;
}

/**
 * Does no connection name credentials that are to be removed?
 */
static ppvpn_clash_t check_unused(ppvpn_set_t *set, ppvpn_change_t *change,
								  u_int *index)
{
	ppvpn_cred_index_t *creds = set->get_creds(set);
	char *name;

	for (*index = 0; array_get(change->remove_creds, *index, &name);
		 (*index)++)
	{
		if (creds->get(creds, name)->uses)
		{
			return PPVPN_CLASH_IN_USE;
		}
	}
	return PPVPN_NO_CLASH;
}

/**
 * Change the connections, then there must be none that names credentials that
 * are to be removed
 */
static ppvpn_clash_t change_conns(ppvpn_set_t *set, ppvpn_change_t *change,
								  array_t *old, ppvpn_counts_t *counts,
								  ppvpn_update_part_t *part, u_int *index)
{
	ppvpn_clash_t clash;
	array_t *new;

	new = array_create(0, 0);
	take_out(set, change, old, new, counts);
	*part = PPVPN_UPDATE_UPSERT;
	clash = put_in(set, old, new, index);
	if (clash == PPVPN_NO_CLASH)
	{
		*part = PPVPN_UPDATE_REMOVE_CREDS;
		clash = check_unused(set, change, index);
		if (clash != PPVPN_NO_CLASH)
		{
			put_back(set, old, new, array_count(new));
		}
	}
	array_destroy(new);
	return clash;
}

/**
 * Described in header.
 */
ppvpn_clash_t ppvpn_apply(ppvpn_set_t *set, ppvpn_change_t *change,
						  ppvpn_removed_t *removed, ppvpn_counts_t *counts,
						  ppvpn_update_part_t *part, u_int *index)
{
	ppvpn_cred_index_t *creds = set->get_creds(set);
	ppvpn_clash_t clash;
	char *name;
	int i;

	removed->conns = array_create(0, 0);
	removed->creds = array_create(0, 0);
	*part = PPVPN_UPDATE_UPSERT_CREDS;
	clash = put_creds(set, change, removed->creds, counts, index);
	if (clash != PPVPN_NO_CLASH)
	{
		return clash;
	}
	clash = change_conns(set, change, removed->conns, counts, part, index);
	if (clash != PPVPN_NO_CLASH)
	{
		put_creds_back(set, change, removed->creds);
		return clash;
	}
	for (i = 0; array_get(change->remove_creds, i, &name); i++)
	{
		array_insert(removed->creds, ARRAY_TAIL, creds->remove(creds, name));
		counts->credentials++;
	}
	return PPVPN_NO_CLASH;
}

/**
 * Described in header.
 */
void ppvpn_removed_destroy(ppvpn_removed_t *removed)
{
	ppvpn_cred_t *cred;

	array_destroy_offset(removed->conns, offsetof(ppvpn_conn_t, destroy));
	while (array_remove(removed->creds, ARRAY_TAIL, &cred))
	{
		DESTROY_IF(cred);
	}
	array_destroy(removed->creds);
}
