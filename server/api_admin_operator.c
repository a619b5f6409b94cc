/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * api_admin_operator.c - operators: asked for, changed, given certificates
 */
#include "config.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"
#include "name.h"
#include "server/api_admin_ask.h"
#include "server/api_admin_change.h"
#include "server/api_admin_write.h"
#include "server/base64.h"
#include "server/ca.h"

#define GRANTS_MAX 1000
#define CSR_TEXT_MAX (2 * CA_DER_MAX)

/* ---- questions ----------------------------------------------------------------- */

static int operators(struct admin_ask *q)
{
	struct store_operator *list;
	size_t i, count;
	int rc = store_operators(q->store, q->arena, &list, &count, &q->e);

	if (rc < 0)
	{
		return rc;
	}
	jo_object(&q->o, NULL);
	jo_array(&q->o, "operators");
	for (i = 0; i < count; i++)
	{
		admin_write_operator(&q->o, &list[i]);
	}
	jo_array_end(&q->o);
	jo_object_end(&q->o);
	return 0;
}

static int operator_show(struct admin_ask *q)
{
	const char *name = http_request_segment(q->req, "operator");
	struct store_operator op;
	int rc;

	if (!name || !name_is_label(name))
	{
		return err_set(&q->e, -EINVAL, ERR_NAME, name ? name : "",
					   "not a name for a person");
	}
	rc = store_operator_get(q->store, q->arena, name, &op, &q->e);
	if (rc == 0)
	{
		admin_write_operator(&q->o, &op);
	}
	return rc;
}

/* What the server thinks of who asks. */
static int whoami(struct admin_ask *q)
{
	const struct admin_who *who = q->who;
	size_t i;

	jo_object(&q->o, NULL);
	jo_str(&q->o, "actor", who->actor);
	if (who->operator)
	{
		jo_str(&q->o, "operator", who->operator);
	}
	jo_str(&q->o, "role", access_roles[who->access.all]);
	jo_array(&q->o, "customers");
	for (i = 0; i < who->access.grant_count; i++)
	{
		jo_object(&q->o, NULL);
		jo_str(&q->o, "customer", who->access.grants[i].customer);
		jo_str(&q->o, "role", access_roles[who->access.grants[i].role]);
		jo_object_end(&q->o);
	}
	jo_array_end(&q->o);
	jo_object_end(&q->o);
	return 0;
}

#define ASK(name, fn) \
	ADMIN_HANDLER(name) \
	{ \
		return admin_ask(req, resp, store, user, fn); \
	}

ASK(admin_operators, operators)
ASK(admin_operator, operator_show)
ASK(admin_whoami, whoami)

/* ---- changes --------------------------------------------------------------------- */

#define ROW(row_name, row_kind, type, member) \
	.name = (row_name), .kind = (row_kind), .offset = offsetof(type, member)
#define END { .name = NULL }

static int read_grant(struct json_in *in, struct json_object *value,
					  const struct json_path *path, void *out)
{
	static const struct json_row rows[] = {
		{ ROW("customer", JSON_LABEL, struct store_grant, customer),
		  .required = true },
		{ ROW("role", JSON_ENUM, struct store_grant, role), .required = true,
		  .names = access_roles },
		END
	};

	return json_read_object(in, value, path, rows, out);
}

#define OPERATOR_ROWS \
	{ ROW("description", JSON_TEXT, struct store_operator, description), \
	  .max = 255 }, \
	{ ROW("unix-user", JSON_TEXT, struct store_operator, unix_user), \
	  .max = STORE_UNIX_USER_MAX }, \
	{ ROW("role", JSON_ENUM, struct store_operator, role), \
	  .names = access_roles }, \
	{ ROW("customers", JSON_ARRAY, struct store_operator, grants), \
	  .max = GRANTS_MAX, .fn = read_grant, \
	  .elem_size = sizeof(struct store_grant), \
	  .count_offset = offsetof(struct store_operator, grant_count) }, \
	END

static int operator_add(struct admin_change *c)
{
	static const struct json_row rows[] = {
		{ ROW("operator", JSON_LABEL, struct store_operator, operator),
		  .required = true },
		OPERATOR_ROWS
	};
	struct store_operator in = { .role = ACCESS_NONE };
	int rc = admin_read_body(c, rows, &in);

	if (rc < 0)
	{
		return rc;
	}
	(void)snprintf(c->what, sizeof(c->what), "operator add %s", in.operator);
	return store_operator_add(c->store, &in, &c->e);
}

