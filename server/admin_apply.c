/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * admin_apply.c - a customer as one file, and what a change comes to
 */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "alloc.h"
#include "json_in.h"
#include "name.h"
#include "server/admin.h"
#include "server/admin_yaml.h"

#define ROWS_SHOWN 100	/* of each table; --json has them all */
#define U53_MAX UINT64_C(9007199254740991)

static const struct json_limits limits = {
	.bytes = 256u * 1024 * 1024, .depth = YAML_DEPTH_MAX,
	.values = 50 * 1000 * 1000, .containers = 5 * 1000 * 1000,
	.members = JSON_SCAN_MEMBERS_MAX, .string = 64 * 1024
};

/* ---- what a change comes to --------------------------------------------------- */

enum change { ADDED, REMOVED, CHANGED, REKEYED, ROTATING, CHANGE_COUNT };
static const char *const changes[] = {
	"added", "removed", "changed", "rekeyed", "rotating", NULL
};

struct told { char *customer, *ce; };
struct tunnel
{
	char *customer, *vpn;
	char **sites;
	size_t site_count;
	int change;
};
struct object
{
	char *kind, *place;
	int change;
};

struct effects
{
	uint64_t revision;
	bool dry_run, changed, says_changed;
	uint64_t ces_told, by_change[CHANGE_COUNT], already;
	struct told *ces;
	size_t ce_count;
	struct tunnel *tunnels;
	size_t tunnel_count;
	struct object *objects;
	size_t object_count;
};

#define ROW(row_name, row_kind, type, member) \
	.name = (row_name), .kind = (row_kind), .offset = offsetof(type, member)
#define LABEL(row_name, type, member) \
	{ ROW(row_name, JSON_LABEL, type, member), .required = true }
#define COUNT(row_name, member) \
	{ ROW(row_name, JSON_U64, struct effects, member), .max = U53_MAX }
#define LIST(row_name, type, member, count, function, elem, least, most) \
	.name = (row_name), .kind = JSON_ARRAY, .offset = offsetof(type, member), \
	.min = (least), .max = (most), .fn = (function), \
	.elem_size = sizeof(elem), .count_offset = offsetof(type, count)

static int read_told(struct json_in *in, struct json_object *value,
					 const struct json_path *path, void *out)
{
	static const struct json_row rows[] = {
		LABEL("customer", struct told, customer),
		LABEL("ce", struct told, ce),
		{ .name = NULL }
	};

	return json_read_object(in, value, path, rows, out);
}

static int read_label(struct json_in *in, struct json_object *value,
					  const struct json_path *path, void *out)
{
	static const struct json_row row = { .kind = JSON_LABEL };

	return json_read_value(in, value, path, &row, out);
}

static int read_tunnel(struct json_in *in, struct json_object *value,
					   const struct json_path *path, void *out)
{
	static const struct json_row rows[] = {
		LABEL("customer", struct tunnel, customer),
		LABEL("vpn", struct tunnel, vpn),
		{ LIST("sites", struct tunnel, sites, site_count, read_label, char *,
			   2, 2), .required = true },
		{ ROW("change", JSON_ENUM, struct tunnel, change), .required = true,
		  .names = changes },
		{ .name = NULL }
	};

	return json_read_object(in, value, path, rows, out);
}

static int read_object(struct json_in *in, struct json_object *value,
					   const struct json_path *path, void *out)
{
	static const struct json_row rows[] = {
		{ ROW("kind", JSON_TOKEN, struct object, kind), .required = true,
		  .min = 1, .max = 63 },
		{ ROW("place", JSON_TEXT, struct object, place), .required = true,
		  .max = 511 },
		{ ROW("change", JSON_ENUM, struct object, change), .required = true,
		  .names = changes },
		{ .name = NULL }
	};

	return json_read_object(in, value, path, rows, out);
}

