/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * admin.c - ppvpn-admin: the table of its commands
 */
#include "config.h"

#include "server/admin.h"

static const struct cli_option common[] = {
	{ "--json", NULL, "print the server's answer as JSON" },
	{ "--socket", "PATH", "the server's socket (" ADMIN_SOCKET ")" },
	{ "--server", "URL", "instead, a server elsewhere: https://HOST:PORT" },
	{ "--cert", "FILE", "with --server: your certificate" },
	{ "--key", "FILE", "with --server: the certificate's key" },
	{ "--ca", "FILE", "with --server: the certificate of the server's CA" },
	{ .name = NULL }
};

static const struct cli_option customer_add[] = {
	{ "--description", "TEXT", "free text, at most 255 characters" },
	{ .name = NULL }
};

static const struct cli_option vpn_add[] = {
	{ "--topology", "TYPE", "any-to-any (the default), hub-spoke, "
	  "hub-spoke-disjoint or custom" },
	{ "--grade", "GRADE", "no tunnel is weaker: basic, standard (the default) "
	  "or high" },
	{ "--internet-access", "yes|no", "no two sites' prefixes overlap (no)" },
	{ "--psk-rotation-days", "N", "each tunnel's key is changed so often (0: "
	  "by command only)" },
	{ "--authentication", "KIND", "of tunnels: pre-shared (the default) or "
	  "certificate" },
	{ "--revocation", "HOW", "a missing revocation list: strict (refuse; the "
	  "default) or relaxed" },
	{ "--router-ids", "PREFIX", "pool of router ids (10.255.0.0/16)" },
	{ "--mtu", "BYTES", "of the tunnel links (1400)" },
	{ "--hello-interval", "SECONDS", "of OSPF through the tunnels (10)" },
	{ "--dead-interval", "SECONDS", "of OSPF through the tunnels (40)" },
	{ "--cost", "COST", "of every tunnel in OSPF (10)" },
	{ "--area", "AREA", "OSPF area, a dotted quad (0.0.0.0)" },
	{ "--domain", "DOMAIN", "of the sites' IKE identities (as server.conf "
	  "says)" },
	{ "--description", "TEXT", "free text, at most 255 characters" },
	{ .name = NULL }
};

static const struct cli_option vpn_set[] = {
	{ "--topology", "TYPE", "any-to-any, hub-spoke, hub-spoke-disjoint or "
	  "custom" },
	{ "--hub", "SITE[,SITE]", "these sites get the role of a hub" },
	{ "--grade", "GRADE", "no tunnel is weaker: basic, standard or high" },
	{ "--internet-access", "yes|no", "no two sites' prefixes overlap" },
	{ "--psk-rotation-days", "N", "each tunnel's key is changed so often; 0: "
	  "by command only" },
	{ "--authentication", "KIND", "of tunnels: pre-shared or certificate; "
	  "they move one by one" },
	{ "--revocation", "HOW", "a missing revocation list: strict (refuse) or "
	  "relaxed" },
	{ "--description", "TEXT", "free text, at most 255 characters" },
	{ "--external-id", "TEXT", "your own number of it, at most 63 "
	  "characters" },
	{ "--dry-run", NULL, "only show what would change" },
	{ .name = NULL }
};

static const struct cli_option site_set[] = {
	{ "--role", "ROLE", "hub-role or spoke-role in VPNs with hubs" },
	{ "--ce-address", "ADDRESS", "another address of the router, for this "
	  "site" },
	{ "--router-id", "ADDRESS", "of this site in the VPN" },
	{ "--prefix", "PREFIX[,PREFIX]", "all that its hosts have; none: none" },
	{ "--description", "TEXT", "free text, at most 255 characters" },
	{ "--external-id", "TEXT", "your own number of it, at most 63 "
	  "characters" },
	{ "--dry-run", NULL, "only show what would change" },
	{ .name = NULL }
};

static const struct cli_option dry_run[] = {
	{ "--dry-run", NULL, "only show what would change" },
	{ .name = NULL }
};

#define CE_POLICY \
	{ "--dynamic", "PREFIX[,PREFIX]", "its address may change by itself " \
	  "within these; none: it is static" }, \
	{ "--behind-nat", "yes|no", "the address is that of a NAT in front of " \
	  "it" }, \
	{ "--description", "TEXT", "free text, at most 255 characters" }

static const struct cli_option ce_add[] = {
	{ "--address", "ADDRESS", "the router's address at the provider; needed" },
	CE_POLICY,
	{ .name = NULL }
};

static const struct cli_option ce_set[] = {
	{ "--address", "ADDRESS", "another address; its sites there follow" },
	CE_POLICY,
	{ "--external-id", "TEXT", "your own number of it, at most 63 "
	  "characters" },
	{ "--dry-run", NULL, "only show what would change" },
	{ .name = NULL }
};

