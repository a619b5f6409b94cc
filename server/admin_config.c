/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * admin_config.c - customers, VPNs, routers and sites: add, list, show, remove
 */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "alloc.h"
#include "json_out.h"
#include "name.h"
#include "secret.h"
#include "server/admin.h"
#include "server/admin_read.h"

/* ---- building requests ----------------------------------------------------------- */

/* An option becomes a member, when it is given. */
static void add_text(struct json_out *o, const struct cli_args *args,
					 const char *option)
{
	const char *value = cli_opt(args, option);

	if (value)
	{
		jo_str(o, option + 2, value);
	}
}

int admin_add_number(struct json_out *o, const struct cli_args *args,
					 const char *option, struct err *e)
{
	const char *value = cli_opt(args, option);
	uint64_t number;

	if (!value)
	{
		return 0;
	}
	if (text_to_u64(value, 0, UINT32_MAX, &number) < 0)
	{
		return err_set(e, -EINVAL, ERR_USAGE, option, "'%s' is not a number",
					   value);
	}
	jo_u64(o, option + 2, number);
	return 0;
}

/* Checked here, for an error that names the option. */
static int add_addr(struct json_out *o, const struct cli_args *args,
					const char *option, const char *member, struct err *e)
{
	const char *value = cli_opt(args, option);
	struct addr addr;

	if (!value)
	{
		return 0;
	}
	if (addr_parse4(value, &addr) < 0)
	{
		return err_set(e, -EINVAL, ERR_ADDRESS, option,
					   "'%s' is not an IPv4 address", value);
	}
	jo_str(o, member, value);
	return 0;
}

static int add_prefix(struct json_out *o, const struct cli_args *args,
					  const char *option, struct err *e)
{
	const char *value = cli_opt(args, option);
	struct prefix prefix;

	if (value && prefix_parse4(value, true, &prefix) < 0)
	{
		return err_set(e, -EINVAL, ERR_ADDRESS, option,
					   "'%s' is not an IPv4 prefix like 10.255.0.0/16", value);
	}
	add_text(o, args, option);
	return 0;
}

static int add_domain(struct json_out *o, const struct cli_args *args,
					  const char *option, struct err *e)
{
	const char *value = cli_opt(args, option);

	if (value && !name_is_fqdn(value))
	{
		return err_set(e, -EINVAL, ERR_NAME, option,
					   "'%s' is not a domain like vpn.sp.example", value);
	}
	add_text(o, args, option);
	return 0;
}

static int add_label(struct json_out *o, const struct cli_args *args,
					 const char *option, struct err *e)
{
	const char *value = cli_opt(args, option);

	if (!value || !name_is_label(value))
	{
		return value ? err_set(e, -EINVAL, ERR_NAME, option,
							   "'%s' is not a name", value)
					 : err_set(e, -EINVAL, ERR_USAGE, option,
							   "this option is needed");
	}
	add_text(o, args, option);
	return 0;
}

/* One of a list of words. */
static int add_word(struct json_out *o, const struct cli_args *args,
					const char *option, const char *const *words,
					struct err *e)
{
	const char *value = cli_opt(args, option);
	size_t i;

	for (i = 0; value && words[i] && strcmp(words[i], value) != 0; i++)
	{
	}
	if (value && !words[i])
	{
		return err_set(e, -EINVAL, ERR_USAGE, option,
					   "'%s' is none of the words that it takes: see --help",
					   value);
	}
	add_text(o, args, option);
	return 0;
}

/* "a,b" as a list of prefixes; "none" is the empty one. */
int admin_add_prefixes(struct json_out *o, const struct cli_args *args,
					   const char *option, const char *member, bool *given,
					   struct err *e)
{
	const char *value = cli_opt(args, option);
	char text[PREFIX_TEXT_MAX];
	struct prefix prefix;
	size_t len;

	if (!value)
	{
		return 0;
	}
	*given = true;
	jo_array(o, member);
	for (; strcmp(value, "none") != 0; value += len + 1)
	{
		len = strcspn(value, ",");
		snprintf(text, sizeof(text), "%.*s", (int)len, value);
		if (len >= sizeof(text) || prefix_parse(text, &prefix) < 0)
		{
			return err_set(e, -EINVAL, ERR_ADDRESS, option,
						   "prefixes like 10.1.0.0/24, joined by commas, are "
						   "needed, or none");
		}
		jo_str(o, NULL, text);
		if (!value[len])
		{
			break;
		}
	}
	jo_array_end(o);
	return 0;
}