static int read_effects(struct json_in *in, struct json_object *value,
						const struct json_path *path, void *out)
{
	static const struct json_row rows[] = {
		{ ROW("revision", JSON_U64, struct effects, revision),
		  .required = true, .max = U53_MAX },
		{ ROW("dry-run", JSON_BOOL, struct effects, dry_run) },
		{ ROW("changed", JSON_BOOL, struct effects, changed),
		  .present_offset = offsetof(struct effects, says_changed) },
		COUNT("ces-told", ces_told),
		COUNT("tunnels-added", by_change[ADDED]),
		COUNT("tunnels-removed", by_change[REMOVED]),
		COUNT("tunnels-changed", by_change[CHANGED]),
		COUNT("tunnels-rekeyed", by_change[REKEYED]),
		COUNT("tunnels-rotating", by_change[ROTATING]),
		COUNT("rotating-already", already),
		{ LIST("ces", struct effects, ces, ce_count, read_told, struct told,
			   0, UINT32_MAX) },
		{ LIST("tunnels", struct effects, tunnels, tunnel_count, read_tunnel,
			   struct tunnel, 0, UINT32_MAX) },
		{ LIST("objects", struct effects, objects, object_count, read_object,
			   struct object, 0, UINT32_MAX) },
		{ .name = NULL }
	};

	return json_read_object(in, value, path, rows, out);
}

/* Counts that were not said are those of the lists. */
static void complete(struct effects *f)
{
	uint64_t said = 0;
	size_t i;

	for (i = 0; i < CHANGE_COUNT; i++)
	{
		said += f->by_change[i];
	}
	for (i = 0; said == 0 && i < f->tunnel_count; i++)
	{
		f->by_change[f->tunnels[i].change]++;
	}
	if (f->ces_told == 0)
	{
		f->ces_told = f->ce_count;
	}
	if (!f->says_changed)
	{
		f->changed = true;
	}
}

static void print_rest(size_t count)
{
	if (count > ROWS_SHOWN)
	{
		printf("... and %zu more (--json shows them all)\n",
			   count - ROWS_SHOWN);
	}
}

static void print_objects(const struct effects *f, struct arena *a)
{
	static const char *const titles[] = { "CHANGE", "KIND", "PLACE" };
	struct table t;
	size_t i;

	table_init(&t, a, 3, titles);
	for (i = 0; i < f->object_count && i < ROWS_SHOWN; i++)
	{
		table_add(&t, changes[f->objects[i].change]);
		table_add(&t, f->objects[i].kind);
		table_add(&t, f->objects[i].place);
	}
	printf("\n");
	table_print(&t);
	print_rest(f->object_count);
}

static void print_tunnels(const struct effects *f, struct arena *a)
{
	static const char *const titles[] = { "CHANGE", "VPN", "TUNNEL" };
	const struct tunnel *tunnel;
	struct table t;
	size_t i;

	table_init(&t, a, 3, titles);
	for (i = 0; i < f->tunnel_count && i < ROWS_SHOWN; i++)
	{
		tunnel = &f->tunnels[i];
		table_add(&t, changes[tunnel->change]);
		table_add(&t, arena_printf(a, "%s/%s", tunnel->customer,
								   tunnel->vpn));
		table_add(&t, arena_printf(a, "%s %s", tunnel->sites[0],
								   tunnel->sites[1]));
	}
	printf("\n");
	table_print(&t);
	print_rest(f->tunnel_count);
}

static void print_told(const struct effects *f, struct arena *a)
{
	static const char *const titles[] = { "ROUTER THAT IS TOLD" };
	struct table t;
	size_t i;

	table_init(&t, a, 1, titles);
	for (i = 0; i < f->ce_count && i < ROWS_SHOWN; i++)
	{
		table_add(&t, arena_printf(a, "%s/%s", f->ces[i].customer,
								   f->ces[i].ce));
	}
	printf("\n");
	table_print(&t);
	print_rest(f->ce_count);
}

