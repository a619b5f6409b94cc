/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * check.c - looks at a state directory, and tells what is wrong with it
 */
#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "alloc.h"
#include "json_out.h"
#include "seal.h"
#include "server/ca.h"
#include "server/check.h"
#include "server/state.h"
#include "server/store.h"

#define TOLD_MAX 100
#define FILE_COPY "check.db.tmp"

/* ---- notes ------------------------------------------------------------------------ */

static struct check_line *line_of(struct check *check, const char *name)
{
	struct check_line *line;

	for (size_t i = 0; i < check->line_count; i++)
	{
		if (strcmp(check->lines[i].check, name) == 0)
		{
			return &check->lines[i];
		}
	}
	check->lines = xrealloc(check->lines, check->line_count + 1,
							sizeof(*check->lines));
	line = &check->lines[check->line_count++];
	*line = (struct check_line){ .check = arena_strdup(check->arena, name) };
	return line;
}

/* A damaged database may say anything. */
static char *printable(struct check *check, const char *text)
{
	char *copy = arena_strdup(check->arena, text);

	for (char *p = copy; *p; p++)
	{
		if (*p < ' ' || *p > '~')
		{
			*p = '?';
		}
	}
	return copy;
}

static void on_checked(void *user, const char *name, uint64_t count)
{
	line_of(user, name)->count = count;
}

static void on_fault(void *user, const char *name, const char *where,
					 const char *text)
{
	struct check *check = user;
	struct check_line *line = line_of(check, name);

	if (!line->faults)
	{
		line->faults = arena_calloc(check->arena, TOLD_MAX,
									sizeof(*line->faults));
	}
	if (line->told < TOLD_MAX)
	{
		line->faults[line->told++] = (struct check_fault){
			.where = printable(check, where), .text = printable(check, text)
		};
	}
	line->fault_count++;
	check->fault_count++;
}

static void on_error(struct check *check, const char *name,
					 const struct err *e)
{
	on_fault(check, name, e->where, e->text);
}

/* ---- files, certificates -------------------------------------------------------------- */

static void check_files(const struct server_conf *conf, struct check *check)
{
	static const char *const files[] = {
		CONF_FILE_DATABASE, CONF_FILE_KEK, CONF_FILE_CA_CERT, CONF_FILE_CA_KEY,
		CONF_FILE_CERT, CONF_FILE_KEY, CONF_FILE_INSTANCE
	};
	const size_t count = sizeof(files) / sizeof(*files);

	for (size_t i = 0; i < count; i++)
	{
		char *path = server_conf_path(conf, files[i]);
		struct stat st;

		if (lstat(path, &st))
		{
			on_fault(check, "files", path, strerror(errno));
		}
		else if (!S_ISREG(st.st_mode) || st.st_mode & 077)
		{
			on_fault(check, "files", path,
					 "not a plain file that only its owner can read");
		}
		free(path);
	}
	on_checked(check, "files", count);
}

static void check_certificates(const struct server_conf *conf,
							   struct check *check)
{
	char *ca_cert = server_conf_path(conf, CONF_FILE_CA_CERT);
	char *ca_key = server_conf_path(conf, CONF_FILE_CA_KEY);
	char *cert = server_conf_path(conf, CONF_FILE_CERT);
	char *key = server_conf_path(conf, CONF_FILE_KEY);
	struct ca *ca = NULL;
	struct err e = { 0 };

	if (ca_load(ca_cert, ca_key, &ca, &e) ||
		ca_check_server(ca, cert, key, &e))
	{
		on_error(check, "certificates", &e);
	}
	on_checked(check, "certificates", 2);
	ca_free(ca);
	free(ca_cert);
	free(ca_key);
	free(cert);
	free(key);
}

/* ---- database --------------------------------------------------------------------------- */

static void remove_copy(const char *path)
{
	static const char *const ends[] = { "", "-wal", "-shm", "-journal" };

	for (size_t i = 0; i < sizeof(ends) / sizeof(*ends); i++)
	{
		char *name = xasprintf("%s%s", path, ends[i]);

		unlink(name);
		free(name);
	}
}

static int verify(const struct server_conf *conf, const char *database,
				  const struct seal_key *kek, struct check *check,
				  struct err *e)
{
	const struct store_verifier verifier = {
		.user = check, .checked = on_checked, .fault = on_fault
	};
	const struct model_management management = server_conf_management(conf);
	struct store *store;
	int rc = store_open(database, kek, &store, e);

