/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * api_admin.c - routes of the admin API, and what all answers share
 *
 * Questions are api_admin_ask.c's, changes api_admin_change.c's and
 * api_admin_config.c's.
 */
#include "config.h"

#include <errno.h>

#include "json_out.h"
#include "log.h"
#include "server/api_admin_impl.h"
#include "server/conf_json.h"

#define BODY_MAX (64 * 1024)

/* ---- answers ---------------------------------------------------------------- */

enum http_verdict admin_fail(struct http_response *resp, int rc,
							 const struct err *e)
{
	unsigned status;

	switch (rc)
	{
		case -ENOENT:
			status = 404;
			break;
		case -EACCES:
			status = 403;
			break;
		case -EEXIST:
		case -EBUSY:
			status = 409;
			break;
		case -EINVAL:
		case -E2BIG:
		case -ERANGE:
			status = 400;
			break;
		case -ETIMEDOUT:
			status = 504;
			break;
		case -EIO:
		case -EBADMSG:
			status = 503;
			break;
		default:
			status = 500;
	}
	if (status >= 500 && status != 504)
	{
		log_err(LOG_LEVEL_ERROR, "admin", "request failed", e);
	}
	http_response_error(resp, status, e);
	return HTTP_DONE;
}

enum http_verdict admin_answer(struct http_response *resp, struct json_out *o)
{
	struct text text = jo_take(o);

	text_add(&text, "\n");
	resp->status = 200;
	resp->content_type = "application/json";
	resp->body_len = text.len;
	resp->body = text_take(&text);
	return HTTP_DONE;
}

/* ---- the table -------------------------------------------------------------------- */

#define VPN "/v1/vpns/{customer}/{vpn}"
#define PROFILE "/v1/profiles/{customer}/{vpn}/{profile}"
#define CE "/v1/ces/{customer}/{ce}"
#define SITE "/v1/sites/{customer}/{vpn}/{site}"
#define LINK "/v1/links/{customer}/{vpn}/{site}/{peer}"
#define OPERATOR "/v1/operators/{operator}"

/*
 * The last column: the least role, and for what. A row may let in by a lower
 * role than some of its changes need (PUT config, revert): what they change is
 * looked at by access_object().
 */