int admin_add_flag(struct json_out *o, const struct cli_args *args,
				   const char *option, bool *given, struct err *e)
{
	const char *value = cli_opt(args, option);

	if (!value)
	{
		return 0;
	}
	if (strcmp(value, "yes") != 0 && strcmp(value, "no") != 0)
	{
		return err_set(e, -EINVAL, ERR_USAGE, option, "yes or no is needed");
	}
	*given = true;
	jo_bool(o, option + 2, *value == 'y');
	return 0;
}

static int add_description(struct json_out *o, const struct cli_args *args,
						   struct err *e)
{
	const char *value = cli_opt(args, "--description");

	if (value && (strlen(value) > 255 || !text_is_printable(value)))
	{
		return err_set(e, -EINVAL, ERR_USAGE, "--description",
					   "at most 255 printable ASCII characters");
	}
	add_text(o, args, "--description");
	return 0;
}

static int need_option(const struct cli_args *args, const char *option,
					   struct err *e)
{
	return cli_opt(args, option) ? 0 : err_set(e, -EINVAL, ERR_USAGE, option,
											   "this option is needed");
}

/* Send what was built, unless building it failed (rc). */
static int post(const struct cli_args *args, const char *path,
				struct json_out *o, int rc, struct err *e)
{
	struct text body;
	char *what;

	jo_object_end(o);
	body = jo_take(o);
	if (rc == 0)
	{
		what = xasprintf("%s added", cli_arg(args, 0));
		rc = admin_change(args, "POST", path, text_str(&body), what, e);
		free(what);
	}
	text_done(&body);
	return rc;
}

/* A command's one argument, taken apart, as the end of a path. */
static int remove_place(const struct cli_args *args, const char *collection,
						unsigned parts, const char *form, struct err *e)
{
	char names[3][NAME_SIZE], *path, *what;
	int rc = place_parse(cli_arg(args, 0), parts, names, form, e);

	if (rc < 0)
	{
		return rc;
	}
	path = xasprintf("/v1/%s/%s", collection, cli_arg(args, 0));
	what = xasprintf("%s removed", cli_arg(args, 0));
	rc = admin_change(args, "DELETE", path, NULL, what, e);
	free(path);
	free(what);
	return rc;
}

/* A list's path, of what may be narrowed to a customer, and to a VPN. */
static int list_path(const struct cli_args *args, struct arena *a,
					 const char *collection, unsigned parts, char **path,
					 struct err *e)
{
	const char *place = cli_arg(args, 0);
	char names[3][NAME_SIZE];
	int rc;

	*path = arena_printf(a, "/v1/%s", collection);
	if (!place)
	{
		return 0;
	}
	if (!strchr(place, '/') || parts == 1)
	{
		rc = place_parse(place, 1, names, "CUSTOMER", e);
		*path = arena_printf(a, "%s?customer=%s", *path, names[0]);
		return rc;
	}
	rc = place_parse(place, 2, names, "CUSTOMER/VPN", e);
	*path = arena_printf(a, "%s?customer=%s&vpn=%s", *path, names[0],
						 names[1]);
	return rc;
}

/* ---- customers --------------------------------------------------------------------- */

ADMIN_COMMAND(admin_customer_add)
{
	char names[1][NAME_SIZE];
	struct json_out o = { 0 };
	int rc = place_parse(cli_arg(args, 0), 1, names, "CUSTOMER", e);

	if (rc < 0)
	{
		return rc;
	}
	jo_object(&o, NULL);
	jo_str(&o, "customer", names[0]);
	rc = add_description(&o, args, e);
	return post(args, "/v1/customers", &o, rc, e);
}

ADMIN_COMMAND(admin_customer_remove)
{
	return remove_place(args, "customers", 1, "CUSTOMER", e);
}

static int customer_list(const struct cli_args *args, struct arena *a,
						 struct err *e)
{
	static const char *const titles[] = { "CUSTOMER", "DESCRIPTION" };
	struct admin_customers answer = { 0 };
	struct table t;
	bool done;
	size_t i;
	int rc;

	rc = admin_get(args, a, "/v1/customers", admin_customers_rows, &answer,
				   &done, e);
	if (rc < 0 || done)
	{
		return rc;
	}
	table_init(&t, a, 2, titles);
	for (i = 0; i < answer.count; i++)
	{
		table_add(&t, answer.list[i].customer);
		table_add(&t, answer.list[i].description);
	}
	table_print(&t);
	return 0;
}