static const struct cli_option site_add[] = {
	{ "--ce", "CE", "the router of the site; needed" },
	{ "--role", "ROLE", "hub-role or spoke-role (the default) in VPNs with "
	  "hubs" },
	{ "--router-id", "ADDRESS", "instead of the next one of the VPN's pool" },
	{ "--ce-address", "ADDRESS", "another address of the router, for this "
	  "site" },
	{ "--prefix", "PREFIX[,PREFIX]", "that its hosts have" },
	{ .name = NULL }
};

static const struct cli_option operator_options[] = {
	{ "--unix-user", "USER", "who this is on the server's machine" },
	{ "--role", "ROLE", "for all customers: viewer, operator, admin or none "
	  "(the default)" },
	{ "--customer", "CUSTOMER=ROLE[,...]", "for single customers, all that "
	  "there are" },
	{ "--description", "TEXT", "free text, at most 255 characters" },
	{ .name = NULL }
};

static const struct cli_option operator_certificate[] = {
	{ "--csr", "FILE", "the certificate request, PEM; needed" },
	{ .name = NULL }
};

static const struct cli_option audit[] = {
	{ "--limit", "N", "the newest N records (100)" },
	{ .name = NULL }
};

static const struct cli_option alarms[] = {
	{ "--all", NULL, "those too that were cleared within the last week" },
	{ .name = NULL }
};

static const struct cli_option watch[] = {
	{ "--after", "ID", "what happened after this event first" },
	{ "--count", "N", "end after so many events" },
	{ .name = NULL }
};

static const struct cli_option diag[] = {
	{ "--seconds", "N", "that the router has to send it (60)" },
	{ .name = NULL }
};

static const struct cli_option service[] = {
	{ "--by", "change|ce", "p50, p95 and worst of each change, of each "
	  "router" },
	{ .name = NULL }
};

static const struct cli_option apply[] = {
	{ "-f", "FILE", "the customer's file, YAML or JSON; - is standard input" },
	{ "--dry-run", NULL, "only show what would change" },
	{ "--yes", NULL, "do not ask" },
	{ .name = NULL }
};