const struct http_route api_admin_routes[] = {
	{ "GET", "/v1/health", admin_health, 0, ACCESS(VIEWER, ASKER) },
	{ "GET", "/v1/whoami", admin_whoami, 0, ACCESS(VIEWER, ASKER) },
	{ "GET", "/v1/operators", admin_operators, 0, ACCESS(ADMIN, EVERYTHING) },
	{ "POST", "/v1/operators", admin_operator_add, BODY_MAX,
	  ACCESS(ADMIN, EVERYTHING) },
	{ "GET", OPERATOR, admin_operator, 0, ACCESS(ADMIN, EVERYTHING) },
	{ "PATCH", OPERATOR, admin_operator_set, BODY_MAX,
	  ACCESS(ADMIN, EVERYTHING) },
	{ "DELETE", OPERATOR, admin_operator_remove, 0, ACCESS(ADMIN, EVERYTHING) },
	{ "POST", OPERATOR "/certificate", admin_operator_certificate, BODY_MAX,
	  ACCESS(ADMIN, EVERYTHING) },
	{ "DELETE", OPERATOR "/certificate", admin_operator_revoke, 0,
	  ACCESS(ADMIN, EVERYTHING) },
	{ "GET", "/v1/customers", admin_customers, 0, ACCESS(VIEWER, QUERY) },
	{ "POST", "/v1/customers", admin_customer_add, BODY_MAX,
	  ACCESS(ADMIN, EVERYTHING) },
	{ "GET", "/v1/customers/{customer}", admin_customer, 0,
	  ACCESS(VIEWER, PATH) },
	{ "PATCH", "/v1/customers/{customer}", admin_customer_set, BODY_MAX,
	  ACCESS(ADMIN, PATH) },
	{ "DELETE", "/v1/customers/{customer}", admin_customer_remove, 0,
	  ACCESS(ADMIN, EVERYTHING) },
	{ "GET", "/v1/config/{customer}", admin_config_get, 0,
	  ACCESS(VIEWER, PATH) },
	{ "PUT", "/v1/config/{customer}", admin_config_put, CONF_JSON_BYTES,
	  ACCESS(OPERATOR, PATH) },
	{ "GET", "/v1/vpns", admin_vpns, 0, ACCESS(VIEWER, QUERY) },
	{ "POST", "/v1/vpns", admin_vpn_add, BODY_MAX, ACCESS(ADMIN, BODY) },
	{ "GET", VPN, admin_vpn, 0, ACCESS(VIEWER, PATH) },
	{ "PATCH", VPN, admin_vpn_set, BODY_MAX, ACCESS(ADMIN, PATH) },
	{ "POST", VPN "/rotate", admin_psk_rotate, 0, ACCESS(OPERATOR, PATH) },
	{ "GET", VPN "/authority", admin_authority, 0, ACCESS(VIEWER, PATH) },
	{ "POST", VPN "/authority/roll", admin_authority_roll, 0,
	  ACCESS(OPERATOR, PATH) },
	{ "DELETE", VPN, admin_vpn_remove, 0, ACCESS(ADMIN, PATH) },
	{ "GET", "/v1/profiles", admin_profiles, 0, ACCESS(VIEWER, QUERY) },
	{ "POST", "/v1/profiles", admin_profile_add, BODY_MAX, ACCESS(ADMIN, BODY) },
	{ "PATCH", PROFILE, admin_profile_set, BODY_MAX, ACCESS(ADMIN, PATH) },
	{ "DELETE", PROFILE, admin_profile_remove, 0, ACCESS(ADMIN, PATH) },
	{ "GET", "/v1/ces", admin_ces, 0, ACCESS(VIEWER, QUERY) },
	{ "POST", "/v1/ces", admin_ce_add, BODY_MAX, ACCESS(OPERATOR, BODY) },
	{ "GET", CE, admin_ce, 0, ACCESS(VIEWER, PATH) },
	{ "PATCH", CE, admin_ce_set, BODY_MAX, ACCESS(OPERATOR, PATH) },
	{ "DELETE", CE, admin_ce_remove, 0, ACCESS(OPERATOR, PATH) },
	{ "POST", CE "/bundle", admin_ce_bundle, 0, ACCESS(OPERATOR, PATH) },
	{ "POST", CE "/approve", admin_ce_approve, BODY_MAX,
	  ACCESS(OPERATOR, PATH) },
	{ "POST", CE "/replace", admin_ce_replace, 0, ACCESS(OPERATOR, PATH) },
	{ "POST", CE "/revoke", admin_ce_revoke, 0, ACCESS(OPERATOR, PATH) },
	{ "POST", CE "/allow-removal", admin_ce_allow_removal, 0,
	  ACCESS(OPERATOR, PATH) },
	{ "GET", CE "/diag", admin_ce_diag, 0, ACCESS(OPERATOR, PATH) },
	{ "POST", CE "/diag", admin_ce_diag_ask, 0, ACCESS(OPERATOR, PATH) },
	{ "GET", "/v1/sites", admin_sites, 0, ACCESS(VIEWER, QUERY) },
	{ "POST", "/v1/sites", admin_site_add, BODY_MAX, ACCESS(OPERATOR, BODY) },
	{ "GET", SITE, admin_site, 0, ACCESS(VIEWER, PATH) },
	{ "PATCH", SITE, admin_site_set, BODY_MAX, ACCESS(OPERATOR, PATH) },
	{ "DELETE", SITE, admin_site_remove, 0, ACCESS(OPERATOR, PATH) },
	{ "POST", SITE "/rotate", admin_psk_rotate, 0, ACCESS(OPERATOR, PATH) },
	{ "GET", "/v1/links", admin_links, 0, ACCESS(VIEWER, QUERY) },
	{ "PATCH", LINK, admin_link_set, BODY_MAX, ACCESS(OPERATOR, PATH) },
	{ "DELETE", LINK, admin_link_remove, 0, ACCESS(OPERATOR, PATH) },
	{ "POST", LINK "/rotate", admin_psk_rotate, 0, ACCESS(OPERATOR, PATH) },
	{ "GET", "/v1/rotations", admin_rotations, 0, ACCESS(VIEWER, QUERY) },
	{ "GET", "/v1/status", admin_status, 0, ACCESS(VIEWER, QUERY) },
	{ "GET", "/v1/alarms", admin_alarms, 0, ACCESS(VIEWER, QUERY) },
	{ "GET", "/v1/watch", admin_watch, 0, ACCESS(VIEWER, QUERY) },
	{ "GET", "/v1/tunnels", admin_tunnels, 0, ACCESS(VIEWER, QUERY) },
	{ "GET", "/v1/time-to-service", admin_time_to_service, 0,
	  ACCESS(VIEWER, QUERY) },
	{ "GET", "/v1/audit", admin_audit, 0, ACCESS(VIEWER, QUERY) },
	{ "GET", "/v1/revisions/{revision}", admin_revision, 0,
	  ACCESS(VIEWER, REVISION) },
	{ "POST", "/v1/revisions/{revision}/revert", admin_revert, 0,
	  ACCESS(OPERATOR, REVISION) },
	{ .method = NULL }
};