	if (!rc)
	{
		rc = store_verify(store, &management, &verifier, e);
		store_close(store);
	}
	return rc;
}

/* Opening upgrades: that is for the server to do, here it is tried on a copy. */
static int verify_copy(const struct server_conf *conf, const char *database,
					   const struct seal_key *kek, struct check *check,
					   struct err *e)
{
	char *copy = server_conf_path(conf, FILE_COPY);
	int rc;

	remove_copy(copy);
	rc = store_copy(database, copy, e);
	if (!rc)
	{
		rc = verify(conf, copy, kek, check, e);
	}
	remove_copy(copy);
	free(copy);
	return rc;
}

static void check_database(const struct server_conf *conf,
						   struct check *check)
{
	char *database = server_conf_path(conf, CONF_FILE_DATABASE);
	struct store_facts facts = { 0 };
	struct seal_key kek;
	struct err e = { 0 };
	int rc = seal_init(&e);

	if (!rc)
	{
		rc = store_facts(database, &facts, &e);
	}
	check->epoch = facts.epoch;
	check->revision = facts.revision;
	check->upgrade = facts.upgrade;
	if (!rc && (rc = state_kek(conf, &kek, &e)) == 0)
	{
		rc = facts.upgrade ? verify_copy(conf, database, &kek, check, &e)
						   : verify(conf, database, &kek, check, &e);
		seal_key_wipe(&kek);
	}
	if (rc)
	{
		on_error(check, "database", &e);
	}
	on_checked(check, "database", 1);
	free(database);
}

void check_run(const struct server_conf *conf, struct check *check)
{
	memset(check, 0, sizeof(*check));
	check->arena = arena_new();
	check_files(conf, check);
	check_certificates(conf, check);
	check_database(conf, check);
}

void check_done(struct check *check)
{
	arena_free(check->arena);
	free(check->lines);
	memset(check, 0, sizeof(*check));
}

/* ---- telling -------------------------------------------------------------------------------- */

int check_verdict(const struct check *check, enum err_code code, struct err *e)
{
	for (size_t i = 0; i < check->line_count; i++)
	{
		const struct check_line *line = &check->lines[i];

		if (line->told)
		{
			return err_set(e, -EINVAL, code, line->faults[0].where,
						   "%s: %s (%" PRIu64 " faults in all)", line->check,
						   line->faults[0].text, check->fault_count);
		}
	}
	return 0;
}

void check_print(const struct check *check)
{
	for (size_t i = 0; i < check->line_count; i++)
	{
		const struct check_line *line = &check->lines[i];

		printf("%-6s %-18s %" PRIu64 "\n", line->fault_count ? "FAULT" : "ok",
			   line->check, line->count);
		for (size_t k = 0; k < line->told; k++)
		{
			printf("       %s: %s\n", line->faults[k].where,
				   line->faults[k].text);
		}
		if (line->told < line->fault_count)
		{
			printf("       and %" PRIu64 " more\n",
				   line->fault_count - line->told);
		}
	}
	if (check->upgrade)
	{
		printf("The next start of the server upgrades the database; that was "
			   "tried on a copy.\n");
	}
	printf("%s: epoch %" PRIu64 ", revision %" PRIu64 "\n",
		   check->fault_count ? "FAULTS" : "OK", check->epoch,
		   check->revision);
}

void check_print_json(const struct check *check)
{
	struct json_out o = { 0 };
	struct text text;

	jo_object(&o, NULL);
	jo_bool(&o, "ok", check->fault_count == 0);
	jo_u64(&o, "epoch", check->epoch);
	jo_u64(&o, "revision", check->revision);
	jo_bool(&o, "upgrade", check->upgrade);
	jo_array(&o, "checks");
	for (size_t i = 0; i < check->line_count; i++)
	{
		const struct check_line *line = &check->lines[i];

		jo_object(&o, NULL);
		jo_str(&o, "check", line->check);
		jo_u64(&o, "count", line->count);
		jo_u64(&o, "fault-count", line->fault_count);
		jo_array(&o, "faults");
		for (size_t k = 0; k < line->told; k++)
		{
			jo_object(&o, NULL);
			jo_str(&o, "where", line->faults[k].where);
			jo_str(&o, "text", line->faults[k].text);
			jo_object_end(&o);
		}
		jo_array_end(&o);
		jo_object_end(&o);
	}
	jo_array_end(&o);
	jo_object_end(&o);
	text = jo_take(&o);
	printf("%s\n", text_str(&text));
	text_done(&text);
}