static int operator_set(struct admin_change *c)
{
	static const struct json_row rows[] = { OPERATOR_ROWS };
	struct store_operator in;
	const char *name;
	int rc;

	if ((rc = admin_segment(c, "operator", &name)) < 0 ||
		(rc = store_operator_get(c->store, c->arena, name, &in, &c->e)) < 0 ||
		(rc = admin_read_body(c, rows, &in)) < 0)
	{
		return rc;
	}
	(void)snprintf(c->what, sizeof(c->what), "operator set %s", name);
	return store_operator_set(c->store, &in, &c->e);
}

static int operator_remove(struct admin_change *c)
{
	const char *name;
	int rc = admin_segment(c, "operator", &name);

	if (rc < 0)
	{
		return rc;
	}
	(void)snprintf(c->what, sizeof(c->what), "operator remove %s", name);
	return store_operator_remove(c->store, name, &c->e);
}

static int operator_revoke(struct admin_change *c)
{
	uint64_t serial;
	const char *name;
	int rc = admin_segment(c, "operator", &name);

	if (rc < 0)
	{
		return rc;
	}
	(void)snprintf(c->what, sizeof(c->what), "operator revoke %s", name);
	return store_operator_key_set(c->store, name, NULL, 0, &serial, &c->e);
}

/* ---- certificates ------------------------------------------------------------------ */

static int read_csr_member(struct json_in *in, struct json_object *value,
						   const struct json_path *path, void *out)
{
	static const struct json_row rows[] = {
		{ .name = "csr", .kind = JSON_TEXT, .required = true, .min = 1,
		  .max = CSR_TEXT_MAX },
		END
	};

	return json_read_object(in, value, path, rows, out);
}

/* {"csr":"base64 of PKCS#10"}; the caller frees *csr. */
static int read_csr(struct admin_change *c, struct ca_csr **csr)
{
	static const struct json_limits limits = {
		.bytes = 64 * 1024, .depth = 2, .values = 8, .members = 4,
		.string = CSR_TEXT_MAX, .containers = 2
	};
	size_t len, der_len;
	const char *body = http_request_body(c->req, &len);
	uint8_t *der;
	char *text;
	int rc;

	rc = json_read_text(c->arena, body ? body : "", len, &limits,
						read_csr_member, &text, NULL, &c->e);
	if (rc < 0)
	{
		return rc;
	}
	der = arena_calloc(c->arena, strlen(text) + 1, 1);
	if (base64_decode(text, strlen(text), der, &der_len) < 0)
	{
		return err_set(&c->e, -EINVAL, ERR_JSON_VALUE, "/csr", "not base64");
	}
	rc = ca_csr_read(der, der_len, csr, &c->e);
	if (rc < 0)
	{
		/* whatever is wrong with it, it is the asker's */
		err_prefix(&c->e, "csr");
		rc = -EINVAL;
	}
	return rc;
}

/* Only the digits of a PEM text. */
static char *pem_digits(struct arena *a, const char *pem)
{
	char *digits = arena_calloc(a, strlen(pem) + 1, 1);
	size_t len, n = 0;

	for (; *pem; pem += len + (pem[len] == '\n'))
	{
		len = strcspn(pem, "\n");
		if (strncmp(pem, "-----", 5) != 0)
		{
			memcpy(digits + n, pem, len);
			n += len;
		}
	}
	return digits;
}

static int certify(struct admin_change *c, const char *name,
				   const struct ca_csr *csr)
{
	uint64_t serial;
	char *pem;
	int rc;

	rc = store_operator_key_set(c->store, name, ca_csr_spki(csr),
								admin_now_ms() + CA_OPERATOR_LIFE_S * 1000,
								&serial, &c->e);
	if (rc < 0)
	{
		return rc;
	}
	rc = ca_issue_operator(c->api->ca, csr, name, serial, &pem, &c->e);
	if (rc == 0)
	{
		c->certificate = pem_digits(c->arena, pem);
		free(pem);
	}
	return rc;
}

static int operator_certificate(struct admin_change *c)
{
	struct ca_csr *csr = NULL;
	const char *name;
	int rc;

	if ((rc = admin_segment(c, "operator", &name)) < 0 ||
		(rc = read_csr(c, &csr)) < 0)
	{
		return rc;
	}
	(void)snprintf(c->what, sizeof(c->what), "operator certificate %s", name);
	rc = certify(c, name, csr);
	ca_csr_free(csr);
	return rc;
}

#define CHANGE(name) \
	ADMIN_HANDLER(admin_ ## name) \
	{ \
		return admin_do_change(req, resp, store, user, name); \
	}

CHANGE(operator_add)
CHANGE(operator_set)
CHANGE(operator_remove)
CHANGE(operator_revoke)
CHANGE(operator_certificate)
