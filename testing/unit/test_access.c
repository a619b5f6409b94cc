/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * test_access.c - who may do what: every route, by every role, of one's own
 * customer's, another's, and of none; and every kind of thing
 *
 * What is expected is written out here, not computed as access.c does.
 */
#include "config.h"

#include <check.h>
#include <stdio.h>
#include <string.h>

#include "run.h"
#include "server/access.h"
#include "server/api_admin.h"

/* ---- askers --------------------------------------------------------------------- */

static const struct access_grant viewer[] = { { "acme", ACCESS_VIEWER } };
static const struct access_grant operator[] = { { "acme", ACCESS_OPERATOR } };
static const struct access_grant admin[] = { { "acme", ACCESS_ADMIN } };
static const struct access_grant two[] = {
	{ "acme", ACCESS_VIEWER }, { "globex", ACCESS_ADMIN }
};

/* in the order of the letters below */
static const struct access askers[] = {
	{ ACCESS_NONE, NULL, 0 },
	{ ACCESS_VIEWER, NULL, 0 },
	{ ACCESS_OPERATOR, NULL, 0 },
	{ ACCESS_ADMIN, NULL, 0 },
	{ ACCESS_NONE, viewer, 1 },
	{ ACCESS_NONE, operator, 1 },
	{ ACCESS_NONE, admin, 1 },
	{ ACCESS_VIEWER, admin, 1 },
	{ ACCESS_NONE, two, 2 },
};
#define ASKERS (sizeof(askers) / sizeof(*askers))

/*
 * For each asker: y he may; n it is there and not for him (403); h for him it
 * does not exist (404). Askers: nobody; viewer, operator, admin of all; viewer,
 * operator, admin of acme; viewer of all and admin of acme; viewer of acme and
 * admin of globex. Where the request is about acme, about hooli (which is there
 * or not), and where it names no customer.
 */
struct rule
{
	const char *acme, *hooli, *none;
};

static const struct rule anyone =    { "nyyyyyyyy", "nyyyyyyyy", "nyyyyyyyy" };
static const struct rule all_admin = { "nnnynnnnn", "nnnynnnnn", "nnnynnnnn" };
static const struct rule list =      { "nyyyyyyyy", "nyyyhhhyh", "nyyyyyyyy" };
static const struct rule read =      { "nyyyyyyyy", "nyyyhhhyh", "nhhhhhhhh" };
static const struct rule operate =   { "nnyynyyyn", "nnyyhhhnh", "nhhhhhhhh" };
static const struct rule administer = {
	"nnnynnyyn", "nnnyhhhnh", "nhhhhhhhh"
};
/* revisions: of no single customer are those who see all */
static const struct rule look_back = { "nyyyyyyyy", "nyyyhhhyh", "nyyyhhhyh" };
static const struct rule take_back = { "nnyynyyyn", "nnyyhhhnh", "nnyyhhhnh" };