static void print_summary(const struct effects *f)
{
	bool any = false;
	size_t i;

	printf("routers told: %llu; tunnels:", (unsigned long long)f->ces_told);
	for (i = 0; i < CHANGE_COUNT; i++)
	{
		if (f->by_change[i])
		{
			printf("%s %llu %s", any ? "," : "",
				   (unsigned long long)f->by_change[i], changes[i]);
			any = true;
		}
	}
	printf(any ? "\n" : " as they were\n");
	if (f->already)
	{
		printf("tunnels whose keys are being changed already: %llu\n",
			   (unsigned long long)f->already);
	}
}

int admin_print_effects(const struct text *answer, const char *what,
						bool *changed, struct err *e)
{
	struct arena *a = arena_new();
	struct effects f = { 0 };
	int rc = json_read_text(a, text_str(answer), answer->len, &limits,
							read_effects, &f, NULL, e);

	if (rc < 0)
	{
		err_prefix(e, "the server's answer is not understood (are both of one "
				   "version?)");
		arena_free(a);
		return rc;
	}
	complete(&f);
	if (changed)
	{
		*changed = f.changed;
	}
	if (!f.changed)
	{
		printf("%s: nothing changes (revision %llu)\n", what,
			   (unsigned long long)f.revision);
	}
	else
	{
		printf(f.dry_run ? "%s: would be changed (now revision %llu)\n"
			   : "%s: changed (revision %llu)\n", what,
			   (unsigned long long)f.revision);
		print_summary(&f);
		if (f.object_count)
		{
			print_objects(&f, a);
		}
		if (f.tunnel_count)
		{
			print_tunnels(&f, a);
		}
		if (f.ce_count)
		{
			print_told(&f, a);
		}
	}
	arena_free(a);
	return 0;
}

/* ---- the file ------------------------------------------------------------------- */

/* Standard input for "-"; a pipe is as good as a file. */
static int read_file(const char *path, struct text *out, struct err *e)
{
	bool input = strcmp(path, "-") == 0;
	FILE *file = input ? stdin : fopen(path, "re");
	char buf[16384];
	size_t len = 0;
	int rc = 0;

	if (file)
	{
		while (out->len <= YAML_BYTES_MAX &&
			   (len = fread(buf, 1, sizeof(buf), file)) > 0)
		{
			text_addn(out, buf, len);
		}
	}
	if (!file || ferror(file))
	{
		rc = -errno;
		err_set(e, rc, ERR_IO, input ? "standard input" : path,
				"it cannot be read: %s", strerror(errno));
	}
	if (file && !input)
	{
		fclose(file);
	}
	return rc;
}

/* "acme.yaml, line 3, column 5" */
static int name_file(const char *path, int rc, struct err *e)
{
	char where[sizeof(e->where)];
	struct err was = *e;

	snprintf(where, sizeof(where), "%.80s, %.44s",
			 strcmp(path, "-") == 0 ? "standard input" : path, was.where);
	return err_set(e, rc, was.code, where, "%s", was.text);
}

struct head
{
	char *customer, *schema;
	char *skipped;
	size_t skipped_count;
};

static int skip(struct json_in *in, struct json_object *value,
				const struct json_path *path, void *out)
{
	(void)in;
	(void)value;
	(void)path;
	(void)out;
	return 0;
}

/* Whose file it is: the rest is the server's to read. */
static int read_head(struct json_in *in, struct json_object *value,
					 const struct json_path *path, void *out)
{
	static const struct json_row rows[] = {
		{ ROW("schema", JSON_TEXT, struct head, schema), .required = true,
		  .min = 1, .max = 63 },
		LABEL("customer", struct head, customer),
		{ ROW("description", JSON_TEXT, struct head, skipped),
		  .max = UINT32_MAX },
		{ ROW("external-id", JSON_TEXT, struct head, skipped),
		  .max = UINT32_MAX },
		{ LIST("ces", struct head, skipped, skipped_count, skip, char, 0,
			   UINT32_MAX) },
		{ LIST("vpns", struct head, skipped, skipped_count, skip, char, 0,
			   UINT32_MAX) },
		{ .name = NULL }
	};

	return json_read_object(in, value, path, rows, out);
}