static const struct cli_command commands[] = {
	{ "customer add", "CUSTOMER", 1, 1, "Add a customer", customer_add,
	  admin_customer_add },
	{ "customer list", "", 0, 0, "List the customers", NULL,
	  admin_customer_list },
	{ "customer show", "CUSTOMER", 1, 1, "A customer, its VPNs and routers",
	  NULL, admin_customer_show },
	{ "customer remove", "CUSTOMER", 1, 1,
	  "Remove a customer without VPNs, routers, operators", NULL,
	  admin_customer_remove },
	{ "vpn add", "CUSTOMER/VPN", 1, 1, "Add a VPN", vpn_add, admin_vpn_add },
	{ "vpn list", "[CUSTOMER]", 0, 1, "List VPNs", NULL, admin_vpn_list },
	{ "vpn show", "CUSTOMER/VPN", 1, 1, "A VPN with all its settings", NULL,
	  admin_vpn_show },
	{ "vpn set", "CUSTOMER/VPN", 1, 1,
	  "Change a VPN: its topology, hubs, grade", vpn_set, admin_vpn_set },
	{ "vpn remove", "CUSTOMER/VPN", 1, 1, "Remove a VPN without sites", NULL,
	  admin_vpn_remove },
	{ "vpn authority show", "CUSTOMER/VPN", 1, 1,
	  "Who signs certificates for IKE in a VPN, and whom a change waits for",
	  NULL, admin_authority_show },
	{ "vpn authority roll", "CUSTOMER/VPN", 1, 1,
	  "Another authority takes over, without a gap", dry_run,
	  admin_authority_roll },
	{ "ce add", "CUSTOMER/CE", 1, 1, "Add a customer edge router", ce_add,
	  admin_ce_add },
	{ "ce list", "[CUSTOMER]", 0, 1, "List routers", NULL, admin_ce_list },
	{ "ce show", "CUSTOMER/CE", 1, 1, "A router and its sites", NULL,
	  admin_ce_show },
	{ "ce set", "CUSTOMER/CE", 1, 1, "Change a router: its address, what "
	  "becomes of it by itself", ce_set, admin_ce_set },
	{ "ce remove", "CUSTOMER/CE", 1, 1,
	  "Remove a router without sites; it is told to let go", NULL,
	  admin_ce_remove },
	{ "ce suspend", "CUSTOMER/CE", 1, 1,
	  "Take a router's tunnels down; it stays a member", dry_run,
	  admin_ce_suspend },
	{ "ce resume", "CUSTOMER/CE", 1, 1, "Let them come up again", dry_run,
	  admin_ce_resume },
	{ "ce pending", "[CUSTOMER]", 0, 1,
	  "Routers that wait for approval, with the SHA-256 of their keys", NULL,
	  admin_ce_pending },
	{ "ce approve", "CUSTOMER/CE KEY", 2, 2,
	  "Let the key that waits have its certificate", dry_run,
	  admin_ce_approve },
	{ "ce replace", "CUSTOMER/CE", 1, 1,
	  "Other hardware takes its place: the old key is dead", dry_run,
	  admin_ce_replace },
	{ "ce revoke", "CUSTOMER/CE", 1, 1,
	  "Its key is in wrong hands: dead at once, and peers drop it", dry_run,
	  admin_ce_revoke },
	{ "ce allow-removal", "CUSTOMER/CE", 1, 1,
	  "A router that holds back a mass removal may go on", dry_run,
	  admin_ce_allow_removal },
	{ "ce bundle", "CUSTOMER/CE", 1, 1,
	  "Print a one-time enrolment bundle for a router", NULL,
	  admin_ce_bundle },
	{ "ce diag", "CUSTOMER/CE", 1, 1,
	  "Fetch a diagnostic bundle from a router; it holds no key", diag,
	  admin_ce_diag },
	{ "site add", "CUSTOMER/VPN/SITE", 1, 1,
	  "Make a router a site of a VPN, with tunnels to its peers", site_add,
	  admin_site_add },
	{ "site list", "[CUSTOMER[/VPN]]", 0, 1, "List sites", NULL,
	  admin_site_list },
	{ "site show", "CUSTOMER/VPN/SITE", 1, 1, "A site and its tunnels", NULL,
	  admin_site_show },
	{ "site set", "CUSTOMER/VPN/SITE", 1, 1, "Change a site: its role, "
	  "addresses, prefixes", site_set, admin_site_set },
	{ "site remove", "CUSTOMER/VPN/SITE", 1, 1,
	  "Take a site out of its VPN, with its tunnels", NULL,
	  admin_site_remove },
	{ "status", "[CUSTOMER[/VPN[/SITE]]]", 0, 1,
	  "Whether all is well, and what is not", NULL, admin_status_show },
	{ "alarms", "[CUSTOMER[/VPN[/SITE]]]", 0, 1,
	  "What is wrong, and what to do about it", alarms, admin_alarms_show },
	{ "watch", "[CUSTOMER[/VPN[/SITE]]]", 0, 1,
	  "Changes and alarms, a line each, as they happen", watch, admin_watch },
	{ "tunnel show", "CUSTOMER/VPN SITE SITE", 3, 3,
	  "Both ends of a tunnel", NULL, admin_tunnel_show },
	{ "time-to-service", "[CUSTOMER[/VPN]]", 0, 1,
	  "From commit to route, at each end of each tunnel", service,
	  admin_service_show },
	{ "link add", "CUSTOMER/VPN SITE SITE", 3, 3,
	  "A tunnel that the topology does not give", dry_run, admin_link_add },
	{ "link remove", "CUSTOMER/VPN SITE SITE", 3, 3,
	  "Take back what was said of two sites", dry_run, admin_link_remove },
	{ "psk rotate", "CUSTOMER/VPN[/SITE[/PEER]]", 1, 1,
	  "Change the pre-shared keys of tunnels, without a gap", dry_run,
	  admin_psk_rotate },
	{ "psk status", "[CUSTOMER[/VPN]]", 0, 1,
	  "How far changes of keys are, and whom they wait for", NULL,
	  admin_psk_status },
	{ "rotation status", "[CUSTOMER[/VPN]]", 0, 1,
	  "How far changes of keys are, and moves to certificates and back", NULL,
	  admin_rotation_status },
	{ "revert", "REVISION", 1, 1, "Take back what a revision changed",
	  dry_run, admin_revert },
	{ "apply", "", 0, 0, "Make a customer what its file says", apply,
	  admin_apply },
	{ "export", "CUSTOMER", 1, 1, "Print a customer's file", NULL,
	  admin_export },
	{ "operator add", "NAME", 1, 1, "Let somebody in, with roles",
	  operator_options, admin_operator_add },
	{ "operator list", "", 0, 0, "List operators and their roles", NULL,
	  admin_operator_list },
	{ "operator show", "NAME", 1, 1, "An operator", NULL,
	  admin_operator_show },
	{ "operator set", "NAME", 1, 1, "Change an operator's roles",
	  operator_options, admin_operator_set },
	{ "operator remove", "NAME", 1, 1, "Let somebody in no longer", NULL,
	  admin_operator_remove },
	{ "operator certificate", "NAME", 1, 1,
	  "Print a new certificate, in place of any before",
	  operator_certificate, admin_operator_certificate },
	{ "operator revoke", "NAME", 1, 1, "End an operator's certificate", NULL,
	  admin_operator_revoke },
	{ "whoami", "", 0, 0, "Who the server takes you for, and your roles",
	  NULL, admin_whoami },
	{ "audit", "", 0, 0, "Who changed what, newest last", audit,
	  admin_audit_show },
	{ .words = NULL }
};

int main(int argc, char *argv[])
{
	static const struct cli cli = {
		"ppvpn-admin", "the provider's VPNs, routers and sites", common,
		commands
	};

	return cli_main(&cli, argc, argv, NULL);
}