static int vpn_table(const struct cli_args *args, struct arena *a,
					 const char *path, struct err *e)
{
	static const char *const titles[] = {
		"VPN", "TOPOLOGY", "ROUTER-IDS", "MTU", "DESCRIPTION"
	};
	char pool[PREFIX_TEXT_MAX];
	struct admin_vpns answer = { 0 };
	struct store_vpn *v;
	struct table t;
	bool done;
	size_t i;
	int rc;

	rc = admin_get(args, a, path, admin_vpns_rows, &answer, &done, e);
	if (rc < 0 || done)
	{
		return rc;
	}
	table_init(&t, a, 5, titles);
	for (i = 0; i < answer.count; i++)
	{
		v = &answer.list[i];
		table_add(&t, arena_printf(a, "%s/%s", v->customer, v->vpn));
		table_add(&t, conf_topologies[v->topology]);
		table_add(&t, arena_strdup(a, prefix_str(&v->router_ids, pool)));
		table_add(&t, arena_printf(a, "%u", v->mtu));
		table_add(&t, v->description);
	}
	table_print(&t);
	return 0;
}

static int ce_table(const struct cli_args *args, struct arena *a,
					const char *path, struct err *e)
{
	static const char *const titles[] = {
		"CE", "ADDRESS", "ENROLLED", "REVISION", "DESCRIPTION"
	};
	char address[ADDR_TEXT_MAX];
	struct admin_ces answer = { 0 };
	struct admin_ce *ce;
	struct table t;
	bool done;
	size_t i;
	int rc;

	rc = admin_get(args, a, path, admin_ces_rows, &answer, &done, e);
	if (rc < 0 || done)
	{
		return rc;
	}
	table_init(&t, a, 5, titles);
	for (i = 0; i < answer.count; i++)
	{
		ce = &answer.list[i];
		table_add(&t, arena_printf(a, "%s/%s", ce->customer, ce->ce));
		table_add(&t, arena_strdup(a, addr_str(&ce->address, address)));
		table_add(&t, ce->enrolled ? "yes" : "no");
		table_add(&t, arena_printf(a, "%llu",
								   (unsigned long long)ce->revision));
		table_add(&t, ce->description);
	}
	table_print(&t);
	return 0;
}

char *admin_prefixes_text(struct arena *a, const struct store_site *site)
{
	char *text = arena_strdup(a, site->prefix_count ? "" : "-");
	char prefix[PREFIX_TEXT_MAX];
	size_t i;

	for (i = 0; i < site->prefix_count; i++)
	{
		text = arena_printf(a, "%s%s%s", text, i ? "," : "",
							prefix_str(&site->prefixes[i], prefix));
	}
	return text;
}

static int site_table(const struct cli_args *args, struct arena *a,
					  const char *path, const char *ce, struct err *e)
{
	static const char *const titles[] = {
		"SITE", "CE", "CE-ADDRESS", "ROUTER-ID", "PREFIXES"
	};
	char text[ADDR_TEXT_MAX];
	struct admin_sites answer = { 0 };
	struct store_site *site;
	struct table t;
	bool done;
	size_t i;
	int rc;

	rc = admin_get(args, a, path, admin_sites_rows, &answer, &done, e);
	if (rc < 0 || done)
	{
		return rc;
	}
	table_init(&t, a, 5, titles);
	for (i = 0; i < answer.count; i++)
	{
		site = &answer.list[i];
		if (ce && strcmp(ce, site->ce) != 0)
		{
			continue;
		}
		table_add(&t, arena_printf(a, "%s/%s/%s", site->customer, site->vpn,
								   site->site));
		table_add(&t, site->ce);
		table_add(&t, arena_strdup(a, addr_str(&site->ce_address, text)));
		table_add(&t, arena_strdup(a, addr_str(&site->router_id, text)));
		table_add(&t, admin_prefixes_text(a, site));
	}
	table_print(&t);
	return 0;
}

static int customer_show(const struct cli_args *args, struct arena *a,
						 struct err *e)
{
	char name[1][NAME_SIZE];
	struct store_customer customer = { 0 };
	bool done;
	int rc;