static const struct
{
	const char *method, *path;
	const struct rule *rule;
} routes[] = {
	{ "GET", "/v1/health", &anyone },
	{ "GET", "/v1/whoami", &anyone },
	{ "GET", "/v1/operators", &all_admin },
	{ "POST", "/v1/operators", &all_admin },
	{ "GET", "/v1/operators/{operator}", &all_admin },
	{ "PATCH", "/v1/operators/{operator}", &all_admin },
	{ "DELETE", "/v1/operators/{operator}", &all_admin },
	{ "POST", "/v1/operators/{operator}/certificate", &all_admin },
	{ "DELETE", "/v1/operators/{operator}/certificate", &all_admin },
	{ "GET", "/v1/customers", &list },
	{ "POST", "/v1/customers", &all_admin },
	{ "GET", "/v1/customers/{customer}", &read },
	{ "PATCH", "/v1/customers/{customer}", &administer },
	{ "DELETE", "/v1/customers/{customer}", &all_admin },
	{ "GET", "/v1/config/{customer}", &read },
	{ "PUT", "/v1/config/{customer}", &operate },
	{ "GET", "/v1/vpns", &list },
	{ "POST", "/v1/vpns", &administer },
	{ "GET", "/v1/vpns/{customer}/{vpn}", &read },
	{ "PATCH", "/v1/vpns/{customer}/{vpn}", &administer },
	{ "DELETE", "/v1/vpns/{customer}/{vpn}", &administer },
	{ "POST", "/v1/vpns/{customer}/{vpn}/rotate", &operate },
	{ "GET", "/v1/vpns/{customer}/{vpn}/authority", &read },
	{ "POST", "/v1/vpns/{customer}/{vpn}/authority/roll", &operate },
	{ "GET", "/v1/profiles", &list },
	{ "POST", "/v1/profiles", &administer },
	{ "PATCH", "/v1/profiles/{customer}/{vpn}/{profile}", &administer },
	{ "DELETE", "/v1/profiles/{customer}/{vpn}/{profile}", &administer },
	{ "GET", "/v1/ces", &list },
	{ "POST", "/v1/ces", &operate },
	{ "GET", "/v1/ces/{customer}/{ce}", &read },
	{ "PATCH", "/v1/ces/{customer}/{ce}", &operate },
	{ "DELETE", "/v1/ces/{customer}/{ce}", &operate },
	{ "POST", "/v1/ces/{customer}/{ce}/bundle", &operate },
	{ "POST", "/v1/ces/{customer}/{ce}/approve", &operate },
	{ "POST", "/v1/ces/{customer}/{ce}/replace", &operate },
	{ "POST", "/v1/ces/{customer}/{ce}/revoke", &operate },
	{ "POST", "/v1/ces/{customer}/{ce}/allow-removal", &operate },
	{ "GET", "/v1/ces/{customer}/{ce}/diag", &operate },
	{ "POST", "/v1/ces/{customer}/{ce}/diag", &operate },
	{ "GET", "/v1/sites", &list },
	{ "POST", "/v1/sites", &operate },
	{ "GET", "/v1/sites/{customer}/{vpn}/{site}", &read },
	{ "PATCH", "/v1/sites/{customer}/{vpn}/{site}", &operate },
	{ "DELETE", "/v1/sites/{customer}/{vpn}/{site}", &operate },
	{ "POST", "/v1/sites/{customer}/{vpn}/{site}/rotate", &operate },
	{ "GET", "/v1/links", &list },
	{ "PATCH", "/v1/links/{customer}/{vpn}/{site}/{peer}", &operate },
	{ "DELETE", "/v1/links/{customer}/{vpn}/{site}/{peer}", &operate },
	{ "POST", "/v1/links/{customer}/{vpn}/{site}/{peer}/rotate", &operate },
	{ "GET", "/v1/rotations", &list },
	{ "GET", "/v1/status", &list },
	{ "GET", "/v1/alarms", &list },
	{ "GET", "/v1/watch", &list },
	{ "GET", "/v1/tunnels", &list },
	{ "GET", "/v1/time-to-service", &list },
	{ "GET", "/v1/audit", &list },
	{ "GET", "/v1/revisions/{revision}", &look_back },
	{ "POST", "/v1/revisions/{revision}/revert", &take_back },
};
#define ROUTES (sizeof(routes) / sizeof(*routes))

static char letter(enum access_verdict verdict)
{
	return verdict == ACCESS_OK ? 'y' : verdict == ACCESS_DENIED ? 'n' : 'h';
}

static void check_rule(const struct http_route *route, const char *customer,
					   const char *expected)
{
	char got[ASKERS + 1] = "";
	size_t i;

	for (i = 0; i < ASKERS; i++)
	{
		got[i] = letter(access_check(&askers[i], route->access, customer));
	}
	ck_assert_msg(strcmp(got, expected) == 0, "%s %s of %s: %s, not %s",
				  route->method, route->path, customer ? customer : "none",
				  got, expected);
}

START_TEST(every_route)
{
	const struct http_route *route;
	size_t i, count = 0;

	for (route = api_admin_routes; route->method; route++, count++)
	{
		for (i = 0; i < ROUTES && (strcmp(routes[i].method, route->method) ||
								   strcmp(routes[i].path, route->path)); i++)
		{
		}
		ck_assert_msg(i < ROUTES, "%s %s: nothing is said of who may",
					  route->method, route->path);
		check_rule(route, "acme", routes[i].rule->acme);
		check_rule(route, "hooli", routes[i].rule->hooli);
		check_rule(route, NULL, routes[i].rule->none);
	}
	ck_assert_uint_eq(count, ROUTES);
}
END_TEST

/* A row that says nothing lets nobody in; what a row is about, its path has. */
START_TEST(rows_are_whole)
{
	const struct http_route *route;
	size_t i;

	for (i = 0; i < ASKERS; i++)
	{
		ck_assert_int_eq(access_check(&askers[i], 0, "acme"), ACCESS_DENIED);
	}
	for (route = api_admin_routes; route->method; route++)
	{
		enum access_about about = ACCESS_ABOUT_OF(route->access);
		const bool named = strstr(route->path, "{customer}") != NULL;

		ck_assert_int_ne(ACCESS_ROLE_OF(route->access), ACCESS_NONE);
		ck_assert_msg(about != ACCESS_PATH || named, "%s", route->path);
		ck_assert_msg(about == ACCESS_PATH || about == ACCESS_EVERYTHING ||
					  !named, "%s", route->path);
		ck_assert_msg((about == ACCESS_REVISION) ==
					  (strstr(route->path, "{revision}") != NULL), "%s",
					  route->path);
		ck_assert_msg((about == ACCESS_BODY) <= (route->max_body > 0), "%s",
					  route->path);
		/* what changes anything is no viewer's */
		ck_assert_msg(strcmp(route->method, "GET") == 0 ||
					  ACCESS_ROLE_OF(route->access) >= ACCESS_OPERATOR, "%s",
					  route->path);
	}
}
END_TEST