/* ---- commands ------------------------------------------------------------------- */

static bool confirmed(void)
{
	char line[16];

	printf("\nApply? [y/N] ");
	fflush(stdout);
	return fgets(line, sizeof(line), stdin) &&
		(strcmp(line, "y\n") == 0 || strcmp(line, "yes\n") == 0);
}

/* Send it and print what it comes to; dry: only look. */
static int put(const struct cli_args *args, const char *customer,
			   const struct text *json, bool dry, bool *changed,
			   struct err *e)
{
	struct text answer = { 0 };
	char *path = xasprintf("/v1/config/%s?%s", customer,
						   dry ? "dry-run=yes" : "effects=yes");
	int rc = admin_request(args, "PUT", path, text_str(json),
						   &answer, e);

	if (rc == 0 && admin_json(args))
	{
		fputs(text_str(&answer), stdout);
	}
	else if (rc == 0)
	{
		rc = admin_print_effects(&answer, customer, changed, e);
	}
	free(path);
	text_done(&answer);
	return rc;
}

static int apply(const struct cli_args *args, const char *file,
				 const char *customer, const struct text *json, struct err *e)
{
	bool changed = true;
	int rc;

	if (cli_opt(args, "--dry-run") || cli_opt(args, "--yes"))
	{
		return put(args, customer, json, cli_opt(args, "--dry-run") != NULL,
				   NULL, e);
	}
	if (strcmp(file, "-") == 0 || admin_json(args) || !isatty(STDIN_FILENO))
	{
		return err_set(e, -EINVAL, ERR_USAGE, "apply", "nobody can be asked "
					   "here: --dry-run shows what would change, --yes does "
					   "it");
	}
	rc = put(args, customer, json, true, &changed, e);
	if (rc < 0 || !changed)
	{
		return rc;
	}
	if (!confirmed())
	{
		return err_set(e, -ECANCELED, ERR_USAGE, customer,
					   "nothing was changed");
	}
	printf("\n");
	return put(args, customer, json, false, NULL, e);
}

ADMIN_COMMAND(admin_apply)
{
	const char *file = cli_opt(args, "-f");
	struct text yaml = { 0 }, json = { 0 };
	struct head head = { 0 };
	struct arena *a = arena_new();
	int rc;

	(void)user;
	if (!file)
	{
		rc = err_set(e, -EINVAL, ERR_USAGE, "-f", "this option is needed");
	}
	else if ((rc = read_file(file, &yaml, e)) == 0 &&
			 ((rc = yaml_to_json(text_str(&yaml), yaml.len, &json, e)) < 0 ||
			  (rc = json_read_text(a, text_str(&json), json.len, &limits,
								   read_head, &head, NULL, e)) < 0))
	{
		name_file(file, rc, e);
	}
	else if (rc == 0)
	{
		rc = apply(args, file, head.customer, &json, e);
	}
	arena_free(a);
	text_done(&yaml);
	text_done(&json);
	return rc;
}

ADMIN_COMMAND(admin_export)
{
	char names[1][NAME_SIZE], *path;
	struct text answer = { 0 }, yaml = { 0 };
	int rc = place_parse(cli_arg(args, 0), 1, names, "CUSTOMER", e);

	(void)user;
	if (rc < 0)
	{
		return rc;
	}
	path = xasprintf("/v1/config/%s", names[0]);
	rc = admin_request(args, "GET", path, NULL, &answer, e);
	if (rc == 0 && admin_json(args))
	{
		fputs(text_str(&answer), stdout);
	}
	else if (rc == 0 &&
			 (rc = json_to_yaml(text_str(&answer), answer.len, &yaml, e)) == 0)
	{
		fputs(text_str(&yaml), stdout);
	}
	free(path);
	text_done(&answer);
	text_done(&yaml);
	return rc;
}
