/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * conf_json.h - configuration as JSON: the customer's file, and single things
 *
 * Pure. One form for export and apply ("ppvpn-customer/1",
 * doc/customer-file.md) and for the audit's before and after. No secret is part
 * of configuration.
 */
#ifndef PPVPN_SERVER_CONF_JSON_H
#define PPVPN_SERVER_CONF_JSON_H

#include "json_in.h"
#include "json_out.h"
#include "server/conf_words.h"
#include "server/store.h"

#define CONF_JSON_SCHEMA "ppvpn-customer/1"
#define CONF_JSON_BYTES (8u * 1024 * 1024)
#define CONF_CES_MAX 20000
#define CONF_VPNS_MAX 1000
#define CONF_SITES_MAX 20000	/* of one VPN */
#define CONF_LINKS_MAX 100000	/* settings of one VPN */
#define CONF_PROFILES_MAX 64	/* of one VPN */
#define CONF_PREFIXES_MAX 64	/* of one site */
#define CONF_DYNAMIC_MAX 16		/* prefixes within which a CE's address may change */

extern const struct json_limits conf_json_limits;

struct conf_vpn
{
	struct store_vpn vpn;
	struct store_profile *profiles;
	size_t profile_count;
	struct store_site *sites;
	size_t site_count;
	struct store_link *links;
	size_t link_count;
};

/* All that is configured of one customer. Names of customer and VPN stand in
 * every thing, too. */
struct conf_customer
{
	struct store_customer customer;
	struct store_ce *ces;
	size_t ce_count;
	struct conf_vpn *vpns;
	size_t vpn_count;
};

/**
 * Read a customer's file. Absent members get their defaults; domain: of VPNs
 * that name none, or NULL for the built-in one. Each by itself: what the store
 * checks is not checked here.
 */
int conf_json_read(struct arena *a, const char *buf, size_t len,
				   const char *domain, struct conf_customer *out,
				   struct err *e);
/** The file: what is as by default is left out. */
void conf_json_write(struct json_out *o, const struct conf_customer *conf,
					 const char *domain);

/**
 * One thing (its struct store_…) with everything in it, but for the names of
 * its place and what is only read. In arena.
 */
char *conf_image(struct arena *a, enum conf_kind kind, const void *thing);
/**
 * And back, but for an operator; members that the image has not stay as they are
 * in out.
 */
int conf_image_read(struct arena *a, enum conf_kind kind, const char *image,
					void *out, struct err *e);

/** An element of a list of proposals, for the rows of others. */
int conf_read_proposal(struct json_in *in, struct json_object *value,
					   const struct json_path *path, void *out);
/** And a list of a site's prefixes. */
int conf_read_prefix(struct json_in *in, struct json_object *value,
					 const struct json_path *path, void *out);
/** And of those within which a CE's address may change. */
int conf_read_prefix4(struct json_in *in, struct json_object *value,
					  const struct json_path *path, void *out);

#endif