static const struct
{
	enum conf_kind kind;
	const char *place;
	enum access_change change;
	const char *expected;
} objects[] = {
	{ CONF_CUSTOMER, "acme", ACCESS_MADE_OR_REMOVED, "nnnynnnnn" },
	{ CONF_CUSTOMER, "acme", ACCESS_CHANGED, "hnnynnyyn" },
	{ CONF_CUSTOMER, "hooli", ACCESS_CHANGED, "hnnyhhhnh" },
	{ CONF_VPN, "acme/corp", ACCESS_MADE_OR_REMOVED, "hnnynnyyn" },
	{ CONF_VPN, "acme/corp", ACCESS_CHANGED, "hnnynnyyn" },
	{ CONF_VPN, "hooli/corp", ACCESS_CHANGED, "hnnyhhhnh" },
	{ CONF_VPN, "globex/corp", ACCESS_CHANGED, "hnnyhhhny" },
	{ CONF_PROFILE, "acme/corp/fast", ACCESS_CHANGED, "hnnynnyyn" },
	{ CONF_CE, "acme/paris-r1", ACCESS_MADE_OR_REMOVED, "hnyynyyyn" },
	{ CONF_CE, "acme2/paris-r1", ACCESS_MADE_OR_REMOVED, "hnyyhhhnh" },
	{ CONF_CE, "acm/paris-r1", ACCESS_CHANGED, "hnyyhhhnh" },
	{ CONF_SITE, "acme/corp/paris", ACCESS_CHANGED, "hnyynyyyn" },
	{ CONF_SITE, "hooli/corp/acme", ACCESS_CHANGED, "hnyyhhhnh" },
	{ CONF_LINK, "acme/corp/paris/lyon", ACCESS_CHANGED, "hnyynyyyn" },
	{ CONF_OPERATOR, "acme", ACCESS_CHANGED, "nnnynnnnn" },
	{ CONF_OPERATOR, "alice", ACCESS_MADE_OR_REMOVED, "nnnynnnnn" },
	{ CONF_SITE, "", ACCESS_CHANGED, "hnyyhhhnh" },
	{ CONF_CE, "a-name-longer-than-any-name-can-be-a-name-longer-than-any-"
	  "name-can-be/x", ACCESS_CHANGED, "nnnynnnnn" },
};

START_TEST(every_kind_of_thing)
{
	char got[ASKERS + 1];
	bool seen[CONF_KIND_COUNT] = { false };
	size_t i, n;

	for (i = 0; i < sizeof(objects) / sizeof(*objects); i++)
	{
		memset(got, 0, sizeof(got));
		for (n = 0; n < ASKERS; n++)
		{
			got[n] = letter(access_object(&askers[n], objects[i].kind,
										  objects[i].place,
										  objects[i].change));
		}
		ck_assert_msg(strcmp(got, objects[i].expected) == 0,
					  "%s %s %d: %s, not %s", conf_kinds[objects[i].kind],
					  objects[i].place, objects[i].change, got,
					  objects[i].expected);
		seen[objects[i].kind] = true;
	}
	for (i = 0; i < CONF_KIND_COUNT; i++)
	{
		ck_assert_msg(seen[i], "%s", conf_kinds[i]);
	}
}
END_TEST

START_TEST(the_higher_role_counts)
{
	ck_assert_int_eq(access_role_for(&askers[7], "acme"), ACCESS_ADMIN);
	ck_assert_int_eq(access_role_for(&askers[7], "hooli"), ACCESS_VIEWER);
	ck_assert_int_eq(access_role_for(&askers[8], "acme"), ACCESS_VIEWER);
	ck_assert_int_eq(access_role_for(&askers[8], "hooli"), ACCESS_NONE);
	ck_assert_int_eq(access_role_for(&askers[8], ""), ACCESS_NONE);
	ck_assert_int_eq(access_role_for(&askers[8], "acme "), ACCESS_NONE);
	ck_assert_int_eq(access_best(&askers[8]), ACCESS_ADMIN);
	ck_assert_int_eq(access_best(&askers[0]), ACCESS_NONE);
}
END_TEST

int main(void)
{
	TCase *tc = tcase_create("access");

	tcase_add_test(tc, every_route);
	tcase_add_test(tc, rows_are_whole);
	tcase_add_test(tc, every_kind_of_thing);
	tcase_add_test(tc, the_higher_role_counts);
	return run_case(tc, "access");
}