	rc = place_parse(cli_arg(args, 0), 1, name, "CUSTOMER", e);
	if (rc < 0)
	{
		return rc;
	}
	rc = admin_get(args, a, arena_printf(a, "/v1/customers/%s", name[0]),
				   admin_customer_rows, &customer, &done, e);
	if (rc < 0 || done)
	{
		return rc;
	}
	printf("customer     %s\ndescription  %s\n\n", customer.customer,
		   *customer.description ? customer.description : "-");
	rc = vpn_table(args, a, arena_printf(a, "/v1/vpns?customer=%s", name[0]),
				   e);
	printf("\n");
	return rc < 0 ? rc : ce_table(args, a, arena_printf(a,
								  "/v1/ces?customer=%s", name[0]), e);
}

/* ---- VPNs ----------------------------------------------------------------------------- */

ADMIN_COMMAND(admin_vpn_add)
{
	static const char *const numbers[] = {
		"--mtu", "--hello-interval", "--dead-interval", "--cost",
		"--psk-rotation-days"
	};
	char names[2][NAME_SIZE];
	struct json_out o = { 0 };
	bool given = false;
	size_t i;
	int rc = place_parse(cli_arg(args, 0), 2, names, "CUSTOMER/VPN", e);

	if (rc < 0)
	{
		return rc;
	}
	jo_object(&o, NULL);
	jo_str(&o, "customer", names[0]);
	jo_str(&o, "vpn", names[1]);
	if (!cli_opt(args, "--topology"))
	{
		jo_str(&o, "topology", conf_topologies[0]);
	}
	else
	{
		rc = add_word(&o, args, "--topology", conf_topologies, e);
	}
	if (rc == 0)
	{
		rc = add_word(&o, args, "--grade", conf_grades, e);
	}
	if (rc == 0)
	{
		rc = add_word(&o, args, "--authentication", conf_authentications, e);
	}
	if (rc == 0)
	{
		rc = add_word(&o, args, "--revocation", conf_revocations, e);
	}
	for (i = 0; rc == 0 && i < sizeof(numbers) / sizeof(numbers[0]); i++)
	{
		rc = admin_add_number(&o, args, numbers[i], e);
	}
	if (rc == 0 && (rc = add_addr(&o, args, "--area", "area", e)) == 0 &&
		(rc = add_prefix(&o, args, "--router-ids", e)) == 0 &&
		(rc = add_domain(&o, args, "--domain", e)) == 0 &&
		(rc = admin_add_flag(&o, args, "--internet-access", &given, e)) == 0)
	{
		rc = add_description(&o, args, e);
	}
	return post(args, "/v1/vpns", &o, rc, e);
}

ADMIN_COMMAND(admin_vpn_remove)
{
	return remove_place(args, "vpns", 2, "CUSTOMER/VPN", e);
}

static void print_words(const char *title, char *const *words, size_t count)
{
	size_t i;

	printf("%-16s", title);
	for (i = 0; i < count; i++)
	{
		printf("%s%s", i ? ", " : "", words[i]);
	}
	printf("\n");
}

static void print_vpn(const struct store_vpn *v)
{
	const struct model_profile *p = &v->profile;
	char pool[PREFIX_TEXT_MAX], area[ADDR_TEXT_MAX];

	printf("%-16s%s/%s\n", "vpn", v->customer, v->vpn);
	printf("%-16s%s\n", "description", *v->description ? v->description : "-");
	printf("%-16s%s\n", "topology", conf_topologies[v->topology]);
	printf("%-16s%s\n", "grade", conf_grades[v->grade]);
	printf("%-16s%s\n", "internet-access", v->internet_access ? "yes" : "no");
	printf(v->psk_rotation_days ? "%-16severy %u days\n"
		   : "%-16sby command only\n", "key rotation", v->psk_rotation_days);
	printf("%-16s%s\n", "authentication",
		   conf_authentications[v->authentication]);
	printf("%-16s%s\n", "revocation", conf_revocations[v->revocation]);
	printf("%-16s%s\n", "domain", v->domain);
	printf("%-16s%s\n", "router-ids", prefix_str(&v->router_ids, pool));
	printf("%-16s%u\n", "mtu", v->mtu);
	printf("%-16sarea %s, hello %u s, dead %u s, cost %u\n", "ospf",
		   addr_str(&v->ospf.area, area), v->ospf.hello_interval,
		   v->ospf.dead_interval, v->ospf.cost);
	printf("%-16sat least %u s, t1 %u s, factor %u, at most %u s, alarm after "
		   "%u\n", "retry", v->retry.minimum_wait, v->retry.t1,
		   v->retry.factor, v->retry.maximum, v->retry.alarm_after);
	print_words("proposals", p->proposals, p->proposal_count);
	print_words("esp_proposals", p->esp_proposals, p->esp_proposal_count);
	printf("%-16sIKE %u s, ESP %u s; DPD %u s\n\n", "rekey", p->rekey_time,
		   p->child_rekey_time, p->dpd_delay);
}

