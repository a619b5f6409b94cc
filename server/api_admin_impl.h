/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * api_admin_impl.h - what the files of the admin API share; nobody else
 * includes it
 */
#ifndef PPVPN_SERVER_API_ADMIN_IMPL_H
#define PPVPN_SERVER_API_ADMIN_IMPL_H

#include "json_out.h"
#include "server/api_admin.h"
#include "server/store.h"

#define ADMIN_ACTOR_SIZE 129

/* Who asks (api_admin_access.c); kept with the request. */
struct admin_who {
	struct arena *arena;
	char actor[ADMIN_ACTOR_SIZE];	/* for the audit: "alice (unix:alice)" */
	const char *operator;			/* NULL: none of the database */
	struct access access;
};
const struct admin_who *admin_who(struct http_request *req);
/** For the audit: "unix:root", "alice (unix:alice)", "alice (tls:192.0.2.7)". */
void admin_actor(struct http_request *req, char out[ADMIN_ACTOR_SIZE]);
/** After settle: may who asks change all that the change in course changed? */
int admin_check_change(struct http_request *req, struct store *store,
					   struct err *e);

int64_t admin_now_ms(void);
/** Fill resp from a negative errno and e; logs what is the server's fault. */
enum http_verdict admin_fail(struct http_response *resp, int rc,
							 const struct err *e);
/** Fill resp with 200 and the text of o. */
enum http_verdict admin_answer(struct http_response *resp, struct json_out *o);

/* The questions: api_admin_ask.c */
#define ADMIN_HANDLER(name) \
	enum http_verdict name(struct http_request *req, \
						   struct http_response *resp, struct store *store, \
						   void *user)
ADMIN_HANDLER(admin_health);
ADMIN_HANDLER(admin_customers);
ADMIN_HANDLER(admin_customer);
ADMIN_HANDLER(admin_vpns);
ADMIN_HANDLER(admin_vpn);
ADMIN_HANDLER(admin_ces);
ADMIN_HANDLER(admin_ce);
ADMIN_HANDLER(admin_sites);
ADMIN_HANDLER(admin_site);
ADMIN_HANDLER(admin_status);
ADMIN_HANDLER(admin_tunnels);
ADMIN_HANDLER(admin_time_to_service);
ADMIN_HANDLER(admin_audit);
ADMIN_HANDLER(admin_profiles);
ADMIN_HANDLER(admin_links);
ADMIN_HANDLER(admin_revision);
ADMIN_HANDLER(admin_config_get);

/* Alarms, events, diagnostic bundles: api_admin_alarm.c */
ADMIN_HANDLER(admin_alarms);
ADMIN_HANDLER(admin_watch);
ADMIN_HANDLER(admin_ce_diag);
ADMIN_HANDLER(admin_ce_diag_ask);
/* Operators: api_admin_operator.c */
ADMIN_HANDLER(admin_whoami);
ADMIN_HANDLER(admin_operators);
ADMIN_HANDLER(admin_operator);
ADMIN_HANDLER(admin_operator_add);
ADMIN_HANDLER(admin_operator_set);
ADMIN_HANDLER(admin_operator_remove);
ADMIN_HANDLER(admin_operator_certificate);
ADMIN_HANDLER(admin_operator_revoke);

/* Keys that are being changed: api_admin_rotation.c */
ADMIN_HANDLER(admin_psk_rotate);
ADMIN_HANDLER(admin_rotations);

/* Authorities of VPNs: api_admin_authority.c */
ADMIN_HANDLER(admin_authority);
ADMIN_HANDLER(admin_authority_roll);

/* Bundles: api_admin_bundle.c */
ADMIN_HANDLER(admin_ce_bundle);

/* Changes: api_admin_config.c */
ADMIN_HANDLER(admin_customer_add);
ADMIN_HANDLER(admin_customer_set);
ADMIN_HANDLER(admin_customer_remove);
ADMIN_HANDLER(admin_vpn_add);
ADMIN_HANDLER(admin_vpn_set);
ADMIN_HANDLER(admin_vpn_remove);
ADMIN_HANDLER(admin_profile_add);
ADMIN_HANDLER(admin_profile_set);
ADMIN_HANDLER(admin_profile_remove);
ADMIN_HANDLER(admin_ce_add);
ADMIN_HANDLER(admin_ce_set);
ADMIN_HANDLER(admin_ce_remove);
ADMIN_HANDLER(admin_ce_approve);
ADMIN_HANDLER(admin_ce_replace);
ADMIN_HANDLER(admin_ce_revoke);
ADMIN_HANDLER(admin_ce_allow_removal);
ADMIN_HANDLER(admin_site_add);
ADMIN_HANDLER(admin_site_set);
ADMIN_HANDLER(admin_site_remove);
ADMIN_HANDLER(admin_link_set);
ADMIN_HANDLER(admin_link_remove);
ADMIN_HANDLER(admin_config_put);
ADMIN_HANDLER(admin_revert);

#endif
