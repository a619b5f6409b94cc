/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * api_admin_write.h - the admin API's JSON objects (doc/admin-api.md)
 *
 * Pure. Members that are not known are left out, not null.
 */
#ifndef PPVPN_SERVER_API_ADMIN_WRITE_H
#define PPVPN_SERVER_API_ADMIN_WRITE_H

#include "json_out.h"
#include "server/store.h"

void admin_write_customer(struct json_out *o, const struct store_customer *c);
void admin_write_vpn(struct json_out *o, const struct store_vpn *v);
void admin_write_ce(struct json_out *o, const struct store_ce *ce);
void admin_write_site(struct json_out *o, const struct store_site *site);
void admin_write_profile(struct json_out *o, const struct store_profile *p);
void admin_write_link(struct json_out *o, const struct store_link *link);
void admin_write_operator(struct json_out *o, const struct store_operator *op);
void admin_write_audit(struct json_out *o, const struct store_audit *audit);
void admin_write_audit_object(struct json_out *o,
							  const struct store_audit_object *object);

/* stale_ms: wall clock; what was reported before it counts as stale */
bool admin_end_is_up(const struct store_tunnel_end *end, int64_t stale_ms);
void admin_write_tunnel(struct json_out *o, const struct store_tunnel *t,
						int64_t stale_ms);
void admin_write_rotation(struct json_out *o, const struct store_rotation *r);
/** One CE's status; up and total: its ends of tunnels. */
void admin_write_status(struct json_out *o, const struct store_ce_status *st,
						size_t up, size_t total, int64_t stale_ms);
/** Both ends of one tunnel, as two elements. */
void admin_write_services(struct json_out *o, const struct store_tunnel *t);
void admin_write_summary(struct json_out *o, const char *key,
						 const struct store_tunnel *tunnels, size_t count);

#endif
