/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * access.c - who may do what
 *
 * Pure.
 */
#include "config.h"

#include <string.h>

#include "name.h"
#include "server/access.h"

const char *const access_roles[] = {
	"none", "viewer", "operator", "admin", NULL
};

enum access_role access_role_for(const struct access *who,
								 const char *customer)
{
	enum access_role role = who->all;
	size_t i;

	for (i = 0; i < who->grant_count; i++)
	{
		if (who->grants[i].role > role &&
			strcmp(who->grants[i].customer, customer) == 0)
		{
			role = who->grants[i].role;
		}
	}
	return role;
}

enum access_role access_best(const struct access *who)
{
	enum access_role role = who->all;
	size_t i;

	for (i = 0; i < who->grant_count; i++)
	{
		if (who->grants[i].role > role)
		{
			role = who->grants[i].role;
		}
	}
	return role;
}

/* A role that is too low is told; who has none is not told what there is. */
static enum access_verdict check_customer(const struct access *who,
										  enum access_role least,
										  const char *customer)
{
	enum access_role role = access_role_for(who, customer);

	if (role >= least)
	{
		return ACCESS_OK;
	}
	return role == ACCESS_NONE ? ACCESS_HIDDEN : ACCESS_DENIED;
}

enum access_verdict access_check(const struct access *who, unsigned access,
								 const char *customer)
{
	const enum access_role least = ACCESS_ROLE_OF(access);

	if (least == ACCESS_NONE || access_best(who) == ACCESS_NONE)
	{
		return ACCESS_DENIED;
	}
	switch (ACCESS_ABOUT_OF(access))
	{
		case ACCESS_EVERYTHING:
			return who->all >= least ? ACCESS_OK : ACCESS_DENIED;
		case ACCESS_PATH:
		case ACCESS_BODY:
			return customer ? check_customer(who, least, customer)
							: ACCESS_HIDDEN;
		case ACCESS_REVISION:
			if (customer)
			{
				return check_customer(who, least, customer);
			}
			/* of several customers, of none, of one that is gone */
			if (who->all >= least)
			{
				return ACCESS_OK;
			}
			return who->all == ACCESS_NONE ? ACCESS_HIDDEN : ACCESS_DENIED;
		case ACCESS_QUERY:
			if (customer)
			{
				return check_customer(who, least, customer);
			}
			return access_best(who) >= least ? ACCESS_OK : ACCESS_DENIED;
		case ACCESS_ASKER:
			return access_best(who) >= least ? ACCESS_OK : ACCESS_DENIED;
	}
	return ACCESS_DENIED;
}

enum access_verdict access_object(const struct access *who,
								  enum conf_kind kind, const char *place,
								  enum access_change change)
{
	enum access_role least = ACCESS_ADMIN;
	char customer[NAME_SIZE];
	size_t len = strcspn(place, "/");

	if (kind == CONF_OPERATOR || len >= sizeof(customer) ||
		(kind == CONF_CUSTOMER && change == ACCESS_MADE_OR_REMOVED))
	{
		return who->all == ACCESS_ADMIN ? ACCESS_OK : ACCESS_DENIED;
	}
	if (kind == CONF_CE || kind == CONF_SITE || kind == CONF_LINK)
	{
		least = ACCESS_OPERATOR;
	}
	memcpy(customer, place, len);
	customer[len] = '\0';
	return check_customer(who, least, customer);
}
