/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * access.h - who may do what: the rules of the admin API
 *
 * Pure. Somebody has one role for all customers, and may have more for single
 * ones. A request is about one customer, about some, or about everything; its
 * row in the table of routes says which, and the least role for it (http_route's
 * access). What a change has changed is looked at once more, thing by thing,
 * before it is committed: access_object(). doc/admin-api.md has it as a table.
 */
#ifndef PPVPN_SERVER_ACCESS_H
#define PPVPN_SERVER_ACCESS_H

#include <stdbool.h>
#include <stddef.h>
#include "server/conf_words.h"

/* Each may do what those before it may. */
enum access_role
{
	ACCESS_NONE,
	ACCESS_VIEWER,			/* reads */
	ACCESS_OPERATOR,		/* changes routers, sites, tunnels */
	ACCESS_ADMIN			/* and VPNs, their grades and profiles */
};
#define ACCESS_ROLES 4
extern const char *const access_roles[];	/* by enum access_role, ended by NULL */

/* What a request is about. */
enum access_about
{
	ACCESS_EVERYTHING,		/* needs a role for all customers */
	ACCESS_PATH,			/* the customer that the path names */
	ACCESS_QUERY,			/* the customer of the query; else those one has */
	ACCESS_BODY,			/* the customer that the body names */
	ACCESS_REVISION,		/* the customer whose revision the path names */
	ACCESS_ASKER			/* who asks */
};

/* http_route.access; 0 lets nobody in. */
#define ACCESS(role, about) ((unsigned)(ACCESS_ ## role) | \
							 (unsigned)(ACCESS_ ## about) << 4)
#define ACCESS_ROLE_OF(access) ((enum access_role)((access) & 15))
#define ACCESS_ABOUT_OF(access) ((enum access_about)((access) >> 4))

struct access_grant
{
	const char *customer;
	enum access_role role;
};

/* Somebody. */
struct access
{
	enum access_role all;			/* for all customers */
	const struct access_grant *grants;
	size_t grant_count;
};

enum access_verdict
{
	ACCESS_OK,
	ACCESS_DENIED,		/* it is there and not for him: 403 */
	ACCESS_HIDDEN		/* for him it does not exist: 404 */
};

/** The role for a customer, whether there is one of that name or not. */
enum access_role access_role_for(const struct access *who,
								 const char *customer);
/** The highest role that he has for anything. */
enum access_role access_best(const struct access *who);

/**
 * May he?
 *
 * @param access	the route's
 * @param customer	that the request is about; NULL: it names none, which hides
 *					a revision, and lets a list be of those he has a role for
 */
enum access_verdict access_check(const struct access *who, unsigned access,
								 const char *customer);

/* What a change did to a thing. */
enum access_change
{
	ACCESS_MADE_OR_REMOVED,
	ACCESS_CHANGED
};
/**
 * May he change this thing? What is of no customer (operators), and customers as
 * such, are an admin's of all customers.
 *
 * @param place		of the thing: its customer up to the first '/'
 */
enum access_verdict access_object(const struct access *who,
								  enum conf_kind kind, const char *place,
								  enum access_change change);

#endif