static int vpn_show(const struct cli_args *args, struct arena *a,
					struct err *e)
{
	char names[2][NAME_SIZE];
	struct store_vpn vpn = { 0 };
	bool done;
	int rc = place_parse(cli_arg(args, 0), 2, names, "CUSTOMER/VPN", e);

	if (rc < 0)
	{
		return rc;
	}
	rc = admin_get(args, a, arena_printf(a, "/v1/vpns/%s/%s", names[0],
										 names[1]), admin_vpn_rows, &vpn,
				   &done, e);
	if (rc < 0 || done)
	{
		return rc;
	}
	print_vpn(&vpn);
	return site_table(args, a, arena_printf(a, "/v1/sites?customer=%s&vpn=%s",
											names[0], names[1]), NULL, e);
}

static int vpn_list(const struct cli_args *args, struct arena *a,
					struct err *e)
{
	char *path;
	int rc = list_path(args, a, "vpns", 1, &path, e);

	return rc < 0 ? rc : vpn_table(args, a, path, e);
}

/* ---- routers ------------------------------------------------------------------------ */

ADMIN_COMMAND(admin_ce_add)
{
	char names[2][NAME_SIZE];
	struct json_out o = { 0 };
	bool given = false;
	int rc;

	if ((rc = place_parse(cli_arg(args, 0), 2, names, "CUSTOMER/CE", e)) < 0 ||
		(rc = need_option(args, "--address", e)) < 0)
	{
		return rc;
	}
	jo_object(&o, NULL);
	jo_str(&o, "customer", names[0]);
	jo_str(&o, "ce", names[1]);
	rc = add_addr(&o, args, "--address", "ce-address", e);
	if (rc == 0 &&
		(rc = admin_add_prefixes(&o, args, "--dynamic", "dynamic", &given,
								 e)) == 0 &&
		(rc = admin_add_flag(&o, args, "--behind-nat", &given, e)) == 0)
	{
		rc = add_description(&o, args, e);
	}
	return post(args, "/v1/ces", &o, rc, e);
}

ADMIN_COMMAND(admin_ce_remove)
{
	return remove_place(args, "ces", 2, "CUSTOMER/CE", e);
}

/* The bundle as it is, on standard output: the token is in it and nowhere. */
ADMIN_COMMAND(admin_ce_bundle)
{
	char names[2][NAME_SIZE], *path;
	struct text answer = { 0 };
	int rc = place_parse(cli_arg(args, 0), 2, names, "CUSTOMER/CE", e);

	if (rc < 0)
	{
		return rc;
	}
	path = xasprintf("/v1/ces/%s/%s/bundle", names[0], names[1]);
	rc = admin_request(args, "POST", path, NULL, &answer, e);
	if (rc == 0 && (fputs(text_str(&answer), stdout) < 0 ||
					fflush(stdout) < 0))
	{
		rc = err_set(e, -EIO, ERR_IO, "stdout", "the bundle was not written");
	}
	free(path);
	text_done(&answer);
	return rc;
}

static int ce_list(const struct cli_args *args, struct arena *a, struct err *e)
{
	char *path;
	int rc = list_path(args, a, "ces", 1, &path, e);

	return rc < 0 ? rc : ce_table(args, a, path, e);
}

/* ", its certificate until …", or nothing */
static const char *certificate_words(struct arena *a,
									 const struct admin_time *ends)
{
	const time_t seconds = (time_t)(ends->ms / 1000);
	char text[32] = "";
	struct tm tm;

	if (!ends->there || !gmtime_r(&seconds, &tm))
	{
		return "";
	}
	strftime(text, sizeof(text), "%Y-%m-%d %H:%M UTC", &tm);
	return arena_printf(a, ", with a certificate until %s", text);
}

static int ce_pending(const struct cli_args *args, struct arena *a,
					  struct err *e)
{
	static const char *const titles[] = { "CE", "SINCE", "KEY" };
	struct admin_ces answer = { 0 };
	struct table t;
	char *path;
	bool done;
	size_t i;
	int rc = list_path(args, a, "ces", 1, &path, e);

