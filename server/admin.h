/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * admin.h - what the files of ppvpn-admin share
 *
 * A command is a request to the server (doc/admin-api.md), and its answer
 * printed: as it came with --json, else for people.
 */
#ifndef PPVPN_SERVER_ADMIN_H
#define PPVPN_SERVER_ADMIN_H

#include "cli.h"
#include "text.h"

#define ADMIN_SOCKET "/run/ppvpn-server/admin.sock"

struct arena;
struct json_out;
struct json_row;
struct store_site;

/* Where the server is, when no option says so. */
#define ADMIN_ENV_SERVER "PPVPN_ADMIN_SERVER"
#define ADMIN_ENV_CERT "PPVPN_ADMIN_CERT"
#define ADMIN_ENV_KEY "PPVPN_ADMIN_KEY"
#define ADMIN_ENV_CA "PPVPN_ADMIN_CA"

bool admin_json(const struct cli_args *args);

/**
 * One request to the server that the options name (--socket, --server); body
 * may be NULL.
 *
 * @param answer	filled with the body of a 200; the caller ends it
 * @return			0 or -errno with e: the server's own error, or what kept us
 *					from asking it
 */
int admin_request(const struct cli_args *args, const char *method, const char *path,
				  const char *body, struct text *answer, struct err *e);

/** GET path: with --json print the answer (*done true), else read it by rows. */
int admin_get(const struct cli_args *args, struct arena *a, const char *path,
			  const struct json_row *rows, void *out, bool *done,
			  struct err *e);
/** Read a 200's body by rows; texts live in the arena. */
int admin_read_answer(struct arena *a, const struct text *answer,
					  const struct json_row *rows, void *out, struct err *e);
/** POST or DELETE, then print "what" and the revision. */
int admin_change(const struct cli_args *args, const char *method,
				 const char *path, const char *body, const char *what,
				 struct err *e);

/**
 * A list of prefixes, a yes-or-no option as a member: when they are there, and
 * then *given is set.
 */
int admin_add_prefixes(struct json_out *o, const struct cli_args *args,
					   const char *option, const char *member, bool *given,
					   struct err *e);
int admin_add_flag(struct json_out *o, const struct cli_args *args,
				   const char *option, bool *given, struct err *e);
/** An option's number as the member of its name, when it is there. */
int admin_add_number(struct json_out *o, const struct cli_args *args,
					 const char *option, struct err *e);
/** "10.1.0.0/24,10.2.0.0/24", "-" for none; in arena. */
char *admin_prefixes_text(struct arena *a, const struct store_site *site);

/* A table for a terminal: cells in row order, "" empty. */
struct table
{
	struct arena *arena;
	unsigned columns;
	const char **cells;
	size_t count;
};
void table_init(struct table *t, struct arena *a, unsigned columns,
				const char *const *titles);
void table_add(struct table *t, const char *cell);
/**
 * Print with every column as wide as its widest cell. For a terminal (or where
 * COLUMNS is set) it is made to fit: the widest cells are cut, and end in "~".
 */
void table_print(const struct table *t);

/** Text in indented lines of a terminal; the first one has title in its margin. */
void admin_print_filled(const char *title, unsigned indent, const char *text);

/** "3 s", "5 min", "2 h", "9 d"; in arena. */
const char *admin_age(struct arena *a, uint64_t seconds);
/** "1.2 s", "340 ms"; "-" when not known (present false). */
const char *admin_ms(struct arena *a, bool present, uint64_t ms);

/**
 * Print what the answer to a change says (revision, dry-run, changed, counts,
 * and where they are there the lists ces, tunnels, objects), for people.
 *
 * @param what		what it is about, "acme"
 * @param changed	whether anything changed or would; may be NULL
 */
int admin_print_effects(const struct text *answer, const char *what,
						bool *changed, struct err *e);

/**
 * Send a change, or with --dry-run ask what it would do, and print its effects.
 */
int admin_change_shown(const struct cli_args *args, const char *method,
					   const char *path, const char *body, const char *what,
					   struct err *e);
/** "?customer=acme&vpn=corp&site=paris" of [CUSTOMER[/VPN[/SITE]]]. */
int admin_place_query(const char *place, struct arena *a, char **out,
					  struct err *e);
/** "2026-11-24T19:48:46Z"; in arena. */
const char *admin_wall_time(struct arena *a, int64_t ms);
struct admin_ledger;
/** "1 critical, 3 major" of those that are raised, or "none"; in arena. */
const char *admin_alarm_counts(struct arena *a, const struct admin_ledger *l);

/* Commands: admin_alarm.c, admin_apply.c, admin_config.c, admin_operator.c,
 * admin_authority.c, admin_psk.c, admin_set.c, admin_status.c */
#define ADMIN_COMMAND(name) \
	int name(const struct cli_args *args, void *user, struct err *e)
ADMIN_COMMAND(admin_customer_add);
ADMIN_COMMAND(admin_customer_list);
ADMIN_COMMAND(admin_customer_show);
ADMIN_COMMAND(admin_customer_remove);
ADMIN_COMMAND(admin_vpn_add);
ADMIN_COMMAND(admin_vpn_list);
ADMIN_COMMAND(admin_vpn_show);
ADMIN_COMMAND(admin_vpn_remove);
ADMIN_COMMAND(admin_ce_add);
ADMIN_COMMAND(admin_ce_list);
ADMIN_COMMAND(admin_ce_show);
ADMIN_COMMAND(admin_ce_remove);
ADMIN_COMMAND(admin_ce_bundle);
ADMIN_COMMAND(admin_site_add);
ADMIN_COMMAND(admin_site_list);
ADMIN_COMMAND(admin_site_show);
ADMIN_COMMAND(admin_site_remove);
ADMIN_COMMAND(admin_status_show);
ADMIN_COMMAND(admin_alarms_show);
ADMIN_COMMAND(admin_watch);
ADMIN_COMMAND(admin_ce_diag);
ADMIN_COMMAND(admin_tunnel_show);
ADMIN_COMMAND(admin_service_show);
ADMIN_COMMAND(admin_audit_show);
ADMIN_COMMAND(admin_operator_add);
ADMIN_COMMAND(admin_operator_list);
ADMIN_COMMAND(admin_operator_show);
ADMIN_COMMAND(admin_operator_set);
ADMIN_COMMAND(admin_operator_remove);
ADMIN_COMMAND(admin_operator_certificate);
ADMIN_COMMAND(admin_operator_revoke);
ADMIN_COMMAND(admin_whoami);
ADMIN_COMMAND(admin_apply);
ADMIN_COMMAND(admin_export);
ADMIN_COMMAND(admin_vpn_set);
ADMIN_COMMAND(admin_site_set);
ADMIN_COMMAND(admin_ce_set);
ADMIN_COMMAND(admin_ce_suspend);
ADMIN_COMMAND(admin_ce_allow_removal);
ADMIN_COMMAND(admin_ce_resume);
ADMIN_COMMAND(admin_ce_pending);
ADMIN_COMMAND(admin_ce_approve);
ADMIN_COMMAND(admin_ce_replace);
ADMIN_COMMAND(admin_ce_revoke);
ADMIN_COMMAND(admin_link_add);
ADMIN_COMMAND(admin_link_remove);
ADMIN_COMMAND(admin_revert);
ADMIN_COMMAND(admin_authority_roll);
ADMIN_COMMAND(admin_authority_show);
ADMIN_COMMAND(admin_psk_rotate);
ADMIN_COMMAND(admin_psk_status);
ADMIN_COMMAND(admin_rotation_status);

#endif
