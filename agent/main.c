/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) 2026 The ppvpn authors */
/*
 * main.c - ppvpn-agent: the command line, nothing else
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "agent.h"
#include "cli.h"
#include "seal.h"

#define CONF_DEFAULT "/etc/ppvpn/agent.conf"
#define APPROVAL_S 5		/* between two questions */

static const char *conf_path(const struct cli_args *args)
{
	const char *path = cli_opt(args, "--config");

	return path ? path : CONF_DEFAULT;
}

static int cmd_run(const struct cli_args *args, void *user, struct err *e)
{
	int *status = user;

	(void)e;
	log_init("ppvpn-agent", LOG_LEVEL_INFO);
	*status = agent_run(conf_path(args));
	return 0;
}

static int cmd_check(const struct cli_args *args, void *user, struct err *e)
{
	struct conf conf = {0};
	int rc = conf_read(conf_path(args), &conf, e);

	(void)user;
	if (rc == 0)
	{
		printf("%s: OK, %zu VPNs\n", conf_path(args), conf.vpn_count);
	}
	conf_done(&conf);
	return rc;
}

static int enroll(const char *bundle, bool force, const struct conf *conf,
				  struct err *e)
{
	struct identity id = {0};
	int rc = identity_enroll(conf->state_dir, bundle, force,
							 !conf->keep_clock, e);

	if (rc == 0)
	{
		rc = identity_load(conf->state_dir, &id, e);
	}
	if (rc == 0)
	{
		printf("enrolled as %s with %s\nnext: systemctl enable --now "
			   "ppvpn-agent; ppvpnctl status\n", id.ce, id.servers[0]);
	}
	identity_done(&id);
	return rc;
}

/* An operator may have to approve. */
static int enroll_patiently(const char *bundle, bool force,
							const struct conf *conf, struct err *e)
{
	bool told = false;
	int rc;

	while ((rc = enroll(bundle, force, conf, e)) == -EINPROGRESS)
	{
		if (!told)
		{
			fprintf(stderr, "%s\n", e->text);
			told = true;
		}
		sleep(APPROVAL_S);
	}
	return rc;
}

static int cmd_enroll(const struct cli_args *args, void *user, struct err *e)
{
	const char *bundle = cli_opt(args, "--bundle");
	struct conf conf = {0};
	int rc;

	(void)user;
	if (!bundle)
	{
		return err_set(e, -1, ERR_USAGE, "enroll", "--bundle FILE is needed: "
					   "the file that the provider's \"ppvpn-admin ce bundle\" "
					   "printed");
	}
	rc = conf_read(conf_path(args), &conf, e);
	if (rc == 0)
	{
		rc = seal_init(e);
	}
	if (rc == 0)
	{
		rc = enroll_patiently(bundle, cli_opt(args, "--force") != NULL, &conf,
							  e);
	}
	conf_done(&conf);
	return rc;
}

static const struct cli_option common[] = {
	{ "--config", "FILE", "agent.conf (default " CONF_DEFAULT ")" },
	{ NULL, NULL, NULL },
};

static const struct cli_option enroll_options[] = {
	{ "--bundle", "FILE", "the provider's one-time bundle; -: pasted here" },
	{ "--force", NULL, "replace the credentials that are there" },
	{ NULL, NULL, NULL },
};

static const struct cli_command commands[] = {
	{ "run", "", 0, 0, "run the agent in the foreground", NULL, cmd_run },
	{ "enroll", "", 0, 0, "get this router's credentials from its provider",
	  enroll_options, cmd_enroll },
	{ "check", "", 0, 0, "check the configuration file and exit", NULL,
	  cmd_check },
	{ NULL, NULL, 0, 0, NULL, NULL, NULL },
};

int main(int argc, char *argv[])
{
	static const struct cli cli = {
		.program = "ppvpn-agent",
		.summary = "provisioning agent of a customer-edge router",
		.options = common, .commands = commands,
	};
	int status = EXIT_SUCCESS;
	int rc = cli_main(&cli, argc, argv, &status);

	return rc ? rc : status;
}
