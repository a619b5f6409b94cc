/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * admin_operator.c - operators: who may do what, and their certificates
 */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "alloc.h"
#include "file.h"
#include "json_out.h"
#include "name.h"
#include "server/admin.h"
#include "server/admin_read.h"

#define CSR_FILE_MAX (32 * 1024)
#define PEM_COLUMNS 64

/* /v1/operators/NAME and what follows; the caller frees *path. */
static int operator_path(const struct cli_args *args, const char *rest,
						 char **path, struct err *e)
{
	const char *name = cli_arg(args, 0);

	if (!name_is_label(name))
	{
		return err_set(e, -EINVAL, ERR_NAME, name, "not a name for a person");
	}
	*path = xasprintf("/v1/operators/%s%s", name, rest);
	return 0;
}

/* ---- add, set ------------------------------------------------------------------ */

static int add_role(struct json_out *o, const char *where, const char *role,
					struct err *e)
{
	size_t i;

	for (i = 0; access_roles[i]; i++)
	{
		if (strcmp(access_roles[i], role) == 0)
		{
			jo_str(o, "role", role);
			return 0;
		}
	}
	return err_set(e, -EINVAL, ERR_USAGE, where, "'%s' is not none, viewer, "
				   "operator or admin", role);
}

/* "acme=operator" */
static int add_grant(struct json_out *o, char *word, struct err *e)
{
	char *role = strchr(word, '=');
	int rc;

	if (role)
	{
		*role++ = '\0';
	}
	if (!role || !name_is_label(word))
	{
		return err_set(e, -EINVAL, ERR_USAGE, "--customer",
					   "CUSTOMER=ROLE is needed, several joined by commas");
	}
	jo_object(o, NULL);
	jo_str(o, "customer", word);
	rc = add_role(o, word, role, e);
	jo_object_end(o);
	return rc;
}

/* "acme=operator,globex=viewer"; "": none */
static int add_grants(struct json_out *o, const char *value, struct err *e)
{
	char *copy = xstrdup(value), *save = NULL, *word;
	int rc = 0;

	jo_array(o, "customers");
	for (word = strtok_r(copy, ",", &save); word && rc == 0;
		 word = strtok_r(NULL, ",", &save))
	{
		rc = add_grant(o, word, e);
	}
	jo_array_end(o);
	free(copy);
	return rc;
}

/* What the options say; *given: whether they say anything. */
static int add_options(struct json_out *o, const struct cli_args *args,
					   bool *given, struct err *e)
{
	static const char *const texts[] = { "--description", "--unix-user" };
	const char *value;
	size_t i;
	int rc = 0;

	*given = false;
	for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
	{
		if ((value = cli_opt(args, texts[i])))
		{
			jo_str(o, texts[i] + 2, value);
			*given = true;
		}
	}
	if ((value = cli_opt(args, "--role")))
	{
		rc = add_role(o, "--role", value, e);
		*given = true;
	}
	if (rc == 0 && (value = cli_opt(args, "--customer")))
	{
		rc = add_grants(o, value, e);
		*given = true;
	}
	return rc;
}

ADMIN_COMMAND(admin_operator_add)
{
	struct json_out o = { 0 };
	struct text body;
	char *path = NULL;
	bool given;
	int rc = operator_path(args, "", &path, e);

	(void)user;
	jo_object(&o, NULL);
	jo_str(&o, "operator", cli_arg(args, 0));
	if (rc == 0)
	{
		rc = add_options(&o, args, &given, e);
	}
	jo_object_end(&o);
	body = jo_take(&o);
	if (rc == 0)
	{
		rc = admin_change(args, "POST", "/v1/operators", text_str(&body),
						  cli_arg(args, 0), e);
	}
	text_done(&body);
	free(path);
	return rc;
}

ADMIN_COMMAND(admin_operator_set)
{
	struct json_out o = { 0 };
	struct text body;
	char *path = NULL;
	bool given = false;
	int rc = operator_path(args, "", &path, e);

	(void)user;
	jo_object(&o, NULL);
	if (rc == 0)
	{
		rc = add_options(&o, args, &given, e);
	}
	if (rc == 0 && !given)
	{
		rc = err_set(e, -EINVAL, ERR_USAGE, cli_arg(args, 0),
					 "an option says what is to be changed");
	}
	jo_object_end(&o);
	body = jo_take(&o);
	if (rc == 0)
	{
		rc = admin_change(args, "PATCH", path, text_str(&body),
						  cli_arg(args, 0), e);
	}
	text_done(&body);
	free(path);
	return rc;
}

