/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * admin_set.c - commands that change what is there: set, suspend, link, revert
 *
 * Each can be looked at first (--dry-run), and says what it did to tunnels and
 * routers.
 */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "json_out.h"
#include "name.h"
#include "server/admin.h"

int admin_change_shown(const struct cli_args *args, const char *method,
					   const char *path, const char *body, const char *what,
					   struct err *e)
{
	char *target = xasprintf("%s?%s=yes", path, cli_opt(args, "--dry-run")
							 ? "dry-run" : "effects");
	struct text answer = { 0 };
	int rc;

	rc = admin_request(args, method, target, body, &answer, e);
	if (rc == 0 && admin_json(args))
	{
		fputs(text_str(&answer), stdout);
	}
	else if (rc == 0)
	{
		rc = admin_print_effects(&answer, what, NULL, e);
	}
	text_done(&answer);
	free(target);
	return rc;
}

/* An option's value as a member of the name behind its dashes. */
static bool add_text(struct json_out *o, const struct cli_args *args,
					 const char *option)
{
	const char *value = cli_opt(args, option);

	if (value)
	{
		jo_str(o, option + 2, value);
	}
	return value != NULL;
}

/* "a,b" as a list of labels. */
static int add_labels(struct json_out *o, const struct cli_args *args,
					  const char *option, const char *member, bool *given,
					  struct err *e)
{
	const char *value = cli_opt(args, option);
	char label[NAME_SIZE];
	size_t len;

	if (!value)
	{
		return 0;
	}
	*given = true;
	jo_array(o, member);
	for (;; value += len + 1)
	{
		len = strcspn(value, ",");
		snprintf(label, sizeof(label), "%.*s", (int)len, value);
		if (len >= sizeof(label) || !name_is_label(label))
		{
			return err_set(e, -EINVAL, ERR_NAME, option,
						   "names of sites, joined by commas, are needed");
		}
		jo_str(o, NULL, label);
		if (!value[len])
		{
			break;
		}
	}
	jo_array_end(o);
	return 0;
}

/* PATCH a place with what was given; nothing at all is a mistake. */
static int patch(const struct cli_args *args, const char *collection,
				 unsigned parts, const char *form, struct json_out *o,
				 bool given, int rc, struct err *e)
{
	char names[3][NAME_SIZE], *path;
	struct text body;

	if (rc == 0)
	{
		rc = place_parse(cli_arg(args, 0), parts, names, form, e);
	}
	if (rc == 0 && !given)
	{
		rc = err_set(e, -EINVAL, ERR_USAGE, cli_arg(args, 0),
					 "an option says what is to be changed");
	}
	if (rc == 0)
	{
		jo_object_end(o);
	}
	body = jo_take(o);
	if (rc == 0)
	{
		path = xasprintf("/v1/%s/%s", collection, cli_arg(args, 0));
		rc = admin_change_shown(args, "PATCH", path, text_str(&body),
								cli_arg(args, 0), e);
		free(path);
	}
	text_done(&body);
	return rc;
}

ADMIN_COMMAND(admin_vpn_set)
{
	static const char *const texts[] = {
		"--topology", "--grade", "--authentication", "--revocation",
		"--description", "--external-id"
	};
	struct json_out o = { 0 };
	bool given = false;
	size_t i;
	int rc;

	(void)user;
	jo_object(&o, NULL);
	for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
	{
		given |= add_text(&o, args, texts[i]);
	}
	rc = add_labels(&o, args, "--hub", "hubs", &given, e);
	if (rc == 0)
	{
		rc = admin_add_flag(&o, args, "--internet-access", &given, e);
	}
	if (rc == 0)
	{
		given |= cli_opt(args, "--psk-rotation-days") != NULL;
		rc = admin_add_number(&o, args, "--psk-rotation-days", e);
	}
	return patch(args, "vpns", 2, "CUSTOMER/VPN", &o, given, rc, e);
}

ADMIN_COMMAND(admin_site_set)
{
	static const char *const texts[] = {
		"--role", "--ce-address", "--router-id", "--description",
		"--external-id"
	};
	struct json_out o = { 0 };
	bool given = false;
	size_t i;
	int rc;

	(void)user;
	jo_object(&o, NULL);
	for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
	{
		given |= add_text(&o, args, texts[i]);
	}
	rc = admin_add_prefixes(&o, args, "--prefix", "prefixes", &given, e);
	return patch(args, "sites", 3, "CUSTOMER/VPN/SITE", &o, given, rc, e);
}

ADMIN_COMMAND(admin_ce_set)
{
	static const char *const texts[] = { "--description", "--external-id" };
	const char *address = cli_opt(args, "--address");
	struct json_out o = { 0 };
	bool given = address != NULL;
	size_t i;
	int rc;

	(void)user;
	jo_object(&o, NULL);
	if (address)
	{
		jo_str(&o, "ce-address", address);
	}
	for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
	{
		given |= add_text(&o, args, texts[i]);
	}
	rc = admin_add_prefixes(&o, args, "--dynamic", "dynamic", &given, e);
	if (rc == 0)
	{
		rc = admin_add_flag(&o, args, "--behind-nat", &given, e);
	}
	return patch(args, "ces", 2, "CUSTOMER/CE", &o, given, rc, e);
}