	if (rc < 0 || (rc = admin_get(args, a, path, admin_ces_rows, &answer,
								  &done, e)) < 0 || done)
	{
		return rc;
	}
	table_init(&t, a, 3, titles);
	for (i = 0; i < answer.count; i++)
	{
		const struct admin_ce *ce = &answer.list[i];

		if (ce->waiting_key)
		{
			table_add(&t, arena_printf(a, "%s/%s", ce->customer, ce->ce));
			table_add(&t, admin_wall_time(a, ce->waiting_since.ms));
			table_add(&t, ce->waiting_key);
		}
	}
	table_print(&t);
	return 0;
}

static int ce_show(const struct cli_args *args, struct arena *a, struct err *e)
{
	char names[2][NAME_SIZE], address[ADDR_TEXT_MAX];
	char prefix[PREFIX_TEXT_MAX];
	struct admin_ce ce = { 0 };
	bool done;
	int rc = place_parse(cli_arg(args, 0), 2, names, "CUSTOMER/CE", e);

	if (rc < 0)
	{
		return rc;
	}
	rc = admin_get(args, a, arena_printf(a, "/v1/ces/%s/%s", names[0],
										 names[1]), admin_ce_rows, &ce, &done,
				   e);
	if (rc < 0 || done)
	{
		return rc;
	}
	printf("ce           %s/%s\ndescription  %s\naddress      %s, %s%s",
		   ce.customer, ce.ce, *ce.description ? ce.description : "-",
		   addr_str(&ce.address, address),
		   ce.behind_nat ? "a NAT's, " : "",
		   ce.dynamic_count ? "dynamic within" : "static");
	for (size_t i = 0; i < ce.dynamic_count; i++)
	{
		printf("%s %s", i ? "," : "", prefix_str(&ce.dynamic[i], prefix));
	}
	printf("\nenrolled     %s%s\nkey for IKE  %s%s%s\nrevision     %llu\n\n",
		   ce.enrolled ? "yes" : ce.revoked ? "no: its key was revoked" : "no",
		   certificate_words(a, &ce.certificate_ends),
		   ce.ike_key ? ce.ike_key : "-", ce.ike_key ? ", since " : "",
		   ce.ike_key ? admin_wall_time(a, (int64_t)ce.ike_key_since.ms) : "",
		   (unsigned long long)ce.revision);
	return site_table(args, a, arena_printf(a, "/v1/sites?customer=%s",
											names[0]), names[1], e);
}

/* ---- sites -------------------------------------------------------------------------- */

ADMIN_COMMAND(admin_site_add)
{
	char names[3][NAME_SIZE];
	struct json_out o = { 0 };
	bool given = false;
	int rc = place_parse(cli_arg(args, 0), 3, names, "CUSTOMER/VPN/SITE", e);

	if (rc < 0)
	{
		return rc;
	}
	jo_object(&o, NULL);
	jo_str(&o, "customer", names[0]);
	jo_str(&o, "vpn", names[1]);
	jo_str(&o, "site", names[2]);
	if ((rc = add_label(&o, args, "--ce", e)) == 0 &&
		(rc = add_word(&o, args, "--role", conf_roles, e)) == 0 &&
		(rc = add_addr(&o, args, "--router-id", "router-id", e)) == 0)
	{
		rc = add_addr(&o, args, "--ce-address", "ce-address", e);
	}
	if (rc == 0)
	{
		rc = admin_add_prefixes(&o, args, "--prefix", "prefixes", &given, e);
	}
	return post(args, "/v1/sites", &o, rc, e);
}

ADMIN_COMMAND(admin_site_remove)
{
	return remove_place(args, "sites", 3, "CUSTOMER/VPN/SITE", e);
}

static int site_list(const struct cli_args *args, struct arena *a,
					 struct err *e)
{
	char *path;
	int rc = list_path(args, a, "sites", 2, &path, e);

	return rc < 0 ? rc : site_table(args, a, path, NULL, e);
}

/* ---- commands that read ---------------------------------------------------------------- */

#define READING(name, fn) \
	ADMIN_COMMAND(name) \
	{ \
		struct arena *a = arena_new(); \
		int rc = fn(args, a, e); \
		arena_free(a); \
		return rc; \
	}

READING(admin_customer_list, customer_list)
READING(admin_customer_show, customer_show)
READING(admin_vpn_list, vpn_list)
READING(admin_vpn_show, vpn_show)
READING(admin_ce_list, ce_list)
READING(admin_ce_pending, ce_pending)
READING(admin_ce_show, ce_show)
READING(admin_site_list, site_list)