static int remove_it(const struct cli_args *args, const char *rest,
					 struct err *e)
{
	char *path = NULL;
	int rc = operator_path(args, rest, &path, e);

	if (rc == 0)
	{
		rc = admin_change(args, "DELETE", path, NULL, cli_arg(args, 0), e);
	}
	free(path);
	return rc;
}

ADMIN_COMMAND(admin_operator_remove)
{
	(void)user;
	return remove_it(args, "", e);
}

ADMIN_COMMAND(admin_operator_revoke)
{
	(void)user;
	return remove_it(args, "/certificate", e);
}

/* ---- list, show ------------------------------------------------------------------ */

/* "all: viewer, acme: operator" */
static const char *roles(struct arena *a, int role,
						 const struct store_grant *grants, size_t count)
{
	const char *text = "";
	size_t i;

	if (role != ACCESS_NONE || !count)
	{
		text = arena_printf(a, "all: %s", access_roles[role]);
	}
	for (i = 0; i < count; i++)
	{
		text = arena_printf(a, "%s%s%s: %s", text, *text ? ", " : "",
							grants[i].customer, access_roles[grants[i].role]);
	}
	return text;
}

static const char *day(struct arena *a, uint64_t ms)
{
	time_t at = (time_t)(ms / 1000);
	char text[16] = "?";
	struct tm tm;

	if (gmtime_r(&at, &tm))
	{
		strftime(text, sizeof(text), "%Y-%m-%d", &tm);
	}
	return arena_strdup(a, text);
}

static void table_operator(struct table *t, struct arena *a,
						   const struct admin_operator *op)
{
	table_add(t, op->operator);
	table_add(t, *op->unix_user ? op->unix_user : "-");
	table_add(t, op->certified ? arena_printf(a, "until %s", day(a,
		op->certificate.expires_ms)) : "-");
	table_add(t, roles(a, op->role, op->grants, op->grant_count));
	table_add(t, op->description);
}

static const char *const titles[] = {
	"OPERATOR", "UNIX USER", "CERTIFICATE", "ROLES", "DESCRIPTION"
};

static int operator_list(const struct cli_args *args, struct arena *a,
						 struct err *e)
{
	struct admin_operators answer = { 0 };
	struct table t;
	bool done;
	size_t i;
	int rc;

	rc = admin_get(args, a, "/v1/operators", admin_operators_rows, &answer,
				   &done, e);
	if (rc < 0 || done)
	{
		return rc;
	}
	table_init(&t, a, 5, titles);
	for (i = 0; i < answer.count; i++)
	{
		table_operator(&t, a, &answer.list[i]);
	}
	table_print(&t);
	return 0;
}

ADMIN_COMMAND(admin_operator_list)
{
	struct arena *a = arena_new();
	int rc = operator_list(args, a, e);

	(void)user;
	arena_free(a);
	return rc;
}

static int operator_show(const struct cli_args *args, struct arena *a,
						 struct err *e)
{
	struct admin_operator op = { 0 };
	char *path = NULL;
	struct table t;
	bool done;
	int rc = operator_path(args, "", &path, e);

	if (rc == 0)
	{
		rc = admin_get(args, a, path, admin_operator_rows, &op, &done, e);
	}
	free(path);
	if (rc < 0 || done)
	{
		return rc;
	}
	table_init(&t, a, 5, titles);
	table_operator(&t, a, &op);
	table_print(&t);
	if (op.certified)
	{
		printf("\nThe certificate's serial is %llu, its key's SHA-256 %s.\n",
			   (unsigned long long)op.certificate.serial, op.certificate.key);
	}
	return 0;
}

ADMIN_COMMAND(admin_operator_show)
{
	struct arena *a = arena_new();
	int rc = operator_show(args, a, e);

	(void)user;
	arena_free(a);
	return rc;
}