static int suspend(const struct cli_args *args, bool suspended, struct err *e)
{
	struct json_out o = { 0 };

	jo_object(&o, NULL);
	jo_bool(&o, "suspended", suspended);
	return patch(args, "ces", 2, "CUSTOMER/CE", &o, true, 0, e);
}

ADMIN_COMMAND(admin_ce_suspend)
{
	(void)user;
	return suspend(args, true, e);
}

ADMIN_COMMAND(admin_ce_resume)
{
	(void)user;
	return suspend(args, false, e);
}

ADMIN_COMMAND(admin_ce_approve)
{
	char names[2][NAME_SIZE], *path;
	struct json_out o = { 0 };
	struct text body;
	int rc = place_parse(cli_arg(args, 0), 2, names, "CUSTOMER/CE", e);

	(void)user;
	if (rc < 0)
	{
		return rc;
	}
	jo_object(&o, NULL);
	jo_str(&o, "key", cli_arg(args, 1));
	jo_object_end(&o);
	body = jo_take(&o);
	path = xasprintf("/v1/ces/%s/%s/approve", names[0], names[1]);
	rc = admin_change_shown(args, "POST", path, body.s, cli_arg(args, 0), e);
	free(path);
	text_done(&body);
	return rc;
}

ADMIN_COMMAND(admin_ce_replace)
{
	char names[2][NAME_SIZE], *path;
	int rc = place_parse(cli_arg(args, 0), 2, names, "CUSTOMER/CE", e);

	(void)user;
	if (rc < 0)
	{
		return rc;
	}
	path = xasprintf("/v1/ces/%s/%s/replace", names[0], names[1]);
	rc = admin_change_shown(args, "POST", path, NULL, cli_arg(args, 0), e);
	free(path);
	if (rc == 0 && !admin_json(args))
	{
		printf("The old router's key is dead. For the new one: "
			   "ppvpn-admin ce bundle %s/%s\n", names[0], names[1]);
	}
	return rc;
}

ADMIN_COMMAND(admin_ce_revoke)
{
	char names[2][NAME_SIZE], *path;
	int rc = place_parse(cli_arg(args, 0), 2, names, "CUSTOMER/CE", e);

	(void)user;
	if (rc < 0)
	{
		return rc;
	}
	path = xasprintf("/v1/ces/%s/%s/revoke", names[0], names[1]);
	rc = admin_change_shown(args, "POST", path, NULL, cli_arg(args, 0), e);
	free(path);
	if (rc == 0 && !admin_json(args))
	{
		printf("Its key is dead, and its peers drop it. To have it back: "
			   "ppvpn-admin ce bundle %s/%s\n", names[0], names[1]);
	}
	return rc;
}

ADMIN_COMMAND(admin_ce_allow_removal)
{
	char names[2][NAME_SIZE], *path;
	int rc = place_parse(cli_arg(args, 0), 2, names, "CUSTOMER/CE", e);

	(void)user;
	if (rc < 0)
	{
		return rc;
	}
	path = xasprintf("/v1/ces/%s/%s/allow-removal", names[0], names[1]);
	rc = admin_change_shown(args, "POST", path, NULL, cli_arg(args, 0), e);
	free(path);
	return rc;
}

/* /v1/links/CUSTOMER/VPN/SITE/SITE of the arguments; the caller frees it. */
static int link_path(const struct cli_args *args, char **path, struct err *e)
{
	char names[2][NAME_SIZE];
	int i, rc = place_parse(cli_arg(args, 0), 2, names, "CUSTOMER/VPN", e);

	for (i = 1; rc == 0 && i < 3; i++)
	{
		if (!name_is_label(cli_arg(args, i)))
		{
			rc = err_set(e, -EINVAL, ERR_NAME, cli_arg(args, i),
						 "not a name for a site");
		}
	}
	if (rc == 0)
	{
		*path = xasprintf("/v1/links/%s/%s/%s", cli_arg(args, 0),
						  cli_arg(args, 1), cli_arg(args, 2));
	}
	return rc;
}

ADMIN_COMMAND(admin_link_add)
{
	char *path = NULL;
	int rc = link_path(args, &path, e);

	(void)user;
	if (rc == 0)
	{
		rc = admin_change_shown(args, "PATCH", path, "{\"explicit\":true}",
								cli_arg(args, 0), e);
	}
	free(path);
	return rc;
}

ADMIN_COMMAND(admin_link_remove)
{
	char *path = NULL;
	int rc = link_path(args, &path, e);

	(void)user;
	if (rc == 0)
	{
		rc = admin_change_shown(args, "DELETE", path, NULL,
								cli_arg(args, 0), e);
	}
	free(path);
	return rc;
}

ADMIN_COMMAND(admin_revert)
{
	uint64_t revision;
	char *path;
	int rc;

	(void)user;
	if (text_to_u64(cli_arg(args, 0), 1, INT64_MAX, &revision) < 0)
	{
		return err_set(e, -EINVAL, ERR_USAGE, cli_arg(args, 0),
					   "not the number of a revision: see audit");
	}
	path = xasprintf("/v1/revisions/%llu/revert",
					 (unsigned long long)revision);
	rc = admin_change_shown(args, "POST", path, NULL, "taken back", e);
	free(path);
	return rc;
}
