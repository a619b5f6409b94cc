/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * operate.c - what the commands on a state directory say
 */
#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "alloc.h"
#include "server/backup.h"
#include "server/check.h"
#include "server/operate.h"
#include "server/rekey.h"
#include "server/restore.h"
#include "server/state.h"

#define CONFIG_ROW { "--config", "FILE", "configuration file (" CONF_PATH ")" }
#define END_ROW { NULL, NULL, NULL }

const struct cli_option operate_check_options[] = {
	CONFIG_ROW,
	{ "--json", NULL, "for programs" },
	END_ROW
};

const struct cli_option operate_backup_options[] = {
	CONFIG_ROW,
	{ "--with-keys", NULL, "the keys too: the file then holds every secret" },
	END_ROW
};

const struct cli_option operate_restore_options[] = {
	{ "--state-dir", "DIR", "where to (" CONF_STATE_DIR ")" },
	{ "--keys", "DIR", "kek.key, ca.key, server.key for a backup without" },
	{ "--force", NULL, "over a server that was made here: put it aside" },
	END_ROW
};

const struct cli_option operate_key_options[] = {
	CONFIG_ROW,
	END_ROW
};

int operate_read_conf(const struct cli_args *args, struct server_conf *conf,
					  struct err *e)
{
	const char *path = cli_opt(args, "--config");
	int rc;

	server_conf_init(conf);
	rc = server_conf_read(conf, path ? path : CONF_PATH, e);
	if (!rc)
	{
		rc = server_conf_instance(conf, e);
	}
	return rc;
}

/* Who it was, for the audit: as operators on the admin socket are named. */
static const char *actor(char out[96])
{
	const struct passwd *user = getpwuid(getuid());

	if (user)
	{
		snprintf(out, 96, "unix:%.80s", user->pw_name);
	}
	else
	{
		snprintf(out, 96, "unix:%lu", (unsigned long)getuid());
	}
	return out;
}

/* ---- check ------------------------------------------------------------------------ */

static int check_as_owner(const struct server_conf *conf, bool json,
						  struct err *e)
{
	struct check check;
	int lock, rc = state_become_owner(conf->state_dir, e);

	if (!rc)
	{
		rc = state_lock(conf, false, &lock, e);
	}
	if (!rc)
	{
		check_run(conf, &check);
		if (json)
		{
			check_print_json(&check);
		}
		else
		{
			check_print(&check);
		}
		rc = check_verdict(&check, ERR_DATABASE, e);
		check_done(&check);
		close(lock);
	}
	state_become_self();
	return rc;
}

int operate_check(const struct cli_args *args, void *user, struct err *e)
{
	struct server_conf conf;
	int rc = operate_read_conf(args, &conf, e);

	(void)user;
	umask(077);
	if (!rc)
	{
		rc = check_as_owner(&conf, cli_opt(args, "--json") != NULL, e);
	}
	server_conf_done(&conf);
	return rc;
}

/* ---- backup ------------------------------------------------------------------------ */

static void tell_backup(const char *file, bool keys,
						const struct store_facts *facts)
{
	printf("%s holds epoch %" PRIu64 ", revision %" PRIu64 ".\n", file,
		   facts->epoch, facts->revision);
	if (keys)
	{
		printf("It holds the KEYS too: whoever reads it has every secret of "
			   "every VPN,\nand can speak as this server.\n");
	}
	else
	{
		printf("No keys are in it, and what is secret is sealed. To restore it, "
			   "%s, %s\nand %s are needed: keep a copy of them in another "
			   "place.\n", CONF_FILE_KEK, CONF_FILE_CA_KEY, CONF_FILE_KEY);
	}
}

int operate_backup(const struct cli_args *args, void *user, struct err *e)
{
	const bool keys = cli_opt(args, "--with-keys") != NULL;
	struct store_facts facts;
	struct server_conf conf;
	int rc = operate_read_conf(args, &conf, e);

	(void)user;
	if (!rc)
	{
		rc = backup_write(&conf, cli_arg(args, 0), keys, &facts, e);
	}
	if (!rc)
	{
		tell_backup(cli_arg(args, 0), keys, &facts);
	}
	server_conf_done(&conf);
	return rc;
}

/* ---- restore ------------------------------------------------------------------------ */

static void tell_restore(const struct server_conf *conf,
						 const struct restore *r)
{
	printf("%s holds the backup: revision %" PRIu64 ", of the new epoch "
		   "%" PRIu64 ",\nwhich routers take although they may know later "
		   "revisions.\n", conf->state_dir, r->revision, r->epoch);
	if (*r->aside)
	{
		printf("What was there before is in %s\n", r->aside);
	}
	printf("What was changed after the backup is lost: also removals. Routers "
		   "that enrolled\nlater, and those with a bundle that is not used yet, "
		   "need a new bundle.\nNow start the server.\n");
}

int operate_restore(const struct cli_args *args, void *user, struct err *e)
{
	const char *dir = cli_opt(args, "--state-dir");
	struct server_conf conf;
	char who[96];
	struct restore r = {
		.file = cli_arg(args, 0), .keys_dir = cli_opt(args, "--keys"),
		.force = cli_opt(args, "--force") != NULL, .actor = actor(who)
	};
	int rc;

	(void)user;
	server_conf_init(&conf);
	rc = dir ? server_conf_set(&conf, "state-dir", dir, e) : 0;
	if (!rc)
	{
		rc = restore_run(&conf, &r, e);
	}
	if (!rc)
	{
		tell_restore(&conf, &r);
	}
	server_conf_done(&conf);
	return rc;
}

/* ---- key rotate ----------------------------------------------------------------------- */

int operate_key_rotate(const struct cli_args *args, void *user, struct err *e)
{
	struct server_conf conf;
	uint64_t count;
	char who[96];
	int rc = operate_read_conf(args, &conf, e);

	(void)user;
	umask(077);
	if (!rc)
	{
		rc = rekey(&conf, actor(who), &count, e);
	}
	if (!rc)
	{
		printf("%" PRIu64 " secrets are sealed with a new key, in %s/%s.\n"
			   "Keep a copy of it in another place, and make a backup: older "
			   "backups open with\nthe old key only, which is not here any "
			   "more.\n", count, conf.state_dir, CONF_FILE_KEK);
	}
	server_conf_done(&conf);
	return rc;
}