static int whoami(const struct cli_args *args, struct arena *a, struct err *e)
{
	struct admin_whoami me = { 0 };
	bool done;
	int rc = admin_get(args, a, "/v1/whoami", admin_whoami_rows, &me, &done,
					   e);

	if (rc == 0 && !done)
	{
		printf("%s, %s\n", me.actor, roles(a, me.role, me.grants,
										   me.grant_count));
	}
	return rc;
}

ADMIN_COMMAND(admin_whoami)
{
	struct arena *a = arena_new();
	int rc = whoami(args, a, e);

	(void)user;
	arena_free(a);
	return rc;
}

/* ---- certificates ------------------------------------------------------------------ */

/* The base64 between the lines of a PEM file; in a. */
static int csr_digits(struct arena *a, const char *file, char **digits,
					  struct err *e)
{
	char *pem, *at, *end;
	size_t len, n = 0;
	int rc = file_read(file, CSR_FILE_MAX, &pem, &len, e);

	if (rc < 0)
	{
		return rc;
	}
	at = strstr(pem, "-----BEGIN ");
	at = at ? strstr(at, "REQUEST-----") : NULL;
	end = at ? strstr(at, "-----END ") : NULL;
	if (!end)
	{
		rc = err_set(e, -EINVAL, ERR_USAGE, file,
					 "no certificate request in PEM");
	}
	else
	{
		*digits = arena_calloc(a, (size_t)(end - at) + 1, 1);
		for (at += strlen("REQUEST-----"); at < end; at++)
		{
			if (*at > ' ' && *at < 0x7f)
			{
				(*digits)[n++] = *at;
			}
		}
	}
	free(pem);
	return rc;
}

static int print_pem(const char *digits, struct err *e)
{
	printf("-----BEGIN CERTIFICATE-----\n");
	for (size_t len; *digits; digits += len)
	{
		len = strlen(digits);
		len = len < PEM_COLUMNS ? len : PEM_COLUMNS;
		printf("%.*s\n", (int)len, digits);
	}
	printf("-----END CERTIFICATE-----\n");
	return fflush(stdout) == 0 ? 0
		: err_set(e, -EIO, ERR_IO, "stdout", "the certificate was not "
				  "written");
}

static int read_certificate(struct json_in *in, struct json_object *value,
							const struct json_path *path, void *out)
{
	static const struct json_row row = {
		.name = "certificate", .kind = JSON_TEXT, .required = true, .min = 1,
		.max = 16384
	};

	return json_read_one(in, value, path, &row, out);
}

static int certificate(const struct cli_args *args, struct arena *a,
					   const char *path, struct err *e)
{
	static const struct json_limits limits = {
		.bytes = 64 * 1024, .depth = 4, .values = 100, .members = 32,
		.string = 16384, .containers = 8
	};
	struct text answer = { 0 }, body;
	struct json_out o = { 0 };
	char *digits = NULL, *made = NULL;
	int rc = csr_digits(a, cli_opt(args, "--csr"), &digits, e);

	jo_object(&o, NULL);
	jo_str(&o, "csr", digits ? digits : "");
	jo_object_end(&o);
	body = jo_take(&o);
	if (rc == 0)
	{
		rc = admin_request(args, "POST", path, text_str(&body), &answer, e);
	}
	if (rc == 0 && admin_json(args))
	{
		fputs(text_str(&answer), stdout);
	}
	else if (rc == 0 &&
			 (rc = json_read_text(a, text_str(&answer), answer.len, &limits,
								  read_certificate, &made, NULL, e)) == 0)
	{
		rc = print_pem(made, e);
	}
	text_done(&answer);
	text_done(&body);
	return rc;
}

ADMIN_COMMAND(admin_operator_certificate)
{
	struct arena *a = arena_new();
	char *path = NULL;
	int rc = operator_path(args, "/certificate", &path, e);

	(void)user;
	if (rc == 0 && !cli_opt(args, "--csr"))
	{
		rc = err_set(e, -EINVAL, ERR_USAGE, "--csr", "this option is needed");
	}
	if (rc == 0)
	{
		rc = certificate(args, a, path, e);
	}
	free(path);
	arena_free(a);
	return rc;
}
